#include "engine/ec/scalar.h"

#include "engine/crypto.h"
#include "pool/secmem.h"
#include "tests/support/edwards.h"
#include "tests/support/process_residue.h"
#include "tests/support/sanitized.h"
#include "tests/support/suite.h"

#include <openssl/provider.h>
#include <openssl/sha.h>

enum { PAIRS_MAX = 65536, CURVES = KW_SPEC_NUM - KW_SPEC_ECC_NIST_P256 };

static const struct kw_curve *curve_at(int index)
{
    return kw_curve_of((enum kw_spec)(KW_SPEC_ECC_NIST_P256 + index));
}

static struct kw_scalars *scalars_new(const struct kw_curve *curve)
{
    struct kw_scalars *scalars = NULL;

    ck_assert_int_eq(kw_scalars_new(&scalars, curve, NULL), 0);
    return scalars;
}

/* What the scalar of a secret is by definition. */
static BIGNUM *scalar_of(const struct kw_curve *curve, const uint8_t *secret)
{
    uint8_t digest[SHA512_DIGEST_LENGTH];

    if (curve->form != KW_CURVE_EDWARDS)
        return BN_bin2bn(secret, (int)curve->secret_len, NULL);
    SHA512(secret, 32, digest);
    digest[0] &= 248;
    digest[31] &= 127;
    digest[31] |= 64;
    return BN_lebin2bn(digest, 32, NULL);
}

/* ---- read ---- */

START_TEST(secrets_are_read)
{
    const struct kw_curve *curve = curve_at(_i);
    struct kw_scalars *scalars = scalars_new(curve);
    uint8_t secret[KW_CURVE_SECRET_MAX];
    uint64_t words[KW_CURVE_WORDS_MAX];

    for (int i = 0; i < 300; i++) {
        ck_assert_int_eq(RAND_bytes(secret, sizeof(secret)), 1);
        if (i < 2)
            memset(secret, i == 0 ? 0 : 0xff, sizeof(secret));
        BIGNUM *expected = scalar_of(curve, secret);
        ck_assert_int_eq(kw_scalars_read(scalars, secret, words), 0);
        ck_assert(kw_numbers_same(words, curve->num, expected));
        BN_free(expected);
    }
    kw_scalars_free(scalars);
}
END_TEST

/* It is that multiple of B that OpenSSL says is the public key. */
START_TEST(seeds_are_read_as_the_standard_says)
{
    const struct kw_curve *curve = kw_curve_of(KW_SPEC_ECC_NIST_EDWARDS25519);
    struct kw_scalars *scalars = scalars_new(curve);
    uint8_t seed[32], expected[32], found[32];
    uint64_t words[KW_CURVE_WORDS_MAX];
    size_t len = sizeof(expected);

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(RAND_bytes(seed, sizeof(seed)), 1);
        EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
        ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pkey, expected, &len), 1);
        ck_assert_int_eq(kw_scalars_read(scalars, seed, words), 0);
        BIGNUM *scalar = kw_numbers_bn_new(words, curve->num);
        struct edwards point = edwards_multiply(&edwards.base, scalar);
        edwards_encode(found, &point);
        ck_assert_mem_eq(found, expected, sizeof(found));
        edwards_free(&point);
        BN_free(scalar);
        EVP_PKEY_free(pkey);
    }
    kw_scalars_free(scalars);
}
END_TEST

/* ---- sums ---- */

struct pairs {
    unsigned num;
    uint8_t *secrets;
    uint8_t *multipliers;
};

static struct pairs pairs;

static void pairs_draw(const struct kw_curve *curve, unsigned num)
{
    ck_assert_uint_le(num, PAIRS_MAX);
    pairs.num = num;
    ck_assert_int_eq(RAND_bytes(pairs.secrets, (int)(num * curve->secret_len + 1)), 1);
    ck_assert_int_eq(RAND_bytes(pairs.multipliers, (int)(8 * num + 1)), 1);
}

static BIGNUM *expected_dot(const struct kw_curve *curve, uint64_t bias)
{
    BIGNUM *sum = BN_new(), *n = kw_numbers_bn_new(curve->n, curve->num), *b = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    BN_set_word(b, bias);
    for (unsigned i = 0; i < pairs.num; i++) {
        BIGNUM *d = scalar_of(curve, pairs.secrets + i * curve->secret_len);
        BIGNUM *m = BN_lebin2bn(pairs.multipliers + 8 * i, 8, NULL);
        BN_sub(m, m, b);
        BN_mul(d, d, m, ctx);
        BN_add(sum, sum, d);
        BN_free(d);
        BN_free(m);
    }
    ck_assert_int_eq(BN_nnmod(sum, sum, n, ctx), 1);
    BN_free(n);
    BN_free(b);
    BN_CTX_free(ctx);
    return sum;
}

