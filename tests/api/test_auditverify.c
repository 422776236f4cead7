#include "api/auditverify.h"

#include "engine/crypto.h"
#include "tests/support/auditdir.h"

#include <ctype.h>

static struct auditdir dir;

static void setup(void)
{
    auditdir_init(&dir);
}

static void teardown(void)
{
    auditdir_done(&dir);
}

/* One run of the log: a segment with `records` records, closed in good order. */
static void run_once(int records)
{
    struct kw_audit *audit = auditdir_open(&dir, AUDITDIR_SEGMENT);
    char body[64];

    for (int i = 0; i < records; i++) {
        snprintf(body, sizeof(body), "{\"eventName\":\"Decrypt\",\"n\":%d}", i);
        auditdir_submit_ok(&dir, audit, body);
    }
    kw_audit_close(audit);
}

/* Old enough that the verifier does not wait for a writer. */
static void make_old(const struct auditdir_file *file)
{
    const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};

    ck_assert_int_eq(utimensat(AT_FDCWD, file->path, times, 0), 0);
}

static void poke(const struct auditdir_file *file, size_t at, uint8_t value)
{
    auditdir_file_poke(file, at, &value, 1);
    make_old(file);
}

/* Offset of the line (from 1) in the file; of its end if past the last. */
static size_t line_at(const struct auditdir_file *file, int line)
{
    const uint8_t *at = file->data;

    for (int i = 1; i < line; i++) {
        at = memchr(at, '\n', file->len - (size_t)(at - file->data));
        ck_assert_ptr_nonnull(at);
        at++;
    }
    return (size_t)(at - file->data);
}

/* Makes the log look as if it had been killed: no closing checkpoint. Returns where the text ends now. */
static size_t drop_last_line(struct auditdir_file *file)
{
    size_t end = auditdir_file_used(file), at = end - 1;

    while (at > 0 && file->data[at - 1] != '\n')
        at--;
    memset(file->data + at, 0, end - at);
    auditdir_file_poke(file, at, file->data + at, end - at);
    make_old(file);
    return at;
}

static int verify(struct kw_audit_verdict *ret)
{
    return kw_audit_verify(dir.path, 0, NULL, NULL, NULL, ret);
}

static void expect_problem(const char *where)
{
    struct kw_audit_verdict verdict;

    ck_assert_int_eq(verify(&verdict), 1);
    ck_assert_msg(strstr(verdict.problem, where) != NULL, "%s: %s", where, verdict.problem);
}

static void expect_good(void)
{
    struct kw_audit_verdict verdict;
    int rc = verify(&verdict);

    ck_assert_msg(rc == 0, "%s", verdict.problem);
}

static void count_record(void *arg, struct kw_bytes line)
{
    struct kw_audit_line parsed;
    uint64_t *last = arg;

    ck_assert_int_eq(kw_audit_line_parse(line, &parsed), 0);
    ck_assert_uint_gt(parsed.sequence, *last);
    ck_assert(kw_bytes_starts(parsed.rest, KW_LIT("\"eventName\":\"Decrypt\"")));
    *last = parsed.sequence;
}

START_TEST(good_log)
{
    struct kw_audit_verdict verdict;
    uint64_t last = 0;

    run_once(3);
    run_once(2);
    ck_assert_int_eq(kw_audit_verify(dir.path, 0, NULL, count_record, &last, &verdict), 0);
    ck_assert_uint_eq(last, 8);
    ck_assert_uint_eq(verdict.segments, 2);
    ck_assert_uint_eq(verdict.quarantined, 0);
    ck_assert_uint_eq(verdict.records, 5);
    ck_assert_uint_eq(verdict.checkpoints, 2);
    ck_assert_uint_eq(verdict.last_sequence, 9);
    ck_assert_uint_eq(verdict.last_checkpoint_sequence, 9);
    ck_assert_int_gt(verdict.last_checkpoint_ms, INT64_C(1700000000000));
    ck_assert_uint_eq(verdict.torn_bytes, 0);
    ck_assert_str_eq(verdict.problem, "");
}
END_TEST

