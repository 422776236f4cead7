#include "api/record_internal.h"
#include "api/tlv.h"

#include <stdlib.h>

/* Texts are used where they lie in the record (tlv.h) until the entity is made, which copies them. */

static struct kw_tlv begin(struct kw_bytes text)
{
    if (text.len == 0 || text.ptr[0] != KW_RECORD_VERSION)
        return (struct kw_tlv){.bad = true};
    return KW_TLV(KW_BYTES(text.ptr + 1, text.len - 1));
}

/* An entity that cannot be made from a record is damage, unless memory ran out. */
static int made(int r)
{
    return r == KW_ENTITY_INVALID ? KW_RECORD_BAD : r;
}

/* Index of a field's text in a list, NULLs passed over; num_names (bad) if it is not there. */
static uint32_t need_name(struct kw_tlv *in, uint8_t tag, const char *const *names, uint32_t num_names)
{
    const char *text = kw_tlv_need_text(in, tag);

    for (uint32_t i = 0; text != NULL && i < num_names; i++)
        if (names[i] != NULL && strcmp(text, names[i]) == 0)
            return i;
    in->bad = true;
    return num_names;
}

/* Memory for num members, which may be none. */
static void *new_array(size_t num, size_t size)
{
    return calloc(num > 0 ? num : 1, size);
}

static void free_array(void *ptr_to_ptr)
{
    free(*(void **)ptr_to_ptr);
}
#define OWNED KW_CLEANUP(free_array)

static struct kw_tlv need_struct(struct kw_tlv *in, uint8_t tag)
{
    struct kw_bytes value = kw_tlv_need(in, tag);

    return (struct kw_tlv){.rest = value, .bad = in->bad};
}

static void need_pair(struct kw_tlv *in, uint8_t tag, const char **ret_key, const char **ret_value)
{
    struct kw_tlv pair = need_struct(in, tag);

    *ret_key = kw_tlv_need_text(&pair, KW_FIELD_PAIR_KEY);
    *ret_value = kw_tlv_need_text(&pair, KW_FIELD_PAIR_VALUE);
    in->bad |= !kw_tlv_done(&pair);
}

/* ---- keys ---- */

/* What a key is made from, with room for its lists. */
struct key_parts {
    struct kw_kms_key key;
    const char *regions[KW_REGIONS_MAX];
    struct kw_tag tags[KW_TAGS_MAX];
    struct kw_generation *generations; /* owned, and a reference on each material */
    struct kw_policy *policy;          /* owned */
};

static void key_parts_done(struct key_parts *parts)
{
    for (uint32_t i = 0; i < parts->key.num_generations; i++)
        kw_material_unref(parts->generations[i].material);
    free(parts->generations);
    kw_policy_unref(parts->policy);
}

static void read_enums(struct kw_tlv *in, struct kw_kms_key *key)
{
    const char *spec = kw_tlv_need_text(in, KW_FIELD_KEY_SPEC);
    const char *usage = kw_tlv_need_text(in, KW_FIELD_KEY_USAGE);

    in->bad |= spec == NULL || kw_key_spec_parse(kw_bytes_str(spec), &key->spec) != 0;
    in->bad |= usage == NULL || kw_key_usage_parse(kw_bytes_str(usage), &key->usage) != 0;
    const char *origin = kw_tlv_need_text(in, KW_FIELD_KEY_ORIGIN);
    in->bad |= origin == NULL || kw_key_origin_parse(kw_bytes_str(origin), &key->origin) != 0;
    const char *state = kw_tlv_need_text(in, KW_FIELD_KEY_STATE);
    in->bad |= state == NULL || kw_key_state_parse(kw_bytes_str(state), &key->state) != 0;
}

/* Its principals were found to be of the key's partition when it was put. */
static int read_policy(struct kw_tlv *in, struct key_parts *parts)
{
    const char *text = kw_tlv_take_text(in, KW_FIELD_KEY_POLICY);
    char why[1];
    int r;

    if (text == NULL)
        return 0;
    r = kw_policy_new(&parts->policy, KW_POLICY_KEY, kw_bytes_str(text), NULL, why, sizeof(why));
    KW_TRY(r);
    KW_REQUIRE(r == 0, KW_RECORD_BAD);
    parts->key.policy = parts->policy;
    return 0;
}

