/* Batches whose pairs are all good: on every kernel. Those with bad pairs: test_batch_failures.c. */
#include "engine/ec/batch.h"

#include "tests/support/ec_rig.h"
#include "tests/support/suite.h"

/* ---- pairs ---- */

START_TEST(pairs_are_good_and_distinct)
{
    static struct place places[2 * RIG_PAIRS];

    rig_up(ec_rig_kernel(_i), 1);
    for (unsigned i = 0; i < KW_ARRAY_LEN(places); i++) {
        if (i % RIG_PAIRS == 0) {
            ck_assert_int_eq(kw_ec_batch_take(rig.batch, place_init(&places[i])), KW_EC_BATCH_EMPTY);
            rig_make();
            rig_test();
        }
        ck_assert_int_eq(kw_ec_batch_take(rig.batch, place_init(&places[i])), 0);
        rig_check_taken(&places[i], i % RIG_PAIRS);
        check_pair(rig.curve->spec, &places[i]);
        for (unsigned j = 0; j < i; j++) {
            ck_assert_mem_ne(places[i].public_der, places[j].public_der, places[i].slot.public_len);
            ck_assert_mem_ne(places[i].private_der, places[j].private_der, places[i].slot.private_len);
        }
    }
    ck_assert_uint_eq(watched.derives, 2);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    rig_down();
}
END_TEST

/* Every kernel makes of the same random bytes what the slow one makes of them. */
START_TEST(same_random_bytes_same_pairs)
{
    const struct kw_ec_kernel *kernel = ec_rig_kernel(_i);
    static uint8_t secrets[2][sizeof(rig.secrets)], points[2][sizeof(rig.points)];
    int slow = 0;

    while (ec_rig_kernel(slow)->spec != kernel->spec)
        slow++;
    for (uint64_t seed = 2; seed < 4; seed++) {
        for (int i = 0; i < 2; i++) {
            rig_up(i == 0 ? ec_rig_kernel(slow) : kernel, seed);
            for (int batch = 0; batch < 2; batch++) {
                rig_make();
                rig_test();
                rig_take_all(0);
            }
            memcpy(secrets[i], rig.secrets, sizeof(rig.secrets));
            memcpy(points[i], rig.points, sizeof(rig.points));
            rig_down();
        }
        ck_assert_mem_eq(secrets[0], secrets[1], sizeof(secrets[0]));
        ck_assert_mem_eq(points[0], points[1], sizeof(points[0]));
    }
}
END_TEST

/* One at a time, and as many as a kernel likes. */
START_TEST(batches_of_other_sizes)
{
    const struct kw_ec_kernel *kernel = ec_rig_kernel(_i);
    const unsigned nums[] = {1, kernel->lanes, kernel->batch};
    struct kw_rng rng = {.seed = 5};
    struct place place;

    ck_assert_uint_ge(kernel->batch, 1);
    ck_assert_uint_le(kernel->batch, KW_EC_BATCH_MAX);
    for (size_t i = 0; i < KW_ARRAY_LEN(nums); i++) {
        struct kw_ec_batch *batch = NULL;
        const struct kw_curve *curve = kw_curve_of(kernel->spec);
        bool ready = false;
        ck_assert_int_eq(kw_ec_batch_new(&batch, kernel, curve, nums[i], &rng), 0);
        while (!ready)
            ck_assert_int_eq(kw_ec_batch_step(batch, &ready), 0);
        for (unsigned j = 0; j < nums[i]; j++) {
            ck_assert_int_eq(kw_ec_batch_take(batch, place_init(&place)), 0);
            if (j % 16 == 0)
                check_pair(curve->spec, &place);
        }
        ck_assert_int_eq(kw_ec_batch_take(batch, &place.slot), KW_EC_BATCH_EMPTY);
        kw_ec_batch_free(batch);
    }
}
END_TEST

/* ---- steps ---- */

