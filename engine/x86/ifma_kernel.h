/* ifma_kernel - the operations of engine/rsa/kernel.h on AVX-512 IFMA lanes, for one number of limbs.
 *
 * Included by one file for each kernel, with
 *   KW_LIMBS   limbs of 52 bits of a number
 *   KW_GROUPS  vectors of eight lanes that go in step; small numbers need several to hide the latency of a
 * product KW_WINDOW  bits of an exponent that a table of powers serves at once KW_KERNEL  name of the struct
 * kw_kernel Secret: all numbers. No branch and no address depends on them, but for one fact that key
 * generation makes public anyway: whether all moduli of a batch have exactly the bits that the caller says.
 */
#include "engine/rsa/kernel.h"
#include "engine/x86/ifma.h"
#include "pool/secmem.h"

#define LANES     (8 * KW_GROUPS)
#define BITS_R    (52 * KW_LIMBS)
#define TABLE_LEN (1 << KW_WINDOW)

/* What belongs to one vector of lanes. */
struct group {
    struct modulus modulus;
    struct number x;         /* the power so far */
    struct number one;       /* R modulo N: 1 in Montgomery form */
    struct number minus_one; /* N - one */
    struct number exponent;
    struct number base;   /* in Montgomery form */
    struct number factor; /* chosen from the table */
    struct number difference;
    struct work work;
    struct number table[TABLE_LEN];
};

struct scratch {
    struct group group[KW_GROUPS];
    uint64_t lanes[KW_LIMBS][8];    /* on the way between words and limbs */
    unsigned source[8 * KW_GROUPS]; /* the lane whose numbers a lane works on: an idle one repeats another */
    uint32_t active;                /* lanes in use */
};

/* ---- single products; functions of their own, since each is long ---- */

static __attribute__((noinline)) void square(struct group *group)
{
    mont(&group->x, &group->x, &group->x, &group->modulus, &group->work, group->modulus.ninv, 1, 0);
}
static __attribute__((noinline)) void square_shift(struct group *group, kw_v shift)
{
    mont(&group->x, &group->x, &group->x, &group->modulus, &group->work, shift, 1, 1);
}
static __attribute__((noinline)) void multiply(
    struct group *group, struct number *ret, const struct number *a, const struct number *b)
{
    mont(ret, a, b, &group->modulus, &group->work, group->modulus.ninv, 0, 0);
}

/* ---- words and limbs ---- */

/* The limb that begins at bit 52 * i. */
static uint64_t limb_of(const uint64_t *words, unsigned num, unsigned i)
{
    unsigned word = 52 * i / 64, shift = 52 * i % 64;
    uint64_t low = word < num ? words[word] >> shift : 0;

    if (shift > 12 && word + 1 < num)
        low |= words[word + 1] << (64 - shift);
    return low & ((1ull << 52) - 1);
}

/* One member of each lane of a group, which is a pointer to words. What lies beyond the limbs is lost. */
static void load(struct scratch *scratch, struct number *ret, int g, const struct kw_lane *lanes,
    size_t member, unsigned num)
{
    for (int lane = 0; lane < 8; lane++) {
        const struct kw_lane *from = &lanes[scratch->source[8 * g + lane]];
        const uint64_t *words;

        memcpy(&words, (const char *)from + member, sizeof(words));
        for (unsigned i = 0; i < KW_LIMBS; i++)
            scratch->lanes[i][lane] = limb_of(words, num, i);
    }
    for (int i = 0; i < KW_LIMBS; i++)
        ret->limb[i] = _mm512_load_si512(scratch->lanes[i]);
}

static void store_words(uint64_t *ret, unsigned num, uint64_t (*lanes)[8], unsigned lane)
{
    for (unsigned word = 0; word < num; word++) {
        unsigned i = word * 64 / 52, shift = word * 64 % 52;
        uint64_t value = i < KW_LIMBS ? lanes[i][lane] >> shift : 0;

        if (i + 1 < KW_LIMBS)
            value |= lanes[i + 1][lane] << (52 - shift);
        if (i + 2 < KW_LIMBS && 104 - shift < 64)
            value |= lanes[i + 2][lane] << (104 - shift);
        ret[word] = value;
    }
}

/* ---- arithmetic without products ---- */

/* Differences of limbs, to limbs below 2^52; returns the borrow: 0 or -1 in each lane. */
static kw_v subtract(struct number *ret, const struct number *a, const struct number *b)
{
    kw_v borrow = _mm512_setzero_si512();

    for (int i = 0; i < KW_LIMBS; i++) {
        kw_v x = _mm512_add_epi64(_mm512_sub_epi64(a->limb[i], b->limb[i]), borrow);
        ret->limb[i] = _mm512_and_si512(x, KW_V_MASK52);
        borrow = _mm512_srai_epi64(x, 63);
    }
    return borrow;
}

