#include "api/ed25519ph.h"
#include "engine/crypto.h"

#include <openssl/ec.h>
#include <openssl/err.h>

enum { LIMBS = 4, HASH_LEN = 64, SCALAR_LEN = 32 };

/* A number below 2^256, least limb first. */
struct scalar {
    uint64_t limb[LIMBS];
};

/* L = 2^252 + 27742317777372353535851937790883648493, the order of the base point B. */
static const struct scalar order = {
    {UINT64_C(0x5812631a5cf5d3ed), UINT64_C(0x14def9dea2f79cd6), 0, UINT64_C(0x1000000000000000)}};

/* The prime; the curve y^2 = x^3 + ax + b that Curve25519 is by x = u + A/3 with A = 486662; B on it; A/3;
 * and the square root of -(A + 2) with which x_Edwards = ROOT * u / v. */
#define PRIME         "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFED"
#define COEFFICIENT_A "2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA984914A144"
#define COEFFICIENT_B "7B425ED097B425ED097B425ED097B425ED097B425ED097B4260B5E9C7710C864"
#define BASE_X        "2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD245A"
#define BASE_Y        "20AE19A1B8A086B4E01EDD2C7748D14C923D4D7E6D7C61B229E9C5A27ECED3D9"
#define THIRD         "2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD2451"
#define ROOT          "70D9120B9F5FF9442D84F723FC03B0813A5E2C2EB482E57D3391FB5500BA81E7"
#define ORDER         "1000000000000000000000000000000014DEF9DEA2F79CD65812631A5CF5D3ED"

/* dom2(1, ""): a prefix of everything that is hashed, so that no signature of Ed25519 is one of Ed25519ph. */
static const char domain[] = "SigEd25519 no Ed25519 collisions\x01";
#define DOMAIN_LEN sizeof(domain) /* with the zero behind it, the length of no context */

static void group_freep(EC_GROUP **group)
{
    EC_GROUP_free(*group);
}

static void point_freep(EC_POINT **point)
{
    EC_POINT_clear_free(*point);
}

static void bn_ctx_freep(BN_CTX **ctx)
{
    BN_CTX_free(*ctx);
}

/* out = x - y; returns the borrow. */
static uint64_t subtract(struct scalar *out, const struct scalar *x, const struct scalar *y)
{
    uint64_t borrow = 0;

    for (size_t i = 0; i < LIMBS; i++) {
        const uint64_t once = x->limb[i] - y->limb[i], twice = once - borrow;
        /* Borrows by the bits alone: where x < y, or where once was 0 with a borrow to give. */
        const uint64_t first = ((~x->limb[i] & y->limb[i]) | ((~x->limb[i] | y->limb[i]) & once)) >> 63;
        borrow = first | ((~once & twice) >> 63 & borrow);
        out->limb[i] = twice;
    }
    return borrow;
}

/* x below 2L to x mod L. */
static void reduce_once(struct scalar *x)
{
    struct scalar less;
    KW_ERASE_GUARD(less);
    const uint64_t keep = 0 - subtract(&less, x, &order);

    for (size_t i = 0; i < LIMBS; i++)
        x->limb[i] = (x->limb[i] & keep) | (less.limb[i] & ~keep);
}

/* x = 2x + bit, mod L. */
static void double_in(struct scalar *x, uint64_t bit)
{
    for (size_t i = 0; i < LIMBS; i++) {
        const uint64_t out = x->limb[i] >> 63;
        x->limb[i] = x->limb[i] << 1 | bit;
        bit = out;
    }
    reduce_once(x);
}

/* x += y where bit is 1, mod L; both below L, so that no sum passes 2^256. */
static void add_if(struct scalar *x, const struct scalar *y, uint64_t bit)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < LIMBS; i++) {
        const uint64_t add = y->limb[i] & (0 - bit), sum = x->limb[i] + add, whole = sum + carry;
        const uint64_t first = ((x->limb[i] & add) | ((x->limb[i] | add) & ~sum)) >> 63;
        carry = first | ((sum & ~whole) >> 63 & carry);
        x->limb[i] = whole;
    }
    reduce_once(x);
}

/* A number of len bytes, least byte first, mod L. */
static void reduce(struct scalar *ret, const uint8_t *bytes, size_t len)
{
    *ret = (struct scalar){{0}};
    for (size_t i = 8 * len; i-- > 0;)
        double_in(ret, bytes[i / 8] >> (i % 8) & 1);
}

/* ret = x * y + z mod L. y and z are below L. */
static void multiply_add(
    struct scalar *ret, const struct scalar *x, const struct scalar *y, const struct scalar *z)
{
    *ret = (struct scalar){{0}};
    for (size_t i = 64 * LIMBS; i-- > 0;) {
        double_in(ret, 0);
        add_if(ret, y, x->limb[i / 64] >> (i % 64) & 1);
    }
    add_if(ret, z, 1);
}

static void put_scalar(uint8_t out[SCALAR_LEN], const struct scalar *x)
{
    for (size_t i = 0; i < SCALAR_LEN; i++)
        out[i] = (uint8_t)(x->limb[i / 8] >> 8 * (i % 8));
}

