#include "api/granttoken.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

/* The seeds are made under it. */
static const uint8_t secret[32] = "a secret of one keystore's own..";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return kw_crypto_init();
}

/* A grant id and a nonce in, a token out; and whatever else it may be, text that is taken is a token that
 * could have been made: byte for byte, of the grant that it names. */
static void check_made(const uint8_t *data)
{
    char token[KW_GRANTTOKEN_TEXT_MAX];
    uint8_t found[KW_GRANT_ID_LEN];

    kw_assert(kw_granttoken_make(secret, data, data + KW_GRANT_ID_LEN, token) == 0);
    kw_assert(kw_granttoken_parse(secret, kw_bytes_str(token), found) == 0);
    kw_assert(memcmp(found, data, sizeof(found)) == 0);
}

static void check_taken(struct kw_bytes text)
{
    uint8_t grant_id[KW_GRANT_ID_LEN], raw[81], plain[108];
    char again[KW_GRANTTOKEN_TEXT_MAX];
    size_t len = 0;

    if (kw_granttoken_parse(secret, text, grant_id) != 0)
        return;
    kw_assert(text.len == sizeof(plain));
    for (size_t i = 0; i < text.len; i++)
        plain[i] = text.ptr[i] == '-' ? '+' : text.ptr[i] == '_' ? '/' : text.ptr[i];
    kw_assert(kw_base64_decode(KW_BYTES(plain, sizeof(plain)), raw, sizeof(raw), &len) == 0);
    kw_assert(kw_granttoken_make(secret, grant_id, raw + 1 + KW_GRANT_ID_LEN, again) == 0);
    kw_assert(kw_bytes_equal(kw_bytes_str(again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len >= KW_GRANT_ID_LEN + KW_GRANTTOKEN_NONCE)
        check_made(data);
    check_taken(KW_BYTES(data, len));
    return 0;
}
