#include "api/tlv.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#define TLV KW_SBUF_INIT(4096)

START_TEST(fields_come_back_in_order)
{
    KW_SBUF struct kw_sbuf out = TLV;
    uint8_t fixed[3];
    kw_tlv_put(&out, 1, KW_LIT("abc"));
    kw_tlv_put_text(&out, 2, "text");
    kw_tlv_put_text(&out, 3, "");
    kw_tlv_put_text(&out, 4, NULL); /* left out */
    kw_tlv_put_u32(&out, 5, UINT32_MAX);
    kw_tlv_put_u32(&out, 6, 0); /* left out */
    kw_tlv_put_i64(&out, 7, INT64_MIN);
    kw_tlv_put_i64(&out, 8, -1);
    kw_tlv_put_flag(&out, 9, true);
    kw_tlv_put_flag(&out, 10, false); /* left out */
    size_t outer = kw_tlv_open(&out, 11);
    size_t inner = kw_tlv_open(&out, 1);
    kw_tlv_put_u32(&out, 1, 1);
    kw_tlv_close(&out, inner);
    kw_tlv_close(&out, outer);
    ck_assert(kw_sbuf_ok(&out));

    struct kw_tlv in = KW_TLV(kw_sbuf_bytes(&out));
    kw_tlv_need_fixed(&in, 1, fixed, sizeof(fixed));
    ck_assert_mem_eq(fixed, "abc", 3);
    ck_assert_str_eq(kw_tlv_need_text(&in, 2), "text");
    ck_assert_str_eq(kw_tlv_take_text(&in, 3), "");
    ck_assert_ptr_null(kw_tlv_take_text(&in, 4));
    ck_assert_uint_eq(kw_tlv_take_u32(&in, 5), UINT32_MAX);
    ck_assert_uint_eq(kw_tlv_take_u32(&in, 6), 0);
    ck_assert_int_eq(kw_tlv_take_i64(&in, 7), INT64_MIN);
    ck_assert_int_eq(kw_tlv_take_i64(&in, 8), -1);
    ck_assert(kw_tlv_take_flag(&in, 9));
    ck_assert(!kw_tlv_take_flag(&in, 10));
    ck_assert(!kw_tlv_done(&in));
    struct kw_tlv nested = KW_TLV(kw_tlv_need(&in, 11));
    nested = KW_TLV(kw_tlv_need(&nested, 1));
    ck_assert_uint_eq(kw_tlv_take_u32(&nested, 1), 1);
    ck_assert(kw_tlv_done(&nested));
    ck_assert(kw_tlv_done(&in));
}
END_TEST

/* One field per case; what must be read from it is refused. */
START_TEST(every_value_has_one_form)
{
    static const struct {
        uint8_t bytes[16];
        size_t len;
    } texts[] = {{{1, 0, 0, 0, 0}, 5}, {{1, 0, 0, 0, 1, 'a'}, 6}, {{1, 0, 0, 0, 3, 'a', 0, 0}, 8},
        {{1, 0, 0, 0, 2, 0, 'a'}, 7}},
      numbers[] = {{{1, 0, 0, 0, 4, 0, 0, 0, 0}, 9}, {{1, 0, 0, 0, 3, 1, 1, 1}, 8},
          {{1, 0, 0, 0, 5, 1, 1, 1, 1, 1}, 10}, {{1, 0, 0, 0, 0}, 5}},
      heads[] = {{{1}, 1}, {{1, 0, 0, 0}, 4}, {{1, 0, 0, 0, 1}, 5}, {{1, 255, 255, 255, 255, 0}, 6},
          {{2, 0, 0, 0, 0}, 5}, {{0}, 0}};
    uint8_t fixed[4] = {7, 7, 7, 7};
    for (size_t i = 0; i < KW_ARRAY_LEN(texts); i++) {
        struct kw_tlv in = KW_TLV(KW_BYTES(texts[i].bytes, texts[i].len));
        ck_assert_ptr_null(kw_tlv_take_text(&in, 1));
        ck_assert(in.bad && !kw_tlv_done(&in));
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(numbers); i++) {
        struct kw_tlv in = KW_TLV(KW_BYTES(numbers[i].bytes, numbers[i].len));
        ck_assert_uint_eq(kw_tlv_take_u32(&in, 1), 0);
        ck_assert(in.bad);
        in = KW_TLV(KW_BYTES(numbers[i].bytes, numbers[i].len));
        ck_assert_int_eq(kw_tlv_take_i64(&in, 1), 0);
        ck_assert(in.bad);
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(heads); i++) {
        struct kw_tlv in = KW_TLV(KW_BYTES(heads[i].bytes, heads[i].len));
        kw_tlv_need_fixed(&in, 1, fixed, sizeof(fixed));
        ck_assert(in.bad);
        ck_assert_int_eq(fixed[0], 7);
    }
    struct kw_tlv flag = KW_TLV(KW_BYTES("\1\0\0\0\1\1", 6));
    (void)kw_tlv_take_flag(&flag, 1);
    ck_assert(flag.bad);
    struct kw_tlv fixed_in = KW_TLV(KW_BYTES("\1\0\0\0\1\1", 6));
    kw_tlv_need_fixed(&fixed_in, 1, fixed, sizeof(fixed));
    ck_assert(fixed_in.bad);
}
END_TEST

