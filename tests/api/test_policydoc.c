/* Key policies: which are taken, how they are shown, which are refused and why. */
#include "api/policydoc.h"

#include "api/json.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

#define ROOT     "\"arn:aws:iam::111122223333:root\""
#define ME       "\"arn:aws:iam::111122223333:user/me\""
#define STRANGER "\"arn:aws:iam::444455556666:root\""
#define INVALID  "Policy contains a statement with one or more invalid principals."
#define NOBODY   "Policy contains a statement with no principal"
/* A statement that lets the author in, and what may stand beside it. */
#define MINE               "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":" ROOT "},\"Action\":\"kms:*\",\"Resource\":\"*\"}"
#define POLICY(statements) "{\"Statement\":[" statements "]}"
#define WITH(statement)    POLICY(MINE "," statement)
/* A statement with one of its parts as given. */
#define PRINCIPAL(text)                                                                                      \
    WITH("{\"Effect\":\"Allow\",\"Principal\":" text ",\"Action\":\"kms:Encrypt\",\"Resource\":\"*\"}")
#define AWS(text)       PRINCIPAL("{\"AWS\":" text "}")
#define PARTS(parts)    WITH("{\"Effect\":\"Allow\",\"Principal\":\"*\"," parts "}")
#define ACTION(text)    PARTS("\"Action\":" text ",\"Resource\":\"*\"")
#define RESOURCE(text)  PARTS("\"Action\":\"kms:Encrypt\",\"Resource\":" text)
#define CONDITION(text) PARTS("\"Action\":\"kms:Encrypt\",\"Resource\":\"*\",\"Condition\":" text)
/* Only this one decides whether its author is locked out. */
#define ALONE(principal, action) "{\"Effect\":\"Allow\"," principal "," action ",\"Resource\":\"*\"}"

static const struct kw_policydoc_author me = {
    .arn = "arn:aws:iam::111122223333:user/me", .account = "111122223333", .partition = "aws"};

static int normalise(
    const char *text, const struct kw_policydoc_author *author, struct kw_sbuf *ret, char why[256])
{
    return kw_policydoc_normalise(kw_bytes_str(text), author, ret, why, 256);
}

