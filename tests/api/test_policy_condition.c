/* Conditions: every operator, what each makes of values that are absent, several or none of their form. */
#include "api/policy_internal.h"

#include "engine/crypto.h"
#include "tests/support/policy_rig.h"
#include "tests/support/suite.h"

#include <stdio.h>

/* What a condition is in a statement that allows, and in one that denies. */
#define HOLDS      "AD"
#define HOLDS_NOT  ".."
#define UNDECIDED  ".D" /* against the caller either way */
#define USER       "aws:username=alice"
#define NOW        "aws:CurrentTime=2026-11-23T10:00:00Z"
#define DAYS       "kms:RotationPeriodInDays=90"
#define FROM       "aws:SourceIp=10.1.2.3"
#define GRANTEE    "kms:GranteePrincipal=arn:aws:iam::111122223333:role/x/y"
#define TLS        "aws:SecureTransport=true"
#define OPERATIONS "kms:GrantOperations=Encrypt\nkms:GrantOperations=Decrypt"

static const struct {
    const char *condition, *values, *expected;
} cases[] = {
    /* strings */
    {"'StringEquals':{'aws:username':'alice'}", USER, HOLDS},
    {"'StringEquals':{'aws:username':'Alice'}", USER, HOLDS_NOT},
    {"'StringEquals':{'aws:username':'alice '}", USER, HOLDS_NOT},
    {"'StringEquals':{'aws:username':'al*'}", USER, HOLDS_NOT},
    {"'StringEquals':{'aws:username':'al*'}", "aws:username=al*", HOLDS},
    {"'StringEquals':{'aws:username':['bob','alice']}", USER, HOLDS},
    {"'StringEquals':{'aws:username':['bob','carol']}", USER, HOLDS_NOT},
    {"'StringEquals':{'aws:username':[]}", USER, HOLDS_NOT},
    {"'StringEquals':{'aws:username':''}", "aws:username=", HOLDS},
    {"'stringequals':{'AWS:UserName':'alice'}", USER, HOLDS},
    {"'StringNotEquals':{'aws:username':'bob'}", USER, HOLDS},
    {"'StringNotEquals':{'aws:username':'alice'}", USER, HOLDS_NOT},
    {"'StringNotEquals':{'aws:username':['bob','alice']}", USER, HOLDS_NOT},
    {"'StringNotEquals':{'aws:username':['bob','carol']}", USER, HOLDS},
    {"'StringEqualsIgnoreCase':{'aws:username':'ALICE'}", USER, HOLDS},
    {"'StringEqualsIgnoreCase':{'aws:username':'ALIC*'}", USER, HOLDS_NOT},
    {"'StringNotEqualsIgnoreCase':{'aws:username':'ALICE'}", USER, HOLDS_NOT},
    {"'StringNotEqualsIgnoreCase':{'aws:username':'BOB'}", USER, HOLDS},
    {"'StringLike':{'aws:username':'al*'}", USER, HOLDS},
    {"'StringLike':{'aws:username':'a?ice'}", USER, HOLDS},
    {"'StringLike':{'aws:username':'a?ce'}", USER, HOLDS_NOT},
    {"'StringLike':{'aws:username':'AL*'}", USER, HOLDS_NOT},
    {"'StringLike':{'aws:username':'*'}", "aws:username=", HOLDS},
    {"'StringLike':{'aws:username':'?'}", "aws:username=", HOLDS_NOT},
    {"'StringNotLike':{'aws:username':'al*'}", USER, HOLDS_NOT},
    {"'StringNotLike':{'aws:username':['bo*','ca*']}", USER, HOLDS},
    {"'StringEquals':{'aws:username':5}", "aws:username=5", HOLDS},
    {"'StringEquals':{'aws:username':true}", "aws:username=true", HOLDS},
    {"'StringEquals':{'aws:username':1.5}", "aws:username=1.5", HOLDS},

    /* absent */
    {"'StringEquals':{'aws:username':'alice'}", NULL, HOLDS_NOT},
    {"'StringLike':{'aws:username':'*'}", NULL, HOLDS_NOT},
    {"'StringNotEquals':{'aws:username':'alice'}", NULL, HOLDS},
    {"'StringNotLike':{'aws:username':'*'}", NULL, HOLDS},
    {"'StringNotEqualsIgnoreCase':{'aws:username':'alice'}", NULL, HOLDS},
    {"'NumericNotEquals':{'kms:RotationPeriodInDays':'1'}", NULL, HOLDS},
    {"'NumericLessThan':{'kms:RotationPeriodInDays':'1'}", NULL, HOLDS_NOT},
    {"'DateNotEquals':{'kms:ValidTo':'2026-01-01'}", NULL, HOLDS},
    {"'DateLessThan':{'kms:ValidTo':'2026-01-01'}", NULL, HOLDS_NOT},
    {"'Bool':{'aws:MultiFactorAuthPresent':'false'}", NULL, HOLDS_NOT},
    {"'BoolIfExists':{'aws:MultiFactorAuthPresent':'true'}", NULL, HOLDS},
    {"'NotIpAddress':{'aws:SourceIp':'10.0.0.0/8'}", NULL, HOLDS},
    {"'IpAddress':{'aws:SourceIp':'0.0.0.0/0'}", NULL, HOLDS_NOT},
    {"'ArnNotEquals':{'kms:GranteePrincipal':'*'}", NULL, HOLDS},
    {"'ArnNotLike':{'kms:GranteePrincipal':'*'}", NULL, HOLDS},
    {"'ArnLike':{'kms:GranteePrincipal':'*'}", NULL, HOLDS_NOT},
    {"'StringEqualsIfExists':{'aws:username':'alice'}", NULL, HOLDS},
    {"'StringEqualsIfExists':{'aws:username':'alice'}", USER, HOLDS},
    {"'StringEqualsIfExists':{'aws:username':'bob'}", USER, HOLDS_NOT},
    {"'StringNotEqualsIfExists':{'aws:username':'alice'}", NULL, HOLDS},
    {"'StringNotEqualsIfExists':{'aws:username':'alice'}", USER, HOLDS_NOT},
    {"'StringEquals':{'aws:SourceVpc':'vpc-1'}", USER, HOLDS_NOT},
    {"'StringNotEquals':{'kms:ViaService':'s3.amazonaws.com'}", USER, HOLDS},

    /* Null */
    {"'Null':{'aws:username':'true'}", NULL, HOLDS},
    {"'Null':{'aws:username':'true'}", USER, HOLDS_NOT},
    {"'Null':{'aws:username':'false'}", NULL, HOLDS_NOT},
    {"'Null':{'aws:username':'false'}", USER, HOLDS},
    {"'Null':{'aws:username':true}", NULL, HOLDS},
    {"'Null':{'aws:username':'TRUE'}", NULL, HOLDS},
    {"'Null':{'aws:username':['true','false']}", USER, HOLDS},
    {"'Null':{'aws:username':'perhaps'}", USER, UNDECIDED},
    {"'Null':{'aws:username':'perhaps'}", NULL, UNDECIDED},
    {"'Null':{'kms:EncryptionContext:App':'false'}", "kms:EncryptionContext:app=1", HOLDS},
    {"'Null':{'kms:EncryptionContext:App':'false'}", "kms:EncryptionContext:apps=1", HOLDS_NOT},
    {"'Null':{'kms:GrantOperations':'false'}", OPERATIONS, HOLDS},

    /* keys that are not known */
    {"'StringEquals':{'kms:Colour':'red'}", USER, HOLDS_NOT},
    {"'StringNotEquals':{'kms:Colour':'red'}", USER, UNDECIDED},
    {"'StringEqualsIfExists':{'kms:Colour':'red'}", USER, UNDECIDED},
    {"'ForAllValues:StringEquals':{'kms:Colour':'red'}", USER, UNDECIDED},
    {"'ForAnyValue:StringNotEquals':{'kms:Colour':'red'}", USER, HOLDS_NOT},
    {"'Null':{'kms:Colour':'true'}", USER, UNDECIDED},
    {"'Null':{'kms:Colour':'false'}", USER, HOLDS_NOT},
    {"'StringNotEquals':{'kms:EncryptionContext:':'red'}", USER, UNDECIDED},

    /* several keys, several operators: all of them */
    {"'StringEquals':{'aws:username':'alice','aws:userid':'A'}", USER "\naws:userid=A", HOLDS},
    {"'StringEquals':{'aws:username':'alice','aws:userid':'B'}", USER "\naws:userid=A", HOLDS_NOT},
    {"'StringEquals':{'aws:username':'alice'},'Bool':{'aws:SecureTransport':'true'}", USER "\n" TLS, HOLDS},
    {"'StringEquals':{'aws:username':'alice'},'Bool':{'aws:SecureTransport':'false'}", USER "\n" TLS,
        HOLDS_NOT},
    {"'StringEquals':{'aws:username':'alice','AWS:USERNAME':'bob'}", USER, HOLDS_NOT},
    {"'StringEquals':{'aws:username':'bob'},'Null':{'aws:username':'perhaps'}", USER, HOLDS_NOT},
    {"'Null':{'aws:username':'perhaps'},'StringEquals':{'aws:username':'bob'}", USER, HOLDS_NOT},
    {"'Null':{'aws:username':'perhaps'},'StringEquals':{'aws:username':'alice'}", USER, UNDECIDED},
    {"", USER, HOLDS},
    {"'StringEquals':{}", USER, HOLDS},

    /* numbers */
    {"'NumericEquals':{'kms:RotationPeriodInDays':'90'}", DAYS, HOLDS},
    {"'NumericEquals':{'kms:RotationPeriodInDays':90}", DAYS, HOLDS},
    {"'NumericEquals':{'kms:RotationPeriodInDays':90.0}", DAYS, HOLDS},
    {"'NumericEquals':{'kms:RotationPeriodInDays':'090.000'}", DAYS, HOLDS},
    {"'NumericEquals':{'kms:RotationPeriodInDays':'90.000001'}", DAYS, HOLDS_NOT},
    {"'NumericNotEquals':{'kms:RotationPeriodInDays':'90'}", DAYS, HOLDS_NOT},
    {"'NumericNotEquals':{'kms:RotationPeriodInDays':['91','90']}", DAYS, HOLDS_NOT},
    {"'NumericNotEquals':{'kms:RotationPeriodInDays':'91'}", DAYS, HOLDS},
    {"'NumericLessThan':{'kms:RotationPeriodInDays':'90'}", DAYS, HOLDS_NOT},
    {"'NumericLessThan':{'kms:RotationPeriodInDays':'100'}", DAYS, HOLDS},
    {"'NumericLessThanEquals':{'kms:RotationPeriodInDays':'90'}", DAYS, HOLDS},
    {"'NumericLessThanEquals':{'kms:RotationPeriodInDays':'89.9'}", DAYS, HOLDS_NOT},
    {"'NumericGreaterThan':{'kms:RotationPeriodInDays':'90'}", DAYS, HOLDS_NOT},
    {"'NumericGreaterThan':{'kms:RotationPeriodInDays':'-100'}", DAYS, HOLDS},
    {"'NumericGreaterThanEquals':{'kms:RotationPeriodInDays':'90'}", DAYS, HOLDS},
    {"'NumericGreaterThanEquals':{'kms:RotationPeriodInDays':'90.1'}", DAYS, HOLDS_NOT},
    {"'NumericLessThan':{'kms:RotationPeriodInDays':['10','100']}", DAYS, HOLDS},
    {"'NumericLessThan':{'kms:RotationPeriodInDays':'many'}", DAYS, UNDECIDED},
    {"'NumericNotEquals':{'kms:RotationPeriodInDays':'many'}", DAYS, UNDECIDED},
    {"'NumericNotEquals':{'kms:RotationPeriodInDays':'90'}", "kms:RotationPeriodInDays=many", UNDECIDED},
    {"'NumericLessThan':{'kms:RotationPeriodInDays':['many','100']}", DAYS, HOLDS},
    {"'NumericNotEquals':{'kms:RotationPeriodInDays':['many','90']}", DAYS, HOLDS_NOT},
    {"'NumericLessThanIfExists':{'kms:RotationPeriodInDays':'many'}", NULL, HOLDS},

    /* dates */
    {"'DateLessThan':{'aws:CurrentTime':'2026-11-23T10:00:01Z'}", NOW, HOLDS},
    {"'DateLessThan':{'aws:CurrentTime':'2026-11-23T10:00:00Z'}", NOW, HOLDS_NOT},
    {"'DateLessThanEquals':{'aws:CurrentTime':'2026-11-23T10:00:00Z'}", NOW, HOLDS},
    {"'DateGreaterThan':{'aws:CurrentTime':'2026-11-23T09:59:59.999Z'}", NOW, HOLDS},
    {"'DateGreaterThan':{'aws:CurrentTime':'2026-11-23'}", NOW, HOLDS},
    {"'DateGreaterThanEquals':{'aws:CurrentTime':'2026-11-24'}", NOW, HOLDS_NOT},
    {"'DateEquals':{'aws:CurrentTime':'2026-11-23T11:00:00+01:00'}", NOW, HOLDS},
    {"'DateEquals':{'aws:CurrentTime':'1795428000'}", NOW, HOLDS},
    {"'DateEquals':{'aws:CurrentTime':1795428000}", NOW, HOLDS},
    {"'DateNotEquals':{'aws:CurrentTime':'1795428000'}", NOW, HOLDS_NOT},
    {"'NumericGreaterThan':{'aws:EpochTime':'1795427999'}", "aws:EpochTime=1795428000", HOLDS},
    {"'DateEquals':{'aws:EpochTime':'2026-11-23T10:00:00Z'}", "aws:EpochTime=1795428000", HOLDS},
    {"'DateLessThan':{'aws:CurrentTime':'tomorrow'}", NOW, UNDECIDED},
    {"'DateNotEquals':{'aws:CurrentTime':'tomorrow'}", NOW, UNDECIDED},
    {"'NumericLessThan':{'aws:CurrentTime':'1795428001'}", NOW, UNDECIDED},

    /* booleans */
    {"'Bool':{'aws:SecureTransport':'true'}", TLS, HOLDS},
    {"'Bool':{'aws:SecureTransport':true}", TLS, HOLDS},
    {"'Bool':{'aws:SecureTransport':'TRUE'}", TLS, HOLDS},
    {"'Bool':{'aws:SecureTransport':'false'}", TLS, HOLDS_NOT},
    {"'Bool':{'aws:SecureTransport':['true','false']}", TLS, HOLDS},
    {"'Bool':{'aws:SecureTransport':'yes'}", TLS, UNDECIDED},
    {"'Bool':{'aws:username':'true'}", USER, UNDECIDED},

    /* binary: what the base64 stands for */
    {"'BinaryEquals':{'aws:username':'QmluYXJ5'}", "aws:username=Binary", HOLDS},
    {"'BinaryEquals':{'aws:username':'QmluYXJ6'}", "aws:username=Binary", HOLDS_NOT},
    {"'BinaryEquals':{'aws:username':'QmluYXJ5'}", "aws:username=QmluYXJ5", HOLDS_NOT},

    /* addresses */
    {"'IpAddress':{'aws:SourceIp':'10.0.0.0/8'}", FROM, HOLDS},
    {"'IpAddress':{'aws:SourceIp':'10.9.9.9/8'}", FROM, HOLDS},
    {"'IpAddress':{'aws:SourceIp':'11.0.0.0/8'}", FROM, HOLDS_NOT},
    {"'IpAddress':{'aws:SourceIp':'10.1.2.3'}", FROM, HOLDS},
    {"'IpAddress':{'aws:SourceIp':'10.1.2.2/31'}", FROM, HOLDS},
    {"'IpAddress':{'aws:SourceIp':'10.1.2.4/31'}", FROM, HOLDS_NOT},
    {"'IpAddress':{'aws:SourceIp':'0.0.0.0/0'}", FROM, HOLDS},
    {"'IpAddress':{'aws:SourceIp':['192.0.2.0/24','10.0.0.0/8']}", FROM, HOLDS},
    {"'IpAddress':{'aws:SourceIp':'::/0'}", FROM, HOLDS_NOT},
    {"'NotIpAddress':{'aws:SourceIp':'10.0.0.0/8'}", FROM, HOLDS_NOT},
    {"'NotIpAddress':{'aws:SourceIp':['192.0.2.0/24','10.0.0.0/8']}", FROM, HOLDS_NOT},
    {"'NotIpAddress':{'aws:SourceIp':'192.0.2.0/24'}", FROM, HOLDS},
    {"'IpAddress':{'aws:SourceIp':'2001:db8::/32'}", "aws:SourceIp=2001:db8:1::5", HOLDS},
    {"'IpAddress':{'aws:SourceIp':'2001:db8::/32'}", "aws:SourceIp=2001:db9::5", HOLDS_NOT},
    {"'IpAddress':{'aws:SourceIp':'2001:DB8:0:0::/33'}", "aws:SourceIp=2001:db8:8000::", HOLDS_NOT},
    {"'IpAddress':{'aws:SourceIp':'10.0.0.0/8'}", "aws:SourceIp=::ffff:10.1.2.3", HOLDS},
    {"'IpAddress':{'aws:SourceIp':'::ffff:10.0.0.0/104'}", FROM, HOLDS},
    {"'IpAddress':{'aws:SourceIp':'10.0.0.0/33'}", FROM, UNDECIDED},
    {"'IpAddress':{'aws:SourceIp':'10.0.0'}", FROM, UNDECIDED},
    {"'NotIpAddress':{'aws:SourceIp':'10.0.0.x/8'}", FROM, UNDECIDED},
    {"'NotIpAddress':{'aws:SourceIp':'10.0.0.0/8'}", "aws:SourceIp=AWS Internal", UNDECIDED},
    {"'IpAddress':{'aws:SourceIp':'10.0.0.0/8'}", "aws:SourceIp=10.1.2.3/8", UNDECIDED},

    /* ARNs */
    {"'ArnEquals':{'kms:GranteePrincipal':'arn:aws:iam::111122223333:role/x/y'}", GRANTEE, HOLDS},
    {"'ArnEquals':{'kms:GranteePrincipal':'arn:aws:iam::*:role/x/?'}", GRANTEE, HOLDS},
    {"'ArnLike':{'kms:GranteePrincipal':'arn:aws:iam::111122223333:role/*'}", GRANTEE, HOLDS},
    {"'ArnLike':{'kms:GranteePrincipal':'arn:aws:iam::111122223333:user/*'}", GRANTEE, HOLDS_NOT},
    {"'ArnLike':{'kms:GranteePrincipal':'arn:*:role/x/y'}", GRANTEE, HOLDS_NOT},
    {"'ArnLike':{'kms:GranteePrincipal':'arn:aws:iam'}", GRANTEE, HOLDS},
    {"'ArnLike':{'kms:GranteePrincipal':'arn:aws:sts'}", GRANTEE, HOLDS_NOT},
    {"'ArnLike':{'kms:GranteePrincipal':'*'}", GRANTEE, HOLDS},
    {"'ArnLike':{'kms:GranteePrincipal':'arn:aws:iam::*:*'}", "kms:GranteePrincipal=s3.amazonaws.com",
        HOLDS_NOT},
    {"'ArnNotLike':{'kms:GranteePrincipal':'arn:aws:iam::111122223333:*'}", GRANTEE, HOLDS_NOT},
    {"'ArnNotEquals':{'kms:GranteePrincipal':'arn:aws:iam::444455556666:*'}", GRANTEE, HOLDS},
    {"'ArnNotEquals':{'kms:GranteePrincipal':'arn:aws:iam::444455556666:*'}",
        "kms:GranteePrincipal=s3.amazonaws.com", HOLDS},
    {"'ArnEquals':{'kms:GranteePrincipal':'${aws:PrincipalArn}'}",
        GRANTEE "\naws:PrincipalArn=arn:aws:iam::111122223333:role/x/y", HOLDS},
    {"'ArnEquals':{'kms:GranteePrincipal':'${aws:PrincipalArn}'}",
        GRANTEE "\naws:PrincipalArn=arn:aws:iam::111122223333:role/*", HOLDS_NOT},
    {"'ArnEquals':{'kms:GranteePrincipal':'arn:aws:iam::${aws:PrincipalAccount}:role/x/y'}",
        GRANTEE "\naws:PrincipalAccount=111122223333", HOLDS},

    /* keys with several values, without a set operator */
    {"'StringEquals':{'kms:GrantOperations':'Encrypt'}", OPERATIONS, UNDECIDED},
    {"'StringEquals':{'kms:GrantOperations':['Decrypt','Encrypt']}", OPERATIONS, HOLDS},
    {"'StringEquals':{'kms:GrantOperations':'Sign'}", OPERATIONS, HOLDS_NOT},
    {"'StringNotEquals':{'kms:GrantOperations':'Encrypt'}", OPERATIONS, UNDECIDED},
    {"'StringNotEquals':{'kms:GrantOperations':'Sign'}", OPERATIONS, HOLDS},

    /* ... with one */
    {"'ForAllValues:StringEquals':{'kms:GrantOperations':['Decrypt','Encrypt','Sign']}", OPERATIONS, HOLDS},
    {"'ForAllValues:StringEquals':{'kms:GrantOperations':'Encrypt'}", OPERATIONS, HOLDS_NOT},
    {"'ForAllValues:StringEquals':{'kms:GrantOperations':'Encrypt'}", NULL, HOLDS},
    {"'ForAllValues:StringNotEquals':{'kms:GrantOperations':'Sign'}", OPERATIONS, HOLDS},
    {"'ForAllValues:StringNotEquals':{'kms:GrantOperations':'Encrypt'}", OPERATIONS, HOLDS_NOT},
    {"'ForAnyValue:StringEquals':{'kms:GrantOperations':'Encrypt'}", OPERATIONS, HOLDS},
    {"'ForAnyValue:StringEquals':{'kms:GrantOperations':'Sign'}", OPERATIONS, HOLDS_NOT},
    {"'ForAnyValue:StringEquals':{'kms:GrantOperations':'Encrypt'}", NULL, HOLDS_NOT},
    {"'ForAnyValue:StringNotEquals':{'kms:GrantOperations':'Encrypt'}", OPERATIONS, HOLDS},
    {"'ForAnyValue:StringNotEquals':{'kms:GrantOperations':'Encrypt'}", NULL, HOLDS_NOT},
    {"'ForAnyValue:StringEqualsIfExists':{'kms:GrantOperations':'Encrypt'}", NULL, HOLDS},
    {"'foranyvalue:StringLike':{'kms:GrantOperations':'Dec*'}", OPERATIONS, HOLDS},
    {"'ForAllValues:StringEquals':{'aws:username':'alice'}", USER, HOLDS},
    {"'ForAllValues:NumericLessThan':{'kms:RotationPeriodInDays':'x'}", DAYS, UNDECIDED},

    /* keys with a name */
    {"'StringEquals':{'kms:EncryptionContext:App':'pay'}", "kms:EncryptionContext:App=pay", HOLDS},
    {"'StringEquals':{'kms:encryptioncontext:aPP':'pay'}", "kms:EncryptionContext:App=pay", HOLDS},
    {"'StringEquals':{'kms:EncryptionContext:App':'Pay'}", "kms:EncryptionContext:App=pay", HOLDS_NOT},
    {"'StringEquals':{'kms:EncryptionContext:aws:s3:arn':'x'}", "kms:EncryptionContext:aws:s3:arn=x", HOLDS},
    {"'StringEquals':{'aws:ResourceTag/team':'red'}", "aws:ResourceTag/team=red", HOLDS},
    {"'StringEquals':{'aws:ResourceTag/team':'red'}", "aws:PrincipalTag/team=red", HOLDS_NOT},

    /* variables */
    {"'StringEquals':{'aws:PrincipalTag/owner':'${aws:username}'}", USER "\naws:PrincipalTag/owner=alice",
        HOLDS},
    {"'StringEquals':{'aws:PrincipalTag/owner':'${aws:username}'}", "aws:PrincipalTag/owner=alice",
        HOLDS_NOT},
    {"'StringNotEquals':{'aws:PrincipalTag/owner':'${aws:username}'}", "aws:PrincipalTag/owner=alice", HOLDS},
    {"'DateEquals':{'aws:CurrentTime':'${aws:CurrentTime}'}", NOW, UNDECIDED},
    {"'StringEquals':{'aws:CurrentTime':'${aws:CurrentTime}'}", NOW, HOLDS},
    {"'StringEquals':{'aws:CurrentTime':'${aws:EpochTime}'}", NOW "\naws:EpochTime=1795428000", HOLDS_NOT},
};

