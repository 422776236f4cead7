#include "pool/limits.h"
#include "pool/pool.h"
#include "pool/secmem.h"
#include "tests/pool/death.h"
#include "tests/pool/maps.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define SPEC   KW_SPEC_ECC_NIST_P256
#define PUBLIC 91u
#define SECRET 138u
#define DEEP   16384u /* enough that what is paid once does not show; half a million is the same, slowly */

/* kw_assert() in what misuses need as well: Check's asserts work under its runner only. */
static struct kw_pool *pool_of(uint32_t capacity, uint32_t spare, struct kw_bell *bell)
{
    struct kw_pool_config config = {.spec = SPEC, .capacity = capacity, .spare_slots = spare, .bell = bell};
    struct kw_pool *pool = NULL;

    kw_assert(kw_pool_new(&pool, &config) == 0);
    return pool;
}

static void fill(struct kw_slot *slot, uint8_t serial)
{
    memset(slot->public_der, serial, PUBLIC);
    memset(slot->private_der, serial ^ 0xff, SECRET);
    slot->public_len = PUBLIC;
    slot->private_len = SECRET;
}

static void make(struct kw_pool *pool, uint8_t serial)
{
    struct kw_slot slot;

    kw_assert(kw_pool_acquire(pool, &slot) == 0);
    fill(&slot, serial);
    kw_pool_publish(pool, &slot);
}

static bool all_equal(struct kw_bytes bytes, uint8_t value)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != value)
            return false;
    }
    return bytes.len > 0;
}

static bool public_is(const struct kw_pair *pair, uint8_t value)
{
    uint8_t der[KW_SPEC_PUBLIC_MAX];
    struct kw_bytes public_der = kw_pair_public_der(pair, der);

    return public_der.len == PUBLIC && all_equal(public_der, value);
}

static struct kw_pool_stats stats_of(const struct kw_pool *pool)
{
    struct kw_pool_stats stats;

    kw_pool_stats(pool, &stats);
    return stats;
}

START_TEST(test_config)
{
    static const struct kw_pool_config bad[] = {
        {.spec = SPEC},
        {.spec = KW_SPEC_NUM, .capacity = 1},
        {.spec = SPEC, .capacity = KW_POOL_CAPACITY_MAX + 1},
        {.spec = SPEC, .capacity = UINT32_MAX},
        {.spec = SPEC, .capacity = 10, .high_watermark = 11},
        {.spec = SPEC, .capacity = 10, .high_watermark = 5, .low_watermark = 6},
        {.spec = SPEC, .capacity = 10, .spare_slots = KW_SLOTS_SPARE_MAX + 1},
    };
    struct kw_pool *pool = NULL;

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++) {
        ck_assert_int_eq(kw_pool_new(&pool, &bad[i]), -EINVAL);
        ck_assert_ptr_null(pool);
    }
    kw_pool_free(NULL);
}
END_TEST

START_TEST(test_chosen_watermarks)
{
    static const uint32_t want[][2] = {{1, 1}, {2, 2}, {8, 7}, {64, 56}, {1000, 875}};

    for (size_t i = 0; i < KW_ARRAY_LEN(want); i++) {
        struct kw_pool *pool = pool_of(want[i][0], 0, NULL);
        struct kw_pool_stats stats = stats_of(pool);

        ck_assert_uint_eq(stats.capacity, want[i][0]);
        ck_assert_uint_eq(stats.high_watermark, want[i][0]);
        ck_assert_uint_eq(stats.low_watermark, want[i][1]);
        ck_assert_int_eq(kw_pool_spec(pool), SPEC);
        kw_pool_free(pool);
    }
}
END_TEST

