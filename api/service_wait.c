#include "api/service_internal.h"

#include "api/tokenkey.h"

static void leave_asking(struct kw_call *call)
{
    struct kw_service_thread *thread = call->thread;
    struct kw_call **at = &thread->asking;

    while (*at != call)
        at = &(*at)->token.next;
    *at = call->token.next;
    if (*at == NULL)
        thread->asking_end = at;
}

/* What was begun to be answered is wiped: it is begun anew. */
void kw_service_wait_for_token(struct kw_call *call)
{
    struct kw_service_thread *thread = call->thread;
    struct kw_token_request *request = call->token.asked;

    kw_sbuf_reset(&call->exchange->answer, 0);
    request->reply = &thread->token_mail;
    request->owner = call;
    if (kw_token_submit(call->token.token, request) != 0) {
        call->token.asked = NULL;
        kw_token_request_free(request);
        kw_call_throttled(call);
        kw_service_finish(call);
        return;
    }
    call->token.deadline_ns = kw_now_ns() + KW_TOKEN_WAIT_MS * UINT64_C(1000000);
    call->token.next = NULL;
    *thread->asking_end = call;
    thread->asking_end = &call->token.next;
}

void kw_service_on_token(void *arg, struct kw_inbox_node *node)
{
    struct kw_token_request *request = KW_CONTAINER_OF(node, struct kw_token_request, node);
    struct kw_call *call = request->owner;

    (void)arg;
    leave_asking(call);
    kw_tokenkey_answered(call, request);
    kw_service_run(call);
}

/* A token that hangs keeps the request; the call goes on without it. */
static void stop_asking(struct kw_service_thread *thread, uint64_t now_ns)
{
    struct kw_call *call, *next;

    for (call = thread->asking; call != NULL && call->token.deadline_ns <= now_ns; call = next) {
        next = call->token.next;
        if (!kw_token_abandon(call->token.asked))
            continue; /* the answer is in the mailbox */
        leave_asking(call);
        call->token.asked = NULL;
        kw_call_refuse(call, KW_ERROR_DEPENDENCY_TIMEOUT, "The custom key store did not answer in time.");
        kw_service_finish(call);
    }
}

bool kw_service_tick(void *ctx, uint64_t now_ns)
{
    struct kw_service_thread *thread = ctx;
    bool in_line = kw_service_line_tick(thread, now_ns);

    stop_asking(thread, now_ns);
    return in_line || thread->asking != NULL;
}

/* Everyone's time is up. */
void kw_service_give_up(void *ctx)
{
    struct kw_service_thread *thread = ctx;

    stop_asking(thread, UINT64_MAX);
    kw_chores_abandon(thread->chores);
    kw_service_line_give_up(thread);
}
