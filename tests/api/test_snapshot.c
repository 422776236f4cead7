#include "api/snapshot.h"

#include "engine/crypto.h"
#include "tests/support/entities.h"

#include <pthread.h>
#include <stdlib.h>

/* ---- pictures in the making ---- */

static struct kw_snapshot *new_snapshot(const struct kw_snapshot *current)
{
    struct kw_snapshot *snapshot = NULL;
    ck_assert_int_eq(kw_snapshot_new(&snapshot, current), 0);
    return snapshot;
}

static void put_key(struct kw_snapshot *snapshot, const char *account, const char *region, uint32_t number)
{
    KW_KMS_KEY struct kw_kms_key *key = new_key(account, region, number);
    ck_assert_int_eq(kw_snapshot_put_key(snapshot, key), 0);
}

static const struct kw_kms_key *get_key(
    const struct kw_snapshot *snapshot, const char *account, const char *region, uint32_t number)
{
    uint8_t id[KW_KMS_KEY_ID_LEN];
    id_of(number, id);
    return kw_snapshot_key(snapshot, kw_bytes_str(account), kw_bytes_str(region), id);
}

/* The key in place of itself, with a date on which it is deleted; 0: enabled again. */
static void set_deletion(struct kw_snapshot *snapshot, uint32_t number, int64_t deletion_ms)
{
    KW_KMS_KEY struct kw_kms_key *next = NULL;
    struct kw_kms_key like = *get_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, number);
    like.state = deletion_ms != 0 ? KW_KEY_PENDING_DELETION : KW_KEY_ENABLED;
    like.deletion_ms = deletion_ms;
    ck_assert_int_eq(kw_kms_key_new(&next, &like), 0);
    ck_assert_int_eq(kw_snapshot_put_key(snapshot, next), 0);
}

static void put_alias_of(
    struct kw_snapshot *snapshot, const char *account, const char *region, const char *name, uint32_t number)
{
    KW_ALIAS struct kw_alias *alias = NULL;
    struct kw_alias like = alias_of(name, number);
    like.account = account;
    like.region = region;
    ck_assert_int_eq(kw_alias_new(&alias, &like), 0);
    ck_assert_int_eq(kw_snapshot_put_alias(snapshot, alias), 0);
}

static void put_grant(
    struct kw_snapshot *snapshot, uint8_t grant_number, uint32_t number, const char *retiring)
{
    KW_GRANT struct kw_grant *grant = NULL;
    struct kw_grant like = grant_of(grant_number, number, retiring);
    ck_assert_int_eq(kw_grant_new(&grant, &like), 0);
    ck_assert_int_eq(kw_snapshot_put_grant(snapshot, grant), 0);
}

static void put_principal(
    struct kw_snapshot *snapshot, const char *account, enum kw_principal_kind kind, const char *name)
{
    KW_PRINCIPAL struct kw_principal *principal = NULL;
    struct kw_principal like = kind == KW_PRINCIPAL_ROLE ? role_of(name) : principal_of(name, false);
    like.kind = kind;
    like.account = account;
    ck_assert_int_eq(kw_principal_new(&principal, &like), 0);
    ck_assert_int_eq(kw_snapshot_put_principal(snapshot, principal), 0);
}

static void put_access_key(
    struct kw_snapshot *snapshot, const char *id, const char *account, const char *user)
{
    KW_ACCESS_KEY struct kw_access_key *key = NULL;
    struct kw_access_key like = access_key_of(id, user);
    snprintf(like.account, sizeof(like.account), "%s", account);
    ck_assert_int_eq(kw_access_key_new(&key, &like), 0);
    ck_assert_int_eq(kw_snapshot_put_access_key(snapshot, key), 0);
}

static const struct kw_principal *find_user(const struct kw_snapshot *snapshot, const char *name)
{
    return kw_snapshot_principal(snapshot, ACCOUNT, KW_PRINCIPAL_USER, kw_bytes_str(name));
}

static size_t count_access_keys(const struct kw_snapshot *snapshot, const struct kw_principal *principal)
{
    struct kw_place place = kw_place_principal(principal);
    return kw_snapshot_count(&snapshot->principal_keys, &place);
}

