#include "tests/support/suite.h"
#include "tests/support/tls_rig.h"

static struct tls_rig rig;
static struct tls_pair pair;

static void open_with(enum kw_tls_version least)
{
    tls_rig_open(&rig, least);
    tls_pair_open(&pair, &rig);
}

static void done(void)
{
    tls_pair_close(&pair);
    tls_rig_close(&rig);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void open_version(int version)
{
    open_with(KW_TLS_1_2);
    SSL_set_max_proto_version(pair.client, version);
}

START_TEST(test_handshake)
{
    static const char *const names[] = {"TLSv1.2", "TLSv1.3"};
    static const char *const suites[] = {"ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_AES_256_GCM_SHA384"};

    open_version(versions[_i]);
    ck_assert_int_eq(kw_tls_state(pair.server), KW_TLS_START);
    ck_assert_ptr_null(kw_tls_details(pair.server).version);
    tls_pair_shake_well(&pair);
    struct kw_tls_details details = kw_tls_details(pair.server);
    ck_assert_str_eq(details.version, names[_i]);
    ck_assert_str_eq(details.cipher_suite, suites[_i]);
    ck_assert(!details.resumed);
    ck_assert_str_eq(kw_tls_reason(pair.server), "");
    done();
}
END_TEST

/* Whatever the pieces are in which bytes come. */
START_TEST(test_content)
{
    static const size_t steps[] = {0, 1, 7, 1500}, sizes[] = {1, 1300, 16384, 16385, 100000};
    static uint8_t sent[100000], heard[100019];

    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)(i * 31 + i / 251);
    for (size_t s = 0; s < KW_ARRAY_LEN(steps); s++) {
        open_version(versions[_i]);
        pair.step = steps[s];
        tls_pair_shake_well(&pair);
        for (size_t i = 0; i < KW_ARRAY_LEN(sizes); i++) {
            ck_assert_int_eq(tls_pair_say(&pair, sent, sizes[i]), 0);
            ck_assert_uint_eq(pair.plain.len, sizes[i]);
            ck_assert_mem_eq(pair.plain.ptr, sent, sizes[i]);
            kw_sbuf_reset(&pair.plain, 0);
            if (i == 2)
                ck_assert(kw_tls_rest(pair.server));
            ck_assert_int_eq(kw_tls_write(pair.server, KW_LIT("HTTP/1.1 200 OK\r\n\r\n"),
                                 KW_BYTES(sent, sizes[i]), &pair.out),
                0);
            ck_assert_int_eq(tls_pair_hear(&pair, heard, 19 + sizes[i]), (int)(19 + sizes[i]));
            ck_assert_mem_eq(heard, "HTTP/1.1 200 OK\r\n\r\n", 19);
            ck_assert_mem_eq(heard + 19, sent, sizes[i]);
        }
        done();
    }
}
END_TEST

/* Memory is given back between records only, and comes again by itself. */
START_TEST(test_rest)
{
    char *bytes;

    open_version(versions[_i]);
    ck_assert(!kw_tls_is_between(pair.server) && !kw_tls_rest(pair.server));
    tls_pair_shake_well(&pair);
    ck_assert(kw_tls_is_between(pair.server) && kw_tls_rest(pair.server));
    for (size_t cut = 1; cut < 20; cut += 6) {
        ck_assert_int_eq(SSL_write(pair.client, "content", 7), 7);
        long len = BIO_get_mem_data(pair.from_client, &bytes);
        ck_assert_int_eq(tls_pair_feed(&pair, (uint8_t *)bytes, cut), 0);
        ck_assert(!kw_tls_is_between(pair.server) && !kw_tls_rest(pair.server));
        ck_assert_int_eq(tls_pair_feed(&pair, (uint8_t *)bytes + cut, (size_t)len - cut), 0);
        (void)BIO_reset(pair.from_client);
        ck_assert_uint_eq(pair.plain.len, 7);
        kw_sbuf_reset(&pair.plain, 0);
        ck_assert(kw_tls_is_between(pair.server) && kw_tls_rest(pair.server));
    }
    done();
}
END_TEST

