#include "api/sigv4.h"
#include "engine/crypto.h"

#include <check.h>
#include <stdio.h>

enum { TEXT_MAX = 8192 };

static struct kw_sigv4_engine *engine;

static void assert_same(const char *name, struct kw_bytes ours, struct kw_bytes theirs)
{
    ck_assert_msg(kw_bytes_equal(ours, theirs), "%s: '%.*s' is not '%.*s'", name, (int)ours.len,
        (const char *)ours.ptr, (int)theirs.len, (const char *)theirs.ptr);
}

/* ---- what a claim must be ---- */

#define SIGNATURE  "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
#define CREDENTIAL "Credential=AKID/20150830/us-east-1/kms/aws4_request"
#define DATE       "X-Amz-Date: 20150830T123600Z\r\n"
#define AUTH       "Authorization: AWS4-HMAC-SHA256 "
#define SIGNED(h)  AUTH CREDENTIAL ", SignedHeaders=" h ", Signature=" SIGNATURE "\r\n"
#define REQUIRES   "Authorization header requires "

static char head[2 * TEXT_MAX];
static struct kw_http_request parsed;

/* Reads "POST TARGET HTTP/1.1", a Host and these headers into parsed. */
static void parse_head(const char *target, const char *headers)
{
    size_t scanned = 0;
    int len = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: a.example\r\n%s\r\n", target, headers);

    ck_assert_int_eq(kw_http_parse(KW_BYTES(head, (size_t)len), &scanned, &parsed), 0);
}

START_TEST(test_claim)
{
    struct kw_sigv4_claim claim;
    char why[KW_SIGV4_WHY_MAX];

    parse_head("/", DATE "X-Amz-Security-Token: tok\r\n" SIGNED("host;x-amz-date;x-amz-security-token"));
    ck_assert_int_eq(kw_sigv4_parse(&parsed, &claim, why, sizeof(why)), 0);
    assert_same("access_key_id", claim.access_key_id, KW_LIT("AKID"));
    assert_same("scope_date", claim.scope_date, KW_LIT("20150830"));
    assert_same("region", claim.region, KW_LIT("us-east-1"));
    assert_same("service", claim.service, KW_LIT("kms"));
    assert_same("signed_headers", claim.signed_headers, KW_LIT("host;x-amz-date;x-amz-security-token"));
    assert_same("amz_date", claim.amz_date, KW_LIT("20150830T123600Z"));
    assert_same("session_token", claim.session_token, KW_LIT("tok"));
    ck_assert_int_eq(claim.signed_at_ms, INT64_C(1440938160000));
    ck_assert_uint_eq(claim.signature[0], 0x85);
    ck_assert_uint_eq(claim.signature[31], 0xad);
}
END_TEST

static const char *const fine[] = {
    DATE SIGNED("host;x-amz-date"),
    "Date: 20150830T123600Z\r\n" SIGNED("date;host"),
    /* Content-Type may be left out; curl writes it like this. */
    DATE "Content-Type: a/b\r\nX-Amz-Target: t\r\n" SIGNED("host;x-amz-date;x-amz-target"),
    DATE AUTH CREDENTIAL ",SignedHeaders=host;x-amz-date,Signature=" SIGNATURE "\r\n",
    DATE AUTH "  Signature=" SIGNATURE " , " CREDENTIAL ",\tSignedHeaders=host;x-amz-date\r\n",
    DATE "Date: whatever\r\n" SIGNED("host;x-amz-date"),
};

START_TEST(test_fine)
{
    struct kw_sigv4_claim claim;
    char why[KW_SIGV4_WHY_MAX];

    parse_head("/", fine[_i]);
    int r = kw_sigv4_parse(&parsed, &claim, why, sizeof(why));
    ck_assert_msg(r == 0, "%s: %s", fine[_i], why);
}
END_TEST

