/* The bounds of an evaluation, and who is locked out by a policy. */
#include "api/policy_internal.h"

#include "engine/crypto.h"
#include "tests/support/policy_rig.h"
#include "tests/support/suite.h"

#include <stdio.h>

#define ROOT                     "\"arn:aws:iam::111122223333:root\""
#define ME                       "\"arn:aws:iam::111122223333:user/team/me\""
#define STRANGER                 "\"arn:aws:iam::444455556666:root\""
#define MINE                     "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":" ROOT "},\"Action\":\"kms:*\",\"Resource\":\"*\"}"
#define POLICY(statements)       "{\"Statement\":[" statements "]}"
#define WITH(statement)          POLICY(MINE "," statement)
#define ALONE(principal, action) "{\"Effect\":\"Allow\"," principal "," action ",\"Resource\":\"*\"}"
#define IF(effect, condition)                                                                                \
    "{\"Effect\":\"" effect                                                                                  \
    "\",\"Principal\":\"*\",\"Action\":\"kms:*\",\"Resource\":\"*\",\"Condition\":" condition "}"
#define OF(effect, resource)                                                                                 \
    "{\"Effect\":\"" effect "\",\"Principal\":\"*\",\"Action\":\"kms:*\"," resource "}"

/* ---- lockout ---- */

static const struct {
    const char *text;
    bool locks_out;
} lockouts[] = {
    {POLICY(ALONE("\"Principal\":{\"AWS\":" ME "}", "\"Action\":\"kms:PutKeyPolicy\"")), false},
    {POLICY(ALONE("\"Principal\":{\"AWS\":\"111122223333\"}", "\"Action\":\"KMS:putkey*\"")), false},
    {POLICY(ALONE("\"Principal\":\"*\"", "\"Action\":[\"kms:Encrypt\",\"kms:?ut*y\"]")), false},
    {POLICY(ALONE("\"Principal\":\"*\"", "\"NotAction\":\"kms:Decrypt\"")), false},
    {POLICY(ALONE("\"NotPrincipal\":{\"AWS\":" STRANGER "}", "\"Action\":\"*\"")), false},
    {POLICY(ALONE("\"Principal\":{\"AWS\":" ROOT "}", "\"Action\":\"kms:DescribeKey\"")), true},
    {POLICY(ALONE("\"Principal\":{\"AWS\":" STRANGER "}", "\"Action\":\"kms:*\"")), true},
    {POLICY(ALONE("\"Principal\":{\"Service\":\"s3.amazonaws.com\"}", "\"Action\":\"kms:*\"")), true},
    {POLICY(ALONE("\"Principal\":\"*\"", "\"Action\":\"s3:*\"")), true},
    /* no action or no resource: no effect, neither to allow nor to deny */
    {POLICY("{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Resource\":\"*\"}"), true},
    {POLICY("{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\"}"), true},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Resource\":\"*\"}"), false},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\"}"), false},
    {POLICY(ALONE("\"Principal\":\"*\"", "\"NotAction\":\"kms:Put*\"")), true},
    {POLICY(ALONE("\"NotPrincipal\":{\"AWS\":" ROOT "}", "\"Action\":\"*\"")), true},
    {POLICY("{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"NotResource\":\"*\"}"), true},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"kms:Put*\",\"Resource\":\"*\"}"), true},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":" ME "},\"Action\":\"kms:*\",\"Resource\":\"*\"}"),
        true},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"kms:Decrypt\",\"Resource\":\"*\"}"), false},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":" STRANGER "},\"Action\":\"*\",\"Resource\":\"*\"}"),
        false},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"kms:*\",\"Resource\":\"*\","
          "\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}}}"),
        false},

    /* conditions: on the caller they are weighed, others count for it */
    {POLICY(IF("Allow", "{\"StringEquals\":{\"kms:CallerAccount\":\"111122223333\"}}")), false},
    {POLICY(IF("Allow", "{\"StringEquals\":{\"kms:CallerAccount\":\"444455556666\"}}")), true},
    {POLICY(IF("Allow", "{\"StringNotEquals\":{\"kms:CallerAccount\":\"111122223333\"}}")), true},
    {POLICY(IF("Allow", "{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"}}")), false},
    {POLICY(IF("Allow", "{\"Null\":{\"aws:SourceIp\":\"true\"}}")), false},
    {POLICY(IF("Allow", "{\"Null\":{\"aws:SourceIp\":\"false\"}}")), false},
    {POLICY(IF("Allow", "{\"StringEquals\":{\"aws:ResourceTag/a\":\"b\"}}")), false},
    /* ... unless no request has the key */
    {POLICY(IF("Allow", "{\"StringEquals\":{\"a:b\":\"c\"}}")), true},
    {POLICY(IF("Allow", "{\"StringEquals\":{\"kms:ViaService\":\"s3.amazonaws.com\"}}")), true},
    {POLICY(IF("Allow", "{\"StringNotEquals\":{\"kms:ViaService\":\"s3.amazonaws.com\"}}")), false},
    {WITH(IF("Deny", "{\"StringEquals\":{\"kms:CallerAccount\":\"111122223333\"}}")), true},
    {WITH(IF("Deny", "{\"StringEquals\":{\"kms:CallerAccount\":\"444455556666\"}}")), false},
    {WITH(IF("Deny", "{\"StringNotEquals\":{\"aws:userid\":\"x\"}}")), false},
    {WITH(IF("Deny", "{\"StringNotEquals\":{\"kms:ViaService\":\"s3.amazonaws.com\"}}")), true},
    {WITH(IF("Deny", "{\"NumericLessThan\":{\"kms:CallerAccount\":\"many\"}}")), false},
    {POLICY(IF("Allow", "{\"NumericLessThan\":{\"kms:CallerAccount\":\"many\"}}")), false},
};

