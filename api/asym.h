/* asym - the private key of an asymmetric KMS key, and what KMS does with it: Sign, Verify, Encrypt, Decrypt,
 * DeriveSharedSecret, GetPublicKey.
 *
 * A struct kw_asym is loaded once and never changes; it is shared by reference count and may be used from any
 * number of threads at once (OpenSSL 3.0 allows that of a key that is only read; its own lazy parts, RSA's
 * Montgomery and blinding values, are under locks of the key). The key is secret memory, OpenSSL's share too.
 *
 * Where OpenSSL draws random bytes by itself (PSS salts, OAEP seeds, ECDSA and SM2 nonces, RSA blinding) they
 * come from the calling thread's generator in OpenSSL, behind the process-wide lock that engine/drbg.h tells
 * of: held for moments, by serving threads and those that do their chores (chore.h); workers have generators
 * of their own. Nothing is prefetched per thread: what OpenSSL fetches by name for an operation took 2.4 us
 * here beside the 55 us of the cheapest signature, and its interface takes no fetched signature algorithm.
 *
 * Ed25519ph (ED25519_PH_SHA_512), which OpenSSL 3.0 has not, is in ed25519ph.h; ML-DSA is
 * KW_ASYM_UNSUPPORTED.
 */
#ifndef KW_API_ASYM_H
#define KW_API_ASYM_H

#include "api/algorithm.h"

/* The longest of each, over all specs. */
#define KW_SIGNATURE_MAX     512u /* RSA 4096 */
#define KW_SHARED_SECRET_MAX 66u  /* P-521 */
#define KW_PUBLIC_KEY_MAX    600u /* RSA 4096's SubjectPublicKeyInfo has 550 */
#define KW_SM2_PLAINTEXT_MAX 1024u
/* A key of any spec as PKCS#8; RSA 4096 has 2.4 KB. */
#define KW_PRIVATE_KEY_MAX 4096u

struct kw_asym;

enum {
    KW_ASYM_INVALID_KEY = 1,        /* not PKCS#8 DER of a key of that spec, or more than that */
    KW_ASYM_UNSUPPORTED = 2,        /* nothing here can do it: ML-DSA */
    KW_ASYM_MISMATCH = 3,           /* the algorithm or the message type does not go with the key */
    KW_ASYM_BAD_DIGEST = 4,         /* a DIGEST of another length than the algorithm's digest */
    KW_ASYM_BAD_SIGNATURE = 5,      /* Verify: not the key's signature of the message */
    KW_ASYM_PLAINTEXT_TOO_LONG = 6, /* Encrypt: above kw_asym_plaintext_max() */
    KW_ASYM_BAD_CIPHERTEXT = 7,     /* Decrypt: never said why */
    KW_ASYM_BAD_PEER = 8,           /* DeriveSharedSecret: not a public key on the key's curve */
};

/* kw_asym_load() - with one reference.
 * In: spec, what the key must be; pkcs8, PrivateKeyInfo DER (RFC 5208, 5958), nothing behind it.
 * Checked: the kind and size or curve, not the arithmetic (kw_asym_check()): what comes from the pools and
 * the keystore has been. Time: about a millisecond (OpenSSL's
 * decoders and encoders), so load once, and thousands of keys not before they are used.
 * Returns: 0 | KW_ASYM_INVALID_KEY | KW_ASYM_UNSUPPORTED (a spec without key pairs, ML-DSA) | -ENOMEM |
 * KW_EOPENSSL */
KW_MUST_CHECK int kw_asym_load(struct kw_asym **ret, enum kw_key_spec spec, struct kw_bytes pkcs8);
/* ref returns its argument. The last unref wipes and frees; NULL is fine. Any thread. */
const struct kw_asym *kw_asym_ref(const struct kw_asym *key);
void kw_asym_unref(const struct kw_asym *key);

enum kw_key_spec kw_asym_spec(const struct kw_asym *key);
/* SubjectPublicKeyInfo DER; lives as long as the key. */
struct kw_bytes kw_asym_public(const struct kw_asym *key);

/* kw_asym_check() - full validation of a key that a stranger made: primes are prime, parts belong together,
 * points are on the curve (EVP_PKEY_check); an RSA key has two primes of half the modulus' length. Time: some
 * 0.3 s for RSA 4096, whoever made it: not on a serving thread.
 * Returns: 0 | KW_ASYM_INVALID_KEY | KW_EOPENSSL */
