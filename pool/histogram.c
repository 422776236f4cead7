#include "pool/histogram.h"

#include <math.h>

void kw_histogram_record(struct kw_histogram *histogram, uint64_t duration_ns)
{
    unsigned bucket = 0;

    while (bucket < KW_HISTOGRAM_BUCKETS - 1 && duration_ns > (uint64_t)1000 << bucket)
        bucket++;
    atomic_fetch_add_explicit(&histogram->count[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_ns, duration_ns, memory_order_relaxed);
}

double kw_histogram_bound_s(unsigned bucket)
{
    kw_assert(bucket < KW_HISTOGRAM_BUCKETS);
    return bucket == KW_HISTOGRAM_BUCKETS - 1 ? (double)INFINITY : 1e-6 * (double)(UINT64_C(1) << bucket);
}

uint64_t kw_histogram_total(const struct kw_histogram *histogram)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
        total += atomic_load_explicit(&histogram->count[i], memory_order_relaxed);
    return total;
}
