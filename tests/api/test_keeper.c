/* The keeper with a real keystore and a real audit log. */
#include "api/keeper.h"

#include "api/json.h"
#include "api/log.h"
#include "tests/support/auditdir.h"
#include "tests/support/related_keys.h"

#include <pthread.h>
#include <time.h>

static struct auditdir dir;
static struct kw_service service;
static struct kw_keeper *keeper;
static uint32_t reader;

/* ---- a server without the rest ---- */

/* The rig's keystore goes over to a thread. */
static void hand_over(void)
{
    kw_snapshot_free(now);
    now = NULL;
    memset(&service, 0, sizeof(service));
    ck_assert_int_eq(kw_store_new(&service.store, keystore), 0);
    keystore = NULL;
    service.audit = auditdir_open(&dir, AUDITDIR_SEGMENT);
    ck_assert_int_eq(kw_snapshot_reader_add(kw_store_cell(service.store), &reader), 0);
}

static void start(void)
{
    hand_over();
    ck_assert_int_eq(kw_keeper_start(&keeper, &service), 0);
}

/* And back to the rig. */
static void stop(void)
{
    kw_keeper_stop(keeper);
    keeper = NULL;
    kw_audit_close(service.audit);
    kw_store_free(service.store);
    open_and_load(path);
}

