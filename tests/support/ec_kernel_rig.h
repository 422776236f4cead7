/* ec_kernel_rig - the kernels for curves that this machine can run, each with a pool of pairs to try it on,
 * which OpenSSL has computed in another way: G as a point like any other, one secret after the other.
 *
 * A kernel of a path that this CPU does not have is left out, in words. Check's own assertions cost a system
 * call each: what is asked by thousands goes through must().
 */
#ifndef KW_TESTS_SUPPORT_EC_KERNEL_RIG_H
#define KW_TESTS_SUPPORT_EC_KERNEL_RIG_H

#include "engine/crypto.h"
#include "engine/ec/kernel.h"
#include "tests/support/numbers.h"
#include "tests/support/sanitized.h"
#include "tests/support/suite.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <stdio.h>

enum {
    SECRET_MAX = KW_CURVE_SECRET_MAX,
    POINT_MAX = KW_CURVE_POINT_MAX,
    BATCH_MAX = KW_EC_BATCH_MAX,
    POOL_MAX = 6000,
    KERNELS_MAX = 32,
    POOL_RANDOM = 600,
    RUN_RANDOM = 40,
};

#define must(cond, what)                                                                                     \
    do {                                                                                                     \
        if (!(cond))                                                                                         \
            ck_abort_msg("%s: %s", rig.kernel->name, what);                                                  \
    } while (0)

/* Known pairs of a curve. */
struct pool {
    unsigned num;
    uint8_t secrets[POOL_MAX][SECRET_MAX];
    uint8_t points[POOL_MAX][POINT_MAX];
};

/* A batch as a kernel takes it, with room behind it that must stay as it is. */
struct rig {
    const struct kw_ec_kernel *kernel;
    const struct kw_curve *curve;
    const struct pool *pool;
    void *state;
    unsigned num_max;
    unsigned num; /* in the batch */
    uint8_t secrets[BATCH_MAX * SECRET_MAX];
    uint8_t points[(BATCH_MAX + 1) * POINT_MAX];
    uint8_t multipliers[BATCH_MAX * KW_EC_MULTIPLIER];
};

static struct rig rig;
static const struct kw_ec_kernel *ec_kernels[KERNELS_MAX];
static int num_ec_kernels;

/* ---- kernels ---- */

static inline void rig_collect(void)
{
    const struct kw_ec_kernel *found;

    for (size_t i = 0; (found = kw_ec_kernel_at(i)) != NULL; i++) {
        if (found->path != KW_CPU_PORTABLE && found->path != kw_cpu_detect()) {
            printf("left out: %s, this CPU has no %s\n", found->name, kw_cpu_path_name(found->path));
            continue;
        }
        kw_assert(num_ec_kernels < KERNELS_MAX);
        ec_kernels[num_ec_kernels++] = found;
    }
}

/* Whether there is no time for what a kernel of a library, or a sanitized one, cannot do quickly. */
static inline bool rig_is_slow(void)
{
    return rig.kernel->lanes == 1 || KW_SANITIZED;
}

static inline bool rig_is_edwards(void)
{
    return rig.curve->form == KW_CURVE_EDWARDS;
}

static inline int rig_open(const struct kw_ec_kernel *kernel, const struct kw_curve *curve, unsigned num_max)
{
    rig.kernel = kernel;
    rig.curve = curve;
    rig.num_max = num_max;
    rig.state = NULL;
    return kernel->open(&rig.state, kernel, curve, num_max, NULL);
}

static inline void rig_close(void)
{
    rig.kernel->close(rig.state);
    rig.state = NULL;
}

/* ---- a batch ---- */

static inline uint8_t *secret_at(unsigned i)
{
    return rig.secrets + (size_t)i * rig.curve->secret_len;
}

static inline uint8_t *point_at(unsigned i)
{
    return rig.points + (size_t)i * rig.curve->point_len;
}

static inline uint8_t *multiplier_at(unsigned i)
{
    return rig.multipliers + (size_t)i * KW_EC_MULTIPLIER;
}

static inline void draw_multipliers(void)
{
    ck_assert_int_eq(RAND_bytes(rig.multipliers, (int)(BATCH_MAX * KW_EC_MULTIPLIER)), 1);
}

/* Any num of the pool, with random multipliers. */
static inline void fill(unsigned num)
{
    rig.num = num;
    for (unsigned i = 0; i < num; i++) {
        unsigned from = kw_numbers_below(rig.pool->num);
        memcpy(secret_at(i), rig.pool->secrets[from], rig.curve->secret_len);
        memcpy(point_at(i), rig.pool->points[from], rig.curve->point_len);
    }
    draw_multipliers();
}

