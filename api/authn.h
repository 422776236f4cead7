/* authn - who signed a request: Signature Version 4 against the principals of the snapshot. */
#ifndef KW_API_AUTHN_H
#define KW_API_AUTHN_H

#include "api/call.h"
#include "api/sigv4.h"

/* kw_authenticate() - verifies the signature of call->exchange and fills call->identity (its ARN in the
 * partition of the region) and call->region. The signature is scoped to kms, of a call of STS to sts.
 * regions: those that KMS is served in, separated by commas; NULL: every name that can be a region's.
 * Returns KW_CALL_DONE, or KW_CALL_REFUSED with the error that AWS gives. A key id that is not known is
 * answered after the same work as one that is, so that time does not tell which exist. */
KW_MUST_CHECK int kw_authenticate(
    struct kw_call *call, struct kw_sigv4_engine *engine, const char *regions, int64_t now_ms);

#endif
