#include "pool/bytes.h"

#include <check.h>
#include <stdlib.h>

START_TEST(test_cut_keeps_characters_whole)
{
    struct kw_bytes text = KW_LIT("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"); /* 1, 2, 3, 4 and 1 bytes */
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

    for (size_t max = 0; max < KW_ARRAY_LEN(want); max++)
        ck_assert_uint_eq(kw_bytes_cut(text, max).len, want[max]);
}
END_TEST

START_TEST(test_compare)
{
    struct kw_bytes empty = {0};

    ck_assert(kw_bytes_equal(KW_LIT("abc"), kw_bytes_str("abc")));
    ck_assert(kw_bytes_equal(empty, KW_LIT("")));
    ck_assert(!kw_bytes_equal(KW_LIT("abc"), KW_LIT("abd")));
    ck_assert(!kw_bytes_equal(KW_LIT("abc"), KW_LIT("ab")));
    ck_assert(!kw_bytes_equal(KW_LIT("a\0b"), KW_LIT("a\0c")));
    ck_assert_int_lt(kw_bytes_compare(KW_LIT("ab"), KW_LIT("abc")), 0);
    ck_assert_int_gt(kw_bytes_compare(KW_LIT("abc"), KW_LIT("ab")), 0);
    ck_assert_int_eq(kw_bytes_compare(empty, empty), 0);
    ck_assert_int_lt(kw_bytes_compare(empty, KW_LIT("a")), 0);
    /* Bytes are unsigned. */
    ck_assert_int_gt(kw_bytes_compare(KW_LIT("\xff"), KW_LIT("a")), 0);
}
END_TEST

START_TEST(test_equal_nocase)
{
    ck_assert(kw_bytes_equal_nocase(KW_LIT("Content-LENGTH"), KW_LIT("content-length")));
    ck_assert(!kw_bytes_equal_nocase(KW_LIT("host"), KW_LIT("hosts")));
    /* Neighbours of the letters differ by the same bit and are no letters. */
    ck_assert(!kw_bytes_equal_nocase(KW_LIT("@[`{"), KW_LIT("`{@[")));
    ck_assert(!kw_bytes_equal_nocase(KW_LIT("\xc0"), KW_LIT("\xe0")));
}
END_TEST

static uint8_t plain_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Every byte against every byte, among eight that are looked at together and behind them. */
START_TEST(test_nocase_bytes)
{
    uint8_t a[11], b[11];

    for (unsigned pair = 0; pair < 65536; pair++) {
        uint8_t x = (uint8_t)pair, y = (uint8_t)(pair >> 8);
        bool alike = plain_lower(x) == plain_lower(y);

        for (size_t at = pair % 8; at < sizeof(a); at += 8) {
            memset(a, 'Q', sizeof(a));
            memset(b, 'q', sizeof(b));
            a[at] = x;
            b[at] = y;
            ck_assert(kw_bytes_alike(a, b, sizeof(a)) == alike);
        }
    }
}
END_TEST

START_TEST(test_search)
{
    ck_assert(kw_bytes_starts(KW_LIT("alias/demo"), KW_LIT("alias/")));
    ck_assert(kw_bytes_starts(KW_LIT("alias/"), KW_LIT("")));
    ck_assert(!kw_bytes_starts(KW_LIT("alia"), KW_LIT("alias/")));
    ck_assert(!kw_bytes_starts(KW_LIT("aliaz/demo"), KW_LIT("alias/")));
    ck_assert_int_eq(kw_bytes_find(KW_LIT("a=b=c"), '='), 1);
    ck_assert_int_eq(kw_bytes_find(KW_LIT("abc"), '='), -1);
    ck_assert_int_eq(kw_bytes_find((struct kw_bytes){0}, 'a'), -1);
}
END_TEST

