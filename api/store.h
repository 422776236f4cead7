/* store - the thread that owns the keystore, and the hand-off to it.
 *
 * A serving loop submits a request and goes on; the thread commits what has gathered (one transaction for
 * many requests), publishes the next snapshot and then posts each completion into the loop's inbox and wakes
 * its eventfd.
 */
#ifndef KW_API_STORE_H
#define KW_API_STORE_H

#include "api/keystore.h"
#include "pool/bell.h"
#include "pool/inbox.h"

/* Where completions go: an inbox and the eventfd that wakes its reader. The reader reads the eventfd first
 * and takes the inbox then: so no wake-up is lost, and the last post is over when the reader has seen it. */
struct kw_mailbox {
    struct kw_inbox inbox;
    int eventfd; /* non-blocking */
};
/* Opens the eventfd. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_mailbox_init(struct kw_mailbox *mailbox);
/* Closes it; the inbox is empty (asserted). */
void kw_mailbox_done(struct kw_mailbox *mailbox);
/* Any thread: pushes, and wakes the reader once for all that came since it last took. */
void kw_mailbox_post(struct kw_mailbox *mailbox, struct kw_inbox_node *node);

struct kw_store_request {
    struct kw_inbox_node node; /* first: used on the way there and back */
    struct kw_change change;   /* filled by the submitter; what it borrows lives until the completion */
    struct kw_mailbox *reply;  /* NULL: nobody is told */
    int result;                /* 0, a KW_STORE_ condition or <0, set before the completion */
};

struct kw_store;

/* kw_store_new() - takes the opened keystore over, loads the first snapshot into a cell and starts the
 * thread. Returns: 0 | KW_STORE_CORRUPT | <0 (the keystore is closed in any case) */
KW_MUST_CHECK int kw_store_new(struct kw_store **ret, struct kw_keystore *keystore);
/* Finishes what was submitted, stops the thread, closes the keystore. No reader is between acquire and
 * release (asserted). NULL is fine. */
void kw_store_free(struct kw_store *store);
/* Any thread. The request is back when the completion comes; without a mailbox to reply to it must outlive
 * the store. */
void kw_store_submit(struct kw_store *store, struct kw_store_request *request);
/* Submits and waits: for start-up and tests, never on a loop. Returns the result, or -EMFILE and the like if
 * it could not be submitted. */
KW_MUST_CHECK int kw_store_apply(struct kw_store *store, const struct kw_change *change);
struct kw_snapshot_cell *kw_store_cell(struct kw_store *store);
/* The bell that is rung when another time is the next at which something in the picture falls due. Whoever
 * waits for that may ring it too. */
struct kw_bell *kw_store_due_bell(struct kw_store *store);
/* Transactions that failed since start. */
uint64_t kw_store_failures(const struct kw_store *store);

#endif
