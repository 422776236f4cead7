/* ec_field - numbers modulo the prime of a curve, eight at a time (AVX-512 IFMA), in Montgomery's form.
 *
 * Included by a curve's own header (ec_p256.c and its siblings say how), after KW_LIMBS, FIELD_BITS,
 * field_prime, field_digit() and field_positive(). R = 2^(52 KW_LIMBS).
 *
 * An element (fe) can be multiplied: its limbs are below 2^52, and its value, which need not be below p, is
 * small beside R. What comes out of a product or a sum is loose: its limbs are signed numbers of 64 bits.
 * Loose numbers are added and subtracted limb by limb, without carries; one of the settle functions makes an
 * element of them.
 *
 * Bounds, derived in docs/ec-key-generation.md. Elements that settle_product() and settle_difference() made
 * are below 3.1 p, those of settle_sum() below s p, with s = 2.1 where p has 255 or 256 bits, s = 132 for
 * P-384 and P-521, whose R has bits to spare. The sum or difference of two products of elements is below
 * 2 s^2 p / R + 1 < 2.2 times p in size (P-521, which reduces each by itself: + 2): R / p is 2^4, 2^5, 2^32,
 * 2^51. Columns of two products are below 4 KW_LIMBS 2^52 < 2^58 in size, what a reduction adds is less
 * again, so a loose product has limbs below 2^59; what is computed of products before it is settled may be 6
 * times as large, and 2^4 times for small factors where KW_LIMBS is 5.
 *
 * Secret: all numbers. Time and addresses depend on nothing but KW_LIMBS and the prime.
 */
#include "engine/ec/curve.h"
#include "engine/x86/ifma_limbs.h"

typedef struct number fe;

struct loose {
    kw_v limb[KW_LIMBS];
};

#define COLUMNS     (2 * KW_LIMBS)
#define FIELD_WORDS KW_WORDS_OF_BITS(FIELD_BITS)

KW_V_INLINE kw_v set(int64_t x)
{
    return _mm512_set1_epi64(x);
}

/* ---- loose numbers ---- */

KW_V_INLINE struct loose loosen(const fe *a)
{
    struct loose ret;

    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++)
        ret.limb[i] = a->limb[i];
    return ret;
}

KW_V_INLINE struct loose zero(void)
{
    struct loose ret;

    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++)
        ret.limb[i] = _mm512_setzero_si512();
    return ret;
}

/* A small number of times p. */
KW_V_INLINE struct loose primes(const int times)
{
    struct loose ret;

    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++)
        ret.limb[i] = set(times * (int64_t)field_prime[i]);
    return ret;
}

KW_V_INLINE struct loose prime(void)
{
    return primes(1);
}

KW_V_INLINE struct loose plus(struct loose a, struct loose b)
{
    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++)
        a.limb[i] = _mm512_add_epi64(a.limb[i], b.limb[i]);
    return a;
}

KW_V_INLINE struct loose minus(struct loose a, struct loose b)
{
    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++)
        a.limb[i] = _mm512_sub_epi64(a.limb[i], b.limb[i]);
    return a;
}

KW_V_INLINE struct loose thrice(struct loose a)
{
    return plus(plus(a, a), a);
}

/* -a in the lanes of the mask, a in the others. */
KW_V_INLINE struct loose negate_if(struct loose a, __mmask8 mask)
{
    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++)
        a.limb[i] = _mm512_mask_sub_epi64(a.limb[i], mask, _mm512_setzero_si512(), a.limb[i]);
    return a;
}

/* Carries from limb to limb; what is above the last one stays in it. */
KW_V_INLINE void carry_limbs(fe *ret, struct loose a)
{
    kw_v carry = _mm512_setzero_si512();

    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS - 1; i++) {
        kw_v x = _mm512_add_epi64(a.limb[i], carry);
        ret->limb[i] = _mm512_and_si512(x, KW_V_MASK52);
        carry = _mm512_srai_epi64(x, 52);
    }
    ret->limb[KW_LIMBS - 1] = _mm512_add_epi64(a.limb[KW_LIMBS - 1], carry);
}

