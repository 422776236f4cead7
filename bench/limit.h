/* limit - how many RSA pairs a second a core could make if nothing but the modular squarings of eight lanes
 * cost time.
 *
 * A pair needs two primes of n bits. A prime needs t base-2 tests of candidates that a sieve up to 2^20 lets
 * through and r rounds of Miller-Rabin (FIPS 186-5 Table B.1), of 1.2 tests each. A test is n squarings
 * modulo a number of L limbs of 52 bits, and each takes L^2 + L (the product, by symmetry) + 2 L^2 + L (the
 * reduction) multiply-and-add instructions for eight numbers at once:
 *
 *   T = n (3 L^2 + 2 L) / (8 rate),   limit = 1 / (2 T (t + 1.2 r)).
 *
 * A deeper sieve, or a multiplication with fewer products, could pass it: it is a yardstick, not a law.
 */
#ifndef KW_BENCH_LIMIT_H
#define KW_BENCH_LIMIT_H

#include "pool/spec.h"

/* Pairs per second at so many instructions per nanosecond; NAN for a spec other than RSA or an unknown rate.
 */
double kw_limit_pairs(enum kw_spec spec, double ifma_per_ns);

#endif
