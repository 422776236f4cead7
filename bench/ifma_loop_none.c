#include "bench/ifma_rate.h"

/* kw_ifma_available() is false outside x86: nobody comes here. */
void kw_ifma_loop(uint64_t times)
{
    (void)times;
    kw_assert(false);
}
