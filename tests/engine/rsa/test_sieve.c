#include "engine/crypto.h"
#include "engine/rsa/moduli.h"
#include "engine/rsa/sieve.h"
#include "pool/secmem.h"

#include "tests/support/suite.h"

#include <openssl/bn.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>

enum { WORDS_MAX = 33 };

struct number {
    uint64_t words[WORDS_MAX];
};
struct map {
    uint64_t words[KW_SIEVE_WINDOW_WORDS];
};

/* A group of progressions and what each path made of it. */
struct group {
    unsigned num;
    size_t num_start, num_step; /* num_step 0: step NULL */
    struct number start[KW_SIEVE_GROUP], step[KW_SIEVE_GROUP];
    struct map map[KW_SIEVE_GROUP];
};

static BIGNUM *bignum_of(const struct number *number, size_t num)
{
    BIGNUM *a = BN_lebin2bn((const uint8_t *)number->words, (int)(num * 8), NULL);

    ck_assert_ptr_nonnull(a);
    return a;
}

static uint32_t modulo(const struct number *number, size_t num, uint32_t prime)
{
    BIGNUM *a = bignum_of(number, num);
    BN_ULONG rest = BN_mod_word(a, prime);

    BN_free(a);
    return (uint32_t)rest;
}

/* start is at least 2^32 and odd. */
static void random_start(struct number *start, size_t num)
{
    memset(start, 0, sizeof(*start));
    ck_assert_int_eq(RAND_bytes((uint8_t *)start->words, (int)(num * 8)), 1);
    start->words[0] |= 1ull << 32 | 1;
}

/* Even, and with no odd factor below the bound. */
static void random_step(struct number *step, size_t num, const uint32_t *primes, size_t num_primes)
{
    bool fits = false;

    memset(step, 0, sizeof(*step));
    while (!fits) {
        BIGNUM *a;

        ck_assert_int_eq(RAND_bytes((uint8_t *)step->words, (int)(num * 8)), 1);
        step->words[0] = (step->words[0] | 1) << 1;
        a = bignum_of(step, num);
        fits = true;
        for (size_t i = 0; i < num_primes && fits; i++)
            fits = BN_mod_word(a, primes[i]) != 0;
        BN_free(a);
    }
}

/* What the sieve should say, one member and one prime after the other. */
static void expect(
    struct map *map, const struct group *group, unsigned i, const uint32_t *primes, size_t num_primes)
{
    memset(map, 0xff, sizeof(*map));
    for (size_t j = 0; j < num_primes; j++) {
        uint32_t prime = primes[j], rest = modulo(&group->start[i], group->num_start, prime);
        uint32_t step = group->num_step == 0 ? 2 : modulo(&group->step[i], group->num_step, prime);

        for (unsigned k = 0; k < KW_SIEVE_WINDOW; k++) {
            if (rest == 0)
                map->words[k / 64] &= ~(1ull << k % 64);
            rest += step;
            rest -= rest >= prime ? prime : 0;
        }
    }
}

static void run(struct group *group, enum kw_cpu_path path, uint32_t bound)
{
    struct kw_sieve_job jobs[KW_SIEVE_GROUP];
    const struct kw_sieve *sieve;
    void *scratch;

    ck_assert_int_eq(kw_sieve_get(&sieve, path, bound), 0);
    scratch = kw_secmem_alloc_aligned(kw_sieve_scratch_len(sieve), 64);
    ck_assert_ptr_nonnull(scratch);
    for (unsigned i = 0; i < group->num; i++)
        jobs[i] = (struct kw_sieve_job){.start = group->start[i].words,
            .step = group->num_step == 0 ? NULL : group->step[i].words,
            .ret_map = group->map[i].words};
    /* What a scratch holds from before does not matter, nor does a step's length if there is none. */
    ck_assert_int_eq(RAND_bytes(scratch, (int)kw_sieve_scratch_len(sieve)), 1);
    kw_sieve_run(
        sieve, jobs, group->num, group->num_start, group->num_step == 0 ? 77 : group->num_step, scratch);
    kw_secmem_free(scratch);
}