static struct kw_policy_request put_request(const char *resource)
{
    struct kw_policy_request request = {
        .caller = &kw_rig_user,
        .action = KW_LIT("kms:PutKeyPolicy"),
        .resource = kw_bytes_str(resource),
        .resource_account = kw_rig_user.account,
    };

    request.value[KW_CK_KMS_CALLER_ACCOUNT] = kw_rig_user.account;
    return request;
}

START_TEST(test_lockout)
{
    KW_POLICY struct kw_policy *policy = kw_rig_policy(KW_POLICY_KEY, lockouts[_i].text);
    struct kw_policy_request request = put_request(KW_RIG_KEY), unmade = put_request("");

    ck_assert_msg(kw_policy_locks_out(policy, &request) == lockouts[_i].locks_out, "%s", lockouts[_i].text);
    ck_assert_msg(kw_policy_locks_out(policy, &unmade) == lockouts[_i].locks_out, "%s", lockouts[_i].text);
}
END_TEST

/* The ARN of a key that is not made yet may be any. */
START_TEST(test_lockout_by_resource)
{
    static const struct {
        const char *text;
        bool locks_out, before;
    } cases[] = {
        {POLICY(OF("Allow", "\"Resource\":\"" KW_RIG_KEY "\"")), false, false},
        {POLICY(OF("Allow", "\"Resource\":\"arn:aws:s3:::bucket\"")), true, false},
        {POLICY(OF("Allow", "\"NotResource\":\"" KW_RIG_KEY "\"")), true, false},
        {WITH(OF("Deny", "\"Resource\":\"" KW_RIG_KEY "\"")), true, false},
        {WITH(OF("Deny", "\"NotResource\":\"arn:aws:s3:::bucket\"")), true, false},
        {WITH(OF("Deny", "\"NotResource\":\"*\"")), false, false},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(cases); i++) {
        KW_POLICY struct kw_policy *policy = kw_rig_policy(KW_POLICY_KEY, cases[i].text);
        struct kw_policy_request request = put_request(KW_RIG_KEY), unmade = put_request("");

        ck_assert_msg(kw_policy_locks_out(policy, &request) == cases[i].locks_out, "%s", cases[i].text);
        ck_assert_msg(kw_policy_locks_out(policy, &unmade) == cases[i].before, "%s", cases[i].text);
    }
}
END_TEST

