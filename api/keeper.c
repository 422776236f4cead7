#include "api/keeper.h"

#include "api/duty.h"
#include "api/log.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Duties of one round share the log's sync and the keystore's commit. */
#define ROUND_MAX 64u
/* Last uses that are saved in one change: the keystore's thread is held up by milliseconds. */
#define USES_MAX 256u

#define SECOND_NS        UINT64_C(1000000000)
#define SAVE_INTERVAL_NS (60u * SECOND_NS)
#define START_NS_MAX     (5u * SECOND_NS)
#define RETRY_NS_MIN     SECOND_NS
#define RETRY_NS_MAX     (60u * SECOND_NS)
/* Longer it does not sleep, since the machine's clock may be set. */
/* And not shorter than this, if something fell due since it looked. */
#define SLEEP_NS_MIN (SECOND_NS / 100)
#define SLEEP_NS_MAX SECOND_NS

struct kw_keeper {
    struct kw_service *service;
    struct kw_drbg *drbg;
    uint32_t reader; /* of the snapshot cell */
    struct kw_mailbox mail;
    pthread_t thread;
    _Atomic bool stop;
    struct kw_duty duties[ROUND_MAX];
    size_t num_duties;
    uint64_t retry_ns;      /* after a failure: how long until the next attempt; 0: none failed */
    uint64_t not_before_ns; /* when that is */
    uint64_t saved_ns;      /* when last uses were saved */
    bool save_all;          /* it failed: cells may have lost their mark */
    struct kw_duty_key uses[USES_MAX];
    size_t num_uses;
    char access_keys[USES_MAX][KW_ACCESS_KEY_ID_MAX + 1]; /* those that were used */
    size_t num_access_keys;
};

/* ---- posting, and waiting for what comes back ---- */

/* The eventfd first: when it has been read, the poster is done with the mailbox. */
static void wait_for(struct kw_keeper *keeper, size_t num)
{
    struct pollfd pollfd = {.fd = keeper->mail.eventfd, .events = POLLIN};
    struct kw_inbox_node *node;
    uint64_t count;

    while (num > 0) {
        while (read(keeper->mail.eventfd, &count, sizeof(count)) != sizeof(count)) {
            kw_assert(errno == EAGAIN || errno == EINTR);
            (void)poll(&pollfd, 1, -1);
        }
        for (node = kw_inbox_take(&keeper->mail.inbox); node != NULL; node = node->next) {
            kw_assert(num > 0);
            num--;
        }
    }
}

/* ---- a round of duties ---- */

static int64_t clock_ms(const struct kw_keeper *keeper)
{
    return kw_clock_ms(&keeper->service->clock);
}

/* No snapshot is at hand any more when the duty is done. */
static void name_cluster(
    struct kw_duty *duty, const struct kw_snapshot *snapshot, const struct kw_kms_key *key)
{
    const struct kw_custom_store *store = kw_snapshot_store_of(snapshot, key);

    if (store != NULL)
        memcpy(duty->cluster, store->cluster, sizeof(duty->cluster));
}

static int begin_duties(struct kw_keeper *keeper, const struct kw_snapshot *snapshot)
{
    int64_t now_ms = clock_ms(keeper);
    const struct kw_kms_key *key;
    struct kw_map_walk walk;

    keeper->num_duties = 0;
    kw_map_walk_init(&walk, &snapshot->due, 0);
    while (keeper->num_duties < ROUND_MAX && (key = kw_map_walk_next(&walk)) != NULL &&
           kw_kms_key_due_ms(key) <= now_ms) {
        int r = kw_duty_begin(&keeper->duties[keeper->num_duties], key, now_ms, keeper->drbg);

        KW_TRY(r);
        if (r == 0)
            name_cluster(&keeper->duties[keeper->num_duties++], snapshot, key);
    }
    return 0;
}

static int look(struct kw_keeper *keeper)
{
    struct kw_snapshot_cell *cell = kw_store_cell(keeper->service->store);
    int r = begin_duties(keeper, kw_snapshot_acquire(cell, keeper->reader));

    kw_snapshot_release(cell, keeper->reader);
    return r;
}

/* Those that are not on record stay undone. */
static bool record(struct kw_keeper *keeper, struct kw_duty *duty, const char *error)
{
    duty->audit = (struct kw_audit_entry){.reply = &keeper->mail, .result = -ENOMEM};
    if (kw_duty_record(duty, error, keeper->drbg) != 0)
        return false;
    duty->audit.body = kw_sbuf_bytes(&duty->text);
    kw_audit_submit(keeper->service->audit, &duty->audit);
    return true;
}

