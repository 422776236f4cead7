#include "engine/x86/sieve_ifma_mark.h"

#include "engine/x86/sieve_ifma_row.h"

/* Bits of a map vector: 16 lanes of 32. */
#define VECTOR_BITS 512

/* One instruction, which compilers do not find by themselves everywhere. */
INLINE __m512i either(__m512i a, __m512i b, __m512i c)
{
    return _mm512_ternarylogic_epi32(a, b, c, 0xfe);
}

/* Where each lane of the map's vector v begins, negative. */
INLINE __m512i lanes_begin(int v)
{
    const __m512i first = _mm512_setr_epi32(
        0, -32, -64, -96, -128, -160, -192, -224, -256, -288, -320, -352, -384, -416, -448, -480);

    return _mm512_add_epi32(first, _mm512_set1_epi32(-VECTOR_BITS * v));
}

/* The bit of one hit in vector v: shifts by 32 or more, and by what is negative, give 0. */
INLINE __m512i bit_of(uint32_t hit, int v)
{
    __m512i shift = _mm512_add_epi32(_mm512_set1_epi32((int)hit), lanes_begin(v));

    return _mm512_sllv_epi32(_mm512_set1_epi32(1), shift);
}

/* Marks num hits, an even number. They are read back from memory, one at a time into all lanes. */
INLINE void mark_hits(__m512i map[4], const __m512i *hits, const unsigned num)
{
    const uint32_t *hit = (const uint32_t *)hits;

    for (unsigned i = 0; i < num; i += 2) {
        UNROLL
        for (int v = 0; v < 4; v++)
            map[v] = either(map[v], bit_of(hit[i], v), bit_of(hit[i + 1], v));
    }
}

/* A prime below the window: each lane's first bit that it divides is what its hit is behind the lane's begin,
 * modulo the prime; the pattern has the others. */
INLINE void mark_wrap(__m512i map[4], const struct kw_sieve_wrap *wrap, const uint32_t *hits)
{
    const __m512i prime = _mm512_set1_epi32((int)wrap->prime),
                  pattern = _mm512_set1_epi32((int)wrap->pattern);
    const __m512i back_vector = _mm512_set1_epi32((int)wrap->back_vector);
    __m512i back = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)wrap->back));
    __m512i hit = _mm512_set1_epi32((int)hits[wrap->slot]);

    UNROLL
    for (unsigned v = 0; v < 4; v++) {
        hit = _mm512_sub_epi32(hit, v == 0 ? back : back_vector);
        hit = _mm512_min_epu32(hit, _mm512_add_epi32(hit, prime));
        map[v] = _mm512_or_si512(map[v], _mm512_sllv_epi32(pattern, hit));
    }
}

/* Moves hits to the left in order; the places that remain are all ones. */
INLINE __m512i compress(__mmask16 mask, __m512i hits)
{
    return _mm512_mask_compress_epi32(_mm512_set1_epi32(-1), mask, hits);
}

/* a - b, or 0 if that is negative; no branch, and no detour through mask registers. */
INLINE uint64_t above_or_0(uint64_t a, uint64_t b)
{
    uint64_t difference = a - b;

    return difference & kw_word_hide(~(uint64_t)((int64_t)difference >> 63));
}

/* Puts the hits inside the window behind those in the queue. What does not fit is lost: see
 * sieve_ifma_queue.h. */
INLINE void gather(__m512i queue[2], uint64_t *num_queued, __m512i hits)
{
    const __m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __mmask16 mask = _mm512_cmplt_epu32_mask(hits, _mm512_set1_epi32(KW_SIEVE_WINDOW));
    __m512i turned = _mm512_permutexvar_epi32(
        _mm512_sub_epi32(places, _mm512_set1_epi32((int)*num_queued)), compress(mask, hits));
    uint64_t taken = 0xffffull << *num_queued;

    queue[0] = _mm512_mask_mov_epi32(queue[0], (__mmask16)taken, turned);
    queue[1] = _mm512_mask_mov_epi32(queue[1], (__mmask16)(taken >> 16), turned);
    *num_queued =
        KW_SIEVE_QUEUE - above_or_0(KW_SIEVE_QUEUE, *num_queued + (uint64_t)__builtin_popcountll(mask));
}