static void check_dot(struct kw_scalars *scalars, const struct kw_curve *curve, uint64_t bias)
{
    uint64_t found[KW_CURVE_WORDS_MAX];
    BIGNUM *expected = expected_dot(curve, bias);

    memset(found, 0xa5, sizeof(found));
    ck_assert_int_eq(kw_scalars_dot(scalars, pairs.num, pairs.secrets, pairs.multipliers, bias, found), 0);
    ck_assert(kw_numbers_same(found, curve->num, expected));
    BN_free(expected);
}

static const uint64_t biases[] = {0, 1, (uint64_t)1 << 31, (uint64_t)1 << 63, UINT64_MAX};

START_TEST(sums_of_random_pairs)
{
    static const unsigned nums[] = {0, 1, 2, 3, 8, 31, 512, 1024};
    const struct kw_curve *curve = curve_at(_i);
    struct kw_scalars *scalars = scalars_new(curve);

    for (size_t i = 0; i < KW_ARRAY_LEN(nums); i++) {
        for (size_t j = 0; j < KW_ARRAY_LEN(biases); j++) {
            pairs_draw(curve, nums[i]);
            check_dot(scalars, curve, biases[j]);
        }
    }
    kw_scalars_free(scalars);
}
END_TEST

/* The largest and the smallest sums that can be: no carry is lost. */
START_TEST(sums_of_extreme_pairs)
{
    const struct kw_curve *curve = curve_at(_i);
    struct kw_scalars *scalars = scalars_new(curve);

    for (int kind = 0; kind < 4; kind++) {
        pairs_draw(curve, PAIRS_MAX);
        memset(pairs.secrets, kind & 1 ? 0xff : 0, (size_t)PAIRS_MAX * curve->secret_len);
        memset(pairs.multipliers, kind & 2 ? 0xff : 0, 8 * (size_t)PAIRS_MAX);
        check_dot(scalars, curve, kind & 2 ? 0 : UINT64_MAX);
    }
    for (int kind = 0; kind < 20; kind++) { /* d = n - 1, n, n + 1, m = bias */
        uint64_t words[KW_CURVE_WORDS_MAX];
        pairs_draw(curve, 5);
        (void)kw_words_add_word(words, curve->n, curve->num, 1);
        for (int i = 0; i < kind % 4; i++)
            (void)kw_words_sub_word(words, words, curve->num, 1);
        kw_words_to_bytes(pairs.secrets, curve->secret_len, words, curve->num);
        memcpy(pairs.multipliers + 8, &biases[kind % 5], 8);
        check_dot(scalars, curve, biases[kind % 5]);
    }
    kw_scalars_free(scalars);
}
END_TEST

/* A curve of a test's own, over a large field: few points, and scalars that are not reduced. */
START_TEST(sums_modulo_a_small_order)
{
    static const uint64_t orders[] = {1, 2, 3, 13, 0xfffffffb, 0xffffffffffffffc5};
    struct kw_curve curve = *curve_at(_i);

    for (size_t i = 0; i < KW_ARRAY_LEN(orders); i++) {
        memset(curve.n, 0, sizeof(curve.n));
        curve.n[0] = orders[i];
        struct kw_scalars *scalars = scalars_new(&curve);
        for (size_t j = 0; j < KW_ARRAY_LEN(biases); j++) {
            pairs_draw(&curve, 9);
            check_dot(scalars, &curve, biases[j]);
        }
        kw_scalars_free(scalars);
    }
}
END_TEST

/* ---- what stays ---- */

static void residue_of_scalars(struct residue *residue, const struct kw_curve *curve)
{
    memset(residue, 0, sizeof(*residue));
    for (unsigned i = 0; i < pairs.num; i++) {
        uint8_t bytes[KW_CURVE_SECRET_MAX];
        BIGNUM *scalar = scalar_of(curve, pairs.secrets + i * curve->secret_len);
        int len = BN_bn2bin(scalar, bytes);
        residue_add(residue, KW_BYTES(bytes, (size_t)len));
        residue_add(residue, KW_BYTES(pairs.secrets + i * curve->secret_len, curve->secret_len));
        BN_free(scalar);
    }
}

