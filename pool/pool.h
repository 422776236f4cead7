/* pool - holds finished key pairs of one spec and hands each out at most once.
 *
 * A fixed array of slots in secret memory, each able to hold one pair, and two lock-free lists of slot
 * indices, `free` and `ready`. A maker acquires a free slot, writes the pair into it (public key as
 * SubjectPublicKeyInfo DER, private key as PKCS#8 DER) and publishes it, which turns the public key into
 * base64, the form in which every answer sends it; a taker pops a ready slot, uses the bytes in place and
 * releases it, which wipes the slot and returns it to `free`. Nothing is allocated, and nothing is copied or
 * encoded for a taker.
 *
 * At most once: a popped slot has left `ready`; there is no call that puts it back with its content. In a
 * forked child (kw_secmem_alive() false) acquire and pop refuse.
 *
 * Thread-safety: acquire, publish, discard, pop, withdraw, release, the wait calls and the readers may be
 * called by any thread; they are lock-free, make no system call except a futex wake when makers sleep, and a
 * thread stopped anywhere in them stops no other. A slot or pair in hand belongs to one thread. new and free:
 * no other call may run.
 */
#ifndef KW_POOL_POOL_H
#define KW_POOL_POOL_H

#include "pool/bell.h"
#include "pool/bytes.h"
#include "pool/spec.h"

struct kw_pool;

enum {
    KW_POOL_EMPTY = 1,   /* no pair is ready */
    KW_POOL_FULL = 2,    /* pairs ready and slots in makers' hands make up the capacity (and one more for each
                          * request that waits), or no slot is free */
    KW_POOL_BUSY = 3,    /* too many waiters */
    KW_POOL_TIMEOUT = 4, /* the deadline passed and no pair came */
    KW_POOL_FORKED = 5,  /* this process is a forked child: it has no pairs */
};

struct kw_pool_config {
    enum kw_spec spec;
    uint32_t capacity;      /* pairs held at most; 1 .. KW_POOL_CAPACITY_MAX */
    uint32_t low_watermark; /* refilling starts below this level; 0: chosen (seven eighths of the capacity) */
    uint32_t high_watermark; /* refilling stops at this level; 0: the capacity */
    uint32_t spare_slots; /* slots in hands at once (makers and takers), at most KW_SLOTS_SPARE_MAX; 0: 64 */
    uint32_t waiters_max; /* 0: KW_POOL_WAITERS_MAX */
    struct kw_bell *bell; /* rung when the pool wants pairs; borrowed, may be NULL */
};

struct kw_pool_stats {
    uint64_t pushes;      /* pairs published */
    uint64_t pops;        /* pairs handed out */
    uint64_t withdrawals; /* pairs taken out of service */
    uint64_t misses;      /* requests that found no pair ready at their first try */
    uint64_t discards;    /* slots given back without a pair */
    uint64_t timeouts;    /* waits that ended without a pair */
    uint64_t rejects;     /* requests that did not wait: too many did, or by policy */
    uint32_t level;       /* pairs ready now */
    uint32_t capacity;
    uint32_t low_watermark;
    uint32_t high_watermark;
    uint32_t waiters; /* requests waiting now */
};

/* A free slot in a maker's hands. */
struct kw_slot {
    uint32_t index;
    uint8_t *public_der;  /* room for public_max of the spec */
    uint8_t *private_der; /* room for private_max of the spec; secret memory */
    size_t public_len;    /* set by the maker before publishing */
    size_t private_len;
};

/* A pair in a taker's hands. pool == NULL: empty, and release does nothing. */
struct kw_pair {
    struct kw_pool *pool;
    uint32_t index;
    struct kw_bytes public_text; /* base64 of SubjectPublicKeyInfo, in the slot; valid until release */
    struct kw_bytes private_der; /* PKCS#8, in the slot, secret; valid until release */
};

/* kw_pool_low_watermark() - the one that is chosen for a high watermark (>= 1). */
uint32_t kw_pool_low_watermark(uint32_t high_watermark);
/* kw_pool_bytes_of() - what a pool of so many pairs and spare slots would take, in bytes, all in. */
size_t kw_pool_bytes_of(enum kw_spec spec, uint32_t capacity, uint32_t spare_slots);

/* kw_pool_new() - Returns: 0 | -ENOMEM | -EINVAL (a config value out of range) */
KW_MUST_CHECK int kw_pool_new(struct kw_pool **ret, const struct kw_pool_config *config);
/* Wipes and frees. All slots and pairs must have come back (asserted). NULL is fine. */
void kw_pool_free(struct kw_pool *pool);

