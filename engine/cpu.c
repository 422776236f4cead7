#include "engine/cpu.h"

static const char *const path_names[] = {
    [KW_CPU_PORTABLE] = "portable",
    [KW_CPU_AVX512IFMA] = "avx512ifma",
};

const char *kw_cpu_path_name(enum kw_cpu_path path)
{
    kw_assert((size_t)path < KW_ARRAY_LEN(path_names));
    return path_names[path];
}

int kw_cpu_choose(const char *mask, enum kw_cpu_path *ret)
{
    enum kw_cpu_path best = kw_cpu_detect();

    if (!mask || strcmp(mask, "auto") == 0) {
        *ret = best;
        return 0;
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(path_names); i++) {
        if (strcmp(mask, path_names[i]) != 0)
            continue;
        KW_REQUIRE((enum kw_cpu_path)i <= best, KW_CPU_UNAVAILABLE);
        *ret = (enum kw_cpu_path)i;
        return 0;
    }
    return KW_CPU_UNKNOWN_NAME;
}
