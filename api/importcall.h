/* importcall - what the three operations of imported key material have in common. */
#ifndef KW_API_IMPORTCALL_H
#define KW_API_IMPORTCALL_H

#include "api/call.h"
#include "api/importtoken.h"

/* The key of member KeyId, that its origin is EXTERNAL, and that its state allows the operation: in AWS's
 * order. Returns KW_CALL_DONE or KW_CALL_REFUSED. */
KW_MUST_CHECK int kw_importcall_find_key(struct kw_call *call);
/* What seals tokens for call->key; serving thread only. */
struct kw_importtoken_seal kw_importcall_seal(const struct kw_call *call);
/* {"KeyId": ..., "KeyMaterialId": ...} of the key that has been found, the latter if the call has noted one.
 * Returns as `stored` does. */
KW_MUST_CHECK int kw_importcall_answer(struct kw_call *call);

#endif
