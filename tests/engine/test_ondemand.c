#include "engine/ondemand.h"

#include "engine/crypto.h"
#include "engine/generator.h"
#include "pool/secmem.h"
#include "tests/pool/death.h"
#include "tests/support/pairs.h"

#include <pthread.h>
#include <time.h>

#define MS UINT64_C(1000000)

static struct kw_bell bell;
static struct kw_ondemand_config config;
static struct kw_ondemand *ondemand;

static void add_pool(enum kw_spec spec, uint32_t waiters_max)
{
    struct kw_pool_config pool = {.spec = spec, .capacity = 4, .bell = &bell, .waiters_max = waiters_max};

    ck_assert_int_eq(kw_pool_new(&config.pools[spec], &pool), 0);
}

static void begin(enum kw_cpu_path path, unsigned max)
{
    config.cpu_path = path;
    config.max = max;
    ck_assert_int_eq(kw_ondemand_new(&ondemand, &config), 0);
}

/* After each test, failed or not. The pools assert that every slot came back. */
static void finish(void)
{
    kw_ondemand_free(ondemand);
    ondemand = NULL;
    for (size_t i = 0; i < KW_SPEC_NUM; i++)
        kw_pool_free(config.pools[i]);
    config = (struct kw_ondemand_config){0};
}

static uint64_t in_ms(uint64_t ms)
{
    return kw_now_ns() + ms * MS;
}

static struct kw_ondemand_spec_stats stats_of(enum kw_spec spec)
{
    struct kw_ondemand_stats stats;

    kw_ondemand_stats(ondemand, &stats);
    ck_assert_uint_eq(stats.max, config.max);
    return stats.spec[spec];
}

static struct kw_pool_stats pool_stats(enum kw_spec spec)
{
    struct kw_pool_stats stats;

    kw_pool_stats(config.pools[spec], &stats);
    return stats;
}

/* Copies the pair to where it can be looked at. */
static void check(enum kw_spec spec, const struct kw_pair *pair)
{
    static struct place place;
    struct kw_slot *slot = place_init(&place);
    uint8_t der[KW_SPEC_PUBLIC_MAX];
    struct kw_bytes public_der = kw_pair_public_der(pair, der);

    slot->public_len = public_der.len;
    slot->private_len = pair->private_der.len;
    memcpy(slot->public_der, public_der.ptr, slot->public_len);
    memcpy(slot->private_der, pair->private_der.ptr, slot->private_len);
    check_pair(spec, &place);
}

START_TEST(new_refuses_impossible_configurations)
{
    struct kw_ondemand *none = NULL;

    add_pool(KW_SPEC_ECC_NIST_P256, 0);
    ck_assert_int_eq(kw_ondemand_new(&none, &config), -EINVAL);
    config.max = KW_ONDEMAND_MAX + 1;
    ck_assert_int_eq(kw_ondemand_new(&none, &config), -EINVAL);
    config.max = 1;
    config.pools[KW_SPEC_RSA_2048] = config.pools[KW_SPEC_ECC_NIST_P256];
    ck_assert_int_eq(kw_ondemand_new(&none, &config), -EINVAL);
    config.pools[KW_SPEC_RSA_2048] = NULL;
    ck_assert_ptr_null(none);
    kw_ondemand_free(none);
}
END_TEST

START_TEST(makes_a_real_pair_of_each_spec)
{
    enum kw_spec spec = (enum kw_spec)_i;
    bool slow = kw_spec_info(spec)->kind == KW_KIND_RSA && spec != KW_SPEC_RSA_2048;
    enum kw_cpu_path path = KW_CPU_PORTABLE;
    struct kw_ondemand_spec_stats stats;
    struct kw_pair pairs[3] = {0};
    struct kw_slot slot;

    ck_assert_int_eq(kw_cpu_choose(slow ? NULL : "portable", &path), 0);
    add_pool(spec, 0);
    begin(path, 1);
    for (unsigned i = 0; i < (slow ? 1 : 3); i++) {
        ck_assert_int_eq(kw_ondemand_make(ondemand, spec, in_ms(60000), NULL, &slot), 0);
        kw_pool_hand_over(config.pools[spec], &slot, &pairs[i]);
        check(spec, &pairs[i]);
        ck_assert(i == 0 || !kw_bytes_equal(pairs[i].public_text, pairs[i - 1].public_text));
    }
    for (unsigned i = 0; i < 3; i++)
        kw_pair_release(&pairs[i]);
    stats = stats_of(spec);
    ck_assert_uint_eq(stats.pairs, slow ? 1 : 3);
    ck_assert_uint_eq(kw_histogram_total(&stats.make_time), slow ? 1 : 3);
    ck_assert_uint_eq(stats.failures, 0);
}
END_TEST

