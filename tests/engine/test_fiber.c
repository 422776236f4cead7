#include "engine/crypto.h"
#include "engine/fiber.h"
#include "pool/limits.h"
#include "pool/secmem.h"

#include <check.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>

static struct kw_fiber *fiber_new(void)
{
    struct kw_fiber *fiber = NULL;
    ck_assert_int_eq(kw_fiber_new(&fiber, KW_FIBER_STACK), 0);
    ck_assert_ptr_nonnull(fiber);
    ck_assert(!kw_fiber_suspended(fiber));
    return fiber;
}

/* Looks at memory that sanitizers may hold to be out of bounds. */
__attribute__((no_sanitize("address", "thread"))) static size_t count_byte(
    const void *ptr, size_t len, uint8_t byte)
{
    const volatile uint8_t *bytes = ptr;
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += bytes[i] == byte;
    return count;
}

/* ---- enter, leave, end ---- */

struct steps {
    struct kw_fiber *fiber;
    int leaves;   /* how often to leave before the end */
    int progress; /* how often it went on */
    int sum;      /* of locals that lived across the leaves */
};

static void run_steps(void *arg)
{
    struct steps *steps = arg;
    volatile int local = 0;

    for (int i = 0; i < steps->leaves; i++) {
        local += i;
        steps->progress++;
        kw_fiber_leave(steps->fiber);
    }
    steps->sum = local;
}

START_TEST(function_without_a_leave_ends_at_once)
{
    struct steps steps = {.fiber = fiber_new(), .sum = -1};

    ck_assert(kw_fiber_enter(steps.fiber, run_steps, &steps));
    ck_assert(!kw_fiber_suspended(steps.fiber));
    ck_assert_int_eq(steps.sum, 0);
    kw_fiber_free(steps.fiber);
}
END_TEST

START_TEST(goes_on_where_it_left)
{
    struct steps steps = {.fiber = fiber_new(), .leaves = 10, .sum = -1};

    for (int i = 1; i <= 10; i++) {
        ck_assert(!kw_fiber_enter(steps.fiber, run_steps, &steps));
        ck_assert(kw_fiber_suspended(steps.fiber));
        ck_assert_int_eq(steps.progress, i);
        ck_assert_int_eq(steps.sum, -1);
    }
    ck_assert(kw_fiber_enter(steps.fiber, run_steps, &steps));
    ck_assert_int_eq(steps.sum, 45);
    kw_fiber_free(steps.fiber);
}
END_TEST

START_TEST(is_used_again_after_the_end)
{
    struct steps steps = {.fiber = fiber_new(), .leaves = 1};

    for (int i = 0; i < 5000; i++) {
        steps.sum = -1;
        ck_assert(!kw_fiber_enter(steps.fiber, run_steps, &steps));
        ck_assert(kw_fiber_enter(steps.fiber, run_steps, &steps));
        ck_assert_int_eq(steps.sum, 0);
    }
    ck_assert_int_eq(steps.progress, 5000);
    kw_fiber_free(steps.fiber);
}
END_TEST

/* What a suspended fiber is given on the next entry changes nothing: it goes on with what it began. */
START_TEST(arguments_of_a_resume_are_ignored)
{
    struct steps steps = {.fiber = fiber_new(), .leaves = 1, .sum = -1};

    ck_assert(!kw_fiber_enter(steps.fiber, run_steps, &steps));
    ck_assert(kw_fiber_enter(steps.fiber, NULL, NULL));
    ck_assert_int_eq(steps.sum, 0);
    kw_fiber_free(steps.fiber);
}
END_TEST

START_TEST(fibers_take_turns)
{
    enum { FIBERS = 5 };
    struct steps steps[FIBERS];

    for (int i = 0; i < FIBERS; i++)
        steps[i] = (struct steps){.fiber = fiber_new(), .leaves = 10 + i};
    for (int round = 1; round <= 10; round++) {
        for (int i = 0; i < FIBERS; i++) {
            ck_assert(!kw_fiber_enter(steps[i].fiber, run_steps, &steps[i]));
            ck_assert_int_eq(steps[i].progress, round);
        }
    }
    for (int i = 0; i < FIBERS; i++) {
        while (!kw_fiber_enter(steps[i].fiber, run_steps, &steps[i]))
            ;
        ck_assert_int_eq(steps[i].sum, (10 + i) * (9 + i) / 2);
        kw_fiber_free(steps[i].fiber);
    }
}
END_TEST

static void enter_inner(void *arg)
{
    struct steps *steps = arg;
    while (!kw_fiber_enter(steps->fiber, run_steps, steps))
        ;
}

START_TEST(a_fiber_enters_another)
{
    struct steps inner = {.fiber = fiber_new(), .leaves = 3};
    struct kw_fiber *outer = fiber_new();

    ck_assert(kw_fiber_enter(outer, enter_inner, &inner));
    ck_assert_int_eq(inner.sum, 3);
    kw_fiber_free(outer);
    kw_fiber_free(inner.fiber);
}
END_TEST

static void *live_on_thread(void *arg)
{
    struct steps *steps = arg;

    if (kw_secmem_thread_init(1 << 20) != 0 || kw_fiber_new(&steps->fiber, KW_FIBER_STACK) != 0)
        return NULL;
    enter_inner(steps);
    kw_fiber_free(steps->fiber);
    kw_secmem_thread_done();
    return steps;
}

