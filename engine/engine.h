/* engine - the public face: workers that keep the pools full.
 *
 * One worker per core given, pinned, at idle scheduling priority (SCHED_IDLE), asleep at no cost when every
 * pool is full, woken by the pools' bell. A worker shares no lock with threads that are not workers: own
 * allocator arena, own random source and library context, own generators; it hands pairs over through the
 * lock-free pools only. Workers that make pairs on ECDSA curves on the portable path share one lock with each
 * other, inside OpenSSL (rng.h): one that is stopped exactly there, a window of well below a microsecond per
 * draw, holds up the making of such pairs, and so requests that wait for them at an empty pool, until it goes
 * on; requests that pools serve are not touched. Half-done searches are kept when a worker turns to another
 * spec.
 *
 * With cpu_share a worker pauses after each slice for so long that it never takes more than that share of its
 * core: from its start on, at most that share of the time and what one slice takes, and in any stretch of
 * time that share of it and two slices (the end of one that was kept waiting, and the next). The bound holds
 * always, also at normal priority while requests wait.
 *
 * Thread-safety: start, stop and free by one owner; stats, boost by any thread.
 */
#ifndef KW_ENGINE_ENGINE_H
#define KW_ENGINE_ENGINE_H

#include "engine/cpu.h"
#include "engine/topology.h"
#include "pool/bell.h"
#include "pool/histogram.h"
#include "pool/pool.h"

struct kw_engine;

struct kw_engine_config {
    struct kw_cpus cpus;                /* one worker on each; num >= 1 */
    struct kw_pool *pools[KW_SPEC_NUM]; /* borrowed, outlive the engine; NULL: not made */
    struct kw_bell *bell;               /* the bell that the pools ring; borrowed */
    enum kw_cpu_path cpu_path;
    uint64_t slice_ns;  /* 0: KW_SLICE_NS */
    unsigned cpu_share; /* percent of its core that a worker may take, waiters or not; 0 or 100: no bound */
};

struct kw_engine_spec_stats {
    uint64_t pairs;      /* made and published */
    uint64_t failures;   /* pairs that failed their consistency test or their making, and were kept out */
    double demand_per_s; /* requests a second, as the scheduler sees it */
    double make_s;       /* smoothed CPU time of a worker per pair; 0 before the first */
    struct kw_histogram make_time; /* CPU time of a worker per pair, a snapshot */
    const char *generator;         /* which generator makes it; NULL: it is not made */
};

struct kw_engine_stats {
    unsigned workers;          /* started; 0: the engine does not run, and the flags below say nothing */
    unsigned workers_awake;    /* making pairs now */
    unsigned workers_failed;   /* ended by a fatal error */
    unsigned workers_boosted;  /* at normal priority for requests that wait */
    uint64_t boosts;           /* times that a worker went up to normal priority */
    uint64_t cpu_ns;           /* CPU time of all workers, since the first start */
    uint64_t longest_slice_ns; /* the most that any worker took between two looks at the pools, CPU time */
    bool pinned;               /* every worker sits on its core */
    bool idle_priority;        /* every worker got SCHED_IDLE */
    bool may_boost; /* every worker may be raised from it (priority.h says what the system wants for that) */
    struct kw_engine_spec_stats spec[KW_SPEC_NUM];
};

/* new: 0 | -ENOMEM | -EINVAL. Starts nothing. */
KW_MUST_CHECK int kw_engine_new(struct kw_engine **ret, const struct kw_engine_config *config);
/* start: runs no self-test (selftest.h; the programs run it first). Returns when every worker is ready or one
 * failed: 0 | -EALREADY (it runs) | negative errno | KW_EOPENSSL (all workers stopped again). After a stop it
 * may be started again; the stats count on. */
KW_MUST_CHECK int kw_engine_start(struct kw_engine *engine);
/* Asks all workers to stop and joins them: within about one slice. Half-done searches are wiped. Not running:
 * fine. */
void kw_engine_stop(struct kw_engine *engine);
/* stop if running, then free. NULL is fine. */
void kw_engine_free(struct kw_engine *engine);
/* kw_engine_boost() - requests wait for spec: wakes sleepers and raises the workers that make it to normal
 * priority, and one more if none of them answers (it may have been stopped for long). A worker goes back to
 * idle priority by itself when nobody waits. To be called after kw_pool_wait_enter(), and again every few
 * milliseconds while the request waits; within 10 ms it costs no system call for workers that are raised
 * already. Where the system refuses (may_boost in the stats) it only wakes. */
void kw_engine_boost(struct kw_engine *engine, enum kw_spec spec);
void kw_engine_stats(struct kw_engine *engine, struct kw_engine_stats *ret);

#endif
