/* entities - keys, aliases, grants and principals for tests: plain ones by number, and ones with every field
 * at its extreme. */
#ifndef KW_TESTS_SUPPORT_ENTITIES_H
#define KW_TESTS_SUPPORT_ENTITIES_H

#include "api/customstore.h"
#include "api/principal.h"
#include "tests/support/suite.h"

#include <stdio.h>

#define ACCOUNT_TEXT "000000000000"
#define OTHER_TEXT   "111111111111"
#define REGION_TEXT  "us-east-1"
#define ACCOUNT      KW_LIT(ACCOUNT_TEXT)
#define OTHER        KW_LIT(OTHER_TEXT)
#define REGION       KW_LIT(REGION_TEXT)
#define SECRET_PIN   "4f9c-pin-of-a-token"
#define STORE_ID     "cks-1234567890abcdef0"
#define SECRET       "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYxx"

/* A text of len characters, which lasts until the program ends. */
static inline const char *text_of(size_t len, char c)
{
    static char room[1 << 20];
    static size_t used;
    ck_assert_uint_lt(used + len + 1, sizeof(room));
    char *text = room + used;
    memset(text, c, len);
    text[len] = '\0';
    used += len + 1;
    return text;
}

/* A key policy of so many bytes. */
static inline struct kw_policy *policy_of(size_t len)
{
    static const char head[] =
        "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"kms:*\","
        "\"Resource\":\"*\"},\"Id\":\"";
    char *text = (char *)(uintptr_t)text_of(len, 'p'), why[256];
    struct kw_policy *policy = NULL;

    ck_assert_uint_gt(len, sizeof(head) + 2);
    memcpy(text, head, sizeof(head) - 1);
    memcpy(text + len - 2, "\"}", 2);
    ck_assert_int_eq(kw_policy_new(&policy, KW_POLICY_KEY, KW_BYTES(text, len), NULL, why, sizeof(why)), 0);
    return policy;
}

static inline void id_of(uint32_t number, uint8_t id[KW_KMS_KEY_ID_LEN])
{
    /* Spread by a multiplication, so that ids do not come in order. */
    uint32_t spread = number * 2654435761u;
    memset(id, 0x5a, KW_KMS_KEY_ID_LEN);
    for (int i = 0; i < 4; i++)
        id[i] = (uint8_t)(spread >> (8 * i));
}

/* The 32 bytes of a key's material: no eight of them are found anywhere else. */
static inline void secret_of(uint32_t number, uint8_t secret[32])
{
    uint64_t state = number * 0x9e3779b97f4a7c15u + 0x1234567u;
    for (int i = 0; i < 32; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        secret[i] = (uint8_t)(state >> 56);
    }
}

static inline struct kw_material *material_of(uint32_t number)
{
    struct kw_material *material = NULL;
    uint8_t id[KW_MATERIAL_ID_LEN], secret[32];
    memset(id, (int)number, sizeof(id));
    secret_of(number, secret);
    ck_assert_int_eq(kw_material_new(&material, id, KW_BYTES(secret, sizeof(secret)), KW_BYTES(NULL, 0)), 0);
    return material;
}

/* A symmetric key with one generation; aliases and grants name it by its number. */
static inline struct kw_kms_key *new_key(const char *account, const char *region, uint32_t number)
{
    KW_MATERIAL struct kw_material *material = material_of(number);
    struct kw_generation generation = {.material = material, .created_ms = 1000 + number};
    struct kw_kms_key like = {.account = account,
        .region = region,
        .spec = KW_KEY_SYMMETRIC_DEFAULT,
        .usage = KW_USAGE_ENCRYPT_DECRYPT,
        .description = "for tests \xe2\x82\xac",
        .created_ms = 5000 + number,
        .num_generations = 1,
        .generations = &generation};
    struct kw_kms_key *key = NULL;
    id_of(number, like.id);
    memcpy(generation.id, material->id, sizeof(generation.id));
    ck_assert_int_eq(kw_kms_key_new(&key, &like), 0);
    return key;
}

