#include "engine/maker.h"

#include "engine/crypto.h"
#include "tests/support/fake_generator.h"

#include <check.h>
#include <time.h>

#define MS 1000000u

static const enum kw_spec spec = KW_SPEC_RSA_2048;
static struct kw_pool *pool;
static struct kw_maker maker;

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * MS}, NULL);
}

static struct kw_pool_stats stats_of_pool(void)
{
    struct kw_pool_stats stats;

    kw_pool_stats(pool, &stats);
    return stats;
}

static void begin_with(unsigned together, uint32_t capacity, uint32_t spare)
{
    struct kw_pool_config config = {.spec = spec, .capacity = capacity, .spare_slots = spare};

    memset(fake, 0, sizeof(fake));
    fake[spec].together = together;
    memset(&maker, 0, sizeof(maker));
    ck_assert_int_eq(kw_pool_new(&pool, &config), 0);
    ck_assert_int_eq(kw_maker_init(&maker, pool, &fake_ops, NULL), 0);
}

static void begin(uint32_t capacity, uint32_t spare)
{
    begin_with(0, capacity, spare);
}

/* The pool asserts that every slot came back. */
static void end(void)
{
    kw_maker_done(&maker);
    ck_assert_uint_eq(fake[spec].alive, 0);
    kw_pool_free(pool);
}

START_TEST(run_fills_to_the_high_watermark_and_not_beyond)
{
    begin(32, 0);
    ck_assert_int_eq(kw_maker_run(&maker, 1000 * MS), 0);
    ck_assert_uint_eq(kw_pool_level(pool), 32);
    ck_assert_uint_eq(maker.stats.pairs, 32);
    ck_assert_uint_eq(maker.stats.failures, 0);
    ck_assert_uint_eq(kw_histogram_total(&maker.stats.make_time), 32);
    ck_assert(!maker.holding);
    ck_assert_uint_eq(stats_of_pool().discards, 0);
    end();
}
END_TEST

START_TEST(run_ends_with_its_slice)
{
    uint64_t begun_ns;

    begin(100000, 0);
    fake[spec].cost_ns = MS / 10;
    begun_ns = kw_now_ns();
    ck_assert_int_eq(kw_maker_run(&maker, 5 * MS), 0);
    ck_assert_uint_ge(kw_now_ns() - begun_ns, 5 * MS);
    ck_assert_uint_ge(maker.stats.pairs, 1);
    ck_assert_uint_le(maker.stats.pairs, 50);
    end();
}
END_TEST

START_TEST(a_half_done_search_goes_on_in_its_slot)
{
    uint32_t slot = 0;

    begin(4, 0);
    fake[spec].cost_ns = 200 * MS;
    ck_assert_int_eq(kw_maker_run(&maker, MS), 0);
    ck_assert(maker.holding);
    slot = maker.slot.index;
    while (maker.stats.pairs == 0) {
        ck_assert(maker.holding);
        ck_assert_uint_eq(maker.slot.index, slot);
        ck_assert_int_eq(kw_maker_run(&maker, MS), 0);
    }
    /* The slice in which an old pair ends begins no new one. */
    ck_assert(!maker.holding);
    ck_assert_uint_eq(fake[spec].searches, 1);
    ck_assert_uint_eq(stats_of_pool().discards, 0);
    ck_assert_uint_eq(stats_of_pool().pushes, 1);
    end();
    ck_assert_uint_eq(fake[spec].abandoned, 0);
}
END_TEST

START_TEST(time_per_pair_counts_all_slices)
{
    begin(4, 0);
    fake[spec].cost_ns = 20 * MS;
    ck_assert_double_eq(maker.stats.make_s, 0);
    ck_assert_double_gt(maker.make_s, 0);
    while (maker.stats.pairs == 0)
        ck_assert_int_eq(kw_maker_run(&maker, 2 * MS), 0);
    /* CPU time: less than the time that the fake took where the machine gave the core to others meanwhile. */
    ck_assert_double_ge(maker.stats.make_s, 0.002);
    ck_assert_double_le(maker.stats.make_s, 0.040);
    ck_assert_double_eq(maker.make_s, maker.stats.make_s);
    ck_assert_uint_eq(kw_histogram_total(&maker.stats.make_time), 1);
    ck_assert_double_eq_tol((double)maker.stats.make_time.sum_ns / 1e9, maker.stats.make_s, 1e-9);

    /* The next ones are smoothed in, one sixteenth each. */
    double before_s = maker.make_s;
    fake[spec].cost_ns = 0;
    ck_assert_int_eq(kw_maker_run(&maker, 1000 * MS), 0);
    ck_assert_uint_eq(maker.stats.pairs, 4);
    ck_assert_double_eq_tol(maker.make_s, before_s * 15 * 15 * 15 / 4096, before_s / 50);
    end();
}
END_TEST

