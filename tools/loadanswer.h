/* loadanswer - reads the answers of an HTTP/1.1 server as a client, piece by piece.
 *
 * It keeps what a load generator tells apart: the status, the type of an error, whether the connection may be
 * used again, and whether keywelld had to wait for a key pair. Bodies are counted and not kept, but for the
 * first bytes of an error's. Pure and bounded: no allocation, a head of at most KW_ANSWER_HEAD_MAX bytes.
 * Source: RFC 9112 sections 4, 6 and 7.
 */
#ifndef KW_TOOLS_LOADANSWER_H
#define KW_TOOLS_LOADANSWER_H

#include "pool/bytes.h"

#define KW_ANSWER_HEAD_MAX  8192u
#define KW_ANSWER_BODY_MAX  (64u * 1024 * 1024)
#define KW_ANSWER_KEEP_MAX  1024u /* of the body of an answer that is not 200 */
#define KW_ANSWER_ERROR_MAX 64u

enum {
    KW_ANSWER_MORE = 1, /* read on */
    KW_ANSWER_BAD = 2,  /* not HTTP/1.1, or beyond the limits: close */
};

struct kw_answer {
    int state;       /* private */
    unsigned status; /* 0 until the head has been read */
    bool close;      /* the connection ends with this answer */
    bool waited;     /* Server-Timing names a pool with the description "wait" */
    uint64_t left;   /* private: bytes of the body or chunk to come; digits and line lengths in between */
    uint64_t body_len;
    uint32_t num_digits;
    uint32_t kept_len;
    uint32_t head_len;
    uint32_t header_error_len;
    char header_error[KW_ANSWER_ERROR_MAX]; /* x-amzn-ErrorType up to a colon */
    char kept[KW_ANSWER_KEEP_MAX];
    char head[KW_ANSWER_HEAD_MAX]; /* of a head that came in pieces */
};

/* Ready for the next answer. */
void kw_answer_reset(struct kw_answer *answer);

/* kw_answer_feed() - the next bytes of the connection. Out: ret_used, how many of them belong to this answer
 * (set always). Returns: 0 (complete) | KW_ANSWER_MORE | KW_ANSWER_BAD */
KW_MUST_CHECK int kw_answer_feed(struct kw_answer *answer, struct kw_bytes in, size_t *ret_used);

/* The connection has ended. Returns: 0 (this completes the answer) | KW_ANSWER_BAD */
KW_MUST_CHECK int kw_answer_end(const struct kw_answer *answer);

/* kw_answer_error() - what a complete answer with another status than 200 is called: the error's type as AWS
 * sends it ("ThrottlingException"), else "HTTP 503". Letters, digits and "._- " only, whatever was sent. */
void kw_answer_error(const struct kw_answer *answer, char ret[KW_ANSWER_ERROR_MAX]);

#endif
