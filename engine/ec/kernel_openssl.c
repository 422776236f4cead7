/* Weierstrass curves over OpenSSL's EC_POINT. What makes keys is its way of making keys; what tests them
 * takes the points through its code for any curve, in variable time, and the secrets through its
 * multiplication of any point.
 *
 * Everything that sees a secret runs on a fiber: what OpenSSL leaves of one on its stack is in secret memory
 * and wiped. What it allocated for one is freed, and so wiped, before the call ends. */
#define OPENSSL_SUPPRESS_DEPRECATED /* EC_POINTs_mul() and its like: nothing has taken their place */

#include "engine/ec/call.h"
#include "engine/ec/group.h"
#include "engine/ec/kernels.h"
#include "engine/ec/scalar.h"
#include "pool/limits.h"
#include "pool/secmem.h"

enum coordinate { X, Y, Z, COORDINATES };

struct openssl {
    const struct kw_curve *curve;
    OSSL_LIB_CTX *libctx;
    unsigned num_max;
    struct kw_fiber *fiber;
    struct kw_scalars *scalars;
    EC_GROUP *named;
    EC_GROUP *plain;
    EC_POINT **made;                 /* of named; NULL but while it derives */
    BN_CTX *ctx;                     /* from here on public */
    BIGNUM *coordinate[COORDINATES]; /* of one point */
    EC_POINT **points;               /* of plain, under test */
    BIGNUM **multipliers;
    const EC_POINT **terms; /* the same two, as EC_POINTs_mul() wants them */
    const BIGNUM **factors;
    EC_POINT *sum;
};

/* ---- set up and tear down ---- */

static void openssl_close(void *state)
{
    struct openssl *self = state;

    if (self == NULL)
        return;
    for (unsigned i = 0; i < self->num_max; i++) {
        EC_POINT_free(self->points == NULL ? NULL : self->points[i]);
        BN_free(self->multipliers == NULL ? NULL : self->multipliers[i]);
    }
    for (size_t i = 0; i < COORDINATES; i++)
        BN_free(self->coordinate[i]);
    EC_POINT_free(self->sum);
    BN_CTX_free(self->ctx);
    EC_GROUP_free(self->plain);
    EC_GROUP_free(self->named);
    kw_scalars_free(self->scalars);
    kw_fiber_free(self->fiber);
    kw_secmem_free(self->made);
    kw_secmem_free(self->points);
    kw_secmem_free(self->multipliers);
    kw_secmem_free(self->terms);
    kw_secmem_free(self->factors);
    kw_secmem_free(self);
}

static void openssl_closep(struct openssl **self)
{
    openssl_close(*self);
}

static int new_arrays(struct openssl *self, size_t num)
{
    self->made = kw_secmem_alloc(num * sizeof(EC_POINT *));
    self->points = kw_secmem_alloc(num * sizeof(EC_POINT *));
    self->multipliers = kw_secmem_alloc(num * sizeof(BIGNUM *));
    self->terms = kw_secmem_alloc(num * sizeof(const EC_POINT *));
    self->factors = kw_secmem_alloc(num * sizeof(const BIGNUM *));
    KW_REQUIRE(self->made != NULL && self->points != NULL && self->multipliers != NULL, -ENOMEM);
    KW_REQUIRE(self->terms != NULL && self->factors != NULL, -ENOMEM);
    return 0;
}

static int new_numbers(struct openssl *self)
{
    KW_SSL_PTR(self->ctx = BN_CTX_new_ex(self->libctx));
    KW_SSL_PTR(self->sum = EC_POINT_new(self->plain));
    for (size_t i = 0; i < COORDINATES; i++)
        KW_SSL_PTR(self->coordinate[i] = BN_new());
    for (unsigned i = 0; i < self->num_max; i++) {
        KW_SSL_PTR(self->terms[i] = self->points[i] = EC_POINT_new(self->plain));
        KW_SSL_PTR(self->factors[i] = self->multipliers[i] = BN_new());
    }
    return 0;
}

static int openssl_open(void **ret, const struct kw_ec_kernel *kernel, const struct kw_curve *curve,
    unsigned num_max, OSSL_LIB_CTX *libctx)
{
    KW_CLEANUP(openssl_closep) struct openssl *self = kw_secmem_alloc(sizeof(*self));

    KW_REQUIRE(self != NULL, -ENOMEM);
    kw_assert(kernel->spec == curve->spec && num_max >= 1);
    self->curve = curve;
    self->libctx = libctx;
    self->num_max = num_max;
    KW_TRY(new_arrays(self, num_max));
    KW_TRY(kw_fiber_new(&self->fiber, KW_FIBER_STACK));
    KW_TRY(kw_scalars_new(&self->scalars, curve, libctx));
    KW_TRY(kw_group_named(&self->named, curve, libctx));
    KW_TRY(kw_group_plain(&self->plain, curve, libctx));
    KW_TRY(new_numbers(self));
    *ret = self;
    self = NULL;
    return 0;
}

