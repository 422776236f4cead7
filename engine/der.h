/* der - writes key pairs as DER: SubjectPublicKeyInfo (RFC 5280) and PKCS#8 PrivateKeyInfo (RFC 5208/5958).
 *
 * A direct writer: OpenSSL 3.0's encoders need 60-240 us for what takes a microsecond here. The output is
 * byte for byte what OpenSSL 3.0's i2d_PUBKEY and i2d_PKCS8PrivateKeyInfo-style encoders give. Integers come
 * as big-endian magnitudes, leading zeros allowed. Pure; time may depend on lengths and leading zeros only.
 */
#ifndef KW_ENGINE_DER_H
#define KW_ENGINE_DER_H

#include "pool/bytes.h"
#include "pool/spec.h"

/* RSA key, big-endian magnitudes (RFC 8017 A.1.2). All but n and e are secret. */
struct kw_der_rsa {
    struct kw_bytes n, e, d, p, q, dp, dq, qinv;
};

/* Each writes at buf and returns 0, or 1 if it does not fit or an input has an impossible length.
 * point is 0x04 || X || Y (RFC 5480); scalar is the private key, field-size bytes big-endian (RFC 5915, with
 * named curve parameters and the public key, as OpenSSL writes it); the Ed25519 functions take 32 bytes each
 * (RFC 8410). */
KW_MUST_CHECK int kw_der_rsa_public(struct kw_buf *buf, struct kw_bytes n, struct kw_bytes e);
KW_MUST_CHECK int kw_der_rsa_private(struct kw_buf *buf, const struct kw_der_rsa *key);
KW_MUST_CHECK int kw_der_ec_public(struct kw_buf *buf, enum kw_spec spec, struct kw_bytes point);
KW_MUST_CHECK int kw_der_ec_private(
    struct kw_buf *buf, enum kw_spec spec, struct kw_bytes scalar, struct kw_bytes point);
KW_MUST_CHECK int kw_der_ed25519_public(struct kw_buf *buf, struct kw_bytes public_key);
KW_MUST_CHECK int kw_der_ed25519_private(struct kw_buf *buf, struct kw_bytes seed);

#endif
