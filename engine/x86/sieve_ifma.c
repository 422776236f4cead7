/* The sieve on AVX-512 IFMA: how a progression finds the members that a prime divides, without a secret
 * address.
 *
 * For a modulus m, a product of odd primes l, and a progression Y, Y + s, ... the first member that l divides
 * has the index -Y / s modulo l. Block by block (32 moduli, one to a lane of four vectors), for all
 * progressions of the group:
 *
 * 1. Y mod m and s mod m, as sums of limbs times powers of R = 2^52: the powers are made once for the group
 * (two multiplications each, since only negative powers of R are used), then each limb takes two
 * multiply-adds, nothing else.
 * 2. 1 / s for all progressions by Montgomery's trick, and the one inverse that it needs modulo each prime by
 * Euclid's algorithm with rounded quotients, a fixed number of steps, in floats: exact, as no prime has more
 * than 23 bits.
 * 3. -Y / s modulo m, and from it modulo each l by one more Montgomery reduction, which leaves it below l.
 * 4. Bits of the map, which is four vectors, set by shifts: a lane's shift by 32 or more gives 0, so no lane
 * needs a comparison. Primes above the window rarely hit: hits of many vectors gather in two registers first
 * (sieve_ifma_mark).
 *
 * Every loop's length and every address follow from the shape and the table.
 */
#include "engine/x86/sieve_ifma_mark.h"
#include "engine/x86/sieve_ifma_row.h"

#define LIMBS_MAX ((KW_SIEVE_WORDS_MAX * 64 + R_BITS - 1) / R_BITS)

/* What is known of one progression while a block is worked on. */
struct progression {
    struct row start;  /* Y times a power of R, then -Y / s likewise */
    struct row step;   /* s */
    struct row before; /* product of the steps up to this one */
};

struct scratch {
    struct row power[LIMBS_MAX]; /* of R: public */
    struct row inverse;
    struct progression progression[KW_SIEVE_GROUP];
    struct kw_sieve_marks marks[KW_SIEVE_GROUP];
    __m512i hits[KW_SIEVE_HITS_MAX];
    uint64_t starts[KW_SIEVE_GROUP][LIMBS_MAX];
    uint64_t steps[KW_SIEVE_GROUP][LIMBS_MAX];
};

/* ---- residues ---- */

static void to_limbs(uint64_t *limbs, size_t num_limbs, const uint64_t *words, size_t num)
{
    for (size_t i = 0; i < num_limbs; i++) {
        size_t word = i * R_BITS / 64, shift = i * R_BITS % 64;
        uint64_t limb = words[word] >> shift;

        if (shift > 64 - R_BITS && word + 1 < num)
            limb |= words[word + 1] << (64 - shift);
        limbs[i] = limb & ((1ull << R_BITS) - 1);
    }
}

static size_t limbs_of(size_t num_words)
{
    return (num_words * 64 + R_BITS - 1) / R_BITS;
}

/* power[i] = R^(i - num + 1): a residue divided by R is (a + q m) / R with q = -a / m modulo R, and since a
 * is not 0 the low halves add up to R exactly, so it is the high half plus one. */
PHASE void powers_down(struct scratch *s, const struct kw_sieve_moduli *moduli, size_t num)
{
    const __m512i one = _mm512_set1_epi64(1);
    struct row power;

    UNROLL
    for (unsigned v = 0; v < KW_SIEVE_VECTORS; v++)
        power.v[v] = one;
    for (size_t i = num; i-- > 0;) {
        UNROLL
        for (unsigned v = 0; v < KW_SIEVE_VECTORS; v++) {
            __m512i q = mul_low(power.v[v], _mm512_sub_epi64(_mm512_setzero_si512(), moduli->inverse[v]));

            s->power[i].v[v] = power.v[v];
            power.v[v] = _mm512_madd52hi_epu64(one, q, moduli->m[v]);
        }
    }
}

/* power[i] = R^(i + 3) / 2: what -Y / 2 takes so that nothing is left to repair. */
PHASE void powers_up(struct scratch *s, const struct kw_sieve_moduli *moduli, size_t num)
{
    const __m512i one = _mm512_set1_epi64(1);

    UNROLL
    for (unsigned v = 0; v < KW_SIEVE_VECTORS; v++) {
        __m512i m = moduli->m[v], inverse = moduli->inverse[v], r2 = moduli->r2[v];
        __m512i power = montgomery(r2, r2, m, inverse);
        __m512i odd = _mm512_sub_epi64(_mm512_setzero_si512(), _mm512_and_si512(power, one));

        power = _mm512_srli_epi64(_mm512_add_epi64(power, _mm512_and_si512(odd, m)), 1);
        for (size_t i = 0; i < num; i++) {
            s->power[i].v[v] = power;
            power = montgomery(power, r2, m, inverse);
        }
    }
}

