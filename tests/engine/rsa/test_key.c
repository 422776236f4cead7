#include "engine/crypto.h"
#include "engine/rsa/key.h"
#include "tests/support/numbers.h"
#include "tests/support/suite.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

static const unsigned sizes[] = {2048, 3072, 4096};
enum { SIZES = KW_ARRAY_LEN(sizes), PSEUDO_KEYS = 60 };

static size_t words_of(const struct kw_rsa_key *key)
{
    return key->bits / 128;
}

/* ---- the judge ---- */

struct judge {
    BN_CTX *ctx;
    BIGNUM *n, *e, *d, *p, *q, *p1, *q1, *g, *lcm, *out;
};

static void judge_open(struct judge *j)
{
    j->ctx = BN_CTX_new();
    ck_assert_ptr_nonnull(j->ctx);
    BN_CTX_start(j->ctx);
    BIGNUM **numbers[] = {&j->n, &j->e, &j->d, &j->p, &j->q, &j->p1, &j->q1, &j->g, &j->lcm, &j->out};
    for (size_t i = 0; i < KW_ARRAY_LEN(numbers); i++)
        ck_assert_ptr_nonnull(*numbers[i] = BN_CTX_get(j->ctx));
    BN_set_word(j->e, KW_RSA_E);
}

static void judge_close(struct judge *j)
{
    BN_CTX_end(j->ctx);
    BN_CTX_free(j->ctx);
}

/* p, q, p - 1, q - 1 and lcm(p - 1, q - 1). */
static void judge_load(struct judge *j, const struct kw_rsa_key *key)
{
    kw_numbers_bn(j->p, key->p, words_of(key));
    kw_numbers_bn(j->q, key->q, words_of(key));
    BN_copy(j->p1, j->p);
    BN_copy(j->q1, j->q);
    BN_sub_word(j->p1, 1);
    BN_sub_word(j->q1, 1);
    BN_gcd(j->g, j->p1, j->q1, j->ctx);
    BN_div(j->out, NULL, j->p1, j->g, j->ctx);
    BN_mul(j->lcm, j->out, j->q1, j->ctx);
}

/* All that derive computes, by OpenSSL's bignums. */
static void assert_right(struct judge *j, const struct kw_rsa_key *key)
{
    size_t num = words_of(key);

    judge_load(j, key);
    ck_assert_int_gt(BN_cmp(j->p, j->q), 0);
    BN_mul(j->n, j->p, j->q, j->ctx);
    ck_assert(kw_numbers_same(key->n, 2 * num, j->n));
    ck_assert_ptr_nonnull(BN_mod_inverse(j->d, j->e, j->lcm, j->ctx));
    ck_assert(kw_numbers_same(key->d, 2 * num, j->d));
    BN_mod(j->out, j->d, j->p1, j->ctx);
    ck_assert(kw_numbers_same(key->dp, num, j->out));
    BN_mod(j->out, j->d, j->q1, j->ctx);
    ck_assert(kw_numbers_same(key->dq, num, j->out));
    ck_assert_ptr_nonnull(BN_mod_inverse(j->out, j->q, j->p, j->ctx));
    ck_assert(kw_numbers_same(key->qinv, num, j->out));
}

/* The numbers that belong to p and q, whatever they are. */
static void fill(struct judge *j, struct kw_rsa_key *key)
{
    size_t num = words_of(key);

    judge_load(j, key);
    BN_mul(j->n, j->p, j->q, j->ctx);
    kw_numbers_words(key->n, 2 * num, j->n);
    ck_assert_ptr_nonnull(BN_mod_inverse(j->d, j->e, j->lcm, j->ctx));
    kw_numbers_words(key->d, 2 * num, j->d);
    BN_mod(j->out, j->d, j->p1, j->ctx);
    kw_numbers_words(key->dp, num, j->out);
    BN_mod(j->out, j->d, j->q1, j->ctx);
    kw_numbers_words(key->dq, num, j->out);
    ck_assert_ptr_nonnull(BN_mod_inverse(j->out, j->q, j->p, j->ctx));
    kw_numbers_words(key->qinv, num, j->out);
}

