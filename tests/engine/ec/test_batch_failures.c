/* Batches with pairs that do not belong together, on every kernel: each such pair is found, and no other. */
#include "engine/ec/batch.h"

#include "pool/fault.h"
#include "tests/support/ec_rig.h"
#include "tests/support/edwards.h"
#include "tests/support/suite.h"

/* The real ones, and as witnesses that the tests are right, two of the slow ones. */
static int kernels[64], num_kernels;

static void collect_kernels(void)
{
    for (int i = 0; ec_rig_kernel(i) != NULL; i++)
        if (i == 0 || i >= SLOW_EC_KERNELS - 1)
            kernels[num_kernels++] = i;
}

/* Makes pairs, spoils some, and sees that just these do not come out. */
static void begin(int index)
{
    static uint64_t seed = 100;

    rig_up(ec_rig_kernel(kernels[index]), ++seed);
    rig_make();
}

static void finish(unsigned bad)
{
    rig_test();
    rig_take_all(bad);
    rig_down();
}

static bool is_edwards(void)
{
    return rig.curve->form == KW_CURVE_EDWARDS;
}

/* ---- bits ---- */

static void flip_bit(uint8_t *bytes, size_t len)
{
    uint32_t bit = kw_numbers_below((uint32_t)(8 * len));

    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

START_TEST(a_flipped_bit_of_a_secret_is_found)
{
    for (unsigned i = 0; i < RIG_PAIRS; i += 3) {
        begin(_i);
        flip_bit(rig_secret(i), rig.curve->secret_len);
        finish(1u << i);
    }
}
END_TEST

START_TEST(a_flipped_bit_of_a_point_is_found)
{
    for (unsigned i = 1; i < RIG_PAIRS; i += 3) {
        begin(_i);
        flip_bit(rig_point(i), rig.curve->point_len);
        finish(1u << i);
    }
}
END_TEST

/* The first and the last bit of either half: what a reader might leave out. */
START_TEST(outermost_bits_are_looked_at)
{
    begin(_i);
    rig_secret(0)[0] ^= 0x80;
    rig_secret(1)[rig.curve->secret_len - 1] ^= 1;
    rig_point(2)[0] ^= 0x80;
    rig_point(3)[rig.curve->point_len - 1] ^= 0x80;
    rig_point(4)[0] ^= 1;
    rig_point(5)[rig.curve->point_len - 1] ^= 1;
    rig_point(7)[rig.curve->point_len / 2] ^= 0x80;
    rig_point(8)[rig.curve->point_len / 2 - 1] ^= 1;
    finish(0x1bf);
}
END_TEST

/* Any number of them; and the next batch is as good as any. */
START_TEST(several_bad_pairs_are_found)
{
    static const unsigned sets[] = {0x003, 0x401, 0x0f0, 0x555, 0x7ff};

    for (size_t i = 0; i < KW_ARRAY_LEN(sets); i++) {
        begin(_i);
        for (unsigned j = 0; j < RIG_PAIRS; j++)
            if (sets[i] >> j & 1)
                flip_bit(j % 2 ? rig_point(j) : rig_secret(j),
                    j % 2 ? rig.curve->point_len : rig.curve->secret_len);
        rig_test();
        rig_take_all(sets[i]);
        rig_make();
        finish(0);
    }
}
END_TEST

/* ---- points that are none ---- */

START_TEST(zeros_and_ones_are_no_points)
{
    size_t len;

    begin(_i);
    len = rig.curve->point_len;
    memset(rig_point(1), 0, len);
    memset(rig_point(3), 0xff, len);
    memset(rig_point(5), 0, len / 2);
    memset(rig_point(8) + len / 2, 0, len / 2);
    finish(0x12a);
}
END_TEST

/* The right point, but a coordinate is not reduced. That has room in the bytes of P-521 only; other curves'
 * coordinates would have to begin with zeros as no random point's do. */
START_TEST(coordinates_must_be_reduced)
{
    begin(_i);
    if (rig.curve->spec == KW_SPEC_ECC_NIST_P521) {
        for (unsigned i = 0; i < 2; i++) {
            uint8_t *coordinate = rig_point(2 + 5 * i) + i * rig.curve->point_len / 2;
            uint64_t words[KW_CURVE_WORDS_MAX];
            kw_words_from_bytes(words, rig.curve->num, coordinate, rig.curve->point_len / 2);
            (void)kw_words_add(words, words, rig.curve->p, rig.curve->num);
            kw_words_to_bytes(coordinate, rig.curve->point_len / 2, words, rig.curve->num);
        }
        finish(0x084);
        return;
    }
    /* X = p + 1, or y = p + 1, which no encoding has. */
    uint8_t *point = rig_point(4);
    uint64_t words[KW_CURVE_WORDS_MAX];
    (void)kw_words_add_word(words, rig.curve->p, rig.curve->num, 1);
    if (is_edwards())
        memcpy(point, words, 32);
    else
        kw_words_to_bytes(point, rig.curve->point_len / 2, words, rig.curve->num);
    finish(0x010);
}
END_TEST

/* ---- points of other pairs ---- */

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = a[i];
        a[i] = b[i];
        b[i] = byte;
    }
}

