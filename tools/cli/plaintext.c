#include "tools/cli/plaintext.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int kw_plaintext_open(const char *path, struct kw_plaintext *ret, struct kw_trouble *trouble)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return kw_trouble(trouble, KW_CLI_USAGE, "--plaintext-to %s: %s", path, strerror(errno));
    (void)fchmod(fd, 0600);
    *ret = (struct kw_plaintext){path, fd};
    return 0;
}

static int write_all(int fd, struct kw_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -errno;
        bytes = KW_BYTES(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

int kw_plaintext_move(
    struct kw_plaintext *plaintext, json_t *answer, const char *member, struct kw_trouble *trouble)
{
    const json_t *value = json_object_get(answer, member);
    struct kw_bytes text = KW_BYTES(json_string_value(value), json_string_length(value));
    KW_SBUF struct kw_sbuf bytes = KW_SBUF_INIT(16u * 1024 * 1024);
    uint8_t *to = kw_sbuf_claim(&bytes, text.len / 4 * 3 + 1);
    size_t len = 0;
    int r;

    if (text.ptr == NULL || to == NULL || kw_base64_decode(text, to, text.len / 4 * 3, &len) != 0)
        return kw_trouble(trouble, KW_CLI_GENERAL, "the answer has no %s", member);
    r = write_all(plaintext->fd, KW_BYTES(to, len));
    if (close(plaintext->fd) < 0 && r == 0)
        r = -errno;
    plaintext->fd = -1;
    if (r < 0) {
        (void)unlink(plaintext->path);
        return kw_trouble(trouble, KW_CLI_GENERAL, "%s: %s", plaintext->path, strerror(-r));
    }
    (void)json_object_del(answer, member);
    return 0;
}

void kw_plaintext_abandon(struct kw_plaintext *plaintext)
{
    if (plaintext->fd < 0)
        return;
    close(plaintext->fd);
    (void)unlink(plaintext->path);
    plaintext->fd = -1;
}
