#include "engine/ec/group.h"

#include "tests/support/ec_small_groups.h"
#include "tests/support/suite.h"

static const enum kw_spec specs[] = {
    KW_SPEC_ECC_NIST_P256,
    KW_SPEC_ECC_NIST_P384,
    KW_SPEC_ECC_NIST_P521,
    KW_SPEC_ECC_SECG_P256K1,
};

static const struct kw_curve *curve;
static EC_GROUP *named, *plain;
static BN_CTX *ctx;

static void begin(enum kw_spec spec)
{
    curve = kw_curve_of(spec);
    ck_assert_int_eq(kw_group_named(&named, curve, NULL), 0);
    ck_assert_int_eq(kw_group_plain(&plain, curve, NULL), 0);
    ck_assert_ptr_nonnull(ctx = BN_CTX_new());
}

static void end(void)
{
    EC_GROUP_free(named);
    EC_GROUP_free(plain);
    BN_CTX_free(ctx);
}

/* EC_GROUP_cmp() takes groups with different code for different groups. */
static void compare_groups(void)
{
    BIGNUM *a[3], *b[3];

    for (size_t i = 0; i < KW_ARRAY_LEN(a); i++) {
        a[i] = BN_new();
        b[i] = BN_new();
    }
    ck_assert_int_eq(EC_GROUP_get_curve(named, a[0], a[1], a[2], ctx), 1);
    ck_assert_int_eq(EC_GROUP_get_curve(plain, b[0], b[1], b[2], ctx), 1);
    ck_assert_int_eq(BN_cmp(EC_GROUP_get0_order(named), EC_GROUP_get0_order(plain)), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(a); i++) {
        ck_assert_int_eq(BN_cmp(a[i], b[i]), 0);
        BN_free(a[i]);
        BN_free(b[i]);
    }
}

/* The two are the same group, and only one of them has OpenSSL's name for it. */
START_TEST(kinds)
{
    begin(specs[_i]);
    compare_groups();
    ck_assert_int_ne(EC_GROUP_get_curve_name(named), 0);
    ck_assert_int_eq(EC_GROUP_get_curve_name(plain), 0);
    ck_assert_int_eq(EC_GROUP_check(plain, ctx), 1);
    end();
}
END_TEST

/* Another curve has no name, though it has the spec of one that has. */
START_TEST(another_curve)
{
    struct kw_curve other;
    EC_GROUP *group;

    small_set_curve(&other, &small_groups[_i]);
    ck_assert_int_eq(kw_group_named(&group, &other, NULL), 0);
    ck_assert_int_eq(EC_GROUP_get_curve_name(group), 0);
    ck_assert(BN_is_word(EC_GROUP_get0_order(group), small_groups[_i].n));
    EC_GROUP_free(group);
}
END_TEST

static void multiply(const EC_GROUP *group, const BIGNUM *scalar, uint8_t *ret)
{
    uint64_t words[KW_CURVE_WORDS_MAX];

    kw_numbers_words(words, curve->num, scalar);
    memset(ret, 0xa5, KW_CURVE_POINT_MAX);
    ck_assert_int_eq(kw_group_multiply_base(group, curve, NULL, words, ret), 0);
}

/* Both kinds against the multiplication of G that makes keys. */
static void check_multiple(const BIGNUM *scalar)
{
    uint8_t ours[KW_CURVE_POINT_MAX], expected[KW_CURVE_POINT_MAX];
    EC_POINT *point = EC_POINT_new(named);

    ck_assert_int_eq(EC_POINT_mul(named, point, scalar, NULL, NULL, ctx), 1);
    ck_assert_int_eq(kw_group_write(named, curve, point, ctx, expected), 0);
    multiply(named, scalar, ours);
    ck_assert_mem_eq(ours, expected, curve->point_len);
    multiply(plain, scalar, ours);
    ck_assert_mem_eq(ours, expected, curve->point_len);
    EC_POINT_free(point);
}

START_TEST(multiples_of_the_base)
{
    uint8_t point[KW_CURVE_POINT_MAX], zeros[KW_CURVE_POINT_MAX] = {0};
    BIGNUM *scalar = BN_new();

    begin(specs[_i]);
    multiply(named, scalar, point);
    ck_assert_mem_eq(point, zeros, curve->point_len);
    multiply(plain, scalar, point);
    ck_assert_mem_eq(point, zeros, curve->point_len);
    BN_one(scalar);
    multiply(plain, scalar, point);
    kw_words_to_bytes(zeros, curve->point_len / 2, curve->gx, curve->num);
    kw_words_to_bytes(zeros + curve->point_len / 2, curve->point_len / 2, curve->gy, curve->num);
    ck_assert_mem_eq(point, zeros, curve->point_len);
    for (BN_ULONG i = 1; i < 4; i++) {
        BN_set_word(scalar, i);
        check_multiple(scalar);
        BN_sub(scalar, EC_GROUP_get0_order(plain), scalar);
        check_multiple(scalar);
    }
    for (int i = 0; i < 20; i++) {
        BN_rand_range(scalar, EC_GROUP_get0_order(plain));
        check_multiple(scalar);
    }
    BN_free(scalar);
    end();
}
END_TEST

