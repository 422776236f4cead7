#include "api/audit.h"

#include "engine/crypto.h"
#include "tests/support/auditdir.h"
#include "tests/support/suite.h"

#include <pthread.h>

#define RECORD "{\"eventName\":\"Decrypt\"}"

static struct auditdir dir;

static void setup(void)
{
    auditdir_init(&dir);
}

static void teardown(void)
{
    auditdir_done(&dir);
}

static bool file_says(const char *name, const char *text)
{
    struct auditdir_file file;
    bool found;

    auditdir_file_load(&dir, name, &file);
    found = memmem(file.data, file.len, text, strlen(text)) != NULL;
    auditdir_file_done(&file);
    return found;
}

/* ---- in good order ---- */

START_TEST(records_are_durable_and_numbered)
{
    struct kw_audit *audit = auditdir_open(&dir, AUDITDIR_SEGMENT);
    struct kw_audit_stats stats;
    struct kw_audit_verdict verdict;
    uint64_t sequence = 0;
    char path[512];

    ck_assert(kw_audit_healthy(audit));
    ck_assert_int_eq(auditdir_submit(&dir, audit, RECORD, &sequence), 0);
    ck_assert_uint_eq(sequence, 2); /* the header is 1 */
    ck_assert(file_says("audit-000001.jsonl", "\"eventName\":\"Decrypt\"}\n"));
    auditdir_verify(&dir, &verdict); /* while it runs */
    ck_assert_uint_eq(verdict.records, 1);

    kw_audit_stats(audit, &stats);
    ck_assert_uint_eq(stats.records, 1);
    ck_assert_uint_eq(stats.sequence, 2);
    ck_assert_uint_ge(stats.commits, 2);
    ck_assert_uint_gt(stats.bytes, 300);
    ck_assert_uint_eq(stats.failures + stats.refused + stats.quarantined, 0);
    ck_assert(stats.healthy);
    ck_assert_str_eq(stats.trouble, "");
    kw_audit_path(audit, path, sizeof(path));
    ck_assert_int_eq(strncmp(path, dir.path, strlen(dir.path)), 0);
    ck_assert_str_eq(path + strlen(dir.path), "/audit-000001.jsonl");
    kw_audit_close(audit);
    kw_audit_close(NULL);

    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.last_sequence, 3);
    ck_assert_uint_eq(verdict.checkpoints, 1);
    ck_assert(!auditdir_has(&dir, "audit-000002.jsonl")); /* the spare is gone */
}
END_TEST

START_TEST(folder_is_private)
{
    struct kw_audit *audit = NULL;
    struct stat status;
    char inner[300];
    struct kw_audit_config config = {.dir = inner, .signing_seed = auditdir_seed};

    snprintf(inner, sizeof(inner), "%s/inner", dir.path);
    ck_assert_int_eq(kw_audit_open(&audit, &config, dir.why, sizeof(dir.why)), 0);
    kw_audit_close(audit);
    ck_assert_int_eq(stat(inner, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0700);
    auditdir_clear(inner);
    ck_assert_int_eq(rmdir(inner), 0);
}
END_TEST

START_TEST(bad_bodies_are_refused)
{
    static char body[KW_AUDIT_RECORD_MAX + 2];
    static const char *const bad[] = {
        "", "{}", "x", "{\"a\":1}\n", "{\"a\":\"\n\"}", "{\"a\":1}}", "{\"recordType\":\"header\"}"};
    struct kw_audit *audit = auditdir_open(&dir, AUDITDIR_SEGMENT);
    struct kw_audit_verdict verdict;
    struct kw_audit_stats stats;

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_int_eq(auditdir_submit(&dir, audit, bad[i], NULL), -EINVAL);
    memset(body, ' ', sizeof(body) - 1);
    memcpy(body, "{\"a\":1", 6);
    body[KW_AUDIT_RECORD_MAX] = '}';
    ck_assert_int_eq(auditdir_submit(&dir, audit, body, NULL), -E2BIG);
    body[KW_AUDIT_RECORD_MAX] = '\0';
    body[KW_AUDIT_RECORD_MAX - 1] = '}';
    for (int i = 0; i < 5; i++) /* one to a segment */
        auditdir_submit_ok(&dir, audit, body);
    memset(body + 6, 'a', 500);
    memcpy(body + 6, ",\"signature\":\"", 14);
    memcpy(body + 6 + 14 + 128, "\"}", 3);
    ck_assert_int_eq(auditdir_submit(&dir, audit, body, NULL), -EINVAL);
    kw_audit_stats(audit, &stats);
    ck_assert_uint_eq(stats.refused, KW_ARRAY_LEN(bad) + 2);
    ck_assert(stats.healthy);
    kw_audit_close(audit);
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.records, 5);
    ck_assert_uint_eq(verdict.segments, 5);
}
END_TEST

