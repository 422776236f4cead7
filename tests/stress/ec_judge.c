#include "tests/stress/ec_judge.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>

/* Aborts if expr, a call into OpenSSL, does not hold: out of memory, or a mistake of the test. */
#define MUST(expr) kw_assert((expr) > 0)

enum { DER_MAX = 4096, SIGNATURE_MAX = 160, POINT_MAX = 1 + 2 * EC_JUDGE_BYTES_MAX, SEED_LEN = 32 };

struct ec_judge {
    const struct kw_spec_info *info;
    BN_CTX *ctx;
    EC_GROUP *group; /* NULL: Ed25519 */
    EC_POINT *point;
    BIGNUM *d;
};

struct ec_judge *ec_judge_new(enum kw_spec spec)
{
    struct ec_judge *judge = calloc(1, sizeof(*judge));

    kw_assert(judge != NULL);
    judge->info = kw_spec_info(spec);
    MUST((judge->ctx = BN_CTX_new()) != NULL && (judge->d = BN_new()) != NULL);
    if (judge->info->kind == KW_KIND_EC) {
        int nid = EC_curve_nist2nid(judge->info->curve);
        judge->group = EC_GROUP_new_by_curve_name(nid != 0 ? nid : OBJ_txt2nid(judge->info->curve));
        MUST(judge->group != NULL && (judge->point = EC_POINT_new(judge->group)) != NULL);
    }
    return judge;
}

void ec_judge_free(struct ec_judge *judge)
{
    if (judge == NULL)
        return;
    BN_free(judge->d);
    EC_POINT_free(judge->point);
    EC_GROUP_free(judge->group);
    BN_CTX_free(judge->ctx);
    free(judge);
}

/* ---- files ---- */

static EVP_PKEY *read_public(struct kw_bytes der)
{
    const uint8_t *end = der.ptr;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &end, (long)der.len);

    if (pkey != NULL && end == der.ptr + der.len)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

static EVP_PKEY *read_private(struct kw_bytes der)
{
    const uint8_t *end = der.ptr;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &end, (long)der.len);

    if (pkey != NULL && end == der.ptr + der.len)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

static bool same_bytes(const uint8_t *bytes, int len, struct kw_bytes expected)
{
    return len >= 0 && (size_t)len == expected.len && memcmp(bytes, expected.ptr, expected.len) == 0;
}

static bool encodes_as_public(const EVP_PKEY *pkey, struct kw_bytes expected)
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);
    bool same = same_bytes(der, len, expected);

    OPENSSL_free(der);
    return same;
}

static bool encodes_as_private(const EVP_PKEY *pkey, struct kw_bytes expected)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    uint8_t *der = NULL;

    MUST(info != NULL);
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    bool same = same_bytes(der, len, expected);

    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    return same;
}

/* pkey: what OpenSSL makes of the secret. */
static const char *judge_files(const EVP_PKEY *pkey, struct kw_bytes public_der, struct kw_bytes private_der)
{
    EVP_PKEY *read = read_public(public_der);
    bool same = read != NULL && EVP_PKEY_eq(read, pkey) == 1;

    EVP_PKEY_free(read);
    KW_REQUIRE(same, "the public key does not parse, or is not that of the private key");
    KW_REQUIRE(encodes_as_public(pkey, public_der), "the public key is not encoded as OpenSSL does it");
    KW_REQUIRE(encodes_as_private(pkey, private_der), "the private key is not encoded as OpenSSL does it");
    return NULL;
}

/* ---- signatures ---- */

static bool signs(EVP_PKEY *private_key, EVP_PKEY *public_key, const char *digest)
{
    static const uint8_t message[] = "a message";
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[SIGNATURE_MAX];
    size_t len = sizeof(signature);

    MUST(ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, private_key, NULL));
    MUST(EVP_DigestSign(ctx, signature, &len, message, sizeof(message)));
    MUST(EVP_MD_CTX_reset(ctx));
    MUST(EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, public_key, NULL));
    bool good = EVP_DigestVerify(ctx, signature, len, message, sizeof(message)) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

