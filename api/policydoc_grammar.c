/* Source: IAM user guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy elements"; KMS
 * developer guide, "Elements in a key policy". */
#include "api/iamname.h"
#include "api/policy_internal.h"
#include "api/policydoc_internal.h"

#include <stdio.h>

struct check {
    enum kw_policy_kind kind;
    struct kw_bytes partition; /* ptr NULL: any */
    struct kw_policydoc_why why;
};

static const char invalid_principals[] = "Policy contains a statement with one or more invalid principals.";

static KW_PRINTF(2, 3) int bad(struct check *check, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(check->why.text, check->why.cap, format, args);
    va_end(args);
    return KW_POLICY_MALFORMED;
}

/* "%.*s" of outside text: enough to find it by. */
#define QUOTED(text) (int)kw_bytes_cut((text), 64).len, (const char *)(text).ptr

static bool in_list(struct kw_bytes text, const char *const *list, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        if (kw_bytes_equal(text, kw_bytes_str(list[i])))
            return true;
    }
    return false;
}

static int check_members(struct check *check, const json_t *object, const char *const *known, size_t num)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        struct kw_bytes name = kw_bytes_str(key);

        if (!in_list(name, known, num))
            return bad(check, "Policy contains an element that is not known: %.*s.", QUOTED(name));
    }
    return 0;
}

/* A text, or a list of one or more: each must hold. */
static int check_texts(
    struct check *check, const json_t *value, bool (*holds)(struct kw_bytes text), const char *refusal)
{
    if (json_is_array(value) && json_array_size(value) == 0)
        return bad(check, "%s", refusal);
    for (size_t i = 0; i < kw_policydoc_num(value); i++) {
        const json_t *item = kw_policydoc_item(value, i);

        if (!json_is_string(item) || !holds(kw_policydoc_text(item)))
            return bad(check, "%s", refusal);
    }
    return 0;
}

/* ---- principals ---- */

static struct kw_bytes partition_of(const struct check *check, const struct kw_iamname *name)
{
    return check->partition.ptr != NULL ? check->partition : name->partition;
}

static bool is_aws(struct check *check, struct kw_bytes text)
{
    struct kw_iamname name;

    return kw_bytes_equal(text, KW_LIT("*")) ||
           (kw_iamname_parse(text, &name) == 0 && kw_iamname_is_actor(&name, partition_of(check, &name)));
}

static bool is_service(struct check *check, struct kw_bytes text)
{
    struct kw_iamname name;

    (void)check;
    return kw_iamname_parse(text, &name) == 0 && name.kind == KW_IAMNAME_SERVICE;
}

/* The web identity providers that need no ARN of their own, and those that an account has set up. */
static bool is_federated(struct check *check, struct kw_bytes text)
{
    static const char *const providers[] = {
        "cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com", "accounts.google.com"};
    struct kw_iamname name;

    if (in_list(text, providers, KW_ARRAY_LEN(providers)))
        return true;
    return kw_iamname_parse(text, &name) == 0 &&
           (name.kind == KW_IAMNAME_SAML_PROVIDER || name.kind == KW_IAMNAME_OIDC_PROVIDER) &&
           kw_bytes_equal(name.partition, partition_of(check, &name));
}

/* 64 hexadecimal digits, by which S3 names an account. */
static bool is_canonical(struct check *check, struct kw_bytes text)
{
    uint8_t id[32];

    (void)check;
    return kw_hex_decode(text, id, sizeof(id)) == 0;
}

static const struct principal_type {
    const char *name;
    bool (*holds)(struct check *check, struct kw_bytes text);
} principal_types[] = {
    {"AWS", is_aws},
    {"Service", is_service},
    {"Federated", is_federated},
    {"CanonicalUser", is_canonical},
};

static const struct principal_type *find_type(const char *name)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(principal_types); i++) {
        if (strcmp(principal_types[i].name, name) == 0)
            return &principal_types[i];
    }
    return NULL;
}

static bool principals_hold(struct check *check, const char *type_name, const json_t *list)
{
    const struct principal_type *type = find_type(type_name);

    if (type == NULL)
        return false;
    for (size_t i = 0; i < kw_policydoc_num(list); i++) {
        const json_t *item = kw_policydoc_item(list, i);

        if (!json_is_string(item) || !type->holds(check, kw_policydoc_text(item)))
            return false;
    }
    return true;
}