static size_t count_account(const struct kw_map *map, struct kw_bytes account, struct kw_bytes region)
{
    struct kw_place place = kw_place_account(account, region);
    return kw_snapshot_count(map, &place);
}

static size_t count_key(const struct kw_map *map, const struct kw_kms_key *key)
{
    struct kw_place place = kw_place_key(key);
    return kw_snapshot_count(map, &place);
}

/* Every key is found by each of its names, and the maps are in order. */
static void check_keys(const struct kw_snapshot *snapshot)
{
    ck_assert_uint_eq(kw_map_len(&snapshot->keys), kw_map_len(&snapshot->keys_by_id));
    const struct kw_kms_key *before = NULL;
    struct kw_map_walk walk;
    size_t num_due = 0;
    kw_map_walk_init(&walk, &snapshot->keys, 0);
    for (const struct kw_kms_key *key; (key = kw_map_walk_next(&walk)) != NULL; before = key) {
        struct kw_bytes account = kw_bytes_str(key->account), region = kw_bytes_str(key->region);
        ck_assert_ptr_eq(kw_snapshot_key(snapshot, account, region, key->id), key);
        ck_assert_ptr_eq(kw_snapshot_key_by_id(snapshot, region, key->id), key);
        if (before != NULL && strcmp(before->account, key->account) == 0 &&
            strcmp(before->region, key->region) == 0)
            ck_assert_int_lt(memcmp(before->id, key->id, sizeof(key->id)), 0);
        num_due += kw_kms_key_due_ms(key) != INT64_MAX;
    }
    ck_assert_uint_eq(kw_map_len(&snapshot->due), num_due);
}

START_TEST(empty_picture_finds_nothing)
{
    struct kw_snapshot *snapshot = new_snapshot(NULL);
    KW_KMS_KEY struct kw_kms_key *key = new_key(ACCOUNT_TEXT, REGION_TEXT, 1);
    uint8_t id[32] = {0};
    ck_assert_uint_eq(snapshot->version, 1);
    ck_assert_ptr_null(kw_snapshot_key(snapshot, ACCOUNT, REGION, key->id));
    ck_assert_ptr_null(kw_snapshot_key_by_id(snapshot, REGION, key->id));
    ck_assert_ptr_null(kw_snapshot_key_anywhere(snapshot, key->id));
    ck_assert_ptr_null(kw_snapshot_alias(snapshot, ACCOUNT, REGION, KW_LIT("alias/a")));
    ck_assert_ptr_null(kw_snapshot_grant(snapshot, key, id));
    ck_assert_ptr_null(find_user(snapshot, "alice"));
    ck_assert_ptr_null(kw_snapshot_access_key(snapshot, KW_LIT("AKIA")));
    ck_assert_ptr_null(kw_snapshot_access_key(snapshot, KW_BYTES(NULL, 0)));
    ck_assert_uint_eq(count_account(&snapshot->keys, ACCOUNT, REGION), 0);
    ck_assert_uint_eq(count_key(&snapshot->grants, key), 0);
    kw_snapshot_free(snapshot);
    kw_snapshot_free(NULL);
}
END_TEST