static inline bool check(void)
{
    bool pass = false;

    must(rig.kernel->check(rig.state, rig.num, rig.secrets, rig.points, rig.multipliers, &pass) == 0,
        "check came to nothing");
    return pass;
}

/* ---- numbers ---- */

static inline BN_CTX *rig_ctx(void)
{
    static BN_CTX *ctx;

    if (ctx == NULL)
        ctx = BN_CTX_new();
    ck_assert_ptr_nonnull(ctx);
    return ctx;
}

/* Big-endian, as secrets and coordinates of Weierstrass curves are. */
static inline void bn_write(const BIGNUM *number, uint8_t *ret, unsigned len)
{
    kw_assert(BN_bn2binpad(number, ret, (int)len) == (int)len);
}

static inline int rig_nid(enum kw_spec spec)
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

/* OpenSSL's own group, not one made of our numbers. NULL for Ed25519. */
static inline const EC_GROUP *rig_group(enum kw_spec spec)
{
    static EC_GROUP *groups[KW_SPEC_NUM];

    if (rig_nid(spec) == NID_undef)
        return NULL;
    if (groups[spec] == NULL)
        groups[spec] = EC_GROUP_new_by_curve_name(rig_nid(spec));
    ck_assert_ptr_nonnull(groups[spec]);
    return groups[spec];
}

static inline void rig_write_point(const EC_GROUP *group, const EC_POINT *point, uint8_t *ret, unsigned len)
{
    uint8_t octets[1 + POINT_MAX];

    kw_assert(EC_POINT_point2oct(
                  group, point, POINT_CONVERSION_UNCOMPRESSED, octets, sizeof(octets), rig_ctx()) == 1 + len);
    memcpy(ret, octets + 1, len);
}

static inline EC_POINT *rig_read_point(const EC_GROUP *group, const uint8_t *bytes, unsigned len)
{
    uint8_t octets[1 + POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    EC_POINT *point = EC_POINT_new(group);

    memcpy(octets + 1, bytes, len);
    kw_assert(EC_POINT_oct2point(group, point, octets, 1 + (size_t)len, rig_ctx()) == 1);
    return point;
}

/* ---- pools ---- */

/* The public half of the secret that stands in the pool next, which then counts. */
static inline void pool_finish(struct pool *pool, const struct kw_curve *curve)
{
    const EC_GROUP *group = rig_group(curve->spec);
    const uint8_t *secret = pool->secrets[pool->num];
    uint8_t *point = pool->points[pool->num++];

    kw_assert(pool->num < POOL_MAX);
    if (group == NULL) {
        size_t len = 32;
        EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, len);
        kw_assert(EVP_PKEY_get_raw_public_key(pkey, point, &len) == 1);
        EVP_PKEY_free(pkey);
        return;
    }
    EC_POINT *public_key = EC_POINT_new(group);
    BIGNUM *d = BN_bin2bn(secret, (int)curve->secret_len, NULL);
    kw_assert(EC_POINT_mul(group, public_key, NULL, EC_GROUP_get0_generator(group), d, rig_ctx()) == 1);
    rig_write_point(group, public_key, point, curve->point_len);
    EC_POINT_free(public_key);
    BN_free(d);
}

/* d modulo n, and its opposite. */
static inline void pool_add(struct pool *pool, const struct kw_curve *curve, const BIGNUM *d)
{
    BIGNUM *reduced = BN_new(), *n = kw_numbers_bn_new(curve->n, curve->num);

    kw_assert(BN_nnmod(reduced, d, n, rig_ctx()) == 1);
    if (!BN_is_zero(reduced)) {
        bn_write(reduced, pool->secrets[pool->num], curve->secret_len);
        pool_finish(pool, curve);
        BN_sub(reduced, n, reduced);
        bn_write(reduced, pool->secrets[pool->num], curve->secret_len);
        /* The same x; p - y. */
        memcpy(pool->points[pool->num], pool->points[pool->num - 1], curve->point_len / 2);
        kw_numbers_bn(n, curve->p, curve->num);
        BN_bin2bn(pool->points[pool->num - 1] + curve->point_len / 2, (int)curve->point_len / 2, reduced);
        BN_sub(reduced, n, reduced);
        bn_write(reduced, pool->points[pool->num++] + curve->point_len / 2, curve->point_len / 2);
    }
    BN_free(reduced);
    BN_free(n);
}

/* 1, 2, 3 and (n + 1) / 2, with what they are from the other end: n - 1, n - 2, (n - 1) / 2. */
static inline void pool_add_ends(struct pool *pool, const struct kw_curve *curve, BIGNUM *d)
{
    for (BN_ULONG i = 1; i <= 17; i++) {
        BN_set_word(d, i);
        pool_add(pool, curve, d);
    }
    kw_numbers_bn(d, curve->n, curve->num);
    BN_add_word(d, 1);
    BN_rshift1(d, d);
    pool_add(pool, curve, d);
}

