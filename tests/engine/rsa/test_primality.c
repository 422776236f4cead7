#include "engine/crypto.h"
#include "engine/rsa/primality.h"
#include "pool/bytes.h"
#include "tests/support/numbers.h"
#include "tests/support/sanitized.h"
#include "tests/support/suite.h"
#include "tests/support/vectors.h"

enum { WORDS = KW_WORDS_MAX };

/* Both paths, as far as this machine has them. */
static const enum kw_cpu_path paths[] = {KW_CPU_PORTABLE, KW_CPU_AVX512IFMA};
static int num_paths = 1;

static struct kw_rng *rng;

static void setup(void)
{
    ck_assert_int_eq(kw_rng_new(&rng), 0);
}

static void teardown(void)
{
    kw_rng_free(rng);
}

/* ---- the table ---- */

START_TEST(table_of_rounds)
{
    static const struct {
        unsigned nlen, row, prime, auxiliary, auxiliary_bits;
    } expected[] = {
        {0, 2048, 5, 38, 141},
        {1024, 2048, 5, 38, 141},
        {2048, 2048, 5, 38, 141},
        {3071, 2048, 5, 38, 141},
        {3072, 3072, 4, 41, 171},
        {4095, 3072, 4, 41, 171},
        {4096, 4096, 4, 44, 201},
        {UINT_MAX, 4096, 4, 44, 201},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(expected); i++) {
        const struct kw_primality_rounds *rounds = kw_primality_rounds_of(expected[i].nlen);
        ck_assert_uint_eq(rounds->nlen, expected[i].row);
        ck_assert_uint_eq(rounds->prime, expected[i].prime);
        ck_assert_uint_eq(rounds->auxiliary, expected[i].auxiliary);
        ck_assert_uint_eq(rounds->auxiliary_bits, expected[i].auxiliary_bits);
    }
}
END_TEST

/* ---- bases ---- */

/* With so few of them, all bases that there may be appear, equally often, and no other does. */
START_TEST(bases_of_small_numbers)
{
    static const uint64_t numbers[] = {5, 7, 9, 15, 17, 31, 33};

    for (size_t i = 0; i < KW_ARRAY_LEN(numbers); i++) {
        uint64_t w = numbers[i], base;
        unsigned count[64] = {0}, draws = 400 * (unsigned)(w - 3);
        unsigned bits = kw_words_bits(&w, 1) + (unsigned)(i % 3);
        for (unsigned j = 0; j < draws; j++) {
            ck_assert_int_eq(kw_primality_base(&base, &w, 1, bits, rng), 0);
            kw_assert(base < KW_ARRAY_LEN(count));
            count[base]++;
        }
        for (uint64_t b = 0; b < KW_ARRAY_LEN(count); b++) {
            bool fits = b > 1 && b < w - 1;
            ck_assert(fits ? count[b] > 280 && count[b] < 520 : count[b] == 0);
        }
    }
}
END_TEST

/* Every bit of a base is drawn, and none above the length. */
START_TEST(bases_of_every_length)
{
    for (unsigned bits = 3; bits <= 64 * WORDS; bits += bits < 140 ? 1 : 97) {
        size_t num = KW_WORDS_OF_BITS(bits) + bits % 2;
        uint64_t w[WORDS + 1] = {0}, base[WORDS + 1], any[WORDS + 1] = {0};
        for (unsigned i = 0; i < bits; i++)
            w[i / 64] |= (uint64_t)1 << i % 64;
        for (unsigned i = 0; i < 60; i++) {
            ck_assert_int_eq(kw_primality_base(base, w, num, bits, rng), 0);
            ck_assert(kw_words_less(base, w, num) != 0);
            for (size_t j = 0; j < num; j++)
                any[j] |= base[j];
        }
        ck_assert(kw_words_equal(any, w, num) != 0);
    }
}
END_TEST

