#include "engine/selftest_checks.h"

#include "engine/crypto.h"
#include "engine/der.h"
#include "engine/pct.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

#define BYTES_MAX 512u  /* n and the signature of an RSA key of up to 4096 bits */
#define DER_MAX   2400u /* a private key of that size */

/* ---- vectors ---- */

struct octets {
    uint8_t bytes[BYTES_MAX];
    size_t len;
};

static struct kw_bytes view(const struct octets *octets)
{
    return KW_BYTES(octets->bytes, octets->len);
}

static void unhex(const char *text, struct octets *ret)
{
    struct kw_bytes digits = kw_bytes_str(text);

    ret->len = digits.len / 2;
    kw_assert(digits.len % 2 == 0 && ret->len <= sizeof(ret->bytes));
    kw_assert(kw_hex_decode(digits, ret->bytes, ret->len) == 0);
}

static bool is(struct kw_bytes seen, const char *expected)
{
    struct octets octets;

    unhex(expected, &octets);
    return kw_bytes_equal(seen, view(&octets));
}

/* ---- DRBG ---- */

static void rand_freep(EVP_RAND **rand)
{
    EVP_RAND_free(*rand);
}

static void rand_ctx_freep(EVP_RAND_CTX **ctx)
{
    EVP_RAND_CTX_free(*ctx);
}

/* A seed source that gives what the vector says. */
static int drbg_source(OSSL_LIB_CTX *libctx, struct octets *entropy, struct octets *nonce, EVP_RAND_CTX **ret)
{
    KW_CLEANUP(rand_freep) EVP_RAND *source = EVP_RAND_fetch(libctx, "TEST-RAND", NULL);
    unsigned strength = 256;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_uint(OSSL_RAND_PARAM_STRENGTH, &strength),
        OSSL_PARAM_construct_octet_string(OSSL_RAND_PARAM_TEST_ENTROPY, entropy->bytes, entropy->len),
        OSSL_PARAM_construct_octet_string(OSSL_RAND_PARAM_TEST_NONCE, nonce->bytes, nonce->len),
        OSSL_PARAM_construct_end(),
    };

    KW_SSL_PTR(source);
    KW_CLEANUP(rand_ctx_freep) EVP_RAND_CTX *ctx = EVP_RAND_CTX_new(source, NULL);
    KW_SSL_PTR(ctx);
    KW_SSL(EVP_RAND_instantiate(ctx, strength, 0, NULL, 0, params));
    *ret = ctx;
    ctx = NULL;
    return 0;
}

int kw_selftest_check_drbg(struct kw_rng *rng, const struct kw_selftest_drbg *vector)
{
    OSSL_LIB_CTX *libctx = kw_rng_libctx(rng);
    KW_CLEANUP(rand_ctx_freep) EVP_RAND_CTX *source = NULL;
    KW_CLEANUP(rand_freep) EVP_RAND *drbg = EVP_RAND_fetch(libctx, "CTR-DRBG", NULL);
    struct octets entropy, nonce, output;
    char cipher[] = "AES-256-CTR";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end(),
    };

    unhex(vector->entropy, &entropy);
    unhex(vector->nonce, &nonce);
    unhex(vector->output, &output);
    KW_TRY(drbg_source(libctx, &entropy, &nonce, &source));
    KW_SSL_PTR(drbg);
    KW_CLEANUP(rand_ctx_freep) EVP_RAND_CTX *ctx = EVP_RAND_CTX_new(drbg, source);
    KW_SSL_PTR(ctx);
    /* NULL for the personalization string would mean OpenSSL's own. */
    KW_SSL(EVP_RAND_instantiate(ctx, 256, 0, (const uint8_t *)"", 0, params));
    for (int request = 0; request < 2; request++)
        KW_SSL(EVP_RAND_generate(ctx, output.bytes, output.len, 256, 0, NULL, 0));
    return is(view(&output), vector->output) ? 0 : KW_SELFTEST_FAILED;
}

/* ---- what the key types share ---- */

/* A pair as DER, and as OpenSSL reads it back. */
struct pair {
    uint8_t public_bytes[DER_MAX];
    uint8_t private_bytes[DER_MAX];
    struct kw_buf public_der;
    struct kw_buf private_der;
    EVP_PKEY *pkey;
};

static void pair_init(struct pair *pair)
{
    pair->public_der = KW_BUF(pair->public_bytes, sizeof(pair->public_bytes));
    pair->private_der = KW_BUF(pair->private_bytes, sizeof(pair->private_bytes));
    pair->pkey = NULL;
}

static void pair_done(struct pair *pair)
{
    EVP_PKEY_free(pair->pkey);
}

static int check_sha256(OSSL_LIB_CTX *libctx, struct kw_bytes data, const char *expected)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t len;

    KW_SSL(EVP_Q_digest(libctx, "SHA256", NULL, data.ptr, data.len, digest, &len));
    return is(KW_BYTES(digest, len), expected) ? 0 : KW_SELFTEST_FAILED;
}

/* Compares both halves and reads the private one. Reading goes by a table of decoders, which the library
 * context builds the first time. */