/* Of pairs that are made together the first seems to take all the time, wherever the slices end: what one of
 * them costs is a mean all the same. */
START_TEST(time_per_pair_is_a_mean_where_several_are_made_together)
{
    enum { TOGETHER = 64, BATCHES = 20 };
    struct kw_pair pair = {0};

    begin_with(TOGETHER, 3, 0);
    fake[spec].cost_ns = 3 * MS;
    for (unsigned i = 0; maker.stats.pairs < BATCHES * TOGETHER; i++) {
        ck_assert_int_eq(kw_maker_run(&maker, 2 * MS), 0);
        /* A request now and then: what is in hand goes out pair by pair. */
        for (unsigned taken = 0; taken < 1 + i % 3 && kw_pool_pop(pool, &pair) == 0; taken++)
            kw_pair_release(&pair);
        if (maker.stats.pairs > 0)
            ck_assert_double_le(maker.make_s, 2 * 0.003 / TOGETHER);
    }
    /* Less where the machine gave the core to others. */
    ck_assert_double_ge(maker.make_s, 0.1 * 0.003 / TOGETHER);
    ck_assert_double_eq(maker.make_s, maker.stats.make_s);
    ck_assert_uint_eq(kw_histogram_total(&maker.stats.make_time), maker.stats.pairs);
    end();
}
END_TEST

START_TEST(a_failed_pair_is_kept_out_and_counted)
{
    begin(8, 0);
    fake[spec].fail = 1;
    ck_assert_int_eq(kw_maker_run(&maker, 1000 * MS), 0);
    ck_assert_uint_eq(maker.stats.failures, 1);
    ck_assert_uint_eq(maker.stats.pairs, 0);
    ck_assert_uint_eq(kw_pool_level(pool), 0);
    ck_assert(!maker.holding);
    ck_assert_uint_eq(maker.blocked_until_ns, 0); /* one failure is no pattern */
    ck_assert_int_eq(kw_maker_run(&maker, 1000 * MS), 0);
    ck_assert_uint_eq(maker.stats.pairs, 8);
    end();
}
END_TEST

START_TEST(repeated_failures_pause_longer_and_longer)
{
    uint64_t pause_ns = 0, last_ns = 0;
    struct kw_sched_pool view = {0};

    begin(8, 0);
    fake[spec].fail = 20;
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_int_eq(kw_maker_run(&maker, MS), 0);
        pause_ns = maker.blocked_until_ns - KW_MIN(kw_now_ns(), maker.blocked_until_ns);
        if (i >= 2 && i < 8)
            ck_assert_uint_gt(pause_ns, last_ns);
        ck_assert_uint_le(pause_ns, 1000 * MS);
        last_ns = pause_ns;
    }
    ck_assert_uint_ge(pause_ns, 500 * MS);
    ck_assert_uint_eq(maker.stats.failures, 20);
    kw_maker_look(&maker, kw_now_ns(), &view);
    ck_assert(view.blocked);
    kw_maker_look(&maker, maker.blocked_until_ns, &view);
    ck_assert(!view.blocked);

    ck_assert_int_eq(kw_maker_run(&maker, 1000 * MS), 0);
    ck_assert_uint_eq(maker.stats.pairs, 8);
    ck_assert_uint_eq(maker.blocked_until_ns, 0);
    ck_assert_uint_eq(maker.failures_running, 0);
    end();
}
END_TEST

START_TEST(without_a_free_slot_it_pauses)
{
    struct kw_pair pairs[3] = {0};
    struct kw_sched_pool view = {0};

    /* Two ready pairs fill the pool; then takers hold every slot there is. */
    begin(2, 1);
    ck_assert_int_eq(kw_maker_run(&maker, 1000 * MS), 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(kw_pool_pop(pool, &pairs[i]), 0);
        ck_assert_int_eq(kw_maker_run(&maker, 1000 * MS), 0);
    }
    ck_assert_uint_eq(kw_pool_level(pool), 0);
    kw_maker_look(&maker, kw_now_ns(), &view);
    ck_assert(view.blocked);

    kw_pair_release(&pairs[0]);
    sleep_ms(2);
    kw_maker_look(&maker, kw_now_ns(), &view);
    ck_assert(!view.blocked);
    ck_assert_int_eq(kw_maker_run(&maker, 1000 * MS), 0);
    ck_assert_uint_eq(kw_pool_level(pool), 1);
    kw_pair_release(&pairs[1]);
    kw_pair_release(&pairs[2]);
    end();
}
END_TEST

