#include "api/store.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Changes in one transaction: enough that the disk's sync is shared by all that gathered meanwhile, few
 * enough that the first of them does not wait long for the last. */
#define GROUP_MAX 256

struct kw_store {
    struct kw_snapshot_cell cell;
    struct kw_inbox inbox;
    struct kw_bell bell;
    struct kw_keystore *keystore;
    const struct kw_snapshot *current; /* the thread's: what it published last, so nobody else frees it */
    struct kw_bell due_bell;
    int64_t due_ms; /* the thread's: when something is next due */
    pthread_t thread;
    _Atomic bool stop;
    _Atomic uint64_t failures;
};

/* Up to GROUP_MAX requests off the front of the list. */
struct group {
    struct kw_store_request *requests[GROUP_MAX];
    const struct kw_change *changes[GROUP_MAX];
    int results[GROUP_MAX];
    size_t num;
};

static void gather(struct group *group, struct kw_inbox_node **list)
{
    group->num = 0;
    while (*list != NULL && group->num < GROUP_MAX) {
        struct kw_store_request *request = KW_CONTAINER_OF(*list, struct kw_store_request, node);
        *list = (*list)->next;
        group->requests[group->num] = request;
        group->changes[group->num] = &request->change;
        group->results[group->num] = 0;
        group->num++;
    }
}

static int64_t first_due_ms(const struct kw_snapshot *snapshot)
{
    return kw_map_len(&snapshot->due) > 0 ? kw_kms_key_due_ms(kw_map_at(&snapshot->due, 0)) : INT64_MAX;
}

static void publish(struct kw_store *store, struct kw_snapshot *next)
{
    int64_t due_ms = first_due_ms(next);

    store->current = next;
    kw_snapshot_publish(&store->cell, next);
    if (due_ms != store->due_ms)
        kw_bell_ring(&store->due_bell);
    store->due_ms = due_ms;
}

/* The picture is published before anyone is told: who has been told sees the change. */
static void commit(struct kw_store *store, struct group *group)
{
    struct kw_snapshot *next = NULL;
    int r = store->keystore->ops->apply(
        store->keystore, store->current, group->changes, group->num, group->results, &next);

    if (r != 0)
        atomic_fetch_add_explicit(&store->failures, 1, memory_order_relaxed);
    if (next != NULL)
        publish(store, next);
    for (size_t i = 0; i < group->num; i++) {
        struct kw_store_request *request = group->requests[i];
        request->result = r != 0 ? r : group->results[i];
        /* The request is its submitter's again from here on. */
        if (request->reply != NULL)
            kw_mailbox_post(request->reply, &request->node);
    }
}

static void *run(void *arg)
{
    struct kw_store *store = arg;
    struct group group;

    for (;;) {
        /* The ticket first, then the looks: what comes after them has changed the ticket. */
        uint32_t ticket = kw_bell_ticket(&store->bell);
        bool stop = atomic_load_explicit(&store->stop, memory_order_acquire); /* S1 */
        struct kw_inbox_node *list = kw_inbox_take(&store->inbox);

        if (list == NULL && stop)
            return NULL;
        if (list == NULL)
            kw_bell_wait(&store->bell, ticket, UINT64_MAX);
        while (list != NULL) {
            gather(&group, &list);
            commit(store, &group);
        }
    }
}

/* Signals are for the main thread; this one inherits a mask in which all are blocked. */
static int start_thread(struct kw_store *store)
{
    sigset_t all, old;
    int r;

    kw_signals_of_threads(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&store->thread, NULL, run, store);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r == 0)
        pthread_setname_np(store->thread, "keystore");
    return -r;
}

static struct kw_store *allocate(void)
{
    struct kw_store *store = aligned_alloc(_Alignof(struct kw_store), sizeof(*store));

    if (store == NULL)
        return NULL;
    kw_snapshot_cell_init(&store->cell);
    kw_inbox_init(&store->inbox);
    kw_bell_init(&store->bell);
    store->current = NULL;
    store->due_ms = INT64_MAX;
    kw_bell_init(&store->due_bell);
    atomic_init(&store->stop, false);
    atomic_init(&store->failures, 0);
    return store;
}

static void release(struct kw_store *store)
{
    kw_snapshot_cell_done(&store->cell);
    store->keystore->ops->close(store->keystore);
    free(store);
}

int kw_store_new(struct kw_store **ret, struct kw_keystore *keystore)
{
    struct kw_store *store = allocate();
    struct kw_snapshot *first = NULL;

    if (store == NULL) {
        keystore->ops->close(keystore);
        return -ENOMEM;
    }
    store->keystore = keystore;
    int r = keystore->ops->load(keystore, &first);
    if (r == 0) {
        publish(store, first);
        r = start_thread(store);
    }
    if (r != 0) {
        release(store);
        return r;
    }
    *ret = store;
    return 0;
}

void kw_store_free(struct kw_store *store)
{
    if (store == NULL)
        return;
    /* S2 pairs with S1: what was submitted before is in the inbox that is taken after S1. */
    atomic_store_explicit(&store->stop, true, memory_order_release); /* S2 */
    kw_bell_ring(&store->bell);
    pthread_join(store->thread, NULL);
    release(store);
}

void kw_store_submit(struct kw_store *store, struct kw_store_request *request)
{
    if (kw_inbox_push(&store->inbox, &request->node))
        kw_bell_ring(&store->bell);
}

/* Waits for the one completion that is to come. The eventfd first: when it has been read, the poster is done
 * with the mailbox. */
static void wait_for(struct kw_mailbox *mailbox)
{
    struct pollfd pollfd = {.fd = mailbox->eventfd, .events = POLLIN};
    uint64_t count;

    while (read(mailbox->eventfd, &count, sizeof(count)) != sizeof(count)) {
        kw_assert(errno == EAGAIN || errno == EINTR);
        (void)poll(&pollfd, 1, -1);
    }
    kw_assert(kw_inbox_take(&mailbox->inbox) != NULL);
}

int kw_store_apply(struct kw_store *store, const struct kw_change *change)
{
    struct kw_mailbox mailbox;
    struct kw_store_request request = {.change = *change, .reply = &mailbox};

    KW_TRY(kw_mailbox_init(&mailbox));
    kw_store_submit(store, &request);
    wait_for(&mailbox);
    kw_mailbox_done(&mailbox);
    return request.result;
}

struct kw_snapshot_cell *kw_store_cell(struct kw_store *store)
{
    return &store->cell;
}

struct kw_bell *kw_store_due_bell(struct kw_store *store)
{
    return &store->due_bell;
}

uint64_t kw_store_failures(const struct kw_store *store)
{
    return atomic_load_explicit(&store->failures, memory_order_relaxed);
}
