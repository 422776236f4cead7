#include "tools/plan/report.h"

#include "tests/support/suite.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#define SPEC  KW_SPEC_RSA_2048
#define OTHER KW_SPEC_ECC_NIST_EDWARDS25519

static struct kw_plan_profile profile;
static struct kw_plan_case plan;
static struct kw_plan_objective objective;
static struct kw_plan_limits limits;
static struct kw_plan_solver_options options;
static struct kw_plan_answer answer;
static struct kw_plan_fleet_answer fleet;
static struct kw_plan_report report;

static void ask_for(enum kw_spec spec, double make_s, double rate_per_s)
{
    kw_plan_make_exponential(&profile.make[spec], make_s, 1);
    plan.demand[spec] =
        (struct kw_plan_demand){.kind = KW_PLAN_POISSON, .scale = 1, .rate_per_s = rate_per_s};
    objective.value[spec] = 0.02;
}

static void set_up(void)
{
    profile = (struct kw_plan_profile){.cpu_model = "a \"CPU\" <1>", .cores = 2};
    plan = (struct kw_plan_case){.profile = &profile, .settings.cpu_share = 1};
    objective = (struct kw_plan_objective){.kind = KW_PLAN_MISS_SHARE};
    limits = (struct kw_plan_limits){.cores_max = 4, .cost_per_core_hour = 0.05};
    options = (struct kw_plan_solver_options){.effort = {.seed = 3, .requests = 20000}};
    ask_for(SPEC, 0.01, 80);
    ask_for(OTHER, 1e-4, 500);
}

static void solve(void)
{
    ck_assert_int_eq(kw_plan_solve(&plan, &objective, &limits, &options, &answer), 0);
    report = (struct kw_plan_report){
        .of = &plan, .objective = &objective, .limits = &limits, .answer = &answer, .seed = 3};
    ck_assert_int_eq(kw_plan_report_plots(&report, &options.effort), 0);
}

typedef void writer(FILE *file, const struct kw_plan_report *report);

/* free() it. No number in it may be none. */
static char *written(writer *write)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(file);
    write(file, &report);
    fclose(file);
    ck_assert_ptr_null(strstr(text, "nan"));
    ck_assert_ptr_null(strstr(text, "inf "));
    return text;
}

START_TEST(test_table)
{
    char *text;

    set_up();
    solve();
    text = written(kw_plan_report_table);
    ck_assert_ptr_nonnull(
        strstr(text, " hold the objective.\nObjective: at most 2 % of the requests for each spec miss"));
    ck_assert_ptr_nonnull(strstr(text, "\nECC_NIST_EDWARDS25519 "));
    ck_assert_ptr_nonnull(strstr(text, "\nx 0.5"));
    ck_assert_ptr_nonnull(strstr(text, "for a million pairs"));
    free(text);
}
END_TEST

START_TEST(test_json)
{
    json_t *root, *settings;
    char *text;

    set_up();
    solve();
    text = kw_plan_report_json(&report);
    root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(root);
    settings = json_object_get(root, "settings");
    ck_assert_str_eq(json_string_value(json_object_get(root, "format")), "keywell-plan-1");
    ck_assert_str_eq(json_string_value(json_object_get(root, "verdict")), "holds");
    ck_assert_int_eq(json_integer_value(json_object_get(settings, "cores")), answer.settings.cores);
    ck_assert_uint_eq(json_object_size(json_object_get(settings, "pools")), KW_SPEC_NUM);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(settings, "pools"), "RSA_2048")),
        answer.settings.depth[SPEC]);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(settings, "pools"), "RSA_4096")), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "sensitivity")), 2);
    ck_assert_uint_eq(
        json_array_size(json_object_get(json_object_get(json_object_get(root, "plots"), "burst"), "levels")),
        KW_PLAN_PLOT_POINTS);
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(root, "profile"), "cpu")), "a \"CPU\" <1>");
    json_decref(root);
    free(text);
}
END_TEST

START_TEST(test_drawing)
{
    char *text;

    set_up();
    solve();
    text = written(kw_plan_report_svg);
    ck_assert_ptr_nonnull(strstr(text, "</svg>"));
    ck_assert_ptr_nonnull(strstr(text, "Requests that miss the pool"));
    free(text);
}
END_TEST

/* The sentence says what would do, and a fleet speaks of its machines. */
START_TEST(test_out_of_reach_and_fleet)
{
    struct kw_plan_fleet asked = {.nodes = 0, .lost = 1};
    char *text;

    set_up();
    limits.cores_max = 1;
    ask_for(SPEC, 0.01, 300);
    solve();
    text = written(kw_plan_report_table);
    ck_assert_msg(strncmp(text, "The objective is out of reach with 1 core: ", 43) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "The best within the limits:"));
    free(text);
    ck_assert_int_eq(kw_plan_fleet_solve(&plan, &asked, &objective, &limits, &options, &fleet), 0);
    report.fleet = &fleet;
    report.answer = &fleet.node;
    text = written(kw_plan_report_table);
    ck_assert_ptr_nonnull(strstr(text, "machines, each with 1 core and pools of "));
    ck_assert_ptr_nonnull(strstr(text, "while 1 of them is lost"));
    free(text);
    text = kw_plan_report_json(&report);
    ck_assert_ptr_nonnull(strstr(text, "\"fleet\""));
    free(text);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_table);
    tcase_add_test(tcase, test_json);
    tcase_add_test(tcase, test_drawing);
    tcase_add_test(tcase, test_out_of_reach_and_fleet);
}

int main(void)
{
    return kw_suite_run("tools/plan/report", add, 60);
}
