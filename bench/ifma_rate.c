#include "bench/ifma_rate.h"

#include "bench/turns.h"
#include "engine/cpu.h"

#include <math.h>

/* About 10 us: the end of a turn is not late, and asking for the time costs nothing that shows. */
#define LOOPS 800u
/* The vector units of some CPUs need some microseconds to wake. */
#define WAKE_LOOPS (20u * LOOPS)

bool kw_ifma_available(void)
{
    return kw_cpu_detect() == KW_CPU_AVX512IFMA;
}

void kw_ifma_turn(struct kw_ifma *sum, double seconds)
{
    double began, now;
    uint64_t loops = 0;

    kw_ifma_loop(WAKE_LOOPS);
    began = kw_cpu_seconds();
    do {
        kw_ifma_loop(LOOPS);
        loops += LOOPS;
        now = kw_cpu_seconds();
    } while (now - began < seconds);
    sum->instructions += (double)loops * KW_IFMA_PER_LOOP;
    sum->cpu_s += now - began;
}

double kw_ifma_per_ns(const struct kw_ifma *sum)
{
    return sum->cpu_s > 0 ? sum->instructions / sum->cpu_s / 1e9 : NAN;
}
