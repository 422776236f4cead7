#include "tools/plan/arrivals.h"

#include "tests/support/suite.h"

#include <math.h>

static struct kw_plan_demand demand;
static struct kw_plan_arrivals arrivals;

/* Requests from one time to another. */
static unsigned count(double from_s, double to_s)
{
    unsigned num = 0;

    while (arrivals.next_s < from_s)
        kw_plan_arrivals_next(&arrivals);
    while (arrivals.next_s < to_s) {
        double before_s = arrivals.next_s;

        kw_plan_arrivals_next(&arrivals);
        if (arrivals.next_s < before_s) /* Check's own assertions cost a system call each */
            ck_abort_msg("time goes back");
        num++;
    }
    return num;
}

static void begin(struct kw_plan_demand of, uint64_t seed)
{
    demand = of;
    ck_assert_ptr_null(kw_plan_demand_check(&demand));
    kw_plan_arrivals_init(&arrivals, &demand, seed, 0);
}

/* Five times the spread of a Poisson number. */
static void expect_about(unsigned seen, double mean)
{
    ck_assert_msg(fabs(seen - mean) <= 5 * sqrt(mean), "%u, not about %f", seen, mean);
}

START_TEST(test_poisson)
{
    double first_s;

    begin((struct kw_plan_demand){.kind = KW_PLAN_POISSON, .scale = 2, .rate_per_s = 50}, 1);
    first_s = arrivals.next_s;
    expect_about(count(0, 500), 50000);
    ck_assert_double_eq(kw_plan_demand_mean(&demand), 100);
    ck_assert_double_eq(kw_plan_demand_peak(&demand), 100);
    kw_plan_arrivals_init(&arrivals, &demand, 1, 0);
    ck_assert_double_eq(arrivals.next_s, first_s);
    kw_plan_arrivals_init(&arrivals, &demand, 1, 1);
    ck_assert_double_ne(arrivals.next_s, first_s);
    kw_plan_arrivals_init(&arrivals, &demand, 2, 0);
    ck_assert_double_ne(arrivals.next_s, first_s);
}
END_TEST

START_TEST(test_bursts)
{
    struct kw_plan_demand bursts = {
        .kind = KW_PLAN_BURSTS, .scale = 1, .rate_per_s = 10, .burst_per_s = 200, .burst_s = 1, .quiet_s = 3};

    begin(bursts, 3);
    ck_assert_double_eq_tol(kw_plan_demand_mean(&demand), 57.5, 1e-9);
    ck_assert_double_eq(kw_plan_demand_peak(&demand), 200);
    ck_assert(fabs(count(0, 40000) - 57.5 * 40000) < 57.5 * 40000 * 0.05);
    bursts.regular = true;
    begin(bursts, 3);
    expect_about(count(0, 4000), 57.5 * 4000);
    bursts.rate_per_s = 0;
    begin(bursts, 3);
    /* Nothing between bursts: of any four seconds, gaps take three. */
    for (unsigned i = 0, gaps = 0; i < 2000; i++) {
        double before_s = arrivals.next_s;

        kw_plan_arrivals_next(&arrivals);
        gaps += arrivals.next_s - before_s >= 3;
        ck_assert(arrivals.next_s - before_s < 3.5);
        ck_assert(i != 1999 || (gaps >= 8 && gaps <= 12));
    }
}
END_TEST

START_TEST(test_daily)
{
    begin((struct kw_plan_demand){.kind = KW_PLAN_DAILY,
              .scale = 1,
              .rate_per_s = 40,
              .period_s = 400,
              .num_curve = 4,
              .curve = {1, 0, 2, 1}},
        5);
    ck_assert_double_eq(kw_plan_demand_mean(&demand), 40);
    ck_assert_double_eq(kw_plan_demand_peak(&demand), 80);
    for (unsigned day = 0; day < 3; day++) {
        expect_about(count(day * 400, day * 400 + 100), 4000);
        ck_assert_uint_eq(count(day * 400 + 100, day * 400 + 200), 0);
        expect_about(count(day * 400 + 200, day * 400 + 300), 8000);
        expect_about(count(day * 400 + 300, day * 400 + 400), 4000);
    }
}
END_TEST

