#include "engine/worker.h"

#include "engine/crypto.h"
#include "engine/topology.h"
#include "tests/support/fake_generator.h"

#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#define MS 1000000u

#define SLOW  KW_SPEC_RSA_4096
#define CHEAP KW_SPEC_ECC_NIST_P256

static struct kw_bell bell;
static struct kw_crew *crew;
static struct kw_worker *workers;
static unsigned num_workers;

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * MS}, NULL);
}

static void *zeroed_lines(size_t size)
{
    void *ptr = aligned_alloc(KW_CACHE_LINE, size);

    ck_assert_ptr_nonnull(ptr);
    return memset(ptr, 0, size);
}

static void prepare(void)
{
    memset(fake, 0, sizeof(fake));
    kw_bell_init(&bell);
    crew = zeroed_lines(sizeof(*crew));
    crew->bell = &bell;
    crew->slice_ns = 2 * MS;
    kw_bell_init(&crew->news);
}

static void add_pool(enum kw_spec spec, uint32_t capacity, uint64_t cost_ns)
{
    struct kw_pool_config config = {.spec = spec, .capacity = capacity, .bell = &bell};

    ck_assert_int_eq(kw_pool_new(&crew->pools[spec], &config), 0);
    crew->makes[spec] = &fake_ops;
    fake[spec].cost_ns = cost_ns;
}

static void wait_for_state(struct kw_worker *worker, enum kw_worker_state state)
{
    for (unsigned ms = 0; worker->state != (int)state; ms++) {
        ck_assert_uint_lt(ms, 10000);
        sleep_ms(1);
    }
}

static void launch(unsigned num)
{
    struct kw_cpus cpus;

    ck_assert_int_eq(kw_cpus_allowed(&cpus), 0);
    workers = zeroed_lines(sizeof(*workers) * num);
    num_workers = num;
    for (unsigned i = 0; i < num; i++) {
        workers[i].crew = crew;
        workers[i].cpu = cpus.cpu[i % cpus.num];
        ck_assert_int_eq(kw_worker_start(&workers[i]), 0);
    }
}

static void launch_ready(unsigned num)
{
    launch(num);
    for (unsigned i = 0; i < num; i++)
        wait_for_state(&workers[i], KW_WORKER_READY);
}

/* Everything that was begun is given back, wherever it was: the pools assert their part. */
static void halt(void)
{
    atomic_store(&crew->stopping, true);
    for (unsigned i = 0; i < num_workers; i++)
        (void)kw_priority_raise(&workers[i].priority);
    kw_bell_ring(&bell);
    for (unsigned i = 0; i < num_workers; i++) {
        kw_worker_join(&workers[i]);
        ck_assert_int_eq(workers[i].priority.tid, 0);
        ck_assert_int_eq(workers[i].spec, KW_SCHEDULER_NONE);
    }
    for (size_t i = 0; i < KW_SPEC_NUM; i++) {
        ck_assert_uint_eq(fake[i].alive, 0);
        ck_assert_uint_eq(crew->making[i], 0);
        kw_pool_free(crew->pools[i]);
    }
    free(workers);
    free(crew);
}

static bool wait_for_level(enum kw_spec spec, uint32_t level, unsigned ms)
{
    for (; kw_pool_level(crew->pools[spec]) < level; ms--) {
        if (ms == 0)
            return false;
        sleep_ms(1);
    }
    return true;
}

static void wait_for_sleep(void)
{
    for (unsigned i = 0; i < num_workers; i++)
        for (unsigned ms = 0; workers[i].spec != KW_SCHEDULER_NONE; ms++) {
            ck_assert_uint_lt(ms, 5000);
            sleep_ms(1);
        }
}

/* Takes a pair if there is one. */
static bool take(enum kw_spec spec)
{
    struct kw_pair pair = {0};

    if (kw_pool_pop(crew->pools[spec], &pair) != 0)
        return false;
    kw_pair_release(&pair);
    return true;
}

/* The same, of a pair that is there or about to be: it counts in the level a moment before it can be taken.
 */
static bool take_soon(enum kw_spec spec)
{
    for (unsigned ms = 0; !take(spec); ms++) {
        if (ms == 5000)
            return false;
        sleep_ms(1);
    }
    return true;
}

