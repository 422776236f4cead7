#include "api/importtoken.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

#define NOW_MS     INT64_C(1800000000000)
#define EXPIRES_MS (NOW_MS + KW_IMPORTTOKEN_VALIDITY_MS)
#define ARN        "arn:aws:kms:us-east-1:000000000000:key/00112233-4455-6677-8899-aabbccddeeff"

static struct kw_wrapper *wrapper;
static const uint8_t secret[32] = "the secret that seals tokens...";
static const uint8_t other_secret[32] = "another secret that seals tokens";
static const uint8_t key_id[KW_KMS_KEY_ID_LEN] = "0123456789abcde";
static const uint8_t other_id[KW_KMS_KEY_ID_LEN] = "0123456789abcdf";

static struct kw_importtoken_seal seal_of(const uint8_t *by, const uint8_t *id, const char *arn)
{
    return (struct kw_importtoken_seal){.wrapper = wrapper, .secret = by, .key_id = id, .arn = arn};
}

struct made {
    uint8_t bytes[KW_IMPORTTOKEN_MAX];
    size_t len;
};

static struct made make(struct kw_bytes private_key)
{
    const struct kw_importtoken_seal seal = seal_of(secret, key_id, ARN);
    const struct kw_importtoken token = {.algorithm = KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256,
        .wrapping_key = KW_KEY_RSA_4096,
        .expires_ms = EXPIRES_MS,
        .private_key = private_key};
    struct made made;
    struct kw_buf buf = KW_BUF(made.bytes, sizeof(made.bytes));

    ck_assert_int_eq(kw_importtoken_make(&seal, &token, &buf), 0);
    made.len = buf.len;
    return made;
}

/* Whatever is refused leaves nothing behind that looks like a token. */
static int open_with(const struct kw_importtoken_seal *seal, struct kw_bytes text, int64_t now_ms)
{
    uint8_t space[KW_IMPORTTOKEN_MAX];
    struct kw_buf buf = KW_BUF(space, sizeof(space));
    struct kw_importtoken token = {.expires_ms = 42};
    int r = kw_importtoken_open(seal, text, now_ms, &buf, &token);

    ck_assert_int_eq(token.expires_ms, r == 0 ? EXPIRES_MS : 42);
    return r;
}

static int open_text(struct kw_bytes text)
{
    const struct kw_importtoken_seal seal = seal_of(secret, key_id, ARN);

    return open_with(&seal, text, NOW_MS);
}

START_TEST(test_round_trip)
{
    static uint8_t private_key[KW_PRIVATE_KEY_MAX];
    const size_t lens[] = {1, 1218, sizeof(private_key)};
    const struct kw_importtoken_seal seal = seal_of(secret, key_id, ARN);
    struct made made;
    uint8_t space[KW_IMPORTTOKEN_MAX];
    struct kw_buf buf = KW_BUF(space, sizeof(space));
    struct kw_importtoken token;

    memset(private_key, 0xa5, sizeof(private_key));
    made = make(KW_BYTES(private_key, lens[_i]));
    ck_assert_uint_eq(made.len, KW_BLOB_OVERHEAD + KW_IMPORTTOKEN_HEAD_LEN + lens[_i]);
    kw_buf_put_str(&buf, "before"); /* what the space already holds stays */
    ck_assert_int_eq(kw_importtoken_open(&seal, KW_BYTES(made.bytes, made.len), NOW_MS, &buf, &token), 0);
    ck_assert_int_eq(token.algorithm, KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256);
    ck_assert_int_eq(token.wrapping_key, KW_KEY_RSA_4096);
    ck_assert_int_eq(token.expires_ms, EXPIRES_MS);
    ck_assert(kw_bytes_equal(token.private_key, KW_BYTES(private_key, lens[_i])));
    ck_assert_mem_eq(space, "before", 6);
}
END_TEST

START_TEST(test_opaque)
{
    static const char private_key[] = "a private key that nobody may read in the token";
    struct made one = make(KW_LIT("a private key that nobody may read in the token"));
    struct made two = make(KW_LIT("a private key that nobody may read in the token"));

    for (size_t i = 0; i + 8 <= one.len; i++)
        ck_assert(memcmp(one.bytes + i, private_key, 8) != 0);
    ck_assert_uint_eq(one.len, two.len);
    ck_assert(memcmp(one.bytes, two.bytes, one.len) != 0);
}
END_TEST

