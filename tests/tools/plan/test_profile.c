#include "tools/plan/profile.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"
#include "tools/plan/measure.h"
#include "tools/plan/samples.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static struct kw_plan_profile profile, again;
static char why[300];

static void set_up(void)
{
    profile = (struct kw_plan_profile){.cpu_model = "a \"CPU\"", .path = KW_CPU_PORTABLE, .cores = 2};
    kw_plan_make_exponential(&profile.make[KW_SPEC_RSA_3072], 0.02, 4);
    profile.make[KW_SPEC_RSA_3072].all_mean_s = 0.03;
    kw_plan_make_steady(&profile.make[KW_SPEC_ECC_NIST_P256], 20e-6, 64);
}

START_TEST(test_batches_are_seen)
{
    double times_s[400], scratch[400];
    struct kw_plan_make make;

    /* The first batch was half out already; every other one takes twice as long. */
    for (size_t i = 0; i < 400; i++)
        times_s[i] = i % 4 == 2 ? (i % 8 == 2 ? 0.02 : 0.04) : 1e-6;
    ck_assert_uint_eq(kw_plan_samples_batch(times_s, 400), 4);
    kw_plan_samples_make(times_s, 400, scratch, &make);
    ck_assert_uint_eq(make.batch, 4);
    ck_assert_double_eq_tol(make.mean_s, 0.03 / 4, 1e-5);
    ck_assert_double_eq_tol(make.quantiles[0], 2.0 / 3, 1e-3);
    ck_assert_double_eq_tol(make.quantiles[KW_PLAN_QUANTILES - 1], 4.0 / 3, 1e-3);
    for (size_t i = 0; i < 400; i++)
        times_s[i] = 0.01;
    ck_assert_uint_eq(kw_plan_samples_batch(times_s, 400), 1);
    kw_plan_samples_make(times_s, 1, scratch, &make);
    ck_assert_double_eq_tol(make.mean_s, 0.01, 1e-12);
    ck_assert_double_eq_tol(make.quantiles[7], 1, 1e-12);
}
END_TEST

START_TEST(test_there_and_back)
{
    char path[] = "/tmp/keywell-profile-XXXXXX";
    int fd = mkstemp(path);

    set_up();
    close(fd);
    ck_assert_int_eq(kw_plan_profile_save(path, &profile, why, sizeof(why)), 0);
    ck_assert_int_eq(kw_plan_profile_load(path, &again, why, sizeof(why)), 0);
    ck_assert_str_eq(again.cpu_model, profile.cpu_model);
    ck_assert_uint_eq(again.cores, 2);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_plan_make *a = &again.make[spec], *b = &profile.make[spec];

        ck_assert_uint_eq(a->batch, b->batch);
        ck_assert_double_eq_tol(a->mean_s, b->mean_s, 1e-9);
        ck_assert_double_eq_tol(a->all_mean_s, b->all_mean_s, 1e-9);
        for (unsigned i = 0; i < KW_PLAN_QUANTILES; i++)
            ck_assert(fabs(a->quantiles[i] - b->quantiles[i]) < 1e-6);
    }
    unlink(path);
    ck_assert_int_eq(kw_plan_profile_load(path, &again, why, sizeof(why)), 1);
    ck_assert_str_eq(why, "No such file or directory");
    ck_assert_int_eq(kw_plan_profile_save("/nonexistent/x", &profile, why, sizeof(why)), 1);
}
END_TEST

static void expect_refused(const char *text, const char *says)
{
    why[0] = '\0';
    again.cores = 77;
    ck_assert_int_eq(kw_plan_profile_parse(KW_BYTES(text, strlen(text)), &again, why, sizeof(why)), 1);
    ck_assert_msg(strstr(why, says) != NULL, "%s: %s", text, why);
    ck_assert_uint_eq(again.cores, 77);
}

