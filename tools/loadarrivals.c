#include "tools/loadarrivals.h"

#include <math.h>

uint64_t kw_load_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

void kw_load_arrivals_init(struct kw_load_arrivals *arrivals, bool poisson, double gap_ns, uint64_t on_ns,
    uint64_t quiet_ns, uint64_t seed)
{
    double share = on_ns > 0 ? (double)on_ns / (double)(on_ns + quiet_ns) : 1;

    kw_assert(gap_ns > 0);
    *arrivals = (struct kw_load_arrivals){
        .poisson = poisson,
        .on_ns = on_ns,
        .quiet_ns = quiet_ns,
        .gap_ns = gap_ns * share,
        .random = UINT64_C(0x9e3779b97f4a7c15) * (seed + 1),
    };
    if (arrivals->random == 0)
        arrivals->random = 1;
}

uint64_t kw_load_arrivals_next(struct kw_load_arrivals *arrivals)
{
    uint64_t bursts;

    arrivals->num++;
    if (arrivals->poisson)
        arrivals->clock_ns +=
            (uint64_t)(-log1p(-(double)(kw_load_random(&arrivals->random) >> 11) * 0x1p-53) *
                       arrivals->gap_ns);
    else
        arrivals->clock_ns = (uint64_t)((double)arrivals->num * arrivals->gap_ns);
    bursts = arrivals->on_ns > 0 ? arrivals->clock_ns / arrivals->on_ns : 0;
    return arrivals->clock_ns + bursts * arrivals->quiet_ns;
}
