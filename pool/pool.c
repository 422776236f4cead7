/* pool - slots, two lists of their indices, and counters that only grow.
 *
 * A slot goes round: free -> held by a maker -> ready -> held by a taker -> free. Its index is on the list of
 * that name or in one thread's hands, and its state says the same; each step swaps the state and asserts the
 * one before, so that a pair released twice, a slot published twice or an index on two lists aborts instead
 * of handing a key out twice.
 *
 * The level is not a counter of its own: makers count what they publish, takers what they pop, each on a line
 * of their own, and the level is the difference. A maker counts before it pushes and a taker after it popped,
 * so the difference is never below zero, and a thread stopped in between makes the level look at most one
 * pair too high. A pair that is withdrawn is taken off what makers counted, after it was popped: each such
 * step follows the maker's own on the same counter, so the difference stays what it was for everyone else.
 */
#include "pool/pool.h"

#include "pool/idlist.h"
#include "pool/secmem.h"
#include "pool/slots.h"

#include <stdlib.h>
#include <time.h>

#define SPARE_DEFAULT 64u
#define NS_PER_MS     UINT64_C(1000000)

struct kw_pool {
    /* Constant after kw_pool_new(). */
    KW_CACHE_ALIGN enum kw_spec spec;
    uint32_t capacity;
    uint32_t low_watermark;
    uint32_t high_watermark;
    uint32_t waiters_max;
    struct kw_slots slots;
    _Atomic uint32_t *links; /* shared by both lists */
    struct kw_bell *bell;

    struct kw_idlist free;
    struct kw_idlist ready;

    /* Written by makers. */
    KW_CACHE_ALIGN _Atomic uint64_t acquired; /* slots taken to be filled, less those given back */
    _Atomic uint64_t published;               /* pairs given to takers, less those withdrawn */
    _Atomic uint64_t pushes;                  /* pairs given to takers; only grows */
    _Atomic uint64_t discarded;
    _Atomic uint64_t withdrawn;

    /* Written by takers. */
    KW_CACHE_ALIGN _Atomic uint64_t popped;

    /* Written by takers that found nothing. */
    KW_CACHE_ALIGN _Atomic uint32_t waiters;
    _Atomic uint64_t misses;
    _Atomic uint64_t timeouts;
    _Atomic uint64_t rejects;
};
static_assert(offsetof(struct kw_pool, acquired) % KW_CACHE_LINE == 0, "makers have a line of their own");
static_assert(offsetof(struct kw_pool, popped) % KW_CACHE_LINE == 0, "takers have a line of their own");
static_assert(offsetof(struct kw_pool, waiters) - offsetof(struct kw_pool, popped) == KW_CACHE_LINE,
    "nothing else is on the takers' line");

uint32_t kw_pool_low_watermark(uint32_t high_watermark)
{
    return KW_MAX(1, high_watermark - high_watermark / 8);
}

/* Replaces what was left to choose. Returns 0 or -EINVAL. */
static int complete_config(struct kw_pool_config *config)
{
    KW_REQUIRE((unsigned)config->spec < KW_SPEC_NUM, -EINVAL);
    KW_REQUIRE(config->capacity >= 1 && config->capacity <= KW_POOL_CAPACITY_MAX, -EINVAL);
    KW_REQUIRE(config->spare_slots <= KW_SLOTS_SPARE_MAX, -EINVAL);
    if (config->high_watermark == 0)
        config->high_watermark = config->capacity;
    if (config->low_watermark == 0)
        config->low_watermark = kw_pool_low_watermark(config->high_watermark);
    if (config->spare_slots == 0)
        config->spare_slots = SPARE_DEFAULT;
    if (config->waiters_max == 0)
        config->waiters_max = KW_POOL_WAITERS_MAX;
    KW_REQUIRE(config->high_watermark <= config->capacity, -EINVAL);
    KW_REQUIRE(config->low_watermark <= config->high_watermark, -EINVAL);
    return 0;
}

static void pool_init(struct kw_pool *pool, const struct kw_pool_config *config)
{
    *pool = (struct kw_pool){
        .spec = config->spec,
        .capacity = config->capacity,
        .low_watermark = config->low_watermark,
        .high_watermark = config->high_watermark,
        .waiters_max = config->waiters_max,
        .bell = config->bell,
    };
    kw_idlist_init(&pool->free);
    kw_idlist_init(&pool->ready);
}

static void pool_dispose(struct kw_pool *pool)
{
    kw_slots_done(&pool->slots);
    free(pool->links);
    free(pool);
}

