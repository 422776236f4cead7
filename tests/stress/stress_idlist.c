/* Lists with hardly any index in them: every pop empties or nearly empties a list and the same head comes
 * back all the time, which is what the generation is for. The window of that accident is a few instructions
 * wide, so threads are stopped by signals for long enough that the others go round many times. Without the
 * generation this fails. */
#include "pool/idlist.h"
#include "tests/stress/load.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define INDICES_MAX 3u
#define THREADS     5u
#define ROUND_S     0.3

struct round {
    struct kw_idlist lists[2];
    _Atomic uint32_t links[INDICES_MAX];
    _Atomic uint32_t held[INDICES_MAX];
    /* Plain on purpose: written by the holder only, so a sanitizer sees it if two hold or if a push does not
     * order. */
    uint64_t uses[INDICES_MAX];
    _Atomic bool stop;
};

struct job {
    struct load_thread load;
    pthread_t thread;
    struct round *round;
    uint64_t pops;
};

static void stay_here(int signal_number)
{
    struct timespec pause = {.tv_nsec = 100000};
    int saved_errno = errno;

    (void)signal_number;
    nanosleep(&pause, NULL);
    errno = saved_errno;
}

static void *shuffle(void *arg)
{
    struct job *job = arg;
    struct round *round = job->round;

    while (!atomic_load_explicit(&round->stop, memory_order_relaxed)) {
        uint64_t random = load_random(&job->load);
        uint32_t index = kw_idlist_pop(&round->lists[random & 1], round->links);
        if (index == KW_IDLIST_END) {
            sched_yield();
            continue;
        }
        kw_assert(index < INDICES_MAX);
        kw_assert(atomic_exchange_explicit(&round->held[index], 1, memory_order_relaxed) == 0);
        round->uses[index]++;
        job->pops++;
        /* To be moved off the core with an index in hand is when others make the head come back. */
        if (random % 32 < 4)
            sched_yield();
        kw_assert(atomic_exchange_explicit(&round->held[index], 0, memory_order_relaxed) == 1);
        kw_idlist_push(&round->lists[random >> 1 & 1], round->links, index);
    }
    return NULL;
}

/* Each index is on one of the lists, once. */
static void check_all_there(struct round *round, uint32_t num, uint64_t pops)
{
    uint64_t uses = 0;

    for (uint32_t i = 0; i < num; i++) {
        uint32_t index = kw_idlist_pop(&round->lists[0], round->links);
        if (index == KW_IDLIST_END)
            index = kw_idlist_pop(&round->lists[1], round->links);
        kw_assert(index < num);
        kw_assert(atomic_exchange(&round->held[index], 1) == 0);
        uses += round->uses[index];
    }
    kw_assert(kw_idlist_pop(&round->lists[0], round->links) == KW_IDLIST_END);
    kw_assert(kw_idlist_pop(&round->lists[1], round->links) == KW_IDLIST_END);
    kw_assert(uses == pops);
}

/* Stops one thread after the other, and some at the same time, until end_ns. */
static void stop_some(struct job *jobs, uint64_t end_ns)
{
    struct timespec pause = {.tv_nsec = 30000};
    struct load_thread random;

    load_thread_init(&random, THREADS);
    while (kw_now_ns() < end_ns) {
        kw_assert(pthread_kill(jobs[load_random(&random) % THREADS].thread, SIGUSR1) == 0);
        nanosleep(&pause, NULL);
    }
}

static uint64_t run_round(uint32_t num)
{
    struct round round = {0};
    struct job jobs[THREADS];
    uint64_t pops = 0;

    kw_idlist_init(&round.lists[0]);
    kw_idlist_init(&round.lists[1]);
    for (uint32_t i = 0; i < num; i++)
        kw_idlist_push(&round.lists[i & 1], round.links, i);
    for (uint32_t i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.round = &round};
        load_thread_init(&jobs[i].load, i);
        kw_assert(pthread_create(&jobs[i].thread, NULL, shuffle, &jobs[i]) == 0);
    }
    stop_some(jobs, kw_now_ns() + (uint64_t)(ROUND_S * 1e9));
    atomic_store_explicit(&round.stop, true, memory_order_relaxed);
    for (uint32_t i = 0; i < THREADS; i++) {
        kw_assert(pthread_join(jobs[i].thread, NULL) == 0);
        pops += jobs[i].pops;
    }
    check_all_there(&round, num, pops);
    return pops;
}

int main(void)
{
    uint64_t end = kw_now_ns() + (uint64_t)(load_seconds(2) * 1e9), pops = 0;
    struct sigaction action = {.sa_handler = stay_here, .sa_flags = SA_RESTART};
    unsigned rounds = 0;

    kw_assert(sigaction(SIGUSR1, &action, NULL) == 0);
    while (rounds < INDICES_MAX || kw_now_ns() < end)
        pops += run_round(1 + rounds++ % INDICES_MAX);
    kw_assert(pops > rounds);
    printf("%u rounds of 1 to %u indices, %llu pops\n", rounds, INDICES_MAX, (unsigned long long)pops);
    return 0;
}
