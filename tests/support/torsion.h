/* torsion - the eight points of edwards25519 whose order divides 8. */
#ifndef KW_TESTS_SUPPORT_TORSION_H
#define KW_TESTS_SUPPORT_TORSION_H

#include "tests/support/edwards.h"

/* torsion[k] = k torsion[1] */
static struct edwards torsion[8];

/* n times any point, and the multiples of that; true if its order is 8 and no less. */
static inline bool torsion_from(const struct edwards *point, const BIGNUM *n)
{
    struct edwards neutral = edwards_neutral();

    torsion[0] = edwards_neutral();
    torsion[1] = edwards_multiply(point, n);
    for (int k = 2; k < 8; k++) {
        torsion[k] = edwards_new(torsion[k - 1].x, torsion[k - 1].y);
        edwards_add(&torsion[k], &torsion[1]);
    }
    bool found = !edwards_equal(&torsion[4], &neutral);
    edwards_free(&neutral);
    return found;
}

/* Finds them once, and what edwards.h needs. */
static inline void torsion_up(void)
{
    bool found = torsion[0].x != NULL;
    struct edwards point = {BN_new(), BN_new()};

    if (!found)
        edwards_up();
    for (BN_ULONG y = 2; !found; y++) {
        BIGNUM *n = kw_numbers_bn_new(kw_curve_of(KW_SPEC_ECC_NIST_EDWARDS25519)->n, 4);
        BN_set_word(point.y, y);
        found = edwards_recover(point.x, point.y, 0) && torsion_from(&point, n);
        BN_free(n);
    }
    edwards_free(&point);
}

#endif
