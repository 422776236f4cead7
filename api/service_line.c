/* Calls that found no pair of their spec ready.
 *
 * They stand in line by spec, in order of arrival, and are served from the pool and, where the policy is
 * GENERATE, with pairs that the forge makes for this line; whichever comes first goes to the first. The line
 * is looked at on every tick: it does not depend on a wake-up that a stopped worker still owes.
 */
#include "api/service_internal.h"

#define NS_PER_MS UINT64_C(1000000)

static_assert(KW_LOOPS_MAX <= 64, "a bit for each head");

int kw_service_line_init(struct kw_service_thread *thread)
{
    _Atomic uint64_t *taken = &thread->service->heads_taken;
    uint64_t mask = atomic_load_explicit(taken, memory_order_relaxed);
    unsigned index;

    do {
        KW_REQUIRE(~mask != 0, -EINVAL);
        index = (unsigned)__builtin_ctzll(~mask);
    } while (!atomic_compare_exchange_weak_explicit(
        taken, &mask, mask | UINT64_C(1) << index, memory_order_relaxed, memory_order_relaxed));
    KW_REQUIRE(index < KW_LOOPS_MAX, -EINVAL);
    thread->head = &thread->service->heads[index];
    return 0;
}

/* How many heads are to be looked at. */
static unsigned num_heads(struct kw_service *service)
{
    uint64_t mask = atomic_load_explicit(&service->heads_taken, memory_order_relaxed);

    return mask == 0 ? 0 : 64 - (unsigned)__builtin_clzll(mask);
}

/* ---- what is made for the line ---- */

static struct kw_forge_order *remove_order(struct kw_service_thread *thread, unsigned index)
{
    struct kw_forge_order *order = thread->orders[index];

    thread->orders[index] = thread->orders[--thread->num_orders];
    return order;
}

static void cancel_orders(struct kw_service_thread *thread, enum kw_spec spec)
{
    for (unsigned i = thread->num_orders; i > 0; i--)
        if (kw_forge_spec(thread->orders[i - 1]) == spec)
            kw_forge_cancel(remove_order(thread, i - 1));
}

static bool any_made(const struct kw_service_thread *thread, enum kw_spec spec)
{
    for (unsigned i = 0; i < thread->num_orders; i++)
        if (kw_forge_spec(thread->orders[i]) == spec && kw_forge_finished(thread->orders[i]))
            return true;
    return false;
}

int kw_service_thread_take_made(struct kw_service_thread *thread, enum kw_spec spec, struct kw_pair *ret)
{
    for (unsigned i = 0; i < thread->num_orders; i++) {
        struct kw_forge_order *order = thread->orders[i];

        if (kw_forge_spec(order) != spec || !kw_forge_finished(order))
            continue;
        kw_forge_take(remove_order(thread, i), ret);
        return 0;
    }
    return KW_POOL_EMPTY;
}

/* As many as wait, if the forge has room for so many. */
static void place_orders(struct kw_service_thread *thread, enum kw_spec spec)
{
    struct kw_service *service = thread->service;
    const struct kw_call *call = kw_waitlist_first(&thread->waiting, spec);
    unsigned placed = 0;

    if (service->forge == NULL || service->on_empty[spec] != KW_ON_EMPTY_GENERATE)
        return;
    for (unsigned i = 0; i < thread->num_orders; i++)
        placed += kw_forge_spec(thread->orders[i]) == spec;
    for (; call != NULL && thread->num_orders < KW_ONDEMAND_MAX; call = call->next) {
        struct kw_forge_order *order;

        if (placed > 0) { /* this one has been thought of */
            placed--;
            continue;
        }
        order = kw_forge_place(service->forge, spec);
        if (order == NULL)
            return;
        thread->orders[thread->num_orders++] = order;
    }
}

/* ---- into the line and out of it ---- */

