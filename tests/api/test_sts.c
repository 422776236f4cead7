/* GetCallerIdentity: which requests are STS's, and its answers and errors as documents. */
#include "api/sts.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <string.h>

#define REQUEST_ID "11111111-2222-3333-4444-555555555555"

static struct kw_exchange exchange;
static struct kw_call call;

static void set_up(void)
{
    memset(&exchange, 0, sizeof(exchange));
    memset(&call, 0, sizeof(call));
    exchange.status = 200;
    exchange.answer = KW_SBUF_INIT(KW_ANSWER_MAX);
    call.exchange = &exchange;
    call.is_sts = true;
    call.message = KW_SBUF_INIT(32 * 1024);
    memcpy(call.request_id, REQUEST_ID, sizeof(call.request_id));
    strcpy(call.identity.arn, "arn:aws:iam::000000000000:user/admin");
    strcpy(call.identity.user_id, "AIDAEXAMPLE");
    strcpy(call.identity.account, "000000000000");
}

static void tear_down(void)
{
    kw_sbuf_done(&exchange.answer);
    kw_sbuf_done(&call.message);
}

static void run(const char *body)
{
    kw_sbuf_reset(&exchange.answer, 0);
    call.error = KW_ERROR_NONE;
    exchange.body = kw_bytes_str(body);
    (void)kw_sts_run(&call);
}

static void assert_answer(const char *expected)
{
    struct kw_bytes got = kw_sbuf_bytes(&exchange.answer);

    ck_assert_msg(kw_bytes_equal(got, kw_bytes_str(expected)), "%.*s", (int)got.len, (const char *)got.ptr);
}

START_TEST(test_identity)
{
    run("Action=GetCallerIdentity&Version=2011-06-15");
    ck_assert_int_eq(call.error, KW_ERROR_NONE);
    ck_assert_str_eq(call.sts_action, "GetCallerIdentity");
    assert_answer("<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
                  "  <GetCallerIdentityResult>\n"
                  "    <Arn>arn:aws:iam::000000000000:user/admin</Arn>\n"
                  "    <UserId>AIDAEXAMPLE</UserId>\n"
                  "    <Account>000000000000</Account>\n"
                  "  </GetCallerIdentityResult>\n"
                  "  <ResponseMetadata>\n"
                  "    <RequestId>" REQUEST_ID "</RequestId>\n"
                  "  </ResponseMetadata>\n"
                  "</GetCallerIdentityResponse>\n");
}
END_TEST

START_TEST(test_refused)
{
    static const struct {
        const char *body;
        enum kw_error error;
        const char *action;
    } rows[] = {
        {"Action=AssumeRole&Version=2011-06-15", KW_ERROR_VALIDATION, "AssumeRole"},
        {"Action=AssumeRoleWithSAML&Version=2011-06-15", KW_ERROR_UNKNOWN_OPERATION, "AssumeRoleWithSAML"},
        {"Action=GetCallerIdentity", KW_ERROR_UNKNOWN_OPERATION, "GetCallerIdentity"},
        {"Action=GetCallerIdentity&Version=2014-11-01", KW_ERROR_UNKNOWN_OPERATION, "GetCallerIdentity"},
        {"Action=getcalleridentity&Version=2011-06-15", KW_ERROR_UNKNOWN_OPERATION, "getcalleridentity"},
        {"Version=2011-06-15", KW_ERROR_UNKNOWN_OPERATION, ""},
        {"", KW_ERROR_UNKNOWN_OPERATION, ""},
        {"Action=%", KW_ERROR_SERIALIZATION, ""},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(rows); i++) {
        call.sts_action[0] = '\0';
        run(rows[i].body);
        ck_assert_int_eq(call.error, rows[i].error);
        ck_assert_str_eq(call.sts_action, rows[i].action);
        ck_assert_uint_eq(exchange.answer.len, 0);
    }
}
END_TEST

/* What is kept of a name for the audit record has a bound, and ends before anything that is not a letter. */
START_TEST(test_long_action)
{
    char body[300] = "Version=2011-06-15&Action=";

    memset(body + strlen(body), 'x', 200);
    run(body);
    ck_assert_int_eq(call.error, KW_ERROR_UNKNOWN_OPERATION);
    ck_assert_uint_eq(strlen(call.sts_action), sizeof(call.sts_action) - 1);
    run("Version=2011-06-15&Action=Get%0a%22evil%22");
    ck_assert_str_eq(call.sts_action, "Get");
    run("Version=2011-06-15&Action=Get%C3%A9");
    ck_assert_str_eq(call.sts_action, "Get");
}
END_TEST

