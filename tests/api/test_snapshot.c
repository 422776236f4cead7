#include "api/draft.h"
#include "engine/crypto.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ACCOUNT KW_LIT("000000000000")
#define OTHER   KW_LIT("111111111111")
#define REGION  KW_LIT("us-east-1")

static const uint8_t *make_id(uint32_t n)
{
    static uint8_t id[KW_KMS_KEY_ID_LEN];

    /* Spread by a multiplication, so that ids do not come in order. */
    memset(id, 0, sizeof(id));
    n *= 2654435761u;
    for (int i = 0; i < 4; i++)
        id[i] = (uint8_t)(n >> (8 * i));
    return id;
}

static struct kw_kms_key *make_key(struct kw_bytes account, struct kw_bytes region, const uint8_t *id)
{
    static struct kw_backing_key backing[2] = {{.material_id = {1}, .key = {0xa1}, .created_ms = 10},
        {.material_id = {2}, .key = {0xa2}, .created_ms = 20}};
    struct kw_kms_key_fields fields = {
        .id = id,
        .account = account,
        .region = region,
        .description = KW_LIT("a key"),
        .state = KW_KEY_ENABLED,
        .created_ms = 10,
        .backing = backing,
        .num_backing = 2,
    };
    struct kw_kms_key *key = NULL;
    ck_assert_int_eq(kw_kms_key_new(&key, &fields), 0);
    return key;
}

static void put_key(
    struct kw_draft *draft, struct kw_bytes account, struct kw_bytes region, const uint8_t *id)
{
    struct kw_kms_key *key = make_key(account, region, id);
    ck_assert_int_eq(kw_draft_put_key(draft, &key), 0);
    ck_assert_ptr_null(key);
}

static void put_alias(
    struct kw_draft *draft, struct kw_bytes account, struct kw_bytes region, const char *name)
{
    struct kw_alias *alias = NULL;
    ck_assert_int_eq(kw_alias_new(&alias, account, region, kw_bytes_str(name), make_id(1), 1, 2), 0);
    ck_assert_int_eq(kw_draft_put_alias(draft, &alias), 0);
    ck_assert_ptr_null(alias);
}

static void put_principal(struct kw_draft *draft, const char *access_key_id)
{
    struct kw_principal *principal = NULL;
    struct kw_principal_fields fields = {
        .access_key_id = kw_bytes_str(access_key_id),
        .secret_access_key = KW_LIT("secret"),
        .account = ACCOUNT,
        .user_name = KW_LIT("admin"),
        .principal_id = KW_LIT("AIDA0"),
        .administrator = true,
        .enabled = true,
    };
    ck_assert_int_eq(kw_principal_new(&principal, &fields), 0);
    ck_assert_int_eq(kw_draft_put_principal(draft, &principal), 0);
    ck_assert_ptr_null(principal);
}

static void check_order(const struct kw_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->num_keys; i++) {
        const struct kw_kms_key *key = snapshot->keys[i];
        struct kw_bytes account = kw_bytes_str(key->account), region = kw_bytes_str(key->region);
        ck_assert_ptr_eq(kw_snapshot_key(snapshot, account, region, key->id), key);
        ck_assert_ptr_eq(kw_snapshot_key_by_id(snapshot, key->id), key);
        ck_assert_uint_eq(kw_snapshot_key_after(snapshot, account, region, key->id), i + 1);
        if (i > 0)
            ck_assert_int_lt(memcmp(snapshot->keys_by_id[i - 1]->id, snapshot->keys_by_id[i]->id, 16), 0);
    }
}

