#include "api/enveloped.h"
#include "engine/crypto.h"
#include "tests/support/asym_rig.h"
#include "tests/support/suite.h"

#include <openssl/cms.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>

static struct kw_wrapper *wrapper;
static EVP_PKEY *pkey;
static struct rig_der spki;

static uint8_t sealed[KW_ENVELOPED_PLAINTEXT_MAX + 16 + KW_ENVELOPED_OVERHEAD_MAX];

static struct kw_bytes seal(struct kw_bytes plaintext)
{
    struct kw_buf buf = KW_BUF(sealed, plaintext.len + 16 + KW_ENVELOPED_OVERHEAD_MAX);

    ck_assert_int_eq(kw_enveloped_seal(wrapper, RIG_BYTES(spki), plaintext, &buf), 0);
    return kw_buf_bytes(&buf);
}

static CMS_ContentInfo *parse(struct kw_bytes text)
{
    const unsigned char *at = text.ptr;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)text.len);

    ck_assert_ptr_nonnull(cms);
    ck_assert_ptr_eq(at, text.ptr + text.len);
    return cms;
}

/* Opened by OpenSSL's CMS, which knows nothing of how it was made. */
static void check_opens(struct kw_bytes text, struct kw_bytes plaintext)
{
    CMS_ContentInfo *cms = parse(text);
    BIO *out = BIO_new(BIO_s_mem());
    char *opened;

    ck_assert_int_eq(CMS_decrypt_set1_pkey(cms, pkey, NULL), 1);
    ck_assert_int_eq(CMS_decrypt(cms, NULL, NULL, NULL, out, 0), 1);
    long len = BIO_get_mem_data(out, &opened);
    ck_assert(kw_bytes_equal(KW_BYTES(opened, (size_t)len), plaintext));
    BIO_free(out);
    CMS_ContentInfo_free(cms);
}

START_TEST(test_lengths)
{
    static const size_t lens[] = {
        0, 1, 15, 16, 17, 32, 111, 112, 127, 128, 200, 255, 256, 257, 1218, 4096, KW_ENVELOPED_PLAINTEXT_MAX};
    static uint8_t plaintext[KW_ENVELOPED_PLAINTEXT_MAX];

    memset(plaintext, 's', sizeof(plaintext));
    for (size_t i = 0; i < KW_ARRAY_LEN(lens); i++)
        check_opens(seal(KW_BYTES(plaintext, lens[i])), KW_BYTES(plaintext, lens[i]));
}
END_TEST

static void check_recipient(CMS_ContentInfo *cms)
{
    STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);
    ASN1_OCTET_STRING *key_id = NULL;
    X509_NAME *issuer = NULL;
    ASN1_INTEGER *serial = NULL;
    X509_ALGOR *algorithm = NULL;
    uint8_t wanted[SHA_DIGEST_LENGTH];
    char name[64];

    ck_assert_int_eq(sk_CMS_RecipientInfo_num(infos), 1);
    CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, 0);
    ck_assert_int_eq(CMS_RecipientInfo_type(info), CMS_RECIPINFO_TRANS);
    ck_assert_int_eq(CMS_RecipientInfo_ktri_get0_signer_id(info, &key_id, &issuer, &serial), 1);
    ck_assert(key_id != NULL && issuer == NULL && serial == NULL);
    /* The subjectPublicKey of an RSA 2048 key begins 24 bytes into its SubjectPublicKeyInfo. */
    SHA1(spki.ptr + 24, spki.len - 24, wanted);
    ck_assert_int_eq(ASN1_STRING_length(key_id), SHA_DIGEST_LENGTH);
    ck_assert_mem_eq(ASN1_STRING_get0_data(key_id), wanted, sizeof(wanted));
    ck_assert_int_eq(CMS_RecipientInfo_ktri_get0_algs(info, NULL, NULL, &algorithm), 1);
    const ASN1_OBJECT *object;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    OBJ_obj2txt(name, sizeof(name), object, 1);
    ck_assert_str_eq(name, "1.2.840.113549.1.1.7");
}

