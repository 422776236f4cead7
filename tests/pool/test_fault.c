/* Both builds: with the hooks compiled in the plan is obeyed, without them nothing ever fails. */
#include "pool/fault.h"

#include <check.h>
#include <stdlib.h>

START_TEST(test_production)
{
    ck_assert(!kw_fault_compiled_in());
    ck_assert_int_eq(kw_fault_set("pct:fail@1+*"), -ENOSYS);
    for (unsigned point = 0; point < KW_FAULT_NUM; point++)
        ck_assert_int_eq(kw_fault((enum kw_fault_point)point), KW_FAULT_NONE);
}
END_TEST

START_TEST(test_plan)
{
    static const enum kw_fault_kind want[] = {
        KW_FAULT_NONE,
        KW_FAULT_EIO,
        KW_FAULT_EIO,
        KW_FAULT_EIO,
        KW_FAULT_NONE,
    };

    ck_assert_int_eq(kw_fault_set("audit-write:eio@2+3,pct:fail@1,alloc:enospc@3+*"), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(want); i++)
        ck_assert_int_eq(kw_fault(KW_FAULT_AUDIT_WRITE), want[i]);
    ck_assert_int_eq(kw_fault(KW_FAULT_PCT), KW_FAULT_FAIL);
    ck_assert_int_eq(kw_fault(KW_FAULT_PCT), KW_FAULT_NONE);
    ck_assert_int_eq(kw_fault(KW_FAULT_ALLOC), KW_FAULT_NONE);
    ck_assert_int_eq(kw_fault(KW_FAULT_ALLOC), KW_FAULT_NONE);
    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(kw_fault(KW_FAULT_ALLOC), KW_FAULT_ENOSPC);
    ck_assert_int_eq(kw_fault(KW_FAULT_STORE_COMMIT), KW_FAULT_NONE);
}
END_TEST

START_TEST(test_names)
{
    ck_assert_int_eq(kw_fault_set("audit-sync:short@1,audit-create:delay@1,store-commit:eio@1"), 0);
    ck_assert_int_eq(kw_fault(KW_FAULT_AUDIT_SYNC), KW_FAULT_SHORT);
    ck_assert_int_eq(kw_fault(KW_FAULT_AUDIT_CREATE), KW_FAULT_DELAY);
    ck_assert_int_eq(kw_fault(KW_FAULT_STORE_COMMIT), KW_FAULT_EIO);
}
END_TEST

START_TEST(test_replace)
{
    ck_assert_int_eq(kw_fault_set("pct:fail@2"), 0);
    ck_assert_int_eq(kw_fault(KW_FAULT_PCT), KW_FAULT_NONE);
    /* A new plan counts from its own start. */
    ck_assert_int_eq(kw_fault_set("pct:eio@1"), 0);
    ck_assert_int_eq(kw_fault(KW_FAULT_PCT), KW_FAULT_EIO);
    ck_assert_int_eq(kw_fault_set(""), 0);
    ck_assert_int_eq(kw_fault(KW_FAULT_PCT), KW_FAULT_NONE);
}
END_TEST

START_TEST(test_malformed)
{
    static const char *const bad[] = {
        "pct",
        "pct:fail",
        "pct:fail@",
        "pct:fail@x",
        "pct:fail@1+x",
        "nowhere:fail@1",
        "pct:badly@1",
        ":@",
        ",",
        "pct:fail@-1",
        "pct:fail@12345678901",
    };

    ck_assert_int_eq(kw_fault_set("pct:fail@1"), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(kw_fault_set(bad[i]) == 1, "%s", bad[i]);
    /* The plan before is still in force. */
    ck_assert_int_eq(kw_fault(KW_FAULT_PCT), KW_FAULT_FAIL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault");
    TCase *tcase = tcase_create("fault");
    if (kw_fault_compiled_in()) {
        tcase_add_test(tcase, test_plan);
        tcase_add_test(tcase, test_names);
        tcase_add_test(tcase, test_replace);
        tcase_add_test(tcase, test_malformed);
    } else {
        tcase_add_test(tcase, test_production);
    }
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
