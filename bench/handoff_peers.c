#include "bench/handoff.h"

#include "pool/idlist.h"

#include <ck_ring.h>
#include <ck_stack.h>
#include <pthread.h>

/* ---- ours ---- */

static struct kw_idlist list;
static _Atomic uint32_t links[KW_HANDOFF_ITEMS];

static void idlist_push(uint32_t item)
{
    kw_idlist_push(&list, links, item);
}

static uint32_t idlist_pop(void)
{
    uint32_t item = kw_idlist_pop(&list, links);

    return item == KW_IDLIST_END ? KW_HANDOFF_NONE : item;
}

static void idlist_open(void)
{
    kw_idlist_init(&list);
    for (uint32_t i = 0; i < KW_HANDOFF_ITEMS; i++)
        idlist_push(i);
}

const struct kw_handoff kw_handoff_idlist = {"idlist", idlist_open, idlist_pop, idlist_push};

/* ---- a mutex ---- */

static struct {
    KW_CACHE_ALIGN pthread_mutex_t lock;
    uint32_t items[KW_HANDOFF_ITEMS];
    size_t first, num;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void mutex_push(uint32_t item)
{
    pthread_mutex_lock(&queue.lock);
    queue.items[(queue.first + queue.num++) % KW_HANDOFF_ITEMS] = item;
    pthread_mutex_unlock(&queue.lock);
}

static uint32_t mutex_pop(void)
{
    uint32_t item = KW_HANDOFF_NONE;

    pthread_mutex_lock(&queue.lock);
    if (queue.num > 0) {
        item = queue.items[queue.first];
        queue.first = (queue.first + 1) % KW_HANDOFF_ITEMS;
        queue.num--;
    }
    pthread_mutex_unlock(&queue.lock);
    return item;
}

static void mutex_open(void)
{
    queue.num = 0;
    for (uint32_t i = 0; i < KW_HANDOFF_ITEMS; i++)
        mutex_push(i);
}

const struct kw_handoff kw_handoff_mutex = {"mutex", mutex_open, mutex_pop, mutex_push};

/* ---- Concurrency Kit ---- */

/* A ring holds one less than its size, a power of two. */
static ck_ring_t ring;
static ck_ring_buffer_t ring_buffer[2 * KW_HANDOFF_ITEMS];
static uint32_t numbers[KW_HANDOFF_ITEMS];

static void ring_push(uint32_t item)
{
    /* It never has more than there are, but a consumer that is stopped may make it look full. */
    while (!ck_ring_enqueue_mpmc(&ring, ring_buffer, &numbers[item]))
        ck_pr_stall();
}

static uint32_t ring_pop(void)
{
    void *found;

    return ck_ring_dequeue_mpmc(&ring, ring_buffer, &found) ? *(const uint32_t *)found : KW_HANDOFF_NONE;
}

static void ring_open(void)
{
    ck_ring_init(&ring, 2 * KW_HANDOFF_ITEMS);
    for (uint32_t i = 0; i < KW_HANDOFF_ITEMS; i++) {
        numbers[i] = i;
        ring_push(i);
    }
}

const struct kw_handoff kw_handoff_ck_ring = {"ck_ring", ring_open, ring_pop, ring_push};

static ck_stack_t stack;
static ck_stack_entry_t entries[KW_HANDOFF_ITEMS];

static void stack_push(uint32_t item)
{
    ck_stack_push_mpmc(&stack, &entries[item]);
}

static uint32_t stack_pop(void)
{
    ck_stack_entry_t *found = ck_stack_pop_mpmc(&stack);

    return found != NULL ? (uint32_t)(found - entries) : KW_HANDOFF_NONE;
}

static void stack_open(void)
{
    ck_stack_init(&stack);
    for (uint32_t i = 0; i < KW_HANDOFF_ITEMS; i++)
        stack_push(i);
}

const struct kw_handoff kw_handoff_ck_stack = {"ck_stack", stack_open, stack_pop, stack_push};
