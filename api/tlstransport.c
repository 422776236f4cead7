#include "api/tlstransport.h"

#include "api/log.h"
#include "api/tlsserver.h"

#include <stdio.h>
#include <stdlib.h>

struct kw_tls_transport {
    struct kw_transport base;
    struct kw_tls_server *server;
    struct kw_tls_crowd *crowd; /* of the thread */
    struct kw_tls_context *context;
    struct kw_tls *tls;  /* NULL: not begun, or made to go */
    struct kw_sbuf held; /* bytes of the handshake, until it is their turn */
    bool gone;           /* there was no room for it any more */
    struct kw_tls_list *list;
    struct kw_tls_transport *next, *prev;
};

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- lists ---- */

static void list_remove(struct kw_tls_transport *transport)
{
    struct kw_tls_list *list = transport->list;

    if (list == NULL)
        return;
    *(transport->prev != NULL ? &transport->prev->next : &list->first) = transport->next;
    *(transport->next != NULL ? &transport->next->prev : &list->last) = transport->prev;
    transport->next = transport->prev = NULL;
    transport->list = NULL;
    list->num--;
}

static void list_append(struct kw_tls_transport *transport, struct kw_tls_list *list)
{
    list_remove(transport);
    transport->list = list;
    transport->prev = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = transport;
    list->last = transport;
    list->num++;
}

/* Its memory goes now; the connection itself ends at its next byte or when its time is up. */
static void make_go(struct kw_tls_transport *transport)
{
    list_remove(transport);
    kw_tls_free(transport->tls);
    kw_sbuf_done(&transport->held);
    transport->tls = NULL;
    transport->gone = true;
    count(&kw_tls_server_counters(transport->server)->crowded_out);
}

static void add_half_done(struct kw_tls_transport *transport)
{
    struct kw_tls_list *list = &transport->crowd->half_done;

    if (transport->list == list)
        return; /* its time runs from when it began */
    list_append(transport, list);
    if (list->num > KW_TLS_HALF_DONE_MAX)
        make_go(list->first);
}

static void add_busy(struct kw_tls_transport *transport)
{
    struct kw_tls_list *list = &transport->crowd->busy;
    struct kw_tls_transport *oldest;

    if (list->last == transport)
        return;
    list_append(transport, list);
    if (list->num <= KW_TLS_BUSY_MAX)
        return;
    oldest = list->first;
    list_remove(oldest);
    if (!kw_tls_rest(oldest->tls))
        add_half_done(oldest);
}

/* ---- what becomes of a call ---- */

static const char plain_http_body[] =
    "{\"__type\":\"BadRequestException\",\"message\":\"This port speaks TLS: use https instead of http.\"}";

/* Who speaks plain HTTP gets an answer that he can read. */
static void answer_plain_http(struct kw_sbuf *out)
{
    kw_sbuf_printf(out,
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %zu\r\n"
        "Connection: close\r\n\r\n%s",
        sizeof(plain_http_body) - 1, plain_http_body);
}

static void log_failure(const struct kw_tls *tls)
{
    static struct kw_log_limit limit = {.interval_ns = 10u * 1000000000ull};
    uint64_t suppressed;
    char reason[128];

    if (!kw_log_allowed(&limit, kw_now_ns(), &suppressed))
        return;
    kw_log_quote(reason, sizeof(reason), kw_tls_reason(tls), strlen(kw_tls_reason(tls)));
    kw_log(KW_LOG_INFO, "tls-failed", "failure=%s reason=%s suppressed=%llu",
        kw_tls_failure_name(kw_tls_failure(tls)), reason, (unsigned long long)suppressed);
}

static void learn(struct kw_tls_transport *transport)
{
    struct kw_tls_stats *stats = kw_tls_server_counters(transport->server);
    struct kw_tls_details details = kw_tls_details(transport->tls);

    if (details.version == NULL || transport->base.version != NULL)
        return;
    transport->base.version = details.version;
    transport->base.cipher = details.cipher_suite;
    count(&stats->handshakes[strcmp(details.version, "TLSv1.3") == 0 ? KW_TLS_1_3 : KW_TLS_1_2]);
    if (details.resumed)
        count(&stats->resumed);
}

