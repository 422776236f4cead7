#include "bench/requestallocs.h"

#include <stddef.h>

static _Thread_local uint64_t num;

uint64_t kw_requestallocs(void)
{
    return num;
}

#define COUNT(name, params, args)                                                                            \
    void *__real_##name params;                                                                              \
    void *__wrap_##name params;                                                                              \
    void *__wrap_##name params                                                                               \
    {                                                                                                        \
        num++;                                                                                               \
        return __real_##name args;                                                                           \
    }

COUNT(aligned_alloc, (size_t align, size_t len), (align, len))
COUNT(calloc, (size_t items, size_t len), (items, len))
COUNT(malloc, (size_t len), (len))
COUNT(realloc, (void *ptr, size_t len), (ptr, len))
COUNT(kw_secmem_alloc, (size_t len), (len))
COUNT(kw_secmem_alloc_aligned, (size_t len, size_t align), (len, align))
COUNT(kw_secmem_realloc, (void *ptr, size_t len), (ptr, len))
