#include "api/service_internal.h"

#include "api/authn.h"
#include "api/callquota.h"
#include "api/keyname.h"
#include "api/operations.h"
#include "api/sts.h"

#include <stdio.h>
#include <stdlib.h>

struct kw_wrapper *kw_service_thread_wrapper(struct kw_service_thread *thread)
{
    return thread->wrapper;
}

struct kw_mac *kw_service_thread_mac(struct kw_service_thread *thread)
{
    return &thread->mac;
}

struct kw_session_sealer *kw_service_thread_sealer(struct kw_service_thread *thread)
{
    return thread->sealer;
}

struct kw_service *kw_service_thread_service(struct kw_service_thread *thread)
{
    return thread->service;
}

/* ---- from a request to a call ---- */

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
    kw_service_answer(call);
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
    int r = kw_document_parse(&call->document, call->exchange->body, &call->input);

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
    const struct kw_authenticator authenticator = {
        .sigv4 = thread->sigv4, .sessions = thread->sessions, .regions = thread->service->regions};
    return kw_authenticate(call, &authenticator, kw_wall_ms());
}

/* What can be said of a call without what is stored. */
static int look_at(struct kw_call *call)
{
    int r = parse_input(call);

    return r == KW_CALL_DONE ? kw_callquota_of_account(call) : r;
}

/* Who calls too often cannot buy disk with it either. */
static void answer_unrecorded(struct kw_call *call)
{
    uint64_t suppressed;

    if (kw_log_allowed(&call->thread->throttle_log, kw_now_ns(), &suppressed))
        kw_log(KW_LOG_WARN, "throttled-unrecorded", "principal=%s source=%s request=%s suppressed=%llu",
            call->identity.arn, call->exchange->peer, call->request_id, (unsigned long long)suppressed);
    kw_service_answer(call);
}

static void on_request(void *ctx, struct kw_exchange *exchange)
{
    struct kw_service_thread *thread = ctx;
    struct kw_call *call = kw_service_call_new(thread, exchange);
    int r;

    if (call == NULL) {
        exchange->status = 500;
        exchange->close = true;
        kw_exchange_finish(exchange);
        return;
    }
    if (kw_service_with_snapshot(call, authenticate) != KW_CALL_DONE) {
        answer_stranger(call);
        return;
    }
    if (!kw_audit_healthy(thread->service->audit)) {
        kw_service_refuse_unaudited(call);
        return;
    }
    r = call->is_sts ? KW_CALL_DONE : find_operation(call);
    switch (kw_callquota_of_principal(call)) {
    case KW_CALLQUOTA_WITHIN:
        break;
    case KW_CALLQUOTA_UNRECORDED:
        answer_unrecorded(call);
        return;
    default:
        kw_service_finish(call);
        return;
    }
    if (call->is_sts)
        (void)kw_service_with_snapshot(call, kw_sts_run); /* what it refuses is in the call */
    if (call->is_sts || r != KW_CALL_DONE || look_at(call) != KW_CALL_DONE)
        kw_service_finish(call);
    else
        kw_service_run(call);
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
    if (kw_service_uuid(thread, request_id) == 0)
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
    kw_service_line_done(thread);
    kw_service_calls_free(thread);
    kw_wrapper_free(thread->wrapper);
    kw_mac_done(&thread->mac);
    kw_chores_free(thread->chores);
    kw_sigv4_engine_free(thread->sigv4);
    kw_session_cache_free(thread->sessions);
    kw_session_sealer_free(thread->sealer);
    kw_mailbox_done(&thread->store_mail);
    kw_mailbox_done(&thread->audit_mail);
    kw_mailbox_done(&thread->chore_mail);
    kw_mailbox_done(&thread->token_mail);
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
    thread->throttle_log.interval_ns = 1000000000u;
    thread->store_mail.eventfd = -1;
    thread->audit_mail.eventfd = -1;
    thread->chore_mail.eventfd = -1;
    thread->token_mail.eventfd = -1;
    thread->asking_end = &thread->asking;
    thread->records_end = &thread->records;
    r = kw_service_line_init(thread);
    if (r == 0)
        r = kw_mailbox_init(&thread->store_mail);
    if (r == 0)
        r = kw_mailbox_init(&thread->audit_mail);
    if (r == 0)
        r = kw_mailbox_init(&thread->token_mail);
    if (r == 0)
        r = kw_mailbox_init(&thread->chore_mail);
    if (r == 0)
        r = kw_chores_new(&thread->chores, thread->service->cpus);
    if (r == 0)
        r = kw_wrapper_new(&thread->wrapper);
    if (r == 0)
        r = kw_mac_init(&thread->mac);
    if (r == 0)
        r = kw_sigv4_engine_new(&thread->sigv4);
    if (r == 0)
        r = kw_session_sealer_new(&thread->sealer, thread->service->session_secret);
    if (r == 0)
        r = kw_session_cache_new(&thread->sessions, thread->sealer);
    if (r == 0)
        r = kw_snapshot_reader_add(kw_store_cell(thread->service->store), &thread->reader);
    if (r < 0) {
        snprintf(why, why_cap, "a serving thread cannot start: %s",
            r == KW_EOPENSSL ? "OpenSSL lacks an algorithm" : strerror(-r));
        stop(thread);
        return r;
    }
    kw_loop_add_mailbox(loop, &thread->store_mail, kw_service_on_stored, thread);
    kw_loop_add_mailbox(loop, &thread->audit_mail, kw_service_on_audited, thread);
    kw_loop_add_mailbox(loop, &thread->chore_mail, kw_service_on_chore, thread);
    kw_loop_add_mailbox(loop, &thread->token_mail, kw_service_on_token, thread);
    *ret_ctx = thread;
    return 0;
}

const struct kw_handler kw_service_handler = {
    .start = start,
    .stop = stop,
    .request = on_request,
    .tick = kw_service_tick,
    .end_turn = kw_service_end_turn,
    .give_up = kw_service_give_up,
    .bad_request = on_bad_request,
};
