/* The wire with a system call for each send and receive: where io_uring is denied. */
#include "tools/loadworker.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX  256
#define RECEIVE_LEN 65536u

struct state {
    int fd;
    struct epoll_event events[EVENTS_MAX];
    uint8_t buffer[RECEIVE_LEN];
};

static int open_wire(struct kw_load_worker *worker)
{
    struct state *state = malloc(sizeof(*state));

    KW_REQUIRE(state != NULL, -ENOMEM);
    state->fd = epoll_create1(EPOLL_CLOEXEC);
    if (state->fd < 0) {
        free(state);
        return -errno;
    }
    worker->wire_state = state;
    return 0;
}

static void close_wire(struct kw_load_worker *worker)
{
    struct state *state = worker->wire_state;

    close(state->fd);
    free(state);
    worker->wire_state = NULL;
}

static int watch(struct kw_load_conn *conn, int how, uint32_t events)
{
    struct state *state = conn->worker->wire_state;
    struct epoll_event event = {.events = events, .data.ptr = conn};

    return epoll_ctl(state->fd, how, conn->fd, &event) == 0 ? 0 : -errno;
}

static int connect_wire(struct kw_load_conn *conn)
{
    const struct kw_load_endpoint *endpoint = &conn->worker->plan->endpoint;

    if (connect(conn->fd, (const struct sockaddr *)&endpoint->address, endpoint->address_len) < 0 &&
        errno != EINPROGRESS)
        return -errno;
    return watch(conn, EPOLL_CTL_ADD, EPOLLOUT);
}

static void send_wire(struct kw_load_conn *conn)
{
    bool waited = conn->sending;
    ssize_t n;

    n = send(conn->fd, conn->out + conn->out_done, conn->out_len - conn->out_done, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        kw_load_ended(conn, -errno);
        return;
    }
    conn->out_done += n > 0 ? (size_t)n : 0;
    conn->sending = conn->out_done < conn->out_len;
    if (!conn->sending)
        conn->out_done = conn->out_len = 0;
    if (conn->sending != waited &&
        watch(conn, EPOLL_CTL_MOD, conn->sending ? EPOLLIN | EPOLLOUT : EPOLLIN) < 0)
        kw_load_ended(conn, -errno);
}

static void drop(struct kw_load_conn *conn)
{
    (void)watch(conn, EPOLL_CTL_DEL, 0);
}

static void connected(struct kw_load_conn *conn)
{
    int error = 0, r;
    socklen_t len = sizeof(error);

    r = getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? -errno : -error;
    if (r == 0)
        r = watch(conn, EPOLL_CTL_MOD, EPOLLIN);
    kw_load_connected(conn, r);
}

static void receive(struct kw_load_conn *conn)
{
    struct state *state = conn->worker->wire_state;
    ssize_t n = recv(conn->fd, state->buffer, sizeof(state->buffer), 0);

    if (n > 0)
        kw_load_received(conn, KW_BYTES(state->buffer, (size_t)n));
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        kw_load_ended(conn, n == 0 ? 0 : -errno);
}

static void handle(struct kw_load_conn *conn, uint32_t events)
{
    uint32_t generation = conn->generation;

    if (conn->state == KW_LOAD_CONNECTING) {
        connected(conn);
        return;
    }
    if ((events & EPOLLOUT) != 0 && conn->sending)
        send_wire(conn);
    if (conn->generation == generation && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        receive(conn);
}

static int turn(struct kw_load_worker *worker, uint64_t timeout_ns)
{
    struct state *state = worker->wire_state;
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_ns / 1000000000u), .tv_nsec = (long)(timeout_ns % 1000000000u)};
    int n = epoll_pwait2(state->fd, state->events, EVENTS_MAX, &timeout, NULL);

    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    /* A connection is in the list once, and nobody but itself closes it here. */
    for (int i = 0; i < n; i++)
        handle(state->events[i].data.ptr, state->events[i].events);
    return 0;
}

const struct kw_load_wire kw_load_wire_epoll = {
    .name = "epoll",
    .open = open_wire,
    .close = close_wire,
    .connect = connect_wire,
    .send = send_wire,
    .drop = drop,
    .turn = turn,
};
