/* Every case of the group's law: all elements of small groups, through each kernel's formulas, its public
 * keys and its test of pairs. */
#include "tests/support/ec_kernel_rig.h"
#include "tests/support/ec_small_groups.h"

static struct small small;

/* Groups that a library is tried on in full; of larger ones it gets a part. */
#define SMALL_FOR_SLOW 40u
#define SMALL_FOR_ALL  128u

static unsigned below(unsigned bound)
{
    return kw_numbers_below(bound);
}

/* Kernels and groups in one number: a kernel that does not take the group is left out. */
static bool begin(int index)
{
    const struct kw_ec_kernel *kernel = ec_kernels[index / NUM_SMALL_GROUPS];
    const struct small_group *group = &small_groups[index % NUM_SMALL_GROUPS];

    if (kernel->spec != group->spec)
        return false;
    small_up(&small, group);
    int r = rig_open(kernel, &small.curve, KW_MAX(group->n, 2 * kernel->lanes + 1));
    ck_assert(r == 0 || r == KW_EC_KERNEL_OTHER_CURVE);
    return r == 0;
}

/* The same for derive: tables of multiples up to 127 must not have the neutral element. */
static bool begin_derive(int index)
{
    if (!begin(index))
        return false;
    if (small.n > 128 || rig.kernel->lanes == 1)
        return true;
    rig_close();
    return false;
}

static void set_secret(unsigned i, unsigned d)
{
    memset(secret_at(i), 0, small.curve.secret_len);
    secret_at(i)[small.curve.secret_len - 1] = (uint8_t)d;
}

static void set_pair(unsigned i, unsigned d, unsigned e)
{
    set_secret(i, d);
    memcpy(point_at(i), small.points[e], small.curve.point_len);
}

/* ---- derive ---- */

static void derive_and_compare(const unsigned *d)
{
    memset(rig.points, 0xa5, sizeof(rig.points));
    must(rig.kernel->derive(rig.state, rig.num, rig.secrets, rig.points) == 0, "derive");
    for (unsigned i = 0; i < rig.num; i++)
        if (memcmp(point_at(i), small.points[d[i]], small.curve.point_len) != 0)
            ck_abort_msg("%s: %u G of %u", rig.kernel->name, d[i], small.n);
}

START_TEST(derive_all)
{
    unsigned d[SMALL_MAX];

    if (!begin_derive(_i))
        return;
    rig.num = small.n - 1;
    for (unsigned i = 0; i < rig.num; i++) {
        d[i] = i + 1;
        set_secret(i, d[i]);
    }
    derive_and_compare(d);
    rig_close();
}
END_TEST

/* Secrets as long as they are on the curve of the spec: sums on the way to their points pass through every
 * element, the neutral one included, and repeat each other. */
START_TEST(derive_long_secrets)
{
    unsigned d[SMALL_MAX];

    if (!begin_derive(_i))
        return;
    const struct kw_curve *real = kw_curve_of(small.curve.spec);
    BIGNUM *n = kw_numbers_bn_new(real->n, real->num), *secret = BN_new();
    rig.num = small.n - 1;
    for (unsigned round = 0; round < (rig_is_slow() ? 1 : 20); round++) {
        for (unsigned i = 0; i < rig.num; i++) {
            do {
                ck_assert_int_eq(BN_rand_range(secret, n), 1);
                d[i] = (unsigned)BN_mod_word(secret, small.n);
            } while (d[i] == 0);
            bn_write(secret, secret_at(i), real->secret_len);
        }
        derive_and_compare(d);
    }
    BN_free(secret);
    BN_free(n);
    rig_close();
}
END_TEST

/* ---- add ---- */

static uint8_t left[BATCH_MAX * POINT_MAX], right[BATCH_MAX * POINT_MAX], sums[BATCH_MAX * POINT_MAX];

/* Sums to come, and where they must come to. */
static struct {
    enum kw_ec_formula formula;
    unsigned num;
    unsigned expected[BATCH_MAX];
} adding;

