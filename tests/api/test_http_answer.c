#include "api/http_answer.h"

#include "api/http.h"
#include "tests/support/suite.h"

#include <stdio.h>

#define DATE "Mon, 23 Nov 2026 23:59:59 GMT"

/* Byte for byte what printf would write, and nothing behind it. */
static void check(const struct kw_http_answer *answer)
{
    char expected[2048], head[2048];
    int len = snprintf(expected, sizeof(expected),
        "HTTP/1.1 %u %s\r\nDate: %.*s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%.*s%s\r\n",
        answer->status, kw_http_reason(answer->status), (int)answer->date.len, (const char *)answer->date.ptr,
        answer->content_type, answer->content_length, (int)answer->headers.len,
        answer->headers.len > 0 ? (const char *)answer->headers.ptr : "",
        answer->close ? "Connection: close\r\n" : "");
    size_t least =
        KW_HTTP_ANSWER_REST_MAX + answer->date.len + strlen(answer->content_type) + answer->headers.len;

    memset(head, '#', sizeof(head));
    ck_assert_uint_eq(kw_http_answer_head(head, least, answer), (size_t)len);
    ck_assert_mem_eq(head, expected, (size_t)len);
    ck_assert_int_eq(head[len], '#');
    ck_assert_uint_le((size_t)len, least);
}

START_TEST(test_heads)
{
    static const unsigned statuses[] = {
        100, 200, 400, 403, 404, 405, 408, 413, 431, 500, 501, 503, 505, 299, 999};
    static const size_t lengths[] = {0, 9, 10, 4096, 4194304, SIZE_MAX};
    static const char more[] = "x-amzn-RequestId: 1\r\nServer-Timing: total;dur=0.1\r\n";

    for (size_t i = 0; i < KW_ARRAY_LEN(statuses); i++)
        for (size_t k = 0; k < 2 * KW_ARRAY_LEN(lengths); k++) {
            struct kw_http_answer answer = {
                .status = statuses[i],
                .date = KW_LIT(DATE),
                .content_type = "application/x-amz-json-1.1",
                .content_length = lengths[k / 2],
                .headers = k % 2 ? kw_bytes_str(more) : KW_BYTES(NULL, 0),
                .close = k % 2,
            };
            check(&answer);
        }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_heads);
}

int main(void)
{
    return kw_suite_run("http_answer", add, 10);
}
