#include "engine/rsa/kernel_portable.h"

#include "engine/crypto.h"
#include "engine/rsa/montgomery.h"
#include "pool/secmem.h"

#include <endian.h>

/* Up to this many words our own arithmetic is faster than OpenSSL's with all that comes with a call:
 * auxiliary primes. */
#define OWN_WORDS 4u

/* Bits of the exponent that our own power takes at a time. */
#define WINDOW_BITS 4u
#define TABLE_LEN   (1u << WINDOW_BITS)

enum number { MODULUS, BASE, EXPONENT, RESULT, NUMBERS };

/* One modulus at a time: numbers tested in several rounds come again and again, so what was computed for the
 * last one is kept until another comes. */
struct portable {
    OSSL_LIB_CTX *libctx;
    BN_CTX *ctx; /* these three are NULL after a wipe, which only their end does */
    BN_CTX *
        ctx_of_mont; /* its own, since the room of the numbers that it leaves behind depends on the modulus */
    BN_MONT_CTX *mont;
    BIGNUM *numbers[NUMBERS];
    /* From here on wiped as it is. */
    size_t num; /* words of the modulus, and its length, which is no secret */
    unsigned bits;
    bool in_openssl; /* mont is for this modulus */
    bool in_own;     /* own is */
    uint64_t modulus[KW_WORDS_MAX];
    struct kw_montgomery own;
    uint64_t base[KW_WORDS_MAX];
    uint64_t exponent[KW_WORDS_MAX + 1];
    uint64_t z[KW_WORDS_MAX];
    uint64_t value[KW_WORDS_MAX + 1];
    unsigned addend_bits;              /* length of modulus that addend is for */
    uint64_t addend[KW_WORDS_MAX + 1]; /* see filter_full() */
    uint64_t table[TABLE_LEN][OWN_WORDS];
    uint8_t bytes[8 * KW_WORDS_MAX];
};

/* ---- scratch ---- */

static void portable_wipe(void *scratch)
{
    struct portable *portable = scratch;

    BN_CTX_free(portable->ctx);
    BN_CTX_free(portable->ctx_of_mont);
    BN_MONT_CTX_free(portable->mont);
    portable->ctx = portable->ctx_of_mont = NULL;
    portable->mont = NULL;
    for (size_t i = 0; i < NUMBERS; i++) {
        if (portable->numbers[i] != NULL)
            BN_clear(portable->numbers[i]);
    }
    kw_erase(&portable->num, sizeof(*portable) - offsetof(struct portable, num));
}

static void portable_free(void *scratch)
{
    struct portable *portable = scratch;

    if (portable == NULL)
        return;
    portable_wipe(portable);
    for (size_t i = 0; i < NUMBERS; i++)
        BN_clear_free(portable->numbers[i]);
    kw_secmem_free(portable);
}

static void portable_freep(struct portable **portable)
{
    portable_free(*portable);
}

static int portable_new(void **ret, const struct kw_kernel *kernel, OSSL_LIB_CTX *libctx)
{
    KW_CLEANUP(portable_freep) struct portable *portable = kw_secmem_alloc(sizeof(*portable));

    (void)kernel;
    KW_REQUIRE(portable != NULL, -ENOMEM);
    portable->libctx = libctx;
    for (size_t i = 0; i < NUMBERS; i++)
        KW_SSL_PTR(portable->numbers[i] = BN_new());
    BN_set_flags(portable->numbers[MODULUS], BN_FLG_CONSTTIME); /* BN_MONT_CTX_set() asks */
    BN_set_flags(portable->numbers[RESULT], BN_FLG_CONSTTIME);  /* and BN_bn2binpad() */
    *ret = portable;
    portable = NULL;
    return 0;
}

/* ---- numbers ---- */

static int put(struct portable *portable, enum number which, const uint64_t *words, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        uint64_t word = htobe64(words[num - 1 - i]);
        memcpy(portable->bytes + 8 * i, &word, sizeof(word));
    }
    KW_SSL_PTR(BN_bin2bn(portable->bytes, (int)(8 * num), portable->numbers[which]));
    return 0;
}