START_TEST(test_refused_key)
{
    static uint8_t private_key[KW_PRIVATE_KEY_MAX + 1];
    const struct kw_importtoken_seal seal = seal_of(secret, key_id, ARN);
    struct kw_importtoken token = {.algorithm = KW_WRAPPING_SM2PKE, .wrapping_key = KW_KEY_SM2};
    uint8_t bytes[KW_IMPORTTOKEN_MAX + 1];
    struct kw_buf buf = KW_BUF(bytes, sizeof(bytes)), small = KW_BUF(bytes, 100);

    ck_assert_int_eq(kw_importtoken_make(&seal, &token, &buf), -EINVAL);
    token.private_key = KW_BYTES(private_key, sizeof(private_key));
    ck_assert_int_eq(kw_importtoken_make(&seal, &token, &buf), -EINVAL);
    token.private_key = KW_BYTES(private_key, 1000);
    ck_assert_int_eq(kw_importtoken_make(&seal, &token, &small), -ENOBUFS);
    ck_assert_uint_eq(buf.len + small.len, 0);
}
END_TEST

START_TEST(test_expiry)
{
    const struct kw_importtoken_seal seal = seal_of(secret, key_id, ARN);
    struct made made = make(KW_LIT("private"));
    struct kw_bytes text = KW_BYTES(made.bytes, made.len);

    ck_assert_int_eq(open_with(&seal, text, EXPIRES_MS - 1), 0);
    ck_assert_int_eq(open_with(&seal, text, EXPIRES_MS), KW_IMPORTTOKEN_EXPIRED);
    ck_assert_int_eq(open_with(&seal, text, INT64_MAX), KW_IMPORTTOKEN_EXPIRED);
    /* Old and not genuine: the date of a token that does not authenticate is not looked at. */
    made.bytes[made.len - 1] ^= 1;
    ck_assert_int_eq(open_with(&seal, text, EXPIRES_MS), KW_IMPORTTOKEN_INVALID);
}
END_TEST

START_TEST(test_bound)
{
    struct made made = make(KW_LIT("private"));
    const struct kw_importtoken_seal others[] = {
        seal_of(other_secret, key_id, ARN),
        seal_of(secret, other_id, ARN),
        seal_of(
            secret, key_id, "arn:aws:kms:us-east-2:000000000000:key/00112233-4455-6677-8899-aabbccddeeff"),
        seal_of(secret, key_id, ""),
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(others); i++)
        ck_assert_int_eq(
            open_with(&others[i], KW_BYTES(made.bytes, made.len), NOW_MS), KW_IMPORTTOKEN_INVALID);
}
END_TEST

