#include "tests/ctime/stand_ins.h"

#include "engine/generator.h"
#include "engine/ctime.h"
#include "pool/secmem.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- engine/rng.h ---- */

struct kw_rng {
    int unused;
};
static struct kw_rng the_rng;

/* Marsaglia's xorshift: numbers of no meaning, the same in each run. */
static uint64_t next_word(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

void stand_in_draw(void *ret, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)ret)[i] = (uint8_t)(next_word() >> 32);
}

struct kw_rng *stand_in_rng(void)
{
    return &the_rng;
}

int kw_rng_bytes(struct kw_rng *rng, void *out, size_t len)
{
    (void)rng;
    stand_in_draw(out, len);
    kw_ctime_secret(out, len);
    return 0;
}

OSSL_LIB_CTX *kw_rng_libctx(struct kw_rng *rng)
{
    (void)rng;
    return NULL;
}

/* ---- pool/secmem.h ---- */

void *kw_secmem_alloc_aligned(size_t len, size_t align)
{
    void *memory;

    if (posix_memalign(&memory, align, len) != 0)
        return NULL;
    memset(memory, 0, len);
    return memory;
}

void *kw_secmem_alloc(size_t len)
{
    return kw_secmem_alloc_aligned(len, KW_CACHE_LINE);
}

void kw_secmem_free(void *ptr)
{
    free(ptr);
}

bool kw_secmem_alive(void)
{
    return true;
}

/* ---- engine/generator.h ---- */

/* A pair that fails ends the test. */
void kw_generator_wipe_slot(enum kw_spec spec, struct kw_slot *slot)
{
    (void)spec;
    slot->public_len = slot->private_len = 0;
}

/* ---- where a test runs ---- */

#ifdef KW_CTIME_MSAN
/* Memory that OpenSSL, which is not instrumented, has written is not secret; and a report is no reason to
 * skip. */
const char *__msan_default_options(void)
{
    return "exitcode=1:poison_in_free=0:poison_in_malloc=0";
}
#endif

bool stand_in_path(const char *name, enum kw_cpu_path *ret)
{
    int r = kw_cpu_choose(name, ret);

    if (!kw_ctime_watched())
        printf("skipped: runs under valgrind, or built with MemorySanitizer\n");
    else if (r != 0)
        printf("skipped: no path %s here (valgrind hides AVX-512)\n", name);
    return kw_ctime_watched() && r == 0;
}