START_TEST(test_what_is_refused)
{
#define HEAD "{\"format\":\"keywell-plan-profile-1\",\"cpu\":\"c\",\"path\":\"portable\",\"cores\":1,"
    expect_refused("", "not a JSON object");
    expect_refused("[]", "not a JSON object");
    expect_refused("{}", "format");
    expect_refused("{\"format\":1}", "format");
    expect_refused("{\"format\":\"keywell-plan-profile-1\"}", "cpu");
    expect_refused(
        "{\"format\":\"keywell-plan-profile-1\",\"cpu\":\"c\",\"path\":\"x\",\"cores\":1}", "path");
    expect_refused(
        "{\"format\":\"keywell-plan-profile-1\",\"cpu\":\"c\",\"path\":\"portable\",\"cores\":257}", "cores");
    expect_refused(HEAD "\"specs\":{}}", "no spec");
    expect_refused(HEAD "\"specs\":3}", "no spec");
    expect_refused(HEAD "\"specs\":{\"RSA_1024\":{}}}", "names a spec");
    expect_refused(HEAD "\"specs\":{\"RSA_2048\":{}}}", "time per pair");
    expect_refused(HEAD "\"specs\":{\"RSA_2048\":{\"mean_s\":-1,\"all_mean_s\":1}}}", "time per pair");
    expect_refused(HEAD "\"specs\":{\"RSA_2048\":{\"mean_s\":1,\"all_mean_s\":1,\"batch\":0}}}", "batch");
    expect_refused(HEAD
        "\"specs\":{\"RSA_2048\":{\"mean_s\":1,\"all_mean_s\":1,\"batch\":1,\"quantiles\":[1]}}}",
        "quantiles");
}
END_TEST

START_TEST(test_another_machine)
{
    set_up();
    ck_assert_int_eq(kw_plan_profile_matches(&profile, "a \"CPU\"", KW_CPU_PORTABLE, 2, why, sizeof(why)), 0);
    ck_assert_int_eq(kw_plan_profile_matches(&profile, "another", KW_CPU_PORTABLE, 2, why, sizeof(why)), 1);
    ck_assert_ptr_nonnull(strstr(why, "another machine"));
    ck_assert_int_eq(
        kw_plan_profile_matches(&profile, "a \"CPU\"", KW_CPU_AVX512IFMA, 2, why, sizeof(why)), 1);
    ck_assert_int_eq(kw_plan_profile_matches(&profile, "a \"CPU\"", KW_CPU_PORTABLE, 3, why, sizeof(why)), 1);
    ck_assert_ptr_nonnull(strstr(why, "this one is a \"CPU\", 3 cores, path portable"));
}
END_TEST

static bool enough(void *user, double done, double total, const char *what)
{
    ck_assert(done <= total && what != NULL);
    return ++*(unsigned *)user < 2;
}

/* The machine this runs on: what is cheap takes little. */
START_TEST(test_measured)
{
    struct kw_cpus cpus;
    unsigned calls = 0;
    struct kw_plan_measure_options options = {
        .path = kw_cpu_detect(), .cpus = &cpus, .seconds = 0.1, .wanted[KW_SPEC_ECC_NIST_P256] = true};

    ck_assert_int_eq(kw_crypto_init(), 0);
    ck_assert_int_eq(kw_cpus_allowed(&cpus), 0);
    cpus.num = KW_MIN(cpus.num, 2u);
    ck_assert_int_eq(kw_plan_measure(&options, &profile), 0);
    printf("P-256: %.1f us alone, %.1f with all, batches of %u\n",
        profile.make[KW_SPEC_ECC_NIST_P256].mean_s * 1e6,
        profile.make[KW_SPEC_ECC_NIST_P256].all_mean_s * 1e6, profile.make[KW_SPEC_ECC_NIST_P256].batch);
    ck_assert(profile.make[KW_SPEC_ECC_NIST_P256].mean_s > 1e-6);
    ck_assert(profile.make[KW_SPEC_ECC_NIST_P256].mean_s < 0.1);
    ck_assert(profile.make[KW_SPEC_ECC_NIST_P256].all_mean_s > 1e-6);
    ck_assert_double_eq(profile.make[KW_SPEC_RSA_2048].mean_s, 0);
    ck_assert_uint_eq(profile.cores, cpus.num);
    options.progress = enough;
    options.user = &calls;
    options.seconds = 5;
    ck_assert_int_eq(kw_plan_measure(&options, &profile), -ECANCELED);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_batches_are_seen);
    tcase_add_test(tcase, test_there_and_back);
    tcase_add_test(tcase, test_what_is_refused);
    tcase_add_test(tcase, test_another_machine);
    tcase_add_test(tcase, test_measured);
}

int main(void)
{
    return kw_suite_run("tools/plan/profile", add, 60);
}
