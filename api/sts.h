/* sts - GetCallerIdentity of the AWS Security Token Service, in that service's query protocol: tools ask it
 * who they are before they ask KMS anything. No other action is served.
 *
 * Source: the STS API reference (GetCallerIdentity, common errors) and the AWS query protocol.
 */
#ifndef KW_API_STS_H
#define KW_API_STS_H

#include "api/call.h"

/* Is a request one of the query protocol, by its Content-Type? KMS's are JSON. */
bool kw_sts_is_request(const struct kw_http_request *request);
/* "aws-global" or a region: STS is one service for all, so those of KMS that are served do not matter. */
KW_MUST_CHECK bool kw_sts_region_valid(struct kw_bytes region);
/* The whole of an authenticated call: sets call->sts_action, and answers or refuses. */
void kw_sts_run(struct kw_call *call);
/* Writes call->error and its message as STS does, status and Content-Type included. */
void kw_sts_write_error(struct kw_call *call);

#endif