static int get(struct portable *portable, enum number which, uint64_t *ret_words, size_t num)
{
    int len = (int)(8 * num);

    KW_REQUIRE(BN_bn2binpad(portable->numbers[which], portable->bytes, len) == len, KW_EOPENSSL);
    for (size_t i = 0; i < num; i++) {
        uint64_t word;
        memcpy(&word, portable->bytes + 8 * i, sizeof(word));
        ret_words[num - 1 - i] = be64toh(word);
    }
    return 0;
}

static int multiply(struct portable *portable, enum number which, enum number by)
{
    BIGNUM *number = portable->numbers[which];

    KW_SSL(BN_mod_mul_montgomery(number, number, portable->numbers[by], portable->mont, portable->ctx));
    return 0;
}

static int prepare(struct portable *portable)
{
    if (portable->ctx == NULL)
        KW_SSL_PTR(portable->ctx = BN_CTX_new_ex(portable->libctx));
    if (portable->ctx_of_mont == NULL)
        KW_SSL_PTR(portable->ctx_of_mont = BN_CTX_new_ex(portable->libctx));
    if (portable->mont == NULL)
        KW_SSL_PTR(portable->mont = BN_MONT_CTX_new());
    return 0;
}

static void take_modulus(struct portable *portable, const uint64_t *modulus, size_t num)
{
    uint64_t same = kw_mask_equal(portable->num, num) & kw_words_equal(portable->modulus, modulus, num);

    kw_declassify(&same, sizeof(same)); /* the rounds of a number follow each other in any case */
    if (same != 0)
        return;
    memcpy(portable->modulus, modulus, 8 * num);
    portable->num = num;
    portable->bits = kw_words_bits(modulus, num);
    kw_declassify(&portable->bits, sizeof(portable->bits));
    portable->in_openssl = portable->in_own = false;
}

static int take_to_openssl(struct portable *portable)
{
    if (portable->in_openssl)
        return 0;
    KW_TRY(prepare(portable));
    KW_TRY(put(portable, MODULUS, portable->modulus, portable->num));
    KW_SSL(BN_MONT_CTX_set(portable->mont, portable->numbers[MODULUS], portable->ctx_of_mont));
    portable->in_openssl = true;
    return 0;
}

static void take_to_own(struct portable *portable)
{
    if (!portable->in_own)
        kw_montgomery_set(&portable->own, portable->modulus, portable->num);
    portable->in_own = true;
}

/* ---- powers ---- */

/* The table's element at a secret index. */
static void look_up(struct portable *portable, uint64_t *ret, uint64_t index)
{
    size_t num = portable->own.num;

    memset(ret, 0, 8 * num);
    for (uint64_t i = 0; i < TABLE_LEN; i++) {
        uint64_t here = kw_mask_equal(i, index);
        for (size_t j = 0; j < num; j++)
            ret[j] |= portable->table[i][j] & here;
    }
}

/* ret = base^exponent with our own arithmetic, base and ret in its form; exponent of at most bits bits. */
static void power_own(
    struct portable *portable, uint64_t *ret, const uint64_t *base, const uint64_t *exponent, unsigned bits)
{
    struct kw_montgomery *own = &portable->own;
    uint64_t *factor = portable->value;

    memcpy(portable->table[0], own->one, 8 * own->num);
    for (size_t i = 1; i < TABLE_LEN; i++)
        kw_montgomery_mul(own, portable->table[i], portable->table[i - 1], base);
    memcpy(ret, own->one, 8 * own->num);
    for (size_t window = (bits + WINDOW_BITS - 1) / WINDOW_BITS; window-- > 0;) {
        size_t at = WINDOW_BITS * window;
        for (size_t i = 0; i < WINDOW_BITS; i++)
            kw_montgomery_mul(own, ret, ret, ret);
        look_up(portable, factor, exponent[at / 64] >> at % 64 & (TABLE_LEN - 1));
        kw_montgomery_mul(own, ret, ret, factor);
    }
}

/* ret = base^exponent through OpenSSL, all in plain form. ret may be base or exponent. */
static int power_openssl(
    struct portable *portable, uint64_t *ret, const uint64_t *base, const uint64_t *exponent)
{
    size_t num = portable->num;

