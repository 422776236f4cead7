#include "api/snapshot.h"

#include <stdlib.h>

/* ---- places ---- */

static int place_compare(const struct kw_place *a, const struct kw_place *b)
{
    for (unsigned i = 0; i < a->num && i < b->num; i++) {
        int order = kw_bytes_compare(a->part[i], b->part[i]);

        if (order != 0)
            return order;
    }
    if (a->num == b->num)
        return b->after ? -1 : 0;
    /* Only what is looked for is shorter; everything that begins with it is behind it, or before. */
    kw_assert(a->num > b->num);
    return b->after ? -1 : 1;
}

static struct kw_bytes text(const char *string)
{
    return kw_bytes_str(string);
}

static struct kw_place *place_init(void *room, unsigned num)
{
    struct kw_place *place = room;

    static_assert(sizeof(*place) + 16 <= KW_MAP_KEY_ROOM, "a place and eight bytes behind it fit");
    place->num = num;
    place->after = false;
    return place;
}

/* A map's order is that of the places of its entities. */
#define PLACE_TYPE(name, type, parts, ...)                                                                   \
    static const void *name##_place(const void *value, void *room)                                           \
    {                                                                                                        \
        const struct kw_##type *of = value;                                                                  \
        struct kw_place *place = place_init(room, parts);                                                    \
        const struct kw_bytes part[] = {__VA_ARGS__};                                                        \
        memcpy(place->part, part, sizeof(part));                                                             \
        return place;                                                                                        \
    }                                                                                                        \
    static int name##_compare(const void *value, const void *wanted)                                         \
    {                                                                                                        \
        uint64_t room[KW_MAP_KEY_ROOM / 8];                                                                  \
        return place_compare(name##_place(value, room), wanted);                                             \
    }                                                                                                        \
    static void name##_ref(const void *value)                                                                \
    {                                                                                                        \
        kw_##type##_ref(value);                                                                              \
    }                                                                                                        \
    static void name##_unref(const void *value)                                                              \
    {                                                                                                        \
        kw_##type##_unref(value);                                                                            \
    }                                                                                                        \
    static const struct kw_map_type name##_type = {                                                          \
        .ref = name##_ref, .unref = name##_unref, .compare = name##_compare, .key_of = name##_place};

/* The moment as eight bytes, so that their order is that of time; no moment here is before 1970. */
static struct kw_bytes due_part(const struct kw_kms_key *key, void *room)
{
    uint8_t *bytes = (uint8_t *)room + sizeof(struct kw_place);
    uint64_t due = (uint64_t)kw_kms_key_due_ms(key);

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(due >> (56 - 8 * i));
    return KW_BYTES(bytes, 8);
}

/* A kind as one byte. */
static struct kw_bytes kind_part(enum kw_principal_kind kind)
{
    static const uint8_t bytes[KW_PRINCIPAL_KIND_NUM] = {0, 1, 2};

    kw_assert((unsigned)kind < KW_PRINCIPAL_KIND_NUM);
    return KW_BYTES(&bytes[kind], 1);
}

PLACE_TYPE(keys, kms_key, 3, text(of->account), text(of->region), KW_BYTES(of->id, sizeof(of->id)))
PLACE_TYPE(keys_by_id, kms_key, 2, text(of->region), KW_BYTES(of->id, sizeof(of->id)))
PLACE_TYPE(due, kms_key, 4, due_part(of, room), text(of->account), text(of->region),
    KW_BYTES(of->id, sizeof(of->id)))
PLACE_TYPE(aliases, alias, 3, text(of->account), text(of->region), text(of->name))
PLACE_TYPE(key_aliases, alias, 4, text(of->account), text(of->region),
    KW_BYTES(of->key_id, sizeof(of->key_id)), text(of->name))
PLACE_TYPE(grants, grant, 4, text(of->account), text(of->region), KW_BYTES(of->key_id, sizeof(of->key_id)),
    KW_BYTES(of->id, sizeof(of->id)))
PLACE_TYPE(retirables, grant, 3, text(of->region), text(of->retiring), KW_BYTES(of->id, sizeof(of->id)))
PLACE_TYPE(grants_by_id, grant, 2, text(of->region), KW_BYTES(of->id, sizeof(of->id)))
PLACE_TYPE(named_grants, grant, 4, text(of->account), text(of->region),
    KW_BYTES(of->key_id, sizeof(of->key_id)), KW_BYTES(of->digest, sizeof(of->digest)))
/* By one text: what grantindex.c lays out so that it needs no place. */
static const void *by_grantee_key(const void *value, void *room)
{
    (void)room;
    return &((const struct kw_grant *)value)->slot;
}

static int by_grantee_compare(const void *value, const void *wanted)
{
    return kw_bytes_compare(((const struct kw_grant *)value)->slot, *(const struct kw_bytes *)wanted);
}

static uint32_t by_grantee_bits(const void *value)
{
    return ((const struct kw_grant *)value)->operations;
}

static const struct kw_map_type by_grantee_type = {
    .ref = grants_ref,
    .unref = grants_unref,
    .compare = by_grantee_compare,
    .key_of = by_grantee_key,
    .bits = by_grantee_bits,
};
PLACE_TYPE(principals, principal, 3, text(of->account), kind_part(of->kind), text(of->name))
PLACE_TYPE(access_keys, access_key, 1, text(of->id))
PLACE_TYPE(
    principal_keys, access_key, 4, text(of->account), kind_part(of->kind), text(of->name), text(of->id))
PLACE_TYPE(custom_stores, custom_store, 3, text(of->account), text(of->region), text(of->id))

struct kw_place kw_place_account(struct kw_bytes account, struct kw_bytes region)
{
    return (struct kw_place){.part = {account, region}, .num = 2};
}

struct kw_place kw_place_key(const struct kw_kms_key *key)
{
    return (struct kw_place){
        .part = {text(key->account), text(key->region), KW_BYTES(key->id, sizeof(key->id))}, .num = 3};
}

struct kw_place kw_place_principal(const struct kw_principal *principal)
{
    return (struct kw_place){
        .part = {text(principal->account), kind_part(principal->kind), text(principal->name)}, .num = 3};
}

size_t kw_snapshot_count(const struct kw_map *map, const struct kw_place *place)
{
    struct kw_place end = *place;

    end.after = true;
    return kw_map_rank(map, &end) - kw_map_rank(map, place);
}

/* ---- look-ups ---- */

const struct kw_kms_key *kw_snapshot_key(const struct kw_snapshot *snapshot, struct kw_bytes account,
    struct kw_bytes region, const uint8_t id[KW_KMS_KEY_ID_LEN])
{
    struct kw_place place = {.part = {account, region, KW_BYTES(id, KW_KMS_KEY_ID_LEN)}, .num = 3};

    return kw_map_find(&snapshot->keys, &place);
}

const struct kw_kms_key *kw_snapshot_key_by_id(
    const struct kw_snapshot *snapshot, struct kw_bytes region, const uint8_t id[KW_KMS_KEY_ID_LEN])
{
    struct kw_place place = {.part = {region, KW_BYTES(id, KW_KMS_KEY_ID_LEN)}, .num = 2};

    return kw_map_find(&snapshot->keys_by_id, &place);
}

/* AWS has some forty regions; a list of those to serve can be longer. */
#define REGIONS_LOOKED_AT 64u

/* From region to region: each one's first key says where the next one's are. */
const struct kw_kms_key *kw_snapshot_key_anywhere(
    const struct kw_snapshot *snapshot, const uint8_t id[KW_KMS_KEY_ID_LEN])
{
    const struct kw_map *map = &snapshot->keys_by_id;
    size_t at = 0;

    for (unsigned i = 0; i < REGIONS_LOOKED_AT && at < kw_map_len(map); i++) {
        const struct kw_kms_key *first = kw_map_at(map, at), *key;
        struct kw_place behind = {.part = {kw_bytes_str(first->region)}, .num = 1, .after = true};

        key = kw_snapshot_key_by_id(snapshot, behind.part[0], id);
        if (key != NULL)
            return key;
        at = kw_map_rank(map, &behind);
    }
    return NULL;
}

const struct kw_alias *kw_snapshot_alias(
    const struct kw_snapshot *snapshot, struct kw_bytes account, struct kw_bytes region, struct kw_bytes name)
{
    struct kw_place place = {.part = {account, region, name}, .num = 3};

    return kw_map_find(&snapshot->aliases, &place);
}

const struct kw_grant *kw_snapshot_grant(
    const struct kw_snapshot *snapshot, const struct kw_kms_key *key, const uint8_t id[32])
{
    struct kw_place place = kw_place_key(key);

    place.part[place.num++] = KW_BYTES(id, 32);
    return kw_map_find(&snapshot->grants, &place);
}

const struct kw_grant *kw_snapshot_grant_by_id(
    const struct kw_snapshot *snapshot, struct kw_bytes region, const uint8_t id[32])
{
    struct kw_place place = {.part = {region, KW_BYTES(id, 32)}, .num = 2};

    return kw_map_find(&snapshot->grants_by_id, &place);
}

const struct kw_grant *kw_snapshot_same_grant(const struct kw_snapshot *snapshot, const struct kw_grant *like)
{
    uint64_t room[KW_MAP_KEY_ROOM / 8];

    return kw_map_find(&snapshot->named_grants, named_grants_place(like, room));
}

const struct kw_principal *kw_snapshot_principal(const struct kw_snapshot *snapshot, struct kw_bytes account,
    enum kw_principal_kind kind, struct kw_bytes name)
{
    struct kw_place place = {.part = {account, kind_part(kind), name}, .num = 3};

    return kw_map_find(&snapshot->principals, &place);
}

const struct kw_access_key *kw_snapshot_access_key(const struct kw_snapshot *snapshot, struct kw_bytes id)
{
    struct kw_place place = {.part = {id}, .num = 1};

    return kw_map_find(&snapshot->access_keys, &place);
}

const struct kw_custom_store *kw_snapshot_custom_store(
    const struct kw_snapshot *snapshot, struct kw_bytes account, struct kw_bytes region, struct kw_bytes id)
{
    struct kw_place place = {.part = {account, region, id}, .num = 3};

    return kw_map_find(&snapshot->custom_stores, &place);
}

const struct kw_custom_store *kw_snapshot_store_of(
    const struct kw_snapshot *snapshot, const struct kw_kms_key *key)
{
    if (key->custom_store == NULL)
        return NULL;
    return kw_snapshot_custom_store(snapshot, text(key->account), text(key->region), text(key->custom_store));
}

/* ---- life cycle ---- */

int kw_snapshot_new(struct kw_snapshot **ret, const struct kw_snapshot *current)
{
    struct kw_snapshot *next = calloc(1, sizeof(*next));
    static const struct kw_snapshot nothing = {
        .keys = {.type = &keys_type},
        .keys_by_id = {.type = &keys_by_id_type},
        .due = {.type = &due_type},
        .aliases = {.type = &aliases_type},
        .key_aliases = {.type = &key_aliases_type},
        .grants = {.type = &grants_type},
        .retirables = {.type = &retirables_type},
        .grants_by_id = {.type = &grants_by_id_type},
        .grants_by_grantee = {.type = &by_grantee_type},
        .named_grants = {.type = &named_grants_type},
        .principals = {.type = &principals_type},
        .access_keys = {.type = &access_keys_type},
        .principal_keys = {.type = &principal_keys_type},
        .custom_stores = {.type = &custom_stores_type},
    };

    KW_REQUIRE(next != NULL, -ENOMEM);
    if (current == NULL)
        current = &nothing;
    next->version = current->version + 1;
    kw_map_share(&next->keys, &current->keys);
    kw_map_share(&next->keys_by_id, &current->keys_by_id);
    kw_map_share(&next->due, &current->due);
    kw_map_share(&next->aliases, &current->aliases);
    kw_map_share(&next->key_aliases, &current->key_aliases);
    kw_map_share(&next->grants, &current->grants);
    kw_map_share(&next->retirables, &current->retirables);
    kw_map_share(&next->grants_by_id, &current->grants_by_id);
    kw_map_share(&next->grants_by_grantee, &current->grants_by_grantee);
    kw_map_share(&next->named_grants, &current->named_grants);
    kw_map_share(&next->principals, &current->principals);
    kw_map_share(&next->access_keys, &current->access_keys);
    kw_map_share(&next->principal_keys, &current->principal_keys);
    kw_map_share(&next->custom_stores, &current->custom_stores);
    *ret = next;
    return 0;
}

void kw_snapshot_free(struct kw_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    kw_map_drop(&snapshot->keys);
    kw_map_drop(&snapshot->keys_by_id);
    kw_map_drop(&snapshot->due);
    kw_map_drop(&snapshot->aliases);
    kw_map_drop(&snapshot->key_aliases);
    kw_map_drop(&snapshot->grants);
    kw_map_drop(&snapshot->retirables);
    kw_map_drop(&snapshot->grants_by_id);
    kw_map_drop(&snapshot->grants_by_grantee);
    kw_map_drop(&snapshot->named_grants);
    kw_map_drop(&snapshot->principals);
    kw_map_drop(&snapshot->access_keys);
    kw_map_drop(&snapshot->principal_keys);
    kw_map_drop(&snapshot->custom_stores);
    free(snapshot);
}

/* ---- changes ---- */

static int put(struct kw_map *map, const void *value)
{
    map->type->ref(value);
    int r = kw_map_put(map, value);
    if (r != 0)
        map->type->unref(value);
    return r;
}

static int take(struct kw_map *map, const void *value)
{
    uint64_t room[KW_MAP_KEY_ROOM / 8];
    int r = kw_map_remove(map, map->type->key_of(value, room));

    kw_assert(r != KW_MAP_NONE);
    return r;
}

static bool is_due(const struct kw_kms_key *key)
{
    return kw_kms_key_due_ms(key) != INT64_MAX;
}

int kw_snapshot_put_key(struct kw_snapshot *snapshot, const struct kw_kms_key *key)
{
    const struct kw_kms_key *before =
        kw_snapshot_key(snapshot, text(key->account), text(key->region), key->id);

    if (before != NULL && is_due(before))
        KW_TRY(take(&snapshot->due, before));
    KW_TRY(put(&snapshot->keys, key));
    KW_TRY(put(&snapshot->keys_by_id, key));
    return is_due(key) ? put(&snapshot->due, key) : 0;
}

int kw_snapshot_remove_key(struct kw_snapshot *snapshot, const struct kw_kms_key *key)
{
    /* One of the maps holds the last reference. */
    kw_kms_key_ref(key);
    int r = is_due(key) ? take(&snapshot->due, key) : 0;
    if (r == 0)
        r = take(&snapshot->keys_by_id, key);
    if (r == 0)
        r = take(&snapshot->keys, key);
    kw_kms_key_unref(key);
    return r;
}

int kw_snapshot_put_alias(struct kw_snapshot *snapshot, const struct kw_alias *alias)
{
    const struct kw_alias *before =
        kw_snapshot_alias(snapshot, text(alias->account), text(alias->region), text(alias->name));

    /* It may have belonged to another key. */
    if (before != NULL)
        KW_TRY(take(&snapshot->key_aliases, before));
    KW_TRY(put(&snapshot->aliases, alias));
    return put(&snapshot->key_aliases, alias);
}

int kw_snapshot_remove_alias(struct kw_snapshot *snapshot, const struct kw_alias *alias)
{
    kw_alias_ref(alias);
    int r = take(&snapshot->key_aliases, alias);
    if (r == 0)
        r = take(&snapshot->aliases, alias);
    kw_alias_unref(alias);
    return r;
}

static const struct kw_grant *same_grant(const struct kw_snapshot *snapshot, const struct kw_grant *grant)
{
    uint64_t room[KW_MAP_KEY_ROOM / 8];

    return kw_map_find(&snapshot->grants, grants_place(grant, room));
}

/* Of grants that say the same, which no caller can make, the index shows one. */
static int take_named(struct kw_snapshot *snapshot, const struct kw_grant *grant)
{
    return kw_snapshot_same_grant(snapshot, grant) == grant ? take(&snapshot->named_grants, grant) : 0;
}

/* From the indices that do not have it under its own name. */
static int take_sorted(struct kw_snapshot *snapshot, const struct kw_grant *grant)
{
    KW_TRY(take(&snapshot->grants_by_grantee, grant));
    if (grant->retiring != NULL)
        KW_TRY(take(&snapshot->retirables, grant));
    return grant->name != NULL ? take_named(snapshot, grant) : 0;
}

int kw_snapshot_put_grant(struct kw_snapshot *snapshot, const struct kw_grant *grant)
{
    const struct kw_grant *before = same_grant(snapshot, grant);

    if (before != NULL)
        KW_TRY(take_sorted(snapshot, before));
    KW_TRY(put(&snapshot->grants, grant));
    KW_TRY(put(&snapshot->grants_by_id, grant));
    KW_TRY(put(&snapshot->grants_by_grantee, grant));
    if (grant->retiring != NULL)
        KW_TRY(put(&snapshot->retirables, grant));
    return grant->name != NULL ? put(&snapshot->named_grants, grant) : 0;
}

int kw_snapshot_remove_grant(struct kw_snapshot *snapshot, const struct kw_grant *grant)
{
    kw_grant_ref(grant);
    int r = take_sorted(snapshot, grant);
    if (r == 0 && kw_snapshot_grant_by_id(snapshot, text(grant->region), grant->id) == grant)
        r = take(&snapshot->grants_by_id, grant);
    if (r == 0)
        r = take(&snapshot->grants, grant);
    kw_grant_unref(grant);
    return r;
}

int kw_snapshot_put_principal(struct kw_snapshot *snapshot, const struct kw_principal *principal)
{
    return put(&snapshot->principals, principal);
}

int kw_snapshot_remove_principal(struct kw_snapshot *snapshot, const struct kw_principal *principal)
{
    kw_principal_ref(principal);
    int r = take(&snapshot->principals, principal);
    kw_principal_unref(principal);
    return r;
}

int kw_snapshot_put_access_key(struct kw_snapshot *snapshot, const struct kw_access_key *key)
{
    const struct kw_access_key *before = kw_snapshot_access_key(snapshot, text(key->id));

    /* It may have been another's. */
    if (before != NULL)
        KW_TRY(take(&snapshot->principal_keys, before));
    KW_TRY(put(&snapshot->access_keys, key));
    return put(&snapshot->principal_keys, key);
}

int kw_snapshot_remove_access_key(struct kw_snapshot *snapshot, const struct kw_access_key *key)
{
    kw_access_key_ref(key);
    int r = take(&snapshot->principal_keys, key);
    if (r == 0)
        r = take(&snapshot->access_keys, key);
    kw_access_key_unref(key);
    return r;
}

int kw_snapshot_put_custom_store(struct kw_snapshot *snapshot, const struct kw_custom_store *store)
{
    return put(&snapshot->custom_stores, store);
}

int kw_snapshot_remove_custom_store(struct kw_snapshot *snapshot, const struct kw_custom_store *store)
{
    kw_custom_store_ref(store);
    int r = take(&snapshot->custom_stores, store);
    kw_custom_store_unref(store);
    return r;
}
