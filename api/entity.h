/* entity - what a snapshot is made of: KMS keys, aliases and grants (and key stores: customstore.h,
 * principals and access keys: principal.h).
 *
 * An entity is copied whole into one allocation with one reference and never changes after; each snapshot
 * that shows it holds a reference. To change one, copy the struct (its pointers are borrowed from the
 * original), change fields of the copy and make a new entity from it:
 *
 *     struct kw_kms_key edit = *key;
 *     edit.state = KW_KEY_DISABLED;
 *     r = kw_kms_key_new(&next, &edit);
 *
 * Fields marked "derived" are filled in by _new and ignored in what it copies. Any thread may hold and drop
 * references.
 */
#ifndef KW_API_ENTITY_H
#define KW_API_ENTITY_H

#include "api/algorithm.h"
#include "api/ciphertext.h"
#include "api/lastuse.h"
#include "api/material.h"
#include "api/policy.h"

enum {
    KW_ENTITY_INVALID = 1, /* a text is too long, empty where it may not be, or contains a NUL */
};

/* ---- KMS keys ---- */

enum kw_key_state {
    KW_KEY_ENABLED,
    KW_KEY_DISABLED,
    KW_KEY_PENDING_DELETION,
    KW_KEY_PENDING_IMPORT,
    KW_KEY_UNAVAILABLE,
    KW_KEY_CREATING,
    KW_KEY_UPDATING,
    KW_KEY_PENDING_REPLICA_DELETION,
    KW_KEY_STATE_NUM,
};
/* The name that the KMS API gives a state: "Enabled", "PendingDeletion" ... */
const char *kw_key_state_name(enum kw_key_state state);
/* Returns: 0 | KW_ENTITY_INVALID (no such state) */
KW_MUST_CHECK int kw_key_state_parse(struct kw_bytes name, enum kw_key_state *ret);

enum kw_key_origin { KW_ORIGIN_AWS_KMS, KW_ORIGIN_EXTERNAL, KW_ORIGIN_CLOUDHSM, KW_ORIGIN_NUM };
/* "AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM". */
const char *kw_key_origin_name(enum kw_key_origin origin);
/* Returns: 0 | KW_ENTITY_INVALID (no such origin) */
KW_MUST_CHECK int kw_key_origin_parse(struct kw_bytes name, enum kw_key_origin *ret);

enum kw_rotation_type { KW_ROTATION_NONE, KW_ROTATION_AUTOMATIC, KW_ROTATION_ON_DEMAND };

/* One generation of a key's material, as the key has it. */
struct kw_generation {
    uint8_t id[KW_MATERIAL_ID_LEN];
    const struct kw_material *material; /* NULL: not here (deleted, expired or not yet imported) */
    int64_t created_ms;                 /* when it was made or first imported */
    int64_t rotated_ms;                 /* when it became current by a rotation; 0: it was the first */
    enum kw_rotation_type rotation;     /* by which rotation */
    bool pending;                       /* imported, waiting for the rotation that makes it current */
    int64_t valid_to_ms;                /* imported material: when it expires; 0: never */
    const char *description;            /* KeyMaterialDescription; NULL: none */
};

struct kw_tag {
    const char *key, *value;
};

struct kw_kms_key {
    uint8_t id[KW_KMS_KEY_ID_LEN];
    bool multi_region;
    const char *account, *region;
    char id_text[37]; /* derived: a UUID, or mrk- and 32 hexadecimal digits */
    char arn[128];    /* derived */
    enum kw_key_spec spec;
    enum kw_key_usage usage;
    enum kw_key_origin origin;
    enum kw_key_state state;
    int64_t created_ms;
    const char *description; /* never NULL in an entity; NULL is "" in what is copied */
    /* Shared by all versions of the key until it gets another; NULL: the default policy of the account. */
    const struct kw_policy *policy;
    /* Of a key whose material is in a token (KW_ORIGIN_CLOUDHSM), the key store that stands for it; such a
     * key has no generation. Else NULL. */
    const char *custom_store;
    /* pending deletion */
    int64_t deletion_ms;   /* PENDING_DELETION: when; else 0 */
    uint32_t pending_days; /* the window that was asked for */
    /* rotation */
    bool rotates;             /* automatically */
    uint32_t rotation_days;   /* 0: never set */
    int64_t rotation_next_ms; /* if it rotates */
    uint32_t num_on_demand;   /* rotations on demand so far */
    /* multi-Region keys: the region of the primary, and every region that has the key, the primary's too */
    const char *primary_region; /* NULL: not a multi-Region key */
    uint32_t num_regions;
    const char *const *regions;
    /* material, oldest first; `current` is an index, or num_generations if there is none yet (pending import)
     */
    uint32_t num_generations, current;
    const struct kw_generation *generations;
    uint32_t num_tags;
    const struct kw_tag *tags;  /* in the order in which they came */
    struct kw_lastuse *lastuse; /* shared by all versions of the key; NULL in what is copied: a new one */
};

