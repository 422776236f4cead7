/* Many producers and consumers on pools of many shapes: nothing lost, nothing twice, nothing left behind, and
 * never more in the pool than its capacity. */
#include "pool/secmem.h"
#include "tests/stress/load.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#define THREADS_MAX 8u
#define HELD_MAX    3u
#define ROUND_S     0.4

struct shape {
    enum kw_spec spec;
    uint32_t capacity;
    uint32_t spare;
    uint32_t producers;
    uint32_t consumers;
};

/* From one slot that all fight for to more slots than threads. */
static const struct shape shapes[] = {
    {KW_SPEC_ECC_NIST_P256, 1, 1, 4, 4},
    {KW_SPEC_ECC_NIST_EDWARDS25519, 2, 1, 3, 3},
    {KW_SPEC_ECC_NIST_P521, 3, 8, 1, 7},
    {KW_SPEC_ECC_NIST_P256, 16, 4, 7, 1},
    {KW_SPEC_RSA_2048, 64, 8, 4, 4},
    {KW_SPEC_RSA_4096, 8, 24, 2, 6},
    {KW_SPEC_ECC_SECG_P256K1, 1000, 64, 2, 2},
};

struct job {
    struct load_thread load;
    pthread_t thread;
    struct kw_pool *pool;
    _Atomic bool *stop;
    /* Slots acquired and pairs not yet popped, as the test sees them. */
    _Atomic int64_t *inside;
    int64_t inside_max;
};

static void *produce(void *arg)
{
    struct job *job = arg;

    while (!atomic_load_explicit(job->stop, memory_order_relaxed)) {
        uint64_t before = job->load.published.count;
        if (load_make(&job->load, job->pool) != 0) {
            sched_yield();
            continue;
        }
        if (job->load.published.count != before) {
            int64_t inside = atomic_fetch_add(job->inside, 1) + 1;
            kw_assert(inside <= job->inside_max);
        }
    }
    return NULL;
}

/* Pops one pair by one of the two ways. */
static int pop_somehow(struct job *job, struct kw_pair *ret)
{
    if (load_random(&job->load) % 64 != 0)
        return kw_pool_pop(job->pool, ret);
    int r = kw_pool_pop_wait(job->pool, 2, ret);
    return r == KW_POOL_TIMEOUT || r == KW_POOL_BUSY ? KW_POOL_EMPTY : r;
}

/* Holds a few pairs at a time and checks them again at the end, so that a slot handed out twice is written
 * over. */
static void *consume(void *arg)
{
    struct job *job = arg;

    while (!atomic_load_explicit(job->stop, memory_order_relaxed)) {
        struct kw_pair pairs[HELD_MAX] = {0};
        uint8_t first[HELD_MAX];
        uint64_t want = 1 + load_random(&job->load) % HELD_MAX;
        uint64_t num = 0;

        for (; num < want && pop_somehow(job, &pairs[num]) == 0; num++) {
            atomic_fetch_sub(job->inside, 1);
            load_see(&job->load, &pairs[num]);
            first[num] = pairs[num].private_der.ptr[0];
        }
        for (uint64_t i = 0; i < num; i++) {
            kw_assert(pairs[i].private_der.ptr[0] == first[i]);
            kw_pair_release(&pairs[i]);
        }
        if (num == 0)
            sched_yield();
    }
    return NULL;
}

static uint64_t run_round(const struct shape *shape)
{
    struct kw_pool_config config = {
        .spec = shape->spec, .capacity = shape->capacity, .spare_slots = shape->spare, .waiters_max = 2};
    uint32_t num = shape->producers + shape->consumers;
    struct timespec length = {.tv_nsec = (long)(ROUND_S * 1e9)};
    static struct job jobs[THREADS_MAX];
    struct load_thread loads[THREADS_MAX];
    struct kw_pool *pool;
    _Atomic bool stop = false;
    _Atomic int64_t inside = 0;
    struct kw_pool_stats stats;

    kw_assert(num <= THREADS_MAX && kw_pool_new(&pool, &config) == 0);
    for (uint32_t i = 0; i < num; i++) {
        /* A consumer may have popped and not yet counted; a producer counts only after it published, so what
         * has been popped by then may make the number too small, never too large. */
        jobs[i] = (struct job){.pool = pool, .stop = &stop, .inside = &inside};
        jobs[i].inside_max = shape->capacity + shape->consumers;
        load_thread_init(&jobs[i].load, i);
        kw_assert(
            pthread_create(&jobs[i].thread, NULL, i < shape->producers ? produce : consume, &jobs[i]) == 0);
    }
    nanosleep(&length, NULL);
    atomic_store_explicit(&stop, true, memory_order_relaxed);
    for (uint32_t i = 0; i < num; i++) {
        kw_assert(pthread_join(jobs[i].thread, NULL) == 0);
        loads[i] = jobs[i].load;
    }
    kw_pool_stats(pool, &stats);
    load_finish(loads, num, pool);
    return stats.pops;
}

int main(void)
{
    double seconds = load_seconds(3);
    uint64_t end = kw_now_ns() + (uint64_t)(seconds * 1e9), pops = 0;
    unsigned rounds = 0;

    kw_assert(kw_secmem_init() == 0);
    while (rounds < KW_ARRAY_LEN(shapes) || kw_now_ns() < end)
        pops += run_round(&shapes[rounds++ % KW_ARRAY_LEN(shapes)]);
    kw_assert(pops > rounds);
    printf("%u rounds, %llu pairs, each once\n", rounds, (unsigned long long)pops);
    return 0;
}
