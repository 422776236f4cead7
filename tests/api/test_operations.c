/* The table of operations: what look-ups and metrics take for granted of it. */
#include "api/operations.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

START_TEST(test_table)
{
    ck_assert_uint_eq(kw_num_operations, kw_model_num);
    for (size_t i = 0; i < kw_num_operations; i++) {
        const struct kw_operation *operation = kw_operations[i];

        ck_assert_ptr_eq(operation->model, kw_model[i]);
        ck_assert_int_eq(kw_operation_find(kw_bytes_str(operation->model->name)), (int)i);
        ck_assert(operation->run != NULL);
        ck_assert(operation->apply != NULL || operation->stored == NULL);
        /* What changes nothing is marked so, and the other way round. */
        ck_assert(operation->apply == NULL || !operation->read_only);
    }
    ck_assert_int_eq(kw_operation_find(KW_LIT("Nothing")), -1);
    ck_assert_int_eq(kw_operation_find(KW_LIT("")), -1);
    ck_assert_int_eq(kw_operation_find(KW_LIT("encrypt")), -1);
}
END_TEST

/* Every error that the model names for an operation is one that can be answered, or has nothing to do with
 * what is done here. */
START_TEST(test_errors_of_the_model)
{
    static const char *const others[] = {"ClusterInvalidConfiguration", "ClusterNotActive", "Xks"};

    for (size_t i = 0; i < kw_num_operations; i++) {
        for (const char *const *name = kw_operations[i]->model->errors; *name != NULL; name++) {
            bool known = false;

            for (unsigned error = 0; error < KW_ERROR_NUM; error++)
                known |= strcmp(kw_error_info((enum kw_error)error)->type, *name) == 0;
            for (size_t j = 0; j < KW_ARRAY_LEN(others); j++)
                known |= strstr(*name, others[j]) != NULL;
            ck_assert_msg(known, "%s of %s", *name, kw_operations[i]->model->name);
        }
    }
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

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_table);
    tcase_add_test(tcase, test_errors);
    tcase_add_test(tcase, test_errors_of_the_model);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("operations", add, 30);
}
