/* auditkey - the key that signs the audit log: Ed25519, private in the server, public in DIR/audit.pub.
 *
 * One owner thread per object. A key made from a seed signs and verifies; one read from PEM verifies.
 */
#ifndef KW_API_AUDITKEY_H
#define KW_API_AUDITKEY_H

#include "pool/bytes.h"

#include <openssl/types.h>

#define KW_AUDIT_KEY_ID_LEN    32 /* SHA-256 of the public key's SubjectPublicKeyInfo DER */
#define KW_AUDIT_SIGNATURE_LEN 64
#define KW_AUDIT_PEM_MAX       256 /* an Ed25519 public key takes 113 */

struct kw_auditkey {
    EVP_PKEY *pkey;
    EVP_MD_CTX *ctx;
    uint8_t id[KW_AUDIT_KEY_ID_LEN];
    char pem[KW_AUDIT_PEM_MAX]; /* the public key, NUL-terminated */
};

/* The seed is copied to where OpenSSL allocates: secret memory. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_auditkey_from_seed(struct kw_auditkey *ret, const uint8_t seed[32]);
/* kw_auditkey_from_pem() - text must be the PEM that this file writes, byte for byte, so that no change to it
 * passes. Returns: 0 | 1 (it is not) | KW_EOPENSSL */
KW_MUST_CHECK int kw_auditkey_from_pem(struct kw_auditkey *ret, struct kw_bytes text);
void kw_auditkey_done(struct kw_auditkey *key);

/* Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_auditkey_sign(
    struct kw_auditkey *key, struct kw_bytes message, uint8_t ret[KW_AUDIT_SIGNATURE_LEN]);
KW_MUST_CHECK bool kw_auditkey_verify(
    struct kw_auditkey *key, struct kw_bytes message, const uint8_t signature[KW_AUDIT_SIGNATURE_LEN]);

/* kw_auditkey_publish() - writes audit.pub into the folder (durably, by rename), or checks the one that is
 * there. Returns: 0 | 1 (another key's) | negative errno */
KW_MUST_CHECK int kw_auditkey_publish(const struct kw_auditkey *key, int dir_fd);
/* kw_auditkey_load() - reads audit.pub. Returns: 0 | 1 (malformed) | negative errno | KW_EOPENSSL */
KW_MUST_CHECK int kw_auditkey_load(struct kw_auditkey *ret, int dir_fd);

#endif
