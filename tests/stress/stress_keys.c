/* Many finished RSA pairs of each size on each CPU path of this machine: every number of every pair is what
 * defines it, no attack on the lot of them finds anything, and their primes are distributed as they should
 * be.
 *
 * By itself it makes a few hundred; KEYWELL_SOAK=SECONDS makes as many as fit into that time, and --keys as
 * many as one likes. The pairs come from the generator that a worker would choose, in the way that it runs
 * it.
 */
#include "engine/crypto.h"
#include "engine/generator.h"
#include "engine/rng.h"
#include "engine/rsa/generator_rsa.h"
#include "engine/rsa/primality.h"
#include "tests/stress/keys_attacks.h"
#include "tests/stress/keys_counts.h"
#include "tests/stress/keys_judge.h"
#include "tests/stress/load.h"

#include <stdio.h>
#include <stdlib.h>

enum { SPECS = 3, PATHS = 2, KEYS_MAX = 1 << 20, DER_MAX = 4096 };

#define FERMAT_STEPS  1000u
#define POLLARD_BOUND 1024u
#define FLIP_TURNS    40u
/* So many primes are looked at for auxiliary primes that come twice: it is dear, and whatever made one come
 * again would make it come again soon. */
#define NEIGHBOURS_MAX 1000u

static const char help[] =
    "Usage: stress_keys [--keys N] [--slow N] [--spec SPEC] [--cpu-path PATH]\n"
    "\n"
    "Makes some hundred RSA key pairs and checks them; goes on for KEYWELL_SOAK seconds if that is set.\n"
    "\n"
    "  --keys N         N pairs of each spec on the best path and N / 10 on the other\n"
    "  --slow N         put N of them to OpenSSL's own checks too (default 4, 2, 1)\n"
    "  --spec SPEC      RSA_2048, RSA_3072 or RSA_4096 only\n"
    "  --cpu-path PATH  portable or avx512ifma only\n";

struct options {
    size_t keys, slow; /* 0: as by itself */
    int spec, path;    /* -1: each */
};

/* Pairs that are made in any case. */
static const size_t smoke_keys[PATHS][SPECS] = {
    [KW_CPU_PORTABLE] = {8, 4, 2},
    [KW_CPU_AVX512IFMA] = {300, 100, 40},
};
static const size_t smoke_slow[SPECS] = {4, 2, 1};

/* What is kept of the pairs of one spec, of both paths. */
struct farm {
    enum kw_spec spec;
    unsigned bits;
    size_t num;
    BIGNUM **n, **d;
    BIGNUM **primes; /* 2 num */
};

static struct kw_rng *rng;
static BN_CTX *ctx;

static bool complain(const struct farm *farm, enum kw_cpu_path path, size_t number, const char *what)
{
    printf("%s, %s, pair %zu: %s\n", kw_spec_info(farm->spec)->name, kw_cpu_path_name(path), number, what);
    return false;
}

/* ---- one pair ---- */

struct place {
    uint8_t public_der[DER_MAX], private_der[DER_MAX];
    struct kw_slot slot;
};

/* As a worker does: a slice at a time. */
static bool make_pair(struct kw_generator *generator, struct place *place)
{
    int r;

    place->slot = (struct kw_slot){.public_der = place->public_der, .private_der = place->private_der};
    do {
        r = generator->ops->run(generator, kw_now_ns() + 5000000, &place->slot);
    } while (r == KW_GENERATOR_AGAIN);
    return r == 0;
}

static const char *attack(const struct keys_key *key)
{
    const BIGNUM *n = key->number[KEYS_N];

    KW_REQUIRE(!keys_attacks_fermat(n, FERMAT_STEPS, ctx), "Fermat's method factors n");
    KW_REQUIRE(!keys_attacks_smooth(key->number[KEYS_P], ctx), "p - 1 or p + 1 is smooth");
    KW_REQUIRE(!keys_attacks_smooth(key->number[KEYS_Q], ctx), "q - 1 or q + 1 is smooth");
    return NULL;
}

static const char *judge_slowly(const struct keys_key *key, struct kw_bytes private_der)
{
    const char *wrong = keys_judge_slowly(private_der);

    KW_REQUIRE(wrong == NULL, wrong);
    KW_REQUIRE(
        !keys_attacks_pollard(key->number[KEYS_N], POLLARD_BOUND, ctx), "Pollard's p - 1 method factors n");
    return NULL;
}

static const char *judge_pair(
    struct keys_key *key, const struct farm *farm, const struct place *place, bool slowly, bool flips)
{
    struct kw_bytes private_der = KW_BYTES(place->private_der, place->slot.private_len);
    const char *wrong =
        keys_judge_read(key, KW_BYTES(place->public_der, place->slot.public_len), private_der);

