/* ec_edwards - points of -x^2 + y^2 = 1 + d x^2 y^2, eight at a time, in extended coordinates (X : Y : Z :
 * T), T = X Y / Z, by the unified formulas of Hisil, Wong, Carter and Dawson ("Twisted Edwards curves
 * revisited", 2008, 3.1): complete, since -1 is a square and d is none.
 *
 * Included after ec_field.h. Bounds: with coordinates below 1.6 p, no sum here is above 5 p in size.
 */
#include "engine/x86/ec_bytes.h"

struct point {
    fe x, y, z, t;
};

/* In the form in which it is added: y + x, y - x, 2 d x y, with Z = 1. */
struct affine {
    fe sum, difference, product;
};

#define AFFINE_COORDS 3

struct group {
    struct field field;
    fe d2; /* 2 d */
    struct point neutral;
    struct affine generator;
};

/* ---- addition ---- */

/* From a = (Y1 - X1)(Y2 - X2), b = (Y1 + X1)(Y2 + X2), c = 2 d T1 T2 and z = 2 Z1 Z2. */
KW_V_INLINE void combine(struct point *ret, struct loose a, struct loose b, struct loose c, struct loose z)
{
    fe e, f, g, h;

    settle_sum(&e, minus(b, a));
    settle_sum(&f, minus(z, c));
    settle_sum(&g, plus(z, c));
    settle_sum(&h, plus(b, a));
    settle_product(&ret->x, mul(&e, &f));
    settle_product(&ret->y, mul(&g, &h));
    settle_product(&ret->z, mul(&f, &g));
    settle_product(&ret->t, mul(&e, &h));
}

KW_V_INLINE void sum_and_difference(fe *sum, fe *difference, const fe *y, const fe *x)
{
    settle_sum(sum, plus(loosen(y), loosen(x)));
    settle_sum(difference, minus(loosen(y), loosen(x)));
}

static __attribute__((noinline)) void add(
    struct point *ret, const struct point *a, const struct point *b, const struct group *group)
{
    fe sum_a, difference_a, sum_b, difference_b, t;
    struct loose z = mul(&a->z, &b->z);

    sum_and_difference(&sum_a, &difference_a, &a->y, &a->x);
    sum_and_difference(&sum_b, &difference_b, &b->y, &b->x);
    settle_product(&t, mul(&b->t, &group->d2));
    combine(ret, mul(&difference_a, &difference_b), mul(&sum_a, &sum_b), mul(&a->t, &t), plus(z, z));
}

static __attribute__((noinline)) void add_mixed(
    struct point *ret, const struct point *a, const struct affine *b, const struct group *group)
{
    fe sum, difference;
    struct loose z = plus(loosen(&a->z), loosen(&a->z));

    (void)group;
    sum_and_difference(&sum, &difference, &a->y, &a->x);
    combine(ret, mul(&difference, &b->difference), mul(&sum, &b->sum), mul(&a->t, &b->product), z);
}

/* ---- other forms ---- */

/* -(x, y) = (-x, y) */
KW_V_INLINE void negate_affine_if(struct affine *a, __mmask8 mask)
{
    fe sum = a->sum;

    select_fe(&a->sum, mask, &a->difference, &a->sum);
    select_fe(&a->difference, mask, &sum, &a->difference);
    settle_sum(&a->product, negate_if(loosen(&a->product), mask));
}

static inline void affine_of_xy(struct affine *ret, const struct xy *a, const struct group *group)
{
    sum_and_difference(&ret->sum, &ret->difference, &a->y, &a->x);
    mul_fe(&ret->product, &a->x, &a->y);
    mul_fe(&ret->product, &ret->product, &group->d2);
}

/* The neutral element plus it. */
static inline void point_of_affine(struct point *ret, const struct affine *a, const struct group *group)
{
    add_mixed(ret, &group->neutral, a, group);
}

static inline void select_point(
    struct point *ret, __mmask8 mask, const struct point *if_true, const struct point *if_false)
{
    select_fe(&ret->x, mask, &if_true->x, &if_false->x);
    select_fe(&ret->y, mask, &if_true->y, &if_false->y);
    select_fe(&ret->z, mask, &if_true->z, &if_false->z);
    select_fe(&ret->t, mask, &if_true->t, &if_false->t);
}

/* ---- a curve ---- */

/* -x^2 + y^2 = 1 + d x^2 y^2, twice */
static inline __mmask8 is_on_curve(const struct xy *a, const struct group *group)
{
    fe xx, yy, product, difference;
    struct loose left;

    settle_product(&xx, sqr(&a->x));
    settle_product(&yy, sqr(&a->y));
    settle_product(&product, mul(&xx, &yy));
    left = minus(loosen(&yy), plus(loosen(&xx), loosen(&group->field.one)));
    settle_sum(&difference, minus(plus(left, left), mul(&product, &group->d2)));
    return is_zero(&difference);
}

static void group_init(struct group *group, const struct kw_curve *curve)
{
    struct xy generator;
    fe d;

    field_init(&group->field, curve->p);
    element_of_number(&d, curve->b, &group->field);
    settle_sum(&group->d2, plus(loosen(&d), loosen(&d)));
    carry_limbs(&group->neutral.x, zero());
    group->neutral.y = group->neutral.z = group->field.one;
    group->neutral.t = group->neutral.x;
    element_of_number(&generator.x, curve->gx, &group->field);
    element_of_number(&generator.y, curve->gy, &group->field);
    affine_of_xy(&group->generator, &generator, group);
}

/* ---- bytes: RFC 8032 section 5.1.2 ---- */

#define POINT_LEN 32

/* y, little-endian, and above it the lowest bit of x. */
static void write_points(uint8_t *points, unsigned num, const struct xy *a)
{
    uint64_t x[FIELD_WORDS][8], y[FIELD_WORDS][8];
    fe number;

    leave_montgomery(&number, &a->x);
    words_of_limbs(x, &number);
    leave_montgomery(&number, &a->y);
    words_of_limbs(y, &number);
    for (unsigned lane = 0; lane < num; lane++)
        for (unsigned i = 0; i < FIELD_WORDS; i++) {
            uint64_t word = y[i][lane] | (i == FIELD_WORDS - 1 ? x[0][lane] << 63 : 0);
            memcpy(points + POINT_LEN * lane + 8 * i, &word, sizeof(word));
        }
}
