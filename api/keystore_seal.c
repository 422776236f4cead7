#include "api/keystore_seal.h"

#include "engine/drbg.h"
#include "pool/secmem.h"

#include <assert.h>
#include <openssl/evp.h>

#define SEAL_VERSION 1
#define IV_LEN       12
#define TAG_LEN      16
#define AAD_MAX      (KW_SEAL_IDENTITY_MAX + 128)

static_assert(KW_SEAL_OVERHEAD - 1 == IV_LEN + TAG_LEN, "version, IV and tag");

struct kw_sealer {
    uint8_t root_key[KW_ROOT_KEY_LEN];
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;
    struct kw_drbg *drbg;
};

int kw_sealer_new(struct kw_sealer **ret, const uint8_t root_key[KW_ROOT_KEY_LEN])
{
    struct kw_sealer *sealer = kw_secmem_alloc(sizeof(*sealer));

    KW_REQUIRE(sealer != NULL, -ENOMEM);
    memcpy(sealer->root_key, root_key, KW_ROOT_KEY_LEN);
    sealer->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    sealer->ctx = EVP_CIPHER_CTX_new();
    if (sealer->cipher == NULL || sealer->ctx == NULL || kw_drbg_new(&sealer->drbg, NULL) < 0) {
        kw_sealer_free(sealer);
        return KW_EOPENSSL;
    }
    *ret = sealer;
    return 0;
}

void kw_sealer_free(struct kw_sealer *sealer)
{
    if (sealer == NULL)
        return;
    EVP_CIPHER_CTX_free(sealer->ctx);
    EVP_CIPHER_free(sealer->cipher);
    kw_drbg_free(sealer->drbg);
    kw_secmem_free(sealer);
}

void kw_seal_put_field(struct kw_buf *identity, struct kw_bytes field)
{
    kw_assert(field.len <= UINT32_MAX);
    kw_buf_put_be32(identity, (uint32_t)field.len);
    kw_buf_put_bytes(identity, field);
}

static void put_aad(struct kw_buf *aad, const struct kw_seal_place *place)
{
    kw_assert(place->identity.len <= KW_SEAL_IDENTITY_MAX);
    kw_buf_put_str(aad, "keywell keystore seal");
    kw_buf_put_u8(aad, SEAL_VERSION);
    kw_seal_put_field(aad, kw_bytes_str(place->table));
    kw_seal_put_field(aad, place->identity);
    kw_seal_put_field(aad, kw_bytes_str(place->purpose));
    kw_assert(kw_buf_ok(aad));
}

int kw_seal(
    struct kw_sealer *sealer, const struct kw_seal_place *place, struct kw_bytes plain, struct kw_buf *ret)
{
    uint8_t aad_bytes[AAD_MAX], iv[IV_LEN];
    struct kw_buf aad = KW_BUF(aad_bytes, sizeof(aad_bytes));
    int len;

    kw_assert(ret->cap - ret->len >= KW_SEAL_OVERHEAD + plain.len && plain.len < INT32_MAX);
    KW_REQUIRE(kw_secmem_alive(), -EPERM); /* in a forked child the root key reads as zeros */
    put_aad(&aad, place);
    KW_TRY(kw_drbg_bytes(sealer->drbg, iv, sizeof(iv)));
    KW_SSL(EVP_EncryptInit_ex2(sealer->ctx, sealer->cipher, sealer->root_key, iv, NULL));
    KW_SSL(EVP_EncryptUpdate(sealer->ctx, NULL, &len, aad.ptr, (int)aad.len));

    size_t start = ret->len;
    kw_buf_put_u8(ret, SEAL_VERSION);
    kw_buf_put(ret, iv, sizeof(iv));
    uint8_t *ciphertext = kw_buf_claim(ret, plain.len);
    uint8_t *tag = kw_buf_claim(ret, TAG_LEN);
    if (EVP_EncryptUpdate(sealer->ctx, ciphertext, &len, plain.ptr, (int)plain.len) <= 0 ||
        EVP_EncryptFinal_ex(sealer->ctx, tag, &len) <= 0 ||
        EVP_CIPHER_CTX_ctrl(sealer->ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) <= 0) {
        ret->len = start;
        return KW_EOPENSSL;
    }
    return 0;
}

/* Decrypts into plain, as long as the ciphertext. Returns: 0 | KW_SEAL_BROKEN | KW_EOPENSSL */
static int open_gcm(struct kw_sealer *sealer, const struct kw_seal_place *place, struct kw_bytes sealed,
    uint8_t *plain, size_t plain_len)
{
    uint8_t aad_bytes[AAD_MAX], tag[TAG_LEN];
    struct kw_buf aad = KW_BUF(aad_bytes, sizeof(aad_bytes));
    const uint8_t *iv = sealed.ptr + 1, *ciphertext = iv + IV_LEN;
    int len;

    put_aad(&aad, place);
    memcpy(tag, ciphertext + plain_len, sizeof(tag));
    KW_SSL(EVP_DecryptInit_ex2(sealer->ctx, sealer->cipher, sealer->root_key, iv, NULL));
    KW_SSL(EVP_DecryptUpdate(sealer->ctx, NULL, &len, aad.ptr, (int)aad.len));
    KW_SSL(EVP_DecryptUpdate(sealer->ctx, plain, &len, ciphertext, (int)plain_len));
    KW_SSL(EVP_CIPHER_CTX_ctrl(sealer->ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag));
    return EVP_DecryptFinal_ex(sealer->ctx, plain + plain_len, &len) > 0 ? 0 : KW_SEAL_BROKEN;
}

int kw_unseal(
    struct kw_sealer *sealer, const struct kw_seal_place *place, struct kw_bytes sealed, struct kw_buf *ret)
{
    KW_REQUIRE(sealed.len >= KW_SEAL_OVERHEAD && sealed.ptr[0] == SEAL_VERSION, KW_SEAL_BROKEN);
    size_t plain_len = sealed.len - KW_SEAL_OVERHEAD;
    KW_REQUIRE(plain_len <= ret->cap - ret->len, KW_SEAL_BROKEN);

    size_t start = ret->len;
    uint8_t *plain = kw_buf_claim(ret, plain_len);
    int r = open_gcm(sealer, place, sealed, plain, plain_len);
    if (r != 0) {
        kw_erase(plain, plain_len);
        ret->len = start;
    }
    return r;
}
