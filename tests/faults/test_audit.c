/* The audit log on a disk that fails: writes, syncs and new segments, once and for long. */
#include "api/audit.h"
#include "engine/crypto.h"
#include "pool/fault.h"
#include "tests/support/auditdir.h"

#define RECORD "{\"eventName\":\"Decrypt\"}"
/* In the plans: the first write and sync are the first header's, the first creation is that segment's, the
 * second its spare's. */

static struct auditdir dir;
static struct kw_audit *audit;

static void setup(void)
{
    auditdir_init(&dir);
    ck_assert_int_eq(kw_fault_set(""), 0);
}

static void teardown(void)
{
    ck_assert_int_eq(kw_fault_set(""), 0);
    auditdir_done(&dir);
}

static struct kw_audit_stats stats(void)
{
    struct kw_audit_stats now;

    kw_audit_stats(audit, &now);
    return now;
}

static void open_with(const char *plan)
{
    ck_assert_int_eq(kw_fault_set(plan), 0);
    audit = auditdir_open(&dir, AUDITDIR_SEGMENT);
}

static void wait_until_healthy(void)
{
    uint64_t end = kw_now_ns() + 10000000000ull;

    while (!kw_audit_healthy(audit) && kw_now_ns() < end)
        poll(NULL, 0, 1);
    ck_assert(kw_audit_healthy(audit));
}

/* Closes, and checks what the log holds. */
static void finish(uint64_t records, uint64_t quarantined)
{
    struct kw_audit_verdict verdict;

    kw_audit_close(audit);
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.records, records);
    ck_assert_uint_eq(verdict.quarantined, quarantined);
    ck_assert_uint_eq(verdict.last_checkpoint_sequence, verdict.last_sequence); /* closed in good order */
    ck_assert_int_eq(kw_fault_set(""), 0);
    kw_audit_close(auditdir_open(&dir, AUDITDIR_SEGMENT)); /* and can be gone on with */
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.records, records);
}

static const char *const single[] = {"audit-write:eio@3", "audit-write:enospc@3", "audit-write:short@3",
    "audit-sync:eio@3", "audit-sync:fail@3"};

/* One failure: the record goes into a new segment, nobody is refused. */
START_TEST(one_failure_is_survived)
{
    uint64_t sequence;

    open_with(single[_i]);
    auditdir_submit_ok(&dir, audit, RECORD);
    ck_assert_int_eq(auditdir_submit(&dir, audit, RECORD, &sequence), 0);
    ck_assert_uint_eq(sequence, 4); /* behind the new header, which has the number that it would have had */
    ck_assert(kw_audit_healthy(audit));
    ck_assert(auditdir_has(&dir, "audit-000001.jsonl.quarantined"));
    ck_assert(!auditdir_has(&dir, "audit-000001.jsonl"));
    ck_assert_uint_eq(stats().failures, 1);
    ck_assert_uint_eq(stats().quarantined, 1);
    ck_assert_uint_eq(stats().refused, 0);
    auditdir_submit_ok(&dir, audit, RECORD);
    finish(3, 1);
}
END_TEST

/* The quarantined file is never written again: not one byte of it changes. */
START_TEST(quarantined_file_is_left_alone)
{
    struct auditdir_file before, after;

    open_with("audit-sync:eio@3");
    auditdir_submit_ok(&dir, audit, RECORD);
    auditdir_submit_ok(&dir, audit, RECORD);
    auditdir_file_load(&dir, "audit-000001.jsonl.quarantined", &before);
    for (int i = 0; i < 20; i++)
        auditdir_submit_ok(&dir, audit, RECORD);
    auditdir_file_load(&dir, "audit-000001.jsonl.quarantined", &after);
    ck_assert_uint_eq(before.len, after.len);
    ck_assert_mem_eq(before.data, after.data, before.len);
    auditdir_file_done(&before);
    auditdir_file_done(&after);
    finish(22, 1);
}
END_TEST

/* Many entries in the batch that fails: each comes back once, in order, and is in the log once. */
START_TEST(batch_is_written_again)
{
    static struct kw_audit_entry entries[300];
    uint64_t last = 0;

    open_with("audit-write:short@2,audit-sync:eio@3");
    for (size_t i = 0; i < KW_ARRAY_LEN(entries); i++) {
        entries[i] = (struct kw_audit_entry){.body = KW_LIT(RECORD), .reply = &dir.mailbox, .result = 1};
        kw_audit_submit(audit, &entries[i]);
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(entries); i++) {
        struct kw_audit_entry *entry = auditdir_next(&dir);

        ck_assert_ptr_eq(entry, &entries[i]);
        ck_assert_int_eq(entry->result, 0);
        ck_assert_uint_gt(entry->sequence, last);
        last = entry->sequence;
    }
    ck_assert_int_eq(kw_fault_set(""), 0);
    finish(KW_ARRAY_LEN(entries), stats().quarantined);
}
END_TEST

