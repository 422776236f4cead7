/* A stranger's bytes on a TLS port. The first byte: how many of the rest come at a time, and (its top bit)
 * whether they come after a handshake that OpenSSL's client has made, in place of its records. */
#include "api/tls.h"

#include "api/tlscontext.h"
#include "api/tlsself.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

static struct kw_tls_context *context;
static SSL_CTX *client_context;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct kw_sbuf certificate = KW_SBUF_INIT(65536), key = KW_SBUF_INIT(65536);
    struct kw_address address;
    char why[256];

    (void)argc;
    (void)argv;
    kw_assert(kw_crypto_init() == 0 && kw_address_parse("127.0.0.1:0", &address) == 0);
    kw_assert(kw_tls_self_make(&address, kw_wall_ms() / 1000, &certificate, &key) == 0);
    struct kw_tls_context_config config = {
        .certificates = kw_sbuf_bytes(&certificate),
        .key = kw_sbuf_bytes(&key),
        .certificates_name = "certificate",
        .key_name = "key",
    };
    kw_assert(kw_tls_context_new(&context, &config, why, sizeof(why)) == 0);
    kw_sbuf_done(&certificate);
    kw_sbuf_done(&key);
    client_context = SSL_CTX_new(TLS_client_method());
    kw_assert(client_context != NULL);
    return 0;
}

static void shake(struct kw_tls *tls, struct kw_sbuf *plain, struct kw_sbuf *out)
{
    SSL *client = SSL_new(client_context);
    BIO *sent = BIO_new(BIO_s_mem()), *received = BIO_new(BIO_s_mem());

    SSL_set_bio(client, received, sent);
    SSL_set_connect_state(client);
    for (int i = 0; i < 2; i++) {
        char *bytes;

        (void)SSL_do_handshake(client);
        long len = BIO_get_mem_data(sent, &bytes);
        kw_assert(kw_tls_read(tls, KW_BYTES(bytes, (size_t)len), plain, out) == 0);
        (void)BIO_reset(sent);
        BIO_write(received, out->ptr, (int)out->len);
        kw_sbuf_reset(out, 0);
    }
    SSL_free(client);
    kw_assert(kw_tls_state(tls) == KW_TLS_OPEN);
}

static void feed(
    struct kw_tls *tls, struct kw_bytes in, size_t step, struct kw_sbuf *plain, struct kw_sbuf *out)
{
    bool open = kw_tls_state(tls) == KW_TLS_OPEN;
    int r = 0;

    for (size_t at = 0; r == 0 && at < in.len; at += step)
        r = kw_tls_read(tls, KW_BYTES(in.ptr + at, KW_MIN(step, in.len - at)), plain, out);
    kw_assert(r == 0 || r == KW_TLS_FAILED || r == KW_TLS_CLOSED);
    kw_assert((r == KW_TLS_FAILED) == (kw_tls_failure(tls) != KW_TLS_FAILURE_NONE));
    /* Nobody guesses keys: not a byte of content. */
    kw_assert(plain->len == 0 && (open || kw_tls_state(tls) != KW_TLS_OPEN));
    kw_assert(out->len <= 16384 && ERR_peek_error() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct kw_sbuf plain = KW_SBUF_INIT(65536), out = KW_SBUF_INIT(65536);
    struct kw_tls *tls = NULL;

    if (len == 0)
        return 0;
    kw_assert(kw_tls_new(&tls, context) == 0);
    if (data[0] & 0x80)
        shake(tls, &plain, &out);
    feed(tls, KW_BYTES(data + 1, len - 1), 1 + (data[0] & 0x7f) * 16u, &plain, &out);
    kw_tls_close(tls, &out);
    kw_tls_free(tls);
    kw_sbuf_done(&plain);
    kw_sbuf_done(&out);
    return 0;
}
