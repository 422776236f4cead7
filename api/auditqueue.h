/* auditqueue - entries of the audit log in order, and the way back to those who submitted them.
 *
 * A queue has one owner thread; kw_audit_entries_return() is for any thread.
 */
#ifndef KW_API_AUDITQUEUE_H
#define KW_API_AUDITQUEUE_H

#include "api/audit.h"

/* All zero: empty. */
struct kw_auditqueue {
    struct kw_inbox_node *first;
    struct kw_inbox_node *last;
    size_t num;
};

/* Appends a list as an inbox gives it; NULL is none. */
void kw_auditqueue_append(struct kw_auditqueue *queue, struct kw_inbox_node *first);
/* Moves all of a queue behind another's. */
void kw_auditqueue_move(struct kw_auditqueue *from, struct kw_auditqueue *to);
/* Moves the first entry of a queue that is not empty. */
void kw_auditqueue_move_first(struct kw_auditqueue *from, struct kw_auditqueue *to);
/* Empties the queue and returns what was in it, a NULL-terminated list. */
struct kw_inbox_node *kw_auditqueue_take(struct kw_auditqueue *queue);
/* The first entry, or NULL. */
static inline struct kw_audit_entry *kw_auditqueue_first(const struct kw_auditqueue *queue)
{
    return queue->first == NULL ? NULL : KW_CONTAINER_OF(queue->first, struct kw_audit_entry, node);
}

/* Gives a list of entries back with a result, in order, waking each mailbox once. */
void kw_audit_entries_return(struct kw_inbox_node *first, int result);

#endif
