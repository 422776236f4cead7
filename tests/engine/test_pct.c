#include "engine/crypto.h"
#include "engine/pct.h"
#include "pool/fault.h"
#include "pool/secmem.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

static struct kw_rng *rng;
/* One good pair of each spec. */
static EVP_PKEY *good[KW_SPEC_NUM];

static EVP_PKEY *make_good(enum kw_spec spec)
{
    const struct kw_spec_info *info = kw_spec_info(spec);
    switch (info->kind) {
    case KW_KIND_RSA:
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)info->bits);
    case KW_KIND_EC:
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", info->curve);
    default:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
}

static int run_once(enum kw_spec spec, EVP_PKEY *pkey)
{
    struct kw_pct *pct = NULL;
    ck_assert_int_eq(kw_pct_new(&pct, spec, rng), 0);
    int result = kw_pct_run(pct, pkey);
    kw_pct_free(pct);
    return result;
}

START_TEST(good_pairs_pass)
{
    struct kw_pct *pct = NULL;

    ck_assert_int_eq(kw_pct_new(&pct, (enum kw_spec)_i, rng), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(kw_pct_run(pct, good[_i]), 0);
    kw_pct_free(pct);
}
END_TEST

START_TEST(key_of_another_size_fails)
{
    ck_assert_int_eq(run_once(KW_SPEC_RSA_3072, good[KW_SPEC_RSA_2048]), KW_PCT_FAILED);
    ck_assert_int_eq(run_once(KW_SPEC_RSA_2048, good[KW_SPEC_RSA_3072]), KW_PCT_FAILED);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

/* A run leaves nothing of the key behind and keeps no hold on it. */
START_TEST(runs_do_not_grow)
{
    struct kw_secmem_stats before, after;
    struct kw_pct *pct = NULL;

    ck_assert_int_eq(kw_pct_new(&pct, KW_SPEC_ECC_NIST_P256, rng), 0);
    ck_assert_int_eq(kw_pct_run(pct, good[KW_SPEC_ECC_NIST_P256]), 0);
    kw_secmem_stats(&before);
    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(kw_pct_run(pct, good[KW_SPEC_ECC_NIST_P256]), 0);
    kw_secmem_stats(&after);
    ck_assert_uint_eq(before.mapped_bytes, after.mapped_bytes);
    kw_pct_free(pct);
    kw_pct_free(NULL);
}
END_TEST

static EVP_PKEY *pkey_from(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        pkey = NULL;
    ERR_clear_error();
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

/* ---- RSA ---- */

#define RSA_INTEGERS 8
static const char *const rsa_names[RSA_INTEGERS] = {
    OSSL_PKEY_PARAM_RSA_N,
    OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,
    OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,
    OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2,
    OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

static void rsa_get(const EVP_PKEY *pkey, BIGNUM *numbers[RSA_INTEGERS])
{
    for (size_t i = 0; i < RSA_INTEGERS; i++) {
        numbers[i] = NULL;
        ck_assert_int_eq(EVP_PKEY_get_bn_param(pkey, rsa_names[i], &numbers[i]), 1);
    }
}

static EVP_PKEY *rsa_set(BIGNUM *numbers[RSA_INTEGERS])
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    for (size_t i = 0; i < RSA_INTEGERS; i++)
        ck_assert_int_eq(OSSL_PARAM_BLD_push_BN(build, rsa_names[i], numbers[i]), 1);
    return pkey_from("RSA", build);
}

static void rsa_free(BIGNUM *numbers[RSA_INTEGERS])
{
    for (size_t i = 0; i < RSA_INTEGERS; i++)
        BN_free(numbers[i]);
}

static void flip(BIGNUM *number, int bit)
{
    ck_assert_int_eq(BN_is_bit_set(number, bit) ? BN_clear_bit(number, bit) : BN_set_bit(number, bit), 1);
}

/* Every bit of every number, and one bit above its top. */
START_TEST(rsa_every_flipped_bit_fails)
{
    BIGNUM *numbers[RSA_INTEGERS];
    struct kw_pct *pct = NULL;

    rsa_get(good[KW_SPEC_RSA_2048], numbers);
    ck_assert_int_eq(kw_pct_new(&pct, KW_SPEC_RSA_2048, rng), 0);
    int bits = BN_num_bits(numbers[_i]) + 1;
    for (int bit = 0; bit < bits; bit++) {
        flip(numbers[_i], bit);
        EVP_PKEY *pkey = rsa_set(numbers);
        ck_assert_ptr_nonnull(pkey);
        ck_assert_int_eq(kw_pct_run(pct, pkey), KW_PCT_FAILED);
        EVP_PKEY_free(pkey);
        flip(numbers[_i], bit);
    }
    EVP_PKEY *pkey = rsa_set(numbers);
    ck_assert_int_eq(kw_pct_run(pct, pkey), 0);
    EVP_PKEY_free(pkey);
    kw_pct_free(pct);
    rsa_free(numbers);
}
END_TEST

static int run_rsa(BIGNUM *numbers[RSA_INTEGERS])
{
    EVP_PKEY *pkey = rsa_set(numbers);
    ck_assert_ptr_nonnull(pkey);
    int result = run_once(KW_SPEC_RSA_2048, pkey);
    EVP_PKEY_free(pkey);
    return result;
}

static void swap(BIGNUM **a, BIGNUM **b)
{
    BIGNUM *kept = *a;
    *a = *b;
    *b = kept;
}

/* Pairs of numbers exchanged, and the key of hostile arithmetic: a modulus of zero must not reach a division.
 */
START_TEST(rsa_misplaced_numbers_fail)
{
    BIGNUM *numbers[RSA_INTEGERS];

    rsa_get(good[KW_SPEC_RSA_2048], numbers);
    for (size_t i = 2; i < RSA_INTEGERS; i++) {
        for (size_t j = 2; j < i; j++) {
            swap(&numbers[i], &numbers[j]);
            ck_assert_int_eq(run_rsa(numbers), KW_PCT_FAILED);
            swap(&numbers[i], &numbers[j]);
        }
    }
    for (size_t i = 0; i < RSA_INTEGERS; i++) {
        for (BN_ULONG value = 0; value <= 2; value++) {
            BIGNUM *kept = BN_dup(numbers[i]);
            BN_set_word(numbers[i], value);
            ck_assert_int_eq(run_rsa(numbers), KW_PCT_FAILED);
            swap(&numbers[i], &kept);
            BN_free(kept);
        }
    }
    ck_assert_uint_eq(ERR_peek_error(), 0);
    rsa_free(numbers);
}
END_TEST

/* Congruent is not enough: OpenSSL signs well with these, but they are not what the standard defines. */
START_TEST(rsa_numbers_that_are_not_reduced_fail)
{
    BIGNUM *numbers[RSA_INTEGERS];

    rsa_get(good[KW_SPEC_RSA_2048], numbers);
    BN_add(numbers[7], numbers[7], numbers[3]);
    ck_assert_int_eq(run_rsa(numbers), KW_PCT_FAILED);
    BN_sub(numbers[7], numbers[7], numbers[3]);
    ck_assert_int_eq(run_rsa(numbers), 0);

    BN_add(numbers[5], numbers[5], numbers[3]);
    BN_sub_word(numbers[5], 1);
    ck_assert_int_eq(run_rsa(numbers), KW_PCT_FAILED);
    rsa_free(numbers);
}
END_TEST

/* ---- EC ---- */

static EVP_PKEY *ec_set(enum kw_spec spec, const BIGNUM *scalar, const EVP_PKEY *point_of)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    uint8_t point[256];
    size_t len;

    ck_assert_int_eq(
        EVP_PKEY_get_octet_string_param(point_of, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len), 1);
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, kw_spec_info(spec)->curve, 0);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, len);
    return pkey_from("EC", build);
}

