/* side_openssl - OpenSSL's own key generation, in three manners: the call of a program that wants one key,
 * the cheapest one for a program that wants many, and the latter with the test and the encodings that a
 * finished pair has here.
 *
 * It sets nothing up: in a process that called kw_crypto_init() OpenSSL's memory is secret memory, elsewhere
 * the C library's.
 */
#include "bench/side.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

struct openssl {
    const struct kw_spec_info *info;
    EVP_PKEY_CTX *context;
};

static bool supports(enum kw_spec spec)
{
    return (unsigned)spec < KW_SPEC_NUM;
}

static const char *type_of(const struct kw_spec_info *info)
{
    return info->kind == KW_KIND_RSA ? "RSA" : info->kind == KW_KIND_EC ? "EC" : "ED25519";
}

static void openssl_close(void *state)
{
    struct openssl *self = state;

    if (self != NULL)
        EVP_PKEY_CTX_free(self->context);
    free(self);
}

static int prepare(struct openssl *self)
{
    KW_SSL_PTR(self->context = EVP_PKEY_CTX_new_from_name(NULL, type_of(self->info), NULL));
    KW_SSL(EVP_PKEY_keygen_init(self->context));
    if (self->info->kind == KW_KIND_RSA)
        KW_SSL(EVP_PKEY_CTX_set_rsa_keygen_bits(self->context, (int)self->info->bits));
    if (self->info->kind == KW_KIND_EC)
        KW_SSL(EVP_PKEY_CTX_set_group_name(self->context, self->info->curve));
    return 0;
}

static int openssl_open(void **ret, enum kw_spec spec, enum kw_cpu_path path)
{
    struct openssl *self = calloc(1, sizeof(*self));
    int r;

    (void)path;
    if (self == NULL)
        return -ENOMEM;
    self->info = kw_spec_info(spec);
    r = prepare(self);
    if (r < 0)
        openssl_close(self);
    else
        *ret = self;
    return r;
}

static EVP_PKEY *quick(const struct kw_spec_info *info)
{
    if (info->kind == KW_KIND_RSA)
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)info->bits);
    if (info->kind == KW_KIND_EC)
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", info->curve);
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static int make_quick(void *state, uint64_t deadline_ns)
{
    EVP_PKEY *pkey = quick(((struct openssl *)state)->info);

    (void)deadline_ns;
    KW_SSL_PTR(pkey);
    EVP_PKEY_free(pkey);
    return 0;
}

static int make_reused(void *state, uint64_t deadline_ns)
{
    EVP_PKEY *pkey = NULL;

    (void)deadline_ns;
    KW_SSL(EVP_PKEY_keygen(((struct openssl *)state)->context, &pkey));
    EVP_PKEY_free(pkey);
    return 0;
}

static int check(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    int r = context != NULL && EVP_PKEY_pairwise_check(context) == 1 ? 0 : KW_EOPENSSL;

    EVP_PKEY_CTX_free(context);
    return r;
}

static int encode(const EVP_PKEY *pkey)
{
    unsigned char *public_der = NULL, *private_der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    bool ok =
        info != NULL && i2d_PUBKEY(pkey, &public_der) > 0 && i2d_PKCS8_PRIV_KEY_INFO(info, &private_der) > 0;

    PKCS8_PRIV_KEY_INFO_free(info);
    OPENSSL_free(public_der);
    OPENSSL_free(private_der);
    return ok ? 0 : KW_EOPENSSL;
}

static int make_pair(void *state, uint64_t deadline_ns)
{
    EVP_PKEY *pkey = NULL;
    int r;

    (void)deadline_ns;
    KW_SSL(EVP_PKEY_keygen(((struct openssl *)state)->context, &pkey));
    r = check(pkey);
    if (r == 0)
        r = encode(pkey);
    EVP_PKEY_free(pkey);
    return r;
}

static const char *openssl_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

const struct kw_side kw_side_openssl_keygen = {
    .name = "openssl-keygen",
    .title = "OpenSSL",
    .note = "EVP_PKEY_Q_keygen()",
    .supports = supports,
    .open = openssl_open,
    .make = make_quick,
    .close = openssl_close,
    .version = openssl_version,
};

const struct kw_side kw_side_openssl_reused = {
    .name = "openssl",
    .title = "OpenSSL",
    .note = "EVP_PKEY_keygen() in one context",
    .supports = supports,
    .open = openssl_open,
    .make = make_reused,
    .close = openssl_close,
    .version = openssl_version,
};

const struct kw_side kw_side_openssl_pair = {
    .name = "openssl-pair",
    .title = "OpenSSL, tested, encoded",
    .note = "EVP_PKEY_keygen() in one context, EVP_PKEY_pairwise_check() and its encoders",
    .supports = supports,
    .open = openssl_open,
    .make = make_pair,
    .close = openssl_close,
    .version = openssl_version,
};
