#include "api/sigv4.h"

#include <stdio.h>

#define ALGORITHM KW_LIT("AWS4-HMAC-SHA256")

/* Where the sentence about a refusal goes. */
struct why {
    char *text;
    size_t cap;
};

KW_PRINTF(2, 3) static int refuse(struct why why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    /* clang-tidy 14 loses the va_start() above on some paths into this function. */
    vsnprintf(why.text, why.cap, format, args); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(args);
    return KW_SIGV4_INCOMPLETE;
}

/* Outside text fit to be quoted: up to 64 bytes and to the first one that no name, date or scope has. The
 * stop at '=' and at white space keeps a signature out that follows without a comma. */
struct quote {
    char text[65];
};

static struct quote quote(struct kw_bytes text)
{
    struct quote quoted = {0};

    for (size_t i = 0; i < text.len && i < sizeof(quoted.text) - 1; i++) {
        uint8_t c = text.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

        if (!alnum && (c == '\0' || strchr("/_.:+-", c) == NULL))
            break;
        quoted.text[i] = (char)c;
    }
    return quoted;
}

static struct kw_bytes skip(struct kw_bytes text, size_t num)
{
    return KW_BYTES(text.ptr + num, text.len - num);
}

/* Cuts what is before the next separator off rest; the whole rest if there is none. */
static struct kw_bytes cut(struct kw_bytes *rest, uint8_t separator)
{
    ssize_t at = kw_bytes_find(*rest, separator);
    struct kw_bytes part = KW_BYTES(rest->ptr, at < 0 ? rest->len : (size_t)at);

    *rest = skip(*rest, at < 0 ? rest->len : (size_t)at + 1);
    return part;
}

