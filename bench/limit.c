#include "bench/limit.h"

#include <math.h>

#define LIMB_BITS  52u
#define LANES      8
#define ROUND_COST 1.2

struct search {
    unsigned bits;  /* of n */
    unsigned tests; /* per prime: bits / 2 * ln 2 * e^-gamma / ln 2^20, in whole numbers */
    unsigned rounds;
};

static const struct search searches[] = {
    {2048, 29, 5},
    {3072, 43, 4},
    {4096, 58, 4},
};

static double test_seconds(unsigned prime_bits, double ifma_per_ns)
{
    double limbs = (prime_bits + LIMB_BITS - 1) / LIMB_BITS;

    return prime_bits * (3 * limbs * limbs + 2 * limbs) / (LANES * ifma_per_ns) / 1e9;
}

double kw_limit_pairs(enum kw_spec spec, double ifma_per_ns)
{
    const struct kw_spec_info *info = kw_spec_info(spec);

    if (info->kind != KW_KIND_RSA || isnan(ifma_per_ns))
        return NAN;
    for (size_t i = 0; i < KW_ARRAY_LEN(searches); i++) {
        const struct search *search = &searches[i];

        if (search->bits == info->bits)
            return 1 / (2 * test_seconds(info->bits / 2, ifma_per_ns) *
                           (search->tests + ROUND_COST * search->rounds));
    }
    return NAN;
}