START_TEST(steps_go_round)
{
    struct place place, untouched;
    bool ready = true;

    rig_up(slow_ec_kernel(0), 6);
    place_init(&place);
    memcpy(&untouched, &place, sizeof(place));
    for (unsigned round = 1; round <= 3; round++) {
        ck_assert_int_eq(kw_ec_batch_take(rig.batch, &place.slot), KW_EC_BATCH_EMPTY);
        rig_make();
        /* Made, not tested: nothing is handed out. */
        ck_assert_int_eq(kw_ec_batch_take(rig.batch, &place.slot), KW_EC_BATCH_EMPTY);
        ck_assert_mem_eq(&place, &untouched, sizeof(place));
        ck_assert_uint_eq(watched.derives, round);
        ck_assert_uint_eq(watched.checks, 0);
        ck_assert_int_eq(kw_ec_batch_step(rig.batch, &ready), 0);
        ck_assert(ready);
        ck_assert_uint_eq(watched.checks, 1);
        ck_assert_uint_eq(watched.ranges[0].num, RIG_PAIRS);
        /* When pairs can be taken, a step does nothing. */
        ready = false;
        ck_assert_int_eq(kw_ec_batch_step(rig.batch, &ready), 0);
        ck_assert(ready);
        ck_assert_uint_eq(watched.derives, round);
        ck_assert_uint_eq(watched.checks, 1);
        rig_take_all(0);
    }
    rig_down();
}
END_TEST

/* Multipliers are the random bytes that come after the pairs were made. */
START_TEST(multipliers_are_drawn_after_the_points)
{
    uint8_t expected[RIG_PAIRS * KW_EC_MULTIPLIER];

    rig_up(slow_ec_kernel(0), 7);
    for (int batch = 0; batch < 2; batch++) {
        rig_make();
        size_t at = rig.rng.at;
        for (size_t i = 0; i < sizeof(expected); i++)
            expected[i] = recorded_byte(rig.rng.seed, at + i);
        rig_test();
        ck_assert_uint_eq(rig.rng.at, at + sizeof(expected));
        ck_assert_mem_eq(watched.multipliers, expected, sizeof(expected));
        rig_take_all(0);
    }
    rig_down();
}
END_TEST

START_TEST(the_test_can_be_left_out)
{
    rig_up(slow_ec_kernel(0), 8);
    kw_ec_batch_skip_test(rig.batch);
    for (unsigned round = 1; round <= 2; round++) {
        rig_make();
        size_t at = rig.rng.at;
        rig_test();
        ck_assert_uint_eq(rig.rng.at, at);
        ck_assert_uint_eq(watched.checks, 0);
        rig_take_all(0);
    }
    rig_down();
}
END_TEST

/* ---- what stays ---- */

/* Before a pair can leave, the kernel has forgotten all of them; what leaves, the batch forgets. */
START_TEST(what_was_taken_is_gone)
{
    struct place place;

    rig_up(ec_rig_kernel(_i), 9);
    rig_make();
    ck_assert_uint_eq(watched.wipes, 0);
    rig_test();
    ck_assert_uint_eq(watched.wipes, 1);
    for (unsigned i = 0; i < RIG_PAIRS; i++) {
        struct kw_ec_pairs pairs;
        kw_ec_batch_pairs(rig.batch, &pairs);
        ck_assert_uint_eq(pairs.next, i);
        ck_assert_ptr_eq(pairs.secrets, rig.pairs.secrets);
        ck_assert_ptr_eq(pairs.points, rig.pairs.points);
        ck_assert(!all_bytes(rig_secret(i), rig.curve->secret_len, 0));
        ck_assert_int_eq(kw_ec_batch_take(rig.batch, place_init(&place)), 0);
        ck_assert(all_bytes(rig.pairs.secrets, (i + 1) * (size_t)rig.curve->secret_len, 0));
        ck_assert(all_bytes(rig.pairs.points, (i + 1) * (size_t)rig.curve->point_len, 0));
    }
    rig_down();
}
END_TEST

