#include "api/auditmark.h"
#include "engine/crypto.h"

#include <check.h>
#include <stdlib.h>

static const uint8_t seed[32] = {7, 7, 7};
static struct kw_auditkey key;
static uint8_t text[KW_AUDIT_MARK_MAX];
static size_t text_len; /* without the newline */

static void write_mark(const struct kw_auditmark *mark)
{
    struct kw_buf out = KW_BUF(text, sizeof(text));
    struct kw_auditchain chain = {.sequence = UINT64_MAX - 1, .hash = {0xab}};

    ck_assert_int_eq(kw_auditmark_append(mark, &key, &chain, &out), 0);
    ck_assert_uint_eq(chain.sequence, UINT64_MAX);
    ck_assert_int_eq(text[out.len - 1], '\n');
    text_len = out.len - 1;
}

static int read_mark(struct kw_auditkey *by, struct kw_auditmark *ret)
{
    struct kw_audit_line line;

    KW_REQUIRE(kw_audit_line_parse(KW_BYTES(text, text_len), &line) == 0, 1);
    KW_REQUIRE(kw_auditmark_is(line.rest), 1);
    return kw_auditmark_parse(KW_BYTES(text, text_len), line.rest, by, ret);
}

static struct kw_auditmark sample_header(void)
{
    struct kw_auditmark mark = {.kind = KW_AUDIT_HEADER,
        .time_ms = 1767323045678,
        .segment = UINT64_MAX,
        .reason = KW_AUDIT_QUARANTINE};

    memcpy(mark.key_id, key.id, sizeof(mark.key_id));
    return mark;
}

static const struct kw_auditmark sample_checkpoint = {
    .kind = KW_AUDIT_CHECKPOINT, .time_ms = 0, .durable = UINT64_MAX, .closing = true};

START_TEST(header_comes_back)
{
    struct kw_auditmark mark = sample_header(), got;

    for (unsigned reason = 0; reason < KW_AUDIT_REASON_NUM; reason++) {
        mark.reason = (enum kw_audit_reason)reason;
        write_mark(&mark); /* with the longest numbers: fits KW_AUDIT_MARK_MAX */
        ck_assert_int_eq(read_mark(&key, &got), 0);
        ck_assert_int_eq(got.kind, KW_AUDIT_HEADER);
        ck_assert_uint_eq(got.segment, UINT64_MAX);
        ck_assert_int_eq(got.reason, mark.reason);
        ck_assert_int_eq(got.time_ms, mark.time_ms);
    }
    ck_assert(!kw_audit_reason_is_rough(KW_AUDIT_FIRST));
    ck_assert(!kw_audit_reason_is_rough(KW_AUDIT_START));
    ck_assert(!kw_audit_reason_is_rough(KW_AUDIT_ROTATION));
    ck_assert(kw_audit_reason_is_rough(KW_AUDIT_RECOVERY));
    ck_assert(kw_audit_reason_is_rough(KW_AUDIT_QUARANTINE));
}
END_TEST

START_TEST(checkpoint_comes_back)
{
    struct kw_auditmark mark = sample_checkpoint, got;

    for (int closing = 0; closing <= 1; closing++) {
        mark.closing = closing != 0;
        write_mark(&mark);
        ck_assert_int_eq(read_mark(&key, &got), 0);
        ck_assert_int_eq(got.kind, KW_AUDIT_CHECKPOINT);
        ck_assert_uint_eq(got.durable, UINT64_MAX);
        ck_assert(got.closing == mark.closing);
        ck_assert_int_eq(got.time_ms, 0);
    }
}
END_TEST

