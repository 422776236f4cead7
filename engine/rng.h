/* rng - a random source per worker: its own OpenSSL library context with its own CTR-DRBG (SP 800-90A),
 * seeded from the operating system.
 *
 * kw_rng_bytes() shares no lock with any other thread, and all that keys are made of comes from there. What
 * OpenSSL draws itself from that context takes one lock of the process on the way (OpenSSL 3.0,
 * RAND_get_rand_method()), for well below a microsecond a draw: the numbers that blind its multiplications
 * and inversions on ECDSA curves, so on the portable path only, one to three for a batch of pairs and two
 * more for each pair of P-384. Nothing else that makes a pair draws so: not RSA, not Ed25519, not the kernels
 * of AVX-512. Everybody else draws from a kw_drbg, so the lock couples workers with each other only. One that
 * is stopped exactly there holds up the others, until it goes on, as soon as they draw in the same way;
 * requests that pools serve are not touched.
 *
 * One owner thread. Source: SP 800-90A section 10.2.1 through OpenSSL's EVP_RAND (drbg.h).
 */
#ifndef KW_ENGINE_RNG_H
#define KW_ENGINE_RNG_H

#include "pool/base.h"

#include <openssl/types.h>

struct kw_rng;

KW_MUST_CHECK int kw_rng_new(struct kw_rng **ret);
void kw_rng_free(struct kw_rng *rng);
/* Fills out; refuses in a forked child. Returns: 0 | KW_EOPENSSL | -EPERM (forked child) */
KW_MUST_CHECK int kw_rng_bytes(struct kw_rng *rng, void *out, size_t len);
/* The library context to fetch algorithms from, borrowed. */
OSSL_LIB_CTX *kw_rng_libctx(struct kw_rng *rng);

#endif
