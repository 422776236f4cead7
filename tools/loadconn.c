#include "tools/loadworker.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#define RETRY_NS     UINT64_C(100000000)
#define PLAIN_LEN    16384u /* a record of TLS */
#define ERROR_CLOSED "connection closed"

static struct kw_load_tally *tally_of(const struct kw_load_conn *conn)
{
    return &conn->worker->live[conn->op];
}

/* ---- the idle ones ---- */

static void become_idle(struct kw_load_conn *conn)
{
    struct kw_load_worker *worker = conn->worker;
    unsigned place = (worker->idle_first + worker->num_idle) % worker->num_conns;

    conn->state = KW_LOAD_IDLE;
    conn->free_ns = kw_now_ns();
    if (conn->in_ring)
        return;
    conn->in_ring = true;
    worker->idle[place] = (unsigned)(conn - worker->conns);
    worker->num_idle++;
}

struct kw_load_conn *kw_load_conn_take(struct kw_load_worker *worker)
{
    while (worker->num_idle > 0) {
        struct kw_load_conn *conn = &worker->conns[worker->idle[worker->idle_first]];

        worker->idle_first = (worker->idle_first + 1) % worker->num_conns;
        worker->num_idle--;
        conn->in_ring = false;
        if (conn->state == KW_LOAD_IDLE)
            return conn;
    }
    return NULL;
}

/* ---- beginning and end ---- */

static bool is_up(const struct kw_load_conn *conn)
{
    return conn->state == KW_LOAD_IDLE || conn->state == KW_LOAD_BUSY;
}

void kw_load_conn_close(struct kw_load_conn *conn)
{
    struct kw_load_worker *worker = conn->worker;

    if (conn->fd < 0)
        return;
    worker->num_up -= is_up(conn);
    worker->num_busy -= conn->state == KW_LOAD_BUSY;
    worker->wire->drop(conn);
    close(conn->fd);
    kw_load_tls_free(conn->tls);
    conn->tls = NULL;
    conn->fd = -1;
    conn->generation++;
    conn->out_len = conn->out_done = 0;
    conn->sending = false;
    conn->state = KW_LOAD_CLOSED;
}

void kw_load_conn_fail(struct kw_load_conn *conn, const char *error)
{
    struct kw_load_worker *worker = conn->worker;
    bool worked = is_up(conn);

    if (conn->state == KW_LOAD_BUSY && conn->measured)
        kw_load_tally_error(tally_of(conn), error, 1);
    if (!worked)
        snprintf(worker->down, sizeof(worker->down), "%s", error);
    kw_load_conn_close(conn);
    conn->retry_ns = kw_now_ns() + (worked ? 0 : RETRY_NS);
}