static void flip_every_bit(const struct kw_auditmark *mark)
{
    struct kw_auditmark got = {.segment = 42};

    write_mark(mark);
    for (size_t bit = 0; bit < 8 * text_len; bit++) {
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg(read_mark(&key, &got) == 1 && got.segment == 42, "bit %zu", bit);
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq(read_mark(&key, &got), 0);
}

START_TEST(every_bit_is_signed)
{
    struct kw_auditmark header = sample_header();

    flip_every_bit(&header);
    flip_every_bit(&sample_checkpoint);
}
END_TEST

START_TEST(other_keys_are_refused)
{
    static const uint8_t other_seed[32] = {8};
    struct kw_auditmark header = sample_header(), got;
    struct kw_auditkey other;

    ck_assert_int_eq(kw_auditkey_from_seed(&other, other_seed), 0);
    write_mark(&header);
    ck_assert_int_eq(read_mark(&other, &got), 1);
    write_mark(&sample_checkpoint);
    ck_assert_int_eq(read_mark(&other, &got), 1);
    kw_auditkey_done(&other);

    header.key_id[0] ^= 1; /* well signed, but it names another key */
    write_mark(&header);
    ck_assert_int_eq(read_mark(&key, &got), 1);
}
END_TEST

START_TEST(cut_short_is_refused)
{
    struct kw_auditmark header = sample_header(), got;
    struct kw_audit_line line;
    size_t full;

    write_mark(&header);
    ck_assert_int_eq(kw_audit_line_parse(KW_BYTES(text, text_len), &line), 0);
    full = line.rest.len;
    for (size_t len = 0; len < full; len++) {
        struct kw_bytes cut = KW_BYTES(text, text_len - full + len);

        ck_assert_int_eq(kw_auditmark_parse(cut, KW_BYTES(line.rest.ptr, len), &key, &got), 1);
    }
}
END_TEST

START_TEST(time_has_one_spelling)
{
    static const char *const bad[] = {
        "",
        "2026-01-02T03:04:05.67Z",
        "2026-02-30T03:04:05.678Z",
        "2026-13-02T03:04:05.678Z",
        "2026-01-02T24:04:05.678Z",
        "2026-01-02T03:60:05.678Z",
        "2026-01-02T03:04:60.678Z",
        "2026-01-02 03:04:05.678Z",
        "2026-01-02T03:04:05.678z",
        "1969-12-31T23:59:59.999Z",
        "2026-00-02T03:04:05.678Z",
        "2026-01-00T03:04:05.678Z",
        "+026-01-02T03:04:05.678Z",
    };
    uint8_t out[KW_AUDIT_TIME_LEN];
    struct kw_buf buf = KW_BUF(out, sizeof(out));
    struct kw_bytes from = KW_LIT("2026-01-02T03:04:05.678Zrest");
    int64_t ms = 1;

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++) {
        struct kw_bytes wrong = kw_bytes_str(bad[i]);

        ck_assert_msg(kw_audit_take_time(&wrong, &ms) == 1 && ms == 1, "%s", bad[i]);
    }
    ck_assert_int_eq(kw_audit_take_time(&from, &ms), 0);
    ck_assert_int_eq(ms, 1767323045678);
    ck_assert_uint_eq(from.len, 4);
    kw_audit_put_time(&buf, INT64_C(253402300799999));
    ck_assert_mem_eq(out, "9999-12-31T23:59:59.999Z", KW_AUDIT_TIME_LEN);
    from = kw_buf_bytes(&buf);
    ck_assert_int_eq(kw_audit_take_time(&from, &ms), 0);
    ck_assert_int_eq(ms, INT64_C(253402300799999));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auditmark");
    TCase *tcase = tcase_create("auditmark");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (kw_crypto_init() != 0 || kw_auditkey_from_seed(&key, seed) != 0)
        return EXIT_FAILURE;
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, header_comes_back);
    tcase_add_test(tcase, checkpoint_comes_back);
    tcase_add_test(tcase, every_bit_is_signed);
    tcase_add_test(tcase, other_keys_are_refused);
    tcase_add_test(tcase, cut_short_is_refused);
    tcase_add_test(tcase, time_has_one_spelling);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    kw_auditkey_done(&key);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
