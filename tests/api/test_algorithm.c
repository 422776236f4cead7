#include "api/algorithm.h"
#include "tests/support/suite.h"

/* What AWS says of each spec: usages, then its algorithms by usage, in the order in which it lists them. */
static const struct {
    const char *spec, *usages, *signing, *encryption, *mac, *agreement;
} documented[] = {
    {"SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "", "SYMMETRIC_DEFAULT", "", ""},
    {"HMAC_224", "GENERATE_VERIFY_MAC", "", "", "HMAC_SHA_224", ""},
    {"HMAC_256", "GENERATE_VERIFY_MAC", "", "", "HMAC_SHA_256", ""},
    {"HMAC_384", "GENERATE_VERIFY_MAC", "", "", "HMAC_SHA_384", ""},
    {"HMAC_512", "GENERATE_VERIFY_MAC", "", "", "HMAC_SHA_512", ""},
#define RSA_ROW(name)                                                                                        \
    {                                                                                                        \
        name, "ENCRYPT_DECRYPT SIGN_VERIFY",                                                                 \
            "RSASSA_PKCS1_V1_5_SHA_256 RSASSA_PKCS1_V1_5_SHA_384 RSASSA_PKCS1_V1_5_SHA_512 "                 \
            "RSASSA_PSS_SHA_256 RSASSA_PSS_SHA_384 RSASSA_PSS_SHA_512",                                      \
            "RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256", "", ""                                                    \
    }
    RSA_ROW("RSA_2048"),
    RSA_ROW("RSA_3072"),
    RSA_ROW("RSA_4096"),
    {"ECC_NIST_P256", "SIGN_VERIFY KEY_AGREEMENT", "ECDSA_SHA_256", "", "", "ECDH"},
    {"ECC_NIST_P384", "SIGN_VERIFY KEY_AGREEMENT", "ECDSA_SHA_384", "", "", "ECDH"},
    {"ECC_NIST_P521", "SIGN_VERIFY KEY_AGREEMENT", "ECDSA_SHA_512", "", "", "ECDH"},
    {"ECC_SECG_P256K1", "SIGN_VERIFY", "ECDSA_SHA_256", "", "", ""},
    {"ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "ED25519_SHA_512 ED25519_PH_SHA_512", "", "", ""},
    {"SM2", "ENCRYPT_DECRYPT SIGN_VERIFY KEY_AGREEMENT", "SM2DSA", "SM2PKE", "", "ECDH"},
    {"ML_DSA_44", "SIGN_VERIFY", "ML_DSA_SHAKE_256", "", "", ""},
    {"ML_DSA_65", "SIGN_VERIFY", "ML_DSA_SHAKE_256", "", "", ""},
    {"ML_DSA_87", "SIGN_VERIFY", "ML_DSA_SHAKE_256", "", "", ""},
};

static enum kw_key_spec spec_of(const char *name)
{
    enum kw_key_spec spec = KW_KEY_SPEC_NUM;

    ck_assert_int_eq(kw_key_spec_parse(kw_bytes_str(name), &spec), 0);
    ck_assert_str_eq(kw_key_spec_name(spec), name);
    return spec;
}

static void check_list(enum kw_key_spec spec, enum kw_key_usage usage, const char *expected)
{
    const struct kw_algorithm_list *list = kw_key_spec_algorithms(spec, usage);
    char text[512] = "";

    for (size_t i = 0; i < list->num; i++) {
        enum kw_algorithm again;
        const char *name = kw_algorithm_name(list->item[i]);

        ck_assert_int_eq(kw_algorithm_parse(kw_bytes_str(name), usage, &again), 0);
        ck_assert_int_eq(again, list->item[i]);
        ck_assert(kw_key_spec_has(spec, again));
        strcat(strcat(text, i > 0 ? " " : ""), name);
    }
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(kw_key_spec_allows(spec, usage), expected[0] != '\0');
}

START_TEST(test_specs)
{
    ck_assert_uint_eq(KW_ARRAY_LEN(documented), KW_KEY_SPEC_NUM);
    for (size_t i = 0; i < KW_ARRAY_LEN(documented); i++) {
        enum kw_key_spec spec = spec_of(documented[i].spec);
        const struct kw_key_spec_info *info = kw_key_spec_info(spec);
        char text[128] = "";

        for (size_t k = 0; k < info->num_usages; k++) {
            ck_assert(kw_key_spec_allows(spec, info->usage[k]));
            strcat(strcat(text, k > 0 ? " " : ""), kw_key_usage_name(info->usage[k]));
        }
        ck_assert_str_eq(text, documented[i].usages);
        check_list(spec, KW_USAGE_SIGN_VERIFY, documented[i].signing);
        check_list(spec, KW_USAGE_ENCRYPT_DECRYPT, documented[i].encryption);
        check_list(spec, KW_USAGE_GENERATE_VERIFY_MAC, documented[i].mac);
        check_list(spec, KW_USAGE_KEY_AGREEMENT, documented[i].agreement);
    }
}
END_TEST

START_TEST(test_lengths)
{
    ck_assert_uint_eq(kw_key_spec_info(KW_KEY_SYMMETRIC_DEFAULT)->key_len, 32);
    ck_assert_uint_eq(kw_key_spec_info(KW_KEY_HMAC_224)->key_len, 28);
    ck_assert_uint_eq(kw_key_spec_info(KW_KEY_HMAC_384)->key_len, 48);
    ck_assert_uint_eq(kw_key_spec_info(KW_KEY_RSA_2048)->key_len, 0);
    ck_assert_uint_eq(kw_algorithm_info(KW_ALG_RSASSA_PSS_SHA_384)->digest_len, 48);
    ck_assert_uint_eq(kw_algorithm_info(KW_ALG_ED25519_PH_SHA_512)->digest_len, 64);
    ck_assert(!kw_algorithm_info(KW_ALG_ED25519_PH_SHA_512)->takes_raw);
    ck_assert(!kw_algorithm_info(KW_ALG_ED25519_SHA_512)->takes_digest);
}
END_TEST

START_TEST(test_unknown)
{
    enum kw_key_spec spec;
    enum kw_key_usage usage;
    enum kw_message_type type;
    enum kw_algorithm algorithm;

    ck_assert_int_eq(kw_key_spec_parse(KW_LIT("RSA_1024"), &spec), 1);
    ck_assert_int_eq(kw_key_spec_parse(KW_LIT("rsa_2048"), &spec), 1);
    ck_assert_int_eq(kw_key_spec_parse(KW_LIT("RSA_2048\0"), &spec), 1);
    ck_assert_int_eq(kw_key_spec_parse(KW_LIT(""), &spec), 1);
    ck_assert_int_eq(kw_key_usage_parse(KW_LIT("SIGN"), &usage), 1);
    ck_assert_int_eq(kw_message_type_parse(KW_LIT("raw"), &type), 1);
    ck_assert_int_eq(kw_algorithm_parse(KW_LIT("ECDSA_SHA_1"), KW_USAGE_SIGN_VERIFY, &algorithm), 1);
    /* The name of another family. */
    ck_assert_int_eq(kw_algorithm_parse(KW_LIT("SM2PKE"), KW_USAGE_SIGN_VERIFY, &algorithm), 1);
    ck_assert(!kw_key_spec_has(KW_KEY_ECC_NIST_P256, KW_ALG_ECDSA_SHA_384));
    ck_assert(!kw_key_spec_has(KW_KEY_ECC_SECG_P256K1, KW_ALG_ECDH));
}
END_TEST

START_TEST(test_names)
{
    for (unsigned i = 0; i < KW_MESSAGE_TYPE_NUM; i++) {
        enum kw_message_type type;

        ck_assert_int_eq(
            kw_message_type_parse(kw_bytes_str(kw_message_type_name((enum kw_message_type)i)), &type), 0);
        ck_assert_uint_eq(type, i);
    }
    for (unsigned i = 0; i < KW_USAGE_NUM; i++) {
        enum kw_key_usage usage;

        ck_assert_int_eq(
            kw_key_usage_parse(kw_bytes_str(kw_key_usage_name((enum kw_key_usage)i)), &usage), 0);
        ck_assert_uint_eq(usage, i);
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_specs);
    tcase_add_test(tcase, test_lengths);
    tcase_add_test(tcase, test_unknown);
    tcase_add_test(tcase, test_names);
}

int main(void)
{
    return kw_suite_run("algorithm", add, 10);
}
