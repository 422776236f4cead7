#include "tools/loadarrivals.h"

#include "tests/support/suite.h"

#include <math.h>

#define SECOND UINT64_C(1000000000)

START_TEST(test_equal_gaps_do_not_drift)
{
    struct kw_load_arrivals arrivals;

    kw_load_arrivals_init(&arrivals, false, 1e9 / 3, 0, 0, 0);
    for (uint64_t i = 1; i <= 3000; i++)
        ck_assert_uint_eq(kw_load_arrivals_next(&arrivals), (uint64_t)((double)i * (1e9 / 3)));
}
END_TEST

/* Of an exponential distribution the standard deviation is the mean, and 1 - 1/e are below it. */
START_TEST(test_poisson_gaps_are_exponential)
{
    struct kw_load_arrivals arrivals;
    const unsigned num = 200000;
    double sum = 0, squares = 0;
    unsigned below = 0;
    uint64_t last = 0;

    kw_load_arrivals_init(&arrivals, true, 1e6, 0, 0, 7);
    for (unsigned i = 0; i < num; i++) {
        uint64_t due = kw_load_arrivals_next(&arrivals);
        double gap = (double)(due - last);

        ck_assert_uint_ge(due, last);
        last = due;
        sum += gap;
        squares += gap * gap;
        below += gap < 1e6;
    }
    ck_assert_double_eq_tol(sum / num, 1e6, 1e4);
    ck_assert_double_eq_tol(sqrt(squares / num - (sum / num) * (sum / num)), 1e6, 2e4);
    ck_assert_double_eq_tol((double)below / num, 1 - exp(-1), 0.005);
}
END_TEST

START_TEST(test_bursts_keep_the_mean_and_the_quiet)
{
    for (unsigned poisson = 0; poisson < 2; poisson++) {
        struct kw_load_arrivals arrivals;
        uint64_t due, last = 0, num = 0;

        kw_load_arrivals_init(&arrivals, poisson > 0, 1e6, SECOND / 4, 3 * SECOND / 4, 3);
        while ((due = kw_load_arrivals_next(&arrivals)) < 100 * SECOND) {
            ck_assert_uint_lt(due % SECOND, SECOND / 4);
            ck_assert_uint_ge(due, last);
            last = due;
            num++;
        }
        /* 100000 are expected; 5 standard deviations of a Poisson number are 1581. */
        ck_assert_uint_ge(num, 100000 - (poisson > 0 ? 1581 : 1));
        ck_assert_uint_le(num, 100000 + (poisson > 0 ? 1581 : 1));
    }
}
END_TEST

START_TEST(test_seeds_tell_streams_apart)
{
    struct kw_load_arrivals one, same, other;
    unsigned equal = 0;

    kw_load_arrivals_init(&one, true, 1e6, 0, 0, 5);
    kw_load_arrivals_init(&same, true, 1e6, 0, 0, 5);
    kw_load_arrivals_init(&other, true, 1e6, 0, 0, 6);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t due = kw_load_arrivals_next(&one);

        ck_assert_uint_eq(due, kw_load_arrivals_next(&same));
        equal += due == kw_load_arrivals_next(&other);
    }
    ck_assert_uint_eq(equal, 0);
}
END_TEST

/* (seed + 1) times an odd number is 0 for one seed only. */
START_TEST(test_the_seed_whose_state_is_zero)
{
    struct kw_load_arrivals arrivals;

    kw_load_arrivals_init(&arrivals, true, 1e6, 0, 0, UINT64_MAX);
    ck_assert_uint_ne(kw_load_random(&arrivals.random), 0);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_equal_gaps_do_not_drift);
    tcase_add_test(tcase, test_poisson_gaps_are_exponential);
    tcase_add_test(tcase, test_bursts_keep_the_mean_and_the_quiet);
    tcase_add_test(tcase, test_seeds_tell_streams_apart);
    tcase_add_test(tcase, test_the_seed_whose_state_is_zero);
}

int main(void)
{
    return kw_suite_run("loadarrivals", add, 60);
}
