/* Users, roles, roots and their access keys: what they may be made of, their names, and new ones. */
#include "api/principal.h"

#include "engine/crypto.h"
#include "engine/drbg.h"
#include "tests/support/entities.h"

/* ---- names ---- */

START_TEST(names_and_paths_are_those_of_iam)
{
    static const char *const names[] = {"a", "alice", "A.b,c@d-e_f+g=h", "0"};
    static const char *const bad_names[] = {"", "a b", "a/b", "a:b", "a*", "\xc3\xa9"};
    static const char *const paths[] = {"/", "/a/", "/division/team/"};
    static const char *const bad_paths[] = {"", "a", "/a", "a/", "//", "/a//b/", "/a b/", "/*/"};

    for (size_t i = 0; i < KW_ARRAY_LEN(names); i++)
        ck_assert_msg(kw_principal_name_valid(kw_bytes_str(names[i])), "%s", names[i]);
    for (size_t i = 0; i < KW_ARRAY_LEN(bad_names); i++)
        ck_assert_msg(!kw_principal_name_valid(kw_bytes_str(bad_names[i])), "%s", bad_names[i]);
    for (size_t i = 0; i < KW_ARRAY_LEN(paths); i++)
        ck_assert_msg(kw_principal_path_valid(kw_bytes_str(paths[i])), "%s", paths[i]);
    for (size_t i = 0; i < KW_ARRAY_LEN(bad_paths); i++)
        ck_assert_msg(!kw_principal_path_valid(kw_bytes_str(bad_paths[i])), "%s", bad_paths[i]);
    ck_assert(kw_principal_name_valid(kw_bytes_str(text_of(KW_PRINCIPAL_NAME_MAX, 'a'))));
    ck_assert(!kw_principal_name_valid(kw_bytes_str(text_of(KW_PRINCIPAL_NAME_MAX + 1, 'a'))));
    ck_assert(!kw_principal_name_valid(KW_LIT("a\0b")));
}
END_TEST

START_TEST(kinds_have_names)
{
    for (unsigned i = 0; i < KW_PRINCIPAL_KIND_NUM; i++) {
        enum kw_principal_kind kind = KW_PRINCIPAL_KIND_NUM;
        const char *name = kw_principal_kind_name((enum kw_principal_kind)i);
        ck_assert_int_eq(kw_principal_kind_parse(kw_bytes_str(name), &kind), 0);
        ck_assert_uint_eq(kind, i);
    }
    enum kw_principal_kind kind;
    ck_assert_int_eq(kw_principal_kind_parse(KW_LIT("group"), &kind), KW_ENTITY_INVALID);
    ck_assert_int_eq(kw_principal_kind_parse(KW_LIT(""), &kind), KW_ENTITY_INVALID);
}
END_TEST

/* ---- principals ---- */

START_TEST(a_copy_is_deep)
{
    char name[] = "alice", path[] = "/team/", key[] = "k", value[] = "v";
    struct kw_tag tag = {key, value};
    struct kw_principal like = principal_of(name, true);
    KW_PRINCIPAL struct kw_principal *user = NULL;
    like.path = path;
    like.tags = &tag;
    like.num_tags = 1;
    ck_assert_int_eq(kw_principal_new(&user, &like), 0);
    memset(name, 'x', 5);
    memset(path, 'x', 6);
    key[0] = value[0] = 'x';
    ck_assert_str_eq(user->name, "alice");
    ck_assert_str_eq(user->arn, "arn:aws:iam::" ACCOUNT_TEXT ":user/team/alice");
    ck_assert_str_eq(user->tags[0].key, "k");
    ck_assert_str_eq(user->tags[0].value, "v");
    ck_assert_str_eq(user->policies[0].name, KW_ADMINISTRATOR_POLICY_NAME);
    char arn[KW_PRINCIPAL_ARN_MAX];
    kw_principal_arn(user, "aws-us-gov", arn);
    ck_assert_str_eq(arn, "arn:aws-us-gov:iam::" ACCOUNT_TEXT ":user/team/alice");

    /* Of its own reference an entity lives on. */
    const struct kw_principal *more = kw_principal_ref(user);
    kw_principal_unref(user);
    user = NULL;
    ck_assert_str_eq(more->name, "alice");
    kw_principal_unref(more);
    kw_principal_unref(NULL);
}
END_TEST