static const struct {
    const char *text;
    int result;
    const char *why; /* NULL: any but none */
} cases[] = {
    {POLICY(MINE), 0, ""},
    {"{\"Statement\":" MINE "}", 0, ""},
    {"{\"Version\":\"2012-10-17\",\"Id\":\"x\",\"Statement\":[" MINE "]}", 0, ""},
    {"{\"Version\":\"2008-10-17\",\"Statement\":[" MINE "]}", 0, ""},
    {" \r\n\t{ \"Statement\" : [ " MINE " ] } \n", 0, ""},

    /* the document */
    {"", KW_POLICYDOC_MALFORMED, NULL},
    {"{", KW_POLICYDOC_MALFORMED, ""},
    {"[]", KW_POLICYDOC_MALFORMED, ""},
    {"null", KW_POLICYDOC_MALFORMED, ""},
    {"\"text\"", KW_POLICYDOC_MALFORMED, ""},
    {POLICY(MINE) "x", KW_POLICYDOC_MALFORMED, ""},
    {POLICY(MINE) POLICY(MINE), KW_POLICYDOC_MALFORMED, ""},
    {"{}", KW_POLICYDOC_MALFORMED, "Policy contains no statement."},
    {"{\"Statement\":[]}", KW_POLICYDOC_MALFORMED, "Policy contains no statement."},
    {"{\"Statement\":null}", KW_POLICYDOC_MALFORMED, NULL},
    {"{\"Statement\":\"x\"}", KW_POLICYDOC_MALFORMED, NULL},
    {"{\"Statement\":[[" MINE "]]}", KW_POLICYDOC_MALFORMED, NULL},
    {"{\"statement\":[" MINE "]}", KW_POLICYDOC_MALFORMED, NULL},
    {"{\"Statement\":[" MINE "],\"Statement\":[" MINE "]}", KW_POLICYDOC_MALFORMED, ""},
    {"{\"Version\":\"2012-10-18\",\"Statement\":[" MINE "]}", KW_POLICYDOC_MALFORMED, NULL},
    {"{\"Version\":2012,\"Statement\":[" MINE "]}", KW_POLICYDOC_MALFORMED, NULL},
    {"{\"Id\":1,\"Statement\":[" MINE "]}", KW_POLICYDOC_MALFORMED, NULL},
    {"{\"Comment\":\"x\",\"Statement\":[" MINE "]}", KW_POLICYDOC_MALFORMED,
        "Policy contains an element that is not known: Comment."},

    /* characters */
    {"{\"Id\":\"\xc3\xbf\xc2\xa0\",\"Statement\":" MINE "}", 0, ""},
    {"{\"Id\":\"\\u00ff\\n\\t\",\"Statement\":" MINE "}", 0, ""},
    {"{\"Id\":\"\xc4\x80\",\"Statement\":" MINE "}", KW_POLICYDOC_MALFORMED, ""},
    {"{\"Id\":\"\\u0100\",\"Statement\":" MINE "}", KW_POLICYDOC_MALFORMED, ""},
    {"{\"Id\":\"\\ud83d\\ude00\",\"Statement\":" MINE "}", KW_POLICYDOC_MALFORMED, ""},
    {"{\"Id\":\"\x01\",\"Statement\":" MINE "}", KW_POLICYDOC_MALFORMED, ""},
    {"{\"Id\":\"\xff\",\"Statement\":" MINE "}", KW_POLICYDOC_MALFORMED, ""},
    {"\v" POLICY(MINE), KW_POLICYDOC_MALFORMED, ""},

    /* statements */
    {WITH("1"), KW_POLICYDOC_MALFORMED, NULL},
    {WITH("{}"), KW_POLICYDOC_MALFORMED, NULL},
    {PARTS("\"Action\":\"kms:*\",\"Resource\":\"*\",\"Sid\":\"With blanks\""), 0, ""},
    {PARTS("\"Action\":\"kms:*\",\"Resource\":\"*\",\"Sid\":\"\""), 0, ""},
    {PARTS("\"Action\":\"kms:*\",\"Resource\":\"*\",\"Sid\":1"), KW_POLICYDOC_MALFORMED, NULL},
    {PARTS("\"Action\":\"kms:*\",\"Resource\":\"*\",\"Effekt\":1"), KW_POLICYDOC_MALFORMED, NULL},
    {PARTS("\"Action\":\"kms:*\",\"Action\":\"kms:*\",\"Resource\":\"*\""), KW_POLICYDOC_MALFORMED, ""},
    {"{\"Statement\":["
     "{\"Sid\":\"a\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"},"
     "{\"Sid\":\"a\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
        KW_POLICYDOC_MALFORMED, "Statement IDs (SID) in a single policy must be unique."},
    {WITH("{\"Effect\":\"allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}"),
        KW_POLICYDOC_MALFORMED, NULL},
    {WITH("{\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}"), KW_POLICYDOC_MALFORMED, NULL},

    /* principals */
    {PRINCIPAL("\"*\""), 0, ""},
    {AWS("\"*\""), 0, ""},
    {AWS("\"444455556666\""), 0, ""},
    {AWS("[" STRANGER ",\"arn:aws:iam::444455556666:user/x/y\",\"arn:aws:iam::444455556666:role/r\"]"), 0,
        ""},
    {AWS("\"arn:aws:sts::444455556666:assumed-role/r/session\""), 0, ""},
    {PRINCIPAL("{\"Service\":\"logs.amazonaws.com\",\"AWS\":" STRANGER "}"), 0, ""},
    {PRINCIPAL("{\"Service\":[\"logs.amazonaws.com\",\"s3.amazonaws.com\"]}"), 0, ""},
    {PRINCIPAL("{\"Federated\":\"cognito-identity.amazonaws.com\"}"), 0, ""},
    {PRINCIPAL("{\"Federated\":\"arn:aws:iam::111122223333:saml-provider/x\"}"), 0, ""},
    {PRINCIPAL("{\"CanonicalUser\":\"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be\"}"), 0,
        ""},
    {WITH(
         "{\"Effect\":\"Deny\",\"NotPrincipal\":{\"AWS\":" ROOT "},\"Action\":\"kms:*\",\"Resource\":\"*\"}"),
        0, ""},
    {WITH("{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"}"), KW_POLICYDOC_MALFORMED, NOBODY},
    {PRINCIPAL("{}"), KW_POLICYDOC_MALFORMED, NOBODY},
    {AWS("[]"), KW_POLICYDOC_MALFORMED, NOBODY},
    {PRINCIPAL("\"*\",\"NotPrincipal\":\"*\""), KW_POLICYDOC_MALFORMED, NULL},
    {PRINCIPAL(STRANGER), KW_POLICYDOC_MALFORMED, INVALID},
    {PRINCIPAL("[\"*\"]"), KW_POLICYDOC_MALFORMED, INVALID},
    {PRINCIPAL("{\"aws\":\"*\"}"), KW_POLICYDOC_MALFORMED, INVALID},
    {AWS("1"), KW_POLICYDOC_MALFORMED, INVALID},
    {AWS("{}"), KW_POLICYDOC_MALFORMED, INVALID},
    {AWS("[" STRANGER ",1]"), KW_POLICYDOC_MALFORMED, INVALID},
    {AWS("\"arn:aws:iam::444455556666:user/*\""), KW_POLICYDOC_MALFORMED, INVALID},
    {AWS("\"arn:aws:iam::444455556666:group/g\""), KW_POLICYDOC_MALFORMED, INVALID},
    {AWS("\"arn:aws-cn:iam::444455556666:root\""), KW_POLICYDOC_MALFORMED, INVALID},
    {AWS("\"s3.amazonaws.com\""), KW_POLICYDOC_MALFORMED, INVALID},
    {AWS("\"AIDACKCEVSQ6C2EXAMPLE\""), KW_POLICYDOC_MALFORMED, INVALID},
    {AWS("\"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\""),
        KW_POLICYDOC_MALFORMED, INVALID},
    {PRINCIPAL("{\"Service\":\"*\"}"), KW_POLICYDOC_MALFORMED, INVALID},
    {PRINCIPAL("{\"Service\":" STRANGER "}"), KW_POLICYDOC_MALFORMED, INVALID},
    {PRINCIPAL("{\"Federated\":\"example.com\"}"), KW_POLICYDOC_MALFORMED, INVALID},
    {PRINCIPAL("{\"CanonicalUser\":\"79a59df9\"}"), KW_POLICYDOC_MALFORMED, INVALID},

    /* actions */
    {ACTION("\"*\""), 0, ""},
    {ACTION("[\"kms:Encrypt\",\"kms:Generate?ata*\",\"s3:GetObject\",\"KMS:*\"]"), 0, ""},
    {PARTS("\"NotAction\":\"kms:Decrypt\",\"Resource\":\"*\""), 0, ""},
    {PARTS("\"Resource\":\"*\""), 0, ""},
    {PARTS("\"Action\":\"kms:*\",\"NotAction\":\"kms:*\",\"Resource\":\"*\""), KW_POLICYDOC_MALFORMED, NULL},
    {ACTION("[]"), KW_POLICYDOC_MALFORMED, NULL},
    {ACTION("{}"), KW_POLICYDOC_MALFORMED, NULL},
    {ACTION("true"), KW_POLICYDOC_MALFORMED, NULL},
    {ACTION("\"\""), KW_POLICYDOC_MALFORMED, NULL},
    {ACTION("\"Encrypt\""), KW_POLICYDOC_MALFORMED, NULL},
    {ACTION("\"kms=Encrypt\""), KW_POLICYDOC_MALFORMED, NULL},
    {ACTION("\"kms:\""), KW_POLICYDOC_MALFORMED, NULL},
    {ACTION("\":Encrypt\""), KW_POLICYDOC_MALFORMED, NULL},
    {ACTION("\"k*:Encrypt\""), KW_POLICYDOC_MALFORMED, NULL},
    {ACTION("\"kms:a:b\""), KW_POLICYDOC_MALFORMED, NULL},
    {ACTION("[\"kms:Encrypt\",[\"kms:Decrypt\"]]"), KW_POLICYDOC_MALFORMED, NULL},

    /* resources */
    {RESOURCE("\"arn:aws:kms:us-east-1:111122223333:key/*\""), 0, ""},
    {RESOURCE("[\"*\",\"arn:aws:kms:*:*:*\"]"), 0, ""},
    {PARTS("\"Action\":\"kms:*\",\"NotResource\":\"arn:aws:kms:*:*:alias/x\""), 0, ""},
    {PARTS("\"Action\":\"kms:*\""), 0, ""},
    {RESOURCE("[]"), KW_POLICYDOC_MALFORMED, NULL},
    {RESOURCE("\"\""), KW_POLICYDOC_MALFORMED, NULL},
    {RESOURCE("\"key/x\""), KW_POLICYDOC_MALFORMED, NULL},
    {RESOURCE("null"), KW_POLICYDOC_MALFORMED, NULL},

    /* conditions */
    {CONDITION("{}"), 0, ""},
    {CONDITION("{\"StringEquals\":{\"kms:CallerAccount\":\"111122223333\"}}"), 0, ""},
    {CONDITION("{\"StringLikeIfExists\":{\"kms:ViaService\":[\"a.*\",\"b.*\"]},\"Bool\":"
               "{\"kms:GrantIsForAWSResource\":true}}"),
        0, ""},
    {CONDITION("{\"ForAllValues:StringEquals\":{\"kms:GrantOperations\":[\"Encrypt\"]},"
               "\"ForAnyValue:StringLikeIfExists\":{\"aws:TagKeys\":\"x\"}}"),
        0, ""},
    {CONDITION("{\"Null\":{\"kms:EncryptionContext:a\":\"false\"},\"NumericLessThan\":{\"x:y\":365}}"), 0,
        ""},
    {CONDITION("{\"stringequals\":{\"a:b\":\"c\"}}"), 0, ""},
    {CONDITION("[]"), KW_POLICYDOC_MALFORMED, NULL},
    {CONDITION("{\"StringEqual\":{\"a:b\":\"c\"}}"), KW_POLICYDOC_MALFORMED,
        "Policy contains a condition operator that is not known: StringEqual."},
    {CONDITION("{\"IfExists\":{\"a:b\":\"c\"}}"), KW_POLICYDOC_MALFORMED, NULL},
    {CONDITION("{\"NullIfExists\":{\"a:b\":\"c\"}}"), KW_POLICYDOC_MALFORMED, NULL},
    {CONDITION("{\"ForAllValues:ForAnyValue:StringEquals\":{\"a:b\":\"c\"}}"), KW_POLICYDOC_MALFORMED, NULL},
    {CONDITION("{\"StringEquals\":\"a\"}"), KW_POLICYDOC_MALFORMED, NULL},
    {CONDITION("{\"StringEquals\":{\"\":\"c\"}}"), KW_POLICYDOC_MALFORMED, NULL},
    {CONDITION("{\"StringEquals\":{\"a:b\":{}}}"), KW_POLICYDOC_MALFORMED, NULL},
    {CONDITION("{\"StringEquals\":{\"a:b\":[null]}}"), KW_POLICYDOC_MALFORMED, NULL},

    /* who can change it again */
    {POLICY(ALONE("\"Principal\":{\"AWS\":" ME "}", "\"Action\":\"kms:PutKeyPolicy\"")), 0, ""},
    {POLICY(ALONE("\"Principal\":{\"AWS\":\"111122223333\"}", "\"Action\":\"KMS:putkey*\"")), 0, ""},
    {POLICY(ALONE("\"Principal\":\"*\"", "\"Action\":[\"kms:Encrypt\",\"kms:?ut*y\"]")), 0, ""},
    {POLICY(ALONE("\"Principal\":\"*\"", "\"NotAction\":\"kms:Decrypt\"")), 0, ""},
    {POLICY(ALONE("\"NotPrincipal\":{\"AWS\":" STRANGER "}", "\"Action\":\"*\"")), 0, ""},
    {POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":" ROOT "},\"Action\":\"kms:*\",\"Resource\":\"*\","
            "\"Condition\":{\"StringEquals\":{\"a:b\":\"c\"}}}"),
        0, ""},
    {POLICY(ALONE("\"Principal\":{\"AWS\":" ROOT "}", "\"Action\":\"kms:DescribeKey\"")),
        KW_POLICYDOC_LOCKOUT, ""},
    {POLICY(ALONE("\"Principal\":{\"AWS\":" STRANGER "}", "\"Action\":\"kms:*\"")), KW_POLICYDOC_LOCKOUT, ""},
    {POLICY(ALONE("\"Principal\":{\"Service\":\"s3.amazonaws.com\"}", "\"Action\":\"kms:*\"")),
        KW_POLICYDOC_LOCKOUT, ""},
    {POLICY(ALONE("\"Principal\":\"*\"", "\"Action\":\"s3:*\"")), KW_POLICYDOC_LOCKOUT, ""},
    /* no action or no resource: no effect, neither to allow nor to deny */
    {POLICY("{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Resource\":\"*\"}"), KW_POLICYDOC_LOCKOUT, ""},
    {POLICY("{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\"}"), KW_POLICYDOC_LOCKOUT, ""},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Resource\":\"*\"}"), 0, ""},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\"}"), 0, ""},
    {POLICY(ALONE("\"Principal\":\"*\"", "\"NotAction\":\"kms:Put*\"")), KW_POLICYDOC_LOCKOUT, ""},
    {POLICY(ALONE("\"NotPrincipal\":{\"AWS\":" ROOT "}", "\"Action\":\"*\"")), KW_POLICYDOC_LOCKOUT, ""},
    {POLICY("{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"NotResource\":\"*\"}"),
        KW_POLICYDOC_LOCKOUT, ""},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"kms:Put*\",\"Resource\":\"*\"}"),
        KW_POLICYDOC_LOCKOUT, ""},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":" ME "},\"Action\":\"kms:*\",\"Resource\":\"*\"}"),
        KW_POLICYDOC_LOCKOUT, ""},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"kms:Decrypt\",\"Resource\":\"*\"}"), 0, ""},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":" STRANGER "},\"Action\":\"*\",\"Resource\":\"*\"}"),
        0, ""},
    {WITH("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"kms:*\",\"Resource\":\"*\","
          "\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}}}"),
        0, ""},
};

