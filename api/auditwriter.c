#include "api/auditwriter.h"

#include "api/auditthread.h"
#include "api/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>

/* Distinct mailboxes woken per batch before the first of them may be woken twice: serving loops, one per
 * core. */
#define WAKES_MAX 64

/* ---- queues of entries ---- */

static void queue_append(struct kw_auditqueue *queue, struct kw_inbox_node *first)
{
    if (first == NULL)
        return;
    if (queue->first == NULL)
        queue->first = first;
    else
        queue->last->next = first;
    for (queue->last = first; queue->last->next != NULL;)
        queue->last = queue->last->next;
}

static void queue_move_first(struct kw_auditqueue *from, struct kw_auditqueue *to)
{
    struct kw_inbox_node *node = from->first;

    from->first = node->next;
    node->next = NULL;
    if (to->first == NULL)
        to->first = node;
    else
        to->last->next = node;
    to->last = node;
}

static struct kw_inbox_node *queue_take(struct kw_auditqueue *queue)
{
    struct kw_inbox_node *first = queue->first;

    *queue = (struct kw_auditqueue){0};
    return first;
}

/* ---- results ---- */

struct wakes {
    struct kw_mailbox *owed[WAKES_MAX];
    size_t num;
};

static void wakes_pay(struct wakes *wakes)
{
    for (size_t i = 0; i < wakes->num; i++)
        eventfd_write(wakes->owed[i]->eventfd, 1);
    wakes->num = 0;
}

static void wakes_add(struct wakes *wakes, struct kw_mailbox *mailbox)
{
    for (size_t i = 0; i < wakes->num; i++) {
        if (wakes->owed[i] == mailbox)
            return;
    }
    if (wakes->num == WAKES_MAX)
        wakes_pay(wakes);
    wakes->owed[wakes->num++] = mailbox;
}

void kw_audit_entries_return(struct kw_inbox_node *first, int result)
{
    struct wakes wakes = {.num = 0};

    while (first != NULL) {
        struct kw_audit_entry *entry = KW_CONTAINER_OF(first, struct kw_audit_entry, node);
        struct kw_mailbox *reply = entry->reply;

        first = first->next; /* once pushed, the entry is somebody else's */
        entry->result = result;
        if (kw_inbox_push(&reply->inbox, &entry->node))
            wakes_add(&wakes, reply);
    }
    wakes_pay(&wakes);
}

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
    struct kw_inbox_node *first = queue_take(&writer->pending);
    uint64_t num = 0;

    for (const struct kw_inbox_node *node = first; node != NULL; node = node->next)
        num++;
    atomic_fetch_add_explicit(&writer->refused, num, memory_order_relaxed); /* a count, no edge */
    kw_audit_entries_return(first, error);
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
    writer->offset = 0;
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

static bool is_check_due(const struct kw_auditwriter *writer, uint64_t now)
{
    return writer->unchecked_ns != 0 && now >= writer->unchecked_ns + writer->checkpoint_ns;
}

/* Bytes of the batch that records and a header may take: room stays for the batch's checkpoint and for a
 * closing one. */
static size_t record_room(const struct kw_auditwriter *writer)
{
    uint64_t left = KW_MIN(writer->segment_bytes - writer->offset, (uint64_t)KW_AUDIT_BATCH_MAX);

    return left > 2 * KW_AUDIT_MARK_MAX ? (size_t)left - 2 * KW_AUDIT_MARK_MAX : 0;
}

static const struct kw_audit_entry *next_entry(const struct kw_auditwriter *writer)
{
    return KW_CONTAINER_OF(writer->pending.first, struct kw_audit_entry, node);
}

static bool is_full(const struct kw_auditwriter *writer, uint64_t now)
{
    size_t room = record_room(writer);

    if (writer->fresh)
        return false;
    if (writer->pending.first != NULL && next_entry(writer)->body.len + KW_AUDIT_HEAD_MAX > room)
        return true;
    if (is_check_due(writer, now) && room == 0)
        return true;
    return writer->segment_records > 0 && now >= writer->began_ns + writer->rotate_ns;
}

static int put_mark(
    struct kw_auditwriter *writer, struct kw_auditmark *mark, struct kw_auditchain *chain, struct kw_buf *buf)
{
    int64_t now_ms = kw_wall_ms();

    mark->time_ms = KW_MAX(now_ms, 0);
    return kw_auditmark_append(mark, &writer->key, chain, &writer->hash, buf);
}

static int put_header(struct kw_auditwriter *writer, struct kw_auditchain *chain, struct kw_buf *buf)
{
    struct kw_auditmark mark = {
        .kind = KW_AUDIT_HEADER, .segment = writer->segment.number, .reason = writer->reason};

    memcpy(mark.key_id, writer->key.id, sizeof(mark.key_id));
    return put_mark(writer, &mark, chain, buf);
}

static uint64_t put_records(struct kw_auditwriter *writer, struct kw_auditchain *chain, struct kw_buf *buf)
{
    size_t room = record_room(writer);
    uint64_t num = 0;

    while (writer->pending.first != NULL) {
        struct kw_audit_entry *entry = KW_CONTAINER_OF(writer->pending.first, struct kw_audit_entry, node);

        if (buf->len + KW_AUDIT_HEAD_MAX + entry->body.len > room)
            break;
        kw_auditchain_append(chain, &writer->hash, buf, entry->body);
        entry->sequence = chain->sequence;
        queue_move_first(&writer->pending, &writer->batch);
        num++;
    }
    kw_assert(kw_buf_ok(buf));
    return num;
}

