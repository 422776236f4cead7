/* ec_kernel - the operations of engine/ec/kernel.h on AVX-512 IFMA lanes, for one field.
 *
 * Included last by a curve's file (ec_p256.c), with COMB_WINDOW, KERNEL, the name of its struct kw_ec_kernel,
 * KERNEL_NAME, KERNEL_SPEC and KERNEL_BATCH. What the curve gives, its tables too, is made once and shared by
 * all who open the kernel; another curve than the kernel's own gets its own.
 */
#include "engine/x86/ifma.h"

#include <pthread.h>

/* What a curve gives; public. */
struct base {
    struct group group;
    struct check_base check;
    _Alignas(64) uint64_t comb[COMB_LEN(COMB_WINDOW)];
};

struct state {
    const struct base *base;
    struct base *own; /* if it is not the shared one */
    unsigned num_max;
    struct deriver deriver;
    struct check_room check_room;
};

/* ---- what a curve gives ---- */

static int base_new(struct base **ret, const struct kw_curve *curve)
{
    struct base *base = aligned_alloc(64, (sizeof(*base) + 63) / 64 * 64);
    struct comb_work *work = aligned_alloc(64, (sizeof(*work) + 63) / 64 * 64);

    if (base == NULL || work == NULL) {
        free(base);
        free(work);
        return -ENOMEM;
    }
    group_init(&base->group, curve);
    make_comb(base->comb, COMB_WINDOW, work, &base->group);
    check_base_init(&base->check, work, &base->group);
    free(work);
    *ret = base;
    return 0;
}

/* Taken when a kernel is opened, never on the way of a pair. Who finds no memory leaves it to the next to
 * try. */
static pthread_mutex_t shared_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct base *shared_base;

static int take_shared(const struct base **ret)
{
    int r = 0;

    kw_assert(pthread_mutex_lock(&shared_mutex) == 0);
    if (shared_base == NULL)
        r = base_new(&shared_base, kw_curve_of(KERNEL_SPEC));
    *ret = shared_base;
    kw_assert(pthread_mutex_unlock(&shared_mutex) == 0);
    return r;
}

static int take_base(struct state *state, const struct kw_curve *curve)
{
    if (curve == kw_curve_of(KERNEL_SPEC))
        return take_shared(&state->base);
    KW_TRY(base_new(&state->own, curve));
    state->base = state->own;
    return 0;
}

/* ---- open and close ---- */

static void state_wipe(void *opaque)
{
    deriver_wipe(&((struct state *)opaque)->deriver);
}

static void state_close(void *opaque)
{
    struct state *state = opaque;

    if (state == NULL)
        return;
    deriver_done(&state->deriver);
    check_room_done(&state->check_room);
    free(state->own);
    free(state);
}

static void state_closep(struct state **state)
{
    state_close(*state);
}

static int state_open(void **ret, const struct kw_ec_kernel *kernel, const struct kw_curve *curve,
    unsigned num_max, OSSL_LIB_CTX *libctx)
{
    KW_CLEANUP(state_closep) struct state *state = calloc(1, sizeof(*state));

    kw_assert(curve->spec == kernel->spec && num_max > 0 && num_max <= KW_EC_BATCH_MAX);
    if (state == NULL)
        return -ENOMEM;
    state->num_max = num_max;
    KW_TRY(deriver_init(&state->deriver, curve, num_max, libctx));
    KW_TRY(check_room_init(&state->check_room, num_max));
    KW_TRY(take_base(state, curve));
    state->deriver.group = &state->base->group;
    *ret = state;
    state = NULL;
    return 0;
}

/* ---- derive and check ---- */

/* Both in a function of its own, whose frame is then forgotten with all below it. */
static __attribute__((noinline)) int run_derive(
    struct state *state, unsigned num, const uint8_t *secrets, uint8_t *points)
{
    return derive_points(&state->deriver, state->base->comb, COMB_WINDOW, num, secrets, points);
}

