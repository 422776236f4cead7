/* clock - the time by which keys live: creation, deletion, rotation, expiry.
 *
 * The machine's clock and an offset, which is zero but in tests and trials (keywelld --clock-offset): so a
 * key that is deleted in thirty days can be seen deleted now. Signatures and audit records keep the real
 * time.
 */
#ifndef KW_API_CLOCK_H
#define KW_API_CLOCK_H

#include "pool/base.h"

#include <stdatomic.h>

struct kw_clock {
    _Atomic int64_t offset_ms;
};

/* Milliseconds since the epoch. Any thread. */
static inline int64_t kw_clock_ms(const struct kw_clock *clock)
{
    return kw_wall_ms() + atomic_load_explicit(&clock->offset_ms, memory_order_relaxed);
}

#endif
