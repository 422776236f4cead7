#include "tools/loadprobe.h"

#include "tools/loadanswer.h"
#include "tools/loadtls.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#define BODY_MAX 65536u

struct probe {
    const struct kw_load_plan *plan;
    int fd;
    struct kw_load_tls *tls;
    struct kw_buf out;
    uint8_t in[16384];
    uint8_t plain[16384];
    struct kw_answer answer;
    char *text; /* head and body, as far as they fit */
    size_t text_len;
    char *why;
    size_t why_cap;
};

static int fail(struct probe *probe, const char *what, const char *detail)
{
    snprintf(probe->why, probe->why_cap, "%s:%s: %s%s", probe->plan->endpoint.host,
        probe->plan->endpoint.port, what, detail);
    return 1;
}

static int dial(struct probe *probe)
{
    const struct kw_load_endpoint *endpoint = &probe->plan->endpoint;
    struct timeval limit = {.tv_sec = (time_t)(probe->plan->timeout_ns / 1000000000u),
        .tv_usec = (suseconds_t)(probe->plan->timeout_ns % 1000000000u / 1000)};

    probe->fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe->fd < 0)
        return fail(probe, "", strerror(errno));
    (void)setsockopt(probe->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(probe->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(probe->fd, (const struct sockaddr *)&endpoint->address, endpoint->address_len) < 0)
        return fail(probe, "", strerror(errno));
    if (probe->plan->tls != NULL && kw_load_tls_new(probe->plan->tls, endpoint->host, &probe->tls) < 0)
        return fail(probe, "", "no memory");
    return 0;
}

static int send_out(struct probe *probe)
{
    for (size_t sent = 0; sent < probe->out.len;) {
        ssize_t n = send(probe->fd, probe->out.ptr + sent, probe->out.len - sent, MSG_NOSIGNAL);

        if (n < 0)
            return fail(probe, "", strerror(errno));
        sent += (size_t)n;
    }
    probe->out.len = 0;
    return 0;
}

static int receive(struct probe *probe, size_t *ret_len)
{
    ssize_t n = recv(probe->fd, probe->in, sizeof(probe->in), 0);

    if (n < 0)
        return fail(probe, "", errno == EAGAIN ? "no answer in time" : strerror(errno));
    *ret_len = (size_t)n;
    return 0;
}

static int shake(struct probe *probe)
{
    int r;

    while ((r = kw_load_tls_shake(probe->tls, &probe->out)) == KW_LOAD_TLS_MORE) {
        size_t len = 0;

        if (send_out(probe) != 0 || receive(probe, &len) != 0)
            return 1;
        if (len == 0)
            return fail(probe, "", "the connection was closed in the TLS handshake; does it speak TLS?");
        kw_load_tls_give(probe->tls, KW_BYTES(probe->in, len));
    }
    if (r != 0) {
        char what[128];

        kw_load_tls_why(probe->tls, what, sizeof(what));
        return fail(probe, what, "");
    }
    return send_out(probe);
}

/* Returns: 0 (complete) | KW_ANSWER_MORE | KW_ANSWER_BAD */
static int take(struct probe *probe, struct kw_bytes bytes)
{
    size_t used, piece = KW_MIN(bytes.len, BODY_MAX - probe->text_len);

    memcpy(probe->text + probe->text_len, bytes.ptr, piece);
    probe->text_len += piece;
    return kw_answer_feed(&probe->answer, bytes, &used);
}

static int take_tls(struct probe *probe, struct kw_bytes bytes)
{
    int r = KW_ANSWER_MORE;

    kw_load_tls_give(probe->tls, bytes);
    while (r == KW_ANSWER_MORE) {
        size_t len = 0;

        r = kw_load_tls_read(probe->tls, probe->plain, sizeof(probe->plain), &len, &probe->out);
        if (r == KW_LOAD_TLS_MORE)
            return KW_ANSWER_MORE;
        r = r == 0 ? take(probe, KW_BYTES(probe->plain, len)) : kw_answer_end(&probe->answer);
    }
    return r;
}

static int await_answer(struct probe *probe)
{
    int r = KW_ANSWER_MORE;

    while (r == KW_ANSWER_MORE) {
        size_t len = 0;

        if (receive(probe, &len) != 0)
            return 1;
        if (len == 0)
            r = kw_answer_end(&probe->answer);
        else if (probe->tls != NULL)
            r = take_tls(probe, KW_BYTES(probe->in, len));
        else
            r = take(probe, KW_BYTES(probe->in, len));
    }
    if (r != 0)
        return fail(probe, "", "what answers is not an HTTP/1.1 server; does it want https?");
    return 0;
}

static int ask(struct probe *probe, const struct kw_load_request *request)
{
    struct kw_load_signer signer;
    uint8_t *plain = malloc(request->len);
    int r = 0;

    if (plain == NULL)
        return fail(probe, "", "no memory");
    kw_load_signer_init(&signer, &probe->plan->identity, 1);
    kw_load_signer_set_time(&signer, kw_wall_ms());
    kw_load_request_render(request, &signer, plain);
    kw_load_signer_done(&signer);
    if (probe->tls == NULL)
        kw_buf_put(&probe->out, plain, request->len);
    else if (kw_load_tls_write(probe->tls, KW_BYTES(plain, request->len), &probe->out) != 0)
        r = fail(probe, "", "TLS failed");
    free(plain);
    return r != 0 || send_out(probe) != 0 ? 1 : await_answer(probe);
}

/* The body, and what it says if it is an error. */
static int conclude(struct probe *probe, char **ret_body)
{
    const char *head_end = memmem(probe->text, probe->text_len, "\r\n\r\n", 4);
    const char *body = head_end != NULL ? head_end + 4 : probe->text + probe->text_len;
    size_t len = probe->text_len - (size_t)(body - probe->text);

    if (probe->answer.status != 200) {
        char type[KW_ANSWER_ERROR_MAX], detail[512];

        kw_answer_error(&probe->answer, type);
        snprintf(detail, sizeof(detail), ": %.*s", (int)KW_MIN(len, (size_t)400), body);
        return fail(probe, type, detail);
    }
    if (ret_body != NULL)
        *ret_body = strndup(body, len);
    return ret_body == NULL || *ret_body != NULL ? 0 : fail(probe, "", "no memory");
}

int kw_load_probe(const struct kw_load_plan *plan, const struct kw_load_request *request, char **ret_body,
    char ret_tls[64], char *why, size_t why_cap)
{
    struct probe *probe = calloc(1, sizeof(*probe));
    size_t out_cap = request->len + KW_LOAD_TLS_ROOM;
    uint8_t *out = malloc(out_cap);
    char *text = malloc(BODY_MAX);
    int r = 1;

    snprintf(why, why_cap, "no memory");
    ret_tls[0] = '\0';
    if (probe != NULL && out != NULL && text != NULL) {
        *probe = (struct probe){.plan = plan,
            .fd = -1,
            .out = KW_BUF(out, out_cap),
            .text = text,
            .why = why,
            .why_cap = why_cap};
        r = dial(probe);
        if (r == 0 && probe->tls != NULL)
            r = shake(probe);
        if (r == 0 && probe->tls != NULL)
            kw_load_tls_describe(probe->tls, ret_tls, 64);
        r = r != 0 || ask(probe, request) != 0 || conclude(probe, ret_body) != 0;
        if (probe->fd >= 0)
            close(probe->fd);
        kw_load_tls_free(probe->tls);
    }
    free(probe);
    free(out);
    free(text);
    return r;
}
