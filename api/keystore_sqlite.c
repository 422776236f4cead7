#include "api/keystore.h"
#include "api/keystore_file.h"
#include "api/keystore_rows.h"
#include "api/keystore_schema.h"
#include "api/keystore_sql.h"
#include "api/log.h"
#include "engine/drbg.h"
#include "pool/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct sqlite_store {
    struct kw_keystore keystore; /* first: ops get a pointer to it */
    sqlite3 *db;
    struct kw_sealer *sealer;
    struct kw_rows rows;
    bool doubtful; /* a commit failed: frames of it may lie in the write-ahead log */
    struct kw_log_limit failure_log;
};

static struct sqlite_store *store_of(struct kw_keystore *keystore)
{
    return KW_CONTAINER_OF(keystore, struct sqlite_store, keystore);
}

/* Before anything is opened with it, so that a wrong root key is not taken for damage. */
static int verify_root(struct sqlite_store *store, const char *path, char *why, size_t why_cap)
{
    struct kw_rows checker = {.db = store->db, .sealer = store->sealer};
    int r = kw_rows_verify_check(&checker);

    if (r == KW_STORE_WRONG_ROOT)
        snprintf(why, why_cap, "the root key does not open %s: it is not the one the keystore was made with",
            path);
    else if (r == KW_STORE_CORRUPT)
        snprintf(why, why_cap, "%s is damaged: restore it from a backup", path);
    else if (r != 0)
        snprintf(why, why_cap, "%s cannot be read as a keystore: %s", path, sqlite3_errmsg(store->db));
    return r;
}

static int open_rows(struct sqlite_store *store, const char *path, char *why, size_t why_cap)
{
    int64_t version = 0;
    int r = kw_schema_check(store->db, path, &version, why, why_cap);

    if (r == 0)
        r = verify_root(store, path, why, why_cap);
    if (r == 0)
        r = kw_schema_upgrade(store->db, store->sealer, version, path, why, why_cap);
    if (r != 0)
        return r;
    r = kw_rows_init(&store->rows, store->db, store->sealer);
    if (r != 0)
        snprintf(why, why_cap, "%s cannot be read as a keystore: %s", path, sqlite3_errmsg(store->db));
    return r;
}

static void sqlite_close(struct kw_keystore *keystore)
{
    struct sqlite_store *store = store_of(keystore);

    kw_rows_done(&store->rows);
    kw_assert(sqlite3_close(store->db) == SQLITE_OK); /* it refuses while a statement is left: a defect */
    kw_sealer_free(store->sealer);
    free(store);
}

static int open_store(struct sqlite_store *store, const char *path, const uint8_t root_key[KW_ROOT_KEY_LEN],
    char *why, size_t why_cap)
{
    int r = kw_sealer_new(&store->sealer, root_key);

    if (r != 0) {
        snprintf(why, why_cap, "the root key cannot be set up: out of memory or no AES-256-GCM");
        return r;
    }
    r = kw_keystore_file_open(&store->db, path, store->sealer, why, why_cap);
    return r != 0 ? r : open_rows(store, path, why, why_cap);
}

/* ---- changes ---- */

/* Frames of a failed commit may lie whole in the write-ahead log and, after a crash, would be played back
 * although their submitters were told that nothing changed. A checkpoint that empties the log puts an end to
 * them; until one succeeds no change is accepted. */
static int settle(struct sqlite_store *store)
{
    int code;

    if (!store->doubtful)
        return 0;
    code = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    store->doubtful = code != SQLITE_OK;
    return code == SQLITE_OK ? 0 : KW_STORE_FAILED;
}

static int commit(struct sqlite_store *store)
{
    const struct timespec late = {.tv_sec = 1};

    switch (kw_fault(KW_FAULT_STORE_COMMIT)) {
    case KW_FAULT_NONE:
        break;
    case KW_FAULT_DELAY:
        nanosleep(&late, NULL);
        break;
    default:
        return KW_STORE_FAILED;
    }
    int r = kw_rows_commit(&store->rows);
    store->doubtful = r != 0;
    return r;
}

/* A change that refuses does so before it writes (asserted): what it wrote would be committed with the rest.
 */
static int apply_one(struct kw_tx *tx, const struct kw_change *change, int *ret_result)
{
    bool written = tx->written;

    tx->written = false;
    int r = change->apply(tx, change->arg);
    if (tx->failure != 0)
        return tx->failure;
    KW_TRY(r);
    kw_assert(r == 0 || !tx->written);
    tx->written |= written;
    *ret_result = r;
    return 0;
}

static int apply_in_transaction(struct sqlite_store *store, struct kw_tx *tx,
    const struct kw_change *const *changes, size_t num_changes, int *results)
{
    int r = settle(store);

    if (r == 0)
        r = kw_rows_begin(&store->rows);
    for (size_t i = 0; r == 0 && i < num_changes; i++)
        r = apply_one(tx, changes[i], &results[i]);
    if (r == 0 && tx->written)
        r = commit(store);
    return r;
}

