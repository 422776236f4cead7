#include "bench/farm.h"

#include "engine/cpu.h"
#include "engine/crypto.h"
#include "engine/der.h"
#include "engine/generator.h"
#include "engine/rng.h"

#include <openssl/core_names.h>
#include <stdlib.h>

#define PRIME_LEN_MAX 256u

/* ---- the one that makes them ---- */

struct maker {
    struct kw_rng *rng;
    struct kw_generator *generator;
};

static void maker_done(struct maker *maker)
{
    if (maker->generator != NULL)
        maker->generator->ops->free(maker->generator);
    kw_rng_free(maker->rng);
}

static int maker_init(struct maker *maker, enum kw_spec spec)
{
    KW_TRY(kw_rng_new(&maker->rng));
    return kw_generator_choose(spec, kw_cpu_detect())->new (&maker->generator, spec, maker->rng);
}

static int make_pair(struct maker *maker, struct kw_farm_pair *ret)
{
    struct kw_slot slot = {.public_der = ret->public_der, .private_der = ret->private_der};
    int r;

    do
        r = maker->generator->ops->run(maker->generator, UINT64_MAX, &slot);
    while (r > 0);
    ret->public_len = (uint16_t)slot.public_len;
    ret->private_len = (uint16_t)slot.private_len;
    return r;
}

/* ---- RSA: pairs from primes ---- */

struct numbers {
    BN_CTX *ctx;
    BIGNUM *e, *n, *d, *p1, *q1, *lcm, *gcd, *dp, *dq, *qinv;
};

static bool numbers_init(struct numbers *t)
{
    BIGNUM **all[] = {&t->e, &t->n, &t->d, &t->p1, &t->q1, &t->lcm, &t->gcd, &t->dp, &t->dq, &t->qinv};
    bool ok = (t->ctx = BN_CTX_new()) != NULL;

    for (size_t i = 0; i < KW_ARRAY_LEN(all); i++)
        ok = (*all[i] = BN_new()) != NULL && ok;
    return ok && BN_set_word(t->e, 65537) == 1;
}

static void numbers_done(struct numbers *t)
{
    BIGNUM *all[] = {t->e, t->n, t->d, t->p1, t->q1, t->lcm, t->gcd, t->dp, t->dq, t->qinv};

    for (size_t i = 0; i < KW_ARRAY_LEN(all); i++)
        BN_free(all[i]);
    BN_CTX_free(t->ctx);
}

/* RFC 8017 3.2 with d modulo lcm(p-1, q-1). */
static bool derive(struct numbers *t, const BIGNUM *p, const BIGNUM *q)
{
    return BN_mul(t->n, p, q, t->ctx) && BN_sub(t->p1, p, BN_value_one()) &&
           BN_sub(t->q1, q, BN_value_one()) && BN_gcd(t->gcd, t->p1, t->q1, t->ctx) &&
           BN_mul(t->lcm, t->p1, t->q1, t->ctx) && BN_div(t->lcm, NULL, t->lcm, t->gcd, t->ctx) &&
           BN_mod_inverse(t->d, t->e, t->lcm, t->ctx) != NULL && BN_mod(t->dp, t->d, t->p1, t->ctx) &&
           BN_mod(t->dq, t->d, t->q1, t->ctx) && BN_mod_inverse(t->qinv, q, p, t->ctx) != NULL;
}

static struct kw_bytes put(const BIGNUM *number, uint8_t *at)
{
    return KW_BYTES(at, (size_t)BN_bn2bin(number, at));
}

static int encode(const struct numbers *t, const BIGNUM *p, const BIGNUM *q, struct kw_farm_pair *ret)
{
    uint8_t raw[8][2 * PRIME_LEN_MAX];
    struct kw_der_rsa key = {
        .n = put(t->n, raw[0]),
        .e = put(t->e, raw[1]),
        .d = put(t->d, raw[2]),
        .p = put(p, raw[3]),
        .q = put(q, raw[4]),
        .dp = put(t->dp, raw[5]),
        .dq = put(t->dq, raw[6]),
        .qinv = put(t->qinv, raw[7]),
    };
    struct kw_buf public = KW_BUF(ret->public_der, sizeof(ret->public_der));
    struct kw_buf private = KW_BUF(ret->private_der, sizeof(ret->private_der));

    if (kw_der_rsa_public(&public, key.n, key.e) != 0 || kw_der_rsa_private(&private, &key) != 0)
        return -EINVAL;
    ret->public_len = (uint16_t) public.len;
    ret->private_len = (uint16_t) private.len;
    return 0;
}

static size_t primes_for(size_t num)
{
    size_t primes = 2;

    while (primes * (primes - 1) / 2 < num)
        primes += 2;
    return primes;
}

/* Both primes of a pair. */
static int take_primes(const struct kw_farm_pair *pair, BIGNUM **p, BIGNUM **q)
{
    const uint8_t *at = pair->private_der;
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, pair->private_len);

    KW_SSL_PTR(pkey);
    KW_SSL(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, p));
    KW_SSL(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, q));
    return 0;
}

/* num is even. */
static int make_primes(struct maker *maker, BIGNUM **primes, size_t num)
{
    struct kw_farm_pair pair;

    for (size_t i = 0; i < num; i += 2) {
        KW_TRY(make_pair(maker, &pair));
        KW_TRY(take_primes(&pair, &primes[i], &primes[i + 1]));
    }
    return 0;
}

static int make_pairs(
    struct numbers *t, BIGNUM **primes, size_t num_primes, struct kw_farm_pair *pairs, size_t num)
{
    size_t done = 0;

    for (size_t i = 1; i < num_primes && done < num; i++) {
        for (size_t j = 0; j < i && done < num; j++) {
            bool greater = BN_cmp(primes[i], primes[j]) > 0;
            const BIGNUM *p = primes[greater ? i : j], *q = primes[greater ? j : i];

            if (!derive(t, p, q))
                return KW_EOPENSSL;
            KW_TRY(encode(t, p, q, &pairs[done++]));
        }
    }
    return 0;
}

static int fill_rsa(struct maker *maker, struct kw_farm_pair *pairs, size_t num)
{
    size_t num_primes = primes_for(num);
    BIGNUM **primes = calloc(num_primes, sizeof(*primes));
    struct numbers t = {.ctx = NULL};
    int r = primes != NULL && numbers_init(&t) ? 0 : -ENOMEM;

    if (r == 0)
        r = make_primes(maker, primes, num_primes);
    if (r == 0)
        r = make_pairs(&t, primes, num_primes, pairs, num);
    for (size_t i = 0; primes != NULL && i < num_primes; i++)
        BN_free(primes[i]);
    free(primes);
    numbers_done(&t);
    return r;
}

/* ---- all ---- */

int kw_farm_fill(enum kw_spec spec, struct kw_farm_pair *pairs, size_t num)
{
    KW_CLEANUP(maker_done) struct maker maker = {.rng = NULL};

    KW_TRY(maker_init(&maker, spec));
    if (kw_spec_info(spec)->kind == KW_KIND_RSA)
        return fill_rsa(&maker, pairs, num);
    for (size_t i = 0; i < num; i++)
        KW_TRY(make_pair(&maker, &pairs[i]));
    return 0;
}
