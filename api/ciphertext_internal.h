/* ciphertext_internal - the parts of a wrapper, for ciphertext.c and its tests against published vectors.
 *
 * Same ownership as ciphertext.h: a wrapper belongs to one thread.
 */
#ifndef KW_API_CIPHERTEXT_INTERNAL_H
#define KW_API_CIPHERTEXT_INTERNAL_H

#include "api/ciphertext.h"

/* AES-256-GCM over two pieces of additional data in a row. out has text.len bytes and may not overlap text.
 * Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_wrapper_seal(struct kw_wrapper *wrapper, const uint8_t key[32],
    const uint8_t iv[KW_BLOB_IV_LEN], struct kw_bytes header, struct kw_bytes context, struct kw_bytes text,
    uint8_t *out, uint8_t tag[KW_BLOB_TAG_LEN]);
/* Its inverse; out is wiped unless it returns 0. Returns: 0 | KW_BLOB_INVALID | KW_EOPENSSL */
KW_MUST_CHECK int kw_wrapper_open(struct kw_wrapper *wrapper, const uint8_t key[32],
    const uint8_t iv[KW_BLOB_IV_LEN], struct kw_bytes header, struct kw_bytes context, struct kw_bytes text,
    const uint8_t tag[KW_BLOB_TAG_LEN], uint8_t *out);

/* kw_wrap() with a given nonce and IV: known answers only, a nonce is never used twice. */
KW_MUST_CHECK int kw_wrap_with(struct kw_wrapper *wrapper, const uint8_t key_id[KW_KMS_KEY_ID_LEN],
    const uint8_t material_id[KW_MATERIAL_ID_LEN], const uint8_t backing_key[KW_BACKING_KEY_LEN],
    const uint8_t nonce[KW_BLOB_NONCE_LEN], const uint8_t iv[KW_BLOB_IV_LEN], struct kw_bytes context,
    struct kw_bytes plaintext, struct kw_buf *ret);

#endif
