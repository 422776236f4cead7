#include "api/attestation.h"
#include "engine/crypto.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { CHAIN_DEPTH_MAX = 8, DER_SIGNATURE_MAX = 128 };

struct kw_attestation_trust {
    X509_STORE *store;
};

const char kw_attestation_nitro_root[] = "-----BEGIN CERTIFICATE-----\n"
                                         "MIICETCCAZagAwIBAgIRAPkxdWgbkK/hHUbMtOTn+FYwCgYIKoZIzj0EAwMwSTEL\n"
                                         "MAkGA1UEBhMCVVMxDzANBgNVBAoMBkFtYXpvbjEMMAoGA1UECwwDQVdTMRswGQYD\n"
                                         "VQQDDBJhd3Mubml0cm8tZW5jbGF2ZXMwHhcNMTkxMDI4MTMyODA1WhcNNDkxMDI4\n"
                                         "MTQyODA1WjBJMQswCQYDVQQGEwJVUzEPMA0GA1UECgwGQW1hem9uMQwwCgYDVQQL\n"
                                         "DANBV1MxGzAZBgNVBAMMEmF3cy5uaXRyby1lbmNsYXZlczB2MBAGByqGSM49AgEG\n"
                                         "BSuBBAAiA2IABPwCVOumCMHzaHDimtqQvkY4MpJzbolL//Zy2YlES1BR5TSksfbb\n"
                                         "48C8WBoyt7F2Bw7eEtaaP+ohG2bnUs990d0JX28TcPQXCEPZ3BABIeTPYwEoCWZE\n"
                                         "h8l5YoQwTcU/9KNCMEAwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUkCW1DdkF\n"
                                         "R+eWw5b6cp3PmanfS5YwDgYDVR0PAQH/BAQDAgGGMAoGCCqGSM49BAMDA2kAMGYC\n"
                                         "MQCjfy+Rocm9Xue4YnwWmNJVA44fA0P5W2OpYow9OYCVRaEevL8uO1XYru5xtMPW\n"
                                         "rfMCMQCi85sWBbJwKKXdS6BptQFuZbT73o/gBh1qUxl/nNr12UO8Yfwr6wPLb+6N\n"
                                         "IwLz3/Y=\n"
                                         "-----END CERTIFICATE-----\n";

static void x509_freep(X509 **certificate)
{
    X509_free(*certificate);
}

static void chain_freep(STACK_OF(X509) * *chain)
{
    sk_X509_pop_free(*chain, X509_free);
}

static void store_ctx_freep(X509_STORE_CTX **ctx)
{
    X509_STORE_CTX_free(*ctx);
}

static void sig_freep(ECDSA_SIG **sig)
{
    ECDSA_SIG_free(*sig);
}

static int add_roots(X509_STORE *store, BIO *bio)
{
    size_t num = 0;

    for (;;) {
        KW_CLEANUP(x509_freep) X509 *root = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (root == NULL)
            break;
        KW_SSL(X509_STORE_add_cert(store, root));
        num++;
    }
    bool is_whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return num > 0 && is_whole ? 0 : KW_ATTESTATION_NO_ROOT;
}

int kw_attestation_trust_new(struct kw_attestation_trust **ret, struct kw_bytes pem)
{
    KW_ATTESTATION_TRUST struct kw_attestation_trust *trust = calloc(1, sizeof(*trust));

    KW_REQUIRE(trust != NULL, -ENOMEM);
    if (pem.len == 0)
        pem = kw_bytes_str(kw_attestation_nitro_root);
    KW_REQUIRE(pem.len <= INT32_MAX, KW_ATTESTATION_NO_ROOT);
    trust->store = X509_STORE_new();
    KW_SSL_PTR(trust->store);
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    KW_SSL_PTR(bio);
    int r = add_roots(trust->store, bio);
    BIO_free(bio);
    KW_REQUIRE(r == 0, r);
    *ret = trust;
    trust = NULL;
    return 0;
}

void kw_attestation_trust_free(struct kw_attestation_trust *trust)
{
    if (trust == NULL)
        return;
    X509_STORE_free(trust->store);
    free(trust);
}

/* One certificate and nothing behind it; NULL if it is none. */
static X509 *parse_certificate(struct kw_bytes der)
{
    const unsigned char *at = der.ptr;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.len);

    if (certificate != NULL && at == der.ptr + der.len)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* Every certificate of the bundle must be one, those that the chain does not need too. */
static int parse_bundle(const struct kw_attestation *doc, STACK_OF(X509) * chain)
{
    for (size_t i = 0; i < doc->num_cabundle; i++) {
        KW_CLEANUP(x509_freep) X509 *certificate = parse_certificate(doc->cabundle[i]);

        KW_REQUIRE(certificate != NULL, KW_ATTESTATION_UNTRUSTED);
        KW_SSL(sk_X509_push(chain, certificate));
        certificate = NULL;
    }
    return 0;
}

