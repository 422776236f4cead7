#include "api/json.h"
#include "engine/crypto.h"
#include "pool/secmem.h"
#include "tests/pool/maps.h"

#include <check.h>
#include <stdio.h>

static int parse(struct kw_bytes text, json_t **ret)
{
    *ret = NULL;
    return kw_json_parse(text, ret);
}

START_TEST(test_parse)
{
    KW_JSON json_t *root = NULL;

    ck_assert_int_eq(parse(KW_LIT(" {\"KeyId\":\"alias/x\", \"N\":-9223372036854775808,\"R\":0.5,"
                                  "\"B\":[true,false,null,{\"e\":{}}],\"\\u00e9\":\"\\ud83d\\ude00\"}\n"),
                         &root),
        0);
    ck_assert_str_eq(json_string_value(json_object_get(root, "KeyId")), "alias/x");
    ck_assert_int_eq(json_integer_value(json_object_get(root, "N")), INT64_MIN);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "B")), 4);
    ck_assert_str_eq(json_string_value(json_object_get(root, "\xc3\xa9")), "\xf0\x9f\x98\x80");
}
END_TEST

START_TEST(test_empty)
{
    KW_JSON json_t *root = NULL;

    ck_assert_int_eq(parse(KW_BYTES(NULL, 0), &root), 0);
    ck_assert_uint_eq(json_object_size(root), 0);
}
END_TEST

START_TEST(test_nul_in_value)
{
    KW_JSON json_t *root = NULL;

    ck_assert_int_eq(parse(KW_LIT("{\"a\":\"x\\u0000y\"}"), &root), 0);
    json_t *value = json_object_get(root, "a");
    ck_assert_uint_eq(json_string_length(value), 3);
    ck_assert_mem_eq(json_string_value(value), "x\0y", 3);
}
END_TEST

static const struct kw_bytes bad_texts[] = {
    {(const uint8_t *)" ", 1},
    {(const uint8_t *)"{", 1},
    {(const uint8_t *)"[]", 2},
    {(const uint8_t *)"1", 1},
    {(const uint8_t *)"\"a\"", 3},
    {(const uint8_t *)"null", 4},
    {(const uint8_t *)"{}x", 3},
    {(const uint8_t *)"{}{}", 4},
    {(const uint8_t *)"{}\0", 3},
    {(const uint8_t *)"{\"a\":1,}", 8},
    {(const uint8_t *)"{'a':1}", 7},
    {(const uint8_t *)"{a:1}", 5},
    {(const uint8_t *)"{\"a\":1,\"a\":2}", 13},
    {(const uint8_t *)"{\"a\":{\"b\":1,\"\\u0062\":2}}", 24},
    {(const uint8_t *)"{\"a\":01}", 8},
    {(const uint8_t *)"{\"a\":+1}", 8},
    {(const uint8_t *)"{\"a\":NaN}", 9},
    {(const uint8_t *)"{\"a\":1e999}", 11},
    {(const uint8_t *)"{\"a\":9223372036854775808}", 25},
    {(const uint8_t *)"{\"a\":\"\n\"}", 9},
    {(const uint8_t *)"{\"a\":\"\0\"}", 9},
    {(const uint8_t *)"{\"a\":\"\\x\"}", 10},
    {(const uint8_t *)"{\"a\":\"\xff\"}", 9},
    {(const uint8_t *)"{\"a\":\"\xc0\xaf\"}", 10},
    {(const uint8_t *)"{\"a\":\"\xed\xa0\x80\"}", 11},
    {(const uint8_t *)"{\"a\":\"\\ud800\"}", 14},
    {(const uint8_t *)"{\"\\u0000\":1}", 12},
    {(const uint8_t *)"{\"a\":1} // c", 12},
    {(const uint8_t *)"\xef\xbb\xbf{}", 5},
};

START_TEST(test_bad)
{
    json_t *untouched = NULL;

    ck_assert_msg(kw_json_parse(bad_texts[_i], &untouched) == KW_JSON_BAD, "%.*s", (int)bad_texts[_i].len,
        (const char *)bad_texts[_i].ptr);
    ck_assert_ptr_null(untouched);
}
END_TEST

/* depth levels in all, the first of them the object that the root must be. */
static struct kw_bytes nested(char *text, size_t depth, char open, char close)
{
    size_t len = 0;

    len += (size_t)sprintf(text, "{\"a\":");
    for (size_t i = 1; i < depth; i++)
        len += (size_t)sprintf(text + len, open == '{' ? "{\"a\":" : "[");
    text[len++] = '1';
    for (size_t i = 1; i < depth; i++)
        text[len++] = close;
    text[len++] = '}';
    return KW_BYTES(text, len);
}

