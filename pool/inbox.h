/* inbox - an intrusive queue with many writers and one reader, lock-free, for whole objects that change
 * owner.
 *
 * kw_inbox_push() is one compare-and-swap loop on the head; kw_inbox_take() exchanges the whole list and
 * turns it round, so items come out in the order of their pushes. A writer stopped before its swap has
 * published nothing and blocks nobody.
 */
#ifndef KW_POOL_INBOX_H
#define KW_POOL_INBOX_H

#include "pool/base.h"

#include <stdatomic.h>

struct kw_inbox_node {
    struct kw_inbox_node *next;
};

struct kw_inbox {
    KW_CACHE_ALIGN _Atomic(struct kw_inbox_node *) head; /* newest first */
};

void kw_inbox_init(struct kw_inbox *inbox);
/* Any thread. The node belongs to the inbox until taken. Returns true if the inbox was empty: the caller then
 * wakes the reader (once per batch instead of once per item). */
bool kw_inbox_push(struct kw_inbox *inbox, struct kw_inbox_node *node);
/* The reader only. Returns the oldest node of a NULL-terminated list in order of pushes, or NULL. */
struct kw_inbox_node *kw_inbox_take(struct kw_inbox *inbox);

#endif