START_TEST(test_a_pair_comes_through)
{
    struct kw_pool *pool = pool_of(4, 4, NULL);
    struct kw_pair pair = {0};

    ck_assert_int_eq(kw_pool_pop(pool, &pair), KW_POOL_EMPTY);
    ck_assert_ptr_null(pair.pool);
    make(pool, 7);
    ck_assert_uint_eq(kw_pool_level(pool), 1);
    kw_pool_prefetch(pool);
    ck_assert_uint_eq(kw_pool_level(pool), 1);
    ck_assert_int_eq(kw_pool_pop(pool, &pair), 0);
    ck_assert_uint_eq(kw_pool_level(pool), 0);
    ck_assert_uint_eq(pair.private_der.len, SECRET);
    ck_assert(public_is(&pair, 7));
    ck_assert(all_equal(pair.private_der, 7 ^ 0xff));

    /* Popped is gone: nothing else is ready, and what it was is zero after the release. */
    struct kw_pair again = {0}, held = pair;
    kw_pool_prefetch(pool);
    ck_assert_int_eq(kw_pool_pop(pool, &again), KW_POOL_EMPTY);
    kw_pair_release(&pair);
    ck_assert_ptr_null(pair.pool);
    ck_assert(all_equal(held.public_text, 0));
    ck_assert(all_equal(held.private_der, 0));
    kw_pair_release(&pair);
    kw_pool_free(pool);
}
END_TEST

/* A maker that wants the pair himself: it passes nobody else, and counts as made and handed out. */
START_TEST(test_handed_over)
{
    struct kw_pool *pool = pool_of(1, 4, NULL);
    struct kw_pair pair = {0}, other = {0};
    struct kw_slot slot;

    ck_assert_int_eq(kw_pool_acquire(pool, &slot), 0);
    fill(&slot, 9);
    kw_pool_hand_over(pool, &slot, &pair);
    ck_assert_ptr_null(slot.private_der);
    ck_assert_int_eq(kw_pool_pop(pool, &other), KW_POOL_EMPTY);
    ck_assert(public_is(&pair, 9));
    ck_assert(all_equal(pair.private_der, 9 ^ 0xff));
    ck_assert_uint_eq(stats_of(pool).pushes, 1);
    ck_assert_uint_eq(stats_of(pool).pops, 1);
    ck_assert_uint_eq(stats_of(pool).level, 0);
    /* It takes no room from the pool. */
    make(pool, 1);
    ck_assert_uint_eq(kw_pool_level(pool), 1);
    other = pair;
    kw_pair_release(&pair);
    ck_assert(all_equal(other.private_der, 0));
    kw_pool_free(pool);
}
END_TEST

START_TEST(test_refused)
{
    struct kw_pool *pool = pool_of(1, 1, NULL);

    kw_pool_refuse(pool);
    ck_assert_uint_eq(stats_of(pool).misses, 1);
    ck_assert_uint_eq(stats_of(pool).rejects, 1);
    ck_assert_uint_eq(stats_of(pool).waiters, 0);
    kw_pool_free(pool);
}
END_TEST

START_TEST(test_pair_cleanup)
{
    struct kw_pool *pool = pool_of(1, 1, NULL);

    for (unsigned i = 0; i < 10; i++) {
        make(pool, (uint8_t)i);
        KW_PAIR struct kw_pair pair = {0};
        ck_assert_int_eq(kw_pool_pop(pool, &pair), 0);
    }
    kw_pool_free(pool);
}
END_TEST

/* Pairs ready and slots in makers' hands are the capacity together, however they are split. */
START_TEST(test_never_above_capacity)
{
    struct kw_pool *pool = pool_of(5, 8, NULL);
    struct kw_slot slots[5], more;

    make(pool, 1);
    make(pool, 2);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(kw_pool_acquire(pool, &slots[i]), 0);
    ck_assert_int_eq(kw_pool_acquire(pool, &more), KW_POOL_FULL);
    kw_pool_discard(pool, &slots[0]);
    ck_assert_int_eq(kw_pool_acquire(pool, &slots[0]), 0);
    for (unsigned i = 0; i < 3; i++) {
        fill(&slots[i], 9);
        kw_pool_publish(pool, &slots[i]);
        ck_assert_int_eq(kw_pool_acquire(pool, &more), KW_POOL_FULL);
    }
    ck_assert_uint_eq(kw_pool_level(pool), 5);

    /* A popped pair makes room at once, while it is still held. */
    struct kw_pair pair;
    ck_assert_uint_eq(kw_pool_in_hand(pool), 0);
    ck_assert_int_eq(kw_pool_pop(pool, &pair), 0);
    ck_assert_uint_eq(kw_pool_in_hand(pool), 1);
    ck_assert_int_eq(kw_pool_acquire(pool, &more), 0);
    kw_pool_discard(pool, &more);
    kw_pair_release(&pair);
    kw_pool_free(pool);
}
END_TEST

