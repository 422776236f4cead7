/* keywrap - imported key material: out of its wrapping, and whether it is what the KMS key needs.
 *
 * GetParametersForImport hands out the public half of a fresh wrapping key; ImportKeyMaterial brings what the
 * caller encrypted with it. The private half and the material are secret memory throughout.
 * Thread-safety: pure functions; kw_material_check() of RSA takes up to a second and is not for serving
 * threads.
 */
#ifndef KW_API_KEYWRAP_H
#define KW_API_KEYWRAP_H

#include "api/asym.h"

/* WrappingAlgorithm, in the order of the service model. */
enum kw_wrapping {
    KW_WRAPPING_RSAES_PKCS1_V1_5, /* named by the model, refused by AWS since 2023 and never unwrapped here */
    KW_WRAPPING_RSAES_OAEP_SHA_1,
    KW_WRAPPING_RSAES_OAEP_SHA_256,
    KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_1,
    KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256,
    KW_WRAPPING_SM2PKE,
    KW_WRAPPING_NUM,
};

/* EncryptedKeyMaterial's limit in the service model. */
#define KW_WRAPPED_MAX 6144u
/* No material is longer than what held it. */
#define KW_MATERIAL_MAX KW_WRAPPED_MAX

enum {
    KW_KEYWRAP_INVALID = 1,  /* it does not unwrap: never said why */
    KW_MATERIAL_INVALID = 2, /* it unwraps, but is no material for that key spec */
};

const char *kw_wrapping_name(enum kw_wrapping algorithm);
/* Exact name. Returns: 0 | 1 (unknown) */
KW_MUST_CHECK int kw_wrapping_parse(struct kw_bytes name, enum kw_wrapping *ret);

/* kw_keywrap_allows() - whether a wrapping key of that spec (RSA_2048, RSA_3072, RSA_4096, SM2; others:
 * never) goes with the algorithm, and that with material for a KMS key of the target spec, as the service
 * model says: RSA_AES_KEY_WRAP_* for key pairs; RSAES_OAEP_* for all but RSA key pairs, and not under
 * RSA_2048 for ECC_NIST_P521, which does not fit. */
KW_MUST_CHECK bool kw_keywrap_allows(
    enum kw_key_spec wrapping_key, enum kw_wrapping algorithm, enum kw_key_spec target);

/* kw_keywrap_unwrap() - In: wrapping_key, the private half as PKCS#8 DER; wrapped, from outside.
 * RSA_AES_KEY_WRAP_*: an AES-256 key under RSAES-OAEP, then the material under AES key wrap with padding
 * (RFC 5649, as PKCS#11's CKM_RSA_AES_KEY_WRAP puts them together).
 * Out: appends the material to ret, which is secret memory.
 * Returns: 0 | KW_KEYWRAP_INVALID | -EINVAL (wrapping_key is no such key) | -ENOBUFS | KW_EOPENSSL */
KW_MUST_CHECK int kw_keywrap_unwrap(
    enum kw_wrapping algorithm, struct kw_bytes wrapping_key, struct kw_bytes wrapped, struct kw_buf *ret);

/* kw_material_check() - whether unwrapped material is that of a KMS key of the spec: 32 bytes for
 * SYMMETRIC_DEFAULT; for HMAC as many as the spec's name says; PKCS#8 DER of a key pair of the right size or
 * curve, validated in full (kw_asym_check()).
 * Out: ret_key, for key pairs: the key with one reference; for others NULL.
 * Returns: 0 | KW_MATERIAL_INVALID | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_material_check(
    enum kw_key_spec spec, struct kw_bytes material, struct kw_asym **ret_key);

#endif
