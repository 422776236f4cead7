/* keystore_rig - a keystore in a folder of its own, changes to it in one line each, and ways to damage it. */
#ifndef KW_TESTS_SUPPORT_KEYSTORE_RIG_H
#define KW_TESTS_SUPPORT_KEYSTORE_RIG_H

#include "api/keystore.h"
#include "engine/crypto.h"
#include "pool/fault.h"
#include "tests/support/entities.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t root_key[KW_ROOT_KEY_LEN] = "a root key for tests, 32 bytes..";
static char folder[64], path[128], why[512];

/* ---- a way to make fsync fail ---- */

/* SQLite's own way to the disk with one thing changed: while failing_syncs is above zero, a sync fails and
 * counts it down. What was written before it has reached the file all the same, as after a real failure. */
static int failing_syncs;
static bool skipping_syncs; /* where durability is not what is looked at, for speed */
static int (*real_sync)(sqlite3_file *file, int flags);
static sqlite3_io_methods shim_methods[2]; /* of a database and of its log, which takes no locks */
static sqlite3_vfs shim_vfs, *real_vfs;

static inline int shim_sync(sqlite3_file *file, int flags)
{
    if (failing_syncs > 0) {
        failing_syncs--;
        return SQLITE_IOERR_FSYNC;
    }
    return skipping_syncs ? SQLITE_OK : real_sync(file, flags);
}

static inline int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    (void)vfs;
    int code = real_vfs->xOpen(real_vfs, name, file, flags, ret_flags);
    if (code == SQLITE_OK && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0) {
        sqlite3_io_methods *methods = &shim_methods[(flags & SQLITE_OPEN_WAL) != 0];
        *methods = *file->pMethods;
        real_sync = file->pMethods->xSync;
        methods->xSync = shim_sync;
        file->pMethods = methods;
    }
    return code;
}

static inline void shim_install(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    shim_vfs = *real_vfs;
    shim_vfs.zName = "shim";
    shim_vfs.pNext = NULL;
    shim_vfs.xOpen = shim_open;
    kw_assert(sqlite3_vfs_register(&shim_vfs, 1) == SQLITE_OK);
}

/* ---- the store under test ---- */

static struct kw_keystore *keystore;
static struct kw_snapshot *now; /* what the owner would have published */

static inline void folder_make(void)
{
    snprintf(folder, sizeof(folder), "keystore-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/keystore.db", folder);
    why[0] = '\0';
}

static inline void folder_remove(void)
{
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    ck_assert_int_eq(rmdir(folder), 0);
}

static inline int try_open(const char *name, const uint8_t *key)
{
    return kw_keystore_open_sqlite(&keystore, name, key, why, sizeof(why));
}

static inline void open_and_load(const char *name)
{
    int r = try_open(name, root_key);
    ck_assert_msg(r == 0, "open: %d %s", r, why);
    ck_assert_int_eq(keystore->ops->load(keystore, &now), 0);
}

static inline void close_all(void)
{
    kw_snapshot_free(now);
    now = NULL;
    if (keystore != NULL) /* none is left by a test that failed */
        keystore->ops->close(keystore);
    keystore = NULL;
}

static inline void setup(void)
{
    folder_make();
    open_and_load(path);
}

static inline void teardown(void)
{
    close_all();
    folder_remove();
}

static inline int apply_many(const struct kw_change *const *changes, size_t num, int *results)
{
    struct kw_snapshot *next = NULL;
    int r = keystore->ops->apply(keystore, now, changes, num, results, &next);
    if (next != NULL) {
        ck_assert_int_eq(r, 0);
        kw_snapshot_free(now);
        now = next;
    }
    return r;
}

static inline int apply(const struct kw_change *change)
{
    int result = 0;
    int r = apply_many(&change, 1, &result);
    return r != 0 ? r : result;
}

/* ---- changes in one line each ---- */

/* What the changes of these tests refuse with. */
enum { EXISTS = 101, NOT_FOUND = 102 };

static inline int change_create_key(struct kw_tx *tx, void *arg)
{
    const struct kw_kms_key *like = arg;
    if (kw_snapshot_key_by_id(tx->snapshot, kw_bytes_str(like->region), like->id) != NULL)
        return EXISTS;
    return kw_tx_put_key(tx, like);
}

static inline int change_put_key(struct kw_tx *tx, void *arg)
{
    return kw_tx_put_key(tx, arg);
}

static inline int change_put_alias(struct kw_tx *tx, void *arg)
{
    const struct kw_alias *like = arg;
    if (kw_snapshot_key(
            tx->snapshot, kw_bytes_str(like->account), kw_bytes_str(like->region), like->key_id) == NULL)
        return NOT_FOUND;
    return kw_tx_put_alias(tx, like);
}

static inline int change_put_grant(struct kw_tx *tx, void *arg)
{
    return kw_tx_put_grant(tx, arg);
}

static inline int change_put_principal(struct kw_tx *tx, void *arg)
{
    return kw_tx_put_principal(tx, arg);
}

static inline int change_put_access_key(struct kw_tx *tx, void *arg)
{
    return kw_tx_put_access_key(tx, arg);
}

static inline int change_save_access_use(struct kw_tx *tx, void *arg)
{
    return kw_tx_save_access_use(tx, kw_snapshot_access_key(tx->snapshot, kw_bytes_str(arg)));
}

