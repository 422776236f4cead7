#include "api/conn_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINGER_MS 2000u

/* ---- clocks ---- */

static void list_remove(struct kw_conn *conn)
{
    if (conn->list == NULL)
        return;
    *(conn->prev != NULL ? &conn->prev->next : &conn->list->first) = conn->next;
    *(conn->next != NULL ? &conn->next->prev : &conn->list->last) = conn->prev;
    conn->next = conn->prev = NULL;
    conn->list = NULL;
}

void kw_conn_list_append(struct kw_conn *conn, struct kw_conn_list *list)
{
    list_remove(conn);
    conn->list = list;
    conn->prev = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = conn;
    list->last = conn;
}

void kw_conn_set_timer(struct kw_conn *conn, enum kw_timer timer)
{
    const uint32_t ms[KW_TIMER_NUM] = {
        [KW_TIMER_READ] = conn->loop->config.header_timeout_ms,
        [KW_TIMER_IDLE] = conn->loop->config.idle_timeout_ms,
        [KW_TIMER_SEND] = KW_SEND_TIMEOUT_MS,
        [KW_TIMER_LINGER] = LINGER_MS,
    };

    conn->deadline_ns = conn->loop->now_ns + (uint64_t)ms[timer] * 1000000u;
    kw_conn_list_append(conn, &conn->loop->timers[timer]);
}

struct kw_conn *kw_conn_next(const struct kw_conn *conn)
{
    return conn->next;
}

uint64_t kw_conn_deadline(const struct kw_conn *conn)
{
    return conn->deadline_ns;
}

/* ---- life ---- */

void kw_conn_count_bytes(struct kw_conn *conn)
{
    size_t held = conn->in.cap + conn->ahead.cap;

    conn->loop->in_bytes += held - conn->in_counted;
    conn->in_counted = held;
}

static void conn_free(struct kw_conn *conn)
{
    struct kw_spares *spares = &conn->loop->spares;

    list_remove(conn);
    kw_spares_give_exchange(spares, conn->exchange);
    if (conn->transport != NULL)
        conn->transport->ops->free(conn->transport);
    kw_spares_give(spares, &conn->in);
    kw_spares_give(spares, &conn->ahead);
    kw_spares_give(spares, &conn->out);
    kw_spares_give(spares, &conn->flying);
    kw_conn_count_bytes(conn);
    close(conn->fd);
    conn->loop->num_conns--;
    atomic_fetch_sub_explicit(&conn->loop->config.stats->open, 1, memory_order_relaxed);
    free(conn);
}

void kw_conn_hold(struct kw_conn *conn)
{
    conn->holds++;
}

void kw_conn_release(struct kw_conn *conn)
{
    kw_assert(conn->holds > 0);
    if (--conn->holds == 0 && conn->state == KW_CONN_CLOSING)
        conn_free(conn);
}

void kw_conn_close(struct kw_conn *conn)
{
    if (conn->state == KW_CONN_CLOSING)
        return;
    conn->state = KW_CONN_CLOSING;
    list_remove(conn);
    /* Ends the operations that are on the ring. */
    (void)shutdown(conn->fd, SHUT_RDWR);
}

void kw_conn_leave(struct kw_conn *conn, bool lingers)
{
    conn->state = KW_CONN_ENDING;
    conn->lingers = lingers;
    if (conn->transport != NULL && !conn->said_goodbye) {
        conn->said_goodbye = true;
        conn->transport->ops->end(conn->transport, &conn->out);
    }
    kw_conn_set_timer(conn, KW_TIMER_SEND);
    kw_conn_flush(conn);
}

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
    kw_conn_read_init(conn);
    kw_conn_send_init(conn);
    name_peer(conn);
    loop->num_conns++;
    atomic_fetch_add_explicit(&loop->config.stats->open, 1, memory_order_relaxed);
    kw_conn_set_timer(conn, KW_TIMER_IDLE);
    kw_conn_receive(conn);
}

/* Nothing is half done: whoever is told to go now loses nothing, and should learn that it was no accident. */
static bool is_idle(const struct kw_conn *conn)
{
    return conn->state == KW_CONN_READING && conn->in.len == 0 &&
           (conn->transport == NULL || conn->transport->between);
}

static void end(struct kw_conn *conn, bool politely)
{
    kw_conn_hold(conn);
    if (politely && conn->transport != NULL)
        kw_conn_leave(conn, false);
    else
        kw_conn_close(conn);
    kw_conn_release(conn);
}

void kw_conn_timeout(struct kw_conn *conn)
{
    bool lingered = conn->state == KW_CONN_LINGERING;

    atomic_fetch_add_explicit(&conn->loop->config.stats->timeouts, !lingered, memory_order_relaxed);
    end(conn, is_idle(conn));
}

void kw_conn_drain(struct kw_conn *conn)
{
    conn->draining = true;
    if (conn->state == KW_CONN_READING && conn->in.len == 0)
        end(conn, is_idle(conn));
}

void kw_conn_abort(struct kw_conn *conn)
{
    end(conn, false);
}
