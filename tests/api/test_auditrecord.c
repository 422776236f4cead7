/* Records put together from pieces are those that the general writer makes, byte for byte, and each is one
 * that the log takes. */
#include "api/auditrecord.h"

#include "api/auditchain.h"
#include "engine/crypto.h"
#include "tests/support/auditrecord_plain.h"
#include "tests/support/suite.h"

#include <stdlib.h>

#define EVENT_ID "0f0e0d0c-0b0a-4908-8706-050403020100"
#define KEY_ARN  "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define NOW_MS   INT64_C(1767322800999)

static struct kw_call call;
static struct kw_exchange exchange;
static struct kw_sbuf record, plain;
static char head[8192];

/* Headers as they are told, also such as no parser lets through. */
static void set_head(const char *target, const char *agent)
{
    struct kw_http_header *headers = exchange.request.headers;

    snprintf(head, sizeof(head), "%s", target);
    snprintf(head + sizeof(head) / 2, sizeof(head) / 2, "%s", agent);
    headers[0] = (struct kw_http_header){KW_LIT("X-Amz-Target"), kw_bytes_str(head)};
    headers[1] = (struct kw_http_header){KW_LIT("User-Agent"), kw_bytes_str(head + sizeof(head) / 2)};
    exchange.request.num_headers = 2;
}

static void set_operation(const char *name, const char *body)
{
    int index = kw_operation_find(kw_bytes_str(name));

    ck_assert_int_ge(index, 0);
    call.operation = kw_operations[index];
    ck_assert_int_eq(kw_document_parse(&call.document, kw_bytes_str(body), &call.input), 0);
    call.valid = true;
}

static void set_identity(enum kw_principal_kind kind, bool temporary)
{
    struct kw_identity *identity = &call.identity;

    identity->kind = kind;
    identity->temporary = temporary;
    identity->issued_ms = NOW_MS - 60000;
    snprintf(identity->access_key_id, sizeof(identity->access_key_id), "AKIAIOSFODNN7EXAMPLE");
    snprintf(identity->account, sizeof(identity->account), "111122223333");
    snprintf(identity->principal_name, sizeof(identity->principal_name), "a-name@of.24+chars=_,x");
    snprintf(identity->user_id, sizeof(identity->user_id), "AROADBQP57FF2AEXAMPLE:a-session");
    snprintf(identity->arn, sizeof(identity->arn), "arn:aws:sts::111122223333:assumed-role/a/a-session");
    snprintf(identity->role_arn, sizeof(identity->role_arn), "arn:aws:iam::111122223333:role/a");
}

static void setup(void)
{
    memset(&call, 0, sizeof(call));
    memset(&exchange, 0, sizeof(exchange));
    call.exchange = &exchange;
    call.message = KW_SBUF_INIT(32 * 1024);
    call.recipient = KW_SBUF_INIT(1024);
    snprintf(call.region, sizeof(call.region), "eu-central-1");
    snprintf(call.request_id, sizeof(call.request_id), "00010203-0405-4607-8809-0a0b0c0d0e0f");
    snprintf(exchange.peer, sizeof(exchange.peer), "2001:db8::1");
    set_identity(KW_PRINCIPAL_ROLE, true);
    set_head("TrentService.GenerateDataKeyPairWithoutPlaintext", "aws-sdk-go-v2/1.30.3 os/linux");
    set_operation("GenerateDataKeyPairWithoutPlaintext", "{\"KeyPairSpec\":\"RSA_2048\",\"KeyId\":\"" KEY_ARN
                                                         "\",\"EncryptionContext\":{\"tenant\":\"t-1\"}}");
    snprintf(call.resources[0].arn, sizeof(call.resources[0].arn), KEY_ARN);
    snprintf(call.resources[0].account, sizeof(call.resources[0].account), "111122223333");
    memset(call.material_id, 0xa5, sizeof(call.material_id));
    call.has_material = true;
}

