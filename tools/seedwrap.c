#include "tools/seedwrap.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define AES_LEN      32u
#define RSA_MAX      512u  /* bytes of a modulus */
#define MATERIAL_MAX 4096u /* PKCS#8 of RSA_4096 is 2.4 KiB */

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void free_key_context(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void free_cipher_context(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}

const char *kw_seed_wrapping(bool pair)
{
    return pair ? "RSA_AES_KEY_WRAP_SHA_256" : "RSAES_OAEP_SHA_256";
}

static int encrypt(struct kw_bytes public_key, struct kw_bytes plain, struct kw_sbuf *ret)
{
    const uint8_t *der = public_key.ptr;
    KW_CLEANUP(free_key) EVP_PKEY *key = d2i_PUBKEY(NULL, &der, (long)public_key.len);
    KW_CLEANUP(free_key_context) EVP_PKEY_CTX *context = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    uint8_t out[RSA_MAX];
    size_t len = sizeof(out);

    KW_SSL_PTR(context);
    KW_REQUIRE(EVP_PKEY_get_size(key) <= (int)RSA_MAX, KW_EOPENSSL);
    KW_SSL(EVP_PKEY_encrypt_init(context));
    KW_SSL(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING));
    KW_SSL(EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()));
    KW_SSL(EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()));
    KW_SSL(EVP_PKEY_encrypt(context, out, &len, plain.ptr, plain.len));
    kw_sbuf_put(ret, out, len);
    return kw_sbuf_ok(ret) ? 0 : -ENOMEM;
}

static int wrap(const uint8_t key[AES_LEN], struct kw_bytes material, struct kw_sbuf *ret)
{
    KW_CLEANUP(free_cipher_context) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t out[MATERIAL_MAX + 16];
    int len = 0, rest = 0;

    KW_SSL_PTR(context);
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    KW_SSL(EVP_EncryptInit_ex(context, EVP_aes_256_wrap_pad(), NULL, key, NULL));
    KW_SSL(EVP_EncryptUpdate(context, out, &len, material.ptr, (int)material.len));
    KW_SSL(EVP_EncryptFinal_ex(context, out + len, &rest));
    kw_sbuf_put(ret, out, (size_t)len + (size_t)rest);
    return kw_sbuf_ok(ret) ? 0 : -ENOMEM;
}

int kw_seed_wrap(struct kw_bytes public_key, bool pair, struct kw_bytes material, struct kw_sbuf *ret)
{
    uint8_t key[AES_LEN];
    KW_ERASE_GUARD(key);

    KW_REQUIRE(material.len > 0 && material.len <= (pair ? MATERIAL_MAX : 128u), 1);
    if (!pair)
        return encrypt(public_key, material, ret);
    KW_SSL(RAND_priv_bytes(key, sizeof(key)));
    KW_TRY(encrypt(public_key, KW_BYTES(key, sizeof(key)), ret));
    return wrap(key, material, ret);
}
