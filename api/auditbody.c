#include "api/auditbody.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Text is looked at 64 bytes at a time, a bit for each: which quotes are inside strings follows from their
 * parity, and only braces outside of strings, of which a record has a dozen, are looked at one by one. */
#define BLOCK 64u

struct block {
    uint64_t quotes, backslashes, opening, closing, controls;
};

#ifdef __SSE2__
static uint64_t equal_16(__m128i bytes, char c)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
}

static void classify(const uint8_t text[BLOCK], struct block *ret)
{
    *ret = (struct block){0};
    for (unsigned i = 0; i < BLOCK; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
        __m128i low = _mm_min_epu8(bytes, _mm_set1_epi8(0x1f));

        ret->quotes |= equal_16(bytes, '"') << i;
        ret->backslashes |= equal_16(bytes, '\\') << i;
        ret->opening |= equal_16(bytes, '{') << i;
        ret->closing |= equal_16(bytes, '}') << i;
        ret->controls |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, low)) << i;
    }
}
#else
static void classify(const uint8_t text[BLOCK], struct block *ret)
{
    *ret = (struct block){0};
    for (unsigned i = 0; i < BLOCK; i++) {
        ret->quotes |= (uint64_t)(text[i] == '"') << i;
        ret->backslashes |= (uint64_t)(text[i] == '\\') << i;
        ret->opening |= (uint64_t)(text[i] == '{') << i;
        ret->closing |= (uint64_t)(text[i] == '}') << i;
        ret->controls |= (uint64_t)(text[i] < 0x20) << i;
    }
}
#endif

/* Where the walk through the text stands. */
struct walk {
    uint64_t in_string; /* all ones: the next byte is inside a string */
    bool escaped;       /* the next byte is what a backslash escapes */
    unsigned depth;     /* objects that are open */
    bool over;          /* the object has ended */
};

/* Bits of quotes that begin or end a string. A backslash inside a string takes its meaning from the byte
 * behind it, a backslash elsewhere is no JSON, and left to whoever parses. */
static uint64_t real_quotes(const struct block *block, struct walk *walk)
{
    bool in_string = walk->in_string != 0;
    uint64_t real = 0;

    if (block->backslashes == 0 && !walk->escaped)
        return block->quotes;
    for (unsigned i = 0; i < BLOCK; i++) {
        uint64_t bit = UINT64_C(1) << i;

        if (walk->escaped) {
            walk->escaped = false;
        } else if (block->quotes & bit) {
            real |= bit;
            in_string = !in_string;
        } else {
            walk->escaped = in_string && (block->backslashes & bit) != 0;
        }
    }
    return real;
}

/* Each bit: the parity of the bits up to it. */
static uint64_t parity(uint64_t bits)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

/* Returns false if the object ends before the last of the block's len bytes, or ended before it. */
static bool take_braces(const struct block *block, uint64_t outside, size_t len, struct walk *walk)
{
    uint64_t braces = (block->opening | block->closing) & outside;

    KW_REQUIRE(!walk->over, false);
    for (; braces != 0; braces &= braces - 1) {
        bool opens = (block->opening & (braces & -braces)) != 0;

        walk->depth = opens ? walk->depth + 1 : walk->depth - 1;
        if (walk->depth > 0)
            continue;
        walk->over = true;
        return (size_t)__builtin_ctzll(braces) == len - 1;
    }
    return true;
}

static bool take_block(const uint8_t text[BLOCK], size_t len, struct walk *walk)
{
    struct block block;
    uint64_t strings;

    classify(text, &block);
    KW_REQUIRE(block.controls == 0, false);
    strings = walk->in_string;
    strings ^= parity(real_quotes(&block, walk));
    walk->in_string = (uint64_t)((int64_t)strings >> 63);
    return take_braces(&block, ~strings, len, walk);
}

bool kw_auditbody_is_tail(struct kw_bytes text)
{
    struct walk walk = {.depth = 1};
    size_t at = 0;
    uint8_t last[BLOCK];

    KW_REQUIRE(text.len >= 2 && text.ptr[0] == '"', false);
    for (; text.len - at >= BLOCK; at += BLOCK)
        KW_REQUIRE(take_block(text.ptr + at, BLOCK, &walk), false);
    if (at < text.len) {
        memset(last, ' ', sizeof(last));
        memcpy(last, text.ptr + at, text.len - at);
        KW_REQUIRE(take_block(last, text.len - at, &walk), false);
    }
    return walk.over;
}