static const struct {
    const char *headers, *why;
} incomplete[] = {
    {AUTH "\r\n",
        REQUIRES "'Credential' parameter. " REQUIRES "'Signature' parameter. " REQUIRES
                 "'SignedHeaders' parameter. " REQUIRES
                 "existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256"},
    {DATE AUTH CREDENTIAL "\r\n", REQUIRES "'Signature' parameter. " REQUIRES
                                           "'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256"},
    {SIGNED("host"),
        REQUIRES "existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256"},
    {DATE AUTH "Credential=, SignedHeaders=host, Signature=" SIGNATURE "\r\n",
        REQUIRES "'Credential' parameter. Authorization=AWS4-HMAC-SHA256"},
    {DATE "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n",
        "Unsupported AWS 'algorithm', 'AWS4-HMAC-SHA256' is required."},
    {DATE "Authorization: " SIGNATURE "\r\n", "Unsupported AWS 'algorithm', 'AWS4-HMAC-SHA256' is required."},
    {DATE "Authorization: AWS4-HMAC-SHA256" CREDENTIAL "\r\n",
        "Unsupported AWS 'algorithm', 'AWS4-HMAC-SHA256' is required."},
    {DATE SIGNED("host;x-amz-date") SIGNED("host;x-amz-date"),
        "The header 'Authorization' is in the request twice."},
    {DATE AUTH SIGNATURE "\r\n",
        "Authorization header has a part that is not a valid key=value pair (missing equal-sign)."},
    {DATE AUTH CREDENTIAL ",,Signature=" SIGNATURE "\r\n",
        "Authorization header has a part that is not a valid key=value pair (missing equal-sign)."},
    {DATE AUTH CREDENTIAL ", Signatur=" SIGNATURE "\r\n",
        "Authorization header has an unknown parameter 'Signatur'."},
    {DATE AUTH CREDENTIAL ", " CREDENTIAL "\r\n",
        "Authorization header has the parameter 'Credential' twice."},
    /* A comma left out: what follows must not be quoted. */
    {DATE AUTH "Credential=AKID/20150830/us-east-1/kms Signature=" SIGNATURE
               ", SignedHeaders=host, Signature=" SIGNATURE "\r\n",
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got "
        "'AKID/20150830/us-east-1/kms'"},
    {DATE AUTH CREDENTIAL " Signature=" SIGNATURE ", SignedHeaders=host, Signature=" SIGNATURE "\r\n",
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4_request'."},
    {DATE AUTH "Credential=AKID/20150830/us-east-1/kms/aws5, SignedHeaders=host, Signature=" SIGNATURE "\r\n",
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'."},
    {DATE AUTH
        "Credential=AK-ID/20150830/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=" SIGNATURE
        "\r\n",
        "Credential has no valid access key id."},
    {DATE AUTH "Credential=AKID/20150830//kms/aws4_request, SignedHeaders=host, Signature=" SIGNATURE "\r\n",
        "Credential should be scoped to a valid region."},
    {DATE AUTH "Credential=AKID/20150830/us-east-1//aws4_request, SignedHeaders=host, Signature=" SIGNATURE
               "\r\n",
        "Credential should be scoped to correct service."},
    {DATE AUTH "Credential=AKID/20150831/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=" SIGNATURE
               "\r\n",
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        "'20150831' != "
        "'20150830', from '20150830T123600Z'."},
    {"X-Amz-Date: Sun, 30 Aug 2015 12:36:00 GMT\r\n" SIGNED("host;x-amz-date"),
        "Date must be in ISO-8601 'basic format'. Got 'Sun'. See http://en.wikipedia.org/wiki/ISO_8601"},
    {"X-Amz-Date: 20150230T123600Z\r\n" SIGNED("host;x-amz-date"),
        "Date must be in ISO-8601 'basic format'. Got '20150230T123600Z'. See "
        "http://en.wikipedia.org/wiki/ISO_8601"},
    {"Date: 20150830T123600Z\r\nDate: 20150830T123600Z\r\n" SIGNED("date;host"),
        "The header 'Date' is in the request twice."},
    {DATE AUTH CREDENTIAL ", SignedHeaders=host;x-amz-date, Signature=85d96828\r\n",
        "'Signature' must be 64 hexadecimal digits."},
    {DATE AUTH CREDENTIAL ", SignedHeaders=host;x-amz-date, Signature=" SIGNATURE "0\r\n",
        "'Signature' must be 64 hexadecimal digits."},
    {DATE SIGNED("x-amz-date"), "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
    {DATE SIGNED("host"), "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."},
    {"Date: 20150830T123600Z\r\n" SIGNED("host"),
        "'Date' must be a 'SignedHeader' in the AWS Authorization."},
    {DATE "X-Amz-Target: t\r\n" SIGNED("host;x-amz-date"),
        "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."},
    {DATE "x-AMZ-security-token: t\r\n" SIGNED("host;x-amz-date"),
        "'x-AMZ-security-token' must be a 'SignedHeader' in the AWS Authorization."},
    {DATE DATE SIGNED("host;x-amz-date"), "The header 'X-Amz-Date' is in the request twice."},
    {DATE SIGNED("x-amz-date;host"), "'SignedHeaders' must be sorted and without repeats, see 'host'."},
    {DATE SIGNED("host;host;x-amz-date"), "'SignedHeaders' must be sorted and without repeats, see 'host'."},
    {DATE SIGNED("Host;x-amz-date"), "'SignedHeaders' must be lower-case, not 'Host'."},
    {DATE SIGNED("host;;x-amz-date"), "'SignedHeaders' has an empty name."},
    {DATE SIGNED("host;x-amz-date;"), "'SignedHeaders' has an empty name."},
    {DATE SIGNED(";host;x-amz-date"), "'SignedHeaders' has an empty name."},
    {DATE SIGNED("host;user-agent;x-amz-date"), "The 'SignedHeader' 'user-agent' is not in the request."},
};

START_TEST(test_incomplete)
{
    struct kw_sigv4_claim claim = {.signed_at_ms = 7};
    char why[KW_SIGV4_WHY_MAX] = "";

    parse_head("/", incomplete[_i].headers);
    ck_assert_int_eq(kw_sigv4_parse(&parsed, &claim, why, sizeof(why)), KW_SIGV4_INCOMPLETE);
    ck_assert_str_eq(why, incomplete[_i].why);
    ck_assert_ptr_null(strstr(why, "85d96828"));
    ck_assert_int_eq(claim.signed_at_ms, 7);

    /* A shorter buffer holds the beginning. */
    char few[16];
    ck_assert_int_eq(kw_sigv4_parse(&parsed, &claim, few, sizeof(few)), KW_SIGV4_INCOMPLETE);
    ck_assert_uint_eq(strlen(few), sizeof(few) - 1);
    ck_assert_mem_eq(few, why, sizeof(few) - 1);
}
END_TEST

START_TEST(test_missing)
{
    struct kw_sigv4_claim claim;
    char why[KW_SIGV4_WHY_MAX] = "";

    parse_head("/", DATE);
    ck_assert_int_eq(kw_sigv4_parse(&parsed, &claim, why, sizeof(why)), KW_SIGV4_MISSING);
    parse_head("/", DATE "Authorization:\r\n");
    ck_assert_int_eq(kw_sigv4_parse(&parsed, &claim, why, sizeof(why)), KW_SIGV4_MISSING);
    parse_head("/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=" SIGNATURE, DATE);
    ck_assert_int_eq(kw_sigv4_parse(&parsed, &claim, why, sizeof(why)), KW_SIGV4_INCOMPLETE);
    ck_assert_str_eq(why, "A signature in the query is not supported, sign with an 'Authorization' header.");
}
END_TEST

/* The longest that any sentence quotes is bounded, and what it quotes is printable. */
START_TEST(test_quotes_bounded)
{
    struct kw_sigv4_claim claim;
    char why[KW_SIGV4_WHY_MAX], headers[TEXT_MAX], long_name[3000];

    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    snprintf(
        headers, sizeof(headers), DATE AUTH "Credential=%s, SignedHeaders=a, Signature=b\r\n", long_name);
    parse_head("/", headers);
    ck_assert_int_eq(kw_sigv4_parse(&parsed, &claim, why, sizeof(why)), KW_SIGV4_INCOMPLETE);
    ck_assert_uint_lt(strlen(why), 200);
    snprintf(
        headers, sizeof(headers), DATE AUTH "Cred\xff\xfe=%s, SignedHeaders=a, Signature=b\r\n", long_name);
    parse_head("/", headers);
    ck_assert_int_eq(kw_sigv4_parse(&parsed, &claim, why, sizeof(why)), KW_SIGV4_INCOMPLETE);
    ck_assert_str_eq(why, "Authorization header has an unknown parameter 'Cred'.");
}
END_TEST

/* ---- verification ---- */

#define SECRET KW_LIT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

static const int64_t signed_at = INT64_C(1440938160000);

/* Signs a request as a client does: the signature goes where SIGNATURE stands. */
static struct kw_sigv4_claim sign_head(const char *target, const char *headers, struct kw_bytes body)
{
    static uint8_t canonical_text[4 * TEXT_MAX];
    uint8_t string_text[512];
    struct kw_buf canonical = KW_BUF(canonical_text, sizeof(canonical_text));
    struct kw_buf string = KW_BUF(string_text, sizeof(string_text));
    struct kw_sigv4_claim claim;
    char why[KW_SIGV4_WHY_MAX];

    parse_head(target, headers);
    ck_assert_int_eq(kw_sigv4_parse(&parsed, &claim, why, sizeof(why)), 0);
    ck_assert_int_eq(
        kw_sigv4_canonical_request(engine, &parsed, body, claim.signed_headers, true, &canonical), 0);
    ck_assert_int_eq(kw_sigv4_string_to_sign(engine, &claim, kw_buf_bytes(&canonical), &string), 0);
    ck_assert_int_eq(kw_sigv4_sign(engine, &claim, SECRET, kw_buf_bytes(&string), claim.signature), 0);
    return claim;
}

static int verify(const struct kw_sigv4_claim *claim, struct kw_bytes body, int64_t now, char *why)
{
    return kw_sigv4_verify(engine, &parsed, body, claim, SECRET, now, why, KW_SIGV4_WHY_MAX);
}

START_TEST(test_verify)
{
    static const char headers[] =
        DATE "X-Amz-Target: TrentService.Encrypt\r\n" SIGNED("host;x-amz-date;x-amz-target");
    struct kw_sigv4_claim claim = sign_head("/", headers, KW_LIT("{}"));
    char why[KW_SIGV4_WHY_MAX] = "";

    ck_assert_int_eq(verify(&claim, KW_LIT("{}"), signed_at, why), 0);
    ck_assert_int_eq(verify(&claim, KW_LIT("{ }"), signed_at, why), KW_SIGV4_MISMATCH);
    ck_assert_int_eq(verify(&claim, KW_BYTES(NULL, 0), signed_at, why), KW_SIGV4_MISMATCH);
    ck_assert_int_eq(
        kw_sigv4_verify(engine, &parsed, KW_LIT("{}"), &claim, KW_LIT("other"), signed_at, why, sizeof(why)),
        KW_SIGV4_MISMATCH);
    for (size_t i = 0; i < 256; i++) {
        struct kw_sigv4_claim wrong = claim;

        wrong.signature[i / 8] ^= (uint8_t)(1u << i % 8);
        ck_assert_int_eq(verify(&wrong, KW_LIT("{}"), signed_at, why), KW_SIGV4_MISMATCH);
    }
    /* Each part of the scope is signed. */
    struct kw_sigv4_claim wrong = claim;
    wrong.region = KW_LIT("us-east-2");
    ck_assert_int_eq(verify(&wrong, KW_LIT("{}"), signed_at, why), KW_SIGV4_MISMATCH);
    wrong = claim;
    wrong.service = KW_LIT("s3");
    ck_assert_int_eq(verify(&wrong, KW_LIT("{}"), signed_at, why), KW_SIGV4_MISMATCH);
    wrong = claim;
    wrong.signed_at_ms += 1000;
    ck_assert_int_eq(verify(&wrong, KW_LIT("{}"), signed_at, why), KW_SIGV4_MISMATCH);
    ck_assert_str_eq(why, "");
}
END_TEST

/* A signature is good for the request that was signed and for no other one. */
START_TEST(test_other_request)
{
    static const char headers[] =
        DATE "X-Amz-Target: TrentService.Encrypt\r\n" SIGNED("host;x-amz-date;x-amz-target");
    static const char target[] =
        DATE "X-Amz-Target: TrentService.Decrypt\r\n" SIGNED("host;x-amz-date;x-amz-target");
    struct kw_sigv4_claim claim = sign_head("/a?b=c", headers, KW_LIT(""));
    char why[KW_SIGV4_WHY_MAX] = "";

    parse_head("/a?b=c", target);
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at, why), KW_SIGV4_MISMATCH);
    parse_head("/b?b=c", headers);
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at, why), KW_SIGV4_MISMATCH);
    parse_head("/a?b=d", headers);
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at, why), KW_SIGV4_MISMATCH);
    parse_head("/a", headers);
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at, why), KW_SIGV4_MISMATCH);
    parse_head("/a?b=c", headers);
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at, why), 0);
    head[0] = 'G'; /* "GOST" */
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at, why), KW_SIGV4_MISMATCH);
}
END_TEST

