#include "tests/stress/keys_attacks.h"

#include "tests/stress/keys_judge.h"

#include <openssl/bnerr.h>
#include <openssl/err.h>
#include <stdlib.h>

/* ---- Fermat ---- */

/* Squares end in 12 of 64 ways, and in few modulo these: two of a thousand other numbers pass. */
static bool may_be_square(const BIGNUM *a)
{
    static const BN_ULONG moduli[] = {64, 63, 65, 11};

    for (size_t i = 0; i < KW_ARRAY_LEN(moduli); i++) {
        BN_ULONG rest = BN_mod_word(a, moduli[i]), root = 0;
        while (root < moduli[i] && root * root % moduli[i] != rest)
            root++;
        if (root == moduli[i])
            return false;
    }
    return true;
}

/* ret = floor(sqrt(a)), by Newton's method from above. */
static void take_root(BIGNUM *ret, const BIGNUM *a, BN_CTX *ctx)
{
    BN_CTX_start(ctx);
    BIGNUM *next = BN_CTX_get(ctx);

    KEYS_MUST(next != NULL && BN_set_word(next, 1));
    KEYS_MUST(BN_lshift(next, next, (BN_num_bits(a) + 1) / 2));
    do {
        KEYS_MUST(BN_copy(ret, next) != NULL);
        KEYS_MUST(BN_div(next, NULL, a, ret, ctx) && BN_add(next, next, ret) && BN_rshift1(next, next));
    } while (BN_cmp(next, ret) < 0);
    BN_CTX_end(ctx);
}

static bool is_square(const BIGNUM *a, BN_CTX *ctx)
{
    if (!may_be_square(a))
        return false;
    BN_CTX_start(ctx);
    BIGNUM *root = BN_CTX_get(ctx);
    KEYS_MUST(root != NULL);
    take_root(root, a, ctx);
    KEYS_MUST(BN_sqr(root, root, ctx));
    bool square = BN_cmp(root, a) == 0;
    BN_CTX_end(ctx);
    return square;
}

/* a^2 - n for a from the root of n on: if it is b^2, then n = (a - b)(a + b). */
bool keys_attacks_fermat(const BIGNUM *n, unsigned steps, BN_CTX *ctx)
{
    bool found = false;

    BN_CTX_start(ctx);
    BIGNUM *a = BN_CTX_get(ctx), *rest = BN_CTX_get(ctx);
    KEYS_MUST(rest != NULL);
    take_root(a, n, ctx);
    KEYS_MUST(BN_add_word(a, 1) && BN_sqr(rest, a, ctx) && BN_sub(rest, rest, n));
    for (unsigned i = 0; i < steps && !found; i++) {
        found = is_square(rest, ctx);
        /* (a + 1)^2 = a^2 + 2 a + 1 */
        KEYS_MUST(BN_add(rest, rest, a) && BN_add_word(a, 1) && BN_add(rest, rest, a));
    }
    BN_CTX_end(ctx);
    return found;
}

/* ---- smooth neighbours ---- */

#define SMOOTH_BOUND 65536u

/* The product of all prime powers up to bound. */
static BIGNUM *prime_powers(unsigned bound)
{
    BIGNUM *product = BN_new();
    uint8_t *composite = calloc(bound + 1, 1);

    kw_assert(product != NULL && composite != NULL && BN_one(product));
    for (unsigned prime = 2; prime <= bound; prime++) {
        if (composite[prime])
            continue;
        for (unsigned multiple = 2 * prime; multiple <= bound; multiple += prime)
            composite[multiple] = 1;
        for (uint64_t power = prime; power <= bound; power *= prime)
            KEYS_MUST(BN_mul_word(product, prime));
    }
    free(composite);
    return product;
}

static bool divides(const BIGNUM *divisor, const BIGNUM *number, BN_CTX *ctx)
{
    BN_CTX_start(ctx);
    BIGNUM *rest = BN_CTX_get(ctx);
    KEYS_MUST(rest != NULL && BN_mod(rest, number, divisor, ctx));
    bool yes = BN_is_zero(rest);
    BN_CTX_end(ctx);
    return yes;
}

