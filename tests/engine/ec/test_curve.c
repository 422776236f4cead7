#include "engine/ec/curve.h"

#include "engine/crypto.h"
#include "tests/support/edwards.h"
#include "tests/support/slow_ec_kernel.h"
#include "tests/support/suite.h"

enum { WEIERSTRASS = 4 };

static const enum kw_spec weierstrass[WEIERSTRASS] = {
    KW_SPEC_ECC_NIST_P256,
    KW_SPEC_ECC_NIST_P384,
    KW_SPEC_ECC_NIST_P521,
    KW_SPEC_ECC_SECG_P256K1,
};

/* All words of the array, those above the number as well. */
static bool same(const uint64_t *words, const BIGNUM *number)
{
    return kw_numbers_same(words, KW_CURVE_WORDS_MAX, number);
}

START_TEST(weierstrass_curves_are_those_of_openssl)
{
    const struct kw_curve *curve = kw_curve_of(weierstrass[_i]);
    EC_GROUP *group = EC_GROUP_new_by_curve_name(slow_ec_nid(weierstrass[_i]));
    BIGNUM *p = BN_new(), *a = BN_new(), *b = BN_new(), *x = BN_new(), *y = BN_new();
    const BIGNUM *n = EC_GROUP_get0_order(group);

    ck_assert_int_eq(EC_GROUP_get_curve(group, p, a, b, NULL), 1);
    ck_assert_int_eq(EC_POINT_get_affine_coordinates(group, EC_GROUP_get0_generator(group), x, y, NULL), 1);
    ck_assert(BN_is_one(EC_GROUP_get0_cofactor(group)));
    ck_assert(same(curve->p, p));
    ck_assert(same(curve->n, n));
    ck_assert(same(curve->b, b));
    ck_assert(same(curve->gx, x));
    ck_assert(same(curve->gy, y));
    ck_assert_uint_eq(curve->bits, (unsigned)BN_num_bits(p));
    ck_assert_uint_eq(curve->order_bits, (unsigned)BN_num_bits(n));
    if (curve->form == KW_CURVE_MINUS3) {
        BN_add_word(a, 3);
        ck_assert_int_eq(BN_cmp(a, p), 0);
    } else {
        ck_assert_int_eq(curve->form, KW_CURVE_ZERO);
        ck_assert(BN_is_zero(a));
    }

    BIGNUM *all[] = {p, a, b, x, y};
    for (size_t i = 0; i < KW_ARRAY_LEN(all); i++)
        BN_free(all[i]);
    EC_GROUP_free(group);
}
END_TEST

START_TEST(edwards25519_is_that_of_the_standard)
{
    const struct kw_curve *curve = kw_curve_of(KW_SPEC_ECC_NIST_EDWARDS25519);
    BIGNUM *n = kw_numbers_bn_new(curve->n, KW_CURVE_WORDS_MAX), *order = NULL;
    struct edwards point, neutral = edwards_neutral();

    ck_assert_int_eq(curve->form, KW_CURVE_EDWARDS);
    ck_assert(same(curve->p, edwards.p));
    ck_assert(same(curve->b, edwards.d));
    ck_assert(same(curve->gx, edwards.base.x));
    ck_assert(same(curve->gy, edwards.base.y));
    ck_assert_uint_eq(curve->bits, 255);
    ck_assert_uint_eq(curve->order_bits, (unsigned)BN_num_bits(n));
    /* L = 2^252 + ... is the order of B: L B is neutral, and L is prime. */
    ck_assert_int_gt(BN_dec2bn(&order, "27742317777372353535851937790883648493"), 0);
    BN_set_bit(order, 252);
    ck_assert_int_eq(BN_cmp(order, n), 0);
    ck_assert_int_eq(BN_check_prime(n, NULL, NULL), 1);
    point = edwards_multiply(&edwards.base, n);
    ck_assert(edwards_equal(&point, &neutral));
    ck_assert(!edwards_equal(&edwards.base, &neutral));

    edwards_free(&point);
    edwards_free(&neutral);
    BN_free(n);
    BN_free(order);
}
END_TEST

START_TEST(lengths_belong_together)
{
    for (enum kw_spec spec = KW_SPEC_ECC_NIST_P256; spec < KW_SPEC_NUM; spec++) {
        const struct kw_curve *curve = kw_curve_of(spec);
        size_t len = (kw_spec_info(spec)->bits + 7) / 8;

        ck_assert_ptr_nonnull(curve);
        ck_assert_int_eq(curve->spec, spec);
        ck_assert_uint_eq(curve->bits, kw_spec_info(spec)->bits);
        ck_assert_uint_eq(curve->num, KW_WORDS_OF_BITS(curve->bits));
        ck_assert_uint_eq(curve->secret_len, len);
        ck_assert_uint_eq(curve->point_len, spec == KW_SPEC_ECC_NIST_EDWARDS25519 ? len : 2 * len);
        ck_assert_uint_le(curve->num, KW_CURVE_WORDS_MAX);
        ck_assert_uint_le(curve->secret_len, KW_CURVE_SECRET_MAX);
        ck_assert_uint_le(curve->point_len, KW_CURVE_POINT_MAX);
    }
}
END_TEST

START_TEST(other_specs_have_no_curve)
{
    ck_assert_ptr_null(kw_curve_of(KW_SPEC_RSA_2048));
    ck_assert_ptr_null(kw_curve_of(KW_SPEC_RSA_3072));
    ck_assert_ptr_null(kw_curve_of(KW_SPEC_RSA_4096));
    ck_assert_ptr_null(kw_curve_of(KW_SPEC_NUM));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, weierstrass_curves_are_those_of_openssl, 0, WEIERSTRASS);
    tcase_add_test(tcase, edwards25519_is_that_of_the_standard);
    tcase_add_test(tcase, lengths_belong_together);
    tcase_add_test(tcase, other_specs_have_no_curve);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    edwards_up();
    return kw_suite_run("curve", add, 100);
}
