/* damage - the AVX-512 IFMA kernel of edwards25519 once more, with what its owners share laid open, so that a
 * test can damage it. */
#ifndef KW_TESTS_ENGINE_EC_DAMAGE_H
#define KW_TESTS_ENGINE_EC_DAMAGE_H

#include "engine/ec/kernel.h"

extern const struct kw_ec_kernel damage_kernel;

/* What a curve gives, tables included; state is one that damage_kernel opened. */
uint8_t *damage_base(void *state, size_t *ret_len);

#endif
