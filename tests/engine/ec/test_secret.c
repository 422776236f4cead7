#include "engine/ec/secret.h"

#include "engine/crypto.h"
#include "tests/support/numbers.h"
#include "tests/support/recorded_rng.h"
#include "tests/support/suite.h"

enum { WEIERSTRASS = 4 };

static const struct kw_curve *curve_at(int index)
{
    return kw_curve_of((enum kw_spec)(KW_SPEC_ECC_NIST_P256 + index));
}

/* The bytes of n + more. */
static void near_order(const struct kw_curve *curve, int more, uint8_t *ret)
{
    uint64_t words[KW_CURVE_WORDS_MAX];

    if (more < 0)
        (void)kw_words_sub_word(words, curve->n, curve->num, (uint64_t)-more);
    else
        (void)kw_words_add_word(words, curve->n, curve->num, (uint64_t)more);
    kw_words_to_bytes(ret, curve->secret_len, words, curve->num);
}

/* ---- one number ---- */

static void check_accepted(const struct kw_curve *curve, const uint8_t *c, const uint8_t *d)
{
    uint8_t secret[KW_CURVE_SECRET_MAX];

    memcpy(secret, c, curve->secret_len);
    ck_assert_uint_eq(kw_secret_accept(curve, secret), UINT64_MAX);
    ck_assert_mem_eq(secret, d, curve->secret_len);
}

static void check_rejected(const struct kw_curve *curve, const uint8_t *c)
{
    uint8_t secret[KW_CURVE_SECRET_MAX];

    memcpy(secret, c, curve->secret_len);
    ck_assert_uint_eq(kw_secret_accept(curve, secret), 0);
}

START_TEST(numbers_on_both_sides_of_the_limit)
{
    const struct kw_curve *curve = curve_at(_i);
    uint8_t c[KW_CURVE_SECRET_MAX], d[KW_CURVE_SECRET_MAX] = {0};

    memset(c, 0, sizeof(c));
    d[curve->secret_len - 1] = 1;
    check_accepted(curve, c, d);
    for (int more = -3; more <= 2; more++) {
        near_order(curve, more, c);
        near_order(curve, more + 1, d);
        if (more <= -2)
            check_accepted(curve, c, d);
        else
            check_rejected(curve, c);
    }
    memset(c, 0xff, sizeof(c));
    check_rejected(curve, c);
    /* A carry through all words but the top one. */
    c[0] = 0;
    memset(d, 0, sizeof(d));
    d[0] = 1;
    check_accepted(curve, c, d);
}
END_TEST

START_TEST(bits_above_the_order_are_ignored)
{
    const struct kw_curve *curve = kw_curve_of(KW_SPEC_ECC_NIST_P521);
    uint8_t c[KW_CURVE_SECRET_MAX], d[KW_CURVE_SECRET_MAX];

    for (unsigned above = 0; above < 0x100; above += 2) {
        near_order(curve, -2, c);
        near_order(curve, -1, d);
        c[0] = (uint8_t)(c[0] | above);
        check_accepted(curve, c, d);
        memset(c, 0, sizeof(c));
        memset(d, 0, sizeof(d));
        c[0] = (uint8_t)above;
        d[curve->secret_len - 1] = 1;
        check_accepted(curve, c, d);
        near_order(curve, -1, c);
        c[0] = (uint8_t)(c[0] | above);
        check_rejected(curve, c);
    }
}
END_TEST

START_TEST(random_numbers_as_the_judge_says)
{
    const struct kw_curve *curve = curve_at(_i);
    BIGNUM *limit = kw_numbers_bn_new(curve->n, curve->num), *c = BN_new();
    uint64_t words[KW_CURVE_WORDS_MAX];
    uint8_t bytes[KW_CURVE_SECRET_MAX], expected[KW_CURVE_SECRET_MAX];

    BN_sub_word(limit, 2);
    for (int i = 0; i < 2000; i++) {
        kw_numbers_any(words, curve->num);
        BN_lebin2bn((const uint8_t *)words, (int)(8 * curve->num), c);
        BN_mask_bits(c, (int)(8 * curve->secret_len));
        ck_assert_int_gt(BN_bn2binpad(c, bytes, (int)curve->secret_len), 0);
        BN_mask_bits(c, (int)curve->order_bits);
        bool accepted = BN_cmp(c, limit) <= 0;
        ck_assert_uint_eq(kw_secret_accept(curve, bytes), accepted ? UINT64_MAX : 0);
        BN_add_word(c, 1);
        if (accepted) {
            ck_assert_int_gt(BN_bn2binpad(c, expected, (int)curve->secret_len), 0);
            ck_assert_mem_eq(bytes, expected, curve->secret_len);
        }
    }
    BN_free(limit);
    BN_free(c);
}
END_TEST

/* ---- draws ---- */

enum { NUM = 5, TAPE = 12 };

/* What goes on the tape, a number each, and what is to come of it. */
struct take {
    int more; /* c = n + more */
    bool accepted;
    unsigned of; /* the secret that it is, if accepted */
};

