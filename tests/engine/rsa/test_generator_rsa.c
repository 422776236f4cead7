#include "engine/rsa/generator_rsa.h"

#include "pool/fault.h"
#include "pool/secmem.h"
#include "tests/support/generator_rig.h"
#include "tests/support/suite.h"

#include <openssl/err.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- pairs ---- */

/* A prime is used in one pair only: of many pairs no two share one, and so no two moduli have a common
 * factor. */
START_TEST(no_prime_is_used_twice)
{
    int path = _i, num = path == KW_CPU_PORTABLE ? 5 : 20;
    BIGNUM *primes[40];
    struct place place;

    rig_up(&rig, path, KW_SPEC_RSA_2048);
    for (int i = 0; i < num; i++) {
        make_pair(&place);
        check_pair(KW_SPEC_RSA_2048, &place);
        EVP_PKEY *pkey = load_private(&place);
        primes[2 * i] = number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1);
        primes[2 * i + 1] = number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2);
        EVP_PKEY_free(pkey);
    }
    for (int i = 0; i < 2 * num; i++)
        for (int j = 0; j < i; j++)
            ck_assert_int_ne(BN_cmp(primes[i], primes[j]), 0);
    for (int i = 0; i < 2 * num; i++)
        BN_free(primes[i]);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    rig_down(&rig);
}
END_TEST

START_TEST(stats_and_plan_tell_what_was_done)
{
    struct kw_rsa_stats stats;
    struct kw_rsa_plan plan;
    struct place place;
    enum { PAIRS = 3 };

    rig_up(&rig, _i, KW_SPEC_RSA_2048);
    kw_generator_rsa_plan(rig.generator, &plan);
    ck_assert_ptr_eq(plan.kernel, rig.kit->kernel->name);
    ck_assert_uint_eq(plan.lanes, rig_lanes(&rig));
    ck_assert_uint_ge(plan.sieve_bound, 1u << 16);
    kw_generator_rsa_stats(rig.generator, &stats);
    ck_assert_uint_eq(stats.pairs + stats.candidates + stats.filter_ns, 0);
    uint64_t begun_ns = kw_now_ns();
    for (int i = 0; i < PAIRS; i++)
        make_pair(&place);
    uint64_t all_ns = kw_now_ns() - begun_ns;
    kw_generator_rsa_stats(rig.generator, &stats);
    ck_assert_uint_eq(stats.pairs, PAIRS);
    ck_assert_uint_eq(stats.failures, 0);
    ck_assert_uint_ge(stats.primes, 2 * PAIRS);
    ck_assert_uint_ge(stats.rounds, 5 * stats.primes);
    ck_assert_uint_ge(stats.candidates, stats.primes);
    ck_assert_uint_eq(stats.candidates, stats.filter_batches * plan.lanes);
    ck_assert_uint_gt(stats.power_batches, 0);
    const uint64_t parts[] = {stats.auxiliary_ns, stats.sieve_ns, stats.filter_ns, stats.rounds_ns,
        stats.derive_ns, stats.consistency_ns, stats.encode_ns};
    uint64_t sum_ns = 0;
    for (size_t i = 0; i < KW_ARRAY_LEN(parts); i++) {
        ck_assert_uint_gt(parts[i], 0);
        sum_ns += parts[i];
    }
    ck_assert_uint_le(sum_ns, all_ns);
    ck_assert_uint_ge(sum_ns, all_ns / 2);
    rig_down(&rig);
}
END_TEST

/* Nothing is mapped once a generator is there, and nothing is left of it in memory that was allocated. */
START_TEST(no_mapping_after_start)
{
    struct kw_secmem_stats before, after;
    struct place place;

    rig_up(&rig, _i, KW_SPEC_RSA_2048);
    kw_secmem_stats(&before);
    for (int i = 0; i < 5; i++)
        make_pair(&place);
    kw_secmem_stats(&after);
    ck_assert_uint_eq(after.mapping_calls, before.mapping_calls);
    rig_down(&rig);
}
END_TEST

/* ---- A.1.6 step 6 ---- */

/* Plants two primes that wait to be paired. */
static void plant_primes(const BIGNUM *p, const BIGNUM *q)
{
    struct kw_search *searches[2] = {rig_plant(&rig, p), rig_plant(&rig, q)};

    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(kw_search_start(searches[i]->progression.x, rig.kit->bits, rng), 0);
        kw_search_queue_push(&rig.parts->primes, searches[i]);
    }
}

