#include "tools/loadtls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

/* A BIO whose two ends are the caller's bytes: nothing is copied into memory of its own. */
struct kw_load_tls {
    SSL *ssl;
    struct kw_bytes in;
    struct kw_buf *out;
};

static BIO_METHOD *method;

static int bio_read(BIO *bio, char *data, size_t cap, size_t *ret_len)
{
    struct kw_load_tls *tls = BIO_get_data(bio);
    size_t len = KW_MIN(cap, tls->in.len);

    BIO_clear_retry_flags(bio);
    if (len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(data, tls->in.ptr, len);
    tls->in = KW_BYTES(tls->in.ptr + len, tls->in.len - len);
    *ret_len = len;
    return 1;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *ret_len)
{
    struct kw_load_tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    kw_buf_put(tls->out, data, len);
    *ret_len = len;
    return kw_buf_ok(tls->out) ? 1 : 0;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static int make_method(void)
{
    if (method != NULL)
        return 0;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "keywell-load");
    KW_REQUIRE(method != NULL, 1);
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_ctrl(method, bio_ctrl);
    BIO_meth_set_create(method, bio_create);
    return 0;
}

int kw_load_tls_context(const char *ca_bundle, bool insecure, SSL_CTX **ret, char *why, size_t why_cap)
{
    static const unsigned char protocols[] = "\x08http/1.1";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int r = 1;

    snprintf(why, why_cap, "OpenSSL has no TLS client");
    if (context == NULL || make_method() != 0)
        return 1;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_protos(context, protocols, sizeof(protocols) - 1);
    SSL_CTX_set_verify(context, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (ca_bundle != NULL) {
        r = SSL_CTX_load_verify_file(context, ca_bundle);
        snprintf(why, why_cap, "%s: no certificates that can be read", ca_bundle);
    } else if (!insecure) {
        r = SSL_CTX_set_default_verify_paths(context);
    }
    if (r != 1) {
        SSL_CTX_free(context);
        return 1;
    }
    *ret = context;
    return 0;
}

static bool is_address(const char *host)
{
    uint8_t address[16];

    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

int kw_load_tls_new(SSL_CTX *context, const char *host, struct kw_load_tls **ret)
{
    struct kw_load_tls *tls = calloc(1, sizeof(*tls));
    BIO *bio = BIO_new(method);
    int r;

    if (tls != NULL)
        tls->ssl = SSL_new(context);
    if (tls == NULL || tls->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        kw_load_tls_free(tls);
        return -ENOMEM;
    }
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_connect_state(tls->ssl);
    /* An address has no place in the server's name, and its own in a certificate. */
    if (is_address(host))
        r = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), host);
    else
        r = (int)SSL_set_tlsext_host_name(tls->ssl, host) & SSL_set1_host(tls->ssl, host);
    if (r != 1) {
        kw_load_tls_free(tls);
        return -ENOMEM;
    }
    *ret = tls;
    return 0;
}

void kw_load_tls_free(struct kw_load_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    free(tls);
}

void kw_load_tls_give(struct kw_load_tls *tls, struct kw_bytes bytes)
{
    tls->in = bytes;
}

/* What a call that did not do its work wants. */
static int judge(struct kw_load_tls *tls, int r)
{
    switch (SSL_get_error(tls->ssl, r)) {
    case SSL_ERROR_WANT_READ:
        return KW_LOAD_TLS_MORE;
    case SSL_ERROR_ZERO_RETURN:
        return KW_LOAD_TLS_END;
    default:
        return KW_LOAD_TLS_FAILED;
    }
}

int kw_load_tls_shake(struct kw_load_tls *tls, struct kw_buf *out)
{
    int r;

    tls->out = out;
    ERR_clear_error();
    r = SSL_do_handshake(tls->ssl);
    if (r == 1)
        return 0;
    r = judge(tls, r);
    return r == KW_LOAD_TLS_MORE ? r : KW_LOAD_TLS_FAILED;
}

int kw_load_tls_read(struct kw_load_tls *tls, uint8_t *data, size_t cap, size_t *ret_len, struct kw_buf *out)
{
    int r;

    tls->out = out;
    ERR_clear_error();
    r = SSL_read_ex(tls->ssl, data, cap, ret_len);
    return r == 1 ? 0 : judge(tls, r);
}

int kw_load_tls_write(struct kw_load_tls *tls, struct kw_bytes data, struct kw_buf *out)
{
    size_t written = 0;

    tls->out = out;
    ERR_clear_error();
    return SSL_write_ex(tls->ssl, data.ptr, data.len, &written) == 1 && written == data.len
               ? 0
               : KW_LOAD_TLS_FAILED;
}

void kw_load_tls_why(const struct kw_load_tls *tls, char *ret, size_t cap)
{
    long verdict = SSL_get_verify_result(tls->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (verdict != X509_V_OK && SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE)
        reason = X509_verify_cert_error_string(verdict);
    snprintf(ret, cap, "TLS: %s", reason != NULL ? reason : "handshake failed");
}

void kw_load_tls_describe(const struct kw_load_tls *tls, char *ret, size_t cap)
{
    snprintf(ret, cap, "%s %s", SSL_get_version(tls->ssl), SSL_get_cipher_name(tls->ssl));
}
