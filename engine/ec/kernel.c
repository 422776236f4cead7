#include "engine/ec/kernels.h"

/* Every path can run these; the last of a spec is there for every curve. */
static const struct kw_ec_kernel *const portable[] = {
    &kw_ec_kernel_openssl_p256,
    &kw_ec_kernel_openssl_p384,
    &kw_ec_kernel_openssl_p521,
    &kw_ec_kernel_secp256k1,
    &kw_ec_kernel_openssl_p256k1,
    &kw_ec_kernel_openssl_ed25519,
};

const struct kw_ec_kernel *kw_ec_kernel_at(size_t index)
{
    size_t num_of_cpu = 0;

    while (kw_ec_kernels_of_cpu(num_of_cpu) != NULL)
        num_of_cpu++;
    if (index < num_of_cpu)
        return kw_ec_kernels_of_cpu(index);
    return index - num_of_cpu < KW_ARRAY_LEN(portable) ? portable[index - num_of_cpu] : NULL;
}

static bool runs_on(const struct kw_ec_kernel *kernel, enum kw_cpu_path path)
{
    return kernel->path == path || kernel->path == KW_CPU_PORTABLE;
}

const struct kw_ec_kernel *kw_ec_kernel_choose(enum kw_cpu_path path, enum kw_spec spec)
{
    const struct kw_ec_kernel *kernel;

    for (size_t i = 0; (kernel = kw_ec_kernel_at(i)) != NULL; i++)
        if (kernel->spec == spec && runs_on(kernel, path))
            break;
    kw_assert(kernel != NULL);
    return kernel;
}
