#include "pool/x86/base64_x86.h"
#include "pool/base64.h"

/* The compiler's run-time support asks CPUID, and XGETBV whether the system keeps the registers. */
bool kw_base64_supports(enum kw_base64_path path)
{
    __builtin_cpu_init();
    if (path == KW_BASE64_AVX512VBMI)
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi");
    if (path == KW_BASE64_AVX2)
        return __builtin_cpu_supports("avx2");
    return path == KW_BASE64_PORTABLE;
}

size_t kw_base64_encode_bulk(enum kw_base64_path path, const uint8_t *data, size_t len, char *out)
{
    if (path == KW_BASE64_AVX512VBMI)
        return kw_base64_encode_avx512vbmi(data, len, out);
    if (path == KW_BASE64_AVX2)
        return kw_base64_encode_avx2(data, len, out);
    return 0;
}
