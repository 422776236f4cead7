#include "engine/crypto.h"
#include "engine/words.h"
#include "tests/support/numbers.h"
#include "tests/support/suite.h"

/* Each loop test runs once for each length, in words. */
enum { NUM_MAX = 33, ROUNDS = 60, WORDS = 2 * KW_WORDS_MAX };

struct operands {
    uint64_t a[WORDS];
    uint64_t b[WORDS];
    uint64_t out[WORDS];
    BIGNUM *bn_a, *bn_b, *bn_out, *power; /* power: 2^(64 num) */
    BN_CTX *ctx;
};

static struct operands *operands_new(size_t num)
{
    struct operands *o = calloc(1, sizeof(*o));

    ck_assert_ptr_nonnull(o);
    o->bn_a = BN_new();
    o->bn_b = BN_new();
    o->bn_out = BN_new();
    o->power = BN_new();
    o->ctx = BN_CTX_new();
    ck_assert_int_eq(BN_set_bit(o->power, (int)(64 * num)), 1);
    return o;
}

static void operands_draw(struct operands *o, size_t num_a, size_t num_b)
{
    kw_numbers_any(o->a, num_a);
    kw_numbers_any(o->b, num_b);
    if (num_a == num_b && kw_numbers_below(16) == 0)
        memcpy(o->b, o->a, 8 * num_a);
    kw_numbers_bn(o->bn_a, o->a, num_a);
    kw_numbers_bn(o->bn_b, o->b, num_b);
    memset(o->out, 0xa5, sizeof(o->out));
}

static void operands_free(struct operands *o)
{
    BN_free(o->bn_a);
    BN_free(o->bn_b);
    BN_free(o->bn_out);
    BN_free(o->power);
    BN_CTX_free(o->ctx);
    free(o);
}

/* A mask that says what the judge says, and nothing but a mask. */
static void assert_mask(uint64_t mask, bool truth)
{
    ck_assert_uint_eq(mask, truth ? UINT64_MAX : 0);
}

/* ---- masks ---- */

START_TEST(masks)
{
    static const uint64_t words[] = {
        0, 1, 2, 3, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, UINT64_MAX - 1, UINT64_MAX};

    for (size_t i = 0; i < KW_ARRAY_LEN(words); i++) {
        uint64_t a = words[i];
        assert_mask(kw_mask_bit(a), a & 1);
        assert_mask(kw_mask_zero(a), a == 0);
        for (size_t j = 0; j < KW_ARRAY_LEN(words); j++) {
            uint64_t b = words[j];
            assert_mask(kw_mask_equal(a, b), a == b);
            assert_mask(kw_mask_less(a, b), a < b);
            ck_assert_uint_eq(kw_mask_select(UINT64_MAX, a, b), a);
            ck_assert_uint_eq(kw_mask_select(0, a, b), b);
        }
    }
}
END_TEST

/* ---- bytes ---- */

START_TEST(bytes)
{
    size_t num = (size_t)_i;
    uint8_t in[8 * NUM_MAX], back[8 * NUM_MAX];
    uint64_t words[NUM_MAX];
    BIGNUM *bn = BN_new();

    for (size_t len = 0; len <= 8 * num; len++) {
        ck_assert_int_eq(RAND_bytes(in, sizeof(in)), 1);
        memset(words, 0xa5, sizeof(words));
        kw_words_from_bytes(words, num, in, len);
        ck_assert_ptr_nonnull(BN_bin2bn(in, (int)len, bn));
        ck_assert(kw_numbers_same(words, num, bn));
        kw_words_to_bytes(back, len, words, num);
        ck_assert_mem_eq(back, in, len);
        if (len > 0) { /* the low bytes of a longer number */
            kw_words_to_bytes(back, len - 1, words, num);
            ck_assert_mem_eq(back, in + 1, len - 1);
        }
    }
    BN_free(bn);
}
END_TEST

/* ---- comparisons ---- */

