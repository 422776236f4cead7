/* Key policies: which are taken, how they are shown, which are refused and why. */
#include "api/policydoc.h"

#include "api/json.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

#define ROOT     "\"arn:aws:iam::111122223333:root\""
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

static int normalise(const char *text, struct kw_sbuf *ret, char why[256])
{
    return kw_policydoc_normalise(kw_bytes_str(text), "aws", ret, why, 256);
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
    {"", KW_POLICY_MALFORMED, NULL},
    {"{", KW_POLICY_MALFORMED, ""},
    {"[]", KW_POLICY_MALFORMED, ""},
    {"null", KW_POLICY_MALFORMED, ""},
    {"\"text\"", KW_POLICY_MALFORMED, ""},
    {POLICY(MINE) "x", KW_POLICY_MALFORMED, ""},
    {POLICY(MINE) POLICY(MINE), KW_POLICY_MALFORMED, ""},
    {"{}", KW_POLICY_MALFORMED, "Policy contains no statement."},
    {"{\"Statement\":[]}", KW_POLICY_MALFORMED, "Policy contains no statement."},
    {"{\"Statement\":null}", KW_POLICY_MALFORMED, NULL},
    {"{\"Statement\":\"x\"}", KW_POLICY_MALFORMED, NULL},
    {"{\"Statement\":[[" MINE "]]}", KW_POLICY_MALFORMED, NULL},
    {"{\"statement\":[" MINE "]}", KW_POLICY_MALFORMED, NULL},
    {"{\"Statement\":[" MINE "],\"Statement\":[" MINE "]}", KW_POLICY_MALFORMED, ""},
    {"{\"Version\":\"2012-10-18\",\"Statement\":[" MINE "]}", KW_POLICY_MALFORMED, NULL},
    {"{\"Version\":2012,\"Statement\":[" MINE "]}", KW_POLICY_MALFORMED, NULL},
    {"{\"Id\":1,\"Statement\":[" MINE "]}", KW_POLICY_MALFORMED, NULL},
    {"{\"Comment\":\"x\",\"Statement\":[" MINE "]}", KW_POLICY_MALFORMED,
        "Policy contains an element that is not known: Comment."},

    /* characters */
    {"{\"Id\":\"\xc3\xbf\xc2\xa0\",\"Statement\":" MINE "}", 0, ""},
    {"{\"Id\":\"\\u00ff\\n\\t\",\"Statement\":" MINE "}", 0, ""},
    {"{\"Id\":\"\xc4\x80\",\"Statement\":" MINE "}", KW_POLICY_MALFORMED, ""},
    {"{\"Id\":\"\\u0100\",\"Statement\":" MINE "}", KW_POLICY_MALFORMED, ""},
    {"{\"Id\":\"\\ud83d\\ude00\",\"Statement\":" MINE "}", KW_POLICY_MALFORMED, ""},
    {"{\"Id\":\"\x01\",\"Statement\":" MINE "}", KW_POLICY_MALFORMED, ""},
    {"{\"Id\":\"\xff\",\"Statement\":" MINE "}", KW_POLICY_MALFORMED, ""},
    {"\v" POLICY(MINE), KW_POLICY_MALFORMED, ""},

    /* statements */
    {WITH("1"), KW_POLICY_MALFORMED, NULL},
    {WITH("{}"), KW_POLICY_MALFORMED, NULL},
    {PARTS("\"Action\":\"kms:*\",\"Resource\":\"*\",\"Sid\":\"With blanks\""), 0, ""},
    {PARTS("\"Action\":\"kms:*\",\"Resource\":\"*\",\"Sid\":\"\""), 0, ""},
    {PARTS("\"Action\":\"kms:*\",\"Resource\":\"*\",\"Sid\":1"), KW_POLICY_MALFORMED, NULL},
    {PARTS("\"Action\":\"kms:*\",\"Resource\":\"*\",\"Effekt\":1"), KW_POLICY_MALFORMED, NULL},
    {PARTS("\"Action\":\"kms:*\",\"Action\":\"kms:*\",\"Resource\":\"*\""), KW_POLICY_MALFORMED, ""},
    {"{\"Statement\":["
     "{\"Sid\":\"a\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"},"
     "{\"Sid\":\"a\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
        KW_POLICY_MALFORMED, "Statement IDs (SID) in a single policy must be unique."},
    {WITH("{\"Effect\":\"allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}"),
        KW_POLICY_MALFORMED, NULL},
    {WITH("{\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}"), KW_POLICY_MALFORMED, NULL},

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
    {WITH("{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"}"), KW_POLICY_MALFORMED, NOBODY},
    {PRINCIPAL("{}"), KW_POLICY_MALFORMED, NOBODY},
    {AWS("[]"), KW_POLICY_MALFORMED, NOBODY},
    {PRINCIPAL("\"*\",\"NotPrincipal\":\"*\""), KW_POLICY_MALFORMED, NULL},
    {PRINCIPAL(STRANGER), KW_POLICY_MALFORMED, INVALID},
    {PRINCIPAL("[\"*\"]"), KW_POLICY_MALFORMED, INVALID},
    {PRINCIPAL("{\"aws\":\"*\"}"), KW_POLICY_MALFORMED, INVALID},
    {AWS("1"), KW_POLICY_MALFORMED, INVALID},
    {AWS("{}"), KW_POLICY_MALFORMED, INVALID},
    {AWS("[" STRANGER ",1]"), KW_POLICY_MALFORMED, INVALID},
    {AWS("\"arn:aws:iam::444455556666:user/*\""), KW_POLICY_MALFORMED, INVALID},
    {AWS("\"arn:aws:iam::444455556666:group/g\""), KW_POLICY_MALFORMED, INVALID},
    {AWS("\"arn:aws-cn:iam::444455556666:root\""), KW_POLICY_MALFORMED, INVALID},
    {AWS("\"s3.amazonaws.com\""), KW_POLICY_MALFORMED, INVALID},
    {AWS("\"AIDACKCEVSQ6C2EXAMPLE\""), KW_POLICY_MALFORMED, INVALID},
    {AWS("\"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\""),
        KW_POLICY_MALFORMED, INVALID},
    {PRINCIPAL("{\"Service\":\"*\"}"), KW_POLICY_MALFORMED, INVALID},
    {PRINCIPAL("{\"Service\":" STRANGER "}"), KW_POLICY_MALFORMED, INVALID},
    {PRINCIPAL("{\"Federated\":\"example.com\"}"), KW_POLICY_MALFORMED, INVALID},
    {PRINCIPAL("{\"CanonicalUser\":\"79a59df9\"}"), KW_POLICY_MALFORMED, INVALID},

    /* actions */
    {ACTION("\"*\""), 0, ""},
    {ACTION("[\"kms:Encrypt\",\"kms:Generate?ata*\",\"s3:GetObject\",\"KMS:*\"]"), 0, ""},
    {PARTS("\"NotAction\":\"kms:Decrypt\",\"Resource\":\"*\""), 0, ""},
    {PARTS("\"Resource\":\"*\""), 0, ""},
    {PARTS("\"Action\":\"kms:*\",\"NotAction\":\"kms:*\",\"Resource\":\"*\""), KW_POLICY_MALFORMED, NULL},
    {ACTION("[]"), KW_POLICY_MALFORMED, NULL},
    {ACTION("{}"), KW_POLICY_MALFORMED, NULL},
    {ACTION("true"), KW_POLICY_MALFORMED, NULL},
    {ACTION("\"\""), KW_POLICY_MALFORMED, NULL},
    {ACTION("\"Encrypt\""), KW_POLICY_MALFORMED, NULL},
    {ACTION("\"kms=Encrypt\""), KW_POLICY_MALFORMED, NULL},
    {ACTION("\"kms:\""), KW_POLICY_MALFORMED, NULL},
    {ACTION("\":Encrypt\""), KW_POLICY_MALFORMED, NULL},
    {ACTION("\"k*:Encrypt\""), KW_POLICY_MALFORMED, NULL},
    {ACTION("\"kms:a:b\""), KW_POLICY_MALFORMED, NULL},
    {ACTION("[\"kms:Encrypt\",[\"kms:Decrypt\"]]"), KW_POLICY_MALFORMED, NULL},

    /* resources */
    {RESOURCE("\"arn:aws:kms:us-east-1:111122223333:key/*\""), 0, ""},
    {RESOURCE("[\"*\",\"arn:aws:kms:*:*:*\"]"), 0, ""},
    {PARTS("\"Action\":\"kms:*\",\"NotResource\":\"arn:aws:kms:*:*:alias/x\""), 0, ""},
    {PARTS("\"Action\":\"kms:*\""), 0, ""},
    {RESOURCE("[]"), KW_POLICY_MALFORMED, NULL},
    {RESOURCE("\"\""), KW_POLICY_MALFORMED, NULL},
    {RESOURCE("\"key/x\""), KW_POLICY_MALFORMED, NULL},
    {RESOURCE("null"), KW_POLICY_MALFORMED, NULL},

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
    {CONDITION("[]"), KW_POLICY_MALFORMED, NULL},
    {CONDITION("{\"StringEqual\":{\"a:b\":\"c\"}}"), KW_POLICY_MALFORMED,
        "Policy contains a condition operator that is not known: StringEqual."},
    {CONDITION("{\"IfExists\":{\"a:b\":\"c\"}}"), KW_POLICY_MALFORMED, NULL},
    {CONDITION("{\"NullIfExists\":{\"a:b\":\"c\"}}"), KW_POLICY_MALFORMED, NULL},
    {CONDITION("{\"ForAllValues:ForAnyValue:StringEquals\":{\"a:b\":\"c\"}}"), KW_POLICY_MALFORMED, NULL},
    {CONDITION("{\"StringEquals\":\"a\"}"), KW_POLICY_MALFORMED, NULL},
    {CONDITION("{\"StringEquals\":{\"\":\"c\"}}"), KW_POLICY_MALFORMED, NULL},
    {CONDITION("{\"StringEquals\":{\"a:b\":{}}}"), KW_POLICY_MALFORMED, NULL},
    {CONDITION("{\"StringEquals\":{\"a:b\":[null]}}"), KW_POLICY_MALFORMED, NULL},
};