/* The new segment fails, too: refused with the error, unhealthy, refused at once, and back by itself. */
START_TEST(two_failures_refuse_and_recover)
{
    uint64_t began;
    int rc;

    open_with("audit-write:enospc@3+3");
    auditdir_submit_ok(&dir, audit, RECORD);
    ck_assert_int_eq(auditdir_submit(&dir, audit, RECORD, NULL), -ENOSPC);
    ck_assert(!kw_audit_healthy(audit));
    ck_assert(!stats().healthy);
    ck_assert_str_eq(stats().trouble, "the audit log cannot be written: No space left on device");
    began = kw_now_ns();
    rc = auditdir_submit(&dir, audit, RECORD, NULL);
    ck_assert_int_eq(rc, -ENOSPC);
    ck_assert_uint_lt(kw_now_ns() - began, 200000000u);
    wait_until_healthy();
    ck_assert(stats().healthy);
    ck_assert_str_eq(stats().trouble, "");
    ck_assert_uint_eq(stats().refused, 2);
    auditdir_submit_ok(&dir, audit, RECORD);
    ck_assert(!auditdir_has(&dir, "audit-000002.jsonl")); /* nothing was durable in it */
    finish(2, 1);
}
END_TEST

/* No new segment can be made: what is there is used up first. */
START_TEST(creation_failure_matters_when_a_segment_is_needed)
{
    uint64_t end = kw_now_ns() + 5000000000ull;

    open_with("audit-create:enospc@2+*");
    while (stats().failures < 2 && kw_now_ns() < end) /* tried again every 250 ms */
        poll(NULL, 0, 1);
    ck_assert_uint_ge(stats().failures, 2);
    ck_assert(kw_audit_healthy(audit));
    auditdir_submit_ok(&dir, audit, RECORD);

    ck_assert_int_eq(kw_fault_set("audit-create:enospc@1+*,audit-write:eio@1"), 0);
    ck_assert_int_eq(auditdir_submit(&dir, audit, RECORD, NULL), -ENOSPC);
    ck_assert(!kw_audit_healthy(audit));
    poll(NULL, 0, 600);
    ck_assert_int_eq(auditdir_submit(&dir, audit, RECORD, NULL), -ENOSPC);
    ck_assert_int_eq(kw_fault_set(""), 0);
    wait_until_healthy();
    auditdir_submit_ok(&dir, audit, RECORD);
    finish(2, 1);
}
END_TEST

/* A full segment and none to follow it: refused, and taken up again. */
START_TEST(creation_failure_at_rotation)
{
    static char body[KW_AUDIT_RECORD_MAX + 1];
    int rc = 0;

    memset(body, ' ', KW_AUDIT_RECORD_MAX);
    memcpy(body, "{\"a\":1", 6);
    body[KW_AUDIT_RECORD_MAX - 1] = '}';
    open_with("audit-create:enospc@2+*");
    auditdir_submit_ok(&dir, audit, body);
    rc = auditdir_submit(&dir, audit, body, NULL);
    ck_assert_int_eq(rc, -ENOSPC);
    ck_assert_int_eq(kw_fault_set(""), 0);
    wait_until_healthy();
    auditdir_submit_ok(&dir, audit, body);
    finish(2, 0);
}
END_TEST

/* While a commit takes its time, what comes gathers into the next one. */
START_TEST(slow_disk_gathers)
{
    static struct kw_audit_entry entries[100];
    uint64_t began = kw_now_ns();

    open_with("audit-sync:delay@2");
    for (size_t i = 0; i < KW_ARRAY_LEN(entries); i++) {
        entries[i] = (struct kw_audit_entry){.body = KW_LIT(RECORD), .reply = &dir.mailbox, .result = 1};
        kw_audit_submit(audit, &entries[i]);
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(entries); i++)
        ck_assert_int_eq(auditdir_next(&dir)->result, 0);
    ck_assert_uint_ge(kw_now_ns() - began, 1000000000u);
    ck_assert_uint_le(stats().commits, 4);
    finish(KW_ARRAY_LEN(entries), 0);
}
END_TEST

/* ---- two batches under way ---- */

/* More than two batches hold, all submitted at once: the first is at the disk for a second, and the second is
 * chained behind it, when the first fails. */
