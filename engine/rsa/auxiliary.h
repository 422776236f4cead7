/* auxiliary - the auxiliary primes p1, p2, q1, q2 of FIPS 186-5 A.1.6 step 4.2 / 5.2: the first probable
 * prime at or after a random start, found for many starts at once on the lanes of a kernel.
 */
#ifndef KW_ENGINE_RSA_AUXILIARY_H
#define KW_ENGINE_RSA_AUXILIARY_H

#include "engine/rng.h"
#include "engine/rsa/kernel.h"
#include "engine/rsa/sieve.h"

/* The longest auxiliary prime that is taken: A.1.6 and B.9 bound len(p1) + len(p2) below nlen/2, for nlen up
 * to 4096. */
#define KW_AUXILIARY_BITS_MIN 17u
#define KW_AUXILIARY_BITS_MAX 2032u

struct kw_auxiliary; /* kernel, sieve and scratch for one length; one owner thread */

/* bits: length of the starting points, within the limits above; rounds: Miller-Rabin rounds, above 0. All
 * that a search needs is allocated here. rng is borrowed. Takes the lock of kw_sieve_get(). Returns: 0 |
 * -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_auxiliary_new(
    struct kw_auxiliary **ret, enum kw_cpu_path path, unsigned bits, unsigned rounds, struct kw_rng *rng);
void kw_auxiliary_free(struct kw_auxiliary *auxiliary);

/* kw_auxiliary_draw() - a random odd start of exactly bits bits. ret: KW_WORDS_OF_BITS(bits) + 1 words. */
KW_MUST_CHECK int kw_auxiliary_draw(struct kw_auxiliary *auxiliary, uint64_t *ret);
/* kw_auxiliary_find() - for each of num starts the first probable prime among start, start + 2, ... (an even
 * start is raised by one). In: num starts of KW_WORDS_OF_BITS(bits) + 1 words each, one after the other; at
 * most bits bits, > 2^16. Out: ret, of the same shape, may be starts. num is any; the more there are the
 * fuller the batches: from 4 for each lane on little is lost. Its time tells how many candidates were tested.
 * Returns: 0 | <0 */
KW_MUST_CHECK int kw_auxiliary_find(
    struct kw_auxiliary *auxiliary, const uint64_t *starts, unsigned num, uint64_t *ret);
void kw_auxiliary_wipe(struct kw_auxiliary *auxiliary);

#endif