/* A maker stopped with the last slot in its hands: whoever waits is served by another maker all the same. */
START_TEST(test_stopped_maker_does_not_shut_others_out)
{
    struct kw_pool *pool = pool_of(1, 4, NULL);
    struct kw_slot stopped, other, more;
    struct kw_pair pair;

    ck_assert_int_eq(kw_pool_acquire(pool, &stopped), 0);
    ck_assert_int_eq(kw_pool_acquire(pool, &other), KW_POOL_FULL);
    ck_assert_int_eq(kw_pool_wait_enter(pool), 0);
    ck_assert_int_eq(kw_pool_acquire(pool, &other), 0);
    ck_assert_int_eq(kw_pool_acquire(pool, &more), KW_POOL_FULL);
    fill(&other, 7);
    kw_pool_publish(pool, &other);
    ck_assert_int_eq(kw_pool_pop(pool, &pair), 0);
    kw_pool_wait_leave(pool, true);
    kw_pair_release(&pair);
    fill(&stopped, 8);
    kw_pool_publish(pool, &stopped);
    ck_assert_int_eq(kw_pool_acquire(pool, &more), KW_POOL_FULL);
    ck_assert_uint_eq(kw_pool_level(pool), 1);
    kw_pool_free(pool);
}
END_TEST

/* With all spare slots in takers' hands there is room but no slot; a refused acquire must not use room up. */
START_TEST(test_out_of_slots)
{
    struct kw_pool *pool = pool_of(2, 1, NULL);
    struct kw_pair pairs[3];
    struct kw_slot slot;

    for (unsigned i = 0; i < 3; i++) {
        make(pool, (uint8_t)i);
        ck_assert_int_eq(kw_pool_pop(pool, &pairs[i]), 0);
    }
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(kw_pool_acquire(pool, &slot), KW_POOL_FULL);
    for (unsigned i = 0; i < 3; i++)
        kw_pair_release(&pairs[i]);
    make(pool, 1);
    make(pool, 2);
    ck_assert_int_eq(kw_pool_acquire(pool, &slot), KW_POOL_FULL);
    ck_assert_uint_eq(stats_of(pool).discards, 0);
    kw_pool_free(pool);
}
END_TEST

START_TEST(test_discard_wipes)
{
    struct kw_pool *pool = pool_of(1, 1, NULL);
    struct kw_slot slot;

    ck_assert_int_eq(kw_pool_acquire(pool, &slot), 0);
    struct kw_bytes public_der = KW_BYTES(slot.public_der, PUBLIC);
    struct kw_bytes private_der = KW_BYTES(slot.private_der, SECRET);
    ck_assert(all_equal(private_der, 0));
    fill(&slot, 3);
    /* A maker that failed half-way has not set the lengths. */
    slot.public_len = slot.private_len = 0;
    kw_pool_discard(pool, &slot);
    ck_assert(all_equal(public_der, 0));
    ck_assert(all_equal(private_der, 0));
    ck_assert_ptr_null(slot.private_der);
    ck_assert_uint_eq(stats_of(pool).discards, 1);
    ck_assert_uint_eq(stats_of(pool).pushes, 0);
    kw_pool_free(pool);
}
END_TEST

START_TEST(test_release_wipes_beyond_the_lengths)
{
    struct kw_pool *pool = pool_of(1, 1, NULL);
    struct kw_slot slot;
    struct kw_pair pair;

    ck_assert_int_eq(kw_pool_acquire(pool, &slot), 0);
    struct kw_bytes private_der = KW_BYTES(slot.private_der, SECRET);
    fill(&slot, 3);
    slot.private_len = 1;
    kw_pool_publish(pool, &slot);
    ck_assert_int_eq(kw_pool_pop(pool, &pair), 0);
    ck_assert_uint_eq(pair.private_der.len, 1);
    kw_pair_release(&pair);
    ck_assert(all_equal(private_der, 0));
    kw_pool_free(pool);
}
END_TEST

