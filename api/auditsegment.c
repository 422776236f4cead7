#include "api/auditsegment.h"

#include "api/auditfault.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define QUARANTINED ".quarantined"
#define TEMPORARY   ".tmp"
/* Zeros reach the disk in steps of this size, so that a commit to the segment in use waits for one step at
 * most. */
#define ZERO_STEP (256u * 1024u)

static const _Alignas(KW_AUDIT_BLOCK) uint8_t zeros[ZERO_STEP];

/* ---- names ---- */

void kw_auditsegment_name(uint64_t number, bool quarantined, char ret[KW_AUDIT_NAME_MAX])
{
    snprintf(ret, KW_AUDIT_NAME_MAX, "audit-%06" PRIu64 ".jsonl%s", number, quarantined ? QUARANTINED : "");
}

static void temp_name(uint64_t number, char ret[KW_AUDIT_NAME_MAX])
{
    snprintf(ret, KW_AUDIT_NAME_MAX, "audit-%06" PRIu64 ".jsonl" TEMPORARY, number);
}

int kw_auditsegment_parse_name(const char *name, uint64_t *ret_number, bool *ret_quarantined)
{
    char again[KW_AUDIT_NAME_MAX];
    uint64_t number;

    KW_REQUIRE(strncmp(name, "audit-", 6) == 0 && name[6] >= '0' && name[6] <= '9', 1);
    number = strtoull(name + 6, NULL, 10);
    /* One spelling per number: what we would write. */
    for (int quarantined = 0; quarantined <= 1; quarantined++) {
        kw_auditsegment_name(number, quarantined != 0, again);
        if (strcmp(name, again) == 0) {
            *ret_number = number;
            *ret_quarantined = quarantined != 0;
            return 0;
        }
    }
    return 1;
}

/* ---- making ---- */

