/* process_residue - looks for what is left of a secret in the whole process: while the thread that made a
 * pair still has its stack, and in all that was allocated.
 *
 * Included once by each program that needs it.
 */
#ifndef KW_TESTS_SUPPORT_PROCESS_RESIDUE_H
#define KW_TESTS_SUPPORT_PROCESS_RESIDUE_H

#include "engine/generator.h"
#include "engine/rng.h"
#include "pool/secmem.h"
#include "tests/support/residue.h"

#include <jemalloc/jemalloc.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>

/* All that this process may write to, and the kernel's own pages not. */
static inline const uint8_t *find_in_process(const struct residue *residue)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    const uint8_t *found = NULL;
    char line[512];

    ck_assert_ptr_nonnull(maps);
    while (found == NULL && fgets(line, sizeof(line), maps) != NULL) {
        unsigned long low, high;
        char access[5];
        if (sscanf(line, "%lx-%lx %4s", &low, &high, access) != 3 || strncmp(access, "rw", 2) != 0 ||
            strstr(line, "[v") != NULL)
            continue;
        found = residue_find(residue, (const void *)(uintptr_t)low, high - low);
    }
    fclose(maps);
    return found;
}

/* What a test's own look at a pair left on its stack. */
static __attribute__((noinline, unused)) void forget_test_stack(void)
{
    uint8_t below[1 << 18];

    kw_erase(below, sizeof(below));
}

/* ---- a thread, as a worker is one, whose stack goes on being there while it is searched ---- */

struct actor {
    struct kw_generator *generator;
    struct place *place;
    int pairs, result;
};

static pthread_barrier_t acted, searched;

static inline void *act(void *arg)
{
    struct actor *actor = arg;

    for (int i = 0; i < actor->pairs; i++)
        actor->result = actor->generator->ops->run(actor->generator, UINT64_MAX, place_init(actor->place));
    pthread_barrier_wait(&acted);
    pthread_barrier_wait(&searched);
    return NULL;
}

static inline void act_on_a_stack(struct actor *actor, pthread_t *thread)
{
    ck_assert_int_eq(pthread_barrier_init(&acted, NULL, 2), 0);
    ck_assert_int_eq(pthread_barrier_init(&searched, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(thread, NULL, act, actor), 0);
    pthread_barrier_wait(&acted);
}

static inline void leave_the_stack(pthread_t thread)
{
    pthread_barrier_wait(&searched);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pthread_barrier_destroy(&acted);
    pthread_barrier_destroy(&searched);
}

/* ---- what stays of a generator that could not be made ---- */

static inline size_t allocated_bytes(void)
{
    uint64_t epoch = 1;
    size_t allocated = 0, len = sizeof(allocated);

    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    ck_assert_int_eq(mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)), 0);
    ck_assert_int_eq(mallctl("stats.allocated", &allocated, &len, NULL, 0), 0);
    return allocated;
}

struct filling {
    const struct kw_generator_ops *ops;
    enum kw_spec spec;
    int times;
    bool good;
};

/* Generators until memory ends, however far the last one had come; then all are freed. */
static inline bool run_out_of_memory(const struct filling *filling, struct kw_rng *own)
{
    enum { MAX = 4000 };
    static struct kw_generator *generators[MAX];
    int num = 0, r = 0;

    while (num < MAX && (r = filling->ops->new (&generators[num], filling->spec, own)) == 0)
        num++;
    ERR_clear_error();
    for (int i = 0; i < num; i++)
        filling->ops->free(generators[i]);
    return r == -ENOMEM || r == KW_EOPENSSL;
}

/* A worker's memory, of which there is no more. The end of the thread empties the allocator's cache: what is
 * allocated then is what was not freed. */
static inline void *fill_memory(void *arg)
{
    struct filling *filling = arg;
    struct kw_rng *own = NULL;
    struct rlimit old, tight;

    kw_assert(getrlimit(RLIMIT_AS, &old) == 0);
    filling->good = kw_secmem_thread_init(1 << 20) == 0 && kw_rng_new(&own) == 0;
    tight = old;
    tight.rlim_cur = 1 << 20; /* less than there is: nothing more is mapped */
    filling->good = filling->good && setrlimit(RLIMIT_AS, &tight) == 0;
    for (int i = 0; i < filling->times && filling->good; i++)
        filling->good = run_out_of_memory(filling, own);
    filling->good = setrlimit(RLIMIT_AS, &old) == 0 && filling->good;
    kw_rng_free(own);
    OPENSSL_thread_stop();
    kw_secmem_thread_done();
    return NULL;
}

static inline void fill_memory_on_a_thread(const struct kw_generator_ops *ops, enum kw_spec spec, int times)
{
    struct filling filling = {.ops = ops, .spec = spec, .times = times};
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, fill_memory, &filling), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(filling.good);
}

#endif
