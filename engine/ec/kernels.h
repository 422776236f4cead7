/* kernels - what the list of kernels is made of: those of the CPU's instruction set first, then the portable
 * ones, of which there is one for every curve. */
#ifndef KW_ENGINE_EC_KERNELS_H
#define KW_ENGINE_EC_KERNELS_H

#include "engine/ec/kernel.h"

/* The fastest first; NULL after the last (kernels_x86.c, kernels_generic.c). */
const struct kw_ec_kernel *kw_ec_kernels_of_cpu(size_t index);

extern const struct kw_ec_kernel kw_ec_kernel_secp256k1; /* libsecp256k1: faster than OpenSSL 3.0 */
extern const struct kw_ec_kernel kw_ec_kernel_openssl_p256;
extern const struct kw_ec_kernel kw_ec_kernel_openssl_p384;
extern const struct kw_ec_kernel kw_ec_kernel_openssl_p521;
extern const struct kw_ec_kernel kw_ec_kernel_openssl_p256k1;
extern const struct kw_ec_kernel kw_ec_kernel_openssl_ed25519;

#endif
