#include "api/http.h"

#include <check.h>
#include <stdio.h>

#define HOST "Host: localhost\r\n"

static int parse(struct kw_bytes in, struct kw_http_request *ret)
{
    size_t scanned = 0;

    return kw_http_parse(in, &scanned, ret);
}

static int parse_text(const char *text)
{
    struct kw_http_request request;

    return parse(kw_bytes_str(text), &request);
}

static void assert_text(struct kw_bytes text, const char *expected)
{
    ck_assert_msg(kw_bytes_equal(text, kw_bytes_str(expected)), "'%.*s' is not '%s'", (int)text.len,
        (const char *)text.ptr, expected);
}

static const char sdk_request[] = "POST /?a=b%20c&d HTTP/1.1\r\n"
                                  "Host: 127.0.0.1:8080\r\n"
                                  "X-Amz-Target: TrentService.ListKeys\r\n"
                                  "Content-Type:application/x-amz-json-1.1\r\n"
                                  "X-Empty:\r\n"
                                  "X-Spaces: \t a  b \t\r\n"
                                  "X-Latin: caf\xe9\r\n"
                                  "x-amz-target: second\r\n"
                                  "Content-Length: 2\r\n"
                                  "\r\n"
                                  "{}POST / HTTP/1.1\r\n";

START_TEST(test_request)
{
    struct kw_http_request request;

    ck_assert_int_eq(parse(kw_bytes_str(sdk_request), &request), 0);
    assert_text(request.method, "POST");
    assert_text(request.target, "/?a=b%20c&d");
    assert_text(request.path, "/");
    assert_text(request.query, "a=b%20c&d");
    ck_assert_uint_eq(request.num_headers, 8);
    ck_assert_uint_eq(request.content_length, 2);
    ck_assert(request.keep_alive);
    ck_assert(!request.expect_continue);
    ck_assert_mem_eq(sdk_request + request.head_len, "{}POST", 6);
    assert_text(request.headers[1].name, "X-Amz-Target");
}
END_TEST

START_TEST(test_header)
{
    struct kw_http_request request;

    ck_assert_int_eq(parse(kw_bytes_str(sdk_request), &request), 0);
    assert_text(kw_http_header(&request, "x-amz-target"), "TrentService.ListKeys");
    ck_assert_uint_eq(kw_http_header_count(&request, "x-amz-target"), 2);
    assert_text(kw_http_header(&request, "content-type"), "application/x-amz-json-1.1");
    assert_text(kw_http_header(&request, "x-spaces"), "a  b");
    assert_text(kw_http_header(&request, "x-latin"), "caf\xe9");
    ck_assert_uint_eq(kw_http_header(&request, "x-empty").len, 0);
    ck_assert_ptr_nonnull(kw_http_header(&request, "x-empty").ptr);
    ck_assert_ptr_null(kw_http_header(&request, "authorization").ptr);
    ck_assert_uint_eq(kw_http_header_count(&request, "authorization"), 0);
}
END_TEST