/* What real clients sent, with what secret. */
static const struct {
    const char *text, *secret;
} recorded[] = {
    /* AWS CLI 1.45 (botocore 1.43) */
    {"POST / HTTP/1.1\r\nHost: 127.0.0.1:44117\r\nAccept-Encoding: identity\r\n"
     "X-Amz-Target: TrentService.ListKeys\r\nContent-Type: application/x-amz-json-1.1\r\n"
     "User-Agent: aws-cli/1.45.11 md/Botocore#1.43.11\r\nX-Amz-Date: 20261123T065257Z\r\n"
     "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/kms/aws4_request, "
     "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
     "Signature=f2dceb70f537d2c5bd9ba6a87b1b36d8ba4e9c6e96aef0efdfc7ff6a75c68fa1\r\n"
     "amz-sdk-invocation-id: 10eea8e6-e9a0-4d57-96d2-3e62d7991fe7\r\namz-sdk-request: attempt=1\r\n"
     "Content-Length: 2\r\n\r\n{}",
        "x"},
    /* curl 7.88.1 --aws-sigv4 */
    {"POST / HTTP/1.1\r\nHost: 127.0.0.1:40647\r\n"
     "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/kms/aws4_request, "
     "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
     "Signature=b05d578b9af566292eba50b802054b9ffae479927f19bb6e51d7068163cde3ac\r\n"
     "X-Amz-Date: 20261123T065256Z\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
     "X-Amz-Target: TrentService.ListKeys\r\nContent-Type: application/x-amz-json-1.1\r\n"
     "Content-Length: 2\r\n\r\n{}",
        "secret"},
};

