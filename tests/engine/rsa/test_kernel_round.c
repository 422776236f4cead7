/* Miller-Rabin rounds of every kernel there is against the steps of the standard in OpenSSL's bignums. */
#include "tests/support/kernel_rig.h"

#include <assert.h>

/* FIPS 186-5 B.3.1 steps 4.3 to 4.6 as they stand. ret_twos: a. */
static bool expect_round(const BIGNUM *w, const BIGNUM *b, int *ret_twos)
{
    BIGNUM *w1 = BN_dup(w), *m = BN_new(), *z = BN_new();
    int a = 0;

    BN_sub_word(w1, 1);
    while (!BN_is_bit_set(w1, a))
        a++;
    BN_rshift(m, w1, a);
    expect_power(z, b, m, w);
    bool pass = BN_is_one(z) || BN_cmp(z, w1) == 0;
    for (int j = 1; j < a && !pass; j++) {
        BN_mod_sqr(z, z, w, ctx);
        pass = BN_cmp(z, w1) == 0;
    }
    *ret_twos = a;
    BN_free(w1);
    BN_free(m);
    BN_free(z);
    return pass;
}

/* What came out in all the rounds of a test, so that each test shows that it saw something. */
static struct {
    unsigned passed, failed, unsure;
} seen;

static void check_round(unsigned lane, bool pass, bool unsure)
{
    BIGNUM *w = kw_numbers_bn_new(batch.modulus[lane], batch.num);
    BIGNUM *b = kw_numbers_bn_new(batch.base[lane], batch.num);
    int twos;
    bool expected = expect_round(w, b, &twos);
    bool may_be_unsure = twos >= (int)KW_ROUND_TWOS, must_be_unsure = twos > (int)KW_ROUND_TWOS;

    if (unsure ? pass || !may_be_unsure : pass != expected || must_be_unsure) {
        show("round", lane);
        printf("twos %d pass %d unsure %d expected %d\n", twos, pass, unsure, expected);
        ck_abort();
    }
    seen.unsure += unsure;
    seen.passed += pass;
    seen.failed += !pass && !unsure;
    BN_free(w);
    BN_free(b);
}

static void run_rounds(void)
{
    uint32_t pass = 0xdeadbeef, unsure = 0xdeadbeef;

    ck_assert_int_eq(kernel->round(kernel, scratch, batch.bits, batch.lanes, &pass, &unsure), 0);
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (batch.lanes[lane].modulus != NULL)
            check_round(lane, pass >> lane & 1, unsure >> lane & 1);
        else
            ck_assert_uint_eq((pass | unsure) >> lane & 1, 0);
    }
}

/* 1 < b < w - 1, with both ends. */
static void make_round_base(uint64_t *ret, const BIGNUM *w)
{
    BIGNUM *b = BN_new(), *range = BN_dup(w);

    BN_sub_word(range, 3);
    switch (kw_numbers_below(10)) {
    case 0:
        BN_set_word(b, 2);
        break;
    case 1:
        BN_copy(b, w);
        BN_sub_word(b, 2);
        break;
    default:
        BN_rand_range(b, range);
        BN_add_word(b, 2);
    }
    kw_numbers_words(ret, WORDS, b);
    BN_free(b);
    BN_free(range);
}

/* Numbers that a batch of rounds takes its moduli from. */
enum { CORPUS_MAX = 256 };
struct corpus {
    BIGNUM *numbers[CORPUS_MAX];
    unsigned num;
};

static BIGNUM *corpus_add(struct corpus *corpus)
{
    ck_assert_uint_lt(corpus->num, CORPUS_MAX);
    return corpus->numbers[corpus->num++] = BN_new();
}

static void corpus_clear(struct corpus *corpus)
{
    while (corpus->num > 0)
        BN_free(corpus->numbers[--corpus->num]);
}

static struct corpus corpus;

/* Those that are costly to find are found once, for all kernels. */
static struct corpus twos_corpus[6], carmichael_corpus;

/* num rounds of random bases over the whole corpus, each batch of several numbers. */
static void run_corpus(const struct corpus *from, unsigned bits, unsigned num)
{
    for (unsigned next = 0; next < num * from->num;) {
        set_bits(bits);
        for (unsigned lane = 0; lane < kernel->lanes; lane++, next++) {
            const BIGNUM *w = from->numbers[next % from->num];
            kw_numbers_words(batch.modulus[lane], WORDS, w);
            make_round_base(batch.base[lane], w);
            /* What is too long for the kernel leaves its lane idle. */
            if ((kernel->lanes == 1 || kw_numbers_below(16) != 0) && (unsigned)BN_num_bits(w) <= bits)
                use_lane(lane);
        }
        run_rounds();
    }
}

