#include "engine/rsa/rounds.h"

#include "tests/support/rsa_rig.h"
#include "tests/support/suite.h"

#include <openssl/err.h>

/* A number that is 1 modulo this is one that kernels are unsure of. */
#define UNSURE (2ul << KW_ROUND_TWOS)

static struct rig rig;
static struct kw_rounds *rounds;

static void begin(int path, enum kw_spec spec)
{
    rig_up(&rig, path, spec);
    rounds = rig.parts->rounds;
    rig_fake(&rig);
}

static void end(void)
{
    rig_down(&rig);
}

static struct kw_search *push(BIGNUM *number)
{
    struct kw_search *search = rig_plant(&rig, number);

    kw_search_queue_push(&rounds->queue, search);
    return search;
}

/* Batches until nothing waits any more. */
static void run_all(void)
{
    while (kw_rounds_jobs(rounds) > 0)
        ck_assert_int_eq(kw_rounds_batch(rounds), 0);
}

/* ---- one at a time ---- */

static void check_verdict(BIGNUM *number, int expected)
{
    struct kw_search *search = push(number), *taken = NULL;
    unsigned wanted = rig.kit->rounds->prime;

    ck_assert_uint_eq(kw_rounds_jobs(rounds), wanted);
    ck_assert_int_eq(kw_rounds_take(rounds, &taken), KW_ROUNDS_NONE);
    run_all();
    ck_assert_int_eq(kw_rounds_take(rounds, &taken), expected);
    ck_assert_ptr_eq(taken, search);
    ck_assert_uint_eq(search->rounds_passed, expected == 0 ? wanted : 0);
    ck_assert_int_eq(kw_rounds_take(rounds, &taken), KW_ROUNDS_NONE);
    kw_finder_release(rig.parts->finder, search);
    BN_free(number);
}

START_TEST(primes_pass_all_their_rounds)
{
    begin(_i, KW_SPEC_RSA_2048);
    check_verdict(rig_prime(1024, 4, 3), 0);
    ck_assert_uint_eq(rig.kit->stats.rounds, 5);
    ck_assert_uint_eq(rig.kit->stats.power_batches, fake.rounds);
    check_verdict(rig_prime(1024, 4, 1), 0);
    ck_assert_uint_eq(fake.powers, 0);
    end();
}
END_TEST

START_TEST(other_sizes_have_their_own_number)
{
    begin(_i, KW_SPEC_RSA_3072);
    check_verdict(rig_prime(1536, 2, 1), 0);
    ck_assert_uint_eq(rig.kit->stats.rounds, 4);
    end();
    begin(_i, KW_SPEC_RSA_4096);
    check_verdict(rig_composite(2048, 2), KW_ROUNDS_COMPOSITE);
    end();
}
END_TEST

START_TEST(composites_are_found)
{
    begin(_i, KW_SPEC_RSA_2048);
    for (unsigned long modulus = 2; modulus <= 16; modulus *= 2)
        check_verdict(rig_composite(1024, modulus), KW_ROUNDS_COMPOSITE);
    end();
}
END_TEST

/* The numbers of which a kernel only says that it does not know. */
START_TEST(what_a_kernel_is_unsure_of_is_settled)
{
    begin(_i, KW_SPEC_RSA_2048);
    check_verdict(rig_prime(1024, UNSURE, 1), 0);
    ck_assert_uint_gt(fake.powers, 0);
    check_verdict(rig_prime(1024, UNSURE << 8, 1), 0);
    check_verdict(rig_composite(1024, UNSURE), KW_ROUNDS_COMPOSITE);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    end();
}
END_TEST

/* ---- several ---- */

