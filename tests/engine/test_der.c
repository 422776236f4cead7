#include "engine/crypto.h"
#include "engine/der.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { DER_MAX = 4096, INTEGER_LEN_MAX = 512 };

struct der {
    uint8_t bytes[DER_MAX];
    struct kw_buf buf;
};

static struct kw_buf *der_init(struct der *der)
{
    der->buf = KW_BUF(der->bytes, sizeof(der->bytes));
    return &der->buf;
}

static void assert_same(const struct kw_buf *ours, const uint8_t *theirs, int theirs_len)
{
    ck_assert_int_gt(theirs_len, 0);
    ck_assert_uint_eq(ours->len, (size_t)theirs_len);
    ck_assert_mem_eq(ours->ptr, theirs, ours->len);
}

static void assert_public_same(const struct kw_buf *ours, EVP_PKEY *pkey)
{
    uint8_t *theirs = NULL;
    int len = i2d_PUBKEY(pkey, &theirs);
    assert_same(ours, theirs, len);
    OPENSSL_free(theirs);
}

static void assert_private_same(const struct kw_buf *ours, EVP_PKEY *pkey)
{
    uint8_t *theirs = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    ck_assert_ptr_nonnull(info);
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &theirs);
    assert_same(ours, theirs, len);
    OPENSSL_free(theirs);
    PKCS8_PRIV_KEY_INFO_free(info);
}

static EVP_PKEY *pkey_from(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    ck_assert_ptr_nonnull(params);
    ck_assert_ptr_nonnull(ctx);
    ck_assert_int_eq(EVP_PKEY_fromdata_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params), 1);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

/* ---- RSA ---- */

#define RSA_INTEGERS 8
static const char *const rsa_names[RSA_INTEGERS] = {
    OSSL_PKEY_PARAM_RSA_N,
    OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,
    OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,
    OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2,
    OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

/* The integers of an RSA key in the order of the names, as they would come from a generator: padded to a
 * length. */
struct rsa_key {
    uint8_t bytes[RSA_INTEGERS][INTEGER_LEN_MAX];
    size_t len[RSA_INTEGERS];
};

static struct kw_der_rsa rsa_view(const struct rsa_key *key)
{
    struct kw_bytes view[RSA_INTEGERS];
    for (size_t i = 0; i < RSA_INTEGERS; i++)
        view[i] = KW_BYTES(key->bytes[i], key->len[i]);
    return (struct kw_der_rsa){view[0], view[1], view[2], view[3], view[4], view[5], view[6], view[7]};
}

/* OpenSSL builds a key from numbers without a look at what they are to each other. */
static EVP_PKEY *rsa_pkey(const struct rsa_key *key)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *numbers[RSA_INTEGERS];

    for (size_t i = 0; i < RSA_INTEGERS; i++) {
        numbers[i] = BN_bin2bn(key->bytes[i], (int)key->len[i], NULL);
        ck_assert_int_eq(OSSL_PARAM_BLD_push_BN(build, rsa_names[i], numbers[i]), 1);
    }
    EVP_PKEY *pkey = pkey_from("RSA", build);
    for (size_t i = 0; i < RSA_INTEGERS; i++)
        BN_free(numbers[i]);
    return pkey;
}

static void check_rsa(const struct rsa_key *key)
{
    struct der der;
    struct kw_der_rsa view = rsa_view(key);
    EVP_PKEY *pkey = rsa_pkey(key);

    ck_assert_int_eq(kw_der_rsa_public(der_init(&der), view.n, view.e), 0);
    assert_public_same(&der.buf, pkey);
    ck_assert_int_eq(kw_der_rsa_private(der_init(&der), &view), 0);
    assert_private_same(&der.buf, pkey);
    EVP_PKEY_free(pkey);
}

/* Random numbers of the lengths that a key of these bits has. */
static void rsa_random(struct rsa_key *key, unsigned bits)
{
    static const uint8_t e[] = {0x01, 0x00, 0x01};

    for (size_t i = 0; i < RSA_INTEGERS; i++) {
        key->len[i] = i == 0 || i == 2 ? bits / 8 : bits / 16;
        RAND_bytes(key->bytes[i], (int)key->len[i]);
        key->bytes[i][key->len[i] - 1] |= 1;
    }
    memcpy(key->bytes[1], e, sizeof(e));
    key->len[1] = sizeof(e);
    key->bytes[0][0] |= 0x80;
    key->bytes[3][0] |= 0xc0;
    key->bytes[4][0] |= 0xc0;
}

