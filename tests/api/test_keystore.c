#include "tests/support/keystore_rig.h"

#include <sys/wait.h>

/* ---- sealing ---- */

START_TEST(seal_opens_in_its_place_only)
{
    struct kw_sealer *sealer = NULL, *other = NULL;
    uint8_t bytes[64], copy[64], plain_bytes[32], wrong_root[KW_ROOT_KEY_LEN];
    struct kw_buf sealed = KW_BUF(bytes, sizeof(bytes)), plain;
    struct kw_seal_place place = {"table", KW_LIT("row"), "purpose"};

    memcpy(wrong_root, root_key, sizeof(wrong_root));
    wrong_root[31] ^= 1;
    ck_assert_int_eq(kw_sealer_new(&sealer, root_key), 0);
    ck_assert_int_eq(kw_sealer_new(&other, wrong_root), 0);
    ck_assert_int_eq(kw_seal(sealer, &place, KW_LIT("secret"), &sealed), 0);
    ck_assert_uint_eq(sealed.len, 6 + KW_SEAL_OVERHEAD);
    ck_assert_ptr_null(memmem(bytes, sealed.len, "secret", 6));

    plain = KW_BUF(plain_bytes, sizeof(plain_bytes));
    ck_assert_int_eq(kw_unseal(sealer, &place, kw_buf_bytes(&sealed), &plain), 0);
    ck_assert(kw_bytes_equal(kw_buf_bytes(&plain), KW_LIT("secret")));
    ck_assert_int_eq(kw_unseal(other, &place, kw_buf_bytes(&sealed), &plain), KW_SEAL_BROKEN);
    ck_assert_uint_eq(plain.len, 6);
    ck_assert_int_eq(plain_bytes[6], plain_bytes[7]); /* wiped */

    /* The same bytes cut differently are another place. */
    const struct kw_seal_place others[] = {{"tabl", KW_LIT("erow"), "purpose"},
        {"table", KW_LIT("rowp"), "urpose"}, {"table", KW_LIT("row"), "purposes"},
        {"table", KW_LIT(""), "purpose"}, {"table", KW_LIT("Row"), "purpose"}};
    for (size_t i = 0; i < KW_ARRAY_LEN(others); i++)
        ck_assert_int_eq(kw_unseal(sealer, &others[i], kw_buf_bytes(&sealed), &plain), KW_SEAL_BROKEN);

    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        memcpy(copy, bytes, sealed.len);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(kw_unseal(sealer, &place, KW_BYTES(copy, sealed.len), &plain), KW_SEAL_BROKEN);
    }
    for (size_t len = 0; len < sealed.len; len++)
        ck_assert_int_eq(kw_unseal(sealer, &place, KW_BYTES(bytes, len), &plain), KW_SEAL_BROKEN);
    plain = KW_BUF(plain_bytes, 5); /* no room */
    ck_assert_int_eq(kw_unseal(sealer, &place, kw_buf_bytes(&sealed), &plain), KW_SEAL_BROKEN);

    struct kw_buf again = KW_BUF(copy, sizeof(copy));
    ck_assert_int_eq(kw_seal(sealer, &place, KW_LIT("secret"), &again), 0);
    ck_assert_int_ne(memcmp(copy, bytes, sealed.len), 0); /* a fresh IV each time */
    kw_sealer_free(sealer);
    kw_sealer_free(other);
    kw_sealer_free(NULL);
}
END_TEST