START_TEST(empty_picture_finds_nothing)
{
    KW_DRAFT struct kw_draft draft = {0};
    ck_assert_int_eq(kw_draft_init(&draft, NULL), 0);
    struct kw_snapshot *snapshot = kw_draft_take(&draft);

    ck_assert_uint_eq(snapshot->version, 1);
    ck_assert_ptr_null(kw_snapshot_key(snapshot, ACCOUNT, REGION, make_id(1)));
    ck_assert_ptr_null(kw_snapshot_key_by_id(snapshot, make_id(1)));
    ck_assert_ptr_null(kw_snapshot_alias(snapshot, ACCOUNT, REGION, KW_LIT("alias/a")));
    ck_assert_ptr_null(kw_snapshot_principal(snapshot, KW_LIT("AKIA")));
    ck_assert_ptr_null(kw_snapshot_principal(snapshot, KW_BYTES(NULL, 0)));
    ck_assert_uint_eq(kw_snapshot_key_after(snapshot, ACCOUNT, REGION, NULL), 0);
    ck_assert_uint_eq(kw_snapshot_alias_after(snapshot, ACCOUNT, REGION, KW_LIT("")), 0);
    kw_snapshot_free(snapshot);
    kw_snapshot_free(NULL);
}
END_TEST

START_TEST(look_ups_keep_accounts_and_regions_apart)
{
    KW_DRAFT struct kw_draft draft = {0};
    ck_assert_int_eq(kw_draft_init(&draft, NULL), 0);
    put_key(&draft, OTHER, REGION, make_id(3));
    put_key(&draft, ACCOUNT, KW_LIT("eu-west-1"), make_id(2));
    put_key(&draft, ACCOUNT, REGION, make_id(1));
    put_alias(&draft, ACCOUNT, REGION, "alias/b");
    put_alias(&draft, OTHER, REGION, "alias/a");
    put_alias(&draft, ACCOUNT, REGION, "alias/a");
    put_principal(&draft, "AKIAB");
    put_principal(&draft, "AKIAA");
    struct kw_snapshot *snapshot = kw_draft_take(&draft);

    check_order(snapshot);
    const struct kw_kms_key *key = kw_snapshot_key(snapshot, ACCOUNT, REGION, make_id(1));
    ck_assert_ptr_nonnull(key);
    ck_assert_str_eq(key->account, "000000000000");
    ck_assert_str_eq(key->region, "us-east-1");
    ck_assert_str_eq(key->description, "a key");
    ck_assert_uint_eq(strlen(key->id_text), 36);
    char arn[128];
    snprintf(arn, sizeof(arn), "arn:aws:kms:us-east-1:000000000000:key/%s", key->id_text);
    ck_assert_str_eq(key->arn, arn);
    ck_assert_ptr_null(kw_snapshot_key(snapshot, OTHER, REGION, make_id(1)));
    ck_assert_ptr_null(kw_snapshot_key(snapshot, ACCOUNT, KW_LIT("us-east-11"), make_id(1)));
    ck_assert_ptr_null(kw_snapshot_key(snapshot, ACCOUNT, KW_LIT("us-east-"), make_id(1)));
    ck_assert_ptr_nonnull(kw_snapshot_key_by_id(snapshot, make_id(3)));
    ck_assert_ptr_null(kw_snapshot_key_by_id(snapshot, make_id(4)));

    ck_assert_ptr_nonnull(kw_snapshot_alias(snapshot, OTHER, REGION, KW_LIT("alias/a")));
    ck_assert_ptr_null(kw_snapshot_alias(snapshot, OTHER, REGION, KW_LIT("alias/b")));
    ck_assert_ptr_null(kw_snapshot_alias(snapshot, ACCOUNT, REGION, KW_LIT("alias/")));
    const struct kw_principal *principal = kw_snapshot_principal(snapshot, KW_LIT("AKIAB"));
    ck_assert_ptr_nonnull(principal);
    ck_assert_str_eq(principal->arn, "arn:aws:iam::000000000000:user/admin");
    ck_assert_ptr_null(kw_snapshot_principal(snapshot, KW_LIT("AKIA")));
    ck_assert_ptr_null(kw_snapshot_principal(snapshot, KW_LIT("AKIABB")));
    kw_snapshot_free(snapshot);
}
END_TEST

