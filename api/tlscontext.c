#include "api/tlscontext.h"

#include "api/tlsticket.h"
#include "pool/secmem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

/* Forward secrecy and authenticated encryption only. */
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define SUITES_1_3  "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
#define GROUPS      "X25519:P-256:P-384"
#define CHAIN_MAX   16u

struct kw_tls_context {
    _Atomic uint32_t refs;
    SSL_CTX *ssl;
    struct kw_tls_certificate certificate;
};

/* Where to say what is wrong, and with what. */
struct reading {
    const struct kw_tls_context_config *config;
    char *why;
    size_t why_cap;
};

static int bad(const struct reading *reading, const char *format, ...) KW_PRINTF(2, 3);
static int bad(const struct reading *reading, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reading->why, reading->why_cap, format, args);
    va_end(args);
    ERR_clear_error();
    return 1;
}

static void bio_freep(BIO **bio)
{
    BIO_free(*bio);
}
static void x509_freep(X509 **certificate)
{
    X509_free(*certificate);
}
static void pkey_freep(EVP_PKEY **pkey)
{
    EVP_PKEY_free(*pkey);
}

static BIO *bio_of(struct kw_bytes text)
{
    return BIO_new_mem_buf(text.ptr, (int)text.len);
}

/* ---- the certificate ---- */

static int describe_time(const ASN1_TIME *time, int64_t *ret)
{
    struct tm tm;

    KW_SSL(ASN1_TIME_to_tm(time, &tm));
    *ret = timegm(&tm);
    return 0;
}

static void describe_subject(const X509 *certificate, char *to, size_t cap)
{
    KW_CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    int len = -1;

    if (bio != NULL && X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0)
        len = BIO_read(bio, to, (int)cap - 1);
    to[KW_MAX(len, 0)] = '\0';
}

static int describe_fingerprint(const X509 *certificate, char *to, size_t cap)
{
    uint8_t digest[32];
    unsigned len = sizeof(digest);

    kw_assert(cap >= 3 * sizeof(digest));
    KW_SSL(X509_digest(certificate, EVP_sha256(), digest, &len));
    for (unsigned i = 0; i < sizeof(digest); i++)
        snprintf(to + 3 * (size_t)i, 4, "%02X%s", digest[i], i + 1 < sizeof(digest) ? ":" : "");
    return 0;
}

/* Kinds of keys that clients can be expected to know. Returns: 0 | 1 */
static int describe_key(const EVP_PKEY *pkey, char *to, size_t cap)
{
    static const struct {
        const char *group, *name;
    } curves[] = {{"prime256v1", "P-256"}, {"secp384r1", "P-384"}, {"secp521r1", "P-521"}};
    char group[64] = "";
    int kind = EVP_PKEY_get_base_id(pkey);

    if (kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS) {
        snprintf(to, cap, "RSA %d", EVP_PKEY_get_bits(pkey));
        return EVP_PKEY_get_bits(pkey) >= 2048 ? 0 : 1;
    }
    if (kind == EVP_PKEY_ED25519) {
        snprintf(to, cap, "Ed25519");
        return 0;
    }
    if (kind != EVP_PKEY_EC || EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1)
        return 1;
    for (size_t i = 0; i < KW_ARRAY_LEN(curves); i++) {
        if (strcmp(group, curves[i].group) == 0) {
            snprintf(to, cap, "EC %s", curves[i].name);
            return 0;
        }
    }
    return 1;
}

static int describe(const struct reading *reading, X509 *certificate, struct kw_tls_certificate *ret)
{
    const char *name = reading->config->certificates_name;
    EVP_PKEY *pkey = X509_get0_pubkey(certificate);

    if (pkey == NULL || describe_key(pkey, ret->key_type, sizeof(ret->key_type)) != 0)
        return bad(reading,
            "the certificate in %s is for a key of a kind that is not served: take RSA of 2048 bits or more, "
            "or an "
            "EC key on P-256, P-384 or P-521",
            name);
    describe_subject(certificate, ret->subject, sizeof(ret->subject));
    if (describe_time(X509_get0_notBefore(certificate), &ret->not_before_s) < 0 ||
        describe_time(X509_get0_notAfter(certificate), &ret->not_after_s) < 0 ||
        describe_fingerprint(certificate, ret->fingerprint, sizeof(ret->fingerprint)) < 0)
        return bad(reading, "the certificate in %s is damaged", name);
    return 0;
}

/* The rest of the file. An end that is no PEM at all is no error. */
static int read_chain(const struct reading *reading, BIO *bio, struct kw_tls_context *context)
{
    const char *name = reading->config->certificates_name;

    for (;;) {
        KW_CLEANUP(x509_freep) X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

        if (certificate == NULL) {
            if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
                return bad(
                    reading, "certificate %u in %s is damaged", context->certificate.num_chain + 2, name);
            ERR_clear_error();
            return 0;
        }
        if (context->certificate.num_chain == CHAIN_MAX)
            return bad(
                reading, "%s holds more than %u certificates: is it a list of roots?", name, CHAIN_MAX + 1);
        if (SSL_CTX_add1_chain_cert(context->ssl, certificate) != 1)
            return bad(reading, "certificate %u in %s is too weak to be served (%s)",
                context->certificate.num_chain + 2, name, ERR_reason_error_string(ERR_peek_last_error()));
        context->certificate.num_chain++;
    }
}

