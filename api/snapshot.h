/* snapshot - an immutable picture of the keystore from which requests are served.
 *
 * The keystore thread builds the next picture (sharing all that did not change) and publishes it whole;
 * serving threads read the current one without lock or wait (hazard pointers). A change is visible to the
 * next request as soon as the writer that made it is told that it is done.
 */
#ifndef KW_API_SNAPSHOT_H
#define KW_API_SNAPSHOT_H

#include "api/customstore.h"
#include "api/entity.h"
#include "api/map.h"
#include "api/principal.h"

/* Where an entity stands in a map: its names from the outside in. A place of fewer parts than a map's
 * entities have stands before all that begin with them, or, with `after`, behind them: so the difference of
 * two ranks counts them, and a list goes on behind its marker. */
#define KW_PLACE_PARTS 4u
struct kw_place {
    struct kw_bytes part[KW_PLACE_PARTS];
    unsigned num;
    bool after;
};

struct kw_snapshot {
    uint64_t version;
    struct kw_map keys;       /* by account, region, id */
    struct kw_map keys_by_id; /* by region, id: for Decrypt, whose blob carries no account */
    struct kw_map due;     /* those with something due, by when (8 bytes big-endian), account, region, id */
    struct kw_map aliases; /* by account, region, name */
    struct kw_map key_aliases;  /* by account, region, key id, name */
    struct kw_map grants;       /* by account, region, key id, grant id */
    struct kw_map retirables;   /* those with a retiring principal, by region, that principal, grant id */
    struct kw_map grants_by_id; /* by region, grant id: for grant tokens, which name no key */
    struct kw_map grants_by_grantee; /* by their slots: for grantindex.h */
    struct kw_map named_grants;      /* those with a name, by account, region, key id, what they say */
    struct kw_map principals;        /* by account, kind (one byte), name */
    struct kw_map access_keys;       /* by id */
    struct kw_map principal_keys;    /* access keys by account, kind and name of whose they are, and id */
    struct kw_map custom_stores;     /* by account, region, id */
};

/* Look-ups: NULL if there is none. */
const struct kw_kms_key *kw_snapshot_key(const struct kw_snapshot *snapshot, struct kw_bytes account,
    struct kw_bytes region, const uint8_t id[KW_KMS_KEY_ID_LEN]);
const struct kw_kms_key *kw_snapshot_key_by_id(
    const struct kw_snapshot *snapshot, struct kw_bytes region, const uint8_t id[KW_KMS_KEY_ID_LEN]);
/* A key of that id in any region. Of a picture with keys in very many regions only the first ones are looked
 * at. */
const struct kw_kms_key *kw_snapshot_key_anywhere(
    const struct kw_snapshot *snapshot, const uint8_t id[KW_KMS_KEY_ID_LEN]);
const struct kw_alias *kw_snapshot_alias(const struct kw_snapshot *snapshot, struct kw_bytes account,
    struct kw_bytes region, struct kw_bytes name);
const struct kw_grant *kw_snapshot_grant(
    const struct kw_snapshot *snapshot, const struct kw_kms_key *key, const uint8_t id[32]);
const struct kw_grant *kw_snapshot_grant_by_id(
    const struct kw_snapshot *snapshot, struct kw_bytes region, const uint8_t id[32]);
/* A grant of the same key that has a name and says the same as `like` (its digest). */
const struct kw_grant *kw_snapshot_same_grant(
    const struct kw_snapshot *snapshot, const struct kw_grant *like);
const struct kw_principal *kw_snapshot_principal(const struct kw_snapshot *snapshot, struct kw_bytes account,
    enum kw_principal_kind kind, struct kw_bytes name);
const struct kw_access_key *kw_snapshot_access_key(const struct kw_snapshot *snapshot, struct kw_bytes id);

const struct kw_custom_store *kw_snapshot_custom_store(
    const struct kw_snapshot *snapshot, struct kw_bytes account, struct kw_bytes region, struct kw_bytes id);
/* The key store of a key in a token; NULL for other keys. */
const struct kw_custom_store *kw_snapshot_store_of(
    const struct kw_snapshot *snapshot, const struct kw_kms_key *key);

