#include "engine/selftest_checks.h"

#include "pool/bytes.h"

/* The vector's scalar, 1 and n - 1, in turns: eight lanes and three pairs never fall in step. */
#define SCALARS   3u
#define PAIRS_MAX (KW_EC_LANES_MAX + SCALARS)

struct curve_bench {
    const struct kw_ec_kernel *kernel;
    const struct kw_curve *curve;
    void *state;
    unsigned num;
    uint8_t secrets[PAIRS_MAX * KW_CURVE_SECRET_MAX];
    uint8_t expected[PAIRS_MAX * KW_CURVE_POINT_MAX];
    uint8_t points[PAIRS_MAX * KW_CURVE_POINT_MAX];
    uint8_t multipliers[PAIRS_MAX * KW_EC_MULTIPLIER];
};

static void bench_done(struct curve_bench *bench)
{
    bench->kernel->close(bench->state);
}

static uint8_t *secret_at(struct curve_bench *bench, unsigned i)
{
    return bench->secrets + i * bench->curve->secret_len;
}

static uint8_t *expected_at(struct curve_bench *bench, unsigned i)
{
    return bench->expected + i * bench->curve->point_len;
}

static int bench_init(struct curve_bench *bench, struct kw_rng *rng, const struct kw_ec_kernel *kernel)
{
    *bench = (struct curve_bench){
        .kernel = kernel, .curve = kw_curve_of(kernel->spec), .num = kernel->lanes > 1 ? PAIRS_MAX : SCALARS};
    kw_assert(kernel->lanes <= KW_EC_LANES_MAX);
    for (unsigned i = 0; i < sizeof(bench->multipliers); i++)
        bench->multipliers[i] = (uint8_t)(37 * i + 11);
    return kernel->open(&bench->state, kernel, bench->curve, bench->num, kw_rng_libctx(rng));
}

/* The octets that the text writes, at the end of len. */
static void unhex(const char *text, uint8_t *ret, size_t len)
{
    struct kw_bytes digits = kw_bytes_str(text);

    kw_assert(digits.len % 2 == 0 && digits.len / 2 <= len);
    memset(ret, 0, len);
    kw_assert(kw_hex_decode(digits, ret + len - digits.len / 2, digits.len / 2) == 0);
}

/* The generator, or its negative. */
static void put_generator(const struct kw_curve *curve, uint8_t *ret, bool negative)
{
    size_t len = curve->point_len / 2;
    uint64_t y[KW_CURVE_WORDS_MAX];

    if (negative)
        (void)kw_words_sub(y, curve->p, curve->gy, curve->num);
    else
        memcpy(y, curve->gy, sizeof(y));
    kw_words_to_bytes(ret, len, curve->gx, curve->num);
    kw_words_to_bytes(ret + len, len, y, curve->num);
}

static void fill(struct curve_bench *bench, const struct kw_selftest_ec *vector)
{
    const struct kw_curve *curve = bench->curve;
    size_t len = curve->secret_len;
    uint64_t scalar[KW_CURVE_WORDS_MAX] = {1};

    for (unsigned i = 0; i < bench->num; i++) {
        if (i % SCALARS == 0) {
            unhex(vector->scalar, secret_at(bench, i), len);
            unhex(vector->x, expected_at(bench, i), len);
            unhex(vector->y, expected_at(bench, i) + len, len);
            continue;
        }
        if (i % SCALARS == 2)
            (void)kw_words_sub_word(scalar, curve->n, curve->num, 1);
        else
            memcpy(scalar, (uint64_t[KW_CURVE_WORDS_MAX]){1}, sizeof(scalar));
        kw_words_to_bytes(secret_at(bench, i), len, scalar, curve->num);
        put_generator(curve, expected_at(bench, i), i % SCALARS == 2);
    }
}

/* The points are as expected, the test passes, and it does not when a point is another one. */
static int run(struct curve_bench *bench)
{
    const struct kw_ec_kernel *kernel = bench->kernel;
    size_t len = bench->curve->point_len;
    bool pass;

    KW_TRY(kernel->derive(bench->state, bench->num, bench->secrets, bench->points));
    KW_REQUIRE(memcmp(bench->points, bench->expected, bench->num * len) == 0, KW_SELFTEST_FAILED);
    KW_TRY(kernel->check(bench->state, bench->num, bench->secrets, bench->points, bench->multipliers, &pass));
    KW_REQUIRE(pass, KW_SELFTEST_FAILED);
    if (bench->curve->form == KW_CURVE_EDWARDS)
        bench->points[0] ^= 1;
    else
        memcpy(bench->points, bench->points + 2 * len, len);
    KW_TRY(kernel->check(bench->state, bench->num, bench->secrets, bench->points, bench->multipliers, &pass));
    return pass ? KW_SELFTEST_FAILED : 0;
}

int kw_selftest_check_curve(
    struct kw_rng *rng, const struct kw_ec_kernel *kernel, const struct kw_selftest_ec *vector)
{
    KW_CLEANUP(bench_done) struct curve_bench bench;

    KW_TRY(bench_init(&bench, rng, kernel));
    fill(&bench, vector);
    return run(&bench);
}

int kw_selftest_check_edwards(
    struct kw_rng *rng, const struct kw_ec_kernel *kernel, const struct kw_selftest_ed25519 *vector)
{
    KW_CLEANUP(bench_done) struct curve_bench bench;

    KW_TRY(bench_init(&bench, rng, kernel));
    for (unsigned i = 0; i < bench.num; i++) {
        unhex(vector->seed, secret_at(&bench, i), bench.curve->secret_len);
        unhex(vector->public_key, expected_at(&bench, i), bench.curve->point_len);
    }
    return run(&bench);
}
