#include "api/keywrap.h"
#include "tests/support/asym_rig.h"
#include "tests/support/suite.h"

static EVP_PKEY *rsa, *sm2;
static struct rig_der rsa_der, sm2_der;

static struct kw_bytes wrapping_key(enum kw_wrapping alg)
{
    return alg == KW_WRAPPING_SM2PKE ? RIG_BYTES(sm2_der) : RIG_BYTES(rsa_der);
}

/* What a caller does with the public half. */
static void rsa_encrypt(const EVP_MD *digest, struct kw_bytes plain, struct rig_der *ret)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(digest == NULL ? sm2 : rsa, NULL);

    ret->len = sizeof(ret->ptr);
    ck_assert_int_gt(EVP_PKEY_encrypt_init(ctx), 0);
    if (digest != NULL) {
        ck_assert_int_gt(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 0);
        ck_assert_int_gt(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, digest), 0);
        ck_assert_int_gt(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, digest), 0);
    }
    ck_assert_int_gt(EVP_PKEY_encrypt(ctx, ret->ptr, &ret->len, plain.ptr, plain.len), 0);
    EVP_PKEY_CTX_free(ctx);
}

static void aes_wrap(
    const EVP_CIPHER *cipher, struct kw_bytes key, struct kw_bytes plain, struct rig_der *ret)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len;

    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    ck_assert_int_gt(EVP_EncryptInit_ex(ctx, cipher, NULL, key.ptr, NULL), 0);
    ck_assert_int_gt(EVP_EncryptUpdate(ctx, ret->ptr, &len, plain.ptr, (int)plain.len), 0);
    ret->len = (size_t)len;
    EVP_CIPHER_CTX_free(ctx);
}

#define AES_KEY KW_LIT("0123456789abcdef0123456789abcdef")

static struct rig_der wrap(enum kw_wrapping alg, struct kw_bytes material)
{
    const EVP_MD *digest = alg == KW_WRAPPING_SM2PKE ? NULL
                           : alg == KW_WRAPPING_RSAES_OAEP_SHA_1 || alg == KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_1
                               ? EVP_sha1()
                               : EVP_sha256();
    struct rig_der out, tail;

    if (alg != KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_1 && alg != KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256) {
        rsa_encrypt(digest, material, &out);
        return out;
    }
    rsa_encrypt(digest, AES_KEY, &out);
    aes_wrap(EVP_aes_256_wrap_pad(), AES_KEY, material, &tail);
    memcpy(out.ptr + out.len, tail.ptr, tail.len);
    out.len += tail.len;
    return out;
}

static int unwrap(enum kw_wrapping alg, struct kw_bytes wrapped, struct rig_der *ret)
{
    struct kw_buf buf = KW_BUF(ret->ptr, sizeof(ret->ptr));

    int r = kw_keywrap_unwrap(alg, wrapping_key(alg), wrapped, &buf);
    ck_assert(r == 0 || buf.len == 0);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    ret->len = buf.len;
    return r;
}

static const enum kw_wrapping usable[] = {
    KW_WRAPPING_RSAES_OAEP_SHA_1,
    KW_WRAPPING_RSAES_OAEP_SHA_256,
    KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_1,
    KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256,
    KW_WRAPPING_SM2PKE,
};