bool keys_attacks_smooth(const BIGNUM *prime, BN_CTX *ctx)
{
    static BIGNUM *product; /* made once, and reachable to the end */

    if (product == NULL)
        product = prime_powers(SMOOTH_BOUND);
    BN_CTX_start(ctx);
    BIGNUM *neighbour = BN_CTX_get(ctx);
    KEYS_MUST(neighbour != NULL && BN_copy(neighbour, prime) != NULL && BN_sub_word(neighbour, 1));
    bool smooth = divides(neighbour, product, ctx);
    KEYS_MUST(BN_add_word(neighbour, 2));
    smooth |= divides(neighbour, product, ctx);
    BN_CTX_end(ctx);
    return smooth;
}

/* Whether a number that may be 0 and an odd one above 1 have a divisor in common: then, and only then, there
 * is no inverse. */
static bool have_common_divisor(const BIGNUM *a, const BIGNUM *odd, BN_CTX *ctx)
{
    BN_CTX_start(ctx);
    BIGNUM *inverse = BN_CTX_get(ctx);
    KEYS_MUST(inverse != NULL);
    bool common = BN_mod_inverse(inverse, a, odd, ctx) == NULL;
    if (common)
        kw_assert(ERR_GET_REASON(ERR_get_error()) == BN_R_NO_INVERSE);
    ERR_clear_error();
    BN_CTX_end(ctx);
    return common;
}

bool keys_attacks_pollard(const BIGNUM *n, unsigned bound, BN_CTX *ctx)
{
    BIGNUM *exponent = prime_powers(bound);

    BN_CTX_start(ctx);
    BIGNUM *power = BN_CTX_get(ctx);
    KEYS_MUST(power != NULL && BN_set_word(power, 2));
    KEYS_MUST(BN_mod_exp(power, power, exponent, n, ctx) && BN_sub_word(power, 1));
    bool found = have_common_divisor(power, n, ctx);
    BN_CTX_end(ctx);
    BN_free(exponent);
    return found;
}

/* ---- shared divisors ---- */

enum { LEVELS_MAX = 32 };

/* Level 0 has the numbers, each next one the products of two neighbours, the last one all in one. */
struct tree {
    unsigned levels;
    BIGNUM **level[LEVELS_MAX];
    size_t num[LEVELS_MAX];
};

static BIGNUM **new_level(size_t num)
{
    BIGNUM **level = calloc(num, sizeof(*level));

    kw_assert(level != NULL);
    for (size_t i = 0; i < num; i++)
        kw_assert((level[i] = BN_new()) != NULL);
    return level;
}

static void free_level(BIGNUM **level, size_t num)
{
    for (size_t i = 0; i < num; i++)
        BN_free(level[i]);
    free(level);
}

static void tree_grow(struct tree *tree, BIGNUM *const *numbers, size_t num, BN_CTX *ctx)
{
    tree->level[0] = new_level(num);
    tree->num[0] = num;
    for (size_t i = 0; i < num; i++)
        KEYS_MUST(BN_copy(tree->level[0][i], numbers[i]) != NULL);
    for (tree->levels = 1; tree->num[tree->levels - 1] > 1; tree->levels++) {
        unsigned k = tree->levels;
        BIGNUM **below = tree->level[k - 1];
        kw_assert(k < LEVELS_MAX);
        tree->num[k] = (tree->num[k - 1] + 1) / 2;
        tree->level[k] = new_level(tree->num[k]);
        for (size_t i = 0; i < tree->num[k]; i++) {
            if (2 * i + 1 < tree->num[k - 1])
                KEYS_MUST(BN_mul(tree->level[k][i], below[2 * i], below[2 * i + 1], ctx));
            else
                KEYS_MUST(BN_copy(tree->level[k][i], below[2 * i]) != NULL);
        }
    }
}

