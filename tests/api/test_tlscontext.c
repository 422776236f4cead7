#include "tests/support/suite.h"
#include "tests/support/tls_rig.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

/* PEM texts made once: keys of each kind, certificates for them, one signed by another. */
struct made {
    EVP_PKEY *pkey;
    X509 *x509;
    char certificate[8192], key[8192];
};

static struct made p256, p384, k256, ed25519, rsa, rsa1024, issued;
static char why[512];

static void to_text(BIO *bio, char *to, size_t cap)
{
    int len = BIO_read(bio, to, (int)cap - 1);

    ck_assert_int_gt(len, 0);
    to[len] = '\0';
    BIO_free(bio);
}

static void make(struct made *made, EVP_PKEY *pkey, const char *name, const struct made *issuer)
{
    const struct made *by = issuer != NULL ? issuer : made;
    BIO *bio = BIO_new(BIO_s_mem());

    made->pkey = pkey;
    made->x509 = X509_new();
    X509_set_version(made->x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made->x509), 7);
    ASN1_TIME_set(X509_getm_notBefore(made->x509), 1000000000);
    ASN1_TIME_set(X509_getm_notAfter(made->x509), 2000000000);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(made->x509), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made->x509, X509_get_subject_name(by->x509));
    X509_set_pubkey(made->x509, pkey);
    ck_assert_int_gt(X509_sign(made->x509, by->pkey, by->pkey == ed25519.pkey ? NULL : EVP_sha256()), 0);
    ck_assert_int_eq(PEM_write_bio_X509(bio, made->x509), 1);
    to_text(bio, made->certificate, sizeof(made->certificate));
    bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    to_text(bio, made->key, sizeof(made->key));
}

static void make_all(void)
{
    make(&p256, EVP_EC_gen("P-256"), "p256", NULL);
    make(&p384, EVP_EC_gen("P-384"), "name, with \"what\" must be=escaped\n", NULL);
    make(&k256, EVP_EC_gen("secp256k1"), "k256", NULL);
    ed25519.pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    make(&ed25519, ed25519.pkey, "ed25519", NULL);
    make(&rsa, EVP_RSA_gen(2048), "rsa", NULL);
    make(&rsa1024, EVP_RSA_gen(1024), "rsa1024", NULL);
    make(&issued, EVP_EC_gen("P-256"), "issued", &p384);
}

static void unmake_all(void)
{
    struct made *all[] = {&p256, &p384, &k256, &ed25519, &rsa, &rsa1024, &issued};

    for (size_t i = 0; i < KW_ARRAY_LEN(all); i++) {
        X509_free(all[i]->x509);
        EVP_PKEY_free(all[i]->pkey);
    }
}

static int context_of(const char *certificates, const char *key, struct kw_tls_context **ret)
{
    struct kw_tls_context_config config = {
        .certificates = kw_bytes_str(certificates),
        .key = kw_bytes_str(key),
        .certificates_name = "chain.pem",
        .key_name = "key.pem",
    };

    why[0] = '\0';
    return kw_tls_context_new(ret, &config, why, sizeof(why));
}

START_TEST(test_kinds)
{
    static const struct {
        const struct made *made;
        const char *type;
    } kinds[] = {{&p256, "EC P-256"}, {&p384, "EC P-384"}, {&ed25519, "Ed25519"}, {&rsa, "RSA 2048"}};

    for (size_t i = 0; i < KW_ARRAY_LEN(kinds); i++) {
        struct kw_tls_context *context = NULL;
        ck_assert_msg(context_of(kinds[i].made->certificate, kinds[i].made->key, &context) == 0, "%s", why);
        const struct kw_tls_certificate *seen = kw_tls_context_certificate(context);
        ck_assert_str_eq(seen->key_type, kinds[i].type);
        ck_assert_int_eq(seen->not_before_s, 1000000000);
        ck_assert_int_eq(seen->not_after_s, 2000000000);
        ck_assert_uint_eq(seen->num_chain, 0);
        ck_assert_uint_eq(strlen(seen->fingerprint), 95);
        for (const char *c = seen->subject; *c != '\0'; c++)
            ck_assert(*c >= ' ' && *c < 0x7f);
        kw_tls_context_unref(context);
    }
}
END_TEST