/* ---- many submitters ---- */

#define SUBMITTERS 3
#define BURST      40
#define BURSTS     100

struct submitter {
    pthread_t thread;
    struct kw_audit *audit;
    struct auditdir box; /* for its mailbox */
    bool in_order;
    unsigned good;
};

static void *submit_bursts(void *arg)
{
    struct submitter *me = arg;
    struct kw_audit_entry entries[BURST];
    uint64_t last = 0, count;

    me->in_order = true;
    for (int burst = 0; burst < BURSTS; burst++) {
        for (int i = 0; i < BURST; i++) {
            entries[i] = (struct kw_audit_entry){
                .body = KW_LIT(
                    "{\"eventName\":\"Encrypt\",\"filler\":\"0123456789012345678901234567890123456789\"}"),
                .reply = &me->box.mailbox};
            kw_audit_submit(me->audit, &entries[i]);
        }
        for (int left = BURST; left > 0;) {
            struct pollfd wait = {.fd = me->box.mailbox.eventfd, .events = POLLIN};

            if (poll(&wait, 1, 10000) != 1 || read(wait.fd, &count, sizeof(count)) < 0)
                return NULL;
            for (struct kw_inbox_node *node = kw_inbox_take(&me->box.mailbox.inbox); node != NULL;
                 node = node->next, left--) {
                struct kw_audit_entry *entry = KW_CONTAINER_OF(node, struct kw_audit_entry, node);

                me->in_order &= entry->sequence > last;
                me->good += entry->result == 0;
                last = entry->sequence;
            }
        }
    }
    return NULL;
}

START_TEST(many_submitters_get_chain_order)
{
    static struct submitter submitters[SUBMITTERS];
    struct kw_audit *audit = auditdir_open(&dir, AUDITDIR_SEGMENT);
    struct kw_audit_verdict verdict;
    struct kw_audit_stats stats;

    for (int i = 0; i < SUBMITTERS; i++) {
        submitters[i] = (struct submitter){.audit = audit};
        ck_assert_int_eq(kw_mailbox_init(&submitters[i].box.mailbox), 0);
        ck_assert_int_eq(pthread_create(&submitters[i].thread, NULL, submit_bursts, &submitters[i]), 0);
    }
    for (int i = 0; i < SUBMITTERS; i++) {
        pthread_join(submitters[i].thread, NULL);
        ck_assert(submitters[i].in_order);
        ck_assert_uint_eq(submitters[i].good, BURST * BURSTS);
    }
    kw_audit_stats(audit, &stats);
    ck_assert_uint_eq(stats.records, SUBMITTERS * BURST * BURSTS);
    ck_assert_uint_lt(stats.commits, stats.records / 4); /* they were gathered */
    kw_audit_close(audit);
    for (int i = 0; i < SUBMITTERS; i++)
        kw_mailbox_done(&submitters[i].box.mailbox);
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.records, SUBMITTERS * BURST * BURSTS);
    ck_assert_uint_gt(verdict.segments, 10); /* rotated by size */
}
END_TEST

START_TEST(close_commits_what_was_submitted)
{
    static struct kw_audit_entry entries[500];
    struct kw_audit *audit = auditdir_open(&dir, AUDITDIR_SEGMENT);
    struct kw_audit_verdict verdict;

    for (size_t i = 0; i < KW_ARRAY_LEN(entries); i++) {
        entries[i] = (struct kw_audit_entry){.body = KW_LIT(RECORD), .reply = &dir.mailbox, .result = 1};
        kw_audit_submit(audit, &entries[i]);
    }
    kw_audit_close(audit);
    for (size_t i = 0; i < KW_ARRAY_LEN(entries); i++)
        ck_assert_int_eq(auditdir_next(&dir)->result, 0);
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.records, KW_ARRAY_LEN(entries));
    ck_assert_uint_eq(verdict.last_checkpoint_sequence, verdict.last_sequence);
}
END_TEST

