/* importtoken - the ImportToken of GetParametersForImport: the private half of the wrapping pair, sealed for
 * this keystore alone, so that nothing is kept here between the two calls of an import.
 *
 *   what is sealed: version 1 | wrapping algorithm 1 | wrapping key spec 1 | expiry, ms, 8 | PKCS#8 DER
 *
 * Sealed as ciphertext.h seals a plaintext, but under a secret of the keystore that serves nothing else but
 * imports, with a fixed text in the place of the material id and the ARN of the KMS key as the context: a
 * token is good for that key in that region and for no other. It may be used again until it expires. Numbers
 * are big-endian.
 */
#ifndef KW_API_IMPORTTOKEN_H
#define KW_API_IMPORTTOKEN_H

#include "api/ciphertext.h"
#include "api/keywrap.h"

#define KW_IMPORTTOKEN_HEAD_LEN 11u
/* The longest; the service model allows 6144 (asserted). */
#define KW_IMPORTTOKEN_MAX         (KW_BLOB_OVERHEAD + KW_IMPORTTOKEN_HEAD_LEN + KW_PRIVATE_KEY_MAX)
#define KW_IMPORTTOKEN_VALIDITY_MS KW_DAY_MS

enum {
    KW_IMPORTTOKEN_INVALID = 1, /* altered, cut, another key's, or no token: never said which */
    KW_IMPORTTOKEN_EXPIRED = 2,
};

struct kw_importtoken {
    enum kw_wrapping algorithm;
    enum kw_key_spec wrapping_key; /* RSA_2048, RSA_3072, RSA_4096 or SM2 */
    int64_t expires_ms;
    struct kw_bytes private_key; /* secret; borrowed */
};

/* Which KMS key a token is for, and what seals it. */
struct kw_importtoken_seal {
    struct kw_wrapper *wrapper;
    const uint8_t *secret; /* 32 bytes: service->import_secret */
    const uint8_t *key_id; /* KW_KMS_KEY_ID_LEN bytes */
    const char *arn;
};

/* kw_importtoken_make() - Out: appends at most KW_IMPORTTOKEN_MAX bytes to ret, nothing on failure.
 * Returns: 0 | -EINVAL (a private key that is empty or too long) | -ENOBUFS | KW_EOPENSSL | -EPERM (forked
 * child) */
KW_MUST_CHECK int kw_importtoken_make(
    const struct kw_importtoken_seal *seal, const struct kw_importtoken *token, struct kw_buf *ret);

/* kw_importtoken_open() - In: text, from outside; now_ms by the service's clock. Out: ret, whose private key
 * lies in space, secret memory of the caller's with room for KW_IMPORTTOKEN_MAX bytes.
 * Returns: 0 | KW_IMPORTTOKEN_INVALID | KW_IMPORTTOKEN_EXPIRED | KW_EOPENSSL | -ENOBUFS | -EPERM */
KW_MUST_CHECK int kw_importtoken_open(const struct kw_importtoken_seal *seal, struct kw_bytes text,
    int64_t now_ms, struct kw_buf *space, struct kw_importtoken *ret);

/* What was sealed, taken apart; pure. Returns: 0 | KW_IMPORTTOKEN_INVALID */
KW_MUST_CHECK int kw_importtoken_parse(struct kw_bytes plain, struct kw_importtoken *ret);

/* kw_importtoken_material_id() - the KeyMaterialId of imported material: the same for the same material in
 * the same KMS key, and no help in guessing the material. HMAC-SHA256 under the keystore's secret over a
 * label, the key's id and `identity`: a symmetric key itself, or SubjectPublicKeyInfo of a key pair, which
 * does not depend on how its PKCS#8 was written. */
void kw_importtoken_material_id(const uint8_t secret[32], const uint8_t key_id[KW_KMS_KEY_ID_LEN],
    struct kw_bytes identity, uint8_t ret[KW_MATERIAL_ID_LEN]);

#endif
