#include "engine/ondemand.h"

#include "engine/generator.h"
#include "engine/rng.h"
#include "pool/secmem.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)

/* As long as a worker's: how late a caller learns that his pair is not wanted any more, or that the pool has
 * one. */
#define SLICE_NS (4 * NS_PER_MS)

/* One failure in a row is an accident, three are a generator that is broken. */
#define FAILURES_MAX 3u

struct bench {
    KW_CACHE_ALIGN _Atomic bool taken; /* T1 (taken, acquires) pairs with T2 (given back, releases) */
    _Atomic uint32_t half_done;        /* a bit for each spec with a search that was begun; a hint */
    struct kw_rng *rng;
    struct kw_generator *generators[KW_SPEC_NUM];
    uint64_t spent_ns[KW_SPEC_NUM]; /* CPU time of the pair that is half done */
};

struct counters {
    _Atomic uint64_t pairs, failures;
    struct kw_histogram make_time;
};

struct kw_ondemand {
    struct kw_ondemand_config config;
    struct bench *benches;
    struct counters counters[KW_SPEC_NUM];
};

/* ---- life ---- */

static void bench_done(struct bench *bench)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (bench->generators[spec] != NULL)
            bench->generators[spec]->ops->free(bench->generators[spec]);
    kw_rng_free(bench->rng);
}

static int bench_init(struct bench *bench, const struct kw_ondemand_config *config)
{
    KW_TRY(kw_rng_new(&bench->rng));
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_generator_ops *ops = kw_generator_choose((enum kw_spec)spec, config->cpu_path);

        if (config->pools[spec] != NULL)
            KW_TRY(ops->new (&bench->generators[spec], (enum kw_spec)spec, bench->rng));
    }
    return 0;
}

void kw_ondemand_free(struct kw_ondemand *ondemand)
{
    if (ondemand == NULL)
        return;
    for (unsigned i = 0; ondemand->benches != NULL && i < ondemand->config.max; i++) {
        kw_assert(!atomic_load_explicit(&ondemand->benches[i].taken, memory_order_acquire));
        bench_done(&ondemand->benches[i]);
    }
    free(ondemand->benches);
    free(ondemand);
}

static void ondemand_freep(struct kw_ondemand **ondemand)
{
    kw_ondemand_free(*ondemand);
}

static bool config_valid(const struct kw_ondemand_config *config)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (config->pools[spec] != NULL && kw_pool_spec(config->pools[spec]) != (enum kw_spec)spec)
            return false;
    return config->max >= 1 && config->max <= KW_ONDEMAND_MAX;
}

int kw_ondemand_new(struct kw_ondemand **ret, const struct kw_ondemand_config *config)
{
    KW_CLEANUP(ondemand_freep) struct kw_ondemand *ondemand = NULL;
    size_t size = config->max * sizeof(*ondemand->benches);

    KW_REQUIRE(config_valid(config), -EINVAL);
    KW_REQUIRE((ondemand = calloc(1, sizeof(*ondemand))) != NULL, -ENOMEM);
    ondemand->config = *config;
    KW_REQUIRE((ondemand->benches = aligned_alloc(KW_CACHE_LINE, size)) != NULL, -ENOMEM);
    memset(ondemand->benches, 0, size);
    for (unsigned i = 0; i < config->max; i++)
        KW_TRY(bench_init(&ondemand->benches[i], config));
    *ret = ondemand;
    ondemand = NULL;
    return 0;
}

/* ---- who works where ---- */

static bool take(struct bench *bench)
{
    return !atomic_load_explicit(&bench->taken, memory_order_relaxed) &&
           !atomic_exchange_explicit(&bench->taken, true, memory_order_acquire); /* T1 */
}

static void give_back(struct bench *bench)
{
    atomic_store_explicit(&bench->taken, false, memory_order_release); /* T2 */
}

static bool has_begun(const struct bench *bench, enum kw_spec spec)
{
    return (atomic_load_explicit(&bench->half_done, memory_order_relaxed) >> spec & 1) != 0;
}