START_TEST(test_unwrap)
{
    const struct kw_bytes material = KW_LIT("the key material of the caller, ");
    struct rig_der wrapped = wrap(usable[_i], material), out;

    ck_assert_int_eq(unwrap(usable[_i], RIG_BYTES(wrapped), &out), 0);
    ck_assert(kw_bytes_equal(RIG_BYTES(out), material));
    for (size_t i = 0; i < KW_ARRAY_LEN(usable); i++)
        if (i != (size_t)_i)
            ck_assert_int_eq(unwrap(usable[i], RIG_BYTES(wrapped), &out), KW_KEYWRAP_INVALID);
    for (size_t i = 0; i < wrapped.len; i += 37) {
        wrapped.ptr[i] ^= 0x40;
        ck_assert_int_eq(unwrap(usable[_i], RIG_BYTES(wrapped), &out), KW_KEYWRAP_INVALID);
        wrapped.ptr[i] ^= 0x40;
    }
    for (size_t i = 0; i < wrapped.len; i += 1 + i / 4)
        ck_assert_int_eq(unwrap(usable[_i], KW_BYTES(wrapped.ptr, i), &out), KW_KEYWRAP_INVALID);
    memset(wrapped.ptr + wrapped.len, 0, 8);
    ck_assert_int_eq(unwrap(usable[_i], KW_BYTES(wrapped.ptr, wrapped.len + 1), &out), KW_KEYWRAP_INVALID);
    ck_assert_int_eq(unwrap(usable[_i], KW_BYTES(wrapped.ptr, wrapped.len + 8), &out), KW_KEYWRAP_INVALID);
    struct kw_buf none = KW_BUF(NULL, 0);
    ck_assert_int_eq(
        kw_keywrap_unwrap(usable[_i], wrapping_key(usable[_i]), RIG_BYTES(wrapped), &none), -ENOBUFS);
}
END_TEST

/* A whole RSA key goes through AES key wrap, which is what it is there for. */
START_TEST(test_large)
{
    struct rig_der wrapped = wrap(KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256, RIG_BYTES(rsa_der)), out;
    struct kw_asym *key = NULL;

    ck_assert_int_eq(unwrap(KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256, RIG_BYTES(wrapped), &out), 0);
    ck_assert(kw_bytes_equal(RIG_BYTES(out), RIG_BYTES(rsa_der)));
    ck_assert_int_eq(kw_material_check(KW_KEY_RSA_2048, RIG_BYTES(out), &key), 0);
    ck_assert_ptr_nonnull(key);
    kw_asym_unref(key);
}
END_TEST

START_TEST(test_hostile)
{
    static uint8_t huge[KW_WRAPPED_MAX + 8];
    struct rig_der wrapped, tail, out;

    /* An AES key of 128 bits, with material that unwraps under it. */
    rsa_encrypt(EVP_sha256(), KW_LIT("0123456789abcdef"), &wrapped);
    aes_wrap(EVP_aes_128_wrap_pad(), KW_LIT("0123456789abcdef"), KW_LIT("material"), &tail);
    memcpy(wrapped.ptr + wrapped.len, tail.ptr, tail.len);
    wrapped.len += tail.len;
    ck_assert_int_eq(
        unwrap(KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256, RIG_BYTES(wrapped), &out), KW_KEYWRAP_INVALID);
    /* Nothing in it. */
    wrapped = wrap(KW_WRAPPING_RSAES_OAEP_SHA_256, KW_LIT(""));
    ck_assert_int_eq(unwrap(KW_WRAPPING_RSAES_OAEP_SHA_256, RIG_BYTES(wrapped), &out), KW_KEYWRAP_INVALID);
    /* More in it than an AES key. */
    wrapped = wrap(KW_WRAPPING_RSAES_OAEP_SHA_256, KW_LIT("0123456789abcdef0123456789abcdef0"));
    wrapped.len += 16;
    ck_assert_int_eq(
        unwrap(KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256, RIG_BYTES(wrapped), &out), KW_KEYWRAP_INVALID);
    for (size_t i = 0; i < KW_ARRAY_LEN(usable); i++) {
        ck_assert_int_eq(unwrap(usable[i], KW_BYTES(huge, sizeof(huge)), &out), KW_KEYWRAP_INVALID);
        ck_assert_int_eq(unwrap(usable[i], KW_BYTES(huge, KW_WRAPPED_MAX), &out), KW_KEYWRAP_INVALID);
    }
    ck_assert_int_eq(unwrap(KW_WRAPPING_RSAES_PKCS1_V1_5, RIG_BYTES(wrapped), &out), KW_KEYWRAP_INVALID);
    struct kw_buf buf = KW_BUF(out.ptr, sizeof(out.ptr));
    ck_assert_int_eq(
        kw_keywrap_unwrap(KW_WRAPPING_RSAES_OAEP_SHA_1, RIG_BYTES(sm2_der), KW_LIT("x"), &buf), -EINVAL);
    ck_assert_int_eq(kw_keywrap_unwrap(KW_WRAPPING_SM2PKE, RIG_BYTES(rsa_der), KW_LIT("x"), &buf), -EINVAL);
    ck_assert_int_eq(kw_keywrap_unwrap(KW_WRAPPING_SM2PKE, KW_LIT("nonsense"), KW_LIT("x"), &buf), -EINVAL);
}
END_TEST

