/* callquota - whether a call comes too often (quota.h): its principal's limit before anything is done for it,
 * its account's quotas when it is known to be a request that the operation takes.
 *
 * On the serving thread, once a call. A call that DryRun makes harmless counts like any other.
 */
#ifndef KW_API_CALLQUOTA_H
#define KW_API_CALLQUOTA_H

#include "api/call.h"

enum kw_callquota {
    KW_CALLQUOTA_WITHIN,
    KW_CALLQUOTA_THROTTLED,  /* refused: ThrottlingException, on record like any refusal */
    KW_CALLQUOTA_UNRECORDED, /* refused, and more such refusals than may be recorded */
};

/* A session counts as its role: making sessions makes no room. */
KW_MUST_CHECK enum kw_callquota kw_callquota_of_principal(struct kw_call *call);
/* Of an operation with input that passed its shape. Returns: KW_CALL_DONE | KW_CALL_REFUSED */
KW_MUST_CHECK int kw_callquota_of_account(struct kw_call *call);

#endif