START_TEST(look_ups_keep_accounts_and_regions_apart)
{
    struct kw_snapshot *snapshot = new_snapshot(NULL);
    put_key(snapshot, OTHER_TEXT, REGION_TEXT, 3);
    put_key(snapshot, ACCOUNT_TEXT, "eu-west-1", 1); /* the same id in another region */
    put_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 1);
    put_alias_of(snapshot, ACCOUNT_TEXT, REGION_TEXT, "alias/b", 1);
    put_alias_of(snapshot, OTHER_TEXT, REGION_TEXT, "alias/a", 3);
    put_alias_of(snapshot, ACCOUNT_TEXT, REGION_TEXT, "alias/a", 1);

    check_keys(snapshot);
    const struct kw_kms_key *key = get_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 1);
    ck_assert_ptr_nonnull(key);
    ck_assert_str_eq(key->region, REGION_TEXT);
    ck_assert_ptr_null(get_key(snapshot, OTHER_TEXT, REGION_TEXT, 1));
    ck_assert_ptr_null(get_key(snapshot, ACCOUNT_TEXT, "us-east-11", 1));
    ck_assert_ptr_null(get_key(snapshot, ACCOUNT_TEXT, "us-east-", 1));
    ck_assert_ptr_ne(kw_snapshot_key_by_id(snapshot, KW_LIT("eu-west-1"), key->id), key);
    ck_assert_ptr_nonnull(kw_snapshot_key_by_id(snapshot, KW_LIT("eu-west-1"), key->id));
    ck_assert_ptr_null(kw_snapshot_key_by_id(snapshot, KW_LIT("eu-west-2"), key->id));

    ck_assert_ptr_nonnull(kw_snapshot_alias(snapshot, OTHER, REGION, KW_LIT("alias/a")));
    ck_assert_ptr_null(kw_snapshot_alias(snapshot, OTHER, REGION, KW_LIT("alias/b")));
    ck_assert_ptr_null(kw_snapshot_alias(snapshot, ACCOUNT, REGION, KW_LIT("alias/")));
    kw_snapshot_free(snapshot);
}
END_TEST

START_TEST(principals_are_told_apart_by_account_and_kind)
{
    struct kw_snapshot *snapshot = new_snapshot(NULL);
    put_principal(snapshot, ACCOUNT_TEXT, KW_PRINCIPAL_USER, "alice");
    put_principal(snapshot, ACCOUNT_TEXT, KW_PRINCIPAL_ROLE, "alice");
    put_principal(snapshot, OTHER_TEXT, KW_PRINCIPAL_USER, "alice");
    put_principal(snapshot, ACCOUNT_TEXT, KW_PRINCIPAL_USER, "alicia");
    put_access_key(snapshot, "AKIAB", ACCOUNT_TEXT, "alice");
    put_access_key(snapshot, "AKIAA", ACCOUNT_TEXT, "alice");
    put_access_key(snapshot, "AKIAC", OTHER_TEXT, "alice");
    put_access_key(snapshot, "AKIAD", ACCOUNT_TEXT, "alicia");

    const struct kw_principal *alice = find_user(snapshot, "alice");
    ck_assert_ptr_nonnull(alice);
    ck_assert_str_eq(alice->arn, "arn:aws:iam::" ACCOUNT_TEXT ":user/alice");
    ck_assert_str_eq(kw_snapshot_principal(snapshot, ACCOUNT, KW_PRINCIPAL_ROLE, KW_LIT("alice"))->arn,
        "arn:aws:iam::" ACCOUNT_TEXT ":role/alice");
    ck_assert_str_eq(
        kw_snapshot_principal(snapshot, OTHER, KW_PRINCIPAL_USER, KW_LIT("alice"))->account, OTHER_TEXT);
    ck_assert_ptr_null(kw_snapshot_principal(snapshot, OTHER, KW_PRINCIPAL_ROLE, KW_LIT("alice")));
    ck_assert_ptr_null(kw_snapshot_principal(snapshot, ACCOUNT, KW_PRINCIPAL_ROOT, KW_LIT("alice")));
    ck_assert_ptr_null(find_user(snapshot, "alic"));

    ck_assert_uint_eq(count_access_keys(snapshot, alice), 2);
    ck_assert_uint_eq(count_access_keys(snapshot, find_user(snapshot, "alicia")), 1);
    ck_assert_ptr_nonnull(kw_snapshot_access_key(snapshot, KW_LIT("AKIAB")));
    ck_assert_ptr_null(kw_snapshot_access_key(snapshot, KW_LIT("AKIA")));
    ck_assert_ptr_null(kw_snapshot_access_key(snapshot, KW_LIT("AKIABB")));

    /* One that becomes another's is no longer the first one's. */
    put_access_key(snapshot, "AKIAB", ACCOUNT_TEXT, "alicia");
    ck_assert_uint_eq(count_access_keys(snapshot, alice), 1);
    ck_assert_uint_eq(count_access_keys(snapshot, find_user(snapshot, "alicia")), 2);
    ck_assert_int_eq(
        kw_snapshot_remove_access_key(snapshot, kw_snapshot_access_key(snapshot, KW_LIT("AKIAB"))), 0);
    ck_assert_uint_eq(count_access_keys(snapshot, find_user(snapshot, "alicia")), 1);
    ck_assert_ptr_null(kw_snapshot_access_key(snapshot, KW_LIT("AKIAB")));
    kw_snapshot_free(snapshot);
}
END_TEST