/* ---- keys ---- */

static void prime_of(EVP_PKEY *pkey, const char *name, uint64_t *ret, size_t num)
{
    BIGNUM *prime = NULL;

    ck_assert_int_eq(EVP_PKEY_get_bn_param(pkey, name, &prime), 1);
    kw_numbers_words(ret, num, prime);
    BN_clear_free(prime);
}

/* The primes of a key that OpenSSL makes, in whichever order is asked for; the rest is left to derive. */
static void real_primes(struct kw_rsa_key *ret, unsigned bits, bool larger_first)
{
    EVP_PKEY *pkey = EVP_RSA_gen(bits);

    ck_assert_ptr_nonnull(pkey);
    memset(ret, 0xa5, sizeof(*ret));
    ret->bits = bits;
    prime_of(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, ret->p, words_of(ret));
    prime_of(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, ret->q, words_of(ret));
    if (larger_first == (kw_words_less(ret->p, ret->q, words_of(ret)) != 0))
        kw_words_swap(ret->p, ret->q, words_of(ret), UINT64_MAX);
    EVP_PKEY_free(pkey);
}

/* An odd number of the range of primes with factor dividing it less one, and e not. */
static void pseudo_prime(uint64_t *ret, size_t num, const uint64_t *factor, size_t num_factor)
{
    do {
        uint64_t rest[2 * KW_RSA_PRIME_MAX];
        kw_numbers_operand(ret, num, KW_NUMBERS_RANDOM);
        ret[num - 1] |= 3ull << 62;
        if (kw_numbers_below(4) == 0)
            memset(ret + 1, kw_numbers_below(2) ? 0xff : 0, 8 * (num - 2));
        kw_words_mod(rest, ret, num, factor, num_factor);
        memset(rest + num_factor, 0, 8 * (num - num_factor));
        kw_words_sub(ret, ret, rest, num);
        kw_words_add_word(ret, ret, num, 1);
    } while (ret[num - 1] >> 62 != 3 || kw_words_mod_word(ret, num, KW_RSA_E) == 1);
}

/* Two of them, prime to each other: all that derive and check ask for, as neither tests primality. */
static void pseudo_primes(struct kw_rsa_key *ret, unsigned bits, const uint64_t *factor, size_t num_factor)
{
    BIGNUM *p = BN_new(), *q = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    memset(ret, 0xa5, sizeof(*ret));
    ret->bits = bits;
    do {
        pseudo_prime(ret->p, words_of(ret), factor, num_factor);
        pseudo_prime(ret->q, words_of(ret), factor, num_factor);
        kw_numbers_bn(p, ret->p, words_of(ret));
        kw_numbers_bn(q, ret->q, words_of(ret));
        BN_gcd(p, p, q, ctx);
    } while (!BN_is_one(p));
    BN_free(p);
    BN_free(q);
    BN_CTX_free(ctx);
}

static void pseudo_key(struct kw_rsa_key *ret, unsigned bits)
{
    static const uint64_t two = 2;

    pseudo_primes(ret, bits, &two, 1);
    ck_assert_int_eq(kw_rsa_key_derive(ret), 0);
    ck_assert_int_eq(kw_rsa_key_check(ret), 0);
}

/* ---- derive ---- */

START_TEST(real_keys)
{
    static const unsigned bits[] = {2048, 2048, 2048, 3072, 4096};
    struct kw_rsa_key key;
    struct judge judge;

    judge_open(&judge);
    real_primes(&key, bits[_i], _i & 1);
    ck_assert_int_eq(kw_rsa_key_derive(&key), 0);
    assert_right(&judge, &key);
    ck_assert_int_eq(kw_rsa_key_check(&key), 0);
    judge_close(&judge);
}
END_TEST

