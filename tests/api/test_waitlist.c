#include "api/waitlist.h"

#include "api/call.h"
#include "tests/support/suite.h"

static struct kw_call calls[4];

static void reset(enum kw_spec spec)
{
    memset(calls, 0, sizeof(calls));
    for (size_t i = 0; i < KW_ARRAY_LEN(calls); i++) {
        calls[i].wait_spec = spec;
        calls[i].wait_since_ns = 100 * (i + 1);
    }
}

START_TEST(a_line_keeps_the_order_of_arrival)
{
    struct kw_waitlist list = {.num = 0};

    reset(KW_SPEC_RSA_2048);
    for (size_t i = 0; i < KW_ARRAY_LEN(calls); i++)
        kw_waitlist_append(&list, &calls[i]);
    ck_assert_uint_eq(list.num, 4);
    ck_assert_ptr_null(kw_waitlist_first(&list, KW_SPEC_RSA_4096));
    /* One that got nothing goes back to the front. */
    ck_assert_ptr_eq(kw_waitlist_take(&list, KW_SPEC_RSA_2048), &calls[0]);
    kw_waitlist_prepend(&list, &calls[0]);
    for (size_t i = 0; i < KW_ARRAY_LEN(calls); i++)
        ck_assert_ptr_eq(kw_waitlist_take(&list, KW_SPEC_RSA_2048), &calls[i]);
    ck_assert_uint_eq(list.num, 0);
    ck_assert_ptr_null(kw_waitlist_first(&list, KW_SPEC_RSA_2048));
    /* Back to the front of an empty line, and one behind it. */
    kw_waitlist_prepend(&list, &calls[2]);
    kw_waitlist_append(&list, &calls[3]);
    ck_assert_ptr_eq(kw_waitlist_take(&list, KW_SPEC_RSA_2048), &calls[2]);
    ck_assert_ptr_eq(kw_waitlist_take(&list, KW_SPEC_RSA_2048), &calls[3]);
}
END_TEST

START_TEST(heads_tell_who_has_waited_longer)
{
    static struct kw_waithead heads[3];
    struct kw_waitlist lists[3] = {{.num = 0}};

    reset(KW_SPEC_ECC_NIST_P256);
    for (unsigned i = 0; i < 3; i++) {
        kw_waitlist_append(&lists[i], &calls[i]);
        kw_waithead_publish(&heads[i], &lists[i], KW_SPEC_ECC_NIST_P256);
    }
    ck_assert_uint_eq(kw_waithead_older(heads, 3, KW_SPEC_ECC_NIST_P256, calls[0].wait_since_ns), 0);
    ck_assert_uint_eq(kw_waithead_older(heads, 3, KW_SPEC_ECC_NIST_P256, calls[1].wait_since_ns), 1);
    ck_assert_uint_eq(kw_waithead_older(heads, 3, KW_SPEC_ECC_NIST_P256, calls[3].wait_since_ns), 3);
    ck_assert_uint_eq(kw_waithead_older(heads, 1, KW_SPEC_ECC_NIST_P256, calls[3].wait_since_ns), 1);
    ck_assert_uint_eq(kw_waithead_older(heads, 3, KW_SPEC_ECC_NIST_P384, UINT64_MAX), 0);
    /* A line that is empty keeps nobody. */
    (void)kw_waitlist_take(&lists[0], KW_SPEC_ECC_NIST_P256);
    kw_waithead_publish(&heads[0], &lists[0], KW_SPEC_ECC_NIST_P256);
    ck_assert_uint_eq(kw_waithead_older(heads, 3, KW_SPEC_ECC_NIST_P256, calls[1].wait_since_ns), 0);
    /* And the next in it counts from when it came. */
    kw_waitlist_append(&lists[0], &calls[3]);
    kw_waithead_publish(&heads[0], &lists[0], KW_SPEC_ECC_NIST_P256);
    ck_assert_uint_eq(kw_waithead_older(heads, 3, KW_SPEC_ECC_NIST_P256, UINT64_MAX), 3);
    ck_assert_uint_eq(kw_waithead_older(heads, 3, KW_SPEC_ECC_NIST_P256, calls[2].wait_since_ns), 1);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_line_keeps_the_order_of_arrival);
    tcase_add_test(tcase, heads_tell_who_has_waited_longer);
}

int main(void)
{
    return kw_suite_run("waitlist", add, 30);
}