static void log_failure(struct sqlite_store *store, int r)
{
    char message[256];
    const char *text = sqlite3_errmsg(store->db);
    uint64_t suppressed;

    if (kw_log_allowed(&store->failure_log, kw_now_ns(), &suppressed))
        kw_log(KW_LOG_ERROR, "keystore-failed", "result=%d sqlite=%d suppressed=%llu message=%s", r,
            sqlite3_extended_errcode(store->db), (unsigned long long)suppressed,
            kw_log_quote(message, sizeof(message), text, strlen(text)));
}

/* After the rollback: puts an end to what the failure left, now if it can be, at the next change if not. */
static int give_up(struct sqlite_store *store, int r)
{
    if (settle(store) != 0)
        return KW_STORE_FAILED;
    return r < 0 && r != -EBUSY ? r : KW_STORE_FAILED;
}

static void free_snapshot(struct kw_snapshot **snapshot)
{
    kw_snapshot_free(*snapshot);
}
#define OWNED_SNAPSHOT KW_CLEANUP(free_snapshot)

static int sqlite_apply(struct kw_keystore *keystore, const struct kw_snapshot *current,
    const struct kw_change *const *changes, size_t num_changes, int *results, struct kw_snapshot **ret_next)
{
    struct sqlite_store *store = store_of(keystore);
    OWNED_SNAPSHOT struct kw_snapshot *next = NULL;

    KW_TRY(kw_snapshot_new(&next, current));
    struct kw_tx tx = {.rows = &store->rows, .snapshot = next};
    int r = apply_in_transaction(store, &tx, changes, num_changes, results);
    if (r != 0)
        log_failure(store, r);
    kw_rows_rollback(&store->rows); /* what was not committed, be it nothing */
    if (r != 0)
        return give_up(store, r);
    *ret_next = tx.written ? next : NULL;
    if (tx.written)
        next = NULL;
    return 0;
}

static int sqlite_load(struct kw_keystore *keystore, struct kw_snapshot **ret)
{
    struct sqlite_store *store = store_of(keystore);
    OWNED_SNAPSHOT struct kw_snapshot *first = NULL;

    KW_TRY(kw_snapshot_new(&first, NULL));
    int r = kw_rows_load(&store->rows, first);
    if (r != 0)
        return r == KW_STORE_FAILED ? -EIO : r;
    *ret = first;
    first = NULL;
    return 0;
}

static const struct kw_keystore_ops sqlite_ops = {
    .name = "sqlite",
    .load = sqlite_load,
    .apply = sqlite_apply,
    .close = sqlite_close,
};

int kw_keystore_open_sqlite(struct kw_keystore **ret, const char *path,
    const uint8_t root_key[KW_ROOT_KEY_LEN], char *why, size_t why_cap)
{
    struct sqlite_store *store = calloc(1, sizeof(*store));

    if (store == NULL) {
        snprintf(why, why_cap, "out of memory");
        return -ENOMEM;
    }
    store->keystore.ops = &sqlite_ops;
    store->failure_log.interval_ns = 1000000000u;
    int r = open_store(store, path, root_key, why, why_cap);
    if (r != 0) {
        sqlite_close(&store->keystore);
        return r;
    }
    *ret = &store->keystore;
    return 0;
}

static int make_secret(struct sqlite_store *store, struct kw_bytes name, uint8_t ret[32])
{
    KW_DRBG struct kw_drbg *drbg = NULL; /* a secret is made once in the life of a store */

    KW_TRY(kw_drbg_new(&drbg, NULL));
    KW_TRY(kw_drbg_bytes(drbg, ret, 32));
    int r = settle(store);
    if (r == 0)
        r = kw_rows_begin(&store->rows);
    if (r == 0)
        r = kw_rows_insert_secret(&store->rows, name, ret);
    if (r == 0)
        r = commit(store);
    kw_rows_rollback(&store->rows);
    return r != 0 ? give_up(store, r) : 0;
}

int kw_keystore_secret_sqlite(struct kw_keystore *keystore, const char *name, uint8_t ret[32])
{
    uint8_t secret[32];
    KW_ERASE_GUARD(secret);

    kw_assert(keystore->ops == &sqlite_ops && name[0] != '\0' && strlen(name) <= 64);
    int r = kw_rows_select_secret(&store_of(keystore)->rows, kw_bytes_str(name), secret);
    if (r == KW_ROWS_NONE)
        r = make_secret(store_of(keystore), kw_bytes_str(name), secret);
    if (r == 0)
        memcpy(ret, secret, sizeof(secret));
    return r;
}
