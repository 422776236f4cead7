#include "api/keystore_seal.h"
#include "api/record_internal.h"
#include "api/tlv.h"

const char *const kw_record_rotations[3] = {
    [KW_ROTATION_AUTOMATIC] = "AUTOMATIC",
    [KW_ROTATION_ON_DEMAND] = "ON_DEMAND",
};

const char *kw_record_kind_name(enum kw_record_kind kind)
{
    static const char *const names[KW_RECORD_KIND_NUM] = {
        [KW_RECORD_KEY] = "key",
        [KW_RECORD_ALIAS] = "alias",
        [KW_RECORD_GRANT] = "grant",
        [KW_RECORD_CREDENTIALS] = "principal",
        [KW_RECORD_LASTUSE] = "last use",
        [KW_RECORD_CUSTOM_STORE] = "key store",
        [KW_RECORD_PRINCIPAL] = "root, user or role",
        [KW_RECORD_ACCESS_KEY] = "access key",
        [KW_RECORD_ACCESS_USE] = "last use of an access key",
        [KW_RECORD_SAVED_POOL] = "saved pool",
    };

    kw_assert((size_t)kind < KW_ARRAY_LEN(names) && names[kind] != NULL);
    return names[kind];
}

/* ---- names ---- */

void kw_record_key_name(const struct kw_kms_key *key, struct kw_buf *ret)
{
    kw_seal_put_field(ret, kw_bytes_str(key->account));
    kw_seal_put_field(ret, kw_bytes_str(key->region));
    kw_seal_put_field(ret, KW_BYTES(key->id, sizeof(key->id)));
}

void kw_record_alias_name(const struct kw_alias *alias, struct kw_buf *ret)
{
    kw_seal_put_field(ret, kw_bytes_str(alias->account));
    kw_seal_put_field(ret, kw_bytes_str(alias->region));
    kw_seal_put_field(ret, kw_bytes_str(alias->name));
}

void kw_record_grant_name(const struct kw_grant *grant, struct kw_buf *ret)
{
    kw_seal_put_field(ret, kw_bytes_str(grant->account));
    kw_seal_put_field(ret, kw_bytes_str(grant->region));
    kw_seal_put_field(ret, KW_BYTES(grant->key_id, sizeof(grant->key_id)));
    kw_seal_put_field(ret, KW_BYTES(grant->id, sizeof(grant->id)));
}

void kw_record_principal_name(const struct kw_principal *principal, struct kw_buf *ret)
{
    kw_seal_put_field(ret, kw_bytes_str(principal->account));
    kw_seal_put_field(ret, kw_bytes_str(kw_principal_kind_name(principal->kind)));
    kw_seal_put_field(ret, kw_bytes_str(principal->name));
}

void kw_record_access_key_name(const struct kw_access_key *key, struct kw_buf *ret)
{
    kw_seal_put_field(ret, kw_bytes_str(key->id));
}

void kw_record_custom_store_name(const struct kw_custom_store *store, struct kw_buf *ret)
{
    kw_seal_put_field(ret, kw_bytes_str(store->account));
    kw_seal_put_field(ret, kw_bytes_str(store->region));
    kw_seal_put_field(ret, kw_bytes_str(store->id));
}

/* ---- fields ---- */

static void put_version(struct kw_sbuf *out)
{
    static const uint8_t version = KW_RECORD_VERSION;

    kw_sbuf_put(out, &version, 1);
}

static void put_pair(struct kw_sbuf *out, uint8_t tag, const char *key, const char *value)
{
    size_t opened = kw_tlv_open(out, tag);

    kw_tlv_put_text(out, KW_FIELD_PAIR_KEY, key);
    kw_tlv_put_text(out, KW_FIELD_PAIR_VALUE, value);
    kw_tlv_close(out, opened);
}

static void put_material(struct kw_sbuf *out, const struct kw_generation *generation)
{
    const struct kw_material *material = generation->material;

    if (material == NULL)
        return;
    kw_assert(memcmp(material->id, generation->id, sizeof(generation->id)) == 0);
    kw_tlv_put(out, KW_FIELD_GENERATION_SECRET, material->secret);
    if (material->public_der.len > 0)
        kw_tlv_put(out, KW_FIELD_GENERATION_PUBLIC, material->public_der);
}

