#include "tools/cli/signer.h"

#include "api/hmac.h"
#include "api/runfile.h"
#include "api/sigv4.h"

#include <stdio.h>

#define SERVICE "kms"

static void sha256_hex(struct kw_bytes data, char ret[65])
{
    uint8_t digest[KW_SHA256_LEN];

    kw_sha256(data, digest);
    kw_hex_encode(digest, sizeof(digest), ret);
    ret[64] = '\0';
}

static void put_line(
    struct kw_sbuf *to, const char *name, const char *between, const char *value, const char *end)
{
    kw_sbuf_put_str(to, name);
    kw_sbuf_put_str(to, between);
    kw_sbuf_put_str(to, value);
    kw_sbuf_put_str(to, end);
}

static const char *signed_names(const struct kw_signer *signer)
{
    return signer->session_token[0] != '\0' ? "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
                                            : "content-type;host;x-amz-date;x-amz-target";
}

static void canonical_hash(
    const struct kw_signer *signer, const struct kw_signed_request *request, const char *stamp, char ret[65])
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(65536);
    char body[65];

    sha256_hex(request->body, body);
    put_line(&text, "POST\n", "", request->path, "\n\n");
    put_line(&text, "content-type", ":", "application/x-amz-json-1.1", "\n");
    put_line(&text, "host", ":", request->host, "\n");
    put_line(&text, "x-amz-date", ":", stamp, "\n");
    if (signer->session_token[0] != '\0')
        put_line(&text, "x-amz-security-token", ":", signer->session_token, "\n");
    put_line(&text, "x-amz-target", ":", request->target, "\n\n");
    put_line(&text, signed_names(signer), "\n", body, "");
    sha256_hex(kw_sbuf_bytes(&text), ret);
}

static void signing_key(const struct kw_signer *signer, struct kw_bytes date, uint8_t ret[KW_HMAC_LEN])
{
    const struct kw_bytes steps[] = {
        date, kw_bytes_str(signer->region), KW_LIT(SERVICE), KW_LIT("aws4_request")};
    KW_SBUF struct kw_sbuf secret = KW_SBUF_INIT(512);

    kw_sbuf_put_str(&secret, "AWS4");
    kw_sbuf_put_str(&secret, signer->secret_access_key);
    kw_hmac(kw_sbuf_bytes(&secret), &steps[0], 1, ret);
    for (size_t i = 1; i < KW_ARRAY_LEN(steps); i++)
        kw_hmac(KW_BYTES(ret, KW_HMAC_LEN), &steps[i], 1, ret);
}

static void put_authorization(const struct kw_signer *signer, const struct kw_signed_request *request,
    const char *stamp, struct kw_sbuf *to)
{
    uint8_t key[KW_HMAC_LEN], mac[KW_HMAC_LEN];
    KW_ERASE_GUARD(key);
    char hash[65], scope[160], text[320], signature[65] = "";
    struct kw_bytes to_sign;

    canonical_hash(signer, request, stamp, hash);
    snprintf(scope, sizeof(scope), "%.8s/%s/" SERVICE "/aws4_request", stamp, signer->region);
    snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", stamp, scope, hash);
    to_sign = kw_bytes_str(text);
    signing_key(signer, KW_BYTES(stamp, 8), key);
    kw_hmac(KW_BYTES(key, sizeof(key)), &to_sign, 1, mac);
    kw_hex_encode(mac, sizeof(mac), signature);
    kw_sbuf_put_str(to, "Authorization: AWS4-HMAC-SHA256 Credential=");
    put_line(to, signer->access_key_id, "/", scope, "");
    put_line(to, ", SignedHeaders=", "", signed_names(signer), "");
    put_line(to, ", Signature=", "", signature, "\r\n");
}

void kw_signer_head(
    const struct kw_signer *signer, const struct kw_signed_request *request, struct kw_sbuf *ret)
{
    char stamp[KW_SIGV4_STAMP_LEN + 1];

    kw_sigv4_stamp_format(request->wall_ms, stamp);
    put_line(ret, "POST ", "", request->path, " HTTP/1.1\r\n");
    put_line(ret, "Host", ": ", request->host, "\r\n");
    kw_sbuf_put_str(
        ret, "Content-Type: application/x-amz-json-1.1\r\nUser-Agent: keywell/" KW_VERSION "\r\n");
    put_line(ret, "X-Amz-Target", ": ", request->target, "\r\n");
    kw_sbuf_printf(ret, "Content-Length: %zu\r\n", request->body.len);
    if (signer->access_key_id != NULL) {
        put_line(ret, "X-Amz-Date", ": ", stamp, "\r\n");
        if (signer->session_token[0] != '\0')
            put_line(ret, "X-Amz-Security-Token", ": ", signer->session_token, "\r\n");
        put_authorization(signer, request, stamp, ret);
    }
    kw_sbuf_put_str(ret, "\r\n");
}