/* p - 1 and q - 1 with a common factor of each length up to the limit, odd and even. */
START_TEST(pseudo_keys)
{
    struct kw_rsa_key key;
    struct judge judge;

    judge_open(&judge);
    for (int round = 0; round < PSEUDO_KEYS; round++) {
        /* The gcd is a small multiple of the factor. */
        uint64_t factor = 1ull << (1 + round % 50);
        if (round & 1)
            factor |= 2ull * kw_numbers_below((uint32_t)KW_MIN(factor / 2, UINT32_MAX));
        pseudo_primes(&key, sizes[_i], &factor, 1);
        judge_load(&judge, &key);
        int ret = kw_rsa_key_derive(&key);
        ck_assert_int_eq(ret, BN_num_bits(judge.g) <= 62 ? 0 : KW_RSA_KEY_UNFIT);
        if (ret != 0)
            continue;
        assert_right(&judge, &key);
        ck_assert_int_eq(kw_rsa_key_check(&key), 0);
    }
    judge_close(&judge);
}
END_TEST

/* Primes whose p - 1 and q - 1 share 62 bits will do for derive, and those that share 63 or more will not;
 * check takes what fits a word. */
START_TEST(shared_bits)
{
    static const unsigned shared[] = {61, 62, 63, 64, 65, 127, 500};
    struct kw_rsa_key key;
    struct judge judge;

    judge_open(&judge);
    for (size_t i = 0; i < KW_ARRAY_LEN(shared); i++) {
        uint64_t factor[KW_RSA_PRIME_MAX] = {2};
        size_t num_factor = shared[i] / 64 + 1;
        factor[(shared[i] - 1) / 64] |= 1ull << (shared[i] - 1) % 64;
        do {
            pseudo_primes(&key, sizes[_i], factor, num_factor);
            judge_load(&judge, &key);
        } while (BN_num_bits(judge.g) != (int)shared[i]);
        ck_assert_int_eq(kw_rsa_key_derive(&key), shared[i] <= 62 ? 0 : KW_RSA_KEY_UNFIT);
        fill(&judge, &key);
        ck_assert_int_eq(kw_rsa_key_check(&key), shared[i] <= 64 ? 0 : KW_RSA_KEY_WRONG);
    }
    judge_close(&judge);
}
END_TEST

/* Numbers that are no primes of an RSA key with this e. */
START_TEST(unfit)
{
    struct kw_rsa_key key;
    uint64_t factor = 2ull * KW_RSA_E;

    pseudo_key(&key, sizes[_i]);
    memcpy(key.q, key.p, sizeof(key.q)); /* p - 1 and q - 1 share everything */
    ck_assert_int_eq(kw_rsa_key_derive(&key), KW_RSA_KEY_UNFIT);

    for (int which = 0; which < 2; which++) { /* e divides p - 1, or q - 1 */
        pseudo_key(&key, sizes[_i]);
        uint64_t *number = which ? key.p : key.q;
        uint64_t rest[KW_RSA_PRIME_MAX] = {0};
        kw_words_mod(rest, number, words_of(&key), &factor, 1);
        kw_words_sub(number, number, rest, words_of(&key));
        kw_words_add_word(number, number, words_of(&key), 1);
        ck_assert_int_eq(kw_rsa_key_derive(&key), KW_RSA_KEY_UNFIT);
    }

    /* p and q have 3 in common: there is no qInv. */
    static const uint64_t two = 2;
    uint64_t remainder;
    do {
        memset(&key, 0, sizeof(key));
        key.bits = sizes[_i];
        pseudo_prime(key.p, words_of(&key), &two, 1);
        pseudo_prime(key.q, words_of(&key), &two, 1);
        remainder = kw_words_mod_word(key.p, words_of(&key), 3) + kw_words_mod_word(key.q, words_of(&key), 3);
    } while (remainder != 0);
    ck_assert_int_eq(kw_rsa_key_derive(&key), KW_RSA_KEY_UNFIT);
}
END_TEST

/* ---- check ---- */

/* The components with their lengths, in words. */
struct component {
    uint64_t *words;
    size_t num;
};
#define COMPONENTS 7

static void components_of(struct component *ret, struct kw_rsa_key *key)
{
    size_t num = words_of(key);
    const struct component all[COMPONENTS] = {
        {key->n, 2 * num},
        {key->d, 2 * num},
        {key->p, num},
        {key->q, num},
        {key->dp, num},
        {key->dq, num},
        {key->qinv, num},
    };

    memcpy(ret, all, sizeof(all));
}