START_TEST(test_case)
{
    KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    char why[256] = "untouched";
    int r = normalise(cases[_i].text, &shown, why);

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
    ck_assert_int_eq(normalise(cases[_i].text, &shown, why), 0);
    ck_assert_int_eq(kw_policydoc_normalise(kw_sbuf_bytes(&shown), "aws", &again, why, sizeof(why)), 0);
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

    ck_assert_int_eq(normalise(text, &shown, why), 0);
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
    ck_assert_int_eq(kw_policydoc_normalise(kw_sbuf_bytes(&first), "aws", &again, why, sizeof(why)), 0);
    ck_assert(kw_bytes_equal(kw_sbuf_bytes(&first), kw_sbuf_bytes(&again)));
}
END_TEST

/* Principals are of the partition in which the key is. */
START_TEST(test_partition)
{
    KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(4096);
    KW_SBUF struct kw_sbuf first = KW_SBUF_INIT(4096);
    char why[256];

    ck_assert_int_eq(
        kw_policydoc_normalise(KW_LIT(POLICY(MINE)), "aws-cn", &shown, why, 256), KW_POLICY_MALFORMED);
    ck_assert_str_eq(why, INVALID);
    kw_policydoc_default("111122223333", "aws-cn", &first);
    ck_assert_int_eq(kw_policydoc_normalise(kw_sbuf_bytes(&first), "aws-cn", &shown, why, sizeof(why)), 0);
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

        ck_assert_int_eq(normalise(policy_of(KW_POLICYDOC_MAX, fillers[i]), &shown, why), 0);
        ck_assert_int_eq(
            normalise(policy_of(KW_POLICYDOC_MAX + 1, fillers[i]), &shown, why), KW_POLICYDOC_TOO_LONG);
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
    ck_assert_int_eq(normalise(text, &shown, why), 0);
    ck_assert_uint_gt(shown.len, 2 * strlen(text));
    ck_assert_uint_lt(shown.len, KW_POLICYDOC_PRINTED_MAX);
}
END_TEST