/* Of a sum of products and elements: between -64 p and 64 p, for secp256k1 between -2^9 p and 2^9 p. For
 * P-384 and P-521, where an element may be 65 p itself (a Y that was negated), below 68 p. */
KW_V_LONG void settle_sum(fe *ret, struct loose a)
{
    field_positive(a.limb);
    carry_limbs(ret, a);
}

/* Of a b or a b + c d, as it is: at least 0. */
KW_V_INLINE void settle_product(fe *ret, struct loose a)
{
    carry_limbs(ret, a);
}

/* Of a b - c d: above -p if it was reduced once, as it is for up to 8 limbs; two products that were reduced
 * one by one are each below p + s^2 p^2 / R, so that their difference may be a little less than -p. */
KW_V_INLINE void settle_difference(fe *ret, struct loose a)
{
    carry_limbs(ret, plus(a, primes(KW_LIMBS > 8 ? 2 : 1)));
}

/* ---- products ---- */

/* Products go by Montgomery's method digit by digit: field_digit() adds a multiple of p to what begins at a
 * column, so that the column becomes 0 modulo 2^52, and takes its carry to the next one. A column is complete
 * when the row of its number is in, so digits and rows take turns. Columns may be negative. */

KW_V_INLINE struct loose upper_half(const kw_v *columns)
{
    struct loose ret;

    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++)
        ret.limb[i] = columns[KW_LIMBS + i];
    return ret;
}

/* a b */
KW_V_LONG struct loose mul(const fe *a, const fe *b)
{
    kw_v columns[COLUMNS];

    clear(columns);
    row(columns, a->limb, b->limb[0]);
    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++) {
        if (i + 1 < KW_LIMBS)
            row(columns + i + 1, a->limb, b->limb[i + 1]);
        field_digit(columns + i);
    }
    return upper_half(columns);
}

/* a^2 */
KW_V_LONG struct loose sqr(const fe *a)
{
    kw_v columns[COLUMNS];

    clear(columns);
    tile_pairs(columns, a->limb);
    KW_V_UNROLL
    for (int i = 0; i < COLUMNS; i++)
        columns[i] = _mm512_add_epi64(columns[i], columns[i]);
    tile_squares(columns, a->limb);
    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++)
        field_digit(columns + i);
    return upper_half(columns);
}

/* For what is not in a hurry: of the additions of points each product is compiled by itself, so that it mixes
 * with what is around it. */
static __attribute__((noinline)) void mul_fe(fe *ret, const fe *a, const fe *b)
{
    settle_product(ret, mul(a, b));
}

/* ---- the prime itself ---- */

/* Lanes in which the number that the limbs, carried, stand for is negative. */
KW_V_INLINE __mmask8 is_negative(const fe *a)
{
    return _mm512_movepi64_mask(a->limb[KW_LIMBS - 1]);
}

KW_V_INLINE void select_fe(fe *ret, __mmask8 mask, const fe *if_true, const fe *if_false)
{
    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++)
        ret->limb[i] = _mm512_mask_mov_epi64(if_false->limb[i], mask, if_true->limb[i]);
}

/* Lanes whose number of limbs below 2^52 is below p. */
static inline __mmask8 is_reduced(const fe *a)
{
    fe difference;

    carry_limbs(&difference, minus(loosen(a), prime()));
    return is_negative(&difference);
}

/* a / R modulo p, below p. The product with 1 is at most (a / R) + p, so at most p. */
static inline void leave_montgomery(fe *ret, const fe *a)
{
    struct loose unit = zero();
    fe one, at_most_p, difference;

    unit.limb[0] = set(1);
    carry_limbs(&one, unit);
    settle_product(&at_most_p, mul(a, &one));
    carry_limbs(&difference, minus(loosen(&at_most_p), prime()));
    select_fe(ret, is_negative(&difference), &at_most_p, &difference);
}

/* Lanes whose element is 0 modulo p. */
static inline __mmask8 is_zero(const fe *a)
{
    kw_v any = _mm512_setzero_si512();
    fe reduced;

    leave_montgomery(&reduced, a);
    for (int i = 0; i < KW_LIMBS; i++)
        any = _mm512_or_si512(any, reduced.limb[i]);
    return _mm512_testn_epi64_mask(any, any);
}