static int read_attributes(struct kw_tlv *in, struct key_parts *parts)
{
    struct kw_kms_key *key = &parts->key;
    int r;

    kw_tlv_need_fixed(in, KW_FIELD_KEY_ID, key->id, sizeof(key->id));
    key->multi_region = kw_tlv_take_flag(in, KW_FIELD_KEY_MULTI_REGION);
    key->account = kw_tlv_need_text(in, KW_FIELD_KEY_ACCOUNT);
    key->region = kw_tlv_need_text(in, KW_FIELD_KEY_REGION);
    read_enums(in, key);
    key->created_ms = kw_tlv_take_i64(in, KW_FIELD_KEY_CREATED);
    key->description = kw_tlv_need_text(in, KW_FIELD_KEY_DESCRIPTION);
    r = read_policy(in, parts);
    if (r != 0)
        return r;
    key->deletion_ms = kw_tlv_take_i64(in, KW_FIELD_KEY_DELETION);
    key->pending_days = kw_tlv_take_u32(in, KW_FIELD_KEY_PENDING_DAYS);
    key->rotates = kw_tlv_take_flag(in, KW_FIELD_KEY_ROTATES);
    key->rotation_days = kw_tlv_take_u32(in, KW_FIELD_KEY_ROTATION_DAYS);
    key->rotation_next_ms = kw_tlv_take_i64(in, KW_FIELD_KEY_ROTATION_NEXT);
    key->num_on_demand = kw_tlv_take_u32(in, KW_FIELD_KEY_NUM_ON_DEMAND);
    return 0;
}

static void read_regions(struct kw_tlv *in, struct key_parts *parts)
{
    parts->key.primary_region = kw_tlv_take_text(in, KW_FIELD_KEY_PRIMARY_REGION);
    uint32_t num = kw_tlv_count(in, KW_FIELD_KEY_REPLICA_REGION);
    in->bad |= num > KW_REGIONS_MAX;
    for (uint32_t i = 0; !in->bad && i < num; i++)
        parts->regions[i] = kw_tlv_need_text(in, KW_FIELD_KEY_REPLICA_REGION);
    parts->key.num_regions = num;
    parts->key.regions = parts->regions;
}

static int read_material(struct kw_tlv *in, struct kw_generation *generation)
{
    KW_MATERIAL struct kw_material *material = NULL;
    struct kw_bytes secret, public_der = {0};

    if (!kw_tlv_take(in, KW_FIELD_GENERATION_SECRET, &secret))
        return 0;
    /* There, it is not empty: an empty one is left out. */
    in->bad |= kw_tlv_take(in, KW_FIELD_GENERATION_PUBLIC, &public_der) && public_der.len == 0;
    KW_REQUIRE(!in->bad, KW_RECORD_BAD);
    int r = kw_material_new(&material, generation->id, secret, public_der);
    KW_TRY(r);
    KW_REQUIRE(r == 0, KW_RECORD_BAD);
    generation->material = material;
    material = NULL;
    return 0;
}

static int read_generation(struct kw_tlv *in, struct kw_generation *generation)
{
    struct kw_tlv fields = need_struct(in, KW_FIELD_KEY_GENERATION);
    struct kw_tlv ahead;

    kw_tlv_need_fixed(&fields, KW_FIELD_GENERATION_ID, generation->id, sizeof(generation->id));
    int r = read_material(&fields, generation);
    if (r != 0)
        return r;
    generation->created_ms = kw_tlv_take_i64(&fields, KW_FIELD_GENERATION_CREATED);
    generation->rotated_ms = kw_tlv_take_i64(&fields, KW_FIELD_GENERATION_ROTATED);
    ahead = fields;
    if (kw_tlv_take_text(&ahead, KW_FIELD_GENERATION_ROTATION) != NULL)
        generation->rotation = (enum kw_rotation_type)need_name(
            &fields, KW_FIELD_GENERATION_ROTATION, kw_record_rotations, KW_ARRAY_LEN(kw_record_rotations));
    generation->pending = kw_tlv_take_flag(&fields, KW_FIELD_GENERATION_PENDING);
    generation->valid_to_ms = kw_tlv_take_i64(&fields, KW_FIELD_GENERATION_VALID_TO);
    generation->description = kw_tlv_take_text(&fields, KW_FIELD_GENERATION_DESCRIPTION);
    return kw_tlv_done(&fields) ? 0 : KW_RECORD_BAD;
}

