#include "api/mac.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

static struct kw_mac mac;

/* RFC 4231, test cases 1, 2 and 6 (a key longer than a block). */
static const struct {
    const char *key;
    size_t key_len;
    const char *message;
    const char *tag[4]; /* SHA-224, -256, -384, -512 */
} published[] = {
    {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 20, "Hi There",
        {"896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb"
            "6",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
            "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"}},
    {"Jefe", 4, "what do ya want for nothing?",
        {"a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab2164"
            "9",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}},
    {NULL, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
        {"95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f4495"
            "2",
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
            "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"}},
};

static struct kw_bytes key_of(size_t i, uint8_t space[131])
{
    memset(space, 0xaa, 131);
    if (published[i].key != NULL)
        memcpy(space, published[i].key, published[i].key_len);
    return KW_BYTES(space, published[i].key_len);
}

START_TEST(test_published)
{
    uint8_t space[131], expected[KW_MAC_LEN_MAX], out[KW_MAC_LEN_MAX];

    for (size_t i = 0; i < KW_ARRAY_LEN(published); i++)
        for (unsigned k = 0; k < 4; k++) {
            enum kw_algorithm algorithm = (enum kw_algorithm)(KW_ALG_HMAC_SHA_224 + k);
            struct kw_bytes key = key_of(i, space), message = kw_bytes_str(published[i].message);
            size_t len, expected_len = strlen(published[i].tag[k]) / 2;

            ck_assert_int_eq(kw_hex_decode(kw_bytes_str(published[i].tag[k]), expected, expected_len), 0);
            ck_assert_int_eq(kw_mac_generate(&mac, algorithm, key, message, out, &len), 0);
            ck_assert_uint_eq(len, expected_len);
            ck_assert_mem_eq(out, expected, len);
            ck_assert_int_eq(kw_mac_verify(&mac, algorithm, key, message, KW_BYTES(out, len)), 0);
        }
}
END_TEST

START_TEST(test_hostile)
{
    uint8_t out[KW_MAC_LEN_MAX + 1] = {0};
    struct kw_bytes key = KW_LIT("0123456789abcdef0123456789abcdef"), message = KW_LIT("message");
    size_t len;

    ck_assert_int_eq(kw_mac_generate(&mac, KW_ALG_HMAC_SHA_512, key, message, out, &len), 0);
    for (size_t i = 0; i < len * 8; i++) {
        out[i / 8] ^= (uint8_t)(1u << i % 8);
        ck_assert_int_eq(
            kw_mac_verify(&mac, KW_ALG_HMAC_SHA_512, key, message, KW_BYTES(out, len)), KW_MAC_MISMATCH);
        out[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    /* Every prefix, and the right one with a byte behind it. */
    for (size_t i = 0; i <= len + 1; i++)
        ck_assert_int_eq(kw_mac_verify(&mac, KW_ALG_HMAC_SHA_512, key, message, KW_BYTES(out, i)),
            i == len ? 0 : KW_MAC_MISMATCH);
    ck_assert_int_eq(
        kw_mac_verify(&mac, KW_ALG_HMAC_SHA_384, key, message, KW_BYTES(out, 48)), KW_MAC_MISMATCH);
    ck_assert_int_eq(
        kw_mac_verify(&mac, KW_ALG_HMAC_SHA_512, KW_LIT("k"), message, KW_BYTES(out, len)), KW_MAC_MISMATCH);
    ck_assert_int_eq(kw_mac_verify(&mac, KW_ALG_HMAC_SHA_512, key, KW_LIT("messagf"), KW_BYTES(out, len)),
        KW_MAC_MISMATCH);
    ck_assert_int_eq(kw_mac_verify(&mac, KW_ALG_HMAC_SHA_512, key, message, KW_BYTES(out, len)), 0);
}
END_TEST

START_TEST(test_done)
{
    struct kw_mac other = {{NULL}};

    kw_mac_done(&other);
    ck_assert_int_eq(kw_mac_init(&other), 0);
    kw_mac_done(&other);
    for (size_t i = 0; i < KW_ARRAY_LEN(other.ctx); i++)
        ck_assert_ptr_null(other.ctx[i]);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_published);
    tcase_add_test(tcase, test_hostile);
    tcase_add_test(tcase, test_done);
}

int main(void)
{
    if (kw_crypto_init() != 0 || kw_mac_init(&mac) != 0)
        return EXIT_FAILURE;
    int status = kw_suite_run("mac", add, 30);
    kw_mac_done(&mac);
    return status;
}
