#include "engine/rsa/sieve.h"

#include "engine/rsa/sieve_ops.h"

#include <pthread.h>

/* Every table that was made, newest first. Tables are public and live as long as the process. */
static struct kw_sieve *sieves;
static pthread_mutex_t sieves_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct kw_sieve_ops *ops_of(enum kw_cpu_path path)
{
    kw_assert(path <= kw_cpu_detect());
    return path == KW_CPU_AVX512IFMA ? kw_sieve_avx512ifma : &kw_sieve_portable;
}

static struct kw_sieve *find(const struct kw_sieve_ops *ops, uint32_t bound)
{
    struct kw_sieve *sieve = sieves;

    while (sieve != NULL && (sieve->ops != ops || sieve->bound != bound))
        sieve = sieve->next;
    return sieve;
}

static int make(const struct kw_sieve_ops *ops, uint32_t bound)
{
    struct kw_sieve *sieve;

    KW_TRY(ops->build(&sieve, bound));
    *sieve = (struct kw_sieve){.ops = ops, .bound = bound, .next = sieves};
    sieves = sieve;
    return 0;
}

int kw_sieve_get(const struct kw_sieve **ret, enum kw_cpu_path path, uint32_t bound)
{
    const struct kw_sieve_ops *ops = ops_of(path);
    const struct kw_sieve *sieve;
    int r = 0;

    kw_assert(ops != NULL);
    kw_assert(bound >= KW_SIEVE_BOUND_MIN && bound <= KW_SIEVE_BOUND_MAX && (bound & (bound - 1)) == 0);
    pthread_mutex_lock(&sieves_lock);
    if (find(ops, bound) == NULL)
        r = make(ops, bound);
    sieve = find(ops, bound);
    pthread_mutex_unlock(&sieves_lock);
    KW_TRY(r);
    *ret = sieve;
    return 0;
}

size_t kw_sieve_scratch_len(const struct kw_sieve *sieve)
{
    return sieve->ops->scratch_len;
}

void kw_sieve_run(const struct kw_sieve *sieve, const struct kw_sieve_job *jobs, unsigned num,
    size_t num_start, size_t num_step, void *scratch)
{
    kw_assert(num >= 1 && num <= KW_SIEVE_GROUP);
    kw_assert(num_start >= 1 && num_start <= KW_SIEVE_WORDS_MAX);
    kw_assert(jobs[0].step == NULL || (num_step >= 1 && num_step <= KW_SIEVE_WORDS_MAX));
    kw_assert((uintptr_t)scratch % KW_CACHE_LINE == 0);
    for (unsigned i = 1; i < num; i++)
        kw_assert((jobs[i].step == NULL) == (jobs[0].step == NULL));
    sieve->ops->run(sieve, jobs, num, num_start, jobs[0].step == NULL ? 0 : num_step, scratch);
}