static void tree_fell(struct tree *tree)
{
    for (unsigned k = 0; k < tree->levels; k++)
        free_level(tree->level[k], tree->num[k]);
}

/* One level down: for each node the product of all numbers outside of it, modulo its own product, from that
 * of its parent. */
static BIGNUM **descend(const struct tree *tree, unsigned k, BIGNUM *const *parents, BN_CTX *ctx)
{
    BIGNUM *const *own = tree->level[k];
    BIGNUM **outside = new_level(tree->num[k]);

    for (size_t i = 0; i < tree->num[k]; i++) {
        size_t sibling = i ^ 1;
        KEYS_MUST(BN_mod(outside[i], parents[i / 2], own[i], ctx));
        if (sibling < tree->num[k]) {
            KEYS_MUST(BN_mul(outside[i], outside[i], own[sibling], ctx));
            KEYS_MUST(BN_mod(outside[i], outside[i], own[i], ctx));
        }
    }
    return outside;
}

/* For each number the product of all others, modulo the number. */
static BIGNUM **products_of_others(const struct tree *tree, BN_CTX *ctx)
{
    BIGNUM **outside = new_level(1);

    KEYS_MUST(BN_one(outside[0]));
    for (unsigned k = tree->levels - 1; k-- > 0;) {
        BIGNUM **next = descend(tree, k, outside, ctx);
        free_level(outside, tree->num[k + 1]);
        outside = next;
    }
    return outside;
}

static int divisor_bits(const BIGNUM *others, const BIGNUM *number, BN_CTX *ctx)
{
    BN_CTX_start(ctx);
    BIGNUM *gcd = BN_CTX_get(ctx);
    KEYS_MUST(gcd != NULL && BN_gcd(gcd, others, number, ctx));
    int bits = BN_num_bits(gcd);
    BN_CTX_end(ctx);
    return bits;
}

size_t keys_attacks_share(BIGNUM *const *numbers, size_t num, int bits_max, BN_CTX *ctx)
{
    struct tree tree = {0};
    size_t found = 0;

    kw_assert(num > 1 && bits_max > 0);
    tree_grow(&tree, numbers, num, ctx);
    BIGNUM **others = products_of_others(&tree, ctx);
    for (; found < num; found++) {
        if (bits_max == 1 ? have_common_divisor(others[found], numbers[found], ctx)
                          : divisor_bits(others[found], numbers[found], ctx) > bits_max)
            break;
    }
    free_level(others, num);
    tree_fell(&tree);
    return found;
}

static int compare(const void *a, const void *b)
{
    return BN_cmp(*(BIGNUM *const *)a, *(BIGNUM *const *)b);
}

bool keys_attacks_twice(BIGNUM *const *numbers, size_t num)
{
    BIGNUM **sorted = calloc(num, sizeof(BIGNUM *));
    bool twice = false;

    kw_assert(sorted != NULL);
    memcpy(sorted, numbers, num * sizeof(BIGNUM *));
    qsort(sorted, num, sizeof(BIGNUM *), compare);
    for (size_t i = 1; i < num; i++)
        twice |= BN_cmp(sorted[i - 1], sorted[i]) == 0;
    free(sorted);
    return twice;
}

/* ---- controls ---- */

#define CONTROL_BITS 256

static BIGNUM *control_prime(BN_CTX *ctx)
{
    BIGNUM *prime = BN_new();

    kw_assert(prime != NULL);
    KEYS_MUST(BN_generate_prime_ex2(prime, CONTROL_BITS, 0, NULL, NULL, NULL, ctx));
    return prime;
}

/* One that lies about 2^(bits/2 + 2) behind another: Fermat's method needs some steps for the two. */
static BIGNUM *prime_behind(const BIGNUM *prime)
{
    BIGNUM *next = BN_new(), *distance = BN_new();

    KEYS_MUST(BN_set_word(distance, 1) && BN_lshift(distance, distance, CONTROL_BITS / 2 + 2));
    KEYS_MUST(BN_add(next, prime, distance));
    while (BN_check_prime(next, NULL, NULL) != 1)
        KEYS_MUST(BN_add_word(next, 2));
    BN_free(distance);
    return next;
}

