#include "tools/plan/measure.h"

#include "engine/ondemand.h"
#include "pool/secmem.h"
#include "tools/plan/samples.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Searches in lanes overlap: at first no pair comes out, then too many at once. */
#define WARM_S 1.0
/* Kept of one spec; who makes more of them in the time has been seen well enough. */
#define SAMPLES_MAX (1u << 20)
#define NS_PER_S    1e9
/* As much as a worker's. */
#define ARENA_BYTES (4u * 1024u * 1024u)

/* One thread, on one core, making pairs of one spec. */
struct hand {
    const struct kw_plan_measure_options *options;
    enum kw_spec spec;
    unsigned cpu;
    double *times_s; /* room of SAMPLES_MAX; NULL: only sums are wanted */
    _Atomic bool *stopping;
    pthread_t thread;
    /* After it was joined. */
    int result;
    size_t num;
    double sum_s;
};

static double thread_cpu_s(void)
{
    struct timespec now;

    kw_assert(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / NS_PER_S;
}

static uint64_t after(uint64_t now_ns, double seconds)
{
    return now_ns + (uint64_t)(seconds * NS_PER_S);
}

/* Returns: 0 | 1 (the deadline passed) | <0 */
static int make_one(
    struct hand *hand, struct kw_ondemand *ondemand, struct kw_pool *pool, uint64_t deadline_ns)
{
    struct kw_slot slot;
    int r;

    /* A pair that is there is handed out, wanted or not. */
    if (kw_now_ns() >= deadline_ns || atomic_load_explicit(hand->stopping, memory_order_relaxed))
        return 1;
    r = kw_ondemand_make(ondemand, hand->spec, deadline_ns, hand->stopping, &slot);
    KW_TRY(r);
    if (r == 0)
        kw_pool_discard(pool, &slot);
    return r == 0 ? 0 : 1;
}

static int warm_up(struct hand *hand, struct kw_ondemand *ondemand, struct kw_pool *pool)
{
    uint64_t end_ns = after(kw_now_ns(), KW_MIN(WARM_S, hand->options->seconds));
    int r;

    do {
        r = make_one(hand, ondemand, pool, end_ns);
        KW_TRY(r);
    } while (r == 0);
    return 0;
}

/* What the deadline leaves half done has taken time, and a part of a pair for it is missing: so much less
 * than all others take that it does not show. */
static int make_all(struct hand *hand, struct kw_ondemand *ondemand, struct kw_pool *pool)
{
    uint64_t end_ns = after(kw_now_ns(), hand->options->seconds);
    double began_s = thread_cpu_s(), last_s = began_s, now_s;
    int r;

    while (hand->num < SAMPLES_MAX) {
        r = make_one(hand, ondemand, pool, end_ns);
        KW_TRY(r);
        if (r > 0)
            break;
        now_s = thread_cpu_s();
        if (hand->times_s != NULL)
            hand->times_s[hand->num] = now_s - last_s;
        hand->num++;
        last_s = now_s;
    }
    hand->sum_s = last_s - began_s;
    return 0;
}

static void pool_freep(struct kw_pool **pool)
{
    kw_pool_free(*pool);
}

static void ondemand_freep(struct kw_ondemand **ondemand)
{
    kw_ondemand_free(*ondemand);
}

static int sit_and_make(struct hand *hand)
{
    struct kw_pool_config pool_config = {.spec = hand->spec, .capacity = 1};
    struct kw_ondemand_config config = {.cpu_path = hand->options->path, .max = 1};
    struct kw_cpus cpus = {.cpu = {hand->cpu}, .num = 1};
    KW_CLEANUP(pool_freep) struct kw_pool *pool = NULL;
    KW_CLEANUP(ondemand_freep) struct kw_ondemand *ondemand = NULL;

    KW_TRY(kw_cpus_stay(&cpus));
    KW_TRY(kw_secmem_thread_init(ARENA_BYTES));
    KW_TRY(kw_pool_new(&pool, &pool_config));
    config.pools[hand->spec] = pool;
    KW_TRY(kw_ondemand_new(&ondemand, &config));
    KW_TRY(warm_up(hand, ondemand, pool));
    return make_all(hand, ondemand, pool);
}

static void *run(void *arg)
{
    struct hand *hand = arg;

    hand->result = sit_and_make(hand);
    OPENSSL_thread_stop();
    kw_secmem_thread_done();
    return NULL;
}

/* ---- the main thread ---- */

struct watch {
    const struct kw_plan_measure_options *options;
    double done, total; /* in seconds */
    uint64_t began_ns;
    _Atomic bool stopping;
};

/* Ends the hands' work when who asked has had enough. */
static void look(struct watch *watch, enum kw_spec spec)
{
    const struct kw_plan_measure_options *options = watch->options;
    double spent_s = (double)(kw_now_ns() - watch->began_ns) / NS_PER_S;

    if (options->progress != NULL &&
        !options->progress(options->user, KW_MIN(watch->done + spent_s, watch->total), watch->total,
            kw_spec_info(spec)->name))
        atomic_store_explicit(&watch->stopping, true, memory_order_relaxed);
}

static void join(struct watch *watch, struct hand *hand)
{
    struct timespec until;

    do {
        look(watch, hand->spec);
        kw_assert(clock_gettime(CLOCK_REALTIME, &until) == 0);
        until.tv_nsec += 200 * 1000 * 1000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    } while (pthread_timedjoin_np(hand->thread, NULL, &until) != 0);
}

/* num hands at once, on the first num cores. Returns: 0 | <0 */
static int make_at_once(struct watch *watch, struct hand *hands, unsigned num)
{
    unsigned started = 0;
    int r = 0;

    watch->began_ns = kw_now_ns();
    while (r == 0 && started < num) {
        r = -pthread_create(&hands[started].thread, NULL, run, &hands[started]);
        started += r == 0;
    }
    if (r < 0)
        atomic_store_explicit(&watch->stopping, true, memory_order_relaxed);
    for (unsigned i = 0; i < started; i++)
        join(watch, &hands[i]);
    for (unsigned i = 0; i < started && r == 0; i++)
        r = hands[i].result;
    watch->done += watch->options->seconds + KW_MIN(WARM_S, watch->options->seconds);
    if (r == 0 && atomic_load_explicit(&watch->stopping, memory_order_relaxed))
        r = -ECANCELED;
    return r;
}

static void set_hands(struct watch *watch, struct hand *hands, enum kw_spec spec, double *times_s)
{
    const struct kw_cpus *cpus = watch->options->cpus;

    for (unsigned i = 0; i < cpus->num; i++)
        hands[i] = (struct hand){
            .options = watch->options, .spec = spec, .cpu = cpus->cpu[i], .stopping = &watch->stopping};
    hands[0].times_s = times_s;
}

static double mean_of_all(const struct hand *hands, unsigned num)
{
    double sum_s = 0;
    size_t pairs = 0;

    for (unsigned i = 0; i < num; i++) {
        sum_s += hands[i].sum_s;
        pairs += hands[i].num;
    }
    return pairs > 0 ? sum_s / (double)pairs : 0;
}

/* Returns: 0 | -ETIME (not one pair in the time) | <0 */
static int measure_spec(
    struct watch *watch, struct hand *hands, enum kw_spec spec, double *times_s, struct kw_plan_make *ret)
{
    unsigned num = watch->options->cpus->num;

    set_hands(watch, hands, spec, times_s);
    KW_TRY(make_at_once(watch, hands, 1));
    KW_REQUIRE(hands[0].num > 0, -ETIME);
    kw_plan_samples_make(times_s, hands[0].num, times_s + SAMPLES_MAX, ret);
    if (num == 1)
        return 0;
    set_hands(watch, hands, spec, NULL);
    KW_TRY(make_at_once(watch, hands, num));
    ret->all_mean_s = mean_of_all(hands, num);
    return ret->all_mean_s > 0 ? 0 : -ETIME;
}

static double total_s(const struct kw_plan_measure_options *options)
{
    double each_s = options->seconds + KW_MIN(WARM_S, options->seconds), sum = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (options->wanted[spec])
            sum += each_s * (options->cpus->num > 1 ? 2 : 1);
    return sum;
}

static int measure_all(struct watch *watch, struct hand *hands, double *times_s, struct kw_plan_profile *ret)
{
    struct kw_plan_profile made = {.path = watch->options->path, .cores = watch->options->cpus->num};

    kw_cpu_model(made.cpu_model);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (watch->options->wanted[spec])
            KW_TRY(measure_spec(watch, hands, (enum kw_spec)spec, times_s, &made.make[spec]));
    *ret = made;
    return 0;
}

int kw_plan_measure(const struct kw_plan_measure_options *options, struct kw_plan_profile *ret)
{
    struct watch watch = {.options = options, .total = total_s(options)};
    struct hand *hands = calloc(options->cpus->num, sizeof(*hands));
    double *times_s = malloc(2 * sizeof(*times_s) * SAMPLES_MAX);
    int r = hands != NULL && times_s != NULL ? measure_all(&watch, hands, times_s, ret) : -ENOMEM;

    free(hands);
    free(times_s);
    return r;
}
