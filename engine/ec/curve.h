/* curve - the elliptic curves that keys are made on, as numbers.
 *
 * Weierstrass curves: y^2 = x^3 + a x + b modulo p, with a = -3 or 0, and a generator G of prime order n
 * (cofactor 1). Edwards: -x^2 + y^2 = 1 + b x^2 y^2 modulo p, RFC 8032's edwards25519, where G has the prime
 * order n and the curve has 8 n points. Numbers are little-endian words (words.h).
 *
 * In bytes, as in DER: a secret is secret_len bytes, the scalar d, big-endian (RFC 5915), or the seed of
 * RFC 8032 section 5.1.5. A point is point_len bytes: X || Y, each big-endian (SEC 1 section 2.3.3 without
 * its first octet), or the 32 bytes of RFC 8032 section 5.1.2.
 *
 * Sources: SP 800-186 section 3.2.1, SEC 2 section 2.4.1, RFC 8032 section 5.1. Constant data; thread-safe.
 */
#ifndef KW_ENGINE_EC_CURVE_H
#define KW_ENGINE_EC_CURVE_H

#include "engine/words.h"
#include "pool/spec.h"

/* P-521. */
#define KW_CURVE_BITS_MAX   521u
#define KW_CURVE_WORDS_MAX  KW_WORDS_OF_BITS(KW_CURVE_BITS_MAX)
#define KW_CURVE_SECRET_MAX 66u
#define KW_CURVE_POINT_MAX  132u

enum kw_curve_form {
    KW_CURVE_MINUS3,  /* Weierstrass, a = -3 */
    KW_CURVE_ZERO,    /* Weierstrass, a = 0 */
    KW_CURVE_EDWARDS, /* twisted Edwards, a = -1 */
};

struct kw_curve {
    enum kw_spec spec; /* whose field, form and encodings these are */
    enum kw_curve_form form;
    unsigned bits;       /* of p */
    unsigned order_bits; /* of n */
    unsigned num;        /* words of a number modulo p or n */
    unsigned secret_len; /* bytes */
    unsigned point_len;  /* bytes */
    uint64_t p[KW_CURVE_WORDS_MAX];
    uint64_t n[KW_CURVE_WORDS_MAX];
    uint64_t b[KW_CURVE_WORDS_MAX]; /* d of an Edwards curve */
    uint64_t gx[KW_CURVE_WORDS_MAX];
    uint64_t gy[KW_CURVE_WORDS_MAX];
};

/* kw_curve_of() - NULL for a spec that is no elliptic curve. */
const struct kw_curve *kw_curve_of(enum kw_spec spec);

#endif
