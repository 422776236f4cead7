#include "tools/loadrun.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECOND_NS UINT64_C(1000000000)
/* Between the last connection and the first request. */
#define START_NS UINT64_C(20000000)
/* Of the latency's p99, how much the generator's own lateness may be; but below this it is never held against
 * it. */
#define LATE_SHARE 0.25
#define LATE_NS    100000.0

struct run {
    const struct kw_load_plan *plan;
    const struct kw_load_schedule *schedule;
    const volatile sig_atomic_t *interrupted;
    struct kw_load_watch *watch;
    struct kw_load_result *result;
    struct kw_load_shared shared;
    struct kw_load_worker **workers;
    unsigned num_started;
    uint64_t reported_ns;
};

struct kw_load_result *kw_load_result_new(void)
{
    return calloc(1, sizeof(struct kw_load_result));
}

void kw_load_result_free(struct kw_load_result *result)
{
    free(result);
}

/* Ticks of all cores: stolen, and all. */
static void read_steal(uint64_t *ret_stolen, uint64_t *ret_all)
{
    FILE *file = fopen("/proc/stat", "re");
    unsigned long long n[8] = {0};

    *ret_stolen = *ret_all = 0;
    if (file == NULL)
        return;
    if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5],
            &n[6], &n[7]) == 8) {
        *ret_stolen = n[7];
        for (unsigned i = 0; i < KW_ARRAY_LEN(n); i++)
            *ret_all += n[i];
    }
    fclose(file);
}

/* Under the lock; returns after a change or when the time has come. */
static void wait_until(struct run *run, uint64_t deadline_ns)
{
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_ns / SECOND_NS), .tv_nsec = (long)(deadline_ns % SECOND_NS)};

    (void)pthread_cond_clockwait(&run->shared.changed, &run->shared.lock, CLOCK_MONOTONIC, &deadline);
}

static void heed_interruption(struct run *run)
{
    if (*run->interrupted == 0)
        return;
    run->result->interrupted = true;
    atomic_store(&run->shared.stop, true);
}

/* ---- gathering ---- */

static void take_interval(struct run *run, uint64_t until_ns)
{
    struct kw_load_result *result = run->result;
    double began = (double)(run->reported_ns - run->shared.start_ns) / 1e9;
    double seconds = (double)(until_ns - run->reported_ns) / 1e9;

    for (unsigned i = 0; i < run->plan->num_ops; i++)
        kw_load_tally_add(&result->ops[i], &run->shared.interval[i]);
    if (run->watch != NULL)
        run->watch->interval(run->watch, result, began, seconds, run->shared.interval);
    for (unsigned i = 0; i < run->plan->num_ops; i++)
        kw_load_tally_reset(&run->shared.interval[i]);
    run->reported_ns = until_ns;
}

/* Asks the workers for what they have, and waits for it. */
static void gather(struct run *run)
{
    struct kw_load_shared *shared = &run->shared;
    uint64_t deadline = kw_now_ns() + SECOND_NS / 2;

    shared->num_flushed = 0;
    atomic_store_explicit(&shared->flush_seen, ++shared->flush_wanted, memory_order_relaxed);
    while (shared->num_flushed + shared->num_done < run->plan->num_threads && kw_now_ns() < deadline)
        wait_until(run, deadline);
    take_interval(run, KW_MAX(kw_now_ns(), run->reported_ns));
}

static void attend(struct run *run)
{
    struct kw_load_shared *shared = &run->shared;
    uint64_t next = shared->start_ns + SECOND_NS;

    while (shared->num_done < run->plan->num_threads) {
        wait_until(run, KW_MIN(next, kw_now_ns() + SECOND_NS / 20));
        heed_interruption(run);
        if (kw_now_ns() < next)
            continue;
        gather(run);
        next += SECOND_NS;
    }
    if (shared->failed == 0)
        take_interval(run, KW_MAX(kw_now_ns(), run->reported_ns));
}

/* ---- verdict ---- */

static void judge(struct run *run)
{
    struct kw_load_result *result = run->result;
    double late = (double)kw_hdr_percentile(&result->lateness, 99, 0);
    double latency = (double)kw_hdr_percentile(&result->total.latency, 99, 0);

    result->valid = true;
    if (result->use > KW_LOAD_USE_MAX)
        snprintf(result->invalid, sizeof(result->invalid),
            "the generator used %.0f %% of its core (more than %.0f %%): give it more threads, or a lower "
            "rate",
            result->use * 100, KW_LOAD_USE_MAX * 100);
    else if (late > KW_MAX(LATE_NS, LATE_SHARE * latency))
        snprintf(result->invalid, sizeof(result->invalid),
            "the generator sent late: %.0f us at p99, where the latency is %.0f us: it needs a core for "
            "itself",
            late / 1e3, latency / 1e3);
    else
        return;
    result->valid = false;
}

