#include "api/callpair.h"

#include "api/service.h"
#include "pool/fault.h"

int kw_callpair_choose(struct kw_call *call, enum kw_spec spec)
{
    call->wait_spec = spec;
    if (kw_call_service(call)->pools[spec] != NULL)
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_UNSUPPORTED,
        "The pool of %s key pairs is switched off on this server.", kw_spec_info(spec)->name);
}

int kw_callpair_pop(struct kw_call *call, struct kw_pair *ret)
{
    int r;

    if (!call->waiting && kw_service_thread_has_waiters(call->thread, call->wait_spec))
        return KW_CALL_WAIT_POOL;
    /* Those in the pool first: what is made for this line is for nobody else. */
    r = kw_pool_pop(kw_call_service(call)->pools[call->wait_spec], ret);
    if (r == KW_POOL_EMPTY && call->waiting) {
        r = kw_service_thread_take_made(call->thread, call->wait_spec, ret);
        call->made_pair = r == 0;
    }
    if (r == KW_POOL_EMPTY)
        return KW_CALL_WAIT_POOL;
    call->took_pair = r == 0;
    if (r != 0 || kw_fault(KW_FAULT_ALLOC) != KW_FAULT_NONE)
        return kw_call_internal(call);
    kw_pool_prefetch(ret->pool);
    return KW_CALL_DONE;
}
