/* The connections of a server, with a handler that echoes: what is answered, in which order, and what is cut
 * off. */
#include "api/server.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define POST "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: "

static struct kw_server *server;
static struct kw_loop_stats stats;
static _Atomic unsigned handled;

/* Answers with the body it got; "/later" is answered from the tick, to show that an answer may take its time.
 */
struct echo {
    struct kw_exchange *later;
};

static int echo_start(void *shared, struct kw_loop *loop, void **ret_ctx, char *why, size_t why_cap)
{
    (void)shared;
    (void)loop;
    (void)why;
    (void)why_cap;
    *ret_ctx = calloc(1, sizeof(struct echo));
    return *ret_ctx == NULL ? -ENOMEM : 0;
}

static void echo_finish(struct kw_exchange *exchange)
{
    kw_sbuf_put_bytes(&exchange->answer, exchange->body);
    kw_exchange_finish(exchange);
}

static void echo_request(void *ctx, struct kw_exchange *exchange)
{
    struct echo *echo = ctx;

    atomic_fetch_add(&handled, 1);
    exchange->content_type = "text/plain";
    if (kw_bytes_equal(exchange->request.path, KW_LIT("/later")))
        echo->later = exchange;
    else
        echo_finish(exchange);
}

static bool echo_tick(void *ctx, uint64_t now_ns)
{
    struct echo *echo = ctx;
    struct kw_exchange *later = echo->later;

    if (later == NULL || now_ns - later->started_ns < 50000000u)
        return later != NULL;
    echo->later = NULL;
    echo_finish(later);
    return false;
}

static void echo_bad(void *ctx, struct kw_exchange *exchange)
{
    (void)ctx;
    exchange->content_type = "text/plain";
}

static const struct kw_handler echo_handler = {
    .start = echo_start,
    .stop = free,
    .request = echo_request,
    .tick = echo_tick,
    .bad_request = echo_bad,
};

static void start_server(void)
{
    struct kw_server_config config = {
        .handler = &echo_handler,
        .stats = &stats,
        .num_loops = 2,
        .connections_max = 40,
        .header_timeout_ms = 300,
        .idle_timeout_ms = 600,
        .name = "echo",
    };
    char why[256];

    ck_assert_int_eq(kw_address_parse("127.0.0.1:0", &config.address), 0);
    ck_assert_msg(kw_server_start(&server, &config, why, sizeof(why)) == 0, "%s", why);
}

static void stop_server(void)
{
    kw_server_stop(server);
    server = NULL;
}

static int dial(void)
{
    const struct kw_address *address = kw_server_address(server);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, &address->any, address->len), 0);
    return fd;
}

