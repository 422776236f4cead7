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

bool kw_service_thread_has_waiters(const struct kw_service_thread *thread, enum kw_spec spec)
{
    return kw_waitlist_first(&thread->waiting, spec) != NULL;
}

void kw_service_leave_pool(struct kw_call *call, bool got)
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

void kw_service_wait_for_pool(struct kw_call *call)
{
    struct kw_service_thread *thread = call->thread;
    struct kw_service *service = thread->service;

    uint64_t now_ns = kw_now_ns();

    if (call->waiting) { /* another thread was quicker: keep the place in the line, until the time is up */
        if (now_ns < call->wait_deadline_ns)
            kw_waitlist_prepend(&thread->waiting, call);
        else
            kw_service_go_on(call, kw_call_throttled(call));
        return;
    }
    call->wait_since_ns = now_ns;
    call->wait_deadline_ns = call->wait_since_ns + (uint64_t)service->pool_wait_ms * 1000000u;
    if (kw_pool_wait_enter(service->pools[call->wait_spec]) != 0) {
        kw_call_throttled(call);
        kw_service_finish(call);
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
            kw_service_go_on(kw_waitlist_take(&thread->waiting, spec), kw_call_throttled(first));
            continue;
        }
        if (now_ns < first->wait_deadline_ns && kw_pool_level(pool) == 0)
            return;
        kw_service_run(kw_waitlist_take(&thread->waiting, spec));
        if (kw_waitlist_first(&thread->waiting, spec) == first)
            return; /* it got nothing and went back to the front */
    }
}

bool kw_service_tick(void *ctx, uint64_t now_ns)
{
    struct kw_service_thread *thread = ctx;

    for (unsigned spec = 0; thread->waiting.num > 0 && spec < KW_SPEC_NUM; spec++) {
        serve_waiters(thread, (enum kw_spec)spec, now_ns);
        /* Again and again while someone waits: the worker that was raised first may have been stopped since.
         */
        if (kw_waitlist_first(&thread->waiting, (enum kw_spec)spec) != NULL)
            kw_engine_boost(thread->service->engine, (enum kw_spec)spec);
    }
    stop_asking(thread, now_ns);
    return thread->waiting.num > 0 || thread->asking != NULL;
}

/* Everyone's time is up. */
void kw_service_give_up(void *ctx)
{
    struct kw_service_thread *thread = ctx;

    stop_asking(thread, UINT64_MAX);
    kw_chores_abandon(thread->chores);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        while (kw_waitlist_first(&thread->waiting, (enum kw_spec)spec) != NULL) {
            struct kw_call *call = kw_waitlist_take(&thread->waiting, (enum kw_spec)spec);

            kw_service_go_on(call, kw_call_throttled(call));
        }
    }
}
