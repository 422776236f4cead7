#include "api/operator.h"

#include "api/keyname.h"
#include "api/log.h"
#include "api/operator_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- errors ---- */

static const struct {
    const char *name;
    unsigned status;
} errors[KW_OPERATOR_ERROR_NUM] = {
    [KW_OPERATOR_NONE] = {"", 200},
    [KW_OPERATOR_INVALID] = {"ValidationError", 400},
    [KW_OPERATOR_MALFORMED_POLICY] = {"MalformedPolicyDocument", 400},
    [KW_OPERATOR_FOREIGN] = {"AccessDenied", 403},
    [KW_OPERATOR_NOT_FOUND] = {"NoSuchEntity", 404},
    [KW_OPERATOR_NO_REQUEST] = {"InvalidAction", 404},
    [KW_OPERATOR_EXISTS] = {"EntityAlreadyExists", 400},
    [KW_OPERATOR_LIMIT] = {"LimitExceeded", 400},
    [KW_OPERATOR_FAILED] = {"ServiceFailure", 500},
    [KW_OPERATOR_UNAVAILABLE] = {"ServiceUnavailable", 503},
};

const char *kw_operator_error_name(enum kw_operator_error error)
{
    return errors[error].name;
}

unsigned kw_operator_error_status(enum kw_operator_error error)
{
    return errors[error].status;
}

int kw_operator_refuse(struct kw_operator_call *call, enum kw_operator_error error, const char *format, ...)
{
    va_list args;

    call->error = error;
    va_start(args, format);
    vsnprintf(call->message, sizeof(call->message), format, args);
    va_end(args);
    return KW_OPERATOR_REFUSED;
}

/* ---- the input ---- */

int kw_operator_text(struct kw_operator_call *call, const char *member, bool required, const char **ret)
{
    const json_t *value = json_object_get(call->input, member);
    const char *text = json_string_value(value);

    if (value == NULL && !required) {
        *ret = NULL;
        return KW_OPERATOR_DONE;
    }
    if (text == NULL || strlen(text) != json_string_length(value))
        return kw_operator_refuse(call, KW_OPERATOR_INVALID, "%s must be a text", member);
    *ret = text;
    return KW_OPERATOR_DONE;
}

int kw_operator_flag(struct kw_operator_call *call, const char *member, bool *ret)
{
    const json_t *value = json_object_get(call->input, member);

    if (value != NULL && !json_is_boolean(value))
        return kw_operator_refuse(call, KW_OPERATOR_INVALID, "%s must be true or false", member);
    *ret = json_is_true(value);
    return KW_OPERATOR_DONE;
}

int kw_operator_target(struct kw_operator_call *call)
{
    const char *name = NULL, *account = NULL;

    if (kw_operator_text(call, "Principal", true, &name) != 0 ||
        kw_operator_text(call, "Account", false, &account) != 0)
        return KW_OPERATOR_REFUSED;
    kw_assert(name != NULL);
    if (account == NULL)
        account = call->thread->service->account;
    if (!kw_account_valid(kw_bytes_str(account)))
        return kw_operator_refuse(call, KW_OPERATOR_INVALID, "Account must be twelve digits");
    if (kw_principal_name_parse(kw_bytes_str(name), account, &call->target) != 0)
        return kw_operator_refuse(call, KW_OPERATOR_INVALID,
            "Principal must be the name or the ARN of a user, a role or an account's root");
    return KW_OPERATOR_DONE;
}

/* A member that no request has is more likely a slip than nothing. */
static int check_members(struct kw_operator_call *call)
{
    const char *key;
    json_t *value;

    json_object_foreach(call->input, key, value)
    {
        const char *const *member = call->request->members;

        while (*member != NULL && strcmp(*member, key) != 0)
            member++;
        if (*member == NULL)
            return kw_operator_refuse(
                call, KW_OPERATOR_INVALID, "%s has no member %.100s", call->request->name, key);
    }
    return KW_OPERATOR_DONE;
}

static int parse_input(struct kw_operator_call *call)
{
    int r = kw_json_parse(call->exchange->body, &call->input);

    if (r != 0)
        return kw_operator_refuse(call, r < 0 ? KW_OPERATOR_FAILED : KW_OPERATOR_INVALID,
            r < 0 ? "out of memory" : "the request's body is not a JSON object");
    return check_members(call);
}

