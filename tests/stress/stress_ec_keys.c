/* Many finished pairs on each curve on each CPU path of this machine: every one is what OpenSSL, by
 * arithmetic of its own and from the DER alone, would have made of the same secret; no secret and no point
 * comes twice; and their bits are distributed as they should be.
 *
 * By itself it makes some thousands; KEYWELL_SOAK=SECONDS makes as many as fit into that time, and --keys as
 * many as one likes. The pairs come from the generator that a worker would choose, in the way that it runs
 * it, a worker for each core.
 */
#include "engine/crypto.h"
#include "engine/generator.h"
#include "engine/rng.h"
#include "engine/topology.h"
#include "pool/secmem.h"
#include "tests/stress/ec_counts.h"
#include "tests/stress/keys_counts.h"
#include "tests/stress/load.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPECS = 5, KEYS_MAX = 1 << 24, DER_MAX = 512, THREADS_MAX = 64 };

#define FIRST       KW_SPEC_ECC_NIST_P256
#define ARENA_BYTES (4u * 1024u * 1024u)
#define FLIP_TURNS  60u
#define SLOW        20u /* of each thread */

static const char help[] = "Usage: stress_ec_keys [--keys N] [--threads N] [--spec SPEC] [--cpu-path PATH]\n"
                           "\n"
                           "Makes some thousand key pairs on curves and checks them; goes on for "
                           "KEYWELL_SOAK seconds if that is set.\n"
                           "\n"
                           "  --keys N         N pairs of each spec on each path\n"
                           "  --threads N      so many at work (default: as many as cores are allowed)\n"
                           "  --spec SPEC      of one curve only\n"
                           "  --cpu-path PATH  portable or avx512ifma only\n";

struct options {
    size_t keys; /* 0: as by itself */
    unsigned threads;
    int spec, path; /* -1: each */
};

_Static_assert(KW_SPEC_NUM - FIRST == SPECS, "the curves are the last specs");

/* Pairs of a spec and a path that are made in any case: what OpenSSL checks in half a second. */
static const size_t smoke_keys[SPECS] = {500, 100, 200, 150, 500};

/* Pairs of one spec, of both paths. */
struct farm {
    enum kw_spec spec;
    unsigned bits; /* of a secret */
    size_t num;
    struct ec_judge_numbers *numbers;
};

/* One spec, one path. */
struct season {
    const struct farm *farm;
    enum kw_cpu_path path;
    size_t num_min;
    uint64_t end_ns;
    atomic_size_t begun; /* pairs */
    atomic_bool failed;
};

struct hand {
    struct season *season;
    pthread_t thread;
    struct kw_rng *rng;
    struct kw_generator *generator;
    struct ec_judge *judge;
    struct ec_counts counts;
    size_t num, room;
    struct ec_judge_numbers *numbers;
    uint64_t make_ns;
};

static bool complain(const struct season *season, size_t number, const char *what)
{
    printf("%s, %s, pair %zu: %s\n", kw_spec_info(season->farm->spec)->name, kw_cpu_path_name(season->path),
        number, what);
    return false;
}

/* ---- one pair ---- */

struct place {
    uint8_t public_der[DER_MAX], private_der[DER_MAX];
    struct kw_slot slot;
};

/* As a worker does: a slice at a time. */
static bool make_pair(struct hand *hand, struct place *place)
{
    uint64_t begin = kw_now_ns();
    int r;

    place->slot = (struct kw_slot){.public_der = place->public_der, .private_der = place->private_der};
    do {
        r = hand->generator->ops->run(hand->generator, kw_now_ns() + KW_SLICE_NS, &place->slot);
    } while (r == KW_GENERATOR_AGAIN);
    hand->make_ns += kw_now_ns() - begin;
    return r == 0;
}

static const char *judge_pair(struct hand *hand, const struct place *place, struct ec_judge_numbers *ret)
{
    struct kw_bytes public_der = KW_BYTES(place->public_der, place->slot.public_len);
    struct kw_bytes private_der = KW_BYTES(place->private_der, place->slot.private_len);
    const char *wrong = ec_judge_pair(hand->judge, public_der, private_der, ret);

    if (wrong == NULL && hand->num < SLOW)
        wrong = ec_judge_slowly(hand->judge, public_der, private_der);
    if (wrong == NULL && hand->num == 0)
        wrong = ec_judge_flips(hand->judge, public_der, private_der, FLIP_TURNS);
    return wrong;
}

