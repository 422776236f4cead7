/* Questions and their answers, over a small world; what they come to with real calls, tests/e2e compares. */
#include "api/explain.h"

#include "engine/crypto.h"
#include "tests/support/entities.h"

#include <jansson.h>

#define ALICE "arn:aws:iam::" ACCOUNT_TEXT ":user/alice"
#define NOW   INT64_C(1700000000000) /* 2023-11-14T22:13:20Z */

static struct kw_snapshot *snapshot;
static char key_arn[128], why[512];

/* Apostrophes become quotation marks. */
static const char *json_of(const char *text)
{
    static char room[4][4096];
    static unsigned at;
    char *to = room[at++ % 4];

    ck_assert_uint_lt(strlen(text), sizeof(room[0]));
    for (size_t i = 0; i <= strlen(text); i++)
        to[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    return to;
}

static void put_alice(const char *policy)
{
    KW_POLICY struct kw_policy *compiled = NULL;
    KW_PRINCIPAL struct kw_principal *principal = NULL;
    struct kw_named_policy named = {.name = "mine"};
    struct kw_principal like = {.kind = KW_PRINCIPAL_USER,
        .account = ACCOUNT_TEXT,
        .name = "alice",
        .id = "AIDAALICEALICEALICE22",
        .enabled = true,
        .num_policies = 1,
        .policies = &named};

    ck_assert_int_eq(
        kw_policy_new(&compiled, KW_POLICY_IDENTITY, kw_bytes_str(json_of(policy)), NULL, why, sizeof(why)),
        0);
    named.policy = compiled;
    ck_assert_int_eq(kw_principal_new(&principal, &like), 0);
    ck_assert_int_eq(kw_snapshot_put_principal(snapshot, principal), 0);
}

static void setup(void)
{
    KW_KMS_KEY struct kw_kms_key *key = new_key(ACCOUNT_TEXT, REGION_TEXT, 1);

    ck_assert_int_eq(kw_snapshot_new(&snapshot, NULL), 0);
    ck_assert_int_eq(kw_snapshot_put_key(snapshot, key), 0);
    memcpy(key_arn, key->arn, sizeof(key_arn));
    put_alice(
        "{'Version':'2012-10-17','Statement':[{'Effect':'Deny','Action':'kms:*','Resource':'*','Condition':"
        "{'NumericLessThan':{'aws:EpochTime':'1600000000'}}},{'Sid':'Use','Effect':'Allow','Action':["
        "'kms:Encrypt','kms:CreateAlias'],'Resource':'*','Condition':{'StringEqualsIfExists':{"
        "'kms:EncryptionContext:app':'x'}}}]}");
}

static void teardown(void)
{
    kw_snapshot_free(snapshot);
}

/* NULL: the question was refused, and why is said. */
static json_t *ask(const char *format, ...) KW_PRINTF(1, 2);
static json_t *ask(const char *format, ...)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(65536);
    struct kw_json_out out = KW_JSON_OUT(&text);
    json_t *question, *before, *answer;
    char room[4096];
    va_list args;

    va_start(args, format);
    ck_assert_int_lt(vsnprintf(room, sizeof(room), format, args), (int)sizeof(room));
    va_end(args);
    question = json_loads(json_of(room), 0, NULL);
    ck_assert_msg(question != NULL, "%s", room);
    before = json_deep_copy(question);
    why[0] = '\0';
    int r = kw_explain(snapshot, ACCOUNT_TEXT, NOW, question, &out, why, sizeof(why));
    ck_assert(json_equal(question, before));
    json_decref(question);
    json_decref(before);
    if (r == KW_EXPLAIN_BAD) {
        ck_assert_str_ne(why, "");
        return NULL;
    }
    ck_assert_int_eq(r, 0);
    answer = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    ck_assert_ptr_nonnull(answer);
    return answer;
}

/* Of the decision of that index: whether it is allowed, and its reason. */
static void expect(json_t *answer, size_t num, bool allowed, const char *reason)
{
    const json_t *decisions = json_object_get(answer, "Decisions"), *first = json_array_get(decisions, 0);

    ck_assert_msg(answer != NULL, "%s", why);
    ck_assert_uint_eq(json_array_size(decisions), num);
    ck_assert_int_eq(json_is_true(json_object_get(answer, "Allowed")), allowed);
    ck_assert_str_eq(json_string_value(json_object_get(first, "Reason")), reason);
    ck_assert_int_gt((int)strlen(json_string_value(json_object_get(first, "Explanation"))), 10);
    json_decref(answer);
}

#define ENCRYPT       "{'Principal':'alice','Action':'kms:Encrypt','Key':'%s'%s}"
#define ENCRYPT_UNDER "{'Principal':'alice','Action':'kms:Encrypt','Key':'%s','Conditions':{%s}}"

