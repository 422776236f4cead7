#include "api/auditrecord.h"

#include "api/recipient.h"

#include <stdio.h>
#include <time.h>

#define USER_AGENT_MAX 1024u
#define HOST_MAX       255u
#define MESSAGE_MAX    4096u

/* Each data key pair has such a record, so it is put together from ready pieces: what is the same in all
 * records is text of ours, and only values are escaped. Pieces are commas and names in front of values; a
 * value that is itself of JSON goes through the general writer (json.h). */
#define PUT(out, literal) kw_sbuf_put(out, literal, sizeof("" literal) - 1)

static void put_value(struct kw_sbuf *out, const char *text)
{
    kw_json_put_text(out, kw_bytes_str(text));
}
/* A member whose value is any text; piece is all before it. */
#define PUT_MEMBER(out, piece, text)                                                                         \
    do {                                                                                                     \
        PUT(out, piece);                                                                                     \
        put_value(out, text);                                                                                \
    } while (0)

static void put_cut(struct kw_sbuf *out, struct kw_bytes text, size_t max)
{
    kw_json_put_text(out, kw_bytes_cut(text, max));
}

static void put_hex(struct kw_sbuf *out, const uint8_t *data, size_t len)
{
    uint8_t *to = kw_sbuf_claim(out, 2 * len + 2);

    if (to == NULL)
        return;
    to[0] = '"';
    kw_hex_encode(data, len, (char *)to + 1);
    to[2 * len + 1] = '"';
}

static void put_bool(struct kw_sbuf *out, bool value)
{
    if (value)
        PUT(out, "true");
    else
        PUT(out, "false");
}

/* ---- moments ---- */

static void put_digits(char *to, unsigned value, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--, value /= 10)
        to[i - 1] = (char)('0' + value % 10);
}

/* Year, month and day of a day since 1970, by counting from the first of March of the year 0, so that a leap
 * day is the last of its year. */
static void put_date(char to[10], unsigned days)
{
    unsigned since = days + 719468, era = since / 146097, of_era = since % 146097;
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned from_march = (5 * of_year + 2) / 153, month = from_march < 10 ? from_march + 3 : from_march - 9;

    put_digits(to, era * 400 + year_of_era + (month <= 2), 4);
    to[4] = '-';
    put_digits(to + 5, month, 2);
    to[7] = '-';
    put_digits(to + 8, of_year - (153 * from_march + 2) / 5 + 1, 2);
}

/* Without a fraction, as CloudTrail has it. */
static void put_moment(struct kw_sbuf *out, int64_t ms)
{
    static const int64_t end_s = INT64_C(253402300800); /* the year 10000 */
    int64_t seconds = ms / 1000;
    unsigned of_day;
    char text[] = "\"0000-00-00T00:00:00Z\"";

    /* No clock says so, and no credential. */
    seconds = seconds < 0 ? 0 : seconds >= end_s ? end_s - 1 : seconds;
    of_day = (unsigned)(seconds % 86400);
    put_date(text + 1, (unsigned)(seconds / 86400));
    put_digits(text + 12, of_day / 3600, 2);
    put_digits(text + 15, of_day / 60 % 60, 2);
    put_digits(text + 18, of_day % 60, 2);
    PUT(out, "\"");
    kw_sbuf_put(out, text + 1, sizeof(text) - 2);
}

/* ---- who ---- */

/* The role of a session. Its id is what aws:userid has before the colon. */
static void put_issuer(struct kw_sbuf *out, const struct kw_identity *identity)
{
    struct kw_bytes user_id = kw_bytes_str(identity->user_id);
    ssize_t colon = kw_bytes_find(user_id, ':');

    PUT(out, "\"sessionIssuer\":{\"type\":\"Role\",\"principalId\":");
    put_cut(out, user_id, colon < 0 ? user_id.len : (size_t)colon);
    PUT_MEMBER(out, ",\"arn\":", identity->role_arn);
    PUT_MEMBER(out, ",\"accountId\":", identity->account);
    PUT_MEMBER(out, ",\"userName\":", identity->principal_name);
    PUT(out, "},");
}

static void put_session(struct kw_sbuf *out, const struct kw_identity *identity)
{
    if (!identity->temporary)
        return;
    PUT(out, ",\"sessionContext\":{");
    if (identity->kind == KW_PRINCIPAL_ROLE)
        put_issuer(out, identity);
    PUT(out, "\"attributes\":{\"creationDate\":");
    put_moment(out, identity->issued_ms);
    PUT(out, ",\"mfaAuthenticated\":\"false\"}");
    if (identity->source_identity[0] != '\0')
        PUT_MEMBER(out, ",\"sourceIdentity\":", identity->source_identity);
    PUT(out, "}");
}