/* Each call wipes what it had of a secret. */
static void openssl_wipe(void *state)
{
    (void)state;
}

/* ---- derive ---- */

static int multiply(struct openssl *self, unsigned num, const uint8_t *secrets, BN_CTX *ctx)
{
    KW_CLEANUP(kw_bn_freep) BIGNUM *d = BN_secure_new();
    int len = (int)self->curve->secret_len;

    KW_SSL_PTR(d);
    BN_set_flags(d, BN_FLG_CONSTTIME);
    for (unsigned i = 0; i < num; i++) {
        KW_SSL_PTR(BN_bin2bn(secrets + (size_t)i * self->curve->secret_len, len, d));
        KW_SSL_PTR(self->made[i] = EC_POINT_new(self->named));
        KW_SSL(EC_POINT_mul(self->named, self->made[i], d, NULL, NULL, ctx));
    }
    return 0;
}

/* A point whose Z is 1: asked for its affine coordinates, OpenSSL's fast groups would invert that. */
static int write_affine(struct openssl *self, const EC_POINT *point, BN_CTX *ctx, uint8_t *ret)
{
    BIGNUM *const *at = self->coordinate;
    int len = (int)self->curve->point_len / 2;

    KW_SSL(EC_POINT_get_Jprojective_coordinates_GFp(self->named, point, at[X], at[Y], at[Z], ctx));
    KW_REQUIRE(BN_is_one(at[Z]), -EINVAL); /* the neutral element */
    KW_REQUIRE(BN_bn2binpad(at[X], ret, len) == len, KW_EOPENSSL);
    KW_REQUIRE(BN_bn2binpad(at[Y], ret + len, len) == len, KW_EOPENSSL);
    return 0;
}

/* All points with one inversion. */
static int write_points(struct openssl *self, unsigned num, BN_CTX *ctx, uint8_t *ret_points)
{
    KW_SSL(EC_POINTs_make_affine(self->named, num, self->made, ctx));
    for (unsigned i = 0; i < num; i++)
        KW_TRY(write_affine(self, self->made[i], ctx, ret_points + (size_t)i * self->curve->point_len));
    return 0;
}

static int derive(struct kw_ec_call *call)
{
    struct openssl *self = call->state;
    KW_CLEANUP(kw_bn_ctx_freep) BN_CTX *ctx = BN_CTX_secure_new_ex(self->libctx);

    KW_SSL_PTR(ctx);
    int r = multiply(self, call->num, call->secrets, ctx);
    if (r == 0)
        r = write_points(self, call->num, ctx, call->ret_points);
    /* Z was a secret, which an affine point still has the traces of. */
    for (unsigned i = 0; i < call->num; i++) {
        EC_POINT_clear_free(self->made[i]);
        self->made[i] = NULL;
    }
    return r;
}

static int openssl_derive(void *state, unsigned num, const uint8_t *secrets, uint8_t *points)
{
    struct openssl *self = state;
    struct kw_ec_call call = {.state = self, .num = num, .secrets = secrets, .ret_points = points};

    kw_assert(num <= self->num_max);
    return kw_ec_call_run(&call, self->fiber, derive);
}

/* ---- check ---- */

/* Returns: 0 | 1 (one of them is none) */
static int read_points(struct openssl *self, unsigned num, const uint8_t *points)
{
    for (unsigned i = 0; i < num; i++)
        if (kw_group_read(self->plain, self->curve, points + (size_t)i * self->curve->point_len, self->ctx,
                self->points[i]) != 0)
            return 1;
    return 0;
}

/* The sum of m_i Q_i, all of it public. */
static int sum_points(struct openssl *self, unsigned num, const uint8_t *multipliers, uint8_t *ret)
{
    for (unsigned i = 0; i < num; i++)
        KW_SSL_PTR(BN_lebin2bn(
            multipliers + (size_t)i * KW_EC_MULTIPLIER, (int)KW_EC_MULTIPLIER, self->multipliers[i]));
    KW_SSL(EC_POINTs_mul(self->plain, self->sum, NULL, num, self->terms, self->factors, self->ctx));
    return kw_group_write(self->plain, self->curve, self->sum, self->ctx, ret);
}

static int sum_secrets(
    struct openssl *self, unsigned num, const uint8_t *secrets, const uint8_t *multipliers, uint8_t *ret)
{
    uint64_t sum[KW_CURVE_WORDS_MAX];
    KW_ERASE_GUARD(sum);

    KW_TRY(kw_scalars_dot(self->scalars, num, secrets, multipliers, 0, sum));
    return kw_group_multiply_base(self->named, self->curve, self->libctx, sum, ret);
}

