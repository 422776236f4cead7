/* a16_search - one search for a prime with auxiliary primes from given starting points (FIPS 186-5 A.1.6 and
 * B.9), with the parts that key generation is made of, on one CPU path. For public numbers: it is made to be
 * followed, not to be fast or secret.
 */
#ifndef KW_TESTS_SUPPORT_A16_SEARCH_H
#define KW_TESTS_SUPPORT_A16_SEARCH_H

#include "engine/crypto.h"
#include "engine/rsa/auxiliary.h"
#include "engine/rsa/primality.h"
#include "engine/rsa/progression.h"
#include "pool/secmem.h"

enum { A16_SIEVE_BITS_MAX = 20 };

/* One prime with what leads to it; what the file does not say is NULL. */
struct half {
    char name; /* p or q */
    BIGNUM *x1, *x2, *x;
    BIGNUM *expected1, *expected2, *expected;
    BIGNUM *found1, *found2, *found; /* NULL: the search ended without */
    const char *ended;               /* why */
};

static enum kw_cpu_path path;
static struct kw_rng *rng;
static BN_CTX *ctx;

/* ---- numbers ---- */

static inline void to_words(uint64_t *ret, size_t num, const BIGNUM *a)
{
    uint8_t bytes[8 * KW_WORDS_MAX];

    kw_assert(num <= KW_WORDS_MAX && BN_bn2binpad(a, bytes, (int)(8 * num)) == (int)(8 * num));
    kw_words_from_bytes(ret, num, bytes, 8 * num);
}

static inline BIGNUM *from_words(const uint64_t *a, size_t num)
{
    uint8_t bytes[8 * KW_WORDS_MAX];
    BIGNUM *ret;

    kw_words_to_bytes(bytes, 8 * num, a, num);
    ret = BN_bin2bn(bytes, (int)(8 * num), NULL);
    kw_assert(ret != NULL);
    return ret;
}

static inline unsigned bits_of(const BIGNUM *a)
{
    return (unsigned)BN_num_bits(a);
}

/* ---- searches ---- */

/* A.1.6 steps 4.2 and 5.2. */
static inline int find_auxiliaries(struct half *half, unsigned rounds)
{
    unsigned bits = KW_MAX(bits_of(half->x1), bits_of(half->x2));
    size_t num = KW_WORDS_OF_BITS(bits) + 1;
    uint64_t words[2 * KW_PROGRESSION_WORDS];
    struct kw_auxiliary *auxiliary = NULL;

    KW_TRY(kw_auxiliary_new(&auxiliary, path, bits, rounds, rng));
    to_words(words, num, half->x1);
    to_words(words + num, num, half->x2);
    int r = kw_auxiliary_find(auxiliary, words, 2, words);
    kw_auxiliary_free(auxiliary);
    KW_TRY(r);
    half->found1 = from_words(words, num);
    half->found2 = from_words(words + num, num);
    return 0;
}

/* A search along the progression, several candidates at a time. */
struct search {
    struct kw_progression progression;
    const struct kw_sieve *sieve;
    const struct kw_kernel *kernel;
    void *sieve_scratch, *kernel_scratch;
    unsigned rounds;
    unsigned num; /* candidates */
    uint64_t candidates[KW_LANES_MAX][KW_PROGRESSION_WORDS];
    struct kw_lane lanes[KW_LANES_MAX];
};

static inline void search_free(struct search *search)
{
    if (search->kernel_scratch != NULL)
        search->kernel->scratch_free(search->kernel_scratch);
    kw_secmem_free(search->sieve_scratch);
}

static inline void sieve_window(struct search *search)
{
    struct kw_sieve_job job = kw_progression_job(&search->progression);

    kw_sieve_run(
        search->sieve, &job, 1, search->progression.num, search->progression.num_step, search->sieve_scratch);
}

/* A lane for each of the next candidates. Returns: 0 | what ended the search behind them */
static inline int fill(struct search *search)
{
    int r = 0;

    memset(search->lanes, 0, sizeof(search->lanes));
    for (search->num = 0; search->num < search->kernel->lanes && r == 0;) {
        r = kw_progression_next(&search->progression, search->candidates[search->num]);
        if (r == KW_PROGRESSION_WINDOW) {
            sieve_window(search);
            r = 0;
        } else if (r == 0) {
            search->lanes[search->num].modulus = search->candidates[search->num];
            search->num++;
        }
    }
    return r;
}

