/* idlist - a lock-free list of slot indices (a Treiber stack with a tagged head).
 *
 * The head is one 64-bit word: an index of KW_SLOT_INDEX_BITS bits and a generation in the rest, which every
 * successful compare-and-swap raises, so that a head which left and came back is not mistaken for the old
 * one. The links are an array beside the slots, one relaxed atomic each, shared by all lists over the same
 * slots: an index is on at most one list at a time. Memory of links is never unmapped while a list lives, so
 * a reader that was stopped for long reads a stale link at worst and its compare-and-swap then fails.
 *
 * Lock-free: a thread stopped between any two instructions never keeps another from pushing or popping. Push
 * and pop are one successful compare-and-swap each. Any thread may call either.
 */
#ifndef KW_POOL_IDLIST_H
#define KW_POOL_IDLIST_H

#include "pool/base.h"
#include "pool/limits.h"

#include <stdatomic.h>

#define KW_IDLIST_END KW_SLOTS_MAX /* not an index */

struct kw_idlist {
    KW_CACHE_ALIGN _Atomic uint64_t head;
};
static_assert(sizeof(struct kw_idlist) == KW_CACHE_LINE, "two lists must not share a line");

void kw_idlist_init(struct kw_idlist *list);
/* index < KW_SLOTS_MAX, owned by the caller and on no list; the push gives it away. Release: what the caller
 * wrote to the slot is seen by whoever pops the index. */
void kw_idlist_push(struct kw_idlist *list, _Atomic uint32_t *links, uint32_t index);
/* Returns an index that now belongs to the caller, or KW_IDLIST_END if the list is empty. Acquire. */
KW_MUST_CHECK uint32_t kw_idlist_pop(struct kw_idlist *list, _Atomic uint32_t *links);
/* The same. Out: ret_next, the index that is on top now unless someone came in between, or KW_IDLIST_END; for
 * prefetching. Written only if an index is returned. */
KW_MUST_CHECK uint32_t kw_idlist_pop_next(
    struct kw_idlist *list, _Atomic uint32_t *links, uint32_t *ret_next);

/* The index on top at some moment, or KW_IDLIST_END: for prefetching. */
uint32_t kw_idlist_peek(const struct kw_idlist *list);

#endif
