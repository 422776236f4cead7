/* tokenblob - the format of CiphertextBlob under a key that is in a token (docs/ciphertext.md, version 2).
 *
 *   magic+version 4 | KMS key id 16 | IV 12 | ciphertext | tag 16
 *
 * The token does AES-256-GCM with the KMS key itself, which nobody can derive anything from. What stands
 * before the IV and the canonical encryption context are additional authenticated data; GCM binds the IV by
 * itself. Pure.
 */
#ifndef KW_API_TOKENBLOB_H
#define KW_API_TOKENBLOB_H

#include "api/ciphertext.h"
#include "pool/sbuf.h"

#define KW_TOKENBLOB_MAGIC      "KWB\x02"
#define KW_TOKENBLOB_HEADER_LEN 32u
#define KW_TOKENBLOB_OVERHEAD   (KW_TOKENBLOB_HEADER_LEN + KW_BLOB_TAG_LEN)

/* A parsed blob; slices into the input. */
struct kw_tokenblob {
    const uint8_t *key_id;  /* KW_KMS_KEY_ID_LEN bytes */
    const uint8_t *iv;      /* KW_BLOB_IV_LEN bytes */
    struct kw_bytes sealed; /* ciphertext, at least 1 byte, and tag */
};

/* Returns: 0 | KW_BLOB_INVALID */
KW_MUST_CHECK int kw_tokenblob_parse(struct kw_bytes text, struct kw_tokenblob *ret);
/* Appends a blob; sealed is ciphertext and tag as the token gave them. */
void kw_tokenblob_write(const uint8_t key_id[KW_KMS_KEY_ID_LEN], const uint8_t iv[KW_BLOB_IV_LEN],
    struct kw_bytes sealed, struct kw_buf *ret);
/* Appends the additional authenticated data; context is the canonical encoding (enccontext.h). */
void kw_tokenblob_aad(const uint8_t key_id[KW_KMS_KEY_ID_LEN], struct kw_bytes context, struct kw_sbuf *ret);

/* The id of the KMS key that a blob of any version names, or NULL if it is no blob. */
const uint8_t *kw_blob_key_id(struct kw_bytes text);

#endif
