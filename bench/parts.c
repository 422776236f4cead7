/* parts - what the parts of a request cost, each by itself and with everything in the caches: the signature,
 * the JSON of both directions, the key of a message, the audit record and its place in the chain.
 *
 * With cold memory, and one after the other as a request has them, they are in the benchmarks pop_wrap and
 * request.
 */
#include "api/auditchain.h"
#include "api/auditrecord.h"
#include "api/sigv4.h"
#include "bench/auditcall.h"
#include "bench/bench.h"
#include "engine/cpu.h"
#include "engine/crypto.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_ARN "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define SECRET  "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define NOW_MS  INT64_C(1767323045000)
#define DATE    "20260102"
#define STAMP   DATE "T030405Z"

static const char body[] = "{\"KeyId\":\"" KEY_ARN
                           "\",\"KeyPairSpec\":\"RSA_2048\",\"EncryptionContext\":{\"tenant\":\"t-000042\"}}";

static struct {
    char head[2048];
    size_t head_len;
    struct kw_http_request request;
    struct kw_sigv4_engine *sigv4;
    struct kw_wrapper *wrapper;
    struct kw_auditcall call;
    struct kw_mailbox mailbox;
    uint8_t public_der[294], blob[1316];
    struct kw_sbuf out;
    struct kw_document document;
    uint8_t lines[64 * 1024];
    struct kw_buf line;
    struct kw_auditchain chain;
} rig;

/* ---- the parts; each returns 0 if it went as it should ---- */

static int http_parse(void)
{
    size_t scanned = 0;

    return kw_http_parse(KW_BYTES(rig.head, rig.head_len), &scanned, &rig.request);
}

static int sigv4_verify(void)
{
    struct kw_sigv4_claim claim;
    char why[KW_SIGV4_WHY_MAX];

    if (kw_sigv4_parse(&rig.request, &claim, why, sizeof(why)) != 0)
        return 1;
    return kw_sigv4_verify(
        rig.sigv4, &rig.request, KW_LIT("{}"), &claim, KW_LIT(SECRET), NOW_MS, why, sizeof(why));
}

static int json_parse(void)
{
    const struct kw_value *root;

    return kw_document_parse(&rig.document, KW_BYTES(body, sizeof(body) - 1), &root);
}

/* The answer that has a pair of RSA_2048. */
static int json_write(void)
{
    struct kw_json_out json = KW_JSON_OUT(&rig.out);

    kw_sbuf_reset(&rig.out, 8192);
    kw_json_begin_object(&json);
    kw_json_key(&json, "PrivateKeyCiphertextBlob");
    kw_json_base64(&json, KW_BYTES(rig.blob, sizeof(rig.blob)));
    kw_json_key(&json, "PublicKey");
    kw_json_base64(&json, KW_BYTES(rig.public_der, sizeof(rig.public_der)));
    kw_json_key(&json, "KeyId");
    kw_json_cstring(&json, KEY_ARN);
    kw_json_key(&json, "KeyPairSpec");
    kw_json_cstring(&json, "RSA_2048");
    kw_json_end_object(&json);
    return kw_sbuf_ok(&rig.out) ? 0 : 1;
}

static int derive(void)
{
    uint8_t key[32];

    kw_blob_derive(rig.blob, rig.blob + 32, rig.blob + 48, key);
    return 0;
}

static int audit_record(void)
{
    kw_auditcall_record(&rig.call, rig.wrapper, &rig.mailbox);
    return 0;
}

/* What a record passes before it is handed over. */
static int audit_check(void)
{
    return kw_auditchain_fits(rig.call.call.audit.body) ? 0 : 1;
}

static int audit_append(void)
{
    if (sizeof(rig.lines) - rig.line.len < KW_AUDIT_HEAD_MAX + rig.call.call.audit.body.len)
        rig.line.len = 0;
    kw_auditchain_append(&rig.chain, &rig.line, rig.call.call.audit.body);
    return kw_buf_ok(&rig.line) ? 0 : 1;
}

struct part {
    const char *name;
    int (*run)(void);
};

static int run(struct kw_bench_state *state, void *arg)
{
    const struct part *part = arg;
    int r = 0;

    while (kw_bench_keep_running(state, 1))
        r |= part->run();
    if (r != 0)
        kw_bench_fail(state, "it did not go as it should");
    return r == 0 ? 0 : -EIO;
}