/* Head and body are one record, and no copy of them is left behind it. */
START_TEST(test_one_record)
{
    static const char secret[] = "a secret that must not stay in the buffer for what is sent";

    open_version(versions[_i]);
    tls_pair_shake_well(&pair);
    ck_assert_int_eq(kw_tls_write(pair.server, KW_LIT("head"), KW_LIT(""), &pair.out), 0);
    kw_sbuf_reset(&pair.out, 0);
    ck_assert_int_eq(
        kw_tls_write(pair.server, KW_LIT("head"), KW_BYTES(secret, sizeof(secret)), &pair.out), 0);
    ck_assert_uint_eq(pair.out.ptr[0], 23);
    ck_assert_uint_eq(5 + pair.out.ptr[3] * 256u + pair.out.ptr[4], pair.out.len);
    ck_assert_ptr_null(memmem(pair.out.ptr, pair.out.cap, secret, 16));
    done();
}
END_TEST

/* ---- resumption ---- */

static SSL_SESSION *session_of_first(void)
{
    char byte;
    SSL_SESSION *session;

    tls_pair_shake_well(&pair);
    ck_assert(!kw_tls_details(pair.server).resumed);
    (void)tls_pair_hear(&pair, &byte, 1); /* takes the ticket in */
    session = SSL_get1_session(pair.client);
    ck_assert(SSL_SESSION_is_resumable(session));
    /* Without an end in order a session counts as bad. */
    SSL_set_shutdown(pair.client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    tls_pair_close(&pair);
    return session;
}

static bool resumes(SSL_SESSION *session, int version)
{
    bool resumed;

    tls_pair_open(&pair, &rig);
    SSL_set_max_proto_version(pair.client, version);
    ck_assert_int_eq(SSL_set_session(pair.client, session), 1);
    tls_pair_shake_well(&pair);
    resumed = kw_tls_details(pair.server).resumed;
    ck_assert_int_eq(SSL_session_reused(pair.client), resumed);
    ck_assert_int_eq(tls_pair_say(&pair, "x", 1), 0);
    ck_assert_uint_eq(pair.plain.len, 1);
    SSL_set_shutdown(pair.client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    tls_pair_close(&pair);
    return resumed;
}

START_TEST(test_resumption)
{
    open_version(versions[_i]);
    SSL_SESSION *session = session_of_first();
    ck_assert(resumes(session, versions[_i]));
    /* A new certificate, as a reload brings it: sessions stay. */
    kw_tls_context_unref(rig.context);
    rig.context = tls_rig_context(rig.tickets, KW_TLS_1_2);
    ck_assert(resumes(session, versions[_i]));
    /* A replaced key still opens; the one before that is gone. */
    ck_assert_int_eq(kw_tls_tickets_rotate(rig.tickets), 0);
    ck_assert(resumes(session, versions[_i]));
    ck_assert_int_eq(kw_tls_tickets_rotate(rig.tickets), 0);
    ck_assert(!resumes(session, versions[_i]));
    SSL_SESSION_free(session);
    tls_rig_close(&rig);
}
END_TEST

/* A server that knows other keys takes the whole handshake again. */
START_TEST(test_foreign_ticket)
{
    open_version(versions[_i]);
    SSL_SESSION *session = session_of_first();
    tls_rig_close(&rig);
    tls_rig_open(&rig, KW_TLS_1_2);
    ck_assert(!resumes(session, versions[_i]));
    SSL_SESSION_free(session);
    tls_rig_close(&rig);
}
END_TEST

/* ---- what is agreed on ---- */

static const struct {
    const char *offered; /* as on the wire; NULL: no ALPN */
    const char *chosen;  /* NULL: refused */
} protocols[] = {
    {NULL, ""},
    {"\x08http/1.1", "http/1.1"},
    {"\x02h2\x08http/1.1", "http/1.1"},
    {"\x02h2", NULL},
};

START_TEST(test_alpn)
{
    const unsigned char *chosen;
    unsigned len;

    open_with(KW_TLS_1_2);
    if (protocols[_i].offered != NULL)
        ck_assert_int_eq(SSL_set_alpn_protos(pair.client, (const unsigned char *)protocols[_i].offered,
                             (unsigned)strlen(protocols[_i].offered)),
            0);
    if (protocols[_i].chosen != NULL) {
        tls_pair_shake_well(&pair);
        SSL_get0_alpn_selected(pair.client, &chosen, &len);
        ck_assert_uint_eq(len, strlen(protocols[_i].chosen));
        ck_assert(len == 0 || memcmp(chosen, protocols[_i].chosen, len) == 0);
    } else {
        ck_assert_int_ne(tls_pair_shake(&pair), 1);
        ck_assert_int_eq(kw_tls_failure(pair.server), KW_TLS_FAILURE_NO_COMMON);
        /* The client is told why. */
        ck_assert_int_eq(pair.client_reason, SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL);
    }
    done();
}
END_TEST

START_TEST(test_versions_refused)
{
    static const struct {
        enum kw_tls_version least;
        int client;
    } cases[] = {{KW_TLS_1_2, TLS1_1_VERSION}, {KW_TLS_1_2, TLS1_VERSION}, {KW_TLS_1_3, TLS1_2_VERSION}};

    open_with(cases[_i].least);
    SSL_set_security_level(pair.client, 0);
    SSL_set_min_proto_version(pair.client, TLS1_VERSION);
    SSL_set_max_proto_version(pair.client, cases[_i].client);
    ck_assert_int_ne(tls_pair_shake(&pair), 1);
    ck_assert_int_eq(kw_tls_state(pair.server), KW_TLS_ENDED);
    ck_assert_int_eq(kw_tls_failure(pair.server), KW_TLS_FAILURE_NO_COMMON);
    ck_assert_int_eq(pair.client_reason, SSL_AD_REASON_OFFSET + SSL_AD_PROTOCOL_VERSION);
    done();
}
END_TEST

START_TEST(test_suites_refused)
{
    open_version(TLS1_2_VERSION);
    ck_assert_int_eq(SSL_set_cipher_list(pair.client, "AES128-SHA:ECDHE-ECDSA-AES128-SHA"), 1);
    ck_assert_int_ne(tls_pair_shake(&pair), 1);
    ck_assert_int_eq(kw_tls_failure(pair.server), KW_TLS_FAILURE_NO_COMMON);
    done();
}
END_TEST

/* ---- ends ---- */

START_TEST(test_close)
{
    char text[8];

    open_version(versions[_i]);
    tls_pair_shake_well(&pair);
    /* The client ends its side behind a request: both are seen, and the answer still goes out. */
    ck_assert_int_eq(SSL_write(pair.client, "request", 7), 7);
    ck_assert_int_eq(SSL_shutdown(pair.client), 0);
    ck_assert_int_eq(tls_pair_to_server(&pair), KW_TLS_CLOSED);
    ck_assert_int_eq(kw_tls_state(pair.server), KW_TLS_ENDED);
    ck_assert_int_eq(kw_tls_failure(pair.server), KW_TLS_FAILURE_NONE);
    ck_assert_uint_eq(pair.plain.len, 7);
    ck_assert_int_eq(kw_tls_write(pair.server, KW_LIT("answer"), KW_LIT(""), &pair.out), 0);
    kw_tls_close(pair.server, &pair.out);
    kw_tls_close(pair.server, &pair.out); /* says it once */
    ck_assert_int_eq(tls_pair_hear(&pair, text, sizeof(text)), 6);
    ck_assert_int_eq(SSL_get_shutdown(pair.client), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ck_assert_uint_eq(BIO_pending(pair.to_client), 0);
    done();
}
END_TEST

/* The client does not trust the certificate: an alert. */
START_TEST(test_distrust)
{
    open_version(versions[_i]);
    SSL_set_verify(pair.client, SSL_VERIFY_PEER, NULL);
    ck_assert_int_ne(tls_pair_shake(&pair), 1);
    ck_assert_int_eq(kw_tls_failure(pair.server), KW_TLS_FAILURE_ALERT);
    ck_assert_ptr_nonnull(strstr(kw_tls_reason(pair.server), "unknown ca"));
    ck_assert_ptr_null(kw_tls_details(pair.server).version);
    kw_tls_close(pair.server, &pair.out); /* nothing is said after a failure */
    ck_assert_uint_eq(pair.out.len, 0);
    done();
}
END_TEST

START_TEST(test_key_update)
{
    char text[8];

    open_with(KW_TLS_1_3);
    tls_pair_shake_well(&pair);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(SSL_key_update(pair.client, SSL_KEY_UPDATE_REQUESTED), 1);
        ck_assert_int_eq(tls_pair_say(&pair, "again", 5), 0);
        ck_assert_uint_eq(pair.plain.len, 5);
        kw_sbuf_reset(&pair.plain, 0);
        ck_assert_int_eq(kw_tls_write(pair.server, KW_LIT("answer"), KW_LIT(""), &pair.out), 0);
        ck_assert_int_eq(tls_pair_hear(&pair, text, 6), 6);
    }
    done();
}
END_TEST

/* ---- hostile peers ---- */

START_TEST(test_key_update_flood)
{
    int r = 0, num = 0;

    open_with(KW_TLS_1_3);
    tls_pair_shake_well(&pair);
    for (; r == 0 && num < 10000; num++) {
        ck_assert_int_eq(SSL_key_update(pair.client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        ck_assert_int_eq(SSL_do_handshake(pair.client), 1);
        r = tls_pair_to_server(&pair);
    }
    ck_assert_int_eq(r, KW_TLS_FAILED);
    ck_assert_int_eq(kw_tls_failure(pair.server), KW_TLS_FAILURE_FLOOD);
    ck_assert_int_lt(num, 4000);
    ck_assert_uint_lt(pair.out.cap, 4096);
    done();
}
END_TEST

START_TEST(test_renegotiation)
{
    open_version(TLS1_2_VERSION);
    tls_pair_shake_well(&pair);
    ck_assert_int_eq(SSL_renegotiate(pair.client), 1);
    (void)tls_pair_shake(&pair);
    ck_assert_int_eq(pair.client_reason, SSL_R_NO_RENEGOTIATION);
    ck_assert_uint_eq(SSL_num_renegotiations(pair.client), 1); /* asked for once, and that was it */
    ck_assert_uint_eq(pair.plain.len, 0);
    done();
}
END_TEST

START_TEST(test_plain_http)
{
    static const char *const requests[] = {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"};

    for (size_t i = 0; i < KW_ARRAY_LEN(requests); i++) {
        open_with(KW_TLS_1_2);
        ck_assert_int_eq(
            tls_pair_feed(&pair, (const uint8_t *)requests[i], strlen(requests[i])), KW_TLS_FAILED);
        ck_assert_int_eq(kw_tls_failure(pair.server), KW_TLS_FAILURE_PLAIN_HTTP);
        ck_assert_str_eq(kw_tls_failure_name(kw_tls_failure(pair.server)), "plain-http");
        done();
    }
}
END_TEST

/* Each byte of a ClientHello changed: a handshake that does not come about, and nothing worse. */
START_TEST(test_flipped_hello)
{
    uint8_t hello[1024];
    int len;
    size_t failed = 0;

    open_with(KW_TLS_1_2);
    (void)SSL_do_handshake(pair.client);
    len = BIO_read(pair.from_client, hello, sizeof(hello));
    ck_assert_int_gt(len, 100);
    tls_pair_close(&pair);
    for (int i = 0; i < len; i += 3) {
        tls_pair_open(&pair, &rig);
        hello[i] ^= 0xff;
        failed += tls_pair_feed(&pair, hello, (size_t)len) == KW_TLS_FAILED;
        hello[i] ^= 0xff;
        ck_assert_uint_eq(pair.plain.len, 0);
        ck_assert_int_ne(kw_tls_state(pair.server), KW_TLS_OPEN);
        tls_pair_close(&pair);
    }
    ck_assert_uint_gt(failed, 10);
    tls_rig_close(&rig);
}
END_TEST

START_TEST(test_flipped_record)
{
    char *bytes;

    open_version(versions[_i]);
    tls_pair_shake_well(&pair);
    ck_assert_int_eq(SSL_write(pair.client, "content", 7), 7);
    long len = BIO_get_mem_data(pair.from_client, &bytes);
    bytes[len - 1] ^= 1;
    ck_assert_int_eq(tls_pair_to_server(&pair), KW_TLS_FAILED);
    ck_assert_int_eq(kw_tls_failure(pair.server), KW_TLS_FAILURE_PROTOCOL);
    ck_assert_uint_eq(pair.plain.len, 0);
    ck_assert_uint_gt(pair.out.len, 0); /* an alert */
    done();
}
END_TEST

/* A ClientHello that says it is 100,000 bytes long, and sends them. */
START_TEST(test_long_hello)
{
    static uint8_t record[5 + 8000];
    size_t sent = 0;
    int r = 0;

    open_with(KW_TLS_1_2);
    memcpy(record, "\x16\x03\x01\x1f\x40\x01\x01\x86\xa0\x03\x03", 11);
    while (r == 0 && sent < 200000) {
        r = tls_pair_feed(&pair, record, sizeof(record));
        sent += sizeof(record);
        memset(record + 5, 0, sizeof(record) - 5);
    }
    ck_assert_int_eq(r, KW_TLS_FAILED);
    ck_assert_uint_le(sent, KW_TLS_HANDSHAKE_BYTES_MAX + 2 * sizeof(record));
    done();
}
END_TEST

/* Bounds of the caller's buffers hold. */
START_TEST(test_no_room)
{
    static const uint8_t content[4096];

    open_with(KW_TLS_1_2);
    tls_pair_shake_well(&pair);
    pair.plain.limit = 1000;
    ck_assert_int_eq(tls_pair_say(&pair, content, sizeof(content)), KW_TLS_REFUSED);
    ck_assert_int_eq(kw_tls_failure(pair.server), KW_TLS_FAILURE_NONE);
    done();
    open_with(KW_TLS_1_2);
    tls_pair_shake_well(&pair);
    pair.out.limit = 5000;
    ck_assert_int_eq(kw_tls_write(pair.server, KW_LIT("head"), KW_BYTES(content, sizeof(content)), &pair.out),
        KW_TLS_REFUSED);
    done();
    open_with(KW_TLS_1_2);
    pair.out.limit = 10;
    ck_assert_int_ne(tls_pair_shake(&pair), 1);
    ck_assert_int_eq(pair.result, KW_TLS_REFUSED);
    done();
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, test_handshake, 0, 2);
    tcase_add_loop_test(tcase, test_content, 0, 2);
    tcase_add_loop_test(tcase, test_rest, 0, 2);
    tcase_add_loop_test(tcase, test_one_record, 0, 2);
    tcase_add_loop_test(tcase, test_resumption, 0, 2);
    tcase_add_loop_test(tcase, test_foreign_ticket, 0, 2);
    tcase_add_loop_test(tcase, test_alpn, 0, KW_ARRAY_LEN(protocols));
    tcase_add_loop_test(tcase, test_versions_refused, 0, 3);
    tcase_add_test(tcase, test_suites_refused);
    tcase_add_loop_test(tcase, test_close, 0, 2);
    tcase_add_loop_test(tcase, test_distrust, 0, 2);
    tcase_add_test(tcase, test_key_update);
    tcase_add_test(tcase, test_key_update_flood);
    tcase_add_test(tcase, test_renegotiation);
    tcase_add_test(tcase, test_plain_http);
    tcase_add_test(tcase, test_flipped_hello);
    tcase_add_loop_test(tcase, test_flipped_record, 0, 2);
    tcase_add_test(tcase, test_long_hello);
    tcase_add_test(tcase, test_no_room);
}

int main(void)
{
    return kw_suite_run("tls", add, 60);
}