START_TEST(test_trace)
{
    static const double times_s[] = {0, 0.5, 0.5, 2};
    struct kw_plan_demand trace = {
        .kind = KW_PLAN_TRACE, .scale = 1, .period_s = 4, .times_s = times_s, .num_times = 4};

    begin(trace, 1);
    for (unsigned i = 0; i < 12; i++, kw_plan_arrivals_next(&arrivals))
        ck_assert_double_eq(arrivals.next_s, times_s[i % 4] + (i >= 4 ? 4 : 0) + (i >= 8 ? 4 : 0));
    ck_assert_double_eq(kw_plan_demand_mean(&demand), 1);
    trace.scale = 2;
    begin(trace, 1);
    for (unsigned i = 0; i < 24; i++, kw_plan_arrivals_next(&arrivals))
        ck_assert_double_eq(arrivals.next_s, times_s[i / 2 % 4] + (i >= 8 ? 4 : 0) + (i >= 16 ? 4 : 0));
    trace.scale = 0.25;
    begin(trace, 1);
    expect_about(count(0, 40000), 10000);
}
END_TEST

START_TEST(test_what_is_wrong)
{
    static const double back_s[] = {1, 0};
    struct kw_plan_demand wrong[] = {
        {.kind = KW_PLAN_POISSON, .scale = 1, .rate_per_s = -1},
        {.kind = KW_PLAN_POISSON, .scale = 1, .rate_per_s = 0},
        {.kind = KW_PLAN_POISSON, .scale = 1, .rate_per_s = INFINITY},
        {.kind = KW_PLAN_POISSON, .scale = 0, .rate_per_s = 1},
        {.kind = KW_PLAN_POISSON, .scale = NAN, .rate_per_s = 1},
        {.kind = KW_PLAN_BURSTS, .scale = 1, .rate_per_s = -1, .burst_per_s = 1, .burst_s = 1, .quiet_s = 1},
        {.kind = KW_PLAN_BURSTS, .scale = 1, .burst_per_s = 0, .burst_s = 1, .quiet_s = 1},
        {.kind = KW_PLAN_BURSTS, .scale = 1, .burst_per_s = 1, .burst_s = 1, .quiet_s = -1},
        {.kind = KW_PLAN_DAILY, .scale = 1, .rate_per_s = 1, .period_s = 1},
        {.kind = KW_PLAN_DAILY, .scale = 1, .rate_per_s = 1, .period_s = 1, .num_curve = 2},
        {.kind = KW_PLAN_DAILY, .scale = 1, .rate_per_s = 1, .period_s = 1, .num_curve = 2, .curve = {2, -1}},
        {.kind = KW_PLAN_TRACE, .scale = 1, .period_s = 1},
        {.kind = KW_PLAN_TRACE, .scale = 1, .period_s = 1, .times_s = back_s, .num_times = 2},
        {.kind = KW_PLAN_TRACE, .scale = 1, .period_s = 0.5, .times_s = back_s, .num_times = 1},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(wrong); i++)
        ck_assert_msg(kw_plan_demand_check(&wrong[i]) != NULL, "%zu", i);
    ck_assert_ptr_null(kw_plan_demand_check(&(struct kw_plan_demand){.kind = KW_PLAN_NONE}));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_poisson);
    tcase_add_test(tcase, test_bursts);
    tcase_add_test(tcase, test_daily);
    tcase_add_test(tcase, test_trace);
    tcase_add_test(tcase, test_what_is_wrong);
}

int main(void)
{
    return kw_suite_run("tools/plan/arrivals", add, 60);
}
