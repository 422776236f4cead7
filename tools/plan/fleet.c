#include "tools/plan/fleet.h"

#include "pool/limits.h"
#include "tools/plan/solver_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double total_rate(const struct kw_plan_case *of)
{
    double sum = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        sum += kw_plan_demand_mean(&of->demand[spec]);
    return sum;
}

/* What one of so many machines sees. */
static struct kw_plan_case part_of(const struct kw_plan_case *of, unsigned machines)
{
    struct kw_plan_case part = *of;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        part.demand[spec].scale /= machines;
    return part;
}

static struct kw_plan_limits limits_of_one(const struct kw_plan_limits *limits, unsigned nodes)
{
    struct kw_plan_limits one = *limits;

    one.cost_per_hour_max /= nodes;
    return one;
}

/* ---- how many machines ---- */

struct search {
    const struct kw_plan_case *of;
    const struct kw_plan_objective *objective;
    const struct kw_plan_limits *limits;
    const struct kw_plan_solver_options *options;
    unsigned lost;
};

/* Does the objective hold with so many? Returns: 0 | 1 (no) | <0 */
static int try(const struct search *search, unsigned nodes)
{
    struct kw_plan_case part = part_of(search->of, nodes - search->lost);
    struct kw_plan_limits limits = limits_of_one(search->limits, nodes);

    return kw_plan_reaches(&part, search->objective, &limits, search->options);
}

/* The machines whose cores the work is, when all of them are at it. */
static double least_nodes(const struct search *search)
{
    unsigned cores =
        search->limits->cores_max > 0 ? KW_MIN(search->limits->cores_max, KW_WORKERS_MAX) : KW_WORKERS_MAX;

    return ceil(kw_plan_load(search->of, cores) / (cores * KW_PLAN_UTILISATION_MAX)) + search->lost;
}

/* Returns: 0 | 1 (no number does; ret_nodes is the last that was tried) | <0 */
static int find_nodes(const struct search *search, unsigned *ret_nodes)
{
    double least = fmin(fmax(least_nodes(search), search->lost + 1), KW_PLAN_NODES_MAX);
    unsigned low = (unsigned)least, high = low;
    int r;

    /* A fleet too large for the money stays so. */
    while ((r = try(search, high)) == 1 && high < 16 * (uint64_t)least && high < KW_PLAN_NODES_MAX) {
        low = high + 1;
        high = KW_MIN(high + KW_MAX(high - search->lost, 1u), KW_PLAN_NODES_MAX);
    }
    *ret_nodes = high;
    if (r != 0)
        return r;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        r = try(search, middle);
        KW_TRY(r);
        if (r == 0)
            high = middle;
        else
            low = middle + 1;
    }
    *ret_nodes = high;
    return 0;
}

/* ---- the answer ---- */

static void sum_up(const struct search *search, struct kw_plan_fleet_answer *ret)
{
    const struct kw_plan_limits *limits = search->limits;
    double cores = ret->node.settings.cores;

    ret->rate_per_s = total_rate(search->of);
    ret->cores = cores * ret->nodes;
    ret->memory_bytes = kw_plan_memory_bytes(&ret->node.settings) * ret->nodes;
    ret->saturation_per_s = ret->node.saturation_factor * ret->rate_per_s;
    ret->cost_per_hour = (limits->cost_per_machine_hour + limits->cost_per_core_hour * cores) * ret->nodes;
    ret->cost_per_million_pairs = ret->cost_per_hour / (ret->rate_per_s * 3600) * 1e6;
    ret->node.cost_per_million_pairs = ret->cost_per_million_pairs;
}

/* What so many machines do not reach, more may. */
static int say_what_would(const struct search *search, struct kw_plan_fleet_answer *ret)
{
    struct kw_plan_answer *node = &ret->node;
    char why[sizeof(node->why)];
    unsigned nodes;
    int r = find_nodes(search, &nodes);

    KW_TRY(r);
    memcpy(why, node->why, sizeof(why));
    if (r == 0 && nodes > ret->nodes)
        snprintf(node->why, sizeof(node->why), "%.400s (on each of %u machines); or %u machines of this kind",
            why, ret->nodes - ret->lost, nodes);
    else
        snprintf(
            node->why, sizeof(node->why), "%.400s (on each of %u machines)", why, ret->nodes - ret->lost);
    return 0;
}

static int describe(const struct search *search, struct kw_plan_fleet_answer *ret)
{
    struct kw_plan_case part = part_of(search->of, ret->nodes - ret->lost);
    struct kw_plan_limits limits = limits_of_one(search->limits, ret->nodes);
    struct kw_plan_effort effort = search->options->effort;

    KW_TRY(kw_plan_solve(&part, search->objective, &limits, search->options, &ret->node));
    if (ret->node.verdict == KW_PLAN_UNREACHABLE)
        KW_TRY(say_what_would(search, ret));
    part = part_of(search->of, ret->nodes);
    part.settings = ret->node.settings;
    effort.progress = NULL;
    KW_TRY(kw_plan_estimate(&part, &effort, &ret->all_up));
    KW_TRY(kw_plan_cold_fill(&part, effort.seed, &ret->refill));
    sum_up(search, ret);
    return 0;
}

int kw_plan_fleet_solve(const struct kw_plan_case *of, const struct kw_plan_fleet *fleet,
    const struct kw_plan_objective *objective, const struct kw_plan_limits *limits,
    const struct kw_plan_solver_options *options, struct kw_plan_fleet_answer *ret)
{
    const struct search search = {
        .of = of, .objective = objective, .limits = limits, .options = options, .lost = fleet->lost};
    int r;

    KW_REQUIRE(fleet->nodes == 0 || fleet->nodes > fleet->lost, -EINVAL);
    KW_REQUIRE(fleet->nodes <= KW_PLAN_NODES_MAX && fleet->lost < KW_PLAN_NODES_MAX, -EINVAL);
    memset(ret, 0, sizeof(*ret));
    ret->nodes = fleet->nodes;
    ret->lost = fleet->lost;
    if (ret->nodes == 0) {
        r = find_nodes(&search, &ret->nodes);
        KW_TRY(r);
    }
    return describe(&search, ret);
}
