#include "api/principalname.h"

#include "tests/support/suite.h"

#define HERE "000000000000"

static const struct {
    const char *text;
    enum kw_principal_kind kind;
    const char *account, *name, *session;
} goods[] = {
    {"alice", KW_PRINCIPAL_USER, HERE, "alice", ""},
    {"user/alice", KW_PRINCIPAL_USER, HERE, "alice", ""},
    {"user/a/b/alice", KW_PRINCIPAL_USER, HERE, "alice", ""},
    {"user/root", KW_PRINCIPAL_USER, HERE, "root", ""},
    {"role/ops", KW_PRINCIPAL_ROLE, HERE, "ops", ""},
    {"root", KW_PRINCIPAL_ROOT, HERE, "root", ""},
    {"a+=,.@_-Z9", KW_PRINCIPAL_USER, HERE, "a+=,.@_-Z9", ""},
    {"arn:aws:iam::111122223333:root", KW_PRINCIPAL_ROOT, "111122223333", "root", ""},
    {"arn:aws:iam::111122223333:user/team/bob", KW_PRINCIPAL_USER, "111122223333", "bob", ""},
    {"arn:aws-cn:iam::111122223333:role/r", KW_PRINCIPAL_ROLE, "111122223333", "r", ""},
    {"arn:aws:sts::111122223333:assumed-role/r/night", KW_PRINCIPAL_ROLE, "111122223333", "r", "night"},
};

START_TEST(test_good)
{
    struct kw_principal_name name;

    ck_assert_int_eq(kw_principal_name_parse(kw_bytes_str(goods[_i].text), HERE, &name), 0);
    ck_assert_int_eq(name.kind, goods[_i].kind);
    ck_assert_str_eq(name.account, goods[_i].account);
    ck_assert_str_eq(name.name, goods[_i].name);
    ck_assert_str_eq(name.session, goods[_i].session);
}
END_TEST

static const char *const bads[] = {"", "a b", "user/", "role/", "a:b", "*", "us*r", "alice\n",
    "arn:", "arn:aws", "arn:aws:iam::111122223333:user/", "arn:aws:iam::11112222333:user/bob",
    "arn:aws:iam::111122223333:group/g", "arn:aws:sts::111122223333:federated-user/f",
    "arn:aws:kms:us-east-1:111122223333:key/k", "arn:aws:sts::111122223333:assumed-role/r"};

START_TEST(test_bad)
{
    struct kw_principal_name name = {.kind = KW_PRINCIPAL_KIND_NUM};

    ck_assert_int_eq(kw_principal_name_parse(kw_bytes_str(bads[_i]), HERE, &name), KW_PRINCIPAL_NAME_INVALID);
    ck_assert_int_eq(name.kind, KW_PRINCIPAL_KIND_NUM);
}
END_TEST

START_TEST(test_lengths)
{
    struct kw_principal_name name;
    char text[128];

    memset(text, 'x', sizeof(text));
    ck_assert_int_eq(kw_principal_name_parse(KW_BYTES(text, KW_PRINCIPAL_NAME_MAX), HERE, &name), 0);
    ck_assert_uint_eq(strlen(name.name), KW_PRINCIPAL_NAME_MAX);
    ck_assert_int_eq(kw_principal_name_parse(KW_BYTES(text, KW_PRINCIPAL_NAME_MAX + 1), HERE, &name),
        KW_PRINCIPAL_NAME_INVALID);
    ck_assert_int_eq(kw_principal_name_parse(KW_LIT("a\0b"), HERE, &name), KW_PRINCIPAL_NAME_INVALID);
    ck_assert_int_eq(kw_principal_name_parse(KW_LIT("alice"), "", &name), KW_PRINCIPAL_NAME_INVALID);
    ck_assert_int_eq(kw_principal_name_parse(KW_LIT("root"), "12", &name), KW_PRINCIPAL_NAME_INVALID);
}
END_TEST

START_TEST(test_accounts)
{
    ck_assert(kw_account_valid(KW_LIT(HERE)) && kw_account_valid(KW_LIT("999999999999")));
    ck_assert(!kw_account_valid(KW_LIT("")) && !kw_account_valid(KW_LIT("99999999999")));
    ck_assert(!kw_account_valid(KW_LIT("9999999999999")) && !kw_account_valid(KW_LIT("99999999999a")));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_good, 0, KW_ARRAY_LEN(goods));
    tcase_add_loop_test(tests, test_bad, 0, KW_ARRAY_LEN(bads));
    tcase_add_test(tests, test_lengths);
    tcase_add_test(tests, test_accounts);
}

int main(void)
{
    return kw_suite_run("principalname", add, 30);
}
