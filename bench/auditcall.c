#include "bench/auditcall.h"

#include "api/auditrecord.h"
#include "api/keyname.h"

#include <stdio.h>

#define OPERATION "GenerateDataKeyPairWithoutPlaintext"
#define ACCOUNT   "111122223333"
#define KEY_ARN   "arn:aws:kms:eu-central-1:" ACCOUNT ":key/1234abcd-12ab-34cd-56ef-1234567890ab"

static const char head[] = "POST / HTTP/1.1\r\n"
                           "Host: kms.eu-central-1.amazonaws.com\r\n"
                           "User-Agent: aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux "
                           "md/GOARCH#amd64 api/kms#1.35.3\r\n"
                           "Content-Length: 190\r\n"
                           "Amz-Sdk-Invocation-Id: 5f6f1e1f-3d0c-4d56-9d8a-0c2f1d8f7a11\r\n"
                           "Amz-Sdk-Request: attempt=1; max=3\r\n"
                           "Content-Type: application/x-amz-json-1.1\r\n"
                           "X-Amz-Date: 20260102T030405Z\r\n"
                           "X-Amz-Target: TrentService." OPERATION "\r\n"
                           "Accept-Encoding: gzip\r\n\r\n";

static void fill_identity(struct kw_identity *identity)
{
    identity->kind = KW_PRINCIPAL_ROLE;
    identity->temporary = true;
    identity->issued_ms = INT64_C(1767322800000);
    snprintf(identity->access_key_id, sizeof(identity->access_key_id), "ASIAIOSFODNN7EXAMPLE");
    snprintf(identity->account, sizeof(identity->account), ACCOUNT);
    snprintf(identity->principal_name, sizeof(identity->principal_name), "payments-service");
    snprintf(identity->session_name, sizeof(identity->session_name), "i-0123456789abcdef0");
    snprintf(identity->user_id, sizeof(identity->user_id), "AROADBQP57FF2AEXAMPLE:i-0123456789abcdef0");
    snprintf(identity->arn, sizeof(identity->arn),
        "arn:aws:sts::" ACCOUNT ":assumed-role/payments-service/i-0123456789abcdef0");
    snprintf(
        identity->role_arn, sizeof(identity->role_arn), "arn:aws:iam::" ACCOUNT ":role/payments-service");
    kw_identity_settle(identity);
}

static void fill_input(struct kw_call *call, unsigned number)
{
    char body[512];
    int len = snprintf(body, sizeof(body),
        "{\"KeyId\":\"" KEY_ARN
        "\",\"KeyPairSpec\":\"RSA_2048\",\"EncryptionContext\":{\"tenant\":\"t-%06u\","
        "\"purpose\":\"session\"}}",
        number);
    int r = kw_document_parse(&call->document, KW_BYTES(body, (size_t)len), &call->input);

    kw_assert(r == 0);
    call->valid = true;
}

static void fill_key(struct kw_call *call)
{
    snprintf(call->resources[0].arn, sizeof(call->resources[0].arn), KEY_ARN);
    snprintf(call->resources[0].account, sizeof(call->resources[0].account), ACCOUNT);
    memset(call->material_id, 0x5a, sizeof(call->material_id));
    call->has_material = true;
}

void kw_auditcall_init(struct kw_auditcall *call, unsigned number)
{
    size_t scanned = 0;
    int r, index = kw_operation_find(KW_LIT(OPERATION));

    *call = (struct kw_auditcall){0};
    kw_assert(index >= 0);
    r = kw_http_parse(KW_BYTES(head, sizeof(head) - 1), &scanned, &call->exchange.request);
    kw_assert(r == 0);
    snprintf(call->exchange.peer, sizeof(call->exchange.peer), "10.20.30.%u", number % 256);
    call->call.exchange = &call->exchange;
    call->call.operation = kw_operations[index];
    call->call.operation_index = (size_t)index;
    snprintf(call->call.region, sizeof(call->call.region), "eu-central-1");
    fill_identity(&call->call.identity);
    fill_input(&call->call, number);
    fill_key(&call->call);
}

void kw_auditcall_done(struct kw_auditcall *call)
{
    kw_document_done(&call->call.document);
    kw_sbuf_done(&call->call.audit_text);
    kw_identity_done(&call->call.identity);
}

static void make_uuid(struct kw_wrapper *wrapper, char ret[37])
{
    uint8_t id[16];
    int r = kw_wrapper_random(wrapper, id, sizeof(id));

    kw_assert(r == 0);
    kw_uuid_make_v4(id);
    kw_uuid_format(id, ret);
    ret[36] = '\0';
}

void kw_auditcall_record(struct kw_auditcall *call, struct kw_wrapper *wrapper, struct kw_mailbox *reply)
{
    int r;

    make_uuid(wrapper, call->call.request_id);
    make_uuid(wrapper, call->call.event_id);
    r = kw_audit_record_write(&call->call, call->call.event_id, kw_wall_ms(), &call->call.audit_text);
    kw_assert(r == 0);
    call->call.audit =
        (struct kw_audit_entry){.body = kw_sbuf_bytes(&call->call.audit_text), .reply = reply, .result = 1};
}
