#include "tools/plan/simulation_internal.h"

#include <math.h>

static size_t bucket_of(double wait_s)
{
    double steps = log2(wait_s * 1e6) * KW_PLAN_WAIT_STEPS;

    if (!(steps > 0))
        return 0;
    return (size_t)fmin(ceil(steps), KW_PLAN_WAIT_BUCKETS - 1);
}

void kw_plan_tally_wait(struct kw_plan_tally *tally, double wait_s)
{
    tally->waits[bucket_of(wait_s)]++;
}

static double upper_s(size_t bucket)
{
    return bucket == KW_PLAN_WAIT_BUCKETS - 1 ? INFINITY : exp2((double)bucket / KW_PLAN_WAIT_STEPS) * 1e-6;
}

double kw_plan_wait_quantile(const struct kw_plan_tally *tally, double share)
{
    double wanted = share * (double)tally->requests;
    uint64_t seen = tally->requests - KW_MIN(tally->misses, tally->requests);

    if ((double)seen >= wanted)
        return 0;
    for (size_t i = 0; i < KW_PLAN_WAIT_BUCKETS; i++) {
        seen += tally->waits[i];
        if ((double)seen >= wanted)
            return upper_s(i);
    }
    return INFINITY;
}
