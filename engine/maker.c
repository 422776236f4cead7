#include "engine/maker.h"

#include <time.h>

#define NS_PER_MS (1000u * 1000u)
#define NS_PER_S  1e9

/* One failed pair is retried at once; a generator that goes on failing is not given a core to do so. */
#define FAILURE_PAUSE_NS     (1u * NS_PER_MS)
#define FAILURE_PAUSE_NS_MAX (1000u * NS_PER_MS)

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;

    kw_assert(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int kw_maker_init(
    struct kw_maker *maker, struct kw_pool *pool, const struct kw_generator_ops *ops, struct kw_rng *rng)
{
    struct kw_pool_stats stats;

    maker->pool = pool;
    maker->generator = NULL;
    maker->holding = false;
    maker->spent_ns = 0;
    maker->blocked_until_ns = 0;
    maker->failures_running = 0;
    maker->demand = (struct kw_demand){0};
    if (pool == NULL)
        return 0;
    kw_pool_stats(pool, &stats);
    maker->low_watermark = stats.low_watermark;
    maker->high_watermark = stats.high_watermark;
    maker->make_s = kw_sched_guess_make_s(kw_pool_spec(pool));
    return ops->new (&maker->generator, kw_pool_spec(pool), rng);
}

static void drop_slot(struct kw_maker *maker)
{
    if (maker->holding)
        kw_pool_discard(maker->pool, &maker->slot);
    maker->holding = false;
}

void kw_maker_done(struct kw_maker *maker)
{
    drop_slot(maker);
    if (maker->generator != NULL)
        maker->generator->ops->free(maker->generator);
    maker->generator = NULL;
}

/* A request ends as a pop, a timeout or a reject: each is counted once, however long it waited. */
static void sample_demand(struct kw_maker *maker, uint64_t now_ns)
{
    struct kw_pool_stats stats;

    if (maker->demand.last_ns != 0 && now_ns - maker->demand.last_ns < KW_DEMAND_SAMPLE_NS)
        return;
    kw_pool_stats(maker->pool, &stats);
    kw_demand_sample(
        &maker->demand, stats.pops + stats.timeouts + stats.rejects, now_ns, KW_DEMAND_HALF_LIFE_S);
    atomic_store_explicit(&maker->stats.demand_per_s, maker->demand.rate_per_s, memory_order_relaxed);
    atomic_store_explicit(&maker->stats.demand_ns, now_ns, memory_order_relaxed);
}

void kw_maker_look(struct kw_maker *maker, uint64_t now_ns, struct kw_sched_pool *view)
{
    if (maker->pool == NULL) {
        view->blocked = true;
        return;
    }
    sample_demand(maker, now_ns);
    view->level = kw_pool_level(maker->pool);
    view->waiters = kw_pool_waiters(maker->pool);
    view->low_watermark = maker->low_watermark;
    view->high_watermark = maker->high_watermark;
    view->blocked = now_ns < maker->blocked_until_ns;
    view->demand_per_s = maker->demand.rate_per_s;
    view->make_s = maker->make_s;
}

/* What a run of the generator came to: its own conditions and one of ours. */
enum outcome {
    PUBLISHED,
    UNFINISHED = KW_GENERATOR_AGAIN, /* the slot is kept */
    FAILED = KW_GENERATOR_FAILED,
    NO_SLOT,
};

/* Returns: an outcome | <0 fatal */
static int make_one(struct kw_maker *maker, uint64_t deadline_ns)
{
    int r;

    if (!maker->holding && kw_pool_acquire(maker->pool, &maker->slot) != 0)
        return NO_SLOT;
    maker->holding = true;
    r = maker->generator->ops->run(maker->generator, deadline_ns, &maker->slot);
    if (r == PUBLISHED) {
        kw_pool_publish(maker->pool, &maker->slot);
        maker->holding = false;
        atomic_fetch_add_explicit(&maker->stats.pairs, 1, memory_order_relaxed);
    } else if (r == FAILED) {
        drop_slot(maker);
    }
    return r;
}

static void learn_make_time(struct kw_maker *maker, unsigned made)
{
    unsigned together = KW_MAX(maker->generator->together, 1u);
    uint64_t each_ns = maker->spent_ns / made;
    bool first = atomic_load_explicit(&maker->stats.make_s, memory_order_relaxed) == 0;

    maker->make_s = kw_sched_learn_make_s(maker->make_s, (double)each_ns / NS_PER_S, made, together, first);
    atomic_store_explicit(&maker->stats.make_s, maker->make_s, memory_order_relaxed);
    maker->failures_running = 0;
    for (unsigned i = 0; i < made; i++)
        kw_histogram_record(&maker->stats.make_time, each_ns);
}

static void pause_after_failure(struct kw_maker *maker)
{
    unsigned again = maker->failures_running++;

    atomic_fetch_add_explicit(&maker->stats.failures, 1, memory_order_relaxed);
    if (again > 0)
        maker->blocked_until_ns =
            kw_now_ns() + KW_MIN((uint64_t)FAILURE_PAUSE_NS << KW_MIN(again - 1, 16u), FAILURE_PAUSE_NS_MAX);
}

/* A pair that earlier slices began ends the slice, so that its time is not mixed with the next one's. */
static bool goes_on(const struct kw_maker *maker, bool carried, uint64_t deadline_ns)
{
    return !carried && kw_pool_level(maker->pool) < maker->high_watermark && kw_now_ns() < deadline_ns;
}

int kw_maker_run(struct kw_maker *maker, uint64_t slice_ns)
{
    uint64_t began_ns = thread_cpu_ns(), deadline_ns = kw_now_ns() + slice_ns;
    bool carried = maker->holding;
    unsigned made = 0;
    int outcome;

    maker->blocked_until_ns = 0;
    do {
        outcome = make_one(maker, deadline_ns);
        KW_TRY(outcome);
        made += outcome == PUBLISHED;
    } while (outcome == PUBLISHED && goes_on(maker, carried, deadline_ns));

    maker->spent_ns += thread_cpu_ns() - began_ns;
    if (made > 0)
        learn_make_time(maker, made);
    if (made > 0 || !maker->holding)
        maker->spent_ns = 0;
    if (outcome == NO_SLOT)
        maker->blocked_until_ns = kw_now_ns() + KW_SCHED_NO_SLOT_NS;
    else if (outcome == FAILED)
        pause_after_failure(maker);
    return 0;
}