START_TEST(a_spec_without_a_pool_is_not_made)
{
    struct kw_slot slot;
    struct kw_pair pair;

    add_pool(KW_SPEC_ECC_NIST_P256, 0);
    begin(KW_CPU_PORTABLE, 1);
    ck_assert_int_eq(kw_ondemand_make(ondemand, KW_SPEC_RSA_2048, in_ms(1), NULL, &slot), -EINVAL);
    ck_assert_int_eq(kw_ondemand_pop(ondemand, KW_SPEC_RSA_2048, in_ms(1), &pair, NULL), -EINVAL);
}
END_TEST

/* A search of that size takes some hundred steps: one that began anew each time would never end. */
START_TEST(what_a_deadline_interrupts_goes_on)
{
    struct kw_slot slot;
    unsigned late = 0;
    int r;

    add_pool(KW_SPEC_RSA_2048, 0);
    begin(KW_CPU_PORTABLE, 2);
    while ((r = kw_ondemand_make(ondemand, KW_SPEC_RSA_2048, 1, NULL, &slot)) == KW_ONDEMAND_LATE)
        late++;
    ck_assert_int_eq(r, 0);
    ck_assert_uint_gt(late, 20);
    kw_pool_publish(config.pools[KW_SPEC_RSA_2048], &slot);
    ck_assert_uint_eq(kw_pool_level(config.pools[KW_SPEC_RSA_2048]), 1);
}
END_TEST

struct long_order {
    _Atomic bool unwanted;
    int result;
};

static void *make_rsa_4096(void *arg)
{
    struct long_order *order = arg;
    struct kw_slot slot;

    order->result = kw_ondemand_make(ondemand, KW_SPEC_RSA_4096, in_ms(60000), &order->unwanted, &slot);
    if (order->result == 0)
        kw_pool_discard(config.pools[KW_SPEC_RSA_4096], &slot);
    return NULL;
}

static unsigned busy(void)
{
    struct kw_ondemand_stats stats;

    kw_ondemand_stats(ondemand, &stats);
    return stats.busy;
}

/* An RSA_4096 takes more than a second on this path. */
START_TEST(no_more_are_made_at_once_than_allowed)
{
    struct long_order order = {.result = 0};
    struct kw_slot slot;
    struct kw_pair pair = {0};
    pthread_t thread;
    uint64_t begun_ns;

    add_pool(KW_SPEC_RSA_4096, 0);
    add_pool(KW_SPEC_ECC_NIST_P256, 0);
    begin(KW_CPU_PORTABLE, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, make_rsa_4096, &order), 0);
    while (busy() == 0)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    ck_assert_int_eq(
        kw_ondemand_make(ondemand, KW_SPEC_ECC_NIST_P256, in_ms(1000), NULL, &slot), KW_ONDEMAND_BUSY);
    begun_ns = kw_now_ns();
    ck_assert_int_eq(
        kw_ondemand_pop(ondemand, KW_SPEC_ECC_NIST_P256, in_ms(20), &pair, NULL), KW_POOL_TIMEOUT);
    ck_assert_uint_ge(kw_now_ns() - begun_ns, 20 * MS);
    atomic_store(&order.unwanted, true);
    pthread_join(thread, NULL);
    ck_assert_int_eq(order.result, KW_ONDEMAND_LATE);
    ck_assert_int_eq(kw_ondemand_make(ondemand, KW_SPEC_ECC_NIST_P256, in_ms(60000), NULL, &slot), 0);
    kw_pool_discard(config.pools[KW_SPEC_ECC_NIST_P256], &slot);
}
END_TEST

