#include "tests/support/keystore_rig.h"

/* ---- what SQLite has in its memory ---- */

/* SQLite's allocator with one thing changed: what is given back is looked at, and counted if the watched
 * bytes are in it. The watched bytes are kept masked, as a search must not find itself. */
static sqlite3_mem_methods real_memory;
static uint8_t watched[16];
static size_t watched_len, num_found, num_looks;

static void watch_look(const void *ptr)
{
    const uint8_t *bytes = ptr;
    size_t len = ptr != NULL ? (size_t)real_memory.xSize((void *)(uintptr_t)ptr) : 0;
    num_looks += watched_len > 0;
    for (size_t i = 0; watched_len > 0 && i + watched_len <= len; i++) {
        size_t j = 0;
        while (j < watched_len && bytes[i + j] == (watched[j] ^ 0x55))
            j++;
        num_found += j == watched_len;
    }
}

static void watch_free(void *ptr)
{
    watch_look(ptr);
    real_memory.xFree(ptr);
}

static void *watch_realloc(void *ptr, int len)
{
    watch_look(ptr);
    return real_memory.xRealloc(ptr, len);
}

static void watch_install(void)
{
    kw_assert(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) == SQLITE_OK);
    sqlite3_mem_methods watching = real_memory;
    watching.xFree = watch_free;
    watching.xRealloc = watch_realloc;
    kw_assert(sqlite3_config(SQLITE_CONFIG_MALLOC, &watching) == SQLITE_OK);
}

static void watch_begin(const void *bytes, size_t len)
{
    ck_assert_uint_le(len, sizeof(watched));
    for (size_t i = 0; i < len; i++)
        watched[i] = ((const uint8_t *)bytes)[i] ^ 0x55;
    num_found = num_looks = 0;
    watched_len = len;
}

/* How often it was found. */
static size_t watch_end(void)
{
    watched_len = 0;
    ck_assert_uint_gt(num_looks, 100);
    return num_found;
}

/* ---- what is kept ---- */

static void check_key(uint32_t number, enum kw_key_state state)
{
    KW_KMS_KEY struct kw_kms_key *expected = new_key(ACCOUNT_TEXT, REGION_TEXT, number);
    KW_KMS_KEY struct kw_kms_key *edited = NULL;
    struct kw_kms_key like = *expected;
    const struct kw_kms_key *key = find_key(number);
    like.state = state;
    ck_assert_int_eq(kw_kms_key_new(&edited, &like), 0);
    ck_assert_ptr_nonnull(key);
    assert_same_key(key, edited);
    ck_assert_ptr_eq(kw_snapshot_key_by_id(now, REGION, key->id), key);
}

static void reopen(void)
{
    close_all();
    open_and_load(path);
}

START_TEST(everything_comes_back)
{
    ck_assert_uint_eq(kw_map_len(&now->keys) + kw_map_len(&now->aliases) + kw_map_len(&now->principals), 0);
    ck_assert_int_eq(create_key(1), 0);
    ck_assert_int_eq(create_key(2), 0);
    ck_assert_int_eq(set_state(2, KW_KEY_DISABLED), 0);
    ck_assert_int_eq(put_alias("alias/one", 1), 0);
    ck_assert_int_eq(put_alias("alias/moved", 1), 0);
    ck_assert_int_eq(put_alias("alias/moved", 2), 0);
    ck_assert_int_eq(put_alias("alias/gone", 1), 0);
    ck_assert_int_eq(remove_alias((char[]){"alias/gone"}), 0);
    ck_assert_int_eq(put_grant(1, 1, NULL), 0);
    ck_assert_int_eq(put_grant(2, 2, "arn:aws:iam::000000000000:user/retiring"), 0);
    ck_assert_int_eq(put_user("alice", true), 0);
    ck_assert_int_eq(put_access_key("AKIAONE", "alice"), 0);

    for (int round = 0; round < 2; round++) {
        ck_assert_uint_eq(kw_map_len(&now->keys), 2);
        ck_assert_uint_eq(kw_map_len(&now->keys_by_id), 2);
        check_key(1, KW_KEY_ENABLED);
        check_key(2, KW_KEY_DISABLED);

        ck_assert_uint_eq(kw_map_len(&now->aliases), 2);
        ck_assert_uint_eq(kw_map_len(&now->key_aliases), 2);
        struct kw_alias alias = alias_of("alias/one", 1);
        assert_same_alias(kw_snapshot_alias(now, ACCOUNT, REGION, KW_LIT("alias/one")), &alias);
        alias = alias_of("alias/moved", 2);
        assert_same_alias(kw_snapshot_alias(now, ACCOUNT, REGION, KW_LIT("alias/moved")), &alias);

        ck_assert_uint_eq(kw_map_len(&now->grants), 2);
        ck_assert_uint_eq(kw_map_len(&now->retirables), 1);
        struct kw_grant like = grant_of(2, 2, "arn:aws:iam::000000000000:user/retiring");
        KW_GRANT struct kw_grant *grant = NULL;
        ck_assert_int_eq(kw_grant_new(&grant, &like), 0);
        assert_same_grant(kw_snapshot_grant(now, find_key(2), grant->id), grant);

        ck_assert_uint_eq(kw_map_len(&now->principals), 1);
        struct kw_principal user = principal_of("alice", true);
        assert_same_principal(find_user("alice"), &user);
        ck_assert_uint_eq(kw_map_len(&now->access_keys), 1);
        struct kw_access_key access_key = access_key_of("AKIAONE", "alice");
        assert_same_access_key(find_access_key("AKIAONE"), &access_key);
        reopen(); /* the second round sees what was read from the file */
    }
}
END_TEST