/* The public half of one pair with the private half of another. */
static const char *judge_mixture(struct hand *hand)
{
    struct place a, b;
    struct ec_judge_numbers numbers;

    KW_REQUIRE(make_pair(hand, &a) && make_pair(hand, &b), "the generator failed");
    KW_REQUIRE(ec_judge_pair(hand->judge, KW_BYTES(a.public_der, a.slot.public_len),
                   KW_BYTES(b.private_der, b.slot.private_len), &numbers) != NULL,
        "halves of two pairs fool this test");
    return NULL;
}

static void keep(struct hand *hand, const struct ec_judge_numbers *numbers)
{
    if (hand->num == hand->room) {
        hand->room = 2 * hand->room + 1024;
        hand->numbers = reallocarray(hand->numbers, hand->room, sizeof(*hand->numbers));
        kw_assert(hand->numbers != NULL);
    }
    hand->numbers[hand->num++] = *numbers;
    ec_counts_add(&hand->counts, numbers, hand->season->farm->bits);
}

static const char *make_and_judge(struct hand *hand)
{
    struct ec_judge_numbers numbers;
    struct place place;

    KW_REQUIRE(make_pair(hand, &place), "the generator failed");
    const char *wrong = judge_pair(hand, &place, &numbers);
    if (wrong == NULL)
        keep(hand, &numbers);
    return wrong;
}

/* ---- one thread ---- */

static bool goes_on(struct season *season, size_t number)
{
    return !season->failed && number < KEYS_MAX && (number < season->num_min || kw_now_ns() < season->end_ns);
}

static void *work(void *arg)
{
    struct hand *hand = arg;
    struct season *season = hand->season;
    enum kw_spec spec = season->farm->spec;
    const char *wrong;
    size_t number;

    kw_assert(kw_secmem_thread_init(ARENA_BYTES) == 0 && kw_rng_new(&hand->rng) == 0);
    kw_assert(kw_generator_choose(spec, season->path)->new (&hand->generator, spec, hand->rng) == 0);
    hand->judge = ec_judge_new(spec);
    wrong = judge_mixture(hand);
    while (wrong == NULL && goes_on(season, number = season->begun++))
        wrong = make_and_judge(hand);
    if (wrong != NULL)
        season->failed = !complain(season, hand->num, wrong);
    ec_judge_free(hand->judge);
    hand->generator->ops->free(hand->generator);
    kw_rng_free(hand->rng);
    OPENSSL_thread_stop();
    kw_secmem_thread_done();
    return NULL;
}

/* ---- many pairs ---- */

static void bring_in(struct farm *farm, struct hand *hand)
{
    farm->numbers = reallocarray(farm->numbers, farm->num + hand->num + 1, sizeof(*farm->numbers));
    kw_assert(farm->numbers != NULL);
    if (hand->num > 0)
        memcpy(farm->numbers + farm->num, hand->numbers, hand->num * sizeof(*hand->numbers));
    farm->num += hand->num;
    free(hand->numbers);
}

static bool run_season(struct farm *farm, struct season *season, unsigned threads)
{
    const struct kw_generator_ops *ops = kw_generator_choose(farm->spec, season->path);
    struct hand *hands = calloc(threads, sizeof(*hands));
    struct ec_counts counts = {0};
    uint64_t begin = kw_now_ns(), make_ns = 0;

    kw_assert(hands != NULL);
    for (unsigned i = 0; i < threads; i++) {
        hands[i].season = season;
        kw_assert(pthread_create(&hands[i].thread, NULL, work, &hands[i]) == 0);
    }
    for (unsigned i = 0; i < threads; i++) {
        kw_assert(pthread_join(hands[i].thread, NULL) == 0);
        bring_in(farm, &hands[i]);
        ec_counts_join(&counts, &hands[i].counts);
        make_ns += hands[i].make_ns;
    }
    free(hands);
    if (season->failed)
        return false;
    printf("%s, %s: %llu pairs on %u threads, made in %.2f s of theirs, all of it in %.1f s\n",
        kw_spec_info(farm->spec)->name, ops->name, (unsigned long long)counts.num, threads,
        (double)make_ns / 1e9, (double)(kw_now_ns() - begin) / 1e9);
    fflush(stdout);
    const char *wrong = ec_counts_judge(&counts, farm->bits);
    return wrong == NULL || complain(season, counts.num, wrong);
}

