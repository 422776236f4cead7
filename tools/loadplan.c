#include "tools/loadplan.h"

#include "tools/options.h"

#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#define WEIGHT_MAX 1000000u

/* ---- where to ---- */

/* "host", "host:port", "[::1]:port" */
static int split_host(const char *text, size_t len, struct kw_load_endpoint *endpoint)
{
    const char *end = text + len, *host = text, *host_end = memchr(text, ':', len);

    if (len > 0 && text[0] == '[') {
        host = text + 1;
        host_end = memchr(host, ']', len - 1);
        KW_REQUIRE(host_end != NULL && (host_end + 1 == end || host_end[1] == ':'), 1);
    }
    host_end = host_end != NULL ? host_end : end;
    KW_REQUIRE(host_end > host && (size_t)(host_end - host) < sizeof(endpoint->host), 1);
    memcpy(endpoint->host, host, (size_t)(host_end - host));
    snprintf(endpoint->port, sizeof(endpoint->port), "%s", endpoint->tls ? "443" : "80");
    host_end += host_end < end && *host_end == ']';
    if (host_end < end) {
        uint64_t port;
        char digits[8] = "";

        KW_REQUIRE((size_t)(end - host_end) <= 6, 1);
        memcpy(digits, host_end + 1, (size_t)(end - host_end) - 1);
        KW_REQUIRE(kw_number_parse(digits, 1, 65535, &port) == 0, 1);
        snprintf(endpoint->port, sizeof(endpoint->port), "%u", (unsigned)(uint16_t)port);
    }
    /* The header has the port only where it is not the scheme's own, as clients of AWS send (and sign) it. */
    if (strcmp(endpoint->port, endpoint->tls ? "443" : "80") == 0)
        end = host_end;
    snprintf(endpoint->header, sizeof(endpoint->header), "%.*s", (int)(end - text), text);
    return 0;
}

int kw_load_endpoint_parse(const char *url, struct kw_load_endpoint *ret)
{
    struct kw_load_endpoint endpoint = {0};
    size_t len;

    endpoint.tls = strncmp(url, "https://", 8) == 0;
    KW_REQUIRE(endpoint.tls || strncmp(url, "http://", 7) == 0, 1);
    url += endpoint.tls ? 8 : 7;
    len = strcspn(url, "/");
    KW_REQUIRE(url[len] == '\0' || url[len + 1] == '\0', 1);
    KW_REQUIRE(strcspn(url, " \t\r\n@?#") == strlen(url), 1);
    KW_REQUIRE(split_host(url, len, &endpoint) == 0, 1);
    *ret = endpoint;
    return 0;
}

int kw_load_endpoint_resolve(struct kw_load_endpoint *endpoint, char *why, size_t why_cap)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int r = getaddrinfo(endpoint->host, endpoint->port, &hints, &found);

    if (r != 0) {
        snprintf(why, why_cap, "%s: %s", endpoint->host, gai_strerror(r));
        return 1;
    }
    memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
    endpoint->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

/* ---- what ---- */

static int copy(char *to, size_t cap, const char *from, size_t len)
{
    KW_REQUIRE(len > 0 && len < cap, 1);
    memcpy(to, from, len);
    to[len] = '\0';
    return 0;
}

/* An entry, cut off already: file names keep their commas only if they have none. */
static const char *parse_op(char *text, struct kw_load_op *op)
{
    char *equals = strrchr(text, '='), *rest;

    op->weight = 1;
    if (equals != NULL) {
        *equals = '\0';
        if (kw_number_parse(equals + 1, 1, WEIGHT_MAX, &op->weight) != 0)
            return "has a weight that is not 1 to 1000000";
    }
    if (copy(op->name, sizeof(op->name), text, strlen(text)) != 0)
        return "has an entry without a name, or with too long a one";
    rest = op->name + strcspn(op->name, ":@");
    if (copy(op->operation, sizeof(op->operation), op->name, (size_t)(rest - op->name)) != 0 ||
        strspn(op->operation, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") !=
            strlen(op->operation))
        return "names an operation that cannot be one";
    if (*rest == '@')
        op->file = rest + 1;
    else if (*rest == ':' && copy(op->parameter, sizeof(op->parameter), rest + 1, strlen(rest + 1)) != 0)
        return "has a parameter that is empty or too long";
    return NULL;
}

const char *kw_load_mix_parse(struct kw_load_plan *plan, const char *text)
{
    char *copied = strdup(text), *rest = copied, *entry;
    const char *problem = copied != NULL ? NULL : "no memory";
    uint64_t sum = 0;

    plan->num_ops = 0;
    while (problem == NULL && (entry = strsep(&rest, ",")) != NULL) {
        struct kw_load_op *op = &plan->ops[plan->num_ops];

        if (plan->num_ops == KW_LOAD_OPS_MAX) {
            problem = "has more than 16 operations";
            break;
        }
        *op = (struct kw_load_op){0};
        problem = parse_op(entry, op);
        sum += op->weight;
        op->threshold = sum;
        plan->num_ops++;
    }
    free(copied);
    return problem;
}

/* ---- bodies ---- */

static int set(json_t *body, const char *name, json_t *value)
{
    return json_object_set_new(body, name, value) == 0 ? 0 : 1;
}

static int set_context(json_t *body, char *const *context, unsigned num)
{
    json_t *object;

    if (num == 0)
        return 0;
    object = json_object();
    for (unsigned i = 0; i < num; i++) {
        const char *equals = strchr(context[i], '=');
        char *name = strndup(context[i], (size_t)(equals - context[i]));

        json_object_set_new(object, name, json_string(equals + 1));
        free(name);
    }
    return set(body, "EncryptionContext", object);
}

/* Any bytes do; these are none that a compressor would notice. */
static int set_plaintext(json_t *body, const struct kw_load_op *op)
{
    uint64_t len = 32;
    uint8_t data[4096];
    char text[KW_BASE64_LEN(sizeof(data)) + 1];

    KW_REQUIRE(op->parameter[0] == '\0' || kw_number_parse(op->parameter, 1, sizeof(data), &len) == 0, 1);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 167 + 13);
    kw_base64_encode(KW_BYTES(data, (size_t)len), text);
    text[KW_BASE64_LEN(len)] = '\0';
    return set(body, "Plaintext", json_string(text));
}