/* A byte anywhere in a closed log, the zeros behind the last lines and the public key included. */
static void flip_file(const char *name, size_t limit, size_t stride)
{
    struct auditdir_file file;
    struct kw_audit_verdict verdict;

    auditdir_file_load(&dir, name, &file);
    for (size_t at = 0; at < KW_MIN(file.len, limit); at += stride) {
        static const uint8_t masks[] = {0x01, 0x20};

        for (size_t i = 0; i < KW_ARRAY_LEN(masks); i++) {
            int rc;

            poke(&file, at, file.data[at] ^ masks[i]);
            rc = verify(&verdict);
            ck_assert_msg(rc == 1, "%s: byte %zu (%02x) changed by %02x: %d %s", name, at, file.data[at],
                masks[i], rc, verdict.problem);
            ck_assert_ptr_nonnull(strstr(verdict.problem, ".pub line") != NULL
                                      ? strstr(verdict.problem, ".pub line")
                                      : strstr(verdict.problem, "audit-00000"));
            if (!isalpha(file.data[at])) /* the second mask changes the case of a letter */
                break;
        }
        poke(&file, at, file.data[at]);
    }
    auditdir_file_done(&file);
}

/* Cuts off most of the zeros, so that thousands of runs over the log take seconds. Returns the length of the
 * text. */
static size_t shorten(const char *name)
{
    struct auditdir_file file;
    size_t used;

    auditdir_file_load(&dir, name, &file);
    used = auditdir_file_used(&file);
    ck_assert_int_eq(truncate(file.path, (off_t)(used / 512 + 4) * 512), 0);
    auditdir_file_done(&file);
    return used;
}

START_TEST(every_byte_counts)
{
    static const char *const names[] = {"audit-000001.jsonl", "audit-000002.jsonl"};
    size_t used[2];

    for (int i = 0; i < 2; i++) {
        run_once(1);
        used[i] = shorten(names[i]);
    }
    flip_file("audit.pub", SIZE_MAX, 1);
    for (int i = 0; i < 2; i++) {
        flip_file(names[i], used[i] + 40, 1); /* all text and the first zeros */
        flip_file(names[i], SIZE_MAX, 61);    /* zeros further on */
    }
    expect_good();
}
END_TEST

/* Without the closing checkpoint all but the text of the last record is still covered, and of that one its
 * head, its newline and the zeros. */
START_TEST(every_byte_of_a_killed_log_counts_up_to_the_last_record)
{
    struct auditdir_file file;
    struct kw_audit_verdict verdict;
    size_t end, last;

    run_once(4);
    auditdir_file_load(&dir, "audit-000001.jsonl", &file);
    end = drop_last_line(&file);
    last = line_at(&file, 5);
    ck_assert_int_eq(verify(&verdict), 0);
    ck_assert_uint_eq(verdict.records, 4);
    ck_assert_uint_eq(verdict.checkpoints, 0);
    for (size_t at = 0; at < end + 3; at++) {
        if (at >= last + 96 && at < end - 2)
            continue;
        poke(&file, at, file.data[at] ^ 1);
        ck_assert_msg(verify(&verdict) == 1, "byte %zu of %zu changed unseen", at, end);
        poke(&file, at, file.data[at]);
    }
    expect_good();
    auditdir_file_done(&file);
}
END_TEST

START_TEST(torn_write_is_told_apart)
{
    static uint8_t noise[2048];
    struct auditdir_file file;
    struct kw_audit_verdict verdict;
    size_t end, border;

    memset(noise, 'x', sizeof(noise));
    run_once(3);
    auditdir_file_load(&dir, "audit-000001.jsonl", &file);
    end = drop_last_line(&file);
    border = (end / 512 + 1) * 512;

    auditdir_file_poke(&file, end, noise, border - end); /* the sector of the last line, new */
    make_old(&file);
    ck_assert_int_eq(verify(&verdict), 0);
    ck_assert_uint_eq(verdict.torn_bytes, border - end);
    ck_assert_uint_eq(verdict.records, 3);
    poke(&file, border - 1, 0); /* no sector ends there */
    expect_problem("audit-000001.jsonl line 5");
    poke(&file, border - 1, 'x');
    auditdir_file_poke(&file, border + 512, noise, 512); /* one sector lost, one not */
    make_old(&file);
    ck_assert_int_eq(verify(&verdict), 0);
    ck_assert_uint_eq(verdict.torn_bytes, border + 1024 - end);
    poke(&file, border - 1, '\n'); /* a whole line, and not a line of the log */
    expect_problem("audit-000001.jsonl line 5");
    auditdir_file_done(&file);
}
END_TEST