void kw_load_conn_open(struct kw_load_conn *conn)
{
    const struct kw_load_endpoint *endpoint = &conn->worker->plan->endpoint;
    int one = 1, r = -ENOMEM;

    conn->fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (conn->fd < 0) {
        snprintf(conn->worker->down, sizeof(conn->worker->down), "socket: %s", strerror(errno));
        conn->retry_ns = kw_now_ns() + RETRY_NS;
        return;
    }
    (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    conn->state = KW_LOAD_CONNECTING;
    conn->due_ns = kw_now_ns();
    kw_answer_reset(&conn->answer);
    if (conn->worker->plan->tls == NULL ||
        kw_load_tls_new(conn->worker->plan->tls, endpoint->host, &conn->tls) == 0)
        r = conn->worker->wire->connect(conn);
    if (r < 0)
        kw_load_ended(conn, r);
}

static void flush(struct kw_load_conn *conn)
{
    if (conn->out_len > conn->out_done && !conn->sending)
        conn->worker->wire->send(conn);
}

static struct kw_buf out_of(struct kw_load_conn *conn)
{
    struct kw_buf buf = KW_BUF(conn->out, conn->out_cap);

    buf.len = conn->out_len;
    return buf;
}

static void up(struct kw_load_conn *conn)
{
    conn->worker->num_up++;
    conn->worker->down[0] = '\0';
    become_idle(conn);
}

/* Returns false if the connection is gone. */
static bool shake(struct kw_load_conn *conn)
{
    struct kw_buf out = out_of(conn);
    int r = kw_load_tls_shake(conn->tls, &out);
    char why[KW_LOAD_ERROR_LEN];
    uint32_t generation = conn->generation;

    conn->out_len = out.len;
    if (r == KW_LOAD_TLS_FAILED) {
        kw_load_tls_why(conn->tls, why, sizeof(why));
        kw_load_conn_fail(conn, why);
        return false;
    }
    if (r == 0)
        up(conn);
    flush(conn);
    return conn->generation == generation;
}

void kw_load_connected(struct kw_load_conn *conn, int result)
{
    if (result < 0) {
        kw_load_ended(conn, result);
        return;
    }
    if (conn->tls == NULL) {
        up(conn);
        return;
    }
    conn->state = KW_LOAD_SHAKING;
    kw_load_tls_give(conn->tls, KW_BYTES(NULL, 0));
    (void)shake(conn);
}

/* ---- requests and answers ---- */

void kw_load_conn_start(struct kw_load_conn *conn, unsigned op, uint64_t due_ns, bool measured)
{
    struct kw_load_worker *worker = conn->worker;
    const struct kw_load_request *request = &worker->plan->ops[op].request;
    struct kw_buf out = out_of(conn);
    uint8_t plain[PLAIN_LEN];

    conn->op = (uint8_t)op;
    conn->due_ns = due_ns;
    conn->measured = measured;
    conn->state = KW_LOAD_BUSY;
    worker->num_busy++;
    tally_of(conn)->due += measured;
    if (conn->tls == NULL) {
        kw_load_request_render(request, &worker->signer, conn->out + conn->out_len);
        conn->out_len += request->len;
    } else {
        kw_load_request_render(request, &worker->signer, plain);
        if (kw_load_tls_write(conn->tls, KW_BYTES(plain, request->len), &out) != 0) {
            kw_load_conn_fail(conn, "TLS");
            return;
        }
        conn->out_len = out.len;
    }
    flush(conn);
}

static void count(struct kw_load_conn *conn)
{
    struct kw_load_worker *worker = conn->worker;
    struct kw_load_tally *tally = tally_of(conn);
    uint64_t now = kw_now_ns();
    char error[KW_ANSWER_ERROR_MAX];

    worker->last_ns = now;
    tally->bytes_in += conn->answer.body_len;
    if (conn->answer.status == 200) {
        tally->good++;
        tally->misses += conn->answer.waited;
        kw_hdr_record(&tally->latency, now - conn->due_ns);
        return;
    }
    kw_answer_error(&conn->answer, error);
    kw_load_tally_error(tally, error, 1);
}

static void complete(struct kw_load_conn *conn)
{
    struct kw_load_worker *worker = conn->worker;
    bool ends = conn->answer.close;

    if (conn->measured)
        count(conn);
    kw_answer_reset(&conn->answer);
    worker->num_busy--;
    /* An answer says that the request has arrived, whether or not the wire has told so. What TLS has added
     * since goes with the next. */
    memmove(conn->out, conn->out + conn->out_done, conn->out_len - conn->out_done);
    conn->out_len -= conn->out_done;
    conn->out_done = 0;
    conn->sending = false;
    become_idle(conn);
    if (ends)
        kw_load_conn_fail(conn, ERROR_CLOSED);
}

/* Returns false if the connection is gone. */
static bool feed(struct kw_load_conn *conn, struct kw_bytes bytes)
{
    uint32_t generation = conn->generation;
    size_t used;
    int r;

    conn->worker->worked = true;
    if (conn->state != KW_LOAD_BUSY) {
        kw_load_conn_fail(conn, "unexpected bytes");
        return false;
    }
    r = kw_answer_feed(&conn->answer, bytes, &used);
    if (r == KW_ANSWER_MORE)
        return true;
    if (r == KW_ANSWER_BAD) {
        kw_load_conn_fail(conn, "malformed answer");
        return false;
    }
    complete(conn);
    if (conn->generation == generation && used < bytes.len)
        kw_load_conn_fail(conn, "unexpected bytes");
    return conn->generation == generation;
}

static void received_tls(struct kw_load_conn *conn, struct kw_bytes bytes)
{
    uint8_t plain[PLAIN_LEN];
    size_t len = 0;

    kw_load_tls_give(conn->tls, bytes);
    if (conn->state == KW_LOAD_SHAKING && (!shake(conn) || conn->state == KW_LOAD_SHAKING))
        return;
    for (;;) {
        struct kw_buf out = out_of(conn);
        int r = kw_load_tls_read(conn->tls, plain, sizeof(plain), &len, &out);

        conn->out_len = out.len;
        if (r == KW_LOAD_TLS_MORE)
            return;
        if (r != 0) {
            kw_load_ended(conn, r == KW_LOAD_TLS_END ? 0 : -EPROTO);
            return;
        }
        if (!feed(conn, KW_BYTES(plain, len)))
            return;
    }
}

void kw_load_received(struct kw_load_conn *conn, struct kw_bytes bytes)
{
    if (conn->tls != NULL)
        received_tls(conn, bytes);
    else
        (void)feed(conn, bytes);
}

void kw_load_ended(struct kw_load_conn *conn, int result)
{
    if (conn->state == KW_LOAD_BUSY && conn->answer.status != 0 && kw_answer_end(&conn->answer) == 0) {
        conn->answer.close = true;
        complete(conn);
        return;
    }
    kw_load_conn_fail(conn, result < 0 ? strerror(-result) : ERROR_CLOSED);
}