START_TEST(swapped_points_are_found)
{
    begin(_i);
    swap(rig_point(0), rig_point(1), rig.curve->point_len);
    swap(rig_point(4), rig_point(9), rig.curve->point_len);
    finish(0x213);
    begin(_i);
    swap(rig_secret(2), rig_secret(10), rig.curve->secret_len);
    finish(0x404);
}
END_TEST

START_TEST(another_valid_point_is_found)
{
    begin(_i);
    memcpy(rig_point(6), rig_point(3), rig.curve->point_len);
    finish(0x040);
    begin(_i);
    memcpy(rig_secret(6), rig_secret(3), rig.curve->secret_len);
    finish(0x040);
}
END_TEST

/* ---- points that differ by a known one ---- */

/* a = a + sign b, points of a Weierstrass curve */
static void add_weierstrass(uint8_t *a, const uint8_t *b, int sign)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(slow_ec_nid(rig.curve->spec));
    EC_POINT *left = EC_POINT_new(group), *right = EC_POINT_new(group);
    uint8_t octets[1 + KW_CURVE_POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    size_t len = 1 + rig.curve->point_len;

    memcpy(octets + 1, a, len - 1);
    ck_assert_int_eq(EC_POINT_oct2point(group, left, octets, len, NULL), 1);
    memcpy(octets + 1, b, len - 1);
    ck_assert_int_eq(EC_POINT_oct2point(group, right, octets, len, NULL), 1);
    if (sign < 0)
        EC_POINT_invert(group, right, NULL);
    ck_assert_int_eq(EC_POINT_add(group, left, left, right, NULL), 1);
    ck_assert_uint_eq(EC_POINT_point2oct(group, left, POINT_CONVERSION_UNCOMPRESSED, octets, len, NULL), len);
    memcpy(a, octets + 1, len - 1);
    EC_POINT_free(left);
    EC_POINT_free(right);
    EC_GROUP_free(group);
}

static void add_edwards(uint8_t *a, const uint8_t *b, int sign)
{
    struct edwards left = edwards_decode(a), right = edwards_decode(b);

    if (sign < 0)
        BN_sub(right.x, edwards.p, right.x);
    edwards_add(&left, &right);
    edwards_encode(a, &left);
    edwards_free(&left);
    edwards_free(&right);
}

static void add_point(uint8_t *a, const uint8_t *b, int sign)
{
    if (is_edwards())
        add_edwards(a, b, sign);
    else
        add_weierstrass(a, b, sign);
}

/* The sum of all points is what it was: only the multipliers tell. */
START_TEST(errors_that_cancel_are_found)
{
    begin(_i);
    add_point(rig_point(2), rig_point(5), 1);
    add_point(rig_point(3), rig_point(5), -1);
    finish(0x00c);
}
END_TEST

