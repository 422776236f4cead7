#include "tools/doctor.h"

#include "tests/support/suite.h"
#include "tools/terminal.h"

#include <stdio.h>

static struct kw_finding findings[KW_DOCTOR_FINDINGS];

/* A machine of which there is nothing to complain. */
static struct kw_machine good(void)
{
    return (struct kw_machine){
        .prepared = true,
        .dontdump = true,
        .memlock = KW_DOCTOR_UNLIMITED,
        .pool_bytes = 8u << 20,
        .ring = true,
        .cpu_path = KW_CPU_AVX512IFMA,
        .cpu_model = "a CPU",
        .cores = 4,
        .idle = true,
        .may_raise = true,
        .disk = "/data",
        .commits = 200,
        .commit_median_us = 150,
        .commit_p99_us = 400,
        .clock_known = true,
        .clock_synchronised = true,
        .clock_error_s = 0.01,
        .files = 20000,
        .pages = KW_DOCTOR_PAGES_OFFERED,
    };
}

static const struct kw_finding *find(const char *check)
{
    for (size_t i = 0; i < KW_DOCTOR_FINDINGS; i++) {
        if (strcmp(findings[i].check, check) == 0)
            return &findings[i];
    }
    ck_abort_msg("no finding %s", check);
    return NULL;
}

/* This check, and no other, has the verdict, and says what to do. */
static void expect(
    const struct kw_machine *machine, const char *check, enum kw_verdict verdict, const char *word)
{
    const struct kw_finding *finding;

    ck_assert_msg(kw_doctor_judge(machine, findings) == verdict, "%s", check);
    finding = find(check);
    ck_assert_msg(finding->verdict == verdict, "%s: %s", check, finding->what);
    ck_assert_msg(strstr(finding->advice, word) != NULL, "%s: %s", check, finding->advice);
    for (size_t i = 0; i < KW_DOCTOR_FINDINGS; i++)
        ck_assert(&findings[i] == finding || findings[i].verdict == KW_VERDICT_OK);
}

START_TEST(test_good)
{
    struct kw_machine machine = good();

    ck_assert_int_eq(kw_doctor_judge(&machine, findings), KW_VERDICT_OK);
    for (size_t i = 0; i < KW_DOCTOR_FINDINGS; i++) {
        ck_assert_str_ne(findings[i].what, "");
        ck_assert_str_eq(findings[i].advice, "");
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(findings[i].check, findings[j].check);
    }
}
END_TEST

START_TEST(test_process)
{
    struct kw_machine machine = good();

    machine.prepared = false;
    snprintf(machine.prepare_why, sizeof(machine.prepare_why), "the known-answer test of X failed");
    expect(&machine, "self-test", KW_VERDICT_FAIL, "KEYWELL_CPU=portable");
    ck_assert_str_eq(find("self-test")->what, machine.prepare_why);
    machine = good();
    machine.dumpable = true;
    expect(&machine, "core dumps", KW_VERDICT_FAIL, "seccomp");
    machine = good();
    machine.dontdump = false;
    expect(&machine, "core dumps", KW_VERDICT_WARN, "kernel");
}
END_TEST

START_TEST(test_limits)
{
    struct kw_machine machine = good();

    machine.memlock = machine.pool_bytes;
    ck_assert_int_eq(kw_doctor_judge(&machine, findings), KW_VERDICT_OK);
    machine.memlock--;
    machine.swap = true;
    expect(&machine, "locked memory", KW_VERDICT_WARN, "LimitMEMLOCK");
    ck_assert_ptr_null(strstr(find("locked memory")->what, "no swap"));
    machine.swap = false;
    expect(&machine, "locked memory", KW_VERDICT_WARN, "LimitMEMLOCK");
    ck_assert_ptr_nonnull(strstr(find("locked memory")->what, "no swap"));
    machine = good();
    machine.files = 10256;
    ck_assert_int_eq(kw_doctor_judge(&machine, findings), KW_VERDICT_OK);
    machine.files = 10255;
    expect(&machine, "open files", KW_VERDICT_WARN, "LimitNOFILE");
    machine.files = KW_DOCTOR_UNLIMITED;
    ck_assert_int_eq(kw_doctor_judge(&machine, findings), KW_VERDICT_OK);
}
END_TEST

