/* Power and filter of every kernel there is against OpenSSL's bignums; rounds: test_kernel_round.c. */
#include "tests/support/kernel_rig.h"

/* ---- power ---- */

/* A base of any kind, reduced or not. */
static void make_base(uint64_t *ret, const uint64_t *modulus, size_t num)
{
    kw_numbers_any(ret, num);
    switch (kw_numbers_below(6)) {
    case 0: /* -1 */
        memcpy(ret, modulus, 8 * num);
        ret[0] ^= 1;
        break;
    case 1: /* 0, unreduced */
        memcpy(ret, modulus, 8 * num);
        break;
    case 2: /* 2 */
        memset(ret, 0, 8 * num);
        ret[0] = 2;
        break;
    default:
        break;
    }
}

static void check_power(unsigned lane)
{
    BIGNUM *m = kw_numbers_bn_new(batch.modulus[lane], batch.num);
    BIGNUM *b = kw_numbers_bn_new(batch.base[lane], batch.num);
    BIGNUM *e = kw_numbers_bn_new(batch.exponent[lane], batch.num);

    expect_power(b, b, e, m);
    if (!kw_numbers_same(batch.result[lane], batch.num, b)) {
        show("power", lane);
        ck_abort();
    }
    BN_free(m);
    BN_free(b);
    BN_free(e);
}

/* Nothing but the words of a result in use was written. */
static bool others_untouched(void)
{
    bool untouched = true;

    for (unsigned lane = 0; lane < LANES; lane++) {
        for (size_t i = batch.lanes[lane].modulus == NULL ? 0 : batch.num; i < WORDS; i++)
            untouched &= batch.result[lane][i] == 0xa5a5a5a5a5a5a5a5;
    }
    return untouched;
}

/* Every lane of its own kind; one in eight idle, if there are several. */
static void fill_lanes(unsigned bits, enum modulus_kind first)
{
    set_bits(bits);
    for (unsigned lane = 0; lane < kernel->lanes; lane++) {
        make_modulus(batch.modulus[lane], bits, (enum modulus_kind)((first + lane) % MODULUS_KINDS));
        make_base(batch.base[lane], batch.modulus[lane], batch.num);
        kw_numbers_any(batch.exponent[lane], batch.num);
        cut(batch.base[lane], bits);
        cut(batch.exponent[lane], bits);
        if (kernel->lanes == 1 || kw_numbers_below(8) != 0)
            use_lane(lane);
    }
}

static void run_power(void)
{
    ck_assert_int_eq(kernel->power(kernel, scratch, batch.bits, batch.lanes), 0);
    for (unsigned lane = 0; lane < kernel->lanes; lane++) {
        if (batch.lanes[lane].modulus != NULL)
            check_power(lane);
    }
    ck_assert(others_untouched());
}

/* Of each length, at least. A sanitizer makes them twenty times slower. */
#define AT_LEAST (KW_SANITIZED ? 1u : 2u)

/* One scratch for all lengths, up and down: what is left of a longer number must not be seen. */
static void power_of(unsigned bits)
{
    unsigned num = times(bits, 5) / kernel->lanes;

    for (unsigned i = 0; i < KW_MAX(num, AT_LEAST); i++) {
        fill_lanes(bits, (enum modulus_kind)(i % MODULUS_KINDS));
        run_power();
    }
}

START_TEST(power_random_and_extreme)
{
    begin(_i);
    for (size_t i = 0; i < KW_ARRAY_LEN(lengths); i++) {
        unsigned bits[] = {lengths[i], lengths[KW_ARRAY_LEN(lengths) - 1 - i]};
        for (size_t way = 0; way < AT_LEAST; way++) {
            if (bits[way] <= kernel->bits_max)
                power_of(bits[way]);
        }
    }
    power_of(kernel->bits_max);
    end();
}
END_TEST

