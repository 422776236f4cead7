/* search - one prime in the making, from its auxiliary primes to the candidate that passed every test, and
 * queues of such.
 *
 * FIPS 186-5 A.1.6 steps 4 and 5 are the same for p and for q: nothing of a search says which of the two its
 * prime will be. One owner thread. All of it is secret.
 */
#ifndef KW_ENGINE_RSA_SEARCH_H
#define KW_ENGINE_RSA_SEARCH_H

#include "engine/rsa/kit.h"
#include "engine/rsa/progression.h"

/* Words of an auxiliary prime of the sizes taken here (201 bits at most, and the word above). */
#define KW_SEARCH_AUXILIARY_WORDS 5u

struct kw_search {
    uint64_t r1[KW_SEARCH_AUXILIARY_WORDS]; /* the auxiliary primes */
    uint64_t r2[KW_SEARCH_AUXILIARY_WORDS];
    struct kw_progression progression;    /* holds X too */
    uint64_t candidate[KW_RSA_PRIME_MAX]; /* the member in question; in the end the prime */
    unsigned rounds_begun;                /* Miller-Rabin rounds of this candidate */
    unsigned rounds_passed;
    bool composite; /* a round said so */
};

enum { KW_SEARCH_UNFIT = KW_PROGRESSION_UNFIT };

/* kw_search_in_range() - the range of B.9 step 3, sqrt(2) 2^(bits-1) <= X <= 2^bits - 1. bits: 64 to 2048, a
 * multiple of 64; X has no more words. Returns a mask. */
uint64_t kw_search_in_range(const uint64_t *x, unsigned bits);
/* kw_search_start() - B.9 step 3: a random X in that range. Out: ret, bits / 64 words. Returns: 0 | <0 */
KW_MUST_CHECK int kw_search_start(uint64_t *ret, unsigned bits, struct kw_rng *rng);

/* kw_search_begin() - B.9 steps 1 to 4 for r1 and r2: draws X and lays the progression, which is then to be
 * sieved. Returns: 0 | KW_SEARCH_UNFIT (step 1: other auxiliary primes are needed) | <0 */
KW_MUST_CHECK int kw_search_begin(struct kw_search *search, const struct kw_rsa_kit *kit);

/* ---- queues ---- */

/* Every search of a generator fits into any one queue. */
#define KW_SEARCHES_MAX (2 * KW_LANES_MAX + KW_SIEVE_GROUP + 2)

/* First in, first out. Holds pointers only, nothing secret. */
struct kw_search_queue {
    struct kw_search *item[KW_SEARCHES_MAX];
    unsigned num;
};

static inline void kw_search_queue_push(struct kw_search_queue *queue, struct kw_search *search)
{
    kw_assert(queue->num < KW_SEARCHES_MAX);
    queue->item[queue->num++] = search;
}

/* Takes out the item at index; those behind it move up. */
static inline struct kw_search *kw_search_queue_take(struct kw_search_queue *queue, unsigned index)
{
    kw_assert(index < queue->num);
    struct kw_search *search = queue->item[index];

    queue->num--;
    for (unsigned i = index; i < queue->num; i++)
        queue->item[i] = queue->item[i + 1];
    return search;
}

static inline struct kw_search *kw_search_queue_pop(struct kw_search_queue *queue)
{
    return kw_search_queue_take(queue, 0);
}

#endif