static void record_all(struct kw_keeper *keeper)
{
    size_t submitted = 0;

    for (size_t i = 0; i < keeper->num_duties; i++)
        submitted += record(keeper, &keeper->duties[i], NULL) ? 1 : 0;
    wait_for(keeper, submitted);
}

static void change_all(struct kw_keeper *keeper)
{
    size_t submitted = 0;

    for (size_t i = 0; i < keeper->num_duties; i++) {
        struct kw_duty *duty = &keeper->duties[i];

        duty->change = (struct kw_store_request){
            .change = {.apply = kw_duty_apply, .arg = duty}, .reply = &keeper->mail, .result = -EIO};
        if (duty->audit.result != 0)
            continue;
        kw_store_submit(keeper->service->store, &duty->change);
        submitted++;
    }
    wait_for(keeper, submitted);
}

/* As in AWS, best effort: in a token that is not connected now the key stays, and the log says so. */
static void discard_in_token(struct kw_keeper *keeper, const struct kw_duty *duty)
{
    struct kw_token *token = kw_hsm_token(keeper->service->hsm, duty->cluster);

    if (token != NULL)
        kw_token_discard(token, duty->id_text);
    else if (duty->cluster[0] != '\0')
        kw_log(KW_LOG_WARN, "token-object-left", "cluster=%s key=%s", duty->cluster, duty->id_text);
}

/* What was on record and is not done, because somebody changed the key in between, is put right in the log.
 */
static void conclude(struct kw_keeper *keeper, struct kw_duty *duty)
{
    if (duty->change.result == 0) {
        kw_log(KW_LOG_INFO, "due", "what=%s key=%s", kw_duty_name(duty), duty->arn);
        if (duty->kind == KW_DUTY_DELETE)
            discard_in_token(keeper, duty);
        return;
    }
    if (duty->change.result != KW_DUTY_VOID)
        return;
    if (record(keeper, duty, "The key was changed in the meantime; this was not done."))
        wait_for(keeper, 1);
    if (duty->audit.result != 0)
        kw_log(KW_LOG_ERROR, "outcome-unrecorded", "what=%s key=%s", kw_duty_name(duty), duty->arn);
}

static bool is_settled(const struct kw_duty *duty)
{
    return duty->change.result == 0 || duty->change.result == KW_DUTY_VOID;
}

/* Returns false if something that is due could not be done. */
static bool do_round(struct kw_keeper *keeper)
{
    bool fine = look(keeper) == 0;

    if (keeper->num_duties > 0 && !kw_audit_healthy(keeper->service->audit))
        fine = false;
    if (fine) {
        record_all(keeper);
        change_all(keeper);
    }
    for (size_t i = 0; i < keeper->num_duties; i++) {
        if (fine)
            conclude(keeper, &keeper->duties[i]);
    }
    for (size_t i = 0; i < keeper->num_duties; i++) {
        fine = fine && is_settled(&keeper->duties[i]);
        kw_duty_end(&keeper->duties[i]);
    }
    return fine;
}

static void note_failure(struct kw_keeper *keeper)
{
    keeper->retry_ns = keeper->retry_ns == 0 ? RETRY_NS_MIN : KW_MIN(keeper->retry_ns * 2, RETRY_NS_MAX);
    keeper->not_before_ns = kw_now_ns() + keeper->retry_ns;
    kw_log(KW_LOG_WARN, "due-failed", "retry_s=%llu note=\"the audit log or the keystore cannot be written\"",
        (unsigned long long)(keeper->retry_ns / SECOND_NS));
}

/* Rounds until nothing is due, something fails or the time is up. */
static void do_what_is_due(struct kw_keeper *keeper, uint64_t until_ns)
{
    if (kw_now_ns() < keeper->not_before_ns)
        return;
    do {
        if (!do_round(keeper)) {
            note_failure(keeper);
            return;
        }
    } while (keeper->num_duties > 0 && kw_now_ns() < until_ns &&
             !atomic_load_explicit(&keeper->stop, memory_order_relaxed));
    keeper->retry_ns = 0;
}

/* ---- last uses ---- */

static int apply_uses(struct kw_tx *tx, void *arg)
{
    const struct kw_keeper *keeper = arg;

    for (size_t i = 0; i < keeper->num_uses; i++) {
        const struct kw_kms_key *key = kw_duty_key_find(&keeper->uses[i], tx->snapshot);

        if (key != NULL)
            KW_TRY(kw_tx_save_lastuse(tx, key));
    }
    return 0;
}

