/* Documents: what is read, what is refused (as kw_json_parse() refuses it, whose verdict is asked), and that
 * nothing of one request is left in the next one's. */
#include "api/value.h"

#include "engine/crypto.h"
#include "pool/secmem.h"
#include "tests/support/document.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>

static const struct kw_value *parse(struct kw_document *document, const char *text)
{
    const struct kw_value *root = NULL;

    ck_assert_msg(kw_document_parse(document, kw_bytes_str(text), &root) == 0, "%s", text);
    return root;
}

/* Both parsers' verdicts are the same, and what they read is; but for a NUL behind a number, which
 * jansson 2.14 does not see. */
static bool both(struct kw_bytes text)
{
    DOCUMENT struct kw_document document = {.block = NULL};
    KW_SBUF struct kw_sbuf mine = KW_SBUF_INIT(1 << 20), wanted = KW_SBUF_INIT(1 << 20);
    struct kw_json_out out = KW_JSON_OUT(&mine), wanted_out = KW_JSON_OUT(&wanted);
    const struct kw_value *value = NULL;
    KW_JSON json_t *root = NULL;
    int r = kw_document_parse(&document, text, &value), wanted_r = kw_json_parse(text, &root);

    if (kw_bytes_find(text, 0) >= 0)
        wanted_r = KW_JSON_BAD;
    ck_assert_msg(r == wanted_r, "%d, not %d: %.*s", r, wanted_r, (int)text.len, (const char *)text.ptr);
    if (r != 0) {
        ck_assert_ptr_null(value);
        return false;
    }
    kw_value_write(&out, value);
    kw_json_value(&wanted_out, root);
    ck_assert_msg(kw_bytes_equal(kw_sbuf_bytes(&mine), kw_sbuf_bytes(&wanted)), "%.*s", (int)text.len,
        (const char *)text.ptr);
    return true;
}

START_TEST(test_read)
{
    DOCUMENT struct kw_document document = {.block = NULL};
    const struct kw_value *root =
        parse(&document, " {\"KeyId\":\"alias/x\", \"N\":-9223372036854775808,\"R\":0.5,\"I\":-12,\"Big\":"
                         "1234567890123456789,\r\n\t\"B\":[true,false,null,{\"e\":{}},\"in\\u0000side\"],"
                         "\"\\u00e9\":\"\\ud83d\\ude00 \xe2\x82\xac\",\"\":1e2,\"esc\":\"\\\"\\\\\\/\\b\\f\\n"
                         "\\r\\t\"} \n");
    const struct kw_value *list = kw_value_get(root, "B"), *item;
    size_t num = 0;

    ck_assert_uint_eq(kw_value_num(root), 9);
    ck_assert_str_eq((const char *)kw_value_text(kw_value_get(root, "KeyId")).ptr, "alias/x");
    ck_assert_int_eq(kw_value_integer(kw_value_get(root, "N")), INT64_MIN);
    ck_assert_int_eq(kw_value_integer(kw_value_get(root, "I")), -12);
    ck_assert_int_eq(kw_value_integer(kw_value_get(root, "Big")), 1234567890123456789);
    ck_assert(kw_value_number(kw_value_get(root, "R")) == 0.5);
    ck_assert(
        kw_value_is(kw_value_get(root, ""), KW_VALUE_REAL) && kw_value_number(kw_value_get(root, "")) == 100);
    ck_assert(kw_value_number(kw_value_get(root, "I")) == -12);
    ck_assert(kw_value_is_number(kw_value_get(root, "I")) && !kw_value_is_number(list));
    ck_assert_str_eq(
        (const char *)kw_value_text(kw_value_get(root, "\xc3\xa9")).ptr, "\xf0\x9f\x98\x80 \xe2\x82\xac");
    ck_assert_str_eq((const char *)kw_value_text(kw_value_get(root, "esc")).ptr, "\"\\/\b\f\n\r\t");
    ck_assert_uint_eq(kw_value_num(list), 5);
    for (KW_VALUE_EACH(list, item))
        num++;
    ck_assert_uint_eq(num, 5);
    ck_assert(kw_value_is(kw_value_at(list, 0), KW_VALUE_TRUE) && kw_value_is_boolean(kw_value_at(list, 1)));
    ck_assert(kw_value_is(kw_value_at(list, 2), KW_VALUE_NULL));
    ck_assert(kw_value_is(kw_value_get(kw_value_at(list, 3), "e"), KW_VALUE_OBJECT));
    ck_assert(kw_bytes_equal(kw_value_text(kw_value_at(list, 4)), KW_LIT("in\0side")));
    ck_assert_ptr_null(kw_value_at(list, 5));
}
END_TEST

