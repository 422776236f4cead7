#include "api/cbor.h"
#include "tests/support/suite.h"

static struct kw_cbor reader(const char *hex, uint8_t space[64])
{
    size_t len = strlen(hex) / 2;

    kw_assert(len <= 64 && kw_hex_decode(kw_bytes_str(hex), space, len) == 0);
    return (struct kw_cbor){KW_BYTES(space, len)};
}

/* Of RFC 8949, appendix A, and of our own. */
START_TEST(test_numbers)
{
    static const struct {
        const char *hex;
        enum kw_cbor_type type;
        int64_t number;
    } cases[] = {
        {"00", KW_CBOR_UINT, 0},
        {"17", KW_CBOR_UINT, 23},
        {"1818", KW_CBOR_UINT, 24},
        {"1903e8", KW_CBOR_UINT, 1000},
        {"1a000f4240", KW_CBOR_UINT, 1000000},
        {"1b000000e8d4a51000", KW_CBOR_UINT, INT64_C(1000000000000)},
        {"1b7fffffffffffffff", KW_CBOR_UINT, INT64_MAX},
        {"1800", KW_CBOR_UINT, 0}, /* wider than need be */
        {"20", KW_CBOR_NEGATIVE, -1},
        {"3822", KW_CBOR_NEGATIVE, -35},
        {"3903e7", KW_CBOR_NEGATIVE, -1000},
        {"3b7fffffffffffffff", KW_CBOR_NEGATIVE, INT64_MIN},
        {"f4", KW_CBOR_BOOL, 0},
        {"f5", KW_CBOR_BOOL, 1},
        {"f6", KW_CBOR_NULL, 0},
        {"d200", KW_CBOR_TAG, 18},
    };
    uint8_t space[64];

    for (size_t i = 0; i < KW_ARRAY_LEN(cases); i++) {
        struct kw_cbor cbor = reader(cases[i].hex, space);
        struct kw_cbor_item item;

        ck_assert_int_eq(kw_cbor_next(&cbor, &item), 0);
        ck_assert_int_eq(item.type, cases[i].type);
        ck_assert_int_eq(item.number, cases[i].number);
        ck_assert_int_eq(kw_cbor_at_end(&cbor), cases[i].type != KW_CBOR_TAG);
    }
}
END_TEST

START_TEST(test_strings)
{
    uint8_t space[64];
    struct kw_cbor_item item;
    struct kw_cbor cbor = reader("4401020304", space);

    ck_assert_int_eq(kw_cbor_next(&cbor, &item), 0);
    ck_assert(item.type == KW_CBOR_BYTES && kw_bytes_equal(item.string, KW_LIT("\1\2\3\4")));
    cbor = reader("64f0908591", space); /* U+10151 */
    ck_assert_int_eq(kw_cbor_next(&cbor, &item), 0);
    ck_assert(item.type == KW_CBOR_TEXT && item.string.len == 4);
    cbor = reader("60", space);
    ck_assert_int_eq(kw_cbor_next(&cbor, &item), 0);
    ck_assert(item.type == KW_CBOR_TEXT && item.string.len == 0);
}
END_TEST

START_TEST(test_malformed)
{
    static const char *const malformed[] = {
        "", "18", "19", "1900", "1a000000", "1b00000000000000",                 /* cut off */
        "1c", "1d", "1e", "1f", "5c",                                           /* reserved */
        "1b8000000000000000", "3bffffffffffffffff",                             /* too large */
        "5f4101ff", "7f6161ff", "1f", "3f", "df00ff", "ff",                     /* indefinite lengths */
        "4201", "5820", "5b7fffffffffffffff00", "5bffffffffffffffff00", "6261", /* strings beyond the end */
    };
    static const char *const bad_items[] = {
        "81", "8301", "9bffffffffffffffff", "9b7fffffffffffffff", "a101", "bb8000000000000001", "61c0",
        "61ff", "62c080", "63eda080", "64f4908080", "6100", "617f", "62c3c3", /* no text */
        "f7", "f0", "f800", "f814", "f818", "f90000", "fa00000000",
        "fb0000000000000000", /* other simple ones */
    };
    uint8_t space[64];
    struct kw_cbor_item item;

    for (size_t i = 0; i < KW_ARRAY_LEN(malformed); i++) {
        struct kw_cbor cbor = reader(malformed[i], space), before = cbor;
        ck_assert_int_eq(kw_cbor_next(&cbor, &item), KW_CBOR_MALFORMED);
        ck_assert_int_eq(kw_cbor_skip(&cbor), KW_CBOR_MALFORMED);
        ck_assert_ptr_eq(cbor.rest.ptr, before.rest.ptr);
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(bad_items); i++) {
        struct kw_cbor cbor = reader(bad_items[i], space);
        ck_assert_int_eq(kw_cbor_skip(&cbor), KW_CBOR_MALFORMED);
    }
}
END_TEST

