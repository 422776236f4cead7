#include "api/log.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Stderr goes to a file in memory between capture_begin and capture_end. */
static int saved_stderr, capture_fd;
static char captured[256 * 1024];

static void capture_begin(void)
{
    saved_stderr = dup(STDERR_FILENO);
    capture_fd = memfd_create("log", MFD_CLOEXEC);
    ck_assert_int_ge(saved_stderr, 0);
    ck_assert_int_ge(capture_fd, 0);
    ck_assert_int_eq(dup2(capture_fd, STDERR_FILENO), STDERR_FILENO);
}

static size_t capture_end(void)
{
    ck_assert_int_eq(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
    ssize_t len = pread(capture_fd, captured, sizeof(captured) - 1, 0);
    ck_assert_int_ge(len, 0);
    captured[len] = '\0';
    close(saved_stderr);
    close(capture_fd);
    return (size_t)len;
}

START_TEST(line_has_time_level_event_and_pairs)
{
    capture_begin();
    kw_log(KW_LOG_INFO, "listening", "address=%s port=%u", "127.0.0.1", 4566u);
    size_t len = capture_end();

    int year, month, day, hour, minute, second, ms, rest = 0;
    ck_assert_int_eq(sscanf(captured, "time=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day, &hour,
                         &minute, &second, &ms, &rest),
        7);
    ck_assert_int_ge(year, 2024);
    ck_assert_int_eq(rest, 30);
    ck_assert_str_eq(captured + rest, "level=info event=listening address=127.0.0.1 port=4566\n");
    ck_assert_uint_eq(len, strlen(captured));
}
END_TEST

START_TEST(no_pairs_leave_no_trailing_space)
{
    capture_begin();
    kw_log(KW_LOG_WARN, "stopped", "%s", "");
    capture_end();
    ck_assert_str_eq(strstr(captured, "level="), "level=warn event=stopped\n");
}
END_TEST

START_TEST(level_filters)
{
    capture_begin();
    kw_log(KW_LOG_DEBUG, "hidden", "%s", "");
    kw_log_set_level(KW_LOG_ERROR);
    kw_log(KW_LOG_WARN, "hidden", "%s", "");
    kw_log(KW_LOG_ERROR, "shown", "%s", "");
    kw_log_set_level(KW_LOG_DEBUG);
    kw_log(KW_LOG_DEBUG, "shown2", "%s", "");
    kw_log_set_level(KW_LOG_INFO);
    capture_end();
    ck_assert_ptr_null(strstr(captured, "hidden"));
    ck_assert_ptr_nonnull(strstr(captured, "event=shown\n"));
    ck_assert_ptr_nonnull(strstr(captured, "level=debug event=shown2\n"));
}
END_TEST

START_TEST(long_line_is_cut_and_ends)
{
    char long_text[5000];
    memset(long_text, 'a', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';

    capture_begin();
    kw_log(KW_LOG_INFO, "long", "text=%s", long_text);
    size_t len = capture_end();
    ck_assert_uint_eq(len, KW_LOG_LINE_MAX);
    ck_assert_int_eq(captured[len - 1], '\n');
    ck_assert_ptr_eq(strchr(captured, '\n'), captured + len - 1);

    capture_begin();
    kw_log(KW_LOG_INFO, "hostile", "text=%s", "a\nlevel=error event=forged\x1b[2J\x7f");
    len = capture_end();
    ck_assert_ptr_eq(strchr(captured, '\n'), captured + len - 1);
    ck_assert_ptr_nonnull(strstr(captured, "text=a?level=error event=forged?[2J?\n"));
}
END_TEST

START_TEST(errno_is_kept)
{
    int closed = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = ERANGE;
    kw_log(KW_LOG_INFO, "nowhere", "%s", "");
    int after = errno;
    dup2(closed, STDERR_FILENO);
    close(closed);
    ck_assert_int_eq(after, ERANGE);
}
END_TEST

static void *log_many(void *arg)
{
    for (int i = 0; i < 500; i++)
        kw_log(KW_LOG_INFO, "thread", "n=%s end=1", (const char *)arg);
    return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
    static const char *const names[] = {"aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"};
    pthread_t threads[2];
    /* O_APPEND makes each write(2) land behind the last one whatever thread it comes from. */
    char path[] = "log-test-XXXXXX";
    saved_stderr = dup(STDERR_FILENO);
    capture_fd = mkostemp(path, O_APPEND | O_CLOEXEC);
    ck_assert_int_ge(capture_fd, 0);
    unlink(path);
    dup2(capture_fd, STDERR_FILENO);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_many, (void *)(uintptr_t)names[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    capture_end();

    int num = 0;
    for (char *save, *line = strtok_r(captured, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save), num++) {
        ck_assert_int_eq(strncmp(line, "time=", 5), 0);
        const char *value = strstr(line, " n=");
        ck_assert_ptr_nonnull(value);
        ck_assert(strcmp(value, " n=aaaaaaaaaaaaaaaa end=1") == 0 ||
                  strcmp(value, " n=bbbbbbbbbbbbbbbb end=1") == 0);
    }
    ck_assert_int_eq(num, 1000);
}
END_TEST

START_TEST(level_names_parse)
{
    enum kw_log_level level = KW_LOG_ERROR;
    ck_assert_int_eq(kw_log_level_parse("debug", &level), 0);
    ck_assert_int_eq(level, KW_LOG_DEBUG);
    ck_assert_int_eq(kw_log_level_parse("info", &level), 0);
    ck_assert_int_eq(level, KW_LOG_INFO);
    ck_assert_int_eq(kw_log_level_parse("warn", &level), 0);
    ck_assert_int_eq(level, KW_LOG_WARN);
    ck_assert_int_eq(kw_log_level_parse("error", &level), 0);
    ck_assert_int_eq(level, KW_LOG_ERROR);
    ck_assert_int_eq(kw_log_level_parse("", &level), 1);
    ck_assert_int_eq(kw_log_level_parse("ERROR", &level), 1);
    ck_assert_int_eq(kw_log_level_parse("errors", &level), 1);
    ck_assert_int_eq(level, KW_LOG_ERROR);
}
END_TEST

#define QUOTED(text, expected)                                                                               \
    do {                                                                                                     \
        char out_[128];                                                                                      \
        ck_assert_str_eq(kw_log_quote(out_, sizeof(out_), text, sizeof(text) - 1), expected);                \
    } while (0)

START_TEST(quote_neutralises)
{
    QUOTED("", "\"\"");
    QUOTED("plain text", "\"plain text\"");
    QUOTED("a\"b\\c", "\"a\\\"b\\\\c\"");
    QUOTED("a\r\nlevel=error", "\"a\\x0d\\x0alevel=error\"");
    QUOTED("\0\x1b[31m\x7f", "\"\\x00\\x1b[31m\\x7f\"");
    QUOTED("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91",
        "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91\"");
    QUOTED("\xc0\x80", "\"\\xc0\\x80\"");                   /* overlong NUL */
    QUOTED("\xe0\x80\xaf", "\"\\xe0\\x80\\xaf\"");          /* overlong slash */
    QUOTED("\xed\xa0\x80", "\"\\xed\\xa0\\x80\"");          /* surrogate */
    QUOTED("\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\""); /* above U+10FFFF */
    QUOTED("\xff\xfe", "\"\\xff\\xfe\"");
    QUOTED("\xe2\x82", "\"\\xe2\\x82\""); /* cut short */
    QUOTED("\xc2\x9b"
           "31m",
        "\"\\xc2\\x9b31m\""); /* C1 CSI */
    QUOTED("\xe2\x80\xa8\xe2\x80\xae",
        "\"\\xe2\\x80\\xa8\\xe2\\x80\\xae\""); /* line separator, right-to-left override */
}
END_TEST

START_TEST(quote_cuts_between_characters)
{
    static const char text[] = "\n\"\xe2\x82\xac\xff\n\"\xe2\x82\xac\xff";
    char out[64];
    for (size_t cap = 3; cap < sizeof(out); cap++) {
        memset(out, '#', sizeof(out));
        kw_log_quote(out, cap, text, sizeof(text) - 1);
        size_t len = strlen(out);
        ck_assert_uint_lt(len, cap);
        ck_assert_int_eq(out[0], '"');
        ck_assert_int_eq(out[len - 1], '"');
        for (size_t i = 1; i < len - 1; i++) { /* no escape is cut in the middle */
            if (out[i] == '\\')
                i += out[i + 1] == 'x' ? 3 : 1;
            ck_assert_uint_lt(i, len - 1);
        }
        for (size_t i = len + 1; i < sizeof(out); i++)
            ck_assert_int_eq(out[i], '#');
    }
    ck_assert_str_eq(kw_log_quote(out, 3, "abc", 3), "\"\"");
    ck_assert_str_eq(kw_log_quote(out, 5, "abc", 3), "\"ab\"");
    ck_assert_str_eq(kw_log_quote(out, 6, "a\nb", 3), "\"a\"");
    ck_assert_str_eq(kw_log_quote(out, 8, "a\nb", 3), "\"a\\x0a\"");
}
END_TEST

START_TEST(limit_counts_what_it_swallows)
{
    struct kw_log_limit limit = {.interval_ns = 1000};
    uint64_t suppressed = 99;
    ck_assert(kw_log_allowed(&limit, 5000, &suppressed));
    ck_assert_uint_eq(suppressed, 0);
    suppressed = 99;
    ck_assert(!kw_log_allowed(&limit, 5001, &suppressed));
    ck_assert(!kw_log_allowed(&limit, 5999, &suppressed));
    ck_assert_uint_eq(suppressed, 99);
    ck_assert(kw_log_allowed(&limit, 6000, &suppressed));
    ck_assert_uint_eq(suppressed, 2);
    ck_assert(kw_log_allowed(&limit, 100000, &suppressed));
    ck_assert_uint_eq(suppressed, 0);
    ck_assert(!kw_log_allowed(&limit, 100999, &suppressed));
}
END_TEST

static struct kw_log_limit shared_limit = {.interval_ns = UINT64_MAX / 2};
static _Atomic unsigned num_allowed;

static void *allow_many(void *arg)
{
    (void)arg;
    uint64_t suppressed;
    for (int i = 0; i < 10000; i++)
        num_allowed += kw_log_allowed(&shared_limit, 1, &suppressed);
    return NULL;
}

START_TEST(limit_lets_one_of_many_threads_pass)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, allow_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(num_allowed, 1);

    uint64_t suppressed = 0;
    ck_assert(kw_log_allowed(&shared_limit, UINT64_MAX / 2 + 1, &suppressed));
    ck_assert_uint_eq(suppressed, 39999);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("log");
    tcase_add_test(tcase, line_has_time_level_event_and_pairs);
    tcase_add_test(tcase, no_pairs_leave_no_trailing_space);
    tcase_add_test(tcase, level_filters);
    tcase_add_test(tcase, long_line_is_cut_and_ends);
    tcase_add_test(tcase, errno_is_kept);
    tcase_add_test(tcase, lines_of_threads_do_not_mix);
    tcase_add_test(tcase, level_names_parse);
    tcase_add_test(tcase, quote_neutralises);
    tcase_add_test(tcase, quote_cuts_between_characters);
    tcase_add_test(tcase, limit_counts_what_it_swallows);
    tcase_add_test(tcase, limit_lets_one_of_many_threads_pass);

    Suite *suite = suite_create("log");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