/* ---- Ed25519 ---- */

static const char *judge_seed(const uint8_t *seed, struct kw_bytes public_der, struct kw_bytes private_der)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SEED_LEN);
    EVP_PKEY *public_key = read_public(public_der);

    MUST(pkey != NULL);
    const char *wrong = judge_files(pkey, public_der, private_der);
    if (wrong == NULL && !signs(pkey, public_key, NULL))
        wrong = "a signature is not good";
    EVP_PKEY_free(public_key);
    EVP_PKEY_free(pkey);
    return wrong;
}

static const char *judge_ed25519(const EVP_PKEY *pkey, struct kw_bytes public_der,
    struct kw_bytes private_der, struct ec_judge_numbers *ret)
{
    size_t secret_len = SEED_LEN, point_len = SEED_LEN;

    memset(ret, 0, sizeof(*ret));
    KW_REQUIRE(EVP_PKEY_is_a(pkey, "ED25519") == 1, "the private key is another kind of key");
    MUST(EVP_PKEY_get_raw_private_key(pkey, ret->secret, &secret_len));
    MUST(EVP_PKEY_get_raw_public_key(pkey, ret->point, &point_len));
    ret->odd = ret->point[SEED_LEN - 1] >> 7;
    return judge_seed(ret->secret, public_der, private_der);
}

/* ---- the other curves ---- */

static EVP_PKEY *build(const struct ec_judge *judge)
{
    uint8_t point[POINT_MAX], secret[EC_JUDGE_BYTES_MAX];
    char group[32];
    size_t len = EC_POINT_point2oct(
        judge->group, judge->point, POINT_CONVERSION_UNCOMPRESSED, point, sizeof(point), judge->ctx);
    int secret_len = BN_num_bytes(EC_GROUP_get0_order(judge->group));
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *pkey = NULL;

    snprintf(group, sizeof(group), "%s", judge->info->curve);
    MUST(BN_bn2lebinpad(judge->d, secret, secret_len));
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, len),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, secret, (size_t)secret_len),
        OSSL_PARAM_construct_end(),
    };
    MUST(ctx != NULL && EVP_PKEY_fromdata_init(ctx));
    MUST(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params));
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* G as any point, not as the one that there are tables for. */
static const char *multiply(struct ec_judge *judge)
{
    const BIGNUM *order = EC_GROUP_get0_order(judge->group);

    KW_REQUIRE(!BN_is_zero(judge->d) && !BN_is_negative(judge->d), "d is not above 0");
    KW_REQUIRE(BN_cmp(judge->d, order) < 0, "d is not below n");
    MUST(EC_POINT_mul(
        judge->group, judge->point, NULL, EC_GROUP_get0_generator(judge->group), judge->d, judge->ctx));
    MUST(EC_POINT_is_on_curve(judge->group, judge->point, judge->ctx));
    return NULL;
}

static void tell(const struct ec_judge *judge, struct ec_judge_numbers *ret)
{
    int len = BN_num_bytes(EC_GROUP_get0_order(judge->group));

    memset(ret, 0, sizeof(*ret));
    BN_CTX_start(judge->ctx);
    BIGNUM *x = BN_CTX_get(judge->ctx), *y = BN_CTX_get(judge->ctx);
    MUST(y != NULL && EC_POINT_get_affine_coordinates(judge->group, judge->point, x, y, judge->ctx));
    MUST(BN_bn2lebinpad(judge->d, ret->secret, len));
    MUST(BN_bn2lebinpad(x, ret->point, len));
    ret->odd = BN_is_odd(y);
    BN_CTX_end(judge->ctx);
}

static const char *judge_ec(struct ec_judge *judge, const EVP_PKEY *pkey, struct kw_bytes public_der,
    struct kw_bytes private_der, struct ec_judge_numbers *ret)
{
    const char *wrong;

