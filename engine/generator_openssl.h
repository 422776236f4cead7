/* generator_openssl - what the parts of the generator over OpenSSL share.
 *
 * Making, testing and writing a pair all run on a fiber, for EC as for RSA: whatever a version of OpenSSL
 * leaves of a key on its stack is then in secret memory, and is wiped when the pair is done.
 */
#ifndef KW_ENGINE_GENERATOR_OPENSSL_H
#define KW_ENGINE_GENERATOR_OPENSSL_H

#include "engine/crypto.h"
#include "engine/fiber.h"
#include "engine/generator.h"

/* One kind of key pair. Both functions return 0 | KW_EOPENSSL. */
struct kw_openssl_kind {
    size_t stack_bytes; /* seen in use: RSA 13 KiB, the others 6 KiB */
    /* A context ready for EVP_PKEY_keygen(), as often as wanted. */
    int (*context)(OSSL_LIB_CTX *libctx, enum kw_spec spec, EVP_PKEY_CTX **ret);
    /* Writes both halves as DER and sets the slot's lengths. */
    int (*write)(const EVP_PKEY *pkey, enum kw_spec spec, struct kw_slot *slot);
};

extern const struct kw_openssl_kind kw_openssl_rsa;
extern const struct kw_openssl_kind kw_openssl_ec;
extern const struct kw_openssl_kind kw_openssl_ed25519;

/* The generator's fiber, for tests that look for secrets on its stack. */
const struct kw_fiber *kw_generator_openssl_fiber(struct kw_generator *generator);

#endif
