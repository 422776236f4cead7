/* Entities: copied whole, with what they point to; what does not fit is refused; references; when things are
 * due. */
#include "api/entity.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

static const uint8_t id_a[16] = {1, 2, 3}, material_id[KW_MATERIAL_ID_LEN] = {9};

static struct kw_kms_key plain_key(void)
{
    struct kw_kms_key key = {
        .account = "000000000000",
        .region = "us-east-1",
        .spec = KW_KEY_SYMMETRIC_DEFAULT,
        .usage = KW_USAGE_ENCRYPT_DECRYPT,
        .created_ms = 1700000000000,
    };

    memcpy(key.id, id_a, sizeof(key.id));
    return key;
}

static struct kw_material *some_material(void)
{
    struct kw_material *material = NULL;
    uint8_t secret[32];

    memset(secret, 0x5a, sizeof(secret));
    ck_assert_int_eq(kw_material_new(&material, material_id, KW_BYTES(secret, 32), KW_BYTES(NULL, 0)), 0);
    return material;
}

static struct kw_policy *some_policy(void)
{
    struct kw_policy *policy = NULL;
    char why[256];

    ck_assert_int_eq(
        kw_policy_new(&policy, KW_POLICY_KEY,
            KW_LIT("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\"}}"), "aws", why, sizeof(why)),
        0);
    return policy;
}

START_TEST(test_key_is_copied_whole)
{
    KW_MATERIAL struct kw_material *material = some_material();
    KW_KMS_KEY struct kw_kms_key *key = NULL, *next = NULL;
    KW_POLICY struct kw_policy *policy = some_policy();
    char description[] = "what it is for", tag_key[] = "team", tag_value[] = "";
    const char *regions[] = {"us-east-1", "eu-west-1"};
    struct kw_generation generation = {.material = material, .created_ms = 5, .description = "first"};
    struct kw_tag tag = {tag_key, tag_value};
    struct kw_kms_key like = plain_key();

    memcpy(generation.id, material_id, sizeof(generation.id));
    like.description = description;
    like.policy = policy;
    like.tags = &tag;
    like.num_tags = 1;
    like.multi_region = true;
    like.primary_region = "us-east-1";
    like.regions = regions;
    like.num_regions = 2;
    like.generations = &generation;
    like.num_generations = 1;
    ck_assert_int_eq(kw_kms_key_new(&key, &like), 0);

    /* Nothing of it is the caller's any more. */
    memset(description, 'x', sizeof(description) - 1);
    memset(tag_key, 'x', sizeof(tag_key) - 1);
    regions[1] = "xx";
    generation.created_ms = 0;
    ck_assert_str_eq(key->description, "what it is for");
    ck_assert_ptr_eq(key->policy, policy);
    ck_assert_str_eq(key->tags[0].key, "team");
    ck_assert_str_eq(key->tags[0].value, "");
    ck_assert_str_eq(key->regions[1], "eu-west-1");
    ck_assert_int_eq(key->generations[0].created_ms, 5);
    ck_assert_str_eq(key->generations[0].description, "first");
    ck_assert_str_eq(key->id_text, "mrk-01020300000000000000000000000000");
    ck_assert_str_eq(key->arn, "arn:aws:kms:us-east-1:000000000000:key/mrk-01020300000000000000000000000000");
    ck_assert_ptr_eq(kw_kms_key_current(key), &key->generations[0]);
    ck_assert_ptr_eq(kw_kms_key_generation(key, material_id), &key->generations[0]);

    /* An edit of it shares the material and the cell of its last use, and leaves the original as it was. */
    like = *key;
    like.state = KW_KEY_DISABLED;
    ck_assert_int_eq(kw_kms_key_new(&next, &like), 0);
    ck_assert_int_eq(key->state, KW_KEY_ENABLED);
    ck_assert_int_eq(next->state, KW_KEY_DISABLED);
    ck_assert_ptr_eq(next->generations[0].material, key->generations[0].material);
    ck_assert_ptr_eq(next->lastuse, key->lastuse);
    ck_assert_ptr_eq(next->policy, key->policy);
    ck_assert_ptr_ne(next->description, key->description);
}
END_TEST

START_TEST(test_key_without_material)
{
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    struct kw_kms_key like = plain_key();
    static const uint8_t other[KW_MATERIAL_ID_LEN] = {7};

    ck_assert_int_eq(kw_kms_key_new(&key, &like), 0);
    ck_assert_str_eq(key->description, "");
    ck_assert_ptr_null(key->policy);
    ck_assert_ptr_null(kw_kms_key_current(key));
    ck_assert_ptr_null(kw_kms_key_generation(key, other));
    ck_assert_str_eq(key->id_text, "01020300-0000-0000-0000-000000000000");
}
END_TEST

START_TEST(test_key_that_does_not_fit)
{
    struct kw_kms_key *key = NULL, like;
    static char long_text[KW_DESCRIPTION_BYTES_MAX + 2];
    struct kw_tag no_key = {"", "value"};

    memset(long_text, 'a', sizeof(long_text) - 1);
    like = plain_key();
    like.account = "12345";
    ck_assert_int_eq(kw_kms_key_new(&key, &like), KW_ENTITY_INVALID);
    like = plain_key();
    like.region = "";
    ck_assert_int_eq(kw_kms_key_new(&key, &like), KW_ENTITY_INVALID);
    like = plain_key();
    like.description = long_text;
    ck_assert_int_eq(kw_kms_key_new(&key, &like), KW_ENTITY_INVALID);
    like = plain_key();
    like.tags = &no_key;
    like.num_tags = 1;
    ck_assert_int_eq(kw_kms_key_new(&key, &like), KW_ENTITY_INVALID);
    like = plain_key();
    like.current = 1;
    ck_assert_int_eq(kw_kms_key_new(&key, &like), KW_ENTITY_INVALID);
    like = plain_key();
    like.multi_region = true;
    ck_assert_int_eq(kw_kms_key_new(&key, &like), KW_ENTITY_INVALID);
    ck_assert_ptr_null(key);
}
END_TEST

