/* ec_rig - a batch of pairs on a kernel that is watched, answers what a test wants, and is otherwise a real
 * one; and every kernel that this machine can run.
 *
 * Included once by each program that needs it.
 */
#ifndef KW_TESTS_SUPPORT_EC_RIG_H
#define KW_TESTS_SUPPORT_EC_RIG_H

#include "engine/ec/batch.h"
#include "engine/ec/encoding.h"
#include "tests/support/pairs.h"
#include "tests/support/recorded_rng.h"
#include "tests/support/slow_ec_kernel.h"

/* The slow ones, one for each curve, then the real ones; NULL after the last. */
static inline const struct kw_ec_kernel *ec_rig_kernel(int index)
{
    const struct kw_ec_kernel *kernel;

    if (index < SLOW_EC_KERNELS)
        return slow_ec_kernel((unsigned)index);
    index -= SLOW_EC_KERNELS;
    for (size_t i = 0; (kernel = kw_ec_kernel_at(i)) != NULL; i++)
        if (kernel->path <= kw_cpu_detect() && index-- == 0)
            break;
    return kernel;
}

static inline int ec_rig_kernels(void)
{
    int num = 0;

    while (ec_rig_kernel(num) != NULL)
        num++;
    return num;
}

/* ---- a kernel that is watched ---- */

enum { WATCHED_CHECKS = 64 };

static struct {
    struct kw_ec_kernel kernel;
    const struct kw_ec_kernel *real;
    unsigned opens, derives, checks, wipes, closes;
    const char *script;   /* what check says: p passes, f fails, anything else and after the end: the truth */
    unsigned fail_derive; /* the call that fails, from 1; 0: none */
    unsigned fail_check;
    int fail_open; /* if not 0, what open returns */
    int fail_as;
    struct {
        unsigned first, num;
    } ranges[WATCHED_CHECKS]; /* that were checked */
    const uint8_t *secrets;   /* of the last batch derived, and its points */
    const uint8_t *points;
    const uint8_t *multipliers;
} watched;

static inline int watched_open(void **ret, const struct kw_ec_kernel *kernel, const struct kw_curve *curve,
    unsigned num_max, OSSL_LIB_CTX *libctx)
{
    (void)kernel;
    watched.opens++;
    if (watched.fail_open != 0)
        return watched.fail_open;
    return watched.real->open(ret, watched.real, curve, num_max, libctx);
}

static inline void watched_wipe(void *state)
{
    watched.wipes++;
    watched.real->wipe(state);
}

static inline void watched_close(void *state)
{
    watched.closes++;
    watched.real->close(state);
}

static inline int watched_derive(void *state, unsigned num, const uint8_t *secrets, uint8_t *points)
{
    int r = watched.real->derive(state, num, secrets, points);

    watched.secrets = secrets;
    watched.points = points;
    watched.multipliers = NULL;
    watched.checks = 0;
    return ++watched.derives == watched.fail_derive ? watched.fail_as : r;
}

/* Halves are halves of what was derived, with the multipliers of the whole, which comes first. */
static inline void watched_note(
    const uint8_t *secrets, const uint8_t *points, const uint8_t *multipliers, unsigned num, unsigned index)
{
    const struct kw_curve *curve = kw_curve_of(watched.kernel.spec);
    unsigned first = (unsigned)((size_t)(secrets - watched.secrets) / curve->secret_len);

    if (index == 0)
        watched.multipliers = multipliers;
    ck_assert_uint_lt(index, WATCHED_CHECKS);
    ck_assert_ptr_eq(secrets, watched.secrets + (size_t)first * curve->secret_len);
    ck_assert_ptr_eq(points, watched.points + (size_t)first * curve->point_len);
    ck_assert_ptr_eq(multipliers, watched.multipliers + (size_t)first * KW_EC_MULTIPLIER);
    watched.ranges[index].first = first;
    watched.ranges[index].num = num;
}

static inline int watched_check(void *state, unsigned num, const uint8_t *secrets, const uint8_t *points,
    const uint8_t *multipliers, bool *ret_pass)
{
    unsigned index = watched.checks++;

    watched_note(secrets, points, multipliers, num, index);
    int r = watched.real->check(state, num, secrets, points, multipliers, ret_pass);
    if (watched.script != NULL && index < strlen(watched.script) && strchr("pf", watched.script[index]))
        *ret_pass = watched.script[index] == 'p';
    return watched.checks == watched.fail_check ? watched.fail_as : r;
}

static inline const struct kw_ec_kernel *watch(const struct kw_ec_kernel *real)
{
    memset(&watched, 0, sizeof(watched));
    watched.real = real;
    watched.kernel = *real;
    watched.kernel.open = watched_open;
    watched.kernel.wipe = watched_wipe;
    watched.kernel.close = watched_close;
    watched.kernel.derive = watched_derive;
    watched.kernel.check = watched_check;
    return &watched.kernel;
}

/* ---- a batch on it ---- */

enum { RIG_PAIRS = 11 };

