#include "tools/loadanswer.h"

#include "tests/support/suite.h"

#include <stdio.h>

static struct kw_answer answer;

/* All of it at once; the result and how much was used. */
static int feed(const char *text, size_t *ret_used)
{
    kw_answer_reset(&answer);
    return kw_answer_feed(&answer, kw_bytes_str(text), ret_used);
}

/* The same in pieces of so many bytes. */
static int feed_pieces(const char *text, size_t step)
{
    size_t len = strlen(text);
    int r = KW_ANSWER_MORE;

    kw_answer_reset(&answer);
    for (size_t at = 0; at < len && r == KW_ANSWER_MORE; at += step) {
        size_t used, piece = KW_MIN(step, len - at);

        r = kw_answer_feed(&answer, KW_BYTES(text + at, piece), &used);
        ck_assert(used <= piece && (used == piece || r != KW_ANSWER_MORE));
    }
    return r;
}

static void expect(const char *text, int expected, unsigned status, uint64_t body_len)
{
    size_t used;

    ck_assert_int_eq(feed(text, &used), expected);
    for (size_t step = 1; step <= 40; step += 3) {
        ck_assert_msg(feed_pieces(text, step) == expected, "%s in pieces of %zu", text, step);
        if (expected == KW_ANSWER_BAD)
            continue;
        ck_assert_uint_eq(answer.status, status);
        ck_assert_uint_eq(answer.body_len, body_len);
    }
}

START_TEST(test_length)
{
    size_t used;

    expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, 200, 5);
    ck_assert(!answer.close && !answer.waited);
    expect("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 0, 200, 0);
    expect("HTTP/1.1 204 No Content\r\n\r\n", 0, 204, 0);
    expect("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhell", KW_ANSWER_MORE, 200, 4);
    /* What follows is not its own. */
    ck_assert_int_eq(feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP", &used), 0);
    ck_assert_uint_eq(used, strlen("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    /* Another answer is read by the same. */
    ck_assert_int_eq(feed("HTTP/1.1 400 Bad\r\nContent-Length: 1\r\n\r\nx", &used), 0);
    ck_assert_uint_eq(answer.status, 400);
}
END_TEST

START_TEST(test_interim)
{
    expect("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 0, 200, 1);
    expect("HTTP/1.1 101 Switching\r\n\r\n", KW_ANSWER_BAD, 0, 0);
}
END_TEST

START_TEST(test_chunks)
{
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
           "chunked\r\n\r\n5\r\nhello\r\n1A;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n"
           "0\r\n\r\n",
        0, 200, 31);
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Trailer: 1\r\nY: 2\r\n\r\n",
        0, 200, 1);
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", KW_ANSWER_BAD, 0, 0);
}
END_TEST

START_TEST(test_until_close)
{
    expect("HTTP/1.1 200 OK\r\n\r\nabc", KW_ANSWER_MORE, 200, 3);
    ck_assert(answer.close);
    ck_assert_int_eq(kw_answer_end(&answer), 0);
    expect("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", KW_ANSWER_MORE, 200, 3);
    ck_assert_int_eq(kw_answer_end(&answer), KW_ANSWER_BAD);
    kw_answer_reset(&answer);
    ck_assert_int_eq(kw_answer_end(&answer), KW_ANSWER_BAD);
}
END_TEST

START_TEST(test_headers)
{
    expect("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", 0, 200, 0);
    ck_assert(answer.close);
    expect("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 0, 200, 0);
    ck_assert(answer.close);
    expect("HTTP/1.1 200 OK\r\nServer-Timing: total;dur=1.5, pool;desc=wait\r\nContent-Length: 0\r\n\r\n", 0,
        200, 0);
    ck_assert(answer.waited);
    expect("HTTP/1.1 200 OK\r\nServer-Timing: total;dur=1.5, pool;desc=hit\r\nContent-Length: 0\r\n\r\n", 0,
        200, 0);
    ck_assert(!answer.waited);
}
END_TEST

START_TEST(test_hostile)
{
    static char text[KW_ANSWER_HEAD_MAX * 2];
    size_t used;

    expect("SSH-2.0-OpenSSH_9.2\r\n\r\n", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/2.0 200 OK\r\n\r\n", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/1.1 20 OK\r\n\r\n", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/1.1 099 OK\r\n\r\n", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/1.1 200OK\r\n\r\n", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", KW_ANSWER_BAD, 0, 0);
    expect("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", KW_ANSWER_BAD, 0, 0);
    expect(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", KW_ANSWER_BAD, 0, 0);
    /* A head without an end. */
    memset(text, 'a', sizeof(text) - 1);
    memcpy(text, "HTTP/1.1 200 OK\r\nX: ", 20);
    ck_assert_int_eq(feed(text, &used), KW_ANSWER_BAD);
    ck_assert_int_eq(feed_pieces(text, 1000), KW_ANSWER_BAD);
    /* It stays that way. */
    ck_assert_int_eq(kw_answer_feed(&answer, KW_LIT("HTTP/1.1 200 OK\r\n\r\n"), &used), KW_ANSWER_BAD);
}
END_TEST

static void expect_error(const char *head, const char *body, const char *expected)
{
    char text[2048], error[KW_ANSWER_ERROR_MAX];
    size_t used;

    snprintf(text, sizeof(text), "HTTP/1.1 400 Bad Request\r\n%sContent-Length: %zu\r\n\r\n%s", head,
        strlen(body), body);
    ck_assert_int_eq(feed(text, &used), 0);
    kw_answer_error(&answer, error);
    ck_assert_str_eq(error, expected);
}

START_TEST(test_errors)
{
    expect_error("", "{\"__type\":\"ThrottlingException\",\"message\":\"Rate\"}", "ThrottlingException");
    expect_error("", "{\"__type\" : \"com.amazonaws.kms#NotFoundException\"}", "NotFoundException");
    expect_error("x-amzn-ErrorType: AccessDeniedException:http://x\r\n", "{}", "AccessDeniedException");
    expect_error("", "", "HTTP 400");
    expect_error("", "<html>", "HTTP 400");
    expect_error("", "{\"__type\":\"", "HTTP 400");
    expect_error("", "{\"__type\":\"a\\u001b[31m\n\"}", "a.u001b.31m.");
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_length);
    tcase_add_test(tcase, test_interim);
    tcase_add_test(tcase, test_chunks);
    tcase_add_test(tcase, test_until_close);
    tcase_add_test(tcase, test_headers);
    tcase_add_test(tcase, test_hostile);
    tcase_add_test(tcase, test_errors);
}

int main(void)
{
    return kw_suite_run("loadanswer", add, 60);
}
