#include "api/tls.h"

#include "api/tlscontext.h"
#include "pool/secmem.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>

/* A record's header, explicit nonce, tag and inner type: of one record, generously. */
#define RECORD_OVERHEAD 256u

struct kw_tls {
    SSL *ssl;
    struct kw_tls_context *context;
    enum kw_tls_state state;
    enum kw_tls_failure failure;
    const char *reason;
    size_t handshake_bytes; /* taken before the handshake was done */
    size_t idle_bytes;      /* taken since the last content */
    bool may_close;         /* close_notify has not been sent and nothing forbids it */
    /* The caller's, during a call: */
    struct kw_bytes wire;
    struct kw_sbuf *out;
};

/* ---- the BIO between OpenSSL and the caller's buffers ---- */

static int take_wire(BIO *bio, char *to, size_t cap, size_t *ret_len)
{
    struct kw_tls *tls = BIO_get_data(bio);
    size_t len = KW_MIN(cap, tls->wire.len);

    BIO_clear_retry_flags(bio);
    if (len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(to, tls->wire.ptr, len);
    tls->wire = KW_BYTES(tls->wire.ptr + len, tls->wire.len - len);
    *ret_len = len;
    return 1;
}

static int give_out(BIO *bio, const char *from, size_t len, size_t *ret_len)
{
    struct kw_tls *tls = BIO_get_data(bio);

    kw_sbuf_put(tls->out, from, len);
    if (!kw_sbuf_ok(tls->out))
        return 0; /* without the flag to try again: the connection is lost */
    *ret_len = len;
    return 1;
}

static long control(BIO *bio, int command, long number, void *ptr)
{
    (void)bio;
    (void)number;
    (void)ptr;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "keywell");
    if (method == NULL || BIO_meth_set_read_ex(method, take_wire) != 1 ||
        BIO_meth_set_write_ex(method, give_out) != 1 || BIO_meth_set_ctrl(method, control) != 1) {
        BIO_meth_free(method);
        method = NULL;
    }
}

/* ---- life ---- */

int kw_tls_new(struct kw_tls **ret, struct kw_tls_context *context)
{
    struct kw_tls *tls = kw_secmem_alloc(sizeof(*tls));
    BIO *bio;

    KW_REQUIRE(tls != NULL, -ENOMEM);
    pthread_once(&method_once, make_method);
    tls->ssl = SSL_new(kw_tls_context_ssl(context));
    bio = method != NULL ? BIO_new(method) : NULL;
    if (tls->ssl == NULL || bio == NULL) {
        ERR_clear_error();
        BIO_free(bio);
        SSL_free(tls->ssl);
        kw_secmem_free(tls);
        return -ENOMEM;
    }
    tls->context = kw_tls_context_ref(context);
    tls->reason = "";
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio); /* takes it over */
    SSL_set_accept_state(tls->ssl);
    *ret = tls;
    return 0;
}

void kw_tls_free(struct kw_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    kw_tls_context_unref(tls->context);
    kw_secmem_free(tls);
}

/* ---- failures ---- */

static enum kw_tls_failure failure_of(unsigned long error)
{
    int reason = ERR_GET_REASON(error);

    if (ERR_GET_LIB(error) != ERR_LIB_SSL)
        return KW_TLS_FAILURE_PROTOCOL;
    if (reason >= SSL_AD_REASON_OFFSET)
        return KW_TLS_FAILURE_ALERT;
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return KW_TLS_FAILURE_PLAIN_HTTP;
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
        return KW_TLS_FAILURE_NO_COMMON;
    default:
        return KW_TLS_FAILURE_PROTOCOL;
    }
}

static int end(struct kw_tls *tls, int result, enum kw_tls_failure failure, const char *reason)
{
    tls->state = KW_TLS_ENDED;
    tls->failure = failure;
    tls->reason = reason;
    tls->may_close = result == KW_TLS_CLOSED;
    return result;
}

