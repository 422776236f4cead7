#include "api/conn.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* After an answer that closes the connection, what the client still sends is read and dropped for a while:
 * closing with unread bytes would reset the connection and could destroy the answer on its way. */
#define LINGER_MS        2000u
#define LINGER_BYTES_MAX (32u * 1024u * 1024u)

enum state {
    READING,   /* waiting for a request, or for the rest of one */
    HANDLING,  /* the request is with the handler */
    SENDING,   /* the answer is on its way */
    LINGERING, /* the answer was the last; dropping what still comes */
    CLOSING,   /* waiting for the ring to give back its operations */
};

struct kw_conn {
    struct kw_loop *loop;
    struct kw_conn *next, *prev; /* on the list */
    struct kw_conn_list *list;   /* NULL: on none */
    uint64_t deadline_ns;
    int fd;
    enum state state;
    unsigned pending; /* operations on the ring */
    bool draining;
    bool continued; /* 100 Continue was sent for this request */
    bool watching;  /* for the client's reset; stays armed from one request to the next */
    struct kw_completion recv_done, send_done, continue_done, watch_done;
    struct kw_sbuf in;
    size_t in_counted;            /* of its bytes, in loop->in_bytes */
    size_t scanned;               /* by the parser, of the head that is arriving */
    size_t need;                  /* bytes of the request whose head is complete; 0: not yet */
    size_t dropped;               /* while lingering */
    struct kw_exchange *exchange; /* while handling and sending */
    struct msghdr msg;
    struct iovec iov[2];
    char peer[KW_ADDRESS_TEXT_MAX];
    int64_t uid; /* of a local peer; else -1 */
};

static void receive(struct kw_conn *conn);
static void process(struct kw_conn *conn);

static void list_remove(struct kw_conn *conn)
{
    if (conn->list == NULL)
        return;
    *(conn->prev != NULL ? &conn->prev->next : &conn->list->first) = conn->next;
    *(conn->next != NULL ? &conn->next->prev : &conn->list->last) = conn->prev;
    conn->next = conn->prev = NULL;
    conn->list = NULL;
}

static void list_append(struct kw_conn *conn, struct kw_conn_list *list)
{
    list_remove(conn);
    conn->list = list;
    conn->prev = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = conn;
    list->last = conn;
}

static void set_timer(struct kw_conn *conn, enum kw_timer timer)
{
    const uint32_t ms[KW_TIMER_NUM] = {
        [KW_TIMER_READ] = conn->loop->config.header_timeout_ms,
        [KW_TIMER_IDLE] = conn->loop->config.idle_timeout_ms,
        [KW_TIMER_SEND] = KW_SEND_TIMEOUT_MS,
        [KW_TIMER_LINGER] = LINGER_MS,
    };

    /* The clock, not the time at which the turn began: turns may be long. The order of the list holds all the
     * same. */
    conn->deadline_ns = kw_now_ns() + (uint64_t)ms[timer] * 1000000u;
    list_append(conn, &conn->loop->timers[timer]);
}

static void exchange_free(struct kw_exchange *exchange)
{
    if (exchange == NULL)
        return;
    kw_sbuf_done(&exchange->answer);
    free(exchange);
}

/* After each change of the buffer's size. */
static void count_bytes(struct kw_conn *conn)
{
    conn->loop->in_bytes += conn->in.cap - conn->in_counted;
    conn->in_counted = conn->in.cap;
}

static void conn_free(struct kw_conn *conn)
{
    list_remove(conn);
    exchange_free(conn->exchange);
    kw_sbuf_done(&conn->in);
    count_bytes(conn);
    close(conn->fd);
    conn->loop->num_conns--;
    atomic_fetch_sub_explicit(&conn->loop->config.stats->open, 1, memory_order_relaxed);
    free(conn);
}

/* Also called as the last thing of every completion: the connection may be gone after it. */
static void close_when_idle(struct kw_conn *conn)
{
    if (conn->state == CLOSING && conn->pending == 0)
        conn_free(conn);
}

static void begin_close(struct kw_conn *conn)
{
    if (conn->state != CLOSING) {
        conn->state = CLOSING;
        list_remove(conn);
        /* Ends the operations that are on the ring. */
        (void)shutdown(conn->fd, SHUT_RDWR);
    }
    close_when_idle(conn);
}

/* ---- answering ---- */