START_TEST(test_case)
{
    KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    char why[256] = "untouched";
    int r = normalise(cases[_i].text, &me, &shown, why);

    ck_assert_msg(r == cases[_i].result, "%s: %d %s", cases[_i].text, r, why);
    if (cases[_i].why != NULL)
        ck_assert_str_eq(why, cases[_i].why);
    else
        ck_assert_msg(why[0] != '\0', "%s", cases[_i].text);
    ck_assert_uint_eq(shown.len > 0, r == 0);
}
END_TEST

/* What is shown is a policy that is shown the same, and says what was sent. */
START_TEST(test_shown_once_and_again)
{
    KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    KW_SBUF struct kw_sbuf again = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    KW_JSON json_t *sent = NULL, *kept = NULL;
    char why[256];

    if (cases[_i].result != 0)
        return;
    ck_assert_int_eq(normalise(cases[_i].text, &me, &shown, why), 0);
    ck_assert_int_eq(kw_policydoc_normalise(kw_sbuf_bytes(&shown), &me, &again, why, sizeof(why)), 0);
    ck_assert(kw_bytes_equal(kw_sbuf_bytes(&shown), kw_sbuf_bytes(&again)));
    ck_assert_int_eq(kw_json_parse(kw_bytes_str(cases[_i].text), &sent), 0);
    ck_assert_int_eq(kw_json_parse(kw_sbuf_bytes(&shown), &kept), 0);
    ck_assert(json_equal(sent, kept));
}
END_TEST