START_TEST(more_than_one_write_is_not_torn)
{
    struct kw_audit *audit = auditdir_open(&dir, 2 * KW_AUDIT_BATCH_MAX);
    struct auditdir_file file;
    size_t end, border;

    auditdir_submit_ok(&dir, audit, "{\"a\":1}");
    kw_audit_close(audit);
    auditdir_file_load(&dir, "audit-000001.jsonl", &file);
    end = drop_last_line(&file);
    border = (end + KW_AUDIT_BATCH_MAX) / 512 * 512;
    memset(file.data + end, 'x', border - end);
    auditdir_file_poke(&file, end, file.data + end, border - end);
    make_old(&file);
    expect_good();
    memset(file.data + border, 'x', 512);
    auditdir_file_poke(&file, border, file.data + border, 512);
    make_old(&file);
    expect_problem("audit-000001.jsonl line 3");
    auditdir_file_done(&file);
}
END_TEST

START_TEST(cut_end_is_seen_with_a_kept_checkpoint)
{
    struct kw_audit_verdict kept, now;
    struct auditdir_file file;

    run_once(3);
    ck_assert_int_eq(verify(&kept), 0);
    run_once(1);
    ck_assert_int_eq(kw_audit_verify(dir.path, kept.last_sequence, kept.last_hash, NULL, NULL, &now), 0);
    kept.last_hash[31] ^= 1;
    ck_assert_int_eq(kw_audit_verify(dir.path, kept.last_sequence, kept.last_hash, NULL, NULL, &now), 1);
    ck_assert_ptr_nonnull(strstr(now.problem, "written anew"));
    kept.last_hash[31] ^= 1;

    auditdir_file_load(&dir, "audit-000002.jsonl", &file);
    ck_assert_int_eq(unlink(file.path), 0);
    auditdir_file_done(&file);
    ck_assert_int_eq(kw_audit_verify(dir.path, kept.last_sequence, kept.last_hash, NULL, NULL, &now), 0);
    auditdir_file_load(&dir, "audit-000001.jsonl", &file);
    drop_last_line(&file);
    expect_good(); /* nothing in the log can tell */
    ck_assert_int_eq(kw_audit_verify(dir.path, kept.last_sequence, kept.last_hash, NULL, NULL, &now), 1);
    ck_assert_ptr_nonnull(strstr(now.problem, "cut off"));
    auditdir_file_done(&file);
}
END_TEST

static void rename_file(const char *from, const char *to)
{
    struct auditdir_file a, b;

    auditdir_file_path(&dir, from, &a);
    auditdir_file_path(&dir, to, &b);
    ck_assert_int_eq(rename(a.path, b.path), 0);
}

START_TEST(missing_and_moved_segments)
{
    for (int i = 0; i < 3; i++)
        run_once(1);
    rename_file("audit-000002.jsonl", "kept");
    expect_problem(
        "audit-000001.jsonl line 4: the segment ends at sequence 3, but audit-000003.jsonl goes on at 7");
    rename_file("audit-000001.jsonl", "kept1");
    expect_problem("audit-000003.jsonl line 1: the log does not begin here");
    rename_file("kept1", "audit-000002.jsonl"); /* under a wrong number */
    expect_problem("audit-000002.jsonl line 1");
    rename_file("audit-000002.jsonl", "audit-000001.jsonl");
    rename_file("kept", "audit-000002.jsonl");
    expect_good();
    rename_file("audit-000002.jsonl", "audit-000002.jsonl.quarantined"); /* harmless: the chain decides */
    expect_good();
    rename_file("audit-000003.jsonl", "audit-000002.jsonl");
    expect_problem("audit-000002.jsonl: is there a second time");
    rename_file("audit-000002.jsonl", "audit-000003.jsonl");
}
END_TEST

