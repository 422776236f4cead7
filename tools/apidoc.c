/* apidoc - prints docs/api.md: every operation as the tables that drive it have it. */
#include "api/operations.h"
#include "api/permission.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What each operation does, in a line. Sorted like the table of operations. */
static const struct {
    const char *name, *line;
} lines[] = {
    {"CancelKeyDeletion", "Takes a key back that waits for its deletion; it is Disabled then."},
    {"ConnectCustomKeyStore", "Connects a custom key store to what backs it."},
    {"CreateAlias", "Gives a key a name of the account's own choice."},
    {"CreateCustomKeyStore", "Makes a store of keys in a CloudHSM cluster or behind an external proxy."},
    {"CreateGrant", "Lets a principal use a key for named operations, perhaps under constraints."},
    {"CreateKey", "Makes a KMS key: symmetric, HMAC or a pair; pairs come from the pools."},
    {"Decrypt", "Opens what Encrypt, ReEncrypt or the data key operations sealed."},
    {"DeleteAlias", "Takes an alias away; its key is not touched."},
    {"DeleteCustomKeyStore", "Removes a custom key store that holds no keys."},
    {"DeleteImportedKeyMaterial", "Destroys imported key material; the key waits for an import then."},
    {"DeriveSharedSecret", "Agrees on a secret with the owner of another public key (ECDH)."},
    {"DescribeCustomKeyStores", "Lists custom key stores."},
    {"DescribeKey", "Tells all about a key except its material."},
    {"DisableKey", "Stops all use of a key until EnableKey."},
    {"DisableKeyRotation", "Ends the automatic rotation of a key."},
    {"DisconnectCustomKeyStore", "Disconnects a custom key store from what backs it."},
    {"EnableKey", "Lets a disabled key be used again."},
    {"EnableKeyRotation", "Rotates a key by itself from now on, every so many days."},
    {"Encrypt", "Seals up to 4096 bytes under a key."},
    {"GenerateDataKey", "Makes a data key and gives it in the clear and sealed."},
    {"GenerateDataKeyPair",
        "Gives a finished key pair out of the pools, the private key in the clear and sealed."},
    {"GenerateDataKeyPairWithoutPlaintext",
        "Gives a finished key pair out of the pools, the private key only sealed."},
    {"GenerateDataKeyWithoutPlaintext", "Makes a data key and gives it only sealed."},
    {"GenerateMac", "Computes an HMAC with a key."},
    {"GenerateRandom", "Gives random bytes."},
    {"GetKeyLastUsage", "Tells when and by what operation a key was last used."},
    {"GetKeyPolicy", "Gives a key's policy."},
    {"GetKeyRotationStatus", "Tells whether a key rotates by itself, and when next."},
    {"GetParametersForImport", "Gives a public key and a token with which key material can be imported."},
    {"GetPublicKey", "Gives the public half of an asymmetric key."},
    {"ImportKeyMaterial", "Puts key material into a key that was made for it."},
    {"ListAliases", "Lists aliases: all of the account in the Region, or those of a key."},
    {"ListGrants", "Lists the grants of a key."},
    {"ListKeyPolicies", "Lists the names of a key's policies: there is only `default`."},
    {"ListKeyRotations", "Lists the rotations of a key's material."},
    {"ListKeys", "Lists the keys of the account in the Region."},
    {"ListResourceTags", "Lists the tags of a key."},
    {"ListRetirableGrants", "Lists the grants that a principal may retire."},
    {"PutKeyPolicy", "Replaces a key's policy."},
    {"ReEncrypt", "Opens a ciphertext and seals its plaintext again, without showing it."},
    {"ReplicateKey", "Makes a replica of a multi-Region primary key in another Region."},
    {"RetireGrant", "Gives a grant up, as the one whom it names for that or who holds it."},
    {"RevokeGrant", "Takes a grant away."},
    {"RotateKeyOnDemand", "Gives a key new material at once."},
    {"ScheduleKeyDeletion", "Deletes a key, after a time in which it can be taken back."},
    {"Sign", "Signs a message or its digest with an asymmetric key."},
    {"TagResource", "Adds tags to a key, or changes them."},
    {"UntagResource", "Takes tags off a key."},
    {"UpdateAlias", "Lets an alias name another key of the same type and use."},
    {"UpdateCustomKeyStore", "Changes the properties of a custom key store."},
    {"UpdateKeyDescription", "Replaces a key's description."},
    {"UpdatePrimaryRegion", "Makes a replica the primary key, and the primary key a replica."},
    {"Verify", "Checks a signature with an asymmetric key."},
    {"VerifyMac", "Checks an HMAC with a key."},
};