static bool was_used(const struct kw_keeper *keeper, const struct kw_kms_key *key)
{
    struct kw_lastuse_entry entry;

    if (kw_lastuse_take_dirty(key->lastuse))
        return true;
    if (!keeper->save_all)
        return false;
    kw_lastuse_read(key->lastuse, &entry);
    return entry.at_ms != 0;
}

/* The next used keys behind `after` (NULL: from the first on). */
static void gather_uses(struct kw_keeper *keeper, const struct kw_duty_key *after)
{
    struct kw_snapshot_cell *cell = kw_store_cell(keeper->service->store);
    const struct kw_snapshot *snapshot = kw_snapshot_acquire(cell, keeper->reader);
    const struct kw_kms_key *key;
    struct kw_map_walk walk;
    size_t from = 0;

    if (after != NULL) {
        struct kw_place place = {
            .part = {kw_bytes_str(after->account), kw_bytes_str(after->region),
                KW_BYTES(after->id, sizeof(after->id))},
            .num = 3,
            .after = true,
        };
        from = kw_map_rank(&snapshot->keys, &place);
    }
    keeper->num_uses = 0;
    kw_map_walk_init(&walk, &snapshot->keys, from);
    while (keeper->num_uses < USES_MAX && (key = kw_map_walk_next(&walk)) != NULL) {
        if (was_used(keeper, key))
            kw_duty_key_set(&keeper->uses[keeper->num_uses++], key);
    }
    kw_snapshot_release(cell, keeper->reader);
}

static bool save_gathered(struct kw_keeper *keeper, kw_tx_fn *apply)
{
    struct kw_store_request request = {.change = {.apply = apply, .arg = keeper}, .reply = &keeper->mail};

    kw_store_submit(keeper->service->store, &request);
    wait_for(keeper, 1);
    return request.result == 0;
}

/* Returns false if something was not saved. */
static bool save_key_uses(struct kw_keeper *keeper)
{
    struct kw_duty_key last;
    bool more = false;

    do {
        gather_uses(keeper, more ? &last : NULL);
        if (keeper->num_uses == 0)
            return true;
        last = keeper->uses[keeper->num_uses - 1];
        if (!save_gathered(keeper, apply_uses))
            return false;
        more = keeper->num_uses == USES_MAX;
    } while (more);
    return true;
}

/* ---- last uses of access keys ---- */

static int apply_access_uses(struct kw_tx *tx, void *arg)
{
    const struct kw_keeper *keeper = arg;

    for (size_t i = 0; i < keeper->num_access_keys; i++) {
        const struct kw_access_key *key =
            kw_snapshot_access_key(tx->snapshot, kw_bytes_str(keeper->access_keys[i]));

        if (key != NULL)
            KW_TRY(kw_tx_save_access_use(tx, key));
    }
    return 0;
}

static bool access_key_was_used(const struct kw_keeper *keeper, const struct kw_access_key *key)
{
    struct kw_access_use_entry entry;

    if (kw_access_use_take_dirty(key->use))
        return true;
    kw_access_use_read(key->use, &entry);
    return keeper->save_all && entry.at_ms != 0;
}

/* The next used ones behind `after` (empty: from the first on). */
static void gather_access_uses(struct kw_keeper *keeper, const char *after)
{
    struct kw_snapshot_cell *cell = kw_store_cell(keeper->service->store);
    const struct kw_snapshot *snapshot = kw_snapshot_acquire(cell, keeper->reader);
    struct kw_place place = {.part = {kw_bytes_str(after)}, .num = 1, .after = true};
    const struct kw_access_key *key;
    struct kw_map_walk walk;

    keeper->num_access_keys = 0;
    kw_map_walk_init(
        &walk, &snapshot->access_keys, after[0] == '\0' ? 0 : kw_map_rank(&snapshot->access_keys, &place));
    while (keeper->num_access_keys < USES_MAX && (key = kw_map_walk_next(&walk)) != NULL) {
        if (access_key_was_used(keeper, key))
            memcpy(keeper->access_keys[keeper->num_access_keys++], key->id, sizeof(key->id));
    }
    kw_snapshot_release(cell, keeper->reader);
}

static bool save_access_uses(struct kw_keeper *keeper)
{
    char last[KW_ACCESS_KEY_ID_MAX + 1] = "";

    do {
        gather_access_uses(keeper, last);
        if (keeper->num_access_keys == 0)
            return true;
        memcpy(last, keeper->access_keys[keeper->num_access_keys - 1], sizeof(last));
        if (!save_gathered(keeper, apply_access_uses))
            return false;
    } while (keeper->num_access_keys == USES_MAX);
    return true;
}

