/* http - a strict parser for the heads of HTTP/1.1 requests, of the subset that AWS SDKs send (RFC 9112).
 *
 * Refused: bare LF or CR, line folding, white space before a colon or around the request line's parts, more
 * than one Host, Content-Length twice (equal or not), any Transfer-Encoding, control bytes in values,
 * HTTP/0.9, 1.2 and 2, targets that are not origin-form, a request of HTTP/1.1 without a Host, an empty line
 * before the request. Pure: it looks at the bytes given, allocates nothing, keeps slices into them.
 */
#ifndef KW_API_HTTP_H
#define KW_API_HTTP_H

#include "pool/bytes.h"
#include "pool/limits.h"

enum {
    KW_HTTP_MORE = 1, /* the head is not complete; read on */
    KW_HTTP_BAD = 2,  /* malformed: 400, close */
    KW_HTTP_HEAD_TOO_BIG =
        3,                /* more than KW_HTTP_HEAD_MAX bytes or KW_HTTP_HEADERS_MAX headers: 431, close */
    KW_HTTP_VERSION = 4,  /* 505, close */
    KW_HTTP_ENCODING = 5, /* Transfer-Encoding: 501, close */
    KW_HTTP_BODY_TOO_BIG = 6, /* Content-Length above KW_HTTP_BODY_MAX: 413, close */
};

struct kw_http_header {
    struct kw_bytes name;  /* as sent */
    struct kw_bytes value; /* without surrounding spaces and tabs */
};

struct kw_http_request {
    struct kw_bytes method;
    struct kw_bytes target; /* origin-form, as sent: path and query */
    struct kw_bytes path;   /* target up to '?' */
    struct kw_bytes query;  /* after '?', empty if none */
    size_t head_len;        /* bytes of the head with its empty line; the body follows */
    size_t content_length;  /* 0 without the header */
    bool keep_alive;        /* HTTP/1.1 without "Connection: close", or 1.0 with "keep-alive" */
    bool expect_continue;
    size_t num_headers;
    struct kw_http_header headers[KW_HTTP_HEADERS_MAX]; /* only so many of them are written */
};

/* kw_http_parse() - parses a head at the start of in.
 * In/out: scanned, bytes already looked through for the end of the head (0 at first), so that a head that
 * arrives byte by byte costs linear work; for the next request on the connection it begins at 0 again. A byte
 * that no head may hold is reported before the head is complete. The answer does not depend on how the bytes
 * were cut into pieces, and a later call with more bytes gives it again.
 * Returns: 0 (ret is filled) | one of the conditions above */
KW_MUST_CHECK int kw_http_parse(struct kw_bytes in, size_t *scanned, struct kw_http_request *ret);

/* The value of the first header of that name (given in lower case), or an empty slice with NULL ptr. */
struct kw_bytes kw_http_header(const struct kw_http_request *request, const char *lower_name);
/* How many headers have that name. */
size_t kw_http_header_count(const struct kw_http_request *request, const char *lower_name);

/* The reason phrase of a status that keywell sends. */
const char *kw_http_reason(unsigned status);

#endif