/* -Q is as good a point as Q, and its x is the same. */
START_TEST(negated_points_are_found)
{
    begin(_i);
    uint8_t *point = rig_point(7);
    size_t half = rig.curve->point_len / 2;
    uint64_t y[KW_CURVE_WORDS_MAX];
    if (is_edwards()) {
        point[31] ^= 0x80;
    } else {
        kw_words_from_bytes(y, rig.curve->num, point + half, half);
        (void)kw_words_sub(y, rig.curve->p, y, rig.curve->num);
        kw_words_to_bytes(point + half, half, y, rig.curve->num);
    }
    finish(0x080);
}
END_TEST

/* A point of order eight, of edwards25519: what is left of some point when it is multiplied by L. */
static struct edwards torsion(void)
{
    BIGNUM *order = kw_numbers_bn_new(rig.curve->n, rig.curve->num);
    struct edwards ret, neutral = edwards_neutral();

    for (BN_ULONG y = 2;; y++) {
        struct edwards any = edwards_neutral();
        BN_set_word(any.y, y);
        if (edwards_recover(any.x, any.y, 0)) {
            ret = edwards_multiply(&any, order);
            struct edwards four = edwards_multiply(&ret, BN_value_one());
            for (int i = 0; i < 2; i++) {
                struct edwards same = edwards_new(four.x, four.y);
                edwards_add(&four, &same);
                edwards_free(&same);
            }
            bool found = !edwards_equal(&four, &neutral);
            edwards_free(&four);
            edwards_free(&any);
            if (found)
                break;
            edwards_free(&ret);
        } else {
            edwards_free(&any);
        }
    }
    BN_free(order);
    edwards_free(&neutral);
    return ret;
}

/* Points that a multiple of eight makes equal to the right ones. Each alone, and in pairs of opposite error:
 * multipliers are random, so a test that is blind to some of them lets some of these pass. */
START_TEST(points_of_small_order_are_no_way_round)
{
    struct edwards small, power;
    uint8_t bytes[32];

    begin(_i);
    if (!is_edwards()) {
        rig_down();
        return;
    }
    small = torsion();
    rig_down();
    for (unsigned round = 0; round < 24; round++) {
        begin(_i);
        power = edwards_new(small.x, small.y);
        for (unsigned i = 0; i < round % 3; i++) /* of order 8, 4 and 2 */
            edwards_add(&power, &power);
        edwards_encode(bytes, &power);
        add_point(rig_point(1), bytes, 1);
        if (round % 2)
            add_point(rig_point(8), bytes, -1);
        finish(round % 2 ? 0x102 : 0x002);
        edwards_free(&power);
    }
    edwards_free(&small);
}
END_TEST

/* ---- bisection ---- */

START_TEST(halves_are_tested_until_a_pair_is_found)
{
    static const unsigned firsts[] = {0, 0, 5, 5, 8, 8, 9, 9, 10};
    static const unsigned nums[] = {11, 5, 6, 3, 3, 1, 2, 1, 1};

    begin(0);
    rig_point(10)[3] ^= 4;
    rig_test();
    ck_assert_uint_eq(watched.checks, KW_ARRAY_LEN(nums));
    for (unsigned i = 0; i < KW_ARRAY_LEN(nums); i++) {
        ck_assert_uint_eq(watched.ranges[i].first, firsts[i]);
        ck_assert_uint_eq(watched.ranges[i].num, nums[i]);
    }
    rig_take_all(0x400);
    rig_down();
}
END_TEST

/* A pair that was found is wiped then and there, not when the others are taken. */
START_TEST(a_bad_pair_is_wiped_when_it_is_found)
{
    bool ready = false;

    begin(0);
    rig_point(0)[3] ^= 4;
    while (!ready) {
        ck_assert_int_eq(kw_ec_batch_step(rig.batch, &ready), 0);
        ck_assert(!all_bytes(rig_secret(10), rig.curve->secret_len, 0));
    }
    ck_assert(all_bytes(rig_secret(0), rig.curve->secret_len, 0));
    ck_assert(all_bytes(rig_point(0), rig.curve->point_len, 0));
    ck_assert(!all_bytes(rig_secret(1), rig.curve->secret_len, 0));
    ck_assert_uint_eq(watched.wipes, 1);
    rig_take_all(0x001);
    rig_down();
}
END_TEST

