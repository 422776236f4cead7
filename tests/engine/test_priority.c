#include "engine/priority.h"

#include <check.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A thread that begins, then does what it is told to, one step at a time. */
struct subject {
    struct kw_priority priority;
    pthread_t thread;
    pthread_barrier_t step; /* before and after each order */
    bool drop, end;
};

static void *subject_run(void *arg)
{
    struct subject *subject = arg;

    kw_priority_begin(&subject->priority);
    pthread_barrier_wait(&subject->step);
    for (;;) {
        pthread_barrier_wait(&subject->step);
        if (subject->end)
            return NULL;
        if (subject->drop)
            kw_priority_drop(&subject->priority);
        pthread_barrier_wait(&subject->step);
    }
}

static void subject_begin(struct subject *subject)
{
    memset(subject, 0, sizeof(*subject));
    ck_assert_int_eq(pthread_barrier_init(&subject->step, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(&subject->thread, NULL, subject_run, subject), 0);
    pthread_barrier_wait(&subject->step);
}

static void subject_drop(struct subject *subject)
{
    subject->drop = true;
    pthread_barrier_wait(&subject->step);
    pthread_barrier_wait(&subject->step);
}

static void subject_end(struct subject *subject)
{
    subject->end = true;
    pthread_barrier_wait(&subject->step);
    ck_assert_int_eq(pthread_join(subject->thread, NULL), 0);
    pthread_barrier_destroy(&subject->step);
}

static int policy_of(struct subject *subject)
{
    return sched_getscheduler(subject->priority.tid);
}

/* CAP_SYS_NICE in this thread's effective set; returns whether it was there. */
static bool set_nice_capability(bool on)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    uint32_t bit = 1u << CAP_SYS_NICE;
    bool was;

    ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
    was = data[0].effective & bit;
    data[0].effective = on ? data[0].effective | bit : data[0].effective & ~bit;
    ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
    return was;
}

static bool system_allows_raising(void)
{
    struct rlimit limit;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    ck_assert_int_eq(getrlimit(RLIMIT_NICE, &limit), 0);
    ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
    return limit.rlim_cur >= 20 || (data[0].effective & 1u << CAP_SYS_NICE);
}

START_TEST(begin_gives_idle_priority_and_tells_what_is_allowed)
{
    struct subject subject;

    subject_begin(&subject);
    ck_assert_int_ne(subject.priority.tid, 0);
    ck_assert_int_ne(subject.priority.tid, getpid());
    ck_assert(subject.priority.idle);
    ck_assert_int_eq(policy_of(&subject), SCHED_IDLE);
    ck_assert(subject.priority.may_raise == system_allows_raising());
    ck_assert(!subject.priority.raised);
    subject_end(&subject);
}
END_TEST

START_TEST(raise_and_drop_go_up_and_down)
{
    struct subject subject;

    if (!system_allows_raising()) {
        puts("not checked: this system allows no thread to leave SCHED_IDLE (RLIMIT_NICE)");
        return;
    }
    subject_begin(&subject);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(kw_priority_raise(&subject.priority));
        ck_assert_int_eq(policy_of(&subject), SCHED_OTHER);
        ck_assert(kw_priority_raise(&subject.priority));
        subject_drop(&subject);
        ck_assert(!subject.priority.raised);
        ck_assert_int_eq(policy_of(&subject), SCHED_IDLE);
        subject_drop(&subject);
        ck_assert_int_eq(policy_of(&subject), SCHED_IDLE);
    }
    subject_end(&subject);
}
END_TEST

START_TEST(a_second_raise_asks_the_system_again_only_after_a_while)
{
    struct subject subject;
    struct sched_param param = {0};

    if (!system_allows_raising())
        return;
    subject_begin(&subject);
    ck_assert(kw_priority_raise(&subject.priority));
    /* What a lost race leaves: idle, though the flag says raised. */
    ck_assert_int_eq(sched_setscheduler(subject.priority.tid, SCHED_IDLE, &param), 0);
    ck_assert(kw_priority_raise(&subject.priority));
    if (kw_now_ns() - subject.priority.raise_ns < KW_PRIORITY_RAISE_NS)
        ck_assert_int_eq(policy_of(&subject), SCHED_IDLE);
    nanosleep(&(struct timespec){.tv_nsec = KW_PRIORITY_RAISE_NS + 1000000}, NULL);
    ck_assert(kw_priority_raise(&subject.priority));
    ck_assert_int_eq(policy_of(&subject), SCHED_OTHER);
    subject_end(&subject);
}
END_TEST

START_TEST(a_refusal_is_told)
{
    struct rlimit old, none = {0};
    struct subject subject;
    bool capable;

    ck_assert_int_eq(getrlimit(RLIMIT_NICE, &old), 0);
    none.rlim_max = old.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NICE, &none), 0);
    capable = set_nice_capability(false);

    subject_begin(&subject);
    ck_assert(subject.priority.idle);
    ck_assert(!subject.priority.may_raise);
    ck_assert_int_eq(policy_of(&subject), SCHED_IDLE);
    ck_assert(!kw_priority_raise(&subject.priority));
    ck_assert_int_eq(policy_of(&subject), SCHED_IDLE);
    /* It may be refused to the one who raises, too. */
    subject.priority.may_raise = true;
    ck_assert(!kw_priority_raise(&subject.priority));
    ck_assert_int_eq(policy_of(&subject), SCHED_IDLE);
    subject_drop(&subject);
    ck_assert_int_eq(policy_of(&subject), SCHED_IDLE);
    subject_end(&subject);

    if (capable)
        set_nice_capability(true);
    ck_assert_int_eq(setrlimit(RLIMIT_NICE, &old), 0);
}
END_TEST

START_TEST(nobody_is_raised_before_begin)
{
    struct kw_priority priority = {0};

    ck_assert(!kw_priority_raise(&priority));
    kw_priority_drop(&priority);
    ck_assert_int_eq(sched_getscheduler(0), SCHED_OTHER);
}
END_TEST

/* One thread drops all the time while others raise: however they meet, a drop with no raise beside it ends at
 * idle. */
static _Atomic bool racing;

static void *raise_often(void *arg)
{
    while (racing) {
        kw_priority_raise(arg);
        /* So that the next raise asks the system again. */
        atomic_store(&((struct kw_priority *)arg)->raise_ns, 0);
    }
    return NULL;
}

START_TEST(races_end_at_idle)
{
    struct subject subject;
    pthread_t raisers[2];

    subject_begin(&subject);
    racing = true;
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&raisers[i], NULL, raise_often, &subject.priority), 0);
    for (unsigned i = 0; i < 2000; i++)
        subject_drop(&subject);
    racing = false;
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(raisers[i], NULL), 0);
    subject_drop(&subject);
    ck_assert(!subject.priority.raised);
    ck_assert_int_eq(policy_of(&subject), SCHED_IDLE);
    subject_end(&subject);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("priority");
    TCase *tcase = tcase_create("priority");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, begin_gives_idle_priority_and_tells_what_is_allowed);
    tcase_add_test(tcase, raise_and_drop_go_up_and_down);
    tcase_add_test(tcase, a_second_raise_asks_the_system_again_only_after_a_while);
    tcase_add_test(tcase, a_refusal_is_told);
    tcase_add_test(tcase, nobody_is_raised_before_begin);
    tcase_add_test(tcase, races_end_at_idle);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
