#include "api/auditbody.h"

#include "tests/support/suite.h"

#include <stdlib.h>

/* The same, byte by byte. */
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

static bool is_tail_bytewise(struct kw_bytes text)
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

static const char *const good[] = {"\"a\":1}", "\"{}\":{\"}\":{}}}", "\"a\\\"}\":\"\\\\\"}",
    "\"\xc3\xa4\":[{},{\"b\":{}}]}",
    "\"a long one that goes beyond a block of sixty-four bytes, as most do\":{\"b\":2}}"};
static const char *const bad[] = {"", "}", "\"}", "\"", "\"a\":1", "a}", "\"a\":1}}", "\"a\":1} ",
    "\"a\":1}\"b\":2}", "\"a\":\"}", "\"a\":\"\\\"}", "\"a\n\":1}", "\"a\":1\x1f}", "{\"a\":1}", "\"a\":{}",
    "\"a\\"};

START_TEST(texts_are_told_apart)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(good); i++)
        ck_assert_msg(kw_auditbody_is_tail(kw_bytes_str(good[i])), "%s", good[i]);
    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(!kw_auditbody_is_tail(kw_bytes_str(bad[i])), "%s", bad[i]);
}
END_TEST

static void expect_same(const uint8_t *text, size_t len)
{
    /* On the heap, so that a look beyond the end is seen by a sanitizer. */
    uint8_t *copy = malloc(len + 1);

    memcpy(copy, text, len);
    copy = realloc(copy, len > 0 ? len : 1);
    ck_assert_msg(kw_auditbody_is_tail(KW_BYTES(copy, len)) == is_tail_bytewise(KW_BYTES(copy, len)), "%.*s",
        (int)len, (const char *)text);
    free(copy);
}

/* Whatever bytes that matter make up a text, and wherever its blocks begin. */
START_TEST(blocks_say_what_bytes_say)
{
    static const char letters[] = "\"\"\"{}}\\aaaaaaa,:\n\x7f\xe4";
    uint8_t text[200];
    unsigned accepted = 0;

    srandom(7);
    for (unsigned round = 0; round < 200000; round++) {
        size_t len = (size_t)random() % sizeof(text);

        for (size_t i = 0; i < len; i++)
            text[i] = (uint8_t)letters[(size_t)random() % (sizeof(letters) - 1)];
        text[0] = '"';
        expect_same(text, len);
        accepted += is_tail_bytewise(KW_BYTES(text, len));
    }
    ck_assert_uint_gt(accepted, 20); /* by chance */
}
END_TEST

/* A good text, shifted through the blocks by a member of growing length, with each byte changed in turn. */
START_TEST(each_byte_matters_everywhere)
{
    static const char rest[] = "\",\"b\\\\\":{\"c\":\"}\\\"{\",\"d\":[{},{}]}}";
    static const char changes[] = "\"\\{}\n";
    uint8_t text[200];

    for (size_t lead = 0; lead < 130; lead++) {
        size_t len = 5 + lead + sizeof(rest) - 1;

        memcpy(text, "\"a\":\"", 5);
        memset(text + 5, 'x', lead);
        memcpy(text + 5 + lead, rest, sizeof(rest) - 1);
        ck_assert(kw_auditbody_is_tail(KW_BYTES(text, len)));
        for (size_t i = 0; i < len; i++) {
            for (size_t n = 0; n < sizeof(changes) - 1; n++) {
                uint8_t old = text[i];

                text[i] = (uint8_t)changes[n];
                expect_same(text, len);
                text[i] = old;
            }
            expect_same(text, i);
        }
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, texts_are_told_apart);
    tcase_add_test(tcase, blocks_say_what_bytes_say);
    tcase_add_test(tcase, each_byte_matters_everywhere);
}

int main(void)
{
    return kw_suite_run("auditbody", add, 60);
}
