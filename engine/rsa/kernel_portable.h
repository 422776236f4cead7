/* kernel_portable - the kernel for every CPU: one lane, over OpenSSL's Montgomery arithmetic, and over our
 * own (montgomery.h) for short moduli and for the last steps of a round.
 *
 * What OpenSSL does to a modulus before it can multiply (BN_MONT_CTX_set) inverts the modulus's lowest word
 * by Euclid's algorithm: how many steps that takes, some three bits of the number, shows in the time. This is
 * so for moduli of more than 256 bits. All else depends on the number of words of modulus and exponent, and
 * on the length of the modulus.
 */
#ifndef KW_ENGINE_RSA_KERNEL_PORTABLE_H
#define KW_ENGINE_RSA_KERNEL_PORTABLE_H

#include "engine/rsa/kernel.h"

extern const struct kw_kernel kw_kernel_portable;

#endif
