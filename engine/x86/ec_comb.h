/* ec_comb - d G for eight secret scalars d at a time, by a comb over G without doublings.
 *
 * Included after ec_weierstrass.h or ec_edwards.h, with SCALAR_BITS. A scalar is a sum of COMB_WINDOWS(w)
 * digits times 2^(w i), each odd and at most 2^w - 1 in size: d, or d + n if d is even, is odd, and an odd
 * number is 2 e - (2^W - 1) with e = (d - 1) / 2 + 2^(W - 1), so that the W bits of e, read as +1 and -1, are
 * the digits. None is 0, so each is one addition of a point of the table that is not the neutral element; the
 * table has the odd multiples of 2^(w i) G. (In terms of Lim and Lee, and of Hamburg's signed combs: blocks
 * of w teeth, a spacing of 1.)
 *
 * A table lies window by window and limb by limb, as many neighbours as a window has entries: each lane takes
 * its own with permutations in registers, over all of them. w is a constant wherever it matters.
 *
 * Secret: scalars and all that comes of them until it is made public at the end.
 */
#define COMB_WINDOWS(w) ((SCALAR_BITS + 1 + (w)-1) / (w))
#define COMB_ENTRIES(w) (1u << ((w)-1))
#define COMB_BITS(w)    (COMB_WINDOWS(w) * (w))
/* Numbers of a table. */
#define COMB_LEN(w) (COMB_WINDOWS(w) * AFFINE_COORDS * KW_LIMBS * COMB_ENTRIES(w))

#define COMB_WINDOW_MAX 7
#define COMB_WORDS      ((SCALAR_BITS + COMB_WINDOW_MAX) / 64 + 1)

/* e of one scalar each, side by side. */
struct digits {
    uint64_t word[COMB_WORDS][8];
};

/* ---- points to affine ones ---- */

/* One inversion for all (Montgomery's trick), in each lane. scratch: num elements. */
static void xy_of_points(
    struct xy *ret, const struct point *points, unsigned num, fe *scratch, const struct group *group)
{
    fe inverse, z_inverse;

    scratch[0] = points[0].z;
    for (unsigned i = 1; i < num; i++)
        mul_fe(&scratch[i], &scratch[i - 1], &points[i].z);
    invert(&inverse, &scratch[num - 1], &group->field);
    for (unsigned i = num; i-- > 0;) {
        z_inverse = inverse;
        if (i > 0) {
            mul_fe(&z_inverse, &inverse, &scratch[i - 1]);
            mul_fe(&inverse, &inverse, &points[i].z);
        }
        mul_fe(&ret[i].x, &points[i].x, &z_inverse);
        mul_fe(&ret[i].y, &points[i].y, &z_inverse);
    }
}

/* ---- the table ---- */

struct comb_work {
    struct point points[COMB_ENTRIES(COMB_WINDOW_MAX)];
    struct xy xy[COMB_ENTRIES(COMB_WINDOW_MAX)];
    fe scratch[COMB_ENTRIES(COMB_WINDOW_MAX)];
};

/* The entries of one limb. */
KW_V_INLINE unsigned entries_at(unsigned w, unsigned window, unsigned limb)
{
    return (window * AFFINE_COORDS * KW_LIMBS + limb) << (w - 1);
}

/* Lane i is window first + i, as far as there are so many. */
static void store_windows(
    uint64_t *comb, unsigned w, const struct xy *xy, unsigned first, const struct group *group)
{
    for (unsigned k = 0; k < COMB_ENTRIES(w); k++) {
        struct affine affine;
        const uint64_t *lanes = (const uint64_t *)&affine;

        affine_of_xy(&affine, &xy[k], group);
        for (unsigned i = 0; i < AFFINE_COORDS * KW_LIMBS; i++)
            for (unsigned j = 0; j < KW_MIN(8u, COMB_WINDOWS(w) - first); j++)
                comb[entries_at(w, first + j, i) + k] = lanes[8 * i + j];
    }
}

