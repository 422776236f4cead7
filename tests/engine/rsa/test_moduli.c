#include "engine/rsa/moduli.h"

#include "tests/support/suite.h"

static bool is_prime(uint32_t n)
{
    for (uint32_t d = 2; d * d <= n; d++)
        if (n % d == 0)
            return false;
    return n >= 2;
}

START_TEST(primes_are_those_that_division_finds)
{
    static const uint32_t ranges[][2] = {
        {3, 256}, {0, 4}, {2048, 4096}, {251, 252}, {4096, 8192}, {60000, 65536}};
    uint32_t *primes;
    size_t num, found = 0, missed = 0;

    ck_assert_int_eq(kw_moduli_primes(&primes, &num, ranges[_i][0], ranges[_i][1]), 0);
    for (uint32_t n = ranges[_i][0]; n < ranges[_i][1]; n++)
        if (n % 2 == 1 && is_prime(n) && found < num && primes[found] == n)
            found++;
        else
            missed += n % 2 == 1 && is_prime(n);
    ck_assert_uint_eq(missed, 0);
    ck_assert_uint_eq(found, num);
    free(primes);
}
END_TEST

START_TEST(primes_are_as_many_as_known)
{
    uint32_t *primes;
    size_t num;

    ck_assert_int_eq(kw_moduli_primes(&primes, &num, 3, 1u << 23), 0);
    ck_assert_uint_eq(num, 564163 - 1); /* pi(2^23), without 2 */
    free(primes);
}
END_TEST

struct shape {
    uint32_t low, high;
    unsigned bits, num_primes_max;
    size_t multiple;
};
static const struct shape shapes[] = {
    {3, 256, 52, 5, 32},
    {3, 2048, 52, 5, 32},
    {2048, 4096, 52, 4, 32},
    {4096, 1u << 13, 52, 4, 32},
    {4096, 1u << 15, 52, 4, 32},
    {4096, 1u << 18, 52, 4, 32},
    {4096, 1u << 20, 52, 4, 32},
    {3, 2048, 63, 7, 4},
    {2048, 1u << 17, 63, 7, 4},
    {2048, 1u << 19, 63, 7, 4},
    {3, 4, 52, 5, 32},
    {3, 256, 52, 2, 1},
    {1u << 20, (1u << 20) + 1024, 64, 7, 4},
};

/* Below the limit, of distinct primes, and their product. */
static bool fits(const struct kw_modulus *modulus, unsigned num_primes, unsigned bits)
{
    uint64_t product = modulus->product;
    bool good = product >> (bits - 1) >> 1 == 0;

    for (unsigned i = 0; i < num_primes; i++) {
        good = good && product % modulus->primes[i] == 0;
        product /= modulus->primes[i];
        for (unsigned j = 0; j < i; j++)
            good = good && modulus->primes[i] != modulus->primes[j];
    }
    return good && product == 1;
}

/* How often each number below the bound occurs before the repetitions. */
static uint8_t *count(const struct kw_moduli *moduli, uint32_t bound)
{
    uint8_t *times = calloc(bound, 1);

    ck_assert_ptr_nonnull(times);
    for (unsigned i = 0; i < 2; i++)
        for (size_t j = 0; j < moduli[i].num_distinct; j++)
            for (unsigned part = 0; part < moduli[i].num_primes; part++)
                if (moduli[i].list[j].primes[part] < bound)
                    times[moduli[i].list[j].primes[part]]++;
    return times;
}

static void assert_list(const struct kw_moduli *moduli, const struct shape *shape)
{
    size_t bad = 0;

    ck_assert_uint_eq(moduli->num % shape->multiple, 0);
    ck_assert_uint_le(moduli->num_distinct, moduli->num);
    ck_assert_uint_lt(moduli->num - moduli->num_distinct, shape->multiple);
    ck_assert_uint_le(moduli->num_primes, shape->num_primes_max);
    for (size_t i = 0; i < moduli->num; i++)
        bad += !fits(&moduli->list[i], moduli->num_primes, shape->bits);
    ck_assert_uint_eq(bad, 0);
}

START_TEST(pack_takes_each_prime_once)
{
    const struct shape *shape = &shapes[_i];
    struct kw_moduli moduli[2];
    uint32_t *primes;
    uint8_t *times;
    size_t num, wrong = 0;

    ck_assert_int_eq(kw_moduli_primes(&primes, &num, shape->low, shape->high), 0);
    ck_assert_int_eq(
        kw_moduli_pack(moduli, primes, num, shape->bits, shape->num_primes_max, shape->multiple), 0);
    assert_list(&moduli[0], shape);
    assert_list(&moduli[1], shape);
    times = count(moduli, shape->high);
    for (size_t i = 0; i < num; i++) {
        /* Small ones also fill what is left over. */
        wrong += primes[i] > 23 ? times[primes[i]] != 1 : times[primes[i]] == 0;
        times[primes[i]] = 0;
    }
    for (uint32_t n = 24; n < shape->high; n++)
        wrong += times[n] != 0;
    ck_assert_uint_eq(wrong, 0);
    free(times);
    free(primes);
    kw_moduli_done(moduli);
    kw_moduli_done(moduli);
}
END_TEST

/* The purpose: three primes to 52 bits for a bound of 2^18, though three large ones have 54. */
START_TEST(pack_leaves_little_empty)
{
    struct kw_moduli moduli[2];
    uint32_t *primes;
    size_t num;

    ck_assert_int_eq(kw_moduli_primes(&primes, &num, 4096, 1u << 18), 0);
    ck_assert_int_eq(kw_moduli_pack(moduli, primes, num, 52, 4, 1), 0);
    ck_assert_uint_eq(moduli[1].num_primes, 3);
    ck_assert_uint_le(moduli[0].num + moduli[1].num, num / 3);
    free(primes);
    kw_moduli_done(moduli);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, primes_are_those_that_division_finds, 0, 6);
    tcase_add_test(tcase, primes_are_as_many_as_known);
    tcase_add_loop_test(tcase, pack_takes_each_prime_once, 0, (int)KW_ARRAY_LEN(shapes));
    tcase_add_test(tcase, pack_leaves_little_empty);
}

int main(void)
{
    return kw_suite_run("moduli", add, 60);
}