/* A child has neither the root key nor a random source: it must not seal under zeros. */
START_TEST(seal_refuses_in_a_forked_child)
{
    struct kw_sealer *sealer = NULL;
    struct kw_seal_place place = {"table", KW_LIT("row"), "purpose"};
    uint8_t bytes[64];
    struct kw_buf sealed = KW_BUF(bytes, sizeof(bytes));
    int status = -1;

    ck_assert_int_eq(kw_sealer_new(&sealer, root_key), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(kw_seal(sealer, &place, KW_LIT("secret"), &sealed) == -EPERM && sealed.len == 0 ? 42 : 1);
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    kw_sealer_free(sealer);
}
END_TEST

/* ---- what is kept ---- */

START_TEST(everything_comes_back)
{
    ck_assert_uint_eq(now->num_keys + now->num_aliases + now->num_principals, 0);
    ck_assert_int_eq(create_key(1), 0);
    ck_assert_int_eq(create_key(2), 0);
    ck_assert_int_eq(set_state(2, KW_KEY_DISABLED), 0);
    ck_assert_int_eq(create_alias("alias/one", 1), 0);
    ck_assert_int_eq(create_alias("alias/gone", 1), 0);
    ck_assert_int_eq(delete_alias("alias/gone"), 0);
    ck_assert_int_eq(create_principal("AKIAONE", true), 0);

    for (int round = 0; round < 2; round++) {
        const struct kw_kms_key *key = find_key(1);
        struct kw_backing_key backing = backing_of(1);
        ck_assert_uint_eq(now->num_keys, 2);
        ck_assert_ptr_nonnull(key);
        ck_assert_int_eq(key->state, KW_KEY_ENABLED);
        ck_assert_int_eq(key->created_ms, 5001);
        ck_assert_str_eq(key->description, "for tests \xe2\x82\xac");
        ck_assert_str_eq(
            key->arn, "arn:aws:kms:us-east-1:000000000000:key/01010101-0101-0101-0101-010101010101");
        ck_assert_uint_eq(key->num_backing, 1);
        ck_assert_int_eq(memcmp(&key->backing[0], &backing, sizeof(backing)), 0);
        ck_assert_ptr_eq(kw_snapshot_key_by_id(now, key->id), key);
        ck_assert_int_eq(find_key(2)->state, KW_KEY_DISABLED);

        ck_assert_uint_eq(now->num_aliases, 1);
        const struct kw_alias *alias = kw_snapshot_alias(now, ACCOUNT, REGION, KW_LIT("alias/one"));
        ck_assert_ptr_nonnull(alias);
        ck_assert_int_eq(alias->key_id[0], 1);
        ck_assert_int_eq(alias->created_ms, 7000);
        ck_assert_int_eq(alias->updated_ms, 7000);

        ck_assert_uint_eq(now->num_principals, 1);
        const struct kw_principal *principal = kw_snapshot_principal(now, KW_LIT("AKIAONE"));
        ck_assert_ptr_nonnull(principal);
        ck_assert_str_eq(principal->secret_access_key, SECRET);
        ck_assert_str_eq(principal->principal_id, "AIDAEXAMPLE");
        ck_assert_str_eq(principal->arn, "arn:aws:iam::000000000000:user/admin");
        ck_assert(principal->administrator && principal->enabled);

        close_all(); /* the second round sees what was read from the file */
        open_and_load(path);
    }
}
END_TEST

START_TEST(no_plaintext_in_the_files)
{
    static char bytes[4 << 20];
    struct kw_backing_key backing = backing_of(9);
    ck_assert_int_eq(create_key(9), 0);
    ck_assert_int_eq(create_principal("AKIAFIND", true), 0);

    char names[2][160];
    snprintf(names[0], sizeof(names[0]), "%s-wal", path);
    snprintf(names[1], sizeof(names[1]), "%s", path);
    bool found_name = false;
    for (int i = 0; i < 2; i++) {
        if (i == 1)
            close_all(); /* moves the log into the file */
        int fd = open(names[i], O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ssize_t len = read(fd, bytes, sizeof(bytes));
        close(fd);
        ck_assert_int_gt(len, 0);
        ck_assert_ptr_null(memmem(bytes, (size_t)len, backing.key, sizeof(backing.key)));
        ck_assert_ptr_null(memmem(bytes, (size_t)len, SECRET, 16));
        ck_assert_ptr_null(memmem(bytes, (size_t)len, root_key, 16));
        found_name |= memmem(bytes, (size_t)len, "AKIAFIND", 8) != NULL;
    }
    ck_assert(found_name); /* we did look at the right files */
    open_and_load(path);
}
END_TEST

START_TEST(secrets_are_made_once)
{
    uint8_t first[32], second[32], other[32];
    ck_assert_int_eq(kw_keystore_secret_sqlite(keystore, "audit", first), 0);
    ck_assert_int_eq(kw_keystore_secret_sqlite(keystore, "other", other), 0);
    close_all();
    open_and_load(path);
    ck_assert_int_eq(kw_keystore_secret_sqlite(keystore, "audit", second), 0);
    ck_assert_int_eq(memcmp(first, second, sizeof(first)), 0);
    ck_assert_int_ne(memcmp(first, other, sizeof(first)), 0);

    close_all();
    edit(path, "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'other')");
    open_and_load(path);
    memset(second, 7, sizeof(second));
    ck_assert_int_eq(kw_keystore_secret_sqlite(keystore, "audit", second), KW_STORE_CORRUPT);
    ck_assert_int_eq(second[0], 7);
    ck_assert_int_eq(kw_keystore_secret_sqlite(keystore, "other", second), 0);
}
END_TEST

/* ---- conditions ---- */

START_TEST(changes_are_judged)
{
    uint64_t version = now->version;
    ck_assert_int_eq(set_state(1, KW_KEY_DISABLED), KW_STORE_NOT_FOUND);
    ck_assert_int_eq(create_alias("alias/a", 1), KW_STORE_NOT_FOUND);
    ck_assert_int_eq(delete_alias("alias/a"), KW_STORE_NOT_FOUND);
    ck_assert_uint_eq(now->version, version);

    ck_assert_int_eq(create_key(1), 0);
    ck_assert_int_eq(create_key(1), KW_STORE_EXISTS);
    struct kw_backing_key backing = backing_of(1);
    struct kw_change change = key_change(1, &backing);
    change.account = OTHER; /* an id is held once, whoever asks */
    ck_assert_int_eq(apply(&change), KW_STORE_EXISTS);
    ck_assert_int_eq(set_state(1, KW_KEY_ENABLED), 0); /* nothing to do */
    ck_assert_int_eq(create_alias("alias/a", 1), 0);
    ck_assert_int_eq(create_alias("alias/a", 1), KW_STORE_EXISTS);
    change = alias_change(KW_CHANGE_CREATE_ALIAS, "alias/b", 1);
    change.account = OTHER; /* another account's key */
    ck_assert_int_eq(apply(&change), KW_STORE_NOT_FOUND);
    ck_assert_int_eq(create_principal("AKIA1", true), 0);
    ck_assert_int_eq(create_principal("AKIA1", false), KW_STORE_EXISTS);
}
END_TEST

START_TEST(texts_that_do_not_fit_are_refused)
{
    static char long_text[KW_DESCRIPTION_BYTES_MAX + 1];
    memset(long_text, 'x', sizeof(long_text));
    struct kw_backing_key backing = backing_of(1);
    struct kw_change change = key_change(1, &backing);
    change.description = KW_BYTES(long_text, sizeof(long_text));
    ck_assert_int_eq(apply(&change), -EINVAL);
    change = key_change(1, &backing);
    change.region = KW_BYTES(long_text, KW_REGION_MAX + 1);
    ck_assert_int_eq(apply(&change), -EINVAL);

    ck_assert_int_eq(create_key(1), 0);
    change = alias_change(KW_CHANGE_CREATE_ALIAS, "", 1);
    change.alias = KW_BYTES(long_text, KW_ALIAS_NAME_MAX + 1);
    ck_assert_int_eq(apply(&change), -EINVAL);
    change.alias = KW_LIT("alias/a\0b");
    ck_assert_int_eq(apply(&change), -EINVAL);

    struct kw_principal principal = {.enabled = true};
    memset(principal.access_key_id, 'A', sizeof(principal.access_key_id)); /* no NUL anywhere in its field */
    change = (struct kw_change){.kind = KW_CHANGE_CREATE_PRINCIPAL, .principal = &principal};
    ck_assert_int_eq(apply(&change), -EINVAL);
}
END_TEST

START_TEST(aliases_of_a_key_have_a_limit)
{
    char name[32];
    ck_assert_int_eq(create_key(1), 0);
    ck_assert_int_eq(create_key(2), 0);
    for (unsigned i = 0; i < KW_ALIASES_PER_KEY_MAX; i++) {
        snprintf(name, sizeof(name), "alias/%u", i);
        ck_assert_int_eq(create_alias(name, 1), 0);
    }
    ck_assert_int_eq(create_alias("alias/more", 1), KW_STORE_LIMIT);
    ck_assert_int_eq(create_alias("alias/more", 2), 0);
    ck_assert_int_eq(delete_alias("alias/7"), 0);
    ck_assert_int_eq(create_alias("alias/again", 1), 0);
    ck_assert_int_eq(create_alias("alias/more2", 1), KW_STORE_LIMIT);
}
END_TEST

START_TEST(keys_of_an_account_and_region_have_a_limit)
{
    KW_DRAFT struct kw_draft draft = {0};
    struct kw_backing_key backing = backing_of(1);
    ck_assert_int_eq(kw_draft_init(&draft, NULL), 0);
    for (uint32_t i = 0; i < KW_KEYS_MAX; i++) {
        uint8_t id[KW_KMS_KEY_ID_LEN] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16), 0x77};
        struct kw_kms_key *key = NULL;
        struct kw_kms_key_fields fields = {
            .id = id, .account = ACCOUNT, .region = REGION, .backing = &backing, .num_backing = 1};
        ck_assert_int_eq(kw_kms_key_new(&key, &fields), 0);
        ck_assert_int_eq(kw_draft_put_key(&draft, &key), 0);
    }
    kw_snapshot_free(now);
    now = kw_draft_take(&draft);

    struct kw_change change = key_change(1, &backing);
    ck_assert_int_eq(apply(&change), KW_STORE_LIMIT);
    change.region = KW_LIT("eu-west-1");
    ck_assert_int_eq(apply(&change), 0);
    change = key_change(2, &backing);
    change.account = OTHER;
    ck_assert_int_eq(apply(&change), 0);
}
END_TEST