static inline int change_remove_alias(struct kw_tx *tx, void *arg)
{
    const struct kw_alias *alias = kw_snapshot_alias(tx->snapshot, ACCOUNT, REGION, kw_bytes_str(arg));
    return alias == NULL ? NOT_FOUND : kw_tx_remove_alias(tx, alias);
}

static inline const struct kw_kms_key *key_in(const struct kw_snapshot *snapshot, uint32_t number)
{
    uint8_t id[KW_KMS_KEY_ID_LEN];
    id_of(number, id);
    return kw_snapshot_key(snapshot, ACCOUNT, REGION, id);
}

static inline const struct kw_kms_key *find_key(uint32_t number)
{
    return key_in(now, number);
}

static inline int change_remove_key(struct kw_tx *tx, void *arg)
{
    const struct kw_kms_key *key = key_in(tx->snapshot, *(uint32_t *)arg);
    return key == NULL ? NOT_FOUND : kw_tx_remove_key(tx, key);
}

static inline int change_save_lastuse(struct kw_tx *tx, void *arg)
{
    const struct kw_kms_key *key = key_in(tx->snapshot, *(uint32_t *)arg);
    return key == NULL ? NOT_FOUND : kw_tx_save_lastuse(tx, key);
}

static inline int apply_fn(kw_tx_fn *fn, void *arg)
{
    struct kw_change change = {.apply = fn, .arg = arg};
    return apply(&change);
}

static inline int create_key(uint32_t number)
{
    KW_KMS_KEY struct kw_kms_key *key = new_key(ACCOUNT_TEXT, REGION_TEXT, number);
    return apply_fn(change_create_key, key);
}

static inline int remove_key(uint32_t number)
{
    return apply_fn(change_remove_key, &number);
}

static inline int set_state(uint32_t number, enum kw_key_state state)
{
    const struct kw_kms_key *key = find_key(number);
    if (key == NULL)
        return NOT_FOUND;
    struct kw_kms_key edited = *key;
    edited.state = state;
    return apply_fn(change_put_key, &edited);
}

static inline int put_alias(const char *name, uint32_t number)
{
    struct kw_alias alias = alias_of(name, number);
    return apply_fn(change_put_alias, &alias);
}

static inline int remove_alias(char *name)
{
    return apply_fn(change_remove_alias, name);
}

static inline int put_grant(uint8_t grant_number, uint32_t number, const char *retiring)
{
    struct kw_grant grant = grant_of(grant_number, number, retiring);
    return apply_fn(change_put_grant, &grant);
}

static inline int put_user(const char *name, bool administrator)
{
    struct kw_principal user = principal_of(name, administrator);
    return apply_fn(change_put_principal, &user);
}

static inline int put_access_key(const char *id, const char *user)
{
    struct kw_access_key key = access_key_of(id, user);
    return apply_fn(change_put_access_key, &key);
}

static inline const struct kw_principal *find_user(const char *name)
{
    return kw_snapshot_principal(now, ACCOUNT, KW_PRINCIPAL_USER, kw_bytes_str(name));
}

static inline const struct kw_access_key *find_access_key(const char *id)
{
    return kw_snapshot_access_key(now, kw_bytes_str(id));
}

/* ---- behind its back ---- */

/* Edits the database behind the keystore's back. */
static inline void edit(const char *name, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    ck_assert_int_eq(sqlite3_open(name, &db), SQLITE_OK);
    int code = sqlite3_exec(db, sql, NULL, NULL, &message);
    ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, message);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* The number that a statement gives. */
static inline int count_rows(const char *name, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    ck_assert_int_eq(sqlite3_open(name, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    int num = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    return num;
}

/* The bytes that a statement gives, at most cap. Returns how many there are. */
static inline int read_blob(const char *name, const char *sql, void *out, size_t cap)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    ck_assert_int_eq(sqlite3_open(name, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    const void *blob = sqlite3_column_blob(stmt, 0);
    int len = sqlite3_column_bytes(stmt, 0);
    memcpy(out, blob, KW_MIN((size_t)len, cap));
    sqlite3_finalize(stmt);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    return len;
}

static inline void copy_file(const char *from, const char *to)
{
    static char bytes[4 << 20];
    int in = open(from, O_RDONLY | O_CLOEXEC), out;
    if (in < 0)
        return;
    ssize_t len = read(in, bytes, sizeof(bytes));
    ck_assert_int_ge(len, 0);
    ck_assert_int_lt(len, (ssize_t)sizeof(bytes));
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(out, bytes, (size_t)len), len);
    close(in);
    close(out);
}

/* What a crash at this moment would leave, under the name that is returned. */
static inline const char *crash_image(void)
{
    static char image[160];
    char wal[176], image_wal[176];
    snprintf(image, sizeof(image), "%s/image.db", folder);
    snprintf(wal, sizeof(wal), "%s-wal", path);
    snprintf(image_wal, sizeof(image_wal), "%s-wal", image);
    unlink(image_wal);
    copy_file(path, image);
    copy_file(wal, image_wal);
    return image;
}

/* Reopens a store and says what opening or loading it comes to. */
static inline int reopen_result(const char *name)
{
    struct kw_keystore *reopened = NULL;
    struct kw_snapshot *snapshot = NULL;
    int r = kw_keystore_open_sqlite(&reopened, name, root_key, why, sizeof(why));
    if (r != 0)
        return r;
    r = reopened->ops->load(reopened, &snapshot);
    kw_snapshot_free(snapshot);
    reopened->ops->close(reopened);
    return r;
}

#endif
