/* Points of small order on edwards25519: all sums with them through the formulas of each kernel that has some
 * of its own, and its test of pairs, which must not let them pass. */
#include "tests/support/ec_kernel_rig.h"
#include "tests/support/torsion.h"

static bool begin(int index)
{
    if (ec_kernels[index]->spec != KW_SPEC_ECC_NIST_EDWARDS25519)
        return false;
    torsion_up();
    rig_begin(index);
    return true;
}

/* ---- add ---- */

enum { MULTIPLES = 4, EDWARDS = 8 * MULTIPLES };

/* Sums of the points of small order and the first multiples of B. */
static struct edwards elements[EDWARDS];
enum { XY = 64 };
static uint8_t left[XY * EDWARDS], right[XY * EDWARDS], sums[XY * EDWARDS];

/* As kernels add them: X || Y. */
static void write_xy(uint8_t *ret, const struct edwards *point)
{
    ck_assert_int_eq(BN_bn2binpad(point->x, ret, XY / 2), XY / 2);
    ck_assert_int_eq(BN_bn2binpad(point->y, ret + XY / 2, XY / 2), XY / 2);
}

static void elements_up(void)
{
    for (unsigned i = 0; i < EDWARDS && elements[EDWARDS - 1].x == NULL; i++) {
        elements[i] = i < 8 ? edwards_new(torsion[i].x, torsion[i].y)
                            : edwards_new(elements[i - 8].x, elements[i - 8].y);
        if (i >= 8)
            edwards_add(&elements[i], &edwards.base);
    }
}

static void judge_edwards(enum kw_ec_formula formula, unsigned a, unsigned b, const uint8_t *ours)
{
    struct edwards sum = edwards_new(elements[a].x, elements[a].y);
    uint8_t expected[XY];

    edwards_add(&sum, &elements[formula == KW_EC_DOUBLE ? a : b]);
    write_xy(expected, &sum);
    edwards_free(&sum);
    if (memcmp(expected, ours, sizeof(expected)) != 0)
        ck_abort_msg("%s: formula %d of %u and %u", rig.kernel->name, (int)formula, a, b);
}

/* Each element with all of them, in one call. */
START_TEST(add_every_two)
{
    const struct kw_ec_kernel *kernel = ec_kernels[_i];

    if (kernel->spec != KW_SPEC_ECC_NIST_EDWARDS25519 || kernel->add == NULL)
        return;
    torsion_up();
    elements_up();
    ck_assert_int_eq(rig_open(kernel, kw_curve_of(kernel->spec), EDWARDS), 0);
    for (enum kw_ec_formula formula = KW_EC_ADD; formula <= KW_EC_DOUBLE; formula++) {
        unsigned first = formula == KW_EC_MIXED; /* the neutral element is no affine point */
        for (unsigned a = 0; a < EDWARDS; a++) {
            for (size_t b = first; b < EDWARDS; b++) {
                write_xy(left + XY * (b - first), &elements[a]);
                write_xy(right + XY * (b - first), &elements[b]);
            }
            must(kernel->add(rig.state, formula, EDWARDS - first, left, right, sums) == 0, "add");
            for (unsigned b = first; b < EDWARDS; b++)
                judge_edwards(formula, a, b, sums + XY * (size_t)(b - first));
        }
    }
    rig_close();
}
END_TEST

/* ---- check ---- */

/* Instead of the point, and added to it. The last is what a test by multiples of 8, or one that sees even
 * multipliers only, lets pass; a kernel must not, whatever the multiplier. */
START_TEST(one_point_of_small_order)
{
    if (!begin(_i))
        return;
    for (unsigned round = 0; round < (rig_is_slow() ? 1 : 16); round++) {
        for (unsigned k = 0; k < 8; k++) {
            fill(1 + kw_numbers_below(rig.num_max));
            unsigned at = kw_numbers_below(rig.num);
            memset(point_at(at), 0, 32);
            edwards_encode(point_at(at), &torsion[k]);
            must(!check(), "a point of small order");
            fill(rig.num);
            if (k != 0) {
                edwards_add_to(point_at(at), &torsion[k]);
                for (unsigned i = 0; i < 16; i++) {
                    multiplier_at(at)[0] = (uint8_t)(i | (i << 4));
                    must(!check(), "Q and a point of small order");
                }
            }
        }
    }
    rig_close();
}
END_TEST

/* In two pairs at once, so that they cancel for many a pair of multipliers: of order 2 for all odd ones. */
START_TEST(two_points_of_small_order)
{
    if (!begin(_i))
        return;
    for (unsigned first = 1; first < 8; first++) {
        for (unsigned second = 1; second < 8; second++) {
            fill(2 + kw_numbers_below(rig.num_max - 1));
            unsigned at = kw_numbers_below(rig.num - 1);
            edwards_add_to(point_at(at), &torsion[first]);
            edwards_add_to(point_at(at + 1), &torsion[second]);
            for (unsigned i = 0; i < (rig_is_slow() ? 2 : 8); i++) {
                draw_multipliers();
                must(!check(), "two points of small order");
            }
        }
    }
    rig_close();
}
END_TEST

/* y from p to 2^255 - 1, with either x; and the two points with x = 0 asked for with an odd one. */
START_TEST(encodings_that_are_none)
{
    if (!begin(_i))
        return;
    for (unsigned low = 0xed; low <= 0x100; low++) {
        for (unsigned sign = 0; sign < 2; sign++) {
            fill(1 + kw_numbers_below(KW_MIN(rig.num_max, 2 * rig.kernel->lanes)));
            uint8_t *point = point_at(kw_numbers_below(rig.num));
            memset(point, low == 0x100 ? 0 : 0xff, 32);
            point[0] = low == 0x100 ? 1 : (uint8_t)low;
            point[31] = (uint8_t)((low == 0x100 ? 0 : 0x7f) | sign << 7);
            must(!check(), "an encoding that is none");
        }
    }
    rig_close();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, add_every_two, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, one_point_of_small_order, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, two_points_of_small_order, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, encodings_that_are_none, 0, num_ec_kernels);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    rig_collect();
    return kw_suite_run("ec/kernel_edwards", add_tests, 300);
}
