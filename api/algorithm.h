/* algorithm - the tables of KMS: what each key spec is, which usages and algorithms go with it, and what each
 * algorithm is made of. One table each; everything else asks here.
 *
 * The arrays of algorithms are in the order in which DescribeKey and GetPublicKey list them.
 * Thread-safety: constant data.
 */
#ifndef KW_API_ALGORITHM_H
#define KW_API_ALGORITHM_H

#include "pool/spec.h"

/* KeySpec, in the order of the service model. */
enum kw_key_spec {
    KW_KEY_RSA_2048,
    KW_KEY_RSA_3072,
    KW_KEY_RSA_4096,
    KW_KEY_ECC_NIST_P256,
    KW_KEY_ECC_NIST_P384,
    KW_KEY_ECC_NIST_P521,
    KW_KEY_ECC_SECG_P256K1,
    KW_KEY_SYMMETRIC_DEFAULT,
    KW_KEY_HMAC_224,
    KW_KEY_HMAC_256,
    KW_KEY_HMAC_384,
    KW_KEY_HMAC_512,
    KW_KEY_SM2,
    KW_KEY_ML_DSA_44,
    KW_KEY_ML_DSA_65,
    KW_KEY_ML_DSA_87,
    KW_KEY_ECC_NIST_EDWARDS25519,
    KW_KEY_SPEC_NUM,
};

/* KeyUsage. */
enum kw_key_usage {
    KW_USAGE_SIGN_VERIFY,
    KW_USAGE_ENCRYPT_DECRYPT,
    KW_USAGE_GENERATE_VERIFY_MAC,
    KW_USAGE_KEY_AGREEMENT,
    KW_USAGE_NUM,
};

/* What a key is made of. */
enum kw_key_kind {
    KW_KEY_KIND_SYMMETRIC,
    KW_KEY_KIND_HMAC,
    KW_KEY_KIND_RSA,
    KW_KEY_KIND_EC,
    KW_KEY_KIND_EDDSA,
    KW_KEY_KIND_SM2,
    KW_KEY_KIND_ML_DSA, /* nothing here makes or uses such keys: OpenSSL 3.0 has no ML-DSA */
};

/* Every algorithm that a request can name, of all four families. */
enum kw_algorithm {
    KW_ALG_SYMMETRIC_DEFAULT,
    KW_ALG_RSAES_OAEP_SHA_1,
    KW_ALG_RSAES_OAEP_SHA_256,
    KW_ALG_SM2PKE,
    KW_ALG_RSASSA_PSS_SHA_256,
    KW_ALG_RSASSA_PSS_SHA_384,
    KW_ALG_RSASSA_PSS_SHA_512,
    KW_ALG_RSASSA_PKCS1_V1_5_SHA_256,
    KW_ALG_RSASSA_PKCS1_V1_5_SHA_384,
    KW_ALG_RSASSA_PKCS1_V1_5_SHA_512,
    KW_ALG_ECDSA_SHA_256,
    KW_ALG_ECDSA_SHA_384,
    KW_ALG_ECDSA_SHA_512,
    KW_ALG_SM2DSA,
    KW_ALG_ML_DSA_SHAKE_256,
    KW_ALG_ED25519_SHA_512,
    KW_ALG_ED25519_PH_SHA_512,
    KW_ALG_HMAC_SHA_224,
    KW_ALG_HMAC_SHA_256,
    KW_ALG_HMAC_SHA_384,
    KW_ALG_HMAC_SHA_512,
    KW_ALG_ECDH,
    KW_ALG_NUM,
};

/* The usage that an algorithm serves is also its family: EncryptionAlgorithms, SigningAlgorithms ... */
enum kw_scheme {
    KW_SCHEME_NONE,
    KW_SCHEME_OAEP,
    KW_SCHEME_SM2_ENCRYPTION,
    KW_SCHEME_PSS,
    KW_SCHEME_PKCS1,
    KW_SCHEME_ECDSA,
    KW_SCHEME_SM2_SIGNATURE,
    KW_SCHEME_ML_DSA,
    KW_SCHEME_ED25519,
    KW_SCHEME_ED25519_PH,
    KW_SCHEME_HMAC,
    KW_SCHEME_ECDH,
};

/* MessageType of Sign and Verify. */
enum kw_message_type {
    KW_MESSAGE_RAW,
    KW_MESSAGE_DIGEST,
    KW_MESSAGE_EXTERNAL_MU,
    KW_MESSAGE_TYPE_NUM,
};

struct kw_algorithm_info {
    const char *name; /* as in the KMS API: "RSASSA_PSS_SHA_256" */
    enum kw_key_usage usage;
    enum kw_scheme scheme;
    const char *digest; /* OpenSSL's name; NULL if the algorithm has none that a caller could compute */
    size_t digest_len;  /* of a message of type DIGEST; 0 with digest == NULL */
    bool takes_raw, takes_digest;
};

#define KW_KEY_ALGORITHMS_MAX 6

/* A list of algorithms of one family. */
struct kw_algorithm_list {
    size_t num;
    enum kw_algorithm item[KW_KEY_ALGORITHMS_MAX];
};

struct kw_key_spec_info {
    const char *name; /* as in the KMS API: "RSA_2048" */
    enum kw_key_kind kind;
    unsigned bits;     /* modulus, field or key; 0 for ML-DSA */
    const char *curve; /* OpenSSL's group name; NULL if there is none */
    int pool_spec;     /* enum kw_spec of the pool that has pairs of it, or -1 */
    size_t key_len;    /* bytes of a symmetric or HMAC key that KMS makes; 0 for key pairs */
    size_t num_usages;
    enum kw_key_usage usage[3];
    struct kw_algorithm_list list[KW_USAGE_NUM]; /* by usage; empty where the usage is not allowed */
};

/* The arguments must be in range (asserted). */
const struct kw_key_spec_info *kw_key_spec_info(enum kw_key_spec spec);
const struct kw_algorithm_info *kw_algorithm_info(enum kw_algorithm algorithm);
const char *kw_key_spec_name(enum kw_key_spec spec);
const char *kw_key_usage_name(enum kw_key_usage usage);
const char *kw_algorithm_name(enum kw_algorithm algorithm);
const char *kw_message_type_name(enum kw_message_type type);

/* By exact, case-sensitive name. Each returns 0 or 1 (unknown). */
KW_MUST_CHECK int kw_key_spec_parse(struct kw_bytes name, enum kw_key_spec *ret);
KW_MUST_CHECK int kw_key_usage_parse(struct kw_bytes name, enum kw_key_usage *ret);
KW_MUST_CHECK int kw_message_type_parse(struct kw_bytes name, enum kw_message_type *ret);
/* usage narrows it to one family: a name of another family is unknown. */
KW_MUST_CHECK int kw_algorithm_parse(struct kw_bytes name, enum kw_key_usage usage, enum kw_algorithm *ret);

/* True if a key of the spec may be made for the usage. */
KW_MUST_CHECK bool kw_key_spec_allows(enum kw_key_spec spec, enum kw_key_usage usage);
/* The algorithms of a key of that spec and usage, in AWS's order; empty if the usage is not allowed. */
const struct kw_algorithm_list *kw_key_spec_algorithms(enum kw_key_spec spec, enum kw_key_usage usage);
/* True if a key of the spec, made for the algorithm's usage, has that algorithm. */
KW_MUST_CHECK bool kw_key_spec_has(enum kw_key_spec spec, enum kw_algorithm algorithm);

#endif
