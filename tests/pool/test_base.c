#include "pool/base.h"
#include "tests/pool/death.h"

#include <time.h>

START_TEST(test_erase)
{
    uint8_t secret[33];

    memset(secret, 0xa5, sizeof(secret));
    kw_erase(secret + 1, 31);
    ck_assert_uint_eq(secret[0], 0xa5);
    for (size_t i = 1; i < 32; i++)
        ck_assert_uint_eq(secret[i], 0);
    ck_assert_uint_eq(secret[32], 0xa5);
    kw_erase(NULL, 0);
}
END_TEST

START_TEST(test_equal_ct)
{
    uint8_t a[40], b[40];

    memset(a, 7, sizeof(a));
    memcpy(b, a, sizeof(b));
    ck_assert(kw_equal_ct(a, b, sizeof(a)));
    ck_assert(kw_equal_ct(a, NULL, 0));
    for (size_t i = 0; i < sizeof(a) * 8; i++) {
        b[i / 8] ^= (uint8_t)(1u << i % 8);
        ck_assert(!kw_equal_ct(a, b, sizeof(a)));
        b[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}
END_TEST

static uint8_t guarded[64];

static int guard_and_leave(bool early)
{
    KW_ERASE_GUARD(guarded);

    memset(guarded, 0x5a, sizeof(guarded));
    KW_REQUIRE(!early, 1);
    return 0;
}

START_TEST(test_erase_guard)
{
    static const uint8_t zero[sizeof(guarded)];

    for (int early = 0; early <= 1; early++) {
        ck_assert_int_eq(guard_and_leave(early), early);
        ck_assert_mem_eq(guarded, zero, sizeof(zero));
    }
}
END_TEST

static int try_it(int result)
{
    KW_TRY(result);
    return 42;
}

static int ssl_like(int result)
{
    KW_SSL(result);
    return 0;
}

START_TEST(test_forwarding)
{
    ck_assert_int_eq(try_it(-EIO), -EIO);
    ck_assert_int_eq(try_it(0), 42);
    ck_assert_int_eq(try_it(3), 42);
    ck_assert_int_eq(ssl_like(1), 0);
    ck_assert_int_eq(ssl_like(0), KW_EOPENSSL);
    ck_assert_int_eq(ssl_like(-1), KW_EOPENSSL);
}
END_TEST

static void check_condition(void *condition)
{
    kw_assert(*(bool *)condition);
}

START_TEST(test_assert)
{
    bool holds = true, fails = false;

    ck_assert_int_eq(death_signal(check_condition, &holds), 0);
    ck_assert_int_eq(death_signal(check_condition, &fails), SIGABRT);
}
END_TEST

struct outer {
    int before;
    int member;
};

START_TEST(test_container_of)
{
    struct outer outer = {1, 2};
    int *member = &outer.member;

    ck_assert_ptr_eq(KW_CONTAINER_OF(member, struct outer, member), &outer);
    ck_assert_int_eq(KW_MIN(-1, 2), -1);
    ck_assert_int_eq(KW_MAX(-1, 2), 2);
    ck_assert_uint_eq(KW_ARRAY_LEN(guarded), 64);
}
END_TEST

START_TEST(test_clocks)
{
    struct timespec pause = {.tv_nsec = 2000000};
    uint64_t before = kw_now_ns();
    int64_t wall = kw_wall_ms();

    nanosleep(&pause, NULL);
    ck_assert_uint_ge(kw_now_ns() - before, 2000000);
    ck_assert_int_ge(wall, ((int64_t)time(NULL) - 5) * 1000);
    ck_assert_int_le(wall, ((int64_t)time(NULL) + 2) * 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *tcase = tcase_create("base");
    tcase_add_test(tcase, test_erase);
    tcase_add_test(tcase, test_equal_ct);
    tcase_add_test(tcase, test_erase_guard);
    tcase_add_test(tcase, test_forwarding);
    tcase_add_test(tcase, test_assert);
    tcase_add_test(tcase, test_container_of);
    tcase_add_test(tcase, test_clocks);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
