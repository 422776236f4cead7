/* gcd - greatest common divisor and modular inverse in constant time: published attacks on RSA key generation
 * read exactly these from branches and addresses.
 *
 * Source: Bernstein and Yang, "Fast constant-time gcd computation and modular inversion" (2019): a number of
 * steps that depends on lengths only. An output may be the same array as an input. Pure; locals are erased;
 * thread-safe.
 */
#ifndef KW_ENGINE_RSA_GCD_H
#define KW_ENGINE_RSA_GCD_H

#include "engine/words.h"

/* The longest numbers here: primes of RSA_4096 (32 words), and 2 r1 r2 below that. */
#define KW_GCD_WORDS_MAX 33u

/* kw_gcd() - ret = gcd(a, b) for any a and b of num words, not both 0 (either may be even; 0 for
 * both ends, with a number of no meaning). */
void kw_gcd(uint64_t *ret, const uint64_t *a, const uint64_t *b, size_t num);

/* kw_gcd_invert() - ret = a^-1 modulo m. In: num words each, m odd, m > 1, a any below 2^(64 num).
 * Out: ret < m; all zero if there is no inverse. Returns: mask, all ones if gcd(a, m) = 1. */
KW_MUST_CHECK uint64_t kw_gcd_invert(uint64_t *ret, const uint64_t *a, const uint64_t *m, size_t num);

#endif
