#include "api/sha256.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <openssl/evp.h>

/* Known answers of FIPS 180-4's examples, and of nothing. */
START_TEST(test_known)
{
    static const struct {
        struct kw_bytes text;
        const char *digest;
    } known[] = {
        {{NULL, 0}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {{(const uint8_t *)"abc", 3}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {{(const uint8_t *)"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56},
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(known); i++) {
        uint8_t out[KW_SHA256_LEN];
        char hex[2 * KW_SHA256_LEN + 1] = "";

        kw_sha256(known[i].text, out);
        kw_hex_encode(out, sizeof(out), hex);
        ck_assert_str_eq(hex, known[i].digest);
    }
}
END_TEST

/* Every length up to some blocks, cut in two at a moving place, as EVP has it. */
START_TEST(test_lengths)
{
    uint8_t text[300], whole[KW_SHA256_LEN], parts[KW_SHA256_LEN], evp[KW_SHA256_LEN];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 29 + 1);
    for (size_t len = 0; len <= sizeof(text); len++) {
        size_t cut = len * 7 % (len + 1);
        struct kw_sha256 sha;

        ck_assert_int_eq(EVP_Digest(text, len, evp, NULL, EVP_sha256(), NULL), 1);
        kw_sha256(KW_BYTES(text, len), whole);
        kw_sha256_init(&sha);
        kw_sha256_put(&sha, KW_BYTES(text, cut));
        kw_sha256_put(&sha, KW_BYTES(text + cut, len - cut));
        kw_sha256_end(&sha, parts);
        ck_assert_mem_eq(whole, evp, sizeof(evp));
        ck_assert_mem_eq(parts, evp, sizeof(evp));
        for (size_t i = 0; i < sizeof(sha); i++)
            ck_assert_uint_eq(((uint8_t *)&sha)[i], 0);
    }
}
END_TEST

START_TEST(test_in_place)
{
    uint8_t bytes[KW_SHA256_LEN] = "its own hash replaces this", apart[KW_SHA256_LEN];

    kw_sha256(KW_BYTES(bytes, sizeof(bytes)), apart);
    kw_sha256(KW_BYTES(bytes, sizeof(bytes)), bytes);
    ck_assert_mem_eq(bytes, apart, sizeof(bytes));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_known);
    tcase_add_test(tcase, test_lengths);
    tcase_add_test(tcase, test_in_place);
}

int main(void)
{
    return kw_crypto_init() != 0 ? EXIT_FAILURE : kw_suite_run("sha256", add, 30);
}
