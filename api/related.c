#include "api/related.h"

bool kw_related_is_replica(const struct kw_kms_key *key)
{
    return key->primary_region != NULL && strcmp(key->primary_region, key->region) != 0;
}

static const struct kw_kms_key *in_region(
    const struct kw_snapshot *snapshot, const struct kw_kms_key *key, const char *region)
{
    return kw_snapshot_key(snapshot, kw_bytes_str(key->account), kw_bytes_str(region), key->id);
}

const struct kw_kms_key *kw_related_primary(const struct kw_snapshot *snapshot, const struct kw_kms_key *key)
{
    return kw_related_is_replica(key) ? in_region(snapshot, key, key->primary_region) : NULL;
}

const struct kw_kms_key *kw_related_at(
    const struct kw_snapshot *snapshot, const struct kw_kms_key *key, uint32_t index)
{
    kw_assert(index < key->num_regions);
    return strcmp(key->regions[index], key->region) != 0 ? in_region(snapshot, key, key->regions[index])
                                                         : NULL;
}
