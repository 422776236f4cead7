/* GetKeyLastUsage. */
#include "api/operations.h"

static void write_time(struct kw_json_out *out, const char *name, int64_t ms)
{
    kw_json_key(out, name);
    kw_json_epoch(out, ms);
}

static void write_usage(struct kw_json_out *out, const struct kw_lastuse_entry *entry)
{
    kw_json_key(out, "KeyLastUsage");
    kw_json_begin_object(out);
    kw_call_write_text(out, "Operation", kw_lastuse_operations[entry->operation]);
    write_time(out, "Timestamp", entry->at_ms);
    kw_call_write_text(out, "CloudTrailEventId", entry->event_id);
    kw_call_write_text(out, "KmsRequestId", entry->request_id);
    kw_json_end_object(out);
}

static int run(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    struct kw_lastuse_entry entry;
    int r = kw_call_find_usable_key(call, false);

    if (r != KW_CALL_DONE)
        return r;
    kw_lastuse_read(call->key->lastuse, &entry);
    kw_json_begin_object(&out);
    kw_call_write_text(&out, "KeyId", call->key->id_text);
    if (entry.at_ms != 0)
        write_usage(&out, &entry);
    /* Uses are tracked from the start. */
    write_time(&out, "TrackingStartDate", call->key->created_ms);
    write_time(&out, "KeyCreationDate", call->key->created_ms);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_get_key_last_usage = {
    .model = &kw_model_get_key_last_usage,
    .read_only = true,
    .run = run,
    .note = "Uses are tracked from the creation of a key. They are saved every minute and at a stop: after a "
            "crash the last minute's may be missing.",
};
