/* tlstransport - TLS as a transport of connections (transport.h), and how much memory strangers get by it.
 *
 * Each step of a handshake is put off: one connection a turn makes one. A connection whose handshake or
 * record is half done costs some 80 KiB, and nobody has been authenticated: so many are kept at once on a
 * thread, and one more makes the oldest go, which has had the longest time to get done. Connections that are
 * open keep their buffers for records while they are among the last so many that were busy; the others rest
 * with a quarter of the memory.
 */
#ifndef KW_API_TLSTRANSPORT_H
#define KW_API_TLSTRANSPORT_H

#include "api/transport.h"

/* On each thread: with a handshake or a record half done, and with buffers for records. */
#define KW_TLS_HALF_DONE_MAX 512u
#define KW_TLS_BUSY_MAX      256u

struct kw_tls_transport;

struct kw_tls_list {
    struct kw_tls_transport *first, *last; /* the oldest first */
    unsigned num;
};

/* The connections of a thread that hold more memory than they need at rest. */
struct kw_tls_crowd {
    struct kw_tls_list half_done, busy;
};

/* The source's open(); shared: a struct kw_tls_server. */
KW_MUST_CHECK int kw_tls_transport_open(void *shared, unsigned loop_index, struct kw_transport **ret);

#endif
