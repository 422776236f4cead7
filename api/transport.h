/* transport - what stands between a connection's socket and its HTTP: TLS, or nothing.
 *
 * A connection without a transport (NULL) passes bytes through as they are. With one, everything that arrives
 * goes through take() before the HTTP parser sees it, and everything that leaves goes through put() or is
 * written by the transport itself. Transports do no I/O: bytes in, bytes out. So the connection alone decides
 * when is read and when is sent, and a transport can be tested without a socket.
 *
 * Life: the source's open() makes a connection's transport when its first byte has arrived (a connection that
 * says nothing costs nothing); free() ends it in any state. All on the loop's thread, one call at a time.
 *
 * What the connection promises:
 * - Bytes are taken only while it waits for a request, never while one is handled or answered. What arrives
 *   meanwhile is held back, bounded, and taken afterwards.
 * - What a call appended to out is sent after everything that was appended before, without waiting for a
 *   request or an answer: handshakes, tickets and alerts need no call of their own.
 * - From the first byte of a request or of a handshake to its last runs the request's clock
 *   (--header-timeout-ms); the idle clock runs while `between` says that nothing is half done and no byte of
 *   a request is there.
 * - What is costly (the signature of a handshake) is put off: take() says KW_TRANSPORT_LATER, and is called
 *   again when the turn's other work is done, of one connection a turn. So however many come at once, a
 *   request waits for one of them at most.
 * - When the connection ends by the server's will (last answer, idle, drain), end() is called once before its
 *   last byte leaves. When the socket has failed or a clock has run out in the middle of something, it is
 * not.
 */
#ifndef KW_API_TRANSPORT_H
#define KW_API_TRANSPORT_H

#include "pool/sbuf.h"

enum {
    KW_TRANSPORT_END = 1,   /* the peer will send no more: close after what it has asked for is answered */
    KW_TRANSPORT_LATER = 2, /* costly work is due: call again without bytes, when nothing else is to do */
};

/* A record of TLS can hold back so much plain text until its last byte has come. */
#define KW_TRANSPORT_HELD_MAX (17u * 1024u)

struct kw_transport;

struct kw_transport_ops {
    /* take() - wire bytes (none: it is later now) in the order in which they came; all are consumed. Appends
     * the plain bytes that they yield to in (at most wire.len + KW_TRANSPORT_HELD_MAX), and what must be sent
     * because of them to out. Out: transport->between and what describes the peer. Returns: 0 |
     * KW_TRANSPORT_END | KW_TRANSPORT_LATER | <0 (not our protocol, bad certificate, bad record: what was
     * appended to out, an alert, is still sent, then the connection closes) */
    KW_MUST_CHECK int (*take)(
        struct kw_transport *transport, struct kw_bytes wire, struct kw_sbuf *in, struct kw_sbuf *out);
    /* put() - an answer: its head and its body (which may be empty), side by side so that they share a
     * record; appends what goes over the wire to out. Only after a take() that yielded plain bytes.
     * Returns: 0 | <0 (the connection closes) */
    KW_MUST_CHECK int (*put)(
        struct kw_transport *transport, struct kw_bytes head, struct kw_bytes body, struct kw_sbuf *out);
    /* end() - nothing is put any more: appends the good-bye (close-notify) to out, if there is one. */
    void (*end)(struct kw_transport *transport, struct kw_sbuf *out);
    void (*free)(struct kw_transport *transport);
};

/* The head of every transport's own structure. */
struct kw_transport {
    const struct kw_transport_ops *ops;
    bool between; /* no handshake and no record is half done */
    /* For the audit record and conditions of policies; NULL until known. The transport's memory. */
    const char *version; /* as CloudTrail says it: "TLSv1.3" */
    const char *cipher;  /* "TLS_AES_128_GCM_SHA256" */
};

/* Where a server's connections get theirs from. */
struct kw_transport_source {
    /* On the loop's thread. loop_index: among the server's loops, for state that each thread has for itself.
     * Returns: 0 | <0 (the connection closes without a word) */
    KW_MUST_CHECK int (*open)(void *shared, unsigned loop_index, struct kw_transport **ret);
    void *shared; /* handed to open */
};

#endif
