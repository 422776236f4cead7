/* Numbers of up to 1030 bits, with fewer multiplications. */
#define KW_LIMBS       20
#define KW_GROUPS      1
#define KW_WINDOW      4
#define KW_KERNEL      kw_kernel_ifma_20k
#define KW_KERNEL_NAME "avx512ifma-20k"
#include "engine/x86/ifma_karatsuba.h"

#include "engine/x86/ifma_kernel.h"
