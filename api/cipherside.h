/* cipherside - one side of Encrypt, Decrypt and ReEncrypt: a KMS key, an algorithm and an encryption context,
 * and what is done with them, be the key symmetric or a key pair.
 *
 * The functions are called in the order in which they stand here; each returns KW_CALL_DONE or
 * KW_CALL_REFUSED (open and seal also
 * KW_CALL_WAIT_TOKEN). They make side->key the call's key.
 */
#ifndef KW_API_CIPHERSIDE_H
#define KW_API_CIPHERSIDE_H

#include "api/call.h"

struct kw_cipher_side {
    const char *key, *algorithm, *context; /* names of the members that say so */
    const char *permission;                /* ReEncryptFrom, ReEncryptTo; NULL: the operation's name */
    const struct kw_kms_key *other;        /* ReEncrypt: the key of the other side, as far as it is there */
    /* set by the functions: */
    enum kw_algorithm alg;
    const struct kw_kms_key *found;
    const struct kw_asym *pair; /* of a key pair; belongs to the key */
};

/* Reads the algorithm (SYMMETRIC_DEFAULT if none is named). */
void kw_cipher_side_read(const struct kw_call *call, struct kw_cipher_side *side);
/* The key that the member names. */
KW_MUST_CHECK int kw_cipher_side_find(struct kw_call *call, struct kw_cipher_side *side);
/* The key that a ciphertext was made with: of a symmetric one its own word, which the member, if it is there,
 * must agree with (IncorrectKeyException); else the member's. */
KW_MUST_CHECK int kw_cipher_side_find_source(
    struct kw_call *call, struct kw_cipher_side *side, struct kw_bytes ciphertext);
/* Usage, state, algorithm against key spec. */
KW_MUST_CHECK int kw_cipher_side_check(struct kw_call *call, struct kw_cipher_side *side);
/* Encodes the encryption context into call->context; algorithms of key pairs take none. */
KW_MUST_CHECK int kw_cipher_side_context(struct kw_call *call, struct kw_cipher_side *side);
/* Decrypts; of a large key pair in a chore, and then it returns KW_CALL_WAIT_CHORE first. Out: appends to
 * ret_plain, secret memory or a guarded local of KW_CIPHERTEXT_MAX bytes. */
KW_MUST_CHECK int kw_cipher_side_open(
    struct kw_call *call, struct kw_cipher_side *side, struct kw_bytes ciphertext, struct kw_buf *ret_plain);
/* Refuses a plaintext that the algorithm and the key have no room for. */
KW_MUST_CHECK int kw_cipher_side_fits(
    struct kw_call *call, struct kw_cipher_side *side, size_t plaintext_len);
/* Encrypts and writes the member CiphertextBlob. */
KW_MUST_CHECK int kw_cipher_side_seal(
    struct kw_call *call, struct kw_cipher_side *side, struct kw_json_out *out, struct kw_bytes plaintext);

/* Does the request ask for permissions only (DryRun with IGNORE_CIPHERTEXT)? */
KW_MUST_CHECK bool kw_cipher_ignored(const struct kw_call *call);
/* Reads CiphertextBlob, which may be absent only if it is ignored. */
KW_MUST_CHECK int kw_cipher_read(struct kw_call *call, uint8_t text[KW_CIPHERTEXT_MAX], size_t *ret_len);

#endif
