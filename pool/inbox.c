#include "pool/inbox.h"

void kw_inbox_init(struct kw_inbox *inbox)
{
    atomic_init(&inbox->head, NULL);
}

bool kw_inbox_push(struct kw_inbox *inbox, struct kw_inbox_node *node)
{
    struct kw_inbox_node *head = atomic_load_explicit(&inbox->head, memory_order_relaxed);

    /* R1: what the writer did to the object happens before A1 gives it to the reader. A head that came back
     * (ABA) does no harm: the link is set to the value that the exchange compares. */
    do {
        node->next = head;
    } while (!atomic_compare_exchange_weak_explicit(
        &inbox->head, &head, node, memory_order_release, memory_order_relaxed));
    return head == NULL;
}

struct kw_inbox_node *kw_inbox_take(struct kw_inbox *inbox)
{
    struct kw_inbox_node *newest, *oldest = NULL;

    /* An idle reader looks without taking the cache line from the writers. */
    if (atomic_load_explicit(&inbox->head, memory_order_relaxed) == NULL)
        return NULL;
    /* A1 pairs with R1 of every push in the list: each push is a read-modify-write, so all belong to one
     * release sequence or synchronise one by one through it. */
    newest = atomic_exchange_explicit(&inbox->head, NULL, memory_order_acquire);
    while (newest != NULL) {
        struct kw_inbox_node *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}