/* Each bit of each number, of the smallest size; some of the others. */
START_TEST(bit_flips)
{
    struct kw_rsa_key key;
    struct component components[COMPONENTS];

    pseudo_key(&key, sizes[_i]);
    components_of(components, &key);
    for (size_t c = 0; c < COMPONENTS; c++) {
        for (size_t bit = 0; bit < 64 * components[c].num; bit += _i == 0 ? 1 : 1 + kw_numbers_below(16)) {
            components[c].words[bit / 64] ^= 1ull << bit % 64;
            ck_assert_int_eq(kw_rsa_key_check(&key), KW_RSA_KEY_WRONG);
            components[c].words[bit / 64] ^= 1ull << bit % 64;
        }
    }
    ck_assert_int_eq(kw_rsa_key_check(&key), 0);
}
END_TEST

/* Each number replaced by 0, 1, all ones, and by a random one; and all of them at once. */
START_TEST(hostile_numbers)
{
    static const enum kw_numbers_kind kinds[] = {
        KW_NUMBERS_ZERO, KW_NUMBERS_ONE, KW_NUMBERS_ONES, KW_NUMBERS_RANDOM, KW_NUMBERS_POWER};
    struct kw_rsa_key key, wrong;
    struct component components[COMPONENTS];

    pseudo_key(&key, sizes[_i]);
    wrong = key;
    components_of(components, &wrong);
    for (size_t k = 0; k < KW_ARRAY_LEN(kinds); k++) {
        for (size_t c = 0; c < COMPONENTS; c++) {
            wrong = key;
            kw_numbers_operand(components[c].words, components[c].num, kinds[k]);
            ck_assert_int_eq(kw_rsa_key_check(&wrong), KW_RSA_KEY_WRONG);
        }
        for (size_t c = 0; c < COMPONENTS; c++)
            kw_numbers_operand(components[c].words, components[c].num, kinds[k]);
        ck_assert_int_eq(kw_rsa_key_check(&wrong), KW_RSA_KEY_WRONG);
    }
    wrong = key;
    wrong.bits = 1024;
    ck_assert_int_eq(kw_rsa_key_check(&wrong), KW_RSA_KEY_WRONG);
    wrong.bits = 0;
    ck_assert_int_eq(kw_rsa_key_check(&wrong), KW_RSA_KEY_WRONG);
}
END_TEST

/* d plus a multiple of the lcm is an exponent that works, and is not the one that FIPS 186-5 asks for; the
 * inverse modulo phi is such a number whenever it is not the same. */
START_TEST(d_of_phi)
{
    struct kw_rsa_key key;
    struct judge judge;
    int num_different = 0;

    judge_open(&judge);
    for (int round = 0; round < 20; round++) {
        pseudo_key(&key, sizes[_i]);
        judge_load(&judge, &key);
        BN_mul(judge.out, judge.p1, judge.q1, judge.ctx);
        ck_assert_ptr_nonnull(BN_mod_inverse(judge.d, judge.e, judge.out, judge.ctx));
        bool same = kw_numbers_same(key.d, 2 * words_of(&key), judge.d);
        num_different += !same;
        kw_numbers_words(key.d, 2 * words_of(&key), judge.d);
        ck_assert_int_eq(kw_rsa_key_check(&key), same ? 0 : KW_RSA_KEY_WRONG);
    }
    ck_assert_int_gt(num_different, 0);

    kw_numbers_bn(judge.d, key.d, 2 * words_of(&key));
    BN_mod(judge.d, judge.d, judge.lcm, judge.ctx);
    kw_numbers_words(key.d, 2 * words_of(&key), judge.d);
    ck_assert_int_eq(kw_rsa_key_check(&key), 0);
    BN_add(judge.d, judge.d, judge.lcm);
    ck_assert_int_lt(BN_num_bits(judge.d), (int)key.bits + 1);
    kw_numbers_words(key.d, 2 * words_of(&key), judge.d);
    ck_assert_int_eq(kw_rsa_key_check(&key), KW_RSA_KEY_WRONG);
    judge_close(&judge);
}
END_TEST

