#include "engine/crypto.h"
#include "engine/rsa/progression.h"
#include "engine/rsa/survivors.h"
#include "tests/support/numbers.h"
#include "tests/support/suite.h"

enum { WORDS = KW_PROGRESSION_WORDS };

static BN_CTX *ctx;

/* One search as the standard has it, in bignums. */
struct model {
    unsigned bits;
    BIGNUM *r1, *r2, *x, *step, *y, *end; /* end: 2^(nlen/2) */
    size_t num_r;
    struct kw_progression progression;
};

static void model_new(struct model *model, unsigned bits)
{
    memset(model, 0, sizeof(*model));
    model->bits = bits;
    model->r1 = BN_new();
    model->r2 = BN_new();
    model->x = BN_new();
    model->step = BN_new();
    model->y = BN_new();
    model->end = BN_new();
    BN_set_bit(model->end, (int)bits);
    ck_assert(BN_rand(model->x, (int)bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY));
}

static void model_free(struct model *model)
{
    BN_free(model->r1);
    BN_free(model->r2);
    BN_free(model->x);
    BN_free(model->step);
    BN_free(model->y);
    BN_free(model->end);
}

/* Odd and coprime, as the arithmetic needs; primes or not. */
static void choose_r(struct model *model, unsigned bits1, unsigned bits2)
{
    BIGNUM *gcd = BN_new();

    do {
        BN_rand(model->r1, (int)bits1, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
        BN_rand(model->r2, (int)bits2, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
        BN_gcd(gcd, model->r1, model->r2, ctx);
    } while (!BN_is_one(gcd));
    BN_free(gcd);
}

/* Steps 2 and 4 word for word. */
static void find_first(struct model *model)
{
    BIGNUM *twice = BN_new(), *r = BN_new(), *other = BN_new();

    BN_lshift1(twice, model->r1);
    ck_assert_ptr_nonnull(BN_mod_inverse(r, model->r2, twice, ctx));
    BN_mul(r, r, model->r2, ctx);
    ck_assert_ptr_nonnull(BN_mod_inverse(other, twice, model->r2, ctx));
    BN_mul(other, other, twice, ctx);
    BN_sub(r, r, other);
    BN_mul(model->step, twice, model->r2, ctx);
    BN_sub(r, r, model->x);
    BN_nnmod(r, r, model->step, ctx);
    BN_add(model->y, model->x, r);
    BN_free(twice);
    BN_free(r);
    BN_free(other);
}

static int begin(struct model *model, size_t more_words, unsigned more_bits)
{
    uint64_t x[WORDS], r1[WORDS], r2[WORDS];
    unsigned bits1 = (unsigned)BN_num_bits(model->r1), bits2 = (unsigned)BN_num_bits(model->r2);

    model->num_r = KW_WORDS_OF_BITS(KW_MAX(bits1, bits2)) + more_words;
    kw_numbers_words(x, KW_WORDS_OF_BITS(model->bits), model->x);
    kw_numbers_words(r1, model->num_r, model->r1);
    kw_numbers_words(r2, model->num_r, model->r2);
    return kw_progression_begin(
        &model->progression, model->bits, x, r1, r2, model->num_r, bits1 + bits2 + more_bits);
}

static bool window_is(const struct model *model, const BIGNUM *y)
{
    return kw_numbers_same(model->progression.window, model->progression.num + 1, y);
}

static void check_begun(const struct model *model)
{
    const struct kw_progression *progression = &model->progression;

    ck_assert_uint_eq(progression->bits, model->bits);
    ck_assert_uint_eq(progression->num, KW_WORDS_OF_BITS(model->bits));
    ck_assert_uint_eq(progression->passed, 0);
    ck_assert(kw_words_is_zero(progression->map, KW_SIEVE_WINDOW_WORDS) != 0);
    ck_assert(kw_numbers_same(progression->x, progression->num, model->x));
    ck_assert(kw_numbers_same(progression->step, WORDS, model->step));
    ck_assert(kw_numbers_same(progression->step, progression->num_step, model->step));
    ck_assert(window_is(model, model->y));
}

/* ---- begin ---- */

/* The first member, of lengths as keys have them and others, with r1 the longer or r2, with room to spare or
 * without. */
START_TEST(begin_random)
{
    static const struct {
        unsigned bits, bits1, bits2;
    } shapes[] = {{1024, 141, 141}, {1024, 142, 141}, {1536, 171, 171}, {2048, 201, 201}, {1024, 700, 300},
        {1024, 143, 864}, {1024, 864, 143}, {1024, 17, 17}, {2048, 1500, 500}, {2048, 2, 2000},
        {2048, 2000, 2}, {1000, 224, 216}, {1025, 500, 500}, {64, 20, 30}, {100, 2, 3}, {65, 40, 23},
        {512, 101, 130}};
    struct model model;

    for (int i = 0; i < 40; i++) {
        model_new(&model, shapes[_i].bits);
        choose_r(&model, shapes[_i].bits1, shapes[_i].bits2);
        find_first(&model);
        unsigned spare = shapes[_i].bits - 1 - shapes[_i].bits1 - shapes[_i].bits2;
        ck_assert_int_eq(begin(&model, (size_t)i % 3 == 2, i % 2 ? spare : 0), 0);
        check_begun(&model);
        /* The two properties that the whole thing is for. */
        BN_sub_word(model.y, 1);
        ck_assert_uint_eq(BN_mod_word(model.y, 2), 0);
        BN_nnmod(model.x, model.y, model.r1, ctx);
        ck_assert(BN_is_zero(model.x));
        BN_add_word(model.y, 2);
        BN_nnmod(model.x, model.y, model.r2, ctx);
        ck_assert(BN_is_zero(model.x));
        model_free(&model);
    }
}
END_TEST
enum { NUM_SHAPES = 17 };

/* X that is the first member already, one after it, and one before. */
START_TEST(begin_at_a_member)
{
    for (int i = 0; i < 30; i++) {
        struct model model;
        model_new(&model, 1024);
        choose_r(&model, 141, 141);
        find_first(&model);
        BN_copy(model.x, model.y);
        if (i % 3 == 1)
            BN_add_word(model.x, 1);
        if (i % 3 == 2)
            BN_sub_word(model.x, 1);
        find_first(&model);
        ck_assert_int_eq(BN_cmp(model.x, model.y), i % 3 == 0 ? 0 : -1);
        ck_assert_int_eq(begin(&model, 0, 0), 0);
        check_begun(&model);
        model_free(&model);
    }
}
END_TEST

/* Extreme X: all ones, so that Y goes beyond the end, and 2^(bits - 1). */
START_TEST(begin_extreme_x)
{
    static const unsigned bits_of[] = {64, 1000, 1024, 1536, 2048};
    uint64_t candidate[WORDS];

    for (int i = 0; i < 20; i++) {
        struct model model;
        model_new(&model, bits_of[i % 5]);
        choose_r(&model, 20, 25);
        BN_copy(model.x, model.end);
        if (i % 2)
            BN_rshift1(model.x, model.x);
        else
            BN_sub_word(model.x, 1);
        find_first(&model);
        ck_assert_int_eq(begin(&model, 1, 0), 0);
        check_begun(&model);
        model.progression.map[0] = 1;
        bool over = BN_cmp(model.y, model.end) >= 0;
        ck_assert_int_eq(
            kw_progression_next(&model.progression, candidate), over ? KW_PROGRESSION_OVERFLOW : 0);
        ck_assert(over || kw_numbers_same(candidate, model.progression.num, model.y));
        model_free(&model);
    }
}
END_TEST

/* Step 1: a common factor, or the same number twice. */
START_TEST(begin_unfit)
{
    for (int i = 0; i < 20; i++) {
        struct model model;
        model_new(&model, 1024);
        choose_r(&model, 100, 120);
        if (i % 3 == 0) {
            BN_copy(model.r1, model.r2);
        } else {
            BIGNUM *factor = BN_new();
            BN_set_word(factor, i % 3 == 1 ? 3 : 0xfffffffb);
            BN_mul(model.r1, model.r1, factor, ctx);
            BN_mul(model.r2, model.r2, factor, ctx);
            BN_free(factor);
        }
        ck_assert_int_eq(begin(&model, (size_t)i % 2, 0), KW_PROGRESSION_UNFIT);
        model_free(&model);
    }
}
END_TEST

/* ---- next ---- */

static void random_map(uint64_t *map, unsigned one_in)
{
    memset(map, 0, 8 * KW_SIEVE_WINDOW_WORDS);
    for (unsigned i = 0; i < KW_SIEVE_WINDOW; i++) {
        if (one_in > 0 && kw_numbers_below(one_in) == 0)
            map[i / 64] |= (uint64_t)1 << i % 64;
    }
}

/* The first index from `from` on that is in the map; KW_SIEVE_WINDOW if none is. */
static unsigned next_set(const uint64_t *map, unsigned from)
{
    while (from < KW_SIEVE_WINDOW && (map[from / 64] >> from % 64 & 1) == 0)
        from++;
    return from;
}

START_TEST(survivors)
{
    static const unsigned one_in[] = {0, 1, 2, 15, 300, 3000};
    uint64_t map[KW_SIEVE_WINDOW_WORDS], copy[KW_SIEVE_WINDOW_WORDS];

    for (size_t i = 0; i < KW_ARRAY_LEN(one_in); i++) {
        unsigned index;
        random_map(map, one_in[i]);
        memcpy(copy, map, sizeof(copy));
        for (unsigned from = 0; (index = next_set(copy, from)) < KW_SIEVE_WINDOW; from = index + 1)
            ck_assert_uint_eq(kw_survivors_take(map), index);
        ck_assert_uint_eq(kw_survivors_take(map), KW_SIEVE_WINDOW);
        ck_assert(kw_words_is_zero(map, KW_SIEVE_WINDOW_WORDS) != 0);
        ck_assert_uint_eq(kw_survivors_take(map), KW_SIEVE_WINDOW);
    }
    for (unsigned only = 0; only < KW_SIEVE_WINDOW; only++) {
        memset(map, 0, sizeof(map));
        map[only / 64] = (uint64_t)1 << only % 64;
        if (kw_survivors_take(map) != only)
            ck_abort_msg("%u", only);
    }
}
END_TEST

/* Follows a search to its end, step by step as in the standard, with maps of that density; returns what ended
 * it. */
static int follow(struct model *model, unsigned one_in)
{
    struct kw_progression *progression = &model->progression;
    uint64_t candidate[WORDS], map[KW_SIEVE_WINDOW_WORDS];
    unsigned members = 20 * model->bits;

    random_map(progression->map, one_in);
    memcpy(map, progression->map, sizeof(map));
    for (unsigned i = 0;; i++) { /* step 5; 8 */
        unsigned index = i % KW_SIEVE_WINDOW;
        if (i == members) { /* step 9 */
            ck_assert_int_eq(kw_progression_next(progression, candidate), KW_PROGRESSION_EXHAUSTED);
            return KW_PROGRESSION_EXHAUSTED;
        }
        if (BN_cmp(model->y, model->end) >= 0) { /* step 6 */
            ck_assert_int_eq(kw_progression_next(progression, candidate), KW_PROGRESSION_OVERFLOW);
            return KW_PROGRESSION_OVERFLOW;
        }
        if (i > 0 && index == 0) {
            ck_assert_int_eq(kw_progression_next(progression, candidate), KW_PROGRESSION_WINDOW);
            ck_assert(window_is(model, model->y));
            ck_assert_uint_eq(progression->passed, i);
            random_map(progression->map, one_in);
            memcpy(map, progression->map, sizeof(map));
        }
        if (map[index / 64] >> index % 64 & 1) { /* step 7 */
            ck_assert_int_eq(kw_progression_next(progression, candidate), 0);
            ck_assert(kw_numbers_same(candidate, progression->num, model->y));
        }
        BN_add(model->y, model->y, model->step); /* step 10 */
    }
}

/* Where a member crosses the end: X is set so many steps below it. */
static int follow_from(unsigned bits, unsigned bits1, unsigned bits2, unsigned steps_below, unsigned one_in)
{
    struct model model;

    model_new(&model, bits);
    choose_r(&model, bits1, bits2);
    find_first(&model); /* for the step */
    BN_mul_word(model.step, steps_below);
    BN_sub(model.x, model.end, model.step);
    ck_assert(!BN_is_negative(model.x) && (unsigned)BN_num_bits(model.x) == bits);
    find_first(&model);
    ck_assert_int_eq(begin(&model, 0, 0), 0);
    int end = follow(&model, one_in);
    model_free(&model);
    return end;
}

START_TEST(next_to_the_end)
{
    static const unsigned one_in[] = {0, 1, 20, 500};

    /* 64 bits admit 1280 members, 103 admit 2060: less than a window, and little more. */
    for (size_t i = 0; i < KW_ARRAY_LEN(one_in); i++) {
        ck_assert_int_eq(follow_from(64, 20, 20, 5000, one_in[i]), KW_PROGRESSION_EXHAUSTED);
        ck_assert_int_eq(follow_from(64, 20, 20, 700, one_in[i]), KW_PROGRESSION_OVERFLOW);
        ck_assert_int_eq(follow_from(103, 40, 40, 2500, one_in[i]), KW_PROGRESSION_EXHAUSTED);
        ck_assert_int_eq(follow_from(103, 40, 40, 2051, one_in[i]), KW_PROGRESSION_OVERFLOW);
        ck_assert_int_eq(follow_from(1024, 141, 141, 30000, one_in[i]), KW_PROGRESSION_EXHAUSTED);
        ck_assert_int_eq(follow_from(1024, 141, 141, 2048, one_in[i]), KW_PROGRESSION_OVERFLOW);
        ck_assert_int_eq(follow_from(1024, 141, 141, 4096, one_in[i]), KW_PROGRESSION_OVERFLOW);
        /* Steps so large that a window reaches far beyond the end. */
        ck_assert_int_eq(follow_from(1024, 500, 507, 1, one_in[i]), KW_PROGRESSION_OVERFLOW);
        ck_assert_int_eq(follow_from(1024, 500, 507, 100, one_in[i]), KW_PROGRESSION_OVERFLOW);
        ck_assert_int_eq(follow_from(1000, 490, 500, 1, one_in[i]), KW_PROGRESSION_OVERFLOW);
        ck_assert_int_eq(follow_from(2048, 1000, 1046, 1, one_in[i]), KW_PROGRESSION_OVERFLOW);
    }
}
END_TEST

/* The last member that step 9 admits is below the end or is not: the first makes it EXHAUSTED, though the
 * next would be too large. */
START_TEST(next_overflow_or_exhausted)
{
    static const unsigned bits_of[] = {64, 100, 103, 128};

    for (size_t i = 0; i < KW_ARRAY_LEN(bits_of); i++) {
        unsigned members = 20 * bits_of[i];
        for (unsigned one_in = 0; one_in < 2; one_in++) {
            /* X is steps_below steps below, Y less than one step further: Y + i step is the first too large
             * for i = steps_below - 1 or steps_below. */
            ck_assert_int_eq(follow_from(bits_of[i], 20, 20, members - 1, one_in), KW_PROGRESSION_OVERFLOW);
            ck_assert_int_eq(follow_from(bits_of[i], 20, 20, members + 1, one_in), KW_PROGRESSION_EXHAUSTED);
            follow_from(bits_of[i], 20, 20, members, one_in);
        }
    }
}
END_TEST

/* What ended stays ended. */
START_TEST(next_after_the_end)
{
    struct model model;
    uint64_t candidate[WORDS];

    model_new(&model, 64);
    BN_copy(model.x, model.end);
    BN_rshift1(model.x, model.x);
    choose_r(&model, 10, 10);
    ck_assert_int_eq(begin(&model, 0, 0), 0);
    model.progression.map[KW_SIEVE_WINDOW_WORDS - 1] = 6;
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(kw_progression_next(&model.progression, candidate), KW_PROGRESSION_EXHAUSTED);
    model_free(&model);
}
END_TEST

START_TEST(job)
{
    struct model model;

    model_new(&model, 1024);
    choose_r(&model, 141, 141);
    ck_assert_int_eq(begin(&model, 0, 0), 0);
    struct kw_sieve_job made = kw_progression_job(&model.progression);
    ck_assert_ptr_eq(made.start, model.progression.window);
    ck_assert_ptr_eq(made.step, model.progression.step);
    ck_assert_ptr_eq(made.ret_map, model.progression.map);
    model_free(&model);
}
END_TEST

START_TEST(fits_e)
{
    BIGNUM *p = BN_new();
    uint64_t words[WORDS];

    for (unsigned i = 0; i < 2000; i++) {
        size_t num = 1 + i % 32;
        BN_rand(p, (int)(64 * num), BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ODD);
        if (i % 2) /* make it 1 modulo e, or nearly */
            BN_sub_word(p, (BN_mod_word(p, 65537) + 65537 - i / 2 % 3) % 65537);
        kw_numbers_words(words, num, p);
        ck_assert(kw_progression_fits_e(words, num) == (BN_mod_word(p, 65537) == 1 ? 0 : UINT64_MAX));
    }
    BN_free(p);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, begin_random, 0, NUM_SHAPES);
    tcase_add_test(tcase, begin_at_a_member);
    tcase_add_test(tcase, begin_extreme_x);
    tcase_add_test(tcase, begin_unfit);
    tcase_add_test(tcase, survivors);
    tcase_add_test(tcase, next_to_the_end);
    tcase_add_test(tcase, next_overflow_or_exhausted);
    tcase_add_test(tcase, next_after_the_end);
    tcase_add_test(tcase, job);
    tcase_add_test(tcase, fits_e);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;
    ctx = BN_CTX_new();
    int status = kw_suite_run("rsa/progression", add_tests, 120);
    BN_CTX_free(ctx);
    return status;
}