START_TEST(lists_start_after_a_marker)
{
    KW_DRAFT struct kw_draft draft = {0};
    ck_assert_int_eq(kw_draft_init(&draft, NULL), 0);
    put_alias(&draft, ACCOUNT, KW_LIT("eu-west-1"), "alias/z");
    put_alias(&draft, ACCOUNT, REGION, "alias/b");
    put_alias(&draft, ACCOUNT, REGION, "alias/d");
    put_alias(&draft, OTHER, REGION, "alias/a");
    put_key(&draft, ACCOUNT, KW_LIT("eu-west-1"), make_id(9));
    put_key(&draft, ACCOUNT, REGION, make_id(1));
    put_key(&draft, ACCOUNT, REGION, make_id(2));
    struct kw_snapshot *snapshot = kw_draft_take(&draft);

    ck_assert_uint_eq(kw_snapshot_alias_after(snapshot, ACCOUNT, REGION, KW_LIT("")), 1);
    ck_assert_uint_eq(kw_snapshot_alias_after(snapshot, ACCOUNT, REGION, KW_LIT("alias/b")), 2);
    ck_assert_uint_eq(
        kw_snapshot_alias_after(snapshot, ACCOUNT, REGION, KW_LIT("alias/c")), 2); /* deleted since */
    ck_assert_uint_eq(kw_snapshot_alias_after(snapshot, ACCOUNT, REGION, KW_LIT("alias/d")), 3);
    ck_assert_uint_eq(kw_snapshot_alias_after(snapshot, OTHER, REGION, KW_LIT("alias/z")), 4);
    ck_assert_uint_eq(kw_snapshot_key_after(snapshot, ACCOUNT, REGION, NULL), 1);
    ck_assert_uint_eq(kw_snapshot_key_after(snapshot, ACCOUNT, REGION, snapshot->keys[1]->id), 2);
    ck_assert_uint_eq(kw_snapshot_key_after(snapshot, ACCOUNT, REGION, snapshot->keys[2]->id), 3);
    ck_assert_uint_eq(kw_snapshot_key_after(snapshot, OTHER, REGION, NULL), 3);
    kw_snapshot_free(snapshot);
}
END_TEST

START_TEST(material_is_found_by_its_id)
{
    KW_KMS_KEY struct kw_kms_key *key = make_key(ACCOUNT, REGION, make_id(1));
    uint8_t material_id[KW_MATERIAL_ID_LEN] = {1};

    ck_assert_int_eq(kw_kms_key_current(key)->key[0], 0xa2);
    ck_assert_int_eq(kw_kms_key_material(key, material_id)->key[0], 0xa1);
    material_id[0] = 2;
    ck_assert_ptr_eq(kw_kms_key_material(key, material_id), kw_kms_key_current(key));
    material_id[KW_MATERIAL_ID_LEN - 1] = 1;
    ck_assert_ptr_null(kw_kms_key_material(key, material_id));
}
END_TEST

