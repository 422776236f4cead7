/* What compiled policies say of requests: principals, actions, resources; and their life. */
#include "api/policy.h"

#include "api/json.h"
#include "engine/crypto.h"
#include "tests/support/policy_rig.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <stdio.h>

#define ROOT    "'arn:aws:iam::111122223333:root'"
#define USER    "'arn:aws:iam::111122223333:user/team/me'"
#define ROLE    "'arn:aws:iam::111122223333:role/jobs/build'"
#define SESSION "'arn:aws:sts::111122223333:assumed-role/build/run-1'"
#define OTHERS  "'arn:aws:iam::444455556666:root'"
/* One statement with a principal, that allows or denies all actions. */
#define ALLOW(principal) "{'Effect':'Allow'," principal ",'Action':'kms:*','Resource':'*'}"
#define DENY(principal)  "{'Effect':'Deny'," principal ",'Action':'kms:*','Resource':'*'}"
#define IS(list)         "'Principal':{'AWS':" list "}"
#define IS_NOT(list)     "'NotPrincipal':{'AWS':" list "}"

/* ---- principals ---- */

static const struct {
    const char *statements;
    /* of the user, the root user and the session, and of a user of another account */
    const char *user, *root, *session, *stranger;
} principals[] = {
    {ALLOW("'Principal':'*'"), "*", "*", "*", "*"},
    {ALLOW(IS("'*'")), "*", "*", "*", "*"},
    {ALLOW(IS("'111122223333'")), "a", "as", "a", ""},
    {ALLOW(IS(ROOT)), "a", "as", "a", ""},
    {ALLOW(IS(OTHERS)), "", "", "", "a"},
    {ALLOW(IS("['444455556666'," ROOT "]")), "a", "as", "a", "a"},
    {ALLOW(IS(USER)), "s", "", "", ""},
    {ALLOW(IS("'arn:aws-cn:iam::111122223333:user/team/me'")), "s", "", "",
        ""}, /* one user, all partitions */
    {ALLOW(IS("'arn:aws:iam::111122223333:user/me'")), "", "", "", ""},
    {ALLOW(IS("'arn:aws:iam::111122223333:user/team/ME'")), "", "", "", ""},
    {ALLOW(IS(ROLE)), "", "", "r", ""},
    {ALLOW(IS("'arn:aws:iam::111122223333:role/build'")), "", "", "", ""},
    {ALLOW(IS(SESSION)), "", "", "s", ""},
    {ALLOW(IS("'arn:aws:sts::111122223333:assumed-role/build/run-2'")), "", "", "", ""},
    {ALLOW(IS("[" ROLE "," SESSION "," ROOT "]")), "a", "as", "ars", ""},
    {ALLOW("'Principal':{'Service':'s3.amazonaws.com'}"), "", "", "", ""},
    {ALLOW("'Principal':{'Service':'s3.amazonaws.com','AWS':" USER "}"), "s", "", "", ""},
    {ALLOW(IS(ROOT)) "," ALLOW(IS(USER)), "as", "as", "a", ""},
    {DENY(IS(ROOT)), "D", "D", "D", ""},
    {DENY(IS(ROLE)), "", "", "D", ""},
    {DENY(IS(SESSION)), "", "", "D", ""},
    {DENY("'Principal':'*'"), "D", "D", "D", "D"},
    {ALLOW(IS(USER)) "," DENY("'Principal':'*'"), "Ds", "D", "D", "D"},

    /* NotPrincipal */
    {DENY(IS_NOT(USER)), "D", "D", "D", "D"}, /* its account is not listed */
    {DENY(IS_NOT("[" USER "," ROOT "]")), "", "", "D", "D"},
    {DENY(IS_NOT(ROOT)), "D", "", "D", "D"},
    {DENY(IS_NOT("[" ROLE "," ROOT "]")), "D", "", "", "D"},
    {DENY(IS_NOT("[" SESSION "," ROOT "]")), "D", "", "", "D"},
    {DENY(IS_NOT("[" SESSION "]")), "D", "D", "D", "D"},
    {DENY(IS_NOT(OTHERS)), "D", "D", "D", "D"},
    {DENY("'NotPrincipal':'*'"), "", "", "", ""},
    {DENY("'NotPrincipal':{'Service':'s3.amazonaws.com'}"), "D", "D", "D", "D"},
    {ALLOW(IS_NOT(OTHERS)), "*", "*", "*", ""},
    {ALLOW(IS_NOT(USER)), "", "*", "*", "*"},
    {ALLOW(IS_NOT(ROLE)), "*", "*", "", "*"},
    {ALLOW("'NotPrincipal':'*'"), "", "", "", ""},
};