#define LONG_BODY 60000
#define LONG_NUM  45
static_assert(LONG_BODY * LONG_NUM > 2 * KW_AUDIT_BATCH_MAX, "they are more than two batches hold");

static struct kw_audit_entry long_entries[LONG_NUM];

static void submit_long(const char *plan)
{
    static char body[LONG_BODY];

    memset(body, ' ', sizeof(body));
    memcpy(body, "{\"a\":1", 6);
    body[LONG_BODY - 1] = '}';
    ck_assert_int_eq(kw_fault_set(plan), 0);
    audit = auditdir_open(&dir, KW_AUDIT_SEGMENT);
    auditdir_submit_ok(&dir, audit, RECORD);
    for (size_t i = 0; i < LONG_NUM; i++) {
        long_entries[i] =
            (struct kw_audit_entry){.body = KW_BYTES(body, sizeof(body)), .reply = &dir.mailbox, .result = 1};
        kw_audit_submit(audit, &long_entries[i]);
    }
}

static const char *const delayed[] = {"audit-write:delay@3,audit-sync:eio@3",
    "audit-write:delay@3,audit-sync:fail@3,audit-write:short@5", "audit-sync:delay@3,audit-write:enospc@4"};

/* Both are written again, in order and once. */
START_TEST(second_batch_follows_the_first_into_a_new_segment)
{
    uint64_t last = 0;

    submit_long(delayed[_i]);
    for (size_t i = 0; i < LONG_NUM; i++) {
        const struct kw_audit_entry *entry = auditdir_next(&dir);

        ck_assert_ptr_eq(entry, &long_entries[i]);
        ck_assert_int_eq(entry->result, 0);
        ck_assert_uint_gt(entry->sequence, last);
        last = entry->sequence;
    }
    ck_assert_uint_eq(stats().refused, 0);
    finish(1 + LONG_NUM, stats().quarantined);
}
END_TEST

/* Neither can be written: all are refused, none is in the log, and it goes on. */
START_TEST(both_batches_are_refused)
{
    submit_long("audit-write:delay@3,audit-sync:eio@3,audit-write:enospc@4+2");
    for (size_t i = 0; i < LONG_NUM; i++) {
        const struct kw_audit_entry *entry = auditdir_next(&dir);

        ck_assert_ptr_eq(entry, &long_entries[i]);
        ck_assert_int_eq(entry->result, -ENOSPC);
    }
    ck_assert_uint_eq(stats().refused, LONG_NUM);
    wait_until_healthy();
    auditdir_submit_ok(&dir, audit, RECORD);
    finish(2, 1);
}
END_TEST

/* A close that comes while two are under way waits for both. */
START_TEST(close_waits_for_both_batches)
{
    struct kw_audit_verdict verdict;

    submit_long("audit-write:delay@3");
    kw_audit_close(audit);
    for (size_t i = 0; i < LONG_NUM; i++)
        ck_assert_int_eq(auditdir_next(&dir)->result, 0);
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.records, 1 + LONG_NUM);
    ck_assert_uint_eq(verdict.last_checkpoint_sequence, verdict.last_sequence);
}
END_TEST

/* What goes to stderr meanwhile, in a file. */
static FILE *captured;
static int kept_stderr;

static void capture(void)
{
    captured = tmpfile();
    ck_assert_ptr_nonnull(captured);
    kept_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(fileno(captured), STDERR_FILENO), STDERR_FILENO);
}

static void capture_end(char *ret, size_t cap)
{
    ssize_t len = pread(fileno(captured), ret, cap - 1, 0);

    ret[KW_MAX(len, 0)] = '\0';
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    fclose(captured);
}

static void expect_once(const char *text, const char *line)
{
    const char *found = strstr(text, line);

    ck_assert_msg(found != NULL, "%s is not in: %s", line, text);
    ck_assert_msg(strstr(found + 1, line) == NULL, "%s is twice in: %s", line, text);
}

/* One line for each change, however many entries are refused meanwhile. */
START_TEST(changes_are_logged_once)
{
    char text[4096];

    capture();
    open_with("audit-write:enospc@3+3");
    auditdir_submit_ok(&dir, audit, RECORD);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(auditdir_submit(&dir, audit, RECORD, NULL), -ENOSPC);
    wait_until_healthy();
    auditdir_submit_ok(&dir, audit, RECORD);
    finish(2, 1);
    capture_end(text, sizeof(text));
    expect_once(text, "level=warn event=audit-quarantined segment=audit-000001.jsonl.quarantined error=\"No "
                      "space left on device\"\n");
    expect_once(text, "level=error event=audit-unhealthy error=\"No space left on device\"\n");
    expect_once(text, "level=warn event=audit-recovered segment=audit-000004.jsonl refused=5\n");
}
END_TEST

