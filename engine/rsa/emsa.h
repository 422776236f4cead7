/* emsa - the encoding of a message for an RSA signature, EMSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 9.2).
 *
 * Thread-safe.
 */
#ifndef KW_ENGINE_RSA_EMSA_H
#define KW_ENGINE_RSA_EMSA_H

#include "pool/bytes.h"

#include <openssl/types.h>

/* kw_emsa_encode() - Out: ret, len bytes; len: that of the modulus, 62 or more. Nothing is secret.
 * Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_emsa_encode(OSSL_LIB_CTX *libctx, struct kw_bytes message, uint8_t *ret, size_t len);

#endif