/* ---- the other kinds ---- */

#define ID_STATEMENT(parts) "{\"Statement\":{\"Effect\":\"Allow\"," parts "}}"
#define ID_ACTION           "\"Action\":\"kms:*\""
#define ID_RESOURCE         "\"Resource\":\"*\""
#define ID_PRINCIPAL        "\"Principal\":{\"AWS\":" ROOT "}"
#define ID_ASSUME           "\"Action\":\"sts:AssumeRole\""

static const struct {
    enum kw_policy_kind kind;
    const char *text;
    const char *why; /* NULL: it is one */
} kinds[] = {
    {KW_POLICY_IDENTITY, ID_STATEMENT(ID_ACTION "," ID_RESOURCE), NULL},
    {KW_POLICY_SESSION, ID_STATEMENT("\"NotAction\":\"kms:*\",\"NotResource\":\"arn:aws:s3\""), NULL},
    {KW_POLICY_IDENTITY, ID_STATEMENT(ID_ACTION "," ID_RESOURCE "," ID_PRINCIPAL),
        "Policy document should not specify a principal."},
    {KW_POLICY_SESSION, ID_STATEMENT(ID_ACTION "," ID_RESOURCE ",\"NotPrincipal\":\"*\""),
        "Policy document should not specify a principal."},
    {KW_POLICY_IDENTITY, ID_STATEMENT(ID_RESOURCE), "Policy statement must contain actions."},
    {KW_POLICY_IDENTITY, ID_STATEMENT(ID_ACTION), "Policy statement must contain resources."},
    {KW_POLICY_IDENTITY, ID_STATEMENT(ID_ACTION ",\"Resource\":\"key/x\""),
        "Resource must be in ARN format or \"*\"."},
    {KW_POLICY_IDENTITY, "{}", "Policy contains no statement."},
    {KW_POLICY_IDENTITY, "", "Policy contains no statement."},
    {KW_POLICY_IDENTITY, "[]", ""},
    {KW_POLICY_TRUST, ID_STATEMENT(ID_PRINCIPAL "," ID_ASSUME), NULL},
    {KW_POLICY_TRUST, ID_STATEMENT("\"Principal\":\"*\",\"Action\":\"STS:*\""), NULL},
    {KW_POLICY_TRUST,
        ID_STATEMENT("\"Principal\":{\"AWS\":\"arn:aws-cn:iam::111122223333:user/u\"}," ID_ASSUME), NULL},
    {KW_POLICY_TRUST, ID_STATEMENT(ID_ASSUME), NOBODY},
    {KW_POLICY_TRUST, ID_STATEMENT(ID_PRINCIPAL), "Policy statement must contain actions."},
    {KW_POLICY_TRUST, ID_STATEMENT(ID_PRINCIPAL "," ID_ACTION),
        "AssumeRole policy may only specify STS AssumeRole actions."},
    {KW_POLICY_TRUST, ID_STATEMENT(ID_PRINCIPAL ",\"Action\":\"*\""),
        "AssumeRole policy may only specify STS AssumeRole actions."},
    {KW_POLICY_TRUST, ID_STATEMENT(ID_PRINCIPAL "," ID_ASSUME "," ID_RESOURCE),
        "Has prohibited field Resource"},
    {KW_POLICY_TRUST, ID_STATEMENT("\"Principal\":{\"AWS\":\"me\"}," ID_ASSUME), INVALID},
};

