#include "engine/rsa/sieve_portable.h"

#include <stdlib.h>

#define MODULUS_BITS 63u

__extension__ typedef unsigned __int128 u128;

/* Exact modulo 2^64: each round doubles the bits that are right, and 3 are at first. */
static uint64_t inverse_of(uint64_t odd)
{
    uint64_t inverse = odd;

    for (int i = 0; i < 5; i++)
        inverse *= 2 - odd * inverse;
    return inverse;
}

static uint64_t r2_modulo(uint64_t m)
{
    u128 r = ((u128)1 << 64) % m;

    return (uint64_t)(r * r % m);
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* The least common multiple of prime - 1 over the primes: below the modulus, hence below 2^63. */
static uint64_t order_of(const struct kw_modulus *modulus, unsigned num_parts)
{
    uint64_t order = 1;

    for (unsigned i = 0; i < num_parts; i++) {
        uint64_t common = gcd(order, modulus->primes[i] - 1);

        kw_assert(common != 0);
        order *= (modulus->primes[i] - 1) / common;
    }
    return order;
}

static void fill_modulus(struct kw_sieve_block *block, size_t i, const struct kw_modulus *modulus)
{
    uint64_t exponent = order_of(modulus, block->num_parts) - 1;

    block->m[i] = modulus->product;
    block->inverse[i] = inverse_of(modulus->product);
    block->r2[i] = r2_modulo(modulus->product);
    for (unsigned digit = KW_SIEVE_DIGITS; digit-- > 0; exponent >>= 4)
        block->digits[digit][i] = exponent & 15;
}

static void fill_wrap(struct kw_sieve_wrap *ret, uint32_t prime)
{
    *ret = (struct kw_sieve_wrap){.prime = prime, .back = 64 % prime};
    for (uint32_t bit = 0; bit < 64; bit += prime)
        ret->pattern |= 1ull << bit;
}

/* The table is one piece of memory: the head, then the arrays. */
struct arrays {
    struct kw_sieve_block *blocks;
    struct kw_sieve_part *parts;
    struct kw_sieve_wrap *wraps;
};

static void add_block(struct arrays *arrays, const struct kw_modulus *list, unsigned num_parts, bool wraps)
{
    struct kw_sieve_block *block = arrays->blocks++;

    *block = (struct kw_sieve_block){
        .num_parts = num_parts, .parts = arrays->parts, .wraps = wraps ? arrays->wraps : NULL};
    for (size_t i = 0; i < KW_SIEVE_BLOCK; i++)
        fill_modulus(block, i, &list[i]);
    for (unsigned part = 0; part < num_parts; part++, arrays->parts++)
        for (size_t i = 0; i < KW_SIEVE_BLOCK; i++) {
            uint32_t prime = list[i].primes[part];

            arrays->parts->prime[i] = prime;
            arrays->parts->inverse[i] = inverse_of(prime);
            if (wraps)
                fill_wrap(arrays->wraps++, prime);
        }
}

/* Primes below the window, and above it. */
struct plan {
    struct kw_moduli moduli[2][2];
};

static void plan_done(struct plan *plan)
{
    for (unsigned i = 0; i < 2; i++)
        kw_moduli_done(plan->moduli[i]);
}

static int plan_class(struct kw_moduli ret[2], uint32_t low, uint32_t high)
{
    uint32_t *primes;
    size_t num;
    int r;

    if (low >= high)
        return 0;
    KW_TRY(kw_moduli_primes(&primes, &num, low, high));
    r = kw_moduli_pack(ret, primes, num, MODULUS_BITS, KW_MODULI_PRIMES_MAX, KW_SIEVE_BLOCK);
    free(primes);
    return r;
}

static struct kw_sieve_table *table_new(const struct plan *plan, struct arrays *ret)
{
    size_t num_blocks = 0, num_parts = 0, num_wraps = 0;
    struct kw_sieve_table *table;
    char *memory;

    for (unsigned i = 0; i < 4; i++) {
        const struct kw_moduli *moduli = &plan->moduli[i / 2][i % 2];

        num_blocks += moduli->num / KW_SIEVE_BLOCK;
        num_parts += moduli->num / KW_SIEVE_BLOCK * moduli->num_primes;
        num_wraps += i < 2 ? moduli->num * moduli->num_primes : 0;
    }
    memory = malloc(sizeof(*table) + num_blocks * sizeof(*ret->blocks) + num_parts * sizeof(*ret->parts) +
                    num_wraps * sizeof(*ret->wraps));
    if (memory == NULL)
        return NULL;
    table = (void *)memory;
    ret->blocks = (void *)(memory + sizeof(*table));
    ret->parts = (void *)(ret->blocks + num_blocks);
    ret->wraps = (void *)(ret->parts + num_parts);
    *table = (struct kw_sieve_table){.num_blocks = num_blocks, .blocks = ret->blocks};
    return table;
}

int kw_sieve_portable_build(struct kw_sieve **ret, uint32_t bound)
{
    KW_CLEANUP(plan_done) struct plan plan = {.moduli = {{{.num = 0}}}};
    struct kw_sieve_table *table;
    struct arrays arrays;

    KW_TRY(plan_class(plan.moduli[0], 3, KW_MIN(bound, KW_SIEVE_WINDOW)));
    KW_TRY(plan_class(plan.moduli[1], KW_SIEVE_WINDOW, bound));
    table = table_new(&plan, &arrays);
    KW_REQUIRE(table != NULL, -ENOMEM);
    for (unsigned i = 0; i < 4; i++) {
        const struct kw_moduli *moduli = &plan.moduli[i / 2][i % 2];

        for (size_t j = 0; j < moduli->num; j += KW_SIEVE_BLOCK)
            add_block(&arrays, moduli->list + j, moduli->num_primes, i < 2);
    }
    *ret = &table->sieve;
    return 0;
}
