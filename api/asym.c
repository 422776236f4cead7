#include "api/asym_internal.h"
#include "pool/secmem.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>

static void pkcs8_freep(PKCS8_PRIV_KEY_INFO **info)
{
    PKCS8_PRIV_KEY_INFO_free(*info);
}

static void der_freep(unsigned char **der)
{
    OPENSSL_free(*der);
}

const EVP_MD *kw_asym_digest(const struct kw_algorithm_info *info)
{
    kw_assert(info->digest != NULL);
    const EVP_MD *digest = EVP_get_digestbyname(info->digest);
    kw_assert(digest != NULL && (size_t)EVP_MD_get_size(digest) == info->digest_len);
    return digest;
}

/* Takes one element off the front of DER. */
struct element {
    int tag, class;
    struct kw_bytes content;
};
static bool take_element(struct kw_bytes *der, struct element *ret)
{
    const unsigned char *at = der->ptr;
    long len;
    const int r = der->len > 0 ? ASN1_get_object(&at, &len, &ret->tag, &ret->class, (long)der->len) : 0x80;

    if ((r & 0x81) != 0) /* malformed, or of indefinite length */
        return false;
    ret->content = KW_BYTES(at, (size_t)len);
    *der = KW_BYTES(at + len, der->len - (size_t)(at - der->ptr) - (size_t)len);
    return true;
}

/* An ECPrivateKey (RFC 5915: version, number, [0] parameters, [1] public key; the last two optional) whose
 * parameters, if there are some once more, are a curve's name. */
static bool names_curve(struct kw_bytes der)
{
    struct element whole, field;
    struct kw_bytes rest;

    if (!take_element(&der, &whole) || whole.tag != V_ASN1_SEQUENCE)
        return false;
    rest = whole.content;
    if (!take_element(&rest, &field) || !take_element(&rest, &field))
        return false;
    if (rest.len == 0)
        return true;
    if (!take_element(&rest, &field) || field.class != V_ASN1_CONTEXT_SPECIFIC)
        return false;
    if (field.tag != 0)
        return true;
    rest = field.content;
    return take_element(&rest, &field) && field.tag == V_ASN1_OBJECT;
}

/* Whether a key is of a kind and in a form that are of use here. Of others OpenSSL works out the public half
 * (DSA, DH) or makes the group (EC with parameters instead of a name) while it reads them: with numbers that
 * a stranger chose that takes a second. */
static bool is_of_use(const PKCS8_PRIV_KEY_INFO *info)
{
    const X509_ALGOR *algorithm = NULL;
    const ASN1_OBJECT *oid = NULL;
    const unsigned char *inner = NULL;
    int inner_len = 0, parameters = V_ASN1_UNDEF;

    if (PKCS8_pkey_get0(NULL, &inner, &inner_len, &algorithm, info) <= 0)
        return false;
    X509_ALGOR_get0(&oid, &parameters, NULL, algorithm);
    switch (OBJ_obj2nid(oid)) {
    case NID_rsaEncryption:
    case NID_ED25519:
        return true;
    case NID_X9_62_id_ecPublicKey:
        return parameters == V_ASN1_OBJECT && names_curve(KW_BYTES(inner, (size_t)inner_len));
    default:
        return false;
    }
}

int kw_asym_parse(struct kw_bytes pkcs8, EVP_PKEY **ret)
{
    const unsigned char *at = pkcs8.ptr;
    KW_CLEANUP(pkcs8_freep) PKCS8_PRIV_KEY_INFO *info = NULL;

    KW_REQUIRE(pkcs8.len > 0 && pkcs8.len <= KW_PRIVATE_KEY_MAX, KW_ASYM_INVALID_KEY);
    info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)pkcs8.len);
    bool is_whole = info != NULL && at == pkcs8.ptr + pkcs8.len;
    EVP_PKEY *pkey = is_whole && is_of_use(info) ? EVP_PKCS82PKEY(info) : NULL;
    ERR_clear_error(); /* a decoder leaves errors of what it tried first, on success too */
    KW_REQUIRE(pkey != NULL, KW_ASYM_INVALID_KEY);
    *ret = pkey;
    return 0;
}

static bool has_curve(const EVP_PKEY *pkey, const char *curve)
{
    char name[64];
    size_t len;
    int is_explicit = 0;

    return EVP_PKEY_get_group_name(pkey, name, sizeof(name), &len) > 0 && strcmp(name, curve) == 0 &&
           EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit) > 0 &&
           !is_explicit;
}

static bool is_of_spec(const EVP_PKEY *pkey, const struct kw_key_spec_info *info)
{
    switch (info->kind) {
    case KW_KEY_KIND_RSA:
        return EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) == (int)info->bits;
    case KW_KEY_KIND_EC:
        return EVP_PKEY_is_a(pkey, "EC") && has_curve(pkey, info->curve);
    case KW_KEY_KIND_SM2:
        return EVP_PKEY_is_a(pkey, "SM2") && has_curve(pkey, info->curve);
    case KW_KEY_KIND_EDDSA:
        return EVP_PKEY_is_a(pkey, "ED25519");
    case KW_KEY_KIND_SYMMETRIC:
    case KW_KEY_KIND_HMAC:
    case KW_KEY_KIND_ML_DSA:
        break;
    }
    return false;
}