START_TEST(a_group_is_judged_in_order)
{
    struct kw_backing_key backing = backing_of(1);
    struct kw_change changes[] = {
        alias_change(KW_CHANGE_CREATE_ALIAS, "alias/a", 1), /* too early */
        key_change(1, &backing),
        alias_change(KW_CHANGE_CREATE_ALIAS, "alias/a", 1),
        key_change(1, &backing),
        alias_change(KW_CHANGE_DELETE_ALIAS, "alias/a", 0),
        alias_change(KW_CHANGE_CREATE_ALIAS, "alias/a", 1),
    };
    const int expected[] = {KW_STORE_NOT_FOUND, 0, 0, KW_STORE_EXISTS, 0, 0};
    const struct kw_change *pointers[KW_ARRAY_LEN(changes)];
    int results[KW_ARRAY_LEN(changes)];
    for (size_t i = 0; i < KW_ARRAY_LEN(changes); i++)
        pointers[i] = &changes[i];

    ck_assert_int_eq(apply_many(pointers, KW_ARRAY_LEN(changes), results), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(changes); i++)
        ck_assert_int_eq(results[i], expected[i]);
    close_all();
    open_and_load(path);
    ck_assert_ptr_nonnull(find_key(1));
    ck_assert_uint_eq(now->num_aliases, 1);
}
END_TEST

