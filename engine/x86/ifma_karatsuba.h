/* ifma_karatsuba - Montgomery products of eight lanes in radix 2^52 (AVX-512 IFMA) with fewer
 * multiplications.
 *
 * Included with KW_LIMBS, a multiple of 10, in place of ifma_mont.h, with the same interface. It pays where
 * additions of vectors run beside multiplications (AMD's Zen 4: one multiplication and one addition a cycle),
 * less where they share ports.
 *
 * Squares. Limbs go in B = KW_LIMBS / 10 blocks a_i, X = 2^520. With D_i = a_i^2, each pair of blocks costs
 * one square in place of a product (Karatsuba): 2 a_i a_j = D_i + D_j - (a_i - a_j)^2. Summed up, a^2 = (sum
 * D_i X^i) (1 + X + ... + X^(B-1)) - sum over i < j of (a_i - a_j)^2 X^(i+j): running sums, and their
 * differences from the total. B (B + 1) / 2 squares of 10 limbs, 110 multiplications each.
 *
 * Reduction. Let kN = -1 modulo 2^w and N_w = (kN + 1) / 2^w. Then T + (T mod 2^w) kN is divisible by 2^w,
 * and the quotient is floor(T / 2^w) + (T mod 2^w) N_w: the low w bits of T are themselves the digits of q,
 * with no multiplication and no waiting from one to the next; and the product, being a whole one, is open to
 * Karatsuba's method again: 10 limbs by 10 limbs as three tiles of 5 by 5 instead of four. B - 1 steps take w
 * = 520, then one takes w = 260, and the last five digits are Montgomery's own. 150 B (B - 1) + 20 KW_LIMBS
 * multiplications.
 *
 * Altogether 1030, 2160 and 3700 for 20, 30 and 40 limbs; without the two ideas 1220, 2730 and 4840.
 *
 * Differences may be negative: they are taken modulo 2^(52 n) with a borrow b, and products are corrected: (d
 * - b 2^s) (e - c 2^s) = d e - b e 2^s - c d 2^s + b c 2^2s. Columns may then be negative, and carries are
 * arithmetic shifts.
 *
 * Bounds: a column is below 2^60 in absolute value for L = 40, whatever the limbs (each step taken with the
 * least and the greatest that its operands can be: 2^59.8), and may be shifted left by 3. The last three
 * steps of the reduction add up to N each: with a, b < c N a result is below N (c^2 N / R + 3), and N < R /
 * 2^10: c = 4 goes to 4. A power of two takes turns of a square and one that is shifted by at most 3: c = 25
 * goes to 625 / 2^10 + 3 < 3.7, and that to 8 (3.7^2 / 2^10 + 3) < 25. It leaves them by a product with a
 * number below R / 2^10, of any size beside N: 25 / 2^10 N + 3 N < 4 N.
 *
 * Secret: all numbers. Time and addresses depend on nothing but KW_LIMBS.
 */
#include "engine/x86/ifma_limbs.h"

#define KW_BLOCKS (KW_LIMBS / 10)
#define KW_PAIRS  (KW_BLOCKS * (KW_BLOCKS - 1) / 2)
#define KW_SPARE  10
/* A result is below this many times N. */
#define KW_EXCESS 4

/* 10 limbs as a factor of block_product(): with the difference of their halves. */
struct block {
    kw_v difference[5];
    __mmask8 borrow;
};

struct modulus {
    struct number n;
    kw_v ninv;                      /* -1/N modulo 2^52 */
    struct number n10;              /* N_520 */
    struct number n5;               /* N_260 */
    struct block halves[KW_BLOCKS]; /* of n10: upper less lower */
};

struct work {
    kw_v columns[2 * KW_LIMBS + 10];
    kw_v q[10];
    kw_v difference[KW_PAIRS][10];
    struct block halves[KW_BLOCKS];
};

/* ret = a - b modulo 2^(52 num); returns where a < b. */
KW_V_INLINE __mmask8 subtract_limbs(kw_v *ret, const kw_v *a, const kw_v *b, int num)
{
    kw_v borrow = _mm512_setzero_si512();

    KW_V_UNROLL
    for (int i = 0; i < num; i++) {
        kw_v x = _mm512_add_epi64(_mm512_sub_epi64(a[i], b[i]), borrow);
        ret[i] = _mm512_and_si512(x, KW_V_MASK52);
        borrow = _mm512_srai_epi64(x, 52);
    }
    return _mm512_movepi64_mask(borrow);
}

/* ---- squares ---- */

/* What becomes of the columns of a square. */
enum emit {
    EMIT_FIRST,  /* D_0 */
    EMIT_MIDDLE, /* D_i: its low half ends a block of the running sum */
    EMIT_LAST,   /* D_(B-1): its high half is the last block; the upper half of a^2 is the total less the sums
                  */
    EMIT_LESS,   /* (a_i - a_j)^2 */
};

