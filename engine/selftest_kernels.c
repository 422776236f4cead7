#include "engine/selftest_checks.h"

#include "engine/rsa/emsa.h"
#include "pool/bytes.h"
#include "pool/secmem.h"

#include <openssl/err.h>

#define WORDS_MAX 32u /* of a number of 2048 bits */

/* ---- vectors ---- */

/* The number that the text writes, in num words. */
static void unhex(const char *text, uint64_t *ret, size_t num)
{
    struct kw_bytes digits = kw_bytes_str(text);
    uint8_t bytes[8 * WORDS_MAX];

    kw_assert(digits.len % 2 == 0 && digits.len / 2 <= sizeof(bytes) && num <= WORDS_MAX);
    kw_assert(kw_hex_decode(digits, bytes, digits.len / 2) == 0);
    memset(ret, 0, num * sizeof(*ret));
    kw_words_from_bytes(ret, num, bytes, KW_MIN(digits.len / 2, 8 * num));
}

/* One that may be longer, modulo m. */
static void unhex_modulo(const char *text, uint64_t *ret, const uint64_t *m, size_t num)
{
    uint64_t whole[WORDS_MAX];

    unhex(text, whole, WORDS_MAX);
    kw_words_mod(ret, whole, WORDS_MAX, m, num);
}

/* ---- a kernel and its scratch ---- */

struct bench {
    const struct kw_kernel *kernel;
    unsigned bits;
    size_t num;
    void *scratch;
};

static void bench_done(struct bench *bench)
{
    bench->kernel->scratch_free(bench->scratch);
}

static int bench_init(struct bench *bench, struct kw_rng *rng, const struct kw_kernel *kernel, unsigned bits)
{
    *bench = (struct bench){.kernel = kernel, .bits = bits, .num = KW_WORDS_OF_BITS(bits)};
    kw_assert(bench->num <= WORDS_MAX);
    return kernel->scratch_new(&bench->scratch, kernel, kw_rng_libctx(rng));
}

/* ---- filter and round ---- */

#define SAMPLES_MAX 3

struct sample {
    uint64_t modulus[WORDS_MAX];
    uint64_t base[WORDS_MAX];
    bool prime;
};

/* The last lane of several stays idle. */
static unsigned lanes_used(const struct kw_kernel *kernel)
{
    return kernel->lanes > 1 ? kernel->lanes - 1 : 1;
}

/* Sample first + i goes to lane i, over and over. Returns which lanes are to pass. */
static uint32_t load(const struct bench *bench, const struct sample *samples, unsigned num, unsigned first,
    struct kw_lane *lanes)
{
    uint32_t primes = 0;

    for (unsigned i = 0; i < lanes_used(bench->kernel); i++) {
        const struct sample *sample = &samples[(first + i) % num];
        lanes[i] = (struct kw_lane){.modulus = sample->modulus, .base = sample->base};
        primes |= (uint32_t)sample->prime << i;
    }
    return primes;
}

/* As many batches as it takes to have every sample in one. */
static int check_samples(const struct bench *bench, const struct sample *samples, unsigned num)
{
    const struct kw_kernel *kernel = bench->kernel;

    for (unsigned first = 0; first < num; first += lanes_used(kernel)) {
        struct kw_lane lanes[KW_LANES_MAX] = {0};
        uint32_t primes = load(bench, samples, num, first, lanes), pass, unsure;

        KW_TRY(kernel->filter(kernel, bench->scratch, bench->bits, lanes, &pass));
        KW_REQUIRE(pass == primes, KW_SELFTEST_FAILED);
        KW_TRY(kernel->round(kernel, bench->scratch, bench->bits, lanes, &pass, &unsure));
        KW_REQUIRE(pass == primes && unsure == 0, KW_SELFTEST_FAILED);
    }
    return 0;
}

int kw_selftest_check_prime(
    struct kw_rng *rng, const struct kw_kernel *kernel, unsigned bits, const struct kw_selftest_prime *vector)
{
    struct sample samples[2] = {{.prime = true}, {.prime = false}};
    KW_CLEANUP(bench_done) struct bench bench;

    KW_TRY(bench_init(&bench, rng, kernel, bits));
    for (unsigned i = 0; i < 2; i++) {
        unhex(vector->prime, samples[i].modulus, bench.num);
        samples[i].base[0] = 3;
    }
    samples[1].modulus[0] += 2;
    return check_samples(&bench, samples, 2);
}

/* p and q, and p with a bit changed; as bases, numbers of the key that are smaller. */
int kw_selftest_check_primes(
    struct kw_rng *rng, const struct kw_kernel *kernel, unsigned bits, const struct kw_selftest_rsa *vector)
{
    struct sample samples[SAMPLES_MAX] = {{.prime = true}, {.prime = true}, {.prime = false}};
    KW_CLEANUP(bench_done) struct bench bench;

    KW_TRY(bench_init(&bench, rng, kernel, bits));
    unhex(vector->p, samples[0].modulus, bench.num);
    unhex(vector->qinv, samples[0].base, bench.num);
    unhex(vector->q, samples[1].modulus, bench.num);
    unhex(vector->dq, samples[1].base, bench.num);
    unhex(vector->p, samples[2].modulus, bench.num);
    unhex(vector->qinv, samples[2].base, bench.num);
    samples[2].modulus[1] ^= 1;
    return check_samples(&bench, samples, SAMPLES_MAX);
}

