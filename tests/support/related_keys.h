/* related_keys - keys in several regions, and keys with imported material, on top of the keystore rig. */
#ifndef KW_TESTS_SUPPORT_RELATED_KEYS_H
#define KW_TESTS_SUPPORT_RELATED_KEYS_H

#include "tests/support/keystore_rig.h"

#define REPLICA_TEXT "eu-west-1"
#define THIRD_TEXT   "ap-south-1"
#define DAY_MS       INT64_C(86400000)

static const char *const related_regions[] = {REGION_TEXT, REPLICA_TEXT, THIRD_TEXT};

static inline const struct kw_kms_key *find_in(const char *region, uint32_t number)
{
    uint8_t id[KW_KMS_KEY_ID_LEN];
    id_of(number, id);
    return kw_snapshot_key(now, ACCOUNT, kw_bytes_str(region), id);
}

static inline void put(const struct kw_kms_key *like)
{
    struct kw_kms_key edited = *like;
    ck_assert_int_eq(apply_fn(change_put_key, &edited), 0);
}

/* A key of every one of the first num regions, the first of them the primary's. */
static inline void create_related(uint32_t number, uint32_t num)
{
    for (uint32_t i = 0; i < num; i++) {
        KW_KMS_KEY struct kw_kms_key *key = new_key(ACCOUNT_TEXT, related_regions[i], number);
        struct kw_kms_key edited = *key;
        edited.multi_region = true;
        edited.primary_region = related_regions[0];
        edited.regions = related_regions;
        edited.num_regions = num;
        put(&edited);
    }
}

/* The key in a region gets these generations, the one of that index current, and is one for imported
 * material. */
static inline void set_generations(const char *region, uint32_t number,
    const struct kw_generation *generations, uint32_t num, uint32_t current)
{
    struct kw_kms_key edited = *find_in(region, number);
    edited.origin = KW_ORIGIN_EXTERNAL;
    edited.generations = generations;
    edited.num_generations = num;
    edited.current = current;
    put(&edited);
}

static inline struct kw_generation generation_of(const struct kw_material *material, bool pending)
{
    struct kw_generation generation = {.material = material, .created_ms = 77, .pending = pending};
    memcpy(generation.id, material->id, sizeof(generation.id));
    return generation;
}

#endif