/* A pair that OpenSSL will not even build cannot reach a pool either. */
static int run_ec(enum kw_spec spec, const BIGNUM *scalar, const EVP_PKEY *point_of)
{
    EVP_PKEY *pkey = ec_set(spec, scalar, point_of);
    if (pkey == NULL)
        return KW_PCT_FAILED;
    int result = run_once(spec, pkey);
    EVP_PKEY_free(pkey);
    return result;
}

START_TEST(ec_wrong_scalars_fail)
{
    enum kw_spec spec = (enum kw_spec)_i;
    BIGNUM *scalar = NULL, *order = NULL;

    ck_assert_int_eq(EVP_PKEY_get_bn_param(good[spec], OSSL_PKEY_PARAM_PRIV_KEY, &scalar), 1);
    ck_assert_int_eq(EVP_PKEY_get_bn_param(good[spec], OSSL_PKEY_PARAM_EC_ORDER, &order), 1);
    ck_assert_int_eq(run_ec(spec, scalar, good[spec]), 0);
    for (int bit = 0; bit < BN_num_bits(order); bit += bit % 64 == 0 ? 1 : 9) {
        flip(scalar, bit);
        ck_assert_int_eq(run_ec(spec, scalar, good[spec]), KW_PCT_FAILED);
        flip(scalar, bit);
    }
    BN_add(scalar, scalar, order);
    ck_assert_int_eq(run_ec(spec, scalar, good[spec]), KW_PCT_FAILED);
    BN_zero(scalar);
    ck_assert_int_eq(run_ec(spec, scalar, good[spec]), KW_PCT_FAILED);
    BN_free(scalar);
    BN_free(order);
}
END_TEST

