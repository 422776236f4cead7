/* enveloped - CiphertextForRecipient: a plaintext as CMS EnvelopedData (RFC 5652) for the RSA key of an
 * attested recipient.
 *
 * RSAES-OAEP with SHA-256 and MGF1 on it for the content-encryption key (RFC 8017, RFC 4055), AES-256-CBC for
 * the content, the recipient known by subjectKeyIdentifier (version 2). Written as KMS writes it: BER, with
 * indefinite lengths around the content and the content as a string of parts. Clients take that for granted
 * (AWS's own for enclaves does not read the definite lengths of DER), and every CMS reader must read it.
 */
#ifndef KW_API_ENVELOPED_H
#define KW_API_ENVELOPED_H

#include "api/ciphertext.h"

/* The longest plaintext; the longest that KMS has to give away is a private key or what Decrypt gives. */
#define KW_ENVELOPED_PLAINTEXT_MAX 6144u
/* All that is not the content, with the key under RSA 4096. */
#define KW_ENVELOPED_OVERHEAD_MAX 768u

enum {
    KW_ENVELOPED_BAD_KEY = 1, /* not SubjectPublicKeyInfo DER of an RSA key of 2048 to 4096 bits */
};

/* kw_enveloped_seal() - In: wrapper, this thread's source of the content-encryption key and the IV (OAEP's
 * seed is OpenSSL's own); public_key, from an attestation document that was verified; plaintext, at most
 * KW_ENVELOPED_PLAINTEXT_MAX bytes (asserted), not within ret.
 * Out: appends to ret at most plaintext.len + 16 + KW_ENVELOPED_OVERHEAD_MAX bytes.
 * Secret: plaintext; the content-encryption key is wiped.
 * Returns: 0 | KW_ENVELOPED_BAD_KEY | -ENOBUFS | -EPERM (forked child) | KW_EOPENSSL */
KW_MUST_CHECK int kw_enveloped_seal(
    struct kw_wrapper *wrapper, struct kw_bytes public_key, struct kw_bytes plaintext, struct kw_buf *ret);

#endif
