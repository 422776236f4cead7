/* The wire on io_uring: one system call a turn sends what was queued and brings what has come. */
#include "tools/loadworker.h"

#include <liburing.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ENTRIES     1024u
#define BUFFERS     512u /* a power of two */
#define BUFFER_LEN  8192u
#define GROUP       1
#define CONNECT_END 1u
#define SEND_END    2u
#define RECEIVE_END 3u

struct state {
    struct io_uring ring;
    struct io_uring_buf_ring *free; /* given to the kernel */
    uint8_t *buffers;
};

/* ---- life ---- */

static void give_back(struct state *state, unsigned buffer)
{
    io_uring_buf_ring_add(state->free, state->buffers + (size_t)buffer * BUFFER_LEN, BUFFER_LEN,
        (unsigned short)buffer, io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(state->free, 1);
}

static int give_buffers(struct state *state)
{
    size_t len = BUFFERS * sizeof(struct io_uring_buf);
    struct io_uring_buf_reg registration = {.ring_entries = BUFFERS, .bgid = GROUP};
    void *shared = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);

    state->buffers = malloc((size_t)BUFFERS * BUFFER_LEN);
    KW_REQUIRE(state->buffers != NULL && shared != MAP_FAILED, -ENOMEM);
    state->free = shared;
    registration.ring_addr = (uint64_t)(uintptr_t)shared;
    KW_TRY(io_uring_register_buf_ring(&state->ring, &registration, 0));
    io_uring_buf_ring_init(state->free);
    for (unsigned i = 0; i < BUFFERS; i++)
        give_back(state, i);
    return 0;
}

static void free_state(struct state *state)
{
    if (state->free != NULL)
        (void)munmap(state->free, BUFFERS * sizeof(struct io_uring_buf));
    free(state->buffers);
    free(state);
}

static int open_wire(struct kw_load_worker *worker)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = 4 * ENTRIES};
    struct state *state = calloc(1, sizeof(*state));
    int r;

    KW_REQUIRE(state != NULL, -ENOMEM);
    /* Without deferred task work (Linux before 6.1) epoll is as good. */
    r = io_uring_queue_init_params(ENTRIES, &state->ring, &params);
    if (r < 0) {
        free_state(state);
        return r;
    }
    r = give_buffers(state);
    if (r < 0) {
        io_uring_queue_exit(&state->ring);
        free_state(state);
        return r;
    }
    worker->wire_state = state;
    return 0;
}

static void close_wire(struct kw_load_worker *worker)
{
    struct state *state = worker->wire_state;

    io_uring_queue_exit(&state->ring);
    free_state(state);
    worker->wire_state = NULL;
}

/* ---- operations ---- */

/* Which connection, in which of its lives, and what for. */
static uint64_t tag(const struct kw_load_conn *conn, unsigned what)
{
    return (uint64_t)(conn - conn->worker->conns) << 32 | (uint64_t)(conn->generation & 0xffffffu) << 8 |
           what;
}

static struct io_uring_sqe *entry(struct state *state)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&state->ring);

    while (sqe == NULL) {
        (void)io_uring_submit(&state->ring);
        sqe = io_uring_get_sqe(&state->ring);
    }
    return sqe;
}

static int connect_wire(struct kw_load_conn *conn)
{
    const struct kw_load_endpoint *endpoint = &conn->worker->plan->endpoint;
    struct io_uring_sqe *sqe = entry(conn->worker->wire_state);

    io_uring_prep_connect(sqe, conn->fd, (const struct sockaddr *)&endpoint->address, endpoint->address_len);
    io_uring_sqe_set_data64(sqe, tag(conn, CONNECT_END));
    return 0;
}