static inline struct kw_alias alias_of(const char *name, uint32_t number)
{
    struct kw_alias alias = {
        .account = ACCOUNT_TEXT, .region = REGION_TEXT, .name = name, .created_ms = 7000, .updated_ms = 7001};
    id_of(number, alias.key_id);
    return alias;
}

/* A grant, by its own number, of a key. */
static inline struct kw_grant grant_of(uint8_t grant_number, uint32_t number, const char *retiring)
{
    struct kw_grant grant = {.account = ACCOUNT_TEXT,
        .region = REGION_TEXT,
        .grantee = "arn:aws:iam::000000000000:user/grantee",
        .retiring = retiring,
        .operations = 3,
        .created_ms = 8000};
    memset(grant.id, grant_number, sizeof(grant.id));
    id_of(number, grant.key_id);
    return grant;
}

/* Compiled once, and there to the end of the program. */
static inline const struct kw_policy *compiled(enum kw_policy_kind kind, const char *text)
{
    struct kw_policy *policy = NULL;
    char why[256] = "";
    int r = kw_policy_new(&policy, kind, kw_bytes_str(text), NULL, why, sizeof(why));
    ck_assert_msg(r == 0, "%d %s: %s", r, why, text);
    return policy;
}

static inline const struct kw_policy *administrator_policy(void)
{
    static const struct kw_policy *policy;
    if (policy == NULL)
        policy = compiled(KW_POLICY_IDENTITY, KW_ADMINISTRATOR_POLICY);
    return policy;
}

#define TRUST_TEXT                                                                                           \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"               \
    "\"" ACCOUNT_TEXT "\"},\"Action\":\"sts:AssumeRole\"}]}"

static inline const struct kw_policy *trust_policy(void)
{
    static const struct kw_policy *policy;
    if (policy == NULL)
        policy = compiled(KW_POLICY_TRUST, TRUST_TEXT);
    return policy;
}

/* A user. */
static inline struct kw_principal principal_of(const char *name, bool administrator)
{
    static struct kw_named_policy named = {.name = KW_ADMINISTRATOR_POLICY_NAME};
    named.policy = administrator_policy();
    return (struct kw_principal){.kind = KW_PRINCIPAL_USER,
        .account = ACCOUNT_TEXT,
        .path = "/",
        .name = name,
        .id = "AIDAEXAMPLE",
        .created_ms = 9000,
        .enabled = true,
        .num_policies = administrator ? 1 : 0,
        .policies = &named};
}

static inline struct kw_principal role_of(const char *name)
{
    struct kw_principal role = principal_of(name, false);
    role.kind = KW_PRINCIPAL_ROLE;
    snprintf(role.id, sizeof(role.id), "AROAEXAMPLE");
    role.trust = trust_policy();
    role.session_max_s = KW_SESSION_S_MIN;
    return role;
}

/* Of a user. */
static inline struct kw_access_key access_key_of(const char *id, const char *user)
{
    struct kw_access_key key = {.secret = SECRET,
        .account = ACCOUNT_TEXT,
        .kind = KW_PRINCIPAL_USER,
        .enabled = true,
        .created_ms = 9001};
    snprintf(key.id, sizeof(key.id), "%s", id);
    snprintf(key.name, sizeof(key.name), "%s", user);
    return key;
}

static inline struct kw_custom_store custom_store_of(const char *id)
{
    struct kw_custom_store store = {.account = ACCOUNT_TEXT,
        .region = REGION_TEXT,
        .name = "mine",
        .cluster = "cluster-abcdefghijk",
        .trust_anchor = "-----BEGIN CERTIFICATE-----",
        .password = SECRET_PIN,
        .created_ms = 9000};
    snprintf(store.id, sizeof(store.id), "%s", id);
    return store;
}

/* ---- every field at its extreme ---- */

