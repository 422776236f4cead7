#include "engine/rsa/kernels.h"

#include "engine/x86/ifma.h"

#include <pthread.h>

static const struct kw_kernel *const kernels[] = {
    &kw_kernel_ifma_3,
    &kw_kernel_ifma_4,
    &kw_kernel_ifma_20,
    &kw_kernel_ifma_20k,
    &kw_kernel_ifma_30,
    &kw_kernel_ifma_30k,
    &kw_kernel_ifma_40,
    &kw_kernel_ifma_40k,
};

const struct kw_kernel *kw_kernels_of_cpu(size_t index)
{
    return index < KW_ARRAY_LEN(kernels) ? kernels[index] : NULL;
}

/* ---- which multiplication ---- */

/* Both methods in turn, the best of a few each: a busy machine slows both. */
#define TURNS 5

static uint64_t time_of_filter(const struct kw_kernel *kernel, void *scratch)
{
    uint64_t modulus[16];
    struct kw_lane lanes[KW_LANES_MAX] = {{.modulus = modulus}};
    uint32_t pass;

    memset(modulus, 0xff, sizeof(modulus));
    uint64_t begin_ns = kw_now_ns();
    return kernel->filter(kernel, scratch, 1024, lanes, &pass) == 0 ? kw_now_ns() - begin_ns : UINT64_MAX;
}

static int is_faster(const struct kw_kernel *a, const struct kw_kernel *b, bool *ret)
{
    uint64_t best_a = UINT64_MAX, best_b = UINT64_MAX;
    void *scratch_a = NULL, *scratch_b = NULL;
    int r = a->scratch_new(&scratch_a, a, NULL);

    if (r == 0)
        r = b->scratch_new(&scratch_b, b, NULL);
    for (int turn = 0; turn < TURNS && r == 0; turn++) {
        best_a = KW_MIN(best_a, time_of_filter(a, scratch_a));
        best_b = KW_MIN(best_b, time_of_filter(b, scratch_b));
    }
    a->scratch_free(scratch_a);
    b->scratch_free(scratch_b);
    *ret = best_a < best_b;
    return r;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool karatsuba_pays;

/* Additions run beside multiplications on some processors, and in their place on others: 3 ms, once, tell. */
static void measure(void)
{
    if (is_faster(&kw_kernel_ifma_20k, &kw_kernel_ifma_20, &karatsuba_pays) != 0)
        karatsuba_pays = false;
}

const struct kw_kernel *kw_kernels_prefer(const struct kw_kernel *kernel, unsigned bits)
{
    static const struct kw_kernel *const pairs[][2] = {
        {&kw_kernel_ifma_20, &kw_kernel_ifma_20k},
        {&kw_kernel_ifma_30, &kw_kernel_ifma_30k},
        {&kw_kernel_ifma_40, &kw_kernel_ifma_40k},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(pairs); i++) {
        if (kernel != pairs[i][0] || bits > pairs[i][1]->bits_max)
            continue;
        if (pthread_once(&once, measure) == 0 && karatsuba_pays)
            return pairs[i][1];
    }
    return kernel;
}
