#include "api/duty.h"

#include "api/json.h"
#include "api/keyname.h"
#include "tests/support/related_keys.h"

#define NOW_MS (20000 * DAY_MS)

static struct kw_drbg *drbg;

static int begin(struct kw_duty *duty, const struct kw_kms_key *key, int64_t now_ms)
{
    return kw_duty_begin(duty, key, now_ms, drbg);
}

/* What is due of the key in that region is done, and was of that kind. */
static void do_duty(const char *region, uint32_t number, enum kw_duty_kind kind)
{
    struct kw_duty duty;

    ck_assert_int_eq(begin(&duty, find_in(region, number), NOW_MS), 0);
    ck_assert_int_eq((int)duty.kind, (int)kind);
    ck_assert_int_eq(apply_fn(kw_duty_apply, &duty), 0);
    kw_duty_end(&duty);
}

static void schedule(
    const char *region, uint32_t number, enum kw_key_state state, int64_t at_ms, uint32_t days)
{
    struct kw_kms_key edited = *find_in(region, number);

    edited.state = state;
    edited.deletion_ms = at_ms;
    edited.pending_days = days;
    put(&edited);
}

static void let_rotate(const char *region, uint32_t number, int64_t next_ms)
{
    struct kw_kms_key edited = *find_in(region, number);

    edited.rotates = true;
    edited.rotation_next_ms = next_ms;
    put(&edited);
}

/* ---- what is due ---- */

START_TEST(test_nothing_is_due)
{
    struct kw_duty duty;

    ck_assert_int_eq(create_key(1), 0);
    ck_assert_int_eq(begin(&duty, find_key(1), NOW_MS), KW_DUTY_NONE);
    schedule(REGION_TEXT, 1, KW_KEY_PENDING_DELETION, NOW_MS + 1, 7);
    ck_assert_int_eq(begin(&duty, find_key(1), NOW_MS), KW_DUTY_NONE);
    let_rotate(REGION_TEXT, 1, NOW_MS); /* not of a key that is to be deleted */
    ck_assert_int_eq(begin(&duty, find_key(1), NOW_MS), KW_DUTY_NONE);
    ck_assert_int_eq(set_state(1, KW_KEY_DISABLED), 0);
    ck_assert_int_eq(begin(&duty, find_key(1), NOW_MS), KW_DUTY_NONE);
    ck_assert_int_eq(set_state(1, KW_KEY_ENABLED), 0);
    ck_assert_int_eq(begin(&duty, find_key(1), NOW_MS - 1), KW_DUTY_NONE);
    ck_assert_int_eq(begin(&duty, find_key(1), NOW_MS), 0);
    ck_assert_int_eq((int)duty.kind, (int)KW_DUTY_ROTATE);
    kw_duty_end(&duty);
    kw_duty_end(&duty); /* once more is fine */
}
END_TEST

/* The map of what is due and what a duty makes of it never disagree, or the keeper would look for nothing. */
START_TEST(test_agrees_with_the_snapshot)
{
    KW_MATERIAL struct kw_material *material = material_of(1);
    struct kw_generation generation = generation_of(material, false);
    struct kw_duty duty;

    create_related(1, 2);
    generation.valid_to_ms = NOW_MS;
    for (unsigned mask = 0; mask < 32; mask++) {
        for (unsigned state = 0; state < KW_KEY_STATE_NUM; state++) {
            const char *region = (mask & 1) != 0 ? REPLICA_TEXT : REGION_TEXT;
            struct kw_kms_key edited = *find_in(region, 1);
            int r;

            edited.state = (enum kw_key_state)state;
            edited.deletion_ms = NOW_MS + ((mask & 2) != 0 ? 1 : 0);
            edited.rotates = (mask & 4) != 0;
            edited.rotation_next_ms = NOW_MS + ((mask & 8) != 0 ? 1 : 0);
            edited.num_generations = 1;
            edited.generations = (mask & 16) != 0 ? &generation : edited.generations;
            r = begin(&duty, &edited, NOW_MS);
            ck_assert_int_eq(r == 0, kw_kms_key_due_ms(&edited) <= NOW_MS);
            if (r == 0)
                kw_duty_end(&duty);
        }
    }
}
END_TEST