START_TEST(test_depth)
{
    static char text[1 << 17];
    KW_JSON json_t *root = NULL;

    ck_assert_int_eq(parse(nested(text, KW_JSON_DEPTH_MAX, '[', ']'), &root), 0);
    json_decref(root);
    ck_assert_int_eq(parse(nested(text, KW_JSON_DEPTH_MAX, '{', '}'), &root), 0);
    json_decref(root);
    ck_assert_int_eq(parse(nested(text, KW_JSON_DEPTH_MAX + 1, '[', ']'), &root), KW_JSON_BAD);
    ck_assert_int_eq(parse(nested(text, KW_JSON_DEPTH_MAX + 1, '{', '}'), &root), KW_JSON_BAD);
    ck_assert_int_eq(parse(nested(text, 50000, '[', ']'), &root), KW_JSON_BAD);

    /* Brackets in strings, behind escaped quotes too, are no nesting; siblings are not either. */
    size_t len = (size_t)sprintf(text, "{\"\\\"[[[[[[[[[[[[[[[[[[\\\\\":\"{{{{{{{{{{{{{{{{{{\",\"b\":[");
    for (size_t i = 0; i < 100; i++)
        len += (size_t)sprintf(text + len, "[],");
    len += (size_t)sprintf(text + len, "[]]}");
    ck_assert_int_eq(parse(KW_BYTES(text, len), &root), 0);
}
END_TEST

/* Strings of requests are secrets: they live in secret memory, out of dumps and of forked children. */
START_TEST(test_secret_memory)
{
    static char text[100 * 1024];
    struct maps_entry entry;
    KW_JSON json_t *root = NULL;

    memset(text, 'A', sizeof(text));
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + sizeof(text) - 2, "\"}", 2);
    ck_assert_int_eq(parse(KW_BYTES(text, sizeof(text)), &root), 0);
    const char *value = json_string_value(json_object_get(root, "a"));
    ck_assert(maps_find((uintptr_t)value, &entry));
    ck_assert(maps_has_flag(&entry, " dd ") && maps_has_flag(&entry, " wf "));
}
END_TEST

static struct kw_sbuf sbuf;
static struct kw_json_out out;

static void begin(void)
{
    sbuf = KW_SBUF_INIT(1 << 20);
    out = KW_JSON_OUT(&sbuf);
}

static void assert_out(const char *expected)
{
    ck_assert(kw_sbuf_ok(&sbuf));
    ck_assert_msg(kw_bytes_equal(kw_sbuf_bytes(&sbuf), kw_bytes_str(expected)), "%.*s is not %s",
        (int)sbuf.len, (const char *)sbuf.ptr, expected);
    kw_sbuf_done(&sbuf);
}

START_TEST(test_write)
{
    begin();
    kw_json_begin_object(&out);
    kw_json_key(&out, "a");
    kw_json_int(&out, INT64_MIN);
    kw_json_key(&out, "b");
    kw_json_begin_array(&out);
    kw_json_bool(&out, true);
    kw_json_bool(&out, false);
    kw_json_null(&out);
    kw_json_begin_object(&out);
    kw_json_end_object(&out);
    kw_json_begin_array(&out);
    kw_json_end_array(&out);
    kw_json_cstring(&out, "x");
    kw_json_end_array(&out);
    kw_json_key(&out, "c");
    kw_json_base64(&out, KW_LIT("\0\1\xff\xfe"));
    kw_json_key(&out, "d");
    kw_json_hex(&out, KW_LIT("\0\1\xff\xfe"));
    kw_json_key(&out, "e");
    kw_json_base64(&out, KW_BYTES(NULL, 0));
    kw_json_key(&out, "f");
    kw_json_hex(&out, KW_BYTES(NULL, 0));
    kw_json_key(&out, "g");
    kw_json_plain(&out, KW_LIT("AAH//g=="));
    kw_json_key(&out, "h");
    kw_json_plain(&out, KW_BYTES(NULL, 0));
    kw_json_end_object(&out);
    assert_out("{\"a\":-9223372036854775808,\"b\":[true,false,null,{},[],\"x\"],\"c\":\"AAH//g==\","
               "\"d\":\"0001fffe\",\"e\":\"\",\"f\":\"\",\"g\":\"AAH//g==\",\"h\":\"\"}");
}
END_TEST

START_TEST(test_epoch)
{
    begin();
    kw_json_begin_array(&out);
    kw_json_epoch(&out, 0);
    kw_json_epoch(&out, 1445612530123);
    kw_json_epoch(&out, 1005);
    kw_json_epoch(&out, -1);
    kw_json_epoch(&out, INT64_MIN);
    kw_json_end_array(&out);
    assert_out("[0.000,1445612530.123,1.005,-0.001,-9223372036854775.808]");
}
END_TEST

static void assert_string(struct kw_bytes text, const char *expected)
{
    begin();
    kw_json_string(&out, text);
    assert_out(expected);
}

#define FFFD "\xef\xbf\xbd"