static int verify_chain(
    const struct kw_attestation *doc, const struct kw_attestation_trust *trust, int64_t now_ms, X509 *leaf)
{
    KW_CLEANUP(chain_freep) STACK_OF(X509) *chain = sk_X509_new_null();
    KW_CLEANUP(store_ctx_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();

    KW_SSL_PTR(chain);
    KW_SSL_PTR(ctx);
    int r = parse_bundle(doc, chain);
    KW_REQUIRE(r == 0, r);
    KW_SSL(X509_STORE_CTX_init(ctx, trust->store, leaf, chain));
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX);
    X509_VERIFY_PARAM_set_time(param, (time_t)(now_ms / 1000));
    X509_VERIFY_PARAM_set_auth_level(param, 2); /* at least 112 bits: no RSA 1024, no SHA-1 */
    return X509_verify_cert(ctx) == 1 ? 0 : KW_ATTESTATION_UNTRUSTED;
}

/* COSE has r and s in 48 bytes each (RFC 9053 2.1), OpenSSL wants DER. */
static int der_signature(const uint8_t raw[KW_ATTESTATION_SIGNATURE_LEN], uint8_t *out, size_t *len)
{
    const int half = KW_ATTESTATION_SIGNATURE_LEN / 2;
    KW_CLEANUP(sig_freep) ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, half, NULL), *s = BN_bin2bn(raw + half, half, NULL);
    unsigned char *at = out;

    if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return KW_EOPENSSL;
    }
    int der_len = i2d_ECDSA_SIG(sig, NULL);
    KW_REQUIRE(der_len > 0 && der_len <= DER_SIGNATURE_MAX, KW_EOPENSSL);
    *len = (size_t)i2d_ECDSA_SIG(sig, &at);
    return 0;
}

/* The head of a byte string, in the shortest form. */
static void put_bytes_head(struct kw_buf *buf, size_t len)
{
    kw_assert(len <= UINT16_MAX);
    if (len < 24) {
        kw_buf_put_u8(buf, (uint8_t)(0x40 | len));
    } else if (len <= UINT8_MAX) {
        kw_buf_put_u8(buf, 0x58);
        kw_buf_put_u8(buf, (uint8_t)len);
    } else {
        kw_buf_put_u8(buf, 0x59);
        kw_buf_put_u8(buf, (uint8_t)(len >> 8));
        kw_buf_put_u8(buf, (uint8_t)len);
    }
}

/* What is before the payload in the Sig_structure (RFC 9052 4.4): ["Signature1", protected header, no
 * external data, payload]. */
static void put_signed_head(struct kw_buf *buf, const struct kw_attestation *doc)
{
    kw_buf_put_u8(buf, 0x84);
    kw_buf_put_u8(buf, 0x6a);
    kw_buf_put_str(buf, "Signature1");
    put_bytes_head(buf, doc->protected_header.len);
    kw_buf_put_bytes(buf, doc->protected_header);
    put_bytes_head(buf, 0);
    put_bytes_head(buf, doc->payload.len);
}

static int verify_signature(const struct kw_attestation *doc, EVP_PKEY *pkey)
{
    KW_CLEANUP(kw_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t head_space[128], der[DER_SIGNATURE_MAX];
    struct kw_buf head = KW_BUF(head_space, sizeof(head_space));
    size_t der_len;

    KW_SSL_PTR(ctx);
    put_signed_head(&head, doc);
    kw_assert(kw_buf_ok(&head));
    KW_TRY(der_signature(doc->signature, der, &der_len));
    KW_SSL(EVP_DigestVerifyInit(ctx, NULL, EVP_sha384(), NULL, pkey));
    KW_SSL(EVP_DigestVerifyUpdate(ctx, head.ptr, head.len));
    KW_SSL(EVP_DigestVerifyUpdate(ctx, doc->payload.ptr, doc->payload.len));
    return EVP_DigestVerifyFinal(ctx, der, der_len) == 1 ? 0 : KW_ATTESTATION_UNTRUSTED;
}

static bool is_p384(EVP_PKEY *pkey)
{
    char name[32];
    size_t len;

    return pkey != NULL && EVP_PKEY_is_a(pkey, "EC") &&
           EVP_PKEY_get_group_name(pkey, name, sizeof(name), &len) > 0 && strcmp(name, "secp384r1") == 0;
}

/* A certificate that says what its key is for has to say that it signs (RFC 5280 4.2.1.3); one of an
 * authority signs certificates and no documents. */
static bool may_sign(X509 *leaf)
{
    return (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) != 0 && X509_check_ca(leaf) == 0;
}

static int verify(const struct kw_attestation *doc, const struct kw_attestation_trust *trust, int64_t now_ms)
{
    KW_CLEANUP(x509_freep) X509 *leaf = parse_certificate(doc->certificate);

    KW_REQUIRE(leaf != NULL, KW_ATTESTATION_UNTRUSTED);
    int r = verify_chain(doc, trust, now_ms, leaf);
    KW_REQUIRE(r == 0, r);
    KW_REQUIRE(may_sign(leaf), KW_ATTESTATION_UNTRUSTED);
    EVP_PKEY *pkey = X509_get0_pubkey(leaf);
    KW_REQUIRE(is_p384(pkey), KW_ATTESTATION_UNTRUSTED);
    return verify_signature(doc, pkey);
}

int kw_attestation_verify(
    const struct kw_attestation *doc, const struct kw_attestation_trust *trust, int64_t now_ms)
{
    int r = verify(doc, trust, now_ms);

    ERR_clear_error();
    return r;
}
