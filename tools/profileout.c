#include "tools/profileout.h"

#include "tools/cli/inifile.h"
#include "tools/operatorclient.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1024u * 1024u)

static int fail(char *why, size_t why_cap, const char *format, ...) KW_PRINTF(3, 4);
static int fail(char *why, size_t why_cap, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, why_cap, format, args);
    va_end(args);
    return 1;
}

int kw_profile_check(const char *path, const char *profile, char *why, size_t why_cap)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(FILE_MAX + 65536);
    struct stat st;

    if (stat(path, &st) < 0)
        return errno == ENOENT ? 0 : fail(why, why_cap, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail(why, why_cap, "%s is not a plain file", path);
    if ((st.st_mode & 077) != 0)
        return fail(
            why, why_cap, "%s is open to others (mode %04o): chmod 0600 it", path, st.st_mode & 07777);
    if (kw_tool_read(path, FILE_MAX, &text, why, why_cap) != 0)
        return 1;
    if (kw_ini_section(kw_sbuf_bytes(&text), NULL, profile) == 0)
        return fail(why, why_cap, "%s has a profile %s already", path, profile);
    return 0;
}

/* Not through stdio, whose buffers nobody wipes; at once, so that no half of a profile stays. */
static int append(const char *path, struct kw_bytes text, char *why, size_t why_cap)
{
    char folder[4096];
    int fd, r;

    snprintf(folder, sizeof(folder), "%s", path);
    (void)mkdir(dirname(folder), 0700); /* what is wrong with it, open() says */
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(why, why_cap, "%s cannot be written: %s", path, strerror(errno));
    r = write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0 ? 0 : 1;
    if (close(fd) < 0 || r != 0)
        return fail(why, why_cap, "%s cannot be written: %s", path, strerror(errno));
    return 0;
}

int kw_profile_append(const char *path, const char *profile, const char *about, struct kw_bytes id,
    struct kw_bytes secret, char *why, size_t why_cap)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(FILE_MAX);

    kw_sbuf_put_str(&text, "\n# keywell: ");
    kw_sbuf_put_str(&text, about);
    kw_sbuf_put_str(&text, "\n[");
    kw_sbuf_put_str(&text, profile);
    kw_sbuf_put_str(&text, "]\naws_access_key_id = ");
    kw_sbuf_put_bytes(&text, id);
    kw_sbuf_put_str(&text, "\naws_secret_access_key = ");
    kw_sbuf_put_bytes(&text, secret);
    kw_sbuf_put_str(&text, "\n");
    if (!kw_sbuf_ok(&text))
        return fail(why, why_cap, "%s", "out of memory");
    return append(path, kw_sbuf_bytes(&text), why, why_cap);
}

int kw_profile_add(
    const char *from, const char *path, const char *profile, char ret_id[129], char *why, size_t why_cap)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(FILE_MAX);
    struct kw_bytes id, secret;
    char about[4200];

    if (kw_tool_read(from, 65536, &text, why, why_cap) != 0)
        return 1;
    if (kw_ini_get(kw_sbuf_bytes(&text), NULL, "default", NULL, "aws_access_key_id", &id) != 0 ||
        kw_ini_get(kw_sbuf_bytes(&text), NULL, "default", NULL, "aws_secret_access_key", &secret) != 0 ||
        id.len > 128)
        return fail(why, why_cap, "%s has no access key in it", from);
    memcpy(ret_id, id.ptr, id.len);
    ret_id[id.len] = '\0';
    if (path == NULL)
        return 0;
    snprintf(about, sizeof(about), "the administrator of %s", from);
    return kw_profile_append(path, profile, about, id, secret, why, why_cap);
}
