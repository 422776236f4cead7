#include "tools/plan/trace.h"

#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct kw_plan_trace trace;
static char why[700];

static int read_text(const char *text)
{
    char path[] = "/tmp/keywell-trace-XXXXXX";
    int fd = mkstemp(path), r;

    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    kw_plan_trace_done(&trace);
    why[0] = '\0';
    r = kw_plan_trace_read_csv(&trace, path, why, sizeof(why));
    unlink(path);
    return r;
}

START_TEST(test_times_and_specs)
{
    struct kw_plan_demand demands[KW_SPEC_NUM] = {{.kind = KW_PLAN_NONE}};

    ck_assert_int_eq(read_text("time,spec\n# a comment\n\n12.5,RSA_2048\n10,ECC_NIST_P256\r\n \"11\" , "
                               "\"RSA_2048\"\n14,RSA_2048"),
        0);
    ck_assert_uint_eq(trace.num, 4);
    ck_assert_uint_eq(trace.spec[KW_SPEC_RSA_2048].num, 3);
    ck_assert_double_eq(trace.spec[KW_SPEC_RSA_2048].times_s[0], 1);
    ck_assert_double_eq(trace.spec[KW_SPEC_RSA_2048].times_s[2], 4);
    ck_assert_double_eq(trace.spec[KW_SPEC_ECC_NIST_P256].times_s[0], 0);
    /* Four requests in 4 s, and a mean gap. */
    ck_assert_double_eq_tol(trace.period_s, 4.0 * 4 / 3, 1e-12);
    kw_plan_trace_demands(&trace, demands);
    ck_assert_int_eq(demands[KW_SPEC_RSA_2048].kind, KW_PLAN_TRACE);
    ck_assert_int_eq(demands[KW_SPEC_RSA_3072].kind, KW_PLAN_NONE);
    ck_assert_ptr_null(kw_plan_demand_check(&demands[KW_SPEC_RSA_2048]));
    ck_assert_double_eq_tol(kw_plan_demand_mean(&demands[KW_SPEC_RSA_2048]), 3 / trace.period_s, 1e-12);
    ck_assert_int_eq(read_text("2026-01-02T03:04:05.5Z,RSA_2048\n2026-01-02T04:04:05Z,RSA_2048\n"), 0);
    ck_assert_double_eq_tol(trace.spec[KW_SPEC_RSA_2048].times_s[1], 3599.5, 1e-6);
    kw_plan_trace_done(&trace);
}
END_TEST

static const char *const wrong[][2] = {
    {"", "the trace is empty"},
    {"time,spec\n", "the trace is empty"},
    {"5,RSA_2048\n5,RSA_2048\n", "at one moment"},
    {"5,RSA_2048\n", "at one moment"},
    {"1,RSA_2048\n2;RSA_2048\n", ":2: the line is not TIME,SPEC"},
    {"1,RSA_2048\n2,RSA_2049\n", ":2: the line has a spec that there is not"},
    {"-1,RSA_2048\n", ":1: the line has a time that is negative"},
    {"x,RSA_2048\n", ":1: the line has a time"},
    {"2026-13-02T03:04:05Z,RSA_2048\n", ":1: the line has a time"},
    {"2026-01-02T03:04:05+01:00,RSA_2048\n", ":1: the line has a time"},
};

START_TEST(test_what_is_refused)
{
    char longer[400];

    for (size_t i = 0; i < KW_ARRAY_LEN(wrong); i++) {
        ck_assert_msg(read_text(wrong[i][0]) == 1, "%s", wrong[i][0]);
        ck_assert_msg(strstr(why, wrong[i][1]) != NULL, "%s: %s", wrong[i][0], why);
    }
    memset(longer, '1', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_int_eq(read_text(longer), 1);
    kw_plan_trace_done(&trace);
    ck_assert_int_eq(kw_plan_trace_read_csv(&trace, "/nonexistent", why, sizeof(why)), 1);
    ck_assert_str_eq(why, "/nonexistent: No such file or directory");
    ck_assert_int_eq(kw_plan_trace_read_audit(&trace, "/nonexistent", why, sizeof(why)), 1);
    ck_assert_ptr_nonnull(strstr(why, "/nonexistent"));
}
END_TEST

/* Members of an encryption context are the caller's: they cannot pass for the record's own. */
START_TEST(test_records)
{
    const char *good =
        "{\"eventTime\":\"2026-01-02T03:04:05.678Z\",\"eventName\":\"GenerateDataKeyPairWithoutPlaintext\","
        "\"requestParameters\":{\"encryptionContext\":{\"keyPairSpec\":\"RSA_4096\",\"eventName\":"
        "\"Decrypt\"},"
        "\"keyPairSpec\":\"RSA_2048\"}}";
    const char *other =
        "{\"eventTime\":\"2026-01-02T03:04:05.678Z\",\"eventName\":\"Decrypt\",\"requestParameters\":{"
        "\"keyPairSpec\":\"RSA_2048\"}}";
    enum kw_spec spec = KW_SPEC_NUM;
    double time_s = 0;

    ck_assert_int_eq(kw_plan_trace_record(kw_bytes_str(good), &spec, &time_s), 0);
    ck_assert_int_eq(spec, KW_SPEC_RSA_2048);
    ck_assert_double_eq_tol(time_s, 1767323045.678, 1e-3);
    ck_assert_int_eq(kw_plan_trace_record(kw_bytes_str(other), &spec, &time_s), 1);
    ck_assert_int_eq(kw_plan_trace_record(kw_bytes_str("[]"), &spec, &time_s), 1);
    ck_assert_int_eq(kw_plan_trace_record(kw_bytes_str(""), &spec, &time_s), 1);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_times_and_specs);
    tcase_add_test(tcase, test_what_is_refused);
    tcase_add_test(tcase, test_records);
}

int main(void)
{
    return kw_suite_run("tools/plan/trace", add, 60);
}
