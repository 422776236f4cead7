#include "engine/rsa/finder.h"

#include "tests/support/rsa_rig.h"
#include "tests/support/suite.h"

static struct rig rig;
static struct kw_finder *finder;
static struct kw_search_queue passed;

static void begin(int path, enum kw_spec spec)
{
    rig_up(&rig, path, spec);
    finder = rig.parts->finder;
    rig_fake(&rig);
    passed.num = 0;
}

/* Every search is somewhere, and in one place only. */
static void end(void)
{
    unsigned num =
        finder->unused.num + finder->drawn.num + finder->unsieved.num + finder->ready.num + passed.num;

    for (unsigned i = 0; i < rig_lanes(&rig); i++)
        num += finder->lane[i] != NULL;
    ck_assert_uint_eq(num, finder->num_searches);
    rig_down(&rig);
}

static void work(void)
{
    ck_assert_int_eq(kw_finder_work(finder, &passed), 0);
}

/* Works until every lane has a search that has been under the filter. */
static void fill_lanes(void)
{
    while (fake.filters == 0)
        work();
}

/* ---- what is found ---- */

struct found {
    BIGNUM *p, *x, *r1, *r2, *step, *rest;
    BN_CTX *ctx;
};

static void found_init(struct found *found, const struct kw_search *search)
{
    size_t num = rig.kit->num;

    found->ctx = BN_CTX_new();
    found->p = kw_numbers_bn_new(search->candidate, num);
    found->x = kw_numbers_bn_new(search->progression.x, num);
    found->r1 = kw_numbers_bn_new(search->r1, KW_SEARCH_AUXILIARY_WORDS);
    found->r2 = kw_numbers_bn_new(search->r2, KW_SEARCH_AUXILIARY_WORDS);
    found->step = BN_new();
    found->rest = BN_new();
    BN_mul(found->step, found->r1, found->r2, found->ctx);
    BN_lshift1(found->step, found->step);
}

static void found_done(struct found *found)
{
    BIGNUM *all[] = {found->p, found->x, found->r1, found->r2, found->step, found->rest};

    for (size_t i = 0; i < KW_ARRAY_LEN(all); i++)
        BN_free(all[i]);
    BN_CTX_free(found->ctx);
}

/* A.1.6 steps 4.1 and 4.2: lengths and primality of the auxiliary primes, and what they divide. */
static void check_auxiliary(struct found *found)
{
    int bits = (int)rig.kit->rounds->auxiliary_bits;

    ck_assert_int_ge(BN_num_bits(found->r1), bits);
    ck_assert_int_le(BN_num_bits(found->r1), bits + 1);
    ck_assert_int_ge(BN_num_bits(found->r2), bits);
    ck_assert_int_le(BN_num_bits(found->r2), bits + 1);
    ck_assert_int_ne(BN_cmp(found->r1, found->r2), 0);
    ck_assert(rig_is_prime(found->r1));
    ck_assert(rig_is_prime(found->r2));
    BN_sub_word(found->p, 1);
    BN_mod(found->rest, found->p, found->r1, found->ctx);
    ck_assert(BN_is_zero(found->rest));
    ck_assert_int_ne((int)BN_mod_word(found->p, KW_RSA_E), 0);
    BN_add_word(found->p, 2);
    BN_mod(found->rest, found->p, found->r2, found->ctx);
    ck_assert(BN_is_zero(found->rest));
    BN_sub_word(found->p, 1);
}

/* B.9: it is a prime, and every member of the progression from X up to it is none, or does not suit e. */
static void check_first(struct found *found)
{
    ck_assert(rig_is_prime(found->p));
    ck_assert_int_eq(BN_num_bits(found->p), (int)rig.kit->bits);
    ck_assert_int_ge(BN_cmp(found->p, found->x), 0);
    for (unsigned i = 0; i <= 20 * rig.kit->bits; i++) {
        BN_sub(found->p, found->p, found->step);
        if (BN_cmp(found->p, found->x) < 0)
            return;
        ck_assert(BN_mod_word(found->p, KW_RSA_E) == 1 || !rig_is_prime(found->p));
    }
    ck_abort_msg("further than a search goes");
}

static void check_found(const struct kw_search *search)
{
    struct found found;

    found_init(&found, search);
    check_auxiliary(&found);
    check_first(&found);
    found_done(&found);
}

START_TEST(candidates_are_first_primes)
{
    begin(_i, KW_SPEC_RSA_2048);
    for (int i = 0; i < 3; i++) {
        while (passed.num == 0)
            work();
        struct kw_search *search = kw_search_queue_pop(&passed);
        ck_assert_uint_eq(kw_search_in_range(search->progression.x, 1024), UINT64_MAX);
        ck_assert_uint_eq(search->rounds_begun, 0);
        check_found(search);
        kw_finder_release(finder, search);
    }
    ck_assert_uint_eq(rig.kit->stats.filter_batches, fake.filters);
    ck_assert_uint_eq(rig.kit->stats.candidates, fake.filters * rig_lanes(&rig));
    end();
}
END_TEST

