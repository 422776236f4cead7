/* primality - FIPS 186-5 B.3.1, Miller-Rabin, over a kernel.
 */
#ifndef KW_ENGINE_RSA_PRIMALITY_H
#define KW_ENGINE_RSA_PRIMALITY_H

#include "engine/rng.h"
#include "engine/rsa/kernel.h"

/* Rounds of FIPS 186-5 Table B.1 for keys made with auxiliary probable primes (A.1.6). */
struct kw_primality_rounds {
    unsigned nlen;           /* bits of n */
    unsigned prime;          /* rounds for p and q: 5, 4, 4 */
    unsigned auxiliary;      /* rounds for p1, p2, q1, q2: 38, 41, 44 */
    unsigned auxiliary_bits; /* their least length: 141, 171, 201 (Table A.1) */
};
/* For the largest nlen of the table (2048, 3072, 4096) that is not above nlen, else the first. */
const struct kw_primality_rounds *kw_primality_rounds_of(unsigned nlen);

/* kw_primality_base() - B.3.1 steps 4.1 and 4.2: a random base 1 < b < w - 1. In: w > 4 of num words with
 * exactly `bits` bits or fewer. Draws until it fits. Returns: 0 | <0 */
KW_MUST_CHECK int kw_primality_base(
    uint64_t *ret, const uint64_t *w, size_t num, unsigned bits, struct kw_rng *rng);
/* Step 4.2 alone, for those who draw in bulk: cuts b to bits bits; mask, all ones if 1 < b < w - 1. */
uint64_t kw_primality_base_fits(uint64_t *b, const uint64_t *w, size_t num, unsigned bits);

/* kw_primality_settle() - decides a round that a kernel was unsure of, by powers on one lane (at most 13 of
 * them, as many as the logarithm of how often 2 divides modulus - 1, which the time shows). In: lane with
 * modulus and base as for the round, its result is not used; scratch of kernel. Out: ret_pass. Returns: 0 |
 * <0 */
KW_MUST_CHECK int kw_primality_settle(
    const struct kw_kernel *kernel, void *scratch, unsigned bits, const struct kw_lane *lane, bool *ret_pass);

/* kw_primality_test() - the whole test of one number of any value: small ones by division, then the base-2
 * filter, then the rounds, spread over the lanes. For known numbers and tests: its time depends on the
 * number; key generation batches rounds itself. In: w of num words, num <= KW_WORDS_MAX; rounds > 0. Returns:
 * 0 probable prime | KW_PRIMALITY_COMPOSITE (or below 2) | <0 */
enum { KW_PRIMALITY_COMPOSITE = 1 };
KW_MUST_CHECK int kw_primality_test(
    const uint64_t *w, size_t num, unsigned rounds, enum kw_cpu_path path, struct kw_rng *rng);

#endif