/* ---- setting up ---- */

static void write_head(const char *signature)
{
    int len = snprintf(rig.head, sizeof(rig.head),
        "POST / HTTP/1.1\r\nHost: kms.eu-central-1.amazonaws.com\r\nUser-Agent: aws-sdk-go-v2/1.30.3 "
        "os/linux\r\n"
        "Content-Length: 2\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Date: " STAMP "\r\n"
        "X-Amz-Target: TrentService.GenerateDataKeyPairWithoutPlaintext\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/" DATE
        "/eu-central-1/kms/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
        "Signature=%s"
        "\r\nAccept-Encoding: gzip\r\n\r\n",
        signature);

    rig.head_len = (size_t)len;
}

/* Signs the request as a client does: it is the one that is verified. */
static int sign(void)
{
    char zeros[65], signature[65] = "", why[KW_SIGV4_WHY_MAX];
    uint8_t canonical[4096], to_sign[1024], mac[32];
    struct kw_buf canonical_buf = KW_BUF(canonical, sizeof(canonical)),
                  to_sign_buf = KW_BUF(to_sign, sizeof(to_sign));
    struct kw_sigv4_claim claim;

    memset(zeros, '0', 64);
    zeros[64] = '\0';
    write_head(zeros);
    if (http_parse() != 0 || kw_sigv4_parse(&rig.request, &claim, why, sizeof(why)) != 0 ||
        kw_sigv4_canonical_request(
            rig.sigv4, &rig.request, KW_LIT("{}"), claim.signed_headers, true, &canonical_buf) != 0 ||
        kw_sigv4_string_to_sign(rig.sigv4, &claim, kw_buf_bytes(&canonical_buf), &to_sign_buf) != 0 ||
        kw_sigv4_sign(rig.sigv4, &claim, KW_LIT(SECRET), kw_buf_bytes(&to_sign_buf), mac) != 0)
        return -EIO;
    kw_hex_encode(mac, sizeof(mac), signature);
    write_head(signature);
    return http_parse() == 0 ? 0 : -EIO;
}

static int rig_init(void)
{
    KW_TRY(kw_crypto_init());
    kw_json_init();
    rig.out = KW_SBUF_INIT(KW_AUDIT_RECORD_MAX);
    rig.line = KW_BUF(rig.lines, sizeof(rig.lines));
    KW_TRY(kw_sigv4_engine_new(&rig.sigv4));
    KW_TRY(kw_wrapper_new(&rig.wrapper));
    KW_TRY(kw_wrapper_random(rig.wrapper, rig.blob, sizeof(rig.blob)));
    KW_TRY(kw_mailbox_init(&rig.mailbox));
    kw_auditcall_init(&rig.call, 1);
    kw_auditcall_record(&rig.call, rig.wrapper, &rig.mailbox);
    return sign();
}

static void rig_done(void)
{
    kw_auditcall_done(&rig.call);
    kw_mailbox_done(&rig.mailbox);
    kw_document_done(&rig.document);
    kw_sbuf_done(&rig.out);
    kw_wrapper_free(rig.wrapper);
    kw_sigv4_engine_free(rig.sigv4);
}

int main(int argc, char **argv)
{
    static struct part parts[] = {
        {"http_parse", http_parse},
        {"sigv4_verify", sigv4_verify},
        {"json_parse", json_parse},
        {"json_write", json_write},
        {"derive", derive},
        {"audit_record", audit_record},
        {"audit_check", audit_check},
        {"audit_append", audit_append},
    };
    char model[64];
    int r = rig_init();

    if (r < 0) {
        fprintf(stderr, "parts: cannot set up: %s\n", r == KW_EOPENSSL ? "OpenSSL" : strerror(-r));
        return 1;
    }
    kw_cpu_model(model);
    kw_bench_context("cpu", model);
    kw_bench_context("openssl", OpenSSL_version(OPENSSL_VERSION));
    for (size_t i = 0; i < KW_ARRAY_LEN(parts); i++)
        kw_bench_register(&(struct kw_bench){.name = parts[i].name, .run = run, .arg = &parts[i]});
    r = kw_bench_main(argc, argv);
    rig_done();
    return r;
}
