/* rsafarm - many distinct, valid RSA key pairs in little time, for benchmarks only.
 *
 * N primes give N(N-1)/2 moduli. The pairs are real (they sign, decrypt and encode like any other) and all
 * different, but they share primes, so they protect nothing: two of them give each other away. They never
 * leave a benchmark.
 */
#ifndef KW_BENCH_RSAFARM_H
#define KW_BENCH_RSAFARM_H

#include "pool/spec.h"

struct kw_rsafarm_pair {
    uint16_t public_len;
    uint16_t private_len;
    uint8_t der[294 + 1232]; /* public, then private */
};

/* kw_rsafarm_fill() - num distinct RSA_2048 pairs, encoded. Makes as many primes as that needs: about 0.1 s
 * of CPU each, and 0.1 ms for each pair. Returns: 0 | <0 */
int kw_rsafarm_fill(struct kw_rsafarm_pair *pairs, size_t num);

#endif