START_TEST(members_refuse_what_does_not_fit)
{
    static const struct kw_backing_key backing;
    static char long_text[KW_DESCRIPTION_BYTES_MAX + 2];
    memset(long_text, 'x', sizeof(long_text) - 1);
    struct kw_kms_key_fields good = {.id = make_id(1),
        .account = ACCOUNT,
        .region = REGION,
        .description = KW_BYTES(long_text, KW_DESCRIPTION_BYTES_MAX),
        .backing = &backing,
        .num_backing = 1};
    struct kw_kms_key_fields bad = good;
    struct kw_kms_key *key = NULL;

    bad.description.len++;
    ck_assert_int_eq(kw_kms_key_new(&key, &bad), KW_ENTITY_INVALID);
    bad = good;
    bad.description = KW_LIT("a\0b");
    ck_assert_int_eq(kw_kms_key_new(&key, &bad), KW_ENTITY_INVALID);
    bad = good;
    bad.account = KW_LIT("12345678901");
    ck_assert_int_eq(kw_kms_key_new(&key, &bad), KW_ENTITY_INVALID);
    bad.account = KW_LIT("1234567890123");
    ck_assert_int_eq(kw_kms_key_new(&key, &bad), KW_ENTITY_INVALID);
    bad = good;
    bad.region = KW_BYTES(long_text, KW_REGION_MAX + 1);
    ck_assert_int_eq(kw_kms_key_new(&key, &bad), KW_ENTITY_INVALID);
    bad.region = KW_LIT("");
    ck_assert_int_eq(kw_kms_key_new(&key, &bad), KW_ENTITY_INVALID);
    ck_assert_ptr_null(key);

    good.region.len = KW_REGION_MAX;
    good.region.ptr = (const uint8_t *)long_text;
    ck_assert_int_eq(kw_kms_key_new(&key, &good), 0);
    ck_assert_uint_eq(strlen(key->description), KW_DESCRIPTION_BYTES_MAX);
    ck_assert_str_eq(key->arn + strlen(key->arn) - 36, key->id_text);
    kw_kms_key_unref(key);

    struct kw_alias *alias = NULL;
    ck_assert_int_eq(
        kw_alias_new(&alias, ACCOUNT, REGION, KW_BYTES(long_text, KW_ALIAS_NAME_MAX + 1), make_id(1), 0, 0),
        KW_ENTITY_INVALID);
    ck_assert_int_eq(
        kw_alias_new(&alias, ACCOUNT, REGION, KW_BYTES(long_text, KW_ALIAS_NAME_MAX), make_id(1), 0, 0), 0);
    kw_alias_unref(alias);

    struct kw_principal *principal = NULL;
    struct kw_principal_fields fields = {.access_key_id = KW_LIT("AKIA"),
        .secret_access_key = KW_BYTES(long_text, 65),
        .account = ACCOUNT,
        .user_name = KW_LIT("admin"),
        .principal_id = KW_LIT("AIDA")};
    ck_assert_int_eq(kw_principal_new(&principal, &fields), KW_ENTITY_INVALID);
    fields.secret_access_key.len = 0;
    ck_assert_int_eq(kw_principal_new(&principal, &fields), KW_ENTITY_INVALID);
    ck_assert_ptr_null(principal);
}
END_TEST

START_TEST(next_picture_shares_what_did_not_change)
{
    KW_DRAFT struct kw_draft draft = {0};
    ck_assert_int_eq(kw_draft_init(&draft, NULL), 0);
    for (uint32_t i = 0; i < 200; i++)
        put_key(&draft, i % 2 ? ACCOUNT : OTHER, REGION, make_id(i));
    put_alias(&draft, ACCOUNT, REGION, "alias/a");
    put_alias(&draft, ACCOUNT, REGION, "alias/b");
    put_principal(&draft, "AKIAA");
    struct kw_snapshot *first = kw_draft_take(&draft);
    check_order(first);

    ck_assert_int_eq(kw_draft_init(&draft, first), 0);
    for (uint32_t i = 200; i < 500; i++) /* grows the arrays, in the middle too */
        put_key(&draft, i % 3 ? ACCOUNT : OTHER, REGION, make_id(i));
    KW_KMS_KEY struct kw_kms_key *disabled = NULL;
    const struct kw_kms_key *old = kw_snapshot_key(first, ACCOUNT, REGION, make_id(1));
    ck_assert_int_eq(kw_kms_key_with_state(&disabled, old, KW_KEY_DISABLED), 0);
    ck_assert_int_eq(kw_draft_put_key(&draft, &disabled), 0);
    kw_draft_remove_alias(&draft, ACCOUNT, REGION, KW_LIT("alias/a"));
    put_alias(&draft, ACCOUNT, REGION, "alias/c");
    put_alias(&draft, ACCOUNT, REGION, "alias/b"); /* in place of the old one */
    put_principal(&draft, "AKIAA");
    put_principal(&draft, "AKIA0");
    struct kw_snapshot *second = kw_draft_take(&draft);

    check_order(second);
    ck_assert_uint_eq(second->version, first->version + 1);
    ck_assert_uint_eq(first->num_keys, 200);
    ck_assert_uint_eq(second->num_keys, 500);
    ck_assert_uint_eq(second->num_aliases, 2);
    ck_assert_uint_eq(second->num_principals, 2);
    ck_assert_int_eq(old->state, KW_KEY_ENABLED);
    const struct kw_kms_key *now = kw_snapshot_key(second, ACCOUNT, REGION, make_id(1));
    ck_assert_int_eq(now->state, KW_KEY_DISABLED);
    ck_assert_int_eq(kw_kms_key_current(now)->key[0], 0xa2);
    ck_assert_str_eq(now->arn, old->arn);
    ck_assert_ptr_eq(kw_snapshot_key(second, OTHER, REGION, make_id(2)),
        kw_snapshot_key(first, OTHER, REGION, make_id(2)));
    ck_assert_ptr_null(kw_snapshot_alias(second, ACCOUNT, REGION, KW_LIT("alias/a")));
    ck_assert_ptr_nonnull(kw_snapshot_alias(first, ACCOUNT, REGION, KW_LIT("alias/a")));

    kw_snapshot_free(first); /* the shared members live on */
    check_order(second);
    kw_snapshot_free(second);
}
END_TEST