START_TEST(checkpoints_and_rotation_by_time)
{
    struct kw_audit_config config = {.dir = dir.path,
        .signing_seed = auditdir_seed,
        .segment_bytes = AUDITDIR_SEGMENT,
        .rotate_s = 1,
        .checkpoint_ms = 50};
    struct kw_audit *audit = NULL;
    struct kw_audit_verdict verdict = {0};
    struct kw_audit_stats before, after;
    uint64_t end = kw_now_ns() + 10000000000ull;

    ck_assert_int_eq(kw_audit_open(&audit, &config, dir.why, sizeof(dir.why)), 0);
    auditdir_submit_ok(&dir, audit, RECORD);
    while (verdict.segments < 2 && kw_now_ns() < end)
        auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.segments, 2);
    ck_assert_uint_eq(verdict.checkpoints, 1); /* one, not one every 50 ms: nothing was new */
    ck_assert(file_says("audit-000002.jsonl", "\"reason\":\"rotation\""));
    do
        kw_audit_stats(audit, &before);
    while (before.commits < 4 && kw_now_ns() < end); /* header, record, checkpoint, header */
    poll(NULL, 0, 1200);                             /* without records, no segment is begun */
    kw_audit_stats(audit, &after);
    ck_assert_uint_eq(after.commits, before.commits);
    kw_audit_close(audit);
}
END_TEST

/* ---- starting again ---- */

START_TEST(clean_restart_goes_on)
{
    struct kw_audit_verdict verdict;
    struct kw_audit_stats stats;

    for (int i = 0; i < 3; i++) {
        struct kw_audit *audit = auditdir_open(&dir, AUDITDIR_SEGMENT);

        kw_audit_stats(audit, &stats);
        ck_assert_uint_eq(stats.sequence, (uint64_t)(3 * i + 1));
        auditdir_submit_ok(&dir, audit, RECORD);
        kw_audit_close(audit);
    }
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.segments, 3);
    ck_assert(file_says("audit-000001.jsonl", "\"reason\":\"first\""));
    ck_assert(file_says("audit-000003.jsonl", "\"reason\":\"start\""));
}
END_TEST

static size_t line_start(const struct auditdir_file *file, int line)
{
    const uint8_t *at = file->data;

    for (int i = 1; i < line; i++)
        at = (const uint8_t *)memchr(at, '\n', file->len - (size_t)(at - file->data)) + 1;
    return (size_t)(at - file->data);
}

static void make_log(int runs)
{
    for (int i = 0; i < runs; i++) {
        struct kw_audit *audit = auditdir_open(&dir, AUDITDIR_SEGMENT);

        auditdir_submit_ok(&dir, audit, RECORD);
        auditdir_submit_ok(&dir, audit, RECORD);
        kw_audit_close(audit);
    }
}

/* As a kill leaves it: the closing checkpoint is not there. Text follows where it was. */
static void make_killed(const char *name, const char *text)
{
    struct auditdir_file file;
    size_t at;

    auditdir_file_load(&dir, name, &file);
    at = line_start(&file, 4);
    memset(file.data + at, 0, file.len - at);
    memcpy(file.data + at, text, strlen(text));
    auditdir_file_poke(&file, at, file.data + at, file.len - at);
    auditdir_file_done(&file);
}

START_TEST(recovery_after_a_kill)
{
    struct kw_audit_verdict verdict;
    struct kw_audit *audit;

    make_log(1);
    make_killed("audit-000001.jsonl", "");
    audit = auditdir_open(&dir, AUDITDIR_SEGMENT);
    auditdir_submit_ok(&dir, audit, RECORD);
    kw_audit_close(audit);
    ck_assert(file_says("audit-000002.jsonl", "{\"sequence\":4,"));
    ck_assert(file_says("audit-000002.jsonl", "\"reason\":\"recovery\""));
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.records, 3);
}
END_TEST