START_TEST(nothing_stays_of_what_was_summed_up)
{
    const struct kw_curve *curve = curve_at(_i);
    struct kw_scalars *scalars = scalars_new(curve);
    uint64_t sum[KW_CURVE_WORDS_MAX], again[KW_CURVE_WORDS_MAX];
    static struct residue residue;

    pairs_draw(curve, 3);
    residue_of_scalars(&residue, curve);
    ck_assert_int_eq(kw_scalars_dot(scalars, 3, pairs.secrets, pairs.multipliers, 0, sum), 0);
    ck_assert_ptr_null(residue_find(&residue, scalars, kw_secmem_size(scalars)));
    residue_add(&residue, KW_BYTES((const uint8_t *)sum, 8 * curve->num - 8));
    ck_assert_ptr_null(residue_find(&residue, scalars, kw_secmem_size(scalars)));
    /* And it can be used on. */
    ck_assert_int_eq(kw_scalars_dot(scalars, 3, pairs.secrets, pairs.multipliers, 0, again), 0);
    ck_assert_mem_eq(sum, again, 8 * curve->num);

    ck_assert_int_eq(kw_scalars_read(scalars, pairs.secrets, sum), 0);
    kw_scalars_wipe(scalars);
    ck_assert_ptr_null(residue_find(&residue, scalars, kw_secmem_size(scalars)));
    ck_assert_int_eq(kw_scalars_read(scalars, pairs.secrets, again), 0);
    ck_assert_mem_eq(sum, again, 8 * curve->num);
    kw_scalars_free(scalars);
}
END_TEST

/* Nor does OpenSSL keep a seed or its digest, once the secrets themselves are gone. */
START_TEST(nothing_stays_in_the_process)
{
    const struct kw_curve *curve = curve_at(_i);
    struct kw_scalars *scalars = scalars_new(curve);
    uint64_t sum[KW_CURVE_WORDS_MAX];
    static struct residue residue;

    if (!KW_SANITIZED) { /* a sanitizer keeps copies of its own */
        pairs_draw(curve, 3);
        residue_of_scalars(&residue, curve);
        ck_assert_ptr_nonnull(find_in_process(&residue));
        ck_assert_int_eq(kw_scalars_dot(scalars, 3, pairs.secrets, pairs.multipliers, 0, sum), 0);
        kw_erase(pairs.secrets, 3 * (size_t)curve->secret_len);
        forget_test_stack();
        ck_assert_ptr_null(find_in_process(&residue));
    }
    kw_scalars_free(scalars);
}
END_TEST

/* ---- failures ---- */

START_TEST(without_the_digest_there_are_no_seeds)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *none = OSSL_PROVIDER_load(libctx, "null");
    struct kw_scalars *scalars = NULL;

    ck_assert_ptr_nonnull(none);
    ck_assert_int_eq(
        kw_scalars_new(&scalars, kw_curve_of(KW_SPEC_ECC_NIST_EDWARDS25519), libctx), KW_EOPENSSL);
    ck_assert_ptr_null(scalars);
    ERR_clear_error();
    /* The others need none. */
    ck_assert_int_eq(kw_scalars_new(&scalars, kw_curve_of(KW_SPEC_ECC_NIST_P256), libctx), 0);
    kw_scalars_free(scalars);
    kw_scalars_free(NULL);
    OSSL_PROVIDER_unload(none);
    OSSL_LIB_CTX_free(libctx);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, secrets_are_read, 0, CURVES);
    tcase_add_test(tcase, seeds_are_read_as_the_standard_says);
    tcase_add_loop_test(tcase, sums_of_random_pairs, 0, CURVES);
    tcase_add_loop_test(tcase, sums_of_extreme_pairs, 0, CURVES);
    tcase_add_loop_test(tcase, sums_modulo_a_small_order, 0, CURVES);
    tcase_add_loop_test(tcase, nothing_stays_of_what_was_summed_up, 0, CURVES);
    tcase_add_loop_test(tcase, nothing_stays_in_the_process, 0, CURVES);
    tcase_add_test(tcase, without_the_digest_there_are_no_seeds);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    edwards_up();
    pairs.secrets = kw_secmem_alloc((size_t)PAIRS_MAX * KW_CURVE_SECRET_MAX + 1);
    pairs.multipliers = kw_secmem_alloc(8 * (size_t)PAIRS_MAX + 1);
    if (pairs.secrets == NULL || pairs.multipliers == NULL)
        return EXIT_FAILURE;
    int status = kw_suite_run("scalar", add, 100);
    kw_secmem_free(pairs.secrets);
    kw_secmem_free(pairs.multipliers);
    return status;
}
