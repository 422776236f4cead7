#include "engine/rsa/moduli.h"

#include <math.h>
#include <stdlib.h>

/* Eratosthenes over odd numbers: composite[i] is for 2 i + 1. */
static uint8_t *sieve_new(size_t half)
{
    uint8_t *composite = calloc(half, 1);

    if (composite == NULL)
        return NULL;
    for (size_t i = 1; (2 * i + 1) * (2 * i + 1) < 2 * half; i++)
        if (!composite[i])
            for (size_t j = 2 * i * (i + 1); j < half; j += 2 * i + 1)
                composite[j] = 1;
    return composite;
}

int kw_moduli_primes(uint32_t **ret, size_t *ret_num, uint32_t low, uint32_t bound)
{
    size_t half = bound / 2, num = 0;
    uint8_t *composite = sieve_new(half + 1);
    uint32_t *primes;

    KW_REQUIRE(composite != NULL, -ENOMEM);
    primes = calloc(half + 1, sizeof(*primes));
    if (primes == NULL) {
        free(composite);
        return -ENOMEM;
    }
    for (size_t i = 1; i < half; i++)
        if (!composite[i] && 2 * i + 1 >= low)
            primes[num++] = (uint32_t)(2 * i + 1);
    free(composite);
    *ret = primes;
    *ret_num = num;
    return 0;
}

static int descending(const void *left, const void *right)
{
    uint64_t a = ((const struct kw_modulus *)left)->product, b = ((const struct kw_modulus *)right)->product;

    return a < b ? 1 : a > b ? -1 : 0;
}

/* The largest third (or quarter, ...) first, then the smallest, then the others from above: what comes last
 * evens out what is left of the differences. */
static unsigned part_of_round(unsigned round, unsigned num_parts)
{
    return round == 0 ? num_parts - 1 : round == 1 ? 0 : num_parts - round;
}

/* The last part may be short of some primes. 3, 5, 7 ... are sieved anyway. */
static uint32_t filler(uint64_t product)
{
    static const uint32_t odd_primes[] = {3, 5, 7, 11, 13, 17, 19, 23};
    size_t i = 0;

    while (product % odd_primes[i] == 0)
        i++;
    kw_assert(i < KW_ARRAY_LEN(odd_primes));
    return odd_primes[i];
}

/* Puts a prime into a product if it stays below the limit. */
static bool multiply(struct kw_modulus *modulus, unsigned place, uint32_t prime, uint64_t limit)
{
    if (modulus->product > limit / prime)
        return false;
    modulus->primes[place] = prime;
    modulus->product *= prime;
    return true;
}

/* Packs num primes into products of num_parts each, list has room for them. Returns whether all are at most
 * the limit. */
static bool pack(
    struct kw_modulus *list, const uint32_t *primes, size_t num, unsigned num_parts, uint64_t limit)
{
    size_t num_list = (num + num_parts - 1) / num_parts;
    bool fit = true;

    for (size_t i = 0; i < num_list; i++)
        list[i] = (struct kw_modulus){.product = 1};
    for (unsigned round = 0; round < num_parts; round++) {
        size_t begin = part_of_round(round, num_parts) * num_list;

        for (size_t i = 0; i < num_list && fit && begin + i < num; i++)
            fit = multiply(&list[i], round, primes[begin + i], limit);
        qsort(list, num_list, sizeof(*list), descending);
    }
    for (size_t i = 0; i < num_list; i++)
        for (unsigned place = 0; place < num_parts && fit; place++)
            if (list[i].primes[place] == 0)
                fit = multiply(&list[i], place, filler(list[i].product), limit);
    return fit;
}

/* Whether the products of so many primes can fit at all: how many bits they have on average. It saves most of
 * the sorting. */
static bool may_fit(const double *bits_before, size_t begin, size_t end, unsigned num_parts, unsigned bits)
{
    return (bits_before[end] - bits_before[begin]) * num_parts <= (double)((end - begin) * bits);
}

struct packing {
    const uint32_t *primes;
    size_t num;
    const double *bits_before; /* num + 1: sum of the logarithms of the primes before */
    unsigned bits;
    size_t multiple;
};

/* The first num_many primes in products of num_parts, the others in products of one less, if they fit. */
static bool pack_both(
    const struct packing *packing, struct kw_moduli ret[2], size_t num_many, unsigned num_parts)
{
    const size_t num = packing->num;
    const unsigned bits = packing->bits;
    const uint64_t limit = UINT64_MAX >> (64 - bits);

    return may_fit(packing->bits_before, 0, num_many, num_parts, bits) &&
           may_fit(packing->bits_before, num_many, num, num_parts - 1, bits) &&
           pack(ret[0].list, packing->primes, num_many, num_parts, limit) &&
           pack(ret[1].list, packing->primes + num_many, num - num_many, num_parts - 1, limit);
}

static size_t round_up(size_t num, size_t multiple)
{
    return (num + multiple - 1) / multiple * multiple;
}

/* The first ones again: those with a filler come last, and a filler divides many numbers. */
static void repeat(struct kw_moduli *moduli, size_t num, size_t multiple)
{
    moduli->num_distinct = num;
    moduli->num = round_up(num, multiple);
    for (size_t i = num; i < moduli->num; i++)
        moduli->list[i] = moduli->list[i - num];
}

/* As many small primes as fit go in the larger products, if the others fit into those with one prime less. */
static bool choose(const struct packing *packing, struct kw_moduli ret[2], unsigned num_parts)
{
    size_t num_many = packing->num;

    kw_assert(num_parts >= 2);
    while (!pack_both(packing, ret, num_many, num_parts)) {
        if (num_many == 0)
            return false;
        num_many -= num_many / 128 + 1;
    }
    ret[0].num_primes = num_parts;
    ret[1].num_primes = num_parts - 1;
    repeat(&ret[0], (num_many + num_parts - 1) / num_parts, packing->multiple);
    repeat(&ret[1], (packing->num - num_many + num_parts - 2) / (num_parts - 1), packing->multiple);
    return true;
}

int kw_moduli_pack(struct kw_moduli ret[2], const uint32_t *primes, size_t num, unsigned bits,
    unsigned num_primes_max, size_t multiple)
{
    struct packing packing = {.primes = primes, .num = num, .bits = bits, .multiple = multiple};
    struct kw_moduli moduli[2] = {{.num = 0}, {.num = 0}};
    double *bits_before = calloc(num + 1, sizeof(*bits_before));
    unsigned num_parts = num_primes_max;

    for (unsigned i = 0; i < 2; i++)
        moduli[i].list = calloc(round_up(num, multiple), sizeof(*moduli[i].list));
    if (bits_before == NULL || moduli[0].list == NULL || moduli[1].list == NULL) {
        free(bits_before);
        kw_moduli_done(moduli);
        return -ENOMEM;
    }
    for (size_t i = 0; i < num; i++)
        bits_before[i + 1] = bits_before[i] + log2(primes[i]);
    packing.bits_before = bits_before;
    /* Two primes of 25 bits fit into every product, so it ends. */
    while (!choose(&packing, moduli, num_parts))
        num_parts--;
    free(bits_before);
    memcpy(ret, moduli, sizeof(moduli));
    return 0;
}

void kw_moduli_done(struct kw_moduli moduli[2])
{
    for (unsigned i = 0; i < 2; i++) {
        free(moduli[i].list);
        moduli[i] = (struct kw_moduli){.num = 0};
    }
}
