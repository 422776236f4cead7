/* Records of saved pools: one form for each, a name for each spec and kind. */
#include "api/savedpool.h"

#include "api/record.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

static const struct kw_saved_pool sample = {
    .name = {KW_SPEC_RSA_2048, KW_SAVED_RESERVE},
    .number = "a one-time number of 32 bytes..",
    .secret = "a secret that is as long as it..",
    .pairs = 10000,
    .size = 15000000,
    .inode = 4711,
    .born_ns = 1700000000000000001,
    .saved_ms = 1700000000001,
};

START_TEST(names_are_told_apart)
{
    uint8_t all[KW_SPEC_NUM * KW_SAVED_KIND_NUM][64];
    char files[KW_SPEC_NUM * KW_SAVED_KIND_NUM][KW_SAVED_FILE_MAX];
    size_t num = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        for (unsigned kind = 0; kind < KW_SAVED_KIND_NUM; kind++, num++) {
            struct kw_saved_name name = {(enum kw_spec)spec, (enum kw_saved_kind)kind}, found;
            struct kw_buf buf = KW_BUF(all[num], sizeof(all[num]));

            kw_saved_record_name(name, &buf);
            ck_assert(kw_buf_ok(&buf));
            ck_assert_int_eq(kw_saved_name_find(kw_buf_bytes(&buf), &found), 0);
            ck_assert_int_eq(found.spec, name.spec);
            ck_assert_int_eq(found.kind, name.kind);
            ck_assert_int_eq(kw_saved_name_find(KW_BYTES(all[num], buf.len - 1), &found), KW_RECORD_BAD);
            kw_saved_file_name(name, files[num]);
            for (size_t i = 0; i < num; i++)
                ck_assert_str_ne(files[i], files[num]);
        }
    }
    ck_assert_str_eq(files[0], "RSA_2048.saved");
    ck_assert_str_eq(files[1], "RSA_2048.reserve");
}
END_TEST

START_TEST(a_record_comes_back)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(1024), again = KW_SBUF_INIT(1024);
    struct kw_saved_pool decoded;

    kw_saved_record_encode(&sample, &text);
    ck_assert(kw_sbuf_ok(&text));
    ck_assert_int_eq(kw_saved_record_decode(kw_sbuf_bytes(&text), sample.name, &decoded), 0);
    ck_assert_mem_eq(decoded.number, sample.number, sizeof(sample.number));
    ck_assert_mem_eq(decoded.secret, sample.secret, sizeof(sample.secret));
    ck_assert_uint_eq(decoded.pairs, sample.pairs);
    ck_assert_int_eq(decoded.size, sample.size);
    ck_assert_int_eq(decoded.inode, sample.inode);
    ck_assert_int_eq(decoded.born_ns, sample.born_ns);
    ck_assert_int_eq(decoded.saved_ms, sample.saved_ms);
    kw_saved_record_encode(&decoded, &again);
    ck_assert(kw_bytes_equal(kw_sbuf_bytes(&text), kw_sbuf_bytes(&again)));
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(1024);
    struct kw_saved_pool decoded, none = sample;

    kw_saved_record_encode(&sample, &text);
    for (size_t len = 0; len < text.len; len++) {
        /* What is behind a whole field may be left out: those that may be 0. */
        int r = kw_saved_record_decode(KW_BYTES(text.ptr, len), sample.name, &decoded);
        ck_assert(r == KW_RECORD_BAD || len > 1 + 2 * (5 + 32) + 9 + 13 - 1);
    }
    text.ptr[0] = 2;
    ck_assert_int_eq(kw_saved_record_decode(kw_sbuf_bytes(&text), sample.name, &decoded), KW_RECORD_BAD);
    kw_sbuf_reset(&text, 0);
    none.pairs = 0;
    kw_saved_record_encode(&none, &text);
    ck_assert_int_eq(kw_saved_record_decode(kw_sbuf_bytes(&text), sample.name, &decoded), KW_RECORD_BAD);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, names_are_told_apart);
    tcase_add_test(tcase, a_record_comes_back);
    tcase_add_test(tcase, what_is_no_record_is_refused);
}

int main(void)
{
    kw_assert(kw_crypto_init() == 0);
    return kw_suite_run("savedpool", add, 10);
}
