#include "api/service_internal.h"

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
    static const char *const uses[] = {
        [KW_POOL_UNUSED] = "", [KW_POOL_HIT] = ", pool;desc=hit", [KW_POOL_WAITED] = ", pool;desc=wait"};
    char text[96];

    snprintf(text, sizeof(text), "total;dur=%.3f%s", (double)elapsed_ns / 1e6, uses[call->pool_use]);
    kw_exchange_header(call->exchange, "Server-Timing", text);
}

void kw_service_call_free(struct kw_call *call)
{
    kw_tokenkey_end(call);
    json_decref(call->input);
    kw_material_unref(call->new_material);
    kw_sbuf_done(&call->message);
    kw_sbuf_done(&call->context);
    kw_sbuf_done(&call->recipient);
    kw_chore_done(&call->chore);
    kw_sbuf_done(&call->audit_text);
    kw_identity_done(&call->identity);
    json_decref(call->sts_response);
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
    kw_service_call_free(call);
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
    kw_audit_submit(thread->service->audit, &call->audit);
}

void kw_service_finish(struct kw_call *call)
{
    if (call->error == KW_ERROR_NONE && !kw_sbuf_ok(&call->exchange->answer))
        kw_call_internal(call);
    kw_service_record(call);
}
