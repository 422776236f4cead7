/* group - our curves as OpenSSL knows them, for the portable kernels.
 *
 * A named group has whatever fast code OpenSSL brings for the curve (3.0: tables of multiples of G for P-256
 * and P-521). A plain one is made of the curve's numbers and runs the code for any curve: another way to the
 * same points.
 *
 * A group is constant once it is made. Functions that compute take what they need by themselves and leave
 * nothing behind but what OpenSSL leaves on the stack.
 */
#ifndef KW_ENGINE_EC_GROUP_H
#define KW_ENGINE_EC_GROUP_H

#include "engine/crypto.h"
#include "engine/ec/curve.h"

#include <openssl/ec.h>

/* kw_group_named() - OpenSSL's own where the curve is kw_curve_of() its spec; a plain one where it is
 * another. In: a Weierstrass curve; libctx, borrowed, NULL for the default one. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_group_named(EC_GROUP **ret, const struct kw_curve *curve, OSSL_LIB_CTX *libctx);
KW_MUST_CHECK int kw_group_plain(EC_GROUP **ret, const struct kw_curve *curve, OSSL_LIB_CTX *libctx);

/* kw_group_multiply_base() - scalar G, with G as a point like any other: no table of its multiples is used.
 * In: libctx, whose random numbers blind it; scalar, curve->num words, below n. Out: ret, X || Y; zeros for
 * the neutral element. Secret: scalar. Time: as OpenSSL's for private keys. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_group_multiply_base(const EC_GROUP *group, const struct kw_curve *curve,
    OSSL_LIB_CTX *libctx, const uint64_t *scalar, uint8_t *ret);

/* X || Y, or zeros for the neutral element. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_group_write(
    const EC_GROUP *group, const struct kw_curve *curve, const EC_POINT *point, BN_CTX *ctx, uint8_t *ret);
/* kw_group_read() - the point of X || Y. Returns: 0 | 1 (X or Y is not below p, or they are no point of the
 * curve) */
KW_MUST_CHECK int kw_group_read(
    const EC_GROUP *group, const struct kw_curve *curve, const uint8_t *bytes, BN_CTX *ctx, EC_POINT *ret);

static inline void kw_bn_ctx_freep(BN_CTX **ctx)
{
    BN_CTX_free(*ctx);
}
static inline void kw_point_freep(EC_POINT **point)
{
    EC_POINT_clear_free(*point);
}
static inline void kw_group_freep(EC_GROUP **group)
{
    EC_GROUP_free(*group);
}

#endif