START_TEST(test_buf)
{
    static const uint8_t want[] = {'a', 'b', 1, 0x12, 0x34, 0x56, 0x78, 'z', 'q'};
    uint8_t room[10] = {[9] = 0xee};
    struct kw_buf buf = KW_BUF(room, 9);

    kw_buf_put(&buf, "ab", 2);
    kw_buf_put_u8(&buf, 1);
    kw_buf_put_be32(&buf, 0x12345678);
    kw_buf_put_str(&buf, "z");
    kw_buf_put_bytes(&buf, KW_LIT("q"));
    ck_assert(kw_buf_ok(&buf));
    ck_assert(kw_bytes_equal(kw_buf_bytes(&buf), KW_BYTES(want, sizeof(want))));
    ck_assert_uint_eq(room[9], 0xee);
}
END_TEST

START_TEST(test_decimal)
{
    uint8_t room[64];
    struct kw_buf buf = KW_BUF(room, sizeof(room));

    kw_buf_put_decimal(&buf, 0, 0);
    kw_buf_put_decimal(&buf, 7, 3);
    kw_buf_put_decimal(&buf, 12345, 2);
    kw_buf_put_decimal(&buf, UINT64_MAX, 20);
    kw_buf_put_decimal(&buf, 1, 20);
    ck_assert(kw_bytes_equal(kw_buf_bytes(&buf), KW_LIT("0"
                                                        "007"
                                                        "12345"
                                                        "18446744073709551615"
                                                        "00000000000000000001")));
    buf.cap = buf.len + 2;
    kw_buf_put_decimal(&buf, 100, 0);
    ck_assert(!kw_buf_ok(&buf));
}
END_TEST

START_TEST(test_buf_overflow)
{
    uint8_t room[6] = {0};
    struct kw_buf buf = KW_BUF(room, 5);

    kw_buf_put(&buf, "abc", 3);
    kw_buf_put_be32(&buf, 0xffffffff);
    ck_assert(!kw_buf_ok(&buf));
    /* Nothing of what did not fit, and nothing later even if it would. */
    ck_assert_uint_eq(buf.len, 3);
    ck_assert_mem_eq(room, "abc\0\0", 6);
    kw_buf_put_u8(&buf, 1);
    ck_assert_uint_eq(buf.len, 3);
    ck_assert_ptr_null(kw_buf_claim(&buf, 1));
}
END_TEST

START_TEST(test_buf_claim)
{
    uint8_t room[8];
    struct kw_buf buf = KW_BUF(room, sizeof(room));

    ck_assert_ptr_eq(kw_buf_claim(&buf, 3), room);
    ck_assert_ptr_eq(kw_buf_claim(&buf, 5), room + 3);
    ck_assert(kw_buf_ok(&buf));
    /* A length that would wrap around the sum. */
    ck_assert_ptr_null(kw_buf_claim(&buf, SIZE_MAX - 2));
    ck_assert(!kw_buf_ok(&buf));
}
END_TEST

START_TEST(test_hex)
{
    static const uint8_t data[] = {0x00, 0x09, 0xaf, 0xff};
    char text[9] = {0};
    uint8_t back[4];

    kw_hex_encode(data, sizeof(data), text);
    ck_assert_str_eq(text, "0009afff");
    ck_assert_int_eq(kw_hex_decode(KW_LIT("0009AfFf"), back, sizeof(back)), 0);
    ck_assert_mem_eq(back, data, sizeof(data));
    ck_assert_int_eq(kw_hex_decode(KW_LIT("0009afF"), back, sizeof(back)), 1);
    ck_assert_int_eq(kw_hex_decode(KW_LIT("0009afff00"), back, sizeof(back)), 1);
    ck_assert_int_eq(kw_hex_decode(KW_LIT(""), back, 0), 0);
}
END_TEST

START_TEST(test_hex_hostile)
{
    for (unsigned c = 0; c < 256; c++) {
        uint8_t text[2] = {'0', (uint8_t)c}, out;
        bool digit = c < 128 && strchr("0123456789abcdefABCDEF", (int)c) != NULL && c != 0;

        ck_assert_int_eq(kw_hex_decode(KW_BYTES(text, 2), &out, 1), digit ? 0 : 1);
    }
}
END_TEST

static void check_base64(const char *data, const char *text)
{
    char out[64] = {0};
    uint8_t back[64];
    size_t len = 99;

    kw_base64_encode(kw_bytes_str(data), out);
    ck_assert_str_eq(out, text);
    ck_assert_uint_eq(KW_BASE64_LEN(strlen(data)), strlen(text));
    ck_assert_int_eq(kw_base64_decode(kw_bytes_str(text), back, strlen(data), &len), 0);
    ck_assert_uint_eq(len, strlen(data));
    ck_assert(kw_bytes_equal(KW_BYTES(back, len), kw_bytes_str(data)));
}

