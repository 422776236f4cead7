#include "tools/loadsign.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BLOCK_LEN 64u
#define DATE_LEN  8u

static const char hole[] = "0000000000000000000000000000000000000000000000000000000000000000";

/* ---- texts ---- */

static void sha256_hex(const void *data, size_t len, char ret[65])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];

    SHA256(data, len, digest);
    kw_hex_encode(digest, sizeof(digest), ret);
    ret[64] = '\0';
}

/* "content-type;host;..." in the order of bytes. */
static void signed_names(const struct kw_load_identity *identity, bool with_id, char *ret, size_t cap)
{
    snprintf(ret, cap, "%scontent-type;host;x-amz-date;%sx-amz-target",
        with_id ? "amz-sdk-invocation-id;" : "",
        identity->session_token[0] != '\0' ? "x-amz-security-token;" : "");
}

/* A line for the session token, or nothing. */
static void token_line(
    const struct kw_load_identity *identity, const char *name, const char *line_end, char *ret, size_t cap)
{
    ret[0] = '\0';
    if (identity->session_token[0] != '\0')
        snprintf(ret, cap, "%s%s%s", name, identity->session_token, line_end);
}

struct parts {
    const struct kw_load_identity *identity;
    const char *host, *operation, *body;
    bool with_id;
    char names[128];
    char token[sizeof(((struct kw_load_identity *)0)->session_token) + 64];
};

/* The canonical request with the id and the time left out: before, between and behind them. */
static int build_canonical(struct parts *parts, struct kw_load_request *request)
{
    char hash[65], middle[512];

    SHA256_Init(&request->before);
    snprintf(middle, sizeof(middle), "POST\n/\n\n%s", parts->with_id ? "amz-sdk-invocation-id:" : "");
    SHA256_Update(&request->before, middle, strlen(middle));
    snprintf(middle, sizeof(middle),
        "%scontent-type:application/x-amz-json-1.1\nhost:%s\nx-amz-date:", parts->with_id ? "\n" : "",
        parts->host);
    if (parts->with_id) {
        request->between = strdup(middle);
        KW_REQUIRE(request->between != NULL, -ENOMEM);
    } else {
        SHA256_Update(&request->before, middle, strlen(middle));
    }
    token_line(parts->identity, "x-amz-security-token:", "\n", parts->token, sizeof(parts->token));
    sha256_hex(parts->body, strlen(parts->body), hash);
    KW_REQUIRE(asprintf(&request->behind, "\n%sx-amz-target:TrentService.%s\n\n%s\n%s", parts->token,
                   parts->operation, parts->names, hash) >= 0,
        -ENOMEM);
    return 0;
}

static int build_text(struct parts *parts, struct kw_load_request *request)
{
    const struct kw_load_identity *identity = parts->identity;
    char id_line[96] = "";
    int len;

    if (parts->with_id)
        snprintf(id_line, sizeof(id_line), "amz-sdk-invocation-id: %.*s\r\n", (int)KW_LOAD_ID_LEN, hole);
    token_line(identity, "X-Amz-Security-Token: ", "\r\n", parts->token, sizeof(parts->token));
    len = asprintf(&request->bytes,
        "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-amz-json-1.1\r\n"
        "X-Amz-Target: TrentService.%s\r\nContent-Length: %zu\r\n%s%sX-Amz-Date: %.*s\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=%s/%.*s/%s/%s/aws4_request, SignedHeaders=%s, "
        "Signature=%s\r\n\r\n%s",
        parts->host, parts->operation, strlen(parts->body), id_line, parts->token, (int)KW_LOAD_STAMP_LEN,
        hole, identity->access_key_id, (int)DATE_LEN, hole, identity->region, identity->service, parts->names,
        hole, parts->body);
    if (len < 0) {
        request->bytes = NULL;
        return -ENOMEM;
    }
    request->len = (size_t)len;
    return 0;
}

/* Where the text after this name begins. */
static size_t behind(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    kw_assert(at != NULL);
    return (size_t)(at - text) + strlen(name);
}

static int build(struct parts *parts, struct kw_load_request *request)
{
    KW_TRY(build_canonical(parts, request));
    KW_TRY(build_text(parts, request));
    request->is_signed = true;
    request->between_len = request->between != NULL ? strlen(request->between) : 0;
    request->behind_len = strlen(request->behind);
    request->has_id = parts->with_id;
    if (parts->with_id)
        request->id_at = behind(request->bytes, "\r\namz-sdk-invocation-id: ");
    request->stamp_at = behind(request->bytes, "\r\nX-Amz-Date: ");
    request->date_at = behind(request->bytes, " Credential=") + strlen(parts->identity->access_key_id) + 1;
    request->signature_at = behind(request->bytes, ", Signature=");
    return 0;
}

int kw_load_request_build(const struct kw_load_identity *identity, const char *host, const char *operation,
    const char *body, bool with_id, struct kw_load_request *ret)
{
    struct parts *parts = calloc(1, sizeof(*parts));
    struct kw_load_request request = {0};
    int r;

    KW_REQUIRE(parts != NULL, -ENOMEM);
    *parts = (struct parts){identity, host, operation, body, with_id, "", ""};
    signed_names(identity, with_id, parts->names, sizeof(parts->names));
    r = build(parts, &request);
    free(parts);
    if (r < 0) {
        kw_load_request_done(&request);
        return r;
    }
    *ret = request;
    return 0;
}

int kw_load_request_build_get(const char *host, const char *path, struct kw_load_request *ret)
{
    char *text;
    int len = asprintf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host);

    KW_REQUIRE(len >= 0, -ENOMEM);
    *ret = (struct kw_load_request){.bytes = text, .len = (size_t)len};
    return 0;
}