START_TEST(extremes_come_back)
{
    KW_KMS_KEY struct kw_kms_key *key = new_full_key();
    KW_ALIAS struct kw_alias *alias = new_full_alias();
    KW_GRANT struct kw_grant *grant = new_full_grant();
    KW_PRINCIPAL struct kw_principal *role = new_full_principal();
    KW_ACCESS_KEY struct kw_access_key *access_key = new_full_access_key();
    struct kw_grant grant_like = *grant;
    ck_assert_int_eq(apply_fn(change_put_key, key), 0);
    ck_assert_int_eq(apply_fn(change_put_alias, alias), 0);
    memcpy(grant_like.key_id, key->id, sizeof(grant_like.key_id));
    ck_assert_int_eq(apply_fn(change_put_grant, &grant_like), 0);
    ck_assert_int_eq(apply_fn(change_put_principal, role), 0);
    ck_assert_int_eq(put_user(access_key->name, false), 0);
    ck_assert_int_eq(apply_fn(change_put_access_key, access_key), 0);
    reopen();
    struct kw_bytes account = kw_bytes_str(key->account), region = kw_bytes_str(key->region);
    const struct kw_kms_key *key_back = kw_snapshot_key(now, account, region, key->id);
    ck_assert_ptr_nonnull(key_back);
    assert_same_key(key_back, key);
    assert_same_alias(kw_snapshot_alias(now, account, region, kw_bytes_str(alias->name)), alias);
    assert_same_grant(kw_snapshot_grant(now, key_back, grant->id), &grant_like);
    assert_same_principal(
        kw_snapshot_principal(now, ACCOUNT, KW_PRINCIPAL_ROLE, kw_bytes_str(role->name)), role);
    assert_same_access_key(find_access_key(access_key->id), access_key);
}
END_TEST

START_TEST(a_key_goes_with_what_belongs_to_it)
{
    char name[32];
    uint32_t number = 1;
    struct kw_lastuse_entry entry = {.at_ms = 77, .operation = 2, .request_id = "r", .event_id = "e"};
    ck_assert_int_eq(create_key(1), 0);
    ck_assert_int_eq(create_key(2), 0);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "alias/%d", i);
        ck_assert_int_eq(put_alias(name, i % 2 ? 1 : 2), 0);
        ck_assert_int_eq(put_grant((uint8_t)i, i % 2 ? 1 : 2, i % 3 ? NULL : "retiring"), 0);
    }
    kw_lastuse_note(find_key(1)->lastuse, &entry);
    ck_assert_int_eq(apply_fn(change_save_lastuse, &number), 0);
    ck_assert_int_eq(remove_key(1), 0);
    ck_assert_int_eq(remove_key(1), NOT_FOUND);
    for (int round = 0; round < 2; round++) {
        ck_assert_ptr_null(find_key(1));
        ck_assert_uint_eq(kw_map_len(&now->keys), 1);
        ck_assert_uint_eq(kw_map_len(&now->aliases), 10);
        ck_assert_uint_eq(kw_map_len(&now->grants), 10);
        ck_assert_uint_eq(kw_map_len(&now->retirables), 4);
        reopen();
    }
    close_all(); /* no record of it is left, its last use neither */
    ck_assert_int_eq(count_rows(path, "SELECT count(*) FROM records"), 21);
    open_and_load(path);
}
END_TEST

