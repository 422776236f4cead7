/* http_answer - writes the head of an answer, by copying: printf took longer than all else that a connection
 * does for a request.
 */
#ifndef KW_API_HTTP_ANSWER_H
#define KW_API_HTTP_ANSWER_H

#include "pool/bytes.h"

/* What a head may be long at most beside its date, content type and headers. */
#define KW_HTTP_ANSWER_REST_MAX 192u

struct kw_http_answer {
    unsigned status;          /* 100 .. 999 */
    struct kw_bytes date;     /* an IMF-fixdate */
    const char *content_type; /* no control bytes */
    size_t content_length;
    struct kw_bytes headers; /* more header lines, each with its CRLF */
    bool close;              /* Connection: close */
};

/* kw_http_answer_head() - writes the status line, the headers and the empty line at to; asserts that they fit
 * into cap bytes. Returns their length. */
size_t kw_http_answer_head(char *to, size_t cap, const struct kw_http_answer *answer);

#endif
