#include "api/enveloped.h"
#include "api/asym_internal.h"
#include "engine/crypto.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

enum { KEY_LEN = 32, IV_LEN = 16, BLOCK_LEN = 16, MODULUS_MAX = 512 };

/* DER of id-envelopedData, id-data (RFC 5652), id-RSAES-OAEP with SHA-256 twice (RFC 4055 4.1) and the
 * identifier of AES-256-CBC (RFC 3565). */
static const uint8_t enveloped_data[] = {6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3};
static const uint8_t data[] = {6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1};
static const uint8_t oaep[] = {0x30, 0x3c, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7, 0x30, 0x2f,
    0xa0, 0x0f, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 0xa1, 0x1c, 0x30, 0x1a, 6, 9,
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5,
    0};
static const uint8_t aes_256_cbc[] = {6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2a};
static const uint8_t version_2[] = {2, 1, 2};

enum tag {
    OCTET_STRING = 0x04,
    SEQUENCE = 0x30,
    SET = 0x31,
    CONTEXT_0 = 0x80,
    CONTEXT_0_CONSTRUCTED = 0xa0,
};

/* What goes into the envelope besides the content. */
struct recipient {
    uint8_t key_id[SHA_DIGEST_LENGTH];
    uint8_t encrypted_key[MODULUS_MAX];
    size_t encrypted_key_len;
};

static void x509_pubkey_freep(X509_PUBKEY **pubkey)
{
    X509_PUBKEY_free(*pubkey);
}

static void cipher_ctx_freep(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
}

/* The bytes of a tag and a length before len bytes. */
static size_t head_len(size_t len)
{
    return len < 0x80 ? 2 : len < 0x100 ? 3 : 4;
}

static void put_head(struct kw_buf *buf, enum tag tag, size_t len)
{
    kw_assert(len <= UINT16_MAX);
    kw_buf_put_u8(buf, (uint8_t)tag);
    if (len >= 0x80)
        kw_buf_put_u8(buf, len < 0x100 ? 0x81 : 0x82);
    if (len >= 0x100)
        kw_buf_put_u8(buf, (uint8_t)(len >> 8));
    kw_buf_put_u8(buf, (uint8_t)len);
}

static void put(struct kw_buf *buf, enum tag tag, const void *content, size_t len)
{
    put_head(buf, tag, len);
    kw_buf_put(buf, content, len);
}

static void begin_indefinite(struct kw_buf *buf, enum tag tag)
{
    kw_buf_put_u8(buf, (uint8_t)tag);
    kw_buf_put_u8(buf, 0x80);
}

static void end_indefinite(struct kw_buf *buf)
{
    kw_buf_put(buf, "\0", 2);
}

/* RecipientInfos with one KeyTransRecipientInfo. */
static void put_recipient(struct kw_buf *buf, const struct recipient *to)
{
    const size_t len = sizeof(version_2) + head_len(sizeof(to->key_id)) + sizeof(to->key_id) + sizeof(oaep) +
                       head_len(to->encrypted_key_len) + to->encrypted_key_len;

    put_head(buf, SET, head_len(len) + len);
    put_head(buf, SEQUENCE, len);
    kw_buf_put(buf, version_2, sizeof(version_2));
    put(buf, CONTEXT_0, to->key_id, sizeof(to->key_id));
    kw_buf_put(buf, oaep, sizeof(oaep));
    put(buf, OCTET_STRING, to->encrypted_key, to->encrypted_key_len);
}

static void put_content(struct kw_buf *buf, const uint8_t iv[IV_LEN], struct kw_bytes content)
{
    begin_indefinite(buf, SEQUENCE);
    kw_buf_put(buf, data, sizeof(data));
    put_head(buf, SEQUENCE, sizeof(aes_256_cbc) + head_len(IV_LEN) + IV_LEN);
    kw_buf_put(buf, aes_256_cbc, sizeof(aes_256_cbc));
    put(buf, OCTET_STRING, iv, IV_LEN);
    begin_indefinite(buf, CONTEXT_0_CONSTRUCTED);
    put(buf, OCTET_STRING, content.ptr, content.len);
    end_indefinite(buf);
    end_indefinite(buf);
}

static void put_envelope(
    struct kw_buf *buf, const struct recipient *to, const uint8_t iv[IV_LEN], struct kw_bytes content)
{
    begin_indefinite(buf, SEQUENCE);
    kw_buf_put(buf, enveloped_data, sizeof(enveloped_data));
    begin_indefinite(buf, CONTEXT_0_CONSTRUCTED);
    begin_indefinite(buf, SEQUENCE);
    kw_buf_put(buf, version_2, sizeof(version_2));
    put_recipient(buf, to);
    put_content(buf, iv, content);
    end_indefinite(buf);
    end_indefinite(buf);
    end_indefinite(buf);
}

/* How SubjectPublicKeyInfo of an RSA key of that size begins, in DER, behind the four bytes of its own head.
 * Of other kinds OpenSSL may work for long while it reads them. */
static const uint8_t rsa_algorithm[] = {0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0};

