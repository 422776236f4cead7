#include "tools/adminclient.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_MAX (1024u * 1024u)
#define TIMEOUT_S  5

static int fail(char *why, size_t why_cap, const char *what, const char *detail)
{
    snprintf(why, why_cap, "%s: %s", what, detail);
    return 1;
}

int kw_admin_find(const char *dir, struct kw_address *ret, char *why, size_t why_cap)
{
    char path[4096];
    json_error_t error;
    json_t *run;
    const char *admin;
    int r;

    snprintf(path, sizeof(path), "%s/run.json", dir);
    if (access(path, R_OK) < 0)
        return fail(why, why_cap, dir, "no server runs on this data folder");
    run = json_load_file(path, 0, &error);
    if (run == NULL)
        return fail(why, why_cap, path, error.text);
    admin = json_string_value(json_object_get(run, "admin"));
    if (admin == NULL)
        r = fail(
            why, why_cap, "the server on this data folder", "has no admin listener; start it with --admin");
    else
        r = kw_address_parse(admin, ret) == 0 ? 0 : fail(why, why_cap, path, "no address in it");
    json_decref(run);
    return r;
}

static int connect_to(const struct kw_address *address)
{
    struct timeval limit = {.tv_sec = TIMEOUT_S};
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, &address->any, address->len) < 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* Reads until the server closes, which "Connection: close" asks it to. */
static ssize_t exchange(int fd, const char *request, char *answer, size_t cap)
{
    size_t len = 0;
    ssize_t n = send(fd, request, strlen(request), MSG_NOSIGNAL);

    if (n != (ssize_t)strlen(request))
        return -1;
    while (len < cap && (n = recv(fd, answer + len, cap - len, 0)) > 0)
        len += (size_t)n;
    return n < 0 ? -1 : (ssize_t)len;
}

static int parse_answer(const char *answer, size_t len, json_t **ret, char *why, size_t why_cap)
{
    const char *body = memmem(answer, len, "\r\n\r\n", 4);
    json_error_t error;

    if (body == NULL || len < 12)
        return fail(why, why_cap, "the admin listener", "gave no HTTP answer");
    if (memcmp(answer, "HTTP/1.1 200", 12) != 0)
        return fail(why, why_cap, "this is no admin listener of keywelld", "it does not serve /pools");
    body += 4;
    *ret = json_loadb(body, len - (size_t)(body - answer), 0, &error);
    return *ret != NULL ? 0 : fail(why, why_cap, "the admin listener gave no JSON", error.text);
}

int kw_admin_get(const struct kw_address *address, const char *path, json_t **ret, char *why, size_t why_cap)
{
    char request[256], host[KW_ADDRESS_TEXT_MAX], *answer;
    int fd = connect_to(address), r;
    ssize_t len;

    kw_address_format(address, host);
    if (fd < 0) {
        snprintf(why, why_cap, "no admin listener answers at %s: %s", host, strerror(errno));
        return 1;
    }
    snprintf(
        request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
    answer = malloc(ANSWER_MAX);
    len = answer == NULL ? -1 : exchange(fd, request, answer, ANSWER_MAX);
    close(fd);
    r = len < 0 ? fail(why, why_cap, host, strerror(errno))
                : parse_answer(answer, (size_t)len, ret, why, why_cap);
    free(answer);
    return r;
}