/* Numbers of the right residue, but not the least. */
START_TEST(unreduced)
{
    struct kw_rsa_key key;
    size_t num = sizes[_i] / 128;
    const struct {
        uint64_t *number;
        const uint64_t *modulus;
        uint64_t less;
    } cases[] = {{key.dp, key.p, 1}, {key.dq, key.q, 1}, {key.qinv, key.p, 0}};

    for (size_t i = 0; i < KW_ARRAY_LEN(cases); i++) {
        uint64_t modulus[KW_RSA_PRIME_MAX];
        do { /* until there is room for a second one */
            pseudo_key(&key, sizes[_i]);
            kw_words_sub_word(modulus, cases[i].modulus, num, cases[i].less);
        } while (kw_words_add(cases[i].number, cases[i].number, modulus, num) != 0);
        ck_assert_int_eq(kw_rsa_key_check(&key), KW_RSA_KEY_WRONG);
        kw_words_sub(cases[i].number, cases[i].number, modulus, num);
        ck_assert_int_eq(kw_rsa_key_check(&key), 0);
    }
}
END_TEST

/* One of them even, and all numbers fit together. */
START_TEST(even_primes)
{
    struct kw_rsa_key key;
    struct judge judge;

    judge_open(&judge);
    for (int which = 0; which < 2; which++) {
        do {
            pseudo_key(&key, sizes[_i]);
            uint64_t *number = which ? key.p : key.q;
            kw_words_add_word(number, number, words_of(&key), 1);
            judge_load(&judge, &key);
            BN_gcd(judge.g, judge.p, judge.q, judge.ctx);
            BN_gcd(judge.out, judge.lcm, judge.e, judge.ctx);
        } while (!BN_is_one(judge.g) || !BN_is_one(judge.out));
        fill(&judge, &key);
        ck_assert_int_eq(kw_rsa_key_check(&key), KW_RSA_KEY_WRONG);
    }
    judge_close(&judge);
}
END_TEST

/* All numbers fit together, but p < q. */
START_TEST(swapped)
{
    struct kw_rsa_key key;
    size_t num;

    pseudo_key(&key, sizes[_i]);
    num = words_of(&key);
    kw_words_swap(key.p, key.q, num, UINT64_MAX);
    kw_words_swap(key.dp, key.dq, num, UINT64_MAX);
    ck_assert_int_eq(kw_rsa_key_check(&key), KW_RSA_KEY_WRONG);
    struct judge judge;
    judge_open(&judge);
    fill(&judge, &key);
    ck_assert_int_eq(kw_rsa_key_check(&key), KW_RSA_KEY_WRONG);
    judge_close(&judge);
}
END_TEST

/* The largest word array whose square is below 2^(bits - 1): one less than the least p that FIPS 186-5
 * allows. */
static void root_of_half(uint64_t *ret, unsigned bits)
{
    BIGNUM *root = BN_new(), *square = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    for (int bit = (int)bits / 2 - 1; bit >= 0; bit--) {
        BN_set_bit(root, bit);
        BN_sqr(square, root, ctx);
        if (BN_num_bits(square) == (int)bits)
            BN_clear_bit(root, bit);
    }
    kw_numbers_words(ret, bits / 128, root);
    BN_free(root);
    BN_free(square);
    BN_CTX_free(ctx);
}

/* The least q in range passes, the odd number below does not, though all fits together and n has all its
 * bits. */
START_TEST(least_primes)
{
    static const uint64_t two = 2;
    struct kw_rsa_key key;
    uint64_t root[KW_RSA_PRIME_MAX];
    size_t num = sizes[_i] / 128;

    root_of_half(root, sizes[_i]);
    ck_assert_uint_eq(root[num - 1], 0xb504f333f9de6484); /* the digits of sqrt(2) / 2 */
    for (int distance = -6; distance <= 6; distance++) {
        memset(&key, 0, sizeof(key));
        key.bits = sizes[_i];
        if (distance < 0)
            kw_words_sub_word(key.q, root, num, (uint64_t)-distance);
        else
            kw_words_add_word(key.q, root, num, (uint64_t)distance);
        if (key.q[0] % 2 == 0)
            continue;
        do
            pseudo_prime(key.p, num, &two, 1);
        while (kw_rsa_key_derive(&key) != 0);
        ck_assert_uint_eq(key.n[2 * num - 1] >> 63, 1);
        ck_assert_int_eq(kw_rsa_key_check(&key), distance > 0 ? 0 : KW_RSA_KEY_WRONG);
    }
}
END_TEST

