#include "api/forge.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <time.h>

#define MS UINT64_C(1000000)

static struct kw_bell bell;
static struct kw_cpus cpus;
static struct kw_forge_config config;
static struct kw_forge *forge;

static void add_pool(enum kw_spec spec)
{
    struct kw_pool_config pool = {.spec = spec, .capacity = 8, .bell = &bell};

    ck_assert_int_eq(kw_pool_new(&config.pools[spec], &pool), 0);
}

static void begin(unsigned max)
{
    ck_assert_int_eq(kw_cpus_allowed(&cpus), 0);
    config.cpu_path = KW_CPU_PORTABLE;
    config.max = max;
    config.cpus = &cpus;
    ck_assert_int_eq(kw_forge_new(&forge, &config), 0);
}

/* After each test, failed or not. The pools assert that every slot came back. */
static void finish(void)
{
    kw_forge_free(forge);
    forge = NULL;
    for (size_t i = 0; i < KW_SPEC_NUM; i++)
        kw_pool_free(config.pools[i]);
    config = (struct kw_forge_config){0};
}

static void sleep_us(unsigned us)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

static struct kw_ondemand_stats stats(void)
{
    struct kw_ondemand_stats now;

    kw_forge_stats(forge, &now);
    return now;
}

static void wait_for(const struct kw_forge_order *order)
{
    uint64_t begun_ns = kw_now_ns();

    while (!kw_forge_finished(order)) {
        ck_assert_uint_lt(kw_now_ns() - begun_ns, 60000 * MS);
        sleep_us(100);
    }
}

/* A thread that has cancelled work in hand takes the next order a moment later. */
static struct kw_forge_order *place(enum kw_spec spec)
{
    uint64_t begun_ns = kw_now_ns();
    struct kw_forge_order *order;

    while ((order = kw_forge_place(forge, spec)) == NULL) {
        ck_assert_uint_lt(kw_now_ns() - begun_ns, 60000 * MS);
        sleep_us(100);
    }
    return order;
}

START_TEST(an_order_is_fulfilled_for_whoever_placed_it)
{
    uint8_t last[256] = {0};

    add_pool(KW_SPEC_ECC_NIST_P256);
    begin(1);
    for (unsigned i = 0; i < 5; i++) {
        KW_PAIR struct kw_pair pair = {0};
        struct kw_forge_order *order = place(KW_SPEC_ECC_NIST_P256);

        ck_assert_int_eq(kw_forge_spec(order), KW_SPEC_ECC_NIST_P256);
        wait_for(order);
        /* Nobody else can have it. */
        ck_assert_uint_eq(kw_pool_level(config.pools[KW_SPEC_ECC_NIST_P256]), 0);
        kw_forge_take(order, &pair);
        ck_assert_uint_le(pair.public_text.len, sizeof(last));
        ck_assert_uint_gt(pair.private_der.len, 32);
        ck_assert_int_ne(memcmp(last, pair.public_text.ptr, pair.public_text.len), 0);
        memcpy(last, pair.public_text.ptr, pair.public_text.len);
    }
    ck_assert_uint_eq(stats().spec[KW_SPEC_ECC_NIST_P256].pairs, 5);
    ck_assert_uint_eq(stats().max, 1);
}
END_TEST

/* An RSA_4096 takes more than a second on this path. */
START_TEST(no_more_orders_are_taken_than_allowed)
{
    struct kw_forge_order *slow, *fast;

    add_pool(KW_SPEC_RSA_4096);
    add_pool(KW_SPEC_ECC_NIST_P256);
    begin(2);
    slow = kw_forge_place(forge, KW_SPEC_RSA_4096);
    ck_assert_ptr_nonnull(slow);
    fast = kw_forge_place(forge, KW_SPEC_ECC_NIST_P256);
    ck_assert_ptr_nonnull(fast);
    ck_assert_ptr_null(kw_forge_place(forge, KW_SPEC_ECC_NIST_P256));
    wait_for(fast); /* whatever the other does */
    ck_assert_ptr_null(kw_forge_place(forge, KW_SPEC_ECC_NIST_P256));
    kw_forge_cancel(fast);
    kw_forge_cancel(slow);
    slow = place(KW_SPEC_RSA_4096); /* within a slice, though the search was not at its end */
    kw_forge_cancel(slow);
}
END_TEST

START_TEST(what_nobody_wants_any_more_goes_into_the_pool)
{
    struct kw_pool *pool;
    struct kw_forge_order *order;

    add_pool(KW_SPEC_ECC_NIST_P256);
    pool = config.pools[KW_SPEC_ECC_NIST_P256];
    begin(1);
    order = place(KW_SPEC_ECC_NIST_P256);
    wait_for(order);
    kw_forge_cancel(order);
    ck_assert_uint_eq(kw_pool_level(pool), 1);
}
END_TEST

/* Cancelled at any moment: each pair that was made is in the pool or was taken, once. */
START_TEST(no_pair_is_lost_or_doubled_by_a_race)
{
    struct kw_pool *pool;
    uint64_t taken = 0;

    add_pool(KW_SPEC_ECC_NIST_P256);
    pool = config.pools[KW_SPEC_ECC_NIST_P256];
    begin(2);
    for (unsigned i = 0; i < 400; i++) {
        struct kw_forge_order *order = place(KW_SPEC_ECC_NIST_P256);
        KW_PAIR struct kw_pair pair = {0};

        if (i % 3 == 0)
            sleep_us(i % 50);
        if (kw_forge_finished(order)) {
            kw_forge_take(order, &pair);
            kw_pair_release(&pair);
            taken++;
        } else {
            kw_forge_cancel(order);
        }
        while (kw_pool_pop(pool, &pair) == 0) {
            kw_pair_release(&pair);
            taken++;
        }
    }
    kw_forge_free(forge);
    forge = NULL;
    struct kw_pool_stats seen;
    kw_pool_stats(pool, &seen);
    ck_assert_uint_eq(seen.pops, taken);
    ck_assert_uint_eq(seen.pushes, taken + seen.level);
}
END_TEST

START_TEST(it_refuses_what_cannot_be)
{
    struct kw_forge *none = NULL;
    struct kw_ondemand_stats nothing;

    add_pool(KW_SPEC_ECC_NIST_P256);
    ck_assert_int_eq(kw_forge_new(&none, &config), -EINVAL); /* no thread */
    config.max = KW_ONDEMAND_MAX + 1;
    ck_assert_int_eq(kw_forge_new(&none, &config), -EINVAL);
    ck_assert_ptr_null(none);
    kw_forge_free(none);
    kw_forge_stats(none, &nothing);
    ck_assert_uint_eq(nothing.max, 0);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, NULL, finish);
    tcase_add_test(tcase, an_order_is_fulfilled_for_whoever_placed_it);
    tcase_add_test(tcase, no_more_orders_are_taken_than_allowed);
    tcase_add_test(tcase, what_nobody_wants_any_more_goes_into_the_pool);
    tcase_add_test(tcase, no_pair_is_lost_or_doubled_by_a_race);
    tcase_add_test(tcase, it_refuses_what_cannot_be);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("forge", add, 60);
}
