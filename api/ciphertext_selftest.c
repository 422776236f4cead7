#include "api/ciphertext_internal.h"
#include "api/hmac.h"

#define KNOWN_MAX 160

/* Bytes written as hexadecimal text in this file; a mistake there is a defect of ours. */
static struct kw_bytes from_hex(const char *text, uint8_t *out)
{
    size_t len = strlen(text) / 2;

    kw_assert(len <= KNOWN_MAX && kw_hex_decode(kw_bytes_str(text), out, len) == 0);
    return KW_BYTES(out, len);
}

static bool equals_hex(struct kw_bytes data, const char *text)
{
    uint8_t expected[KNOWN_MAX];

    return kw_bytes_equal(data, from_hex(text, expected));
}

/* RFC 4231 4.3 */
static int test_hmac(void)
{
    const struct kw_bytes part = KW_LIT("what do ya want for nothing?");
    uint8_t out[KW_HMAC_LEN];

    kw_hmac(KW_LIT("Jefe"), &part, 1, out);
    return !equals_hex(
        KW_BYTES(out, sizeof(out)), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/* "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega, test case 16: AES-256 with additional data.
 */
static int test_gcm(struct kw_wrapper *wrapper)
{
    uint8_t key[KNOWN_MAX], iv[KNOWN_MAX], aad[KNOWN_MAX], text[KNOWN_MAX], out[KNOWN_MAX], back[KNOWN_MAX];
    struct kw_bytes header = from_hex("feedfacedeadbeeffeedfacedeadbeef", aad);
    struct kw_bytes context = from_hex("abaddad2", aad + header.len);
    struct kw_bytes plain = from_hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        text);

    from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key);
    from_hex("cafebabefacedbaddecaf888", iv);
    KW_TRY(kw_wrapper_seal(wrapper, key, iv, header, context, plain, out, out + plain.len));
    KW_REQUIRE(equals_hex(KW_BYTES(out, plain.len + KW_BLOB_TAG_LEN),
                   "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                   "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                   "76fc6ece0f4e1768cddf8853bb2d551b"),
        1);

    int r =
        kw_wrapper_open(wrapper, key, iv, header, context, KW_BYTES(out, plain.len), out + plain.len, back);
    KW_TRY(r);
    KW_REQUIRE(r == 0 && kw_bytes_equal(KW_BYTES(back, plain.len), plain), 1);
    out[plain.len] ^= 1;
    r = kw_wrapper_open(wrapper, key, iv, header, context, KW_BYTES(out, plain.len), out + plain.len, back);
    KW_TRY(r);
    return r != KW_BLOB_INVALID;
}

/* The worked example of docs/ciphertext.md, whose values were computed by another implementation. */
struct example {
    uint8_t key_id[KNOWN_MAX], material_id[KNOWN_MAX], backing_key[KNOWN_MAX], nonce[KNOWN_MAX],
        iv[KNOWN_MAX];
    uint8_t context_bytes[KNOWN_MAX], blob_bytes[KNOWN_MAX];
    struct kw_bytes context, blob, plaintext;
};

static void fill_example(struct example *example)
{
    from_hex("1234abcd12ab34cd56ef1234567890ab", example->key_id);
    from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", example->material_id);
    from_hex("404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f", example->backing_key);
    from_hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf", example->nonce);
    from_hex("b0b1b2b3b4b5b6b7b8b9babb", example->iv);
    example->context = from_hex("000000020000000a4465706172746d656e740000000249540000000750757270"
                                "6f73650000000454657374",
        example->context_bytes);
    example->plaintext = KW_LIT("attack at dawn");
    example->blob = from_hex("4b574201"
                             "1234abcd12ab34cd56ef1234567890ab"
                             "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                             "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
                             "b0b1b2b3b4b5b6b7b8b9babb"
                             "1be4897e4ab6094b4ef7539580db"
                             "050e737922b48cf4632ec37b1517d0a7",
        example->blob_bytes);
}

static int test_kdf(const struct example *example)
{
    uint8_t out[32];

    kw_blob_derive(example->backing_key, example->nonce, example->key_id, out);
    return !equals_hex(
        KW_BYTES(out, sizeof(out)), "b448f41e0bdfe82b1bb8455f6058678af75eeeed53f30e7d49c895b41c5c5dd5");
}

static int test_wrap(struct kw_wrapper *wrapper, struct example *example)
{
    uint8_t made[KNOWN_MAX], back[KNOWN_MAX];
    struct kw_buf blob_buf = KW_BUF(made, sizeof(made)), plain_buf = KW_BUF(back, sizeof(back));
    struct kw_blob blob;

    int r = kw_wrap_with(wrapper, example->key_id, example->material_id, example->backing_key, example->nonce,
        example->iv, example->context, example->plaintext, &blob_buf);
    KW_REQUIRE(r == 0, r);
    KW_REQUIRE(kw_bytes_equal(kw_buf_bytes(&blob_buf), example->blob), 1);
    KW_REQUIRE(kw_blob_parse(kw_buf_bytes(&blob_buf), &blob) == 0, 1);
    r = kw_unwrap(wrapper, &blob, example->backing_key, example->context, &plain_buf);
    KW_REQUIRE(r == 0, r);
    KW_REQUIRE(kw_bytes_equal(kw_buf_bytes(&plain_buf), example->plaintext), 1);
    made[KW_BLOB_HEADER_LEN] ^= 0x80;
    r = kw_unwrap(wrapper, &blob, example->backing_key, example->context, &plain_buf);
    KW_TRY(r);
    return r != KW_BLOB_INVALID;
}

static int run(struct kw_wrapper *wrapper)
{
    struct example example;
    int r;

    fill_example(&example);
    r = test_hmac();
    if (r == 0)
        r = test_gcm(wrapper);
    if (r == 0)
        r = test_kdf(&example);
    if (r == 0)
        r = test_wrap(wrapper, &example);
    return r;
}

int kw_ciphertext_selftest(OSSL_LIB_CTX *libctx)
{
    KW_WRAPPER struct kw_wrapper *wrapper = NULL;

    KW_TRY(kw_wrapper_new_in(&wrapper, libctx));
    return run(wrapper);
}