static void make_comb(uint64_t *comb, unsigned w, struct comb_work *work, const struct group *group)
{
    struct point walk, bases = group->neutral, twice;

    point_of_affine(&walk, &group->generator, group);
    for (unsigned window = 0; window < COMB_WINDOWS(w); window++) {
        select_point(&bases, (__mmask8)(1u << window % 8), &walk, &bases);
        for (unsigned i = 0; i < w; i++)
            add(&walk, &walk, &walk, group);
        if (window % 8 != 7 && window != COMB_WINDOWS(w) - 1)
            continue;
        add(&twice, &bases, &bases, group);
        work->points[0] = bases;
        for (unsigned k = 1; k < COMB_ENTRIES(w); k++)
            add(&work->points[k], &work->points[k - 1], &twice, group);
        xy_of_points(work->xy, work->points, COMB_ENTRIES(w), work->scratch, group);
        store_windows(comb, w, work->xy, window - window % 8, group);
    }
}

/* In each lane the entry of that index, which is secret. */
KW_V_INLINE kw_v look_up(const uint64_t *entries, kw_v index, const unsigned w)
{
    kw_v part[COMB_ENTRIES(COMB_WINDOW_MAX) / 16];

    KW_V_UNROLL
    for (unsigned i = 0; i < COMB_ENTRIES(w) / 16; i++)
        part[i] = _mm512_permutex2var_epi64(
            _mm512_load_si512(entries + 16 * i), index, _mm512_load_si512(entries + 16 * i + 8));
    KW_V_UNROLL
    for (unsigned num = COMB_ENTRIES(w) / 32, bit = 16; num > 0; num /= 2, bit *= 2) {
        __mmask8 upper = _mm512_test_epi64_mask(index, set(bit));
        KW_V_UNROLL
        for (unsigned i = 0; i < num; i++)
            part[i] = _mm512_mask_mov_epi64(part[2 * i], upper, part[2 * i + 1]);
    }
    return part[0];
}

KW_V_INLINE void look_up_affine(
    struct affine *ret, const uint64_t *comb, const unsigned w, unsigned window, const struct digits *digits)
{
    unsigned bit = w * window, word = bit / 64, shift = bit % 64;
    kw_v digit = _mm512_srli_epi64(_mm512_loadu_si512(digits->word[word]), shift);
    kw_v *limbs = (kw_v *)ret;

    if (shift + w > 64)
        digit =
            _mm512_or_si512(digit, _mm512_slli_epi64(_mm512_loadu_si512(digits->word[word + 1]), 64 - shift));
    /* The digit is positive if its top bit is set; else the others count from the other end. */
    __mmask8 negative = _mm512_testn_epi64_mask(digit, set(COMB_ENTRIES(w)));
    digit = _mm512_mask_xor_epi64(digit, negative, digit, set(-1));
    digit = _mm512_and_si512(digit, set(COMB_ENTRIES(w) - 1));
    for (unsigned i = 0; i < AFFINE_COORDS * KW_LIMBS; i++)
        limbs[i] = look_up(comb + entries_at(w, window, i), digit, w);
    negate_affine_if(ret, negative);
}

/* ---- scalars ---- */

/* e of a scalar below 2^SCALAR_BITS. */
static void set_digits(
    struct digits *digits, unsigned at, const uint64_t *scalar, const uint64_t *n, unsigned w)
{
    uint64_t e[COMB_WORDS + 1] = {0};
    KW_ERASE_GUARD(e);

    memcpy(e, scalar, FIELD_WORDS * sizeof(*e));
    e[FIELD_WORDS] = kw_words_add_masked(e, n, FIELD_WORDS, kw_mask_bit(~e[0]));
    kw_words_shift_right(e, e, COMB_WORDS + 1, 1);
    e[(COMB_BITS(w) - 1) / 64] |= (uint64_t)1 << (COMB_BITS(w) - 1) % 64;
    for (unsigned i = 0; i < COMB_WORDS; i++)
        digits->word[i][at] = e[i];
}

/* ---- all of it ---- */

/* points[i] = digits[i] G, num vectors. A window of the table is used for all of them before the next. */
KW_V_INLINE void comb_multiply(struct point *points, unsigned num, const struct digits *digits,
    const uint64_t *comb, const unsigned w, const struct group *group)
{
    struct affine step;

    for (unsigned i = 0; i < num; i++) {
        look_up_affine(&step, comb, w, 0, &digits[i]);
        point_of_affine(&points[i], &step, group);
    }
    for (unsigned window = 1; window < COMB_WINDOWS(w); window++)
        for (unsigned i = 0; i < num; i++) {
            look_up_affine(&step, comb, w, window, &digits[i]);
            add_mixed(&points[i], &points[i], &step, group);
        }
}
