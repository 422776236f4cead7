/* selftest_checks - one known-answer test per algorithm, each against a vector.
 *
 * Each returns 0 | KW_SELFTEST_FAILED | <0. The vector's texts are well formed (asserted); whether they hold
 * is what is tested.
 */
#ifndef KW_ENGINE_SELFTEST_CHECKS_H
#define KW_ENGINE_SELFTEST_CHECKS_H

#include "engine/ec/kernel.h"
#include "engine/rng.h"
#include "engine/rsa/kernel.h"
#include "engine/selftest.h"
#include "engine/selftest_vectors.h"

KW_MUST_CHECK int kw_selftest_check_drbg(struct kw_rng *rng, const struct kw_selftest_drbg *vector);
/* DER of the key; a signature with the key that is read back from it; a wrong signature refused; pct.h. */
KW_MUST_CHECK int kw_selftest_check_rsa(struct kw_rng *rng, const struct kw_selftest_rsa *vector);
/* The multiple of the base point; then as above, except that the signature is only verified (its nonce is
 * random). */
KW_MUST_CHECK int kw_selftest_check_ec(struct kw_rng *rng, const struct kw_selftest_ec *vector);
/* The public key of the seed; then as for RSA. */
KW_MUST_CHECK int kw_selftest_check_ed25519(struct kw_rng *rng, const struct kw_selftest_ed25519 *vector);

/* ---- kernels (selftest_kernels.c): bits is what the kernel is told of the length of its numbers ---- */

/* Filter and round: the primes pass, the composites do not, idle lanes say nothing. */
KW_MUST_CHECK int kw_selftest_check_prime(struct kw_rng *rng, const struct kw_kernel *kernel, unsigned bits,
    const struct kw_selftest_prime *vector);
KW_MUST_CHECK int kw_selftest_check_primes(
    struct kw_rng *rng, const struct kw_kernel *kernel, unsigned bits, const struct kw_selftest_rsa *vector);
/* Power: both CRT halves of the signature; where bits allows, the signature by d too. */
KW_MUST_CHECK int kw_selftest_check_power(
    struct kw_rng *rng, const struct kw_kernel *kernel, unsigned bits, const struct kw_selftest_rsa *vector);

/* ---- kernels of curves (selftest_curves.c) ---- */

/* Public keys and the pairwise test, in every lane; a wrong pair is refused. */
KW_MUST_CHECK int kw_selftest_check_curve(
    struct kw_rng *rng, const struct kw_ec_kernel *kernel, const struct kw_selftest_ec *vector);
KW_MUST_CHECK int kw_selftest_check_edwards(
    struct kw_rng *rng, const struct kw_ec_kernel *kernel, const struct kw_selftest_ed25519 *vector);

#endif
