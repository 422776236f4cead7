/* peer_botan - Botan 2 through its C interface. */
#include "bench/side.h"

#include <botan/ffi.h>
#include <stdio.h>
#include <stdlib.h>

struct botan {
    botan_rng_t random;
    const char *algorithm;
    const char *parameters;
};

static const struct {
    const char *algorithm, *parameters;
} kinds[KW_SPEC_NUM] = {
    [KW_SPEC_RSA_2048] = {"RSA", "2048"},
    [KW_SPEC_RSA_3072] = {"RSA", "3072"},
    [KW_SPEC_RSA_4096] = {"RSA", "4096"},
    [KW_SPEC_ECC_NIST_P256] = {"ECDSA", "secp256r1"},
    [KW_SPEC_ECC_NIST_P384] = {"ECDSA", "secp384r1"},
    [KW_SPEC_ECC_NIST_P521] = {"ECDSA", "secp521r1"},
    [KW_SPEC_ECC_SECG_P256K1] = {"ECDSA", "secp256k1"},
    [KW_SPEC_ECC_NIST_EDWARDS25519] = {"Ed25519", ""},
};

static bool supports(enum kw_spec spec)
{
    return kinds[spec].algorithm != NULL;
}

static void botan_close(void *state)
{
    struct botan *self = state;

    if (self == NULL)
        return;
    botan_rng_destroy(self->random);
    free(self);
}

/* "user" is its own generator of random numbers, seeded by the system's. */
static int botan_open(void **ret, enum kw_spec spec, enum kw_cpu_path path)
{
    struct botan *self = calloc(1, sizeof(*self));

    (void)path;
    if (self == NULL)
        return -ENOMEM;
    self->algorithm = kinds[spec].algorithm;
    self->parameters = kinds[spec].parameters;
    if (botan_rng_init(&self->random, "user") != 0) {
        botan_close(self);
        return -EIO;
    }
    *ret = self;
    return 0;
}

static int botan_make(void *state, uint64_t deadline_ns)
{
    struct botan *self = state;
    botan_privkey_t key;

    (void)deadline_ns;
    if (botan_privkey_create(&key, self->algorithm, self->parameters, self->random) != 0)
        return -EIO;
    botan_privkey_destroy(key);
    return 0;
}

static const char *version(void)
{
    static char text[32];

    snprintf(
        text, sizeof(text), "%u.%u.%u", botan_version_major(), botan_version_minor(), botan_version_patch());
    return text;
}

const struct kw_side kw_side_botan = {
    .name = "botan",
    .title = "Botan",
    .supports = supports,
    .open = botan_open,
    .make = botan_make,
    .close = botan_close,
    .version = version,
};
