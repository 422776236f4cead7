/* ifma - the kernels over AVX-512 IFMA. Not to be called unless kw_cpu_detect() says KW_CPU_AVX512IFMA.
 *
 * One source (ifma_kernel.h) for all; they differ in the limbs of 52 bits of a number, and in the vectors of
 * eight lanes that go in step.
 */
#ifndef KW_ENGINE_X86_IFMA_H
#define KW_ENGINE_X86_IFMA_H

#include "engine/rsa/kernel.h"

extern const struct kw_kernel kw_kernel_ifma_3;  /* up to 150 bits: auxiliary primes of RSA_2048 */
extern const struct kw_kernel kw_kernel_ifma_4;  /* up to 202 bits: those of RSA_3072 and RSA_4096 */
extern const struct kw_kernel kw_kernel_ifma_20; /* up to 1034 bits */
extern const struct kw_kernel kw_kernel_ifma_30; /* up to 1554 bits */
extern const struct kw_kernel kw_kernel_ifma_40; /* up to 2074 bits */
/* The same with fewer multiplications and more additions (ifma_karatsuba.h). */
extern const struct kw_kernel kw_kernel_ifma_20k;
extern const struct kw_kernel kw_kernel_ifma_30k;
extern const struct kw_kernel kw_kernel_ifma_40k;

/* kw_ifma_forget() - clears the vector registers, the masks, and the part of the stack below the caller that
 * a kernel may have spilled limbs to. */
void kw_ifma_forget(void);

#endif
