#include "api/datadir.h"

#include "api/datafile.h"
#include "engine/drbg.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT_KEY_FILE "root.key"
#define KEYSTORE_FILE "keystore.db"
#define LOCK_FILE     "lock"

static_assert((int)KW_DATAFILE_BAD == (int)KW_DATADIR_BAD, "one layer's BAD is the other's");

static struct kw_datafile_dir files_of(const struct kw_datadir *datadir, char *why, size_t why_cap)
{
    return (struct kw_datafile_dir){.fd = datadir->fd, .path = datadir->path, .why = why, .why_cap = why_cap};
}

static int copy_path(const struct kw_datafile_dir *dir, char *out, size_t cap, const char *path)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0)
        return kw_datafile_bad(dir, "the path of the data folder is empty");
    if (len >= cap)
        return kw_datafile_bad(
            dir, "the path of the data folder is too long (%zu bytes, at most %zu)", len, cap - 1);
    memcpy(out, path, len);
    out[len] = '\0';
    return 0;
}

/* Makes the name of a folder just made durable, in the folder that it was made in. */
static int sync_parent(const char *path)
{
    char copy[sizeof(((struct kw_datadir *)0)->path)];

    memcpy(copy, path, strlen(path) + 1);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    KW_REQUIRE(fd >= 0, -errno);
    int r = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return r;
}

static int open_folder(struct kw_datadir *datadir, struct kw_datafile_dir *dir)
{
    struct stat st;
    bool made = mkdir(datadir->path, 0700) == 0;
    int r = made ? sync_parent(datadir->path) : errno == EEXIST ? 0 : -errno;

    if (r != 0)
        return kw_datafile_bad(dir, "the data folder %s cannot be made: %s", datadir->path, strerror(-r));
    datadir->fd = open(datadir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (datadir->fd < 0 || fstat(datadir->fd, &st) < 0)
        return kw_datafile_bad(
            dir, "the data folder %s cannot be opened: %s", datadir->path, strerror(errno));
    if (st.st_uid != geteuid())
        return kw_datafile_bad(
            dir, "the data folder %s belongs to another user (uid %u)", datadir->path, st.st_uid);
    if ((st.st_mode & 022) != 0)
        return kw_datafile_bad(dir, "the data folder %s is writable by others (mode %04o): chmod 0700 it",
            datadir->path, st.st_mode & 07777);
    dir->fd = datadir->fd;
    return 0;
}

/* The lock lives as long as the descriptor: the kernel drops it when the process is gone, however it went.
 * The file stays, since removing it would let two processes lock two files of one name. */
static int take_lock(struct kw_datadir *datadir, const struct kw_datafile_dir *dir)
{
    struct stat st;

    datadir->lock_fd =
        openat(datadir->fd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (datadir->lock_fd < 0 || fstat(datadir->lock_fd, &st) < 0)
        return kw_datafile_bad(
            dir, "%s in %s cannot be opened: %s", LOCK_FILE, datadir->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return kw_datafile_bad(dir, "%s in %s is not a plain file", LOCK_FILE, datadir->path);
    if (flock(datadir->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return kw_datafile_bad(
            dir, "the data folder %s cannot be locked: %s", datadir->path, strerror(errno));
    (void)kw_datafile_bad(dir, "the data folder %s is in use by another keywelld", datadir->path);
    return KW_DATADIR_IN_USE;
}

/* Only after the lock: another process may be in the middle of its first start. */
static int look(struct kw_datadir *datadir, const struct kw_datafile_dir *dir)
{
    int root_key = kw_datafile_exists(dir, ROOT_KEY_FILE);
    int keystore = kw_datafile_exists(dir, KEYSTORE_FILE);

    if (root_key == KW_DATAFILE_BAD || keystore == KW_DATAFILE_BAD)
        return KW_DATADIR_BAD;
    datadir->fresh = root_key == KW_DATAFILE_ABSENT && keystore == KW_DATAFILE_ABSENT;
    return 0;
}

int kw_datadir_open(struct kw_datadir *ret, const char *path, char *why, size_t why_cap)
{
    struct kw_datadir datadir = {.fd = -1, .lock_fd = -1};
    struct kw_datafile_dir dir = {.fd = -1, .path = datadir.path, .why = why, .why_cap = why_cap};
    int r = copy_path(&dir, datadir.path, sizeof(datadir.path), path);

    if (r == 0)
        r = open_folder(&datadir, &dir);
    if (r == 0)
        r = take_lock(&datadir, &dir);
    if (r == 0)
        r = look(&datadir, &dir);
    if (r != 0) {
        kw_datadir_close(&datadir);
        return r;
    }
    *ret = datadir;
    return 0;
}

void kw_datadir_close(struct kw_datadir *datadir)
{
    if (datadir->lock_fd >= 0)
        close(datadir->lock_fd);
    if (datadir->fd >= 0)
        close(datadir->fd);
    datadir->fd = datadir->lock_fd = -1;
}

/* ---- the root key ---- */

#define ROOT_KEY_TEXT_LEN (2 * KW_ROOT_KEY_LEN + 1) /* digits and a newline */

static int make_root_key(const struct kw_datafile_dir *dir, uint8_t ret[KW_ROOT_KEY_LEN])
{
    uint8_t key[KW_ROOT_KEY_LEN];
    KW_ERASE_GUARD(key);
    char text[ROOT_KEY_TEXT_LEN];
    KW_ERASE_GUARD(text);
    KW_DRBG struct kw_drbg *drbg = NULL;

    if (kw_drbg_new(&drbg, NULL) != 0 || kw_drbg_bytes(drbg, key, sizeof(key)) != 0)
        return kw_datafile_bad(dir, "no root key can be made: the random source failed");
    kw_hex_encode(key, sizeof(key), text);
    text[ROOT_KEY_TEXT_LEN - 1] = '\n';
    int r = kw_datafile_write(dir, ROOT_KEY_FILE, 0400, false, KW_BYTES(text, sizeof(text)));
    if (r == 0)
        memcpy(ret, key, sizeof(key));
    return r;
}

static int parse_root_key(
    const struct kw_datafile_dir *dir, struct kw_bytes text, uint8_t ret[KW_ROOT_KEY_LEN])
{
    uint8_t key[KW_ROOT_KEY_LEN];
    KW_ERASE_GUARD(key);

    if (text.len == ROOT_KEY_TEXT_LEN && text.ptr[text.len - 1] == '\n')
        text.len--;
    if (kw_hex_decode(text, key, sizeof(key)) != 0)
        return kw_datafile_bad(
            dir, "%s in %s is malformed: it must hold exactly 64 hex digits", ROOT_KEY_FILE, dir->path);
    memcpy(ret, key, sizeof(key));
    return 0;
}

int kw_datadir_root_key(
    const struct kw_datadir *datadir, uint8_t ret[KW_ROOT_KEY_LEN], char *why, size_t why_cap)
{
    struct kw_datafile_dir dir = files_of(datadir, why, why_cap);
    uint8_t text[ROOT_KEY_TEXT_LEN];
    KW_ERASE_GUARD(text);
    struct kw_buf buf = KW_BUF(text, sizeof(text));

    int r = kw_datafile_read(&dir, ROOT_KEY_FILE, &buf);
    if (r == 0)
        return parse_root_key(&dir, kw_buf_bytes(&buf), ret);
    if (r != KW_DATAFILE_ABSENT)
        return r;
    if (datadir->fresh)
        return make_root_key(&dir, ret);
    return kw_datafile_bad(&dir, "%s is missing in %s: without it the keystore beside it cannot be opened",
        ROOT_KEY_FILE, dir.path);
}
