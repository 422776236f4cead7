#include "engine/rsa/gcd.h"

/* The steps of Bernstein and Yang, for f odd and any g, in the variant of Pieter Wuille that begins with
 * delta = 1/2:
 * - g odd and delta > 0: (delta, f, g) becomes (1 - delta, g, (g - f) / 2);
 * - g odd and delta < 0: (1 + delta, f, (g + f) / 2);
 * - g even: (1 + delta, f, g / 2).
 *
 * They keep gcd(f, g), and neither |f| nor |g| ever exceeds what the larger of them was at first. When g is 0
 * it stays so, and |f| is the gcd. What 62 steps do is decided by the lowest 62 bits of f and g, and is a
 * matrix of integers divided by 2^62: a batch finds it in registers, then applies it to the whole numbers. */
#define STEPS 62

/* Numbers are limbs of 62 bits, each in [0, 2^62) but the highest, which has the sign. */
#define LIMB_MASK (UINT64_MAX >> 2)
/* d and e below reach from -2 m to m: 64 num + 2 bits with the sign. */
#define LIMBS_OF_WORDS(num) ((64 * (num) + 2 + STEPS - 1) / STEPS)
#define LIMBS_MAX           LIMBS_OF_WORDS(KW_GCD_WORDS_MAX)

typedef int64_t limbs[LIMBS_MAX];
/* Sums of at most three products of a limb and a factor of at most 63 bits, below 2^126. */
__extension__ typedef __int128 wide;

/* 2^62 times what 62 steps do: f' = (u f + v g) / 2^62, g' = (q f + r g) / 2^62. |u| + |v| and |q| + |r| are
 * at most 2^62: each step at most doubles them (Bernstein and Yang, theorem 9.2 and section 8.3). */
struct matrix {
    int64_t u, v, q, r;
};

struct state {
    size_t num_limbs;
    int64_t below; /* -(delta + 1/2), an integer: negative if and only if delta > 0 */
    struct matrix matrix;
    limbs f, g;
    limbs d, e; /* with the inverse: f = d a, g = e a modulo m; -2 m < d, e < m */
    limbs m;
    uint64_t m_inverse; /* m^-1 modulo 2^62 */
};

/* Steps after which g = 0 for all 0 <= f, g < 2^bits: (45907 bits + 30179) / 19929, rounded down, in this
 * variant (Wuille, "Generic formula for hddivsteps", theorem 6, in his repository safegcd-bounds; the bounds
 * that he found by computation for g <= f up to 3805 bits are below that). With delta = 1 at first it takes
 * (49 bits + 57) / 17 (Bernstein and Yang, theorem 11.2), a quarter more. */
static size_t num_batches(size_t num_words)
{
    size_t steps = (45907 * 64 * num_words + 30179) / 19929;

    return (steps + STEPS - 1) / STEPS;
}

static void from_words(int64_t *ret, size_t num_limbs, const uint64_t *a, size_t num)
{
    for (size_t i = 0; i < num_limbs; i++) {
        size_t word = STEPS * i / 64, shift = STEPS * i % 64;
        uint64_t low = word < num ? a[word] >> shift : 0;
        uint64_t high = word + 1 < num ? a[word + 1] << 1 << (63 - shift) : 0;
        ret[i] = (int64_t)((low | high) & LIMB_MASK);
    }
}

/* a is not negative. A shift is at most 60, so that a word has parts of two limbs only. */
static void to_words(uint64_t *ret, size_t num, const int64_t *a, size_t num_limbs)
{
    for (size_t i = 0; i < num; i++) {
        size_t limb = 64 * i / STEPS, shift = 64 * i % STEPS;
        uint64_t low = (uint64_t)a[limb] >> shift;
        uint64_t high = limb + 1 < num_limbs ? (uint64_t)a[limb + 1] << (STEPS - shift) : 0;
        ret[i] = low | high;
    }
}

/* All ones if the number is negative. */
static uint64_t sign_mask(const int64_t *a, size_t num_limbs)
{
    return kw_mask_bit((uint64_t)a[num_limbs - 1] >> 63);
}

/* a += mask & b. */
static void add_masked(int64_t *a, const int64_t *b, size_t num_limbs, uint64_t mask)
{
    int64_t carry = 0;

    for (size_t i = 0; i < num_limbs; i++) {
        int64_t sum = a[i] + (int64_t)(mask & (uint64_t)b[i]) + carry;
        bool top = i + 1 == num_limbs;
        a[i] = top ? sum : (int64_t)((uint64_t)sum & LIMB_MASK);
        carry = sum >> STEPS;
    }
}

