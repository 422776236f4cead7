/* tls - the TLS side of one connection: bytes in, bytes out. No socket, no clock, no thread of its own.
 *
 * OpenSSL does the protocol; what it reads and writes goes through a BIO of ours that looks straight into the
 * caller's buffers, so that received bytes are copied once (into OpenSSL's record) and nothing is allocated
 * between them and OpenSSL. Every call runs on the thread that owns the connection.
 *
 * What a peer can cost. Before the handshake is done: KW_TLS_HANDSHAKE_BYTES_MAX bytes, and one signature, of
 * which the caller decides when it is made (kw_tls_read() makes it). After it: records without content
 * (KeyUpdate, alerts, empty ones) of KW_TLS_IDLE_BYTES_MAX bytes in a row. There is no renegotiation, no
 * early data, no compression and no client certificate.
 */
#ifndef KW_API_TLS_H
#define KW_API_TLS_H

#include "pool/sbuf.h"

/* Of a whole handshake, the peer's side of it: a ClientHello with post-quantum key shares and a ticket has 3
 * KiB. */
#define KW_TLS_HANDSHAKE_BYTES_MAX (32u * 1024u)
/* Taken without a byte of content among them, once the handshake is done. */
#define KW_TLS_IDLE_BYTES_MAX (64u * 1024u)
/* Plaintext that one call may yield beyond the length of what it was given: the rest of the record that these
 * bytes complete. */
#define KW_TLS_RECORD_MAX (16u * 1024u)

enum {
    KW_TLS_CLOSED = 1,  /* the peer has ended its side in order (close_notify): nothing more will come */
    KW_TLS_FAILED = 2,  /* the peer does not speak TLS as we take it; out may hold an alert for it */
    KW_TLS_REFUSED = 3, /* no memory, or OpenSSL fails: not the peer's fault */
};

enum kw_tls_state {
    KW_TLS_START,     /* no byte has been looked at */
    KW_TLS_HANDSHAKE, /* hands are being shaken */
    KW_TLS_OPEN,
    KW_TLS_ENDED, /* after KW_TLS_CLOSED, KW_TLS_FAILED or KW_TLS_REFUSED */
};

/* Why a connection has failed, as far as an operator would ask. */
enum kw_tls_failure {
    KW_TLS_FAILURE_NONE,
    KW_TLS_FAILURE_PLAIN_HTTP, /* the first bytes are those of an HTTP request */
    KW_TLS_FAILURE_NO_COMMON,  /* no version, cipher suite, group or ALPN protocol in common */
    KW_TLS_FAILURE_ALERT,      /* the peer sent a fatal alert: it does not trust the certificate, say */
    KW_TLS_FAILURE_PROTOCOL,   /* anything else that is not TLS as it should be */
    KW_TLS_FAILURE_FLOOD,      /* over one of the limits above */
    KW_TLS_FAILURE_NUM,
};

/* Static text, as CloudTrail writes it: "TLSv1.3", "TLS_AES_128_GCM_SHA256". NULL before the handshake is
 * done. */
struct kw_tls_details {
    const char *version;
    const char *cipher_suite;
    bool resumed;
};

struct kw_tls;
struct kw_tls_context;

/* kw_tls_new() - the server's side of a new connection. The context stays for as long as the connection needs
 * it. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_tls_new(struct kw_tls **ret, struct kw_tls_context *context);
/* Wipes keys and frees. NULL is fine. */
void kw_tls_free(struct kw_tls *tls);

/* kw_tls_read() - takes all of wire (received bytes; may be empty), appends content to plain and what must be
 * sent to out. plain->limit must leave room for wire.len + KW_TLS_RECORD_MAX. In the handshake this is where
 * the signature is made: 0.02 ms on P-256, 0.3 to 1 ms with RSA_2048, 4 ms with RSA_4096.
 * Out: plain, secret; out is worth sending in any case.
 * Returns: 0 | KW_TLS_CLOSED | KW_TLS_FAILED | KW_TLS_REFUSED; content may have been appended all the same */
KW_MUST_CHECK int kw_tls_read(
    struct kw_tls *tls, struct kw_bytes wire, struct kw_sbuf *plain, struct kw_sbuf *out);

/* kw_tls_write() - appends the records of head and body, as one content, to out. The handshake is done. A
 * failed out is the only failure (nothing of it may be sent then). Returns: 0 | KW_TLS_REFUSED */
KW_MUST_CHECK int kw_tls_write(
    struct kw_tls *tls, struct kw_bytes head, struct kw_bytes body, struct kw_sbuf *out);

/* Appends close_notify, if the handshake is done and no failure has come before: the last that is sent. */
void kw_tls_close(struct kw_tls *tls, struct kw_sbuf *out);

/* Nothing is half done: neither the handshake nor a record. */
KW_MUST_CHECK bool kw_tls_is_between(const struct kw_tls *tls);

/* kw_tls_rest() - gives back the memory that OpenSSL holds for records (three quarters of a connection's),
 * when the connection idles. Returns false, and has done nothing, if it holds part of one. */
bool kw_tls_rest(struct kw_tls *tls);

enum kw_tls_state kw_tls_state(const struct kw_tls *tls);
enum kw_tls_failure kw_tls_failure(const struct kw_tls *tls);
/* The reason in OpenSSL's words for the operator's log, static text; "" if there is none. */
const char *kw_tls_reason(const struct kw_tls *tls);
struct kw_tls_details kw_tls_details(const struct kw_tls *tls);
/* "plain-http", "protocol" ...: for labels of metrics. */
const char *kw_tls_failure_name(enum kw_tls_failure failure);

#endif
