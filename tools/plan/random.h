/* random - numbers for simulations: the same seed, the same numbers. Not for keys.
 *
 * xoshiro256++ 1.0 by Blackman and Vigna, seeded by splitmix64. One owner thread.
 */
#ifndef KW_TOOLS_PLAN_RANDOM_H
#define KW_TOOLS_PLAN_RANDOM_H

#include "pool/base.h"

struct kw_plan_random {
    uint64_t state[4];
};

/* kw_plan_random_seed() - stream: which of the independent sequences of that seed. */
void kw_plan_random_seed(struct kw_plan_random *random, uint64_t seed, uint64_t stream);

static inline uint64_t kw_plan_random_rotate(uint64_t value, unsigned by)
{
    return (value << by) | (value >> (64 - by));
}

static inline uint64_t kw_plan_random_bits(struct kw_plan_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = kw_plan_random_rotate(s[0] + s[3], 23) + s[0], t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = kw_plan_random_rotate(s[3], 45);
    return result;
}

/* Uniform in (0, 1]. */
static inline double kw_plan_random_unit(struct kw_plan_random *random)
{
    return (double)((kw_plan_random_bits(random) >> 11) + 1) * 0x1p-53;
}

/* Exponentially distributed with mean 1. */
double kw_plan_random_exponential(struct kw_plan_random *random);

#endif
