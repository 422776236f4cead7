#include "api/datafile.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define OWNED_FD KW_CLEANUP(closep) int

int kw_datafile_bad(const struct kw_datafile_dir *dir, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(dir->why, dir->why_cap, format, args);
    va_end(args);
    return KW_DATAFILE_BAD;
}

int kw_datafile_exists(const struct kw_datafile_dir *dir, const char *name)
{
    struct stat st;

    if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (errno == ENOENT)
        return KW_DATAFILE_ABSENT;
    return kw_datafile_bad(dir, "%s in %s cannot be looked at: %s", name, dir->path, strerror(errno));
}

/* The open file is ours alone. Judged by its descriptor: what is judged is what is read. */
static int judge(const struct kw_datafile_dir *dir, const char *name, int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return kw_datafile_bad(dir, "%s in %s cannot be looked at: %s", name, dir->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return kw_datafile_bad(dir, "%s in %s is not a plain file", name, dir->path);
    if (st.st_uid != geteuid())
        return kw_datafile_bad(dir, "%s in %s belongs to another user (uid %u)", name, dir->path, st.st_uid);
    if ((st.st_mode & 077) != 0)
        return kw_datafile_bad(dir, "%s in %s is %s by others (mode %04o): chmod 0400 it", name, dir->path,
            (st.st_mode & 044) != 0 ? "readable" : "usable", st.st_mode & 07777);
    return 0;
}

/* Reads to the end, which must come within the room of buf. Returns: 0 | negative errno | -EFBIG */
static int read_all(int fd, struct kw_buf *buf)
{
    uint8_t beyond;
    KW_ERASE_GUARD(beyond);

    for (;;) {
        size_t room = buf->cap - buf->len;
        ssize_t len = room > 0 ? read(fd, buf->ptr + buf->len, room) : read(fd, &beyond, 1);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return len == 0 ? 0 : -errno;
        KW_REQUIRE(room > 0, -EFBIG);
        buf->len += (size_t)len;
    }
}

int kw_datafile_read_public(const char *path, struct kw_buf *buf)
{
    OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t start = buf->len;
    int r = fd < 0 ? -errno : read_all(fd, buf);

    if (r < 0)
        buf->len = start;
    return r;
}

int kw_datafile_read(const struct kw_datafile_dir *dir, const char *name, struct kw_buf *buf)
{
    /* NONBLOCK: a FIFO of that name must not hang the start. */
    OWNED_FD fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    size_t start = buf->len;
    int r;

    if (fd < 0 && errno == ENOENT)
        return KW_DATAFILE_ABSENT;
    if (fd < 0 && errno == ELOOP)
        return kw_datafile_bad(dir, "%s in %s is a symbolic link", name, dir->path);
    if (fd < 0)
        return kw_datafile_bad(dir, "%s in %s cannot be opened: %s", name, dir->path, strerror(errno));
    r = judge(dir, name, fd);
    if (r != 0)
        return r;

    r = read_all(fd, buf);
    if (r != 0) {
        kw_erase(buf->ptr + start, buf->len - start);
        buf->len = start;
    }
    if (r == -EFBIG)
        return kw_datafile_bad(dir, "%s in %s is too long", name, dir->path);
    return r == 0 ? 0 : kw_datafile_bad(dir, "%s in %s cannot be read: %s", name, dir->path, strerror(-r));
}

static int write_all(int fd, struct kw_bytes content)
{
    while (content.len > 0) {
        ssize_t len = write(fd, content.ptr, content.len);
        if (len < 0 && errno == EINTR)
            continue;
        KW_REQUIRE(len >= 0, -errno);
        content = KW_BYTES(content.ptr + len, content.len - (size_t)len);
    }
    return 0;
}

/* The mode is set by the descriptor: whatever the umask, it is neither more nor less. */
static int write_temporary(
    const struct kw_datafile_dir *dir, const char *temporary, mode_t mode, struct kw_bytes content)
{
    OWNED_FD fd = openat(dir->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    KW_REQUIRE(fd >= 0, -errno);
    KW_TRY(write_all(fd, content));
    KW_REQUIRE(fchmod(fd, mode) == 0, -errno);
    KW_REQUIRE(fsync(fd) == 0, -errno);
    return 0;
}

/* NOREPLACE where the file system has it (EINVAL says that it has not); the caller's lock stands for it
 * elsewhere. */
static int put_in_place(
    const struct kw_datafile_dir *dir, const char *temporary, const char *name, bool replace)
{
    int r = renameat2(dir->fd, temporary, dir->fd, name, replace ? 0 : RENAME_NOREPLACE);

    if (r < 0 && errno == EINVAL && !replace) {
        struct stat st;
        KW_REQUIRE(fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT, -EEXIST);
        r = renameat(dir->fd, temporary, dir->fd, name);
    }
    KW_REQUIRE(r == 0, -errno);
    return fsync(dir->fd) == 0 ? 0 : -errno;
}

int kw_datafile_write(
    const struct kw_datafile_dir *dir, const char *name, mode_t mode, bool replace, struct kw_bytes content)
{
    char temporary[64];
    int r;

    kw_assert((size_t)snprintf(temporary, sizeof(temporary), "%s.tmp", name) < sizeof(temporary));
    (void)unlinkat(dir->fd, temporary, 0); /* left by a crash, maybe with a secret in it */
    r = write_temporary(dir, temporary, mode, content);
    if (r == 0)
        r = put_in_place(dir, temporary, name, replace);
    if (r == 0)
        return 0;
    (void)unlinkat(dir->fd, temporary, 0);
    return kw_datafile_bad(dir, "%s cannot be written in %s: %s", name, dir->path, strerror(-r));
}
