#include "api/generations.h"

#include "engine/crypto.h"
#include "tests/support/entities.h"

static struct kw_generation generation_of(uint32_t number, const struct kw_material *material)
{
    struct kw_generation generation = {.material = material, .created_ms = 1000 + number};

    memset(generation.id, (int)number, sizeof(generation.id));
    return generation;
}

/* A key whose generations are `in`; the key is the caller's. */
static struct kw_kms_key *key_of(const char *region, const struct kw_generations *in)
{
    KW_KMS_KEY struct kw_kms_key *like = new_key(ACCOUNT_TEXT, region, 1);
    struct kw_kms_key edit = *like, *key = NULL;

    kw_generations_put(in, &edit);
    ck_assert_int_eq(kw_kms_key_new(&key, &edit), 0);
    return key;
}

static void add_one(struct kw_generations *to, uint32_t number, const struct kw_material *material)
{
    struct kw_generation added = generation_of(number, material);

    ck_assert_int_eq(kw_generations_add(to, &added), 0);
}

/* What a rotation does. */
static void rotate(struct kw_generations *in)
{
    struct kw_generation *pending = kw_generations_pending(in);

    ck_assert_ptr_nonnull(pending);
    pending->pending = false;
    in->current = (uint32_t)(pending - in->item);
}

START_TEST(test_add)
{
    KW_MATERIAL struct kw_material *material = material_of(1);
    struct kw_generations in = {.num = 0};
    struct kw_generation other = generation_of(3, material), known = generation_of(1, material);

    ck_assert_ptr_null(kw_generations_pending(&in));
    add_one(&in, 1, material);
    ck_assert(in.num == 1 && in.current == 0 && !in.item[0].pending);
    ck_assert_int_eq(kw_generations_add(&in, &known), KW_GENERATIONS_KNOWN);
    add_one(&in, 2, material);
    ck_assert(in.num == 2 && in.current == 0 && in.item[1].pending);
    ck_assert_ptr_eq(kw_generations_pending(&in), &in.item[1]);
    ck_assert_int_eq(kw_generations_add(&in, &other), KW_GENERATIONS_PENDING);
    ck_assert_uint_eq(in.num, 2);
    /* What waits and has expired gives way. */
    in.item[1].material = NULL;
    add_one(&in, 3, material);
    ck_assert(in.num == 2 && in.current == 0 && in.item[1].pending && in.item[1].id[0] == 3);
    ck_assert_ptr_null(kw_generations_find(&in, generation_of(2, NULL).id));
    ck_assert_ptr_eq(kw_generations_find(&in, other.id), &in.item[1]);
}
END_TEST

START_TEST(test_full)
{
    KW_MATERIAL struct kw_material *material = material_of(1);
    struct kw_generations in = {.num = 0};
    struct kw_generation more = generation_of(99, material);

    for (uint32_t i = 0; i < KW_GENERATIONS_IMPORTED_MAX; i++) {
        add_one(&in, i, material);
        if (i > 0)
            rotate(&in);
    }
    ck_assert_int_eq(kw_generations_add(&in, &more), KW_GENERATIONS_FULL);
    ck_assert_uint_eq(in.num, KW_GENERATIONS_IMPORTED_MAX);
    /* The last one waits without material: there is room for one in its place. */
    in.item[in.num - 1] = generation_of(98, NULL);
    in.item[in.num - 1].pending = true;
    in.current--;
    ck_assert_int_eq(kw_generations_add(&in, &more), 0);
    ck_assert_uint_eq(in.num, KW_GENERATIONS_IMPORTED_MAX);
}
END_TEST

