#include "tests/stress/load.h"

#include <stdlib.h>

#define LEN_MIN 16u
/* One slot in so many is given back without a pair. */
#define DISCARD_ONE_IN  32u
#define WITHDRAW_ONE_IN 16u

double load_seconds(double smoke)
{
    const char *soak = getenv("KEYWELL_SOAK");
    double seconds = soak != NULL ? atof(soak) : 0;

    return seconds > 0 ? seconds : smoke;
}

/* The output function of splitmix64: a bijection, so different serials stay different. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void load_thread_init(struct load_thread *thread, uint32_t number)
{
    *thread = (struct load_thread){
        .random = mix(number ^ kw_now_ns()),
        .next_serial = (uint64_t)(number + 1) << 40,
    };
}

uint64_t load_random(struct load_thread *thread)
{
    return mix(thread->random++);
}

static void tally(struct load_tally *to, uint64_t serial)
{
    to->count++;
    to->sum += mix(serial);
}

static void span_widen(struct load_span *span, const uint8_t *start, const uint8_t *end)
{
    if (span->lowest == NULL || start < span->lowest)
        span->lowest = start;
    if (span->highest == NULL || end > span->highest)
        span->highest = end;
}

/* Lengths and bytes follow from the serial, which is in the first eight bytes of both halves. */
static size_t length_of(uint64_t serial, size_t max)
{
    return LEN_MIN + mix(serial ^ max) % (max - LEN_MIN + 1);
}

static void write_bytes(uint8_t *to, size_t len, uint64_t serial)
{
    uint64_t word = serial;

    for (size_t at = 0; at < len; at += sizeof(word), word = mix(word))
        memcpy(to + at, &word, KW_MIN(sizeof(word), len - at));
}

static void check_bytes(struct kw_bytes bytes, size_t len, uint64_t serial)
{
    uint64_t word = serial;

    kw_assert(bytes.len == len);
    for (size_t at = 0; at < len; at += sizeof(word), word = mix(word))
        kw_assert(memcmp(bytes.ptr + at, &word, KW_MIN(sizeof(word), len - at)) == 0);
}

static void check_zero(const uint8_t *from, const uint8_t *end)
{
    for (; from < end; from++)
        kw_assert(*from == 0);
}

int load_make(struct load_thread *thread, struct kw_pool *pool)
{
    const struct kw_spec_info *info = kw_spec_info(kw_pool_spec(pool));
    struct kw_slot slot;
    int r = kw_pool_acquire(pool, &slot);

    if (r != 0)
        return r;
    span_widen(&thread->span, slot.public_der, slot.private_der + info->private_max);
    /* A free slot is empty, whoever had it before. */
    check_zero(slot.public_der, slot.public_der + LEN_MIN);
    check_zero(slot.private_der, slot.private_der + LEN_MIN);

    uint64_t serial = thread->next_serial++;
    slot.public_len = length_of(serial, info->public_max);
    slot.private_len = length_of(serial, info->private_max);
    write_bytes(slot.public_der, slot.public_len, serial);
    write_bytes(slot.private_der, slot.private_len, serial);
    if (load_random(thread) % DISCARD_ONE_IN == 0) {
        kw_pool_discard(pool, &slot);
        return 0;
    }
    tally(&thread->published, serial);
    kw_pool_publish(pool, &slot);
    return 0;
}

void load_see(struct load_thread *thread, const struct kw_pair *pair)
{
    const struct kw_spec_info *info = kw_spec_info(kw_pool_spec(pair->pool));
    uint8_t der[KW_SPEC_PUBLIC_MAX];
    struct kw_bytes public_der = kw_pair_public_der(pair, der);
    uint64_t serial;

    kw_assert(public_der.len >= LEN_MIN);
    memcpy(&serial, public_der.ptr, sizeof(serial));
    check_bytes(public_der, length_of(serial, info->public_max), serial);
    check_bytes(pair->private_der, length_of(serial, info->private_max), serial);
    tally(&thread->popped, serial);
}

int load_take(struct load_thread *thread, struct kw_pool *pool)
{
    struct kw_pair pair;
    bool withdraw = load_random(thread) % WITHDRAW_ONE_IN == 0;
    int r = withdraw ? kw_pool_withdraw(pool, &pair) : kw_pool_pop(pool, &pair);

    if (r != 0)
        return r;
    load_see(thread, &pair);
    kw_pair_release(&pair);
    return 0;
}

static void take_the_rest(struct load_thread *thread, struct kw_pool *pool)
{
    uint32_t level = kw_pool_level(pool);

    for (uint32_t i = 0; i < level; i++)
        kw_assert(load_take(thread, pool) == 0);
    kw_assert(load_take(thread, pool) == KW_POOL_EMPTY);
}

/* With nothing ready and nothing in hand, exactly the capacity can be acquired. */
static void check_all_free(struct kw_pool *pool)
{
    struct kw_pool_stats stats;
    kw_pool_stats(pool, &stats);
    struct kw_slot *slots = calloc(stats.capacity, sizeof(*slots));
    struct kw_slot more;

    kw_assert(slots != NULL && stats.level == 0 && stats.pushes == stats.pops + stats.withdrawals &&
              stats.waiters == 0);
    for (uint32_t i = 0; i < stats.capacity; i++)
        kw_assert(kw_pool_acquire(pool, &slots[i]) == 0);
    kw_assert(kw_pool_acquire(pool, &more) == KW_POOL_FULL);
    for (uint32_t i = 0; i < stats.capacity; i++)
        kw_pool_discard(pool, &slots[i]);
    free(slots);
}

void load_finish(struct load_thread *threads, uint32_t num, struct kw_pool *pool)
{
    struct load_tally published = {0}, popped = {0};
    struct load_span span = {0};
    struct kw_pool_stats stats;

    take_the_rest(&threads[0], pool);
    for (uint32_t i = 0; i < num; i++) {
        published.count += threads[i].published.count;
        published.sum += threads[i].published.sum;
        popped.count += threads[i].popped.count;
        popped.sum += threads[i].popped.sum;
        if (threads[i].span.lowest != NULL)
            span_widen(&span, threads[i].span.lowest, threads[i].span.highest);
    }
    kw_assert(published.count == popped.count);
    kw_assert(published.sum == popped.sum);
    kw_pool_stats(pool, &stats);
    kw_assert(stats.pushes == published.count && stats.pops + stats.withdrawals == popped.count);
    check_zero(span.lowest, span.highest);
    check_all_free(pool);
    kw_pool_free(pool);
}
