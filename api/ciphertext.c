#include "api/ciphertext_internal.h"

#include "api/hmac.h"
#include "engine/drbg.h"
#include "pool/secmem.h"

#include <limits.h>
#include <openssl/evp.h>

#define MESSAGE_KEY_LEN 32
/* A draw from the DRBG costs about 0.6 us however small it is, so 28 bytes of nonce and IV are cut from a
 * stock. */
#define STOCK_LEN 4096

struct kw_wrapper {
    EVP_CIPHER_CTX *cipher;
    struct kw_drbg *drbg;
    size_t stock_used; /* of stock: what is before it is given out and wiped */
    uint8_t stock[STOCK_LEN];
};

static_assert(KW_BLOB_HEADER_LEN == sizeof(KW_BLOB_MAGIC) - 1 + KW_KMS_KEY_ID_LEN + KW_MATERIAL_ID_LEN +
                                        KW_BLOB_NONCE_LEN + KW_BLOB_IV_LEN,
    "the parts of a header");

int kw_blob_parse(struct kw_bytes text, struct kw_blob *ret)
{
    KW_REQUIRE(text.len > KW_BLOB_OVERHEAD && text.len <= KW_CIPHERTEXT_MAX, KW_BLOB_INVALID);
    KW_REQUIRE(kw_bytes_starts(text, KW_LIT(KW_BLOB_MAGIC)), KW_BLOB_INVALID);

    const uint8_t *at = text.ptr + sizeof(KW_BLOB_MAGIC) - 1;
    ret->header = KW_BYTES(text.ptr, KW_BLOB_HEADER_LEN);
    ret->key_id = at;
    ret->material_id = at += KW_KMS_KEY_ID_LEN;
    ret->nonce = at += KW_MATERIAL_ID_LEN;
    ret->iv = at += KW_BLOB_NONCE_LEN;
    ret->ciphertext = KW_BYTES(at + KW_BLOB_IV_LEN, text.len - KW_BLOB_OVERHEAD);
    ret->tag = ret->ciphertext.ptr + ret->ciphertext.len;
    return 0;
}

static int fetch_cipher(OSSL_LIB_CTX *libctx, EVP_CIPHER_CTX **ret)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(libctx, "AES-256-GCM", NULL);

    KW_SSL_PTR(cipher);
    *ret = EVP_CIPHER_CTX_new();
    int r = *ret != NULL && EVP_EncryptInit_ex2(*ret, cipher, NULL, NULL, NULL) > 0 ? 0 : KW_EOPENSSL;
    EVP_CIPHER_free(cipher); /* the context holds it */
    return r;
}

int kw_wrapper_new(struct kw_wrapper **ret)
{
    return kw_wrapper_new_in(ret, NULL);
}

int kw_wrapper_new_in(struct kw_wrapper **ret, OSSL_LIB_CTX *libctx)
{
    struct kw_wrapper *wrapper = kw_secmem_alloc(sizeof(*wrapper));
    KW_REQUIRE(wrapper != NULL, -ENOMEM);

    wrapper->stock_used = STOCK_LEN;
    if (fetch_cipher(libctx, &wrapper->cipher) < 0 || kw_drbg_new(&wrapper->drbg, libctx) < 0) {
        kw_wrapper_free(wrapper);
        return KW_EOPENSSL;
    }
    *ret = wrapper;
    return 0;
}

void kw_wrapper_free(struct kw_wrapper *wrapper)
{
    if (wrapper == NULL)
        return;
    EVP_CIPHER_CTX_free(wrapper->cipher);
    kw_drbg_free(wrapper->drbg);
    kw_secmem_free(wrapper);
}

/* Overwrites the key in the context: a KMS key that is deleted must not live on in a thread that has been
 * idle since it used it. */
static int forget_key(struct kw_wrapper *wrapper)
{
    static const uint8_t no_key[MESSAGE_KEY_LEN];

    KW_SSL(EVP_EncryptInit_ex2(wrapper->cipher, NULL, no_key, NULL, NULL));
    return 0;
}

static int refill(struct kw_wrapper *wrapper)
{
    KW_TRY(kw_drbg_bytes(wrapper->drbg, wrapper->stock, STOCK_LEN));
    wrapper->stock_used = 0;
    return 0;
}

int kw_wrapper_random(struct kw_wrapper *wrapper, void *out, size_t len)
{
    uint8_t *to = out;

    /* In a forked child the stock reads as zeros; it must never be taken for random bytes. */
    KW_REQUIRE(kw_secmem_alive(), -EPERM);
    for (size_t done = 0; done < len;) {
        if (wrapper->stock_used == STOCK_LEN && refill(wrapper) < 0) {
            kw_erase(out, done);
            return KW_EOPENSSL;
        }
        size_t num = KW_MIN(len - done, STOCK_LEN - wrapper->stock_used);
        memcpy(to + done, wrapper->stock + wrapper->stock_used, num);
        kw_erase(wrapper->stock + wrapper->stock_used, num);
        wrapper->stock_used += num;
        done += num;
    }
    return 0;
}

