/* call - one call of a portable kernel, on a fiber: what a library leaves of a secret on its stack is then in
 * secret memory, and is wiped when the call ends.
 */
#ifndef KW_ENGINE_EC_CALL_H
#define KW_ENGINE_EC_CALL_H

#include "engine/fiber.h"

struct kw_ec_call {
    void *state; /* the kernel's; then what derive or check of kernel.h is given */
    unsigned num;
    const uint8_t *secrets;
    const uint8_t *points;
    const uint8_t *multipliers;
    uint8_t *ret_points;
    bool pass; /* of check */
};

/* kw_ec_call_run() - run(call) on the fiber's stack; returns what run does, which must not leave the fiber.
 */
KW_MUST_CHECK int kw_ec_call_run(
    struct kw_ec_call *call, struct kw_fiber *fiber, int (*run)(struct kw_ec_call *call));

#endif
