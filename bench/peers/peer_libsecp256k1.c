#include "bench/side.h"

#include <secp256k1.h>
#include <stdlib.h>
#include <sys/random.h>

#define SECRET_LEN 32

struct secp256k1 {
    secp256k1_context *context;
};

static bool supports(enum kw_spec spec)
{
    return spec == KW_SPEC_ECC_SECG_P256K1;
}

static void secp256k1_close(void *state)
{
    struct secp256k1 *self = state;

    if (self == NULL)
        return;
    secp256k1_context_destroy(self->context);
    free(self);
}

/* Blinded, as its documentation wants it for secret keys. */
static int prepare(struct secp256k1 *self)
{
    uint8_t seed[SECRET_LEN];

    self->context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        return -EIO;
    return secp256k1_context_randomize(self->context, seed) == 1 ? 0 : -EIO;
}

static int secp256k1_open(void **ret, enum kw_spec spec, enum kw_cpu_path path)
{
    struct secp256k1 *self = calloc(1, sizeof(*self));
    int r;

    (void)spec;
    (void)path;
    if (self == NULL)
        return -ENOMEM;
    r = prepare(self);
    if (r < 0)
        secp256k1_close(self);
    else
        *ret = self;
    return r;
}

static int secp256k1_make(void *state, uint64_t deadline_ns)
{
    const struct secp256k1 *self = state;
    secp256k1_pubkey public_key;
    uint8_t secret[SECRET_LEN];

    (void)deadline_ns;
    do {
        if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
            return -EIO;
    } while (secp256k1_ec_pubkey_create(self->context, &public_key, secret) != 1);
    return 0;
}

/* The library has none to ask for. */
static const char *version(void)
{
    return "";
}

const struct kw_side kw_side_libsecp256k1 = {
    .name = "libsecp256k1",
    .title = "libsecp256k1",
    .supports = supports,
    .open = secp256k1_open,
    .make = secp256k1_make,
    .close = secp256k1_close,
    .version = version,
};
