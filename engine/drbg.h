/* drbg - a random generator of one owner: CTR-DRBG with AES-256 (SP 800-90A), seeded and reseeded straight
 * from the operating system, that shares no lock with any other thread.
 *
 * OpenSSL's own RAND_bytes() does not do for threads that must not wait for each other: OpenSSL 3.0 takes one
 * lock of the whole process, for writing, on every call, and a worker at idle priority can be stopped inside
 * it. What is drawn here goes past that lock, and past the chain of generators behind it.
 *
 * One owner at a time; the owner may hand it to another thread, nothing in it belongs to a thread. All of its
 * state is secret memory (kw_crypto_init()). Source: SP 800-90A section 10.2.1 through OpenSSL's EVP_RAND.
 */
#ifndef KW_ENGINE_DRBG_H
#define KW_ENGINE_DRBG_H

#include "pool/base.h"

#include <openssl/types.h>

struct kw_drbg;

/* kw_drbg_new() - fetches the algorithms (which does take the library context's locks) and seeds now, so that
 * a system without entropy fails at start. In: libctx, NULL for the default one; it outlives the generator.
 * Returns: 0 | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_drbg_new(struct kw_drbg **ret, OSSL_LIB_CTX *libctx);
/* NULL is fine. */
void kw_drbg_free(struct kw_drbg *drbg);
/* Fills out, of any length; wiped on failure. Reseeds from the operating system as OpenSSL does for its
 * primary generator: every 256 requests of at most 64 KiB, and after an hour. Returns: 0 | KW_EOPENSSL |
 * -EPERM (forked child) */
KW_MUST_CHECK int kw_drbg_bytes(struct kw_drbg *drbg, void *out, size_t len);

static inline void kw_drbg_freep(struct kw_drbg **drbg)
{
    kw_drbg_free(*drbg);
}
/* Owning local: KW_DRBG struct kw_drbg *drbg = NULL; */
#define KW_DRBG KW_CLEANUP(kw_drbg_freep)

#endif
