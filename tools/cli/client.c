#include "tools/cli/client.h"

#include <math.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BODY_MAX      (16u * 1024u * 1024u)
#define BACKOFF_S_MAX 20.0

/* Errors that another attempt may not meet: too many calls, or something that passes. */
static const char *const again[] = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
};

int kw_client_init(struct kw_client *client, const struct kw_config *config,
    const struct kw_cli_operation *operation, const struct kw_arguments *arguments,
    struct kw_trouble *trouble)
{
    *client = (struct kw_client){
        .config = config,
        .operation = operation,
        .limits = {config->connect_timeout_ms, config->read_timeout_ms, config->ca_bundle,
            arguments->no_verify_ssl},
        .sign = !arguments->no_sign_request,
        .debug = arguments->debug,
    };
    return kw_wire_endpoint_parse(config->endpoint, &client->endpoint, trouble);
}

static int put_text(const char *text, size_t len, void *to)
{
    kw_sbuf_put(to, text, len);
    return 0;
}

static void say(const struct kw_client *client, const char *format, ...) KW_PRINTF(2, 3);
static void say(const struct kw_client *client, const char *format, ...)
{
    va_list args;

    if (!client->debug)
        return;
    fprintf(stderr, "debug: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* One attempt. */
static int ask(
    struct kw_client *client, struct kw_bytes body, struct kw_wire_answer *ret, struct kw_trouble *trouble)
{
    const struct kw_config *config = client->config;
    const struct kw_signer signer = {client->sign ? config->access_key_id : NULL, config->secret_access_key,
        config->session_token, config->region};
    char target[96];
    KW_SBUF struct kw_sbuf head = KW_SBUF_INIT(65536);

    snprintf(target, sizeof(target), "TrentService.%s", client->operation->model->name);
    kw_signer_head(&signer,
        &(struct kw_signed_request){
            client->endpoint.header, client->endpoint.path, target, body, kw_wall_ms()},
        &head);
    if (!kw_sbuf_ok(&head))
        return kw_trouble(trouble, KW_CLI_GENERAL, "no memory");
    return kw_wire_ask(&client->endpoint, &client->limits, kw_sbuf_bytes(&head), body, ret, trouble);
}

/* ---- refusals ---- */

struct refusal {
    char code[128];
    const char *message; /* in the answer */
    unsigned status;
};

static void read_refusal(const json_t *answer, unsigned status, struct refusal *ret)
{
    const char *type = json_string_value(json_object_get(answer, "__type")), *hash;
    const char *message = json_string_value(json_object_get(answer, "message"));

    if (type == NULL)
        type = json_string_value(json_object_get(answer, "code"));
    if (message == NULL)
        message = json_string_value(json_object_get(answer, "Message"));
    hash = type != NULL ? strrchr(type, '#') : NULL;
    ret->status = status;
    ret->message = message != NULL ? message : "";
    if (type != NULL)
        snprintf(ret->code, sizeof(ret->code), "%.*s", (int)strcspn(hash != NULL ? hash + 1 : type, ":"),
            hash != NULL ? hash + 1 : type);
    else
        snprintf(ret->code, sizeof(ret->code), "%u", status);
}

static bool worth_retrying(const struct refusal *refusal)
{
    if (refusal->status == 500 || (refusal->status >= 502 && refusal->status <= 504))
        return true;
    for (size_t i = 0; i < KW_ARRAY_LEN(again); i++) {
        if (strcmp(again[i], refusal->code) == 0)
            return true;
    }
    return false;
}

static int refused(const struct kw_client *client, const struct refusal *refusal, unsigned attempts,
    struct kw_trouble *trouble)
{
    char retries[64] = "";

    if (attempts > 1)
        snprintf(retries, sizeof(retries), " (reached max retries: %u)", attempts - 1);
    return kw_trouble(trouble, KW_CLI_SERVICE, "An error occurred (%s) when calling the %s operation%s: %s",
        refusal->code, client->operation->model->name, retries, refusal->message);
}

/* Exponential, at random between nothing and the whole. */
static void back_off(const struct kw_client *client, unsigned attempt)
{
    double most = fmin(ldexp(1, (int)KW_MIN(attempt - 1, 10u)), BACKOFF_S_MAX), seconds;
    struct timespec wait;
    uint32_t number = 0;

    (void)RAND_bytes((unsigned char *)&number, sizeof(number));
    seconds = most * number / UINT32_MAX;
    say(client, "attempt %u failed; the next one in %.2f s", attempt, seconds);
    wait.tv_sec = (time_t)seconds;
    wait.tv_nsec = (long)((seconds - (double)wait.tv_sec) * 1e9);
    (void)nanosleep(&wait, NULL);
}

enum { AGAIN = 2 };
/* Returns: 0 | 1 | AGAIN (the same as 1, but worth another attempt) */
static int attempt(
    struct kw_client *client, struct kw_bytes body, unsigned number, json_t **ret, struct kw_trouble *trouble)
{
    struct kw_wire_answer answer = {.status = 0};
    struct refusal refusal;
    json_t *value;
    int r = ask(client, body, &answer, trouble);

    if (r != 0)
        return r == KW_WIRE_AGAIN ? AGAIN : 1;
    say(client, "answer: HTTP %u, %zu bytes, x-amzn-RequestId %s", answer.status, answer.body.len,
        answer.request_id[0] != '\0' ? answer.request_id : "-");
    value = answer.body.len > 0
                ? json_loadb((const char *)answer.body.ptr, answer.body.len, JSON_ALLOW_NUL, NULL)
                : json_object();
    kw_sbuf_done(&answer.body);
    if (answer.status >= 200 && answer.status < 300) {
        if (value == NULL)
            return kw_trouble(trouble, KW_CLI_GENERAL,
                "Unable to parse response: what answers at %s is no KMS service", client->endpoint.url);
        *ret = value;
        return 0;
    }
    read_refusal(value, answer.status, &refusal);
    r = refused(client, &refusal, number, trouble) != 0 && worth_retrying(&refusal) ? AGAIN : 1;
    json_decref(value);
    return r;
}

int kw_client_call(struct kw_client *client, const json_t *input, json_t **ret, struct kw_trouble *trouble)
{
    KW_SBUF struct kw_sbuf body = KW_SBUF_INIT(BODY_MAX);
    unsigned number = 1;
    int r;

    if (json_dump_callback(input, put_text, &body, JSON_COMPACT) < 0 || !kw_sbuf_ok(&body))
        return kw_trouble(trouble, KW_CLI_GENERAL, "the request is too long");
    say(client, "%s to %s, Region %s, %zu bytes, %s", client->operation->model->name, client->endpoint.url,
        client->config->region, body.len, client->sign ? client->config->access_key_id : "not signed");
    while ((r = attempt(client, kw_sbuf_bytes(&body), number, ret, trouble)) == AGAIN &&
           number < client->config->max_attempts)
        back_off(client, number++);
    return r == AGAIN ? 1 : r;
}
