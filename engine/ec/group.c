#include "engine/ec/group.h"

#include <openssl/err.h>
#include <openssl/obj_mac.h>

/* SEC 1 section 2.3.3: the octet before X || Y. */
#define UNCOMPRESSED 0x04u

enum number { P, A, B, GX, GY, N, NUMBERS };

struct numbers {
    BIGNUM *number[NUMBERS];
};

static void numbers_free(struct numbers *numbers)
{
    for (size_t i = 0; i < NUMBERS; i++)
        BN_free(numbers->number[i]);
}

/* ---- the two kinds ---- */

static int nid_of(enum kw_spec spec)
{
    switch (spec) {
    case KW_SPEC_ECC_NIST_P256:
        return NID_X9_62_prime256v1;
    case KW_SPEC_ECC_NIST_P384:
        return NID_secp384r1;
    case KW_SPEC_ECC_NIST_P521:
        return NID_secp521r1;
    case KW_SPEC_ECC_SECG_P256K1:
        return NID_secp256k1;
    default:
        return NID_undef;
    }
}

int kw_group_named(EC_GROUP **ret, const struct kw_curve *curve, OSSL_LIB_CTX *libctx)
{
    EC_GROUP *group;

    if (curve != kw_curve_of(curve->spec))
        return kw_group_plain(ret, curve, libctx);
    KW_SSL_PTR(group = EC_GROUP_new_by_curve_name_ex(libctx, NULL, nid_of(curve->spec)));
    *ret = group;
    return 0;
}

/* Into a number that may be secret: it keeps its flags. */
static int set(BIGNUM *ret, const struct kw_curve *curve, const uint64_t *words)
{
    uint8_t bytes[8 * KW_CURVE_WORDS_MAX];
    KW_ERASE_GUARD(bytes);

    kw_words_to_bytes(bytes, 8 * (size_t)curve->num, words, curve->num);
    KW_SSL_PTR(BN_bin2bn(bytes, (int)(8 * curve->num), ret));
    return 0;
}

static int set_numbers(struct numbers *numbers, const struct kw_curve *curve)
{
    const uint64_t *const words[NUMBERS] = {
        [P] = curve->p, [B] = curve->b, [GX] = curve->gx, [GY] = curve->gy, [N] = curve->n};
    BIGNUM *const *number = numbers->number;

    for (size_t i = 0; i < NUMBERS; i++)
        KW_SSL_PTR(numbers->number[i] = BN_new());
    for (size_t i = 0; i < NUMBERS; i++)
        if (words[i] != NULL)
            KW_TRY(set(number[i], curve, words[i]));
    if (curve->form == KW_CURVE_MINUS3) {
        KW_SSL_PTR(BN_copy(number[A], number[P]));
        KW_SSL(BN_sub_word(number[A], 3));
    }
    return 0;
}

int kw_group_plain(EC_GROUP **ret, const struct kw_curve *curve, OSSL_LIB_CTX *libctx)
{
    KW_CLEANUP(numbers_free) struct numbers numbers = {{NULL}};
    KW_CLEANUP(kw_bn_ctx_freep) BN_CTX *ctx = BN_CTX_new_ex(libctx);
    KW_CLEANUP(kw_group_freep) EC_GROUP *group = NULL;
    KW_CLEANUP(kw_point_freep) EC_POINT *base = NULL;
    BIGNUM *const *number = numbers.number;

    kw_assert(curve->form != KW_CURVE_EDWARDS);
    KW_SSL_PTR(ctx);
    KW_TRY(set_numbers(&numbers, curve));
    KW_SSL_PTR(group = EC_GROUP_new_curve_GFp(number[P], number[A], number[B], ctx));
    KW_SSL_PTR(base = EC_POINT_new(group));
    KW_SSL(EC_POINT_set_affine_coordinates(group, base, number[GX], number[GY], ctx));
    KW_SSL(EC_GROUP_set_generator(group, base, number[N], BN_value_one()));
    *ret = group;
    group = NULL;
    return 0;
}

/* ---- points ---- */

int kw_group_write(
    const EC_GROUP *group, const struct kw_curve *curve, const EC_POINT *point, BN_CTX *ctx, uint8_t *ret)
{
    uint8_t bytes[1 + KW_CURVE_POINT_MAX];
    size_t len = 1 + (size_t)curve->point_len;

    if (EC_POINT_is_at_infinity(group, point) == 1) {
        memset(ret, 0, curve->point_len);
        return 0;
    }
    KW_REQUIRE(
        EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, bytes, len, ctx) == len, KW_EOPENSSL);
    memcpy(ret, bytes + 1, curve->point_len);
    return 0;
}

int kw_group_read(
    const EC_GROUP *group, const struct kw_curve *curve, const uint8_t *bytes, BN_CTX *ctx, EC_POINT *ret)
{
    uint8_t octets[1 + KW_CURVE_POINT_MAX];

    octets[0] = UNCOMPRESSED;
    memcpy(octets + 1, bytes, curve->point_len);
    if (EC_POINT_oct2point(group, ret, octets, 1 + (size_t)curve->point_len, ctx) == 1)
        return 0;
    ERR_clear_error();
    return 1;
}

int kw_group_multiply_base(const EC_GROUP *group, const struct kw_curve *curve, OSSL_LIB_CTX *libctx,
    const uint64_t *scalar, uint8_t *ret)
{
    KW_CLEANUP(kw_bn_ctx_freep) BN_CTX *ctx = BN_CTX_secure_new_ex(libctx);
    KW_CLEANUP(kw_point_freep) EC_POINT *point = EC_POINT_new(group);
    KW_CLEANUP(kw_bn_freep) BIGNUM *number = BN_secure_new();

    KW_SSL_PTR(ctx);
    KW_SSL_PTR(point);
    KW_SSL_PTR(number);
    BN_set_flags(number, BN_FLG_CONSTTIME);
    KW_TRY(set(number, curve, scalar));
    KW_SSL(EC_POINT_mul(group, point, NULL, EC_GROUP_get0_generator(group), number, ctx));
    return kw_group_write(group, curve, point, ctx, ret);
}
