/* keystore_rig - a keystore in a folder of its own, changes to it in one line each, and ways to damage it. */
#ifndef KW_TESTS_SUPPORT_KEYSTORE_RIG_H
#define KW_TESTS_SUPPORT_KEYSTORE_RIG_H

#include "api/draft.h"
#include "api/keystore.h"
#include "engine/crypto.h"
#include "pool/fault.h"
#include "tests/support/suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACCOUNT KW_LIT("000000000000")
#define OTHER   KW_LIT("111111111111")
#define REGION  KW_LIT("us-east-1")
#define SECRET  "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYxx"

static const uint8_t root_key[KW_ROOT_KEY_LEN] = "a root key for tests, 32 bytes..";
static char folder[64], path[128], why[512];

/* ---- a way to make fsync fail ---- */

/* SQLite's own way to the disk with one thing changed: while failing_syncs is above zero, a sync fails and
 * counts it down. What was written before it has reached the file all the same, as after a real failure. */
static int failing_syncs;
static int (*real_sync)(sqlite3_file *file, int flags);
static sqlite3_io_methods shim_methods[2]; /* of a database and of its log, which takes no locks */
static sqlite3_vfs shim_vfs, *real_vfs;

static inline int shim_sync(sqlite3_file *file, int flags)
{
    if (failing_syncs > 0) {
        failing_syncs--;
        return SQLITE_IOERR_FSYNC;
    }
    return real_sync(file, flags);
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

static inline struct kw_backing_key backing_of(uint8_t n)
{
    struct kw_backing_key backing = {.created_ms = 1000 + n};
    memset(backing.material_id, n, sizeof(backing.material_id));
    memset(backing.key, 0xc0 ^ n, sizeof(backing.key));
    backing.key[0] = 'K';
    return backing;
}

static inline struct kw_change key_change(uint8_t n, const struct kw_backing_key *backing)
{
    struct kw_change change = {.kind = KW_CHANGE_CREATE_KEY,
        .account = ACCOUNT,
        .region = REGION,
        .description = KW_LIT("for tests \xe2\x82\xac"),
        .backing = backing,
        .now_ms = 5000 + n};
    memset(change.key_id, n, sizeof(change.key_id));
    return change;
}

static inline int create_key(uint8_t n)
{
    struct kw_backing_key backing = backing_of(n);
    struct kw_change change = key_change(n, &backing);
    return apply(&change);
}

static inline struct kw_change alias_change(enum kw_change_kind kind, const char *name, uint8_t n)
{
    struct kw_change change = {
        .kind = kind, .account = ACCOUNT, .region = REGION, .alias = kw_bytes_str(name), .now_ms = 7000};
    memset(change.key_id, n, sizeof(change.key_id));
    return change;
}

static inline int create_alias(const char *name, uint8_t n)
{
    struct kw_change change = alias_change(KW_CHANGE_CREATE_ALIAS, name, n);
    return apply(&change);
}

static inline int delete_alias(const char *name)
{
    struct kw_change change = alias_change(KW_CHANGE_DELETE_ALIAS, name, 0);
    return apply(&change);
}

static inline int set_state(uint8_t n, enum kw_key_state state)
{
    struct kw_change change = {
        .kind = KW_CHANGE_SET_KEY_STATE, .account = ACCOUNT, .region = REGION, .state = state};
    memset(change.key_id, n, sizeof(change.key_id));
    return apply(&change);
}

static inline int create_principal(const char *access_key_id, bool administrator)
{
    struct kw_principal principal = {.administrator = administrator, .enabled = true};
    snprintf(principal.access_key_id, sizeof(principal.access_key_id), "%s", access_key_id);
    snprintf(principal.secret_access_key, sizeof(principal.secret_access_key), SECRET);
    snprintf(principal.account, sizeof(principal.account), "000000000000");
    snprintf(principal.user_name, sizeof(principal.user_name), "admin");
    snprintf(principal.principal_id, sizeof(principal.principal_id), "AIDAEXAMPLE");
    struct kw_change change = {
        .kind = KW_CHANGE_CREATE_PRINCIPAL, .principal = &principal, .account = ACCOUNT};
    return apply(&change);
}

static inline const struct kw_kms_key *find_key(uint8_t n)
{
    uint8_t id[KW_KMS_KEY_ID_LEN];
    memset(id, n, sizeof(id));
    return kw_snapshot_key(now, ACCOUNT, REGION, id);
}

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