START_TEST(test_due)
{
    KW_MATERIAL struct kw_material *material = some_material();
    struct kw_generation generation = {.material = material, .valid_to_ms = 900};
    struct kw_kms_key key = plain_key();

    ck_assert(kw_kms_key_due_ms(&key) == INT64_MAX);
    key.rotates = true;
    key.rotation_next_ms = 1000;
    ck_assert_int_eq(kw_kms_key_due_ms(&key), 1000);
    key.generations = &generation;
    key.num_generations = 1;
    ck_assert_int_eq(kw_kms_key_due_ms(&key), 900);
    key.state = KW_KEY_DISABLED; /* such a key is not rotated, but its material expires */
    ck_assert_int_eq(kw_kms_key_due_ms(&key), 900);
    generation.material = NULL;
    ck_assert(kw_kms_key_due_ms(&key) == INT64_MAX);
    key.state = KW_KEY_PENDING_DELETION;
    key.deletion_ms = 77;
    ck_assert_int_eq(kw_kms_key_due_ms(&key), 77);
}
END_TEST

START_TEST(test_alias_and_grant)
{
    KW_ALIAS struct kw_alias *alias = NULL;
    KW_GRANT struct kw_grant *grant = NULL;
    char name[] = "alias/demo", grantee[] = "arn:aws:iam::000000000000:user/alice", key[] = "purpose";
    struct kw_alias alias_like = {.account = "000000000000", .region = "us-east-1", .name = name};
    struct kw_grant_pair pair = {key, "test"};
    struct kw_grant grant_like = {
        .account = "000000000000",
        .region = "us-east-1",
        .id = {0xab},
        .grantee = grantee,
        .operations = 3,
        .has_subset = true,
        .subset = &pair,
        .num_subset = 1,
    };

    ck_assert_int_eq(kw_alias_new(&alias, &alias_like), 0);
    ck_assert_int_eq(kw_grant_new(&grant, &grant_like), 0);
    name[6] = grantee[0] = key[0] = 'X';
    ck_assert_str_eq(alias->name, "alias/demo");
    ck_assert_str_eq(grant->grantee, "arn:aws:iam::000000000000:user/alice");
    ck_assert_str_eq(grant->subset[0].key, "purpose");
    ck_assert_ptr_null(grant->name);
    ck_assert_ptr_null(grant->retiring);
    ck_assert_int_eq(strncmp(grant->id_text, "ab00", 4), 0);
    ck_assert_uint_eq(strlen(grant->id_text), 64);

    grant_like.operations = 1u << KW_GRANT_OPERATIONS_NUM;
    ck_assert_int_eq(kw_grant_new(&grant, &grant_like), KW_ENTITY_INVALID);
    alias_like.name = "";
    ck_assert_int_eq(kw_alias_new(&alias, &alias_like), KW_ENTITY_INVALID);
}
END_TEST

START_TEST(test_states)
{
    for (unsigned i = 0; i < KW_KEY_STATE_NUM; i++) {
        enum kw_key_state state;

        ck_assert_int_eq(kw_key_state_parse(kw_bytes_str(kw_key_state_name(i)), &state), 0);
        ck_assert_uint_eq(state, i);
    }
    enum kw_key_state untouched = KW_KEY_CREATING;
    ck_assert_int_eq(kw_key_state_parse(KW_LIT("enabled"), &untouched), KW_ENTITY_INVALID);
    ck_assert_int_eq(untouched, KW_KEY_CREATING);
}
END_TEST

START_TEST(test_material)
{
    KW_MATERIAL struct kw_material *material = some_material();
    struct kw_material *other = NULL;
    const struct kw_asym *asym = NULL;
    static uint8_t long_secret[KW_MATERIAL_SECRET_MAX + 1];

    ck_assert_int_eq(material->secret.ptr[31], 0x5a);
    ck_assert_int_eq(kw_material_new(&other, material_id, KW_BYTES(NULL, 0), KW_BYTES(NULL, 0)), 1);
    ck_assert_int_eq(
        kw_material_new(&other, material_id, KW_BYTES(long_secret, sizeof(long_secret)), KW_BYTES(NULL, 0)),
        1);
    ck_assert_ptr_null(other);
    /* 32 bytes of an AES key are no PKCS#8. */
    ck_assert_int_lt(kw_material_asym(material, KW_KEY_ECC_NIST_P256, &asym), 0);
    kw_material_unref(kw_material_ref(material));
    ck_assert_int_eq(material->secret.ptr[0], 0x5a);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_key_is_copied_whole);
    tcase_add_test(tests, test_key_without_material);
    tcase_add_test(tests, test_key_that_does_not_fit);
    tcase_add_test(tests, test_due);
    tcase_add_test(tests, test_alias_and_grant);
    tcase_add_test(tests, test_states);
    tcase_add_test(tests, test_material);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("entity", add, 30);
}
