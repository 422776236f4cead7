#include "tools/cli/wire.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <stdio.h>

static struct kw_wire_endpoint endpoint;

static int parse(const char *url)
{
    KW_TROUBLE struct kw_trouble trouble = KW_TROUBLE_INIT;
    int r = kw_wire_endpoint_parse(url, &endpoint, &trouble);

    ck_assert_int_eq(r != 0, trouble.status != 0);
    return r;
}

static void expect(
    const char *url, bool tls, const char *host, const char *header, const char *port, const char *path)
{
    ck_assert_msg(parse(url) == 0, "%s", url);
    ck_assert(endpoint.tls == tls);
    ck_assert_str_eq(endpoint.host, host);
    ck_assert_str_eq(endpoint.header, header);
    ck_assert_str_eq(endpoint.port, port);
    ck_assert_str_eq(endpoint.path, path);
}

START_TEST(test_endpoints)
{
    expect("http://127.0.0.1:4599", false, "127.0.0.1", "127.0.0.1:4599", "4599", "/");
    ck_assert_str_eq(endpoint.url, "http://127.0.0.1:4599/");
    expect("https://kms.us-east-1.amazonaws.com", true, "kms.us-east-1.amazonaws.com",
        "kms.us-east-1.amazonaws.com", "443", "/");
    expect("HTTPS://h/a/b-c_d.e~f", true, "h", "h", "443", "/a/b-c_d.e~f");
    expect("http://h", false, "h", "h", "80", "/");
    /* The port that goes without saying is not said, and another one is. */
    expect("http://h:80/", false, "h", "h", "80", "/");
    expect("https://h:443/", true, "h", "h", "443", "/");
    expect("https://h:80/", true, "h", "h:80", "80", "/");
    expect("http://[::1]:4599/", false, "::1", "[::1]:4599", "4599", "/");
    expect("http://[::1]", false, "::1", "[::1]", "80", "/");
}
END_TEST

START_TEST(test_bad_endpoints)
{
    static const char *const bad[] = {"", "127.0.0.1:4599", "ftp://h", "http://", "http:///", "http://:80",
        "http://h:", "http://h:x", "http://h:123456", "http://[::1", "http://[]", "http://[::1]x",
        "http://user@h", "http://h h", "http://h/a?b", "http://h/a b", "http://h/%41", "http://h\r\nX: y/",
        "http://\x7f/"};
    char text[2048] = "http://";

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(parse(bad[i]) == 1, "%s", bad[i]);
    memset(text + 7, 'h', 300);
    ck_assert_int_eq(parse(text), 1);
    memset(text + 7, 'h', sizeof(text) - 8);
    ck_assert_int_eq(parse(text), 1);
}
END_TEST

/* Out: text, NUL-terminated. */
static int body_of(const char *raw, char text[256])
{
    KW_SBUF struct kw_sbuf body = KW_SBUF_INIT(4096);
    int r = kw_wire_body(kw_bytes_str(raw), &body);

    snprintf(text, 256, "%.*s", (int)body.len, body.len > 0 ? (const char *)body.ptr : "");
    return r;
}

START_TEST(test_bodies)
{
    char text[256];

    ck_assert_int_eq(body_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", text), 0);
    ck_assert_str_eq(text, "{}");
    ck_assert_int_eq(body_of("HTTP/1.1 200 OK\r\n\r\n", text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(body_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                             "chunked\r\n\r\n3\r\n{\"a\r\nA;x=y\r\n\":\"bcdefg\"\r\n1\r\n}\r\n0\r\n\r\n",
                         text),
        0);
    ck_assert_str_eq(text, "{\"a\":\"bcdefg\"}");
    /* What came before the answer is passed over. */
    ck_assert_int_eq(
        body_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", text), 0);
    ck_assert_str_eq(text, "x");
}
END_TEST

START_TEST(test_bad_bodies)
{
    static const char *const bad[] = {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n{}\r\n0\r\n\r\n"};
    char text[256];

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(body_of(bad[i], text) == 1, "%s", bad[i]);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_endpoints);
    tcase_add_test(tcase, test_bad_endpoints);
    tcase_add_test(tcase, test_bodies);
    tcase_add_test(tcase, test_bad_bodies);
}

int main(void)
{
    return kw_crypto_init() == 0 ? kw_suite_run("wire", add, 20) : EXIT_FAILURE;
}