/* Each extreme base with each extreme exponent and modulus, all of them, at one length of the kernel. */
START_TEST(power_extreme_products)
{
    static const enum kw_numbers_kind kinds[] = {
        KW_NUMBERS_ZERO, KW_NUMBERS_ONE, KW_NUMBERS_ONES, KW_NUMBERS_POWER, KW_NUMBERS_RANDOM};
    enum { KINDS = KW_ARRAY_LEN(kinds) };
    unsigned next = 0, bits = KW_MIN(_i % 2 == 0 ? 128u : 520u, kernels[_i / 2]->bits_max);

    begin(_i / 2);
    while (next < KINDS * KINDS * MODULUS_KINDS) {
        set_bits(bits);
        for (unsigned lane = 0; lane < kernel->lanes; lane++, next++) {
            make_modulus(
                batch.modulus[lane], bits, (enum modulus_kind)(next / KINDS / KINDS % MODULUS_KINDS));
            kw_numbers_operand(batch.base[lane], batch.num, kinds[next % KINDS]);
            kw_numbers_operand(batch.exponent[lane], batch.num, kinds[next / KINDS % KINDS]);
            cut(batch.base[lane], bits);
            cut(batch.exponent[lane], bits);
            use_lane(lane);
        }
        run_power();
    }
    end();
}
END_TEST

/* ---- filter ---- */

static bool expect_filter(const uint64_t *modulus, size_t num)
{
    BIGNUM *m = kw_numbers_bn_new(modulus, num), *e = BN_new(), *r = BN_new(), *two = BN_new();

    BN_set_word(two, 2);
    BN_rshift1(e, m);
    expect_power(r, two, e, m);
    bool pass = BN_is_one(r);
    BN_add_word(r, 1);
    pass |= BN_cmp(r, m) == 0;
    BN_free(m);
    BN_free(e);
    BN_free(r);
    BN_free(two);
    return pass;
}

static void run_filter(unsigned *num_passed)
{
    uint32_t pass = 0xdeadbeef;

    ck_assert_int_eq(kernel->filter(kernel, scratch, batch.bits, batch.lanes, &pass), 0);
    for (unsigned lane = 0; lane < LANES; lane++) {
        bool expected = batch.lanes[lane].modulus != NULL && expect_filter(batch.modulus[lane], batch.num);
        if ((pass >> lane & 1) != expected) {
            show("filter", lane);
            ck_abort();
        }
        *num_passed += expected;
    }
}

START_TEST(filter_random_and_extreme)
{
    unsigned passed = 0;

    begin(_i);
    for (size_t i = 0; i < KW_ARRAY_LEN(lengths) && lengths[i] <= kernel->bits_max; i++) {
        unsigned num = times(lengths[i], 4) / kernel->lanes;
        for (unsigned j = 0; j < KW_MAX(num, AT_LEAST); j++) {
            fill_lanes(lengths[i], (enum modulus_kind)(j % MODULUS_KINDS));
            run_filter(&passed);
        }
    }
    ck_assert_uint_gt(passed, 0);
    end();
}
END_TEST

/* Primes pass, with numbers that are none in the lanes beside them; twice: with room to spare, too. */
START_TEST(filter_known_primes)
{
    begin(_i);
    for (size_t i = 0; i < KW_ARRAY_LEN(primes) && primes[i].bits <= kernel->bits_max; i++) {
        unsigned passed = 0;
        for (unsigned way = 0; way < 4; way++) {
            set_bits(KW_MIN(primes[i].bits + 64 * (way / 2), kernel->bits_max));
            for (unsigned lane = 0; lane < kernel->lanes; lane++) {
                set_known(batch.modulus[lane], i, (way + lane) % 4);
                use_lane(lane);
            }
            run_filter(&passed);
        }
        ck_assert_uint_ge(passed, 2 * kernel->lanes);
    }
    end();
}
END_TEST

/* Primes of all sorts of lengths, found once for all kernels: a filter that computes something else passes
 * composites as it should, but not these. */
enum { RANDOM_PRIMES = 80 };
static BIGNUM *random_primes[RANDOM_PRIMES];

static void find_random_primes(void)
{
    for (int i = 0; i < RANDOM_PRIMES && random_primes[i] == NULL; i++) {
        int bits = i < 3 ? 1023 + i : 17 + (int)kw_numbers_below(680);
        if (i % 2 == 1 && i > 3) /* whole words */
            bits = (bits + 63) / 64 * 64;
        random_primes[i] = BN_new();
        ck_assert_int_eq(BN_generate_prime_ex(random_primes[i], bits, 0, NULL, NULL, NULL), 1);
    }
}

START_TEST(filter_random_primes)
{
    begin(_i);
    find_random_primes();
    for (size_t i = 0; i < RANDOM_PRIMES; i++) {
        unsigned passed = 0, bits = (unsigned)BN_num_bits(random_primes[i]);
        if (bits > kernel->bits_max)
            continue;
        set_bits(bits);
        kw_numbers_words(batch.modulus[i % kernel->lanes], WORDS, random_primes[i]);
        use_lane((unsigned)(i % kernel->lanes));
        run_filter(&passed);
        ck_assert_uint_eq(passed, 1);
    }
    end();
}
END_TEST