static bool is_rsa(struct kw_bytes der)
{
    return der.len > 4 && kw_bytes_starts(KW_BYTES(der.ptr + 4, der.len - 4),
                              KW_BYTES(rsa_algorithm, sizeof(rsa_algorithm)));
}

/* FIPS 186-5 A.1.1: e below 2^256. With one as long as the modulus encryption takes as long as decryption. */
static bool has_short_exponent(EVP_PKEY *pkey)
{
    KW_CLEANUP(kw_bn_freep) BIGNUM *e = NULL;

    return EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) > 0 && BN_num_bits(e) <= 256;
}

/* The key, and its identifier: SHA-1 of the subjectPublicKey (RFC 5280 4.2.1.2, method 1). */
static int parse_key(struct kw_bytes der, EVP_PKEY **ret, uint8_t key_id[SHA_DIGEST_LENGTH])
{
    const unsigned char *at = der.ptr, *bits;
    int bits_len;

    KW_REQUIRE(der.len <= KW_PUBLIC_KEY_MAX && is_rsa(der), KW_ENVELOPED_BAD_KEY);
    KW_CLEANUP(x509_pubkey_freep) X509_PUBKEY *pubkey = d2i_X509_PUBKEY(NULL, &at, (long)der.len);
    KW_REQUIRE(pubkey != NULL && at == der.ptr + der.len, KW_ENVELOPED_BAD_KEY);
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = X509_PUBKEY_get(pubkey);
    KW_REQUIRE(pkey != NULL && EVP_PKEY_is_a(pkey, "RSA"), KW_ENVELOPED_BAD_KEY);
    KW_REQUIRE(
        EVP_PKEY_get_bits(pkey) >= 2048 && EVP_PKEY_get_bits(pkey) <= MODULUS_MAX * 8, KW_ENVELOPED_BAD_KEY);
    KW_REQUIRE(has_short_exponent(pkey), KW_ENVELOPED_BAD_KEY);
    KW_SSL(X509_PUBKEY_get0_param(NULL, &bits, &bits_len, NULL, pubkey));
    KW_SSL(EVP_Digest(bits, (size_t)bits_len, key_id, NULL, EVP_sha1(), NULL));
    *ret = pkey;
    pkey = NULL;
    return 0;
}

/* A key that parses but cannot encrypt (an even modulus, an exponent of 1 or too large) is the stranger's. */
static int encrypt_key(EVP_PKEY *pkey, const uint8_t key[KEY_LEN], struct recipient *to)
{
    KW_CLEANUP(kw_pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

    KW_SSL_PTR(ctx);
    KW_SSL(EVP_PKEY_encrypt_init(ctx));
    KW_TRY(kw_asym_oaep(ctx, EVP_sha256()));
    to->encrypted_key_len = sizeof(to->encrypted_key);
    return EVP_PKEY_encrypt(ctx, to->encrypted_key, &to->encrypted_key_len, key, KEY_LEN) > 0
               ? 0
               : KW_ENVELOPED_BAD_KEY;
}

static int encrypt_content(const uint8_t key[KEY_LEN], const uint8_t iv[IV_LEN], struct kw_bytes plaintext,
    uint8_t *out, size_t *ret_len)
{
    KW_CLEANUP(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0, last = 0;

    KW_SSL_PTR(ctx);
    KW_SSL(EVP_EncryptInit_ex2(ctx, EVP_aes_256_cbc(), key, iv, NULL));
    KW_SSL(EVP_EncryptUpdate(ctx, out, &len, plaintext.ptr, (int)plaintext.len));
    KW_SSL(EVP_EncryptFinal_ex(ctx, out + len, &last));
    *ret_len = (size_t)len + (size_t)last;
    return 0;
}

static int seal(
    struct kw_wrapper *wrapper, struct kw_bytes public_key, struct kw_bytes plaintext, struct kw_buf *ret)
{
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = NULL;
    uint8_t key[KEY_LEN], iv[IV_LEN], content[KW_ENVELOPED_PLAINTEXT_MAX + BLOCK_LEN];
    KW_ERASE_GUARD(key);
    KW_ERASE_GUARD(content);
    size_t content_len;
    struct recipient to;

    int r = parse_key(public_key, &pkey, to.key_id);
    KW_REQUIRE(r == 0, r);
    KW_TRY(kw_wrapper_random(wrapper, key, sizeof(key)));
    KW_TRY(kw_wrapper_random(wrapper, iv, sizeof(iv)));
    r = encrypt_key(pkey, key, &to);
    KW_REQUIRE(r == 0, r);
    KW_TRY(encrypt_content(key, iv, plaintext, content, &content_len));
    const size_t before = ret->len;
    put_envelope(ret, &to, iv, KW_BYTES(content, content_len));
    if (!kw_buf_ok(ret)) {
        ret->len = before;
        return -ENOBUFS;
    }
    return 0;
}

int kw_enveloped_seal(
    struct kw_wrapper *wrapper, struct kw_bytes public_key, struct kw_bytes plaintext, struct kw_buf *ret)
{
    kw_assert(plaintext.len <= KW_ENVELOPED_PLAINTEXT_MAX);
    int r = seal(wrapper, public_key, plaintext, ret);
    ERR_clear_error();
    return r;
}