static struct kw_policy *policy_of(enum kw_policy_kind kind, const char *statements)
{
    char text[4096];

    snprintf(text, sizeof(text), "{'Version':'2012-10-17','Statement':[%s]}", statements);
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    return kw_rig_policy(kind, text);
}

static const char *verdict_for(const struct kw_policy *policy, const struct kw_caller *caller)
{
    struct kw_rig_request rig;

    kw_rig_ask(&rig, caller, "kms:Encrypt", KW_RIG_KEY, NULL);
    return kw_rig_verdict(policy, &rig);
}

START_TEST(test_principals)
{
    KW_POLICY struct kw_policy *policy = policy_of(KW_POLICY_KEY, principals[_i].statements);

    ck_assert_str_eq(verdict_for(policy, &kw_rig_user), principals[_i].user);
    ck_assert_str_eq(verdict_for(policy, &kw_rig_root), principals[_i].root);
    ck_assert_str_eq(verdict_for(policy, &kw_rig_session), principals[_i].session);
    ck_assert_str_eq(verdict_for(policy, &kw_rig_stranger), principals[_i].stranger);
}
END_TEST

/* Nobody: a caller without names is not even in the account "". */
START_TEST(test_nobody)
{
    static const struct kw_caller nobody = {.kind = KW_CALLER_SESSION};
    KW_POLICY struct kw_policy *policy =
        policy_of(KW_POLICY_KEY, ALLOW(IS("[" ROOT "," USER "," ROLE "," SESSION "]")));
    struct kw_rig_request rig;

    ck_assert_str_eq(verdict_for(policy, &nobody), "");
    kw_rig_ask(&rig, &nobody, "kms:Encrypt", KW_RIG_KEY, NULL);
    rig.request.resource_account = KW_LIT("");
    ck_assert_str_eq(kw_rig_verdict(kw_policy_default(), &rig), "");
}
END_TEST

/* ---- actions and resources ---- */

#define KEY   "kms:Encrypt|" KW_RIG_KEY
#define ALIAS "kms:CreateAlias|arn:aws:kms:eu-west-1:111122223333:alias/team/a:b"
#define LIST  "kms:ListKeys|*"
#define ALL   ",'Resource':'*'"
#define ANY   "'Action':'*',"

