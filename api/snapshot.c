#include "api/snapshot.h"

#include "api/entity.h"

#include <stdlib.h>

/* Where a key or an alias stands in its array; name is the id's bytes or the alias name. */
struct place {
    struct kw_bytes account, region, name;
};

static int place_compare(const struct place *a, const struct place *b)
{
    int order = kw_bytes_compare(a->account, b->account);
    if (order == 0)
        order = kw_bytes_compare(a->region, b->region);
    return order != 0 ? order : kw_bytes_compare(a->name, b->name);
}

static struct place key_place(const struct kw_snapshot *snapshot, size_t at)
{
    const struct kw_kms_key *key = snapshot->keys[at];
    return (struct place){
        kw_bytes_str(key->account), kw_bytes_str(key->region), KW_BYTES(key->id, sizeof(key->id))};
}

static struct place alias_place(const struct kw_snapshot *snapshot, size_t at)
{
    const struct kw_alias *alias = snapshot->aliases[at];
    return (struct place){
        kw_bytes_str(alias->account), kw_bytes_str(alias->region), kw_bytes_str(alias->name)};
}

static struct place id_place(const struct kw_snapshot *snapshot, size_t at)
{
    return (struct place){.name = KW_BYTES(snapshot->keys_by_id[at]->id, KW_KMS_KEY_ID_LEN)};
}

static struct place principal_place(const struct kw_snapshot *snapshot, size_t at)
{
    return (struct place){.name = kw_bytes_str(snapshot->principals[at]->access_key_id)};
}

typedef struct place place_at(const struct kw_snapshot *snapshot, size_t at);

/* Index of the first of num entries that sorts after the wanted place. */
static size_t first_after(
    const struct kw_snapshot *snapshot, size_t num, place_at *at, const struct place *wanted)
{
    size_t low = 0, high = num;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct place here = at(snapshot, middle);

        if (place_compare(&here, wanted) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* An entry at the wanted place is the one before the first after it. Returns its index, or num if there is
 * none. */
static size_t find(const struct kw_snapshot *snapshot, size_t num, place_at *at, const struct place *wanted)
{
    size_t after = first_after(snapshot, num, at, wanted);

    if (after == 0)
        return num;
    struct place here = at(snapshot, after - 1);
    return place_compare(&here, wanted) == 0 ? after - 1 : num;
}

const struct kw_kms_key *kw_snapshot_key(const struct kw_snapshot *snapshot, struct kw_bytes account,
    struct kw_bytes region, const uint8_t id[KW_KMS_KEY_ID_LEN])
{
    struct place wanted = {account, region, KW_BYTES(id, KW_KMS_KEY_ID_LEN)};
    size_t i = find(snapshot, snapshot->num_keys, key_place, &wanted);
    return i < snapshot->num_keys ? snapshot->keys[i] : NULL;
}

const struct kw_kms_key *kw_snapshot_key_by_id(
    const struct kw_snapshot *snapshot, const uint8_t id[KW_KMS_KEY_ID_LEN])
{
    struct place wanted = {.name = KW_BYTES(id, KW_KMS_KEY_ID_LEN)};
    size_t i = find(snapshot, snapshot->num_keys, id_place, &wanted);
    return i < snapshot->num_keys ? snapshot->keys_by_id[i] : NULL;
}

const struct kw_alias *kw_snapshot_alias(
    const struct kw_snapshot *snapshot, struct kw_bytes account, struct kw_bytes region, struct kw_bytes name)
{
    struct place wanted = {account, region, name};
    size_t i = find(snapshot, snapshot->num_aliases, alias_place, &wanted);
    return i < snapshot->num_aliases ? snapshot->aliases[i] : NULL;
}

const struct kw_principal *kw_snapshot_principal(
    const struct kw_snapshot *snapshot, struct kw_bytes access_key_id)
{
    struct place wanted = {.name = access_key_id};
    size_t i = find(snapshot, snapshot->num_principals, principal_place, &wanted);
    return i < snapshot->num_principals ? snapshot->principals[i] : NULL;
}

size_t kw_snapshot_key_after(const struct kw_snapshot *snapshot, struct kw_bytes account,
    struct kw_bytes region, const uint8_t *after_id)
{
    struct place wanted = {account, region, KW_BYTES(after_id, after_id ? KW_KMS_KEY_ID_LEN : 0)};
    return first_after(snapshot, snapshot->num_keys, key_place, &wanted);
}

size_t kw_snapshot_alias_after(const struct kw_snapshot *snapshot, struct kw_bytes account,
    struct kw_bytes region, struct kw_bytes after_name)
{
    struct place wanted = {account, region, after_name};
    return first_after(snapshot, snapshot->num_aliases, alias_place, &wanted);
}

size_t kw_snapshot_id_after(const struct kw_snapshot *snapshot, const uint8_t after_id[KW_KMS_KEY_ID_LEN])
{
    struct place wanted = {.name = KW_BYTES(after_id, KW_KMS_KEY_ID_LEN)};
    return first_after(snapshot, snapshot->num_keys, id_place, &wanted);
}

size_t kw_snapshot_principal_after(const struct kw_snapshot *snapshot, struct kw_bytes after_access_key_id)
{
    struct place wanted = {.name = after_access_key_id};
    return first_after(snapshot, snapshot->num_principals, principal_place, &wanted);
}

const struct kw_backing_key *kw_kms_key_current(const struct kw_kms_key *key)
{
    kw_assert(key->num_backing > 0);
    return &key->backing[key->num_backing - 1];
}

const struct kw_backing_key *kw_kms_key_material(
    const struct kw_kms_key *key, const uint8_t material_id[KW_MATERIAL_ID_LEN])
{
    /* From the newest, which most blobs name. */
    for (uint32_t i = key->num_backing; i-- > 0;) {
        if (memcmp(key->backing[i].material_id, material_id, KW_MATERIAL_ID_LEN) == 0)
            return &key->backing[i];
    }
    return NULL;
}

void kw_snapshot_free(struct kw_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    for (size_t i = 0; i < snapshot->num_keys; i++)
        kw_kms_key_unref(snapshot->keys[i]);
    for (size_t i = 0; i < snapshot->num_aliases; i++)
        kw_alias_unref(snapshot->aliases[i]);
    for (size_t i = 0; i < snapshot->num_principals; i++)
        kw_principal_unref(snapshot->principals[i]);
    free(snapshot->keys);
    free(snapshot->keys_by_id);
    free(snapshot->aliases);
    free(snapshot->principals);
    free(snapshot);
}
