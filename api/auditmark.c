#include "api/auditmark.h"

#include <stdio.h>
#include <time.h>

/* ,"signature":"<128 hex>"} */
#define SIGNATURE_MEMBER     ",\"signature\":\""
#define SIGNATURE_MEMBER_LEN (sizeof(SIGNATURE_MEMBER) - 1 + 2 * KW_AUDIT_SIGNATURE_LEN + 2)

static const char *const reason_names[KW_AUDIT_REASON_NUM] = {
    [KW_AUDIT_FIRST] = "first",
    [KW_AUDIT_START] = "start",
    [KW_AUDIT_ROTATION] = "rotation",
    [KW_AUDIT_RECOVERY] = "recovery",
    [KW_AUDIT_QUARANTINE] = "quarantine",
};

const char *kw_audit_reason_name(enum kw_audit_reason reason)
{
    kw_assert(reason < KW_AUDIT_REASON_NUM);
    return reason_names[reason];
}

bool kw_audit_reason_is_rough(enum kw_audit_reason reason)
{
    return reason == KW_AUDIT_RECOVERY || reason == KW_AUDIT_QUARANTINE;
}

/* ---- time ---- */

void kw_audit_put_time(struct kw_buf *out, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[64];

    kw_assert(ms >= 0 && gmtime_r(&seconds, &tm) != NULL && tm.tm_year + 1900 <= 9999);
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
    kw_buf_put_str(out, text);
}

static int number_at(struct kw_bytes text, size_t at, size_t len)
{
    int value = 0;

    for (size_t i = at; i < at + len; i++)
        value = value * 10 + (text.ptr[i] - '0');
    return value;
}

static bool has_time_shape(struct kw_bytes text)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";

    KW_REQUIRE(text.len >= KW_AUDIT_TIME_LEN, false);
    for (size_t i = 0; i < KW_AUDIT_TIME_LEN; i++) {
        bool digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';

        KW_REQUIRE(shape[i] == 'd' ? digit : text.ptr[i] == (uint8_t)shape[i], false);
    }
    return true;
}

int kw_audit_take_time(struct kw_bytes *text, int64_t *ret_ms)
{
    uint8_t again[KW_AUDIT_TIME_LEN];
    struct kw_buf buf = KW_BUF(again, sizeof(again));
    struct tm tm = {0};
    int64_t ms;

    KW_REQUIRE(has_time_shape(*text), 1);
    tm.tm_year = number_at(*text, 0, 4) - 1900;
    tm.tm_mon = number_at(*text, 5, 2) - 1;
    tm.tm_mday = number_at(*text, 8, 2);
    tm.tm_hour = number_at(*text, 11, 2);
    tm.tm_min = number_at(*text, 14, 2);
    tm.tm_sec = number_at(*text, 17, 2);
    KW_REQUIRE(tm.tm_year >= 70, 1);
    ms = (int64_t)timegm(&tm) * 1000 + number_at(*text, 20, 3);
    /* The 31st of February becomes a day in March: written again it differs. */
    KW_REQUIRE(ms >= 0 && ms / 1000 < INT64_C(253402300800), 1);
    kw_audit_put_time(&buf, ms);
    KW_REQUIRE(memcmp(again, text->ptr, KW_AUDIT_TIME_LEN) == 0, 1);
    *text = KW_BYTES(text->ptr + KW_AUDIT_TIME_LEN, text->len - KW_AUDIT_TIME_LEN);
    *ret_ms = ms;
    return 0;
}

/* ---- writing ---- */

static void put_header(const struct kw_auditmark *mark, struct kw_buf *out)
{
    kw_buf_put_str(out, "\"recordType\":\"header\",\"format\":1,\"eventTime\":\"");
    kw_audit_put_time(out, mark->time_ms);
    kw_buf_put_str(out, "\",\"segment\":");
    kw_audit_put_u64(out, mark->segment);
    kw_buf_put_str(out, ",\"reason\":\"");
    kw_buf_put_str(out, kw_audit_reason_name(mark->reason));
    kw_buf_put_str(out, "\",\"keyId\":\"");
    kw_audit_put_hex(out, mark->key_id, sizeof(mark->key_id));
    kw_buf_put_str(out, "\"");
}

static void put_checkpoint(const struct kw_auditmark *mark, struct kw_buf *out)
{
    kw_buf_put_str(out, "\"recordType\":\"checkpoint\",\"eventTime\":\"");
    kw_audit_put_time(out, mark->time_ms);
    kw_buf_put_str(out, "\",\"durable\":");
    kw_audit_put_u64(out, mark->durable);
    kw_buf_put_str(out, mark->closing ? ",\"closing\":true" : ",\"closing\":false");
}