START_TEST(test_ring)
{
    struct kw_machine machine = good();

    /* Forbidden to others does not matter. */
    machine.ring_disabled = 1;
    ck_assert_int_eq(kw_doctor_judge(&machine, findings), KW_VERDICT_OK);
    machine.ring = false;
    machine.ring_disabled = 2;
    snprintf(machine.ring_why, sizeof(machine.ring_why), "io_uring cannot be used here");
    expect(&machine, "io_uring", KW_VERDICT_FAIL, "kernel.io_uring_disabled=0");
    machine.ring_disabled = 0;
    machine.seccomp = 2;
    expect(&machine, "io_uring", KW_VERDICT_FAIL, "seccomp profile");
    machine.seccomp = 0;
    machine.ring_disabled = -1;
    expect(&machine, "io_uring", KW_VERDICT_FAIL, "Linux 6.1");
}
END_TEST

START_TEST(test_cores)
{
    struct kw_machine machine = good();

    machine.cpu_path = KW_CPU_PORTABLE;
    expect(&machine, "CPU path", KW_VERDICT_WARN, "AVX-512 IFMA");
    machine.cpu_result = KW_CPU_UNAVAILABLE;
    machine.cpu_mask = "avx512ifma";
    expect(&machine, "CPU path", KW_VERDICT_FAIL, "portable");
    machine = good();
    machine.cores = 1;
    expect(&machine, "cores", KW_VERDICT_WARN, "two are better");
    machine.cores = 4;
    machine.quota_cores = 4;
    ck_assert_int_eq(kw_doctor_judge(&machine, findings), KW_VERDICT_OK);
    machine.quota_cores = 3.5;
    expect(&machine, "cores", KW_VERDICT_WARN, "--cpu-share");
    machine = good();
    machine.may_raise = false;
    expect(&machine, "idle priority", KW_VERDICT_WARN, "LimitNICE");
    machine.idle = false;
    expect(&machine, "idle priority", KW_VERDICT_WARN, "sched_setscheduler");
    machine = good();
    machine.autogroup = true;
    expect(&machine, "autogroup", KW_VERDICT_WARN, "sched_autogroup_enabled");
}
END_TEST

START_TEST(test_disk)
{
    struct kw_machine machine = good();

    machine.commit_median_us = 5000;
    machine.commit_p99_us = 50000;
    ck_assert_int_eq(kw_doctor_judge(&machine, findings), KW_VERDICT_OK);
    machine.commit_median_us = 5001;
    expect(&machine, "disk commit", KW_VERDICT_WARN, "SSD");
    machine.commit_median_us = 100;
    machine.commit_p99_us = 50001;
    expect(&machine, "disk commit", KW_VERDICT_WARN, "SSD");
    machine.disk_memory = true;
    expect(&machine, "disk commit", KW_VERDICT_WARN, "gone");
    machine.disk_error = -EACCES;
    expect(&machine, "disk commit", KW_VERDICT_FAIL, "--data");
}
END_TEST

START_TEST(test_clock)
{
    struct kw_machine machine = good();

    machine.clock_synchronised = false;
    expect(&machine, "clock", KW_VERDICT_WARN, "chronyd");
    machine.clock_known = false;
    expect(&machine, "clock", KW_VERDICT_WARN, "chronyd");
    machine = good();
    machine.clock_step_s = 0.2;
    expect(&machine, "clock", KW_VERDICT_WARN, "chronyd");
    machine.clock_step_s = -0.2;
    expect(&machine, "clock", KW_VERDICT_WARN, "chronyd");
    machine = good();
    machine.clock_error_s = 31;
    expect(&machine, "clock", KW_VERDICT_WARN, "chronyd");
}
END_TEST

