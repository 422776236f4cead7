#include "api/asym.h"
#include "api/keywrap.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/err.h>

/* Keys that are always the same, as PKCS#8 with the scalar 0x0101...01. */
#define SCALAR 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
#define KEY(...)                                                                                             \
    {                                                                                                        \
        0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, __VA_ARGS__, 4,     \
            0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20, SCALAR                                                       \
    }
static const uint8_t p256_der[] = KEY(0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7);
static const uint8_t sm2_der[] = KEY(0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d);
static struct kw_asym *p256, *sm2;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (kw_crypto_init() != 0)
        return 1;
    int r = kw_asym_load(&p256, KW_KEY_ECC_NIST_P256, KW_BYTES(p256_der, sizeof(p256_der)));
    return r != 0 ? r : kw_asym_load(&sm2, KW_KEY_SM2, KW_BYTES(sm2_der, sizeof(sm2_der)));
}

/* The first byte says of which spec the key should be. */
static void check_load(struct kw_bytes text)
{
    struct kw_asym *key = NULL;

    if (text.len == 0)
        return;
    const enum kw_key_spec spec = (enum kw_key_spec)(text.ptr[0] % KW_KEY_SPEC_NUM);
    int r = kw_asym_load(&key, spec, KW_BYTES(text.ptr + 1, text.len - 1));
    kw_assert(r == 0 || r == KW_ASYM_INVALID_KEY || r == KW_ASYM_UNSUPPORTED);
    kw_assert((r == 0) == (key != NULL));
    if (r != 0)
        return;
    kw_assert(kw_asym_public(key).len > 0 && kw_asym_spec(key) == spec);
    if (kw_key_spec_info(spec)->kind != KW_KEY_KIND_RSA) { /* whose validation takes too long */
        r = kw_asym_check(key);
        kw_assert(r == 0 || r == KW_ASYM_INVALID_KEY);
    }
    kw_asym_unref(key);
}

static void check_peer(const struct kw_asym *key, struct kw_bytes peer)
{
    uint8_t space[KW_SHARED_SECRET_MAX];
    struct kw_buf buf = KW_BUF(space, sizeof(space));

    int r = kw_asym_derive(key, peer, &buf);
    kw_assert(r == 0 ? buf.len == 32 : r == KW_ASYM_BAD_PEER && buf.len == 0);
}

static void check_verify(const struct kw_asym *key, enum kw_algorithm algorithm, struct kw_bytes signature)
{
    int r = kw_asym_verify(key, algorithm, KW_MESSAGE_RAW, KW_LIT("attack at dawn"), signature);
    kw_assert(r == 0 || r == KW_ASYM_BAD_SIGNATURE);
}

static void check_sm2(struct kw_bytes ciphertext)
{
    uint8_t space[KW_WRAPPED_MAX];
    struct kw_buf buf = KW_BUF(space, sizeof(space));

    int r = kw_asym_decrypt(sm2, KW_ALG_SM2PKE, ciphertext, &buf);
    kw_assert(r == 0 || (r == KW_ASYM_BAD_CIPHERTEXT && buf.len == 0));
    buf.len = 0;
    r = kw_keywrap_unwrap(KW_WRAPPING_SM2PKE, KW_BYTES(sm2_der, sizeof(sm2_der)), ciphertext, &buf);
    kw_assert(r == 0 || (r == KW_KEYWRAP_INVALID && buf.len == 0));
}

/* The first byte chooses what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    struct kw_bytes rest = KW_BYTES(data + 1, len - 1);
    switch (data[0] % 6) {
    case 0:
        check_load(rest);
        break;
    case 1:
        check_peer(p256, rest);
        break;
    case 2:
        check_peer(sm2, rest);
        break;
    case 3:
        check_verify(p256, KW_ALG_ECDSA_SHA_256, rest);
        break;
    case 4:
        check_verify(sm2, KW_ALG_SM2DSA, rest);
        break;
    default:
        check_sm2(rest);
        break;
    }
    kw_assert(ERR_peek_error() == 0);
    return 0;
}
