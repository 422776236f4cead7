#include "tests/stress/keys_counts.h"

#include <math.h>

static const BN_ULONG small_primes[KEYS_COUNTS_SMALL] = {3, 5, 7, 11};

/* The most significant bits of a prime are not fair; from the tenth on they are to 2^-10 and better, which so
 * few primes do not show. The lowest is always set. */
#define BITS_ABOVE 10u

void keys_counts_add(struct keys_counts *counts, const BIGNUM *prime, unsigned bits)
{
    uint8_t bytes[KEYS_COUNTS_BITS_MAX / 8];
    double root = sqrt(0.5), fraction = 0;

    kw_assert(bits <= KEYS_COUNTS_BITS_MAX && BN_bn2lebinpad(prime, bytes, (int)bits / 8) == (int)bits / 8);
    for (unsigned i = bits / 8 - 8; i < bits / 8; i++)
        fraction = (fraction + bytes[i]) / 256;
    int cell = (int)floor((fraction - root) / (1 - root) * KEYS_COUNTS_CELLS);
    counts->num++;
    counts->top[KW_MAX(0, KW_MIN(cell, KEYS_COUNTS_CELLS - 1))]++;
    counts->mod8[bytes[0] % 8 / 2]++;
    for (size_t i = 0; i < KEYS_COUNTS_SMALL; i++)
        counts->small[i][BN_mod_word(prime, small_primes[i]) - 1]++;
    for (unsigned i = 0; i < bits; i++)
        counts->bit[i] += bytes[i / 8] >> i % 8 & 1;
}

double keys_counts_bound(const uint64_t *cells, unsigned num)
{
    double sum = 0, t = 0, freedom = num - 1;

    for (unsigned i = 0; i < num; i++)
        sum += (double)cells[i];
    for (unsigned i = 0; i < num; i++)
        if (cells[i] > 0)
            t += (double)cells[i] * log((double)cells[i] * num / sum);
    return t <= freedom ? 1 : exp(-t + freedom * (1 + log(t / freedom)));
}

static bool bit_is_fair(const struct keys_counts *counts, unsigned bit)
{
    const uint64_t cells[] = {counts->bit[bit], counts->num - counts->bit[bit]};

    return keys_counts_bound(cells, 2) >= KEYS_COUNTS_ALARM_BIT;
}

const char *keys_counts_judge(const struct keys_counts *counts, unsigned bits)
{
    static const char *const names[] = {"primes modulo 3 are not uniform", "primes modulo 5 are not uniform",
        "primes modulo 7 are not uniform", "primes modulo 11 are not uniform"};

    KW_REQUIRE(keys_counts_bound(counts->top, KEYS_COUNTS_CELLS) >= KEYS_COUNTS_ALARM,
        "the leading bits of primes are not uniform");
    KW_REQUIRE(keys_counts_bound(counts->mod8, 4) >= KEYS_COUNTS_ALARM, "primes modulo 8 are not uniform");
    for (size_t i = 0; i < KEYS_COUNTS_SMALL; i++)
        KW_REQUIRE(keys_counts_bound(counts->small[i], (unsigned)small_primes[i] - 1) >= KEYS_COUNTS_ALARM,
            names[i]);
    for (unsigned bit = 1; bit < bits - BITS_ABOVE; bit++)
        KW_REQUIRE(bit_is_fair(counts, bit), "a bit of primes is not fair");
    return NULL;
}

void keys_counts_control(void)
{
    const uint64_t uniform[4] = {100, 110, 90, 100}, skewed[4] = {50, 150, 50, 150},
                   empty[4] = {0, 40, 40, 0};
    /* Every count of this is as good as it can be, but for what a generator would do that sets the two
     * highest bits, and always ends in 3 modulo 4. */
    struct keys_counts counts = {.num = 480};

    kw_assert(keys_counts_bound(uniform, 4) > 0.1);
    kw_assert(keys_counts_bound(skewed, 4) < KEYS_COUNTS_ALARM);
    kw_assert(keys_counts_bound(empty, 4) < KEYS_COUNTS_ALARM);
    for (size_t i = 0; i < KEYS_COUNTS_CELLS; i++)
        counts.top[i] = 30;
    for (size_t i = 0; i < 4; i++)
        counts.mod8[i] = 120;
    for (size_t i = 0; i < KEYS_COUNTS_SMALL; i++)
        for (size_t j = 0; j < small_primes[i] - 1; j++)
            counts.small[i][j] = 480 / (small_primes[i] - 1);
    for (size_t i = 0; i < KEYS_COUNTS_BITS_MAX; i++)
        counts.bit[i] = 240;
    kw_assert(keys_counts_judge(&counts, KEYS_COUNTS_BITS_MAX) == NULL);
    counts.top[0] = counts.top[1] = 0;
    counts.top[2] = counts.top[3] = 60;
    kw_assert(keys_counts_judge(&counts, KEYS_COUNTS_BITS_MAX) != NULL);
    for (size_t i = 0; i < 4; i++)
        counts.top[i] = 30;
    counts.bit[1] = 330;
    kw_assert(keys_counts_judge(&counts, KEYS_COUNTS_BITS_MAX) != NULL);
}
