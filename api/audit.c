#include "api/audit.h"

#include "api/auditscan.h"
#include "api/auditwriter.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* Start-up follows the chain through this many of the newest segments: a quarter of a GiB, well under a
 * second. What is older is the verifier's to check. */
#define RECOVER_SEGMENTS 16

struct kw_audit {
    struct kw_auditwriter writer;
    char dir[3072];
};

static void KW_PRINTF(3, 4) explain(char *why, size_t cap, const char *format, ...)
{
    va_list args;

    if (cap == 0)
        return;
    va_start(args, format);
    vsnprintf(why, cap, format, args);
    va_end(args);
}

static const char *error_text(int rc)
{
    return rc == KW_EOPENSSL ? "OpenSSL failed" : strerror(-rc);
}

/* ---- open ---- */

/* A new folder's name is durable before anything in it is. */
static int open_folder(const char *dir)
{
    bool made = mkdir(dir, 0700) == 0;
    int fd, parent;

    KW_REQUIRE(made || errno == EEXIST, -errno);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    KW_REQUIRE(fd >= 0, -errno);
    if (!made)
        return fd;
    parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 || fsync(parent) != 0) {
        int rc = -errno;

        close(fd);
        fd = rc;
    }
    if (parent >= 0)
        close(parent);
    return fd;
}

static int publish_key(struct kw_audit *audit, char *why, size_t why_cap)
{
    int rc = kw_auditkey_publish(&audit->writer.key, audit->writer.dir_fd);

    if (rc == 1)
        explain(why, why_cap, "%s/audit.pub is the public key of another keystore's audit log", audit->dir);
    else if (rc < 0)
        explain(why, why_cap, "%s/audit.pub cannot be read or written: %s", audit->dir, error_text(rc));
    return rc;
}

/* Finds where the chain stands and clears away what was prepared and not used. */
static int recover(struct kw_audit *audit, char *why, size_t why_cap)
{
    struct kw_auditwriter *writer = &audit->writer;
    struct kw_auditscan_config config = {
        .dir_fd = writer->dir_fd, .key = &writer->key, .newest = RECOVER_SEGMENTS};
    struct kw_auditscan_result found;
    int rc = kw_auditscan_run(&config, &found);

    if (rc == 1)
        explain(why, why_cap, "the audit log in %s is damaged in a way that a crash cannot cause: %s",
            audit->dir, found.problem);
    else if (rc < 0)
        explain(why, why_cap, "the audit log in %s cannot be read: %s", audit->dir,
            found.problem[0] != '\0' ? found.problem : error_text(rc));
    KW_REQUIRE(rc == 0, rc);
    writer->head = found.head;
    writer->stats.sequence = found.head.sequence;
    writer->next_number = found.last_number + 1;
    writer->reason = found.last_number == 0 ? KW_AUDIT_FIRST
                     : found.closed         ? KW_AUDIT_START
                                            : KW_AUDIT_RECOVERY;
    rc = kw_auditsegment_sweep(writer->dir_fd, found.last_number);
    if (rc < 0)
        explain(why, why_cap, "%s cannot be tidied: %s", audit->dir, error_text(rc));
    return rc;
}

static int start(struct kw_audit *audit, char *why, size_t why_cap)
{
    int rc = kw_auditwriter_start(&audit->writer);

    if (rc != 0 && audit->writer.no_ring)
        explain(why, why_cap,
            "io_uring is %s (%s): the audit log needs it; see kernel.io_uring_disabled and the seccomp "
            "filter",
            rc == -EPERM || rc == -EACCES ? "denied"
            : rc == -ENOSYS               ? "not there"
                                          : "unusable",
            strerror(-rc));
    else if (rc != 0)
        explain(why, why_cap, "the audit log in %s cannot be written: %s", audit->dir, error_text(rc));
    return rc;
}

static void writer_init(struct kw_auditwriter *writer, const struct kw_audit_config *config)
{
    *writer = (struct kw_auditwriter){
        .dir_fd = -1,
        .wake_fd = -1,
        .segment = KW_AUDITSEGMENT_NONE,
        .segment_bytes = config->segment_bytes == 0 ? KW_AUDIT_SEGMENT : config->segment_bytes,
        .rotate_ns = 1000000000ull * (config->rotate_s == 0 ? KW_AUDIT_ROTATE_S : config->rotate_s),
        .checkpoint_ns = 1000000ull * (config->checkpoint_ms == 0 ? 1000 : config->checkpoint_ms),
    };
    kw_inbox_init(&writer->inbox);
    atomic_init(&writer->trouble, 0);
    atomic_init(&writer->stopping, false);
    atomic_init(&writer->refused, 0);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->started_changed, NULL);
}

static void audit_free(struct kw_audit *audit)
{
    struct kw_auditwriter *writer = &audit->writer;

    if (writer->dir_fd >= 0)
        close(writer->dir_fd);
    if (writer->wake_fd >= 0)
        close(writer->wake_fd);
    kw_auditkey_done(&writer->key);
    for (size_t i = 0; i < KW_ARRAY_LEN(writer->batches); i++)
        kw_auditbatch_done(&writer->batches[i]);
    pthread_cond_destroy(&writer->started_changed);
    pthread_mutex_destroy(&writer->lock);
    free(audit);
}