START_TEST(rsa_random_keys)
{
    static const unsigned bits[] = {2048, 3072, 4096};
    struct rsa_key key;

    for (int i = 0; i < 200; i++) {
        rsa_random(&key, bits[_i]);
        check_rsa(&key);
    }
}
END_TEST

/* Every number in turn gets every number of leading zero bits up to three bytes, then all lengths down to one
 * bit. */
START_TEST(rsa_leading_zeros)
{
    struct rsa_key key;

    rsa_random(&key, 2048);
    for (size_t i = 2; i < RSA_INTEGERS; i++) {
        struct rsa_key edge = key;
        for (unsigned bit = 0; bit < 24; bit++) {
            memset(edge.bytes[i], 0, 3);
            edge.bytes[i][bit / 8] = (uint8_t)(0x80 >> bit % 8);
            check_rsa(&edge);
        }
        for (size_t zeros = 0; zeros < edge.len[i]; zeros++) {
            memset(edge.bytes[i], 0, zeros);
            edge.bytes[i][zeros] |= 1;
            check_rsa(&edge);
        }
    }
}
END_TEST

/* Lengths of the numbers across the steps of DER's length octets (127, 128, 255, 256). */
START_TEST(rsa_length_steps)
{
    struct rsa_key key;
    struct der der;

    rsa_random(&key, 4096);
    for (size_t len = 120; len <= 260; len++) {
        memset(key.bytes[2], 0x7f, len);
        key.len[2] = len;
        check_rsa(&key);
        memset(key.bytes[2], 0x80, len);
        check_rsa(&key);
        ck_assert_int_eq(kw_der_rsa_public(der_init(&der), KW_BYTES(key.bytes[2], len), KW_LIT("\x03")), 0);
    }
}
END_TEST

START_TEST(rsa_real_key)
{
    struct rsa_key key;
    EVP_PKEY *pkey = EVP_RSA_gen(2048);

    ck_assert_ptr_nonnull(pkey);
    for (size_t i = 0; i < RSA_INTEGERS; i++) {
        BIGNUM *number = NULL;
        key.len[i] = 256;
        ck_assert_int_eq(EVP_PKEY_get_bn_param(pkey, rsa_names[i], &number), 1);
        ck_assert_int_eq(BN_bn2binpad(number, key.bytes[i], 256), 256);
        BN_clear_free(number);
    }
    check_rsa(&key);

    struct der der;
    struct kw_der_rsa view = rsa_view(&key);
    ck_assert_int_eq(kw_der_rsa_private(der_init(&der), &view), 0);
    assert_private_same(&der.buf, pkey);
    EVP_PKEY_free(pkey);
}
END_TEST

/* Zero, nothing, and a number too long for any key are refused, wherever they stand; nothing is written. */
START_TEST(rsa_impossible_numbers)
{
    static const uint8_t zeros[8];
    static uint8_t huge[1025];
    struct rsa_key key;
    struct der der;

    memset(huge, 0xff, sizeof(huge));
    const struct kw_bytes bad[] = {KW_BYTES(zeros, 8), KW_BYTES(NULL, 0), KW_BYTES(huge, sizeof(huge))};
    rsa_random(&key, 2048);
    for (size_t i = 0; i < RSA_INTEGERS; i++) {
        for (size_t j = 0; j < KW_ARRAY_LEN(bad); j++) {
            struct kw_der_rsa view = rsa_view(&key);
            ((struct kw_bytes *)&view)[i] = bad[j];
            ck_assert_int_eq(kw_der_rsa_private(der_init(&der), &view), 1);
            ck_assert_uint_eq(der.buf.len, 0);
            if (i < 2) {
                ck_assert_int_eq(kw_der_rsa_public(der_init(&der), view.n, view.e), 1);
                ck_assert_uint_eq(der.buf.len, 0);
            }
        }
    }
}
END_TEST

/* ---- EC ---- */

static const enum kw_spec ec_specs[] = {
    KW_SPEC_ECC_NIST_P256,
    KW_SPEC_ECC_NIST_P384,
    KW_SPEC_ECC_NIST_P521,
    KW_SPEC_ECC_SECG_P256K1,
};

enum { FIELD_MAX = 66 };

struct ec_key {
    uint8_t scalar[FIELD_MAX];
    uint8_t point[1 + 2 * FIELD_MAX];
    size_t scalar_len;
    size_t point_len;
};