int kw_pool_new(struct kw_pool **ret, const struct kw_pool_config *config)
{
    struct kw_pool_config complete = *config;
    KW_TRY(complete_config(&complete));
    struct kw_pool *pool = aligned_alloc(KW_CACHE_LINE, sizeof(*pool));
    if (pool == NULL)
        return -ENOMEM;
    pool_init(pool, &complete);

    uint32_t num = complete.capacity + complete.spare_slots;
    pool->links = calloc(num, sizeof(*pool->links));
    if (pool->links == NULL || kw_slots_init(&pool->slots, complete.spec, num) < 0) {
        pool_dispose(pool);
        return -ENOMEM;
    }
    for (uint32_t i = num; i > 0; i--)
        kw_idlist_push(&pool->free, pool->links, i - 1);
    *ret = pool;
    return 0;
}

void kw_pool_free(struct kw_pool *pool)
{
    if (pool == NULL)
        return;
    kw_assert(atomic_load_explicit(&pool->waiters, memory_order_acquire) == 0);
    pool_dispose(pool);
}

/* Turned before it is wiped: a slot given back twice must abort before another holder's bytes are touched. */
static void slot_give_back(struct kw_pool *pool, uint32_t index, enum kw_slot_state from)
{
    kw_slots_turn(&pool->slots, index, from, KW_SLOT_FREE);
    kw_slots_wipe(&pool->slots, index);
    kw_idlist_push(&pool->free, pool->links, index);
}

/* Books room for one more pair, so that pairs ready and slots in makers' hands are never more than the
 * capacity, and one more for each request that waits: a maker that is stopped with the last slot in its hands
 * must not keep the others from serving those who wait. */
static bool room_book(struct kw_pool *pool)
{
    for (;;) {
        /* P1 pairs with P2 in kw_pool_pop(): a pop that is seen here comes with the acquire that preceded it,
         * so the difference is not negative. A pop that is missed makes it too large, which is the safe side.
         */
        uint64_t popped = atomic_load_explicit(&pool->popped, memory_order_acquire);
        uint64_t acquired = atomic_load_explicit(&pool->acquired, memory_order_relaxed);
        if (acquired - popped >= (uint64_t)pool->capacity + kw_pool_waiters(pool))
            return false;
        if (atomic_compare_exchange_weak_explicit(
                &pool->acquired, &acquired, acquired + 1, memory_order_relaxed, memory_order_relaxed))
            return true;
    }
}

static void room_return(struct kw_pool *pool)
{
    atomic_fetch_sub_explicit(&pool->acquired, 1, memory_order_relaxed);
}

int kw_pool_acquire(struct kw_pool *pool, struct kw_slot *ret)
{
    if (!kw_secmem_alive())
        return KW_POOL_FORKED;
    if (!room_book(pool))
        return KW_POOL_FULL;
    uint32_t index = kw_idlist_pop(&pool->free, pool->links);
    if (index == KW_IDLIST_END) {
        room_return(pool);
        return KW_POOL_FULL;
    }
    kw_slots_turn(&pool->slots, index, KW_SLOT_FREE, KW_SLOT_MAKER);
    *ret = (struct kw_slot){
        .index = index,
        .public_der = kw_slots_public(&pool->slots, index),
        .private_der = kw_slots_private(&pool->slots, index),
    };
    return 0;
}

/* A slot that was given away is all zero, so it is caught here when it comes a second time. */
static void slot_check(const struct kw_pool *pool, const struct kw_slot *slot)
{
    kw_assert(slot->index < pool->slots.num);
    kw_assert(slot->public_der == kw_slots_public(&pool->slots, slot->index));
}

/* The lengths of a finished pair go from its maker's slot to the pool's. */
static void slot_finish(struct kw_pool *pool, const struct kw_slot *slot, enum kw_slot_state to)
{
    const struct kw_spec_info *info = kw_spec_info(pool->spec);

    slot_check(pool, slot);
    kw_assert(slot->public_len >= 1 && slot->public_len <= info->public_max);
    kw_assert(slot->private_len >= 1 && slot->private_len <= info->private_max);
    kw_slots_turn(&pool->slots, slot->index, KW_SLOT_MAKER, to);
    kw_slots_encode_public(&pool->slots, slot->index, slot->public_len);
    pool->slots.infos[slot->index].private_len = (uint16_t)slot->private_len;
    atomic_fetch_add_explicit(&pool->published, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->pushes, 1, memory_order_relaxed);
}

void kw_pool_publish(struct kw_pool *pool, struct kw_slot *slot)
{
    slot_finish(pool, slot, KW_SLOT_READY);
    kw_idlist_push(&pool->ready, pool->links, slot->index);
    *slot = (struct kw_slot){0};
}

