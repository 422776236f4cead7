/* sts - the AWS Security Token Service as far as tools and roles need it, in that service's query protocol:
 * GetCallerIdentity (tools ask it who they are before they ask KMS anything), AssumeRole and GetSessionToken.
 *
 * Source: the STS API reference (those actions, common errors) and the AWS query protocol; IAM user guide,
 * "Compare AWS STS credentials".
 */
#ifndef KW_API_STS_H
#define KW_API_STS_H

#include "api/call.h"

/* Is a request one of the query protocol, by its Content-Type? KMS's are JSON. */
bool kw_sts_is_request(const struct kw_http_request *request);
/* "aws-global" or a region: STS is one service for all, so those of KMS that are served do not matter. */
KW_MUST_CHECK bool kw_sts_region_valid(struct kw_bytes region);
/* The whole of an authenticated call, with call->snapshot: sets call->sts_action and what the record tells,
 * and answers or refuses. Returns: KW_CALL_DONE | KW_CALL_REFUSED */
int kw_sts_run(struct kw_call *call);
/* Writes call->error and its message as STS does, status and Content-Type included. */
void kw_sts_write_error(struct kw_call *call);

#endif