/* The number's residue times power[0] / R^2. */
PHASE void residue(struct row *ret, const struct row *power, const uint64_t *limbs, size_t num,
    const struct kw_sieve_moduli *moduli)
{
    struct row low, high;

    UNROLL
    for (unsigned v = 0; v < KW_SIEVE_VECTORS; v++)
        low.v[v] = high.v[v] = _mm512_setzero_si512();
    for (size_t i = 0; i < num; i++) {
        __m512i limb = _mm512_set1_epi64((long long)limbs[i]);

        UNROLL
        for (unsigned v = 0; v < KW_SIEVE_VECTORS; v++) {
            low.v[v] = _mm512_madd52lo_epu64(low.v[v], limb, power[i].v[v]);
            high.v[v] = _mm512_madd52hi_epu64(high.v[v], limb, power[i].v[v]);
        }
    }
    UNROLL
    for (unsigned v = 0; v < KW_SIEVE_VECTORS; v++)
        ret->v[v] = reduce_twice(low.v[v], high.v[v], moduli->m[v], moduli->inverse[v]);
}

/* ---- the run ---- */

static void begin_progressions(
    struct scratch *s, const struct kw_sieve_block *block, unsigned num, size_t num_start, size_t num_step)
{
    for (unsigned i = 0; i < num; i++)
        residue(&s->progression[i].start, s->power, s->starts[i], num_start, block->moduli);
    if (num_step == 0)
        return;
    for (unsigned i = 0; i < num; i++)
        residue(&s->progression[i].step, s->power, s->steps[i], num_step, block->moduli);
}

PHASE void multiply_steps(struct scratch *s, const struct kw_sieve_block *block, unsigned num)
{
    s->progression[0].before = s->progression[0].step;
    for (unsigned i = 1; i < num; i++)
        multiply(
            &s->progression[i].before, &s->progression[i - 1].before, &s->progression[i].step, block->moduli);
    kw_sieve_ifma_invert(&s->inverse, &s->progression[num - 1].before, block, s->hits);
}

/* start = R start / step, and the inverse loses the step. */
PHASE void divide_start(struct scratch *s, const struct kw_sieve_block *block, unsigned i)
{
    struct progression *progression = &s->progression[i];
    struct row inverse = s->inverse;

    if (i > 0) {
        multiply(&inverse, &s->inverse, &s->progression[i - 1].before, block->moduli);
        multiply(&s->inverse, &s->inverse, &progression->step, block->moduli);
    }
    multiply(&progression->start, &progression->start, &inverse, block->moduli);
}

static void sieve_block(
    struct scratch *s, const struct kw_sieve_block *block, unsigned num, size_t num_start, size_t num_step)
{
    if (num_step == 0)
        powers_up(s, block->moduli, num_start);
    else
        powers_down(s, block->moduli, KW_MAX(num_start, num_step));
    begin_progressions(s, block, num, num_start, num_step);
    if (num_step != 0)
        multiply_steps(s, block, num);
    for (unsigned i = num; i-- > 0;) {
        if (num_step != 0)
            divide_start(s, block, i);
        split(s->hits, &s->progression[i].start, block, block->num_parts);
        kw_sieve_ifma_mark(&s->marks[i], block, s->hits);
    }
}

/* The constants of a block come from memory: they are asked for while the block before is worked on. */
static void prefetch(const struct kw_sieve_block *block)
{
    for (const char *p = (const char *)block->moduli; p < (const char *)(block->moduli + 1);
         p += KW_CACHE_LINE)
        _mm_prefetch(p, _MM_HINT_T0);
    for (const char *p = (const char *)block->parts; p < (const char *)(block->parts + block->num_parts);
         p += KW_CACHE_LINE)
        _mm_prefetch(p, _MM_HINT_T0);
}

static void run(const struct kw_sieve *sieve, const struct kw_sieve_job *jobs, unsigned num, size_t num_start,
    size_t num_step, void *scratch)
{
    const struct kw_sieve_ifma *table = (const void *)sieve;
    struct scratch *s = scratch;

    for (unsigned i = 0; i < num; i++) {
        to_limbs(s->starts[i], limbs_of(num_start), jobs[i].start, num_start);
        to_limbs(s->steps[i], limbs_of(num_step), jobs[i].step, num_step);
        kw_sieve_ifma_mark_begin(&s->marks[i]);
    }
    for (size_t i = 0; i < table->num_blocks; i++) {
        if (i + 1 < table->num_blocks)
            prefetch(&table->blocks[i + 1]);
        sieve_block(s, &table->blocks[i], num, limbs_of(num_start), limbs_of(num_step));
    }
    /* The blocks of the largest primes come last. */
    for (unsigned i = 0; i < num; i++)
        kw_sieve_ifma_mark_end(
            &s->marks[i], jobs[i].ret_map, table->blocks[table->num_blocks - 1].mark == KW_SIEVE_MARK_GATHER);
}

static const struct kw_sieve_ops ops = {
    .build = kw_sieve_ifma_build,
    .scratch_len = sizeof(struct scratch),
    .run = run,
};

const struct kw_sieve_ops *const kw_sieve_avx512ifma = &ops;