static void send_rest(struct kw_conn *conn)
{
    struct io_uring_sqe *sqe = kw_ring_sqe(&conn->loop->ring, &conn->send_done);

    io_uring_prep_sendmsg(sqe, conn->fd, &conn->msg, MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_data(sqe, &conn->send_done);
    conn->pending++;
}

/* Drops n sent bytes off the vector; true if all has been sent. */
static bool advance(struct msghdr *msg, size_t n)
{
    while (msg->msg_iovlen > 0 && n >= msg->msg_iov->iov_len) {
        n -= msg->msg_iov->iov_len;
        msg->msg_iov++;
        msg->msg_iovlen--;
    }
    if (msg->msg_iovlen == 0)
        return true;
    msg->msg_iov->iov_base = (uint8_t *)msg->msg_iov->iov_base + n;
    msg->msg_iov->iov_len -= n;
    return false;
}

static void next_request(struct kw_conn *conn)
{
    struct kw_exchange *exchange = conn->exchange;
    bool last = exchange->close || conn->draining;

    conn->exchange = NULL;
    exchange_free(exchange);
    kw_sbuf_consume(&conn->in, KW_MIN(conn->need, conn->in.len));
    conn->need = 0;
    conn->scanned = 0;
    conn->continued = false;
    if (last) {
        conn->state = LINGERING;
        kw_sbuf_done(&conn->in);
        count_bytes(conn);
        (void)shutdown(conn->fd, SHUT_WR);
        set_timer(conn, KW_TIMER_LINGER);
        receive(conn);
        return;
    }
    conn->state = READING;
    if (conn->in.len == 0) {
        kw_sbuf_done(&conn->in); /* an idle connection holds no buffer */
        count_bytes(conn);
        set_timer(conn, KW_TIMER_IDLE);
        receive(conn);
    } else {
        set_timer(conn, KW_TIMER_READ);
        process(conn);
    }
}

static void on_sent(struct kw_completion *completion, int result, uint32_t flags)
{
    struct kw_conn *conn = KW_CONTAINER_OF(completion, struct kw_conn, send_done);

    (void)flags;
    conn->pending--;
    if (conn->state == CLOSING)
        close_when_idle(conn);
    else if (result <= 0)
        begin_close(conn);
    else if (advance(&conn->msg, (size_t)result))
        next_request(conn);
    else
        send_rest(conn);
}

void kw_exchange_header(struct kw_exchange *exchange, const char *name, const char *value)
{
    size_t used = strlen(exchange->headers), cap = sizeof(exchange->headers) - used;
    int len = snprintf(exchange->headers + used, cap, "%s: %s\r\n", name, value);

    kw_assert(len > 0 && (size_t)len < cap);
}

static void write_head(struct kw_exchange *exchange, bool last)
{
    int len = snprintf(exchange->head, sizeof(exchange->head),
        "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s%s\r\n", exchange->status,
        kw_http_reason(exchange->status), kw_loop_date(exchange->conn->loop), exchange->content_type,
        exchange->answer.len, exchange->headers, last ? "Connection: close\r\n" : "");

    kw_assert(len > 0 && (size_t)len < sizeof(exchange->head));
    exchange->head_len = (size_t)len;
}

void kw_exchange_finish(struct kw_exchange *exchange)
{
    struct kw_conn *conn = exchange->conn;

    kw_assert(conn->exchange == exchange);
    if (conn->state == CLOSING) {
        conn->pending--;
        close_when_idle(conn);
        return;
    }
    kw_assert(conn->state == HANDLING);
    conn->pending--;
    conn->state = SENDING;
    if (!exchange->request.keep_alive)
        exchange->close = true;
    if (!kw_sbuf_ok(&exchange->answer)) { /* out of memory: nothing half-written may leave */
        kw_sbuf_reset(&exchange->answer, 0);
        exchange->status = 500;
        exchange->close = true;
    }
    write_head(exchange, exchange->close || conn->draining);
    conn->iov[0] = (struct iovec){exchange->head, exchange->head_len};
    conn->iov[1] = (struct iovec){exchange->answer.ptr, exchange->answer.len};
    conn->msg = (struct msghdr){.msg_iov = conn->iov, .msg_iovlen = exchange->answer.len > 0 ? 2 : 1};
    set_timer(conn, KW_TIMER_SEND);
    send_rest(conn);
}

static void on_reset(struct kw_completion *completion, int result, uint32_t flags)
{
    struct kw_conn *conn = KW_CONTAINER_OF(completion, struct kw_conn, watch_done);

    (void)flags;
    conn->pending--;
    conn->watching = false;
    /* io_uring tells of a half-close as well, whether asked to or not. */
    if (conn->exchange != NULL && result > 0 && (result & (POLLERR | POLLHUP)))
        conn->exchange->gone = true;
    close_when_idle(conn);
}

void kw_exchange_watch(struct kw_exchange *exchange)
{
    struct kw_conn *conn = exchange->conn;
    struct io_uring_sqe *sqe;

    if (conn->watching || conn->state != HANDLING)
        return;
    sqe = kw_ring_sqe(&conn->loop->ring, &conn->watch_done);
    io_uring_prep_poll_add(sqe, conn->fd, 0); /* POLLERR and POLLHUP are always told */
    io_uring_sqe_set_data(sqe, &conn->watch_done);
    conn->watching = true;
    conn->pending++;
}

/* ---- reading ---- */

static struct kw_exchange *exchange_new(struct kw_conn *conn)
{
    struct kw_exchange *exchange = calloc(1, sizeof(*exchange));

    if (exchange == NULL)
        return NULL;
    exchange->conn = conn;
    exchange->status = 200;
    exchange->content_type = "application/octet-stream";
    exchange->answer = KW_SBUF_INIT(KW_ANSWER_MAX);
    exchange->started_ns = kw_now_ns();
    memcpy(exchange->peer, conn->peer, sizeof(exchange->peer));
    exchange->uid = conn->uid;
    conn->exchange = exchange;
    return exchange;
}

static void begin_handling(struct kw_conn *conn)
{
    conn->state = HANDLING;
    conn->pending++; /* the handler counts like an operation: the connection lives until it finishes */
    list_append(conn, &conn->loop->handling);
}

static void reject(struct kw_conn *conn, unsigned status)
{
    struct kw_exchange *exchange = conn->exchange != NULL ? conn->exchange : exchange_new(conn);

    if (exchange == NULL) {
        begin_close(conn);
        return;
    }
    atomic_fetch_add_explicit(&conn->loop->config.stats->bad_requests, 1, memory_order_relaxed);
    exchange->status = status;
    exchange->close = true;
    conn->need = conn->in.len;
    begin_handling(conn);
    conn->loop->config.handler->bad_request(conn->loop->ctx, exchange);
    kw_exchange_finish(exchange);
}

static unsigned status_of(int parse_result)
{
    switch (parse_result) {
    case KW_HTTP_HEAD_TOO_BIG:
        return 431;
    case KW_HTTP_VERSION:
        return 505;
    case KW_HTTP_ENCODING:
        return 501;
    case KW_HTTP_BODY_TOO_BIG:
        return 413;
    default:
        return 400;
    }
}

static void on_continued(struct kw_completion *completion, int result, uint32_t flags)
{
    struct kw_conn *conn = KW_CONTAINER_OF(completion, struct kw_conn, continue_done);

    (void)result; /* a failure shows again at the answer */
    (void)flags;
    conn->pending--;
    close_when_idle(conn);
}

static void send_continue(struct kw_conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct io_uring_sqe *sqe = kw_ring_sqe(&conn->loop->ring, &conn->continue_done);

    io_uring_prep_send(sqe, conn->fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_data(sqe, &conn->continue_done);
    conn->pending++;
    conn->continued = true;
}

static void handle(struct kw_conn *conn)
{
    struct kw_exchange *exchange = conn->exchange;

    exchange->body = KW_BYTES(conn->in.ptr + exchange->request.head_len, exchange->request.content_length);
    exchange->started_ns = kw_now_ns();
    atomic_fetch_add_explicit(&conn->loop->config.stats->requests, 1, memory_order_relaxed);
    begin_handling(conn);
    conn->loop->config.handler->request(conn->loop->ctx, exchange);
}

/* Looks at what has arrived: hands a complete request over, or reads on. */
static void process(struct kw_conn *conn)
{
    struct kw_exchange *exchange = conn->exchange;
    int r;

    if (conn->need > conn->in.len) {
        receive(conn);
        return;
    }
    if (exchange == NULL && (exchange = exchange_new(conn)) == NULL) {
        begin_close(conn);
        return;
    }
    /* Also done a second time when a body has come in: the buffer, into which the request's slices point, may
     * have moved. */
    r = kw_http_parse(kw_sbuf_bytes(&conn->in), &conn->scanned, &exchange->request);
    if (r == KW_HTTP_MORE) {
        receive(conn);
        return;
    }
    if (r != 0) {
        reject(conn, status_of(r));
        return;
    }
    conn->need = exchange->request.head_len + exchange->request.content_length;
    if (conn->need <= conn->in.len) {
        handle(conn);
        return;
    }
    if (exchange->request.expect_continue && !conn->continued)
        send_continue(conn);
    receive(conn);
}

static void on_bytes(struct kw_conn *conn, struct kw_bytes bytes)
{
    if (conn->state == LINGERING) {
        conn->dropped += bytes.len;
        if (conn->dropped > LINGER_BYTES_MAX)
            begin_close(conn);
        else
            receive(conn);
        return;
    }
    /* The clock of a request starts with its first byte and is not set back by more of them. */
    if (conn->in.len == 0)
        set_timer(conn, KW_TIMER_READ);
    kw_sbuf_put_bytes(&conn->in, bytes);
    count_bytes(conn);
    if (!kw_sbuf_ok(&conn->in))
        begin_close(conn);
    else if (conn->loop->in_bytes > KW_LOOP_IN_BYTES_MAX && conn->in.len > KW_RECV_BUFFER)
        reject(conn, 503); /* small requests still get through */
    else
        process(conn);
}

static void on_received(struct kw_completion *completion, int result, uint32_t flags)
{
    struct kw_conn *conn = KW_CONTAINER_OF(completion, struct kw_conn, recv_done);
    struct kw_loop *loop = conn->loop;
    unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;

    conn->pending--;
    if (conn->state == CLOSING) {
        close_when_idle(conn);
    } else if (result == -ENOBUFS || result == -EINTR || result == -EAGAIN) {
        receive(conn);
    } else if (result <= 0) {
        begin_close(conn);
    } else {
        kw_assert((flags & IORING_CQE_F_BUFFER) && id < KW_RECV_BUFFERS && (size_t)result <= KW_RECV_BUFFER);
        on_bytes(conn, KW_BYTES(loop->buffer_memory + (size_t)id * KW_RECV_BUFFER, (size_t)result));
    }
    if (flags & IORING_CQE_F_BUFFER)
        kw_loop_give_buffer(loop, id, result > 0 ? (size_t)result : 0);
}

static void receive(struct kw_conn *conn)
{
    struct io_uring_sqe *sqe = kw_ring_sqe(&conn->loop->ring, &conn->recv_done);

    io_uring_prep_recv(sqe, conn->fd, NULL, KW_RECV_BUFFER, 0);
    io_uring_sqe_set_data(sqe, &conn->recv_done);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    conn->pending++;
}

/* ---- life ---- */

static void name_peer(struct kw_conn *conn)
{
    struct kw_address address = {.len = sizeof(address.in6)};
    struct ucred cred;
    socklen_t len = sizeof(cred);

    conn->uid = -1;
    if (getpeername(conn->fd, &address.any, &address.len) < 0) {
        snprintf(conn->peer, sizeof(conn->peer), "unknown");
    } else if (address.any.sa_family != AF_UNIX) {
        kw_address_host(&address, conn->peer);
    } else {
        snprintf(conn->peer, sizeof(conn->peer), "local");
        if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
            conn->uid = cred.uid;
    }
}

void kw_conn_open(struct kw_loop *loop, int fd)
{
    struct kw_conn *conn = calloc(1, sizeof(*conn));

    if (conn == NULL) {
        close(fd);
        return;
    }
    conn->loop = loop;
    conn->fd = fd;
    conn->recv_done.run = on_received;
    conn->send_done.run = on_sent;
    conn->continue_done.run = on_continued;
    conn->watch_done.run = on_reset;
    conn->in = KW_SBUF_INIT(KW_HTTP_HEAD_MAX + KW_HTTP_BODY_MAX + 2 * KW_RECV_BUFFER);
    name_peer(conn);
    loop->num_conns++;
    atomic_fetch_add_explicit(&loop->config.stats->open, 1, memory_order_relaxed);
    set_timer(conn, KW_TIMER_IDLE);
    receive(conn);
}

void kw_conn_timeout(struct kw_conn *conn)
{
    atomic_fetch_add_explicit(
        &conn->loop->config.stats->timeouts, conn->state != LINGERING, memory_order_relaxed);
    begin_close(conn);
}

void kw_conn_drain(struct kw_conn *conn)
{
    conn->draining = true;
    if (conn->state == READING && conn->in.len == 0)
        begin_close(conn);
}

void kw_conn_abort(struct kw_conn *conn)
{
    begin_close(conn);
}

struct kw_conn *kw_conn_next(const struct kw_conn *conn)
{
    return conn->next;
}

uint64_t kw_conn_deadline(const struct kw_conn *conn)
{
    return conn->deadline_ns;
}