START_TEST(comparisons)
{
    size_t num = (size_t)_i;
    struct operands *o = operands_new(num);

    for (int round = 0; round < ROUNDS; round++) {
        operands_draw(o, num, num);
        assert_mask(kw_words_is_zero(o->a, num), BN_is_zero(o->bn_a));
        assert_mask(kw_words_is_word(o->a, num, 1), BN_is_one(o->bn_a));
        assert_mask(kw_words_is_word(o->a, num, o->a[0]), BN_num_bits(o->bn_a) <= 64);
        assert_mask(kw_words_is_word(o->a, num, ~o->a[0]), false);
        assert_mask(kw_words_equal(o->a, o->b, num), BN_cmp(o->bn_a, o->bn_b) == 0);
        assert_mask(kw_words_less(o->a, o->b, num), BN_cmp(o->bn_a, o->bn_b) < 0);
        ck_assert_uint_eq(kw_words_bits(o->a, num), (unsigned)BN_num_bits(o->bn_a));
    }
    operands_free(o);
}
END_TEST

/* Numbers that differ in one bit, anywhere. */
START_TEST(comparisons_of_neighbours)
{
    size_t num = (size_t)_i;
    struct operands *o = operands_new(num);

    operands_draw(o, num, num);
    for (size_t bit = 0; bit < 64 * num; bit++) {
        memcpy(o->b, o->a, 8 * num);
        o->b[bit / 64] ^= 1ull << bit % 64;
        bool less = (o->b[bit / 64] >> bit % 64 & 1) != 0;
        assert_mask(kw_words_equal(o->a, o->b, num), false);
        assert_mask(kw_words_less(o->a, o->b, num), less);
        assert_mask(kw_words_less(o->b, o->a, num), !less);
        memset(o->out, 0, 8 * num);
        o->out[bit / 64] = 1ull << bit % 64;
        assert_mask(kw_words_is_zero(o->out, num), false);
        ck_assert_uint_eq(kw_words_bits(o->out, num), bit + 1);
    }
    operands_free(o);
}
END_TEST

/* ---- sums ---- */

START_TEST(sums)
{
    size_t num = (size_t)_i;
    struct operands *o = operands_new(num);

    for (int round = 0; round < ROUNDS; round++) {
        operands_draw(o, num, num);
        o->out[num] = kw_words_add(o->out, o->a, o->b, num);
        BN_add(o->bn_out, o->bn_a, o->bn_b);
        ck_assert(kw_numbers_same(o->out, num + 1, o->bn_out));

        uint64_t borrow = kw_words_sub(o->out, o->a, o->b, num);
        ck_assert_uint_eq(borrow, BN_cmp(o->bn_a, o->bn_b) < 0);
        BN_mod_sub(o->bn_out, o->bn_a, o->bn_b, o->power, o->ctx);
        ck_assert(kw_numbers_same(o->out, num, o->bn_out));

        o->out[num] = kw_words_add_word(o->out, o->a, num, o->b[0]);
        BN_copy(o->bn_out, o->bn_a);
        BN_add_word(o->bn_out, o->b[0]);
        ck_assert(kw_numbers_same(o->out, num + 1, o->bn_out));

        borrow = kw_words_sub_word(o->out, o->a, num, o->b[0]);
        kw_numbers_bn(o->bn_b, o->b, 1);
        ck_assert_uint_eq(borrow, BN_cmp(o->bn_a, o->bn_b) < 0);
        BN_mod_sub(o->bn_out, o->bn_a, o->bn_b, o->power, o->ctx);
        ck_assert(kw_numbers_same(o->out, num, o->bn_out));
    }
    operands_free(o);
}
END_TEST

START_TEST(masked)
{
    size_t num = (size_t)_i;
    struct operands *o = operands_new(num);

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t mask = kw_mask_bit((uint64_t)round);
        operands_draw(o, num, num);
        kw_words_select(o->out, mask, o->a, o->b, num);
        ck_assert(kw_numbers_same(o->out, num, mask ? o->bn_a : o->bn_b));
        ck_assert_uint_eq(o->out[num], 0xa5a5a5a5a5a5a5a5);

        memcpy(o->out, o->a, 8 * num);
        o->out[num] = kw_words_add_masked(o->out, o->b, num, mask);
        BN_copy(o->bn_out, o->bn_a);
        if (mask)
            BN_add(o->bn_out, o->bn_a, o->bn_b);
        ck_assert(kw_numbers_same(o->out, num + 1, o->bn_out));

        kw_words_swap(o->a, o->b, num, mask);
        ck_assert(kw_numbers_same(o->a, num, mask ? o->bn_b : o->bn_a));
        ck_assert(kw_numbers_same(o->b, num, mask ? o->bn_a : o->bn_b));
    }
    operands_free(o);
}
END_TEST