/* The memory of a batch is secret memory, which is wiped when it is freed (test_secmem.c). */
START_TEST(free_takes_what_is_left)
{
    struct place place;

    kw_ec_batch_free(NULL);
    for (int stage = 0; stage < 4; stage++) {
        rig_up(slow_ec_kernel(0), 10);
        if (stage > 0)
            rig_make();
        if (stage > 1)
            rig_test();
        if (stage > 2)
            ck_assert_int_eq(kw_ec_batch_take(rig.batch, place_init(&place)), 0);
        rig_down();
        ck_assert_uint_eq(watched.closes, 1);
    }
}
END_TEST

/* ---- failures ---- */

START_TEST(a_kernel_that_does_not_open)
{
    static const int results[] = {-ENOMEM, KW_EOPENSSL};
    struct kw_ec_batch *batch = NULL;
    struct kw_rng rng = {0};

    for (size_t i = 0; i < KW_ARRAY_LEN(results); i++) {
        const struct kw_ec_kernel *kernel = watch(slow_ec_kernel(0));
        watched.fail_open = results[i];
        ck_assert_int_eq(kw_ec_batch_new(&batch, kernel, kw_curve_of(kernel->spec), 4, &rng), results[i]);
        ck_assert_ptr_null(batch);
    }
}
END_TEST

/* Steps until one fails. Afterwards nothing is left of the pairs, and the next ones are as good as any. */
static void check_failure(int result)
{
    bool ready = false;
    int r = 0;

    for (int i = 0; i < 10 && r == 0 && !ready; i++)
        r = kw_ec_batch_step(rig.batch, &ready);
    ck_assert_int_eq(r, result);
    ck_assert(!ready);
    ck_assert(all_bytes(rig.pairs.secrets, RIG_PAIRS * (size_t)rig.curve->secret_len, 0));
    ck_assert(all_bytes(rig.pairs.points, RIG_PAIRS * (size_t)rig.curve->point_len, 0));
    ck_assert_uint_eq(watched.wipes, 1);
    watched.script = NULL;
    watched.fail_check = 0;
    rig_make();
    rig_test();
    rig_take_all(0);
    rig_down();
}

START_TEST(a_kernel_that_fails)
{
    for (unsigned call = 0; call <= 3; call++) {
        rig_up(slow_ec_kernel(0), 11);
        watched.fail_as = call % 2 ? KW_EOPENSSL : -ENOMEM;
        watched.fail_derive = call == 0;
        watched.fail_check = call; /* the second and the third are of halves */
        watched.script = "ff";
        check_failure(watched.fail_as);
    }
}
END_TEST

START_TEST(a_random_source_that_fails)
{
    for (unsigned call = 1; call <= 2; call++) { /* of secrets, of multipliers */
        rig_up(slow_ec_kernel(0), 12);
        rig.rng.fail_at = call;
        rig.rng.fail_as = call == 1 ? KW_EOPENSSL : -EPERM;
        check_failure(rig.rng.fail_as);
    }
}
END_TEST

static void add(TCase *tcase)
{
    int kernels = ec_rig_kernels();

    tcase_add_loop_test(tcase, pairs_are_good_and_distinct, 0, kernels);
    tcase_add_loop_test(tcase, same_random_bytes_same_pairs, 0, kernels);
    tcase_add_loop_test(tcase, batches_of_other_sizes, 0, kernels);
    tcase_add_test(tcase, steps_go_round);
    tcase_add_test(tcase, multipliers_are_drawn_after_the_points);
    tcase_add_test(tcase, the_test_can_be_left_out);
    tcase_add_loop_test(tcase, what_was_taken_is_gone, 0, kernels);
    tcase_add_test(tcase, free_takes_what_is_left);
    tcase_add_test(tcase, a_kernel_that_does_not_open);
    tcase_add_test(tcase, a_kernel_that_fails);
    tcase_add_test(tcase, a_random_source_that_fails);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("batch", add, 100);
}