START_TEST(test_structure)
{
    struct kw_bytes text = seal(KW_LIT("a data key of 32 bytes..........")), second;
    CMS_ContentInfo *cms = parse(text);

    ck_assert_int_eq(OBJ_obj2nid(CMS_get0_type(cms)), NID_pkcs7_enveloped);
    ck_assert_int_eq(OBJ_obj2nid(CMS_get0_eContentType(cms)), NID_pkcs7_data);
    check_recipient(cms);
    CMS_ContentInfo_free(cms);
    /* Nothing of one envelope is in the next: key, IV and seed are fresh. */
    static uint8_t first[2048];
    memcpy(first, text.ptr, text.len);
    second = seal(KW_LIT("a data key of 32 bytes.........."));
    ck_assert_uint_eq(second.len, text.len);
    ck_assert(memcmp(first + text.len - 54, second.ptr + text.len - 54, 48) != 0);
}
END_TEST

/* What AWS's own client for enclaves looks for byte by byte: indefinite lengths outside, a definite one of
 * the recipients, AES-256-CBC with its IV, the content as one part, and the ends. */
START_TEST(test_form)
{
    static const char begin[] = "3080"
                                "06092a864886f70d010703"
                                "a080"
                                "3080"
                                "020102";
    static const char middle[] = "3080"
                                 "06092a864886f70d010701"
                                 "301d"
                                 "060960864801650304012a"
                                 "0410";
    struct kw_bytes text = seal(KW_LIT("0123456789abcdef0123456789abcdef"));
    struct rig_der head = rig_hex(begin), body = rig_hex(middle), tail = rig_hex("00000000000000000000");

    ck_assert_mem_eq(text.ptr, head.ptr, head.len);
    const size_t set_len = 4 + 4 + 3 + 22 + 62 + 4 + 256;
    const uint8_t *set = text.ptr + head.len, *content = set + set_len;
    ck_assert_uint_eq(set[0], 0x31);
    ck_assert_uint_eq(set[1], 0x82);
    ck_assert_uint_eq((size_t)set[2] << 8 | set[3], set_len - 4);
    ck_assert_mem_eq(content, body.ptr, body.len);
    content += body.len + 16;
    ck_assert_mem_eq(content, "\xa0\x80\x04\x30", 4);
    ck_assert_mem_eq(content + 4 + 48, tail.ptr, 10);
    ck_assert_ptr_eq(content + 4 + 48 + 10, text.ptr + text.len);
}
END_TEST

START_TEST(test_command_line)
{
    char folder[] = "/tmp/kw-test-enveloped-XXXXXX", command[512];
    struct rig_der private = rig_pkcs8(pkey);

    ck_assert_ptr_nonnull(mkdtemp(folder));
    rig_write(folder, "cms", seal(KW_LIT("attack at dawn")));
    rig_write(folder, "key", RIG_BYTES(private));
    snprintf(command, sizeof(command),
        "cd %s && openssl cms -decrypt -inform DER -in cms -inkey key -keyform DER -out plain 2>log", folder);
    ck_assert_int_eq(system(command), 0);
    struct rig_der plain = rig_read(folder, "plain");
    ck_assert(kw_bytes_equal(RIG_BYTES(plain), KW_LIT("attack at dawn")));
    snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

static int seal_for(struct kw_bytes key)
{
    struct kw_buf buf = KW_BUF(sealed, sizeof(sealed));

    int r = kw_enveloped_seal(wrapper, key, KW_LIT("plaintext"), &buf);
    ck_assert(r == 0 || buf.len == 0);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return r;
}

static int seal_for_fresh(EVP_PKEY *fresh)
{
    struct rig_der der = rig_spki(fresh);

    EVP_PKEY_free(fresh);
    return seal_for(RIG_BYTES(der));
}

/* The modulus of the test's key, with an exponent of that length. */
static EVP_PKEY *with_exponent(int bits)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = NULL, *e = BN_new();
    EVP_PKEY *made = NULL;

    ck_assert(EVP_PKEY_get_bn_param(pkey, "n", &n) > 0);
    ck_assert(BN_rand(e, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) > 0);
    ck_assert(OSSL_PARAM_BLD_push_BN(build, "n", n) && OSSL_PARAM_BLD_push_BN(build, "e", e));
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    ck_assert(EVP_PKEY_fromdata_init(ctx) > 0);
    ck_assert(EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params) > 0);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    BN_free(e);
    return made;
}

