#include "engine/selftest.h"

#include "engine/selftest_checks.h"

#include <openssl/err.h>

static void rng_freep(struct kw_rng **rng)
{
    kw_rng_free(*rng);
}

static int check_drbg(struct kw_rng *rng, size_t index)
{
    (void)index;
    return kw_selftest_check_drbg(rng, &kw_selftest_drbg_vector);
}

static int check_rsa(struct kw_rng *rng, size_t index)
{
    (void)index;
    return kw_selftest_check_rsa(rng, &kw_selftest_rsa_vector);
}

static int check_ec(struct kw_rng *rng, size_t index)
{
    return kw_selftest_check_ec(rng, &kw_selftest_ec_vectors[index]);
}

static int check_ed25519(struct kw_rng *rng, size_t index)
{
    (void)index;
    return kw_selftest_check_ed25519(rng, &kw_selftest_ed25519_vector);
}

static const struct {
    const char *what;
    int (*check)(struct kw_rng *rng, size_t index);
    size_t index; /* of the vector */
} tests[] = {
    {"CTR_DRBG with AES-256", check_drbg, 0},
    {"RSA signature and encoding", check_rsa, 0},
    {"P-256 multiplication, signature and encoding", check_ec, 0},
    {"P-384 multiplication, signature and encoding", check_ec, 1},
    {"P-521 multiplication, signature and encoding", check_ec, 2},
    {"secp256k1 multiplication, signature and encoding", check_ec, 3},
    {"Ed25519 signature and encoding", check_ed25519, 0},
};

/* What a failed test left in OpenSSL's queue is of no use to the caller, who learns which test it was. */
int kw_engine_selftest(const char **ret_what)
{
    KW_CLEANUP(rng_freep) struct kw_rng *rng = NULL;

    *ret_what = "random source";
    KW_TRY(kw_rng_new(&rng));
    for (size_t i = 0; i < KW_ARRAY_LEN(tests); i++) {
        *ret_what = tests[i].what;
        int result = tests[i].check(rng, tests[i].index);
        ERR_clear_error();
        if (result != 0)
            return result;
    }
    *ret_what = NULL;
    return 0;
}
