#include "api/session.h"

#include "api/hmac.h"
#include "api/tlv.h"
#include "engine/drbg.h"
#include "pool/secmem.h"

#include <openssl/evp.h>

#define VERSION   1
#define NONCE_LEN 12
#define TAG_LEN   16
#define HEAD_LEN  (1 + NONCE_LEN)

/* The longest plaintext: every field at its longest, with five bytes before it and a NUL. */
#define PLAIN_MAX (sizeof(struct kw_session) + 11 * 6)
#define RAW_MAX   (HEAD_LEN + PLAIN_MAX + TAG_LEN)

static_assert(KW_BASE64_LEN(RAW_MAX) <= KW_SESSION_TOKEN_MAX, "every session's token fits");
static_assert(KW_BASE64_LEN(30) == KW_SESSION_SECRET_LEN, "thirty bytes are a secret access key");

enum {
    FIELD_ACCOUNT = 1,
    FIELD_KIND = 2,
    FIELD_PRINCIPAL_NAME = 3,
    FIELD_PRINCIPAL_ID = 4,
    FIELD_NAME = 5,
    FIELD_SOURCE_IDENTITY = 6,
    FIELD_ISSUED = 7,
    FIELD_EXPIRES = 8,
    FIELD_POLICY = 9,
};

struct kw_session_sealer {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;
    struct kw_drbg *drbg;
    uint8_t token_key[KW_HMAC_LEN], secret_key[KW_HMAC_LEN];
};

static void derive(const uint8_t secret[32], struct kw_bytes label, uint8_t out[KW_HMAC_LEN])
{
    kw_hmac(KW_BYTES(secret, 32), &label, 1, out);
}

static int set_up(struct kw_session_sealer *sealer, const uint8_t secret[32])
{
    KW_TRY(kw_drbg_new(&sealer->drbg, NULL));
    sealer->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    KW_SSL(sealer->cipher != NULL);
    sealer->ctx = EVP_CIPHER_CTX_new();
    KW_SSL(sealer->ctx != NULL);
    derive(secret, KW_LIT("keywell session token v1"), sealer->token_key);
    derive(secret, KW_LIT("keywell session secret access key v1"), sealer->secret_key);
    return 0;
}

int kw_session_sealer_new(struct kw_session_sealer **ret, const uint8_t secret[32])
{
    KW_SESSION_SEALER struct kw_session_sealer *sealer = kw_secmem_alloc(sizeof(*sealer));

    KW_REQUIRE(sealer != NULL, -ENOMEM);
    KW_TRY(set_up(sealer, secret));
    *ret = sealer;
    sealer = NULL;
    return 0;
}

void kw_session_sealer_free(struct kw_session_sealer *sealer)
{
    if (sealer == NULL)
        return;
    EVP_CIPHER_CTX_free(sealer->ctx);
    EVP_CIPHER_free(sealer->cipher);
    kw_drbg_free(sealer->drbg);
    kw_secmem_free(sealer);
}

/* ---- the fields ---- */

#define FIELD_IS_TEXT(text) (strnlen(text, sizeof(text)) < sizeof(text))

