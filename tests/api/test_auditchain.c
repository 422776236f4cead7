#include "api/auditchain.h"

#include "api/sha256.h"
#include "engine/crypto.h"

#include <check.h>
#include <stdlib.h>

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define HEAD  "{\"sequence\":7,\"previousHash\":\"" ZEROS "\","

static int parse(const char *text, struct kw_audit_line *ret)
{
    return kw_audit_line_parse(kw_bytes_str(text), ret);
}

START_TEST(append_links_lines)
{
    uint8_t text[1024], first_hash[32];
    struct kw_buf out = KW_BUF(text, sizeof(text));
    struct kw_auditchain chain = {0};
    struct kw_audit_line line;

    kw_auditchain_append(&chain, &out, KW_LIT("{\"a\":1}"));
    ck_assert(kw_buf_ok(&out));
    ck_assert_uint_eq(chain.sequence, 1);
    ck_assert(kw_bytes_equal(
        kw_buf_bytes(&out), KW_LIT("{\"sequence\":1,\"previousHash\":\"" ZEROS "\",\"a\":1}\n")));
    kw_sha256(KW_BYTES(text, out.len - 1), first_hash);
    ck_assert_mem_eq(chain.hash, first_hash, 32);

    size_t at = out.len;
    kw_auditchain_append(&chain, &out, KW_LIT("{\"b\":2}"));
    ck_assert_int_eq(kw_audit_line_parse(KW_BYTES(text + at, out.len - at - 1), &line), 0);
    ck_assert_uint_eq(line.sequence, 2);
    ck_assert_mem_eq(line.previous_hash, first_hash, 32);
    ck_assert(kw_bytes_equal(line.rest, KW_LIT("\"b\":2}")));
}
END_TEST

START_TEST(append_without_room_changes_nothing)
{
    uint8_t text[200];
    struct kw_buf out = KW_BUF(text, 120);
    struct kw_auditchain chain = {0};

    kw_auditchain_append(&chain, &out, KW_LIT("{\"long\":\"0123456789012345678901234567890\"}"));
    ck_assert(!kw_buf_ok(&out));
    ck_assert_uint_eq(out.len, 0);
    ck_assert_uint_eq(chain.sequence, 0);
}
END_TEST

START_TEST(head_fits_its_limit)
{
    uint8_t text[KW_AUDIT_HEAD_MAX];
    struct kw_buf out = KW_BUF(text, sizeof(text));
    struct kw_auditchain chain = {.sequence = UINT64_MAX - 1};

    kw_auditchain_head(&chain, &out);
    ck_assert(kw_buf_ok(&out));
    ck_assert_uint_eq(out.len, KW_AUDIT_HEAD_MAX);
}
END_TEST

START_TEST(fits_takes_bodies_of_records_only)
{
    static char text[KW_AUDIT_RECORD_MAX + 1];
    static const char *const bad[] = {
        "",
        "{}",
        "{",
        "}",
        "[1]",
        "{1}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\x01\"}",
        "{\"a\":1",
        "{\"a\":1}\n",
    };

    ck_assert(kw_auditchain_fits(KW_LIT("{\"\":1}")));
    ck_assert(kw_auditchain_fits(KW_LIT("{\"a\":\"\xc3\xa9\"}")));
    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(!kw_auditchain_fits(kw_bytes_str(bad[i])), "%s", bad[i]);
    ck_assert(!kw_auditchain_fits(KW_LIT("{\"a\":\"\0\"}")));

    memset(text, ' ', sizeof(text));
    memcpy(text, "{\"a\":1", 6);
    text[KW_AUDIT_RECORD_MAX - 1] = '}';
    ck_assert(kw_auditchain_fits(KW_BYTES(text, KW_AUDIT_RECORD_MAX)));
    text[KW_AUDIT_RECORD_MAX - 1] = ' ';
    text[KW_AUDIT_RECORD_MAX] = '}';
    ck_assert(!kw_auditchain_fits(KW_BYTES(text, KW_AUDIT_RECORD_MAX + 1)));
}
END_TEST

