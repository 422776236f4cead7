#include "engine/rsa/consistency.h"

#include "pool/fault.h"
#include "tests/support/pairs.h"
#include "tests/support/rsa_rig.h"
#include "tests/support/sanitized.h"
#include "tests/support/suite.h"

#include <openssl/err.h>

static struct rig rig;
static struct kw_consistency *consistency;

static void begin(int path, enum kw_spec spec)
{
    rig_up(&rig, path, spec);
    consistency = rig.parts->consistency;
}

static void end(void)
{
    rig_down(&rig);
}

static void words_of(uint64_t *ret, const BIGNUM *prime)
{
    kw_numbers_words(ret, rig.kit->num, prime);
}

static int add_primes(const BIGNUM *p, const BIGNUM *q)
{
    uint64_t a[KW_RSA_PRIME_MAX], b[KW_RSA_PRIME_MAX];

    words_of(a, p);
    words_of(b, q);
    return kw_consistency_add(consistency, a, b);
}

/* Primes of each size, made when first asked for: they are dear. */
enum { PRIMES = KW_LANES_MAX + 2 };
static BIGNUM *primes[3][PRIMES];

static const BIGNUM *prime_of(unsigned bits, unsigned index)
{
    BIGNUM **prime = &primes[bits / 512 - 2][index];

    while (*prime == NULL || BN_mod_word(*prime, KW_RSA_E) == 1) {
        BN_free(*prime);
        *prime = rig_prime((int)bits, 2, 1);
    }
    return *prime;
}

static void free_primes(void)
{
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < PRIMES; j++)
            BN_free(primes[i][j]);
}

static void sign_all(void)
{
    while (kw_consistency_jobs(consistency) > 0)
        ck_assert_int_eq(kw_consistency_sign(consistency), 0);
}

/* ---- good pairs ---- */

/* The pair in the slot is that of these primes, the larger one first. */
static void check_primes(const struct place *place, const BIGNUM *a, const BIGNUM *b)
{
    bool larger = BN_cmp(a, b) > 0;
    EVP_PKEY *pkey = load_private(place);
    BIGNUM *p = number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1), *q = number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2);

    ck_assert_int_eq(BN_cmp(p, larger ? a : b), 0);
    ck_assert_int_eq(BN_cmp(q, larger ? b : a), 0);
    BN_free(p);
    BN_free(q);
    EVP_PKEY_free(pkey);
}