START_TEST(test_verdicts)
{
    expect(ask(ENCRYPT, key_arn, ""), 1, true, "IdentityPolicy");
    expect(ask(ENCRYPT, key_arn, ",'EncryptionContext':{'App':'x'}"), 1, true, "IdentityPolicy");
    expect(ask(ENCRYPT, key_arn, ",'EncryptionContext':{'App':'y'}"), 1, false, "NotAllowed");
    expect(ask(ENCRYPT, key_arn, ",'Parameters':{'EncryptionContext':{'app':'y'}}"), 1, false, "NotAllowed");
    expect(ask(ENCRYPT, key_arn, ",'Conditions':{'kms:EncryptionContext:APP':'y'}"), 1, false, "NotAllowed");
    expect(ask(ENCRYPT, key_arn, ",'Conditions':{'kms:EncryptionContext:app':['x']}"), 1, true,
        "IdentityPolicy");
    expect(ask("{'Principal':'%s','Action':'Decrypt','Key':'%s'}", ALICE, key_arn), 1, false, "NotAllowed");
    expect(ask("{'Principal':'root','Action':'kms:Decrypt','Key':'%s'}", key_arn), 1, false, "NoSuchCaller");
    expect(
        ask("{'Principal':'arn:aws:iam::" OTHER_TEXT ":user/x','Action':'kms:Decrypt','Key':'%s'}", key_arn),
        1, false, "NoSuchCaller");
    expect(ask("{'Principal':'alice','Action':'kms:Encrypt','Key':'alias/none'}"), 1, false, "NoSuchKey");
    expect(ask("{'Principal':'alice','Action':'kms:ListKeys'}"), 1, false, "NotAllowed");
}
END_TEST

/* Both forms of the time go together, whichever is given. */
START_TEST(test_time)
{
    expect(ask(ENCRYPT_UNDER, key_arn, "'aws:EpochTime':'1599999999'"), 1, false, "ExplicitDeny");
    expect(ask(ENCRYPT_UNDER, key_arn, "'aws:CurrentTime':'2020-09-13T12:26:39Z'"), 1, false, "ExplicitDeny");
    expect(
        ask(ENCRYPT_UNDER, key_arn, "'AWS:currenttime':['2020-09-13T12:26:41Z']"), 1, true, "IdentityPolicy");
}
END_TEST

#define RECORD                                                                                               \
    "{'Event':{'eventName':'%s','userIdentity':{'type':'IAMUser','arn':'" ALICE                              \
    "'},'awsRegion':'" REGION_TEXT                                                                           \
    "','eventTime':'%s','requestParameters':{%s},'resources':[{'ARN':'%s'}]}}"

START_TEST(test_events)
{
    const char *now = "2023-11-14T22:13:20Z";

    expect(
        ask(RECORD, "Encrypt", now, "'encryptionContext':{'app':'x'}", key_arn), 1, true, "IdentityPolicy");
    expect(ask(RECORD, "Encrypt", now, "'encryptionContext':{'app':'z'}", key_arn), 1, false, "NotAllowed");
    expect(ask(RECORD, "Encrypt", "2020-01-01T00:00:00Z", "", key_arn), 1, false, "ExplicitDeny");
    expect(ask(RECORD, "CreateAlias", now, "'aliasName':'alias/a'", key_arn), 2, true, "IdentityPolicy");
    expect(ask(RECORD, "ListKeys", now, "", key_arn), 1, false, "NotAllowed");
    ck_assert_ptr_null(ask(RECORD, "GetCallerIdentity", now, "", key_arn));
    ck_assert_ptr_null(ask("{'Event':{}}"));
    ck_assert_ptr_null(ask("{'Event':{'eventName':'Encrypt','userIdentity':{'arn':7}}}"));
    ck_assert_ptr_null(ask("{'Event':{'eventName':'Encrypt','userIdentity':{'arn':'" ALICE "'}}}"));
    ck_assert_ptr_null(ask("{'Event':{'eventName':'Encrypt','userIdentity':{'arn':'" ALICE
                           "'},'resources':7,'requestParameters':"
                           "[1]}}"));
}
END_TEST

static const char *const bads[] = {"{}", "{'Principal':'alice'}", "{'Action':'kms:Encrypt'}",
    "{'Principal':7,'Action':'kms:ListKeys'}", "{'Principal':'a b','Action':'kms:ListKeys'}",
    "{'Principal':'alice','AccessKeyId':'x','Action':'kms:ListKeys'}",
    "{'AccessKeyId':'AKIANONE','Action':'kms:ListKeys'}", "{'Principal':'alice','Action':'kms:None'}",
    "{'Principal':'alice','Action':'s3:GetObject'}", "{'Principal':'alice','Action':':'}",
    "{'Principal':'alice','Action':'kms:Encrypt'}", "{'Principal':'alice','Action':'kms:Encrypt','Key':'?'}",
    "{'Principal':'alice','Action':'kms:ListKeys','Region':'nowhere'}",
    "{'Principal':'alice','Action':'kms:ListKeys','Region':'" REGION_TEXT REGION_TEXT REGION_TEXT REGION_TEXT
    "'}",
    "{'Principal':'alice','Action':'kms:ListKeys','Conditions':[]}",
    "{'Principal':'alice','Action':'kms:ListKeys','Conditions':{'aws:SourceIp':7}}",
    "{'Principal':'alice','Action':'kms:ListKeys','Conditions':{'aws:SourceIp':[7]}}",
    "{'Principal':'alice','Action':'kms:ListKeys','Conditions':{'kms:ViaService':'x'}}",
    "{'Principal':'alice','Action':'kms:ListKeys','Conditions':{'unknown':'x'}}",
    "{'Principal':'alice','Action':'kms:ListKeys','EncryptionContext':{'a':7}}",
    "{'Principal':'alice','Action':'kms:ListKeys','Account':'12'}",
    "{'Principal':'alice','Action':'kms:ListKeys','SessionPolicy':'no'}",
    "{'Principal':'alice','Action':'kms:ListKeys','SessionPolicy':{}}"};

START_TEST(test_bad)
{
    ck_assert_msg(ask("%s", bads[_i]) == NULL, "%s", bads[_i]);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_verdicts);
    tcase_add_test(tests, test_time);
    tcase_add_test(tests, test_events);
    tcase_add_loop_test(tests, test_bad, 0, KW_ARRAY_LEN(bads));
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("explain", add, 30);
}