static void flush_sums(void)
{
    size_t len = small.curve.point_len;

    if (adding.num == 0)
        return;
    must(rig.kernel->add(rig.state, adding.formula, adding.num, left, right, sums) == 0, "add");
    for (size_t i = 0; i < adding.num; i++)
        if (memcmp(sums + i * len, small.points[adding.expected[i]], len) != 0)
            ck_abort_msg("%s: formula %d to %u of %u", rig.kernel->name, (int)adding.formula,
                adding.expected[i], small.n);
    adding.num = 0;
}

static void add_later(unsigned a, unsigned b)
{
    size_t len = small.curve.point_len;

    memcpy(left + adding.num * len, small.points[a], len);
    memcpy(right + adding.num * len, small.points[b], len);
    adding.expected[adding.num++] = (adding.formula == KW_EC_DOUBLE ? 2 * a : a + b) % small.n;
    if (adding.num == rig.num_max)
        flush_sums();
}

/* The neutral element is no affine point. */
static void add_all(enum kw_ec_formula formula)
{
    bool all = small.n <= (rig_is_slow() ? SMALL_FOR_SLOW : SMALL_FOR_ALL);

    adding.formula = formula;
    for (unsigned a = 0; a < small.n; a++) {
        for (unsigned b = formula == KW_EC_MIXED; b < small.n; b++) {
            bool special = b == 0 || b == a || b == (small.n - a) % small.n;
            if (all || special || below(small.n) < 4)
                add_later(a, b);
        }
    }
    flush_sums();
}

START_TEST(add_every_two)
{
    if (!begin(_i))
        return;
    if (rig.kernel->add != NULL) {
        add_all(KW_EC_ADD);
        add_all(KW_EC_MIXED);
        adding.formula = KW_EC_DOUBLE;
        for (unsigned a = 0; a < small.n; a++)
            add_later(a, 0);
        flush_sums();
    }
    rig_close();
}
END_TEST

/* ---- check: good pairs ---- */

/* In order, at random, and few that come again and again; multipliers that are all the same, or not. */
START_TEST(check_good)
{
    if (!begin(_i))
        return;
    for (unsigned round = 0; round < (rig_is_slow() ? 6 : 120); round++) {
        unsigned few = 1 + below(round % 3 == 2 ? 3 : small.n - 1);
        rig.num = round < 3 ? small.n - 1 : 1 + below(rig.num_max);
        draw_multipliers();
        for (unsigned i = 0; i < rig.num; i++) {
            unsigned d = round < 3
                             ? i + 1
                             : 1 + (round % 3 == 2 ? below(KW_MIN(few, small.n - 1)) : below(small.n - 1));
            set_pair(i, d, d);
            if (round % 2 == 1)
                memcpy(multiplier_at(i), multiplier_at(0), KW_EC_MULTIPLIER);
        }
        must(check(), "a good batch");
    }
    rig_close();
}
END_TEST

/* ---- check: wrong pairs ---- */

/* Good pairs with one wrong pair among them, and its multiplier. False positives: see zero_for(). */
static bool check_wrong(unsigned num, unsigned at, unsigned d, unsigned e, const uint8_t *multiplier)
{
    rig.num = num;
    draw_multipliers();
    for (unsigned i = 0; i < num; i++) {
        unsigned good = 1 + below(small.n - 1);
        set_pair(i, good, good);
    }
    set_pair(at, d, e);
    memcpy(multiplier_at(at), multiplier, KW_EC_MULTIPLIER);
    return check();
}

static bool check_any_wrong(const uint8_t *multiplier)
{
    unsigned d = 1 + below(small.n - 1), e = 1 + (d - 1 + 1 + below(small.n - 2)) % (small.n - 1);
    unsigned num = 1 + below(2 * rig.kernel->lanes);

    return check_wrong(num, below(num), d, e, multiplier);
}

/* Whether a multiplier is 0 modulo n: then, and only then, every wrong pair passes with it, wherever it
 * stands. */
static bool is_zero(const uint8_t *multiplier)
{
    bool first = check_any_wrong(multiplier);

    for (unsigned i = 0; i < (rig_is_slow() ? 2 : 10); i++)
        must(check_any_wrong(multiplier) == first, "a wrong pair passes where another does not");
    return first;
}