static int check_principal(struct check *check, const json_t *principal)
{
    size_t num = 0;
    const char *type;
    json_t *list;

    if (json_is_string(principal) && kw_bytes_equal(kw_policydoc_text(principal), KW_LIT("*")))
        return 0;
    if (!json_is_object(principal))
        return bad(check, "%s", invalid_principals);
    json_object_foreach((json_t *)(uintptr_t)principal, type, list)
    {
        if (!principals_hold(check, type, list))
            return bad(check, "%s", invalid_principals);
        num += kw_policydoc_num(list);
    }
    return num > 0 ? 0 : bad(check, "Policy contains a statement with no principal");
}

static bool has_principals(enum kw_policy_kind kind)
{
    return kind == KW_POLICY_KEY || kind == KW_POLICY_TRUST;
}

static int check_principals(struct check *check, const json_t *statement)
{
    const json_t *principal = json_object_get(statement, "Principal");
    const json_t *others = json_object_get(statement, "NotPrincipal");

    if (!has_principals(check->kind))
        return principal == NULL && others == NULL
                   ? 0
                   : bad(check, "Policy document should not specify a principal.");
    if (principal == NULL && others == NULL)
        return bad(check, "Policy contains a statement with no principal");
    if (principal != NULL && others != NULL)
        return bad(check, "Policy contains a statement with both Principal and NotPrincipal.");
    return check_principal(check, principal != NULL ? principal : others);
}

/* ---- actions and resources ---- */

/* "*", or a service's prefix, a colon and a name or pattern. */
static bool is_action(struct kw_bytes text)
{
    ssize_t colon = kw_bytes_find(text, ':');

    if (kw_bytes_equal(text, KW_LIT("*")))
        return true;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';

        if (!plain && (ssize_t)i != colon && ((c != '*' && c != '?') || (ssize_t)i < colon))
            return false;
    }
    return colon > 0 && (size_t)colon + 1 < text.len;
}

static bool is_resource(struct kw_bytes text)
{
    return kw_bytes_equal(text, KW_LIT("*")) || kw_bytes_starts(text, KW_LIT("arn:"));
}

/* What a role may be assumed by is all that its trust policy can say. */
static bool is_trust_action(struct kw_bytes text)
{
    const struct kw_bytes prefix = KW_LIT("sts:");

    return is_action(text) && text.len > prefix.len &&
           kw_bytes_equal_nocase(KW_BYTES(text.ptr, prefix.len), prefix);
}

/* Not both of an element and its opposite. */
static int check_either(struct check *check, const json_t *statement, const char *name, const char *opposite,
    bool (*holds)(struct kw_bytes text), const char *refusal)
{
    const json_t *value = json_object_get(statement, name), *not = json_object_get(statement, opposite);

    if (value == NULL && not == NULL)
        return 0;
    if (value != NULL && not != NULL)
        return bad(check, "Policy contains a statement with both %s and %s.", name, opposite);
    return check_texts(check, value != NULL ? value : not, holds, refusal);
}

/* ---- conditions ---- */

static bool is_condition_value(const json_t *value)
{
    return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
}

static int check_operands(struct check *check, const json_t *keys)
{
    const char *key;
    json_t *values;

    if (!json_is_object(keys))
        return bad(check, "Policy contains a condition whose keys and values are no object.");
    json_object_foreach((json_t *)(uintptr_t)keys, key, values)
    {
        if (key[0] == '\0')
            return bad(check, "Policy contains a condition with an empty key.");
        for (size_t i = 0; i < kw_policydoc_num(values); i++) {
            if (!is_condition_value(kw_policydoc_item(values, i)))
                return bad(
                    check, "Policy contains a condition with a value that is no text, number or boolean.");
        }
    }
    return 0;
}

static int check_condition(struct check *check, const json_t *condition)
{
    const char *name;
    json_t *keys;

    if (condition == NULL)
        return 0;
    if (!json_is_object(condition))
        return bad(check, "Policy contains a Condition that is no object.");
    json_object_foreach((json_t *)(uintptr_t)condition, name, keys)
    {
        struct kw_bytes text = kw_bytes_str(name);
        struct kw_policy_operator operator;

        if (!kw_policy_operator_parse(text, &operator))
            return bad(check, "Policy contains a condition operator that is not known: %.*s.", QUOTED(text));
        KW_REQUIRE(check_operands(check, keys) == 0, KW_POLICY_MALFORMED);
    }
    return 0;
}

/* ---- statements ---- */

static int check_optional_text(struct check *check, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return value == NULL || json_is_string(value) ? 0 : bad(check, "%s must be a text.", name);
}

