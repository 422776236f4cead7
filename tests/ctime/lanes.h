/* lanes - AVX-512 for MemorySanitizer, put before each source of engine/x86 by the compiler's -include.
 *
 * MemorySanitizer (clang 14) treats an intrinsic that it does not know in one of two ways. If all its
 * operands are of the result's type, it joins their undefined bits place by place, and so does it for
 * additions: a carry out of an undefined limb, or the sign of an undefined difference, would count as
 * defined, and a branch on it would not be reported. Here such results are undefined in the whole lane as
 * soon as one bit of an operand is. If the operands differ in type, it reports a use of what is undefined,
 * though nothing but data depends on it: these few are written in plain C and intrinsics that it knows, and
 * keep what is undefined.
 */
#ifndef KW_TESTS_CTIME_LANES_H
#define KW_TESTS_CTIME_LANES_H

/* Vectors are passed only where the flags of the instruction set are. */
#ifdef __AVX512IFMA__

#include <immintrin.h>
#include <stdint.h>

#define CTIME_INLINE static inline __attribute__((always_inline, unused))

/* ---- lanes that are undefined as a whole ---- */

/* A shift by a count that has an undefined bit is undefined in all bits of the lane; of 0 it is 0, which the
 * compiler does not know of this instruction. */
CTIME_INLINE __m512i ctime_lanes64(__m512i x)
{
    return _mm512_xor_si512(x, _mm512_sllv_epi64(_mm512_setzero_si512(), x));
}
CTIME_INLINE __m512i ctime_lanes32(__m512i x)
{
    return _mm512_xor_si512(x, _mm512_sllv_epi32(_mm512_setzero_si512(), x));
}
CTIME_INLINE __m512 ctime_lanes_ps(__m512 x)
{
    return _mm512_castsi512_ps(ctime_lanes32(_mm512_castps_si512(x)));
}

/* 0, undefined in all bits if any bit of x is: here all lanes shift by one count. */
CTIME_INLINE __m512i ctime_any(__m512i x)
{
    __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    __m128i quarter = _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    __m128i count = _mm_xor_si128(quarter, _mm_unpackhi_epi64(quarter, quarter));

    return _mm512_sll_epi64(_mm512_setzero_si512(), count);
}

/* ---- what it does not know, in other words ---- */

/* Only the function "one of the three" is used. */
CTIME_INLINE __m512i ctime_either(__m512i a, __m512i b, __m512i c)
{
    return _mm512_or_si512(_mm512_or_si512(a, b), c);
}

CTIME_INLINE __m512i ctime_compress(__m512i rest, __mmask16 mask, __m512i a)
{
    uint32_t from[16], to[16], place = 0;

    _mm512_storeu_si512(from, a);
    _mm512_storeu_si512(to, rest);
    for (unsigned i = 0; i < 16; i++) {
        uint32_t taken = mask >> i & 1;

        for (uint32_t j = 0; j < 16; j++) {
            uint32_t here = 0 - (taken & (place == j));
            to[j] ^= (to[j] ^ from[i]) & here;
        }
        place += taken;
    }
    return _mm512_xor_si512(_mm512_loadu_si512(to),
        _mm512_xor_si512(ctime_any(_mm512_xor_si512(rest, a)), ctime_any(_mm512_set1_epi32((int)mask))));
}

/* Any lane may go to any other. */
CTIME_INLINE __m512i ctime_permute(__m512i index, __m512i a)
{
    return _mm512_xor_si512(_mm512_permutexvar_epi32(index, a), ctime_any(_mm512_xor_si512(index, a)));
}

CTIME_INLINE __m512i ctime_permute64(__m512i index, __m512i a)
{
    return _mm512_xor_si512(_mm512_permutexvar_epi64(index, a), ctime_any(_mm512_xor_si512(index, a)));
}

/* Any entry of the table may go to any lane; where all are public, a secret index makes its own lane secret.
 */
CTIME_INLINE __m512i ctime_permute_two(__m512i a, __m512i index, __m512i b)
{
    return ctime_lanes64(
        _mm512_xor_si512(_mm512_permutex2var_epi64(a, index, b), ctime_any(_mm512_xor_si512(a, b))));
}

/* Exact, where the instruction has 14 bits: its users allow for that. */
CTIME_INLINE __m512 ctime_reciprocal(__m512 a)
{
    return ctime_lanes_ps(_mm512_div_ps(_mm512_set1_ps(1.0f), a));
}

/* Only "not equal, or not a number" is used. */
CTIME_INLINE __mmask16 ctime_differ(__m512 a, __m512 b)
{
    return _mm512_movepi32_mask((__m512i)((__v16sf)a != (__v16sf)b));
}

/* ---- in place of the intrinsics ---- */