/* The pair of a scalar that is smaller than the order. */
static void ec_from_scalar(struct ec_key *key, enum kw_spec spec, const BIGNUM *scalar)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(OBJ_txt2nid(kw_spec_info(spec)->curve) != NID_undef
                                                     ? OBJ_txt2nid(kw_spec_info(spec)->curve)
                                                     : EC_curve_nist2nid(kw_spec_info(spec)->curve));
    EC_POINT *point = EC_POINT_new(group);

    key->scalar_len = (kw_spec_info(spec)->bits + 7) / 8;
    key->point_len = 1 + 2 * key->scalar_len;
    ck_assert_int_eq(EC_POINT_mul(group, point, scalar, NULL, NULL, NULL), 1);
    ck_assert_int_eq(BN_bn2binpad(scalar, key->scalar, (int)key->scalar_len), (int)key->scalar_len);
    ck_assert_uint_eq(
        EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, key->point, sizeof(key->point), NULL),
        key->point_len);
    EC_POINT_free(point);
    EC_GROUP_free(group);
}

static EVP_PKEY *ec_pkey(const struct ec_key *key, enum kw_spec spec)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *scalar = BN_bin2bn(key->scalar, (int)key->scalar_len, NULL);

    ck_assert_int_eq(
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, kw_spec_info(spec)->curve, 0), 1);
    ck_assert_int_eq(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar), 1);
    ck_assert_int_eq(
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, key->point, key->point_len), 1);
    EVP_PKEY *pkey = pkey_from("EC", build);
    BN_free(scalar);
    return pkey;
}

static void check_ec(enum kw_spec spec, const BIGNUM *scalar)
{
    struct der der;
    struct ec_key key;

    ec_from_scalar(&key, spec, scalar);
    EVP_PKEY *pkey = ec_pkey(&key, spec);
    ck_assert_int_eq(kw_der_ec_public(der_init(&der), spec, KW_BYTES(key.point, key.point_len)), 0);
    assert_public_same(&der.buf, pkey);
    ck_assert_uint_eq(der.buf.len, kw_spec_info(spec)->public_max);
    ck_assert_int_eq(kw_der_ec_private(der_init(&der), spec, KW_BYTES(key.scalar, key.scalar_len),
                         KW_BYTES(key.point, key.point_len)),
        0);
    assert_private_same(&der.buf, pkey);
    ck_assert_uint_eq(der.buf.len, kw_spec_info(spec)->private_max);
    EVP_PKEY_free(pkey);
}

/* Scalars of every length in bytes, among them 1 and those with a high first bit. */
START_TEST(ec_scalars_of_every_length)
{
    enum kw_spec spec = ec_specs[_i];
    int bits = (int)kw_spec_info(spec)->bits;
    BIGNUM *scalar = BN_new();

    for (int top = 1; top < bits; top += top % 8 == 7 ? 1 : 7) {
        ck_assert_int_eq(BN_rand(scalar, top, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), 1);
        check_ec(spec, scalar);
    }
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(BN_rand(scalar, bits - 1, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ODD), 1);
        check_ec(spec, scalar);
    }
    BN_free(scalar);
}
END_TEST

START_TEST(ec_impossible_lengths)
{
    static const uint8_t bytes[2 * FIELD_MAX + 2];
    enum kw_spec spec = ec_specs[_i];
    size_t field = (kw_spec_info(spec)->bits + 7) / 8;
    struct kw_bytes scalar = KW_BYTES(bytes, field), point = KW_BYTES(bytes, 1 + 2 * field);
    struct der der;

    for (size_t len = 0; len <= sizeof(bytes); len++) {
        int point_wrong = len != point.len, scalar_wrong = len != scalar.len;
        ck_assert_int_eq(kw_der_ec_public(der_init(&der), spec, KW_BYTES(bytes, len)), point_wrong);
        ck_assert_int_eq(kw_der_ec_private(der_init(&der), spec, scalar, KW_BYTES(bytes, len)), point_wrong);
        ck_assert_int_eq(kw_der_ec_private(der_init(&der), spec, KW_BYTES(bytes, len), point), scalar_wrong);
        ck_assert(!scalar_wrong || der.buf.len == 0);
    }
}
END_TEST

/* ---- Ed25519 ---- */

