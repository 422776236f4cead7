/* tlscontext - what all TLS connections of a server share: certificate, key, versions, cipher suites.
 *
 * Immutable once made and counted by those who hold it, so a reload makes a new one and connections that live
 * keep theirs. Any thread. The private key is in secret memory, as all of OpenSSL's is.
 */
#ifndef KW_API_TLSCONTEXT_H
#define KW_API_TLSCONTEXT_H

#include "pool/bytes.h"

#include <openssl/types.h>

enum kw_tls_version { KW_TLS_1_2, KW_TLS_1_3 };

struct kw_tls_tickets;
struct kw_tls_context;

/* What is known of the certificate. */
struct kw_tls_certificate {
    char subject[256];    /* printable, cut */
    char fingerprint[96]; /* SHA-256 in upper-case hex pairs with colons, as openssl x509 -fingerprint prints
                           */
    char key_type[32];    /* "RSA 2048", "EC P-256", "ED25519" */
    int64_t not_before_s; /* seconds since the epoch */
    int64_t not_after_s;
    unsigned num_chain; /* certificates after the server's own */
};

struct kw_tls_context_config {
    struct kw_bytes certificates;             /* PEM: the server's own first, then the chain */
    struct kw_bytes key;                      /* PEM, without a password; secret */
    const char *certificates_name, *key_name; /* for sentences: the files' names */
    enum kw_tls_version min_version;
    struct kw_tls_tickets *tickets; /* borrowed, for longer than any connection lives; NULL: no resumption */
};

/* kw_tls_context_new() - reads and judges both, and that they belong together. The time is not judged. Out on
 * failure: why, a sentence for the operator without any of the key. Returns: 0 | 1 (why says) */
KW_MUST_CHECK int kw_tls_context_new(
    struct kw_tls_context **ret, const struct kw_tls_context_config *config, char *why, size_t why_cap);
struct kw_tls_context *kw_tls_context_ref(struct kw_tls_context *context);
/* NULL is fine. */
void kw_tls_context_unref(struct kw_tls_context *context);

const struct kw_tls_certificate *kw_tls_context_certificate(const struct kw_tls_context *context);
/* For tls.c. */
SSL_CTX *kw_tls_context_ssl(const struct kw_tls_context *context);

static inline void kw_tls_context_unrefp(struct kw_tls_context **context)
{
    kw_tls_context_unref(*context);
}

#endif
