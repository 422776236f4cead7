#include "tools/seed.h"

#include "api/json.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <stdio.h>

static char why[KW_SEED_WHY_MAX];

static json_t *seed_of(const char *text)
{
    json_t *seed = NULL;

    ck_assert_msg(kw_seed_read(kw_bytes_str(text), &seed, why) == 0, "%s: %s", text, why);
    ck_assert(
        json_is_array(json_object_get(seed, "keys")) && json_is_array(json_object_get(seed, "principals")));
    return seed;
}

static void refuse(const char *text, const char *problem)
{
    json_t *seed = NULL;

    ck_assert_msg(kw_seed_read(kw_bytes_str(text), &seed, why) == KW_SEED_BAD, "%s", text);
    ck_assert_ptr_null(seed);
    ck_assert_msg(strcmp(why, problem) == 0, "%s: %s", text, why);
}

static const char *text_at(const json_t *list, size_t i, const char *name)
{
    return json_string_value(json_object_get(json_array_get(list, i), name));
}

START_TEST(test_keys)
{
    json_t *seed = seed_of("keys:\n"
                           "- alias: alias/a\n"
                           "  aliases: [alias/b, alias/c]\n"
                           "  spec: HMAC_256\n"
                           "  multi-region: true\n"
                           "  tags: {a: 1, b: 'true'}\n"
                           "  policy: {Version: 2012-10-17, Statement: [{Effect: Allow}]}\n"
                           "- aliases: [alias/d]\n"
                           "  policy: '{}'\n");
    const json_t *keys = json_object_get(seed, "keys"), *first = json_array_get(keys, 0), *aliases;

    ck_assert_uint_eq(json_array_size(keys), 2);
    aliases = json_object_get(first, "aliases");
    ck_assert_uint_eq(json_array_size(aliases), 3);
    ck_assert_str_eq(json_string_value(json_array_get(aliases, 0)), "alias/a");
    ck_assert_str_eq(json_string_value(json_array_get(aliases, 2)), "alias/c");
    ck_assert_str_eq(text_at(keys, 0, "at"), "2:3");
    ck_assert_str_eq(text_at(keys, 1, "at"), "8:3");
    ck_assert_str_eq(text_at(keys, 0, "spec"), "HMAC_256");
    ck_assert(json_is_true(json_object_get(first, "multi-region")));
    /* What is not quoted is text all the same. */
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(first, "tags"), "a")), "1");
    ck_assert_str_eq(
        text_at(keys, 0, "policy"), "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\"}]}");
    ck_assert_str_eq(text_at(keys, 1, "policy"), "{}");
    ck_assert(!kw_seed_is_secret(seed));
    json_decref(seed);
}
END_TEST

START_TEST(test_principals)
{
    json_t *seed =
        seed_of("principals:\n- {user: alice, access-key: true, policies: {use: {a: b}, more: text}}\n"
                "- {role: deploy, session-max: 7200, trust: {}, account: 000000000001}\n");
    const json_t *principals = json_object_get(seed, "principals");
    const json_t *policies = json_object_get(json_array_get(principals, 0), "policies");

    ck_assert_str_eq(text_at(principals, 0, "kind"), "user");
    ck_assert_str_eq(text_at(principals, 0, "name"), "alice");
    ck_assert_ptr_null(json_object_get(json_array_get(principals, 0), "user"));
    ck_assert_str_eq(json_string_value(json_object_get(policies, "use")), "{\"a\":\"b\"}");
    ck_assert_str_eq(json_string_value(json_object_get(policies, "more")), "text");
    ck_assert_str_eq(text_at(principals, 1, "kind"), "role");
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(principals, 1), "session-max")), 7200);
    ck_assert_str_eq(text_at(principals, 1, "account"), "000000000001");
    json_decref(seed);
}
END_TEST

START_TEST(test_little)
{
    static const char *const nothing[] = {"", "# nothing\n", "{}", "keys: []", "---\nprincipals: []\n...\n"};

    for (size_t i = 0; i < KW_ARRAY_LEN(nothing); i++)
        json_decref(seed_of(nothing[i]));
    json_t *seed = seed_of("keys: [{alias: alias/a, material: AAAA}]");
    ck_assert(kw_seed_is_secret(seed));
    json_decref(seed);
}
END_TEST