START_TEST(ec_point_of_another_pair_fails)
{
    enum kw_spec spec = (enum kw_spec)_i;
    BIGNUM *scalar = NULL;
    EVP_PKEY *other = make_good(spec);

    ck_assert_int_eq(EVP_PKEY_get_bn_param(good[spec], OSSL_PKEY_PARAM_PRIV_KEY, &scalar), 1);
    ck_assert_int_eq(run_ec(spec, scalar, other), KW_PCT_FAILED);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    EVP_PKEY_free(other);
    BN_free(scalar);
}
END_TEST

/* ---- Ed25519 ---- */

static int run_ed25519(const uint8_t seed[32], const uint8_t public_key[32])
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PRIV_KEY, seed, 32);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, public_key, 32);
    EVP_PKEY *pkey = pkey_from("ED25519", build);
    if (pkey == NULL)
        return KW_PCT_FAILED;
    int result = run_once(KW_SPEC_ECC_NIST_EDWARDS25519, pkey);
    EVP_PKEY_free(pkey);
    return result;
}

START_TEST(ed25519_every_flipped_bit_fails)
{
    uint8_t key[64];
    size_t seed_len = 32, public_len = 32;
    EVP_PKEY *pkey = good[KW_SPEC_ECC_NIST_EDWARDS25519];

    ck_assert_int_eq(EVP_PKEY_get_raw_private_key(pkey, key, &seed_len), 1);
    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pkey, key + 32, &public_len), 1);
    ck_assert_int_eq(run_ed25519(key, key + 32), 0);
    for (size_t bit = 0; bit < 8 * sizeof(key); bit++) {
        key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(run_ed25519(key, key + 32), KW_PCT_FAILED);
        key[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
END_TEST

/* ---- the hook ---- */

START_TEST(fault_hook_makes_the_real_check_fail)
{
    struct kw_pct *pct = NULL;

    if (!kw_fault_compiled_in()) {
        ck_assert_int_eq(kw_fault_set("pct:fail@1"), -ENOSYS);
        return;
    }
    ck_assert_int_eq(kw_pct_new(&pct, (enum kw_spec)_i, rng), 0);
    ck_assert_int_eq(kw_fault_set("pct:fail@2+2"), 0);
    ck_assert_int_eq(kw_pct_run(pct, good[_i]), 0);
    ck_assert_int_eq(kw_pct_run(pct, good[_i]), KW_PCT_FAILED);
    ck_assert_int_eq(kw_pct_run(pct, good[_i]), KW_PCT_FAILED);
    ck_assert_int_eq(kw_pct_run(pct, good[_i]), 0);
    ck_assert_int_eq(kw_fault_set(""), 0);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    kw_pct_free(pct);
}
END_TEST

static int set_up(void)
{
    if (kw_crypto_init() != 0 || kw_rng_new(&rng) != 0)
        return 1;
    for (int i = 0; i < KW_SPEC_NUM; i++) {
        if ((good[i] = make_good((enum kw_spec)i)) == NULL)
            return 1;
    }
    return 0;
}

static void tear_down(void)
{
    for (int i = 0; i < KW_SPEC_NUM; i++)
        EVP_PKEY_free(good[i]);
    kw_rng_free(rng);
}

int main(void)
{
    if (set_up() != 0)
        return 1;

    Suite *suite = suite_create("pct");
    TCase *tcase = tcase_create("pct");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, good_pairs_pass, 0, KW_SPEC_NUM);
    tcase_add_test(tcase, key_of_another_size_fails);
    tcase_add_test(tcase, runs_do_not_grow);
    tcase_add_loop_test(tcase, rsa_every_flipped_bit_fails, 0, RSA_INTEGERS);
    tcase_add_test(tcase, rsa_misplaced_numbers_fail);
    tcase_add_test(tcase, rsa_numbers_that_are_not_reduced_fail);
    tcase_add_loop_test(tcase, ec_wrong_scalars_fail, KW_SPEC_ECC_NIST_P256, KW_SPEC_ECC_NIST_EDWARDS25519);
    tcase_add_loop_test(
        tcase, ec_point_of_another_pair_fails, KW_SPEC_ECC_NIST_P256, KW_SPEC_ECC_NIST_EDWARDS25519);
    tcase_add_test(tcase, ed25519_every_flipped_bit_fails);
    tcase_add_loop_test(tcase, fault_hook_makes_the_real_check_fail, 0, KW_SPEC_NUM);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    tear_down();
    return failed == 0 ? 0 : 1;
}
