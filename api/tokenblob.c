#include "api/tokenblob.h"

#define MAGIC_LEN (sizeof(KW_TOKENBLOB_MAGIC) - 1)

static_assert(KW_TOKENBLOB_HEADER_LEN == MAGIC_LEN + KW_KMS_KEY_ID_LEN + KW_BLOB_IV_LEN, "parts of a header");

int kw_tokenblob_parse(struct kw_bytes text, struct kw_tokenblob *ret)
{
    KW_REQUIRE(text.len > KW_TOKENBLOB_OVERHEAD && text.len <= KW_CIPHERTEXT_MAX, KW_BLOB_INVALID);
    KW_REQUIRE(kw_bytes_starts(text, KW_LIT(KW_TOKENBLOB_MAGIC)), KW_BLOB_INVALID);
    ret->key_id = text.ptr + MAGIC_LEN;
    ret->iv = ret->key_id + KW_KMS_KEY_ID_LEN;
    ret->sealed = KW_BYTES(text.ptr + KW_TOKENBLOB_HEADER_LEN, text.len - KW_TOKENBLOB_HEADER_LEN);
    return 0;
}

void kw_tokenblob_write(const uint8_t key_id[KW_KMS_KEY_ID_LEN], const uint8_t iv[KW_BLOB_IV_LEN],
    struct kw_bytes sealed, struct kw_buf *ret)
{
    kw_buf_put_str(ret, KW_TOKENBLOB_MAGIC);
    kw_buf_put(ret, key_id, KW_KMS_KEY_ID_LEN);
    kw_buf_put(ret, iv, KW_BLOB_IV_LEN);
    kw_buf_put_bytes(ret, sealed);
}

void kw_tokenblob_aad(const uint8_t key_id[KW_KMS_KEY_ID_LEN], struct kw_bytes context, struct kw_sbuf *ret)
{
    kw_sbuf_put(ret, KW_TOKENBLOB_MAGIC, MAGIC_LEN);
    kw_sbuf_put(ret, key_id, KW_KMS_KEY_ID_LEN);
    kw_sbuf_put_bytes(ret, context);
}

const uint8_t *kw_blob_key_id(struct kw_bytes text)
{
    struct kw_tokenblob in_token;
    struct kw_blob blob;

    if (kw_blob_parse(text, &blob) == 0)
        return blob.key_id;
    return kw_tokenblob_parse(text, &in_token) == 0 ? in_token.key_id : NULL;
}
