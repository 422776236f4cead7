#include "api/auditwriter.h"

#include "api/auditthread.h"
#include "api/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>

/* ---- health ---- */

static void report_start(struct kw_auditwriter *writer, int rc)
{
    pthread_mutex_lock(&writer->lock);
    if (writer->started == 1) {
        writer->started = rc;
        pthread_cond_signal(&writer->started_changed);
        writer->finished = rc != 0;
    }
    pthread_mutex_unlock(&writer->lock);
}

static void fail_pending(struct kw_auditwriter *writer, int error)
{
    atomic_fetch_add_explicit(
        &writer->refused, writer->pending.num, memory_order_relaxed); /* a count, no edge */
    kw_audit_entries_return(kw_auditqueue_take(&writer->pending), error);
}

static const char *error_text(int error)
{
    return error == KW_EOPENSSL ? "OpenSSL failed to sign" : strerror(-error);
}

static void log_error(enum kw_log_level level, const char *event, const char *segment, int error)
{
    const char *text = error_text(error);
    char quoted[256];

    kw_log_quote(quoted, sizeof(quoted), text, strlen(text));
    if (segment == NULL)
        kw_log(level, event, "error=%s", quoted);
    else
        kw_log(level, event, "segment=%s error=%s", segment, quoted);
}

static uint64_t count_refused(const struct kw_auditwriter *writer)
{
    return atomic_load_explicit(&writer->refused, memory_order_relaxed); /* a count */
}

/* May be called again while the trouble lasts. What keeps the log from being opened is not logged: the opener
 * is told. */
static void become_unhealthy(struct kw_auditwriter *writer, int error)
{
    bool changed;

    pthread_mutex_lock(&writer->lock);
    changed = writer->stats.healthy;
    writer->stats.healthy = false;
    snprintf(writer->stats.trouble, sizeof(writer->stats.trouble), "the audit log cannot be written: %s",
        error_text(error));
    pthread_mutex_unlock(&writer->lock);
    if (changed)
        writer->refused_before = count_refused(writer);
    /* T1, relaxed: the number says all, nothing is published with it. Entries that miss it are failed by
     * gather(). */
    atomic_store_explicit(&writer->trouble, error, memory_order_relaxed);
    fail_pending(writer, error);
    report_start(writer, error);
    if (changed)
        log_error(KW_LOG_ERROR, "audit-unhealthy", NULL, error);
}

static void become_healthy(struct kw_auditwriter *writer)
{
    bool changed = atomic_load_explicit(&writer->trouble, memory_order_relaxed) != 0; /* our own store */
    char name[KW_AUDIT_NAME_MAX];

    atomic_store_explicit(&writer->trouble, 0, memory_order_relaxed); /* as T1 */
    if (!changed)
        return;
    kw_auditsegment_name(writer->segment.number, false, name);
    kw_log(KW_LOG_WARN, "audit-recovered", "segment=%s refused=%" PRIu64, name,
        count_refused(writer) - writer->refused_before);
}

static void count_failure(struct kw_auditwriter *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->stats.failures++;
    pthread_mutex_unlock(&writer->lock);
}

/* ---- segments ---- */

/* Keeps a segment ready, or in the making, behind the one that is written; after a failure only as often as
 * retries go. */
static void keep_spare(struct kw_auditwriter *writer, uint64_t now)
{
    int rc = kw_auditspare_take_failure(&writer->spare);

    if (rc < 0) {
        count_failure(writer);
        writer->create_error = rc;
        writer->retry_ns = now + KW_AUDIT_RETRY_NS;
    }
    if (now >= writer->retry_ns)
        kw_auditspare_want(&writer->spare, writer->next_number);
}

/* Takes the segment that is ready, if it is time. */
static void obtain(struct kw_auditwriter *writer, uint64_t now)
{
    if (now < writer->retry_ns || kw_auditspare_take(&writer->spare, &writer->segment) != 0) {
        if (writer->create_error != 0)
            become_unhealthy(writer, writer->create_error);
        return;
    }
    writer->create_error = 0;
    writer->next_number = writer->segment.number + 1;
    writer->blank = true;
    writer->fresh = true;
    writer->segment_records = 0;
    pthread_mutex_lock(&writer->lock);
    writer->path_number = writer->segment.number;
    pthread_mutex_unlock(&writer->lock);
}