START_TEST(test_error_document)
{
    kw_call_refuse(&call, KW_ERROR_UNKNOWN_OPERATION, "<b>&\"'%s\x01]]>", "\xc3\xa9");
    kw_sbuf_put_str(&exchange.answer, "what had been begun");
    kw_sts_write_error(&call);
    ck_assert_uint_eq(exchange.status, 400);
    assert_answer("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
                  "  <Error>\n"
                  "    <Type>Sender</Type>\n"
                  "    <Code>InvalidAction</Code>\n"
                  "    <Message>&lt;b&gt;&amp;&quot;'???]]&gt;</Message>\n"
                  "  </Error>\n"
                  "  <RequestId>" REQUEST_ID "</RequestId>\n"
                  "</ErrorResponse>\n");
}
END_TEST

START_TEST(test_error_codes)
{
    static const struct {
        enum kw_error error;
        unsigned status;
        const char *code;
    } rows[] = {
        {KW_ERROR_ACCESS_DENIED, 403, "<Code>AccessDenied</Code>"},
        {KW_ERROR_EXPIRED_TOKEN, 403, "<Code>ExpiredToken</Code>"},
        {KW_ERROR_MALFORMED_POLICY, 400, "<Code>MalformedPolicyDocument</Code>"},
        {KW_ERROR_PACKED_POLICY_TOO_LARGE, 400, "<Code>PackedPolicyTooLarge</Code>"},
        {KW_ERROR_VALIDATION, 400, "<Code>ValidationError</Code>"},
        {KW_ERROR_INCOMPLETE_SIGNATURE, 400, "<Code>IncompleteSignature</Code>"},
        {KW_ERROR_INVALID_SIGNATURE, 403, "<Code>SignatureDoesNotMatch</Code>"},
        {KW_ERROR_MISSING_TOKEN, 403, "<Code>MissingAuthenticationToken</Code>"},
        {KW_ERROR_UNRECOGNIZED_CLIENT, 403, "<Code>InvalidClientTokenId</Code>"},
        {KW_ERROR_SERIALIZATION, 400, "<Code>MalformedQueryString</Code>"},
        {KW_ERROR_INTERNAL, 500, "<Type>Receiver</Type>\n    <Code>InternalFailure</Code>"},
        {KW_ERROR_NOT_FOUND, 500, "<Code>InternalFailure</Code>"},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(rows); i++) {
        kw_call_refuse_bare(&call, rows[i].error);
        kw_sts_write_error(&call);
        kw_sbuf_put(&exchange.answer, "", 1);
        ck_assert_uint_eq(exchange.status, rows[i].status);
        ck_assert_ptr_nonnull(strstr((const char *)exchange.answer.ptr, rows[i].code));
    }
}
END_TEST

static bool is_request(const char *content_type)
{
    struct kw_http_request request = {.num_headers = content_type != NULL};

    request.headers[0] = (struct kw_http_header){.name = KW_LIT("Content-Type")};
    if (content_type != NULL)
        request.headers[0].value = kw_bytes_str(content_type);
    return kw_sts_is_request(&request);
}

START_TEST(test_content_types)
{
    ck_assert(is_request("application/x-www-form-urlencoded"));
    ck_assert(is_request("Application/X-WWW-Form-URLEncoded ; charset=utf-8"));
    ck_assert(is_request("application/x-www-form-urlencoded;"));
    ck_assert(!is_request("application/x-amz-json-1.1"));
    ck_assert(!is_request("application/x-www-form-urlencodedx"));
    ck_assert(!is_request(";application/x-www-form-urlencoded"));
    ck_assert(!is_request(""));
    ck_assert(!is_request(NULL));
}
END_TEST

START_TEST(test_regions)
{
    ck_assert(kw_sts_region_valid(KW_LIT("aws-global")));
    ck_assert(kw_sts_region_valid(KW_LIT("us-east-1")));
    ck_assert(!kw_sts_region_valid(KW_LIT("aws-globals")));
    ck_assert(!kw_sts_region_valid(KW_LIT("")));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_identity);
    tcase_add_test(tcase, test_refused);
    tcase_add_test(tcase, test_long_action);
    tcase_add_test(tcase, test_error_document);
    tcase_add_test(tcase, test_error_codes);
    tcase_add_test(tcase, test_content_types);
    tcase_add_test(tcase, test_regions);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("sts", add, 10);
}