/* An output that is an input. */
START_TEST(in_place)
{
    size_t num = (size_t)_i;
    struct operands *o = operands_new(num);
    unsigned count = kw_numbers_below((uint32_t)(64 * num));
    uint64_t carry;

    operands_draw(o, num, num);
#define IN_PLACE(operand, call_apart, call_in_place)                                                         \
    do {                                                                                                     \
        uint64_t saved[NUM_MAX];                                                                             \
        memcpy(saved, operand, 8 * num);                                                                     \
        carry = (call_apart);                                                                                \
        ck_assert_uint_eq(carry, (call_in_place));                                                           \
        ck_assert_mem_eq(o->out, operand, 8 * num);                                                          \
        memcpy(operand, saved, 8 * num);                                                                     \
    } while (0)
    IN_PLACE(o->a, kw_words_add(o->out, o->a, o->b, num), kw_words_add(o->a, o->a, o->b, num));
    IN_PLACE(o->b, kw_words_add(o->out, o->a, o->b, num), kw_words_add(o->b, o->a, o->b, num));
    IN_PLACE(o->a, kw_words_sub(o->out, o->a, o->b, num), kw_words_sub(o->a, o->a, o->b, num));
    IN_PLACE(o->b, kw_words_sub(o->out, o->a, o->b, num), kw_words_sub(o->b, o->a, o->b, num));
    IN_PLACE(o->a, kw_words_add_word(o->out, o->a, num, 7), kw_words_add_word(o->a, o->a, num, 7));
    IN_PLACE(o->a, kw_words_sub_word(o->out, o->a, num, 7), kw_words_sub_word(o->a, o->a, num, 7));
    IN_PLACE(
        o->a, kw_words_mul_word(o->out, o->a, num, o->b[0]), kw_words_mul_word(o->a, o->a, num, o->b[0]));
    IN_PLACE(o->a, (kw_words_shift_left(o->out, o->a, num, count), 0),
        (kw_words_shift_left(o->a, o->a, num, count), 0));
    IN_PLACE(o->a, (kw_words_shift_right(o->out, o->a, num, count), 0),
        (kw_words_shift_right(o->a, o->a, num, count), 0));
    IN_PLACE(o->a, (kw_words_shift_left_secret(o->out, o->a, num, count), 0),
        (kw_words_shift_left_secret(o->a, o->a, num, count), 0));
    IN_PLACE(o->a, (kw_words_shift_right_secret(o->out, o->a, num, count), 0),
        (kw_words_shift_right_secret(o->a, o->a, num, count), 0));
    operands_free(o);
}
END_TEST

/* ---- products ---- */

START_TEST(products_by_a_word)
{
    size_t num = (size_t)_i;
    struct operands *o = operands_new(num);
    BIGNUM *bn_old = BN_new();

    for (int round = 0; round < ROUNDS; round++) {
        operands_draw(o, num, num);
        uint64_t word = kw_numbers_below(2) ? o->b[0] : UINT64_MAX;
        o->out[num] = kw_words_mul_word(o->out, o->a, num, word);
        BN_copy(o->bn_out, o->bn_a);
        BN_mul_word(o->bn_out, word);
        ck_assert(kw_numbers_same(o->out, num + 1, o->bn_out));

        kw_numbers_any(o->out, num);
        kw_numbers_bn(bn_old, o->out, num);
        BN_add(o->bn_out, o->bn_out, bn_old);
        o->out[num] = kw_words_mul_add_word(o->out, o->a, num, word);
        ck_assert(kw_numbers_same(o->out, num + 1, o->bn_out));
    }
    BN_free(bn_old);
    operands_free(o);
}
END_TEST

