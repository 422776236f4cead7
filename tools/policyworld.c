#include "tools/policyworld.h"

#include "api/keyname.h"
#include "api/principalname.h"
#include "api/region.h"

#include <stdio.h>

struct maker {
    const struct kw_policyworld *world;
    struct kw_snapshot *snapshot;
    struct kw_principal_name caller;
    struct kw_keyname key;
    char account[KW_ACCOUNT_LEN + 1], region[KW_REGION_MAX + 1]; /* of the key */
    char *why;
    size_t why_cap;
};

static int bad(struct maker *maker, const char *format, ...) KW_PRINTF(2, 3);
static int bad(struct maker *maker, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(maker->why, maker->why_cap, format, args);
    va_end(args);
    return 1;
}

static int compile(
    struct maker *maker, enum kw_policy_kind kind, const char *what, const char *text, struct kw_policy **ret)
{
    char why[256] = "";
    int r = kw_policy_new(ret, kind, kw_bytes_str(text), NULL, why, sizeof(why));

    return r == 0 ? 0 : bad(maker, "%s: %s", what, r > 0 && why[0] != '\0' ? why : "it cannot be read");
}

/* ---- the principal ---- */

static int put_principal(struct maker *maker, struct kw_principal *like)
{
    KW_PRINCIPAL struct kw_principal *principal = NULL;

    if (kw_principal_new(&principal, like) != 0 || kw_snapshot_put_principal(maker->snapshot, principal) != 0)
        return bad(maker, "out of memory, or the principal's name is none");
    return 0;
}

static int with_trust(struct maker *maker, struct kw_principal *like)
{
    KW_POLICY struct kw_policy *trust = NULL;

    if (like->kind != KW_PRINCIPAL_ROLE)
        return put_principal(maker, like);
    like->session_max_s = KW_SESSION_S_MIN;
    if (compile(maker, KW_POLICY_TRUST, "the trust policy",
            "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
            "\"sts:AssumeRole\"}]}",
            &trust) != 0)
        return 1;
    like->trust = trust;
    return put_principal(maker, like);
}

static int make_principal(struct maker *maker)
{
    static const char *const ids[KW_PRINCIPAL_KIND_NUM] = {[KW_PRINCIPAL_ROOT] = "",
        [KW_PRINCIPAL_USER] = "AIDAAAAAAAAAAAAAAAAAA",
        [KW_PRINCIPAL_ROLE] = "AROAAAAAAAAAAAAAAAAAA"};
    struct kw_named_policy policies[KW_PRINCIPAL_POLICIES_MAX];
    char names[KW_PRINCIPAL_POLICIES_MAX][16];
    struct kw_principal like = {.kind = maker->caller.kind,
        .account = maker->caller.account,
        .path = "/",
        .name = maker->caller.name,
        .enabled = true,
        .policies = policies};
    size_t num = json_array_size(maker->world->identity);
    int r = 0;

    if (num > KW_PRINCIPAL_POLICIES_MAX)
        return bad(maker, "there are more than %u identity policies", KW_PRINCIPAL_POLICIES_MAX);
    snprintf(like.id, sizeof(like.id), "%s", ids[like.kind]);
    for (size_t i = 0; r == 0 && i < num; i++) {
        struct kw_policy *policy = NULL;

        snprintf(names[i], sizeof(names[i]), "number-%02zu", i + 1);
        r = compile(maker, KW_POLICY_IDENTITY, "an identity policy",
            json_string_value(json_array_get(maker->world->identity, i)), &policy);
        if (r == 0)
            policies[like.num_policies++] = (struct kw_named_policy){names[i], policy};
    }
    if (r == 0)
        r = with_trust(maker, &like);
    for (uint32_t i = 0; i < like.num_policies; i++)
        kw_policy_unref(policies[i].policy);
    return r;
}

/* ---- the key ---- */

static int name_key(struct maker *maker)
{
    const char *text = maker->world->key != NULL ? maker->world->key : KW_POLICYWORLD_KEY;

    if (kw_keyname_parse(kw_bytes_str(text), &maker->key) != 0 || maker->key.form == KW_KEYNAME_ALIAS ||
        maker->key.form == KW_KEYNAME_ALIAS_ARN)
        return bad(maker, "without a server the KMS key is named by its id or its ARN");
    snprintf(maker->account, sizeof(maker->account), "%s", maker->caller.account);
    snprintf(maker->region, sizeof(maker->region), "%s", maker->world->region);
    if (maker->key.form == KW_KEYNAME_ARN) {
        memcpy(maker->account, maker->key.account.ptr, KW_ACCOUNT_LEN);
        snprintf(maker->region, sizeof(maker->region), "%.*s", (int)maker->key.region.len,
            (const char *)maker->key.region.ptr);
    }
    return 0;
}

