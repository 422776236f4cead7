#include "tools/plan/solver.h"

#include "tests/support/suite.h"
#include "tools/plan/bound.h"

#include <math.h>
#include <stdio.h>

#define SPEC  KW_SPEC_RSA_2048
#define OTHER KW_SPEC_ECC_NIST_P256

static struct kw_plan_profile profile;
static struct kw_plan_case plan;
static struct kw_plan_objective objective;
static struct kw_plan_limits limits;
static struct kw_plan_solver_options options;
static struct kw_plan_answer answer;

static void set_up(void)
{
    profile = (struct kw_plan_profile){.cores = 1};
    plan = (struct kw_plan_case){.profile = &profile};
    plan.settings = (struct kw_plan_settings){.cpu_share = 1};
    objective = (struct kw_plan_objective){.kind = KW_PLAN_MISS_SHARE};
    limits = (struct kw_plan_limits){.cores_max = 64};
    options =
        (struct kw_plan_solver_options){.effort = {.seed = 1, .requests = 200000}, .no_sensitivity = true};
}

static void add_spec(enum kw_spec spec, double make_s, unsigned batch, double rate_per_s, double value)
{
    kw_plan_make_exponential(&profile.make[spec], make_s, batch);
    plan.demand[spec] =
        (struct kw_plan_demand){.kind = KW_PLAN_POISSON, .scale = 1, .rate_per_s = rate_per_s};
    objective.value[spec] = value;
}

static void solve(void)
{
    ck_assert_int_eq(kw_plan_solve(&plan, &objective, &limits, &options, &answer), 0);
}

/* The least depth by the closed form; what the solver finds has room for its confidence interval. */
static uint32_t depth_by_bound(double rate_per_s, double make_s, double share)
{
    uint32_t depth = 1;

    while (kw_plan_bound_general(rate_per_s, &profile.make[SPEC], depth, depth - depth / 8) > share)
        depth++;
    ck_assert(rate_per_s * make_s < 1);
    return depth;
}

START_TEST(test_least_depth_and_cores)
{
    uint32_t known;

    set_up();
    add_spec(SPEC, 0.1, 1, 8, 0.02);
    solve();
    known = depth_by_bound(8, 0.1, 0.02);
    ck_assert_int_eq(answer.verdict, KW_PLAN_HOLDS);
    ck_assert_uint_eq(answer.settings.cores, 1);
    printf("depth %u, by the closed form %u\n", answer.settings.depth[SPEC], known);
    ck_assert_uint_ge(answer.settings.depth[SPEC] + 1, known);
    ck_assert_uint_le(answer.settings.depth[SPEC], known + known / 4 + 1);
    ck_assert(answer.estimate.spec[SPEC].miss_share.value <= 0.02);
    ck_assert_double_eq_tol(answer.saturation_factor, 1.25, 1e-9);
    ck_assert_double_eq_tol(answer.saturation_per_s, 10, 1e-9);
    ck_assert(answer.cold_fill.all_s > 0.5 * 0.1 * answer.settings.depth[SPEC]);
    ck_assert(answer.ride_out[SPEC].burst_per_s == 16 && answer.ride_out[SPEC].median_s > 0);
    add_spec(SPEC, 0.1, 1, 35, 0.02);
    solve();
    ck_assert_uint_eq(answer.settings.cores, 4);
}
END_TEST

START_TEST(test_two_specs_share_the_cores)
{
    set_up();
    add_spec(SPEC, 0.005, 4, 200, 0.01);
    add_spec(OTHER, 20e-6, 64, 4000, 0.01);
    solve();
    ck_assert_int_eq(answer.verdict, KW_PLAN_HOLDS);
    ck_assert_uint_eq(answer.settings.cores, 2);
    ck_assert(answer.estimate.spec[SPEC].miss_share.value <= 0.01);
    ck_assert(answer.estimate.spec[OTHER].miss_share.value <= 0.01);
    ck_assert_uint_eq(answer.settings.depth[KW_SPEC_RSA_4096], 0);
    /* Half of it does not hold: it is the least, or near it. */
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        plan.settings.depth[spec] = answer.settings.depth[spec] / 2;
    plan.settings.cores = 2;
    ck_assert_int_eq(kw_plan_estimate(&plan, &options.effort, &answer.estimate), 0);
    ck_assert(answer.estimate.spec[SPEC].miss_share.value > 0.01);
    ck_assert(answer.estimate.spec[OTHER].miss_share.value > 0.01);
}
END_TEST

