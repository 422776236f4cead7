#include "api/keywrap.h"
#include "api/asym_internal.h"

#include <openssl/err.h>

enum { AES_KEY_LEN = 32, KWP_BLOCK = 8 };

static const struct {
    const char *name;
    enum kw_scheme scheme; /* KW_SCHEME_NONE: never unwrapped */
    enum kw_algorithm by;  /* whose digest it has */
    bool aes;              /* the RSA part holds an AES key */
} wrappings[KW_WRAPPING_NUM] = {
    [KW_WRAPPING_RSAES_PKCS1_V1_5] = {"RSAES_PKCS1_V1_5", KW_SCHEME_NONE, KW_ALG_RSAES_OAEP_SHA_1, false},
    [KW_WRAPPING_RSAES_OAEP_SHA_1] = {"RSAES_OAEP_SHA_1", KW_SCHEME_OAEP, KW_ALG_RSAES_OAEP_SHA_1, false},
    [KW_WRAPPING_RSAES_OAEP_SHA_256] = {"RSAES_OAEP_SHA_256", KW_SCHEME_OAEP, KW_ALG_RSAES_OAEP_SHA_256,
        false},
    [KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_1] = {"RSA_AES_KEY_WRAP_SHA_1", KW_SCHEME_OAEP, KW_ALG_RSAES_OAEP_SHA_1,
        true},
    [KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256] = {"RSA_AES_KEY_WRAP_SHA_256", KW_SCHEME_OAEP,
        KW_ALG_RSAES_OAEP_SHA_256, true},
    [KW_WRAPPING_SM2PKE] = {"SM2PKE", KW_SCHEME_SM2_ENCRYPTION, KW_ALG_SM2PKE, false},
};

static void cipher_ctx_freep(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
}

static void cipher_freep(EVP_CIPHER **cipher)
{
    EVP_CIPHER_free(*cipher);
}

const char *kw_wrapping_name(enum kw_wrapping algorithm)
{
    kw_assert((unsigned)algorithm < KW_WRAPPING_NUM);
    return wrappings[algorithm].name;
}

int kw_wrapping_parse(struct kw_bytes name, enum kw_wrapping *ret)
{
    for (unsigned i = 0; i < KW_WRAPPING_NUM; i++)
        if (kw_bytes_equal(name, kw_bytes_str(wrappings[i].name))) {
            *ret = (enum kw_wrapping)i;
            return 0;
        }
    return 1;
}

