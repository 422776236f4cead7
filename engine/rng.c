#include "engine/rng.h"

#include "engine/drbg.h"
#include "pool/secmem.h"

#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

struct kw_rng {
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *provider;
    struct kw_drbg *drbg;
};

void kw_rng_free(struct kw_rng *rng)
{
    if (rng == NULL)
        return;
    kw_drbg_free(rng->drbg);
    if (rng->provider != NULL)
        OSSL_PROVIDER_unload(rng->provider);
    OSSL_LIB_CTX_free(rng->libctx);
    kw_secmem_free(rng);
}

static void rng_freep(struct kw_rng **rng)
{
    kw_rng_free(*rng);
}

/* For what it draws by itself OpenSSL keeps a chain of generators in a library context: the operating system
 * seeds a primary one, that one seeds one for each thread. With one context per owner thread, no link of the
 * chain is shared. Asking for the thread's private generator here seeds it now, so that a system without
 * entropy fails at start. */
int kw_rng_new(struct kw_rng **ret)
{
    KW_CLEANUP(rng_freep) struct kw_rng *rng = kw_secmem_alloc(sizeof(*rng));

    if (rng == NULL)
        return -ENOMEM;
    KW_SSL_PTR(rng->libctx = OSSL_LIB_CTX_new());
    KW_SSL_PTR(rng->provider = OSSL_PROVIDER_load(rng->libctx, "default"));
    KW_SSL(RAND_set_DRBG_type(rng->libctx, "CTR-DRBG", NULL, "AES-256-CTR", NULL));
    KW_SSL(RAND_set_seed_source_type(rng->libctx, "SEED-SRC", NULL));
    KW_SSL_PTR(RAND_get0_private(rng->libctx));
    KW_TRY(kw_drbg_new(&rng->drbg, rng->libctx));

    *ret = rng;
    rng = NULL;
    return 0;
}

int kw_rng_bytes(struct kw_rng *rng, void *out, size_t len)
{
    KW_REQUIRE(kw_secmem_alive(), -EPERM); /* in a forked child rng->drbg is gone */
    return kw_drbg_bytes(rng->drbg, out, len);
}

OSSL_LIB_CTX *kw_rng_libctx(struct kw_rng *rng)
{
    return rng->libctx;
}