START_TEST(test_hostile)
{
    struct made made = make(KW_LIT("private"));
    uint8_t longer[KW_IMPORTTOKEN_MAX + 1] = {0};

    for (size_t len = 0; len < made.len; len++)
        ck_assert_int_eq(open_text(KW_BYTES(made.bytes, len)), KW_IMPORTTOKEN_INVALID);
    memcpy(longer, made.bytes, made.len);
    ck_assert_int_eq(open_text(KW_BYTES(longer, made.len + 1)), KW_IMPORTTOKEN_INVALID);
    ck_assert_int_eq(open_text(KW_BYTES(longer, sizeof(longer))), KW_IMPORTTOKEN_INVALID);
    for (size_t bit = 0; bit < 8 * made.len; bit++) {
        made.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(open_text(KW_BYTES(made.bytes, made.len)), KW_IMPORTTOKEN_INVALID);
        made.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq(open_text(KW_BYTES(made.bytes, made.len)), 0);
}
END_TEST

/* A ciphertext that the same secret made, were it ever to wrap anything else, is no token. */
START_TEST(test_other_use)
{
    static const uint8_t material_id[KW_MATERIAL_ID_LEN] = {1};
    uint8_t bytes[KW_IMPORTTOKEN_MAX];
    struct kw_buf buf = KW_BUF(bytes, sizeof(bytes));

    ck_assert_int_eq(kw_wrap(wrapper, key_id, material_id, secret, kw_bytes_str(ARN),
                         KW_LIT("\1\2\2\0\0\0\0\0\0\0\1private"), &buf),
        0);
    ck_assert_int_eq(open_text(kw_buf_bytes(&buf)), KW_IMPORTTOKEN_INVALID);
}
END_TEST

START_TEST(test_parse)
{
    static const uint8_t good[] = {1, KW_WRAPPING_SM2PKE, KW_KEY_SM2, 0, 0, 1, 2, 3, 4, 5, 6, 'k'};
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {
        {0, 0},
        {0, 2},
        {1, KW_WRAPPING_NUM},
        {1, 255},
        {2, KW_KEY_SYMMETRIC_DEFAULT},
        {2, KW_KEY_ECC_NIST_P256},
        {2, KW_KEY_SPEC_NUM},
        {2, 255},
        {3, 0x80},
    };
    uint8_t plain[sizeof(good)];
    static uint8_t longest[KW_IMPORTTOKEN_HEAD_LEN + KW_PRIVATE_KEY_MAX + 1];
    struct kw_importtoken token;

    ck_assert_int_eq(kw_importtoken_parse(KW_BYTES(good, sizeof(good)), &token), 0);
    ck_assert_int_eq(token.expires_ms, 0x010203040506);
    ck_assert_uint_eq(token.private_key.len, 1);
    for (size_t len = 0; len < sizeof(good); len++)
        ck_assert_int_eq(kw_importtoken_parse(KW_BYTES(good, len), &token), KW_IMPORTTOKEN_INVALID);
    for (size_t i = 0; i < KW_ARRAY_LEN(changes); i++) {
        memcpy(plain, good, sizeof(plain));
        plain[changes[i].at] = changes[i].value;
        ck_assert_int_eq(
            kw_importtoken_parse(KW_BYTES(plain, sizeof(plain)), &token), KW_IMPORTTOKEN_INVALID);
    }
    memcpy(longest, good, sizeof(good));
    ck_assert_int_eq(kw_importtoken_parse(KW_BYTES(longest, sizeof(longest) - 1), &token), 0);
    ck_assert_int_eq(
        kw_importtoken_parse(KW_BYTES(longest, sizeof(longest)), &token), KW_IMPORTTOKEN_INVALID);
}
END_TEST

/* The same for the same; another key, material or keystore gives another. */
START_TEST(test_material_id)
{
    uint8_t id[5][KW_MATERIAL_ID_LEN];

    kw_importtoken_material_id(secret, key_id, KW_LIT("material"), id[0]);
    kw_importtoken_material_id(secret, key_id, KW_LIT("material"), id[1]);
    kw_importtoken_material_id(secret, other_id, KW_LIT("material"), id[2]);
    kw_importtoken_material_id(secret, key_id, KW_LIT("Material"), id[3]);
    kw_importtoken_material_id(other_secret, key_id, KW_LIT("material"), id[4]);
    ck_assert_mem_eq(id[0], id[1], KW_MATERIAL_ID_LEN);
    for (size_t i = 1; i < 5; i++) {
        for (size_t k = i + 1; k < 5; k++)
            ck_assert(memcmp(id[i], id[k], KW_MATERIAL_ID_LEN) != 0);
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, test_round_trip, 0, 3);
    tcase_add_test(tcase, test_opaque);
    tcase_add_test(tcase, test_refused_key);
    tcase_add_test(tcase, test_expiry);
    tcase_add_test(tcase, test_bound);
    tcase_add_test(tcase, test_hostile);
    tcase_add_test(tcase, test_other_use);
    tcase_add_test(tcase, test_parse);
    tcase_add_test(tcase, test_material_id);
}

int main(void)
{
    if (kw_crypto_init() != 0 || kw_wrapper_new(&wrapper) != 0)
        return EXIT_FAILURE;
    int status = kw_suite_run("importtoken", add, 60);
    kw_wrapper_free(wrapper);
    return status;
}