struct batch {
    struct kw_buf buf;
    struct kw_auditchain chain; /* as it will be when the batch is durable */
    uint64_t records;
    bool marked; /* ends in a header or checkpoint */
    bool closing;
};

/* Writes the batch's text. What is pending and fits goes in; the last mark of the log when nothing more can
 * come. */
static int fill(struct kw_auditwriter *writer, struct batch *batch, bool stopping, uint64_t now)
{
    *batch = (struct batch){.buf = KW_BUF(writer->buffer, KW_AUDIT_BATCH_MAX), .chain = writer->head};
    if (writer->fresh) {
        KW_TRY(put_header(writer, &batch->chain, &batch->buf));
        batch->marked = true;
    }
    batch->records = put_records(writer, &batch->chain, &batch->buf);
    batch->closing = stopping && writer->pending.first == NULL;
    if (batch->records > 0)
        batch->marked = false;
    if (batch->closing || (is_check_due(writer, now) && !batch->marked)) {
        struct kw_auditmark mark = {
            .kind = KW_AUDIT_CHECKPOINT, .durable = writer->head.sequence, .closing = batch->closing};

        KW_TRY(put_mark(writer, &mark, &batch->chain, &batch->buf));
        batch->marked = true;
    }
    return 0;
}

static void note_success(struct kw_auditwriter *writer, const struct batch *batch)
{
    pthread_mutex_lock(&writer->lock);
    writer->stats.records += batch->records;
    writer->stats.commits++;
    writer->stats.bytes += batch->buf.len;
    writer->stats.sequence = writer->head.sequence;
    writer->stats.healthy = true;
    writer->stats.trouble[0] = '\0';
    pthread_mutex_unlock(&writer->lock);
    become_healthy(writer);
    report_start(writer, 0);
}

static void on_durable(struct kw_auditwriter *writer, const struct batch *batch)
{
    uint64_t now = kw_now_ns();

    writer->head = batch->chain;
    writer->offset += batch->buf.len;
    writer->segment_records += batch->records;
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
    kw_audit_entries_return(queue_take(&writer->batch), 0);
}

/* The first failure is answered with a new segment at once, in which the same entries are written again; the
 * second in a row says that this does not help. */
static void on_failure(struct kw_auditwriter *writer, int error)
{
    struct kw_inbox_node *later = queue_take(&writer->pending);

    queue_append(&writer->pending, queue_take(&writer->batch));
    queue_append(&writer->pending, later);
    abandon(writer, error);
    if (++writer->strikes < 2)
        return;
    writer->retry_ns = kw_now_ns() + KW_AUDIT_RETRY_NS;
    become_unhealthy(writer, error);
}

static void commit(struct kw_auditwriter *writer, const struct batch *batch)
{
    int rc =
        kw_auditring_commit(&writer->ring, writer->segment.fd, kw_buf_bytes(&batch->buf), writer->offset);

    if (rc == 0)
        on_durable(writer, batch);
    else
        on_failure(writer, rc);
}

/* ---- the thread ---- */

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

static void idle(struct kw_auditwriter *writer, uint64_t now)
{
    uint64_t at = next_deadline(writer, now);
    int rc = kw_auditring_wait(&writer->ring, at == UINT64_MAX ? UINT64_MAX : at > now ? at - now : 0);

    /* A ring that cannot wait must not make the thread spin. */
    if (rc < 0) {
        count_failure(writer);
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
}

static void gather(struct kw_auditwriter *writer)
{
    int trouble = atomic_load_explicit(&writer->trouble, memory_order_relaxed); /* written by this thread */

    queue_append(&writer->pending, kw_inbox_take(&writer->inbox));
    if (trouble != 0 && writer->pending.first != NULL)
        fail_pending(writer, trouble);
}

static void step(struct kw_auditwriter *writer)
{
    /* S2 pairs with S1: what was submitted before the stop is in the inbox that is taken after this load. */
    bool stopping = atomic_load_explicit(&writer->stopping, memory_order_acquire);
    uint64_t now = kw_now_ns();
    struct batch batch;
    int rc;

    gather(writer);
    if (stopping && atomic_load_explicit(&writer->trouble, memory_order_relaxed) != 0) {
        writer->finished = true;
        return;
    }
    /* Behind the last segment none is needed. */
    if (writer->segment.fd < 0 || (!writer->fresh && !stopping))
        keep_spare(writer, now);
    if (writer->segment.fd < 0)
        obtain(writer, now);
    if (writer->finished)
        return;
    if (writer->segment.fd < 0) {
        idle(writer, now);
        return;
    }
    if (is_full(writer, now)) {
        kw_auditsegment_close(&writer->segment);
        writer->reason = KW_AUDIT_ROTATION;
        return;
    }
    rc = fill(writer, &batch, stopping, now);
    if (rc != 0)
        on_failure(writer, rc);
    else if (batch.buf.len > 0)
        commit(writer, &batch);
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
        while (!writer->finished)
            step(writer);
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