int kw_operator_policy(struct kw_operator_call *call, enum kw_policy_kind kind, const char *what,
    const char *text, const struct kw_policy **ret)
{
    struct kw_policy *policy = NULL;
    char why[256] = "";
    int r = kw_policy_new(&policy, kind, kw_bytes_str(text), NULL, why, sizeof(why));

    if (r == KW_POLICY_MALFORMED)
        return kw_operator_refuse(call, KW_OPERATOR_MALFORMED_POLICY, "%s: %s", what,
            why[0] != '\0' ? why : "This policy contains invalid Json");
    if (r != 0)
        return kw_operator_refuse(call, KW_OPERATOR_FAILED, "out of memory");
    *ret = policy;
    return KW_OPERATOR_DONE;
}

/* ---- the request ---- */

static const struct kw_operator_request *find_in(
    const struct kw_operator_request *const *requests, struct kw_bytes name)
{
    for (; *requests != NULL; requests++) {
        if (kw_bytes_equal(kw_bytes_str((*requests)->name), name))
            return *requests;
    }
    return NULL;
}

static int find_request(struct kw_operator_call *call)
{
    struct kw_bytes path = call->exchange->request.path, name;

    if (!kw_bytes_equal(call->exchange->request.method, KW_LIT("POST")) || path.len == 0)
        return kw_operator_refuse(call, KW_OPERATOR_NO_REQUEST, "requests are POST /NAME");
    name = KW_BYTES(path.ptr + 1, path.len - 1);
    call->request = find_in(kw_operator_principal_requests, name);
    if (call->request == NULL)
        call->request = find_in(kw_operator_key_requests, name);
    if (call->request == NULL && kw_bytes_equal(name, kw_bytes_str(kw_operator_explain.name)))
        call->request = &kw_operator_explain;
    return call->request != NULL ? KW_OPERATOR_DONE
                                 : kw_operator_refuse(call, KW_OPERATOR_NO_REQUEST, "no such request");
}

/* The socket's mode keeps others out; this is the second lock. */
static int check_peer(struct kw_operator_call *call)
{
    int64_t uid = call->exchange->uid;

    if (uid == 0 || uid == (int64_t)geteuid())
        return KW_OPERATOR_DONE;
    return kw_operator_refuse(call, KW_OPERATOR_FOREIGN,
        "only root and the user that the server runs as (uid %u) may administer it", (unsigned)geteuid());
}

static int make_uuid(struct kw_operator_thread *thread, char ret[37])
{
    uint8_t id[16];

    KW_TRY(kw_drbg_bytes(thread->drbg, id, sizeof(id)));
    kw_uuid_make_v4(id);
    kw_uuid_format(id, ret);
    ret[36] = '\0';
    return 0;
}

static struct kw_operator_call *call_new(struct kw_operator_thread *thread, struct kw_exchange *exchange)
{
    struct kw_operator_call *call = calloc(1, sizeof(*call));

    if (call == NULL || make_uuid(thread, call->request_id) < 0 || make_uuid(thread, call->event_id) < 0) {
        free(call);
        return NULL;
    }
    call->thread = thread;
    call->exchange = exchange;
    call->now_ms = kw_wall_ms();
    call->audit_text = KW_SBUF_INIT(KW_AUDIT_RECORD_MAX);
    return call;
}

static void call_free(struct kw_operator_call *call)
{
    json_decref(call->input);
    kw_access_key_unref(call->key);
    kw_policy_unref(call->trust);
    for (size_t i = 0; i < call->num_policies; i++)
        kw_policy_unref(call->policies[i].policy);
    kw_sbuf_done(&call->audit_text);
    free(call);
}

/* ---- the answer ---- */

