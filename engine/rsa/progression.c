#include "engine/rsa/progression.h"

#include "engine/rsa/gcd.h"
#include "engine/rsa/key.h"
#include "engine/rsa/survivors.h"

/* FIPS 186-5 B.9, compute a probable prime factor based on auxiliary primes. */

/* Step 9. */
#define MEMBERS_MAX(bits) (20 * (bits))

/* r1 and r2 come with a word for what may carry out of them. */
#define R_WORDS KW_GCD_WORDS_MAX

struct beginning {
    uint64_t factor[R_WORDS + 1]; /* t below */
    uint64_t product[2 * R_WORDS + 1];
    uint64_t r[KW_PROGRESSION_WORDS]; /* R modulo 2 r1 r2 */
    uint64_t offset[KW_PROGRESSION_WORDS];
};

/* Step 2 asks for R = (r2^-1 mod 2 r1) r2 - ((2 r1)^-1 mod r2) 2 r1, of which step 4 needs the remainder
 * modulo 2 r1 r2 only. By the Chinese remainder theorem that is the one number in its range that is 1 modulo
 * 2 r1 and -1 modulo r2, in other words -1 modulo r2, 1 modulo r1, and odd. With u = r2^-1 mod r1, the number
 * r2 t - 1 is all that if t = 2 u modulo r1 and t is even: of t0 = 2 u mod r1 and t0 + r1 exactly one is
 * even, since r1 is odd, and t < 2 r1 puts r2 t - 1 into the range. So the inverse is one modulo an odd
 * number. Returns the mask of step 1: gcd(2 r1, r2) is gcd(r1, r2), since r2 is odd, and u exists only if it
 * is 1. */
static uint64_t find_r(struct beginning *beginning, const uint64_t *r1, const uint64_t *r2, size_t num_r)
{
    uint64_t *t = beginning->factor, *reduced = beginning->product;
    uint64_t fits = kw_gcd_invert(t, r2, r1, num_r);
    uint64_t carry = kw_words_add(t, t, t, num_r);
    uint64_t borrow = kw_words_sub(reduced, t, r1, num_r);

    kw_words_select(t, kw_mask_bit(carry | (borrow ^ 1)), reduced, t, num_r);
    t[num_r] = kw_words_add_masked(t, r1, num_r, kw_mask_bit(t[0]));
    kw_words_mul(beginning->product, t, num_r + 1, r2, num_r);
    kw_words_sub_word(beginning->product, beginning->product, 2 * num_r + 1, 1);
    return fits;
}

/* The low words of what is known to fit. */
static void resize(uint64_t *ret, size_t num, const uint64_t *a, size_t num_a)
{
    for (size_t i = 0; i < num; i++)
        ret[i] = i < num_a ? a[i] : 0;
}

static void set_step(struct kw_progression *progression, struct beginning *beginning, const uint64_t *r1,
    const uint64_t *r2, size_t num_r)
{
    kw_words_mul(beginning->product, r1, num_r, r2, num_r);
    resize(progression->step, progression->num_step, beginning->product, 2 * num_r);
    kw_words_shift_left(progression->step, progression->step, progression->num_step, 1);
}

/* Step 4: Y = X + ((R - X) mod 2 r1 r2). */
static void set_first(struct kw_progression *progression, struct beginning *beginning)
{
    size_t num = progression->num, num_step = progression->num_step;
    uint64_t *offset = beginning->offset;

    kw_words_mod(offset, progression->x, num, progression->step, num_step);
    uint64_t borrow = kw_words_sub(offset, beginning->r, offset, num_step);
    kw_words_add_masked(offset, progression->step, num_step, kw_mask_bit(borrow));
    kw_words_add(progression->window, progression->x, offset, num + 1);
}

int kw_progression_begin(struct kw_progression *progression, unsigned bits, const uint64_t *x,
    const uint64_t *r1, const uint64_t *r2, size_t num_r, unsigned bits_r)
{
    struct beginning beginning = {0};
    KW_ERASE_GUARD(beginning);

    kw_assert(bits_r < bits && bits <= 64 * (KW_PROGRESSION_WORDS - 1));
    kw_assert(num_r > 0 && num_r <= R_WORDS);
    memset(progression, 0, sizeof(*progression));
    progression->bits = bits;
    progression->num = KW_WORDS_OF_BITS(bits);
    progression->num_step = KW_WORDS_OF_BITS(bits_r + 1);
    memcpy(progression->x, x, 8 * progression->num);

    uint64_t fits = find_r(&beginning, r1, r2, num_r);
    resize(beginning.r, progression->num_step, beginning.product, 2 * num_r + 1);
    set_step(progression, &beginning, r1, r2, num_r);
    kw_declassify(&fits, sizeof(fits)); /* such primes are thrown away */
    if (fits == 0)
        return KW_PROGRESSION_UNFIT;
    set_first(progression, &beginning);
    return 0;
}

/* Mask: a >= 2^bits, for num + 1 words. */
static uint64_t is_too_large(const struct kw_progression *progression, const uint64_t *a)
{
    unsigned used = progression->bits % 64; /* of the highest word of num */
    uint64_t above = a[progression->num];

    if (used != 0)
        above |= a[progression->num - 1] >> used;
    return ~kw_mask_zero(above);
}

/* Members that the sieve has crossed out are composite: for them step 7 fails, and steps 8 to 10 lead to the
 * next. So the step from one survivor to the next, or from the last to the next window, stands for many of
 * the standard's. The members on the way grow, and none after the last that step 9 admits is reached: if the
 * survivor is beyond that, it is the last admitted one whose size decides whether the search ended in step 6
 * or in step 9. */
int kw_progression_next(struct kw_progression *progression, uint64_t *ret_candidate)
{
    uint64_t member[KW_PROGRESSION_WORDS];
    KW_ERASE_GUARD(member);
    size_t num = progression->num;
    uint64_t last = MEMBERS_MAX(progression->bits) - 1 - progression->passed;
    uint64_t index = kw_survivors_take(progression->map);
    struct {
        uint64_t too_large, too_late, none;
    } end;

    kw_assert(progression->passed < MEMBERS_MAX(progression->bits));
    end.none = kw_mask_equal(index, KW_SIEVE_WINDOW);
    end.too_late = kw_mask_less(last, index);
    index = kw_mask_select(end.too_late, last, index);
    kw_words_mul_word(member, progression->step, num + 1, index);
    kw_words_add(member, member, progression->window, num + 1);
    end.too_large = is_too_large(progression, member);
    kw_declassify(&end, sizeof(end)); /* how a search goes on or ends shows in any case */

    if (end.too_large != 0)
        return KW_PROGRESSION_OVERFLOW; /* step 6 */
    if (end.too_late != 0)
        return KW_PROGRESSION_EXHAUSTED; /* step 9 */
    if (end.none != 0) {
        memcpy(progression->window, member, 8 * (num + 1));
        progression->passed += KW_SIEVE_WINDOW;
        return KW_PROGRESSION_WINDOW;
    }
    memcpy(ret_candidate, member, 8 * num);
    return 0;
}

uint64_t kw_progression_fits_e(const uint64_t *candidate, size_t num)
{
    return ~kw_mask_equal(kw_words_mod_word(candidate, num, KW_RSA_E), 1);
}

struct kw_sieve_job kw_progression_job(struct kw_progression *progression)
{
    return (struct kw_sieve_job){
        .start = progression->window,
        .step = progression->step,
        .ret_map = progression->map,
    };
}