START_TEST(fatal_errors_are_forwarded)
{
    begin(2, 0);
    fake[spec].fatal = KW_EOPENSSL;
    ck_assert_int_eq(kw_maker_run(&maker, MS), KW_EOPENSSL);
    ck_assert_uint_eq(maker.stats.pairs, 0);
    end();

    memset(fake, 0, sizeof(fake));
    fake[spec].new_result = -ENOMEM;
    memset(&maker, 0, sizeof(maker));
    ck_assert_int_eq(kw_pool_new(&pool, &(struct kw_pool_config){.spec = spec, .capacity = 1}), 0);
    ck_assert_int_eq(kw_maker_init(&maker, pool, &fake_ops, NULL), -ENOMEM);
    end();
}
END_TEST

START_TEST(done_gives_back_slot_and_generator)
{
    begin(2, 0);
    fake[spec].cost_ns = 1000 * MS;
    ck_assert_int_eq(kw_maker_run(&maker, MS), 0);
    ck_assert(maker.holding);
    kw_maker_done(&maker);
    kw_maker_done(&maker);
    ck_assert_uint_eq(fake[spec].abandoned, 1);
    ck_assert_uint_eq(stats_of_pool().discards, 1);
    end();

    memset(&maker, 0, sizeof(maker));
    kw_maker_done(&maker);
}
END_TEST

START_TEST(look_tells_the_state_of_the_pool)
{
    struct kw_sched_pool view = {.refilling = true, .credit = 3, .making = 4};
    struct kw_pair pair = {0};

    begin(16, 0);
    ck_assert_int_eq(kw_maker_run(&maker, 1000 * MS), 0);
    ck_assert_int_eq(kw_pool_wait_enter(pool), 0);
    kw_maker_look(&maker, 1000 * MS, &view);
    ck_assert_uint_eq(view.level, 16);
    ck_assert_uint_eq(view.low_watermark, 14);
    ck_assert_uint_eq(view.high_watermark, 16);
    ck_assert_uint_eq(view.waiters, 1);
    ck_assert(!view.blocked);
    ck_assert_double_eq(view.demand_per_s, 0);
    ck_assert_double_eq(view.make_s, maker.make_s);
    ck_assert(view.refilling && view.credit == 3 && view.making == 4);

    /* Eight requests in a second: seven served, one that gave up. */
    for (unsigned i = 0; i < 7; i++) {
        ck_assert_int_eq(kw_pool_pop(pool, &pair), 0);
        kw_pair_release(&pair);
    }
    kw_pool_wait_leave(pool, false);
    kw_maker_look(&maker, 1010 * MS, &view); /* too early for a sample */
    ck_assert_double_eq(view.demand_per_s, 0);
    kw_maker_look(&maker, 2000 * MS, &view);
    ck_assert_uint_eq(view.level, 9);
    ck_assert_uint_eq(view.waiters, 0);
    ck_assert_double_eq_tol(view.demand_per_s, 8 * (1 - 0.870551), 1e-3);
    ck_assert_double_eq(maker.stats.demand_per_s, view.demand_per_s);
    ck_assert_uint_eq(maker.stats.demand_ns, 2000 * MS);
    end();
}
END_TEST

START_TEST(without_a_pool_there_is_nothing_to_make)
{
    struct kw_sched_pool view = {0};

    memset(&maker, 0, sizeof(maker));
    ck_assert_int_eq(kw_maker_init(&maker, NULL, &fake_ops, NULL), 0);
    kw_maker_look(&maker, 1, &view);
    ck_assert(view.blocked);
    kw_maker_done(&maker);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("maker");
    TCase *tcase = tcase_create("maker");
    SRunner *runner;
    int failed;

    if (kw_crypto_init() != 0)
        return 1;
    tcase_add_test(tcase, run_fills_to_the_high_watermark_and_not_beyond);
    tcase_add_test(tcase, run_ends_with_its_slice);
    tcase_add_test(tcase, a_half_done_search_goes_on_in_its_slot);
    tcase_add_test(tcase, time_per_pair_counts_all_slices);
    tcase_add_test(tcase, time_per_pair_is_a_mean_where_several_are_made_together);
    tcase_add_test(tcase, a_failed_pair_is_kept_out_and_counted);
    tcase_add_test(tcase, repeated_failures_pause_longer_and_longer);
    tcase_add_test(tcase, without_a_free_slot_it_pauses);
    tcase_add_test(tcase, fatal_errors_are_forwarded);
    tcase_add_test(tcase, done_gives_back_slot_and_generator);
    tcase_add_test(tcase, look_tells_the_state_of_the_pool);
    tcase_add_test(tcase, without_a_pool_there_is_nothing_to_make);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