START_TEST(draft_not_taken_gives_everything_back)
{
    struct kw_draft draft;
    ck_assert_int_eq(kw_draft_init(&draft, NULL), 0);
    put_key(&draft, ACCOUNT, REGION, make_id(1));
    struct kw_snapshot *first = kw_draft_take(&draft);

    ck_assert_int_eq(kw_draft_init(&draft, first), 0);
    ck_assert_uint_eq(first->keys[0]->refs, 2);
    put_key(&draft, ACCOUNT, REGION, make_id(2));
    kw_draft_done(&draft);
    kw_draft_done(&draft);
    ck_assert_uint_eq(first->keys[0]->refs, 1);
    kw_snapshot_free(first);
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
    KW_DRAFT struct kw_draft draft = {0};
    ck_assert_int_eq(kw_draft_init(&draft, NULL), 0);
    put_key(&draft, ACCOUNT, REGION, make_id(version));
    draft.snapshot->version = version;
    return kw_draft_take(&draft);
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
    ck_assert_ptr_nonnull(kw_snapshot_key(first, ACCOUNT, REGION, make_id(1)));
    ck_assert_ptr_nonnull(kw_snapshot_key(second, ACCOUNT, REGION, make_id(2)));

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
        ck_assert_uint_ge(snapshot->version, last);
        ck_assert_uint_ge(snapshot->version, at_least);
        last = snapshot->version;
        /* A freed picture would show here: under ASan as such, elsewhere as a wiped member. */
        ck_assert_uint_eq(snapshot->num_keys, 1);
        const struct kw_kms_key *key = snapshot->keys[0];
        ck_assert_uint_gt(key->refs, 0);
        ck_assert_int_eq(kw_kms_key_current(key)->key[0], 0xa2);
        ck_assert_ptr_eq(kw_snapshot_key_by_id(snapshot, key->id), key);
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
    uint64_t end_ns = kw_now_ns() + 2000000000u;
    uint32_t version = 1;
    while (kw_now_ns() < end_ns) {
        kw_snapshot_publish(stress.cell, picture(++version));
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

int main(void)
{
    if (kw_crypto_init() != 0)
        return 99;

    TCase *tcase = tcase_create("snapshot");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, empty_picture_finds_nothing);
    tcase_add_test(tcase, look_ups_keep_accounts_and_regions_apart);
    tcase_add_test(tcase, lists_start_after_a_marker);
    tcase_add_test(tcase, material_is_found_by_its_id);
    tcase_add_test(tcase, members_refuse_what_does_not_fit);
    tcase_add_test(tcase, next_picture_shares_what_did_not_change);
    tcase_add_test(tcase, draft_not_taken_gives_everything_back);
    tcase_add_test(tcase, cell_keeps_what_is_read);
    tcase_add_test(tcase, cell_holds_a_picture_for_every_reader);
    tcase_add_test(tcase, readers_and_a_writer);

    Suite *suite = suite_create("snapshot");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
