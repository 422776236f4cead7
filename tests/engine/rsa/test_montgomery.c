#include "engine/crypto.h"
#include "engine/rsa/montgomery.h"
#include "tests/support/numbers.h"
#include "tests/support/suite.h"

enum { WORDS = KW_WORDS_MAX };

static struct kw_montgomery montgomery;
static BN_CTX *ctx;
static BIGNUM *m, *r, *r_inverse; /* the modulus, R modulo it, and the inverse of R */

static void setup(void)
{
    ctx = BN_CTX_new();
    m = BN_new();
    r = BN_new();
    r_inverse = BN_new();
}

static void teardown(void)
{
    BN_free(m);
    BN_free(r);
    BN_free(r_inverse);
    BN_CTX_free(ctx);
}

/* Odd, above 1, of any kind; often with zeros on top. */
static void make_modulus(uint64_t *ret, size_t num)
{
    kw_numbers_any(ret, num);
    ret[0] |= 1;
    if (kw_words_is_word(ret, num, 1) != 0)
        ret[0] = 3;
}

static void take(const uint64_t *modulus, size_t num)
{
    kw_numbers_bn(m, modulus, num);
    BN_zero(r);
    BN_set_bit(r, (int)(64 * num));
    BN_nnmod(r, r, m, ctx);
    ck_assert_ptr_nonnull(BN_mod_inverse(r_inverse, r, m, ctx));
    kw_montgomery_set(&montgomery, modulus, num);
}

static void reduced(uint64_t *ret, size_t num)
{
    BIGNUM *a;

    kw_numbers_any(ret, num);
    a = kw_numbers_bn_new(ret, num);
    BN_nnmod(a, a, m, ctx);
    if (kw_numbers_below(8) == 0) {
        BN_copy(a, m);
        BN_sub_word(a, 1 + kw_numbers_below(2));
    }
    kw_numbers_words(ret, num, a);
    BN_free(a);
}

/* a b / R modulo m. */
static void expect_mul(BIGNUM *ret, const uint64_t *a, const uint64_t *b, size_t num)
{
    BIGNUM *other = kw_numbers_bn_new(b, num);

    kw_numbers_bn(ret, a, num);
    BN_mod_mul(ret, ret, other, m, ctx);
    BN_mod_mul(ret, ret, r_inverse, m, ctx);
    BN_free(other);
}

static void check_set(size_t num)
{
    BIGNUM *expected = BN_new();

    ck_assert_uint_eq(montgomery.num, num);
    ck_assert_uint_eq(montgomery.bits, (unsigned)BN_num_bits(m));
    ck_assert(kw_numbers_same(montgomery.modulus, num, m));
    ck_assert_uint_eq(montgomery.inverse * montgomery.modulus[0], UINT64_MAX);
    ck_assert(kw_numbers_same(montgomery.one, num, r));
    BN_sub(expected, m, r);
    ck_assert(kw_numbers_same(montgomery.minus_one, num, expected));
    BN_mod_sqr(expected, r, m, ctx);
    ck_assert(kw_numbers_same(montgomery.r, num, expected));
    BN_free(expected);
}

static void check_mul(size_t num)
{
    uint64_t a[WORDS], b[WORDS], out[WORDS];
    BIGNUM *expected = BN_new();

    reduced(a, num);
    reduced(b, num);
    if (kw_numbers_below(2)) /* either may be any number */
        kw_numbers_any(a, num);
    else if (kw_numbers_below(2))
        kw_numbers_any(b, num);
    expect_mul(expected, a, b, num);
    kw_montgomery_mul(&montgomery, out, a, b);
    ck_assert(kw_numbers_same(out, num, expected));
    memcpy(out, a, sizeof(out));
    kw_montgomery_mul(&montgomery, out, out, b);
    ck_assert(kw_numbers_same(out, num, expected));
    memcpy(out, b, sizeof(out));
    kw_montgomery_mul(&montgomery, out, a, out);
    ck_assert(kw_numbers_same(out, num, expected));
    BN_free(expected);
}

static void check_square_and_double(size_t num)
{
    uint64_t a[WORDS], out[WORDS];
    BIGNUM *expected = BN_new(), *number;

    reduced(a, num);
    expect_mul(expected, a, a, num);
    memcpy(out, a, sizeof(out));
    kw_montgomery_mul(&montgomery, out, out, out);
    ck_assert(kw_numbers_same(out, num, expected));
    number = kw_numbers_bn_new(a, num);
    BN_mod_lshift1(expected, number, m, ctx);
    kw_montgomery_double(&montgomery, a, a);
    ck_assert(kw_numbers_same(a, num, expected));
    BN_free(expected);
    BN_free(number);
}

static void check_enter_and_leave(size_t num)
{
    uint64_t a[WORDS], out[WORDS];
    BIGNUM *expected, *form = BN_new();

    kw_numbers_any(a, num);
    expected = kw_numbers_bn_new(a, num);
    BN_nnmod(expected, expected, m, ctx);
    BN_mod_mul(form, expected, r, m, ctx);
    kw_montgomery_enter(&montgomery, out, a);
    ck_assert(kw_numbers_same(out, num, form));
    kw_montgomery_leave(&montgomery, out, out);
    ck_assert(kw_numbers_same(out, num, expected));
    BN_free(expected);
    BN_free(form);
}

static void check_modulus(const uint64_t *modulus, size_t num, unsigned times)
{
    take(modulus, num);
    check_set(num);
    while (times-- > 0) {
        check_mul(num);
        check_square_and_double(num);
        check_enter_and_leave(num);
    }
}

START_TEST(every_number_of_words)
{
    uint64_t modulus[WORDS];

    for (size_t num = 1; num <= WORDS; num += num < 10 ? 1 : 9) {
        for (unsigned i = 0; i < 60; i++) {
            make_modulus(modulus, num);
            check_modulus(modulus, num, 6);
        }
    }
}
END_TEST

/* All ones, and the least of its length, where a reduction has most and least to take away. */
START_TEST(extreme_moduli)
{
    for (size_t num = 1; num <= 6; num++) {
        for (unsigned bits = 2; bits <= 64 * num; bits++) {
            uint64_t modulus[WORDS] = {0};
            modulus[(bits - 1) / 64] = (uint64_t)1 << (bits - 1) % 64;
            modulus[0] |= 1;
            check_modulus(modulus, num, 1);
            for (unsigned i = 0; i < bits; i++)
                modulus[i / 64] |= (uint64_t)1 << i % 64;
            check_modulus(modulus, num, 1);
        }
    }
}
END_TEST

/* Modulo small numbers every pair of residues. */
START_TEST(small_moduli)
{
    for (uint64_t small = 3; small < 26; small += 2) {
        uint64_t modulus[3] = {small, 0, 0}, a[3] = {0}, b[3] = {0}, out[3];
        size_t num = 1 + small % 3;
        BIGNUM *expected = BN_new();
        take(modulus, num);
        for (a[0] = 0; a[0] < small; a[0]++) {
            for (b[0] = 0; b[0] < small; b[0]++) {
                expect_mul(expected, a, b, num);
                kw_montgomery_mul(&montgomery, out, a, b);
                ck_assert(kw_numbers_same(out, num, expected));
            }
        }
        BN_free(expected);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, every_number_of_words);
    tcase_add_test(tcase, extreme_moduli);
    tcase_add_test(tcase, small_moduli);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;
    return kw_suite_run("rsa/montgomery", add_tests, 120);
}
