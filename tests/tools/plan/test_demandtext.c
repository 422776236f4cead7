#include "tools/plan/demandtext.h"

#include "tests/support/suite.h"

static struct kw_plan_demand demand;
static enum kw_spec spec;
static char why[200];

static int parse(const char *text)
{
    why[0] = '\0';
    return kw_plan_demand_parse(kw_bytes_str(text), &spec, &demand, why, sizeof(why));
}

START_TEST(test_kinds)
{
    ck_assert_int_eq(parse("RSA_3072=1.2k"), 0);
    ck_assert_int_eq(spec, KW_SPEC_RSA_3072);
    ck_assert_int_eq(demand.kind, KW_PLAN_POISSON);
    ck_assert_double_eq_tol(kw_plan_demand_mean(&demand), 1200, 1e-9);
    ck_assert_int_eq(parse("RSA_2048=100,burst=1k,on=2s,off=8s"), 0);
    ck_assert_int_eq(demand.kind, KW_PLAN_BURSTS);
    ck_assert(!demand.regular);
    ck_assert_double_eq_tol(kw_plan_demand_mean(&demand), 280, 1e-9);
    ck_assert_double_eq_tol(kw_plan_demand_peak(&demand), 1000, 1e-9);
    ck_assert_int_eq(parse("RSA_2048=0,burst=1k,on=20ms,off=80ms,regular"), 0);
    ck_assert(demand.regular);
    ck_assert_int_eq(parse("ECC_NIST_P256=60,daily=1:2:3"), 0);
    ck_assert_int_eq(demand.kind, KW_PLAN_DAILY);
    ck_assert_double_eq(demand.period_s, 86400);
    ck_assert_uint_eq(demand.num_curve, 3);
    ck_assert_double_eq_tol(kw_plan_demand_mean(&demand), 60, 1e-9);
    ck_assert_double_eq_tol(kw_plan_demand_peak(&demand), 90, 1e-9);
    ck_assert_int_eq(parse("ECC_NIST_P256=60,period=1h,daily=1:0"), 0);
    ck_assert_double_eq(demand.period_s, 3600);
}
END_TEST

static const char *const wrong[][2] = {
    {"", "SPEC=RATE"},
    {"RSA_2048", "SPEC=RATE"},
    {"RSA_1024=5", "no spec RSA_1024"},
    {"RSA_2048=", "requests a second"},
    {"RSA_2048=-5", "negative"},
    {"RSA_2048=0", "more than 0"},
    {"RSA_2048=5,colour=red", "after the rate"},
    {"RSA_2048=5,burst=x", "burst="},
    {"RSA_2048=5,burst=9", "longer than 0"},
    {"RSA_2048=5,burst=9,on=1s,off=0", "longer than 0"},
    {"RSA_2048=5,on=1s", "need burst="},
    {"RSA_2048=5,regular", "need burst="},
    {"RSA_2048=5,period=1h", "needs daily="},
    {"RSA_2048=5,daily=", "daily="},
    {"RSA_2048=5,daily=1:x", "daily="},
    {"RSA_2048=5,daily=0:0", "zeros"},
    {"RSA_2048=5,daily=1,burst=9,on=1,off=1", "exclude each other"},
};

START_TEST(test_what_is_refused)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(wrong); i++) {
        demand.kind = KW_PLAN_NONE;
        ck_assert_msg(parse(wrong[i][0]) == 1, "%s", wrong[i][0]);
        ck_assert_msg(strstr(why, wrong[i][1]) != NULL, "%s: %s", wrong[i][0], why);
        ck_assert_int_eq(demand.kind, KW_PLAN_NONE);
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_kinds);
    tcase_add_test(tcase, test_what_is_refused);
}

int main(void)
{
    return kw_suite_run("tools/plan/demandtext", add, 60);
}
