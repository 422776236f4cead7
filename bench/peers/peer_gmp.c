/* peer_gmp - what a program that takes its primes from GMP would do: it is no key generation by any standard,
 * since primes after wide gaps are favoured, nothing is constant-time, and nothing is wiped. */
#include "bench/side.h"

#include <gmp.h>
#include <stdlib.h>
#include <sys/random.h>

#define E               65537u
#define PRIME_BYTES_MAX 256u

struct rsa_numbers {
    mpz_t p, q, p1, q1, n, e, d, dp, dq, qinv, lcm;
};

struct gmp {
    unsigned prime_bits;
    struct rsa_numbers key;
};

static bool supports(enum kw_spec spec)
{
    return kw_spec_info(spec)->kind == KW_KIND_RSA;
}

static int gmp_open(void **ret, enum kw_spec spec, enum kw_cpu_path path)
{
    struct gmp *self = calloc(1, sizeof(*self));
    struct rsa_numbers *key;

    (void)path;
    if (self == NULL)
        return -ENOMEM;
    key = &self->key;
    self->prime_bits = kw_spec_info(spec)->bits / 2;
    mpz_inits(key->p, key->q, key->p1, key->q1, key->n, key->e, key->d, key->dp, key->dq, key->qinv, key->lcm,
        NULL);
    mpz_set_ui(key->e, E);
    *ret = self;
    return 0;
}

static void gmp_close(void *state)
{
    struct gmp *self = state;
    struct rsa_numbers *key;

    if (self == NULL)
        return;
    key = &self->key;
    mpz_clears(key->p, key->q, key->p1, key->q1, key->n, key->e, key->d, key->dp, key->dq, key->qinv,
        key->lcm, NULL);
    free(self);
}

/* Both top bits set, so that n has all its bits. */
static int random_prime(mpz_t prime, unsigned bits)
{
    uint8_t bytes[PRIME_BYTES_MAX];
    size_t len = bits / 8;

    do {
        if (getrandom(bytes, len, 0) != (ssize_t)len)
            return -EIO;
        mpz_import(prime, len, 1, 1, 1, 0, bytes);
        mpz_setbit(prime, bits - 1);
        mpz_setbit(prime, bits - 2);
        mpz_nextprime(prime, prime);
    } while (mpz_fdiv_ui(prime, E) == 1 || mpz_sizeinbase(prime, 2) != bits);
    return 0;
}

static int gmp_make(void *state, uint64_t deadline_ns)
{
    struct gmp *self = state;
    struct rsa_numbers *key = &self->key;

    (void)deadline_ns;
    KW_TRY(random_prime(key->p, self->prime_bits));
    KW_TRY(random_prime(key->q, self->prime_bits));
    if (mpz_cmp(key->p, key->q) < 0)
        mpz_swap(key->p, key->q);
    mpz_mul(key->n, key->p, key->q);
    mpz_sub_ui(key->p1, key->p, 1);
    mpz_sub_ui(key->q1, key->q, 1);
    mpz_lcm(key->lcm, key->p1, key->q1);
    if (mpz_invert(key->d, key->e, key->lcm) == 0 || mpz_invert(key->qinv, key->q, key->p) == 0)
        return -EDOM;
    mpz_mod(key->dp, key->d, key->p1);
    mpz_mod(key->dq, key->d, key->q1);
    return 0;
}

static const char *gmp_version_of(void)
{
    return gmp_version;
}

const struct kw_side kw_side_gmp = {
    .name = "gmp",
    .title = "GMP",
    .note = "mpz_nextprime() twice and the CRT numbers: not FIPS 186-5, not constant-time",
    .supports = supports,
    .open = gmp_open,
    .make = gmp_make,
    .close = gmp_close,
    .version = gmp_version_of,
};
