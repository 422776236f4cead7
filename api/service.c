#include "api/service.h"

#include "api/auditrecord.h"
#include "api/authn.h"
#include "api/call.h"
#include "api/log.h"
#include "api/operations.h"
#include "api/waitlist.h"
#include "pool/secmem.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

struct kw_service_thread {
    struct kw_service *service;
    struct kw_wrapper *wrapper;
    struct kw_sigv4_engine *sigv4;
    uint32_t reader; /* of the snapshot cell */
    struct kw_mailbox store_mail, audit_mail;
    struct kw_waitlist waiting;
    struct kw_log_limit stranger_log; /* for what cannot be authenticated */
    struct kw_log_limit internal_log; /* for calls that failed here */
};

struct kw_wrapper *kw_service_thread_wrapper(struct kw_service_thread *thread)
{
    return thread->wrapper;
}

struct kw_service *kw_service_thread_service(struct kw_service_thread *thread)
{
    return thread->service;
}

struct kw_mailbox *kw_service_thread_store_mailbox(struct kw_service_thread *thread)
{
    return &thread->store_mail;
}

/* ---- answers ---- */

static void write_error(struct kw_call *call)
{
    const struct kw_error_info *info = kw_error_info(call->error);
    struct kw_exchange *exchange = call->exchange;
    struct kw_json_out out = KW_JSON_OUT(&exchange->answer);

    /* Whatever an operation had begun to write is wiped. */
    kw_sbuf_reset(&exchange->answer, 0);
    exchange->status = info->status;
    kw_exchange_header(exchange, "x-amzn-errortype", info->type);
    kw_json_begin_object(&out);
    kw_json_key(&out, "__type");
    kw_json_cstring(&out, info->type);
    if (info->has_message) {
        kw_json_key(&out, "message");
        kw_json_string(&out, kw_sbuf_bytes(&call->message));
    }
    kw_json_end_object(&out);
}

static void write_timing(struct kw_call *call, uint64_t elapsed_ns)
{
    static const char *const uses[] = {
        [KW_POOL_UNUSED] = "", [KW_POOL_HIT] = ", pool;desc=hit", [KW_POOL_WAITED] = ", pool;desc=wait"};
    char text[96];

    snprintf(text, sizeof(text), "total;dur=%.3f%s", (double)elapsed_ns / 1e6, uses[call->pool_use]);
    kw_exchange_header(call->exchange, "Server-Timing", text);
}

static void call_free(struct kw_call *call)
{
    json_decref(call->input);
    kw_secmem_free(call->new_backing);
    kw_sbuf_done(&call->message);
    kw_sbuf_done(&call->context);
    kw_sbuf_done(&call->audit_text);
    free(call);
}

static void log_internal(struct kw_call *call)
{
    uint64_t suppressed;

    if (kw_log_allowed(&call->thread->internal_log, kw_now_ns(), &suppressed))
        kw_log(KW_LOG_ERROR, "call-failed", "operation=%s request=%s suppressed=%llu",
            call->operation != NULL ? call->operation->model->name : "none", call->request_id,
            (unsigned long long)suppressed);
}

static void answer(struct kw_call *call)
{
    struct kw_exchange *exchange = call->exchange;
    struct kw_metrics *metrics = call->thread->service->metrics;
    uint64_t elapsed_ns = kw_now_ns() - exchange->started_ns;

    if (call->error == KW_ERROR_INTERNAL)
        log_internal(call);
    if (call->error != KW_ERROR_NONE)
        write_error(call);
    exchange->content_type = "application/x-amz-json-1.1";
    kw_exchange_header(exchange, "x-amzn-RequestId", call->request_id);
    if (call->identity.arn[0] != '\0') {
        write_timing(call, elapsed_ns);
        kw_histogram_record(&metrics->request_time, elapsed_ns);
        atomic_fetch_add_explicit(
            &metrics->requests[call->operation_index][call->error], 1, memory_order_relaxed);
    }
    call_free(call);
    kw_exchange_finish(exchange);
}

/* ---- the audit record ---- */

