#include "engine/crypto.h"
#include "engine/rsa/auxiliary.h"
#include "engine/rsa/primality.h"
#include "tests/support/numbers.h"
#include "tests/support/suite.h"

enum { WORDS = KW_WORDS_OF_BITS(KW_AUXILIARY_BITS_MAX) + 1, STARTS_MAX = 300 };

/* Both paths, as far as this machine has them. */
static const enum kw_cpu_path paths[] = {KW_CPU_PORTABLE, KW_CPU_AVX512IFMA};
static int num_paths = 1;

static struct kw_rng *rng;
static BN_CTX *ctx;
static uint64_t starts[STARTS_MAX * WORDS], found[STARTS_MAX * WORDS];

static void setup(void)
{
    ck_assert_int_eq(kw_rng_new(&rng), 0);
    ctx = BN_CTX_new();
}

static void teardown(void)
{
    BN_CTX_free(ctx);
    kw_rng_free(rng);
}

static struct kw_auxiliary *auxiliary_new(enum kw_cpu_path path, unsigned bits, unsigned rounds)
{
    struct kw_auxiliary *auxiliary = NULL;

    ck_assert_int_eq(kw_auxiliary_new(&auxiliary, path, bits, rounds, rng), 0);
    return auxiliary;
}

static size_t stride(unsigned bits)
{
    return KW_WORDS_OF_BITS(bits) + 1;
}

/* One number after the other, by OpenSSL's own test. */
static void expect_prime(BIGNUM *n)
{
    if (!BN_is_odd(n))
        BN_add_word(n, 1);
    while (BN_check_prime(n, ctx, NULL) == 0)
        BN_add_word(n, 2);
}

static void check(const uint64_t *start, const uint64_t *prime, size_t num)
{
    BIGNUM *n = kw_numbers_bn_new(start, num);

    expect_prime(n);
    if (!kw_numbers_same(prime, num, n)) {
        BN_print_fp(stdout, n);
        ck_abort_msg(" is the prime of %zu words that was not found", num);
    }
    BN_free(n);
}

static void find_and_check(struct kw_auxiliary *auxiliary, unsigned bits, unsigned num)
{
    ck_assert_int_eq(kw_auxiliary_find(auxiliary, starts, num, found), 0);
    for (unsigned i = 0; i < num; i++)
        check(starts + i * stride(bits), found + i * stride(bits), stride(bits));
}

/* ---- draws ---- */

/* Exactly that length, odd, and every bit between is drawn both ways. */
START_TEST(draws)
{
    static const unsigned lengths[] = {17, 63, 64, 65, 127, 128, 129, 141, 171, 192, 201, 512, 1007, 2032};

    for (size_t i = 0; i < KW_ARRAY_LEN(lengths); i++) {
        struct kw_auxiliary *auxiliary = auxiliary_new(KW_CPU_PORTABLE, lengths[i], 1);
        size_t num = stride(lengths[i]);
        uint64_t start[WORDS], any[WORDS] = {0}, all[WORDS];
        memset(all, 0xff, sizeof(all));
        for (int j = 0; j < 60; j++) {
            ck_assert_int_eq(kw_auxiliary_draw(auxiliary, start), 0);
            ck_assert_uint_eq(kw_words_bits(start, num), lengths[i]);
            for (size_t k = 0; k < num; k++) {
                any[k] |= start[k];
                all[k] &= start[k];
            }
        }
        BIGNUM *ones = kw_numbers_bn_new(any, num), *ends = kw_numbers_bn_new(all, num);
        BN_add_word(ones, 1);
        ck_assert(BN_is_bit_set(ones, (int)lengths[i]) && BN_num_bits(ones) == (int)lengths[i] + 1);
        BN_clear_bit(ends, (int)lengths[i] - 1);
        ck_assert(BN_is_one(ends));
        BN_free(ones);
        BN_free(ends);
        kw_auxiliary_free(auxiliary);
    }
}
END_TEST

/* ---- searches ---- */

static void draw_starts(struct kw_auxiliary *auxiliary, unsigned bits, unsigned num)
{
    for (unsigned i = 0; i < num; i++)
        ck_assert_int_eq(kw_auxiliary_draw(auxiliary, starts + i * stride(bits)), 0);
}