/* SP 800-108r1 4.1, KDF in counter mode: "K(i) := PRF(K_IN, [i]_2 || Label || 0x00 || Context || [L]_2)". The
 * PRF's 256 bits are the 256 that are wanted, so there is one step, i = 1; i and L have 32 bits. */
void kw_blob_derive(const uint8_t backing_key[KW_BACKING_KEY_LEN], const uint8_t nonce[KW_BLOB_NONCE_LEN],
    const uint8_t key_id[KW_KMS_KEY_ID_LEN], uint8_t out[MESSAGE_KEY_LEN])
{
    const struct kw_bytes parts[] = {
        KW_LIT("\0\0\0\x01" KW_BLOB_LABEL "\0"),
        KW_BYTES(nonce, KW_BLOB_NONCE_LEN),
        KW_BYTES(key_id, KW_KMS_KEY_ID_LEN),
        KW_LIT("\0\0\x01\0"),
    };

    kw_hmac(KW_BYTES(backing_key, KW_BACKING_KEY_LEN), parts, KW_ARRAY_LEN(parts), out);
}

/* One piece through the cipher; additional data if out is NULL. GCM gives out as many bytes as it takes. */
static int update(EVP_CIPHER_CTX *ctx, struct kw_bytes in, uint8_t *out)
{
    int len = 0;

    if (in.len == 0)
        return 0;
    kw_assert(in.len <= INT_MAX);
    KW_SSL(EVP_CipherUpdate(ctx, out, &len, in.ptr, (int)in.len));
    kw_assert((size_t)len == in.len);
    return 0;
}

int kw_wrapper_seal(struct kw_wrapper *wrapper, const uint8_t key[32], const uint8_t iv[KW_BLOB_IV_LEN],
    struct kw_bytes header, struct kw_bytes context, struct kw_bytes text, uint8_t *out,
    uint8_t tag[KW_BLOB_TAG_LEN])
{
    uint8_t nothing[16];
    int len = 0;

    KW_SSL(EVP_EncryptInit_ex2(wrapper->cipher, NULL, key, iv, NULL));
    KW_TRY(update(wrapper->cipher, header, NULL));
    KW_TRY(update(wrapper->cipher, context, NULL));
    KW_TRY(update(wrapper->cipher, text, out));
    KW_SSL(EVP_EncryptFinal_ex(wrapper->cipher, nothing, &len));
    KW_SSL(EVP_CIPHER_CTX_ctrl(wrapper->cipher, EVP_CTRL_AEAD_GET_TAG, KW_BLOB_TAG_LEN, tag));
    return 0;
}

static int open_text(struct kw_wrapper *wrapper, const uint8_t key[32], const uint8_t iv[KW_BLOB_IV_LEN],
    struct kw_bytes header, struct kw_bytes context, struct kw_bytes text, const uint8_t tag[KW_BLOB_TAG_LEN],
    uint8_t *out)
{
    uint8_t nothing[16], expected[KW_BLOB_TAG_LEN];
    int len = 0;

    memcpy(expected, tag, sizeof(expected));
    KW_SSL(EVP_DecryptInit_ex2(wrapper->cipher, NULL, key, iv, NULL));
    KW_TRY(update(wrapper->cipher, header, NULL));
    KW_TRY(update(wrapper->cipher, context, NULL));
    KW_TRY(update(wrapper->cipher, text, out));
    KW_SSL(EVP_CIPHER_CTX_ctrl(wrapper->cipher, EVP_CTRL_AEAD_SET_TAG, sizeof(expected), expected));
    /* The provider compares in constant time. */
    return EVP_DecryptFinal_ex(wrapper->cipher, nothing, &len) > 0 ? 0 : KW_BLOB_INVALID;
}

int kw_wrapper_open(struct kw_wrapper *wrapper, const uint8_t key[32], const uint8_t iv[KW_BLOB_IV_LEN],
    struct kw_bytes header, struct kw_bytes context, struct kw_bytes text, const uint8_t tag[KW_BLOB_TAG_LEN],
    uint8_t *out)
{
    int r = open_text(wrapper, key, iv, header, context, text, tag, out);

    if (r != 0)
        kw_erase(out, text.len);
    return r;
}

