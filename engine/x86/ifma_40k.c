/* Numbers of up to 2070 bits, with fewer multiplications. */
#define KW_LIMBS       40
#define KW_GROUPS      1
#define KW_WINDOW      4
#define KW_KERNEL      kw_kernel_ifma_40k
#define KW_KERNEL_NAME "avx512ifma-40k"
#include "engine/x86/ifma_karatsuba.h"

#include "engine/x86/ifma_kernel.h"
