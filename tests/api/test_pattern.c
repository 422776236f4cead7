#include "api/pattern.h"

#include "tests/support/suite.h"

/* Texts of which the first ones match and, after a NULL, the others do not. */
static void expect(bool (*matches)(struct kw_bytes), const char *const *texts)
{
    bool wanted = true;

    for (; *texts != NULL || wanted; texts++) {
        if (*texts == NULL)
            wanted = false;
        else
            ck_assert_msg(matches(kw_bytes_str(*texts)) == wanted, "'%s': not %d", *texts, wanted);
    }
    /* No NUL and no line's end at the end is let through anywhere but where lines are meant. */
    ck_assert(!matches(KW_LIT("a\0b")));
}
#define EXPECT(matches, ...) expect((matches), (const char *const[]){__VA_ARGS__, NULL})

START_TEST(test_classes)
{
    EXPECT(kw_pattern_account, "123456789012", NULL, "", "12345678901", "1234567890123", "12345678901a",
        "123456789012\n");
    EXPECT(kw_pattern_base32, "A", "Z234567", NULL, "", "a", "A1", "A8", "A=", "A\n");
    EXPECT(kw_pattern_base64, "aZ09/+=", "=", NULL, "", "a-", "a_", "a\\", "a ", "a\n");
    EXPECT(kw_pattern_description, "a", "a b\t\n\r\x0b\x0c", "aZ09:/_.-", NULL, "", "a+", "a\x1f", "\xc3\xa4",
        "a\x08", "a\x0e");
    EXPECT(kw_pattern_external_key, "aZ09-_.", NULL, "", "a/", "a:", "a b", "a\n");
    EXPECT(kw_pattern_hex, "0123456789abcdef", NULL, "", "A", "g", "a\n");
    EXPECT(kw_pattern_name, "aZ09:/_-", NULL, "", "a.", "a b", "a\n", "\xc3\xa4");
    EXPECT(
        kw_pattern_principal, "arn:aws:iam::123456789012:role/a+b=c,d.e@f_-", NULL, "", "a*", "a b", "a\n");
    EXPECT(kw_pattern_word, "aZ_09", NULL, "", "a-", "a b", "a\n", "\xc3\xa4");
}
END_TEST

START_TEST(test_parts)
{
    EXPECT(kw_pattern_cluster, "cluster-abcdefghijk", "cluster-ABCDEFGH234567zz", NULL, "", "cluster-",
        "cluster-abcdefghij", "cluster-abcdefghijklmnopq", "cluster-abcdefghij1", "cluster-abcdefghij8",
        "Cluster-abcdefghijk");
    EXPECT(kw_pattern_endpoint, "https://a", "https://a-b.example", NULL, "", "https://", "http://a",
        "https://a/", "https://a:1", "https://a_b", "https://a\n");
    EXPECT(kw_pattern_endpoint_path, "/kms/xks/v1", "/kms/xks/v12", "/a/kms/xks/v1", "/a/b-_/kms/xks/v1",
        "/kms/xks/v1/kms/xks/v1", NULL, "", "1", "12", "v1", "/kms/xks/v", "/kms/xks/v123", "//kms/xks/v1",
        "kms/xks/v1", "a/kms/xks/v1", "/a.b/kms/xks/v1", "/kms/xks/v1/", "/kms/xks/va", "/kms/xks/w1",
        "/kms/xks/v1\n");
    EXPECT(kw_pattern_region, "eu-west-1", "us-gov-west-1", "a-b-0123456789", NULL, "", "eu-1", "eu-west",
        "eu-west-", "eu-west-1a", "Eu-west-1", "a-b-c-d-1", "-west-1", "eu--1", "eu-west-1\n", "eu_west-1");
    EXPECT(kw_pattern_endpoint_service, "com.amazonaws.vpce.eu-west-1.vpce-svc-0a9z",
        "eu.amazonaws.vpce.eusc-de-east-1.vpce-svc-a", NULL, "", "com", "com.amazonaws.vpce.",
        "com.amazonaws.vpce.eu-west-1.vpce-svc-", "org.amazonaws.vpce.eu-west-1.vpce-svc-a",
        "com.amazonaws.vpce.west-1.vpce-svc-a", "com.amazonaws.vpce.eu-west-1.vpce-svc-A",
        "com.amazonaws.vpce.eu-west-1vpce-svc-a");
}
END_TEST

START_TEST(test_latin)
{
    EXPECT(kw_pattern_latin, "", " ", "~", "\x7f", "\xc2\x80", "\xc3\xbf", NULL, "\x1f", "\n", "\t",
        "\xc4\x80", "\xe2\x82\xac", "\xf0\x9f\x98\x80");
    EXPECT(kw_pattern_latin_lines, " ", "{\n\t\r}", "\xc2\x80\xc3\xbf", NULL, "", "\x1f", "\x0b", "\x0c",
        "\x08", "\xc4\x80", "\xe2\x82\xac");
    /* A character that is cut short: no request has one, but nothing is read beyond it. */
    ck_assert(!kw_pattern_latin(KW_LIT("\xc3")));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_classes);
    tcase_add_test(tcase, test_parts);
    tcase_add_test(tcase, test_latin);
}

int main(void)
{
    return kw_suite_run("pattern", add, 30);
}