/* B.9 step 7. Returns: 0 it is the prime | 1 it is not | <0 */
static inline int judge(const struct search *search, const uint64_t *candidate, const BIGNUM *e)
{
    size_t num = search->progression.num;
    bool fits;

    if (BN_is_word(e, 65537)) {
        fits = kw_progression_fits_e(candidate, num) != 0;
    } else {
        BIGNUM *y = from_words(candidate, num), *gcd = BN_new();
        kw_assert(gcd != NULL && BN_sub_word(y, 1) && BN_gcd(gcd, y, e, ctx));
        fits = BN_is_one(gcd);
        BN_free(y);
        BN_free(gcd);
    }
    return fits ? kw_primality_test(candidate, num, search->rounds, path, rng) : 1;
}

/* The first of the candidates in order that is the prime. Returns: 0 | 1 none | <0 */
static inline int judge_all(struct search *search, const BIGNUM *e, BIGNUM **ret)
{
    uint32_t pass;

    KW_TRY(search->kernel->filter(
        search->kernel, search->kernel_scratch, search->progression.bits, search->lanes, &pass));
    for (unsigned lane = 0; lane < search->num; lane++) {
        int r = pass >> lane & 1 ? judge(search, search->candidates[lane], e) : 1;
        KW_TRY(r);
        if (r == 0) {
            *ret = from_words(search->candidates[lane], search->progression.num);
            return 0;
        }
    }
    return 1;
}

static inline int run_search(struct search *search, struct half *half, const BIGNUM *e)
{
    int end = 0;

    sieve_window(search);
    while (half->found == NULL && end == 0) {
        end = fill(search);
        if (search->num > 0)
            KW_TRY(judge_all(search, e, &half->found));
    }
    if (half->found == NULL)
        half->ended = end == KW_PROGRESSION_OVERFLOW ? "left its range (B.9 step 6)" : "failed (B.9 step 9)";
    return 0;
}

/* B.9 with the X of the file. */
static inline int find_prime(struct half *half, const BIGNUM *e, unsigned rounds)
{
    uint64_t x[KW_PROGRESSION_WORDS], r1[KW_PROGRESSION_WORDS], r2[KW_PROGRESSION_WORDS];
    unsigned bits = bits_of(half->x), bits1 = bits_of(half->found1), bits2 = bits_of(half->found2);
    size_t num_r = KW_WORDS_OF_BITS(KW_MAX(bits1, bits2));
    struct search search = {.rounds = rounds, .kernel = kw_kernel_choose(path, bits)};
    /* The primes of the step must be no primes of the sieve. */
    unsigned sieve_bits = KW_MIN(KW_MIN(bits1, bits2) - 1, (unsigned)A16_SIEVE_BITS_MAX);

    to_words(x, KW_WORDS_OF_BITS(bits), half->x);
    to_words(r1, num_r, half->found1);
    to_words(r2, num_r, half->found2);
    int r = kw_progression_begin(&search.progression, bits, x, r1, r2, num_r, bits1 + bits2);
    if (r == KW_PROGRESSION_UNFIT) {
        half->ended = "failed (B.9 step 1)";
        return 0;
    }
    KW_TRY(r);
    KW_TRY(kw_sieve_get(&search.sieve, path, (uint32_t)1 << sieve_bits));
    search.sieve_scratch = kw_secmem_alloc_aligned(kw_sieve_scratch_len(search.sieve), KW_CACHE_LINE);
    KW_REQUIRE(search.sieve_scratch != NULL, -ENOMEM);
    r = search.kernel->scratch_new(&search.kernel_scratch, search.kernel, kw_rng_libctx(rng));
    if (r == 0)
        r = run_search(&search, half, e);
    search_free(&search);
    return r;
}

/* Returns: 0 | 1 the auxiliary primes are too long for the prime | <0 */
static inline int search_half(struct half *half, const BIGNUM *e)
{
    const struct kw_primality_rounds *rounds = kw_primality_rounds_of(2 * bits_of(half->x));

    KW_TRY(find_auxiliaries(half, rounds->auxiliary));
    KW_REQUIRE(bits_of(half->found1) + bits_of(half->found2) < bits_of(half->x), 1);
    return find_prime(half, e, rounds->prime);
}

#endif