static void teardown(void)
{
    json_decref(call.sts_request);
    json_decref(call.sts_response);
    kw_document_done(&call.document);
    kw_sbuf_done(&call.message);
    kw_sbuf_done(&call.recipient);
    kw_sbuf_done(&record);
    kw_sbuf_done(&plain);
}

static void expect_same_at(int64_t now_ms)
{
    ck_assert_int_eq(kw_audit_record_write(&call, EVENT_ID, now_ms, &record), 0);
    ck_assert_int_eq(plain_record_write(&call, EVENT_ID, now_ms, &plain), 0);
    ck_assert_msg(kw_bytes_equal(kw_sbuf_bytes(&record), kw_sbuf_bytes(&plain)), "%.*s\n%.*s",
        (int)record.len, (const char *)record.ptr, (int)plain.len, (const char *)plain.ptr);
    ck_assert(kw_auditchain_fits(kw_sbuf_bytes(&record)));
}

static void expect_same(void)
{
    expect_same_at(NOW_MS);
}

static bool record_has(const char *text)
{
    return memmem(record.ptr, record.len, text, strlen(text)) != NULL;
}

START_TEST(a_data_key_pair)
{
    expect_same();
    ck_assert(record_has("\"eventTime\":\"2026-01-02T03:00:00Z\""));
    ck_assert(record_has(
        "\"requestParameters\":{\"encryptionContext\":{\"tenant\":\"t-1\"},\"keyId\":\"" KEY_ARN "\","));
    ck_assert(record_has("\"additionalEventData\":{\"keyMaterialId\":\"a5a5"));
    ck_assert(record_has("\"eventID\":\"" EVENT_ID "\""));
    call.has_material = false;
    expect_same();
    call.resources[1] = call.resources[0];
    expect_same();
    call.resources[0].arn[0] = '\0';
    expect_same();
}
END_TEST

START_TEST(callers_of_all_kinds)
{
    for (unsigned kind = 0; kind < KW_PRINCIPAL_KIND_NUM; kind++) {
        for (int temporary = 0; temporary < 2; temporary++) {
            set_identity((enum kw_principal_kind)kind, temporary == 1);
            expect_same();
            snprintf(call.identity.source_identity, sizeof(call.identity.source_identity), "someone");
            expect_same();
            call.identity.source_identity[0] = '\0';
        }
    }
    snprintf(call.identity.user_id, sizeof(call.identity.user_id), "without-a-colon");
    expect_same();
}
END_TEST

/* Whatever strangers put into what is quoted. */
static const char *const texts[] = {"", "a", "exactly-16-bytes", "seventeen-bytes-x", "\"", "\\", "a\tb",
    "sixteen plain \"ones\" and one behind", "0123456789abcde\"", "0123456789abcdef\"",
    "0123456789abcdef\\0123456789", "0123456789abcdef0123456789abcde\x7f", "\xc3\xa4\xc3\xb6",
    "0123456789abcde\xc3\xa4", "\xff\xfe", "a\xe2\x82", "\xed\xa0\x80 surrogate", "\xf0\x9f\x94\x91 key",
    "0123456789abcdef0123456789ab\xc0\x80"};

START_TEST(texts_of_others_are_escaped)
{
    const char *text = texts[_i];

    set_head("TrentService.X", text);
    snprintf(call.identity.principal_name, sizeof(call.identity.principal_name), "%s", text);
    snprintf(call.identity.source_identity, sizeof(call.identity.source_identity), "%s", text);
    call.error = KW_ERROR_ACCESS_DENIED;
    kw_sbuf_put_str(&call.message, text);
    expect_same();
    call.operation = NULL;
    call.valid = false;
    expect_same();
    set_head(text, "agent");
    expect_same();
}
END_TEST