bool kw_service_thread_has_waiters(const struct kw_service_thread *thread, enum kw_spec spec)
{
    const struct kw_pool *pool = thread->service->pools[spec];
    uint32_t waiters;

    if (kw_waitlist_first(&thread->waiting, spec) != NULL)
        return true;
    waiters = kw_pool_waiters(pool);
    return waiters > 0 && kw_pool_level(pool) <= waiters;
}

static void count_use(struct kw_call *call, enum kw_pool_use use)
{
    struct kw_metrics *metrics = call->thread->service->metrics;

    call->pool_use = use;
    atomic_fetch_add_explicit(&metrics->pool_use[call->wait_spec][use], 1, memory_order_relaxed);
}

/* Of a call that has waited in vain. */
static enum kw_pool_use use_in_vain(const struct kw_call *call, uint64_t now_ns)
{
    return call->error == KW_ERROR_THROTTLING && !call->exchange->gone && now_ns >= call->wait_deadline_ns
               ? KW_POOL_TIMED_OUT
               : KW_POOL_ABANDONED;
}

void kw_service_leave_pool(struct kw_call *call)
{
    struct kw_service *service = call->thread->service;
    uint64_t now_ns;

    if (call->pool_use != KW_POOL_UNUSED)
        return; /* it is run again, for a chore or a token */
    if (!call->waiting) {
        count_use(call, KW_POOL_HIT);
        return;
    }
    now_ns = kw_now_ns();
    call->waiting = false;
    kw_pool_wait_leave(service->pools[call->wait_spec], call->took_pair);
    kw_histogram_record(&service->metrics->pool_wait[call->wait_spec], now_ns - call->wait_since_ns);
    if (call->took_pair)
        count_use(call, call->made_pair ? KW_POOL_GENERATED : KW_POOL_WAITED);
    else
        count_use(call, use_in_vain(call, now_ns));
}

/* The answer is to be there before the deadline, which counts from when the request was complete. */
static uint64_t deadline_of(const struct kw_call *call)
{
    uint64_t wait_ns = call->thread->service->pool_wait_ms * NS_PER_MS;
    uint64_t kept_ns = KW_MIN(KW_POOL_ANSWER_MS * NS_PER_MS, wait_ns / 2);

    return call->exchange->started_ns + wait_ns - kept_ns;
}

static void reject(struct kw_call *call)
{
    count_use(call, KW_POOL_REJECTED);
    kw_call_throttled(call);
    kw_service_finish(call);
}

static void enter(struct kw_call *call)
{
    struct kw_service_thread *thread = call->thread;
    struct kw_service *service = thread->service;
    struct kw_pool *pool = service->pools[call->wait_spec];

    if (service->on_empty[call->wait_spec] == KW_ON_EMPTY_REJECT) {
        kw_pool_refuse(pool);
        reject(call);
        return;
    }
    if (kw_pool_wait_enter(pool) != 0) {
        reject(call);
        return;
    }
    call->wait_since_ns = kw_now_ns();
    call->wait_deadline_ns = deadline_of(call);
    call->waiting = true;
    kw_exchange_watch(call->exchange);
    kw_waitlist_append(&thread->waiting, call);
    kw_waithead_publish(thread->head, &thread->waiting, call->wait_spec);
    place_orders(thread, call->wait_spec);
    kw_engine_boost(service->engine, call->wait_spec);
}

/* One that is in line already was beaten to the pair by another thread: it keeps its place, until its time is
 * up. */
void kw_service_wait_for_pool(struct kw_call *call)
{
    if (!call->waiting)
        enter(call);
    else if (kw_now_ns() < call->wait_deadline_ns)
        kw_waitlist_prepend(&call->thread->waiting, call);
    else
        kw_service_go_on(call, kw_call_throttled(call));
}

/* ---- whose turn it is ---- */

/* Those on other threads that have waited longer go first, if there are pairs for so many, but not for long:
 * a thread that does not come to take them is busy or stopped. */
