#include "engine/fiber_sanitizer.h"

#include <sanitizer/tsan_interface.h>

void kw_fiber_sanitizer_init(struct kw_fiber_sanitizer *sanitizer, void *stack, size_t stack_len)
{
    *sanitizer = (struct kw_fiber_sanitizer){.stack = stack, .stack_len = stack_len};
    sanitizer->fiber = __tsan_create_fiber(0);
}

void kw_fiber_sanitizer_done(struct kw_fiber_sanitizer *sanitizer)
{
    __tsan_destroy_fiber(sanitizer->fiber);
}

void kw_fiber_sanitizer_enter(struct kw_fiber_sanitizer *sanitizer)
{
    sanitizer->caller = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(sanitizer->fiber, 0);
}

void kw_fiber_sanitizer_entered(struct kw_fiber_sanitizer *sanitizer)
{
    (void)sanitizer;
}

void kw_fiber_sanitizer_leave(struct kw_fiber_sanitizer *sanitizer, bool ended)
{
    (void)ended;
    __tsan_switch_to_fiber(sanitizer->caller, 0);
}

/* The function at the bottom of the fiber never returns, so its record of calls would grow with each use: an
 * ended fiber gets a new one. */
void kw_fiber_sanitizer_left(struct kw_fiber_sanitizer *sanitizer, bool ended)
{
    if (!ended)
        return;
    __tsan_destroy_fiber(sanitizer->fiber);
    sanitizer->fiber = __tsan_create_fiber(0);
}
