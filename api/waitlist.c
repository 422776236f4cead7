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
