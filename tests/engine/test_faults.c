/* The engine with failing consistency tests: what a test build (meson option `faults`) can show. */
#include "engine/crypto.h"
#include "engine/ondemand.h"
#include "pool/fault.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

#define MS 1000000u

static struct kw_bell bell;
static struct kw_pool *pool;
static struct kw_engine *engine;

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * MS}, NULL);
}

static void begin(enum kw_spec spec, uint32_t capacity, const char *plan)
{
    struct kw_pool_config pool_config = {.spec = spec, .capacity = capacity, .bell = &bell};
    struct kw_engine_config config = {.bell = &bell, .cpu_path = KW_CPU_PORTABLE};

    kw_bell_init(&bell);
    ck_assert_int_eq(kw_fault_set(plan), 0);
    ck_assert_int_eq(kw_cpus_allowed(&config.cpus), 0);
    config.cpus.num = 1;
    ck_assert_int_eq(kw_pool_new(&pool, &pool_config), 0);
    config.pools[spec] = pool;
    ck_assert_int_eq(kw_engine_new(&engine, &config), 0);
    ck_assert_int_eq(kw_engine_start(engine), 0);
}

static void finish(void)
{
    kw_engine_free(engine);
    kw_pool_free(pool);
    ck_assert_int_eq(kw_fault_set(""), 0);
}

static struct kw_engine_spec_stats stats(enum kw_spec spec)
{
    struct kw_engine_stats all;

    kw_engine_stats(engine, &all);
    ck_assert_uint_eq(all.workers_failed, 0);
    return all.spec[spec];
}

static void wait_for_level(uint32_t level)
{
    for (unsigned ms = 0; kw_pool_level(pool) < level; ms++) {
        ck_assert_uint_lt(ms, 30000);
        sleep_ms(1);
    }
}

/* The private key of each pair belongs to its public key. */
static unsigned check_pairs(void)
{
    struct kw_pair pair = {0};
    unsigned num = 0;

    while (kw_pool_pop(pool, &pair) == 0) {
        uint8_t der[KW_SPEC_PUBLIC_MAX];
        struct kw_bytes public_der = kw_pair_public_der(&pair, der);
        const uint8_t *at = public_der.ptr;
        EVP_PKEY *public_key = d2i_PUBKEY(NULL, &at, (long)public_der.len), *private_key;

        at = pair.private_der.ptr;
        private_key = d2i_AutoPrivateKey(NULL, &at, (long)pair.private_der.len);
        ck_assert_ptr_nonnull(public_key);
        ck_assert_ptr_nonnull(private_key);
        ck_assert_int_eq(EVP_PKEY_eq(public_key, private_key), 1);
        EVP_PKEY_free(private_key);
        EVP_PKEY_free(public_key);
        kw_pair_release(&pair);
        num++;
    }
    return num;
}

START_TEST(a_failed_test_keeps_the_pair_out_and_counts)
{
    static const enum kw_spec specs[] = {
        KW_SPEC_RSA_2048, KW_SPEC_ECC_NIST_P256, KW_SPEC_ECC_NIST_EDWARDS25519};

    for (size_t i = 0; i < KW_ARRAY_LEN(specs); i++) {
        struct kw_pool_stats seen;

        begin(specs[i], 4, "pct:fail@2+2");
        wait_for_level(4);
        ck_assert_uint_eq(stats(specs[i]).pairs, 4);
        ck_assert_uint_eq(stats(specs[i]).failures, 2);
        kw_pool_stats(pool, &seen);
        ck_assert_uint_eq(seen.pushes, 4);
        ck_assert_uint_eq(seen.discards, 2);
        kw_engine_stop(engine);
        ck_assert_uint_eq(check_pairs(), 4);
        finish();
    }
}
END_TEST

START_TEST(tests_that_go_on_failing_do_not_run_hot)
{
    begin(KW_SPEC_ECC_NIST_P256, 4, "pct:fail@1+*");
    sleep_ms(1000);
    ck_assert_uint_eq(kw_pool_level(pool), 0);
    ck_assert_uint_ge(stats(KW_SPEC_ECC_NIST_P256).failures, 3);
    ck_assert_uint_le(stats(KW_SPEC_ECC_NIST_P256).failures, 14);
    ck_assert_uint_eq(stats(KW_SPEC_ECC_NIST_P256).pairs, 0);
    /* And when they pass again, so does the engine. */
    ck_assert_int_eq(kw_fault_set(""), 0);
    wait_for_level(4);
    kw_engine_stop(engine);
    ck_assert_uint_eq(check_pairs(), 4);
    finish();
}
END_TEST

/* The same of pairs that are made when they are asked for. */
START_TEST(made_on_demand_a_failed_pair_is_retried_and_a_broken_generator_told)
{
    struct kw_pool_config pool_config = {.spec = KW_SPEC_RSA_2048, .capacity = 4};
    struct kw_ondemand_config config = {.cpu_path = KW_CPU_PORTABLE, .max = 1};
    uint64_t deadline_ns = kw_now_ns() + 60000ull * MS;
    struct kw_ondemand *ondemand;
    struct kw_ondemand_stats seen;
    struct kw_slot slot;

    ck_assert_int_eq(kw_pool_new(&pool, &pool_config), 0);
    config.pools[KW_SPEC_RSA_2048] = pool;
    ck_assert_int_eq(kw_ondemand_new(&ondemand, &config), 0);
    ck_assert_int_eq(kw_fault_set("pct:fail@1"), 0);
    ck_assert_int_eq(kw_ondemand_make(ondemand, KW_SPEC_RSA_2048, deadline_ns, NULL, &slot), 0);
    kw_pool_publish(pool, &slot);
    ck_assert_uint_eq(check_pairs(), 1);
    ck_assert_int_eq(kw_fault_set("pct:fail@1+*"), 0);
    ck_assert_int_eq(
        kw_ondemand_make(ondemand, KW_SPEC_RSA_2048, deadline_ns, NULL, &slot), KW_ONDEMAND_FAILED);
    ck_assert_int_eq(kw_fault_set(""), 0);
    kw_ondemand_stats(ondemand, &seen);
    ck_assert_uint_eq(seen.spec[KW_SPEC_RSA_2048].pairs, 1);
    ck_assert_uint_eq(seen.spec[KW_SPEC_RSA_2048].failures, 4);
    ck_assert_uint_eq(kw_pool_level(pool), 0);
    kw_ondemand_free(ondemand);
    kw_pool_free(pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults");
    TCase *tcase = tcase_create("faults");
    SRunner *runner;
    int failed;

    if (!kw_fault_compiled_in()) {
        puts("skipped: this build has no fault hooks (meson setup -Dfaults=true)");
        return 77;
    }
    if (kw_crypto_init() != 0)
        return 1;
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_failed_test_keeps_the_pair_out_and_counts);
    tcase_add_test(tcase, tests_that_go_on_failing_do_not_run_hot);
    tcase_add_test(tcase, made_on_demand_a_failed_pair_is_retried_and_a_broken_generator_told);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
