#include "api/auditrecord.h"

#include <stdio.h>
#include <time.h>

#define USER_AGENT_MAX 1024u
#define MESSAGE_MAX    4096u

static void write_text(struct kw_json_out *out, const char *name, const char *value)
{
    kw_json_key(out, name);
    kw_json_cstring(out, value);
}

static void write_bool(struct kw_json_out *out, const char *name, bool value)
{
    kw_json_key(out, name);
    kw_json_bool(out, value);
}

static void write_cut(struct kw_json_out *out, const char *name, struct kw_bytes text, size_t max)
{
    kw_json_key(out, name);
    kw_json_string(out, kw_bytes_cut(text, max));
}

static void write_identity(struct kw_json_out *out, const struct kw_identity *identity)
{
    kw_json_key(out, "userIdentity");
    kw_json_begin_object(out);
    write_text(out, "type", "IAMUser");
    write_text(out, "principalId", identity->principal_id);
    write_text(out, "arn", identity->arn);
    write_text(out, "accountId", identity->account);
    write_text(out, "accessKeyId", identity->access_key_id);
    write_text(out, "userName", identity->user_name);
    kw_json_end_object(out);
}

static void write_time(struct kw_json_out *out, int64_t now_ms)
{
    time_t seconds = (time_t)(now_ms / 1000);
    char text[32];
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    write_text(out, "eventTime", text);
}

/* Members as CloudTrail names them: the first letter in lower case. */
static void write_member(struct kw_json_out *out, const char *name, const json_t *value)
{
    char key[64];

    snprintf(key, sizeof(key), "%s", name);
    if (key[0] >= 'A' && key[0] <= 'Z')
        key[0] = (char)(key[0] + ('a' - 'A'));
    kw_json_key(out, key);
    kw_json_value(out, value);
}

static void write_parameters(struct kw_json_out *out, const struct kw_call *call)
{
    const struct kw_shape *shape;

    kw_json_key(out, "requestParameters");
    if (!call->valid) {
        kw_json_null(out);
        return;
    }
    shape = call->operation->model->input;
    kw_json_begin_object(out);
    for (size_t i = 0; i < shape->num_members; i++) {
        const json_t *value = json_object_get(call->input, shape->members[i].name);

        if ((shape->members[i].flags & KW_MEMBER_AUDITED) && value != NULL && !json_is_null(value))
            write_member(out, shape->members[i].name, value);
    }
    kw_json_end_object(out);
}

static void write_omitted(struct kw_json_out *out)
{
    kw_json_key(out, "requestParameters");
    kw_json_begin_object(out);
    kw_json_key(out, "omitted");
    kw_json_bool(out, true);
    kw_json_end_object(out);
}

static void write_resources(struct kw_json_out *out, const struct kw_call *call)
{
    if (call->key_arn[0] == '\0')
        return;
    kw_json_key(out, "resources");
    kw_json_begin_array(out);
    kw_json_begin_object(out);
    write_text(out, "accountId", call->key_account);
    write_text(out, "type", "AWS::KMS::Key");
    write_text(out, "ARN", call->key_arn);
    kw_json_end_object(out);
    kw_json_end_array(out);
}

static void write_error(struct kw_json_out *out, const struct kw_call *call)
{
    if (call->error == KW_ERROR_NONE)
        return;
    write_text(out, "errorCode", kw_error_info(call->error)->type);
    if (kw_error_info(call->error)->has_message)
        write_cut(out, "errorMessage", kw_sbuf_bytes(&call->message), MESSAGE_MAX);
}

/* The operation's name as sent, if we have it not: bounded, and escaped like all text. */
/* The record of an intent is no record of a call: it has neither eventName nor requestID, and names the call
 * that it belongs to. */
static void write_request_id(struct kw_json_out *out, const struct kw_call *call)
{
    write_text(out, call->intent ? "intentOf" : "requestID", call->request_id);
}

static void write_event_name(struct kw_json_out *out, const struct kw_call *call)
{
    struct kw_bytes target = kw_http_header(&call->exchange->request, "x-amz-target");

    if (call->intent)
        write_text(out, "intent", call->operation->model->name);
    else if (call->operation != NULL)
        write_text(out, "eventName", call->operation->model->name);
    else if (kw_bytes_starts(target, KW_LIT("TrentService.")))
        write_cut(out, "eventName", KW_BYTES(target.ptr + 13, target.len - 13), 128);
    else
        write_cut(out, "eventName", target.len > 0 ? target : KW_LIT("none"), 128);
}

static void write_record(const struct kw_call *call, const char *region, const uint8_t event_id[16],
    int64_t now_ms, bool with_parameters, struct kw_sbuf *sbuf)
{
    struct kw_json_out out = KW_JSON_OUT(sbuf);
    char uuid[37] = {0};

    kw_uuid_format(event_id, uuid);
    kw_json_begin_object(&out);
    write_text(&out, "eventVersion", "1.11");
    write_identity(&out, &call->identity);
    write_time(&out, now_ms);
    write_text(&out, "eventSource", "kms.amazonaws.com");
    write_event_name(&out, call);
    write_text(&out, "awsRegion", region);
    write_text(&out, "sourceIPAddress", call->exchange->peer);
    write_cut(&out, "userAgent", kw_http_header(&call->exchange->request, "user-agent"), USER_AGENT_MAX);
    write_error(&out, call);
    if (with_parameters)
        write_parameters(&out, call);
    else
        write_omitted(&out);
    kw_json_key(&out, "responseElements");
    kw_json_null(&out);
    if (call->has_material) {
        kw_json_key(&out, "additionalEventData");
        kw_json_begin_object(&out);
        kw_json_key(&out, "keyMaterialId");
        kw_json_hex(&out, KW_BYTES(call->material_id, sizeof(call->material_id)));
        kw_json_end_object(&out);
    }
    write_request_id(&out, call);
    write_text(&out, "eventID", uuid);
    write_bool(&out, "readOnly", call->operation == NULL || call->operation->read_only);
    write_resources(&out, call);
    write_text(&out, "eventType", call->intent ? "KeywellIntent" : "AwsApiCall");
    write_bool(&out, "managementEvent", true);
    write_text(&out, "recipientAccountId", call->identity.account);
    write_text(&out, "eventCategory", "Management");
    kw_json_end_object(&out);
}

int kw_audit_record_write(const struct kw_call *call, const char *region, const uint8_t event_id[16],
    int64_t now_ms, struct kw_sbuf *out)
{
    for (int with_parameters = 1; with_parameters >= 0; with_parameters--) {
        kw_sbuf_reset(out, 4096);
        out->limit = KW_AUDIT_RECORD_MAX - 256; /* the chain's members come before it */
        write_record(call, region, event_id, now_ms, with_parameters, out);
        if (kw_sbuf_ok(out))
            return 0;
    }
    return -ENOMEM;
}
