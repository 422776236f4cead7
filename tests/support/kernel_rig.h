/* kernel_rig - one batch for a kernel under test with all the room that its lanes may need, numbers to fill
 * it with, and the kernels that this machine can run. A kernel of a path that it does not have is left out,
 * in words.
 */
#ifndef KW_TESTS_SUPPORT_KERNEL_RIG_H
#define KW_TESTS_SUPPORT_KERNEL_RIG_H

#include "engine/crypto.h"
#include "engine/rsa/kernel.h"
#include "tests/support/numbers.h"
#include "tests/support/sanitized.h"
#include "tests/support/suite.h"

#include <stdio.h>

enum { WORDS = KW_WORDS_MAX, LANES = KW_LANES_MAX, KERNELS_MAX = 32 };

static const struct kw_kernel *kernels[KERNELS_MAX]; /* those that can run here */
static int num_kernels;

/* What each lane may point to. */
struct batch {
    unsigned bits;
    size_t num;
    uint64_t modulus[LANES][WORDS];
    uint64_t base[LANES][WORDS];
    uint64_t exponent[LANES][WORDS];
    uint64_t result[LANES][WORDS];
    struct kw_lane lanes[LANES];
};

static struct batch batch;
static const struct kw_kernel *kernel;
static void *scratch;
static BN_CTX *ctx;

static inline void begin(int index)
{
    kernel = kernels[index];
    ck_assert_int_eq(kernel->scratch_new(&scratch, kernel, NULL), 0);
    ctx = BN_CTX_new();
}

static inline void end(void)
{
    kernel->scratch_free(scratch);
    BN_CTX_free(ctx);
    scratch = NULL;
}

/* Lengths to test a kernel with: around words, limbs of 52 bits and the sizes of keys, and its own limit. */
static const unsigned lengths[] = {5, 17, 51, 52, 53, 63, 64, 65, 104, 127, 128, 141, 142, 171, 201, 202, 208,
    209, 255, 256, 257, 260, 320, 511, 512, 1007, 1023, 1024, 1025, 1040, 1041, 1535, 1536, 1537, 1560, 1561,
    2047, 2048, 2049, 2080, 4096};

/* How often something of that length may be repeated for the test to stay short. */
static inline unsigned times(unsigned bits, unsigned at_1024)
{
    unsigned num = (unsigned)((uint64_t)at_1024 * 1024 * 1024 / bits / bits * 1024 / bits);

    return KW_MIN(KW_MAX(num, 1), KW_SANITIZED ? at_1024 : 16 * at_1024);
}

static inline void set_bits(unsigned bits)
{
    memset(&batch, 0, sizeof(batch));
    batch.bits = bits;
    batch.num = KW_WORDS_OF_BITS(bits);
    memset(batch.result, 0xa5, sizeof(batch.result));
}

static inline void use_lane(unsigned lane)
{
    batch.lanes[lane] = (struct kw_lane){
        .modulus = batch.modulus[lane],
        .base = batch.base[lane],
        .exponent = batch.exponent[lane],
        .result = batch.result[lane],
    };
}

static inline void show(const char *what, unsigned lane)
{
    BIGNUM *m = kw_numbers_bn_new(batch.modulus[lane], batch.num);
    BIGNUM *b = kw_numbers_bn_new(batch.base[lane], batch.num);
    BIGNUM *e = kw_numbers_bn_new(batch.exponent[lane], batch.num);

    printf("%s %s lane %u bits %u\n m ", kernel->name, what, lane, batch.bits);
    BN_print_fp(stdout, m);
    printf("\n b ");
    BN_print_fp(stdout, b);
    printf("\n e ");
    BN_print_fp(stdout, e);
    printf("\n");
    BN_free(m);
    BN_free(b);
    BN_free(e);
}

/* ---- moduli ---- */

enum modulus_kind {
    MODULUS_RANDOM,  /* of exactly that length */
    MODULUS_ONES,    /* 2^bits - 1 */
    MODULUS_BELOW,   /* a little less than 2^bits */
    MODULUS_POWER,   /* 2^(bits - 1) + 1 */
    MODULUS_ABOVE,   /* a little more than 2^(bits - 1) */
    MODULUS_LIMBS,   /* limbs of 52 bits, each all ones or all zeros */
    MODULUS_WORDS,   /* words of 64 bits likewise */
    MODULUS_SHORTER, /* any shorter length */
    MODULUS_SMALL,   /* two digits */
    MODULUS_KINDS,
};

