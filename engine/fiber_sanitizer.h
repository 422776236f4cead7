/* fiber_sanitizer - tells a sanitizer of each change of stack.
 *
 * AddressSanitizer must know on which stack a thread runs, ThreadSanitizer which fiber. The build chooses one
 * of fiber_sanitizer_{none,address,thread}.c. Called by fiber.c only, in this order for each visit to the
 * fiber: enter (on the caller's stack), entered (on the fiber's), leave (on the fiber's), left (on the
 * caller's).
 */
#ifndef KW_ENGINE_FIBER_SANITIZER_H
#define KW_ENGINE_FIBER_SANITIZER_H

#include "pool/base.h"

struct kw_fiber_sanitizer {
    void *stack; /* the fiber's, lowest address */
    size_t stack_len;
    void *fiber; /* the sanitizer's state of the fiber, and of what entered it */
    void *caller;
    const void *caller_stack;
    size_t caller_stack_len;
};

void kw_fiber_sanitizer_init(struct kw_fiber_sanitizer *sanitizer, void *stack, size_t stack_len);
void kw_fiber_sanitizer_done(struct kw_fiber_sanitizer *sanitizer);
void kw_fiber_sanitizer_enter(struct kw_fiber_sanitizer *sanitizer);
void kw_fiber_sanitizer_entered(struct kw_fiber_sanitizer *sanitizer);
/* ended: the function on the fiber has returned; the next visit begins at the top of the stack. */
void kw_fiber_sanitizer_leave(struct kw_fiber_sanitizer *sanitizer, bool ended);
void kw_fiber_sanitizer_left(struct kw_fiber_sanitizer *sanitizer, bool ended);

#endif