static int read_generations(struct kw_tlv *in, struct key_parts *parts)
{
    uint32_t num = kw_tlv_count(in, KW_FIELD_KEY_GENERATION);

    KW_REQUIRE(num <= KW_GENERATIONS_MAX, KW_RECORD_BAD);
    parts->generations = new_array(num, sizeof(*parts->generations));
    KW_REQUIRE(parts->generations != NULL, -ENOMEM);
    parts->key.generations = parts->generations;
    parts->key.num_generations = num; /* those not read yet have no material */
    for (uint32_t i = 0; i < num; i++) {
        int r = read_generation(in, &parts->generations[i]);
        if (r != 0)
            return r;
    }
    parts->key.current = kw_tlv_take_u32(in, KW_FIELD_KEY_CURRENT);
    return parts->key.current <= num ? 0 : KW_RECORD_BAD;
}

static void read_tags(struct kw_tlv *in, struct key_parts *parts)
{
    uint32_t num = kw_tlv_count(in, KW_FIELD_KEY_TAG);

    in->bad |= num > KW_TAGS_MAX;
    for (uint32_t i = 0; !in->bad && i < num; i++)
        need_pair(in, KW_FIELD_KEY_TAG, &parts->tags[i].key, &parts->tags[i].value);
    parts->key.num_tags = num;
    parts->key.tags = parts->tags;
}

int kw_record_key_decode(struct kw_bytes text, struct kw_kms_key **ret)
{
    KW_CLEANUP(key_parts_done) struct key_parts parts = {0};
    struct kw_tlv in = begin(text);
    int r = read_attributes(&in, &parts);

    if (r != 0)
        return r;
    read_regions(&in, &parts);
    KW_REQUIRE(!in.bad, KW_RECORD_BAD);
    r = read_generations(&in, &parts);
    if (r != 0)
        return r;
    read_tags(&in, &parts);
    parts.key.custom_store = kw_tlv_take_text(&in, KW_FIELD_KEY_CUSTOM_STORE);
    KW_REQUIRE(kw_tlv_done(&in), KW_RECORD_BAD);
    return made(kw_kms_key_new(ret, &parts.key));
}

/* ---- aliases and grants ---- */

int kw_record_alias_decode(struct kw_bytes text, struct kw_alias **ret)
{
    struct kw_alias alias = {0};
    struct kw_tlv in = begin(text);

    alias.account = kw_tlv_need_text(&in, KW_FIELD_ALIAS_ACCOUNT);
    alias.region = kw_tlv_need_text(&in, KW_FIELD_ALIAS_REGION);
    alias.name = kw_tlv_need_text(&in, KW_FIELD_ALIAS_NAME);
    kw_tlv_need_fixed(&in, KW_FIELD_ALIAS_KEY_ID, alias.key_id, sizeof(alias.key_id));
    alias.created_ms = kw_tlv_take_i64(&in, KW_FIELD_ALIAS_CREATED);
    alias.updated_ms = kw_tlv_take_i64(&in, KW_FIELD_ALIAS_UPDATED);
    KW_REQUIRE(kw_tlv_done(&in), KW_RECORD_BAD);
    return made(kw_alias_new(ret, &alias));
}

static uint32_t read_operations(struct kw_tlv *in)
{
    uint32_t operations = 0;

    for (uint32_t num = kw_tlv_count(in, KW_FIELD_GRANT_OPERATION); !in->bad && num > 0; num--) {
        uint32_t i =
            need_name(in, KW_FIELD_GRANT_OPERATION, kw_grant_operation_names, KW_GRANT_OPERATIONS_NUM);
        in->bad |= operations >> i != 0; /* each once, in their order */
        operations |= 1u << i;
    }
    return operations;
}

