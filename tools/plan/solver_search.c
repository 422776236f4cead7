#include "tools/plan/solver_internal.h"

#include "pool/limits.h"

#include <math.h>
#include <stdio.h>

#define REQUESTS_DEFAULT 1000000u
#define REQUESTS_MOST    50e6
/* Of the misses that the objective allows, a trial is to be able to see so many. */
#define MISSES_SEEN 30
#define DEPTH_FIRST 16u
#define GROWTH      4u
/* Depths are found to within so small a part. */
#define FINENESS 32u
/* Times that depths which hold one by one are raised until they hold together. */
#define RAISES 40u

/* ---- a trial ---- */

static bool is_wanted(const struct kw_plan_solver *solver, unsigned spec)
{
    return solver->of.demand[spec].kind != KW_PLAN_NONE;
}

static double allowed_share(const struct kw_plan_solver *solver, unsigned spec)
{
    return solver->objective.kind == KW_PLAN_MISS_SHARE ? solver->objective.value[spec] : 0.01;
}

void kw_plan_solver_effort(struct kw_plan_solver *solver)
{
    double needed = 0, total = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        total += kw_plan_demand_mean(&solver->of.demand[spec]);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (is_wanted(solver, spec))
            needed = fmax(needed, MISSES_SEEN / allowed_share(solver, spec) * total /
                                      kw_plan_demand_mean(&solver->of.demand[spec]));
    if (solver->effort.requests == 0)
        solver->effort.requests = (uint64_t)fmin(fmax(REQUESTS_DEFAULT, needed), REQUESTS_MOST);
}

int kw_plan_solver_step(struct kw_plan_solver *solver, const char *what)
{
    const struct kw_plan_effort *effort = &solver->effort;

    solver->done++;
    solver->steps = KW_MAX(solver->steps, solver->done + 1);
    if (effort->progress == NULL || effort->progress(effort->user, solver->done, solver->steps, what))
        return 0;
    return -ECANCELED;
}

static int try(struct kw_plan_solver *solver)
{
    struct kw_plan_effort effort = solver->effort;
    char what[32];

    snprintf(what, sizeof(what), "%u cores", solver->of.settings.cores);
    KW_TRY(kw_plan_solver_step(solver, what));
    effort.progress = NULL;
    return kw_plan_estimate(&solver->of, &effort, solver->estimate);
}

/* Of a share of which nothing was seen, no more is known than that three would have been, most likely. */
bool kw_plan_solver_holds(const struct kw_plan_solver *solver, unsigned spec)
{
    const struct kw_plan_spec_estimate *seen = &solver->estimate->spec[spec];
    double value = solver->objective.value[spec];

    if (solver->objective.kind == KW_PLAN_P99_WAIT)
        return seen->wait_p99_s <= value;
    return seen->miss_share.value + seen->miss_share.error <= value &&
           (seen->misses > 0 || 3.0 / (double)KW_MAX(seen->requests, (uint64_t)1) <= value);
}

static bool all_hold(const struct kw_plan_solver *solver)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (is_wanted(solver, spec) && !kw_plan_solver_holds(solver, spec))
            return false;
    return true;
}

/* ---- depths ---- */

/* Both 0: not known. Depths up to low do not hold, high does. */
struct range {
    uint32_t low, high;
};

/* Returns: 0 | 1 (a pool as deep as may be does not hold) | <0 */
static int grow(struct kw_plan_solver *solver, struct range *ranges)
{
    uint32_t *depth = solver->of.settings.depth;
    bool all;

    do {
        KW_TRY(try(solver));
        all = true;
        for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
            if (!is_wanted(solver, spec))
                continue;
            if (kw_plan_solver_holds(solver, spec)) {
                ranges[spec].high = depth[spec];
                continue;
            }
            if (depth[spec] >= solver->depth_max)
                return 1;
            all = false;
            ranges[spec] = (struct range){depth[spec], 0};
            depth[spec] = (uint32_t)KW_MIN((uint64_t)depth[spec] * GROWTH, solver->depth_max);
        }
    } while (!all);
    return 0;
}

static bool is_coarse(const struct range *range)
{
    return range->high - range->low > KW_MAX(1u, range->high / FINENESS);
}

