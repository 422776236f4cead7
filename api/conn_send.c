#include "api/conn_internal.h"

#include "api/http_answer.h"

#include <poll.h>

static void send_rest(struct kw_conn *conn)
{
    struct io_uring_sqe *sqe = kw_ring_sqe(&conn->loop->ring, &conn->send_done);

    io_uring_prep_sendmsg(sqe, conn->fd, &conn->msg, MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_data(sqe, &conn->send_done);
    conn->sending = true;
    kw_conn_hold(conn);
}

static void all_sent(struct kw_conn *conn)
{
    if (conn->state == KW_CONN_SENDING) {
        kw_conn_next_request(conn);
    } else if (conn->state == KW_CONN_ENDING) {
        if (!conn->lingers || conn->ended) {
            kw_conn_close(conn);
            return;
        }
        conn->state = KW_CONN_LINGERING;
        (void)shutdown(conn->fd, SHUT_WR);
        kw_conn_set_timer(conn, KW_TIMER_LINGER);
        kw_conn_receive(conn);
    }
}

void kw_conn_flush(struct kw_conn *conn)
{
    struct kw_exchange *exchange = conn->exchange;
    size_t n = 0;

    if (conn->sending || conn->state == KW_CONN_CLOSING)
        return;
    if (!kw_sbuf_ok(&conn->out)) { /* out of memory: nothing half-written may leave */
        kw_conn_close(conn);
        return;
    }
    if (conn->out.len > 0) {
        conn->flying = conn->out;
        conn->out = KW_SBUF_INIT(conn->out.limit);
        conn->iov[n++] = (struct iovec){conn->flying.ptr, conn->flying.len};
    }
    if (conn->answer_waits) {
        conn->answer_waits = false;
        conn->iov[n++] = (struct iovec){exchange->head, exchange->head_len};
        if (exchange->answer.len > 0)
            conn->iov[n++] = (struct iovec){exchange->answer.ptr, exchange->answer.len};
    }
    if (n == 0) {
        all_sent(conn);
        return;
    }
    conn->msg = (struct msghdr){.msg_iov = conn->iov, .msg_iovlen = n};
    send_rest(conn);
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

static void on_sent(struct kw_completion *completion, int result, uint32_t flags)
{
    struct kw_conn *conn = KW_CONTAINER_OF(completion, struct kw_conn, send_done);

    (void)flags;
    conn->sending = false;
    if (conn->state == KW_CONN_CLOSING || result <= 0) {
        kw_conn_close(conn);
    } else if (advance(&conn->msg, (size_t)result)) {
        kw_spares_give(&conn->loop->spares, &conn->flying);
        kw_conn_flush(conn);
    } else {
        send_rest(conn);
    }
    kw_conn_release(conn);
}

void kw_conn_say(struct kw_conn *conn, struct kw_bytes plain)
{
    if (conn->transport == NULL)
        kw_sbuf_put_bytes(&conn->out, plain);
    else if (conn->transport->ops->put(conn->transport, plain, KW_BYTES(NULL, 0), &conn->out) < 0)
        kw_conn_close(conn);
    kw_conn_flush(conn);
}

/* ---- answers ---- */

void kw_exchange_header(struct kw_exchange *exchange, const char *name, const char *value)
{
    size_t name_len = strlen(name), value_len = strlen(value);
    char *to = exchange->headers + exchange->headers_len;

    kw_assert(name_len + value_len + 4 <= sizeof(exchange->headers) - exchange->headers_len);
    to = mempcpy(to, name, name_len);
    to = mempcpy(to, ": ", 2);
    to = mempcpy(to, value, value_len);
    to = mempcpy(to, "\r\n", 2);
    kw_assert(to == exchange->headers + exchange->headers_len + name_len + value_len + 4);
    exchange->headers_len += name_len + value_len + 4;
}

static void write_head(struct kw_exchange *exchange, bool last)
{
    struct kw_http_answer answer = {
        .status = exchange->status,
        .date = kw_loop_date(exchange->conn->loop),
        .content_type = exchange->content_type,
        .content_length = exchange->answer.len,
        .headers = KW_BYTES((const uint8_t *)exchange->headers, exchange->headers_len),
        .close = last,
    };

    exchange->head_len = kw_http_answer_head(exchange->head, sizeof(exchange->head), &answer);
}

/* The answer's one way out. last: the good-bye leaves with it. */
static int put_answer(struct kw_conn *conn, bool last)
{
    struct kw_exchange *exchange = conn->exchange;
    struct kw_transport *transport = conn->transport;

    if (transport == NULL) {
        conn->answer_waits = true;
        return 0;
    }
    kw_spares_fit(&conn->loop->spares, &conn->out);
    KW_TRY(transport->ops->put(transport, KW_BYTES(exchange->head, exchange->head_len),
        kw_sbuf_bytes(&exchange->answer), &conn->out));
    if (last) {
        conn->said_goodbye = true;
        transport->ops->end(transport, &conn->out);
    }
    return 0;
}

static void finish(struct kw_conn *conn)
{
    struct kw_exchange *exchange = conn->exchange;
    bool last;

    kw_assert(conn->state == KW_CONN_HANDLING);
    conn->state = KW_CONN_SENDING;
    if (!exchange->request.keep_alive)
        exchange->close = true;
    if (!kw_sbuf_ok(&exchange->answer)) { /* out of memory: nothing half-written may leave */
        kw_sbuf_reset(&exchange->answer, 0);
        exchange->status = 500;
        exchange->close = true;
    }
    last = exchange->close || conn->draining;
    write_head(exchange, last);
    kw_conn_set_timer(conn, KW_TIMER_SEND);
    if (put_answer(conn, last) < 0)
        kw_conn_close(conn);
    kw_conn_flush(conn);
}

void kw_exchange_finish(struct kw_exchange *exchange)
{
    struct kw_conn *conn = exchange->conn;

    kw_assert(conn->exchange == exchange);
    if (conn->state != KW_CONN_CLOSING)
        finish(conn);
    kw_conn_release(conn);
}

static void on_reset(struct kw_completion *completion, int result, uint32_t flags)
{
    struct kw_conn *conn = KW_CONTAINER_OF(completion, struct kw_conn, watch_done);

    (void)flags;
    conn->watching = false;
    /* io_uring tells of a half-close as well, whether asked to or not. */
    if (conn->exchange != NULL && result > 0 && (result & (POLLERR | POLLHUP)))
        conn->exchange->gone = true;
    kw_conn_release(conn);
}

void kw_exchange_watch(struct kw_exchange *exchange)
{
    struct kw_conn *conn = exchange->conn;
    struct io_uring_sqe *sqe;

    if (conn->watching || conn->state != KW_CONN_HANDLING)
        return;
    sqe = kw_ring_sqe(&conn->loop->ring, &conn->watch_done);
    io_uring_prep_poll_add(sqe, conn->fd, 0); /* POLLERR and POLLHUP are always told */
    io_uring_sqe_set_data(sqe, &conn->watch_done);
    conn->watching = true;
    kw_conn_hold(conn);
}

void kw_conn_send_init(struct kw_conn *conn)
{
    conn->send_done.run = on_sent;
    conn->watch_done.run = on_reset;
    /* An answer in records, what precedes it and the good-bye. */
    conn->out = KW_SBUF_INIT(KW_ANSWER_MAX + KW_ANSWER_MAX / 32 + 64u * 1024u);
}