/* The first is still there, the second is gone; a third makes a pair with the first. */
static void check_second_is_dropped(const BIGNUM *p)
{
    struct kw_search_queue *primes = &rig.parts->primes;
    const struct kw_search *first = primes->item[0], *second = primes->item[1];
    struct place place, untouched;

    place_init(&place);
    memcpy(&untouched, &place, sizeof(place));
    ck_assert_int_eq(unit(&place), KW_GENERATOR_AGAIN);
    ck_assert_mem_eq(&place, &untouched, sizeof(place));
    ck_assert_uint_eq(primes->num, 1);
    ck_assert_ptr_eq(primes->item[0], first);
    ck_assert_uint_ne(kw_words_is_zero(second->candidate, rig.kit->num), 0);
    ck_assert_uint_eq(kw_consistency_jobs(rig.parts->consistency), 0);

    make_pair(&place);
    check_pair(KW_SPEC_RSA_2048, &place);
    EVP_PKEY *pkey = load_private(&place);
    BIGNUM *a = number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1), *b = number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2);
    ck_assert(BN_cmp(a, p) == 0 || BN_cmp(b, p) == 0);
    BN_free(a);
    BN_free(b);
    EVP_PKEY_free(pkey);
}

static BIGNUM *good_prime(void)
{
    BIGNUM *prime = rig_prime(1024, 2, 1);

    while (BN_mod_word(prime, KW_RSA_E) == 1) {
        BN_free(prime);
        prime = rig_prime(1024, 2, 1);
    }
    return prime;
}

START_TEST(primes_too_near_to_each_other_make_no_pair)
{
    BIGNUM *p = good_prime(), *q = BN_dup(p);

    do {
        BN_add_word(q, 2);
    } while (!rig_is_prime(q));
    rig_up(&rig, _i, KW_SPEC_RSA_2048);
    plant_primes(p, q);
    check_second_is_dropped(p);
    rig_down(&rig);
    BN_free(p);
    BN_free(q);
}
END_TEST

/* |Xp - Xq| = 2^(1024 - 100) is too near, one more is not. */
START_TEST(starts_too_near_to_each_other_make_no_pair)
{
    BIGNUM *p = good_prime(), *q = good_prime();

    for (int far = 0; far < 2; far++) {
        rig_up(&rig, _i, KW_SPEC_RSA_2048);
        plant_primes(p, q);
        uint64_t *xp = rig.parts->primes.item[0]->progression.x,
                 *xq = rig.parts->primes.item[1]->progression.x;
        uint64_t distance[KW_RSA_PRIME_MAX] = {(uint64_t)far};
        distance[924 / 64] = (uint64_t)1 << 924 % 64;
        xp[15] = (uint64_t)3 << 62;
        kw_words_add(xq, xp, distance, 16);
        if (far) {
            struct place place;
            ck_assert_int_eq(unit(fresh(&place)), KW_GENERATOR_AGAIN);
            ck_assert_uint_eq(rig.parts->primes.num, 0);
            ck_assert_uint_eq(kw_consistency_jobs(rig.parts->consistency), 2);
        } else {
            check_second_is_dropped(p);
        }
        rig_down(&rig);
    }
    BN_free(p);
    BN_free(q);
}
END_TEST

/* Primes of which no d comes that is fit, here because q is 1 modulo e: both are thrown away, as A.1.1 (3)
 * asks. */