START_TEST(test_waits)
{
    uint32_t strict;

    set_up();
    objective.kind = KW_PLAN_P99_WAIT;
    add_spec(SPEC, 0.1, 1, 8, 0);
    solve();
    ck_assert_int_eq(answer.verdict, KW_PLAN_HOLDS);
    ck_assert_double_eq(answer.estimate.spec[SPEC].wait_p99_s, 0);
    strict = answer.settings.depth[SPEC];
    objective.value[SPEC] = 0.5;
    solve();
    ck_assert(answer.estimate.spec[SPEC].wait_p99_s <= 0.5);
    ck_assert_uint_lt(answer.settings.depth[SPEC], strict);
}
END_TEST

START_TEST(test_out_of_reach)
{
    set_up();
    limits.cores_max = 2;
    add_spec(SPEC, 0.1, 1, 35, 0.02);
    solve();
    ck_assert_int_eq(answer.verdict, KW_PLAN_UNREACHABLE);
    printf("%s\n", answer.why);
    ck_assert_ptr_nonnull(strstr(answer.why, "out of reach with 2 cores: 4 cores"));
    ck_assert_ptr_nonnull(strstr(answer.why, "0.554 times"));
    ck_assert_uint_eq(answer.settings.cores, 2);
    limits = (struct kw_plan_limits){.cost_per_core_hour = 0.5, .cost_per_hour_max = 1.7};
    solve();
    printf("%s\n", answer.why);
    ck_assert_int_eq(answer.verdict, KW_PLAN_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(answer.why, "with 3 cores: 4 cores"));
    ck_assert_ptr_nonnull(strstr(answer.why, "for 2 an hour"));
    limits = (struct kw_plan_limits){.cores_max = 8, .memory_bytes_max = 0.1 * 1024 * 1024};
    add_spec(SPEC, 0.1, 1, 70, 0.02);
    solve();
    printf("%s\n", answer.why);
    ck_assert_int_eq(answer.verdict, KW_PLAN_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(answer.why, "with 8 cores and 102 KiB of pools: 8 cores and "));
    add_spec(SPEC, 0.1, 1, 7000, 0.02);
    solve();
    printf("%s\n", answer.why);
    ck_assert_ptr_nonnull(strstr(answer.why, "spread it over 3 machines"));
}
END_TEST

static unsigned steps;

static bool count_steps(void *user, double done, double total, const char *what)
{
    ck_assert(done <= total && what != NULL);
    return ++steps < *(unsigned *)user;
}

START_TEST(test_sensitivity_and_progress)
{
    unsigned most = UINT32_MAX;

    set_up();
    options.no_sensitivity = false;
    options.effort.progress = count_steps;
    options.effort.user = &most;
    limits = (struct kw_plan_limits){.cores_max = 8, .cost_per_core_hour = 0.36};
    add_spec(SPEC, 0.1, 1, 30, 0.02);
    steps = 0;
    solve();
    ck_assert_uint_gt(steps, 10);
    ck_assert_uint_eq(answer.settings.cores, 4);
    ck_assert_uint_eq(answer.sensitivity[0].cores, 2);
    ck_assert_uint_eq(answer.sensitivity[1].cores, 7);
    ck_assert(answer.sensitivity[0].miss_share[SPEC].value < 1e-3);
    ck_assert(answer.sensitivity[1].miss_share[SPEC].value > 0.5);
    /* Four cores for 0.36 each; 30 pairs a second. */
    ck_assert_double_eq_tol(answer.cost_per_hour, 1.44, 1e-9);
    ck_assert_double_eq_tol(answer.cost_per_million_pairs, 1.44 / (30 * 3600) * 1e6, 1e-9);
    most = 3;
    steps = 0;
    ck_assert_int_eq(kw_plan_solve(&plan, &objective, &limits, &options, &answer), -ECANCELED);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_least_depth_and_cores);
    tcase_add_test(tcase, test_two_specs_share_the_cores);
    tcase_add_test(tcase, test_waits);
    tcase_add_test(tcase, test_out_of_reach);
    tcase_add_test(tcase, test_sensitivity_and_progress);
}

int main(void)
{
    return kw_suite_run("tools/plan/solver", add, 120);
}