START_TEST(keys_are_known_in_every_region)
{
    static const char *const regions[] = {
        "af-south-1", "ap-east-1", "eu-west-1", "eu-west-11", "us-east-1", "us-west-2"};
    struct kw_snapshot *snapshot = new_snapshot(NULL);
    uint8_t id[KW_KMS_KEY_ID_LEN];
    char region[32];

    for (uint32_t i = 0; i < 60; i++)
        put_key(snapshot, i % 7 == 0 ? OTHER_TEXT : ACCOUNT_TEXT, regions[i % KW_ARRAY_LEN(regions)], i);
    for (uint32_t i = 0; i < 120; i++) {
        id_of(i, id);
        ck_assert_int_eq(kw_snapshot_key_anywhere(snapshot, id) != NULL, i < 60);
    }
    /* One name differs from another by its end: behind so many regions it is not looked for. */
    for (uint32_t i = 60; i < 160; i++) {
        snprintf(region, sizeof(region), "zz-zz-%u", i + 1000);
        put_key(snapshot, ACCOUNT_TEXT, region, i);
    }
    id_of(60, id);
    ck_assert_ptr_nonnull(kw_snapshot_key_anywhere(snapshot, id));
    id_of(159, id);
    ck_assert_ptr_null(kw_snapshot_key_anywhere(snapshot, id));
    kw_snapshot_free(snapshot);
}
END_TEST

START_TEST(counts_and_lists_of_a_place)
{
    struct kw_snapshot *snapshot = new_snapshot(NULL);
    put_key(snapshot, ACCOUNT_TEXT, "eu-west-1", 9);
    put_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 1);
    put_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 2);
    put_alias_of(snapshot, ACCOUNT_TEXT, "eu-west-1", "alias/z", 9);
    put_alias_of(snapshot, ACCOUNT_TEXT, REGION_TEXT, "alias/b", 1);
    put_alias_of(snapshot, ACCOUNT_TEXT, REGION_TEXT, "alias/d", 2);
    put_alias_of(snapshot, ACCOUNT_TEXT, REGION_TEXT, "alias/f", 1);
    put_alias_of(snapshot, OTHER_TEXT, REGION_TEXT, "alias/a", 1);
    ck_assert_uint_eq(count_account(&snapshot->keys, ACCOUNT, REGION), 2);
    ck_assert_uint_eq(count_account(&snapshot->keys, OTHER, REGION), 0);
    ck_assert_uint_eq(count_account(&snapshot->aliases, ACCOUNT, REGION), 3);
    ck_assert_uint_eq(count_account(&snapshot->aliases, ACCOUNT, KW_LIT("us-east-")), 0);
    ck_assert_uint_eq(count_key(&snapshot->key_aliases, get_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 1)), 2);
    ck_assert_uint_eq(count_key(&snapshot->key_aliases, get_key(snapshot, ACCOUNT_TEXT, "eu-west-1", 9)), 1);

    /* A list goes on behind its marker, be that gone or not. */
    struct kw_place place = kw_place_account(ACCOUNT, REGION);
    size_t first = kw_map_rank(&snapshot->aliases, &place);
    ck_assert_uint_eq(first, 1);
    place.part[place.num++] = KW_LIT("alias/b");
    place.after = true;
    size_t next = kw_map_rank(&snapshot->aliases, &place);
    ck_assert_uint_eq(next, first + 1);
    ck_assert_str_eq(((const struct kw_alias *)kw_map_at(&snapshot->aliases, next))->name, "alias/d");
    place.part[2] = KW_LIT("alias/c");
    ck_assert_uint_eq(kw_map_rank(&snapshot->aliases, &place), first + 1);
    place.part[2] = KW_LIT("alias/z");
    ck_assert_uint_eq(kw_map_rank(&snapshot->aliases, &place), first + 3);
    kw_snapshot_free(snapshot);
}
END_TEST

