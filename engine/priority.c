#include "engine/priority.h"

#include <sched.h>
#include <unistd.h>

static bool set_policy(pid_t tid, int policy)
{
    return sched_setscheduler(tid, policy, &(struct sched_param){0}) == 0;
}

/* Going up once and down again shows at start, and not when the first request waits, whether the system
 * allows it. */
void kw_priority_begin(struct kw_priority *priority)
{
    bool idle = set_policy(0, SCHED_IDLE);
    bool may_raise = idle && set_policy(0, SCHED_OTHER) && set_policy(0, SCHED_IDLE);

    atomic_store_explicit(&priority->raised, false, memory_order_relaxed);
    atomic_store_explicit(&priority->idle, idle, memory_order_relaxed);
    atomic_store_explicit(&priority->may_raise, may_raise, memory_order_relaxed);
    /* R1 pairs with R2: whoever sees the thread's id sees what it may. */
    atomic_store_explicit(&priority->tid, gettid(), memory_order_release);
}

/* The flag goes down before the priority, and is looked at again after it: a raise in between is either seen
 * here and repeated, or its own system call comes later and wins (R3 and R4 are in one total order). */
void kw_priority_drop(struct kw_priority *priority)
{
    if (!atomic_load_explicit(&priority->raised, memory_order_relaxed))
        return;
    atomic_store_explicit(&priority->raised, false, memory_order_seq_cst); /* R3 */
    (void)set_policy(0, SCHED_IDLE);
    if (atomic_load_explicit(&priority->raised, memory_order_seq_cst)) /* R3 */
        (void)set_policy(0, SCHED_OTHER);
}

static bool raised_lately(struct kw_priority *priority, uint64_t now_ns)
{
    return atomic_load_explicit(&priority->raised, memory_order_relaxed) &&
           now_ns - atomic_load_explicit(&priority->raise_ns, memory_order_relaxed) < KW_PRIORITY_RAISE_NS;
}

/* The flag is set before and after the system call: before, so that a drop that undoes the call sees it;
 * after, so that a drop that took the flag down just before the call does not leave a raised thread that
 * nobody drops. */
bool kw_priority_raise(struct kw_priority *priority)
{
    pid_t tid = atomic_load_explicit(&priority->tid, memory_order_acquire); /* R2 pairs with R1 */
    uint64_t now_ns = kw_now_ns();
    bool done;

    if (tid == 0 || !atomic_load_explicit(&priority->may_raise, memory_order_relaxed))
        return false;
    if (raised_lately(priority, now_ns))
        return true;
    atomic_store_explicit(&priority->raise_ns, now_ns, memory_order_relaxed);
    if (!atomic_exchange_explicit(&priority->raised, true, memory_order_seq_cst)) /* R4 */
        atomic_fetch_add_explicit(&priority->raises, 1, memory_order_relaxed);
    done = set_policy(tid, SCHED_OTHER);
    atomic_store_explicit(&priority->raised, true, memory_order_seq_cst); /* R4 */
    return done;
}