/* ---- power ---- */

struct power {
    uint64_t modulus[WORDS_MAX];
    uint64_t base[WORDS_MAX];
    uint64_t exponent[WORDS_MAX];
    uint64_t expected[WORDS_MAX];
};

/* What signing the message is modulo one of the key's numbers: encoded^exponent = signature. */
static int power_init(struct power *power, struct kw_rng *rng, const struct kw_selftest_rsa *vector,
    size_t num, const char *modulus, const char *exponent)
{
    uint8_t encoded[8 * WORDS_MAX];
    uint64_t words[WORDS_MAX];

    unhex(modulus, power->modulus, num);
    unhex(exponent, power->exponent, num);
    unhex_modulo(vector->signature, power->expected, power->modulus, num);
    KW_TRY(kw_emsa_encode(kw_rng_libctx(rng), kw_bytes_str(vector->message), encoded, sizeof(encoded)));
    kw_words_from_bytes(words, WORDS_MAX, encoded, sizeof(encoded));
    kw_words_mod(power->base, words, WORDS_MAX, power->modulus, num);
    return 0;
}

static int check_powers(const struct bench *bench, const struct power *powers, unsigned num)
{
    const struct kw_kernel *kernel = bench->kernel;
    uint64_t results[KW_LANES_MAX][WORDS_MAX];

    for (unsigned first = 0; first < num; first += kernel->lanes) {
        struct kw_lane lanes[KW_LANES_MAX] = {0};

        for (unsigned i = 0; i < kernel->lanes; i++) {
            const struct power *power = &powers[(first + i) % num];
            lanes[i] = (struct kw_lane){power->modulus, power->base, power->exponent, results[i]};
        }
        KW_TRY(kernel->power(kernel, bench->scratch, bench->bits, lanes));
        for (unsigned i = 0; i < kernel->lanes; i++)
            KW_REQUIRE(kw_words_equal(results[i], powers[(first + i) % num].expected, bench->num) != 0,
                KW_SELFTEST_FAILED);
    }
    return 0;
}

int kw_selftest_check_power(
    struct kw_rng *rng, const struct kw_kernel *kernel, unsigned bits, const struct kw_selftest_rsa *vector)
{
    struct power powers[3];
    KW_CLEANUP(bench_done) struct bench bench;
    unsigned num = bits == 64 * WORDS_MAX ? 3 : 2;

    KW_TRY(bench_init(&bench, rng, kernel, bits));
    KW_TRY(power_init(&powers[0], rng, vector, bench.num, vector->p, vector->dp));
    KW_TRY(power_init(&powers[1], rng, vector, bench.num, vector->q, vector->dq));
    if (num == 3)
        KW_TRY(power_init(&powers[2], rng, vector, bench.num, vector->n, vector->d));
    return check_powers(&bench, powers, num);
}

/* ---- all of a path ---- */

static void rng_freep(struct kw_rng **rng)
{
    kw_rng_free(*rng);
}

static int check_curves(struct kw_rng *rng, enum kw_cpu_path path, const char **ret_what)
{
    int result = 0;

    for (size_t i = 0; i < KW_SELFTEST_EC_NUM && result == 0; i++) {
        const struct kw_selftest_ec *vector = &kw_selftest_ec_vectors[i];
        *ret_what = kw_spec_info(vector->spec)->name;
        result = kw_selftest_check_curve(rng, kw_ec_kernel_choose(path, vector->spec), vector);
    }
    if (result != 0)
        return result;
    *ret_what = kw_spec_info(KW_SPEC_ECC_NIST_EDWARDS25519)->name;
    return kw_selftest_check_edwards(
        rng, kw_ec_kernel_choose(path, KW_SPEC_ECC_NIST_EDWARDS25519), &kw_selftest_ed25519_vector);
}

static int check_primes(struct kw_rng *rng, enum kw_cpu_path path, const char **ret_what)
{
    static const struct {
        unsigned bits;
        const char *what;
    } sizes[] = {
        {1024, "RSA primes of 1024 bits"},
        {1536, "RSA primes of 1536 bits"},
        {2048, "RSA primes of 2048 bits"},
    };
    int result = 0;

    *ret_what = "auxiliary primes of RSA";
    for (size_t i = 0; i < KW_SELFTEST_PRIME_NUM && result == 0; i++) {
        const struct kw_selftest_prime *vector = &kw_selftest_prime_vectors[i];
        result = kw_selftest_check_prime(rng, kw_kernel_choose(path, vector->bits), vector->bits, vector);
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(sizes) && result == 0; i++) {
        const struct kw_kernel *kernel = kw_kernel_choose(path, sizes[i].bits);
        *ret_what = sizes[i].what;
        result = kw_selftest_check_primes(rng, kernel, sizes[i].bits, &kw_selftest_rsa_vector);
        if (result == 0)
            result = kw_selftest_check_power(rng, kernel, sizes[i].bits, &kw_selftest_rsa_vector);
    }
    return result;
}

int kw_engine_selftest_path(enum kw_cpu_path path, const char **ret_what)
{
    KW_CLEANUP(rng_freep) struct kw_rng *rng = NULL;

    *ret_what = "random source";
    KW_TRY(kw_rng_new(&rng));
    int result = check_primes(rng, path, ret_what);
    if (result == 0)
        result = check_curves(rng, path, ret_what);
    ERR_clear_error();
    if (result == 0)
        *ret_what = NULL;
    return result;
}