/* A cut between characters, and text that is longer than what is kept. */
START_TEST(long_texts_are_cut)
{
    char agent[3000];

    for (size_t lead = 0; lead < 4; lead++) {
        memset(agent, 'a', lead);
        for (size_t i = lead; i + 3 < sizeof(agent); i += 3)
            memcpy(agent + i, "\xe2\x82\xac", 4);
        set_head("TrentService.Encrypt", agent);
        call.error = KW_ERROR_VALIDATION;
        kw_sbuf_put_str(&call.message, agent);
        expect_same();
    }
}
END_TEST

START_TEST(errors_have_code_and_message)
{
    for (unsigned error = 0; error < KW_ERROR_NUM; error++) {
        call.error = (enum kw_error)error;
        expect_same();
        kw_sbuf_put_str(&call.message, "User: x is not authorized");
        expect_same();
        kw_sbuf_reset(&call.message, 1024);
    }
}
END_TEST

START_TEST(inputs_of_other_operations)
{
    set_operation("CreateGrant", "{\"KeyId\":\"k\",\"GranteePrincipal\":\"p\",\"Operations\":[\"Decrypt\","
                                 "\"Encrypt\"],\"Constraints\":"
                                 "{\"EncryptionContextSubset\":{\"a\":\"\\u0007\\\"\"}},\"Name\":null,"
                                 "\"GrantTokens\":[],\"RetiringPrincipal\":\"r\"}");
    call.intent = true;
    expect_same();
    ck_assert(record_has("\"intent\":\"CreateGrant\"") && record_has("\"intentOf\":"));
    call.intent = false;
    expect_same();
    set_operation("ScheduleKeyDeletion", "{\"PendingWindowInDays\":7,\"KeyId\":\"k\",\"Unknown\":1.5}");
    expect_same();
    set_operation("Encrypt", "{\"KeyId\":\"k\",\"Plaintext\":\"c2VjcmV0\",\"DryRun\":true}");
    expect_same();
    ck_assert(!record_has("c2VjcmV0"));
    set_operation("ListKeys", "{}");
    expect_same();
    call.valid = false;
    expect_same();
    set_operation("ReEncrypt", "{\"CiphertextBlob\":\"AAAA\",\"DestinationKeyId\":\"k\"}");
    call.has_source_material = true;
    memset(call.source_material_id, 7, sizeof(call.source_material_id));
    expect_same();
    call.has_material = false;
    expect_same();
}
END_TEST

START_TEST(over_tls)
{
    static const struct kw_transport transport = {.version = "TLSv1.3", .cipher = "TLS_AES_128_GCM_SHA256"};
    struct kw_http_header *host = &exchange.request.headers[exchange.request.num_headers++];
    char name[400];

    exchange.transport = &transport;
    *host = (struct kw_http_header){KW_LIT("Host"), KW_LIT("kms.example:8443")};
    expect_same();
    ck_assert(record_has("\"eventCategory\":\"Management\",\"tlsDetails\":{\"tlsVersion\":\"TLSv1.3\","));
    ck_assert(record_has("\"clientProvidedHostHeader\":\"kms.example:8443\"}}"));
    memset(name, 'h', sizeof(name));
    host->value = KW_BYTES(name, sizeof(name));
    expect_same();
}
END_TEST

/* What does not fit is left out, and said so. */
START_TEST(parameters_that_are_too_long)
{
    static char body[KW_AUDIT_RECORD_MAX + 100] = "{\"KeyId\":\"";
    size_t at = strlen(body), end = KW_AUDIT_RECORD_MAX;

    memset(body + at, 'k', end - at);
    memcpy(body + end, "\"}", 3);
    set_operation("DescribeKey", body);
    expect_same();
    ck_assert(record_has("\"requestParameters\":{\"omitted\":true}"));
    memcpy(body + end / 2, "\"}", 3);
    set_operation("DescribeKey", body);
    expect_same();
    ck_assert(!record_has("omitted"));
}
END_TEST