static void check_product(struct operands *o, size_t num_a, size_t num_b)
{
    operands_draw(o, num_a, num_b);
    kw_words_mul(o->out, o->a, num_a, o->b, num_b);
    BN_mul(o->bn_out, o->bn_a, o->bn_b, o->ctx);
    ck_assert(kw_numbers_same(o->out, num_a + num_b, o->bn_out));
    ck_assert(num_a + num_b == WORDS || o->out[num_a + num_b] == 0xa5a5a5a5a5a5a5a5);
}

START_TEST(products)
{
    size_t num = (size_t)_i;
    struct operands *o = operands_new(num);

    for (size_t num_b = 1; num_b <= KW_WORDS_MAX; num_b += num_b < NUM_MAX ? 1 : 31) {
        for (int round = 0; round < 20; round++)
            check_product(o, num, num_b);
    }
    memset(o->a, 0xff, 8 * num);
    kw_words_mul(o->out, o->a, num, o->a, num);
    kw_numbers_bn(o->bn_a, o->a, num);
    BN_sqr(o->bn_out, o->bn_a, o->ctx);
    ck_assert(kw_numbers_same(o->out, 2 * num, o->bn_out));
    operands_free(o);
}
END_TEST

/* ---- shifts ---- */

START_TEST(shifts)
{
    size_t num = (size_t)_i;
    struct operands *o = operands_new(num);

    for (unsigned count = 0; count < 64 * num; count++) {
        operands_draw(o, num, num);
        BN_rshift(o->bn_out, o->bn_a, (int)count);
        kw_words_shift_right(o->out, o->a, num, count);
        ck_assert(kw_numbers_same(o->out, num, o->bn_out));
        kw_words_shift_right_secret(o->b, o->a, num, count);
        ck_assert(kw_numbers_same(o->b, num, o->bn_out));

        BN_lshift(o->bn_out, o->bn_a, (int)count);
        BN_mask_bits(o->bn_out, (int)(64 * num));
        kw_words_shift_left(o->out, o->a, num, count);
        ck_assert(kw_numbers_same(o->out, num, o->bn_out));
        kw_words_shift_left_secret(o->b, o->a, num, count);
        ck_assert(kw_numbers_same(o->b, num, o->bn_out));
        ck_assert_uint_eq(o->out[num], 0xa5a5a5a5a5a5a5a5);
    }
    operands_free(o);
}
END_TEST

/* ---- remainders ---- */

