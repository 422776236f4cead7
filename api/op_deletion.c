/* ScheduleKeyDeletion and CancelKeyDeletion. The keeper (keeper.h) deletes when the time has come. */
#include "api/operations.h"
#include "api/related.h"
#include "api/rotation.h"

#include <stdio.h>

enum { WINDOW_DAYS_MIN = 7, WINDOW_DAYS_MAX = 30 };

/* ---- ScheduleKeyDeletion ---- */

static int64_t window_days(const struct kw_call *call)
{
    return kw_input_integer(call->input, "PendingWindowInDays", WINDOW_DAYS_MAX);
}

/* The model lets 1 to 365 days pass. */
static int check_schedule(struct kw_call *call)
{
    int64_t days = window_days(call);
    int r = kw_call_find_key(call, kw_input_string(call->input, "KeyId"), false);

    if (r != KW_CALL_DONE)
        return r;
    if (days < WINDOW_DAYS_MIN || days > WINDOW_DAYS_MAX)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "PendingWindowInDays must be between %d and %d days, inclusive.", WINDOW_DAYS_MIN,
            WINDOW_DAYS_MAX);
    return kw_call_require_state(call);
}

static int run_schedule(struct kw_call *call)
{
    int r = check_schedule(call);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

/* A primary with replicas, be they about to be deleted themselves, waits until the last of them has gone. */
static bool waits_for_replicas(const struct kw_kms_key *key)
{
    return key->multi_region && !kw_related_is_replica(key) && key->num_regions > 1;
}

static int64_t deletion_ms(const struct kw_call *call)
{
    return call->now_ms + window_days(call) * KW_DAY_MS;
}

static int apply_schedule(struct kw_call *call)
{
    struct kw_kms_key edit;
    int r = check_schedule(call);

    if (r != KW_CALL_DONE)
        return r;
    edit = *call->key;
    edit.state = waits_for_replicas(&edit) ? KW_KEY_PENDING_REPLICA_DELETION : KW_KEY_PENDING_DELETION;
    edit.deletion_ms = edit.state == KW_KEY_PENDING_DELETION ? deletion_ms(call) : 0;
    edit.pending_days = (uint32_t)window_days(call);
    snprintf(call->new_text, sizeof(call->new_text), "%s", kw_key_state_name(edit.state));
    return kw_call_put_key(call, &edit);
}

/* From what the change did: the key may have gone on since. */
static int stored_schedule(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    kw_call_write_text(&out, "KeyId", call->resources[0].arn);
    if (strcmp(call->new_text, kw_key_state_name(KW_KEY_PENDING_DELETION)) == 0) {
        kw_json_key(&out, "DeletionDate");
        kw_json_epoch(&out, deletion_ms(call));
    }
    kw_call_write_text(&out, "KeyState", call->new_text);
    kw_json_key(&out, "PendingWindowInDays");
    kw_json_int(&out, window_days(call));
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_schedule_key_deletion = {
    .model = &kw_model_schedule_key_deletion,
    .states = KW_STATES_SCHEDULE,
    .run = run_schedule,
    .apply = apply_schedule,
    .stored = stored_schedule,
    .note = "The key is deleted when its time has come, within about a second; AWS takes up to a day more.",
};

/* ---- CancelKeyDeletion ---- */

static int run_cancel(struct kw_call *call)
{
    int r = kw_call_find_usable_key(call, false);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_cancel(struct kw_call *call)
{
    struct kw_kms_key edit;
    int r = kw_call_find_usable_key(call, false);

    if (r != KW_CALL_DONE)
        return r;
    edit = *call->key;
    edit.state = edit.origin == KW_ORIGIN_EXTERNAL && !kw_rotation_material_complete(&edit)
                     ? KW_KEY_PENDING_IMPORT
                     : KW_KEY_DISABLED;
    edit.deletion_ms = 0;
    edit.pending_days = 0;
    return kw_call_put_key(call, &edit);
}

static int stored_cancel(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    kw_call_write_text(&out, "KeyId", call->resources[0].arn);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_cancel_key_deletion = {
    .model = &kw_model_cancel_key_deletion,
    .states = KW_STATES_CANCEL,
    .run = run_cancel,
    .apply = apply_cancel,
    .stored = stored_cancel,
};
