#include "tools/plan/solver.h"

#include "pool/limits.h"
#include "tools/plan/quantity.h"
#include "tools/plan/solver_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double factors[KW_PLAN_SENSITIVITIES] = {0.5, 2};

/* ---- what follows from settings ---- */

static double total_rate(const struct kw_plan_case *of)
{
    double sum = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        sum += kw_plan_demand_mean(&of->demand[spec]);
    return sum;
}

static double cost_per_hour(const struct kw_plan_limits *limits, unsigned cores)
{
    return limits->cost_per_machine_hour + limits->cost_per_core_hour * cores;
}

/* Long enough to see a full pool fall by a twentieth of what is asked for, but for so many requests at most.
 */
#define RIDE_DEPTHS   20
#define RIDE_REQUESTS 2e6

static int ride_outs(const struct kw_plan_case *of, uint64_t seed, struct kw_plan_answer *ret)
{
    double total_per_s = total_rate(of);

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        double mean_per_s = kw_plan_demand_mean(&of->demand[spec]), burst_per_s, horizon_s;

        if (mean_per_s <= 0)
            continue;
        burst_per_s = fmax(kw_plan_demand_peak(&of->demand[spec]), 2 * mean_per_s);
        horizon_s = fmin(RIDE_DEPTHS * of->settings.depth[spec] / burst_per_s,
            RIDE_REQUESTS / (total_per_s - mean_per_s + burst_per_s));
        KW_TRY(kw_plan_ride_out(of, (enum kw_spec)spec, burst_per_s, horizon_s, seed, &ret->ride_out[spec]));
    }
    return 0;
}

static void price(
    const struct kw_plan_case *of, const struct kw_plan_limits *limits, struct kw_plan_answer *ret)
{
    ret->saturation_factor = kw_plan_saturation(of);
    ret->saturation_per_s = ret->saturation_factor * total_rate(of);
    ret->cost_per_hour = cost_per_hour(limits, of->settings.cores);
    ret->cost_per_million_pairs = ret->cost_per_hour / (total_rate(of) * 3600) * 1e6;
}

/* All that is said of settings once they are found. */
static int describe(struct kw_plan_solver *solver, struct kw_plan_answer *ret)
{
    struct kw_plan_effort effort = solver->effort;

    ret->settings = solver->of.settings;
    KW_TRY(kw_plan_solver_step(solver, "the answer"));
    effort.progress = NULL;
    KW_TRY(kw_plan_estimate(&solver->of, &effort, &ret->estimate));
    KW_TRY(kw_plan_cold_fill(&solver->of, effort.seed, &ret->cold_fill));
    KW_TRY(kw_plan_solver_step(solver, "bursts"));
    KW_TRY(ride_outs(&solver->of, effort.seed, ret));
    price(&solver->of, &solver->limits, ret);
    return 0;
}

/* ---- the objective is out of reach ---- */

static unsigned cores_allowed(const struct kw_plan_limits *limits)
{
    double cores = limits->cores_max > 0 ? KW_MIN(limits->cores_max, KW_WORKERS_MAX) : KW_WORKERS_MAX;

    if (limits->cost_per_hour_max > 0 && limits->cost_per_core_hour > 0)
        cores = fmin(cores,
            floor((limits->cost_per_hour_max - limits->cost_per_machine_hour) / limits->cost_per_core_hour));
    return cores >= 1 ? (unsigned)cores : 0;
}

