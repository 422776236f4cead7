/* exchange - one HTTP request and its answer: what passes between a connection and the service behind it.
 *
 * A handler is called on the loop's thread with a complete request, and calls kw_exchange_finish() on the
 * same thread, then or later, exactly once. Until then the request's bytes stay where they are. The answer is
 * wiped when it has been sent.
 */
#ifndef KW_API_EXCHANGE_H
#define KW_API_EXCHANGE_H

#include "api/address.h"
#include "api/http.h"
#include "api/transport.h"

#define KW_ANSWER_MAX (4u * 1024u * 1024u)

struct kw_conn;
struct kw_loop;

struct kw_exchange {
    struct kw_http_request request; /* slices into the connection's buffer */
    struct kw_bytes body;
    char peer[KW_ADDRESS_TEXT_MAX];       /* the client's address without its port, or "local" */
    int64_t uid;                          /* who asks over a Unix-domain socket; -1: over the network */
    const struct kw_transport *transport; /* what it came through; NULL: plain */
    uint64_t started_ns;                  /* when the request was complete */
    struct kw_conn *conn;
    bool gone; /* see kw_exchange_watch() */
    /* set by the handler: */
    unsigned status;
    const char *content_type; /* static text */
    bool close;               /* close the connection after the answer */
    struct kw_sbuf answer;    /* the body of the answer; secret memory */
    /* the connection's: */
    char headers[512]; /* more header lines, each with its CRLF */
    size_t headers_len;
    char head[1024];
    size_t head_len;
};

/* Appends a header line; asserts that it fits. value: no control bytes. */
void kw_exchange_header(struct kw_exchange *exchange, const char *name, const char *value);
/* From now on exchange->gone becomes true when the client has reset the connection (one that has only closed
 * its own side still gets its answer). For requests that have to wait for something. */
void kw_exchange_watch(struct kw_exchange *exchange);
/* Sends the answer. The exchange belongs to the connection again. */
void kw_exchange_finish(struct kw_exchange *exchange);

/* What answers requests on the loops of a server. ctx is per loop. */
struct kw_handler {
    /* On the loop's thread, before the first request. Returns 0 or <0; why is for the operator. */
    int (*start)(void *shared, struct kw_loop *loop, void **ret_ctx, char *why, size_t why_cap);
    /* On the loop's thread, after the last request. */
    void (*stop)(void *ctx);
    void (*request)(void *ctx, struct kw_exchange *exchange);
    /* Called at least every KW_POOL_RECHECK_MS while it returns true; may be NULL. */
    bool (*tick)(void *ctx, uint64_t now_ns);
    /* Called when a turn of the loop is over, before the loop waits: for what is better done once for all of
     * its requests. May be NULL. */
    void (*end_turn)(void *ctx);
    /* The server stops and its time is up: answer every request that still waits for something now. May be
     * NULL. */
    void (*give_up)(void *ctx);
    /* The bytes of a request that is not HTTP as we take it: type and message of the answer's body for that
     * status; writes into exchange->answer. */
    void (*bad_request)(void *ctx, struct kw_exchange *exchange);
};

#endif
