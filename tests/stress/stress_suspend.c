/* Threads are stopped at random instructions for long, in a signal handler, while the others must go on at
 * full rate.
 *
 * The rate is taken per second of CPU time, so that a busy machine does not blur it: a thread that spins on
 * another spends CPU and makes nothing, and that threads sleep on another shows in the rate per second of
 * real time, which gets a wider margin.
 */
#include "pool/secmem.h"
#include "tests/stress/load.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define THREADS        6u
#define BASELINE_TURNS 5u
#define BASELINE_NS    UINT64_C(200000000)
/* Many short episodes meet more instructions than a few long ones. */
#define EPISODE_NS      UINT64_C(60000000)
#define LONG_EPISODE_NS UINT64_C(2500000000)
/* A signal that has not arrived by then never will. */
#define SIGNAL_NS_MAX UINT64_C(20000000000)
/* Parts of the baseline that must remain: on average, and in the worst episode, which other programs on the
 * same cores can slow down but one thread waiting for another brings to nothing. */
#define CPU_RATE_MEAN_MIN 0.5
#define CPU_RATE_MIN      0.1
#define REAL_RATE_MIN     0.03

struct job {
    struct load_thread load;
    pthread_t thread;
    struct kw_pool *pool;
    KW_CACHE_ALIGN _Atomic uint64_t pairs; /* made and taken so far */
};

struct rate {
    double cpu;  /* pairs made or taken per second of CPU time */
    double real; /* the same per second */
};

static struct job jobs[THREADS];
static _Atomic bool stop;
/* Threads in the handler stay there while it is set. */
static _Atomic bool hold;
static _Atomic uint32_t suspended;

static void sleep_until(uint64_t when_ns)
{
    struct timespec when = {
        .tv_sec = (time_t)(when_ns / 1000000000u), .tv_nsec = (long)(when_ns % 1000000000u)};

    while (kw_now_ns() < when_ns)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

static void stay_here(int signal_number)
{
    int saved_errno = errno;

    (void)signal_number;
    atomic_fetch_add(&suspended, 1);
    while (atomic_load(&hold))
        sleep_until(kw_now_ns() + 2000000);
    atomic_fetch_sub(&suspended, 1);
    errno = saved_errno;
}

/* Every thread makes and takes, so that whoever remains is in balance. */
static void *work(void *arg)
{
    struct job *job = arg;

    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        uint64_t done = load_make(&job->load, job->pool) == 0;
        done += load_take(&job->load, job->pool) == 0;
        atomic_fetch_add_explicit(&job->pairs, done, memory_order_relaxed);
    }
    return NULL;
}

static uint64_t cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static uint64_t pairs_so_far(void)
{
    uint64_t pairs = 0;

    for (uint32_t i = 0; i < THREADS; i++)
        pairs += atomic_load_explicit(&jobs[i].pairs, memory_order_relaxed);
    return pairs;
}

static struct rate measure(uint64_t until_ns)
{
    uint64_t pairs = pairs_so_far(), cpu = cpu_ns(), real = kw_now_ns();

    sleep_until(until_ns);
    pairs = pairs_so_far() - pairs;
    return (struct rate){
        .cpu = (double)pairs * 1e9 / (double)(cpu_ns() - cpu + 1),
        .real = (double)pairs * 1e9 / (double)(kw_now_ns() - real),
    };
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Medians of a few intervals with all threads at work. */
static struct rate measure_baseline(void)
{
    double cpu[BASELINE_TURNS], real[BASELINE_TURNS];

    sleep_until(kw_now_ns() + BASELINE_NS);
    for (unsigned i = 0; i < BASELINE_TURNS; i++) {
        struct rate rate = measure(kw_now_ns() + BASELINE_NS);
        cpu[i] = rate.cpu;
        real[i] = rate.real;
    }
    qsort(cpu, BASELINE_TURNS, sizeof(cpu[0]), compare_doubles);
    qsort(real, BASELINE_TURNS, sizeof(real[0]), compare_doubles);
    return (struct rate){cpu[BASELINE_TURNS / 2], real[BASELINE_TURNS / 2]};
}

/* Suspends num threads, chosen at random, and measures the others. */
static struct rate run_episode(struct load_thread *random, uint32_t num, uint64_t length_ns)
{
    uint64_t start = load_random(random), deadline = kw_now_ns() + SIGNAL_NS_MAX;