/* Every question has an answer of a value that is not there, or is another. */
START_TEST(test_nothing)
{
    DOCUMENT struct kw_document document = {.block = NULL};
    const struct kw_value *root = parse(&document, "{\"a\":\"t\",\"l\":[]}"), *text = kw_value_get(root, "a");

    ck_assert_ptr_null(kw_value_get(NULL, "a"));
    ck_assert_ptr_null(kw_value_get(root, "b"));
    ck_assert_ptr_null(kw_value_get(root, "aa"));
    ck_assert_ptr_null(kw_value_get(text, "a"));
    ck_assert_ptr_null(kw_value_get(kw_value_get(root, "l"), "a"));
    ck_assert_ptr_null(kw_value_at(NULL, 0));
    ck_assert_ptr_null(kw_value_at(root, 0));
    ck_assert_ptr_null(kw_value_first(kw_value_get(root, "l")));
    ck_assert_ptr_null(kw_value_text(NULL).ptr);
    ck_assert_ptr_null(kw_value_text(root).ptr);
    ck_assert_uint_eq(kw_value_num(NULL) + kw_value_num(text), 0);
    ck_assert_int_eq(kw_value_integer(NULL) + kw_value_integer(text), 0);
    ck_assert(!kw_value_is(NULL, KW_VALUE_NULL) && !kw_value_is_boolean(NULL) && !kw_value_is_number(NULL));
}
END_TEST

START_TEST(test_no_body)
{
    DOCUMENT struct kw_document document = {.block = NULL};
    const struct kw_value *root = NULL;

    ck_assert_int_eq(kw_document_parse(&document, KW_BYTES(NULL, 0), &root), 0);
    ck_assert_uint_eq(kw_value_num(root), 0);
    ck_assert(kw_value_is(root, KW_VALUE_OBJECT));
}
END_TEST