/* columns: where the square belongs, D_i at i X. a, borrow: what was squared, for EMIT_LESS. */
KW_V_INLINE void emit(kw_v *columns, int i, kw_v x, enum emit how, const kw_v *a, __mmask8 borrow)
{
    if (how == EMIT_LESS) {
        x = _mm512_sub_epi64(columns[i], x);
        if (i >= 10) {
            x = _mm512_mask_add_epi64(x, borrow, x, a[i - 10]);
            x = _mm512_mask_add_epi64(x, borrow, x, a[i - 10]);
        }
    } else if (i < 10 && how != EMIT_FIRST) {
        x = _mm512_add_epi64(x, _mm512_add_epi64(columns[i], columns[i - 10]));
    } else if (i >= 10 && how == EMIT_LAST) {
        x = _mm512_add_epi64(x, columns[i - 10]);
        KW_V_UNROLL
        for (int k = 1; k < KW_BLOCKS; k++)
            columns[i + 10 * k] = _mm512_sub_epi64(x, columns[i - 10 * KW_BLOCKS + 10 * k]);
        x = _mm512_sub_epi64(x, columns[i - 10 * KW_BLOCKS]);
    }
    columns[i] = x;
}

KW_V_INLINE void load_limbs(kw_v *ret, const kw_v *a)
{
    KW_V_UNROLL
    for (int i = 0; i < 5; i++)
        ret[i] = a[i];
}

KW_V_INLINE kw_v twice(kw_v x)
{
    return _mm512_add_epi64(x, x);
}

/* The square of 10 limbs: of the lower five, twice the product of both fives, of the upper five. */
KW_V_INLINE void square_block(kw_v *columns, const kw_v *a, enum emit how, __mmask8 borrow)
{
    kw_v pairs[10], x[10], five[5];

    load_limbs(five, a);
    clear(pairs);
    tile_pairs(pairs, five);
    KW_V_UNROLL
    for (int i = 0; i < 10; i++)
        x[i] = twice(pairs[i]);
    tile_squares(x, five);
    KW_V_UNROLL
    for (int i = 0; i < 5; i++)
        emit(columns, i, x[i], how, a, borrow);

    clear(pairs);
    tile(pairs, a, a + 5);
    KW_V_UNROLL
    for (int i = 0; i < 5; i++) {
        emit(columns, 5 + i, _mm512_add_epi64(x[5 + i], twice(pairs[i])), how, a, borrow);
        x[i] = twice(pairs[5 + i]);
    }

    load_limbs(five, a + 5);
    clear(pairs);
    tile_pairs(pairs, five);
    KW_V_UNROLL
    for (int i = 0; i < 5; i++) {
        x[i] = _mm512_add_epi64(x[i], twice(pairs[i]));
        x[5 + i] = twice(pairs[5 + i]);
    }
    tile_squares(x, five);
    KW_V_UNROLL
    for (int i = 0; i < 10; i++)
        emit(columns, 10 + i, x[i], how, a, borrow);
}

/* Functions of their own, so that the code of a large square stays in the cache. */
static __attribute__((noinline)) void square_first(kw_v *columns, const kw_v *a)
{
    square_block(columns, a, EMIT_FIRST, 0);
}
static __attribute__((noinline, unused)) void square_middle(kw_v *columns, const kw_v *a)
{
    square_block(columns, a, EMIT_MIDDLE, 0);
}
static __attribute__((noinline)) void square_last(kw_v *columns, const kw_v *a)
{
    square_block(columns, a, EMIT_LAST, 0);
}
static __attribute__((noinline)) void square_less(kw_v *columns, const kw_v *a, __mmask8 borrow)
{
    square_block(columns, a, EMIT_LESS, borrow);
    columns[20] = _mm512_mask_sub_epi64(columns[20], borrow, columns[20], _mm512_set1_epi64(1));
}

KW_V_INLINE void square_number(struct work *work, const struct number *a)
{
    __mmask8 borrow[KW_PAIRS];
    int pair = 0;

    square_first(work->columns, a->limb);
    KW_V_UNROLL
    for (int i = 0; i < KW_BLOCKS; i++) {
        KW_V_UNROLL
        for (int j = i + 1; j < KW_BLOCKS; j++, pair++)
            borrow[pair] = subtract_limbs(work->difference[pair], a->limb + 10 * i, a->limb + 10 * j, 10);
    }
    KW_V_UNROLL
    for (int i = 1; i < KW_BLOCKS - 1; i++)
        square_middle(work->columns + 10 * i, a->limb + 10 * i);
    square_last(work->columns + 10 * (KW_BLOCKS - 1), a->limb + 10 * (KW_BLOCKS - 1));
    pair = 0;
    KW_V_UNROLL
    for (int i = 0; i < KW_BLOCKS; i++) {
        KW_V_UNROLL
        for (int j = i + 1; j < KW_BLOCKS; j++, pair++)
            square_less(work->columns + 10 * (i + j), work->difference[pair], borrow[pair]);
    }
}