START_TEST(the_longest_arn_fits)
{
    KW_PRINCIPAL struct kw_principal *role = new_full_principal();
    char arn[KW_PRINCIPAL_ARN_MAX];
    kw_principal_arn(role, "aws-us-gov", arn);
    ck_assert_uint_eq(strlen(arn),
        strlen("arn:aws-us-gov:iam::" ACCOUNT_TEXT ":role") + KW_PRINCIPAL_PATH_MAX + KW_PRINCIPAL_NAME_MAX);
    ck_assert_str_eq(arn + strlen(arn) - KW_PRINCIPAL_NAME_MAX, role->name);
}
END_TEST

START_TEST(a_root_is_its_account)
{
    KW_PRINCIPAL struct kw_principal *root = NULL;
    struct kw_principal like = {
        .kind = KW_PRINCIPAL_ROOT, .account = OTHER_TEXT, .name = "any", .enabled = true};
    ck_assert_int_eq(kw_principal_new(&root, &like), 0);
    ck_assert_str_eq(root->name, "root");
    ck_assert_str_eq(root->path, "/");
    ck_assert_str_eq(root->id, OTHER_TEXT);
    ck_assert_str_eq(root->arn, "arn:aws:iam::" OTHER_TEXT ":root");
}
END_TEST

/* Each change alone makes a principal that cannot be. */
START_TEST(what_cannot_be_is_refused)
{
    static struct kw_named_policy many[KW_PRINCIPAL_POLICIES_MAX + 1], two[2];
    struct kw_principal *none = NULL;
    for (unsigned i = 0; i < 24; i++) {
        struct kw_principal like = i < 16 ? principal_of("alice", true) : role_of("alice");
        struct kw_tag tag = {"", "value"};
        two[0] = two[1] = like.policies[0];
        switch (i) {
        case 0:
            like.account = "12345678901";
            break;
        case 1:
            like.account = "12345678901x";
            break;
        case 2:
            like.account = NULL;
            break;
        case 3:
            like.name = "";
            break;
        case 4:
            like.name = NULL;
            break;
        case 5:
            like.name = "a/b";
            break;
        case 6:
            like.path = "team";
            break;
        case 7:
            like.id[0] = '\0';
            break;
        case 8:
            memset(like.id, 'A', sizeof(like.id));
            break; /* no NUL anywhere */
        case 9:
            like.policies = many;
            like.num_policies = KW_ARRAY_LEN(many);
            break;
        case 10:
            like.policies = two;
            like.num_policies = 2;
            break; /* one name twice */
        case 11:
            two[0].name = "z";
            like.policies = two;
            like.num_policies = 2;
            break; /* not in order */
        case 12:
            two[0].policy = NULL;
            like.policies = two;
            break;
        case 13:
            like.tags = &tag;
            like.num_tags = 1;
            break;
        case 14:
            like.trust = trust_policy();
            break; /* of a user */
        case 15:
            like.session_max_s = KW_SESSION_S_MIN;
            break;
        case 16:
            like.trust = NULL;
            break;
        case 17:
            like.session_max_s = KW_SESSION_S_MIN - 1;
            break;
        case 18:
            like.session_max_s = KW_SESSION_S_MAX + 1;
            break;
        case 19:
            like.kind = KW_PRINCIPAL_USER;
            break;
        case 20:
            like.kind = KW_PRINCIPAL_KIND_NUM;
            break;
        case 21:
            like.num_tags = KW_TAGS_MAX + 1;
            break;
        case 22:
            like.name = text_of(KW_PRINCIPAL_NAME_MAX + 1, 'a');
            break;
        default:
            like.kind = KW_PRINCIPAL_ROOT;
            break; /* with a trust policy */
        }
        ck_assert_msg(kw_principal_new(&none, &like) == KW_ENTITY_INVALID, "%u", i);
    }
    ck_assert_ptr_null(none);
}
END_TEST

/* ---- access keys ---- */