static const struct {
    const char *parts, *question;
    bool holds;
} parts[] = {
    {"'Action':'kms:Encrypt'" ALL, KEY, true},
    {"'Action':'KMS:eNCRYPT'" ALL, KEY, true},
    {"'Action':'kms:Encrypt'" ALL, "KMS:ENCRYPT|*", true},
    {"'Action':'kms:Decrypt'" ALL, KEY, false},
    {"'Action':'kms:Encryp'" ALL, KEY, false},
    {"'Action':'kms:Encrypts'" ALL, KEY, false},
    {"'Action':'s3:Encrypt'" ALL, KEY, false},
    {"'Action':'*'" ALL, KEY, true},
    {"'Action':'kms:*'" ALL, KEY, true},
    {"'Action':'kms:en*'" ALL, KEY, true},
    {"'Action':'kms:*crypt'" ALL, KEY, true},
    {"'Action':'kms:*c*y*'" ALL, KEY, true},
    {"'Action':'kms:*y*c*'" ALL, KEY, false},
    {"'Action':'kms:??crypt'" ALL, KEY, true},
    {"'Action':'kms:?crypt'" ALL, KEY, false},
    {"'Action':['kms:Decrypt','kms:E*']" ALL, KEY, true},
    {"'NotAction':'kms:Decrypt'" ALL, KEY, true},
    {"'NotAction':['kms:Decrypt','kms:Encrypt']" ALL, KEY, false},
    {"'NotAction':'iam:*'" ALL, KEY, true},
    {"'NotAction':'*'" ALL, KEY, false},

    {ANY "'Resource':'" KW_RIG_KEY "'", KEY, true},
    {ANY "'Resource':'arn:aws:kms:eu-west-1:111122223333:key/*'", KEY, true},
    {ANY "'Resource':'arn:aws:kms:eu-west-1:111122223333:key/12345678-???4-*-123456789012'", KEY, true},
    {ANY "'Resource':'arn:aws:kms:*:*:key/*'", KEY, true},
    {ANY "'Resource':'arn:*:*:*:*:*'", KEY, true},
    {ANY "'Resource':'arn:aws:kms:*:key/*'", KEY, false}, /* '*' stays in its part */
    {ANY "'Resource':'arn:aws:kms:eu-west-1:444455556666:key/*'", KEY, false},
    {ANY "'Resource':'arn:aws:kms:EU-WEST-1:111122223333:key/*'", KEY, false},
    {ANY "'Resource':'arn:aws:kms:eu-west-1:111122223333:alias/*'", KEY, false},
    {ANY "'Resource':'arn:aws:kms'", KEY, true},
    {ANY "'Resource':'arn:aws:kms:*'", KEY, true},
    {ANY "'Resource':'arn:aws:kms:us-*'", KEY, false},
    {ANY "'Resource':'arn:aws:s3'", KEY, false},
    {ANY "'Resource':'arn:*'", KEY, true},
    {ANY "'Resource':['arn:aws:s3:::b','" KW_RIG_KEY "']", KEY, true},
    {ANY "'NotResource':'" KW_RIG_KEY "'", KEY, false},
    {ANY "'NotResource':'arn:aws:kms:*:*:alias/*'", KEY, true},
    {ANY "'NotResource':'*'", KEY, false},
    {ANY "'Resource':'*'", LIST, true},
    {ANY "'Resource':'arn:aws:kms:*:*:*'", LIST, false},
    {ANY "'NotResource':'arn:aws:kms:*:*:*'", LIST, true},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/team/*'", ALIAS, true},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/team/a:?'", ALIAS, true}, /* the sixth part has the rest */
    {ANY "'Resource':'arn:aws:kms:*:*:alias/team/a'", ALIAS, false},

    /* variables */
    {ANY "'Resource':'arn:aws:kms:*:${aws:PrincipalAccount}:key/*'", KEY, true},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/${aws:username}/*'", ALIAS, true},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/${AWS:UserName}/?:b'", ALIAS, true},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/${aws:PrincipalTag/none}/*'", ALIAS, false},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/${aws:PrincipalTag/star}/*'", ALIAS, false}, /* no pattern */
    {ANY "'NotResource':'arn:aws:kms:*:*:alias/${aws:PrincipalTag/none}/*'", ALIAS, true},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/${aws:PrincipalTag/none, 'team'}/*'", ALIAS, true},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/${aws:username,'x'}/*'", ALIAS, true},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/${no:key, 'team'}/*'", ALIAS, false},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/${aws:PrincipalTag/many}/*'", ALIAS, false},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/${aws:username'", ALIAS, false},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/${}/*'", ALIAS, false},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/team/${*}'", ALIAS, false},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/te${?}m/*'", ALIAS, false},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/te${*}m/a'", "kms:CreateAlias|arn:aws:kms:x:y:alias/te*m/a",
        true},
    {ANY "'Resource':'arn:aws:kms:*:*:alias/${$}{x}'", "kms:CreateAlias|arn:aws:kms:x:y:alias/${x}", true},
};

/* The variables' values; strings in JSON are in single quotes here, which a default's are as well. */
static struct kw_policy *policy_with(const char *version, const char *part)
{
    char text[1024];
    size_t len = 0;
    bool variable = false;

    len = (size_t)snprintf(text, sizeof(text), "{%s\"Statement\":{\"Effect\":\"Allow\",", version);
    for (const char *c = part; *c != '\0'; c++) {
        variable = c[0] == '$' && c[1] == '{' ? true : variable && *c != '}';
        text[len++] = *c == '\'' && !(variable && strchr(c, '}') != NULL) ? '"' : *c;
    }
    memcpy(text + len, "}}", 3);
    return kw_rig_policy(KW_POLICY_IDENTITY, text);
}

static bool holds(const struct kw_policy *policy, const char *question)
{
    const char *bar = strchr(question, '|');
    char action[64] = {0};
    struct kw_rig_request rig;

    memcpy(action, question, (size_t)(bar - question));
    kw_rig_ask(&rig, &kw_rig_user, action, bar + 1,
        "aws:username=team\naws:PrincipalAccount=111122223333\naws:PrincipalTag/star=*\n"
        "aws:PrincipalTag/many=team\naws:PrincipalTag/many=x");
    return strcmp(kw_rig_verdict(policy, &rig), "s") == 0;
}

START_TEST(test_parts)
{
    KW_POLICY struct kw_policy *policy = policy_with("\"Version\":\"2012-10-17\",", parts[_i].parts);

    ck_assert_msg(holds(policy, parts[_i].question) == parts[_i].holds, "%s", parts[_i].parts);
}
END_TEST

/* Variables came with the second version of the language: before it they are text. */
START_TEST(test_first_version)
{
    static const char *const versions[] = {"", "\"Version\":\"2008-10-17\","};

    for (size_t i = 0; i < KW_ARRAY_LEN(versions); i++) {
        KW_POLICY struct kw_policy *policy =
            policy_with(versions[i], ANY "'Resource':'arn:aws:kms:*:*:alias/${aws:username}'");

        ck_assert(!holds(policy, "kms:x|arn:aws:kms:r:a:alias/team"));
        /* Its colon ends no part: that is the last. */
        ck_assert(holds(policy, "kms:x|arn:aws:kms:r:a:alias/${aws:username}"));
    }
}
END_TEST

/* ---- kinds ---- */

START_TEST(test_kinds)
{
    KW_POLICY struct kw_policy *identity =
        policy_of(KW_POLICY_IDENTITY, "{'Effect':'Allow','Action':'kms:*','Resource':'*'}");
    KW_POLICY struct kw_policy *session =
        policy_of(KW_POLICY_SESSION, "{'Effect':'Deny','Action':'kms:*','Resource':'*'}");
    KW_POLICY struct kw_policy *trust = policy_of(KW_POLICY_TRUST,
        "{'Sid':'one','Effect':'Allow'," IS(ROOT) ",'Action':'sts:AssumeRole'},{'Effect':'Allow'," IS(
            USER) ",'Action':'sts:AssumeRole','Condition':{'StringEquals':{'sts:ExternalId':'x'}}}");
    struct kw_rig_request rig;

    ck_assert_str_eq(verdict_for(identity, &kw_rig_user), "s");
    ck_assert_str_eq(verdict_for(identity, &kw_rig_root), "s");
    ck_assert_str_eq(verdict_for(session, &kw_rig_session), "D");
    ck_assert_str_eq(verdict_for(trust, &kw_rig_user), "");
    kw_rig_ask(&rig, &kw_rig_user, "sts:AssumeRole", "arn:aws:iam::111122223333:role/jobs/build", NULL);
    ck_assert_str_eq(kw_rig_verdict(trust, &rig), "a");
    kw_rig_ask(&rig, &kw_rig_user, "sts:AssumeRole", "arn:aws:iam::111122223333:role/jobs/build",
        "sts:ExternalId=x");
    ck_assert_str_eq(kw_rig_verdict(trust, &rig), "as");
}
END_TEST

/* The first statement of each name, and of those that deny. */
START_TEST(test_which_statement)
{
    KW_POLICY struct kw_policy *policy = policy_of(KW_POLICY_KEY,
        "{'Sid':'a','Effect':'Allow','Principal':'*','Action':'kms:Decrypt','Resource':'*'}"
        "," ALLOW(IS(ROOT)) "," ALLOW(IS("[" ROOT "," USER "]")) "," DENY(IS(OTHERS)) "," DENY(
            IS(ROOT)) ",{'Sid':'last','Effect':'Deny','Principal':'*','Action':'*','Resource':'*'}");
    struct kw_policy_outcome outcome;
    struct kw_rig_request rig;

    kw_rig_ask(&rig, &kw_rig_user, "kms:Encrypt", KW_RIG_KEY, NULL);
    kw_policy_evaluate(policy, &rig.request, &outcome);
    ck_assert_uint_eq(outcome.denies, 4);
    ck_assert_uint_eq(outcome.allows[KW_MATCH_ANYONE], KW_POLICY_NO_STATEMENT);
    ck_assert_uint_eq(outcome.allows[KW_MATCH_ACCOUNT], 1);
    ck_assert_uint_eq(outcome.allows[KW_MATCH_ROLE], KW_POLICY_NO_STATEMENT);
    ck_assert_uint_eq(outcome.allows[KW_MATCH_SELF], 2);
    ck_assert_uint_eq(kw_policy_num_statements(policy), 6);
    ck_assert(kw_bytes_equal(kw_policy_sid(policy, 0), KW_LIT("a")));
    ck_assert(kw_bytes_equal(kw_policy_sid(policy, 1), KW_LIT("")));
    ck_assert(kw_bytes_equal(kw_policy_sid(policy, 5), KW_LIT("last")));
}
END_TEST

/* ---- life ---- */

START_TEST(test_default)
{
    const struct kw_policy *policy = kw_policy_default();
    struct kw_rig_request rig;

    ck_assert_ptr_eq(kw_policy_ref(policy), policy);
    kw_policy_unref(policy);
    kw_policy_unref(policy);
    kw_policy_unref(policy);
    ck_assert_str_eq(verdict_for(policy, &kw_rig_user), "a");
    ck_assert_str_eq(verdict_for(policy, &kw_rig_root), "as");
    ck_assert_str_eq(verdict_for(policy, &kw_rig_session), "a");
    ck_assert_str_eq(verdict_for(policy, &kw_rig_stranger), "");
    kw_rig_ask(&rig, &kw_rig_stranger, "kms:Encrypt", KW_RIG_KEY, NULL);
    rig.request.resource_account = KW_LIT("444455556666");
    ck_assert_str_eq(kw_rig_verdict(policy, &rig), "a");
    ck_assert_uint_eq(kw_policy_num_statements(policy), 1);
    ck_assert(kw_bytes_equal(kw_policy_sid(policy, 0), KW_LIT("Enable IAM User Permissions")));
}
END_TEST

/* Nothing of it is the caller's text. */
START_TEST(test_is_a_copy)
{
    char text[] = "{\"Version\":\"2012-10-17\",\"Statement\":{\"Sid\":\"S\",\"Effect\":\"Allow\",\"Action\":"
                  "\"kms:En*\",\"Resource\":\"arn:aws:kms:*:*:key/*\",\"Condition\":{\"StringLike\":"
                  "{\"kms:EncryptionContext:a\":[\"x\",\"${aws:username}\"]}}}}";
    KW_POLICY struct kw_policy *policy = kw_rig_policy(KW_POLICY_IDENTITY, text);
    struct kw_rig_request rig;
    size_t len = strlen(text);

    ck_assert_uint_eq(kw_policy_text(policy).len, len);
    ck_assert_str_eq((const char *)kw_policy_text(policy).ptr, text);
    memset(text, '*', len);
    kw_rig_ask(&rig, &kw_rig_user, "kms:Encrypt", KW_RIG_KEY, "kms:EncryptionContext:a=me\naws:username=me");
    ck_assert_str_eq(kw_rig_verdict(policy, &rig), "s");
    kw_rig_ask(&rig, &kw_rig_user, "kms:Encrypt", KW_RIG_KEY, "kms:EncryptionContext:a=me\naws:username=you");
    ck_assert_str_eq(kw_rig_verdict(policy, &rig), "");
    ck_assert(kw_bytes_equal(kw_policy_sid(policy, 0), KW_LIT("S")));
}
END_TEST

START_TEST(test_malformed)
{
    struct kw_policy *policy = (struct kw_policy *)0x10;
    char why[256];

    ck_assert_int_eq(
        kw_policy_new(&policy, KW_POLICY_KEY, KW_LIT("{"), "aws", why, sizeof(why)), KW_POLICY_MALFORMED);
    ck_assert_str_eq(why, "");
    ck_assert_int_eq(
        kw_policy_new(&policy, KW_POLICY_SESSION, KW_LIT("{}"), NULL, why, sizeof(why)), KW_POLICY_MALFORMED);
    ck_assert_str_eq(why, "Policy contains no statement.");
    ck_assert_ptr_eq(policy, (struct kw_policy *)0x10);
    kw_policy_unref(NULL);
}
END_TEST

static void *use(void *arg)
{
    const struct kw_policy *policy = (const struct kw_policy *)arg;
    struct kw_rig_request rig;

    for (unsigned i = 0; i < 2000; i++) {
        const struct kw_policy *mine = kw_policy_ref(policy);
        struct kw_policy_outcome outcome;

        kw_rig_ask(&rig, &kw_rig_user, "kms:Encrypt", KW_RIG_KEY, NULL);
        kw_policy_evaluate(mine, &rig.request, &outcome);
        kw_assert(outcome.allows[KW_MATCH_SELF] == 0);
        kw_policy_unref(mine);
    }
    kw_policy_unref(policy);
    return NULL;
}

/* The last thread that is done with it frees it. */
START_TEST(test_threads)
{
    const struct kw_policy *policy = policy_of(KW_POLICY_KEY, ALLOW(IS(USER)));
    pthread_t threads[4];

    for (unsigned i = 0; i < KW_ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use, (void *)(uintptr_t)kw_policy_ref(policy)), 0);
    kw_policy_unref(policy);
    for (unsigned i = 0; i < KW_ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_principals, 0, KW_ARRAY_LEN(principals));
    tcase_add_test(tests, test_nobody);
    tcase_add_loop_test(tests, test_parts, 0, KW_ARRAY_LEN(parts));
    tcase_add_test(tests, test_first_version);
    tcase_add_test(tests, test_kinds);
    tcase_add_test(tests, test_which_statement);
    tcase_add_test(tests, test_default);
    tcase_add_test(tests, test_is_a_copy);
    tcase_add_test(tests, test_malformed);
    tcase_add_test(tests, test_threads);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("policy", add, 30);
}