/* a = a - N if that is not negative. */
static void reduce_once(struct group *group, struct number *a)
{
    struct number *difference = &group->difference;
    kw_v borrow = subtract(difference, a, &group->modulus.n);
    __mmask8 negative = _mm512_movepi64_mask(borrow);

    for (int i = 0; i < KW_LIMBS; i++)
        a->limb[i] = _mm512_mask_blend_epi64(negative, difference->limb[i], a->limb[i]);
}

/* a = 2 a modulo N, a < N. */
static void double_once(struct group *group, struct number *a)
{
    kw_v carry = _mm512_setzero_si512();

    for (int i = 0; i < KW_LIMBS; i++) {
        kw_v x = _mm512_add_epi64(_mm512_add_epi64(a->limb[i], a->limb[i]), carry);
        a->limb[i] = _mm512_and_si512(x, KW_V_MASK52);
        carry = _mm512_srli_epi64(x, 52);
    }
    reduce_once(group, a);
}

/* a = b in all limbs: all ones, else 0. */
static kw_v equal(const struct number *a, const struct number *b)
{
    kw_v difference = _mm512_setzero_si512();

    for (int i = 0; i < KW_LIMBS; i++)
        difference = _mm512_or_si512(difference, _mm512_xor_si512(a->limb[i], b->limb[i]));
    return _mm512_movm_epi64(_mm512_testn_epi64_mask(difference, difference));
}

/* ---- constants of the moduli ---- */

/* -1/N modulo 2^52: Newton's iteration, from 5 right bits (3 N ^ 2) to 10, 20, 40 and 80. */
static kw_v negative_inverse(kw_v n)
{
    const kw_v zero = _mm512_setzero_si512(), two = _mm512_set1_epi64(2);
    kw_v x = _mm512_xor_si512(_mm512_add_epi64(n, _mm512_add_epi64(n, n)), two);

    for (int i = 0; i < 4; i++) {
        kw_v nx = _mm512_madd52lo_epu64(zero, n, _mm512_and_si512(x, KW_V_MASK52));
        x = _mm512_madd52lo_epu64(
            zero, _mm512_and_si512(x, KW_V_MASK52), _mm512_and_si512(_mm512_sub_epi64(two, nx), KW_V_MASK52));
    }
    return _mm512_and_si512(_mm512_sub_epi64(zero, x), KW_V_MASK52);
}

/* one = R modulo N by doublings: from 2^bits - N if all moduli have their bit bits - 1, else from 1. */
static void make_one(struct scratch *scratch, unsigned bits)
{
    uint64_t lengths = ~0ull;
    unsigned limb = (bits - 1) / 52, shift = (bits - 1) % 52, from = 0;

    for (int g = 0; g < KW_GROUPS; g++)
        lengths &=
            _mm512_test_epi64_mask(scratch->group[g].modulus.n.limb[limb], _mm512_set1_epi64(1ll << shift));
    lengths &= 0xff;
    kw_declassify(&lengths, sizeof(lengths));
    for (int g = 0; g < KW_GROUPS; g++) {
        struct group *group = &scratch->group[g];
        for (int i = 0; i < KW_LIMBS; i++)
            group->one.limb[i] = _mm512_setzero_si512();
        if (lengths == 0xff) {
            unsigned top = bits / 52; /* below KW_LIMBS: R is longer by KW_SPARE bits */
            group->one.limb[top] = _mm512_set1_epi64(1ll << (bits % 52));
            (void)subtract(&group->one, &group->one, &group->modulus.n);
            from = bits;
        } else {
            group->one.limb[0] = _mm512_set1_epi64(1);
        }
    }
    for (unsigned i = from; i < BITS_R; i++)
        for (int g = 0; g < KW_GROUPS; g++)
            double_once(&scratch->group[g], &scratch->group[g].one);
}

/* Which lanes are in use; false if none is. */
static bool find_lanes(struct scratch *scratch, const struct kw_lane *lanes)
{
    unsigned any = LANES;

    scratch->active = 0;
    for (unsigned i = LANES; i-- > 0;) {
        if (lanes[i].modulus == NULL)
            continue;
        scratch->active |= 1u << i;
        any = i;
    }
    for (unsigned i = 0; i < LANES; i++)
        scratch->source[i] = lanes[i].modulus != NULL ? i : any;
    return any < LANES;
}

