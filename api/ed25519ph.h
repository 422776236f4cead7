/* ed25519ph - Ed25519ph (RFC 8032 section 5.1, PH = SHA-512, empty context), which OpenSSL 3.0 does not have.
 *
 * Points are multiplied by OpenSSL, on the Weierstrass form of the curve, with its ladder in constant time;
 * scalars are reduced and multiplied here, bit by bit under masks. No branch, address or length depends on a
 * secret. The signer's own key is at hand in both directions, so to verify is to recompute R.
 * Source: RFC 8032 5.1.6, 5.1.7; RFC 7748 4.1 for the map between the curve's forms.
 */
#ifndef KW_API_ED25519PH_H
#define KW_API_ED25519PH_H

#include "pool/base.h"

#define KW_ED25519_LEN           32
#define KW_ED25519PH_DIGEST_LEN  64
#define KW_ED25519_SIGNATURE_LEN 64

enum {
    KW_ED25519PH_MISMATCH = 1, /* not the key's signature of that digest */
};

/* kw_ed25519ph_sign() - In: seed, the private key; public, its public key; digest, SHA-512 of the message.
 * Deterministic. Time: about a millisecond. Secret: seed; all that comes of it is wiped.
 * Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_ed25519ph_sign(const uint8_t seed[KW_ED25519_LEN], const uint8_t public[KW_ED25519_LEN],
    const uint8_t digest[KW_ED25519PH_DIGEST_LEN], uint8_t ret[KW_ED25519_SIGNATURE_LEN]);

/* kw_ed25519ph_verify() - by the private key: S must be below the order and R be (S - k * a) * B.
 * Returns: 0 | KW_ED25519PH_MISMATCH | KW_EOPENSSL */
KW_MUST_CHECK int kw_ed25519ph_verify(const uint8_t seed[KW_ED25519_LEN],
    const uint8_t public[KW_ED25519_LEN], const uint8_t digest[KW_ED25519PH_DIGEST_LEN],
    const uint8_t signature[KW_ED25519_SIGNATURE_LEN]);

#endif
