#include "tools/operatorclient.h"

#include "api/json.h"
#include "api/operatorsock.h"
#include "pool/secmem.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_MAX (8u * 1024u * 1024u)
#define TIMEOUT_S  30
#define STEP       16384u

int kw_operator_client_init(char *why, size_t why_cap)
{
    int r = kw_secmem_init();

    if (r == 0) {
        kw_json_init();
        return 0;
    }
    snprintf(why, why_cap, "secret memory cannot be set up: %s", strerror(-r));
    return 1;
}

static int fail(char *why, size_t why_cap, const char *format, ...) KW_PRINTF(3, 4);
static int fail(char *why, size_t why_cap, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, why_cap, format, args);
    va_end(args);
    return 1;
}

static int connect_to(const char *dir, int *ret, char *why, size_t why_cap)
{
    struct timeval limit = {.tv_sec = TIMEOUT_S};
    int r = kw_operatorsock_connect(dir, ret);

    if (r == -ENOENT || r == -ECONNREFUSED)
        return fail(why, why_cap, "no server runs on the data folder %s", dir);
    if (r < 0) {
        snprintf(why, why_cap, "the server on the data folder %s cannot be reached: %s", dir, strerror(-r));
        return 1;
    }
    (void)setsockopt(*ret, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(*ret, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    return 0;
}

static int send_all(int fd, struct kw_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        if (n <= 0)
            return -errno;
        bytes = KW_BYTES(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return 0;
}

/* Until the other side ends. Returns: 0 | negative errno */
static int read_all(int fd, struct kw_sbuf *ret)
{
    for (;;) {
        ssize_t n;

        if (kw_sbuf_reserve(ret, STEP) < 0)
            return -EFBIG;
        n = read(fd, ret->ptr + ret->len, STEP);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        ret->len += (size_t)n;
    }
}

static int exchange(int fd, const char *name, struct kw_bytes body, struct kw_sbuf *ret)
{
    char head[256];
    int len = snprintf(head, sizeof(head),
        "POST /%s HTTP/1.1\r\nHost: keywell\r\nUser-Agent: keywell\r\nConnection: close\r\n"
        "Content-Length: %zu\r\n\r\n",
        name, body.len);

    kw_assert(len > 0 && (size_t)len < sizeof(head));
    KW_TRY(send_all(fd, KW_BYTES(head, (size_t)len)));
    KW_TRY(send_all(fd, body));
    return read_all(fd, ret);
}

static int take_answer(struct kw_bytes text, json_t **ret, char *why, size_t why_cap)
{
    const char *body = memmem(text.ptr, text.len, "\r\n\r\n", 4);
    KW_JSON json_t *answer = NULL;
    const char *message, *code;

    if (body == NULL || text.len < 12 || memcmp(text.ptr, "HTTP/1.1 ", 9) != 0)
        return fail(why, why_cap, "%s", "the server gave no answer");
    body += 4;
    answer = json_loadb(body, text.len - (size_t)(body - (const char *)text.ptr), 0, NULL);
    message = json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
    code = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));
    if (message != NULL) {
        (void)fail(why, why_cap, "%s", message);
        return code != NULL && strcmp(code, "NoSuchEntity") == 0 ? KW_OPERATOR_ABSENT : 1;
    }
    if (memcmp(text.ptr + 9, "200", 3) != 0 || answer == NULL)
        return fail(why, why_cap, "%s", "the server gave no answer that can be read");
    *ret = answer;
    answer = NULL;
    return 0;
}

int kw_operator_look_up(
    const char *dir, const char *name, const json_t *body, json_t **ret, char *why, size_t why_cap)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(ANSWER_MAX), answer = KW_SBUF_INIT(ANSWER_MAX);
    struct kw_json_out out = KW_JSON_OUT(&text);
    int fd, r;

    if (body != NULL)
        kw_json_value(&out, body);
    if (!kw_sbuf_ok(&text))
        return fail(why, why_cap, "%s", "the request is too long, or out of memory");
    if (connect_to(dir, &fd, why, why_cap) != 0)
        return 1;
    r = exchange(fd, name, kw_sbuf_bytes(&text), &answer);
    close(fd);
    if (r < 0 && answer.len == 0)
        return fail(why, why_cap, "the server gave no answer: %s", strerror(-r));
    return take_answer(kw_sbuf_bytes(&answer), ret, why, why_cap);
}

int kw_operator_ask(
    const char *dir, const char *name, const json_t *body, json_t **ret, char *why, size_t why_cap)
{
    return kw_operator_look_up(dir, name, body, ret, why, why_cap) == 0 ? 0 : 1;
}

int kw_tool_read(const char *path, size_t max, struct kw_sbuf *ret, char *why, size_t why_cap)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int r = fd < 0 ? -errno : read_all(fd, ret);

    if (!standard && fd >= 0)
        close(fd);
    if (r == 0 && ret->len > max)
        r = -EFBIG;
    if (r == 0)
        return 0;
    snprintf(why, why_cap, "%s: %s", standard ? "standard input" : path, strerror(-r));
    return 1;
}

int kw_tool_print_json(const json_t *value)
{
    return json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) < 0 || putchar('\n') == EOF ||
                   fflush(stdout) != 0
               ? 1
               : 0;
}
