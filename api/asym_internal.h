/* asym_internal - what the files of asym share. */
#ifndef KW_API_ASYM_INTERNAL_H
#define KW_API_ASYM_INTERNAL_H

#include "api/asym.h"
#include "engine/crypto.h"

#include <stdatomic.h>

/* Immutable but for the count; in secret memory. */
struct kw_asym {
    _Atomic uint32_t refs;
    enum kw_key_spec spec;
    EVP_PKEY *pkey;
    size_t public_len;
    uint8_t public[KW_PUBLIC_KEY_MAX]; /* SubjectPublicKeyInfo */
};

/* The digest of an algorithm. OpenSSL knows each by that name (asserted). */
const EVP_MD *kw_asym_digest(const struct kw_algorithm_info *info);

/* kw_asym_parse() - PKCS#8 DER, nothing behind it. Returns: 0 | KW_ASYM_INVALID_KEY */
KW_MUST_CHECK int kw_asym_parse(struct kw_bytes pkcs8, EVP_PKEY **ret);

/* kw_asym_oaep() - sets a context of an RSA key, initialised for encryption or decryption, to OAEP with MGF1
 * on the same digest and an empty label. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_asym_oaep(EVP_PKEY_CTX *ctx, const EVP_MD *digest);

/* kw_asym_decrypt_with() - decryption by any private key, for those that have no struct kw_asym. scheme is
 * KW_SCHEME_OAEP or KW_SCHEME_SM2_ENCRYPTION. Out, returns: as kw_asym_decrypt(). */
KW_MUST_CHECK int kw_asym_decrypt_with(EVP_PKEY *pkey, enum kw_scheme scheme, const EVP_MD *digest,
    struct kw_bytes ciphertext, struct kw_buf *ret_plain);

#endif