/* Lengths at all edges; numbers of starts that fill no batch, one, or several, with one object. */
START_TEST(random_starts)
{
    static const struct {
        unsigned bits, num;
    } shapes[] = {{17, 100}, {18, 33}, {20, 300}, {32, 60}, {33, 9}, {47, 40}, {48, 7}, {63, 40}, {64, 40},
        {65, 20}, {100, 1}, {127, 20}, {128, 20}, {129, 8}, {140, 31}, {141, 270}, {142, 2}, {171, 60},
        {191, 16}, {192, 17}, {201, 30}, {202, 15}, {216, 8}, {224, 8}, {255, 8}, {256, 8}, {257, 8},
        {320, 6}, {500, 4}, {600, 2}, {801, 1}, {1007, 1}};

    for (size_t i = 0; i < KW_ARRAY_LEN(shapes); i++) {
        unsigned bits = shapes[i].bits, num = shapes[i].num;
        struct kw_auxiliary *auxiliary =
            auxiliary_new(paths[_i], bits, kw_primality_rounds_of(2048)->auxiliary);
        draw_starts(auxiliary, bits, num);
        find_and_check(auxiliary, bits, num);
        draw_starts(auxiliary, bits, 1);
        find_and_check(auxiliary, bits, 1);
        ck_assert_int_eq(kw_auxiliary_find(auxiliary, starts, 0, found), 0);
        kw_auxiliary_free(auxiliary);
    }
}
END_TEST

/* Starts so near the top of their length that the prime is longer: by one bit, and by one word. */
START_TEST(starts_that_carry)
{
    static const unsigned lengths[] = {18, 30, 32, 63, 64, 65, 126, 128, 141, 192, 201, 256, 320};

    for (size_t i = 0; i < KW_ARRAY_LEN(lengths); i++) {
        unsigned bits = lengths[i], num = 12;
        BIGNUM *end = BN_new(), *start = BN_new();
        struct kw_auxiliary *auxiliary = auxiliary_new(paths[_i], bits, 20);
        BN_set_bit(end, (int)bits);
        for (unsigned j = 0; j < num; j++) {
            BN_copy(start, end);
            BN_sub_word(start, 1 + j);
            kw_numbers_words(starts + j * stride(bits), stride(bits), start);
        }
        find_and_check(auxiliary, bits, num);
        ck_assert_uint_eq(kw_words_bits(found, stride(bits)), bits + 1);
        kw_auxiliary_free(auxiliary);
        BN_free(end);
        BN_free(start);
    }
}
END_TEST

/* Much shorter than the length that the object is for, down to the least that is taken; even ones, and
 * primes. */
START_TEST(short_even_and_prime_starts)
{
    for (unsigned bits = 17; bits <= 320; bits += 101) {
        struct kw_auxiliary *auxiliary = auxiliary_new(paths[_i], bits, 20);
        unsigned num = 60;
        memset(starts, 0, sizeof(starts));
        for (unsigned j = 0; j < num; j++)
            starts[j * stride(bits)] = 65537 + j;
        find_and_check(auxiliary, bits, num);
        ck_assert_uint_eq(found[0], 65537);
        memcpy(starts, found, sizeof(starts));
        find_and_check(auxiliary, bits, num);
        ck_assert_mem_eq(starts, found, num * stride(bits) * sizeof(uint64_t));
        kw_auxiliary_free(auxiliary);
    }
}
END_TEST

/* The result may take the place of the starts. */
START_TEST(in_place)
{
    unsigned bits = 141, num = 200;
    struct kw_auxiliary *auxiliary = auxiliary_new(paths[_i], bits, 10);

    draw_starts(auxiliary, bits, num);
    ck_assert_int_eq(kw_auxiliary_find(auxiliary, starts, num, found), 0);
    ck_assert_int_eq(kw_auxiliary_find(auxiliary, starts, num, starts), 0);
    ck_assert_mem_eq(starts, found, num * stride(bits) * sizeof(uint64_t));
    kw_auxiliary_free(auxiliary);
}
END_TEST

/* Around 3 * 2 * 3 * 5 * ... * 1447 there is no prime for more than a window. */
START_TEST(gap_longer_than_a_window)
{
    unsigned bits = 2006;
    BIGNUM *start = BN_new();
    struct kw_auxiliary *auxiliary = auxiliary_new(paths[_i], bits, 2);

    BN_set_word(start, 3);
    for (unsigned factor = 2; factor <= 1447; factor++) {
        unsigned divisor = 2;
        while (divisor * divisor <= factor && factor % divisor != 0)
            divisor++;
        if (divisor * divisor > factor)
            BN_mul_word(start, factor);
    }
    BN_sub_word(start, 2047);
    ck_assert_int_eq(BN_num_bits(start), (int)bits);
    kw_numbers_words(starts, stride(bits), start);
    find_and_check(auxiliary, bits, 1);
    ck_assert_uint_gt(found[0] - starts[0], 2 * KW_SIEVE_WINDOW);
    kw_auxiliary_free(auxiliary);
    BN_free(start);
}
END_TEST