static bool begin(struct scratch *scratch, unsigned bits, const struct kw_lane *lanes)
{
    kw_assert(bits >= 3 && bits <= BITS_R - KW_SPARE);
    if (!find_lanes(scratch, lanes))
        return false;
    for (int g = 0; g < KW_GROUPS; g++) {
        struct group *group = &scratch->group[g];
        load(scratch, &group->modulus.n, g, lanes, offsetof(struct kw_lane, modulus), KW_WORDS_OF_BITS(bits));
        group->modulus.ninv = negative_inverse(group->modulus.n.limb[0]);
        modulus_prepare(&group->modulus);
    }
    make_one(scratch, bits);
    return true;
}

/* ---- powers of two ---- */

/* x = 2^exponent in Montgomery form, for an exponent of `bits` bits: two squarings a step, the second of them
 * shifted by what the next two bits say. bits is even. */
static void power_of_two(struct scratch *scratch, unsigned bits)
{
    const kw_v three = _mm512_set1_epi64(3);

    for (int g = 0; g < KW_GROUPS; g++)
        scratch->group[g].x = scratch->group[g].one;
    for (unsigned bit = bits; bit > 0; bit -= 2) {
        unsigned limb = (bit - 2) / 52, shift = (bit - 2) % 52;
        for (int g = 0; g < KW_GROUPS; g++)
            square(&scratch->group[g]);
        for (int g = 0; g < KW_GROUPS; g++) {
            struct group *group = &scratch->group[g];
            kw_v two_bits = _mm512_and_si512(_mm512_srli_epi64(group->exponent.limb[limb], shift), three);
            square_shift(group, two_bits);
        }
    }
}

/* a result of mont() to below N. */
static void reduce_fully(struct group *group, struct number *a)
{
    for (int i = 1; i < KW_EXCESS; i++)
        reduce_once(group, a);
}

/* x out of Montgomery form, and below N. */
static void leave_form(struct group *group, struct number *x)
{
    for (int i = 0; i < KW_LIMBS; i++)
        group->base.limb[i] = _mm512_setzero_si512();
    group->base.limb[0] = _mm512_set1_epi64(1);
    multiply(group, x, x, &group->base);
    reduce_fully(group, x);
}

static void half_of_modulus(struct group *group)
{
    kw_v above = _mm512_setzero_si512();

    for (int i = KW_LIMBS - 1; i >= 0; i--) {
        kw_v x = group->modulus.n.limb[i];
        group->exponent.limb[i] = _mm512_or_si512(
            _mm512_srli_epi64(x, 1), _mm512_and_si512(_mm512_slli_epi64(above, 51), KW_V_MASK52));
        above = x;
    }
}

static int ifma_filter(const struct kw_kernel *kernel, void *opaque, unsigned bits,
    const struct kw_lane *lanes, uint32_t *ret_pass)
{
    struct scratch *scratch = opaque;
    uint32_t pass = 0;

    (void)kernel;
    *ret_pass = 0;
    if (!begin(scratch, bits, lanes))
        return 0;
    for (int g = 0; g < KW_GROUPS; g++)
        half_of_modulus(&scratch->group[g]);
    power_of_two(scratch, (bits + 1) & ~1u);
    for (int g = 0; g < KW_GROUPS; g++) {
        struct group *group = &scratch->group[g];
        leave_form(group, &group->x);
        /* base is still 1; N - 1 differs from N in the lowest bit alone. */
        kw_v plus = equal(&group->x, &group->base);
        group->factor = group->modulus.n;
        group->factor.limb[0] = _mm512_xor_si512(group->modulus.n.limb[0], _mm512_set1_epi64(1));
        kw_v minus = equal(&group->x, &group->factor);
        pass |= (uint32_t)_mm512_movepi64_mask(_mm512_or_si512(plus, minus)) << (8 * g);
    }
    *ret_pass = pass & scratch->active;
    kw_ifma_forget();
    return 0;
}

/* ---- powers of any base ---- */

/* base from words to Montgomery form: its product by R^2, which is 2^(2 log R). */
static void load_bases(struct scratch *scratch, unsigned bits, const struct kw_lane *lanes)
{
    for (int g = 0; g < KW_GROUPS; g++) {
        struct number *exponent = &scratch->group[g].exponent;
        for (int i = 0; i < KW_LIMBS; i++)
            exponent->limb[i] = _mm512_setzero_si512();
        exponent->limb[0] = _mm512_set1_epi64(BITS_R);
    }
    power_of_two(scratch, 12);
    for (int g = 0; g < KW_GROUPS; g++) {
        struct group *group = &scratch->group[g];
        load(scratch, &group->base, g, lanes, offsetof(struct kw_lane, base), KW_WORDS_OF_BITS(bits));
        multiply(group, &group->base, &group->base, &group->x);
    }
}