/* Runs of equal bits, each as long as a limb. */
static inline void runs(uint64_t *ret, unsigned bits, unsigned limb)
{
    for (unsigned begin_at = 0; begin_at < bits; begin_at += limb) {
        bool ones = kw_numbers_below(2) == 1;
        for (unsigned i = begin_at; ones && i < KW_MIN(begin_at + limb, bits); i++)
            ret[i / 64] |= (uint64_t)1 << i % 64;
    }
}

static inline void cut(uint64_t *ret, unsigned bits)
{
    for (unsigned i = bits; i < 64 * WORDS; i++)
        ret[i / 64] &= ~((uint64_t)1 << i % 64);
}

static inline void make_modulus(uint64_t *ret, unsigned bits, enum modulus_kind kind)
{
    BIGNUM *m = BN_new();

    BN_set_bit(m, (int)bits - 1);
    memset(ret, 0, 8 * WORDS);
    switch (kind) {
    case MODULUS_SHORTER:
        bits = 3 + kw_numbers_below(bits - 2);
        BN_rand(m, (int)bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
        break;
    case MODULUS_ONES:
    case MODULUS_BELOW:
        BN_lshift1(m, m);
        BN_sub_word(m, kind == MODULUS_ONES ? 1 : kw_numbers_below(1000));
        break;
    case MODULUS_POWER:
    case MODULUS_ABOVE:
        BN_add_word(m, kind == MODULUS_POWER ? 1 : kw_numbers_below(1000));
        break;
    case MODULUS_SMALL:
        BN_set_word(m, kw_numbers_below(100));
        break;
    default:
        BN_rand(m, (int)bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    }
    kw_numbers_words(ret, WORDS, m);
    if (kind == MODULUS_LIMBS || kind == MODULUS_WORDS) {
        memset(ret, 0, 8 * WORDS);
        runs(ret, bits, kind == MODULUS_LIMBS ? 52 : 64);
    }
    ret[0] |= 5; /* odd, above 3 */
    cut(ret, bits);
    BN_free(m);
}

/* ---- what to expect ---- */

/* By division and not by Montgomery's method where that is not too slow. */
static inline void expect_power(BIGNUM *ret, const BIGNUM *b, const BIGNUM *e, const BIGNUM *m)
{
    if (BN_num_bits(m) <= 1024 || kw_numbers_below(8) == 0)
        ck_assert_int_eq(BN_mod_exp_recp(ret, b, e, m, ctx), 1);
    else
        ck_assert_int_eq(BN_mod_exp_mont(ret, b, e, m, ctx, NULL), 1);
}

/* Known primes nearest to powers of two: 2^bits - below and 2^(bits - 1) + above. */
static const struct {
    unsigned bits, below, above;
} primes[] = {
    {17, 1, 1},
    {32, 5, 11},
    {52, 47, 21},
    {63, 25, 135},
    {64, 59, 29},
    {65, 49, 13},
    {104, 17, 81},
    {127, 1, 7},
    {128, 159, 29},
    {141, 9, 37},
    {142, 111, 5},
    {171, 19, 49},
    {201, 55, 235},
    {202, 183, 351},
    {256, 189, 95},
    {257, 93, 297},
    {320, 197, 9},
    {416, 435, 323},
    {512, 569, 111},
    {520, 383, 393},
    {1023, 361, 1443},
    {1024, 105, 1155},
    {1025, 2673, 643},
    {1040, 395, 23},
    {1536, 3453, 699},
    {1560, 1323, 729},
    {2048, 1557, 1919},
    {2080, 3339, 3015},
};

/* way 0 and 1: the prime below and above; 2 and 3: the next odd number, which is none. */
static inline void set_known(uint64_t *ret, size_t index, unsigned way)
{
    BIGNUM *m = BN_new();

    if (way % 2 == 0) {
        BN_set_bit(m, (int)primes[index].bits);
        BN_sub_word(m, primes[index].below + way);
    } else {
        BN_set_bit(m, (int)primes[index].bits - 1);
        BN_add_word(m, primes[index].above + way - 1);
    }
    kw_numbers_words(ret, WORDS, m);
    BN_free(m);
}

/* ---- kernels ---- */

static inline void collect(void)
{
    const struct kw_kernel *found;

    for (size_t i = 0; (found = kw_kernel_at(i)) != NULL; i++) {
        if (found->path != KW_CPU_PORTABLE && found->path != kw_cpu_detect()) {
            printf("left out: %s, this CPU has no %s\n", found->name, kw_cpu_path_name(found->path));
            continue;
        }
        kw_assert(num_kernels < KERNELS_MAX);
        kernels[num_kernels++] = found;
    }
}

#endif