static void assert_shown(const char *text, const char *expected)
{
    KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    char why[256];

    ck_assert_int_eq(normalise(text, &me, &shown, why), 0);
    kw_sbuf_put(&shown, "", 1);
    ck_assert_str_eq((const char *)shown.ptr, expected);
}

START_TEST(test_form)
{
    assert_shown("{\"Statement\":{\"Resource\":\"*\",\"Action\":[\"kms:*\",\"s3:*\"],\"Effect\":\"Allow\","
                 "\"Principal\":{\"AWS\":[" ROOT "]},\"Condition\":{}},\"Id\":\"\\u00e9\\\"/\"}",
        "{\n  \"Statement\" : {\n    \"Resource\" : \"*\",\n    \"Action\" : [ \"kms:*\", \"s3:*\" ],\n"
        "    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n      \"AWS\" : [ " ROOT " ]\n    },\n"
        "    \"Condition\" : { }\n  },\n  \"Id\" : \"\xc3\xa9\\\"/\"\n}");
    assert_shown(
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"},"
        "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":"
        "{\"Bool\":{\"a:b\":[]},\"NumericEquals\":{\"c:d\":-3,\"e:f\":true}}}]}",
        "{\n  \"Statement\" : [ {\n    \"Effect\" : \"Allow\",\n    \"Principal\" : \"*\",\n"
        "    \"Action\" : \"*\",\n    \"Resource\" : \"*\"\n  }, {\n    \"Effect\" : \"Allow\",\n"
        "    \"Principal\" : \"*\",\n    \"Action\" : \"*\",\n    \"Resource\" : \"*\",\n"
        "    \"Condition\" : {\n      \"Bool\" : {\n        \"a:b\" : [ ]\n      },\n"
        "      \"NumericEquals\" : {\n        \"c:d\" : -3,\n        \"e:f\" : true\n      }\n    }\n  } "
        "]\n}");
}
END_TEST