static struct {
    struct kw_rng rng;
    const struct kw_curve *curve;
    struct kw_ec_batch *batch;
    struct kw_ec_pairs pairs;
    struct kw_encoding encoding;
    uint8_t secrets[RIG_PAIRS * KW_CURVE_SECRET_MAX]; /* as they were when they were made */
    uint8_t points[RIG_PAIRS * KW_CURVE_POINT_MAX];
} rig;

static inline void rig_up(const struct kw_ec_kernel *kernel, uint64_t seed)
{
    memset(&rig, 0, sizeof(rig));
    rig.rng.seed = seed;
    rig.curve = kw_curve_of(kernel->spec);
    kw_encoding_init(&rig.encoding, rig.curve);
    ck_assert_int_eq(kw_ec_batch_new(&rig.batch, watch(kernel), rig.curve, RIG_PAIRS, &rig.rng), 0);
    kw_ec_batch_pairs(rig.batch, &rig.pairs);
    ck_assert_uint_eq(rig.pairs.num, RIG_PAIRS);
}

static inline void rig_down(void)
{
    kw_ec_batch_free(rig.batch);
    ck_assert_uint_eq(watched.opens, watched.closes);
}

static inline uint8_t *rig_secret(unsigned index)
{
    return rig.pairs.secrets + (size_t)index * rig.curve->secret_len;
}

static inline uint8_t *rig_point(unsigned index)
{
    return rig.pairs.points + (size_t)index * rig.curve->point_len;
}

/* To where the pairs are made and not yet tested. */
static inline void rig_make(void)
{
    unsigned derives = watched.derives;
    bool ready = false;

    while (watched.derives == derives) {
        ck_assert(!ready);
        ck_assert_int_eq(kw_ec_batch_step(rig.batch, &ready), 0);
    }
    ck_assert(!ready);
    memcpy(rig.secrets, rig.pairs.secrets, RIG_PAIRS * (size_t)rig.curve->secret_len);
    memcpy(rig.points, rig.pairs.points, RIG_PAIRS * (size_t)rig.curve->point_len);
}

/* To where pairs can be taken. */
static inline void rig_test(void)
{
    for (bool ready = false; !ready;)
        ck_assert_int_eq(kw_ec_batch_step(rig.batch, &ready), 0);
}

/* The place has what was made as that pair. */
static inline void rig_check_taken(const struct place *place, unsigned index)
{
    static struct place expected;
    const uint8_t *secret = rig.secrets + (size_t)index * rig.curve->secret_len;
    const uint8_t *point = rig.points + (size_t)index * rig.curve->point_len;

    kw_encoding_write(&rig.encoding, secret, point, place_init(&expected));
    ck_assert_uint_eq(place->slot.public_len, expected.slot.public_len);
    ck_assert_uint_eq(place->slot.private_len, expected.slot.private_len);
    ck_assert_mem_eq(place->public_der, expected.public_der, DER_MAX);
    ck_assert_mem_eq(place->private_der, expected.private_der, DER_MAX);
}

static inline void rig_check_wiped(const struct place *place)
{
    const struct kw_spec_info *info = kw_spec_info(rig.curve->spec);

    ck_assert(all_bytes(place->public_der, info->public_max, 0));
    ck_assert(all_bytes(place->private_der, info->private_max, 0));
    ck_assert(all_bytes(place->public_der + info->public_max, DER_MAX - info->public_max, FILL));
    ck_assert(all_bytes(place->private_der + info->private_max, DER_MAX - info->private_max, FILL));
    ck_assert_uint_eq(place->slot.public_len, 0);
    ck_assert_uint_eq(place->slot.private_len, 0);
}

/* Takes all there is: the failures that are told of, then all pairs but the bad ones (a bit each), in the
 * order in which they were made. */
static inline void rig_take_all(unsigned bad)
{
    unsigned failures = KW_MIN((unsigned)__builtin_popcount(bad), KW_EC_FAILURES_MAX);
    static struct place place, untouched;

    for (unsigned i = 0; i < failures; i++) {
        ck_assert_int_eq(kw_ec_batch_take(rig.batch, place_init(&place)), KW_EC_BATCH_FAILED);
        rig_check_wiped(&place);
    }
    for (unsigned i = 0; i < RIG_PAIRS; i++) {
        if (bad >> i & 1)
            continue;
        ck_assert_int_eq(kw_ec_batch_take(rig.batch, place_init(&place)), 0);
        rig_check_taken(&place, i);
    }
    place_init(&place);
    memcpy(&untouched, &place, sizeof(place));
    ck_assert_int_eq(kw_ec_batch_take(rig.batch, &place.slot), KW_EC_BATCH_EMPTY);
    ck_assert_mem_eq(&place, &untouched, sizeof(place));
    /* Nothing of any of them is left in the batch. */
    ck_assert(all_bytes(rig.pairs.secrets, RIG_PAIRS * (size_t)rig.curve->secret_len, 0));
    ck_assert(all_bytes(rig.pairs.points, RIG_PAIRS * (size_t)rig.curve->point_len, 0));
}

#endif