START_TEST(test_worst_wins)
{
    struct kw_machine machine = good();

    machine.autogroup = true;
    machine.ring = false;
    machine.pages = KW_DOCTOR_PAGES_NEVER;
    ck_assert_int_eq(kw_doctor_judge(&machine, findings), KW_VERDICT_FAIL);
    ck_assert_int_eq(find("huge pages")->verdict, KW_VERDICT_WARN);
    ck_assert_str_eq(kw_verdict_name(KW_VERDICT_OK), "ok");
    ck_assert_str_eq(kw_verdict_name(KW_VERDICT_WARN), "warn");
    ck_assert_str_eq(kw_verdict_name(KW_VERDICT_FAIL), "fail");
}
END_TEST

START_TEST(test_json)
{
    struct kw_machine machine = good();
    enum kw_verdict worst;
    json_t *value, *first;

    machine.autogroup = true;
    worst = kw_doctor_judge(&machine, findings);
    value = kw_doctor_json(&machine, findings, worst);
    ck_assert_str_eq(json_string_value(json_object_get(value, "verdict")), "warn");
    ck_assert_uint_eq(json_array_size(json_object_get(value, "findings")), KW_DOCTOR_FINDINGS);
    first = json_array_get(json_object_get(value, "findings"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "verdict")), "ok");
    ck_assert_ptr_null(json_object_get(first, "advice"));
    ck_assert(json_is_null(json_object_get(json_object_get(value, "machine"), "memlock_bytes")));
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(value, "machine"), "open_files")), 20000);
    json_decref(value);
}
END_TEST

START_TEST(test_percentile)
{
    double samples[200];

    for (unsigned i = 0; i < KW_ARRAY_LEN(samples); i++)
        samples[i] = i + 1;
    ck_assert(kw_doctor_percentile(samples, 200, 50) == 100);
    ck_assert(kw_doctor_percentile(samples, 200, 99) == 198);
    ck_assert(kw_doctor_percentile(samples, 10, 99) == 10);
    ck_assert(kw_doctor_percentile(samples, 1, 50) == 1);
    ck_assert(kw_doctor_percentile(samples, 3, 0) == 1);
    ck_assert(kw_doctor_percentile(samples, 3, 100) == 3);
}
END_TEST

START_TEST(test_quota)
{
    static const char *const none[] = {"", "max 100000\n", "-1 100000", "50000", "50000 ", "50000 0",
        "50000 x", "inf 100000", "nan 100000", "50000\t100000", " 50000 100000", "1e300 1"};

    ck_assert(kw_doctor_quota("50000 100000\n") == 0.5);
    ck_assert(kw_doctor_quota("150000 100000") == 1.5);
    for (size_t i = 0; i < KW_ARRAY_LEN(none); i++)
        ck_assert_msg(kw_doctor_quota(none[i]) == 0, "%s", none[i]);
}
END_TEST

START_TEST(test_colours)
{
    ck_assert(kw_terminal_colours(true, false, NULL, "xterm"));
    ck_assert(kw_terminal_colours(true, false, "", NULL));
    ck_assert(!kw_terminal_colours(true, false, "1", "xterm"));
    ck_assert(!kw_terminal_colours(true, true, NULL, "xterm"));
    ck_assert(!kw_terminal_colours(false, false, NULL, "xterm"));
    ck_assert(!kw_terminal_colours(true, false, NULL, "dumb"));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_good);
    tcase_add_test(tcase, test_process);
    tcase_add_test(tcase, test_limits);
    tcase_add_test(tcase, test_ring);
    tcase_add_test(tcase, test_cores);
    tcase_add_test(tcase, test_disk);
    tcase_add_test(tcase, test_clock);
    tcase_add_test(tcase, test_worst_wins);
    tcase_add_test(tcase, test_json);
    tcase_add_test(tcase, test_percentile);
    tcase_add_test(tcase, test_quota);
    tcase_add_test(tcase, test_colours);
}

int main(void)
{
    return kw_suite_run("doctor", add, 20);
}
