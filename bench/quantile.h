/* quantile - counts of durations, exact to 1.6 %, and the figures that a series of turns comes to.
 *
 * One owner thread.
 */
#ifndef KW_BENCH_QUANTILE_H
#define KW_BENCH_QUANTILE_H

#include "pool/base.h"

/* 64 steps to each doubling, up to 2^40 ns (18 minutes). */
#define KW_QUANTILE_STEPS   64u
#define KW_QUANTILE_BUCKETS (KW_QUANTILE_STEPS * 36u)

struct kw_quantile {
    uint64_t total;
    uint32_t count[KW_QUANTILE_BUCKETS];
};

void kw_quantile_add(struct kw_quantile *quantile, uint64_t ns);
void kw_quantile_merge(struct kw_quantile *into, const struct kw_quantile *from);
/* The duration, in microseconds, that a share (0 to 1) of all did not exceed; NAN if there is none. */
double kw_quantile_us(const struct kw_quantile *quantile, double share);

/* A figure measured in several turns. */
struct kw_spread {
    double median, min, max;
};
/* Of num values, which are put in order; all NAN if there is none. */
struct kw_spread kw_spread_of(double *values, size_t num);

#endif