START_TEST(test_exponents)
{
    ck_assert_int_eq(seal_for_fresh(with_exponent(256)), 0);
    ck_assert_int_eq(seal_for_fresh(with_exponent(257)), KW_ENVELOPED_BAD_KEY);
    ck_assert_int_eq(seal_for_fresh(with_exponent(2000)), KW_ENVELOPED_BAD_KEY);
}
END_TEST

START_TEST(test_hostile)
{
    struct rig_der key = spki;

    ck_assert_int_eq(seal_for(KW_LIT("")), KW_ENVELOPED_BAD_KEY);
    ck_assert_int_eq(seal_for(KW_LIT("\x30\x03\x02\x01\x01")), KW_ENVELOPED_BAD_KEY);
    for (size_t len = 0; len < spki.len; len += 7)
        ck_assert_int_eq(seal_for(KW_BYTES(spki.ptr, len)), KW_ENVELOPED_BAD_KEY);
    key.ptr[key.len] = 0;
    ck_assert_int_eq(seal_for(KW_BYTES(key.ptr, key.len + 1)), KW_ENVELOPED_BAD_KEY);
    ck_assert_int_eq(seal_for(KW_BYTES(key.ptr, sizeof(key.ptr))), KW_ENVELOPED_BAD_KEY);
    ck_assert_int_eq(seal_for_fresh(EVP_RSA_gen(1024)), KW_ENVELOPED_BAD_KEY);
    ck_assert_int_eq(seal_for_fresh(EVP_EC_gen("prime256v1")), KW_ENVELOPED_BAD_KEY);
    struct rig_der private = rig_pkcs8(pkey);
    ck_assert_int_eq(seal_for(RIG_BYTES(private)), KW_ENVELOPED_BAD_KEY);
    key = spki;
    key.ptr[key.len - 6] ^= 1; /* the last byte of the modulus, before e: an even one */
    ck_assert_int_eq(seal_for(RIG_BYTES(key)), KW_ENVELOPED_BAD_KEY);
    key = spki;
    key.ptr[7]--; /* of the identifier's length: another kind of key */
    ck_assert_int_eq(seal_for(RIG_BYTES(key)), KW_ENVELOPED_BAD_KEY);
    struct kw_buf tight = KW_BUF(sealed, 300);
    ck_assert_int_eq(kw_enveloped_seal(wrapper, RIG_BYTES(spki), KW_LIT("plaintext"), &tight), -ENOBUFS);
    ck_assert_uint_eq(tight.len, 0);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_lengths);
    tcase_add_test(tcase, test_structure);
    tcase_add_test(tcase, test_form);
    tcase_add_test(tcase, test_command_line);
    tcase_add_test(tcase, test_exponents);
    tcase_add_test(tcase, test_hostile);
}

int main(void)
{
    if (kw_crypto_init() != 0 || kw_wrapper_new(&wrapper) != 0)
        return EXIT_FAILURE;
    pkey = rig_key(KW_KEY_RSA_2048);
    spki = rig_spki(pkey);
    int status = kw_suite_run("enveloped", add, 60);
    EVP_PKEY_free(pkey);
    kw_wrapper_free(wrapper);
    return status;
}