/* What a call of OpenSSL's that did not succeed means. Returns: 0 (it waits for more) | as kw_tls_read() */
static int judge(struct kw_tls *tls, int result)
{
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_reason_error_string(error);
    int kind = SSL_get_error(tls->ssl, result);

    ERR_clear_error();
    if (kind == SSL_ERROR_WANT_READ)
        return 0;
    if (kind == SSL_ERROR_ZERO_RETURN)
        return end(tls, KW_TLS_CLOSED, KW_TLS_FAILURE_NONE, "");
    if (kind != SSL_ERROR_SSL || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
        return end(tls, KW_TLS_REFUSED, KW_TLS_FAILURE_NONE, "out of memory");
    return end(tls, KW_TLS_FAILED, failure_of(error), reason != NULL ? reason : "");
}

static int flood(struct kw_tls *tls, const char *reason)
{
    return end(tls, KW_TLS_FAILED, KW_TLS_FAILURE_FLOOD, reason);
}

/* ---- reading ---- */

/* Returns: 0 | as kw_tls_read() */
static int shake(struct kw_tls *tls)
{
    size_t before = tls->wire.len;
    int done;

    if (before > 0)
        tls->state = KW_TLS_HANDSHAKE;
    done = SSL_do_handshake(tls->ssl);
    tls->handshake_bytes += before - tls->wire.len;
    if (done != 1) {
        int r = judge(tls, done);

        return r == 0 && tls->handshake_bytes > KW_TLS_HANDSHAKE_BYTES_MAX ? flood(tls, "handshake too long")
                                                                           : r;
    }
    tls->state = KW_TLS_OPEN;
    tls->may_close = true;
    return 0;
}

/* A call of OpenSSL's yields the content of one record at most: while there is content it is called again. */
static int take_content(struct kw_tls *tls, struct kw_sbuf *plain)
{
    size_t len;

    while (tls->wire.len > 0 || SSL_pending(tls->ssl) > 0) {
        size_t room = KW_MAX(tls->wire.len, (size_t)SSL_pending(tls->ssl)), before = tls->wire.len;
        int done;

        if (kw_sbuf_reserve(plain, room) < 0)
            return end(tls, KW_TLS_REFUSED, KW_TLS_FAILURE_NONE, "no room");
        done = SSL_read_ex(tls->ssl, plain->ptr + plain->len, plain->cap - plain->len, &len);
        if (done != 1) {
            int r = judge(tls, done);

            tls->idle_bytes += before - tls->wire.len;
            return r == 0 && tls->idle_bytes > KW_TLS_IDLE_BYTES_MAX ? flood(tls, "records without content")
                                                                     : r;
        }
        plain->len += len;
        tls->idle_bytes = 0;
    }
    return 0;
}

int kw_tls_read(struct kw_tls *tls, struct kw_bytes wire, struct kw_sbuf *plain, struct kw_sbuf *out)
{
    int r = 0;

    kw_assert(tls->state != KW_TLS_ENDED);
    ERR_clear_error();
    tls->wire = wire;
    tls->out = out;
    if (tls->state != KW_TLS_OPEN)
        r = shake(tls);
    if (r == 0 && tls->state == KW_TLS_OPEN)
        r = take_content(tls, plain);
    if (r == 0 && !kw_sbuf_ok(out))
        r = end(tls, KW_TLS_REFUSED, KW_TLS_FAILURE_NONE, "out of memory");
    tls->wire = KW_BYTES(NULL, 0);
    tls->out = NULL;
    return r;
}

/* ---- writing ---- */

/* Head and the first of the body go into one record: they are put side by side behind the place where that
 * record will stand, in the same block. */
static int write_first(struct kw_tls *tls, struct kw_bytes head, struct kw_bytes body)
{
    struct kw_sbuf *out = tls->out;
    size_t len = head.len + body.len, used;
    uint8_t *content;
    int done;

    /* The overhead also has room for what OpenSSL has to say first: one KeyUpdate. The block does not move.
     */
    if (kw_sbuf_reserve(out, 2 * len + RECORD_OVERHEAD) < 0)
        return KW_TLS_REFUSED;
    content = out->ptr + out->len + len + RECORD_OVERHEAD;
    memcpy(content, head.ptr, head.len);
    if (body.len > 0)
        memcpy(content + head.len, body.ptr, body.len);
    done = SSL_write_ex(tls->ssl, content, len, &used);
    kw_assert(out->ptr + out->len <= content);
    kw_erase(content, len);
    return done == 1 ? 0 : KW_TLS_REFUSED;
}

static int write_all(struct kw_tls *tls, struct kw_bytes head, struct kw_bytes body)
{
    size_t first = KW_MIN(body.len, SSL3_RT_MAX_PLAIN_LENGTH - head.len), used;

    if (write_first(tls, head, KW_BYTES(body.ptr, first)) != 0)
        return KW_TLS_REFUSED;
    if (body.len == first)
        return 0;
    return SSL_write_ex(tls->ssl, body.ptr + first, body.len - first, &used) == 1 ? 0 : KW_TLS_REFUSED;
}

int kw_tls_write(struct kw_tls *tls, struct kw_bytes head, struct kw_bytes body, struct kw_sbuf *out)
{
    int r;

    kw_assert(tls->may_close && head.len > 0 && head.len <= SSL3_RT_MAX_PLAIN_LENGTH);
    ERR_clear_error();
    tls->out = out;
    r = write_all(tls, head, body);
    tls->out = NULL;
    if (r != 0) {
        ERR_clear_error();
        return end(tls, KW_TLS_REFUSED, KW_TLS_FAILURE_NONE, "out of memory");
    }
    return 0;
}

void kw_tls_close(struct kw_tls *tls, struct kw_sbuf *out)
{
    if (!tls->may_close)
        return;
    tls->may_close = false;
    tls->out = out;
    (void)SSL_shutdown(tls->ssl);
    tls->out = NULL;
    ERR_clear_error();
}

bool kw_tls_is_between(const struct kw_tls *tls)
{
    return tls->state == KW_TLS_OPEN && SSL_has_pending(tls->ssl) == 0;
}

bool kw_tls_rest(struct kw_tls *tls)
{
    return kw_tls_is_between(tls) && SSL_free_buffers(tls->ssl) == 1;
}

/* ---- what is known ---- */

enum kw_tls_state kw_tls_state(const struct kw_tls *tls)
{
    return tls->state;
}

enum kw_tls_failure kw_tls_failure(const struct kw_tls *tls)
{
    return tls->failure;
}

const char *kw_tls_reason(const struct kw_tls *tls)
{
    return tls->reason;
}

struct kw_tls_details kw_tls_details(const struct kw_tls *tls)
{
    if (!SSL_is_init_finished(tls->ssl))
        return (struct kw_tls_details){.version = NULL};
    return (struct kw_tls_details){
        .version = SSL_get_version(tls->ssl),
        .cipher_suite = SSL_get_cipher_name(tls->ssl),
        .resumed = SSL_session_reused(tls->ssl) == 1,
    };
}

const char *kw_tls_failure_name(enum kw_tls_failure failure)
{
    static const char *const names[KW_TLS_FAILURE_NUM] = {
        [KW_TLS_FAILURE_NONE] = "none",
        [KW_TLS_FAILURE_PLAIN_HTTP] = "plain-http",
        [KW_TLS_FAILURE_NO_COMMON] = "nothing-in-common",
        [KW_TLS_FAILURE_ALERT] = "alert",
        [KW_TLS_FAILURE_PROTOCOL] = "protocol",
        [KW_TLS_FAILURE_FLOOD] = "flood",
    };

    kw_assert(failure < KW_TLS_FAILURE_NUM);
    return names[failure];
}