/* The longest and odd lengths of a public key of every spec come through as base64. */
START_TEST(test_public_text)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_spec_info *info = kw_spec_info((enum kw_spec)spec);
        struct kw_pool_config config = {.spec = (enum kw_spec)spec, .capacity = 1};
        struct kw_pool *pool;

        ck_assert_int_eq(kw_pool_new(&pool, &config), 0);
        for (size_t len = info->public_max - 3; len <= info->public_max; len++) {
            uint8_t der[KW_SPEC_PUBLIC_MAX], back[KW_SPEC_PUBLIC_MAX];
            char text[KW_BASE64_LEN(KW_SPEC_PUBLIC_MAX)];
            struct kw_slot slot;
            struct kw_pair pair;

            for (size_t i = 0; i < len; i++)
                der[i] = (uint8_t)(i * 7 + len);
            kw_base64_encode(KW_BYTES(der, len), text);
            ck_assert_int_eq(kw_pool_acquire(pool, &slot), 0);
            memcpy(slot.public_der, der, len);
            memset(slot.private_der, 0x5e, info->private_max);
            slot.public_len = len;
            slot.private_len = info->private_max;
            kw_pool_publish(pool, &slot);
            ck_assert_int_eq(kw_pool_pop(pool, &pair), 0);
            ck_assert(kw_bytes_equal(pair.public_text, KW_BYTES(text, KW_BASE64_LEN(len))));
            ck_assert(kw_bytes_equal(kw_pair_public_der(&pair, back), KW_BYTES(der, len)));
            ck_assert(all_equal(pair.private_der, 0x5e));
            kw_pair_release(&pair);
        }
        kw_pool_free(pool);
    }
}
END_TEST

static uint64_t mapped_bytes(void)
{
    struct kw_secmem_stats stats;

    kw_secmem_stats(&stats);
    return stats.mapped_bytes;
}

/* Half a million RSA_2048 pairs in a process: what each takes, all in, by the pool's word and by the
 * kernel's. */
START_TEST(test_memory_per_pair)
{
    struct kw_pool_config config = {.spec = KW_SPEC_RSA_2048, .capacity = DEEP, .spare_slots = 64};
    uint64_t before = mapped_bytes(), resident = maps_resident_kib();
    struct kw_pool *pool;

    ck_assert_int_eq(kw_pool_new(&pool, &config), 0);
    double said = (double)kw_pool_bytes(pool) / DEEP;

    ck_assert_uint_eq(kw_pool_bytes_of(kw_pool_spec(pool), DEEP, config.spare_slots), kw_pool_bytes(pool));
    double seen = (double)(maps_resident_kib() - resident) * 1024 / DEEP;
    printf("bytes per RSA_2048 pair, %u pairs: %.0f, resident %.0f\n", DEEP, said, seen);
    ck_assert(said <= 2560 && seen <= 2560);
    ck_assert_uint_ge(mapped_bytes() - before, (uint64_t)DEEP * (392 + 1219));
    kw_pool_free(pool);
    ck_assert_uint_eq(mapped_bytes(), before);
}
END_TEST

START_TEST(test_bell)
{
    struct kw_bell bell;
    struct kw_pool *pool;
    struct kw_pair pair;

    kw_bell_init(&bell);
    pool = pool_of(8, 8, &bell); /* low watermark 7 */
    for (unsigned i = 0; i < 8; i++)
        make(pool, 1);
    uint32_t ticket = kw_bell_ticket(&bell);
    ck_assert_int_eq(kw_pool_pop(pool, &pair), 0);
    kw_pair_release(&pair);
    ck_assert_uint_eq(kw_bell_ticket(&bell), ticket);
    for (unsigned i = 0; i < 8; i++) {
        /* Below the mark, and then empty, every try rings. */
        ck_assert_int_eq(kw_pool_pop(pool, &pair), i < 7 ? 0 : KW_POOL_EMPTY);
        ck_assert_uint_eq(kw_bell_ticket(&bell), ++ticket);
        if (i < 7)
            kw_pair_release(&pair);
    }
    ck_assert_int_eq(kw_pool_wait_enter(pool), 0);
    ck_assert_uint_eq(kw_bell_ticket(&bell), ++ticket);
    kw_pool_wait_leave(pool, true);
    kw_pool_free(pool);
}
END_TEST

