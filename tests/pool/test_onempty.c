#include "pool/onempty.h"

#include "tests/support/suite.h"

START_TEST(every_policy_goes_by_its_name)
{
    enum kw_on_empty back = KW_ON_EMPTY_NUM;

    for (unsigned i = 0; i < KW_ON_EMPTY_NUM; i++) {
        ck_assert_int_eq(kw_on_empty_parse(kw_bytes_str(kw_on_empty_name((enum kw_on_empty)i)), &back), 0);
        ck_assert_uint_eq(back, i);
    }
    ck_assert_int_eq(kw_on_empty_parse(KW_LIT("Wait"), &back), 1);
    ck_assert_int_eq(kw_on_empty_parse(KW_LIT(""), &back), 1);
    ck_assert_uint_eq(back, KW_ON_EMPTY_NUM - 1);
}
END_TEST

START_TEST(a_spec_goes_before_all_specs_in_any_order)
{
    static const char *const lists[] = {
        "generate,RSA_4096=reject,ECC_NIST_P256=wait", "RSA_4096=reject,ECC_NIST_P256=wait,generate"};

    for (size_t i = 0; i < KW_ARRAY_LEN(lists); i++) {
        enum kw_on_empty got[KW_SPEC_NUM] = {0};

        ck_assert_int_eq(kw_on_empty_parse_list(kw_bytes_str(lists[i]), got), 0);
        for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
            ck_assert_uint_eq(got[spec], spec == KW_SPEC_RSA_4096        ? KW_ON_EMPTY_REJECT
                                         : spec == KW_SPEC_ECC_NIST_P256 ? KW_ON_EMPTY_WAIT
                                                                         : KW_ON_EMPTY_GENERATE);
    }
}
END_TEST

START_TEST(what_is_not_named_stays)
{
    enum kw_on_empty got[KW_SPEC_NUM] = {[KW_SPEC_RSA_3072] = KW_ON_EMPTY_REJECT};

    ck_assert_int_eq(kw_on_empty_parse_list(KW_LIT("RSA_2048=generate"), got), 0);
    ck_assert_uint_eq(got[KW_SPEC_RSA_2048], KW_ON_EMPTY_GENERATE);
    ck_assert_uint_eq(got[KW_SPEC_RSA_3072], KW_ON_EMPTY_REJECT);
    ck_assert_uint_eq(got[KW_SPEC_RSA_4096], KW_ON_EMPTY_WAIT);
}
END_TEST

START_TEST(nonsense_changes_nothing)
{
    static const char *const bad[] = {"", ",", "wait,", ",wait", "wait,wait", "wait,generate", "RSA_2048",
        "RSA_2048=", "=wait", "RSA_2048=wait=wait", "RSA_2048=wait,RSA_2048=wait", "RSA_1024=wait",
        "SM2=wait", "wait, reject", "rsa_2048=wait", "generate,RSA_2048=nothing"};

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++) {
        enum kw_on_empty got[KW_SPEC_NUM] = {KW_ON_EMPTY_REJECT};

        ck_assert_msg(kw_on_empty_parse_list(kw_bytes_str(bad[i]), got) == 1, "%s", bad[i]);
        ck_assert_uint_eq(got[0], KW_ON_EMPTY_REJECT);
        ck_assert_uint_eq(got[1], KW_ON_EMPTY_WAIT);
    }
    enum kw_on_empty got[KW_SPEC_NUM] = {0};
    ck_assert_int_eq(kw_on_empty_parse_list(KW_LIT("reject\0"), got), 1);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, every_policy_goes_by_its_name);
    tcase_add_test(tcase, a_spec_goes_before_all_specs_in_any_order);
    tcase_add_test(tcase, what_is_not_named_stays);
    tcase_add_test(tcase, nonsense_changes_nothing);
}

int main(void)
{
    return kw_suite_run("onempty", add, 30);
}
