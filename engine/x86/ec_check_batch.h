/* ec_check_batch - the pairwise test of Weierstrass curves: is sum m_i Q_i = (sum m_i d_i) G? For many points
 * Q_i, public, and 64-bit multipliers m_i.
 *
 * Included after ec_weierstrass.h. The left side by buckets: a multiplier is eight signed digits, and lane k
 * sees to digit k of all of them. A point is added to, or taken from, the bucket of its digit in each lane;
 * then the buckets are summed, each times its number, and the lanes, each times 256^k. The right side takes
 * another way than the comb: doubling and adding from G itself, an eighth of the scalar in each lane.
 *
 * Points and multipliers are public: their digits are addresses. The scalar is secret.
 */
#include "engine/x86/ec_derive.h"

#define BUCKETS     129
#define DIGIT_BASE  0x8080808080808080u /* a multiplier is that much less than its 8 bytes, read unsigned */
#define CHUNK_BITS  ((FIELD_BITS + 7) / 8)
#define POINT_LIMBS (sizeof(struct point) / sizeof(kw_v))

struct check_base {
    struct point chunks; /* 2^(CHUNK_BITS i) G in lane i */
};

static void check_base_init(struct check_base *base, struct comb_work *work, const struct group *group)
{
    struct point walk, *chunks = &base->chunks;

    (void)work;
    point_of_affine(&walk, &group->generator, group);
    *chunks = walk;
    for (unsigned lane = 1; lane < 8; lane++) {
        for (unsigned i = 0; i < CHUNK_BITS; i++)
            add(&walk, &walk, &walk, group);
        select_point(chunks, (__mmask8)(1u << lane), &walk, chunks);
    }
}

/* ---- sums over lanes ---- */

static inline void rotate(struct point *ret, const struct point *a, unsigned by)
{
    kw_v index =
        _mm512_and_si512(_mm512_add_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), set(by)), set(7));
    const kw_v *from = (const kw_v *)a;
    kw_v *to = (kw_v *)ret;

    for (unsigned i = 0; i < POINT_LIMBS; i++)
        to[i] = _mm512_permutexvar_epi64(index, from[i]);
}

/* The sum of all lanes, in every lane. */
static void sum_lanes(struct point *a, const struct group *group)
{
    struct point rotated;

    for (unsigned by = 4; by > 0; by /= 2) {
        rotate(&rotated, a, by);
        add(a, a, &rotated, group);
    }
}

/* ---- the left side ---- */

static inline kw_v digits_of(const uint8_t *multiplier)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)multiplier);

    return _mm512_cvtepi8_epi64(_mm_xor_si128(bytes, _mm_set1_epi8((char)0x80)));
}

/* One lane of a point to all lanes. */
static inline void spread(struct affine *ret, const struct affine *a, unsigned at)
{
    const uint64_t *from = (const uint64_t *)a;
    kw_v *to = (kw_v *)ret;

    for (unsigned i = 0; i < AFFINE_COORDS * KW_LIMBS; i++)
        to[i] = set((int64_t)from[8 * i + at]);
}