    KW_REQUIRE(EVP_PKEY_is_a(pkey, "EC") == 1, "the private key is another kind of key");
    MUST(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &judge->d));
    if ((wrong = multiply(judge)) != NULL)
        return wrong;
    EVP_PKEY *built = build(judge);
    wrong = judge_files(built, public_der, private_der);
    EVP_PKEY_free(built);
    if (wrong == NULL)
        tell(judge, ret);
    return wrong;
}

/* ---- pairs ---- */

const char *ec_judge_pair(struct ec_judge *judge, struct kw_bytes public_der, struct kw_bytes private_der,
    struct ec_judge_numbers *ret_numbers)
{
    struct ec_judge_numbers numbers;
    EVP_PKEY *pkey = read_private(private_der);
    const char *wrong;

    KW_REQUIRE(pkey != NULL, "the private key does not parse");
    if (judge->group != NULL)
        wrong = judge_ec(judge, pkey, public_der, private_der, &numbers);
    else
        wrong = judge_ed25519(pkey, public_der, private_der, &numbers);
    EVP_PKEY_free(pkey);
    if (wrong == NULL)
        *ret_numbers = numbers;
    return wrong;
}

const char *ec_judge_slowly(struct ec_judge *judge, struct kw_bytes public_der, struct kw_bytes private_der)
{
    EVP_PKEY *private_key = read_private(private_der), *public_key = read_public(public_der);
    MUST(private_key != NULL && public_key != NULL);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, private_key, NULL);
    bool passes = ctx != NULL && EVP_PKEY_check(ctx) == 1 && EVP_PKEY_pairwise_check(ctx) == 1;
    bool good = signs(private_key, public_key, judge->group != NULL ? "SHA256" : NULL);

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(private_key);
    EVP_PKEY_free(public_key);
    KW_REQUIRE(passes, "EVP_PKEY_check() refuses it");
    KW_REQUIRE(good, "a signature is not good");
    return NULL;
}

/* ---- flipped bits ---- */

static bool refuses(struct ec_judge *judge, struct kw_bytes public_der, struct kw_bytes private_der)
{
    struct ec_judge_numbers numbers;
    bool refused = ec_judge_pair(judge, public_der, private_der, &numbers) != NULL;

    ERR_clear_error();
    return refused;
}

/* A bit of len bytes: the first, the last, or any. */
static size_t any_bit(size_t len, unsigned turn)
{
    uint32_t random;

    MUST(RAND_bytes((uint8_t *)&random, sizeof(random)));
    return turn == 0 ? 0 : turn == 1 ? 8 * len - 8 : random % (8 * len);
}

const char *ec_judge_flips(
    struct ec_judge *judge, struct kw_bytes public_der, struct kw_bytes private_der, unsigned turns)
{
    uint8_t public_copy[DER_MAX], private_copy[DER_MAX];
    struct kw_bytes publics = KW_BYTES(public_copy, public_der.len);
    struct kw_bytes privates = KW_BYTES(private_copy, private_der.len);

    kw_assert(public_der.len <= DER_MAX && private_der.len <= DER_MAX);
    memcpy(public_copy, public_der.ptr, public_der.len);
    memcpy(private_copy, private_der.ptr, private_der.len);
    KW_REQUIRE(!refuses(judge, publics, privates), "this test refuses what it took");
    for (unsigned turn = 0; turn < turns; turn++) {
        size_t bit = any_bit(publics.len, turn);
        public_copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        KW_REQUIRE(refuses(judge, publics, privates), "a flipped bit of the public key fools this test");
        public_copy[bit / 8] ^= (uint8_t)(1 << bit % 8);

        bit = any_bit(privates.len, turn);
        private_copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        KW_REQUIRE(refuses(judge, publics, privates), "a flipped bit of the private key fools this test");
        private_copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    return NULL;
}
