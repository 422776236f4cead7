/* idlist - a Treiber stack of indices with a tagged head.
 *
 * Why the generation is enough: pop reads the head (index i, generation g), then links[i], then swaps the
 * head for (links[i], g+1). If i left the list in between, each way back to "i on top" is at least one
 * successful swap, which raised the generation, so the swap fails although the index is the same (the ABA
 * case). The link read in that case may be stale or belong to another list; it is thrown away with the failed
 * swap. That is also why the links are atomics: such a read races with the new owner's write, by design, and
 * both are relaxed.
 *
 * The generation has 64 - KW_SLOT_INDEX_BITS bits; limits.h says how long they last.
 */
#include "pool/idlist.h"

static uint32_t index_of(uint64_t head)
{
    return (uint32_t)head & KW_SLOTS_MAX;
}

/* The head that follows: one generation on (it wraps in the upper bits by itself). */
static uint64_t next_head(uint64_t head, uint32_t index)
{
    uint64_t generation = (head >> KW_SLOT_INDEX_BITS) + 1;
    return generation << KW_SLOT_INDEX_BITS | index;
}

void kw_idlist_init(struct kw_idlist *list)
{
    atomic_init(&list->head, KW_IDLIST_END);
}

void kw_idlist_push(struct kw_idlist *list, _Atomic uint32_t *links, uint32_t index)
{
    kw_assert(index < KW_SLOTS_MAX);
    uint64_t head = atomic_load_explicit(&list->head, memory_order_relaxed);
    do {
        atomic_store_explicit(&links[index], index_of(head), memory_order_relaxed);
        /* L1 pairs with L2 (and L3) in kw_idlist_pop(): the link above and all that the caller wrote to the
         * slot are seen by whoever reads this head. A later swap by any thread is a read-modify-write, so the
         * head stays in this store's release sequence and an index deep in the list is covered as well. */
    } while (!atomic_compare_exchange_weak_explicit(
        &list->head, &head, next_head(head, index), memory_order_release, memory_order_relaxed));
}

uint32_t kw_idlist_pop(struct kw_idlist *list, _Atomic uint32_t *links)
{
    uint32_t next;

    return kw_idlist_pop_next(list, links, &next);
}

uint32_t kw_idlist_peek(const struct kw_idlist *list)
{
    return index_of(atomic_load_explicit(&list->head, memory_order_relaxed));
}

uint32_t kw_idlist_pop_next(struct kw_idlist *list, _Atomic uint32_t *links, uint32_t *ret_next)
{
    /* L2 pairs with L1 in kw_idlist_push(): links[index] is read after the head that names it. */
    uint64_t head = atomic_load_explicit(&list->head, memory_order_acquire);
    for (;;) {
        uint32_t index = index_of(head);
        if (index == KW_IDLIST_END)
            return KW_IDLIST_END;
        uint32_t next = atomic_load_explicit(&links[index], memory_order_relaxed);
        /* L3 pairs with L1: on failure the new head is the one whose link is read next; on success the slot's
         * content is the pusher's. */
        if (atomic_compare_exchange_weak_explicit(
                &list->head, &head, next_head(head, next), memory_order_acquire, memory_order_acquire)) {
            *ret_next = next;
            return index;
        }
    }
}