static __attribute__((noinline)) int run_check(struct state *state, unsigned num, const uint8_t *secrets,
    const uint8_t *points, const uint8_t *multipliers, bool *ret_pass)
{
    return check_pairs(&state->check_room, &state->base->check, &state->deriver, num, secrets, points,
        multipliers, ret_pass);
}

static int derive(void *opaque, unsigned num, const uint8_t *secrets, uint8_t *points)
{
    struct state *state = opaque;
    int r;

    kw_assert(num > 0 && num <= state->num_max);
    r = run_derive(state, num, secrets, points);
    kw_ifma_forget();
    return r;
}

static int check(void *opaque, unsigned num, const uint8_t *secrets, const uint8_t *points,
    const uint8_t *multipliers, bool *ret_pass)
{
    struct state *state = opaque;
    int r;

    kw_assert(num > 0 && num <= state->num_max);
    r = run_check(state, num, secrets, points, multipliers, ret_pass);
    kw_ifma_forget();
    return r;
}

/* ---- add, for tests ---- */

/* The same points with other coordinates: each times a number of its lane. */
static void blind(struct point *a, const struct group *group)
{
    uint64_t words[FIELD_WORDS][8] = {{0}};
    fe factor, *coord = (fe *)a;

    for (unsigned lane = 0; lane < 8; lane++)
        words[1][lane] = 1000 + lane;
    limbs_of_words(&factor, words);
    enter_montgomery(&factor, &factor, &group->field);
    for (unsigned i = 0; i < sizeof(*a) / sizeof(*coord); i++)
        mul_fe(&coord[i], &coord[i], &factor);
}

/* Zeros are the neutral element of a Weierstrass curve, and no point of the others. */
static void lift(struct point *ret, const uint8_t *bytes, unsigned num, const struct group *group)
{
    struct affine affine;
    struct xy xy;

    (void)read_xy(&xy, bytes, num, &group->field);
    affine_of_xy(&affine, &xy, group);
    point_of_affine(ret, &affine, group);
    select_point(ret, is_zero(&xy.x) & is_zero(&xy.y), &group->neutral, ret);
    blind(ret, group);
}

static void add_eight(enum kw_ec_formula formula, unsigned num, const uint8_t *a, const uint8_t *b,
    uint8_t *ret, const struct group *group)
{
    struct point left, right;
    struct affine affine;
    struct xy xy;
    fe scratch;

    lift(&left, a, num, group);
    switch (formula) {
    case KW_EC_ADD:
        lift(&right, b, num, group);
        add(&left, &left, &right, group);
        break;
    case KW_EC_MIXED:
        (void)read_xy(&xy, b, num, &group->field);
        affine_of_xy(&affine, &xy, group);
        add_mixed(&left, &left, &affine, group);
        break;
    default:
        add(&left, &left, &left, group);
    }
    /* Without a Z, so with all zeros, for the neutral element of a Weierstrass curve. */
    xy_of_points(&xy, &left, 1, &scratch, group);
    write_xy(ret, num, &xy);
}

static int add_points(
    void *opaque, enum kw_ec_formula formula, unsigned num, const uint8_t *a, const uint8_t *b, uint8_t *ret)
{
    const struct state *state = opaque;

    for (unsigned i = 0; i < num; i += 8) {
        size_t at = XY_LEN * i;
        add_eight(
            formula, KW_MIN(8u, num - i), a + at, b == NULL ? NULL : b + at, ret + at, &state->base->group);
    }
    return 0;
}

const struct kw_ec_kernel KERNEL = {
    .name = "avx512ifma-" KERNEL_NAME,
    .path = KW_CPU_AVX512IFMA,
    .spec = KERNEL_SPEC,
    .lanes = 8,
    .batch = KERNEL_BATCH,
    .open = state_open,
    .wipe = state_wipe,
    .close = state_close,
    .derive = derive,
    .check = check,
    .add = add_points,
};
