#include "pool/spec.h"

/* The RSA maxima take every integer with a leading zero byte; EC encodings have one length. */
static const struct kw_spec_info specs[KW_SPEC_NUM] = {
    [KW_SPEC_RSA_2048] = {"RSA_2048", KW_KIND_RSA, 2048, NULL, 294, 1232, 64},
    [KW_SPEC_RSA_3072] = {"RSA_3072", KW_KIND_RSA, 3072, NULL, 422, 1808, 16},
    [KW_SPEC_RSA_4096] = {"RSA_4096", KW_KIND_RSA, 4096, NULL, 550, 2384, 8},
    [KW_SPEC_ECC_NIST_P256] = {"ECC_NIST_P256", KW_KIND_EC, 256, "P-256", 91, 138, 4096},
    [KW_SPEC_ECC_NIST_P384] = {"ECC_NIST_P384", KW_KIND_EC, 384, "P-384", 120, 185, 1024},
    [KW_SPEC_ECC_NIST_P521] = {"ECC_NIST_P521", KW_KIND_EC, 521, "P-521", 158, 241, 1024},
    [KW_SPEC_ECC_SECG_P256K1] = {"ECC_SECG_P256K1", KW_KIND_EC, 256, "secp256k1", 88, 135, 1024},
    [KW_SPEC_ECC_NIST_EDWARDS25519] = {"ECC_NIST_EDWARDS25519", KW_KIND_EDDSA, 255, "ED25519", 44, 48, 1024},
};

const struct kw_spec_info *kw_spec_info(enum kw_spec spec)
{
    kw_assert((unsigned)spec < KW_SPEC_NUM);
    return &specs[spec];
}

int kw_spec_parse(struct kw_bytes name, enum kw_spec *ret)
{
    for (unsigned i = 0; i < KW_SPEC_NUM; i++) {
        if (kw_bytes_equal(name, kw_bytes_str(specs[i].name))) {
            *ret = (enum kw_spec)i;
            return 0;
        }
    }
    return 1;
}
