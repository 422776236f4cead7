/* sieve_portable - the constants of the portable sieve: moduli of 63 bits, four to a block. Public, made
 * once. R is 2^64.
 */
#ifndef KW_ENGINE_RSA_SIEVE_PORTABLE_H
#define KW_ENGINE_RSA_SIEVE_PORTABLE_H

#include "engine/rsa/moduli.h"
#include "engine/rsa/sieve_ops.h"

/* Moduli in a block: enough to hide the latency of multiplications behind each other. */
#define KW_SIEVE_BLOCK 4u
/* Digits of an exponent, 4 bits each. */
#define KW_SIEVE_DIGITS 16u

/* One prime of each modulus of a block. */
struct kw_sieve_part {
    uint64_t inverse[KW_SIEVE_BLOCK]; /* prime^-1 modulo R */
    uint64_t prime[KW_SIEVE_BLOCK];
};

/* A prime below the window, as it is marked. */
struct kw_sieve_wrap {
    uint64_t pattern; /* bits 0, prime, 2 prime, ... */
    uint32_t prime;
    uint32_t back; /* 64 modulo the prime */
};

struct kw_sieve_block {
    uint64_t m[KW_SIEVE_BLOCK];
    uint64_t inverse[KW_SIEVE_BLOCK]; /* m^-1 modulo R */
    uint64_t r2[KW_SIEVE_BLOCK];      /* R^2 modulo m */
    /* The exponent that inverts, one less than what all orders modulo m divide; the first digit is the
     * highest. */
    uint8_t digits[KW_SIEVE_DIGITS][KW_SIEVE_BLOCK];
    unsigned num_parts;
    const struct kw_sieve_part *parts;
    const struct kw_sieve_wrap
        *wraps; /* as many as parts, KW_SIEVE_BLOCK for each; NULL: primes above the window */
};

struct kw_sieve_table {
    struct kw_sieve sieve;
    size_t num_blocks;
    struct kw_sieve_block *blocks;
};

/* For the ops: see sieve_ops.h. */
KW_MUST_CHECK int kw_sieve_portable_build(struct kw_sieve **ret, uint32_t bound);

#endif