static const struct {
    const char *text;
    int result;
} hostile[] = {
    /* the request line */
    {"GET / HTTP/1.1\r\n\r\n", KW_HTTP_BAD}, /* no Host */
    {"\r\nGET / HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"\nGET / HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {" GET / HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET /  HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET\t/ HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET /\tHTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"G(T / HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"G\xc3\xa9T / HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET / x HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET http://localhost/ HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD}, /* absolute-form */
    {"CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET /#a HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET /\xe1\x88\xb4 HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET /a\"b HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET /% HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET /%2 HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET /%2g HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET /?%zz HTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET /\r\n\r\n", KW_HTTP_BAD}, /* HTTP/0.9 */
    {"GET / \r\n\r\n", KW_HTTP_BAD},
    {"GET\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET / HTTP/11\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.10\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET / HTTP/01.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET / http/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET / XTTP/1.1\r\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET / HTTP/0.9\r\n" HOST "\r\n", KW_HTTP_VERSION},
    {"GET / HTTP/1.2\r\n" HOST "\r\n", KW_HTTP_VERSION},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", KW_HTTP_VERSION},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", KW_HTTP_VERSION},
    /* lines */
    {"GET / HTTP/1.1\n" HOST "\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "X: a\r\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r" HOST "\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", KW_HTTP_BAD}, /* folding */
    {"GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb: c\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n " HOST "\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "X: a\x1b[31m\r\n\r\n", KW_HTTP_BAD},
    /* header names */
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "X y: a\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "X(: a\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "X\xc3\xa9: a\r\n\r\n", KW_HTTP_BAD},
    /* Host */
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\n" HOST "hOST: other\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.0\r\n" HOST HOST "\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", KW_HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", KW_HTTP_BAD},
    /* Content-Length and Transfer-Encoding */
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n", KW_HTTP_BAD},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\ncontent-length: 2\r\n\r\n", KW_HTTP_BAD},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 2, 2\r\n\r\n", KW_HTTP_BAD},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", KW_HTTP_BAD},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", KW_HTTP_BAD},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\n", KW_HTTP_BAD},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0x10\r\n\r\n", KW_HTTP_BAD},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1 0\r\n\r\n", KW_HTTP_BAD},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5.0\r\n\r\n", KW_HTTP_BAD},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5x\r\n\r\n", KW_HTTP_BAD},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 131073\r\n\r\n", KW_HTTP_BODY_TOO_BIG},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551617\r\n\r\n", KW_HTTP_BODY_TOO_BIG},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999999999999999999999999\r\n\r\n",
        KW_HTTP_BODY_TOO_BIG},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", KW_HTTP_ENCODING},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n", KW_HTTP_ENCODING},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\ntransfer-encoding:\r\n\r\n", KW_HTTP_ENCODING},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", KW_HTTP_ENCODING},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n", KW_HTTP_BAD},
    /* not HTTP at all */
    {"\x16\x03\x01\x02", KW_HTTP_BAD}, /* a TLS client */
    {"SSH-2.0-OpenSSH_9.2\r\n\r\n", KW_HTTP_BAD},
};

START_TEST(test_hostile)
{
    struct kw_http_request request = {.head_len = 12345};
    int r = parse(kw_bytes_str(hostile[_i].text), &request);

    ck_assert_msg(r == hostile[_i].result, "%d and not %d: %s", r, hostile[_i].result, hostile[_i].text);
    ck_assert_uint_eq(request.head_len, 12345);
}
END_TEST

START_TEST(test_nul)
{
    static const char text[] = "GET / HTTP/1.1\r\n" HOST "X: abc\r\n\r\n";
    struct kw_http_request request;

    /* A NUL in place of, and in front of, each byte of the head. */
    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        char changed[sizeof(text)];

        memcpy(changed, text, sizeof(text));
        changed[at] = '\0';
        ck_assert_int_eq(parse(KW_BYTES(changed, sizeof(text) - 1), &request), KW_HTTP_BAD);
        memcpy(changed, text, at);
        changed[at] = '\0';
        memcpy(changed + at + 1, text + at, sizeof(text) - 1 - at);
        ck_assert_int_eq(parse(KW_BYTES(changed, sizeof(text)), &request), KW_HTTP_BAD);
    }
}
END_TEST

static const char *const fine[] = {
    "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET /a/b;c=d/@:!$&'()*+,=-._~?x=/?:@ HTTP/1.1\r\n" HOST "\r\n",
    "M-SEARCH / HTTP/1.1\r\n" HOST "\r\n",
    "POST / HTTP/1.1\r\n" HOST "Content-Length: 0005\r\n\r\n",
    "POST / HTTP/1.1\r\n" HOST "Content-Length: \t131072 \r\n\r\n",
    "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "!#$%&'*+-.^_`|~09azAZ: \"(),/:;<=>?@[\\]{}\r\n\r\n",
};