/* The answer is dropped: nothing that was made for it may leave without its record. */
static void refuse_unaudited(struct kw_call *call)
{
    atomic_fetch_add_explicit(&call->thread->service->metrics->audit_refusals, 1, memory_order_relaxed);
    kw_sbuf_reset(&call->exchange->answer, 0);
    kw_call_refuse(call, KW_ERROR_INTERNAL,
        "The audit log cannot be written, so no request that would have to be recorded is served. Retry "
        "later.");
    answer(call);
}

/* The same, when the record could not even be made (out of memory). */
static void refuse_unrecorded(struct kw_call *call)
{
    kw_sbuf_reset(&call->exchange->answer, 0);
    kw_call_internal(call);
    answer(call);
}

static void on_audited(void *arg, struct kw_inbox_node *node)
{
    struct kw_call *call =
        KW_CONTAINER_OF(KW_CONTAINER_OF(node, struct kw_audit_entry, node), struct kw_call, audit);
    bool intent = call->intent;

    (void)arg;
    call->intent = false;
    if (call->audit.result < 0 && !intent && call->operation != NULL && call->operation->stored != NULL &&
        call->change.result == 0 && call->error == KW_ERROR_NONE)
        kw_log(KW_LOG_ERROR, "outcome-unrecorded", "operation=%s request=%s", call->operation->model->name,
            call->request_id);
    if (call->audit.result < 0)
        refuse_unaudited(call);
    else if (intent)
        kw_store_submit(call->thread->service->store, &call->change);
    else
        answer(call);
}

static void record(struct kw_call *call)
{
    struct kw_service_thread *thread = call->thread;
    uint8_t event_id[16];

    if (kw_wrapper_random(thread->wrapper, event_id, sizeof(event_id)) != 0) {
        refuse_unrecorded(call);
        return;
    }
    kw_uuid_make_v4(event_id);
    if (kw_audit_record_write(call, thread->service->region, event_id, kw_wall_ms(), &call->audit_text) < 0) {
        refuse_unrecorded(call);
        return;
    }
    call->audit =
        (struct kw_audit_entry){.body = kw_sbuf_bytes(&call->audit_text), .reply = &thread->audit_mail};
    kw_audit_submit(thread->service->audit, &call->audit);
}

static void finish(struct kw_call *call)
{
    if (call->error == KW_ERROR_NONE && !kw_sbuf_ok(&call->exchange->answer))
        kw_call_internal(call);
    record(call);
}

/* ---- running ---- */

static void wait_for_pool(struct kw_call *call);

static void leave_pool(struct kw_call *call, bool got)
{
    struct kw_service *service = call->thread->service;
    uint64_t now_ns = kw_now_ns();

    if (call->waiting)
        kw_pool_wait_leave(service->pools[call->wait_spec], got);
    if (got || call->waiting)
        kw_histogram_record(
            &service->metrics->pool_wait[call->wait_spec], call->waiting ? now_ns - call->wait_since_ns : 0);
    call->waiting = false;
}

static void go_on(struct kw_call *call, int result)
{
    if (result == KW_CALL_WAIT_STORE) {
        call->intent = true;
        record(call);
        return;
    }
    if (result == KW_CALL_WAIT_POOL) {
        wait_for_pool(call);
        return;
    }
    if (call->took_pair) {
        call->pool_use = call->waiting ? KW_POOL_WAITED : KW_POOL_HIT;
        leave_pool(call, true);
    } else if (call->waiting) {
        leave_pool(call, false);
    }
    finish(call);
}

static int run_with_snapshot(struct kw_call *call, int (*function)(struct kw_call *))
{
    struct kw_snapshot_cell *cell = kw_store_cell(call->thread->service->store);
    int result;

    call->snapshot = kw_snapshot_acquire(cell, call->thread->reader);
    call->key = NULL;
    result = function(call);
    call->snapshot = NULL;
    call->key = NULL;
    kw_snapshot_release(cell, call->thread->reader);
    return result;
}

static void run(struct kw_call *call)
{
    go_on(call, run_with_snapshot(call, call->operation->run));
}

static void on_stored(void *arg, struct kw_inbox_node *node)
{
    struct kw_call *call =
        KW_CONTAINER_OF(KW_CONTAINER_OF(node, struct kw_store_request, node), struct kw_call, change);

    (void)arg;
    go_on(call, run_with_snapshot(call, call->operation->stored));
}

