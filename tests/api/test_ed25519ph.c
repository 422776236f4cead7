#include "api/ed25519ph.h"
#include "engine/crypto.h"
#include "pool/bytes.h"
#include "tests/support/suite.h"

#include <openssl/err.h>

static const char *const hex[] = {
    "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
    "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
};

struct pair {
    uint8_t seed[KW_ED25519_LEN], public[KW_ED25519_LEN];
};

/* OpenSSL says what the public key of a seed is. */
static void find_public(struct pair *pair)
{
    size_t len = KW_ED25519_LEN;
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, pair->seed, KW_ED25519_LEN);

    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pkey, pair->public, &len), 1);
    EVP_PKEY_free(pkey);
}

static void digest_of(const char *text, uint8_t out[KW_ED25519PH_DIGEST_LEN])
{
    ck_assert_int_eq(EVP_Digest(text, strlen(text), out, NULL, EVP_sha512(), NULL), 1);
}

/* RFC 8032 section 7.3. */
START_TEST(test_published)
{
    struct pair pair;
    uint8_t digest[KW_ED25519PH_DIGEST_LEN], wanted[64], made[64];

    ck_assert_int_eq(kw_hex_decode(kw_bytes_str(hex[0]), pair.seed, 32), 0);
    ck_assert_int_eq(kw_hex_decode(kw_bytes_str(hex[1]), wanted, 64), 0);
    find_public(&pair);
    digest_of("abc", digest);
    ck_assert_int_eq(kw_ed25519ph_sign(pair.seed, pair.public, digest, made), 0);
    ck_assert_mem_eq(made, wanted, sizeof(made));
    ck_assert_int_eq(kw_ed25519ph_verify(pair.seed, pair.public, digest, made), 0);
}
END_TEST

/* Seeds and digests of all kinds of bits; each signature is that of its pair and digest only. */
START_TEST(test_many)
{
    uint8_t digest[KW_ED25519PH_DIGEST_LEN], other[KW_ED25519PH_DIGEST_LEN] = {0}, made[64];
    struct pair pair, wrong;

    memset(wrong.seed, 0x5a, sizeof(wrong.seed));
    find_public(&wrong);
    for (unsigned i = 0; i < 24; i++) {
        memset(pair.seed, (int)(i * 11), sizeof(pair.seed));
        memset(digest, i % 3 == 0 ? 0 : i % 3 == 1 ? 0xff : (int)i, sizeof(digest));
        digest[63] ^= 0x80;
        find_public(&pair);
        ck_assert_int_eq(kw_ed25519ph_sign(pair.seed, pair.public, digest, made), 0);
        ck_assert_int_eq(kw_ed25519ph_verify(pair.seed, pair.public, digest, made), 0);
        ck_assert_int_eq(kw_ed25519ph_verify(pair.seed, pair.public, other, made), KW_ED25519PH_MISMATCH);
        ck_assert_int_eq(kw_ed25519ph_verify(wrong.seed, wrong.public, digest, made), KW_ED25519PH_MISMATCH);
    }
}
END_TEST

START_TEST(test_hostile)
{
    /* L, least byte first. */
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2,
        0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    uint8_t digest[KW_ED25519PH_DIGEST_LEN], made[64], changed[64];
    struct pair pair;
    unsigned carry = 0;

    memset(pair.seed, 7, sizeof(pair.seed));
    find_public(&pair);
    digest_of("attack at dawn", digest);
    ck_assert_int_eq(kw_ed25519ph_sign(pair.seed, pair.public, digest, made), 0);
    for (size_t i = 0; i < 64; i++) {
        memcpy(changed, made, sizeof(made));
        changed[i] ^= (uint8_t)(1u << i % 8);
        ck_assert_int_eq(kw_ed25519ph_verify(pair.seed, pair.public, digest, changed), KW_ED25519PH_MISMATCH);
    }
    /* S + L, which is the same to those who do not look. */
    memcpy(changed, made, sizeof(made));
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)changed[32 + i] + order[i];
        changed[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    ck_assert_int_eq(kw_ed25519ph_verify(pair.seed, pair.public, digest, changed), KW_ED25519PH_MISMATCH);
    memset(changed, 0, sizeof(changed));
    ck_assert_int_eq(kw_ed25519ph_verify(pair.seed, pair.public, digest, changed), KW_ED25519PH_MISMATCH);
    changed[0] = 1; /* R is the identity */
    ck_assert_int_eq(kw_ed25519ph_verify(pair.seed, pair.public, digest, changed), KW_ED25519PH_MISMATCH);
    memset(changed, 0xff, sizeof(changed));
    ck_assert_int_eq(kw_ed25519ph_verify(pair.seed, pair.public, digest, changed), KW_ED25519PH_MISMATCH);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_published);
    tcase_add_test(tcase, test_many);
    tcase_add_test(tcase, test_hostile);
}

int main(void)
{
    return kw_crypto_init() != 0 ? EXIT_FAILURE : kw_suite_run("ed25519ph", add, 60);
}