static void put_generation(struct kw_sbuf *out, const struct kw_generation *generation)
{
    size_t opened = kw_tlv_open(out, KW_FIELD_KEY_GENERATION);

    kw_assert((size_t)generation->rotation < KW_ARRAY_LEN(kw_record_rotations));
    kw_tlv_put(out, KW_FIELD_GENERATION_ID, KW_BYTES(generation->id, sizeof(generation->id)));
    put_material(out, generation);
    kw_tlv_put_i64(out, KW_FIELD_GENERATION_CREATED, generation->created_ms);
    kw_tlv_put_i64(out, KW_FIELD_GENERATION_ROTATED, generation->rotated_ms);
    kw_tlv_put_text(out, KW_FIELD_GENERATION_ROTATION, kw_record_rotations[generation->rotation]);
    kw_tlv_put_flag(out, KW_FIELD_GENERATION_PENDING, generation->pending);
    kw_tlv_put_i64(out, KW_FIELD_GENERATION_VALID_TO, generation->valid_to_ms);
    kw_tlv_put_text(out, KW_FIELD_GENERATION_DESCRIPTION, generation->description);
    kw_tlv_close(out, opened);
}

static void put_key_attributes(struct kw_sbuf *out, const struct kw_kms_key *key)
{
    kw_tlv_put(out, KW_FIELD_KEY_ID, KW_BYTES(key->id, sizeof(key->id)));
    kw_tlv_put_flag(out, KW_FIELD_KEY_MULTI_REGION, key->multi_region);
    kw_tlv_put_text(out, KW_FIELD_KEY_ACCOUNT, key->account);
    kw_tlv_put_text(out, KW_FIELD_KEY_REGION, key->region);
    kw_tlv_put_text(out, KW_FIELD_KEY_SPEC, kw_key_spec_name(key->spec));
    kw_tlv_put_text(out, KW_FIELD_KEY_USAGE, kw_key_usage_name(key->usage));
    kw_tlv_put_text(out, KW_FIELD_KEY_ORIGIN, kw_key_origin_name(key->origin));
    kw_tlv_put_text(out, KW_FIELD_KEY_STATE, kw_key_state_name(key->state));
    kw_tlv_put_i64(out, KW_FIELD_KEY_CREATED, key->created_ms);
    kw_tlv_put_text(out, KW_FIELD_KEY_DESCRIPTION, key->description != NULL ? key->description : "");
    if (key->policy != NULL)
        kw_tlv_put_text(out, KW_FIELD_KEY_POLICY, (const char *)kw_policy_text(key->policy).ptr);
    kw_tlv_put_i64(out, KW_FIELD_KEY_DELETION, key->deletion_ms);
    kw_tlv_put_u32(out, KW_FIELD_KEY_PENDING_DAYS, key->pending_days);
}

static void put_key_rotation(struct kw_sbuf *out, const struct kw_kms_key *key)
{
    kw_tlv_put_flag(out, KW_FIELD_KEY_ROTATES, key->rotates);
    kw_tlv_put_u32(out, KW_FIELD_KEY_ROTATION_DAYS, key->rotation_days);
    kw_tlv_put_i64(out, KW_FIELD_KEY_ROTATION_NEXT, key->rotation_next_ms);
    kw_tlv_put_u32(out, KW_FIELD_KEY_NUM_ON_DEMAND, key->num_on_demand);
}

void kw_record_key_encode(const struct kw_kms_key *key, struct kw_sbuf *out)
{
    put_version(out);
    put_key_attributes(out, key);
    put_key_rotation(out, key);
    kw_tlv_put_text(out, KW_FIELD_KEY_PRIMARY_REGION, key->primary_region);
    for (uint32_t i = 0; i < key->num_regions; i++)
        kw_tlv_put_text(out, KW_FIELD_KEY_REPLICA_REGION, key->regions[i]);
    for (uint32_t i = 0; i < key->num_generations; i++)
        put_generation(out, &key->generations[i]);
    kw_tlv_put_u32(out, KW_FIELD_KEY_CURRENT, key->current);
    for (uint32_t i = 0; i < key->num_tags; i++)
        put_pair(out, KW_FIELD_KEY_TAG, key->tags[i].key, key->tags[i].value);
    kw_tlv_put_text(out, KW_FIELD_KEY_CUSTOM_STORE, key->custom_store);
}