/* ---- products ---- */

/* columns[0..20] += a b, 10 limbs each: with a = (a0, a1), b = (b0, b1) the middle is a0 b0 + a1 b1 + (a0 -
 * a1) (b1 - b0). */
static __attribute__((noinline)) void block_product(
    kw_v *columns, const kw_v *a, const struct block *a_halves, const kw_v *b, const struct block *b_halves)
{
    kw_v low[10], high[10];

    clear(low);
    tile(low, a, b);
    clear(high);
    tile(high, a + 5, b + 5);
    KW_V_UNROLL
    for (int i = 0; i < 5; i++) {
        columns[i] = _mm512_add_epi64(columns[i], low[i]);
        columns[15 + i] = _mm512_add_epi64(columns[15 + i], high[5 + i]);
    }
    KW_V_UNROLL
    for (int i = 0; i < 5; i++) {
        kw_v both = _mm512_add_epi64(low[5 + i], high[i]);
        low[i] = _mm512_add_epi64(_mm512_add_epi64(both, low[i]), columns[5 + i]);
        low[5 + i] = _mm512_add_epi64(_mm512_add_epi64(both, high[5 + i]), columns[10 + i]);
    }
    tile(low, a_halves->difference, b_halves->difference);
    KW_V_UNROLL
    for (int i = 0; i < 5; i++) {
        kw_v x = low[5 + i];
        x = _mm512_mask_sub_epi64(x, a_halves->borrow, x, b_halves->difference[i]);
        low[5 + i] = _mm512_mask_sub_epi64(x, b_halves->borrow, x, a_halves->difference[i]);
    }
    KW_V_UNROLL
    for (int i = 0; i < 10; i++)
        columns[5 + i] = low[i];
    columns[15] = _mm512_mask_add_epi64(
        columns[15], a_halves->borrow & b_halves->borrow, columns[15], _mm512_set1_epi64(1));
}

/* The left factor of a block product has its lower half less its upper one, the right factor the other way
 * round. */
KW_V_INLINE void left_halves(struct block *ret, const kw_v *a)
{
    ret->borrow = subtract_limbs(ret->difference, a, a + 5, 5);
}
KW_V_INLINE void right_halves(struct block *ret, const kw_v *b)
{
    ret->borrow = subtract_limbs(ret->difference, b + 5, b, 5);
}

KW_V_INLINE void multiply_numbers(struct work *work, const struct number *a, const struct number *b)
{
    struct block left;

    KW_V_LOOP
    for (int i = 0; i < 2 * KW_LIMBS; i++)
        work->columns[i] = _mm512_setzero_si512();
    KW_V_LOOP
    for (int j = 0; j < KW_BLOCKS; j++)
        right_halves(&work->halves[j], b->limb + 10 * j);
    KW_V_LOOP
    for (int i = 0; i < KW_BLOCKS; i++) {
        left_halves(&left, a->limb + 10 * i);
        KW_V_LOOP
        for (int j = 0; j < KW_BLOCKS; j++)
            block_product(
                work->columns + 10 * (i + j), a->limb + 10 * i, &left, b->limb + 10 * j, &work->halves[j]);
    }
}

/* ---- reduction ---- */

/* Columns to digits below 2^52; returns the carry. */
KW_V_INLINE kw_v take_digits(kw_v *q, const kw_v *columns, kw_v carry, int num)
{
    KW_V_UNROLL
    for (int i = 0; i < num; i++) {
        kw_v x = _mm512_add_epi64(columns[i], carry);
        q[i] = _mm512_and_si512(x, KW_V_MASK52);
        carry = _mm512_srai_epi64(x, 52);
    }
    return carry;
}

/* Five digits of Montgomery's reduction, as in ifma_mont.h: x is the ten columns from the digits' own on. */
KW_V_INLINE void last_digits(kw_v *x, kw_v *q, const struct modulus *modulus)
{
    const kw_v *n = modulus->n.limb;

    KW_V_UNROLL
    for (int i = 0; i < 5; i++) {
        kw_v digit = _mm512_madd52lo_epu64(_mm512_setzero_si512(), x[i], modulus->ninv);
        kw_v carry = _mm512_srai_epi64(_mm512_add_epi64(x[i], KW_V_MASK52), 52);

        q[i] = digit;
        x[i + 1] = _mm512_add_epi64(x[i + 1], carry);
        x[i + 1] = _mm512_madd52hi_epu64(x[i + 1], digit, n[0]);
        KW_V_UNROLL
        for (int j = 1; j < 5; j++) {
            x[i + j] = _mm512_madd52lo_epu64(x[i + j], digit, n[j]);
            x[i + j + 1] = _mm512_madd52hi_epu64(x[i + j + 1], digit, n[j]);
        }
    }
}

