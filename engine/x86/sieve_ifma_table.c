#include "engine/x86/sieve_ifma_table.h"

#include "engine/rsa/moduli.h"
#include "engine/x86/sieve_ifma_queue.h"

#include <stdlib.h>

#define R_BITS 52u
#define R_MASK ((1ull << R_BITS) - 1)

__extension__ typedef unsigned __int128 u128;

/* Primes from and to: below the window a prime may hit several times, and up to twice that it hits so often
 * that gathering costs more than it saves. The last class ends at the bound. */
struct class
{
    uint32_t low, high;
    enum kw_sieve_mark mark;
    unsigned num_parts_max;
};
static const struct class classes[] = {
    {3, KW_SIEVE_WINDOW, KW_SIEVE_MARK_WRAP, 5},
    {KW_SIEVE_WINDOW, 2 * KW_SIEVE_WINDOW, KW_SIEVE_MARK_DIRECT, 4},
    {2 * KW_SIEVE_WINDOW, KW_SIEVE_BOUND_MAX, KW_SIEVE_MARK_GATHER, 4},
};

/* Exact modulo 2^64, hence modulo R: each round doubles the bits that are right, and 3 are at first. */
static uint64_t inverse_of(uint64_t odd)
{
    uint64_t inverse = odd;

    for (int i = 0; i < 5; i++)
        inverse *= 2 - odd * inverse;
    return inverse & R_MASK;
}

/* a^-1 modulo a prime that does not divide it. */
static uint32_t inverse_modulo(uint32_t a, uint32_t prime)
{
    int64_t r0 = prime, r1 = a, u0 = 0, u1 = 1;

    while (r1 != 0) {
        int64_t q = r0 / r1, r2 = r0 - q * r1, u2 = u0 - q * u1;

        r0 = r1;
        r1 = r2;
        u0 = u1;
        u1 = u2;
    }
    return (uint32_t)(u0 < 0 ? u0 + prime : u0);
}

static uint64_t r2_modulo(uint64_t m)
{
    return (uint64_t)(((u128)1 << (2 * R_BITS)) % m);
}

static uint64_t factor_of(uint64_t product, uint32_t prime)
{
    uint64_t others = product / prime, r2 = r2_modulo(prime);

    return others * ((prime - r2) * inverse_modulo((uint32_t)(others % prime), prime) % prime);
}

static void put(__m512i vectors[KW_SIEVE_VECTORS], size_t i, uint64_t value)
{
    memcpy((char *)vectors + i * sizeof(value), &value, sizeof(value));
}

static void fill_moduli(struct kw_sieve_moduli *ret, const struct kw_modulus *list)
{
    for (size_t i = 0; i < KW_SIEVE_BLOCK; i++) {
        put(ret->m, i, list[i].product);
        put(ret->inverse, i, inverse_of(list[i].product));
        put(ret->r2, i, r2_modulo(list[i].product));
    }
}

static void fill_part(struct kw_sieve_part *ret, const struct kw_modulus *list, unsigned part)
{
    for (size_t i = 0; i < KW_SIEVE_BLOCK; i++) {
        uint32_t prime = list[i].primes[part];

        put(ret->prime, i, prime);
        put(ret->inverse, i, inverse_of(prime));
        put(ret->factor, i, factor_of(list[i].product, prime));
    }
}

/* Hits of a block: pair by pair, part by part, 16 to a vector. */
static uint32_t slot_of(size_t i, unsigned part, unsigned num_parts)
{
    size_t pair = i / 16, second = i / 8 % 2, lane = i % 8;

    return (uint32_t)((pair * num_parts + part) * 16 + 2 * lane + second);
}

static void fill_wrap(struct kw_sieve_wrap *ret, uint32_t prime, uint32_t slot)
{
    *ret = (struct kw_sieve_wrap){.prime = prime, .back_vector = 512 % prime, .slot = slot};
    for (uint32_t i = 0; i < KW_ARRAY_LEN(ret->back); i++)
        ret->back[i] = (uint16_t)(32 * i % prime);
    for (uint32_t bit = 0; bit < 32; bit += prime)
        ret->pattern |= 1u << bit;
}

