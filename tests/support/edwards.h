/* edwards - points of edwards25519 as RFC 8032 section 5.1 defines them, in affine coordinates by OpenSSL's
 * bignums: slow, and nothing like the code under test. */
#ifndef KW_TESTS_SUPPORT_EDWARDS_H
#define KW_TESTS_SUPPORT_EDWARDS_H

#include "engine/ec/curve.h"
#include "tests/support/numbers.h"

#include <openssl/err.h>

struct edwards {
    BIGNUM *x;
    BIGNUM *y;
};

/* The field and the curve, made once and kept. */
static struct {
    BN_CTX *ctx;
    BIGNUM *p;
    BIGNUM *d;
    struct edwards base;
} edwards;

static inline BIGNUM *edwards_number(const char *hex)
{
    BIGNUM *ret = NULL;

    kw_assert(BN_hex2bn(&ret, hex) > 0);
    return ret;
}

/* ret = numerator / denominator modulo p */
static inline void edwards_divide(BIGNUM *ret, const BIGNUM *numerator, const BIGNUM *denominator)
{
    BIGNUM *inverse = BN_mod_inverse(NULL, denominator, edwards.p, edwards.ctx);

    kw_assert(inverse != NULL);
    kw_assert(BN_mod_mul(ret, numerator, inverse, edwards.p, edwards.ctx) == 1);
    BN_free(inverse);
}

/* Section 5.1.3: the x of a y, the one that is odd or the one that is even; false if there is none. */
static inline bool edwards_recover(BIGNUM *ret, const BIGNUM *y, int odd)
{
    BIGNUM *u = BN_new(), *v = BN_new(), *square = BN_new();
    bool found;

    BN_mod_sqr(u, y, edwards.p, edwards.ctx);
    BN_mod_mul(v, u, edwards.d, edwards.p, edwards.ctx);
    BN_sub_word(u, 1);
    BN_add_word(v, 1);
    edwards_divide(square, u, v);
    found = BN_mod_sqrt(ret, square, edwards.p, edwards.ctx) != NULL;
    ERR_clear_error();
    if (found && BN_is_odd(ret) != odd)
        BN_sub(ret, edwards.p, ret);
    BN_free(u);
    BN_free(v);
    BN_free(square);
    return found;
}

static inline void edwards_up(void)
{
    BIGNUM *a = BN_new(), *b = BN_new();

    edwards.ctx = BN_CTX_new();
    edwards.p = edwards_number("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
    edwards.d = BN_new();
    edwards.base = (struct edwards){BN_new(), BN_new()};
    /* d = -121665/121666 */
    BN_set_word(a, 121665);
    BN_set_word(b, 121666);
    edwards_divide(edwards.d, a, b);
    BN_sub(edwards.d, edwards.p, edwards.d);
    /* B has y = 4/5 and an x that is "positive", that is even. */
    BN_set_word(a, 4);
    BN_set_word(b, 5);
    edwards_divide(edwards.base.y, a, b);
    kw_assert(edwards_recover(edwards.base.x, edwards.base.y, 0));
    BN_free(a);
    BN_free(b);
}

static inline struct edwards edwards_new(const BIGNUM *x, const BIGNUM *y)
{
    return (struct edwards){BN_dup(x), BN_dup(y)};
}

static inline struct edwards edwards_neutral(void)
{
    struct edwards ret = {BN_new(), BN_new()};

    BN_one(ret.y);
    return ret;
}

static inline void edwards_free(struct edwards *point)
{
    BN_clear_free(point->x);
    BN_clear_free(point->y);
}

static inline bool edwards_equal(const struct edwards *a, const struct edwards *b)
{
    return BN_cmp(a->x, b->x) == 0 && BN_cmp(a->y, b->y) == 0;
}

/* a += b: (x1 y2 + x2 y1) / (1 + d x1 x2 y1 y2), (y1 y2 + x1 x2) / (1 - d x1 x2 y1 y2) */
static inline void edwards_add(struct edwards *a, const struct edwards *b)
{
    const BIGNUM *p = edwards.p;
    BN_CTX *ctx = edwards.ctx;
    BIGNUM *xx = BN_new(), *yy = BN_new(), *xy = BN_new(), *yx = BN_new(), *t = BN_new(), *one = BN_new();

    BN_one(one);
    BN_mod_mul(xx, a->x, b->x, p, ctx);
    BN_mod_mul(yy, a->y, b->y, p, ctx);
    BN_mod_mul(xy, a->x, b->y, p, ctx);
    BN_mod_mul(yx, a->y, b->x, p, ctx);
    BN_mod_mul(t, xx, yy, p, ctx);
    BN_mod_mul(t, t, edwards.d, p, ctx);
    BN_mod_add(xy, xy, yx, p, ctx);
    BN_mod_add(yy, yy, xx, p, ctx);
    BN_mod_add(xx, one, t, p, ctx);
    edwards_divide(a->x, xy, xx);
    BN_mod_sub(xx, one, t, p, ctx);
    edwards_divide(a->y, yy, xx);

    BIGNUM *all[] = {xx, yy, xy, yx, t, one};
    for (size_t i = 0; i < KW_ARRAY_LEN(all); i++)
        BN_clear_free(all[i]);
}

static inline struct edwards edwards_multiply(const struct edwards *point, const BIGNUM *scalar)
{
    struct edwards ret = edwards_neutral();

    for (int i = BN_num_bits(scalar); i-- > 0;) {
        struct edwards same = edwards_new(ret.x, ret.y);
        edwards_add(&ret, &same);
        edwards_free(&same);
        if (BN_is_bit_set(scalar, i))
            edwards_add(&ret, point);
    }
    return ret;
}

/* Section 5.1.2 */
static inline void edwards_encode(uint8_t *ret, const struct edwards *point)
{
    ck_assert_int_eq(BN_bn2lebinpad(point->y, ret, 32), 32);
    ret[31] |= (uint8_t)(BN_is_odd(point->x) << 7);
}

/* Section 5.1.3; for what is known to be a point. */
static inline struct edwards edwards_decode(const uint8_t *bytes)
{
    uint8_t y[32];
    struct edwards ret = {BN_new(), BN_new()};

    memcpy(y, bytes, sizeof(y));
    y[31] &= 0x7f;
    BN_lebin2bn(y, sizeof(y), ret.y);
    ck_assert(edwards_recover(ret.x, ret.y, bytes[31] >> 7));
    return ret;
}

/* Adds to a point in bytes. */
static inline void edwards_add_to(uint8_t *bytes, const struct edwards *by)
{
    struct edwards point = edwards_decode(bytes);

    edwards_add(&point, by);
    edwards_encode(bytes, &point);
    edwards_free(&point);
}

#endif