static int put_key(struct maker *maker, const struct kw_policy *policy, char ret_key[128])
{
    struct kw_kms_key like = {.multi_region = maker->key.multi_region,
        .account = maker->account,
        .region = maker->region,
        .spec = KW_KEY_SYMMETRIC_DEFAULT,
        .usage = KW_USAGE_ENCRYPT_DECRYPT,
        .origin = KW_ORIGIN_AWS_KMS,
        .state = KW_KEY_ENABLED,
        .policy = policy};
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    const char *regions[] = {maker->region};

    memcpy(like.id, maker->key.id, sizeof(like.id));
    if (like.multi_region) {
        like.primary_region = maker->region;
        like.regions = regions;
        like.num_regions = 1;
    }
    if (kw_kms_key_new(&key, &like) != 0 || kw_snapshot_put_key(maker->snapshot, key) != 0)
        return bad(maker, "out of memory, or the KMS key's name is none");
    memcpy(ret_key, key->arn, sizeof(key->arn));
    return 0;
}

static int make_key(struct maker *maker, char ret_key[128])
{
    KW_POLICY struct kw_policy *policy = NULL;

    if (name_key(maker) != 0)
        return 1;
    if (maker->world->key_policy != NULL &&
        compile(maker, KW_POLICY_KEY, "the key policy", maker->world->key_policy, &policy) != 0)
        return 1;
    return put_key(maker, policy, ret_key);
}

/* ---- its grants ---- */

#define PAIRS_MAX 64u

static int read_operations(struct maker *maker, const json_t *list, uint32_t *ret)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        unsigned bit = 0;

        while (bit < KW_GRANT_OPERATIONS_NUM &&
               (!json_is_string(item) || strcmp(kw_grant_operation_names[bit], json_string_value(item)) != 0))
            bit++;
        if (bit == KW_GRANT_OPERATIONS_NUM)
            return bad(maker, "a grant has an operation that no grant can have");
        *ret |= 1u << bit;
    }
    return 0;
}

static int read_pairs(struct maker *maker, const json_t *map, struct kw_grant_pair *pairs, uint32_t *ret)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)map, name, value)
    {
        if (!json_is_string(value) || *ret == PAIRS_MAX)
            return bad(maker, "the constraint of a grant must be an object of texts");
        pairs[(*ret)++] = (struct kw_grant_pair){name, json_string_value(value)};
    }
    return 0;
}

static int put_grant(struct maker *maker, const json_t *from, uint8_t number)
{
    const json_t *constraints = json_object_get(from, "Constraints");
    const json_t *equals = json_object_get(constraints, "EncryptionContextEquals");
    const json_t *subset = json_object_get(constraints, "EncryptionContextSubset");
    const char *id = json_string_value(json_object_get(from, "GrantId"));
    struct kw_grant_pair equal_pairs[PAIRS_MAX], subset_pairs[PAIRS_MAX];
    struct kw_grant like = {.account = maker->account,
        .region = maker->region,
        .grantee = json_string_value(json_object_get(from, "GranteePrincipal")),
        .retiring = json_string_value(json_object_get(from, "RetiringPrincipal")),
        .name = json_string_value(json_object_get(from, "Name")),
        .has_equals = equals != NULL,
        .has_subset = subset != NULL,
        .equals = equal_pairs,
        .subset = subset_pairs};
    KW_GRANT struct kw_grant *grant = NULL;

    memcpy(like.key_id, maker->key.id, sizeof(like.key_id));
    if (id == NULL || kw_hex_decode(kw_bytes_str(id), like.id, sizeof(like.id)) != 0)
        like.id[sizeof(like.id) - 1] = number;
    if (like.grantee == NULL)
        return bad(maker, "a grant has no GranteePrincipal");
    if (read_operations(maker, json_object_get(from, "Operations"), &like.operations) != 0 ||
        read_pairs(maker, equals, equal_pairs, &like.num_equals) != 0 ||
        read_pairs(maker, subset, subset_pairs, &like.num_subset) != 0)
        return 1;
    if (kw_grant_new(&grant, &like) != 0 || kw_snapshot_put_grant(maker->snapshot, grant) != 0)
        return bad(maker, "out of memory, or a grant has an empty text");
    return 0;
}

static int make_grants(struct maker *maker)
{
    const json_t *grant;
    size_t i;

    json_array_foreach(maker->world->grants, i, grant)
    {
        if (put_grant(maker, grant, (uint8_t)(i + 1)) != 0)
            return 1;
    }
    return 0;
}

int kw_policyworld_make(const struct kw_policyworld *world, struct kw_snapshot **ret, char ret_key[128],
    char *why, size_t why_cap)
{
    struct maker maker = {.world = world, .why = why, .why_cap = why_cap};

    if (kw_principal_name_parse(kw_bytes_str(world->principal), "", &maker.caller) != 0)
        return bad(&maker, "without a server the principal is named by its ARN");
    if (kw_snapshot_new(&maker.snapshot, NULL) != 0)
        return bad(&maker, "out of memory");
    if (make_principal(&maker) != 0 || make_key(&maker, ret_key) != 0 || make_grants(&maker) != 0) {
        kw_snapshot_free(maker.snapshot);
        return 1;
    }
    *ret = maker.snapshot;
    return 0;
}
