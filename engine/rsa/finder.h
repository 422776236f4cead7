/* finder - many searches in step: from random numbers to candidates that passed the sieve and the base-2
 * filter.
 *
 * As many searches as the kernel has lanes are tested at once; each lane goes along its own progression. When
 * a search leaves its lane, the next one that is ready takes it; when none is ready, a new group is drawn and
 * sieved, together with the searches whose window has come to its end. One owner thread.
 */
#ifndef KW_ENGINE_RSA_FINDER_H
#define KW_ENGINE_RSA_FINDER_H

#include "engine/rsa/auxiliary.h"
#include "engine/rsa/search.h"

/* In the open for the tests, which force what does not happen by chance. */
struct kw_finder {
    struct kw_rsa_kit *kit; /* borrowed */
    struct kw_auxiliary *auxiliary;
    const struct kw_sieve *sieve; /* shared by the process */
    void *sieve_scratch;
    uint64_t *starts; /* of the auxiliary primes that are looked for at once */
    struct kw_search *searches;
    unsigned num_searches;
    struct kw_search *lane[KW_LANES_MAX]; /* under the filter; NULL: empty */
    struct kw_search_queue unused;        /* all zero */
    struct kw_search_queue drawn;         /* have r1 and r2 and want an X */
    struct kw_search_queue unsieved;      /* have a window that is not sieved yet */
    struct kw_search_queue ready;         /* have a candidate for the filter */
};

/* kit: outlives the finder. Everything is allocated here. Returns: 0 | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_finder_new(struct kw_finder **ret, struct kw_rsa_kit *kit);
/* Wipes and frees, those searches too that others have in hand. NULL is fine. */
void kw_finder_free(struct kw_finder *finder);

/* kw_finder_work() - one unit of work: auxiliary primes, or a group sieved, or a batch filtered.
 * Out: candidates that passed the filter are pushed on ret_passed, and are the caller's until given back by
 * one of the two calls below. Returns: 0 | <0 */
KW_MUST_CHECK int kw_finder_work(struct kw_finder *finder, struct kw_search_queue *ret_passed);
/* The candidate was composite: the search goes on behind it. */
void kw_finder_resume(struct kw_finder *finder, struct kw_search *search);
/* The search is wiped, and what it found with it. */
void kw_finder_release(struct kw_finder *finder, struct kw_search *search);

#endif
