/* simulation - one run of workers, scheduler and pools, from event to event.
 *
 * Workers take slices as the engine's do: each looks at the pools, lets kw_sched_pick() choose with the
 * demand and the making times that it learned by the engine's own functions (scheduler.h), works for
 * KW_SLICE_NS, keeps half-done batches, and sleeps when nothing is wanted. A request pops, or waits in line,
 * has a pair made for it, or is refused. docs/plan.md says what is left out.
 *
 * Same case, same seed, same result. One owner thread.
 */
#ifndef KW_TOOLS_PLAN_SIMULATION_H
#define KW_TOOLS_PLAN_SIMULATION_H

#include "tools/plan/plan.h"

/* Waits are counted in steps of a sixteenth of a doubling, from 1 microsecond to 134 seconds. */
#define KW_PLAN_WAIT_STEPS   16u
#define KW_PLAN_WAIT_BUCKETS (27u * KW_PLAN_WAIT_STEPS + 1u)

/* What happened to one spec between begin_s and end_s. */
struct kw_plan_tally {
    uint64_t requests;
    uint64_t misses;                      /* found no pair ready, or others waiting */
    uint64_t rejects;                     /* refused at once */
    uint64_t timeouts;                    /* waited in vain */
    uint64_t pairs;                       /* made, by workers and for requests */
    double making_s;                      /* CPU time of workers and for requests */
    double level_s;                       /* integral of the level over time */
    double low_s;                         /* time at level 0 */
    uint64_t waits[KW_PLAN_WAIT_BUCKETS]; /* of those who missed and got a pair; the last bucket: the rest,
                                           * with those who got none */
};

/* A point of the levels' way through time. */
struct kw_plan_point {
    double time_s;
    uint32_t level[KW_SPEC_NUM];
    uint32_t waiters[KW_SPEC_NUM];
};

struct kw_plan_run_options {
    uint64_t seed;
    double begin_s;  /* what happens earlier is not counted */
    double end_s;    /* INFINITY: until stopped by one of the next two */
    bool empty;      /* pools are empty at first; else full */
    bool until_full; /* ends when every pool has been at its high watermark once */
    bool until_miss; /* ends at the first miss of miss_spec */
    enum kw_spec miss_spec;
    struct kw_plan_point
        *points; /* num_points of them, at even distances from begin_s to end_s; may be NULL */
    size_t num_points;
};

struct kw_plan_run {
    double ended_s;
    double full_s[KW_SPEC_NUM]; /* when the pool was first at its high watermark; INFINITY: never */
    int missed;                 /* the spec of the first miss of all; -1: none */
    uint64_t requests;          /* all, counted or not */
    struct kw_plan_tally spec[KW_SPEC_NUM];
};

/* kw_plan_run() - of: has passed kw_plan_case_check(). Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_plan_run(
    const struct kw_plan_case *of, const struct kw_plan_run_options *options, struct kw_plan_run *ret);

/* The wait, in seconds, that a share of the tally's requests did not exceed; 0: a hit; INFINITY: got none. */
double kw_plan_wait_quantile(const struct kw_plan_tally *tally, double share);

#endif
