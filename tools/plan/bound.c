#include "tools/plan/bound.h"

#include <math.h>
#include <stdlib.h>

/* By the shortfall, depth less level: a request makes it one more, a pair one less, and as many workers work
 * as pairs are missing. Each state's chance follows from the one before; scaled while they grow. */
double kw_plan_bound_lost(double demand_per_s, double make_s, unsigned workers, uint32_t depth)
{
    double sum = 1, last = 1;

    for (uint32_t k = 1; k <= depth; k++) {
        last *= demand_per_s * make_s / KW_MIN(k, workers);
        sum += last;
        if (sum > 1e200) {
            sum *= 1e-200;
            last *= 1e-200;
        }
    }
    return last / sum;
}

/* The same without an end: from where all workers work it is a geometric series. */
double kw_plan_bound_waiting(double demand_per_s, double make_s, unsigned workers, uint32_t depth)
{
    double load = demand_per_s * make_s, chance = 1, below = 0, missed = 0;
    uint32_t all = KW_MAX(depth, workers);

    for (uint32_t k = 0; k < all; k++) {
        *(k < depth ? &below : &missed) += chance;
        chance *= load / KW_MIN(k + 1, workers);
    }
    missed += chance / (1 - load / workers);
    return missed / (below + missed);
}

/* Ever smaller chances of more requests than that while a pair is made are left out. */
#define BEYOND 256u

/* ret[k]: the chance that k requests or more come while one pair is made; num of them */
static void arrivals_at_least(double demand_per_s, const struct kw_plan_make *make, double *ret, size_t num)
{
    for (unsigned i = 0; i < KW_PLAN_QUANTILES; i++) {
        double mean = demand_per_s * make->mean_s * make->quantiles[i];
        double chance = exp(-mean) / KW_PLAN_QUANTILES;

        for (size_t k = 0; k < num; k++) {
            ret[k] += chance;
            chance *= mean / (double)(k + 1);
        }
    }
    for (size_t k = num - 1; k > 0; k--)
        ret[k - 1] += ret[k];
}

/* ret[j]: the chance of j in an M/G/1 queue, by what crosses from j or below to above and back; num of them.
 * Sums of what is positive only. */
static void queue_lengths(double load, const double *at_least, double *ret, size_t num)
{
    double none = at_least[0] - at_least[1];

    ret[0] = 1 - load;
    for (size_t j = 0; j + 1 < num; j++) {
        double up = ret[0] * at_least[j + 1];

        for (size_t i = 1; i <= j; i++)
            up += ret[i] * at_least[j + 2 - i];
        ret[j + 1] = up / none;
    }
}

/* The shortfall is what such a queue holds, and as much more as refilling waits for: evenly distributed. */
double kw_plan_bound_general(
    double demand_per_s, const struct kw_plan_make *make, uint32_t depth, uint32_t low_watermark)
{
    size_t num = (size_t)depth + BEYOND;
    double *at_least = calloc(2 * num, sizeof(*at_least)), *lengths = at_least + num;
    uint32_t begin = depth - low_watermark + 1;
    double above = 1, missed = 0;

    if (at_least == NULL)
        return NAN;
    arrivals_at_least(demand_per_s, make, at_least, num);
    queue_lengths(demand_per_s * make->mean_s, at_least, lengths, (size_t)depth + 1);
    for (uint32_t j = 0; j <= depth; j++) {
        if (j >= low_watermark)
            missed += above / begin;
        above -= lengths[j];
    }
    free(at_least);
    return missed;
}

double kw_plan_bound_burst_s(uint32_t depth, uint32_t low_watermark, double burst_per_s, double refill_per_s)
{
    if (burst_per_s <= refill_per_s)
        return INFINITY;
    return (depth - low_watermark) / burst_per_s + low_watermark / (burst_per_s - refill_per_s);
}
