/* wire - one request to an endpoint, and its answer, over HTTP/1.1 with or without TLS.
 *
 * A connection per request; blocking, with limits of time. What came is kept in secret memory.
 */
#ifndef KW_TOOLS_CLI_WIRE_H
#define KW_TOOLS_CLI_WIRE_H

#include "tools/cli/signer.h"
#include "tools/cli/trouble.h"

struct kw_wire_endpoint {
    bool tls;
    char host[256];   /* to connect to, without brackets */
    char header[280]; /* as the Host header has it */
    char port[6];
    char path[512]; /* "/" at least */
    char url[1100]; /* as complaints name it */
};

struct kw_wire_limits {
    uint64_t connect_ms, read_ms; /* 0: none */
    const char *ca_bundle;        /* "": the system's certificates */
    bool any_certificate;
};

struct kw_wire_answer {
    unsigned status;
    char request_id[128]; /* printable; "": none */
    struct kw_sbuf body;  /* secret */
};

/* kw_wire_endpoint_parse() - "http://HOST[:PORT][/PATH]", "https://...". Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_wire_endpoint_parse(
    const char *url, struct kw_wire_endpoint *ret, struct kw_trouble *trouble);

enum { KW_WIRE_AGAIN = 2 };
/* kw_wire_ask() - sends head and body, and reads the answer. Out: ret, whose body the caller frees on 0.
 * Returns: 0 | 1 (trouble says) | KW_WIRE_AGAIN (the same, but another attempt may do: nobody there, nothing
 * in time) */
KW_MUST_CHECK int kw_wire_ask(const struct kw_wire_endpoint *endpoint, const struct kw_wire_limits *limits,
    struct kw_bytes head, struct kw_bytes body, struct kw_wire_answer *ret, struct kw_trouble *trouble);

/* kw_wire_body() - In: raw, a whole answer with its head, whose framing was checked. Out: ret, the body
 * appended, chunks put together. Returns: 0 | 1 (malformed after all) */
KW_MUST_CHECK int kw_wire_body(struct kw_bytes raw, struct kw_sbuf *ret);

#endif
