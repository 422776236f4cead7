#include "api/auditchain.h"

#include <openssl/evp.h>

/* ---- hash ---- */

int kw_audithash_init(struct kw_audithash *hash)
{
    struct kw_audithash made = {.md = EVP_MD_fetch(NULL, "SHA256", NULL), .ctx = EVP_MD_CTX_new()};

    if (made.md == NULL || made.ctx == NULL) {
        kw_audithash_done(&made);
        return KW_EOPENSSL;
    }
    *hash = made;
    return 0;
}

void kw_audithash_done(struct kw_audithash *hash)
{
    EVP_MD_CTX_free(hash->ctx);
    EVP_MD_free(hash->md);
    *hash = (struct kw_audithash){0};
}

void kw_audithash_run(struct kw_audithash *hash, struct kw_bytes data, uint8_t ret[KW_AUDIT_HASH_LEN])
{
    unsigned len = 0;
    /* A fetched digest over memory in a context that exists has no way to fail but a broken library. */
    bool ok = EVP_DigestInit_ex2(hash->ctx, hash->md, NULL) == 1 &&
              EVP_DigestUpdate(hash->ctx, data.ptr, data.len) == 1 &&
              EVP_DigestFinal_ex(hash->ctx, ret, &len) == 1;

    kw_assert(ok && len == KW_AUDIT_HASH_LEN);
}

/* ---- text of one spelling ---- */

void kw_audit_put_u64(struct kw_buf *out, uint64_t value)
{
    uint8_t digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    kw_buf_put(out, digits + at, sizeof(digits) - at);
}

void kw_audit_put_hex(struct kw_buf *out, const uint8_t *data, size_t len)
{
    uint8_t *to = kw_buf_claim(out, 2 * len);

    if (to != NULL)
        kw_hex_encode(data, len, (char *)to);
}

static void skip(struct kw_bytes *text, size_t len)
{
    *text = KW_BYTES(text->ptr + len, text->len - len);
}

int kw_audit_take(struct kw_bytes *text, const char *literal)
{
    size_t len = strlen(literal);

    KW_REQUIRE(text->len >= len && memcmp(text->ptr, literal, len) == 0, 1);
    skip(text, len);
    return 0;
}

int kw_audit_take_u64(struct kw_bytes *text, uint64_t *ret)
{
    uint64_t value = 0;
    size_t len = 0;

    for (; len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9'; len++) {
        uint64_t digit = (uint64_t)(text->ptr[len] - '0');

        KW_REQUIRE(value <= (UINT64_MAX - digit) / 10, 1);
        KW_REQUIRE(len == 0 || value > 0, 1); /* a leading zero */
        value = value * 10 + digit;
    }
    KW_REQUIRE(len > 0, 1);
    skip(text, len);
    *ret = value;
    return 0;
}

int kw_audit_take_hex(struct kw_bytes *text, uint8_t *ret, size_t len)
{
    KW_REQUIRE(text->len >= 2 * len, 1);
    for (size_t i = 0; i < 2 * len; i++)
        KW_REQUIRE(text->ptr[i] < 'A' || text->ptr[i] > 'F', 1); /* one spelling only */
    KW_REQUIRE(kw_hex_decode(KW_BYTES(text->ptr, 2 * len), ret, len) == 0, 1);
    skip(text, 2 * len);
    return 0;
}

/* ---- lines ---- */

/* Length of a string's content with its closing quote; 0 if it has none or holds a raw control byte. */
static size_t string_length(struct kw_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c == '"')
            return i + 1;
        KW_REQUIRE(c >= 0x20, 0);
        i += c == '\\'; /* what it escapes ends nothing */
        KW_REQUIRE(i < text.len && text.ptr[i] >= 0x20, 0);
    }
    return 0;
}

/* The rest of one JSON object on one line, as far as strings and braces go: its last brace is the last byte,
 * so that two lines that lost the newline between them are not one. */
static bool is_tail(struct kw_bytes text)
{
    unsigned depth = 1;

    KW_REQUIRE(text.len >= 2 && text.ptr[0] == '"', false);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        KW_REQUIRE(c >= 0x20 && depth > 0, false);
        if (c == '"') {
            size_t len = string_length(KW_BYTES(text.ptr + i + 1, text.len - i - 1));

            KW_REQUIRE(len > 0, false);
            i += len;
        }
        depth += (unsigned)(c == '{') - (unsigned)(c == '}');
    }
    return depth == 0;
}

bool kw_auditchain_fits(struct kw_bytes body)
{
    return body.len >= 3 && body.len <= KW_AUDIT_RECORD_MAX && body.ptr[0] == '{' &&
           is_tail(KW_BYTES(body.ptr + 1, body.len - 1));
}

void kw_auditchain_head(const struct kw_auditchain *chain, struct kw_buf *out)
{
    kw_buf_put_bytes(out, KW_LIT("{\"sequence\":"));
    kw_audit_put_u64(out, chain->sequence + 1);
    kw_buf_put_bytes(out, KW_LIT(",\"previousHash\":\""));
    kw_audit_put_hex(out, chain->hash, KW_AUDIT_HASH_LEN);
    kw_buf_put_bytes(out, KW_LIT("\","));
}

void kw_auditchain_seal(struct kw_auditchain *chain, struct kw_audithash *hash, struct kw_buf *out, size_t at)
{
    size_t end = out->len;

    kw_buf_put_u8(out, '\n');
    if (!kw_buf_ok(out))
        return;
    kw_audithash_run(hash, KW_BYTES(out->ptr + at, end - at), chain->hash);
    chain->sequence++;
}

void kw_auditchain_append(
    struct kw_auditchain *chain, struct kw_audithash *hash, struct kw_buf *out, struct kw_bytes body)
{
    size_t at = out->len;

    kw_auditchain_head(chain, out);
    kw_buf_put(out, body.ptr + 1, body.len - 1);
    kw_auditchain_seal(chain, hash, out, at);
    if (!kw_buf_ok(out))
        out->len = at;
}

int kw_audit_line_parse(struct kw_bytes line, struct kw_audit_line *ret)
{
    struct kw_audit_line parsed;

    KW_REQUIRE(kw_audit_take(&line, "{\"sequence\":") == 0, 1);
    KW_REQUIRE(kw_audit_take_u64(&line, &parsed.sequence) == 0 && parsed.sequence > 0, 1);
    KW_REQUIRE(kw_audit_take(&line, ",\"previousHash\":\"") == 0, 1);
    KW_REQUIRE(kw_audit_take_hex(&line, parsed.previous_hash, KW_AUDIT_HASH_LEN) == 0, 1);
    KW_REQUIRE(kw_audit_take(&line, "\",") == 0, 1);
    KW_REQUIRE(is_tail(line), 1);
    parsed.rest = line;
    *ret = parsed;
    return 0;
}