START_TEST(test_names)
{
    enum kw_wrapping alg;

    for (unsigned i = 0; i < KW_WRAPPING_NUM; i++) {
        ck_assert_int_eq(kw_wrapping_parse(kw_bytes_str(kw_wrapping_name((enum kw_wrapping)i)), &alg), 0);
        ck_assert_uint_eq(alg, i);
    }
    ck_assert_int_eq(kw_wrapping_parse(KW_LIT("RSAES_OAEP"), &alg), 1);
}
END_TEST

START_TEST(test_allows)
{
    ck_assert(kw_keywrap_allows(KW_KEY_RSA_2048, KW_WRAPPING_RSAES_OAEP_SHA_256, KW_KEY_SYMMETRIC_DEFAULT));
    ck_assert(kw_keywrap_allows(KW_KEY_RSA_4096, KW_WRAPPING_RSAES_OAEP_SHA_1, KW_KEY_HMAC_512));
    ck_assert(kw_keywrap_allows(KW_KEY_RSA_2048, KW_WRAPPING_RSAES_OAEP_SHA_256, KW_KEY_ECC_NIST_P384));
    ck_assert(!kw_keywrap_allows(KW_KEY_RSA_2048, KW_WRAPPING_RSAES_OAEP_SHA_256, KW_KEY_ECC_NIST_P521));
    ck_assert(kw_keywrap_allows(KW_KEY_RSA_3072, KW_WRAPPING_RSAES_OAEP_SHA_256, KW_KEY_ECC_NIST_P521));
    ck_assert(!kw_keywrap_allows(KW_KEY_RSA_4096, KW_WRAPPING_RSAES_OAEP_SHA_256, KW_KEY_RSA_2048));
    ck_assert(kw_keywrap_allows(KW_KEY_RSA_4096, KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_1, KW_KEY_RSA_4096));
    ck_assert(
        !kw_keywrap_allows(KW_KEY_RSA_4096, KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_1, KW_KEY_SYMMETRIC_DEFAULT));
    ck_assert(!kw_keywrap_allows(KW_KEY_RSA_4096, KW_WRAPPING_RSAES_PKCS1_V1_5, KW_KEY_SYMMETRIC_DEFAULT));
    ck_assert(!kw_keywrap_allows(KW_KEY_SM2, KW_WRAPPING_RSAES_OAEP_SHA_1, KW_KEY_SYMMETRIC_DEFAULT));
    ck_assert(!kw_keywrap_allows(KW_KEY_RSA_2048, KW_WRAPPING_SM2PKE, KW_KEY_SM2));
    ck_assert(kw_keywrap_allows(KW_KEY_SM2, KW_WRAPPING_SM2PKE, KW_KEY_SM2));
    ck_assert(!kw_keywrap_allows(KW_KEY_RSA_2048, KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_1, KW_KEY_ML_DSA_44));
    ck_assert(
        !kw_keywrap_allows(KW_KEY_ECC_NIST_P256, KW_WRAPPING_RSAES_OAEP_SHA_1, KW_KEY_SYMMETRIC_DEFAULT));
}
END_TEST

