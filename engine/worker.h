/* worker - one thread that makes key pairs, on one core.
 *
 * The thread blocks all signals, has its own secret-memory arena, random source and makers, all set up before
 * it reports ready; after that it makes no mapping call and takes no lock that a thread other than a worker
 * takes (workers meet in one, inside OpenSSL: rng.h). In a loop it looks at the pools, lets the scheduler
 * pick, and works for one slice; when nothing is wanted it sleeps on the bell. After a fatal error it frees
 * what it has and waits to be told to stop, so that its thread id stays its own until it is joined.
 *
 * Internal to the engine. A worker is started and joined by the engine's owner; the atomics may be read by
 * any thread.
 */
#ifndef KW_ENGINE_WORKER_H
#define KW_ENGINE_WORKER_H

#include "engine/maker.h"
#include "engine/priority.h"
#include "pool/bell.h"

#include <pthread.h>

/* What the workers of one engine share. The atomics are hints to the schedulers, all relaxed but stopping. */
struct kw_crew {
    struct kw_pool *pools[KW_SPEC_NUM];                /* borrowed; NULL: not made */
    const struct kw_generator_ops *makes[KW_SPEC_NUM]; /* the generator for each pool */
    struct kw_bell *bell;                              /* rung when pools want pairs, and to stop; borrowed */
    uint64_t slice_ns;
    unsigned cpu_share;    /* percent; 0 or 100: no bound */
    struct kw_bell end;    /* rung to stop: for those that must not be woken by pools */
    struct kw_bell news;   /* rung when a worker's state changes */
    _Atomic bool stopping; /* S1 (set, released) pairs with S2 (read by workers) */
    KW_CACHE_ALIGN _Atomic uint32_t making[KW_SPEC_NUM]; /* workers on each spec now */
    _Atomic bool refilling[KW_SPEC_NUM];                 /* the pools' hysteresis, seen by all alike */
};

enum kw_worker_state {
    KW_WORKER_STARTING,
    KW_WORKER_READY,
    KW_WORKER_FAILED, /* result says why */
};

struct kw_worker {
    KW_CACHE_ALIGN struct kw_crew *crew; /* borrowed, outlives the worker */
    unsigned cpu;                        /* the core to sit on */
    pthread_t thread;
    _Atomic int state;   /* enum kw_worker_state; released after result */
    _Atomic int result;  /* <0 if failed */
    _Atomic int spec;    /* being made now; KW_SCHEDULER_NONE: asleep, starting or ended */
    _Atomic bool pinned; /* sits on its core */
    _Atomic uint64_t
        looked_ns;           /* when it last looked at the pools: long ago for a sleeper and a stopped one */
    _Atomic uint64_t cpu_ns; /* CPU time that its slices took, over all starts */
    _Atomic uint64_t longest_slice_ns; /* CPU time of the longest of them */
    struct kw_priority priority;
    /* The rest is the thread's own, but for the makers' stats. */
    uint64_t counted_ns; /* its CPU time when it was last counted */
    struct kw_rng *rng;
    struct kw_maker makers[KW_SPEC_NUM];
    struct kw_sched_pool views[KW_SPEC_NUM];
};

/* kw_worker_start() - crew and cpu are set, the rest is zero or as a joined worker left it (stats count on).
 * Returns: 0 | negative errno. Whether the thread came up shows in state. */
KW_MUST_CHECK int kw_worker_start(struct kw_worker *worker);
/* Waits for the thread's end; crew->stopping is set and the bell was rung. */
void kw_worker_join(struct kw_worker *worker);

#endif