/* ---- changes that cannot be committed ---- */

START_TEST(fault_hook_fails_a_commit)
{
    if (!kw_fault_compiled_in()) {
        ck_assert_int_eq(kw_fault_set("store-commit:eio@1"), -ENOSYS);
        ck_assert_int_eq(create_key(1), 0);
        return;
    }
    ck_assert_int_eq(kw_fault_set("store-commit:eio@2+2,store-commit:enospc@5"), 0);
    ck_assert_int_eq(create_key(1), 0);
    uint64_t version = now->version;
    ck_assert_int_eq(create_key(2), KW_STORE_FAILED);
    ck_assert_int_eq(create_alias("alias/a", 1), KW_STORE_FAILED);
    ck_assert_uint_eq(now->version, version);
    ck_assert_int_eq(create_key(3), 0);
    ck_assert_int_eq(create_key(2), KW_STORE_FAILED);
    ck_assert_int_eq(create_key(2), 0);
    kw_fault_set("");
    close_all();
    open_and_load(path);
    ck_assert_uint_eq(now->num_keys, 3);
    ck_assert_uint_eq(now->num_aliases, 0);
}
END_TEST

START_TEST(full_disk_fails_and_recovers)
{
    struct rlimit old, tight;
    struct stat st;
    char wal[160];
    ck_assert_int_eq(create_key(1), 0);
    snprintf(wal, sizeof(wal), "%s-wal", path);
    ck_assert_int_eq(stat(wal, &st), 0);

    /* A file that may not grow stands for a full disk: writes fail half-way through a transaction. */
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)st.st_size + 5000;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
    int num_failed = 0;
    for (uint8_t i = 2; i < 60; i++) {
        int r = create_key(i);
        ck_assert(r == 0 || r == KW_STORE_FAILED);
        ck_assert_int_eq(find_key(i) != NULL, r == 0);
        num_failed += r != 0;
    }
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_gt(num_failed, 0);

    size_t num_keys = now->num_keys;
    ck_assert_int_eq(create_key(60), 0);
    close_all();
    open_and_load(path);
    ck_assert_uint_eq(now->num_keys, num_keys + 1);
}
END_TEST