START_TEST(calls_of_sts)
{
    call.is_sts = true;
    call.operation = NULL;
    call.valid = false;
    call.resources[0].arn[0] = '\0';
    expect_same();
    snprintf(call.sts_action, sizeof(call.sts_action), "AssumeRole");
    call.sts_request =
        json_pack("{s:s, s:i}", "roleArn", "arn:aws:iam::111122223333:role/\"x\"", "durationSeconds", 900);
    call.sts_response = json_pack("{s:{s:s}}", "credentials", "accessKeyId", "ASIAX");
    expect_same();
    ck_assert(record_has("\"type\":\"AWS::IAM::Role\""));
    call.error = KW_ERROR_ACCESS_DENIED;
    expect_same();
    ck_assert(!record_has("ASIAX"));
}
END_TEST

/* Days at the ends of months, years and leap years, by another way to the calendar. */
START_TEST(moments)
{
    static const int64_t edges[] = {0, 999, 951782399, 951782400, 951868800, 1709164800, 1709251199,
        1735689599, 1735689600, 4107542399, 4107542400, 253402300799};

    for (size_t i = 0; i < KW_ARRAY_LEN(edges); i++)
        expect_same_at(edges[i] * 1000 + 999);
    srandom(3);
    for (int i = 0; i < 3000; i++)
        expect_same_at((random() * INT64_C(118) + random() % 100) * 1000);
    /* Beyond the calendar it stays one of our texts. */
    ck_assert_int_eq(kw_audit_record_write(&call, EVENT_ID, INT64_MAX, &record), 0);
    ck_assert(record_has("\"eventTime\":\"9999-12-31T23:59:59Z\""));
    ck_assert_int_eq(kw_audit_record_write(&call, EVENT_ID, INT64_MIN, &record), 0);
    ck_assert(record_has("\"eventTime\":\"1970-01-01T00:00:00Z\""));
}
END_TEST

START_TEST(events_of_the_service)
{
    static const uint8_t id[KW_MATERIAL_ID_LEN] = {1, 2, 3};
    struct kw_service_event event = {.name = "DeleteKey",
        .account = "111122223333",
        .region = "eu-central-1",
        .arn = KEY_ARN,
        .key_id = "1234abcd-12ab-34cd-56ef-1234567890ab"};

    for (unsigned i = 0; i < 16; i++) {
        event.material_id = i & 1 ? id : NULL;
        event.previous_material = i & 2 ? id : NULL;
        event.next_material = i & 4 ? id : NULL;
        event.error = i & 8 ? "a \"reason\"" : NULL;
        ck_assert_int_eq(kw_audit_event_write(&event, EVENT_ID, NOW_MS, &record), 0);
        ck_assert_int_eq(plain_event_write(&event, EVENT_ID, NOW_MS, &plain), 0);
        ck_assert(kw_bytes_equal(kw_sbuf_bytes(&record), kw_sbuf_bytes(&plain)));
        ck_assert(kw_auditchain_fits(kw_sbuf_bytes(&record)));
    }
}
END_TEST

static void add(TCase *tcase)
{
    record = plain = KW_SBUF_INIT(KW_AUDIT_RECORD_MAX);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_data_key_pair);
    tcase_add_test(tcase, callers_of_all_kinds);
    tcase_add_loop_test(tcase, texts_of_others_are_escaped, 0, (int)KW_ARRAY_LEN(texts));
    tcase_add_test(tcase, long_texts_are_cut);
    tcase_add_test(tcase, errors_have_code_and_message);
    tcase_add_test(tcase, inputs_of_other_operations);
    tcase_add_test(tcase, over_tls);
    tcase_add_test(tcase, parameters_that_are_too_long);
    tcase_add_test(tcase, calls_of_sts);
    tcase_add_test(tcase, moments);
    tcase_add_test(tcase, events_of_the_service);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("auditrecord", add, 60);
}