/* Every odd number from 5 on, in the smallest shape and in the largest: among them the first Euler
 * pseudoprimes (341 is not one, 561 is). */
START_TEST(filter_small_numbers)
{
    unsigned bits_of[] = {17, KW_MIN(1024u, kernels[_i]->bits_max)}, last_of[] = {6000, 1200}, passed;

    begin(_i);
    for (size_t i = 0; i < 2; i++) {
        uint64_t next = 5;
        for (passed = 0; next < last_of[i];) {
            set_bits(bits_of[i]);
            for (unsigned lane = 0; lane < kernel->lanes; lane++, next += 2) {
                batch.modulus[lane][0] = next;
                use_lane(lane);
            }
            run_filter(&passed);
        }
        ck_assert_uint_gt(passed, 180);
    }
    end();
}
END_TEST

/* ---- lanes and scratch ---- */

/* Idle lanes are not looked at and not written; with none in use nothing passes. */
START_TEST(idle_lanes)
{
    uint32_t pass = UINT32_MAX;

    begin(_i);
    set_bits(kernel->bits_max);
    ck_assert_int_eq(kernel->filter(kernel, scratch, batch.bits, batch.lanes, &pass), 0);
    ck_assert_uint_eq(pass, 0);
    ck_assert_int_eq(kernel->power(kernel, scratch, batch.bits, batch.lanes), 0);
    ck_assert(others_untouched());

    for (unsigned only = 0; only < kernel->lanes; only++) {
        unsigned passed = 0;
        set_bits(KW_MIN(512u, kernel->bits_max));
        set_known(batch.modulus[only], 9, 0);
        batch.base[only][0] = 3;
        batch.exponent[only][0] = 12345;
        use_lane(only);
        run_filter(&passed);
        ck_assert_uint_eq(passed, 1);
        run_power();
    }
    end();
}
END_TEST

/* A wiped scratch works on as a new one. */
START_TEST(wiped_scratch)
{
    begin(_i);
    kernel->scratch_wipe(scratch);
    for (unsigned i = 0; i < 4; i++) {
        unsigned passed = 0;
        fill_lanes(KW_MIN(256u, kernel->bits_max), MODULUS_RANDOM);
        run_power();
        kernel->scratch_wipe(scratch);
        run_filter(&passed);
        kernel->scratch_wipe(scratch);
        kernel->scratch_wipe(scratch);
    }
    end();
    kernel->scratch_free(NULL);
}
END_TEST

/* ---- the choice ---- */

START_TEST(choice)
{
    static const enum kw_cpu_path paths[] = {KW_CPU_PORTABLE, KW_CPU_AVX512IFMA};

    for (size_t i = 0; i < KW_ARRAY_LEN(paths); i++) {
        for (unsigned bits = 1; bits <= KW_KERNEL_BITS_MAX; bits++) {
            const struct kw_kernel *chosen = kw_kernel_choose(paths[i], bits);
            ck_assert_ptr_nonnull(chosen);
            ck_assert_uint_ge(chosen->bits_max, bits);
            ck_assert_uint_ge(chosen->lanes, 1);
            ck_assert_uint_le(chosen->lanes, KW_LANES_MAX);
            ck_assert(chosen->path == KW_CPU_PORTABLE || chosen->path == paths[i]);
        }
        ck_assert_ptr_null(kw_kernel_choose(paths[i], KW_KERNEL_BITS_MAX + 1));
        ck_assert_ptr_null(kw_kernel_choose(paths[i], UINT_MAX));
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, power_random_and_extreme, 0, num_kernels);
    tcase_add_loop_test(tcase, power_extreme_products, 0, 2 * num_kernels);
    tcase_add_loop_test(tcase, filter_random_and_extreme, 0, num_kernels);
    tcase_add_loop_test(tcase, filter_known_primes, 0, num_kernels);
    tcase_add_loop_test(tcase, filter_random_primes, 0, num_kernels);
    tcase_add_loop_test(tcase, filter_small_numbers, 0, num_kernels);
    tcase_add_loop_test(tcase, idle_lanes, 0, num_kernels);
    tcase_add_loop_test(tcase, wiped_scratch, 0, num_kernels);
    tcase_add_test(tcase, choice);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;
    collect();
    return kw_suite_run("rsa/kernel", add_tests, 300);
}
