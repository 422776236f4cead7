#include "tools/cli/wire.h"

#include "tools/loadanswer.h"
#include "tools/loadtls.h"

#include <ctype.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define ANSWER_MAX (64u * 1024u * 1024u)
#define STEP       16384u

/* ---- where to ---- */

static int bad_url(struct kw_trouble *trouble, const char *url)
{
    return kw_trouble(trouble, KW_CLI_GENERAL, "Invalid endpoint: %s", url);
}

static int parse_port(const char *port, size_t len, struct kw_wire_endpoint *ret)
{
    KW_REQUIRE(len > 0 && len < sizeof(ret->port) && strspn(port, "0123456789") >= len, 1);
    memcpy(ret->port, port, len);
    ret->port[len] = '\0';
    return 0;
}

/* "HOST", "HOST:PORT", "[ADDRESS]:PORT" */
static int parse_authority(const char *text, size_t len, struct kw_wire_endpoint *ret)
{
    const char *end = text + len, *host = text, *host_end, *rest;

    KW_REQUIRE(len > 0 && len < sizeof(ret->header) && memchr(text, '@', len) == NULL, 1);
    if (text[0] == '[') {
        host++;
        host_end = memchr(host, ']', len - 1);
        KW_REQUIRE(host_end != NULL, 1);
        rest = host_end + 1;
    } else {
        host_end = memchr(host, ':', len);
        host_end = host_end != NULL ? host_end : end;
        rest = host_end;
    }
    KW_REQUIRE(host_end > host && (size_t)(host_end - host) < sizeof(ret->host), 1);
    for (const char *c = text; c < end; c++)
        KW_REQUIRE(*c > ' ' && *c < 127, 1);
    memcpy(ret->host, host, (size_t)(host_end - host));
    ret->host[host_end - host] = '\0';
    memcpy(ret->header, text, len);
    ret->header[len] = '\0';
    snprintf(ret->port, sizeof(ret->port), "%s", ret->tls ? "443" : "80");
    if (rest == end)
        return 0;
    KW_REQUIRE(*rest == ':', 1);
    return parse_port(rest + 1, (size_t)(end - rest) - 1, ret);
}

/* The port that goes without saying is left out of the Host header, as other clients do. */
static void trim_header(struct kw_wire_endpoint *endpoint)
{
    char suffix[8];
    size_t len = strlen(endpoint->header), suffix_len;

    snprintf(suffix, sizeof(suffix), ":%s", endpoint->tls ? "443" : "80");
    suffix_len = strlen(suffix);
    if (len > suffix_len && strcmp(endpoint->header + len - suffix_len, suffix) == 0)
        endpoint->header[len - suffix_len] = '\0';
}

int kw_wire_endpoint_parse(const char *url, struct kw_wire_endpoint *ret, struct kw_trouble *trouble)
{
    const char *rest = strstr(url, "://"), *path;

    memset(ret, 0, sizeof(*ret));
    if (rest == NULL)
        return kw_trouble(trouble, KW_CLI_USAGE,
            "Bad value for --endpoint-url \"%s\": scheme is missing.  Must be of the form http://<hostname>/ "
            "or "
            "https://<hostname>/",
            url);
    ret->tls = strncasecmp(url, "https://", 8) == 0;
    if ((!ret->tls && strncasecmp(url, "http://", 7) != 0) || strlen(url) >= sizeof(ret->url) - 2)
        return bad_url(trouble, url);
    rest += 3;
    path = strchr(rest, '/');
    if (parse_authority(rest, path != NULL ? (size_t)(path - rest) : strlen(rest), ret) != 0)
        return bad_url(trouble, url);
    /* What would have to be escaped is not worth it: nobody has such a path. */
    snprintf(ret->path, sizeof(ret->path), "%s", path != NULL ? path : "/");
    for (const char *c = ret->path; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("/-._~", *c) == NULL)
            return bad_url(trouble, url);
    }
    snprintf(ret->url, sizeof(ret->url), "%s%s", url, path == NULL ? "/" : "");
    trim_header(ret);
    return 0;
}

/* ---- the connection ---- */

struct wire {
    const struct kw_wire_endpoint *endpoint;
    const struct kw_wire_limits *limits;
    struct kw_trouble *trouble;
    int fd;
    struct kw_load_tls *tls;
    struct kw_buf out; /* ciphertext to send */
    uint8_t *in;       /* STEP bytes */
    struct kw_answer answer;
    struct kw_sbuf raw;
};

