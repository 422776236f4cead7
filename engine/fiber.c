/* fiber - a stack of its own, by makecontext() and swapcontext().
 *
 * Those make a system call for the signal mask at each switch, about a quarter of a microsecond; slices last
 * milliseconds.
 *
 * The stack is one block of the thread's secret memory, so that what protects secrets (locked, not dumped,
 * zeroed in forked children, counted) is decided in one place. Its lowest page is made inaccessible while the
 * fiber lives and accessible again before the block goes back. The saved contexts hold registers, hence
 * secrets: the whole struct is secret memory too, and they are wiped with the stack.
 */
#include "engine/fiber.h"

#include "engine/fiber_sanitizer.h"
#include "pool/secmem.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum state { STATE_IDLE, STATE_RUNNING, STATE_SUSPENDED };

struct kw_fiber {
    enum state state;
    void (*fn)(void *arg);
    void *arg;
    ucontext_t self;   /* where to go on while suspended */
    ucontext_t caller; /* where to return to while running */
    uint8_t *block;    /* the guard page, then the stack */
    size_t guard_len;
    size_t stack_len;
    struct kw_fiber_sanitizer sanitizer;
};

static uint8_t *stack_low(const struct kw_fiber *fiber)
{
    return fiber->block + fiber->guard_len;
}

static void wipe(struct kw_fiber *fiber)
{
    kw_erase(stack_low(fiber), fiber->stack_len);
    kw_erase(&fiber->self, sizeof(fiber->self));
    kw_erase(&fiber->caller, sizeof(fiber->caller));
}

static int map_stack(struct kw_fiber *fiber, size_t stack_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    KW_REQUIRE(stack_bytes >= 2 * page && stack_bytes % page == 0, -EINVAL);
    fiber->guard_len = page;
    fiber->stack_len = stack_bytes - page;
    fiber->block = kw_secmem_alloc_aligned(stack_bytes, page);
    if (fiber->block == NULL)
        return -ENOMEM;
    if (mprotect(fiber->block, fiber->guard_len, PROT_NONE) != 0)
        return -ENOMEM;
    return 0;
}

int kw_fiber_new(struct kw_fiber **ret, size_t stack_bytes)
{
    struct kw_fiber *fiber = kw_secmem_alloc(sizeof(*fiber));

    if (fiber == NULL)
        return -ENOMEM;
    int result = map_stack(fiber, stack_bytes);
    if (result != 0) {
        kw_secmem_free(fiber->block);
        kw_secmem_free(fiber);
        return result;
    }
    kw_fiber_sanitizer_init(&fiber->sanitizer, stack_low(fiber), fiber->stack_len);
    *ret = fiber;
    return 0;
}

void kw_fiber_free(struct kw_fiber *fiber)
{
    if (fiber == NULL)
        return;
    kw_assert(fiber->state != STATE_RUNNING);
    kw_fiber_sanitizer_done(&fiber->sanitizer);
    /* Joining what was split needs no memory: it cannot fail, and a block with a hole must not go back. */
    kw_assert(mprotect(fiber->block, fiber->guard_len, PROT_READ | PROT_WRITE) == 0);
    kw_secmem_free(fiber->block);
    kw_secmem_free(fiber);
}

static void leave(struct kw_fiber *fiber, enum state state)
{
    kw_assert(fiber->state == STATE_RUNNING);
    fiber->state = state;
    kw_fiber_sanitizer_leave(&fiber->sanitizer, state == STATE_IDLE);
    kw_assert(swapcontext(&fiber->self, &fiber->caller) == 0);
    kw_fiber_sanitizer_entered(&fiber->sanitizer);
}

/* The bottom of the fiber's stack; makecontext() hands over int arguments only, so the pointer comes in
 * halves. */
static void bottom(unsigned high, unsigned low)
{
    struct kw_fiber *fiber = (struct kw_fiber *)(((uintptr_t)high << 32) | low);

    kw_fiber_sanitizer_entered(&fiber->sanitizer);
    fiber->fn(fiber->arg);
    leave(fiber, STATE_IDLE);
    kw_assert(false);
}

static void prepare(struct kw_fiber *fiber, void (*fn)(void *arg), void *arg)
{
    uintptr_t pointer = (uintptr_t)fiber;

    fiber->fn = fn;
    fiber->arg = arg;
    kw_assert(getcontext(&fiber->self) == 0);
    fiber->self.uc_stack.ss_sp = stack_low(fiber);
    fiber->self.uc_stack.ss_size = fiber->stack_len;
    fiber->self.uc_link = NULL;
    makecontext(&fiber->self, (void (*)(void))bottom, 2, (unsigned)(pointer >> 32), (unsigned)pointer);
}

bool kw_fiber_enter(struct kw_fiber *fiber, void (*fn)(void *arg), void *arg)
{
    kw_assert(fiber->state != STATE_RUNNING);
    if (fiber->state == STATE_IDLE)
        prepare(fiber, fn, arg);
    fiber->state = STATE_RUNNING;
    kw_fiber_sanitizer_enter(&fiber->sanitizer);
    kw_assert(swapcontext(&fiber->caller, &fiber->self) == 0);

    bool ended = fiber->state == STATE_IDLE;
    kw_fiber_sanitizer_left(&fiber->sanitizer, ended);
    if (ended)
        wipe(fiber);
    return ended;
}

void kw_fiber_leave(struct kw_fiber *fiber)
{
    leave(fiber, STATE_SUSPENDED);
}

bool kw_fiber_suspended(const struct kw_fiber *fiber)
{
    return fiber->state == STATE_SUSPENDED;
}

void kw_fiber_stack(const struct kw_fiber *fiber, void **ret_low, size_t *ret_len)
{
    *ret_low = stack_low(fiber);
    *ret_len = fiber->stack_len;
}