START_TEST(access_keys_share_their_last_use)
{
    KW_ACCESS_KEY struct kw_access_key *first = NULL, *second = NULL;
    struct kw_access_key like = access_key_of("AKIAONE", "alice");
    struct kw_access_use_entry entry;
    ck_assert_int_eq(kw_access_key_new(&first, &like), 0);
    like = *first;
    like.enabled = false;
    ck_assert_int_eq(kw_access_key_new(&second, &like), 0);
    ck_assert_ptr_eq(first->use, second->use);
    ck_assert(kw_access_use_note(first->use, 5000000, KW_LIT("kms"), KW_LIT("eu-west-1")));
    kw_access_use_read(second->use, &entry);
    ck_assert_int_eq(entry.at_ms, 5000000);
    ck_assert_str_eq(entry.region, "eu-west-1");
    assert_same_access_key(first, first);
    ck_assert(first->enabled && !second->enabled);
}
END_TEST

START_TEST(access_keys_that_cannot_be_are_refused)
{
    struct kw_access_key *none = NULL;
    for (unsigned i = 0; i < 7; i++) {
        struct kw_access_key like = access_key_of("AKIAONE", "alice");
        switch (i) {
        case 0:
            memset(like.id, 'A', sizeof(like.id));
            break;
        case 1:
            like.id[0] = '\0';
            break;
        case 2:
            memset(like.secret, 'S', sizeof(like.secret));
            break;
        case 3:
            like.secret[0] = '\0';
            break;
        case 4:
            like.account[11] = '\0';
            break;
        case 5:
            like.name[0] = '\0';
            break;
        default:
            like.kind = KW_PRINCIPAL_ROLE;
            break;
        }
        ck_assert_msg(kw_access_key_new(&none, &like) == KW_ENTITY_INVALID, "%u", i);
    }
}
END_TEST

/* ---- last uses ---- */

START_TEST(uses_are_noted_once_a_minute)
{
    struct kw_access_use *use = NULL;
    struct kw_access_use_entry entry;
    ck_assert_int_eq(kw_access_use_new(&use), 0);
    kw_access_use_read(use, &entry);
    ck_assert_int_eq(entry.at_ms, 0);
    ck_assert(!kw_access_use_take_dirty(use));

    int64_t at = 1700000000000;
    ck_assert(kw_access_use_note(use, at, KW_LIT("kms"), KW_LIT("us-east-1")));
    ck_assert(!kw_access_use_note(use, at + KW_ACCESS_USE_STEP_MS - 1, KW_LIT("kms"), KW_LIT("us-east-1")));
    kw_access_use_read(use, &entry);
    ck_assert_int_eq(entry.at_ms, at);
    ck_assert(kw_access_use_take_dirty(use));
    ck_assert(!kw_access_use_take_dirty(use));

    /* Later, of another service, in another region, or by a clock that was set back. */
    ck_assert(kw_access_use_note(use, at += KW_ACCESS_USE_STEP_MS, KW_LIT("kms"), KW_LIT("us-east-1")));
    ck_assert(!kw_access_use_note(use, at += 1, KW_LIT("sts"), KW_LIT("us-east-1"))); /* still dirty */
    kw_access_use_read(use, &entry);
    ck_assert_str_eq(entry.service, "sts");
    ck_assert(kw_access_use_take_dirty(use));
    ck_assert(kw_access_use_note(use, at, KW_LIT("sts"), KW_LIT("eu-west-1")));
    ck_assert(kw_access_use_take_dirty(use));
    ck_assert(kw_access_use_note(use, at - 1, KW_LIT("sts"), KW_LIT("eu-west-1")));

    /* What is too long is cut. */
    const char *name = text_of(100, 'r');
    (void)kw_access_use_note(use, at, kw_bytes_str(name), kw_bytes_str(name));
    kw_access_use_read(use, &entry);
    ck_assert_uint_eq(strlen(entry.service), sizeof(entry.service) - 1);
    ck_assert_uint_eq(strlen(entry.region), KW_REGION_MAX);
    kw_access_use_ref(use);
    kw_access_use_unref(use);
    kw_access_use_unref(use);
    kw_access_use_unref(NULL);
}
END_TEST

/* ---- new ones ---- */

static bool consists_of(const char *text, const char *alphabet)
{
    return strspn(text, alphabet) == strlen(text);
}

