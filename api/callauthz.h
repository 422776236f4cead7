/* callauthz - the decision about a call: its request as policies see it, its caller's policies, grants.
 *
 * On the thread that has the call (serving, or the keystore's in apply), with call->snapshot set: each run of
 * an operation decides anew over the newest picture.
 */
#ifndef KW_API_CALLAUTHZ_H
#define KW_API_CALLAUTHZ_H

#include "api/authz.h"
#include "api/call.h"

/* What the call asks for: call->action, or the operation's name. */
const char *kw_call_action(const struct kw_call *call);

/* kw_call_authorize_key() - may the caller do what the call asks for with key (kw_call_take_key asks)?
 * Returns: KW_CALL_DONE | KW_CALL_REFUSED */
KW_MUST_CHECK int kw_call_authorize_key(struct kw_call *call, const struct kw_kms_key *key);
/* The same of another action than the call's own ("TagResource"). */
KW_MUST_CHECK int kw_call_authorize_key_as(
    struct kw_call *call, const char *action, const struct kw_kms_key *key);
/* The same of a key that nothing names but a ciphertext: one that another account does not share is refused
 * in words that do not name it. */
KW_MUST_CHECK int kw_call_authorize_blob_key(struct kw_call *call, const struct kw_kms_key *key);
int kw_call_refuse_inaccessible(struct kw_call *call);
/* Of what is no key: identity policies alone decide. resource: an ARN (of an alias), or "*". */
KW_MUST_CHECK int kw_call_authorize(struct kw_call *call, const char *resource);
KW_MUST_CHECK int kw_call_authorize_as(struct kw_call *call, const char *action, const char *resource);
/* Does an explicit deny forbid it (grants that retire themselves need no permission, but may be forbidden)?
 */
KW_MUST_CHECK int kw_call_refuse_denied(struct kw_call *call, const struct kw_kms_key *key);
/* Does a session's policy allow what the call asks for with key (what its role has is limited by it)? True if
 * there is none. Of a caller that has been found: kw_call_refuse_denied() has. */
KW_MUST_CHECK bool kw_call_session_allows(struct kw_call *call, const struct kw_kms_key *key);
/* Do the caller's identity policies allow it (and its session's policy, if there is one)? To whom its account
 * was given something, the account's own policies decide. */
KW_MUST_CHECK bool kw_call_identity_allows(struct kw_call *call, const struct kw_kms_key *key);
/* The refusal of what another account does not share, or has not: one text for both. */
int kw_call_refuse_foreign(struct kw_call *call);

/* What is asked about a call that may never have been made. */
struct kw_call_question {
    const char *action;           /* "Encrypt" */
    const struct kw_kms_key *key; /* NULL: none */
    const char *resource;         /* without a key: an ARN, or NULL: "*" */
    /* Values of condition keys instead of the call's own: each a text or an array of texts, by the key's
     * name. NULL: none */
    const json_t *said;
};

/* kw_call_explain() - the verdict on a question without refusing the call, for `keywell policy explain`: the
 * question's request, policies and grants are filled in from the call, of which identity, region, snapshot,
 * input, operation_index and alias count; thread and exchange may be NULL.
 * Out: ret; ret_refusal (NULL: not wanted), to which what the caller would be told is appended if it is
 * denied */
void kw_call_explain(struct kw_call *call, const struct kw_call_question *question,
    struct kw_authz_verdict *ret, struct kw_sbuf *ret_refusal);

#endif
