/* scheduler - which spec to make next. Pure functions; the planner's simulation runs the same code.
 *
 * Each call picks for one worker and one slice. A pool is *wanted* if it is refilling, not blocked, and
 * what is ready and being made does not yet cover its high watermark and its waiters. Refilling has
 * hysteresis: it starts below the low watermark (or when requests wait) and goes on to the high one. Among
 * the wanted pools:
 *
 * 1. Urgent ones first: those with unmet waiters (waiters beyond the level), and those that are dry with
 *    nobody making a pair for them. They share the slices by smooth weighted round robin, so that none
 *    starves: unmet waiters weigh min(unmet, 8) / (making + 1), a dry pool without waiters weighs 1. The
 *    bound of 8 keeps a long queue for a slow spec from shutting out one whose whole queue a slice serves.
 *
 * 2. Else the one with the least slack, the time until it is dry less the time that its next pair takes:
 *
 *        slack = (level + making) / (demand_per_s + KW_SCHED_UNSEEN / make_s) - make_s
 *
 *    Demand that was seen decides. To it is added a little that was not: a thousandth of a core's worth of
 *    pairs. Without any demand the pools thus fill in step by the work stored in them (level times make_s):
 *    the cheap ones are full within moments of a cold start, the slow ones get their share from then on.
 */
#ifndef KW_ENGINE_SCHEDULER_H
#define KW_ENGINE_SCHEDULER_H

#include "pool/spec.h"

#define KW_SCHEDULER_NONE (-1)

/* Demand that is supposed though never seen, in cores' worth of pairs. */
#define KW_SCHED_UNSEEN 1e-3
/* Waiters beyond this many do not raise a pool's share. */
#define KW_SCHED_WEIGHT_MAX 8u

struct kw_sched_pool {
    uint32_t level;          /* pairs ready */
    uint32_t making;         /* workers on this spec now, this one not counted */
    uint32_t low_watermark;  /* at least 1 is supposed */
    uint32_t high_watermark; /* at least low_watermark is supposed */
    uint32_t waiters;        /* requests waiting */
    bool blocked;            /* cannot be made now: no pool, no free slot, or a pause after failures */
    double demand_per_s;     /* smoothed requests a second, >= 0 */
    double make_s;  /* smoothed seconds to make one pair on one core, > 0 (a guess before the first) */
    bool refilling; /* in and out: hysteresis state; may be shared by workers */
    double credit;  /* in and out: round robin state of this worker; begin with 0 */
};

/* kw_sched_pick() - updates refilling and credit of each pool and returns the index to work on, or
 * KW_SCHEDULER_NONE if none is wanted. Deterministic; ties go to the lowest index. */
int kw_sched_pick(struct kw_sched_pool *pools, size_t num_pools);

/* The demand's memory: short enough to follow the day's rhythm and bursts, long enough that single requests
 * do not show; and how often a worker samples it at most. */
#define KW_DEMAND_HALF_LIFE_S 5.0
#define KW_DEMAND_SAMPLE_NS   (50u * 1000u * 1000u)

/* A pool may lack a free slot while its takers hold many; they hold them for microseconds. A worker that
 * found none leaves the pool alone for so long. */
#define KW_SCHED_NO_SLOT_NS (1u * 1000u * 1000u)
/* Workers that sleep look again by themselves this often, so that the demand is forgotten while nothing
 * happens, and a lost wake-up would cost no more. */
#define KW_SCHED_REST_NS (1000u * 1000u * 1000u)

/* kw_sched_guess_make_s() - in the right order of magnitude for any generator; replaced by the first pair. */
double kw_sched_guess_make_s(enum kw_spec spec);
/* kw_sched_learn_make_s() - the smoothed time per pair, make_s, after made pairs (>= 1) took each_s on
 * average. first: nothing was learned before; together: pairs that are made at once, of which one seems to
 * cost all and the others nothing (>= 1). Returns the new make_s. */
double kw_sched_learn_make_s(double make_s, double each_s, unsigned made, unsigned together, bool first);

/* Demand seen: an exponentially weighted rate, robust to irregular sampling. */
struct kw_demand {
    double rate_per_s;
    uint64_t last_count;
    uint64_t last_ns; /* 0: never sampled */
};
/* count is a running total of requests (each pop, timeout and reject once); half_life_s is how fast old
 * demand is forgotten. The first sample, and one whose count went back, only sets the base line; no time
 * passed: no effect. */
void kw_demand_sample(struct kw_demand *demand, uint64_t count, uint64_t now_ns, double half_life_s);

#endif
