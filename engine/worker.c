#include "engine/worker.h"

#include "engine/rng.h"
#include "pool/secmem.h"

#include <openssl/crypto.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

/* Mapped and locked at start: a library context (0.6 MiB) and eight generators. Two MiB were seen in use: 0.3
 * to 0.4 for each generator of RSA pairs on the vector path, a tenth of that on the portable one, and a
 * private stack of 64 KiB for each of OpenSSL's. The sieves' tables are shared and elsewhere. */
#define ARENA_BYTES (4u * 1024u * 1024u)

/* ---- set up and tear down ---- */

/* A core that has gone away is no reason not to make keys: the worker then runs where it may. */
static void pin(struct kw_worker *worker)
{
    size_t len = CPU_ALLOC_SIZE(worker->cpu + 1);
    cpu_set_t *set = CPU_ALLOC(worker->cpu + 1);
    bool pinned = false;

    if (set != NULL) {
        CPU_ZERO_S(len, set);
        CPU_SET_S(worker->cpu, len, set);
        pinned = sched_setaffinity(0, len, set) == 0;
        CPU_FREE(set);
    }
    atomic_store_explicit(&worker->pinned, pinned, memory_order_relaxed);
}

static void set_name(const struct kw_worker *worker)
{
    char name[16];

    snprintf(name, sizeof(name), "kw-maker-%u", worker->cpu);
    (void)pthread_setname_np(pthread_self(), name);
}

/* Idle priority comes last, so that the start is not held up by whatever else the machine does. */
static int set_up(struct kw_worker *worker)
{
    struct kw_crew *crew = worker->crew;

    set_name(worker);
    pin(worker);
    KW_TRY(kw_secmem_thread_init(ARENA_BYTES));
    KW_TRY(kw_rng_new(&worker->rng));
    for (size_t i = 0; i < KW_SPEC_NUM; i++) {
        worker->views[i] = (struct kw_sched_pool){0};
        KW_TRY(kw_maker_init(&worker->makers[i], crew->pools[i], crew->makes[i], worker->rng));
    }
    kw_priority_begin(&worker->priority);
    return 0;
}

static void tear_down(struct kw_worker *worker)
{
    for (size_t i = 0; i < KW_SPEC_NUM; i++)
        kw_maker_done(&worker->makers[i]);
    kw_rng_free(worker->rng);
    worker->rng = NULL;
    OPENSSL_thread_stop();
    kw_secmem_thread_done();
}

static void tell(struct kw_worker *worker, enum kw_worker_state state, int result)
{
    atomic_store_explicit(&worker->result, result, memory_order_relaxed);
    /* N1 pairs with the engine's reads: who sees the state sees the result. */
    atomic_store_explicit(&worker->state, (int)state, memory_order_release);
    kw_bell_ring(&worker->crew->news);
}

/* ---- the loop ---- */

static bool stopping(const struct kw_worker *worker)
{
    return atomic_load_explicit(&worker->crew->stopping, memory_order_acquire); /* S2 pairs with S1 */
}

static void turn_to(struct kw_worker *worker, int spec)
{
    _Atomic uint32_t *making = worker->crew->making;
    int old = atomic_load_explicit(&worker->spec, memory_order_relaxed);

    if (spec == old)
        return;
    if (old != KW_SCHEDULER_NONE)
        atomic_fetch_sub_explicit(&making[old], 1, memory_order_relaxed);
    if (spec != KW_SCHEDULER_NONE)
        atomic_fetch_add_explicit(&making[spec], 1, memory_order_relaxed);
    atomic_store_explicit(&worker->spec, spec, memory_order_relaxed);
}

static int pick(struct kw_worker *worker, uint64_t now_ns)
{
    struct kw_crew *crew = worker->crew;
    int own = atomic_load_explicit(&worker->spec, memory_order_relaxed), picked;
    bool refilling[KW_SPEC_NUM];

    for (int i = 0; i < KW_SPEC_NUM; i++) {
        struct kw_sched_pool *view = &worker->views[i];

        kw_maker_look(&worker->makers[i], now_ns, view);
        view->making = atomic_load_explicit(&crew->making[i], memory_order_relaxed) - (i == own);
        view->refilling = refilling[i] = atomic_load_explicit(&crew->refilling[i], memory_order_relaxed);
    }
    picked = kw_sched_pick(worker->views, KW_SPEC_NUM);
    /* Written only when it changes, so that the line stays shared; of two writers either is right, and
     * whoever looks next corrects it. */
    for (int i = 0; i < KW_SPEC_NUM; i++)
        if (worker->views[i].refilling != refilling[i])
            atomic_store_explicit(&crew->refilling[i], worker->views[i].refilling, memory_order_relaxed);
    return picked;
}

static bool unmet(const struct kw_sched_pool *view)
{
    return view->waiters > view->level;
}

/* While requests wait for what it makes, a worker is at normal priority, whether or not somebody raised it;
 * it stays there while any do, since its slices for other specs are between them and their pairs. */
