/* Markers of lists: that they say where to go on, to their own list only. Whole pages are seen end to end. */
#include "api/page.h"

#include "engine/crypto.h"
#include "tests/support/document.h"
#include "tests/support/suite.h"

#include <stdio.h>

START_TEST(test_markers)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(4096);
    struct kw_json_out out = KW_JSON_OUT(&text);
    KW_JSON json_t *root = NULL;
    struct kw_bytes marker;
    uint8_t position[16];
    size_t len = 0;

    kw_json_begin_object(&out);
    kw_marker_write(&out, KW_PAGE_ALIASES, KW_LIT("alias/demo"));
    kw_json_end_object(&out);
    ck_assert_int_eq(kw_json_parse(kw_sbuf_bytes(&text), &root), 0);
    marker = kw_bytes_str(json_string_value(json_object_get(root, "NextMarker")));
    ck_assert_int_eq(kw_marker_decode(marker, KW_PAGE_ALIASES, position, sizeof(position), &len), 0);
    ck_assert(kw_bytes_equal(KW_BYTES(position, len), KW_LIT("alias/demo")));
    ck_assert_int_eq(kw_marker_decode(marker, KW_PAGE_KEYS, position, sizeof(position), &len), 1);
    ck_assert_int_eq(kw_marker_decode(marker, KW_PAGE_ALIASES, position, 4, &len), 1);
    /* Cut short, or one letter other than it was. */
    for (size_t i = 0; i < marker.len; i++) {
        char changed[64];

        memcpy(changed, marker.ptr, marker.len);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        ck_assert_int_eq(kw_marker_decode(KW_BYTES(changed, marker.len), KW_PAGE_ALIASES, position,
                             sizeof(position), &len),
            1);
        ck_assert_int_eq(
            kw_marker_decode(KW_BYTES(marker.ptr, i), KW_PAGE_ALIASES, position, sizeof(position), &len), 1);
    }
    ck_assert_int_eq(kw_marker_decode(KW_LIT("???"), KW_PAGE_KEYS, position, sizeof(position), &len), 1);
}
END_TEST

/* A filter that shows nothing: each page ends after a bound, and the pages together see every entry once. */
START_TEST(test_looks_are_bounded)
{
    enum { NUM = 2 * KW_PAGE_LOOKS_MAX + 100 };
    struct kw_snapshot *snapshot = NULL;
    struct kw_place place = {.part = {KW_LIT("000000000000"), KW_LIT("us-east-1")}, .num = 2};
    static struct kw_call call;
    size_t seen = 0, pages = 0;
    bool more = true;

    ck_assert_int_eq(kw_snapshot_new(&snapshot, NULL), 0);
    for (unsigned n = 0; n < NUM; n++) {
        KW_ALIAS struct kw_alias *alias = NULL;
        char name[32];
        struct kw_alias like = {.account = "000000000000", .region = "us-east-1", .name = name};

        snprintf(name, sizeof(name), "alias/%u", n);
        ck_assert_int_eq(kw_alias_new(&alias, &like), 0);
        ck_assert_int_eq(kw_snapshot_put_alias(snapshot, alias), 0);
    }
    ck_assert_int_eq(kw_document_parse(&call.document, KW_LIT("{}"), &call.input), 0);
    for (; more; pages++) {
        KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(4096);
        struct kw_json_out out = KW_JSON_OUT(&text);
        struct kw_page page;
        size_t before = seen;

        ck_assert_int_eq(
            kw_page_begin(&call, &page, KW_PAGE_ALIASES, 50, 100, &snapshot->aliases, &place), KW_CALL_DONE);
        while (kw_page_next(&page) != NULL)
            seen++;
        ck_assert_uint_le(seen - before, KW_PAGE_LOOKS_MAX);
        kw_json_begin_object(&out);
        kw_page_end(&page, &out);
        kw_json_end_object(&out);
        KW_JSON json_t *answer = NULL;
        ck_assert_int_eq(kw_json_parse(kw_sbuf_bytes(&text), &answer), 0);
        if (json_object_get(answer, "NextMarker") != NULL)
            json_object_set(answer, "Marker", json_object_get(answer, "NextMarker"));
        call.input = document_of(&call.document, answer);
        more = kw_input_true(call.input, "Truncated");
    }
    ck_assert_uint_eq(seen, NUM);
    ck_assert_uint_eq(pages, 3);
    kw_document_done(&call.document);
    kw_snapshot_free(snapshot);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_markers);
    tcase_add_test(tests, test_looks_are_bounded);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("page", add, 30);
}
