/* What the generator signs, the server's own verification accepts: two programs written apart. */
#include "tools/loadsign.h"

#include "api/sigv4.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <stdio.h>

#define NOW_MS INT64_C(1795479274652)

static struct kw_load_identity identity;
static uint8_t out[32768];

static void set_identity(const char *secret, const char *token)
{
    memset(&identity, 0, sizeof(identity));
    snprintf(identity.access_key_id, sizeof(identity.access_key_id), "AKIDEXAMPLE");
    snprintf(identity.secret_access_key, sizeof(identity.secret_access_key), "%s", secret);
    snprintf(identity.session_token, sizeof(identity.session_token), "%s", token);
    snprintf(identity.region, sizeof(identity.region), "eu-west-1");
    snprintf(identity.service, sizeof(identity.service), "kms");
}

/* Renders it at that time and returns what the server makes of it. */
static int verdict(const struct kw_load_request *request, struct kw_load_signer *signer, int64_t now_ms)
{
    struct kw_sigv4_engine *engine KW_SIGV4_ENGINE = NULL;
    struct kw_http_request parsed;
    struct kw_sigv4_claim claim;
    char why[KW_SIGV4_WHY_MAX];
    size_t scanned = 0;

    kw_load_signer_set_time(signer, now_ms);
    kw_load_request_render(request, signer, out);
    ck_assert_int_eq(kw_http_parse(KW_BYTES(out, request->len), &scanned, &parsed), 0);
    ck_assert_uint_eq(parsed.head_len + parsed.content_length, request->len);
    ck_assert_int_eq(kw_sigv4_engine_new(&engine), 0);
    ck_assert_msg(kw_sigv4_parse(&parsed, &claim, why, sizeof(why)) == 0, "%s", why);
    ck_assert(kw_bytes_equal(claim.region, KW_LIT("eu-west-1")));
    ck_assert(kw_bytes_equal(claim.session_token, kw_bytes_str(identity.session_token)));
    return kw_sigv4_verify(engine, &parsed, KW_BYTES(out + parsed.head_len, parsed.content_length), &claim,
        kw_bytes_str("secret/of+the+example"), now_ms, why, sizeof(why));
}

static void check(const char *token, bool with_id)
{
    struct kw_load_request request;
    struct kw_load_signer signer;

    set_identity("secret/of+the+example", token);
    kw_load_signer_init(&signer, &identity, 7);
    ck_assert_int_eq(kw_load_request_build(&identity, "127.0.0.1:4566", "GenerateDataKey",
                         "{\"KeyId\":\"alias/demo\",\"KeySpec\":\"AES_256\"}", with_id, &request),
        0);
    ck_assert_int_eq(verdict(&request, &signer, NOW_MS), 0);
    ck_assert_int_eq(verdict(&request, &signer, NOW_MS), 0);
    ck_assert_int_eq(verdict(&request, &signer, NOW_MS + 1000), 0);
    /* The next day has another key. */
    ck_assert_int_eq(verdict(&request, &signer, NOW_MS + 86400000), 0);
    kw_load_request_done(&request);
    kw_load_signer_done(&signer);
}

START_TEST(test_accepted)
{
    check("", false);
    check("", true);
    check("FwoGZXIvYXdzEXAMPLE//token==", false);
    check("FwoGZXIvYXdzEXAMPLE//token==", true);
}
END_TEST

START_TEST(test_wrong_secret)
{
    struct kw_load_request request;
    struct kw_load_signer signer;

    set_identity("another", "");
    kw_load_signer_init(&signer, &identity, 7);
    ck_assert_int_eq(kw_load_request_build(&identity, "localhost", "ListKeys", "{}", false, &request), 0);
    ck_assert_int_eq(verdict(&request, &signer, NOW_MS), KW_SIGV4_MISMATCH);
    kw_load_request_done(&request);
    kw_load_signer_done(&signer);
}
END_TEST

/* Identifiers, and so signatures, are of one request only. */
START_TEST(test_ids_differ)
{
    struct kw_load_request request;
    struct kw_load_signer signer;
    static uint8_t first[4096];

    set_identity("secret/of+the+example", "");
    kw_load_signer_init(&signer, &identity, 7);
    ck_assert_int_eq(kw_load_request_build(&identity, "localhost", "ListKeys", "{}", true, &request), 0);
    ck_assert_int_eq(verdict(&request, &signer, NOW_MS), 0);
    memcpy(first, out, request.len);
    ck_assert_int_eq(verdict(&request, &signer, NOW_MS), 0);
    ck_assert(memcmp(first + request.id_at, out + request.id_at, KW_LOAD_ID_LEN) != 0);
    ck_assert(memcmp(first + request.signature_at, out + request.signature_at, 64) != 0);
    kw_load_request_done(&request);
    kw_load_signer_done(&signer);
}
END_TEST

START_TEST(test_get)
{
    struct kw_load_request request;
    struct kw_load_signer signer = {0};

    ck_assert_int_eq(kw_load_request_build_get("localhost:8080", "/file", &request), 0);
    kw_load_request_render(&request, &signer, out);
    ck_assert_uint_eq(request.len, strlen("GET /file HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"));
    ck_assert_int_eq(memcmp(out, "GET /file HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", request.len), 0);
    kw_load_request_done(&request);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_accepted);
    tcase_add_test(tcase, test_wrong_secret);
    tcase_add_test(tcase, test_ids_differ);
    tcase_add_test(tcase, test_get);
}

int main(void)
{
    return kw_crypto_init() == 0 ? kw_suite_run("loadsign", add, 60) : EXIT_FAILURE;
}
