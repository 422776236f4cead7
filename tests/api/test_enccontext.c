#include "api/enccontext.h"

#include <check.h>

#define PAIR(k, v) ((struct kw_enccontext_pair){KW_LIT(k), KW_LIT(v)})

static uint8_t space[KW_ENC_CONTEXT_BYTES_MAX + 64];
static const uint8_t zeros[KW_ENC_CONTEXT_BYTES_MAX + 1];

static int encode(struct kw_enccontext_pair *pairs, size_t num_pairs, struct kw_buf *ret)
{
    *ret = KW_BUF(space, sizeof(space));
    return kw_enccontext_encode(pairs, num_pairs, ret);
}

START_TEST(test_known)
{
    struct kw_enccontext_pair pairs[] = {PAIR("Purpose", "Test"), PAIR("Department", "IT")};
    struct kw_buf buf;

    ck_assert_int_eq(encode(pairs, 2, &buf), 0);
    struct kw_bytes expected = KW_LIT("\0\0\0\2\0\0\0\nDepartment\0\0\0\2IT\0\0\0\7Purpose\0\0\0\4Test");
    ck_assert(kw_bytes_equal(kw_buf_bytes(&buf), expected));

    ck_assert_int_eq(encode(NULL, 0, &buf), 0);
    ck_assert(kw_bytes_equal(kw_buf_bytes(&buf), KW_LIT("\0\0\0\0")));
}
END_TEST

START_TEST(test_order_free)
{
    struct kw_enccontext_pair first[] = {
        PAIR("a", "1"), PAIR("", "2"), PAIR("ab", "3"), PAIR("\xc3\xa9", "4")};
    uint8_t one[128];
    struct kw_buf buf;

    ck_assert_int_eq(encode(first, 4, &buf), 0);
    size_t len = buf.len;
    memcpy(one, buf.ptr, len);
    /* Every order of four pairs gives the same bytes. */
    for (size_t n = 0; n < 24; n++) {
        struct kw_enccontext_pair left[4], pairs[4];

        memcpy(left, first, sizeof(left));
        for (size_t i = 0, code = n; i < 4; i++) {
            size_t pick = code % (4 - i);

            code /= 4 - i;
            pairs[i] = left[pick];
            left[pick] = left[3 - i];
        }
        ck_assert_int_eq(encode(pairs, 4, &buf), 0);
        ck_assert_uint_eq(buf.len, len);
        ck_assert_mem_eq(buf.ptr, one, len);
    }
}
END_TEST

/* What differs in any way has another encoding: contexts that run together when written without lengths. */
START_TEST(test_unambiguous)
{
    struct kw_enccontext_pair sets[][2] = {
        {PAIR("a", "bc"), PAIR("d", "e")},
        {PAIR("ab", "c"), PAIR("d", "e")},
        {PAIR("a", "b"), PAIR("cd", "e")},
        {PAIR("a", "b"), PAIR("c", "de")},
        {PAIR("A", "bc"), PAIR("d", "e")},
        {PAIR("a", "e"), PAIR("d", "bc")},
        {PAIR("a", "bc\0\0\0\1d\0\0\0\1e"), PAIR("d", "e")},
    };
    uint8_t texts[KW_ARRAY_LEN(sets)][64];
    size_t lens[KW_ARRAY_LEN(sets)];

    for (size_t i = 0; i < KW_ARRAY_LEN(sets); i++) {
        struct kw_buf buf;

        ck_assert_int_eq(encode(sets[i], 2, &buf), 0);
        lens[i] = buf.len;
        memcpy(texts[i], buf.ptr, buf.len);
        for (size_t k = 0; k < i; k++)
            ck_assert(!kw_bytes_equal(KW_BYTES(texts[i], lens[i]), KW_BYTES(texts[k], lens[k])));
    }
}
END_TEST

