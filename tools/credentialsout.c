#include "tools/credentialsout.h"

#include "pool/sbuf.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int kw_credentials_open(const char *path, int *ret_fd, char *why, size_t why_cap)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0) {
        snprintf(why, why_cap, "%s cannot be made: %s", path, strerror(errno));
        return 1;
    }
    *ret_fd = fd;
    return 0;
}

void kw_credentials_abandon(const char *path, int fd)
{
    if (fd < 0)
        return;
    close(fd);
    (void)unlink(path);
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static int write_all(int fd, struct kw_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 1;
        bytes = KW_BYTES(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return 0;
}

/* Not through stdio, whose buffers nobody wipes. */
int kw_credentials_write(const json_t *answer, const char *profile, int fd)
{
    const json_t *key = json_object_get(answer, "AccessKey");
    const char *arn = json_string_value(json_object_get(json_object_get(answer, "Principal"), "Arn"));
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(65536);
    int r;

    kw_sbuf_put_str(&text, "# keywell: ");
    kw_sbuf_put_str(&text, arn != NULL ? arn : member(answer, "Arn"));
    kw_sbuf_put_str(&text, "; the secret cannot be shown again\n[");
    kw_sbuf_put_str(&text, profile);
    kw_sbuf_put_str(&text, "]\naws_access_key_id = ");
    kw_sbuf_put_str(&text, member(key, "AccessKeyId"));
    kw_sbuf_put_str(&text, "\naws_secret_access_key = ");
    kw_sbuf_put_str(&text, member(key, "SecretAccessKey"));
    kw_sbuf_put_str(&text, "\n");
    if (!kw_sbuf_ok(&text) || fflush(stdout) != 0)
        return 1;
    r = write_all(fd >= 0 ? fd : STDOUT_FILENO, kw_sbuf_bytes(&text));
    if (fd >= 0 && (fsync(fd) < 0 || close(fd) < 0))
        r = 1;
    return r;
}
