#include "api/auditchain.h"

#include "api/auditbody.h"
#include "api/sha256.h"

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

bool kw_auditchain_fits(struct kw_bytes body)
{
    return body.len >= 3 && body.len <= KW_AUDIT_RECORD_MAX && body.ptr[0] == '{' &&
           kw_auditbody_is_tail(KW_BYTES(body.ptr + 1, body.len - 1));
}

void kw_auditchain_head(const struct kw_auditchain *chain, struct kw_buf *out)
{
    kw_buf_put_bytes(out, KW_LIT("{\"sequence\":"));
    kw_audit_put_u64(out, chain->sequence + 1);
    kw_buf_put_bytes(out, KW_LIT(",\"previousHash\":\""));
    kw_audit_put_hex(out, chain->hash, KW_AUDIT_HASH_LEN);
    kw_buf_put_bytes(out, KW_LIT("\","));
}

void kw_auditchain_seal(struct kw_auditchain *chain, struct kw_buf *out, size_t at)
{
    size_t end = out->len;

    kw_buf_put_u8(out, '\n');
    if (!kw_buf_ok(out))
        return;
    kw_sha256(KW_BYTES(out->ptr + at, end - at), chain->hash);
    chain->sequence++;
}

void kw_auditchain_append(struct kw_auditchain *chain, struct kw_buf *out, struct kw_bytes body)
{
    size_t at = out->len;

    kw_auditchain_head(chain, out);
    kw_buf_put(out, body.ptr + 1, body.len - 1);
    kw_auditchain_seal(chain, out, at);
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
    KW_REQUIRE(kw_auditbody_is_tail(line), 1);
    parsed.rest = line;
    *ret = parsed;
    return 0;
}