START_TEST(test_mistakes)
{
    refuse("[]", "1:1: a seed is a mapping with keys and principals");
    refuse("text", "1:1: a seed is a mapping with keys and principals");
    refuse("keys: {}", "1:7: this must be a list");
    refuse("keys: [text]", "1:8: this must be a mapping of names to values");
    refuse("users: []", "1:1: there is no such member here: a seed has keys and principals");
    refuse("keys: []\nkeys: []", "2:1: this name comes twice");
    refuse("keys:\n- alias: alias/a\n  alias: alias/b", "3:3: this name comes twice");
    refuse("keys:\n- alias: alias/a\n  color: red", "3:3: there is no such member here");
    refuse(
        "keys:\n- spec: HMAC_256", "2:3: a key must have an alias: by it a second run knows the key again");
    refuse("keys: [{alias: app}]", "1:8: the name of an alias must begin with alias/");
    refuse("keys: [{alias: alias/a}, {aliases: [alias/b, alias/a]}]",
        "1:26: an alias of this key is in the file before");
    refuse("keys: [{aliases: [alias/a, alias/a]}]", "1:8: an alias of this key is in the file before");
    refuse("keys: [{alias: alias/a, multi-region: yes}]", "1:39: this must be true or false");
    refuse("keys: [{alias: [alias/a]}]", "1:16: this must be text");
    refuse("keys: [{alias: \"alias/\\0\"}]", "1:16: this must be text");
    refuse("keys: [{alias: alias/a, tags: {a: [b]}}]", "1:35: this must be text");
    refuse("keys: [{alias: alias/a, tags: {[a]: b}}]", "1:32: a name must be text");
    refuse("principals: [{user: a, role: b}]", "1:14: a principal is either a user or a role");
    refuse("principals: [{path: /a/}]", "1:14: a principal is either a user or a role");
    refuse("principals: [{user: a, session-max: 1h}]", "1:37: this must be a number");
    refuse("principals: [{user: a, session-max: 1234567890}]", "1:37: this must be a number");
    refuse("keys: []\n---\nkeys: []", "3:1: a second document");
    refuse("keys: [\n", "2:1: did not find expected node content");
}
END_TEST

START_TEST(test_material_is_not_quoted)
{
    json_t *seed = NULL;

    ck_assert_int_eq(kw_seed_read(kw_bytes_str("keys: [{alias: alias/a, material: [c2VjcmV0]}]"), &seed, why),
        KW_SEED_BAD);
    ck_assert_ptr_null(strstr(why, "c2VjcmV0"));
}
END_TEST

/* Nesting, and few lines that mean very many values. */
START_TEST(test_bounds)
{
    char text[4096] = "keys: [{alias: alias/a, policy: ";
    json_t *seed = NULL;

    for (unsigned i = 0; i < 15; i++)
        strcat(text, "[");
    strcat(text, "x");
    for (unsigned i = 0; i < 15; i++)
        strcat(text, "]");
    strcat(text, "}]");
    json_decref(seed_of(text));
    refuse("keys: [{alias: alias/a, policy: [[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]}]",
        "1:49: this is nested too deep");
    strcpy(text, "keys: [{alias: alias/a, policy: [&a [x,x,x,x,x,x,x,x,x,x]");
    for (char name = 'b'; name <= 'g'; name++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
            ", &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]", name, name - 1, name - 1, name - 1, name - 1,
            name - 1, name - 1, name - 1, name - 1, name - 1, name - 1);
    strcat(text, "]}]");
    ck_assert_int_eq(kw_seed_read(kw_bytes_str(text), &seed, why), KW_SEED_BAD);
    ck_assert_ptr_nonnull(strstr(why, "too many values"));
    /* One that holds itself. */
    ck_assert_int_eq(
        kw_seed_read(kw_bytes_str("keys: [{alias: alias/a, policy: &a [*a]}]"), &seed, why), KW_SEED_BAD);
}
END_TEST

START_TEST(test_length)
{
    char *text = malloc(KW_SEED_FILE_MAX + 1);
    json_t *seed = NULL;

    memset(text, '\n', KW_SEED_FILE_MAX + 1);
    ck_assert_int_eq(kw_seed_read(KW_BYTES(text, KW_SEED_FILE_MAX), &seed, why), 0);
    json_decref(seed);
    ck_assert_int_eq(kw_seed_read(KW_BYTES(text, KW_SEED_FILE_MAX + 1), &seed, why), KW_SEED_BAD);
    free(text);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_keys);
    tcase_add_test(tcase, test_principals);
    tcase_add_test(tcase, test_little);
    tcase_add_test(tcase, test_mistakes);
    tcase_add_test(tcase, test_material_is_not_quoted);
    tcase_add_test(tcase, test_bounds);
    tcase_add_test(tcase, test_length);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("seed", add, 20);
}