static void assert_maps(const struct group *group, const struct map *expected, enum kw_cpu_path path)
{
    for (unsigned i = 0; i < group->num; i++)
        for (unsigned j = 0; j < KW_SIEVE_WINDOW_WORDS; j++) {
            uint64_t wrong = group->map[i].words[j] ^ expected[i].words[j];

            if (wrong != 0)
                ck_abort_msg("%s: progression %u of %u, word %u: wrong bits %lx", kw_cpu_path_name(path), i,
                    group->num, j, (unsigned long)wrong);
        }
}

/* Both paths, if the machine has both, say what division says. */
static void check(struct group *group, uint32_t bound, const uint32_t *primes, size_t num_primes)
{
    struct map expected[KW_SIEVE_GROUP];

    for (unsigned i = 0; i < group->num; i++)
        expect(&expected[i], group, i, primes, num_primes);
    for (enum kw_cpu_path path = KW_CPU_PORTABLE; path <= kw_cpu_detect(); path++) {
        run(group, path, bound);
        assert_maps(group, expected, path);
    }
}

static void fill_random(struct group *group, const uint32_t *primes, size_t num_primes)
{
    for (unsigned i = 0; i < group->num; i++) {
        random_start(&group->start[i], group->num_start);
        if (group->num_step != 0)
            random_step(&group->step[i], group->num_step, primes, num_primes);
    }
}

static void check_random(unsigned num, size_t num_start, size_t num_step, uint32_t bound)
{
    struct group group = {.num = num, .num_start = num_start, .num_step = num_step};
    uint32_t *primes;
    size_t num_primes;

    ck_assert_int_eq(kw_moduli_primes(&primes, &num_primes, 3, bound), 0);
    fill_random(&group, primes, num_primes);
    check(&group, bound, primes, num_primes);
    free(primes);
}

START_TEST(every_number_of_progressions)
{
    check_random((unsigned)_i, 16, 5, 1u << 14);
    check_random((unsigned)_i, 3, 0, 1u << 12);
}
END_TEST

/* All lengths of start and step, also a step that is longer than the start. */
START_TEST(every_length)
{
    check_random(2, (size_t)_i, (size_t)(34 - _i), 1u << 9);
    check_random(2, (size_t)_i, (size_t)((_i + 2) / 3), 1u << 12);
    check_random(2, (size_t)_i, 0, 1u << 10);
}
END_TEST

static const struct {
    uint32_t bound;
    unsigned num;
    size_t num_start, num_step;
} bounds[] = {
    {1u << 8, 8, 16, 5},
    {1u << 9, 8, 24, 6},
    {1u << 10, 8, 32, 7},
    {1u << 11, 8, 3, 0},
    {1u << 12, 8, 4, 0},
    {1u << 13, 8, 3, 0},
    {1u << 13, 3, 16, 5},
    {1u << 14, 3, 24, 6},
    {1u << 15, 2, 32, 7},
    {1u << 16, 2, 16, 5},
    {1u << 17, 1, 24, 6},
    {1u << 18, 1, 16, 5},
    {1u << 18, 1, 4, 0},
    {1u << 19, 1, 16, 5},
    {1u << 20, 1, 33, 33},
};

START_TEST(every_bound)
{
    check_random(bounds[_i].num, bounds[_i].num_start, bounds[_i].num_step, bounds[_i].bound);
}
END_TEST

/* Makes the member with the index a multiple of each of num primes: start += step * ((-start / step - index)
 * modulo their product), as far as the words go. */
static void place(struct group *group, unsigned i, const uint32_t *primes, size_t num, unsigned index)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *start = bignum_of(&group->start[i], group->num_start), *product = BN_new(), *offset = BN_new();
    BIGNUM *step = bignum_of(&group->step[i], group->num_step == 0 ? 1 : group->num_step);

    if (group->num_step == 0)
        BN_set_word(step, 2);
    BN_one(product);
    for (size_t j = 0; j < num; j++)
        BN_mul_word(product, primes[j]);
    /* start' = start + 2 x with start' + index step = 0 modulo the product. */
    BN_copy(offset, step);
    BN_mul_word(offset, index);
    BN_add(offset, offset, start);
    BN_nnmod(offset, offset, product, ctx);
    BN_sub(offset, product, offset);
    if (BN_is_odd(offset))
        BN_add(offset, offset, product);
    BN_add(start, start, offset);
    ck_assert_int_eq(BN_bn2lebinpad(start, (uint8_t *)group->start[i].words, (int)(group->num_start * 8)),
        (int)(group->num_start * 8));
    BN_free(start);
    BN_free(step);
    BN_free(product);
    BN_free(offset);
    BN_CTX_free(ctx);
}