static const char *evaluate(const char *condition, const char *values)
{
    static const char *const effects[] = {"Allow", "Deny"};
    static char result[3];
    char text[1024];

    for (unsigned i = 0; i < 2; i++) {
        KW_POLICY struct kw_policy *policy = NULL;
        struct kw_rig_request rig;

        snprintf(text, sizeof(text),
            "{'Version':'2012-10-17','Statement':{'Effect':'%s','Action':'*','Resource':'*',"
            "'Condition':{%s}}}",
            effects[i], condition);
        for (char *c = text; *c != '\0'; c++)
            *c = *c == '\'' ? '"' : *c;
        policy = kw_rig_policy(KW_POLICY_IDENTITY, text);
        kw_rig_ask(&rig, &kw_rig_user, "kms:Encrypt", KW_RIG_KEY, values);
        result[i] = kw_rig_verdict(policy, &rig)[0] == '\0' ? '.' : effects[i][0];
    }
    return result;
}

START_TEST(test_case)
{
    const char *result = evaluate(cases[_i].condition, cases[_i].values);

    ck_assert_msg(strcmp(result, cases[_i].expected) == 0, "%s with %s: %s", cases[_i].condition,
        cases[_i].values, result);
}
END_TEST

START_TEST(test_operators)
{
    static const char *const bad[] = {"", "StringEqual", "IfExists", "NullIfExists", "Nulls",
        "ForAllValues:", "ForAllValues:ForAnyValue:Bool", "ForSomeValues:Bool", "BoolIfExistsIfExists",
        "NotBool", "StringNotEqualsIgnorecas"};
    struct kw_policy_operator operator;

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(!kw_policy_operator_parse(kw_bytes_str(bad[i]), &operator), "%s", bad[i]);
    ck_assert(kw_policy_operator_parse(KW_LIT("FORALLVALUES:numericgreaterthanequalsIFEXISTS"), &operator));
    ck_assert_int_eq(operator.class, KW_CLASS_NUMBER);
    ck_assert_int_eq(operator.relation, KW_RELATION_GREATER_EQUAL);
    ck_assert_int_eq(operator.set, KW_SET_ALL);
    ck_assert(operator.if_exists && !operator.negated);
    ck_assert(kw_policy_operator_parse(KW_LIT("ForAnyValue:Null"), &operator));
    ck_assert_int_eq(operator.class, KW_CLASS_NULL);
}
END_TEST

