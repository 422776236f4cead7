/* ec_weierstrass - points of y^2 = x^3 + a x + b, eight at a time, by the complete formulas of Renes,
 * Costello and Batina ("Complete addition formulas for prime order elliptic curves", 2016): no pair of points
 * is an exception to them, equal ones, opposite ones and the neutral element (0 : 1 : 0) included, as long as
 * the curve has no point of order two.
 *
 * Included after ec_field.h, with CURVE_A_IS_ZERO. For a = -3 algorithms 4 and 5, for a = 0 algorithms 7 and
 * 8, with their sums regrouped: a sum of products is reduced once, and nothing is settled that is not
 * multiplied.
 *
 * Bounds: with coordinates below 2.2 p (X of P-521: 3.1 p) and products below 2.2 p in size, the largest sum
 * is 3 (b x - 3 Z1 Z2 - X1 X2), below 33 p in size for a = -3; for a = 0 it is 3 b (X1 Z2 + X2 Z1) <= 3 b 6.6
 * p, below 2^9 p for b <= 20.
 */
#include "engine/x86/ec_bytes.h"

struct point {
    fe x, y, z;
};

/* In the form in which it is added, never the neutral element: struct xy, here. */
struct affine {
    fe x, y;
};

#define AFFINE_COORDS 2

struct group {
    struct field field;
    fe b;
    kw_v b3; /* 3 b, small, for a = 0 */
    struct point neutral;
    struct affine generator;
};

/* ---- sums of products ---- */

/* a b + c d */
KW_V_LONG struct loose mul_add(const fe *a, const fe *b, const fe *c, const fe *d)
{
    kw_v columns[COLUMNS];

    if (KW_LIMBS > 8)
        return plus(mul(a, b), mul(c, d));
    clear(columns);
    row(columns, a->limb, b->limb[0]);
    row(columns, c->limb, d->limb[0]);
    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++) {
        if (i + 1 < KW_LIMBS) {
            row(columns + i + 1, a->limb, b->limb[i + 1]);
            row(columns + i + 1, c->limb, d->limb[i + 1]);
        }
        field_digit(columns + i);
    }
    return upper_half(columns);
}

/* a b - c d */
KW_V_LONG struct loose mul_sub(const fe *a, const fe *b, const fe *c, const fe *d)
{
    kw_v columns[COLUMNS], taken[COLUMNS];

    if (KW_LIMBS > 8)
        return minus(mul(a, b), mul(c, d));
    clear(columns);
    clear(taken);
    row(columns, a->limb, b->limb[0]);
    row(taken, c->limb, d->limb[0]);
    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++) {
        if (i + 1 < KW_LIMBS) {
            row(columns + i + 1, a->limb, b->limb[i + 1]);
            row(taken + i + 1, c->limb, d->limb[i + 1]);
        }
        columns[i] = _mm512_sub_epi64(columns[i], taken[i]);
        field_digit(columns + i);
    }
    return minus(upper_half(columns), upper_half(taken));
}

/* ---- addition ---- */

/* What both additions come to: t0 = X1 X2, t1 = Y1 Y2, t2 = Z1 Z2, t3 = X1 Y2 + X2 Y1, t4 = Y1 Z2 + Y2 Z1 and
 * t5 = X1 Z2 + X2 Z1. */
struct parts {
    struct loose t0, t1, t3, t4, t5;
    fe t2;
};

/* X3 = t3 u - t4 w, Y3 = u v + t0 w, Z3 = t4 v + t3 t0 */
KW_V_INLINE void finish(
    struct point *ret, const fe *t0, const fe *t3, const fe *t4, const fe *u, const fe *v, const fe *w)
{
    settle_difference(&ret->x, mul_sub(t3, u, t4, w));
    settle_product(&ret->y, mul_add(u, v, t0, w));
    settle_product(&ret->z, mul_add(t4, v, t3, t0));
}

#if CURVE_A_IS_ZERO

KW_V_INLINE struct loose scale(struct loose a, kw_v small)
{
    KW_V_UNROLL
    for (int i = 0; i < KW_LIMBS; i++)
        a.limb[i] = _mm512_mullo_epi64(a.limb[i], small);
    return a;
}

KW_V_INLINE void combine(struct point *ret, const struct parts *parts, const struct group *group)
{
    fe t0, t3, t4, u, v, w;
    struct loose t2 = scale(loosen(&parts->t2), group->b3);

    settle_sum(&t0, thrice(parts->t0));
    settle_sum(&t3, parts->t3);
    settle_sum(&t4, parts->t4);
    settle_sum(&u, minus(parts->t1, t2));
    settle_sum(&v, plus(parts->t1, t2));
    settle_sum(&w, scale(parts->t5, group->b3));
    finish(ret, &t0, &t3, &t4, &u, &v, &w);
}

#else

KW_V_INLINE void combine(struct point *ret, const struct parts *parts, const struct group *group)
{
    fe t0, t3, t4, t5, u, v, w;
    struct loose x, t2 = thrice(loosen(&parts->t2));

    settle_sum(&t0, minus(thrice(parts->t0), t2));
    settle_sum(&t3, parts->t3);
    settle_sum(&t4, parts->t4);
    settle_sum(&t5, parts->t5);
    x = thrice(minus(parts->t5, mul(&group->b, &parts->t2)));
    settle_sum(&u, plus(parts->t1, x));
    settle_sum(&v, minus(parts->t1, x));
    settle_sum(&w, thrice(minus(mul(&group->b, &t5), plus(t2, parts->t0))));
    finish(ret, &t0, &t3, &t4, &u, &v, &w);
}

