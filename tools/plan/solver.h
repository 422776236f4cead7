/* solver - the least cores, and with them the least depth of each pool, that hold an objective within limits.
 *
 * Each trial simulates with the same seed (common random numbers), so that what is compared differs in the
 * settings only. A spec holds the objective if the upper end of its confidence interval does. Cores that
 * would be at work for more than 97 % of the time are not taken to hold anything: what a run sees of them
 * depends on how it began. One owner thread.
 */
#ifndef KW_TOOLS_PLAN_SOLVER_H
#define KW_TOOLS_PLAN_SOLVER_H

#include "tools/plan/estimate.h"

enum kw_plan_objective_kind {
    KW_PLAN_MISS_SHARE, /* at most this share of a spec's requests misses its pool; (0, 1) */
    KW_PLAN_P99_WAIT,   /* 99 of 100 requests of a spec get a pair within so many seconds; >= 0 */
};

struct kw_plan_objective {
    enum kw_plan_objective_kind kind;
    double value[KW_SPEC_NUM]; /* of the specs with a demand */
};

struct kw_plan_limits {
    unsigned cores_max;           /* 0: KW_WORKERS_MAX */
    double memory_bytes_max;      /* of all pools; 0: none but the pools' own */
    double cost_per_hour_max;     /* 0: none */
    double cost_per_core_hour;    /* 0: not known */
    double cost_per_machine_hour; /* added once, whatever the cores; 0 is fine */
};

enum kw_plan_verdict {
    KW_PLAN_HOLDS,
    KW_PLAN_UNREACHABLE, /* why says what would reach it */
};

/* How the answer changes with the demand. */
struct kw_plan_sensitivity {
    double factor;                /* of the demand */
    enum kw_plan_verdict verdict; /* of the same objective within the same limits */
    unsigned cores;               /* needed then; 0: unreachable */
    uint32_t depth[KW_SPEC_NUM];
    struct kw_plan_figure miss_share[KW_SPEC_NUM]; /* with the settings of the answer */
    struct kw_plan_figure utilisation;             /* with the settings of the answer */
};
#define KW_PLAN_SENSITIVITIES 2u /* half, double */

struct kw_plan_answer {
    enum kw_plan_verdict verdict;
    char why[512];                    /* a sentence; empty: it holds */
    struct kw_plan_settings settings; /* the answer; if unreachable the best within the limits */
    struct kw_plan_estimate estimate; /* of them */
    struct kw_plan_cold_fill cold_fill;
    struct kw_plan_ride_out
        ride_out[KW_SPEC_NUM]; /* at the demand's peak, or twice the mean if that is more */
    double saturation_factor;  /* of the demand */
    double saturation_per_s;   /* requests of all specs */
    double cost_per_hour;      /* 0: not known */
    double cost_per_million_pairs;
    struct kw_plan_sensitivity sensitivity[KW_PLAN_SENSITIVITIES];
};

struct kw_plan_solver_options {
    struct kw_plan_effort effort; /* of each trial; runs and requests 0: 10 and one million */
    bool no_sensitivity;          /* leave that table out: it takes two thirds of the time */
    uint32_t depth_max;           /* of a pool that is tried; 0: KW_POOL_CAPACITY_MAX */
};

/* kw_plan_solve() - in: of, whose settings' cores and depths do not matter (a depth of 0 with a demand is
 * fine). Out: ret, also if unreachable. Returns: 0 | -ENOMEM | -ECANCELED */
KW_MUST_CHECK int kw_plan_solve(const struct kw_plan_case *of, const struct kw_plan_objective *objective,
    const struct kw_plan_limits *limits, const struct kw_plan_solver_options *options,
    struct kw_plan_answer *ret);
/* kw_plan_judge() - the same of the case's own settings instead of the least: the verdict is whether they
 * hold the objective. The limits count for other demands only. Returns: as kw_plan_solve() */
KW_MUST_CHECK int kw_plan_judge(const struct kw_plan_case *of, const struct kw_plan_objective *objective,
    const struct kw_plan_limits *limits, const struct kw_plan_solver_options *options,
    struct kw_plan_answer *ret);
/* kw_plan_reaches() - is there an answer within the limits? Returns: 0 | 1 (no) | -ENOMEM | -ECANCELED */
KW_MUST_CHECK int kw_plan_reaches(const struct kw_plan_case *of, const struct kw_plan_objective *objective,
    const struct kw_plan_limits *limits, const struct kw_plan_solver_options *options);

#endif