START_TEST(test_symmetric_material)
{
    static const struct {
        enum kw_key_spec spec;
        size_t len;
    } cases[] = {
        {KW_KEY_SYMMETRIC_DEFAULT, 32},
        {KW_KEY_HMAC_224, 28},
        {KW_KEY_HMAC_256, 32},
        {KW_KEY_HMAC_384, 48},
        {KW_KEY_HMAC_512, 64},
    };
    uint8_t material[80] = {1};

    for (size_t i = 0; i < KW_ARRAY_LEN(cases); i++)
        for (size_t len = 0; len <= sizeof(material); len++) {
            struct kw_asym *key = NULL;

            ck_assert_int_eq(kw_material_check(cases[i].spec, KW_BYTES(material, len), &key),
                len == cases[i].len ? 0 : KW_MATERIAL_INVALID);
            ck_assert_ptr_null(key);
        }
}
END_TEST

START_TEST(test_pair_material)
{
    static const enum kw_key_spec pairs[] = {
        KW_KEY_RSA_2048,
        KW_KEY_ECC_NIST_P256,
        KW_KEY_ECC_NIST_P384,
        KW_KEY_ECC_NIST_P521,
        KW_KEY_ECC_SECG_P256K1,
        KW_KEY_ECC_NIST_EDWARDS25519,
        KW_KEY_SM2,
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(pairs); i++) {
        EVP_PKEY *pkey = pairs[i] == KW_KEY_RSA_2048 ? NULL : rig_key(pairs[i]);
        struct rig_der der = pkey != NULL ? rig_pkcs8(pkey) : rsa_der;

        for (size_t k = 0; k < KW_ARRAY_LEN(pairs); k++) {
            struct kw_asym *key = NULL;

            ck_assert_int_eq(
                kw_material_check(pairs[k], RIG_BYTES(der), &key), i == k ? 0 : KW_MATERIAL_INVALID);
            ck_assert_int_eq(key != NULL, i == k);
            kw_asym_unref(key);
        }
        EVP_PKEY_free(pkey);
    }
}
END_TEST

/* The private scalar of one key with the public point of another. */
START_TEST(test_torn_pair)
{
    EVP_PKEY *a = rig_key(KW_KEY_ECC_NIST_P256), *b = rig_key(KW_KEY_ECC_NIST_P256);
    struct rig_der der = rig_pkcs8(a), other = rig_pkcs8(b);
    struct kw_asym *key = NULL;

    ck_assert_uint_eq(der.len, other.len);
    memcpy(der.ptr + der.len - 64, other.ptr + other.len - 64, 64);
    ck_assert_int_eq(kw_material_check(KW_KEY_ECC_NIST_P256, RIG_BYTES(der), &key), KW_MATERIAL_INVALID);
    ck_assert_int_eq(kw_material_check(KW_KEY_ML_DSA_44, RIG_BYTES(der), &key), KW_MATERIAL_INVALID);
    ck_assert_ptr_null(key);
    EVP_PKEY_free(a);
    EVP_PKEY_free(b);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, test_unwrap, 0, (int)KW_ARRAY_LEN(usable));
    tcase_add_test(tcase, test_large);
    tcase_add_test(tcase, test_hostile);
    tcase_add_test(tcase, test_names);
    tcase_add_test(tcase, test_allows);
    tcase_add_test(tcase, test_symmetric_material);
    tcase_add_test(tcase, test_pair_material);
    tcase_add_test(tcase, test_torn_pair);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    rsa = rig_key(KW_KEY_RSA_2048);
    sm2 = rig_key(KW_KEY_SM2);
    rsa_der = rig_pkcs8(rsa);
    sm2_der = rig_pkcs8(sm2);
    int status = kw_suite_run("keywrap", add, 60);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(sm2);
    return status;
}
