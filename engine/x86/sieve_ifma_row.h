/* sieve_ifma_row - arithmetic modulo the moduli of a block, four vectors at once. R is 2^52.
 */
#ifndef KW_ENGINE_X86_SIEVE_IFMA_ROW_H
#define KW_ENGINE_X86_SIEVE_IFMA_ROW_H

#include "engine/x86/sieve_ifma_table.h"

#define R_BITS 52

/* The loop that follows has a small constant length, and what it indexes lies in registers. */
#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

/* Functions of their own in the binary as well, so that registers suffice and no secret is put aside on the
 * stack. */
#define PHASE static __attribute__((noinline))

/* One element for each modulus of a block. */
struct row {
    __m512i v[KW_SIEVE_VECTORS];
};

/* Vectors are passed only where the flags of the instruction set are; the rest of this header compiles
 * anywhere. */
#ifdef __AVX512IFMA__

INLINE __m512i mul_low(__m512i a, __m512i b)
{
    return _mm512_madd52lo_epu64(_mm512_setzero_si512(), a, b);
}

INLINE __m512i mul_high(__m512i a, __m512i b)
{
    return _mm512_madd52hi_epu64(_mm512_setzero_si512(), a, b);
}

/* From -m <= a < 2^52 to the same residue between 0 and the larger of a and m. */
INLINE __m512i lift(__m512i a, __m512i m)
{
    return _mm512_min_epu64(a, _mm512_add_epi64(a, m));
}

/* a b / R modulo m. In: a, b < 2^52, a b < R m. Out: below m. */
INLINE __m512i montgomery(__m512i a, __m512i b, __m512i m, __m512i inverse)
{
    __m512i q = mul_low(mul_low(a, b), inverse);

    return lift(_mm512_sub_epi64(mul_high(a, b), mul_high(q, m)), m);
}

/* (low + R high) / R modulo m, between -m and 2^60. In: both below 2^59. */
INLINE __m512i reduce(__m512i low, __m512i high, __m512i m, __m512i inverse)
{
    return _mm512_sub_epi64(
        _mm512_add_epi64(high, _mm512_srli_epi64(low, R_BITS)), mul_high(mul_low(low, inverse), m));
}

/* (low + R high) / R^2 modulo m. In: both below 2^59. Out: below the larger of m and 2^9. */
INLINE __m512i reduce_twice(__m512i low, __m512i high, __m512i m, __m512i inverse)
{
    __m512i once = reduce(low, high, m, inverse);
    __m512i twice = _mm512_sub_epi64(_mm512_srai_epi64(once, R_BITS), mul_high(mul_low(once, inverse), m));

    return lift(twice, m);
}

INLINE void multiply(
    struct row *ret, const struct row *a, const struct row *b, const struct kw_sieve_moduli *moduli)
{
    UNROLL
    for (unsigned v = 0; v < KW_SIEVE_VECTORS; v++)
        ret->v[v] = montgomery(a->v[v], b->v[v], moduli->m[v], moduli->inverse[v]);
}

/* Even elements of 32 bits from a, odd ones from b, both of 64-bit elements below 2^32. */
INLINE __m512i interleave(__m512i a, __m512i b)
{
    return _mm512_mask_shuffle_epi32(a, 0xaaaa, b, _MM_PERM_CDAB);
}

/* -a / R modulo the primes of one part, below them. In: a < 2^52. */
INLINE __m512i part_residue(__m512i a, const struct kw_sieve_part *part, unsigned v)
{
    return mul_high(mul_low(a, part->inverse[v]), part->prime[v]);
}

/* hits = -a / R modulo each prime. */
INLINE void split(
    __m512i *hits, const struct row *a, const struct kw_sieve_block *block, const unsigned num_parts)
{
    for (unsigned i = 0; i < num_parts; i++) {
        const struct kw_sieve_part *part = &block->parts[i];

        UNROLL
        for (unsigned pair = 0; pair < KW_SIEVE_PAIRS; pair++) {
            hits[pair * num_parts + i] = interleave(part_residue(a->v[2 * pair], part, 2 * pair),
                part_residue(a->v[2 * pair + 1], part, 2 * pair + 1));
        }
    }
}

#endif

/* kw_sieve_ifma_invert() - R^2 / product modulo each modulus. In: residues prime to their moduli. Out: below
 * them. hits: KW_SIEVE_HITS_MAX vectors of scratch. */
void kw_sieve_ifma_invert(
    struct row *ret, const struct row *product, const struct kw_sieve_block *block, __m512i *hits);

#endif
