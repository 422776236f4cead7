/* words - naturals as little-endian arrays of 64-bit words, for numbers that are secret.
 *
 * Lengths are public and counted in words; every function's time and addresses depend on them alone. Unless a
 * function says otherwise, an output may be the same array as an input but may not overlap it in part.
 * Conditions come as masks: all ones for true, 0 for false. Pure, nothing is allocated; thread-safe.
 */
#ifndef KW_ENGINE_WORDS_H
#define KW_ENGINE_WORDS_H

#include "pool/base.h"

#ifdef KW_CTIME
#include "engine/ctime.h"
#endif

/* The longest number here: n and d of RSA_4096. */
#define KW_WORDS_MAX 64u

#define KW_WORDS_OF_BITS(bits) (((bits) + 63) / 64)

/* Two words: products, and sums with their carry. */
__extension__ typedef unsigned __int128 kw_wide;

/* ---- masks ---- */
/* What the compiler cannot see through, so that it makes no branch of a mask. (MemorySanitizer takes an asm
 * statement for a use of what goes in.) */
static inline uint64_t kw_word_hide(uint64_t word)
{
#ifndef KW_CTIME_MSAN
    __asm__("" : "+r"(word));
#endif
    return word;
}
/* All ones if bit 0 is set, else 0. Other bits are ignored. */
static inline uint64_t kw_mask_bit(uint64_t bit)
{
    return kw_word_hide(0 - (bit & 1));
}
static inline uint64_t kw_mask_zero(uint64_t word)
{
    return kw_mask_bit((~word & (word - 1)) >> 63);
}
static inline uint64_t kw_mask_equal(uint64_t a, uint64_t b)
{
    return kw_mask_zero(a ^ b);
}
static inline uint64_t kw_mask_less(uint64_t a, uint64_t b)
{
    return kw_mask_bit((a ^ ((a ^ b) | ((a - b) ^ b))) >> 63);
}
static inline uint64_t kw_mask_select(uint64_t mask, uint64_t if_true, uint64_t if_false)
{
    return if_false ^ (mask & (if_true ^ if_false));
}

/* kw_declassify() - from here on these bytes are public. Does nothing, except in the constant-time tests, in
 * which secrets are undefined memory to a memory checker (KW_CTIME). Each use says why what it names may be
 * known. */
static inline void kw_declassify(const void *ptr, size_t len)
{
#ifdef KW_CTIME
    kw_ctime_publish(ptr, len);
#else
    (void)ptr;
    (void)len;
#endif
}

/* ---- numbers ---- */
/* Big-endian bytes, len of them, len <= 8 * num. */
void kw_words_from_bytes(uint64_t *ret, size_t num, const uint8_t *bytes, size_t len);
/* The low len bytes, big-endian; len <= 8 * num. */
void kw_words_to_bytes(uint8_t *ret, size_t len, const uint64_t *a, size_t num);

uint64_t kw_words_is_zero(const uint64_t *a, size_t num);                  /* mask */
uint64_t kw_words_is_word(const uint64_t *a, size_t num, uint64_t word);   /* mask */
uint64_t kw_words_equal(const uint64_t *a, const uint64_t *b, size_t num); /* mask */
uint64_t kw_words_less(const uint64_t *a, const uint64_t *b, size_t num);  /* mask: a < b */
/* The number of bits, 0 for 0: computed in fixed time; what the caller does with it is its own affair. */
unsigned kw_words_bits(const uint64_t *a, size_t num);

void kw_words_select(
    uint64_t *ret, uint64_t mask, const uint64_t *if_true, const uint64_t *if_false, size_t num);
/* Swaps a and b, two arrays, where the mask is all ones. */
void kw_words_swap(uint64_t *a, uint64_t *b, size_t num, uint64_t mask);
/* Return the carry or the borrow, 0 or 1. */
uint64_t kw_words_add(uint64_t *ret, const uint64_t *a, const uint64_t *b, size_t num);
uint64_t kw_words_sub(uint64_t *ret, const uint64_t *a, const uint64_t *b, size_t num);
uint64_t kw_words_add_word(uint64_t *ret, const uint64_t *a, size_t num, uint64_t word);
uint64_t kw_words_sub_word(uint64_t *ret, const uint64_t *a, size_t num, uint64_t word);
/* ret += mask & b; returns the carry. */
uint64_t kw_words_add_masked(uint64_t *ret, const uint64_t *b, size_t num, uint64_t mask);
/* ret = a * word, ret += a * word; return the word above. */
uint64_t kw_words_mul_word(uint64_t *ret, const uint64_t *a, size_t num, uint64_t word);
uint64_t kw_words_mul_add_word(uint64_t *ret, const uint64_t *a, size_t num, uint64_t word);
/* ret has num_a + num_b words and is neither a nor b. */
void kw_words_mul(uint64_t *ret, const uint64_t *a, size_t num_a, const uint64_t *b, size_t num_b);
/* Shifts by a public count below 64 * num. */
void kw_words_shift_left(uint64_t *ret, const uint64_t *a, size_t num, unsigned count);
void kw_words_shift_right(uint64_t *ret, const uint64_t *a, size_t num, unsigned count);
/* Shift by a secret count below 64 * num. */
void kw_words_shift_left_secret(uint64_t *ret, const uint64_t *a, size_t num, unsigned count);
void kw_words_shift_right_secret(uint64_t *ret, const uint64_t *a, size_t num, unsigned count);
/* a modulo a public word 1 < m < 2^32. */
uint32_t kw_words_mod_word(const uint64_t *a, size_t num, uint32_t m);
/* kw_words_mod() - ret = a modulo m. In: a, num_a words; m, num_m words, not 0 (0 ends, with a number of no
 * meaning), its top words may be 0; both secret. Shape: num_m <= num_a <= KW_WORDS_MAX. Out: ret, num_m
 * words, neither a nor m. */
void kw_words_mod(uint64_t *ret, const uint64_t *a, size_t num_a, const uint64_t *m, size_t num_m);

#endif
