#include "tests/support/keystore_v1_rig.h"

/* Stores of schema version 1 become current ones when they are opened. */

static void v1_make(const char *name)
{
    struct v1 v1;
    v1_begin(&v1, name);
    v1_key(&v1, 1, "Enabled", 1);
    v1_key(&v1, 2, "Disabled", 1);
    v1_key(&v1, 3, "Enabled", 3);
    v1_alias(&v1, "alias/one", 1);
    v1_alias(&v1, "alias/two", 2);
    v1_principal(&v1, "AKIAONE", "admin", true);
    v1_principal(&v1, "AKIATWO", "guest", false);
    v1_end(&v1);
}

static void setup_v1(void)
{
    folder_make();
    v1_make(path);
}

static void check_plain_key(uint32_t number, enum kw_key_state state)
{
    KW_KMS_KEY struct kw_kms_key *plain = new_key(ACCOUNT_TEXT, REGION_TEXT, number);
    KW_KMS_KEY struct kw_kms_key *expected = NULL;
    struct kw_kms_key like = *plain;
    like.state = state;
    ck_assert_int_eq(kw_kms_key_new(&expected, &like), 0);
    ck_assert_ptr_nonnull(find_key(number));
    assert_same_key(find_key(number), expected);
}

static void check_content(void)
{
    ck_assert_uint_eq(kw_map_len(&now->keys), 3);
    ck_assert_uint_eq(kw_map_len(&now->aliases), 2);
    ck_assert_uint_eq(kw_map_len(&now->grants), 0);
    ck_assert_uint_eq(kw_map_len(&now->principals), 2);
    check_plain_key(1, KW_KEY_ENABLED);
    check_plain_key(2, KW_KEY_DISABLED);

    /* The newest generation of three is current; each material is where it was. */
    const struct kw_kms_key *key = find_key(3);
    ck_assert_uint_eq(key->num_generations, 3);
    ck_assert_uint_eq(key->current, 2);
    for (uint32_t i = 0; i < 3; i++) {
        uint8_t secret[32];
        secret_of(3 + i, secret);
        const struct kw_generation *generation = &key->generations[i];
        ck_assert_int_eq(generation->id[0], 3 + (int)i);
        ck_assert(kw_bytes_equal(generation->material->secret, KW_BYTES(secret, sizeof(secret))));
        ck_assert_int_eq(generation->created_ms, 1003 + i);
        ck_assert_int_eq(generation->rotated_ms, i == 0 ? 0 : 1003 + i);
    }

    struct kw_alias alias = alias_of("alias/two", 2);
    assert_same_alias(kw_snapshot_alias(now, ACCOUNT, REGION, KW_LIT("alias/two")), &alias);
    for (int i = 0; i < 2; i++) {
        const char *user_name = i == 0 ? "admin" : "guest", *access_key_id = i == 0 ? "AKIAONE" : "AKIATWO";
        struct kw_principal user = principal_of(user_name, i == 0);
        struct kw_access_key access_key = access_key_of(access_key_id, user_name);
        user.created_ms = access_key.created_ms = 0; /* nobody wrote it down */
        assert_same_principal(find_user(user_name), &user);
        assert_same_access_key(find_access_key(access_key_id), &access_key);
    }
}

START_TEST(a_store_of_version_1_becomes_a_current_one)
{
    uint8_t secret[32];
    for (int round = 0; round < 2; round++) {
        open_and_load(path);
        check_content();
        ck_assert_int_eq(kw_keystore_secret_sqlite(keystore, "audit", secret), 0);
        ck_assert_mem_eq(secret, "ssssssssssssssssssssssssssssssss", 32);
        close_all();
        ck_assert_int_eq(count_rows(path, "PRAGMA user_version"), 4);
        ck_assert_int_eq(count_rows(path, "SELECT count(*) FROM records"), 9);
        ck_assert_int_eq(count_rows(path, "SELECT count(*) FROM sqlite_master WHERE name IN"
                                          " ('keys', 'backing_keys', 'aliases', 'principals')"),
            0);
    }
    open_and_load(path);
    ck_assert_int_eq(create_key(10), 0);
}
END_TEST

/* What lay open in version 1 is gone from the file, not merely unlinked. */
START_TEST(no_plaintext_is_left)
{
    static char bytes[4 << 20];
    ck_assert_int_gt(count_rows(path, "SELECT length(description) FROM keys"), 0);
    open_and_load(path);
    close_all();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, bytes, sizeof(bytes));
    close(fd);
    ck_assert_int_gt(len, 4096);
    ck_assert_ptr_null(memmem(bytes, (size_t)len, "for tests", 9));
    ck_assert_ptr_null(memmem(bytes, (size_t)len, "AIDAEXAMPLE", 11));
    ck_assert_ptr_nonnull(memmem(bytes, (size_t)len, "AKIAONE", 7)); /* a name */
}
END_TEST

START_TEST(an_empty_one_too)
{
    struct v1 v1;
    v1_begin(&v1, path);
    v1_end(&v1);
    open_and_load(path);
    ck_assert_uint_eq(kw_map_len(&now->keys), 0);
    ck_assert_int_eq(create_key(1), 0);
}
END_TEST