/* The four edges, and bits above the length that a draw in bulk brings along. */
START_TEST(base_edges)
{
    uint64_t w[3] = {0x123456789abcdef1, 0xffffffffffffffff, 0x5}, b[3];
    unsigned bits = kw_words_bits(w, 3);

    memcpy(b, (uint64_t[]){0, 0, ~UINT64_C(7)}, sizeof(b));
    ck_assert(kw_primality_base_fits(b, w, 3, bits) == 0);
    memcpy(b, (uint64_t[]){1, 0, 8}, sizeof(b));
    ck_assert(kw_primality_base_fits(b, w, 3, bits) == 0);
    memcpy(b, (uint64_t[]){2, 0, 16}, sizeof(b));
    ck_assert(kw_primality_base_fits(b, w, 3, bits) == UINT64_MAX);
    ck_assert_uint_eq(b[2], 0);
    memcpy(b, w, sizeof(b));
    ck_assert(kw_primality_base_fits(b, w, 3, bits) == 0);
    b[0] -= 1;
    ck_assert(kw_primality_base_fits(b, w, 3, bits) == 0);
    b[0] -= 1;
    ck_assert(kw_primality_base_fits(b, w, 3, bits) == UINT64_MAX);
    ck_assert_uint_eq(b[0], w[0] - 2);
    b[0] += 3;
    ck_assert(kw_primality_base_fits(b, w, 3, bits) == 0);
    memcpy(b, (uint64_t[]){UINT64_MAX, UINT64_MAX, 1}, sizeof(b));
    ck_assert(kw_primality_base_fits(b, w, 1, 64) == 0);
    ck_assert(kw_primality_base_fits(b, w, 2, 128) == 0);
    ck_assert(kw_primality_base_fits(b, w, 3, bits) == UINT64_MAX);
}
END_TEST

/* ---- rounds settled by powers ---- */

/* FIPS 186-5 B.3.1 steps 4.3 to 4.6 as they stand. */
static bool passes(const BIGNUM *w, const BIGNUM *b, BN_CTX *ctx)
{
    BIGNUM *w1 = BN_dup(w), *m = BN_new(), *z = BN_new();
    int a = 0;

    BN_sub_word(w1, 1);
    while (!BN_is_bit_set(w1, a))
        a++;
    BN_rshift(m, w1, a);
    BN_mod_exp(z, b, m, w, ctx);
    bool pass = BN_is_one(z) || BN_cmp(z, w1) == 0;
    for (int j = 1; j < a && !pass; j++) {
        BN_mod_sqr(z, z, w, ctx);
        pass = BN_cmp(z, w1) == 0;
    }
    BN_free(w1);
    BN_free(m);
    BN_free(z);
    return pass;
}

/* Numbers that are 1 modulo any power of two, also none, prime or not, small ones with all their bases. */
static void settle_one(enum kw_cpu_path path, const BIGNUM *w, const BIGNUM *b, unsigned *count)
{
    unsigned bits = (unsigned)BN_num_bits(w);
    const struct kw_kernel *kernel = kw_kernel_choose(path, bits);
    uint64_t modulus[WORDS], base[WORDS];
    struct kw_lane lane = {.modulus = modulus, .base = base};
    void *scratch = NULL;
    bool pass = false, expected;
    BN_CTX *ctx = BN_CTX_new();

    kw_numbers_words(modulus, WORDS, w);
    kw_numbers_words(base, WORDS, b);
    expected = passes(w, b, ctx);
    ck_assert_int_eq(kernel->scratch_new(&scratch, kernel, NULL), 0);
    ck_assert_int_eq(kw_primality_settle(kernel, scratch, bits, &lane, &pass), 0);
    ck_assert_int_eq(pass, expected);
    count[pass]++;
    kernel->scratch_free(scratch);
    BN_CTX_free(ctx);
}

START_TEST(settle_small)
{
    static const unsigned moduli[] = {5, 9, 13, 15, 17, 25, 65, 91, 193, 257, 561, 769};
    BIGNUM *w = BN_new(), *b = BN_new();
    unsigned count[2] = {0};

    for (size_t i = 0; i < KW_ARRAY_LEN(moduli); i++) {
        BN_set_word(w, moduli[i]);
        for (unsigned base = 2; base < moduli[i] - 1; base++) {
            BN_set_word(b, base);
            settle_one(paths[_i], w, b, count);
        }
    }
    ck_assert_uint_gt(count[0], 500);
    ck_assert_uint_gt(count[1], 1000);
    BN_free(w);
    BN_free(b);
}
END_TEST