static bool is_sane(const struct kw_session *session)
{
    return (unsigned)session->kind < KW_PRINCIPAL_KIND_NUM && FIELD_IS_TEXT(session->account) &&
           strlen(session->account) == KW_ACCOUNT_LEN && FIELD_IS_TEXT(session->principal_name) &&
           session->principal_name[0] != '\0' && FIELD_IS_TEXT(session->principal_id) &&
           session->principal_id[0] != '\0' && FIELD_IS_TEXT(session->name) &&
           (session->kind == KW_PRINCIPAL_ROLE) == (session->name[0] != '\0') &&
           FIELD_IS_TEXT(session->source_identity) && FIELD_IS_TEXT(session->policy) &&
           session->issued_ms > 0 && session->expires_ms > session->issued_ms;
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void put_fields(const struct kw_session *session, struct kw_sbuf *out)
{
    kw_tlv_put_text(out, FIELD_ACCOUNT, session->account);
    kw_tlv_put_text(out, FIELD_KIND, kw_principal_kind_name(session->kind));
    kw_tlv_put_text(out, FIELD_PRINCIPAL_NAME, session->principal_name);
    kw_tlv_put_text(out, FIELD_PRINCIPAL_ID, session->principal_id);
    kw_tlv_put_text(out, FIELD_NAME, or_null(session->name));
    kw_tlv_put_text(out, FIELD_SOURCE_IDENTITY, or_null(session->source_identity));
    kw_tlv_put_i64(out, FIELD_ISSUED, session->issued_ms);
    kw_tlv_put_i64(out, FIELD_EXPIRES, session->expires_ms);
    kw_tlv_put_text(out, FIELD_POLICY, or_null(session->policy));
}

/* A text that may be missing into an array of cap zeroed bytes. */
static void take_text(struct kw_tlv *in, uint8_t tag, char *out, size_t cap)
{
    const char *text = kw_tlv_take_text(in, tag);

    if (text == NULL)
        return;
    in->bad |= text[0] == '\0' || strlen(text) >= cap;
    if (!in->bad)
        memcpy(out, text, strlen(text) + 1);
}

/* What is read here has been authenticated; another version of keywell may have written it all the same. */
static int take_fields(struct kw_bytes plain, struct kw_session *ret)
{
    struct kw_tlv in = KW_TLV(plain);
    char kind[8] = {0};

    take_text(&in, FIELD_ACCOUNT, ret->account, sizeof(ret->account));
    take_text(&in, FIELD_KIND, kind, sizeof(kind));
    take_text(&in, FIELD_PRINCIPAL_NAME, ret->principal_name, sizeof(ret->principal_name));
    take_text(&in, FIELD_PRINCIPAL_ID, ret->principal_id, sizeof(ret->principal_id));
    take_text(&in, FIELD_NAME, ret->name, sizeof(ret->name));
    take_text(&in, FIELD_SOURCE_IDENTITY, ret->source_identity, sizeof(ret->source_identity));
    ret->issued_ms = kw_tlv_take_i64(&in, FIELD_ISSUED);
    ret->expires_ms = kw_tlv_take_i64(&in, FIELD_EXPIRES);
    take_text(&in, FIELD_POLICY, ret->policy, sizeof(ret->policy));
    KW_REQUIRE(
        kw_tlv_done(&in) && kw_principal_kind_parse(kw_bytes_str(kind), &ret->kind) == 0 && is_sane(ret),
        KW_SESSION_INVALID);
    return 0;
}

/* ---- tokens ---- */

/* Where a token is good: with its version and its access key id. */
static int put_associated(EVP_CIPHER_CTX *ctx, bool encrypts, const char *access_key_id)
{
    static const uint8_t version = VERSION;
    int len;

    if (encrypts) {
        KW_SSL(EVP_EncryptUpdate(ctx, NULL, &len, &version, 1));
        KW_SSL(
            EVP_EncryptUpdate(ctx, NULL, &len, (const uint8_t *)access_key_id, (int)strlen(access_key_id)));
    } else {
        KW_SSL(EVP_DecryptUpdate(ctx, NULL, &len, &version, 1));
        KW_SSL(
            EVP_DecryptUpdate(ctx, NULL, &len, (const uint8_t *)access_key_id, (int)strlen(access_key_id)));
    }
    return 0;
}

/* raw has its head; Out: what is behind it, as long as plain, and the tag. */
static int encrypt(
    struct kw_session_sealer *sealer, const char *access_key_id, struct kw_bytes plain, uint8_t *raw)
{
    int len;

    KW_SSL(EVP_EncryptInit_ex2(sealer->ctx, sealer->cipher, sealer->token_key, raw + 1, NULL));
    KW_TRY(put_associated(sealer->ctx, true, access_key_id));
    KW_SSL(EVP_EncryptUpdate(sealer->ctx, raw + HEAD_LEN, &len, plain.ptr, (int)plain.len));
    KW_SSL(EVP_EncryptFinal_ex(sealer->ctx, raw + HEAD_LEN + plain.len, &len));
    KW_SSL(EVP_CIPHER_CTX_ctrl(sealer->ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, raw + HEAD_LEN + plain.len));
    return 0;
}

static int decrypt(struct kw_session_sealer *sealer, const char *access_key_id, const uint8_t *raw,
    uint8_t *plain, size_t plain_len)
{
    uint8_t tag[TAG_LEN];
    int len;

    memcpy(tag, raw + HEAD_LEN + plain_len, sizeof(tag));
    KW_SSL(EVP_DecryptInit_ex2(sealer->ctx, sealer->cipher, sealer->token_key, raw + 1, NULL));
    KW_TRY(put_associated(sealer->ctx, false, access_key_id));
    KW_SSL(EVP_DecryptUpdate(sealer->ctx, plain, &len, raw + HEAD_LEN, (int)plain_len));
    KW_SSL(EVP_CIPHER_CTX_ctrl(sealer->ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag));
    return EVP_DecryptFinal_ex(sealer->ctx, plain + plain_len, &len) > 0 ? 0 : KW_SESSION_INVALID;
}

static void derive_secret(
    struct kw_session_sealer *sealer, const char *access_key_id, char ret[KW_SESSION_SECRET_LEN + 1])
{
    struct kw_bytes id = kw_bytes_str(access_key_id);
    uint8_t mac[KW_HMAC_LEN];
    KW_ERASE_GUARD(mac);

    kw_hmac(KW_BYTES(sealer->secret_key, KW_HMAC_LEN), &id, 1, mac);
    kw_base64_encode(KW_BYTES(mac, 30), ret);
    ret[KW_SESSION_SECRET_LEN] = '\0';
}

/* ASIA and 16 of A-Z2-7: 80 random bits. */
static int draw_id(struct kw_session_sealer *sealer, char *ret)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint8_t bytes[16];

    KW_TRY(kw_drbg_bytes(sealer->drbg, bytes, sizeof(bytes)));
    memcpy(ret, "ASIA", 4);
    for (size_t i = 0; i < sizeof(bytes); i++)
        ret[4 + i] = alphabet[bytes[i] % 32];
    ret[4 + sizeof(bytes)] = '\0';
    return 0;
}

