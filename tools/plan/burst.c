/* burst - what happens once: a cold fill, and a burst that full pools meet. */
#include "tools/plan/estimate.h"

#include <math.h>
#include <stdlib.h>

/* Runs that a median and a twentieth are taken of. */
#define RUNS 40u

int kw_plan_cold_fill(const struct kw_plan_case *of, uint64_t seed, struct kw_plan_cold_fill *ret)
{
    struct kw_plan_case idle = *of;
    struct kw_plan_run_options options = {.seed = seed, .end_s = INFINITY, .empty = true, .until_full = true};
    struct kw_plan_run *run = malloc(sizeof(*run));
    int r = run != NULL ? 0 : -ENOMEM;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        idle.demand[spec].kind = KW_PLAN_NONE;
    if (r == 0)
        r = kw_plan_run(&idle, &options, run);
    if (r == 0) {
        ret->all_s = run->ended_s;
        for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
            ret->spec_s[spec] = of->settings.depth[spec] > 0 ? run->full_s[spec] : 0;
    }
    free(run);
    return r;
}

static struct kw_plan_demand steady(double rate_per_s)
{
    return (struct kw_plan_demand){
        .kind = rate_per_s > 0 ? KW_PLAN_POISSON : KW_PLAN_NONE, .scale = 1, .rate_per_s = rate_per_s};
}

/* The spec's demand is replaced, the others' are at their means. */
static void steady_case(
    const struct kw_plan_case *of, enum kw_spec spec, struct kw_plan_demand demand, struct kw_plan_case *ret)
{
    *ret = *of;
    for (unsigned i = 0; i < KW_SPEC_NUM; i++)
        ret->demand[i] = steady(kw_plan_demand_mean(&of->demand[i]));
    ret->demand[spec] = demand;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static int first_miss(
    const struct kw_plan_case *of, enum kw_spec spec, double horizon_s, uint64_t seed, double *ret_s)
{
    struct kw_plan_run_options options = {
        .seed = seed, .end_s = horizon_s, .until_miss = true, .miss_spec = spec};
    struct kw_plan_run *run = malloc(sizeof(*run));
    int r = run != NULL ? kw_plan_run(of, &options, run) : -ENOMEM;

    if (r == 0)
        *ret_s = run->ended_s < horizon_s ? run->ended_s : INFINITY;
    free(run);
    return r;
}

int kw_plan_ride_out(const struct kw_plan_case *of, enum kw_spec spec, double burst_per_s, double horizon_s,
    uint64_t seed, struct kw_plan_ride_out *ret)
{
    struct kw_plan_case in_burst;
    double times_s[RUNS];

    steady_case(of, spec, steady(burst_per_s), &in_burst);
    for (unsigned i = 0; i < RUNS; i++)
        KW_TRY(first_miss(&in_burst, spec, horizon_s, seed * 0x10001 + i, &times_s[i]));
    qsort(times_s, RUNS, sizeof(*times_s), compare);
    *ret = (struct kw_plan_ride_out){.burst_per_s = burst_per_s,
        .horizon_s = horizon_s,
        .median_s = times_s[RUNS / 2],
        .sure_s = times_s[RUNS / 20]};
    return 0;
}

/* A curve of equal parts: as fine as it may be, so that the burst begins and ends about where it is to. */
static struct kw_plan_demand one_burst(
    double mean_per_s, double burst_per_s, double lead_s, double burst_s, double end_s)
{
    struct kw_plan_demand demand = {
        .kind = KW_PLAN_DAILY, .scale = 1, .period_s = end_s, .num_curve = KW_PLAN_CURVE_MAX};
    double sum = 0;

    for (unsigned i = 0; i < demand.num_curve; i++) {
        double at_s = end_s * (i + 0.5) / demand.num_curve;

        demand.curve[i] = at_s >= lead_s && at_s < lead_s + burst_s ? burst_per_s : mean_per_s;
        sum += demand.curve[i];
    }
    demand.rate_per_s = sum / demand.num_curve;
    return demand;
}

int kw_plan_trace_burst(const struct kw_plan_case *of, enum kw_spec spec, double burst_per_s, double lead_s,
    double burst_s, double end_s, uint64_t seed, struct kw_plan_point *points, size_t num)
{
    double mean_per_s = kw_plan_demand_mean(&of->demand[spec]);
    struct kw_plan_run_options options = {.seed = seed, .end_s = end_s, .points = points, .num_points = num};
    struct kw_plan_case changed;
    struct kw_plan_run *run = malloc(sizeof(*run));
    int r;

    KW_REQUIRE(run != NULL, -ENOMEM);
    steady_case(of, spec, one_burst(mean_per_s, burst_per_s, lead_s, burst_s, end_s), &changed);
    r = kw_plan_run(&changed, &options, run);
    free(run);
    return r;
}