#define KW_GENERATIONS_MAX     65536u /* of one key: automatic rotation is at most every 90 days */
#define KW_GRANT_PAIRS_MAX     256u   /* of a constraint as it is stored; CreateGrant takes fewer */
#define KW_TAGS_MAX            50u
#define KW_REGIONS_MAX         64u
#define KW_CUSTOM_STORE_ID_LEN 21u /* cks- and 17 hexadecimal digits */

/* Deep copy; takes references on materials and on the policy.
 * Returns: 0 | KW_ENTITY_INVALID | -ENOMEM */
KW_MUST_CHECK int kw_kms_key_new(struct kw_kms_key **ret, const struct kw_kms_key *like);
const struct kw_kms_key *kw_kms_key_ref(const struct kw_kms_key *key);
void kw_kms_key_unref(const struct kw_kms_key *key);

/* The current generation, or NULL; the one with that id (NULL if the key never had it). */
const struct kw_generation *kw_kms_key_current(const struct kw_kms_key *key);
const struct kw_generation *kw_kms_key_generation(
    const struct kw_kms_key *key, const uint8_t material_id[KW_MATERIAL_ID_LEN]);
/* When something is next due by itself (deletion, rotation, expiry of material); INT64_MAX: nothing. */
int64_t kw_kms_key_due_ms(const struct kw_kms_key *key);

/* ---- aliases ---- */

struct kw_alias {
    const char *account, *region, *name; /* name with "alias/" */
    uint8_t key_id[KW_KMS_KEY_ID_LEN];
    int64_t created_ms, updated_ms;
};
KW_MUST_CHECK int kw_alias_new(struct kw_alias **ret, const struct kw_alias *like);
const struct kw_alias *kw_alias_ref(const struct kw_alias *alias);
void kw_alias_unref(const struct kw_alias *alias);

/* ---- grants ---- */

/* Operations of a grant, as bits of kw_grant.operations, in the order of the service model. */
#define KW_GRANT_OPERATIONS_NUM 17u
extern const char *const kw_grant_operation_names[KW_GRANT_OPERATIONS_NUM];

struct kw_grant_pair {
    const char *key, *value;
};

struct kw_grant {
    uint8_t id[32];
    char id_text[65]; /* derived: 64 hexadecimal digits */
    const char *account, *region;
    uint8_t key_id[KW_KMS_KEY_ID_LEN];
    const char *grantee;
    const char *retiring; /* NULL: nobody */
    const char *name;     /* NULL: none */
    uint32_t operations;
    bool has_equals, has_subset; /* constraints that were given, be they empty */
    uint32_t num_equals, num_subset;
    const struct kw_grant_pair *equals, *subset;
    int64_t created_ms;
    uint8_t digest[32]; /* derived if it has a name: SHA-256 of all that a caller asked for */
    /* derived: where it stands among the grants of its key and grantee (grantindex.h); another one in each
     * process */
    struct kw_bytes slot;
};
/* Two grants of a key with the same name, principals, operations and constraints have the same digest;
 * constraints are compared pair by pair in their order. */
KW_MUST_CHECK int kw_grant_new(struct kw_grant **ret, const struct kw_grant *like);
const struct kw_grant *kw_grant_ref(const struct kw_grant *grant);
void kw_grant_unref(const struct kw_grant *grant);

static inline void kw_kms_key_unrefp(struct kw_kms_key **key)
{
    kw_kms_key_unref(*key);
}
static inline void kw_alias_unrefp(struct kw_alias **alias)
{
    kw_alias_unref(*alias);
}
static inline void kw_grant_unrefp(struct kw_grant **grant)
{
    kw_grant_unref(*grant);
}
/* Owning locals: KW_KMS_KEY struct kw_kms_key *key = NULL; */
#define KW_KMS_KEY KW_CLEANUP(kw_kms_key_unrefp)
#define KW_ALIAS   KW_CLEANUP(kw_alias_unrefp)
#define KW_GRANT   KW_CLEANUP(kw_grant_unrefp)

#endif
