#include "api/sts_internal.h"

#include "api/region.h"

#include <stdio.h>

#define VERSION   "2011-06-15"
#define NAMESPACE "https://sts.amazonaws.com/doc/" VERSION "/"

bool kw_sts_is_request(const struct kw_http_request *request)
{
    struct kw_bytes type = kw_http_header(request, "content-type");
    ssize_t end = kw_bytes_find(type, ';');

    type.len = end < 0 ? type.len : (size_t)end;
    while (type.len > 0 && type.ptr[type.len - 1] == ' ')
        type.len--;
    return kw_bytes_equal_nocase(type, KW_LIT("application/x-www-form-urlencoded"));
}

bool kw_sts_region_valid(struct kw_bytes region)
{
    return kw_bytes_equal(region, KW_LIT("aws-global")) || kw_region_valid(region);
}

/* ---- XML ---- */

/* What may be no character of XML 1.0, and all that is not ASCII, becomes '?': nothing of ours has such. */
static void put_text(struct kw_sbuf *out, struct kw_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c == '<')
            kw_sbuf_put_str(out, "&lt;");
        else if (c == '>')
            kw_sbuf_put_str(out, "&gt;");
        else if (c == '&')
            kw_sbuf_put_str(out, "&amp;");
        else if (c == '"')
            kw_sbuf_put_str(out, "&quot;");
        else
            kw_sbuf_put(out, c < 0x20 || c > 0x7e ? (const uint8_t *)"?" : &c, 1);
    }
}

void kw_sts_put_element(struct kw_sbuf *out, const char *indent, const char *name, struct kw_bytes text)
{
    kw_sbuf_printf(out, "%s<%s>", indent, name);
    put_text(out, text);
    kw_sbuf_printf(out, "</%s>\n", name);
}

/* ---- errors ---- */

struct sts_error {
    const char *code;
    unsigned status;
};

/* Those that a call of STS can end with. */
static struct sts_error error_of(enum kw_error error)
{
    switch (error) {
    case KW_ERROR_ACCESS_DENIED:
        return (struct sts_error){"AccessDenied", 403};
    case KW_ERROR_EXPIRED_TOKEN:
        return (struct sts_error){"ExpiredToken", 403};
    case KW_ERROR_INCOMPLETE_SIGNATURE:
        return (struct sts_error){"IncompleteSignature", 400};
    case KW_ERROR_INVALID_SIGNATURE:
        return (struct sts_error){"SignatureDoesNotMatch", 403};
    case KW_ERROR_MALFORMED_POLICY:
        return (struct sts_error){"MalformedPolicyDocument", 400};
    case KW_ERROR_MISSING_TOKEN:
        return (struct sts_error){"MissingAuthenticationToken", 403};
    case KW_ERROR_PACKED_POLICY_TOO_LARGE:
        return (struct sts_error){"PackedPolicyTooLarge", 400};
    case KW_ERROR_UNRECOGNIZED_CLIENT:
        return (struct sts_error){"InvalidClientTokenId", 403};
    case KW_ERROR_THROTTLING:
        return (struct sts_error){"Throttling", 400};
    case KW_ERROR_UNKNOWN_OPERATION:
        return (struct sts_error){"InvalidAction", 400};
    case KW_ERROR_VALIDATION:
        return (struct sts_error){"ValidationError", 400};
    case KW_ERROR_SERIALIZATION:
        return (struct sts_error){"MalformedQueryString", 400};
    default:
        return (struct sts_error){"InternalFailure", 500};
    }
}

void kw_sts_write_error(struct kw_call *call)
{
    struct sts_error error = error_of(call->error);
    struct kw_exchange *exchange = call->exchange;
    struct kw_sbuf *out = &exchange->answer;

    kw_sbuf_reset(out, 0);
    exchange->status = error.status;
    kw_sbuf_put_str(out, "<ErrorResponse xmlns=\"" NAMESPACE "\">\n  <Error>\n");
    kw_sts_put_element(out, "    ", "Type", error.status < 500 ? KW_LIT("Sender") : KW_LIT("Receiver"));
    kw_sts_put_element(out, "    ", "Code", kw_bytes_str(error.code));
    kw_sts_put_element(out, "    ", "Message", kw_sbuf_bytes(&call->message));
    kw_sbuf_put_str(out, "  </Error>\n");
    kw_sts_put_element(out, "  ", "RequestId", kw_bytes_str(call->request_id));
    kw_sbuf_put_str(out, "</ErrorResponse>\n");
}