/* One constraint; *ret_pairs is the caller's to free, on failure too. */
static int read_constraint(
    struct kw_tlv *in, uint8_t tag, bool *ret_has, struct kw_grant_pair **ret_pairs, uint32_t *ret_num)
{
    struct kw_bytes value;

    *ret_has = kw_tlv_take(in, tag, &value);
    if (!*ret_has)
        return 0;
    struct kw_tlv fields = KW_TLV(value);
    uint32_t num = kw_tlv_count(&fields, KW_FIELD_PAIR);
    *ret_pairs = new_array(num, sizeof(**ret_pairs));
    KW_REQUIRE(*ret_pairs != NULL, -ENOMEM);
    for (uint32_t i = 0; i < num; i++)
        need_pair(&fields, KW_FIELD_PAIR, &(*ret_pairs)[i].key, &(*ret_pairs)[i].value);
    *ret_num = num;
    return kw_tlv_done(&fields) ? 0 : KW_RECORD_BAD;
}

int kw_record_grant_decode(struct kw_bytes text, struct kw_grant **ret)
{
    OWNED struct kw_grant_pair *equals = NULL, *subset = NULL;
    struct kw_grant grant = {0};
    struct kw_tlv in = begin(text);

    kw_tlv_need_fixed(&in, KW_FIELD_GRANT_ID, grant.id, sizeof(grant.id));
    grant.account = kw_tlv_need_text(&in, KW_FIELD_GRANT_ACCOUNT);
    grant.region = kw_tlv_need_text(&in, KW_FIELD_GRANT_REGION);
    kw_tlv_need_fixed(&in, KW_FIELD_GRANT_KEY_ID, grant.key_id, sizeof(grant.key_id));
    grant.grantee = kw_tlv_need_text(&in, KW_FIELD_GRANT_GRANTEE);
    grant.retiring = kw_tlv_take_text(&in, KW_FIELD_GRANT_RETIRING);
    grant.name = kw_tlv_take_text(&in, KW_FIELD_GRANT_NAME);
    grant.operations = read_operations(&in);
    int r = read_constraint(&in, KW_FIELD_GRANT_EQUALS, &grant.has_equals, &equals, &grant.num_equals);
    if (r == 0)
        r = read_constraint(&in, KW_FIELD_GRANT_SUBSET, &grant.has_subset, &subset, &grant.num_subset);
    if (r != 0)
        return r;
    grant.created_ms = kw_tlv_take_i64(&in, KW_FIELD_GRANT_CREATED);
    KW_REQUIRE(kw_tlv_done(&in), KW_RECORD_BAD);
    grant.equals = equals;
    grant.subset = subset;
    return made(kw_grant_new(ret, &grant));
}

/* ---- principals, key stores and last uses ---- */

/* A text into an array of cap bytes. */
static void need_text_in(struct kw_tlv *in, uint8_t tag, char *out, size_t cap)
{
    const char *text = kw_tlv_need_text(in, tag);

    in->bad |= text == NULL || strlen(text) >= cap;
    if (!in->bad)
        memcpy(out, text, strlen(text) + 1);
}

static enum kw_principal_kind need_kind(struct kw_tlv *in, uint8_t tag)
{
    enum kw_principal_kind kind = KW_PRINCIPAL_ROOT;
    const char *text = kw_tlv_need_text(in, tag);

    in->bad |= text == NULL || kw_principal_kind_parse(kw_bytes_str(text), &kind) != 0;
    return kind;
}

/* What a principal is made from, with room for its lists. */
struct principal_parts {
    struct kw_principal principal;
    struct kw_named_policy policies[KW_PRINCIPAL_POLICIES_MAX]; /* a reference on each */
    struct kw_tag tags[KW_TAGS_MAX];
    struct kw_policy *trust;
};

static void principal_parts_done(struct principal_parts *parts)
{
    for (uint32_t i = 0; i < parts->principal.num_policies; i++)
        kw_policy_unref(parts->policies[i].policy);
    kw_policy_unref(parts->trust);
}

static int compile(const char *text, enum kw_policy_kind kind, struct kw_policy **ret)
{
    char why[256];
    int r = kw_policy_new(ret, kind, kw_bytes_str(text), NULL, why, sizeof(why));

    return r == KW_POLICY_MALFORMED ? KW_RECORD_BAD : r;
}