START_TEST(ed25519_random_keys)
{
    struct der der;
    uint8_t seed[32], public_key[32];
    size_t len;

    for (int i = 0; i < 200; i++) {
        RAND_bytes(seed, sizeof(seed));
        memset(seed, 0, (size_t)(i % 33));
        EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
        len = sizeof(public_key);
        ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pkey, public_key, &len), 1);

        ck_assert_int_eq(kw_der_ed25519_public(der_init(&der), KW_BYTES(public_key, 32)), 0);
        assert_public_same(&der.buf, pkey);
        ck_assert_uint_eq(der.buf.len, kw_spec_info(KW_SPEC_ECC_NIST_EDWARDS25519)->public_max);
        ck_assert_int_eq(kw_der_ed25519_private(der_init(&der), KW_BYTES(seed, 32)), 0);
        assert_private_same(&der.buf, pkey);
        ck_assert_uint_eq(der.buf.len, kw_spec_info(KW_SPEC_ECC_NIST_EDWARDS25519)->private_max);
        EVP_PKEY_free(pkey);
    }
}
END_TEST

START_TEST(ed25519_impossible_lengths)
{
    static const uint8_t bytes[64];
    struct der der;

    for (size_t len = 0; len <= sizeof(bytes); len++) {
        ck_assert_int_eq(kw_der_ed25519_public(der_init(&der), KW_BYTES(bytes, len)), len != 32);
        ck_assert_int_eq(kw_der_ed25519_private(der_init(&der), KW_BYTES(bytes, len)), len != 32);
    }
}
END_TEST

/* ---- room ---- */

static int write_kind(struct kw_buf *buf, int kind)
{
    static const uint8_t bytes[] = "\x04 sixty-five bytes that stand for a point and what else is needed";
    static struct rsa_key key;
    struct kw_bytes point = KW_BYTES(bytes, 65), word = KW_BYTES(bytes, 32);

    if (key.len[0] == 0)
        rsa_random(&key, 2048);
    struct kw_der_rsa view = rsa_view(&key);
    switch (kind) {
    case 0:
        return kw_der_rsa_public(buf, view.n, view.e);
    case 1:
        return kw_der_rsa_private(buf, &view);
    case 2:
        return kw_der_ec_public(buf, KW_SPEC_ECC_NIST_P256, point);
    case 3:
        return kw_der_ec_private(buf, KW_SPEC_ECC_SECG_P256K1, word, point);
    case 4:
        return kw_der_ed25519_public(buf, word);
    default:
        return kw_der_ed25519_private(buf, word);
    }
}

static bool untouched(const uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (out[i] != 0xee)
            return false;
    }
    return true;
}

/* Exactly enough room is enough; one byte less, or any less, is refused and nothing is touched. */
START_TEST(room)
{
    struct der der;
    uint8_t out[DER_MAX];

    ck_assert_int_eq(write_kind(der_init(&der), _i), 0);
    for (size_t cap = 0; cap <= der.buf.len; cap++) {
        struct kw_buf buf = KW_BUF(out, cap);
        memset(out, 0xee, sizeof(out));
        ck_assert_int_eq(write_kind(&buf, _i), cap < der.buf.len);
        if (cap == der.buf.len) {
            ck_assert_mem_eq(out, der.bytes, cap);
            ck_assert_uint_eq(out[cap], 0xee);
            continue;
        }
        ck_assert(!kw_buf_ok(&buf));
        ck_assert(untouched(out, sizeof(out)));
    }
}
END_TEST

START_TEST(failed_buffer_stays_failed)
{
    struct der der;

    der_init(&der)->failed = true;
    ck_assert_int_eq(write_kind(&der.buf, _i), 1);
    ck_assert_uint_eq(der.buf.len, 0);
}
END_TEST

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;

    Suite *suite = suite_create("der");
    TCase *tcase = tcase_create("der");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, rsa_random_keys, 0, 3);
    tcase_add_test(tcase, rsa_leading_zeros);
    tcase_add_test(tcase, rsa_length_steps);
    tcase_add_test(tcase, rsa_real_key);
    tcase_add_test(tcase, rsa_impossible_numbers);
    tcase_add_loop_test(tcase, ec_scalars_of_every_length, 0, (int)KW_ARRAY_LEN(ec_specs));
    tcase_add_loop_test(tcase, ec_impossible_lengths, 0, (int)KW_ARRAY_LEN(ec_specs));
    tcase_add_test(tcase, ed25519_random_keys);
    tcase_add_test(tcase, ed25519_impossible_lengths);
    tcase_add_loop_test(tcase, room, 0, 6);
    tcase_add_loop_test(tcase, failed_buffer_stays_failed, 0, 6);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
