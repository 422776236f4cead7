#include "engine/crypto.h"
#include "engine/rsa/gcd.h"
#include "tests/support/numbers.h"
#include "tests/support/suite.h"

/* Each loop test runs once for each length, in words. */
enum { ROUNDS = 60, SMALL = 192 };

struct operands {
    size_t num;
    uint64_t a[KW_GCD_WORDS_MAX], b[KW_GCD_WORDS_MAX], out[KW_GCD_WORDS_MAX + 1];
    BIGNUM *bn_a, *bn_b, *bn_out;
    BN_CTX *ctx;
};

static struct operands *operands_new(size_t num)
{
    struct operands *o = calloc(1, sizeof(*o));

    ck_assert_ptr_nonnull(o);
    o->num = num;
    o->bn_a = BN_new();
    o->bn_b = BN_new();
    o->bn_out = BN_new();
    o->ctx = BN_CTX_new();
    return o;
}

static void operands_free(struct operands *o)
{
    BN_free(o->bn_a);
    BN_free(o->bn_b);
    BN_free(o->bn_out);
    BN_CTX_free(o->ctx);
    free(o);
}

static void assert_gcd(struct operands *o)
{
    kw_numbers_bn(o->bn_a, o->a, o->num);
    kw_numbers_bn(o->bn_b, o->b, o->num);
    ck_assert_int_eq(BN_gcd(o->bn_out, o->bn_a, o->bn_b, o->ctx), 1);
    memset(o->out, 0xa5, sizeof(o->out));
    kw_gcd(o->out, o->a, o->b, o->num);
    ck_assert(kw_numbers_same(o->out, o->num, o->bn_out));
    ck_assert_uint_eq(o->out[o->num], 0xa5a5a5a5a5a5a5a5);
}

/* a^-1 modulo b. Returns whether there is one. */
static bool assert_inverse(struct operands *o)
{
    kw_numbers_bn(o->bn_a, o->a, o->num);
    kw_numbers_bn(o->bn_b, o->b, o->num);
    bool exists = BN_mod_inverse(o->bn_out, o->bn_a, o->bn_b, o->ctx) != NULL;
    if (!exists)
        BN_zero(o->bn_out);
    memset(o->out, 0xa5, sizeof(o->out));
    ck_assert_uint_eq(kw_gcd_invert(o->out, o->a, o->b, o->num), exists ? UINT64_MAX : 0);
    ck_assert(kw_numbers_same(o->out, o->num, o->bn_out));
    ck_assert_uint_eq(o->out[o->num], 0xa5a5a5a5a5a5a5a5);
    return exists;
}

/* b odd and above 1. */
static void make_modulus(struct operands *o)
{
    kw_numbers_any(o->b, o->num);
    o->b[0] |= 1;
    o->b[0] |= 2 & kw_words_is_word(o->b, o->num, 1);
}

/* ---- gcd ---- */

START_TEST(gcd_of_any)
{
    struct operands *o = operands_new((size_t)_i);

    for (int round = 0; round < ROUNDS; round++) {
        kw_numbers_any(o->a, o->num);
        kw_numbers_any(o->b, o->num);
        o->b[0] |= kw_words_is_zero(o->a, o->num) & kw_words_is_zero(o->b, o->num) & 1;
        assert_gcd(o);
    }
    operands_free(o);
}
END_TEST

/* One of them 0, both the same, neighbours, one a multiple of the other. */
START_TEST(gcd_of_relatives)
{
    struct operands *o = operands_new((size_t)_i);
    size_t len = 8 * o->num;

    for (int round = 0; round < ROUNDS; round++) {
        kw_numbers_any(o->a, o->num);
        o->a[0] |= kw_words_is_zero(o->a, o->num) & 2;
        memset(o->b, 0, len);
        assert_gcd(o);
        memcpy(o->b, o->a, len);
        assert_gcd(o);
        memset(o->a, 0, len);
        assert_gcd(o);
        kw_words_sub_word(o->a, o->b, o->num, 1);
        assert_gcd(o);
        kw_words_shift_right(o->a, o->b, o->num, 1);
        o->a[0] |= 1;
        kw_words_mul_word(o->b, o->a, o->num, 2);
        assert_gcd(o);
    }
    operands_free(o);
}
END_TEST

