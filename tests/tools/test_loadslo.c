#include "tools/loadslo.h"

#include "tests/support/suite.h"
#include "tools/loadtally.h"

#include <math.h>
#include <stdio.h>

static struct kw_load_tally tally;

/* A thousand requests in a second, from 1 to 1000 us. */
static void fill(uint64_t good)
{
    kw_load_tally_init(&tally);
    for (uint64_t i = 1; i <= good; i++)
        kw_hdr_record(&tally.latency, i * 1000);
    tally.due = 1000;
    tally.good = good;
    tally.seconds = tally.span = 1;
    kw_load_tally_error(&tally, "ThrottlingException", 1000 - good);
}

static bool met(const char *text)
{
    struct kw_load_slo slo;

    ck_assert_msg(kw_load_slo_parse(text, &slo) == 0, "%s", text);
    ck_assert_str_eq(slo.text, text);
    return kw_load_slo_met(&slo, &tally);
}

START_TEST(test_latency)
{
    fill(1000);
    ck_assert(met("p50<0.6ms") && !met("p50<400us"));
    ck_assert(met("p99<1ms") && !met("p99<0.98ms") && met("p99<1s") && met("p99.9<=1000000ns"));
    ck_assert(met("max<2ms") && !met("max<1ms") && met("max<=1ms"));
    ck_assert(met("mean<501us") && !met("mean<500us") && met("mean>500us"));
}
END_TEST

/* A quick refusal is no quick answer. */
START_TEST(test_failures)
{
    fill(990);
    ck_assert(met("p99<1ms") && !met("p99.5<1s") && !met("max<100s") && !met("mean<100s"));
    ck_assert(met("errors<1.1%") && !met("errors<1%") && met("errors<=1%"));
    fill(0);
    ck_assert(!met("p1<100s") && !met("rate>=1%") && met("errors>99%"));
    kw_load_tally_init(&tally);
    ck_assert(!met("p50<100s") && !met("max<100s") && !met("errors<1%") && !met("rate>1%"));
}
END_TEST

START_TEST(test_shares)
{
    fill(1000);
    tally.misses = 5;
    ck_assert(met("misses<1%") && !met("misses<0.5%") && met("misses<=0.5%"));
    ck_assert(met("rate>=99%"));
    tally.span = 2; /* the last answer came a second late */
    ck_assert(!met("rate>=99%") && met("rate>=50%"));
}
END_TEST

START_TEST(test_malformed)
{
    static const char *const wrong[] = {"", "p99", "p99<", "p99<1", "p99<1%", "p<1ms", "p101<1ms", "p0<1ms",
        "q99<1ms", "p99=1ms", "p99<-1ms", "p99<1msx", "errors<1", "errors<1ms", "rate>=99", "p99<<1ms",
        "pnan<1ms", "p99<infms", "p99<1e999ms", "aaaaaaaaaaaaaaaaaaaaaaaa<1ms",
        "p99<1.00000000000000000000000000000000000000000000000000ms"};
    struct kw_load_slo slo;

    for (unsigned i = 0; i < KW_ARRAY_LEN(wrong); i++)
        ck_assert_msg(kw_load_slo_parse(wrong[i], &slo) == 1, "%s", wrong[i]);
}
END_TEST

/* Types that nobody expected do not cost memory. */
START_TEST(test_many_errors)
{
    char name[32];
    uint64_t sum = 0;

    kw_load_tally_init(&tally);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "Error%u", i);
        kw_load_tally_error(&tally, name, 2);
    }
    ck_assert_uint_eq(tally.failed, 200);
    ck_assert_uint_eq(tally.num_errors, KW_LOAD_ERRORS_MAX + 1);
    ck_assert_str_eq(tally.errors[KW_LOAD_ERRORS_MAX].name, "other");
    for (unsigned i = 0; i < tally.num_errors; i++)
        sum += tally.errors[i].num;
    ck_assert_uint_eq(sum, 200);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_latency);
    tcase_add_test(tcase, test_failures);
    tcase_add_test(tcase, test_shares);
    tcase_add_test(tcase, test_malformed);
    tcase_add_test(tcase, test_many_errors);
}

int main(void)
{
    return kw_suite_run("loadslo", add, 60);
}