/* ---- bounds ---- */

static uint64_t evaluate_ms(const char *text, const char *values, const char **ret)
{
    KW_POLICY struct kw_policy *policy = kw_rig_policy(KW_POLICY_KEY, text);
    struct kw_rig_request rig;
    uint64_t start;

    kw_rig_ask(&rig, &kw_rig_user, "kms:Encrypt", KW_RIG_KEY, values);
    start = kw_now_ns();
    *ret = kw_rig_verdict(policy, &rig);
    return (kw_now_ns() - start) / 1000000;
}

/* A pattern made to try every way through a long value: what is not decided in time counts against the
 * caller. The last '*' takes byte after byte, and each time all but the end of a long stretch matches. */
START_TEST(test_hostile_pattern)
{
    static const char *const effects[] = {"Allow", "Deny"}, *const verdicts[] = {"", "D"};
    static char text[48 * 1024], values[9 * 1024];
    const char *verdict;

    strcpy(values, "kms:EncryptionContext:a=");
    memset(values + strlen(values), 'a', 8000);
    for (unsigned i = 0; i < 2; i++) {
        size_t at = (size_t)snprintf(text, sizeof(text),
            "{\"Statement\":{\"Effect\":\"%s\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\","
            "\"Condition\":{\"StringLike\":{\"kms:EncryptionContext:a\":[",
            effects[i]);

        for (unsigned n = 0; n < 8; n++) {
            at += (size_t)sprintf(text + at, "%s\"*", n > 0 ? "," : "");
            memset(text + at, 'a', 4000);
            at += 4000;
            at += (size_t)sprintf(text + at, "b*\"");
        }
        sprintf(text + at, "]}}}}");
        ck_assert_uint_lt(evaluate_ms(text, values, &verdict), 1000);
        ck_assert_str_eq(verdict, verdicts[i]);
    }
}
END_TEST

/* As many wild cards as a policy has room for are no trouble to a short text. */
START_TEST(test_many_wildcards)
{
    static char text[48 * 1024];
    size_t at = (size_t)snprintf(text, sizeof(text),
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Resource\":\"*\",\"Action\":\"kms:");
    const char *verdict;

    for (; at < 32 * 1024; at += 2)
        memcpy(text + at, "*?", 2);
    strcpy(text + at, "\"}," MINE "]}");
    ck_assert_uint_lt(evaluate_ms(text, NULL, &verdict), 1000);
    ck_assert_str_eq(verdict, "a");
}
END_TEST

/* More variables in one text than are resolved: undecided, too. */
START_TEST(test_many_variables)
{
    static const char *const effects[] = {"Allow", "Deny"}, *const verdicts[2][2] = {{"*", "D"}, {"", "D"}};
    char text[2048], value[256];
    const char *verdict;

    for (unsigned extra = 0; extra < 2; extra++) {
        strcpy(value, "aws:username=a\naws:userid=");
        memset(value + strlen(value) + 1, 0, 64);
        memset(value + strlen(value), 'a', KW_POLICY_PIECES_MAX + extra);
        for (unsigned i = 0; i < 2; i++) {
            size_t at = (size_t)snprintf(text, sizeof(text),
                "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"%s\",\"Principal\":\"*\",\"Action\":"
                "\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"aws:userid\":\"",
                effects[i]);

            for (unsigned n = 0; n < KW_POLICY_PIECES_MAX + extra; n++)
                at += (size_t)sprintf(text + at, "${aws:username}");
            sprintf(text + at, "\"}}}}");
            evaluate_ms(text, value, &verdict);
            ck_assert_str_eq(verdict, verdicts[extra][i]);
        }
    }
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_lockout, 0, KW_ARRAY_LEN(lockouts));
    tcase_add_test(tests, test_lockout_by_resource);
    tcase_add_test(tests, test_hostile_pattern);
    tcase_add_test(tests, test_many_wildcards);
    tcase_add_test(tests, test_many_variables);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("policy_evaluate", add, 30);
}
