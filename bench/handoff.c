/* handoff - push and pop at 1 to N threads: the pool's list of slots against a queue behind a mutex and
 * Concurrency Kit's ring and stack, also while one more thread is stopped again and again, wherever it is:
 * what happens to a worker at idle priority.
 *
 * An iteration is a pop and the push that puts it back; with a suspended thread their number in a second is a
 * figure of its own. KEYWELL_BENCH_THREADS sets N (default: the cores
 * allowed, at least two).
 */
#include "bench/handoff.h"
#include "bench/bench.h"
#include "engine/cpu.h"
#include "engine/topology.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCH     64u /* iterations between looks at the clock */
#define STOP_NS   (5 * 1000 * 1000)
#define RUN_NS    (200 * 1000)
#define WINDOW_NS (100 * 1000 * 1000) /* of a run with a suspended thread */
#define NAME_LEN  48u

struct variant {
    const struct kw_handoff *handoff;
    bool suspends;
    char name[NAME_LEN];
};

/* ---- the thread that is stopped ---- */

static struct {
    pthread_t thread, stopper;
    const struct kw_handoff *handoff;
    _Atomic bool over;
} victim;

static void pause_for(long ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* As if the scheduler had put it aside there. */
static void on_stop(int number)
{
    (void)number;
    pause_for(STOP_NS);
}

static void *be_stopped(void *arg)
{
    (void)arg;
    while (!atomic_load_explicit(&victim.over, memory_order_relaxed)) {
        uint32_t item = victim.handoff->pop();

        if (item != KW_HANDOFF_NONE)
            victim.handoff->push(item);
    }
    return NULL;
}

static void *stop_it(void *arg)
{
    (void)arg;
    while (!atomic_load_explicit(&victim.over, memory_order_relaxed)) {
        pause_for(RUN_NS);
        pthread_kill(victim.thread, SIGUSR2);
        pause_for(STOP_NS);
    }
    return NULL;
}

static void victim_start(const struct kw_handoff *handoff)
{
    int r;

    sigaction(SIGUSR2, &(struct sigaction){.sa_handler = on_stop, .sa_flags = SA_RESTART}, NULL);
    victim.handoff = handoff;
    atomic_store(&victim.over, false);
    r = pthread_create(&victim.thread, NULL, be_stopped, NULL);
    kw_assert(r == 0);
    r = pthread_create(&victim.stopper, NULL, stop_it, NULL);
    kw_assert(r == 0);
}

static void victim_end(void)
{
    atomic_store(&victim.over, true);
    pthread_join(victim.stopper, NULL);
    pthread_join(victim.thread, NULL);
}

/* ---- the threads that are measured ---- */

/* What came of it, beside the time. */
struct tally {
    uint64_t num, empty, longest_ns;
};

static void pop_and_push(const struct kw_handoff *handoff, unsigned num, struct tally *tally)
{
    uint64_t since_ns = kw_now_ns(), took_ns;

    for (unsigned i = 0; i < num; i++) {
        uint32_t item = handoff->pop();

        if (item == KW_HANDOFF_NONE)
            tally->empty++;
        else
            handoff->push(item);
    }
    took_ns = kw_now_ns() - since_ns;
    tally->num += num;
    tally->longest_ns = KW_MAX(tally->longest_ns, took_ns);
}

static void tell(struct kw_bench_state *state, const struct tally *tally)
{
    kw_bench_set_figure(state, "empty", (double)tally->empty, KW_BENCH_RATE);
    kw_bench_set_figure(state, "longest_us", (double)tally->longest_ns / 1000, KW_BENCH_MEAN);
}

static int run(struct kw_bench_state *state, void *arg)
{
    const struct variant *variant = arg;
    struct tally tally = {0};

    if (kw_bench_thread(state) == 0)
        variant->handoff->open(); /* the others begin when this one does */
    while (kw_bench_keep_running(state, BATCH))
        pop_and_push(variant->handoff, BATCH, &tally);
    tell(state, &tally);
    return 0;
}

/* Where one stopped thread stops the others, iterations have no end: here time is given, and they are
 * counted. */
static int run_suspended(struct kw_bench_state *state, void *arg)
{
    const struct variant *variant = arg;
    bool first = kw_bench_thread(state) == 0;
    struct tally tally = {0};

    if (first) {
        variant->handoff->open();
        victim_start(variant->handoff);
    }
    while (kw_bench_keep_running(state, 1)) {
        uint64_t end_ns = kw_now_ns() + WINDOW_NS;

        while (kw_now_ns() < end_ns)
            pop_and_push(variant->handoff, 1, &tally);
    }
    if (first)
        victim_end();
    tell(state, &tally);
    kw_bench_set_figure(state, "iterations", (double)tally.num, KW_BENCH_RATE);
    return 0;
}

static unsigned threads_max(void)
{
    const char *text = getenv("KEYWELL_BENCH_THREADS");
    struct kw_cpus cpus;
    unsigned num = text != NULL ? (unsigned)strtoul(text, NULL, 10) : 0;

    if (num == 0 && kw_cpus_allowed(&cpus) == 0)
        num = cpus.num;
    return KW_MIN(KW_MAX(num, 2u), 64u);
}

int main(int argc, char **argv)
{
    static const struct kw_handoff *const handoffs[] = {
        &kw_handoff_idlist, &kw_handoff_mutex, &kw_handoff_ck_ring, &kw_handoff_ck_stack};
    static struct variant variants[2 * KW_ARRAY_LEN(handoffs)];
    char model[64];
    unsigned max = threads_max();

    kw_cpu_model(model);
    kw_bench_context("cpu", model);
    for (size_t i = 0; i < KW_ARRAY_LEN(variants); i++) {
        struct variant *variant = &variants[i];

        variant->handoff = handoffs[i % KW_ARRAY_LEN(handoffs)];
        variant->suspends = i >= KW_ARRAY_LEN(handoffs);
        snprintf(variant->name, sizeof(variant->name), "%s%s", variant->handoff->name,
            variant->suspends ? "/suspended" : "");
        for (unsigned threads = 1; threads <= max;
             threads = threads < max ? KW_MIN(threads * 2, max) : max + 1)
            kw_bench_register(&(struct kw_bench){
                .name = variant->name,
                .run = variant->suspends ? run_suspended : run,
                .iterations = variant->suspends ? 1 : 0,
                .arg = variant,
                .threads = threads,
            });
    }
    return kw_bench_main(argc, argv);
}