static int compare_secrets(const void *a, const void *b)
{
    const struct ec_judge_numbers *x = a, *y = b;

    return memcmp(x->secret, y->secret, sizeof(x->secret));
}

static int compare_points(const void *a, const void *b)
{
    const struct ec_judge_numbers *x = a, *y = b;

    return memcmp(x->point, y->point, sizeof(x->point));
}

static bool any_twice(struct farm *farm, int (*compare)(const void *a, const void *b))
{
    qsort(farm->numbers, farm->num, sizeof(*farm->numbers), compare);
    for (size_t i = 1; i < farm->num; i++)
        if (compare(&farm->numbers[i - 1], &farm->numbers[i]) == 0)
            return true;
    return false;
}

/* Equal x belong to d and n - d. */
static bool judge_farm(struct farm *farm)
{
    const char *name = kw_spec_info(farm->spec)->name;

    if (any_twice(farm, compare_secrets) || any_twice(farm, compare_points)) {
        printf("%s: of %zu pairs a secret or a point came twice\n", name, farm->num);
        return false;
    }
    /* That it would be seen. */
    farm->numbers[0] = farm->numbers[farm->num - 1];
    kw_assert(farm->num < 2 || (any_twice(farm, compare_secrets) && any_twice(farm, compare_points)));
    printf("%s: %zu pairs, none twice\n", name, farm->num);
    return true;
}

/* seconds: 0, or what this spec may take. */
static bool run_spec(enum kw_spec spec, const struct options *options, double seconds)
{
    bool is_seed = kw_spec_info(spec)->kind == KW_KIND_EDDSA;
    struct farm farm = {.spec = spec, .bits = is_seed ? 256 : kw_spec_info(spec)->bits};
    int best = (int)kw_cpu_detect();
    bool good = true;

    for (int path = 0; good && path <= best; path++) {
        double share = options->path >= 0 || best == 0 ? 1 : 0.5;
        struct season season = {.farm = &farm, .path = (enum kw_cpu_path)path};
        if (options->path >= 0 && options->path != path)
            continue;
        season.num_min = options->keys > 0 ? options->keys : smoke_keys[spec - FIRST];
        season.end_ns = kw_now_ns() + (uint64_t)(share * seconds * 1e9);
        good = run_season(&farm, &season, options->threads);
    }
    good = good && judge_farm(&farm);
    free(farm.numbers);
    return good;
}

static bool run(const struct options *options)
{
    double seconds = load_seconds(0) / (options->spec >= 0 ? 1 : SPECS);
    bool good = true;

    keys_counts_control();
    ec_counts_control();
    for (enum kw_spec spec = FIRST; good && spec < KW_SPEC_NUM; spec++)
        if (options->spec < 0 || options->spec == (int)spec)
            good = run_spec(spec, options, seconds);
    return good;
}

/* ---- options ---- */

static size_t parse_number(const char *text, size_t max)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    return *end == '\0' && number <= max ? number : 0;
}

static bool parse_option(const char *name, const char *value, struct options *options)
{
    enum kw_spec spec;
    enum kw_cpu_path path;

    if (strcmp(name, "--keys") == 0)
        return (options->keys = parse_number(value, KEYS_MAX)) > 0;
    if (strcmp(name, "--threads") == 0)
        return (options->threads = (unsigned)parse_number(value, THREADS_MAX)) > 0;
    if (strcmp(name, "--spec") == 0 && kw_spec_parse(kw_bytes_str(value), &spec) == 0 && spec >= FIRST) {
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
    static struct kw_cpus cpus;
    struct options options = {.spec = -1, .path = -1};

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(help, stdout) < 0;
    kw_assert(kw_crypto_init() == 0 && kw_cpus_allowed(&cpus) == 0);
    options.threads = KW_MAX(1u, KW_MIN(cpus.num, (unsigned)THREADS_MAX));
    for (int i = 1; i < argc; i += 2)
        if (i + 1 == argc || !parse_option(argv[i], argv[i + 1], &options))
            return fputs(help, stderr) < 0 ? 3 : 2;
    return run(&options) ? 0 : 1;
}
