/* auditdir - what tests of the audit log share: a folder that is gone afterwards, a mailbox, records to
 * submit. */
#ifndef KW_TESTS_SUPPORT_AUDITDIR_H
#define KW_TESTS_SUPPORT_AUDITDIR_H

#include "api/audit.h"
#include "api/auditkey.h"
#include "api/auditsegment.h"
#include "api/auditverify.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The smallest segment that the log takes: little to zero, soon full. */
#define AUDITDIR_SEGMENT (2 * KW_AUDIT_RECORD_MAX)

static const uint8_t auditdir_seed[32] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26};

struct auditdir {
    char path[256]; /* of the log's folder */
    char why[512];
    struct kw_mailbox mailbox;
    struct kw_inbox_node *taken; /* from the mailbox, in order */
};

static inline void auditdir_init(struct auditdir *dir)
{
    const char *base = getenv("TMPDIR");

    *dir = (struct auditdir){0};
    snprintf(dir->path, sizeof(dir->path), "%s/keywell-audit-XXXXXX", base != NULL ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir->path));
    ck_assert_int_eq(kw_mailbox_init(&dir->mailbox), 0);
}

static inline void auditdir_clear(const char *path)
{
    DIR *stream = opendir(path);
    struct dirent *found;
    char name[1024];

    ck_assert_ptr_nonnull(stream);
    while ((found = readdir(stream)) != NULL) {
        snprintf(name, sizeof(name), "%s/%s", path, found->d_name);
        unlink(name);
    }
    closedir(stream);
}

static inline void auditdir_done(struct auditdir *dir)
{
    auditdir_clear(dir->path);
    ck_assert_int_eq(rmdir(dir->path), 0);
    kw_mailbox_done(&dir->mailbox);
}

static inline int auditdir_try_open(struct auditdir *dir, struct kw_audit **ret, uint64_t segment_bytes)
{
    struct kw_audit_config config = {
        .dir = dir->path, .signing_seed = auditdir_seed, .segment_bytes = segment_bytes};

    dir->why[0] = '\0';
    return kw_audit_open(ret, &config, dir->why, sizeof(dir->why));
}

static inline struct kw_audit *auditdir_open(struct auditdir *dir, uint64_t segment_bytes)
{
    struct kw_audit *audit = NULL;
    int rc = auditdir_try_open(dir, &audit, segment_bytes);

    ck_assert_msg(rc == 0, "open: %d %s", rc, dir->why);
    return audit;
}

/* The entry that comes back next; fails the test if none does in 10 s. */
static inline struct kw_audit_entry *auditdir_next(struct auditdir *dir)
{
    struct kw_inbox_node *node;
    uint64_t count;

    while (dir->taken == NULL) {
        struct pollfd wait = {.fd = dir->mailbox.eventfd, .events = POLLIN};

        ck_assert_msg(poll(&wait, 1, 10000) == 1, "nothing came back");
        ck_assert_int_eq(read(dir->mailbox.eventfd, &count, sizeof(count)), sizeof(count));
        dir->taken = kw_inbox_take(&dir->mailbox.inbox);
    }
    node = dir->taken;
    dir->taken = node->next;
    return KW_CONTAINER_OF(node, struct kw_audit_entry, node);
}

/* Submits body and waits for the result. */
static inline int auditdir_submit(
    struct auditdir *dir, struct kw_audit *audit, const char *body, uint64_t *ret_sequence)
{
    struct kw_audit_entry entry = {.body = kw_bytes_str(body), .reply = &dir->mailbox, .result = 1};

    kw_audit_submit(audit, &entry);
    ck_assert_ptr_eq(auditdir_next(dir), &entry);
    if (ret_sequence != NULL)
        *ret_sequence = entry.sequence;
    return entry.result;
}

static inline void auditdir_submit_ok(struct auditdir *dir, struct kw_audit *audit, const char *body)
{
    int rc = auditdir_submit(dir, audit, body, NULL);

    ck_assert_msg(rc == 0, "submit: %d", rc);
}

static inline void auditdir_verify(struct auditdir *dir, struct kw_audit_verdict *ret)
{
    int rc = kw_audit_verify(dir->path, 0, NULL, NULL, NULL, ret);

    ck_assert_msg(rc == 0, "verify: %d %s", rc, ret->problem);
}

static inline int auditdir_verify_rc(struct auditdir *dir, struct kw_audit_verdict *ret)
{
    return kw_audit_verify(dir->path, 0, NULL, NULL, NULL, ret);
}

/* ---- files ---- */

struct auditdir_file {
    char path[512];
    uint8_t *data;
    size_t len;
};

static inline void auditdir_file_path(
    const struct auditdir *dir, const char *name, struct auditdir_file *file)
{
    ck_assert_int_lt(snprintf(file->path, sizeof(file->path), "%s/%s", dir->path, name), sizeof(file->path));
}

static inline bool auditdir_has(const struct auditdir *dir, const char *name)
{
    struct auditdir_file file;

    auditdir_file_path(dir, name, &file);
    return access(file.path, F_OK) == 0;
}

static inline void auditdir_file_load(
    const struct auditdir *dir, const char *name, struct auditdir_file *file)
{
    struct stat status;
    int fd;

    auditdir_file_path(dir, name, file);
    fd = open(file->path, O_RDONLY);
    ck_assert_msg(fd >= 0, "%s: %s", file->path, strerror(errno));
    ck_assert_int_eq(fstat(fd, &status), 0);
    file->len = (size_t)status.st_size;
    file->data = malloc(file->len + 1);
    ck_assert_int_eq(read(fd, file->data, file->len), (ssize_t)file->len);
    file->data[file->len] = 0;
    close(fd);
}

/* Overwrites len bytes of the file at an offset. */
static inline void auditdir_file_poke(
    const struct auditdir_file *file, size_t at, const void *data, size_t len)
{
    int fd = open(file->path, O_WRONLY);

    ck_assert_msg(fd >= 0, "%s: %s", file->path, strerror(errno));
    ck_assert_int_eq(pwrite(fd, data, len, (off_t)at), (ssize_t)len);
    close(fd);
}

/* Length of the text before the zeros. */
static inline size_t auditdir_file_used(const struct auditdir_file *file)
{
    size_t len = file->len;

    while (len > 0 && file->data[len - 1] == 0)
        len--;
    return len;
}

static inline void auditdir_file_done(struct auditdir_file *file)
{
    free(file->data);
    file->data = NULL;
}

#endif
