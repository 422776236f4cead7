#include "tools/plan/random.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The stream's number goes through the mixer by itself, so that neighbours have nothing in common. */
void kw_plan_random_seed(struct kw_plan_random *random, uint64_t seed, uint64_t stream)
{
    uint64_t state = seed ^ splitmix64(&stream);

    for (size_t i = 0; i < KW_ARRAY_LEN(random->state); i++)
        random->state[i] = splitmix64(&state);
}

double kw_plan_random_exponential(struct kw_plan_random *random)
{
    return -log(kw_plan_random_unit(random));
}
