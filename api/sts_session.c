#include "api/sts_internal.h"

#include "api/iamname.h"
#include "api/region.h"
#include "api/service.h"
#include "api/session.h"
#include "api/sigv4.h"

#include <inttypes.h>
#include <stdio.h>

#define DURATION_MIN_S       900
#define ROLE_DURATION_S      3600
#define CHAINED_DURATION_MAX 3600
#define USER_DURATION_S      43200
#define USER_DURATION_MAX    129600
#define ROOT_DURATION_MAX    3600
#define ROLE_ARN_MIN         20u
#define ROLE_ARN_MAX         2048u
#define EXTERNAL_ID_MAX      1224u
#define SESSION_NAME_MIN     2u

/* ---- what is asked for ---- */

static int refuse_value(struct kw_call *call, const char *name, struct kw_bytes value, const char *rule)
{
    char suffix[256];

    snprintf(suffix, sizeof(suffix), "' at '%s' failed to satisfy constraint: Member must %s", name, rule);
    return kw_call_refuse_quoting(
        call, KW_ERROR_VALIDATION, "1 validation error detected: Value '", value, suffix);
}

/* Characters of a text that is UTF-8. */
static size_t num_characters(struct kw_bytes text)
{
    size_t num = 0;

    for (size_t i = 0; i < text.len; i++)
        num += (text.ptr[i] & 0xc0) != 0x80;
    return num;
}

static int check_length(struct kw_call *call, const char *name, struct kw_bytes value, size_t min, size_t max)
{
    size_t num = num_characters(value);
    char rule[96];

    if (num >= min && num <= max)
        return KW_CALL_DONE;
    if (num < min)
        snprintf(rule, sizeof(rule), "have length greater than or equal to %zu", min);
    else
        snprintf(rule, sizeof(rule), "have length less than or equal to %zu", max);
    return refuse_value(call, name, value, rule);
}

static bool consists_of(struct kw_bytes text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                (c != '\0' && strchr(others, c) != NULL)))
            return false;
    }
    return true;
}

/* A name as sessions and source identities have it. */
static int check_name(struct kw_call *call, const char *name, struct kw_bytes value)
{
    if (check_length(call, name, value, SESSION_NAME_MIN, KW_SESSION_NAME_MAX) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    if (consists_of(value, "_+=,.@-"))
        return KW_CALL_DONE;
    return refuse_value(call, name, value, "satisfy regular expression pattern: [\\w+=,.@-]*");
}

static int check_present(struct kw_call *call, const char *name, struct kw_bytes value)
{
    if (value.ptr != NULL)
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_VALIDATION,
        "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be "
        "null",
        name);
}

/* Out: ret, unchanged if it is not asked for. */
static int read_duration(struct kw_call *call, const struct kw_form *form, int64_t max, int64_t *ret)
{
    struct kw_bytes text = kw_form_value(form, "DurationSeconds");
    int64_t value = 0;
    char rule[64];

    if (text.ptr == NULL)
        return KW_CALL_DONE;
    for (size_t i = 0; i < text.len; i++) {
        if (text.len > 9 || text.ptr[i] < '0' || text.ptr[i] > '9')
            return kw_call_refuse(call, KW_ERROR_VALIDATION, "DurationSeconds is no number of seconds.");
        value = value * 10 + (text.ptr[i] - '0');
    }
    if (value >= DURATION_MIN_S && value <= max) {
        *ret = value;
        return KW_CALL_DONE;
    }
    snprintf(rule, sizeof(rule), "have value %s than or equal to %" PRId64,
        value < DURATION_MIN_S ? "greater" : "less", value < DURATION_MIN_S ? DURATION_MIN_S : max);
    return refuse_value(call, "durationSeconds", text, rule);
}

/* What is there in AWS and not here is refused by name, so that nobody takes a session for less than it is.
 */
static int refuse_unsupported(struct kw_call *call, const struct kw_form *form)
{
    for (size_t i = 0; i < form->num; i++) {
        struct kw_bytes name = form->field[i].name;

        if (kw_bytes_starts(name, KW_LIT("PolicyArns.")))
            return kw_call_refuse(call, KW_ERROR_VALIDATION,
                "This server has no managed policies: PolicyArns is not supported.");
        if (kw_bytes_starts(name, KW_LIT("Tags.")) || kw_bytes_starts(name, KW_LIT("TransitiveTagKeys.")))
            return kw_call_refuse(
                call, KW_ERROR_VALIDATION, "This server has no session tags: Tags is not supported.");
        if (kw_bytes_starts(name, KW_LIT("SerialNumber")) || kw_bytes_starts(name, KW_LIT("TokenCode")))
            return kw_call_refuse(call, KW_ERROR_ACCESS_DENIED,
                "MultiFactorAuthentication failed with invalid MFA one time pass code. This server has no "
                "MFA devices.");
        if (kw_bytes_starts(name, KW_LIT("ProvidedContexts.")))
            return kw_call_refuse(call, KW_ERROR_VALIDATION,
                "This server knows no contexts: ProvidedContexts is not supported.");
    }
    return KW_CALL_DONE;
}