static void set_begun(struct bench *bench, enum kw_spec spec, bool begun)
{
    uint32_t half_done = atomic_load_explicit(&bench->half_done, memory_order_relaxed);

    half_done = begun ? half_done | 1u << spec : half_done & ~(1u << spec);
    atomic_store_explicit(&bench->half_done, half_done, memory_order_relaxed);
}

/* A bench where such a search is half done comes first. */
static struct bench *find_bench(struct kw_ondemand *ondemand, enum kw_spec spec)
{
    for (int begun = 1; begun >= 0; begun--) {
        for (unsigned i = 0; i < ondemand->config.max; i++) {
            struct bench *bench = &ondemand->benches[i];

            if (has_begun(bench, spec) == (begun != 0) && take(bench))
                return bench;
        }
    }
    return NULL;
}

/* ---- making ---- */

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;

    kw_assert(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void count_pair(struct counters *counters, struct bench *bench, enum kw_spec spec)
{
    atomic_fetch_add_explicit(&counters->pairs, 1, memory_order_relaxed);
    kw_histogram_record(&counters->make_time, bench->spent_ns[spec]);
    bench->spent_ns[spec] = 0;
}

/* Returns: as the generator's run */
static int run_slice(struct bench *bench, enum kw_spec spec, uint64_t deadline_ns, struct kw_slot *slot)
{
    struct kw_generator *generator = bench->generators[spec];
    uint64_t began_ns = thread_cpu_ns();
    int r = generator->ops->run(generator, KW_MIN(deadline_ns, kw_now_ns() + SLICE_NS), slot);

    bench->spent_ns[spec] += thread_cpu_ns() - began_ns;
    set_begun(bench, spec, r == KW_GENERATOR_AGAIN);
    ERR_clear_error(); /* the queue is the caller's */
    return r;
}

static bool is_unwanted(const _Atomic bool *unwanted)
{
    return unwanted != NULL && atomic_load_explicit(unwanted, memory_order_relaxed);
}

/* At least one slice: a deadline that has passed, and has again at the next call, must not mean that nothing
 * is ever done. */
static int work(struct kw_ondemand *ondemand, struct bench *bench, enum kw_spec spec, uint64_t deadline_ns,
    const _Atomic bool *unwanted, struct kw_slot *slot)
{
    struct counters *counters = &ondemand->counters[spec];
    unsigned failures = 0;

    for (;;) {
        int r = run_slice(bench, spec, deadline_ns, slot);

        if (r == 0)
            count_pair(counters, bench, spec);
        if (r <= 0)
            return r;
        if (r == KW_GENERATOR_FAILED) {
            atomic_fetch_add_explicit(&counters->failures, 1, memory_order_relaxed);
            if (++failures == FAILURES_MAX)
                return KW_ONDEMAND_FAILED;
        }
        if (is_unwanted(unwanted) || kw_now_ns() >= deadline_ns)
            return KW_ONDEMAND_LATE;
    }
}

static int make_at(struct kw_ondemand *ondemand, struct bench *bench, enum kw_spec spec, uint64_t deadline_ns,
    const _Atomic bool *unwanted, struct kw_slot *ret)
{
    struct kw_pool *pool = ondemand->config.pools[spec];
    struct kw_slot slot;
    int r = kw_pool_acquire(pool, &slot);

    if (r != 0)
        return r == KW_POOL_FULL ? KW_ONDEMAND_FULL : r;
    r = work(ondemand, bench, spec, deadline_ns, unwanted, &slot);
    if (r == 0)
        *ret = slot;
    else
        kw_pool_discard(pool, &slot);
    return r;
}

int kw_ondemand_make(struct kw_ondemand *ondemand, enum kw_spec spec, uint64_t deadline_ns,
    const _Atomic bool *unwanted, struct kw_slot *ret)
{
    struct bench *bench;
    int r;

    kw_assert((unsigned)spec < KW_SPEC_NUM);
    KW_REQUIRE(ondemand->config.pools[spec] != NULL, -EINVAL);
    KW_REQUIRE(kw_secmem_alive(), KW_POOL_FORKED);
    bench = find_bench(ondemand, spec);
    KW_REQUIRE(bench != NULL, KW_ONDEMAND_BUSY);
    r = make_at(ondemand, bench, spec, deadline_ns, unwanted, ret);
    give_back(bench);
    return r;
}

/* ---- waiting ---- */

static void pause_until(uint64_t when_ns)
{
    struct timespec when = {
        .tv_sec = (time_t)(when_ns / (1000 * NS_PER_MS)),
        .tv_nsec = (long)(when_ns % (1000 * NS_PER_MS)),
    };

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

/* The pool's pairs come first: they are there, and room in the pool is where the next one is made.
 * Returns: 0 | KW_POOL_EMPTY (again) | KW_POOL_TIMEOUT | KW_POOL_FORKED | KW_ONDEMAND_FAILED | <0 */
static int pop_or_make(struct kw_ondemand *ondemand, enum kw_spec spec, uint64_t deadline_ns,
    struct kw_pair *ret, enum kw_ondemand_source *source)
{
    struct kw_pool *pool = ondemand->config.pools[spec];
    uint64_t now_ns = kw_now_ns();
    struct kw_slot slot;
    int r = kw_pool_pop(pool, ret);

    *source = KW_ONDEMAND_AWAITED;
    if (r != KW_POOL_EMPTY)
        return r;
    if (now_ns >= deadline_ns)
        return KW_POOL_TIMEOUT;
    if (ondemand->config.engine != NULL)
        kw_engine_boost(ondemand->config.engine, spec);
    r = kw_ondemand_make(ondemand, spec, KW_MIN(deadline_ns, now_ns + SLICE_NS), NULL, &slot);
    if (r == 0) {
        kw_pool_hand_over(pool, &slot, ret);
        *source = KW_ONDEMAND_MADE;
    } else if (r == KW_ONDEMAND_BUSY || r == KW_ONDEMAND_FULL) {
        pause_until(KW_MIN(deadline_ns, now_ns + KW_POOL_RECHECK_MS * NS_PER_MS));
    }
    return r == KW_ONDEMAND_BUSY || r == KW_ONDEMAND_FULL || r == KW_ONDEMAND_LATE ? KW_POOL_EMPTY : r;
}

int kw_ondemand_pop(struct kw_ondemand *ondemand, enum kw_spec spec, uint64_t deadline_ns,
    struct kw_pair *ret, enum kw_ondemand_source *ret_source)
{
    enum kw_ondemand_source source = KW_ONDEMAND_READY;
    struct kw_pool *pool;
    int r;

    kw_assert((unsigned)spec < KW_SPEC_NUM);
    pool = ondemand->config.pools[spec];
    KW_REQUIRE(pool != NULL, -EINVAL);
    r = kw_pool_pop(pool, ret);
    if (r == KW_POOL_EMPTY) {
        r = kw_pool_wait_enter(pool);
        if (r != 0)
            return r;
        while ((r = pop_or_make(ondemand, spec, deadline_ns, ret, &source)) == KW_POOL_EMPTY)
            ;
        kw_pool_wait_leave(pool, r == 0);
    }
    if (r == 0 && ret_source != NULL)
        *ret_source = source;
    return r;
}

/* ---- stats ---- */

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void kw_ondemand_stats(struct kw_ondemand *ondemand, struct kw_ondemand_stats *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->max = ondemand->config.max;
    for (unsigned i = 0; i < ret->max; i++)
        ret->busy += atomic_load_explicit(&ondemand->benches[i].taken, memory_order_relaxed);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct counters *from = &ondemand->counters[spec];

        ret->spec[spec].pairs = load(&from->pairs);
        ret->spec[spec].failures = load(&from->failures);
        for (size_t i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
            atomic_init(&ret->spec[spec].make_time.count[i], load(&from->make_time.count[i]));
        atomic_init(&ret->spec[spec].make_time.sum_ns, load(&from->make_time.sum_ns));
    }
}