/* Of n multipliers in a row exactly one is 0. */
START_TEST(check_one_wrong)
{
    uint8_t multiplier[KW_EC_MULTIPLIER];

    if (!begin(_i))
        return;
    if (small.n > SMALL_FOR_SLOW) { /* a check of each multiplier of many */
        rig_close();
        return;
    }
    for (unsigned round = 0; round < (rig_is_slow() ? 1 : 3); round++) {
        unsigned zeros = 0, first = below(256 - small.n);
        ck_assert_int_eq(RAND_bytes(multiplier, sizeof(multiplier)), 1);
        for (unsigned i = 0; i < small.n; i++) {
            multiplier[0] = (uint8_t)(first + i);
            zeros += is_zero(multiplier);
        }
        must(zeros == 1, "not one in n multipliers is 0");
    }
    rig_close();
}
END_TEST

/* One wrong pair for each of all differences, with one multiplier. */
START_TEST(check_every_wrong)
{
    uint8_t multiplier[KW_EC_MULTIPLIER];

    if (!begin(_i))
        return;
    do
        ck_assert_int_eq(RAND_bytes(multiplier, sizeof(multiplier)), 1);
    while (is_zero(multiplier));
    for (unsigned d = 1; d < small.n; d++) {
        for (unsigned e = 1; e < small.n; e++) {
            unsigned few = rig_is_slow() ? 2 : 4; /* of larger groups */
            if (small.n > 13 && d != e && below(small.n) >= few)
                continue;
            must(check_wrong(1, 0, d, e, multiplier) == (d == e),
                "a wrong pair passes, or a good one does not");
        }
    }
    rig_close();
}
END_TEST

/* How many of all points pass for two secrets: those that the multipliers make cancel, and no others. */
static unsigned count_passes(unsigned at, const unsigned *d)
{
    unsigned passes = 0;

    for (unsigned e = 1; e < small.n; e++) {
        for (unsigned f = 1; f < small.n; f++) {
            set_pair(at, d[0], e);
            set_pair(at + 1, d[1], f);
            bool pass = check();
            must(pass || e != d[0] || f != d[1], "two good pairs");
            must(!pass || (e == d[0]) == (f == d[1]), "one wrong pair");
            passes += pass;
        }
    }
    return passes;
}

START_TEST(check_two_wrong)
{
    uint8_t multipliers[2][KW_EC_MULTIPLIER];

    if (!begin(_i))
        return;
    for (unsigned round = 0; small.n <= 13 && round < (rig_is_slow() ? 1 : 10); round++) {
        do
            ck_assert_int_eq(RAND_bytes(multipliers[0], sizeof(multipliers)), 1);
        while (is_zero(multipliers[0]) || is_zero(multipliers[1]));
        unsigned d[2] = {1 + below(small.n - 1), 1 + below(small.n - 1)};
        unsigned num = rig.kernel->lanes + 1, at = below(num - 1);
        (void)check_wrong(num, at, d[0], d[0], multipliers[0]);
        memcpy(multiplier_at(at + 1), multipliers[1], KW_EC_MULTIPLIER);
        /* The two errors are on a line through 0: for each of one of them there is one other. Points that
         * would be the neutral element are missing. */
        unsigned passes = count_passes(at, d);
        must(passes == small.n - 1 || passes == small.n - 2, "errors that cancel");
    }
    rig_close();
}
END_TEST

static void add_tests(TCase *tcase)
{
    int all = num_ec_kernels * NUM_SMALL_GROUPS;

    tcase_add_loop_test(tcase, derive_all, 0, all);
    tcase_add_loop_test(tcase, derive_long_secrets, 0, all);
    tcase_add_loop_test(tcase, add_every_two, 0, all);
    tcase_add_loop_test(tcase, check_good, 0, all);
    tcase_add_loop_test(tcase, check_one_wrong, 0, all);
    tcase_add_loop_test(tcase, check_every_wrong, 0, all);
    tcase_add_loop_test(tcase, check_two_wrong, 0, all);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    rig_collect();
    return kw_suite_run("ec/kernel_small", add_tests, 300);
}
