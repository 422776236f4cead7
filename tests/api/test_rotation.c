#include "api/rotation.h"

#include "tests/support/related_keys.h"

struct rotate {
    const char *region;
    uint32_t number;
    const struct kw_material *material;
    enum kw_rotation_type type;
    int64_t now_ms;
};

static int change_rotate(struct kw_tx *tx, void *arg)
{
    const struct rotate *rotate = arg;
    uint8_t id[KW_KMS_KEY_ID_LEN];

    id_of(rotate->number, id);
    return kw_rotate(tx, kw_snapshot_key(tx->snapshot, ACCOUNT, kw_bytes_str(rotate->region), id),
        rotate->material, rotate->type, rotate->now_ms);
}

static int rotate(
    uint32_t number, const struct kw_material *material, enum kw_rotation_type type, int64_t now_ms)
{
    struct rotate arg = {REGION_TEXT, number, material, type, now_ms};

    return apply_fn(change_rotate, &arg);
}

/* That the newest generation of a key is current and was made so. */
static void check_newest(const struct kw_kms_key *key, uint32_t num, const struct kw_material *material,
    enum kw_rotation_type type, int64_t at_ms)
{
    const struct kw_generation *newest = &key->generations[key->num_generations - 1];

    ck_assert_uint_eq(key->num_generations, num);
    ck_assert_uint_eq(key->current, num - 1);
    ck_assert_mem_eq(newest->id, material->id, sizeof(newest->id));
    ck_assert(kw_bytes_equal(newest->material->secret, material->secret));
    ck_assert_int_eq((int)newest->rotation, (int)type);
    ck_assert_int_eq(newest->rotated_ms, at_ms);
    ck_assert(!newest->pending);
}

START_TEST(test_on_demand)
{
    KW_MATERIAL struct kw_material *first = material_of(1);
    KW_MATERIAL struct kw_material *second = material_of(2);
    KW_MATERIAL struct kw_material *third = material_of(3);
    struct kw_kms_key edited;

    ck_assert_int_eq(create_key(1), 0);
    edited = *find_key(1);
    edited.rotates = true;
    edited.rotation_next_ms = 123456;
    put(&edited);
    ck_assert_int_eq(rotate(1, second, KW_ROTATION_ON_DEMAND, 9000), 0);
    check_newest(find_key(1), 2, second, KW_ROTATION_ON_DEMAND, 9000);
    ck_assert_int_eq(find_key(1)->generations[1].created_ms, 9000);
    ck_assert_int_eq(rotate(1, third, KW_ROTATION_ON_DEMAND, 9001), 0);

    close_all();
    open_and_load(path);
    check_newest(find_key(1), 3, third, KW_ROTATION_ON_DEMAND, 9001);
    ck_assert_uint_eq(find_key(1)->num_on_demand, 2);
    ck_assert_int_eq(find_key(1)->rotation_next_ms, 123456);
    /* What was before is as it was. */
    ck_assert_mem_eq(find_key(1)->generations[0].id, first->id, sizeof(first->id));
    ck_assert(kw_bytes_equal(find_key(1)->generations[0].material->secret, first->secret));
    ck_assert_int_eq(find_key(1)->generations[0].rotated_ms, 0);
    ck_assert(kw_bytes_equal(find_key(1)->generations[1].material->secret, second->secret));
}
END_TEST

START_TEST(test_automatic)
{
    KW_MATERIAL struct kw_material *second = material_of(2);
    KW_MATERIAL struct kw_material *third = material_of(3);
    int64_t due_ms = 1000 * DAY_MS;
    struct kw_kms_key edited;

    ck_assert_int_eq(create_key(1), 0);
    edited = *find_key(1);
    edited.rotates = true;
    edited.rotation_days = 90;
    edited.rotation_next_ms = due_ms;
    put(&edited);
    ck_assert_int_eq(rotate(1, second, KW_ROTATION_AUTOMATIC, due_ms + 5), 0);
    check_newest(find_key(1), 2, second, KW_ROTATION_AUTOMATIC, due_ms + 5);
    ck_assert_int_eq(find_key(1)->rotation_next_ms, due_ms + 90 * DAY_MS);
    /* Periods that have passed unseen are not made up for. */
    ck_assert_int_eq(rotate(1, third, KW_ROTATION_AUTOMATIC, due_ms + 500 * DAY_MS), 0);
    ck_assert_int_eq(find_key(1)->rotation_next_ms, due_ms + 590 * DAY_MS);
    ck_assert_uint_eq(find_key(1)->num_on_demand, 0);
}
END_TEST