/* Never touches the file again: the kernel may have dropped the pages and report success the next time. */
static void abandon(struct kw_auditwriter *writer, int error)
{
    bool held_something = !writer->fresh;
    char name[KW_AUDIT_NAME_MAX];

    if (held_something)
        kw_auditsegment_quarantine(&writer->segment, writer->dir_fd);
    else
        kw_auditsegment_discard(&writer->segment, writer->dir_fd);
    writer->reason = KW_AUDIT_QUARANTINE;
    pthread_mutex_lock(&writer->lock);
    writer->stats.failures++;
    writer->stats.quarantined += held_something;
    pthread_mutex_unlock(&writer->lock);
    if (!held_something)
        return;
    kw_auditsegment_name(writer->segment.number, true, name);
    log_error(KW_LOG_WARN, "audit-quarantined", name, error);
}

/* ---- batches ---- */

static struct kw_auditbatch *next_batch(struct kw_auditwriter *writer)
{
    return &writer->batches[writer->turn];
}

/* At the ring, or the last that was. */
static struct kw_auditbatch *last_batch(struct kw_auditwriter *writer)
{
    return &writer->batches[1 - writer->turn];
}

static bool is_check_due(const struct kw_auditwriter *writer, uint64_t now)
{
    return writer->unchecked_ns != 0 && now >= writer->unchecked_ns + writer->checkpoint_ns;
}

/* Bytes that records and a header may take in a batch that begins at offset: room stays for the batch's
 * checkpoint and for a closing one. */
static size_t record_room(const struct kw_auditwriter *writer, uint64_t offset)
{
    uint64_t left = KW_MIN(writer->segment_bytes - offset, (uint64_t)KW_AUDIT_BATCH_MAX);

    return left > 2 * KW_AUDIT_MARK_MAX ? (size_t)left - 2 * KW_AUDIT_MARK_MAX : 0;
}

/* No other batch can be begun in this segment. */
static bool is_full(struct kw_auditwriter *writer, uint64_t now)
{
    const struct kw_audit_entry *entry = kw_auditqueue_first(&writer->pending);
    size_t room;

    if (writer->blank)
        return false;
    room = record_room(writer, kw_auditbatch_end(last_batch(writer)));
    if (entry != NULL && entry->body.len + KW_AUDIT_HEAD_MAX > room)
        return true;
    if (is_check_due(writer, now) && room == 0)
        return true;
    return !writer->fresh && writer->segment_records > 0 && now >= writer->began_ns + writer->rotate_ns;
}

static int put_mark(struct kw_auditwriter *writer, struct kw_auditmark *mark)
{
    struct kw_auditbatch *batch = next_batch(writer);
    int64_t now_ms = kw_wall_ms();

    mark->time_ms = KW_MAX(now_ms, 0);
    KW_TRY(kw_auditmark_append(mark, &writer->key, &batch->chain, &batch->text));
    batch->marked = true;
    return 0;
}

static int put_header(struct kw_auditwriter *writer)
{
    struct kw_auditmark mark = {
        .kind = KW_AUDIT_HEADER, .segment = writer->segment.number, .reason = writer->reason};

    memcpy(mark.key_id, writer->key.id, sizeof(mark.key_id));
    return put_mark(writer, &mark);
}

static int begin(struct kw_auditwriter *writer)
{
    writer->begun = true;
    if (!writer->blank) {
        kw_auditbatch_follow(next_batch(writer), last_batch(writer), writer->segment.direct);
        return 0;
    }
    kw_auditbatch_begin(next_batch(writer), &writer->head);
    KW_TRY(put_header(writer));
    writer->blank = false;
    return 0;
}

/* Chains what is pending and fits into the next batch. */
static int extend(struct kw_auditwriter *writer, uint64_t now)
{
    struct kw_auditbatch *batch = next_batch(writer);

    if (!writer->begun && !is_full(writer, now) && (writer->blank || writer->pending.first != NULL))
        KW_TRY(begin(writer));
    if (writer->begun)
        kw_auditbatch_add(batch, &writer->pending, record_room(writer, batch->offset));
    return 0;
}

/* The checkpoint, if it is time for one; the last mark of the log when nothing more can come. */
static int conclude(struct kw_auditwriter *writer, bool stopping, uint64_t now)
{
    bool closing = stopping && writer->pending.first == NULL;
    struct kw_auditmark mark = {
        .kind = KW_AUDIT_CHECKPOINT, .durable = writer->head.sequence, .closing = closing};

    if (!closing && (!is_check_due(writer, now) || (writer->begun && next_batch(writer)->marked)))
        return 0;
    if (!writer->begun)
        KW_TRY(begin(writer));
    KW_TRY(put_mark(writer, &mark));
    next_batch(writer)->closing = closing;
    return 0;
}

