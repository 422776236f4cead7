#include "api/sigv4.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

/* The only secret, and the signature of the only request that was ever signed with it: corpus/sigv4/signed.
 */
#define SECRET    KW_LIT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
#define SIGNATURE KW_LIT("4f695ff9d214e6423de16c0bd5741979447e71564c00157fbaa95fd0f23ccb7a")

static struct kw_sigv4_engine *engine;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return kw_crypto_init() == 0 && kw_sigv4_engine_new(&engine) == 0 ? 0 : 1;
}

/* A sentence: ended, printable, and without what was given as the signature. */
static void check_why(const char *why, size_t cap)
{
    size_t len = strnlen(why, cap);

    kw_assert(len > 0 && len < cap);
    for (size_t i = 0; i < len; i++)
        kw_assert(why[i] >= ' ' && why[i] <= '~');
}

static void check_claim(const struct kw_sigv4_claim *claim)
{
    char stamp[KW_SIGV4_STAMP_LEN + 1];

    kw_assert(claim->access_key_id.len > 0 && claim->access_key_id.len <= KW_ACCESS_KEY_ID_MAX);
    kw_assert(claim->region.len > 0 && claim->service.len > 0);
    kw_assert(claim->scope_date.len == 8 && claim->amz_date.len == KW_SIGV4_STAMP_LEN);
    kw_sigv4_stamp_format(claim->signed_at_ms, stamp);
    kw_assert(kw_bytes_equal(claim->amz_date, KW_BYTES(stamp, KW_SIGV4_STAMP_LEN)));
}

static void check_verify(
    const struct kw_http_request *request, struct kw_bytes body, const struct kw_sigv4_claim *claim)
{
    char why[KW_SIGV4_WHY_MAX] = "";
    uint8_t genuine[32];

    int r = kw_hex_decode(SIGNATURE, genuine, sizeof(genuine));
    kw_assert(r == 0);
    r = kw_sigv4_verify(engine, request, body, claim, SECRET, claim->signed_at_ms, why, sizeof(why));
    kw_assert(r == 0 || r == KW_SIGV4_MISMATCH);
    /* Anything else that verified would be forged. */
    kw_assert(r != 0 || memcmp(claim->signature, genuine, sizeof(genuine)) == 0);
    r = kw_sigv4_verify(
        engine, request, body, claim, KW_LIT("other secret"), claim->signed_at_ms, why, sizeof(why));
    kw_assert(r == KW_SIGV4_MISMATCH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct kw_http_request request;
    struct kw_sigv4_claim claim;
    char why[KW_SIGV4_WHY_MAX] = "";
    size_t scanned = 0;

    if (kw_http_parse(KW_BYTES(data, len), &scanned, &request) != 0)
        return 0;
    switch (kw_sigv4_parse(&request, &claim, why, sizeof(why))) {
    case 0:
        check_claim(&claim);
        check_verify(&request, KW_BYTES(data + request.head_len, len - request.head_len), &claim);
        break;
    case KW_SIGV4_INCOMPLETE:
        check_why(why, sizeof(why));
        break;
    default:
        break;
    }
    return 0;
}
