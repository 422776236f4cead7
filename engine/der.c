#include "engine/der.h"

#include "engine/words.h"

#include <assert.h>

/* ITU-T X.690: the identifier octets used here. */
enum {
    TAG_INTEGER = 0x02,
    TAG_BIT_STRING = 0x03,
    TAG_OCTET_STRING = 0x04,
    TAG_SEQUENCE = 0x30,
    TAG_CONTEXT_1 = 0xa1, /* constructed */
};

/* The longest integer taken: RSA moduli of twice the largest spec. With it every length here fits two octets.
 */
#define INTEGER_MAX          1024u
#define RSA_PRIVATE_INTEGERS 8

static_assert((RSA_PRIVATE_INTEGERS + 1) * (INTEGER_MAX + 8) < 65536, "a length in two octets holds any key");

#define ED25519_LEN 32u

/* AlgorithmIdentifiers, encoded. RSA: rsaEncryption and NULL (RFC 3279 section 2.3.1). */
#define ALGORITHM_RSA KW_LIT("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00")
/* id-Ed25519 without parameters (RFC 8410 section 3). */
#define ALGORITHM_ED25519 KW_LIT("\x30\x05\x06\x03\x2b\x65\x70")
/* id-ecPublicKey and the named curve (RFC 5480 section 2.1.1). */
#define ALGORITHM_P256                                                                                       \
    KW_LIT("\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")
#define ALGORITHM_P384   KW_LIT("\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22")
#define ALGORITHM_P521   KW_LIT("\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23")
#define ALGORITHM_P256K1 KW_LIT("\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a")

static struct kw_bytes ec_algorithm(enum kw_spec spec)
{
    switch (spec) {
    case KW_SPEC_ECC_NIST_P256:
        return ALGORITHM_P256;
    case KW_SPEC_ECC_NIST_P384:
        return ALGORITHM_P384;
    case KW_SPEC_ECC_NIST_P521:
        return ALGORITHM_P521;
    default:
        kw_assert(spec == KW_SPEC_ECC_SECG_P256K1);
        return ALGORITHM_P256K1;
    }
}

static size_t field_len(enum kw_spec spec)
{
    return (kw_spec_info(spec)->bits + 7) / 8;
}

/* Octets of a whole element whose content has len octets: identifier, definite length, content. */
static size_t element_len(size_t len)
{
    return 1 + (len < 0x80 ? 1 : len < 0x100 ? 2 : 3) + len;
}

static void put_header(struct kw_buf *buf, uint8_t tag, size_t len)
{
    kw_assert(len < 65536);
    kw_buf_put_u8(buf, tag);
    if (len >= 0x100) {
        kw_buf_put_u8(buf, 0x82);
        kw_buf_put_u8(buf, (uint8_t)(len >> 8));
    } else if (len >= 0x80) {
        kw_buf_put_u8(buf, 0x81);
    }
    kw_buf_put_u8(buf, (uint8_t)len);
}

/* How long a DER integer is says how many octets of it are 0, and what its top bit is. Whoever sees the
 * length of an encrypted key sees the sum, and there is no other encoding. */
static bool begins_with_zero(struct kw_bytes magnitude)
{
    bool zero = magnitude.ptr[0] == 0;

    kw_declassify(&zero, sizeof(zero));
    return zero;
}
static uint8_t top_bit(struct kw_bytes magnitude)
{
    uint8_t bit = magnitude.ptr[0] >> 7;

    kw_declassify(&bit, sizeof(bit));
    return bit;
}

/* Leading zeros are no part of a DER integer. */
static struct kw_bytes strip(struct kw_bytes magnitude)
{
    while (magnitude.len > 0 && begins_with_zero(magnitude)) {
        magnitude.ptr++;
        magnitude.len--;
    }
    return magnitude;
}

/* A number of an RSA key is never zero, so it keeps at least one octet; and one too long is no RSA key of
 * ours. */
static bool possible(struct kw_bytes stripped)
{
    return stripped.len > 0 && stripped.len <= INTEGER_MAX;
}

/* Content octets of a stripped, positive integer: one zero more if its top bit would read as a sign. */
static size_t integer_len(struct kw_bytes stripped)
{
    return stripped.len + top_bit(stripped);
}

static void put_integer(struct kw_buf *buf, struct kw_bytes stripped)
{
    put_header(buf, TAG_INTEGER, integer_len(stripped));
    if (top_bit(stripped))
        kw_buf_put_u8(buf, 0);
    kw_buf_put_bytes(buf, stripped);
}

/* One of the small numbers that say which version a structure has. */
static void put_version(struct kw_buf *buf, uint8_t version)
{
    put_header(buf, TAG_INTEGER, 1);
    kw_buf_put_u8(buf, version);
}
#define VERSION_LEN 3u

/* A failed write leaves no part of a key behind: what does not fit as a whole is not begun. */
static bool fits(struct kw_buf *buf, size_t len)
{
    if (!buf->failed && buf->cap - buf->len < len)
        buf->failed = true;
    return !buf->failed;
}

/* The outside of SubjectPublicKeyInfo (RFC 5280 section 4.1): all but the key_len octets of the key, which
 * the caller writes next. */
