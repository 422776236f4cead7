#include "pool/sbuf.h"
#include "pool/secmem.h"

#include <check.h>
#include <stdlib.h>

START_TEST(test_put)
{
    KW_SBUF struct kw_sbuf sbuf = KW_SBUF_INIT(4096);

    ck_assert_ptr_null(sbuf.ptr);
    kw_sbuf_put(&sbuf, "ab", 2);
    kw_sbuf_put(&sbuf, NULL, 0);
    kw_sbuf_put_bytes(&sbuf, KW_LIT("c\0d"));
    kw_sbuf_put_str(&sbuf, "ef");
    kw_sbuf_printf(&sbuf, "-%d-%s", 42, "x");
    kw_sbuf_put_base64(&sbuf, KW_LIT("foob"));
    kw_sbuf_put_base64(&sbuf, KW_LIT(""));
    ck_assert(kw_sbuf_ok(&sbuf));
    ck_assert(kw_bytes_equal(kw_sbuf_bytes(&sbuf), KW_LIT("abc\0def-42-xZm9vYg==")));
}
END_TEST

START_TEST(test_growth_keeps_content)
{
    KW_SBUF struct kw_sbuf sbuf = KW_SBUF_INIT(100000);

    for (unsigned i = 0; i < 25000; i++) {
        uint8_t word[4] = {i >> 24, i >> 16 & 0xff, i >> 8 & 0xff, i & 0xff};
        kw_sbuf_put(&sbuf, word, sizeof(word));
    }
    ck_assert(kw_sbuf_ok(&sbuf));
    ck_assert_uint_eq(sbuf.len, 100000);
    for (unsigned i = 0; i < 25000; i++)
        ck_assert_uint_eq(sbuf.ptr[4 * i + 2] << 8 | sbuf.ptr[4 * i + 3], i);
}
END_TEST

START_TEST(test_limit)
{
    KW_SBUF struct kw_sbuf sbuf = KW_SBUF_INIT(10);

    kw_sbuf_put_str(&sbuf, "0123456789");
    ck_assert(kw_sbuf_ok(&sbuf));
    ck_assert_ptr_null(kw_sbuf_claim(&sbuf, 1));
    ck_assert(!kw_sbuf_ok(&sbuf));
    /* Failed stays failed until a reset, and nothing was written. */
    ck_assert_int_eq(kw_sbuf_reserve(&sbuf, 0), -E2BIG);
    ck_assert_uint_eq(sbuf.len, 10);
    kw_sbuf_reset(&sbuf, 4096);
    ck_assert(kw_sbuf_ok(&sbuf));
    ck_assert_uint_eq(sbuf.len, 0);
    ck_assert_int_eq(kw_sbuf_reserve(&sbuf, 10), 0);
    ck_assert_int_eq(kw_sbuf_reserve(&sbuf, SIZE_MAX), -E2BIG);
}
END_TEST

START_TEST(test_out_of_memory)
{
    KW_SBUF struct kw_sbuf sbuf = KW_SBUF_INIT(SIZE_MAX / 4);

    kw_sbuf_put_str(&sbuf, "kept");
    ck_assert_int_eq(kw_sbuf_reserve(&sbuf, (size_t)1 << 50), -ENOMEM);
    ck_assert(!kw_sbuf_ok(&sbuf));
    ck_assert(kw_bytes_equal(kw_sbuf_bytes(&sbuf), KW_LIT("kept")));
}
END_TEST

START_TEST(test_printf_too_long)
{
    KW_SBUF struct kw_sbuf sbuf = KW_SBUF_INIT(10000);

    kw_sbuf_printf(&sbuf, "%1023d", 1);
    ck_assert(kw_sbuf_ok(&sbuf));
    ck_assert_uint_eq(sbuf.len, 1023);
    kw_sbuf_printf(&sbuf, "%1024d", 1);
    ck_assert(!kw_sbuf_ok(&sbuf));
    ck_assert_uint_eq(sbuf.len, 1023);
}
END_TEST

START_TEST(test_consume_wipes)
{
    KW_SBUF struct kw_sbuf sbuf = KW_SBUF_INIT(100);

    kw_sbuf_put_str(&sbuf, "secret-rest");
    kw_sbuf_consume(&sbuf, 7);
    ck_assert(kw_bytes_equal(kw_sbuf_bytes(&sbuf), KW_LIT("rest")));
    ck_assert_mem_eq(sbuf.ptr + 4, "\0\0\0\0\0\0\0", 7);
    kw_sbuf_consume(&sbuf, 0);
    kw_sbuf_consume(&sbuf, 4);
    ck_assert_uint_eq(sbuf.len, 0);
    ck_assert_mem_eq(sbuf.ptr, "\0\0\0\0", 4);
}
END_TEST

START_TEST(test_reset)
{
    KW_SBUF struct kw_sbuf sbuf = KW_SBUF_INIT(10000);

    kw_sbuf_put_str(&sbuf, "secret");
    uint8_t *block = sbuf.ptr;
    kw_sbuf_reset(&sbuf, 4096);
    ck_assert_ptr_eq(sbuf.ptr, block);
    ck_assert_mem_eq(block, "\0\0\0\0\0\0", 6);

    ck_assert_int_eq(kw_sbuf_reserve(&sbuf, 9000), 0);
    kw_sbuf_reset(&sbuf, 4096);
    ck_assert_ptr_null(sbuf.ptr);
    ck_assert_uint_eq(sbuf.cap, 0);
    kw_sbuf_put_str(&sbuf, "again");
    ck_assert(kw_sbuf_ok(&sbuf));
}
END_TEST

int main(void)
{
    if (kw_secmem_init() != 0)
        return 1;
    Suite *suite = suite_create("sbuf");
    TCase *tcase = tcase_create("sbuf");
    tcase_add_test(tcase, test_put);
    tcase_add_test(tcase, test_growth_keeps_content);
    tcase_add_test(tcase, test_limit);
    tcase_add_test(tcase, test_out_of_memory);
    tcase_add_test(tcase, test_printf_too_long);
    tcase_add_test(tcase, test_consume_wipes);
    tcase_add_test(tcase, test_reset);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
