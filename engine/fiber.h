/* fiber - runs a function on a private stack that can be left in the middle and entered again.
 *
 * OpenSSL's RSA key generation cannot be asked to stop and go on later, but it calls back for every
 * candidate. On a fiber, the callback can return to the worker when its slice is over, and the search goes on
 * where it was when the worker comes back. The stack is secret memory with a guard page below, wiped when the
 * function ends and on free.
 *
 * A fiber belongs to the thread that first enters it. Sanitizers are told of each switch.
 */
#ifndef KW_ENGINE_FIBER_H
#define KW_ENGINE_FIBER_H

#include "pool/base.h"

struct kw_fiber;

/* stack_bytes: whole pages, at least two; the guard page is one of them, so that a power of two wastes
 * nothing. new: 0 | -ENOMEM | -EINVAL (not whole pages, or too few). */
KW_MUST_CHECK int kw_fiber_new(struct kw_fiber **ret, size_t stack_bytes);
/* The function must have ended, or never begun, or be abandoned on purpose: what it holds is then lost (the
 * caller makes it end first by telling it to stop). Wipes the stack. NULL is fine. */
void kw_fiber_free(struct kw_fiber *fiber);
/* Enters fn(arg) on the fiber's stack (the first time, or again after it ended), or resumes it where it left.
 * Returns true if fn ended (stack wiped), false if it left with kw_fiber_leave(). */
bool kw_fiber_enter(struct kw_fiber *fiber, void (*fn)(void *arg), void *arg);
/* Called on the fiber: back to kw_fiber_enter()'s caller; returns when entered again. */
void kw_fiber_leave(struct kw_fiber *fiber);
/* True between a leave and the next enter. */
bool kw_fiber_suspended(const struct kw_fiber *fiber);
/* The stack, for tests that look for secrets on it. */
void kw_fiber_stack(const struct kw_fiber *fiber, void **ret_low, size_t *ret_len);

#endif
