#include "api/keystore_file.h"

#include "api/keystore_rows.h"
#include "api/keystore_schema.h"
#include "api/keystore_sql.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 1000

/* One connection, exclusive: no other process looks in, and the shared-memory file of WAL mode is not needed.
 * FULL makes each commit wait for the disk; NORMAL lost acknowledged commits in a power cut (see DESIGN.md).
 * What is deleted is overwritten, so that a deleted key is gone, sealed or not. */
static int configure(sqlite3 *db)
{
    bool wal = false;
    int r = kw_sql_exec(db, "PRAGMA locking_mode = EXCLUSIVE;"
                            "PRAGMA foreign_keys = ON;"
                            "PRAGMA trusted_schema = OFF;"
                            "PRAGMA cell_size_check = ON;"
                            "PRAGMA secure_delete = ON;"
                            "PRAGMA temp_store = MEMORY;");

    if (r == 0)
        r = kw_sql_is(db, "PRAGMA journal_mode = WAL", "wal", &wal);
    if (r == 0)
        r = kw_sql_exec(db, "PRAGMA synchronous = FULL");
    return r != 0 ? r : wal ? 0 : KW_STORE_FAILED;
}

static int connect_db(sqlite3 **ret, const char *path, char *why, size_t why_cap)
{
    /* The file is there already, so that its mode is ours and not SQLite's choice. No mutex: one owner. */
    int r = kw_sql_result(sqlite3_open_v2(path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));

    if (r == 0) {
        sqlite3_extended_result_codes(*ret, 1);
        sqlite3_busy_timeout(*ret, BUSY_TIMEOUT_MS);
        sqlite3_db_config(*ret, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        r = configure(*ret);
    }
    if (r == -EBUSY)
        snprintf(why, why_cap, "%s is in use by another process", path);
    else if (r == KW_STORE_CORRUPT)
        snprintf(why, why_cap, "%s is not a keywell keystore, or damaged: restore it from a backup", path);
    else if (r != 0)
        snprintf(
            why, why_cap, "%s cannot be opened: %s", path, *ret ? sqlite3_errmsg(*ret) : "out of memory");
    return r;
}

static int sync_folder_of(const char *path)
{
    char copy[PATH_MAX];

    if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
        return -ENAMETOOLONG;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    KW_REQUIRE(fd >= 0, -errno);
    int r = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return r;
}

static int make_empty(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    KW_REQUIRE(fd >= 0, -errno);
    close(fd);
    return 0;
}

static void remove_with_wal(const char *path)
{
    char wal[PATH_MAX];

    unlink(path);
    if ((size_t)snprintf(wal, sizeof(wal), "%s-wal", path) < sizeof(wal))
        unlink(wal);
}

/* Tables and check value, in one transaction. */
static int fill(sqlite3 *db, struct kw_sealer *sealer)
{
    struct kw_rows checker = {.db = db, .sealer = sealer};
    int r = kw_sql_exec(db, "BEGIN IMMEDIATE");

    if (r == 0)
        r = kw_schema_create(db, sealer);
    if (r == 0)
        r = kw_rows_insert_check(&checker);
    return r != 0 ? r : kw_sql_exec(db, "COMMIT");
}

static int fill_file(const char *path, struct kw_sealer *sealer, char *why, size_t why_cap)
{
    sqlite3 *db = NULL;
    int r = connect_db(&db, path, why, why_cap);

    if (r == 0) {
        r = fill(db, sealer);
        if (r != 0)
            snprintf(why, why_cap, "%s cannot be made: %s", path, sqlite3_errmsg(db));
    }
    /* Closing moves all into the file itself and removes the write-ahead log. */
    if (sqlite3_close(db) != SQLITE_OK && r == 0)
        r = KW_STORE_FAILED;
    return r;
}

/* Makes the keystore under another name and renames it: who finds it finds it whole. */
static int create(const char *path, struct kw_sealer *sealer, char *why, size_t why_cap)
{
    char fresh[PATH_MAX];

    if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", path) >= sizeof(fresh) - sizeof("-wal")) {
        snprintf(why, why_cap, "the path of the keystore is too long");
        return -ENAMETOOLONG;
    }
    remove_with_wal(fresh);
    int r = make_empty(fresh);
    if (r != 0)
        snprintf(why, why_cap, "%s cannot be made: %s", fresh, strerror(-r));
    if (r == 0)
        r = fill_file(fresh, sealer, why, why_cap);
    if (r == 0) {
        r = rename(fresh, path) == 0 ? sync_folder_of(path) : -errno;
        if (r != 0)
            snprintf(why, why_cap, "%s cannot be put in place: %s", path, strerror(-r));
    }
    if (r != 0)
        remove_with_wal(fresh);
    return r;
}

/* Looks without opening: closing a descriptor of a file drops the locks that SQLite holds on it in this
 * process. */
static int judge_file(const char *path, bool *ret_there, char *why, size_t why_cap)
{
    struct stat st;

    if (lstat(path, &st) < 0) {
        int r = errno == ENOENT ? 0 : -errno;
        if (r != 0)
            snprintf(why, why_cap, "%s cannot be looked at: %s", path, strerror(-r));
        *ret_there = false;
        return r;
    }
    *ret_there = true;
    if (!S_ISREG(st.st_mode)) {
        snprintf(why, why_cap, "%s is not a plain file", path);
        return -EPERM;
    }
    if (st.st_uid != geteuid()) {
        snprintf(why, why_cap, "%s belongs to another user (uid %u)", path, st.st_uid);
        return -EPERM;
    }
    if ((st.st_mode & 077) != 0) {
        snprintf(why, why_cap, "%s is open to others (mode %04o): chmod 0600 it", path, st.st_mode & 07777);
        return -EPERM;
    }
    if (st.st_size == 0) {
        snprintf(why, why_cap, "%s is empty, which no keystore is: restore it from a backup", path);
        return KW_STORE_CORRUPT;
    }
    return 0;
}

int kw_keystore_file_open(
    sqlite3 **ret, const char *path, struct kw_sealer *sealer, char *why, size_t why_cap)
{
    bool there = false;
    int r = judge_file(path, &there, why, why_cap);

    if (r == 0 && !there)
        r = create(path, sealer, why, why_cap);
    return r != 0 ? r : connect_db(ret, path, why, why_cap);
}
