/* keys_counts - are the primes of many keys distributed as FIPS 186-5 B.9 implies?
 *
 * X is uniform in [sqrt(2) 2^(k-1), 2^k), and the prime is so near behind it, compared to that interval, that
 * its leading bits are distributed as those of X. Modulo 8 and modulo small odd primes, X and the step are
 * uniform and independent, and so the prime is uniform over the residues that a prime can have. The bits
 * between are fair.
 *
 * Every count is put to one and the same test. For n samples in m cells of equal probability, with empirical
 * distribution f, t = n KL(f || uniform) exceeds a bound with a probability of at most
 * exp(-t) (e t / (m - 1))^(m - 1) if t > m - 1 (Agrawal, "Finite-sample concentration of the multinomial in
 * relative entropy", 2020, theorem 1.2): true for every n, while the usual chi-square approximation, twice t,
 * is not for few keys. So what is returned below is no estimate: it bounds the probability of a false alarm.
 */
#ifndef KW_TESTS_STRESS_KEYS_COUNTS_H
#define KW_TESTS_STRESS_KEYS_COUNTS_H

#include "pool/base.h"

#include <openssl/bn.h>

/* Alarms: one of the six distributions per list of primes, and one of at most 2048 bits. A whole run has at
 * most six lists (three sizes on two paths): together a good generator raises an alarm with a probability
 * below 6 (6 1e-7 + 2048 4e-11) < 5e-6. */
#define KEYS_COUNTS_ALARM     1e-7
#define KEYS_COUNTS_ALARM_BIT 4e-11

enum { KEYS_COUNTS_CELLS = 16, KEYS_COUNTS_SMALL = 4, KEYS_COUNTS_BITS_MAX = 2048 };

struct keys_counts {
    uint64_t num;                          /* primes */
    uint64_t top[KEYS_COUNTS_CELLS];       /* by the cell of the interval, all of one width */
    uint64_t mod8[4];                      /* 1, 3, 5, 7 */
    uint64_t small[KEYS_COUNTS_SMALL][10]; /* modulo 3, 5, 7, 11: 1, 2, ... */
    uint64_t bit[KEYS_COUNTS_BITS_MAX];    /* set, from the least significant on */
};

/* prime: of exactly bits bits, at least sqrt(2) 2^(bits-1), odd, and no small prime divides it. */
void keys_counts_add(struct keys_counts *counts, const BIGNUM *prime, unsigned bits);
/* Returns: NULL | which distribution a good generator has with a probability below the alarm's */
const char *keys_counts_judge(const struct keys_counts *counts, unsigned bits);
/* The bound above for counts in cells. */
double keys_counts_bound(const uint64_t *cells, unsigned num);
/* The test sees what it is to see, and is calm about what is uniform. Aborts if not. */
void keys_counts_control(void);

#endif
