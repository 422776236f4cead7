/* ec_bytes - coordinates of eight points to bytes and back: big-endian, COORD_LEN of them. */
#include "engine/x86/ec_field.h"

#define COORD_LEN ((FIELD_BITS + 7) / 8)

/* With Z = 1. */
struct xy {
    fe x, y;
};

static inline void words_of_limbs(uint64_t words[FIELD_WORDS][8], const fe *a)
{
    for (unsigned i = 0; i < FIELD_WORDS; i++) {
        unsigned limb = 64 * i / 52, shift = 64 * i % 52;
        kw_v x = _mm512_srli_epi64(a->limb[limb], shift);

        for (unsigned at = 52 - shift; at < 64 && ++limb < KW_LIMBS; at += 52)
            x = _mm512_or_si512(x, _mm512_slli_epi64(a->limb[limb], at));
        _mm512_storeu_si512(words[i], x);
    }
}

/* Lane i to bytes + stride i, num <= 8 of them. */
static void write_element(uint8_t *bytes, size_t stride, unsigned num, const fe *a)
{
    uint64_t words[FIELD_WORDS][8], number[FIELD_WORDS];
    fe reduced;

    leave_montgomery(&reduced, a);
    words_of_limbs(words, &reduced);
    for (unsigned lane = 0; lane < num; lane++) {
        for (unsigned i = 0; i < FIELD_WORDS; i++)
            number[i] = words[i][lane];
        kw_words_to_bytes(bytes + stride * lane, COORD_LEN, number, FIELD_WORDS);
    }
}

/* The other lanes repeat the last. Returns the lanes whose number is below p. */
static __mmask8 read_element(
    fe *ret, const uint8_t *bytes, size_t stride, unsigned num, const struct field *field)
{
    uint64_t words[FIELD_WORDS][8], number[FIELD_WORDS];
    __mmask8 reduced;

    for (unsigned lane = 0; lane < 8; lane++) {
        kw_words_from_bytes(number, FIELD_WORDS, bytes + stride * KW_MIN(lane, num - 1), COORD_LEN);
        for (unsigned i = 0; i < FIELD_WORDS; i++)
            words[i][lane] = number[i];
    }
    limbs_of_words(ret, words);
    reduced = is_reduced(ret);
    enter_montgomery(ret, ret, field);
    return reduced;
}

/* X || Y of each lane, side by side. */
#define XY_LEN ((size_t)2 * COORD_LEN)

static void write_xy(uint8_t *bytes, unsigned num, const struct xy *a)
{
    write_element(bytes, XY_LEN, num, &a->x);
    write_element(bytes + COORD_LEN, XY_LEN, num, &a->y);
}

static __mmask8 read_xy(struct xy *ret, const uint8_t *bytes, unsigned num, const struct field *field)
{
    __mmask8 x_reduced = read_element(&ret->x, bytes, XY_LEN, num, field);

    return x_reduced & read_element(&ret->y, bytes + COORD_LEN, XY_LEN, num, field);
}
