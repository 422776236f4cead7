/* The transport as a connection calls it, with OpenSSL's client at the other end. */
#include "api/tlstransport.h"

#include "api/tlsserver.h"
#include "tests/support/suite.h"
#include "tests/support/tls_rig.h"

#include <stdio.h>
#include <unistd.h>

#define LIMIT (256u * 1024u)

static char folder[64];
static struct kw_datadir datadir;
static struct kw_address address;
static struct kw_tls_server *server;
static SSL_CTX *client_context;

static void set_up(void)
{
    struct kw_tls_server_config config = {.datadir = &datadir, .listen = &address};
    char why[512] = "";

    snprintf(folder, sizeof(folder), "/tmp/keywell-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(kw_datadir_open(&datadir, folder, why, sizeof(why)), 0);
    address = tls_rig_address("127.0.0.1:0");
    ck_assert_msg(kw_tls_server_new(&server, &config, why, sizeof(why)) == 0, "%s", why);
    client_context = SSL_CTX_new(TLS_client_method());
}

static void tear_down(void)
{
    static const char *const names[] = {"tls.crt", "tls.key", "lock"};

    SSL_CTX_free(client_context);
    kw_tls_server_free(server);
    kw_datadir_close(&datadir);
    for (size_t i = 0; i < KW_ARRAY_LEN(names); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

/* A connection: both ends and what is on its way. */
struct ends {
    struct kw_transport *transport;
    SSL *client;
    BIO *sent, *received;
    struct kw_sbuf in, out;
};

static struct ends open_ends(void)
{
    const struct kw_transport_source *source = kw_tls_server_source(server);
    struct ends ends = {.in = KW_SBUF_INIT(LIMIT), .out = KW_SBUF_INIT(LIMIT)};

    ck_assert_int_eq(source->open(source->shared, 0, &ends.transport), 0);
    ends.client = SSL_new(client_context);
    ends.sent = BIO_new(BIO_s_mem());
    ends.received = BIO_new(BIO_s_mem());
    SSL_set_bio(ends.client, ends.received, ends.sent);
    SSL_set_connect_state(ends.client);
    return ends;
}

static void close_ends(struct ends *ends)
{
    ends->transport->ops->free(ends->transport);
    SSL_free(ends->client);
    kw_sbuf_done(&ends->in);
    kw_sbuf_done(&ends->out);
    ERR_clear_error();
}

static int take(struct ends *ends, const void *bytes, size_t len)
{
    return ends->transport->ops->take(ends->transport, KW_BYTES(bytes, len), &ends->in, &ends->out);
}

static int take_sent(struct ends *ends)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(ends->sent, &bytes);
    int r = take(ends, bytes, (size_t)len);

    (void)BIO_reset(ends->sent);
    return r;
}

static void give_client(struct ends *ends)
{
    if (ends->out.len > 0)
        ck_assert_int_gt(BIO_write(ends->received, ends->out.ptr, (int)ends->out.len), 0);
    kw_sbuf_reset(&ends->out, 0);
}

/* One step of the handshake: put off, and done when its turn comes. */
static void step(struct ends *ends)
{
    (void)SSL_do_handshake(ends->client);
    ck_assert_int_eq(take_sent(ends), KW_TRANSPORT_LATER);
    ck_assert_uint_eq(ends->out.len, 0);
    ck_assert_int_eq(take(ends, NULL, 0), 0);
    give_client(ends);
}

static void shake(struct ends *ends)
{
    step(ends);
    ck_assert(!ends->transport->between);
    ck_assert_ptr_null(ends->transport->version);
    step(ends);
    ck_assert(ends->transport->between);
    ck_assert_str_eq(ends->transport->version, "TLSv1.3");
    ck_assert_str_eq(ends->transport->cipher, "TLS_AES_256_GCM_SHA384");
}

static void exchange_content(struct ends *ends)
{
    char text[16];
    size_t len;

    kw_sbuf_reset(&ends->in, 0);
    ck_assert_int_eq(SSL_write(ends->client, "question", 8), 8);
    ck_assert_int_eq(take_sent(ends), 0);
    ck_assert_uint_eq(ends->in.len, 8);
    ck_assert_mem_eq(ends->in.ptr, "question", 8);
    ck_assert_int_eq(
        ends->transport->ops->put(ends->transport, KW_LIT("head"), KW_LIT("body"), &ends->out), 0);
    give_client(ends);
    ck_assert_int_eq(SSL_read_ex(ends->client, text, sizeof(text), &len), 1);
    ck_assert_uint_eq(len, 8);
    ck_assert_mem_eq(text, "headbody", 8);
}

START_TEST(test_connection)
{
    struct ends ends = open_ends();
    const struct kw_tls_stats *stats = kw_tls_server_stats(server);

    shake(&ends);
    exchange_content(&ends);
    /* A request and the end behind it. */
    ck_assert_int_eq(SSL_write(ends.client, "last", 4), 4);
    ck_assert_int_eq(SSL_shutdown(ends.client), 0);
    ck_assert_int_eq(take_sent(&ends), KW_TRANSPORT_END);
    ck_assert_int_eq(ends.transport->ops->put(ends.transport, KW_LIT("head"), KW_LIT(""), &ends.out), 0);
    ends.transport->ops->end(ends.transport, &ends.out);
    ck_assert_uint_eq(stats->handshakes[KW_TLS_1_3], 1);
    ck_assert_uint_eq(stats->handshakes[KW_TLS_1_2] + stats->resumed + stats->crowded_out, 0);
    close_ends(&ends);
}
END_TEST

START_TEST(test_plain_http)
{
    struct ends ends = open_ends();

    ck_assert_int_eq(take(&ends, "GET / HTTP/1.1\r\n\r\n", 18), KW_TRANSPORT_LATER);
    ck_assert_int_lt(take(&ends, NULL, 0), 0);
    ck_assert_int_eq(memcmp(ends.out.ptr, "HTTP/1.1 400 ", 13), 0);
    ck_assert_ptr_nonnull(memmem(ends.out.ptr, ends.out.len, "https", 5));
    ck_assert_uint_eq(kw_tls_server_stats(server)->failures[KW_TLS_FAILURE_PLAIN_HTTP], 1);
    close_ends(&ends);
}
END_TEST

/* Bytes that wait for their turn are bounded too. */
START_TEST(test_held_is_bounded)
{
    static const uint8_t zeros[8192];
    struct ends ends = open_ends();
    size_t held = 0;
    int r;

    while ((r = take(&ends, zeros, sizeof(zeros))) == KW_TRANSPORT_LATER)
        held += sizeof(zeros);
    ck_assert_int_lt(r, 0);
    ck_assert_uint_le(held, KW_TLS_HANDSHAKE_BYTES_MAX);
    close_ends(&ends);
}
END_TEST

/* The oldest of those that are half done makes room; the others get done. */
START_TEST(test_crowd)
{
    static struct ends crowd[KW_TLS_HALF_DONE_MAX + 2];
    size_t num = KW_ARRAY_LEN(crowd);

    for (size_t i = 0; i < num; i++) {
        crowd[i] = open_ends();
        step(&crowd[i]);
    }
    ck_assert_uint_eq(kw_tls_server_stats(server)->crowded_out, 2);
    ck_assert_uint_eq(kw_tls_server_crowd(server, 0)->half_done.num, KW_TLS_HALF_DONE_MAX);
    for (size_t i = 0; i < 2; i++) {
        (void)SSL_do_handshake(crowd[i].client);
        ck_assert_int_lt(take_sent(&crowd[i]), 0);
        ck_assert_int_lt(
            crowd[i].transport->ops->put(crowd[i].transport, KW_LIT("x"), KW_LIT(""), &crowd[i].out), 0);
        crowd[i].transport->ops->end(crowd[i].transport, &crowd[i].out);
        ck_assert_uint_eq(crowd[i].out.len, 0);
    }
    step(&crowd[2]);
    exchange_content(&crowd[2]);
    ck_assert_uint_eq(kw_tls_server_crowd(server, 0)->half_done.num, KW_TLS_HALF_DONE_MAX - 1);
    for (size_t i = 0; i < num; i++)
        close_ends(&crowd[i]);
    ck_assert_uint_eq(kw_tls_server_crowd(server, 0)->half_done.num, 0);
    ck_assert_uint_eq(kw_tls_server_crowd(server, 0)->busy.num, 0);
}
END_TEST

/* More are open than keep their buffers: the others rest and are as good as ever. One that holds part of a
 * record cannot rest, and counts as half done. */
START_TEST(test_rest)
{
    static struct ends all[KW_TLS_BUSY_MAX + 3];
    const struct kw_tls_crowd *crowd = kw_tls_server_crowd(server, 0);
    char *bytes;

    for (size_t i = 0; i < KW_ARRAY_LEN(all); i++) {
        all[i] = open_ends();
        shake(&all[i]);
        if (i != 1)
            continue;
        ck_assert_int_eq(SSL_write(all[i].client, "question", 8), 8);
        ck_assert_int_eq(take(&all[i], (BIO_get_mem_data(all[i].sent, &bytes), bytes), 3), 0);
        ck_assert(!all[i].transport->between);
    }
    ck_assert_uint_eq(crowd->busy.num, KW_TLS_BUSY_MAX);
    ck_assert_uint_eq(crowd->half_done.num, 1);
    exchange_content(&all[0]);
    BIO_get_mem_data(all[1].sent, &bytes);
    ck_assert_int_eq(take(&all[1], bytes + 3, (size_t)BIO_pending(all[1].sent) - 3), 0);
    ck_assert_uint_eq(all[1].in.len, 8);
    ck_assert_uint_eq(crowd->busy.num, KW_TLS_BUSY_MAX);
    ck_assert_uint_eq(crowd->half_done.num, 0);
    ck_assert_uint_eq(kw_tls_server_stats(server)->crowded_out, 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(all); i++)
        close_ends(&all[i]);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_connection);
    tcase_add_test(tcase, test_plain_http);
    tcase_add_test(tcase, test_held_is_bounded);
    tcase_add_test(tcase, test_crowd);
    tcase_add_test(tcase, test_rest);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("tlstransport", add, 30);
}