static bool is_cancelled(const _Atomic bool *cancel)
{
    /* Relaxed: nothing is published with the flag. */
    return cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* In one piece where the file system can do that, and no space is said at once. */
static int reserve(int fd, uint64_t bytes)
{
    KW_REQUIRE(fallocate(fd, 0, 0, (off_t)bytes) == 0 || errno == EOPNOTSUPP || errno == EINTR, -errno);
    return 0;
}

static int write_zeros(int fd, uint64_t bytes, bool direct, const _Atomic bool *cancel)
{
    KW_TRY(reserve(fd, bytes));
    for (uint64_t done = 0; done < bytes;) {
        ssize_t len;

        KW_REQUIRE(!is_cancelled(cancel), -ECANCELED);
        len = pwrite(fd, zeros, KW_MIN(bytes - done, (uint64_t)ZERO_STEP), (off_t)done);

        if (len < 0 && errno == EINTR)
            continue;
        KW_REQUIRE(len >= 0, -errno);
        KW_REQUIRE(len > 0, -EIO);
        done += (uint64_t)len;
        KW_REQUIRE(direct || fdatasync(fd) == 0, -errno);
    }
    KW_REQUIRE(fsync(fd) == 0, -errno);
    return 0;
}

/* A rename that never replaces, where the file system has it. */
static int rename_new(int dir_fd, const char *from, const char *to)
{
    if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
        return 0;
    KW_REQUIRE(errno == EINVAL, -errno);
    KW_REQUIRE(renameat(dir_fd, from, dir_fd, to) == 0, -errno);
    return 0;
}

static int make(int fd, int dir_fd, uint64_t number, uint64_t bytes, bool direct, const _Atomic bool *cancel)
{
    char temp[KW_AUDIT_NAME_MAX], name[KW_AUDIT_NAME_MAX];

    temp_name(number, temp);
    kw_auditsegment_name(number, false, name);
    KW_TRY(write_zeros(fd, bytes, direct, cancel));
    KW_TRY(rename_new(dir_fd, temp, name));
    if (fsync(dir_fd) != 0) {
        int rc = -errno;

        unlinkat(dir_fd, name, 0);
        return rc;
    }
    return 0;
}

static int create(struct kw_auditsegment *ret, int dir_fd, uint64_t number, uint64_t bytes, bool direct,
    const _Atomic bool *cancel)
{
    char temp[KW_AUDIT_NAME_MAX];
    int fd, rc;

    temp_name(number, temp);
    unlinkat(dir_fd, temp, 0); /* left by a crash */
    fd = openat(
        dir_fd, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | (direct ? O_DIRECT : 0), 0600);
    KW_REQUIRE(fd >= 0, -errno);
    rc = make(fd, dir_fd, number, bytes, direct, cancel);
    if (rc != 0) {
        close(fd);
        unlinkat(dir_fd, temp, 0);
        return rc;
    }
    *ret = (struct kw_auditsegment){.fd = fd, .number = number, .direct = direct};
    return 0;
}

int kw_auditsegment_create(
    struct kw_auditsegment *ret, int dir_fd, uint64_t number, uint64_t bytes, const _Atomic bool *cancel)
{
    int rc;

    KW_TRY(kw_audit_fault(KW_FAULT_AUDIT_CREATE));
    if (bytes % KW_AUDIT_BLOCK != 0)
        return create(ret, dir_fd, number, bytes, false, cancel);
    rc = create(ret, dir_fd, number, bytes, true, cancel);
    /* A file system without direct I/O says so when the file is opened, or when it is first written. */
    return rc == -EINVAL ? create(ret, dir_fd, number, bytes, false, cancel) : rc;
}

/* ---- setting aside ---- */

void kw_auditsegment_close(struct kw_auditsegment *segment)
{
    if (segment->fd >= 0)
        close(segment->fd);
    segment->fd = -1;
}

void kw_auditsegment_quarantine(struct kw_auditsegment *segment, int dir_fd)
{
    char from[KW_AUDIT_NAME_MAX], to[KW_AUDIT_NAME_MAX];

    kw_auditsegment_close(segment);
    kw_auditsegment_name(segment->number, false, from);
    kw_auditsegment_name(segment->number, true, to);
    if (renameat(dir_fd, from, dir_fd, to) == 0)
        fsync(dir_fd);
}

void kw_auditsegment_discard(struct kw_auditsegment *segment, int dir_fd)
{
    char name[KW_AUDIT_NAME_MAX];

    kw_auditsegment_close(segment);
    kw_auditsegment_name(segment->number, false, name);
    unlinkat(dir_fd, name, 0);
}

/* ---- the folder ---- */

static void closedirp(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}

/* A stream of its own, so that the caller's descriptor keeps its position. */
static DIR *open_stream(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (dir == NULL && fd >= 0)
        close(fd);
    return dir;
}

static int compare_entries(const void *a, const void *b)
{
    const struct kw_auditsegment_entry *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

static int grow(struct kw_auditsegment_entry **entries, size_t num, size_t *cap)
{
    size_t more = *cap == 0 ? 64 : *cap * 2;
    struct kw_auditsegment_entry *moved;

    if (num < *cap)
        return 0;
    moved = reallocarray(*entries, more, sizeof(**entries));
    KW_REQUIRE(moved != NULL, -ENOMEM);
    *entries = moved;
    *cap = more;
    return 0;
}

static int read_entries(DIR *dir, struct kw_auditsegment_entry **entries, size_t *num)
{
    size_t cap = 0;

    for (;;) {
        struct dirent *found;

        errno = 0;
        found = readdir(dir);
        if (found == NULL)
            return -errno;
        KW_TRY(grow(entries, *num, &cap));
        if (kw_auditsegment_parse_name(
                found->d_name, &(*entries)[*num].number, &(*entries)[*num].quarantined) == 0)
            (*num)++;
    }
}

static void freep(struct kw_auditsegment_entry **entries)
{
    free(*entries);
}

int kw_auditsegment_list(
    int dir_fd, struct kw_auditsegment_entry **ret_entries, size_t *ret_num, uint64_t *ret_twice)
{
    KW_CLEANUP(closedirp) DIR *dir = open_stream(dir_fd);
    KW_CLEANUP(freep) struct kw_auditsegment_entry *entries = NULL;
    size_t num = 0;

    KW_REQUIRE(dir != NULL, -errno);
    KW_TRY(read_entries(dir, &entries, &num));
    if (num > 0)
        qsort(entries, num, sizeof(*entries), compare_entries);
    for (size_t i = 1; i < num; i++) {
        if (entries[i].number == entries[i - 1].number) {
            *ret_twice = entries[i].number;
            return 1;
        }
    }
    *ret_entries = entries;
    *ret_num = num;
    entries = NULL;
    return 0;
}

static bool is_leftover(const char *name, uint64_t last)
{
    size_t len = strlen(name);
    uint64_t number;
    bool quarantined;

    if (kw_auditsegment_parse_name(name, &number, &quarantined) == 0)
        return number > last && !quarantined;
    return strncmp(name, "audit-", 6) == 0 && len > strlen(".jsonl" TEMPORARY) &&
           strcmp(name + len - strlen(".jsonl" TEMPORARY), ".jsonl" TEMPORARY) == 0;
}

int kw_auditsegment_sweep(int dir_fd, uint64_t last)
{
    KW_CLEANUP(closedirp) DIR *dir = open_stream(dir_fd);

    KW_REQUIRE(dir != NULL, -errno);
    for (;;) {
        struct dirent *found;

        errno = 0;
        found = readdir(dir);
        if (found == NULL)
            return -errno;
        if (is_leftover(found->d_name, last))
            KW_REQUIRE(unlinkat(dir_fd, found->d_name, 0) == 0, -errno);
    }
}
