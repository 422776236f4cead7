/* pairs - a slot as a pool would give it, and whether the pair in it is good. */
#ifndef KW_TESTS_SUPPORT_PAIRS_H
#define KW_TESTS_SUPPORT_PAIRS_H

#include "pool/pool.h"

#include <check.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

enum { DER_MAX = 4096, FILL = 0xee };

/* A slot as a pool would give it, with known bytes behind what the generator may use. */
struct place {
    uint8_t public_der[DER_MAX];
    uint8_t private_der[DER_MAX];
    struct kw_slot slot;
};

static inline struct kw_slot *place_init(struct place *place)
{
    memset(place, FILL, sizeof(*place));
    place->slot = (struct kw_slot){.public_der = place->public_der, .private_der = place->private_der};
    return &place->slot;
}

static inline bool all_bytes(const uint8_t *bytes, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != value)
            return false;
    }
    return true;
}

static inline EVP_PKEY *load_public(const struct place *place)
{
    const uint8_t *end = place->public_der;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &end, (long)place->slot.public_len);

    ck_assert_ptr_nonnull(pkey);
    ck_assert_ptr_eq(end, place->public_der + place->slot.public_len);
    return pkey;
}

static inline EVP_PKEY *load_private(const struct place *place)
{
    const uint8_t *end = place->private_der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &end, (long)place->slot.private_len);

    ck_assert_ptr_nonnull(info);
    ck_assert_ptr_eq(end, place->private_der + place->slot.private_len);
    EVP_PKEY *pkey = EVP_PKCS82PKEY(info);
    ck_assert_ptr_nonnull(pkey);

    uint8_t *again = NULL;
    PKCS8_PRIV_KEY_INFO *info_again = EVP_PKEY2PKCS8(pkey);
    int len = i2d_PKCS8_PRIV_KEY_INFO(info_again, &again);
    ck_assert_uint_eq((size_t)len, place->slot.private_len);
    ck_assert_mem_eq(again, place->private_der, place->slot.private_len);
    OPENSSL_free(again);
    PKCS8_PRIV_KEY_INFO_free(info_again);
    PKCS8_PRIV_KEY_INFO_free(info);
    return pkey;
}

static inline BIGNUM *number(const EVP_PKEY *pkey, const char *name)
{
    BIGNUM *number = NULL;
    ck_assert_int_eq(EVP_PKEY_get_bn_param(pkey, name, &number), 1);
    return number;
}

/* FIPS 186-5 A.1.1: 2^(nlen/2) < d < lcm(p - 1, q - 1) and d = e^-1 modulo that. OpenSSL's own check takes a
 * d modulo (p - 1)(q - 1) too. */
static inline void check_rsa_exponent(const EVP_PKEY *pkey, int bits)
{
    BIGNUM *d = number(pkey, OSSL_PKEY_PARAM_RSA_D), *e = number(pkey, OSSL_PKEY_PARAM_RSA_E);
    BIGNUM *p = number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1), *q = number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2);
    BIGNUM *n = number(pkey, OSSL_PKEY_PARAM_RSA_N), *gcd = BN_new(), *lcm = BN_new(), *rest = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    ck_assert_int_eq(BN_num_bits(n), bits);
    ck_assert(BN_is_word(e, 65537));
    BN_sub_word(p, 1);
    BN_sub_word(q, 1);
    BN_gcd(gcd, p, q, ctx);
    BN_mul(lcm, p, q, ctx);
    BN_div(lcm, NULL, lcm, gcd, ctx);
    ck_assert_int_lt(BN_cmp(d, lcm), 0);
    ck_assert_int_gt(BN_num_bits(d), bits / 2);
    BN_mod_mul(rest, d, e, lcm, ctx);
    ck_assert(BN_is_one(rest));

    BIGNUM *all[] = {d, e, p, q, n, gcd, lcm, rest};
    for (size_t i = 0; i < KW_ARRAY_LEN(all); i++)
        BN_free(all[i]);
    BN_CTX_free(ctx);
}

static inline void check_pair(enum kw_spec spec, const struct place *place)
{
    const struct kw_spec_info *info = kw_spec_info(spec);

    ck_assert_uint_le(place->slot.public_len, info->public_max);
    ck_assert_uint_le(place->slot.private_len, info->private_max);
    ck_assert(all_bytes(place->public_der + info->public_max, DER_MAX - info->public_max, FILL));
    ck_assert(all_bytes(place->private_der + info->private_max, DER_MAX - info->private_max, FILL));

    EVP_PKEY *public_key = load_public(place), *private_key = load_private(place);
    ck_assert_int_eq(EVP_PKEY_eq(public_key, private_key), 1);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, private_key, NULL);
    ck_assert_int_eq(EVP_PKEY_check(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_pairwise_check(ctx), 1);
    EVP_PKEY_CTX_free(ctx);
    if (info->kind == KW_KIND_RSA)
        check_rsa_exponent(private_key, (int)info->bits);
    if (info->kind == KW_KIND_EC) {
        char group[64];
        ck_assert_int_eq(EVP_PKEY_get_group_name(private_key, group, sizeof(group), NULL), 1);
        ck_assert_int_eq(OBJ_txt2nid(group), OBJ_txt2nid(spec == KW_SPEC_ECC_NIST_P256   ? "prime256v1"
                                                         : spec == KW_SPEC_ECC_NIST_P384 ? "secp384r1"
                                                         : spec == KW_SPEC_ECC_NIST_P521 ? "secp521r1"
                                                                                         : "secp256k1"));
    }
    EVP_PKEY_free(public_key);
    EVP_PKEY_free(private_key);
}

#endif
