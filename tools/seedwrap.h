/* seedwrap - key material wrapped as ImportKeyMaterial takes it. */
#ifndef KW_TOOLS_SEEDWRAP_H
#define KW_TOOLS_SEEDWRAP_H

#include "pool/sbuf.h"

/* How: material of key pairs is longer than RSA-OAEP takes. */
const char *kw_seed_wrapping(bool pair);

/* kw_seed_wrap() - In: public_key, SubjectPublicKeyInfo DER of an RSA key; material, secret. Out: ret,
 * appended. Returns: 0 | 1 (it is too long) | -ENOMEM | KW_EOPENSSL
 * Source: AWS KMS developer guide, "Encrypt the key material": RSAES_OAEP_SHA_256, or an AES-256 key wrapped
 * so and the material wrapped by it (RFC 5649). */
KW_MUST_CHECK int kw_seed_wrap(
    struct kw_bytes public_key, bool pair, struct kw_bytes material, struct kw_sbuf *ret);

#endif
