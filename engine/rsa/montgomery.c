#include "engine/rsa/montgomery.h"

struct carries {
    uint64_t of_a, of_m;
};

/* One word of a row: t_(i - 1) = t_i + a_i b + m_i q. */
static inline __attribute__((always_inline)) void add_word(uint64_t *t, const uint64_t *a, uint64_t b,
    const uint64_t *m, uint64_t q, size_t i, struct carries *carries)
{
    kw_wide sum = (kw_wide)a[i] * b + t[i] + carries->of_a;

    carries->of_a = (uint64_t)(sum >> 64);
    sum = (kw_wide)m[i] * q + (uint64_t)sum + carries->of_m;
    carries->of_m = (uint64_t)(sum >> 64);
    t[i - 1] = (uint64_t)sum;
}

/* One row of the product, t = (t + a b + q m) / 2^64 with the q that makes it divisible. In: t < 2 m, num + 1
 * words. If a < m, t < 2 m again. If a is any number and all of what it is multiplied by is below m, t < a +
 * m after each row and t < 2 m after the last. Either way t has at most one bit above its num words. */
static inline __attribute__((always_inline)) void add_row(
    uint64_t *t, const uint64_t *a, uint64_t b, const uint64_t *m, uint64_t inverse, size_t num)
{
    kw_wide sum = (kw_wide)a[0] * b + t[0];
    uint64_t q = (uint64_t)sum * inverse;
    struct carries carries = {
        .of_a = (uint64_t)(sum >> 64),
        .of_m = (uint64_t)(((kw_wide)m[0] * q + (uint64_t)sum) >> 64),
    };

    /* gcc unrolls nothing by itself at -O2: a third of the time with three or four words. With many it costs.
     */
    if (__builtin_constant_p(num)) {
#pragma GCC unroll 4
        for (size_t i = 1; i < num; i++)
            add_word(t, a, b, m, q, i, &carries);
    } else {
        for (size_t i = 1; i < num; i++)
            add_word(t, a, b, m, q, i, &carries);
    }
    sum = (kw_wide)t[num] + carries.of_a + carries.of_m;
    t[num - 1] = (uint64_t)sum;
    t[num] = (uint64_t)(sum >> 64);
}

/* ret = t, or t - m if t >= m. In: t < 2 m, num + 1 words. */
static inline __attribute__((always_inline)) void reduce(
    uint64_t *ret, const uint64_t *t, const uint64_t *m, size_t num)
{
    uint64_t borrow = 0, keep;

    for (size_t i = 0; i < num; i++) {
        kw_wide difference = (kw_wide)t[i] - m[i] - borrow;
        ret[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    keep = kw_mask_less(t[num], borrow);
    for (size_t i = 0; i < num; i++)
        ret[i] = kw_mask_select(keep, t[i], ret[i]);
}

static inline __attribute__((always_inline)) void mul(
    struct kw_montgomery *montgomery, uint64_t *ret, const uint64_t *a, const uint64_t *b, size_t num)
{
    uint64_t *t = montgomery->product;

    for (size_t i = 0; i <= num; i++)
        t[i] = 0;
    if (__builtin_constant_p(num)) {
#pragma GCC unroll 4
        for (size_t i = 0; i < num; i++)
            add_row(t, a, b[i], montgomery->modulus, montgomery->inverse, num);
    } else {
        for (size_t i = 0; i < num; i++)
            add_row(t, a, b[i], montgomery->modulus, montgomery->inverse, num);
    }
    reduce(ret, t, montgomery->modulus, num);
}

/* Auxiliary primes have three or four words: loops of known length are unrolled. */
void kw_montgomery_mul(struct kw_montgomery *montgomery, uint64_t *ret, const uint64_t *a, const uint64_t *b)
{
    switch (montgomery->num) {
    case 3:
        mul(montgomery, ret, a, b, 3);
        break;
    case 4:
        mul(montgomery, ret, a, b, 4);
        break;
    default:
        mul(montgomery, ret, a, b, montgomery->num);
    }
}

void kw_montgomery_double(struct kw_montgomery *montgomery, uint64_t *ret, const uint64_t *a)
{
    uint64_t *t = montgomery->product;

    t[montgomery->num] = kw_words_add(t, a, a, montgomery->num);
    reduce(ret, t, montgomery->modulus, montgomery->num);
}

void kw_montgomery_enter(struct kw_montgomery *montgomery, uint64_t *ret, const uint64_t *a)
{
    kw_montgomery_mul(montgomery, ret, a, montgomery->r);
}

void kw_montgomery_leave(struct kw_montgomery *montgomery, uint64_t *ret, const uint64_t *a)
{
    uint64_t *t = montgomery->product;
    size_t num = montgomery->num;

    memcpy(t, a, 8 * num);
    t[num] = 0;
    for (size_t i = 0; i < num; i++)
        add_row(t, montgomery->modulus, 0, montgomery->modulus, montgomery->inverse, num);
    reduce(ret, t, montgomery->modulus, num);
}

/* Newton's iteration: each doubles the number of right bits of m^-1; m is its own inverse modulo 8. */
static uint64_t negative_inverse(uint64_t m)
{
    uint64_t inverse = m;

    for (unsigned right = 3; right < 64; right *= 2)
        inverse *= 2 - m * inverse;
    return 0 - inverse;
}

static void set_one(struct kw_montgomery *montgomery)
{
    uint64_t *one = montgomery->one;
    unsigned top = montgomery->bits - 1;

    for (size_t i = 0; i < montgomery->num; i++)
        one[i] = 0;
    one[top / 64] = (uint64_t)1 << top % 64; /* below the modulus, which is odd */
    for (size_t bit = top; bit < 64 * montgomery->num; bit++)
        kw_montgomery_double(montgomery, one, one);
}

/* R = 2^(64 num): 64 num is an odd number times a power of two, so a few doublings and then squarings. */
static void set_r(struct kw_montgomery *montgomery)
{
    size_t odd = 64 * montgomery->num, num_squarings = 0;

    for (; odd % 2 == 0; odd /= 2)
        num_squarings++;
    memcpy(montgomery->r, montgomery->one, 8 * montgomery->num);
    while (odd-- > 0)
        kw_montgomery_double(montgomery, montgomery->r, montgomery->r);
    while (num_squarings-- > 0)
        kw_montgomery_mul(montgomery, montgomery->r, montgomery->r, montgomery->r);
}

void kw_montgomery_set(struct kw_montgomery *montgomery, const uint64_t *modulus, size_t num)
{
    kw_assert(num > 0 && num <= KW_WORDS_MAX);
    montgomery->num = num;
    montgomery->bits = kw_words_bits(modulus, num);
    kw_declassify(&montgomery->bits, sizeof(montgomery->bits)); /* the length of a number is no secret */
    memcpy(montgomery->modulus, modulus, 8 * num);
    montgomery->inverse = negative_inverse(modulus[0]);
    set_one(montgomery);
    set_r(montgomery);
    kw_words_sub(montgomery->minus_one, modulus, montgomery->one, num);
}