static const struct take takes[TAPE] = {
    /* The draw as a whole. */
    {-1, false, 0},
    {-3, true, 1},
    {1, false, 0},
    {-4, true, 3},
    {0, false, 0},
    /* In the place of the first. */
    {-1, false, 0},
    {2, false, 0},
    {-2, true, 0},
    /* In the place of the third. */
    {-5, true, 2},
    /* In the place of the fifth. */
    {-1, false, 0},
    {-7, true, 4},
    /* Is not drawn any more. */
    {-90, true, 99},
};

static void record(const struct kw_curve *curve, uint8_t *tape)
{
    for (size_t i = 0; i < TAPE; i++)
        near_order(curve, takes[i].more, tape + i * curve->secret_len);
}

START_TEST(others_are_drawn_for_those_rejected)
{
    const struct kw_curve *curve = curve_at(_i);
    uint8_t tape[TAPE * KW_CURVE_SECRET_MAX], secrets[NUM * KW_CURVE_SECRET_MAX + 1];
    uint8_t expected[KW_CURVE_SECRET_MAX];
    struct kw_rng rng = {.tape = tape, .tape_len = TAPE * curve->secret_len};

    record(curve, tape);
    secrets[NUM * curve->secret_len] = 0xa5;
    ck_assert_int_eq(kw_secret_draw(&rng, curve, NUM, secrets), 0);
    ck_assert_uint_eq(rng.at, (TAPE - 1) * curve->secret_len);
    ck_assert_uint_eq(rng.calls, 1 + TAPE - 1 - NUM);
    ck_assert_uint_eq(secrets[NUM * curve->secret_len], 0xa5);
    for (size_t i = 0; i + 1 < TAPE; i++) {
        if (!takes[i].accepted)
            continue;
        near_order(curve, takes[i].more + 1, expected);
        ck_assert_mem_eq(secrets + takes[i].of * curve->secret_len, expected, curve->secret_len);
    }
}
END_TEST

START_TEST(seeds_are_as_drawn)
{
    const struct kw_curve *curve = kw_curve_of(KW_SPEC_ECC_NIST_EDWARDS25519);
    uint8_t tape[NUM * 32], secrets[NUM * 32];
    struct kw_rng rng = {.tape = tape, .tape_len = sizeof(tape)};

    ck_assert_int_eq(RAND_bytes(tape, sizeof(tape)), 1);
    memset(tape, 0xff, 32);
    memset(tape + 32, 0, 32);
    ck_assert_int_eq(kw_secret_draw(&rng, curve, NUM, secrets), 0);
    ck_assert_mem_eq(secrets, tape, sizeof(tape));
    ck_assert_uint_eq(rng.at, sizeof(tape));
    ck_assert_uint_eq(rng.calls, 1);
}
END_TEST

/* In range, and no two the same. */
START_TEST(many_draws)
{
    enum { MANY = 1024 };
    const struct kw_curve *curve = curve_at(_i);
    static uint8_t secrets[MANY * KW_CURVE_SECRET_MAX];
    struct kw_rng rng = {.seed = (uint64_t)_i};
    BIGNUM *n = kw_numbers_bn_new(curve->n, curve->num);
    size_t len = curve->secret_len, same = 0;

    ck_assert_int_eq(kw_secret_draw(&rng, curve, MANY, secrets), 0);
    for (size_t i = 0; i < MANY; i++) {
        BIGNUM *d = BN_bin2bn(secrets + i * len, (int)len, NULL);
        ck_assert(!BN_is_zero(d) && BN_cmp(d, n) < 0);
        BN_free(d);
        for (size_t j = 0; j < i; j++)
            same += memcmp(secrets + i * len, secrets + j * len, len) == 0;
    }
    ck_assert_uint_eq(same, 0);
    BN_free(n);
}
END_TEST

/* Of a draw that failed nothing is left, however far it had come. */
START_TEST(failures_are_forwarded)
{
    const struct kw_curve *curve = curve_at(_i);
    uint8_t tape[TAPE * KW_CURVE_SECRET_MAX], secrets[NUM * KW_CURVE_SECRET_MAX];

    record(curve, tape);
    for (unsigned call = 1; call <= TAPE - NUM; call++) {
        struct kw_rng rng = {.tape = tape,
            .tape_len = TAPE * curve->secret_len,
            .fail_at = call,
            .fail_as = call % 2 ? KW_EOPENSSL : -EPERM};
        memset(secrets, 0xa5, sizeof(secrets));
        ck_assert_int_eq(kw_secret_draw(&rng, curve, NUM, secrets), rng.fail_as);
        for (size_t i = 0; i < NUM * curve->secret_len; i++)
            ck_assert_uint_eq(secrets[i], 0);
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, numbers_on_both_sides_of_the_limit, 0, WEIERSTRASS);
    tcase_add_test(tcase, bits_above_the_order_are_ignored);
    tcase_add_loop_test(tcase, random_numbers_as_the_judge_says, 0, WEIERSTRASS);
    tcase_add_loop_test(tcase, others_are_drawn_for_those_rejected, 0, WEIERSTRASS);
    tcase_add_test(tcase, seeds_are_as_drawn);
    tcase_add_loop_test(tcase, many_draws, 0, WEIERSTRASS);
    tcase_add_loop_test(tcase, failures_are_forwarded, 0, WEIERSTRASS);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("secret", add, 100);
}
