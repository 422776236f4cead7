#include "tools/plan/quantity.h"

#include "tests/support/suite.h"

#include <math.h>

typedef int parser(struct kw_bytes text, double *ret);

static const struct {
    parser *parse;
    const char *text;
    double value; /* below 0: refused */
} cases[] = {
    {kw_quantity_rate, "1200", 1200},
    {kw_quantity_rate, "0.5", 0.5},
    {kw_quantity_rate, "1.2k", 1200},
    {kw_quantity_rate, "3M", 3e6},
    {kw_quantity_rate, "7/s", 7},
    {kw_quantity_rate, "", -1},
    {kw_quantity_rate, ".", -1},
    {kw_quantity_rate, "k", -1},
    {kw_quantity_rate, "-1", -1},
    {kw_quantity_rate, "1e3", -1},
    {kw_quantity_rate, "1.2.3", -1},
    {kw_quantity_rate, "1 k", -1},
    {kw_quantity_rate, "nan", -1},
    {kw_quantity_rate, "1001G", -1},
    {kw_quantity_rate, "99999999999999999999999999999999999999", -1},
    {kw_quantity_time, "20us", 20e-6},
    {kw_quantity_time, "1.5ms", 1.5e-3},
    {kw_quantity_time, "3", 3},
    {kw_quantity_time, "2m", 120},
    {kw_quantity_time, "24h", 86400},
    {kw_quantity_time, "99999d", -1},
    {kw_quantity_time, "5parsecs", -1},
    {kw_quantity_share, "0.1%", 0.001},
    {kw_quantity_share, "0.25", 0.25},
    {kw_quantity_share, "101%", -1},
    {kw_quantity_bytes, "512KiB", 524288},
    {kw_quantity_bytes, "2G", 2147483648.0},
    {kw_quantity_bytes, "2GB", -1},
};

START_TEST(test_what_is_understood)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(cases); i++) {
        double value = -7;
        int r = cases[i].parse(kw_bytes_str(cases[i].text), &value);

        ck_assert_msg(r == (cases[i].value < 0), "%s: %d", cases[i].text, r);
        if (r == 0)
            ck_assert_double_eq_tol(value, cases[i].value, 1e-12 + 1e-12 * cases[i].value);
        else
            ck_assert_double_eq(value, -7);
    }
}
END_TEST

static void expect(const char *shown, const char *expected)
{
    ck_assert_str_eq(shown, expected);
}

START_TEST(test_what_is_shown)
{
    char text[KW_QUANTITY_MAX];

    expect(kw_quantity_show_rate(0, text), "0");
    expect(kw_quantity_show_rate(12.345, text), "12.3");
    expect(kw_quantity_show_rate(4937, text), "4937");
    expect(kw_quantity_show_rate(20000, text), "20k");
    expect(kw_quantity_show_rate(1e6, text), "1M");
    expect(kw_quantity_show_rate(INFINITY, text), "-");
    expect(kw_quantity_show_time(0, text), "0");
    expect(kw_quantity_show_time(12.5e-3, text), "12.5 ms");
    expect(kw_quantity_show_time(90, text), "1.50 min");
    expect(kw_quantity_show_time(INFINITY, text), "never");
    expect(kw_quantity_show_share(0.001, text), "0.1 %");
    expect(kw_quantity_show_share(1e-7, text), "1.0e-07");
    expect(kw_quantity_show_share(NAN, text), "-");
    expect(kw_quantity_show_bytes(640 * 1024, text), "640 KiB");
    expect(kw_quantity_show_bytes(1.5 * 1024 * 1024, text), "1.50 MiB");
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_what_is_understood);
    tcase_add_test(tcase, test_what_is_shown);
}

int main(void)
{
    return kw_suite_run("tools/plan/quantity", add, 60);
}