START_TEST(blank_segments_say_nothing)
{
    struct kw_auditsegment segment = KW_AUDITSEGMENT_NONE;
    struct kw_audit_verdict verdict;
    int fd = open(dir.path, O_RDONLY | O_DIRECTORY);

    run_once(1);
    ck_assert_int_eq(kw_auditsegment_create(&segment, fd, 2, AUDITDIR_SEGMENT, NULL), 0);
    kw_auditsegment_close(&segment);
    ck_assert_int_eq(verify(&verdict), 0);
    ck_assert_uint_eq(verdict.segments, 1);
    close(fd);
}
END_TEST

START_TEST(key_must_be_there_and_the_right_one)
{
    struct kw_audit_verdict verdict;
    struct auditdir_file file;
    struct kw_auditkey other;
    int fd = open(dir.path, O_RDONLY | O_DIRECTORY);

    ck_assert_int_eq(verify(&verdict), -ENOENT);
    ck_assert_ptr_nonnull(strstr(verdict.problem, "audit.pub"));
    run_once(1);
    auditdir_file_path(&dir, "audit.pub", &file);
    ck_assert_int_eq(unlink(file.path), 0);
    ck_assert_int_eq(kw_auditkey_from_seed(&other, (const uint8_t[32]){9}), 0);
    ck_assert_int_eq(kw_auditkey_publish(&other, fd), 0);
    kw_auditkey_done(&other);
    expect_problem("audit-000001.jsonl line 1");
    close(fd);
}
END_TEST

START_TEST(folder_must_be_there)
{
    struct kw_audit_verdict verdict;
    char path[300];

    snprintf(path, sizeof(path), "%s/none", dir.path);
    ck_assert_int_eq(kw_audit_verify(path, 0, NULL, NULL, NULL, &verdict), -ENOENT);
    ck_assert_str_ne(verdict.problem, "");
}
END_TEST

START_TEST(hostile_files)
{
    struct kw_audit_verdict verdict;
    struct auditdir_file file;

    run_once(1);
    auditdir_file_path(&dir, "audit-000002.jsonl", &file);
    ck_assert_int_eq(symlink("/dev/zero", file.path), 0);
    ck_assert_int_lt(verify(&verdict), 0);
    ck_assert_int_eq(unlink(file.path), 0);
    ck_assert_int_eq(mkfifo(file.path, 0600), 0); /* must not hang */
    ck_assert_int_lt(verify(&verdict), 0);
    ck_assert_int_eq(unlink(file.path), 0);
    close(open(file.path, O_CREAT | O_WRONLY, 0600)); /* empty */
    expect_good();
    ck_assert_int_eq(truncate(file.path, (off_t)KW_AUDIT_SEGMENT * 100), 0); /* too large, and sparse */
    ck_assert_int_eq(verify(&verdict), -EFBIG);
}
END_TEST

/* While a writer is at it, at any moment. */
START_TEST(running_log_is_good)
{
    struct kw_audit *audit = auditdir_open(&dir, AUDITDIR_SEGMENT);
    static struct kw_audit_entry entries[200];
    static char body[1001];

    memset(body, 'b', 1000);
    memcpy(body, "{\"a\":\"", 6);
    memcpy(body + 998, "\"}", 2);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < KW_ARRAY_LEN(entries); i++) {
            entries[i] = (struct kw_audit_entry){.body = kw_bytes_str(body), .reply = &dir.mailbox};
            kw_audit_submit(audit, &entries[i]);
        }
        expect_good();
        for (size_t i = 0; i < KW_ARRAY_LEN(entries); i++)
            ck_assert_int_eq(auditdir_next(&dir)->result, 0);
    }
    kw_audit_close(audit);
    expect_good();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auditverify");
    TCase *tcase = tcase_create("auditverify");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, good_log);
    tcase_add_test(tcase, every_byte_counts);
    tcase_add_test(tcase, every_byte_of_a_killed_log_counts_up_to_the_last_record);
    tcase_add_test(tcase, torn_write_is_told_apart);
    tcase_add_test(tcase, more_than_one_write_is_not_torn);
    tcase_add_test(tcase, cut_end_is_seen_with_a_kept_checkpoint);
    tcase_add_test(tcase, missing_and_moved_segments);
    tcase_add_test(tcase, blank_segments_say_nothing);
    tcase_add_test(tcase, key_must_be_there_and_the_right_one);
    tcase_add_test(tcase, folder_must_be_there);
    tcase_add_test(tcase, hostile_files);
    tcase_add_test(tcase, running_log_is_good);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