KW_V_INLINE kw_v finish_limbs(kw_v *ret, const kw_v *columns, kw_v carry, kw_v shift, int shifted)
{
    KW_V_UNROLL
    for (int i = 0; i < 5; i++) {
        kw_v x = shifted ? _mm512_sllv_epi64(columns[i], shift) : columns[i];

        x = _mm512_add_epi64(x, carry);
        ret[i] = _mm512_and_si512(x, KW_V_MASK52);
        carry = _mm512_srai_epi64(x, 52);
    }
    return carry;
}

/* The steps with w = 520; returns the carry into what is left. */
KW_V_INLINE kw_v reduce_blocks(struct work *work, const struct modulus *modulus)
{
    kw_v carry = _mm512_setzero_si512();
    struct block left;

    KW_V_LOOP
    for (int step = 0; step < KW_BLOCKS - 1; step++) {
        carry = take_digits(work->q, work->columns + 10 * step, carry, 10);
        left_halves(&left, work->q);
        KW_V_LOOP
        for (int j = 0; j < KW_BLOCKS; j++)
            block_product(work->columns + 10 * (step + 1 + j), work->q, &left, modulus->n10.limb + 10 * j,
                &modulus->halves[j]);
    }
    return carry;
}

/* The last ten digits: five by N_260, five by N; and the result. */
KW_V_INLINE void reduce(
    struct number *ret, struct work *work, const struct modulus *modulus, kw_v shift, int shifted)
{
    kw_v carry = reduce_blocks(work, modulus), x[10], *columns = work->columns + KW_LIMBS;

    carry = take_digits(work->q, columns - 10, carry, 5);
    KW_V_UNROLL
    for (int i = 0; i < 10; i++)
        x[i] = columns[i - 5];
    x[0] = _mm512_add_epi64(x[0], carry);
    tile(x, work->q, modulus->n5.limb);
    last_digits(x, work->q + 5, modulus);
    carry = _mm512_setzero_si512();
    KW_V_LOOP
    for (int i = 5; i <= KW_LIMBS; i += 5) {
        load_limbs(x, x + 5);
        if (i < KW_LIMBS) {
            load_limbs(x + 5, columns + i);
            tile(x, work->q, modulus->n5.limb + i);
            tile(x, work->q + 5, modulus->n.limb + i);
        }
        carry = finish_limbs(ret->limb + i - 5, x, carry, shift, shifted);
    }
}

/* ---- face ---- */

/* t = (t + q N) / 2^52 for num digits q: what N_w is, from t = 1. Limbs grow by two halves of a product a
 * step. */
static inline void divide_digits(struct number *t, const struct modulus *modulus, int num)
{
    const kw_v *n = modulus->n.limb;

    while (num-- > 0) {
        kw_v digit = _mm512_madd52lo_epu64(_mm512_setzero_si512(), t->limb[0], modulus->ninv);
        kw_v carry = _mm512_srai_epi64(_mm512_add_epi64(t->limb[0], KW_V_MASK52), 52);

        for (int i = 0; i < KW_LIMBS; i++) {
            kw_v above = i + 1 < KW_LIMBS ? t->limb[i + 1] : _mm512_setzero_si512();
            if (i + 1 < KW_LIMBS)
                above = _mm512_madd52lo_epu64(above, digit, n[i + 1]);
            t->limb[i] = _mm512_madd52hi_epu64(above, digit, n[i]);
        }
        t->limb[0] = _mm512_add_epi64(t->limb[0], carry);
    }
}

static inline void modulus_prepare(struct modulus *modulus)
{
    struct number *t = &modulus->n10;

    for (int i = 0; i < KW_LIMBS; i++)
        t->limb[i] = _mm512_setzero_si512();
    t->limb[0] = _mm512_set1_epi64(1);
    divide_digits(t, modulus, 5);
    (void)take_digits(modulus->n5.limb, t->limb, _mm512_setzero_si512(), KW_LIMBS);
    divide_digits(t, modulus, 5);
    (void)take_digits(t->limb, t->limb, _mm512_setzero_si512(), KW_LIMBS);
    for (int j = 0; j < KW_BLOCKS; j++)
        right_halves(&modulus->halves[j], t->limb + 10 * j);
}

/* ret = a b / R modulo N (a^2 if square), times 2^shift if shifted, with a shift below 4. ret may be a and b.
 */
KW_V_INLINE void mont(struct number *ret, const struct number *a, const struct number *b,
    const struct modulus *modulus, struct work *work, kw_v shift, int square, int shifted)
{
    if (square)
        square_number(work, a);
    else
        multiply_numbers(work, a, b);
    reduce(ret, work, modulus, shift, shifted);
}
