#include "api/forge.h"

#include "pool/bell.h"
#include "pool/secmem.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The generators have theirs; this is for what OpenSSL does on the way. */
#define THREAD_RESERVE (256u * 1024u)

/* After pair after pair has failed. It looks this often whether the order still stands. */
#define FAILURE_PAUSE_MS 100u
#define NO_SLOT_PAUSE_MS 1u

/* The way of an order: FREE, RESERVED, PLACED, FINISHED, FREE, or from PLACED by CANCELLED to FREE. Serving
 * threads turn it to RESERVED, PLACED and CANCELLED and take what is FINISHED; the order's own thread turns
 * it to FINISHED, and to FREE what was CANCELLED. One that can make nothing any more leaves it at that. */
enum state {
    FREE,
    RESERVED,
    PLACED,   /* O1: released with spec, pairs with O2 in the thread */
    FINISHED, /* O3: released with slot, pairs with O4 in whoever takes or cancels */
    CANCELLED,
};

struct kw_forge_order {
    KW_CACHE_ALIGN struct kw_forge *forge;
    pthread_t thread;
    struct kw_bell bell;
    _Atomic int state;
    _Atomic bool unwanted;
    enum kw_spec spec;   /* from PLACED on */
    struct kw_slot slot; /* FINISHED */
};

struct kw_forge {
    struct kw_forge_config config;
    struct kw_ondemand *ondemand;
    struct kw_forge_order *orders; /* one a thread */
    unsigned num_started;
    _Atomic bool stopping;
};

/* ---- one order ---- */

static int state_of(const struct kw_forge_order *order)
{
    return atomic_load_explicit(&order->state, memory_order_acquire); /* O2, O4 */
}

static void set_state(struct kw_forge_order *order, enum state state)
{
    atomic_store_explicit(&order->state, (int)state, memory_order_release);
}

static bool turn(struct kw_forge_order *order, enum state from, enum state to)
{
    int expected = (int)from;

    return atomic_compare_exchange_strong_explicit(
        &order->state, &expected, (int)to, memory_order_acq_rel, memory_order_acquire);
}

static struct kw_pool *pool_of(const struct kw_forge_order *order)
{
    return order->forge->config.pools[order->spec];
}

struct kw_forge_order *kw_forge_place(struct kw_forge *forge, enum kw_spec spec)
{
    kw_assert((unsigned)spec < KW_SPEC_NUM && forge->config.pools[spec] != NULL);
    for (unsigned i = 0; i < forge->config.max; i++) {
        struct kw_forge_order *order = &forge->orders[i];

        if (state_of(order) != FREE || !turn(order, FREE, RESERVED))
            continue;
        order->spec = spec;
        atomic_store_explicit(&order->unwanted, false, memory_order_relaxed);
        set_state(order, PLACED); /* O1 */
        kw_bell_ring(&order->bell);
        return order;
    }
    return NULL;
}

enum kw_spec kw_forge_spec(const struct kw_forge_order *order)
{
    return order->spec;
}

bool kw_forge_finished(const struct kw_forge_order *order)
{
    return state_of(order) == FINISHED;
}

void kw_forge_take(struct kw_forge_order *order, struct kw_pair *ret)
{
    kw_assert(state_of(order) == FINISHED);
    kw_pool_hand_over(pool_of(order), &order->slot, ret);
    set_state(order, FREE);
}

void kw_forge_cancel(struct kw_forge_order *order)
{
    atomic_store_explicit(&order->unwanted, true, memory_order_relaxed);
    if (turn(order, PLACED, CANCELLED))
        return;
    kw_assert(state_of(order) == FINISHED);
    kw_pool_publish(pool_of(order), &order->slot);
    set_state(order, FREE);
}

/* ---- the thread ---- */

static void pause_ms(unsigned ms)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

static bool is_unwanted(const struct kw_forge_order *order)
{
    return atomic_load_explicit(&order->unwanted, memory_order_relaxed);
}

/* Returns: 0 | KW_ONDEMAND_LATE (not wanted any more) | <0 */
static int make(struct kw_forge_order *order)
{
    struct kw_ondemand *ondemand = order->forge->ondemand;

    for (;;) {
        int r = kw_ondemand_make(ondemand, order->spec, UINT64_MAX, &order->unwanted, &order->slot);

        if (r <= 0 || r == KW_ONDEMAND_LATE || is_unwanted(order))
            return r <= 0 ? r : KW_ONDEMAND_LATE;
        pause_ms(r == KW_ONDEMAND_FAILED ? FAILURE_PAUSE_MS : NO_SLOT_PAUSE_MS);
    }
}