int kw_auditmark_append(
    const struct kw_auditmark *mark, struct kw_auditkey *key, struct kw_auditchain *chain, struct kw_buf *out)
{
    uint8_t signature[KW_AUDIT_SIGNATURE_LEN];
    size_t at = out->len;
    int rc;

    kw_auditchain_head(chain, out);
    if (mark->kind == KW_AUDIT_HEADER)
        put_header(mark, out);
    else
        put_checkpoint(mark, out);
    kw_assert(kw_buf_ok(out));
    rc = kw_auditkey_sign(key, KW_BYTES(out->ptr + at, out->len - at), signature);
    if (rc != 0) {
        out->len = at;
        return rc;
    }
    kw_buf_put_str(out, SIGNATURE_MEMBER);
    kw_audit_put_hex(out, signature, sizeof(signature));
    kw_buf_put_str(out, "\"}");
    kw_auditchain_seal(chain, out, at);
    kw_assert(kw_buf_ok(out) && out->len - at <= KW_AUDIT_MARK_MAX);
    return 0;
}

/* ---- reading ---- */

bool kw_auditmark_is(struct kw_bytes rest)
{
    struct kw_bytes end;

    if (kw_bytes_starts(rest, KW_LIT("\"recordType\"")))
        return true;
    if (rest.len < SIGNATURE_MEMBER_LEN)
        return false;
    end = KW_BYTES(rest.ptr + rest.len - SIGNATURE_MEMBER_LEN, SIGNATURE_MEMBER_LEN);
    return kw_bytes_starts(end, KW_LIT(SIGNATURE_MEMBER));
}

static int take_reason(struct kw_bytes *text, enum kw_audit_reason *ret)
{
    for (unsigned i = 0; i < KW_AUDIT_REASON_NUM; i++) {
        struct kw_bytes after = *text;

        if (kw_audit_take(&after, reason_names[i]) == 0 && kw_audit_take(&after, "\"") == 0) {
            *text = after;
            *ret = (enum kw_audit_reason)i;
            return 0;
        }
    }
    return 1;
}

static int take_header(struct kw_bytes *text, struct kw_auditmark *ret)
{
    ret->kind = KW_AUDIT_HEADER;
    KW_REQUIRE(kw_audit_take(text, "\"recordType\":\"header\",\"format\":1,\"eventTime\":\"") == 0, 1);
    KW_REQUIRE(kw_audit_take_time(text, &ret->time_ms) == 0, 1);
    KW_REQUIRE(kw_audit_take(text, "\",\"segment\":") == 0, 1);
    KW_REQUIRE(kw_audit_take_u64(text, &ret->segment) == 0, 1);
    KW_REQUIRE(kw_audit_take(text, ",\"reason\":\"") == 0, 1);
    KW_REQUIRE(take_reason(text, &ret->reason) == 0, 1);
    KW_REQUIRE(kw_audit_take(text, ",\"keyId\":\"") == 0, 1);
    KW_REQUIRE(kw_audit_take_hex(text, ret->key_id, sizeof(ret->key_id)) == 0, 1);
    return kw_audit_take(text, "\"");
}

static int take_checkpoint(struct kw_bytes *text, struct kw_auditmark *ret)
{
    ret->kind = KW_AUDIT_CHECKPOINT;
    KW_REQUIRE(kw_audit_take(text, "\"recordType\":\"checkpoint\",\"eventTime\":\"") == 0, 1);
    KW_REQUIRE(kw_audit_take_time(text, &ret->time_ms) == 0, 1);
    KW_REQUIRE(kw_audit_take(text, "\",\"durable\":") == 0, 1);
    KW_REQUIRE(kw_audit_take_u64(text, &ret->durable) == 0, 1);
    ret->closing = kw_audit_take(text, ",\"closing\":true") == 0;
    return ret->closing ? 0 : kw_audit_take(text, ",\"closing\":false");
}

static int take_signature(struct kw_bytes *text, uint8_t ret[KW_AUDIT_SIGNATURE_LEN])
{
    KW_REQUIRE(kw_audit_take(text, SIGNATURE_MEMBER) == 0, 1);
    KW_REQUIRE(kw_audit_take_hex(text, ret, KW_AUDIT_SIGNATURE_LEN) == 0, 1);
    KW_REQUIRE(kw_audit_take(text, "\"}") == 0, 1);
    return text->len == 0 ? 0 : 1;
}

int kw_auditmark_parse(
    struct kw_bytes line, struct kw_bytes rest, struct kw_auditkey *key, struct kw_auditmark *ret)
{
    uint8_t signature[KW_AUDIT_SIGNATURE_LEN];
    struct kw_auditmark mark = {0};
    bool header = kw_bytes_starts(rest, KW_LIT("\"recordType\":\"header\""));

    KW_REQUIRE((header ? take_header(&rest, &mark) : take_checkpoint(&rest, &mark)) == 0, 1);
    KW_REQUIRE(take_signature(&rest, signature) == 0, 1);
    KW_REQUIRE(!header || memcmp(mark.key_id, key->id, sizeof(mark.key_id)) == 0, 1);
    KW_REQUIRE(kw_auditkey_verify(key, KW_BYTES(line.ptr, line.len - SIGNATURE_MEMBER_LEN), signature), 1);
    *ret = mark;
    return 0;
}
