/* SipHash-2-4 with 128 bits against OpenSSL's, over all lengths around its words, cut in every way. */
#include "api/siphash.h"

#include "tests/support/suite.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void theirs(struct kw_bytes bytes, uint8_t ret[KW_SIPHASH_LEN])
{
    size_t size = KW_SIPHASH_LEN, len = 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

    ck_assert_int_eq(EVP_MAC_init(ctx, key, sizeof(key), params), 1);
    ck_assert_int_eq(EVP_MAC_update(ctx, bytes.ptr, bytes.len), 1);
    ck_assert_int_eq(EVP_MAC_final(ctx, ret, &len, KW_SIPHASH_LEN), 1);
    ck_assert_uint_eq(len, KW_SIPHASH_LEN);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

START_TEST(test_every_length_and_cut)
{
    uint8_t text[40], wanted[KW_SIPHASH_LEN], got[KW_SIPHASH_LEN];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 37 + 0xa5);
    for (size_t len = 0; len <= sizeof(text); len++) {
        theirs(KW_BYTES(text, len), wanted);
        for (size_t cut = 0; cut <= len; cut++) {
            struct kw_siphash hash;

            kw_siphash_init(&hash, key);
            kw_siphash_add(&hash, KW_BYTES(text, cut));
            kw_siphash_add(&hash, KW_BYTES(text + cut, len - cut));
            kw_siphash_done(&hash, got);
            ck_assert_mem_eq(got, wanted, sizeof(got));
        }
    }
}
END_TEST

static void hash_nocase(const char *text, uint8_t ret[KW_SIPHASH_LEN])
{
    struct kw_siphash hash;

    kw_siphash_init(&hash, key);
    kw_siphash_add(&hash, KW_LIT("x"));
    kw_siphash_add_nocase(&hash, kw_bytes_str(text));
    kw_siphash_done(&hash, ret);
}

START_TEST(test_nocase)
{
    uint8_t a[KW_SIPHASH_LEN], b[KW_SIPHASH_LEN];

    theirs(KW_LIT("xproject@[`{z\xc3\x9c"), a);
    hash_nocase("Project@[`{Z\xc3\x9c", b);
    ck_assert_mem_eq(a, b, sizeof(a));
    hash_nocase("PROJECT`{`{Z\xc3\x9c", b); /* what is beside the letters is none */
    ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

/* A beginning goes on in two ways. */
START_TEST(test_copy)
{
    uint8_t wanted[KW_SIPHASH_LEN], got[KW_SIPHASH_LEN];
    struct kw_siphash begin, one;

    kw_siphash_init(&begin, key);
    kw_siphash_add(&begin, KW_LIT("begin "));
    one = begin;
    kw_siphash_add(&one, KW_LIT("one"));
    kw_siphash_done(&one, got);
    theirs(KW_LIT("begin one"), wanted);
    ck_assert_mem_eq(got, wanted, sizeof(got));
    kw_siphash_add(&begin, KW_LIT("two"));
    kw_siphash_done(&begin, got);
    theirs(KW_LIT("begin two"), wanted);
    ck_assert_mem_eq(got, wanted, sizeof(got));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_every_length_and_cut);
    tcase_add_test(tests, test_nocase);
    tcase_add_test(tests, test_copy);
}

int main(void)
{
    return kw_suite_run("siphash", add, 10);
}
