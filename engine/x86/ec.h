/* ec - the kernels of engine/ec on AVX-512 IFMA: eight key pairs at once, one per lane. ec_kernel.h says how
 * they are made. */
#ifndef KW_ENGINE_X86_EC_H
#define KW_ENGINE_X86_EC_H

#include "engine/ec/kernel.h"

extern const struct kw_ec_kernel kw_ec_kernel_ifma_ed25519;
extern const struct kw_ec_kernel kw_ec_kernel_ifma_p256;
extern const struct kw_ec_kernel kw_ec_kernel_ifma_p256k1;
extern const struct kw_ec_kernel kw_ec_kernel_ifma_p384;
extern const struct kw_ec_kernel kw_ec_kernel_ifma_p521;

#endif