int kw_session_seal(struct kw_session_sealer *sealer, struct kw_session *session,
    char ret_token[KW_SESSION_TOKEN_MAX + 1], char ret_secret[KW_SESSION_SECRET_LEN + 1])
{
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(PLAIN_MAX);
    uint8_t raw[RAW_MAX] = {VERSION};

    KW_REQUIRE(is_sane(session), KW_ENTITY_INVALID);
    put_fields(session, &plain);
    KW_REQUIRE(kw_sbuf_ok(&plain), -ENOMEM);
    KW_TRY(draw_id(sealer, session->access_key_id));
    KW_TRY(kw_drbg_bytes(sealer->drbg, raw + 1, NONCE_LEN));
    KW_TRY(encrypt(sealer, session->access_key_id, kw_sbuf_bytes(&plain), raw));
    derive_secret(sealer, session->access_key_id, ret_secret);
    size_t len = HEAD_LEN + plain.len + TAG_LEN;
    kw_base64_encode(KW_BYTES(raw, len), ret_token);
    ret_token[KW_BASE64_LEN(len)] = '\0';
    return 0;
}

static bool is_session_id(struct kw_bytes id)
{
    if (id.len != 20 || !kw_bytes_starts(id, KW_LIT("ASIA")))
        return false;
    for (size_t i = 4; i < id.len; i++) {
        if (!((id.ptr[i] >= 'A' && id.ptr[i] <= 'Z') || (id.ptr[i] >= '2' && id.ptr[i] <= '7')))
            return false;
    }
    return true;
}

int kw_session_open(struct kw_session_sealer *sealer, struct kw_bytes access_key_id, struct kw_bytes token,
    struct kw_session *ret, char ret_secret[KW_SESSION_SECRET_LEN + 1])
{
    uint8_t raw[KW_SESSION_TOKEN_MAX / 4 * 3], plain[RAW_MAX];
    char secret[KW_SESSION_SECRET_LEN + 1];
    KW_ERASE_GUARD(secret);
    struct kw_session session = {.access_key_id = ""};
    size_t len;

    KW_REQUIRE(is_session_id(access_key_id) && token.len <= KW_SESSION_TOKEN_MAX, KW_SESSION_INVALID);
    KW_REQUIRE(kw_base64_decode(token, raw, sizeof(raw), &len) == 0 && len > HEAD_LEN + TAG_LEN &&
                   len <= RAW_MAX && raw[0] == VERSION,
        KW_SESSION_INVALID);
    memcpy(session.access_key_id, access_key_id.ptr, access_key_id.len);
    size_t plain_len = len - HEAD_LEN - TAG_LEN;
    int r = decrypt(sealer, session.access_key_id, raw, plain, plain_len);
    if (r == 0)
        r = take_fields(KW_BYTES(plain, plain_len), &session);
    if (r != 0)
        return r;
    derive_secret(sealer, session.access_key_id, secret);
    *ret = session;
    memcpy(ret_secret, secret, sizeof(secret));
    return 0;
}
