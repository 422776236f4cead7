/* keys_attacks - what somebody would try who has RSA public keys, many of them, and hopes that their
 * generator was a bad one.
 */
#ifndef KW_TESTS_STRESS_KEYS_ATTACKS_H
#define KW_TESTS_STRESS_KEYS_ATTACKS_H

#include "pool/base.h"

#include <openssl/bn.h>

/* keys_attacks_fermat() - Fermat's factoring: finds primes that are near to each other. Returns: it factored
 * n within so many steps. */
bool keys_attacks_fermat(const BIGNUM *n, unsigned steps, BN_CTX *ctx);

/* keys_attacks_smooth() - Pollard's p - 1 and Williams's p + 1 at their best, seen by somebody who knows the
 * prime: is prime - 1 or prime + 1 a product of prime powers up to 2^16? Then, and for other bases rarely
 * otherwise, the method with that bound ends at the prime. */
bool keys_attacks_smooth(const BIGNUM *prime, BN_CTX *ctx);
/* keys_attacks_pollard() - Pollard's p - 1 from n alone, with the base 2 and prime powers up to bound. */
bool keys_attacks_pollard(const BIGNUM *n, unsigned bound, BN_CTX *ctx);

/* keys_attacks_share() - for each number its greatest common divisor with the product of all others, by a
 * product tree and a tree of remainders (Bernstein, "How to find smooth parts of integers", 2004). Returns:
 * the first whose divisor has more than bits_max bits; num: none has. bits_max = 1: any divisor but 1 counts,
 * which for odd numbers is fast. */
size_t keys_attacks_share(BIGNUM *const *numbers, size_t num, int bits_max, BN_CTX *ctx);
/* Whether some number is there twice. */
bool keys_attacks_twice(BIGNUM *const *numbers, size_t num);

/* keys_attacks_control() - each of the above finds what is planted for it. Aborts if it does not. */
void keys_attacks_control(BN_CTX *ctx);

#endif
