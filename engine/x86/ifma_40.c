/* Numbers of up to 2074 bits. */
#define KW_LIMBS       40
#define KW_GROUPS      1
#define KW_WINDOW      4
#define KW_KERNEL      kw_kernel_ifma_40
#define KW_KERNEL_NAME "avx512ifma-40"
#include "engine/x86/ifma_mont.h"

#include "engine/x86/ifma_kernel.h"
