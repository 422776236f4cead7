#include "api/asym_internal.h"

#include <assert.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

enum { MODULUS_MAX = 512 };

int kw_asym_oaep(EVP_PKEY_CTX *ctx, const EVP_MD *digest)
{
    KW_SSL(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING));
    KW_SSL(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, digest));
    KW_SSL(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, digest));
    return 0;
}

size_t kw_asym_plaintext_max(const struct kw_asym *key, enum kw_algorithm algorithm)
{
    const struct kw_algorithm_info *info = kw_algorithm_info(algorithm);

    if (info->usage != KW_USAGE_ENCRYPT_DECRYPT || !kw_key_spec_has(key->spec, algorithm))
        return 0;
    return info->scheme == KW_SCHEME_OAEP ? kw_key_spec_info(key->spec)->bits / 8 - 2 * info->digest_len - 2
                                          : KW_SM2_PLAINTEXT_MAX;
}

int kw_asym_encrypt(
    const struct kw_asym *key, enum kw_algorithm algorithm, struct kw_bytes plaintext, struct kw_buf *ret)
{
    const struct kw_algorithm_info *info = kw_algorithm_info(algorithm);
    const size_t plaintext_max = kw_asym_plaintext_max(key, algorithm);
    uint8_t out[KW_SM2_PLAINTEXT_MAX + 256];
    size_t len = sizeof(out);

    KW_REQUIRE(plaintext_max > 0, KW_ASYM_MISMATCH);
    KW_REQUIRE(plaintext.len <= plaintext_max, KW_ASYM_PLAINTEXT_TOO_LONG);
    KW_CLEANUP(kw_pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    KW_SSL_PTR(ctx);
    KW_SSL(EVP_PKEY_encrypt_init(ctx));
    if (info->scheme == KW_SCHEME_OAEP)
        KW_TRY(kw_asym_oaep(ctx, kw_asym_digest(info)));
    KW_SSL(EVP_PKEY_encrypt(ctx, out, &len, plaintext.ptr, plaintext.len));
    kw_buf_put(ret, out, len);
    return kw_buf_ok(ret) ? 0 : -ENOBUFS;
}

/* OpenSSL wants room for a whole modulus, more than most plaintexts need. */
static int decrypt(EVP_PKEY_CTX *ctx, struct kw_bytes ciphertext, struct kw_buf *ret_plain)
{
    uint8_t out[KW_SM2_PLAINTEXT_MAX];
    KW_ERASE_GUARD(out);
    size_t len = 0;

    static_assert(sizeof(out) >= MODULUS_MAX, "holds what either scheme gives");
    int r = EVP_PKEY_decrypt(ctx, NULL, &len, ciphertext.ptr, ciphertext.len);
    if (r > 0 && len <= sizeof(out)) {
        len = sizeof(out);
        r = EVP_PKEY_decrypt(ctx, out, &len, ciphertext.ptr, ciphertext.len);
    } else {
        r = 0;
    }
    ERR_clear_error();
    KW_REQUIRE(r > 0, KW_ASYM_BAD_CIPHERTEXT);
    kw_buf_put(ret_plain, out, len);
    return kw_buf_ok(ret_plain) ? 0 : -ENOBUFS;
}

/* One DER element and nothing behind it: OpenSSL's SM2 reads the first one and stops. */
static bool is_one_element(struct kw_bytes der)
{
    const unsigned char *at = der.ptr;
    long len = 0;
    int tag, class;

    int r = ASN1_get_object(&at, &len, &tag, &class, (long)der.len);
    ERR_clear_error();
    return (r & 0x81) == 0 && at + len == der.ptr + der.len;
}

int kw_asym_decrypt_with(EVP_PKEY *pkey, enum kw_scheme scheme, const EVP_MD *digest,
    struct kw_bytes ciphertext, struct kw_buf *ret_plain)
{
    KW_CLEANUP(kw_pkey_ctx_freep) EVP_PKEY_CTX *ctx = NULL;

    bool is_shaped = scheme == KW_SCHEME_OAEP ? ciphertext.len == (size_t)EVP_PKEY_get_size(pkey)
                                              : ciphertext.len > 0 && is_one_element(ciphertext);
    KW_REQUIRE(is_shaped, KW_ASYM_BAD_CIPHERTEXT);
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    KW_SSL_PTR(ctx);
    KW_SSL(EVP_PKEY_decrypt_init(ctx));
    if (scheme == KW_SCHEME_OAEP)
        KW_TRY(kw_asym_oaep(ctx, digest));
    return decrypt(ctx, ciphertext, ret_plain);
}

int kw_asym_decrypt(const struct kw_asym *key, enum kw_algorithm algorithm, struct kw_bytes ciphertext,
    struct kw_buf *ret_plain)
{
    const struct kw_algorithm_info *info = kw_algorithm_info(algorithm);

    KW_REQUIRE(kw_asym_plaintext_max(key, algorithm) > 0, KW_ASYM_MISMATCH);
    return kw_asym_decrypt_with(key->pkey, info->scheme, kw_asym_digest(info), ciphertext, ret_plain);
}