START_TEST(unfit_primes_make_no_pair)
{
    BIGNUM *p = good_prime(), *q = rig_prime(1024, 2ul * KW_RSA_E, 1);
    const struct kw_search *searches[2];
    struct place place, untouched;

    rig_up(&rig, _i, KW_SPEC_RSA_2048);
    plant_primes(p, q);
    memcpy(searches, rig.parts->primes.item, sizeof(searches));
    memcpy(&untouched, fresh(&place), sizeof(place));
    ck_assert_int_eq(unit(&place), KW_GENERATOR_AGAIN);
    ck_assert_mem_eq(&place, &untouched, sizeof(place));
    ck_assert_uint_eq(rig.parts->primes.num, 0);
    ck_assert_uint_eq(kw_consistency_jobs(rig.parts->consistency), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_ne(kw_words_is_zero(searches[i]->candidate, rig.kit->num), 0);
    make_pair(&place);
    check_pair(KW_SPEC_RSA_2048, &place);
    rig_down(&rig);
    BN_free(p);
    BN_free(q);
}
END_TEST

/* ---- candidates that are none ---- */

/* A filter that lets everything pass costs time, not correctness. */
START_TEST(composites_that_pass_the_filter_are_found)
{
    struct place place;

    rig_up(&rig, _i, KW_SPEC_RSA_2048);
    rig_fake(&rig);
    fake.all_pass = true;
    make_pair(&place);
    check_pair(KW_SPEC_RSA_2048, &place);
    ck_assert_uint_gt(rig.kit->stats.rounds, 5 * rig.kit->stats.primes);
    rig_down(&rig);
}
END_TEST

START_TEST(fatal_errors_are_forwarded)
{
    struct place place, untouched;
    int r = KW_GENERATOR_AGAIN;

    rig_up(&rig, _i, KW_SPEC_RSA_2048);
    rig_fake(&rig);
    fake.fatal = KW_EOPENSSL;
    place_init(&place);
    memcpy(&untouched, &place, sizeof(place));
    for (int i = 0; i < 50 && r == KW_GENERATOR_AGAIN; i++)
        r = unit(&place);
    ck_assert_int_eq(r, KW_EOPENSSL);
    ck_assert_mem_eq(&place, &untouched, sizeof(place));
    rig_down(&rig);
}
END_TEST

/* ---- failures ---- */

/* Only the pair that failed is lost; the primes and searches beside it go on. */
START_TEST(the_hook_keeps_one_pair_out)
{
    struct place place;

    if (!kw_fault_compiled_in())
        return;
    rig_up(&rig, _i, KW_SPEC_RSA_2048);
    ck_assert_int_eq(kw_fault_set("pct:fail@2"), 0);
    make_pair(&place);
    ck_assert_int_eq(run(fresh(&place), NO_DEADLINE), KW_GENERATOR_FAILED);
    ck_assert(all_bytes(place.public_der, kw_spec_info(KW_SPEC_RSA_2048)->public_max, 0));
    ck_assert(all_bytes(place.private_der, kw_spec_info(KW_SPEC_RSA_2048)->private_max, 0));
    make_pair(&place);
    check_pair(KW_SPEC_RSA_2048, &place);
    ck_assert_int_eq(kw_fault_set(""), 0);
    ck_assert_uint_eq(rig.kit->stats.failures, 1);
    ck_assert_uint_eq(rig.kit->stats.pairs, 2);
    rig_down(&rig);
}
END_TEST

START_TEST(forked_child_is_refused)
{
    struct place place;
    int status = -1;

    rig_up(&rig, _i, KW_SPEC_RSA_2048);
    place_init(&place);
    pid_t pid = fork();
    if (pid == 0) {
        bool refused = rig_ops(_i)->run(rig.generator, NO_DEADLINE, &place.slot) == -EPERM;
        rig_ops(_i)->free(rig.generator);
        _exit(refused ? 42 : 1);
    }
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
    make_pair(&place);
    rig_down(&rig);
}
END_TEST

static void add(TCase *tcase)
{
    int paths = RIG_PATHS;

    tcase_add_loop_test(tcase, no_prime_is_used_twice, 0, paths);
    tcase_add_loop_test(tcase, stats_and_plan_tell_what_was_done, 0, paths);
    tcase_add_loop_test(tcase, no_mapping_after_start, 0, paths);
    tcase_add_loop_test(tcase, primes_too_near_to_each_other_make_no_pair, 0, paths);
    tcase_add_loop_test(tcase, starts_too_near_to_each_other_make_no_pair, 0, paths);
    tcase_add_loop_test(tcase, unfit_primes_make_no_pair, 0, paths);
    tcase_add_loop_test(tcase, composites_that_pass_the_filter_are_found, 0, paths);
    tcase_add_loop_test(tcase, fatal_errors_are_forwarded, 0, paths);
    tcase_add_loop_test(tcase, the_hook_keeps_one_pair_out, 0, paths);
    tcase_add_loop_test(tcase, forked_child_is_refused, 0, paths);
}

int main(void)
{
    if (kw_crypto_init() != 0 || kw_secmem_thread_init(8 << 20) != 0 || kw_rng_new(&rng) != 0)
        return EXIT_FAILURE;
    int status = kw_suite_run("generator_rsa", add, 100);
    kw_rng_free(rng);
    return status;
}
