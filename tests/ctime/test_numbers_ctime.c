/* The arithmetic of RSA keys with every input undefined, for valgrind's memcheck: it reports each branch and
 * each address that a secret decides, and this program has nothing to say itself. Without an argument it runs
 * the arithmetic; `branch` and `address` do what must not be done, so that one sees that the checker sees it.
 * No allocation, no OpenSSL.
 */
#include "engine/ctime.h"
#include "engine/rsa/gcd.h"
#include "engine/rsa/key.h"

#include <stdio.h>

enum { SKIP = 77, NUM_MAX = 33 };

static uint64_t a[KW_WORDS_MAX], b[KW_WORDS_MAX], m[KW_WORDS_MAX], out[2 * KW_WORDS_MAX];
static uint8_t bytes[8 * KW_WORDS_MAX];
static struct kw_rsa_key key;

/* Marsaglia's xorshift: operands of no meaning, the same in each run. */
static uint64_t draw(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* What a mask is fed to, so that its computation is not left out. */
static volatile uint64_t sink;

static void fresh(void)
{
    for (size_t i = 0; i < KW_WORDS_MAX; i++) {
        a[i] = draw();
        b[i] = draw();
        m[i] = draw();
    }
    m[0] |= 1;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)draw();
    kw_ctime_secret(a, sizeof(a));
    kw_ctime_secret(b, sizeof(b));
    kw_ctime_secret(m, sizeof(m));
    kw_ctime_secret(bytes, sizeof(bytes));
}

static void run_conditions(size_t num)
{
    sink = kw_mask_zero(a[0]) ^ kw_mask_equal(a[0], b[0]) ^ kw_mask_less(a[0], b[0]);
    sink = kw_words_is_zero(a, num);
    sink = kw_words_is_word(a, num, b[0]);
    sink = kw_words_equal(a, b, num);
    sink = kw_words_less(a, b, num);
    sink = kw_words_bits(a, num);
}

static void run_sums(size_t num)
{
    sink = kw_words_add(out, a, b, num);
    sink = kw_words_sub(out, a, b, num);
    sink = kw_words_add_word(out, a, num, b[0]);
    sink = kw_words_sub_word(out, a, num, b[0]);
    sink = kw_words_add_masked(out, b, num, kw_mask_bit(a[0]));
    kw_words_select(out, kw_mask_bit(a[0]), a, b, num);
    kw_words_swap(a, b, num, kw_mask_bit(m[0]));
}

static void run_products(size_t num)
{
    sink = kw_words_mul_word(out, a, num, b[0]);
    sink = kw_words_mul_add_word(out, a, num, b[0]);
    kw_words_mul(out, a, num, b, num);
    kw_words_mul(out, a, num, b, 3);
}

static void run_shifts(size_t num)
{
    unsigned count_mask = num > 1 ? 127 : 63;

    kw_words_shift_left(out, a, num, 13);
    kw_words_shift_right(out, a, num, (unsigned)(64 * num - 1));
    kw_words_shift_left_secret(out, a, num, (unsigned)b[0] & count_mask);
    kw_words_shift_right_secret(out, a, num, (unsigned)b[0] & count_mask);
}

static void run_remainders(size_t num)
{
    sink = kw_words_mod_word(a, num, KW_RSA_E);
    kw_words_mod(out, a, num, m, num);
    kw_words_mod(out, a, KW_WORDS_MAX, m, num);
}

static void run_bytes(size_t num)
{
    kw_words_from_bytes(out, num, bytes, 8 * num - 3);
    kw_words_to_bytes(bytes, 8 * num - 3, a, num);
}

static void run_gcd(size_t num)
{
    kw_gcd(out, a, b, num);
    sink = kw_gcd_invert(out, a, m, num);
}

/* Odd numbers of the range that fit as primes do; derive and check look no closer. */
static void draw_key(unsigned bits)
{
    size_t num = bits / 128;

    key.bits = bits;
    do {
        for (size_t i = 0; i < num; i++) {
            key.p[i] = draw();
            key.q[i] = draw();
        }
        key.p[0] |= 1;
        key.q[0] |= 1;
        key.p[num - 1] |= 3ull << 62;
        key.q[num - 1] |= 3ull << 62;
    } while (kw_rsa_key_derive(&key) != 0);
    kw_words_swap(key.p, key.q, num, kw_mask_bit(draw()));
    kw_ctime_secret(key.p, sizeof(key.p));
    kw_ctime_secret(key.q, sizeof(key.q));
}

/* What these two return is declassified where they return it. Returns whether a right and a wrong key are
 * taken as such. */
static bool run_key(unsigned bits)
{
    draw_key(bits);
    sink = kw_rsa_key_distant(key.p, key.q, bits);
    bool right = kw_rsa_key_derive(&key) == 0 && kw_rsa_key_check(&key) == 0;
    key.d[1] ^= 2;
    bool wrong = kw_rsa_key_check(&key) == KW_RSA_KEY_WRONG;
    memcpy(key.q, key.p, sizeof(key.q));
    return right && wrong && kw_rsa_key_derive(&key) == KW_RSA_KEY_UNFIT;
}

static int run_all(void)
{
    bool expected = true;

    for (size_t num = 1; num <= NUM_MAX; num++) {
        fresh();
        run_conditions(num);
        run_sums(num);
        run_products(num);
        run_shifts(num);
        run_remainders(num);
        run_bytes(num);
        run_gcd(num);
    }
    for (unsigned bits = 2048; bits <= 4096; bits += 1024)
        expected &= run_key(bits);
    return expected ? 0 : 1;
}

/* Without a checker this succeeds, which is what is not expected. */
static int run_forbidden(const char *what)
{
    static const char table[256] = {1, 2, 3};

    fresh();
    if (strcmp(what, "branch") == 0) {
        if (bytes[0] & 1)
            sink = 1;
    } else if (strcmp(what, "address") == 0) {
        sink = (uint64_t)table[bytes[0]];
    } else {
        fprintf(stderr, "usage: numbers [branch|address]\n");
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return run_forbidden(argv[1]);
    if (!kw_ctime_watched()) {
        printf("skipped: runs under valgrind, or built with MemorySanitizer\n");
        return SKIP;
    }
    return run_all();
}