START_TEST(test_drop)
{
    KW_MATERIAL struct kw_material *material = material_of(1);
    struct kw_generations in = {.num = 0};

    for (uint32_t i = 0; i < 3; i++) {
        add_one(&in, i, material);
        if (i > 0)
            rotate(&in);
    }
    ck_assert_uint_eq(in.current, 2);
    kw_generations_drop(&in, &in.item[1]);
    ck_assert(in.num == 2 && in.current == 1 && in.item[0].id[0] == 0 && in.item[1].id[0] == 2);
    kw_generations_drop(&in, &in.item[0]);
    ck_assert(in.num == 1 && in.current == 0 && in.item[0].id[0] == 2);
}
END_TEST

START_TEST(test_copy)
{
    KW_MATERIAL struct kw_material *material = material_of(1);
    struct kw_generations in = {.num = 0}, copy;

    add_one(&in, 1, material);
    add_one(&in, 2, material);
    in.item[1].valid_to_ms = 77;
    KW_KMS_KEY struct kw_kms_key *key = key_of(REGION_TEXT, &in);
    ck_assert_int_eq(kw_generations_copy(&copy, key, NULL), 0);
    ck_assert(copy.num == 2 && copy.current == 0 && copy.item[1].pending && copy.item[1].valid_to_ms == 77);
    ck_assert_ptr_eq(copy.item[0].material, key->generations[0].material);
}
END_TEST

/* A replica has its primary's generations in their order, but only the material that it got itself. */
START_TEST(test_copy_of_replica)
{
    KW_MATERIAL struct kw_material *material = material_of(1);
    struct kw_generations of_primary = {.num = 0}, of_replica = {.num = 0}, copy;

    for (uint32_t i = 1; i <= 3; i++) {
        add_one(&of_primary, i, material);
        of_primary.item[i - 1].description = "the primary's own";
        of_primary.item[i - 1].valid_to_ms = 1000;
        if (i == 2)
            rotate(&of_primary);
    }
    add_one(&of_replica, 2, material);
    of_replica.item[0].valid_to_ms = 88;
    add_one(&of_replica, 9, material); /* what the primary gave up */
    KW_KMS_KEY struct kw_kms_key *primary = key_of("eu-west-1", &of_primary);
    KW_KMS_KEY struct kw_kms_key *replica = key_of(REGION_TEXT, &of_replica);
    ck_assert_int_eq(kw_generations_copy(&copy, replica, primary), 0);
    ck_assert(copy.num == 3 && copy.current == 1);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(copy.item[i].id[0], i + 1);
        ck_assert(copy.item[i].pending == (i == 2));
        ck_assert((copy.item[i].material != NULL) == (i == 1));
        ck_assert_int_eq(copy.item[i].valid_to_ms, i == 1 ? 88 : 0);
        ck_assert_ptr_null(copy.item[i].description);
    }
}
END_TEST

START_TEST(test_copy_too_many)
{
    static struct kw_generation many[KW_GENERATIONS_IMPORTED_MAX + 1];
    KW_MATERIAL struct kw_material *material = material_of(1);
    KW_KMS_KEY struct kw_kms_key *like = new_key(ACCOUNT_TEXT, REGION_TEXT, 1);
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    struct kw_kms_key edit = *like;
    struct kw_generations copy = {.num = 7};

    for (uint32_t i = 0; i < KW_ARRAY_LEN(many); i++)
        many[i] = generation_of(i, material);
    edit.generations = many;
    edit.num_generations = KW_ARRAY_LEN(many);
    ck_assert_int_eq(kw_kms_key_new(&key, &edit), 0);
    ck_assert_int_eq(kw_generations_copy(&copy, key, NULL), KW_GENERATIONS_FULL);
    ck_assert_uint_eq(copy.num, 7);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_add);
    tcase_add_test(tcase, test_full);
    tcase_add_test(tcase, test_drop);
    tcase_add_test(tcase, test_copy);
    tcase_add_test(tcase, test_copy_of_replica);
    tcase_add_test(tcase, test_copy_too_many);
}

int main(void)
{
    return kw_crypto_init() == 0 ? kw_suite_run("generations", add, 60) : EXIT_FAILURE;
}