static int check_der(OSSL_LIB_CTX *libctx, struct pair *pair, const struct kw_selftest_der *expected)
{
    const uint8_t *next = pair->private_der.ptr;
    int result = check_sha256(libctx, kw_buf_bytes(&pair->public_der), expected->public_sha256);

    if (result == 0)
        result = check_sha256(libctx, kw_buf_bytes(&pair->private_der), expected->private_sha256);
    if (result != 0)
        return result;
    pair->pkey = d2i_AutoPrivateKey_ex(NULL, &next, (long)pair->private_der.len, libctx, NULL);
    KW_SSL_PTR(pair->pkey);
    return 0;
}

/* Is the signature good, and a changed one not? */
static int check_verify(OSSL_LIB_CTX *libctx, EVP_PKEY *pkey, const char *digest, struct kw_bytes message,
    struct octets *signature)
{
    KW_CLEANUP(kw_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    KW_SSL_PTR(ctx);
    for (int changed = 0; changed < 2; changed++) {
        signature->bytes[signature->len - 1] ^= (uint8_t)changed;
        KW_SSL(EVP_MD_CTX_reset(ctx));
        KW_SSL(EVP_DigestVerifyInit_ex(ctx, NULL, digest, libctx, NULL, pkey, NULL));
        int good = EVP_DigestVerify(ctx, signature->bytes, signature->len, message.ptr, message.len) == 1;
        KW_REQUIRE(good == !changed, KW_SELFTEST_FAILED);
    }
    return 0;
}

/* Is the signature, which leaves no choice to the signer, the one expected? */
static int check_sign(
    OSSL_LIB_CTX *libctx, EVP_PKEY *pkey, const char *digest, struct kw_bytes message, const char *expected)
{
    KW_CLEANUP(kw_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct octets signature = {.len = sizeof(signature.bytes)};

    KW_SSL_PTR(ctx);
    KW_SSL(EVP_DigestSignInit_ex(ctx, NULL, digest, libctx, NULL, pkey, NULL));
    KW_SSL(EVP_DigestSign(ctx, signature.bytes, &signature.len, message.ptr, message.len));
    KW_REQUIRE(is(view(&signature), expected), KW_SELFTEST_FAILED);
    return check_verify(libctx, pkey, digest, message, &signature);
}

static void pct_freep(struct kw_pct **pct)
{
    kw_pct_free(*pct);
}

static int check_pct(struct kw_rng *rng, enum kw_spec spec, EVP_PKEY *pkey)
{
    KW_CLEANUP(pct_freep) struct kw_pct *pct = NULL;

    KW_TRY(kw_pct_new(&pct, spec, rng));
    int result = kw_pct_run(pct, pkey);
    return result == KW_PCT_FAILED ? KW_SELFTEST_FAILED : result;
}

/* ---- RSA ---- */

static int write_rsa(const struct kw_selftest_rsa *vector, struct pair *pair)
{
    struct octets n, e, d, p, q, dp, dq, qinv;

    unhex(vector->n, &n);
    unhex(vector->e, &e);
    unhex(vector->d, &d);
    unhex(vector->p, &p);
    unhex(vector->q, &q);
    unhex(vector->dp, &dp);
    unhex(vector->dq, &dq);
    unhex(vector->qinv, &qinv);
    struct kw_der_rsa key = {
        view(&n), view(&e), view(&d), view(&p), view(&q), view(&dp), view(&dq), view(&qinv)};
    KW_REQUIRE(kw_der_rsa_public(&pair->public_der, key.n, key.e) == 0, KW_SELFTEST_FAILED);
    KW_REQUIRE(kw_der_rsa_private(&pair->private_der, &key) == 0, KW_SELFTEST_FAILED);
    return 0;
}

int kw_selftest_check_rsa(struct kw_rng *rng, const struct kw_selftest_rsa *vector)
{
    OSSL_LIB_CTX *libctx = kw_rng_libctx(rng);
    KW_CLEANUP(pair_done) struct pair pair;

    pair_init(&pair);
    int result = write_rsa(vector, &pair);
    if (result == 0)
        result = check_der(libctx, &pair, &vector->der);
    if (result == 0)
        result = check_sign(libctx, pair.pkey, "SHA256", kw_bytes_str(vector->message), vector->signature);
    if (result == 0)
        result = check_pct(rng, KW_SPEC_RSA_2048, pair.pkey);
    return result;
}

/* ---- EC ---- */

static void group_freep(EC_GROUP **group)
{
    EC_GROUP_free(*group);
}

static void point_freep(EC_POINT **point)
{
    EC_POINT_free(*point);
}

static int curve_nid(const char *name)
{
    int nid = EC_curve_nist2nid(name);
    return nid != NID_undef ? nid : OBJ_txt2nid(name);
}

/* scalar * G, with the same function that makes keys; ret is 0x04 || x || y. */
static int multiply(OSSL_LIB_CTX *libctx, enum kw_spec spec, const struct octets *scalar, struct octets *ret)
{
    KW_CLEANUP(group_freep)
    EC_GROUP *group = EC_GROUP_new_by_curve_name_ex(libctx, NULL, curve_nid(kw_spec_info(spec)->curve));
    KW_CLEANUP(kw_bn_freep) BIGNUM *number = BN_bin2bn(scalar->bytes, (int)scalar->len, NULL);
    KW_CLEANUP(point_freep) EC_POINT *point = NULL;

    KW_SSL_PTR(group);
    KW_SSL_PTR(number);
    KW_SSL_PTR(point = EC_POINT_new(group));
    KW_SSL(EC_POINT_mul(group, point, number, NULL, NULL, NULL));
    ret->len =
        EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, ret->bytes, sizeof(ret->bytes), NULL);
    KW_SSL(ret->len);
    return 0;
}

static int write_ec(OSSL_LIB_CTX *libctx, const struct kw_selftest_ec *vector, struct pair *pair)
{
    struct octets scalar, point;

    unhex(vector->scalar, &scalar);
    KW_TRY(multiply(libctx, vector->spec, &scalar, &point));
    size_t field_len = point.len / 2;
    KW_REQUIRE(is(KW_BYTES(point.bytes + 1, field_len), vector->x), KW_SELFTEST_FAILED);
    KW_REQUIRE(is(KW_BYTES(point.bytes + 1 + field_len, field_len), vector->y), KW_SELFTEST_FAILED);
    KW_REQUIRE(kw_der_ec_public(&pair->public_der, vector->spec, view(&point)) == 0, KW_SELFTEST_FAILED);
    KW_REQUIRE(kw_der_ec_private(&pair->private_der, vector->spec, view(&scalar), view(&point)) == 0,
        KW_SELFTEST_FAILED);
    return 0;
}

static void signature_freep(ECDSA_SIG **signature)
{
    ECDSA_SIG_free(*signature);
}

/* Ecdsa-Sig-Value (RFC 3279 section 2.2.3). */
static int encode_signature(const struct kw_selftest_ec *vector, struct octets *ret)
{
    KW_CLEANUP(signature_freep) ECDSA_SIG *signature = ECDSA_SIG_new();
    KW_CLEANUP(kw_bn_freep) BIGNUM *r = NULL;
    KW_CLEANUP(kw_bn_freep) BIGNUM *s = NULL;
    uint8_t *next = ret->bytes;

    KW_SSL_PTR(signature);
    KW_SSL(BN_hex2bn(&r, vector->r));
    KW_SSL(BN_hex2bn(&s, vector->s));
    KW_SSL(ECDSA_SIG_set0(signature, r, s));
    r = NULL;
    s = NULL;
    int len = i2d_ECDSA_SIG(signature, &next);
    KW_SSL(len);
    ret->len = (size_t)len;
    return 0;
}

int kw_selftest_check_ec(struct kw_rng *rng, const struct kw_selftest_ec *vector)
{
    OSSL_LIB_CTX *libctx = kw_rng_libctx(rng);
    KW_CLEANUP(pair_done) struct pair pair;
    struct octets signature;

    pair_init(&pair);
    KW_TRY(encode_signature(vector, &signature));
    int result = write_ec(libctx, vector, &pair);
    if (result == 0)
        result = check_der(libctx, &pair, &vector->der);
    if (result == 0)
        result = check_verify(libctx, pair.pkey, vector->digest, kw_bytes_str(vector->message), &signature);
    if (result == 0)
        result = check_pct(rng, vector->spec, pair.pkey);
    return result;
}

/* ---- Ed25519 ---- */

static int write_ed25519(OSSL_LIB_CTX *libctx, const struct kw_selftest_ed25519 *vector, struct pair *pair)
{
    struct octets seed, public_key = {.len = sizeof(public_key.bytes)};

    unhex(vector->seed, &seed);
    KW_CLEANUP(kw_pkey_freep)
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key_ex(libctx, "ED25519", NULL, seed.bytes, seed.len);
    KW_SSL_PTR(pkey);
    KW_SSL(EVP_PKEY_get_raw_public_key(pkey, public_key.bytes, &public_key.len));
    KW_REQUIRE(is(view(&public_key), vector->public_key), KW_SELFTEST_FAILED);
    KW_REQUIRE(kw_der_ed25519_public(&pair->public_der, view(&public_key)) == 0, KW_SELFTEST_FAILED);
    KW_REQUIRE(kw_der_ed25519_private(&pair->private_der, view(&seed)) == 0, KW_SELFTEST_FAILED);
    return 0;
}

int kw_selftest_check_ed25519(struct kw_rng *rng, const struct kw_selftest_ed25519 *vector)
{
    OSSL_LIB_CTX *libctx = kw_rng_libctx(rng);
    KW_CLEANUP(pair_done) struct pair pair;
    struct octets message;

    pair_init(&pair);
    unhex(vector->message, &message);
    int result = write_ed25519(libctx, vector, &pair);
    if (result == 0)
        result = check_der(libctx, &pair, &vector->der);
    if (result == 0)
        result = check_sign(libctx, pair.pkey, NULL, view(&message), vector->signature);
    if (result == 0)
        result = check_pct(rng, KW_SPEC_ECC_NIST_EDWARDS25519, pair.pkey);
    return result;
}