START_TEST(new_ones_have_the_form_of_aws)
{
    static const char ids[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    static const char secrets[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    KW_DRBG struct kw_drbg *drbg = NULL;
    KW_PRINCIPAL struct kw_principal *admin = NULL;
    struct kw_access_key key, other;
    char id[32];
    ck_assert_int_eq(kw_drbg_new(&drbg, NULL), 0);
    ck_assert_int_eq(kw_principal_make_admin(drbg, KW_LIT("123456789012"), 77, &admin), 0);
    ck_assert_str_eq(admin->arn, "arn:aws:iam::123456789012:user/admin");
    ck_assert_uint_eq(strlen(admin->id), 21);
    ck_assert_int_eq(strncmp(admin->id, "AIDA", 4), 0);
    ck_assert(consists_of(admin->id, ids));
    ck_assert(admin->enabled && admin->created_ms == 77);
    ck_assert_uint_eq(admin->num_policies, 1);
    ck_assert_str_eq(admin->policies[0].name, "AdministratorAccess");

    ck_assert_int_eq(kw_access_key_make(drbg, admin, 78, &key), 0);
    ck_assert_int_eq(kw_access_key_make(drbg, admin, 78, &other), 0);
    ck_assert_uint_eq(strlen(key.id), 20);
    ck_assert_int_eq(strncmp(key.id, "AKIA", 4), 0);
    ck_assert(consists_of(key.id, ids));
    ck_assert_uint_eq(strlen(key.secret), 40);
    ck_assert(consists_of(key.secret, secrets));
    ck_assert_str_eq(key.account, "123456789012");
    ck_assert_str_eq(key.name, "admin");
    ck_assert(key.enabled && key.created_ms == 78);
    ck_assert_str_ne(key.id, other.id);
    ck_assert_str_ne(key.secret, other.secret);

    ck_assert_int_eq(kw_principal_make_id(drbg, KW_PRINCIPAL_ROLE, ACCOUNT, id), 0);
    ck_assert_int_eq(strncmp(id, "AROA", 4), 0);
    ck_assert_int_eq(kw_principal_make_id(drbg, KW_PRINCIPAL_ROOT, ACCOUNT, id), 0);
    ck_assert_str_eq(id, ACCOUNT_TEXT);
}
END_TEST

/* 40,000 characters over 62: each is expected 645 times with a deviation of 25; a modulo without the
 * rejection would give the first eight 781. Six deviations off comes once in some 10^7 runs. */
START_TEST(secrets_are_unbiased)
{
    unsigned counts[256] = {0};
    KW_DRBG struct kw_drbg *drbg = NULL;
    struct kw_principal owner = principal_of("alice", false);
    struct kw_access_key key;
    ck_assert_int_eq(kw_drbg_new(&drbg, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(kw_access_key_make(drbg, &owner, 1, &key), 0);
        for (const char *c = key.secret; *c != '\0'; c++)
            counts[(uint8_t)*c]++;
    }
    unsigned num = 0;
    for (int c = 0; c < 256; c++) {
        if (counts[c] == 0)
            continue;
        num++;
        ck_assert_uint_ge(counts[c], 645 - 6 * 25);
        ck_assert_uint_le(counts[c], 645 + 6 * 25);
    }
    ck_assert_uint_eq(num, 62);
    unsigned first_eight = 0;
    for (int c = 'A'; c < 'A' + 8; c++)
        first_eight += counts[c];
    ck_assert_uint_le(first_eight, 8 * 645 + 6 * 72);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, names_and_paths_are_those_of_iam);
    tcase_add_test(tests, kinds_have_names);
    tcase_add_test(tests, a_copy_is_deep);
    tcase_add_test(tests, the_longest_arn_fits);
    tcase_add_test(tests, a_root_is_its_account);
    tcase_add_test(tests, what_cannot_be_is_refused);
    tcase_add_test(tests, access_keys_share_their_last_use);
    tcase_add_test(tests, access_keys_that_cannot_be_are_refused);
    tcase_add_test(tests, uses_are_noted_once_a_minute);
    tcase_add_test(tests, new_ones_have_the_form_of_aws);
    tcase_add_test(tests, secrets_are_unbiased);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("principal", add, 30);
}
