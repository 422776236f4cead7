/* scalar - private keys as numbers modulo the order of the generator.
 *
 * Secret: secrets and scalars. Time and addresses depend on the curve and on counts only. One owner thread
 * per kw_scalars.
 */
#ifndef KW_ENGINE_EC_SCALAR_H
#define KW_ENGINE_EC_SCALAR_H

#include "engine/ec/curve.h"

#include <openssl/types.h>

/* What it takes to read secrets of a curve: for Ed25519 SHA-512, fetched once. */
struct kw_scalars;

/* kw_scalars_new() - In: libctx, borrowed, NULL for the default one. Returns: 0 | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_scalars_new(struct kw_scalars **ret, const struct kw_curve *curve, OSSL_LIB_CTX *libctx);
/* Forgets the secret that was read last. */
void kw_scalars_wipe(struct kw_scalars *scalars);
/* Wipes and frees; NULL is fine. */
void kw_scalars_free(struct kw_scalars *scalars);
/* kw_scalars_read() - the scalar of a secret: d, or for Ed25519 the first half of the digest of the seed,
 * pruned (RFC 8032 section 5.1.5 steps 1 and 2), which is below 2^255 and above n.
 * Leaves traces of it in scalars. Out: ret, curve->num words. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_scalars_read(struct kw_scalars *scalars, const uint8_t *secret, uint64_t *ret);
/* kw_scalars_dot() - the sum over all pairs of (m_i - bias) d_i modulo n, d_i the scalar of secret i and m_i
 * the i-th multiplier, 8 bytes each, little-endian, unsigned.
 * In: secrets, num * curve->secret_len bytes; multipliers, 8 num bytes; num <= 65536. Out: ret, curve->num
 * words, below n, written only on 0. Wipes what it read. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_scalars_dot(struct kw_scalars *scalars, unsigned num, const uint8_t *secrets,
    const uint8_t *multipliers, uint64_t bias, uint64_t *ret);

#endif