/* ret = (something of the words that are left) * factor. */
static void multiply_up(uint64_t *ret, size_t num, const uint64_t *factor, size_t num_factor)
{
    uint64_t other[KW_GCD_WORDS_MAX], product[KW_GCD_WORDS_MAX];

    kw_numbers_any(other, num - num_factor);
    other[0] |= 1;
    kw_words_mul(product, other, num - num_factor, factor, num_factor);
    memcpy(ret, product, 8 * num);
}

/* Common factors of every length, with and without powers of two. */
START_TEST(gcd_with_factors)
{
    struct operands *o = operands_new((size_t)_i);

    for (int round = 0; round < ROUNDS && o->num > 1; round++) {
        uint64_t factor[KW_GCD_WORDS_MAX];
        size_t num_factor = 1 + kw_numbers_below((uint32_t)(o->num - 1));
        kw_numbers_operand(factor, num_factor, KW_NUMBERS_RANDOM);
        if (round & 1)
            kw_words_shift_left(factor, factor, num_factor, kw_numbers_below((uint32_t)(64 * num_factor)));
        factor[0] |= kw_words_is_zero(factor, num_factor) & 1;
        multiply_up(o->a, o->num, factor, num_factor);
        multiply_up(o->b, o->num, factor, num_factor);
        assert_gcd(o);
    }
    operands_free(o);
}
END_TEST

/* Each power of two with each other: the whole of the shifts. */
START_TEST(gcd_of_powers_of_two)
{
    struct operands *o = operands_new((size_t)_i);

    for (size_t i = 0; i < 64 * o->num; i += 1 + kw_numbers_below(64)) {
        for (size_t j = 0; j < 64 * o->num; j += 1 + kw_numbers_below(256)) {
            memset(o->a, 0, sizeof(o->a));
            memset(o->b, 0, sizeof(o->b));
            o->a[i / 64] = 1ull << i % 64;
            o->b[j / 64] = 1ull << j % 64;
            assert_gcd(o);
        }
    }
    operands_free(o);
}
END_TEST

