/* A connection's way through a transport: which bytes pass where, in which order, and how it ends. The
 * transport here is a small protocol of its own: after "hello" it answers "HELLO", then come records, a
 * length byte and so many bytes with each bit flipped; length 0 is the good-bye, 255 is refused with "NO".
 * The greeting counts as costly. */
#include "api/server.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELLO       "hello"
#define ANSWER      "HELLO"
#define RECORD_MAX  254u
#define HEAD_CLOSES "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: "
#define POST        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: "

struct flip {
    struct kw_transport base;
    uint8_t part[1 + RECORD_MAX];
    size_t part_len;
    uint8_t held[8192];
    size_t held_len;
    bool greeted;
    bool ended;
};

static struct kw_server *server;
static struct kw_loop_stats stats;
static _Atomic unsigned opened, freed, ends;

static void flip(uint8_t *to, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)~from[i];
}

/* Whatever comes is held until the greeting is done. */
static int greet(struct flip *transport, struct kw_bytes wire, struct kw_sbuf *out)
{
    ck_assert_uint_le(wire.len, sizeof(transport->held) - transport->held_len);
    if (wire.len > 0)
        memcpy(transport->held + transport->held_len, wire.ptr, wire.len);
    transport->held_len += wire.len;
    if (transport->held_len < strlen(HELLO))
        return 0;
    if (memcmp(transport->held, HELLO, strlen(HELLO)) != 0)
        return -EPROTO;
    if (wire.len > 0)
        return KW_TRANSPORT_LATER;
    kw_sbuf_put_str(out, ANSWER);
    transport->greeted = true;
    return 0;
}

static int take_record(struct flip *transport, struct kw_sbuf *in, struct kw_sbuf *out)
{
    size_t len = transport->part[0];
    uint8_t *to;

    if (len == 255) {
        kw_sbuf_put_str(out, "NO");
        return -EPROTO;
    }
    if (transport->part_len <= len)
        return 0;
    transport->part_len = 0;
    if (len == 0)
        return KW_TRANSPORT_END;
    to = kw_sbuf_claim(in, len);
    if (to != NULL)
        flip(to, transport->part + 1, len);
    return 0;
}

static int flip_take(struct kw_transport *base, struct kw_bytes wire, struct kw_sbuf *in, struct kw_sbuf *out)
{
    struct flip *transport = KW_CONTAINER_OF(base, struct flip, base);
    int r = 0;

    if (!transport->greeted) {
        r = greet(transport, wire, out);
        wire = KW_BYTES(transport->held + strlen(HELLO), 0);
        if (transport->greeted)
            wire.len = transport->held_len - strlen(HELLO);
    }
    for (size_t i = 0; r == 0 && i < wire.len; i++) {
        transport->part[transport->part_len++] = wire.ptr[i];
        r = take_record(transport, in, out);
    }
    base->between = transport->greeted && transport->part_len == 0;
    base->version = "FLIPv1";
    return r;
}

static int put_records(struct kw_bytes plain, struct kw_sbuf *out)
{
    while (plain.len > 0) {
        size_t len = KW_MIN(plain.len, (size_t)RECORD_MAX);
        uint8_t *to = kw_sbuf_claim(out, 1 + len);

        if (to == NULL)
            return -ENOMEM;
        to[0] = (uint8_t)len;
        flip(to + 1, plain.ptr, len);
        plain = KW_BYTES(plain.ptr + len, plain.len - len);
    }
    return 0;
}

static int flip_put(
    struct kw_transport *base, struct kw_bytes head, struct kw_bytes body, struct kw_sbuf *out)
{
    ck_assert(!KW_CONTAINER_OF(base, struct flip, base)->ended);
    KW_TRY(put_records(head, out));
    return put_records(body, out);
}

static void flip_end(struct kw_transport *base, struct kw_sbuf *out)
{
    struct flip *transport = KW_CONTAINER_OF(base, struct flip, base);

    ck_assert(!transport->ended);
    transport->ended = true;
    atomic_fetch_add(&ends, 1);
    kw_sbuf_put(out, "", 1);
}

static void flip_free(struct kw_transport *base)
{
    atomic_fetch_add(&freed, 1);
    free(KW_CONTAINER_OF(base, struct flip, base));
}