static inline struct kw_kms_key *new_full_key(void)
{
    static uint8_t secret[KW_MATERIAL_SECRET_MAX], public_der[KW_MATERIAL_PUBLIC_MAX];
    const char *regions[KW_REGIONS_MAX];
    struct kw_tag tags[KW_TAGS_MAX];
    struct kw_generation generations[3] = {
        {.created_ms = INT64_MAX, .rotation = KW_ROTATION_NONE, .description = ""},
        {.created_ms = INT64_MIN,
            .rotated_ms = INT64_MAX,
            .rotation = KW_ROTATION_AUTOMATIC,
            .valid_to_ms = INT64_MAX,
            .description = text_of(1024, 'd')},
        {.rotated_ms = -1, .rotation = KW_ROTATION_ON_DEMAND, .pending = true},
    };
    KW_MATERIAL struct kw_material *first = NULL;
    KW_MATERIAL struct kw_material *second = NULL;
    KW_POLICY struct kw_policy *policy = policy_of(32 * 1024);
    struct kw_kms_key *key = NULL;

    memset(secret, 0xd1, sizeof(secret));
    memset(public_der, 0xd2, sizeof(public_der));
    for (int i = 0; i < 3; i++)
        memset(generations[i].id, 0xe0 + i, sizeof(generations[i].id));
    ck_assert_int_eq(kw_material_new(&first, generations[0].id, KW_BYTES(secret, sizeof(secret)),
                         KW_BYTES(public_der, sizeof(public_der))),
        0);
    ck_assert_int_eq(kw_material_new(&second, generations[1].id, KW_BYTES(secret, 1), KW_BYTES(NULL, 0)), 0);
    generations[0].material = first;
    generations[1].material = second; /* the third has none */
    for (uint32_t i = 0; i < KW_REGIONS_MAX; i++)
        regions[i] = text_of(1 + i % KW_REGION_MAX, 'a');
    for (uint32_t i = 0; i < KW_TAGS_MAX; i++)
        tags[i] = (struct kw_tag){text_of(1 + i * 10, 'k'), text_of(i * 20, 'v')};

    struct kw_kms_key like = {.multi_region = true,
        .account = ACCOUNT_TEXT,
        .region = text_of(KW_REGION_MAX, 'r'),
        .spec = KW_KEY_ECC_NIST_EDWARDS25519,
        .usage = KW_USAGE_KEY_AGREEMENT,
        .origin = KW_ORIGIN_EXTERNAL,
        .state = KW_KEY_PENDING_REPLICA_DELETION,
        .created_ms = INT64_MIN,
        .description = text_of(KW_DESCRIPTION_BYTES_MAX, 'x'),
        .policy = policy,
        .deletion_ms = INT64_MAX,
        .pending_days = UINT32_MAX,
        .rotates = true,
        .rotation_days = UINT32_MAX,
        .rotation_next_ms = INT64_MAX,
        .num_on_demand = UINT32_MAX,
        .primary_region = "eu-west-1",
        .num_regions = KW_REGIONS_MAX,
        .regions = regions,
        .num_generations = 3,
        .current = 3,
        .generations = generations,
        .num_tags = KW_TAGS_MAX,
        .tags = tags};
    memset(like.id, 0xff, sizeof(like.id));
    ck_assert_int_eq(kw_kms_key_new(&key, &like), 0);
    return key;
}

static inline struct kw_alias *new_full_alias(void)
{
    struct kw_alias *alias = NULL;
    struct kw_alias like = {.account = ACCOUNT_TEXT,
        .region = text_of(KW_REGION_MAX, 'r'),
        .name = text_of(KW_ALIAS_NAME_MAX, 'n'),
        .created_ms = INT64_MIN,
        .updated_ms = INT64_MAX};
    memset(like.key_id, 0xff, sizeof(like.key_id));
    ck_assert_int_eq(kw_alias_new(&alias, &like), 0);
    return alias;
}