/* ---- waiting for a pair ---- */

static int throttled(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_THROTTLING,
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.");
}

bool kw_service_thread_has_waiters(const struct kw_service_thread *thread, enum kw_spec spec)
{
    return kw_waitlist_first(&thread->waiting, spec) != NULL;
}

static void wait_for_pool(struct kw_call *call)
{
    struct kw_service_thread *thread = call->thread;
    struct kw_service *service = thread->service;

    uint64_t now_ns = kw_now_ns();

    if (call->waiting) { /* another thread was quicker: keep the place in the line, until the time is up */
        if (now_ns < call->wait_deadline_ns)
            kw_waitlist_prepend(&thread->waiting, call);
        else
            go_on(call, throttled(call));
        return;
    }
    call->wait_since_ns = now_ns;
    call->wait_deadline_ns = call->wait_since_ns + (uint64_t)service->pool_wait_ms * 1000000u;
    if (kw_pool_wait_enter(service->pools[call->wait_spec]) != 0) {
        throttled(call);
        finish(call);
        return;
    }
    call->waiting = true;
    kw_exchange_watch(call->exchange);
    kw_waitlist_append(&thread->waiting, call);
    kw_engine_boost(service->engine, call->wait_spec);
}

/* Serves as many waiters of a spec as there are pairs, in order. Those whose time is up try once more and
 * fail: the level alone would not do, since it can read one too high while another thread is stopped in the
 * middle of a pop. */
static void serve_waiters(struct kw_service_thread *thread, enum kw_spec spec, uint64_t now_ns)
{
    struct kw_pool *pool = thread->service->pools[spec];
    struct kw_call *first;

    while ((first = kw_waitlist_first(&thread->waiting, spec)) != NULL) {
        if (first->exchange->gone) { /* nobody is left to get a pair */
            go_on(kw_waitlist_take(&thread->waiting, spec), throttled(first));
            continue;
        }
        if (now_ns < first->wait_deadline_ns && kw_pool_level(pool) == 0)
            return;
        run(kw_waitlist_take(&thread->waiting, spec));
        if (kw_waitlist_first(&thread->waiting, spec) == first)
            return; /* it got nothing and went back to the front */
    }
}

static bool tick(void *ctx, uint64_t now_ns)
{
    struct kw_service_thread *thread = ctx;

    for (unsigned spec = 0; thread->waiting.num > 0 && spec < KW_SPEC_NUM; spec++) {
        serve_waiters(thread, (enum kw_spec)spec, now_ns);
        /* Again and again while someone waits: the worker that was raised first may have been stopped since.
         */
        if (kw_waitlist_first(&thread->waiting, (enum kw_spec)spec) != NULL)
            kw_engine_boost(thread->service->engine, (enum kw_spec)spec);
    }
    return thread->waiting.num > 0;
}

/* Everyone's time is up. */
static void give_up(void *ctx)
{
    struct kw_service_thread *thread = ctx;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        while (kw_waitlist_first(&thread->waiting, (enum kw_spec)spec) != NULL) {
            struct kw_call *call = kw_waitlist_take(&thread->waiting, (enum kw_spec)spec);

            go_on(call, throttled(call));
        }
    }
}

/* ---- from a request to a call ---- */

static int make_request_id(struct kw_service_thread *thread, char ret[37])
{
    uint8_t id[16];

    KW_TRY(kw_wrapper_random(thread->wrapper, id, sizeof(id)));
    kw_uuid_make_v4(id);
    kw_uuid_format(id, ret);
    ret[36] = '\0';
    return 0;
}

static struct kw_call *call_new(struct kw_service_thread *thread, struct kw_exchange *exchange)
{
    struct kw_call *call = calloc(1, sizeof(*call));

    if (call == NULL || make_request_id(thread, call->request_id) < 0) {
        free(call);
        return NULL;
    }
    call->thread = thread;
    call->exchange = exchange;
    call->operation_index = kw_num_operations;
    call->message = KW_SBUF_INIT(32 * 1024);
    call->context = KW_SBUF_INIT(KW_ENC_CONTEXT_BYTES_MAX);
    call->audit_text = KW_SBUF_INIT(KW_AUDIT_RECORD_MAX);
    return call;
}

