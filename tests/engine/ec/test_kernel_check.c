/* The test of pairs of every kernel there is: good pairs pass, in batches of every size and with any
 * multipliers; one that is not good among good ones is found.
 * Points of small order: test_kernel_edwards.c. */
#include "tests/support/ec_kernel_rig.h"
#include "tests/support/edwards.h"

static void begin(int index)
{
    rig_begin(index);
    if (rig_is_edwards() && edwards.p == NULL)
        edwards_up();
}

/* ---- good pairs ---- */

START_TEST(good_pairs_of_every_number)
{
    unsigned most = 2 * ec_kernels[_i]->lanes + 1;

    begin(_i);
    for (unsigned round = 0; round < (rig_is_slow() ? 2 : 20); round++) {
        for (unsigned num = 1; num <= most; num++) {
            fill(num);
            must(check(), "a good batch");
        }
        fill(rig.num_max);
        must(check(), "a good full batch");
    }
    rig_close();
}
END_TEST

/* Multipliers that stand out, as they are in memory. */
static const uint8_t extremes[][KW_EC_MULTIPLIER] = {
    {0},
    {1},
    {2},
    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
    {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
    {0, 0, 0, 0, 0, 0, 0, 0x80},
    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {1, 0, 0, 0, 0, 0, 0, 0x80},
    {0x80},
    {0, 0, 0, 0, 1},
    {0xff, 0xff, 0xff, 0xff},
    {0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55},
    {0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa},
    {0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88},
    {0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe},
};

static void use_multiplier(unsigned i, size_t extreme)
{
    memcpy(multiplier_at(i), extremes[extreme], KW_EC_MULTIPLIER);
}

/* In all places, and mixed. */
START_TEST(good_pairs_extreme_multipliers)
{
    unsigned num = KW_MIN(2 * ec_kernels[_i]->lanes + 1, 40);

    begin(_i);
    for (size_t extreme = 0; extreme < KW_ARRAY_LEN(extremes); extreme++) {
        fill(1 + kw_numbers_below(num));
        for (unsigned i = 0; i < rig.num; i++)
            use_multiplier(i, extreme);
        must(check(), "the same multiplier everywhere");
        for (unsigned i = 0; i < rig.num; i++)
            use_multiplier(i, kw_numbers_below(KW_ARRAY_LEN(extremes)));
        must(check(), "extreme multipliers");
    }
    rig_close();
}
END_TEST

static void copy_pair(unsigned to, unsigned from)
{
    memcpy(secret_at(to), rig.pool->secrets[from], rig.curve->secret_len);
    memcpy(point_at(to), rig.pool->points[from], rig.curve->point_len);
}

/* The same pair over and over, with the same multiplier: sums that must double. And, where the pool has them
 * side by side, opposite pairs: sums that come to the neutral element on the way and at the end. */
START_TEST(good_pairs_equal_and_opposite)
{
    unsigned num = KW_MIN(2 * ec_kernels[_i]->lanes, 32);

    begin(_i);
    for (unsigned round = 0; round < (rig_is_slow() ? 2 : 30); round++) {
        unsigned from = 2 * kw_numbers_below(rig.pool->num / 2);
        fill(num);
        for (unsigned i = 0; i < num; i++) {
            copy_pair(i, from);
            memcpy(multiplier_at(i), multiplier_at(0), KW_EC_MULTIPLIER);
        }
        must(check(), "equal pairs");
        for (unsigned i = 0; i < num; i++)
            copy_pair(i, from + (round % 2 == 0 ? i % 2 : i < num / 2));
        must(check(), "opposite pairs");
    }
    rig_close();
}
END_TEST

START_TEST(check_changes_nothing)
{
    static struct rig before;

    begin(_i);
    fill(rig.num_max);
    before = rig;
    ck_assert(check());
    ck_assert_mem_eq(rig.secrets, before.secrets, sizeof(rig.secrets));
    ck_assert_mem_eq(rig.points, before.points, sizeof(rig.points));
    ck_assert_mem_eq(rig.multipliers, before.multipliers, sizeof(rig.multipliers));
    rig_close();
}
END_TEST

/* ---- ways to spoil a pair: false if nothing came of it ---- */

static void flip(uint8_t *bytes, unsigned len)
{
    bytes[kw_numbers_below(len)] ^= (uint8_t)(1 << kw_numbers_below(8));
}

static bool spoil_secret(unsigned at)
{
    flip(secret_at(at), rig.curve->secret_len);
    return true;
}

static bool spoil_point(unsigned at)
{
    flip(point_at(at), rig.curve->point_len);
    return true;
}

static bool spoil_both(unsigned at)
{
    return spoil_secret(at) && spoil_point(at);
}

static bool swap_points(unsigned at)
{
    uint8_t kept[POINT_MAX];
    unsigned other = kw_numbers_below(rig.num), len = rig.curve->point_len;

    if (memcmp(point_at(at), point_at(other), len) == 0)
        return false;
    memcpy(kept, point_at(at), len);
    memcpy(point_at(at), point_at(other), len);
    memcpy(point_at(other), kept, len);
    return true;
}

static bool swap_secrets(unsigned at)
{
    uint8_t kept[SECRET_MAX];
    unsigned other = kw_numbers_below(rig.num), len = rig.curve->secret_len;

    if (memcmp(secret_at(at), secret_at(other), len) == 0)
        return false;
    memcpy(kept, secret_at(at), len);
    memcpy(secret_at(at), secret_at(other), len);
    memcpy(secret_at(other), kept, len);
    return true;
}

/* ret = p - a or a + k or a + p, big-endian; false if it does not fit. */
static bool change_coordinate(uint8_t *bytes, const char *how)
{
    unsigned len = rig.curve->point_len / 2;
    BIGNUM *p = kw_numbers_bn_new(rig.curve->p, rig.curve->num), *a = BN_bin2bn(bytes, (int)len, NULL);
    bool fits;

    if (strcmp(how, "p - a") == 0)
        BN_sub(a, p, a);
    else if (strcmp(how, "a + p") == 0)
        BN_add(a, a, p);
    else
        BN_add_word(a, 1);
    fits = BN_num_bytes(a) <= (int)len;
    if (fits)
        bn_write(a, bytes, len);
    BN_free(a);
    BN_free(p);
    return fits;
}

static bool negate_point(unsigned at)
{
    if (rig_is_edwards()) {
        point_at(at)[31] ^= 0x80;
        return true;
    }
    return change_coordinate(point_at(at) + rig.curve->point_len / 2, "p - a");
}

static bool use_other_point(unsigned at)
{
    const uint8_t *other = rig.pool->points[kw_numbers_below(rig.pool->num)];

    if (memcmp(point_at(at), other, rig.curve->point_len) == 0)
        return false;
    memcpy(point_at(at), other, rig.curve->point_len);
    return true;
}

/* Q + G, what an off-by-one of the scalar gives; the neutral element for n - 1. */
static bool add_base(unsigned at)
{
    const EC_GROUP *group = rig_group(rig.curve->spec);
    bool changed;

    if (rig_is_edwards()) {
        edwards_add_to(point_at(at), &edwards.base);
        return true;
    }
    EC_POINT *point = rig_read_point(group, point_at(at), rig.curve->point_len);
    EC_POINT_add(group, point, point, EC_GROUP_get0_generator(group), rig_ctx());
    changed = !EC_POINT_is_at_infinity(group, point);
    if (changed)
        rig_write_point(group, point, point_at(at), rig.curve->point_len);
    EC_POINT_free(point);
    return changed;
}

/* A point of no curve, or of Ed25519 likely another one. */
static bool leave_the_curve(unsigned at)
{
    if (rig_is_edwards())
        return false;
    return change_coordinate(point_at(at) + (kw_numbers_below(2) == 0 ? 0 : rig.curve->point_len / 2), "+ 1");
}

static bool add_p(unsigned at)
{
    if (rig_is_edwards())
        return false;
    return change_coordinate(
        point_at(at) + (kw_numbers_below(2) == 0 ? 0 : rig.curve->point_len / 2), "a + p");
}

static bool write_zeros(unsigned at)
{
    memset(point_at(at), 0, rig.curve->point_len);
    return true;
}

static bool write_ones(unsigned at)
{
    memset(point_at(at), 0xff, rig.curve->point_len);
    return true;
}

static bool zero_one_coordinate(unsigned at)
{
    unsigned half = rig.curve->point_len / 2;

    memset(point_at(at) + (kw_numbers_below(2) == 0 ? 0 : half), 0, half);
    return true;
}

static bool zero_secret(unsigned at)
{
    static const uint8_t zeros[SECRET_MAX];

    if (memcmp(secret_at(at), zeros, rig.curve->secret_len) == 0)
        return false; /* one of the seeds is that */
    memset(secret_at(at), 0, rig.curve->secret_len);
    return true;
}

static const struct {
    const char *name;
    bool (*spoil)(unsigned at);
} spoils[] = {
    {"a bit of the secret", spoil_secret},
    {"a bit of the point", spoil_point},
    {"a bit of both", spoil_both},
    {"two points swapped", swap_points},
    {"two secrets swapped", swap_secrets},
    {"-Q", negate_point},
    {"another point", use_other_point},
    {"Q + G", add_base},
    {"off the curve", leave_the_curve},
    {"a coordinate not below p", add_p},
    {"zeros", write_zeros},
    {"ones", write_ones},
    {"a coordinate of 0", zero_one_coordinate},
    {"a secret of 0", zero_secret},
};

/* Spoils one pair of a good batch, which must then fail. */
static void expect_failure(size_t spoil, unsigned num, unsigned at)
{
    fill(num);
    if (spoils[spoil].spoil(at) && check())
        ck_abort_msg("%s: %s passed, %u of %u", rig.kernel->name, spoils[spoil].name, at, num);
}

START_TEST(one_bad_pair)
{
    int spoil = _i % (int)KW_ARRAY_LEN(spoils);

    begin(_i / (int)KW_ARRAY_LEN(spoils));
    unsigned lanes = rig.kernel->lanes, sizes[] = {1, 2, lanes, lanes + 1, 2 * lanes + 1, rig.num_max};
    for (size_t i = 0; i < KW_ARRAY_LEN(sizes); i++) {
        for (unsigned round = 0; round < (rig_is_slow() ? 1 : 8); round++)
            expect_failure((size_t)spoil, sizes[i], kw_numbers_below(sizes[i]));
    }
    for (unsigned at = 0; at < (rig_is_slow() ? 0 : rig.num_max); at++) /* every place */
        expect_failure((size_t)spoil, rig.num_max, at);
    rig_close();
}
END_TEST

/* A bit of every byte of secret and point. */
START_TEST(every_byte_counts)
{
    begin(_i);
    unsigned step = rig_is_slow() ? 9 : 1, len = rig.curve->secret_len + rig.curve->point_len;
    for (unsigned byte = kw_numbers_below(step); byte < len; byte += step) {
        fill(rig.kernel->lanes + 1);
        unsigned at = kw_numbers_below(rig.num);
        uint8_t *place =
            byte < rig.curve->secret_len ? secret_at(at) + byte : point_at(at) + byte - rig.curve->secret_len;
        *place ^= (uint8_t)(1 << kw_numbers_below(8));
        if (check())
            ck_abort_msg("%s: byte %u of secret and point", rig.kernel->name, byte);
    }
    rig_close();
}
END_TEST

/* Different multipliers are different numbers: at most one of them is 0 to a pair that is wrong. */
START_TEST(bad_pair_extreme_multipliers)
{
    begin(_i);
    for (unsigned num = 1; num <= rig.kernel->lanes + 1; num += rig.kernel->lanes) {
        unsigned passed = 0, at = kw_numbers_below(num);
        fill(num);
        while (!use_other_point(at))
            ;
        for (size_t extreme = 0; extreme < KW_ARRAY_LEN(extremes); extreme++) {
            use_multiplier(at, extreme);
            passed += check();
        }
        must(passed <= 1, "several multipliers that are 0");
    }
    rig_close();
}
END_TEST

/* Errors that would cancel if all multipliers were the same: e G in one pair and -e G in another. */
START_TEST(two_errors_that_cancel)
{
    begin(_i);
    for (unsigned round = 0; round < (rig_is_slow() ? 3 : 60); round++) {
        fill(rig.kernel->lanes + 1);
        unsigned at = kw_numbers_below(rig.num - 1);
        while (!swap_points(at))
            fill(rig.num);
        must(!check(), "two errors");
        if (!rig_is_edwards()) {
            fill(rig.num);
            for (unsigned i = at; i < at + 2; i++)
                rig.secrets[(i + 1) * rig.curve->secret_len - 1] ^= 1; /* d + 1 or d - 1 */
            must(!check(), "two secrets");
        }
    }
    rig_close();
}
END_TEST

/* ---- coordinates that are not below p ---- */

/* Points of the curves, of their prime order, with a coordinate so small that it fits with p added to it. The
 * other one: its square root or cubic root that is even, or the smallest. */
static const struct {
    enum kw_spec spec;
    bool small_x;
    const char *small, *other;
} small_coordinates[] = {
    {KW_SPEC_ECC_NIST_P256, true, "0", "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4"},
    {KW_SPEC_ECC_NIST_P256, false, "1", "9e78d4ef60d05f750f6636209092bc43cbdd6b47e11a9de20a9feb2a50bb96c"},
    {KW_SPEC_ECC_NIST_P384, true, "0",
        "3cf99ef04f51a5ea630ba3f9f960dd593a14c9be39fd2bd215d3b4b08aaaf86bbf927f2c46e52ab06fb742b8850e521e"},
    {KW_SPEC_ECC_NIST_P384, false, "1",
        "2261b2bf605c22f2f3aef6338719b2c486388ad5240719a5257315969ef01ba27f0a104c89704773a81fdabee6ab5c78"},
    {KW_SPEC_ECC_NIST_P521, true, "0",
        "12df13601594a883ef2d935e44bb90bf4d6619b74e52af7552f97769011c0719eb439cfab2a88d40fe59a2bed1f43557169a"
        "2d0a2ccd280c607b92bbf51ffe0b078"},
    {KW_SPEC_ECC_NIST_P521, false, "1",
        "d9cb7a32dab342f863edb340f3ea61ddf833e755ce66bb1a918a42714ba05bcdf4ff10994f616a9d80cd0b48b326e3a8a2a8"
        "f5634d824875b6e71fb7cddd7b5018"},
    {KW_SPEC_ECC_SECG_P256K1, true, "1", "4218f20ae6c646b363db68605822fb14264ca8d2587fdd6fbc750d587e76a7ee"},
    {KW_SPEC_ECC_SECG_P256K1, false, "1", "146d3b65add9f54ccca28533c88e2cbc63f7443e1658783ab41f8ef97c2a10b5"},
};

static void set_words(uint64_t *ret, unsigned num, const char *hex)
{
    BIGNUM *number = NULL;

    ck_assert_int_gt(BN_hex2bn(&number, hex), 0);
    kw_numbers_words(ret, num, number);
    BN_free(number);
}

/* With such a point as G, whose secret is 1: nothing but the encoding is wrong. */
static void not_below_p(size_t index)
{
    bool small_x = small_coordinates[index].small_x;
    struct kw_curve curve = *rig.curve;
    unsigned num = rig.kernel->lanes + 1, at = kw_numbers_below(num);

    set_words(small_x ? curve.gx : curve.gy, curve.num, small_coordinates[index].small);
    set_words(small_x ? curve.gy : curve.gx, curve.num, small_coordinates[index].other);
    rig_close();
    if (rig_open(rig.kernel, &curve, num) == KW_EC_KERNEL_OTHER_CURVE) {
        rig_open(rig.kernel, kw_curve_of(curve.spec), num);
        return;
    }
    fill(num);
    memset(secret_at(at), 0, curve.secret_len);
    secret_at(at)[curve.secret_len - 1] = 1;
    must(rig.kernel->derive(rig.state, num, rig.secrets, rig.points) == 0, "derive");
    must(check(), "a small coordinate");
    must(change_coordinate(point_at(at) + (small_x ? 0 : curve.point_len / 2), "a + p"), "no room");
    must(!check(), "a coordinate that is not below p");
    rig_close();
    rig_open(rig.kernel, kw_curve_of(curve.spec), num);
}

START_TEST(coordinates_not_below_p)
{
    begin(_i);
    for (size_t i = 0; i < KW_ARRAY_LEN(small_coordinates); i++)
        if (small_coordinates[i].spec == rig.curve->spec)
            not_below_p(i);
    rig_close();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, good_pairs_of_every_number, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, good_pairs_extreme_multipliers, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, good_pairs_equal_and_opposite, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, check_changes_nothing, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, one_bad_pair, 0, num_ec_kernels * (int)KW_ARRAY_LEN(spoils));
    tcase_add_loop_test(tcase, every_byte_counts, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, bad_pair_extreme_multipliers, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, two_errors_that_cancel, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, coordinates_not_below_p, 0, num_ec_kernels);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    rig_collect();
    return kw_suite_run("ec/kernel_check", add_tests, 300);
}