/* ---- commits ---- */

static void note_success(struct kw_auditwriter *writer, const struct kw_auditbatch *batch)
{
    pthread_mutex_lock(&writer->lock);
    writer->stats.records += batch->entries.num;
    writer->stats.commits++;
    writer->stats.bytes += batch->text.len;
    writer->stats.sequence = writer->head.sequence;
    writer->stats.healthy = true;
    writer->stats.trouble[0] = '\0';
    pthread_mutex_unlock(&writer->lock);
    become_healthy(writer);
    report_start(writer, 0);
}

static void on_durable(struct kw_auditwriter *writer, struct kw_auditbatch *batch)
{
    uint64_t now = kw_now_ns();

    writer->head = batch->chain;
    writer->segment_records += batch->entries.num;
    writer->strikes = 0;
    if (writer->fresh)
        writer->began_ns = now;
    writer->fresh = false;
    if (batch->marked)
        writer->unchecked_ns = 0;
    else if (writer->unchecked_ns == 0)
        writer->unchecked_ns = now;
    writer->finished = batch->closing;
    note_success(writer, batch);
    kw_auditqueue_move(&batch->entries, &writer->durable);
}

/* What the batches hold is pending again, in its old order, and the segment is given up. The first failure is
 * answered with a new one at once, in which the same entries are written again; the second in a row says that
 * this does not help. */
static void on_failure(struct kw_auditwriter *writer, int error)
{
    struct kw_auditqueue all = {0};

    kw_auditqueue_move(&last_batch(writer)->entries, &all);
    kw_auditqueue_move(&next_batch(writer)->entries, &all);
    kw_auditqueue_move(&writer->pending, &all);
    writer->pending = all;
    writer->begun = false;
    abandon(writer, error);
    if (++writer->strikes < 2)
        return;
    writer->retry_ns = kw_now_ns() + KW_AUDIT_RETRY_NS;
    become_unhealthy(writer, error);
}

/* The next batch goes to the ring, and the other one is the next. */
static void commit(struct kw_auditwriter *writer)
{
    struct kw_auditwrite write = kw_auditbatch_write(next_batch(writer), writer->segment.direct);

    kw_auditring_begin(&writer->ring, writer->segment.fd, writer->segment.direct, write.data, write.offset);
    writer->turn = 1 - writer->turn;
    writer->begun = false;
    writer->committing = true;
}

static void settle(struct kw_auditwriter *writer)
{
    int rc = kw_auditring_end(&writer->ring);

    writer->committing = false;
    if (rc == 0)
        on_durable(writer, last_batch(writer));
    else
        on_failure(writer, rc);
}

/* ---- the thread ---- */

/* Before each sleep, and when the next commit is under way. */
static void give_back(struct kw_auditwriter *writer)
{
    kw_audit_entries_return(kw_auditqueue_take(&writer->durable), 0);
}

static uint64_t next_deadline(const struct kw_auditwriter *writer, uint64_t now)
{
    uint64_t at = UINT64_MAX;

    if (writer->retry_ns > now)
        at = writer->retry_ns;
    if (writer->segment.fd >= 0 && writer->unchecked_ns != 0)
        at = KW_MIN(at, writer->unchecked_ns + writer->checkpoint_ns);
    if (writer->segment.fd >= 0 && writer->segment_records > 0)
        at = KW_MIN(at, writer->began_ns + writer->rotate_ns);
    return at;
}

