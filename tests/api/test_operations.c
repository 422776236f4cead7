/* The table of operations: what look-ups and metrics take for granted of it. */
#include "api/operations.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

START_TEST(test_table)
{
    size_t done = 0;

    ck_assert_uint_eq(kw_num_operations, kw_model_num);
    for (size_t i = 0; i < kw_num_operations; i++) {
        const struct kw_operation *operation = kw_operations[i];

        ck_assert_ptr_eq(operation->model, kw_model[i]);
        ck_assert_int_eq(kw_operation_find(kw_bytes_str(operation->model->name)), (int)i);
        ck_assert(operation->run != NULL || operation->stored == NULL);
        done += operation->run != NULL;
    }
    ck_assert_uint_ge(done, 15);
    ck_assert_int_eq(kw_operation_find(KW_LIT("Nothing")), -1);
    ck_assert_int_eq(kw_operation_find(KW_LIT("")), -1);
    ck_assert_int_eq(kw_operation_find(KW_LIT("encrypt")), -1);
}
END_TEST

START_TEST(test_errors)
{
    for (unsigned error = 0; error < KW_ERROR_NUM; error++) {
        const struct kw_error_info *info = kw_error_info((enum kw_error)error);

        ck_assert_ptr_nonnull(info->type);
        ck_assert(info->status == 200 || info->status == 400 || info->status == 413 || info->status == 503 ||
                  info->status == 500);
    }
    ck_assert(!kw_error_info(KW_ERROR_INVALID_CIPHERTEXT)->has_message);
    ck_assert_uint_eq(kw_error_info(KW_ERROR_INTERNAL)->status, 500);
}
END_TEST

START_TEST(test_markers)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(4096);
    struct kw_json_out out = KW_JSON_OUT(&text);
    KW_JSON json_t *root = NULL;
    struct kw_bytes marker;
    uint8_t position[16];
    size_t len = 0;

    kw_json_begin_object(&out);
    kw_marker_write(&out, KW_MARKER_ALIASES, KW_LIT("alias/demo"));
    kw_json_end_object(&out);
    ck_assert_int_eq(kw_json_parse(kw_sbuf_bytes(&text), &root), 0);
    marker = kw_input_string(root, "NextMarker");
    ck_assert_int_eq(kw_marker_decode(marker, KW_MARKER_ALIASES, position, sizeof(position), &len), 0);
    ck_assert(kw_bytes_equal(KW_BYTES(position, len), KW_LIT("alias/demo")));
    ck_assert_int_eq(kw_marker_decode(marker, KW_MARKER_KEYS, position, sizeof(position), &len), 1);
    ck_assert_int_eq(kw_marker_decode(marker, KW_MARKER_ALIASES, position, 4, &len), 1);
    /* Cut short, or one letter other than it was. */
    for (size_t i = 0; i < marker.len; i++) {
        char changed[64];

        memcpy(changed, marker.ptr, marker.len);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        ck_assert_int_eq(kw_marker_decode(KW_BYTES(changed, marker.len), KW_MARKER_ALIASES, position,
                             sizeof(position), &len),
            1);
        ck_assert_int_eq(
            kw_marker_decode(KW_BYTES(marker.ptr, i), KW_MARKER_ALIASES, position, sizeof(position), &len),
            1);
    }
    ck_assert_int_eq(kw_marker_decode(KW_LIT("???"), KW_MARKER_KEYS, position, sizeof(position), &len), 1);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_table);
    tcase_add_test(tcase, test_errors);
    tcase_add_test(tcase, test_markers);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("operations", add, 30);
}
