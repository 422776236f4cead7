/* callpair - a key pair for a call: from a pool, once, or the wait for one. */
#ifndef KW_API_CALLPAIR_H
#define KW_API_CALLPAIR_H

#include "api/call.h"

/* kw_callpair_choose() - sets call->wait_spec. Takes nothing: for checks, before a dry run ends.
 * Returns: KW_CALL_DONE | KW_CALL_REFUSED (that pool is switched off) */
KW_MUST_CHECK int kw_callpair_choose(struct kw_call *call, enum kw_spec spec);
/* kw_callpair_pop() - a pair of call->wait_spec, which is the caller's to release (KW_PAIR), and which nobody
 * ever gets again, whatever becomes of the call. Those who came earlier go first.
 * Returns: KW_CALL_DONE | KW_CALL_WAIT_POOL | KW_CALL_REFUSED */
KW_MUST_CHECK int kw_callpair_pop(struct kw_call *call, struct kw_pair *ret);

#endif
