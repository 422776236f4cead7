#include "api/keystore_place.h"
#include "tests/support/keystore_rig.h"

/* ---- a file that is not as we left it ---- */

static void run_with_blob(
    const char *name, const char *sql, int kind, struct kw_bytes id, struct kw_bytes blob)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    ck_assert_int_eq(sqlite3_open(name, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    sqlite3_bind_int(stmt, 1, kind);
    sqlite3_bind_blob(stmt, 2, blob.ptr, (int)blob.len, SQLITE_STATIC);
    if (id.ptr != NULL)
        sqlite3_bind_blob(stmt, 3, id.ptr, (int)id.len, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* Changes a byte of what the statement selects, which is the first record of its kind. */
static void flip_byte(const char *name, const char *select, int kind, int at)
{
    static uint8_t bytes[4096];
    int len = read_blob(name, select, bytes, sizeof(bytes));
    ck_assert_int_lt(len, (int)sizeof(bytes));
    bytes[at] ^= 0x10;
    run_with_blob(name,
        "UPDATE records SET sealed = ?2 WHERE kind = ?1"
        " AND name = (SELECT min(name) FROM records WHERE kind = ?1)",
        kind, KW_BYTES(NULL, 0), KW_BYTES(bytes, (size_t)len));
}

/* A record as only who has the root key can make it. */
static void put_sealed_as(
    const char *name, int kind, int sealed_as, struct kw_bytes id, struct kw_bytes plain)
{
    static uint8_t bytes[4096];
    struct kw_buf sealed = KW_BUF(bytes, sizeof(bytes));
    struct kw_sealer *sealer = NULL;
    struct kw_seal_place place = kw_seal_place_record((enum kw_record_kind)sealed_as, id);
    ck_assert_int_eq(kw_sealer_new(&sealer, root_key), 0);
    ck_assert_int_eq(kw_seal(sealer, &place, plain, &sealed), 0);
    kw_sealer_free(sealer);
    run_with_blob(name, "INSERT INTO records (kind, name, sealed) VALUES (?1, ?3, ?2)", kind, id,
        kw_buf_bytes(&sealed));
}

static void put_sealed(const char *name, int kind, struct kw_bytes id, struct kw_bytes plain)
{
    put_sealed_as(name, kind, kind, id, plain);
}

#define OF_KEY       "kind = 1"
#define OF_ALIAS     "kind = 2"
#define OF_GRANT     "kind = 3"
#define OF_LASTUSE   "kind = 5"
#define OF_PRINCIPAL "kind = 7"
#define OF_ACCESS    "kind = 8"
#define FIRST(of)    of " AND name = (SELECT min(name) FROM records WHERE " of ")"
#define SWAP(of)                                                                                             \
    "UPDATE records SET sealed = (SELECT r.sealed FROM records r WHERE r." of                                \
    " AND r.name <> records.name) WHERE " of

/* Two of each kind. */
static void fill(void)
{
    struct kw_lastuse_entry entry = {.at_ms = 77, .operation = 2, .request_id = "r", .event_id = "e"};
    for (uint32_t number = 1; number <= 2; number++) {
        ck_assert_int_eq(create_key(number), 0);
        ck_assert_int_eq(put_grant((uint8_t)number, number, "retiring"), 0);
        kw_lastuse_note(find_key(number)->lastuse, &entry);
        ck_assert_int_eq(apply_fn(change_save_lastuse, &number), 0);
    }
    ck_assert_int_eq(put_alias("alias/a", 1), 0);
    ck_assert_int_eq(put_alias("alias/b", 2), 0);
    ck_assert_int_eq(put_user("alice", false), 0);
    ck_assert_int_eq(put_user("bob", false), 0);
    ck_assert_int_eq(put_access_key("AKIAONE", "alice"), 0);
    ck_assert_int_eq(put_access_key("AKIATWO", "bob"), 0);
}

/* Fills the store, closes it, runs the edit on a copy and expects the copy to be refused at open or load. */
START_TEST(edited_rows_do_not_open)
{
    static const char *const edits[] = {
        /* swapped within a kind */
        SWAP(OF_KEY),
        SWAP(OF_ALIAS),
        SWAP(OF_GRANT),
        SWAP(OF_PRINCIPAL),
        SWAP(OF_ACCESS),
        SWAP(OF_LASTUSE),
        /* what is there under a name or a kind that is not its own */
        "UPDATE records SET name = CAST(name || x'00' AS BLOB) WHERE " FIRST(OF_KEY),
        "UPDATE records SET name = substr(name, 2) WHERE " FIRST(OF_KEY),
        "UPDATE records SET name = x'' WHERE " FIRST(OF_ALIAS),
        "UPDATE records SET name = zeroblob(1025) WHERE " FIRST(OF_ALIAS),
        "UPDATE records SET name = CAST(replace(CAST(name AS TEXT), 'AKIAONE', 'AKIATEN') AS BLOB) "
        "WHERE " FIRST(OF_ACCESS),
        "UPDATE records SET name = CAST(replace(CAST(name AS TEXT), 'bob', 'rob') AS BLOB) "
        "WHERE " FIRST(OF_PRINCIPAL),
        "UPDATE records SET kind = 5 WHERE " OF_KEY " AND NOT EXISTS (SELECT 1 FROM records r"
        " WHERE r.kind = 5 AND r.name = records.name); DELETE FROM records WHERE kind = 5;"
        " UPDATE records SET kind = 5 WHERE " FIRST(OF_KEY),
        "DELETE FROM records WHERE " OF_KEY "; UPDATE records SET kind = 1 WHERE " OF_LASTUSE,
        "UPDATE records SET kind = 0 WHERE " FIRST(OF_PRINCIPAL),
        "UPDATE records SET kind = 6 WHERE " FIRST(OF_PRINCIPAL),
        "UPDATE records SET kind = -1 WHERE " FIRST(OF_PRINCIPAL),
        "UPDATE records SET kind = 4294967297 WHERE " FIRST(OF_PRINCIPAL),
        "INSERT INTO records SELECT 4, x'00', sealed FROM records WHERE " FIRST(OF_PRINCIPAL),
        /* other bytes */
        "UPDATE records SET sealed = x'' WHERE " FIRST(OF_KEY),
        "UPDATE records SET sealed = zeroblob(29) WHERE " FIRST(OF_KEY),
        "UPDATE records SET sealed = zeroblob(length(sealed)) WHERE " FIRST(OF_GRANT),
        "UPDATE records SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE " FIRST(OF_LASTUSE),
        "UPDATE records SET sealed = CAST(sealed || x'00' AS BLOB) WHERE " FIRST(OF_PRINCIPAL),
        "UPDATE records SET sealed = CAST(x'02' || substr(sealed, 2) AS BLOB) WHERE " FIRST(OF_KEY),
        /* what belongs to a key that is gone */
        "DELETE FROM records WHERE " FIRST(OF_PRINCIPAL),
        "DELETE FROM records WHERE " OF_KEY,
        "DELETE FROM records WHERE " OF_GRANT "; DELETE FROM records WHERE " OF_KEY,
        "DELETE FROM records WHERE " OF_ALIAS "; DELETE FROM records WHERE " OF_KEY,
        /* not a keystore any more */
        "DROP TABLE records",
        "DELETE FROM meta",
        "UPDATE meta SET name = 'chick'",
        "PRAGMA user_version = 0",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 0",
    };
    fill();
    close_all();

    char copy[160];
    snprintf(copy, sizeof(copy), "%s/copy.db", folder);
    copy_file(path, copy);
    ck_assert_int_eq(reopen_result(copy), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(edits); i++) {
        copy_file(path, copy);
        edit(copy, edits[i]);
        int r = reopen_result(copy);
        /* Without its table it cannot be read at all. */
        ck_assert_msg(r == KW_STORE_CORRUPT ||
                          (r == KW_STORE_FAILED && strstr(edits[i], "user_version = 1")) ||
                          (r == KW_STORE_FAILED && strstr(edits[i], "DROP")),
            "%d after %s", r, edits[i]);
    }
    open_and_load(path);
}
END_TEST

/* Each byte of a sealed record of each kind, and of the check value, is looked at. */
START_TEST(every_byte_counts)
{
    static const int kinds[] = {1, 2, 3, 5, 7, 8, 9};
    char copy[160], sql[200];
    fill();
    ck_assert(kw_access_use_note(find_access_key("AKIAONE")->use, 77000, KW_LIT("kms"), REGION));
    ck_assert_int_eq(apply_fn(change_save_access_use, (char[]){"AKIAONE"}), 0);
    close_all();
    snprintf(copy, sizeof(copy), "%s/copy.db", folder);
    for (size_t i = 0; i < KW_ARRAY_LEN(kinds); i++) {
        int kind = kinds[i];
        snprintf(sql, sizeof(sql), "SELECT length(sealed) FROM records WHERE kind = %d", kind);
        int len = count_rows(path, sql);
        for (int at = 0; at < len; at += at < 16 || at > len - 20 ? 5 : 61) {
            copy_file(path, copy);
            snprintf(
                sql, sizeof(sql), "SELECT sealed FROM records WHERE kind = %d ORDER BY name LIMIT 1", kind);
            flip_byte(copy, sql, kind, at);
            ck_assert_int_eq(reopen_result(copy), KW_STORE_CORRUPT);
        }
    }
    copy_file(path, copy);
    edit(copy, "UPDATE meta SET value = CAST(x'01' || zeroblob(length(value) - 1) AS BLOB)");
    ck_assert_int_eq(reopen_result(copy), KW_STORE_WRONG_ROOT);
    open_and_load(path);
}
END_TEST

/* Every page of the file in turn, and every byte of one in some, is other than it was: refused, or what is
 * loaded is what was there (unused bytes). */
START_TEST(every_region_of_the_file)
{
    char copy[160];
    struct stat st;
    fill();
    for (uint32_t i = 3; i < 40; i++)
        ck_assert_int_eq(create_key(i), 0);
    close_all();
    snprintf(copy, sizeof(copy), "%s/copy.db", folder);
    ck_assert_int_eq(stat(path, &st), 0);
    size_t num_refused = 0, num_unused = 0;
    for (off_t at = 0; at < st.st_size; at += 397) {
        uint8_t byte;
        copy_file(path, copy);
        int fd = open(copy, O_RDWR | O_CLOEXEC);
        ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
        byte ^= 0x41;
        ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        struct kw_keystore *damaged = NULL;
        struct kw_snapshot *snapshot = NULL;
        int r = kw_keystore_open_sqlite(&damaged, copy, root_key, why, sizeof(why));
        if (r == 0)
            r = damaged->ops->load(damaged, &snapshot);
        if (r == 0) {
            ck_assert_uint_eq(kw_map_len(&snapshot->keys), 39);
            ck_assert_uint_eq(kw_map_len(&snapshot->grants), 2);
            ck_assert_uint_eq(kw_map_len(&snapshot->aliases), 2);
            ck_assert_uint_eq(kw_map_len(&snapshot->principals), 2);
            ck_assert_uint_eq(kw_map_len(&snapshot->access_keys), 2);
            num_unused++;
        } else {
            num_refused++;
        }
        kw_snapshot_free(snapshot);
        if (damaged != NULL)
            damaged->ops->close(damaged);
    }
    ck_assert_uint_gt(num_refused, num_unused / 2);
    open_and_load(path);
}
END_TEST

/* A record of another store does not open here, be the root key the same: its key is not of this store. But a
 * record that this store once had does: who can write the file can put an old one back. */
START_TEST(records_of_other_times_and_stores)
{
    char other[160], sql[512], older[160];
    snprintf(other, sizeof(other), "%s/other.db", folder);
    snprintf(older, sizeof(older), "%s/older.db", folder);
    fill();
    close_all();
    copy_file(path, older);
    open_and_load(path);
    ck_assert_int_eq(set_state(1, KW_KEY_DISABLED), 0);
    close_all();

    /* The whole picture goes back by one record, as the threat model says. */
    snprintf(sql, sizeof(sql),
        "ATTACH '%s' AS older; UPDATE records SET sealed = (SELECT o.sealed FROM older.records o"
        " WHERE o.kind = records.kind AND o.name = records.name) WHERE kind = 1",
        older);
    edit(path, sql);
    open_and_load(path);
    ck_assert_int_eq(find_key(1)->state, KW_KEY_ENABLED);
    close_all();

    /* Another root key seals the same records so that they do not open here. */
    uint8_t other_root[KW_ROOT_KEY_LEN];
    memcpy(other_root, root_key, sizeof(other_root));
    other_root[7] ^= 4;
    ck_assert_int_eq(try_open(other, other_root), 0);
    ck_assert_int_eq(keystore->ops->load(keystore, &now), 0);
    fill();
    close_all();
    snprintf(sql, sizeof(sql),
        "ATTACH '%s' AS other; UPDATE records SET sealed = (SELECT o.sealed FROM other.records o"
        " WHERE o.kind = records.kind AND o.name = records.name) WHERE kind = 8",
        other);
    edit(path, sql);
    ck_assert_int_eq(reopen_result(path), KW_STORE_CORRUPT);
    unlink(path);
    open_and_load(path);
}
END_TEST

/* What was written by someone who has the root key, but is no record of ours: another form, or another's
 * name. */
START_TEST(sealed_nonsense_is_refused)
{
    static const uint8_t plains[][8] = {{0}, {1}, {2, 1, 0, 0, 0, 0}, {1, 1, 0, 0, 0, 99}};
    uint8_t name_bytes[KW_SEAL_IDENTITY_MAX];
    close_all();
    for (size_t i = 0; i < KW_ARRAY_LEN(plains); i++)
        for (int kind = 1; kind <= 5; kind++) {
            unlink(path);
            open_and_load(path);
            close_all();
            put_sealed(path, kind, KW_LIT("name"), KW_BYTES(plains[i], sizeof(plains[i])));
            ck_assert_int_eq(reopen_result(path), KW_STORE_CORRUPT);
        }

    /* A key under the name of another. */
    KW_KMS_KEY struct kw_kms_key *one = new_key(ACCOUNT_TEXT, REGION_TEXT, 1);
    KW_KMS_KEY struct kw_kms_key *two = new_key(ACCOUNT_TEXT, REGION_TEXT, 2);
    KW_KMS_KEY struct kw_kms_key *twin = new_key(OTHER_TEXT, REGION_TEXT, 1);
    const struct kw_kms_key *const pairs[][2] = {{one, one}, {one, two}, {two, one}};
    for (size_t i = 0; i < KW_ARRAY_LEN(pairs); i++) {
        KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
        struct kw_buf name = KW_BUF(name_bytes, sizeof(name_bytes));
        kw_record_key_name(pairs[i][0], &name);
        kw_record_key_encode(pairs[i][1], &plain);
        unlink(path);
        open_and_load(path);
        close_all();
        put_sealed(path, 1, kw_buf_bytes(&name), kw_sbuf_bytes(&plain));
        ck_assert_int_eq(reopen_result(path), i == 0 ? 0 : KW_STORE_CORRUPT);

        /* As another kind it does not open, be it a record of that kind in all but its seal. */
        edit(path, "DELETE FROM records");
        put_sealed_as(path, 1, 5, kw_buf_bytes(&name), kw_sbuf_bytes(&plain));
        ck_assert_int_eq(reopen_result(path), KW_STORE_CORRUPT);
    }
    /* Two accounts with the same key id in a region. */
    unlink(path);
    open_and_load(path);
    ck_assert_int_eq(create_key(1), 0);
    close_all();
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    struct kw_buf name = KW_BUF(name_bytes, sizeof(name_bytes));
    kw_record_key_name(twin, &name);
    kw_record_key_encode(twin, &plain);
    put_sealed(path, 1, kw_buf_bytes(&name), kw_sbuf_bytes(&plain));
    ck_assert_int_eq(reopen_result(path), KW_STORE_CORRUPT);
    unlink(path);
    open_and_load(path);
}
END_TEST

/* The last use of a key that is gone means nothing, and is no damage. */
START_TEST(last_uses_without_a_key_are_passed_over)
{
    fill();
    close_all();
    edit(path, "DELETE FROM records WHERE kind BETWEEN 1 AND 3");
    open_and_load(path);
    ck_assert_uint_eq(kw_map_len(&now->keys), 0);
    ck_assert_uint_eq(kw_map_len(&now->principals), 2);
}
END_TEST

START_TEST(wrong_root_and_newer_schema_are_refused)
{
    uint8_t wrong_root[KW_ROOT_KEY_LEN];
    memcpy(wrong_root, root_key, sizeof(wrong_root));
    wrong_root[0] ^= 0x80;
    close_all();
    ck_assert_int_eq(try_open(path, wrong_root), KW_STORE_WRONG_ROOT);
    ck_assert_ptr_nonnull(strstr(why, "root key"));
    ck_assert_ptr_nonnull(strstr(why, path));

    edit(path, "PRAGMA user_version = 4711");
    ck_assert_int_eq(try_open(path, root_key), KW_STORE_VERSION);
    ck_assert_ptr_nonnull(strstr(why, "newer keywell"));
    edit(path, "PRAGMA user_version = 4");
    open_and_load(path);
}
END_TEST

static void write_file(const char *name, const char *bytes, size_t len, mode_t mode)
{
    unlink(name);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

START_TEST(files_that_are_no_keystore_are_refused)
{
    static char garbage[8192];
    char name[160], target[176];
    memset(garbage, 'g', sizeof(garbage));
    snprintf(name, sizeof(name), "%s/strange.db", folder);

    write_file(name, "", 0, 0600);
    ck_assert_int_eq(try_open(name, root_key), KW_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(why, "empty"));
    write_file(name, garbage, sizeof(garbage), 0600);
    ck_assert_int_eq(try_open(name, root_key), KW_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(why, name));

    unlink(name);
    edit(name, "CREATE TABLE keys (id)");
    chmod(name, 0600);
    ck_assert_int_eq(try_open(name, root_key), KW_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(why, "not a keywell keystore"));
    chmod(name, 0640);
    ck_assert_int_eq(try_open(name, root_key), -EPERM);
    ck_assert_ptr_nonnull(strstr(why, "mode 0640"));

    unlink(name);
    ck_assert_int_eq(symlink("keystore.db", name), 0);
    ck_assert_int_eq(try_open(name, root_key), -EPERM);
    ck_assert_ptr_nonnull(strstr(why, "not a plain file"));
    unlink(name);
    ck_assert_int_eq(mkfifo(name, 0600), 0);
    ck_assert_int_eq(try_open(name, root_key), -EPERM);

    snprintf(target, sizeof(target), "%s/no/such/keystore.db", folder);
    ck_assert_int_eq(try_open(target, root_key), -ENOENT);
    ck_assert_ptr_nonnull(strstr(why, target));
}
END_TEST

START_TEST(damaged_pages_are_refused)
{
    for (uint8_t i = 1; i < 60; i++)
        ck_assert_int_eq(create_key(i), 0);
    close_all();
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat st;
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_ge(st.st_size, 5 * 4096);
    char zeros[4096] = {0};
    ck_assert_int_eq(pwrite(fd, zeros, sizeof(zeros), st.st_size - 4096), 4096);
    close(fd);
    ck_assert_int_eq(reopen_result(path), KW_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(why, "damaged"));

    ck_assert_int_eq(truncate(path, st.st_size / 4096 / 2 * 4096), 0);
    ck_assert_int_eq(reopen_result(path), KW_STORE_CORRUPT);
    unlink(path);
    open_and_load(path);
}
END_TEST

START_TEST(files_are_for_us_alone)
{
    struct stat st;
    char wal[160];
    close_all();
    unlink(path);
    mode_t old = umask(0);
    open_and_load(path);
    ck_assert_int_eq(create_key(1), 0);
    umask(old);
    snprintf(wal, sizeof(wal), "%s-wal", path);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(wal, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);

    /* A second opener, here or elsewhere, is told. */
    struct kw_keystore *first = keystore;
    ck_assert_int_eq(try_open(path, root_key), -EBUSY);
    ck_assert_ptr_nonnull(strstr(why, "in use"));
    keystore = first;
    ck_assert_int_eq(create_key(2), 0);
}
END_TEST

START_TEST(half_made_keystore_is_made_again)
{
    char name[160], fresh[176];
    snprintf(name, sizeof(name), "%s/second.db", folder);
    snprintf(fresh, sizeof(fresh), "%s.new", name);
    write_file(fresh, "half", 4, 0600); /* a crash left it */
    ck_assert_int_eq(reopen_result(name), 0);
    ck_assert_int_ne(access(fresh, F_OK), 0);
    ck_assert_int_eq(access(name, F_OK), 0);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, edited_rows_do_not_open);
    tcase_add_test(tcase, every_byte_counts);
    tcase_add_test(tcase, every_region_of_the_file);
    tcase_add_test(tcase, records_of_other_times_and_stores);
    tcase_add_test(tcase, sealed_nonsense_is_refused);
    tcase_add_test(tcase, last_uses_without_a_key_are_passed_over);
    tcase_add_test(tcase, wrong_root_and_newer_schema_are_refused);
    tcase_add_test(tcase, files_that_are_no_keystore_are_refused);
    tcase_add_test(tcase, damaged_pages_are_refused);
    tcase_add_test(tcase, files_are_for_us_alone);
    tcase_add_test(tcase, half_made_keystore_is_made_again);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    shim_install();
    skipping_syncs = true;
    return kw_suite_run("keystore_damage", add, 60);
}
