#include "api/auditsegment.h"
#include "engine/crypto.h"
#include "tests/support/auditdir.h"

static struct auditdir dir;
static int dir_fd;

static void setup(void)
{
    auditdir_init(&dir);
    dir_fd = open(dir.path, O_RDONLY | O_DIRECTORY);
}

static void teardown(void)
{
    close(dir_fd);
    auditdir_done(&dir);
}

static void touch(const char *name)
{
    int fd = openat(dir_fd, name, O_CREAT | O_WRONLY, 0600);

    ck_assert_int_ge(fd, 0);
    close(fd);
}

START_TEST(names_have_one_spelling)
{
    static const char *const bad[] = {"", "audit-", "audit-1.jsonl", "audit-0000001.jsonl",
        "audit-000001.json", "audit-000001.jsonl.tmp", "audit-000001.jsonl.quarantined2",
        "audit-+00001.jsonl", "audit- 00001.jsonl", "audit-000001.jsonl.quarantined.quarantined",
        "audit-99999999999999999999999.jsonl", "audit.pub"};
    char name[KW_AUDIT_NAME_MAX];
    uint64_t number = 5;
    bool quarantined = true;

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(
            kw_auditsegment_parse_name(bad[i], &number, &quarantined) == 1 && number == 5, "%s", bad[i]);
    kw_auditsegment_name(1234567, true, name);
    ck_assert_str_eq(name, "audit-1234567.jsonl.quarantined");
    ck_assert_int_eq(kw_auditsegment_parse_name(name, &number, &quarantined), 0);
    ck_assert(number == 1234567 && quarantined);
    ck_assert_int_eq(kw_auditsegment_parse_name("audit-000001.jsonl", &number, &quarantined), 0);
    ck_assert(number == 1 && !quarantined);
}
END_TEST

START_TEST(create_is_cancelled)
{
    struct kw_auditsegment segment = KW_AUDITSEGMENT_NONE;
    _Atomic bool cancel;

    atomic_init(&cancel, true);
    ck_assert_int_eq(kw_auditsegment_create(&segment, dir_fd, 3, 700000, &cancel), -ECANCELED);
    ck_assert_int_eq(segment.fd, -1);
    ck_assert(!auditdir_has(&dir, "audit-000003.jsonl"));
    ck_assert(!auditdir_has(&dir, "audit-000003.jsonl.tmp"));
    atomic_store(&cancel, false);
    ck_assert_int_eq(kw_auditsegment_create(&segment, dir_fd, 3, 700000, &cancel), 0);
    kw_auditsegment_close(&segment);
}
END_TEST

START_TEST(create_makes_zeros)
{
    struct kw_auditsegment segment = KW_AUDITSEGMENT_NONE, second = KW_AUDITSEGMENT_NONE;
    struct auditdir_file file;
    struct stat status;

    touch("audit-000003.jsonl.tmp"); /* left by a crash */
    ck_assert_int_eq(kw_auditsegment_create(&segment, dir_fd, 3, 700000, NULL), 0);
    ck_assert_int_eq(fstat(segment.fd, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    ck_assert_int_eq(fcntl(segment.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_ge(status.st_blocks * 512, 700000); /* real ones */
    auditdir_file_load(&dir, "audit-000003.jsonl", &file);
    ck_assert_uint_eq(file.len, 700000);
    ck_assert_uint_eq(auditdir_file_used(&file), 0);
    auditdir_file_done(&file);
    ck_assert(!auditdir_has(&dir, "audit-000003.jsonl.tmp"));

    ck_assert_int_eq(kw_auditsegment_create(&second, dir_fd, 3, 1000, NULL), -EEXIST);
    ck_assert_int_eq(second.fd, -1);
    ck_assert(!auditdir_has(&dir, "audit-000003.jsonl.tmp"));
    kw_auditsegment_discard(&segment, dir_fd);
    ck_assert_int_eq(segment.fd, -1);
    ck_assert(!auditdir_has(&dir, "audit-000003.jsonl"));
}
END_TEST

START_TEST(create_fails_without_a_folder)
{
    struct kw_auditsegment segment = KW_AUDITSEGMENT_NONE;

    ck_assert_int_eq(kw_auditsegment_create(&segment, -1, 3, 1000, NULL), -EBADF);
    ck_assert_int_eq(segment.fd, -1);
}
END_TEST

START_TEST(quarantine_renames)
{
    struct kw_auditsegment segment = KW_AUDITSEGMENT_NONE;

    ck_assert_int_eq(kw_auditsegment_create(&segment, dir_fd, 1, 4096, NULL), 0);
    kw_auditsegment_quarantine(&segment, dir_fd);
    ck_assert_int_eq(segment.fd, -1);
    ck_assert(auditdir_has(&dir, "audit-000001.jsonl.quarantined"));
    ck_assert(!auditdir_has(&dir, "audit-000001.jsonl"));
    kw_auditsegment_quarantine(&segment, dir_fd); /* the rename fails: tolerated */
    ck_assert(auditdir_has(&dir, "audit-000001.jsonl.quarantined"));
}
END_TEST

START_TEST(list_sorts_and_finds_twins)
{
    struct kw_auditsegment_entry *entries = NULL;
    uint64_t twice = 0;
    size_t num = 0;

    touch("audit-000010.jsonl");
    touch("audit-000009.jsonl.quarantined");
    touch("audit-1000000.jsonl");
    touch("audit-000011.jsonl.tmp");
    touch("notes.txt");
    ck_assert_int_eq(kw_auditsegment_list(dir_fd, &entries, &num, &twice), 0);
    ck_assert_uint_eq(num, 3);
    ck_assert(entries[0].number == 9 && entries[0].quarantined);
    ck_assert(entries[1].number == 10 && !entries[1].quarantined);
    ck_assert_uint_eq(entries[2].number, 1000000);
    free(entries);

    touch("audit-000010.jsonl.quarantined");
    ck_assert_int_eq(kw_auditsegment_list(dir_fd, &entries, &num, &twice), 1);
    ck_assert_uint_eq(twice, 10);
    ck_assert_int_eq(kw_auditsegment_list(-1, &entries, &num, &twice), -EBADF);
}
END_TEST

START_TEST(sweep_removes_what_was_not_used)
{
    touch("audit-000001.jsonl");
    touch("audit-000002.jsonl");
    touch("audit-000003.jsonl.quarantined");
    touch("audit-000003.jsonl.tmp");
    touch("audit-x.tmp");
    ck_assert_int_eq(kw_auditsegment_sweep(dir_fd, 1), 0);
    ck_assert(auditdir_has(&dir, "audit-000001.jsonl"));
    ck_assert(!auditdir_has(&dir, "audit-000002.jsonl"));
    ck_assert(auditdir_has(&dir, "audit-000003.jsonl.quarantined"));
    ck_assert(!auditdir_has(&dir, "audit-000003.jsonl.tmp"));
    ck_assert(auditdir_has(&dir, "audit-x.tmp"));
    ck_assert_int_eq(kw_auditsegment_sweep(-1, 1), -EBADF);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auditsegment");
    TCase *tcase = tcase_create("auditsegment");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, names_have_one_spelling);
    tcase_add_test(tcase, create_is_cancelled);
    tcase_add_test(tcase, create_makes_zeros);
    tcase_add_test(tcase, create_fails_without_a_folder);
    tcase_add_test(tcase, quarantine_renames);
    tcase_add_test(tcase, list_sorts_and_finds_twins);
    tcase_add_test(tcase, sweep_removes_what_was_not_used);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