    KW_TRY(take_to_openssl(portable));
    KW_TRY(put(portable, BASE, base, num));
    KW_TRY(put(portable, EXPONENT, exponent, num));
    KW_SSL(BN_mod_exp_mont_consttime(portable->numbers[RESULT], portable->numbers[BASE],
        portable->numbers[EXPONENT], portable->numbers[MODULUS], portable->ctx, portable->mont));
    return get(portable, RESULT, ret, num);
}

/* ---- the filter ---- */

/* Bit by bit: a squaring, and a doubling that is taken or not. */
static void filter_own(struct portable *portable, uint64_t *ret_pass)
{
    struct kw_montgomery *own = &portable->own;
    uint64_t *value = portable->base, *doubled = portable->value;
    size_t num = portable->num;

    take_to_own(portable);
    memcpy(value, own->one, 8 * num);
    for (size_t at = portable->bits - 1; at > 0; at--) { /* (m - 1) / 2 is m without its lowest bit */
        kw_montgomery_mul(own, value, value, value);
        kw_montgomery_double(own, doubled, value);
        kw_words_select(value, kw_mask_bit(portable->modulus[at / 64] >> at % 64), doubled, value, num);
    }
    *ret_pass = kw_words_equal(value, own->one, num) | kw_words_equal(value, own->minus_one, num);
}

/* Mask, for a plain number; changes it. */
static uint64_t is_one_or_minus_one(const struct portable *portable, uint64_t *a)
{
    uint64_t is_one = kw_words_is_word(a, portable->num, 1);

    a[0] ^= 1; /* m - 1 becomes m */
    return is_one | kw_words_equal(a, portable->modulus, portable->num);
}

/* With -2 as the base, which has as many words as the modulus: OpenSSL takes another way with fewer. */
static int filter_openssl(struct portable *portable, uint64_t *ret_pass)
{
    size_t num = portable->num;

    kw_words_sub_word(portable->base, portable->modulus, num, 2);
    kw_words_shift_right(portable->exponent, portable->modulus, num, 1);
    KW_TRY(power_openssl(portable, portable->value, portable->base, portable->exponent));
    *ret_pass = is_one_or_minus_one(portable, portable->value);
    return 0;
}

/* What the filter for a full modulus does, in numbers that depend on the length of the modulus only. */
struct plan {
    unsigned window;      /* k: bits of the exponent at a time, the most with 2^k <= length of the modulus */
    unsigned num_windows; /* J: so many that fewer than k bits are left above them */
};

static struct plan plan_of(unsigned bits)
{
    struct plan plan = {.window = 1};

    while (2u << plan.window <= bits)
        plan.window++;
    plan.num_windows = (bits - 1) / plan.window;
    return plan;
}

/* b (1 + 2^k + 2^2k + ... ), J terms. */
static void set_addend(struct portable *portable, const struct plan *plan)
{
    size_t num = portable->num + 1;

    if (portable->addend_bits == portable->bits)
        return;
    memset(portable->addend, 0, sizeof(portable->addend));
    for (unsigned i = 0; i < plan->num_windows; i++) {
        kw_words_shift_left(portable->addend, portable->addend, num, plan->window);
        kw_words_add_word(portable->addend, portable->addend, num, portable->bits);
    }
    portable->addend_bits = portable->bits;
}

/* exponent = (m - 1) / 2 + addend, of one word more than the modulus has. */
static void set_exponent(struct portable *portable)
{
    size_t num = portable->num;

    kw_words_shift_right(portable->exponent, portable->modulus, num, 1);
    portable->exponent[num] = 0;
    kw_words_add(portable->exponent, portable->exponent, portable->addend, num + 1);
}

/* Bits at..at + count - 1 of the exponent; count < 64. */
static uint64_t digit(const struct portable *portable, unsigned at, unsigned count)
{
    const uint64_t *exponent = portable->exponent;
    uint64_t low = exponent[at / 64] >> at % 64;
    uint64_t high = at / 64 < portable->num ? exponent[at / 64 + 1] << 1 << (63 - at % 64) : 0;

    return (low | high) & (((uint64_t)1 << count) - 1);
}