static void write_error(struct kw_operator_call *call)
{
    struct kw_exchange *exchange = call->exchange;
    struct kw_json_out out = KW_JSON_OUT(&exchange->answer);

    /* Whatever was begun, a secret maybe, is wiped. */
    kw_sbuf_reset(&exchange->answer, 0);
    exchange->status = kw_operator_error_status(call->error);
    kw_json_begin_object(&out);
    kw_json_key(&out, "error");
    kw_json_begin_object(&out);
    kw_json_key(&out, "code");
    kw_json_cstring(&out, kw_operator_error_name(call->error));
    kw_json_key(&out, "message");
    kw_json_cstring(&out, call->message);
    kw_json_end_object(&out);
    kw_json_end_object(&out);
}

static void answer(struct kw_operator_call *call)
{
    struct kw_exchange *exchange = call->exchange;

    if (call->error == KW_OPERATOR_NONE && !kw_sbuf_ok(&exchange->answer))
        kw_operator_refuse(call, KW_OPERATOR_FAILED, "the answer is too long, or out of memory");
    if (call->error != KW_OPERATOR_NONE)
        write_error(call);
    exchange->content_type = "application/json";
    call_free(call);
    kw_exchange_finish(exchange);
}

/* ---- running, recording, changing ---- */

/* What fails below is no fault of the operator. */
static int settle(struct kw_operator_call *call, int result)
{
    if (result == KW_OPERATOR_DONE || call->error != KW_OPERATOR_NONE)
        return call->error == KW_OPERATOR_NONE ? KW_OPERATOR_DONE : KW_OPERATOR_REFUSED;
    return kw_operator_refuse(call, KW_OPERATOR_FAILED, "the keystore could not be written");
}

static int with_snapshot(struct kw_operator_call *call, int (*function)(struct kw_operator_call *))
{
    struct kw_snapshot_cell *cell = kw_store_cell(call->thread->service->store);
    int r;

    call->snapshot = kw_snapshot_acquire(cell, call->thread->reader);
    r = function(call);
    call->snapshot = NULL;
    kw_snapshot_release(cell, call->thread->reader);
    return settle(call, r);
}

/* On the keystore's thread, which has the call to itself until it posts it back. */
static int apply(struct kw_tx *tx, void *arg)
{
    struct kw_operator_call *call = arg;
    int r;

    call->tx = tx;
    call->snapshot = tx->snapshot;
    r = call->request->run(call);
    call->tx = NULL;
    call->snapshot = NULL;
    return r;
}

static void submit_change(struct kw_operator_call *call)
{
    call->change = (struct kw_store_request){
        .change = {.apply = apply, .arg = call}, .reply = &call->thread->store_mail};
    kw_store_submit(call->thread->service->store, &call->change);
}

/* Of an intent, or of how it went; on_audited() goes on. */
static void record(struct kw_operator_call *call)
{
    char event_id[37];

    memcpy(event_id, call->event_id, sizeof(event_id));
    if ((call->intent && make_uuid(call->thread, event_id) < 0) ||
        kw_operator_record_write(call, event_id, kw_wall_ms(), &call->audit_text) < 0) {
        kw_operator_refuse(call, KW_OPERATOR_FAILED, "out of memory");
        answer(call);
        return;
    }
    call->audit =
        (struct kw_audit_entry){.body = kw_sbuf_bytes(&call->audit_text), .reply = &call->thread->audit_mail};
    kw_audit_submit(call->thread->service->audit, &call->audit);
}

static void on_audited(void *arg, struct kw_inbox_node *node)
{
    struct kw_operator_call *call =
        KW_CONTAINER_OF(KW_CONTAINER_OF(node, struct kw_audit_entry, node), struct kw_operator_call, audit);
    bool intent = call->intent;

    (void)arg;
    call->intent = false;
    if (call->audit.result < 0) {
        if (!intent && call->error == KW_OPERATOR_NONE)
            kw_log(KW_LOG_ERROR, "outcome-unrecorded", "operation=%s request=%s", call->request->name,
                call->request_id);
        kw_operator_refuse(call, KW_OPERATOR_UNAVAILABLE, "the audit log cannot be written; %s",
            intent ? "nothing was changed" : "look whether the change was made");
        answer(call);
    } else if (intent) {
        submit_change(call);
    } else {
        answer(call);
    }
}

static int write_answer(struct kw_operator_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    int r;

    kw_json_begin_object(&out);
    r = call->request->answer(call, &out);
    if (r == KW_OPERATOR_DONE)
        kw_json_end_object(&out);
    return r;
}