static bool marked(const struct map *map, unsigned index)
{
    return (map->words[index / 64] >> index % 64 & 1) == 0;
}

/* Where words, vectors and the window begin and end. */
static const unsigned edges[] = {
    0, 1, 31, 32, 63, 64, 511, 512, 1023, 1024, 1535, 1536, 2015, 2016, 2046, 2047};

/* A prime divides the members at and around each edge, and those just outside the window. */
START_TEST(hits_at_the_edges)
{
    static const uint32_t bound = 1u << 13;
    static const uint32_t some[] = {3, 5, 31, 37, 61, 67, 509, 521, 2039, 2053, 4093, 4099, 8191};
    struct group group = {.num = 8, .num_start = 16, .num_step = _i % 2 == 0 ? 5 : 0};
    uint32_t prime = some[_i], *primes;
    size_t num_primes;

    ck_assert_int_eq(kw_moduli_primes(&primes, &num_primes, 3, bound), 0);
    for (unsigned edge = 0; edge < KW_ARRAY_LEN(edges); edge += 8) {
        fill_random(&group, primes, num_primes);
        for (unsigned i = 0; i < 8; i++) {
            group.start[i].words[group.num_start - 1] >>= 1; /* room for what is added */
            place(&group, i, &prime, 1, edges[edge + i]);
        }
        check(&group, bound, primes, num_primes);
        for (unsigned i = 0; i < 8; i++)
            ck_assert(marked(&group.map[i], edges[edge + i]));
    }
    for (unsigned i = 0; i < 8; i++)
        place(&group, i, &prime, 1, KW_SIEVE_WINDOW + i / 2);
    check(&group, bound, primes, num_primes);
    free(primes);
}
END_TEST

/* Many large primes hit together, and fewer than fill the queue at once. */
START_TEST(many_hits_at_one_place)
{
    static const uint32_t bound = 1u << 17;
    struct group group = {.num = 2, .num_start = 16, .num_step = 5};
    uint32_t *primes;
    size_t num_primes;

    ck_assert_int_eq(kw_moduli_primes(&primes, &num_primes, 3, bound), 0);
    fill_random(&group, primes, num_primes);
    group.start[0].words[15] >>= 1;
    group.start[1].words[15] >>= 1;
    place(&group, 0, primes + num_primes - 12, 12, 77);
    place(&group, 1, primes + num_primes / 2, 12, 2047);
    check(&group, bound, primes, num_primes);
    free(primes);
}
END_TEST

/* So many hits that hits are lost: what is marked has a small factor nevertheless, and other progressions are
 * not disturbed. */
START_TEST(a_flood_of_hits_is_sound)
{
    static const uint32_t bound = 1u << 16;
    struct group group = {.num = 3, .num_start = 33, .num_step = 7};
    struct map expected[3];
    uint32_t *primes;
    size_t num_primes;

    ck_assert_int_eq(kw_moduli_primes(&primes, &num_primes, 3, bound), 0);
    fill_random(&group, primes, num_primes);
    group.start[1].words[32] >>= 1;
    /* 2048 bits of primes: all of some vectors hit. */
    place(&group, 1, primes + num_primes - 130, 130, (unsigned)_i);
    for (unsigned i = 0; i < 3; i++)
        expect(&expected[i], &group, i, primes, num_primes);
    for (enum kw_cpu_path path = KW_CPU_PORTABLE; path <= kw_cpu_detect(); path++) {
        run(&group, path, bound);
        for (unsigned j = 0; j < KW_SIEVE_WINDOW_WORDS; j++) {
            ck_assert_uint_eq(group.map[0].words[j], expected[0].words[j]);
            ck_assert_uint_eq(~group.map[1].words[j] & expected[1].words[j], 0);
            ck_assert_uint_eq(group.map[2].words[j], expected[2].words[j]);
        }
    }
    free(primes);
}
END_TEST

