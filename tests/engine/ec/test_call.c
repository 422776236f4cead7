#include "engine/ec/call.h"

#include "engine/crypto.h"
#include "tests/support/sanitized.h"
#include "tests/support/suite.h"

enum { STACK = 32 * 1024, PATTERN = 0x5e };

static struct kw_fiber *fiber;
static const uint8_t *stack;
static size_t stack_len;

static void up(void)
{
    void *low;

    ck_assert_int_eq(kw_fiber_new(&fiber, STACK), 0);
    kw_fiber_stack(fiber, &low, &stack_len);
    stack = low;
}

static void down(void)
{
    kw_fiber_free(fiber);
}

/* Fills a good deal of the stack with a pattern, notes where that was, and returns what the state says. */
static __attribute__((noinline)) int leave_traces(struct kw_ec_call *call)
{
    volatile uint8_t traces[4096];
    const volatile uint8_t *here = traces;

    for (size_t i = 0; i < sizeof(traces); i++)
        traces[i] = PATTERN;
    call->points = (const uint8_t *)(uintptr_t)here;
    call->pass = here[call->num] == PATTERN;
    return *(const int *)call->state;
}

/* It gets the call itself, and what it returns comes back, condition or error. */
START_TEST(results)
{
    static const int values[] = {0, 1, KW_EOPENSSL, -ENOMEM};
    int value = values[_i];
    struct kw_ec_call call = {.state = &value, .num = 17};

    up();
    ck_assert_int_eq(kw_ec_call_run(&call, fiber, leave_traces), value);
    ck_assert(call.pass);
    ck_assert_ptr_eq(call.state, &value);
    down();
}
END_TEST

/* It runs on the fiber's stack, and nothing of what it left there is left. */
START_TEST(stack_is_wiped)
{
    int value = 0;
    struct kw_ec_call call = {.state = &value};

    up();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(kw_ec_call_run(&call, fiber, leave_traces), 0);
        /* AddressSanitizer may move locals elsewhere. */
        ck_assert(KW_SANITIZED || (call.points >= stack && call.points < stack + stack_len));
        for (size_t at = 0; at < stack_len; at++)
            if (stack[at] != 0)
                ck_abort_msg("byte %zu of the stack", at);
    }
    down();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, results, 0, 4);
    tcase_add_test(tcase, stack_is_wiped);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("ec/call", add_tests, 60);
}