/* which = -2^v, 0 <= v < b, by additions and masks alone. */
static int put_power_of_two(struct portable *portable, enum number which, uint64_t v)
{
    uint64_t *power = portable->value;
    size_t num = portable->num;

    for (uint64_t i = 0; i < num; i++)
        power[i] = kw_mask_equal(i, v / 64) & (uint64_t)1 << v % 64;
    kw_words_sub(power, portable->modulus, power, num);
    return put(portable, which, power, num);
}

/* Whether the modulus fills its highest word, as primes of RSA keys do. With one that does not, intermediate
 * results would often be a word shorter, and BN_mod_mul_montgomery() takes another way for these, in another
 * time. */
static bool is_full(const struct portable *portable)
{
    return portable->bits % 64 == 0;
}

/* 2^((m - 1) / 2) up to its sign, for a modulus of b full words, with a product by a power of two for every k
 * squarings and without a table. A product of Montgomery's divides by R = 2^b besides, so a plain 2^v as a
 * factor, 0 <= v < 2^k <= b, adds v - b to the exponent of the result: less than nothing. So the exponent is
 * written as u 2^Jk + sum over j < J of (v_j - b) 2^jk: when b (1 + 2^k + 2^2k + ... ) is added to it, the
 * v_j are the digits of the sum and u is what is above them. (m - 1) / 2 has b - 1 bits, of which fewer than
 * k are above the J windows; what is added is below 2^Jk b / (2^k - 1), and b / (2^k - 1) <= 2 b / (b - 1)
 * < 3. Therefore u < 2^(k - 1) + 4 < b, and 2^u < m. The factors are m - 2^v, that is -2^v, as long
 * as m but for m so near to 2^(b - 1) as no prime of ours is. */
static int filter_full(struct portable *portable, uint64_t *ret_pass)
{
    const struct plan plan = plan_of(portable->bits);
    BIGNUM *result = portable->numbers[RESULT];
    uint64_t *value = portable->value;
    size_t num = portable->num;
    unsigned at = plan.num_windows * plan.window;

    KW_TRY(take_to_openssl(portable));
    set_addend(portable, &plan);
    set_exponent(portable);
    KW_TRY(put_power_of_two(portable, RESULT, digit(portable, at, 63)));
    KW_SSL(BN_to_montgomery(result, result, portable->mont, portable->ctx));
    while (at > 0) {
        for (unsigned i = 0; i < plan.window; i++)
            KW_TRY(multiply(portable, RESULT, RESULT));
        at -= plan.window;
        KW_TRY(put_power_of_two(portable, BASE, digit(portable, at, plan.window)));
        KW_TRY(multiply(portable, RESULT, BASE));
    }
    KW_SSL(BN_from_montgomery(result, result, portable->mont, portable->ctx));
    KW_TRY(get(portable, RESULT, value, num));
    *ret_pass = is_one_or_minus_one(portable, value);
    return 0;
}

/* ---- rounds ---- */

/* FIPS 186-5 B.3.1 with w - 1 = 2^a m. z = b^((w - 1) >> steps_left). Once the bits below are all 0, z is b^m
 * or a square above it: step 4.4 asks whether b^m is 1 or -1, steps 4.5.1 and 4.5.2 whether a square of it,
 * up to b^(2^(a - 1) m), is -1. Returns the answer for this z as a mask. */
static uint64_t judge(const struct kw_montgomery *own, const uint64_t *z, unsigned steps_left)
{
    uint64_t w_low = own->modulus[0], below = ((uint64_t)1 << steps_left) - 1;
    uint64_t reached = kw_mask_zero((w_low ^ 1) & below);
    uint64_t first = reached & kw_mask_bit(w_low >> steps_left);

    return (first & kw_words_equal(z, own->one, own->num)) |
           (reached & kw_words_equal(z, own->minus_one, own->num));
}

/* The last squarings, all of them whatever a is. For each bit of the exponent z = z^2 b^bit: which of base
 * and 1 is the factor shows neither in time nor in addresses. */