/* The first num moduli of a block; what repeats need not be marked twice. Returns how many were written. */
static size_t fill_wraps(
    struct kw_sieve_wrap *ret, const struct kw_modulus *list, size_t num, unsigned num_parts)
{
    size_t written = 0;

    for (size_t i = 0; i < num; i++)
        for (unsigned part = 0; part < num_parts; part++)
            fill_wrap(&ret[written++], list[i].primes[part], slot_of(i, part, num_parts));
    return written;
}

/* When the hits of a block are drained. */
static void schedule(
    struct kw_sieve_block *block, const struct kw_modulus *list, struct kw_sieve_queue *queue)
{
    for (unsigned vector = 0; vector < KW_SIEVE_PAIRS * block->num_parts; vector++) {
        const struct kw_modulus *half = list + vector / block->num_parts * 16;
        double chances[16];

        for (size_t i = 0; i < 16; i++)
            chances[i] = KW_MIN(1.0, (double)KW_SIEVE_WINDOW / half[i].primes[vector % block->num_parts]);
        block->drains[vector] = (uint8_t)kw_sieve_queue_gather(queue, chances);
    }
}

/* Steps, an even number, after which Euclid's algorithm with quotients rounded to the nearest has ended for
 * every number below a prime of so many bits: n steps need a prime of at least h(n), where h is 1, 1, 3, 7,
 * 17 ... (h(n) = 2 h(n - 1) + h(n - 2)). Two of a hundred allow for quotients made with a reciprocal of 14
 * bits. (Every number for every prime of at most 18 bits was tried, and all for one of many primes above.) */
static unsigned steps_of(uint32_t prime)
{
    const uint64_t limit = 1ull << (32 - __builtin_clz(prime));
    uint64_t before = 1, needed = 1; /* h(n), h(n + 1) */
    unsigned n = 0;

    while (50 * needed < 51 * limit) {
        before += 2 * needed;
        needed += 2 * before;
        n += 2;
    }
    return n;
}

static unsigned steps_of_block(const struct kw_modulus *list, unsigned num_parts)
{
    uint32_t largest = 0;

    for (size_t i = 0; i < KW_SIEVE_BLOCK; i++)
        for (unsigned part = 0; part < num_parts; part++)
            largest = KW_MAX(largest, list[i].primes[part]);
    return steps_of(largest);
}

/* The table is one piece of memory: the head, then the arrays. */
struct arrays {
    struct kw_sieve_block *blocks;
    struct kw_sieve_moduli *moduli;
    struct kw_sieve_part *parts;
    struct kw_sieve_wrap *wraps;
};

struct size {
    size_t num_blocks, num_parts, num_wraps;
};

static size_t whole_lines(size_t len)
{
    return (len + KW_CACHE_LINE - 1) / KW_CACHE_LINE * KW_CACHE_LINE;
}

static struct kw_sieve_ifma *table_new(const struct size *size, struct arrays *ret)
{
    const size_t head_len = whole_lines(sizeof(struct kw_sieve_ifma));
    const size_t moduli_len = size->num_blocks * sizeof(struct kw_sieve_moduli);
    const size_t parts_len = size->num_parts * sizeof(struct kw_sieve_part);
    const size_t wraps_len = whole_lines(size->num_wraps * sizeof(struct kw_sieve_wrap));
    const size_t blocks_len = whole_lines(size->num_blocks * sizeof(struct kw_sieve_block));
    char *memory = aligned_alloc(KW_CACHE_LINE, head_len + moduli_len + parts_len + wraps_len + blocks_len);

    if (memory == NULL)
        return NULL;
    ret->moduli = (void *)(memory + head_len);
    ret->parts = (void *)(memory + head_len + moduli_len);
    ret->wraps = (void *)(memory + head_len + moduli_len + parts_len);
    ret->blocks = (void *)(memory + head_len + moduli_len + parts_len + wraps_len);
    return (void *)memory;
}

