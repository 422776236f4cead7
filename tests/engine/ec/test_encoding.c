#include "engine/ec/encoding.h"

#include "engine/crypto.h"
#include "engine/der.h"
#include "tests/support/pairs.h"
#include "tests/support/slow_ec_kernel.h"
#include "tests/support/suite.h"

#include <openssl/rand.h>

struct parts {
    uint8_t secret[KW_CURVE_SECRET_MAX];
    uint8_t point[1 + KW_CURVE_POINT_MAX]; /* with its first octet */
};

static void encode(const struct kw_curve *curve, const struct parts *parts, struct place *place)
{
    struct kw_encoding encoding;

    kw_encoding_init(&encoding, curve);
    kw_encoding_write(&encoding, parts->secret, parts->point + 1, place_init(place));
}

/* What der.h makes of the same key. */
static void check_der(const struct kw_curve *curve, const struct parts *parts, const struct place *place)
{
    uint8_t bytes[2][DER_MAX];
    struct kw_buf bufs[2] = {KW_BUF(bytes[0], DER_MAX), KW_BUF(bytes[1], DER_MAX)};
    struct kw_bytes secret = KW_BYTES(parts->secret, curve->secret_len);
    struct kw_bytes point = KW_BYTES(parts->point, 1 + curve->point_len);

    if (curve->form == KW_CURVE_EDWARDS) {
        ck_assert_int_eq(kw_der_ed25519_public(&bufs[0], KW_BYTES(parts->point + 1, 32)), 0);
        ck_assert_int_eq(kw_der_ed25519_private(&bufs[1], secret), 0);
    } else {
        ck_assert_int_eq(kw_der_ec_public(&bufs[0], curve->spec, point), 0);
        ck_assert_int_eq(kw_der_ec_private(&bufs[1], curve->spec, secret, point), 0);
    }
    ck_assert_uint_eq(place->slot.public_len, bufs[0].len);
    ck_assert_uint_eq(place->slot.private_len, bufs[1].len);
    ck_assert_mem_eq(place->public_der, bytes[0], bufs[0].len);
    ck_assert_mem_eq(place->private_der, bytes[1], bufs[1].len);
    ck_assert(all_bytes(place->public_der + bufs[0].len, DER_MAX - bufs[0].len, FILL));
    ck_assert(all_bytes(place->private_der + bufs[1].len, DER_MAX - bufs[1].len, FILL));
}

START_TEST(same_as_the_general_writer)
{
    const struct kw_curve *curve = kw_curve_of(slow_ec_kernel((unsigned)_i)->spec);
    struct parts parts;
    struct place place;

    for (int kind = 0; kind < 50; kind++) {
        ck_assert_int_eq(RAND_bytes((uint8_t *)&parts, sizeof(parts)), 1);
        if (kind < 4) { /* as in the making of an encoding */
            memset(parts.secret, kind & 1 ? 0xff : 0, sizeof(parts.secret));
            memset(parts.point, kind & 2 ? 0xff : 0, sizeof(parts.point));
        }
        parts.point[0] = 4;
        encode(curve, &parts, &place);
        check_der(curve, &parts, &place);
    }
    /* There is one length of each, and it is what a slot has room for. */
    ck_assert_uint_eq(place.slot.public_len, kw_spec_info(curve->spec)->public_max);
    ck_assert_uint_eq(place.slot.private_len, kw_spec_info(curve->spec)->private_max);
}
END_TEST

/* A key that is one: OpenSSL takes it, and would write the same. */
START_TEST(same_as_openssl)
{
    const struct kw_ec_kernel *kernel = slow_ec_kernel((unsigned)_i);
    const struct kw_curve *curve = kw_curve_of(kernel->spec);
    struct parts parts;
    struct place place;
    void *state = NULL;

    ck_assert_int_eq(kernel->open(&state, kernel, curve, 1, NULL), 0);
    for (int small = 0; small < 2; small++) { /* with leading zeros, and without */
        ck_assert_int_eq(RAND_bytes((uint8_t *)&parts, sizeof(parts)), 1);
        parts.secret[0] = 0;
        if (small)
            memset(parts.secret, 0, curve->secret_len - 2);
        ck_assert_int_eq(kernel->derive(state, 1, parts.secret, parts.point + 1), 0);
        encode(curve, &parts, &place);
        check_pair(curve->spec, &place);
        EVP_PKEY *pkey = load_public(&place);
        uint8_t *again = NULL;
        int len = i2d_PUBKEY(pkey, &again);
        ck_assert_uint_eq((size_t)len, place.slot.public_len);
        ck_assert_mem_eq(again, place.public_der, place.slot.public_len);
        OPENSSL_free(again);
        EVP_PKEY_free(pkey);
    }
    kernel->close(state);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, same_as_the_general_writer, 0, SLOW_EC_KERNELS);
    tcase_add_loop_test(tcase, same_as_openssl, 0, SLOW_EC_KERNELS);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("encoding", add, 100);
}
