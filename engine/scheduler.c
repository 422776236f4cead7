#include "engine/scheduler.h"

#include <math.h>

static uint32_t high_of(const struct kw_sched_pool *pool)
{
    return KW_MAX(KW_MAX(pool->high_watermark, pool->low_watermark), 1u);
}

static uint32_t unmet_waiters(const struct kw_sched_pool *pool)
{
    return pool->waiters > pool->level ? pool->waiters - pool->level : 0;
}

static void update_refilling(struct kw_sched_pool *pool)
{
    if (pool->level >= high_of(pool))
        pool->refilling = false;
    else if (pool->level < KW_MAX(pool->low_watermark, 1u) || unmet_waiters(pool) > 0)
        pool->refilling = true;
}

static bool is_wanted(const struct kw_sched_pool *pool)
{
    uint64_t covered = (uint64_t)pool->level + pool->making;

    return pool->refilling && !pool->blocked && covered < (uint64_t)high_of(pool) + pool->waiters;
}

/* 0 if the pool is not urgent. */
static double weight_of(const struct kw_sched_pool *pool)
{
    uint32_t unmet = unmet_waiters(pool);

    if (!is_wanted(pool))
        return 0;
    if (unmet > 0)
        return KW_MIN(unmet, KW_SCHED_WEIGHT_MAX) / (pool->making + 1.0);
    return pool->level == 0 && pool->making == 0 ? 1 : 0;
}

/* Smooth weighted round robin: everyone earns its weight, the richest is picked and pays for the round.
 * Whoever is not urgent has no credit, so nobody saves up; whoever stays urgent gains on the rest until it is
 * picked. */
static int pick_urgent(struct kw_sched_pool *pools, size_t num_pools)
{
    int best = KW_SCHEDULER_NONE;
    double round = 0;

    for (size_t i = 0; i < num_pools; i++) {
        double weight = weight_of(&pools[i]);

        pools[i].credit = weight > 0 ? pools[i].credit + weight : 0;
        round += weight;
        if (weight > 0 && (best == KW_SCHEDULER_NONE || pools[i].credit > pools[best].credit))
            best = (int)i;
    }
    if (best != KW_SCHEDULER_NONE)
        pools[best].credit -= round;
    return best;
}

static double slack_s(const struct kw_sched_pool *pool)
{
    double make_s = pool->make_s > 1e-9 ? pool->make_s : 1e-9;
    double demand = pool->demand_per_s > 0 ? pool->demand_per_s : 0;

    return ((double)pool->level + pool->making) / (demand + KW_SCHED_UNSEEN / make_s) - make_s;
}

static int pick_driest(const struct kw_sched_pool *pools, size_t num_pools)
{
    int best = KW_SCHEDULER_NONE;
    double least = INFINITY;

    for (size_t i = 0; i < num_pools; i++) {
        double slack = slack_s(&pools[i]);

        if (is_wanted(&pools[i]) && (best == KW_SCHEDULER_NONE || slack < least)) {
            best = (int)i;
            least = slack;
        }
    }
    return best;
}

int kw_sched_pick(struct kw_sched_pool *pools, size_t num_pools)
{
    int urgent;

    for (size_t i = 0; i < num_pools; i++)
        update_refilling(&pools[i]);
    urgent = pick_urgent(pools, num_pools);
    return urgent != KW_SCHEDULER_NONE ? urgent : pick_driest(pools, num_pools);
}

/* What the next pair weighs in the smoothed time: prime searches scatter by a factor, the mean of 16 by a
 * quarter. Of pairs that are made together one seems to cost all and the others nothing: 16 times as many as
 * those. */
#define MAKE_WEIGHT (1.0 / 16)

/* The search for a prime grows with about the fourth power of its size. */
double kw_sched_guess_make_s(enum kw_spec spec)
{
    const struct kw_spec_info *info = kw_spec_info(spec);

    return info->kind == KW_KIND_RSA ? 0.05 * pow(info->bits / 2048.0, 4) : 100e-6;
}

double kw_sched_learn_make_s(double make_s, double each_s, unsigned made, unsigned together, bool first)
{
    double keep = first ? 0 : pow(1 - MAKE_WEIGHT / together, made);

    if (first)
        each_s *= (double)made / KW_MAX(made, together);
    return make_s * keep + each_s * (1 - keep);
}

/* Over an interval dt the old rate keeps 2^(-dt / half life) of its weight, and the interval's own rate gets
 * the rest: the result does not depend on how finely a steady stream is sampled. */
void kw_demand_sample(struct kw_demand *demand, uint64_t count, uint64_t now_ns, double half_life_s)
{
    if (demand->last_ns != 0 && count >= demand->last_count) {
        double dt_s, keep;

        if (now_ns <= demand->last_ns)
            return;
        dt_s = (double)(now_ns - demand->last_ns) / 1e9;
        keep = exp2(-dt_s / half_life_s);
        demand->rate_per_s =
            demand->rate_per_s * keep + (double)(count - demand->last_count) / dt_s * (1 - keep);
    }
    demand->last_count = count;
    demand->last_ns = now_ns;
}