static const struct kw_bytes texts[] = {
    {(const uint8_t *)"{\"a\":\"\0\"}", 9},
    {(const uint8_t *)"{}\0", 3},
#define TEXT(text)                                                                                           \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }
    TEXT(" "),
    TEXT("{"),
    TEXT("[]"),
    TEXT("[{}]"),
    TEXT("1"),
    TEXT("\"a\""),
    TEXT("null"),
    TEXT("{}x"),
    TEXT("{}{}"),
    TEXT("{\"a\":1,}"),
    TEXT("{,\"a\":1}"),
    TEXT("{\"a\":1 \"b\":2}"),
    TEXT("{'a':1}"),
    TEXT("{a:1}"),
    TEXT("{\"a\" 1}"),
    TEXT("{\"a\":}"),
    TEXT("{\"a\"}"),
    TEXT("{\"a\":[1,]}"),
    TEXT("{\"a\":[,1]}"),
    TEXT("{\"a\":[1 2]}"),
    TEXT("{\"a\":[1}"),
    TEXT("{\"a\":[1]"),
    TEXT("{\"a\":[1"),
    TEXT("{\"a\":1,\"a\":2}"),
    TEXT("{\"a\":{\"b\":1,\"\\u0062\":2}}"),
    TEXT("{\"a\":01}"),
    TEXT("{\"a\":-01}"),
    TEXT("{\"a\":+1}"),
    TEXT("{\"a\":-}"),
    TEXT("{\"a\":.5}"),
    TEXT("{\"a\":1.}"),
    TEXT("{\"a\":1.e3}"),
    TEXT("{\"a\":1e}"),
    TEXT("{\"a\":1e+}"),
    TEXT("{\"a\":0x1}"),
    TEXT("{\"a\":1f}"),
    TEXT("{\"a\":NaN}"),
    TEXT("{\"a\":1e999}"),
    TEXT("{\"a\":-1e999}"),
    TEXT("{\"a\":9223372036854775808}"),
    TEXT("{\"a\":-9223372036854775809}"),
    TEXT("{\"a\":123456789012345678901234567890123456789"),
    TEXT("{\"a\":tru}"),
    TEXT("{\"a\":truex}"),
    TEXT("{\"a\":True}"),
    TEXT("{\"a\":nul"),
    TEXT("{\"a\":\"\n\"}"),
    TEXT("{\"a\":\"\x1f\"}"),
    TEXT("{\"a\":\"\\x\"}"),
    TEXT("{\"a\":\"\\"),
    TEXT("{\"a\":\"\\u12"),
    TEXT("{\"a\":\"\\u12g4\"}"),
    TEXT("{\"a\":\"\xff\"}"),
    TEXT("{\"a\":\"\xc0\xaf\"}"),
    TEXT("{\"a\":\"\xed\xa0\x80\"}"),
    TEXT("{\"a\":\"\xf4\x90\x80\x80\"}"),
    TEXT("{\"a\":\"\xe2\x82"),
    TEXT("{\"a\":\"\\ud800\"}"),
    TEXT("{\"a\":\"\\ud800\\n\"}"),
    TEXT("{\"a\":\"\\ud800\\u0041\"}"),
    TEXT("{\"a\":\"\\udc00\\ud800\"}"),
    TEXT("{\"a\":\"\\ud800"),
    TEXT("{\"\\u0000\":1}"),
    TEXT("{\"a\":1} // c"),
    TEXT("{\"a\":/**/1}"),
    TEXT("\xef\xbb\xbf{}"),
    TEXT("{\"a\":\v1}"),
    TEXT("\f{}"),
    TEXT("{\"unterminated and longer than eight"),
    /* and what is good: */
    TEXT("{}"),
    TEXT("\r\n\t {} \r\n\t "),
    TEXT("{\"a\":-0}"),
    TEXT("{\"a\":-0.0}"),
    TEXT("{\"a\":0}"),
    TEXT("{\"a\":9223372036854775807}"),
    TEXT("{\"a\":-9223372036854775808}"),
    TEXT("{\"a\":1E-999}"),
    TEXT("{\"a\":1.25e+2}"),
    TEXT("{\"a\":\"\x7f\"}"),
    TEXT("{\"a\":\"1234567\\n8\"}"),
    TEXT("{\"a\":\"12345678\\n\"}"),
    TEXT("{\"a\":\"123456\xc3\xa9\xc3\xa9 and on\"}"),
    TEXT("{\"a\":\"\\u0000\"}"),
    TEXT("{\"a\":\"\\uffff\\u0080\\u07ff\\u0800\"}"),
    TEXT("{\"a\":\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"}"),
    TEXT("{\"a\":{\"a\":{\"a\":[[],[[]],{}]}}}"),
};

START_TEST(test_as_jansson)
{
    size_t good = 0;

    for (size_t i = 0; i < KW_ARRAY_LEN(texts); i++)
        good += both(texts[i]);
    ck_assert_uint_eq(good, 17);
}
END_TEST

/* Each byte of a good text replaced, left out, doubled. */
START_TEST(test_mutations)
{
    static const char good[] = "{\"KeyId\":\"a\\u00e9\\\\\xc3\xa9 long enough\",\"N\":[-1.5e2,10,true,null],"
                               "\"E\":{\"x\":\"y\",\"z\":false}}";
    static const char put[] = "\"\\{}[],:0-.eE+tnu \n\x01\x7f\x80\xc3\xff";
    char text[sizeof(good) + 1];
    size_t taken = 0;

    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        for (size_t k = 0; k < sizeof(put); k++) {
            memcpy(text, good, sizeof(good));
            text[i] = put[k];
            taken += both(KW_BYTES(text, sizeof(good) - 1));
            memcpy(text + i + 1, good + i, sizeof(good) - i);
            taken += both(KW_BYTES(text, sizeof(good)));
        }
        memcpy(text, good, i);
        memcpy(text + i, good + i + 1, sizeof(good) - i - 1);
        taken += both(KW_BYTES(text, sizeof(good) - 2));
        taken += both(KW_BYTES(good, i));
    }
    ck_assert_uint_gt(taken, 100);
}
END_TEST