/* A withdrawn pair leaves room for another and is no demand. */
START_TEST(test_withdraw)
{
    struct kw_bell bell;
    struct kw_pair pair = {0};

    kw_bell_init(&bell);
    struct kw_pool *pool = pool_of(8, 8, &bell); /* low watermark 7 */
    for (uint8_t round = 0; round < 3; round++) {
        while (kw_pool_level(pool) < 8)
            make(pool, (uint8_t)(1 + round));
        ck_assert_int_eq(kw_pool_pop(pool, &pair), 0);
        kw_pair_release(&pair);
        uint32_t ticket = kw_bell_ticket(&bell);
        ck_assert_int_eq(kw_pool_withdraw(pool, &pair), 0);
        ck_assert_uint_eq(kw_bell_ticket(&bell), ticket + 1); /* below the mark */
        ck_assert_uint_eq(kw_pool_level(pool), 6);
        ck_assert(all_equal(pair.private_der, (uint8_t)((1 + round) ^ 0xff)));
        kw_pair_release(&pair);
    }
    struct kw_pool_stats stats = stats_of(pool);
    ck_assert_uint_eq(stats.pops, 3);
    ck_assert_uint_eq(stats.withdrawals, 3);
    ck_assert_uint_eq(stats.pushes, 12);
    while (kw_pool_level(pool) > 0) {
        ck_assert_int_eq(kw_pool_withdraw(pool, &pair), 0);
        kw_pair_release(&pair);
    }
    ck_assert_int_eq(kw_pool_withdraw(pool, &pair), KW_POOL_EMPTY);
    ck_assert_ptr_null(pair.pool);
    struct kw_slot slots[8], more;
    for (unsigned i = 0; i < 8; i++)
        ck_assert_int_eq(kw_pool_acquire(pool, &slots[i]), 0);
    ck_assert_int_eq(kw_pool_acquire(pool, &more), KW_POOL_FULL);
    for (unsigned i = 0; i < 8; i++)
        kw_pool_discard(pool, &slots[i]);
    kw_pool_free(pool);
}
END_TEST

START_TEST(test_waiters)
{
    struct kw_pool_config config = {.spec = SPEC, .capacity = 1, .waiters_max = 2};
    struct kw_pool *pool;
    struct kw_pair pair;

    ck_assert_int_eq(kw_pool_new(&pool, &config), 0);
    ck_assert_int_eq(kw_pool_wait_enter(pool), 0);
    ck_assert_int_eq(kw_pool_wait_enter(pool), 0);
    ck_assert_uint_eq(kw_pool_waiters(pool), 2);
    ck_assert_int_eq(kw_pool_wait_enter(pool), KW_POOL_BUSY);
    ck_assert_int_eq(kw_pool_pop_wait(pool, 1000, &pair), KW_POOL_BUSY);
    kw_pool_wait_leave(pool, true);
    kw_pool_wait_leave(pool, false);

    struct kw_pool_stats stats = stats_of(pool);
    ck_assert_uint_eq(stats.waiters, 0);
    ck_assert_uint_eq(stats.misses, 4);
    ck_assert_uint_eq(stats.rejects, 2);
    ck_assert_uint_eq(stats.timeouts, 1);
    kw_pool_free(pool);
}
END_TEST

START_TEST(test_pop_wait_times_out)
{
    struct kw_pool *pool = pool_of(1, 1, NULL);
    struct kw_pair pair = {0};

    uint64_t before = kw_now_ns();
    ck_assert_int_eq(kw_pool_pop_wait(pool, 30, &pair), KW_POOL_TIMEOUT);
    ck_assert_uint_ge(kw_now_ns() - before, 30000000);
    ck_assert_int_eq(kw_pool_pop_wait(pool, 0, &pair), KW_POOL_TIMEOUT);
    ck_assert_ptr_null(pair.pool);

    make(pool, 5);
    ck_assert_int_eq(kw_pool_pop_wait(pool, 0, &pair), 0);
    kw_pair_release(&pair);

    struct kw_pool_stats stats = stats_of(pool);
    ck_assert_uint_eq(stats.misses, 2);
    ck_assert_uint_eq(stats.timeouts, 2);
    ck_assert_uint_eq(stats.pops, 1);
    ck_assert_uint_eq(stats.waiters, 0);
    kw_pool_free(pool);
}
END_TEST