static double process_cpu_s(void)
{
    struct rusage usage;

    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

START_TEST(fills_every_pool_and_sleeps_at_no_cost)
{
    double before_s;
    uint64_t pairs = 0;

    prepare();
    add_pool(SLOW, 4, 10 * MS);
    add_pool(KW_SPEC_RSA_2048, 16, 2 * MS);
    add_pool(CHEAP, 500, 10000);
    launch_ready(2);
    ck_assert(wait_for_level(SLOW, 4, 5000));
    ck_assert(wait_for_level(KW_SPEC_RSA_2048, 16, 5000));
    ck_assert(wait_for_level(CHEAP, 500, 5000));
    wait_for_sleep();
    for (unsigned i = 0; i < 2; i++)
        for (size_t spec = 0; spec < KW_SPEC_NUM; spec++)
            pairs += workers[i].makers[spec].stats.pairs;
    ck_assert_uint_eq(pairs, 520);

    before_s = process_cpu_s();
    sleep_ms(1500);
    ck_assert_double_lt(process_cpu_s() - before_s, 0.015);
    ck_assert_int_eq(workers[0].spec, KW_SCHEDULER_NONE);
    halt();
}
END_TEST

START_TEST(wakes_below_the_low_watermark)
{
    prepare();
    add_pool(CHEAP, 16, 1000); /* low watermark 14 */
    launch_ready(1);
    ck_assert(wait_for_level(CHEAP, 16, 5000));
    wait_for_sleep();
    for (unsigned round = 0; round < 20; round++) {
        ck_assert(take(CHEAP) && take(CHEAP));
        sleep_ms(5);
        ck_assert_uint_eq(kw_pool_level(crew->pools[CHEAP]), 14);
        ck_assert(take(CHEAP));
        ck_assert(wait_for_level(CHEAP, 16, 500));
        wait_for_sleep();
    }
    halt();
}
END_TEST

static uint64_t blocked_signals(int tid)
{
    char path[64], line[256];
    unsigned long long mask = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "SigBlk: %llx", &mask) == 1)
            break;
    fclose(file);
    return mask;
}

START_TEST(is_pinned_idle_and_deaf)
{
    cpu_set_t set;
    sigset_t open;
    uint64_t rt_low = 1u << (SIGINT - 1) | 1u << (SIGTERM - 1) | 1u << (SIGUSR1 - 1) | 1u << (SIGHUP - 1);

    prepare();
    add_pool(CHEAP, 4, 0);
    launch_ready(1);
    ck_assert(workers[0].pinned);
    ck_assert_int_eq(sched_getaffinity(workers[0].priority.tid, sizeof(set), &set), 0);
    ck_assert_int_eq(CPU_COUNT(&set), 1);
    ck_assert(CPU_ISSET(workers[0].cpu, &set));
    ck_assert(workers[0].priority.idle);
    ck_assert_int_eq(sched_getscheduler(workers[0].priority.tid), SCHED_IDLE);
    ck_assert_uint_eq(blocked_signals(workers[0].priority.tid) & rt_low, rt_low);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &open), 0);
    ck_assert(!sigismember(&open, SIGTERM));
    halt();
}
END_TEST

START_TEST(a_core_that_is_gone_does_not_stop_it)
{
    prepare();
    add_pool(CHEAP, 4, 0);
    workers = zeroed_lines(sizeof(*workers));
    num_workers = 1;
    workers[0].crew = crew;
    workers[0].cpu = KW_CPU_NUMBERS - 1;
    ck_assert_int_eq(kw_worker_start(&workers[0]), 0);
    wait_for_state(&workers[0], KW_WORKER_READY);
    ck_assert(!workers[0].pinned);
    ck_assert(wait_for_level(CHEAP, 4, 5000));
    halt();
}
END_TEST

START_TEST(stops_promptly_in_the_middle_of_a_search)
{
    uint64_t begun_ns;

    prepare();
    add_pool(SLOW, 4, 3600000ull * MS);
    launch_ready(2);
    sleep_ms(20);
    ck_assert_uint_eq(fake[SLOW].searches, 2);
    begun_ns = kw_now_ns();
    halt();
    ck_assert_uint_lt(kw_now_ns() - begun_ns, 200 * MS);
    ck_assert_uint_eq(fake[SLOW].abandoned, 2);
}
END_TEST

START_TEST(a_waiting_request_and_a_drained_pool_both_progress)
{
    unsigned taken = 0;

    prepare();
    add_pool(SLOW, 2, 100 * MS);
    add_pool(CHEAP, 64, 20000);
    launch_ready(1);
    ck_assert(wait_for_level(SLOW, 2, 5000));
    ck_assert(wait_for_level(CHEAP, 64, 5000));
    ck_assert(take_soon(SLOW) && take_soon(SLOW));
    ck_assert_int_eq(kw_pool_wait_enter(crew->pools[SLOW]), 0);
    while (kw_pool_level(crew->pools[SLOW]) == 0)
        taken += take(CHEAP);
    kw_pool_wait_leave(crew->pools[SLOW], true);
    /* More than there were at first: both were made in turns. */
    ck_assert_uint_gt(taken, 2 * 64);
    /* And no turn began the slow search anew. */
    ck_assert_uint_le(fake[SLOW].searches, 4);
    halt();
}
END_TEST

