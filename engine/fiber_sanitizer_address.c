#include "engine/fiber_sanitizer.h"

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

void kw_fiber_sanitizer_init(struct kw_fiber_sanitizer *sanitizer, void *stack, size_t stack_len)
{
    *sanitizer = (struct kw_fiber_sanitizer){.stack = stack, .stack_len = stack_len};
}

/* The frames that an ended or abandoned function leaves behind are still marked; whoever wipes the stack or
 * gets the memory next may touch it. */
static void unmark(struct kw_fiber_sanitizer *sanitizer)
{
    __asan_unpoison_memory_region(sanitizer->stack, sanitizer->stack_len);
}

void kw_fiber_sanitizer_done(struct kw_fiber_sanitizer *sanitizer)
{
    unmark(sanitizer);
}

void kw_fiber_sanitizer_enter(struct kw_fiber_sanitizer *sanitizer)
{
    __sanitizer_start_switch_fiber(&sanitizer->caller, sanitizer->stack, sanitizer->stack_len);
}

void kw_fiber_sanitizer_entered(struct kw_fiber_sanitizer *sanitizer)
{
    __sanitizer_finish_switch_fiber(sanitizer->fiber, &sanitizer->caller_stack, &sanitizer->caller_stack_len);
}

/* No place to keep the fiber's state means that it has ended. */
void kw_fiber_sanitizer_leave(struct kw_fiber_sanitizer *sanitizer, bool ended)
{
    __sanitizer_start_switch_fiber(
        ended ? NULL : &sanitizer->fiber, sanitizer->caller_stack, sanitizer->caller_stack_len);
}

void kw_fiber_sanitizer_left(struct kw_fiber_sanitizer *sanitizer, bool ended)
{
    __sanitizer_finish_switch_fiber(sanitizer->caller, NULL, NULL);
    if (!ended)
        return;
    sanitizer->fiber = NULL;
    unmark(sanitizer);
}
