/* The audit records of the operator's changes: CloudTrail's shape, with an identity of our own. */
#include "api/operator_internal.h"

#include <stdio.h>
#include <time.h>

#define USER_AGENT_MAX 256u

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

static const char *account_of(const struct kw_operator_call *call)
{
    return call->target.account[0] != '\0' ? call->target.account : call->thread->service->account;
}

static void write_identity(struct kw_json_out *out, const struct kw_operator_call *call)
{
    char text[32];

    snprintf(text, sizeof(text), "uid:%lld", (long long)call->exchange->uid);
    kw_json_key(out, "userIdentity");
    kw_json_begin_object(out);
    write_text(out, "type", "Operator");
    write_text(out, "principalId", text);
    write_text(out, "accountId", account_of(call));
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

/* Nothing that the operator sends is a secret. */
static void write_parameters(struct kw_json_out *out, const struct kw_operator_call *call, bool whole)
{
    const char *name;
    json_t *value;

    kw_json_key(out, "requestParameters");
    if (whole && call->input == NULL) {
        kw_json_null(out);
        return;
    }
    kw_json_begin_object(out);
    if (!whole)
        write_bool(out, "omitted", true);
    json_object_foreach(call->input, name, value)
    {
        char member[64];

        if (!whole)
            break;
        /* As CloudTrail names members: the first letter in lower case. */
        snprintf(member, sizeof(member), "%s", name);
        if (member[0] >= 'A' && member[0] <= 'Z')
            member[0] = (char)(member[0] + ('a' - 'A'));
        kw_json_key(out, member);
        kw_json_value(out, value);
    }
    kw_json_end_object(out);
}

/* Of an access key its id, never its secret. */
static void write_response(struct kw_json_out *out, const struct kw_operator_call *call)
{
    kw_json_key(out, "responseElements");
    if (call->key == NULL || call->error != KW_OPERATOR_NONE) {
        kw_json_null(out);
        return;
    }
    kw_json_begin_object(out);
    write_text(out, "accessKeyId", call->key->id);
    kw_json_end_object(out);
}

static void write_resources(struct kw_json_out *out, const struct kw_operator_call *call)
{
    static const char *const types[KW_PRINCIPAL_KIND_NUM] = {
        [KW_PRINCIPAL_ROOT] = "AWS::IAM::Root",
        [KW_PRINCIPAL_USER] = "AWS::IAM::User",
        [KW_PRINCIPAL_ROLE] = "AWS::IAM::Role",
    };

    if (call->arn[0] == '\0')
        return;
    kw_json_key(out, "resources");
    kw_json_begin_array(out);
    kw_json_begin_object(out);
    write_text(out, "accountId", call->target.account);
    write_text(out, "type", types[call->target.kind]);
    write_text(out, "ARN", call->arn);
    kw_json_end_object(out);
    kw_json_end_array(out);
}

static void write_error(struct kw_json_out *out, const struct kw_operator_call *call)
{
    if (call->error == KW_OPERATOR_NONE)
        return;
    write_text(out, "errorCode", kw_operator_error_name(call->error));
    write_text(out, "errorMessage", call->message);
}

static void write_record(const struct kw_operator_call *call, const char event_id[37], int64_t now_ms,
    bool whole, struct kw_sbuf *to)
{
    struct kw_bytes agent = kw_http_header(&call->exchange->request, "user-agent");
    struct kw_json_out out = KW_JSON_OUT(to);

    kw_json_begin_object(&out);
    write_text(&out, "eventVersion", "1.11");
    write_identity(&out, call);
    write_time(&out, now_ms);
    write_text(&out, "eventSource", "keywell.operator");
    write_text(&out, call->intent ? "intent" : "eventName", call->request->name);
    write_text(&out, "sourceIPAddress", call->exchange->peer);
    kw_json_key(&out, "userAgent");
    kw_json_string(&out, kw_bytes_cut(agent, USER_AGENT_MAX));
    write_error(&out, call);
    write_parameters(&out, call, whole);
    write_response(&out, call);
    write_text(&out, call->intent ? "intentOf" : "requestID", call->request_id);
    write_text(&out, "eventID", event_id);
    write_bool(&out, "readOnly", false);
    write_resources(&out, call);
    write_text(&out, "eventType", call->intent ? "KeywellIntent" : "KeywellOperatorCall");
    write_bool(&out, "managementEvent", true);
    write_text(&out, "recipientAccountId", account_of(call));
    write_text(&out, "eventCategory", "Management");
    kw_json_end_object(&out);
}

int kw_operator_record_write(
    const struct kw_operator_call *call, const char event_id[37], int64_t now_ms, struct kw_sbuf *out)
{
    for (int whole = 1; whole >= 0; whole--) {
        kw_sbuf_reset(out, 4096);
        out->limit = KW_AUDIT_RECORD_MAX - 256; /* the chain's members come before it */
        write_record(call, event_id, now_ms, whole, out);
        if (kw_sbuf_ok(out))
            return 0;
    }
    return -ENOMEM;
}
