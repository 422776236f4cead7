#include "api/sigv4.h"

#include <check.h>
#include <stdio.h>
#include <time.h>

static int stamp(const char *text, int64_t *ret)
{
    return kw_sigv4_stamp_parse(kw_bytes_str(text), ret);
}

START_TEST(test_stamp)
{
    static const char *const bad[] = {"", "20150830T123600", "20150830T123600ZZ", "2015-08-30T12:36:00Z",
        "20150830 123600Z", "20150830t123600Z", "20150830T123600z", "20150832T123600Z", "20150800T123600Z",
        "20151330T123600Z", "20150030T123600Z", "20150830T243600Z", "20150830T126000Z", "20150830T123660Z",
        "20150229T000000Z", "19000229T000000Z", "20150431T000000Z", "2015083-T123600Z", "+0150830T123600Z"};
    char text[KW_SIGV4_STAMP_LEN + 1];
    int64_t ms = 7;

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(stamp(bad[i], &ms) == 1, "%s", bad[i]);
    ck_assert_int_eq(ms, 7);
    ck_assert_int_eq(stamp("20000229T235959Z", &ms), 0);
    ck_assert_int_eq(ms, INT64_C(951868799000));
    kw_sigv4_stamp_format(-1, text);
    ck_assert_str_eq(text, "19691231T235959Z");
    kw_sigv4_stamp_format(INT64_C(253402300799999), text);
    ck_assert_str_eq(text, "99991231T235959Z");
    ck_assert_int_eq(stamp("00000101T000000Z", &ms), 0);
    kw_sigv4_stamp_format(ms, text);
    ck_assert_str_eq(text, "00000101T000000Z");
}
END_TEST

/* The C library's calendar, over nine thousand years in steps that meet every day of the year and time of
 * day. */
START_TEST(test_stamp_calendar)
{
    for (time_t at = -INT64_C(59958230400); at < INT64_C(253402300800); at += 86400 * 17 + 12347) {
        char ours[KW_SIGV4_STAMP_LEN + 1], theirs[64];
        struct tm tm;
        int64_t ms;

        gmtime_r(&at, &tm);
        snprintf(theirs, sizeof(theirs), "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
            tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        kw_sigv4_stamp_format(at * 1000 + 999, ours);
        ck_assert(strcmp(ours, theirs) == 0);
        ck_assert(stamp(ours, &ms) == 0 && ms == at * 1000);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sigv4_stamp");
    TCase *tcase = tcase_create("sigv4_stamp");
    tcase_add_test(tcase, test_stamp);
    tcase_add_test(tcase, test_stamp_calendar);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
