/* auditrecord_plain - audit records by the general writer of JSON, member by member: what the records of
 * api/auditrecord.c, which are put together from pieces, have to be byte for byte.
 */
#ifndef KW_TESTS_SUPPORT_AUDITRECORD_PLAIN_H
#define KW_TESTS_SUPPORT_AUDITRECORD_PLAIN_H

#include "api/auditrecord.h"
#include "api/recipient.h"

#include <stdio.h>
#include <time.h>

#define USER_AGENT_MAX 1024u
#define HOST_MAX       255
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

static void write_moment(struct kw_json_out *out, const char *name, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char text[32];
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    write_text(out, name, text);
}

/* ---- who ---- */

/* The role of a session. Its id is what aws:userid has before the colon. */
static void write_issuer(struct kw_json_out *out, const struct kw_identity *identity)
{
    struct kw_bytes user_id = kw_bytes_str(identity->user_id);
    ssize_t colon = kw_bytes_find(user_id, ':');

    kw_json_key(out, "sessionIssuer");
    kw_json_begin_object(out);
    write_text(out, "type", "Role");
    write_cut(out, "principalId", user_id, colon < 0 ? user_id.len : (size_t)colon);
    write_text(out, "arn", identity->role_arn);
    write_text(out, "accountId", identity->account);
    write_text(out, "userName", identity->principal_name);
    kw_json_end_object(out);
}

static void write_session(struct kw_json_out *out, const struct kw_identity *identity)
{
    if (!identity->temporary)
        return;
    kw_json_key(out, "sessionContext");
    kw_json_begin_object(out);
    if (identity->kind == KW_PRINCIPAL_ROLE)
        write_issuer(out, identity);
    kw_json_key(out, "attributes");
    kw_json_begin_object(out);
    write_moment(out, "creationDate", identity->issued_ms);
    write_text(out, "mfaAuthenticated", "false");
    kw_json_end_object(out);
    if (identity->source_identity[0] != '\0')
        write_text(out, "sourceIdentity", identity->source_identity);
    kw_json_end_object(out);
}

static void write_identity(struct kw_json_out *out, const struct kw_identity *identity)
{
    static const char *const types[KW_PRINCIPAL_KIND_NUM] = {
        [KW_PRINCIPAL_ROOT] = "Root",
        [KW_PRINCIPAL_USER] = "IAMUser",
        [KW_PRINCIPAL_ROLE] = "AssumedRole",
    };

    kw_json_key(out, "userIdentity");
    kw_json_begin_object(out);
    write_text(out, "type", types[identity->kind]);
    write_text(out, "principalId", identity->user_id);
    write_text(out, "arn", identity->arn);
    write_text(out, "accountId", identity->account);
    write_text(out, "accessKeyId", identity->access_key_id);
    if (identity->kind == KW_PRINCIPAL_USER)
        write_text(out, "userName", identity->principal_name);
    write_session(out, identity);
    kw_json_end_object(out);
}

static void write_time(struct kw_json_out *out, int64_t now_ms)
{
    write_moment(out, "eventTime", now_ms);
}

/* ---- what ---- */

/* Members as CloudTrail names them: the first letter in lower case. */
static void write_member(struct kw_json_out *out, const char *name, const struct kw_value *value)
{
    char key[64];

    snprintf(key, sizeof(key), "%s", name);
    if (key[0] >= 'A' && key[0] <= 'Z')
        key[0] = (char)(key[0] + ('a' - 'A'));
    kw_json_key(out, key);
    kw_value_write(out, value);
}

static void write_parameters(struct kw_json_out *out, const struct kw_call *call)
{
    const struct kw_shape *shape;

    kw_json_key(out, "requestParameters");
    if (call->is_sts && call->sts_request != NULL) {
        kw_json_value(out, call->sts_request);
        return;
    }
    if (!call->valid) {
        kw_json_null(out);
        return;
    }
    shape = call->operation->model->input;
    kw_json_begin_object(out);
    for (size_t i = 0; i < shape->num_members; i++) {
        const struct kw_value *value = kw_value_get(call->input, shape->members[i].name);

        if ((shape->members[i].flags & KW_MEMBER_AUDITED) && value != NULL && value->kind != KW_VALUE_NULL)
            write_member(out, shape->members[i].name, value);
    }
    kw_json_end_object(out);
}

/* What CloudTrail tells of an answer; never a credential. */
static void write_response(struct kw_json_out *out, const struct kw_call *call)
{
    kw_json_key(out, "responseElements");
    if (call->sts_response != NULL && call->error == KW_ERROR_NONE)
        kw_json_value(out, call->sts_response);
    else
        kw_json_null(out);
}

