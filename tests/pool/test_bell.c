#include "pool/bell.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define MS     UINT64_C(1000000)
#define ROUNDS 5000u

START_TEST(test_timeout)
{
    struct kw_bell bell;

    kw_bell_init(&bell);
    uint64_t before = kw_now_ns();
    kw_bell_wait(&bell, kw_bell_ticket(&bell), 20 * MS);
    uint64_t took = kw_now_ns() - before;
    /* Early is allowed (a signal), but nothing here sends one. */
    ck_assert_uint_ge(took, 19 * MS);
    ck_assert_uint_lt(took, 5000 * MS);
    ck_assert_uint_eq(atomic_load(&bell.sleepers), 0);
}
END_TEST

START_TEST(test_old_ticket_does_not_sleep)
{
    struct kw_bell bell;

    kw_bell_init(&bell);
    uint32_t ticket = kw_bell_ticket(&bell);
    kw_bell_ring(&bell);
    ck_assert_uint_ne(kw_bell_ticket(&bell), ticket);
    uint64_t before = kw_now_ns();
    kw_bell_wait(&bell, ticket, UINT64_MAX);
    ck_assert_uint_lt(kw_now_ns() - before, 5000 * MS);
}
END_TEST

struct pair_of_bells {
    struct kw_bell ping, pong;
    _Atomic unsigned pings, pongs;
};

static void await(struct kw_bell *bell, _Atomic unsigned *counter, unsigned want)
{
    for (;;) {
        uint32_t ticket = kw_bell_ticket(bell);
        if (atomic_load(counter) >= want)
            return;
        kw_bell_wait(bell, ticket, UINT64_MAX);
    }
}

static void *answer(void *arg)
{
    struct pair_of_bells *bells = arg;

    for (unsigned i = 1; i <= ROUNDS; i++) {
        await(&bells->ping, &bells->pings, i);
        atomic_store(&bells->pongs, i);
        kw_bell_ring(&bells->pong);
    }
    return NULL;
}

/* Without time limits: one lost wake-up hangs this test. */
START_TEST(test_no_wake_up_is_lost)
{
    struct pair_of_bells bells = {0};
    pthread_t thread;

    kw_bell_init(&bells.ping);
    kw_bell_init(&bells.pong);
    ck_assert_int_eq(pthread_create(&thread, NULL, answer, &bells), 0);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        atomic_store(&bells.pings, i);
        kw_bell_ring(&bells.ping);
        await(&bells.pong, &bells.pongs, i);
    }
    pthread_join(thread, NULL);
    ck_assert_uint_eq(atomic_load(&bells.pongs), ROUNDS);
}
END_TEST

struct sleeper {
    struct kw_bell *bell;
    _Atomic bool *open;
};

static void *sleep_till_open(void *arg)
{
    struct sleeper *sleeper = arg;

    for (;;) {
        uint32_t ticket = kw_bell_ticket(sleeper->bell);
        if (atomic_load(sleeper->open))
            return NULL;
        kw_bell_wait(sleeper->bell, ticket, UINT64_MAX);
    }
}

START_TEST(test_ring_wakes_all)
{
    struct timespec pause = {.tv_nsec = 1000000};
    _Atomic bool open = false;
    struct kw_bell bell;
    struct sleeper sleeper = {&bell, &open};
    pthread_t threads[4];

    kw_bell_init(&bell);
    for (unsigned i = 0; i < KW_ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, sleep_till_open, &sleeper), 0);
    while (atomic_load(&bell.sleepers) < KW_ARRAY_LEN(threads))
        nanosleep(&pause, NULL);
    atomic_store(&open, true);
    kw_bell_ring(&bell);
    for (unsigned i = 0; i < KW_ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(atomic_load(&bell.sleepers), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bell");
    TCase *tcase = tcase_create("bell");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_timeout);
    tcase_add_test(tcase, test_old_ticket_does_not_sleep);
    tcase_add_test(tcase, test_no_wake_up_is_lost);
    tcase_add_test(tcase, test_ring_wakes_all);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
