/* tlsself - a self-signed certificate, for trials.
 *
 * An EC key on P-256 (a handshake costs a tenth of what RSA_2048 does) and a certificate that vouches for
 * itself and for nothing else: clients are given its file as their bundle of authorities. Main thread.
 */
#ifndef KW_API_TLSSELF_H
#define KW_API_TLSSELF_H

#include "api/address.h"
#include "pool/sbuf.h"

#define KW_TLS_SELF_DAYS       397u /* what browsers take at most */
#define KW_TLS_SELF_RENEW_DAYS 30u  /* with fewer left a start makes a new one */

/* kw_tls_self_make() - In: where the server listens, which becomes one of the certificate's names beside
 * localhost, the loopback addresses and the machine's name; now_s, seconds since the epoch. Out: PEM appended
 * to certificate and to key (secret). Returns: 0 | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_tls_self_make(
    const struct kw_address *listen, int64_t now_s, struct kw_sbuf *ret_certificate, struct kw_sbuf *ret_key);

/* kw_tls_self_fits() - is this certificate (PEM) good for that address for KW_TLS_SELF_RENEW_DAYS more? */
KW_MUST_CHECK bool kw_tls_self_fits(
    struct kw_bytes certificate, const struct kw_address *listen, int64_t now_s);

#endif