/* ---- GetCallerIdentity ---- */

/* Kept for the audit record: bounded, and nothing but letters and digits, which all names of actions are. */
static void note_action(struct kw_call *call, struct kw_bytes action)
{
    size_t len = 0;

    while (len < action.len && len < sizeof(call->sts_action) - 1 && action.ptr[len] > ' ' &&
           action.ptr[len] < 0x7f) {
        call->sts_action[len] = (char)action.ptr[len];
        len++;
    }
    call->sts_action[len] = '\0';
}

void kw_sts_begin_answer(struct kw_call *call)
{
    struct kw_sbuf *out = &call->exchange->answer;

    kw_sbuf_printf(
        out, "<%sResponse xmlns=\"" NAMESPACE "\">\n  <%sResult>\n", call->sts_action, call->sts_action);
}

void kw_sts_end_answer(struct kw_call *call)
{
    struct kw_sbuf *out = &call->exchange->answer;

    kw_sbuf_printf(out, "  </%sResult>\n  <ResponseMetadata>\n", call->sts_action);
    kw_sts_put_element(out, "    ", "RequestId", kw_bytes_str(call->request_id));
    kw_sbuf_printf(out, "  </ResponseMetadata>\n</%sResponse>\n", call->sts_action);
}

/* Whoever is identified may ask: AWS needs no permission for it either. */
static int get_caller_identity(struct kw_call *call, const struct kw_form *form)
{
    struct kw_sbuf *out = &call->exchange->answer;

    (void)form;
    kw_sts_begin_answer(call);
    kw_sts_put_element(out, "    ", "Arn", kw_bytes_str(call->identity.arn));
    kw_sts_put_element(out, "    ", "UserId", kw_bytes_str(call->identity.user_id));
    kw_sts_put_element(out, "    ", "Account", kw_bytes_str(call->identity.account));
    kw_sts_end_answer(call);
    return KW_CALL_DONE;
}

/* ---- actions ---- */

static const struct action {
    const char *name;
    int (*run)(struct kw_call *call, const struct kw_form *form);
} actions[] = {
    {"AssumeRole", kw_sts_assume_role},
    {"GetCallerIdentity", get_caller_identity},
    {"GetSessionToken", kw_sts_get_session_token},
};

static const struct action *find_action(struct kw_bytes name)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(actions); i++) {
        if (kw_bytes_equal(name, kw_bytes_str(actions[i].name)))
            return &actions[i];
    }
    return NULL;
}

static int run_action(struct kw_call *call, const struct kw_form *form)
{
    struct kw_bytes name = kw_form_value(form, "Action"), version = kw_form_value(form, "Version");
    const struct action *action = find_action(name);

    note_action(call, name);
    if (name.len == 0)
        return kw_call_refuse(call, KW_ERROR_UNKNOWN_OPERATION, "The request names no Action.");
    if (action != NULL && kw_bytes_equal(version, KW_LIT(VERSION)))
        return action->run(call, form);
    version = version.len == 0 ? KW_LIT("NO_VERSION_SPECIFIED") : kw_bytes_cut(version, 64);
    return kw_call_refuse(call, KW_ERROR_UNKNOWN_OPERATION,
        "Could not find operation %s for version %.*s. This server answers AssumeRole, GetCallerIdentity and "
        "GetSessionToken of version " VERSION " only.",
        call->sts_action, (int)version.len, (const char *)version.ptr);
}

int kw_sts_run(struct kw_call *call)
{
    struct kw_form form;

    if (kw_form_parse(call->exchange->body, &form) != 0)
        return kw_call_refuse(
            call, KW_ERROR_SERIALIZATION, "The body is not a list of fields of the query protocol.");
    return run_action(call, &form);
}