static int flip_open(void *shared, unsigned loop_index, struct kw_transport **ret)
{
    static const struct kw_transport_ops ops = {flip_take, flip_put, flip_end, flip_free};
    struct flip *transport = calloc(1, sizeof(*transport));

    ck_assert_ptr_eq(shared, &opened);
    ck_assert_uint_eq(loop_index, 0);
    if (transport == NULL)
        return -ENOMEM;
    transport->base.ops = &ops;
    atomic_fetch_add(&opened, 1);
    *ret = &transport->base;
    return 0;
}

/* ---- the handler: echoes; "/later" is answered some milliseconds later, from the tick ---- */

static struct kw_exchange *later;

static int echo_start(void *shared, struct kw_loop *loop, void **ret_ctx, char *why, size_t why_cap)
{
    (void)shared;
    (void)why;
    (void)why_cap;
    *ret_ctx = loop;
    return 0;
}

static void echo_stop(void *ctx)
{
    (void)ctx;
}

static void echo(struct kw_exchange *exchange)
{
    ck_assert_ptr_nonnull(exchange->transport);
    ck_assert_str_eq(exchange->transport->version, "FLIPv1");
    exchange->content_type = "text/plain";
    kw_sbuf_put_bytes(&exchange->answer, exchange->body);
    kw_exchange_finish(exchange);
}

static void echo_request(void *ctx, struct kw_exchange *exchange)
{
    (void)ctx;
    if (kw_bytes_equal(exchange->request.path, KW_LIT("/later")))
        later = exchange;
    else
        echo(exchange);
}

static bool echo_tick(void *ctx, uint64_t now_ns)
{
    struct kw_exchange *due = later;

    (void)ctx;
    if (due == NULL || now_ns - due->started_ns < 50000000u)
        return due != NULL;
    later = NULL;
    echo(due);
    return false;
}

static void echo_bad(void *ctx, struct kw_exchange *exchange)
{
    (void)ctx;
    exchange->content_type = "text/plain";
}

static void start_server(void)
{
    static const struct kw_handler handler = {
        .start = echo_start,
        .stop = echo_stop,
        .request = echo_request,
        .tick = echo_tick,
        .bad_request = echo_bad,
    };
    static const struct kw_transport_source source = {flip_open, &opened};
    struct kw_server_config config = {
        .handler = &handler,
        .transport = &source,
        .stats = &stats,
        .num_loops = 1,
        .header_timeout_ms = 150,
        .idle_timeout_ms = 400,
        .name = "flip",
    };
    char why[256];

    atomic_store(&opened, 0);
    atomic_store(&freed, 0);
    atomic_store(&ends, 0);
    ck_assert_int_eq(kw_address_parse("127.0.0.1:0", &config.address), 0);
    ck_assert_msg(kw_server_start(&server, &config, why, sizeof(why)) == 0, "%s", why);
}

static void stop_server(void)
{
    kw_server_stop(server);
    server = NULL;
    ck_assert_uint_eq(atomic_load(&opened), atomic_load(&freed));
}

/* ---- the client ---- */

static int dial(void)
{
    const struct kw_address *address = kw_server_address(server);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, &address->any, address->len), 0);
    return fd;
}

