/* estimate - several runs of a case, independent of each other, and what they come to.
 *
 * Confidence intervals are Student's over the runs. Same seed, same answer. One owner thread.
 */
#ifndef KW_TOOLS_PLAN_ESTIMATE_H
#define KW_TOOLS_PLAN_ESTIMATE_H

#include "tools/plan/simulation.h"

/* Called between runs. done of total steps; returns false to give up (-ECANCELED). */
typedef bool kw_plan_progress(void *user, double done, double total, const char *what);

struct kw_plan_effort {
    uint64_t seed;
    unsigned runs;     /* 2 .. 64; 0: 10 */
    uint64_t requests; /* simulated in all runs together, about; 0: 4 million */
    double duration_s; /* of what is counted of each run; 0: by requests, and whole periods of the demand */
    kw_plan_progress *progress; /* may be NULL */
    void *user;
};

struct kw_plan_spec_estimate {
    uint64_t requests, misses, rejects, timeouts;
    struct kw_plan_figure demand_per_s;
    struct kw_plan_figure miss_share;         /* of the requests */
    struct kw_plan_figure hit_rate;           /* 1 - miss_share */
    struct kw_plan_figure refused_share;      /* got no pair: rejects and timeouts */
    struct kw_plan_figure refill_per_s;       /* pairs made */
    struct kw_plan_figure utilisation;        /* of all cores, by making this spec */
    struct kw_plan_figure level;              /* mean over time */
    double wait_p50_s, wait_p99_s;            /* of all requests, hits wait 0; INFINITY: so many get none */
    struct kw_plan_figure wait_mean_missed_s; /* of those who missed and got one */
};

struct kw_plan_estimate {
    struct kw_plan_spec_estimate spec[KW_SPEC_NUM];
    struct kw_plan_figure utilisation; /* of the workers' cores, by making */
    double memory_bytes;
    unsigned runs;
    double duration_s; /* counted, of each run */
    uint64_t requests; /* simulated in all */
    double wall_s;     /* what that took; the only figure here that differs from time to time */
};

/* kw_plan_estimate() - Returns: 0 | -ENOMEM | -ECANCELED */
KW_MUST_CHECK int kw_plan_estimate(
    const struct kw_plan_case *of, const struct kw_plan_effort *effort, struct kw_plan_estimate *ret);

/* Seconds from empty pools to full ones, nobody asking: of each spec (0: no pool), and of all. */
struct kw_plan_cold_fill {
    double spec_s[KW_SPEC_NUM];
    double all_s;
};
KW_MUST_CHECK int kw_plan_cold_fill(
    const struct kw_plan_case *of, uint64_t seed, struct kw_plan_cold_fill *ret);

/* kw_plan_ride_out() - from full pools, spec is asked for at burst_per_s and the others at their means: how
 * long until the first miss of the spec. Out: the median and the time that 95 % of bursts last at least
 * without a miss; INFINITY: longer than horizon_s. Returns: 0 | -ENOMEM */
struct kw_plan_ride_out {
    double burst_per_s;
    double horizon_s;
    double median_s;
    double sure_s;
};
KW_MUST_CHECK int kw_plan_ride_out(const struct kw_plan_case *of, enum kw_spec spec, double burst_per_s,
    double horizon_s, uint64_t seed, struct kw_plan_ride_out *ret);

/* kw_plan_trace_burst() - levels from full pools through a burst that begins at lead_s, lasts burst_s and is
 * watched until end_s: points, num of them, at even distances. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_plan_trace_burst(const struct kw_plan_case *of, enum kw_spec spec, double burst_per_s,
    double lead_s, double burst_s, double end_s, uint64_t seed, struct kw_plan_point *points, size_t num);

/* kw_plan_miss_by_depth() - the spec's miss share at each of num depths, all else as it is. Returns: 0 |
 * -ENOMEM | -ECANCELED */
KW_MUST_CHECK int kw_plan_miss_by_depth(const struct kw_plan_case *of, enum kw_spec spec,
    const uint32_t *depths, size_t num, const struct kw_plan_effort *effort, struct kw_plan_figure *ret);

#endif