static int wrap_into(struct kw_wrapper *wrapper, const uint8_t backing_key[KW_BACKING_KEY_LEN],
    struct kw_bytes header, struct kw_bytes context, struct kw_bytes plaintext, uint8_t *out)
{
    const uint8_t *key_id = header.ptr + sizeof(KW_BLOB_MAGIC) - 1;
    const uint8_t *nonce = header.ptr + KW_BLOB_HEADER_LEN - KW_BLOB_IV_LEN - KW_BLOB_NONCE_LEN;
    uint8_t message_key[MESSAGE_KEY_LEN];
    KW_ERASE_GUARD(message_key);

    kw_blob_derive(backing_key, nonce, key_id, message_key);
    return kw_wrapper_seal(wrapper, message_key, header.ptr + KW_BLOB_HEADER_LEN - KW_BLOB_IV_LEN, header,
        context, plaintext, out, out + plaintext.len);
}

int kw_wrap_with(struct kw_wrapper *wrapper, const uint8_t key_id[KW_KMS_KEY_ID_LEN],
    const uint8_t material_id[KW_MATERIAL_ID_LEN], const uint8_t backing_key[KW_BACKING_KEY_LEN],
    const uint8_t nonce[KW_BLOB_NONCE_LEN], const uint8_t iv[KW_BLOB_IV_LEN], struct kw_bytes context,
    struct kw_bytes plaintext, struct kw_buf *ret)
{
    size_t before = ret->len;

    KW_REQUIRE(plaintext.len > 0 && plaintext.len <= KW_CIPHERTEXT_MAX - KW_BLOB_OVERHEAD, 1);
    KW_REQUIRE(kw_buf_ok(ret) && ret->cap - ret->len >= KW_BLOB_OVERHEAD + plaintext.len, 1);
    kw_buf_put_str(ret, KW_BLOB_MAGIC);
    kw_buf_put(ret, key_id, KW_KMS_KEY_ID_LEN);
    kw_buf_put(ret, material_id, KW_MATERIAL_ID_LEN);
    kw_buf_put(ret, nonce, KW_BLOB_NONCE_LEN);
    kw_buf_put(ret, iv, KW_BLOB_IV_LEN);
    uint8_t *out = kw_buf_claim(ret, plaintext.len + KW_BLOB_TAG_LEN);
    kw_assert(out != NULL);

    int r = wrap_into(
        wrapper, backing_key, KW_BYTES(ret->ptr + before, KW_BLOB_HEADER_LEN), context, plaintext, out);
    int forgot = forget_key(wrapper);
    if (r < 0 || forgot < 0) {
        ret->len = before;
        return KW_EOPENSSL;
    }
    return 0;
}

int kw_wrap(struct kw_wrapper *wrapper, const uint8_t key_id[KW_KMS_KEY_ID_LEN],
    const uint8_t material_id[KW_MATERIAL_ID_LEN], const uint8_t backing_key[KW_BACKING_KEY_LEN],
    struct kw_bytes context, struct kw_bytes plaintext, struct kw_buf *ret)
{
    uint8_t random[KW_BLOB_NONCE_LEN + KW_BLOB_IV_LEN];

    KW_TRY(kw_wrapper_random(wrapper, random, sizeof(random)));
    return kw_wrap_with(wrapper, key_id, material_id, backing_key, random, random + KW_BLOB_NONCE_LEN,
        context, plaintext, ret);
}

static int unwrap_into(struct kw_wrapper *wrapper, const struct kw_blob *blob,
    const uint8_t backing_key[KW_BACKING_KEY_LEN], struct kw_bytes context, uint8_t *out)
{
    uint8_t message_key[MESSAGE_KEY_LEN];
    KW_ERASE_GUARD(message_key);

    kw_blob_derive(backing_key, blob->nonce, blob->key_id, message_key);
    return kw_wrapper_open(
        wrapper, message_key, blob->iv, blob->header, context, blob->ciphertext, blob->tag, out);
}

int kw_unwrap(struct kw_wrapper *wrapper, const struct kw_blob *blob,
    const uint8_t backing_key[KW_BACKING_KEY_LEN], struct kw_bytes context, struct kw_buf *ret_plain)
{
    size_t before = ret_plain->len;

    KW_REQUIRE(kw_secmem_alive(), -EPERM);
    KW_REQUIRE(kw_buf_ok(ret_plain) && ret_plain->cap - before >= blob->ciphertext.len, -ENOBUFS);
    uint8_t *out = kw_buf_claim(ret_plain, blob->ciphertext.len);
    int r = unwrap_into(wrapper, blob, backing_key, context, out);
    int forgot = forget_key(wrapper);

    if (r == 0 && forgot < 0)
        r = forgot;
    if (r != 0) {
        kw_erase(out, blob->ciphertext.len);
        ret_plain->len = before;
    }
    return r;
}
