#include "tests/stress/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REGION  "us-east-1"
#define HEADERS "content-type;host;x-amz-date;x-amz-target"

static void read_credentials(struct client *client, const char *data_dir)
{
    char path[256], line[256];

    snprintf(path, sizeof(path), "%s/credentials", data_dir);
    FILE *file = fopen(path, "re");
    kw_assert(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "aws_access_key_id = %63s", client->access_key_id);
        (void)sscanf(line, "aws_secret_access_key = %63s", client->secret_access_key);
    }
    fclose(file);
    kw_assert(client->access_key_id[0] != '\0' && client->secret_access_key[0] != '\0');
}

void client_open(struct client *client, const struct kw_address *address, const char *data_dir)
{
    memset(client, 0, sizeof(*client));
    read_credentials(client, data_dir);
    kw_assert(kw_sigv4_engine_new(&client->engine) == 0);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    kw_assert(client->fd >= 0 && connect(client->fd, &address->any, address->len) == 0);
}

void client_close(struct client *client)
{
    close(client->fd);
    kw_sigv4_engine_free(client->engine);
}

/* In: head, complete but for the Authorization header. */
static void sign(struct client *client, const char *head, const char *body, int64_t now_ms, const char *stamp,
    char signature[65])
{
    struct kw_http_request request;
    struct kw_sigv4_claim claim = {.access_key_id = kw_bytes_str(client->access_key_id),
        .scope_date = KW_BYTES(stamp, 8),
        .region = KW_LIT(REGION),
        .service = KW_LIT("kms"),
        .signed_headers = KW_LIT(HEADERS),
        .amz_date = kw_bytes_str(stamp),
        .signed_at_ms = now_ms};
    uint8_t canonical_bytes[4096], text_bytes[1024], mac[32];
    struct kw_buf canonical = KW_BUF(canonical_bytes, sizeof(canonical_bytes));
    struct kw_buf text = KW_BUF(text_bytes, sizeof(text_bytes));
    size_t scanned = 0;

    kw_assert(kw_http_parse(kw_bytes_str(head), &scanned, &request) == 0);
    kw_assert(kw_sigv4_canonical_request(
                  client->engine, &request, kw_bytes_str(body), claim.signed_headers, true, &canonical) == 0);
    kw_assert(kw_sigv4_string_to_sign(client->engine, &claim, kw_buf_bytes(&canonical), &text) == 0);
    kw_assert(kw_sigv4_sign(client->engine, &claim, kw_bytes_str(client->secret_access_key),
                  kw_buf_bytes(&text), mac) == 0);
    kw_hex_encode(mac, sizeof(mac), signature);
    signature[64] = '\0';
}

static void say(struct client *client, const char *text)
{
    ssize_t len = (ssize_t)strlen(text);

    kw_assert(send(client->fd, text, (size_t)len, MSG_NOSIGNAL) == len);
}

static bool is_complete(const struct client *client, size_t len)
{
    const char *body = strstr(client->answer, "\r\n\r\n");
    const char *field = strcasestr(client->answer, "\r\ncontent-length: ");

    return body != NULL && field != NULL && field < body &&
           len >= (size_t)(body + 4 - client->answer) + strtoul(field + 18, NULL, 10);
}

static unsigned hear(struct client *client)
{
    size_t len = 0;

    do {
        ssize_t n = recv(client->fd, client->answer + len, sizeof(client->answer) - 1 - len, 0);
        kw_assert(n > 0);
        len += (size_t)n;
        client->answer[len] = '\0';
    } while (!is_complete(client, len));
    kw_assert(strncmp(client->answer, "HTTP/1.1 ", 9) == 0);
    return (unsigned)strtoul(client->answer + 9, NULL, 10);
}

unsigned client_call(struct client *client, const char *operation, const char *body)
{
    char head[1024], request[8192], stamp[KW_SIGV4_STAMP_LEN + 1], signature[65];
    int64_t now_ms = kw_wall_ms();

    kw_sigv4_stamp_format(now_ms, stamp);
    int len = snprintf(head, sizeof(head),
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Date: %s\r\n"
        "X-Amz-Target: TrentService.%s\r\nContent-Length: %zu\r\n\r\n",
        stamp, operation, strlen(body));
    kw_assert(len > 0 && (size_t)len < sizeof(head));
    sign(client, head, body, now_ms, stamp, signature);
    head[len - 2] = '\0'; /* open again for one more header */
    len = snprintf(request, sizeof(request),
        "%sAuthorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/" REGION
        "/kms/aws4_request, SignedHeaders=" HEADERS ", Signature=%s\r\n\r\n%s",
        head, client->access_key_id, stamp, signature, body);
    kw_assert(len > 0 && (size_t)len < sizeof(request));
    say(client, request);
    return hear(client);
}

void client_member(const struct client *client, const char *name, char *ret, size_t cap)
{
    char pattern[64];

    snprintf(pattern, sizeof(pattern), "\"%s\":\"", name);
    const char *from = strstr(client->answer, pattern);
    kw_assert(from != NULL);
    from += strlen(pattern);
    size_t len = strcspn(from, "\"");
    kw_assert(len < cap);
    memcpy(ret, from, len);
    ret[len] = '\0';
}