static void say_bytes(int fd, const char *text, size_t len)
{
    ck_assert_int_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

/* Reads until wanted answers have come ("HTTP/1.1 " counted) and nothing more for a moment, or the end.
 * Returns true at the end of the stream. */
static bool hear(int fd, char *text, size_t cap, int timeout_ms)
{
    size_t len = 0;
    ssize_t n = 1;
    struct pollfd poller = {.fd = fd, .events = POLLIN};

    while (len < cap - 1 && poll(&poller, 1, timeout_ms) == 1 &&
           (n = recv(fd, text + len, cap - 1 - len, 0)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    return n <= 0;
}

static unsigned count(const char *text, const char *what)
{
    unsigned found = 0;

    for (; (text = strstr(text, what)) != NULL; text++)
        found++;
    return found;
}

START_TEST(test_keep_alive_and_pipelining)
{
    char text[8192];
    int fd = dial();

    say(fd, POST "3\r\n\r\none");
    ck_assert(!hear(fd, text, sizeof(text), 200));
    ck_assert_uint_eq(count(text, "HTTP/1.1 200 OK\r\n"), 1);
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\none"));
    /* Three at once, the first of which takes its time: answered in order. */
    say(fd,
        "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nA" POST "1\r\n\r\nB" POST "1\r\n\r\nC");
    ck_assert(!hear(fd, text, sizeof(text), 300));
    ck_assert_uint_eq(count(text, "HTTP/1.1 200 OK\r\n"), 3);
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\nA"));
    ck_assert(strstr(text, "\r\n\r\nA") < strstr(text, "\r\n\r\nB"));
    ck_assert(strstr(text, "\r\n\r\nB") < strstr(text, "\r\n\r\nC"));
    close(fd);
}
END_TEST

#define FLOOD 8000u

/* Sends as much of the flood as goes. Returns how many bytes of it have been sent in all. */
static size_t pour(int fd, size_t sent)
{
    static const char request[] = POST "2\r\n\r\nhi";
    static char flood[FLOOD * (sizeof(request) - 1)];
    ssize_t n;

    if (flood[0] == '\0')
        for (size_t i = 0; i < FLOOD; i++)
            memcpy(flood + i * (sizeof(request) - 1), request, sizeof(request) - 1);
    if (sent == sizeof(flood))
        return sent;
    n = send(fd, flood + sent, sizeof(flood) - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent + (n > 0 ? (size_t)n : 0);
}

static unsigned count_answers(int fd, unsigned wanted)
{
    static char text[1 << 16];
    unsigned found = 0;
    size_t kept = 0, sent = 0;

    while (found < wanted) {
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        ssize_t n;

        sent = pour(fd, sent);
        if (poll(&poller, 1, 20) == 0)
            continue;
        n = recv(fd, text + kept, sizeof(text) - 1 - kept, 0);
        if (n <= 0)
            break;
        text[kept + (size_t)n] = '\0';
        found += count(text, "\r\n\r\nhi");
        /* An end that may have been cut in two is kept. */
        kept = KW_MIN(kept + (size_t)n, 5u);
        memmove(text, text + strlen(text) - kept, kept);
    }
    return found;
}

/* Far more requests at once than the server holds of one connection, the first of which takes its time: it
 * stops reading, goes on later, and answers each. */
START_TEST(test_flood_of_pipelined_requests)
{
    unsigned before = atomic_load(&handled);
    int fd = dial();

    say(fd, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    ck_assert_uint_eq(count_answers(fd, FLOOD + 1), FLOOD + 1);
    ck_assert_uint_eq(atomic_load(&handled) - before, FLOOD + 1);
    close(fd);
}
END_TEST

START_TEST(test_byte_by_byte)
{
    static const char request[] = POST "4\r\n\r\nslow";
    char text[1024];
    int fd = dial();

    for (size_t i = 0; i < sizeof(request) - 1; i++)
        say_bytes(fd, request + i, 1);
    ck_assert(!hear(fd, text, sizeof(text), 200));
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\nslow"));
    close(fd);
}
END_TEST

START_TEST(test_half_closed)
{
    char text[1024];
    int fd = dial();

    say(fd, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert(hear(fd, text, sizeof(text), 2000));
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\nhi"));
    close(fd);
}
END_TEST

START_TEST(test_reset_in_the_middle)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    int fd = dial();
    char text[1024];

    say(fd, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(fd);
    usleep(100000);
    fd = dial();
    say(fd, POST "0\r\n\r\n");
    ck_assert(!hear(fd, text, sizeof(text), 200));
    ck_assert_uint_eq(count(text, "HTTP/1.1 200 OK\r\n"), 1);
    close(fd);
}
END_TEST

START_TEST(test_refusals_close)
{
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        {"POST / HTTP/1.1\nHost: h\n\n", "HTTP/1.1 400 "},
        {"POST / HTTP/1.1\r\nHost : h\r\n\r\n", "HTTP/1.1 400 "},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 501 "},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10485760\r\n\r\n", "HTTP/1.1 413 "},
        {"POST / HTTP/2.0\r\nHost: h\r\n\r\n", "HTTP/1.1 505 "},
    };
    char text[1024];

    for (size_t i = 0; i < KW_ARRAY_LEN(cases); i++) {
        int fd = dial();

        say(fd, cases[i].request);
        ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
        ck_assert_msg(hear(fd, text, sizeof(text), 3000), "%s", cases[i].request);
        ck_assert_msg(
            strncmp(text, cases[i].status, strlen(cases[i].status)) == 0, "%s: %s", cases[i].request, text);
        ck_assert_ptr_nonnull(strstr(text, "\r\nConnection: close\r\n"));
        close(fd);
    }
}
END_TEST

/* A client that goes on sending its body must still be able to read why it was refused. */
START_TEST(test_refused_body_is_drained)
{
    static char chunk[65536];
    int fd = dial();
    char text[1024];

    memset(chunk, 'x', sizeof(chunk));
    say(fd, POST "10485760\r\n\r\n");
    for (unsigned i = 0; i < 160; i++)
        say_bytes(fd, chunk, sizeof(chunk));
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert(hear(fd, text, sizeof(text), 3000));
    ck_assert_uint_eq(count(text, "HTTP/1.1 413 "), 1);
    close(fd);
}
END_TEST

START_TEST(test_long_head)
{
    static char head[KW_HTTP_HEAD_MAX + 100];
    char text[1024];
    int fd = dial();

    memset(head, 'a', sizeof(head));
    memcpy(head, "POST / HTTP/1.1\r\nHost: h\r\nX: ", 29);
    (void)!send(fd, head, sizeof(head), MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    ck_assert(hear(fd, text, sizeof(text), 3000));
    ck_assert_uint_eq(count(text, "HTTP/1.1 431 "), 1);
    close(fd);
}
END_TEST

START_TEST(test_large_body_comes_back)
{
    static char request[KW_HTTP_BODY_MAX + 200], text[KW_HTTP_BODY_MAX + 1024];
    int len = snprintf(request, sizeof(request), POST "%u\r\n\r\n", KW_HTTP_BODY_MAX), fd = dial();
    char *body;

    for (unsigned i = 0; i < KW_HTTP_BODY_MAX; i++)
        request[(unsigned)len + i] = (char)('a' + i % 23);
    say_bytes(fd, request, (size_t)len + KW_HTTP_BODY_MAX);
    ck_assert(!hear(fd, text, sizeof(text), 500));
    body = strstr(text, "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    ck_assert_int_eq(memcmp(body + 4, request + len, KW_HTTP_BODY_MAX), 0);
    close(fd);
}
END_TEST

START_TEST(test_expect_continue)
{
    char text[1024];
    int fd = dial();

    say(fd, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    ck_assert(!hear(fd, text, sizeof(text), 150));
    ck_assert_str_eq(text, "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "ok");
    ck_assert(!hear(fd, text, sizeof(text), 150));
    ck_assert_uint_eq(count(text, "HTTP/1.1 200 OK\r\n"), 1);
    close(fd);
}
END_TEST

START_TEST(test_slow_and_idle_are_cut_off)
{
    char text[1024];
    int slow = dial(), idle = dial();
    uint64_t start = kw_now_ns();

    /* A byte now and then does not set the clock back. */
    for (unsigned i = 0; i < 4; i++) {
        (void)!send(slow, &"POST"[i], 1, MSG_NOSIGNAL);
        usleep(100000);
    }
    ck_assert(hear(slow, text, sizeof(text), 2000));
    ck_assert_uint_lt(kw_now_ns() - start, 1500000000u);
    ck_assert(hear(idle, text, sizeof(text), 2000));
    ck_assert_uint_gt(kw_now_ns() - start, 500000000u);
    close(slow);
    close(idle);
}
END_TEST

START_TEST(test_connection_limit)
{
    int fds[100];
    unsigned served = 0;
    char text[512];

    for (unsigned i = 0; i < 100; i++)
        fds[i] = dial();
    for (unsigned i = 0; i < 100; i++) {
        (void)!send(fds[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27, MSG_NOSIGNAL);
        (void)hear(fds[i], text, sizeof(text), 20);
        served += count(text, "HTTP/1.1 200 OK");
        close(fds[i]);
    }
    ck_assert_uint_le(served, 40);
    ck_assert_uint_ge(served, 20);
    ck_assert_uint_gt(atomic_load(&stats.refused), 0);
}
END_TEST

START_TEST(test_drain_answers_what_is_in_flight)
{
    char text[1024];
    int fd = dial(), idle = dial();
    unsigned before = atomic_load(&handled);
    uint64_t start;

    say(fd, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nlast");
    while (atomic_load(&handled) == before)
        usleep(1000);
    start = kw_now_ns();
    stop_server();
    ck_assert_uint_lt(kw_now_ns() - start, 3000000000u);
    ck_assert(hear(fd, text, sizeof(text), 1000));
    ck_assert_ptr_nonnull(strstr(text, "Connection: close\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\nlast"));
    ck_assert(hear(idle, text, sizeof(text), 1000));
    close(fd);
    close(idle);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, start_server, stop_server);
    tcase_add_test(tcase, test_keep_alive_and_pipelining);
    tcase_add_test(tcase, test_flood_of_pipelined_requests);
    tcase_add_test(tcase, test_byte_by_byte);
    tcase_add_test(tcase, test_half_closed);
    tcase_add_test(tcase, test_reset_in_the_middle);
    tcase_add_test(tcase, test_refusals_close);
    tcase_add_test(tcase, test_refused_body_is_drained);
    tcase_add_test(tcase, test_long_head);
    tcase_add_test(tcase, test_large_body_comes_back);
    tcase_add_test(tcase, test_expect_continue);
    tcase_add_test(tcase, test_slow_and_idle_are_cut_off);
    tcase_add_test(tcase, test_connection_limit);
    tcase_add_test(tcase, test_drain_answers_what_is_in_flight);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("server", add, 60);
}
