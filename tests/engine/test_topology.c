#include "engine/topology.h"

#include <check.h>
#include <sched.h>
#include <stdio.h>

static int parse(const char *text, struct kw_cpus *ret)
{
    return kw_cpus_parse(kw_bytes_str(text), ret);
}

static void check_cpus(const struct kw_cpus *cpus, const unsigned *expected, unsigned num)
{
    ck_assert_uint_eq(cpus->num, num);
    for (unsigned i = 0; i < num; i++)
        ck_assert_uint_eq(cpus->cpu[i], expected[i]);
}

START_TEST(allowed_is_the_affinity_mask)
{
    struct kw_cpus cpus;
    cpu_set_t set;
    unsigned at = 0;

    ck_assert_int_eq(kw_cpus_allowed(&cpus), 0);
    ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    ck_assert_uint_eq(cpus.num, KW_MIN((unsigned)CPU_COUNT(&set), KW_WORKERS_MAX));
    for (unsigned i = 0; i < CPU_SETSIZE && at < cpus.num; i++)
        if (CPU_ISSET(i, &set))
            ck_assert_uint_eq(cpus.cpu[at++], i);
    ck_assert_uint_eq(at, cpus.num);
}
END_TEST

START_TEST(allowed_follows_a_narrower_mask)
{
    struct kw_cpus all, one;
    cpu_set_t old, narrow;

    ck_assert_int_eq(kw_cpus_allowed(&all), 0);
    ck_assert_int_eq(sched_getaffinity(0, sizeof(old), &old), 0);
    CPU_ZERO(&narrow);
    CPU_SET(all.cpu[all.num - 1], &narrow);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(narrow), &narrow), 0);
    ck_assert_int_eq(kw_cpus_allowed(&one), 0);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(old), &old), 0);

    check_cpus(&one, &all.cpu[all.num - 1], 1);
    ck_assert(kw_cpus_within(&one, &all));
    ck_assert(all.num == 1 || !kw_cpus_within(&all, &one));
}
END_TEST

START_TEST(parse_takes_lists_and_ranges_in_any_order)
{
    struct kw_cpus cpus;

    ck_assert_int_eq(parse("0", &cpus), 0);
    check_cpus(&cpus, (const unsigned[]){0}, 1);
    ck_assert_int_eq(parse("0-3,6,8-9", &cpus), 0);
    check_cpus(&cpus, (const unsigned[]){0, 1, 2, 3, 6, 8, 9}, 7);
    ck_assert_int_eq(parse("9,4-5,007", &cpus), 0);
    check_cpus(&cpus, (const unsigned[]){4, 5, 7, 9}, 4);
    ck_assert_int_eq(parse("5-5", &cpus), 0);
    check_cpus(&cpus, (const unsigned[]){5}, 1);
    ck_assert_int_eq(parse("8191", &cpus), 0);
    check_cpus(&cpus, (const unsigned[]){8191}, 1);
}
END_TEST

START_TEST(parse_refuses_what_is_malformed)
{
    static const char *const texts[] = {
        "",
        ",",
        "1,",
        ",1",
        "1,,2",
        "-",
        "-1",
        "1-",
        "3-1",
        "1-2-3",
        "a",
        "1a",
        "0x1",
        " 1",
        "1 ",
        "1, 2",
        "1.5",
        "+1",
        "1;2",
        "1,1",
        "0-3,2",
        "2,0-3",
        "8192",
        "0-8192",
        "4294967296",
        "99999999999999999999999999",
    };
    struct kw_cpus cpus = {.num = 77};

    for (size_t i = 0; i < KW_ARRAY_LEN(texts); i++) {
        ck_assert_msg(parse(texts[i], &cpus) == 1, "'%s' was taken", texts[i]);
        ck_assert_uint_eq(cpus.num, 77);
    }
    ck_assert_int_eq(kw_cpus_parse(KW_BYTES("1\0"
                                            "2",
                                       3),
                         &cpus),
        1);
    ck_assert_int_eq(kw_cpus_parse(KW_BYTES(NULL, 0), &cpus), 1);
}
END_TEST

START_TEST(parse_takes_as_many_as_there_are_workers_and_no_more)
{
    struct kw_cpus cpus = {.num = 77};
    char text[32];

    snprintf(text, sizeof(text), "1-%u", KW_WORKERS_MAX + 1);
    ck_assert_int_eq(parse(text, &cpus), 1);
    ck_assert_uint_eq(cpus.num, 77);
    snprintf(text, sizeof(text), "1-%u", KW_WORKERS_MAX);
    ck_assert_int_eq(parse(text, &cpus), 0);
    ck_assert_uint_eq(cpus.num, KW_WORKERS_MAX);
    ck_assert_uint_eq(cpus.cpu[KW_WORKERS_MAX - 1], KW_WORKERS_MAX);
}
END_TEST

START_TEST(within_compares_sets)
{
    static const struct {
        const char *a, *b;
        bool within;
    } cases[] = {
        {"0", "0", true},
        {"1", "0-3", true},
        {"0,3", "0-3", true},
        {"0-3", "0-3", true},
        {"4", "0-3", false},
        {"0-3", "1-3", false},
        {"0-4", "0-3", false},
        {"2", "1,3", false},
        {"1,9", "0-5", false},
        {"0,2,4", "0-5", true},
    };
    struct kw_cpus a, b, none = {.num = 0};

    for (size_t i = 0; i < KW_ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(parse(cases[i].a, &a), 0);
        ck_assert_int_eq(parse(cases[i].b, &b), 0);
        ck_assert_int_eq(kw_cpus_within(&a, &b), cases[i].within);
        ck_assert(kw_cpus_within(&none, &a));
        ck_assert(!kw_cpus_within(&a, &none));
    }
}
END_TEST

START_TEST(stay_keeps_to_the_cores)
{
    struct kw_cpus all, one = {.num = 1}, now, none = {.num = 0};

    ck_assert_int_eq(kw_cpus_allowed(&all), 0);
    one.cpu[0] = all.cpu[all.num - 1];
    ck_assert_int_eq(kw_cpus_stay(&one), 0);
    ck_assert_int_eq(kw_cpus_allowed(&now), 0);
    ck_assert_uint_eq(now.num, 1);
    ck_assert_uint_eq(now.cpu[0], one.cpu[0]);
    ck_assert_int_eq(kw_cpus_stay(&none), -EINVAL);
    ck_assert_int_eq(kw_cpus_stay(&all), 0);
    ck_assert_int_eq(kw_cpus_allowed(&now), 0);
    ck_assert_uint_eq(now.num, all.num);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topology");
    TCase *tcase = tcase_create("topology");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, allowed_is_the_affinity_mask);
    tcase_add_test(tcase, allowed_follows_a_narrower_mask);
    tcase_add_test(tcase, parse_takes_lists_and_ranges_in_any_order);
    tcase_add_test(tcase, parse_refuses_what_is_malformed);
    tcase_add_test(tcase, parse_takes_as_many_as_there_are_workers_and_no_more);
    tcase_add_test(tcase, within_compares_sets);
    tcase_add_test(tcase, stay_keeps_to_the_cores);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