static int judge(struct kw_tls_transport *transport, int r, struct kw_sbuf *out)
{
    if (r == KW_TLS_CLOSED)
        return KW_TRANSPORT_END;
    if (r == KW_TLS_REFUSED)
        return -ENOMEM;
    count(&kw_tls_server_counters(transport->server)->failures[kw_tls_failure(transport->tls)]);
    log_failure(transport->tls);
    if (kw_tls_failure(transport->tls) == KW_TLS_FAILURE_PLAIN_HTTP)
        answer_plain_http(out);
    return -EPROTO;
}

static int read_wire(
    struct kw_tls_transport *transport, struct kw_bytes wire, struct kw_sbuf *in, struct kw_sbuf *out)
{
    int r = kw_tls_read(transport->tls, wire, in, out);

    learn(transport);
    transport->base.between = kw_tls_is_between(transport->tls);
    if (r != 0)
        return judge(transport, r, out);
    if (kw_tls_state(transport->tls) == KW_TLS_OPEN)
        add_busy(transport);
    return 0;
}

/* ---- the operations ---- */

/* Nothing is made for a connection before it is its turn. */
static int begin(struct kw_tls_transport *transport)
{
    if (transport->tls != NULL)
        return 0;
    KW_TRY(kw_tls_new(&transport->tls, transport->context));
    add_half_done(transport);
    return 0;
}

static int shake(struct kw_tls_transport *transport, struct kw_sbuf *in, struct kw_sbuf *out)
{
    int r = begin(transport);

    if (r == 0)
        r = read_wire(transport, kw_sbuf_bytes(&transport->held), in, out);
    kw_sbuf_done(&transport->held);
    return r;
}

static int take(struct kw_transport *base, struct kw_bytes wire, struct kw_sbuf *in, struct kw_sbuf *out)
{
    struct kw_tls_transport *transport = KW_CONTAINER_OF(base, struct kw_tls_transport, base);

    if (transport->gone)
        return -EPROTO;
    if (transport->base.version != NULL)
        return read_wire(transport, wire, in, out);
    if (wire.len == 0)
        return shake(transport, in, out);
    kw_sbuf_put_bytes(&transport->held, wire);
    return kw_sbuf_ok(&transport->held) ? KW_TRANSPORT_LATER : -ENOMEM;
}

static int put(struct kw_transport *base, struct kw_bytes head, struct kw_bytes body, struct kw_sbuf *out)
{
    struct kw_tls_transport *transport = KW_CONTAINER_OF(base, struct kw_tls_transport, base);

    if (transport->gone)
        return -EPROTO;
    return kw_tls_write(transport->tls, head, body, out) == 0 ? 0 : -ENOMEM;
}

static void end(struct kw_transport *base, struct kw_sbuf *out)
{
    struct kw_tls_transport *transport = KW_CONTAINER_OF(base, struct kw_tls_transport, base);

    if (transport->tls != NULL)
        kw_tls_close(transport->tls, out);
}

static void transport_free(struct kw_transport *base)
{
    struct kw_tls_transport *transport = KW_CONTAINER_OF(base, struct kw_tls_transport, base);

    list_remove(transport);
    kw_tls_free(transport->tls);
    kw_tls_context_unref(transport->context);
    kw_sbuf_done(&transport->held);
    free(transport);
}

int kw_tls_transport_open(void *shared, unsigned loop_index, struct kw_transport **ret)
{
    static const struct kw_transport_ops ops = {take, put, end, transport_free};
    struct kw_tls_transport *transport = calloc(1, sizeof(*transport));

    KW_REQUIRE(transport != NULL, -ENOMEM);
    transport->base.ops = &ops;
    transport->server = shared;
    transport->crowd = kw_tls_server_crowd(shared, loop_index);
    transport->context = kw_tls_context_ref(kw_tls_server_context(shared, loop_index));
    transport->held = KW_SBUF_INIT(KW_TLS_HANDSHAKE_BYTES_MAX);
    *ret = &transport->base;
    return 0;
}
