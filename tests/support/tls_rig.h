/* tls_rig - the server's side of TLS (api/tls.h) against OpenSSL's own client, in memory. */
#ifndef KW_TESTS_SUPPORT_TLS_RIG_H
#define KW_TESTS_SUPPORT_TLS_RIG_H

#include "api/tls.h"
#include "api/tlscontext.h"
#include "api/tlsself.h"
#include "api/tlsticket.h"
#include "engine/crypto.h"

#include <check.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define TLS_RIG_PLAIN_MAX (1024u * 1024u)

struct tls_rig {
    struct kw_tls_tickets *tickets;
    struct kw_tls_context *context;
    SSL_CTX *client;
};

struct tls_pair {
    struct kw_tls *server;
    SSL *client;
    BIO *from_client, *to_client; /* the client's */
    struct kw_sbuf plain, out;    /* the server's */
    size_t step;                  /* bytes that the server gets at a time; 0: all */
    int result;                   /* of the server's last read */
    int client_reason;            /* of the first failure of the client's handshake */
};

static inline struct kw_address tls_rig_address(const char *text)
{
    struct kw_address address;

    ck_assert_int_eq(kw_address_parse(text, &address), 0);
    return address;
}

static inline struct kw_tls_context *tls_rig_context(
    struct kw_tls_tickets *tickets, enum kw_tls_version least)
{
    struct kw_address address = tls_rig_address("127.0.0.1:0");
    struct kw_sbuf certificate = KW_SBUF_INIT(65536), key = KW_SBUF_INIT(65536);
    struct kw_tls_context *context = NULL;
    char why[512] = "";

    ck_assert_int_eq(kw_tls_self_make(&address, kw_wall_ms() / 1000, &certificate, &key), 0);
    struct kw_tls_context_config config = {
        .certificates = kw_sbuf_bytes(&certificate),
        .key = kw_sbuf_bytes(&key),
        .certificates_name = "tls.crt",
        .key_name = "tls.key",
        .min_version = least,
        .tickets = tickets,
    };
    ck_assert_msg(kw_tls_context_new(&context, &config, why, sizeof(why)) == 0, "%s", why);
    kw_sbuf_done(&certificate);
    kw_sbuf_done(&key);
    return context;
}

static inline void tls_rig_open(struct tls_rig *rig, enum kw_tls_version least)
{
    ck_assert_int_eq(kw_crypto_init(), 0);
    ck_assert_int_eq(kw_tls_tickets_new(&rig->tickets), 0);
    rig->context = tls_rig_context(rig->tickets, least);
    rig->client = SSL_CTX_new(TLS_client_method());
    ck_assert_ptr_nonnull(rig->client);
    /* Whom to trust is the end-to-end tests' matter. */
    SSL_CTX_set_verify(rig->client, SSL_VERIFY_NONE, NULL);
}

static inline void tls_rig_close(struct tls_rig *rig)
{
    SSL_CTX_free(rig->client);
    kw_tls_context_unref(rig->context);
    kw_tls_tickets_free(rig->tickets);
}

static inline void tls_pair_open(struct tls_pair *pair, struct tls_rig *rig)
{
    *pair =
        (struct tls_pair){.plain = KW_SBUF_INIT(TLS_RIG_PLAIN_MAX), .out = KW_SBUF_INIT(TLS_RIG_PLAIN_MAX)};
    ck_assert_int_eq(kw_tls_new(&pair->server, rig->context), 0);
    pair->client = SSL_new(rig->client);
    pair->from_client = BIO_new(BIO_s_mem());
    pair->to_client = BIO_new(BIO_s_mem());
    SSL_set_bio(pair->client, pair->to_client, pair->from_client);
    SSL_set_connect_state(pair->client);
}

static inline void tls_pair_close(struct tls_pair *pair)
{
    kw_tls_free(pair->server);
    SSL_free(pair->client);
    kw_sbuf_done(&pair->plain);
    kw_sbuf_done(&pair->out);
    ERR_clear_error();
}

/* In blocks of their own length, so that AddressSanitizer sees a read beyond them. */
static inline int tls_pair_feed(struct tls_pair *pair, const uint8_t *bytes, size_t len)
{
    pair->result = 0;
    while (len > 0 && kw_tls_state(pair->server) != KW_TLS_ENDED) {
        size_t piece = pair->step == 0 ? len : KW_MIN(len, pair->step);
        uint8_t *exact = malloc(piece);

        ck_assert_ptr_nonnull(exact);
        memcpy(exact, bytes, piece);
        pair->result = kw_tls_read(pair->server, KW_BYTES(exact, piece), &pair->plain, &pair->out);
        free(exact);
        bytes += piece;
        len -= piece;
    }
    return pair->result;
}

/* What the client has to say goes to the server. */
static inline int tls_pair_to_server(struct tls_pair *pair)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(pair->from_client, &bytes);
    int r = len > 0 ? tls_pair_feed(pair, (const uint8_t *)bytes, (size_t)len) : 0;

    (void)BIO_reset(pair->from_client);
    return r;
}

static inline void tls_pair_to_client(struct tls_pair *pair)
{
    if (pair->out.len > 0)
        ck_assert_int_eq(BIO_write(pair->to_client, pair->out.ptr, (int)pair->out.len), (int)pair->out.len);
    kw_sbuf_reset(&pair->out, 0);
}

/* Returns the client's verdict: 1 if its handshake is done. */
static inline int tls_pair_shake(struct tls_pair *pair)
{
    int done = 0;

    for (int i = 0; i < 6; i++) {
        ERR_clear_error();
        done = SSL_do_handshake(pair->client);
        if (pair->client_reason == 0)
            pair->client_reason = ERR_GET_REASON(ERR_peek_error());
        if (kw_tls_state(pair->server) != KW_TLS_ENDED)
            (void)tls_pair_to_server(pair);
        tls_pair_to_client(pair);
    }
    return done;
}

static inline void tls_pair_shake_well(struct tls_pair *pair)
{
    ck_assert_int_eq(tls_pair_shake(pair), 1);
    ck_assert_int_eq(pair->result, 0);
    ck_assert_int_eq(kw_tls_state(pair->server), KW_TLS_OPEN);
}

static inline int tls_pair_say(struct tls_pair *pair, const void *content, size_t len)
{
    ck_assert_int_eq(SSL_write(pair->client, content, (int)len), (int)len);
    return tls_pair_to_server(pair);
}

/* What the client reads of what the server has sent; -1: nothing (yet). */
static inline int tls_pair_hear(struct tls_pair *pair, void *to, size_t cap)
{
    size_t used = 0, len;

    tls_pair_to_client(pair);
    ERR_clear_error();
    while (used < cap && SSL_read_ex(pair->client, (char *)to + used, cap - used, &len) == 1)
        used += len;
    return used > 0 ? (int)used : -1;
}

#endif