/* Places: of an account's entities in a region, and of what belongs to a key. */
struct kw_place kw_place_account(struct kw_bytes account, struct kw_bytes region);
struct kw_place kw_place_key(const struct kw_kms_key *key);
/* Of a principal's access keys (map principal_keys). */
struct kw_place kw_place_principal(const struct kw_principal *principal);
/* How many entries of a map begin with a place. */
size_t kw_snapshot_count(const struct kw_map *map, const struct kw_place *place);

/* An empty picture / one more of the same content, one version on. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_snapshot_new(struct kw_snapshot **ret, const struct kw_snapshot *current);
/* Drops one picture and its references. NULL is fine. */
void kw_snapshot_free(struct kw_snapshot *snapshot);

/* Changes of a picture that is not published yet, with all its indices. Each puts an entity in, in place of
 * one of the same name, with a reference of its own; or takes one out, which is there (asserted). After
 * -ENOMEM the picture is half changed: free it. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_snapshot_put_key(struct kw_snapshot *snapshot, const struct kw_kms_key *key);
KW_MUST_CHECK int kw_snapshot_put_alias(struct kw_snapshot *snapshot, const struct kw_alias *alias);
KW_MUST_CHECK int kw_snapshot_put_grant(struct kw_snapshot *snapshot, const struct kw_grant *grant);
KW_MUST_CHECK int kw_snapshot_put_principal(
    struct kw_snapshot *snapshot, const struct kw_principal *principal);
KW_MUST_CHECK int kw_snapshot_put_access_key(struct kw_snapshot *snapshot, const struct kw_access_key *key);
KW_MUST_CHECK int kw_snapshot_remove_access_key(
    struct kw_snapshot *snapshot, const struct kw_access_key *key);
KW_MUST_CHECK int kw_snapshot_put_custom_store(
    struct kw_snapshot *snapshot, const struct kw_custom_store *store);
KW_MUST_CHECK int kw_snapshot_remove_custom_store(
    struct kw_snapshot *snapshot, const struct kw_custom_store *store);
KW_MUST_CHECK int kw_snapshot_remove_key(struct kw_snapshot *snapshot, const struct kw_kms_key *key);
KW_MUST_CHECK int kw_snapshot_remove_alias(struct kw_snapshot *snapshot, const struct kw_alias *alias);
KW_MUST_CHECK int kw_snapshot_remove_grant(struct kw_snapshot *snapshot, const struct kw_grant *grant);
KW_MUST_CHECK int kw_snapshot_remove_principal(
    struct kw_snapshot *snapshot, const struct kw_principal *principal);

/* ---- publishing (hazard pointers) ---- */
#define KW_SNAPSHOT_READERS_MAX 128u

struct kw_snapshot_cell {
    KW_CACHE_ALIGN _Atomic(struct kw_snapshot *) current;
    struct {
        KW_CACHE_ALIGN _Atomic(struct kw_snapshot *) hazard;
    } reader[KW_SNAPSHOT_READERS_MAX];
    _Atomic uint32_t num_readers;
    struct kw_snapshot *retired[KW_SNAPSHOT_READERS_MAX + 2]; /* the writer's */
    size_t num_retired;
};

void kw_snapshot_cell_init(struct kw_snapshot_cell *cell);
/* A reader's number, one per serving thread. Returns: 0 | -ENOSPC */
KW_MUST_CHECK int kw_snapshot_reader_add(struct kw_snapshot_cell *cell, uint32_t *ret_reader);
/* acquire .. release brackets every use of the pointer; they do not nest for one reader (asserted).
 * Lock-free. NULL before the first picture. */
const struct kw_snapshot *kw_snapshot_acquire(struct kw_snapshot_cell *cell, uint32_t reader);
void kw_snapshot_release(struct kw_snapshot_cell *cell, uint32_t reader);
/* The one writer: replaces the picture (ownership moves to the cell) and frees retired ones that nobody
 * reads. */
void kw_snapshot_publish(struct kw_snapshot_cell *cell, struct kw_snapshot *next);
/* No reader is between acquire and release (asserted). */
void kw_snapshot_cell_done(struct kw_snapshot_cell *cell);

#endif