START_TEST(all_multiples_of_a_small_base)
{
    static struct small small;
    uint8_t point[KW_CURVE_POINT_MAX];
    BIGNUM *scalar = BN_new();

    small_up(&small, &small_groups[_i]);
    curve = &small.curve;
    ck_assert_int_eq(kw_group_plain(&plain, curve, NULL), 0);
    for (BN_ULONG i = 0; i < small.n; i++) {
        BN_set_word(scalar, i);
        multiply(plain, scalar, point);
        ck_assert_mem_eq(point, small.points[i], curve->point_len);
    }
    BN_free(scalar);
    EC_GROUP_free(plain);
}
END_TEST

/* ---- bytes ---- */

static int read_sum(const uint8_t *bytes, unsigned at, uint8_t by, EC_POINT *ret)
{
    uint8_t changed[KW_CURVE_POINT_MAX];

    memcpy(changed, bytes, curve->point_len);
    changed[at] = (uint8_t)(changed[at] ^ by);
    return kw_group_read(plain, curve, changed, ctx, ret);
}

/* What is written can be read; with any one bit changed it is no point. */
START_TEST(bytes)
{
    uint8_t written[KW_CURVE_POINT_MAX], again[KW_CURVE_POINT_MAX];
    BIGNUM *scalar = BN_new();

    begin(specs[_i]);
    EC_POINT *point = EC_POINT_new(plain);
    BN_rand_range(scalar, EC_GROUP_get0_order(plain));
    multiply(named, scalar, written);
    ck_assert_int_eq(kw_group_read(plain, curve, written, ctx, point), 0);
    ck_assert_int_eq(kw_group_write(plain, curve, point, ctx, again), 0);
    ck_assert_mem_eq(again, written, curve->point_len);
    for (unsigned at = 0; at < curve->point_len; at++)
        ck_assert_int_eq(read_sum(written, at, (uint8_t)(1 << at % 8), point), 1);
    BN_free(scalar);
    EC_POINT_free(point);
    end();
}
END_TEST

/* The neutral element is written as zeros, which are no point to read. */
START_TEST(neutral)
{
    uint8_t written[KW_CURVE_POINT_MAX], zeros[KW_CURVE_POINT_MAX] = {0};

    begin(specs[_i]);
    EC_POINT *point = EC_POINT_new(plain);
    memset(written, 0xa5, sizeof(written));
    ck_assert_int_eq(EC_POINT_set_to_infinity(plain, point), 1);
    ck_assert_int_eq(kw_group_write(plain, curve, point, ctx, written), 0);
    ck_assert_mem_eq(written, zeros, curve->point_len);
    ck_assert_int_eq(kw_group_read(plain, curve, zeros, ctx, point), 1);
    EC_POINT_free(point);
    end();
}
END_TEST

/* The point (0, y) of a NIST curve, and the same with p for 0. */
START_TEST(not_below_p)
{
    uint8_t written[KW_CURVE_POINT_MAX];
    BIGNUM *zero = BN_new();

    begin(specs[_i]);
    EC_POINT *point = EC_POINT_new(plain);
    ck_assert_int_eq(EC_POINT_set_compressed_coordinates(plain, point, zero, 0, ctx), 1);
    ck_assert_int_eq(kw_group_write(plain, curve, point, ctx, written), 0);
    ck_assert_int_eq(kw_group_read(plain, curve, written, ctx, point), 0);
    kw_words_to_bytes(written, curve->point_len / 2, curve->p, curve->num);
    ck_assert_int_eq(kw_group_read(plain, curve, written, ctx, point), 1);
    memset(written, 0xff, sizeof(written));
    ck_assert_int_eq(kw_group_read(plain, curve, written, ctx, point), 1);
    BN_free(zero);
    EC_POINT_free(point);
    end();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, kinds, 0, KW_ARRAY_LEN(specs));
    tcase_add_loop_test(tcase, another_curve, 0, NUM_SMALL_GROUPS);
    tcase_add_loop_test(tcase, multiples_of_the_base, 0, KW_ARRAY_LEN(specs));
    tcase_add_loop_test(tcase, all_multiples_of_a_small_base, 0, NUM_SMALL_GROUPS);
    tcase_add_loop_test(tcase, bytes, 0, KW_ARRAY_LEN(specs));
    tcase_add_loop_test(tcase, neutral, 0, KW_ARRAY_LEN(specs));
    tcase_add_loop_test(tcase, not_below_p, 0, 3);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("ec/group", add_tests, 60);
}