/* Points are written in full, whatever form an imported key chose. */
static int put_public(EVP_PKEY *pkey, struct kw_buf *ret)
{
    KW_CLEANUP(der_freep) unsigned char *der = NULL;

    if (EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_is_a(pkey, "SM2"))
        KW_SSL(EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
            OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED));
    int len = i2d_PUBKEY(pkey, &der);
    KW_SSL(len);
    kw_buf_put(ret, der, (size_t)len);
    return kw_buf_ok(ret) ? 0 : -ENOBUFS;
}

int kw_asym_load(struct kw_asym **ret, enum kw_key_spec spec, struct kw_bytes pkcs8)
{
    const struct kw_key_spec_info *info = kw_key_spec_info(spec);
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = NULL;
    KW_SECMEM struct kw_asym *key = NULL;

    KW_REQUIRE(info->curve != NULL || info->kind == KW_KEY_KIND_RSA, KW_ASYM_UNSUPPORTED);
    int r = kw_asym_parse(pkcs8, &pkey);
    KW_REQUIRE(r == 0, r);
    KW_REQUIRE(is_of_spec(pkey, info), KW_ASYM_INVALID_KEY);
    key = kw_secmem_alloc(sizeof(*key));
    KW_REQUIRE(key != NULL, -ENOMEM);
    struct kw_buf public = KW_BUF(key->public, sizeof(key->public));
    r = put_public(pkey, &public);
    ERR_clear_error();
    KW_REQUIRE(r != -ENOBUFS, KW_ASYM_INVALID_KEY); /* an RSA key with an absurd public exponent */
    KW_TRY(r);
    key->public_len = public.len;
    key->spec = spec;
    key->pkey = pkey;
    pkey = NULL;
    atomic_init(&key->refs, 1);
    *ret = key;
    key = NULL;
    return 0;
}

/* The count is not part of what holders of a const key see. */
#define REFS(key) ((_Atomic uint32_t *)(uintptr_t) & (key)->refs)

const struct kw_asym *kw_asym_ref(const struct kw_asym *key)
{
    uint32_t before = atomic_fetch_add_explicit(REFS(key), 1, memory_order_relaxed);

    kw_assert(before > 0 && before < UINT32_MAX);
    return key;
}

void kw_asym_unref(const struct kw_asym *key)
{
    if (key == NULL)
        return;
    uint32_t before = atomic_fetch_sub_explicit(REFS(key), 1, memory_order_acq_rel);
    kw_assert(before > 0);
    if (before > 1)
        return;
    EVP_PKEY_free(key->pkey);
    kw_secmem_free((struct kw_asym *)(uintptr_t)key);
}

enum kw_key_spec kw_asym_spec(const struct kw_asym *key)
{
    return key->spec;
}

struct kw_bytes kw_asym_public(const struct kw_asym *key)
{
    return KW_BYTES(key->public, key->public_len);
}

static int num_bits(EVP_PKEY *pkey, const char *number)
{
    KW_CLEANUP(kw_bn_freep) BIGNUM *value = NULL;

    return EVP_PKEY_get_bn_param(pkey, number, &value) > 0 ? BN_num_bits(value) : 0;
}

/* FIPS 186-5 A.1.1: two primes, each half as long as the modulus. OpenSSL takes others too, but may need
 * many seconds to say so. */
static bool has_balanced_primes(EVP_PKEY *pkey)
{
    int half = EVP_PKEY_get_bits(pkey) / 2;

    return num_bits(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1) == half &&
           num_bits(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2) == half &&
           num_bits(pkey, OSSL_PKEY_PARAM_RSA_FACTOR3) == 0;
}

/* The same: e below 2^256. Public operations, which are not taken for slow, take as long as e is. */
static bool has_short_exponent(EVP_PKEY *pkey)
{
    return num_bits(pkey, OSSL_PKEY_PARAM_RSA_E) <= 256;
}

int kw_asym_check(const struct kw_asym *key)
{
    bool is_rsa = kw_key_spec_info(key->spec)->kind == KW_KEY_KIND_RSA;
    bool usual = !is_rsa || (has_balanced_primes(key->pkey) && has_short_exponent(key->pkey));

    ERR_clear_error();
    KW_REQUIRE(usual, KW_ASYM_INVALID_KEY);
    KW_CLEANUP(kw_pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);

    KW_SSL_PTR(ctx);
    int r = EVP_PKEY_check(ctx);
    ERR_clear_error();
    return r > 0 ? 0 : KW_ASYM_INVALID_KEY;
}

static int put_private(EVP_PKEY *pkey, struct kw_buf *ret)
{
    KW_CLEANUP(der_freep) unsigned char *der = NULL; /* OpenSSL's memory is secret and wiped */
    KW_CLEANUP(pkcs8_freep) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);

    KW_SSL_PTR(info);
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    KW_SSL(len);
    kw_buf_put(ret, der, (size_t)len);
    return kw_buf_ok(ret) ? 0 : -ENOBUFS;
}

int kw_asym_generate_sm2(struct kw_buf *ret_public, struct kw_buf *ret_private)
{
    KW_CLEANUP(kw_pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = NULL;
    const size_t before = ret_public->len;

    KW_SSL_PTR(ctx);
    KW_SSL(EVP_PKEY_keygen_init(ctx));
    KW_SSL(EVP_PKEY_generate(ctx, &pkey));
    int r = put_public(pkey, ret_public);
    if (r == 0)
        r = put_private(pkey, ret_private);
    if (r != 0)
        ret_public->len = before;
    return r;
}