    atomic_store(&hold, true);
    for (uint32_t i = 0; i < num; i++) {
        kw_assert(pthread_kill(jobs[(start + i) % THREADS].thread, SIGUSR1) == 0);
        /* Not at the same moment: each has a chance of its own to be somewhere interesting. */
        sleep_until(kw_now_ns() + 50000 + load_random(random) % 500000);
    }
    while (atomic_load(&suspended) < num && kw_now_ns() < deadline)
        sleep_until(kw_now_ns() + 100000);
    kw_assert(atomic_load(&suspended) == num);

    struct rate rate = measure(kw_now_ns() + length_ns);
    kw_assert(atomic_load(&suspended) == num);
    atomic_store(&hold, false);
    while (atomic_load(&suspended) > 0)
        sleep_until(kw_now_ns() + 100000);
    return rate;
}

static void start_threads(struct kw_pool *pool)
{
    struct sigaction action = {.sa_handler = stay_here, .sa_flags = SA_RESTART};

    kw_assert(sigaction(SIGUSR1, &action, NULL) == 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        jobs[i].pool = pool;
        load_thread_init(&jobs[i].load, i);
        kw_assert(pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) == 0);
    }
}

static void join_threads(struct kw_pool *pool)
{
    struct load_thread loads[THREADS];

    atomic_store_explicit(&stop, true, memory_order_relaxed);
    for (uint32_t i = 0; i < THREADS; i++) {
        kw_assert(pthread_join(jobs[i].thread, NULL) == 0);
        loads[i] = jobs[i].load;
    }
    load_finish(loads, THREADS, pool);
}

int main(void)
{
    struct kw_pool_config config = {
        .spec = KW_SPEC_ECC_NIST_EDWARDS25519, .capacity = 32, .spare_slots = THREADS};
    struct rate worst = {1e300, 1e300};
    double cpu_sum = 0;
    struct load_thread random;
    struct kw_pool *pool;
    unsigned episodes = 0;

    kw_assert(kw_secmem_init() == 0 && kw_pool_new(&pool, &config) == 0);
    load_thread_init(&random, THREADS);
    start_threads(pool);
    struct rate baseline = measure_baseline();
    uint64_t end = kw_now_ns() + (uint64_t)(load_seconds(5) * 1e9);
    while (kw_now_ns() < end) {
        uint32_t num = 1 + (uint32_t)(load_random(&random) % (THREADS - 2));
        uint64_t length = episodes % 32 == 31 ? LONG_EPISODE_NS : EPISODE_NS;
        struct rate rate = run_episode(&random, num, length);
        worst.cpu = KW_MIN(worst.cpu, rate.cpu);
        worst.real = KW_MIN(worst.real, rate.real);
        cpu_sum += rate.cpu;
        episodes++;
    }
    join_threads(pool);

    printf("%u threads, %.2f million pairs made or taken a second of CPU (%.2f of real time)\n", THREADS,
        baseline.cpu * 1e-6, baseline.real * 1e-6);
    double mean = cpu_sum / episodes;
    printf("%u episodes with 1 to %u of them stopped: %.0f %% of that on average, worst %.0f %% (%.0f %%)\n",
        episodes, THREADS - 2, 100 * mean / baseline.cpu, 100 * worst.cpu / baseline.cpu,
        100 * worst.real / baseline.real);
    kw_assert(mean >= CPU_RATE_MEAN_MIN * baseline.cpu);
    kw_assert(worst.cpu >= CPU_RATE_MIN * baseline.cpu);
    kw_assert(worst.real >= REAL_RATE_MIN * baseline.real);
    return 0;
}
