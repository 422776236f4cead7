/* key - the numbers of an RSA private key, derived from its primes, and checked.
 *
 * Time depends on sizes only (and on whether a condition below holds). Pure; locals are erased; thread-safe.
 */
#ifndef KW_ENGINE_RSA_KEY_H
#define KW_ENGINE_RSA_KEY_H

#include "engine/words.h"

#define KW_RSA_E         65537u
#define KW_RSA_PRIME_MAX 32u /* words of p and q of RSA_4096 */

/* Little-endian words: n and d have bits / 64 of them, the others half as many. All but n and e are secret.
 */
struct kw_rsa_key {
    unsigned bits; /* of n: 2048, 3072 or 4096 */
    uint64_t n[2 * KW_RSA_PRIME_MAX];
    uint64_t d[2 * KW_RSA_PRIME_MAX];
    uint64_t p[KW_RSA_PRIME_MAX]; /* p > q */
    uint64_t q[KW_RSA_PRIME_MAX];
    uint64_t dp[KW_RSA_PRIME_MAX];
    uint64_t dq[KW_RSA_PRIME_MAX];
    uint64_t qinv[KW_RSA_PRIME_MAX];
};

enum {
    KW_RSA_KEY_UNFIT = 1, /* derive: d <= 2^(nlen/2), or the primes share too much: take other primes */
    KW_RSA_KEY_WRONG = 2, /* check: a number is not what defines it */
};

/* kw_rsa_key_distant() - FIPS 186-5 A.1.6 step 6 (as A.1.3 step 5.4): |a - b| > 2^(bits/2 - 100), for the
 * primes or for their starting points; bits of n. Returns a mask. */
uint64_t kw_rsa_key_distant(const uint64_t *a, const uint64_t *b, unsigned bits);

/* kw_rsa_key_derive() - In: key->bits, p and q (swapped here if p < q; p not q). Out: all other fields.
 * d = e^-1 modulo lcm(p - 1, q - 1), d > 2^(bits/2) (FIPS 186-5 A.1.1 (3)). Returns: 0 | KW_RSA_KEY_UNFIT
 * (probability below 2^-50; then the other fields hold nothing of use, and still secrets) */
KW_MUST_CHECK int kw_rsa_key_derive(struct kw_rsa_key *key);

/* kw_rsa_key_check() - every number by what defines it: sizes of p, q and n and their distance (FIPS 186-5
 * A.1.1), n = pq, de = 1 modulo p - 1 and q - 1, 2^(bits/2) < d < lcm, dP, dQ, qInv in range and right (RFC
 * 8017 section 3.2), p > q; not that p and q are prime. Shares no intermediate result with derive, so that a
 * fault in either is seen. Returns: 0 | KW_RSA_KEY_WRONG */
KW_MUST_CHECK int kw_rsa_key_check(const struct kw_rsa_key *key);

#endif
