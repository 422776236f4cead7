#include "engine/words.h"

#include <endian.h>

/* ---- bytes: whole words from the end, then what is left of the top one ---- */

void kw_words_from_bytes(uint64_t *ret, size_t num, const uint8_t *bytes, size_t len)
{
    size_t whole = len / 8;

    kw_assert(len <= 8 * num);
    for (size_t i = 0; i < whole; i++) {
        uint64_t word;
        memcpy(&word, bytes + len - 8 * (i + 1), 8);
        ret[i] = be64toh(word);
    }
    for (size_t i = whole; i < num; i++)
        ret[i] = 0;
    for (size_t i = 8 * whole; i < len; i++)
        ret[whole] |= (uint64_t)bytes[len - 1 - i] << (8 * (i % 8));
}

void kw_words_to_bytes(uint8_t *ret, size_t len, const uint64_t *a, size_t num)
{
    size_t whole = len / 8;

    kw_assert(len <= 8 * num);
    for (size_t i = 0; i < whole; i++) {
        uint64_t word = htobe64(a[i]);
        memcpy(ret + len - 8 * (i + 1), &word, 8);
    }
    for (size_t i = 8 * whole; i < len; i++)
        ret[len - 1 - i] = (uint8_t)(a[whole] >> (8 * (i % 8)));
}

/* ---- comparisons ---- */

uint64_t kw_words_is_zero(const uint64_t *a, size_t num)
{
    uint64_t any = 0;

    for (size_t i = 0; i < num; i++)
        any |= a[i];
    return kw_mask_zero(any);
}

uint64_t kw_words_is_word(const uint64_t *a, size_t num, uint64_t word)
{
    uint64_t any = a[0] ^ word;

    for (size_t i = 1; i < num; i++)
        any |= a[i];
    return kw_mask_zero(any);
}

uint64_t kw_words_equal(const uint64_t *a, const uint64_t *b, size_t num)
{
    uint64_t any = 0;

    for (size_t i = 0; i < num; i++)
        any |= a[i] ^ b[i];
    return kw_mask_zero(any);
}

uint64_t kw_words_less(const uint64_t *a, const uint64_t *b, size_t num)
{
    uint64_t borrow = 0;

    for (size_t i = 0; i < num; i++)
        borrow = (uint64_t)(((kw_wide)a[i] - b[i] - borrow) >> 64) & 1;
    return kw_mask_bit(borrow);
}

/* By halves, without a count instruction: where there is none the compiler's library looks it up in a table.
 */
static unsigned word_bits(uint64_t word)
{
    uint64_t bits = 0;

    for (unsigned half = 32; half > 0; half /= 2) {
        uint64_t upper = word >> half;
        uint64_t any = ~kw_mask_zero(upper);
        bits += any & half;
        word = kw_mask_select(any, upper, word);
    }
    return (unsigned)(bits + word);
}

unsigned kw_words_bits(const uint64_t *a, size_t num)
{
    uint64_t top = 0, below = 0;

    for (size_t i = 0; i < num; i++) {
        uint64_t any = ~kw_mask_zero(a[i]);
        top = kw_mask_select(any, a[i], top);
        below = kw_mask_select(any, 64 * i, below);
    }
    return (unsigned)below + word_bits(top);
}

/* ---- sums ---- */

void kw_words_select(
    uint64_t *ret, uint64_t mask, const uint64_t *if_true, const uint64_t *if_false, size_t num)
{
    for (size_t i = 0; i < num; i++)
        ret[i] = kw_mask_select(mask, if_true[i], if_false[i]);
}

void kw_words_swap(uint64_t *a, uint64_t *b, size_t num, uint64_t mask)
{
    for (size_t i = 0; i < num; i++) {
        uint64_t change = mask & (a[i] ^ b[i]);
        a[i] ^= change;
        b[i] ^= change;
    }
}