static void sleep_until(struct kw_auditwriter *writer, uint64_t at, uint64_t now, bool wakeable)
{
    int rc;

    give_back(writer);
    rc = kw_auditring_wait(&writer->ring, at == UINT64_MAX ? UINT64_MAX : at > now ? at - now : 0, wakeable);
    /* A ring that cannot wait must not make the thread spin. A commit that it had is settled next. */
    if (rc < 0 && !writer->committing) {
        count_failure(writer);
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
}

static void idle(struct kw_auditwriter *writer, uint64_t now)
{
    sleep_until(writer, next_deadline(writer, now), now, true);
}

/* Returns whether anything has come. */
static bool gather(struct kw_auditwriter *writer)
{
    int trouble = atomic_load_explicit(&writer->trouble, memory_order_relaxed); /* written by this thread */
    struct kw_inbox_node *first = kw_inbox_take(&writer->inbox);

    kw_auditqueue_append(&writer->pending, first);
    if (trouble != 0 && writer->pending.first != NULL)
        fail_pending(writer, trouble);
    return first != NULL;
}

/* While the ring has a batch: the next one is chained with what has come; then nothing but the end of the
 * commit is a reason to wake up. */
static void attend(struct kw_auditwriter *writer, bool came, uint64_t now)
{
    int rc = extend(writer, now);

    kw_assert(rc == 0); /* only a header can fail, and the segment has one */
    if (!came)
        sleep_until(writer, UINT64_MAX, now, false);
}

/* Records that the next batch would have. */
static size_t num_gathered(struct kw_auditwriter *writer)
{
    return writer->pending.num + (writer->begun ? next_batch(writer)->entries.num : 0);
}

/* The segment is there and the ring is free. */
static void advance(struct kw_auditwriter *writer, bool stopping, uint64_t now)
{
    int rc;

    if (!writer->begun && is_full(writer, now)) {
        kw_auditsegment_close(&writer->segment);
        writer->reason = KW_AUDIT_ROTATION;
        return;
    }
    if (!stopping && !writer->fresh && kw_auditgather_waits(&writer->gather, num_gathered(writer), now)) {
        sleep_until(writer, writer->gather.until_ns, now, false);
        return;
    }
    rc = extend(writer, now);
    if (rc == 0)
        rc = conclude(writer, stopping, now);
    if (rc != 0)
        on_failure(writer, rc);
    else if (writer->begun)
        commit(writer);
    else
        idle(writer, now);
}

static void step(struct kw_auditwriter *writer)
{
    /* S2 pairs with S1: what was submitted before the stop is in the inbox that is taken after this load. */
    bool stopping = atomic_load_explicit(&writer->stopping, memory_order_acquire);
    uint64_t now = kw_now_ns();
    bool came = gather(writer);

    if (writer->committing && kw_auditring_busy(&writer->ring)) {
        attend(writer, came, now);
        return;
    }
    if (writer->committing)
        settle(writer);
    if (stopping && atomic_load_explicit(&writer->trouble, memory_order_relaxed) != 0)
        writer->finished = true;
    if (writer->finished)
        return;
    /* Behind the last segment none is needed. */
    if (writer->segment.fd < 0 || (!writer->fresh && !stopping))
        keep_spare(writer, now);
    if (writer->segment.fd < 0)
        obtain(writer, now);
    if (writer->finished)
        return;
    if (writer->segment.fd >= 0)
        advance(writer, stopping, now);
    else
        idle(writer, now);
}

static void *run(void *arg)
{
    struct kw_auditwriter *writer = arg;
    int rc = kw_auditring_init(&writer->ring, writer->wake_fd);

    if (rc != 0) {
        writer->no_ring = true; /* published by the lock in report_start() */
        report_start(writer, rc);
        return NULL;
    }
    rc = kw_auditspare_start(&writer->spare, writer->dir_fd, writer->segment_bytes, writer->wake_fd);
    if (rc != 0) {
        report_start(writer, rc);
    } else {
        while (!writer->finished) {
            step(writer);
            give_back(writer);
        }
        kw_auditspare_stop(&writer->spare);
    }
    kw_auditsegment_close(&writer->segment);
    kw_auditring_done(&writer->ring);
    return NULL;
}

int kw_auditwriter_start(struct kw_auditwriter *writer)
{
    int rc;

    writer->started = 1;
    KW_TRY(kw_audit_thread_start(&writer->thread, "audit", run, writer));
    pthread_mutex_lock(&writer->lock);
    while (writer->started == 1)
        pthread_cond_wait(&writer->started_changed, &writer->lock);
    rc = writer->started;
    pthread_mutex_unlock(&writer->lock);
    if (rc != 0)
        pthread_join(writer->thread, NULL);
    return rc;
}

void kw_auditwriter_stop(struct kw_auditwriter *writer)
{
    /* S1 pairs with S2. */
    atomic_store_explicit(&writer->stopping, true, memory_order_release);
    eventfd_write(writer->wake_fd, 1);
    pthread_join(writer->thread, NULL);
}