static int read_policies(struct kw_tlv *in, struct principal_parts *parts)
{
    uint32_t num = kw_tlv_count(in, KW_FIELD_PRINCIPAL_POLICY);

    KW_REQUIRE(num <= KW_PRINCIPAL_POLICIES_MAX, KW_RECORD_BAD);
    parts->principal.policies = parts->policies;
    for (uint32_t i = 0; i < num; i++) {
        struct kw_policy *policy = NULL;
        const char *name, *text;

        need_pair(in, KW_FIELD_PRINCIPAL_POLICY, &name, &text);
        KW_REQUIRE(!in->bad, KW_RECORD_BAD);
        int r = compile(text, KW_POLICY_IDENTITY, &policy);
        if (r != 0)
            return r;
        parts->policies[i] = (struct kw_named_policy){name, policy};
        parts->principal.num_policies = i + 1;
    }
    return 0;
}

static void read_principal_tags(struct kw_tlv *in, struct principal_parts *parts)
{
    uint32_t num = kw_tlv_count(in, KW_FIELD_PRINCIPAL_TAG);

    in->bad |= num > KW_TAGS_MAX;
    for (uint32_t i = 0; !in->bad && i < num; i++)
        need_pair(in, KW_FIELD_PRINCIPAL_TAG, &parts->tags[i].key, &parts->tags[i].value);
    parts->principal.num_tags = num;
    parts->principal.tags = parts->tags;
}

static int read_trust(struct kw_tlv *in, struct principal_parts *parts)
{
    const char *trust = kw_tlv_take_text(in, KW_FIELD_PRINCIPAL_TRUST);

    parts->principal.session_max_s = kw_tlv_take_u32(in, KW_FIELD_PRINCIPAL_SESSION_MAX);
    KW_REQUIRE(kw_tlv_done(in), KW_RECORD_BAD);
    int r = trust == NULL ? 0 : compile(trust, KW_POLICY_TRUST, &parts->trust);
    parts->principal.trust = parts->trust;
    return r;
}

/* One form only: what an entity has by itself is written all the same, and read only as it is. */
static bool is_plain(const struct kw_principal *like, const struct kw_principal *entity)
{
    return strcmp(like->path, entity->path) == 0 && strcmp(like->name, entity->name) == 0 &&
           strcmp(like->id, entity->id) == 0;
}

int kw_record_principal_decode(struct kw_bytes text, struct kw_principal **ret)
{
    KW_CLEANUP(principal_parts_done) struct principal_parts parts = {.trust = NULL};
    struct kw_principal *like = &parts.principal, *made_of;
    struct kw_tlv in = begin(text);

    like->kind = need_kind(&in, KW_FIELD_PRINCIPAL_KIND);
    like->account = kw_tlv_need_text(&in, KW_FIELD_PRINCIPAL_ACCOUNT);
    like->path = kw_tlv_need_text(&in, KW_FIELD_PRINCIPAL_PATH);
    like->name = kw_tlv_need_text(&in, KW_FIELD_PRINCIPAL_NAME);
    need_text_in(&in, KW_FIELD_PRINCIPAL_ID, like->id, sizeof(like->id));
    like->created_ms = kw_tlv_take_i64(&in, KW_FIELD_PRINCIPAL_CREATED);
    like->enabled = kw_tlv_take_flag(&in, KW_FIELD_PRINCIPAL_ENABLED);
    KW_REQUIRE(!in.bad, KW_RECORD_BAD);
    int r = read_policies(&in, &parts);
    if (r == 0) {
        read_principal_tags(&in, &parts);
        KW_REQUIRE(!in.bad, KW_RECORD_BAD);
        r = read_trust(&in, &parts);
    }
    if (r == 0)
        r = made(kw_principal_new(&made_of, like));
    if (r != 0)
        return r;
    if (!is_plain(like, made_of)) {
        kw_principal_unref(made_of);
        return KW_RECORD_BAD;
    }
    *ret = made_of;
    return 0;
}

