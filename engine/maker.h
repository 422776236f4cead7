/* maker - one worker's bench for one spec: the generator, the slot that it writes into, and what it learned.
 *
 * A maker belongs to one worker's thread. It works in slices; a search that a slice leaves half done keeps
 * its slot and goes on in the next one, whenever that is. Between slices a slot is held only for a half-done
 * search. Other threads may read the stats, which are relaxed atomics.
 */
#ifndef KW_ENGINE_MAKER_H
#define KW_ENGINE_MAKER_H

#include "engine/generator.h"
#include "engine/scheduler.h"
#include "pool/histogram.h"
#include "pool/pool.h"

struct kw_rng;

struct kw_maker_stats {
    _Atomic uint64_t pairs;        /* made and published */
    _Atomic uint64_t failures;     /* KW_GENERATOR_FAILED: kept out */
    _Atomic double make_s;         /* smoothed CPU time per pair; 0 before the first */
    _Atomic double demand_per_s;   /* as this worker saw it last */
    _Atomic uint64_t demand_ns;    /* when */
    struct kw_histogram make_time; /* CPU time per pair */
};

struct kw_maker {
    struct kw_pool *pool; /* borrowed; NULL: this spec is not made */
    struct kw_generator *generator;
    uint32_t low_watermark;
    uint32_t high_watermark;
    struct kw_slot slot;       /* if holding */
    bool holding;              /* between slices: a search is half done */
    uint64_t spent_ns;         /* CPU time that the half-done pair has cost so far */
    uint64_t blocked_until_ns; /* after a failure, or while the pool has no slot; 0: not */
    unsigned failures_running; /* failures since the last success */
    double make_s;             /* smoothed, a guess before the first pair */
    struct kw_demand demand;
    struct kw_maker_stats stats; /* outlives init and done: counts on */
};

/* kw_maker_init() - makes a generator of ops for the pool's spec; all fields but stats are set. pool NULL:
 * nothing to make, always blocked. Returns: 0 | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_maker_init(
    struct kw_maker *maker, struct kw_pool *pool, const struct kw_generator_ops *ops, struct kw_rng *rng);
/* Abandons a half-done search, gives its slot back and frees the generator. All zero is fine, and so is
 * twice. */
void kw_maker_done(struct kw_maker *maker);

/* kw_maker_look() - fills in what the scheduler is to know, except making, refilling and credit; samples the
 * demand. */
void kw_maker_look(struct kw_maker *maker, uint64_t now_ns, struct kw_sched_pool *view);

/* kw_maker_run() - works for about slice_ns and publishes what is finished; ends early when the pool is at
 * its high watermark or has no slot, after a failure, and after a pair that earlier slices began. Returns: 0
 * | <0 fatal */
KW_MUST_CHECK int kw_maker_run(struct kw_maker *maker, uint64_t slice_ns);

#endif