START_TEST(test_recorded)
{
    struct kw_bytes in = kw_bytes_str(recorded[_i].text);
    char why[KW_SIGV4_WHY_MAX] = "";
    struct kw_sigv4_claim claim;
    size_t scanned = 0;

    ck_assert_int_eq(kw_http_parse(in, &scanned, &parsed), 0);
    struct kw_bytes body = KW_BYTES(in.ptr + parsed.head_len, in.len - parsed.head_len);
    ck_assert_int_eq(kw_sigv4_parse(&parsed, &claim, why, sizeof(why)), 0);
    ck_assert_int_eq(kw_sigv4_verify(engine, &parsed, body, &claim, kw_bytes_str(recorded[_i].secret),
                         claim.signed_at_ms, why, sizeof(why)),
        0);
}
END_TEST

START_TEST(test_body_hash)
{
#define BODY_HASH(h) DATE "X-Amz-Content-Sha256: " h "\r\n" SIGNED("host;x-amz-content-sha256;x-amz-date")
    static const char right[] = BODY_HASH("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    static const char wrong[] = BODY_HASH("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    char why[KW_SIGV4_WHY_MAX] = "";

    struct kw_sigv4_claim claim = sign_head("/", right, KW_LIT("{}"));
    ck_assert_int_eq(verify(&claim, KW_LIT("{}"), signed_at, why), 0);
    claim = sign_head("/", wrong, KW_LIT("{}"));
    ck_assert_int_eq(verify(&claim, KW_LIT("{}"), signed_at, why), KW_SIGV4_MISMATCH);
    claim = sign_head("/", BODY_HASH("UNSIGNED-PAYLOAD"), KW_LIT("{}"));
    ck_assert_int_eq(verify(&claim, KW_LIT("{}"), signed_at, why), KW_SIGV4_MISMATCH);
}
END_TEST

START_TEST(test_freshness)
{
    struct kw_sigv4_claim claim = sign_head("/", DATE SIGNED("host;x-amz-date"), KW_LIT(""));
    char why[KW_SIGV4_WHY_MAX] = "";

    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at + KW_CLOCK_SKEW_MS, why), 0);
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at - KW_CLOCK_SKEW_MS, why), 0);
    ck_assert_str_eq(why, "");
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at + KW_CLOCK_SKEW_MS + 1, why), KW_SIGV4_EXPIRED);
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at - KW_CLOCK_SKEW_MS - 1, why), KW_SIGV4_EARLY);
    ck_assert_int_eq(verify(&claim, KW_LIT(""), INT64_C(1795415700000), why), KW_SIGV4_EXPIRED);
    ck_assert_str_eq(why, "Signature expired: 20150830T123600Z is now earlier than 20261123T063000Z "
                          "(20261123T063500Z - 5 min.)");
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at - 3600 * 1000, why), KW_SIGV4_EARLY);
    ck_assert_str_eq(why, "Signature not yet current: 20150830T123600Z is still later than 20150830T114100Z "
                          "(20150830T113600Z + 5 min.)");
    /* A wrong signature is not told whether it would have been fresh. */
    claim.signature[0] ^= 1;
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at - 3600 * 1000, why), KW_SIGV4_MISMATCH);
}
END_TEST