START_TEST(an_alias_moves_between_keys)
{
    struct kw_snapshot *snapshot = new_snapshot(NULL);
    put_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 1);
    put_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 2);
    const struct kw_kms_key *one = get_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 1);
    const struct kw_kms_key *two = get_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 2);
    put_alias_of(snapshot, ACCOUNT_TEXT, REGION_TEXT, "alias/a", 1);
    ck_assert_uint_eq(count_key(&snapshot->key_aliases, one), 1);
    put_alias_of(snapshot, ACCOUNT_TEXT, REGION_TEXT, "alias/a", 2);
    put_alias_of(snapshot, ACCOUNT_TEXT, REGION_TEXT, "alias/a", 2);
    ck_assert_uint_eq(count_key(&snapshot->key_aliases, one), 0);
    ck_assert_uint_eq(count_key(&snapshot->key_aliases, two), 1);
    ck_assert_uint_eq(kw_map_len(&snapshot->aliases), 1);
    ck_assert_int_eq(
        kw_snapshot_remove_alias(snapshot, kw_snapshot_alias(snapshot, ACCOUNT, REGION, KW_LIT("alias/a"))),
        0);
    ck_assert_uint_eq(kw_map_len(&snapshot->aliases) + kw_map_len(&snapshot->key_aliases), 0);
    kw_snapshot_free(snapshot);
}
END_TEST

/* How many grants a principal may retire in a region. */
static size_t count_retirables(const struct kw_snapshot *snapshot, const char *retiring)
{
    struct kw_place place = kw_place_account(REGION, kw_bytes_str(retiring)); /* two parts */
    return kw_snapshot_count(&snapshot->retirables, &place);
}

START_TEST(grants_have_their_indices)
{
    struct kw_snapshot *snapshot = new_snapshot(NULL);
    put_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 1);
    put_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 2);
    const struct kw_kms_key *one = get_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 1);
    const struct kw_kms_key *two = get_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 2);
    for (uint8_t i = 0; i < 30; i++)
        put_grant(snapshot, i, i % 3 == 0 ? 1 : 2, i % 2 ? "alice" : i % 5 ? "bob" : NULL);
    ck_assert_uint_eq(kw_map_len(&snapshot->grants), 30);
    ck_assert_uint_eq(count_key(&snapshot->grants, one), 10);
    ck_assert_uint_eq(count_key(&snapshot->grants, two), 20);
    ck_assert_uint_eq(count_retirables(snapshot, "alice"), 15);
    ck_assert_uint_eq(count_retirables(snapshot, "bob"), 12);
    ck_assert_uint_eq(count_retirables(snapshot, "al"), 0);

    /* Put again with another retiring principal, and with none. */
    put_grant(snapshot, 1, 2, "bob");
    put_grant(snapshot, 5, 2, NULL);
    put_grant(snapshot, 0, 1, "alice");
    ck_assert_uint_eq(kw_map_len(&snapshot->grants), 30);
    ck_assert_uint_eq(count_retirables(snapshot, "alice"), 14);
    ck_assert_uint_eq(count_retirables(snapshot, "bob"), 13);
    uint8_t id[32];
    memset(id, 3, sizeof(id));
    ck_assert_ptr_nonnull(kw_snapshot_grant(snapshot, one, id));
    ck_assert_ptr_null(kw_snapshot_grant(snapshot, two, id));
    while (kw_map_len(&snapshot->grants) > 0)
        ck_assert_int_eq(kw_snapshot_remove_grant(snapshot, kw_map_at(&snapshot->grants, 0)), 0);
    ck_assert_uint_eq(kw_map_len(&snapshot->retirables), 0);
    kw_snapshot_free(snapshot);
}
END_TEST