static int use_certificates(const struct reading *reading, struct kw_tls_context *context)
{
    const char *name = reading->config->certificates_name;
    KW_CLEANUP(bio_freep) BIO *bio = bio_of(reading->config->certificates);
    KW_CLEANUP(x509_freep) X509 *certificate = NULL;

    if (bio == NULL)
        return bad(reading, "out of memory");
    certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    if (certificate == NULL)
        return bad(reading,
            ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
                ? "%s holds no certificate (PEM, -----BEGIN CERTIFICATE-----)"
                : "the first certificate in %s is damaged",
            name);
    if (describe(reading, certificate, &context->certificate) != 0)
        return 1;
    if (SSL_CTX_use_certificate(context->ssl, certificate) != 1)
        return bad(reading, "the certificate in %s is too weak to be served (%s)", name,
            ERR_reason_error_string(ERR_peek_last_error()));
    return read_chain(reading, bio, context);
}

/* ---- the key ---- */

/* Called only if the key is sealed with a password: there is nobody to ask. */
static int no_password(char *buf, int size, int writing, void *asked)
{
    (void)buf;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static int use_key(const struct reading *reading, struct kw_tls_context *context)
{
    const struct kw_tls_context_config *config = reading->config;
    KW_CLEANUP(bio_freep) BIO *bio = bio_of(config->key);
    KW_CLEANUP(pkey_freep) EVP_PKEY *pkey = NULL;
    bool asked = false;

    if (bio == NULL)
        return bad(reading, "out of memory");
    pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked);
    if (asked)
        return bad(reading,
            "the key in %s is sealed with a password, which nobody is there to type: give it without one, in "
            "a file "
            "that only this user may read (openssl pkey -in SEALED -out KEY; chmod 0400 KEY)",
            config->key_name);
    if (pkey == NULL)
        return bad(reading, "%s holds no private key (PEM, -----BEGIN PRIVATE KEY-----)", config->key_name);
    if (X509_check_private_key(SSL_CTX_get0_certificate(context->ssl), pkey) != 1)
        return bad(reading,
            "the key in %s is not that of the first certificate in %s (the server's own comes first, then "
            "its chain)",
            config->key_name, config->certificates_name);
    if (SSL_CTX_use_PrivateKey(context->ssl, pkey) != 1)
        return bad(reading, "the key in %s cannot be used (%s)", config->key_name,
            ERR_reason_error_string(ERR_peek_last_error()));
    return 0;
}

/* ---- the rest ---- */

/* ALPN: HTTP/1.1 is what is spoken here. Who offers others only is told so (RFC 7301 section 3.2); who offers
 * none is served. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
    const unsigned char *offered, unsigned len, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, ret_len, ours, sizeof(ours) - 1, offered, len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Returns: 0 | KW_EOPENSSL */
static int set_up(SSL_CTX *ssl, const struct kw_tls_context_config *config)
{
    static const unsigned char id[] = "keywell";
    char groups[] = GROUPS; /* not written to, but taken as if it were */

    SSL_CTX_set_security_level(ssl, 2);
    KW_SSL(SSL_CTX_set_min_proto_version(
        ssl, config->min_version == KW_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION));
    KW_SSL(SSL_CTX_set_cipher_list(ssl, CIPHERS_1_2));
    KW_SSL(SSL_CTX_set_ciphersuites(ssl, SUITES_1_3));
    KW_SSL(SSL_CTX_set1_groups_list(ssl, groups));
    /* CHACHA first for those who put it first: they have no AES in hardware. */
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
    KW_SSL(SSL_CTX_set_session_id_context(ssl, id, sizeof(id) - 1));
    (void)SSL_CTX_set_session_cache_mode(
        ssl, SSL_SESS_CACHE_OFF); /* tickets only: nothing to keep for strangers */
    if (config->tickets == NULL) {
        SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
        return SSL_CTX_set_num_tickets(ssl, 0) == 1 ? 0 : KW_EOPENSSL;
    }
    /* One per handshake: each costs as much as a request, and clients that use them at all get another one
     * with every resumption. */
    KW_SSL(SSL_CTX_set_num_tickets(ssl, 1));
    return kw_tls_tickets_install(config->tickets, ssl);
}

int kw_tls_context_new(
    struct kw_tls_context **ret, const struct kw_tls_context_config *config, char *why, size_t why_cap)
{
    struct reading reading = {.config = config, .why = why, .why_cap = why_cap};
    KW_CLEANUP(kw_tls_context_unrefp) struct kw_tls_context *context = kw_secmem_alloc(sizeof(*context));

    if (context == NULL)
        return bad(&reading, "out of memory");
    atomic_init(&context->refs, 1);
    context->ssl = SSL_CTX_new(TLS_server_method());
    if (context->ssl == NULL || set_up(context->ssl, config) < 0)
        return bad(
            &reading, "OpenSSL cannot set up TLS (%s)", ERR_reason_error_string(ERR_peek_last_error()));
    if (use_certificates(&reading, context) != 0 || use_key(&reading, context) != 0)
        return 1;
    *ret = context;
    context = NULL;
    return 0;
}

struct kw_tls_context *kw_tls_context_ref(struct kw_tls_context *context)
{
    atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

void kw_tls_context_unref(struct kw_tls_context *context)
{
    /* Each holder's last look happens before the one who comes to zero frees. */
    if (context == NULL || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(context->ssl);
    kw_secmem_free(context);
}

const struct kw_tls_certificate *kw_tls_context_certificate(const struct kw_tls_context *context)
{
    return &context->certificate;
}

SSL_CTX *kw_tls_context_ssl(const struct kw_tls_context *context)
{
    return context->ssl;
}
