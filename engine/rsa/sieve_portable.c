/* The sieve in plain C: as engine/x86/sieve_ifma.c explains it, with these differences. A modulus has 63 bits
 * and R is 2^64; the one inverse for all progressions is a power, its exponent public; and a hit of a prime
 * above the window is compared with every word of the map, which a compiler makes vectors of: all hits are
 * marked, none is lost. At a bound of 2^16 a progression of 16 words costs about 120 us at 3.6 GHz, little
 * beside the tests of a search.
 */
#include "engine/rsa/sieve_portable.h"

#include "engine/words.h"

#include <assert.h>

__extension__ typedef unsigned __int128 u128;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a map is written in words of 32 and of 64 bits");

#define MAP_VECTORS (KW_SIEVE_WINDOW / 128)

/* Words of 32 bits of a map. Comparisons give all ones or 0. */
typedef uint32_t words4 __attribute__((vector_size(16)));

/* One element for each modulus of a block. */
struct row {
    uint64_t m[KW_SIEVE_BLOCK];
};

/* What is known of one progression while a block is worked on. */
struct progression {
    struct row start;  /* Y times a power of R, then -Y / s likewise */
    struct row step;   /* s */
    struct row before; /* product of the steps up to this one */
};

struct scratch {
    words4 map[KW_SIEVE_GROUP][MAP_VECTORS]; /* bit set: a prime divides the member */
    struct progression progression[KW_SIEVE_GROUP];
    struct row inverse;
    uint32_t hits[KW_SIEVE_BLOCK];        /* one for each modulus; beyond the window there is none */
    struct row window[16];                /* small powers of what is inverted */
    struct row power[KW_SIEVE_WORDS_MAX]; /* of R: public */
};

/* ---- arithmetic modulo m ---- */

static inline uint64_t mul_high(uint64_t a, uint64_t b)
{
    return (uint64_t)((u128)a * b >> 64);
}

/* From -m <= a < 2^63 to the same residue between 0 and the larger of a and m. */
static inline uint64_t lift(uint64_t a, uint64_t m)
{
    return a + (m & kw_mask_bit(a >> 63));
}

/* a b / R modulo m. In: a, b < 2^63, a b < R m. Out: below m. */
static inline uint64_t montgomery(uint64_t a, uint64_t b, uint64_t m, uint64_t inverse)
{
    u128 product = (u128)a * b;

    return lift((uint64_t)(product >> 64) - mul_high((uint64_t)product * inverse, m), m);
}

static void multiply(
    struct row *ret, const struct row *a, const struct row *b, const struct kw_sieve_block *block)
{
    for (unsigned i = 0; i < KW_SIEVE_BLOCK; i++)
        ret->m[i] = montgomery(a->m[i], b->m[i], block->m[i], block->inverse[i]);
}

/* ---- residues ---- */

/* power[i] = R^(i - num + 1): a residue divided by R is (a + q m) / R with q = -a / m modulo R, and since a
 * is not 0 the low halves add up to R exactly, so it is the high half plus one. */
static void powers_down(struct scratch *s, const struct kw_sieve_block *block, size_t num)
{
    for (unsigned j = 0; j < KW_SIEVE_BLOCK; j++)
        s->power[num - 1].m[j] = 1;
    for (size_t i = num - 1; i-- > 0;)
        for (unsigned j = 0; j < KW_SIEVE_BLOCK; j++)
            s->power[i].m[j] = mul_high(0 - s->power[i + 1].m[j] * block->inverse[j], block->m[j]) + 1;
}

/* power[i] = R^(i + 3) / 2: what -Y / 2 takes so that nothing is left to repair. */
static void powers_up(struct scratch *s, const struct kw_sieve_block *block, size_t num)
{
    struct row r2;

    memcpy(r2.m, block->r2, sizeof(r2.m));
    multiply(&s->power[0], &r2, &r2, block);
    for (unsigned j = 0; j < KW_SIEVE_BLOCK; j++) {
        uint64_t power = s->power[0].m[j];

        s->power[0].m[j] = (power + (block->m[j] & (0 - (power & 1)))) >> 1;
    }
    for (size_t i = 1; i < num; i++)
        multiply(&s->power[i], &s->power[i - 1], &r2, block);
}