START_TEST(last_uses_are_kept)
{
    struct kw_lastuse_entry entry = {.at_ms = 77, .operation = 2}, back;
    uint32_t number = 1;
    snprintf(entry.request_id, sizeof(entry.request_id), "00000000-0000-0000-0000-00000000000r");
    snprintf(entry.event_id, sizeof(entry.event_id), "00000000-0000-0000-0000-00000000000e");
    ck_assert_int_eq(create_key(1), 0);
    ck_assert_int_eq(create_key(2), 0);
    kw_lastuse_note(find_key(1)->lastuse, &entry);
    ck_assert_int_eq(apply_fn(change_save_lastuse, &number), 0);
    entry.at_ms = 78;
    kw_lastuse_note(find_key(1)->lastuse, &entry);
    ck_assert_int_eq(apply_fn(change_save_lastuse, &number), 0);
    reopen();
    kw_lastuse_read(find_key(1)->lastuse, &back);
    ck_assert_int_eq(back.at_ms, 78);
    ck_assert_uint_eq(back.operation, 2);
    ck_assert_str_eq(back.request_id, entry.request_id);
    ck_assert_str_eq(back.event_id, entry.event_id);
    ck_assert(!kw_lastuse_take_dirty(find_key(1)->lastuse)); /* it is saved */
    kw_lastuse_read(find_key(2)->lastuse, &back);
    ck_assert_int_eq(back.at_ms, 0);
}
END_TEST

START_TEST(no_plaintext_in_the_files)
{
    static char bytes[4 << 20];
    static const char *const sealed_texts[] = {
        "for tests", "user/grantee", "SYMMETRIC_DEFAULT", "AIDAEXAMPLE", "Statement"};
    uint8_t secret[32];
    secret_of(9, secret);
    ck_assert_int_eq(create_key(9), 0);
    ck_assert_int_eq(put_grant(1, 9, NULL), 0);
    ck_assert_int_eq(put_user("alice", true), 0);
    ck_assert_int_eq(put_access_key("AKIAFIND", "alice"), 0);

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
        ck_assert_ptr_null(memmem(bytes, (size_t)len, secret, 8));
        ck_assert_ptr_null(memmem(bytes, (size_t)len, SECRET, 16));
        ck_assert_ptr_null(memmem(bytes, (size_t)len, root_key, 16));
        for (size_t j = 0; j < KW_ARRAY_LEN(sealed_texts); j++)
            ck_assert_ptr_null(memmem(bytes, (size_t)len, sealed_texts[j], strlen(sealed_texts[j])));
        found_name |= memmem(bytes, (size_t)len, "AKIAFIND", 8) != NULL;
    }
    ck_assert(found_name); /* we did look at the right files: names are not sealed */
    open_and_load(path);
}
END_TEST

/* What SQLite has in memory while a key is written: its own heap is watched through its allocator. */
START_TEST(no_secret_in_the_memory_of_sqlite)
{
    uint8_t secret[32];
    secret_of(9, secret);
    watch_begin(secret, 16);
    ck_assert_int_eq(create_key(9), 0);
    ck_assert_int_eq(set_state(9, KW_KEY_DISABLED), 0);
    reopen();
    ck_assert_uint_eq(watch_end(), 0);

    watch_begin("AKIAFIND", 8); /* a name, which is not sealed: we did look at the right memory */
    ck_assert_int_eq(put_user("alice", true), 0);
    ck_assert_int_eq(put_access_key("AKIAFIND", "alice"), 0);
    reopen();
    ck_assert_uint_gt(watch_end(), 0);
}
END_TEST

