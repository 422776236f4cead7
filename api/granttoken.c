#include "api/granttoken.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define VERSION  1
#define MAC_LEN  32u
#define BODY_LEN (1 + KW_GRANT_ID_LEN + KW_GRANTTOKEN_NONCE)
#define RAW_LEN  (BODY_LEN + MAC_LEN) /* 81: three times 27, so that its base64 has no padding */

static_assert(RAW_LEN % 3 == 0 && RAW_LEN / 3 * 4 < KW_GRANTTOKEN_TEXT_MAX, "no padding, and it fits");

static int make_mac(const uint8_t secret[32], const uint8_t *body, uint8_t out[MAC_LEN])
{
    unsigned len = 0;

    KW_SSL(HMAC(EVP_sha256(), secret, 32, body, BODY_LEN, out, &len) != NULL && len == MAC_LEN);
    return 0;
}

int kw_granttoken_make(const uint8_t secret[32], const uint8_t grant_id[KW_GRANT_ID_LEN],
    const uint8_t nonce[KW_GRANTTOKEN_NONCE], char ret[KW_GRANTTOKEN_TEXT_MAX])
{
    uint8_t raw[RAW_LEN] = {VERSION};

    memcpy(raw + 1, grant_id, KW_GRANT_ID_LEN);
    memcpy(raw + 1 + KW_GRANT_ID_LEN, nonce, KW_GRANTTOKEN_NONCE);
    KW_TRY(make_mac(secret, raw, raw + BODY_LEN));
    EVP_EncodeBlock((unsigned char *)ret, raw, RAW_LEN); /* ends with a NUL */
    for (char *c = ret; *c != '\0'; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    return 0;
}

int kw_granttoken_parse(const uint8_t secret[32], struct kw_bytes text, uint8_t ret_grant_id[KW_GRANT_ID_LEN])
{
    uint8_t plain[RAW_LEN / 3 * 4], raw[RAW_LEN], mac[MAC_LEN];
    size_t len = 0;

    KW_REQUIRE(text.len == sizeof(plain), KW_GRANTTOKEN_INVALID);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        KW_REQUIRE(c != '+' && c != '/', KW_GRANTTOKEN_INVALID);
        plain[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    KW_REQUIRE(kw_base64_decode(KW_BYTES(plain, sizeof(plain)), raw, sizeof(raw), &len) == 0 &&
                   len == RAW_LEN && raw[0] == VERSION,
        KW_GRANTTOKEN_INVALID);
    KW_REQUIRE(make_mac(secret, raw, mac) == 0 && CRYPTO_memcmp(mac, raw + BODY_LEN, MAC_LEN) == 0,
        KW_GRANTTOKEN_INVALID);
    memcpy(ret_grant_id, raw + 1, KW_GRANT_ID_LEN);
    return 0;
}