START_TEST(recovery_passes_over_a_torn_write)
{
    struct kw_audit_verdict verdict;
    struct auditdir_file file;
    size_t at;

    make_log(1);
    make_killed("audit-000001.jsonl", "");
    auditdir_file_load(&dir, "audit-000001.jsonl", &file);
    at =
        (line_start(&file, 4) / 512 + 1) * 512; /* the first sector of the write is lost, the next is there */
    memset(file.data + at, 'x', 512);
    auditdir_file_poke(&file, at, file.data + at, 512);
    auditdir_file_done(&file);
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_gt(verdict.torn_bytes, 512);
    kw_audit_close(auditdir_open(&dir, AUDITDIR_SEGMENT));
    auditdir_verify(&dir, &verdict); /* now inside the log */
    ck_assert_uint_eq(verdict.segments, 2);
    ck_assert_uint_eq(verdict.torn_bytes, 0);
    kw_audit_close(auditdir_open(&dir, AUDITDIR_SEGMENT));
    ck_assert(file_says("audit-000003.jsonl", "\"reason\":\"start\""));
}
END_TEST

START_TEST(recovery_passes_over_a_torn_header)
{
    struct auditdir_file torn = {.data = calloc(1, AUDITDIR_SEGMENT), .len = AUDITDIR_SEGMENT};
    struct kw_audit_verdict verdict;
    int fd;

    make_log(1);
    auditdir_file_path(&dir, "audit-000002.jsonl", &torn);
    memset(torn.data + 512, 'x', 512);
    fd = open(torn.path, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_eq(write(fd, torn.data, torn.len), (ssize_t)torn.len);
    close(fd);
    auditdir_verify(&dir, &verdict);
    kw_audit_close(auditdir_open(&dir, AUDITDIR_SEGMENT));
    ck_assert(file_says("audit-000003.jsonl", "\"reason\":\"recovery\""));
    auditdir_verify(&dir, &verdict);
    ck_assert_uint_eq(verdict.segments, 3);
    auditdir_file_done(&torn);
}
END_TEST

START_TEST(recovery_clears_what_was_prepared)
{
    struct kw_auditsegment segment;
    int fd = open(dir.path, O_RDONLY | O_DIRECTORY);

    make_log(1);
    ck_assert_int_eq(kw_auditsegment_create(&segment, fd, 2, AUDITDIR_SEGMENT, NULL), 0);
    kw_auditsegment_close(&segment);
    ck_assert_int_eq(kw_auditsegment_create(&segment, fd, 3, AUDITDIR_SEGMENT, NULL), 0);
    kw_auditsegment_close(&segment);
    close(openat(fd, "audit-000004.jsonl.tmp", O_CREAT | O_WRONLY, 0600));
    kw_audit_close(auditdir_open(&dir, AUDITDIR_SEGMENT));
    ck_assert(file_says("audit-000002.jsonl", "\"reason\":\"start\""));
    ck_assert(!auditdir_has(&dir, "audit-000003.jsonl"));
    ck_assert(!auditdir_has(&dir, "audit-000004.jsonl.tmp"));
    close(fd);
}
END_TEST

static void expect_refusal(const char *where)
{
    struct kw_audit *audit = NULL;

    ck_assert_int_eq(auditdir_try_open(&dir, &audit, AUDITDIR_SEGMENT), 1);
    ck_assert_ptr_null(audit);
    ck_assert_msg(strstr(dir.why, where) != NULL, "%s: %s", where, dir.why);
}

static void change_byte(const char *name, int line, size_t offset)
{
    struct auditdir_file file;
    size_t at;

    auditdir_file_load(&dir, name, &file);
    at = line_start(&file, line) + offset;
    file.data[at] ^= 1;
    auditdir_file_poke(&file, at, file.data + at, 1);
    auditdir_file_done(&file);
}

START_TEST(damage_is_refused)
{
    struct auditdir_file file;
    char kept[600];

    make_log(3);
    change_byte("audit-000001.jsonl", 2, 110);
    expect_refusal("audit-000001.jsonl line 3: previousHash");
    change_byte("audit-000001.jsonl", 2, 110);
    change_byte("audit-000003.jsonl", 3, 110);
    expect_refusal("audit-000003.jsonl line 4");
    change_byte("audit-000003.jsonl", 3, 110);
    change_byte("audit-000003.jsonl", 1, 0);
    expect_refusal("audit-000003.jsonl line 1");
    change_byte("audit-000003.jsonl", 1, 0);

    auditdir_file_path(&dir, "audit-000002.jsonl", &file);
    snprintf(kept, sizeof(kept), "%s.kept", file.path);
    ck_assert_int_eq(rename(file.path, kept), 0);
    expect_refusal("audit-000003.jsonl goes on at");
    ck_assert_int_eq(rename(kept, file.path), 0);
    kw_audit_close(auditdir_open(&dir, AUDITDIR_SEGMENT)); /* all was put back */
}
END_TEST

START_TEST(old_segments_may_be_moved_away)
{
    struct auditdir_file file;

    make_log(3);
    auditdir_file_path(&dir, "audit-000001.jsonl", &file);
    ck_assert_int_eq(unlink(file.path), 0);
    kw_audit_close(auditdir_open(&dir, AUDITDIR_SEGMENT));
}
END_TEST

START_TEST(wrong_key_is_refused)
{
    static const uint8_t other[32] = {42};
    struct kw_audit_config config = {.dir = dir.path, .signing_seed = other};
    struct kw_audit *audit = NULL;
    struct auditdir_file file;

    make_log(1);
    ck_assert_int_eq(kw_audit_open(&audit, &config, dir.why, sizeof(dir.why)), 1);
    ck_assert_ptr_nonnull(strstr(dir.why, "audit.pub"));
    auditdir_file_path(&dir, "audit.pub", &file);
    ck_assert_int_eq(unlink(file.path), 0);
    ck_assert_int_eq(kw_audit_open(&audit, &config, dir.why, sizeof(dir.why)), 1);
    ck_assert_ptr_nonnull(strstr(dir.why, "audit-000001.jsonl line 1"));
}
END_TEST

START_TEST(bad_configuration_is_refused)
{
    struct kw_audit_config config = {.dir = dir.path, .signing_seed = auditdir_seed, .segment_bytes = 4096};
    struct kw_audit *audit = NULL;
    char path[300];

    ck_assert_int_eq(kw_audit_open(&audit, &config, dir.why, sizeof(dir.why)), -EINVAL);
    config.segment_bytes = 0;
    snprintf(path, sizeof(path), "%s/no/such/folder", dir.path);
    config.dir = path;
    ck_assert_int_eq(kw_audit_open(&audit, &config, dir.why, sizeof(dir.why)), -ENOENT);
    ck_assert_str_ne(dir.why, "");
    config.dir = "/dev/null";
    ck_assert_int_eq(kw_audit_open(&audit, &config, dir.why, sizeof(dir.why)), -ENOTDIR);
    ck_assert_ptr_null(audit);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, records_are_durable_and_numbered);
    tcase_add_test(tcase, folder_is_private);
    tcase_add_test(tcase, bad_bodies_are_refused);
    tcase_add_test(tcase, many_submitters_get_chain_order);
    tcase_add_test(tcase, close_commits_what_was_submitted);
    tcase_add_test(tcase, checkpoints_and_rotation_by_time);
    tcase_add_test(tcase, clean_restart_goes_on);
    tcase_add_test(tcase, recovery_after_a_kill);
    tcase_add_test(tcase, recovery_passes_over_a_torn_write);
    tcase_add_test(tcase, recovery_passes_over_a_torn_header);
    tcase_add_test(tcase, recovery_clears_what_was_prepared);
    tcase_add_test(tcase, damage_is_refused);
    tcase_add_test(tcase, old_segments_may_be_moved_away);
    tcase_add_test(tcase, wrong_key_is_refused);
    tcase_add_test(tcase, bad_configuration_is_refused);
}

int main(void)
{
    return kw_crypto_init() == 0 ? kw_suite_run("audit", add, 120) : EXIT_FAILURE;
}
