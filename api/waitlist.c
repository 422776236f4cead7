#include "api/waitlist.h"

#include "api/call.h"

void kw_waitlist_append(struct kw_waitlist *list, struct kw_call *call)
{
    struct kw_call **end = &list->line[call->wait_spec].last;

    call->next = NULL;
    *(*end != NULL ? &(*end)->next : &list->line[call->wait_spec].first) = call;
    *end = call;
    list->num++;
}

void kw_waitlist_prepend(struct kw_waitlist *list, struct kw_call *call)
{
    call->next = list->line[call->wait_spec].first;
    list->line[call->wait_spec].first = call;
    if (call->next == NULL)
        list->line[call->wait_spec].last = call;
    list->num++;
}

struct kw_call *kw_waitlist_take(struct kw_waitlist *list, enum kw_spec spec)
{
    struct kw_call *call = list->line[spec].first;

    kw_assert(call != NULL);
    list->line[spec].first = call->next;
    if (call->next == NULL)
        list->line[spec].last = NULL;
    list->num--;
    return call;
}

void kw_waithead_publish(struct kw_waithead *head, const struct kw_waitlist *list, enum kw_spec spec)
{
    const struct kw_call *first = kw_waitlist_first(list, spec);
    uint64_t since_ns = first != NULL ? first->wait_since_ns : 0;

    /* Written only when it changes, so that the line stays shared. */
    if (atomic_load_explicit(&head->since_ns[spec], memory_order_relaxed) != since_ns)
        atomic_store_explicit(&head->since_ns[spec], since_ns, memory_order_relaxed);
}

unsigned kw_waithead_older(
    const struct kw_waithead *heads, unsigned num, enum kw_spec spec, uint64_t since_ns)
{
    unsigned older = 0;

    for (unsigned i = 0; i < num; i++) {
        uint64_t other_ns = atomic_load_explicit(&heads[i].since_ns[spec], memory_order_relaxed);

        older += other_ns != 0 && other_ns < since_ns;
    }
    return older;
}