static void say_needs(
    const struct kw_plan_solver *solver, const struct kw_plan_case *reaches, char *why, size_t why_cap)
{
    unsigned allowed = cores_allowed(&solver->limits), cores = reaches->settings.cores;
    double bytes = kw_plan_memory_bytes(&reaches->settings), cost = cost_per_hour(&solver->limits, cores);
    char memory[64] = "", needed[KW_QUANTITY_MAX], allowed_bytes[KW_QUANTITY_MAX];
    size_t len;

    if (solver->limits.memory_bytes_max > 0)
        snprintf(memory, sizeof(memory), " and %s of pools",
            kw_quantity_show_bytes(solver->limits.memory_bytes_max, allowed_bytes));
    len = (size_t)snprintf(why, why_cap,
        "the objective is out of reach with %u core%s%s: %u core%s and %s of pools would reach it", allowed,
        allowed == 1 ? "" : "s", memory, cores, cores == 1 ? "" : "s", kw_quantity_show_bytes(bytes, needed));
    if (cost > 0 && len < why_cap)
        len += (size_t)snprintf(why + len, why_cap - len, ", for %.4g an hour", cost);
    if (cores > allowed && len < why_cap)
        snprintf(why + len, why_cap - len, "; or a demand of at most %.3g times this one",
            allowed * KW_PLAN_UTILISATION_MAX / kw_plan_load(&solver->of, KW_MAX(allowed, 1u)));
}

static void say_too_much(const struct kw_plan_solver *solver, char *why, size_t why_cap)
{
    double load = kw_plan_load(&solver->of, KW_WORKERS_MAX);

    if (load > KW_WORKERS_MAX)
        snprintf(why, why_cap,
            "the demand is the work of %.0f cores, and one machine's pools are filled by at most %u: spread "
            "it over "
            "%.0f machines",
            load, KW_WORKERS_MAX, ceil(load / (KW_WORKERS_MAX * KW_PLAN_UTILISATION_MAX)));
    else
        snprintf(why, why_cap,
            "not even %u cores with pools of %u pairs reach the objective; what does is a lower demand, or "
            "an "
            "objective that is less strict",
            KW_WORKERS_MAX, solver->depth_max);
}

/* The best within the limits: all cores that are allowed, and depths cut to the memory in proportion. */
static void cut_to_limits(const struct kw_plan_solver *solver, struct kw_plan_settings *settings)
{
    double most = solver->limits.memory_bytes_max, bytes;

    settings->cores = KW_MAX(cores_allowed(&solver->limits), 1u);
    bytes = kw_plan_memory_bytes(settings);
    for (unsigned i = 0; most > 0 && bytes > most && i < 64; i++) {
        for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
            if (settings->depth[spec] > 1)
                settings->depth[spec] = (uint32_t)fmax(1, settings->depth[spec] * fmin(most / bytes, 0.95));
        bytes = kw_plan_memory_bytes(settings);
    }
}

/* Returns: 0 | <0 */
static int give_up(struct kw_plan_solver *solver, struct kw_plan_answer *ret)
{
    struct kw_plan_limits limits = solver->limits;
    int r;

    solver->limits.memory_bytes_max = 0;
    r = kw_plan_solver_search(solver, KW_WORKERS_MAX);
    KW_TRY(r);
    solver->limits = limits;
    ret->verdict = KW_PLAN_UNREACHABLE;
    if (r == 0)
        say_needs(solver, &solver->of, ret->why, sizeof(ret->why));
    else
        say_too_much(solver, ret->why, sizeof(ret->why));
    cut_to_limits(solver, &solver->of.settings);
    return 0;
}

/* ---- other demands ---- */

static int at_factor(struct kw_plan_solver *solver, const struct kw_plan_case *answer, double factor,
    struct kw_plan_sensitivity *ret)
{
    struct kw_plan_effort effort = solver->effort;
    int r;

    *ret = (struct kw_plan_sensitivity){.factor = factor, .verdict = KW_PLAN_UNREACHABLE};
    solver->of = *answer;
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        solver->of.demand[spec].scale *= factor;
    effort.progress = NULL;
    KW_TRY(kw_plan_estimate(&solver->of, &effort, solver->estimate));
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        ret->miss_share[spec] = solver->estimate->spec[spec].miss_share;
    ret->utilisation = solver->estimate->utilisation;
    r = kw_plan_solver_search(solver, cores_allowed(&solver->limits));
    KW_TRY(r);
    if (r > 0)
        return 0;
    ret->verdict = KW_PLAN_HOLDS;
    ret->cores = solver->of.settings.cores;
    memcpy(ret->depth, solver->of.settings.depth, sizeof(ret->depth));
    return 0;
}

/* ---- all ---- */

