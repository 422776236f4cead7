/* rsa_rig - an RSA generator with its parts in the open, numbers to plant in it, and kernels that answer what
 * a test wants.
 */
#ifndef KW_TESTS_SUPPORT_RSA_RIG_H
#define KW_TESTS_SUPPORT_RSA_RIG_H

#include "engine/crypto.h"
#include "engine/rsa/parts.h"
#include "tests/support/numbers.h"

static struct kw_rng *rng; /* the program's main makes it */

struct rig {
    struct kw_generator *generator;
    struct kw_rsa_parts *parts;
    struct kw_rsa_kit *kit;
    const struct kw_kernel *real; /* the kernel as it was */
};

/* The paths of this machine are 0 to RIG_PATHS - 1: for loop tests. */
#define RIG_PATHS ((int)kw_cpu_detect() + 1)

static inline const struct kw_generator_ops *rig_ops(int path)
{
    return path == KW_CPU_AVX512IFMA ? &kw_generator_rsa_avx512ifma : &kw_generator_rsa_portable;
}

static inline void rig_up(struct rig *rig, int path, enum kw_spec spec)
{
    ck_assert_int_eq(rig_ops(path)->new (&rig->generator, spec, rng), 0);
    rig->parts = kw_generator_rsa_parts(rig->generator, &rig->kit);
    rig->real = rig->kit->kernel;
}

static inline void rig_down(struct rig *rig)
{
    rig->kit->kernel = rig->real;
    rig->generator->ops->free(rig->generator);
}

static inline unsigned rig_lanes(const struct rig *rig)
{
    return rig->kit->kernel->lanes;
}

/* A search of the finder's whose candidate is number. */
static inline struct kw_search *rig_plant(struct rig *rig, const BIGNUM *number)
{
    struct kw_search *search = kw_search_queue_pop(&rig->parts->finder->unused);

    kw_numbers_words(search->candidate, rig->kit->num, number);
    return search;
}

/* ---- numbers ---- */

static inline bool rig_is_prime(const BIGNUM *number)
{
    int r = BN_check_prime(number, NULL, NULL);

    ck_assert_int_ge(r, 0);
    return r == 1;
}

/* One of exactly that many bits, the two highest set, that is rest modulo modulus. */
static inline BIGNUM *rig_number(int bits, unsigned long modulus, unsigned long rest)
{
    BIGNUM *ret = BN_new();

    ck_assert_int_eq(BN_rand(ret, bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY), 1);
    BN_sub_word(ret, BN_mod_word(ret, modulus));
    BN_add_word(ret, rest);
    ck_assert_int_eq(BN_num_bits(ret), bits);
    return ret;
}

/* A prime with that rest. */
static inline BIGNUM *rig_prime(int bits, unsigned long modulus, unsigned long rest)
{
    BIGNUM *ret = rig_number(bits, modulus, rest);

    while (!rig_is_prime(ret))
        BN_add_word(ret, modulus);
    ck_assert_int_eq(BN_num_bits(ret), bits);
    return ret;
}

/* A product of two primes of which each is 1 modulo modulus. */
static inline BIGNUM *rig_composite(int bits, unsigned long modulus)
{
    BIGNUM *a = rig_prime(bits / 2, modulus, 1), *b = rig_prime(bits / 2, modulus, 1);
    BN_CTX *ctx = BN_CTX_new();

    BN_mul(a, a, b, ctx);
    ck_assert_int_eq(BN_num_bits(a), bits);
    BN_free(b);
    BN_CTX_free(ctx);
    return a;
}

/* ---- kernels that lie ---- */

static struct {
    struct kw_kernel kernel;
    const struct kw_kernel *real;
    bool all_pass, none_passes; /* what the filter says */
    int fatal;                  /* if not 0, what all three return */
    unsigned filters, rounds, powers;
} fake;

static inline int fake_filter(const struct kw_kernel *kernel, void *scratch, unsigned bits,
    const struct kw_lane *lanes, uint32_t *ret_pass)
{
    (void)kernel;
    fake.filters++;
    *ret_pass = fake.all_pass ? (uint32_t)((1ull << fake.real->lanes) - 1) : 0;
    if (fake.fatal != 0 || fake.all_pass || fake.none_passes)
        return fake.fatal;
    return fake.real->filter(fake.real, scratch, bits, lanes, ret_pass);
}

static inline int fake_round(const struct kw_kernel *kernel, void *scratch, unsigned bits,
    const struct kw_lane *lanes, uint32_t *ret_pass, uint32_t *ret_unsure)
{
    (void)kernel;
    fake.rounds++;
    return fake.fatal != 0 ? fake.fatal
                           : fake.real->round(fake.real, scratch, bits, lanes, ret_pass, ret_unsure);
}

static inline int fake_power(
    const struct kw_kernel *kernel, void *scratch, unsigned bits, const struct kw_lane *lanes)
{
    (void)kernel;
    fake.powers++;
    return fake.fatal != 0 ? fake.fatal : fake.real->power(fake.real, scratch, bits, lanes);
}

/* Puts the kernel that lies in the place of the generator's. */
static inline void rig_fake(struct rig *rig)
{
    memset(&fake, 0, sizeof(fake));
    fake.real = rig->real;
    fake.kernel = *rig->real;
    fake.kernel.filter = fake_filter;
    fake.kernel.round = fake_round;
    fake.kernel.power = fake_power;
    rig->kit->kernel = &fake.kernel;
}

#endif
