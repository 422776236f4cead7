/* ifma_mont - Montgomery products of eight lanes in radix 2^52 (AVX-512 IFMA), for one number of limbs.
 *
 * Included with KW_LIMBS defined. A number is KW_LIMBS vectors, limb by limb, one lane of 64 bits a number; R
 * = 2^(52 KW_LIMBS). Moduli N are odd and at least KW_SPARE bits shorter than R.
 *
 * How it goes: columns are made in blocks of KW_TILE. A tile multiplies KW_TILE limbs by KW_TILE limbs and
 * adds into 2 KW_TILE columns that stay in registers; a block of columns takes all tiles of the product that
 * fall into it, then those of q N for the digits q known so far; in the lower half it then yields its own
 * KW_TILE digits of q, one after the other, in the upper half its limbs of the result. Column k of q N + T is
 * 0 modulo 2^52, so that its carry is known before the product q[k] N[0] is: ceil(column / 2^52), and
 * low(q[k] N[0]) is never computed.
 *
 * Multiplications: T = a^2 has L^2 + L (a pair of different limbs once, doubled as a sum), T = a b has 2 L^2,
 * the reduction 2 L^2, of the low or high kind.
 *
 * Bounds: columns are sums of at most 4 L products below 2^52 and a carry, below 2^60 for L = 40, and may be
 * shifted left by 3. With a, b < c N the result is below N (c^2 N / R + 1), and N < R / 2^6: c = 2 goes to 2.
 * A power of two takes turns of a square and one that is shifted by at most 3: c = 9 goes to 81 / 2^6 + 1 <
 * 2.3, and that to 8 (2.3^2 / 2^6 + 1) < 9. It leaves them by a product with a number below R / 2^6, of any
 * size beside N: 9 / 2^6 N + N < 2 N.
 *
 * Secret: all numbers. Time and addresses depend on nothing but KW_LIMBS.
 */
#include "engine/x86/ifma_limbs.h"

#define KW_TILES (KW_LIMBS / KW_TILE)
#define KW_SPARE 6
/* A result is below this many times N. */
#define KW_EXCESS 2

struct modulus {
    struct number n;
    kw_v ninv; /* -1/N modulo 2^52 */
};

struct work {
    struct number q; /* the digits of a reduction */
};

/* Block `block` of a^2: what pairs give is summed apart, and doubled once. */
KW_V_INLINE void block_of_square(kw_v *columns, const kw_v *a, int block)
{
    kw_v pairs[2 * KW_TILE];
    const kw_v *middle = a + KW_TILE * (block / 2);

    clear(pairs);
    for (int i = block < KW_TILES ? 0 : block - KW_TILES + 1; 2 * i < block; i++)
        tile(pairs, a + KW_TILE * i, a + KW_TILE * (block - i));
    if (block % 2 == 0)
        tile_pairs(pairs, middle);
    KW_V_UNROLL
    for (int i = 0; i < 2 * KW_TILE; i++)
        columns[i] = _mm512_add_epi64(columns[i], _mm512_add_epi64(pairs[i], pairs[i]));
    if (block % 2 == 0)
        tile_squares(columns, middle);
}

KW_V_INLINE void block_of_product(kw_v *columns, const kw_v *a, const kw_v *b, int block)
{
    int first = block < KW_TILES ? 0 : block - KW_TILES + 1, end = block < KW_TILES ? block + 1 : KW_TILES;

    for (int i = first; i < end; i++)
        tile(columns, a + KW_TILE * i, b + KW_TILE * (block - i));
}

/* The tiles of q N for the digits that earlier blocks made. */
KW_V_INLINE void block_of_reduction(kw_v *columns, const kw_v *q, const kw_v *n, int block)
{
    int first = block < KW_TILES ? 0 : block - KW_TILES + 1, end = block < KW_TILES ? block : KW_TILES;

    for (int i = first; i < end; i++)
        tile(columns, q + KW_TILE * i, n + KW_TILE * (block - i));
}

/* The digits of q of this block, with their products by the lowest tile of N. ninv = -1/N modulo 2^52. */
KW_V_INLINE void block_digits(kw_v *columns, kw_v *q, const kw_v *n, kw_v ninv)
{
    KW_V_UNROLL
    for (int i = 0; i < KW_TILE; i++) {
        kw_v digit = _mm512_madd52lo_epu64(_mm512_setzero_si512(), columns[i], ninv);
        kw_v carry = _mm512_srli_epi64(_mm512_add_epi64(columns[i], KW_V_MASK52), 52);

        q[i] = digit;
        columns[i + 1] = _mm512_add_epi64(columns[i + 1], carry);
        columns[i + 1] = _mm512_madd52hi_epu64(columns[i + 1], digit, n[0]);
        KW_V_UNROLL
        for (int j = 1; j < KW_TILE; j++) {
            columns[i + j] = _mm512_madd52lo_epu64(columns[i + j], digit, n[j]);
            columns[i + j + 1] = _mm512_madd52hi_epu64(columns[i + j + 1], digit, n[j]);
        }
    }
}

/* Finished columns, shifted left, to limbs below 2^52. */
KW_V_INLINE kw_v block_limbs(kw_v *ret, const kw_v *columns, kw_v carry, kw_v shift, int shifted)
{
    KW_V_UNROLL
    for (int i = 0; i < KW_TILE; i++) {
        kw_v x = shifted ? _mm512_sllv_epi64(columns[i], shift) : columns[i];

        x = _mm512_add_epi64(x, carry);
        ret[i] = _mm512_and_si512(x, KW_V_MASK52);
        carry = _mm512_srli_epi64(x, 52);
    }
    return carry;
}

/* Nothing but ninv, which the caller has set. */
static inline void modulus_prepare(struct modulus *modulus)
{
    (void)modulus;
}

/* ret = a b / R modulo N (a^2 if square), times 2^shift if shifted, with a shift below 4. ret may be a and b:
 * a limb of the result is written after its last use. */
KW_V_INLINE void mont(struct number *ret, const struct number *a, const struct number *b,
    const struct modulus *modulus, struct work *work, kw_v shift, int square, int shifted)
{
    kw_v columns[2 * KW_TILE], carry = _mm512_setzero_si512();
    kw_v *q = work->q.limb;

    clear(columns);
    KW_V_LOOP
    for (int block = 0; block < 2 * KW_TILES; block++) {
        if (block < 2 * KW_TILES - 1) {
            if (square)
                block_of_square(columns, a->limb, block);
            else
                block_of_product(columns, a->limb, b->limb, block);
            block_of_reduction(columns, q, modulus->n.limb, block);
        }
        if (block < KW_TILES)
            block_digits(columns, q + KW_TILE * block, modulus->n.limb, modulus->ninv);
        else
            carry = block_limbs(ret->limb + KW_TILE * (block - KW_TILES), columns, carry, shift, shifted);
        KW_V_UNROLL
        for (int i = 0; i < KW_TILE; i++) {
            columns[i] = columns[i + KW_TILE];
            columns[i + KW_TILE] = _mm512_setzero_si512();
        }
    }
}
