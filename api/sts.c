#include "api/sts.h"

#include "api/form.h"
#include "api/region.h"

#include <stdio.h>

#define VERSION   "2011-06-15"
#define NAMESPACE "https://sts.amazonaws.com/doc/" VERSION "/"
#define ACTION    "GetCallerIdentity"

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

static void put_element(struct kw_sbuf *out, const char *indent, const char *name, struct kw_bytes text)
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
    case KW_ERROR_INCOMPLETE_SIGNATURE:
        return (struct sts_error){"IncompleteSignature", 400};
    case KW_ERROR_INVALID_SIGNATURE:
        return (struct sts_error){"SignatureDoesNotMatch", 403};
    case KW_ERROR_MISSING_TOKEN:
        return (struct sts_error){"MissingAuthenticationToken", 403};
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
    put_element(out, "    ", "Type", error.status < 500 ? KW_LIT("Sender") : KW_LIT("Receiver"));
    put_element(out, "    ", "Code", kw_bytes_str(error.code));
    put_element(out, "    ", "Message", kw_sbuf_bytes(&call->message));
    kw_sbuf_put_str(out, "  </Error>\n");
    put_element(out, "  ", "RequestId", kw_bytes_str(call->request_id));
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

static int check_action(struct kw_call *call, const struct kw_form *form)
{
    struct kw_bytes action = kw_form_value(form, "Action"), version = kw_form_value(form, "Version");

    note_action(call, action);
    if (action.len == 0)
        return kw_call_refuse(call, KW_ERROR_UNKNOWN_OPERATION, "The request names no Action.");
    if (kw_bytes_equal(action, KW_LIT(ACTION)) && kw_bytes_equal(version, KW_LIT(VERSION)))
        return KW_CALL_DONE;
    version = version.len == 0 ? KW_LIT("NO_VERSION_SPECIFIED") : kw_bytes_cut(version, 64);
    return kw_call_refuse(call, KW_ERROR_UNKNOWN_OPERATION,
        "Could not find operation %s for version %.*s. This server answers GetCallerIdentity of "
        "version " VERSION " only.",
        call->sts_action, (int)version.len, (const char *)version.ptr);
}

static void write_identity(struct kw_call *call)
{
    struct kw_sbuf *out = &call->exchange->answer;

    kw_sbuf_put_str(out, "<" ACTION "Response xmlns=\"" NAMESPACE "\">\n  <" ACTION "Result>\n");
    put_element(out, "    ", "Arn", kw_bytes_str(call->identity.arn));
    put_element(out, "    ", "UserId", kw_bytes_str(call->identity.principal_id));
    put_element(out, "    ", "Account", kw_bytes_str(call->identity.account));
    kw_sbuf_put_str(out, "  </" ACTION "Result>\n  <ResponseMetadata>\n");
    put_element(out, "    ", "RequestId", kw_bytes_str(call->request_id));
    kw_sbuf_put_str(out, "  </ResponseMetadata>\n</" ACTION "Response>\n");
}

/* Whoever is identified may ask: AWS needs no permission for it either. */
void kw_sts_run(struct kw_call *call)
{
    struct kw_form form;

    if (kw_form_parse(call->exchange->body, &form) != 0)
        kw_call_refuse(
            call, KW_ERROR_SERIALIZATION, "The body is not a list of fields of the query protocol.");
    else if (check_action(call, &form) == KW_CALL_DONE)
        write_identity(call);
}