static uint64_t euclid(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

START_TEST(small_numbers_all)
{
    uint64_t out;

    for (uint64_t b = 1; b < SMALL; b++) {
        for (uint64_t a = 0; a < SMALL; a++) {
            uint64_t gcd = euclid(a, b);
            kw_gcd(&out, &a, &b, 1);
            ck_assert_uint_eq(out, gcd);
            if (b % 2 == 0 || b == 1)
                continue;
            ck_assert_uint_eq(kw_gcd_invert(&out, &a, &b, 1), gcd == 1 ? UINT64_MAX : 0);
            ck_assert_uint_eq(out * a % b, gcd == 1);
            ck_assert_uint_lt(out, b);
        }
    }
}
END_TEST

/* ---- inverse ---- */

START_TEST(inverse_of_any)
{
    struct operands *o = operands_new((size_t)_i);
    int num_existing = 0;

    for (int round = 0; round < 2 * ROUNDS; round++) {
        make_modulus(o);
        kw_numbers_any(o->a, o->num);
        num_existing += assert_inverse(o);
    }
    ck_assert_int_gt(num_existing, ROUNDS / 4);
    ck_assert_int_lt(num_existing, 2 * ROUNDS);
    operands_free(o);
}
END_TEST

/* Around 0, m and its multiples. */
START_TEST(inverse_of_edges)
{
    struct operands *o = operands_new((size_t)_i);
    size_t len = 8 * o->num;

    for (int round = 0; round < ROUNDS / 2; round++) {
        make_modulus(o);
        memset(o->a, 0, len);
        ck_assert(!assert_inverse(o));
        o->a[0] = 1;
        ck_assert(assert_inverse(o));
        o->a[0] = 2;
        ck_assert(assert_inverse(o));
        kw_words_sub_word(o->a, o->b, o->num, 1);
        ck_assert(assert_inverse(o));
        memcpy(o->a, o->b, len);
        ck_assert(!assert_inverse(o));
        if (kw_words_add_word(o->a, o->b, o->num, 1) == 0)
            ck_assert(assert_inverse(o));
        kw_words_shift_right(o->a, o->b, o->num, 1); /* (m - 1) / 2 */
        ck_assert(assert_inverse(o));
        memset(o->a, 0xff, len);
        assert_inverse(o);
        kw_words_shift_right(o->b, o->b, o->num, 2);
        o->b[0] |= 3;
        kw_words_mul_word(o->a, o->b, o->num, 4);
        ck_assert(!assert_inverse(o));
        kw_words_add_word(o->a, o->a, o->num, 2);
        ck_assert(assert_inverse(o));
    }
    operands_free(o);
}
END_TEST

/* A factor in common, whatever its length, leaves no inverse. */
START_TEST(inverse_with_factors)
{
    struct operands *o = operands_new((size_t)_i);

    for (int round = 0; round < ROUNDS && o->num > 1; round++) {
        uint64_t factor[KW_GCD_WORDS_MAX];
        size_t num_factor = 1 + kw_numbers_below((uint32_t)(o->num - 1));
        kw_numbers_operand(factor, num_factor, KW_NUMBERS_RANDOM);
        factor[0] |= 3;
        multiply_up(o->a, o->num, factor, num_factor);
        do
            multiply_up(o->b, o->num, factor, num_factor);
        while (o->b[0] % 2 == 0);
        ck_assert(!assert_inverse(o));
    }
    operands_free(o);
}
END_TEST

/* The output is one of the inputs. */
START_TEST(in_place)
{
    struct operands *o = operands_new((size_t)_i);
    uint64_t a[KW_GCD_WORDS_MAX], b[KW_GCD_WORDS_MAX];

    make_modulus(o);
    kw_numbers_operand(o->a, o->num, KW_NUMBERS_RANDOM);
    uint64_t exists = kw_gcd_invert(o->out, o->a, o->b, o->num);
    memcpy(a, o->a, sizeof(a));
    memcpy(b, o->b, sizeof(b));
    ck_assert_uint_eq(kw_gcd_invert(a, a, o->b, o->num), exists);
    ck_assert_mem_eq(a, o->out, 8 * o->num);
    ck_assert_uint_eq(kw_gcd_invert(b, o->a, b, o->num), exists);
    ck_assert_mem_eq(b, o->out, 8 * o->num);

    kw_gcd(o->out, o->a, o->b, o->num);
    kw_gcd(o->a, o->a, o->b, o->num);
    ck_assert_mem_eq(o->a, o->out, 8 * o->num);
    operands_free(o);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, small_numbers_all);
    tcase_add_loop_test(tcase, gcd_of_any, 1, KW_GCD_WORDS_MAX + 1);
    tcase_add_loop_test(tcase, gcd_of_relatives, 1, KW_GCD_WORDS_MAX + 1);
    tcase_add_loop_test(tcase, gcd_with_factors, 1, KW_GCD_WORDS_MAX + 1);
    tcase_add_loop_test(tcase, gcd_of_powers_of_two, 1, KW_GCD_WORDS_MAX + 1);
    tcase_add_loop_test(tcase, inverse_of_any, 1, KW_GCD_WORDS_MAX + 1);
    tcase_add_loop_test(tcase, inverse_of_edges, 1, KW_GCD_WORDS_MAX + 1);
    tcase_add_loop_test(tcase, inverse_with_factors, 1, KW_GCD_WORDS_MAX + 1);
    tcase_add_loop_test(tcase, in_place, 1, KW_GCD_WORDS_MAX + 1);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;
    return kw_suite_run("gcd", add, 60);
}