START_TEST(round_random_and_extreme)
{
    begin(_i);
    for (size_t i = 0; i < KW_ARRAY_LEN(lengths) && lengths[i] <= kernel->bits_max; i++) {
        uint64_t modulus[WORDS];
        memset(&seen, 0, sizeof(seen));
        corpus_clear(&corpus);
        for (unsigned j = 0; j < 2 * MODULUS_KINDS; j++) {
            make_modulus(modulus, lengths[i], (enum modulus_kind)(j % MODULUS_KINDS));
            kw_numbers_bn(corpus_add(&corpus), modulus, WORDS);
        }
        run_corpus(&corpus, lengths[i], KW_MIN(times(lengths[i], 1), 6));
        ck_assert_uint_gt(seen.failed, 0);
    }
    corpus_clear(&corpus);
    end();
}
END_TEST

/* A prime is never refused, whatever the base; the composite beside it does not change that. */
START_TEST(round_known_primes)
{
    begin(_i);
    for (size_t i = 0; i < KW_ARRAY_LEN(primes) && primes[i].bits <= kernel->bits_max; i++) {
        uint64_t modulus[WORDS];
        memset(&seen, 0, sizeof(seen));
        corpus_clear(&corpus);
        for (unsigned way = 0; way < 4; way++) {
            set_known(modulus, i, way);
            kw_numbers_bn(corpus_add(&corpus), modulus, WORDS);
        }
        run_corpus(&corpus, primes[i].bits, KW_MIN(KW_MAX(times(primes[i].bits, 2), 2), 8));
        ck_assert_uint_gt(seen.passed + seen.unsure, 0);
    }
    corpus_clear(&corpus);
    end();
}
END_TEST

/* Primes that are 1 modulo 2^twos and not modulo twice that: -1 appears after any number of squarings, or 1
 * at once. */
