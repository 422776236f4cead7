/* Numbers of up to 150 bits. */
#define KW_LIMBS       3
#define KW_GROUPS      4
#define KW_WINDOW      4
#define KW_KERNEL      kw_kernel_ifma_3
#define KW_KERNEL_NAME "avx512ifma-3"
#include "engine/x86/ifma_mont.h"

#include "engine/x86/ifma_kernel.h"