static inline struct kw_grant *new_full_grant(void)
{
    static struct kw_grant_pair pairs[KW_GRANT_PAIRS_MAX];
    struct kw_grant *grant = NULL;
    for (uint32_t i = 0; i < KW_GRANT_PAIRS_MAX; i++)
        pairs[i] = (struct kw_grant_pair){text_of(i, 'k'), text_of(2 * i, 'v')};
    struct kw_grant like = {.account = ACCOUNT_TEXT,
        .region = text_of(KW_REGION_MAX, 'r'),
        .grantee = text_of(1024, 'g'),
        .retiring = text_of(1024, 'r'),
        .name = text_of(1024, 'n'),
        .operations = (1u << KW_GRANT_OPERATIONS_NUM) - 1,
        .has_equals = true,
        .num_equals = KW_GRANT_PAIRS_MAX,
        .equals = pairs,
        .has_subset = true, /* there, and empty */
        .created_ms = INT64_MAX};
    memset(like.id, 0xff, sizeof(like.id));
    memset(like.key_id, 0xfe, sizeof(like.key_id));
    ck_assert_int_eq(kw_grant_new(&grant, &like), 0);
    return grant;
}

static inline struct kw_principal *new_full_principal(void)
{
    static char path[KW_PRINCIPAL_PATH_MAX + 1],
        names[KW_PRINCIPAL_POLICIES_MAX][KW_PRINCIPAL_POLICY_NAME_MAX + 1];
    struct kw_named_policy policies[KW_PRINCIPAL_POLICIES_MAX];
    struct kw_tag tags[KW_TAGS_MAX];
    struct kw_principal *principal = NULL;
    struct kw_principal like = {.kind = KW_PRINCIPAL_ROLE,
        .account = ACCOUNT_TEXT,
        .path = path,
        .name = text_of(KW_PRINCIPAL_NAME_MAX, 'n'),
        .created_ms = INT64_MAX,
        .enabled = true,
        .num_policies = KW_ARRAY_LEN(policies),
        .policies = policies,
        .num_tags = KW_ARRAY_LEN(tags),
        .tags = tags,
        .trust = trust_policy(),
        .session_max_s = KW_SESSION_S_MAX};
    memset(path, 'p', sizeof(path) - 1);
    path[0] = path[sizeof(path) - 2] = '/';
    memset(like.id, 'I', sizeof(like.id) - 1);
    for (size_t i = 0; i < KW_ARRAY_LEN(policies); i++) {
        memset(names[i], 'p', KW_PRINCIPAL_POLICY_NAME_MAX);
        names[i][0] = (char)('a' + i);
        policies[i] = (struct kw_named_policy){names[i], administrator_policy()};
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(tags); i++)
        tags[i] = (struct kw_tag){text_of(4 * 128, 'k'), text_of(4 * 256, 'v')};
    ck_assert_int_eq(kw_principal_new(&principal, &like), 0);
    return principal;
}

static inline struct kw_access_key *new_full_access_key(void)
{
    struct kw_access_key *key = NULL;
    struct kw_access_key like = {
        .account = ACCOUNT_TEXT, .kind = KW_PRINCIPAL_USER, .enabled = true, .created_ms = INT64_MAX};
    memset(like.id, 'A', sizeof(like.id) - 1);
    memset(like.secret, 'S', sizeof(like.secret) - 1);
    memset(like.name, 'u', sizeof(like.name) - 1);
    ck_assert_int_eq(kw_access_key_new(&key, &like), 0);
    return key;
}

static inline struct kw_custom_store *new_full_custom_store(void)
{
    struct kw_custom_store *store = NULL;
    struct kw_custom_store like = {.account = ACCOUNT_TEXT,
        .region = text_of(KW_REGION_MAX, 'r'),
        .name = text_of(4 * KW_CUSTOM_STORE_NAME_MAX, 'n'),
        .cluster = "cluster-abcdefghijklmnop",
        .trust_anchor = text_of(KW_TRUST_ANCHOR_MAX, 't'),
        .password = text_of(KW_STORE_PASSWORD_BYTES, 'p'),
        .connect = true,
        .created_ms = INT64_MAX};
    memcpy(like.id, STORE_ID, sizeof(like.id));
    ck_assert_int_eq(kw_custom_store_new(&store, &like), 0);
    return store;
}

/* ---- the same content ---- */

