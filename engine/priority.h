/* priority - a worker's scheduling class: idle, or normal while requests wait for what it makes.
 *
 * At idle priority (SCHED_IDLE) a thread yields its core at once to any other, and may then be stopped for
 * long. Any thread may raise a worker to normal priority; only the worker itself goes back. Linux lets a
 * thread leave SCHED_IDLE only with CAP_SYS_NICE or an RLIMIT_NICE of 20 or more (systemd: LimitNICE=+0);
 * without, raising does nothing and says so.
 *
 * Lock-free. A raise that meets a drop in the same microsecond may be lost; raising again 10 ms later mends
 * it.
 */
#ifndef KW_ENGINE_PRIORITY_H
#define KW_ENGINE_PRIORITY_H

#include "pool/base.h"

#include <stdatomic.h>

/* A raise within this time after the last one costs no system call. */
#define KW_PRIORITY_RAISE_NS (10u * 1000u * 1000u)

/* All zero before begin. */
struct kw_priority {
    _Atomic int32_t tid;       /* of the thread that began; 0: none */
    _Atomic bool idle;         /* the thread was given idle priority */
    _Atomic bool may_raise;    /* and may be raised from it */
    _Atomic bool raised;       /* is raised now */
    _Atomic uint64_t raise_ns; /* when it was last raised */
    _Atomic uint64_t raises;   /* how often it went up from idle */
};

/* kw_priority_begin() - gives the calling thread idle priority and finds out whether it can be raised. What
 * the system refuses shows in idle and may_raise. */
void kw_priority_begin(struct kw_priority *priority);
/* The thread goes back to idle priority if it was raised; the thread that began only. One load if it was not.
 */
void kw_priority_drop(struct kw_priority *priority);
/* kw_priority_raise() - any thread, while the thread that began has not been joined.
 * Returns true if the thread has normal priority now, false if the system refuses or none began. */
bool kw_priority_raise(struct kw_priority *priority);

#endif