/* What a handshake with each kind of key agrees on: the signature is its own. */
START_TEST(test_served)
{
    static const struct made *const kinds[] = {&p256, &p384, &ed25519, &rsa};
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (size_t i = 0; i < 2 * KW_ARRAY_LEN(kinds); i++) {
        struct tls_rig rig = {.client = SSL_CTX_new(TLS_client_method())};
        struct tls_pair pair;
        ck_assert_int_eq(context_of(kinds[i / 2]->certificate, kinds[i / 2]->key, &rig.context), 0);
        SSL_CTX_set_max_proto_version(rig.client, versions[i % 2]);
        tls_pair_open(&pair, &rig);
        tls_pair_shake_well(&pair);
        X509 *peer = SSL_get1_peer_certificate(pair.client);
        ck_assert_int_eq(X509_cmp(peer, kinds[i / 2]->x509), 0);
        X509_free(peer);
        /* Without ticket keys there is no session to come back to. */
        ck_assert(!SSL_SESSION_is_resumable(SSL_get_session(pair.client)) ||
                  SSL_version(pair.client) == TLS1_2_VERSION);
        tls_pair_close(&pair);
        tls_rig_close(&rig);
    }
}
END_TEST

START_TEST(test_chain)
{
    static char text[32768];
    struct tls_rig rig = {.client = SSL_CTX_new(TLS_client_method())};
    struct tls_pair pair;

    snprintf(text, sizeof(text), "A comment\n%s\nissuer:\n%s\n", issued.certificate, p384.certificate);
    ck_assert_msg(context_of(text, issued.key, &rig.context) == 0, "%s", why);
    ck_assert_uint_eq(kw_tls_context_certificate(rig.context)->num_chain, 1);
    ck_assert_str_eq(kw_tls_context_certificate(rig.context)->subject, "CN=issued");
    tls_pair_open(&pair, &rig);
    tls_pair_shake_well(&pair);
    ck_assert_int_eq(sk_X509_num(SSL_get_peer_cert_chain(pair.client)), 2);
    tls_pair_close(&pair);
    tls_rig_close(&rig);
}
END_TEST

/* ---- what is refused, and the sentence ---- */

static void assert_refused(const char *certificates, const char *key, const char *sentence)
{
    struct kw_tls_context *context = NULL;

    ck_assert_int_eq(context_of(certificates, key, &context), 1);
    ck_assert_ptr_null(context);
    ck_assert_msg(strstr(why, sentence) != NULL, "'%s' does not say '%s'", why, sentence);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

START_TEST(test_refused)
{
    static char text[16384];

    assert_refused("", p256.key, "chain.pem holds no certificate");
    assert_refused(p256.key, p256.key, "chain.pem holds no certificate");
    assert_refused(p256.certificate, "", "key.pem holds no private key");
    assert_refused(p256.certificate, p256.certificate, "key.pem holds no private key");
    assert_refused(
        p256.certificate, p384.key, "the key in key.pem is not that of the first certificate in chain.pem");
    assert_refused(p256.certificate, rsa.key, "is not that of the first certificate");
    assert_refused(k256.certificate, k256.key, "a kind that is not served");
    assert_refused(rsa1024.certificate, rsa1024.key, "a kind that is not served");
    /* The chain before the server's own. */
    snprintf(text, sizeof(text), "%s%s", p384.certificate, issued.certificate);
    assert_refused(text, issued.key, "the server's own comes first");
    snprintf(text, sizeof(text), "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        p256.certificate);
    assert_refused(text, p256.key, "certificate 2 in chain.pem is damaged");
    assert_refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", p256.key,
        "the first certificate in chain.pem is damaged");
    text[0] = '\0';
    for (size_t i = 0, len = 0; i < 20; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", p256.certificate);
    assert_refused(text, p256.key, "is it a list of roots?");
}
END_TEST

START_TEST(test_password)
{
    char text[8192];
    BIO *bio = BIO_new(BIO_s_mem());

    ck_assert_int_eq(PEM_write_bio_PrivateKey(
                         bio, p256.pkey, EVP_aes_256_cbc(), (const unsigned char *)"x", 1, NULL, NULL),
        1);
    to_text(bio, text, sizeof(text));
    assert_refused(p256.certificate, text, "sealed with a password");
    bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(
                         bio, p256.pkey, EVP_aes_256_cbc(), (const unsigned char *)"x", 1, NULL, NULL),
        1);
    to_text(bio, text, sizeof(text));
    assert_refused(p256.certificate, text, "sealed with a password");
}
END_TEST

START_TEST(test_refs)
{
    struct kw_tls_context *context = NULL;

    ck_assert_int_eq(context_of(p256.certificate, p256.key, &context), 0);
    ck_assert_ptr_eq(kw_tls_context_ref(context), context);
    kw_tls_context_unref(context);
    ck_assert_str_eq(kw_tls_context_certificate(context)->subject, "CN=p256");
    kw_tls_context_unref(context);
    kw_tls_context_unref(NULL);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_unchecked_fixture(tcase, make_all, unmake_all);
    tcase_add_test(tcase, test_kinds);
    tcase_add_test(tcase, test_served);
    tcase_add_test(tcase, test_chain);
    tcase_add_test(tcase, test_refused);
    tcase_add_test(tcase, test_password);
    tcase_add_test(tcase, test_refs);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("tlscontext", add, 30);
}
