#include "tests/support/keystore_rig.h"

/* ---- a file that is not as we left it ---- */

/* Fills the store, closes it, runs the edit on a copy and expects the copy to be refused at open or load. */
START_TEST(edited_rows_do_not_open)
{
    static const char *const edits[] = {
        /* secrets put where they do not belong */
        "UPDATE backing_keys SET sealed = (SELECT b.sealed FROM backing_keys b WHERE b.key_id <> "
        "backing_keys.key_id)",
        "UPDATE keys SET account = '111111111111' WHERE id = (SELECT min(id) FROM keys)",
        "UPDATE keys SET region = 'eu-west-1'",
        "UPDATE backing_keys SET material_id = zeroblob(32) WHERE key_id = (SELECT min(id) FROM keys)",
        "UPDATE backing_keys SET ordinal = 1",
        "UPDATE backing_keys SET sealed = zeroblob(61)",
        "UPDATE backing_keys SET sealed = x''",
        "UPDATE principals SET administrator = 1",
        "UPDATE principals SET account = '111111111111'",
        "UPDATE principals SET user_name = 'root'",
        "UPDATE principals SET access_key_id = 'AKIATHREE' WHERE access_key_id = 'AKIAONE'",
        "UPDATE principals SET sealed = (SELECT p.sealed FROM principals p"
        "  WHERE p.access_key_id <> principals.access_key_id)",
        /* rows that make no sense */
        "DELETE FROM backing_keys",
        "UPDATE keys SET state = 'Sleeping'",
        "UPDATE keys SET description = replace(hex(zeroblob(20000)), '0', 'x')",
        "UPDATE keys SET description = CAST(x'610062' AS TEXT)",
        "PRAGMA foreign_keys = OFF; UPDATE aliases SET key_id = zeroblob(16)",
        "PRAGMA foreign_keys = OFF; UPDATE aliases SET key_id = x'00'",
        "UPDATE aliases SET account = '111111111111'",
        "UPDATE aliases SET account = '1'",
        "UPDATE aliases SET name = replace(hex(zeroblob(200)), '0', 'x')",
        /* not a keystore any more */
        "DELETE FROM meta",
        "PRAGMA user_version = 0",
        "PRAGMA application_id = 0",
    };
    ck_assert_int_eq(create_key(1), 0);
    ck_assert_int_eq(create_key(2), 0);
    ck_assert_int_eq(create_alias("alias/a", 1), 0);
    ck_assert_int_eq(create_principal("AKIAONE", false), 0);
    ck_assert_int_eq(create_principal("AKIATWO", false), 0);
    close_all();

    char copy[160];
    snprintf(copy, sizeof(copy), "%s/copy.db", folder);
    copy_file(path, copy);
    ck_assert_int_eq(reopen_result(copy), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(edits); i++) {
        copy_file(path, copy);
        edit(copy, edits[i]);
        int r = reopen_result(copy);
        ck_assert_msg(r == KW_STORE_CORRUPT, "%d after %s", r, edits[i]);
    }
    open_and_load(path);
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
    edit(path, "PRAGMA user_version = 1");
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
    return kw_suite_run("keystore_damage", add, 60);
}
