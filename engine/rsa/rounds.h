/* rounds - the Miller-Rabin rounds of candidates that passed the filter, in full batches.
 *
 * Each round of a candidate is a job of its own, with a base of its own: the rounds of one candidate and of
 * the next fill the lanes together. One owner thread.
 */
#ifndef KW_ENGINE_RSA_ROUNDS_H
#define KW_ENGINE_RSA_ROUNDS_H

#include "engine/rsa/search.h"

struct kw_rounds {
    struct kw_rsa_kit *kit;              /* borrowed */
    struct kw_search_queue queue;        /* in the order in which they came */
    uint64_t (*bases)[KW_RSA_PRIME_MAX]; /* one a lane */
    struct kw_search *lane[KW_LANES_MAX];
};

enum { KW_ROUNDS_NONE = 1, KW_ROUNDS_COMPOSITE = 2 };

KW_MUST_CHECK int kw_rounds_new(struct kw_rounds **ret, struct kw_rsa_kit *kit);
/* Wipes and frees; the searches are the finder's. NULL is fine. */
void kw_rounds_free(struct kw_rounds *rounds);

/* Rounds that wait for a batch. */
unsigned kw_rounds_jobs(const struct kw_rounds *rounds);
/* kw_rounds_batch() - runs as many of them as there are lanes. Returns: 0 | <0 */
KW_MUST_CHECK int kw_rounds_batch(struct kw_rounds *rounds);
/* kw_rounds_take() - the first candidate that is decided, which leaves the queue.
 * Returns: 0 (it passed all its rounds) | KW_ROUNDS_COMPOSITE | KW_ROUNDS_NONE (none is decided) */
KW_MUST_CHECK int kw_rounds_take(struct kw_rounds *rounds, struct kw_search **ret);

#endif