static void put_identity(struct kw_sbuf *out, const struct kw_identity *identity)
{
    static const char *const types[KW_PRINCIPAL_KIND_NUM] = {
        [KW_PRINCIPAL_ROOT] = "Root",
        [KW_PRINCIPAL_USER] = "IAMUser",
        [KW_PRINCIPAL_ROLE] = "AssumedRole",
    };

    PUT_MEMBER(out, ",\"userIdentity\":{\"type\":", types[identity->kind]);
    PUT_MEMBER(out, ",\"principalId\":", identity->user_id);
    PUT_MEMBER(out, ",\"arn\":", identity->arn);
    PUT_MEMBER(out, ",\"accountId\":", identity->account);
    PUT_MEMBER(out, ",\"accessKeyId\":", identity->access_key_id);
    if (identity->kind == KW_PRINCIPAL_USER)
        PUT_MEMBER(out, ",\"userName\":", identity->principal_name);
    put_session(out, identity);
    PUT(out, "}");
}

/* ---- what ---- */

/* Members as CloudTrail names them: the first letter in lower case. Names of the model need no escapes. */
static void put_parameter(struct kw_sbuf *out, const char *name, const struct kw_value *value)
{
    struct kw_json_out json = KW_JSON_OUT(out);
    char first = name[0] >= 'A' && name[0] <= 'Z' ? (char)(name[0] + ('a' - 'A')) : name[0];

    PUT(out, "\"");
    kw_sbuf_put(out, &first, 1);
    kw_sbuf_put_str(out, name + 1);
    PUT(out, "\":");
    kw_value_write(&json, value);
}

static void put_input(struct kw_sbuf *out, const struct kw_call *call)
{
    const struct kw_shape *shape = call->operation->model->input;
    bool any = false;

    PUT(out, "{");
    for (size_t i = 0; i < shape->num_members; i++) {
        const struct kw_value *value = kw_value_get(call->input, shape->members[i].name);

        if (!(shape->members[i].flags & KW_MEMBER_AUDITED) || value == NULL || value->kind == KW_VALUE_NULL)
            continue;
        if (any)
            PUT(out, ",");
        any = true;
        put_parameter(out, shape->members[i].name, value);
    }
    PUT(out, "}");
}

static void put_jansson(struct kw_sbuf *out, const json_t *value)
{
    struct kw_json_out json = KW_JSON_OUT(out);

    kw_json_value(&json, value);
}

static void put_parameters(struct kw_sbuf *out, const struct kw_call *call, bool with_parameters)
{
    PUT(out, ",\"requestParameters\":");
    if (!with_parameters)
        PUT(out, "{\"omitted\":true}");
    else if (call->is_sts && call->sts_request != NULL)
        put_jansson(out, call->sts_request);
    else if (call->valid)
        put_input(out, call);
    else
        PUT(out, "null");
}

/* What CloudTrail tells of an answer; never a credential. */
static void put_response(struct kw_sbuf *out, const struct kw_call *call)
{
    PUT(out, ",\"responseElements\":");
    if (call->sts_response != NULL && call->error == KW_ERROR_NONE)
        put_jansson(out, call->sts_response);
    else
        PUT(out, "null");
}

static void put_resource(struct kw_sbuf *out, const char *account, const char *arn)
{
    PUT_MEMBER(out, "{\"accountId\":", account);
    PUT_MEMBER(out, ",\"type\":\"AWS::KMS::Key\",\"ARN\":", arn);
    PUT(out, "}");
}

/* The role that a call of STS is about. */
static void put_role(struct kw_sbuf *out, const struct kw_call *call)
{
    const char *arn = json_string_value(json_object_get(call->sts_request, "roleArn"));

    if (arn == NULL)
        return;
    PUT_MEMBER(out, ",\"resources\":[{\"accountId\":", call->resources[0].account);
    PUT_MEMBER(out, ",\"type\":\"AWS::IAM::Role\",\"ARN\":", arn);
    PUT(out, "}]");
}

static void put_resources(struct kw_sbuf *out, const struct kw_call *call)
{
    if (call->is_sts)
        put_role(out, call);
    if (call->resources[0].arn[0] == '\0')
        return;
    PUT(out, ",\"resources\":[");
    for (size_t i = 0; i < KW_CALL_RESOURCES_MAX && call->resources[i].arn[0] != '\0'; i++) {
        if (i > 0)
            PUT(out, ",");
        put_resource(out, call->resources[i].account, call->resources[i].arn);
    }
    PUT(out, "]");
}