START_TEST(what_is_due_comes_in_order_of_time)
{
    static const int64_t moments[] = {500, 3, INT64_MAX - 1, 70000, 3, 256, 255};
    struct kw_snapshot *snapshot = new_snapshot(NULL);
    for (uint32_t i = 0; i < KW_ARRAY_LEN(moments); i++) {
        put_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, i);
        set_deletion(snapshot, i, 1000 + i);
        set_deletion(snapshot, i, moments[i]); /* the former moment is forgotten */
    }
    put_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 100);
    ck_assert_uint_eq(kw_map_len(&snapshot->due), KW_ARRAY_LEN(moments));
    int64_t last = 0;
    for (size_t i = 0; i < kw_map_len(&snapshot->due); i++) {
        int64_t due = kw_kms_key_due_ms(kw_map_at(&snapshot->due, i));
        ck_assert_int_ge(due, last);
        last = due;
    }
    check_keys(snapshot);
    set_deletion(snapshot, 0, 0);
    ck_assert_int_eq(kw_snapshot_remove_key(snapshot, get_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, 1)), 0);
    ck_assert_uint_eq(kw_map_len(&snapshot->due), KW_ARRAY_LEN(moments) - 2);
    ck_assert_uint_eq(kw_map_len(&snapshot->keys), KW_ARRAY_LEN(moments));
    check_keys(snapshot);
    kw_snapshot_free(snapshot);
}
END_TEST

START_TEST(next_picture_shares_what_did_not_change)
{
    struct kw_snapshot *first = new_snapshot(NULL);
    for (uint32_t i = 0; i < 200; i++)
        put_key(first, i % 2 ? ACCOUNT_TEXT : OTHER_TEXT, REGION_TEXT, i);
    put_alias_of(first, ACCOUNT_TEXT, REGION_TEXT, "alias/a", 1);
    put_alias_of(first, ACCOUNT_TEXT, REGION_TEXT, "alias/b", 1);
    put_grant(first, 1, 1, "alice");
    put_principal(first, ACCOUNT_TEXT, KW_PRINCIPAL_USER, "alice");
    check_keys(first);
    const struct kw_kms_key *old = get_key(first, ACCOUNT_TEXT, REGION_TEXT, 1);

    struct kw_snapshot *second = new_snapshot(first);
    ck_assert_uint_eq(second->version, first->version + 1);
    for (uint32_t i = 200; i < 500; i++)
        put_key(second, i % 3 ? ACCOUNT_TEXT : OTHER_TEXT, REGION_TEXT, i);
    set_deletion(second, 1, 4711);
    ck_assert_int_eq(kw_snapshot_remove_key(second, get_key(second, ACCOUNT_TEXT, REGION_TEXT, 3)), 0);
    ck_assert_int_eq(
        kw_snapshot_remove_alias(second, kw_snapshot_alias(second, ACCOUNT, REGION, KW_LIT("alias/a"))), 0);
    ck_assert_int_eq(kw_snapshot_remove_grant(second, kw_map_at(&second->grants, 0)), 0);
    ck_assert_int_eq(kw_snapshot_remove_principal(second, find_user(second, "alice")), 0);
    put_principal(second, ACCOUNT_TEXT, KW_PRINCIPAL_USER, "aaron");

    check_keys(first);
    check_keys(second);
    ck_assert_uint_eq(kw_map_len(&first->keys), 200);
    ck_assert_uint_eq(kw_map_len(&second->keys), 499);
    ck_assert_uint_eq(kw_map_len(&first->aliases), 2);
    ck_assert_uint_eq(kw_map_len(&second->aliases), 1);
    ck_assert_uint_eq(kw_map_len(&first->grants), 1);
    ck_assert_uint_eq(kw_map_len(&second->retirables), 0);
    ck_assert_ptr_nonnull(find_user(first, "alice"));
    ck_assert_ptr_null(find_user(second, "alice"));
    ck_assert_int_eq(old->state, KW_KEY_ENABLED);
    const struct kw_kms_key *now = get_key(second, ACCOUNT_TEXT, REGION_TEXT, 1);
    ck_assert_int_eq(now->state, KW_KEY_PENDING_DELETION);
    ck_assert_ptr_eq(now->lastuse, old->lastuse); /* one cell for all versions */
    ck_assert_ptr_eq(now->generations[0].material, old->generations[0].material);
    ck_assert_ptr_eq(get_key(second, OTHER_TEXT, REGION_TEXT, 2), get_key(first, OTHER_TEXT, REGION_TEXT, 2));

    kw_snapshot_free(first); /* the shared members live on */
    check_keys(second);
    ck_assert_int_eq(now->created_ms, 5001);
    kw_snapshot_free(second);
}
END_TEST