void kw_record_alias_encode(const struct kw_alias *alias, struct kw_sbuf *out)
{
    put_version(out);
    kw_tlv_put_text(out, KW_FIELD_ALIAS_ACCOUNT, alias->account);
    kw_tlv_put_text(out, KW_FIELD_ALIAS_REGION, alias->region);
    kw_tlv_put_text(out, KW_FIELD_ALIAS_NAME, alias->name);
    kw_tlv_put(out, KW_FIELD_ALIAS_KEY_ID, KW_BYTES(alias->key_id, sizeof(alias->key_id)));
    kw_tlv_put_i64(out, KW_FIELD_ALIAS_CREATED, alias->created_ms);
    kw_tlv_put_i64(out, KW_FIELD_ALIAS_UPDATED, alias->updated_ms);
}

static void put_operations(struct kw_sbuf *out, uint32_t operations)
{
    kw_assert(operations >> KW_GRANT_OPERATIONS_NUM == 0);
    for (uint32_t i = 0; i < KW_GRANT_OPERATIONS_NUM; i++)
        if ((operations & 1u << i) != 0)
            kw_tlv_put_text(out, KW_FIELD_GRANT_OPERATION, kw_grant_operation_names[i]);
}

static void put_constraint(
    struct kw_sbuf *out, uint8_t tag, bool has, const struct kw_grant_pair *pairs, uint32_t num)
{
    if (!has)
        return;
    size_t opened = kw_tlv_open(out, tag);
    for (uint32_t i = 0; i < num; i++)
        put_pair(out, KW_FIELD_PAIR, pairs[i].key, pairs[i].value);
    kw_tlv_close(out, opened);
}

void kw_record_grant_encode(const struct kw_grant *grant, struct kw_sbuf *out)
{
    put_version(out);
    kw_tlv_put(out, KW_FIELD_GRANT_ID, KW_BYTES(grant->id, sizeof(grant->id)));
    kw_tlv_put_text(out, KW_FIELD_GRANT_ACCOUNT, grant->account);
    kw_tlv_put_text(out, KW_FIELD_GRANT_REGION, grant->region);
    kw_tlv_put(out, KW_FIELD_GRANT_KEY_ID, KW_BYTES(grant->key_id, sizeof(grant->key_id)));
    kw_tlv_put_text(out, KW_FIELD_GRANT_GRANTEE, grant->grantee);
    kw_tlv_put_text(out, KW_FIELD_GRANT_RETIRING, grant->retiring);
    kw_tlv_put_text(out, KW_FIELD_GRANT_NAME, grant->name);
    put_operations(out, grant->operations);
    put_constraint(out, KW_FIELD_GRANT_EQUALS, grant->has_equals, grant->equals, grant->num_equals);
    put_constraint(out, KW_FIELD_GRANT_SUBSET, grant->has_subset, grant->subset, grant->num_subset);
    kw_tlv_put_i64(out, KW_FIELD_GRANT_CREATED, grant->created_ms);
}

/* Its text, which ends with a NUL; NULL: none. */
static const char *policy_text(const struct kw_policy *policy)
{
    return policy == NULL ? NULL : (const char *)kw_policy_text(policy).ptr;
}

