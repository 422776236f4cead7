/* encoding - writes pairs of one curve as DER, fast.
 *
 * All encodings of a curve's keys have the same bytes but for the key itself (der.h), so one is made when a
 * kw_encoding is, and the rest is copying. Owned by whoever it is part of.
 */
#ifndef KW_ENGINE_EC_ENCODING_H
#define KW_ENGINE_EC_ENCODING_H

#include "engine/ec/curve.h"
#include "pool/pool.h"

/* The longest encodings: of P-521. */
#define KW_ENCODING_PUBLIC_MAX  158u
#define KW_ENCODING_PRIVATE_MAX 241u

struct kw_encoding {
    size_t secret_len; /* of a key's parts, as in curve.h */
    size_t point_len;
    size_t public_len; /* of the whole */
    size_t private_len;
    size_t public_point; /* where the parts are */
    size_t private_secret;
    size_t private_point; /* 0: a private key of this curve comes without its point */
    uint8_t public_der[KW_ENCODING_PUBLIC_MAX];
    uint8_t private_der[KW_ENCODING_PRIVATE_MAX];
};

/* kw_encoding_init() - for a curve of kw_curve_of(). */
void kw_encoding_init(struct kw_encoding *ret, const struct kw_curve *curve);
/* kw_encoding_write() - writes a pair into slot, which has the room of the curve's spec, and sets its
 * lengths. Secret: secret */
void kw_encoding_write(
    const struct kw_encoding *encoding, const uint8_t *secret, const uint8_t *point, struct kw_slot *slot);

#endif