static inline void assert_same_text(const char *a, const char *b)
{
    ck_assert((a == NULL) == (b == NULL));
    if (a != NULL)
        ck_assert_str_eq(a, b);
}

static inline void assert_same_generation(const struct kw_generation *a, const struct kw_generation *b)
{
    ck_assert_mem_eq(a->id, b->id, sizeof(a->id));
    ck_assert((a->material == NULL) == (b->material == NULL));
    if (a->material != NULL) {
        ck_assert_mem_eq(a->material->id, b->material->id, sizeof(a->material->id));
        ck_assert(kw_bytes_equal(a->material->secret, b->material->secret));
        ck_assert(kw_bytes_equal(a->material->public_der, b->material->public_der));
    }
    ck_assert_int_eq(a->created_ms, b->created_ms);
    ck_assert_int_eq(a->rotated_ms, b->rotated_ms);
    ck_assert_int_eq(a->rotation, b->rotation);
    ck_assert_int_eq(a->pending, b->pending);
    ck_assert_int_eq(a->valid_to_ms, b->valid_to_ms);
    assert_same_text(a->description, b->description);
}

static inline void assert_same_lists(const struct kw_kms_key *a, const struct kw_kms_key *b)
{
    ck_assert_uint_eq(a->num_regions, b->num_regions);
    for (uint32_t i = 0; i < a->num_regions; i++)
        ck_assert_str_eq(a->regions[i], b->regions[i]);
    ck_assert_uint_eq(a->num_generations, b->num_generations);
    for (uint32_t i = 0; i < a->num_generations; i++)
        assert_same_generation(&a->generations[i], &b->generations[i]);
    ck_assert_uint_eq(a->num_tags, b->num_tags);
    for (uint32_t i = 0; i < a->num_tags; i++) {
        ck_assert_str_eq(a->tags[i].key, b->tags[i].key);
        ck_assert_str_eq(a->tags[i].value, b->tags[i].value);
    }
}

static inline void assert_same_key(const struct kw_kms_key *a, const struct kw_kms_key *b)
{
    ck_assert_mem_eq(a->id, b->id, sizeof(a->id));
    ck_assert_str_eq(a->id_text, b->id_text);
    ck_assert_str_eq(a->arn, b->arn);
    ck_assert_int_eq(a->multi_region, b->multi_region);
    ck_assert_str_eq(a->account, b->account);
    ck_assert_str_eq(a->region, b->region);
    ck_assert_int_eq(a->spec, b->spec);
    ck_assert_int_eq(a->usage, b->usage);
    ck_assert_int_eq(a->origin, b->origin);
    ck_assert_int_eq(a->state, b->state);
    ck_assert_int_eq(a->created_ms, b->created_ms);
    ck_assert_str_eq(a->description, b->description);
    ck_assert_int_eq(a->policy == NULL, b->policy == NULL);
    if (a->policy != NULL)
        ck_assert(kw_bytes_equal(kw_policy_text(a->policy), kw_policy_text(b->policy)));
    ck_assert_int_eq(a->deletion_ms, b->deletion_ms);
    ck_assert_uint_eq(a->pending_days, b->pending_days);
    ck_assert_int_eq(a->rotates, b->rotates);
    ck_assert_uint_eq(a->rotation_days, b->rotation_days);
    ck_assert_int_eq(a->rotation_next_ms, b->rotation_next_ms);
    ck_assert_uint_eq(a->num_on_demand, b->num_on_demand);
    assert_same_text(a->primary_region, b->primary_region);
    ck_assert_uint_eq(a->current, b->current);
    assert_same_lists(a, b);
}

static inline void assert_same_alias(const struct kw_alias *a, const struct kw_alias *b)
{
    ck_assert_str_eq(a->account, b->account);
    ck_assert_str_eq(a->region, b->region);
    ck_assert_str_eq(a->name, b->name);
    ck_assert_mem_eq(a->key_id, b->key_id, sizeof(a->key_id));
    ck_assert_int_eq(a->created_ms, b->created_ms);
    ck_assert_int_eq(a->updated_ms, b->updated_ms);
}

