/* The forms of values in conditions: numbers, dates, booleans, addresses. */
#include "api/policy_internal.h"

#include "tests/support/suite.h"

#include <stdio.h>

#define BAD INT64_MIN

static const struct {
    const char *text;
    int64_t value;
} numbers[] = {
    {"0", 0},
    {"1", 1000000},
    {"-1", -1000000},
    {"+1", 1000000},
    {"007", 7000000},
    {"1.5", 1500000},
    {"-0.000001", -1},
    {"0.123456", 123456},
    {"999999999999", 999999999999000000},
    {"-999999999999.999999", -999999999999999999},
    {"", BAD},
    {"-", BAD},
    {"+-1", BAD},
    {".5", BAD},
    {"1.", BAD},
    {"1.1234567", BAD},
    {"1000000000000", BAD},
    {"1e3", BAD},
    {"0x10", BAD},
    {" 1", BAD},
    {"1 ", BAD},
    {"1,5", BAD},
    {"NaN", BAD},
};

START_TEST(test_number)
{
    int64_t value;
    bool good = kw_policy_number(kw_bytes_str(numbers[_i].text), &value);

    ck_assert_msg(good == (numbers[_i].value != BAD), "%s", numbers[_i].text);
    if (good)
        ck_assert_int_eq(value, numbers[_i].value);
}
END_TEST

static const struct {
    const char *text;
    int64_t value; /* seconds, in millionths */
} dates[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01", 0},
    {"1970-01", 0},
    {"1969-12-31T23:59:59Z", -1000000},
    {"2000-02-29T00:00:00Z", 951782400000000},
    {"2000-03-01", 951868800000000},
    {"2026-11-23T10:00:00Z", 1795428000000000},
    {"2026-11-23T10:00Z", 1795428000000000},
    {"2026-11-23T12:30:00+02:30", 1795428000000000},
    {"2026-11-23T05:00:00-05:00", 1795428000000000},
    {"2026-11-23T10:00:00.25Z", 1795428000250000},
    {"2016-12-31T23:59:60Z", 1483228800000000}, /* a leap second is the next second, as POSIX counts */
    {"0001-01-01", -62135596800000000},
    {"9999-12-31T23:59:59Z", 253402300799000000},
    {"1795428000", 1795428000000000},
    {"1795428000.5", 1795428000500000},
    {"-1", -1000000},
    {"", BAD},
    {"today", BAD},
    {"2026-11-23T10:00:00", BAD}, /* whose clock? */
    {"2026-11-23T", BAD},
    {"2026-11-23 10:00:00Z", BAD},
    {"2026-11-23T10:00:00z", BAD},
    {"2026-11-23T10:00:00Zx", BAD},
    {"2026-11-23T24:00:00Z", BAD},
    {"2026-11-23T10:60:00Z", BAD},
    {"2026-11-23T10:00:61Z", BAD},
    {"2026-11-23T10:00:00.Z", BAD},
    {"2026-11-23T10:00:00+2:00", BAD},
    {"2026-11-23T10:00:00+24:00", BAD},
    {"2026-13-01", BAD},
    {"2026-00-01", BAD},
    {"2026-02-29", BAD},
    {"1900-02-29", BAD},
    {"2026-01-32", BAD},
    {"2026-01-00", BAD},
    {"26-01-01", BAD},
    {"20260101T000000Z", BAD},
    {"2026-1-1", BAD},
};

START_TEST(test_date)
{
    int64_t value;
    bool good = kw_policy_date(kw_bytes_str(dates[_i].text), &value);

    ck_assert_msg(good == (dates[_i].value != BAD), "%s", dates[_i].text);
    if (good)
        ck_assert_msg(value == dates[_i].value, "%s: %lld", dates[_i].text, (long long)value);
}
END_TEST

