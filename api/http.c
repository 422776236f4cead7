#include "api/http.h"

#include "api/http_class.h"

static bool all_of(struct kw_bytes text, uint8_t class)
{
    for (size_t i = 0; i < text.len; i++)
        if (!(kw_http_class[text.ptr[i]] & class))
            return false;
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static struct kw_bytes slice(struct kw_bytes text, size_t from, size_t to)
{
    return KW_BYTES(text.ptr + from, to - from);
}

static struct kw_bytes trim(struct kw_bytes text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = slice(text, 1, text.len);
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Finds the empty line that ends the head. Bytes that no head may hold are judged here, in the order in which
 * they come, so that the answer is the same however the bytes were cut into reads. On every result *scanned
 * is where a later call goes on, or finds the same thing again. */
static int find_end(struct kw_bytes in, size_t *scanned, size_t *ret_len)
{
    size_t end = KW_MIN(in.len, (size_t)KW_HTTP_HEAD_MAX);
    size_t i = *scanned;

    kw_assert(i <= in.len);
    for (; i < end; i++) {
        bool after_cr = i > 0 && in.ptr[i - 1] == '\r';

        while (!after_cr && i < end && (kw_http_class[in.ptr[i]] & KW_HTTP_TEXT))
            i++;
        if (i == end)
            break;
        *scanned = i;
        if (in.ptr[i] != (after_cr ? '\n' : '\r'))
            return KW_HTTP_BAD;
        /* An empty first line: RFC 9112 2.2 lets a server skip it, no client of ours sends it. */
        if (after_cr && i == 1)
            return KW_HTTP_BAD;
        if (after_cr && i >= 3 && in.ptr[i - 2] == '\n') {
            *ret_len = i + 1;
            return 0;
        }
    }
    *scanned = i;
    return in.len >= KW_HTTP_HEAD_MAX ? KW_HTTP_HEAD_TOO_BIG : KW_HTTP_MORE;
}

/* Cuts the next line, without its CRLF, off a complete head, in which every CR is followed by LF. */
static struct kw_bytes next_line(struct kw_bytes *rest)
{
    ssize_t end = kw_bytes_find(*rest, '\r');

    kw_assert(end >= 0 && (size_t)end + 1 < rest->len);
    struct kw_bytes line = slice(*rest, 0, (size_t)end);
    *rest = slice(*rest, (size_t)end + 2, rest->len);
    return line;
}

static bool target_valid(struct kw_bytes target)
{
    if (target.len == 0 || target.ptr[0] != '/' || !all_of(target, KW_HTTP_TARGET))
        return false;
    for (size_t i = 0; i < target.len; i++)
        if (target.ptr[i] == '%' &&
            (target.len - i < 3 || !is_hex(target.ptr[i + 1]) || !is_hex(target.ptr[i + 2])))
            return false;
    return true;
}

static int parse_version(struct kw_bytes text, bool *ret_is_1_1)
{
    KW_REQUIRE(text.len == 8 && kw_bytes_starts(text, KW_LIT("HTTP/")), KW_HTTP_BAD);
    KW_REQUIRE(is_digit(text.ptr[5]) && text.ptr[6] == '.' && is_digit(text.ptr[7]), KW_HTTP_BAD);
    KW_REQUIRE(text.ptr[5] == '1' && text.ptr[7] <= '1', KW_HTTP_VERSION);
    *ret_is_1_1 = text.ptr[7] == '1';
    return 0;
}

/* RFC 9112 3: request-line = method SP request-target SP HTTP-version */
static int parse_request_line(struct kw_bytes line, struct kw_http_request *request, bool *ret_is_1_1)
{
    ssize_t space = kw_bytes_find(line, ' ');
    KW_REQUIRE(space > 0, KW_HTTP_BAD);
    request->method = slice(line, 0, (size_t)space);
    KW_REQUIRE(all_of(request->method, KW_HTTP_TOKEN), KW_HTTP_BAD);

    struct kw_bytes rest = slice(line, (size_t)space + 1, line.len);
    space = kw_bytes_find(rest, ' ');
    KW_REQUIRE(space > 0, KW_HTTP_BAD);
    /* The version is judged first: "PRI * HTTP/2.0" is a version that we do not speak, not a malformed
     * target. */
    int r = parse_version(slice(rest, (size_t)space + 1, rest.len), ret_is_1_1);
    KW_REQUIRE(r == 0, r);

    request->target = slice(rest, 0, (size_t)space);
    KW_REQUIRE(target_valid(request->target), KW_HTTP_BAD);
    ssize_t mark = kw_bytes_find(request->target, '?');
    size_t path_len = mark < 0 ? request->target.len : (size_t)mark;
    request->path = slice(request->target, 0, path_len);
    request->query = slice(request->target, mark < 0 ? path_len : path_len + 1, request->target.len);
    return 0;
}

/* RFC 9112 5: field-line = field-name ":" OWS field-value OWS. A line that begins with white space (folding)
 * has no token before its colon, as has one with a space before the colon. */
static int parse_header(struct kw_bytes line, struct kw_http_request *request)
{
    ssize_t colon = kw_bytes_find(line, ':');
    KW_REQUIRE(colon > 0, KW_HTTP_BAD);
    struct kw_bytes name = slice(line, 0, (size_t)colon);
    KW_REQUIRE(all_of(name, KW_HTTP_TOKEN), KW_HTTP_BAD);
    KW_REQUIRE(request->num_headers < KW_HTTP_HEADERS_MAX, KW_HTTP_HEAD_TOO_BIG);

    struct kw_http_header *header = &request->headers[request->num_headers++];
    header->name = name;
    header->value = trim(slice(line, (size_t)colon + 1, line.len));
    return 0;
}

/* RFC 9110 8.6: Content-Length = 1*DIGIT, so leading zeros are legal and a sign, a prefix or a list is not.
 */
static int parse_content_length(struct kw_bytes text, size_t *ret)
{
    size_t length = 0;

    KW_REQUIRE(text.len > 0, KW_HTTP_BAD);
    for (size_t i = 0; i < text.len; i++) {
        KW_REQUIRE(is_digit(text.ptr[i]), KW_HTTP_BAD);
        /* Stops growing above the limit, so that no number of digits can make it wrap. */
        if (length <= KW_HTTP_BODY_MAX)
            length = length * 10 + (size_t)(text.ptr[i] - '0');
    }
    KW_REQUIRE(length <= KW_HTTP_BODY_MAX, KW_HTTP_BODY_TOO_BIG);
    *ret = length;
    return 0;
}

/* How long the body is. Whoever disagrees with the proxy in front about this serves a request that the proxy
 * never saw: only one Content-Length, or none and no body. */
static int judge_framing(struct kw_http_request *request)
{
    KW_REQUIRE(kw_http_header_count(request, "transfer-encoding") == 0, KW_HTTP_ENCODING);
    switch (kw_http_header_count(request, "content-length")) {
    case 0:
        return 0;
    case 1:
        return parse_content_length(kw_http_header(request, "content-length"), &request->content_length);
    default:
        return KW_HTTP_BAD;
    }
}

static int judge_host(const struct kw_http_request *request, bool is_1_1)
{
    size_t count = kw_http_header_count(request, "host");
    KW_REQUIRE(count <= 1 && (count == 1 || !is_1_1), KW_HTTP_BAD);
    if (count == 0)
        return 0;
    struct kw_bytes host = kw_http_header(request, "host");
    KW_REQUIRE(host.len > 0 && all_of(host, KW_HTTP_HOST), KW_HTTP_BAD);
    return 0;
}

/* True if any header of that name has the word in its comma-separated list. */
static bool has_list_word(const struct kw_http_request *request, const char *lower_name, struct kw_bytes word)
{
    struct kw_bytes wanted = kw_bytes_str(lower_name);

    for (size_t i = 0; i < request->num_headers; i++) {
        struct kw_bytes rest = request->headers[i].value;

        if (!kw_bytes_equal_nocase(request->headers[i].name, wanted))
            continue;
        for (;;) {
            ssize_t comma = kw_bytes_find(rest, ',');
            size_t len = comma < 0 ? rest.len : (size_t)comma;

            if (kw_bytes_equal_nocase(trim(slice(rest, 0, len)), word))
                return true;
            if (comma < 0)
                break;
            rest = slice(rest, len + 1, rest.len);
        }
    }
    return false;
}

static void judge_connection(struct kw_http_request *request, bool is_1_1)
{
    if (has_list_word(request, "connection", KW_LIT("close")))
        request->keep_alive = false;
    else
        request->keep_alive = is_1_1 || has_list_word(request, "connection", KW_LIT("keep-alive"));
    /* RFC 9110 10.1.1: "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore
     * that expectation." */
    request->expect_continue = is_1_1 && has_list_word(request, "expect", KW_LIT("100-continue"));
}

static int parse_head(struct kw_bytes head, struct kw_http_request *request)
{
    bool is_1_1 = false;
    int r = parse_request_line(next_line(&head), request, &is_1_1);
    KW_REQUIRE(r == 0, r);

    for (struct kw_bytes line = next_line(&head); line.len > 0; line = next_line(&head)) {
        r = parse_header(line, request);
        KW_REQUIRE(r == 0, r);
    }
    kw_assert(head.len == 0);

    r = judge_framing(request);
    KW_REQUIRE(r == 0, r);
    r = judge_host(request, is_1_1);
    KW_REQUIRE(r == 0, r);
    judge_connection(request, is_1_1);
    return 0;
}

int kw_http_parse(struct kw_bytes in, size_t *scanned, struct kw_http_request *ret)
{
    size_t head_len = 0;

    int r = find_end(in, scanned, &head_len);
    KW_REQUIRE(r == 0, r);
    struct kw_http_request request = {.head_len = head_len};
    r = parse_head(KW_BYTES(in.ptr, head_len), &request);
    KW_REQUIRE(r == 0, r);
    *ret = request;
    return 0;
}

struct kw_bytes kw_http_header(const struct kw_http_request *request, const char *lower_name)
{
    struct kw_bytes wanted = kw_bytes_str(lower_name);

    for (size_t i = 0; i < request->num_headers; i++)
        if (kw_bytes_equal_nocase(request->headers[i].name, wanted))
            return request->headers[i].value;
    return KW_BYTES(NULL, 0);
}

size_t kw_http_header_count(const struct kw_http_request *request, const char *lower_name)
{
    struct kw_bytes wanted = kw_bytes_str(lower_name);
    size_t count = 0;

    for (size_t i = 0; i < request->num_headers; i++)
        count += kw_bytes_equal_nocase(request->headers[i].name, wanted);
    return count;
}

const char *kw_http_reason(unsigned status)
{
    switch (status) {
    case 100:
        return "Continue";
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return status < 400 ? "OK" : "Error";
    }
}