static inline void add_to_bucket(
    struct point *buckets, const struct affine *point, const uint8_t *multiplier, const struct group *group)
{
    kw_v digits = digits_of(multiplier);
    kw_v index = _mm512_add_epi64(_mm512_mullo_epi64(_mm512_abs_epi64(digits), set(8 * POINT_LIMBS)),
        _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
    struct affine step = *point;
    struct point bucket;
    kw_v *limbs = (kw_v *)&bucket;

    negate_affine_if(&step, _mm512_movepi64_mask(digits));
    for (unsigned i = 0; i < POINT_LIMBS; i++)
        limbs[i] = _mm512_i64gather_epi64(index, (const uint64_t *)buckets + 8 * i, 8);
    add_mixed(&bucket, &bucket, &step, group);
    for (unsigned i = 0; i < POINT_LIMBS; i++)
        _mm512_i64scatter_epi64((uint64_t *)buckets + 8 * i, index, limbs[i], 8);
}

/* ret = the sum of the buckets, each times its number, in each lane. */
static void sum_buckets(struct point *ret, const struct point *buckets, const struct group *group)
{
    struct point running = group->neutral;

    *ret = group->neutral;
    for (unsigned i = BUCKETS - 1; i > 0; i--) {
        add(&running, &running, &buckets[i], group);
        add(ret, ret, &running, group);
    }
}

/* The lane of digit k, times 256^k. */
static void weigh_lanes(struct point *a, const struct group *group)
{
    struct point doubled;

    for (unsigned step = 0; step < 7 * 8; step++) {
        add(&doubled, a, a, group);
        select_point(a, (__mmask8)(0xfe << step / 8), &doubled, a);
    }
}

/* points: eight to a struct, as read_points() makes them. */
static void sum_of_points(struct point *ret, struct point *buckets, const struct affine *points, unsigned num,
    const uint8_t *multipliers, const struct group *group)
{
    struct affine point;

    for (unsigned i = 0; i < BUCKETS; i++)
        buckets[i] = group->neutral;
    for (unsigned i = 0; i < num; i++) {
        spread(&point, &points[i / 8], i % 8);
        add_to_bucket(buckets, &point, multipliers + 8 * i, group);
    }
    sum_buckets(ret, buckets, group);
    weigh_lanes(ret, group);
    sum_lanes(ret, group);
}

/* ---- the right side ---- */

/* Bits CHUNK_BITS k to CHUNK_BITS (k + 1) of the scalar, in lane k. */
static inline void cut_scalar(uint64_t words[2][8], const uint64_t *scalar)
{
    uint64_t shifted[FIELD_WORDS + 1] = {0};

    for (unsigned lane = 0; lane < 8; lane++) {
        kw_words_shift_right(shifted, scalar, FIELD_WORDS, CHUNK_BITS * lane);
        words[0][lane] = shifted[0];
        words[1][lane] = shifted[1];
    }
    kw_erase(shifted, sizeof(shifted));
}

static void multiply_generator(
    struct point *ret, const uint64_t *scalar, const struct point *chunks, const struct group *group)
{
    uint64_t words[2][8];
    struct point sum;

    cut_scalar(words, scalar);
    *ret = group->neutral;
    for (unsigned i = CHUNK_BITS; i-- > 0;) {
        kw_v bits = _mm512_srli_epi64(_mm512_loadu_si512(words[i / 64]), i % 64);

        add(ret, ret, ret, group);
        add(&sum, ret, chunks, group);
        select_point(ret, _mm512_test_epi64_mask(bits, set(1)), &sum, ret);
    }
    sum_lanes(ret, group);
    kw_erase(words, sizeof(words));
}

/* ---- the test ---- */

/* Public. */
struct check_room {
    struct affine *points;
    struct point *buckets;
};

static void check_room_done(struct check_room *room)
{
    free(room->points);
    free(room->buckets);
}

static int check_room_init(struct check_room *room, unsigned num_max)
{
    room->points = aligned_alloc(64, VECTORS(num_max) * sizeof(*room->points));
    room->buckets = aligned_alloc(64, BUCKETS * sizeof(*room->buckets));
    return room->points != NULL && room->buckets != NULL ? 0 : -ENOMEM;
}

static bool read_batch(struct affine *ret, unsigned num, const uint8_t *points, const struct group *group)
{
    __mmask8 good = 0xff;

    for (unsigned i = 0; i < num; i += 8)
        good &= read_points(&ret[i / 8], points + (size_t)POINT_LEN * i, KW_MIN(8u, num - i), group);
    return good == 0xff;
}

static int check_pairs(struct check_room *room, const struct check_base *base, struct deriver *deriver,
    unsigned num, const uint8_t *secrets, const uint8_t *points, const uint8_t *multipliers, bool *ret_pass)
{
    const struct group *group = deriver->group;
    uint64_t sum[KW_CURVE_WORDS_MAX];
    KW_ERASE_GUARD(sum);
    struct point left, right;

    *ret_pass = false;
    if (!read_batch(room->points, num, points, group))
        return 0;
    KW_TRY(kw_scalars_dot(deriver->scalars, num, secrets, multipliers, DIGIT_BASE, sum));
    sum_of_points(&left, room->buckets, room->points, num, multipliers, group);
    multiply_generator(&right, sum, &base->chunks, group);
    __mmask8 same = is_same(&left, &right);
    kw_declassify(&same, sizeof(same)); /* whether the pairs are kept */
    *ret_pass = same == 0xff;
    kw_erase(&right, sizeof(right));
    return 0;
}