static const char *const at_open[] = {
    "audit-create:enospc@1+*", "audit-write:enospc@1+*", "audit-write:enospc@1,audit-create:enospc@2+*"};

START_TEST(open_fails_with_a_reason)
{
    struct kw_audit_verdict verdict;
    struct kw_audit *none = NULL;

    ck_assert_int_eq(kw_fault_set(at_open[_i]), 0);
    ck_assert_int_eq(auditdir_try_open(&dir, &none, AUDITDIR_SEGMENT), -ENOSPC);
    ck_assert_ptr_null(none);
    ck_assert_ptr_nonnull(strstr(dir.why, "No space left on device"));
    ck_assert_int_eq(kw_fault_set(""), 0);
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.segments, 0);
    audit = auditdir_open(&dir, AUDITDIR_SEGMENT);
    auditdir_submit_ok(&dir, audit, RECORD);
    finish(1, 0);
}
END_TEST

/* Closing while nothing can be written returns, with every entry answered. */
START_TEST(close_while_unhealthy)
{
    struct kw_audit_verdict verdict;

    open_with("audit-write:eio@3+*");
    auditdir_submit_ok(&dir, audit, RECORD);
    ck_assert_int_eq(auditdir_submit(&dir, audit, RECORD, NULL), -EIO);
    kw_audit_close(audit);
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.records, 1);
    ck_assert_int_eq(kw_fault_set(""), 0);
    audit = auditdir_open(&dir, AUDITDIR_SEGMENT);
    auditdir_submit_ok(&dir, audit, RECORD);
    finish(2, 1);
}
END_TEST

/* A storm: failures of all kinds at all places, and what was acknowledged is there, once and in order. */
START_TEST(storm)
{
    static struct kw_audit_entry entries[64];
    uint64_t good = 0;
    char plan[256];

    open_with("");
    for (unsigned round = 0; round < 12; round++) {
        snprintf(plan, sizeof(plan), "audit-write:short@%u,audit-sync:eio@%u+%u,audit-create:enospc@%u+2",
            2 + round % 3, 2 + round % 5, 1 + round % 2, 1 + round % 2);
        ck_assert_int_eq(kw_fault_set(plan), 0);
        for (unsigned burst = 0; burst < 8; burst++) {
            for (size_t i = 0; i < KW_ARRAY_LEN(entries); i++) {
                entries[i] =
                    (struct kw_audit_entry){.body = KW_LIT(RECORD), .reply = &dir.mailbox, .result = 1};
                kw_audit_submit(audit, &entries[i]);
            }
            for (size_t i = 0; i < KW_ARRAY_LEN(entries); i++) {
                int rc = auditdir_next(&dir)->result;

                ck_assert_int_le(rc, 0);
                good += rc == 0;
            }
        }
        wait_until_healthy();
    }
    ck_assert_uint_eq(stats().records, good);
    ck_assert_uint_eq(stats().refused, 12 * 8 * KW_ARRAY_LEN(entries) - good);
    ck_assert_int_eq(kw_fault_set(""), 0);
    finish(good, stats().quarantined);
}
END_TEST

int main(void)
{
    Suite *suite;
    TCase *tcase;
    SRunner *runner;
    int failed;

    if (!kw_fault_compiled_in()) {
        puts("skipped: built without the option `faults`");
        return 77;
    }
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    suite = suite_create("faults/audit");
    tcase = tcase_create("faults/audit");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, one_failure_is_survived, 0, (int)KW_ARRAY_LEN(single));
    tcase_add_test(tcase, quarantined_file_is_left_alone);
    tcase_add_test(tcase, batch_is_written_again);
    tcase_add_test(tcase, two_failures_refuse_and_recover);
    tcase_add_test(tcase, creation_failure_matters_when_a_segment_is_needed);
    tcase_add_test(tcase, creation_failure_at_rotation);
    tcase_add_test(tcase, slow_disk_gathers);
    tcase_add_loop_test(
        tcase, second_batch_follows_the_first_into_a_new_segment, 0, (int)KW_ARRAY_LEN(delayed));
    tcase_add_test(tcase, both_batches_are_refused);
    tcase_add_test(tcase, close_waits_for_both_batches);
    tcase_add_test(tcase, changes_are_logged_once);
    tcase_add_loop_test(tcase, open_fails_with_a_reason, 0, (int)KW_ARRAY_LEN(at_open));
    tcase_add_test(tcase, close_while_unhealthy);
    tcase_add_test(tcase, storm);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
