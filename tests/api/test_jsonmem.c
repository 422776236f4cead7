/* The block that a parse gets must be enough for whatever jansson asks for: text made to need as much as it
 * can. */
#include "api/jsonmem.h"

#include "api/json.h"
#include "engine/crypto.h"
#include "pool/secmem.h"
#include "tests/support/suite.h"

#include <stdio.h>

static char text[KW_HTTP_BODY_MAX + 64];

/* {"m":[UNIT,UNIT,...]} with num units. */
static void parses(const char *unit, size_t num)
{
    json_t *root = NULL;
    size_t len = (size_t)snprintf(text, sizeof(text), "{\"m\":[");

    for (size_t i = 0; i < num; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? "," : "", unit);
    len += (size_t)snprintf(text + len, sizeof(text) - len, "]}");
    ck_assert_uint_lt(len, sizeof(text) - 1);
    ck_assert_msg(kw_json_parse(KW_BYTES(text, len), &root) == 0, "%zu times %.40s", num, unit);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "m")), num);
    json_decref(root);
}

START_TEST(test_many_small_values)
{
    parses("{}", 4000);
    parses("[]", 4000);
    parses("{\"\":{}}", 2000);
    parses("0", 8000);
    parses("1.5e300", 8000);
    parses("\"\"", 8000);
    parses("true", 8000);
    parses("{\"a\":1,\"b\":2,\"c\":3}", 1100);
}
END_TEST

/* Tables and buffers that double, caught just behind a doubling. */
START_TEST(test_growth)
{
    static char unit[100000];

    for (size_t size = 1; size < 60000; size = size * 2 + 1) {
        memset(unit, 'x', size + 2);
        unit[0] = unit[size + 1] = '"';
        unit[size + 2] = '\0';
        parses(unit, 1);
        parses(unit, size < 20000 ? 2 : 1);
    }
    for (size_t members = 1; members < 3500; members = members * 2 + 1) {
        size_t len = (size_t)snprintf(unit, sizeof(unit), "{");

        for (size_t i = 0; i < members; i++)
            len += (size_t)snprintf(unit + len, sizeof(unit) - len, "%s\"%zu\":0", i > 0 ? "," : "", i);
        snprintf(unit + len, sizeof(unit) - len, "}");
        parses(unit, 1);
    }
}
END_TEST

START_TEST(test_escapes)
{
    static char unit[120000];
    size_t len = 1;

    unit[0] = '"';
    while (len < 110000)
        len += (size_t)snprintf(unit + len, sizeof(unit) - len, "\\ud83d\\ude00\\u0001\\n");
    snprintf(unit + len, sizeof(unit) - len, "\"");
    parses(unit, 1);
}
END_TEST

START_TEST(test_too_many_tokens)
{
    json_t *root = NULL;
    size_t len = 0;

    text[len++] = '{';
    for (unsigned i = 0; i < KW_JSON_TOKENS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"%x\":0", i > 0 ? "," : "", i);
    text[len++] = '}';
    ck_assert_int_eq(kw_json_parse(KW_BYTES(text, len), &root), KW_JSON_BAD);
}
END_TEST

START_TEST(test_exhausted_block_is_told)
{
    void *small, *large;

    ck_assert_int_eq(kw_jsonmem_begin(64), 0);
    small = kw_jsonmem_alloc(16);
    large = kw_jsonmem_alloc(64);
    ck_assert_ptr_nonnull(small);
    ck_assert_ptr_null(large);
    ck_assert(!kw_jsonmem_end());
    /* A value outlives its parse. */
    memset(small, 1, 16);
    kw_jsonmem_free(small);
    ck_assert_int_eq(kw_jsonmem_begin(64), 0);
    small = kw_jsonmem_alloc(16);
    ck_assert(kw_jsonmem_end());
    kw_jsonmem_free(small);
    ck_assert_ptr_null(kw_jsonmem_alloc(SIZE_MAX - 8));
    kw_jsonmem_free(NULL);
}
END_TEST

START_TEST(test_nothing_is_left_behind)
{
    struct kw_secmem_stats before, after;

    parses("{\"a\":[1,2,3]}", 500);
    kw_secmem_stats(&before);
    for (unsigned i = 0; i < 300; i++)
        parses("{\"a\":[1,2,3]}", 500);
    kw_secmem_stats(&after);
    ck_assert_uint_eq(before.mapped_bytes, after.mapped_bytes);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_many_small_values);
    tcase_add_test(tcase, test_growth);
    tcase_add_test(tcase, test_escapes);
    tcase_add_test(tcase, test_too_many_tokens);
    tcase_add_test(tcase, test_exhausted_block_is_told);
    tcase_add_test(tcase, test_nothing_is_left_behind);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("jsonmem", add, 60);
}