START_TEST(settle_many_twos)
{
    BIGNUM *w = BN_new(), *b = BN_new(), *range = BN_new(), *add = BN_new(), *rem = BN_new();
    unsigned count[2] = {0};

    for (int twos = 1; twos < 120; twos += twos < 20 ? 1 : 7) {
        BN_zero(add);
        BN_set_bit(add, twos + 1);
        BN_rshift1(rem, add);
        BN_add_word(rem, 1);
        ck_assert_int_eq(BN_generate_prime_ex(w, twos + 40, 0, add, rem, NULL), 1);
        for (int i = 0; i < 12; i++) {
            if (i == 6) /* no longer a prime, but with as many twos, or about */
                BN_add(w, w, add);
            BN_copy(range, w);
            BN_sub_word(range, 3);
            BN_rand_range(b, range);
            BN_add_word(b, 2);
            settle_one(paths[_i], w, b, count);
        }
    }
    ck_assert_uint_gt(count[0], 100);
    ck_assert_uint_gt(count[1], 150);
    BN_free(w);
    BN_free(b);
    BN_free(range);
    BN_free(add);
    BN_free(rem);
}
END_TEST

/* ---- whole numbers ---- */

static int test_bn(const BIGNUM *w, unsigned rounds, enum kw_cpu_path path)
{
    uint64_t words[WORDS];
    size_t num = KW_WORDS_OF_BITS(KW_MAX((size_t)BN_num_bits(w), 1));

    kw_numbers_words(words, num, w);
    return kw_primality_test(words, num, rounds, path, rng);
}

/* Every number up to where division stops deciding and well beyond, in one word or with zeros above. */
START_TEST(all_small_numbers)
{
    enum { END = 1 << 18, DENSE = 70000 };
    static bool composite[END];

    composite[0] = composite[1] = true;
    for (size_t i = 2; i * i < END; i++) {
        for (size_t j = i * i; j < END; j += i)
            composite[j] = true;
    }
    for (uint64_t i = 0; i < END; i += i < DENSE ? 1 : 1 + kw_numbers_below(200)) {
        uint64_t words[3] = {i, 0, 0};
        int r = kw_primality_test(words, i % 64 == 0 ? 3 : 1, 4, paths[_i], rng);
        if (r != (composite[i] ? KW_PRIMALITY_COMPOSITE : 0))
            ck_abort_msg("%u: %d", (unsigned)i, r);
    }
}
END_TEST