static void make_table(struct group *group)
{
    group->table[0] = group->one;
    group->table[1] = group->base;
    for (int i = 2; i < TABLE_LEN; i++)
        multiply(group, &group->table[i], &group->table[i - 1], &group->base);
}

/* Limbs that stay in registers while the entries of a table pass by. */
#define LOOK_UP_LIMBS (KW_LIMBS % 10 == 0 ? 10 : KW_LIMBS)

/* factor = table[index]: every entry is read. */
static void look_up(struct group *group, kw_v index)
{
    for (int first = 0; first < KW_LIMBS; first += LOOK_UP_LIMBS) {
        kw_v limbs[LOOK_UP_LIMBS];

        KW_V_UNROLL
        for (int i = 0; i < LOOK_UP_LIMBS; i++)
            limbs[i] = group->table[0].limb[first + i];
        for (int entry = 1; entry < TABLE_LEN; entry++) {
            __mmask8 here = _mm512_cmpeq_epi64_mask(index, _mm512_set1_epi64(entry));
            KW_V_UNROLL
            for (int i = 0; i < LOOK_UP_LIMBS; i++)
                limbs[i] = _mm512_mask_mov_epi64(limbs[i], here, group->table[entry].limb[first + i]);
        }
        KW_V_UNROLL
        for (int i = 0; i < LOOK_UP_LIMBS; i++)
            group->factor.limb[first + i] = limbs[i];
    }
}

/* KW_WINDOW bits of the exponent from a bit on; they may lie in two limbs. */
static kw_v window_of(const struct number *exponent, unsigned bit)
{
    unsigned limb = bit / 52, shift = bit % 52;
    kw_v bits = _mm512_srli_epi64(exponent->limb[limb], shift);

    if (shift + KW_WINDOW > 52 && limb + 1 < KW_LIMBS)
        bits = _mm512_or_si512(bits, _mm512_slli_epi64(exponent->limb[limb + 1], 52 - shift));
    return _mm512_and_si512(bits, _mm512_set1_epi64(TABLE_LEN - 1));
}

/* x = base^(exponent / 2^from) in Montgomery form, for an exponent of `bits` bits: the windows end at bit
 * from. */
static void power_of_base(struct scratch *scratch, unsigned bits, unsigned from)
{
    unsigned windows = bits > from ? (bits - from + KW_WINDOW - 1) / KW_WINDOW : 0;

    for (int g = 0; g < KW_GROUPS; g++) {
        make_table(&scratch->group[g]);
        scratch->group[g].x = scratch->group[g].one;
    }
    for (unsigned window = windows; window-- > 0;) {
        for (int g = 0; g < KW_GROUPS; g++)
            look_up(&scratch->group[g], window_of(&scratch->group[g].exponent, from + window * KW_WINDOW));
        for (int i = 0; i < KW_WINDOW; i++)
            for (int g = 0; g < KW_GROUPS; g++)
                square(&scratch->group[g]);
        for (int g = 0; g < KW_GROUPS; g++) {
            struct group *group = &scratch->group[g];
            multiply(group, &group->x, &group->x, &group->factor);
        }
    }
}

static int ifma_power(
    const struct kw_kernel *kernel, void *opaque, unsigned bits, const struct kw_lane *lanes)
{
    struct scratch *scratch = opaque;

    (void)kernel;
    if (!begin(scratch, bits, lanes))
        return 0;
    load_bases(scratch, bits, lanes);
    for (int g = 0; g < KW_GROUPS; g++)
        load(scratch, &scratch->group[g].exponent, g, lanes, offsetof(struct kw_lane, exponent),
            KW_WORDS_OF_BITS(bits));
    power_of_base(scratch, bits, 0);
    for (int g = 0; g < KW_GROUPS; g++) {
        struct group *group = &scratch->group[g];
        leave_form(group, &group->x);
        for (int i = 0; i < KW_LIMBS; i++)
            _mm512_store_si512(scratch->lanes[i], group->x.limb[i]);
        for (unsigned lane = 0; lane < 8; lane++)
            if (lanes[8 * g + lane].modulus != NULL)
                store_words(lanes[8 * g + lane].result, KW_WORDS_OF_BITS(bits), scratch->lanes, lane);
    }
    kw_ifma_forget();
    return 0;
}

/* ---- Miller-Rabin ---- */