START_TEST(failed_sync_leaves_nothing_behind)
{
    ck_assert_int_eq(create_key(1), 0);
    /* The commit's frames are in the log when its sync fails: a crash from here on must not bring them back.
     */
    failing_syncs = 1;
    ck_assert_int_eq(create_key(2), KW_STORE_FAILED);
    ck_assert_int_eq(failing_syncs, 0);
    ck_assert_ptr_null(find_key(2));

    struct kw_keystore *mine = keystore;
    struct kw_snapshot *mine_now = now;
    open_and_load(crash_image());
    ck_assert_ptr_nonnull(find_key(1));
    ck_assert_ptr_null(find_key(2));
    close_all();
    keystore = mine;
    now = mine_now;

    /* While the disk stays broken nothing is accepted; when it works again all goes on. */
    failing_syncs = 1000;
    for (uint8_t i = 3; i < 8; i++)
        ck_assert_int_eq(create_key(i), KW_STORE_FAILED);
    failing_syncs = 0;
    ck_assert_int_eq(create_key(9), 0);

    mine = keystore;
    mine_now = now;
    open_and_load(crash_image());
    ck_assert_uint_eq(now->num_keys, 2);
    ck_assert_ptr_nonnull(find_key(1));
    ck_assert_ptr_nonnull(find_key(9));
    close_all();
    keystore = mine;
    now = mine_now;
}
END_TEST

START_TEST(commits_are_in_a_crash_image)
{
    for (uint8_t i = 1; i < 20; i++) {
        ck_assert_int_eq(create_key(i), 0);
        struct kw_keystore *mine = keystore;
        struct kw_snapshot *mine_now = now;
        open_and_load(crash_image());
        ck_assert_uint_eq(now->num_keys, i);
        close_all();
        keystore = mine;
        now = mine_now;
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, seal_opens_in_its_place_only);
    tcase_add_test(tcase, seal_refuses_in_a_forked_child);
    tcase_add_test(tcase, everything_comes_back);
    tcase_add_test(tcase, no_plaintext_in_the_files);
    tcase_add_test(tcase, secrets_are_made_once);
    tcase_add_test(tcase, changes_are_judged);
    tcase_add_test(tcase, texts_that_do_not_fit_are_refused);
    tcase_add_test(tcase, aliases_of_a_key_have_a_limit);
    tcase_add_test(tcase, keys_of_an_account_and_region_have_a_limit);
    tcase_add_test(tcase, a_group_is_judged_in_order);
    tcase_add_test(tcase, fault_hook_fails_a_commit);
    tcase_add_test(tcase, full_disk_fails_and_recovers);
    tcase_add_test(tcase, failed_sync_leaves_nothing_behind);
    tcase_add_test(tcase, commits_are_in_a_crash_image);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    shim_install();
    return kw_suite_run("keystore", add, 60);
}