START_TEST(test_default)
{
    KW_SBUF struct kw_sbuf first = KW_SBUF_INIT(4096);
    KW_SBUF struct kw_sbuf again = KW_SBUF_INIT(4096);
    char why[256];

    kw_policydoc_default("111122223333", "aws", &first);
    ck_assert(kw_sbuf_ok(&first) && first.len > 0);
    ck_assert_int_eq(kw_policydoc_normalise(kw_sbuf_bytes(&first), &me, &again, why, sizeof(why)), 0);
    ck_assert(kw_bytes_equal(kw_sbuf_bytes(&first), kw_sbuf_bytes(&again)));
}
END_TEST

/* The check can be left out; the rest cannot. */
START_TEST(test_bypass)
{
    struct kw_policydoc_author author = me;
    KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    char why[256];

    author.bypass = true;
    for (size_t i = 0; i < KW_ARRAY_LEN(cases); i++) {
        int expected = cases[i].result == KW_POLICYDOC_LOCKOUT ? 0 : cases[i].result;

        kw_sbuf_reset(&shown, 0);
        ck_assert_msg(normalise(cases[i].text, &author, &shown, why) == expected, "%s", cases[i].text);
    }
}
END_TEST

/* Principals are of the partition in which the key is; the author has one name in all of them. */
START_TEST(test_partition)
{
    struct kw_policydoc_author author = me;
    KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(4096);
    char why[256];

    author.partition = "aws-cn";
    ck_assert_int_eq(normalise(POLICY(MINE), &author, &shown, why), KW_POLICYDOC_MALFORMED);
    ck_assert_str_eq(why, INVALID);
    kw_policydoc_default("111122223333", "aws-cn", &shown);
    ck_assert_int_eq(kw_policydoc_normalise(kw_sbuf_bytes(&shown), &author, &shown, why, sizeof(why)), 0);
    ck_assert_int_eq(
        normalise(POLICY(ALONE("\"Principal\":{\"AWS\":\"arn:aws-cn:iam::111122223333:user/me\"}",
                      "\"Action\":\"*\"")),
            &author, &shown, why),
        0);
    ck_assert_int_eq(
        normalise(POLICY(ALONE("\"Principal\":{\"AWS\":\"arn:aws-cn:iam::111122223333:user/you\"}",
                      "\"Action\":\"*\"")),
            &author, &shown, why),
        KW_POLICYDOC_LOCKOUT);
}
END_TEST