static bool is_there(uint32_t number)
{
    struct kw_snapshot_cell *cell = kw_store_cell(service.store);
    bool found = key_in(kw_snapshot_acquire(cell, reader), number) != NULL;

    kw_snapshot_release(cell, reader);
    return found;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* When a key had gone. */
static int64_t wait_until_gone(uint32_t number)
{
    uint64_t begin_ns = kw_now_ns();

    while (is_there(number)) {
        ck_assert_msg(kw_now_ns() - begin_ns < UINT64_C(10000000000), "key %u is still there", number);
        nap();
    }
    return kw_wall_ms();
}

static struct kw_kms_key *new_doomed(uint32_t number, int64_t deletion_ms)
{
    KW_KMS_KEY struct kw_kms_key *plain = new_key(ACCOUNT_TEXT, REGION_TEXT, number);
    struct kw_kms_key edited = *plain, *key = NULL;

    edited.state = KW_KEY_PENDING_DELETION;
    edited.deletion_ms = deletion_ms;
    edited.pending_days = 7;
    ck_assert_int_eq(kw_kms_key_new(&key, &edited), 0);
    return key;
}

static void create_doomed(uint32_t number, int64_t deletion_ms)
{
    KW_KMS_KEY struct kw_kms_key *key = new_doomed(number, deletion_ms);

    put(key);
}

/* How often the log has the text; the segment that is being written. */
static unsigned count_in_log(const char *text)
{
    struct auditdir_file file;
    unsigned num = 0;

    auditdir_file_load(&dir, "audit-000001.jsonl", &file);
    for (const uint8_t *at = file.data;
         (at = memmem(at, file.len - (size_t)(at - file.data), text, strlen(text))) != NULL;
         at += strlen(text))
        num++;
    auditdir_file_done(&file);
    return num;
}

static void check_log(void)
{
    struct kw_audit_verdict verdict;

    auditdir_verify(&dir, &verdict);
}

/* ---- on time ---- */

START_TEST(test_overdue_at_start)
{
    struct kw_kms_key edited;

    /* More than one round. */
    for (uint32_t number = 0; number < 150; number++)
        create_doomed(number, 1000 + number);
    ck_assert_int_eq(create_key(1000), 0);
    edited = *find_key(1000);
    edited.rotates = true;
    edited.rotation_next_ms = 5;
    put(&edited);
    start();
    /* At once: no request would have been served by one of them. */
    for (uint32_t number = 0; number < 150; number++)
        ck_assert(!is_there(number));
    ck_assert_uint_eq(count_in_log("\"eventName\":\"DeleteKey\""), 150);
    ck_assert_uint_eq(count_in_log("\"eventName\":\"RotateKey\""), 1);
    stop();
    ck_assert_uint_eq(kw_map_len(&now->keys), 1);
    ck_assert_uint_eq(find_key(1000)->num_generations, 2);
    check_log();
}
END_TEST

START_TEST(test_on_time)
{
    int64_t due_ms = kw_wall_ms() + 400, gone_ms;

    create_doomed(1, due_ms);
    create_doomed(2, due_ms + 600000);
    start();
    gone_ms = wait_until_gone(1);
    ck_assert_int_ge(gone_ms, due_ms);
    ck_assert_int_lt(gone_ms, due_ms + 500);
    ck_assert(is_there(2));
    /* The clock is ahead: by that, it is time. */
    atomic_store(&service.clock.offset_ms, 700000);
    wait_until_gone(2);
    stop();
    ck_assert_uint_eq(kw_map_len(&now->keys), 0);
    check_log();
}
END_TEST

/* What becomes due by a change is done at once: the keeper is told, and does not find out by looking now and
 * then, which would take a second each time. */
START_TEST(test_is_told)
{
    uint64_t begin_ns;

    start();
    begin_ns = kw_now_ns();
    for (uint32_t number = 0; number < 6; number++) {
        KW_KMS_KEY struct kw_kms_key *key = new_doomed(number, 1000);
        struct kw_change change = {.apply = change_put_key, .arg = key};

        nap(); /* it sleeps again */
        ck_assert_int_eq(kw_store_apply(service.store, &change), 0);
        wait_until_gone(number);
    }
    ck_assert_uint_lt(kw_now_ns() - begin_ns, UINT64_C(3000000000));
    stop();
}
END_TEST

/* ---- when it cannot be done ---- */

START_TEST(test_keystore_fails)
{
    create_doomed(1, 1000);
    hand_over();
    failing_syncs = 1;
    ck_assert_int_eq(kw_keeper_start(&keeper, &service), 0);
    ck_assert(is_there(1));
    ck_assert_uint_eq(count_in_log("\"eventName\":\"DeleteKey\""), 1);
    wait_until_gone(1);
    ck_assert_uint_eq(count_in_log("\"eventName\":\"DeleteKey\""), 2);
    ck_assert_uint_eq(count_in_log("\"errorCode\""), 0);
    stop();
    ck_assert_ptr_null(find_key(1));
    check_log();
}
END_TEST

/* A keystore's thread that is kept busy until the log has the record; then somebody was quicker. */
static void cancel(void *arg)
{
    struct kw_audit_stats stats;

    do {
        nap();
        kw_audit_stats(service.audit, &stats);
    } while (stats.records == 0);
    ((struct kw_kms_key *)arg)->state = KW_KEY_DISABLED;
    ((struct kw_kms_key *)arg)->deletion_ms = 0;
}

static int change_cancel(struct kw_tx *tx, void *arg)
{
    cancel(arg);
    return kw_tx_put_key(tx, arg);
}

START_TEST(test_cancelled_at_the_last_moment)
{
    KW_KMS_KEY struct kw_kms_key *key = new_doomed(1, 1000);
    struct kw_store_request request = {.change = {.apply = change_cancel, .arg = key}};

    put(key);
    hand_over();
    kw_store_submit(service.store, &request);
    ck_assert_int_eq(kw_keeper_start(&keeper, &service), 0);
    ck_assert(is_there(1));
    ck_assert_uint_eq(count_in_log("\"eventName\":\"DeleteKey\""), 2);
    ck_assert_uint_eq(count_in_log("\"errorCode\":\"KMSInvalidStateException\""), 1);
    stop();
    ck_assert_int_eq((int)find_key(1)->state, (int)KW_KEY_DISABLED);
    check_log();
}
END_TEST

/* ---- last uses ---- */

static void note(uint32_t number)
{
    struct kw_snapshot_cell *cell = kw_store_cell(service.store);
    struct kw_lastuse_entry entry = {.at_ms = 5000 + number, .operation = 2};

    snprintf(entry.request_id, sizeof(entry.request_id), "request %u", number);
    snprintf(entry.event_id, sizeof(entry.event_id), "event %u", number);
    (void)kw_lastuse_note(key_in(kw_snapshot_acquire(cell, reader), number)->lastuse, &entry);
    kw_snapshot_release(cell, reader);
    atomic_store(&service.uses_unsaved, true);
}

START_TEST(test_last_uses)
{
    char request_id[37];

    /* More than one change's, and one in three is not used. */
    for (uint32_t number = 0; number < 900; number++)
        ck_assert_int_eq(create_key(number), 0);
    start();
    for (uint32_t number = 0; number < 900; number++) {
        if (number % 3 != 0)
            note(number);
    }
    stop();
    for (uint32_t number = 0; number < 900; number++) {
        struct kw_lastuse_entry entry;

        kw_lastuse_read(find_key(number)->lastuse, &entry);
        ck_assert_int_eq(entry.at_ms, number % 3 != 0 ? 5000 + number : 0);
        snprintf(request_id, sizeof(request_id), "request %u", number);
        ck_assert_str_eq(entry.request_id, number % 3 != 0 ? request_id : "");
    }
    close_all();
    ck_assert_int_eq(count_rows(path, "SELECT count(*) FROM records WHERE kind = 5"), 600);
}
END_TEST

/* ---- access keys ---- */

#define ACCESS_KEYS 300u /* more than one change's */

static const char *access_key_name(uint32_t number)
{
    static char id[24];

    snprintf(id, sizeof(id), "AKIA%016u", number);
    return id;
}

static void create_access_keys(void)
{
    char user[24];

    skipping_syncs = true;
    for (uint32_t number = 0; number < ACCESS_KEYS; number++) {
        snprintf(user, sizeof(user), "user-%u", number);
        ck_assert_int_eq(put_user(user, false), 0);
        ck_assert_int_eq(put_access_key(access_key_name(number), user), 0);
    }
    skipping_syncs = false;
}

static void note_access(uint32_t number, int64_t at_ms)
{
    struct kw_snapshot_cell *cell = kw_store_cell(service.store);
    const struct kw_access_key *key =
        kw_snapshot_access_key(kw_snapshot_acquire(cell, reader), kw_bytes_str(access_key_name(number)));

    (void)kw_access_use_note(
        key->use, at_ms, number % 2 != 0 ? KW_LIT("kms") : KW_LIT("sts"), KW_LIT("eu-west-1"));
    kw_snapshot_release(cell, reader);
    atomic_store(&service.uses_unsaved, true);
}

static void check_access(uint32_t number, int64_t at_ms)
{
    struct kw_access_use_entry entry;

    kw_access_use_read(find_access_key(access_key_name(number))->use, &entry);
    ck_assert_int_eq(entry.at_ms, at_ms);
    ck_assert_str_eq(entry.service, at_ms == 0 ? "" : number % 2 != 0 ? "kms" : "sts");
    ck_assert_str_eq(entry.region, at_ms == 0 ? "" : "eu-west-1");
}

/* One in three is not used. A use that is noted after a restart replaces the one that was loaded. */
START_TEST(test_access_uses)
{
    create_access_keys();
    start();
    for (uint32_t number = 0; number < ACCESS_KEYS; number++) {
        if (number % 3 != 0)
            note_access(number, 5000 + number);
    }
    stop();
    for (uint32_t number = 0; number < ACCESS_KEYS; number++)
        check_access(number, number % 3 != 0 ? 5000 + number : 0);
    start();
    note_access(1, 5001 + KW_ACCESS_USE_STEP_MS);
    stop();
    check_access(1, 5001 + KW_ACCESS_USE_STEP_MS);
    check_access(2, 5002);
    close_all();
    ck_assert_int_eq(count_rows(path, "SELECT count(*) FROM records WHERE kind = 9"), 200);
}
END_TEST

START_TEST(test_stop_without_start)
{
    kw_keeper_stop(NULL);
}
END_TEST

static void open_all(void)
{
    setup();
    auditdir_init(&dir);
    skipping_syncs = true;
}

static void done_all(void)
{
    auditdir_done(&dir);
    teardown();
}

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, open_all, done_all);
    tcase_add_test(tcase, test_overdue_at_start);
    tcase_add_test(tcase, test_on_time);
    tcase_add_test(tcase, test_is_told);
    tcase_add_test(tcase, test_keystore_fails);
    tcase_add_test(tcase, test_cancelled_at_the_last_moment);
    tcase_add_test(tcase, test_last_uses);
    tcase_add_test(tcase, test_access_uses);
    tcase_add_test(tcase, test_stop_without_start);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    kw_log_set_level(KW_LOG_WARN);
    shim_install();
    return kw_suite_run("api/keeper", add, 60);
}
