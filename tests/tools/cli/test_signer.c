/* What the command line signs: the same as botocore's signer makes of it, and accepted by the server's own
 * verification, which is held against the published vectors (tests/api). The vectors themselves are of
 * another service and of headers that this signer never sends.
 */
#include "tools/cli/signer.h"

#include "api/sigv4.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

#define NOW_MS INT64_C(1440938160000) /* 2015-08-30T12:36:00Z */
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TOKEN  "FwoGZXIvYXdzEXAMPLE//token=="
#define BODY   "{\"KeyId\":\"alias/demo\"}"

static char head[4096];

static struct kw_signer signer_of(const char *token)
{
    return (struct kw_signer){"AKIDEXAMPLE", SECRET, token, "eu-west-1"};
}

static const struct kw_signed_request request = {
    "127.0.0.1:4599", "/", "TrentService.DescribeKey", {(const uint8_t *)BODY, sizeof(BODY) - 1}, NOW_MS};

static size_t sign(const struct kw_signer *signer)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(4096);

    kw_signer_head(signer, &request, &text);
    ck_assert(kw_sbuf_ok(&text) && text.len < sizeof(head));
    memcpy(head, text.ptr, text.len);
    head[text.len] = '\0';
    return text.len;
}

/* By botocore 1.29.27, SigV4Auth(..., "kms", "eu-west-1") at that time. */
START_TEST(test_as_botocore)
{
    struct kw_signer plain = signer_of(""), session = signer_of(TOKEN);

    (void)sign(&plain);
    ck_assert_ptr_nonnull(strstr(head,
        "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/kms/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
        "Signature=e621bb3269d658b2bea8316f310555e786bf0a66921ef804cc28dd5b9b1a0a28\r\n"));
    ck_assert_ptr_nonnull(strstr(head, "\r\nX-Amz-Date: 20150830T123600Z\r\n"));
    ck_assert_ptr_null(strstr(head, "X-Amz-Security-Token"));
    (void)sign(&session);
    ck_assert_ptr_nonnull(
        strstr(head, "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
                     "Signature=2c4076d5954a5ee87f11dbba3670209cf38804daf2356fefb50a9fbed9b5cb1d\r\n"));
    ck_assert_ptr_nonnull(strstr(head, "\r\nX-Amz-Security-Token: " TOKEN "\r\n"));
}
END_TEST

START_TEST(test_head)
{
    struct kw_signer nobody = {.access_key_id = NULL, .session_token = ""}, plain = signer_of("");

    (void)sign(&nobody);
    ck_assert_ptr_null(strstr(head, "Authorization"));
    ck_assert_ptr_null(strstr(head, "X-Amz-Date"));
    ck_assert_ptr_nonnull(strstr(head, "POST / HTTP/1.1\r\nHost: 127.0.0.1:4599\r\n"));
    ck_assert_ptr_nonnull(strstr(head, "\r\nContent-Length: 22\r\n"));
    (void)sign(&plain);
    ck_assert_ptr_null(strstr(head, SECRET));
}
END_TEST

/* Returns what the server makes of it, signed by one secret and looked at with another. */
static int verdict(const struct kw_signer *signer, const char *secret, const char *body, int64_t now_ms)
{
    struct kw_sigv4_engine *engine KW_SIGV4_ENGINE = NULL;
    struct kw_http_request parsed;
    struct kw_sigv4_claim claim;
    char why[KW_SIGV4_WHY_MAX];
    size_t scanned = 0, len = sign(signer);

    ck_assert_int_eq(kw_http_parse(KW_BYTES(head, len), &scanned, &parsed), 0);
    ck_assert_uint_eq(parsed.head_len, len);
    ck_assert_int_eq(kw_sigv4_engine_new(&engine), 0);
    ck_assert_msg(kw_sigv4_parse(&parsed, &claim, why, sizeof(why)) == 0, "%s", why);
    ck_assert(kw_bytes_equal(claim.session_token, kw_bytes_str(signer->session_token)));
    return kw_sigv4_verify(
        engine, &parsed, kw_bytes_str(body), &claim, kw_bytes_str(secret), now_ms, why, sizeof(why));
}

START_TEST(test_the_server_accepts_it)
{
    struct kw_signer plain = signer_of(""), session = signer_of(TOKEN);

    ck_assert_int_eq(verdict(&plain, SECRET, BODY, NOW_MS), 0);
    ck_assert_int_eq(verdict(&session, SECRET, BODY, NOW_MS), 0);
    ck_assert_int_ne(verdict(&plain, "another", BODY, NOW_MS), 0);
    ck_assert_int_ne(verdict(&plain, SECRET, "{\"KeyId\":\"alias/demi\"}", NOW_MS), 0);
    ck_assert_int_ne(verdict(&plain, SECRET, BODY, NOW_MS + 3600000), 0);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_as_botocore);
    tcase_add_test(tcase, test_head);
    tcase_add_test(tcase, test_the_server_accepts_it);
}

int main(void)
{
    return kw_crypto_init() == 0 ? kw_suite_run("signer", add, 20) : EXIT_FAILURE;
}