static void on_stored(void *arg, struct kw_inbox_node *node)
{
    struct kw_operator_call *call = KW_CONTAINER_OF(
        KW_CONTAINER_OF(node, struct kw_store_request, node), struct kw_operator_call, change);

    (void)arg;
    if (settle(call, call->change.result) == KW_OPERATOR_DONE)
        (void)with_snapshot(call, write_answer);
    if (call->error == KW_OPERATOR_NONE)
        kw_log(KW_LOG_INFO, "operator", "request=%s target=%s uid=%lld", call->request->name, call->arn,
            (long long)call->exchange->uid);
    record(call);
}

static int prepare(struct kw_operator_call *call)
{
    if (call->request->answer != NULL && !kw_audit_healthy(call->thread->service->audit))
        return kw_operator_refuse(
            call, KW_OPERATOR_UNAVAILABLE, "the audit log cannot be written; nothing was changed");
    return call->request->prepare != NULL ? settle(call, call->request->prepare(call)) : KW_OPERATOR_DONE;
}

static void begin(struct kw_operator_call *call)
{
    int r = parse_input(call);

    if (r == KW_OPERATOR_DONE)
        r = prepare(call);
    if (r == KW_OPERATOR_DONE)
        r = with_snapshot(call, call->request->run);
    if (call->request->answer == NULL || call->error == KW_OPERATOR_UNAVAILABLE) {
        answer(call);
        return;
    }
    call->intent = r == KW_OPERATOR_DONE;
    record(call);
}

static void on_request(void *ctx, struct kw_exchange *exchange)
{
    struct kw_operator_call *call = call_new(ctx, exchange);

    if (call == NULL) {
        exchange->status = 500;
        exchange->close = true;
        kw_exchange_finish(exchange);
    } else if (check_peer(call) != 0 || find_request(call) != 0) {
        exchange->close = true;
        answer(call);
    } else {
        begin(call);
    }
}

static void on_bad_request(void *ctx, struct kw_exchange *exchange)
{
    (void)ctx;
    exchange->content_type = "text/plain; charset=utf-8";
    kw_sbuf_put_str(&exchange->answer, kw_http_reason(exchange->status));
}

/* ---- the thread ---- */

static void stop(void *ctx)
{
    struct kw_operator_thread *thread = ctx;

    if (thread->store_mail.eventfd >= 0)
        kw_mailbox_done(&thread->store_mail);
    if (thread->audit_mail.eventfd >= 0)
        kw_mailbox_done(&thread->audit_mail);
    kw_drbg_free(thread->drbg);
    free(thread);
}

static int start(void *shared, struct kw_loop *loop, void **ret_ctx, char *why, size_t why_cap)
{
    size_t size = (sizeof(struct kw_operator_thread) + KW_CACHE_LINE - 1) & ~(size_t)(KW_CACHE_LINE - 1);
    struct kw_operator_thread *thread = aligned_alloc(KW_CACHE_LINE, size);
    int r;

    KW_REQUIRE(thread != NULL, -ENOMEM);
    memset(thread, 0, size);
    thread->service = shared;
    thread->store_mail.eventfd = thread->audit_mail.eventfd = -1;
    r = kw_mailbox_init(&thread->store_mail);
    if (r == 0)
        r = kw_mailbox_init(&thread->audit_mail);
    if (r == 0)
        r = kw_drbg_new(&thread->drbg, NULL);
    if (r == 0)
        r = kw_snapshot_reader_add(kw_store_cell(thread->service->store), &thread->reader);
    if (r < 0) {
        snprintf(why, why_cap, "the operator's listener cannot start: %s",
            r == KW_EOPENSSL ? "OpenSSL lacks an algorithm" : strerror(-r));
        stop(thread);
        return r;
    }
    kw_loop_add_mailbox(loop, &thread->store_mail, on_stored, thread);
    kw_loop_add_mailbox(loop, &thread->audit_mail, on_audited, thread);
    *ret_ctx = thread;
    return 0;
}

const struct kw_handler kw_operator_handler = {
    .start = start,
    .stop = stop,
    .request = on_request,
    .bad_request = on_bad_request,
};