/* ---- deletion ---- */

START_TEST(test_deletion)
{
    ck_assert_int_eq(create_key(1), 0);
    ck_assert_int_eq(create_key(2), 0);
    ck_assert_int_eq(put_alias("alias/one", 1), 0);
    ck_assert_int_eq(put_alias("alias/two", 1), 0);
    ck_assert_int_eq(put_alias("alias/other", 2), 0);
    ck_assert_int_eq(put_grant(1, 1, "arn:aws:iam::000000000000:user/retiring"), 0);
    ck_assert_int_eq(put_grant(2, 2, NULL), 0);
    schedule(REGION_TEXT, 1, KW_KEY_PENDING_DELETION, NOW_MS, 7);
    do_duty(REGION_TEXT, 1, KW_DUTY_DELETE);
    close_all();
    open_and_load(path);
    ck_assert_ptr_null(find_key(1));
    ck_assert_ptr_nonnull(find_key(2));
    ck_assert_uint_eq(kw_map_len(&now->aliases), 1);
    ck_assert_uint_eq(kw_map_len(&now->grants), 1);
    ck_assert_uint_eq(kw_map_len(&now->retirables), 0);
    ck_assert_uint_eq(kw_map_len(&now->due), 0);
}
END_TEST

START_TEST(test_replicas_and_their_primary)
{
    create_related(1, 3);
    schedule(REGION_TEXT, 1, KW_KEY_PENDING_REPLICA_DELETION, 0, 8);
    schedule(REPLICA_TEXT, 1, KW_KEY_PENDING_DELETION, NOW_MS - 5, 7);
    do_duty(REPLICA_TEXT, 1, KW_DUTY_DELETE);
    ck_assert_ptr_null(find_in(REPLICA_TEXT, 1));
    ck_assert_int_eq((int)find_key(1)->state, (int)KW_KEY_PENDING_REPLICA_DELETION);
    for (unsigned i = 0; i < 2; i++) {
        const struct kw_kms_key *key = find_in(i == 0 ? REGION_TEXT : THIRD_TEXT, 1);

        ck_assert_uint_eq(key->num_regions, 2);
        ck_assert_str_eq(key->regions[0], REGION_TEXT);
        ck_assert_str_eq(key->regions[1], THIRD_TEXT);
    }
    schedule(THIRD_TEXT, 1, KW_KEY_PENDING_DELETION, NOW_MS, 7);
    do_duty(THIRD_TEXT, 1, KW_DUTY_DELETE);
    close_all();
    open_and_load(path);
    ck_assert_int_eq((int)find_key(1)->state, (int)KW_KEY_PENDING_DELETION);
    ck_assert_int_eq(find_key(1)->deletion_ms, NOW_MS + 8 * DAY_MS);
    ck_assert_uint_eq(find_key(1)->num_regions, 1);
    ck_assert_uint_eq(kw_map_len(&now->keys), 1);
}
END_TEST

/* A primary that nobody wants to delete just loses its replica. */
START_TEST(test_primary_stays)
{
    create_related(1, 2);
    schedule(REPLICA_TEXT, 1, KW_KEY_PENDING_DELETION, NOW_MS, 7);
    do_duty(REPLICA_TEXT, 1, KW_DUTY_DELETE);
    ck_assert_int_eq((int)find_key(1)->state, (int)KW_KEY_ENABLED);
    ck_assert_int_eq(find_key(1)->deletion_ms, 0);
    ck_assert_uint_eq(find_key(1)->num_regions, 1);
}
END_TEST

/* ---- rotation ---- */

