/* sieve_ifma_queue - when the queue of gathered hits is drained. How full it is must not be seen, so drains
 * follow a schedule that is made beforehand: as late as a queue of this size allows without losing hits, but
 * for once in 2^40 progressions. Everything here is public.
 */
#ifndef KW_ENGINE_X86_SIEVE_IFMA_QUEUE_H
#define KW_ENGINE_X86_SIEVE_IFMA_QUEUE_H

/* Places of the queue, and how many a drain empties. */
#define KW_SIEVE_QUEUE 32u
#define KW_SIEVE_DRAIN 8u

struct kw_sieve_queue {
    double filled[KW_SIEVE_QUEUE + 1]; /* the chance that so many places are taken */
};

void kw_sieve_queue_init(struct kw_sieve_queue *queue);
/* kw_sieve_queue_gather() - 16 more primes, the chance of a hit of each. Returns: drains that are needed
 * before. */
unsigned kw_sieve_queue_gather(struct kw_sieve_queue *queue, const double chances[16]);

#endif