/* A test that contradicts itself: what failed as a whole and passed in halves does not come out. */
START_TEST(what_fails_as_a_whole_only_is_dropped)
{
    static const struct {
        const char *script;
        unsigned checks, bad;
    } cases[] = {
        {"fpp", 3, 0x7ff}, {"ffppp", 5, 0x01f}, /* the lower half: 0-4 */
        {"fpffppp", 7, 0x0e0},                  /* a quarter: 5-7 */
        {"ffpfppp", 7, 0x01c},                  /* what is left of the lower half: 2-4 */
        {"fpfpffp", 7, 0x100},                  /* one pair, by its own test */
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(cases); i++) {
        begin(0);
        watched.script = cases[i].script;
        rig_test();
        ck_assert_uint_eq(watched.checks, cases[i].checks);
        rig_take_all(cases[i].bad);
        rig_down();
    }
}
END_TEST

/* Whatever passes or fails: a pair whose own test, or the smallest one it was part of, failed is not handed
 * out; and if the whole failed, something is dropped. */
START_TEST(random_answers_never_let_all_pass)
{
    char script[WATCHED_CHECKS] = "f";

    for (int round = 0; round < 100; round++) {
        struct place place;
        unsigned taken = 0;
        int r;
        begin(1);
        for (size_t i = 1; i + 1 < sizeof(script); i++)
            script[i] = kw_numbers_below(3) == 0 ? 'f' : 'p';
        watched.script = script;
        rig_test();
        while ((r = kw_ec_batch_take(rig.batch, place_init(&place))) != KW_EC_BATCH_EMPTY)
            taken += r == 0;
        ck_assert_uint_lt(taken, RIG_PAIRS);
        rig_down();
    }
}
END_TEST

/* ---- the hook ---- */

/* One use for each pair, so that the plan names pairs. */
START_TEST(the_hook_spoils_the_pairs_that_it_names)
{
    if (!kw_fault_compiled_in())
        return;
    ck_assert_int_eq(kw_fault_set("pct:fail@3+2,pct:fail@17"), 0);
    rig_up(ec_rig_kernel(kernels[_i]), 13);
    for (int batch = 0; batch < 3; batch++) {
        rig_make();
        rig_test();
        rig_take_all(batch == 0 ? 0x00c : batch == 1 ? 0x020 : 0);
    }
    rig_down();
    ck_assert_int_eq(kw_fault_set("pct:fail@1+*"), 0);
    begin(_i);
    ck_assert_uint_eq(watched.checks, 0);
    rig_test();
    ck_assert_int_eq(kw_fault_set(""), 0);
    rig_take_all(0x7ff);
    rig_down();
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_flipped_bit_of_a_secret_is_found, 0, num_kernels);
    tcase_add_loop_test(tcase, a_flipped_bit_of_a_point_is_found, 0, num_kernels);
    tcase_add_loop_test(tcase, outermost_bits_are_looked_at, 0, num_kernels);
    tcase_add_loop_test(tcase, several_bad_pairs_are_found, 0, num_kernels);
    tcase_add_loop_test(tcase, zeros_and_ones_are_no_points, 0, num_kernels);
    tcase_add_loop_test(tcase, coordinates_must_be_reduced, 0, num_kernels);
    tcase_add_loop_test(tcase, swapped_points_are_found, 0, num_kernels);
    tcase_add_loop_test(tcase, another_valid_point_is_found, 0, num_kernels);
    tcase_add_loop_test(tcase, errors_that_cancel_are_found, 0, num_kernels);
    tcase_add_loop_test(tcase, negated_points_are_found, 0, num_kernels);
    tcase_add_loop_test(tcase, points_of_small_order_are_no_way_round, 0, num_kernels);
    tcase_add_test(tcase, halves_are_tested_until_a_pair_is_found);
    tcase_add_test(tcase, a_bad_pair_is_wiped_when_it_is_found);
    tcase_add_test(tcase, what_fails_as_a_whole_only_is_dropped);
    tcase_add_test(tcase, random_answers_never_let_all_pass);
    tcase_add_loop_test(tcase, the_hook_spoils_the_pairs_that_it_names, 0, num_kernels);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    edwards_up();
    collect_kernels();
    return kw_suite_run("batch_failures", add, 100);
}