START_TEST(test_rotation)
{
    const struct kw_kms_key *key;

    create_related(1, 2);
    let_rotate(REGION_TEXT, 1, NOW_MS);
    let_rotate(REPLICA_TEXT, 1, NOW_MS);
    do_duty(REGION_TEXT, 1, KW_DUTY_ROTATE);
    key = find_key(1);
    ck_assert_uint_eq(key->num_generations, 2);
    ck_assert_uint_eq(key->current, 1);
    ck_assert_uint_eq(key->generations[1].material->secret.len, 32);
    ck_assert(!kw_bytes_equal(key->generations[1].material->secret, key->generations[0].material->secret));
    ck_assert_int_eq(key->rotation_next_ms, NOW_MS + 365 * DAY_MS);
    ck_assert_mem_eq(find_in(REPLICA_TEXT, 1)->generations[1].id, key->generations[1].id, KW_MATERIAL_ID_LEN);
    ck_assert_int_eq(find_in(REPLICA_TEXT, 1)->rotation_next_ms, key->rotation_next_ms);
}
END_TEST

/* ---- expiry ---- */

static void import(uint32_t number, struct kw_generation *generations, uint32_t num, enum kw_key_state state)
{
    struct kw_kms_key edited;

    ck_assert_int_eq(create_key(number), 0);
    edited = *find_key(number);
    edited.state = state;
    put(&edited);
    set_generations(REGION_TEXT, number, generations, num, 0);
}

START_TEST(test_expiry)
{
    static const struct {
        enum kw_key_state before, after;
    } states[] = {
        {KW_KEY_ENABLED, KW_KEY_PENDING_IMPORT},
        {KW_KEY_DISABLED, KW_KEY_PENDING_IMPORT},
        {KW_KEY_PENDING_IMPORT, KW_KEY_PENDING_IMPORT},
        {KW_KEY_PENDING_DELETION, KW_KEY_PENDING_DELETION},
        {KW_KEY_PENDING_REPLICA_DELETION, KW_KEY_PENDING_REPLICA_DELETION},
    };
    KW_MATERIAL struct kw_material *material = material_of(1);
    struct kw_generation generation = generation_of(material, false);

    generation.valid_to_ms = NOW_MS;
    for (uint32_t i = 0; i < KW_ARRAY_LEN(states); i++) {
        import(10 + i, &generation, 1, states[i].before);
        if (states[i].before == KW_KEY_PENDING_DELETION)
            schedule(REGION_TEXT, 10 + i, states[i].before, NOW_MS + 1, 7);
        do_duty(REGION_TEXT, 10 + i, KW_DUTY_EXPIRE);
        ck_assert_int_eq((int)find_key(10 + i)->state, (int)states[i].after);
        ck_assert_ptr_null(find_key(10 + i)->generations[0].material);
        ck_assert_mem_eq(find_key(10 + i)->generations[0].id, generation.id, KW_MATERIAL_ID_LEN);
        ck_assert_int_eq(find_key(10 + i)->generations[0].valid_to_ms, 0);
    }
    close_all();
    open_and_load(path);
    ck_assert_int_eq((int)find_key(10)->state, (int)KW_KEY_PENDING_IMPORT);
    ck_assert_ptr_null(find_key(10)->generations[0].material);
}
END_TEST

/* Each generation at its own time; what only waits for a rotation is not missed. */
START_TEST(test_expiry_of_generations)
{
    KW_MATERIAL struct kw_material *first = material_of(1);
    KW_MATERIAL struct kw_material *second = material_of(2);
    struct kw_generation generations[2] = {generation_of(first, false), generation_of(second, true)};

    generations[1].valid_to_ms = NOW_MS;
    import(1, generations, 2, KW_KEY_ENABLED);
    do_duty(REGION_TEXT, 1, KW_DUTY_EXPIRE);
    ck_assert_int_eq((int)find_key(1)->state, (int)KW_KEY_ENABLED);
    ck_assert_ptr_nonnull(find_key(1)->generations[0].material);
    ck_assert_ptr_null(find_key(1)->generations[1].material);

    generations[0].valid_to_ms = NOW_MS - 1;
    import(2, generations, 2, KW_KEY_ENABLED);
    do_duty(REGION_TEXT, 2, KW_DUTY_EXPIRE);
    ck_assert_int_eq((int)find_key(2)->state, (int)KW_KEY_PENDING_IMPORT);
    ck_assert_ptr_nonnull(find_key(2)->generations[1].material);
    do_duty(REGION_TEXT, 2, KW_DUTY_EXPIRE);
    ck_assert_ptr_null(find_key(2)->generations[1].material);
    ck_assert_uint_eq(kw_map_len(&now->due), 0);
}
END_TEST

