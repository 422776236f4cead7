/* The table of permissions: every operation has some, and conditions are of keys that have one value. */
#include "api/permission.h"

#include "api/operations.h"
#include "tests/support/suite.h"

START_TEST(test_every_operation)
{
    for (size_t i = 0; i < kw_num_operations; i++) {
        const struct kw_permissions *of = kw_permissions_of(i);
        const char *name = kw_operations[i]->model->name;

        ck_assert_uint_ge(of->num, 1);
        ck_assert_uint_le(of->num, KW_PERMISSIONS_MAX);
        ck_assert(strncmp(of->list[0].action, "kms:", 4) == 0);
        /* ReEncrypt is the one operation that is no permission. */
        if (strcmp(name, "ReEncrypt") == 0)
            ck_assert_ptr_null(kw_permission_find(i, name));
        else
            ck_assert_ptr_eq(kw_permission_find(i, name), &of->list[0]);
        ck_assert(kw_operations[i]->states == KW_STATES_ANY || (of->list[0].flags & KW_PERMISSION_KEY) != 0);
    }
}
END_TEST

/* A member that a condition asks for is one of the operation's. */
START_TEST(test_members)
{
    for (size_t i = 0; i < kw_num_operations; i++) {
        const struct kw_permissions *of = kw_permissions_of(i);
        const struct kw_shape *input = kw_operations[i]->model->input;

        for (size_t p = 0; p < of->num; p++) {
            const struct kw_permission *permission = &of->list[p];

            ck_assert_uint_le(permission->num_values, KW_PERMISSION_VALUES_MAX);
            if (permission->context != NULL)
                ck_assert_ptr_nonnull(kw_shape_member(input, permission->context));
            for (size_t v = 0; v < permission->num_values; v++) {
                const struct kw_permission_value *value = &permission->values[v];

                ck_assert_int_eq(kw_condkey_source(value->key), KW_CONDKEY_ONE);
                ck_assert(value->member != NULL || value->absent != NULL);
                if (value->member != NULL)
                    ck_assert_ptr_nonnull(kw_shape_member(input, value->member));
            }
        }
    }
}
END_TEST

START_TEST(test_find)
{
    size_t create = (size_t)kw_operation_find(KW_LIT("CreateKey"));
    size_t encrypt = (size_t)kw_operation_find(KW_LIT("Encrypt"));
    const struct kw_permission *tag = kw_permission_find(create, "TagResource");

    ck_assert_ptr_nonnull(tag);
    ck_assert((tag->flags & KW_PERMISSION_KEY) == 0);
    ck_assert((kw_permission_find(kw_num_operations, "TagResource")->flags & KW_PERMISSION_KEY) != 0);
    ck_assert((kw_permission_find(encrypt, "TagResource")->flags & KW_PERMISSION_KEY) != 0);
    ck_assert_str_eq(kw_permission_find(kw_num_operations, "ReEncryptTo")->action, "kms:ReEncryptTo");
    ck_assert_ptr_null(kw_permission_find(kw_num_operations, "Foo"));
    ck_assert_ptr_null(kw_permission_find(kw_num_operations, ""));
}
END_TEST

/* What a grant may allow are permissions on keys, each of which is some operation's. */
START_TEST(test_grants)
{
    uint32_t seen = 0;

    for (size_t i = 0; i < kw_num_operations; i++) {
        const struct kw_permissions *of = kw_permissions_of(i);

        for (size_t p = 0; p < of->num; p++) {
            uint32_t bit = kw_permission_grant(&of->list[p]);

            /* All of them work across accounts: the grantee may be of any. */
            ck_assert(bit == 0 || (of->list[p].flags & KW_PERMISSION_ACROSS) != 0);
            seen |= bit;
        }
    }
    ck_assert_uint_eq(seen, (1u << KW_GRANT_OPERATIONS_NUM) - 1);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_every_operation);
    tcase_add_test(tcase, test_members);
    tcase_add_test(tcase, test_find);
    tcase_add_test(tcase, test_grants);
}

int main(void)
{
    return kw_suite_run("permission", add, 60);
}