/* a = -a where the mask is all ones. */
static void negate_masked(int64_t *a, size_t num_limbs, uint64_t mask)
{
    int64_t carry = 0;

    for (size_t i = 0; i < num_limbs; i++) {
        int64_t sum = (int64_t)(((uint64_t)a[i] ^ mask) - mask) + carry;
        bool top = i + 1 == num_limbs;
        a[i] = top ? sum : (int64_t)((uint64_t)sum & LIMB_MASK);
        carry = sum >> STEPS;
    }
}

/* 62 steps on the lowest bits of f and g. (u, v) and (q, r) follow f and g, but where g is halved they double
 * instead. */
static void find_matrix(struct state *s)
{
    uint64_t f = (uint64_t)s->f[0], g = (uint64_t)s->g[0], below = (uint64_t)s->below;
    uint64_t u = 1, v = 0, q = 0, r = 1;

    for (int i = 0; i < STEPS; i++) {
        uint64_t positive = kw_mask_bit(below >> 63), odd = kw_mask_bit(g);
        uint64_t swap = positive & odd;
        /* g - f or g + f, with -f = ~f + 1. */
        g += ((f ^ positive) - positive) & odd;
        q += ((u ^ positive) - positive) & odd;
        r += ((v ^ positive) - positive) & odd;
        /* 1 - delta is below -> -below - 2, 1 + delta is below -> below - 1. */
        below = (below ^ swap) - 1;
        /* f + (g - f) is the old g. */
        f += g & swap;
        u += q & swap;
        v += r & swap;
        g >>= 1;
        u <<= 1;
        v <<= 1;
    }
    s->below = (int64_t)below;
    s->matrix = (struct matrix){(int64_t)u, (int64_t)v, (int64_t)q, (int64_t)r};
}

/* The matrix on f and g. The lowest 62 bits of both sums are 0. */
static void step_numbers(struct state *s)
{
    const struct matrix *t = &s->matrix;
    wide f = ((wide)t->u * s->f[0] + (wide)t->v * s->g[0]) >> STEPS;
    wide g = ((wide)t->q * s->f[0] + (wide)t->r * s->g[0]) >> STEPS;

    for (size_t i = 1; i < s->num_limbs; i++) {
        f += (wide)t->u * s->f[i] + (wide)t->v * s->g[i];
        g += (wide)t->q * s->f[i] + (wide)t->r * s->g[i];
        s->f[i - 1] = (int64_t)((uint64_t)f & LIMB_MASK);
        s->g[i - 1] = (int64_t)((uint64_t)g & LIMB_MASK);
        f >>= STEPS;
        g >>= STEPS;
    }
    s->f[s->num_limbs - 1] = (int64_t)f;
    s->g[s->num_limbs - 1] = (int64_t)g;
}

/* What to add times m to u d + v e: m for each of d and e that is negative (which brings them into (-m, m)),
 * and as much in
 * (-2^62, 0] as makes the lowest 62 bits 0. */
static int64_t correction(const struct state *s, int64_t u, int64_t v, uint64_t d_sign, uint64_t e_sign)
{
    uint64_t low = (uint64_t)u * (uint64_t)s->d[0] + (uint64_t)v * (uint64_t)s->e[0];
    uint64_t times = ((uint64_t)u & d_sign) + ((uint64_t)v & e_sign);

    return (int64_t)(times - ((s->m_inverse * low + times) & LIMB_MASK));
}

/* The matrix on d and e modulo m. With d, e in (-2 m, m), raised to (-m, m), u d + v e is in (-2^62 m, 2^62
 * m); less than 2^62 m is taken off, and the quotient by 2^62 is in (-2 m, m) again. */
static void step_cofactors(struct state *s)
{
    const struct matrix *t = &s->matrix;
    uint64_t d_sign = sign_mask(s->d, s->num_limbs), e_sign = sign_mask(s->e, s->num_limbs);
    int64_t d_times = correction(s, t->u, t->v, d_sign, e_sign);
    int64_t e_times = correction(s, t->q, t->r, d_sign, e_sign);
    wide d = 0, e = 0;

    for (size_t i = 0; i < s->num_limbs; i++) {
        d += (wide)t->u * s->d[i] + (wide)t->v * s->e[i] + (wide)d_times * s->m[i];
        e += (wide)t->q * s->d[i] + (wide)t->r * s->e[i] + (wide)e_times * s->m[i];
        if (i > 0) {
            s->d[i - 1] = (int64_t)((uint64_t)d & LIMB_MASK);
            s->e[i - 1] = (int64_t)((uint64_t)e & LIMB_MASK);
        }
        d >>= STEPS;
        e >>= STEPS;
    }
    s->d[s->num_limbs - 1] = (int64_t)d;
    s->e[s->num_limbs - 1] = (int64_t)e;
}