#define CTIME_BINARY(name, type, lanes)                                                                      \
    CTIME_INLINE type ctime##name(type a, type b)                                                            \
    {                                                                                                        \
        return lanes(_mm512##name(a, b));                                                                    \
    }
#define CTIME_TERNARY(name, type, lanes)                                                                     \
    CTIME_INLINE type ctime##name(type a, type b, type c)                                                    \
    {                                                                                                        \
        return lanes(_mm512##name(a, b, c));                                                                 \
    }
#define CTIME_MASKED(name, mask_type, lanes)                                                                 \
    CTIME_INLINE __m512i ctime##name(__m512i rest, mask_type mask, __m512i a, __m512i b)                     \
    {                                                                                                        \
        return lanes(_mm512##name(rest, mask, a, b));                                                        \
    }

CTIME_BINARY(_add_epi32, __m512i, ctime_lanes32)
CTIME_BINARY(_add_epi64, __m512i, ctime_lanes64)
CTIME_BINARY(_min_epu32, __m512i, ctime_lanes32)
CTIME_BINARY(_min_epu64, __m512i, ctime_lanes64)
CTIME_BINARY(_mul_epi32, __m512i, ctime_lanes64)
CTIME_BINARY(_mul_ps, __m512, ctime_lanes_ps)
CTIME_BINARY(_mullo_epi64, __m512i, ctime_lanes64)
CTIME_BINARY(_sub_epi32, __m512i, ctime_lanes32)
CTIME_BINARY(_sub_epi64, __m512i, ctime_lanes64)
CTIME_BINARY(_sub_ps, __m512, ctime_lanes_ps)
CTIME_MASKED(_mask_add_epi64, __mmask8, ctime_lanes64)
CTIME_MASKED(_mask_sub_epi64, __mmask8, ctime_lanes64)
CTIME_TERNARY(_fmadd_ps, __m512, ctime_lanes_ps)
CTIME_TERNARY(_fnmadd_ps, __m512, ctime_lanes_ps)
CTIME_TERNARY(_madd52hi_epu64, __m512i, ctime_lanes64)
CTIME_TERNARY(_madd52lo_epu64, __m512i, ctime_lanes64)

CTIME_INLINE __m512 ctime_maskz_sub_ps(__mmask16 mask, __m512 a, __m512 b)
{
    return ctime_lanes_ps(_mm512_maskz_sub_ps(mask, a, b));
}
CTIME_INLINE __m512 ctime_cvtepi32_ps(__m512i a)
{
    return ctime_lanes_ps(_mm512_cvtepi32_ps(a));
}

#define _mm512_add_epi32           ctime_add_epi32
#define _mm512_add_epi64           ctime_add_epi64
#define _mm512_cvtepi32_ps         ctime_cvtepi32_ps
#define _mm512_fmadd_ps            ctime_fmadd_ps
#define _mm512_fnmadd_ps           ctime_fnmadd_ps
#define _mm512_madd52hi_epu64      ctime_madd52hi_epu64
#define _mm512_madd52lo_epu64      ctime_madd52lo_epu64
#define _mm512_mask_add_epi64      ctime_mask_add_epi64
#define _mm512_mask_compress_epi32 ctime_compress
#define _mm512_mask_sub_epi64      ctime_mask_sub_epi64
#define _mm512_maskz_sub_ps        ctime_maskz_sub_ps
#define _mm512_min_epu32           ctime_min_epu32
#define _mm512_min_epu64           ctime_min_epu64
#define _mm512_mul_epi32           ctime_mul_epi32
#define _mm512_mul_ps              ctime_mul_ps
#define _mm512_mullo_epi64         ctime_mullo_epi64
#define _mm512_permutex2var_epi64  ctime_permute_two
#define _mm512_permutexvar_epi32   ctime_permute
#define _mm512_permutexvar_epi64   ctime_permute64
#define _mm512_rcp14_ps            ctime_reciprocal
#define _mm512_sub_epi32           ctime_sub_epi32
#define _mm512_sub_epi64           ctime_sub_epi64
#define _mm512_sub_ps              ctime_sub_ps
#undef _mm512_cmp_ps_mask
#define _mm512_cmp_ps_mask(a, b, how)                                                                        \
    __extension__({                                                                                          \
        _Static_assert((how) == _CMP_NEQ_UQ, "another comparison");                                          \
        ctime_differ(a, b);                                                                                  \
    })
#undef _mm512_ternarylogic_epi32
#define _mm512_ternarylogic_epi32(a, b, c, function)                                                         \
    __extension__({                                                                                          \
        _Static_assert((function) == 0xfe, "another function");                                              \
        ctime_either(a, b, c);                                                                               \
    })

#endif

#endif
