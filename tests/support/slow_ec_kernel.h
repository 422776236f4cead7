/* slow_ec_kernel - kernels for all curves that do one thing after the other, straight from the definitions,
 * by OpenSSL's points and bignums: what the real ones are compared with, and what batches are tested on.
 */
#ifndef KW_TESTS_SUPPORT_SLOW_EC_KERNEL_H
#define KW_TESTS_SUPPORT_SLOW_EC_KERNEL_H

#include "engine/crypto.h"
#include "engine/ec/kernel.h"
#include "pool/secmem.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

struct slow_ec_state {
    const struct kw_curve *curve;
    EC_GROUP *group; /* NULL: Ed25519 */
    BN_CTX *ctx;
    unsigned num_max;
    uint8_t *kept;  /* the secrets of the last call, as a real kernel holds traces of them */
    unsigned wipes; /* so far */
};

/* ---- set up and tear down ---- */

static inline void slow_ec_close(void *state)
{
    struct slow_ec_state *self = state;

    if (self == NULL)
        return;
    EC_GROUP_free(self->group);
    BN_CTX_free(self->ctx);
    kw_secmem_free(self->kept);
    kw_secmem_free(self);
}

static inline int slow_ec_nid(enum kw_spec spec)
{
    switch (spec) {
    case KW_SPEC_ECC_NIST_P256:
        return NID_X9_62_prime256v1;
    case KW_SPEC_ECC_NIST_P384:
        return NID_secp384r1;
    case KW_SPEC_ECC_NIST_P521:
        return NID_secp521r1;
    case KW_SPEC_ECC_SECG_P256K1:
        return NID_secp256k1;
    default:
        return NID_undef;
    }
}

static inline int slow_ec_fill(struct slow_ec_state *self, OSSL_LIB_CTX *libctx)
{
    int nid = slow_ec_nid(self->curve->spec);

    KW_SSL_PTR(self->ctx = BN_CTX_new_ex(libctx));
    if (nid != NID_undef)
        KW_SSL_PTR(self->group = EC_GROUP_new_by_curve_name_ex(libctx, NULL, nid));
    self->kept = kw_secmem_alloc((size_t)self->num_max * self->curve->secret_len);
    return self->kept == NULL ? -ENOMEM : 0;
}

static inline int slow_ec_open(void **ret, const struct kw_ec_kernel *kernel, const struct kw_curve *curve,
    unsigned num_max, OSSL_LIB_CTX *libctx)
{
    struct slow_ec_state *self = kw_secmem_alloc(sizeof(*self));
    int r;

    (void)kernel;
    if (self == NULL)
        return -ENOMEM;
    self->curve = curve;
    self->num_max = num_max;
    r = slow_ec_fill(self, libctx);
    if (r == 0)
        *ret = self;
    else
        slow_ec_close(self);
    return r;
}

static inline void slow_ec_wipe(void *state)
{
    struct slow_ec_state *self = state;

    kw_erase(self->kept, (size_t)self->num_max * self->curve->secret_len);
    self->wipes++;
}

static inline void slow_ec_keep(struct slow_ec_state *self, unsigned num, const uint8_t *secrets)
{
    kw_assert(num >= 1 && num <= self->num_max);
    memcpy(self->kept, secrets, (size_t)num * self->curve->secret_len);
}

static inline void slow_ec_pointp(EC_POINT **point)
{
    EC_POINT_clear_free(*point);
}

/* ---- Weierstrass curves ---- */

/* ret = d G, X || Y */
static inline int slow_ec_multiply(struct slow_ec_state *self, const uint8_t *secret, uint8_t *ret)
{
    KW_CLEANUP(slow_ec_pointp) EC_POINT *point = EC_POINT_new(self->group);
    KW_CLEANUP(kw_bn_freep) BIGNUM *d = BN_bin2bn(secret, (int)self->curve->secret_len, NULL);
    uint8_t octets[1 + KW_CURVE_POINT_MAX];
    size_t len = 1 + self->curve->point_len;

    KW_SSL_PTR(point);
    KW_SSL_PTR(d);
    KW_SSL(EC_POINT_mul(self->group, point, d, NULL, NULL, self->ctx));
    KW_REQUIRE(
        EC_POINT_point2oct(self->group, point, POINT_CONVERSION_UNCOMPRESSED, octets, len, self->ctx) == len,
        KW_EOPENSSL);
    memcpy(ret, octets + 1, len - 1);
    return 0;
}

