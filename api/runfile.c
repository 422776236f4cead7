#include "api/runfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define NAME      "run.json"
#define TEMPORARY "run.json.new"

int kw_runfile_write(int dir_fd, const char *listen, bool tls, const char *admin)
{
    char text[512];
    const char *quote = admin != NULL ? "\"" : "";
    int len = snprintf(text, sizeof(text),
        "{\"pid\":%d,\"listen\":\"%s\",\"tls\":%s,\"admin\":%s%s%s,\"version\":\"%s\"}\n", (int)getpid(),
        listen, tls ? "true" : "false", quote, admin != NULL ? admin : "null", quote, KW_VERSION);
    int fd, r = 0;

    kw_assert(len > 0 && (size_t)len < sizeof(text));
    if (unlinkat(dir_fd, TEMPORARY, 0) < 0 && errno != ENOENT)
        return -errno;
    fd = openat(dir_fd, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (write(fd, text, (size_t)len) != len)
        r = -EIO;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && renameat(dir_fd, TEMPORARY, dir_fd, NAME) < 0)
        r = -errno;
    return r;
}

void kw_runfile_remove(int dir_fd)
{
    (void)unlinkat(dir_fd, NAME, 0);
}
