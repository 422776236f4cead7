/* secp256k1 over libsecp256k1, which makes keys sixteen times as fast as OpenSSL 3.0. Its test takes the
 * points through libsecp256k1 and the secrets through OpenSSL.
 *
 * On a fiber, for the same reason as the curves of kernel_openssl.c. */
#include "engine/ec/call.h"
#include "engine/ec/group.h"
#include "engine/ec/kernels.h"
#include "engine/ec/scalar.h"
#include "pool/limits.h"
#include "pool/secmem.h"

#include <endian.h>
#include <secp256k1.h>
#include <secp256k1_preallocated.h>
#include <sys/random.h>

#define SECRET_LEN 32u
#define POINT_LEN  64u
#define SEED_LEN   32u
/* SEC 1 section 2.3.3: the octet before X || Y. */
#define UNCOMPRESSED 0x04u

/* Signed digits of a multiplier, 65 of them. */
#define DIGITS 65u
struct digits {
    kw_wide plus;
    kw_wide minus;
};

struct secp256k1 {
    const struct kw_curve *curve;
    OSSL_LIB_CTX *libctx;
    unsigned num_max;
    struct kw_fiber *fiber;
    struct kw_scalars *scalars;
    EC_GROUP *group;
    secp256k1_context *ctx; /* in memory; what it computes from a secret is blinded */
    void *memory;
    secp256k1_pubkey *keys; /* from here on public: those under test */
    secp256k1_pubkey *negatives;
    struct digits *digits;
    const secp256k1_pubkey **terms; /* of a sum, num_max + 2 */
};

/* ---- set up and tear down ---- */

static void secp256k1_close(void *state)
{
    struct secp256k1 *self = state;

    if (self == NULL)
        return;
    if (self->ctx != NULL)
        secp256k1_context_preallocated_destroy(self->ctx);
    kw_secmem_free(self->memory);
    EC_GROUP_free(self->group);
    kw_scalars_free(self->scalars);
    kw_fiber_free(self->fiber);
    kw_secmem_free(self->keys);
    kw_secmem_free(self->negatives);
    kw_secmem_free(self->digits);
    kw_secmem_free(self->terms);
    kw_secmem_free(self);
}

static void secp256k1_closep(struct secp256k1 **self)
{
    secp256k1_close(*self);
}

static int new_arrays(struct secp256k1 *self, size_t num)
{
    self->keys = kw_secmem_alloc(num * sizeof(*self->keys));
    self->negatives = kw_secmem_alloc(num * sizeof(*self->negatives));
    self->digits = kw_secmem_alloc(num * sizeof(*self->digits));
    self->terms = kw_secmem_alloc((num + 2) * sizeof(const secp256k1_pubkey *));
    KW_REQUIRE(self->keys != NULL && self->negatives != NULL, -ENOMEM);
    KW_REQUIRE(self->digits != NULL && self->terms != NULL, -ENOMEM);
    return 0;
}

/* Blinds the multiplication of G, with random numbers of the system's: they need not be random to be safe. */
static int blind(struct kw_ec_call *call)
{
    struct secp256k1 *self = call->state;
    uint8_t seed[SEED_LEN];
    KW_ERASE_GUARD(seed);

    KW_REQUIRE(getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed), -EIO);
    KW_REQUIRE(secp256k1_context_randomize(self->ctx, seed) == 1, -EIO);
    return 0;
}

static int new_context(struct secp256k1 *self)
{
    struct kw_ec_call call = {.state = self};

    self->memory = kw_secmem_alloc(secp256k1_context_preallocated_size(SECP256K1_CONTEXT_NONE));
    KW_REQUIRE(self->memory != NULL, -ENOMEM);
    self->ctx = secp256k1_context_preallocated_create(self->memory, SECP256K1_CONTEXT_NONE);
    kw_assert(self->ctx != NULL);
    return kw_ec_call_run(&call, self->fiber, blind);
}

static int secp256k1_open(void **ret, const struct kw_ec_kernel *kernel, const struct kw_curve *curve,
    unsigned num_max, OSSL_LIB_CTX *libctx)
{
    KW_REQUIRE(curve == kw_curve_of(kernel->spec), KW_EC_KERNEL_OTHER_CURVE);
    KW_CLEANUP(secp256k1_closep) struct secp256k1 *self = kw_secmem_alloc(sizeof(*self));

    KW_REQUIRE(self != NULL, -ENOMEM);
    kw_assert(curve->secret_len == SECRET_LEN && curve->point_len == POINT_LEN && num_max >= 1);
    self->curve = curve;
    self->libctx = libctx;
    self->num_max = num_max;
    KW_TRY(new_arrays(self, num_max));
    KW_TRY(kw_fiber_new(&self->fiber, KW_FIBER_STACK));
    KW_TRY(kw_scalars_new(&self->scalars, curve, libctx));
    KW_TRY(kw_group_named(&self->group, curve, libctx));
    KW_TRY(new_context(self));
    *ret = self;
    self = NULL;
    return 0;
}

/* Each call wipes what it had of a secret. */
static void secp256k1_wipe(void *state)
{
    (void)state;
}

/* ---- derive ---- */

static void write_key(const struct secp256k1 *self, const secp256k1_pubkey *key, uint8_t *ret_point)
{
    uint8_t octets[1 + POINT_LEN];
    size_t len = sizeof(octets);

    /* It cannot fail with room for the whole point. */
    (void)secp256k1_ec_pubkey_serialize(self->ctx, octets, &len, key, SECP256K1_EC_UNCOMPRESSED);
    memcpy(ret_point, octets + 1, POINT_LEN);
}