START_TEST(test_expect)
{
    uint8_t space[64];
    struct kw_cbor_item item;
    struct kw_cbor cbor = reader("820102", space);

    ck_assert_int_eq(kw_cbor_expect(&cbor, KW_CBOR_MAP, &item), KW_CBOR_MALFORMED);
    ck_assert_int_eq(kw_cbor_expect(&cbor, KW_CBOR_ARRAY, &item), 0);
    ck_assert_uint_eq(item.num, 2);
    ck_assert_int_eq(kw_cbor_expect(&cbor, KW_CBOR_UINT, &item), 0);
    ck_assert_int_eq(kw_cbor_expect(&cbor, KW_CBOR_UINT, &item), 0);
    ck_assert_int_eq(kw_cbor_expect(&cbor, KW_CBOR_UINT, &item), KW_CBOR_MALFORMED);
}
END_TEST

START_TEST(test_open)
{
    static const char *const good[] = {
        "9fff", "bfff", "9f01ff", "9f018202039f0405ffff", "bf61610161629f0203ffff", "826161bf61626163ff"};
    static const char *const bad[] = {
        "9f", "bf", "9f01", "bf01ff", "bf0102", "bf010203ff", "9fc0ff", "81ff", "a1ff", "a101ff", "c0ff"};
    uint8_t space[64];
    struct kw_cbor_item list, item;

    for (size_t i = 0; i < KW_ARRAY_LEN(good); i++) {
        struct kw_cbor cbor = reader(good[i], space);
        ck_assert_int_eq(kw_cbor_skip(&cbor), 0);
        ck_assert(kw_cbor_at_end(&cbor));
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++) {
        struct kw_cbor cbor = reader(bad[i], space);
        ck_assert_int_eq(kw_cbor_skip(&cbor), KW_CBOR_MALFORMED);
    }
    for (unsigned open = 0; open < 2; open++) {
        struct kw_cbor cbor = reader(open ? "9f0102ff" : "820102", space);
        ck_assert_int_eq(kw_cbor_expect(&cbor, KW_CBOR_ARRAY, &list), 0);
        ck_assert_int_eq(list.is_open, open);
        for (int64_t i = 1; i <= 2; i++) {
            ck_assert(kw_cbor_more(&cbor, &list));
            ck_assert_int_eq(kw_cbor_expect(&cbor, KW_CBOR_UINT, &item), 0);
            ck_assert_int_eq(item.number, i);
        }
        ck_assert(!kw_cbor_more(&cbor, &list));
        ck_assert(kw_cbor_at_end(&cbor));
    }
}
END_TEST

START_TEST(test_skip)
{
    uint8_t space[64];
    struct kw_cbor cbor = reader("a261610161628202a1030405", space);

    ck_assert_int_eq(kw_cbor_skip(&cbor), 0);
    ck_assert_uint_eq(cbor.rest.len, 1);
    ck_assert_int_eq(kw_cbor_skip(&cbor), 0);
    ck_assert(kw_cbor_at_end(&cbor));
    for (size_t depth = 0; depth <= 20; depth++) {
        memset(space, 0x81, depth);
        space[depth] = 0;
        cbor = (struct kw_cbor){KW_BYTES(space, depth + 1)};
        ck_assert_int_eq(kw_cbor_skip(&cbor), depth <= KW_CBOR_DEPTH_MAX ? 0 : KW_CBOR_MALFORMED);
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_numbers);
    tcase_add_test(tcase, test_strings);
    tcase_add_test(tcase, test_malformed);
    tcase_add_test(tcase, test_expect);
    tcase_add_test(tcase, test_open);
    tcase_add_test(tcase, test_skip);
}

int main(void)
{
    return kw_suite_run("cbor", add, 10);
}
