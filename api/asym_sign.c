#include "api/asym_internal.h"
#include "api/ed25519ph.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

/* The id that GB/T 32918.2 gives a signer who has none. */
static const char sm2_id[] = "1234567812345678";

/* Whether the algorithm, the message and the key go together. */
static int judge(const struct kw_asym *key, enum kw_algorithm algorithm, enum kw_message_type type,
    struct kw_bytes message)
{
    const struct kw_algorithm_info *info = kw_algorithm_info(algorithm);

    KW_REQUIRE(
        info->usage == KW_USAGE_SIGN_VERIFY && kw_key_spec_has(key->spec, algorithm), KW_ASYM_MISMATCH);
    KW_REQUIRE(
        (type == KW_MESSAGE_RAW && info->takes_raw) || (type == KW_MESSAGE_DIGEST && info->takes_digest),
        KW_ASYM_MISMATCH);
    KW_REQUIRE(type != KW_MESSAGE_DIGEST || message.len == info->digest_len, KW_ASYM_BAD_DIGEST);
    return 0;
}

static int set_padding(EVP_PKEY_CTX *ctx, const struct kw_algorithm_info *info)
{
    const EVP_MD *digest = kw_asym_digest(info);

    if (info->scheme == KW_SCHEME_PSS) {
        KW_SSL(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING));
        KW_SSL(EVP_PKEY_CTX_set_signature_md(ctx, digest));
        KW_SSL(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, digest));
        KW_SSL(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST));
        return 0;
    }
    if (info->scheme == KW_SCHEME_PKCS1)
        KW_SSL(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING));
    KW_SSL(EVP_PKEY_CTX_set_signature_md(ctx, digest));
    return 0;
}

/* The digest of the message, or the message if it is one. */
static int digest_of(const struct kw_algorithm_info *info, enum kw_message_type type, struct kw_bytes message,
    uint8_t out[EVP_MAX_MD_SIZE])
{
    if (type == KW_MESSAGE_DIGEST)
        memcpy(out, message.ptr, info->digest_len);
    else
        KW_SSL(EVP_Digest(message.ptr, message.len, out, NULL, kw_asym_digest(info), NULL));
    return 0;
}

/* Ed25519, which hashes by itself, and SM2 with a raw message, whose digest takes the signer's id and key in:
 * the schemes that OpenSSL offers on whole messages only. */
static bool takes_whole_message(const struct kw_algorithm_info *info, enum kw_message_type type)
{
    return info->scheme == KW_SCHEME_ED25519 ||
           (info->scheme == KW_SCHEME_SM2_SIGNATURE && type == KW_MESSAGE_RAW);
}

/* Out: ret_pctx, which the caller frees after ctx: a context set by EVP_MD_CTX_set_pkey_ctx() stays his. */
static int prepare_whole(
    EVP_MD_CTX *ctx, EVP_PKEY_CTX **ret_pctx, const struct kw_asym *key, const struct kw_algorithm_info *info)
{
    if (info->scheme != KW_SCHEME_SM2_SIGNATURE)
        return 0;
    *ret_pctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    KW_SSL_PTR(*ret_pctx);
    EVP_MD_CTX_set_pkey_ctx(ctx, *ret_pctx);
    KW_SSL(EVP_PKEY_CTX_set1_id(*ret_pctx, sm2_id, sizeof(sm2_id) - 1));
    return 0;
}

static const EVP_MD *whole_digest(const struct kw_algorithm_info *info)
{
    return info->digest != NULL ? kw_asym_digest(info) : NULL;
}

