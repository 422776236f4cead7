#include "engine/pct.h"

#include "engine/crypto.h"
#include "pool/fault.h"
#include "pool/secmem.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

/* The longest signature: RSA_4096. */
#define SIGNATURE_MAX 512u

enum number { N, E, D, P, Q, DP, DQ, QINV, P1, Q1, PRODUCT, REST, NUM_NUMBERS };

/* The numbers that come from the key; the others are scratch. */
static const char *const names[] = {
    [N] = OSSL_PKEY_PARAM_RSA_N,
    [E] = OSSL_PKEY_PARAM_RSA_E,
    [D] = OSSL_PKEY_PARAM_RSA_D,
    [P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
    [Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
    [DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
    [DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
    [QINV] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

struct kw_pct {
    const struct kw_spec_info *info;
    OSSL_LIB_CTX *libctx;
    EVP_MD_CTX *md_ctx;
    BN_CTX *bn_ctx;
    BIGNUM *number[NUM_NUMBERS]; /* RSA only; cleared after each run */
    uint8_t signature[SIGNATURE_MAX];
};

void kw_pct_free(struct kw_pct *pct)
{
    if (pct == NULL)
        return;
    for (size_t i = 0; i < NUM_NUMBERS; i++)
        BN_clear_free(pct->number[i]);
    BN_CTX_free(pct->bn_ctx);
    EVP_MD_CTX_free(pct->md_ctx);
    kw_secmem_free(pct);
}

static void pct_freep(struct kw_pct **pct)
{
    kw_pct_free(*pct);
}

int kw_pct_new(struct kw_pct **ret, enum kw_spec spec, struct kw_rng *rng)
{
    KW_CLEANUP(pct_freep) struct kw_pct *pct = kw_secmem_alloc(sizeof(*pct));

    if (pct == NULL)
        return -ENOMEM;
    pct->info = kw_spec_info(spec);
    pct->libctx = kw_rng_libctx(rng);
    KW_SSL_PTR(pct->md_ctx = EVP_MD_CTX_new());
    KW_SSL_PTR(pct->bn_ctx = BN_CTX_new_ex(pct->libctx));
    if (pct->info->kind == KW_KIND_RSA) {
        for (size_t i = 0; i < NUM_NUMBERS; i++)
            KW_SSL_PTR(pct->number[i] = BN_new());
    }
    *ret = pct;
    pct = NULL;
    return 0;
}

/* Gets the key's numbers and computes p - 1 and q - 1. The moduli among them are marked as secret, so that
 * OpenSSL divides by them in constant time. */
static int load_numbers(struct kw_pct *pct, const EVP_PKEY *pkey)
{
    BIGNUM **number = pct->number;

    for (size_t i = 0; i < KW_ARRAY_LEN(names); i++)
        KW_SSL(EVP_PKEY_get_bn_param(pkey, names[i], &number[i]));
    KW_SSL_PTR(BN_copy(number[P1], number[P]));
    KW_SSL_PTR(BN_copy(number[Q1], number[Q]));
    KW_SSL(BN_sub_word(number[P1], 1));
    KW_SSL(BN_sub_word(number[Q1], 1));
    BN_set_flags(number[P], BN_FLG_CONSTTIME);
    BN_set_flags(number[P1], BN_FLG_CONSTTIME);
    BN_set_flags(number[Q1], BN_FLG_CONSTTIME);
    return 0;
}

static void clear_numbers(struct kw_pct *pct)
{
    for (size_t i = 0; i < NUM_NUMBERS; i++)
        BN_clear(pct->number[i]);
}

/* FIPS 186-5 A.1.1: the sizes of the modulus, its primes and the exponents. A modulus of zero is among what
 * this keeps from the divisions that follow. */
static bool sizes_fit(const struct kw_pct *pct)
{
    BIGNUM *const *number = pct->number;
    int bits = (int)pct->info->bits;

    return BN_num_bits(number[N]) == bits && BN_num_bits(number[P]) == bits / 2 &&
           BN_num_bits(number[Q]) == bits / 2 && BN_is_odd(number[E]) && BN_num_bits(number[E]) > 16 &&
           BN_num_bits(number[E]) <= 256 && BN_num_bits(number[D]) > bits / 2 &&
           BN_cmp(number[D], number[N]) < 0;
}

/* Is a * b = 1 modulo m? */
static int check_inverse(struct kw_pct *pct, const BIGNUM *a, const BIGNUM *b, const BIGNUM *m)
{
    KW_SSL(BN_mod_mul(pct->number[REST], a, b, m, pct->bn_ctx));
    return BN_is_one(pct->number[REST]) ? 0 : KW_PCT_FAILED;
}

/* Is part = d modulo m, and e * part = 1 modulo m? Both together say that e * d = 1 modulo m. */
static int check_exponent(struct kw_pct *pct, const BIGNUM *part, const BIGNUM *m)
{
    KW_SSL(BN_mod(pct->number[REST], pct->number[D], m, pct->bn_ctx));
    KW_REQUIRE(BN_cmp(pct->number[REST], part) == 0, KW_PCT_FAILED);
    return check_inverse(pct, pct->number[E], part, m);
}

/* A signature through the CRT does not use d, and OpenSSL repairs one that a wrong dP, dQ or qInv spoilt:
 * each number is checked by what defines it (RFC 8017 section 3.2). */
static int check_numbers(struct kw_pct *pct)
{
    BIGNUM **number = pct->number;
    int result;

    KW_REQUIRE(sizes_fit(pct), KW_PCT_FAILED);
    KW_SSL(BN_mul(number[PRODUCT], number[P], number[Q], pct->bn_ctx));
    KW_REQUIRE(BN_cmp(number[PRODUCT], number[N]) == 0, KW_PCT_FAILED);
    if ((result = check_exponent(pct, number[DP], number[P1])) != 0)
        return result;
    if ((result = check_exponent(pct, number[DQ], number[Q1])) != 0)
        return result;
    KW_REQUIRE(BN_cmp(number[QINV], number[P]) < 0, KW_PCT_FAILED);
    return check_inverse(pct, number[QINV], number[Q], number[P]);
}

static int check_rsa(struct kw_pct *pct, const EVP_PKEY *pkey)
{
    int result = load_numbers(pct, pkey);
    if (result == 0)
        result = check_numbers(pct);
    clear_numbers(pct);
    return result;
}

/* SP 800-56A section 5.6.2.3.4 (the point has coordinates in the field and is on the curve; these curves have
 * cofactor 1, so that it then has the right order) and 5.6.2.1.2 (the scalar's range). */
static int check_ec(struct kw_pct *pct, EVP_PKEY *pkey)
{
    KW_CLEANUP(kw_pkey_ctx_freep)
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(pct->libctx, pkey, NULL);

    KW_SSL_PTR(ctx);
    KW_REQUIRE(EVP_PKEY_public_check_quick(ctx) == 1, KW_PCT_FAILED);
    KW_REQUIRE(EVP_PKEY_private_check(ctx) == 1, KW_PCT_FAILED);
    return 0;
}

static int check_key(struct kw_pct *pct, EVP_PKEY *pkey)
{
    switch (pct->info->kind) {
    case KW_KIND_RSA:
        return check_rsa(pct, pkey);
    case KW_KIND_EC:
        return check_ec(pct, pkey);
    default:
        return 0; /* Ed25519: every string is a private key, and verification decodes the public one */
    }
}

/* Signs a fixed message with the private half and verifies with the public half. Ed25519 brings its own hash.
 */
static int check_signature(struct kw_pct *pct, EVP_PKEY *pkey)
{
    static const uint8_t message[] = "pairwise consistency test";
    const char *digest = pct->info->kind == KW_KIND_EDDSA ? NULL : "SHA256";
    EVP_MD_CTX *ctx = pct->md_ctx;
    size_t len = sizeof(pct->signature);

    KW_SSL(EVP_MD_CTX_reset(ctx));
    KW_SSL(EVP_DigestSignInit_ex(ctx, NULL, digest, pct->libctx, NULL, pkey, NULL));
    KW_SSL(EVP_DigestSign(ctx, pct->signature, &len, message, sizeof(message)));
    if (kw_fault(KW_FAULT_PCT) != KW_FAULT_NONE)
        pct->signature[len - 1] ^= 1;

    KW_SSL(EVP_MD_CTX_reset(ctx));
    KW_SSL(EVP_DigestVerifyInit_ex(ctx, NULL, digest, pct->libctx, NULL, pkey, NULL));
    return EVP_DigestVerify(ctx, pct->signature, len, message, sizeof(message)) == 1 ? 0 : KW_PCT_FAILED;
}

int kw_pct_run(struct kw_pct *pct, EVP_PKEY *pkey)
{
    int result = check_key(pct, pkey);
    if (result == 0)
        result = check_signature(pct, pkey);
    /* The context keeps a reference to the key. */
    EVP_MD_CTX_reset(pct->md_ctx);
    kw_erase(pct->signature, sizeof(pct->signature));
    if (result == KW_PCT_FAILED)
        ERR_clear_error();
    return result;
}