static void receive(struct kw_load_conn *conn)
{
    struct io_uring_sqe *sqe = entry(conn->worker->wire_state);

    io_uring_prep_recv_multishot(sqe, conn->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    io_uring_sqe_set_data64(sqe, tag(conn, RECEIVE_END));
}

static void send_wire(struct kw_load_conn *conn)
{
    struct io_uring_sqe *sqe = entry(conn->worker->wire_state);

    io_uring_prep_send(sqe, conn->fd, conn->out + conn->out_done, conn->out_len - conn->out_done,
        MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_data64(sqe, tag(conn, SEND_END));
    conn->sending = true;
    /* A request has been sent when its answer comes; only a handshake's messages follow each other. */
    if (conn->state == KW_LOAD_BUSY) {
        io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
        conn->out_done = conn->out_len;
    }
}

static void drop(struct kw_load_conn *conn)
{
    struct state *state = conn->worker->wire_state;

    /* What was queued names the socket by its number, which may soon be another's; what is under way ends. */
    (void)io_uring_submit(&state->ring);
    (void)shutdown(conn->fd, SHUT_RDWR);
}

/* ---- completions ---- */

static void sent(struct kw_load_conn *conn, int result)
{
    if (result < 0) {
        kw_load_ended(conn, result);
        return;
    }
    conn->out_done += (size_t)result;
    conn->sending = false;
    if (conn->out_done == conn->out_len)
        conn->out_done = conn->out_len = 0;
    else
        send_wire(conn);
}

static void received(struct state *state, struct kw_load_conn *conn, const struct io_uring_cqe *cqe)
{
    uint32_t generation = conn->generation;
    unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;

    if (cqe->res > 0) {
        kw_load_received(conn, KW_BYTES(state->buffers + (size_t)buffer * BUFFER_LEN, (size_t)cqe->res));
    } else if (cqe->res != -ENOBUFS) {
        kw_load_ended(conn, cqe->res);
        return;
    }
    if ((cqe->flags & IORING_CQE_F_MORE) == 0 && conn->generation == generation)
        receive(conn);
}

static void handle(struct kw_load_worker *worker, const struct io_uring_cqe *cqe)
{
    struct state *state = worker->wire_state;
    struct kw_load_conn *conn = &worker->conns[cqe->user_data >> 32];
    bool current = cqe->user_data >> 8 << 8 == tag(conn, 0);

    if (current && (cqe->user_data & 0xff) == CONNECT_END) {
        if (cqe->res == 0)
            receive(conn);
        kw_load_connected(conn, cqe->res);
    } else if (current && (cqe->user_data & 0xff) == SEND_END) {
        sent(conn, cqe->res);
    } else if (current) {
        received(state, conn, cqe);
    }
    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0)
        give_back(state, cqe->flags >> IORING_CQE_BUFFER_SHIFT);
}

static int turn(struct kw_load_worker *worker, uint64_t timeout_ns)
{
    struct state *state = worker->wire_state;
    struct __kernel_timespec timeout = {
        .tv_sec = (long long)(timeout_ns / 1000000000u), .tv_nsec = (long long)(timeout_ns % 1000000000u)};
    struct io_uring_cqe *cqe;
    int r;

    if (timeout_ns == 0)
        r = io_uring_submit_and_get_events(&state->ring);
    else
        r = io_uring_submit_and_wait_timeout(&state->ring, &cqe, 1, &timeout, NULL);
    if (r < 0 && r != -ETIME && r != -EINTR && r != -EBUSY && r != -EAGAIN)
        return r;
    while (io_uring_peek_cqe(&state->ring, &cqe) == 0) {
        struct io_uring_cqe copy = *cqe;

        /* Before it is handled: that may queue more than fits. */
        io_uring_cqe_seen(&state->ring, cqe);
        handle(worker, &copy);
    }
    return 0;
}

const struct kw_load_wire kw_load_wire_uring = {
    .name = "io_uring",
    .open = open_wire,
    .close = close_wire,
    .connect = connect_wire,
    .send = send_wire,
    .drop = drop,
    .turn = turn,
};