/* ---- publishing ---- */

static struct kw_snapshot_cell *cell_new(void)
{
    struct kw_snapshot_cell *cell = aligned_alloc(_Alignof(struct kw_snapshot_cell), sizeof(*cell));
    ck_assert_ptr_nonnull(cell);
    kw_snapshot_cell_init(cell);
    return cell;
}

/* A picture whose one key says which version it belongs to. */
static struct kw_snapshot *picture(uint32_t version)
{
    struct kw_snapshot *snapshot = new_snapshot(NULL);
    put_key(snapshot, ACCOUNT_TEXT, REGION_TEXT, version);
    snapshot->version = version;
    return snapshot;
}

START_TEST(cell_keeps_what_is_read)
{
    struct kw_snapshot_cell *cell = cell_new();
    uint32_t a, b;
    ck_assert_int_eq(kw_snapshot_reader_add(cell, &a), 0);
    ck_assert_int_eq(kw_snapshot_reader_add(cell, &b), 0);
    ck_assert_uint_ne(a, b);
    ck_assert_ptr_null(kw_snapshot_acquire(cell, a));
    kw_snapshot_release(cell, a);

    kw_snapshot_publish(cell, picture(1));
    const struct kw_snapshot *first = kw_snapshot_acquire(cell, a);
    kw_snapshot_publish(cell, picture(2));
    const struct kw_snapshot *second = kw_snapshot_acquire(cell, b);
    kw_snapshot_publish(cell, picture(3));
    ck_assert_uint_eq(cell->num_retired, 2);
    ck_assert_ptr_nonnull(get_key(first, ACCOUNT_TEXT, REGION_TEXT, 1));
    ck_assert_ptr_nonnull(get_key(second, ACCOUNT_TEXT, REGION_TEXT, 2));

    kw_snapshot_release(cell, a);
    kw_snapshot_publish(cell, picture(4));
    ck_assert_uint_eq(cell->num_retired, 1); /* the first and the third are gone, the second is read */
    kw_snapshot_release(cell, b);
    ck_assert_uint_eq(kw_snapshot_acquire(cell, b)->version, 4);
    kw_snapshot_release(cell, b);
    kw_snapshot_cell_done(cell);
    free(cell);
}
END_TEST

START_TEST(cell_holds_a_picture_for_every_reader)
{
    struct kw_snapshot_cell *cell = cell_new();
    uint32_t reader;

    for (uint32_t i = 0; i < KW_SNAPSHOT_READERS_MAX; i++) {
        ck_assert_int_eq(kw_snapshot_reader_add(cell, &reader), 0);
        ck_assert_uint_eq(reader, i);
        kw_snapshot_publish(cell, picture(i + 1));
        ck_assert_uint_eq(kw_snapshot_acquire(cell, reader)->version, i + 1);
    }
    ck_assert_int_eq(kw_snapshot_reader_add(cell, &reader), -ENOSPC);
    for (uint32_t i = 0; i < 3; i++)
        kw_snapshot_publish(cell, picture(1000 + i));
    ck_assert_uint_eq(cell->num_retired, KW_SNAPSHOT_READERS_MAX);
    for (uint32_t i = 0; i < KW_SNAPSHOT_READERS_MAX; i++)
        kw_snapshot_release(cell, i);
    kw_snapshot_publish(cell, picture(2000));
    ck_assert_uint_eq(cell->num_retired, 0);
    kw_snapshot_cell_done(cell);
    free(cell);
}
END_TEST

#define STRESS_READERS 4

struct stress {
    struct kw_snapshot_cell *cell;
    _Atomic bool stop;
    _Atomic uint32_t published; /* the writer says so after publishing */
    _Atomic uint64_t reads;
    uint32_t reader[STRESS_READERS];
};