/* Full batches: rounds of one number and of the next go together, and the rest waits. */
START_TEST(rounds_of_several_share_batches)
{
    struct kw_search *first, *second, *taken = NULL;
    BIGNUM *a = rig_prime(1024, 2, 1), *b = rig_prime(1024, 2, 1);

    begin(_i, KW_SPEC_RSA_2048);
    unsigned lanes = rig_lanes(&rig), left = 10;
    first = push(a);
    second = push(b);
    while (left >= lanes) {
        ck_assert_uint_eq(kw_rounds_jobs(rounds), left);
        ck_assert_int_eq(kw_rounds_batch(rounds), 0);
        left -= lanes;
    }
    ck_assert_uint_eq(kw_rounds_jobs(rounds), left);
    ck_assert_uint_eq(rig.kit->stats.rounds, 10 - left);
    ck_assert_uint_eq(fake.rounds, (10 - left) / lanes);
    ck_assert_int_eq(kw_rounds_take(rounds, &taken), 0);
    ck_assert_ptr_eq(taken, first);
    ck_assert_int_eq(kw_rounds_take(rounds, &taken), left > 0 ? KW_ROUNDS_NONE : 0);
    run_all();
    if (left > 0)
        ck_assert_int_eq(kw_rounds_take(rounds, &taken), 0);
    ck_assert_ptr_eq(taken, second);
    end();
    BN_free(a);
    BN_free(b);
}
END_TEST

/* Composites, primes and numbers that have to be settled side by side: each gets its own verdict, and a
 * composite has no more rounds after the batch that found it. */
START_TEST(neighbours_do_not_disturb_each_other)
{
    enum { NUM = 6 };
    BIGNUM *numbers[NUM] = {rig_composite(1024, 2), rig_prime(1024, 2, 1), rig_prime(1024, UNSURE, 1),
        rig_composite(1024, UNSURE), rig_prime(1024, 2, 1), rig_composite(1024, 4)};
    static const bool prime[NUM] = {false, true, true, false, true, false};
    struct kw_search *searches[NUM];

    begin(_i, KW_SPEC_RSA_2048);
    for (int i = 0; i < NUM; i++)
        searches[i] = push(numbers[i]);
    run_all();
    for (int i = 0; i < NUM; i++) {
        struct kw_search *taken = NULL;
        ck_assert_int_eq(kw_rounds_take(rounds, &taken), prime[i] ? 0 : KW_ROUNDS_COMPOSITE);
        ck_assert_ptr_eq(taken, searches[i]);
        ck_assert_uint_le(searches[i]->rounds_begun, 5);
    }
    ck_assert_uint_eq(rounds->queue.num, 0);
    if (rig_lanes(&rig) == 1)
        ck_assert_uint_eq(rig.kit->stats.rounds, 3 * 5 + 3 * 1);
    end();
    for (int i = 0; i < NUM; i++)
        BN_free(numbers[i]);
}
END_TEST

START_TEST(fatal_errors_are_forwarded)
{
    BIGNUM *number = rig_prime(1024, 2, 1);

    begin(_i, KW_SPEC_RSA_2048);
    push(number);
    fake.fatal = KW_EOPENSSL;
    ck_assert_int_eq(kw_rounds_batch(rounds), KW_EOPENSSL);
    end();
    kw_rounds_free(NULL);
    BN_free(number);
}
END_TEST

static void add(TCase *tcase)
{
    int paths = RIG_PATHS;

    tcase_add_loop_test(tcase, primes_pass_all_their_rounds, 0, paths);
    tcase_add_loop_test(tcase, other_sizes_have_their_own_number, 0, paths);
    tcase_add_loop_test(tcase, composites_are_found, 0, paths);
    tcase_add_loop_test(tcase, what_a_kernel_is_unsure_of_is_settled, 0, paths);
    tcase_add_loop_test(tcase, rounds_of_several_share_batches, 0, paths);
    tcase_add_loop_test(tcase, neighbours_do_not_disturb_each_other, 0, paths);
    tcase_add_loop_test(tcase, fatal_errors_are_forwarded, 0, paths);
}

int main(void)
{
    if (kw_crypto_init() != 0 || kw_rng_new(&rng) != 0)
        return EXIT_FAILURE;
    int status = kw_suite_run("rounds", add, 60);
    kw_rng_free(rng);
    return status;
}