static bool endless(struct kw_policy_request *request, enum kw_condkey key, struct kw_bytes name,
    size_t index, struct kw_bytes *ret)
{
    (void)request;
    (void)key;
    (void)name;
    (void)index;
    *ret = KW_LIT("x");
    return true;
}

/* A request whose values have no end is left undecided in bounded time. */
START_TEST(test_endless_values)
{
    static const char *const texts[] = {
        "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":"
        "{\"StringEquals\":{\"kms:GrantOperations\":\"x\"}}}}",
        "{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":"
        "{\"StringNotEquals\":{\"kms:GrantOperations\":\"x\"}}}}"};
    static const char *const expected[] = {"", "D"};

    for (unsigned i = 0; i < 2; i++) {
        KW_POLICY struct kw_policy *policy = kw_rig_policy(KW_POLICY_IDENTITY, texts[i]);
        struct kw_rig_request rig;

        kw_rig_ask(&rig, &kw_rig_user, "kms:Encrypt", KW_RIG_KEY, NULL);
        rig.request.value_at = endless;
        ck_assert_str_eq(kw_rig_verdict(policy, &rig), expected[i]);
    }
}
END_TEST

/* One of a thousand values, which is not the first that is passed over. */
static bool laborious(struct kw_policy_request *request, enum kw_condkey key, struct kw_bytes name,
    size_t index, struct kw_bytes *ret)
{
    size_t *asked = request->arg;

    (void)key;
    (void)name;
    ++*asked;
    request->looked += index + 1;
    *ret = KW_LIT("x");
    return index < 1000;
}

