/* authn - who signed a request: Signature Version 4 against the access keys of the snapshot, and the session
 * tokens of this keystore. */
#ifndef KW_API_AUTHN_H
#define KW_API_AUTHN_H

#include "api/call.h"
#include "api/session.h"
#include "api/sigv4.h"

/* What a serving thread authenticates with; borrowed. */
struct kw_authenticator {
    struct kw_sigv4_engine *sigv4;
    struct kw_session_cache *sessions;
    const char *regions; /* those that KMS is served in, separated by commas; NULL: every name that can be
                            a region's */
};

/* kw_authenticate() - verifies the signature of call->exchange and fills call->identity (its ARNs in the
 * partition of the region) and call->region. The signature is scoped to kms, of a call of STS to sts. now_ms:
 * by which signatures are judged; sessions end by the service's clock.
 * Returns KW_CALL_DONE, or KW_CALL_REFUSED with the error that AWS gives: what is not known, is disabled or
 * belongs to a principal that is disabled or gone is refused alike, as is a session token that is not of this
 * keystore; a session that is over is not. A key id that is not known is answered after the same work as one
 * that is, so that time does not tell which exist. */
KW_MUST_CHECK int kw_authenticate(
    struct kw_call *call, const struct kw_authenticator *authenticator, int64_t now_ms);

#endif
