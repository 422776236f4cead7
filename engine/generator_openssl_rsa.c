#include "engine/der.h"
#include "engine/generator_openssl.h"
#include "pool/limits.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#define INTEGERS    8
#define INTEGER_MAX 512u /* n and d of RSA_4096 */

/* In the order of struct kw_der_rsa. */
static const char *const names[INTEGERS] = {
    OSSL_PKEY_PARAM_RSA_N,
    OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,
    OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,
    OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2,
    OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

static int rsa_context(OSSL_LIB_CTX *libctx, enum kw_spec spec, EVP_PKEY_CTX **ret)
{
    KW_CLEANUP(kw_pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, "RSA", NULL);
    KW_CLEANUP(kw_bn_freep) BIGNUM *e = BN_new();

    KW_SSL_PTR(ctx);
    KW_SSL_PTR(e);
    KW_SSL(BN_set_word(e, RSA_F4));
    KW_SSL(EVP_PKEY_keygen_init(ctx));
    KW_SSL(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)kw_spec_info(spec)->bits));
    KW_SSL(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e));
    *ret = ctx;
    ctx = NULL;
    return 0;
}

/* Writes one number of the key, padded to len bytes: its length in memory tells nothing. */
static int get_integer(const EVP_PKEY *pkey, const char *name, uint8_t *out, size_t len)
{
    KW_CLEANUP(kw_bn_freep) BIGNUM *number = NULL;

    KW_SSL(EVP_PKEY_get_bn_param(pkey, name, &number));
    KW_REQUIRE(BN_bn2binpad(number, out, (int)len) == (int)len, KW_EOPENSSL);
    return 0;
}

static int rsa_write(const EVP_PKEY *pkey, enum kw_spec spec, struct kw_slot *slot)
{
    const struct kw_spec_info *info = kw_spec_info(spec);
    uint8_t bytes[INTEGERS][INTEGER_MAX];
    KW_ERASE_GUARD(bytes);
    size_t len = info->bits / 8;

    for (size_t i = 0; i < INTEGERS; i++)
        KW_TRY(get_integer(pkey, names[i], bytes[i], len));

    struct kw_der_rsa key = {
        .n = KW_BYTES(bytes[0], len),
        .e = KW_BYTES(bytes[1], len),
        .d = KW_BYTES(bytes[2], len),
        .p = KW_BYTES(bytes[3], len),
        .q = KW_BYTES(bytes[4], len),
        .dp = KW_BYTES(bytes[5], len),
        .dq = KW_BYTES(bytes[6], len),
        .qinv = KW_BYTES(bytes[7], len),
    };
    struct kw_buf public_buf = KW_BUF(slot->public_der, info->public_max);
    struct kw_buf private_buf = KW_BUF(slot->private_der, info->private_max);
    KW_REQUIRE(kw_der_rsa_public(&public_buf, key.n, key.e) == 0, KW_EOPENSSL);
    KW_REQUIRE(kw_der_rsa_private(&private_buf, &key) == 0, KW_EOPENSSL);
    slot->public_len = public_buf.len;
    slot->private_len = private_buf.len;
    return 0;
}

const struct kw_openssl_kind kw_openssl_rsa = {
    .stack_bytes = (size_t)KW_FIBER_STACK,
    .context = rsa_context,
    .write = rsa_write,
};
