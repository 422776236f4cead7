/* waitlist - the calls of one serving thread that wait for a key pair, by spec, in order of arrival.
 *
 * Belongs to one thread. A call on the list has entered its pool's waiters; it is tried again on every tick.
 *
 * Between threads there is no line. Each publishes since when the first of its own has waited, and lets those
 * of the others that have waited longer go first, for a while: a thread that is stopped must not keep pairs
 * from the rest.
 */
#ifndef KW_API_WAITLIST_H
#define KW_API_WAITLIST_H

#include "pool/limits.h"
#include "pool/spec.h"

#include <stdatomic.h>

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

/* Since when the first in each line of a serving thread has waited; 0: nobody waits. Written by that thread,
 * read by all. */
struct kw_waithead {
    KW_CACHE_ALIGN _Atomic uint64_t since_ns[KW_SPEC_NUM];
};
/* To be called by the thread whose head it is, after its line has changed. */
void kw_waithead_publish(struct kw_waithead *head, const struct kw_waitlist *list, enum kw_spec spec);
/* How many of num heads tell of somebody who has waited longer than since since_ns. */
KW_MUST_CHECK unsigned kw_waithead_older(
    const struct kw_waithead *heads, unsigned num, enum kw_spec spec, uint64_t since_ns);

#endif