static int check(struct kw_ec_call *call)
{
    struct openssl *self = call->state;
    uint8_t of_points[KW_CURVE_POINT_MAX], of_secrets[KW_CURVE_POINT_MAX];

    if (read_points(self, call->num, call->points) != 0)
        return 0;
    KW_TRY(sum_points(self, call->num, call->multipliers, of_points));
    KW_TRY(sum_secrets(self, call->num, call->secrets, call->multipliers, of_secrets));
    call->pass = memcmp(of_points, of_secrets, self->curve->point_len) == 0;
    return 0;
}

static int openssl_check(void *state, unsigned num, const uint8_t *secrets, const uint8_t *points,
    const uint8_t *multipliers, bool *ret_pass)
{
    struct openssl *self = state;
    struct kw_ec_call call = {
        .state = self, .num = num, .secrets = secrets, .points = points, .multipliers = multipliers};

    kw_assert(num <= self->num_max);
    KW_TRY(kw_ec_call_run(&call, self->fiber, check));
    *ret_pass = call.pass;
    return 0;
}

/* ---- add ---- */

/* With Z = 2 instead of 1: (4 x : 8 y : 2). */
static int scale(struct openssl *self, EC_POINT *point)
{
    BIGNUM *const *at = self->coordinate;
    const BIGNUM *p = EC_GROUP_get0_field(self->plain);

    if (EC_POINT_is_at_infinity(self->plain, point) == 1)
        return 0;
    KW_SSL(EC_POINT_get_affine_coordinates(self->plain, point, at[X], at[Y], self->ctx));
    KW_SSL(BN_mod_lshift(at[X], at[X], 2, p, self->ctx));
    KW_SSL(BN_mod_lshift(at[Y], at[Y], 3, p, self->ctx));
    KW_SSL(BN_set_word(at[Z], 2));
    KW_SSL(EC_POINT_set_Jprojective_coordinates_GFp(self->plain, point, at[X], at[Y], at[Z], self->ctx));
    return 0;
}

static int read_operand(struct openssl *self, const uint8_t *bytes, bool affine, EC_POINT *ret)
{
    static const uint8_t neutral[KW_CURVE_POINT_MAX];

    if (memcmp(bytes, neutral, self->curve->point_len) == 0) {
        KW_SSL(EC_POINT_set_to_infinity(self->plain, ret));
        return 0;
    }
    KW_REQUIRE(kw_group_read(self->plain, self->curve, bytes, self->ctx, ret) == 0, KW_EOPENSSL);
    return affine ? 0 : scale(self, ret);
}

static int add_one(
    struct openssl *self, enum kw_ec_formula formula, const uint8_t *a, const uint8_t *b, uint8_t *ret)
{
    KW_CLEANUP(kw_point_freep) EC_POINT *left = EC_POINT_new(self->plain);
    KW_CLEANUP(kw_point_freep) EC_POINT *right = EC_POINT_new(self->plain);

    KW_SSL_PTR(left);
    KW_SSL_PTR(right);
    KW_TRY(read_operand(self, a, false, left));
    if (formula == KW_EC_DOUBLE) {
        KW_SSL(EC_POINT_dbl(self->plain, left, left, self->ctx));
    } else {
        KW_TRY(read_operand(self, b, formula == KW_EC_MIXED, right));
        KW_SSL(EC_POINT_add(self->plain, left, left, right, self->ctx));
    }
    return kw_group_write(self->plain, self->curve, left, self->ctx, ret);
}

static int openssl_add(
    void *state, enum kw_ec_formula formula, unsigned num, const uint8_t *a, const uint8_t *b, uint8_t *ret)
{
    struct openssl *self = state;
    size_t len = self->curve->point_len;

    for (size_t i = 0; i < num; i++)
        KW_TRY(add_one(self, formula, a + i * len, b + i * len, ret + i * len));
    return 0;
}

/* ---- the kernels ---- */

/* Batches of some milliseconds: the sum of the secrets costs as much as one or two pairs, so larger ones save
 * little. */

#define OPENSSL(of_spec, of_curve, at_once)                                                                  \
    {                                                                                                        \
        .name = "openssl-" of_curve, .path = KW_CPU_PORTABLE, .spec = (of_spec), .lanes = 1,                 \
        .batch = (at_once), .open = openssl_open, .wipe = openssl_wipe, .close = openssl_close,              \
        .derive = openssl_derive, .check = openssl_check, .add = openssl_add,                                \
    }

const struct kw_ec_kernel kw_ec_kernel_openssl_p256 = OPENSSL(KW_SPEC_ECC_NIST_P256, "p256", 128);
const struct kw_ec_kernel kw_ec_kernel_openssl_p384 = OPENSSL(KW_SPEC_ECC_NIST_P384, "p384", 8);
const struct kw_ec_kernel kw_ec_kernel_openssl_p521 = OPENSSL(KW_SPEC_ECC_NIST_P521, "p521", 16);
const struct kw_ec_kernel kw_ec_kernel_openssl_p256k1 = OPENSSL(KW_SPEC_ECC_SECG_P256K1, "secp256k1", 8);