static bool yields(struct kw_service_thread *thread, const struct kw_call *first, uint64_t now_ns)
{
    struct kw_service *service = thread->service;
    uint64_t *since_ns = &thread->yielding_ns[first->wait_spec];
    uint32_t level = kw_pool_level(service->pools[first->wait_spec]);
    bool yield = level > 0 && level <= kw_waithead_older(service->heads, num_heads(service), first->wait_spec,
                                           first->wait_since_ns);

    if (!yield || *since_ns == 0)
        *since_ns = yield ? now_ns : 0;
    return yield && now_ns - *since_ns < KW_POOL_YIELD_MS * NS_PER_MS;
}

/* Those whose time is up try once more and fail: the level alone would not do, since it can read one too high
 * while another thread is stopped in the middle of a pop. */
static bool is_served(struct kw_service_thread *thread, const struct kw_call *first, uint64_t now_ns)
{
    if (now_ns >= first->wait_deadline_ns || any_made(thread, first->wait_spec))
        return true;
    return kw_pool_level(thread->service->pools[first->wait_spec]) > 0 && !yields(thread, first, now_ns);
}

/* Serves as many of a line as there are pairs for, in order. */
static void serve_line(struct kw_service_thread *thread, enum kw_spec spec, uint64_t now_ns)
{
    struct kw_call *first;

    while ((first = kw_waitlist_first(&thread->waiting, spec)) != NULL) {
        if (first->exchange->gone) { /* nobody is left to get a pair */
            kw_service_go_on(kw_waitlist_take(&thread->waiting, spec), kw_call_throttled(first));
            continue;
        }
        if (!is_served(thread, first, now_ns))
            return;
        kw_service_run(kw_waitlist_take(&thread->waiting, spec));
        if (kw_waitlist_first(&thread->waiting, spec) == first)
            return; /* it got nothing and went back to the front */
    }
}

/* The engine is asked again and again while someone waits: the worker that was raised first may have been
 * stopped since. */
static void look_after_line(struct kw_service_thread *thread, enum kw_spec spec, uint64_t now_ns)
{
    serve_line(thread, spec, now_ns);
    kw_waithead_publish(thread->head, &thread->waiting, spec);
    if (kw_waitlist_first(&thread->waiting, spec) == NULL) {
        cancel_orders(thread, spec);
        return;
    }
    place_orders(thread, spec);
    kw_engine_boost(thread->service->engine, spec);
}

/* A different spec has the first choice of the forge each time. */
bool kw_service_line_tick(struct kw_service_thread *thread, uint64_t now_ns)
{
    if (thread->waiting.num == 0 && thread->num_orders == 0)
        return false;
    for (unsigned i = 0; i < KW_SPEC_NUM; i++) {
        enum kw_spec spec = (enum kw_spec)((thread->turn + i) % KW_SPEC_NUM);

        if (thread->service->pools[spec] != NULL)
            look_after_line(thread, spec, now_ns);
    }
    thread->turn++;
    return thread->waiting.num > 0;
}

void kw_service_line_give_up(struct kw_service_thread *thread)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        while (kw_waitlist_first(&thread->waiting, (enum kw_spec)spec) != NULL) {
            struct kw_call *call = kw_waitlist_take(&thread->waiting, (enum kw_spec)spec);

            kw_service_go_on(call, kw_call_throttled(call));
        }
        kw_waithead_publish(thread->head, &thread->waiting, (enum kw_spec)spec);
        cancel_orders(thread, (enum kw_spec)spec);
    }
}

void kw_service_line_done(struct kw_service_thread *thread)
{
    kw_assert(thread->waiting.num == 0);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        cancel_orders(thread, (enum kw_spec)spec);
    if (thread->head != NULL)
        atomic_fetch_and_explicit(&thread->service->heads_taken,
            ~(UINT64_C(1) << (thread->head - thread->service->heads)), memory_order_relaxed);
}