/* Strangers cannot buy disk: counted, and sampled into the operator's log at a bounded rate. */
static void answer_stranger(struct kw_call *call)
{
    struct kw_service_thread *thread = call->thread;
    uint64_t suppressed;
    char agent[160];

    atomic_fetch_add_explicit(
        &thread->service->metrics->unauthenticated[call->error], 1, memory_order_relaxed);
    if (kw_log_allowed(&thread->stranger_log, kw_now_ns(), &suppressed)) {
        struct kw_bytes user_agent = kw_http_header(&call->exchange->request, "user-agent");

        kw_log(KW_LOG_WARN, "unauthenticated", "source=%s error=%s request=%s agent=%s suppressed=%llu",
            call->exchange->peer, kw_error_info(call->error)->type, call->request_id,
            kw_log_quote(agent, sizeof(agent), user_agent.ptr, user_agent.len),
            (unsigned long long)suppressed);
    }
    answer(call);
}

static bool is_json(struct kw_bytes content_type)
{
    static const char wanted[] = "application/x-amz-json-1.1";
    ssize_t end = kw_bytes_find(content_type, ';');
    struct kw_bytes type = KW_BYTES(content_type.ptr, end < 0 ? content_type.len : (size_t)end);

    while (type.len > 0 && type.ptr[type.len - 1] == ' ')
        type.len--;
    return kw_bytes_equal_nocase(type, kw_bytes_str(wanted));
}

static int find_operation(struct kw_call *call)
{
    struct kw_bytes target = kw_http_header(&call->exchange->request, "x-amz-target");
    static const char prefix[] = "TrentService.";
    struct kw_bytes name = KW_BYTES(NULL, 0);
    int index;

    if (is_json(kw_http_header(&call->exchange->request, "content-type")) &&
        kw_bytes_starts(target, kw_bytes_str(prefix)))
        name = KW_BYTES(target.ptr + sizeof(prefix) - 1, target.len - (sizeof(prefix) - 1));
    index = kw_operation_find(name);
    if (index < 0)
        return kw_call_refuse(call, KW_ERROR_UNKNOWN_OPERATION, "%s", "");
    call->operation = kw_operations[index];
    call->operation_index = (size_t)index;
    return KW_CALL_DONE;
}

static int parse_input(struct kw_call *call)
{
    KW_SBUF struct kw_sbuf message = KW_SBUF_INIT(KW_SHAPE_MESSAGE_MAX);
    int r = kw_json_parse(call->exchange->body, &call->input);

    if (r < 0)
        return kw_call_internal(call);
    if (r != 0)
        return kw_call_refuse(
            call, KW_ERROR_SERIALIZATION, "The request body is not a JSON object as the protocol has it");
    r = kw_shape_check(call->operation->model->input, call->input, &message);
    if (r < 0)
        return kw_call_internal(call);
    call->valid = r == 0;
    if (r == 0)
        return KW_CALL_DONE;
    call->error = r == KW_SHAPE_INVALID ? KW_ERROR_VALIDATION : KW_ERROR_SERIALIZATION;
    kw_sbuf_put_bytes(&call->message, kw_sbuf_bytes(&message));
    return KW_CALL_REFUSED;
}

static int authenticate(struct kw_call *call)
{
    struct kw_service_thread *thread = call->thread;
    const struct kw_http_request *request = &call->exchange->request;

    if (!kw_bytes_equal(request->method, KW_LIT("POST")) || !kw_bytes_equal(request->target, KW_LIT("/")))
        return kw_call_refuse(call, KW_ERROR_UNKNOWN_OPERATION, "%s", "");
    return kw_authenticate(call, thread->sigv4, kw_bytes_str(thread->service->region), kw_wall_ms());
}