START_TEST(other_sizes)
{
    begin(_i % RIG_PATHS, (enum kw_spec)(KW_SPEC_RSA_3072 + _i / RIG_PATHS));
    while (passed.num == 0)
        work();
    struct found found;
    found_init(&found, passed.item[0]);
    check_auxiliary(&found);
    ck_assert(rig_is_prime(found.p));
    found_done(&found);
    end();
}
END_TEST

/* Works until this very search passes the filter (again). The others are let go. */
static void work_until_passed(const struct kw_search *search)
{
    for (;;) {
        while (passed.num == 0)
            work();
        struct kw_search *next = kw_search_queue_pop(&passed);
        if (next == search)
            return;
        kw_finder_release(finder, next);
    }
}

/* A search that is given back as composite goes on behind its candidate: what it finds next is the next prime
 * of its progression. */
START_TEST(resumed_searches_go_on)
{
    struct found found;

    begin(_i, KW_SPEC_RSA_2048);
    while (passed.num == 0)
        work();
    struct kw_search *search = kw_search_queue_pop(&passed);
    BIGNUM *before = kw_numbers_bn_new(search->candidate, rig.kit->num);
    kw_finder_resume(finder, search);
    work_until_passed(search);
    found_init(&found, search);
    ck_assert_int_gt(BN_cmp(found.p, before), 0);
    BN_copy(found.x, before);
    BN_add_word(found.x, 1);
    check_first(&found);
    found_done(&found);
    BN_free(before);
    kw_finder_release(finder, search);
    end();
}
END_TEST

/* ---- what does not happen by chance ---- */

