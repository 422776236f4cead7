#include "api/conn_internal.h"

#define LINGER_BYTES_MAX (32u * 1024u * 1024u)
/* Of requests that come before the answer to the last: so many bytes, and what one turn brings before the
 * kernel has stopped receiving. */
#define AHEAD_ENOUGH (2u * KW_RECV_BUFFER)
#define AHEAD_MAX    (AHEAD_ENOUGH + 2u * KW_RECV_BUFFERS * KW_RECV_BUFFER)

static void arm(struct kw_conn *conn);

/* ---- requests ---- */

static struct kw_exchange *exchange_new(struct kw_conn *conn)
{
    struct kw_exchange *exchange = kw_spares_exchange(&conn->loop->spares);

    if (exchange == NULL)
        return NULL;
    exchange->conn = conn;
    exchange->status = 200;
    exchange->content_type = "application/octet-stream";
    exchange->started_ns = conn->loop->now_ns;
    exchange->transport = conn->transport;
    memcpy(exchange->peer, conn->peer, sizeof(exchange->peer));
    exchange->uid = conn->uid;
    conn->exchange = exchange;
    return exchange;
}

static void begin_handling(struct kw_conn *conn)
{
    conn->state = KW_CONN_HANDLING;
    kw_conn_hold(conn); /* the handler's, until it finishes */
    kw_conn_list_append(conn, &conn->loop->handling);
}