/* ---- somebody was quicker ---- */

START_TEST(test_void)
{
    KW_MATERIAL struct kw_material *material = material_of(1);
    struct kw_generation generation = generation_of(material, false);
    struct kw_duty delete, rotate, expire;

    for (uint32_t number = 1; number <= 3; number++)
        ck_assert_int_eq(create_key(number), 0);
    schedule(REGION_TEXT, 1, KW_KEY_PENDING_DELETION, NOW_MS, 7);
    let_rotate(REGION_TEXT, 2, NOW_MS);
    generation.valid_to_ms = NOW_MS;
    set_generations(REGION_TEXT, 3, &generation, 1, 0);
    ck_assert_int_eq(begin(&delete, find_key(1), NOW_MS), 0);
    ck_assert_int_eq(begin(&rotate, find_key(2), NOW_MS), 0);
    ck_assert_int_eq(begin(&expire, find_key(3), NOW_MS), 0);

    /* Cancelled; switched off; imported anew for longer. */
    schedule(REGION_TEXT, 1, KW_KEY_DISABLED, 0, 0);
    ck_assert_int_eq(set_state(2, KW_KEY_DISABLED), 0);
    generation.valid_to_ms = NOW_MS + 1;
    set_generations(REGION_TEXT, 3, &generation, 1, 0);
    ck_assert_int_eq(apply_fn(kw_duty_apply, &delete), KW_DUTY_VOID);
    ck_assert_int_eq(apply_fn(kw_duty_apply, &rotate), KW_DUTY_VOID);
    ck_assert_int_eq(apply_fn(kw_duty_apply, &expire), KW_DUTY_VOID);
    ck_assert_int_eq((int)find_key(1)->state, (int)KW_KEY_DISABLED);
    ck_assert_uint_eq(find_key(2)->num_generations, 1);
    ck_assert_ptr_nonnull(find_key(3)->generations[0].material);

    /* Scheduled once more, for later; the material has gone, or the key. */
    schedule(REGION_TEXT, 1, KW_KEY_PENDING_DELETION, NOW_MS + 1, 7);
    ck_assert_int_eq(apply_fn(kw_duty_apply, &delete), KW_DUTY_VOID);
    generation.material = NULL;
    set_generations(REGION_TEXT, 3, &generation, 1, 0);
    ck_assert_int_eq(apply_fn(kw_duty_apply, &expire), KW_DUTY_VOID);
    for (uint32_t number = 1; number <= 3; number++)
        ck_assert_int_eq(remove_key(number), 0);
    ck_assert_int_eq(apply_fn(kw_duty_apply, &delete), KW_DUTY_VOID);
    ck_assert_int_eq(apply_fn(kw_duty_apply, &rotate), KW_DUTY_VOID);
    ck_assert_int_eq(apply_fn(kw_duty_apply, &expire), KW_DUTY_VOID);
    kw_duty_end(&delete);
    kw_duty_end(&rotate);
    kw_duty_end(&expire);
}
END_TEST

/* Rotated on demand in between: not a second time. */
START_TEST(test_rotation_is_not_done_twice)
{
    struct kw_duty first, second;

    ck_assert_int_eq(create_key(1), 0);
    let_rotate(REGION_TEXT, 1, NOW_MS);
    ck_assert_int_eq(begin(&first, find_key(1), NOW_MS), 0);
    ck_assert_int_eq(begin(&second, find_key(1), NOW_MS), 0);
    ck_assert_int_eq(apply_fn(kw_duty_apply, &first), 0);
    let_rotate(REGION_TEXT, 1, NOW_MS);
    ck_assert_int_eq(apply_fn(kw_duty_apply, &second), KW_DUTY_VOID);
    ck_assert_uint_eq(find_key(1)->num_generations, 2);
    kw_duty_end(&first);
    kw_duty_end(&second);
}
END_TEST

/* ---- the record ---- */

static const char *text_at(const json_t *root, const char *outer, const char *inner)
{
    return json_string_value(json_object_get(json_object_get(root, outer), inner));
}