/* As deep as may be, as many values as may be, and one more; with little text around them. */
START_TEST(test_limits)
{
    static char text[4 * KW_JSON_TOKENS_MAX];
    size_t len;

    for (unsigned depth = KW_JSON_DEPTH_MAX - 1; depth <= KW_JSON_DEPTH_MAX; depth++) {
        len = (size_t)sprintf(text, "{\"\":");
        memset(text + len, '[', depth);
        (void)both(KW_BYTES(text, len + depth)); /* ends where it is deepest */
        memset(text + len + depth, ']', depth);
        text[len + 2 * depth] = '}';
        ck_assert(both(KW_BYTES(text, len + 2 * depth + 1)) == (depth < KW_JSON_DEPTH_MAX));
    }
    /* Tokens: the text, two brackets, a colon, and a comma for each item but the first. */
    for (unsigned items = KW_JSON_TOKENS_MAX - 3; items <= KW_JSON_TOKENS_MAX - 2; items++) {
        len = (size_t)sprintf(text, "{\"\":[");
        for (unsigned i = 0; i < items; i++)
            len += (size_t)sprintf(text + len, i > 0 ? ",1" : "1");
        len += (size_t)sprintf(text + len, "]}");
        ck_assert(both(KW_BYTES(text, len)) == (items == KW_JSON_TOKENS_MAX - 3));
    }
}
END_TEST

/* Names that come twice are found among few and among thousands. */
START_TEST(test_repeats)
{
    static char text[128 * 1024];
    static const unsigned nums[] = {2, 16, 17, 40, 4000};

    for (size_t n = 0; n < KW_ARRAY_LEN(nums); n++) {
        for (unsigned twice = 0; twice < 2; twice++) {
            size_t len = (size_t)sprintf(text, "{");

            for (unsigned i = 0; i < nums[n]; i++) {
                unsigned number = twice && i == nums[n] - 1 ? nums[n] / 2 - 1 : i;

                len += (size_t)sprintf(text + len, "%s\"name %u\":%u", i > 0 ? "," : "", number * 7919, i);
            }
            len += (size_t)sprintf(text + len, "}");
            ck_assert(both(KW_BYTES(text, len)) == (twice == 0));
        }
    }
}
END_TEST

static bool holds(const struct kw_document *document, const char *secret)
{
    return memmem(document->block, document->cap, secret, strlen(secret)) != NULL;
}

START_TEST(test_block_stays_and_is_wiped)
{
    DOCUMENT struct kw_document document = {.block = NULL};
    const struct kw_value *root = parse(&document, "{\"a\":\"a long secret\",\"b\":[1,2,3,4]}");
    const void *block = document.block;

    ck_assert(holds(&document, "a long secret"));
    root = parse(&document, "{\"a\":\"b\"}");
    ck_assert_ptr_eq(document.block, block);
    ck_assert(!holds(&document, "secret"));
    ck_assert_str_eq((const char *)kw_value_text(kw_value_get(root, "a")).ptr, "b");
    /* Wiped after what was refused half way, and when it is reset. */
    ck_assert_int_eq(
        kw_document_parse(&document, KW_LIT("{\"a\":\"a long secret\",\"b\":\"another\" 1}"), &root),
        KW_JSON_BAD);
    ck_assert(!holds(&document, "secret") && !holds(&document, "another"));
    (void)parse(&document, "{\"a\":\"a long secret\"}");
    kw_document_reset(&document, 1 << 16);
    ck_assert_ptr_eq(document.block, block);
    for (size_t i = 0; i < document.cap; i++)
        ck_assert_uint_eq(((const uint8_t *)document.block)[i], 0);
    kw_document_reset(&document, 16);
    ck_assert_ptr_null(document.block);
    kw_document_reset(&document, 0);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_read);
    tcase_add_test(tests, test_nothing);
    tcase_add_test(tests, test_no_body);
    tcase_add_test(tests, test_as_jansson);
    tcase_add_test(tests, test_mutations);
    tcase_add_test(tests, test_limits);
    tcase_add_test(tests, test_repeats);
    tcase_add_test(tests, test_block_stays_and_is_wiped);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("value", add, 30);
}