START_TEST(a_deleted_key_is_overwritten)
{
    static char bytes[4 << 20], sealed[256];
    ck_assert_int_eq(create_key(9), 0);
    close_all();
    int len = read_blob(path, "SELECT sealed FROM records WHERE kind = 1", sealed, sizeof(sealed));
    ck_assert_int_gt(len, 100);
    open_and_load(path);
    ck_assert_int_eq(remove_key(9), 0);
    close_all();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t file_len = read(fd, bytes, sizeof(bytes));
    close(fd);
    ck_assert_int_gt(file_len, 4096);
    ck_assert_ptr_null(memmem(bytes, (size_t)file_len, sealed + 40, 40));
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

START_TEST(a_refused_change_changes_nothing)
{
    uint64_t version = now->version;
    ck_assert_int_eq(put_alias("alias/a", 1), NOT_FOUND);
    ck_assert_int_eq(remove_alias((char[]){"alias/a"}), NOT_FOUND);
    ck_assert_int_eq(remove_key(1), NOT_FOUND);
    ck_assert_uint_eq(now->version, version);
    ck_assert_int_eq(create_key(1), 0);
    ck_assert_uint_eq(now->version, version + 1);
    ck_assert_int_eq(create_key(1), EXISTS);

    struct kw_alias alias = alias_of(text_of(KW_ALIAS_NAME_MAX + 1, 'x'), 1);
    ck_assert_int_eq(apply_fn(change_put_alias, &alias), KW_ENTITY_INVALID);
    struct kw_kms_key key = *find_key(1);
    key.description = text_of(KW_DESCRIPTION_BYTES_MAX + 1, 'x');
    ck_assert_int_eq(apply_fn(change_put_key, &key), KW_ENTITY_INVALID);
    struct kw_principal user = principal_of("a name", true);
    ck_assert_int_eq(apply_fn(change_put_principal, &user), KW_ENTITY_INVALID);
    /* Access keys are somebody's. */
    ck_assert_int_eq(put_access_key("AKIA", "alice"), KW_ENTITY_INVALID);
    ck_assert_uint_eq(now->version, version + 1);
}
END_TEST

START_TEST(a_group_is_judged_in_order)
{
    KW_KMS_KEY struct kw_kms_key *key = new_key(ACCOUNT_TEXT, REGION_TEXT, 1);
    struct kw_alias alias = alias_of("alias/a", 1);
    char name[] = "alias/a";
    struct kw_change changes[] = {
        {change_put_alias, &alias}, /* too early */
        {change_create_key, key},
        {change_put_alias, &alias},
        {change_create_key, key},
        {change_remove_alias, name},
        {change_remove_alias, name},
        {change_put_alias, &alias},
    };
    const int expected[] = {NOT_FOUND, 0, 0, EXISTS, 0, NOT_FOUND, 0};
    const struct kw_change *pointers[KW_ARRAY_LEN(changes)];
    int results[KW_ARRAY_LEN(changes)];
    for (size_t i = 0; i < KW_ARRAY_LEN(changes); i++)
        pointers[i] = &changes[i];

    ck_assert_int_eq(apply_many(pointers, KW_ARRAY_LEN(changes), results), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(changes); i++)
        ck_assert_int_eq(results[i], expected[i]);
    reopen();
    ck_assert_ptr_nonnull(find_key(1));
    ck_assert_uint_eq(kw_map_len(&now->aliases), 1);
}
END_TEST

static int change_fail(struct kw_tx *tx, void *arg)
{
    KW_TRY(kw_tx_put_principal(tx, arg));
    return -EPROTO;
}

static int change_fail_below(struct kw_tx *tx, void *arg)
{
    tx->failure = *(int *)arg;
    return tx->failure < 0 ? tx->failure : -EIO;
}

/* One that fails takes the whole group with it, whatever came before it. */
START_TEST(a_fatal_change_ends_the_commit)
{
    KW_KMS_KEY struct kw_kms_key *key = new_key(ACCOUNT_TEXT, REGION_TEXT, 1);
    struct kw_principal user = principal_of("alice", true);
    int below[] = {KW_STORE_FAILED, -ENOMEM, -EBUSY, KW_STORE_CORRUPT};
    const int expected[] = {KW_STORE_FAILED, -ENOMEM, KW_STORE_FAILED, KW_STORE_FAILED};
    const struct kw_change put = {change_create_key, key}, fail = {change_fail, &user};
    const struct kw_change *group[] = {&put, &fail, &put};
    uint64_t version = now->version;
    int results[3];
    ck_assert_int_eq(apply_many(group, 3, results), -EPROTO);
    for (size_t i = 0; i < KW_ARRAY_LEN(below); i++) {
        const struct kw_change failing = {change_fail_below, &below[i]};
        group[1] = &failing;
        ck_assert_int_eq(apply_many(group, 3, results), expected[i]);
    }
    ck_assert_uint_eq(now->version, version);
    ck_assert_ptr_null(find_key(1));
    reopen();
    ck_assert_uint_eq(kw_map_len(&now->keys) + kw_map_len(&now->principals), 0);
    ck_assert_int_eq(create_key(1), 0);
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
    ck_assert_int_eq(put_alias("alias/a", 1), KW_STORE_FAILED);
    ck_assert_uint_eq(now->version, version);
    ck_assert_int_eq(create_key(3), 0);
    ck_assert_int_eq(create_key(2), KW_STORE_FAILED);
    ck_assert_int_eq(create_key(2), 0);
    kw_fault_set("");
    close_all();
    open_and_load(path);
    ck_assert_uint_eq(kw_map_len(&now->keys), 3);
    ck_assert_uint_eq(kw_map_len(&now->aliases), 0);
}
END_TEST

#define KEYS_FULL 60

START_TEST(full_disk_fails_and_recovers)
{
    static struct kw_kms_key *keys[KEYS_FULL];
    struct rlimit old, tight;
    struct stat st;
    int results[KEYS_FULL] = {0};
    char wal[160];
    ck_assert_int_eq(create_key(1), 0);
    snprintf(wal, sizeof(wal), "%s-wal", path);
    ck_assert_int_eq(stat(wal, &st), 0);
    for (uint32_t i = 2; i < KEYS_FULL; i++)
        keys[i] = new_key(ACCOUNT_TEXT, REGION_TEXT, i);

    /* A file that may not grow stands for a full disk: writes fail half-way through a transaction. Nothing is
     * asserted meanwhile, since check writes that to a file too. */
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)st.st_size + 5000;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
    for (uint32_t i = 2; i < KEYS_FULL; i++) {
        const struct kw_change put = {change_create_key, keys[i]}, *group = &put;
        struct kw_snapshot *next = NULL;
        int refused = 0;
        results[i] = keystore->ops->apply(keystore, now, &group, 1, &refused, &next);
        kw_assert(refused == 0 && (next != NULL) == (results[i] == 0));
        if (next != NULL)
            kw_snapshot_free(now);
        now = next != NULL ? next : now;
    }
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    size_t num_failed = 0;
    for (uint32_t i = 2; i < KEYS_FULL; i++) {
        ck_assert(results[i] == 0 || results[i] == KW_STORE_FAILED);
        ck_assert_int_eq(find_key(i) != NULL, results[i] == 0);
        num_failed += results[i] != 0;
        kw_kms_key_unref(keys[i]);
    }
    ck_assert_uint_gt(num_failed, 0);

    size_t num_keys = kw_map_len(&now->keys);
    ck_assert_int_eq(create_key(KEYS_FULL), 0);
    reopen();
    ck_assert_uint_eq(kw_map_len(&now->keys), num_keys + 1);
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
    ck_assert_uint_eq(kw_map_len(&now->keys), 2);
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
        ck_assert_uint_eq(kw_map_len(&now->keys), i);
        close_all();
        keystore = mine;
        now = mine_now;
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, everything_comes_back);
    tcase_add_test(tcase, extremes_come_back);
    tcase_add_test(tcase, a_key_goes_with_what_belongs_to_it);
    tcase_add_test(tcase, last_uses_are_kept);
    tcase_add_test(tcase, no_plaintext_in_the_files);
    tcase_add_test(tcase, no_secret_in_the_memory_of_sqlite);
    tcase_add_test(tcase, a_deleted_key_is_overwritten);
    tcase_add_test(tcase, secrets_are_made_once);
    tcase_add_test(tcase, a_refused_change_changes_nothing);
    tcase_add_test(tcase, a_group_is_judged_in_order);
    tcase_add_test(tcase, a_fatal_change_ends_the_commit);
    tcase_add_test(tcase, fault_hook_fails_a_commit);
    tcase_add_test(tcase, full_disk_fails_and_recovers);
    tcase_add_test(tcase, failed_sync_leaves_nothing_behind);
    tcase_add_test(tcase, commits_are_in_a_crash_image);
}

int main(void)
{
    watch_install();
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    shim_install();
    return kw_suite_run("keystore", add, 60);
}