/* Values that take long to find use up the steps, whether they are compared or stand for a variable: then all
 * is undecided, and no value is asked for any more. */
START_TEST(test_laborious_values)
{
    static const char *const keys[] = {
        "\"kms:EncryptionContext:a\":\"x\"", "\"kms:EncryptionContext:a\":[\"y${aws:RequestTag/a}\",\"x\"]"};
    static char text[10000];

    for (unsigned i = 0; i < 4; i++) {
        bool allows = i % 2 == 0;
        int len = snprintf(text, sizeof(text), "{\"Version\":\"2012-10-17\",\"Statement\":[");

        for (unsigned k = 0; k < 40; k++)
            len += snprintf(text + len, sizeof(text) - (size_t)len,
                "%s{\"Effect\":\"%s\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"%s\":{%s},"
                "\"Bool\":{\"aws:SecureTransport\":\"%s\"}}}",
                k == 0 ? "" : ",", allows ? "Allow" : "Deny",
                allows ? "ForAllValues:StringEquals" : "ForAnyValue:StringNotEquals", keys[i / 2],
                k < 39 ? "false" : "true");
        snprintf(text + len, sizeof(text) - (size_t)len, "]}");
        KW_POLICY struct kw_policy *policy = kw_rig_policy(KW_POLICY_IDENTITY, text);
        struct kw_rig_request rig;
        size_t asked = 0;

        kw_rig_ask(&rig, &kw_rig_user, "kms:Encrypt", KW_RIG_KEY, "aws:SecureTransport=true");
        rig.request.value_at = laborious;
        rig.request.arg = &asked;
        ck_assert_str_eq(kw_rig_verdict(policy, &rig), allows ? "" : "D");
        ck_assert_uint_lt(asked, 30000);
    }
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_case, 0, KW_ARRAY_LEN(cases));
    tcase_add_test(tests, test_operators);
    tcase_add_test(tests, test_endless_values);
    tcase_add_test(tests, test_laborious_values);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("policy_condition", add, 30);
}