/* Nothing is changed by an opener who has the wrong root key. */
START_TEST(the_root_key_is_checked_first)
{
    uint8_t wrong_root[KW_ROOT_KEY_LEN];
    memcpy(wrong_root, root_key, sizeof(wrong_root));
    wrong_root[31] ^= 1;
    ck_assert_int_eq(try_open(path, wrong_root), KW_STORE_WRONG_ROOT);
    ck_assert_ptr_nonnull(strstr(why, "root key"));
    ck_assert_int_eq(count_rows(path, "PRAGMA user_version"), 1);
    ck_assert_int_eq(count_rows(path, "SELECT count(*) FROM keys"), 3);
    open_and_load(path);
    check_content();
}
END_TEST

/* The same edits as those that version 1 refused to load. */
START_TEST(edited_rows_are_not_converted)
{
    static const char *const edits[] = {
        /* secrets put where they do not belong */
        "UPDATE backing_keys SET sealed = (SELECT b.sealed FROM backing_keys b WHERE b.key_id <> "
        "backing_keys.key_id)",
        "UPDATE keys SET account = '111111111111' WHERE id = (SELECT min(id) FROM keys)",
        "UPDATE keys SET region = 'eu-west-1'",
        "UPDATE backing_keys SET material_id = zeroblob(32) WHERE key_id = (SELECT min(id) FROM keys)",
        "UPDATE backing_keys SET ordinal = ordinal + 1 WHERE ordinal = 2",
        "UPDATE backing_keys SET sealed = zeroblob(61)",
        "UPDATE backing_keys SET sealed = x''",
        "UPDATE principals SET administrator = 1",
        "UPDATE principals SET enabled = 0",
        "UPDATE principals SET account = '111111111111'",
        "UPDATE principals SET user_name = 'root'",
        "UPDATE principals SET principal_id = replace(hex(zeroblob(40)), '0', 'x')",
        "UPDATE principals SET access_key_id = 'AKIATHREE' WHERE access_key_id = 'AKIAONE'",
        "UPDATE principals SET sealed = (SELECT p.sealed FROM principals p"
        "  WHERE p.access_key_id <> principals.access_key_id)",
        /* rows that make no sense */
        "DELETE FROM backing_keys",
        "UPDATE keys SET state = 'Sleeping'",
        "UPDATE keys SET state = 'PendingDeletion'",
        "UPDATE keys SET description = replace(hex(zeroblob(20000)), '0', 'x')",
        "UPDATE keys SET description = CAST(x'610062' AS TEXT)",
        "PRAGMA foreign_keys = OFF; UPDATE aliases SET key_id = zeroblob(16)",
        "PRAGMA foreign_keys = OFF; UPDATE aliases SET key_id = x'00'",
        "UPDATE aliases SET account = '111111111111'",
        "UPDATE aliases SET account = '1' WHERE name = 'alias/one'",
        "UPDATE aliases SET name = replace(hex(zeroblob(200)), '0', 'x') WHERE name = 'alias/one'",
        "DELETE FROM meta",
    };
    char copy[160], pristine[160];
    snprintf(pristine, sizeof(pristine), "%s/pristine.db", folder);
    snprintf(copy, sizeof(copy), "%s/copy.db", folder);
    copy_file(path, pristine);
    for (size_t i = 0; i < KW_ARRAY_LEN(edits); i++) {
        copy_file(pristine, copy);
        edit(copy, edits[i]);
        int r = reopen_result(copy);
        ck_assert_msg(r == KW_STORE_CORRUPT, "%d after %s", r, edits[i]);
        ck_assert_ptr_nonnull(strstr(why, "damaged"));
        ck_assert_int_eq(count_rows(copy, "PRAGMA user_version"), 1); /* nothing was changed */
    }
    ck_assert_int_eq(reopen_result(pristine), 0);
}
END_TEST

/* A conversion that cannot be committed leaves the old store, and is done at the next opening. */
START_TEST(a_failed_conversion_is_done_again)
{
    failing_syncs = 1;
    int r = try_open(path, root_key);
    ck_assert_int_eq(r, KW_STORE_FAILED);
    ck_assert_ptr_nonnull(strstr(why, "up to date"));
    failing_syncs = 0;
    ck_assert_int_eq(count_rows(path, "SELECT count(*) FROM keys"), 3);
    open_and_load(path);
    check_content();
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup_v1, teardown);
    tcase_add_test(tcase, a_store_of_version_1_becomes_a_current_one);
    tcase_add_test(tcase, no_plaintext_is_left);
    tcase_add_test(tcase, an_empty_one_too);
    tcase_add_test(tcase, the_root_key_is_checked_first);
    tcase_add_test(tcase, edited_rows_are_not_converted);
    tcase_add_test(tcase, a_failed_conversion_is_done_again);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    shim_install();
    skipping_syncs = true;
    return kw_suite_run("keystore_v1", add, 60);
}
