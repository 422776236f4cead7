/* moduli - the odd primes below a bound, packed into products that fill a machine word.
 *
 * A number is cheaper to reduce modulo one product of several primes than modulo each of them, so the fewer
 * the products the better. Consecutive primes would leave much of a word empty (three of 17 bits fit into 52,
 * three of 18 do not); here the largest share a product with the smallest. Everything is public. Pure but for
 * allocation; thread-safe.
 */
#ifndef KW_ENGINE_RSA_MODULI_H
#define KW_ENGINE_RSA_MODULI_H

#include "pool/base.h"

#define KW_MODULI_PRIMES_MAX 7u

struct kw_modulus {
    uint64_t product;
    uint32_t primes[KW_MODULI_PRIMES_MAX]; /* distinct */
};

/* Products of the same number of primes. */
struct kw_moduli {
    unsigned num_primes; /* in each product */
    size_t num;          /* 0: none */
    size_t num_distinct; /* what follows repeats the first ones */
    struct kw_modulus *list;
};

/* kw_moduli_primes() - the odd primes from low to below bound, ascending. Out: ret, to be freed; ret_num.
 * Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_moduli_primes(uint32_t **ret, size_t *ret_num, uint32_t low, uint32_t bound);

/* kw_moduli_pack() - packs primes (ascending, at least one, none above 2^25) into products below 2^bits.
 * In: bits, 50 to 64; no product has more than num_primes_max primes (2 to KW_MODULI_PRIMES_MAX).
 * Shape: a multiple of `multiple` products of each kind: the first ones are repeated.
 * Out: ret[0] and ret[1] with different numbers of primes, each perhaps with no product; to be given to
 * kw_moduli_done(). A product that had a place left over also has one of 3, 5, 7 ... that it did not have.
 * Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_moduli_pack(struct kw_moduli ret[2], const uint32_t *primes, size_t num, unsigned bits,
    unsigned num_primes_max, size_t multiple);

/* Zeroed lists are fine. */
void kw_moduli_done(struct kw_moduli moduli[2]);

#endif
