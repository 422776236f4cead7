#include "engine/cpu.h"

#include <cpuid.h>

/* Intel SDM volume 1, 13.3: the operating system saves SSE (1), AVX (2) and the three AVX-512 states (5, 6,
 * 7). */
#define XCR0_AVX512 (1u << 1 | 1u << 2 | 1u << 5 | 1u << 6 | 1u << 7)

/* Leaf 7, EBX. The kernels use IFMA on 512-bit registers and the mask and byte operations around it. */
#define LEAF7_EBX_AVX512F    (1u << 16)
#define LEAF7_EBX_AVX512DQ   (1u << 17)
#define LEAF7_EBX_AVX512IFMA (1u << 21)
#define LEAF7_EBX_AVX512BW   (1u << 30)
#define LEAF7_EBX_AVX512VL   (1u << 31)
#define LEAF7_EBX_NEEDED                                                                                     \
    (LEAF7_EBX_AVX512F | LEAF7_EBX_AVX512DQ | LEAF7_EBX_AVX512IFMA | LEAF7_EBX_AVX512BW | LEAF7_EBX_AVX512VL)

#define LEAF1_ECX_OSXSAVE (1u << 27)

static uint32_t xcr0_low(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* The CPU's word alone is not enough: without the system's, the upper halves of the registers are lost at a
 * context switch, and the instructions fault. */
static bool system_saves_avx512(void)
{
    uint32_t eax, ebx, ecx, edx;

    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & LEAF1_ECX_OSXSAVE) &&
           (xcr0_low() & XCR0_AVX512) == XCR0_AVX512;
}

enum kw_cpu_path kw_cpu_detect(void)
{
    uint32_t eax, ebx, ecx, edx;

    if (!system_saves_avx512() || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
        return KW_CPU_PORTABLE;
    return (ebx & LEAF7_EBX_NEEDED) == LEAF7_EBX_NEEDED ? KW_CPU_AVX512IFMA : KW_CPU_PORTABLE;
}

/* Some brands are padded with spaces on the left, some on the right; a hostile hypervisor may put anything
 * in. */
static void tidy(char brand[64])
{
    size_t len = strnlen(brand, 63), skip = strspn(brand, " ");

    memmove(brand, brand + skip, len - skip);
    len -= skip;
    while (len > 0 && brand[len - 1] == ' ')
        len--;
    memset(brand + len, 0, 64 - len);
    for (size_t i = 0; i < len; i++)
        if (brand[i] < ' ' || brand[i] > '~')
            brand[i] = '?';
}

void kw_cpu_model(char ret[64])
{
    uint32_t part[4];

    memset(ret, 0, 64);
    for (uint32_t leaf = 0; leaf < 3; leaf++) {
        if (!__get_cpuid(0x80000002u + leaf, &part[0], &part[1], &part[2], &part[3]))
            break;
        memcpy(ret + leaf * sizeof(part), part, sizeof(part));
    }
    tidy(ret);
    if (ret[0] == '\0')
        strcpy(ret, "unknown CPU");
}