/* Every day of eight centuries follows the one before. */
START_TEST(test_calendar)
{
    int64_t last = 0;

    for (int year = 1600; year < 2400; year++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= 31; day++) {
                char text[16];
                int64_t value;

                snprintf(text, sizeof(text), "%04d-%02d-%02d", year, month, day);
                if (!kw_policy_date(kw_bytes_str(text), &value))
                    continue;
                ck_assert_msg(last == 0 || value - last == 86400000000, "%s", text);
                last = value;
            }
        }
    }
}
END_TEST

START_TEST(test_bool)
{
    bool value = false;

    ck_assert(kw_policy_bool(KW_LIT("true"), &value) && value);
    ck_assert(kw_policy_bool(KW_LIT("False"), &value) && !value);
    ck_assert(!kw_policy_bool(KW_LIT(""), &value));
    ck_assert(!kw_policy_bool(KW_LIT("1"), &value));
    ck_assert(!kw_policy_bool(KW_LIT("true "), &value));
}
END_TEST

static const struct {
    const char *range, *address;
    int in; /* -1: the range is none */
} addresses[] = {
    {"192.0.2.0/24", "192.0.2.255", 1},
    {"192.0.2.0/24", "192.0.3.0", 0},
    {"192.0.2.77/24", "192.0.2.1", 1},
    {"192.0.2.128/25", "192.0.2.127", 0},
    {"192.0.2.128/25", "192.0.2.128", 1},
    {"192.0.2.1", "192.0.2.1", 1},
    {"192.0.2.1/32", "192.0.2.2", 0},
    {"0.0.0.0/0", "255.255.255.255", 1},
    {"0.0.0.0/0", "::1", 0},
    {"::/0", "::1", 1},
    {"::/0", "192.0.2.1", 0},
    {"2001:db8::/32", "2001:db8:ffff::", 1},
    {"2001:db8::/32", "2001:db9::", 0},
    {"2001:db8::/127", "2001:db8::1", 1},
    {"2001:db8::/128", "2001:db8::1", 0},
    {"::ffff:192.0.2.0/120", "192.0.2.9", 1},
    {"192.0.2.0/24", "::ffff:192.0.2.9", 1},
    {"::ffff:0:0/95", "::fffe:1:1", 1}, /* more than the mapped addresses: stays of its family */
    {"", "192.0.2.1", -1},
    {"*", "192.0.2.1", -1},
    {"192.0.2", "192.0.2.1", -1},
    {"192.0.2.0/33", "192.0.2.1", -1},
    {"192.0.2.0/", "192.0.2.1", -1},
    {"192.0.2.0/-1", "192.0.2.1", -1},
    {"192.0.2.0/24/1", "192.0.2.1", -1},
    {"192.0.2.256", "192.0.2.1", -1},
    {"2001:db8::/129", "2001:db8::1", -1},
    {"2001:db8:::", "2001:db8::1", -1},
    {"fe80::1%lo", "fe80::1", -1},
};

START_TEST(test_ip)
{
    struct kw_policy_ip range, address;
    bool good = kw_policy_ip(kw_bytes_str(addresses[_i].range), true, &range);

    ck_assert_msg(good == (addresses[_i].in >= 0), "%s", addresses[_i].range);
    ck_assert(kw_policy_ip(kw_bytes_str(addresses[_i].address), false, &address));
    if (good)
        ck_assert_msg(kw_policy_ip_in(&address, &range) == (addresses[_i].in == 1), "%s in %s",
            addresses[_i].address, addresses[_i].range);
    ck_assert(!kw_policy_ip(KW_LIT("192.0.2.1/32"), false, &address));
    ck_assert(!kw_policy_ip(KW_LIT("192.0.2.1\0"), true, &address));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_number, 0, KW_ARRAY_LEN(numbers));
    tcase_add_loop_test(tests, test_date, 0, KW_ARRAY_LEN(dates));
    tcase_add_test(tests, test_calendar);
    tcase_add_test(tests, test_bool);
    tcase_add_loop_test(tests, test_ip, 0, KW_ARRAY_LEN(addresses));
}

int main(void)
{
    return kw_suite_run("policy_value", add, 30);
}
