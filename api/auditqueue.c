#include "api/auditqueue.h"

#include <sys/eventfd.h>

/* Distinct mailboxes woken per list before the first of them may be woken twice: serving loops, one per
 * core. */
#define WAKES_MAX 64

void kw_auditqueue_append(struct kw_auditqueue *queue, struct kw_inbox_node *first)
{
    if (first == NULL)
        return;
    if (queue->first == NULL)
        queue->first = first;
    else
        queue->last->next = first;
    for (;; first = first->next) {
        queue->num++;
        if (first->next == NULL)
            break;
    }
    queue->last = first;
}

void kw_auditqueue_move(struct kw_auditqueue *from, struct kw_auditqueue *to)
{
    if (from->first == NULL)
        return;
    if (to->first == NULL)
        to->first = from->first;
    else
        to->last->next = from->first;
    to->last = from->last;
    to->num += from->num;
    *from = (struct kw_auditqueue){0};
}

void kw_auditqueue_move_first(struct kw_auditqueue *from, struct kw_auditqueue *to)
{
    struct kw_inbox_node *node = from->first;

    from->first = node->next;
    from->num--;
    node->next = NULL;
    if (to->first == NULL)
        to->first = node;
    else
        to->last->next = node;
    to->last = node;
    to->num++;
}

struct kw_inbox_node *kw_auditqueue_take(struct kw_auditqueue *queue)
{
    struct kw_inbox_node *first = queue->first;

    *queue = (struct kw_auditqueue){0};
    return first;
}

/* ---- the way back ---- */

struct wakes {
    struct kw_mailbox *owed[WAKES_MAX];
    size_t num;
};

static void wakes_pay(struct wakes *wakes)
{
    for (size_t i = 0; i < wakes->num; i++)
        eventfd_write(wakes->owed[i]->eventfd, 1);
    wakes->num = 0;
}

static void wakes_add(struct wakes *wakes, struct kw_mailbox *mailbox)
{
    for (size_t i = 0; i < wakes->num; i++) {
        if (wakes->owed[i] == mailbox)
            return;
    }
    if (wakes->num == WAKES_MAX)
        wakes_pay(wakes);
    wakes->owed[wakes->num++] = mailbox;
}

void kw_audit_entries_return(struct kw_inbox_node *first, int result)
{
    struct wakes wakes = {.num = 0};

    while (first != NULL) {
        struct kw_audit_entry *entry = KW_CONTAINER_OF(first, struct kw_audit_entry, node);
        struct kw_mailbox *reply = entry->reply;

        first = first->next; /* once pushed, the entry is somebody else's */
        entry->result = result;
        if (kw_inbox_push(&reply->inbox, &entry->node))
            wakes_add(&wakes, reply);
    }
    wakes_pay(&wakes);
}