static void *make_late(void *pool)
{
    struct timespec pause = {.tv_nsec = 20000000};

    nanosleep(&pause, NULL);
    make(pool, 8);
    return NULL;
}

START_TEST(test_pop_wait_gets_a_late_pair)
{
    struct kw_pool *pool = pool_of(1, 1, NULL);
    struct kw_pair pair;
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, make_late, pool), 0);
    ck_assert_int_eq(kw_pool_pop_wait(pool, 10000, &pair), 0);
    pthread_join(thread, NULL);
    ck_assert(public_is(&pair, 8));
    kw_pair_release(&pair);
    ck_assert_uint_eq(stats_of(pool).misses, 1);
    ck_assert_uint_eq(stats_of(pool).timeouts, 0);
    kw_pool_free(pool);
}
END_TEST

/* What a child finds that was forked with one slot and one pair in hand and one pair ready. */
struct at_fork {
    struct kw_pool *pool;
    struct kw_slot slot;
    struct kw_pair pair;
};

static void be_a_child(void *arg)
{
    struct at_fork *at_fork = arg;
    struct kw_slot slot;
    struct kw_pair pair;

    kw_assert(kw_pool_pop(at_fork->pool, &pair) == KW_POOL_FORKED);
    kw_assert(kw_pool_pop_wait(at_fork->pool, 10, &pair) == KW_POOL_FORKED);
    kw_assert(kw_pool_withdraw(at_fork->pool, &pair) == KW_POOL_FORKED);
    kw_assert(kw_pool_acquire(at_fork->pool, &slot) == KW_POOL_FORKED);
    kw_assert(all_equal(at_fork->pair.private_der, 0));
    kw_assert(all_equal(at_fork->pair.public_text, 0));
    kw_assert(all_equal(KW_BYTES(at_fork->slot.private_der, SECRET), 0));
    kw_pair_release(&at_fork->pair);
    kw_pool_discard(at_fork->pool, &at_fork->slot);
    kw_pool_free(at_fork->pool);
}

START_TEST(test_forked_child)
{
    struct at_fork at_fork = {.pool = pool_of(4, 4, NULL)};
    struct kw_pair pair;

    make(at_fork.pool, 1);
    make(at_fork.pool, 2);
    ck_assert_int_eq(kw_pool_pop(at_fork.pool, &at_fork.pair), 0);
    ck_assert_int_eq(kw_pool_acquire(at_fork.pool, &at_fork.slot), 0);
    fill(&at_fork.slot, 3);
    ck_assert_int_eq(death_signal(be_a_child, &at_fork), 0);

    /* The parent has all of it still. */
    ck_assert(public_is(&at_fork.pair, 2));
    kw_pair_release(&at_fork.pair);
    kw_pool_publish(at_fork.pool, &at_fork.slot);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(kw_pool_pop(at_fork.pool, &pair), 0);
        ck_assert(public_is(&pair, i == 0 ? 3 : 1));
        kw_pair_release(&pair);
    }
    kw_pool_free(at_fork.pool);
}
END_TEST

/* Each of these is a bug in the caller that would hand out or leak a key; each must stop the process. */
static void publish_twice(void *pool)
{
    struct kw_slot slot, copy;

    (void)!kw_pool_acquire(pool, &slot);
    fill(&slot, 1);
    copy = slot;
    kw_pool_publish(pool, &slot);
    kw_pool_publish(pool, &copy);
}

static void publish_emptied(void *pool)
{
    struct kw_slot slot;

    (void)!kw_pool_acquire(pool, &slot);
    kw_pool_discard(pool, &slot);
    slot.public_len = slot.private_len = 1;
    kw_pool_publish(pool, &slot);
}

static void publish_nothing(void *pool)
{
    struct kw_slot slot;

    (void)!kw_pool_acquire(pool, &slot);
    slot.public_len = PUBLIC;
    kw_pool_publish(pool, &slot);
}

static void publish_too_much(void *pool)
{
    struct kw_slot slot;

    (void)!kw_pool_acquire(pool, &slot);
    slot.public_len = PUBLIC;
    slot.private_len = SECRET + 1;
    kw_pool_publish(pool, &slot);
}