START_TEST(remainders_by_a_word)
{
    static const uint32_t edges[] = {
        2, 3, 4, 5, 65536, 65537, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
    size_t num = (size_t)_i;
    struct operands *o = operands_new(num);

    for (int round = 0; round < ROUNDS; round++) {
        operands_draw(o, num, num);
        for (size_t i = 0; i < KW_ARRAY_LEN(edges); i++)
            ck_assert_uint_eq(kw_words_mod_word(o->a, num, edges[i]), BN_mod_word(o->bn_a, edges[i]));
        uint32_t m = (kw_numbers_below(UINT32_MAX) >> kw_numbers_below(31)) | 2;
        ck_assert_uint_eq(kw_words_mod_word(o->a, num, m), BN_mod_word(o->bn_a, m));
        /* The last multiple below, and its neighbours. */
        kw_words_sub_word(o->a, o->a, num, BN_mod_word(o->bn_a, m));
        ck_assert_uint_eq(kw_words_mod_word(o->a, num, m), 0);
        kw_words_sub_word(o->a, o->a, num, ~kw_words_is_zero(o->a, num) & 1);
        kw_numbers_bn(o->bn_a, o->a, num);
        ck_assert_uint_eq(kw_words_mod_word(o->a, num, m), BN_mod_word(o->bn_a, m));
    }
    operands_free(o);
}
END_TEST

static void assert_remainder(struct operands *o, size_t num_a, size_t num_m)
{
    kw_numbers_bn(o->bn_a, o->a, num_a);
    kw_numbers_bn(o->bn_b, o->b, num_m);
    BN_mod(o->bn_out, o->bn_a, o->bn_b, o->ctx);
    memset(o->out, 0xa5, sizeof(o->out));
    kw_words_mod(o->out, o->a, num_a, o->b, num_m);
    ck_assert(kw_numbers_same(o->out, num_m, o->bn_out));
    ck_assert_uint_eq(o->out[num_m], 0xa5a5a5a5a5a5a5a5);
}

/* Dividends next to a multiple of m: there a quotient that is one off shows. */
static void check_near_multiples(struct operands *o, size_t num_a, size_t num_m)
{
    static const int distances[] = {-2, -1, 0, 1};

    if (num_a > num_m) {
        kw_numbers_any(o->out, num_a - num_m);
        uint64_t product[WORDS];
        kw_words_mul(product, o->b, num_m, o->out, num_a - num_m);
        memcpy(o->a, product, 8 * num_a);
    } else {
        memcpy(o->a, o->b, 8 * num_a);
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(distances); i++) {
        uint64_t saved[WORDS];
        memcpy(saved, o->a, 8 * num_a);
        if (distances[i] < 0)
            kw_words_sub_word(o->a, o->a, num_a, (uint64_t)-distances[i]);
        else
            kw_words_add_word(o->a, o->a, num_a, (uint64_t)distances[i]);
        assert_remainder(o, num_a, num_m);
        memcpy(o->a, saved, 8 * num_a);
    }
}

START_TEST(remainders)
{
    size_t num_m = (size_t)_i;
    struct operands *o = operands_new(num_m);

    for (size_t num_a = num_m; num_a <= KW_WORDS_MAX; num_a += 1 + kw_numbers_below(8)) {
        for (int round = 0; round < 20; round++) {
            operands_draw(o, num_a, num_m);
            o->b[0] |= kw_words_is_zero(o->b, num_m) & 1;
            assert_remainder(o, num_a, num_m);
            check_near_multiples(o, num_a, num_m);
        }
    }
    operands_free(o);
}
END_TEST

/* Algorithm D's rare steps: u1 = d, and quotients estimated 1 and 2 too large. Top words just at and above
 * the half, low words all ones, dividends with runs of ones provoke them (volume 2, 4.3.1, exercises 21 and
 * 22). */
START_TEST(remainders_with_hard_quotients)
{
    size_t num_m = (size_t)_i;
    struct operands *o = operands_new(num_m);

    for (int round = 0; round < 4 * ROUNDS; round++) {
        size_t num_a = num_m + kw_numbers_below((uint32_t)(KW_WORDS_MAX - num_m + 1));
        kw_numbers_operand(o->b, num_m, KW_NUMBERS_RUNS);
        kw_numbers_operand(o->a, num_a, KW_NUMBERS_RUNS);
        o->b[num_m - 1] = 0x8000000000000000 + kw_numbers_below(2);
        if (round & 1)
            memcpy(o->a + num_a - num_m, o->b, 8 * num_m);
        if (round & 2)
            kw_words_sub_word(o->a, o->a, num_a, 1);
        assert_remainder(o, num_a, num_m);
        unsigned shift = kw_numbers_below((uint32_t)(64 * num_m));
        kw_words_shift_right(o->b, o->b, num_m, shift);
        o->b[0] |= 1;
        assert_remainder(o, num_a, num_m);
    }
    operands_free(o);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, masks);
    tcase_add_loop_test(tcase, bytes, 1, NUM_MAX + 1);
    tcase_add_loop_test(tcase, comparisons, 1, NUM_MAX + 1);
    tcase_add_loop_test(tcase, comparisons_of_neighbours, 1, NUM_MAX + 1);
    tcase_add_loop_test(tcase, sums, 1, NUM_MAX + 1);
    tcase_add_loop_test(tcase, masked, 1, NUM_MAX + 1);
    tcase_add_loop_test(tcase, in_place, 1, NUM_MAX + 1);
    tcase_add_loop_test(tcase, products_by_a_word, 1, NUM_MAX + 1);
    tcase_add_loop_test(tcase, products, 1, NUM_MAX + 1);
    tcase_add_loop_test(tcase, shifts, 1, NUM_MAX + 1);
    tcase_add_loop_test(tcase, remainders_by_a_word, 1, NUM_MAX + 1);
    tcase_add_loop_test(tcase, remainders, 1, NUM_MAX + 1);
    tcase_add_loop_test(tcase, remainders_with_hard_quotients, 1, NUM_MAX + 1);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;
    return kw_suite_run("words", add, 60);
}