    if (wrong == NULL)
        wrong = keys_judge(key, farm->bits, ctx);
    if (wrong == NULL)
        wrong = attack(key);
    if (wrong == NULL && slowly)
        wrong = judge_slowly(key, private_der);
    if (wrong == NULL && flips)
        wrong = keys_judge_flips(key, farm->bits, private_der, FLIP_TURNS, ctx);
    return wrong;
}

/* ---- many pairs ---- */

static BIGNUM *dup_of(const BIGNUM *number)
{
    BIGNUM *ret = BN_dup(number);

    kw_assert(ret != NULL);
    return ret;
}

static void grow(BIGNUM ***list, size_t num)
{
    *list = reallocarray(*list, num, sizeof(**list));
    kw_assert(*list != NULL);
}

static void keep(struct farm *farm, const struct keys_key *key)
{
    size_t num = ++farm->num;

    grow(&farm->n, num);
    grow(&farm->d, num);
    grow(&farm->primes, 2 * num);
    farm->n[num - 1] = dup_of(key->number[KEYS_N]);
    farm->d[num - 1] = dup_of(key->number[KEYS_D]);
    farm->primes[2 * num - 2] = dup_of(key->number[KEYS_P]);
    farm->primes[2 * num - 1] = dup_of(key->number[KEYS_Q]);
}

static void farm_done(struct farm *farm)
{
    for (size_t i = 0; i < farm->num; i++) {
        BN_free(farm->n[i]);
        BN_free(farm->d[i]);
        BN_free(farm->primes[2 * i]);
        BN_free(farm->primes[2 * i + 1]);
    }
    free(farm->n);
    free(farm->d);
    free(farm->primes);
}

/* (r - 1)(r + 1) without its small factors: what is left are the auxiliary primes of r and some more. */
static BIGNUM *neighbours_of(const BIGNUM *prime)
{
    BIGNUM *ret = BN_new();

    KEYS_MUST(ret != NULL && BN_sqr(ret, prime, ctx) && BN_sub_word(ret, 1));
    for (BN_ULONG divisor = 2; divisor < 4096; divisor += divisor == 2 ? 1 : 2)
        while (BN_mod_word(ret, divisor) == 0)
            KEYS_MUST(BN_div_word(ret, divisor) == 0 && !BN_is_zero(ret));
    return ret;
}

/* By chance a prime l above 4096 divides that of two given primes r with a probability of about 4 / l^2. With
 * 1000 of them the product of all those that one has in common with others exceeds 2^140 with a probability
 * below e^15 2^-70 (Markov's inequality for its square root): less than 1e-11 for all lists of a run
 * together. Returns: NULL | what is wrong */
static const char *find_auxiliaries_used_twice(const struct farm *farm, size_t first)
{
    size_t num = KW_MIN(2 * (farm->num - first), (size_t)NEIGHBOURS_MAX);
    int bits_max = (int)kw_primality_rounds_of(farm->bits)->auxiliary_bits - 1;
    BIGNUM **neighbours = NULL;

    grow(&neighbours, num);
    for (size_t i = 0; i < num; i++)
        neighbours[i] = neighbours_of(farm->primes[2 * first + i]);
    bool shared = keys_attacks_share(neighbours, num, bits_max, ctx) != num;
    for (size_t i = 0; i < num; i++)
        BN_free(neighbours[i]);
    free(neighbours);
    return shared ? "two primes share an auxiliary prime" : NULL;
}

/* The pairs of one path, from the first on. */
static bool judge_lot(const struct farm *farm, enum kw_cpu_path path, size_t first)
{
    struct keys_counts counts = {0};

    for (size_t i = 2 * first; i < 2 * farm->num; i++)
        keys_counts_add(&counts, farm->primes[i], farm->bits / 2);
    const char *wrong = keys_counts_judge(&counts, farm->bits / 2);
    if (wrong == NULL)
        wrong = find_auxiliaries_used_twice(farm, first);
    return wrong == NULL || complain(farm, path, farm->num, wrong);
}

/* All pairs of a spec. */
static bool judge_farm(const struct farm *farm)
{
    size_t shares = farm->num < 2 ? farm->num : keys_attacks_share(farm->n, farm->num, 1, ctx);
    const char *wrong = shares != farm->num                               ? "n shares a prime with another"
                        : keys_attacks_twice(farm->n, farm->num)          ? "an n came twice"
                        : keys_attacks_twice(farm->primes, 2 * farm->num) ? "a prime came twice"
                        : keys_attacks_twice(farm->d, farm->num)          ? "a d came twice"
                                                                          : NULL;

    return wrong == NULL || complain(farm, kw_cpu_detect(), shares + 1, wrong);
}

