/* tlsticket - the keys that session tickets are sealed with.
 *
 * A ticket holds a session's secret, sealed by the server for itself, so resumption needs no table and works
 * on every serving thread. The keys are ours and not OpenSSL's: one set for all threads and for all contexts
 * (a reload of the certificate forgets no session), replaced every KW_TLS_TICKET_ROTATE_S by the first ticket
 * after that. The key before is kept for opening only, for as long as a ticket of it can be good; then it is
 * wiped, and with it what was sealed under it. All of it is secret memory.
 *
 * Any thread. A short lock is held while a key is copied, once a handshake.
 */
#ifndef KW_API_TLSTICKET_H
#define KW_API_TLSTICKET_H

#include "pool/base.h"

#include <openssl/types.h>

/* How long a key seals, and how long a ticket is good. */
#define KW_TLS_TICKET_ROTATE_S   3600u
#define KW_TLS_TICKET_LIFETIME_S 3600u

struct kw_tls_tickets;

/* kw_tls_tickets_new() - draws the first key. Returns: 0 | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_tls_tickets_new(struct kw_tls_tickets **ret);
/* After the last connection of the last context that they were installed in. NULL is fine. */
void kw_tls_tickets_free(struct kw_tls_tickets *tickets);

/* Makes the context seal and open its tickets with these keys. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_tls_tickets_install(struct kw_tls_tickets *tickets, SSL_CTX *context);

/* Replaces the key now, as it happens by itself in time. Returns: 0 | negative (the key stays) */
KW_MUST_CHECK int kw_tls_tickets_rotate(struct kw_tls_tickets *tickets);

#endif
