#include "tests/support/suite.h"
#include "tests/support/tls_rig.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S 86400

static struct kw_sbuf certificate, key;
static int64_t now_s;

static void make(const char *listen)
{
    struct kw_address address = tls_rig_address(listen);

    certificate = KW_SBUF_INIT(65536);
    key = KW_SBUF_INIT(65536);
    now_s = kw_wall_ms() / 1000;
    ck_assert_int_eq(kw_tls_self_make(&address, now_s, &certificate, &key), 0);
}

static void done(void)
{
    kw_sbuf_done(&certificate);
    kw_sbuf_done(&key);
}

static X509 *parsed(void)
{
    BIO *bio = BIO_new_mem_buf(certificate.ptr, (int)certificate.len);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    ck_assert_ptr_nonnull(x509);
    BIO_free(bio);
    return x509;
}

static bool fits(const char *listen, int64_t at_s)
{
    struct kw_address address = tls_rig_address(listen);

    return kw_tls_self_fits(kw_sbuf_bytes(&certificate), &address, at_s);
}

START_TEST(test_names)
{
    make("192.0.2.7:4566");
    X509 *x509 = parsed();
    ck_assert_int_eq(X509_check_host(x509, "localhost", 0, 0, NULL), 1);
    ck_assert_int_eq(X509_check_ip_asc(x509, "127.0.0.1", 0), 1);
    ck_assert_int_eq(X509_check_ip_asc(x509, "::1", 0), 1);
    ck_assert_int_eq(X509_check_ip_asc(x509, "192.0.2.7", 0), 1);
    ck_assert_int_eq(X509_check_ip_asc(x509, "192.0.2.8", 0), 0);
    ck_assert_int_eq(X509_check_host(x509, "example.com", 0, 0, NULL), 0);
    X509_free(x509);
    done();
}
END_TEST

/* It vouches for itself (a client that has it as its bundle takes it, strictly) and for nobody else. */
START_TEST(test_vouches)
{
    make("[::1]:0");
    X509 *x509 = parsed();
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    ck_assert_int_eq(X509_STORE_add_cert(store, x509), 1);
    ck_assert_int_eq(X509_STORE_CTX_init(ctx, store, x509, NULL), 1);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
    ck_assert_int_eq(X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER), 1);
    ck_assert_msg(
        X509_verify_cert(ctx) == 1, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    ck_assert_int_eq(X509_check_ca(x509), 0);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(x509);
    done();
}
END_TEST

START_TEST(test_fits)
{
    make("127.0.0.1:1");
    ck_assert(fits("127.0.0.1:2", now_s));
    ck_assert(fits("[::1]:2", now_s));
    ck_assert(fits("0.0.0.0:2", now_s));
    ck_assert(fits("[::]:2", now_s));
    ck_assert(!fits("192.0.2.1:2", now_s));
    ck_assert(fits("127.0.0.1:2", now_s + (KW_TLS_SELF_DAYS - KW_TLS_SELF_RENEW_DAYS - 1) * DAY_S));
    ck_assert(!fits("127.0.0.1:2", now_s + (KW_TLS_SELF_DAYS - KW_TLS_SELF_RENEW_DAYS + 1) * DAY_S));
    ck_assert(!fits("127.0.0.1:2", now_s - 2 * DAY_S));
    /* What is no certificate fits nowhere. */
    kw_sbuf_reset(&certificate, 0);
    ck_assert(!fits("127.0.0.1:2", now_s));
    kw_sbuf_put_str(&certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    ck_assert(!fits("127.0.0.1:2", now_s));
    done();
}
END_TEST

START_TEST(test_differ)
{
    make("127.0.0.1:1");
    X509 *first = parsed();
    done();
    make("127.0.0.1:1");
    X509 *second = parsed();
    ck_assert_int_ne(ASN1_INTEGER_cmp(X509_get0_serialNumber(first), X509_get0_serialNumber(second)), 0);
    ck_assert_int_ne(EVP_PKEY_eq(X509_get0_pubkey(first), X509_get0_pubkey(second)), 1);
    X509_free(first);
    X509_free(second);
    done();
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_names);
    tcase_add_test(tcase, test_vouches);
    tcase_add_test(tcase, test_fits);
    tcase_add_test(tcase, test_differ);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("tlsself", add, 20);
}