static struct kw_bytes trim(struct kw_bytes text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = skip(text, 1);
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* A bit for each header of that name. */
static uint64_t find_headers(const struct kw_http_request *request, struct kw_bytes name)
{
    uint64_t found = 0;

    for (size_t i = 0; i < request->num_headers; i++)
        found |= (uint64_t)kw_bytes_equal_nocase(request->headers[i].name, name) << i;
    return found;
}
static_assert(KW_HTTP_HEADERS_MAX <= 64, "a bit for each header");

static bool is_one(uint64_t found)
{
    return (found & (found - 1)) == 0;
}

/* The values of the Authorization header's three parameters, NULL where one is not there. */
struct parameters {
    struct kw_bytes credential, signed_headers, signature;
};

static int take_parameter(struct kw_bytes piece, struct parameters *parameters, struct why why)
{
    ssize_t equal = kw_bytes_find(piece, '=');
    struct kw_bytes *to = NULL;

    if (equal < 0)
        return refuse(
            why, "Authorization header has a part that is not a valid key=value pair (missing equal-sign).");
    struct kw_bytes name = KW_BYTES(piece.ptr, (size_t)equal);
    if (kw_bytes_equal(name, KW_LIT("Credential")))
        to = &parameters->credential;
    else if (kw_bytes_equal(name, KW_LIT("SignedHeaders")))
        to = &parameters->signed_headers;
    else if (kw_bytes_equal(name, KW_LIT("Signature")))
        to = &parameters->signature;
    if (to == NULL)
        return refuse(why, "Authorization header has an unknown parameter '%s'.", quote(name).text);
    if (to->ptr != NULL)
        return refuse(why, "Authorization header has the parameter '%s' twice.", quote(name).text);
    *to = skip(piece, (size_t)equal + 1);
    return 0;
}

static int split_parameters(struct kw_bytes text, struct parameters *parameters, struct why why)
{
    text = trim(text);
    while (text.len > 0) {
        int r = take_parameter(trim(cut(&text, ',')), parameters, why);
        KW_REQUIRE(r == 0, r);
    }
    return 0;
}

/* AWS names all that is missing in one sentence after the other; it ends with the header, of which nothing
 * but the algorithm is repeated here. */
static int judge_missing(const struct parameters *parameters, bool has_date, struct why why)
{
    bool credential = parameters->credential.len > 0, signature = parameters->signature.len > 0;
    bool signed_headers = parameters->signed_headers.len > 0;

    if (credential && signature && signed_headers && has_date)
        return 0;
    return refuse(why, "%s%s%s%sAuthorization=AWS4-HMAC-SHA256",
        credential ? "" : "Authorization header requires 'Credential' parameter. ",
        signature ? "" : "Authorization header requires 'Signature' parameter. ",
        signed_headers ? "" : "Authorization header requires 'SignedHeaders' parameter. ",
        has_date ? ""
                 : "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
}

static bool is_access_key_id(struct kw_bytes text)
{
    if (text.len == 0 || text.len > KW_ACCESS_KEY_ID_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '_')
            return false;
    }
    return true;
}

/* Credential=ACCESS_KEY_ID/YYYYMMDD/REGION/SERVICE/aws4_request */
static int parse_credential(struct kw_bytes text, struct kw_sigv4_claim *claim, struct why why)
{
    struct kw_bytes rest = text;
    size_t slashes = 0;

    for (size_t i = 0; i < text.len; i++)
        slashes += text.ptr[i] == '/';
    if (slashes != 4)
        return refuse(why,
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            "got '%s'",
            quote(text).text);
    claim->access_key_id = cut(&rest, '/');
    claim->scope_date = cut(&rest, '/');
    claim->region = cut(&rest, '/');
    claim->service = cut(&rest, '/');
    if (!is_access_key_id(claim->access_key_id))
        return refuse(why, "Credential has no valid access key id.");
    if (claim->region.len == 0 || claim->region.len > KW_REGION_MAX)
        return refuse(why, "Credential should be scoped to a valid region.");
    if (claim->service.len == 0 || claim->service.len > KW_REGION_MAX)
        return refuse(why, "Credential should be scoped to correct service.");
    if (!kw_bytes_equal(rest, KW_LIT("aws4_request")))
        return refuse(why, "Credential should be scoped with a valid terminator: 'aws4_request', not '%s'.",
            quote(rest).text);
    return 0;
}

static int parse_date(struct kw_sigv4_claim *claim, struct why why)
{
    if (kw_sigv4_stamp_parse(claim->amz_date, &claim->signed_at_ms) != 0)
        return refuse(why,
            "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601",
            quote(claim->amz_date).text);
    if (!kw_bytes_equal(claim->scope_date, KW_BYTES(claim->amz_date.ptr, 8)))
        return refuse(why,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' "
            "!= "
            "'%.8s', from '%s'.",
            quote(claim->scope_date).text, quote(claim->amz_date).text, quote(claim->amz_date).text);
    return 0;
}

/* Strictly rising order leaves one way to write a list, so none holds a name twice. Out: a bit for each
 * header of the request that is signed. */
static int judge_signed_headers(
    const struct kw_http_request *request, struct kw_bytes list, uint64_t *ret_signed, struct why why)
{
    struct kw_bytes before = KW_BYTES(NULL, 0);

    *ret_signed = 0;
    while (list.len > 0) {
        bool more = kw_bytes_find(list, ';') >= 0;
        struct kw_bytes name = cut(&list, ';');
        uint64_t found;

        for (size_t i = 0; i < name.len; i++)
            if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')
                return refuse(why, "'SignedHeaders' must be lower-case, not '%s'.", quote(name).text);
        if (name.len == 0 || (more && list.len == 0))
            return refuse(why, "'SignedHeaders' has an empty name.");
        if (kw_bytes_compare(before, name) >= 0)
            return refuse(
                why, "'SignedHeaders' must be sorted and without repeats, see '%s'.", quote(name).text);
        found = find_headers(request, name);
        if (found == 0)
            return refuse(why, "The 'SignedHeader' '%s' is not in the request.", quote(name).text);
        *ret_signed |= found;
        before = name;
    }
    return 0;
}

static bool is_amz(struct kw_bytes name)
{
    struct kw_bytes prefix = KW_LIT("x-amz-");

    return name.len > prefix.len && kw_bytes_equal_nocase(KW_BYTES(name.ptr, prefix.len), prefix);
}

/* What a stranger could otherwise add to a captured request or change in it: the host, the date, and all that
 * says what is to be done. Sent twice, one could be signed and the other obeyed. */
static int judge_coverage(
    const struct kw_http_request *request, uint64_t is_signed, bool date_is_amz, struct why why)
{
    if ((is_signed & find_headers(request, KW_LIT("host"))) == 0)
        return refuse(why, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    if (!date_is_amz && (is_signed & find_headers(request, KW_LIT("date"))) == 0)
        return refuse(why, "'Date' must be a 'SignedHeader' in the AWS Authorization.");
    for (size_t i = 0; i < request->num_headers; i++) {
        struct kw_bytes name = request->headers[i].name;

        if (!is_amz(name))
            continue;
        if (!is_one(find_headers(request, name)))
            return refuse(why, "The header '%s' is in the request twice.", quote(name).text);
        if ((is_signed >> i & 1) == 0)
            return refuse(why, "'%s' must be a 'SignedHeader' in the AWS Authorization.", quote(name).text);
    }
    return 0;
}

static int judge_authorization(
    const struct kw_http_request *request, struct kw_bytes *ret_parameters, struct why why)
{
    size_t count = kw_http_header_count(request, "authorization");
    struct kw_bytes value = kw_http_header(request, "authorization");

    if (count == 0 && memmem(request->query.ptr, request->query.len, "X-Amz-Signature=", 16) != NULL)
        return refuse(why, "A signature in the query is not supported, sign with an 'Authorization' header.");
    KW_REQUIRE(value.len > 0 || count > 1, KW_SIGV4_MISSING);
    if (count > 1)
        return refuse(why, "The header 'Authorization' is in the request twice.");
    if (!kw_bytes_starts(value, ALGORITHM) || (value.len > ALGORITHM.len && value.ptr[ALGORITHM.len] != ' '))
        return refuse(why, "Unsupported AWS 'algorithm', 'AWS4-HMAC-SHA256' is required.");
    *ret_parameters = skip(value, ALGORITHM.len);
    return 0;
}

static int parse_claim(const struct kw_http_request *request, struct kw_sigv4_claim *claim, struct why why)
{
    struct parameters parameters = {0};
    struct kw_bytes text = KW_BYTES(NULL, 0);
    bool date_is_amz = kw_http_header_count(request, "x-amz-date") > 0;
    uint64_t is_signed = 0;

    int r = judge_authorization(request, &text, why);
    KW_REQUIRE(r == 0, r);
    KW_REQUIRE(split_parameters(text, &parameters, why) == 0, KW_SIGV4_INCOMPLETE);
    if (!date_is_amz && kw_http_header_count(request, "date") > 1)
        return refuse(why, "The header 'Date' is in the request twice.");
    claim->amz_date = kw_http_header(request, date_is_amz ? "x-amz-date" : "date");
    KW_REQUIRE(judge_missing(&parameters, claim->amz_date.len > 0, why) == 0, KW_SIGV4_INCOMPLETE);

    KW_REQUIRE(parse_credential(parameters.credential, claim, why) == 0, KW_SIGV4_INCOMPLETE);
    KW_REQUIRE(parse_date(claim, why) == 0, KW_SIGV4_INCOMPLETE);
    if (kw_hex_decode(parameters.signature, claim->signature, sizeof(claim->signature)) != 0)
        return refuse(why, "'Signature' must be 64 hexadecimal digits.");
    claim->signed_headers = parameters.signed_headers;
    claim->session_token = kw_http_header(request, "x-amz-security-token");
    KW_REQUIRE(
        judge_signed_headers(request, claim->signed_headers, &is_signed, why) == 0, KW_SIGV4_INCOMPLETE);
    return judge_coverage(request, is_signed, date_is_amz, why);
}

int kw_sigv4_parse(
    const struct kw_http_request *request, struct kw_sigv4_claim *ret, char *why, size_t why_cap)
{
    struct kw_sigv4_claim claim = {0};

    int r = parse_claim(request, &claim, (struct why){why, why_cap});
    if (r == 0)
        *ret = claim;
    return r;
}
