/* recorded_rng - a random source that gives the bytes that a test wants, in the place of engine/rng.c's:
 * first those of its tape, then a stream that its seed decides. Which bytes come does not depend on how many
 * are asked for at a time.
 *
 * Included once by each program that needs it.
 */
#ifndef KW_TESTS_SUPPORT_RECORDED_RNG_H
#define KW_TESTS_SUPPORT_RECORDED_RNG_H

#include "engine/rng.h"

#include <stdlib.h>

struct kw_rng {
    const uint8_t *tape;
    size_t tape_len;
    uint64_t seed;
    size_t at;         /* bytes given */
    unsigned calls;    /* so far */
    unsigned fail_at;  /* the call that fails, from 1; 0: none */
    int fail_as;       /* how */
    size_t last_begin; /* what the last call gave */
    size_t last_len;
};

/* The mixing of Steele, Lea and Flood's SplitMix64. */
static inline uint8_t recorded_byte(uint64_t seed, size_t at)
{
    uint64_t word = seed + (at / 8 + 1) * 0x9e3779b97f4a7c15;

    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return (uint8_t)((word ^ word >> 31) >> 8 * (at % 8));
}

int kw_rng_new(struct kw_rng **ret)
{
    *ret = calloc(1, sizeof(**ret));
    return *ret == NULL ? -ENOMEM : 0;
}

void kw_rng_free(struct kw_rng *rng)
{
    free(rng);
}

int kw_rng_bytes(struct kw_rng *rng, void *out, size_t len)
{
    if (++rng->calls == rng->fail_at)
        return rng->fail_as;
    rng->last_begin = rng->at;
    rng->last_len = len;
    for (size_t i = 0; i < len; i++, rng->at++)
        ((uint8_t *)out)[i] =
            rng->at < rng->tape_len ? rng->tape[rng->at] : recorded_byte(rng->seed, rng->at);
    return 0;
}

OSSL_LIB_CTX *kw_rng_libctx(struct kw_rng *rng)
{
    (void)rng;
    return NULL;
}

#endif
