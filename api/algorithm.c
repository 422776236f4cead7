#include "api/algorithm.h"

#define LIST(...)                                                                                            \
    {                                                                                                        \
        .num = sizeof((enum kw_algorithm[]){__VA_ARGS__}) / sizeof(enum kw_algorithm), .item = {             \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    }
#define RSA_SIGNING                                                                                          \
    LIST(KW_ALG_RSASSA_PKCS1_V1_5_SHA_256, KW_ALG_RSASSA_PKCS1_V1_5_SHA_384,                                 \
        KW_ALG_RSASSA_PKCS1_V1_5_SHA_512, KW_ALG_RSASSA_PSS_SHA_256, KW_ALG_RSASSA_PSS_SHA_384,              \
        KW_ALG_RSASSA_PSS_SHA_512)
#define RSA_ENCRYPTION LIST(KW_ALG_RSAES_OAEP_SHA_1, KW_ALG_RSAES_OAEP_SHA_256)

#define RSA(size)                                                                                            \
    {                                                                                                        \
        .name = "RSA_" #size, .kind = KW_KEY_KIND_RSA, .bits = (size), .pool_spec = KW_SPEC_RSA_##size,      \
        .num_usages = 2, .usage = {KW_USAGE_ENCRYPT_DECRYPT, KW_USAGE_SIGN_VERIFY},                          \
        .list = {                                                                                            \
            [KW_USAGE_SIGN_VERIFY] = RSA_SIGNING,                                                            \
            [KW_USAGE_ENCRYPT_DECRYPT] = RSA_ENCRYPTION,                                                     \
        },                                                                                                   \
    }
#define EC_NIST(id, size, group, signing)                                                                    \
    {                                                                                                        \
        .name = "ECC_NIST_" #id, .kind = KW_KEY_KIND_EC, .bits = (size), .curve = (group),                   \
        .pool_spec = KW_SPEC_ECC_NIST_##id, .num_usages = 2,                                                 \
        .usage = {KW_USAGE_SIGN_VERIFY, KW_USAGE_KEY_AGREEMENT},                                             \
        .list = {                                                                                            \
            [KW_USAGE_SIGN_VERIFY] = LIST(signing),                                                          \
            [KW_USAGE_KEY_AGREEMENT] = LIST(KW_ALG_ECDH),                                                    \
        },                                                                                                   \
    }
#define HMAC(size)                                                                                           \
    {                                                                                                        \
        .name = "HMAC_" #size, .kind = KW_KEY_KIND_HMAC, .bits = (size), .pool_spec = -1,                    \
        .key_len = (size) / 8, .num_usages = 1, .usage = {KW_USAGE_GENERATE_VERIFY_MAC},                     \
        .list = {                                                                                            \
            [KW_USAGE_GENERATE_VERIFY_MAC] = LIST(KW_ALG_HMAC_SHA_##size),                                   \
        },                                                                                                   \
    }
#define ML_DSA(size)                                                                                         \
    {                                                                                                        \
        .name = "ML_DSA_" #size, .kind = KW_KEY_KIND_ML_DSA, .pool_spec = -1, .num_usages = 1,               \
        .usage = {KW_USAGE_SIGN_VERIFY},                                                                     \
        .list = {                                                                                            \
            [KW_USAGE_SIGN_VERIFY] = LIST(KW_ALG_ML_DSA_SHAKE_256),                                          \
        },                                                                                                   \
    }

static const struct kw_key_spec_info specs[KW_KEY_SPEC_NUM] = {
    [KW_KEY_RSA_2048] = RSA(2048),
    [KW_KEY_RSA_3072] = RSA(3072),
    [KW_KEY_RSA_4096] = RSA(4096),
    [KW_KEY_ECC_NIST_P256] = EC_NIST(P256, 256, "prime256v1", KW_ALG_ECDSA_SHA_256),
    [KW_KEY_ECC_NIST_P384] = EC_NIST(P384, 384, "secp384r1", KW_ALG_ECDSA_SHA_384),
    [KW_KEY_ECC_NIST_P521] = EC_NIST(P521, 521, "secp521r1", KW_ALG_ECDSA_SHA_512),
    [KW_KEY_ECC_SECG_P256K1] =
        {
            .name = "ECC_SECG_P256K1",
            .kind = KW_KEY_KIND_EC,
            .bits = 256,
            .curve = "secp256k1",
            .pool_spec = KW_SPEC_ECC_SECG_P256K1,
            .num_usages = 1,
            .usage = {KW_USAGE_SIGN_VERIFY},
            .list = {[KW_USAGE_SIGN_VERIFY] = LIST(KW_ALG_ECDSA_SHA_256)},
        },
    [KW_KEY_SYMMETRIC_DEFAULT] =
        {
            .name = "SYMMETRIC_DEFAULT",
            .kind = KW_KEY_KIND_SYMMETRIC,
            .bits = 256,
            .pool_spec = -1,
            .key_len = 32,
            .num_usages = 1,
            .usage = {KW_USAGE_ENCRYPT_DECRYPT},
            .list = {[KW_USAGE_ENCRYPT_DECRYPT] = LIST(KW_ALG_SYMMETRIC_DEFAULT)},
        },
    [KW_KEY_HMAC_224] = HMAC(224),
    [KW_KEY_HMAC_256] = HMAC(256),
    [KW_KEY_HMAC_384] = HMAC(384),
    [KW_KEY_HMAC_512] = HMAC(512),
    [KW_KEY_SM2] =
        {
            .name = "SM2",
            .kind = KW_KEY_KIND_SM2,
            .bits = 256,
            .curve = "SM2",
            .pool_spec = -1,
            .num_usages = 3,
            .usage = {KW_USAGE_ENCRYPT_DECRYPT, KW_USAGE_SIGN_VERIFY, KW_USAGE_KEY_AGREEMENT},
            .list =
                {
                    [KW_USAGE_SIGN_VERIFY] = LIST(KW_ALG_SM2DSA),
                    [KW_USAGE_ENCRYPT_DECRYPT] = LIST(KW_ALG_SM2PKE),
                    [KW_USAGE_KEY_AGREEMENT] = LIST(KW_ALG_ECDH),
                },
        },
    [KW_KEY_ML_DSA_44] = ML_DSA(44),
    [KW_KEY_ML_DSA_65] = ML_DSA(65),
    [KW_KEY_ML_DSA_87] = ML_DSA(87),
    [KW_KEY_ECC_NIST_EDWARDS25519] =
        {
            .name = "ECC_NIST_EDWARDS25519",
            .kind = KW_KEY_KIND_EDDSA,
            .bits = 255,
            .curve = "ED25519",
            .pool_spec = KW_SPEC_ECC_NIST_EDWARDS25519,
            .num_usages = 1,
            .usage = {KW_USAGE_SIGN_VERIFY},
            .list = {[KW_USAGE_SIGN_VERIFY] = LIST(KW_ALG_ED25519_SHA_512, KW_ALG_ED25519_PH_SHA_512)},
        },
};

/* A digest that a caller can compute and send makes an algorithm one of RAW and DIGEST alike. */
#define SIGNING(alg, how, md, len)                                                                           \
    [KW_ALG_##alg] = {#alg, KW_USAGE_SIGN_VERIFY, KW_SCHEME_##how, (md), (len), true, true}
#define MAC(size)                                                                                            \
    [KW_ALG_HMAC_SHA_##size] = {"HMAC_SHA_" #size, KW_USAGE_GENERATE_VERIFY_MAC, KW_SCHEME_HMAC,             \
        "SHA" #size, (size) / 8, true, false}

static const struct kw_algorithm_info algorithms[KW_ALG_NUM] = {
    [KW_ALG_SYMMETRIC_DEFAULT] = {"SYMMETRIC_DEFAULT", KW_USAGE_ENCRYPT_DECRYPT, KW_SCHEME_NONE, NULL, 0,
        false, false},
    [KW_ALG_RSAES_OAEP_SHA_1] = {"RSAES_OAEP_SHA_1", KW_USAGE_ENCRYPT_DECRYPT, KW_SCHEME_OAEP, "SHA1", 20,
        false, false},
    [KW_ALG_RSAES_OAEP_SHA_256] = {"RSAES_OAEP_SHA_256", KW_USAGE_ENCRYPT_DECRYPT, KW_SCHEME_OAEP, "SHA256",
        32, false, false},
    [KW_ALG_SM2PKE] = {"SM2PKE", KW_USAGE_ENCRYPT_DECRYPT, KW_SCHEME_SM2_ENCRYPTION, "SM3", 32, false, false},
    SIGNING(RSASSA_PSS_SHA_256, PSS, "SHA256", 32),
    SIGNING(RSASSA_PSS_SHA_384, PSS, "SHA384", 48),
    SIGNING(RSASSA_PSS_SHA_512, PSS, "SHA512", 64),
    SIGNING(RSASSA_PKCS1_V1_5_SHA_256, PKCS1, "SHA256", 32),
    SIGNING(RSASSA_PKCS1_V1_5_SHA_384, PKCS1, "SHA384", 48),
    SIGNING(RSASSA_PKCS1_V1_5_SHA_512, PKCS1, "SHA512", 64),
    SIGNING(ECDSA_SHA_256, ECDSA, "SHA256", 32),
    SIGNING(ECDSA_SHA_384, ECDSA, "SHA384", 48),
    SIGNING(ECDSA_SHA_512, ECDSA, "SHA512", 64),
    SIGNING(SM2DSA, SM2_SIGNATURE, "SM3", 32),
    [KW_ALG_ML_DSA_SHAKE_256] = {"ML_DSA_SHAKE_256", KW_USAGE_SIGN_VERIFY, KW_SCHEME_ML_DSA, NULL, 0, true,
        false},
    [KW_ALG_ED25519_SHA_512] = {"ED25519_SHA_512", KW_USAGE_SIGN_VERIFY, KW_SCHEME_ED25519, NULL, 0, true,
        false},
    [KW_ALG_ED25519_PH_SHA_512] = {"ED25519_PH_SHA_512", KW_USAGE_SIGN_VERIFY, KW_SCHEME_ED25519_PH, "SHA512",
        64, false, true},
    MAC(224),
    MAC(256),
    MAC(384),
    MAC(512),
    [KW_ALG_ECDH] = {"ECDH", KW_USAGE_KEY_AGREEMENT, KW_SCHEME_ECDH, NULL, 0, false, false},
};

static const char *const usages[KW_USAGE_NUM] = {
    [KW_USAGE_SIGN_VERIFY] = "SIGN_VERIFY",
    [KW_USAGE_ENCRYPT_DECRYPT] = "ENCRYPT_DECRYPT",
    [KW_USAGE_GENERATE_VERIFY_MAC] = "GENERATE_VERIFY_MAC",
    [KW_USAGE_KEY_AGREEMENT] = "KEY_AGREEMENT",
};

static const char *const message_types[KW_MESSAGE_TYPE_NUM] = {
    [KW_MESSAGE_RAW] = "RAW",
    [KW_MESSAGE_DIGEST] = "DIGEST",
    [KW_MESSAGE_EXTERNAL_MU] = "EXTERNAL_MU",
};

const struct kw_key_spec_info *kw_key_spec_info(enum kw_key_spec spec)
{
    kw_assert((unsigned)spec < KW_KEY_SPEC_NUM);
    return &specs[spec];
}

const struct kw_algorithm_info *kw_algorithm_info(enum kw_algorithm algorithm)
{
    kw_assert((unsigned)algorithm < KW_ALG_NUM);
    return &algorithms[algorithm];
}

const char *kw_key_spec_name(enum kw_key_spec spec)
{
    return kw_key_spec_info(spec)->name;
}

const char *kw_key_usage_name(enum kw_key_usage usage)
{
    kw_assert((unsigned)usage < KW_USAGE_NUM);
    return usages[usage];
}

const char *kw_algorithm_name(enum kw_algorithm algorithm)
{
    return kw_algorithm_info(algorithm)->name;
}

const char *kw_message_type_name(enum kw_message_type type)
{
    kw_assert((unsigned)type < KW_MESSAGE_TYPE_NUM);
    return message_types[type];
}

int kw_key_spec_parse(struct kw_bytes name, enum kw_key_spec *ret)
{
    for (unsigned i = 0; i < KW_KEY_SPEC_NUM; i++)
        if (kw_bytes_equal(name, kw_bytes_str(specs[i].name))) {
            *ret = (enum kw_key_spec)i;
            return 0;
        }
    return 1;
}

int kw_key_usage_parse(struct kw_bytes name, enum kw_key_usage *ret)
{
    for (unsigned i = 0; i < KW_USAGE_NUM; i++)
        if (kw_bytes_equal(name, kw_bytes_str(usages[i]))) {
            *ret = (enum kw_key_usage)i;
            return 0;
        }
    return 1;
}

int kw_message_type_parse(struct kw_bytes name, enum kw_message_type *ret)
{
    for (unsigned i = 0; i < KW_MESSAGE_TYPE_NUM; i++)
        if (kw_bytes_equal(name, kw_bytes_str(message_types[i]))) {
            *ret = (enum kw_message_type)i;
            return 0;
        }
    return 1;
}

int kw_algorithm_parse(struct kw_bytes name, enum kw_key_usage usage, enum kw_algorithm *ret)
{
    for (unsigned i = 0; i < KW_ALG_NUM; i++)
        if (algorithms[i].usage == usage && kw_bytes_equal(name, kw_bytes_str(algorithms[i].name))) {
            *ret = (enum kw_algorithm)i;
            return 0;
        }
    return 1;
}

bool kw_key_spec_allows(enum kw_key_spec spec, enum kw_key_usage usage)
{
    return kw_key_spec_algorithms(spec, usage)->num > 0;
}

const struct kw_algorithm_list *kw_key_spec_algorithms(enum kw_key_spec spec, enum kw_key_usage usage)
{
    kw_assert((unsigned)usage < KW_USAGE_NUM);
    return &kw_key_spec_info(spec)->list[usage];
}

bool kw_key_spec_has(enum kw_key_spec spec, enum kw_algorithm algorithm)
{
    const struct kw_algorithm_list *list = kw_key_spec_algorithms(spec, kw_algorithm_info(algorithm)->usage);

    for (size_t i = 0; i < list->num; i++)
        if (list->item[i] == algorithm)
            return true;
    return false;
}