START_TEST(test_many_parameters)
{
    char target[TEXT_MAX] = "/?";
    size_t len = 2;
    struct kw_sigv4_claim claim;
    char why[KW_SIGV4_WHY_MAX];

    /* More parameters than any request of ours has: refused as one that nobody can have signed. */
    for (size_t i = 0; i < 64; i++)
        len += (size_t)sprintf(target + len, "%zu=%%ff&", 1000 - i);
    claim = sign_head(target, DATE SIGNED("host;x-amz-date"), KW_LIT(""));
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at, why), 0);
    sprintf(target + len, "x");
    parse_head(target, DATE SIGNED("host;x-amz-date"));
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at, why), KW_SIGV4_MISMATCH);
}
END_TEST

/* The largest heads there can be still fit the engine's own buffers. */
START_TEST(test_largest_head)
{
    static char target[TEXT_MAX];
    char why[KW_SIGV4_WHY_MAX];

    memset(target, '!', sizeof(target) - 1);
    target[0] = '/';
    struct kw_sigv4_claim claim = sign_head(target, DATE SIGNED("host;x-amz-date"), KW_LIT(""));
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at, why), 0);
    target[1] = '?';
    claim = sign_head(target, DATE SIGNED("host;x-amz-date"), KW_LIT(""));
    ck_assert_int_eq(verify(&claim, KW_LIT(""), signed_at, why), 0);
}
END_TEST

int main(void)
{
    if (kw_crypto_init() != 0 || kw_sigv4_engine_new(&engine) != 0)
        return 1;

    Suite *suite = suite_create("sigv4");
    TCase *tcase = tcase_create("sigv4");
    tcase_add_test(tcase, test_claim);
    tcase_add_loop_test(tcase, test_fine, 0, (int)KW_ARRAY_LEN(fine));
    tcase_add_loop_test(tcase, test_incomplete, 0, (int)KW_ARRAY_LEN(incomplete));
    tcase_add_test(tcase, test_missing);
    tcase_add_test(tcase, test_quotes_bounded);
    tcase_add_test(tcase, test_verify);
    tcase_add_test(tcase, test_other_request);
    tcase_add_loop_test(tcase, test_recorded, 0, (int)KW_ARRAY_LEN(recorded));
    tcase_add_test(tcase, test_body_hash);
    tcase_add_test(tcase, test_freshness);
    tcase_add_test(tcase, test_many_parameters);
    tcase_add_test(tcase, test_largest_head);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    kw_sigv4_engine_free(engine);
    kw_sigv4_engine_free(NULL);
    return failed == 0 ? 0 : 1;
}
