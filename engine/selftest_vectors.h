/* selftest_vectors - the known answers of the tests at start. All numbers are hex, big-endian, padded to
 * whole octets; none of the private keys is a secret.
 */
#ifndef KW_ENGINE_SELFTEST_VECTORS_H
#define KW_ENGINE_SELFTEST_VECTORS_H

#include "pool/spec.h"

#define KW_SELFTEST_EC_NUM    4
#define KW_SELFTEST_PRIME_NUM 3

/* Two requests without additional input, the second one's output (SP 800-90A section 10.2.1, derivation
 * function). */
struct kw_selftest_drbg {
    const char *entropy, *nonce, *output;
};

/* SHA-256 of both halves of a pair as DER. */
struct kw_selftest_der {
    const char *public_sha256, *private_sha256;
};

/* A signature by RSASSA-PKCS1-v1_5 with SHA-256. */
struct kw_selftest_rsa {
    const char *n, *e, *d, *p, *q, *dp, *dq, *qinv;
    const char *message; /* text */
    const char *signature;
    struct kw_selftest_der der;
};

/* The largest prime below 2^bits: the number two above it is composite. */
struct kw_selftest_prime {
    unsigned bits;
    const char *prime;
};

/* scalar * G = (x, y), and an ECDSA signature (r, s). */
struct kw_selftest_ec {
    enum kw_spec spec;
    const char *scalar, *x, *y;
    const char *message; /* text */
    const char *digest;  /* its hash function */
    const char *r, *s;
    struct kw_selftest_der der;
};

struct kw_selftest_ed25519 {
    const char *seed, *public_key;
    const char *message; /* hex */
    const char *signature;
    struct kw_selftest_der der;
};

extern const struct kw_selftest_drbg kw_selftest_drbg_vector;
extern const struct kw_selftest_rsa kw_selftest_rsa_vector;
extern const struct kw_selftest_prime kw_selftest_prime_vectors[KW_SELFTEST_PRIME_NUM];
extern const struct kw_selftest_ec kw_selftest_ec_vectors[KW_SELFTEST_EC_NUM];
extern const struct kw_selftest_ed25519 kw_selftest_ed25519_vector;

#endif
