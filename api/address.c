#include "api/address.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int parse_port(const char *text, uint16_t *ret)
{
    char *end;
    long port;

    KW_REQUIRE(*text >= '0' && *text <= '9', 1);
    port = strtol(text, &end, 10);
    KW_REQUIRE(*end == '\0' && port <= 65535, 1);
    *ret = htons((uint16_t)port);
    return 0;
}

static int parse_in6(const char *text, struct kw_address *ret)
{
    char host[INET6_ADDRSTRLEN];
    const char *end = strchr(text, ']');
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    KW_REQUIRE(end != NULL && end[1] == ':' && (size_t)(end - text) < sizeof(host), 1);
    memcpy(host, text, (size_t)(end - text));
    host[end - text] = '\0';
    KW_REQUIRE(inet_pton(AF_INET6, host, &in6.sin6_addr) == 1 && parse_port(end + 2, &in6.sin6_port) == 0, 1);
    *ret = (struct kw_address){.in6 = in6, .len = sizeof(in6)};
    return 0;
}

int kw_address_parse(const char *text, struct kw_address *ret)
{
    char host[INET_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    struct sockaddr_in in4 = {.sin_family = AF_INET};

    if (text[0] == '[')
        return parse_in6(text + 1, ret);
    KW_REQUIRE(colon != NULL && (size_t)(colon - text) < sizeof(host), 1);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (strcmp(host, "localhost") == 0)
        snprintf(host, sizeof(host), "127.0.0.1");
    KW_REQUIRE(inet_pton(AF_INET, host, &in4.sin_addr) == 1 && parse_port(colon + 1, &in4.sin_port) == 0, 1);
    *ret = (struct kw_address){.in4 = in4, .len = sizeof(in4)};
    return 0;
}

void kw_address_host(const struct kw_address *address, char ret[KW_ADDRESS_TEXT_MAX])
{
    const void *from = address->any.sa_family == AF_INET6 ? (const void *)&address->in6.sin6_addr
                                                          : (const void *)&address->in4.sin_addr;

    if (inet_ntop(address->any.sa_family, from, ret, KW_ADDRESS_TEXT_MAX) == NULL)
        snprintf(ret, KW_ADDRESS_TEXT_MAX, "unknown");
}

void kw_address_format(const struct kw_address *address, char ret[KW_ADDRESS_TEXT_MAX])
{
    char host[KW_ADDRESS_TEXT_MAX];

    kw_address_host(address, host);
    if (address->any.sa_family == AF_INET6)
        snprintf(ret, KW_ADDRESS_TEXT_MAX, "[%.46s]:%u", host, ntohs(address->in6.sin6_port));
    else
        snprintf(ret, KW_ADDRESS_TEXT_MAX, "%.46s:%u", host, ntohs(address->in4.sin_port));
}

bool kw_address_is_loopback(const struct kw_address *address)
{
    if (address->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address->in6.sin6_addr);
    return ntohl(address->in4.sin_addr.s_addr) >> 24 == 127;
}

static int open_socket(const struct kw_address *address, bool reuse_port, int *ret_fd)
{
    int one = 1, r = 0;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    /* SO_REUSEADDR lets a restart bind while old connections are in TIME_WAIT; it does not share a live
     * listener. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        (reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0) ||
        bind(fd, &address->any, address->len) < 0)
        r = -errno;
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

/* Shows whether anything listens there already, and picks a port if none is given. */
static int probe_bind(struct kw_address *address)
{
    int fd = -1, r = 0;

    KW_TRY(open_socket(address, false, &fd));
    if (listen(fd, 1) < 0 || getsockname(fd, &address->any, &address->len) < 0)
        r = -errno;
    close(fd);
    return r;
}

int kw_address_claim(struct kw_address *address, int *ret_fd)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char text[KW_ADDRESS_TEXT_MAX];
    int fd, len;

    KW_TRY(probe_bind(address));
    kw_address_format(address, text);
    len = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "keywell/listen/%s", text);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&name,
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) < 0) {
        int r = -errno;

        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

int kw_address_listen(const struct kw_address *address, int *ret_fd)
{
    int one = 1, fd = -1;

    KW_TRY(open_socket(address, true, &fd));
    /* Accepted sockets inherit it: an answer must not wait for the acknowledgement of the one before. */
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 || listen(fd, SOMAXCONN) < 0) {
        int r = -errno;

        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}
