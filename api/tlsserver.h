/* tlsserver - TLS of a listener: where its certificate comes from, and the one that is in force.
 *
 * Serving threads take the context in force when a connection begins, and connections keep theirs; so a
 * reload drops nobody, and a new certificate that is no good changes nothing. Ticket keys outlive reloads:
 * sessions go on.
 */
#ifndef KW_API_TLSSERVER_H
#define KW_API_TLSSERVER_H

#include "api/address.h"
#include "api/datadir.h"
#include "api/loop.h"
#include "api/tls.h"
#include "api/tlscontext.h"

struct kw_tls_server_config {
    /* Files in PEM; both NULL: self-signed, tls.crt and tls.key in the data folder, made when they are
     * missing or not good for listen any more. Borrowed until kw_tls_server_free(). */
    const char *certificate_file, *key_file;
    const struct kw_datadir *datadir;
    const struct kw_address *listen;
    enum kw_tls_version min_version;
};

/* Counted by all serving threads; relaxed. */
struct kw_tls_stats {
    _Atomic uint64_t handshakes[2]; /* done, by enum kw_tls_version */
    _Atomic uint64_t resumed;       /* of these */
    _Atomic uint64_t failures[KW_TLS_FAILURE_NUM];
    _Atomic uint64_t crowded_out; /* half done, given up for want of room */
    _Atomic uint64_t reloads, reload_failures;
    _Atomic int64_t not_after_s; /* when the certificate in force expires */
};

struct kw_tls_server;

/* kw_tls_server_new() - main thread. A certificate whose time has passed or not come is served all the same,
 * and said in the log. Out on failure: why, a sentence. Returns: 0 | 1 (why says) */
KW_MUST_CHECK int kw_tls_server_new(
    struct kw_tls_server **ret, const struct kw_tls_server_config *config, char *why, size_t why_cap);
/* After the last connection. NULL is fine. */
void kw_tls_server_free(struct kw_tls_server *server);

/* kw_tls_server_reload() - reads the files again; main thread. What is not good, or not good now, is refused
 * and the old certificate stays in force. Out on failure: why. Returns: 0 | 1 (why says) */
KW_MUST_CHECK int kw_tls_server_reload(struct kw_tls_server *server, char *why, size_t why_cap);

/* What the log says of the certificate in force; main thread. */
void kw_tls_server_announce(const struct kw_tls_server *server);

/* For kw_server_config.transport. */
const struct kw_transport_source *kw_tls_server_source(struct kw_tls_server *server);
/* Any thread. */
const struct kw_tls_stats *kw_tls_server_stats(const struct kw_tls_server *server);

/* For tlstransport.c: the context in force and the counters; thread: by its loop's index. The context is
 * good until the same thread's next call. */
struct kw_tls_context *kw_tls_server_context(struct kw_tls_server *server, unsigned thread);
struct kw_tls_stats *kw_tls_server_counters(struct kw_tls_server *server);
struct kw_tls_crowd *kw_tls_server_crowd(struct kw_tls_server *server, unsigned thread);

#endif
