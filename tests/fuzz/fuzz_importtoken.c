#include "api/importtoken.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

#define NOW_MS      INT64_C(1800000000000)
#define ARN         "arn:aws:kms:us-east-1:000000000000:key/00112233-4455-6677-8899-aabbccddeeff"
#define PRIVATE_KEY KW_LIT("the private half of a pair")

static struct kw_wrapper *wrapper;
static const uint8_t secret[32] = "the secret that seals tokens...";
static const uint8_t key_id[KW_KMS_KEY_ID_LEN] = "0123456789abcde";
static struct kw_importtoken_seal seal = {.secret = secret, .key_id = key_id, .arn = ARN};

/* The one token that is genuine. */
static uint8_t genuine_bytes[KW_IMPORTTOKEN_MAX];
static size_t genuine_len;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct kw_importtoken token = {.algorithm = KW_WRAPPING_RSAES_OAEP_SHA_256,
        .wrapping_key = KW_KEY_RSA_2048,
        .expires_ms = NOW_MS + 1,
        .private_key = PRIVATE_KEY};
    struct kw_buf buf = KW_BUF(genuine_bytes, sizeof(genuine_bytes));

    (void)argc;
    (void)argv;
    if (kw_crypto_init() != 0 || kw_wrapper_new(&wrapper) != 0)
        return 1;
    seal.wrapper = wrapper;
    if (kw_importtoken_make(&seal, &token, &buf) != 0)
        return 1;
    genuine_len = buf.len;
    return 0;
}

/* The genuine token opens; nothing else ever does. */
static void check_open(struct kw_bytes text)
{
    uint8_t space[KW_IMPORTTOKEN_MAX];
    struct kw_buf buf = KW_BUF(space, sizeof(space));
    struct kw_importtoken token;
    bool genuine = kw_bytes_equal(text, KW_BYTES(genuine_bytes, genuine_len));
    int r = kw_importtoken_open(&seal, text, NOW_MS, &buf, &token);

    kw_assert(r == (genuine ? 0 : KW_IMPORTTOKEN_INVALID));
    kw_assert(genuine ? kw_bytes_equal(token.private_key, PRIVATE_KEY) : buf.len == 0);
}

/* The genuine token, changed at up to len / 2 places: a place and what is added to its bits. */
static void check_changed(struct kw_bytes edits)
{
    uint8_t bytes[sizeof(genuine_bytes)];

    memcpy(bytes, genuine_bytes, genuine_len);
    for (size_t i = 0; i + 1 < edits.len; i += 2)
        bytes[edits.ptr[i] % genuine_len] ^= edits.ptr[i + 1];
    check_open(KW_BYTES(bytes, genuine_len));
}

/* What parses is within bounds and says all that there was. */
static void check_parse(struct kw_bytes plain)
{
    struct kw_importtoken token;

    if (kw_importtoken_parse(plain, &token) != 0)
        return;
    kw_assert(token.private_key.len == plain.len - KW_IMPORTTOKEN_HEAD_LEN && token.private_key.len > 0);
    kw_assert(token.private_key.ptr == plain.ptr + KW_IMPORTTOKEN_HEAD_LEN);
    kw_assert(token.private_key.len <= KW_PRIVATE_KEY_MAX && token.expires_ms >= 0);
    kw_assert((unsigned)token.algorithm < KW_WRAPPING_NUM && kw_wrapping_name(token.algorithm) != NULL);
    kw_assert(kw_key_spec_info(token.wrapping_key)->bits >= 256);
}

/* What was sealed is what comes out, and not after its time. */
static void check_round_trip(struct kw_bytes plain)
{
    uint8_t made[KW_IMPORTTOKEN_MAX], space[KW_IMPORTTOKEN_MAX];
    struct kw_buf buf = KW_BUF(made, sizeof(made)), opened = KW_BUF(space, sizeof(space));
    struct kw_importtoken token, again;
    int r;

    if (kw_importtoken_parse(plain, &token) != 0)
        return;
    r = kw_importtoken_make(&seal, &token, &buf);
    kw_assert(r == 0);
    r = kw_importtoken_open(&seal, kw_buf_bytes(&buf), token.expires_ms, &opened, &again);
    kw_assert(r == KW_IMPORTTOKEN_EXPIRED);
    opened.len = 0;
    r = kw_importtoken_open(&seal, kw_buf_bytes(&buf), token.expires_ms - 1, &opened, &again);
    kw_assert(r == 0 && again.expires_ms == token.expires_ms && again.algorithm == token.algorithm);
    kw_assert(kw_bytes_equal(again.private_key, token.private_key));
}

/* The first byte chooses what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    struct kw_bytes rest = KW_BYTES(data + 1, len - 1);
    switch (data[0] % 4) {
    case 0:
        check_open(rest);
        break;
    case 1:
        check_changed(rest);
        break;
    case 2:
        check_parse(rest);
        break;
    default:
        check_round_trip(rest);
        break;
    }
    return 0;
}