#endif

/* X1 Y2 + X2 Y1 as (X1 + Y1)(X2 + Y2) - X1 X2 - Y1 Y2. */
KW_V_INLINE struct loose cross(
    const fe *x1, const fe *y1, const fe *x2, const fe *y2, struct loose xx, struct loose yy)
{
    fe a, b;

    settle_sum(&a, plus(loosen(x1), loosen(y1)));
    settle_sum(&b, plus(loosen(x2), loosen(y2)));
    return minus(mul(&a, &b), plus(xx, yy));
}

static __attribute__((noinline)) void add(
    struct point *ret, const struct point *a, const struct point *b, const struct group *group)
{
    struct loose t2 = mul(&a->z, &b->z);
    struct parts parts = {.t0 = mul(&a->x, &b->x), .t1 = mul(&a->y, &b->y)};

    settle_product(&parts.t2, t2);
    parts.t3 = cross(&a->x, &a->y, &b->x, &b->y, parts.t0, parts.t1);
    parts.t4 = cross(&a->y, &a->z, &b->y, &b->z, parts.t1, t2);
    parts.t5 = cross(&a->x, &a->z, &b->x, &b->z, parts.t0, t2);
    combine(ret, &parts, group);
}

/* b has a Z of 1. */
static __attribute__((noinline)) void add_mixed(
    struct point *ret, const struct point *a, const struct affine *b, const struct group *group)
{
    struct parts parts = {.t0 = mul(&a->x, &b->x), .t1 = mul(&a->y, &b->y), .t2 = a->z};

    parts.t3 = cross(&a->x, &a->y, &b->x, &b->y, parts.t0, parts.t1);
    parts.t4 = plus(mul(&b->y, &a->z), loosen(&a->y));
    parts.t5 = plus(mul(&b->x, &a->z), loosen(&a->x));
    combine(ret, &parts, group);
}

/* ---- other forms ---- */

KW_V_INLINE void negate_affine_if(struct affine *a, __mmask8 mask)
{
    settle_sum(&a->y, negate_if(loosen(&a->y), mask));
}

static inline void point_of_affine(struct point *ret, const struct affine *a, const struct group *group)
{
    *ret = (struct point){a->x, a->y, group->field.one};
}

static inline void select_point(
    struct point *ret, __mmask8 mask, const struct point *if_true, const struct point *if_false)
{
    select_fe(&ret->x, mask, &if_true->x, &if_false->x);
    select_fe(&ret->y, mask, &if_true->y, &if_false->y);
    select_fe(&ret->z, mask, &if_true->z, &if_false->z);
}

KW_V_INLINE void affine_of_xy(struct affine *ret, const struct xy *a, const struct group *group)
{
    (void)group;
    *ret = (struct affine){a->x, a->y};
}

/* Lanes in which both are the same point. (0 : 0 : 0), which no point is, equals nothing. */
static inline __mmask8 is_same(const struct point *a, const struct point *b)
{
    fe left, right;
    __mmask8 same, point;

    mul_fe(&left, &a->x, &b->z);
    mul_fe(&right, &b->x, &a->z);
    same = is_equal(&left, &right);
    mul_fe(&left, &a->y, &b->z);
    mul_fe(&right, &b->y, &a->z);
    same &= is_equal(&left, &right);
    point = (__mmask8) ~((is_zero(&a->y) & is_zero(&a->z)) | (is_zero(&b->y) & is_zero(&b->z)));
    return same & point & (__mmask8) ~(is_zero(&a->z) ^ is_zero(&b->z));
}

/* ---- a curve ---- */

static void group_init(struct group *group, const struct kw_curve *curve)
{
    uint64_t b3[FIELD_WORDS];

    field_init(&group->field, curve->p);
    element_of_number(&group->b, curve->b, &group->field);
    (void)kw_words_mul_word(b3, curve->b, FIELD_WORDS, 3);
    group->b3 = set((int64_t)b3[0]);
    element_of_number(&group->generator.x, curve->gx, &group->field);
    element_of_number(&group->generator.y, curve->gy, &group->field);
    carry_limbs(&group->neutral.x, zero());
    group->neutral.y = group->field.one;
    group->neutral.z = group->neutral.x;
}

/* ---- bytes ---- */

#define POINT_LEN XY_LEN

static void write_points(uint8_t *points, unsigned num, const struct xy *a)
{
    write_xy(points, num, a);
}

/* y^2 = x^3 + a x + b */
static inline __mmask8 is_on_curve(const struct xy *a, const struct group *group)
{
    fe square, difference;

    settle_product(&square, sqr(&a->x));
#if !CURVE_A_IS_ZERO
    settle_sum(&square, minus(loosen(&square), thrice(loosen(&group->field.one))));
#endif
    settle_sum(&difference, minus(sqr(&a->y), plus(mul(&square, &a->x), loosen(&group->b))));
    return is_zero(&difference);
}

/* Point i to lane i, num <= 8 of them; the other lanes repeat the last. Returns the lanes that hold a point
 * of the curve, encoded as it must be. */
static __mmask8 read_points(
    struct affine *ret, const uint8_t *points, unsigned num, const struct group *group)
{
    struct xy xy;
    __mmask8 good = read_xy(&xy, points, num, &group->field);

    affine_of_xy(ret, &xy, group);
    return good & is_on_curve(&xy, group);
}