/* Numbers whose limbs are all ones, all zeros but the lowest, and a single high bit. */
START_TEST(extreme_numbers)
{
    struct group group = {.num = 6, .num_start = _i % 2 == 0 ? 16 : 33, .num_step = _i / 2 % 2 == 0 ? 5 : 33};
    static const uint32_t bound = 1u << 13;
    uint32_t *primes;
    size_t num_primes;

    if (_i >= 4)
        group.num_step = 0;
    ck_assert_int_eq(kw_moduli_primes(&primes, &num_primes, 3, bound), 0);
    fill_random(&group, primes, num_primes);
    memset(&group.start[0], 0xff, sizeof(group.start[0]));
    memset(&group.start[1], 0, sizeof(group.start[1]));
    group.start[1].words[group.num_start - 1] = 1ull << 63;
    group.start[1].words[0] = 1;
    memset(&group.start[2], 0xff, sizeof(group.start[2]));
    memset(&group.step[2], 0, sizeof(group.step[2]));
    group.step[2].words[0] = 2;
    memset(&group.start[3], 0, sizeof(group.start[3]));
    group.start[3].words[0] = 65537;
    memset(&group.step[4], 0, sizeof(group.step[4]));
    if (group.num_step != 0)
        group.step[4].words[group.num_step - 1] = 1ull << 63;
    /* The modulus R - 1 of all ones and steps of sparse limbs make sums that are 0 in the low half. */
    memset(&group.step[5], 0, sizeof(group.step[5]));
    if (group.num_step != 0)
        group.step[5].words[group.num_step / 2] = 1ull << 20;
    check(&group, bound, primes, num_primes);
    free(primes);
}
END_TEST

/* number = residues[i] modulo primes[i], even. */
static void combine(
    struct number *number, size_t num, const uint32_t *primes, const uint32_t *residues, size_t num_primes)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *product = BN_new(), *sum = BN_new(), *others = BN_new(), *prime = BN_new();

    BN_one(product);
    BN_zero(sum);
    for (size_t i = 0; i < num_primes; i++) {
        BIGNUM *lift;

        /* sum += product * ((residue - sum) / product modulo the prime) */
        BN_set_word(prime, primes[i]);
        lift = BN_mod_inverse(NULL, product, prime, ctx);
        ck_assert_ptr_nonnull(lift);
        BN_mul_word(lift, (residues[i] + primes[i] - BN_mod_word(sum, primes[i])) % primes[i]);
        BN_set_word(others, BN_mod_word(lift, primes[i]));
        BN_mul(others, others, product, ctx);
        BN_add(sum, sum, others);
        BN_mul_word(product, primes[i]);
        BN_free(lift);
    }
    if (BN_is_odd(sum))
        BN_add(sum, sum, product);
    ck_assert_int_eq(BN_bn2lebinpad(sum, (uint8_t *)number->words, (int)(num * 8)), (int)(num * 8));
    BN_free(product);
    BN_free(sum);
    BN_free(others);
    BN_free(prime);
    BN_CTX_free(ctx);
}

/* Every step that there is modulo every small prime: Euclid's fixed number of steps is enough for each
 * inverse. */
START_TEST(every_step_of_small_primes)
{
    static const uint32_t bound = 1u << 9;
    struct group group = {.num = 8, .num_start = 12, .num_step = 12};
    uint32_t *primes, residues[96];
    size_t num_primes;

    ck_assert_int_eq(kw_moduli_primes(&primes, &num_primes, 3, bound), 0);
    ck_assert_uint_le(num_primes, KW_ARRAY_LEN(residues));
    for (uint32_t step = 0; step < bound; step += 8) {
        fill_random(&group, primes, 0);
        for (unsigned i = 0; i < 8; i++) {
            for (size_t j = 0; j < num_primes; j++)
                residues[j] = (step + i) % (primes[j] - 1) + 1;
            combine(&group.step[i], group.num_step, primes, residues, num_primes);
        }
        check(&group, bound, primes, num_primes);
    }
    free(primes);
}
END_TEST

