/* sieve_ifma_mark - sets the bits of the hits in a map that lies in four registers.
 */
#ifndef KW_ENGINE_X86_SIEVE_IFMA_MARK_H
#define KW_ENGINE_X86_SIEVE_IFMA_MARK_H

#include "engine/x86/sieve_ifma_queue.h"
#include "engine/x86/sieve_ifma_table.h"

/* One progression's marks so far. Secret. */
struct kw_sieve_marks {
    __m512i map[4];      /* bit set: a prime divides the member */
    __m512i queue[2];    /* gathered hits, from the left; empty places are all ones */
    __m512i drained;     /* the last ones taken from the queue */
    uint64_t num_queued; /* at most KW_SIEVE_QUEUE */
};

void kw_sieve_ifma_mark_begin(struct kw_sieve_marks *marks);
/* The hits of a block: num_parts * KW_SIEVE_PAIRS vectors. */
void kw_sieve_ifma_mark(
    struct kw_sieve_marks *marks, const struct kw_sieve_block *block, const __m512i *hits);
/* ret_map: bit set: no prime divides the member. gathered: whether a block gathered hits. */
void kw_sieve_ifma_mark_end(struct kw_sieve_marks *marks, uint64_t *ret_map, bool gathered);

#endif