static int look_around(
    struct kw_plan_solver *solver, const struct kw_plan_solver_options *options, struct kw_plan_answer *ret)
{
    struct kw_plan_case answer = solver->of;

    for (unsigned i = 0; !options->no_sensitivity && i < KW_PLAN_SENSITIVITIES; i++)
        KW_TRY(at_factor(solver, &answer, factors[i], &ret->sensitivity[i]));
    return 0;
}

static int solve(
    struct kw_plan_solver *solver, const struct kw_plan_solver_options *options, struct kw_plan_answer *ret)
{
    int r = kw_plan_solver_search(solver, cores_allowed(&solver->limits));

    KW_TRY(r);
    if (r > 0)
        KW_TRY(give_up(solver, ret));
    KW_TRY(describe(solver, ret));
    return look_around(solver, options, ret);
}

static void say_who_misses(const struct kw_plan_solver *solver, char *why, size_t why_cap)
{
    const char *begin = "these settings do not hold the objective for";
    size_t len = (size_t)snprintf(why, why_cap, "%s", begin);

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (solver->of.demand[spec].kind != KW_PLAN_NONE && !kw_plan_solver_holds(solver, spec))
            len += (size_t)snprintf(why + len, why_cap - len, "%s %s", len > strlen(begin) ? "," : "",
                kw_spec_info((enum kw_spec)spec)->name);
}

static int judge(
    struct kw_plan_solver *solver, const struct kw_plan_solver_options *options, struct kw_plan_answer *ret)
{
    KW_TRY(describe(solver, ret));
    *solver->estimate = ret->estimate;
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (solver->of.demand[spec].kind != KW_PLAN_NONE && !kw_plan_solver_holds(solver, spec))
            ret->verdict = KW_PLAN_UNREACHABLE;
    if (ret->verdict == KW_PLAN_UNREACHABLE)
        say_who_misses(solver, ret->why, sizeof(ret->why));
    return look_around(solver, options, ret);
}

typedef int work(
    struct kw_plan_solver *solver, const struct kw_plan_solver_options *options, struct kw_plan_answer *ret);

static int with_solver(const struct kw_plan_case *of, const struct kw_plan_objective *objective,
    const struct kw_plan_limits *limits, const struct kw_plan_solver_options *options, work *does,
    struct kw_plan_answer *ret)
{
    struct kw_plan_solver solver = {
        .of = *of,
        .objective = *objective,
        .limits = *limits,
        .effort = options->effort,
        .depth_max = options->depth_max > 0 ? options->depth_max : KW_POOL_CAPACITY_MAX,
        .steps = options->no_sensitivity ? 30 : 90,
    };
    int r;

    solver.estimate = malloc(sizeof(*solver.estimate));
    KW_REQUIRE(solver.estimate != NULL, -ENOMEM);
    kw_plan_solver_effort(&solver);
    r = does(&solver, options, ret);
    free(solver.estimate);
    return r;
}

int kw_plan_solve(const struct kw_plan_case *of, const struct kw_plan_objective *objective,
    const struct kw_plan_limits *limits, const struct kw_plan_solver_options *options,
    struct kw_plan_answer *ret)
{
    memset(ret, 0, sizeof(*ret));
    return with_solver(of, objective, limits, options, solve, ret);
}

int kw_plan_judge(const struct kw_plan_case *of, const struct kw_plan_objective *objective,
    const struct kw_plan_limits *limits, const struct kw_plan_solver_options *options,
    struct kw_plan_answer *ret)
{
    memset(ret, 0, sizeof(*ret));
    return with_solver(of, objective, limits, options, judge, ret);
}

static int reach(
    struct kw_plan_solver *solver, const struct kw_plan_solver_options *options, struct kw_plan_answer *ret)
{
    (void)options;
    (void)ret;
    return kw_plan_solver_fits(solver, cores_allowed(&solver->limits));
}

int kw_plan_reaches(const struct kw_plan_case *of, const struct kw_plan_objective *objective,
    const struct kw_plan_limits *limits, const struct kw_plan_solver_options *options)
{
    return with_solver(of, objective, limits, options, reach, NULL);
}
