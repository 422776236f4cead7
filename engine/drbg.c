#include "engine/drbg.h"

#include "pool/secmem.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define STRENGTH 256u

struct kw_drbg {
    EVP_RAND_CTX *ctx; /* holds its source */
};

static void rand_freep(EVP_RAND **rand)
{
    EVP_RAND_free(*rand);
}
static void rand_ctx_freep(EVP_RAND_CTX **ctx)
{
    EVP_RAND_CTX_free(*ctx);
}

/* The operating system as a parent, one for each generator: OpenSSL's generators of a library context share
 * theirs, and its lock. */
static int source_new(OSSL_LIB_CTX *libctx, EVP_RAND_CTX **ret)
{
    KW_CLEANUP(rand_freep) EVP_RAND *rand = EVP_RAND_fetch(libctx, "SEED-SRC", NULL);

    KW_SSL_PTR(rand);
    KW_CLEANUP(rand_ctx_freep) EVP_RAND_CTX *ctx = EVP_RAND_CTX_new(rand, NULL);
    KW_SSL_PTR(ctx);
    KW_SSL(EVP_RAND_instantiate(ctx, 0, 0, NULL, 0, NULL));
    *ret = ctx;
    ctx = NULL;
    return 0;
}

static int generator_new(OSSL_LIB_CTX *libctx, EVP_RAND_CTX *source, EVP_RAND_CTX **ret)
{
    KW_CLEANUP(rand_freep) EVP_RAND *rand = EVP_RAND_fetch(libctx, "CTR-DRBG", NULL);
    char cipher[] = "AES-256-CTR";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end(),
    };

    KW_SSL_PTR(rand);
    KW_CLEANUP(rand_ctx_freep) EVP_RAND_CTX *ctx = EVP_RAND_CTX_new(rand, source);
    KW_SSL_PTR(ctx);
    KW_SSL(EVP_RAND_instantiate(ctx, STRENGTH, 0, NULL, 0, params));
    *ret = ctx;
    ctx = NULL;
    return 0;
}

int kw_drbg_new(struct kw_drbg **ret, OSSL_LIB_CTX *libctx)
{
    KW_DRBG struct kw_drbg *drbg = kw_secmem_alloc(sizeof(*drbg));
    KW_CLEANUP(rand_ctx_freep) EVP_RAND_CTX *source = NULL;

    KW_REQUIRE(drbg != NULL, -ENOMEM);
    KW_TRY(source_new(libctx, &source));
    KW_TRY(generator_new(libctx, source, &drbg->ctx));
    *ret = drbg;
    drbg = NULL;
    return 0;
}

/* In a forked child there is nothing left behind the pointer. */
void kw_drbg_free(struct kw_drbg *drbg)
{
    if (drbg == NULL || !kw_secmem_alive())
        return;
    EVP_RAND_CTX_free(drbg->ctx);
    kw_secmem_free(drbg);
}

/* OpenSSL splits what is longer than a request of SP 800-90A may be. */
int kw_drbg_bytes(struct kw_drbg *drbg, void *out, size_t len)
{
    KW_REQUIRE(kw_secmem_alive(), -EPERM);
    if (len == 0)
        return 0;
    if (EVP_RAND_generate(drbg->ctx, out, len, STRENGTH, 0, NULL, 0) > 0)
        return 0;
    kw_erase(out, len);
    return KW_EOPENSSL;
}