static void save_uses(struct kw_keeper *keeper)
{
    keeper->saved_ns = kw_now_ns();
    /* The flag first: a use that is noted meanwhile raises it again. */
    if (!atomic_exchange_explicit(&keeper->service->uses_unsaved, false, memory_order_acq_rel))
        return;
    bool fine = save_key_uses(keeper);
    fine = save_access_uses(keeper) && fine;
    keeper->save_all = !fine;
    if (!fine)
        atomic_store_explicit(&keeper->service->uses_unsaved, true, memory_order_relaxed);
}

/* ---- the thread ---- */

static int64_t next_due_ms(struct kw_keeper *keeper)
{
    struct kw_snapshot_cell *cell = kw_store_cell(keeper->service->store);
    const struct kw_snapshot *snapshot = kw_snapshot_acquire(cell, keeper->reader);
    int64_t due_ms =
        kw_map_len(&snapshot->due) > 0 ? kw_kms_key_due_ms(kw_map_at(&snapshot->due, 0)) : INT64_MAX;

    kw_snapshot_release(cell, keeper->reader);
    return due_ms;
}

static uint64_t sleep_ns(struct kw_keeper *keeper)
{
    int64_t due_ms = next_due_ms(keeper), now_ms = clock_ms(keeper);

    if (keeper->retry_ns != 0 || due_ms - now_ms >= (int64_t)(SLEEP_NS_MAX / 1000000))
        return SLEEP_NS_MAX;
    return due_ms > now_ms ? (uint64_t)(due_ms - now_ms) * 1000000 : SLEEP_NS_MIN;
}

static void *run(void *arg)
{
    struct kw_keeper *keeper = arg;
    struct kw_bell *bell = kw_store_due_bell(keeper->service->store);

    for (;;) {
        /* The ticket first, then the looks: what comes after them has changed the ticket. */
        uint32_t ticket = kw_bell_ticket(bell);

        if (atomic_load_explicit(&keeper->stop, memory_order_acquire))
            break;
        do_what_is_due(keeper, UINT64_MAX);
        if (kw_now_ns() - keeper->saved_ns >= SAVE_INTERVAL_NS)
            save_uses(keeper);
        kw_bell_wait(bell, ticket, sleep_ns(keeper));
    }
    save_uses(keeper);
    return NULL;
}

/* Signals are for the main thread; this one inherits a mask in which all are blocked. */
static int start_thread(struct kw_keeper *keeper)
{
    sigset_t all, old;
    int r;

    kw_signals_of_threads(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&keeper->thread, NULL, run, keeper);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r == 0)
        pthread_setname_np(keeper->thread, "keeper");
    return -r;
}

static void release(struct kw_keeper *keeper)
{
    if (keeper->mail.eventfd >= 0)
        kw_mailbox_done(&keeper->mail);
    kw_drbg_free(keeper->drbg);
    free(keeper);
}

static struct kw_keeper *allocate(struct kw_service *service)
{
    size_t size = (sizeof(struct kw_keeper) + KW_CACHE_LINE - 1) & ~(size_t)(KW_CACHE_LINE - 1);
    struct kw_keeper *keeper = aligned_alloc(KW_CACHE_LINE, size);

    if (keeper == NULL)
        return NULL;
    memset(keeper, 0, size);
    keeper->service = service;
    keeper->mail.eventfd = -1;
    keeper->saved_ns = kw_now_ns();
    return keeper;
}

int kw_keeper_start(struct kw_keeper **ret, struct kw_service *service)
{
    struct kw_keeper *keeper = allocate(service);
    int r;

    KW_REQUIRE(keeper != NULL, -ENOMEM);
    r = kw_mailbox_init(&keeper->mail);
    if (r == 0)
        r = kw_drbg_new(&keeper->drbg, NULL);
    if (r == 0)
        r = kw_snapshot_reader_add(kw_store_cell(service->store), &keeper->reader);
    if (r == 0) {
        do_what_is_due(keeper, kw_now_ns() + START_NS_MAX);
        r = start_thread(keeper);
    }
    if (r != 0) {
        release(keeper);
        return r;
    }
    *ret = keeper;
    return 0;
}

void kw_keeper_stop(struct kw_keeper *keeper)
{
    if (keeper == NULL)
        return;
    atomic_store_explicit(&keeper->stop, true, memory_order_release);
    kw_bell_ring(kw_store_due_bell(keeper->service->store));
    pthread_join(keeper->thread, NULL);
    release(keeper);
}