/* (low + R high) / R^2 modulo m. In: high < 2^72. Out: below the larger of m and 2^9. */
static inline uint64_t reduce_twice(uint64_t low, u128 high, uint64_t m, uint64_t inverse)
{
    u128 once = high - mul_high(low * inverse, m);

    return lift((uint64_t)(once >> 64) - mul_high((uint64_t)once * inverse, m), m);
}

/* The number's residues times power[0] / R^2. */
static void residue(struct row *ret, const struct row *power, const uint64_t *words, size_t num,
    const struct kw_sieve_block *block)
{
    for (unsigned j = 0; j < KW_SIEVE_BLOCK; j++) {
        u128 high = 0;
        uint64_t low = 0;

        for (size_t i = 0; i < num; i++) {
            u128 product = (u128)words[i] * power[i].m[j] + low;

            low = (uint64_t)product;
            high += product >> 64;
        }
        ret->m[j] = reduce_twice(low, high, block->m[j], block->inverse[j]);
    }
}

/* ---- the inverse of the product of all steps ---- */

/* s->inverse = R^2 / a: a power of a by a fixed window, whose digits are public. */
static void invert(struct scratch *s, const struct kw_sieve_block *block, const struct row *a)
{
    struct row one, r2;

    memcpy(r2.m, block->r2, sizeof(r2.m));
    memset(&one, 0, sizeof(one));
    for (unsigned j = 0; j < KW_SIEVE_BLOCK; j++)
        one.m[j] = 1;
    multiply(&s->window[0], &one, &r2, block);
    s->window[1] = *a;
    for (unsigned i = 2; i < 16; i++)
        multiply(&s->window[i], &s->window[i - 1], a, block);
    s->inverse = s->window[0];
    for (unsigned digit = 0; digit < KW_SIEVE_DIGITS; digit++) {
        const uint8_t *digits = block->digits[digit];

        for (unsigned i = 0; i < 4 && digit > 0; i++)
            multiply(&s->inverse, &s->inverse, &s->inverse, block);
        for (unsigned j = 0; j < KW_SIEVE_BLOCK; j++)
            s->inverse.m[j] =
                montgomery(s->inverse.m[j], s->window[digits[j]].m[j], block->m[j], block->inverse[j]);
    }
}

/* ---- marks ---- */

/* The four of a block in one piece of straight code, so that they lie in registers. */
#define UNROLL _Pragma("GCC unroll 4")

/* Marks four hits of primes above the window: each word of the map asks whether it is meant. */
static void mark_hits(words4 *map, const uint32_t hits[KW_SIEVE_BLOCK])
{
    words4 word = {0, 1, 2, 3}, at[KW_SIEVE_BLOCK], bit[KW_SIEVE_BLOCK];

    UNROLL
    for (unsigned i = 0; i < KW_SIEVE_BLOCK; i++) {
        at[i] = (words4){0} + (hits[i] >> 5);
        bit[i] = (words4){0} + (1u << (hits[i] & 31));
    }
    for (unsigned v = 0; v < MAP_VECTORS; v++, word += 4)
        map[v] |= ((words4)(word == at[0]) & bit[0]) | ((words4)(word == at[1]) & bit[1]) |
                  ((words4)(word == at[2]) & bit[2]) | ((words4)(word == at[3]) & bit[3]);
}

/* A prime below the window: a word's first bit that it divides is what its hit is behind the word's begin,
 * modulo the prime; the pattern has the others. */