static int derive(struct kw_ec_call *call)
{
    struct secp256k1 *self = call->state;

    for (size_t i = 0; i < call->num; i++) {
        secp256k1_pubkey key;
        KW_REQUIRE(secp256k1_ec_pubkey_create(self->ctx, &key, call->secrets + i * SECRET_LEN) == 1, -EINVAL);
        write_key(self, &key, call->ret_points + i * POINT_LEN);
    }
    return 0;
}

static int secp256k1_derive(void *state, unsigned num, const uint8_t *secrets, uint8_t *points)
{
    struct secp256k1 *self = state;
    struct kw_ec_call call = {.state = self, .num = num, .secrets = secrets, .ret_points = points};

    kw_assert(num <= self->num_max);
    return kw_ec_call_run(&call, self->fiber, derive);
}

/* ---- check ---- */

/* Whether all of them are points of the curve. */
static bool read_keys(struct secp256k1 *self, unsigned num, const uint8_t *points)
{
    uint8_t octets[1 + POINT_LEN] = {UNCOMPRESSED};

    for (size_t i = 0; i < num; i++) {
        memcpy(octets + 1, points + i * POINT_LEN, POINT_LEN);
        if (secp256k1_ec_pubkey_parse(self->ctx, &self->keys[i], octets, sizeof(octets)) != 1)
            return false;
        self->negatives[i] = self->keys[i];
        if (secp256k1_ec_pubkey_negate(self->ctx, &self->negatives[i]) != 1)
            return false;
    }
    return true;
}

/* m in its non-adjacent form, whose digits are 0 in two of three places: a digit is 1 where 3 m has a bit and
 * m has none, one place higher, and -1 where it is the other way round. */
static struct digits digits_of(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    kw_wide m = le64toh(word), half = m / 2, three_halves = m + half, differ = half ^ three_halves;
    return (struct digits){.plus = three_halves & differ, .minus = half & differ};
}

/* The terms of place at of the sum, from the first on; returns how many there are then. */
static size_t add_terms(struct secp256k1 *self, unsigned num, unsigned at, size_t first)
{
    for (unsigned i = 0; i < num; i++) {
        if (self->digits[i].plus >> at & 1)
            self->terms[first++] = &self->keys[i];
        else if (self->digits[i].minus >> at & 1)
            self->terms[first++] = &self->negatives[i];
    }
    return first;
}

/* The sum of m_i Q_i, all of it public, from the highest digits down: each place takes twice the sum so far
 * and the points whose digit is not 0, at once, since it is the end of a sum that costs. */
static void sum_points(struct secp256k1 *self, unsigned num, const uint8_t *multipliers, uint8_t *ret)
{
    secp256k1_pubkey sums[2];
    bool neutral = true;

    for (unsigned i = 0; i < num; i++)
        self->digits[i] = digits_of(multipliers + (size_t)i * KW_EC_MULTIPLIER);
    for (unsigned at = DIGITS; at-- > 0;) {
        const secp256k1_pubkey *last = &sums[(at + 1) % 2];
        self->terms[0] = self->terms[1] = last;
        size_t num_terms = add_terms(self, num, at, neutral ? 0 : 2);
        if (num_terms > 0)
            neutral = secp256k1_ec_pubkey_combine(self->ctx, &sums[at % 2], self->terms, num_terms) != 1;
    }
    if (neutral)
        memset(ret, 0, POINT_LEN);
    else
        write_key(self, &sums[0], ret);
}

static int sum_secrets(
    struct secp256k1 *self, unsigned num, const uint8_t *secrets, const uint8_t *multipliers, uint8_t *ret)
{
    uint64_t sum[KW_CURVE_WORDS_MAX];
    KW_ERASE_GUARD(sum);

    KW_TRY(kw_scalars_dot(self->scalars, num, secrets, multipliers, 0, sum));
    return kw_group_multiply_base(self->group, self->curve, self->libctx, sum, ret);
}

static int check(struct kw_ec_call *call)
{
    struct secp256k1 *self = call->state;
    uint8_t of_points[POINT_LEN], of_secrets[POINT_LEN];

    if (!read_keys(self, call->num, call->points))
        return 0;
    sum_points(self, call->num, call->multipliers, of_points);
    KW_TRY(sum_secrets(self, call->num, call->secrets, call->multipliers, of_secrets));
    call->pass = memcmp(of_points, of_secrets, POINT_LEN) == 0;
    return 0;
}

static int secp256k1_check(void *state, unsigned num, const uint8_t *secrets, const uint8_t *points,
    const uint8_t *multipliers, bool *ret_pass)
{
    struct secp256k1 *self = state;
    struct kw_ec_call call = {
        .state = self, .num = num, .secrets = secrets, .points = points, .multipliers = multipliers};

    kw_assert(num <= self->num_max);
    KW_TRY(kw_ec_call_run(&call, self->fiber, check));
    *ret_pass = call.pass;
    return 0;
}

const struct kw_ec_kernel kw_ec_kernel_secp256k1 = {
    .name = "libsecp256k1",
    .path = KW_CPU_PORTABLE,
    .spec = KW_SPEC_ECC_SECG_P256K1,
    .lanes = 1,
    .batch = 96,
    .open = secp256k1_open,
    .wipe = secp256k1_wipe,
    .close = secp256k1_close,
    .derive = secp256k1_derive,
    .check = secp256k1_check,
    .add = NULL,
};