/* What the writer needs beside the folder's content. */
static int provide(struct kw_auditwriter *writer, const uint8_t *seed)
{
    writer->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    KW_REQUIRE(writer->wake_fd >= 0, -errno);
    for (size_t i = 0; i < KW_ARRAY_LEN(writer->batches); i++)
        KW_TRY(kw_auditbatch_init(&writer->batches[i]));
    return kw_auditkey_from_seed(&writer->key, seed);
}

static int audit_open(struct kw_audit *audit, const struct kw_audit_config *config, char *why, size_t why_cap)
{
    int rc = provide(&audit->writer, config->signing_seed);

    if (rc < 0) {
        explain(why, why_cap, "the audit log cannot be set up: %s", error_text(rc));
        return rc;
    }
    audit->writer.dir_fd = open_folder(config->dir);
    if (audit->writer.dir_fd < 0) {
        explain(
            why, why_cap, "%s cannot be made or opened: %s", config->dir, error_text(audit->writer.dir_fd));
        return audit->writer.dir_fd;
    }
    rc = publish_key(audit, why, why_cap);
    if (rc == 0)
        rc = recover(audit, why, why_cap);
    return rc == 0 ? start(audit, why, why_cap) : rc;
}

int kw_audit_open(struct kw_audit **ret, const struct kw_audit_config *config, char *why, size_t why_cap)
{
    struct kw_audit *audit;
    int rc;

    if (strlen(config->dir) >= sizeof(audit->dir) ||
        (config->segment_bytes != 0 && (config->segment_bytes < KW_AUDIT_SEGMENT_MIN ||
                                           config->segment_bytes > KW_AUDIT_SCAN_SEGMENT_MAX))) {
        explain(
            why, why_cap, "the audit log's folder name is too long, or its segments too small or too large");
        return -EINVAL;
    }
    audit = aligned_alloc(KW_CACHE_LINE, sizeof(*audit));
    KW_REQUIRE(audit != NULL, -ENOMEM);
    writer_init(&audit->writer, config);
    snprintf(audit->dir, sizeof(audit->dir), "%s", config->dir);
    rc = audit_open(audit, config, why, why_cap);
    if (rc != 0) {
        audit_free(audit);
        return rc;
    }
    *ret = audit;
    return 0;
}

void kw_audit_close(struct kw_audit *audit)
{
    if (audit == NULL)
        return;
    kw_auditwriter_stop(&audit->writer);
    audit_free(audit);
}

/* ---- use ---- */

static void refuse(struct kw_auditwriter *writer, struct kw_audit_entry *entry, int error)
{
    atomic_fetch_add_explicit(&writer->refused, 1, memory_order_relaxed); /* a count, no edge */
    entry->node.next = NULL;
    kw_audit_entries_return(&entry->node, error);
}

/* A record must not pose as a header or checkpoint. */
static bool is_body(struct kw_bytes body)
{
    return kw_auditchain_fits(body) && !kw_auditmark_is(KW_BYTES(body.ptr + 1, body.len - 1));
}

/* Returns whether the writer has to be woken. */
static bool hand_over(struct kw_auditwriter *writer, struct kw_audit_entry *entry)
{
    /* T2, relaxed, reads T1: a late answer is right, too, since the writer fails what it gathers while in
     * trouble. */
    int trouble = atomic_load_explicit(&writer->trouble, memory_order_relaxed);

    if (trouble == 0 && entry->body.len > KW_AUDIT_RECORD_MAX)
        trouble = -E2BIG;
    else if (trouble == 0 && !is_body(entry->body))
        trouble = -EINVAL;
    if (trouble == 0)
        return kw_inbox_push(&writer->inbox, &entry->node);
    refuse(writer, entry, trouble);
    return false;
}

void kw_audit_submit_all(struct kw_audit *audit, struct kw_inbox_node *first)
{
    bool wake = false;

    while (first != NULL) {
        struct kw_audit_entry *entry = KW_CONTAINER_OF(first, struct kw_audit_entry, node);

        first = first->next; /* the entry may be back and gone when it was handed over */
        wake |= hand_over(&audit->writer, entry);
    }
    if (wake)
        eventfd_write(audit->writer.wake_fd, 1);
}

void kw_audit_submit(struct kw_audit *audit, struct kw_audit_entry *entry)
{
    entry->node.next = NULL;
    kw_audit_submit_all(audit, &entry->node);
}

bool kw_audit_healthy(const struct kw_audit *audit)
{
    return atomic_load_explicit(&audit->writer.trouble, memory_order_relaxed) == 0; /* as T2 */
}

void kw_audit_stats(struct kw_audit *audit, struct kw_audit_stats *ret)
{
    pthread_mutex_lock(&audit->writer.lock);
    *ret = audit->writer.stats;
    pthread_mutex_unlock(&audit->writer.lock);
    ret->refused = atomic_load_explicit(&audit->writer.refused, memory_order_relaxed); /* a count */
}

void kw_audit_path(struct kw_audit *audit, char *ret, size_t cap)
{
    char name[KW_AUDIT_NAME_MAX];
    uint64_t number;

    pthread_mutex_lock(&audit->writer.lock);
    number = audit->writer.path_number;
    pthread_mutex_unlock(&audit->writer.lock);
    kw_auditsegment_name(number, false, name);
    if (cap > 0)
        snprintf(ret, cap, "%s/%s", audit->dir, name);
}
