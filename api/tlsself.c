#include "api/tlsself.h"

#include "engine/crypto.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#define DAY_S          86400
#define SERIAL_BYTES   16
#define NAMES_MAX      512
#define MACHINE_MAX    254
#define BACKDATED_DAYS 1 /* for clients whose clock is behind */

static void x509_freep(X509 **certificate)
{
    X509_free(*certificate);
}
static void bio_freep(BIO **bio)
{
    BIO_free(*bio);
}

/* Only what a name of a machine may hold gets into the list, which commas and colons structure. */
static bool is_host_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.')
            return false;
    }
    return name[0] != '\0';
}

static bool is_any(const struct kw_address *address)
{
    return address->any.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr)
                                              : address->in4.sin_addr.s_addr == htonl(INADDR_ANY);
}

static void host_text(const struct kw_address *address, char to[INET6_ADDRSTRLEN])
{
    if (address->any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &address->in6.sin6_addr, to, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET, &address->in4.sin_addr, to, INET6_ADDRSTRLEN);
}

static void list_names(const struct kw_address *listen, char to[NAMES_MAX])
{
    char machine[MACHINE_MAX] = "", host[INET6_ADDRSTRLEN] = "";
    int len = snprintf(to, NAMES_MAX, "DNS:localhost,IP:127.0.0.1,IP:::1");

    if (!is_any(listen) && !kw_address_is_loopback(listen)) {
        host_text(listen, host);
        len += snprintf(to + len, NAMES_MAX - (size_t)len, ",IP:%s", host);
    }
    if (gethostname(machine, sizeof(machine) - 1) == 0 && is_host_name(machine) &&
        strcmp(machine, "localhost") != 0)
        snprintf(to + len, NAMES_MAX - (size_t)len, ",DNS:%s", machine);
}

/* ---- making ---- */

static int add_extension(X509 *certificate, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    int done;

    KW_SSL_PTR(extension);
    done = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    KW_SSL(done);
    return 0;
}

static int add_extensions(X509 *certificate, const char *names)
{
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, certificate, certificate, NULL, NULL, 0);
    KW_TRY(add_extension(certificate, &ctx, NID_basic_constraints, "critical,CA:FALSE"));
    KW_TRY(add_extension(certificate, &ctx, NID_key_usage, "critical,digitalSignature"));
    KW_TRY(add_extension(certificate, &ctx, NID_ext_key_usage, "serverAuth"));
    KW_TRY(add_extension(certificate, &ctx, NID_subject_key_identifier, "hash"));
    KW_TRY(add_extension(certificate, &ctx, NID_authority_key_identifier, "keyid"));
    return add_extension(certificate, &ctx, NID_subject_alt_name, names);
}

/* Two certificates of one subject and serial number confuse some clients: the number is drawn. */
static int set_serial(X509 *certificate)
{
    uint8_t bytes[SERIAL_BYTES];
    KW_CLEANUP(kw_bn_freep) BIGNUM *number = NULL;

    KW_SSL(RAND_bytes(bytes, sizeof(bytes)));
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and not shorter */
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    KW_SSL_PTR(number);
    KW_SSL_PTR(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)));
    return 0;
}

static int fill(X509 *certificate, EVP_PKEY *pkey, const struct kw_address *listen, int64_t now_s)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    char names[NAMES_MAX];

    list_names(listen, names);
    KW_SSL(X509_set_version(certificate, X509_VERSION_3));
    KW_TRY(set_serial(certificate));
    KW_SSL_PTR(ASN1_TIME_set(X509_getm_notBefore(certificate), now_s - BACKDATED_DAYS * DAY_S));
    KW_SSL_PTR(ASN1_TIME_set(X509_getm_notAfter(certificate), now_s + (int64_t)KW_TLS_SELF_DAYS * DAY_S));
    KW_SSL(X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_ASC, (const unsigned char *)"keywell self-signed", -1, -1, 0));
    KW_SSL(X509_set_issuer_name(certificate, name));
    KW_SSL(X509_set_pubkey(certificate, pkey));
    KW_TRY(add_extensions(certificate, names));
    KW_SSL(X509_sign(certificate, pkey, EVP_sha256()));
    return 0;
}

static int take(BIO *bio, struct kw_sbuf *to)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);

    KW_REQUIRE(len > 0, KW_EOPENSSL);
    kw_sbuf_put(to, text, (size_t)len);
    return kw_sbuf_ok(to) ? 0 : -ENOMEM;
}

int kw_tls_self_make(
    const struct kw_address *listen, int64_t now_s, struct kw_sbuf *ret_certificate, struct kw_sbuf *ret_key)
{
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = EVP_EC_gen("P-256");
    KW_CLEANUP(x509_freep) X509 *certificate = X509_new();
    KW_CLEANUP(bio_freep) BIO *certificate_bio = BIO_new(BIO_s_mem());
    KW_CLEANUP(bio_freep) BIO *key_bio = BIO_new(BIO_s_mem());

    KW_REQUIRE(
        pkey != NULL && certificate != NULL && certificate_bio != NULL && key_bio != NULL, KW_EOPENSSL);
    KW_TRY(fill(certificate, pkey, listen, now_s));
    KW_SSL(PEM_write_bio_X509(certificate_bio, certificate));
    KW_SSL(PEM_write_bio_PrivateKey(key_bio, pkey, NULL, NULL, 0, NULL, NULL));
    KW_TRY(take(certificate_bio, ret_certificate));
    return take(key_bio, ret_key);
}

/* ---- judging ---- */

bool kw_tls_self_fits(struct kw_bytes text, const struct kw_address *listen, int64_t now_s)
{
    KW_CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    KW_CLEANUP(x509_freep) X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    time_t until = (time_t)(now_s + (int64_t)KW_TLS_SELF_RENEW_DAYS * DAY_S), now = (time_t)now_s;
    char host[INET6_ADDRSTRLEN] = "127.0.0.1";

    ERR_clear_error();
    if (certificate == NULL || X509_cmp_time(X509_get0_notAfter(certificate), &until) <= 0 ||
        X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0)
        return false;
    if (!is_any(listen))
        host_text(listen, host);
    return X509_check_ip_asc(certificate, host, 0) == 1;
}
