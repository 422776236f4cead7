/* waitlist - the calls of one serving thread that wait for a key pair, by spec, in order of arrival.
 *
 * Belongs to one thread. A call on the list has entered its pool's waiters; it is tried again on every tick.
 */
#ifndef KW_API_WAITLIST_H
#define KW_API_WAITLIST_H

#include "pool/spec.h"

struct kw_call;

struct kw_waitlist {
    struct {
        struct kw_call *first, *last;
    } line[KW_SPEC_NUM];
    unsigned num;
};

/* At the end of the line of call->wait_spec. */
void kw_waitlist_append(struct kw_waitlist *list, struct kw_call *call);
/* Back to the front, for one that was taken off and got nothing. */
void kw_waitlist_prepend(struct kw_waitlist *list, struct kw_call *call);
/* Takes the first one off; the line must not be empty. */
struct kw_call *kw_waitlist_take(struct kw_waitlist *list, enum kw_spec spec);
/* The first one, or NULL. */
static inline struct kw_call *kw_waitlist_first(const struct kw_waitlist *list, enum kw_spec spec)
{
    return list->line[spec].first;
}

#endif
