/* ec_judge - is a finished pair on a curve what it should be? By OpenSSL and from the DER alone: nothing of
 * the generator is asked.
 *
 * One owner thread. The keys are the test's own, and no secrets.
 */
#ifndef KW_TESTS_STRESS_EC_JUDGE_H
#define KW_TESTS_STRESS_EC_JUDGE_H

#include "pool/bytes.h"
#include "pool/spec.h"

enum { EC_JUDGE_BYTES_MAX = 66 };

/* What is in a pair, little-endian. */
struct ec_judge_numbers {
    uint8_t secret[EC_JUDGE_BYTES_MAX]; /* d, or the seed */
    uint8_t point[EC_JUDGE_BYTES_MAX];  /* x, or the public key of Ed25519 */
    bool odd;                           /* y */
};

struct ec_judge;

/* In: spec, a curve. Aborts if memory is short, as all of these do. */
struct ec_judge *ec_judge_new(enum kw_spec spec);
/* NULL is fine. */
void ec_judge_free(struct ec_judge *judge);

/* ec_judge_pair() - both halves are read to the last byte; d is in 1..n-1 and d G, computed by OpenSSL by
 * another way than that of its own key generation (for P-256, P-521: not from its table of multiples of G),
 * is on the curve; a pair that OpenSSL builds of the two is encoded by it byte for byte as this one. Ed25519:
 * OpenSSL's public key of the seed, and what the private half signs, the public one verifies. Out:
 * ret_numbers if nothing is wrong. Returns: NULL | what is wrong */
const char *ec_judge_pair(struct ec_judge *judge, struct kw_bytes public_der, struct kw_bytes private_der,
    struct ec_judge_numbers *ret_numbers);
/* ec_judge_slowly() - what OpenSSL's own checks say of the pair, and ECDSA with it. */
const char *ec_judge_slowly(struct ec_judge *judge, struct kw_bytes public_der, struct kw_bytes private_der);
/* ec_judge_flips() - the judge is no yes-man: with one bit of either half flipped, anywhere, it refuses the
 * pair; turns of each half. Returns: NULL | who was fooled */
const char *ec_judge_flips(
    struct ec_judge *judge, struct kw_bytes public_der, struct kw_bytes private_der, unsigned turns);

#endif