struct season {
    struct farm *farm;
    enum kw_cpu_path path;
    size_t num_min, slow;
    uint64_t end_ns;
    uint64_t make_ns;
};

static bool make_and_judge(struct season *season, struct kw_generator *generator, size_t number)
{
    static struct place place;
    struct farm *farm = season->farm;
    struct keys_key key = {0};
    uint64_t begin = kw_now_ns();

    if (!make_pair(generator, &place))
        return complain(farm, season->path, number, "the generator failed");
    season->make_ns += kw_now_ns() - begin;
    const char *wrong = judge_pair(&key, farm, &place, number < season->slow, farm->num == 0);
    if (wrong == NULL)
        keep(farm, &key);
    keys_key_done(&key);
    return wrong == NULL || complain(farm, season->path, number, wrong);
}

static bool run_season(struct season *season)
{
    const struct farm *farm = season->farm;
    const struct kw_generator_ops *ops = kw_generator_choose(farm->spec, season->path);
    struct kw_generator *generator = NULL;
    size_t first = farm->num, num = 0;
    bool good = true;

    kw_assert(ops->new (&generator, farm->spec, rng) == 0);
    for (; good && num < KEYS_MAX && (num < season->num_min || kw_now_ns() < season->end_ns); num++)
        good = make_and_judge(season, generator, num);
    ops->free(generator);
    good = good && judge_lot(farm, season->path, first);
    printf("%s, %s: %zu pairs in %.1f s, %zu of them checked slowly\n", kw_spec_info(farm->spec)->name,
        ops->name, num, (double)season->make_ns / 1e9, KW_MIN(num, season->slow));
    fflush(stdout);
    return good;
}

/* seconds: 0, or what this spec may take; most of it on the last path, the fast one. */
static bool run_spec(enum kw_spec spec, const struct options *options, double seconds)
{
    struct farm farm = {.spec = spec, .bits = kw_spec_info(spec)->bits};
    int best = (int)kw_cpu_detect();
    bool good = true;

    for (int path = 0; good && path <= best; path++) {
        bool only = options->path >= 0 || best == 0;
        double share = only ? 1 : path == best ? 0.75 : 0.25;
        size_t keys = only || path == best ? options->keys : (options->keys + 9) / 10;
        struct season season = {.farm = &farm, .path = (enum kw_cpu_path)path};
        if (options->path >= 0 && options->path != path)
            continue;
        season.num_min = keys > 0 ? keys : smoke_keys[path][spec];
        season.slow = options->slow > 0 ? options->slow : smoke_slow[spec];
        season.end_ns = kw_now_ns() + (uint64_t)(share * seconds * 1e9);
        good = run_season(&season);
    }
    good = good && judge_farm(&farm);
    if (good)
        printf("%s: %zu moduli, no prime in common\n", kw_spec_info(spec)->name, farm.num);
    farm_done(&farm);
    return good;
}

static bool run(const struct options *options)
{
    double seconds = load_seconds(0) / (options->spec >= 0 ? 1 : SPECS);
    bool good = true;

    keys_attacks_control(ctx);
    keys_counts_control();
    for (int spec = 0; good && spec < SPECS; spec++)
        if (options->spec < 0 || options->spec == spec)
            good = run_spec((enum kw_spec)spec, options, seconds);
    return good;
}

/* ---- options ---- */

static size_t parse_number(const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    return *end == '\0' && number <= KEYS_MAX ? number : 0;
}

static bool parse_option(const char *name, const char *value, struct options *options)
{
    enum kw_spec spec;
    enum kw_cpu_path path;

    if (strcmp(name, "--keys") == 0)
        return (options->keys = parse_number(value)) > 0;
    if (strcmp(name, "--slow") == 0)
        return (options->slow = parse_number(value)) > 0;
    if (strcmp(name, "--spec") == 0 && kw_spec_parse(kw_bytes_str(value), &spec) == 0 && (int)spec < SPECS) {
        options->spec = (int)spec;
        return true;
    }
    if (strcmp(name, "--cpu-path") == 0 && kw_cpu_choose(value, &path) == 0) {
        options->path = (int)path;
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    struct options options = {.spec = -1, .path = -1};

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(help, stdout) < 0;
    for (int i = 1; i < argc; i += 2)
        if (i + 1 == argc || !parse_option(argv[i], argv[i + 1], &options))
            return fputs(help, stderr) < 0 ? 3 : 2;
    kw_assert(kw_crypto_init() == 0 && kw_rng_new(&rng) == 0 && (ctx = BN_CTX_new()) != NULL);
    bool good = run(&options);
    BN_CTX_free(ctx);
    kw_rng_free(rng);
    return good ? 0 : 1;
}