static void check_good_pair(enum kw_spec spec)
{
    unsigned bits = kw_spec_info(spec)->bits / 2;
    const BIGNUM *p = prime_of(bits, 0), *q = prime_of(bits, 1);
    uint64_t pairs = rig.kit->stats.pairs, failures = rig.kit->stats.failures;
    struct place place;

    for (int swapped = 0; swapped < 2; swapped++) {
        ck_assert_int_eq(add_primes(swapped ? q : p, swapped ? p : q), 0);
        ck_assert(!kw_consistency_signed(consistency));
        ck_assert_uint_eq(kw_consistency_jobs(consistency), 2);
        sign_all();
        ck_assert(kw_consistency_signed(consistency));
        ck_assert_int_eq(kw_consistency_finish(consistency, place_init(&place)), 0);
        ck_assert(!kw_consistency_signed(consistency));
        check_pair(spec, &place);
        check_primes(&place, p, q);
    }
    ck_assert_uint_eq(rig.kit->stats.pairs, pairs + 2);
    ck_assert_uint_eq(rig.kit->stats.failures, failures);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

START_TEST(good_pairs_are_written)
{
    enum kw_spec spec = (enum kw_spec)(_i / RIG_PATHS);

    begin(_i % RIG_PATHS, spec);
    check_good_pair(spec);
    end();
}
END_TEST

/* As many as the lanes take, and one more: each result goes to its own pair, oldest first. */
START_TEST(pairs_share_batches)
{
    struct place place;

    begin(_i, KW_SPEC_RSA_2048);
    unsigned full = KW_MAX(rig_lanes(&rig) / 2, 1), num = full + 1;
    for (unsigned i = 0; i < num; i++) {
        ck_assert_int_eq(add_primes(prime_of(1024, 2 * i), prime_of(1024, 2 * i + 1)), 0);
        ck_assert_uint_eq(kw_consistency_jobs(consistency), 2 * (i + 1));
    }
    sign_all();
    ck_assert_uint_eq(rig.kit->stats.power_batches, rig_lanes(&rig) == 1 ? 4 : 2);
    for (unsigned i = 0; i < num; i++) {
        ck_assert_ptr_nonnull(kw_consistency_pair(consistency, num - i - 1));
        ck_assert_ptr_null(kw_consistency_pair(consistency, num - i));
        ck_assert_int_eq(kw_consistency_finish(consistency, place_init(&place)), 0);
        check_primes(&place, prime_of(1024, 2 * i), prime_of(1024, 2 * i + 1));
    }
    end();
}
END_TEST

/* ---- bad pairs ---- */

static bool all_zero(const void *memory, size_t len)
{
    return all_bytes(memory, len, 0);
}

static void finish_fails(enum kw_spec spec, struct kw_candidate_pair *pair)
{
    const struct kw_spec_info *info = kw_spec_info(spec);
    uint64_t failures = rig.kit->stats.failures;
    struct place place;

    ck_assert_int_eq(kw_consistency_finish(consistency, place_init(&place)), KW_GENERATOR_FAILED);
    ck_assert(all_zero(place.public_der, info->public_max));
    ck_assert(all_zero(place.private_der, info->private_max));
    ck_assert_uint_eq(place.slot.public_len, 0);
    ck_assert_uint_eq(place.slot.private_len, 0);
    ck_assert_uint_eq(rig.kit->stats.failures, failures + 1);
    ck_assert(all_zero(pair, sizeof(*pair)));
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

/* Turn 0: the lowest bit, 1: the highest but three, later: any. A modulus that is even is no modulus: p and q
 * stay odd for the lanes. */
static size_t bit_to_flip(unsigned turn, size_t num_bits, bool stays_odd)
{
    size_t lowest = stays_odd ? 1 : 0;

    return turn == 0   ? lowest
           : turn == 1 ? num_bits - 4
                       : lowest + kw_numbers_below((uint32_t)(num_bits - lowest));
}

/* One bit of one of the numbers, before the signature or after it. */
static void flip_and_finish(enum kw_spec spec, size_t offset, size_t num_words, unsigned turn)
{
    unsigned bits = kw_spec_info(spec)->bits / 2;
    bool modulus = offset == offsetof(struct kw_rsa_key, p) || offset == offsetof(struct kw_rsa_key, q);
    size_t bit = bit_to_flip(turn / 2, 64 * num_words, modulus);

    ck_assert_int_eq(add_primes(prime_of(bits, 0), prime_of(bits, 1)), 0);
    struct kw_candidate_pair *pair = kw_consistency_pair(consistency, 0);
    uint64_t *words = (uint64_t *)(void *)((char *)&pair->key + offset);
    if (turn % 2 == 0)
        sign_all();
    words[bit / 64] ^= (uint64_t)1 << bit % 64;
    sign_all();
    finish_fails(spec, pair);
}

START_TEST(a_flipped_bit_keeps_the_pair_out)
{
    static const struct {
        size_t offset, words; /* of n, or half of that */
    } numbers[] = {
        {offsetof(struct kw_rsa_key, n), 2},
        {offsetof(struct kw_rsa_key, d), 2},
        {offsetof(struct kw_rsa_key, p), 1},
        {offsetof(struct kw_rsa_key, q), 1},
        {offsetof(struct kw_rsa_key, dp), 1},
        {offsetof(struct kw_rsa_key, dq), 1},
        {offsetof(struct kw_rsa_key, qinv), 1},
    };
    enum kw_spec spec = (enum kw_spec)(_i / RIG_PATHS);
    unsigned turns = KW_SANITIZED ? 2 : spec == KW_SPEC_RSA_2048 ? 8 : 6;

    begin(_i % RIG_PATHS, spec);
    for (size_t i = 0; i < KW_ARRAY_LEN(numbers); i++)
        for (unsigned turn = 0; turn < turns; turn++)
            flip_and_finish(spec, numbers[i].offset, numbers[i].words * rig.kit->num, turn);
    ck_assert_uint_eq(rig.kit->stats.pairs, 0);
    check_good_pair(spec);
    end();
}
END_TEST

/* A fault in one of the two exponentiations, which would give the factors away to who sees the signature. */
START_TEST(a_wrong_half_keeps_the_pair_out)
{
    const BIGNUM *p = prime_of(1024, 0), *q = prime_of(1024, 1);

    begin(_i, KW_SPEC_RSA_2048);
    for (int half = 0; half < 2; half++) {
        ck_assert_int_eq(add_primes(p, q), 0);
        struct kw_candidate_pair *pair = kw_consistency_pair(consistency, 0);
        sign_all();
        pair->result[half][3] ^= 1 << 7;
        finish_fails(KW_SPEC_RSA_2048, pair);
    }
    check_good_pair(KW_SPEC_RSA_2048);
    end();
}
END_TEST

/* Primes do not make a pair if one is 1 modulo e; nothing of them stays. */
START_TEST(unfit_primes_are_not_taken)
{
    const BIGNUM *p = prime_of(1024, 0);
    BIGNUM *q = rig_number(1024, 2ul * KW_RSA_E, 1);

    begin(_i, KW_SPEC_RSA_2048);
    for (int swapped = 0; swapped < 2; swapped++) {
        ck_assert_int_eq(add_primes(swapped ? q : p, swapped ? p : q), KW_RSA_KEY_UNFIT);
        ck_assert_uint_eq(kw_consistency_jobs(consistency), 0);
        ck_assert(!kw_consistency_signed(consistency));
        ck_assert_ptr_null(kw_consistency_pair(consistency, 0));
    }
    check_good_pair(KW_SPEC_RSA_2048);
    end();
    BN_free(q);
}
END_TEST

START_TEST(the_hook_fails_one_pair)
{
    const BIGNUM *p = prime_of(1024, 0), *q = prime_of(1024, 1);
    struct place place;

    if (kw_fault_compiled_in()) {
        begin(_i, KW_SPEC_RSA_2048);
        ck_assert_int_eq(kw_fault_set("pct:fail@2"), 0);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(add_primes(p, q), 0);
            sign_all();
            if (i == 1)
                finish_fails(KW_SPEC_RSA_2048, kw_consistency_pair(consistency, 0));
            else
                ck_assert_int_eq(kw_consistency_finish(consistency, place_init(&place)), 0);
        }
        ck_assert_int_eq(kw_fault_set(""), 0);
        end();
    }
}
END_TEST

START_TEST(fatal_errors_are_forwarded)
{
    const BIGNUM *p = prime_of(1024, 0), *q = prime_of(1024, 1);

    begin(_i, KW_SPEC_RSA_2048);
    rig_fake(&rig);
    ck_assert_int_eq(add_primes(p, q), 0);
    fake.fatal = -ENOMEM;
    ck_assert_int_eq(kw_consistency_sign(consistency), -ENOMEM);
    end();
    kw_consistency_free(NULL);
}
END_TEST

static void add(TCase *tcase)
{
    int paths = RIG_PATHS;

    tcase_add_loop_test(tcase, good_pairs_are_written, 0, 3 * paths);
    tcase_add_loop_test(tcase, pairs_share_batches, 0, paths);
    tcase_add_loop_test(tcase, a_flipped_bit_keeps_the_pair_out, 0, 3 * paths);
    tcase_add_loop_test(tcase, a_wrong_half_keeps_the_pair_out, 0, paths);
    tcase_add_loop_test(tcase, unfit_primes_are_not_taken, 0, paths);
    tcase_add_loop_test(tcase, the_hook_fails_one_pair, 0, paths);
    tcase_add_loop_test(tcase, fatal_errors_are_forwarded, 0, paths);
}

int main(void)
{
    if (kw_crypto_init() != 0 || kw_rng_new(&rng) != 0)
        return EXIT_FAILURE;
    int status = kw_suite_run("consistency", add, 60);
    free_primes();
    kw_rng_free(rng);
    return status;
}