static int set_number(json_t *body, const struct kw_load_op *op)
{
    uint64_t number = 32;

    KW_REQUIRE(op->parameter[0] == '\0' || kw_number_parse(op->parameter, 1, 1024, &number) == 0, 1);
    return set(body, "NumberOfBytes", json_integer((json_int_t)number));
}

/* What each operation takes besides the key and the context. */
static int fill(json_t *body, const struct kw_load_op *op, const char *ciphertext)
{
    if (strncmp(op->operation, "GenerateDataKeyPair", 19) == 0) {
        KW_REQUIRE(op->parameter[0] != '\0', 1);
        return set(body, "KeyPairSpec", json_string(op->parameter));
    }
    if (strncmp(op->operation, "GenerateDataKey", 15) == 0)
        return set(body, "KeySpec", json_string(op->parameter[0] != '\0' ? op->parameter : "AES_256"));
    if (strcmp(op->operation, "Encrypt") == 0)
        return set_plaintext(body, op);
    if (strcmp(op->operation, "Decrypt") == 0)
        return set(body, "CiphertextBlob", json_string(ciphertext));
    return strcmp(op->operation, "GenerateRandom") == 0 ? set_number(body, op) : 0;
}

static int read_body(const char *path, char **ret, char *why, size_t why_cap)
{
    json_error_t error;
    json_t *body = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

    if (body == NULL) {
        snprintf(why, why_cap, "%s: %s", path, error.text);
        return 1;
    }
    *ret = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return *ret != NULL ? 0 : 1;
}

static bool one_of(const char *name, const char *const *list, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        if (strcmp(name, list[i]) == 0)
            return true;
    }
    return false;
}

int kw_load_body(const struct kw_load_op *op, const char *key_id, char *const *context, unsigned num_context,
    const char *ciphertext, char **ret, char *why, size_t why_cap)
{
    static const char *const known[] = {"Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey",
        "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext",
        "GenerateRandom"};
    static const char *const keyless[] = {"GenerateRandom"};
    static const char *const contextless[] = {"DescribeKey", "GenerateRandom"};
    json_t *body;
    int r;

    if (op->file != NULL)
        return read_body(op->file, ret, why, why_cap);
    if (!one_of(op->operation, known, KW_ARRAY_LEN(known))) {
        snprintf(why, why_cap, "%s needs its body from a file: %s@FILE", op->operation, op->operation);
        return 1;
    }
    if (key_id == NULL && !one_of(op->operation, keyless, KW_ARRAY_LEN(keyless))) {
        snprintf(why, why_cap, "%s needs --key-id", op->operation);
        return 1;
    }
    body = json_object();
    snprintf(why, why_cap, "%s: this operation takes another parameter, such as %s", op->name,
        strncmp(op->operation, "GenerateDataKeyPair", 19) == 0 ? "RSA_2048" : "32");
    r = fill(body, op, ciphertext);
    if (r == 0 && !one_of(op->operation, keyless, KW_ARRAY_LEN(keyless)))
        r = set(body, "KeyId", json_string(key_id));
    if (r == 0 && !one_of(op->operation, contextless, KW_ARRAY_LEN(contextless)))
        r = set_context(body, context, num_context);
    *ret = r == 0 ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    return *ret != NULL ? 0 : 1;
}
