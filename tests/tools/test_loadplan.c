#include "tools/loadplan.h"

#include "tests/support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

static struct kw_load_plan plan;

/* ---- endpoints ---- */

static void expect_endpoint(const char *url, bool tls, const char *host, const char *port, const char *header)
{
    struct kw_load_endpoint endpoint;

    ck_assert_msg(kw_load_endpoint_parse(url, &endpoint) == 0, "%s", url);
    ck_assert(endpoint.tls == tls);
    ck_assert_str_eq(endpoint.host, host);
    ck_assert_str_eq(endpoint.port, port);
    ck_assert_str_eq(endpoint.header, header);
}

START_TEST(test_endpoints)
{
    static const char *const wrong[] = {"", "localhost:4566", "ftp://host", "http://", "http://:80",
        "http://host:0", "http://host:65536", "http://host:", "http://host:80a", "http://host/path",
        "http://user@host", "http://[::1", "http://[::1]x", "http://ho st", "http://host?x",
        "http://host\r\nX: y"};
    struct kw_load_endpoint endpoint;

    expect_endpoint("http://127.0.0.1:4566", false, "127.0.0.1", "4566", "127.0.0.1:4566");
    expect_endpoint("http://localhost/", false, "localhost", "80", "localhost");
    expect_endpoint("http://localhost:80", false, "localhost", "80", "localhost");
    expect_endpoint("https://kms.eu-west-1.amazonaws.com", true, "kms.eu-west-1.amazonaws.com", "443",
        "kms.eu-west-1.amazonaws.com");
    expect_endpoint("https://localhost:80", true, "localhost", "80", "localhost:80");
    expect_endpoint("https://[::1]:8443", true, "::1", "8443", "[::1]:8443");
    expect_endpoint("http://[::1]", false, "::1", "80", "[::1]");
    for (unsigned i = 0; i < KW_ARRAY_LEN(wrong); i++)
        ck_assert_msg(kw_load_endpoint_parse(wrong[i], &endpoint) == 1, "%s", wrong[i]);
}
END_TEST

/* ---- mixes ---- */

START_TEST(test_mix)
{
    ck_assert_ptr_null(
        kw_load_mix_parse(&plan, "GenerateDataKeyPairWithoutPlaintext:RSA_2048=70,"
                                 "GenerateDataKeyWithoutPlaintext:AES_256=30,Sign@/tmp/x=2,ListKeys"));
    ck_assert_uint_eq(plan.num_ops, 4);
    ck_assert_str_eq(plan.ops[0].operation, "GenerateDataKeyPairWithoutPlaintext");
    ck_assert_str_eq(plan.ops[0].parameter, "RSA_2048");
    ck_assert_str_eq(plan.ops[1].name, "GenerateDataKeyWithoutPlaintext:AES_256");
    ck_assert_str_eq(plan.ops[2].file, "/tmp/x");
    ck_assert_uint_eq(plan.ops[2].threshold, 102);
    ck_assert_uint_eq(plan.ops[3].weight, 1);
}
END_TEST

START_TEST(test_mix_malformed)
{
    static const char *const wrong[] = {"", ",", "A,", "A=0", "A=x", "A=1000001", "A:", "A B", "A\r\nX",
        ":RSA_2048", "A,A,A,A,A,A,A,A,A,A,A,A,A,A,A,A,A"};

    for (unsigned i = 0; i < KW_ARRAY_LEN(wrong); i++)
        ck_assert_msg(kw_load_mix_parse(&plan, wrong[i]) != NULL, "%s", wrong[i]);
}
END_TEST

/* ---- bodies ---- */

static char *pairs[] = {(char[]){"purpose=a=b"}, (char[]){"tenant=\"7\""}};

static void expect_body(const char *op, const char *expected)
{
    char *body = NULL, why[256];

    ck_assert_ptr_null(kw_load_mix_parse(&plan, op));
    if (expected == NULL) {
        ck_assert_int_eq(kw_load_body(&plan.ops[0], "k", pairs, 0, "Zm9v", &body, why, sizeof(why)), 1);
        ck_assert_uint_gt(strlen(why), 10);
        return;
    }
    ck_assert_int_eq(kw_load_body(&plan.ops[0], "k", pairs, 0, "Zm9v", &body, why, sizeof(why)), 0);
    ck_assert_str_eq(body, expected);
    free(body);
}

START_TEST(test_bodies)
{
    expect_body("GenerateDataKeyPair:RSA_2048", "{\"KeyPairSpec\":\"RSA_2048\",\"KeyId\":\"k\"}");
    expect_body("GenerateDataKeyWithoutPlaintext", "{\"KeySpec\":\"AES_256\",\"KeyId\":\"k\"}");
    expect_body("GenerateDataKey:AES_128", "{\"KeySpec\":\"AES_128\",\"KeyId\":\"k\"}");
    expect_body("GenerateRandom:7", "{\"NumberOfBytes\":7}");
    expect_body("Encrypt:3", "{\"Plaintext\":\"DbRb\",\"KeyId\":\"k\"}");
    expect_body("Decrypt", "{\"CiphertextBlob\":\"Zm9v\",\"KeyId\":\"k\"}");
    expect_body("DescribeKey", "{\"KeyId\":\"k\"}");
    expect_body("GenerateDataKeyPair", NULL);
    expect_body("Encrypt:4097", NULL);
    expect_body("GenerateRandom:x", NULL);
    expect_body("ScheduleKeyDeletion", NULL);
    expect_body("Sign@/nonexistent", NULL);
}
END_TEST

START_TEST(test_context_and_key)
{
    char *body = NULL, why[256];

    ck_assert_ptr_null(kw_load_mix_parse(&plan, "GenerateDataKey"));
    ck_assert_int_eq(kw_load_body(&plan.ops[0], "k", pairs, 2, NULL, &body, why, sizeof(why)), 0);
    ck_assert_str_eq(body,
        "{\"KeySpec\":\"AES_256\",\"KeyId\":\"k\",\"EncryptionContext\":{\"purpose\":\"a=b\","
        "\"tenant\":\"\\\"7\\\"\"}}");
    free(body);
    ck_assert_int_eq(kw_load_body(&plan.ops[0], NULL, pairs, 0, NULL, &body, why, sizeof(why)), 1);
    ck_assert_str_eq(why, "GenerateDataKey needs --key-id");
}
END_TEST

START_TEST(test_body_from_file)
{
    char path[] = "/tmp/keywell-loadplan-XXXXXX", mix[64], why[256], *body = NULL;
    int fd = mkstemp(path);

    ck_assert_int_eq(write(fd, "{ \"KeyId\": \"k\",\n \"Message\": \"Zg==\" }", 36), 36);
    close(fd);
    snprintf(mix, sizeof(mix), "Sign@%s=3", path);
    ck_assert_ptr_null(kw_load_mix_parse(&plan, mix));
    /* The plan's file name lies in its copy of the text. */
    ck_assert_int_eq(kw_load_body(&plan.ops[0], NULL, pairs, 0, NULL, &body, why, sizeof(why)), 0);
    ck_assert_str_eq(body, "{\"KeyId\":\"k\",\"Message\":\"Zg==\"}");
    free(body);
    unlink(path);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_endpoints);
    tcase_add_test(tcase, test_mix);
    tcase_add_test(tcase, test_mix_malformed);
    tcase_add_test(tcase, test_bodies);
    tcase_add_test(tcase, test_context_and_key);
    tcase_add_test(tcase, test_body_from_file);
}

int main(void)
{
    return kw_suite_run("loadplan", add, 60);
}
