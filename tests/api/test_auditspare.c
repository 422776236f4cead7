#include "api/auditspare.h"

#include "engine/crypto.h"
#include "tests/support/auditdir.h"
#include "tests/support/suite.h"

#include <sys/eventfd.h>

#define BYTES 8192

static struct auditdir dir;
static struct kw_auditspare spare;
static int wake_fd, dir_fd;

static void setup(void)
{
    auditdir_init(&dir);
    wake_fd = eventfd(0, EFD_CLOEXEC);
    dir_fd = open(dir.path, O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(kw_auditspare_start(&spare, dir_fd, BYTES, wake_fd), 0);
}

static void teardown(void)
{
    close(dir_fd);
    close(wake_fd);
    auditdir_done(&dir);
}

static void wait_for_news(void)
{
    struct pollfd wait = {.fd = wake_fd, .events = POLLIN};
    eventfd_t count;

    ck_assert_int_eq(poll(&wait, 1, 10000), 1);
    ck_assert_int_eq(eventfd_read(wake_fd, &count), 0);
}

START_TEST(makes_what_is_wanted)
{
    struct kw_auditsegment segment = KW_AUDITSEGMENT_NONE;

    ck_assert_int_eq(kw_auditspare_take(&spare, &segment), 1);
    kw_auditspare_want(&spare, 7);
    kw_auditspare_want(&spare, 8); /* one at a time */
    wait_for_news();
    ck_assert_int_eq(kw_auditspare_take_failure(&spare), 0);
    ck_assert_int_eq(kw_auditspare_take(&spare, &segment), 0);
    ck_assert_uint_eq(segment.number, 7);
    ck_assert(auditdir_has(&dir, "audit-000007.jsonl"));
    ck_assert(!auditdir_has(&dir, "audit-000008.jsonl"));
    ck_assert_int_eq(kw_auditspare_take(&spare, &segment), 1);
    kw_auditsegment_close(&segment);
    kw_auditspare_stop(&spare);
    ck_assert(auditdir_has(&dir, "audit-000007.jsonl"));
}
END_TEST

START_TEST(passes_over_a_number_that_is_there)
{
    struct kw_auditsegment segment = KW_AUDITSEGMENT_NONE;

    close(openat(dir_fd, "audit-000003.jsonl", O_CREAT | O_WRONLY, 0600));
    kw_auditspare_want(&spare, 3);
    wait_for_news();
    ck_assert_int_eq(kw_auditspare_take(&spare, &segment), 0);
    ck_assert_uint_eq(segment.number, 4);
    kw_auditsegment_close(&segment);
    kw_auditspare_stop(&spare);
}
END_TEST

START_TEST(removes_what_nobody_took)
{
    kw_auditspare_want(&spare, 1);
    wait_for_news();
    ck_assert(auditdir_has(&dir, "audit-000001.jsonl"));
    kw_auditspare_stop(&spare);
    ck_assert(!auditdir_has(&dir, "audit-000001.jsonl"));
}
END_TEST

/* In a folder that is gone nothing can be made; a failure is told once and can be tried again. */
START_TEST(tells_of_a_failure)
{
    struct kw_auditsegment segment = KW_AUDITSEGMENT_NONE;

    ck_assert_int_eq(rmdir(dir.path), 0);
    for (int i = 0; i < 2; i++) {
        kw_auditspare_want(&spare, 1);
        wait_for_news();
        ck_assert_int_eq(
            i == 0 ? kw_auditspare_take(&spare, &segment) : kw_auditspare_take_failure(&spare), -ENOENT);
        ck_assert_int_eq(kw_auditspare_take_failure(&spare), 0);
        ck_assert_int_eq(kw_auditspare_take(&spare, &segment), 1);
    }
    kw_auditspare_stop(&spare);
    ck_assert_int_eq(mkdir(dir.path, 0700), 0);
}
END_TEST

/* A segment of 64 GiB would take minutes. */
START_TEST(stop_breaks_off)
{
    uint64_t began;

    spare.bytes = 64ull << 30;
    kw_auditspare_want(&spare, 1);
    while (!auditdir_has(&dir, "audit-000001.jsonl.tmp"))
        poll(NULL, 0, 1);
    began = kw_now_ns();
    kw_auditspare_stop(&spare);
    ck_assert_uint_lt(kw_now_ns() - began, 5000000000u);
    ck_assert(!auditdir_has(&dir, "audit-000001.jsonl.tmp"));
    ck_assert(!auditdir_has(&dir, "audit-000001.jsonl"));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, makes_what_is_wanted);
    tcase_add_test(tcase, passes_over_a_number_that_is_there);
    tcase_add_test(tcase, removes_what_nobody_took);
    tcase_add_test(tcase, tells_of_a_failure);
    tcase_add_test(tcase, stop_breaks_off);
}

int main(void)
{
    return kw_crypto_init() == 0 ? kw_suite_run("auditspare", add, 60) : EXIT_FAILURE;
}