/* Powers of two, and the numbers beside them: 2^k - 1 is a run of ones, n - 2^k another one. */
static inline void pool_add_powers(struct pool *pool, const struct kw_curve *curve, BIGNUM *d)
{
    for (unsigned k = 5; k < curve->order_bits; k++) {
        for (int beside = -1; beside <= 1; beside++) {
            /* On the slowest curve the numbers beside them take turns. */
            if (curve->spec == KW_SPEC_ECC_NIST_P384 && beside != 0 && (beside > 0) != (k % 2 == 0))
                continue;
            BN_zero(d);
            BN_set_bit(d, (int)k);
            if (beside < 0)
                BN_sub_word(d, 1);
            if (beside > 0)
                BN_add_word(d, 1);
            pool_add(pool, curve, d);
        }
    }
}

/* One window of every width and place with something in it; the rest 0, or from the other end. */
static inline void pool_add_windows(struct pool *pool, const struct kw_curve *curve, BIGNUM *d)
{
    for (unsigned width = 4; width <= 8; width++) {
        for (unsigned at = 0; at < curve->order_bits; at += width) {
            BN_set_word(d, at % 3 == 0 ? (1u << width) - 1 : 1 + kw_numbers_below((1u << width) - 1));
            BN_lshift(d, d, (int)at);
            pool_add(pool, curve, d);
        }
    }
}

/* Bits of one kind in runs of every length, and all of them in turns. */
static inline void pool_add_runs(struct pool *pool, const struct kw_curve *curve, BIGNUM *d)
{
    for (unsigned run = 1; run < curve->order_bits; run = run < 8 ? run + 1 : run * 3 / 2) {
        for (unsigned phase = 0; phase < 2; phase++) {
            BN_zero(d);
            for (unsigned bit = 0; bit < curve->order_bits; bit++)
                if ((bit / run + phase) % 2 == 0)
                    BN_set_bit(d, (int)bit);
            pool_add(pool, curve, d);
        }
    }
    for (unsigned i = 0; i < RUN_RANDOM; i++) { /* words and limbs of one kind, mixed */
        uint64_t words[KW_CURVE_WORDS_MAX];
        kw_numbers_operand(words, curve->num, KW_NUMBERS_RUNS);
        kw_numbers_bn(d, words, curve->num);
        pool_add(pool, curve, d);
    }
}

static inline void pool_add_random(struct pool *pool, const struct kw_curve *curve, BIGNUM *d)
{
    BIGNUM *n = kw_numbers_bn_new(curve->n, curve->num);

    for (unsigned i = 0; i < POOL_RANDOM; i++) {
        kw_assert(BN_rand_range(d, n) == 1);
        pool_add(pool, curve, d);
    }
    BN_free(n);
}

static inline void pool_add_seeds(struct pool *pool, const struct kw_curve *curve)
{
    for (unsigned i = 0; i < 2 * POOL_RANDOM; i++) {
        uint8_t *seed = pool->secrets[pool->num];
        kw_assert(RAND_bytes(seed, (int)curve->secret_len) == 1);
        if (i < 4)
            memset(seed, (const int[]){0, 0xff, 0x80, 0x01}[i], curve->secret_len);
        pool_finish(pool, curve);
    }
}

/* Made once for each curve. */
static inline const struct pool *pool_of(const struct kw_curve *curve)
{
    static struct pool *pools[KW_SPEC_NUM];
    BIGNUM *d;

    if (pools[curve->spec] != NULL)
        return pools[curve->spec];
    d = BN_new();
    struct pool *pool = calloc(1, sizeof(*pool));
    ck_assert_ptr_nonnull(pool);
    if (curve->form == KW_CURVE_EDWARDS) {
        pool_add_seeds(pool, curve);
    } else {
        pool_add_ends(pool, curve, d);
        pool_add_powers(pool, curve, d);
        pool_add_windows(pool, curve, d);
        pool_add_runs(pool, curve, d);
        pool_add_random(pool, curve, d);
    }
    BN_free(d);
    return pools[curve->spec] = pool;
}

/* A kernel on its own curve. */
static inline void rig_begin(int index)
{
    const struct kw_ec_kernel *kernel = ec_kernels[index];
    unsigned num_max = KW_MAX(kernel->batch, 2 * kernel->lanes + 1);

    ck_assert_int_eq(rig_open(kernel, kw_curve_of(kernel->spec), num_max), 0);
    rig.pool = pool_of(rig.curve);
}

#endif