/* The bits of w - 1 below a bit (up to 51) are all 0: all ones, else 0. */
static kw_v zeros_below(const struct group *group, unsigned bit)
{
    kw_v low = _mm512_set1_epi64((1ll << bit) - 2);

    return _mm512_movm_epi64(_mm512_testn_epi64_mask(group->modulus.n.limb[0], low));
}

/* FIPS 186-5 B.3.1 steps 4.4 and 4.5: x = b^((w-1) / 2^bit), and a is the number of zeros that w - 1 ends in.
 * x is one of the test's powers if bit <= a; if bit = a it is the first of them, b^m, which may be 1 as well
 * as -1. */
static kw_v judge(struct group *group, unsigned bit)
{
    struct number *y = &group->factor;
    kw_v in_test = zeros_below(group, bit), not_first = zeros_below(group, bit + 1);

    *y = group->x;
    reduce_fully(group, y);
    kw_v plus = equal(y, &group->one), minus = equal(y, &group->minus_one);
    return _mm512_and_si512(in_test, _mm512_or_si512(minus, _mm512_andnot_si512(not_first, plus)));
}

/* factor = base where the bit of w - 1 is 1, else 1. */
static void choose_factor(struct group *group, unsigned bit)
{
    __mmask8 set = _mm512_test_epi64_mask(group->modulus.n.limb[0], _mm512_set1_epi64(1ll << bit));

    for (int i = 0; i < KW_LIMBS; i++)
        group->factor.limb[i] = _mm512_mask_mov_epi64(group->one.limb[i], set, group->base.limb[i]);
}

static int ifma_round(const struct kw_kernel *kernel, void *opaque, unsigned bits,
    const struct kw_lane *lanes, uint32_t *ret_pass, uint32_t *ret_unsure)
{
    struct scratch *scratch = opaque;
    kw_v pass[KW_GROUPS];
    uint32_t all_pass = 0, all_unsure = 0;

    (void)kernel;
    *ret_pass = *ret_unsure = 0;
    if (!begin(scratch, bits, lanes))
        return 0;
    load_bases(scratch, bits, lanes);
    for (int g = 0; g < KW_GROUPS; g++) {
        struct group *group = &scratch->group[g];
        group->exponent = group->modulus.n; /* its lowest bit, 1 instead of 0, is not used */
        (void)subtract(&group->minus_one, &group->modulus.n, &group->one);
    }
    power_of_base(scratch, bits, KW_ROUND_TWOS);
    for (int g = 0; g < KW_GROUPS; g++)
        pass[g] = judge(&scratch->group[g], KW_ROUND_TWOS);
    for (unsigned bit = KW_ROUND_TWOS; --bit > 0;) {
        for (int g = 0; g < KW_GROUPS; g++)
            square(&scratch->group[g]);
        for (int g = 0; g < KW_GROUPS; g++) {
            struct group *group = &scratch->group[g];
            choose_factor(group, bit);
            multiply(group, &group->x, &group->x, &group->factor);
            pass[g] = _mm512_or_si512(pass[g], judge(group, bit));
        }
    }
    for (int g = 0; g < KW_GROUPS; g++) {
        kw_v unsure = zeros_below(&scratch->group[g], KW_ROUND_TWOS + 1);
        all_pass |= (uint32_t)_mm512_movepi64_mask(_mm512_andnot_si512(unsure, pass[g])) << (8 * g);
        all_unsure |= (uint32_t)_mm512_movepi64_mask(unsure) << (8 * g);
    }
    *ret_pass = all_pass & scratch->active;
    *ret_unsure = all_unsure & scratch->active;
    kw_ifma_forget();
    return 0;
}

/* ---- scratch ---- */

static int ifma_scratch_new(void **ret, const struct kw_kernel *kernel, OSSL_LIB_CTX *libctx)
{
    struct scratch *scratch = kw_secmem_alloc_aligned(sizeof(*scratch), 64);

    (void)kernel;
    (void)libctx;
    if (scratch == NULL)
        return -ENOMEM;
    *ret = scratch;
    return 0;
}

static void ifma_scratch_wipe(void *scratch)
{
    kw_erase(scratch, sizeof(struct scratch));
}

const struct kw_kernel KW_KERNEL = {
    .name = KW_KERNEL_NAME,
    .path = KW_CPU_AVX512IFMA,
    .lanes = LANES,
    .bits_max = BITS_R - KW_SPARE,
    .scratch_new = ifma_scratch_new,
    .scratch_wipe = ifma_scratch_wipe,
    .scratch_free = kw_secmem_free,
    .filter = ifma_filter,
    .round = ifma_round,
    .power = ifma_power,
};