START_TEST(a_pool_without_a_slot_is_told)
{
    struct kw_slot slots[4], slot;

    add_pool(KW_SPEC_ECC_NIST_P256, 0);
    begin(KW_CPU_PORTABLE, 1);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(kw_pool_acquire(config.pools[KW_SPEC_ECC_NIST_P256], &slots[i]), 0);
    ck_assert_int_eq(
        kw_ondemand_make(ondemand, KW_SPEC_ECC_NIST_P256, in_ms(1000), NULL, &slot), KW_ONDEMAND_FULL);
    for (unsigned i = 0; i < 4; i++)
        kw_pool_discard(config.pools[KW_SPEC_ECC_NIST_P256], &slots[i]);
}
END_TEST

/* ---- pop ---- */

START_TEST(pop_takes_what_is_ready_and_makes_what_is_not)
{
    struct kw_pool *pool;
    enum kw_ondemand_source source;
    struct kw_pair pair = {0};
    struct kw_slot slot;

    add_pool(KW_SPEC_ECC_NIST_P384, 0);
    pool = config.pools[KW_SPEC_ECC_NIST_P384];
    begin(KW_CPU_PORTABLE, 1);
    ck_assert_int_eq(kw_ondemand_make(ondemand, KW_SPEC_ECC_NIST_P384, in_ms(60000), NULL, &slot), 0);
    kw_pool_publish(pool, &slot);

    ck_assert_int_eq(kw_ondemand_pop(ondemand, KW_SPEC_ECC_NIST_P384, in_ms(60000), &pair, &source), 0);
    ck_assert_int_eq(source, KW_ONDEMAND_READY);
    kw_pair_release(&pair);
    ck_assert_uint_eq(pool_stats(KW_SPEC_ECC_NIST_P384).misses, 0);
    ck_assert_int_eq(kw_ondemand_pop(ondemand, KW_SPEC_ECC_NIST_P384, in_ms(60000), &pair, &source), 0);
    ck_assert_int_eq(source, KW_ONDEMAND_MADE);
    check(KW_SPEC_ECC_NIST_P384, &pair);
    kw_pair_release(&pair);
    ck_assert_uint_eq(pool_stats(KW_SPEC_ECC_NIST_P384).misses, 1);
    ck_assert_uint_eq(pool_stats(KW_SPEC_ECC_NIST_P384).waiters, 0);
    ck_assert_uint_eq(pool_stats(KW_SPEC_ECC_NIST_P384).timeouts, 0);
}
END_TEST

struct publisher {
    struct kw_slot slot;
    struct kw_pool *pool;
};

