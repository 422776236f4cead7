#include "api/service_internal.h"

/* Nothing of another picture is left. */
static void look_at(struct kw_call *call, const struct kw_snapshot *snapshot)
{
    call->snapshot = snapshot;
    call->principal = NULL;
    call->key = NULL;
    call->other_key = NULL;
    call->alias = KW_BYTES(NULL, 0);
}

/* On the keystore's thread, which has the call to itself until it posts it back. */
static int apply_change(struct kw_tx *tx, void *arg)
{
    struct kw_call *call = arg;
    int r;

    call->tx = tx;
    look_at(call, tx->snapshot);
    r = call->operation->apply(call);
    call->tx = NULL;
    look_at(call, NULL);
    return r;
}

static void submit_change(struct kw_call *call)
{
    call->now_ms = kw_call_clock_ms(call);
    call->change = (struct kw_store_request){
        .change = {.apply = apply_change, .arg = call}, .reply = &call->thread->store_mail};
    kw_store_submit(call->thread->service->store, &call->change);
}

void kw_service_on_audited(void *arg, struct kw_inbox_node *node)
{
    struct kw_call *call =
        KW_CONTAINER_OF(KW_CONTAINER_OF(node, struct kw_audit_entry, node), struct kw_call, audit);
    bool intent = call->intent;

    (void)arg;
    call->intent = false;
    if (call->audit.result < 0 && !intent && call->operation != NULL && call->operation->apply != NULL &&
        call->change.result == 0 && call->error == KW_ERROR_NONE)
        kw_log(KW_LOG_ERROR, "outcome-unrecorded", "operation=%s request=%s", call->operation->model->name,
            call->request_id);
    if (call->audit.result < 0)
        kw_service_refuse_unaudited(call);
    else if (intent)
        submit_change(call);
    else
        kw_service_answer(call);
}

static void hand_over_chore(struct kw_call *call)
{
    struct kw_service_thread *thread = call->thread;

    bool is_long = kw_chore_is_long(&call->chore.order);

    if (thread->num_chores >= KW_CHORES_MAX || (is_long && thread->num_long >= KW_CHORES_LONG_MAX)) {
        kw_call_throttled(call);
        kw_service_finish(call);
        return;
    }
    thread->num_chores++;
    thread->num_long += is_long ? 1 : 0;
    call->chore.reply = &thread->chore_mail;
    kw_chores_submit(thread->chores, &call->chore);
}

void kw_service_go_on(struct kw_call *call, int result)
{
    if (result == KW_CALL_WAIT_CHORE) {
        hand_over_chore(call);
        return;
    }
    if (result == KW_CALL_WAIT_POOL) {
        kw_service_wait_for_pool(call);
        return;
    }
    if (result == KW_CALL_WAIT_TOKEN) {
        kw_service_wait_for_token(call);
        return;
    }
    if (call->took_pair || call->waiting)
        kw_service_leave_pool(call);
    if (result == KW_CALL_WAIT_STORE) {
        call->intent = true;
        kw_service_record(call);
        return;
    }
    kw_service_finish(call);
}

int kw_service_with_snapshot(struct kw_call *call, int (*function)(struct kw_call *))
{
    struct kw_snapshot_cell *cell = kw_store_cell(call->thread->service->store);
    int result;

    look_at(call, kw_snapshot_acquire(cell, call->thread->reader));
    result = function(call);
    look_at(call, NULL);
    kw_snapshot_release(cell, call->thread->reader);
    return result;
}

void kw_service_run(struct kw_call *call)
{
    kw_service_go_on(call, kw_service_with_snapshot(call, call->operation->run));
}

void kw_service_on_chore(void *arg, struct kw_inbox_node *node)
{
    struct kw_service_thread *thread = arg;
    struct kw_chore *chore = KW_CONTAINER_OF(node, struct kw_chore, node);

    thread->num_chores--;
    thread->num_long -= kw_chore_is_long(&chore->order) ? 1 : 0;
    kw_service_run(KW_CONTAINER_OF(chore, struct kw_call, chore));
}

/* A change that was refused says so in the call; any other result means that nothing was stored. */
static int after_change(struct kw_call *call)
{
    int result = call->change.result;

    if (result == KW_CALL_REFUSED && call->error != KW_ERROR_NONE)
        return KW_CALL_REFUSED;
    if (result != 0)
        return kw_call_internal(call);
    return call->operation->stored != NULL ? call->operation->stored(call) : KW_CALL_DONE;
}

void kw_service_on_stored(void *arg, struct kw_inbox_node *node)
{
    struct kw_call *call =
        KW_CONTAINER_OF(KW_CONTAINER_OF(node, struct kw_store_request, node), struct kw_call, change);

    (void)arg;
    kw_service_go_on(call, kw_service_with_snapshot(call, after_change));
}
