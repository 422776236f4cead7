#include "engine/ec/encoding.h"

#include "engine/der.h"

/* SEC 1 section 2.3.3: the first octet of a point that is not compressed. */
#define UNCOMPRESSED 0x04u

static int write_public(struct kw_buf *buf, const struct kw_curve *curve, const uint8_t *point)
{
    if (curve->form == KW_CURVE_EDWARDS)
        return kw_der_ed25519_public(buf, KW_BYTES(point + 1, curve->point_len));
    return kw_der_ec_public(buf, curve->spec, KW_BYTES(point, 1 + curve->point_len));
}

static int write_private(
    struct kw_buf *buf, const struct kw_curve *curve, const uint8_t *secret, const uint8_t *point)
{
    if (curve->form == KW_CURVE_EDWARDS)
        return kw_der_ed25519_private(buf, KW_BYTES(secret, curve->secret_len));
    return kw_der_ec_private(
        buf, curve->spec, KW_BYTES(secret, curve->secret_len), KW_BYTES(point, 1 + curve->point_len));
}

/* An encoding of a pair all of whose octets are the one given. */
static void make(
    struct kw_encoding *encoding, const struct kw_curve *curve, uint8_t of_secret, uint8_t of_point)
{
    struct kw_buf public_buf = KW_BUF(encoding->public_der, sizeof(encoding->public_der));
    struct kw_buf private_buf = KW_BUF(encoding->private_der, sizeof(encoding->private_der));
    uint8_t secret[KW_CURVE_SECRET_MAX], point[1 + KW_CURVE_POINT_MAX];

    memset(secret, of_secret, sizeof(secret));
    memset(point, of_point, sizeof(point));
    point[0] = UNCOMPRESSED;
    kw_assert(write_public(&public_buf, curve, point) == 0);
    kw_assert(write_private(&private_buf, curve, secret, point) == 0);
    encoding->public_len = public_buf.len;
    encoding->private_len = private_buf.len;
}

/* Where a part of len octets begins: there and only there the encodings of two keys differ in every octet. */
static size_t place_of(const uint8_t *a, const uint8_t *b, size_t encoding_len, size_t len)
{
    size_t begin = 0, end = encoding_len;

    while (begin < end && a[begin] == b[begin])
        begin++;
    while (end > begin && a[end - 1] == b[end - 1])
        end--;
    kw_assert(end - begin == len);
    return begin;
}

void kw_encoding_init(struct kw_encoding *ret, const struct kw_curve *curve)
{
    struct kw_encoding other;
    size_t secret_len = curve->secret_len, point_len = curve->point_len;

    *ret = (struct kw_encoding){.secret_len = secret_len, .point_len = point_len};
    make(ret, curve, 0, 0);
    make(&other, curve, 0, 0xff);
    ret->public_point = place_of(ret->public_der, other.public_der, ret->public_len, point_len);
    if (curve->form != KW_CURVE_EDWARDS)
        ret->private_point = place_of(ret->private_der, other.private_der, ret->private_len, point_len);
    make(&other, curve, 0xff, 0);
    ret->private_secret = place_of(ret->private_der, other.private_der, ret->private_len, secret_len);
}

void kw_encoding_write(
    const struct kw_encoding *encoding, const uint8_t *secret, const uint8_t *point, struct kw_slot *slot)
{
    memcpy(slot->public_der, encoding->public_der, encoding->public_len);
    memcpy(slot->public_der + encoding->public_point, point, encoding->point_len);
    slot->public_len = encoding->public_len;

    memcpy(slot->private_der, encoding->private_der, encoding->private_len);
    memcpy(slot->private_der + encoding->private_secret, secret, encoding->secret_len);
    if (encoding->private_point != 0)
        memcpy(slot->private_der + encoding->private_point, point, encoding->point_len);
    slot->private_len = encoding->private_len;
}
