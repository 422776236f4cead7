/* montgomery - multiplication modulo one secret odd number, in plain C and constant time.
 *
 * For short moduli, for which calls into OpenSSL cost more than the arithmetic, and for what OpenSSL has no
 * function with a time that tells nothing. Time and addresses depend on the number of words and on the length
 * of the modulus, which is no secret. One owner thread; nothing is allocated; the owner wipes.
 */
#ifndef KW_ENGINE_RSA_MONTGOMERY_H
#define KW_ENGINE_RSA_MONTGOMERY_H

#include "engine/words.h"

/* A number a is kept as a R modulo m, R = 2^(64 num), and below m. */
struct kw_montgomery {
    size_t num;       /* words; 0: no modulus is set */
    unsigned bits;    /* length of the modulus */
    uint64_t inverse; /* -m^-1 modulo 2^64 */
    uint64_t modulus[KW_WORDS_MAX];
    uint64_t one[KW_WORDS_MAX]; /* 1, and below -1 and R, in that form */
    uint64_t minus_one[KW_WORDS_MAX];
    uint64_t r[KW_WORDS_MAX];
    uint64_t product[KW_WORDS_MAX + 2]; /* scratch of mul */
};

/* modulus: odd, above 1; its top word may be 0. */
void kw_montgomery_set(struct kw_montgomery *montgomery, const uint64_t *modulus, size_t num);
/* ret = a b. One of a and b is below the modulus, the other may be any. */
void kw_montgomery_mul(struct kw_montgomery *montgomery, uint64_t *ret, const uint64_t *a, const uint64_t *b);
/* ret = 2 a, a below the modulus. */
void kw_montgomery_double(struct kw_montgomery *montgomery, uint64_t *ret, const uint64_t *a);
/* Into the form, from any number, and out of it. */
void kw_montgomery_enter(struct kw_montgomery *montgomery, uint64_t *ret, const uint64_t *a);
void kw_montgomery_leave(struct kw_montgomery *montgomery, uint64_t *ret, const uint64_t *a);

#endif
