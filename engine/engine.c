#include "engine/engine.h"

#include "engine/generator.h"
#include "engine/worker.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>

/* Longer slices would make stopping and switching slow to no gain. */
#define SLICE_NS_MAX (100u * 1000u * 1000u)

struct kw_engine {
    struct kw_crew crew;
    struct kw_worker *workers;
    unsigned num_workers;
    unsigned num_started;
    /* A booster counts itself in, then looks whether the workers run; stop takes running down, then waits
     * until all boosters are out: no booster touches a thread that is joined. One total order (B1 to B4). */
    _Atomic bool running;
    _Atomic uint32_t boosters;
};

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* ---- life ---- */

static bool config_valid(const struct kw_engine_config *config)
{
    unsigned num_pools = 0;

    for (size_t i = 0; i < KW_SPEC_NUM; i++) {
        if (config->pools[i] == NULL)
            continue;
        if (kw_pool_spec(config->pools[i]) != (enum kw_spec)i)
            return false;
        num_pools++;
    }
    return num_pools > 0 && config->bell != NULL && config->cpus.num >= 1 &&
           config->cpus.num <= KW_WORKERS_MAX && config->slice_ns <= SLICE_NS_MAX && config->cpu_share <= 100;
}

static void *alloc_lines(size_t size)
{
    void *ptr = aligned_alloc(KW_CACHE_LINE, size);

    if (ptr != NULL)
        memset(ptr, 0, size);
    return ptr;
}

/* Several slices in the time over which the share is to hold; below a millisecond they would be nothing but
 * looks at the pools. */
static uint64_t slice_for(unsigned cpu_share)
{
    uint64_t slice_ns = KW_SHARE_MS * 1000000ull * cpu_share / 100 / 4;

    if (cpu_share == 0)
        return KW_SLICE_NS;
    return KW_MIN(KW_MAX(slice_ns, KW_SLICE_NS / 4), KW_SLICE_NS);
}

static void crew_init(struct kw_crew *crew, const struct kw_engine_config *config)
{
    for (size_t i = 0; i < KW_SPEC_NUM; i++) {
        crew->pools[i] = config->pools[i];
        crew->makes[i] = kw_generator_choose((enum kw_spec)i, config->cpu_path);
    }
    crew->bell = config->bell;
    crew->cpu_share = config->cpu_share;
    crew->slice_ns = config->slice_ns != 0 ? config->slice_ns : slice_for(config->cpu_share);
    kw_bell_init(&crew->news);
    kw_bell_init(&crew->end);
}

static void engine_freep(struct kw_engine **engine)
{
    kw_engine_free(*engine);
}

int kw_engine_new(struct kw_engine **ret, const struct kw_engine_config *config)
{
    KW_CLEANUP(engine_freep) struct kw_engine *engine = NULL;

    KW_REQUIRE(config_valid(config), -EINVAL);
    KW_REQUIRE((engine = alloc_lines(sizeof(*engine))) != NULL, -ENOMEM);
    engine->num_workers = config->cpus.num;
    engine->workers = alloc_lines(sizeof(*engine->workers) * engine->num_workers);
    KW_REQUIRE(engine->workers != NULL, -ENOMEM);
    crew_init(&engine->crew, config);
    for (unsigned i = 0; i < engine->num_workers; i++) {
        engine->workers[i].crew = &engine->crew;
        engine->workers[i].cpu = config->cpus.cpu[i];
    }
    *ret = engine;
    engine = NULL;
    return 0;
}

static enum kw_worker_state state_of(const struct kw_worker *worker)
{
    return (enum kw_worker_state)atomic_load_explicit(&worker->state, memory_order_acquire);
}

