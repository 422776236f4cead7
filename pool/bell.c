#include "pool/bell.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Why no wake-up is lost: a sleeper announces itself (S1) and then lets the kernel compare the ticket (S2,
 * inside futex); a ringer raises the ticket (S3) and then looks for sleepers (S4). All four are sequentially
 * consistent, so either S4 sees the sleeper and wakes it, or S2 sees the new ticket and does not sleep. What
 * the ringer changed before S3 is visible to a sleeper that reads the raised ticket. */

void kw_bell_init(struct kw_bell *bell)
{
    atomic_init(&bell->ticket, 0);
    atomic_init(&bell->sleepers, 0);
}

uint32_t kw_bell_ticket(const struct kw_bell *bell)
{
    return atomic_load_explicit(&bell->ticket, memory_order_seq_cst);
}

void kw_bell_wait(struct kw_bell *bell, uint32_t ticket, uint64_t timeout_ns)
{
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_ns / 1000000000u),
        .tv_nsec = (long)(timeout_ns % 1000000000u),
    };

    atomic_fetch_add_explicit(&bell->sleepers, 1, memory_order_seq_cst); /* S1 */
    syscall(SYS_futex, &bell->ticket, FUTEX_WAIT_PRIVATE, ticket, timeout_ns == UINT64_MAX ? NULL : &timeout,
        NULL, 0); /* S2 */
    atomic_fetch_sub_explicit(&bell->sleepers, 1, memory_order_seq_cst);
}

void kw_bell_ring(struct kw_bell *bell)
{
    atomic_fetch_add_explicit(&bell->ticket, 1, memory_order_seq_cst);   /* S3 */
    if (atomic_load_explicit(&bell->sleepers, memory_order_seq_cst) > 0) /* S4 */
        syscall(SYS_futex, &bell->ticket, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