START_TEST(test_fine)
{
    ck_assert_msg(parse_text(fine[_i]) == 0, "%s", fine[_i]);
}
END_TEST

START_TEST(test_connection)
{
    static const struct {
        const char *text;
        bool keep_alive, expect_continue;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", true, false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: Keep-Alive, CLOSE\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: x\r\nconnection: ,close ,\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\n\r\n", false, false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false, false},
        {"POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\n\r\n", true, true},
        {"POST / HTTP/1.1\r\n" HOST "Expect: something\r\n\r\n", true, false},
        {"POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", false, false},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(cases); i++) {
        struct kw_http_request request;

        ck_assert_int_eq(parse(kw_bytes_str(cases[i].text), &request), 0);
        ck_assert_msg(request.keep_alive == cases[i].keep_alive, "%s", cases[i].text);
        ck_assert_msg(request.expect_continue == cases[i].expect_continue, "%s", cases[i].text);
    }
}
END_TEST

START_TEST(test_content_length)
{
    struct kw_http_request request;

    ck_assert_int_eq(parse(kw_bytes_str(fine[4]), &request), 0);
    ck_assert_uint_eq(request.content_length, 5);
    ck_assert_int_eq(parse(kw_bytes_str(fine[5]), &request), 0);
    ck_assert_uint_eq(request.content_length, KW_HTTP_BODY_MAX);
}
END_TEST

static char big[2 * KW_HTTP_HEAD_MAX];

/* A head of exactly len bytes. */
static void make_head(size_t len)
{
    static const char start[] = "GET / HTTP/1.1\r\n" HOST "X: ";

    memset(big, 'a', sizeof(big));
    memcpy(big, start, sizeof(start) - 1);
    memcpy(big + len - 4, "\r\n\r\n", 4);
}

START_TEST(test_head_size)
{
    struct kw_http_request request;

    make_head(KW_HTTP_HEAD_MAX);
    ck_assert_int_eq(parse(KW_BYTES(big, sizeof(big)), &request), 0);
    ck_assert_uint_eq(request.head_len, KW_HTTP_HEAD_MAX);
    ck_assert_int_eq(parse(KW_BYTES(big, KW_HTTP_HEAD_MAX - 1), &request), KW_HTTP_MORE);
    make_head(KW_HTTP_HEAD_MAX + 1);
    ck_assert_int_eq(parse(KW_BYTES(big, KW_HTTP_HEAD_MAX - 1), &request), KW_HTTP_MORE);
    ck_assert_int_eq(parse(KW_BYTES(big, KW_HTTP_HEAD_MAX), &request), KW_HTTP_HEAD_TOO_BIG);
    ck_assert_int_eq(parse(KW_BYTES(big, sizeof(big)), &request), KW_HTTP_HEAD_TOO_BIG);
}
END_TEST

START_TEST(test_header_number)
{
    struct kw_http_request request;
    size_t len = (size_t)sprintf(big, "GET / HTTP/1.1\r\n" HOST);

    for (size_t i = 1; i < KW_HTTP_HEADERS_MAX; i++)
        len += (size_t)sprintf(big + len, "h%zu: %zu\r\n", i, i);
    memcpy(big + len, "\r\n", 2);
    ck_assert_int_eq(parse(KW_BYTES(big, len + 2), &request), 0);
    ck_assert_uint_eq(request.num_headers, KW_HTTP_HEADERS_MAX);
    assert_text(kw_http_header(&request, "h63"), "63");
    len += (size_t)sprintf(big + len, "one: more\r\n\r\n");
    ck_assert_int_eq(parse(KW_BYTES(big, len), &request), KW_HTTP_HEAD_TOO_BIG);
}
END_TEST

static bool same_request(const struct kw_http_request *a, const struct kw_http_request *b)
{
    if (a->num_headers != b->num_headers || a->head_len != b->head_len ||
        a->content_length != b->content_length || a->target.len != b->target.len)
        return false;
    for (size_t i = 0; i < a->num_headers; i++)
        if (!kw_bytes_equal(a->headers[i].name, b->headers[i].name) ||
            !kw_bytes_equal(a->headers[i].value, b->headers[i].value))
            return false;
    return true;
}

