/* callvalues - what condition keys say of any call, whatever service it is to: who calls, from where, when.
 *
 * Values are put into a policy request of the caller's, and point into the call, the snapshot, literals or
 * the request's scratch. No state; on the thread that has the call. Source: AWS IAM User Guide, "AWS global
 * condition context keys".
 */
#ifndef KW_API_CALLVALUES_H
#define KW_API_CALLVALUES_H

#include "api/call.h"
#include "api/policy.h"

/* kw_callvalues_put() - the values that are one: of the caller, of the Region, and of the request and the
 * connection that it came on (if call->exchange is not NULL). request->resource_account is set before. */
void kw_callvalues_put(struct kw_policy_request *request, const struct kw_call *call);

/* kw_callvalues_at() - the value of that index of a key that is asked for when a policy needs it: the time,
 * when a session's token was issued, a tag of the caller (call->principal). Returns: true | false: none; *ret
 * is as it was */
bool kw_callvalues_at(struct kw_policy_request *request, const struct kw_call *call, enum kw_condkey key,
    struct kw_bytes name, size_t index, struct kw_bytes *ret);

/* The one value of a key that is a date, written to the scratch as ISO 8601 has it. */
bool kw_callvalues_date(struct kw_policy_request *request, size_t index, int64_t ms, struct kw_bytes *ret);

/* Of tags whose keys differ in case only, each has a value. */
bool kw_callvalues_tag(
    const struct kw_tag *tags, uint32_t num, struct kw_bytes name, size_t index, struct kw_bytes *ret);

#endif