static void hand_over_published(void *pool)
{
    struct kw_slot slot, copy;
    struct kw_pair pair;

    (void)!kw_pool_acquire(pool, &slot);
    fill(&slot, 1);
    copy = slot;
    kw_pool_publish(pool, &slot);
    kw_pool_hand_over(pool, &copy, &pair);
}

static void hand_over_nothing(void *pool)
{
    struct kw_slot slot;
    struct kw_pair pair;

    (void)!kw_pool_acquire(pool, &slot);
    kw_pool_hand_over(pool, &slot, &pair);
}

static void discard_published(void *pool)
{
    struct kw_slot slot, copy;

    (void)!kw_pool_acquire(pool, &slot);
    fill(&slot, 1);
    copy = slot;
    kw_pool_publish(pool, &slot);
    kw_pool_discard(pool, &copy);
}

static void release_twice(void *pool)
{
    struct kw_pair pair, copy;

    make(pool, 1);
    (void)!kw_pool_pop(pool, &pair);
    copy = pair;
    kw_pair_release(&pair);
    kw_pair_release(&copy);
}

static void leave_unentered(void *pool)
{
    kw_pool_wait_leave(pool, true);
}

static void free_with_a_pair_out(void *pool)
{
    struct kw_pair pair;

    make(pool, 1);
    (void)!kw_pool_pop(pool, &pair);
    kw_pool_free(pool);
}

static void free_with_a_slot_out(void *pool)
{
    struct kw_slot slot;

    (void)!kw_pool_acquire(pool, &slot);
    kw_pool_free(pool);
}

static void free_with_a_waiter(void *pool)
{
    (void)!kw_pool_wait_enter(pool);
    kw_pool_free(pool);
}

/* A forked child may not acquire or pop, so the misuse runs in a process of its own that is not one. */
static void (*const misuses[])(void *) = {
    publish_twice,
    publish_emptied,
    publish_nothing,
    publish_too_much,
    hand_over_published,
    hand_over_nothing,
    discard_published,
    release_twice,
    leave_unentered,
    free_with_a_pair_out,
    free_with_a_slot_out,
    free_with_a_waiter,
};

static void exec_misuse(void *number)
{
    char text[12];

    snprintf(text, sizeof(text), "%u", *(unsigned *)number);
    execl("/proc/self/exe", "pool", "--misuse", text, (char *)NULL);
    _exit(99);
}

static int main_misuse(unsigned number)
{
    kw_assert(kw_secmem_init() == 0);
    signal(SIGABRT, SIG_DFL);
    misuses[number](pool_of(2, 2, NULL));
    return 0;
}

START_TEST(test_misuse)
{
    for (unsigned i = 0; i < KW_ARRAY_LEN(misuses); i++)
        ck_assert_msg(death_signal(exec_misuse, &i) == SIGABRT, "misuse %u went unnoticed", i);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--misuse") == 0)
        return main_misuse((unsigned)atoi(argv[2]));
    if (kw_secmem_init() != 0)
        return 1;
    Suite *suite = suite_create("pool");
    TCase *tcase = tcase_create("pool");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_config);
    tcase_add_test(tcase, test_chosen_watermarks);
    tcase_add_test(tcase, test_a_pair_comes_through);
    tcase_add_test(tcase, test_handed_over);
    tcase_add_test(tcase, test_refused);
    tcase_add_test(tcase, test_pair_cleanup);
    tcase_add_test(tcase, test_never_above_capacity);
    tcase_add_test(tcase, test_stopped_maker_does_not_shut_others_out);
    tcase_add_test(tcase, test_out_of_slots);
    tcase_add_test(tcase, test_discard_wipes);
    tcase_add_test(tcase, test_release_wipes_beyond_the_lengths);
    tcase_add_test(tcase, test_public_text);
    tcase_add_test(tcase, test_memory_per_pair);
    tcase_add_test(tcase, test_bell);
    tcase_add_test(tcase, test_withdraw);
    tcase_add_test(tcase, test_waiters);
    tcase_add_test(tcase, test_pop_wait_times_out);
    tcase_add_test(tcase, test_pop_wait_gets_a_late_pair);
    tcase_add_test(tcase, test_forked_child);
    tcase_add_test(tcase, test_misuse);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