static const char *line_of(size_t index)
{
    const char *name = kw_operations[index]->model->name;

    for (size_t i = 0; i < KW_ARRAY_LEN(lines); i++) {
        if (strcmp(lines[i].name, name) == 0)
            return lines[i].line;
    }
    fprintf(stderr, "apidoc: %s is not described\n", name);
    exit(EXIT_FAILURE);
}

/* ---- text ---- */

/* In a cell of a table, between backquotes. */
static void put_code(const char *text)
{
    putchar('`');
    for (; *text != '\0'; text++) {
        if (*text == '|')
            putchar('\\');
        putchar(*text);
    }
    putchar('`');
}

static void put_anchor(const char *name)
{
    for (; *name != '\0'; name++)
        putchar(*name >= 'A' && *name <= 'Z' ? *name + ('a' - 'A') : *name);
}

static void put_link(const char *name)
{
    printf("[%s](#", name);
    put_anchor(name);
    putchar(')');
}

/* ---- structures within others, to be explained once ---- */

#define STRUCTURES_MAX 64u

static const struct kw_shape *structures[STRUCTURES_MAX];
static size_t num_structures;

static void note_structure(const struct kw_shape *shape)
{
    for (size_t i = 0; i < num_structures; i++) {
        if (structures[i] == shape)
            return;
    }
    kw_assert(num_structures < STRUCTURES_MAX);
    structures[num_structures++] = shape;
}

static int compare_structures(const void *a, const void *b)
{
    return strcmp((*(const struct kw_shape *const *)a)->name, (*(const struct kw_shape *const *)b)->name);
}

/* ---- what a value may be ---- */

static void put_values(const struct kw_shape *shape)
{
    for (size_t i = 0; shape->values[i] != NULL; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        put_code(shape->values[i]);
    }
}

static void put_type(const struct kw_shape *shape)
{
    switch (shape->kind) {
    case KW_KIND_STRING:
        fputs("string", stdout);
        break;
    case KW_KIND_ENUM:
        fputs("one of ", stdout);
        put_values(shape);
        break;
    case KW_KIND_BLOB:
        fputs("bytes, in base64", stdout);
        break;
    case KW_KIND_INTEGER:
        fputs("integer", stdout);
        break;
    case KW_KIND_BOOLEAN:
        fputs("boolean", stdout);
        break;
    case KW_KIND_TIMESTAMP:
        fputs("seconds since 1970", stdout);
        break;
    case KW_KIND_STRUCTURE:
        note_structure(shape);
        put_link(shape->name);
        break;
    case KW_KIND_LIST:
        fputs("list; each: ", stdout);
        put_type(shape->element);
        break;
    case KW_KIND_MAP:
        fputs("map of strings to strings", stdout);
        break;
    }
}

static const char *unit_of(const struct kw_shape *shape)
{
    switch (shape->kind) {
    case KW_KIND_STRING:
        return " characters";
    case KW_KIND_BLOB:
        return " bytes";
    case KW_KIND_LIST:
    case KW_KIND_MAP:
        return " items";
    default:
        return "";
    }
}

static bool put_range(const struct kw_shape *shape)
{
    if (shape->has_min && shape->has_max)
        printf("%" PRId64 " to %" PRId64 "%s", shape->min, shape->max, unit_of(shape));
    else if (shape->has_min)
        printf("at least %" PRId64 "%s", shape->min, unit_of(shape));
    else if (shape->has_max)
        printf("at most %" PRId64 "%s", shape->max, unit_of(shape));
    return shape->has_min || shape->has_max;
}

static void put_limits(const struct kw_shape *shape)
{
    bool any = put_range(shape);

    if (shape->pattern != NULL) {
        fputs(any ? "; " : "", stdout);
        put_code(shape->pattern);
        any = true;
    }
    if (shape->kind == KW_KIND_LIST &&
        (shape->element->has_min || shape->element->has_max || shape->element->pattern != NULL)) {
        fputs(any ? "; each: " : "each: ", stdout);
        put_limits(shape->element);
    }
}

