/* progression - the search for a prime p with auxiliary primes: FIPS 186-5 B.9.
 *
 * One object is one search: it knows X, the progression Y, Y + 2 r1 r2, ... and how far it has come. It is
 * pure arithmetic in constant time: the caller sieves (sieve.h) and tests (kernel.h), and asks for one
 * candidate after the other. What shows from outside is how many candidates were tested, as in every such
 * search.
 */
#ifndef KW_ENGINE_RSA_PROGRESSION_H
#define KW_ENGINE_RSA_PROGRESSION_H

#include "engine/rsa/sieve.h"
#include "engine/words.h"

#define KW_PROGRESSION_WORDS 33u /* of a candidate of 2048 bits and what may carry out of it */

struct kw_progression {
    unsigned bits;                         /* of the prime: nlen / 2 */
    size_t num;                            /* words of a candidate, KW_WORDS_OF_BITS(bits) */
    uint64_t x[KW_PROGRESSION_WORDS];      /* X */
    uint64_t window[KW_PROGRESSION_WORDS]; /* the member that the map begins with */
    uint64_t step[KW_PROGRESSION_WORDS];   /* 2 r1 r2 */
    size_t num_step;                       /* words of the step that may be other than 0 (a public bound) */
    uint64_t map[KW_SIEVE_WINDOW_WORDS];   /* survivors of the window not yet handed out */
    uint32_t passed;                       /* members before the window: i of step 5 of its first member */
};

enum {
    KW_PROGRESSION_WINDOW =
        1, /* no survivor left in the window: sieve it (window has moved on) and ask again */
    KW_PROGRESSION_OVERFLOW = 2,  /* step 6: Y >= 2^(nlen/2): begin again with another X */
    KW_PROGRESSION_EXHAUSTED = 3, /* step 9: i >= 20 (nlen/2): FAILURE */
    KW_PROGRESSION_UNFIT = 4,     /* step 1: gcd(2 r1, r2) is not 1 */
};

/* kw_progression_begin() - steps 1, 2 and 4 for given r1, r2 and X: the map is empty and the first window is
 * to be sieved. In: r1, r2 of num_r words each, odd, above 1; bits_r bounds the bits of r1 r2 (public),
 * bits_r < bits; x of KW_WORDS_OF_BITS(bits) words with exactly bits bits. Returns: 0 | KW_PROGRESSION_UNFIT
 */
KW_MUST_CHECK int kw_progression_begin(struct kw_progression *progression, unsigned bits, const uint64_t *x,
    const uint64_t *r1, const uint64_t *r2, size_t num_r, unsigned bits_r);

/* kw_progression_next() - steps 5, 6, 8, 9 and 10: the next survivor in order. It says which condition the
 * steps end with if they are done one by one: OVERFLOW if a member before the last of EXHAUSTED is too large.
 * Out: ret_candidate, num words, on 0 only. Returns: 0 | KW_PROGRESSION_WINDOW | _OVERFLOW | _EXHAUSTED */
KW_MUST_CHECK int kw_progression_next(struct kw_progression *progression, uint64_t *ret_candidate);

/* kw_progression_fits_e() - the first half of step 7, gcd(Y - 1, e) = 1, for e = 65537; a mask. The standard
 * asks this before it tests Y for primality and goes on with step 8 if either fails. As both must hold and
 * the order of members is kept, it comes to the same prime to ask only of those that passed the test, and to
 * go on with the next survivor where it fails. */
uint64_t kw_progression_fits_e(const uint64_t *candidate, size_t num);

/* kw_progression_job() - what kw_sieve_run() is to sieve after begin or KW_PROGRESSION_WINDOW. Points into
 * progression. */
struct kw_sieve_job kw_progression_job(struct kw_progression *progression);

#endif