void kw_pool_discard(struct kw_pool *pool, struct kw_slot *slot)
{
    slot_check(pool, slot);
    slot_give_back(pool, slot->index, KW_SLOT_MAKER);
    atomic_fetch_add_explicit(&pool->discarded, 1, memory_order_relaxed);
    room_return(pool);
    *slot = (struct kw_slot){0};
}

static void ring(struct kw_pool *pool)
{
    if (pool->bell != NULL)
        kw_bell_ring(pool->bell);
}

static struct kw_pair pair_of(struct kw_pool *pool, uint32_t index)
{
    return (struct kw_pair){
        .pool = pool,
        .index = index,
        .public_text = KW_BYTES(kw_slots_public(&pool->slots, index), pool->slots.infos[index].public_len),
        .private_der = KW_BYTES(kw_slots_private(&pool->slots, index), pool->slots.infos[index].private_len),
    };
}

void kw_pool_hand_over(struct kw_pool *pool, struct kw_slot *slot, struct kw_pair *ret)
{
    slot_finish(pool, slot, KW_SLOT_TAKER);
    atomic_fetch_add_explicit(&pool->popped, 1, memory_order_acq_rel); /* P2 */
    *ret = pair_of(pool, slot->index);
    *slot = (struct kw_slot){0};
}

/* What the next pop wants to know of a slot: its link and its info, which lie in arrays of their own. */
static void prefetch_facts(const struct kw_pool *pool, uint32_t index)
{
    if (index == KW_IDLIST_END)
        return;
    __builtin_prefetch(&pool->links[index], 1);
    __builtin_prefetch(&pool->slots.infos[index], 1);
}

void kw_pool_prefetch(const struct kw_pool *pool)
{
    uint32_t index = kw_idlist_peek(&pool->ready);

    if (index != KW_IDLIST_END)
        kw_slots_prefetch(&pool->slots, index);
}

/* Takes an index off `ready`; a part of each pop, not a call. Returns: 0 | KW_POOL_EMPTY | KW_POOL_FORKED */
static inline __attribute__((always_inline)) int take(struct kw_pool *pool, struct kw_pair *ret)
{
    if (!kw_secmem_alive())
        return KW_POOL_FORKED;
    uint32_t next, index = kw_idlist_pop_next(&pool->ready, pool->links, &next);
    if (index == KW_IDLIST_END) {
        ring(pool);
        return KW_POOL_EMPTY;
    }
    prefetch_facts(pool, next);
    kw_slots_turn(&pool->slots, index, KW_SLOT_READY, KW_SLOT_TAKER);
    *ret = pair_of(pool, index);
    return 0;
}

int kw_pool_pop(struct kw_pool *pool, struct kw_pair *ret)
{
    int r = take(pool, ret);
    if (r != 0)
        return r;
    /* P2 pairs with P1 in room_book(), with P3 in kw_pool_level(), and with itself in other takers: what was
     * counted before any of the pops so far is seen by the load below. */
    uint64_t popped = atomic_fetch_add_explicit(&pool->popped, 1, memory_order_acq_rel) + 1;
    uint64_t published = atomic_load_explicit(&pool->published, memory_order_relaxed);
    /* Not only when the level passes the mark: two takers and a maker can each miss that moment. */
    if (published - popped < pool->low_watermark)
        ring(pool);
    return 0;
}

int kw_pool_withdraw(struct kw_pool *pool, struct kw_pair *ret)
{
    int r = take(pool, ret);
    if (r != 0)
        return r;
    /* The pair is undone for the counters of its maker. Its own steps up come first in the order of each of
     * the two counters, and popped never had it: neither difference falls below zero. */
    atomic_fetch_sub_explicit(&pool->published, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->withdrawn, 1, memory_order_relaxed);
    room_return(pool);
    if (kw_pool_level(pool) < pool->low_watermark)
        ring(pool);
    return 0;
}

void kw_pair_release(struct kw_pair *pair)
{
    struct kw_pool *pool = pair->pool;

    if (pool == NULL)
        return;
    kw_assert(pair->index < pool->slots.num);
    kw_assert(pair->public_text.ptr == kw_slots_public(&pool->slots, pair->index));
    slot_give_back(pool, pair->index, KW_SLOT_TAKER);
    *pair = (struct kw_pair){0};
}

struct kw_bytes kw_pair_public_der(const struct kw_pair *pair, uint8_t der[KW_SPEC_PUBLIC_MAX])
{
    size_t len = 0;
    int r = kw_base64_decode(pair->public_text, der, KW_SPEC_PUBLIC_MAX, &len);

    kw_assert(r == 0); /* it was encoded here */
    return KW_BYTES(der, len);
}

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

