/* hmac - HMAC-SHA256 (FIPS 198-1) through OpenSSL, fetched once, with a context that is used again and again.
 *
 * Embedded in its owner; one owner thread.
 */
#ifndef KW_API_HMAC_H
#define KW_API_HMAC_H

#include "pool/bytes.h"

#include <openssl/types.h>

#define KW_HMAC_LEN 32

struct kw_hmac {
    EVP_MAC_CTX *ctx; /* its keys are in secret memory, as all of OpenSSL's (kw_crypto_init()) */
};

/* Returns: 0 | KW_EOPENSSL (kw_hmac_done() is due all the same) */
KW_MUST_CHECK int kw_hmac_init(struct kw_hmac *hmac);
/* A zeroed struct is fine. */
void kw_hmac_done(struct kw_hmac *hmac);

/* kw_hmac() - of the parts in a row. In: key, at least 1 byte. The key stays in the context until the next
 * call. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_hmac(struct kw_hmac *hmac, struct kw_bytes key, const struct kw_bytes *parts,
    size_t num_parts, uint8_t out[KW_HMAC_LEN]);

/* Overwrites the key of the last call. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_hmac_forget(struct kw_hmac *hmac);

#endif