/* sum += m Q, log += m d modulo n. Returns: 0 | 1 (no point of the curve) | KW_EOPENSSL */
static inline int slow_ec_add_pair(struct slow_ec_state *self, const uint8_t *secret, const uint8_t *xy,
    const uint8_t *multiplier, EC_POINT *sum, BIGNUM *log)
{
    KW_CLEANUP(slow_ec_pointp) EC_POINT *point = EC_POINT_new(self->group);
    KW_CLEANUP(kw_bn_freep) BIGNUM *d = BN_bin2bn(secret, (int)self->curve->secret_len, NULL);
    KW_CLEANUP(kw_bn_freep) BIGNUM *m = BN_lebin2bn(multiplier, KW_EC_MULTIPLIER, NULL);
    const BIGNUM *n = EC_GROUP_get0_order(self->group);
    uint8_t octets[1 + KW_CURVE_POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};

    KW_SSL_PTR(point);
    KW_SSL_PTR(d);
    KW_SSL_PTR(m);
    memcpy(octets + 1, xy, self->curve->point_len);
    if (EC_POINT_oct2point(self->group, point, octets, 1 + self->curve->point_len, self->ctx) != 1) {
        ERR_clear_error();
        return 1;
    }
    KW_SSL(EC_POINT_mul(self->group, point, NULL, point, m, self->ctx));
    KW_SSL(EC_POINT_add(self->group, sum, sum, point, self->ctx));
    KW_SSL(BN_mod_mul(d, d, m, n, self->ctx));
    KW_SSL(BN_mod_add(log, log, d, n, self->ctx));
    return 0;
}

static inline int slow_ec_check_sum(struct slow_ec_state *self, unsigned num, const uint8_t *secrets,
    const uint8_t *points, const uint8_t *multipliers, bool *ret_pass)
{
    KW_CLEANUP(slow_ec_pointp) EC_POINT *sum = EC_POINT_new(self->group);
    KW_CLEANUP(slow_ec_pointp) EC_POINT *other = EC_POINT_new(self->group);
    KW_CLEANUP(kw_bn_freep) BIGNUM *log = BN_new();

    KW_SSL_PTR(sum);
    KW_SSL_PTR(other);
    KW_SSL_PTR(log);
    KW_SSL(EC_POINT_set_to_infinity(self->group, sum));
    *ret_pass = false;
    for (size_t i = 0; i < num; i++) {
        int r = slow_ec_add_pair(self, secrets + i * self->curve->secret_len,
            points + i * self->curve->point_len, multipliers + i * KW_EC_MULTIPLIER, sum, log);
        if (r != 0)
            return KW_MIN(r, 0);
    }
    KW_SSL(EC_POINT_mul(self->group, other, log, NULL, NULL, self->ctx));
    *ret_pass = EC_POINT_cmp(self->group, sum, other, self->ctx) == 0;
    return 0;
}

/* ---- Ed25519 ---- */

static inline int slow_ec_ed25519(const uint8_t *seed, uint8_t *ret)
{
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    size_t len = 32;

    KW_SSL_PTR(pkey);
    KW_SSL(EVP_PKEY_get_raw_public_key(pkey, ret, &len));
    return 0;
}

/* ---- both ---- */

static inline int slow_ec_derive(void *state, unsigned num, const uint8_t *secrets, uint8_t *points)
{
    struct slow_ec_state *self = state;

    slow_ec_keep(self, num, secrets);
    for (size_t i = 0; i < num; i++) {
        const uint8_t *secret = secrets + i * self->curve->secret_len;
        uint8_t *point = points + i * self->curve->point_len;
        KW_TRY(self->group == NULL ? slow_ec_ed25519(secret, point) : slow_ec_multiply(self, secret, point));
    }
    return 0;
}

static inline int slow_ec_check(void *state, unsigned num, const uint8_t *secrets, const uint8_t *points,
    const uint8_t *multipliers, bool *ret_pass)
{
    struct slow_ec_state *self = state;
    uint8_t point[32];

    slow_ec_keep(self, num, secrets);
    if (self->group != NULL)
        return slow_ec_check_sum(self, num, secrets, points, multipliers, ret_pass);
    *ret_pass = true;
    for (size_t i = 0; i < num; i++) {
        KW_TRY(slow_ec_ed25519(secrets + 32 * i, point));
        *ret_pass = *ret_pass && memcmp(point, points + 32 * i, 32) == 0;
    }
    return 0;
}

#define SLOW_EC_KERNEL(spec_, name_)                                                                         \
    {                                                                                                        \
        .name = (name_), .path = KW_CPU_PORTABLE, .spec = (spec_), .lanes = 1, .batch = 8,                   \
        .open = slow_ec_open, .wipe = slow_ec_wipe, .close = slow_ec_close, .derive = slow_ec_derive,        \
        .check = slow_ec_check                                                                               \
    }

enum { SLOW_EC_KERNELS = 5 };

static inline const struct kw_ec_kernel *slow_ec_kernel(unsigned index)
{
    static const struct kw_ec_kernel kernels[SLOW_EC_KERNELS] = {
        SLOW_EC_KERNEL(KW_SPEC_ECC_NIST_P256, "slow-p256"),
        SLOW_EC_KERNEL(KW_SPEC_ECC_NIST_P384, "slow-p384"),
        SLOW_EC_KERNEL(KW_SPEC_ECC_NIST_P521, "slow-p521"),
        SLOW_EC_KERNEL(KW_SPEC_ECC_SECG_P256K1, "slow-p256k1"),
        SLOW_EC_KERNEL(KW_SPEC_ECC_NIST_EDWARDS25519, "slow-ed25519"),
    };

    return &kernels[index];
}

#endif
