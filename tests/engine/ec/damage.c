#include "tests/engine/ec/damage.h"

#define kw_ec_kernel_ifma_ed25519 damage_kernel

#include "engine/x86/ec_ed25519.c"

uint8_t *damage_base(void *state, size_t *ret_len)
{
    *ret_len = sizeof(struct base);
    return (uint8_t *)(uintptr_t)((struct state *)state)->base;
}