static void conclude(struct run *run)
{
    struct kw_load_result *result = run->result;
    double planned = (double)run->schedule->duration_ns / 1e9, due;

    for (unsigned i = 0; i < run->plan->num_ops; i++)
        kw_load_tally_add(&result->total, &result->ops[i]);
    due = (double)result->total.due / run->schedule->rate;
    /* A limit on requests or an interruption makes it shorter; chance makes gaps of a Poisson process longer.
     */
    result->total.seconds =
        run->schedule->requests_max > 0 || result->interrupted ? KW_MIN(planned, due) : planned;
    result->total.span = KW_MAX(run->shared.span, result->total.seconds);
    for (unsigned i = 0; i < run->plan->num_ops; i++) {
        result->ops[i].seconds = result->total.seconds;
        result->ops[i].span = result->total.span;
    }
    kw_hdr_add(&result->lateness, &run->shared.lateness);
    result->reconnects = run->shared.reconnects;
    for (unsigned i = 0; i < run->num_started; i++)
        result->use = KW_MAX(result->use, run->workers[i]->use);
    if (run->num_started > 0 && run->workers[0]->wire != NULL)
        result->wire = run->workers[0]->wire->name;
    judge(run);
}

/* ---- the run ---- */

static int prepare(struct run *run)
{
    unsigned threads = run->plan->num_threads;

    run->workers = calloc(threads, sizeof(struct kw_load_worker *));
    run->shared.interval = calloc(run->plan->num_ops, sizeof(*run->shared.interval));
    KW_REQUIRE(run->workers != NULL && run->shared.interval != NULL, -ENOMEM);
    for (unsigned i = 0; i < run->plan->num_ops; i++) {
        kw_load_tally_init(&run->shared.interval[i]);
        kw_load_tally_init(&run->result->ops[i]);
    }
    kw_load_tally_init(&run->result->total);
    kw_hdr_init(&run->result->lateness);
    kw_hdr_init(&run->shared.lateness);
    for (unsigned i = 0; i < threads; i++)
        KW_TRY(kw_load_worker_new(&run->workers[i], run->plan, run->schedule, &run->shared, i));
    return 0;
}

static int start_threads(struct run *run)
{
    for (; run->num_started < run->plan->num_threads; run->num_started++) {
        struct kw_load_worker *worker = run->workers[run->num_started];
        int r = pthread_create(&worker->thread, NULL, kw_load_worker_run, worker);

        if (r != 0)
            return -r;
    }
    return 0;
}

/* The workers that run are told to go, so that they end, even if not all could be started. */
static int run_threads(struct run *run)
{
    struct kw_load_shared *shared = &run->shared;
    int r = start_threads(run);

    pthread_mutex_lock(&shared->lock);
    shared->failed = r != 0 ? r : shared->failed;
    while (shared->num_ready < run->num_started) {
        wait_until(run, kw_now_ns() + SECOND_NS / 20);
        heed_interruption(run);
    }
    run->result->began_ms = kw_wall_ms() + (int64_t)(START_NS / 1000000);
    shared->start_ns = run->reported_ns = kw_now_ns() + START_NS;
    shared->go = true;
    pthread_cond_broadcast(&shared->changed);
    if (r == 0)
        attend(run);
    pthread_mutex_unlock(&shared->lock);
    for (unsigned i = 0; i < run->num_started; i++)
        pthread_join(run->workers[i]->thread, NULL);
    return r;
}

static void release(struct run *run)
{
    for (unsigned i = 0; run->workers != NULL && i < run->plan->num_threads; i++)
        kw_load_worker_free(run->workers[i]);
    free(run->workers);
    free(run->shared.interval);
    pthread_mutex_destroy(&run->shared.lock);
    pthread_cond_destroy(&run->shared.changed);
}

static int complete(struct run *run, char *why, size_t why_cap)
{
    uint64_t stolen[2], all[2];
    int r = prepare(run);

    read_steal(&stolen[0], &all[0]);
    if (r == 0)
        r = run_threads(run);
    if (r < 0) {
        snprintf(why, why_cap, "threads: %s", strerror(-r));
        return 1;
    }
    if (run->shared.failed != 0) {
        snprintf(why, why_cap, "%s", run->shared.why);
        return 1;
    }
    read_steal(&stolen[1], &all[1]);
    if (all[1] > all[0])
        run->result->steal = (double)(stolen[1] - stolen[0]) / (double)(all[1] - all[0]);
    conclude(run);
    return 0;
}

int kw_load_run(const struct kw_load_plan *plan, const struct kw_load_schedule *schedule,
    const volatile sig_atomic_t *interrupted, struct kw_load_watch *watch, struct kw_load_result *ret,
    char *why, size_t why_cap)
{
    struct run *run = calloc(1, sizeof(*run));
    int r;

    if (run == NULL) {
        snprintf(why, why_cap, "no memory");
        return 1;
    }
    run->plan = plan;
    run->schedule = schedule;
    run->interrupted = interrupted;
    run->watch = watch;
    run->result = ret;
    ret->rate = schedule->rate;
    pthread_mutex_init(&run->shared.lock, NULL);
    pthread_cond_init(&run->shared.changed, NULL);
    r = complete(run, why, why_cap);
    release(run);
    free(run);
    return r;
}