/* ---- beginning a session ---- */

static void put_text(char *out, size_t cap, struct kw_bytes text)
{
    kw_assert(text.len < cap);
    if (text.len > 0)
        memcpy(out, text.ptr, text.len); /* the field is zeroed */
}

static void begin(
    struct kw_session *session, const struct kw_principal *principal, int64_t now_ms, int64_t duration_s)
{
    kw_assert(principal != NULL);
    memset(session, 0, sizeof(*session));
    session->kind = principal->kind;
    put_text(session->account, sizeof(session->account), kw_bytes_str(principal->account));
    put_text(session->principal_name, sizeof(session->principal_name), kw_bytes_str(principal->name));
    memcpy(session->principal_id, principal->id, sizeof(session->principal_id));
    session->issued_ms = now_ms;
    session->expires_ms = now_ms + duration_s * 1000;
}

/* YYYY-MM-DDTHH:MM:SSZ */
static void print_date(int64_t ms, char ret[32])
{
    char stamp[KW_SIGV4_STAMP_LEN + 1];

    kw_sigv4_stamp_format(ms, stamp);
    snprintf(ret, 32, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", stamp, stamp + 4, stamp + 6, stamp + 9, stamp + 11,
        stamp + 13);
}

/* Seals the session and writes its credentials. Nothing of the token or the secret is left here. */
static int put_credentials(struct kw_call *call, struct kw_session *session)
{
    struct kw_sbuf *out = &call->exchange->answer;
    char token[KW_SESSION_TOKEN_MAX + 1], secret[KW_SESSION_SECRET_LEN + 1], expires[32];
    KW_ERASE_GUARD(token);
    KW_ERASE_GUARD(secret);

    if (kw_session_seal(kw_service_thread_sealer(call->thread), session, token, secret) != 0)
        return kw_call_internal(call);
    print_date(session->expires_ms, expires);
    kw_sbuf_put_str(out, "    <Credentials>\n");
    kw_sts_put_element(out, "      ", "AccessKeyId", kw_bytes_str(session->access_key_id));
    kw_sts_put_element(out, "      ", "SecretAccessKey", kw_bytes_str(secret));
    kw_sts_put_element(out, "      ", "SessionToken", kw_bytes_str(token));
    kw_sts_put_element(out, "      ", "Expiration", kw_bytes_str(expires));
    kw_sbuf_put_str(out, "    </Credentials>\n");
    call->sts_response = json_pack(
        "{s:{s:s,s:s}}", "credentials", "accessKeyId", session->access_key_id, "expiration", expires);
    return call->sts_response != NULL ? KW_CALL_DONE : kw_call_internal(call);
}

/* ---- AssumeRole ---- */