static void on_request(void *ctx, struct kw_exchange *exchange)
{
    struct kw_service_thread *thread = ctx;
    struct kw_call *call = call_new(thread, exchange);
    int r;

    if (call == NULL) {
        exchange->status = 500;
        exchange->close = true;
        kw_exchange_finish(exchange);
        return;
    }
    if (run_with_snapshot(call, authenticate) != KW_CALL_DONE) {
        answer_stranger(call);
        return;
    }
    if (!kw_audit_healthy(thread->service->audit)) {
        refuse_unaudited(call);
        return;
    }
    r = find_operation(call);
    if (r == KW_CALL_DONE)
        r = parse_input(call);
    if (r == KW_CALL_DONE && call->operation->run == NULL)
        r = kw_call_refuse(
            call, KW_ERROR_UNSUPPORTED, "%s is not supported by this server.", call->operation->model->name);
    if (r == KW_CALL_DONE)
        run(call);
    else
        finish(call);
}

/* ---- bytes that are no request ---- */

static void on_bad_request(void *ctx, struct kw_exchange *exchange)
{
    enum kw_error error = exchange->status == 413   ? KW_ERROR_REQUEST_TOO_LARGE
                          : exchange->status == 503 ? KW_ERROR_UNAVAILABLE
                                                    : KW_ERROR_BAD_REQUEST;
    struct kw_service_thread *thread = ctx;
    struct kw_json_out out = KW_JSON_OUT(&exchange->answer);
    char request_id[37];

    atomic_fetch_add_explicit(&thread->service->metrics->unauthenticated[error], 1, memory_order_relaxed);
    if (make_request_id(thread, request_id) == 0)
        kw_exchange_header(exchange, "x-amzn-RequestId", request_id);
    exchange->content_type = "application/x-amz-json-1.1";
    kw_exchange_header(exchange, "x-amzn-errortype", kw_error_info(error)->type);
    kw_json_begin_object(&out);
    kw_json_key(&out, "__type");
    kw_json_cstring(&out, kw_error_info(error)->type);
    kw_json_key(&out, "message");
    kw_json_cstring(&out, kw_http_reason(exchange->status));
    kw_json_end_object(&out);
}

/* ---- per thread ---- */

static void stop(void *ctx)
{
    struct kw_service_thread *thread = ctx;

    if (thread == NULL)
        return;
    kw_wrapper_free(thread->wrapper);
    kw_sigv4_engine_free(thread->sigv4);
    kw_mailbox_done(&thread->store_mail);
    kw_mailbox_done(&thread->audit_mail);
    free(thread);
}

static int start(void *shared, struct kw_loop *loop, void **ret_ctx, char *why, size_t why_cap)
{
    struct kw_service_thread *thread =
        aligned_alloc(KW_CACHE_LINE, (sizeof(*thread) + KW_CACHE_LINE - 1) & ~(size_t)(KW_CACHE_LINE - 1));
    int r;

    if (thread == NULL)
        return -ENOMEM;
    memset(thread, 0, sizeof(*thread));
    thread->service = shared;
    thread->stranger_log.interval_ns = 1000000000u;
    thread->internal_log.interval_ns = 1000000000u;
    thread->store_mail.eventfd = -1;
    thread->audit_mail.eventfd = -1;
    r = kw_mailbox_init(&thread->store_mail);
    if (r == 0)
        r = kw_mailbox_init(&thread->audit_mail);
    if (r == 0)
        r = kw_wrapper_new(&thread->wrapper);
    if (r == 0)
        r = kw_sigv4_engine_new(&thread->sigv4);
    if (r == 0)
        r = kw_snapshot_reader_add(kw_store_cell(thread->service->store), &thread->reader);
    if (r < 0) {
        snprintf(why, why_cap, "a serving thread cannot start: %s",
            r == KW_EOPENSSL ? "OpenSSL lacks an algorithm" : strerror(-r));
        stop(thread);
        return r;
    }
    kw_loop_add_mailbox(loop, &thread->store_mail, on_stored, thread);
    kw_loop_add_mailbox(loop, &thread->audit_mail, on_audited, thread);
    *ret_ctx = thread;
    return 0;
}

const struct kw_handler kw_service_handler = {
    .start = start,
    .stop = stop,
    .request = on_request,
    .tick = tick,
    .give_up = give_up,
    .bad_request = on_bad_request,
};