/* What AES key wrap with padding (RFC 5649) made under the AES key. */
static int unwrap_aes(const uint8_t key[AES_KEY_LEN], struct kw_bytes wrapped, struct kw_buf *ret)
{
    KW_CLEANUP(cipher_freep) EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-WRAP-PAD", NULL);
    KW_CLEANUP(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t out[KW_WRAPPED_MAX];
    KW_ERASE_GUARD(out);
    int len = 0;

    KW_SSL_PTR(cipher);
    KW_SSL_PTR(ctx);
    KW_REQUIRE(wrapped.len >= 2 * KWP_BLOCK && wrapped.len % KWP_BLOCK == 0 && wrapped.len <= sizeof(out),
        KW_KEYWRAP_INVALID);
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    KW_SSL(EVP_DecryptInit_ex2(ctx, cipher, key, NULL, NULL));
    int r = EVP_DecryptUpdate(ctx, out, &len, wrapped.ptr, (int)wrapped.len);
    ERR_clear_error();
    KW_REQUIRE(r > 0 && len > 0, KW_KEYWRAP_INVALID);
    kw_buf_put(ret, out, (size_t)len);
    return kw_buf_ok(ret) ? 0 : -ENOBUFS;
}

/* The AES key under RSA, which is as long as the modulus, then the material under the AES key. */
static int unwrap_both(EVP_PKEY *pkey, const EVP_MD *digest, struct kw_bytes wrapped, struct kw_buf *ret)
{
    const size_t modulus_len = (size_t)EVP_PKEY_get_size(pkey);
    uint8_t space[AES_KEY_LEN];
    KW_ERASE_GUARD(space);
    struct kw_buf key = KW_BUF(space, sizeof(space));

    KW_REQUIRE(wrapped.len > modulus_len, KW_KEYWRAP_INVALID);
    int r = kw_asym_decrypt_with(pkey, KW_SCHEME_OAEP, digest, KW_BYTES(wrapped.ptr, modulus_len), &key);
    KW_REQUIRE(r == 0 || r == KW_ASYM_BAD_CIPHERTEXT || r == -ENOBUFS, r);
    KW_REQUIRE(r == 0 && key.len == AES_KEY_LEN, KW_KEYWRAP_INVALID);
    return unwrap_aes(space, KW_BYTES(wrapped.ptr + modulus_len, wrapped.len - modulus_len), ret);
}

int kw_keywrap_unwrap(
    enum kw_wrapping algorithm, struct kw_bytes wrapping_key, struct kw_bytes wrapped, struct kw_buf *ret)
{
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = NULL;

    kw_assert((unsigned)algorithm < KW_WRAPPING_NUM);
    const enum kw_scheme scheme = wrappings[algorithm].scheme;
    KW_REQUIRE(scheme != KW_SCHEME_NONE, KW_KEYWRAP_INVALID);
    KW_REQUIRE(wrapped.len > 0 && wrapped.len <= KW_WRAPPED_MAX, KW_KEYWRAP_INVALID);
    int r = kw_asym_parse(wrapping_key, &pkey);
    KW_REQUIRE(r == 0 && EVP_PKEY_is_a(pkey, scheme == KW_SCHEME_OAEP ? "RSA" : "SM2"), -EINVAL);
    const EVP_MD *digest = kw_asym_digest(kw_algorithm_info(wrappings[algorithm].by));
    if (wrappings[algorithm].aes)
        return unwrap_both(pkey, digest, wrapped, ret);
    const size_t before = ret->len;
    r = kw_asym_decrypt_with(pkey, scheme, digest, wrapped, ret);
    KW_REQUIRE(r != KW_ASYM_BAD_CIPHERTEXT, KW_KEYWRAP_INVALID);
    /* An empty plaintext is a legal one of OAEP and no material of any key. */
    return r == 0 && ret->len == before ? KW_KEYWRAP_INVALID : r;
}

bool kw_keywrap_allows(enum kw_key_spec wrapping_key, enum kw_wrapping algorithm, enum kw_key_spec target)
{
    const enum kw_key_kind by = kw_key_spec_info(wrapping_key)->kind, kind = kw_key_spec_info(target)->kind;

    kw_assert((unsigned)algorithm < KW_WRAPPING_NUM);
    if (kind == KW_KEY_KIND_ML_DSA || wrappings[algorithm].scheme == KW_SCHEME_NONE)
        return false;
    if (algorithm == KW_WRAPPING_SM2PKE)
        return by == KW_KEY_KIND_SM2; /* what does not fit does not get in */
    if (by != KW_KEY_KIND_RSA)
        return false;
    const bool is_symmetric = kind == KW_KEY_KIND_SYMMETRIC || kind == KW_KEY_KIND_HMAC;
    if (wrappings[algorithm].aes || is_symmetric)
        return wrappings[algorithm].aes != is_symmetric;
    return kind != KW_KEY_KIND_RSA && !(target == KW_KEY_ECC_NIST_P521 && wrapping_key == KW_KEY_RSA_2048);
}

int kw_material_check(enum kw_key_spec spec, struct kw_bytes material, struct kw_asym **ret_key)
{
    const struct kw_key_spec_info *info = kw_key_spec_info(spec);
    KW_ASYM struct kw_asym *key = NULL;

    if (info->key_len > 0) {
        KW_REQUIRE(material.len == info->key_len, KW_MATERIAL_INVALID);
        *ret_key = NULL;
        return 0;
    }
    int r = kw_asym_load(&key, spec, material);
    KW_TRY(r);
    KW_REQUIRE(r == 0, KW_MATERIAL_INVALID);
    r = kw_asym_check(key);
    KW_TRY(r);
    KW_REQUIRE(r == 0, KW_MATERIAL_INVALID);
    *ret_key = key;
    key = NULL;
    return 0;
}