static bool all_zero(const void *memory, size_t len)
{
    const uint8_t *bytes = memory;

    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static bool is_unused(const struct kw_search *search)
{
    for (unsigned i = 0; i < finder->unused.num; i++)
        if (finder->unused.item[i] == search)
            return true;
    return false;
}

/* B.9 step 1: the same prime twice is FAILURE, and everything is drawn anew. */
START_TEST(unfit_auxiliary_primes_are_thrown_away)
{
    begin(_i, KW_SPEC_RSA_2048);
    while (finder->drawn.num < KW_SIEVE_GROUP)
        work();
    struct kw_search *unfit = finder->drawn.item[2], *fit = finder->drawn.item[3];
    memcpy(unfit->r2, unfit->r1, sizeof(unfit->r1));
    work();
    ck_assert(is_unused(unfit));
    ck_assert(all_zero(unfit, sizeof(*unfit)));
    ck_assert(!is_unused(fit));
    ck_assert_uint_eq(finder->drawn.num, 0);
    while (passed.num == 0)
        work();
    check_found(passed.item[0]);
    end();
}
END_TEST

/* B.9 step 6: another X for the same auxiliary primes. */
START_TEST(overflowing_searches_begin_again)
{
    uint64_t r1[KW_SEARCH_AUXILIARY_WORDS], r2[KW_SEARCH_AUXILIARY_WORDS], x[KW_RSA_PRIME_MAX];

    begin(_i, KW_SPEC_RSA_2048);
    fake.none_passes = true;
    fill_lanes();
    struct kw_search *search = finder->lane[rig_lanes(&rig) - 1];
    memcpy(r1, search->r1, sizeof(r1));
    memcpy(r2, search->r2, sizeof(r2));
    memcpy(x, search->progression.x, 8 * rig.kit->num);
    /* The next member is above 2^1024. */
    memset(search->progression.window, 0xff, 8 * rig.kit->num);
    memset(search->progression.map, 0, sizeof(search->progression.map));
    search->progression.map[0] = 1 << 1;
    work();
    ck_assert_uint_eq(finder->drawn.num, 1);
    ck_assert_ptr_eq(finder->drawn.item[0], search);
    fake.none_passes = false;
    work_until_passed(search);
    ck_assert_mem_eq(search->r1, r1, sizeof(r1));
    ck_assert_mem_eq(search->r2, r2, sizeof(r2));
    ck_assert_mem_ne(search->progression.x, x, 8 * rig.kit->num);
    check_found(search);
    kw_finder_release(finder, search);
    end();
}
END_TEST

/* The end of a window: the next one is sieved, and no member is lost on the way. */
START_TEST(searches_go_on_into_the_next_window)
{
    begin(_i, KW_SPEC_RSA_2048);
    fake.none_passes = true;
    fill_lanes();
    struct kw_search *search = finder->lane[0];
    while (search->progression.passed == 0)
        work();
    ck_assert_uint_eq(search->progression.passed, KW_SIEVE_WINDOW);
    fake.none_passes = false;
    BIGNUM *window = kw_numbers_bn_new(search->progression.window, rig.kit->num);
    work_until_passed(search);
    struct found found;
    found_init(&found, search);
    BN_copy(found.x, window);
    check_first(&found);
    found_done(&found);
    BN_free(window);
    kw_finder_release(finder, search);
    end();
}
END_TEST

/* B.9 step 9: after 20 (nlen / 2) members without a prime everything is drawn anew; and the finder goes on.
 */
START_TEST(exhausted_searches_are_replaced)
{
    begin(_i, KW_SPEC_RSA_2048);
    fake.none_passes = true;
    fill_lanes();
    struct kw_search *search = finder->lane[0];
    uint64_t r1[KW_SEARCH_AUXILIARY_WORDS];
    uint32_t furthest = 0;
    memcpy(r1, search->r1, sizeof(r1));
    while (memcmp(search->r1, r1, sizeof(r1)) == 0) {
        furthest = KW_MAX(furthest, search->progression.passed);
        work();
    }
    ck_assert_uint_eq(furthest, 20 * 1024 - KW_SIEVE_WINDOW);
    fake.none_passes = false;
    while (passed.num == 0)
        work();
    struct found found;
    found_init(&found, passed.item[0]);
    check_auxiliary(&found);
    ck_assert(rig_is_prime(found.p));
    found_done(&found);
    end();
}
END_TEST

/* B.9 step 7: a prime that is 1 modulo e is passed over. */
START_TEST(primes_that_do_not_suit_e_are_passed_over)
{
    BIGNUM *prime = rig_prime(1024, 2ul * KW_RSA_E, 1);
    uint64_t words[KW_RSA_PRIME_MAX];

    begin(_i, KW_SPEC_RSA_2048);
    kw_numbers_words(words, rig.kit->num, prime);
    fake.none_passes = true;
    fill_lanes();
    struct kw_search *search = finder->lane[0];
    memcpy(search->candidate, words, 8 * rig.kit->num);
    fake.none_passes = false;
    work();
    for (unsigned i = 0; i < passed.num; i++)
        ck_assert_ptr_ne(passed.item[i], search);
    ck_assert_mem_ne(search->candidate, words, 8 * rig.kit->num);
    ck_assert_ptr_eq(finder->lane[0], search);
    end();
    BN_free(prime);
}
END_TEST

/* While candidates are held by the caller, there are enough searches for the lanes, and none is drawn beyond
 * what there is memory for. */
START_TEST(searches_do_not_run_out)
{
    begin(_i, KW_SPEC_RSA_2048);
    while (passed.num < rig_lanes(&rig) + 1)
        work();
    for (int i = 0; i < 20; i++)
        work();
    end();
}
END_TEST

START_TEST(fatal_errors_are_forwarded)
{
    begin(_i, KW_SPEC_RSA_2048);
    fill_lanes();
    fake.fatal = KW_EOPENSSL;
    int r = 0;
    for (int i = 0; i < 10 && r == 0; i++)
        r = kw_finder_work(finder, &passed);
    ck_assert_int_eq(r, KW_EOPENSSL);
    end();
    kw_finder_free(NULL);
}
END_TEST

static void add(TCase *tcase)
{
    int paths = RIG_PATHS;

    tcase_add_loop_test(tcase, candidates_are_first_primes, 0, paths);
    tcase_add_loop_test(tcase, other_sizes, 0, 2 * paths);
    tcase_add_loop_test(tcase, resumed_searches_go_on, 0, paths);
    tcase_add_loop_test(tcase, unfit_auxiliary_primes_are_thrown_away, 0, paths);
    tcase_add_loop_test(tcase, overflowing_searches_begin_again, 0, paths);
    tcase_add_loop_test(tcase, searches_go_on_into_the_next_window, 0, paths);
    tcase_add_loop_test(tcase, exhausted_searches_are_replaced, 0, paths);
    tcase_add_loop_test(tcase, primes_that_do_not_suit_e_are_passed_over, 0, paths);
    tcase_add_loop_test(tcase, searches_do_not_run_out, 0, paths);
    tcase_add_loop_test(tcase, fatal_errors_are_forwarded, 0, paths);
}

int main(void)
{
    if (kw_crypto_init() != 0 || kw_rng_new(&rng) != 0)
        return EXIT_FAILURE;
    int status = kw_suite_run("finder", add, 100);
    kw_rng_free(rng);
    return status;
}
