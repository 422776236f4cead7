/* kernels - the kernels that only one kind of processor has; which file gives them is chosen when building.
 */
#ifndef KW_ENGINE_RSA_KERNELS_H
#define KW_ENGINE_RSA_KERNELS_H

#include "engine/rsa/kernel.h"

/* kw_kernels_of_cpu() - the smallest first; NULL after the last. */
const struct kw_kernel *kw_kernels_of_cpu(size_t index);

/* kw_kernels_prefer() - the faster of several kernels for the same: kernel, or another of its kind that takes
 * numbers of that many bits. May measure, once for the process, for some milliseconds. Thread-safe. */
const struct kw_kernel *kw_kernels_prefer(const struct kw_kernel *kernel, unsigned bits);

#endif