static int check_effect(struct check *check, const json_t *statement)
{
    static const char *const effects[] = {"Allow", "Deny"};
    const json_t *effect = json_object_get(statement, "Effect");

    if (json_is_string(effect) && in_list(kw_policydoc_text(effect), effects, KW_ARRAY_LEN(effects)))
        return 0;
    return bad(check, "Policy contains a statement whose Effect is neither Allow nor Deny.");
}

/* With neither Action nor NotAction a statement of a key's policy says nothing, which AWS takes; of others it
 * does not. */
static int check_actions(struct check *check, const json_t *statement)
{
    bool trust = check->kind == KW_POLICY_TRUST;

    if (check->kind != KW_POLICY_KEY && json_object_get(statement, "Action") == NULL &&
        json_object_get(statement, "NotAction") == NULL)
        return bad(check, "Policy statement must contain actions.");
    return check_either(check, statement, "Action", "NotAction", trust ? is_trust_action : is_action,
        trust ? "AssumeRole policy may only specify STS AssumeRole actions."
              : "Policy contains a statement with one or more invalid actions.");
}

static int check_resources(struct check *check, const json_t *statement)
{
    bool some =
        json_object_get(statement, "Resource") != NULL || json_object_get(statement, "NotResource") != NULL;

    if (check->kind == KW_POLICY_TRUST)
        return some ? bad(check, "Has prohibited field Resource") : 0;
    if (check->kind != KW_POLICY_KEY && !some)
        return bad(check, "Policy statement must contain resources.");
    return check_either(check, statement, "Resource", "NotResource", is_resource,
        check->kind == KW_POLICY_KEY ? "Policy contains a statement with one or more invalid resources."
                                     : "Resource must be in ARN format or \"*\".");
}

static int check_statement(struct check *check, const json_t *statement)
{
    static const char *const known[] = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction",
        "Resource", "NotResource", "Condition"};

    if (!json_is_object(statement))
        return bad(check, "Policy contains a statement that is no object.");
    if (check_members(check, statement, known, KW_ARRAY_LEN(known)) != 0 ||
        check_optional_text(check, statement, "Sid") != 0 || check_effect(check, statement) != 0 ||
        check_principals(check, statement) != 0 || check_actions(check, statement) != 0 ||
        check_resources(check, statement) != 0)
        return KW_POLICY_MALFORMED;
    return check_condition(check, json_object_get(statement, "Condition"));
}

/* Sids name statements, so no two have the same. A set instead of comparing each with each: a policy has room
 * for some hundred statements and more. */
static int check_sids(struct check *check, const json_t *statements)
{
    KW_JSON json_t *seen = json_object();

    for (size_t i = 0; i < kw_policydoc_num(statements); i++) {
        struct kw_bytes sid = kw_policydoc_text(json_object_get(kw_policydoc_item(statements, i), "Sid"));

        if (sid.len == 0 || kw_bytes_find(sid, 0) >= 0)
            continue;
        if (json_object_get(seen, (const char *)sid.ptr) != NULL)
            return bad(check, "Statement IDs (SID) in a single policy must be unique.");
        if (json_object_set_new(seen, (const char *)sid.ptr, json_true()) != 0)
            return -ENOMEM;
    }
    return 0;
}

static int check_statements(struct check *check, const json_t *statements)
{
    if (statements == NULL || (json_is_array(statements) && json_array_size(statements) == 0))
        return bad(check, "Policy contains no statement.");
    for (size_t i = 0; i < kw_policydoc_num(statements); i++) {
        if (check_statement(check, kw_policydoc_item(statements, i)) != 0)
            return KW_POLICY_MALFORMED;
    }
    return check_sids(check, statements);
}

static int check_version(struct check *check, const json_t *version)
{
    static const char *const versions[] = {"2012-10-17", "2008-10-17"};

    if (version == NULL ||
        (json_is_string(version) && in_list(kw_policydoc_text(version), versions, KW_ARRAY_LEN(versions))))
        return 0;
    return bad(check, "The policy's Version is neither 2012-10-17 nor 2008-10-17.");
}

int kw_policydoc_check(
    enum kw_policy_kind kind, const json_t *policy, struct kw_bytes partition, struct kw_policydoc_why why)
{
    static const char *const known[] = {"Version", "Id", "Statement"};
    struct check check = {.kind = kind, .partition = partition, .why = why};

    if (check_members(&check, policy, known, KW_ARRAY_LEN(known)) != 0 ||
        check_version(&check, json_object_get(policy, "Version")) != 0 ||
        check_optional_text(&check, policy, "Id") != 0)
        return KW_POLICY_MALFORMED;
    return check_statements(&check, json_object_get(policy, "Statement"));
}
