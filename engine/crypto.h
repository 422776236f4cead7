/* crypto - how the process uses OpenSSL: memory, contexts, errors, and who frees what.
 *
 * kw_crypto_init() routes every allocation of OpenSSL through secret memory (secmem.h), wiped on free:
 * bignums, key schedules and DRBG state live where secrets may. It must run before any other call into
 * OpenSSL.
 */
#ifndef KW_ENGINE_CRYPTO_H
#define KW_ENGINE_CRYPTO_H

#include "pool/base.h"

#include <openssl/bn.h>
#include <openssl/evp.h>

/* kw_crypto_init() - once per process, first thing in main (and in each test); later calls do nothing. Also
 * does kw_secmem_init(). Returns: 0 | -ENOMEM | -ENOSYS (see secmem.h) | KW_EOPENSSL (OpenSSL was used
 * before) */
KW_MUST_CHECK int kw_crypto_init(void);

/* Owning locals: KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = NULL; */
static inline void kw_bn_freep(BIGNUM **number)
{
    BN_clear_free(*number);
}
static inline void kw_pkey_freep(EVP_PKEY **pkey)
{
    EVP_PKEY_free(*pkey);
}
static inline void kw_pkey_ctx_freep(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}
static inline void kw_md_ctx_freep(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

#endif
