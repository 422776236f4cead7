#include "api/keywrap.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static EVP_PKEY *rsa;
static uint8_t *rsa_der;
static size_t rsa_len;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (kw_crypto_init() != 0)
        return 1;
    rsa = EVP_RSA_gen(2048);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(rsa);
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &rsa_der);
    PKCS8_PRIV_KEY_INFO_free(info);
    rsa_len = (size_t)len;
    return len > 0 ? 0 : 1;
}

static size_t wrap_aes_key(const uint8_t key[32], uint8_t *out, size_t cap)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(rsa, NULL);
    size_t len = cap;
    bool ok =
        EVP_PKEY_encrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 && EVP_PKEY_encrypt(ctx, out, &len, key, 32) > 0;

    kw_assert(ok);
    EVP_PKEY_CTX_free(ctx);
    return len;
}

static int unwrap(enum kw_wrapping algorithm, struct kw_bytes wrapped, struct kw_buf *ret)
{
    return kw_keywrap_unwrap(algorithm, KW_BYTES(rsa_der, rsa_len), wrapped, ret);
}

/* Whatever comes: none of it unwraps, since nobody wrapped it. */
static void check_foreign(enum kw_wrapping algorithm, struct kw_bytes wrapped)
{
    uint8_t space[KW_WRAPPED_MAX];
    struct kw_buf buf = KW_BUF(space, sizeof(space));

    int r = unwrap(algorithm, wrapped, &buf);
    kw_assert(r == KW_KEYWRAP_INVALID && buf.len == 0);
}

/* Anything behind a genuine AES key: what AES key wrap authenticates by chance, nobody finds here. */
static void check_tail(struct kw_bytes tail)
{
    static const uint8_t key[32] = "the AES key of the fuzzer.......";
    uint8_t wrapped[KW_WRAPPED_MAX + 1], space[KW_WRAPPED_MAX];
    struct kw_buf buf = KW_BUF(space, sizeof(space));
    size_t len = wrap_aes_key(key, wrapped, sizeof(wrapped)),
           tail_len = KW_MIN(tail.len, sizeof(wrapped) - len);

    if (tail_len > 0)
        memcpy(wrapped + len, tail.ptr, tail_len);
    int r = unwrap(KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256, KW_BYTES(wrapped, len + tail_len), &buf);
    kw_assert(r == KW_KEYWRAP_INVALID && buf.len == 0);
}

/* The first byte says for which spec. RSA is left out: its validation takes too long. */
static void check_material(struct kw_bytes text)
{
    struct kw_asym *key = NULL;

    if (text.len == 0)
        return;
    const enum kw_key_spec spec = (enum kw_key_spec)(text.ptr[0] % KW_KEY_SPEC_NUM);
    if (kw_key_spec_info(spec)->kind == KW_KEY_KIND_RSA)
        return;
    int r = kw_material_check(spec, KW_BYTES(text.ptr + 1, text.len - 1), &key);
    kw_assert(r == 0 || (r == KW_MATERIAL_INVALID && key == NULL));
    kw_asym_unref(key);
}

/* The first byte chooses what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    struct kw_bytes rest = KW_BYTES(data + 1, len - 1);
    switch (data[0] % 4) {
    case 0:
        check_foreign(KW_WRAPPING_RSAES_OAEP_SHA_256, rest);
        break;
    case 1:
        check_foreign(KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_1, rest);
        break;
    case 2:
        check_tail(rest);
        break;
    default:
        check_material(rest);
        break;
    }
    kw_assert(ERR_peek_error() == 0);
    return 0;
}
