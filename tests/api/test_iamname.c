/* Names of principals: the forms that are names, and those that only look like it. */
#include "api/iamname.h"

#include "tests/support/suite.h"

#define USER "arn:aws:iam::111122223333:user/"

static const struct good {
    const char *text;
    enum kw_iamname_kind kind;
    const char *account, *name;
} goods[] = {
    {"111122223333", KW_IAMNAME_ACCOUNT, "111122223333", ""},
    {"arn:aws:iam::111122223333:root", KW_IAMNAME_ROOT, "111122223333", ""},
    {USER "Alice", KW_IAMNAME_USER, "111122223333", "Alice"},
    {USER "a/b.c!/+=,.@-_9", KW_IAMNAME_USER, "111122223333", "a/b.c!/+=,.@-_9"},
    {"arn:aws-cn:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/"
     "AWSServiceRoleForAutoScaling",
        KW_IAMNAME_ROLE, "111122223333",
        "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"},
    {"arn:aws:sts::111122223333:assumed-role/Admin/me@example.com", KW_IAMNAME_ASSUMED_ROLE, "111122223333",
        "Admin/me@example.com"},
    {"arn:aws-us-gov:sts::111122223333:federated-user/Bob", KW_IAMNAME_FEDERATED_USER, "111122223333", "Bob"},
    {"arn:aws:iam::111122223333:saml-provider/Idp", KW_IAMNAME_SAML_PROVIDER, "111122223333", "Idp"},
    {"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12",
        KW_IAMNAME_OIDC_PROVIDER, "111122223333", "oidc.eks.eu-west-1.amazonaws.com/id/AB12"},
    {"s3.amazonaws.com", KW_IAMNAME_SERVICE, "", "s3.amazonaws.com"},
    {"logs.us-east-1.amazonaws.com", KW_IAMNAME_SERVICE, "", "logs.us-east-1.amazonaws.com"},
    {"ec2.amazonaws.com.cn", KW_IAMNAME_SERVICE, "", "ec2.amazonaws.com.cn"},
};

START_TEST(test_good)
{
    const struct good *good = &goods[_i];
    struct kw_iamname name;

    ck_assert_msg(kw_iamname_parse(kw_bytes_str(good->text), &name) == 0, "%s", good->text);
    ck_assert_int_eq(name.kind, good->kind);
    ck_assert(kw_bytes_equal(name.account, kw_bytes_str(good->account)));
    ck_assert(kw_bytes_equal(name.name, kw_bytes_str(good->name)));
}
END_TEST

static const char *const bads[] = {
    "",
    "*",
    "alice",
    "11112222333",
    "1111222233334",
    "11112222333a",
    "amazonaws.com",
    ".amazonaws.com",
    "s3..amazonaws.com",
    "S3.amazonaws.com",
    "s3.amazonaws.com.",
    "s3.example.com",
    "arn:",
    "arn:aws:iam::111122223333",
    "arn:aws:iam::111122223333:",
    "arn:aws:iam::111122223333:root/",
    "arn:aws:iam::111122223333:Root",
    "arn:aws:iam::11112222333:root",
    "arn:aws:iam:us-east-1:111122223333:root",
    "arn:aws:sts::111122223333:root",
    "arn::iam::111122223333:root",
    "arn:AWS:iam::111122223333:root",
    "arn:azure:iam::111122223333:root",
    "arn:aws:iam::aws:policy/AdministratorAccess",
    "arn:aws:iam::111122223333:user",
    USER,
    USER "*",
    USER "a/*/b",
    USER "a?",
    USER "a b",
    USER "a:b",
    USER "team/",
    "arn:aws:iam::111122223333:group/Admins",
    "arn:aws:iam::111122223333:instance-profile/Web",
    "arn:aws:sts::111122223333:assumed-role/Admin",
    "arn:aws:sts::111122223333:assumed-role/Admin/s",
    "arn:aws:sts::111122223333:assumed-role//session",
    "arn:aws:sts::111122223333:assumed-role/Admin/two/sessions",
    "arn:aws:sts::111122223333:federated-user/B",
    "arn:aws:sts::111122223333:role/Admin",
    "arn:aws:iam::111122223333:saml-provider/",
    "arn:aws:iam::111122223333:oidc-provider//id",
    "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    USER "\xc3\xa4",
    "AROADBQP57FF2AEXAMPLE",
};

START_TEST(test_bad)
{
    struct kw_iamname name = {.kind = KW_IAMNAME_ROLE};

    ck_assert_msg(kw_iamname_parse(kw_bytes_str(bads[_i]), &name) == KW_IAMNAME_INVALID, "%s", bads[_i]);
    ck_assert_int_eq(name.kind, KW_IAMNAME_ROLE); /* untouched */
}
END_TEST

START_TEST(test_lengths)
{
    char text[1024] = USER;
    const size_t start = sizeof(USER) - 1;
    struct kw_iamname name;

    memset(text + start, 'a', 65);
    ck_assert_int_eq(kw_iamname_parse(KW_BYTES(text, start + 64), &name), 0);
    ck_assert_int_eq(kw_iamname_parse(KW_BYTES(text, start + 65), &name), KW_IAMNAME_INVALID);
    memset(text + start, 'p', 700);
    text[start + 600] = '/';
    ck_assert_int_eq(kw_iamname_parse(KW_BYTES(text, start + 640), &name), 0);
    ck_assert_int_eq(kw_iamname_parse(KW_BYTES(text, start + 641), &name), KW_IAMNAME_INVALID);
    ck_assert_int_eq(kw_iamname_parse(KW_LIT(USER "a\0b"), &name), KW_IAMNAME_INVALID);
    ck_assert_int_eq(kw_iamname_parse(KW_BYTES(NULL, 0), &name), KW_IAMNAME_INVALID);
}
END_TEST

static bool can_hold(const char *text, const char *partition)
{
    return kw_iamname_can_hold_grant(kw_bytes_str(text), kw_bytes_str(partition));
}

START_TEST(test_holders)
{
    ck_assert(can_hold("111122223333", "aws") && can_hold("111122223333", "aws-cn"));
    ck_assert(can_hold(USER "Alice", "aws"));
    ck_assert(!can_hold(USER "Alice", "aws-cn"));
    ck_assert(!can_hold(USER "Alice", "aw"));
    ck_assert(can_hold("rds.amazonaws.com", "aws"));
    ck_assert(!can_hold("arn:aws:iam::111122223333:saml-provider/Idp", "aws"));
    ck_assert(!can_hold("*", "aws"));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_good, 0, KW_ARRAY_LEN(goods));
    tcase_add_loop_test(tests, test_bad, 0, KW_ARRAY_LEN(bads));
    tcase_add_test(tests, test_lengths);
    tcase_add_test(tests, test_holders);
}

int main(void)
{
    return kw_suite_run("iamname", add, 30);
}
