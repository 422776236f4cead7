#include "api/mac.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#define FIRST KW_ALG_HMAC_SHA_224

static_assert(KW_ALG_HMAC_SHA_512 - FIRST + 1 == KW_ARRAY_LEN(((struct kw_mac *)0)->ctx), "one per digest");

static int new_ctx(EVP_MAC *fetched, const char *digest, EVP_MAC_CTX **ret)
{
    char name[16];
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };

    kw_assert(strlen(digest) < sizeof(name));
    strcpy(name, digest);
    *ret = EVP_MAC_CTX_new(fetched);
    KW_SSL_PTR(*ret);
    KW_SSL(EVP_MAC_CTX_set_params(*ret, params));
    return 0;
}

int kw_mac_init(struct kw_mac *mac)
{
    EVP_MAC *fetched = EVP_MAC_fetch(NULL, "HMAC", NULL);
    int r = 0;

    *mac = (struct kw_mac){{NULL}};
    KW_SSL_PTR(fetched);
    for (size_t i = 0; r == 0 && i < KW_ARRAY_LEN(mac->ctx); i++)
        r = new_ctx(fetched, kw_algorithm_info((enum kw_algorithm)(FIRST + i))->digest, &mac->ctx[i]);
    EVP_MAC_free(fetched); /* the contexts hold it */
    return r;
}

void kw_mac_done(struct kw_mac *mac)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(mac->ctx); i++) {
        EVP_MAC_CTX_free(mac->ctx[i]);
        mac->ctx[i] = NULL;
    }
}

static int compute(EVP_MAC_CTX *ctx, struct kw_bytes key, struct kw_bytes message, uint8_t *out, size_t *len)
{
    KW_SSL(EVP_MAC_init(ctx, key.ptr, key.len, NULL));
    KW_SSL(EVP_MAC_update(ctx, message.ptr, message.len));
    KW_SSL(EVP_MAC_final(ctx, out, len, KW_MAC_LEN_MAX));
    return 0;
}

int kw_mac_generate(struct kw_mac *mac, enum kw_algorithm algorithm, struct kw_bytes key,
    struct kw_bytes message, uint8_t ret_mac[KW_MAC_LEN_MAX], size_t *ret_len)
{
    static const uint8_t no_key[32];
    uint8_t out[KW_MAC_LEN_MAX];
    KW_ERASE_GUARD(out);
    size_t len = 0;

    kw_assert(algorithm >= FIRST && algorithm <= KW_ALG_HMAC_SHA_512);
    kw_assert(key.len > 0); /* to OpenSSL, no key is the last one once more */
    EVP_MAC_CTX *ctx = mac->ctx[algorithm - FIRST];
    int r = compute(ctx, key, message, out, &len);
    KW_SSL(EVP_MAC_init(ctx, no_key, sizeof(no_key), NULL)); /* overwrites the key, on failure too */
    KW_TRY(r);
    kw_assert(len == kw_algorithm_info(algorithm)->digest_len);
    memcpy(ret_mac, out, len);
    *ret_len = len;
    return 0;
}

int kw_mac_verify(struct kw_mac *mac, enum kw_algorithm algorithm, struct kw_bytes key,
    struct kw_bytes message, struct kw_bytes claimed)
{
    uint8_t right[KW_MAC_LEN_MAX];
    KW_ERASE_GUARD(right);
    size_t len;

    KW_TRY(kw_mac_generate(mac, algorithm, key, message, right, &len));
    KW_REQUIRE(claimed.len == len, KW_MAC_MISMATCH);
    return kw_equal_ct(claimed.ptr, right, len) ? 0 : KW_MAC_MISMATCH;
}