static void say(int fd, const void *bytes, size_t len)
{
    ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* text in records of at most so many bytes. Returns their length. */
static size_t wrap(uint8_t *to, const char *text, size_t record)
{
    size_t len = strlen(text), n = 0;

    for (size_t at = 0; at < len; at += record) {
        size_t part = KW_MIN(record, len - at);

        to[n++] = (uint8_t)part;
        flip(to + n, (const uint8_t *)text + at, part);
        n += part;
    }
    return n;
}

static void ask(int fd, const char *text)
{
    uint8_t wire[4096];

    say(fd, wire, wrap(wire, text, RECORD_MAX));
}

struct heard {
    char plain[65536];
    size_t len;
    bool greeted, said_goodbye, said_no, closed;
};

static void unwrap(struct heard *heard, const uint8_t *wire, size_t len)
{
    size_t at = 0;

    if (len >= strlen(ANSWER) && memcmp(wire, ANSWER, strlen(ANSWER)) == 0) {
        heard->greeted = true;
        at = strlen(ANSWER);
    }
    if (len - at == 2 && memcmp(wire + at, "NO", 2) == 0) {
        heard->said_no = true;
        return;
    }
    while (at < len && at + 1 + wire[at] <= len) {
        size_t part = wire[at++];

        ck_assert(!heard->said_goodbye);
        heard->said_goodbye = part == 0;
        flip((uint8_t *)heard->plain + heard->len, wire + at, part);
        heard->len += part;
        at += part;
    }
}

/* Reads until the text has come ("": the greeting; NULL: the end of the connection). */
static void hear(int fd, struct heard *heard, const char *until)
{
    static uint8_t wire[65536];
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    bool there;
    size_t len = 0;
    ssize_t n;

    do {
        ck_assert_int_eq(poll(&poller, 1, 5000), 1);
        n = recv(fd, wire + len, sizeof(wire) - len, 0);
        len += n > 0 ? (size_t)n : 0;
        memset(heard, 0, sizeof(*heard));
        unwrap(heard, wire, len);
        heard->closed = n <= 0;
        there = until != NULL && (*until == '\0' ? heard->greeted : strstr(heard->plain, until) != NULL);
    } while (!heard->closed && !there);
}

static unsigned answers(const struct heard *heard)
{
    unsigned found = 0;

    for (const char *at = heard->plain; (at = strstr(at, "HTTP/1.1 200 OK\r\n")) != NULL; at++)
        found++;
    return found;
}

/* ---- tests ---- */

START_TEST(test_greeting_needs_no_request)
{
    struct heard heard;
    int fd = dial();

    usleep(20000);
    ck_assert_uint_eq(atomic_load(&opened), 0); /* not before the first byte */
    say(fd, HELLO, strlen(HELLO));
    hear(fd, &heard, "");
    ck_assert(heard.greeted && !heard.closed);
    ask(fd, POST "3\r\n\r\none");
    hear(fd, &heard, "\r\n\r\none");
    ck_assert_uint_eq(answers(&heard), 1);
    ck_assert_ptr_nonnull(strstr(heard.plain, "\r\n\r\none"));
    close(fd);
}
END_TEST

START_TEST(test_all_in_one)
{
    uint8_t wire[1024] = HELLO;
    size_t len = strlen(HELLO);
    struct heard heard;
    int fd = dial();

    len += wrap(wire + len, POST "1\r\n\r\nA" POST "1\r\n\r\nB", 7);
    say(fd, wire, len);
    hear(fd, &heard, "\r\n\r\nB");
    ck_assert(heard.greeted && !heard.said_goodbye);
    ck_assert_uint_eq(answers(&heard), 2);
    ck_assert(strstr(heard.plain, "\r\n\r\nA") < strstr(heard.plain, "\r\n\r\nB"));
    close(fd);
}
END_TEST

START_TEST(test_byte_by_byte)
{
    uint8_t wire[256] = HELLO;
    size_t len = strlen(HELLO);
    struct heard heard;
    int fd = dial();

    len += wrap(wire + len, POST "4\r\n\r\nslow", 30);
    for (size_t i = 0; i < len; i++)
        say(fd, wire + i, 1);
    hear(fd, &heard, "\r\n\r\nslow");
    ck_assert_uint_eq(answers(&heard), 1);
    close(fd);
}
END_TEST

START_TEST(test_continue_and_large_answer)
{
    static char request[20100];
    static uint8_t wire[24000];
    struct heard heard;
    int fd = dial();

    say(fd, HELLO, strlen(HELLO));
    ask(fd, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 20000\r\n\r\n");
    hear(fd, &heard, "Continue\r\n\r\n");
    ck_assert(heard.greeted);
    ck_assert_str_eq(heard.plain, "HTTP/1.1 100 Continue\r\n\r\n");
    memset(request, 'x', 20000);
    say(fd, wire, wrap(wire, request, RECORD_MAX));
    hear(fd, &heard, request);
    ck_assert_uint_eq(answers(&heard), 1);
    ck_assert_str_eq(strstr(heard.plain, "\r\n\r\n") + 4, request);
    close(fd);
}
END_TEST

START_TEST(test_good_bye_with_the_last_answer)
{
    struct heard heard;
    int fd = dial();

    say(fd, HELLO, strlen(HELLO));
    ask(fd, HEAD_CLOSES "3\r\n\r\nend");
    hear(fd, &heard, NULL);
    ck_assert_uint_eq(answers(&heard), 1);
    ck_assert(heard.said_goodbye && heard.closed);
    close(fd);
}
END_TEST

/* A client that has said good-bye right behind its requests still gets their answers. */
START_TEST(test_clients_good_bye)
{
    uint8_t wire[1024] = HELLO;
    size_t len = strlen(HELLO);
    struct heard heard;
    int fd = dial();

    len += wrap(wire + len, POST "1\r\n\r\nA" POST "1\r\n\r\nB", RECORD_MAX);
    wire[len++] = 0;
    say(fd, wire, len);
    hear(fd, &heard, NULL);
    ck_assert_uint_eq(answers(&heard), 2);
    ck_assert(heard.said_goodbye && heard.closed);
    close(fd);
}
END_TEST

/* What comes while a request is handled is taken afterwards. */
START_TEST(test_held_back_while_handling)
{
    struct heard heard;
    int fd = dial();

    say(fd, HELLO, strlen(HELLO));
    ask(fd, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nA");
    usleep(10000);
    ask(fd, POST "1\r\n\r\nB");
    hear(fd, &heard, "\r\n\r\nB");
    ck_assert_uint_eq(answers(&heard), 2);
    ck_assert(strstr(heard.plain, "\r\n\r\nA") < strstr(heard.plain, "\r\n\r\nB"));
    close(fd);
}
END_TEST

START_TEST(test_refusal_reaches_the_client)
{
    static const uint8_t junk[60000] = {255};
    struct heard heard;
    int fd = dial();

    say(fd, HELLO, strlen(HELLO));
    say(fd, junk, sizeof(junk)); /* the rest must not reset the connection */
    hear(fd, &heard, NULL);
    ck_assert(heard.greeted && heard.said_no && heard.closed);
    ck_assert_uint_eq(atomic_load(&ends), 0);
    close(fd);
    fd = dial();
    say(fd, "HTTP?", 5);
    hear(fd, &heard, NULL);
    ck_assert(heard.closed && heard.len == 0);
    close(fd);
}
END_TEST

START_TEST(test_clocks)
{
    uint64_t start = kw_now_ns();
    struct heard heard;
    int slow = dial(), half = dial(), idle = dial();

    /* A greeting and a record that trickle in do not set the clock back. */
    say(half, HELLO "\x20", strlen(HELLO) + 1);
    for (unsigned i = 0; i < 4; i++) {
        (void)!send(slow, &HELLO[i], 1, MSG_NOSIGNAL);
        (void)!send(half, "x", 1, MSG_NOSIGNAL);
        usleep(40000);
    }
    say(idle, HELLO, strlen(HELLO));
    hear(slow, &heard, NULL);
    ck_assert(heard.closed && !heard.greeted && !heard.said_goodbye);
    hear(half, &heard, NULL);
    ck_assert(heard.closed && !heard.said_goodbye);
    ck_assert_uint_lt(kw_now_ns() - start, 450000000u);
    hear(idle, &heard, NULL);
    ck_assert(heard.closed && heard.said_goodbye);
    ck_assert_uint_gt(kw_now_ns() - start, 500000000u);
    close(slow);
    close(half);
    close(idle);
}
END_TEST

static void *stop(void *arg)
{
    (void)arg;
    kw_server_stop(server);
    return NULL;
}

START_TEST(test_drain_says_good_bye)
{
    pthread_t stopper;
    struct heard heard;
    int idle = dial(), busy = dial();

    say(idle, HELLO, strlen(HELLO));
    say(busy, HELLO, strlen(HELLO));
    ask(busy, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nlast");
    usleep(20000);
    ck_assert_int_eq(pthread_create(&stopper, NULL, stop, NULL), 0);
    hear(idle, &heard, NULL);
    ck_assert(heard.greeted && heard.said_goodbye && heard.closed);
    hear(busy, &heard, NULL);
    ck_assert_uint_eq(answers(&heard), 1);
    ck_assert(heard.said_goodbye && heard.closed);
    ck_assert_ptr_nonnull(strstr(heard.plain, "Connection: close\r\n"));
    close(idle);
    close(busy);
    pthread_join(stopper, NULL);
    server = NULL;
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, start_server, stop_server);
    tcase_add_test(tcase, test_greeting_needs_no_request);
    tcase_add_test(tcase, test_all_in_one);
    tcase_add_test(tcase, test_byte_by_byte);
    tcase_add_test(tcase, test_continue_and_large_answer);
    tcase_add_test(tcase, test_good_bye_with_the_last_answer);
    tcase_add_test(tcase, test_clients_good_bye);
    tcase_add_test(tcase, test_held_back_while_handling);
    tcase_add_test(tcase, test_refusal_reaches_the_client);
    tcase_add_test(tcase, test_clocks);
    tcase_add_test(tcase, test_drain_says_good_bye);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("conn", add, 60);
}