/* Returns false if it will not make anything any more. */
static bool fulfil(struct kw_forge_order *order)
{
    int r = make(order);

    if (r == 0 && !turn(order, PLACED, FINISHED)) /* O3 */
        kw_pool_publish(pool_of(order), &order->slot);
    return r >= 0;
}

static bool stopping(const struct kw_forge_order *order)
{
    return atomic_load_explicit(&order->forge->stopping, memory_order_acquire);
}

/* Wherever the server may run: a core that is idle is the best place. */
static void settle(const struct kw_forge_order *order)
{
    const struct kw_cpus *cpus = order->forge->config.cpus;
    char name[16];
    cpu_set_t set;

    CPU_ZERO(&set);
    for (unsigned i = 0; i < cpus->num; i++) {
        if (cpus->cpu[i] < CPU_SETSIZE)
            CPU_SET(cpus->cpu[i], &set);
    }
    (void)sched_setaffinity(0, sizeof(set), &set);
    snprintf(name, sizeof(name), "forge-%u", (unsigned)(order - order->forge->orders));
    (void)pthread_setname_np(pthread_self(), name);
}

static void *run(void *arg)
{
    struct kw_forge_order *order = arg;
    int r = kw_secmem_thread_init(THREAD_RESERVE);
    bool able = true;

    (void)r; /* without an arena of its own it shares the common one */
    settle(order);
    while (!stopping(order)) {
        /* The ticket first, then the look: an order that comes after it has changed the ticket. */
        uint32_t ticket = kw_bell_ticket(&order->bell);
        int state = state_of(order);

        if (able && state == PLACED)
            able = fulfil(order);
        else if (able && state == CANCELLED)
            set_state(order, FREE);
        else
            kw_bell_wait(&order->bell, ticket, UINT64_MAX);
    }
    OPENSSL_thread_stop();
    kw_secmem_thread_done();
    return NULL;
}

/* ---- life ---- */

void kw_forge_free(struct kw_forge *forge)
{
    if (forge == NULL)
        return;
    atomic_store_explicit(&forge->stopping, true, memory_order_release);
    for (unsigned i = 0; i < forge->num_started; i++) {
        int state = state_of(&forge->orders[i]);

        kw_assert(state == FREE || state == CANCELLED);
        kw_bell_ring(&forge->orders[i].bell);
        kw_assert(pthread_join(forge->orders[i].thread, NULL) == 0);
    }
    kw_ondemand_free(forge->ondemand);
    free(forge->orders);
    free(forge);
}

static void forge_freep(struct kw_forge **forge)
{
    kw_forge_free(*forge);
}

/* Signals are blocked before the thread exists, so that none finds it with an open mask. */
static int start_threads(struct kw_forge *forge)
{
    sigset_t all, old;
    int error = 0;

    kw_signals_of_threads(&all);
    KW_REQUIRE((error = pthread_sigmask(SIG_SETMASK, &all, &old)) == 0, -error);
    while (error == 0 && forge->num_started < forge->config.max) {
        struct kw_forge_order *order = &forge->orders[forge->num_started];

        error = pthread_create(&order->thread, NULL, run, order);
        forge->num_started += error == 0;
    }
    kw_assert(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    return -error;
}

int kw_forge_new(struct kw_forge **ret, const struct kw_forge_config *config)
{
    KW_CLEANUP(forge_freep) struct kw_forge *forge = calloc(1, sizeof(*forge));
    struct kw_ondemand_config makes = {.cpu_path = config->cpu_path, .max = config->max};
    size_t size = config->max * sizeof(*forge->orders);

    KW_REQUIRE(forge != NULL, -ENOMEM);
    forge->config = *config;
    memcpy(makes.pools, config->pools, sizeof(makes.pools));
    KW_TRY(kw_ondemand_new(&forge->ondemand, &makes));
    KW_REQUIRE((forge->orders = aligned_alloc(KW_CACHE_LINE, size)) != NULL, -ENOMEM);
    memset(forge->orders, 0, size);
    for (unsigned i = 0; i < config->max; i++) {
        forge->orders[i].forge = forge;
        kw_bell_init(&forge->orders[i].bell);
    }
    KW_TRY(start_threads(forge));
    *ret = forge;
    forge = NULL;
    return 0;
}

void kw_forge_stats(struct kw_forge *forge, struct kw_ondemand_stats *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (forge != NULL)
        kw_ondemand_stats(forge->ondemand, ret);
}