static void put_members(const char *title, const struct kw_shape *shape)
{
    if (shape == NULL || shape->num_members == 0) {
        printf("%s: nothing.\n\n", title);
        return;
    }
    printf("| %s | type | limits |\n|---|---|---|\n", title);
    for (size_t i = 0; i < shape->num_members; i++) {
        const struct kw_member *member = &shape->members[i];

        printf("| %s%s | ", member->name, member->flags & KW_MEMBER_REQUIRED ? " (required)" : "");
        put_type(member->shape);
        fputs(" | ", stdout);
        put_limits(member->shape);
        fputs(" |\n", stdout);
    }
    putchar('\n');
}

/* ---- operations ---- */

static void put_states_with(enum kw_state_rule rule, enum kw_error verdict, const char *before)
{
    bool any = false;

    for (unsigned state = 0; state < KW_KEY_STATE_NUM; state++) {
        if (kw_keystate_verdict(rule, (enum kw_key_state)state) != verdict)
            continue;
        printf("%s%s", any ? ", " : before, kw_key_state_name((enum kw_key_state)state));
        any = true;
    }
    if (any)
        putchar('.');
}

static void put_states(enum kw_state_rule rule)
{
    if (rule == KW_STATES_ANY)
        return;
    put_states_with(rule, KW_ERROR_NONE, "States of the key that allow it: ");
    put_states_with(rule, KW_ERROR_DISABLED, " DisabledException: ");
    put_states_with(rule, KW_ERROR_INVALID_STATE, " KMSInvalidStateException: ");
    fputs("\n\n", stdout);
}

static void put_errors(const struct kw_model_operation *model)
{
    fputs("Errors: ", stdout);
    for (size_t i = 0; model->errors[i] != NULL; i++)
        printf("%s%s", i > 0 ? ", " : "", model->errors[i]);
    fputs(model->errors[0] != NULL ? ".\n\n" : "those of every call.\n\n", stdout);
}

/* ---- permissions ---- */

static bool conditions[KW_CK_NUM];

static void note_flags(unsigned flags)
{
    static const struct {
        unsigned flag;
        enum kw_condkey keys[7];
        size_t num;
    } table[] = {
        {KW_PERMISSION_NAMED, {KW_CK_KMS_REQUEST_ALIAS}, 1},
        {KW_PERMISSION_NEW_KEY | KW_PERMISSION_REPLICA,
            {KW_CK_KMS_KEY_SPEC, KW_CK_KMS_KEY_USAGE, KW_CK_KMS_KEY_ORIGIN, KW_CK_KMS_MULTI_REGION,
                KW_CK_KMS_MULTI_REGION_KEY_TYPE, KW_CK_AWS_RESOURCE_TAG},
            6},
        {KW_PERMISSION_TAGS, {KW_CK_AWS_REQUEST_TAG, KW_CK_AWS_TAG_KEYS}, 2},
        {KW_PERMISSION_TAG_KEYS, {KW_CK_AWS_TAG_KEYS}, 1},
        {KW_PERMISSION_GRANT,
            {KW_CK_KMS_GRANT_OPERATIONS, KW_CK_KMS_GRANT_CONSTRAINT_TYPE, KW_CK_KMS_ENCRYPTION_CONTEXT,
                KW_CK_KMS_ENCRYPTION_CONTEXT_KEYS},
            4},
        {KW_PERMISSION_BOTH, {KW_CK_KMS_REENCRYPT_ON_SAME_KEY}, 1},
        {KW_PERMISSION_VALID_TO, {KW_CK_KMS_VALID_TO}, 1},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(table); i++) {
        for (size_t k = 0; (flags & table[i].flag) != 0 && k < table[i].num; k++)
            conditions[table[i].keys[k]] = true;
    }
}

static void note_conditions(const struct kw_permission *permission)
{
    for (size_t i = 0; i < permission->num_values; i++)
        conditions[permission->values[i].key] = true;
    if (permission->context != NULL)
        conditions[KW_CK_KMS_ENCRYPTION_CONTEXT] = conditions[KW_CK_KMS_ENCRYPTION_CONTEXT_KEYS] = true;
    note_flags(permission->flags);
}

static void put_conditions(void)
{
    const char *before = " Condition keys of its own: ";
    bool any = false;

    for (unsigned key = 0; key < KW_CK_NUM; key++) {
        if (!conditions[key])
            continue;
        fputs(any ? ", " : before, stdout);
        put_code(kw_condkey_name((enum kw_condkey)key));
        any = true;
    }
    fputs(any ? "." : "", stdout);
}

