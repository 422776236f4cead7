/* sieve - what the sieve costs: time of one progression and of one prime for one progression, by shape and
 * bound.
 *
 * sieve [BITS_MAX [REPEATS]] goes up to a bound of 2^BITS_MAX (21). Full groups of random progressions; the
 * least of the repeats (9), in time of the thread, since the machine may be busy.
 */
#include "engine/rsa/sieve.h"
#include "engine/cpu.h"
#include "engine/crypto.h"
#include "pool/secmem.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WORDS_MAX = 33 };

struct shape {
    size_t num_start, num_step; /* num_step 0: the step is 2 */
    unsigned bits_min, bits_max;
    unsigned portable_bits_max;
};
static const struct shape shapes[] = {
    {16, 5, 14, 21, 18},
    {24, 6, 14, 23, 18},
    {32, 7, 14, 23, 18},
    {3, 0, 11, 13, 13},
    {4, 0, 11, 13, 13},
};

struct rig {
    uint64_t start[KW_SIEVE_GROUP][WORDS_MAX], step[KW_SIEVE_GROUP][WORDS_MAX];
    uint64_t map[KW_SIEVE_GROUP][KW_SIEVE_WINDOW_WORDS];
    struct kw_sieve_job jobs[KW_SIEVE_GROUP];
};

static unsigned primes_below(uint32_t bound)
{
    unsigned num = 0;

    for (uint32_t n = 3; n < bound; n += 2) {
        uint32_t d = 3;

        while (d * d <= n && n % d != 0)
            d += 2;
        num += d * d > n;
    }
    return num;
}

static int fill(struct rig *rig, const struct shape *shape)
{
    KW_SSL(RAND_bytes((uint8_t *)rig->start, sizeof(rig->start)));
    KW_SSL(RAND_bytes((uint8_t *)rig->step, sizeof(rig->step)));
    for (unsigned i = 0; i < KW_SIEVE_GROUP; i++) {
        rig->start[i][0] |= 1;
        rig->step[i][0] &= ~1ull;
        rig->jobs[i] = (struct kw_sieve_job){.start = rig->start[i],
            .step = shape->num_step == 0 ? NULL : rig->step[i],
            .ret_map = rig->map[i]};
    }
    return 0;
}

static uint64_t thread_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A repeat takes some milliseconds. */
static double time_of(
    struct rig *rig, const struct shape *shape, const struct kw_sieve *sieve, void *scratch, unsigned repeats)
{
    uint64_t least = UINT64_MAX;
    unsigned rounds = 1;

    for (unsigned i = 0; i <= repeats; i++) {
        uint64_t begin = thread_ns(), took;

        for (unsigned j = 0; j < rounds; j++)
            kw_sieve_run(sieve, rig->jobs, KW_SIEVE_GROUP, shape->num_start, shape->num_step, scratch);
        took = (thread_ns() - begin) / rounds;
        if (i == 0)
            rounds = (unsigned)KW_MAX(1u, 3000000 / KW_MAX(took, 1u));
        else
            least = KW_MIN(least, took);
    }
    return (double)least / KW_SIEVE_GROUP;
}

static int measure(
    struct rig *rig, const struct shape *shape, enum kw_cpu_path path, unsigned bits, unsigned repeats)
{
    const struct kw_sieve *sieve;
    uint64_t begin = thread_ns(), made_ns;
    double ns;

    KW_TRY(kw_sieve_get(&sieve, path, 1u << bits));
    made_ns = thread_ns() - begin;
    KW_SECMEM void *scratch = kw_secmem_alloc_aligned(kw_sieve_scratch_len(sieve), KW_CACHE_LINE);
    KW_REQUIRE(scratch != NULL, -ENOMEM);
    ns = time_of(rig, shape, sieve, scratch, repeats);
    printf("%-10s (%2zu,%2zu) 2^%-2u %7u primes %9.2f us/progression %6.2f ns/prime   table in %.1f ms\n",
        kw_cpu_path_name(path), shape->num_start, shape->num_step, bits, primes_below(1u << bits), ns / 1e3,
        ns / primes_below(1u << bits), (double)made_ns / 1e6);
    return 0;
}

static int run(unsigned bits_max, unsigned repeats)
{
    static struct rig rig;

    KW_TRY(kw_crypto_init());
    for (enum kw_cpu_path path = KW_CPU_PORTABLE; path <= kw_cpu_detect(); path++)
        for (size_t i = 0; i < KW_ARRAY_LEN(shapes); i++) {
            const struct shape *shape = &shapes[i];
            unsigned last = path == KW_CPU_PORTABLE ? shape->portable_bits_max : shape->bits_max;

            KW_TRY(fill(&rig, shape));
            for (unsigned bits = shape->bits_min; bits <= KW_MIN(last, bits_max); bits++)
                KW_TRY(measure(&rig, shape, path, bits, repeats));
        }
    return 0;
}

int main(int argc, char **argv)
{
    unsigned bits_max = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 21;
    unsigned repeats = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 9;
    char model[64];
    int r;

    kw_cpu_model(model);
    printf("%s\n", model);
    r = run(bits_max, repeats);
    if (r < 0)
        fprintf(stderr, "sieve: %s\n", r == KW_EOPENSSL ? "OpenSSL failed" : strerror(-r));
    return r < 0;
}
