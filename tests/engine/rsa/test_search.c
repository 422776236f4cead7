#include "engine/rsa/search.h"

#include "engine/crypto.h"
#include "tests/support/numbers.h"
#include "tests/support/suite.h"

static struct kw_rng *rng;

/* ---- X ---- */

static const unsigned sizes[] = {64, 128, 1024, 1536, 2048};

/* floor(sqrt(2) 2^(bits-1)), by Newton's iteration from above. */
static void root(uint64_t *ret, unsigned bits)
{
    BIGNUM *square = BN_new(), *x = BN_new(), *next = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    BN_set_bit(square, (int)(2 * bits - 1));
    BN_set_bit(next, (int)bits);
    do {
        BN_copy(x, next);
        BN_div(next, NULL, square, x, ctx);
        BN_add(next, next, x);
        BN_rshift1(next, next);
    } while (BN_cmp(next, x) < 0);
    kw_numbers_words(ret, bits / 64, x);
    BN_free(square);
    BN_free(x);
    BN_free(next);
    BN_CTX_free(ctx);
}

START_TEST(range_is_exact)
{
    unsigned bits = sizes[_i];
    size_t num = bits / 64;
    uint64_t x[KW_RSA_PRIME_MAX];

    root(x, bits);
    ck_assert_uint_eq(kw_search_in_range(x, bits), 0);
    kw_words_add_word(x, x, num, 1);
    ck_assert_uint_eq(kw_search_in_range(x, bits), UINT64_MAX);
    memset(x, 0xff, sizeof(x));
    ck_assert_uint_eq(kw_search_in_range(x, bits), UINT64_MAX);
    memset(x, 0, sizeof(x));
    ck_assert_uint_eq(kw_search_in_range(x, bits), 0);
    x[num - 1] = (uint64_t)1 << 63;
    ck_assert_uint_eq(kw_search_in_range(x, bits), 0);
}
END_TEST

/* Uniform in the range: of the numbers between sqrt(1/2) and 1 (times 2^bits), 0.854 is the middle; and the
 * lowest bit is either. Of 4000 draws, less than 1800 on one side come up once in 10^10 runs. */
START_TEST(starts_are_spread_over_the_range)
{
    enum { DRAWS = 4000 };
    unsigned bits = sizes[_i], upper = 0, odd = 0;
    uint64_t x[KW_RSA_PRIME_MAX + 1], middle = 0xda827999fcef3242u;

    for (int i = 0; i < DRAWS; i++) {
        x[bits / 64] = 0x1234;
        ck_assert_int_eq(kw_search_start(x, bits, rng), 0);
        ck_assert_uint_eq(x[bits / 64], 0x1234);
        ck_assert_uint_eq(kw_search_in_range(x, bits), UINT64_MAX);
        upper += x[bits / 64 - 1] > middle;
        odd += x[0] & 1;
    }
    ck_assert_uint_gt(upper, 1800);
    ck_assert_uint_lt(upper, 2200);
    ck_assert_uint_gt(odd, 1800);
    ck_assert_uint_lt(odd, 2200);
}
END_TEST

/* ---- begin ---- */

static struct kw_rsa_kit kit_of(unsigned nlen)
{
    return (struct kw_rsa_kit){.rounds = kw_primality_rounds_of(nlen),
        .nlen = nlen,
        .bits = nlen / 2,
        .num = nlen / 128,
        .rng = rng};
}

static void set_auxiliary(uint64_t *ret, const BIGNUM *prime)
{
    kw_numbers_words(ret, KW_SEARCH_AUXILIARY_WORDS, prime);
}

static BIGNUM *auxiliary_prime(const struct kw_rsa_kit *kit)
{
    BIGNUM *prime = BN_new();

    ck_assert_int_eq(BN_generate_prime_ex(prime, (int)kit->rounds->auxiliary_bits, 0, NULL, NULL, NULL), 1);
    return prime;
}

/* B.9: Y is the first number from X on that is 1 modulo r1 (and odd) and -1 modulo r2. */
START_TEST(begin_lays_the_progression)
{
    struct kw_rsa_kit kit = kit_of(2048 + 1024 * (unsigned)_i);
    struct kw_search search = {0};
    BIGNUM *r1 = auxiliary_prime(&kit), *r2 = auxiliary_prime(&kit), *y, *rest = BN_new(), *x;
    BN_CTX *ctx = BN_CTX_new();

    set_auxiliary(search.r1, r1);
    set_auxiliary(search.r2, r2);
    ck_assert_int_eq(kw_search_begin(&search, &kit), 0);
    ck_assert_uint_eq(kw_search_in_range(search.progression.x, kit.bits), UINT64_MAX);
    x = kw_numbers_bn_new(search.progression.x, kit.num);
    y = kw_numbers_bn_new(search.progression.window, kit.num + 1);
    BN_lshift1(r1, r1);
    ck_assert_int_eq(BN_mod(rest, y, r1, ctx), 1);
    ck_assert(BN_is_one(rest));
    BN_add_word(y, 1);
    ck_assert_int_eq(BN_mod(rest, y, r2, ctx), 1);
    ck_assert(BN_is_zero(rest));
    BN_sub_word(y, 1);
    BN_sub(y, y, x);
    ck_assert(!BN_is_negative(y));
    BN_mul(rest, r1, r2, ctx);
    ck_assert_int_lt(BN_cmp(y, rest), 0);

    BIGNUM *all[] = {r1, r2, y, rest, x};
    for (size_t i = 0; i < KW_ARRAY_LEN(all); i++)
        BN_free(all[i]);
    BN_CTX_free(ctx);
}
END_TEST

START_TEST(equal_auxiliary_primes_are_unfit)
{
    struct kw_rsa_kit kit = kit_of(2048);
    struct kw_search search = {0};
    BIGNUM *r = auxiliary_prime(&kit);

    set_auxiliary(search.r1, r);
    set_auxiliary(search.r2, r);
    ck_assert_int_eq(kw_search_begin(&search, &kit), KW_SEARCH_UNFIT);
    BN_free(r);
}
END_TEST

/* ---- queues ---- */

START_TEST(queues_keep_the_order)
{
    static struct kw_search searches[KW_SEARCHES_MAX];
    struct kw_search_queue queue = {0};

    for (int i = 0; i < (int)KW_SEARCHES_MAX; i++)
        kw_search_queue_push(&queue, &searches[i]);
    ck_assert_uint_eq(queue.num, KW_SEARCHES_MAX);
    ck_assert_ptr_eq(kw_search_queue_take(&queue, 3), &searches[3]);
    ck_assert_ptr_eq(kw_search_queue_take(&queue, queue.num - 1), &searches[KW_SEARCHES_MAX - 1]);
    for (int i = 0; i < (int)KW_SEARCHES_MAX - 1; i++)
        if (i != 3)
            ck_assert_ptr_eq(kw_search_queue_pop(&queue), &searches[i]);
    ck_assert_uint_eq(queue.num, 0);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, range_is_exact, 0, KW_ARRAY_LEN(sizes));
    tcase_add_loop_test(tcase, starts_are_spread_over_the_range, 0, KW_ARRAY_LEN(sizes));
    tcase_add_loop_test(tcase, begin_lays_the_progression, 0, 3);
    tcase_add_test(tcase, equal_auxiliary_primes_are_unfit);
    tcase_add_test(tcase, queues_keep_the_order);
}

int main(void)
{
    if (kw_crypto_init() != 0 || kw_rng_new(&rng) != 0)
        return EXIT_FAILURE;
    int status = kw_suite_run("search", add, 60);
    kw_rng_free(rng);
    return status;
}
