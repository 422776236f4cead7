/* bell - lets threads sleep until there may be work, without a lock and without lost wake-ups (an event
 * count).
 *
 * A sleeper reads the ticket, checks its condition, and waits on that ticket; a ringer makes its change, then
 * rings. Ringing costs one atomic add, and a system call only if someone sleeps.
 */
#ifndef KW_POOL_BELL_H
#define KW_POOL_BELL_H

#include "pool/base.h"

#include <stdatomic.h>

struct kw_bell {
    KW_CACHE_ALIGN _Atomic uint32_t ticket; /* futex word */
    _Atomic uint32_t sleepers;
};

void kw_bell_init(struct kw_bell *bell);
uint32_t kw_bell_ticket(const struct kw_bell *bell);
/* Sleeps until the bell has been rung since the ticket was read, or timeout_ns passed (UINT64_MAX: no limit).
 * May return early. */
void kw_bell_wait(struct kw_bell *bell, uint32_t ticket, uint64_t timeout_ns);
/* Wakes all sleepers. Any thread. */
void kw_bell_ring(struct kw_bell *bell);

#endif