/* SHA-512 of the domain and the parts. */
static int hash(const void *const *parts, const size_t *lens, size_t num, uint8_t out[HASH_LEN])
{
    KW_CLEANUP(kw_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    KW_SSL_PTR(ctx);
    KW_SSL(EVP_DigestInit_ex2(ctx, EVP_sha512(), NULL));
    KW_SSL(EVP_DigestUpdate(ctx, domain, DOMAIN_LEN));
    for (size_t i = 0; i < num; i++)
        KW_SSL(EVP_DigestUpdate(ctx, parts[i], lens[i]));
    KW_SSL(EVP_DigestFinal_ex(ctx, out, NULL));
    return 0;
}

/* What every number of the curve is read from, and the context that the arithmetic takes them from. */
static int constant(const char *hex, BN_CTX *ctx, BIGNUM **ret)
{
    *ret = BN_CTX_get(ctx);
    KW_SSL_PTR(*ret);
    KW_SSL(BN_hex2bn(ret, hex));
    return 0;
}

static int new_group(BN_CTX *ctx, EC_GROUP **ret)
{
    KW_CLEANUP(group_freep) EC_GROUP *group = NULL;
    KW_CLEANUP(point_freep) EC_POINT *base = NULL;
    BIGNUM *p, *a, *b, *x, *y, *l;

    KW_TRY(constant(PRIME, ctx, &p));
    KW_TRY(constant(COEFFICIENT_A, ctx, &a));
    KW_TRY(constant(COEFFICIENT_B, ctx, &b));
    KW_TRY(constant(BASE_X, ctx, &x));
    KW_TRY(constant(BASE_Y, ctx, &y));
    KW_TRY(constant(ORDER, ctx, &l));
    group = EC_GROUP_new_curve_GFp(p, a, b, ctx);
    KW_SSL_PTR(group);
    base = EC_POINT_new(group);
    KW_SSL_PTR(base);
    KW_SSL(EC_POINT_set_affine_coordinates(group, base, x, y, ctx)); /* checks that it is on the curve */
    BIGNUM *cofactor = BN_CTX_get(ctx);
    KW_SSL_PTR(cofactor);
    KW_SSL(BN_set_word(cofactor, 8));
    KW_SSL(EC_GROUP_set_generator(group, base, l, cofactor));
    *ret = group;
    group = NULL;
    return 0;
}

/* The Edwards form of (x, y), encoded: y, and the lowest bit of x on top. The point is public. */
static int encode(BN_CTX *ctx, const BIGNUM *x, const BIGNUM *y, uint8_t out[KW_ED25519_LEN])
{
    BIGNUM *p, *third, *root, *u = BN_CTX_get(ctx), *t = BN_CTX_get(ctx), *ex = BN_CTX_get(ctx);
    BIGNUM *ey = BN_CTX_get(ctx);

    KW_SSL_PTR(ey);
    KW_TRY(constant(PRIME, ctx, &p));
    KW_TRY(constant(THIRD, ctx, &third));
    KW_TRY(constant(ROOT, ctx, &root));
    KW_SSL(BN_mod_sub(u, x, third, p, ctx));
    KW_SSL_PTR(BN_mod_inverse(t, y, p, ctx)); /* x_Edwards = ROOT * u / v */
    KW_SSL(BN_mod_mul(ex, root, u, p, ctx));
    KW_SSL(BN_mod_mul(ex, ex, t, p, ctx));
    KW_SSL(BN_mod_add(t, u, BN_value_one(), p, ctx)); /* y_Edwards = (u - 1) / (u + 1) */
    KW_SSL_PTR(BN_mod_inverse(t, t, p, ctx));
    KW_SSL(BN_mod_sub(ey, u, BN_value_one(), p, ctx));
    KW_SSL(BN_mod_mul(ey, ey, t, p, ctx));
    KW_REQUIRE(BN_bn2lebinpad(ey, out, KW_ED25519_LEN) == KW_ED25519_LEN, KW_EOPENSSL);
    out[KW_ED25519_LEN - 1] |= (uint8_t)(BN_is_odd(ex) << 7);
    return 0;
}

/* scalar * B, encoded. With one scalar and one point OpenSSL takes its ladder, as long for every scalar. */
static int multiply_base_in(BN_CTX *ctx, const struct scalar *scalar, uint8_t out[KW_ED25519_LEN])
{
    KW_CLEANUP(group_freep) EC_GROUP *group = NULL;
    KW_CLEANUP(point_freep) EC_POINT *point = NULL;
    KW_CLEANUP(kw_bn_freep) BIGNUM *number = NULL;
    uint8_t bytes[SCALAR_LEN];
    KW_ERASE_GUARD(bytes);
    BIGNUM *x = BN_CTX_get(ctx), *y = BN_CTX_get(ctx);

    KW_SSL_PTR(y);
    KW_TRY(new_group(ctx, &group));
    point = EC_POINT_new(group);
    KW_SSL_PTR(point);
    put_scalar(bytes, scalar);
    number = BN_lebin2bn(bytes, sizeof(bytes), NULL);
    KW_SSL_PTR(number);
    BN_set_flags(number, BN_FLG_CONSTTIME);
    KW_SSL(EC_POINT_mul(group, point, number, NULL, NULL, ctx));
    KW_SSL(EC_POINT_get_affine_coordinates(group, point, x, y, ctx));
    return encode(ctx, x, y, out);
}

static int multiply_base(const struct scalar *scalar, uint8_t out[KW_ED25519_LEN])
{
    KW_CLEANUP(bn_ctx_freep) BN_CTX *ctx = BN_CTX_secure_new();

    KW_SSL_PTR(ctx);
    BN_CTX_start(ctx);
    int r = multiply_base_in(ctx, scalar, out);
    BN_CTX_end(ctx);
    return r;
}

/* RFC 8032 5.1.5: half of the seed's hash is the secret scalar, the other half the prefix. */
static int expand(const uint8_t seed[KW_ED25519_LEN], struct scalar *ret_a, uint8_t ret_prefix[SCALAR_LEN])
{
    uint8_t out[HASH_LEN];
    KW_ERASE_GUARD(out);

    KW_SSL(EVP_Digest(seed, KW_ED25519_LEN, out, NULL, EVP_sha512(), NULL));
    out[0] &= 0xf8;
    out[31] &= 0x7f;
    out[31] |= 0x40;
    reduce(ret_a, out, SCALAR_LEN);
    memcpy(ret_prefix, out + SCALAR_LEN, SCALAR_LEN);
    return 0;
}

static int challenge(const uint8_t *r, const uint8_t *public, const uint8_t *digest, struct scalar *ret)
{
    const void *const parts[] = {r, public, digest};
    const size_t lens[] = {KW_ED25519_LEN, KW_ED25519_LEN, KW_ED25519PH_DIGEST_LEN};
    uint8_t out[HASH_LEN];

    KW_TRY(hash(parts, lens, 3, out));
    reduce(ret, out, sizeof(out));
    return 0;
}

int kw_ed25519ph_sign(const uint8_t seed[KW_ED25519_LEN], const uint8_t public[KW_ED25519_LEN],
    const uint8_t digest[KW_ED25519PH_DIGEST_LEN], uint8_t ret[KW_ED25519_SIGNATURE_LEN])
{
    uint8_t prefix[SCALAR_LEN], nonce[HASH_LEN], out[KW_ED25519_SIGNATURE_LEN];
    struct scalar a, r, k, s;
    KW_ERASE_GUARD(prefix);
    KW_ERASE_GUARD(nonce);
    KW_ERASE_GUARD(a);
    KW_ERASE_GUARD(r);

    KW_TRY(expand(seed, &a, prefix));
    const void *const parts[] = {prefix, digest};
    const size_t lens[] = {SCALAR_LEN, KW_ED25519PH_DIGEST_LEN};
    KW_TRY(hash(parts, lens, 2, nonce));
    reduce(&r, nonce, sizeof(nonce));
    KW_TRY(multiply_base(&r, out));
    KW_TRY(challenge(out, public, digest, &k));
    multiply_add(&s, &k, &a, &r);
    put_scalar(out + KW_ED25519_LEN, &s);
    memcpy(ret, out, sizeof(out));
    return 0;
}

/* S of a signature, which must be below L. */
static int parse_s(const uint8_t bytes[SCALAR_LEN], struct scalar *ret)
{
    struct scalar ignored;

    *ret = (struct scalar){{0}};
    for (size_t i = 0; i < SCALAR_LEN; i++)
        ret->limb[i / 8] |= (uint64_t)bytes[i] << 8 * (i % 8);
    return subtract(&ignored, ret, &order) == 1 ? 0 : KW_ED25519PH_MISMATCH;
}

int kw_ed25519ph_verify(const uint8_t seed[KW_ED25519_LEN], const uint8_t public[KW_ED25519_LEN],
    const uint8_t digest[KW_ED25519PH_DIGEST_LEN], const uint8_t signature[KW_ED25519_SIGNATURE_LEN])
{
    uint8_t prefix[SCALAR_LEN], wanted[KW_ED25519_LEN];
    struct scalar a, s, k, r, minus_k;
    KW_ERASE_GUARD(prefix);
    KW_ERASE_GUARD(a);
    KW_ERASE_GUARD(r);

    int result = parse_s(signature + KW_ED25519_LEN, &s);
    KW_REQUIRE(result == 0, result);
    KW_TRY(expand(seed, &a, prefix));
    KW_TRY(challenge(signature, public, digest, &k));
    (void)subtract(&minus_k, &order, &k); /* k is below L; L itself, for k = 0, is a multiplier like any */
    multiply_add(&r, &minus_k, &a, &s);
    if (multiply_base(&r, wanted) != 0) { /* infinity, which no honest R is */
        ERR_clear_error();
        return KW_ED25519PH_MISMATCH;
    }
    return memcmp(wanted, signature, sizeof(wanted)) == 0 ? 0 : KW_ED25519PH_MISMATCH;
}