START_TEST(a_failing_generator_does_not_run_hot)
{
    double before_s;

    prepare();
    add_pool(CHEAP, 4, 0);
    fake[CHEAP].fail = UINT32_MAX;
    before_s = process_cpu_s();
    launch_ready(1);
    sleep_ms(1000);
    ck_assert_uint_ge(workers[0].makers[CHEAP].stats.failures, 5);
    ck_assert_uint_le(workers[0].makers[CHEAP].stats.failures, 14);
    ck_assert_double_lt(process_cpu_s() - before_s, 0.1);
    ck_assert_uint_eq(kw_pool_level(crew->pools[CHEAP]), 0);
    fake[CHEAP].fail = 0;
    ck_assert(wait_for_level(CHEAP, 4, 2000));
    halt();
}
END_TEST

START_TEST(a_fatal_error_ends_the_worker_but_not_its_crew)
{
    prepare();
    add_pool(SLOW, 100, 5 * MS);
    launch_ready(2);
    ck_assert(wait_for_level(SLOW, 2, 5000));
    fake[SLOW].fatal = KW_EOPENSSL;
    wait_for_state(&workers[0], KW_WORKER_FAILED);
    wait_for_state(&workers[1], KW_WORKER_FAILED);
    ck_assert_int_eq(workers[0].result, KW_EOPENSSL);
    ck_assert_uint_eq(fake[SLOW].alive, 0);
    ck_assert_int_eq(workers[0].spec, KW_SCHEDULER_NONE);
    ck_assert_uint_eq(crew->making[SLOW], 0);
    ck_assert(take_soon(SLOW));
    halt();
}
END_TEST

START_TEST(a_worker_that_cannot_be_set_up_says_why)
{
    prepare();
    add_pool(SLOW, 4, 0);
    add_pool(CHEAP, 4, 0);
    fake[CHEAP].new_result = -ENOMEM;
    launch(1);
    wait_for_state(&workers[0], KW_WORKER_FAILED);
    ck_assert_int_eq(workers[0].result, -ENOMEM);
    ck_assert_uint_eq(fake[SLOW].alive, 0);
    ck_assert_uint_eq(kw_pool_level(crew->pools[SLOW]), 0);
    halt();
}
END_TEST

START_TEST(goes_back_to_idle_priority_when_nobody_waits)
{
    prepare();
    add_pool(SLOW, 2, 3600000ull * MS);
    launch_ready(1);
    if (!workers[0].priority.may_raise) {
        puts("not checked: this system allows no thread to leave SCHED_IDLE (RLIMIT_NICE)");
        halt();
        return;
    }
    ck_assert_int_eq(kw_pool_wait_enter(crew->pools[SLOW]), 0);
    ck_assert(kw_priority_raise(&workers[0].priority));
    sleep_ms(50);
    ck_assert_int_eq(sched_getscheduler(workers[0].priority.tid), SCHED_OTHER);
    kw_pool_wait_leave(crew->pools[SLOW], false);
    sleep_ms(50);
    ck_assert_int_eq(sched_getscheduler(workers[0].priority.tid), SCHED_IDLE);
    ck_assert(!workers[0].priority.raised);
    halt();
}
END_TEST

START_TEST(may_be_started_again)
{
    prepare();
    add_pool(CHEAP, 8, 0);
    launch_ready(1);
    ck_assert(wait_for_level(CHEAP, 8, 5000));
    atomic_store(&crew->stopping, true);
    kw_bell_ring(&bell);
    kw_worker_join(&workers[0]);
    for (unsigned i = 0; i < 8; i++)
        ck_assert(take(CHEAP));
    sleep_ms(20);
    ck_assert(!take(CHEAP));

    atomic_store(&crew->stopping, false);
    ck_assert_int_eq(kw_worker_start(&workers[0]), 0);
    ck_assert(wait_for_level(CHEAP, 8, 5000));
    ck_assert_uint_eq(workers[0].makers[CHEAP].stats.pairs, 16);
    halt();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("worker");
    TCase *tcase = tcase_create("worker");
    SRunner *runner;
    int failed;

    if (kw_crypto_init() != 0)
        return 1;
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, fills_every_pool_and_sleeps_at_no_cost);
    tcase_add_test(tcase, wakes_below_the_low_watermark);
    tcase_add_test(tcase, is_pinned_idle_and_deaf);
    tcase_add_test(tcase, a_core_that_is_gone_does_not_stop_it);
    tcase_add_test(tcase, stops_promptly_in_the_middle_of_a_search);
    tcase_add_test(tcase, a_waiting_request_and_a_drained_pool_both_progress);
    tcase_add_test(tcase, a_failing_generator_does_not_run_hot);
    tcase_add_test(tcase, a_fatal_error_ends_the_worker_but_not_its_crew);
    tcase_add_test(tcase, a_worker_that_cannot_be_set_up_says_why);
    tcase_add_test(tcase, goes_back_to_idle_priority_when_nobody_waits);
    tcase_add_test(tcase, may_be_started_again);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
