#include "engine/rsa/primality.h"

#include "pool/secmem.h"

/* ---- rounds ---- */

/* FIPS 186-5 Table B.1, and Table A.1 for the lengths ("greater than 140 bits" and so on). */
static const struct kw_primality_rounds table[] = {
    {.nlen = 2048, .prime = 5, .auxiliary = 38, .auxiliary_bits = 141},
    {.nlen = 3072, .prime = 4, .auxiliary = 41, .auxiliary_bits = 171},
    {.nlen = 4096, .prime = 4, .auxiliary = 44, .auxiliary_bits = 201},
};

const struct kw_primality_rounds *kw_primality_rounds_of(unsigned nlen)
{
    size_t i = KW_ARRAY_LEN(table) - 1;

    while (i > 0 && table[i].nlen > nlen)
        i--;
    return &table[i];
}

/* ---- bases ---- */

uint64_t kw_primality_base_fits(uint64_t *b, const uint64_t *w, size_t num, unsigned bits)
{
    uint64_t small, last;

    if (bits < 64 * num)
        b[bits / 64] &= ((uint64_t)1 << bits % 64) - 1;
    for (size_t i = bits / 64 + 1; i < num; i++)
        b[i] = 0;
    small = kw_words_is_zero(b, num) | kw_words_is_word(b, num, 1);
    /* w is odd, so w - 1 is w with its lowest bit flipped. */
    b[0] ^= 1;
    last = kw_words_equal(b, w, num);
    b[0] ^= 1;
    return kw_words_less(b, w, num) & ~last & ~small;
}

/* Which draws were refused tells nothing of the one that is taken, and of w what its first bits are: about as
 * much as is known of a prime of an RSA key. */
int kw_primality_base(uint64_t *ret, const uint64_t *w, size_t num, unsigned bits, struct kw_rng *rng)
{
    uint64_t fits;

    kw_assert(bits > 2 && bits <= 64 * num);
    do {
        KW_TRY(kw_rng_bytes(rng, ret, 8 * num)); /* step 4.1 */
        fits = kw_primality_base_fits(ret, w, num, bits);
        kw_declassify(&fits, sizeof(fits));
    } while (fits == 0); /* step 4.2 */
    return 0;
}

/* ---- rounds that a kernel is unsure of ---- */

struct settling {
    const struct kw_kernel *kernel;
    void *scratch;
    unsigned bits;
    size_t num;
    struct kw_lane lanes[KW_LANES_MAX]; /* the first is in use */
    uint64_t exponent[KW_WORDS_MAX];
    uint64_t z[KW_WORDS_MAX];
};

/* z = b^((w - 1) >> count). */
static int take_power(struct settling *settling, unsigned count)
{
    const uint64_t *w = settling->lanes[0].modulus;

    memcpy(settling->exponent, w, 8 * settling->num);
    settling->exponent[0] ^= 1;
    kw_words_shift_right(settling->exponent, settling->exponent, settling->num, count);
    return settling->kernel->power(settling->kernel, settling->scratch, settling->bits, settling->lanes);
}

static bool z_is_one(const struct settling *settling)
{
    uint64_t is_one = kw_words_is_word(settling->z, settling->num, 1);

    kw_declassify(&is_one, sizeof(is_one));
    return is_one != 0;
}

static bool z_is_minus_one(struct settling *settling)
{
    uint64_t is_minus_one;

    settling->z[0] ^= 1; /* w - 1 becomes w */
    is_minus_one = kw_words_equal(settling->z, settling->lanes[0].modulus, settling->num);
    kw_declassify(&is_minus_one, sizeof(is_minus_one));
    return is_minus_one != 0;
}

/* a of step 1. It becomes public: it says how many powers are taken, of one number in 2^16. */
static unsigned count_twos(struct settling *settling)
{
    uint64_t *lowest = settling->exponent, *below = settling->z;
    unsigned twos;

    memcpy(lowest, settling->lanes[0].modulus, 8 * settling->num);
    lowest[0] ^= 1;
    kw_words_sub_word(below, lowest, settling->num, 1);
    for (size_t i = 0; i < settling->num; i++)
        lowest[i] &= ~below[i];
    twos = kw_words_bits(lowest, settling->num) - 1;
    kw_declassify(&twos, sizeof(twos));
    return twos;
}

/* With z_j = b^(2^j m): once z_j is 1, all later ones are, so the first that is 1 can be found by halving.
 * The round passes if that is z_0 (step 4.4), or if the one before it is -1 (steps 4.4 and 4.5.2: it is one
 * of z_0 to z_(a - 1)); it fails if not even z_a = b^(w - 1) is 1, or if the one before is another root of 1
 * (step 4.5.3). */
