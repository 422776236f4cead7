/* sieve_ifma_table - the constants of the sieve for AVX-512 IFMA: moduli of 52 bits, eight to a vector, four
 * vectors to a block. Public, made once. R is 2^52 throughout.
 */
#ifndef KW_ENGINE_X86_SIEVE_IFMA_TABLE_H
#define KW_ENGINE_X86_SIEVE_IFMA_TABLE_H

#include "engine/rsa/sieve_ops.h"

#include <immintrin.h>

/* Vectors of moduli in a block. */
#define KW_SIEVE_VECTORS 4u
/* Two vectors give one of 16 lanes of 32 bits: element 2 i is of lane i of the first, 2 i + 1 of the second.
 */
#define KW_SIEVE_PAIRS (KW_SIEVE_VECTORS / 2)
/* Moduli in a block. */
#define KW_SIEVE_BLOCK (KW_SIEVE_VECTORS * 8)
/* Primes in a modulus, at most. */
#define KW_SIEVE_PARTS 5u

/* Vectors of 16 hits of one progression in one block, pair by pair and part by part. A hit is the index of
 * the first member that the prime divides; beyond the window there is none. */
#define KW_SIEVE_HITS_MAX (KW_SIEVE_PAIRS * KW_SIEVE_PARTS)

/* How hits are marked. */
enum kw_sieve_mark {
    KW_SIEVE_MARK_WRAP,   /* primes that meet the window several times: by the residue of each word of the map
                           */
    KW_SIEVE_MARK_DIRECT, /* each prime sets its bit, or none */
    KW_SIEVE_MARK_GATHER, /* hits are rare: they gather first */
};

struct kw_sieve_moduli {
    __m512i m[KW_SIEVE_VECTORS];
    __m512i inverse[KW_SIEVE_VECTORS]; /* m^-1 modulo R */
    __m512i r2[KW_SIEVE_VECTORS];      /* R^2 modulo m */
};

/* One prime of each modulus of a block. */
struct kw_sieve_part {
    __m512i prime[KW_SIEVE_VECTORS];
    __m512i inverse[KW_SIEVE_VECTORS]; /* prime^-1 modulo R */
    /* 0 modulo the other primes of the modulus and -R^2 modulo this one: inverses modulo the primes, each
     * multiplied by its factor, add up to -R^2 times the inverse modulo their product. */
    __m512i factor[KW_SIEVE_VECTORS];
};

/* A prime below the window, as it is marked. */
struct kw_sieve_wrap {
    uint16_t back[16]; /* 32 i modulo the prime: how far back word i of a vector begins */
    uint32_t prime;
    uint32_t back_vector; /* 512 modulo the prime */
    uint32_t pattern;     /* bits 0, prime, 2 prime, ... */
    uint32_t slot;        /* where the prime's hit is among those of its block */
};

struct kw_sieve_block {
    enum kw_sieve_mark mark;
    unsigned num_parts;                /* primes in each modulus */
    unsigned num_steps;                /* of Euclid's algorithm for the largest of them */
    uint8_t drains[KW_SIEVE_HITS_MAX]; /* how often the queue is drained before each vector of hits */
    const struct kw_sieve_moduli *moduli;
    const struct kw_sieve_part *parts; /* num_parts */
    const struct kw_sieve_wrap *wraps;
    size_t num_wraps;
};

struct kw_sieve_ifma {
    struct kw_sieve sieve;
    size_t num_blocks;
    struct kw_sieve_block *blocks;
};

/* For the ops: see sieve_ops.h. */
KW_MUST_CHECK int kw_sieve_ifma_build(struct kw_sieve **ret, uint32_t bound);

#endif
