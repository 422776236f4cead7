#include "engine/rsa/emsa.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

/* What a signature of OpenSSL's opens to. */
static void open_signature(EVP_PKEY *pkey, struct kw_bytes message, uint8_t *ret, size_t len)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    uint8_t signature[512];
    size_t signature_len = sizeof(signature), opened_len = len;

    ck_assert_int_eq(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pkey), 1);
    ck_assert_int_eq(EVP_DigestSign(md, signature, &signature_len, message.ptr, message.len), 1);
    ck_assert_uint_eq(signature_len, len);
    ck_assert_int_eq(EVP_PKEY_encrypt_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    ck_assert_int_eq(EVP_PKEY_encrypt(ctx, ret, &opened_len, signature, signature_len), 1);
    ck_assert_uint_eq(opened_len, len);
    EVP_PKEY_CTX_free(ctx);
    EVP_MD_CTX_free(md);
}

START_TEST(encodes_as_openssl_signs)
{
    static const unsigned sizes[] = {1024, 1536, 2048};
    const struct kw_bytes messages[] = {KW_LIT(""), KW_LIT("a"), KW_LIT("pairwise consistency test")};

    for (size_t i = 0; i < KW_ARRAY_LEN(sizes); i++) {
        EVP_PKEY *pkey = EVP_RSA_gen(sizes[i]);
        size_t len = sizes[i] / 8;

        for (size_t j = 0; j < KW_ARRAY_LEN(messages); j++) {
            uint8_t encoded[512 + 1], opened[512];
            encoded[len] = 0x77;
            ck_assert_int_eq(kw_emsa_encode(NULL, messages[j], encoded, len), 0);
            open_signature(pkey, messages[j], opened, len);
            ck_assert_mem_eq(encoded, opened, len);
            ck_assert_uint_eq(encoded[len], 0x77);
        }
        EVP_PKEY_free(pkey);
    }
}
END_TEST

/* Eight octets of 0xff between the marks are the least. */
START_TEST(shortest)
{
    uint8_t encoded[62];

    ck_assert_int_eq(kw_emsa_encode(NULL, KW_LIT("x"), encoded, sizeof(encoded)), 0);
    ck_assert_mem_eq(encoded, "\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00\x30", 12);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, encodes_as_openssl_signs);
    tcase_add_test(tcase, shortest);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("emsa", add, 60);
}