/* Odd numbers of random lengths; half of them primes. */
START_TEST(random_numbers)
{
    BIGNUM *w = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    for (int i = 0; i < 150; i++) {
        int bits = 17 + (int)kw_numbers_below(i % 2 ? 300 : 500);
        if (i % 2)
            BN_generate_prime_ex(w, bits, 0, NULL, NULL, NULL);
        else
            BN_rand(w, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
        ck_assert_int_eq(test_bn(w, 1 + kw_numbers_below(40), paths[_i]), BN_check_prime(w, ctx, NULL) == 0);
    }
    BN_free(w);
    BN_CTX_free(ctx);
}
END_TEST

/* Fermat's and the largest of the lengths that there are kernels for. */
START_TEST(edges_of_length)
{
    BIGNUM *w = BN_new();
    uint64_t ones[WORDS];

    for (int power = 1; power <= 64; power *= 2) {
        BN_zero(w);
        BN_set_bit(w, power);
        BN_add_word(w, 1);
        ck_assert_int_eq(test_bn(w, 5, paths[_i]), power <= 16 ? 0 : KW_PRIMALITY_COMPOSITE);
    }
    BN_zero(w);
    BN_set_bit(w, 2048);
    BN_sub_word(w, 1557);
    ck_assert_int_eq(test_bn(w, 2, paths[_i]), 0);
    BN_sub_word(w, 2);
    ck_assert_int_eq(test_bn(w, 2, paths[_i]), KW_PRIMALITY_COMPOSITE);
    memset(ones, 0xff, sizeof(ones));
    ck_assert_int_eq(kw_primality_test(ones, WORDS, 1, paths[_i], rng), KW_PRIMALITY_COMPOSITE);
    ones[0] -= 2342; /* whatever it is: that long a number is taken */
    ck_assert_int_ge(kw_primality_test(ones, WORDS, 1, paths[_i], rng), 0);
    BN_free(w);
}
END_TEST

/* ---- Wycheproof ---- */

/* Each takes thousands of products; a sanitizer has seen what there is to see after some. */
#define WYCHEPROOF_STEP (KW_SANITIZED ? 6 : 1)

/* Values are two's complement, big-endian; a negative one, whatever the file allows, is no prime. */
static int wycheproof_value(const json_t *test, uint64_t *ret_words)
{
    uint8_t bytes[8 * WORDS];
    struct kw_bytes value = vectors_hex(test, "value", bytes, sizeof(bytes));

    if (value.len > 0 && value.ptr[0] >= 0x80)
        return KW_PRIMALITY_COMPOSITE;
    kw_words_from_bytes(ret_words, WORDS, value.ptr, value.len);
    return 0;
}

/* As many rounds as an auxiliary prime gets, so that a composite which deceives one in four passes once in
 * 2^76; fewer for the longest numbers, which take most of the time. */
static int wycheproof_test(const uint64_t *words, enum kw_cpu_path path)
{
    unsigned rounds = kw_words_bits(words, WORDS) > 2048 ? 12 : kw_primality_rounds_of(2048)->auxiliary;

    return kw_primality_test(words, WORDS, rounds, path, rng);
}

static void wycheproof_case(const json_t *test, enum kw_cpu_path path)
{
    uint64_t words[WORDS];
    int r = wycheproof_value(test, words);

    if (r == 0)
        r = wycheproof_test(words, path);
    /* "acceptable" are the negatives of primes: FIPS 186-5 knows no negative primes. */
    bool valid = strcmp(vectors_text(test, "result"), "valid") == 0;
    if (r != (valid ? 0 : KW_PRIMALITY_COMPOSITE))
        ck_abort_msg("tcId %d (%s): %d", (int)json_integer_value(json_object_get(test, "tcId")),
            vectors_text(test, "comment"), r);
}

START_TEST(wycheproof)
{
    json_t *root = vectors_json("wycheproof/primality_test.json"), *group, *test;
    size_t i, j, num = 0;

    json_array_foreach(json_object_get(root, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), j, test)
        {
            if (num++ % WYCHEPROOF_STEP == 0)
                wycheproof_case(test, paths[_i]);
        }
    }
    ck_assert_uint_eq(num, (size_t)json_integer_value(json_object_get(root, "numberOfTests")));
    ck_assert_uint_eq(num, 317);
    json_decref(root);
}
END_TEST

static bool with_wycheproof;

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, table_of_rounds);
    tcase_add_test(tcase, bases_of_small_numbers);
    tcase_add_test(tcase, bases_of_every_length);
    tcase_add_test(tcase, base_edges);
    tcase_add_loop_test(tcase, settle_small, 0, num_paths);
    tcase_add_loop_test(tcase, settle_many_twos, 0, num_paths);
    tcase_add_loop_test(tcase, all_small_numbers, 0, num_paths);
    tcase_add_loop_test(tcase, random_numbers, 0, num_paths);
    tcase_add_loop_test(tcase, edges_of_length, 0, num_paths);
    if (with_wycheproof)
        tcase_add_loop_test(tcase, wycheproof, 0, num_paths);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;
    num_paths = kw_cpu_detect() == KW_CPU_AVX512IFMA ? 2 : 1;
    with_wycheproof = vectors_found("wycheproof/primality_test.json");
    int status = kw_suite_run("rsa/primality", add_tests, 300);
    return status == 0 && !with_wycheproof ? VECTORS_SKIP : status;
}
