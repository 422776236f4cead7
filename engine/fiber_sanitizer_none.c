#include "engine/fiber_sanitizer.h"

void kw_fiber_sanitizer_init(struct kw_fiber_sanitizer *sanitizer, void *stack, size_t stack_len)
{
    (void)sanitizer;
    (void)stack;
    (void)stack_len;
}

void kw_fiber_sanitizer_done(struct kw_fiber_sanitizer *sanitizer)
{
    (void)sanitizer;
}

void kw_fiber_sanitizer_enter(struct kw_fiber_sanitizer *sanitizer)
{
    (void)sanitizer;
}

void kw_fiber_sanitizer_entered(struct kw_fiber_sanitizer *sanitizer)
{
    (void)sanitizer;
}

void kw_fiber_sanitizer_leave(struct kw_fiber_sanitizer *sanitizer, bool ended)
{
    (void)sanitizer;
    (void)ended;
}

void kw_fiber_sanitizer_left(struct kw_fiber_sanitizer *sanitizer, bool ended)
{
    (void)sanitizer;
    (void)ended;
}
