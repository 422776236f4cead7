/* Numbers of up to 1034 bits. */
#define KW_LIMBS       20
#define KW_GROUPS      1
#define KW_WINDOW      4
#define KW_KERNEL      kw_kernel_ifma_20
#define KW_KERNEL_NAME "avx512ifma-20"
#include "engine/x86/ifma_mont.h"

#include "engine/x86/ifma_kernel.h"
