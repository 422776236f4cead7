/* recipient - the member Recipient: who can read an answer's plaintext in place of the caller.
 *
 * An attestation document names a public key and is signed by an enclave's security module, in the end under
 * the root that the server trusts (--attestation-root). The answer then has CiphertextForRecipient, the
 * plaintext sealed for that key, and its plaintext member is left out.
 */
#ifndef KW_API_RECIPIENT_H
#define KW_API_RECIPIENT_H

#include "api/attestation.h"
#include "api/call.h"

/* The longest file of trusted roots that is read. */
#define KW_RECIPIENT_ROOTS_MAX (64u * 1024u)

/* kw_recipient_check() - verifies the document of member Recipient, if the request has one, and keeps it
 * in call->recipient; once a call, since it costs some milliseconds. Belongs behind the checks of the KMS key
 * and before anything is made or taken.
 * Returns: KW_CALL_DONE | KW_CALL_WAIT_CHORE | KW_CALL_REFUSED (ValidationException, with why) */
KW_MUST_CHECK int kw_recipient_check(struct kw_call *call);

/* kw_recipient_write() - writes the plaintext as base64 member `name`, or what it is for the recipient as
 * CiphertextForRecipient. Secret: plaintext, at most KW_ENVELOPED_PLAINTEXT_MAX bytes.
 * Returns: KW_CALL_DONE | KW_CALL_REFUSED */
KW_MUST_CHECK int kw_recipient_write(
    struct kw_call *call, struct kw_json_out *out, const char *name, struct kw_bytes plaintext);

/* Is the answer for a recipient that was verified? */
bool kw_recipient_is_attested(const struct kw_call *call);

/* Who the recipient is, as member "recipient" of CloudTrail's additionalEventData; nothing without one that
 * was verified. */
void kw_recipient_audit(const struct kw_call *call, struct kw_json_out *out);

/* kw_recipient_trust() - the roots in a PEM file; path NULL: the root of AWS Nitro Enclaves. Out on failure:
 * why, a sentence for the operator. Returns: 0 | <0 */
KW_MUST_CHECK int kw_recipient_trust(
    struct kw_attestation_trust **ret, const char *path, char *why, size_t why_cap);

#endif