int kw_pool_wait_enter(struct kw_pool *pool)
{
    count(&pool->misses);
    uint32_t waiters = atomic_load_explicit(&pool->waiters, memory_order_relaxed);
    do {
        if (waiters >= pool->waiters_max) {
            count(&pool->rejects);
            return KW_POOL_BUSY;
        }
    } while (!atomic_compare_exchange_weak_explicit(
        &pool->waiters, &waiters, waiters + 1, memory_order_relaxed, memory_order_relaxed));
    ring(pool);
    return 0;
}

void kw_pool_wait_leave(struct kw_pool *pool, bool got)
{
    if (!got)
        count(&pool->timeouts);
    /* W1 pairs with the load in kw_pool_free(). */
    uint32_t waiters = atomic_fetch_sub_explicit(&pool->waiters, 1, memory_order_release);
    kw_assert(waiters > 0);
}

void kw_pool_refuse(struct kw_pool *pool)
{
    count(&pool->misses);
    count(&pool->rejects);
    ring(pool);
}

static void sleep_until(uint64_t when_ns)
{
    struct timespec when = {
        .tv_sec = (time_t)(when_ns / (1000 * NS_PER_MS)),
        .tv_nsec = (long)(when_ns % (1000 * NS_PER_MS)),
    };
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

int kw_pool_pop_wait(struct kw_pool *pool, uint32_t timeout_ms, struct kw_pair *ret)
{
    int r = kw_pool_pop(pool, ret);
    if (r != KW_POOL_EMPTY)
        return r;
    uint64_t now = kw_now_ns();
    uint64_t deadline = now + timeout_ms * NS_PER_MS;
    r = kw_pool_wait_enter(pool);
    if (r != 0)
        return r;
    for (;;) {
        r = kw_pool_pop(pool, ret);
        if (r != KW_POOL_EMPTY)
            break;
        now = kw_now_ns();
        if (now >= deadline) {
            r = KW_POOL_TIMEOUT;
            break;
        }
        sleep_until(KW_MIN(now + KW_POOL_RECHECK_MS * NS_PER_MS, deadline));
    }
    kw_pool_wait_leave(pool, r == 0);
    return r;
}

uint32_t kw_pool_in_hand(const struct kw_pool *pool)
{
    uint32_t num = 0;

    for (uint32_t i = 0; i < pool->slots.num; i++)
        num += atomic_load_explicit(&pool->slots.infos[i].state, memory_order_relaxed) == KW_SLOT_TAKER;
    return num;
}

size_t kw_pool_bytes_of(enum kw_spec spec, uint32_t capacity, uint32_t spare_slots)
{
    size_t num = (size_t)capacity + spare_slots;

    return sizeof(struct kw_pool) + num * sizeof(_Atomic uint32_t) + kw_slots_bytes_of(spec, num);
}

size_t kw_pool_bytes(const struct kw_pool *pool)
{
    return sizeof(*pool) + pool->slots.num * sizeof(*pool->links) + kw_slots_bytes(&pool->slots);
}

enum kw_spec kw_pool_spec(const struct kw_pool *pool)
{
    return pool->spec;
}

uint32_t kw_pool_level(const struct kw_pool *pool)
{
    /* P3 pairs with P2 in kw_pool_pop(): the publish of each pop seen here is seen as well. Publishes that
     * came between the two loads make the difference too large, hence the bound. */
    uint64_t popped = atomic_load_explicit(&pool->popped, memory_order_acquire);
    uint64_t published = atomic_load_explicit(&pool->published, memory_order_relaxed);
    return (uint32_t)KW_MIN(published - popped, pool->capacity);
}

uint32_t kw_pool_waiters(const struct kw_pool *pool)
{
    return atomic_load_explicit(&pool->waiters, memory_order_relaxed);
}

void kw_pool_stats(const struct kw_pool *pool, struct kw_pool_stats *ret)
{
    *ret = (struct kw_pool_stats){
        .pushes = atomic_load_explicit(&pool->pushes, memory_order_relaxed),
        .pops = atomic_load_explicit(&pool->popped, memory_order_relaxed),
        .withdrawals = atomic_load_explicit(&pool->withdrawn, memory_order_relaxed),
        .misses = atomic_load_explicit(&pool->misses, memory_order_relaxed),
        .discards = atomic_load_explicit(&pool->discarded, memory_order_relaxed),
        .timeouts = atomic_load_explicit(&pool->timeouts, memory_order_relaxed),
        .rejects = atomic_load_explicit(&pool->rejects, memory_order_relaxed),
        .level = kw_pool_level(pool),
        .capacity = pool->capacity,
        .low_watermark = pool->low_watermark,
        .high_watermark = pool->high_watermark,
        .waiters = kw_pool_waiters(pool),
    };
}