static void reject(struct kw_conn *conn, unsigned status)
{
    struct kw_exchange *exchange = conn->exchange != NULL ? conn->exchange : exchange_new(conn);

    if (exchange == NULL) {
        kw_conn_close(conn);
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

static void handle(struct kw_conn *conn)
{
    struct kw_exchange *exchange = conn->exchange;

    exchange->body = KW_BYTES(conn->in.ptr + exchange->request.head_len, exchange->request.content_length);
    exchange->started_ns = conn->loop->now_ns;
    atomic_fetch_add_explicit(&conn->loop->config.stats->requests, 1, memory_order_relaxed);
    begin_handling(conn);
    conn->loop->config.handler->request(conn->loop->ctx, exchange);
}

/* Looks at what has arrived: hands a complete request over, or says that more is needed. */
static bool needs_more(struct kw_conn *conn)
{
    struct kw_exchange *exchange = conn->exchange;
    int r;

    if (conn->in.len == 0 || conn->need > conn->in.len)
        return true;
    if (exchange == NULL && (exchange = exchange_new(conn)) == NULL) {
        kw_conn_close(conn);
        return false;
    }
    /* Also done a second time when a body has come in: the buffer, into which the request's slices point, may
     * have moved. */
    r = kw_http_parse(kw_sbuf_bytes(&conn->in), &conn->scanned, &exchange->request);
    if (r == KW_HTTP_MORE)
        return true;
    if (r != 0) {
        reject(conn, status_of(r));
        return false;
    }
    conn->need = exchange->request.head_len + exchange->request.content_length;
    if (conn->need <= conn->in.len) {
        handle(conn);
        return false;
    }
    if (exchange->request.expect_continue && !conn->continued) {
        conn->continued = true;
        kw_conn_say(conn, KW_LIT("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    return true;
}

/* After all that has arrived was looked at. An idle connection holds no buffer. The clock of a request or a
 * handshake starts with its first byte and is not set back by more of them. */
static void settle(struct kw_conn *conn)
{
    bool between = conn->transport == NULL || conn->transport->between;

    if (conn->in.len == 0) {
        kw_spares_give(&conn->loop->spares, &conn->in);
        kw_conn_count_bytes(conn);
    }
    if (conn->state != KW_CONN_READING)
        return;
    if (conn->in.len == 0 && between)
        kw_conn_set_timer(conn, KW_TIMER_IDLE);
    else if (conn->list != &conn->loop->timers[KW_TIMER_READ])
        kw_conn_set_timer(conn, KW_TIMER_READ);
}

/* ---- bytes ---- */

/* Held until its turn comes. */
static void put_off(struct kw_conn *conn)
{
    struct kw_conn_list *list = &conn->loop->put_off;

    if (conn->put_off)
        return;
    conn->put_off = true;
    conn->put_off_next = NULL;
    *(list->last != NULL ? &list->last->put_off_next : &list->first) = conn;
    list->last = conn;
    kw_conn_hold(conn);
}

/* The one way in: wire bytes become plain bytes in conn->in. Returns false if the connection ends here. */
static bool take(struct kw_conn *conn, struct kw_bytes wire)
{
    const struct kw_transport_source *source = conn->loop->config.transport;
    int r = 0;

    kw_spares_fit(&conn->loop->spares, &conn->in);
    if (source == NULL) {
        kw_sbuf_put_bytes(&conn->in, wire);
    } else {
        if (conn->transport == NULL)
            r = source->open(source->shared, conn->loop->config.index, &conn->transport);
        if (r == 0)
            r = conn->transport->ops->take(conn->transport, wire, &conn->in, &conn->out);
    }
    kw_conn_count_bytes(conn);
    if (r < 0) {
        conn->said_goodbye = true;
        kw_conn_leave(conn, true);
        return false;
    }
    conn->ended |= r == KW_TRANSPORT_END;
    if (r == KW_TRANSPORT_LATER)
        put_off(conn);
    if (!kw_sbuf_ok(&conn->in))
        kw_conn_close(conn);
    else
        kw_conn_flush(conn);
    return conn->state == KW_CONN_READING;
}

/* Bytes that came before the answer to the last request had left: a piece at a time, so that the rest of many
 * requests is not moved up once for each of them. Returns false if there are none. */
static bool take_ahead(struct kw_conn *conn)
{
    size_t len = KW_MIN(conn->ahead.len - conn->ahead_taken, (size_t)KW_RECV_BUFFER);

    if (len == 0)
        return false;
    conn->ahead_taken += len;
    (void)take(conn, KW_BYTES(conn->ahead.ptr + conn->ahead_taken - len, len));
    if (conn->ahead_taken == conn->ahead.len) {
        conn->ahead_taken = 0;
        kw_spares_give(&conn->loop->spares, &conn->ahead);
        kw_conn_count_bytes(conn);
    }
    return true;
}

/* Goes on with what is there until a request is with the handler, everything has been looked at, or the
 * transport's work was put off. */
static void process(struct kw_conn *conn)
{
    while (conn->state == KW_CONN_READING && !conn->put_off && needs_more(conn)) {
        if (!take_ahead(conn)) {
            kw_conn_receive(conn);
            break;
        }
    }
}

void kw_conn_next_request(struct kw_conn *conn)
{
    struct kw_exchange *exchange = conn->exchange;
    bool last = exchange->close || conn->draining;

    conn->exchange = NULL;
    kw_spares_give_exchange(&conn->loop->spares, exchange);
    kw_sbuf_consume(&conn->in, KW_MIN(conn->need, conn->in.len));
    conn->need = 0;
    conn->scanned = 0;
    conn->continued = false;
    if (last) {
        kw_spares_give(&conn->loop->spares, &conn->in);
        kw_spares_give(&conn->loop->spares, &conn->ahead);
        conn->ahead_taken = 0;
        kw_conn_count_bytes(conn);
        kw_conn_leave(conn, true);
        return;
    }
    conn->state = KW_CONN_READING;
    process(conn);
    settle(conn);
}

static void stop_receiving(struct kw_conn *conn)
{
    struct io_uring_sqe *sqe;

    if (!conn->receiving || conn->cancelling)
        return;
    conn->cancelling = true;
    sqe = kw_ring_sqe(&conn->loop->ring, NULL);
    io_uring_prep_cancel(sqe, &conn->recv_done, 0);
    io_uring_sqe_set_data(sqe, NULL);
}

static void drop(struct kw_conn *conn, struct kw_bytes bytes)
{
    conn->dropped += bytes.len;
    if (conn->dropped > LINGER_BYTES_MAX)
        kw_conn_close(conn);
}

/* While a request is handled, or the transport's work is put off: bounded, and no more is read once it is
 * enough. What nobody will look at is not kept. If all connections together hold too much already, the answer
 * is this one's last. */
static void keep_ahead(struct kw_conn *conn, struct kw_bytes bytes)
{
    struct kw_exchange *exchange = conn->state == KW_CONN_READING ? NULL : conn->exchange;
    bool too_much =
        conn->loop->in_bytes > KW_LOOP_IN_BYTES_MAX && conn->ahead.len + bytes.len > KW_RECV_BUFFER;

    if (exchange != NULL && too_much)
        exchange->close = true;
    if (exchange != NULL && (exchange->close || !exchange->request.keep_alive)) {
        drop(conn, bytes);
        return;
    }
    kw_spares_fit(&conn->loop->spares, &conn->ahead);
    kw_sbuf_put_bytes(&conn->ahead, bytes);
    kw_conn_count_bytes(conn);
    if (!kw_sbuf_ok(&conn->ahead) || too_much)
        kw_conn_close(conn);
    else if (conn->ahead.len >= AHEAD_ENOUGH)
        stop_receiving(conn);
}

static void take_in(struct kw_conn *conn, struct kw_bytes wire)
{
    conn->loop->now_ns = kw_now_ns(); /* turns may be long, and a request's time begins with its first byte */
    if (!take(conn, wire))
        return;
    if (conn->loop->in_bytes > KW_LOOP_IN_BYTES_MAX && conn->in.len > KW_RECV_BUFFER)
        reject(conn, 503); /* small requests still get through */
    else
        process(conn);
    settle(conn);
}

void kw_conn_run_put_off(struct kw_loop *loop)
{
    struct kw_conn *conn = loop->put_off.first;

    if (conn == NULL)
        return;
    loop->put_off.first = conn->put_off_next;
    if (loop->put_off.first == NULL)
        loop->put_off.last = NULL;
    conn->put_off = false;
    if (conn->state == KW_CONN_READING)
        take_in(conn, KW_BYTES(NULL, 0));
    kw_conn_release(conn);
}

static void on_bytes(struct kw_conn *conn, struct kw_bytes bytes)
{
    switch (conn->state) {
    case KW_CONN_READING:
        if (conn->put_off)
            keep_ahead(conn, bytes);
        else
            take_in(conn, bytes);
        break;
    case KW_CONN_HANDLING:
    case KW_CONN_SENDING:
        keep_ahead(conn, bytes);
        break;
    default:
        drop(conn, bytes);
    }
}

static void on_end(struct kw_conn *conn, int result)
{
    bool waits = conn->state == KW_CONN_READING && !conn->put_off;

    conn->ended = true;
    if (result < 0 && conn->exchange != NULL)
        conn->exchange->gone = true;
    if (result < 0 || waits || conn->state == KW_CONN_LINGERING)
        kw_conn_close(conn);
}

/* Not an end, and not the client's doing: out of buffers until this turn is over, asked to stop, interrupted.
 */
static bool is_pause(int result)
{
    return result == -ENOBUFS || result == -ECANCELED || result == -EINTR || result == -EAGAIN;
}

static void on_received(struct kw_completion *completion, int result, uint32_t flags)
{
    struct kw_conn *conn = KW_CONTAINER_OF(completion, struct kw_conn, recv_done);
    struct kw_loop *loop = conn->loop;
    unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
    bool more = flags & IORING_CQE_F_MORE;

    if (!more)
        conn->receiving = conn->cancelling = false;
    if (result > 0) {
        kw_assert((flags & IORING_CQE_F_BUFFER) && id < KW_RECV_BUFFERS && (size_t)result <= KW_RECV_BUFFER);
        on_bytes(conn, KW_BYTES(loop->buffer_memory + (size_t)id * KW_RECV_BUFFER, (size_t)result));
    } else if (!is_pause(result)) {
        on_end(conn, result);
    }
    if (flags & IORING_CQE_F_BUFFER)
        kw_loop_give_buffer(loop, id, result > 0 ? (size_t)result : 0);
    if (more)
        return;
    if (!conn->ended && conn->ahead.len < AHEAD_ENOUGH)
        arm(conn);
    kw_conn_release(conn);
}

/* One receive for the connection's life: the kernel takes a buffer whenever bytes come. */
static void arm(struct kw_conn *conn)
{
    struct io_uring_sqe *sqe;

    if (conn->receiving || conn->state == KW_CONN_CLOSING)
        return;
    sqe = kw_ring_sqe(&conn->loop->ring, &conn->recv_done);
    io_uring_prep_recv_multishot(sqe, conn->fd, NULL, 0, 0);
    io_uring_sqe_set_data(sqe, &conn->recv_done);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    conn->receiving = true;
    kw_conn_hold(conn);
}

void kw_conn_receive(struct kw_conn *conn)
{
    if (conn->ended)
        kw_conn_leave(conn, false);
    else
        arm(conn);
}

void kw_conn_read_init(struct kw_conn *conn)
{
    conn->recv_done.run = on_received;
    conn->in = KW_SBUF_INIT(KW_HTTP_HEAD_MAX + KW_HTTP_BODY_MAX + 2 * KW_RECV_BUFFER + KW_TRANSPORT_HELD_MAX);
    conn->ahead = KW_SBUF_INIT(AHEAD_MAX);
}