KW_MUST_CHECK int kw_asym_check(const struct kw_asym *key);

/* kw_asym_sign() - In: message, the message (RAW: hashed here) or its digest (DIGEST). SM2DSA's digest is
 * that of Z_A || M; for RAW the signer's id is the standard's default, "1234567812345678". Out: appends to
 * ret at most KW_SIGNATURE_MAX bytes: RSA of the modulus' length (PSS: MGF1 with the same digest, a salt as
 * long as it), ECDSA and SM2DSA DER, Ed25519 64 bytes. Returns: 0 | KW_ASYM_MISMATCH | KW_ASYM_BAD_DIGEST |
 * KW_ASYM_UNSUPPORTED | KW_EOPENSSL | -ENOBUFS */
KW_MUST_CHECK int kw_asym_sign(const struct kw_asym *key, enum kw_algorithm algorithm,
    enum kw_message_type type, struct kw_bytes message, struct kw_buf *ret);
/* Returns: 0 | KW_ASYM_BAD_SIGNATURE | as kw_asym_sign() */
KW_MUST_CHECK int kw_asym_verify(const struct kw_asym *key, enum kw_algorithm algorithm,
    enum kw_message_type type, struct kw_bytes message, struct kw_bytes signature);

/* The longest plaintext that Encrypt takes with this key: RSA modulus - 2 digests - 2 (RFC 8017 7.1.1), SM2
 * 1024. 0 if the algorithm does not go with the key. */
size_t kw_asym_plaintext_max(const struct kw_asym *key, enum kw_algorithm algorithm);
/* kw_asym_encrypt() - RSAES-OAEP (MGF1 with the same digest, empty label) or SM2 (GB/T 32918.4, the ASN.1
 * form of GM/T 0009). Out: appends to ret. Returns: 0 | KW_ASYM_MISMATCH | KW_ASYM_PLAINTEXT_TOO_LONG |
 * KW_EOPENSSL | -ENOBUFS */
KW_MUST_CHECK int kw_asym_encrypt(
    const struct kw_asym *key, enum kw_algorithm algorithm, struct kw_bytes plaintext, struct kw_buf *ret);
/* kw_asym_decrypt() - Out: appends to ret_plain, which is secret memory. All that can be wrong with a
 * ciphertext is one condition; OpenSSL takes OAEP apart without telling by time which.
 * Returns: 0 | KW_ASYM_MISMATCH | KW_ASYM_BAD_CIPHERTEXT | KW_EOPENSSL | -ENOBUFS */
KW_MUST_CHECK int kw_asym_decrypt(const struct kw_asym *key, enum kw_algorithm algorithm,
    struct kw_bytes ciphertext, struct kw_buf *ret_plain);

/* kw_asym_derive() - ECDH (SP 800-56A 5.7.1.2; all curves have cofactor 1): the x coordinate, as long as the
 * field. In: peer, SubjectPublicKeyInfo DER on the same named curve with an uncompressed point; it is
 * validated. Out: appends to ret_secret, which is secret memory.
 * Returns: 0 | KW_ASYM_MISMATCH (not a curve of NIST or SM2) | KW_ASYM_BAD_PEER | KW_EOPENSSL | -ENOBUFS */
KW_MUST_CHECK int kw_asym_derive(const struct kw_asym *key, struct kw_bytes peer, struct kw_buf *ret_secret);

/* kw_asym_generate_sm2() - a fresh SM2 pair, which no pool has; drawn from OpenSSL's generator.
 * Out: appends SubjectPublicKeyInfo DER to ret_public and PKCS#8 DER to ret_private (secret memory).
 * Time: about 1 ms. Returns: 0 | KW_EOPENSSL | -ENOBUFS */
KW_MUST_CHECK int kw_asym_generate_sm2(struct kw_buf *ret_public, struct kw_buf *ret_private);

static inline void kw_asym_unrefp(struct kw_asym **key)
{
    kw_asym_unref(*key);
}
/* Owning local: KW_ASYM struct kw_asym *key = NULL; */
#define KW_ASYM KW_CLEANUP(kw_asym_unrefp)

#endif
