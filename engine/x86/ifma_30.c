/* Numbers of up to 1554 bits. */
#define KW_LIMBS       30
#define KW_GROUPS      1
#define KW_WINDOW      4
#define KW_KERNEL      kw_kernel_ifma_30
#define KW_KERNEL_NAME "avx512ifma-30"
#include "engine/x86/ifma_mont.h"

#include "engine/x86/ifma_kernel.h"
