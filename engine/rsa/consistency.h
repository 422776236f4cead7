/* consistency - from two primes to a finished pair: the numbers of the key, the pairwise consistency test
 * (FIPS 140-3 IG 10.3.A, FIPS 186-5 section 5.1), and its encoding.
 *
 * The test is a signature, RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2) of a fixed message, made
 * through the CRT components and verified with the public key as it is written out; and since a CRT signature
 * does not use d, a check of every number by what defines it. The two exponentiations of a signature are jobs
 * for the lanes: several pairs share a batch. Fault hook (test builds): KW_FAULT_PCT flips a bit of the
 * signature. One owner thread.
 */
#ifndef KW_ENGINE_RSA_CONSISTENCY_H
#define KW_ENGINE_RSA_CONSISTENCY_H

#include "engine/rsa/kit.h"

/* A pair under test. All secret. */
struct kw_candidate_pair {
    struct kw_rsa_key key;
    uint64_t base[2][KW_RSA_PRIME_MAX];   /* the message modulo p and q */
    uint64_t result[2][KW_RSA_PRIME_MAX]; /* base^dP modulo p, base^dQ modulo q */
    unsigned begun;                       /* halves that have been given to the lanes */
};

struct kw_consistency; /* memory for some pairs, and OpenSSL's for the verification */

/* kit: outlives it. Everything is allocated here. Returns: 0 | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_consistency_new(struct kw_consistency **ret, struct kw_rsa_kit *kit);
/* Wipes and frees. NULL is fine. */
void kw_consistency_free(struct kw_consistency *consistency);

/* kw_consistency_add() - derives the key of two primes of kit->num words, and queues its signature. There is
 * room whenever fewer jobs wait than the kernel has lanes and no pair is signed. Returns: 0 |
 * KW_RSA_KEY_UNFIT (take other primes) */
KW_MUST_CHECK int kw_consistency_add(
    struct kw_consistency *consistency, const uint64_t *p, const uint64_t *q);
/* Halves of signatures that wait for a batch. */
unsigned kw_consistency_jobs(const struct kw_consistency *consistency);
/* kw_consistency_sign() - one batch of them. Returns: 0 | <0 */
KW_MUST_CHECK int kw_consistency_sign(struct kw_consistency *consistency);
/* True if the oldest pair has its signature. */
bool kw_consistency_signed(const struct kw_consistency *consistency);
/* kw_consistency_finish() - verifies and checks the oldest pair, which is signed, and writes it into slot;
 * what is left of the pair here is wiped. Returns: 0 | KW_GENERATOR_FAILED (slot wiped) */
KW_MUST_CHECK int kw_consistency_finish(struct kw_consistency *consistency, struct kw_slot *slot);
/* The pairs under test, for tests: the oldest is 0. NULL: there are not so many. */
struct kw_candidate_pair *kw_consistency_pair(struct kw_consistency *consistency, unsigned index);

#endif