/* A policy of exactly so many bytes, most of them where they grow the most. */
static char *policy_of(size_t len, const char *filler)
{
    static char text[KW_POLICYDOC_MAX + 2];
    const size_t step = strlen(filler);
    size_t at = (size_t)snprintf(text, sizeof(text), "{\"Statement\":" MINE ",\"Id\":\"");

    for (; at + step + 2 <= len; at += step)
        memcpy(text + at, filler, step);
    while (at + 2 < len)
        text[at++] = 'x';
    memcpy(text + at, "\"}", 3);
    return text;
}

START_TEST(test_size)
{
    static const char *const fillers[] = {"x", "\\b", "\\u0001", "\xc3\xbf", "\\\"", "/"};
    char why[256];

    for (size_t i = 0; i < KW_ARRAY_LEN(fillers); i++) {
        KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);

        ck_assert_int_eq(normalise(policy_of(KW_POLICYDOC_MAX, fillers[i]), &me, &shown, why), 0);
        ck_assert_int_eq(
            normalise(policy_of(KW_POLICYDOC_MAX + 1, fillers[i]), &me, &shown, why), KW_POLICYDOC_TOO_LONG);
    }
}
END_TEST

/* The most members that fit, each on a line of its own and as deep as a policy goes. */
START_TEST(test_growth)
{
    static char text[KW_POLICYDOC_MAX + 64];
    KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    size_t at = (size_t)snprintf(text, sizeof(text),
        "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\","
        "\"Condition\":{\"Bool\":{\"x\":1");
    char why[256];

    for (unsigned i = 0; at + 16 < KW_POLICYDOC_MAX && i < 4000; i++)
        at += (size_t)sprintf(text + at, ",\"%x\":1", i);
    sprintf(text + at, "}}}}");
    ck_assert_int_eq(normalise(text, &me, &shown, why), 0);
    ck_assert_uint_gt(shown.len, 2 * strlen(text));
    ck_assert_uint_lt(shown.len, KW_POLICYDOC_PRINTED_MAX);
}
END_TEST

/* A pattern made to try every way through a long action. */
START_TEST(test_hostile_pattern)
{
    static char text[KW_POLICYDOC_MAX];
    KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    size_t at = (size_t)snprintf(text, sizeof(text),
        "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Resource\":\"*\",\"Action\":\"kms:");
    char why[256];

    for (; at + 64 < sizeof(text); at += 2)
        memcpy(text + at, "*?", 2);
    memcpy(text + at, "\"}}", 4);
    ck_assert_int_eq(normalise(text, &me, &shown, why), KW_POLICYDOC_LOCKOUT);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_case, 0, KW_ARRAY_LEN(cases));
    tcase_add_loop_test(tests, test_shown_once_and_again, 0, KW_ARRAY_LEN(cases));
    tcase_add_test(tests, test_form);
    tcase_add_test(tests, test_default);
    tcase_add_test(tests, test_bypass);
    tcase_add_test(tests, test_partition);
    tcase_add_test(tests, test_size);
    tcase_add_test(tests, test_growth);
    tcase_add_test(tests, test_hostile_pattern);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("policydoc", add, 30);
}
