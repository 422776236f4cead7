#include "tools/cli/operation.h"

#include "tools/cli/words.h"

#include <ctype.h>
#include <stdio.h>

/* Every list of the service goes from page to page by these. */
#define TOKEN "Marker"
#define LIMIT "Limit"

static const struct {
    const char *operation, *result_key;
} pages[] = {
    {"DescribeCustomKeyStores", "CustomKeyStores"},
    {"ListAliases", "Aliases"},
    {"ListGrants", "Grants"},
    {"ListKeyPolicies", "PolicyNames"},
    {"ListKeyRotations", "Rotations"},
    {"ListKeys", "Keys"},
    {"ListResourceTags", "Tags"},
    {"ListRetirableGrants", "Grants"},
};

void kw_command_name(const char *name, char ret[KW_COMMAND_MAX])
{
    size_t len = 0;

    for (size_t i = 0; name[i] != '\0' && len + 2 < KW_COMMAND_MAX; i++) {
        bool upper = isupper((unsigned char)name[i]) != 0;
        bool begins = i > 0 && upper &&
                      (islower((unsigned char)name[i + 1]) || islower((unsigned char)name[i - 1]) ||
                          isdigit((unsigned char)name[i - 1]));

        if (begins)
            ret[len++] = '-';
        ret[len++] = (char)tolower((unsigned char)name[i]);
    }
    ret[len] = '\0';
}

static const char *result_key_of(const char *name)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(pages); i++) {
        if (strcmp(pages[i].operation, name) == 0)
            return pages[i].result_key;
    }
    return NULL;
}

const struct kw_cli_operation *kw_cli_operations(size_t *ret_num)
{
    static struct kw_cli_operation operations[128];
    static size_t num;

    kw_assert(kw_model_num <= KW_ARRAY_LEN(operations));
    for (; num < kw_model_num; num++) {
        struct kw_cli_operation *operation = &operations[num];

        operation->model = kw_model[num];
        kw_command_name(operation->model->name, operation->command);
        operation->result_key = result_key_of(operation->model->name);
        operation->summary = kw_words_operation(operation->model->name);
    }
    *ret_num = num;
    return operations;
}

const struct kw_cli_operation *kw_cli_operation_find(const char *command)
{
    size_t num;
    const struct kw_cli_operation *operations = kw_cli_operations(&num);

    for (size_t i = 0; i < num; i++) {
        if (strcmp(operations[i].command, command) == 0)
            return &operations[i];
    }
    return NULL;
}

bool kw_cli_operation_pages_by(const struct kw_cli_operation *operation, const char *member)
{
    return operation->result_key != NULL && (strcmp(member, TOKEN) == 0 || strcmp(member, LIMIT) == 0);
}

const char *kw_cli_operation_words(const struct kw_cli_operation *operation, const struct kw_member *member)
{
    return kw_words_member(operation->model->name, member->name);
}

const char *kw_member_words(const char *member)
{
    return kw_words_member("", member);
}

const char *kw_enum_first(const struct kw_shape *shape)
{
    /* Refusals name these in another order than the model, and so do our tables. */
    if (strcmp(shape->name, "MacAlgorithmSpec") == 0)
        return "HMAC_SHA_224";
    return shape->values[0];
}
