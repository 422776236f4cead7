/* A kernel whose memory is damaged, so that it goes wrong in the same way each time, lets no wrong pair pass.
 * Of the kernels of eight lanes this is the one whose test of pairs goes much the same way as it makes them.
 */
#include "engine/crypto.h"
#include "tests/engine/ec/damage.h"
#include "tests/support/numbers.h"
#include "tests/support/suite.h"

#include <stdio.h>

enum { PAIRS = 9, LEN = 32 };

static void *state;
static uint8_t *base, secrets[PAIRS * LEN], points[PAIRS * LEN], damaged[PAIRS * LEN];

static void up(void)
{
    const struct kw_curve *curve = kw_curve_of(damage_kernel.spec);

    ck_assert_int_eq(damage_kernel.open(&state, &damage_kernel, curve, PAIRS, NULL), 0);
}

static bool check(const uint8_t *of)
{
    static const uint8_t multipliers[PAIRS * KW_EC_MULTIPLIER];
    bool pass = false;

    kw_assert(damage_kernel.check(state, PAIRS, secrets, of, multipliers, &pass) == 0);
    return pass;
}

/* Flips a bit of the base and back; whether points came out wrong. */
static bool flip(size_t bit)
{
    kw_assert(RAND_bytes(secrets, sizeof(secrets)) == 1);
    kw_assert(damage_kernel.derive(state, PAIRS, secrets, points) == 0);
    base[bit / 8] ^= (uint8_t)(1u << bit % 8);
    kw_assert(damage_kernel.derive(state, PAIRS, secrets, damaged) == 0);
    bool wrong = memcmp(points, damaged, sizeof(points)) != 0;
    if (wrong && check(damaged))
        ck_abort_msg("bit %zu: wrong pairs pass", bit);
    base[bit / 8] ^= (uint8_t)(1u << bit % 8);
    return wrong;
}

/* The numbers that come first, all else but the tables among them, and any. */
START_TEST(any_bit)
{
    size_t len, first = 4096;
    unsigned wrong = 0;

    up();
    base = damage_base(state, &len);
    ck_assert_uint_gt(len, first);
    for (unsigned i = 0; i < 4000; i++)
        wrong += flip(kw_numbers_below((uint32_t)(8 * (i % 4 == 0 ? len : first))));
    ck_assert_uint_gt(wrong, 300);
    kw_assert(damage_kernel.derive(state, PAIRS, secrets, points) == 0);
    ck_assert(check(points));
    damage_kernel.close(state);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, any_bit);
}

int main(void)
{
    if (kw_cpu_detect() != damage_kernel.path) {
        printf("skipped: this CPU has no %s\n", kw_cpu_path_name(damage_kernel.path));
        return 77;
    }
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("ec/kernel_damage", add_tests, 300);
}