/* The two paths agree where division would take long. */
START_TEST(paths_agree)
{
    static const struct {
        uint32_t bound;
        size_t num_start, num_step;
    } cases[] = {
        {1u << 20, 16, 5}, {1u << 18, 32, 7}, {1u << 21, 24, 6}, {1u << 13, 4, 0}, {1u << 23, 32, 7}};
    struct group group = {.num = 8, .num_start = cases[_i].num_start, .num_step = cases[_i].num_step};
    struct map portable[KW_SIEVE_GROUP];
    uint32_t *primes;
    size_t num_primes;

    if (kw_cpu_detect() != KW_CPU_AVX512IFMA) {
        fprintf(stderr, "skipped: this machine has no AVX-512 IFMA\n");
        return;
    }
    ck_assert_int_eq(kw_moduli_primes(&primes, &num_primes, 3, cases[_i].bound), 0);
    fill_random(&group, primes, num_primes);
    free(primes);
    run(&group, KW_CPU_PORTABLE, cases[_i].bound);
    memcpy(portable, group.map, sizeof(portable));
    run(&group, KW_CPU_AVX512IFMA, cases[_i].bound);
    assert_maps(&group, portable, KW_CPU_AVX512IFMA);
}
END_TEST

/* Many random groups: more than any one queue's overflow would survive if it were not rare. */
START_TEST(paths_agree_often)
{
    struct group group = {.num = 8, .num_start = 16, .num_step = 5};
    struct map portable[KW_SIEVE_GROUP];
    uint32_t *primes;
    size_t num_primes;

    if (kw_cpu_detect() != KW_CPU_AVX512IFMA) {
        fprintf(stderr, "skipped: this machine has no AVX-512 IFMA\n");
        return;
    }
    ck_assert_int_eq(kw_moduli_primes(&primes, &num_primes, 3, 1u << 16), 0);
    for (int round = 0; round < 50; round++) {
        fill_random(&group, primes, num_primes);
        run(&group, KW_CPU_PORTABLE, 1u << 16);
        memcpy(portable, group.map, sizeof(portable));
        run(&group, KW_CPU_AVX512IFMA, 1u << 16);
        assert_maps(&group, portable, KW_CPU_AVX512IFMA);
    }
    free(primes);
}
END_TEST

static void *get(void *arg)
{
    const struct kw_sieve **ret = arg;

    return kw_sieve_get(ret, kw_cpu_detect(), 1u << 10) == 0 ? NULL : arg;
}

/* Threads that ask at once get one table; another bound or path has its own. */
START_TEST(get_makes_one)
{
    const struct kw_sieve *got[8], *other;
    pthread_t threads[8];

    for (unsigned i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, get, &got[i]), 0);
    for (unsigned i = 0; i < 8; i++) {
        void *failed;

        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
        ck_assert_ptr_eq(got[i], got[0]);
    }
    ck_assert_int_eq(kw_sieve_get(&other, kw_cpu_detect(), 1u << 11), 0);
    ck_assert_ptr_ne(other, got[0]);
    ck_assert_int_eq(kw_sieve_get(&other, KW_CPU_PORTABLE, 1u << 10), 0);
    ck_assert((other == got[0]) == (kw_cpu_detect() == KW_CPU_PORTABLE));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, every_number_of_progressions, 1, KW_SIEVE_GROUP + 1);
    tcase_add_loop_test(tcase, every_length, 1, WORDS_MAX + 1);
    tcase_add_loop_test(tcase, every_bound, 0, (int)KW_ARRAY_LEN(bounds));
    tcase_add_loop_test(tcase, hits_at_the_edges, 0, 13);
    tcase_add_test(tcase, many_hits_at_one_place);
    tcase_add_loop_test(tcase, a_flood_of_hits_is_sound, 0, 2);
    tcase_add_loop_test(tcase, extreme_numbers, 0, 6);
    tcase_add_test(tcase, every_step_of_small_primes);
    tcase_add_loop_test(tcase, paths_agree, 0, 5);
    tcase_add_test(tcase, paths_agree_often);
    tcase_add_test(tcase, get_makes_one);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;
    return kw_suite_run("sieve", add, 100);
}