uint64_t kw_words_add(uint64_t *ret, const uint64_t *a, const uint64_t *b, size_t num)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < num; i++) {
        kw_wide sum = (kw_wide)a[i] + b[i] + carry;
        ret[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
    return carry;
}

uint64_t kw_words_sub(uint64_t *ret, const uint64_t *a, const uint64_t *b, size_t num)
{
    uint64_t borrow = 0;

    for (size_t i = 0; i < num; i++) {
        kw_wide difference = (kw_wide)a[i] - b[i] - borrow;
        ret[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    return borrow;
}

uint64_t kw_words_add_word(uint64_t *ret, const uint64_t *a, size_t num, uint64_t word)
{
    for (size_t i = 0; i < num; i++) {
        kw_wide sum = (kw_wide)a[i] + word;
        ret[i] = (uint64_t)sum;
        word = (uint64_t)(sum >> 64);
    }
    return word;
}

uint64_t kw_words_sub_word(uint64_t *ret, const uint64_t *a, size_t num, uint64_t word)
{
    for (size_t i = 0; i < num; i++) {
        kw_wide difference = (kw_wide)a[i] - word;
        ret[i] = (uint64_t)difference;
        word = (uint64_t)(difference >> 64) & 1;
    }
    return word;
}

uint64_t kw_words_add_masked(uint64_t *ret, const uint64_t *b, size_t num, uint64_t mask)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < num; i++) {
        kw_wide sum = (kw_wide)ret[i] + (b[i] & mask) + carry;
        ret[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
    return carry;
}

/* ---- products: a word times a word and two more words fit two words, (B - 1)^2 + 2 (B - 1) = B^2 - 1 ----
 */

uint64_t kw_words_mul_word(uint64_t *ret, const uint64_t *a, size_t num, uint64_t word)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < num; i++) {
        kw_wide product = (kw_wide)a[i] * word + carry;
        ret[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    return carry;
}

uint64_t kw_words_mul_add_word(uint64_t *ret, const uint64_t *a, size_t num, uint64_t word)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < num; i++) {
        kw_wide product = (kw_wide)a[i] * word + ret[i] + carry;
        ret[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    return carry;
}

/* ret -= a * word; returns the borrow, a word. */
static uint64_t mul_sub_word(uint64_t *ret, const uint64_t *a, size_t num, uint64_t word)
{
    uint64_t borrow = 0;

    for (size_t i = 0; i < num; i++) {
        kw_wide product = (kw_wide)a[i] * word + borrow;
        uint64_t low = (uint64_t)product;
        borrow = (uint64_t)(product >> 64) + (ret[i] < low);
        ret[i] -= low;
    }
    return borrow;
}

void kw_words_mul(uint64_t *ret, const uint64_t *a, size_t num_a, const uint64_t *b, size_t num_b)
{
    kw_assert(num_a > 0 && num_b > 0 && ret != a && ret != b);
    ret[num_a] = kw_words_mul_word(ret, a, num_a, b[0]);
    for (size_t i = 1; i < num_b; i++)
        ret[i + num_a] = kw_words_mul_add_word(ret + i, a, num_a, b[i]);
}

/* ---- shifts ---- */

void kw_words_shift_left(uint64_t *ret, const uint64_t *a, size_t num, unsigned count)
{
    size_t words = count / 64;
    unsigned bits = count % 64;

    kw_assert(words < num);
    for (size_t i = num; i-- > words;) {
        uint64_t below = i > words ? a[i - words - 1] : 0;
        ret[i] = a[i - words] << bits | below >> 1 >> (63 - bits);
    }
    for (size_t i = 0; i < words; i++)
        ret[i] = 0;
}

void kw_words_shift_right(uint64_t *ret, const uint64_t *a, size_t num, unsigned count)
{
    size_t words = count / 64;
    unsigned bits = count % 64;

    kw_assert(words < num);
    for (size_t i = 0; i < num - words; i++) {
        uint64_t above = i + words + 1 < num ? a[i + words + 1] : 0;
        ret[i] = a[i + words] >> bits | above << 1 << (63 - bits);
    }
    for (size_t i = num - words; i < num; i++)
        ret[i] = 0;
}

/* A secret count: its lowest six bits are the amount of a shift instruction, which takes the same time for
 * each amount on every CPU with 64-bit words; each further bit moves by its power of two or stays, by mask.
 */
void kw_words_shift_left_secret(uint64_t *ret, const uint64_t *a, size_t num, unsigned count)
{
    unsigned bits = count % 64;

    for (size_t i = num; i-- > 0;)
        ret[i] = a[i] << bits | (i > 0 ? a[i - 1] : 0) >> 1 >> (63 - bits);
    for (size_t words = 1, level = 6; words < num; words *= 2, level++) {
        uint64_t mask = kw_mask_bit(count >> level);
        for (size_t i = num; i-- > 0;)
            ret[i] = kw_mask_select(mask, i >= words ? ret[i - words] : 0, ret[i]);
    }
}

void kw_words_shift_right_secret(uint64_t *ret, const uint64_t *a, size_t num, unsigned count)
{
    unsigned bits = count % 64;

    for (size_t i = 0; i < num; i++)
        ret[i] = a[i] >> bits | (i + 1 < num ? a[i + 1] : 0) << 1 << (63 - bits);
    for (size_t words = 1, level = 6; words < num; words *= 2, level++) {
        uint64_t mask = kw_mask_bit(count >> level);
        for (size_t i = 0; i < num; i++)
            ret[i] = kw_mask_select(mask, i + words < num ? ret[i + words] : 0, ret[i]);
    }
}

/* ---- remainders: a division instruction takes longer for some operands, so none of them sees a secret ----
 */

/* With v = floor((2^64 - 1) / m) >= 2^64 / m - 1 and x < 2^64, floor(x v / 2^64) is floor(x / m) or one less.
 */
uint32_t kw_words_mod_word(const uint64_t *a, size_t num, uint32_t m)
{
    const uint64_t v = UINT64_MAX / m;
    uint64_t rest = 0;

    kw_assert(m > 1);
    for (size_t i = 2 * num; i-- > 0;) {
        uint64_t x = rest << 32 | (uint32_t)(a[i / 2] >> (32 * (i % 2)));
        rest = x - (uint64_t)(((kw_wide)x * v) >> 64) * m;
        rest -= m & ~kw_mask_less(rest, m);
    }
    return (uint32_t)rest;
}

/* floor((B^2 - 1) / d) - B for B = 2^64 and d with its top bit set: the reciprocal of Moeller and Granlund,
 * "Improved division by invariant integers" (2011), definition (1). Bit by bit: it is wanted once for a
 * division. */
static uint64_t reciprocal(uint64_t d)
{
    uint64_t rest = ~d, quotient = 0;

    for (unsigned i = 0; i < 64; i++) {
        uint64_t over = kw_mask_bit(rest >> 63);
        rest = rest << 1 | 1;
        uint64_t fits = over | ~kw_mask_less(rest, d);
        rest -= fits & d;
        quotient = quotient << 1 | (fits & 1);
    }
    return quotient;
}

/* floor((u1 B + u0) / d), or B - 1 if that is less; u1 <= d. Moeller and Granlund, algorithm 4 (for u1 < d).
 */
static uint64_t divide(uint64_t u1, uint64_t u0, uint64_t d, uint64_t v)
{
    kw_wide product = (kw_wide)v * u1 + ((kw_wide)u1 << 64 | u0);
    uint64_t quotient = (uint64_t)(product >> 64) + 1;
    uint64_t rest = u0 - quotient * d;
    uint64_t above = kw_mask_less((uint64_t)product, rest);

    quotient += above;
    rest += above & d;
    quotient -= ~kw_mask_less(rest, d);
    return quotient | ~kw_mask_less(u1, d);
}

/* Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D, with its two branches as masks. Both
 * are shifted so that the top bit of m is set (D1), m by up to 64 num_m - 1; the rest then is shifted as
 * much. The top num_m words of the shifted a are below 2^shift <= shifted m, so that the quotient has num_a
 * words. */
void kw_words_mod(uint64_t *ret, const uint64_t *a, size_t num_a, const uint64_t *m, size_t num_m)
{
    uint64_t u[2 * KW_WORDS_MAX];
    KW_ERASE_GUARD(u);
    uint64_t divisor[KW_WORDS_MAX];
    KW_ERASE_GUARD(divisor);

    kw_assert(num_m > 0 && num_m <= num_a && num_a <= KW_WORDS_MAX && ret != a && ret != m);
    unsigned shift = (unsigned)(64 * num_m) - kw_words_bits(m, num_m);
    kw_words_shift_left_secret(divisor, m, num_m, shift);
    memcpy(u, a, 8 * num_a);
    memset(u + num_a, 0, 8 * num_m);
    kw_words_shift_left_secret(u, u, num_a + num_m, shift);

    uint64_t d = divisor[num_m - 1], v = reciprocal(d);
    for (size_t j = num_a; j-- > 0;) {
        uint64_t *top = &u[j + num_m];
        /* D3: at most 2 too large (4.3.1, theorem B), so D6 comes at most twice. */
        uint64_t quotient = divide(*top, top[-1], d, v);
        *top -= mul_sub_word(u + j, divisor, num_m, quotient);
        *top += kw_words_add_masked(u + j, divisor, num_m, kw_mask_bit(*top >> 63));
        *top += kw_words_add_masked(u + j, divisor, num_m, kw_mask_bit(*top >> 63));
    }
    kw_words_shift_right_secret(ret, u, num_m, shift);
}
