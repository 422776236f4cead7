/* cpu - which instruction sets this CPU and this operating system allow (CPUID and XGETBV), under a mask.
 *
 * The programs take the mask from KEYWELL_CPU=auto|portable|avx512ifma; asking for more than the machine has
 * is an error that they report. Nothing is kept between calls. Thread-safe.
 */
#ifndef KW_ENGINE_CPU_H
#define KW_ENGINE_CPU_H

#include "pool/base.h"

enum kw_cpu_path {
    KW_CPU_PORTABLE,
    KW_CPU_AVX512IFMA,
};

enum { KW_CPU_UNKNOWN_NAME = 1, KW_CPU_UNAVAILABLE = 2 };

/* kw_cpu_detect() - the best path this machine can run, whatever the mask says. */
enum kw_cpu_path kw_cpu_detect(void);
/* kw_cpu_choose() - mask is "auto", "portable", "avx512ifma" or NULL (auto).
 * Returns: 0 | KW_CPU_UNKNOWN_NAME | KW_CPU_UNAVAILABLE */
KW_MUST_CHECK int kw_cpu_choose(const char *mask, enum kw_cpu_path *ret);
const char *kw_cpu_path_name(enum kw_cpu_path path);
/* The brand string of the CPU, at most 63 characters; "unknown CPU" if it has none. */
void kw_cpu_model(char ret[64]);

#endif