START_TEST(test_dates)
{
    ck_assert_int_eq(kw_rotation_next_ms(90, 5, 6), 5 + 90 * DAY_MS);
    ck_assert_int_eq(kw_rotation_next_ms(90, 0, 6), 6 + 90 * DAY_MS);
    ck_assert_int_eq(kw_rotation_next_ms(90, 5, 5 + 90 * DAY_MS - 1), 5 + 90 * DAY_MS);
    ck_assert_int_eq(kw_rotation_next_ms(90, 5, 5 + 90 * DAY_MS), 5 + 180 * DAY_MS);
    ck_assert_int_eq(kw_rotation_next_ms(0, 5, 6), 5 + 365 * DAY_MS);
    ck_assert_int_eq(kw_rotation_next_ms(2560, 5, 6), 5 + 2560 * DAY_MS);
}
END_TEST

START_TEST(test_imported)
{
    KW_MATERIAL struct kw_material *first = material_of(1);
    KW_MATERIAL struct kw_material *second = material_of(2);
    struct kw_generation generations[2] = {generation_of(first, false), generation_of(second, true)};

    ck_assert_int_eq(create_key(1), 0);
    set_generations(REGION_TEXT, 1, generations, 1, 0);
    ck_assert_uint_eq(kw_rotation_pending(find_key(1)), 1);
    ck_assert_int_eq(rotate(1, NULL, KW_ROTATION_ON_DEMAND, 9000), KW_ROTATION_NOT_READY);

    generations[1].material = NULL; /* expired, or deleted */
    set_generations(REGION_TEXT, 1, generations, 2, 0);
    ck_assert_uint_eq(kw_rotation_pending(find_key(1)), 2);
    ck_assert_int_eq(rotate(1, NULL, KW_ROTATION_ON_DEMAND, 9000), KW_ROTATION_NOT_READY);
    ck_assert_uint_eq(find_key(1)->current, 0);

    generations[1] = generation_of(second, true);
    generations[1].valid_to_ms = 555;
    set_generations(REGION_TEXT, 1, generations, 2, 0);
    ck_assert_uint_eq(kw_rotation_pending(find_key(1)), 1);
    ck_assert_int_eq(rotate(1, NULL, KW_ROTATION_ON_DEMAND, 9000), 0);
    check_newest(find_key(1), 2, second, KW_ROTATION_ON_DEMAND, 9000);
    ck_assert_int_eq(find_key(1)->generations[1].created_ms, 77);
    ck_assert_int_eq(find_key(1)->generations[1].valid_to_ms, 555);
    ck_assert_uint_eq(find_key(1)->num_on_demand, 1);
    ck_assert_uint_eq(kw_rotation_pending(find_key(1)), 2);
}
END_TEST

START_TEST(test_related_keys_rotate_together)
{
    KW_MATERIAL struct kw_material *second = material_of(2);

    create_related(1, 3);
    ck_assert_int_eq(rotate(1, second, KW_ROTATION_ON_DEMAND, 9000), 0);
    close_all();
    open_and_load(path);
    for (size_t i = 0; i < KW_ARRAY_LEN(related_regions); i++) {
        check_newest(find_in(related_regions[i], 1), 2, second, KW_ROTATION_ON_DEMAND, 9000);
        ck_assert_uint_eq(find_in(related_regions[i], 1)->num_regions, 3);
    }
}
END_TEST

