/* load - what the pool's stress tests share: pairs that are all different, and how to tell that each came
 * once.
 *
 * A pair is made from a serial number that no other pair has, every byte of it, so a torn, mixed or stale
 * pair is noticed. Tallies of what was published and what was popped are equal only if nothing was lost and
 * nothing came twice: they add up a 64-bit mix of each serial.
 */
#ifndef KW_TESTS_STRESS_LOAD_H
#define KW_TESTS_STRESS_LOAD_H

#include "pool/pool.h"

struct load_tally {
    uint64_t count;
    uint64_t sum;
};

/* Where a thread has seen slots, to look at their bytes after all was given back. */
struct load_span {
    const uint8_t *lowest;
    const uint8_t *highest; /* one past the last byte */
};

/* What one thread keeps to itself. */
struct load_thread {
    uint64_t random;      /* state of load_random(), seeded by load_thread_init() */
    uint64_t next_serial; /* the thread's number in the upper bits */
    struct load_tally published;
    struct load_tally popped;
    struct load_span span;
};

/* Seconds to run: KEYWELL_SOAK if it is set, else smoke. */
double load_seconds(double smoke);
void load_thread_init(struct load_thread *thread, uint32_t number);
uint64_t load_random(struct load_thread *thread);

/* Acquires, fills and publishes one pair, or now and then discards it. Returns as kw_pool_acquire(). */
int load_make(struct load_thread *thread, struct kw_pool *pool);
/* Checks and counts a pair just popped. */
void load_see(struct load_thread *thread, const struct kw_pair *pair);
/* Pops, checks and releases one pair. Returns as kw_pool_pop(). */
int load_take(struct load_thread *thread, struct kw_pool *pool);

/* When no thread is at work any more: takes what is left, then asserts that each published pair was popped
 * once, that all counters agree, that every slot is free and that all of them are zero. Frees the pool. */
void load_finish(struct load_thread *threads, uint32_t num, struct kw_pool *pool);

#endif