static void check_record(struct kw_duty *duty, const char *error, const char *name)
{
    KW_JSON json_t *root = NULL;
    const json_t *resource;

    ck_assert_int_eq(kw_duty_record(duty, error, drbg), 0);
    ck_assert_int_eq(kw_json_parse(kw_sbuf_bytes(&duty->text), &root), 0);
    ck_assert_ptr_null(memchr(duty->text.ptr, '\n', duty->text.len));
    ck_assert_str_eq(json_string_value(json_object_get(root, "eventName")), name);
    ck_assert_str_eq(kw_duty_name(duty), name);
    ck_assert_str_eq(json_string_value(json_object_get(root, "eventType")), "AwsServiceEvent");
    ck_assert_uint_eq(json_string_length(json_object_get(root, "eventID")), 36);
    ck_assert_str_eq(text_at(root, "userIdentity", "type"), "AWSService");
    ck_assert_str_eq(text_at(root, "serviceEventDetails", "keyId"), find_key(1)->id_text);
    resource = json_array_get(json_object_get(root, "resources"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(resource, "ARN")), find_key(1)->arn);
    ck_assert_str_eq(json_string_value(json_object_get(resource, "accountId")), ACCOUNT_TEXT);
    ck_assert_int_eq(json_object_get(root, "errorCode") != NULL, error != NULL);
    if (error != NULL)
        ck_assert_str_eq(json_string_value(json_object_get(root, "errorMessage")), error);
}

START_TEST(test_records)
{
    char hex[2 * KW_MATERIAL_ID_LEN + 1] = {0};
    struct kw_duty duty;

    ck_assert_int_eq(create_key(1), 0);
    let_rotate(REGION_TEXT, 1, NOW_MS);
    ck_assert_int_eq(begin(&duty, find_key(1), NOW_MS), 0);
    check_record(&duty, NULL, "RotateKey");
    kw_hex_encode(duty.material->id, KW_MATERIAL_ID_LEN, hex);
    ck_assert_ptr_nonnull(memmem(duty.text.ptr, duty.text.len, hex, strlen(hex)));
    kw_hex_encode(find_key(1)->generations[0].id, KW_MATERIAL_ID_LEN, hex);
    ck_assert_ptr_nonnull(memmem(duty.text.ptr, duty.text.len, hex, strlen(hex)));
    /* Nothing of the material itself. */
    kw_hex_encode(duty.material->secret.ptr, 32, hex);
    ck_assert_ptr_null(memmem(duty.text.ptr, duty.text.len, hex, 16));
    ck_assert_ptr_null(memmem(duty.text.ptr, duty.text.len, duty.material->secret.ptr, 8));
    check_record(&duty, "not \"done\"", "RotateKey"); /* once more, in place of the first */
    kw_duty_end(&duty);

    schedule(REGION_TEXT, 1, KW_KEY_PENDING_DELETION, NOW_MS, 7);
    ck_assert_int_eq(begin(&duty, find_key(1), NOW_MS), 0);
    check_record(&duty, NULL, "DeleteKey");
    kw_duty_end(&duty);
}
END_TEST

static void open_all(void)
{
    setup();
    ck_assert_int_eq(kw_drbg_new(&drbg, NULL), 0);
}

static void done_all(void)
{
    kw_drbg_free(drbg);
    drbg = NULL;
    teardown();
}

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, open_all, done_all);
    tcase_add_test(tcase, test_nothing_is_due);
    tcase_add_test(tcase, test_agrees_with_the_snapshot);
    tcase_add_test(tcase, test_deletion);
    tcase_add_test(tcase, test_replicas_and_their_primary);
    tcase_add_test(tcase, test_primary_stays);
    tcase_add_test(tcase, test_rotation);
    tcase_add_test(tcase, test_expiry);
    tcase_add_test(tcase, test_expiry_of_generations);
    tcase_add_test(tcase, test_void);
    tcase_add_test(tcase, test_rotation_is_not_done_twice);
    tcase_add_test(tcase, test_records);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("api/duty", add, 60);
}
