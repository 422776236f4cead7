/* ciphertext - the format of PrivateKeyCiphertextBlob and CiphertextBlob, version 1 (docs/ciphertext.md).
 *
 *   magic+version 4 | KMS key id 16 | key material id 32 | KDF nonce 16 | IV 12 | ciphertext | tag 16
 *
 * A fresh AES-256 key per message: SP 800-108 KDF in counter mode with HMAC-SHA256 over the backing key, the
 * label KW_BLOB_LABEL, and as context the nonce and the key id; then AES-256-GCM (SP 800-38D). Everything
 * before the ciphertext and the canonical encryption context are additional authenticated data.
 */
#ifndef KW_API_CIPHERTEXT_H
#define KW_API_CIPHERTEXT_H

#include "pool/bytes.h"
#include "pool/limits.h"

#include <openssl/types.h>

/* "KWB" and the version of the format. */
#define KW_BLOB_MAGIC "KWB\x01"
/* Says what the derived key is for; another format or another use takes another label. */
#define KW_BLOB_LABEL "keywell ciphertext v1 AES-256-GCM"

#define KW_BLOB_HEADER_LEN 80 /* 4 + 16 + 32 + 16 + 12 */
#define KW_BLOB_TAG_LEN    16
#define KW_BLOB_OVERHEAD   (KW_BLOB_HEADER_LEN + KW_BLOB_TAG_LEN)
#define KW_BACKING_KEY_LEN 32
#define KW_MATERIAL_ID_LEN 32
#define KW_KMS_KEY_ID_LEN  16
#define KW_BLOB_NONCE_LEN  16
#define KW_BLOB_IV_LEN     12

/* A parsed blob; slices into the input. */
struct kw_blob {
    struct kw_bytes header;     /* the whole header */
    const uint8_t *key_id;      /* KW_KMS_KEY_ID_LEN bytes */
    const uint8_t *material_id; /* KW_MATERIAL_ID_LEN bytes */
    const uint8_t *nonce;       /* 16 bytes */
    const uint8_t *iv;          /* 12 bytes */
    struct kw_bytes ciphertext; /* at least 1 byte */
    const uint8_t *tag;
};

enum {
    KW_BLOB_INVALID = 1, /* not a blob, or it does not authenticate: never said which */
};

/* Pure. At most KW_CIPHERTEXT_MAX bytes in all. Returns: 0 | KW_BLOB_INVALID */
KW_MUST_CHECK int kw_blob_parse(struct kw_bytes text, struct kw_blob *ret);

/* Prefetched algorithms, reused contexts and a stock of random bytes; one owner thread. All of it is secret
 * memory, OpenSSL's share too (kw_crypto_init()); no key stays in it after a call. */
struct kw_wrapper;
KW_MUST_CHECK int kw_wrapper_new(struct kw_wrapper **ret);
/* The same with algorithms of a library context of the caller's, which outlives it; NULL: the default one. */
KW_MUST_CHECK int kw_wrapper_new_in(struct kw_wrapper **ret, OSSL_LIB_CTX *libctx);
void kw_wrapper_free(struct kw_wrapper *wrapper);
static inline void kw_wrapper_freep(struct kw_wrapper **wrapper)
{
    kw_wrapper_free(*wrapper);
}
#define KW_WRAPPER KW_CLEANUP(kw_wrapper_freep)

/* kw_wrap() - encrypts plaintext (1 .. KW_CIPHERTEXT_MAX - KW_BLOB_OVERHEAD bytes) under a backing key.
 * In: context, the canonical encoding (enccontext.h); plaintext not within ret.
 * Out: appends KW_BLOB_OVERHEAD + plaintext.len bytes to ret, nothing on failure.
 * Secret: backing_key, plaintext; the message key is wiped.
 * Returns: 0 | 1 (does not fit, or the length is not one that can be wrapped) | KW_EOPENSSL | -EPERM (forked
 * child) */
KW_MUST_CHECK int kw_wrap(struct kw_wrapper *wrapper, const uint8_t key_id[KW_KMS_KEY_ID_LEN],
    const uint8_t material_id[KW_MATERIAL_ID_LEN], const uint8_t backing_key[KW_BACKING_KEY_LEN],
    struct kw_bytes context, struct kw_bytes plaintext, struct kw_buf *ret);

/* kw_unwrap() - Out: ret_plain receives blob->ciphertext.len bytes after what it holds; what failed to
 * authenticate is wiped and ret_plain as it was.
 * Returns: 0 | KW_BLOB_INVALID | KW_EOPENSSL | -ENOBUFS (does not fit) | -EPERM (forked child) */
KW_MUST_CHECK int kw_unwrap(struct kw_wrapper *wrapper, const struct kw_blob *blob,
    const uint8_t backing_key[KW_BACKING_KEY_LEN], struct kw_bytes context, struct kw_buf *ret_plain);

/* Bytes from the wrapper's random source (data keys, ids): a DRBG of its own (engine/drbg.h), drawn in
 * bulk; each byte is given out once and wiped from the stock. Returns: 0 | KW_EOPENSSL | -EPERM (forked
 * child) */
KW_MUST_CHECK int kw_wrapper_random(struct kw_wrapper *wrapper, void *out, size_t len);

/* The KDF alone, for its known-answer test. Secret: backing_key, out */
void kw_blob_derive(const uint8_t backing_key[KW_BACKING_KEY_LEN], const uint8_t nonce[KW_BLOB_NONCE_LEN],
    const uint8_t key_id[KW_KMS_KEY_ID_LEN], uint8_t out[32]);

/* Known-answer tests of HMAC, KDF and GCM at start. In: libctx as for kw_wrapper_new_in(). Returns: 0 | 1
 * (failed) | <0 */
KW_MUST_CHECK int kw_ciphertext_selftest(OSSL_LIB_CTX *libctx);

#endif
