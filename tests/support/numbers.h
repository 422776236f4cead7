/* numbers - words and OpenSSL's BIGNUM, the judge of the arithmetic; and operands, random and extreme. */
#ifndef KW_TESTS_SUPPORT_NUMBERS_H
#define KW_TESTS_SUPPORT_NUMBERS_H

#include "engine/words.h"

#include <check.h>
#include <openssl/bn.h>
#include <openssl/rand.h>

/* Sets a number to the words. */
static inline void kw_numbers_bn(BIGNUM *ret, const uint64_t *a, size_t num)
{
    ck_assert_ptr_nonnull(BN_lebin2bn((const uint8_t *)a, (int)(8 * num), ret));
}

static inline BIGNUM *kw_numbers_bn_new(const uint64_t *a, size_t num)
{
    BIGNUM *ret = BN_new();

    ck_assert_ptr_nonnull(ret);
    kw_numbers_bn(ret, a, num);
    return ret;
}

/* The words of a number that must fit. */
static inline void kw_numbers_words(uint64_t *ret, size_t num, const BIGNUM *a)
{
    ck_assert_int_eq(BN_bn2lebinpad(a, (uint8_t *)ret, (int)(8 * num)), (int)(8 * num));
}

/* Whether a number has just these words. Asserted as a whole: a report with the numbers helps nobody. */
static inline bool kw_numbers_same(const uint64_t *a, size_t num, const BIGNUM *b)
{
    uint64_t words[2 * KW_WORDS_MAX + 2];

    ck_assert_uint_le(num, KW_ARRAY_LEN(words));
    return !BN_is_negative(b) && BN_bn2lebinpad(b, (uint8_t *)words, (int)(8 * num)) == (int)(8 * num) &&
           memcmp(words, a, 8 * num) == 0;
}

/* Uniform below bound > 0. Drawn in bulk, and without one of Check's notes each: both are system calls. */
static inline uint32_t kw_numbers_below(uint32_t bound)
{
    static uint32_t drawn[1024];
    static size_t left;
    uint32_t word;

    if (left == 0) {
        ck_assert_int_eq(RAND_bytes((uint8_t *)drawn, sizeof(drawn)), 1);
        left = KW_ARRAY_LEN(drawn);
    }
    word = drawn[--left];
    return (uint32_t)(((uint64_t)word * bound) >> 32);
}

/* The shapes that kw_numbers_operand() makes. */
enum kw_numbers_kind {
    KW_NUMBERS_RANDOM,
    KW_NUMBERS_ZERO,
    KW_NUMBERS_ONE,
    KW_NUMBERS_ONES,        /* every bit */
    KW_NUMBERS_POWER,       /* a power of two */
    KW_NUMBERS_POWER_ABOVE, /* plus one */
    KW_NUMBERS_POWER_BELOW, /* less one */
    KW_NUMBERS_TOP_ZERO,    /* the top word or more of them 0 */
    KW_NUMBERS_RUNS,        /* words of 0, of all ones and of random bits, mixed */
    KW_NUMBERS_LOW_ZERO,    /* random, times a power of two */
    KW_NUMBERS_KINDS,
};

static inline void kw_numbers_operand(uint64_t *ret, size_t num, enum kw_numbers_kind kind)
{
    size_t at = kw_numbers_below((uint32_t)(64 * num));

    ck_assert_int_eq(RAND_bytes((uint8_t *)ret, (int)(8 * num)), 1);
    switch (kind) {
    case KW_NUMBERS_ZERO:
    case KW_NUMBERS_ONE:
        memset(ret, 0, 8 * num);
        ret[0] = kind == KW_NUMBERS_ONE;
        break;
    case KW_NUMBERS_ONES:
        memset(ret, 0xff, 8 * num);
        break;
    case KW_NUMBERS_POWER:
    case KW_NUMBERS_POWER_ABOVE:
        memset(ret, 0, 8 * num);
        ret[at / 64] = 1ull << at % 64;
        ret[0] |= kind == KW_NUMBERS_POWER_ABOVE;
        break;
    case KW_NUMBERS_POWER_BELOW:
        memset(ret, 0, 8 * num);
        memset(ret, 0xff, at / 64 * 8);
        ret[at / 64] = (1ull << at % 64) - 1;
        break;
    case KW_NUMBERS_TOP_ZERO:
        memset(ret + at / 64, 0, 8 * (num - at / 64));
        break;
    case KW_NUMBERS_RUNS:
        for (size_t i = 0; i < num; i++) {
            uint32_t run = kw_numbers_below(3);
            ret[i] = run == 0 ? 0 : run == 1 ? UINT64_MAX : ret[i];
        }
        break;
    case KW_NUMBERS_LOW_ZERO:
        memset(ret, 0, at / 64 * 8);
        ret[at / 64] &= UINT64_MAX << at % 64;
        break;
    default:
        break;
    }
}

static inline void kw_numbers_any(uint64_t *ret, size_t num)
{
    /* Half of them random. */
    uint32_t kind = kw_numbers_below(2 * KW_NUMBERS_KINDS);
    kw_numbers_operand(ret, num, kind < KW_NUMBERS_KINDS ? (enum kw_numbers_kind)kind : KW_NUMBERS_RANDOM);
}

#endif