static int settle(struct settling *settling, bool *ret_pass)
{
    unsigned twos = count_twos(settling), low = 0, high = twos;

    KW_TRY(take_power(settling, 0));
    if (!z_is_one(settling)) {
        *ret_pass = false;
        return 0;
    }
    while (low < high) {
        unsigned middle = (low + high) / 2;
        KW_TRY(take_power(settling, twos - middle));
        if (z_is_one(settling))
            high = middle;
        else
            low = middle + 1;
    }
    if (high > 0)
        KW_TRY(take_power(settling, twos - high + 1));
    *ret_pass = high == 0 || z_is_minus_one(settling);
    return 0;
}

int kw_primality_settle(
    const struct kw_kernel *kernel, void *scratch, unsigned bits, const struct kw_lane *lane, bool *ret_pass)
{
    struct settling settling = {
        .kernel = kernel, .scratch = scratch, .bits = bits, .num = KW_WORDS_OF_BITS(bits)};
    KW_ERASE_GUARD(settling);

    settling.lanes[0] = (struct kw_lane){
        .modulus = lane->modulus, .base = lane->base, .exponent = settling.exponent, .result = settling.z};
    return settle(&settling, ret_pass);
}

/* ---- one number ---- */

/* Below the square of this, division by all that is smaller decides. */
#define DIVISORS_END 256u

struct test {
    const struct kw_kernel *kernel;
    void *scratch;
    struct kw_rng *rng;
    unsigned bits;
    size_t num;
    const uint64_t *w;
    struct kw_lane lanes[KW_LANES_MAX];
    uint64_t bases[KW_LANES_MAX][KW_WORDS_MAX];
};

static void test_free(struct test *test)
{
    if (test->scratch != NULL)
        test->kernel->scratch_free(test->scratch);
    kw_secmem_free(test);
}
static void test_freep(struct test **test)
{
    if (*test != NULL)
        test_free(*test);
}

/* Returns: 0 none divides it | KW_PRIMALITY_COMPOSITE */
static int divide(const uint64_t *w, size_t num)
{
    for (uint32_t divisor = 2; divisor < DIVISORS_END; divisor++) {
        if (kw_words_mod_word(w, num, divisor) == 0 && kw_words_is_word(w, num, divisor) == 0)
            return KW_PRIMALITY_COMPOSITE;
    }
    return 0;
}

static int run_filter(struct test *test)
{
    uint32_t pass;

    test->lanes[0] = (struct kw_lane){.modulus = test->w};
    KW_TRY(test->kernel->filter(test->kernel, test->scratch, test->bits, test->lanes, &pass));
    return pass != 0 ? 0 : KW_PRIMALITY_COMPOSITE;
}

/* As many rounds at once as there are lanes, or fewer. */
static int run_rounds(struct test *test, unsigned num)
{
    uint32_t pass, unsure;

    for (unsigned lane = 0; lane < KW_LANES_MAX; lane++) {
        test->lanes[lane] =
            (struct kw_lane){.modulus = lane < num ? test->w : NULL, .base = test->bases[lane]};
        if (lane < num)
            KW_TRY(kw_primality_base(test->bases[lane], test->w, test->num, test->bits, test->rng));
    }
    KW_TRY(test->kernel->round(test->kernel, test->scratch, test->bits, test->lanes, &pass, &unsure));
    for (unsigned lane = 0; lane < num; lane++) {
        bool passes = pass >> lane & 1;
        if (unsure >> lane & 1)
            KW_TRY(kw_primality_settle(test->kernel, test->scratch, test->bits, &test->lanes[lane], &passes));
        KW_REQUIRE(passes, KW_PRIMALITY_COMPOSITE);
    }
    return 0;
}

static int run_test(struct test *test, unsigned rounds)
{
    int r = run_filter(test);

    while (r == 0 && rounds > 0) {
        unsigned num = KW_MIN(rounds, test->kernel->lanes);
        r = run_rounds(test, num);
        rounds -= num;
    }
    return r;
}

int kw_primality_test(
    const uint64_t *w, size_t num, unsigned rounds, enum kw_cpu_path path, struct kw_rng *rng)
{
    KW_CLEANUP(test_freep) struct test *test = NULL;
    unsigned bits = kw_words_bits(w, num);

    kw_assert(num > 0 && num <= KW_WORDS_MAX && rounds > 0);
    if (bits < 2 || divide(w, num) != 0)
        return KW_PRIMALITY_COMPOSITE;
    if (bits <= 16)
        return 0; /* below 256^2 */

    test = kw_secmem_alloc(sizeof(*test));
    KW_REQUIRE(test != NULL, -ENOMEM);
    test->kernel = kw_kernel_choose(path, bits);
    test->rng = rng;
    test->bits = bits;
    test->num = KW_WORDS_OF_BITS(bits);
    test->w = w;
    KW_TRY(test->kernel->scratch_new(&test->scratch, test->kernel, kw_rng_libctx(rng)));
    return run_test(test, rounds);
}