static void *publish_when_somebody_waits(void *arg)
{
    struct publisher *publisher = arg;

    while (kw_pool_waiters(publisher->pool) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    kw_pool_publish(publisher->pool, &publisher->slot);
    return NULL;
}

/* A pair of another maker is taken as soon as it is there: this one would take more than a second. */
START_TEST(pop_takes_what_comes_first)
{
    struct publisher publisher = {0};
    enum kw_ondemand_source source;
    struct kw_pair pair = {0};
    pthread_t thread;

    add_pool(KW_SPEC_RSA_4096, 0);
    publisher.pool = config.pools[KW_SPEC_RSA_4096];
    begin(KW_CPU_PORTABLE, 1);
    ck_assert_int_eq(kw_pool_acquire(publisher.pool, &publisher.slot), 0);
    publisher.slot.public_len = publisher.slot.private_len = 1;
    ck_assert_int_eq(pthread_create(&thread, NULL, publish_when_somebody_waits, &publisher), 0);
    ck_assert_int_eq(kw_ondemand_pop(ondemand, KW_SPEC_RSA_4096, in_ms(60000), &pair, &source), 0);
    ck_assert_int_eq(source, KW_ONDEMAND_AWAITED);
    ck_assert_uint_eq(pair.private_der.len, 1);
    kw_pair_release(&pair);
    pthread_join(thread, NULL);
}
END_TEST

START_TEST(pop_gives_up_at_its_deadline_or_when_too_many_wait)
{
    struct kw_pair pair = {0};

    add_pool(KW_SPEC_RSA_4096, 1);
    begin(KW_CPU_PORTABLE, 1);
    ck_assert_int_eq(kw_ondemand_pop(ondemand, KW_SPEC_RSA_4096, in_ms(10), &pair, NULL), KW_POOL_TIMEOUT);
    ck_assert_uint_eq(pool_stats(KW_SPEC_RSA_4096).timeouts, 1);
    ck_assert_int_eq(kw_pool_wait_enter(config.pools[KW_SPEC_RSA_4096]), 0);
    ck_assert_int_eq(kw_ondemand_pop(ondemand, KW_SPEC_RSA_4096, in_ms(10), &pair, NULL), KW_POOL_BUSY);
    kw_pool_wait_leave(config.pools[KW_SPEC_RSA_4096], true);
    ck_assert_ptr_null(pair.pool);
}
END_TEST

/* ---- many threads ---- */

enum { THREADS = 4, EACH = 40, TEXT = KW_BASE64_LEN(91) };
static uint8_t seen[THREADS][EACH][TEXT];

static void *pop_many(void *arg)
{
    uint8_t(*mine)[TEXT] = arg;

    for (unsigned i = 0; i < EACH; i++) {
        KW_PAIR struct kw_pair pair = {0};

        kw_assert(kw_ondemand_pop(ondemand, KW_SPEC_ECC_NIST_P256, in_ms(60000), &pair, NULL) == 0);
        kw_assert(pair.public_text.len == sizeof(mine[i]));
        memcpy(mine[i], pair.public_text.ptr, sizeof(mine[i]));
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(seen[0][0]));
}

START_TEST(no_two_callers_get_the_same_pair)
{
    pthread_t threads[THREADS];
    uint8_t(*all)[TEXT] = seen[0];

    add_pool(KW_SPEC_ECC_NIST_P256, 0);
    begin(KW_CPU_PORTABLE, 2);
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, pop_many, seen[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    qsort(all, THREADS * EACH, sizeof(*all), compare);
    for (unsigned i = 1; i < THREADS * EACH; i++)
        ck_assert_int_ne(compare(all[i - 1], all[i]), 0);
    ck_assert_uint_eq(stats_of(KW_SPEC_ECC_NIST_P256).pairs, THREADS * EACH);
}
END_TEST

/* ---- a forked child ---- */

static void be_a_child(void *arg)
{
    struct kw_slot slot;
    struct kw_pair pair;

    (void)arg;
    _exit(kw_ondemand_make(ondemand, KW_SPEC_ECC_NIST_P256, 1, NULL, &slot) != KW_POOL_FORKED ||
          kw_ondemand_pop(ondemand, KW_SPEC_ECC_NIST_P256, 1, &pair, NULL) != KW_POOL_FORKED);
}

START_TEST(a_forked_child_gets_nothing)
{
    add_pool(KW_SPEC_ECC_NIST_P256, 0);
    begin(KW_CPU_PORTABLE, 1);
    ck_assert_int_eq(death_signal(be_a_child, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ondemand");
    TCase *tcase = tcase_create("ondemand");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (kw_crypto_init() != 0 || kw_secmem_thread_init(1u << 20) != 0)
        return 1;
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, NULL, finish);
    tcase_add_test(tcase, new_refuses_impossible_configurations);
    tcase_add_loop_test(tcase, makes_a_real_pair_of_each_spec, 0, KW_SPEC_NUM);
    tcase_add_test(tcase, a_spec_without_a_pool_is_not_made);
    tcase_add_test(tcase, what_a_deadline_interrupts_goes_on);
    tcase_add_test(tcase, no_more_are_made_at_once_than_allowed);
    tcase_add_test(tcase, a_pool_without_a_slot_is_told);
    tcase_add_test(tcase, pop_takes_what_is_ready_and_makes_what_is_not);
    tcase_add_test(tcase, pop_takes_what_comes_first);
    tcase_add_test(tcase, pop_gives_up_at_its_deadline_or_when_too_many_wait);
    tcase_add_test(tcase, no_two_callers_get_the_same_pair);
    tcase_add_test(tcase, a_forked_child_gets_nothing);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
