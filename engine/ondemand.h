/* ondemand - key pairs that are made when they are asked for, on the thread of whoever asks.
 *
 * Made by the same generators as a worker's, tested like any other pair (generator.h), and in a slot of the
 * spec's pool, so that what takes pairs from pools takes these as well. How many are made at once is bounded:
 * there are so many benches, each with a random source and generators of its own, all set up by new. What a
 * deadline leaves half done stays on its bench, in secret memory, and whoever comes next goes on with it:
 * nothing computed is lost, and no two callers ever get the same pair.
 *
 * Time: a call ends with its deadline, give or take one unit of a generator's work (some milliseconds of CPU
 * time for RSA_4096, less for all else); it makes no mapping call and takes no lock that a worker takes,
 * but for what rng.h says of the portable path. Stack: 64 KiB are enough.
 *
 * Thread-safety: make, pop and stats by any thread; new and free by the owner, while no other call runs.
 */
#ifndef KW_ENGINE_ONDEMAND_H
#define KW_ENGINE_ONDEMAND_H

#include "engine/engine.h"

#include <stdatomic.h>

struct kw_ondemand;

struct kw_ondemand_config {
    struct kw_pool *pools[KW_SPEC_NUM]; /* borrowed, outlive it; NULL: not made */
    enum kw_cpu_path cpu_path;
    unsigned max;             /* pairs that are made at once: 1 .. KW_ONDEMAND_MAX */
    struct kw_engine *engine; /* boosted while pop waits; borrowed; NULL: none */
};

enum {
    KW_ONDEMAND_BUSY = 20,   /* as many as allowed are being made */
    KW_ONDEMAND_LATE = 21,   /* the deadline passed, or the pair is not wanted any more */
    KW_ONDEMAND_FULL = 22,   /* the pool has no slot free */
    KW_ONDEMAND_FAILED = 23, /* pair after pair failed its consistency test; all were wiped */
};

/* Where a pair came from. */
enum kw_ondemand_source {
    KW_ONDEMAND_READY,   /* it was in the pool */
    KW_ONDEMAND_AWAITED, /* it came into the pool while the caller waited */
    KW_ONDEMAND_MADE,
};

struct kw_ondemand_spec_stats {
    uint64_t pairs;                /* made */
    uint64_t failures;             /* failed their test or their making, and were wiped */
    struct kw_histogram make_time; /* CPU time of a pair, by the thread that finished it; a snapshot */
};

struct kw_ondemand_stats {
    unsigned max;
    unsigned busy; /* benches in use now */
    struct kw_ondemand_spec_stats spec[KW_SPEC_NUM];
};

/* Runs no self-test (selftest.h). Returns: 0 | -EINVAL | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_ondemand_new(struct kw_ondemand **ret, const struct kw_ondemand_config *config);
/* Half-done searches are wiped. NULL is fine. */
void kw_ondemand_free(struct kw_ondemand *ondemand);

/* kw_ondemand_make() - one pair, finished, in a slot that is the caller's: to hand over (kw_pool_hand_over())
 * to himself or to publish. It has no look at what the pool holds.
 * In: deadline_ns, by kw_now_ns(); unwanted, looked at every few milliseconds: true ends the call; may be
 * NULL
 * Returns: 0 | KW_ONDEMAND_BUSY | KW_ONDEMAND_LATE | KW_ONDEMAND_FULL | KW_ONDEMAND_FAILED | KW_POOL_FORKED |
 * -EINVAL (that spec is not made) | <0 fatal: its random source failed */
KW_MUST_CHECK int kw_ondemand_make(struct kw_ondemand *ondemand, enum kw_spec spec, uint64_t deadline_ns,
    const _Atomic bool *unwanted, struct kw_slot *ret);

/* kw_ondemand_pop() - for callers that may block: the pair that comes first, from the pool or made here. It
 * is one of the pool's waiters meanwhile; while others hold all benches it waits for either.
 * Out: ret, to be released; ret_source may be NULL
 * Returns: 0 | KW_POOL_BUSY (too many wait) | KW_POOL_TIMEOUT | KW_POOL_FORKED | KW_ONDEMAND_FAILED | -EINVAL
 * | <0 fatal */
KW_MUST_CHECK int kw_ondemand_pop(struct kw_ondemand *ondemand, enum kw_spec spec, uint64_t deadline_ns,
    struct kw_pair *ret, enum kw_ondemand_source *ret_source);

void kw_ondemand_stats(struct kw_ondemand *ondemand, struct kw_ondemand_stats *ret);

#endif
