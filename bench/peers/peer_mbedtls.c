/* peer_mbedtls - Mbed TLS 2.28, the version that Debian 12 has. */
#include "bench/side.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/rsa.h>
#include <mbedtls/version.h>
#include <stdlib.h>

#define E 65537

struct mbedtls {
    const struct kw_spec_info *info;
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_ecp_group group; /* keeps the table of multiples of the base point that it makes at first use */
};

static mbedtls_ecp_group_id group_of(enum kw_spec spec)
{
    switch (spec) {
    case KW_SPEC_ECC_NIST_P256:
        return MBEDTLS_ECP_DP_SECP256R1;
    case KW_SPEC_ECC_NIST_P384:
        return MBEDTLS_ECP_DP_SECP384R1;
    case KW_SPEC_ECC_NIST_P521:
        return MBEDTLS_ECP_DP_SECP521R1;
    case KW_SPEC_ECC_SECG_P256K1:
        return MBEDTLS_ECP_DP_SECP256K1;
    default:
        return MBEDTLS_ECP_DP_NONE;
    }
}

static bool supports(enum kw_spec spec)
{
    return kw_spec_info(spec)->kind == KW_KIND_RSA || group_of(spec) != MBEDTLS_ECP_DP_NONE;
}

static void mbedtls_close(void *state)
{
    struct mbedtls *self = state;

    if (self == NULL)
        return;
    mbedtls_ecp_group_free(&self->group);
    mbedtls_ctr_drbg_free(&self->random);
    mbedtls_entropy_free(&self->entropy);
    free(self);
}

static int mbedtls_open(void **ret, enum kw_spec spec, enum kw_cpu_path path)
{
    struct mbedtls *self = calloc(1, sizeof(*self));
    int r;

    (void)path;
    if (self == NULL)
        return -ENOMEM;
    self->info = kw_spec_info(spec);
    mbedtls_entropy_init(&self->entropy);
    mbedtls_ctr_drbg_init(&self->random);
    mbedtls_ecp_group_init(&self->group);
    r = mbedtls_ctr_drbg_seed(&self->random, mbedtls_entropy_func, &self->entropy, NULL, 0);
    if (r == 0 && self->info->kind == KW_KIND_EC)
        r = mbedtls_ecp_group_load(&self->group, group_of(spec));
    if (r != 0) {
        mbedtls_close(self);
        return -EIO;
    }
    *ret = self;
    return 0;
}

static int make_rsa(struct mbedtls *self)
{
    mbedtls_rsa_context rsa;
    int r;

    mbedtls_rsa_init(&rsa, MBEDTLS_RSA_PKCS_V15, 0);
    r = mbedtls_rsa_gen_key(&rsa, mbedtls_ctr_drbg_random, &self->random, self->info->bits, E);
    mbedtls_rsa_free(&rsa);
    return r == 0 ? 0 : -EIO;
}

static int make_ec(struct mbedtls *self)
{
    mbedtls_mpi scalar;
    mbedtls_ecp_point point;
    int r;

    mbedtls_mpi_init(&scalar);
    mbedtls_ecp_point_init(&point);
    r = mbedtls_ecp_gen_keypair(&self->group, &scalar, &point, mbedtls_ctr_drbg_random, &self->random);
    mbedtls_mpi_free(&scalar);
    mbedtls_ecp_point_free(&point);
    return r == 0 ? 0 : -EIO;
}

static int mbedtls_make(void *state, uint64_t deadline_ns)
{
    struct mbedtls *self = state;

    (void)deadline_ns;
    return self->info->kind == KW_KIND_RSA ? make_rsa(self) : make_ec(self);
}

static const char *version(void)
{
    static char text[16];

    mbedtls_version_get_string(text);
    return text;
}

const struct kw_side kw_side_mbedtls = {
    .name = "mbedtls",
    .title = "Mbed TLS",
    .supports = supports,
    .open = mbedtls_open,
    .make = mbedtls_make,
    .close = mbedtls_close,
    .version = version,
};
