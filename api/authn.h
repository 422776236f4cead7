/* authn - who signed a request: Signature Version 4 against the principals of the snapshot. */
#ifndef KW_API_AUTHN_H
#define KW_API_AUTHN_H

#include "api/call.h"
#include "api/sigv4.h"

/* kw_authenticate() - verifies the signature of call->exchange and fills call->identity.
 * Returns KW_CALL_DONE, or KW_CALL_REFUSED with the error that AWS gives. A key id that is not known is
 * answered after the same work as one that is, so that time does not tell which exist. */
KW_MUST_CHECK int kw_authenticate(
    struct kw_call *call, struct kw_sigv4_engine *engine, struct kw_bytes region, int64_t now_ms);

#endif
