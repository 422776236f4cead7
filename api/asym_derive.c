#include "api/asym_internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>

static void group_freep(EC_GROUP **group)
{
    EC_GROUP_free(*group);
}

static void point_freep(EC_POINT **point)
{
    EC_POINT_clear_free(*point);
}

/* The point of a peer's SubjectPublicKeyInfo. Of one curve, all with an uncompressed point are equal up to
 * the point, so the key's own one says what the peer's has to be. */
static int point_of(const struct kw_asym *key, struct kw_bytes peer, struct kw_bytes *ret)
{
    const size_t field_len = (kw_key_spec_info(key->spec)->bits + 7) / 8, point_len = 1 + 2 * field_len;

    kw_assert(key->public_len > point_len);
    const size_t prefix_len = key->public_len - point_len;
    KW_REQUIRE(peer.len == key->public_len, KW_ASYM_BAD_PEER);
    /* With the 0x04 that begins an uncompressed point. */
    KW_REQUIRE(memcmp(peer.ptr, key->public, prefix_len + 1) == 0, KW_ASYM_BAD_PEER);
    *ret = KW_BYTES(peer.ptr + prefix_len, point_len);
    return 0;
}

/* Writes the x coordinate of scalar * point in as many bytes as the field has. With one scalar and a point
 * that is not the generator, EC_POINT_mul() takes the same ladder in constant time as OpenSSL's own ECDH,
 * which refuses keys on SM2's curve; hence not EVP_PKEY_derive(). */
static int multiply(
    const EC_GROUP *group, const BIGNUM *scalar, const EC_POINT *point, uint8_t *out, size_t len)
{
    KW_CLEANUP(point_freep) EC_POINT *product = EC_POINT_new(group);
    KW_CLEANUP(kw_bn_freep) BIGNUM *x = BN_new();

    KW_SSL_PTR(product);
    KW_SSL_PTR(x);
    KW_SSL(EC_POINT_mul(group, product, NULL, point, scalar, NULL));
    KW_SSL(EC_POINT_get_affine_coordinates(group, product, x, NULL, NULL)); /* fails at infinity */
    KW_REQUIRE(BN_bn2binpad(x, out, (int)len) == (int)len, KW_EOPENSSL);
    return 0;
}

static int derive(const struct kw_asym *key, struct kw_bytes encoded, uint8_t *out, size_t len)
{
    const char *curve = kw_key_spec_info(key->spec)->curve;
    KW_CLEANUP(group_freep) EC_GROUP *group = EC_GROUP_new_by_curve_name(OBJ_sn2nid(curve));
    KW_CLEANUP(point_freep) EC_POINT *point = NULL;
    KW_CLEANUP(kw_bn_freep) BIGNUM *scalar = NULL;

    KW_SSL_PTR(group);
    point = EC_POINT_new(group);
    KW_SSL_PTR(point);
    /* Checks coordinates below the field's prime, and the equation of the curve; with cofactor 1 that is all
     * of SP 800-56A 5.6.2.3.3. */
    if (EC_POINT_oct2point(group, point, encoded.ptr, encoded.len, NULL) <= 0) {
        ERR_clear_error();
        return KW_ASYM_BAD_PEER;
    }
    KW_SSL(EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &scalar));
    BN_set_flags(scalar, BN_FLG_CONSTTIME);
    return multiply(group, scalar, point, out, len);
}

int kw_asym_derive(const struct kw_asym *key, struct kw_bytes peer, struct kw_buf *ret_secret)
{
    const size_t len = (kw_key_spec_info(key->spec)->bits + 7) / 8;
    uint8_t out[KW_SHARED_SECRET_MAX];
    KW_ERASE_GUARD(out);
    struct kw_bytes point;

    KW_REQUIRE(kw_key_spec_has(key->spec, KW_ALG_ECDH), KW_ASYM_MISMATCH);
    kw_assert(len <= sizeof(out));
    int r = point_of(key, peer, &point);
    KW_REQUIRE(r == 0, r);
    r = derive(key, point, out, len);
    KW_REQUIRE(r == 0, r);
    kw_buf_put(ret_secret, out, len);
    return kw_buf_ok(ret_secret) ? 0 : -ENOBUFS;
}