START_TEST(what_is_bad_stays_so)
{
    struct kw_tlv in = KW_TLV(KW_BYTES("\1\0\0\0\2a\0\2\0\0\0\0", 12));
    struct kw_bytes value = {0};
    ck_assert_uint_eq(kw_tlv_need(&in, 9).len, 0);
    ck_assert(in.bad);
    ck_assert(!kw_tlv_take(&in, 1, &value));
    ck_assert_ptr_null(kw_tlv_need_text(&in, 1));
    ck_assert_uint_eq(kw_tlv_count(&in, 1), 0);
    ck_assert(!kw_tlv_done(&in));
}
END_TEST

START_TEST(fields_in_a_row_are_counted)
{
    KW_SBUF struct kw_sbuf out = TLV;
    for (int i = 0; i < 5; i++)
        kw_tlv_put_flag(&out, 3, true);
    kw_tlv_put_flag(&out, 4, true);
    kw_tlv_put_flag(&out, 3, true);
    struct kw_tlv in = KW_TLV(kw_sbuf_bytes(&out));
    ck_assert_uint_eq(kw_tlv_count(&in, 3), 5);
    ck_assert_uint_eq(kw_tlv_count(&in, 4), 0);
    ck_assert(kw_tlv_take_flag(&in, 3)); /* counting has taken none */
    ck_assert_uint_eq(kw_tlv_count(&in, 3), 4);
    in.rest.len = 22; /* the last one is cut */
    ck_assert_uint_eq(kw_tlv_count(&in, 3), 4);
    in.rest.len = 19;
    ck_assert_uint_eq(kw_tlv_count(&in, 3), 3);
}
END_TEST

/* A buffer that fails half-way is never written to. */
START_TEST(a_full_buffer_fails_quietly)
{
    for (size_t limit = 0; limit < 40; limit++) {
        KW_SBUF struct kw_sbuf out = KW_SBUF_INIT(limit);
        size_t outer = kw_tlv_open(&out, 1);
        kw_tlv_put_text(&out, 1, "some text");
        size_t inner = kw_tlv_open(&out, 2);
        kw_tlv_put_i64(&out, 1, 1);
        kw_tlv_close(&out, inner);
        kw_tlv_close(&out, outer);
        ck_assert(kw_sbuf_ok(&out) == (limit >= 38));
        ck_assert_uint_le(out.len, limit);
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, fields_come_back_in_order);
    tcase_add_test(tcase, every_value_has_one_form);
    tcase_add_test(tcase, what_is_bad_stays_so);
    tcase_add_test(tcase, fields_in_a_row_are_counted);
    tcase_add_test(tcase, a_full_buffer_fails_quietly);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("tlv", add, 20);
}