static void state_init(struct state *s, const uint64_t *f, const uint64_t *g, size_t num)
{
    kw_assert(num > 0 && num <= KW_GCD_WORDS_MAX);
    memset(s, 0, sizeof(*s));
    s->num_limbs = LIMBS_OF_WORDS(num);
    s->below = -1; /* delta = 1/2 */
    from_words(s->f, s->num_limbs, f, num);
    from_words(s->g, s->num_limbs, g, num);
}

/* The number of zeros below the lowest one of a that is not 0. */
static unsigned trailing_zeros(const uint64_t *a, size_t num)
{
    uint64_t lowest[KW_GCD_WORDS_MAX];
    KW_ERASE_GUARD(lowest);
    uint64_t carry = 1;

    /* a & -a */
    for (size_t i = 0; i < num; i++) {
        kw_wide sum = (kw_wide)~a[i] + carry;
        lowest[i] = (uint64_t)sum & a[i];
        carry = (uint64_t)(sum >> 64);
    }
    return kw_words_bits(lowest, num) - 1;
}

void kw_gcd(uint64_t *ret, const uint64_t *a, const uint64_t *b, size_t num)
{
    struct state s;
    KW_ERASE_GUARD(s);
    uint64_t odd[KW_GCD_WORDS_MAX];
    KW_ERASE_GUARD(odd);
    uint64_t other[KW_GCD_WORDS_MAX];
    KW_ERASE_GUARD(other);

    kw_assert(num > 0 && num <= KW_GCD_WORDS_MAX);
    /* Without the powers of two that they share, one of them is odd. */
    for (size_t i = 0; i < num; i++)
        odd[i] = a[i] | b[i];
    unsigned twos = trailing_zeros(odd, num);
    kw_words_shift_right_secret(odd, a, num, twos);
    kw_words_shift_right_secret(other, b, num, twos);
    kw_words_swap(odd, other, num, ~kw_mask_bit(odd[0]));

    state_init(&s, odd, other, num);
    for (size_t i = num_batches(num); i > 0; i--) {
        find_matrix(&s);
        step_numbers(&s);
    }
    negate_masked(s.f, s.num_limbs, sign_mask(s.f, s.num_limbs));
    to_words(ret, num, s.f, s.num_limbs);
    kw_words_shift_left_secret(ret, ret, num, twos);
}

/* m^-1 modulo 2^62 by Newton's method: m is its own inverse modulo 2^3, and each turn doubles the bits. */
static uint64_t word_inverse(uint64_t m)
{
    uint64_t inverse = m;

    for (int bits = 3; bits < STEPS; bits *= 2)
        inverse *= 2 - m * inverse;
    return inverse & LIMB_MASK;
}

uint64_t kw_gcd_invert(uint64_t *ret, const uint64_t *a, const uint64_t *m, size_t num)
{
    struct state s;
    KW_ERASE_GUARD(s);

    state_init(&s, m, a, num);
    memcpy(s.m, s.f, sizeof(s.m));
    s.m_inverse = word_inverse(m[0]);
    s.e[0] = 1; /* and d = 0 */
    for (size_t i = num_batches(num); i > 0; i--) {
        find_matrix(&s);
        step_numbers(&s);
        step_cofactors(&s);
    }

    /* f is the gcd or its negative, and f = d a: the inverse is d or -d, brought from (-2 m, m) to [0, m). */
    uint64_t negative = sign_mask(s.f, s.num_limbs);
    negate_masked(s.f, s.num_limbs, negative);
    add_masked(s.d, s.m, s.num_limbs, sign_mask(s.d, s.num_limbs));
    negate_masked(s.d, s.num_limbs, negative);
    add_masked(s.d, s.m, s.num_limbs, sign_mask(s.d, s.num_limbs));

    /* g is 0 by the bound above; should it not be, there is no inverse rather than a wrong one. */
    uint64_t rest = (uint64_t)s.f[0] ^ 1;
    for (size_t i = 0; i < s.num_limbs; i++)
        rest |= (i > 0 ? (uint64_t)s.f[i] : 0) | (uint64_t)s.g[i];
    uint64_t exists = kw_mask_zero(rest);
    to_words(ret, num, s.d, s.num_limbs);
    for (size_t i = 0; i < num; i++)
        ret[i] &= exists;
    return exists;
}