/* Returns 0 when all that were started are ready, or the result of the first that failed. */
static int wait_until_ready(struct kw_engine *engine)
{
    for (unsigned i = 0; i < engine->num_started; i++) {
        struct kw_worker *worker = &engine->workers[i];

        for (;;) {
            uint32_t ticket = kw_bell_ticket(&engine->crew.news);

            if (state_of(worker) != KW_WORKER_STARTING)
                break;
            kw_bell_wait(&engine->crew.news, ticket, UINT64_MAX);
        }
        if (state_of(worker) == KW_WORKER_FAILED)
            return atomic_load_explicit(&worker->result, memory_order_relaxed);
    }
    return 0;
}

static int start_all(struct kw_engine *engine)
{
    while (engine->num_started < engine->num_workers) {
        KW_TRY(kw_worker_start(&engine->workers[engine->num_started]));
        engine->num_started++;
    }
    return wait_until_ready(engine);
}

int kw_engine_start(struct kw_engine *engine)
{
    int result;

    KW_REQUIRE(engine->num_started == 0, -EALREADY);
    atomic_store_explicit(&engine->crew.stopping, false, memory_order_relaxed);
    result = start_all(engine);
    if (result < 0)
        kw_engine_stop(engine);
    else
        atomic_store_explicit(&engine->running, true, memory_order_seq_cst); /* B1 */
    return result;
}

