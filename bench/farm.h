/* farm - many distinct, valid key pairs in little time, for benchmarks only.
 *
 * On curves they are made like any other. Of RSA only some are, for their primes: N primes give N(N-1)/2
 * moduli. Those pairs are real (they sign, decrypt and encode like any other) and all different, but they
 * share primes, so they protect nothing: two of them give each other away. They never leave a benchmark.
 */
#ifndef KW_BENCH_FARM_H
#define KW_BENCH_FARM_H

#include "pool/spec.h"

struct kw_farm_pair {
    uint16_t public_len;
    uint16_t private_len;
    uint8_t public_der[KW_SPEC_PUBLIC_MAX];
    uint8_t private_der[KW_SPEC_PRIVATE_MAX];
};

/* kw_farm_fill() - num distinct pairs of spec, encoded. In: num >= 1. Returns: 0 | <0 */
int kw_farm_fill(enum kw_spec spec, struct kw_farm_pair *pairs, size_t num);

#endif
