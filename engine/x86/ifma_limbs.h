/* ifma_limbs - tiles: products of a few limbs of eight lanes, and the vocabulary of the kernels (AVX-512
 * IFMA).
 *
 * Included with KW_LIMBS defined. A number is KW_LIMBS vectors of limbs of 52 bits, lowest first, one lane of
 * 64 bits a number. A column is a sum of products that belong to one power of 2^52; the low and the high half
 * of a product of two limbs, below 2^52 each, go to neighbouring columns. Multiplications read the low 52
 * bits of a lane only. A tile multiplies KW_TILE limbs by KW_TILE limbs; its 2 KW_TILE columns stay in
 * registers.
 */
#ifndef KW_ENGINE_X86_IFMA_LIMBS_H
#define KW_ENGINE_X86_IFMA_LIMBS_H

#include <immintrin.h>
#include <stdint.h>

#if KW_LIMBS % 5 == 0
#define KW_TILE 5
#else
#define KW_TILE KW_LIMBS
#endif

typedef __m512i kw_v;

struct number {
    kw_v limb[KW_LIMBS];
};

#define KW_V_INLINE static inline __attribute__((always_inline))
/* What is long enough to be called, but mixes better with what is around it where it is compiled into that.
 * What a sanitizer adds to it would take a compiler minutes. */
#ifdef KW_V_SANITIZED
#define KW_V_LONG static __attribute__((noinline))
#else
#define KW_V_LONG KW_V_INLINE
#endif
#define KW_V_MASK52 _mm512_set1_epi64((1ll << 52) - 1)
/* Small loops with constant bounds become straight code, so that their arrays become registers. */
#define KW_V_UNROLL _Pragma("GCC unroll 24")
/* The others stay loops: straight code would not fit the instruction cache. */
#define KW_V_LOOP _Pragma("GCC unroll 1")

KW_V_INLINE void clear(kw_v *columns)
{
    KW_V_UNROLL
    for (int i = 0; i < 2 * KW_TILE; i++)
        columns[i] = _mm512_setzero_si512();
}

/* columns += a y, KW_TILE limbs times one. */
KW_V_INLINE void row(kw_v *columns, const kw_v *a, kw_v y)
{
    KW_V_UNROLL
    for (int i = 0; i < KW_TILE; i++)
        columns[i] = _mm512_madd52lo_epu64(columns[i], a[i], y);
    KW_V_UNROLL
    for (int i = 0; i < KW_TILE; i++)
        columns[i + 1] = _mm512_madd52hi_epu64(columns[i + 1], a[i], y);
}

/* columns += a b, KW_TILE limbs each. */
KW_V_INLINE void tile(kw_v *columns, const kw_v *a, const kw_v *b)
{
    kw_v x[KW_TILE];

    KW_V_UNROLL
    for (int i = 0; i < KW_TILE; i++)
        x[i] = a[i];
    KW_V_UNROLL
    for (int j = 0; j < KW_TILE; j++)
        row(columns + j, x, b[j]);
}

/* columns += the products of different limbs of a, each pair once. */
KW_V_INLINE void tile_pairs(kw_v *columns, const kw_v *a)
{
    KW_V_UNROLL
    for (int j = 1; j < KW_TILE; j++) {
        KW_V_UNROLL
        for (int i = 0; i < j; i++) {
            columns[i + j] = _mm512_madd52lo_epu64(columns[i + j], a[i], a[j]);
            columns[i + j + 1] = _mm512_madd52hi_epu64(columns[i + j + 1], a[i], a[j]);
        }
    }
}

/* columns += the squares of the limbs of a. */
KW_V_INLINE void tile_squares(kw_v *columns, const kw_v *a)
{
    KW_V_UNROLL
    for (int i = 0; i < KW_TILE; i++) {
        columns[2 * i] = _mm512_madd52lo_epu64(columns[2 * i], a[i], a[i]);
        columns[2 * i + 1] = _mm512_madd52hi_epu64(columns[2 * i + 1], a[i], a[i]);
    }
}

#endif