static int sign_whole(const struct kw_asym *key, const struct kw_algorithm_info *info,
    struct kw_bytes message, uint8_t *out, size_t *len)
{
    KW_CLEANUP(kw_pkey_ctx_freep) EVP_PKEY_CTX *pctx = NULL;
    KW_CLEANUP(kw_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    KW_SSL_PTR(ctx);
    KW_TRY(prepare_whole(ctx, &pctx, key, info));
    KW_SSL(EVP_DigestSignInit(ctx, NULL, whole_digest(info), NULL, key->pkey));
    KW_SSL(EVP_DigestSign(ctx, out, len, message.ptr, message.len));
    return 0;
}

static int sign_digest(const struct kw_asym *key, const struct kw_algorithm_info *info,
    const uint8_t digest[EVP_MAX_MD_SIZE], uint8_t *out, size_t *len)
{
    KW_CLEANUP(kw_pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);

    KW_SSL_PTR(ctx);
    KW_SSL(EVP_PKEY_sign_init(ctx));
    KW_TRY(set_padding(ctx, info));
    KW_SSL(EVP_PKEY_sign(ctx, out, len, digest, info->digest_len));
    return 0;
}

/* The raw private key of an Ed25519 key. The public one ends its SubjectPublicKeyInfo (RFC 8410). */
static int seed_of(const struct kw_asym *key, uint8_t seed[KW_ED25519_LEN])
{
    size_t len = KW_ED25519_LEN;

    KW_SSL(EVP_PKEY_get_raw_private_key(key->pkey, seed, &len));
    return len == KW_ED25519_LEN ? 0 : KW_EOPENSSL;
}

static int sign_ed25519ph(const struct kw_asym *key, struct kw_bytes digest, uint8_t *out, size_t *len)
{
    uint8_t seed[KW_ED25519_LEN];
    KW_ERASE_GUARD(seed);

    KW_TRY(seed_of(key, seed));
    KW_TRY(kw_ed25519ph_sign(seed, key->public + key->public_len - KW_ED25519_LEN, digest.ptr, out));
    *len = KW_ED25519_SIGNATURE_LEN;
    return 0;
}

static int verify_ed25519ph(const struct kw_asym *key, struct kw_bytes digest, struct kw_bytes signature)
{
    uint8_t seed[KW_ED25519_LEN];
    KW_ERASE_GUARD(seed);

    KW_REQUIRE(signature.len == KW_ED25519_SIGNATURE_LEN, KW_ASYM_BAD_SIGNATURE);
    KW_TRY(seed_of(key, seed));
    int r =
        kw_ed25519ph_verify(seed, key->public + key->public_len - KW_ED25519_LEN, digest.ptr, signature.ptr);
    return r == KW_ED25519PH_MISMATCH ? KW_ASYM_BAD_SIGNATURE : r;
}

int kw_asym_sign(const struct kw_asym *key, enum kw_algorithm algorithm, enum kw_message_type type,
    struct kw_bytes message, struct kw_buf *ret)
{
    const struct kw_algorithm_info *info = kw_algorithm_info(algorithm);
    uint8_t digest[EVP_MAX_MD_SIZE], out[KW_SIGNATURE_MAX];
    size_t len = sizeof(out);

    int r = judge(key, algorithm, type, message);
    KW_REQUIRE(r == 0, r);
    if (info->scheme == KW_SCHEME_ED25519_PH) {
        KW_TRY(sign_ed25519ph(key, message, out, &len));
    } else if (takes_whole_message(info, type)) {
        KW_TRY(sign_whole(key, info, message, out, &len));
    } else {
        KW_TRY(digest_of(info, type, message, digest));
        KW_TRY(sign_digest(key, info, digest, out, &len));
    }
    kw_buf_put(ret, out, len);
    return kw_buf_ok(ret) ? 0 : -ENOBUFS;
}

/* Anything but 1, malformed signatures among it, is a signature that does not verify. */
static int verdict(int r)
{
    ERR_clear_error();
    return r == 1 ? 0 : KW_ASYM_BAD_SIGNATURE;
}

static int verify_whole(const struct kw_asym *key, const struct kw_algorithm_info *info,
    struct kw_bytes message, struct kw_bytes signature)
{
    KW_CLEANUP(kw_pkey_ctx_freep) EVP_PKEY_CTX *pctx = NULL;
    KW_CLEANUP(kw_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    KW_SSL_PTR(ctx);
    KW_TRY(prepare_whole(ctx, &pctx, key, info));
    KW_SSL(EVP_DigestVerifyInit(ctx, NULL, whole_digest(info), NULL, key->pkey));
    return verdict(EVP_DigestVerify(ctx, signature.ptr, signature.len, message.ptr, message.len));
}

static int verify_digest(const struct kw_asym *key, const struct kw_algorithm_info *info,
    const uint8_t digest[EVP_MAX_MD_SIZE], struct kw_bytes signature)
{
    KW_CLEANUP(kw_pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);

    KW_SSL_PTR(ctx);
    KW_SSL(EVP_PKEY_verify_init(ctx));
    KW_TRY(set_padding(ctx, info));
    return verdict(EVP_PKEY_verify(ctx, signature.ptr, signature.len, digest, info->digest_len));
}

int kw_asym_verify(const struct kw_asym *key, enum kw_algorithm algorithm, enum kw_message_type type,
    struct kw_bytes message, struct kw_bytes signature)
{
    const struct kw_algorithm_info *info = kw_algorithm_info(algorithm);
    uint8_t digest[EVP_MAX_MD_SIZE];

    int r = judge(key, algorithm, type, message);
    KW_REQUIRE(r == 0, r);
    KW_REQUIRE(signature.len > 0 && signature.len <= KW_SIGNATURE_MAX, KW_ASYM_BAD_SIGNATURE);
    if (info->scheme == KW_SCHEME_ED25519_PH)
        return verify_ed25519ph(key, message, signature);
    if (takes_whole_message(info, type))
        return verify_whole(key, info, message, signature);
    KW_TRY(digest_of(info, type, message, digest));
    return verify_digest(key, info, digest, signature);
}