static void mark_wrap(words4 *map, const struct kw_sieve_wrap *wrap, uint64_t hit)
{
    uint64_t *words = (uint64_t *)map;

    for (unsigned i = 0; i < KW_SIEVE_WINDOW_WORDS; i++) {
        words[i] |= wrap->pattern << (hit & 63) & kw_mask_bit((hit - 64) >> 63);
        hit = lift(hit - wrap->back, wrap->prime);
    }
}

/* Marks what progression i has for one block: -Y / s modulo each prime, times the R that a last reduction
 * takes away. */
static void mark(struct scratch *s, const struct kw_sieve_block *block, unsigned i)
{
    const struct row *quotient = &s->progression[i].start;

    for (unsigned part = 0; part < block->num_parts; part++) {
        const struct kw_sieve_part *primes = &block->parts[part];

        UNROLL
        for (unsigned j = 0; j < KW_SIEVE_BLOCK; j++)
            s->hits[j] = (uint32_t)mul_high(quotient->m[j] * primes->inverse[j], primes->prime[j]);
        if (block->wraps == NULL)
            mark_hits(s->map[i], s->hits);
        else
            for (unsigned j = 0; j < KW_SIEVE_BLOCK; j++)
                mark_wrap(s->map[i], &block->wraps[part * KW_SIEVE_BLOCK + j], s->hits[j]);
    }
}

/* ---- the run ---- */

static void multiply_steps(struct scratch *s, const struct kw_sieve_block *block,
    const struct kw_sieve_job *jobs, unsigned num, size_t num_step)
{
    for (unsigned i = 0; i < num; i++)
        residue(&s->progression[i].step, s->power, jobs[i].step, num_step, block);
    s->progression[0].before = s->progression[0].step;
    for (unsigned i = 1; i < num; i++)
        multiply(&s->progression[i].before, &s->progression[i - 1].before, &s->progression[i].step, block);
    invert(s, block, &s->progression[num - 1].before);
}

/* start = R start / step, and the inverse loses the step. */
static void divide_start(struct scratch *s, const struct kw_sieve_block *block, unsigned i)
{
    struct progression *progression = &s->progression[i];

    if (i == 0) {
        multiply(&progression->start, &progression->start, &s->inverse, block);
        return;
    }
    multiply(&progression->before, &s->inverse, &s->progression[i - 1].before, block);
    multiply(&progression->start, &progression->start, &progression->before, block);
    multiply(&s->inverse, &s->inverse, &progression->step, block);
}

static void sieve_block(struct scratch *s, const struct kw_sieve_block *block,
    const struct kw_sieve_job *jobs, unsigned num, size_t num_start, size_t num_step)
{
    if (num_step == 0)
        powers_up(s, block, num_start);
    else
        powers_down(s, block, KW_MAX(num_start, num_step));
    if (num_step != 0)
        multiply_steps(s, block, jobs, num, num_step);
    for (unsigned i = num; i-- > 0;) {
        residue(&s->progression[i].start, s->power, jobs[i].start, num_start, block);
        if (num_step != 0)
            divide_start(s, block, i);
        mark(s, block, i);
    }
}

static void run(const struct kw_sieve *sieve, const struct kw_sieve_job *jobs, unsigned num, size_t num_start,
    size_t num_step, void *scratch)
{
    const struct kw_sieve_table *table = (const void *)sieve;
    struct scratch *s = scratch;

    memset(s->map, 0, sizeof(s->map));
    for (size_t i = 0; i < table->num_blocks; i++)
        sieve_block(s, &table->blocks[i], jobs, num, num_start, num_step);
    for (unsigned i = 0; i < num; i++)
        for (unsigned j = 0; j < KW_SIEVE_WINDOW_WORDS; j++)
            jobs[i].ret_map[j] = ~((const uint64_t *)s->map[i])[j];
}

const struct kw_sieve_ops kw_sieve_portable = {
    .build = kw_sieve_portable_build,
    .scratch_len = sizeof(struct scratch),
    .run = run,
};
