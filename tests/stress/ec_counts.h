/* ec_counts - are the numbers of many pairs on a curve distributed as they should be?
 *
 * d is uniform in 1..n-1, and the orders n of the four curves are so near to a power of two that every bit of
 * d is fair to 2^-32 or better, which no campaign sees; so is every bit of x, as p is as near, and the parity
 * of y. Of Ed25519 the seed is uniform, and the public key's y and sign are so to 2^-249 and better. The bits
 * of two secrets that came one after the other are independent. Every count is put to the test of
 * keys_counts.h, whose bound is true for every number of samples.
 */
#ifndef KW_TESTS_STRESS_EC_COUNTS_H
#define KW_TESTS_STRESS_EC_COUNTS_H

#include "tests/stress/ec_judge.h"

enum { EC_COUNTS_BITS_MAX = 8 * EC_JUDGE_BYTES_MAX, EC_COUNTS_CELLS = 16, EC_COUNTS_SMALL = 5 };

struct ec_counts {
    uint64_t num;
    uint64_t secret[EC_COUNTS_BITS_MAX]; /* bits set, from the least significant on */
    uint64_t change[EC_COUNTS_BITS_MAX]; /* bits that differ from those of the secret before */
    uint64_t point[EC_COUNTS_BITS_MAX];  /* bits of x, or of the public key */
    uint64_t odd;                        /* y */
    uint64_t top[EC_COUNTS_CELLS];       /* by the four leading bits of the secret */
    uint64_t small[EC_COUNTS_SMALL][13]; /* secrets modulo 3, 5, 7, 11, 13 */
    uint8_t last[EC_JUDGE_BYTES_MAX];
};

/* bits: of n, or 256 for a seed. */
void ec_counts_add(struct ec_counts *counts, const struct ec_judge_numbers *numbers, unsigned bits);
/* Adds up what two threads counted. */
void ec_counts_join(struct ec_counts *counts, const struct ec_counts *more);
/* Returns: NULL | which distribution a good generator has with a probability below the alarm's. Together the
 * ten lists of a run raise an alarm with a probability below 10 (7 1e-7 + 3 528 4e-11) < 1e-5. */
const char *ec_counts_judge(const struct ec_counts *counts, unsigned bits);
/* The test sees what it is to see. Aborts if not. */
void ec_counts_control(void);

#endif