/* What came byte by byte, and what came in any two pieces, is judged like what came at once: an error is
 * found at the same byte, and a later call finds the same thing again. */
static void check_pieces(struct kw_bytes in)
{
    struct kw_http_request whole = {0}, pieces = {0};
    int expected = parse(in, &whole);
    size_t scanned = 0;
    int r = KW_HTTP_MORE;

    for (size_t len = 0; len <= in.len && r == KW_HTTP_MORE; len++)
        r = kw_http_parse(KW_BYTES(in.ptr, len), &scanned, &pieces);
    ck_assert_msg(r == expected, "%d and not %d: %s", r, expected, (const char *)in.ptr);
    ck_assert(same_request(&whole, &pieces));
    ck_assert_int_eq(kw_http_parse(in, &scanned, &pieces), expected);

    for (size_t cut = 0; cut <= in.len; cut++) {
        scanned = 0;
        r = kw_http_parse(KW_BYTES(in.ptr, cut), &scanned, &pieces);
        if (r == KW_HTTP_MORE)
            r = kw_http_parse(in, &scanned, &pieces);
        ck_assert_int_eq(r, expected);
        ck_assert(same_request(&whole, &pieces));
    }
}

START_TEST(test_pieces)
{
    check_pieces(kw_bytes_str(sdk_request));
    for (size_t i = 0; i < KW_ARRAY_LEN(hostile); i++)
        check_pieces(kw_bytes_str(hostile[i].text));
    for (size_t i = 0; i < KW_ARRAY_LEN(fine); i++)
        check_pieces(kw_bytes_str(fine[i]));
}
END_TEST

/* Every byte of a request replaced by every value: never a crash, and never a second Host or length that
 * slips in. */
START_TEST(test_all_bytes)
{
    static const char text[] = "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
    size_t accepted = 0;

    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        for (unsigned c = 0; c < 256; c++) {
            char changed[sizeof(text)];
            struct kw_http_request request;

            memcpy(changed, text, sizeof(text));
            changed[at] = (char)c;
            int r = parse(KW_BYTES(changed, sizeof(text) - 1), &request);
            ck_assert_int_ge(r, 0);
            if (r != 0)
                continue;
            accepted++;
            ck_assert_uint_eq(request.head_len, sizeof(text) - 1);
            /* "HTTP/1.0" needs no Host, but one change cannot lose it and the version as well. */
            ck_assert_uint_eq(kw_http_header_count(&request, "host"), 1);
            ck_assert_uint_le(request.content_length, 999);
        }
    }
    ck_assert_uint_gt(accepted, sizeof(text));
}
END_TEST

START_TEST(test_reason)
{
    ck_assert_str_eq(kw_http_reason(200), "OK");
    ck_assert_str_eq(kw_http_reason(400), "Bad Request");
    ck_assert_str_eq(kw_http_reason(431), "Request Header Fields Too Large");
    ck_assert_str_eq(kw_http_reason(599), "Error");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *tcase = tcase_create("http");

    tcase_add_test(tcase, test_request);
    tcase_add_test(tcase, test_header);
    tcase_add_loop_test(tcase, test_hostile, 0, (int)KW_ARRAY_LEN(hostile));
    tcase_add_test(tcase, test_nul);
    tcase_add_loop_test(tcase, test_fine, 0, (int)KW_ARRAY_LEN(fine));
    tcase_add_test(tcase, test_connection);
    tcase_add_test(tcase, test_content_length);
    tcase_add_test(tcase, test_head_size);
    tcase_add_test(tcase, test_header_number);
    tcase_add_test(tcase, test_pieces);
    tcase_add_test(tcase, test_all_bytes);
    tcase_add_test(tcase, test_reason);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
