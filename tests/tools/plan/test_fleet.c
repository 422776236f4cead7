#include "tools/plan/fleet.h"

#include "tests/support/suite.h"

#include <math.h>
#include <stdio.h>

#define SPEC KW_SPEC_RSA_2048

static struct kw_plan_profile profile;
static struct kw_plan_case plan;
static struct kw_plan_fleet fleet;
static struct kw_plan_objective objective;
static struct kw_plan_limits limits;
static struct kw_plan_solver_options options;
static struct kw_plan_fleet_answer answer;
static struct kw_plan_answer alone;

static void set_up(double rate_per_s)
{
    profile = (struct kw_plan_profile){.cores = 1};
    kw_plan_make_exponential(&profile.make[SPEC], 0.01, 1);
    plan = (struct kw_plan_case){.profile = &profile};
    plan.settings = (struct kw_plan_settings){.cpu_share = 1};
    plan.demand[SPEC] =
        (struct kw_plan_demand){.kind = KW_PLAN_POISSON, .scale = 1, .rate_per_s = rate_per_s};
    objective = (struct kw_plan_objective){.kind = KW_PLAN_MISS_SHARE, .value[SPEC] = 0.01};
    limits = (struct kw_plan_limits){.cores_max = 4};
    options =
        (struct kw_plan_solver_options){.effort = {.seed = 1, .requests = 100000}, .no_sensitivity = true};
}

static void solve(unsigned nodes, unsigned lost)
{
    fleet = (struct kw_plan_fleet){.nodes = nodes, .lost = lost};
    ck_assert_int_eq(kw_plan_fleet_solve(&plan, &fleet, &objective, &limits, &options, &answer), 0);
}

/* A Poisson stream that is split at random is so many Poisson streams: a machine of a fleet is one machine at
 * its share of the rate. */
START_TEST(test_a_machine_sees_its_share)
{
    set_up(2000);
    solve(10, 2);
    ck_assert_int_eq(answer.node.verdict, KW_PLAN_HOLDS);
    plan.demand[SPEC].rate_per_s = 2000.0 / 8;
    ck_assert_int_eq(kw_plan_solve(&plan, &objective, &limits, &options, &alone), 0);
    ck_assert_uint_eq(answer.node.settings.cores, alone.settings.cores);
    ck_assert_uint_eq(answer.node.settings.depth[SPEC], alone.settings.depth[SPEC]);
    ck_assert_double_eq_tol(answer.cores, 10.0 * alone.settings.cores, 1e-9);
    ck_assert_double_eq_tol(answer.rate_per_s, 2000, 1e-9);
    ck_assert_double_eq_tol(answer.saturation_per_s, 8 * alone.saturation_per_s, 1e-6);
    ck_assert_double_eq_tol(answer.memory_bytes, 10 * kw_plan_memory_bytes(&alone.settings), 1);
    /* With all of them up each has less to do. */
    ck_assert_double_eq_tol(answer.all_up.spec[SPEC].demand_per_s.value, 200, 4);
    ck_assert(answer.all_up.utilisation.value < answer.node.estimate.utilisation.value);
    ck_assert(answer.all_up.spec[SPEC].miss_share.value <= answer.node.estimate.spec[SPEC].miss_share.value);
    ck_assert(answer.refill.all_s > 0);
}
END_TEST

/* 4 cores make 400 pairs a second, of which 97 % may be used: 388 a machine. */
START_TEST(test_least_machines)
{
    set_up(3000);
    solve(0, 1);
    printf("%u machines of %u cores, %u deep\n", answer.nodes, answer.node.settings.cores,
        answer.node.settings.depth[SPEC]);
    ck_assert_int_eq(answer.node.verdict, KW_PLAN_HOLDS);
    ck_assert_uint_eq(answer.nodes, 9);
    limits.cost_per_core_hour = 0.05;
    limits.cost_per_machine_hour = 0.1;
    solve(0, 1);
    ck_assert_double_eq_tol(answer.cost_per_hour, answer.nodes * 0.3, 1e-9);
    ck_assert_double_eq_tol(answer.cost_per_million_pairs, answer.nodes * 0.3 / (3000 * 3600) * 1e6, 1e-9);
}
END_TEST

START_TEST(test_a_million_a_second_on_thousands)
{
    set_up(1e6);
    kw_plan_make_exponential(&profile.make[SPEC], 0.004, 4);
    limits.cores_max = 8;
    solve(0, 1);
    printf("%u machines\n", answer.nodes);
    ck_assert_int_eq(answer.node.verdict, KW_PLAN_HOLDS);
    ck_assert_uint_ge(answer.nodes, 516); /* 1e6 / (8 / 0.004 * 0.97) + 1 */
    ck_assert_uint_le(answer.nodes, 530);
    limits.cores_max = 1;
    solve(5000, 1);
    ck_assert_int_eq(answer.node.verdict, KW_PLAN_HOLDS);
}
END_TEST

START_TEST(test_out_of_reach)
{
    set_up(3000);
    solve(8, 1);
    ck_assert_int_eq(answer.node.verdict, KW_PLAN_UNREACHABLE);
    ck_assert_msg(strstr(answer.node.why, "or 9 machines") != NULL, "%s", answer.node.why);
    fleet = (struct kw_plan_fleet){.nodes = 2, .lost = 2};
    ck_assert_int_eq(kw_plan_fleet_solve(&plan, &fleet, &objective, &limits, &options, &answer), -EINVAL);
    /* No number is within what it may cost. */
    limits.cost_per_core_hour = 1;
    limits.cost_per_hour_max = 3;
    solve(0, 1);
    ck_assert_int_eq(answer.node.verdict, KW_PLAN_UNREACHABLE);
    ck_assert(answer.node.why[0] != '\0');
}
END_TEST

START_TEST(test_given_settings_are_judged)
{
    set_up(90);
    plan.settings = (struct kw_plan_settings){.cpu_share = 1, .cores = 1, .depth[SPEC] = 200};
    ck_assert_int_eq(kw_plan_judge(&plan, &objective, &limits, &options, &alone), 0);
    ck_assert_int_eq(alone.verdict, KW_PLAN_HOLDS);
    ck_assert_uint_eq(alone.settings.depth[SPEC], 200);
    plan.settings.depth[SPEC] = 4;
    ck_assert_int_eq(kw_plan_judge(&plan, &objective, &limits, &options, &alone), 0);
    ck_assert_int_eq(alone.verdict, KW_PLAN_UNREACHABLE);
    ck_assert_str_eq(alone.why, "these settings do not hold the objective for RSA_2048");
    ck_assert(alone.estimate.spec[SPEC].miss_share.value > 0.05);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_a_machine_sees_its_share);
    tcase_add_test(tcase, test_least_machines);
    tcase_add_test(tcase, test_a_million_a_second_on_thousands);
    tcase_add_test(tcase, test_out_of_reach);
    tcase_add_test(tcase, test_given_settings_are_judged);
}

int main(void)
{
    return kw_suite_run("tools/plan/fleet", add, 60);
}