static int nobody(struct wire *wire)
{
    (void)kw_trouble(
        wire->trouble, KW_CLI_GENERAL, "Could not connect to the endpoint URL: \"%s\"", wire->endpoint->url);
    return KW_WIRE_AGAIN;
}

static int late(struct wire *wire, const char *what)
{
    (void)kw_trouble(
        wire->trouble, KW_CLI_GENERAL, "%s timeout on endpoint URL: \"%s\"", what, wire->endpoint->url);
    return KW_WIRE_AGAIN;
}

static int closed(struct wire *wire)
{
    (void)kw_trouble(wire->trouble, KW_CLI_GENERAL,
        "Connection was closed before we received a valid response from endpoint URL: \"%s\".",
        wire->endpoint->url);
    return KW_WIRE_AGAIN;
}

/* Returns: true (ready) | false (not in time) */
static bool await(int fd, short events, uint64_t limit_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    uint64_t until = kw_now_ns() / 1000000 + limit_ms;
    int r = -1;

    while (r < 0) {
        uint64_t now = kw_now_ns() / 1000000;
        int wait_ms = limit_ms == 0 ? -1 : now >= until ? 0 : (int)KW_MIN(until - now, (uint64_t)INT32_MAX);

        r = poll(&poll_fd, 1, wait_ms);
        if (r < 0 && errno != EINTR)
            return false;
    }
    return r > 0;
}