static inline void assert_same_pairs(
    const struct kw_grant_pair *a, const struct kw_grant_pair *b, uint32_t num_a, uint32_t num_b)
{
    ck_assert_uint_eq(num_a, num_b);
    for (uint32_t i = 0; i < num_a; i++) {
        ck_assert_str_eq(a[i].key, b[i].key);
        ck_assert_str_eq(a[i].value, b[i].value);
    }
}

static inline void assert_same_grant(const struct kw_grant *a, const struct kw_grant *b)
{
    ck_assert_mem_eq(a->id, b->id, sizeof(a->id));
    ck_assert_str_eq(a->id_text, b->id_text);
    ck_assert_str_eq(a->account, b->account);
    ck_assert_str_eq(a->region, b->region);
    ck_assert_mem_eq(a->key_id, b->key_id, sizeof(a->key_id));
    ck_assert_str_eq(a->grantee, b->grantee);
    assert_same_text(a->retiring, b->retiring);
    assert_same_text(a->name, b->name);
    ck_assert_uint_eq(a->operations, b->operations);
    ck_assert_int_eq(a->has_equals, b->has_equals);
    ck_assert_int_eq(a->has_subset, b->has_subset);
    assert_same_pairs(a->equals, b->equals, a->num_equals, b->num_equals);
    assert_same_pairs(a->subset, b->subset, a->num_subset, b->num_subset);
    ck_assert_int_eq(a->created_ms, b->created_ms);
}

static inline void assert_same_policy(const struct kw_policy *a, const struct kw_policy *b)
{
    ck_assert((a == NULL) == (b == NULL));
    if (a != NULL)
        ck_assert(kw_bytes_equal(kw_policy_text(a), kw_policy_text(b)));
}

static inline void assert_same_principal(const struct kw_principal *a, const struct kw_principal *b)
{
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(a->kind, b->kind);
    ck_assert_str_eq(a->account, b->account);
    ck_assert_str_eq(a->path, b->path);
    ck_assert_str_eq(a->name, b->name);
    ck_assert_str_eq(a->id, b->id);
    ck_assert_int_eq(a->created_ms, b->created_ms);
    ck_assert_int_eq(a->enabled, b->enabled);
    ck_assert_uint_eq(a->num_policies, b->num_policies);
    for (uint32_t i = 0; i < a->num_policies; i++) {
        ck_assert_str_eq(a->policies[i].name, b->policies[i].name);
        assert_same_policy(a->policies[i].policy, b->policies[i].policy);
    }
    ck_assert_uint_eq(a->num_tags, b->num_tags);
    for (uint32_t i = 0; i < a->num_tags; i++) {
        ck_assert_str_eq(a->tags[i].key, b->tags[i].key);
        ck_assert_str_eq(a->tags[i].value, b->tags[i].value);
    }
    assert_same_policy(a->trust, b->trust);
    ck_assert_uint_eq(a->session_max_s, b->session_max_s);
}

static inline void assert_same_access_key(const struct kw_access_key *a, const struct kw_access_key *b)
{
    ck_assert_ptr_nonnull(a);
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_eq(a->secret, b->secret);
    ck_assert_str_eq(a->account, b->account);
    ck_assert_int_eq(a->kind, b->kind);
    ck_assert_str_eq(a->name, b->name);
    ck_assert_int_eq(a->enabled, b->enabled);
    ck_assert_int_eq(a->created_ms, b->created_ms);
}

static inline void assert_same_custom_store(const struct kw_custom_store *a, const struct kw_custom_store *b)
{
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_eq(a->account, b->account);
    ck_assert_str_eq(a->region, b->region);
    ck_assert_str_eq(a->name, b->name);
    ck_assert_str_eq(a->cluster, b->cluster);
    ck_assert_str_eq(a->trust_anchor, b->trust_anchor);
    ck_assert_str_eq(a->password, b->password);
    ck_assert_int_eq(a->connect, b->connect);
    ck_assert_int_eq(a->created_ms, b->created_ms);
}

#endif