/* RFC 4648 section 10. */
START_TEST(test_base64_vectors)
{
    check_base64("", "");
    check_base64("f", "Zg==");
    check_base64("fo", "Zm8=");
    check_base64("foo", "Zm9v");
    check_base64("foob", "Zm9vYg==");
    check_base64("fooba", "Zm9vYmE=");
    check_base64("foobar", "Zm9vYmFy");
}
END_TEST

START_TEST(test_base64_alphabet)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (unsigned c = 0; c < 256; c++) {
        uint8_t text[4] = {'A', 'A', 'A', (uint8_t)c}, out[3] = {0};
        const char *at = c != 0 ? strchr(digits, (int)c) : NULL;
        size_t len;
        int r = kw_base64_decode(KW_BYTES(text, 4), out, sizeof(out), &len);

        /* AAA= has a legal end of padding and is two zero bytes. */
        ck_assert_int_eq(r, at != NULL || c == '=' ? 0 : 1);
        if (at != NULL)
            ck_assert_uint_eq(out[2], (unsigned)(at - digits));
    }
    for (unsigned v = 0; v < 64; v++) {
        uint8_t data[3] = {0, 0, (uint8_t)v};
        char text[4];

        kw_base64_encode(KW_BYTES(data, 3), text);
        ck_assert_int_eq(text[3], digits[v]);
    }
}
END_TEST

START_TEST(test_base64_round_trip)
{
    uint8_t data[200], back[200];
    char text[KW_BASE64_LEN(200)];

    for (size_t len = 0; len <= sizeof(data); len++) {
        size_t got = SIZE_MAX;
        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(i * 167 + len * 59 + (i >> 3));
        kw_base64_encode(KW_BYTES(data, len), text);
        ck_assert_int_eq(kw_base64_decode(KW_BYTES(text, KW_BASE64_LEN(len)), back, len, &got), 0);
        ck_assert_uint_eq(got, len);
        ck_assert(kw_bytes_equal(KW_BYTES(back, got), KW_BYTES(data, len)));
    }
}
END_TEST

START_TEST(test_base64_hostile)
{
    static const char *const bad[] = {
        "A",
        "AA",
        "AAA",
        "AAAAA",
        "=",
        "==",
        "====",
        "A===",
        "AA=A",
        "=AAA",
        "A=AA",
        "AB==",
        "AAB=",
        "AA A",
        "AAA ",
        "AAAA\n",
        "AA==AAAA",
        "AA-_",
        "AAAA====",
        "AAA=AAA=",
        "\xc1\x41\x41\x41",
    };
    uint8_t out[16];
    size_t len = 7;

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(kw_base64_decode(kw_bytes_str(bad[i]), out, sizeof(out), &len) == 1, "%s", bad[i]);
    /* One byte of room is missing. */
    ck_assert_int_eq(kw_base64_decode(KW_LIT("Zm9vYmFy"), out, 5, &len), 1);
    ck_assert_uint_eq(len, 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bytes");
    TCase *tcase = tcase_create("bytes");
    tcase_add_test(tcase, test_cut_keeps_characters_whole);
    tcase_add_test(tcase, test_compare);
    tcase_add_test(tcase, test_equal_nocase);
    tcase_add_test(tcase, test_nocase_bytes);
    tcase_add_test(tcase, test_search);
    tcase_add_test(tcase, test_buf);
    tcase_add_test(tcase, test_decimal);
    tcase_add_test(tcase, test_buf_overflow);
    tcase_add_test(tcase, test_buf_claim);
    tcase_add_test(tcase, test_hex);
    tcase_add_test(tcase, test_hex_hostile);
    tcase_add_test(tcase, test_base64_vectors);
    tcase_add_test(tcase, test_base64_alphabet);
    tcase_add_test(tcase, test_base64_round_trip);
    tcase_add_test(tcase, test_base64_hostile);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