/* A region of the list in which the key is no more (it should not be there) does no harm. */
START_TEST(test_missing_relative)
{
    KW_MATERIAL struct kw_material *second = material_of(2);
    struct kw_kms_key edited;

    create_related(1, 1);
    edited = *find_key(1);
    edited.regions = related_regions;
    edited.num_regions = 3;
    put(&edited);
    ck_assert_int_eq(rotate(1, second, KW_ROTATION_ON_DEMAND, 9000), 0);
    check_newest(find_key(1), 2, second, KW_ROTATION_ON_DEMAND, 9000);
}
END_TEST

/* All related keys have the same material waiting, or nothing is changed anywhere. */
START_TEST(test_related_imported)
{
    KW_MATERIAL struct kw_material *first = material_of(1);
    KW_MATERIAL struct kw_material *second = material_of(2);
    KW_MATERIAL struct kw_material *other = material_of(3);
    struct kw_generation same[2] = {generation_of(first, false), generation_of(second, true)};
    struct kw_generation different[2] = {generation_of(first, false), generation_of(other, true)};
    uint64_t version;

    create_related(1, 2);
    set_generations(REGION_TEXT, 1, same, 2, 0);
    set_generations(REPLICA_TEXT, 1, same, 1, 0);
    version = now->version;
    ck_assert_int_eq(rotate(1, NULL, KW_ROTATION_ON_DEMAND, 9000), KW_ROTATION_NOT_READY);
    ck_assert_uint_eq(now->version, version);
    set_generations(REPLICA_TEXT, 1, different, 2, 0);
    ck_assert_int_eq(rotate(1, NULL, KW_ROTATION_ON_DEMAND, 9000), KW_ROTATION_NOT_READY);
    ck_assert_uint_eq(find_key(1)->current, 0);
    set_generations(REPLICA_TEXT, 1, same, 2, 0);
    ck_assert_int_eq(rotate(1, NULL, KW_ROTATION_ON_DEMAND, 9000), 0);
    check_newest(find_key(1), 2, second, KW_ROTATION_ON_DEMAND, 9000);
    check_newest(find_in(REPLICA_TEXT, 1), 2, second, KW_ROTATION_ON_DEMAND, 9000);
}
END_TEST

START_TEST(test_full)
{
    static struct kw_generation generations[KW_GENERATIONS_MAX];
    KW_MATERIAL struct kw_material *next = material_of(2);
    struct kw_kms_key edited;

    ck_assert_int_eq(create_key(1), 0);
    for (uint32_t i = 0; i < KW_GENERATIONS_MAX; i++)
        memcpy(generations[i].id, &i, sizeof(i));
    edited = *find_key(1);
    edited.generations = generations;
    edited.num_generations = KW_GENERATIONS_MAX;
    put(&edited);
    ck_assert_int_eq(rotate(1, next, KW_ROTATION_AUTOMATIC, 9000), KW_ROTATION_FULL);
    ck_assert_uint_eq(find_key(1)->num_generations, KW_GENERATIONS_MAX);
}
END_TEST

START_TEST(test_material_complete)
{
    KW_MATERIAL struct kw_material *first = material_of(1);
    KW_MATERIAL struct kw_material *second = material_of(2);
    struct kw_generation generations[3] = {
        generation_of(first, false), generation_of(second, false), generation_of(second, true)};
    struct kw_kms_key key = {.generations = generations, .num_generations = 3, .current = 1};

    ck_assert(kw_rotation_material_complete(&key));
    generations[2].material = NULL; /* it was never current */
    ck_assert(kw_rotation_material_complete(&key));
    generations[0].material = NULL; /* an earlier one */
    ck_assert(!kw_rotation_material_complete(&key));
    generations[0].material = first;
    generations[1].material = NULL;
    ck_assert(!kw_rotation_material_complete(&key));
    key = (struct kw_kms_key){0};
    ck_assert(!kw_rotation_material_complete(&key));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_on_demand);
    tcase_add_test(tcase, test_automatic);
    tcase_add_test(tcase, test_dates);
    tcase_add_test(tcase, test_imported);
    tcase_add_test(tcase, test_related_keys_rotate_together);
    tcase_add_test(tcase, test_missing_relative);
    tcase_add_test(tcase, test_related_imported);
    tcase_add_test(tcase, test_full);
    tcase_add_test(tcase, test_material_complete);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("api/rotation", add, 60);
}