/* Composites that the sieve and the filter let through: only the rounds stop them, and the search has to go
 * on behind them. */
START_TEST(pseudoprime_starts)
{
    static const char *const numbers[] = {"e2f9df5", "1677e8e1", "1cd522d9001", "f2f46e99c5",
        "66a5e7604445ccad", "3dbcdec5115d866d", "1b3ae350aa8309b6abf560c91683736ec135",
        "c7d5f192c143becc3f1bf3037b116ef4cf1",
        "920ba63b6a07c449b0b374bb5af994759dc3e37fb91d25486687d404e4be9547d1d175",
        "c44c41a85f16c946864eef106ac65c3a1a3dc9217b3cad170135acf95e8644f89fb8cd"};
    unsigned bits = 280, num = KW_ARRAY_LEN(numbers);
    struct kw_auxiliary *auxiliary = auxiliary_new(paths[_i], bits, 38);
    BIGNUM *n = NULL, *half = BN_new(), *two = BN_new(), *r = BN_new();

    BN_set_word(two, 2);
    for (unsigned i = 0; i < num; i++) {
        ck_assert_int_gt(BN_hex2bn(&n, numbers[i]), 0);
        kw_numbers_words(starts + i * stride(bits), stride(bits), n);
        ck_assert_int_eq(BN_check_prime(n, ctx, NULL), 0);
        BN_rshift1(half, n);
        BN_mod_exp(r, two, half, n, ctx);
        BN_sub(n, n, r);
        ck_assert(BN_is_one(r) || BN_is_one(n)); /* they do pass */
    }
    find_and_check(auxiliary, bits, num);
    /* Alone, so that no lane has anything else to do. */
    for (unsigned i = 0; i < num; i++) {
        memmove(starts, starts + i * stride(bits), stride(bits) * sizeof(uint64_t));
        find_and_check(auxiliary, bits, 1);
    }
    kw_auxiliary_free(auxiliary);
    BN_free(n);
    BN_free(half);
    BN_free(two);
    BN_free(r);
}
END_TEST

/* Primes that are 1 modulo a power of two which rounds do not follow to the end: they are first all the same.
 */
START_TEST(primes_with_many_twos)
{
    unsigned bits = 141, num = 0;
    struct kw_auxiliary *auxiliary = auxiliary_new(paths[_i], bits, 38);
    BIGNUM *prime = BN_new(), *add = BN_new(), *rem = BN_new();

    for (int twos = 14; twos < 60; twos++, num++) {
        BN_zero(add);
        BN_set_bit(add, twos + 1);
        BN_rshift1(rem, add);
        BN_add_word(rem, 1);
        ck_assert_int_eq(BN_generate_prime_ex(prime, (int)bits, 0, add, rem, NULL), 1);
        BN_sub_word(prime, num % 2 ? 2 : 0);
        kw_numbers_words(starts + num * stride(bits), stride(bits), prime);
    }
    find_and_check(auxiliary, bits, num);
    kw_auxiliary_free(auxiliary);
    BN_free(prime);
    BN_free(add);
    BN_free(rem);
}
END_TEST

/* What is wiped works on. */
START_TEST(wipe)
{
    unsigned bits = 141;
    struct kw_auxiliary *auxiliary = auxiliary_new(paths[_i], bits, 10);

    kw_auxiliary_wipe(auxiliary);
    for (unsigned i = 0; i < 3; i++) {
        draw_starts(auxiliary, bits, 40);
        kw_auxiliary_wipe(auxiliary);
        find_and_check(auxiliary, bits, 40);
        kw_auxiliary_wipe(auxiliary);
        kw_auxiliary_wipe(auxiliary);
    }
    kw_auxiliary_free(auxiliary);
    kw_auxiliary_free(NULL);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, draws);
    tcase_add_loop_test(tcase, random_starts, 0, num_paths);
    tcase_add_loop_test(tcase, starts_that_carry, 0, num_paths);
    tcase_add_loop_test(tcase, short_even_and_prime_starts, 0, num_paths);
    tcase_add_loop_test(tcase, in_place, 0, num_paths);
    tcase_add_loop_test(tcase, gap_longer_than_a_window, 0, num_paths);
    tcase_add_loop_test(tcase, pseudoprime_starts, 0, num_paths);
    tcase_add_loop_test(tcase, primes_with_many_twos, 0, num_paths);
    tcase_add_loop_test(tcase, wipe, 0, num_paths);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;
    num_paths = kw_cpu_detect() == KW_CPU_AVX512IFMA ? 2 : 1;
    return kw_suite_run("rsa/auxiliary", add_tests, 300);
}
