#include "api/http.h"

#include "api/http_class.h"

#include <endian.h>

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

#define EACH_BYTE(c) (0x0101010101010101u * (c))

/* The first byte at or after from that is neither text nor a tab: eight at a time. A byte below 0x20 borrows
 * from its own high bit, and so may make bytes above it look the same, never one below it; 0x7f is the only
 * byte that becomes 0 when its bits are turned with 0x7f. So the lowest bit that shows is a true one. */
static size_t text_end(const uint8_t *ptr, size_t from, size_t end)
{
    while (from + 8 <= end) {
        uint64_t word, del, stop;

        memcpy(&word, ptr + from, 8);
        word = le64toh(word);
        del = word ^ EACH_BYTE(0x7f);
        stop = ((word - EACH_BYTE(0x20)) & ~word) | ((del - EACH_BYTE(1)) & ~del);
        stop &= EACH_BYTE(0x80);
        if (stop == 0) {
            from += 8;
            continue;
        }
        from += (size_t)__builtin_ctzll(stop) / 8;
        if (ptr[from] != '\t')
            return from;
        from++;
    }
    while (from < end && (kw_http_class[ptr[from]] & KW_HTTP_TEXT))
        from++;
    return from;
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

        if (!after_cr)
            i = text_end(in.ptr, i, end);
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

/* What the headers say about the message itself, gathered while they are read. */
struct framing {
    unsigned num_hosts, num_lengths, num_encodings;
    struct kw_bytes host, length;
    bool is_1_1, close, keep_alive, expect_continue;
};

/* Cuts the next line, without its CRLF, off a complete head, in which every CR is followed by LF. */
static struct kw_bytes next_line(struct kw_bytes *rest)
{
    size_t end = text_end(rest->ptr, 0, rest->len);

    kw_assert(end + 1 < rest->len);
    struct kw_bytes line = slice(*rest, 0, end);
    *rest = slice(*rest, end + 2, rest->len);
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

/* True if the comma-separated list has the word. */
static bool has_word(struct kw_bytes list, struct kw_bytes word)
{
    for (;;) {
        ssize_t comma = kw_bytes_find(list, ',');
        size_t len = comma < 0 ? list.len : (size_t)comma;

        if (kw_bytes_equal_nocase(trim(slice(list, 0, len)), word))
            return true;
        if (comma < 0)
            return false;
        list = slice(list, len + 1, list.len);
    }
}

static bool is_named(const struct kw_http_header *header, struct kw_bytes lower_name)
{
    return header->name.len == lower_name.len && kw_bytes_equal_nocase(header->name, lower_name);
}

static void note_header(const struct kw_http_header *header, struct framing *framing)
{
    if (is_named(header, KW_LIT("host"))) {
        framing->num_hosts++;
        framing->host = header->value;
    } else if (is_named(header, KW_LIT("content-length"))) {
        framing->num_lengths++;
        framing->length = header->value;
    } else if (is_named(header, KW_LIT("transfer-encoding"))) {
        framing->num_encodings++;
    } else if (is_named(header, KW_LIT("connection"))) {
        framing->close |= has_word(header->value, KW_LIT("close"));
        framing->keep_alive |= has_word(header->value, KW_LIT("keep-alive"));
    } else if (is_named(header, KW_LIT("expect"))) {
        framing->expect_continue |= has_word(header->value, KW_LIT("100-continue"));
    }
}

/* RFC 9112 5: field-line = field-name ":" OWS field-value OWS. A line that begins with white space (folding)
 * has no token before its colon, as has one with a space before the colon. */
static int parse_header(struct kw_bytes line, struct kw_http_request *request, struct framing *framing)
{
    size_t colon = 0;
    while (colon < line.len && (kw_http_class[line.ptr[colon]] & KW_HTTP_TOKEN))
        colon++;
    KW_REQUIRE(colon > 0 && colon < line.len && line.ptr[colon] == ':', KW_HTTP_BAD);
    struct kw_bytes name = slice(line, 0, colon);
    KW_REQUIRE(request->num_headers < KW_HTTP_HEADERS_MAX, KW_HTTP_HEAD_TOO_BIG);

    struct kw_http_header *header = &request->headers[request->num_headers++];
    header->name = name;
    header->value = trim(slice(line, colon + 1, line.len));
    note_header(header, framing);
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
static int judge_framing(const struct framing *framing, struct kw_http_request *request)
{
    KW_REQUIRE(framing->num_encodings == 0, KW_HTTP_ENCODING);
    KW_REQUIRE(framing->num_lengths <= 1, KW_HTTP_BAD);
    return framing->num_lengths == 0 ? 0 : parse_content_length(framing->length, &request->content_length);
}

static int judge_host(const struct framing *framing)
{
    KW_REQUIRE(framing->num_hosts <= 1 && (framing->num_hosts == 1 || !framing->is_1_1), KW_HTTP_BAD);
    if (framing->num_hosts == 0)
        return 0;
    KW_REQUIRE(framing->host.len > 0 && all_of(framing->host, KW_HTTP_HOST), KW_HTTP_BAD);
    return 0;
}

static int parse_head(struct kw_bytes head, struct kw_http_request *request)
{
    struct framing framing = {.num_hosts = 0};
    int r = parse_request_line(next_line(&head), request, &framing.is_1_1);
    KW_REQUIRE(r == 0, r);

    for (struct kw_bytes line = next_line(&head); line.len > 0; line = next_line(&head)) {
        r = parse_header(line, request, &framing);
        KW_REQUIRE(r == 0, r);
    }
    kw_assert(head.len == 0);

    r = judge_framing(&framing, request);
    KW_REQUIRE(r == 0, r);
    r = judge_host(&framing);
    KW_REQUIRE(r == 0, r);
    request->keep_alive = !framing.close && (framing.is_1_1 || framing.keep_alive);
    /* RFC 9110 10.1.1: "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore
     * that expectation." */
    request->expect_continue = framing.is_1_1 && framing.expect_continue;
    return 0;
}

int kw_http_parse(struct kw_bytes in, size_t *scanned, struct kw_http_request *ret)
{
    size_t head_len = 0;

    int r = find_end(in, scanned, &head_len);
    KW_REQUIRE(r == 0, r);
    /* The table of headers is 2 KiB, of which a request uses a fraction: neither cleared nor copied whole. */
    struct kw_http_request request;
    memset(&request, 0, offsetof(struct kw_http_request, headers));
    request.head_len = head_len;
    r = parse_head(KW_BYTES(in.ptr, head_len), &request);
    KW_REQUIRE(r == 0, r);
    memcpy(ret, &request,
        offsetof(struct kw_http_request, headers) + request.num_headers * sizeof(request.headers[0]));
    return 0;
}

struct kw_bytes kw_http_header(const struct kw_http_request *request, const char *lower_name)
{
    struct kw_bytes wanted = kw_bytes_str(lower_name);

    for (size_t i = 0; i < request->num_headers; i++)
        if (is_named(&request->headers[i], wanted))
            return request->headers[i].value;
    return KW_BYTES(NULL, 0);
}

size_t kw_http_header_count(const struct kw_http_request *request, const char *lower_name)
{
    struct kw_bytes wanted = kw_bytes_str(lower_name);
    size_t count = 0;

    for (size_t i = 0; i < request->num_headers; i++)
        count += is_named(&request->headers[i], wanted);
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
