/* spec - the table of key-pair specs: the names of the KMS API and the sizes that a pool must hold.
 *
 * Thread-safety: constant data.
 */
#ifndef KW_POOL_SPEC_H
#define KW_POOL_SPEC_H

#include "pool/bytes.h"

enum kw_spec {
    KW_SPEC_RSA_2048,
    KW_SPEC_RSA_3072,
    KW_SPEC_RSA_4096,
    KW_SPEC_ECC_NIST_P256,
    KW_SPEC_ECC_NIST_P384,
    KW_SPEC_ECC_NIST_P521,
    KW_SPEC_ECC_SECG_P256K1,
    KW_SPEC_ECC_NIST_EDWARDS25519,
    KW_SPEC_NUM,
};

enum kw_spec_kind {
    KW_KIND_RSA,
    KW_KIND_EC,    /* ECDSA/ECDH on a short Weierstrass curve */
    KW_KIND_EDDSA, /* Ed25519, RFC 8410 */
};

/* The longest SubjectPublicKeyInfo and PKCS#8 of all specs. */
#define KW_SPEC_PUBLIC_MAX  550u
#define KW_SPEC_PRIVATE_MAX 2384u

struct kw_spec_info {
    const char *name; /* as in the KMS API: "RSA_2048" */
    enum kw_spec_kind kind;
    unsigned bits;             /* modulus or field size */
    const char *curve;         /* OpenSSL group name; NULL for RSA */
    size_t public_max;         /* bytes of SubjectPublicKeyInfo DER, at most */
    size_t private_max;        /* bytes of PKCS#8 DER, at most */
    unsigned default_capacity; /* pairs the pool holds unless told otherwise */
};

/* spec must be in range. */
const struct kw_spec_info *kw_spec_info(enum kw_spec spec);
/* kw_spec_parse() - exact, case-sensitive name. Returns 0 or 1 (unknown). */
KW_MUST_CHECK int kw_spec_parse(struct kw_bytes name, enum kw_spec *ret);

#endif
