#include "engine/ec/kernels.h"
#include "engine/x86/ec.h"

static const struct kw_ec_kernel *const kernels[] = {
    &kw_ec_kernel_ifma_p256,
    &kw_ec_kernel_ifma_p384,
    &kw_ec_kernel_ifma_p521,
    &kw_ec_kernel_ifma_p256k1,
    &kw_ec_kernel_ifma_ed25519,
};

const struct kw_ec_kernel *kw_ec_kernels_of_cpu(size_t index)
{
    return index < KW_ARRAY_LEN(kernels) ? kernels[index] : NULL;
}