static void put_permissions(size_t index)
{
    const struct kw_permissions *of = kw_permissions_of(index);
    bool across = false;

    memset(conditions, 0, sizeof(conditions));
    fputs("Permission: ", stdout);
    for (size_t i = 0; i < of->num; i++) {
        fputs(i > 0 ? "; " : "", stdout);
        put_code(of->list[i].action);
        printf(" on %s", of->list[i].on);
        across = across || (of->list[i].flags & KW_PERMISSION_ACROSS) != 0;
        note_conditions(&of->list[i]);
    }
    fputs(across ? ". Keys of other accounts, too." : ".", stdout);
    put_conditions();
    fputs("\n\n", stdout);
}

static void put_operation(size_t index)
{
    const struct kw_operation *operation = kw_operations[index];

    printf("### %s\n\n%s\n\n", operation->model->name, line_of(index));
    if (operation->note != NULL)
        printf("Differs from AWS: %s\n\n", operation->note);
    put_members("input", operation->model->input);
    put_members("output", operation->model->output);
    put_permissions(index);
    put_states(operation->states);
    put_errors(operation->model);
}

static void put_overview(void)
{
    fputs("## Overview\n\n| operation | done | what it does | what differs from AWS |\n|---|---|---|---|\n",
        stdout);
    for (size_t i = 0; i < kw_num_operations; i++) {
        const struct kw_operation *operation = kw_operations[i];

        fputs("| ", stdout);
        put_link(operation->model->name);
        printf(" | yes | %s | %s |\n", line_of(i), operation->note != NULL ? operation->note : "");
    }
    putchar('\n');
}

static void put_structures(void)
{
    fputs("## Structures\n\n", stdout);
    /* One may name others: the list grows while it is printed, so those are collected first. */
    for (size_t i = 0; i < num_structures; i++) {
        for (size_t m = 0; m < structures[i]->num_members; m++) {
            const struct kw_shape *shape = structures[i]->members[m].shape;

            while (shape->kind == KW_KIND_LIST)
                shape = shape->element;
            if (shape->kind == KW_KIND_STRUCTURE)
                note_structure(shape);
        }
    }
    qsort(structures, num_structures, sizeof(structures[0]), compare_structures);
    for (size_t i = 0; i < num_structures; i++) {
        printf("### %s\n\n", structures[i]->name);
        put_members("member", structures[i]);
    }
}

static const char introduction[] =
    "# The API\n\n"
    "Every operation of the KMS service model: what this server does, takes, answers and refuses. Made by\n"
    "`build/tools/apidoc` from the tables that drive the server (`api/model*.c`, `api/operations.h`,\n"
    "`api/keystate.c`, `api/permission.c`, the rows in `api/op_*.c`); not edited by hand. Make it again "
    "with\n"
    "`build/tools/apidoc > docs/api.md`.\n\n"
    "The wire is AWS's JSON 1.1 protocol: `POST /`, `X-Amz-Target: TrentService.<Operation>`, a Signature\n"
    "Version 4 scoped to `kms` and to a Region that the server serves (`keywelld --regions`). Errors of "
    "every\n"
    "operation, besides those that it lists: ValidationException (all constraints that are not met, "
    "counted),\n"
    "SerializationException, AccessDeniedException, ThrottlingException, ServiceUnavailableException and "
    "those\n"
    "of signatures. On the same address `GetCallerIdentity`, `AssumeRole` and `GetSessionToken` of STS are\n"
    "answered, in that service's own protocol (scoped to `sts`, in any Region); no other action of STS "
    "is.\n\n"
    "A permission on a key is given by its key policy, by identity policies where the key policy leaves it "
    "to\n"
    "its account, or by a grant; one on `*` or on an alias by identity policies. Conditions of a permission "
    "on\n"
    "a key may ask for what the key is (`kms:KeySpec`, `kms:KeyUsage`, `kms:KeyOrigin`, `kms:MultiRegion`,\n"
    "`kms:MultiRegionKeyType`, `kms:ResourceAliases`, `aws:ResourceTag/`), those of all for the caller and "
    "the\n"
    "request (`kms:CallerAccount`, `aws:PrincipalArn`, `aws:PrincipalTag/`, `aws:SourceIp`, "
    "`aws:CurrentTime`\n"
    "and the like); what an operation has besides, it lists.\n\n";

int main(void)
{
    fputs(introduction, stdout);
    put_overview();
    fputs("## Operations\n\n", stdout);
    for (size_t i = 0; i < kw_num_operations; i++)
        put_operation(i);
    put_structures();
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
