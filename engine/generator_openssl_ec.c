#include "engine/der.h"
#include "engine/generator_openssl.h"
#include "pool/limits.h"

#include <openssl/core_names.h>

#define FIELD_MAX   66u /* P-521 */
#define ED25519_LEN 32u

static int context(OSSL_LIB_CTX *libctx, const char *type, const char *group, EVP_PKEY_CTX **ret)
{
    KW_CLEANUP(kw_pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, type, NULL);

    KW_SSL_PTR(ctx);
    KW_SSL(EVP_PKEY_keygen_init(ctx));
    if (group != NULL)
        KW_SSL(EVP_PKEY_CTX_set_group_name(ctx, group));
    *ret = ctx;
    ctx = NULL;
    return 0;
}

static int ec_context(OSSL_LIB_CTX *libctx, enum kw_spec spec, EVP_PKEY_CTX **ret)
{
    return context(libctx, "EC", kw_spec_info(spec)->curve, ret);
}

static int ed25519_context(OSSL_LIB_CTX *libctx, enum kw_spec spec, EVP_PKEY_CTX **ret)
{
    (void)spec;
    return context(libctx, "ED25519", NULL, ret);
}

static int ec_write(const EVP_PKEY *pkey, enum kw_spec spec, struct kw_slot *slot)
{
    const struct kw_spec_info *info = kw_spec_info(spec);
    KW_CLEANUP(kw_bn_freep) BIGNUM *number = NULL;
    uint8_t scalar[FIELD_MAX];
    KW_ERASE_GUARD(scalar);
    uint8_t point[1 + 2 * FIELD_MAX];
    size_t scalar_len = (info->bits + 7) / 8, point_len;

    KW_SSL(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number));
    KW_REQUIRE(BN_bn2binpad(number, scalar, (int)scalar_len) == (int)scalar_len, KW_EOPENSSL);
    KW_SSL(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &point_len));

    struct kw_buf public_buf = KW_BUF(slot->public_der, info->public_max);
    struct kw_buf private_buf = KW_BUF(slot->private_der, info->private_max);
    KW_REQUIRE(kw_der_ec_public(&public_buf, spec, KW_BYTES(point, point_len)) == 0, KW_EOPENSSL);
    KW_REQUIRE(
        kw_der_ec_private(&private_buf, spec, KW_BYTES(scalar, scalar_len), KW_BYTES(point, point_len)) == 0,
        KW_EOPENSSL);
    slot->public_len = public_buf.len;
    slot->private_len = private_buf.len;
    return 0;
}

static int ed25519_write(const EVP_PKEY *pkey, enum kw_spec spec, struct kw_slot *slot)
{
    const struct kw_spec_info *info = kw_spec_info(spec);
    uint8_t seed[ED25519_LEN];
    KW_ERASE_GUARD(seed);
    uint8_t public_key[ED25519_LEN];
    size_t seed_len = sizeof(seed), public_len = sizeof(public_key);

    KW_SSL(EVP_PKEY_get_raw_private_key(pkey, seed, &seed_len));
    KW_SSL(EVP_PKEY_get_raw_public_key(pkey, public_key, &public_len));

    struct kw_buf public_buf = KW_BUF(slot->public_der, info->public_max);
    struct kw_buf private_buf = KW_BUF(slot->private_der, info->private_max);
    KW_REQUIRE(kw_der_ed25519_public(&public_buf, KW_BYTES(public_key, public_len)) == 0, KW_EOPENSSL);
    KW_REQUIRE(kw_der_ed25519_private(&private_buf, KW_BYTES(seed, seed_len)) == 0, KW_EOPENSSL);
    slot->public_len = public_buf.len;
    slot->private_len = private_buf.len;
    return 0;
}

const struct kw_openssl_kind kw_openssl_ec = {
    .stack_bytes = KW_FIBER_STACK,
    .context = ec_context,
    .write = ec_write,
};

const struct kw_openssl_kind kw_openssl_ed25519 = {
    .stack_bytes = KW_FIBER_STACK,
    .context = ed25519_context,
    .write = ed25519_write,
};
