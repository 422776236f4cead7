#include "api/service_internal.h"

#include "api/attestation.h"
#include "api/auditrecord.h"
#include "api/keyname.h"
#include "api/sts.h"
#include "api/tokenkey.h"

#include <stdio.h>
#include <stdlib.h>

int kw_service_uuid(struct kw_service_thread *thread, char ret[37])
{
    uint8_t id[16];

    KW_TRY(kw_wrapper_random(thread->wrapper, id, sizeof(id)));
    kw_uuid_make_v4(id);
    kw_uuid_format(id, ret);
    ret[36] = '\0';
    return 0;
}

/* ---- calls ---- */

/* A thread that had many requests at once keeps the memory of so many calls, and of each no more than what
 * common requests take. */
#define CALLS_KEPT_MAX 256u
#define DOCUMENT_KEPT  (8u * 1024u)
#define MESSAGE_KEPT   1024u
#define CONTEXT_KEPT   1024u
#define AUDIT_KEPT     4096u

static struct kw_call *take_kept(struct kw_service_thread *thread)
{
    struct kw_call *call = thread->kept;

    if (call == NULL)
        return NULL;
    thread->kept = call->next;
    thread->num_kept--;
    memset(call, 0, offsetof(struct kw_call, document));
    return call;
}

static struct kw_call *make_call(void)
{
    struct kw_call *call = calloc(1, sizeof(*call));

    if (call == NULL)
        return NULL;
    call->message = KW_SBUF_INIT(32 * 1024);
    call->context = KW_SBUF_INIT(KW_ENC_CONTEXT_BYTES_MAX);
    call->recipient = KW_SBUF_INIT(KW_ATTESTATION_MAX);
    call->audit_text = KW_SBUF_INIT(KW_AUDIT_RECORD_MAX);
    return call;
}

static void unmake_call(struct kw_call *call)
{
    kw_document_done(&call->document);
    kw_sbuf_done(&call->message);
    kw_sbuf_done(&call->context);
    kw_sbuf_done(&call->recipient);
    kw_sbuf_done(&call->audit_text);
    free(call);
}

static void keep_call(struct kw_service_thread *thread, struct kw_call *call)
{
    kw_document_reset(&call->document, DOCUMENT_KEPT);
    kw_sbuf_reset(&call->message, MESSAGE_KEPT);
    kw_sbuf_reset(&call->context, CONTEXT_KEPT);
    kw_sbuf_reset(&call->recipient, 0);
    kw_sbuf_reset(&call->audit_text, AUDIT_KEPT);
    call->next = thread->kept;
    thread->kept = call;
    thread->num_kept++;
}

static void call_free(struct kw_call *call)
{
    struct kw_service_thread *thread = call->thread;

    kw_tokenkey_end(call);
    kw_material_unref(call->new_material);
    kw_chore_done(&call->chore);
    kw_identity_done(&call->identity);
    json_decref(call->sts_request);
    json_decref(call->sts_response);
    if (thread->num_kept < CALLS_KEPT_MAX)
        keep_call(thread, call);
    else
        unmake_call(call);
}

struct kw_call *kw_service_call_new(struct kw_service_thread *thread, struct kw_exchange *exchange)
{
    struct kw_call *call = thread->kept != NULL ? take_kept(thread) : make_call();

    if (call == NULL)
        return NULL;
    call->thread = thread;
    if (kw_service_uuid(thread, call->request_id) < 0 || kw_service_uuid(thread, call->event_id) < 0) {
        call_free(call);
        return NULL;
    }
    call->exchange = exchange;
    call->is_sts = kw_sts_is_request(&exchange->request);
    call->operation_index = call->is_sts ? KW_METRICS_STS : kw_num_operations;
    return call;
}

void kw_service_calls_free(struct kw_service_thread *thread)
{
    while (thread->kept != NULL) {
        struct kw_call *call = thread->kept;

        thread->kept = call->next;
        unmake_call(call);
    }
    thread->num_kept = 0;
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
    if (info->has_message && kw_sbuf_bytes(&call->message).len > 0) {
        kw_json_key(&out, "message");
        kw_json_string(&out, kw_sbuf_bytes(&call->message));
    }
    kw_json_end_object(&out);
}

