#include "api/hmac.h"
#include "api/sigv4_internal.h"

#include "pool/secmem.h"

#include <stdio.h>

#define TERMINATOR "aws4_request"

int kw_sigv4_engine_new(struct kw_sigv4_engine **ret)
{
    /* In secret memory: session tokens pass through the canonical request. */
    struct kw_sigv4_engine *engine = kw_secmem_alloc(sizeof(*engine));
    KW_REQUIRE(engine != NULL, -ENOMEM);

    *ret = engine;
    return 0;
}

void kw_sigv4_engine_free(struct kw_sigv4_engine *engine)
{
    kw_secmem_free(engine);
}

int kw_sigv4_string_to_sign(struct kw_sigv4_engine *engine, const struct kw_sigv4_claim *claim,
    struct kw_bytes canonical_request, struct kw_buf *ret)
{
    char stamp[KW_SIGV4_STAMP_LEN + 1];
    uint8_t hash[32];
    char hex[64];

    (void)engine;
    kw_sha256(canonical_request, hash);
    kw_hex_encode(hash, sizeof(hash), hex);
    kw_buf_put_str(ret, "AWS4-HMAC-SHA256\n");
    kw_sigv4_stamp_format(claim->signed_at_ms, stamp);
    kw_buf_put_str(ret, stamp);
    kw_buf_put_str(ret, "\n");
    kw_buf_put_bytes(ret, claim->scope_date);
    kw_buf_put_str(ret, "/");
    kw_buf_put_bytes(ret, claim->region);
    kw_buf_put_str(ret, "/");
    kw_buf_put_bytes(ret, claim->service);
    kw_buf_put_str(ret, "/" TERMINATOR "\n");
    kw_buf_put(ret, hex, sizeof(hex));
    return kw_buf_ok(ret) ? 0 : 1;
}

int kw_sigv4_sign(struct kw_sigv4_engine *engine, const struct kw_sigv4_claim *claim,
    struct kw_bytes secret_access_key, struct kw_bytes string_to_sign, uint8_t out[32])
{
    uint8_t key[KW_HMAC_LEN];
    KW_ERASE_GUARD(key);

    (void)engine;
    kw_sigv4_derive(claim, secret_access_key, key);
    kw_hmac(KW_BYTES(key, sizeof(key)), &string_to_sign, 1, out);
    return 0;
}

static bool is_expired(const struct kw_sigv4_claim *claim, int64_t now_ms)
{
    return claim->signed_at_ms < now_ms - KW_CLOCK_SKEW_MS;
}

static bool is_early(const struct kw_sigv4_claim *claim, int64_t now_ms)
{
    return claim->signed_at_ms > now_ms + KW_CLOCK_SKEW_MS;
}

/* With a signing key that is kept, unless nobody will ask for it again: so strangers cannot fill the place
 * with days. */
static int sign(struct kw_sigv4_engine *engine, const struct kw_sigv4_claim *claim,
    struct kw_bytes secret_access_key, int64_t now_ms, struct kw_bytes string_to_sign, uint8_t out[32])
{
    if (is_expired(claim, now_ms) || is_early(claim, now_ms))
        return kw_sigv4_sign(engine, claim, secret_access_key, string_to_sign, out);
    kw_hmac_with(kw_sigv4_keys_find(&engine->keys, claim, secret_access_key), &string_to_sign, 1, out);
    return 0;
}

void kw_sigv4_forget(struct kw_sigv4_engine *engine, struct kw_bytes access_key_id)
{
    kw_sigv4_keys_forget(&engine->keys, access_key_id);
}

/* The signature that the request should carry. KW_SIGV4_MISMATCH: nobody could have signed it. */
static int expected_signature(struct kw_sigv4_engine *engine, const struct kw_http_request *request,
    struct kw_bytes body, const struct kw_sigv4_claim *claim, struct kw_bytes secret_access_key,
    int64_t now_ms, uint8_t out[32])
{
    uint8_t text[512];
    struct kw_buf canonical = KW_BUF(engine->canonical, sizeof(engine->canonical));
    struct kw_buf string_to_sign = KW_BUF(text, sizeof(text));

    int r = kw_sigv4_canonical_request(engine, request, body, claim->signed_headers, true, &canonical);
    if (r == 0)
        r = kw_sigv4_string_to_sign(engine, claim, kw_buf_bytes(&canonical), &string_to_sign);
    kw_erase(canonical.ptr, canonical.len);
    KW_REQUIRE(r == 0, r < 0 ? r : KW_SIGV4_MISMATCH);
    return sign(engine, claim, secret_access_key, now_ms, kw_buf_bytes(&string_to_sign), out);
}

static int judge_body_hash(const struct kw_http_request *request, struct kw_bytes body)
{
    struct kw_bytes claimed = kw_http_header(request, "x-amz-content-sha256");
    uint8_t hash[32];
    char hex[64];

    if (claimed.ptr == NULL)
        return 0;
    kw_sha256(body, hash);
    kw_hex_encode(hash, sizeof(hash), hex);
    return kw_bytes_equal(claimed, KW_BYTES(hex, sizeof(hex))) ? 0 : KW_SIGV4_MISMATCH;
}

static int judge_freshness(const struct kw_sigv4_claim *claim, int64_t now_ms, char *why, size_t why_cap)
{
    bool expired = is_expired(claim, now_ms), early = is_early(claim, now_ms);
    char signed_at[KW_SIGV4_STAMP_LEN + 1], now[KW_SIGV4_STAMP_LEN + 1], limit[KW_SIGV4_STAMP_LEN + 1];

    if (!expired && !early)
        return 0;
    kw_sigv4_stamp_format(claim->signed_at_ms, signed_at);
    kw_sigv4_stamp_format(now_ms, now);
    kw_sigv4_stamp_format(now_ms + (early ? KW_CLOCK_SKEW_MS : -KW_CLOCK_SKEW_MS), limit);
    snprintf(why, why_cap, "Signature %s: %s is %s than %s (%s %c 5 min.)",
        early ? "not yet current" : "expired", signed_at, early ? "still later" : "now earlier", limit, now,
        early ? '+' : '-');
    return early ? KW_SIGV4_EARLY : KW_SIGV4_EXPIRED;
}
static_assert(KW_CLOCK_SKEW_MS / 1000 == 300, "the sentence says 5 min.");

int kw_sigv4_verify(struct kw_sigv4_engine *engine, const struct kw_http_request *request,
    struct kw_bytes body, const struct kw_sigv4_claim *claim, struct kw_bytes secret_access_key,
    int64_t now_ms, char *why, size_t why_cap)
{
    uint8_t expected[32];
    KW_ERASE_GUARD(expected);

    int r = judge_body_hash(request, body);
    KW_REQUIRE(r == 0, r);
    r = expected_signature(engine, request, body, claim, secret_access_key, now_ms, expected);
    KW_REQUIRE(r == 0, r);
    KW_REQUIRE(kw_equal_ct(expected, claim->signature, sizeof(expected)), KW_SIGV4_MISMATCH);
    return judge_freshness(claim, now_ms, why, why_cap);
}