START_TEST(test_kind)
{
    KW_JSON json_t *root = NULL;
    char why[256] = "untouched";
    int r = kw_policydoc_parse(kinds[_i].kind, kw_bytes_str(kinds[_i].text), NULL, &root, why, sizeof(why));

    ck_assert_msg(r == (kinds[_i].why == NULL ? 0 : KW_POLICY_MALFORMED), "%s: %s", kinds[_i].text, why);
    ck_assert_str_eq(why, kinds[_i].why == NULL ? "" : kinds[_i].why);
    ck_assert((root != NULL) == (r == 0));
}
END_TEST

START_TEST(test_size_of_kind)
{
    static const struct {
        enum kw_policy_kind kind;
        size_t max;
    } limits[] = {{KW_POLICY_IDENTITY, KW_POLICY_IDENTITY_MAX}, {KW_POLICY_SESSION, KW_POLICY_SESSION_MAX}};
    static char text[KW_POLICY_IDENTITY_MAX + 2];
    char why[256];

    for (size_t i = 0; i < KW_ARRAY_LEN(limits); i++) {
        for (size_t len = limits[i].max; len <= limits[i].max + 1; len++) {
            KW_JSON json_t *root = NULL;

            memset(text, ' ', len);
            memcpy(text, ID_STATEMENT(ID_ACTION "," ID_RESOURCE),
                sizeof(ID_STATEMENT(ID_ACTION "," ID_RESOURCE)) - 1);
            ck_assert_int_eq(
                kw_policydoc_parse(limits[i].kind, KW_BYTES(text, len), NULL, &root, why, sizeof(why)),
                len <= limits[i].max ? 0 : KW_POLICY_MALFORMED);
        }
    }
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_case, 0, KW_ARRAY_LEN(cases));
    tcase_add_loop_test(tests, test_shown_once_and_again, 0, KW_ARRAY_LEN(cases));
    tcase_add_test(tests, test_form);
    tcase_add_test(tests, test_default);
    tcase_add_test(tests, test_partition);
    tcase_add_test(tests, test_size);
    tcase_add_test(tests, test_growth);
    tcase_add_loop_test(tests, test_kind, 0, KW_ARRAY_LEN(kinds));
    tcase_add_test(tests, test_size_of_kind);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("policydoc", add, 30);
}