START_TEST(threads_have_fibers_of_their_own)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct steps steps[THREADS];

    for (int i = 0; i < THREADS; i++) {
        steps[i] = (struct steps){.leaves = 1000};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, live_on_thread, &steps[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        ck_assert_int_eq(pthread_join(threads[i], &result), 0);
        ck_assert_ptr_eq(result, &steps[i]);
        ck_assert_int_eq(steps[i].sum, 999 * 1000 / 2);
    }
}
END_TEST

/* ---- the stack ---- */

#define PATTERN     0x5a
#define PATTERN_LEN 1000u

__attribute__((noinline)) static void plant(struct kw_fiber *fiber)
{
    volatile uint8_t local[PATTERN_LEN];
    for (size_t i = 0; i < sizeof(local); i++)
        local[i] = PATTERN;
    kw_fiber_leave(fiber);
    local[0] = local[1];
}

static void run_plant(void *arg)
{
    plant(arg);
}

START_TEST(stack_is_wiped_at_the_end)
{
    struct kw_fiber *fiber = fiber_new();
    void *low;
    size_t len;

    kw_fiber_stack(fiber, &low, &len);
    ck_assert_uint_ge(len, KW_FIBER_STACK - 4096);
    ck_assert_uint_eq(count_byte(low, len, 0), len);
    ck_assert(!kw_fiber_enter(fiber, run_plant, fiber));
    ck_assert_uint_ge(count_byte(low, len, PATTERN), PATTERN_LEN);
    ck_assert(kw_fiber_enter(fiber, run_plant, fiber));
    ck_assert_uint_eq(count_byte(low, len, 0), len);
    kw_fiber_free(fiber);
}
END_TEST

START_TEST(stack_of_an_abandoned_function_is_wiped)
{
    struct kw_fiber *fiber = fiber_new();
    void *low;
    size_t len;

    kw_fiber_stack(fiber, &low, &len);
    ck_assert(!kw_fiber_enter(fiber, run_plant, fiber));
    ck_assert_uint_ge(count_byte(low, len, PATTERN), PATTERN_LEN);
    kw_fiber_free(fiber);
    ck_assert_uint_lt(count_byte(low, len, PATTERN), 16);
}
END_TEST

static sigjmp_buf on_fault;

static void handle_fault(int signal)
{
    siglongjmp(on_fault, signal);
}

/* Writes one byte; returns the signal that this raised, or 0. */
__attribute__((no_sanitize("address", "thread"))) static int poke(volatile uint8_t *ptr)
{
    int signal = sigsetjmp(on_fault, 1);
    if (signal == 0)
        *ptr = 1;
    return signal;
}

START_TEST(page_below_the_stack_is_a_guard)
{
    struct sigaction action = {.sa_handler = handle_fault}, old;
    struct kw_fiber *fiber = fiber_new();
    void *low;
    size_t len;

    kw_fiber_stack(fiber, &low, &len);
    ck_assert_int_eq(sigaction(SIGSEGV, &action, &old), 0);
    int at_low = poke(low), below = poke((uint8_t *)low - 1), lowest = poke((uint8_t *)low - 4096);
    kw_fiber_free(fiber);
    int after_free = poke((uint8_t *)low - 1);
    ck_assert_int_eq(sigaction(SIGSEGV, &old, NULL), 0);

    ck_assert_int_eq(at_low, 0);
    ck_assert_int_eq(below, SIGSEGV);
    ck_assert_int_eq(lowest, SIGSEGV);
    ck_assert_int_eq(after_free, 0);
}
END_TEST

START_TEST(stacks_come_back)
{
    struct kw_secmem_stats before, after;

    kw_fiber_free(fiber_new());
    kw_secmem_stats(&before);
    for (int i = 0; i < 200; i++) {
        struct kw_fiber *fiber = fiber_new();
        ck_assert(!kw_fiber_enter(fiber, run_plant, fiber));
        kw_fiber_free(fiber);
    }
    kw_secmem_stats(&after);
    ck_assert_uint_eq(after.mapped_bytes, before.mapped_bytes);
}
END_TEST

START_TEST(impossible_sizes)
{
    struct kw_fiber *fiber = NULL;

    ck_assert_int_eq(kw_fiber_new(&fiber, 0), -EINVAL);
    ck_assert_int_eq(kw_fiber_new(&fiber, 4096), -EINVAL);
    ck_assert_int_eq(kw_fiber_new(&fiber, KW_FIBER_STACK + 1), -EINVAL);
    ck_assert_int_eq(kw_fiber_new(&fiber, SIZE_MAX), -EINVAL);
    ck_assert_int_eq(kw_fiber_new(&fiber, SIZE_MAX / 4096 * 4096), -ENOMEM);
    ck_assert_ptr_null(fiber);
    kw_fiber_free(NULL);
}
END_TEST

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;

    Suite *suite = suite_create("fiber");
    TCase *tcase = tcase_create("fiber");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, function_without_a_leave_ends_at_once);
    tcase_add_test(tcase, goes_on_where_it_left);
    tcase_add_test(tcase, is_used_again_after_the_end);
    tcase_add_test(tcase, arguments_of_a_resume_are_ignored);
    tcase_add_test(tcase, fibers_take_turns);
    tcase_add_test(tcase, a_fiber_enters_another);
    tcase_add_test(tcase, threads_have_fibers_of_their_own);
    tcase_add_test(tcase, stack_is_wiped_at_the_end);
    tcase_add_test(tcase, stack_of_an_abandoned_function_is_wiped);
    tcase_add_test(tcase, page_below_the_stack_is_a_guard);
    tcase_add_test(tcase, stacks_come_back);
    tcase_add_test(tcase, impossible_sizes);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