/* Returns: 0 | KW_WIRE_AGAIN; at fd -1 nothing was connected */
static int dial_one(struct wire *wire, const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0, one = 1;
    socklen_t len = sizeof(error);

    if (fd < 0)
        return nobody(wire);
    if (connect(fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS) {
        close(fd);
        return nobody(wire);
    }
    if (!await(fd, POLLOUT, wire->limits->connect_ms)) {
        close(fd);
        return late(wire, "Connect");
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0) {
        close(fd);
        return nobody(wire);
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    wire->fd = fd;
    return 0;
}

static int dial(struct wire *wire)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    struct addrinfo *found = NULL;
    int r = KW_WIRE_AGAIN;

    if (getaddrinfo(wire->endpoint->host, wire->endpoint->port, &hints, &found) != 0)
        return nobody(wire);
    for (const struct addrinfo *one = found; one != NULL && r != 0; one = one->ai_next)
        r = dial_one(wire, one);
    freeaddrinfo(found);
    return r;
}

static int send_all(struct wire *wire, struct kw_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t n;

        if (!await(wire->fd, POLLOUT, wire->limits->read_ms))
            return late(wire, "Write");
        n = send(wire->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return closed(wire);
        bytes = KW_BYTES(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return 0;
}

static int send_out(struct wire *wire)
{
    int r = send_all(wire, kw_buf_bytes(&wire->out));

    wire->out.len = 0;
    return r;
}

/* Out: ret_len, 0 at the end of the connection. */
static int receive(struct wire *wire, size_t *ret_len)
{
    ssize_t n;

    do {
        if (!await(wire->fd, POLLIN, wire->limits->read_ms))
            return late(wire, "Read");
        n = recv(wire->fd, wire->in, STEP, 0);
    } while (n < 0 && (errno == EAGAIN || errno == EINTR));
    if (n < 0)
        return closed(wire);
    *ret_len = (size_t)n;
    return 0;
}

/* ---- TLS ---- */

static int untrusted(struct wire *wire, const char *why)
{
    return kw_trouble(
        wire->trouble, KW_CLI_GENERAL, "SSL validation failed for %s %s", wire->endpoint->url, why);
}

static int shake(struct wire *wire)
{
    int r;

    while ((r = kw_load_tls_shake(wire->tls, &wire->out)) == KW_LOAD_TLS_MORE) {
        size_t len = 0;
        int sent = send_out(wire);

        if (sent == 0)
            sent = receive(wire, &len);
        if (sent != 0)
            return sent;
        if (len == 0)
            return untrusted(wire, "the connection was closed in the TLS handshake; does it speak TLS?");
        kw_load_tls_give(wire->tls, KW_BYTES(wire->in, len));
    }
    if (r != 0) {
        char why[128];

        kw_load_tls_why(wire->tls, why, sizeof(why));
        return untrusted(wire, why);
    }
    return send_out(wire);
}

static int secure(struct wire *wire)
{
    const char *bundle = wire->limits->ca_bundle[0] != '\0' ? wire->limits->ca_bundle : NULL;
    SSL_CTX *context = NULL;
    char why[512];
    int r;

    if (!wire->endpoint->tls)
        return 0;
    if (kw_load_tls_context(wire->limits->any_certificate ? NULL : bundle, wire->limits->any_certificate,
            &context, why, sizeof(why)) != 0)
        return kw_trouble(wire->trouble, KW_CLI_GENERAL, "%s", why);
    r = kw_load_tls_new(context, wire->endpoint->host, &wire->tls);
    SSL_CTX_free(context);
    return r < 0 ? kw_trouble(wire->trouble, KW_CLI_GENERAL, "no memory") : shake(wire);
}

static int send_tls(struct wire *wire, struct kw_bytes data)
{
    while (data.len > 0) {
        size_t piece = KW_MIN(data.len, (size_t)STEP);

        if (kw_load_tls_write(wire->tls, KW_BYTES(data.ptr, piece), &wire->out) != 0)
            return closed(wire);
        if (send_out(wire) != 0)
            return KW_WIRE_AGAIN;
        data = KW_BYTES(data.ptr + piece, data.len - piece);
    }
    return 0;
}

static int send_data(struct wire *wire, struct kw_bytes data)
{
    return wire->tls != NULL ? send_tls(wire, data) : send_all(wire, data);
}

/* ---- the answer ---- */

static int take(struct wire *wire, struct kw_bytes bytes)
{
    size_t used = 0;
    int r = kw_answer_feed(&wire->answer, bytes, &used);

    kw_sbuf_put(&wire->raw, bytes.ptr, used);
    return r;
}

static int take_tls(struct wire *wire, struct kw_bytes bytes)
{
    uint8_t plain[4096];
    KW_ERASE_GUARD(plain);
    int r = KW_ANSWER_MORE;

    kw_load_tls_give(wire->tls, bytes);
    while (r == KW_ANSWER_MORE) {
        size_t len = 0;

        r = kw_load_tls_read(wire->tls, plain, sizeof(plain), &len, &wire->out);
        if (r == KW_LOAD_TLS_MORE)
            return KW_ANSWER_MORE;
        r = r == 0 ? take(wire, KW_BYTES(plain, len)) : kw_answer_end(&wire->answer);
    }
    return r;
}

static int await_answer(struct wire *wire)
{
    int r = KW_ANSWER_MORE;

    while (r == KW_ANSWER_MORE) {
        size_t len = 0;
        int got = receive(wire, &len);

        if (got != 0)
            return got;
        if (len == 0)
            r = kw_answer_end(&wire->answer);
        else if (wire->tls != NULL)
            r = take_tls(wire, KW_BYTES(wire->in, len));
        else
            r = take(wire, KW_BYTES(wire->in, len));
        if (len == 0 && r != 0)
            return closed(wire);
    }
    if (r != 0)
        return kw_trouble(wire->trouble, KW_CLI_GENERAL,
            "What answers at %s is not an HTTP/1.1 server; does it want https?", wire->endpoint->url);
    return kw_sbuf_ok(&wire->raw) ? 0 : kw_trouble(wire->trouble, KW_CLI_GENERAL, "the answer is too long");
}

/* A header of the last head in raw; no header is folded (tools/loadanswer.c). */
static struct kw_bytes header_of(struct kw_bytes head, const char *name)
{
    struct kw_bytes wanted = kw_bytes_str(name);

    while (head.len > 0) {
        const uint8_t *end = memchr(head.ptr, '\n', head.len);
        size_t len = end != NULL ? (size_t)(end - head.ptr) : head.len;

        if (len > wanted.len && head.ptr[wanted.len] == ':' &&
            kw_bytes_alike(head.ptr, wanted.ptr, wanted.len)) {
            struct kw_bytes value = KW_BYTES(head.ptr + wanted.len + 1, len - wanted.len - 1);

            while (value.len > 0 && isspace(value.ptr[0]))
                value = KW_BYTES(value.ptr + 1, value.len - 1);
            while (value.len > 0 && isspace(value.ptr[value.len - 1]))
                value.len--;
            return value;
        }
        len += end != NULL;
        head = KW_BYTES(head.ptr + len, head.len - len);
    }
    return KW_BYTES(NULL, 0);
}

/* Splits head and body; interim answers come before. */
static int split(struct kw_bytes raw, struct kw_bytes *ret_head, struct kw_bytes *ret_body)
{
    for (;;) {
        const uint8_t *end = memmem(raw.ptr, raw.len, "\r\n\r\n", 4);

        KW_REQUIRE(end != NULL && raw.len > 10, 1);
        *ret_head = KW_BYTES(raw.ptr, (size_t)(end - raw.ptr));
        raw = KW_BYTES(end + 4, raw.len - (size_t)(end - raw.ptr) - 4);
        if (ret_head->ptr[9] != '1')
            break;
    }
    *ret_body = raw;
    return 0;
}

static int dechunk(struct kw_bytes text, struct kw_sbuf *ret)
{
    for (;;) {
        const uint8_t *end = memmem(text.ptr, text.len, "\r\n", 2);
        char digits[9] = "";
        size_t len;

        KW_REQUIRE(end != NULL, 1);
        memcpy(digits, text.ptr, KW_MIN((size_t)(end - text.ptr), sizeof(digits) - 1));
        len = strtoul(digits, NULL, 16);
        text = KW_BYTES(end + 2, text.len - (size_t)(end - text.ptr) - 2);
        if (len == 0)
            return 0;
        KW_REQUIRE(len + 2 <= text.len, 1);
        kw_sbuf_put(ret, text.ptr, len);
        text = KW_BYTES(text.ptr + len + 2, text.len - len - 2);
    }
}

int kw_wire_body(struct kw_bytes raw, struct kw_sbuf *ret)
{
    struct kw_bytes head, body;

    KW_REQUIRE(split(raw, &head, &body) == 0, 1);
    if (header_of(head, "transfer-encoding").len > 0)
        return dechunk(body, ret);
    kw_sbuf_put_bytes(ret, body);
    return 0;
}

static int conclude(struct wire *wire, struct kw_wire_answer *ret)
{
    struct kw_sbuf body = KW_SBUF_INIT(ANSWER_MAX);
    struct kw_bytes head, rest, id;

    if (kw_wire_body(kw_sbuf_bytes(&wire->raw), &body) != 0 ||
        split(kw_sbuf_bytes(&wire->raw), &head, &rest) != 0 || !kw_sbuf_ok(&body)) {
        kw_sbuf_done(&body);
        return kw_trouble(wire->trouble, KW_CLI_GENERAL, "the answer cannot be read");
    }
    id = header_of(head, "x-amzn-requestid");
    ret->status = wire->answer.status;
    ret->request_id[0] = '\0';
    for (size_t i = 0; i < id.len && i + 1 < sizeof(ret->request_id) && isgraph(id.ptr[i]); i++) {
        ret->request_id[i] = (char)id.ptr[i];
        ret->request_id[i + 1] = '\0';
    }
    ret->body = body;
    return 0;
}

int kw_wire_ask(const struct kw_wire_endpoint *endpoint, const struct kw_wire_limits *limits,
    struct kw_bytes head, struct kw_bytes body, struct kw_wire_answer *ret, struct kw_trouble *trouble)
{
    struct wire *wire = calloc(1, sizeof(*wire));
    const size_t out_cap = STEP + KW_LOAD_TLS_ROOM;
    uint8_t *out = malloc(out_cap);
    int r = 1;

    if (wire == NULL || out == NULL || (wire->in = malloc(STEP)) == NULL) {
        (void)kw_trouble(trouble, KW_CLI_GENERAL, "no memory");
    } else {
        wire->endpoint = endpoint;
        wire->limits = limits;
        wire->trouble = trouble;
        wire->fd = -1;
        wire->out = KW_BUF(out, out_cap);
        wire->raw = KW_SBUF_INIT(ANSWER_MAX);
        r = dial(wire);
        r = r == 0 ? secure(wire) : r;
        r = r == 0 ? send_data(wire, head) : r;
        r = r == 0 ? send_data(wire, body) : r;
        r = r == 0 ? await_answer(wire) : r;
        r = r == 0 ? conclude(wire, ret) : r;
        if (wire->fd >= 0)
            close(wire->fd);
        kw_load_tls_free(wire->tls);
        kw_sbuf_done(&wire->raw);
        kw_erase(wire->in, STEP);
        free(wire->in);
    }
    if (wire != NULL)
        kw_erase(wire, sizeof(*wire));
    free(wire);
    free(out);
    return r;
}
