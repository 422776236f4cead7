#include "api/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

int kw_hmac_init(struct kw_hmac *hmac)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    hmac->ctx = NULL;
    KW_SSL_PTR(mac);
    hmac->ctx = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac); /* the context holds it */
    KW_SSL_PTR(hmac->ctx);
    KW_SSL(EVP_MAC_CTX_set_params(hmac->ctx, params));
    return 0;
}

void kw_hmac_done(struct kw_hmac *hmac)
{
    EVP_MAC_CTX_free(hmac->ctx);
    hmac->ctx = NULL;
}

int kw_hmac(struct kw_hmac *hmac, struct kw_bytes key, const struct kw_bytes *parts, size_t num_parts,
    uint8_t out[KW_HMAC_LEN])
{
    size_t len = 0;

    kw_assert(key.len > 0); /* to OpenSSL, no key is the last one once more */
    KW_SSL(EVP_MAC_init(hmac->ctx, key.ptr, key.len, NULL));
    for (size_t i = 0; i < num_parts; i++)
        KW_SSL(EVP_MAC_update(hmac->ctx, parts[i].ptr, parts[i].len));
    KW_SSL(EVP_MAC_final(hmac->ctx, out, &len, KW_HMAC_LEN));
    kw_assert(len == KW_HMAC_LEN);
    return 0;
}

int kw_hmac_forget(struct kw_hmac *hmac)
{
    static const uint8_t no_key[KW_HMAC_LEN];

    KW_SSL(EVP_MAC_init(hmac->ctx, no_key, sizeof(no_key), NULL));
    return 0;
}