static void put_error(struct kw_sbuf *out, const struct kw_call *call)
{
    if (call->error == KW_ERROR_NONE)
        return;
    PUT_MEMBER(out, ",\"errorCode\":", kw_error_info(call->error)->type);
    if (!kw_error_info(call->error)->has_message)
        return;
    PUT(out, ",\"errorMessage\":");
    put_cut(out, kw_sbuf_bytes(&call->message), MESSAGE_MAX);
}

/* The operation's name as sent, if we have it not: bounded, and escaped like all text. */
static void put_unknown_name(struct kw_sbuf *out, const struct kw_call *call)
{
    struct kw_bytes target = kw_http_header(&call->exchange->request, "x-amz-target");

    PUT(out, ",\"eventName\":");
    if (kw_bytes_starts(target, KW_LIT("TrentService.")))
        put_cut(out, KW_BYTES(target.ptr + 13, target.len - 13), 128);
    else
        put_cut(out, target.len > 0 ? target : KW_LIT("none"), 128);
}

/* The record of an intent is no record of a call: it has neither eventName nor requestID, and names the call
 * that it belongs to. */
static void put_event_name(struct kw_sbuf *out, const struct kw_call *call)
{
    if (call->is_sts)
        PUT_MEMBER(out, ",\"eventName\":", call->sts_action[0] != '\0' ? call->sts_action : "none");
    else if (call->intent)
        PUT_MEMBER(out, ",\"intent\":", call->operation->model->name);
    else if (call->operation != NULL)
        PUT_MEMBER(out, ",\"eventName\":", call->operation->model->name);
    else
        put_unknown_name(out, call);
}

static void put_request_id(struct kw_sbuf *out, const struct kw_call *call)
{
    if (call->intent)
        PUT_MEMBER(out, ",\"intentOf\":", call->request_id);
    else
        PUT_MEMBER(out, ",\"requestID\":", call->request_id);
}

/* With a recipient, which has texts of others. */
static void put_recipient(struct kw_sbuf *out, const struct kw_call *call)
{
    struct kw_json_out json = KW_JSON_OUT(out);

    PUT(out, ",\"additionalEventData\":");
    kw_json_begin_object(&json);
    if (call->has_material) {
        kw_json_key(&json, "keyMaterialId");
        kw_json_hex(&json, KW_BYTES(call->material_id, sizeof(call->material_id)));
    }
    kw_recipient_audit(call, &json);
    kw_json_end_object(&json);
}

static void put_additional(struct kw_sbuf *out, const struct kw_call *call)
{
    bool moved = call->operation != NULL && call->operation->model == &kw_model_re_encrypt;

    if (kw_sbuf_bytes(&call->recipient).len > 0) {
        kw_assert(!moved && !call->has_source_material); /* ReEncrypt has no recipient */
        put_recipient(out, call);
        return;
    }
    if (!call->has_material && !call->has_source_material)
        return;
    PUT(out, ",\"additionalEventData\":{");
    if (call->has_source_material) {
        PUT(out, "\"sourceKeyMaterialId\":");
        put_hex(out, call->source_material_id, KW_MATERIAL_ID_LEN);
    }
    if (call->has_source_material && call->has_material)
        PUT(out, ",");
    if (call->has_material) {
        if (moved)
            PUT(out, "\"destinationKeyMaterialId\":");
        else
            PUT(out, "\"keyMaterialId\":");
        put_hex(out, call->material_id, KW_MATERIAL_ID_LEN);
    }
    PUT(out, "}");
}

/* Only of what came by TLS, as in CloudTrail. */
static void put_tls(struct kw_sbuf *out, const struct kw_exchange *exchange)
{
    if (exchange->transport == NULL)
        return;
    PUT_MEMBER(out, ",\"tlsDetails\":{\"tlsVersion\":", exchange->transport->version);
    PUT_MEMBER(out, ",\"cipherSuite\":", exchange->transport->cipher);
    PUT(out, ",\"clientProvidedHostHeader\":");
    put_cut(out, kw_http_header(&exchange->request, "host"), HOST_MAX);
    PUT(out, "}");
}