/* Boosters never block, so this takes microseconds unless one is preempted. */
static void wait_for_boosters(struct kw_engine *engine)
{
    while (atomic_load_explicit(&engine->boosters, memory_order_seq_cst) > 0) /* B2 */
        (void)nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

/* The workers go to normal priority for their last slice: on a busy machine they would not get to end it. */
void kw_engine_stop(struct kw_engine *engine)
{
    atomic_store_explicit(&engine->running, false, memory_order_seq_cst); /* B1 */
    wait_for_boosters(engine);
    atomic_store_explicit(
        &engine->crew.stopping, true, memory_order_release); /* S1 pairs with S2 in the workers */
    for (unsigned i = 0; i < engine->num_started; i++)
        (void)kw_priority_raise(&engine->workers[i].priority);
    kw_bell_ring(engine->crew.bell);
    kw_bell_ring(&engine->crew.end);
    for (; engine->num_started > 0; engine->num_started--)
        kw_worker_join(&engine->workers[engine->num_started - 1]);
}

void kw_engine_free(struct kw_engine *engine)
{
    if (engine == NULL)
        return;
    kw_engine_stop(engine);
    free(engine->workers);
    free(engine);
}

/* ---- boost ---- */

static int spec_of(const struct kw_worker *worker)
{
    return atomic_load_explicit(&worker->spec, memory_order_relaxed);
}

#define ANY_SPEC (-2)

/* A worker that works looks at the pools after each slice, give or take a core that is busy; a worker that
 * sleeps answers to the bell, and if it was raised, it drops that before it sleeps again. One that does
 * neither was stopped. */
static bool answers(const struct kw_worker *worker, uint64_t now_ns)
{
    if (spec_of(worker) == KW_SCHEDULER_NONE)
        return !atomic_load_explicit(&worker->priority.raised, memory_order_relaxed);
    return now_ns < load(&worker->looked_ns) + 10 * worker->crew->slice_ns;
}

/* Raises workers that are on the spec and alive until max of them answer; returns how many do. */
static unsigned raise_on(struct kw_engine *engine, int spec, unsigned max)
{
    uint64_t now_ns = kw_now_ns();
    unsigned raised = 0;

    for (unsigned i = 0; i < engine->num_workers && raised < max; i++) {
        struct kw_worker *worker = &engine->workers[i];
        bool answering = answers(worker, now_ns);

        if ((spec == ANY_SPEC || spec_of(worker) == spec) && state_of(worker) == KW_WORKER_READY)
            raised += kw_priority_raise(&worker->priority) && answering;
    }
    return raised;
}

/* If nobody makes the spec, whoever gets up first or ends its slice first will, since waiters come first: one
 * that sleeps, or else one on other work, is given the means to. */
static void raise_for(struct kw_engine *engine, enum kw_spec spec)
{
    if (raise_on(engine, (int)spec, UINT_MAX) == 0 && raise_on(engine, KW_SCHEDULER_NONE, 1) == 0)
        (void)raise_on(engine, ANY_SPEC, 1);
}

void kw_engine_boost(struct kw_engine *engine, enum kw_spec spec)
{
    kw_assert((unsigned)spec < KW_SPEC_NUM);
    atomic_fetch_add_explicit(&engine->boosters, 1, memory_order_seq_cst); /* B3 */
    if (atomic_load_explicit(&engine->running, memory_order_seq_cst)) {    /* B4 */
        raise_for(engine, spec);
        kw_bell_ring(engine->crew.bell);
    }
    atomic_fetch_sub_explicit(&engine->boosters, 1, memory_order_seq_cst); /* B3 */
}

/* ---- stats ---- */

static void add_histogram(struct kw_histogram *sum, const struct kw_histogram *part)
{
    for (size_t i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
        atomic_fetch_add_explicit(&sum->count[i], load(&part->count[i]), memory_order_relaxed);
    atomic_fetch_add_explicit(&sum->sum_ns, load(&part->sum_ns), memory_order_relaxed);
}

/* Of all workers' views of the demand the latest counts, since sleepers look seldom and stopped ones not at
 * all; a worker's time per pair counts by the pairs that it made. */
static void spec_stats(const struct kw_engine *engine, size_t spec, struct kw_engine_spec_stats *ret)
{
    uint64_t latest_ns = 0;
    double make_s = 0;

    for (unsigned i = 0; i < engine->num_workers; i++) {
        const struct kw_maker_stats *stats = &engine->workers[i].makers[spec].stats;
        uint64_t pairs = load(&stats->pairs), demand_ns = load(&stats->demand_ns);

        ret->pairs += pairs;
        ret->failures += load(&stats->failures);
        make_s += atomic_load_explicit(&stats->make_s, memory_order_relaxed) * (double)pairs;
        if (demand_ns > latest_ns) {
            latest_ns = demand_ns;
            ret->demand_per_s = atomic_load_explicit(&stats->demand_per_s, memory_order_relaxed);
        }
        add_histogram(&ret->make_time, &stats->make_time);
    }
    if (ret->pairs > 0)
        ret->make_s = make_s / (double)ret->pairs;
    if (engine->crew.pools[spec] != NULL)
        ret->generator = engine->crew.makes[spec]->name;
}

void kw_engine_stats(struct kw_engine *engine, struct kw_engine_stats *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (atomic_load_explicit(&engine->running, memory_order_seq_cst))
        ret->workers = engine->num_workers;
    ret->pinned = ret->idle_priority = ret->may_boost = ret->workers > 0;
    for (unsigned i = 0; i < ret->workers; i++) {
        const struct kw_worker *worker = &engine->workers[i];

        ret->workers_awake += spec_of(worker) != KW_SCHEDULER_NONE;
        ret->workers_failed += state_of(worker) == KW_WORKER_FAILED;
        ret->workers_boosted += atomic_load_explicit(&worker->priority.raised, memory_order_relaxed);
        ret->boosts += load(&worker->priority.raises);
        ret->cpu_ns += load(&worker->cpu_ns);
        ret->longest_slice_ns = KW_MAX(ret->longest_slice_ns, load(&worker->longest_slice_ns));
        ret->pinned &= atomic_load_explicit(&worker->pinned, memory_order_relaxed);
        ret->idle_priority &= atomic_load_explicit(&worker->priority.idle, memory_order_relaxed);
        ret->may_boost &= atomic_load_explicit(&worker->priority.may_raise, memory_order_relaxed);
    }
    for (size_t i = 0; i < KW_SPEC_NUM; i++)
        spec_stats(engine, i, &ret->spec[i]);
}
