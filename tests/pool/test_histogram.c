#include "pool/histogram.h"
#include "tests/pool/death.h"

#include <math.h>
#include <pthread.h>

START_TEST(test_bounds)
{
    ck_assert_double_eq_tol(kw_histogram_bound_s(0), 1e-6, 1e-15);
    ck_assert_double_eq_tol(kw_histogram_bound_s(25), 33.554432, 1e-9);
    ck_assert(isinf(kw_histogram_bound_s(KW_HISTOGRAM_BUCKETS - 1)));
    for (unsigned i = 1; i < KW_HISTOGRAM_BUCKETS; i++)
        ck_assert(kw_histogram_bound_s(i) > kw_histogram_bound_s(i - 1));
}
END_TEST

/* "Up to" its bound: the bound itself is the bucket's, one nanosecond more is the next one's. */
START_TEST(test_buckets)
{
    for (unsigned i = 0; i + 1 < KW_HISTOGRAM_BUCKETS; i++) {
        struct kw_histogram histogram = {0};
        uint64_t bound = UINT64_C(1000) << i;

        kw_histogram_record(&histogram, bound);
        kw_histogram_record(&histogram, bound + 1);
        ck_assert_uint_eq(atomic_load(&histogram.count[i]), 1);
        ck_assert_uint_eq(atomic_load(&histogram.count[i + 1]), 1);
        ck_assert_uint_eq(kw_histogram_total(&histogram), 2);
        ck_assert_uint_eq(atomic_load(&histogram.sum_ns), 2 * bound + 1);
    }
}
END_TEST

START_TEST(test_extremes)
{
    struct kw_histogram histogram = {0};

    kw_histogram_record(&histogram, 0);
    kw_histogram_record(&histogram, UINT64_MAX);
    ck_assert_uint_eq(atomic_load(&histogram.count[0]), 1);
    ck_assert_uint_eq(atomic_load(&histogram.count[KW_HISTOGRAM_BUCKETS - 1]), 1);
}
END_TEST

static void *record_many(void *histogram)
{
    for (unsigned i = 0; i < 20000; i++)
        kw_histogram_record(histogram, i);
    return NULL;
}

START_TEST(test_threads)
{
    struct kw_histogram histogram = {0};
    pthread_t threads[3];

    for (unsigned i = 0; i < KW_ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, record_many, &histogram), 0);
    for (unsigned i = 0; i < KW_ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(kw_histogram_total(&histogram), 60000);
    ck_assert_uint_eq(atomic_load(&histogram.sum_ns), UINT64_C(3) * 20000 * 19999 / 2);
}
END_TEST

static void bound_of(void *bucket)
{
    (void)kw_histogram_bound_s(*(unsigned *)bucket);
}

START_TEST(test_no_such_bucket)
{
    unsigned bucket = KW_HISTOGRAM_BUCKETS;

    ck_assert_int_eq(death_signal(bound_of, &bucket), SIGABRT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tcase = tcase_create("histogram");
    tcase_add_test(tcase, test_bounds);
    tcase_add_test(tcase, test_buckets);
    tcase_add_test(tcase, test_extremes);
    tcase_add_test(tcase, test_threads);
    tcase_add_test(tcase, test_no_such_bucket);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
