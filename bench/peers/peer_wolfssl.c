/* Its options come before anything else of it. */
#include <wolfssl/options.h>

#include "bench/side.h"

#include <stdlib.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

#define E 65537

struct wolfssl {
    enum kw_spec spec;
    WC_RNG random;
};

static int curve_of(enum kw_spec spec)
{
    switch (spec) {
    case KW_SPEC_ECC_NIST_P256:
        return ECC_SECP256R1;
    case KW_SPEC_ECC_NIST_P384:
        return ECC_SECP384R1;
    case KW_SPEC_ECC_NIST_P521:
        return ECC_SECP521R1;
    default:
        return ECC_SECP256K1;
    }
}

static bool supports(enum kw_spec spec)
{
    return (unsigned)spec < KW_SPEC_NUM;
}

static void wolfssl_close(void *state)
{
    struct wolfssl *self = state;

    if (self == NULL)
        return;
    wc_FreeRng(&self->random);
    free(self);
}

static int wolfssl_open(void **ret, enum kw_spec spec, enum kw_cpu_path path)
{
    struct wolfssl *self = calloc(1, sizeof(*self));

    (void)path;
    if (self == NULL)
        return -ENOMEM;
    self->spec = spec;
    if (wolfCrypt_Init() != 0 || wc_InitRng(&self->random) != 0) {
        free(self);
        return -EIO;
    }
    *ret = self;
    return 0;
}

static int make_rsa(struct wolfssl *self)
{
    RsaKey key;
    int r = wc_InitRsaKey(&key, NULL);

    if (r != 0)
        return -EIO;
    r = wc_MakeRsaKey(&key, (int)kw_spec_info(self->spec)->bits, E, &self->random);
    wc_FreeRsaKey(&key);
    return r == 0 ? 0 : -EIO;
}

static int make_ec(struct wolfssl *self)
{
    int len = (int)(kw_spec_info(self->spec)->bits + 7) / 8, r;
    ecc_key key;

    if (wc_ecc_init(&key) != 0)
        return -EIO;
    r = wc_ecc_make_key_ex(&self->random, len, &key, curve_of(self->spec));
    wc_ecc_free(&key);
    return r == 0 ? 0 : -EIO;
}

static int make_ed25519(struct wolfssl *self)
{
    ed25519_key key;
    int r;

    if (wc_ed25519_init(&key) != 0)
        return -EIO;
    r = wc_ed25519_make_key(&self->random, ED25519_KEY_SIZE, &key);
    wc_ed25519_free(&key);
    return r == 0 ? 0 : -EIO;
}

static int wolfssl_make(void *state, uint64_t deadline_ns)
{
    struct wolfssl *self = state;

    (void)deadline_ns;
    switch (kw_spec_info(self->spec)->kind) {
    case KW_KIND_RSA:
        return make_rsa(self);
    case KW_KIND_EC:
        return make_ec(self);
    default:
        return make_ed25519(self);
    }
}

static const char *version(void)
{
    return wolfSSL_lib_version();
}

const struct kw_side kw_side_wolfssl = {
    .name = "wolfssl",
    .title = "wolfSSL",
    .supports = supports,
    .open = wolfssl_open,
    .make = wolfssl_make,
    .close = wolfssl_close,
    .version = version,
};