void kw_load_request_done(struct kw_load_request *request)
{
    free(request->bytes);
    free(request->between);
    free(request->behind);
    *request = (struct kw_load_request){0};
}

/* ---- signing ---- */

static void finish(const SHA256_CTX *state, const void *rest, size_t len, uint8_t ret[SHA256_DIGEST_LENGTH])
{
    SHA256_CTX copy = *state;
    KW_ERASE_GUARD(copy);

    SHA256_Update(&copy, rest, len);
    SHA256_Final(ret, &copy);
}

static void hmac_key(SHA256_CTX *inner, SHA256_CTX *outer, const uint8_t *key, size_t len)
{
    uint8_t pad[BLOCK_LEN] = {0}, i;
    KW_ERASE_GUARD(pad);

    if (len > BLOCK_LEN)
        SHA256(key, len, pad);
    else
        memcpy(pad, key, len);
    for (i = 0; i < BLOCK_LEN; i++)
        pad[i] ^= 0x36;
    SHA256_Init(inner);
    SHA256_Update(inner, pad, sizeof(pad));
    for (i = 0; i < BLOCK_LEN; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    SHA256_Init(outer);
    SHA256_Update(outer, pad, sizeof(pad));
}

/* The next key of the chain, in place. */
static void derive(uint8_t *key, size_t key_len, const char *text, size_t len)
{
    SHA256_CTX inner, outer;
    KW_ERASE_GUARD(inner);
    KW_ERASE_GUARD(outer);

    hmac_key(&inner, &outer, key, key_len);
    finish(&inner, text, len, key);
    finish(&outer, key, SHA256_DIGEST_LENGTH, key);
}

static void derive_day(struct kw_load_signer *signer)
{
    const struct kw_load_identity *identity = signer->identity;
    uint8_t key[4 + sizeof(identity->secret_access_key)] = "AWS4";
    KW_ERASE_GUARD(key);
    size_t secret_len = strlen(identity->secret_access_key);

    memcpy(key + 4, identity->secret_access_key, secret_len);
    derive(key, 4 + secret_len, signer->stamp, DATE_LEN);
    derive(key, SHA256_DIGEST_LENGTH, identity->region, strlen(identity->region));
    derive(key, SHA256_DIGEST_LENGTH, identity->service, strlen(identity->service));
    derive(key, SHA256_DIGEST_LENGTH, "aws4_request", strlen("aws4_request"));
    hmac_key(&signer->inner, &signer->outer, key, SHA256_DIGEST_LENGTH);
}

void kw_load_signer_init(
    struct kw_load_signer *signer, const struct kw_load_identity *identity, uint64_t seed)
{
    *signer = (struct kw_load_signer){.identity = identity, .random = {seed, ~seed}};
}

void kw_load_signer_done(struct kw_load_signer *signer)
{
    kw_erase(signer, sizeof(*signer));
}

void kw_load_signer_set_time(struct kw_load_signer *signer, int64_t wall_ms)
{
    const struct kw_load_identity *identity = signer->identity;
    time_t second = (time_t)(wall_ms / 1000);
    char text[256];
    struct tm utc;
    int len;

    if (second == signer->second)
        return;
    signer->second = second;
    gmtime_r(&second, &utc);
    strftime(signer->stamp, sizeof(signer->stamp), "%Y%m%dT%H%M%SZ", &utc);
    /* Once a second: a fresh key is cheaper than to know whether the day has changed. */
    derive_day(signer);
    len = snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n", signer->stamp,
        signer->stamp, identity->region, identity->service);
    SHA256_Update(&signer->inner, text, (size_t)len);
}

/* xorshift128+ (Vigna 2017): ids have to differ, not to be secret. */
static uint64_t draw(struct kw_load_signer *signer)
{
    uint64_t a = signer->random[0], b = signer->random[1];

    signer->random[0] = b;
    a ^= a << 23;
    signer->random[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
    return signer->random[1] + b;
}

static void make_id(struct kw_load_signer *signer, char id[KW_LOAD_ID_LEN])
{
    uint64_t numbers[2] = {draw(signer), draw(signer)};
    uint8_t bytes[16];
    char digits[32];

    memcpy(bytes, numbers, sizeof(bytes));
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    kw_hex_encode(bytes, sizeof(bytes), digits);
    memset(id, '-', KW_LOAD_ID_LEN);
    memcpy(id, digits, 8);
    memcpy(id + 9, digits + 8, 4);
    memcpy(id + 14, digits + 12, 4);
    memcpy(id + 19, digits + 16, 4);
    memcpy(id + 24, digits + 20, 12);
}

void kw_load_request_render(
    const struct kw_load_request *request, struct kw_load_signer *signer, uint8_t *out)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX canonical;
    char hex[64];

    memcpy(out, request->bytes, request->len);
    if (!request->is_signed)
        return;
    canonical = request->before;
    if (request->has_id) {
        make_id(signer, (char *)out + request->id_at);
        SHA256_Update(&canonical, out + request->id_at, KW_LOAD_ID_LEN);
        SHA256_Update(&canonical, request->between, request->between_len);
    }
    memcpy(out + request->stamp_at, signer->stamp, KW_LOAD_STAMP_LEN);
    memcpy(out + request->date_at, signer->stamp, DATE_LEN);
    SHA256_Update(&canonical, signer->stamp, KW_LOAD_STAMP_LEN);
    SHA256_Update(&canonical, request->behind, request->behind_len);
    SHA256_Final(digest, &canonical);
    kw_hex_encode(digest, sizeof(digest), hex);
    finish(&signer->inner, hex, sizeof(hex), digest);
    finish(&signer->outer, digest, sizeof(digest), digest);
    kw_hex_encode(digest, sizeof(digest), (char *)out + request->signature_at);
}
