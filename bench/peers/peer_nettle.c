#include "bench/side.h"

#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>
#include <nettle/eddsa.h>
#include <nettle/rsa.h>
#include <nettle/version.h>
#include <nettle/yarrow.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define E 65537u

struct nettle {
    enum kw_spec spec;
    struct yarrow256_ctx random;
};

static const struct ecc_curve *curve_of(enum kw_spec spec)
{
    switch (spec) {
    case KW_SPEC_ECC_NIST_P256:
        return nettle_get_secp_256r1();
    case KW_SPEC_ECC_NIST_P384:
        return nettle_get_secp_384r1();
    case KW_SPEC_ECC_NIST_P521:
        return nettle_get_secp_521r1();
    default:
        return NULL;
    }
}

static bool supports(enum kw_spec spec)
{
    return kw_spec_info(spec)->kind != KW_KIND_EC || curve_of(spec) != NULL;
}

static int nettle_open(void **ret, enum kw_spec spec, enum kw_cpu_path path)
{
    uint8_t seed[YARROW256_SEED_FILE_SIZE];
    struct nettle *self;

    (void)path;
    if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        return -EIO;
    self = calloc(1, sizeof(*self));
    if (self == NULL)
        return -ENOMEM;
    self->spec = spec;
    yarrow256_init(&self->random, 0, NULL);
    yarrow256_seed(&self->random, sizeof(seed), seed);
    *ret = self;
    return 0;
}

static void draw(void *random, size_t len, uint8_t *out)
{
    yarrow256_random(random, len, out);
}

static int make_rsa(struct nettle *self)
{
    struct rsa_public_key public_key;
    struct rsa_private_key private_key;
    int ok;

    rsa_public_key_init(&public_key);
    rsa_private_key_init(&private_key);
    mpz_set_ui(public_key.e, E);
    ok = rsa_generate_keypair(
        &public_key, &private_key, &self->random, draw, NULL, NULL, kw_spec_info(self->spec)->bits, 0);
    rsa_public_key_clear(&public_key);
    rsa_private_key_clear(&private_key);
    return ok == 1 ? 0 : -EIO;
}

static int make_ec(struct nettle *self)
{
    struct ecc_scalar scalar;
    struct ecc_point point;

    ecc_scalar_init(&scalar, curve_of(self->spec));
    ecc_point_init(&point, curve_of(self->spec));
    ecc_scalar_random(&scalar, &self->random, draw);
    ecc_point_mul_g(&point, &scalar);
    ecc_scalar_clear(&scalar);
    ecc_point_clear(&point);
    return 0;
}

static int make_ed25519(struct nettle *self)
{
    uint8_t private_key[ED25519_KEY_SIZE], public_key[ED25519_KEY_SIZE];

    yarrow256_random(&self->random, sizeof(private_key), private_key);
    ed25519_sha512_public_key(public_key, private_key);
    return 0;
}

static int nettle_make(void *state, uint64_t deadline_ns)
{
    struct nettle *self = state;

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
    static char text[24];

    snprintf(text, sizeof(text), "%d.%d", nettle_version_major(), nettle_version_minor());
    return text;
}

const struct kw_side kw_side_nettle = {
    .name = "nettle",
    .title = "nettle",
    .supports = supports,
    .open = nettle_open,
    .make = nettle_make,
    .close = free,
    .version = version,
};
