/* attestation - attestation documents of AWS Nitro Enclaves and NitroTPM, as Recipient carries them.
 *
 * A document is a COSE_Sign1 (RFC 9052; with or without tag 18) by ECDSA on P-384 with SHA-384 over a CBOR
 * map, with the certificate of the signer and those between it and the root. Parsing is pure and strict,
 * bounded by the input; nothing parsed may be believed before kw_attestation_verify() has returned 0. Source:
 * the attestation process of the Nitro Secure Module's public documentation; RFC 8949; RFC 9052.
 */
#ifndef KW_API_ATTESTATION_H
#define KW_API_ATTESTATION_H

#include "pool/bytes.h"

/* Longer ones are refused unread; the service model would let 256 KiB pass, Nitro's have about 5. */
#define KW_ATTESTATION_MAX        (16u * 1024u)
#define KW_ATTESTATION_PCRS       32u
#define KW_ATTESTATION_BUNDLE_MAX 8u /* Nitro sends 4: root, region, zone, instance */
/* KMS takes no document that is older; for the caller to compare timestamp_ms with. */
#define KW_ATTESTATION_AGE_MS (5 * 60 * 1000)

enum {
    KW_ATTESTATION_MALFORMED = 1, /* not such a document */
    KW_ATTESTATION_UNTRUSTED = 2, /* the chain does not end in a trusted root now, or the signature is not the
                                     leaf's */
    KW_ATTESTATION_NO_ROOT = 3,   /* the text of the trust root holds no certificate, or something else too */
};

/* A parsed document; slices into the input. What is absent has ptr NULL. */
struct kw_attestation {
    struct kw_bytes module_id; /* text, never empty */
    int64_t timestamp_ms;
    bool is_tpm;                              /* NitroTPM: the PCRs are those of a TPM */
    struct kw_bytes pcr[KW_ATTESTATION_PCRS]; /* 32, 48 or 64 bytes each */
    struct kw_bytes certificate;              /* the signer's, DER */
    struct kw_bytes cabundle[KW_ATTESTATION_BUNDLE_MAX];
    size_t num_cabundle;
    struct kw_bytes public_key, user_data, nonce; /* public_key: SubjectPublicKeyInfo DER, unchecked */
    struct kw_bytes protected_header, payload;    /* what is signed */
    const uint8_t *signature;                     /* KW_ATTESTATION_SIGNATURE_LEN bytes: r, then s */
};
#define KW_ATTESTATION_SIGNATURE_LEN 96

/* Returns: 0 | KW_ATTESTATION_MALFORMED */
KW_MUST_CHECK int kw_attestation_parse(struct kw_bytes text, struct kw_attestation *ret);

/* The roots that are trusted; made once, used by any number of threads at once. */
struct kw_attestation_trust;

/* The root certificate of AWS Nitro Enclaves (G1), PEM; SHA-256 of its DER
 * 641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b, as AWS publishes it. */
extern const char kw_attestation_nitro_root[];

/* kw_attestation_trust_new() - In: pem, one or more certificates and nothing else but white space and
 * comments; empty: the root of AWS Nitro Enclaves.
 * Returns: 0 | KW_ATTESTATION_NO_ROOT | KW_EOPENSSL | -ENOMEM */
KW_MUST_CHECK int kw_attestation_trust_new(struct kw_attestation_trust **ret, struct kw_bytes pem);
/* NULL is fine. */
void kw_attestation_trust_free(struct kw_attestation_trust *trust);

/* kw_attestation_verify() - the chain, at the time now_ms (milliseconds since the epoch), then the signature
 * with the leaf's key. Revocation is not looked up: Nitro's leaves live for hours.
 * Time: about 5 ms (P-384 five times). Any thread. Returns: 0 | KW_ATTESTATION_UNTRUSTED | KW_EOPENSSL */
KW_MUST_CHECK int kw_attestation_verify(
    const struct kw_attestation *doc, const struct kw_attestation_trust *trust, int64_t now_ms);

static inline void kw_attestation_trust_freep(struct kw_attestation_trust **trust)
{
    kw_attestation_trust_free(*trust);
}
#define KW_ATTESTATION_TRUST KW_CLEANUP(kw_attestation_trust_freep)

#endif