START_TEST(test_duplicate)
{
    struct kw_enccontext_pair pairs[] = {PAIR("x", "1"), PAIR("a", "1"), PAIR("x", "2")};
    struct kw_enccontext_pair empty[] = {PAIR("", "1"), PAIR("", "1")};
    struct kw_buf buf;

    ck_assert_int_eq(encode(pairs, 3, &buf), KW_ENCCONTEXT_DUPLICATE);
    ck_assert_uint_eq(buf.len, 0);
    ck_assert_int_eq(encode(empty, 2, &buf), KW_ENCCONTEXT_DUPLICATE);
}
END_TEST

START_TEST(test_too_big)
{
    struct kw_enccontext_pair pair = {KW_LIT("k"), KW_BYTES(zeros, KW_ENC_CONTEXT_BYTES_MAX - 13)};
    struct kw_buf buf;

    ck_assert_int_eq(encode(&pair, 1, &buf), 0);
    ck_assert_uint_eq(buf.len, KW_ENC_CONTEXT_BYTES_MAX);
    ck_assert_uint_eq(kw_enccontext_len(&pair, 1), KW_ENC_CONTEXT_BYTES_MAX);
    ck_assert_uint_eq(kw_enccontext_len(NULL, 0), 4);
    pair.value.len++;
    ck_assert_int_eq(encode(&pair, 1, &buf), KW_ENCCONTEXT_TOO_BIG);
    ck_assert_uint_eq(buf.len, 0);
    /* Lengths that would wrap when summed are never looked behind. */
    pair.value.len = SIZE_MAX - 8;
    ck_assert_uint_eq(kw_enccontext_len(&pair, 1), SIZE_MAX);
    ck_assert_int_eq(encode(&pair, 1, &buf), KW_ENCCONTEXT_TOO_BIG);

    pair.value.len = 100;
    uint8_t small[113];
    struct kw_buf tight = KW_BUF(small, sizeof(small) - 1);
    ck_assert_int_eq(kw_enccontext_encode(&pair, 1, &tight), KW_ENCCONTEXT_TOO_BIG);
    ck_assert_uint_eq(tight.len, 0);
    tight = KW_BUF(small, sizeof(small));
    ck_assert_int_eq(kw_enccontext_encode(&pair, 1, &tight), 0);
}
END_TEST

START_TEST(test_many)
{
    struct kw_enccontext_pair pairs[KW_ENC_CONTEXT_PAIRS_MAX + 1];
    uint8_t keys[KW_ENC_CONTEXT_PAIRS_MAX + 1][2];
    struct kw_buf buf;

    for (size_t i = 0; i < KW_ARRAY_LEN(pairs); i++) {
        size_t n = i * 97 % KW_ARRAY_LEN(pairs); /* 97 is prime: each number once, out of order */

        keys[i][0] = (uint8_t)(n >> 4);
        keys[i][1] = (uint8_t)n;
        pairs[i] = (struct kw_enccontext_pair){KW_BYTES(keys[i], 2), KW_BYTES(NULL, 0)};
    }
    ck_assert_int_eq(encode(pairs, KW_ENC_CONTEXT_PAIRS_MAX + 1, &buf), KW_ENCCONTEXT_TOO_BIG);
    ck_assert_int_eq(encode(pairs, KW_ENC_CONTEXT_PAIRS_MAX, &buf), 0);
    for (size_t i = 1; i < KW_ENC_CONTEXT_PAIRS_MAX; i++)
        ck_assert_int_lt(kw_bytes_compare(pairs[i - 1].key, pairs[i].key), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("enccontext");
    TCase *tcase = tcase_create("enccontext");

    tcase_add_test(tcase, test_known);
    tcase_add_test(tcase, test_order_free);
    tcase_add_test(tcase, test_unambiguous);
    tcase_add_test(tcase, test_duplicate);
    tcase_add_test(tcase, test_too_big);
    tcase_add_test(tcase, test_many);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
