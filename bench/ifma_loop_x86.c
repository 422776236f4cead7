/* ifma_loop_x86 - the loop itself, as one asm statement: from intrinsics compilers make loads and stores of
 * the sums.
 *
 * Twelve sums of their own: the latency is 4 cycles, and at most two instructions start in a cycle, so eight
 * would do where nothing else happens. The factors are arbitrary and not 0, in case that a CPU is faster or
 * cooler on zeros.
 */
#include "bench/ifma_rate.h"

#define FACTOR 0x000b504f333f9de6u

#define MADD(sum)  "vpmadd52luq %%zmm12, %%zmm13, %%zmm" #sum "\n\t"
#define CLEAR(sum) "vpxorq %%zmm" #sum ", %%zmm" #sum ", %%zmm" #sum "\n\t"
#define TWELVE(each)                                                                                         \
    each(0) each(1) each(2) each(3) each(4) each(5) each(6) each(7) each(8) each(9) each(10) each(11)

void kw_ifma_loop(uint64_t times)
{
    __asm__ volatile(
        "vpbroadcastq %[factor], %%zmm12\n\t"
        "vpbroadcastq %[factor], %%zmm13\n\t" TWELVE(CLEAR) ".p2align 6\n"
                                                            "1:\n\t" TWELVE(MADD) TWELVE(MADD) TWELVE(MADD)
                                                                TWELVE(MADD) "decq %[times]\n\t"
                                                                             "jnz 1b\n\t"
                                                                             "vzeroupper"
        : [times] "+r"(times)
        : [factor] "r"((uint64_t)FACTOR)
        : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}
