/* secret - draws private keys: FIPS 186-5 A.2.2 (rejection sampling) for ECDSA curves, RFC 8032 section 5.1.5
 * and FIPS 186-5 A.2.3 (a random seed) for Ed25519.
 */
#ifndef KW_ENGINE_EC_SECRET_H
#define KW_ENGINE_EC_SECRET_H

#include "engine/ec/curve.h"
#include "engine/rng.h"

/* kw_secret_draw() - num secrets that nobody else has.
 * Takes num * secret_len random bytes at once, and secret_len more, in order, for each that is rejected: with
 * the random bytes cut to the bits of n, c big-endian, c > n - 2 is rejected, and d = c + 1.
 * Out: secrets, num * curve->secret_len bytes, each d in 1..n-1; wiped on failure.
 * Secret: the output. That a number was rejected, which says nothing of the ones that were not, shows in
 * time. Returns: 0 | as kw_rng_bytes */
KW_MUST_CHECK int kw_secret_draw(
    struct kw_rng *rng, const struct kw_curve *curve, unsigned num, uint8_t *secrets);

/* kw_secret_accept() - that for one number of an ECDSA curve.
 * In: secret, curve->secret_len random bytes, of which the bits above those of n are ignored. Out: in their
 * place c + 1, which is d if c is accepted. Returns: a mask, 0 if c > n - 2 */
KW_MUST_CHECK uint64_t kw_secret_accept(const struct kw_curve *curve, uint8_t *secret);

#endif