/* Marks what is in the first places of the queue, and moves the others up. */
INLINE void drain(struct kw_sieve_marks *marks, __m512i map[4], __m512i queue[2], uint64_t *num_queued)
{
    marks->drained = queue[0];
#ifndef KW_CTIME
    /* Loads of single hits cost less than the shuffles that a compiler would make of them. */
    __asm__("" : "+m"(marks->drained));
#endif
    mark_hits(map, &marks->drained, KW_SIEVE_DRAIN);
    queue[0] = _mm512_alignr_epi32(queue[1], queue[0], KW_SIEVE_DRAIN);
    queue[1] = _mm512_alignr_epi32(_mm512_set1_epi32(-1), queue[1], KW_SIEVE_DRAIN);
    *num_queued = above_or_0(*num_queued, KW_SIEVE_DRAIN);
}

static void gather_all(struct kw_sieve_marks *marks, const struct kw_sieve_block *block, const __m512i *hits)
{
    __m512i map[4] = {marks->map[0], marks->map[1], marks->map[2], marks->map[3]};
    __m512i queue[2] = {marks->queue[0], marks->queue[1]};
    uint64_t num_queued = marks->num_queued;

    for (unsigned i = 0; i < KW_SIEVE_PAIRS * block->num_parts; i++) {
        for (unsigned j = block->drains[i]; j > 0; j--)
            drain(marks, map, queue, &num_queued);
        gather(queue, &num_queued, hits[i]);
    }
    UNROLL
    for (unsigned v = 0; v < 4; v++)
        marks->map[v] = map[v];
    UNROLL
    for (unsigned v = 0; v < 2; v++)
        marks->queue[v] = queue[v];
    marks->num_queued = num_queued;
}

static void mark_all(struct kw_sieve_marks *marks, const struct kw_sieve_block *block, const __m512i *hits)
{
    __m512i map[4] = {marks->map[0], marks->map[1], marks->map[2], marks->map[3]};

    if (block->mark == KW_SIEVE_MARK_WRAP)
        for (size_t i = 0; i < block->num_wraps; i++)
            mark_wrap(map, &block->wraps[i], (const uint32_t *)hits);
    else
        for (unsigned i = 0; i < KW_SIEVE_PAIRS * block->num_parts; i++)
            mark_hits(map, &hits[i], 16);
    UNROLL
    for (unsigned v = 0; v < 4; v++)
        marks->map[v] = map[v];
}

void kw_sieve_ifma_mark(struct kw_sieve_marks *marks, const struct kw_sieve_block *block, const __m512i *hits)
{
    if (block->mark == KW_SIEVE_MARK_GATHER)
        gather_all(marks, block, hits);
    else
        mark_all(marks, block, hits);
}

void kw_sieve_ifma_mark_begin(struct kw_sieve_marks *marks)
{
    UNROLL
    for (unsigned v = 0; v < 4; v++)
        marks->map[v] = _mm512_setzero_si512();
    UNROLL
    for (unsigned v = 0; v < 2; v++)
        marks->queue[v] = _mm512_set1_epi32(-1);
    marks->num_queued = 0;
}

void kw_sieve_ifma_mark_end(struct kw_sieve_marks *marks, uint64_t *ret_map, bool gathered)
{
    if (gathered)
        mark_hits(marks->map, &marks->queue[0], KW_SIEVE_QUEUE);
    UNROLL
    for (unsigned v = 0; v < 4; v++)
        _mm512_storeu_si512(ret_map + 8 * v, _mm512_xor_si512(marks->map[v], _mm512_set1_epi32(-1)));
}