static void add_primes_with_twos(struct corpus *to, int bits, int twos)
{
    BIGNUM *add = BN_new(), *rem = BN_new();

    BN_set_bit(add, twos + 1);
    BN_set_bit(rem, twos);
    BN_add_word(rem, 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(BN_generate_prime_ex(corpus_add(to), bits, 0, add, rem, NULL), 1);
    BN_free(add);
    BN_free(rem);
}

START_TEST(round_twos)
{
    static const unsigned sizes[] = {40, 64, 141, 202, 256, 512};

    static_assert(KW_ARRAY_LEN(sizes) == KW_ARRAY_LEN(twos_corpus), "one for each");
    begin(_i);
    for (size_t i = 0; i < KW_ARRAY_LEN(sizes) && sizes[i] <= kernel->bits_max; i++) {
        memset(&seen, 0, sizeof(seen));
        for (int twos = 1; twos <= 20 && twos_corpus[i].num < 60; twos++)
            add_primes_with_twos(&twos_corpus[i], (int)sizes[i], twos);
        run_corpus(&twos_corpus[i], sizes[i], sizes[i] < 512 ? 24 : 8);
        ck_assert_uint_gt(seen.passed, 0);
        ck_assert_uint_gt(seen.unsure, 0);
        ck_assert_uint_eq(seen.failed, 0);
    }
    end();
}
END_TEST

/* Small primes with many twos whose bases of each order are all tried: 97 = 1 + 2^5 3, 257 = 1 + 2^8, 65537 =
 * 1 + 2^16, and composites with them as factors. */
START_TEST(round_all_bases)
{
    static const unsigned moduli[] = {5, 7, 9, 13, 15, 17, 25, 41, 49, 65, 91, 97, 193, 257, 449, 561, 769};

    begin(_i);
    memset(&seen, 0, sizeof(seen));
    for (size_t i = 0; i < KW_ARRAY_LEN(moduli); i++) {
        for (uint64_t base = 2; base < moduli[i] - 1;) {
            set_bits(17);
            for (unsigned lane = 0; lane < kernel->lanes && base < moduli[i] - 1; lane++, base++) {
                batch.modulus[lane][0] = moduli[i];
                batch.base[lane][0] = base;
                use_lane(lane);
            }
            run_rounds();
        }
    }
    ck_assert_uint_gt(seen.passed, 1000);
    ck_assert_uint_gt(seen.failed, 500);
    end();
}
END_TEST

/* Strong pseudoprimes to the bases named: a round with one of these passes. */
static const struct {
    const char *number;
    unsigned bases[8];
} strong[] = {
    {"2047", {2}},
    {"3277", {2}},
    {"1373653", {2, 3}},
    {"25326001", {2, 3, 5}},
    {"3215031751", {2, 3, 5, 7}},
    {"3474749660383", {2, 3, 5, 7, 11, 13}},
    {"341550071728321", {2, 3, 5, 7, 11, 13, 17}},
    {"3825123056546413051", {2, 3, 5, 7, 11, 13, 17, 23}},
};

START_TEST(round_strong_pseudoprimes)
{
    begin(_i);
    memset(&seen, 0, sizeof(seen));
    for (size_t i = 0; i < KW_ARRAY_LEN(strong); i++) {
        BIGNUM *w = NULL;
        ck_assert_int_gt(BN_dec2bn(&w, strong[i].number), 0);
        for (unsigned base = 0; base < 8 && strong[i].bases[base] != 0; base++) {
            set_bits(KW_MIN(64u, kernel->bits_max));
            kw_numbers_words(batch.modulus[kernel->lanes - 1], WORDS, w);
            batch.base[kernel->lanes - 1][0] = strong[i].bases[base];
            use_lane(kernel->lanes - 1);
            run_rounds();
        }
        BN_copy(corpus_add(&corpus), w);
        BN_free(w);
    }
    ck_assert_uint_eq(seen.failed, 0);
    run_corpus(&corpus, 64, 40);
    ck_assert_uint_gt(seen.failed, 100);
    corpus_clear(&corpus);
    end();
}
END_TEST

/* Carmichael numbers (6k + 1)(12k + 1)(18k + 1), Fermat's test passes for all bases that share no factor; and
 * squares of primes. Rounds must see through them as often as the true test does. */
static void add_chernick(struct corpus *to, unsigned bits)
{
    BIGNUM *k = BN_new(), *p[3] = {BN_new(), BN_new(), BN_new()}, *w = corpus_add(to);
    bool found = false;

    while (!found) {
        found = true;
        BN_rand(k, (int)bits / 3 - 4, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY);
        for (unsigned i = 0; i < 3 && found; i++) {
            BN_copy(p[i], k);
            BN_mul_word(p[i], 6 * (i == 2 ? 3 : i + 1));
            BN_add_word(p[i], 1);
            found = BN_check_prime(p[i], ctx, NULL) == 1;
        }
    }
    BN_mul(w, p[0], p[1], ctx);
    BN_mul(w, w, p[2], ctx);
    BN_sqr(corpus_add(to), p[2], ctx);
    BN_free(k);
    for (unsigned i = 0; i < 3; i++)
        BN_free(p[i]);
}

START_TEST(round_carmichael)
{
    static const unsigned sizes[] = {64, 96, 141, 202};

    begin(_i);
    memset(&seen, 0, sizeof(seen));
    for (size_t i = 0; i < KW_ARRAY_LEN(sizes) && carmichael_corpus.num < 2 * 4 * KW_ARRAY_LEN(sizes); i++) {
        for (unsigned j = 0; j < 4; j++)
            add_chernick(&carmichael_corpus, sizes[i]);
    }
    run_corpus(&carmichael_corpus, KW_MIN(202u, kernel->bits_max), 20);
    ck_assert_uint_gt(seen.failed, 200);
    end();
}
END_TEST

/* Idle lanes neither pass nor are unsure, whichever one is in use, and if none is. */
START_TEST(round_idle_lanes)
{
    uint32_t pass = UINT32_MAX, unsure = UINT32_MAX;

    begin(_i);
    set_bits(kernel->bits_max);
    ck_assert_int_eq(kernel->round(kernel, scratch, batch.bits, batch.lanes, &pass, &unsure), 0);
    ck_assert_uint_eq(pass | unsure, 0);
    memset(&seen, 0, sizeof(seen));
    for (unsigned only = 0; only < kernel->lanes; only++) {
        set_bits(KW_MIN(512u, kernel->bits_max));
        set_known(batch.modulus[only], 9, 0);
        batch.base[only][0] = 3;
        use_lane(only);
        run_rounds();
    }
    ck_assert_uint_eq(seen.passed, kernel->lanes);
    end();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, round_random_and_extreme, 0, num_kernels);
    tcase_add_loop_test(tcase, round_known_primes, 0, num_kernels);
    tcase_add_loop_test(tcase, round_twos, 0, num_kernels);
    tcase_add_loop_test(tcase, round_all_bases, 0, num_kernels);
    tcase_add_loop_test(tcase, round_strong_pseudoprimes, 0, num_kernels);
    tcase_add_loop_test(tcase, round_carmichael, 0, num_kernels);
    tcase_add_loop_test(tcase, round_idle_lanes, 0, num_kernels);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;
    collect();
    return kw_suite_run("rsa/kernel_round", add_tests, 300);
}
