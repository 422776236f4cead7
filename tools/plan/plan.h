/* plan - what capacity planning is about: a profile of how long pairs take, a demand, and settings.
 *
 * Plain data, owned by whoever made it; what it points to is borrowed. The other headers of this folder:
 *
 *   arrivals.h    when requests come, by a demand
 *   simulation.h  one run of workers, scheduler and pools
 *   estimate.h    several runs, and what they come to, with confidence intervals
 *   solver.h      the least cores and depths that hold an objective
 *   fleet.h       the same for many machines, some of them lost
 *   bound.h       what is known in closed form, to hold the simulation against
 *   measure.h     the profile of this machine
 *   profile.h     a profile as a file
 *
 * All times are in seconds, all rates per second. Functions here are pure.
 */
#ifndef KW_TOOLS_PLAN_PLAN_H
#define KW_TOOLS_PLAN_PLAN_H

#include "engine/cpu.h"
#include "pool/onempty.h"
#include "pool/spec.h"

/* ---- how long pairs take ---- */

/* The distribution is kept as so many quantiles. */
#define KW_PLAN_QUANTILES 256u

/* Pairs may come out several at once: a batch. */
struct kw_plan_make {
    double mean_s;                       /* CPU time per pair on one core, the others idle; 0: not measured */
    double all_mean_s;                   /* the same with all of the profile's cores at it */
    unsigned batch;                      /* pairs that come out together; >= 1 */
    double quantiles[KW_PLAN_QUANTILES]; /* CPU time of a batch over its mean, ascending, at shares
                                          * (i + 1/2) / KW_PLAN_QUANTILES; their mean is 1 */
};

struct kw_plan_profile {
    char cpu_model[64];
    enum kw_cpu_path path;
    unsigned cores; /* that all_mean_s was measured on */
    struct kw_plan_make make[KW_SPEC_NUM];
};

/* kw_plan_make_s() - CPU time per pair while so many cores make pairs: between one and the profile's number
 * in proportion, beyond that as with all. cores >= 1 */
double kw_plan_make_s(const struct kw_plan_profile *profile, enum kw_spec spec, unsigned cores);
/* kw_plan_make_steady() / kw_plan_make_exponential() - distributions for trying out: each batch takes
 * mean_s * batch, or exponentially distributed times with that mean. */
void kw_plan_make_steady(struct kw_plan_make *make, double mean_s, unsigned batch);
void kw_plan_make_exponential(struct kw_plan_make *make, double mean_s, unsigned batch);

/* ---- the demand ---- */

enum kw_plan_demand_kind {
    KW_PLAN_NONE,    /* nobody asks for this spec */
    KW_PLAN_POISSON, /* at random at one rate */
    KW_PLAN_BURSTS,  /* at random at one rate, in bursts at another */
    KW_PLAN_DAILY,   /* at random at a rate that follows a curve over a period */
    KW_PLAN_TRACE,   /* at recorded times, over and over */
};

/* Steps of a curve. */
#define KW_PLAN_CURVE_MAX 288u

struct kw_plan_demand {
    enum kw_plan_demand_kind kind;
    double scale;      /* multiplies every rate; each entry of a trace stands for so many requests; > 0 */
    double rate_per_s; /* Poisson; bursts: between them, may be 0; daily: the mean over the period */
    /* Bursts. */
    double burst_per_s; /* the rate in a burst */
    double burst_s;     /* how long one lasts */
    double quiet_s;     /* from the end of one to the begin of the next */
    bool regular;       /* both are as given; else they are means of exponential distributions */
    /* Daily. */
    double period_s; /* of the curve; of a trace: when it begins again, at least its last time */
    unsigned num_curve;
    double curve[KW_PLAN_CURVE_MAX]; /* the rate in each equal part of the period, in any unit, >= 0 */
    /* Trace. */
    const double *times_s; /* ascending, from 0; borrowed */
    size_t num_times;      /* >= 1 */
};

/* The mean over all time, and the highest that lasts: in a burst, at the top of the curve, in the busiest
 * thousandth of a trace. */
double kw_plan_demand_mean(const struct kw_plan_demand *demand);
double kw_plan_demand_peak(const struct kw_plan_demand *demand);
/* kw_plan_demand_check() - Returns: NULL | what is wrong with it, a clause such as "the rate is negative" */
const char *kw_plan_demand_check(const struct kw_plan_demand *demand);

/* ---- the settings ---- */

struct kw_plan_settings {
    unsigned cores;        /* with a worker each; 1 .. KW_WORKERS_MAX */
    double cpu_share;      /* that a worker may take of its core; (0, 1] */
    double serve_s;        /* CPU time of these cores that serving a request takes; 0: none */
    unsigned generate_max; /* pairs made for requests at once; 0: one for every two cores */
    uint32_t waiters_max;  /* per spec; 0: KW_POOL_WAITERS_MAX */
    double wait_s;         /* the deadline of those who wait; 0: KW_POOL_WAIT_MS */
    enum kw_on_empty on_empty[KW_SPEC_NUM];
    uint32_t depth[KW_SPEC_NUM];         /* pairs that the pool holds; 0: no pool, so no demand may be */
    uint32_t low_watermark[KW_SPEC_NUM]; /* refilling starts below; 0: as keywelld has it */
};

/* kw_plan_settings_default() - one core, all of it, waiting, pools as deep as keywelld's. */
void kw_plan_settings_default(struct kw_plan_settings *ret);
/* kw_plan_low_watermark() - as the pool has it. */
uint32_t kw_plan_low_watermark(const struct kw_plan_settings *settings, enum kw_spec spec);
/* What all pools take, in bytes, as in keywelld. */
double kw_plan_memory_bytes(const struct kw_plan_settings *settings);

/* ---- the case: what is looked at ---- */

struct kw_plan_case {
    const struct kw_plan_profile *profile; /* borrowed */
    struct kw_plan_demand demand[KW_SPEC_NUM];
    struct kw_plan_settings settings;
};

/* kw_plan_case_check() - demand, settings and profile fit each other. Out: why, a sentence without a stop.
 * Returns: 0 | 1 (why says) */
KW_MUST_CHECK int kw_plan_case_check(const struct kw_plan_case *of, char *why, size_t why_cap);
/* The cores' worth of work that the demand is, making and serving, when so many cores work. */
double kw_plan_load(const struct kw_plan_case *of, unsigned cores);
/* What the demand may be multiplied by until making and serving take all of the cores. */
double kw_plan_saturation(const struct kw_plan_case *of);

/* A figure and half of its 95 % confidence interval. */
struct kw_plan_figure {
    double value;
    double error;
};

#endif
