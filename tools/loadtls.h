/* loadtls - TLS as a client, on bytes that others carry. One connection, one thread. */
#ifndef KW_TOOLS_LOADTLS_H
#define KW_TOOLS_LOADTLS_H

#include "pool/bytes.h"

#include <openssl/types.h>

#define KW_LOAD_TLS_ROOM                                                                                     \
    18432u /* of ciphertext beside a request: a handshake's answers, a record's frame                        \
            */

enum {
    KW_LOAD_TLS_MORE = 1, /* read on */
    KW_LOAD_TLS_END = 2,  /* the peer has ended the connection */
    KW_LOAD_TLS_FAILED = 3,
};

struct kw_load_tls;

/* kw_load_tls_context() - In: ca_bundle, a PEM file, or NULL for the system's; insecure: whoever answers is
 * fine. Returns: 0 | 1 (why says) */
KW_MUST_CHECK int kw_load_tls_context(
    const char *ca_bundle, bool insecure, SSL_CTX **ret, char *why, size_t why_cap);

/* kw_load_tls_new() - In: host, what the certificate must be for. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_load_tls_new(SSL_CTX *context, const char *host, struct kw_load_tls **ret);
void kw_load_tls_free(struct kw_load_tls *tls);

/* kw_load_tls_shake() - goes on with the handshake; what must be sent is in out. The bytes that came are
 * given with kw_load_tls_give() before. Returns: 0 (done) | KW_LOAD_TLS_MORE | KW_LOAD_TLS_FAILED */
KW_MUST_CHECK int kw_load_tls_shake(struct kw_load_tls *tls, struct kw_buf *out);
/* Bytes from the peer, used up by the calls that follow; they must stay until those return KW_LOAD_TLS_MORE.
 */
void kw_load_tls_give(struct kw_load_tls *tls, struct kw_bytes bytes);
/* Returns: 0 (ret_len bytes, at least 1, are in data) | KW_LOAD_TLS_MORE | _END | _FAILED */
KW_MUST_CHECK int kw_load_tls_read(
    struct kw_load_tls *tls, uint8_t *data, size_t cap, size_t *ret_len, struct kw_buf *out);
/* Encrypts all of it into out. Returns: 0 | KW_LOAD_TLS_FAILED */
KW_MUST_CHECK int kw_load_tls_write(struct kw_load_tls *tls, struct kw_bytes data, struct kw_buf *out);
/* Why a handshake failed, a short sentence. */
void kw_load_tls_why(const struct kw_load_tls *tls, char *ret, size_t cap);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
void kw_load_tls_describe(const struct kw_load_tls *tls, char *ret, size_t cap);

#endif