static void write_timing(struct kw_call *call, uint64_t elapsed_ns)
{
    static const char *const uses[KW_POOL_USES] = {
        [KW_POOL_UNUSED] = "",
        [KW_POOL_HIT] = ", pool;desc=hit",
        [KW_POOL_WAITED] = ", pool;desc=wait",
        [KW_POOL_GENERATED] = ", pool;desc=generate",
        [KW_POOL_REJECTED] = ", pool;desc=reject",
        [KW_POOL_TIMED_OUT] = ", pool;desc=timeout",
        [KW_POOL_ABANDONED] = "",
    };
    char text[96];
    struct kw_buf buf = KW_BUF(text, sizeof(text) - 1);
    uint64_t us = (elapsed_ns + 500) / 1000;

    kw_buf_put_str(&buf, "total;dur=");
    kw_buf_put_decimal(&buf, us / 1000, 1);
    kw_buf_put_u8(&buf, '.');
    kw_buf_put_decimal(&buf, us % 1000, 3);
    kw_buf_put_str(&buf, uses[call->pool_use]);
    text[buf.len] = '\0';
    kw_exchange_header(call->exchange, "Server-Timing", text);
}

static void log_internal(struct kw_call *call)
{
    uint64_t suppressed;

    if (kw_log_allowed(&call->thread->internal_log, kw_now_ns(), &suppressed))
        kw_log(KW_LOG_ERROR, "call-failed", "operation=%s request=%s suppressed=%llu",
            call->operation != NULL ? call->operation->model->name : "none", call->request_id,
            (unsigned long long)suppressed);
}

void kw_service_answer(struct kw_call *call)
{
    struct kw_exchange *exchange = call->exchange;
    struct kw_metrics *metrics = call->thread->service->metrics;
    uint64_t elapsed_ns = kw_now_ns() - exchange->started_ns;

    if (call->error == KW_ERROR_INTERNAL)
        log_internal(call);
    if (call->error != KW_ERROR_NONE && call->is_sts)
        kw_sts_write_error(call);
    else if (call->error != KW_ERROR_NONE)
        write_error(call);
    exchange->content_type = call->is_sts ? "text/xml" : "application/x-amz-json-1.1";
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

/* The answer is dropped: nothing that was made for it may leave without its record. */
void kw_service_refuse_unaudited(struct kw_call *call)
{
    atomic_fetch_add_explicit(&call->thread->service->metrics->audit_refusals, 1, memory_order_relaxed);
    kw_sbuf_reset(&call->exchange->answer, 0);
    kw_call_refuse(call, KW_ERROR_INTERNAL,
        "The audit log cannot be written, so no request that would have to be recorded is served. Retry "
        "later.");
    kw_service_answer(call);
}

/* The same, when the record could not even be made (out of memory). */
static void refuse_unrecorded(struct kw_call *call)
{
    kw_sbuf_reset(&call->exchange->answer, 0);
    kw_call_internal(call);
    kw_service_answer(call);
}

void kw_service_record(struct kw_call *call)
{
    struct kw_service_thread *thread = call->thread;
    char event_id[37];

    /* The id that is kept as the call's is that of the record of how it went. */
    memcpy(event_id, call->event_id, sizeof(event_id));
    if ((call->intent && kw_service_uuid(thread, event_id) < 0) ||
        kw_audit_record_write(call, event_id, kw_wall_ms(), &call->audit_text) < 0) {
        refuse_unrecorded(call);
        return;
    }
    call->audit =
        (struct kw_audit_entry){.body = kw_sbuf_bytes(&call->audit_text), .reply = &thread->audit_mail};
    call->audit.node.next = NULL;
    *thread->records_end = &call->audit.node;
    thread->records_end = &call->audit.node.next;
}

void kw_service_end_turn(void *ctx)
{
    struct kw_service_thread *thread = ctx;
    struct kw_inbox_node *first = thread->records;

    thread->records = NULL;
    thread->records_end = &thread->records;
    kw_audit_submit_all(thread->service->audit, first);
}

void kw_service_finish(struct kw_call *call)
{
    if (call->error == KW_ERROR_NONE && !kw_sbuf_ok(&call->exchange->answer))
        kw_call_internal(call);
    kw_service_record(call);
}