START_TEST(parse_takes_one_spelling)
{
    static const char *const bad[] = {
        "",
        "{",
        HEAD,
        HEAD "}",
        HEAD "\"",
        HEAD "a}",
        HEAD "\"a\":1",
        HEAD "\"a\":1}\n",
        HEAD "\"a\":1} ",
        HEAD "\"a\":\"\t\"}",
        HEAD "\"a\":1}*{\"sequence\":8}",
        HEAD "\"a\":1}}",
        HEAD "\"a\":{\"b\":1}",
        HEAD "\"a\":\"}",
        HEAD "\"a\":\"\\\"}",
        " " HEAD "\"a\":1}",
        "{\"sequence\":0,\"previousHash\":\"" ZEROS "\",\"a\":1}",
        "{\"sequence\":07,\"previousHash\":\"" ZEROS "\",\"a\":1}",
        "{\"sequence\":-7,\"previousHash\":\"" ZEROS "\",\"a\":1}",
        "{\"sequence\":+7,\"previousHash\":\"" ZEROS "\",\"a\":1}",
        "{\"sequence\": 7,\"previousHash\":\"" ZEROS "\",\"a\":1}",
        "{\"sequence\":7e1,\"previousHash\":\"" ZEROS "\",\"a\":1}",
        "{\"sequence\":,\"previousHash\":\"" ZEROS "\",\"a\":1}",
        "{\"sequence\":18446744073709551616,\"previousHash\":\"" ZEROS "\",\"a\":1}",
        "{\"sequence\":99999999999999999999999,\"previousHash\":\"" ZEROS "\",\"a\":1}",
        "{\"sequence\":7,\"previousHash\":\"0" ZEROS "\",\"a\":1}",
        "{\"sequence\":7,\"previousHash\":\"" ZEROS ",\"a\":1}",
        "{\"previousHash\":\"" ZEROS "\",\"sequence\":7,\"a\":1}",
    };
    struct kw_audit_line line = {.sequence = 99};

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(parse(bad[i], &line) == 1 && line.sequence == 99, "%s", bad[i]);
    ck_assert_int_eq(parse(HEAD "\"a\":{\"}{\":\"\\\"{\\\\\"}}", &line), 0);
    ck_assert_int_eq(parse(HEAD "\"a\":1}", &line), 0);
    ck_assert_uint_eq(line.sequence, 7);
    ck_assert_int_eq(
        parse("{\"sequence\":18446744073709551615,\"previousHash\":\"" ZEROS "\",\"a\":1}", &line), 0);
    ck_assert_uint_eq(line.sequence, UINT64_MAX);
}
END_TEST

/* Every prefix, and each byte changed: no crash, and no digit of the hash in upper case. */
START_TEST(parse_survives_hostile_text)
{
    char text[] = "{\"sequence\":7,\"previousHash\":\""
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"a\":1}";
    size_t len = sizeof(text) - 1;
    struct kw_audit_line line;

    for (size_t i = 0; i < len; i++) {
        uint8_t *exact = malloc(i + 1);

        memcpy(exact, text, i);
        ck_assert_int_eq(kw_audit_line_parse(KW_BYTES(exact, i), &line), 1);
        free(exact);
    }
    for (size_t i = 0; i < 29; i++) {
        text[i] ^= 0x20;
        if (i != 12) /* the digit, which becomes a control byte, fails as well */
            ck_assert_int_eq(parse(text, &line), 1);
        text[i] ^= 0x20;
    }
    text[40] = 'A';
    ck_assert_int_eq(parse(text, &line), 1);
    text[40] = 'g';
    ck_assert_int_eq(parse(text, &line), 1);
}
END_TEST

START_TEST(takes_leave_text_alone_on_failure)
{
    struct kw_bytes text = KW_LIT("12ab");
    uint64_t value = 5;
    uint8_t byte = 9;

    ck_assert_int_eq(kw_audit_take(&text, "13"), 1);
    ck_assert_int_eq(kw_audit_take_hex(&text, &byte, 3), 1);
    ck_assert_uint_eq(text.len, 4);
    ck_assert_int_eq(kw_audit_take_u64(&text, &value), 0);
    ck_assert_uint_eq(value, 12);
    ck_assert_int_eq(kw_audit_take_u64(&text, &value), 1);
    ck_assert_uint_eq(value, 12);
    ck_assert_int_eq(kw_audit_take_hex(&text, &byte, 1), 0);
    ck_assert_uint_eq(byte, 0xab);
    ck_assert_uint_eq(text.len, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auditchain");
    TCase *tcase = tcase_create("auditchain");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, append_links_lines);
    tcase_add_test(tcase, append_without_room_changes_nothing);
    tcase_add_test(tcase, head_fits_its_limit);
    tcase_add_test(tcase, fits_takes_bodies_of_records_only);
    tcase_add_test(tcase, parse_takes_one_spelling);
    tcase_add_test(tcase, parse_survives_hostile_text);
    tcase_add_test(tcase, takes_leave_text_alone_on_failure);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