static void write_omitted(struct kw_json_out *out)
{
    kw_json_key(out, "requestParameters");
    kw_json_begin_object(out);
    kw_json_key(out, "omitted");
    kw_json_bool(out, true);
    kw_json_end_object(out);
}

static void write_resource(struct kw_json_out *out, const struct kw_call_resource *resource)
{
    kw_json_begin_object(out);
    write_text(out, "accountId", resource->account);
    write_text(out, "type", "AWS::KMS::Key");
    write_text(out, "ARN", resource->arn);
    kw_json_end_object(out);
}

/* The role that a call of STS is about. */
static void write_role(struct kw_json_out *out, const struct kw_call *call)
{
    const char *arn = json_string_value(json_object_get(call->sts_request, "roleArn"));

    if (arn == NULL)
        return;
    kw_json_key(out, "resources");
    kw_json_begin_array(out);
    kw_json_begin_object(out);
    write_text(out, "accountId", call->resources[0].account);
    write_text(out, "type", "AWS::IAM::Role");
    write_text(out, "ARN", arn);
    kw_json_end_object(out);
    kw_json_end_array(out);
}

static void write_resources(struct kw_json_out *out, const struct kw_call *call)
{
    if (call->is_sts)
        write_role(out, call);
    if (call->resources[0].arn[0] == '\0')
        return;
    kw_json_key(out, "resources");
    kw_json_begin_array(out);
    for (size_t i = 0; i < KW_CALL_RESOURCES_MAX && call->resources[i].arn[0] != '\0'; i++)
        write_resource(out, &call->resources[i]);
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

    if (call->is_sts)
        write_text(out, "eventName", call->sts_action[0] != '\0' ? call->sts_action : "none");
    else if (call->intent)
        write_text(out, "intent", call->operation->model->name);
    else if (call->operation != NULL)
        write_text(out, "eventName", call->operation->model->name);
    else if (kw_bytes_starts(target, KW_LIT("TrentService.")))
        write_cut(out, "eventName", KW_BYTES(target.ptr + 13, target.len - 13), 128);
    else
        write_cut(out, "eventName", target.len > 0 ? target : KW_LIT("none"), 128);
}

static void write_material_id(struct kw_json_out *out, const char *name, const uint8_t *id)
{
    kw_json_key(out, name);
    kw_json_hex(out, KW_BYTES(id, KW_MATERIAL_ID_LEN));
}

static void write_additional(struct kw_json_out *out, const struct kw_call *call)
{
    bool moved = call->operation != NULL && call->operation->model == &kw_model_re_encrypt;

    if (!call->has_material && !call->has_source_material && kw_sbuf_bytes(&call->recipient).len == 0)
        return;
    kw_json_key(out, "additionalEventData");
    kw_json_begin_object(out);
    if (call->has_source_material)
        write_material_id(out, "sourceKeyMaterialId", call->source_material_id);
    if (call->has_material)
        write_material_id(out, moved ? "destinationKeyMaterialId" : "keyMaterialId", call->material_id);
    kw_recipient_audit(call, out);
    kw_json_end_object(out);
}

/* Only of what came by TLS, as in CloudTrail. */
static void write_tls(struct kw_json_out *out, const struct kw_exchange *from)
{
    if (from->transport == NULL)
        return;
    kw_json_key(out, "tlsDetails");
    kw_json_begin_object(out);
    write_text(out, "tlsVersion", from->transport->version);
    write_text(out, "cipherSuite", from->transport->cipher);
    write_cut(out, "clientProvidedHostHeader", kw_http_header(&from->request, "host"), HOST_MAX);
    kw_json_end_object(out);
}

