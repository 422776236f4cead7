/* The question as it came: its types, what an audit record says of it, and when it is asked. */
#include "api/condkey.h"
#include "api/explain_internal.h"
#include "api/operations.h"

#include <stdio.h>
#include <time.h>

int kw_explain_bad(struct kw_explain *explain, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(explain->why, explain->why_cap, format, args);
    va_end(args);
    return KW_EXPLAIN_BAD;
}

/* ---- the question ---- */

const char *kw_explain_text(const struct kw_explain *explain, const char *member)
{
    return json_string_value(json_object_get(explain->question, member));
}

int kw_explain_check_types(struct kw_explain *explain)
{
    static const char *const texts[] = {
        "Principal", "Account", "AccessKeyId", "Action", "Key", "Resource", "Region", "SessionPolicy"};
    static const char *const objects[] = {"EncryptionContext", "Parameters", "Conditions", "Event"};

    for (size_t i = 0; i < KW_ARRAY_LEN(texts); i++) {
        const json_t *value = json_object_get(explain->question, texts[i]);

        if (value != NULL &&
            (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value)))
            return kw_explain_bad(explain, "%s must be a text", texts[i]);
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(objects); i++) {
        const json_t *value = json_object_get(explain->question, objects[i]);

        if (value != NULL && !json_is_object(value))
            return kw_explain_bad(explain, "%s must be an object", objects[i]);
    }
    return 0;
}

int kw_explain_check_context(struct kw_explain *explain)
{
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(explain->question, "EncryptionContext"), name, value)
    {
        if (!json_is_string(value))
            return kw_explain_bad(explain, "EncryptionContext must be an object of texts");
    }
    return 0;
}

/* Each becomes a list, under its name. */
int kw_explain_check_conditions(struct kw_explain *explain)
{
    json_t *conditions = json_object_get(explain->question, "Conditions"), *value, *item;
    const char *name;
    size_t i;

    json_object_foreach(conditions, name, value)
    {
        enum kw_condkey key;
        struct kw_bytes rest;

        if (kw_condkey_find(kw_bytes_str(name), &key, &rest) != 0 || key == KW_CK_ABSENT)
            return kw_explain_bad(explain, "%.100s is no condition key that a request here can have", name);
        if (!json_is_string(value) && !json_is_array(value))
            return kw_explain_bad(explain, "the value of %.100s must be a text or a list of texts", name);
        json_array_foreach(value, i, item)
        {
            if (!json_is_string(item))
                return kw_explain_bad(explain, "the value of %.100s must be a text or a list of texts", name);
        }
    }
    return 0;
}

/* ---- an audit record as a question ---- */

static void set_absent(json_t *object, const char *member, json_t *value)
{
    if (value != NULL && json_object_get(object, member) == NULL)
        json_object_set(object, member, value);
}

/* CloudTrail's names begin in lower case, the API's in upper. */
static json_t *parameters_of(const json_t *event)
{
    json_t *parameters = json_object(), *value;
    const char *name;

    json_object_foreach(json_object_get(event, "requestParameters"), name, value)
    {
        char member[64];

        snprintf(member, sizeof(member), "%s", name);
        if (member[0] >= 'a' && member[0] <= 'z')
            member[0] = (char)(member[0] - ('a' - 'A'));
        json_object_set(parameters, member, value);
    }
    return parameters;
}

static json_t *conditions_of(struct kw_explain *explain)
{
    json_t *conditions = json_object_get(explain->question, "Conditions");

    if (conditions == NULL) {
        conditions = json_object();
        json_object_set_new(explain->question, "Conditions", conditions);
    }
    return conditions;
}

static void add_conditions(struct kw_explain *explain, const json_t *event)
{
    const json_t *session = json_object_get(json_object_get(event, "userIdentity"), "sessionContext");
    json_t *conditions = conditions_of(explain);
    /* A record has these details if and only if the call came by TLS. */
    json_t *secure = json_string(json_object_get(event, "tlsDetails") != NULL ? "true" : "false");

    set_absent(conditions, "aws:CurrentTime", json_object_get(event, "eventTime"));
    set_absent(conditions, "aws:SourceIp", json_object_get(event, "sourceIPAddress"));
    set_absent(conditions, "aws:UserAgent", json_object_get(event, "userAgent"));
    set_absent(conditions, "aws:SecureTransport", secure);
    json_decref(secure);
    set_absent(conditions, "aws:SourceIdentity", json_object_get(session, "sourceIdentity"));
    set_absent(conditions, "aws:TokenIssueTime",
        json_object_get(json_object_get(session, "attributes"), "creationDate"));
}

int kw_explain_take_event(struct kw_explain *explain)
{
    const json_t *event = json_object_get(explain->question, "Event"), *identity;
    json_t *question = explain->question, *name;

    if (event == NULL)
        return 0;
    identity = json_object_get(event, "userIdentity");
    name = json_object_get(event, "eventName");
    if (name == NULL) /* an intent is as good */
        name = json_object_get(event, "intent");
    if (!json_is_string(name) || !json_is_object(identity))
        return kw_explain_bad(
            explain, "this is no audit record of a call: it has no eventName or no userIdentity");
    if (kw_operation_find(kw_bytes_str(json_string_value(name))) < 0)
        return kw_explain_bad(explain, "%.64s is no operation of KMS", json_string_value(name));
    set_absent(question, "Action", name);
    set_absent(question, "Region", json_object_get(event, "awsRegion"));
    if (json_object_get(question, "AccessKeyId") == NULL)
        set_absent(question, "Principal", json_object_get(identity, "arn"));
    if (json_object_get(question, "Parameters") == NULL)
        json_object_set_new(question, "Parameters", parameters_of(event));
    add_conditions(explain, event);
    return kw_explain_check_types(explain);
}

/* The first value that is given for a condition key; NULL: none. */
static const char *said_of(const json_t *conditions, enum kw_condkey wanted)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)conditions, name, value)
    {
        struct kw_bytes rest;
        enum kw_condkey key;

        if (kw_condkey_find(kw_bytes_str(name), &key, &rest) == 0 && key == wanted)
            return json_string_value(json_is_array(value) ? json_array_get(value, 0) : value);
    }
    return NULL;
}

/* When it is asked, unless it is said: in both forms the same. */
int kw_explain_take_time(struct kw_explain *explain)
{
    json_t *conditions = conditions_of(explain);
    const char *said = said_of(conditions, KW_CK_AWS_CURRENT_TIME);
    time_t seconds = (time_t)(explain->now_ms / 1000);
    char text[32];
    struct tm tm;

    if (said == NULL) {
        gmtime_r(&seconds, &tm);
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
        json_object_set_new(conditions, "aws:CurrentTime", json_string(text));
    } else if (strptime(said, "%Y-%m-%dT%H:%M:%SZ", &tm) != NULL) {
        seconds = timegm(&tm);
    }
    if (said_of(conditions, KW_CK_AWS_EPOCH_TIME) == NULL) {
        snprintf(text, sizeof(text), "%lld", (long long)seconds);
        json_object_set_new(conditions, "aws:EpochTime", json_string(text));
    }
    return 0;
}