static int read_assume(struct kw_call *call, const struct kw_form *form, struct kw_sts_assume *ret)
{
    const struct kw_identity *identity = &call->identity;

    *ret = (struct kw_sts_assume){
        .role_arn = kw_form_value(form, "RoleArn"),
        .session_name = kw_form_value(form, "RoleSessionName"),
        .external_id = kw_form_value(form, "ExternalId"),
        .source_identity = kw_form_value(form, "SourceIdentity"),
    };
    if (check_present(call, "roleArn", ret->role_arn) != KW_CALL_DONE ||
        check_present(call, "roleSessionName", ret->session_name) != KW_CALL_DONE ||
        check_length(call, "roleArn", ret->role_arn, ROLE_ARN_MIN, ROLE_ARN_MAX) != KW_CALL_DONE ||
        check_name(call, "roleSessionName", ret->session_name) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    if (ret->external_id.ptr != NULL &&
        check_length(call, "externalId", ret->external_id, 2, EXTERNAL_ID_MAX) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    ret->sets_source_identity = ret->source_identity.ptr != NULL;
    if (ret->sets_source_identity)
        return check_name(call, "sourceIdentity", ret->source_identity);
    /* It goes along from session to session. */
    if (identity->source_identity[0] != '\0')
        ret->source_identity = kw_bytes_str(identity->source_identity);
    return KW_CALL_DONE;
}

/* Out: ret, the role, or NULL: there is none of that name and path. */
static int find_role(struct kw_call *call, struct kw_bytes arn, const struct kw_principal **ret)
{
    char own[KW_PRINCIPAL_ARN_MAX];
    struct kw_iamname name;

    if (kw_iamname_parse(arn, &name) != 0 || name.kind != KW_IAMNAME_ROLE)
        return kw_call_refuse(call, KW_ERROR_VALIDATION, "Request ARN is invalid");
    struct kw_bytes last = name.name;
    for (ssize_t slash; (slash = kw_bytes_find(last, '/')) >= 0;)
        last = KW_BYTES(last.ptr + slash + 1, last.len - (size_t)slash - 1);
    put_text(call->resources[0].account, sizeof(call->resources[0].account), name.account);
    *ret = kw_snapshot_principal(call->snapshot, name.account, KW_PRINCIPAL_ROLE, last);
    if (*ret == NULL)
        return KW_CALL_DONE;
    kw_principal_arn(*ret, kw_region_partition(call->region), own);
    if (!kw_bytes_equal(kw_bytes_str(own), arn))
        *ret = NULL;
    return KW_CALL_DONE;
}

static bool put_optional(json_t *object, const char *name, struct kw_bytes text)
{
    return text.ptr == NULL ||
           json_object_set_new(object, name, json_stringn((const char *)text.ptr, text.len)) == 0;
}

/* For the record; false: it is not text. */
static bool note_parameters(
    struct kw_call *call, const struct kw_form *form, const struct kw_sts_assume *assume)
{
    call->sts_request = json_object();
    return call->sts_request != NULL && put_optional(call->sts_request, "roleArn", assume->role_arn) &&
           put_optional(call->sts_request, "roleSessionName", assume->session_name) &&
           put_optional(call->sts_request, "durationSeconds", kw_form_value(form, "DurationSeconds")) &&
           put_optional(call->sts_request, "policy", kw_form_value(form, "Policy")) &&
           put_optional(call->sts_request, "externalId", assume->external_id) &&
           put_optional(call->sts_request, "sourceIdentity", kw_form_value(form, "SourceIdentity"));
}

static int check_role_duration(struct kw_call *call, const struct kw_principal *role, int64_t duration_s)
{
    kw_assert(role != NULL);
    if (call->identity.kind == KW_PRINCIPAL_ROLE && duration_s > CHAINED_DURATION_MAX)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
            "chaining");
    if (duration_s > (int64_t)role->session_max_s)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    return KW_CALL_DONE;
}

/* It is compiled here only to be checked: each serving thread compiles it when the session is used. */
static int check_policy(struct kw_call *call, struct kw_bytes text)
{
    KW_POLICY struct kw_policy *policy = NULL;
    char why[256] = "";

    if (text.ptr == NULL)
        return KW_CALL_DONE;
    if (check_length(call, "policy", text, 1, KW_POLICY_SESSION_MAX) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    if (text.len > KW_POLICY_SESSION_MAX)
        return kw_call_refuse(call, KW_ERROR_PACKED_POLICY_TOO_LARGE,
            "Packed size of session policies consumes %zu%% of allotted space.",
            text.len * 100 / KW_POLICY_SESSION_MAX);
    int r = kw_policy_new(&policy, KW_POLICY_SESSION, text, NULL, why, sizeof(why));
    if (r == KW_POLICY_MALFORMED)
        return kw_call_refuse(call, KW_ERROR_MALFORMED_POLICY, "%s",
            why[0] != '\0' ? why : "The policy is not in the valid JSON format.");
    return r == 0 ? KW_CALL_DONE : kw_call_internal(call);
}

static bool note_answer(struct kw_call *call, const char *arn, const char *id)
{
    json_t *user = json_pack("{s:s,s:s}", "arn", arn, "assumedRoleId", id);

    return json_object_set_new(call->sts_response, "assumedRoleUser", user) == 0;
}

/* Returns: KW_CALL_DONE | KW_CALL_REFUSED */
static int answer_assumed(struct kw_call *call, const struct kw_principal *role, struct kw_session *session)
{
    struct kw_sbuf *out = &call->exchange->answer;
    char arn[KW_PRINCIPAL_ARN_MAX], id[32 + 1 + KW_SESSION_NAME_MAX + 1], percent[16];

    snprintf(arn, sizeof(arn), "arn:%s:sts::%s:assumed-role/%s/%s", kw_region_partition(call->region),
        role->account, role->name, session->name);
    snprintf(id, sizeof(id), "%s:%s", role->id, session->name);
    kw_sts_begin_answer(call);
    if (session->source_identity[0] != '\0')
        kw_sts_put_element(out, "    ", "SourceIdentity", kw_bytes_str(session->source_identity));
    kw_sbuf_put_str(out, "    <AssumedRoleUser>\n");
    kw_sts_put_element(out, "      ", "AssumedRoleId", kw_bytes_str(id));
    kw_sts_put_element(out, "      ", "Arn", kw_bytes_str(arn));
    kw_sbuf_put_str(out, "    </AssumedRoleUser>\n");
    if (put_credentials(call, session) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    if (session->policy[0] != '\0') {
        snprintf(percent, sizeof(percent), "%zu",
            (strlen(session->policy) * 100 + KW_POLICY_SESSION_MAX - 1) / KW_POLICY_SESSION_MAX);
        kw_sts_put_element(out, "    ", "PackedPolicySize", kw_bytes_str(percent));
    }
    kw_sts_end_answer(call);
    return note_answer(call, arn, id) ? KW_CALL_DONE : kw_call_internal(call);
}

/* A session's source identity is set once. */
static int check_source_identity(struct kw_call *call, const struct kw_sts_assume *assume)
{
    const char *own = call->identity.source_identity;

    if (!assume->sets_source_identity || own[0] == '\0' ||
        kw_bytes_equal(assume->source_identity, kw_bytes_str(own)))
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_ACCESS_DENIED,
        "The source identity of a session cannot be changed by the role that it assumes.");
}

int kw_sts_assume_role(struct kw_call *call, const struct kw_form *form)
{
    int64_t duration_s = ROLE_DURATION_S;
    struct kw_bytes policy = kw_form_value(form, "Policy");
    const struct kw_principal *role = NULL;
    struct kw_sts_assume assume;
    struct kw_session session;

    if (read_assume(call, form, &assume) != KW_CALL_DONE ||
        read_duration(call, form, KW_SESSION_S_MAX, &duration_s) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    if (!note_parameters(call, form, &assume))
        return kw_call_refuse(call, KW_ERROR_SERIALIZATION, "The request has text that is not UTF-8.");
    if (refuse_unsupported(call, form) != KW_CALL_DONE ||
        find_role(call, assume.role_arn, &role) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    if (call->identity.kind == KW_PRINCIPAL_ROOT)
        return kw_call_refuse(call, KW_ERROR_ACCESS_DENIED, "Roles may not be assumed by root accounts.");
    if (kw_sts_authorize(call, role, &assume) != KW_CALL_DONE ||
        check_source_identity(call, &assume) != KW_CALL_DONE ||
        check_role_duration(call, role, duration_s) != KW_CALL_DONE ||
        check_policy(call, policy) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    begin(&session, role, kw_call_clock_ms(call), duration_s);
    put_text(session.name, sizeof(session.name), assume.session_name);
    put_text(session.source_identity, sizeof(session.source_identity), assume.source_identity);
    put_text(session.policy, sizeof(session.policy), policy);
    return answer_assumed(call, role, &session);
}

/* ---- GetSessionToken ---- */

/* Whoever has lasting credentials may ask: AWS needs no permission for it either. */
int kw_sts_get_session_token(struct kw_call *call, const struct kw_form *form)
{
    bool is_root = call->identity.kind == KW_PRINCIPAL_ROOT;
    int64_t duration_s = USER_DURATION_S;
    const struct kw_principal *principal;
    struct kw_session session;

    if (read_duration(call, form, USER_DURATION_MAX, &duration_s) != KW_CALL_DONE ||
        refuse_unsupported(call, form) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    if (call->identity.temporary)
        return kw_call_refuse(
            call, KW_ERROR_ACCESS_DENIED, "Cannot call GetSessionToken with session credentials");
    principal = kw_identity_principal(&call->identity, call->snapshot);
    if (principal == NULL)
        return kw_call_refuse(
            call, KW_ERROR_UNRECOGNIZED_CLIENT, "The security token included in the request is invalid.");
    if (is_root)
        duration_s = KW_MIN(duration_s, ROOT_DURATION_MAX); /* as AWS does */
    call->sts_request = json_pack("{s:I}", "durationSeconds", (json_int_t)duration_s);
    if (call->sts_request == NULL)
        return kw_call_internal(call);
    begin(&session, principal, kw_call_clock_ms(call), duration_s);
    kw_sts_begin_answer(call);
    if (put_credentials(call, &session) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    kw_sts_end_answer(call);
    return KW_CALL_DONE;
}