/* Of products. */
static inline __mmask8 is_equal(const fe *a, const fe *b)
{
    fe difference;

    settle_sum(&difference, minus(loosen(a), loosen(b)));
    return is_zero(&difference);
}

/* ---- powers ---- */

#define POWER_WINDOW 4

/* a^exponent, for a public exponent of FIELD_WORDS words. ret may be a. */
static void power(fe *ret, const fe *a, const fe *one, const uint64_t *exponent)
{
    fe table[1 << POWER_WINDOW], x = *one;

    table[0] = *one;
    for (int i = 1; i < 1 << POWER_WINDOW; i++)
        mul_fe(&table[i], &table[i - 1], a);
    for (int bit = 64 * FIELD_WORDS - POWER_WINDOW; bit >= 0; bit -= POWER_WINDOW) {
        unsigned digit = exponent[bit / 64] >> bit % 64 & ((1 << POWER_WINDOW) - 1);

        KW_V_LOOP
        for (int i = 0; i < POWER_WINDOW; i++)
            settle_product(&x, sqr(&x));
        mul_fe(&x, &x, &table[digit]);
    }
    *ret = x;
}

/* ---- words and limbs ---- */

/* Words of eight numbers, side by side, to limbs. Values below 2^(64 FIELD_WORDS), as they are. */
static inline void limbs_of_words(fe *ret, uint64_t words[FIELD_WORDS][8])
{
    for (unsigned i = 0; i < KW_LIMBS; i++) {
        unsigned word = 52 * i / 64, shift = 52 * i % 64;
        kw_v x = _mm512_setzero_si512();

        if (word < FIELD_WORDS)
            x = _mm512_srli_epi64(_mm512_loadu_si512(words[word]), shift);
        if (shift > 12 && word + 1 < FIELD_WORDS)
            x = _mm512_or_si512(x, _mm512_slli_epi64(_mm512_loadu_si512(words[word + 1]), 64 - shift));
        ret->limb[i] = _mm512_and_si512(x, KW_V_MASK52);
    }
}

/* The same number in every lane. */
static inline void limbs_of_number(fe *ret, const uint64_t *number)
{
    uint64_t words[FIELD_WORDS][8];

    for (unsigned i = 0; i < FIELD_WORDS; i++)
        for (unsigned lane = 0; lane < 8; lane++)
            words[i][lane] = number[i];
    limbs_of_words(ret, words);
}

/* ---- the constants of Montgomery's form ---- */

struct field {
    fe one; /* R modulo p */
    fe r2;  /* R^2 modulo p */
    uint64_t p[FIELD_WORDS];
    uint64_t p_less_2[FIELD_WORDS];
};

/* 2^exponent modulo p. */
static inline void power_of_two(fe *ret, const uint64_t *p, unsigned exponent)
{
    uint64_t two[2 * (52 * KW_LIMBS) / 64 + 1] = {0}, reduced[FIELD_WORDS];

    two[exponent / 64] = (uint64_t)1 << exponent % 64;
    kw_words_mod(reduced, two, KW_ARRAY_LEN(two), p, FIELD_WORDS);
    limbs_of_number(ret, reduced);
}

static void field_init(struct field *field, const uint64_t *p)
{
    memcpy(field->p, p, sizeof(field->p));
    (void)kw_words_sub_word(field->p_less_2, p, FIELD_WORDS, 2);
    power_of_two(&field->one, p, 52 * KW_LIMBS);
    power_of_two(&field->r2, p, 2 * 52 * KW_LIMBS);
}

static inline void enter_montgomery(fe *ret, const fe *a, const struct field *field)
{
    mul_fe(ret, a, &field->r2);
}

static inline void element_of_number(fe *ret, const uint64_t *number, const struct field *field)
{
    limbs_of_number(ret, number);
    enter_montgomery(ret, ret, field);
}

/* 1 / a; 0 for 0 (Fermat). */
static inline void invert(fe *ret, const fe *a, const struct field *field)
{
    power(ret, a, &field->one, field->p_less_2);
}
