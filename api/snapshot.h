/* snapshot - an immutable picture of the keystore from which requests are served.
 *
 * The keystore thread builds the next picture (sharing unchanged objects by reference) and publishes it
 * whole; serving threads read the current one without lock or wait (hazard pointers). A change is visible to
 * the next request as soon as the writer that made it is told that it is done.
 */
#ifndef KW_API_SNAPSHOT_H
#define KW_API_SNAPSHOT_H

#include "api/ciphertext.h"
#include "api/keyname.h"

#include <stdatomic.h>

enum kw_key_state {
    KW_KEY_ENABLED,
    KW_KEY_DISABLED,
    KW_KEY_PENDING_DELETION,
    KW_KEY_PENDING_IMPORT,
    KW_KEY_UNAVAILABLE,
    KW_KEY_CREATING,
    KW_KEY_UPDATING,
};

/* One generation of key material, in secret memory. */
struct kw_backing_key {
    uint8_t material_id[KW_MATERIAL_ID_LEN];
    uint8_t key[KW_BACKING_KEY_LEN];
    int64_t created_ms;
};

/* A KMS key. Immutable once in a snapshot; shared by reference count. */
struct kw_kms_key {
    _Atomic uint32_t refs;
    uint8_t id[KW_KMS_KEY_ID_LEN];
    char id_text[37];
    char account[KW_ACCOUNT_LEN + 1];
    char region[KW_REGION_MAX + 1];
    char arn[128];
    char *description; /* never NULL */
    enum kw_key_state state;
    int64_t created_ms;
    uint32_t num_backing; /* at least 1; the last is current */
    struct kw_backing_key backing[];
};

struct kw_alias {
    _Atomic uint32_t refs;
    char account[KW_ACCOUNT_LEN + 1];
    char region[KW_REGION_MAX + 1];
    char name[KW_ALIAS_NAME_MAX + 1]; /* with "alias/" */
    uint8_t key_id[KW_KMS_KEY_ID_LEN];
    int64_t created_ms;
    int64_t updated_ms;
};

/* Whose credentials sign requests. The secret access key is in secret memory. */
struct kw_principal {
    _Atomic uint32_t refs;
    char access_key_id[KW_ACCESS_KEY_ID_MAX + 1];
    char secret_access_key[65]; /* NUL-terminated */
    char account[KW_ACCOUNT_LEN + 1];
    char user_name[65];
    char principal_id[32]; /* AIDA... */
    char arn[160];         /* arn:aws:iam::ACCOUNT:user/NAME */
    bool administrator;    /* may do everything in its account; nobody else may do anything yet */
    bool enabled;
};

/* The arrays are a picture's own, the members are shared with the pictures before and after it. */
struct kw_snapshot {
    uint64_t version;
    const struct kw_kms_key **keys;       /* sorted by account, region, id */
    const struct kw_kms_key **keys_by_id; /* the same ones sorted by id */
    size_t num_keys;
    const struct kw_alias **aliases; /* sorted by account, region, name */
    size_t num_aliases;
    const struct kw_principal **principals; /* sorted by access key id */
    size_t num_principals;
};

/* Look-ups: NULL if there is none. */
const struct kw_kms_key *kw_snapshot_key(const struct kw_snapshot *snapshot, struct kw_bytes account,
    struct kw_bytes region, const uint8_t id[KW_KMS_KEY_ID_LEN]);
/* By id alone, for Decrypt, whose blob carries no account or region (the keystore holds an id once). */
const struct kw_kms_key *kw_snapshot_key_by_id(
    const struct kw_snapshot *snapshot, const uint8_t id[KW_KMS_KEY_ID_LEN]);
const struct kw_alias *kw_snapshot_alias(const struct kw_snapshot *snapshot, struct kw_bytes account,
    struct kw_bytes region, struct kw_bytes name);
const struct kw_principal *kw_snapshot_principal(
    const struct kw_snapshot *snapshot, struct kw_bytes access_key_id);
/* Index of the first key / alias of the account and region that sorts after the given id / name (NULL or an
 * empty name: the first one); ends where account or region changes: for lists with markers. */
size_t kw_snapshot_key_after(const struct kw_snapshot *snapshot, struct kw_bytes account,
    struct kw_bytes region, const uint8_t *after_id);
size_t kw_snapshot_alias_after(const struct kw_snapshot *snapshot, struct kw_bytes account,
    struct kw_bytes region, struct kw_bytes after_name);
/* The same in keys_by_id and in principals. */
size_t kw_snapshot_id_after(const struct kw_snapshot *snapshot, const uint8_t after_id[KW_KMS_KEY_ID_LEN]);
size_t kw_snapshot_principal_after(const struct kw_snapshot *snapshot, struct kw_bytes after_access_key_id);

/* The current backing key, and one by its material id (NULL if the key never had it). */
const struct kw_backing_key *kw_kms_key_current(const struct kw_kms_key *key);
const struct kw_backing_key *kw_kms_key_material(
    const struct kw_kms_key *key, const uint8_t material_id[KW_MATERIAL_ID_LEN]);

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
/* Drops one picture and its references. NULL is fine. */
void kw_snapshot_free(struct kw_snapshot *snapshot);

#endif