static void adjust_priority(struct kw_worker *worker, int spec)
{
    if (spec != KW_SCHEDULER_NONE && unmet(&worker->views[spec])) {
        (void)kw_priority_raise(&worker->priority);
        return;
    }
    for (size_t i = 0; i < KW_SPEC_NUM; i++)
        if (spec != KW_SCHEDULER_NONE && unmet(&worker->views[i]))
            return;
    kw_priority_drop(&worker->priority);
}

/* Sleeps until the bell rings, or until a maker's pause is over if that comes first. */
static void rest(struct kw_worker *worker, uint32_t ticket, uint64_t now_ns)
{
    uint64_t rest_ns = KW_SCHED_REST_NS;

    for (size_t i = 0; i < KW_SPEC_NUM; i++)
        if (worker->makers[i].blocked_until_ns > now_ns)
            rest_ns = KW_MIN(rest_ns, worker->makers[i].blocked_until_ns - now_ns);
    kw_bell_wait(worker->crew->bell, ticket, rest_ns);
}

/* ---- its share of the core ---- */

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;

    kw_assert(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Time at rest is not saved up: what was not taken in one moment would show in a request's tail in the next.
 * So whatever a slice took, until now_ns + taken * (100 / share) since it began the thread does nothing, and
 * pools may ring as they like. */
static void pause_until(struct kw_worker *worker, uint64_t until_ns)
{
    struct kw_crew *crew = worker->crew;

    for (;;) {
        uint32_t ticket = kw_bell_ticket(&crew->end);
        uint64_t now_ns = kw_now_ns();

        if (now_ns >= until_ns || stopping(worker))
            return;
        kw_bell_wait(&crew->end, ticket, until_ns - now_ns);
    }
}

/* Looking at the pools is part of the slice. */
static int work_for_slice(struct kw_worker *worker, struct kw_maker *maker, uint64_t began_ns)
{
    struct kw_crew *crew = worker->crew;
    uint64_t used_ns, now_cpu_ns;

    KW_TRY(kw_maker_run(maker, crew->slice_ns));
    now_cpu_ns = thread_cpu_ns();
    used_ns = now_cpu_ns - worker->counted_ns;
    worker->counted_ns = now_cpu_ns;
    atomic_fetch_add_explicit(&worker->cpu_ns, used_ns, memory_order_relaxed);
    if (used_ns > atomic_load_explicit(&worker->longest_slice_ns, memory_order_relaxed))
        atomic_store_explicit(&worker->longest_slice_ns, used_ns, memory_order_relaxed);
    if (crew->cpu_share != 0 && crew->cpu_share < 100)
        pause_until(worker, began_ns + used_ns * 100 / crew->cpu_share);
    return 0;
}

/* The ticket is read before the pools are: what is rung for after that ends the sleep. */
static int work(struct kw_worker *worker)
{
    worker->counted_ns = thread_cpu_ns();
    while (!stopping(worker)) {
        uint32_t ticket = kw_bell_ticket(worker->crew->bell);
        uint64_t now_ns = kw_now_ns();
        int spec = pick(worker, now_ns);

        atomic_store_explicit(&worker->looked_ns, now_ns, memory_order_relaxed);
        turn_to(worker, spec);
        adjust_priority(worker, spec);
        if (spec == KW_SCHEDULER_NONE)
            rest(worker, ticket, now_ns);
        else
            KW_TRY(work_for_slice(worker, &worker->makers[spec], now_ns));
    }
    return 0;
}

static void wait_for_stop(struct kw_worker *worker)
{
    for (;;) {
        uint32_t ticket = kw_bell_ticket(worker->crew->bell);

        if (stopping(worker))
            return;
        kw_bell_wait(worker->crew->bell, ticket, UINT64_MAX);
    }
}

static void *run(void *arg)
{
    struct kw_worker *worker = arg;
    int result = set_up(worker);

    if (result == 0) {
        tell(worker, KW_WORKER_READY, 0);
        result = work(worker);
    }
    turn_to(worker, KW_SCHEDULER_NONE);
    tear_down(worker);
    if (result < 0) {
        tell(worker, KW_WORKER_FAILED, result);
        wait_for_stop(worker);
    }
    return NULL;
}

/* ---- for the owner ---- */

/* Signals are blocked before the thread exists, so that none finds it with an open mask. */
int kw_worker_start(struct kw_worker *worker)
{
    sigset_t all, old;
    int error;

    atomic_store_explicit(&worker->state, KW_WORKER_STARTING, memory_order_relaxed);
    atomic_store_explicit(&worker->result, 0, memory_order_relaxed);
    atomic_store_explicit(&worker->spec, KW_SCHEDULER_NONE, memory_order_relaxed);
    kw_signals_of_threads(&all);
    KW_REQUIRE((error = pthread_sigmask(SIG_SETMASK, &all, &old)) == 0, -error);
    error = pthread_create(&worker->thread, NULL, run, worker);
    kw_assert(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    return -error;
}

void kw_worker_join(struct kw_worker *worker)
{
    kw_assert(pthread_join(worker->thread, NULL) == 0);
    atomic_store_explicit(&worker->priority.tid, 0, memory_order_relaxed);
}