START_TEST(test_string)
{
    assert_string(KW_BYTES(NULL, 0), "\"\"");
    assert_string(
        KW_LIT("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f"), "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
    assert_string(KW_LIT("\0"), "\"\\u0000\"");
    assert_string(KW_LIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    assert_string(KW_LIT("\xef\xbf\xbf\xf4\x8f\xbf\xbf"), "\"\xef\xbf\xbf\xf4\x8f\xbf\xbf\"");
    /* One replacement for each maximal part of a sequence (Unicode 15.0, 3.9, table 3-8). */
    assert_string(KW_LIT("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64"),
        "\"a" FFFD FFFD FFFD "b" FFFD "c" FFFD FFFD "d\"");
    assert_string(KW_LIT("\xc0\xaf"), "\"" FFFD FFFD "\"");
    assert_string(KW_LIT("\xe0\x80\xaf"), "\"" FFFD FFFD FFFD "\"");
    assert_string(KW_LIT("\xed\xa0\x80"), "\"" FFFD FFFD FFFD "\"");
    assert_string(KW_LIT("\xf4\x90\x80\x80"), "\"" FFFD FFFD FFFD FFFD "\"");
    assert_string(KW_LIT("\xf5\xff"), "\"" FFFD FFFD "\"");
    assert_string(KW_LIT("x\xe2\x82"), "\"x" FFFD "\"");
}
END_TEST

/* Whatever the bytes, what is written is JSON that the strict parser takes. */
START_TEST(test_string_parses)
{
    uint8_t text[5];
    uint32_t state = 1;

    for (size_t n = 0; n < 20000; n++) {
        KW_JSON json_t *root = NULL;

        for (size_t i = 0; i < sizeof(text); i++) {
            state = state * 1664525 + 1013904223;
            text[i] = (uint8_t)(state >> 24);
        }
        begin();
        kw_json_begin_object(&out);
        kw_json_key(&out, "k\n");
        kw_json_string(&out, KW_BYTES(text, sizeof(text)));
        kw_json_end_object(&out);
        ck_assert_int_eq(parse(kw_sbuf_bytes(&sbuf), &root), 0);
        ck_assert_ptr_nonnull(json_object_get(root, "k\n"));
        kw_sbuf_done(&sbuf);
    }
}
END_TEST

START_TEST(test_value)
{
    static const char text[] =
        "{\"z\":\"a\\u0000\\\"\",\"a\":[1,-2.5,100.0,1e16,1e300,-0.0,true,false,null,[],{}],"
        "\"m\":{\"n\":{\"o\":\"\\u00e9\"}}}";
    KW_JSON json_t *root = NULL, *again = NULL;

    ck_assert_int_eq(parse(kw_bytes_str(text), &root), 0);
    begin();
    kw_json_begin_array(&out);
    kw_json_value(&out, root);
    kw_json_value(&out, json_object_get(root, "z"));
    kw_json_end_array(&out);
    ck_assert_ptr_nonnull(memmem(sbuf.ptr, sbuf.len, "[{\"z\":\"a\\u0000\\\"\",\"a\":[1,-2.5,100.0,", 35));
    again = json_loadb((const char *)sbuf.ptr, sbuf.len, JSON_ALLOW_NUL, NULL);
    ck_assert_ptr_nonnull(again);
    ck_assert(json_equal(json_array_get(again, 0), root));
    kw_sbuf_done(&sbuf);
}
END_TEST

START_TEST(test_value_deepest)
{
    char text[1024];
    KW_JSON json_t *root = NULL;

    ck_assert_int_eq(parse(nested(text, KW_JSON_DEPTH_MAX, '{', '}'), &root), 0);
    begin();
    for (size_t i = 0; i < KW_JSON_OUT_DEPTH_MAX - KW_JSON_DEPTH_MAX; i++)
        kw_json_begin_array(&out);
    kw_json_value(&out, root);
    for (size_t i = 0; i < KW_JSON_OUT_DEPTH_MAX - KW_JSON_DEPTH_MAX; i++)
        kw_json_end_array(&out);
    ck_assert(kw_sbuf_ok(&sbuf));
    kw_sbuf_done(&sbuf);
}
END_TEST

START_TEST(test_limit)
{
    begin();
    sbuf.limit = 8;
    kw_json_begin_array(&out);
    kw_json_cstring(&out, "longer than that");
    kw_json_hex(&out, KW_LIT("abcdefgh"));
    kw_json_end_array(&out);
    ck_assert(!kw_sbuf_ok(&sbuf));
    ck_assert_uint_le(sbuf.len, 8);
    kw_sbuf_done(&sbuf);
}
END_TEST

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;
    kw_json_init();

    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");
    tcase_add_test(tcase, test_parse);
    tcase_add_test(tcase, test_empty);
    tcase_add_test(tcase, test_nul_in_value);
    tcase_add_loop_test(tcase, test_bad, 0, (int)KW_ARRAY_LEN(bad_texts));
    tcase_add_test(tcase, test_depth);
    tcase_add_test(tcase, test_secret_memory);
    tcase_add_test(tcase, test_write);
    tcase_add_test(tcase, test_epoch);
    tcase_add_test(tcase, test_string);
    tcase_add_test(tcase, test_string_parses);
    tcase_add_test(tcase, test_value);
    tcase_add_test(tcase, test_value_deepest);
    tcase_add_test(tcase, test_limit);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
