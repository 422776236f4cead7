#include "api/loop.h"

#include "api/conn.h"
#include "api/log.h"
#include "pool/secmem.h"

#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RING_ENTRIES 1024u
/* Secret memory mapped for a serving thread at its start: buffers in flight, OpenSSL's contexts. */
#define THREAD_RESERVE (4u * 1024u * 1024u)
/* How often deadlines are looked at while nothing else happens. */
#define IDLE_TURN_NS  (1000u * 1000u * 1000u)
#define TIMER_TURN_NS (100u * 1000u * 1000u)
/* For the answers to those who were told at the last moment. */
#define LAST_ANSWERS_NS (1000u * 1000u * 1000u)
#define ACCEPT_PAUSE_NS (100u * 1000u * 1000u)

struct start {
    struct kw_loop *loop;
    sem_t ready;
};

static void arm_accept(struct kw_loop *loop)
{
    struct io_uring_sqe *sqe = kw_ring_sqe(&loop->ring, &loop->accept_done);

    io_uring_prep_multishot_accept(sqe, loop->config.listen_fd, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data(sqe, &loop->accept_done);
    loop->accepting = true;
}

static void on_accept(struct kw_completion *completion, int result, uint32_t flags)
{
    struct kw_loop *loop = KW_CONTAINER_OF(completion, struct kw_loop, accept_done);

    /* Without the flag the kernel has stopped accepting. */
    if (!(flags & IORING_CQE_F_MORE))
        loop->accepting = false;
    if (result < 0) {
        /* Out of descriptors, most likely: it would fail again at once, and for as long as nobody leaves. */
        loop->accept_after_ns = kw_now_ns() + ACCEPT_PAUSE_NS;
        return;
    }
    if (loop->draining || loop->num_conns >= loop->config.connections_max) {
        atomic_fetch_add_explicit(&loop->config.stats->refused, 1, memory_order_relaxed);
        close(result);
        return;
    }
    atomic_fetch_add_explicit(&loop->config.stats->accepted, 1, memory_order_relaxed);
    kw_conn_open(loop, result);
}

/* ---- buffers ---- */

static int open_buffers(struct kw_loop *loop)
{
    struct io_uring_buf_reg reg = {.ring_entries = KW_RECV_BUFFERS, .bgid = 0};
    void *ring_memory = aligned_alloc(4096, 4096);

    static_assert(KW_RECV_BUFFERS * sizeof(struct io_uring_buf) <= 4096, "the ring fits its page");
    loop->buffer_memory = kw_secmem_alloc((size_t)KW_RECV_BUFFERS * KW_RECV_BUFFER);
    if (ring_memory == NULL || loop->buffer_memory == NULL) {
        free(ring_memory);
        return -ENOMEM;
    }
    memset(ring_memory, 0, 4096);
    loop->buffers = ring_memory;
    reg.ring_addr = (uintptr_t)ring_memory;
    KW_TRY(io_uring_register_buf_ring(&loop->ring.uring, &reg, 0));
    io_uring_buf_ring_init(loop->buffers);
    for (unsigned i = 0; i < KW_RECV_BUFFERS; i++)
        io_uring_buf_ring_add(loop->buffers, loop->buffer_memory + (size_t)i * KW_RECV_BUFFER, KW_RECV_BUFFER,
            (unsigned short)i, io_uring_buf_ring_mask(KW_RECV_BUFFERS), (int)i);
    io_uring_buf_ring_advance(loop->buffers, KW_RECV_BUFFERS);
    return 0;
}

void kw_loop_give_buffer(struct kw_loop *loop, unsigned id, size_t used)
{
    uint8_t *buffer = loop->buffer_memory + (size_t)id * KW_RECV_BUFFER;

    kw_assert(id < KW_RECV_BUFFERS);
    kw_erase(buffer, used);
    io_uring_buf_ring_add(loop->buffers, buffer, KW_RECV_BUFFER, (unsigned short)id,
        io_uring_buf_ring_mask(KW_RECV_BUFFERS), 0);
    io_uring_buf_ring_advance(loop->buffers, 1);
}

/* ---- mailboxes ---- */

static void arm_mailbox(struct kw_loop_mailbox *box)
{
    struct io_uring_sqe *sqe = kw_ring_sqe(&box->loop->ring, &box->completion);

    io_uring_prep_read(sqe, box->mailbox->eventfd, &box->counter, sizeof(box->counter), 0);
    io_uring_sqe_set_data(sqe, &box->completion);
    box->armed = true;
}

static void on_mail(struct kw_completion *completion, int result, uint32_t flags)
{
    struct kw_loop_mailbox *box = KW_CONTAINER_OF(completion, struct kw_loop_mailbox, completion);
    struct kw_inbox_node *node = kw_inbox_take(&box->mailbox->inbox);

    (void)result;
    (void)flags;
    while (node != NULL) {
        struct kw_inbox_node *next = node->next;

        box->mail(box->arg, node);
        node = next;
    }
    arm_mailbox(box);
}

void kw_loop_add_mailbox(
    struct kw_loop *loop, struct kw_mailbox *mailbox, void (*mail)(void *, struct kw_inbox_node *), void *arg)
{
    struct kw_loop_mailbox *box = &loop->mailboxes[loop->num_mailboxes];

    kw_assert(loop->num_mailboxes < KW_LOOP_MAILBOXES);
    loop->num_mailboxes++;
    *box = (struct kw_loop_mailbox){
        .completion.run = on_mail, .loop = loop, .mailbox = mailbox, .mail = mail, .arg = arg};
    arm_mailbox(box);
}

/* ---- the clock ---- */

struct kw_bytes kw_loop_date(struct kw_loop *loop)
{
    if (loop->now_ns >= loop->date_until_ns) {
        int64_t now_ms = kw_wall_ms();
        time_t now = (time_t)(now_ms / 1000);
        struct tm tm;

        gmtime_r(&now, &tm);
        strftime(loop->date_text, sizeof(loop->date_text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        loop->date_until_ns = loop->now_ns + (uint64_t)(1000 - now_ms % 1000) * 1000000u;
    }
    return kw_bytes_str(loop->date_text);
}

static void expire(struct kw_loop *loop)
{
    for (unsigned i = 0; i < KW_TIMER_NUM; i++) {
        while (loop->timers[i].first != NULL && kw_conn_deadline(loop->timers[i].first) <= loop->now_ns)
            kw_conn_timeout(loop->timers[i].first);
    }
}

static void drain_list(struct kw_conn_list *list, void (*tell)(struct kw_conn *))
{
    struct kw_conn *conn = list->first;

    while (conn != NULL) {
        struct kw_conn *next = kw_conn_next(conn);

        tell(conn);
        conn = next;
    }
}

static void for_each_conn(struct kw_loop *loop, void (*tell)(struct kw_conn *))
{
    for (unsigned i = 0; i < KW_TIMER_NUM; i++)
        drain_list(&loop->timers[i], tell);
    drain_list(&loop->handling, tell);
}

static void begin_drain(struct kw_loop *loop)
{
    loop->draining = true;
    loop->drain_deadline_ns = loop->now_ns + (uint64_t)KW_DRAIN_MS * 1000000u;
    /* Ends the accept on the ring, and the queue of connections not yet accepted is refused by the kernel. */
    (void)shutdown(loop->config.listen_fd, SHUT_RDWR);
    for_each_conn(loop, kw_conn_drain);
}

/* What waits is answered now; who does not read his answer or never ends his request is cut off. */
static void cut_short(struct kw_loop *loop)
{
    if (loop->config.handler->give_up != NULL)
        loop->config.handler->give_up(loop->ctx);
    for (unsigned i = 0; i < KW_TIMER_NUM; i++) {
        if (i != KW_TIMER_SEND || loop->now_ns > loop->drain_deadline_ns + LAST_ANSWERS_NS)
            drain_list(&loop->timers[i], kw_conn_abort);
    }
}

static uint64_t turn_timeout(const struct kw_loop *loop, bool ticking)
{
    if (loop->put_off.first != NULL)
        return 0;
    if (ticking)
        return (uint64_t)KW_POOL_RECHECK_MS * 1000000u;
    return loop->num_conns > 0 || loop->draining || !loop->accepting ? TIMER_TURN_NS : IDLE_TURN_NS;
}

static int serve(struct kw_loop *loop)
{
    const struct kw_handler *handler = loop->config.handler;
    bool ticking = false;

    while (!loop->draining || loop->num_conns > 0) {
        KW_TRY(kw_ring_turn(&loop->ring, turn_timeout(loop, ticking)));
        kw_conn_run_put_off(loop);
        loop->now_ns = kw_now_ns();
        atomic_store_explicit(
            &loop->config.stats->turned_ns[loop->config.index], loop->now_ns, memory_order_relaxed);
        ticking = handler->tick != NULL && handler->tick(loop->ctx, loop->now_ns);
        expire(loop);
        if (atomic_load_explicit(&loop->drain_asked, memory_order_acquire) && !loop->draining)
            begin_drain(loop);
        if (loop->draining && loop->now_ns > loop->drain_deadline_ns)
            cut_short(loop);
        if (!loop->accepting && !loop->draining && loop->now_ns >= loop->accept_after_ns)
            arm_accept(loop);
        if (handler->end_turn != NULL)
            handler->end_turn(loop->ctx);
    }
    return 0;
}

/* ---- the thread ---- */

static void on_control(void *arg, struct kw_inbox_node *node)
{
    (void)arg; /* the wake-up is the message */
    (void)node;
}

static int pin(int cpu)
{
    cpu_set_t set;

    if (cpu < 0)
        return 0;
    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

static int prepare(struct kw_loop *loop)
{
    int r = kw_secmem_thread_init(THREAD_RESERVE);

    if (r == 0)
        r = pin(loop->config.cpu);
    if (r == 0)
        r = kw_ring_open(&loop->ring, RING_ENTRIES);
    if (r == 0)
        r = open_buffers(loop);
    if (r < 0) {
        snprintf(loop->why, sizeof(loop->why), "a serving thread cannot start: %s%s", strerror(-r),
            r == -ENOMEM ? " (is the limit of locked memory, ulimit -l, too low for io_uring?)" : "");
        return r;
    }
    kw_loop_add_mailbox(loop, &loop->control, on_control, loop);
    loop->now_ns = kw_now_ns();
    r = loop->config.handler->start(loop->config.shared, loop, &loop->ctx, loop->why, sizeof(loop->why));
    if (r == 0)
        arm_accept(loop);
    return r;
}

static void release(struct kw_loop *loop)
{
    if (loop->ctx != NULL)
        loop->config.handler->stop(loop->ctx);
    kw_ring_close(&loop->ring);
    kw_spares_done(&loop->spares);
    free(loop->buffers);
    kw_secmem_free(loop->buffer_memory);
    kw_secmem_thread_done();
}

static void *run(void *arg)
{
    struct start *start = arg;
    struct kw_loop *loop = start->loop;
    int r = prepare(loop);

    loop->start_result = r;
    pthread_setname_np(pthread_self(), loop->config.name);
    sem_post(&start->ready); /* start is gone after this */
    if (r == 0)
        r = serve(loop);
    atomic_store_explicit(&loop->config.stats->turned_ns[loop->config.index], 0, memory_order_relaxed);
    if (r < 0 && loop->start_result == 0) {
        /* A ring that fails in service cannot be told from memory gone wrong: better no server than a
         * half-deaf one. */
        kw_log(KW_LOG_ERROR, "loop-failed", "error=\"%s\"", strerror(-r));
        abort();
    }
    release(loop);
    return NULL;
}

static void loop_free(struct kw_loop *loop)
{
    kw_mailbox_done(&loop->control);
    free(loop);
}

/* Signals belong to the main thread. */
static int spawn(struct kw_loop *loop, struct start *start)
{
    sigset_t all, old;
    int r;

    kw_signals_of_threads(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&loop->thread, NULL, run, start);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return -r;
}

int kw_loop_start(struct kw_loop **ret, const struct kw_loop_config *config, char *why, size_t why_cap)
{
    struct kw_loop *loop =
        aligned_alloc(KW_CACHE_LINE, (sizeof(*loop) + KW_CACHE_LINE - 1) & ~(KW_CACHE_LINE - 1));
    struct start start = {.loop = loop};
    int r;

    if (loop == NULL)
        return -ENOMEM;
    memset(loop, 0, sizeof(*loop));
    loop->config = *config;
    loop->accept_done.run = on_accept;
    r = kw_mailbox_init(&loop->control);
    if (r < 0) {
        free(loop);
        return r;
    }
    sem_init(&start.ready, 0, 0);
    r = spawn(loop, &start);
    if (r == 0) {
        while (sem_wait(&start.ready) < 0)
            ;
        r = loop->start_result;
        if (r < 0)
            pthread_join(loop->thread, NULL);
    }
    sem_destroy(&start.ready);
    if (r < 0) {
        snprintf(why, why_cap, "%s", loop->why);
        loop_free(loop);
        return r;
    }
    *ret = loop;
    return 0;
}

void kw_loop_drain(struct kw_loop *loop)
{
    uint64_t one = 1;

    atomic_store_explicit(
        &loop->drain_asked, true, memory_order_release); /* pairs with the load in serve() */
    (void)!write(loop->control.eventfd, &one, sizeof(one));
}

void kw_loop_join(struct kw_loop *loop)
{
    if (loop == NULL)
        return;
    pthread_join(loop->thread, NULL);
    close(loop->config.listen_fd);
    loop_free(loop);
}
