/* histogram - counts of durations in powers of two, for metrics. Relaxed atomics; any thread may record or
 * read. */
#ifndef KW_POOL_HISTOGRAM_H
#define KW_POOL_HISTOGRAM_H

#include "pool/base.h"

#include <stdatomic.h>

/* Bucket i counts durations up to 2^i microseconds (i = 0 .. 25, the last about 34 s); one more for the rest.
 */
#define KW_HISTOGRAM_BUCKETS 27

struct kw_histogram {
    _Atomic uint64_t count[KW_HISTOGRAM_BUCKETS];
    _Atomic uint64_t sum_ns;
};

void kw_histogram_record(struct kw_histogram *histogram, uint64_t duration_ns);
/* Upper bound of bucket i in seconds; the last one is infinite (returns INFINITY). */
double kw_histogram_bound_s(unsigned bucket);
uint64_t kw_histogram_total(const struct kw_histogram *histogram);

#endif
