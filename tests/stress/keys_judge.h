/* keys_judge - is a finished RSA pair what FIPS 186-5 A.1 and RFC 8017 say that it is?
 *
 * By OpenSSL's bignums and from the DER alone: nothing of the generator is asked. The keys are the test's
 * own, and no secrets.
 */
#ifndef KW_TESTS_STRESS_KEYS_JUDGE_H
#define KW_TESTS_STRESS_KEYS_JUDGE_H

#include "pool/bytes.h"

#include <openssl/bn.h>

enum keys_number {
    KEYS_N,
    KEYS_E,
    KEYS_D,
    KEYS_P,
    KEYS_Q,
    KEYS_DP,
    KEYS_DQ,
    KEYS_QINV,
    KEYS_NUMBERS,
};

struct keys_key {
    BIGNUM *number[KEYS_NUMBERS];
};

/* Aborts if expr, a call into OpenSSL, does not hold: out of memory, or a mistake of the test. */
#define KEYS_MUST(expr) kw_assert((expr) > 0)

void keys_key_done(struct keys_key *key);

/* keys_judge_read() - both DER files parse to the last byte, come out the same when they are written again,
 * and hold the same public key. Out: ret_key, its numbers, in any case to be freed with keys_key_done().
 * Returns: NULL | what is wrong */
const char *keys_judge_read(
    struct keys_key *ret_key, struct kw_bytes public_der, struct kw_bytes private_der);

/* keys_judge() - every number by what defines it. p and q are put to one Fermat test each, which sees all
 * that is composite by mistake; keys_judge_slowly() has more. Returns: NULL | what is wrong */
const char *keys_judge(const struct keys_key *key, unsigned bits, BN_CTX *ctx);

/* keys_judge_slowly() - what OpenSSL thinks of the pair: EVP_PKEY_check(), which tests the primes as well,
 * and the command `openssl pkey -check`. Some 0.1 s and more. Returns: NULL | what is wrong */
const char *keys_judge_slowly(struct kw_bytes private_der);
/* The command alone: whether it exits with 0. */
bool keys_judge_command(struct kw_bytes private_der);

/* keys_judge_flips() - the judge is no yes-man: with a bit of one number flipped, each of the eight in turn,
 * it refuses the key, and so does the check that the generator makes (key.h; e is no variable there), and the
 * command, if the key is a short one. turns: bits of each number. Returns: NULL | who was fooled */
const char *keys_judge_flips(
    struct keys_key *key, unsigned bits, struct kw_bytes private_der, unsigned turns, BN_CTX *ctx);

#endif