static bool is_prime_word(unsigned word)
{
    for (unsigned i = 2; i * i <= word; i++)
        if (word % i == 0)
            return false;
    return word > 1;
}

/* A prime of which one neighbour is the product of all prime powers up to 256 and of one prime more, which is
 * above them and, since one of 30 or so makes a prime, far below 2^14. */
static BIGNUM *smooth_prime(bool neighbour_below)
{
    BIGNUM *prime = BN_new(), *product = prime_powers(256);
    unsigned factor = 256;

    kw_assert(prime != NULL);
    do {
        do
            factor++;
        while (!is_prime_word(factor));
        KEYS_MUST(BN_copy(prime, product) != NULL && BN_mul_word(prime, factor));
        KEYS_MUST(neighbour_below ? BN_add_word(prime, 1) : BN_sub_word(prime, 1));
    } while (BN_check_prime(prime, NULL, NULL) != 1);
    BN_free(product);
    return prime;
}

static void control_factoring(const BIGNUM *prime, BN_CTX *ctx)
{
    BIGNUM *near = prime_behind(prime), *n = BN_new();

    KEYS_MUST(BN_mul(n, prime, near, ctx));
    kw_assert(keys_attacks_fermat(n, 16, ctx) && !keys_attacks_pollard(n, 1024, ctx));
    for (int below = 0; below < 2; below++) {
        BIGNUM *smooth = smooth_prime(below != 0);
        kw_assert(keys_attacks_smooth(smooth, ctx));
        KEYS_MUST(BN_mul(n, prime, smooth, ctx));
        kw_assert(!keys_attacks_fermat(n, 16, ctx));
        kw_assert(below == 0 || keys_attacks_pollard(n, 1u << 14, ctx));
        BN_free(smooth);
    }
    kw_assert(!keys_attacks_smooth(prime, ctx));
    BN_free(near);
    BN_free(n);
}

/* Numbers of which the second and the last have a prime in common, for each length of a list. */
static void control_sharing(BIGNUM *const *primes, BN_CTX *ctx)
{
    enum { NUM = 9 };
    BIGNUM **n = new_level(NUM);

    for (size_t i = 0; i < NUM; i++)
        KEYS_MUST(BN_mul(n[i], primes[2 * i], primes[2 * i + 1], ctx));
    for (size_t num = 2; num <= NUM; num++) {
        kw_assert(keys_attacks_share(n, num, 1, ctx) == num && !keys_attacks_twice(n, num));
        kw_assert(keys_attacks_share(n, num, CONTROL_BITS - 1, ctx) == num);
        KEYS_MUST(BN_mul(n[num - 1], primes[2 * num - 2], primes[num > 2 ? 3 : 0], ctx));
        size_t first = num > 2 ? 1 : 0;
        kw_assert(keys_attacks_share(n, num, 1, ctx) == first);
        kw_assert(keys_attacks_share(n, num, CONTROL_BITS - 1, ctx) == first);
        kw_assert(keys_attacks_share(n, num, CONTROL_BITS, ctx) == num);
        KEYS_MUST(BN_copy(n[num - 1], n[0]) != NULL);
        kw_assert(keys_attacks_share(n, num, 1, ctx) == 0 && keys_attacks_twice(n, num));
        KEYS_MUST(BN_mul(n[num - 1], primes[2 * num - 2], primes[2 * num - 1], ctx));
    }
    free_level(n, NUM);
}

void keys_attacks_control(BN_CTX *ctx)
{
    enum { PRIMES = 18 };
    BIGNUM *primes[PRIMES];

    for (size_t i = 0; i < PRIMES; i++)
        primes[i] = control_prime(ctx);
    control_factoring(primes[0], ctx);
    control_sharing(primes, ctx);
    for (size_t i = 0; i < PRIMES; i++)
        BN_free(primes[i]);
}
