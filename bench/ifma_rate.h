/* ifma_rate - how many 52-bit multiply-and-add instructions on 512 bits the core does in a nanosecond, now.
 *
 * The most that vpmadd52luq allows: as many independent sums as hide its latency, nothing else between. To be
 * measured in turns with what it is compared with, since clocks change.
 */
#ifndef KW_BENCH_IFMA_RATE_H
#define KW_BENCH_IFMA_RATE_H

#include "pool/base.h"

struct kw_ifma {
    double instructions;
    double cpu_s;
};

/* Whether this build and this machine have the instruction. */
KW_MUST_CHECK bool kw_ifma_available(void);
/* kw_ifma_turn() - runs it for about so many seconds and adds up; only where it is available. */
void kw_ifma_turn(struct kw_ifma *sum, double seconds);
/* Instructions per nanosecond; NAN before the first turn. */
double kw_ifma_per_ns(const struct kw_ifma *sum);

/* kw_ifma_loop() - 48 instructions, so many times over (ifma_loop_x86.c, compiled for AVX-512). */
#define KW_IFMA_PER_LOOP 48u
void kw_ifma_loop(uint64_t times);

#endif
