#include "engine/rsa/kernel_portable.h"
#include "engine/rsa/kernels.h"

/* The portable kernel comes last: every path can run it, and it takes every size. */
const struct kw_kernel *kw_kernel_at(size_t index)
{
    const struct kw_kernel *kernel = kw_kernels_of_cpu(index);

    if (kernel != NULL)
        return kernel;
    return index == 0 || kw_kernels_of_cpu(index - 1) != NULL ? &kw_kernel_portable : NULL;
}

static bool runs_on(const struct kw_kernel *kernel, enum kw_cpu_path path)
{
    return kernel->path == path || kernel->path == KW_CPU_PORTABLE;
}

const struct kw_kernel *kw_kernel_choose(enum kw_cpu_path path, unsigned bits)
{
    const struct kw_kernel *kernel;

    for (size_t i = 0; (kernel = kw_kernel_at(i)) != NULL; i++)
        if (runs_on(kernel, path) && bits <= kernel->bits_max)
            return kw_kernels_prefer(kernel, bits);
    return NULL;
}