int kw_record_access_key_decode(struct kw_bytes text, struct kw_access_key **ret)
{
    struct kw_access_key like = {.use = NULL};
    KW_ERASE_GUARD(like);
    struct kw_tlv in = begin(text);

    need_text_in(&in, KW_FIELD_ACCESS_KEY_ID, like.id, sizeof(like.id));
    need_text_in(&in, KW_FIELD_ACCESS_KEY_SECRET, like.secret, sizeof(like.secret));
    need_text_in(&in, KW_FIELD_ACCESS_KEY_ACCOUNT, like.account, sizeof(like.account));
    like.kind = need_kind(&in, KW_FIELD_ACCESS_KEY_KIND);
    need_text_in(&in, KW_FIELD_ACCESS_KEY_NAME, like.name, sizeof(like.name));
    like.enabled = kw_tlv_take_flag(&in, KW_FIELD_ACCESS_KEY_ENABLED);
    like.created_ms = kw_tlv_take_i64(&in, KW_FIELD_ACCESS_KEY_CREATED);
    KW_REQUIRE(kw_tlv_done(&in), KW_RECORD_BAD);
    return made(kw_access_key_new(ret, &like));
}

int kw_record_access_use_decode(struct kw_bytes text, struct kw_access_use_entry *ret)
{
    struct kw_access_use_entry entry = {0};
    struct kw_tlv in = begin(text);

    entry.at_ms = kw_tlv_take_i64(&in, KW_FIELD_ACCESS_USE_AT);
    if (entry.at_ms != 0) {
        need_text_in(&in, KW_FIELD_ACCESS_USE_SERVICE, entry.service, sizeof(entry.service));
        need_text_in(&in, KW_FIELD_ACCESS_USE_REGION, entry.region, sizeof(entry.region));
    }
    KW_REQUIRE(kw_tlv_done(&in), KW_RECORD_BAD);
    *ret = entry;
    return 0;
}

int kw_record_custom_store_decode(struct kw_bytes text, struct kw_custom_store **ret)
{
    struct kw_custom_store like = {0};
    struct kw_tlv in = begin(text);

    need_text_in(&in, KW_FIELD_CUSTOM_STORE_ID, like.id, sizeof(like.id));
    like.account = kw_tlv_need_text(&in, KW_FIELD_CUSTOM_STORE_ACCOUNT);
    like.region = kw_tlv_need_text(&in, KW_FIELD_CUSTOM_STORE_REGION);
    like.name = kw_tlv_need_text(&in, KW_FIELD_CUSTOM_STORE_NAME);
    need_text_in(&in, KW_FIELD_CUSTOM_STORE_CLUSTER, like.cluster, sizeof(like.cluster));
    like.trust_anchor = kw_tlv_need_text(&in, KW_FIELD_CUSTOM_STORE_TRUST_ANCHOR);
    like.password = kw_tlv_need_text(&in, KW_FIELD_CUSTOM_STORE_PASSWORD);
    like.connect = kw_tlv_take_flag(&in, KW_FIELD_CUSTOM_STORE_CONNECT);
    like.created_ms = kw_tlv_take_i64(&in, KW_FIELD_CUSTOM_STORE_CREATED);
    KW_REQUIRE(kw_tlv_done(&in), KW_RECORD_BAD);
    return made(kw_custom_store_new(ret, &like));
}

int kw_record_lastuse_decode(struct kw_bytes text, struct kw_lastuse_entry *ret)
{
    struct kw_lastuse_entry entry = {0};
    struct kw_tlv in = begin(text);

    entry.at_ms = kw_tlv_take_i64(&in, KW_FIELD_LASTUSE_AT);
    if (entry.at_ms != 0) {
        entry.operation =
            need_name(&in, KW_FIELD_LASTUSE_OPERATION, kw_lastuse_operations, KW_LASTUSE_OPERATIONS_NUM);
        need_text_in(&in, KW_FIELD_LASTUSE_REQUEST_ID, entry.request_id, sizeof(entry.request_id));
        need_text_in(&in, KW_FIELD_LASTUSE_EVENT_ID, entry.event_id, sizeof(entry.event_id));
    }
    KW_REQUIRE(kw_tlv_done(&in), KW_RECORD_BAD);
    *ret = entry;
    return 0;
}