/* ---- distance ---- */

START_TEST(distance)
{
    size_t num = sizes[_i] / 128;
    unsigned exponent = sizes[_i] / 2 - 100;
    uint64_t a[KW_RSA_PRIME_MAX], b[KW_RSA_PRIME_MAX], step[KW_RSA_PRIME_MAX] = {0};

    step[exponent / 64] = 1ull << exponent % 64;
    for (int round = 0; round < 100; round++) {
        kw_numbers_operand(a, num, KW_NUMBERS_RANDOM);
        kw_numbers_operand(b, num, KW_NUMBERS_RANDOM);
        ck_assert_uint_eq(kw_rsa_key_distant(a, b, sizes[_i]), UINT64_MAX); /* but for 2^-98 */
        ck_assert_uint_eq(kw_rsa_key_distant(a, a, sizes[_i]), 0);
        a[num - 1] &= UINT64_MAX >> 1;
        kw_words_add(b, a, step, num);
        ck_assert_uint_eq(kw_rsa_key_distant(a, b, sizes[_i]), 0);
        ck_assert_uint_eq(kw_rsa_key_distant(b, a, sizes[_i]), 0);
        kw_words_add_word(b, b, num, 1);
        ck_assert_uint_eq(kw_rsa_key_distant(a, b, sizes[_i]), UINT64_MAX);
        ck_assert_uint_eq(kw_rsa_key_distant(b, a, sizes[_i]), UINT64_MAX);
        kw_words_sub_word(b, b, num, 2);
        ck_assert_uint_eq(kw_rsa_key_distant(a, b, sizes[_i]), 0);
    }
}
END_TEST

/* All numbers fit together, but q is at the distance that is too near, or next to it. */
START_TEST(near_primes)
{
    static const uint64_t two = 2;
    struct kw_rsa_key key;
    uint64_t step[KW_RSA_PRIME_MAX] = {0};
    size_t num = sizes[_i] / 128;
    unsigned exponent = sizes[_i] / 2 - 100;

    step[exponent / 64] = 1ull << exponent % 64;
    for (uint64_t more = 0; more <= 2; more += 2) {
        do {
            memset(&key, 0, sizeof(key));
            key.bits = sizes[_i];
            pseudo_prime(key.p, num, &two, 1);
            kw_words_sub(key.q, key.p, step, num);
            kw_words_sub_word(key.q, key.q, num, more);
        } while (kw_rsa_key_derive(&key) != 0);
        ck_assert_int_eq(kw_rsa_key_check(&key), more == 0 ? KW_RSA_KEY_WRONG : 0);
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, real_keys, 0, 5);
    tcase_add_loop_test(tcase, pseudo_keys, 0, SIZES);
    tcase_add_loop_test(tcase, shared_bits, 0, SIZES);
    tcase_add_loop_test(tcase, unfit, 0, SIZES);
    tcase_add_loop_test(tcase, bit_flips, 0, SIZES);
    tcase_add_loop_test(tcase, hostile_numbers, 0, SIZES);
    tcase_add_loop_test(tcase, d_of_phi, 0, SIZES);
    tcase_add_loop_test(tcase, unreduced, 0, SIZES);
    tcase_add_loop_test(tcase, even_primes, 0, SIZES);
    tcase_add_loop_test(tcase, swapped, 0, SIZES);
    tcase_add_loop_test(tcase, least_primes, 0, SIZES);
    tcase_add_loop_test(tcase, distance, 0, SIZES);
    tcase_add_loop_test(tcase, near_primes, 0, SIZES);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;
    return kw_suite_run("key", add, 60);
}