static void add_block(struct arrays *arrays, enum kw_sieve_mark mark, const struct kw_modulus *list,
    size_t num_distinct, unsigned num_parts, struct kw_sieve_queue *queue)
{
    struct kw_sieve_block *block = arrays->blocks++;

    *block = (struct kw_sieve_block){.mark = mark,
        .num_parts = num_parts,
        .num_steps = steps_of_block(list, num_parts),
        .moduli = arrays->moduli,
        .parts = arrays->parts,
        .wraps = arrays->wraps};
    fill_moduli(arrays->moduli++, list);
    for (unsigned part = 0; part < num_parts; part++)
        fill_part(arrays->parts++, list, part);
    if (mark == KW_SIEVE_MARK_WRAP)
        block->num_wraps = fill_wraps(arrays->wraps, list, num_distinct, num_parts);
    if (mark == KW_SIEVE_MARK_GATHER)
        schedule(block, list, queue);
    arrays->wraps += block->num_wraps;
}

static void add_blocks(struct arrays *arrays, enum kw_sieve_mark mark, const struct kw_moduli *moduli,
    struct kw_sieve_queue *queue)
{
    for (size_t i = 0; i < moduli->num; i += KW_SIEVE_BLOCK)
        add_block(arrays, mark, moduli->list + i,
            KW_MIN(KW_SIEVE_BLOCK, moduli->num_distinct - KW_MIN(i, moduli->num_distinct)),
            moduli->num_primes, queue);
}

/* The moduli of one class, none if it begins above the bound. */
static int pack_class(struct kw_moduli ret[2], const struct class *class, uint32_t bound)
{
    uint32_t *primes = NULL;
    size_t num;
    int r;

    if (class->low >= bound)
        return 0;
    KW_TRY(kw_moduli_primes(&primes, &num, class->low, KW_MIN(class->high, bound)));
    r = kw_moduli_pack(ret, primes, num, R_BITS, class->num_parts_max, KW_SIEVE_BLOCK);
    free(primes);
    return r;
}

struct plan {
    struct kw_moduli moduli[KW_ARRAY_LEN(classes)][2];
};

static void plan_done(struct plan *plan)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(classes); i++)
        kw_moduli_done(plan->moduli[i]);
}

static struct size size_of(const struct plan *plan)
{
    struct size size = {.num_blocks = 0};

    for (size_t i = 0; i < KW_ARRAY_LEN(classes); i++)
        for (unsigned j = 0; j < 2; j++) {
            const struct kw_moduli *moduli = &plan->moduli[i][j];

            size.num_blocks += moduli->num / KW_SIEVE_BLOCK;
            size.num_parts += moduli->num / KW_SIEVE_BLOCK * moduli->num_primes;
            if (classes[i].mark == KW_SIEVE_MARK_WRAP)
                size.num_wraps += moduli->num * moduli->num_primes;
        }
    return size;
}

int kw_sieve_ifma_build(struct kw_sieve **ret, uint32_t bound)
{
    KW_CLEANUP(plan_done) struct plan plan = {.moduli = {{{.num = 0}}}};
    struct kw_sieve_ifma *table;
    struct arrays arrays;
    struct size size;
    struct kw_sieve_queue queue;

    for (size_t i = 0; i < KW_ARRAY_LEN(classes); i++)
        KW_TRY(pack_class(plan.moduli[i], &classes[i], bound));
    size = size_of(&plan);
    table = table_new(&size, &arrays);
    KW_REQUIRE(table != NULL, -ENOMEM);
    kw_sieve_queue_init(&queue);
    *table = (struct kw_sieve_ifma){.num_blocks = size.num_blocks, .blocks = arrays.blocks};
    for (size_t i = 0; i < KW_ARRAY_LEN(classes); i++)
        for (unsigned j = 0; j < 2; j++)
            add_blocks(&arrays, classes[i].mark, &plan.moduli[i][j], &queue);
    *ret = &table->sieve;
    return 0;
}