/* kw_pool_acquire() - takes a free slot to write a pair into. Returns: 0 | KW_POOL_FULL | KW_POOL_FORKED */
KW_MUST_CHECK int kw_pool_acquire(struct kw_pool *pool, struct kw_slot *ret);
/* kw_pool_publish() - gives the finished pair to the takers; lengths in 1 .. max (asserted). The slot is gone
 * after. */
void kw_pool_publish(struct kw_pool *pool, struct kw_slot *slot);
/* kw_pool_discard() - wipes the slot and gives it back without a pair. The slot is gone after. */
void kw_pool_discard(struct kw_pool *pool, struct kw_slot *slot);

/* kw_pool_hand_over() - the maker of a finished pair takes it himself: it counts as published and popped, but
 * nobody else ever sees it. Lengths as for publish. The slot is gone after; ret is to be released. */
void kw_pool_hand_over(struct kw_pool *pool, struct kw_slot *slot, struct kw_pair *ret);

/* kw_pool_pop() - takes a ready pair; rings the bell when the level falls below the low watermark or is
 * empty. Counts a pop, or nothing: misses are counted by whoever decides to wait (kw_pool_wait_enter()) or to
 * give up (kw_pool_refuse()).
 * Returns: 0 | KW_POOL_EMPTY | KW_POOL_FORKED */
KW_MUST_CHECK int kw_pool_pop(struct kw_pool *pool, struct kw_pair *ret);
/* kw_pool_prefetch() - asks the caches for the pair that the next pop will most likely return: to be called
 * when a pair has been popped and before it is worked on, so that the memory of a deep pool is waited for by
 * nobody. A hint; any thread. */
void kw_pool_prefetch(const struct kw_pool *pool);
/* kw_pair_release() - wipes the slot and returns it to `free`; ret is emptied. An empty pair is fine. */
void kw_pair_release(struct kw_pair *pair);
#define KW_PAIR KW_CLEANUP(kw_pair_release)
/* kw_pair_public_der() - the public key as DER, decoded into der. The pair is one in hand. */
struct kw_bytes kw_pair_public_der(const struct kw_pair *pair, uint8_t der[KW_SPEC_PUBLIC_MAX]);

/* kw_pool_withdraw() - takes a ready pair out of service, to be kept elsewhere (a saved pool): as
 * kw_pool_pop(), but it is neither counted as handed out nor, by the scheduler, as demand. */
KW_MUST_CHECK int kw_pool_withdraw(struct kw_pool *pool, struct kw_pair *ret);

/* Waiting, for callers that must not block (an event loop): enter counts a miss, books a place and rings the
 * bell; the caller then tries kw_pool_pop() again every KW_POOL_RECHECK_MS until its own deadline, and
 * leaves. got says whether a pair came (false counts a timeout). enter returns: 0 | KW_POOL_BUSY (waiters_max
 * reached; counts a reject) */
KW_MUST_CHECK int kw_pool_wait_enter(struct kw_pool *pool);
void kw_pool_wait_leave(struct kw_pool *pool, bool got);
/* kw_pool_refuse() - for a caller that found nothing and does not wait: counts a miss and a reject, and rings
 * the bell. */
void kw_pool_refuse(struct kw_pool *pool);

/* kw_pool_pop_wait() - for callers that may block: pops, waiting at most timeout_ms. Sleeps in steps of
 * KW_POOL_RECHECK_MS. Returns: 0 | KW_POOL_BUSY | KW_POOL_TIMEOUT | KW_POOL_FORKED */
KW_MUST_CHECK int kw_pool_pop_wait(struct kw_pool *pool, uint32_t timeout_ms, struct kw_pair *ret);

/* Pairs in takers' hands now, by looking at every slot. */
uint32_t kw_pool_in_hand(const struct kw_pool *pool);
/* What the pool takes, in bytes, all in: slots, links, what is known of slots, guard pages. */
size_t kw_pool_bytes(const struct kw_pool *pool);
enum kw_spec kw_pool_spec(const struct kw_pool *pool);
/* Pairs ready now; exact when nobody is between a list and its counter, never more than the capacity. */
uint32_t kw_pool_level(const struct kw_pool *pool);
uint32_t kw_pool_waiters(const struct kw_pool *pool);
void kw_pool_stats(const struct kw_pool *pool, struct kw_pool_stats *ret);

#endif