static void write_record(const struct kw_call *call, const char event_id[37], int64_t now_ms,
    bool with_parameters, struct kw_sbuf *sbuf)
{
    struct kw_json_out out = KW_JSON_OUT(sbuf);

    kw_json_begin_object(&out);
    write_text(&out, "eventVersion", "1.11");
    write_identity(&out, &call->identity);
    write_time(&out, now_ms);
    write_text(&out, "eventSource", call->is_sts ? "sts.amazonaws.com" : "kms.amazonaws.com");
    write_event_name(&out, call);
    write_text(&out, "awsRegion", call->region);
    write_text(&out, "sourceIPAddress", call->exchange->peer);
    write_cut(&out, "userAgent", kw_http_header(&call->exchange->request, "user-agent"), USER_AGENT_MAX);
    write_error(&out, call);
    if (with_parameters)
        write_parameters(&out, call);
    else
        write_omitted(&out);
    write_response(&out, call);
    write_additional(&out, call);
    write_request_id(&out, call);
    write_text(&out, "eventID", event_id);
    write_bool(&out, "readOnly", call->operation == NULL || call->operation->read_only);
    write_resources(&out, call);
    write_text(&out, "eventType", call->intent ? "KeywellIntent" : "AwsApiCall");
    write_bool(&out, "managementEvent", true);
    write_text(&out, "recipientAccountId", call->identity.account);
    write_text(&out, "eventCategory", "Management");
    write_tls(&out, call->exchange);
    kw_json_end_object(&out);
}

static int plain_record_write(
    const struct kw_call *call, const char event_id[37], int64_t now_ms, struct kw_sbuf *out)
{
    for (int with_parameters = 1; with_parameters >= 0; with_parameters--) {
        kw_sbuf_reset(out, 4096);
        out->limit = KW_AUDIT_RECORD_MAX - 256; /* the chain's members come before it */
        write_record(call, event_id, now_ms, with_parameters, out);
        if (kw_sbuf_ok(out))
            return 0;
    }
    return -ENOMEM;
}

/* ---- what is done without a call ---- */

static void write_service(struct kw_json_out *out, const struct kw_service_event *event)
{
    kw_json_key(out, "userIdentity");
    kw_json_begin_object(out);
    write_text(out, "type", "AWSService");
    write_text(out, "accountId", event->account);
    write_text(out, "invokedBy", "AWS Internal");
    kw_json_end_object(out);
}

static void write_material(struct kw_json_out *out, const char *name, const uint8_t *id)
{
    if (id == NULL)
        return;
    kw_json_key(out, name);
    kw_json_hex(out, KW_BYTES(id, KW_MATERIAL_ID_LEN));
}

static void write_details(struct kw_json_out *out, const struct kw_service_event *event)
{
    kw_json_key(out, "serviceEventDetails");
    kw_json_begin_object(out);
    write_text(out, "keyId", event->key_id);
    write_material(out, "keyMaterialId", event->material_id);
    if (event->next_material != NULL)
        write_text(out, "rotationType", "AUTOMATIC");
    write_material(out, "previousKeyMaterialId", event->previous_material);
    write_material(out, "currentKeyMaterialId", event->next_material);
    kw_json_end_object(out);
}

static void write_event_key(struct kw_json_out *out, const struct kw_service_event *event)
{
    struct kw_call_resource resource;

    snprintf(resource.arn, sizeof(resource.arn), "%s", event->arn);
    snprintf(resource.account, sizeof(resource.account), "%s", event->account);
    kw_json_key(out, "resources");
    kw_json_begin_array(out);
    write_resource(out, &resource);
    kw_json_end_array(out);
}

static void write_empty(struct kw_json_out *out, const char *name)
{
    kw_json_key(out, name);
    kw_json_null(out);
}

static int plain_event_write(
    const struct kw_service_event *event, const char event_id[37], int64_t now_ms, struct kw_sbuf *sbuf)
{
    struct kw_json_out out = KW_JSON_OUT(sbuf);

    kw_sbuf_reset(sbuf, 4096);
    kw_json_begin_object(&out);
    write_text(&out, "eventVersion", "1.11");
    write_service(&out, event);
    write_time(&out, now_ms);
    write_text(&out, "eventSource", "kms.amazonaws.com");
    write_text(&out, "eventName", event->name);
    write_text(&out, "awsRegion", event->region);
    write_text(&out, "sourceIPAddress", "AWS Internal");
    write_text(&out, "userAgent", "AWS Internal");
    if (event->error != NULL) {
        write_text(&out, "errorCode", kw_error_info(KW_ERROR_INVALID_STATE)->type);
        write_text(&out, "errorMessage", event->error);
    }
    write_empty(&out, "requestParameters");
    write_empty(&out, "responseElements");
    write_text(&out, "eventID", event_id);
    write_bool(&out, "readOnly", false);
    write_event_key(&out, event);
    write_text(&out, "eventType", "AwsServiceEvent");
    write_bool(&out, "managementEvent", true);
    write_text(&out, "recipientAccountId", event->account);
    write_details(&out, event);
    write_text(&out, "eventCategory", "Management");
    kw_json_end_object(&out);
    return kw_sbuf_ok(sbuf) ? 0 : -ENOMEM;
}

#endif
