#include "pool/spec.h"
#include "tests/pool/death.h"

#include "pool/limits.h"

START_TEST(test_table)
{
    for (unsigned i = 0; i < KW_SPEC_NUM; i++) {
        const struct kw_spec_info *info = kw_spec_info((enum kw_spec)i);
        enum kw_spec back = KW_SPEC_NUM;

        ck_assert_int_eq(kw_spec_parse(kw_bytes_str(info->name), &back), 0);
        ck_assert_uint_eq(back, i);
        ck_assert_int_eq(info->curve == NULL, info->kind == KW_KIND_RSA);
        ck_assert_uint_ge(info->default_capacity, 1);
        ck_assert_uint_le(info->default_capacity, KW_POOL_CAPACITY_MAX);
        ck_assert_uint_le(info->public_max, KW_SPEC_PUBLIC_MAX);
        ck_assert_uint_le(info->private_max, KW_SPEC_PRIVATE_MAX);
        /* What is wrapped must fit the plaintext that Decrypt gives back. */
        ck_assert_uint_le(info->private_max, KW_PLAINTEXT_MAX);
    }
}
END_TEST

/* Lengths of a DER integer of n bits with a leading zero byte, and of what holds len bytes of content. */
static size_t der_len(size_t len)
{
    return len + (len < 128 ? 2 : len < 256 ? 3 : 4);
}

static size_t der_uint(size_t bits)
{
    return der_len(bits / 8 + 1);
}

/* The table's RSA maxima, from the structures of RFC 8017 appendix A.1 and RFC 5208. */
START_TEST(test_rsa_maxima)
{
    for (unsigned i = 0; i < KW_SPEC_NUM; i++) {
        const struct kw_spec_info *info = kw_spec_info((enum kw_spec)i);
        if (info->kind != KW_KIND_RSA)
            continue;
        size_t n = der_uint(info->bits), half = der_uint(info->bits / 2);
        size_t e = 5, version = 3, algorithm = 15;
        size_t spki = der_len(algorithm + der_len(1 + der_len(n + e)));
        size_t rsa = der_len(version + n + e + n + 5 * half);
        size_t pkcs8 = der_len(version + algorithm + der_len(rsa));

        ck_assert_uint_ge(info->public_max, spki);
        ck_assert_uint_ge(info->private_max, pkcs8);
        ck_assert_uint_le(info->private_max, pkcs8 + 32);
    }
}
END_TEST

START_TEST(test_parse_hostile)
{
    static const char *const bad[] = {
        "", "rsa_2048", "RSA_2048 ", "RSA_204", "RSA_20480", "SYMMETRIC_DEFAULT", "SM2"};
    enum kw_spec spec = KW_SPEC_RSA_4096;

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_int_eq(kw_spec_parse(kw_bytes_str(bad[i]), &spec), 1);
    ck_assert_int_eq(kw_spec_parse(KW_LIT("RSA_2048\0"), &spec), 1);
    ck_assert_uint_eq(spec, KW_SPEC_RSA_4096);
}
END_TEST

static void info_of(void *spec)
{
    (void)kw_spec_info(*(enum kw_spec *)spec);
}

START_TEST(test_out_of_range)
{
    enum kw_spec end = KW_SPEC_NUM;

    ck_assert_int_eq(death_signal(info_of, &end), SIGABRT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spec");
    TCase *tcase = tcase_create("spec");
    tcase_add_test(tcase, test_table);
    tcase_add_test(tcase, test_rsa_maxima);
    tcase_add_test(tcase, test_parse_hostile);
    tcase_add_test(tcase, test_out_of_range);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
