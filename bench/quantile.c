#include "bench/quantile.h"

#include <math.h>
#include <stdlib.h>

/* Below 64 ns a bucket for each nanosecond; then 64 for each doubling. */
static size_t bucket_of(uint64_t ns)
{
    unsigned shift = ns < KW_QUANTILE_STEPS ? 0 : 63 - 6 - (unsigned)__builtin_clzll(ns);
    size_t bucket = ns < KW_QUANTILE_STEPS ? (size_t)ns
                                           : (size_t)(shift + 1) * KW_QUANTILE_STEPS +
                                                 (size_t)((ns >> shift) - KW_QUANTILE_STEPS);

    return KW_MIN(bucket, (size_t)KW_QUANTILE_BUCKETS - 1);
}

static double upper_ns(size_t bucket)
{
    size_t octave = bucket / KW_QUANTILE_STEPS;

    if (octave == 0)
        return (double)bucket;
    return ldexp((double)(KW_QUANTILE_STEPS + bucket % KW_QUANTILE_STEPS + 1), (int)octave - 1) - 1;
}

void kw_quantile_add(struct kw_quantile *quantile, uint64_t ns)
{
    quantile->count[bucket_of(ns)]++;
    quantile->total++;
}

void kw_quantile_merge(struct kw_quantile *into, const struct kw_quantile *from)
{
    for (size_t i = 0; i < KW_QUANTILE_BUCKETS; i++)
        into->count[i] += from->count[i];
    into->total += from->total;
}

double kw_quantile_us(const struct kw_quantile *quantile, double share)
{
    double wanted = share * (double)quantile->total;
    uint64_t seen = 0;

    if (quantile->total == 0)
        return NAN;
    for (size_t i = 0; i < KW_QUANTILE_BUCKETS; i++) {
        seen += quantile->count[i];
        if (quantile->count[i] > 0 && (double)seen >= wanted)
            return upper_ns(i) / 1000;
    }
    return upper_ns(KW_QUANTILE_BUCKETS - 1) / 1000;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

struct kw_spread kw_spread_of(double *values, size_t num)
{
    if (num == 0)
        return (struct kw_spread){NAN, NAN, NAN};
    qsort(values, num, sizeof(*values), compare);
    return (struct kw_spread){
        .median = (values[(num - 1) / 2] + values[num / 2]) / 2, .min = values[0], .max = values[num - 1]};
}