static int open_public(struct kw_buf *buf, struct kw_bytes algorithm, size_t key_len)
{
    size_t len = algorithm.len + element_len(1 + key_len);

    KW_REQUIRE(fits(buf, element_len(len)), 1);
    put_header(buf, TAG_SEQUENCE, len);
    kw_buf_put_bytes(buf, algorithm);
    put_header(buf, TAG_BIT_STRING, 1 + key_len);
    kw_buf_put_u8(buf, 0); /* no unused bits */
    return 0;
}

/* The outside of PrivateKeyInfo, version 0 (RFC 5208 section 5). */
static int open_private(struct kw_buf *buf, struct kw_bytes algorithm, size_t key_len)
{
    size_t len = VERSION_LEN + algorithm.len + element_len(key_len);

    KW_REQUIRE(fits(buf, element_len(len)), 1);
    put_header(buf, TAG_SEQUENCE, len);
    put_version(buf, 0);
    kw_buf_put_bytes(buf, algorithm);
    put_header(buf, TAG_OCTET_STRING, key_len);
    return 0;
}

int kw_der_rsa_public(struct kw_buf *buf, struct kw_bytes n, struct kw_bytes e)
{
    n = strip(n);
    e = strip(e);
    KW_REQUIRE(possible(n) && possible(e), 1);

    size_t len = element_len(integer_len(n)) + element_len(integer_len(e));
    KW_REQUIRE(open_public(buf, ALGORITHM_RSA, element_len(len)) == 0, 1);
    put_header(buf, TAG_SEQUENCE, len);
    put_integer(buf, n);
    put_integer(buf, e);
    return !kw_buf_ok(buf);
}

int kw_der_rsa_private(struct kw_buf *buf, const struct kw_der_rsa *key)
{
    /* RFC 8017 A.1.2: the order of RSAPrivateKey. */
    struct kw_bytes integers[RSA_PRIVATE_INTEGERS] = {
        strip(key->n),
        strip(key->e),
        strip(key->d),
        strip(key->p),
        strip(key->q),
        strip(key->dp),
        strip(key->dq),
        strip(key->qinv),
    };
    size_t len = VERSION_LEN;

    for (size_t i = 0; i < RSA_PRIVATE_INTEGERS; i++) {
        KW_REQUIRE(possible(integers[i]), 1);
        len += element_len(integer_len(integers[i]));
    }
    KW_REQUIRE(open_private(buf, ALGORITHM_RSA, element_len(len)) == 0, 1);
    put_header(buf, TAG_SEQUENCE, len);
    put_version(buf, 0); /* two primes */
    for (size_t i = 0; i < RSA_PRIVATE_INTEGERS; i++)
        put_integer(buf, integers[i]);
    return !kw_buf_ok(buf);
}

int kw_der_ec_public(struct kw_buf *buf, enum kw_spec spec, struct kw_bytes point)
{
    KW_REQUIRE(point.len == 1 + 2 * field_len(spec), 1);
    KW_REQUIRE(open_public(buf, ec_algorithm(spec), point.len) == 0, 1);
    kw_buf_put_bytes(buf, point);
    return !kw_buf_ok(buf);
}

/* ECPrivateKey (RFC 5915 section 3) without its parameters: the AlgorithmIdentifier names the curve. */
int kw_der_ec_private(struct kw_buf *buf, enum kw_spec spec, struct kw_bytes scalar, struct kw_bytes point)
{
    KW_REQUIRE(scalar.len == field_len(spec) && point.len == 1 + 2 * field_len(spec), 1);

    size_t bits_len = element_len(1 + point.len);
    size_t len = VERSION_LEN + element_len(scalar.len) + element_len(bits_len);
    KW_REQUIRE(open_private(buf, ec_algorithm(spec), element_len(len)) == 0, 1);
    put_header(buf, TAG_SEQUENCE, len);
    put_version(buf, 1);
    put_header(buf, TAG_OCTET_STRING, scalar.len);
    kw_buf_put_bytes(buf, scalar);
    put_header(buf, TAG_CONTEXT_1, bits_len);
    put_header(buf, TAG_BIT_STRING, 1 + point.len);
    kw_buf_put_u8(buf, 0);
    kw_buf_put_bytes(buf, point);
    return !kw_buf_ok(buf);
}

int kw_der_ed25519_public(struct kw_buf *buf, struct kw_bytes public_key)
{
    KW_REQUIRE(public_key.len == ED25519_LEN, 1);
    KW_REQUIRE(open_public(buf, ALGORITHM_ED25519, public_key.len) == 0, 1);
    kw_buf_put_bytes(buf, public_key);
    return !kw_buf_ok(buf);
}

/* CurvePrivateKey is an OCTET STRING inside the OCTET STRING (RFC 8410 section 7). */
int kw_der_ed25519_private(struct kw_buf *buf, struct kw_bytes seed)
{
    KW_REQUIRE(seed.len == ED25519_LEN, 1);
    KW_REQUIRE(open_private(buf, ALGORITHM_ED25519, element_len(seed.len)) == 0, 1);
    put_header(buf, TAG_OCTET_STRING, seed.len);
    kw_buf_put_bytes(buf, seed);
    return !kw_buf_ok(buf);
}
