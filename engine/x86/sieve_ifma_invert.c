/* The inverse modulo a product of primes by the inverses modulo each: Euclid's algorithm with rounded
 * quotients, a fixed number of steps, in floats of 24 bits, which hold every number that comes up exactly
 * since the primes have at most 23.
 */
#include "engine/x86/sieve_ifma_row.h"

/* Whole numbers. */
INLINE __m512i integers(__m512 a)
{
    typedef int32_t integers __attribute__((vector_size(64)));

    return (__m512i) __builtin_convertvector(a, integers);
}

/* One division of Euclid's algorithm: a and u become remainder and cofactor; nothing changes if b is 0. The
 * quotient is rounded by the large number, and may be a little off, since the reciprocal has 14 bits: what is
 * left is divided at the next step. */
INLINE void divide(__m512 *a, __m512 *u, __m512 b, __m512 w)
{
    const __m512 large = _mm512_set1_ps(12582912.0f); /* 1.5 * 2^23 */
    __mmask16 more = _mm512_cmp_ps_mask(b, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    __m512 q = _mm512_maskz_sub_ps(more, _mm512_fmadd_ps(*a, _mm512_rcp14_ps(b), large), large);

    *a = _mm512_fnmadd_ps(q, b, *a);
    *u = _mm512_fnmadd_ps(q, w, *u);
}

/* x[i] = 1 / x[i] modulo prime[i] between 0 and 2 prime[i], for num vectors at once, which hide each other's
 * latency. */
INLINE void invert_vectors(__m512i *x, const __m512i *prime, unsigned num_steps, const unsigned num)
{
    __m512 a[8], b[8], u[8], w[8];

    UNROLL
    for (unsigned i = 0; i < num; i++) {
        a[i] = _mm512_cvtepi32_ps(prime[i]);
        b[i] = _mm512_cvtepi32_ps(x[i]);
        u[i] = _mm512_setzero_ps();
        w[i] = _mm512_set1_ps(1.0f);
    }
    for (unsigned step = 0; step < num_steps; step += 2) {
        UNROLL
        for (unsigned i = 0; i < num; i++)
            divide(&a[i], &u[i], b[i], w[i]);
        UNROLL
        for (unsigned i = 0; i < num; i++)
            divide(&b[i], &w[i], a[i], u[i]);
    }
    /* One of a and b is 0 and the other, the common divisor, is 1 or -1. */
    UNROLL
    for (unsigned i = 0; i < num; i++) {
        __m512 inverse = _mm512_fmadd_ps(a[i], u[i], _mm512_mul_ps(b[i], w[i]));

        x[i] = _mm512_add_epi32(integers(inverse), prime[i]);
    }
}

/* hits[i] = 1 / hits[i] modulo the primes, for all pairs and parts of a block. */
PHASE void invert_hits(__m512i *hits, const __m512i *prime, const struct kw_sieve_block *block)
{
    switch (block->num_parts) {
    case 2:
        invert_vectors(hits, prime, block->num_steps, 4);
        break;
    case 3:
        invert_vectors(hits, prime, block->num_steps, 6);
        break;
    case 4:
        invert_vectors(hits, prime, block->num_steps, 4);
        invert_vectors(hits + 4, prime + 4, block->num_steps, 4);
        break;
    default:
        invert_vectors(hits, prime, block->num_steps, 5);
        invert_vectors(hits + 5, prime + 5, block->num_steps, 5);
        break;
    }
}

/* The residue whose parts are the hits times the parts' factors, divided by R. */
INLINE void combine(struct row *ret, const __m512i *hits, const struct kw_sieve_block *block)
{
    const unsigned num_parts = block->num_parts;
    const struct kw_sieve_moduli *moduli = block->moduli;

    UNROLL
    for (unsigned v = 0; v < KW_SIEVE_VECTORS; v++) {
        __m512i low = _mm512_setzero_si512(), high = low;

        for (unsigned i = 0; i < num_parts; i++) {
            __m512i both = hits[v / 2 * num_parts + i], factor = block->parts[i].factor[v];
            __m512i one = v % 2 == 0 ? _mm512_and_si512(both, _mm512_set1_epi64(0xffffffff))
                                     : _mm512_srli_epi64(both, 32);

            low = _mm512_madd52lo_epu64(low, one, factor);
            high = _mm512_madd52hi_epu64(high, one, factor);
        }
        ret->v[v] = lift(reduce(low, high, moduli->m[v], moduli->inverse[v]), moduli->m[v]);
    }
}

void kw_sieve_ifma_invert(
    struct row *ret, const struct row *product, const struct kw_sieve_block *block, __m512i *hits)
{
    __m512i prime[KW_SIEVE_HITS_MAX];

    for (unsigned i = 0; i < block->num_parts; i++) {
        UNROLL
        for (unsigned pair = 0; pair < KW_SIEVE_PAIRS; pair++)
            prime[pair * block->num_parts + i] =
                interleave(block->parts[i].prime[2 * pair], block->parts[i].prime[2 * pair + 1]);
    }
    split(hits, product, block, block->num_parts);
    invert_hits(hits, prime, block);
    combine(ret, hits, block);
}