/* All pools at once: each trial halves the range of each. */
static int narrow(struct kw_plan_solver *solver, struct range *ranges)
{
    uint32_t *depth = solver->of.settings.depth;
    bool any;

    for (;;) {
        any = false;
        for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
            if (!is_wanted(solver, spec))
                continue;
            depth[spec] = ranges[spec].high;
            if (!is_coarse(&ranges[spec]))
                continue;
            any = true;
            depth[spec] = ranges[spec].low + (ranges[spec].high - ranges[spec].low) / 2;
        }
        if (!any)
            return 0;
        KW_TRY(try(solver));
        for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
            if (is_wanted(solver, spec) && is_coarse(&ranges[spec]))
                *(kw_plan_solver_holds(solver, spec) ? &ranges[spec].high : &ranges[spec].low) = depth[spec];
    }
}

/* Pools share the workers: what holds beside a deep pool may not hold beside another. Returns as grow. */
static int raise_until_all_hold(struct kw_plan_solver *solver)
{
    uint32_t *depth = solver->of.settings.depth;

    for (unsigned i = 0; i < RAISES; i++) {
        KW_TRY(try(solver));
        if (all_hold(solver))
            return 0;
        for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
            if (is_wanted(solver, spec) && !kw_plan_solver_holds(solver, spec))
                depth[spec] = KW_MIN(depth[spec] + KW_MAX(1u, depth[spec] / 16), solver->depth_max);
    }
    return 1;
}

static bool fits(const struct kw_plan_solver *solver)
{
    double most = solver->limits.memory_bytes_max;

    return most <= 0 || kw_plan_memory_bytes(&solver->of.settings) <= most;
}

/* Pools for what is asked for: as deep as keywelld has them if there is nothing to go by. */
static void begin_with(struct kw_plan_solver *solver, unsigned cores, bool small)
{
    struct kw_plan_settings *settings = &solver->of.settings;

    settings->cores = cores;
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        uint32_t depth = small ? DEPTH_FIRST : kw_spec_info((enum kw_spec)spec)->default_capacity;

        settings->low_watermark[spec] = 0;
        settings->depth[spec] = is_wanted(solver, spec) ? KW_MIN(depth, solver->depth_max) : 0;
    }
}

/* Returns: 0 | 1 (so many cores do not reach it) | <0 */
static int find_depths(struct kw_plan_solver *solver, unsigned cores)
{
    struct range ranges[KW_SPEC_NUM] = {{0}};
    int r;

    begin_with(solver, cores, true);
    r = grow(solver, ranges);
    if (r == 0)
        r = narrow(solver, ranges);
    if (r == 0)
        r = raise_until_all_hold(solver);
    if (r != 0)
        return r;
    return fits(solver) ? 0 : 1;
}

/* ---- cores ---- */

/* Requests that are refused need no pair. */
static bool can_work(const struct kw_plan_solver *solver, unsigned cores)
{
    double refused = 1;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (is_wanted(solver, spec))
            refused = fmin(refused,
                solver->of.settings.on_empty[spec] == KW_ON_EMPTY_REJECT ? allowed_share(solver, spec) : 0);
    return kw_plan_load(&solver->of, cores) * (1 - refused) <= cores * KW_PLAN_UTILISATION_MAX;
}

int kw_plan_solver_fits(struct kw_plan_solver *solver, unsigned cores)
{
    return cores >= 1 && can_work(solver, cores) ? find_depths(solver, cores) : 1;
}

/* Deeper pools make up for fewer cores up to a point, so what works with some cores works with more. */
int kw_plan_solver_search(struct kw_plan_solver *solver, unsigned cores_max)
{
    struct kw_plan_settings found;
    unsigned low = 1, high = cores_max;
    int r;

    while (low <= cores_max && !can_work(solver, low))
        low++;
    begin_with(solver, KW_MAX(cores_max, 1u), false);
    if (low > cores_max)
        return 1;
    r = find_depths(solver, low);
    if (r <= 0 || low == high)
        return r;
    r = find_depths(solver, high);
    if (r != 0)
        return r;
    found = solver->of.settings;
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;

        r = find_depths(solver, middle);
        KW_TRY(r);
        if (r == 0)
            found = solver->of.settings;
        *(r == 0 ? &high : &low) = middle;
    }
    solver->of.settings = found;
    return 0;
}