struct stress_reader {
    struct stress *stress;
    uint32_t reader;
};

static void *read_many(void *arg)
{
    struct stress_reader *self = arg;
    struct stress *stress = self->stress;
    uint64_t last = 0, reads = 0;

    while (!atomic_load(&stress->stop)) {
        uint32_t at_least = atomic_load(&stress->published);
        const struct kw_snapshot *snapshot = kw_snapshot_acquire(stress->cell, self->reader);
        /* Never back in time, and a published change is visible to whoever looks after. */
        kw_assert(snapshot->version >= last);
        kw_assert(snapshot->version >= at_least);
        last = snapshot->version;
        /* A freed picture would show here: under ASan as such, elsewhere as a wiped member. */
        uint8_t secret[32];
        kw_assert(kw_map_len(&snapshot->keys) >= 1);
        const struct kw_kms_key *key = kw_map_at(&snapshot->keys, 0);
        secret_of((uint32_t)key->created_ms - 5000, secret);
        const struct kw_generation *current = kw_kms_key_current(key);
        kw_assert(kw_bytes_equal(current->material->secret, KW_BYTES(secret, sizeof(secret))));
        kw_assert(kw_snapshot_key_by_id(snapshot, REGION, key->id) == key);
        kw_snapshot_release(stress->cell, self->reader);
        reads++;
    }
    atomic_fetch_add(&stress->reads, reads);
    return NULL;
}

START_TEST(readers_and_a_writer)
{
    struct stress stress = {.cell = cell_new()};
    struct stress_reader readers[STRESS_READERS];
    pthread_t threads[STRESS_READERS];

    kw_snapshot_publish(stress.cell, picture(1));
    for (int i = 0; i < STRESS_READERS; i++) {
        readers[i].stress = &stress;
        ck_assert_int_eq(kw_snapshot_reader_add(stress.cell, &readers[i].reader), 0);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_many, &readers[i]), 0);
    }
    /* Each picture shares with the one before, as the keystore's thread makes them: a few keys come and go.
     */
    uint64_t end_ns = kw_now_ns() + 1500000000u;
    uint32_t version = 1;
    const struct kw_snapshot *current = atomic_load(&stress.cell->current);
    while (kw_now_ns() < end_ns) {
        struct kw_snapshot *next = new_snapshot(current);
        put_key(next, ACCOUNT_TEXT, REGION_TEXT, ++version);
        if (kw_map_len(&next->keys) > 50)
            ck_assert_int_eq(kw_snapshot_remove_key(next, kw_map_at(&next->keys, version % 50)), 0);
        kw_snapshot_publish(stress.cell, next);
        current = next;
        atomic_store(&stress.published, version);
    }
    atomic_store(&stress.stop, true);
    for (int i = 0; i < STRESS_READERS; i++)
        pthread_join(threads[i], NULL);
    printf("# %u pictures published, %llu reads\n", version, (unsigned long long)stress.reads);
    ck_assert_uint_gt(stress.reads, 1000);
    ck_assert_uint_gt(version, 100);
    kw_snapshot_cell_done(stress.cell);
    free(stress.cell);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, empty_picture_finds_nothing);
    tcase_add_test(tcase, look_ups_keep_accounts_and_regions_apart);
    tcase_add_test(tcase, principals_are_told_apart_by_account_and_kind);
    tcase_add_test(tcase, keys_are_known_in_every_region);
    tcase_add_test(tcase, counts_and_lists_of_a_place);
    tcase_add_test(tcase, an_alias_moves_between_keys);
    tcase_add_test(tcase, grants_have_their_indices);
    tcase_add_test(tcase, what_is_due_comes_in_order_of_time);
    tcase_add_test(tcase, next_picture_shares_what_did_not_change);
    tcase_add_test(tcase, cell_keeps_what_is_read);
    tcase_add_test(tcase, cell_holds_a_picture_for_every_reader);
    tcase_add_test(tcase, readers_and_a_writer);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("snapshot", add, 60);
}
