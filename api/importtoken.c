#include "api/importtoken.h"

#include "api/hmac.h"

#define VERSION 1

/* No material of any KMS key has such an id: those are random or come from HMAC. */
static const uint8_t token_mark[KW_MATERIAL_ID_LEN] = "keywell import token, version 1";

static_assert(KW_IMPORTTOKEN_MAX <= 6144, "ImportToken's limit in the service model");
static_assert(KW_IMPORTTOKEN_MAX <= KW_CIPHERTEXT_MAX, "it can be sealed");

static bool is_wrapping_key(enum kw_key_spec spec)
{
    return spec == KW_KEY_RSA_2048 || spec == KW_KEY_RSA_3072 || spec == KW_KEY_RSA_4096 ||
           spec == KW_KEY_SM2;
}

static void put_plain(struct kw_buf *buf, const struct kw_importtoken *token)
{
    kw_buf_put_u8(buf, VERSION);
    kw_buf_put_u8(buf, (uint8_t)token->algorithm);
    kw_buf_put_u8(buf, (uint8_t)token->wrapping_key);
    kw_buf_put_be32(buf, (uint32_t)((uint64_t)token->expires_ms >> 32));
    kw_buf_put_be32(buf, (uint32_t)token->expires_ms);
    kw_buf_put_bytes(buf, token->private_key);
    kw_assert(kw_buf_ok(buf));
}

int kw_importtoken_make(
    const struct kw_importtoken_seal *seal, const struct kw_importtoken *token, struct kw_buf *ret)
{
    uint8_t space[KW_IMPORTTOKEN_HEAD_LEN + KW_PRIVATE_KEY_MAX];
    KW_ERASE_GUARD(space);
    struct kw_buf plain = KW_BUF(space, sizeof(space));
    int r;

    kw_assert(is_wrapping_key(token->wrapping_key) && (unsigned)token->algorithm < KW_WRAPPING_NUM);
    KW_REQUIRE(token->private_key.len > 0 && token->private_key.len <= KW_PRIVATE_KEY_MAX, -EINVAL);
    put_plain(&plain, token);
    r = kw_wrap(seal->wrapper, seal->key_id, token_mark, seal->secret, kw_bytes_str(seal->arn),
        kw_buf_bytes(&plain), ret);
    return r > 0 ? -ENOBUFS : r;
}

int kw_importtoken_parse(struct kw_bytes plain, struct kw_importtoken *ret)
{
    struct kw_importtoken token;
    uint64_t expires_ms = 0;

    KW_REQUIRE(plain.len > KW_IMPORTTOKEN_HEAD_LEN && plain.ptr[0] == VERSION, KW_IMPORTTOKEN_INVALID);
    KW_REQUIRE(plain.len <= KW_IMPORTTOKEN_HEAD_LEN + KW_PRIVATE_KEY_MAX, KW_IMPORTTOKEN_INVALID);
    KW_REQUIRE(plain.ptr[1] < KW_WRAPPING_NUM && plain.ptr[2] < KW_KEY_SPEC_NUM, KW_IMPORTTOKEN_INVALID);
    token.algorithm = (enum kw_wrapping)plain.ptr[1];
    token.wrapping_key = (enum kw_key_spec)plain.ptr[2];
    KW_REQUIRE(is_wrapping_key(token.wrapping_key), KW_IMPORTTOKEN_INVALID);
    for (size_t i = 3; i < KW_IMPORTTOKEN_HEAD_LEN; i++)
        expires_ms = expires_ms << 8 | plain.ptr[i];
    KW_REQUIRE(expires_ms <= INT64_MAX, KW_IMPORTTOKEN_INVALID);
    token.expires_ms = (int64_t)expires_ms;
    token.private_key = KW_BYTES(plain.ptr + KW_IMPORTTOKEN_HEAD_LEN, plain.len - KW_IMPORTTOKEN_HEAD_LEN);
    *ret = token;
    return 0;
}

int kw_importtoken_open(const struct kw_importtoken_seal *seal, struct kw_bytes text, int64_t now_ms,
    struct kw_buf *space, struct kw_importtoken *ret)
{
    size_t before = space->len;
    struct kw_importtoken token;
    struct kw_blob blob;
    int r;

    KW_REQUIRE(text.len <= KW_IMPORTTOKEN_MAX && kw_blob_parse(text, &blob) == 0, KW_IMPORTTOKEN_INVALID);
    /* What is named in the clear is authenticated too, and that only if it is what was sealed. */
    KW_REQUIRE(memcmp(blob.material_id, token_mark, sizeof(token_mark)) == 0 &&
                   memcmp(blob.key_id, seal->key_id, KW_KMS_KEY_ID_LEN) == 0,
        KW_IMPORTTOKEN_INVALID);
    r = kw_unwrap(seal->wrapper, &blob, seal->secret, kw_bytes_str(seal->arn), space);
    KW_REQUIRE(r == 0, r == KW_BLOB_INVALID ? KW_IMPORTTOKEN_INVALID : r);
    r = kw_importtoken_parse(KW_BYTES(space->ptr + before, space->len - before), &token);
    KW_REQUIRE(r == 0, r);
    KW_REQUIRE(now_ms < token.expires_ms, KW_IMPORTTOKEN_EXPIRED);
    *ret = token;
    return 0;
}

/* The label keeps it apart from what else is keyed with that secret, the KDF of kw_wrap(), whose input begins
 * with a counter. Lengths are fixed but for the last part. */
void kw_importtoken_material_id(const uint8_t secret[32], const uint8_t key_id[KW_KMS_KEY_ID_LEN],
    struct kw_bytes identity, uint8_t ret[KW_MATERIAL_ID_LEN])
{
    const struct kw_bytes parts[] = {
        KW_LIT("keywell imported material, version 1"),
        KW_BYTES(key_id, KW_KMS_KEY_ID_LEN),
        identity,
    };

    kw_hmac(KW_BYTES(secret, 32), parts, KW_ARRAY_LEN(parts), ret);
}