void kw_record_principal_encode(const struct kw_principal *principal, struct kw_sbuf *out)
{
    put_version(out);
    kw_tlv_put_text(out, KW_FIELD_PRINCIPAL_KIND, kw_principal_kind_name(principal->kind));
    kw_tlv_put_text(out, KW_FIELD_PRINCIPAL_ACCOUNT, principal->account);
    kw_tlv_put_text(out, KW_FIELD_PRINCIPAL_PATH, principal->path);
    kw_tlv_put_text(out, KW_FIELD_PRINCIPAL_NAME, principal->name);
    kw_tlv_put_text(out, KW_FIELD_PRINCIPAL_ID, principal->id);
    kw_tlv_put_i64(out, KW_FIELD_PRINCIPAL_CREATED, principal->created_ms);
    kw_tlv_put_flag(out, KW_FIELD_PRINCIPAL_ENABLED, principal->enabled);
    for (uint32_t i = 0; i < principal->num_policies; i++)
        put_pair(out, KW_FIELD_PRINCIPAL_POLICY, principal->policies[i].name,
            policy_text(principal->policies[i].policy));
    for (uint32_t i = 0; i < principal->num_tags; i++)
        put_pair(out, KW_FIELD_PRINCIPAL_TAG, principal->tags[i].key, principal->tags[i].value);
    kw_tlv_put_text(out, KW_FIELD_PRINCIPAL_TRUST, policy_text(principal->trust));
    kw_tlv_put_u32(out, KW_FIELD_PRINCIPAL_SESSION_MAX, principal->session_max_s);
}

void kw_record_access_key_encode(const struct kw_access_key *key, struct kw_sbuf *out)
{
    put_version(out);
    kw_tlv_put_text(out, KW_FIELD_ACCESS_KEY_ID, key->id);
    kw_tlv_put_text(out, KW_FIELD_ACCESS_KEY_SECRET, key->secret);
    kw_tlv_put_text(out, KW_FIELD_ACCESS_KEY_ACCOUNT, key->account);
    kw_tlv_put_text(out, KW_FIELD_ACCESS_KEY_KIND, kw_principal_kind_name(key->kind));
    kw_tlv_put_text(out, KW_FIELD_ACCESS_KEY_NAME, key->name);
    kw_tlv_put_flag(out, KW_FIELD_ACCESS_KEY_ENABLED, key->enabled);
    kw_tlv_put_i64(out, KW_FIELD_ACCESS_KEY_CREATED, key->created_ms);
}

void kw_record_access_use_encode(const struct kw_access_use_entry *entry, struct kw_sbuf *out)
{
    put_version(out);
    if (entry->at_ms == 0)
        return; /* never used: the rest means nothing */
    kw_tlv_put_i64(out, KW_FIELD_ACCESS_USE_AT, entry->at_ms);
    kw_tlv_put_text(out, KW_FIELD_ACCESS_USE_SERVICE, entry->service);
    kw_tlv_put_text(out, KW_FIELD_ACCESS_USE_REGION, entry->region);
}

void kw_record_custom_store_encode(const struct kw_custom_store *store, struct kw_sbuf *out)
{
    put_version(out);
    kw_tlv_put_text(out, KW_FIELD_CUSTOM_STORE_ID, store->id);
    kw_tlv_put_text(out, KW_FIELD_CUSTOM_STORE_ACCOUNT, store->account);
    kw_tlv_put_text(out, KW_FIELD_CUSTOM_STORE_REGION, store->region);
    kw_tlv_put_text(out, KW_FIELD_CUSTOM_STORE_NAME, store->name);
    kw_tlv_put_text(out, KW_FIELD_CUSTOM_STORE_CLUSTER, store->cluster);
    kw_tlv_put_text(out, KW_FIELD_CUSTOM_STORE_TRUST_ANCHOR, store->trust_anchor);
    kw_tlv_put_text(out, KW_FIELD_CUSTOM_STORE_PASSWORD, store->password);
    kw_tlv_put_flag(out, KW_FIELD_CUSTOM_STORE_CONNECT, store->connect);
    kw_tlv_put_i64(out, KW_FIELD_CUSTOM_STORE_CREATED, store->created_ms);
}

void kw_record_lastuse_encode(const struct kw_lastuse_entry *entry, struct kw_sbuf *out)
{
    put_version(out);
    if (entry->at_ms == 0)
        return; /* never used: the rest means nothing */
    kw_assert(entry->operation < KW_LASTUSE_OPERATIONS_NUM);
    kw_tlv_put_i64(out, KW_FIELD_LASTUSE_AT, entry->at_ms);
    kw_tlv_put_text(out, KW_FIELD_LASTUSE_OPERATION, kw_lastuse_operations[entry->operation]);
    kw_tlv_put_text(out, KW_FIELD_LASTUSE_REQUEST_ID, entry->request_id);
    kw_tlv_put_text(out, KW_FIELD_LASTUSE_EVENT_ID, entry->event_id);
}
