#include "engine/rsa/key.h"

#include "engine/rsa/gcd.h"

#include <assert.h>

static_assert(KW_RSA_PRIME_MAX <= KW_GCD_WORDS_MAX && 2 * KW_RSA_PRIME_MAX <= KW_WORDS_MAX, "numbers fit");
static_assert(KW_RSA_E == 65537, "the arithmetic modulo e below is that of 2^16 + 1, a prime");

/* p - 1 and q - 1 of random primes have a longer gcd with a probability of about 2^-60. */
#define GCD_BITS_MAX 62u

static bool bits_known(unsigned bits)
{
    return bits == 2048 || bits == 3072 || bits == 4096;
}

/* Words of p and q. */
static size_t prime_words(unsigned bits)
{
    return bits / 2 / 64;
}

uint64_t kw_rsa_key_distant(const uint64_t *a, const uint64_t *b, unsigned bits)
{
    uint64_t distance[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(distance);
    uint64_t negated[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(negated);
    uint64_t bound[KW_RSA_PRIME_MAX] = {0};
    size_t num = prime_words(bits);

    kw_assert(bits_known(bits));
    uint64_t less = kw_mask_bit(kw_words_sub(distance, a, b, num));
    kw_words_sub(negated, b, a, num);
    kw_words_select(distance, less, negated, distance, num);
    bound[(bits / 2 - 100) / 64] = 1ull << (bits / 2 - 100) % 64;
    return kw_words_less(bound, distance, num);
}

/* ---- derive ---- */

/* d^-1 modulo 2^64 for an odd d: d is its own inverse modulo 2^3, and each turn of Newton's method doubles
 * the bits. */
static uint64_t word_inverse(uint64_t d)
{
    uint64_t inverse = d;

    for (int bits = 3; bits < 64; bits *= 2)
        inverse *= 2 - d * inverse;
    return inverse;
}

/* ret = a / d for an odd d that divides a; ret may be a. From the lowest word up: a word of the quotient is
 * the word that is left, times d^-1 (Jebelean, "An algorithm for exact division", 1993). */
static void divide_exactly(uint64_t *ret, const uint64_t *a, size_t num, uint64_t d)
{
    uint64_t inverse = word_inverse(d), borrow = 0;

    for (size_t i = 0; i < num; i++) {
        kw_wide left = (kw_wide)a[i] - borrow;
        ret[i] = (uint64_t)left * inverse;
        borrow = (uint64_t)(((kw_wide)ret[i] * d) >> 64) + ((uint64_t)(left >> 64) & 1);
    }
}

/* x y modulo e for x, y < e: 2^16 is -1, so the upper half goes off the lower. */
static uint32_t mul_mod_e(uint32_t x, uint32_t y)
{
    uint64_t product = (uint64_t)x * y;
    uint64_t rest = (product & 0xffff) - (product >> 16);

    return (uint32_t)(rest + (KW_RSA_E & kw_mask_bit(rest >> 63)));
}

/* x^-1 modulo e, 0 for 0: x^(e-2), and e - 2 has sixteen ones. */
static uint32_t invert_mod_e(uint32_t x)
{
    uint32_t power = x;

    for (int i = 1; i < 16; i++)
        power = mul_mod_e(mul_mod_e(power, power), x);
    return power;
}

/* ret = e^-1 modulo m, of num words. Returns a mask: e does not divide m. With k = -m^-1 modulo e, 0 < k < e,
 * the number (1 + k m) / e is whole, is 1 modulo m when multiplied by e, and is below m. */
static uint64_t invert_e(uint64_t *ret, const uint64_t *m, size_t num)
{
    uint64_t multiple[2 * KW_RSA_PRIME_MAX + 1];
    KW_ERASE_GUARD(multiple);
    uint32_t inverse = invert_mod_e(kw_words_mod_word(m, num, KW_RSA_E));
    uint64_t exists = ~kw_mask_zero(inverse);

    multiple[num] = kw_words_mul_word(multiple, m, num, exists & (KW_RSA_E - inverse));
    kw_words_add_word(multiple, multiple, num + 1, 1);
    divide_exactly(multiple, multiple, num + 1, KW_RSA_E);
    memcpy(ret, multiple, 8 * num);
    return exists;
}

/* ret = lcm(p1, q1), of 2 num words: p1 / g q1, where the power of two in g = gcd(p1, q1) is shifted off and
 * the rest is divided by. Returns whether g is short enough. */
static bool find_lcm(uint64_t *ret, const uint64_t *p1, const uint64_t *q1, size_t num)
{
    uint64_t g[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(g);

    kw_gcd(g, p1, q1, num);
    bool fits = kw_words_bits(g, num) <= GCD_BITS_MAX;
    /* Primes for which this does not hold are thrown away, and for all others it tells nothing but that. */
    kw_declassify(&fits, sizeof(fits));
    KW_REQUIRE(fits, false);

    uint64_t lowest = g[0] & -g[0];
    unsigned twos = kw_words_bits(&lowest, 1) - 1;
    kw_words_shift_right_secret(g, g, 1, twos);
    uint64_t quotient[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(quotient);
    kw_words_shift_right_secret(quotient, p1, num, twos);
    divide_exactly(quotient, quotient, num, g[0]);
    kw_words_mul(ret, quotient, num, q1, num);
    return true;
}

/* A mask: d > 2^(bits/2), for d of 2 num words, num of them for the lower bits/2 bits. */
static uint64_t exceeds_root(const uint64_t *d, size_t num)
{
    uint64_t equal = kw_words_is_zero(d, num) & kw_words_is_word(d + num, num, 1);

    return ~kw_words_is_zero(d + num, num) & ~equal;
}

int kw_rsa_key_derive(struct kw_rsa_key *key)
{
    size_t num = prime_words(key->bits);
    uint64_t p1[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(p1);
    uint64_t q1[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(q1);
    uint64_t lcm[2 * KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(lcm);

    kw_assert(bits_known(key->bits));
    kw_words_swap(key->p, key->q, num, kw_words_less(key->p, key->q, num));
    kw_words_mul(key->n, key->p, num, key->q, num);
    kw_words_sub_word(p1, key->p, num, 1);
    kw_words_sub_word(q1, key->q, num, 1);
    KW_REQUIRE(find_lcm(lcm, p1, q1, num), KW_RSA_KEY_UNFIT);

    uint64_t fit = invert_e(key->d, lcm, 2 * num);
    /* FIPS 186-5 A.1.1 (3). A d that small would be below lcm / e, and k of invert_e() is not 0: the
     * condition is the standard's, and cannot fail. */
    fit &= exceeds_root(key->d, num);
    /* d modulo p - 1 is the inverse of e there: without the division. */
    fit &= invert_e(key->dp, p1, num);
    fit &= invert_e(key->dq, q1, num);
    fit &= kw_gcd_invert(key->qinv, key->q, key->p, num);
    /* As above: it tells that the primes can be used, or they are not. */
    kw_declassify(&fit, sizeof(fit));
    return fit ? 0 : KW_RSA_KEY_UNFIT;
}

/* ---- check ---- */

/* A mask: p is odd and at least sqrt(2) 2^(bits/2-1), as FIPS 186-5 A.1.6 asks. It is if and only if p^2 is
 * at least 2^(bits-1), that is, if p^2 has all its bits: exact, and without the digits of the root. */
static uint64_t check_prime(const uint64_t *p, size_t num)
{
    uint64_t square[2 * KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(square);

    kw_words_mul(square, p, num, p, num);
    return kw_mask_bit(p[0]) & kw_mask_bit(square[2 * num - 1] >> 63);
}

/* A mask: p > q, n = p q, and n has exactly its bits. */
static uint64_t check_modulus(const struct kw_rsa_key *key, size_t num)
{
    uint64_t product[2 * KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(product);

    kw_words_mul(product, key->q, num, key->p, num);
    return kw_words_less(key->q, key->p, num) & kw_words_equal(product, key->n, 2 * num) &
           kw_mask_bit(key->n[2 * num - 1] >> 63);
}

/* A mask: a b = 1 modulo m. Shape: a num words, b num_b <= num words, m num words. */
static uint64_t check_inverse(
    const uint64_t *a, const uint64_t *b, size_t num_b, const uint64_t *m, size_t num)
{
    uint64_t product[2 * KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(product);
    uint64_t rest[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(rest);

    kw_words_mul(product, a, num, b, num_b);
    kw_words_mod(rest, product, num + num_b, m, num);
    return kw_words_less(a, m, num) & kw_words_is_word(rest, num, 1);
}

/* A mask: dP is d modulo p1, by a division, and e dP = 1 modulo p1, so that e d = 1 too. */
static uint64_t check_exponent(const uint64_t *d, const uint64_t *dp, const uint64_t *p1, size_t num)
{
    const uint64_t e = KW_RSA_E;
    uint64_t rest[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(rest);

    kw_words_mod(rest, d, 2 * num, p1, num);
    return kw_words_equal(rest, dp, num) & check_inverse(dp, &e, 1, p1, num);
}

/* A mask: 2^(bits/2) < d < lcm(p1, q1), the latter as d g < p1 q1 for g = gcd(p1, q1), so that no quotient of
 * derive's is seen again. g comes from other operands than there: p - q = p1 - q1 has the same divisors in
 * common with q1. A g of more than a word is too long for derive too. */
static uint64_t check_range(const struct kw_rsa_key *key, const uint64_t *p1, const uint64_t *q1, size_t num)
{
    uint64_t g[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(g);
    uint64_t phi[2 * KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(phi);
    uint64_t product[2 * KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(product);

    kw_words_sub(g, key->p, key->q, num);
    kw_gcd(g, g, q1, num);
    kw_words_mul(phi, p1, num, q1, num);
    uint64_t above = kw_words_mul_word(product, key->d, 2 * num, g[0]);
    return exceeds_root(key->d, num) & kw_words_is_zero(g + 1, num - 1) & kw_mask_zero(above) &
           kw_words_less(product, phi, 2 * num);
}

/* Nothing returns early: every check runs on whatever the numbers are, and those of a wrong key only have to
 * end. */
int kw_rsa_key_check(const struct kw_rsa_key *key)
{
    uint64_t p1[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(p1);
    uint64_t q1[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(q1);
    size_t num = prime_words(key->bits);

    KW_REQUIRE(bits_known(key->bits), KW_RSA_KEY_WRONG);
    kw_words_sub_word(p1, key->p, num, 1);
    kw_words_sub_word(q1, key->q, num, 1);
    uint64_t right = check_prime(key->p, num) & check_prime(key->q, num);
    right &= kw_rsa_key_distant(key->p, key->q, key->bits);
    right &= check_modulus(key, num);
    right &= check_exponent(key->d, key->dp, p1, num);
    right &= check_exponent(key->d, key->dq, q1, num);
    right &= check_range(key, p1, q1, num);
    right &= check_inverse(key->qinv, key->q, num, key->p, num);
    /* A right key is to be used, which tells this much; a wrong one is never used. */
    kw_declassify(&right, sizeof(right));
    return right ? 0 : KW_RSA_KEY_WRONG;
}
