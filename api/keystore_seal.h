/* keystore_seal - seals the secrets of the keystore under the root key, each to the row that it belongs to.
 *
 * AES-256-GCM (SP 800-38D) with a random 96-bit IV. The associated data is a domain string, the table, the
 * row's identity and the purpose, each with its length before it, so a sealed value opens in its own place
 * only. Sealed form: version 1 | IV 12 | ciphertext | tag 16. IVs come from a DRBG of the
 * sealer's own (engine/drbg.h). Random IVs under one key are good for 2^32
 * values (SP 800-38D section 8.3); a store holds some 2^17. One owner thread.
 */
#ifndef KW_API_KEYSTORE_SEAL_H
#define KW_API_KEYSTORE_SEAL_H

#include "pool/bytes.h"

#define KW_ROOT_KEY_LEN      32
#define KW_SEAL_OVERHEAD     (1 + 12 + 16)
#define KW_SEAL_IDENTITY_MAX 1024u

enum {
    KW_SEAL_BROKEN = 1, /* not sealed under this root key for this place, or altered */
};

/* The place of a sealed value: which table, which row, what for. The identity is an encoding of fields that a
 * row cannot share with another (kw_seal_put_field()). */
struct kw_seal_place {
    const char *table;
    struct kw_bytes identity; /* at most KW_SEAL_IDENTITY_MAX bytes (asserted) */
    const char *purpose;
};

struct kw_sealer;

/* root_key is copied to secret memory. Returns: 0 | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_sealer_new(struct kw_sealer **ret, const uint8_t root_key[KW_ROOT_KEY_LEN]);
void kw_sealer_free(struct kw_sealer *sealer);
/* kw_seal() - Out: appends KW_SEAL_OVERHEAD + plain.len bytes to ret, which has room (asserted).
 * Secret: plain. Returns: 0 | KW_EOPENSSL | -EPERM (forked child) */
KW_MUST_CHECK int kw_seal(
    struct kw_sealer *sealer, const struct kw_seal_place *place, struct kw_bytes plain, struct kw_buf *ret);
/* kw_unseal() - Out: appends the plaintext to ret (secret); what does not authenticate is wiped.
 * Returns: 0 | KW_SEAL_BROKEN (too long for ret, too) | KW_EOPENSSL */
KW_MUST_CHECK int kw_unseal(
    struct kw_sealer *sealer, const struct kw_seal_place *place, struct kw_bytes sealed, struct kw_buf *ret);

/* Appends one field of an identity: its length in four bytes, then its bytes. */
void kw_seal_put_field(struct kw_buf *identity, struct kw_bytes field);

#endif
