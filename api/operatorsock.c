#include "api/operatorsock.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The path of a data folder may be longer than a socket's address can be, and another folder may be moved to
 * it in between: so by the folder's descriptor. */
static struct sockaddr_un name_in(int dir_fd)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    snprintf(name.sun_path, sizeof(name.sun_path), "/proc/self/fd/%d/" KW_OPERATORSOCK_NAME, dir_fd);
    return name;
}

static int remove_stale(int dir_fd)
{
    struct stat st;

    if (fstatat(dir_fd, KW_OPERATORSOCK_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    KW_REQUIRE(S_ISSOCK(st.st_mode), -EEXIST);
    return unlinkat(dir_fd, KW_OPERATORSOCK_NAME, 0) < 0 ? -errno : 0;
}

/* The mode before the socket listens: until then connecting to it is refused. */
static int bind_in(int dir_fd, int fd)
{
    struct sockaddr_un name = name_in(dir_fd);

    if (bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ||
        fchmodat(dir_fd, KW_OPERATORSOCK_NAME, 0600, 0) < 0 || listen(fd, SOMAXCONN) < 0)
        return -errno;
    return 0;
}

int kw_operatorsock_listen(int dir_fd, int *ret_fd)
{
    int fd, r;

    KW_TRY(remove_stale(dir_fd));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    KW_REQUIRE(fd >= 0, -errno);
    r = bind_in(dir_fd, fd);
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

void kw_operatorsock_remove(int dir_fd)
{
    (void)unlinkat(dir_fd, KW_OPERATORSOCK_NAME, 0);
}

int kw_operatorsock_connect(const char *dir, int *ret_fd)
{
    int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, r = 0;
    struct sockaddr_un name;

    KW_REQUIRE(dir_fd >= 0, -errno);
    name = name_in(dir_fd);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
        r = -errno;
    close(dir_fd);
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}