static uint64_t follow(struct portable *portable, uint64_t *z, const uint64_t *base)
{
    struct kw_montgomery *own = &portable->own;
    uint64_t pass = 0;

    for (unsigned steps_left = KW_ROUND_TWOS; steps_left > 0; steps_left--) {
        uint64_t bit = kw_mask_bit((own->modulus[0] ^ 1) >> (steps_left - 1));
        pass |= judge(own, z, steps_left);
        kw_montgomery_mul(own, z, z, z);
        kw_words_select(portable->value, bit, base, own->one, own->num);
        kw_montgomery_mul(own, z, z, portable->value);
    }
    return pass;
}

/* z = b^((w - 1) >> KW_ROUND_TWOS) and base = b, in the form of our own arithmetic. */
static int begin_round(struct portable *portable, const uint64_t *base)
{
    struct kw_montgomery *own = &portable->own;
    unsigned bits = KW_MAX(portable->bits, KW_ROUND_TWOS) - KW_ROUND_TWOS;

    take_to_own(portable);
    kw_words_shift_right(portable->exponent, portable->modulus, portable->num, KW_ROUND_TWOS);
    kw_montgomery_enter(own, portable->base, base);
    if (portable->num <= OWN_WORDS) {
        power_own(portable, portable->z, portable->base, portable->exponent, bits);
        return 0;
    }
    KW_TRY(power_openssl(portable, portable->z, base, portable->exponent));
    kw_montgomery_enter(own, portable->z, portable->z);
    return 0;
}

/* ---- operations ---- */

static size_t shape(const struct kw_kernel *kernel, unsigned bits)
{
    kw_assert(bits > 2 && bits <= kernel->bits_max);
    return KW_WORDS_OF_BITS(bits);
}

static int filter(const struct kw_kernel *kernel, void *scratch, unsigned bits, const struct kw_lane *lane,
    uint32_t *ret_pass)
{
    struct portable *portable = scratch;
    size_t num = shape(kernel, bits);
    uint64_t pass;

    *ret_pass = 0;
    if (lane->modulus == NULL)
        return 0;
    take_modulus(portable, lane->modulus, num);
    if (num <= OWN_WORDS)
        filter_own(portable, &pass);
    else if (is_full(portable))
        KW_TRY(filter_full(portable, &pass));
    else
        KW_TRY(filter_openssl(portable, &pass));
    *ret_pass = (uint32_t)(pass & 1);
    return 0;
}

static int round_of(const struct kw_kernel *kernel, void *scratch, unsigned bits, const struct kw_lane *lane,
    uint32_t *ret_pass, uint32_t *ret_unsure)
{
    struct portable *portable = scratch;
    size_t num = shape(kernel, bits);

    *ret_pass = *ret_unsure = 0;
    if (lane->modulus == NULL)
        return 0;
    take_modulus(portable, lane->modulus, num);
    KW_TRY(begin_round(portable, lane->base));

    uint64_t pass = follow(portable, portable->z, portable->base);
    uint64_t twos = ((uint64_t)2 << KW_ROUND_TWOS) - 1;
    uint64_t unsure = kw_mask_zero((lane->modulus[0] ^ 1) & twos);
    *ret_pass = (uint32_t)(pass & ~unsure & 1);
    *ret_unsure = (uint32_t)(unsure & 1);
    return 0;
}

static int power(const struct kw_kernel *kernel, void *scratch, unsigned bits, const struct kw_lane *lane)
{
    struct portable *portable = scratch;
    size_t num = shape(kernel, bits);

    if (lane->modulus == NULL)
        return 0;
    take_modulus(portable, lane->modulus, num);
    if (num > OWN_WORDS)
        return power_openssl(portable, lane->result, lane->base, lane->exponent);
    take_to_own(portable);
    kw_montgomery_enter(&portable->own, portable->base, lane->base);
    power_own(portable, portable->z, portable->base, lane->exponent, 64 * (unsigned)num);
    kw_montgomery_leave(&portable->own, lane->result, portable->z);
    return 0;
}

const struct kw_kernel kw_kernel_portable = {
    .name = "portable",
    .path = KW_CPU_PORTABLE,
    .lanes = 1,
    .bits_max = KW_KERNEL_BITS_MAX,
    .scratch_new = portable_new,
    .scratch_wipe = portable_wipe,
    .scratch_free = portable_free,
    .filter = filter,
    .round = round_of,
    .power = power,
};
