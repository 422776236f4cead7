/* The tables of the service model: what the check of a request and the audit log take for granted of them. */
#include "api/model.h"

#include "tests/support/suite.h"

static bool is_secret(const struct kw_shape *shape)
{
    if (shape->kind == KW_KIND_BLOB || shape->sensitive)
        return true;
    for (size_t i = 0; i < shape->num_members; i++) {
        if (is_secret(shape->members[i].shape))
            return true;
    }
    return shape->element != NULL && is_secret(shape->element);
}

static bool is_scalar(const struct kw_shape *shape)
{
    return shape->kind != KW_KIND_STRUCTURE && shape->kind != KW_KIND_LIST && shape->kind != KW_KIND_MAP;
}

static void check_shape(const struct kw_shape *shape, unsigned depth);

static void check_members(const struct kw_shape *shape, unsigned depth)
{
    for (size_t i = 0; i < shape->num_members; i++) {
        const struct kw_member *member = &shape->members[i];

        ck_assert(member->name[0] >= 'A' && member->name[0] <= 'Z');
        ck_assert_ptr_eq(kw_shape_member(shape, member->name), member);
        /* Plaintexts, ciphertexts and passwords never get into an audit record. */
        ck_assert_msg(!(member->flags & KW_MEMBER_AUDITED) || !is_secret(member->shape), "%s.%s", shape->name,
            member->name);
        check_shape(member->shape, depth + 1);
    }
}

/* Each field belongs to a kind, and is there for that kind. */
static void check_shape(const struct kw_shape *shape, unsigned depth)
{
    ck_assert_msg(depth < 8, "%s is too deep", shape->name);
    ck_assert_msg((shape->values != NULL) == (shape->kind == KW_KIND_ENUM), "%s", shape->name);
    ck_assert_msg((shape->pattern != NULL) == (shape->matches != NULL), "%s", shape->name);
    ck_assert(shape->pattern == NULL || shape->kind == KW_KIND_STRING);
    ck_assert((shape->key != NULL) == (shape->kind == KW_KIND_MAP));
    ck_assert((shape->element != NULL) == (shape->kind == KW_KIND_MAP || shape->kind == KW_KIND_LIST));
    ck_assert(shape->num_members == 0 || shape->kind == KW_KIND_STRUCTURE);
    ck_assert(!shape->has_min || !shape->has_max || shape->min <= shape->max);
    if (shape->kind == KW_KIND_MAP)
        ck_assert(is_scalar(shape->key) && is_scalar(shape->element));
    if (shape->kind == KW_KIND_LIST)
        ck_assert(is_scalar(shape->element) || shape->element->kind == KW_KIND_STRUCTURE);
    if (shape->element != NULL)
        check_shape(shape->element, depth + 1);
    check_members(shape, depth);
}

START_TEST(test_operations)
{
    ck_assert_uint_eq(kw_model_num, 54);
    for (size_t i = 0; i < kw_model_num; i++) {
        const struct kw_model_operation *operation = kw_model[i];

        if (i > 0)
            ck_assert_str_lt(kw_model[i - 1]->name, operation->name);
        ck_assert_int_eq(operation->input->kind, KW_KIND_STRUCTURE);
        check_shape(operation->input, 0);
        if (operation->output != NULL) {
            ck_assert_int_eq(operation->output->kind, KW_KIND_STRUCTURE);
            check_shape(operation->output, 0);
        }
        ck_assert_ptr_nonnull(operation->errors[0]);
    }
}
END_TEST

static unsigned flags_of(const struct kw_model_operation *operation, const char *name)
{
    const struct kw_member *member = kw_shape_member(operation->input, name);

    ck_assert_msg(member != NULL, "%s", name);
    return member->flags;
}

START_TEST(test_flags)
{
    ck_assert_uint_eq(flags_of(&kw_model_encrypt, "KeyId"), KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED);
    ck_assert_uint_eq(flags_of(&kw_model_encrypt, "Plaintext"), KW_MEMBER_REQUIRED);
    ck_assert_uint_eq(flags_of(&kw_model_encrypt, "EncryptionContext"), KW_MEMBER_AUDITED);
    ck_assert_uint_eq(flags_of(&kw_model_encrypt, "GrantTokens"), 0);
    ck_assert_uint_eq(flags_of(&kw_model_retire_grant, "GrantToken"), 0);
    ck_assert_uint_eq(flags_of(&kw_model_decrypt, "Recipient"), 0);
    ck_assert_uint_eq(flags_of(&kw_model_list_keys, "Marker"), 0);
    ck_assert_uint_eq(flags_of(&kw_model_list_keys, "Limit"), KW_MEMBER_AUDITED);
    ck_assert_uint_eq(flags_of(&kw_model_import_key_material, "ImportToken"), KW_MEMBER_REQUIRED);
    ck_assert_uint_eq(flags_of(&kw_model_import_key_material, "EncryptedKeyMaterial"), KW_MEMBER_REQUIRED);
    ck_assert_uint_eq(flags_of(&kw_model_create_custom_key_store, "KeyStorePassword"), 0);
    ck_assert_uint_eq(flags_of(&kw_model_create_custom_key_store, "XksProxyAuthenticationCredential"), 0);
    ck_assert_uint_eq(flags_of(&kw_model_tag_resource, "Tags"), KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED);
}
END_TEST

/* A few rows against the model's documentation, by hand. */
START_TEST(test_rows)
{
    ck_assert(
        kw_shape_key_id_type.has_min && kw_shape_key_id_type.min == 1 && kw_shape_key_id_type.max == 2048);
    ck_assert(kw_shape_plaintext_type.sensitive && kw_shape_plaintext_type.kind == KW_KIND_BLOB);
    ck_assert_int_eq(kw_shape_plaintext_type.max, 4096);
    ck_assert_int_eq(kw_shape_grant_token_list.max, 10);
    ck_assert_ptr_eq(kw_shape_grant_token_list.element, &kw_shape_grant_token_type);
    ck_assert_str_eq(kw_shape_alias_name_type.pattern, "^[a-zA-Z0-9:/_-]+$");
    ck_assert(!kw_shape_encryption_context_key.has_min && !kw_shape_encryption_context_key.has_max);
    ck_assert_int_eq(kw_shape_date_type.kind, KW_KIND_TIMESTAMP);
    ck_assert_ptr_null(kw_model_create_alias.output);
    ck_assert_str_eq(kw_model_list_keys.errors[0], "DependencyTimeoutException");
    ck_assert_ptr_null(kw_model_list_keys.errors[3]);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_operations);
    tcase_add_test(tcase, test_flags);
    tcase_add_test(tcase, test_rows);
}

int main(void)
{
    return kw_suite_run("model", add, 30);
}