static void put_record(const struct kw_call *call, const char event_id[37], int64_t now_ms,
    bool with_parameters, struct kw_sbuf *out)
{
    PUT(out, "{\"eventVersion\":\"1.11\"");
    put_identity(out, &call->identity);
    PUT(out, ",\"eventTime\":");
    put_moment(out, now_ms);
    PUT_MEMBER(out, ",\"eventSource\":", call->is_sts ? "sts.amazonaws.com" : "kms.amazonaws.com");
    put_event_name(out, call);
    PUT_MEMBER(out, ",\"awsRegion\":", call->region);
    PUT_MEMBER(out, ",\"sourceIPAddress\":", call->exchange->peer);
    PUT(out, ",\"userAgent\":");
    put_cut(out, kw_http_header(&call->exchange->request, "user-agent"), USER_AGENT_MAX);
    put_error(out, call);
    put_parameters(out, call, with_parameters);
    put_response(out, call);
    put_additional(out, call);
    put_request_id(out, call);
    PUT_MEMBER(out, ",\"eventID\":", event_id);
    PUT(out, ",\"readOnly\":");
    put_bool(out, call->operation == NULL || call->operation->read_only);
    put_resources(out, call);
    PUT_MEMBER(out, ",\"eventType\":", call->intent ? "KeywellIntent" : "AwsApiCall");
    PUT_MEMBER(out, ",\"managementEvent\":true,\"recipientAccountId\":", call->identity.account);
    PUT(out, ",\"eventCategory\":\"Management\"");
    put_tls(out, call->exchange);
    PUT(out, "}");
}

int kw_audit_record_write(
    const struct kw_call *call, const char event_id[37], int64_t now_ms, struct kw_sbuf *out)
{
    for (int with_parameters = 1; with_parameters >= 0; with_parameters--) {
        kw_sbuf_reset(out, 4096);
        out->limit = KW_AUDIT_RECORD_MAX - 256; /* the chain's members come before it */
        if (kw_sbuf_reserve(out, 2048) == 0)    /* most are shorter */
            put_record(call, event_id, now_ms, with_parameters, out);
        if (kw_sbuf_ok(out))
            return 0;
    }
    return -ENOMEM;
}

/* ---- what is done without a call ---- */

static void put_material(struct kw_sbuf *out, const char *piece, const uint8_t *id)
{
    if (id == NULL)
        return;
    kw_sbuf_put_str(out, piece);
    put_hex(out, id, KW_MATERIAL_ID_LEN);
}

static void put_details(struct kw_sbuf *out, const struct kw_service_event *event)
{
    PUT_MEMBER(out, ",\"serviceEventDetails\":{\"keyId\":", event->key_id);
    put_material(out, ",\"keyMaterialId\":", event->material_id);
    if (event->next_material != NULL)
        PUT(out, ",\"rotationType\":\"AUTOMATIC\"");
    put_material(out, ",\"previousKeyMaterialId\":", event->previous_material);
    put_material(out, ",\"currentKeyMaterialId\":", event->next_material);
    PUT(out, "}");
}

int kw_audit_event_write(
    const struct kw_service_event *event, const char event_id[37], int64_t now_ms, struct kw_sbuf *out)
{
    kw_sbuf_reset(out, 4096);
    PUT_MEMBER(out, "{\"eventVersion\":\"1.11\",\"userIdentity\":{\"type\":\"AWSService\",\"accountId\":",
        event->account);
    PUT(out, ",\"invokedBy\":\"AWS Internal\"},\"eventTime\":");
    put_moment(out, now_ms);
    PUT_MEMBER(out, ",\"eventSource\":\"kms.amazonaws.com\",\"eventName\":", event->name);
    PUT_MEMBER(out, ",\"awsRegion\":", event->region);
    PUT(out, ",\"sourceIPAddress\":\"AWS Internal\",\"userAgent\":\"AWS Internal\"");
    if (event->error != NULL) {
        PUT_MEMBER(out, ",\"errorCode\":", kw_error_info(KW_ERROR_INVALID_STATE)->type);
        PUT_MEMBER(out, ",\"errorMessage\":", event->error);
    }
    PUT_MEMBER(out, ",\"requestParameters\":null,\"responseElements\":null,\"eventID\":", event_id);
    PUT(out, ",\"readOnly\":false,\"resources\":[");
    put_resource(out, event->account, event->arn);
    PUT_MEMBER(out, "],\"eventType\":\"AwsServiceEvent\",\"managementEvent\":true,\"recipientAccountId\":",
        event->account);
    put_details(out, event);
    PUT(out, ",\"eventCategory\":\"Management\"}");
    return kw_sbuf_ok(out) ? 0 : -ENOMEM;
}
