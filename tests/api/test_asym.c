#include "tests/support/asym_rig.h"
#include "tests/support/suite.h"

#include <openssl/param_build.h>

#include <pthread.h>
#include <time.h>

static const enum kw_key_spec specs[] = {
    KW_KEY_RSA_2048,
    KW_KEY_ECC_NIST_P256,
    KW_KEY_ECC_NIST_P384,
    KW_KEY_ECC_NIST_P521,
    KW_KEY_ECC_SECG_P256K1,
    KW_KEY_SM2,
    KW_KEY_ECC_NIST_EDWARDS25519,
};
static struct kw_asym *keys[KW_KEY_SPEC_NUM], *others[KW_KEY_SPEC_NUM];

#define MESSAGE KW_LIT("attack at dawn")

static int sign(const struct kw_asym *key, enum kw_algorithm alg, enum kw_message_type type,
    struct kw_bytes message, struct rig_der *ret)
{
    struct kw_buf buf = KW_BUF(ret->ptr, sizeof(ret->ptr));

    int r = kw_asym_sign(key, alg, type, message, &buf);
    ck_assert(r == 0 || buf.len == 0);
    ret->len = buf.len;
    return r;
}

/* Everything that a signature may not survive. */
static void check_signature(const struct kw_asym *key, enum kw_algorithm alg, struct rig_der *made)
{
    struct kw_bytes good = RIG_BYTES(*made);

    ck_assert_int_eq(kw_asym_verify(key, alg, KW_MESSAGE_RAW, MESSAGE, good), 0);
    ck_assert_int_eq(
        kw_asym_verify(key, alg, KW_MESSAGE_RAW, KW_LIT("attack at dusk"), good), KW_ASYM_BAD_SIGNATURE);
    ck_assert_int_eq(
        kw_asym_verify(others[kw_asym_spec(key)], alg, KW_MESSAGE_RAW, MESSAGE, good), KW_ASYM_BAD_SIGNATURE);
    for (size_t i = 0; i < good.len; i += 7) {
        made->ptr[i] ^= 1;
        ck_assert_int_eq(kw_asym_verify(key, alg, KW_MESSAGE_RAW, MESSAGE, good), KW_ASYM_BAD_SIGNATURE);
        made->ptr[i] ^= 1;
    }
    for (size_t i = 0; i < good.len; i += 1 + i / 4)
        ck_assert_int_eq(
            kw_asym_verify(key, alg, KW_MESSAGE_RAW, MESSAGE, KW_BYTES(good.ptr, i)), KW_ASYM_BAD_SIGNATURE);
    made->ptr[good.len] = 0;
    ck_assert_int_eq(kw_asym_verify(key, alg, KW_MESSAGE_RAW, MESSAGE, KW_BYTES(good.ptr, good.len + 1)),
        KW_ASYM_BAD_SIGNATURE);
    ck_assert_int_eq(kw_asym_verify(key, alg, KW_MESSAGE_RAW, MESSAGE, KW_BYTES(good.ptr, sizeof(made->ptr))),
        KW_ASYM_BAD_SIGNATURE);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

/* A digest is signed as the message is; SM2's takes the signer in and cannot be had from the message alone.
 */
static void check_digest(const struct kw_asym *key, enum kw_algorithm alg, struct kw_bytes raw_signature)
{
    const struct kw_algorithm_info *info = kw_algorithm_info(alg);
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct rig_der made;

    if (!info->takes_digest) {
        ck_assert_int_eq(sign(key, alg, KW_MESSAGE_DIGEST, KW_BYTES(digest, 64), &made), KW_ASYM_MISMATCH);
        return;
    }
    ck_assert(EVP_Digest(MESSAGE.ptr, MESSAGE.len, digest, NULL, EVP_get_digestbyname(info->digest), NULL));
    struct kw_bytes message = KW_BYTES(digest, info->digest_len);
    ck_assert_int_eq(sign(key, alg, KW_MESSAGE_DIGEST, message, &made), 0);
    ck_assert_int_eq(kw_asym_verify(key, alg, KW_MESSAGE_DIGEST, message, RIG_BYTES(made)), 0);
    bool raw_is_same = info->scheme != KW_SCHEME_SM2_SIGNATURE;
    ck_assert_int_eq(kw_asym_verify(key, alg, KW_MESSAGE_RAW, MESSAGE, RIG_BYTES(made)),
        raw_is_same ? 0 : KW_ASYM_BAD_SIGNATURE);
    ck_assert_int_eq(kw_asym_verify(key, alg, KW_MESSAGE_DIGEST, message, raw_signature),
        raw_is_same ? 0 : KW_ASYM_BAD_SIGNATURE);
    for (size_t len = 0; len <= sizeof(digest); len += len == 31 || len == 32 ? 1 : 31)
        if (len != info->digest_len) {
            ck_assert_int_eq(
                sign(key, alg, KW_MESSAGE_DIGEST, KW_BYTES(digest, len), &made), KW_ASYM_BAD_DIGEST);
            ck_assert_int_eq(
                kw_asym_verify(key, alg, KW_MESSAGE_DIGEST, KW_BYTES(digest, len), raw_signature),
                KW_ASYM_BAD_DIGEST);
        }
}

START_TEST(test_sign)
{
    const struct kw_asym *key = keys[specs[_i]];
    const struct kw_algorithm_list *list = kw_key_spec_algorithms(specs[_i], KW_USAGE_SIGN_VERIFY);

    for (size_t i = 0; i < list->num; i++) {
        struct rig_der made;

        if (list->item[i] == KW_ALG_ED25519_PH_SHA_512)
            continue;
        ck_assert_int_eq(sign(key, list->item[i], KW_MESSAGE_RAW, MESSAGE, &made), 0);
        ck_assert_uint_le(made.len, KW_SIGNATURE_MAX);
        check_signature(key, list->item[i], &made);
        check_digest(key, list->item[i], RIG_BYTES(made));
        ck_assert_int_eq(sign(key, list->item[i], KW_MESSAGE_EXTERNAL_MU, MESSAGE, &made), KW_ASYM_MISMATCH);
        ck_assert_int_eq(sign(key, list->item[i], KW_MESSAGE_RAW, KW_LIT(""), &made), 0);
        ck_assert_int_eq(kw_asym_verify(key, list->item[i], KW_MESSAGE_RAW, KW_LIT(""), RIG_BYTES(made)), 0);
    }
}
END_TEST

START_TEST(test_mismatch)
{
    struct rig_der made;

    for (unsigned i = 0; i < KW_ALG_NUM; i++) {
        enum kw_algorithm alg = (enum kw_algorithm)i;
        const struct kw_asym *key = keys[specs[_i]];
        bool signs = kw_algorithm_info(alg)->usage == KW_USAGE_SIGN_VERIFY;
        bool encrypts = kw_algorithm_info(alg)->usage == KW_USAGE_ENCRYPT_DECRYPT;
        bool has = kw_key_spec_has(specs[_i], alg);
        struct kw_buf buf = KW_BUF(made.ptr, sizeof(made.ptr));

        if (!has || !signs) {
            ck_assert_int_eq(kw_asym_sign(key, alg, KW_MESSAGE_RAW, MESSAGE, &buf), KW_ASYM_MISMATCH);
            ck_assert_int_eq(kw_asym_verify(key, alg, KW_MESSAGE_RAW, MESSAGE, MESSAGE), KW_ASYM_MISMATCH);
        }
        if (!has || !encrypts) {
            ck_assert_uint_eq(kw_asym_plaintext_max(key, alg), 0);
            ck_assert_int_eq(kw_asym_encrypt(key, alg, MESSAGE, &buf), KW_ASYM_MISMATCH);
            ck_assert_int_eq(kw_asym_decrypt(key, alg, MESSAGE, &buf), KW_ASYM_MISMATCH);
        }
        ck_assert_uint_eq(buf.len, 0);
    }
}
END_TEST

/* What is signed is checked where it is made; here, that it takes digests only and is a scheme of its own. */
START_TEST(test_ed25519ph)
{
    const enum kw_algorithm alg = KW_ALG_ED25519_PH_SHA_512;
    const struct kw_asym *key = keys[KW_KEY_ECC_NIST_EDWARDS25519];
    uint8_t digest[64] = {1};
    struct kw_bytes message = KW_BYTES(digest, sizeof(digest));
    struct rig_der made, none;

    ck_assert_int_eq(sign(key, alg, KW_MESSAGE_DIGEST, message, &made), 0);
    ck_assert_int_eq(kw_asym_verify(key, alg, KW_MESSAGE_DIGEST, message, RIG_BYTES(made)), 0);
    ck_assert_int_eq(sign(key, alg, KW_MESSAGE_RAW, message, &none), KW_ASYM_MISMATCH);
    ck_assert_int_eq(sign(key, alg, KW_MESSAGE_DIGEST, KW_BYTES(digest, 63), &none), KW_ASYM_BAD_DIGEST);
    for (size_t len = 0; len <= 65; len++)
        ck_assert_int_eq(kw_asym_verify(key, alg, KW_MESSAGE_DIGEST, message, KW_BYTES(made.ptr, len)),
            len == 64 ? 0 : KW_ASYM_BAD_SIGNATURE);
    ck_assert_int_eq(kw_asym_verify(others[KW_KEY_ECC_NIST_EDWARDS25519], alg, KW_MESSAGE_DIGEST, message,
                         RIG_BYTES(made)),
        KW_ASYM_BAD_SIGNATURE);
    ck_assert_int_eq(kw_asym_verify(key, KW_ALG_ED25519_SHA_512, KW_MESSAGE_RAW, message, RIG_BYTES(made)),
        KW_ASYM_BAD_SIGNATURE);
}
END_TEST

START_TEST(test_no_room)
{
    uint8_t space[40];
    struct kw_buf buf = KW_BUF(space, sizeof(space));

    ck_assert_int_eq(
        kw_asym_sign(keys[KW_KEY_RSA_2048], KW_ALG_RSASSA_PSS_SHA_256, KW_MESSAGE_RAW, MESSAGE, &buf),
        -ENOBUFS);
    buf = KW_BUF(space, sizeof(space));
    ck_assert_int_eq(
        kw_asym_encrypt(keys[KW_KEY_RSA_2048], KW_ALG_RSAES_OAEP_SHA_1, MESSAGE, &buf), -ENOBUFS);
    buf = KW_BUF(space, 31);
    ck_assert_int_eq(
        kw_asym_derive(keys[KW_KEY_ECC_NIST_P256], kw_asym_public(keys[KW_KEY_ECC_NIST_P256]), &buf),
        -ENOBUFS);
    buf = KW_BUF(space, sizeof(space));
    struct kw_buf private = KW_BUF(NULL, 0);
    ck_assert_int_eq(kw_asym_generate_sm2(&buf, &private), -ENOBUFS);
    ck_assert_uint_eq(buf.len, 0);
}
END_TEST

static void check_ciphertext(const struct kw_asym *key, enum kw_algorithm alg, struct kw_bytes plaintext)
{
    struct rig_der made, plain;
    struct kw_buf out = KW_BUF(made.ptr, sizeof(made.ptr)), back = KW_BUF(plain.ptr, sizeof(plain.ptr));

    ck_assert_int_eq(kw_asym_encrypt(key, alg, plaintext, &out), 0);
    ck_assert_int_eq(kw_asym_decrypt(key, alg, kw_buf_bytes(&out), &back), 0);
    ck_assert(kw_bytes_equal(kw_buf_bytes(&back), plaintext));
    back.len = 0;
    ck_assert_int_eq(
        kw_asym_decrypt(others[kw_asym_spec(key)], alg, kw_buf_bytes(&out), &back), KW_ASYM_BAD_CIPHERTEXT);
    for (size_t i = 0; i < out.len; i += 41) {
        made.ptr[i] ^= 0x10;
        ck_assert_int_eq(kw_asym_decrypt(key, alg, kw_buf_bytes(&out), &back), KW_ASYM_BAD_CIPHERTEXT);
        made.ptr[i] ^= 0x10;
    }
    for (size_t i = 0; i < out.len; i += 1 + i / 2)
        ck_assert_int_eq(kw_asym_decrypt(key, alg, KW_BYTES(made.ptr, i), &back), KW_ASYM_BAD_CIPHERTEXT);
    made.ptr[out.len] = 0;
    ck_assert_int_eq(
        kw_asym_decrypt(key, alg, KW_BYTES(made.ptr, out.len + 1), &back), KW_ASYM_BAD_CIPHERTEXT);
    ck_assert_uint_eq(back.len, 0);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

START_TEST(test_encrypt)
{
    static const struct {
        enum kw_key_spec spec;
        enum kw_algorithm alg;
        size_t max; /* as AWS documents them */
    } cases[] = {
        {KW_KEY_RSA_2048, KW_ALG_RSAES_OAEP_SHA_1, 214},
        {KW_KEY_RSA_2048, KW_ALG_RSAES_OAEP_SHA_256, 190},
        {KW_KEY_RSA_3072, KW_ALG_RSAES_OAEP_SHA_1, 342},
        {KW_KEY_RSA_3072, KW_ALG_RSAES_OAEP_SHA_256, 318},
        {KW_KEY_SM2, KW_ALG_SM2PKE, 1024},
    };
    uint8_t plaintext[KW_SM2_PLAINTEXT_MAX + 1];
    struct kw_buf none = KW_BUF(NULL, 0);

    memset(plaintext, 'p', sizeof(plaintext));
    const struct kw_asym *key = keys[cases[_i].spec];
    ck_assert_uint_eq(kw_asym_plaintext_max(key, cases[_i].alg), cases[_i].max);
    check_ciphertext(key, cases[_i].alg, KW_BYTES(plaintext, 1));
    check_ciphertext(key, cases[_i].alg, KW_BYTES(plaintext, cases[_i].max));
    ck_assert_int_eq(kw_asym_encrypt(key, cases[_i].alg, KW_BYTES(plaintext, cases[_i].max + 1), &none),
        KW_ASYM_PLAINTEXT_TOO_LONG);
}
END_TEST

/* What one algorithm encrypts, another one does not decrypt. */
START_TEST(test_other_digest)
{
    struct rig_der made, plain;
    struct kw_buf out = KW_BUF(made.ptr, sizeof(made.ptr)), back = KW_BUF(plain.ptr, sizeof(plain.ptr));
    const struct kw_asym *key = keys[KW_KEY_RSA_2048];

    ck_assert_int_eq(kw_asym_encrypt(key, KW_ALG_RSAES_OAEP_SHA_1, MESSAGE, &out), 0);
    ck_assert_int_eq(
        kw_asym_decrypt(key, KW_ALG_RSAES_OAEP_SHA_256, kw_buf_bytes(&out), &back), KW_ASYM_BAD_CIPHERTEXT);
}
END_TEST

static const enum kw_key_spec agreeing[] = {
    KW_KEY_ECC_NIST_P256,
    KW_KEY_ECC_NIST_P384,
    KW_KEY_ECC_NIST_P521,
    KW_KEY_SM2,
};

static int derive(const struct kw_asym *key, struct kw_bytes peer, struct rig_der *ret)
{
    struct kw_buf buf = KW_BUF(ret->ptr, sizeof(ret->ptr));

    int r = kw_asym_derive(key, peer, &buf);
    ret->len = buf.len;
    return r;
}

START_TEST(test_derive)
{
    const struct kw_asym *key = keys[agreeing[_i]], *other = others[agreeing[_i]];
    struct rig_der a, b, peer = {.len = kw_asym_public(other).len};

    ck_assert_int_eq(derive(key, kw_asym_public(other), &a), 0);
    ck_assert_int_eq(derive(other, kw_asym_public(key), &b), 0);
    ck_assert_uint_eq(a.len, (kw_key_spec_info(agreeing[_i])->bits + 7) / 8);
    ck_assert(kw_bytes_equal(RIG_BYTES(a), RIG_BYTES(b)));
    memcpy(peer.ptr, kw_asym_public(other).ptr, peer.len);
    for (size_t i = 0; i < peer.len; i++) { /* no byte can change: off the curve, or another curve */
        peer.ptr[i] ^= 4;
        ck_assert_int_eq(derive(key, RIG_BYTES(peer), &a), KW_ASYM_BAD_PEER);
        peer.ptr[i] ^= 4;
    }
    for (size_t i = 0; i <= peer.len + 1; i++)
        ck_assert_int_eq(derive(key, KW_BYTES(peer.ptr, i), &a), i == peer.len ? 0 : KW_ASYM_BAD_PEER);
    for (size_t i = 0; i < KW_ARRAY_LEN(specs); i++)
        if (specs[i] != agreeing[_i])
            ck_assert_int_eq(derive(key, kw_asym_public(keys[specs[i]]), &a), KW_ASYM_BAD_PEER);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

START_TEST(test_derive_hostile_points)
{
    const struct kw_asym *key = keys[KW_KEY_ECC_NIST_P256];
    struct rig_der peer = {.len = 91}, out;

    memcpy(peer.ptr, kw_asym_public(key).ptr, 91);
    memset(peer.ptr + 27, 0, 64); /* (0, 0) */
    ck_assert_int_eq(derive(key, RIG_BYTES(peer), &out), KW_ASYM_BAD_PEER);
    memset(peer.ptr + 27, 0xff, 64); /* coordinates above the prime */
    ck_assert_int_eq(derive(key, RIG_BYTES(peer), &out), KW_ASYM_BAD_PEER);
    /* The point at infinity in its own encoding, with lengths that fit. */
    static const uint8_t infinity[] = {0x30, 0x19, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3, 2, 0, 0};
    ck_assert_int_eq(derive(key, KW_BYTES(infinity, sizeof(infinity)), &out), KW_ASYM_BAD_PEER);
    ck_assert_int_eq(
        derive(keys[KW_KEY_ECC_SECG_P256K1], kw_asym_public(others[KW_KEY_ECC_SECG_P256K1]), &out),
        KW_ASYM_MISMATCH);
    ck_assert_int_eq(
        derive(keys[KW_KEY_RSA_2048], kw_asym_public(others[KW_KEY_RSA_2048]), &out), KW_ASYM_MISMATCH);
}
END_TEST

/* An EC private key without its public key (RFC 5915 allows that), on a curve with an id of 8 bytes. */
static struct kw_asym *from_scalar(enum kw_key_spec spec, const char *curve_id, const char *scalar)
{
    char text[256];

    snprintf(
        text, sizeof(text), "3041020100301306072a8648ce3d02010608%s042730250201010420%s", curve_id, scalar);
    struct rig_der der = rig_hex(text);
    return rig_load(spec, RIG_BYTES(der));
}

#define P256 "2a8648ce3d030107"
#define SM2  "2a811ccf5501822d"

/* RFC 5903 section 8.1. */
START_TEST(test_derive_published)
{
    KW_ASYM struct kw_asym *i = from_scalar(
        KW_KEY_ECC_NIST_P256, P256, "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433");
    KW_ASYM struct kw_asym *r = from_scalar(
        KW_KEY_ECC_NIST_P256, P256, "C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53");
    struct rig_der expected = rig_hex("D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE"),
                   out;

    ck_assert_int_eq(derive(i, kw_asym_public(r), &out), 0);
    ck_assert(kw_bytes_equal(RIG_BYTES(out), RIG_BYTES(expected)));
}
END_TEST

/* RFC 6979 A.2.5 (P-256, SHA-256, "sample"); GB/T 32918.5 (SM2 with its recommended curve). */
START_TEST(test_verify_published)
{
    KW_ASYM struct kw_asym *p256 = from_scalar(
        KW_KEY_ECC_NIST_P256, P256, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    struct rig_der signature =
        rig_hex("3046022100EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
                "022100F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
    ck_assert_int_eq(
        kw_asym_verify(p256, KW_ALG_ECDSA_SHA_256, KW_MESSAGE_RAW, KW_LIT("sample"), RIG_BYTES(signature)),
        0);

    KW_ASYM struct kw_asym *sm2 =
        from_scalar(KW_KEY_SM2, SM2, "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
    signature = rig_hex("3046022100F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
                        "022100B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA");
    ck_assert_int_eq(
        kw_asym_verify(sm2, KW_ALG_SM2DSA, KW_MESSAGE_RAW, KW_LIT("message digest"), RIG_BYTES(signature)),
        0);
}
END_TEST

/* Zero, an order too high and trailing values, as Wycheproof tries them. */
START_TEST(test_verify_hostile)
{
    static const char *const hostile[] = {
        "3006020100020100",
        "3006020101020100",
        "3006020101020101",
        "3006020100020101",
        "3026022100FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551020101",
        "3006090380fe01090380fe01",
        "3000",
        "30",
        "0500",
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(hostile); i++) {
        struct rig_der signature = rig_hex(hostile[i]);

        ck_assert_int_eq(kw_asym_verify(keys[KW_KEY_ECC_NIST_P256], KW_ALG_ECDSA_SHA_256, KW_MESSAGE_RAW,
                             MESSAGE, RIG_BYTES(signature)),
            KW_ASYM_BAD_SIGNATURE);
        ck_assert_int_eq(
            kw_asym_verify(keys[KW_KEY_SM2], KW_ALG_SM2DSA, KW_MESSAGE_RAW, MESSAGE, RIG_BYTES(signature)),
            KW_ASYM_BAD_SIGNATURE);
    }
}
END_TEST

/* RFC 8032 section 7.1, tests 1 to 3. */
START_TEST(test_ed25519_published)
{
    static const struct {
        const char *seed, *public, *message, *signature;
    } published[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(published); i++) {
        char text[128];
        snprintf(text, sizeof(text), "302e020100300506032b657004220420%s", published[i].seed);
        struct rig_der der = rig_hex(text), message = rig_hex(published[i].message);
        struct rig_der public = rig_hex(published[i].public), expected = rig_hex(published[i].signature),
                       made;
        KW_ASYM struct kw_asym *key = rig_load(KW_KEY_ECC_NIST_EDWARDS25519, RIG_BYTES(der));

        ck_assert_uint_eq(kw_asym_public(key).len, 44);
        ck_assert_mem_eq(kw_asym_public(key).ptr + 12, public.ptr, 32);
        ck_assert_int_eq(sign(key, KW_ALG_ED25519_SHA_512, KW_MESSAGE_RAW, RIG_BYTES(message), &made), 0);
        ck_assert(kw_bytes_equal(RIG_BYTES(made), RIG_BYTES(expected)));
    }
}
END_TEST

/* What one spec's key is, no other spec takes, nor any part of it, nor more. */
START_TEST(test_load)
{
    EVP_PKEY *pkey = rig_key(specs[_i]);
    struct rig_der der = rig_pkcs8(pkey), spki = rig_spki(pkey);
    struct kw_asym *key = NULL;

    for (unsigned i = 0; i < KW_KEY_SPEC_NUM; i++) {
        int r = kw_asym_load(&key, (enum kw_key_spec)i, RIG_BYTES(der));
        enum kw_key_kind kind = kw_key_spec_info((enum kw_key_spec)i)->kind;
        bool no_pair =
            kind == KW_KEY_KIND_SYMMETRIC || kind == KW_KEY_KIND_HMAC || kind == KW_KEY_KIND_ML_DSA;

        ck_assert_int_eq(r, i == specs[_i] ? 0 : no_pair ? KW_ASYM_UNSUPPORTED : KW_ASYM_INVALID_KEY);
        if (r == 0) {
            ck_assert(kw_bytes_equal(kw_asym_public(key), RIG_BYTES(spki)));
            ck_assert_uint_eq(kw_asym_spec(key), i);
            ck_assert_int_eq(kw_asym_check(key), 0);
            kw_asym_unref(key);
        }
        key = NULL;
    }
    for (size_t i = 0; i < der.len; i += 1 + i / 8)
        ck_assert_int_eq(kw_asym_load(&key, specs[_i], KW_BYTES(der.ptr, i)), KW_ASYM_INVALID_KEY);
    der.ptr[der.len] = 0;
    ck_assert_int_eq(kw_asym_load(&key, specs[_i], KW_BYTES(der.ptr, der.len + 1)), KW_ASYM_INVALID_KEY);
    ck_assert_int_eq(kw_asym_load(&key, specs[_i], RIG_BYTES(spki)), KW_ASYM_INVALID_KEY);
    ck_assert_int_eq(kw_asym_load(&key, specs[_i], KW_LIT("")), KW_ASYM_INVALID_KEY);
    ck_assert_ptr_null(key);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    EVP_PKEY_free(pkey);
}
END_TEST

/* A key that loads but whose parts do not belong together. */
START_TEST(test_check)
{
    EVP_PKEY *pkey = rig_key(KW_KEY_RSA_2048);
    struct rig_der der = rig_pkcs8(pkey);
    struct kw_asym *key = NULL;

    der.ptr[340] ^= 2; /* within d, which follows the modulus and e */
    int r = kw_asym_load(&key, KW_KEY_RSA_2048, RIG_BYTES(der));
    ck_assert(r == 0 && kw_asym_check(key) == KW_ASYM_INVALID_KEY);
    kw_asym_unref(key);
    EVP_PKEY_free(pkey);
}
END_TEST

enum { N, E, D, P, Q, DP, DQ, QINV, NUMBERS };
static const char *const number_names[NUMBERS] = {
    "n", "e", "d", "rsa-factor1", "rsa-factor2", "rsa-exponent1", "rsa-exponent2", "rsa-coefficient1"};

/* A key of two primes of those lengths. */
static void fill_numbers(BIGNUM *number[NUMBERS], int p_bits, int q_bits, int e_bits)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p1 = BN_new(), *q1 = BN_new(), *phi = BN_new();

    ck_assert_int_gt(BN_generate_prime_ex(number[P], p_bits, 0, NULL, NULL, NULL), 0);
    ck_assert_int_gt(BN_generate_prime_ex(number[Q], q_bits, 0, NULL, NULL, NULL), 0);
    BN_mul(number[N], number[P], number[Q], ctx);
    /* A prime, so that it has no factor in common with what it is inverted modulo. */
    if (e_bits == 17)
        BN_set_word(number[E], 65537);
    else
        ck_assert_int_gt(BN_generate_prime_ex(number[E], e_bits, 0, NULL, NULL, NULL), 0);
    BN_sub(p1, number[P], BN_value_one());
    BN_sub(q1, number[Q], BN_value_one());
    BN_mul(phi, p1, q1, ctx);
    ck_assert_ptr_nonnull(BN_mod_inverse(number[D], number[E], phi, ctx));
    BN_mod(number[DP], number[D], p1, ctx);
    BN_mod(number[DQ], number[D], q1, ctx);
    ck_assert_ptr_nonnull(BN_mod_inverse(number[QINV], number[Q], number[P], ctx));
    BN_free(p1);
    BN_free(q1);
    BN_free(phi);
    BN_CTX_free(ctx);
}

static EVP_PKEY *rsa_of(int p_bits, int q_bits, int e_bits)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *number[NUMBERS];
    EVP_PKEY *pkey = NULL;

    for (size_t i = 0; i < NUMBERS; i++)
        number[i] = BN_new();
    fill_numbers(number, p_bits, q_bits, e_bits);
    for (size_t i = 0; i < NUMBERS; i++)
        OSSL_PARAM_BLD_push_BN(build, number_names[i], number[i]);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    ck_assert(EVP_PKEY_fromdata_init(ctx) > 0 && EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) > 0);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    for (size_t i = 0; i < NUMBERS; i++)
        BN_free(number[i]);
    return pkey;
}

/* Sound in itself, but of primes that OpenSSL may take long to judge: refused before it begins. */
START_TEST(test_unbalanced)
{
    static const int p_bits[] = {1024, 1025, 1100};

    for (size_t i = 0; i < KW_ARRAY_LEN(p_bits); i++) {
        EVP_PKEY *pkey = rsa_of(p_bits[i], 2048 - p_bits[i], 17);
        struct rig_der der = rig_pkcs8(pkey);
        struct kw_asym *key = rig_load(KW_KEY_RSA_2048, RIG_BYTES(der));

        ck_assert_int_eq(kw_asym_check(key), i == 0 ? 0 : KW_ASYM_INVALID_KEY);
        kw_asym_unref(key);
        EVP_PKEY_free(pkey);
    }
}
END_TEST

/* Verify would take as long as Sign, and on the thread that others wait for. */
START_TEST(test_long_exponent)
{
    static const int e_bits[] = {256, 257, 2000};

    for (size_t i = 0; i < KW_ARRAY_LEN(e_bits); i++) {
        EVP_PKEY *pkey = rsa_of(1024, 1024, e_bits[i]);
        struct rig_der der = rig_pkcs8(pkey);
        struct kw_asym *key = rig_load(KW_KEY_RSA_2048, RIG_BYTES(der));

        ck_assert_int_eq(kw_asym_check(key), i == 0 ? 0 : KW_ASYM_INVALID_KEY);
        kw_asym_unref(key);
        EVP_PKEY_free(pkey);
    }
}
END_TEST

/* ---- PKCS#8 that no key here has ---- */

static void put_element(struct kw_buf *buf, uint8_t tag, struct kw_bytes content)
{
    const uint8_t head[] = {tag, 0x82, (uint8_t)(content.len >> 8), (uint8_t)content.len};

    kw_buf_put(buf, head, sizeof(head));
    kw_buf_put_bytes(buf, content);
}

/* Of what is given; content NULL: no parameters. */
static struct rig_der pkcs8_of(int nid, int type, void *parameters, struct kw_bytes inner)
{
    PKCS8_PRIV_KEY_INFO *info = PKCS8_PRIV_KEY_INFO_new();
    unsigned char *copy = OPENSSL_memdup(inner.ptr, inner.len), *at;
    struct rig_der out;

    ck_assert_int_eq(PKCS8_pkey_set0(info, OBJ_nid2obj(nid), 0, type, parameters, copy, (int)inner.len), 1);
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
    ck_assert(len > 0 && (size_t)len <= KW_PRIVATE_KEY_MAX);
    at = out.ptr;
    out.len = (size_t)i2d_PKCS8_PRIV_KEY_INFO(info, &at);
    PKCS8_PRIV_KEY_INFO_free(info);
    return out;
}

static uint64_t cpu_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* g^x modulo p, as long as fits: OpenSSL would work it out while it reads the key, for a second. */
START_TEST(test_discrete_logarithms)
{
    static const int kinds[] = {NID_dsa, NID_dhKeyAgreement, NID_dhpublicnumber, NID_rsassaPss, NID_X25519};
    uint8_t number[1990], space[2100], inner[2100];
    struct kw_buf sequence = KW_BUF(space, sizeof(space)), x = KW_BUF(inner, sizeof(inner));
    struct kw_asym *key = NULL;

    memset(number, 0x5b, sizeof(number)); /* odd */
    put_element(&sequence, 0x02, KW_BYTES(number, sizeof(number)));
    if (_i == 0)
        put_element(&sequence, 0x02, KW_BYTES(number, 20)); /* q */
    put_element(&sequence, 0x02, KW_LIT("\x02"));
    put_element(&x, 0x02, KW_BYTES(number, sizeof(number)));
    ASN1_STRING *parameters = ASN1_STRING_new();
    uint8_t whole[2200];
    struct kw_buf outer = KW_BUF(whole, sizeof(whole));
    put_element(&outer, 0x30, kw_buf_bytes(&sequence));
    ck_assert(kw_buf_ok(&outer) && kw_buf_ok(&x));
    ASN1_STRING_set(parameters, outer.ptr, (int)outer.len);
    struct rig_der der = pkcs8_of(kinds[_i], V_ASN1_SEQUENCE, parameters, kw_buf_bytes(&x));

    uint64_t begin = cpu_ms();
    ck_assert_int_eq(kw_asym_load(&key, KW_KEY_ECC_NIST_P256, RIG_BYTES(der)), KW_ASYM_INVALID_KEY);
    ck_assert_uint_lt(cpu_ms() - begin, 50);
}
END_TEST

/* An ECPrivateKey may name its curve once more, but not describe it. */
START_TEST(test_inner_parameters)
{
    static const char *const forms[] = {"named_curve", "explicit"};
    EVP_PKEY *pkey = rig_key(KW_KEY_ECC_NIST_P256);

    for (size_t i = 0; i < KW_ARRAY_LEN(forms); i++) {
        struct kw_asym *key = NULL;
        unsigned char *inner = NULL;

        ck_assert(EVP_PKEY_set_utf8_string_param(pkey, "encoding", forms[i]) > 0);
        int len = i2d_PrivateKey(pkey, &inner);
        ck_assert_int_gt(len, i == 0 ? 100 : 200); /* it has parameters */
        struct rig_der der = pkcs8_of(NID_X9_62_id_ecPublicKey, V_ASN1_OBJECT,
            OBJ_nid2obj(NID_X9_62_prime256v1), KW_BYTES(inner, (size_t)len));
        ck_assert_int_eq(
            kw_asym_load(&key, KW_KEY_ECC_NIST_P256, RIG_BYTES(der)), i == 0 ? 0 : KW_ASYM_INVALID_KEY);
        ck_assert(i != 0 || kw_asym_check(key) == 0);
        kw_asym_unref(key);
        for (size_t cut = 0; cut < (size_t)len; cut++) { /* hostile: ends anywhere */
            der = pkcs8_of(NID_X9_62_id_ecPublicKey, V_ASN1_OBJECT, OBJ_nid2obj(NID_X9_62_prime256v1),
                KW_BYTES(inner, cut));
            ck_assert_int_eq(kw_asym_load(&key, KW_KEY_ECC_NIST_P256, RIG_BYTES(der)), KW_ASYM_INVALID_KEY);
        }
        OPENSSL_free(inner);
    }
    EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(test_generate_sm2)
{
    struct rig_der public, private;
    struct kw_buf pub = KW_BUF(public.ptr, sizeof(public.ptr)),
                  priv = KW_BUF(private.ptr, sizeof(private.ptr));

    ck_assert_int_eq(kw_asym_generate_sm2(&pub, &priv), 0);
    KW_ASYM struct kw_asym *key = rig_load(KW_KEY_SM2, kw_buf_bytes(&priv));
    ck_assert(kw_bytes_equal(kw_asym_public(key), kw_buf_bytes(&pub)));
    ck_assert_int_eq(kw_asym_check(key), 0);
    ck_assert(!kw_bytes_equal(kw_asym_public(key), kw_asym_public(keys[KW_KEY_SM2])));
}
END_TEST

static void *use(void *arg)
{
    for (size_t i = 0; i < 20; i++)
        for (size_t k = 0; k < KW_ARRAY_LEN(specs); k++) {
            enum kw_algorithm alg = kw_key_spec_algorithms(specs[k], KW_USAGE_SIGN_VERIFY)->item[0];
            const struct kw_asym *key = kw_asym_ref(keys[specs[k]]);
            uint8_t space[KW_SIGNATURE_MAX];
            struct kw_buf buf = KW_BUF(space, sizeof(space));

            if (kw_asym_sign(key, alg, KW_MESSAGE_RAW, MESSAGE, &buf) != 0 ||
                kw_asym_verify(key, alg, KW_MESSAGE_RAW, MESSAGE, kw_buf_bytes(&buf)) != 0)
                *(bool *)arg = true;
            kw_asym_unref(key);
        }
    return NULL;
}

START_TEST(test_threads)
{
    pthread_t threads[4];
    bool failed[4] = {false};

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use, &failed[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(!failed[i]);
    }
}
END_TEST

/* The command line of OpenSSL, which knows nothing of how this is called here. */
START_TEST(test_command_line)
{
    char folder[] = "/tmp/kw-test-asym-XXXXXX", command[2048];
    const struct kw_asym *rsa = keys[KW_KEY_RSA_2048], *ec = keys[KW_KEY_ECC_NIST_P384];
    struct rig_der made;
    struct rig_der plain;
    struct kw_buf back = KW_BUF(plain.ptr, sizeof(plain.ptr));

    ck_assert_ptr_nonnull(mkdtemp(folder));
    rig_write(folder, "message", MESSAGE);
    rig_write(folder, "rsa", kw_asym_public(rsa));
    rig_write(folder, "ec", kw_asym_public(ec));
    ck_assert_int_eq(sign(rsa, KW_ALG_RSASSA_PSS_SHA_384, KW_MESSAGE_RAW, MESSAGE, &made), 0);
    rig_write(folder, "pss", RIG_BYTES(made));
    ck_assert_int_eq(sign(rsa, KW_ALG_RSASSA_PKCS1_V1_5_SHA_512, KW_MESSAGE_RAW, MESSAGE, &made), 0);
    rig_write(folder, "pkcs1", RIG_BYTES(made));
    ck_assert_int_eq(sign(ec, KW_ALG_ECDSA_SHA_384, KW_MESSAGE_RAW, MESSAGE, &made), 0);
    rig_write(folder, "ecdsa", RIG_BYTES(made));
    snprintf(command, sizeof(command),
        "cd %s && openssl dgst -sha384 -verify rsa -keyform DER -signature pss -sigopt rsa_padding_mode:pss "
        "-sigopt rsa_pss_saltlen:48 -sigopt rsa_mgf1_md:sha384 message >log 2>&1 && "
        "openssl dgst -sha512 -verify rsa -keyform DER -signature pkcs1 message >log 2>&1 && "
        "openssl dgst -sha384 -verify ec -keyform DER -signature ecdsa message >log 2>&1 && "
        "openssl pkeyutl -encrypt -pubin -inkey rsa -keyform DER -in message -out oaep -pkeyopt "
        "rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 >log 2>&1",
        folder);
    ck_assert_int_eq(system(command), 0);
    made = rig_read(folder, "oaep");
    ck_assert_int_eq(kw_asym_decrypt(rsa, KW_ALG_RSAES_OAEP_SHA_256, RIG_BYTES(made), &back), 0);
    ck_assert(kw_bytes_equal(kw_buf_bytes(&back), MESSAGE));
    snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, test_sign, 0, (int)KW_ARRAY_LEN(specs));
    tcase_add_loop_test(tcase, test_mismatch, 0, (int)KW_ARRAY_LEN(specs));
    tcase_add_test(tcase, test_ed25519ph);
    tcase_add_test(tcase, test_no_room);
    tcase_add_loop_test(tcase, test_encrypt, 0, 5);
    tcase_add_test(tcase, test_other_digest);
    tcase_add_loop_test(tcase, test_derive, 0, (int)KW_ARRAY_LEN(agreeing));
    tcase_add_test(tcase, test_derive_hostile_points);
    tcase_add_test(tcase, test_derive_published);
    tcase_add_test(tcase, test_verify_published);
    tcase_add_test(tcase, test_verify_hostile);
    tcase_add_test(tcase, test_ed25519_published);
    tcase_add_loop_test(tcase, test_load, 0, (int)KW_ARRAY_LEN(specs));
    tcase_add_test(tcase, test_check);
    tcase_add_test(tcase, test_unbalanced);
    tcase_add_test(tcase, test_long_exponent);
    tcase_add_loop_test(tcase, test_discrete_logarithms, 0, 5);
    tcase_add_test(tcase, test_inner_parameters);
    tcase_add_test(tcase, test_generate_sm2);
    tcase_add_test(tcase, test_threads);
    tcase_add_test(tcase, test_command_line);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    for (size_t i = 0; i < KW_ARRAY_LEN(specs); i++) {
        keys[specs[i]] = rig_fresh(specs[i]);
        others[specs[i]] = rig_fresh(specs[i]);
    }
    keys[KW_KEY_RSA_3072] = rig_fresh(KW_KEY_RSA_3072);
    others[KW_KEY_RSA_3072] = others[KW_KEY_RSA_2048]; /* to make a third one would take long */
    int status = kw_suite_run("asym", add, 60);
    kw_asym_unref(keys[KW_KEY_RSA_3072]);
    for (size_t i = 0; i < KW_ARRAY_LEN(specs); i++) {
        kw_asym_unref(keys[specs[i]]);
        kw_asym_unref(others[specs[i]]);
    }
    return status;
}
