/* explain - which statement or grant decides a request, for `keywell policy explain`: by the same code that
 * decides calls (callauthz.h), over a picture of the keystore, which may be one that was made of files.
 *
 * A question is a JSON object:
 *   Principal             ARN or name of the caller; of a role's session its ARN
 *   Account               where a name without one is looked for
 *   AccessKeyId           instead of Principal: whose access key it is
 *   Action                "kms:Encrypt"
 *   Key                   id, ARN, alias name or alias ARN of the KMS key that it is asked for
 *   Resource              instead of Key, an ARN of what is no key; neither: "*"
 *   Region                where it is asked
 *   EncryptionContext     object of texts
 *   Parameters            object: the request's input, as the API names its members
 *   Conditions            object of texts or lists of texts: values of condition keys, instead of those that
 *                         follow from all else
 *   SessionPolicy         text of a session's policy
 *   Event                 an audit record of a call: all of the above is taken from it, where it is not given
 *
 * The answer is {"Allowed":bool,"Decisions":[...]}: an event has one for each permission that its operation
 * needs. docs/authorization.md says what they have.
 */
#ifndef KW_API_EXPLAIN_H
#define KW_API_EXPLAIN_H

#include "api/json.h"
#include "api/snapshot.h"

enum { KW_EXPLAIN_BAD = 1 };

/* The members that a question may have, NULL at the end. */
extern const char *const kw_explain_members[];

/* kw_explain() - answers a question; any thread.
 * In:      account, of names without one; now_ms, when it is asked
 * Out:     one JSON value written to out; why, a sentence for KW_EXPLAIN_BAD (then what was written is void)
 * Returns: 0 | KW_EXPLAIN_BAD (the question is none) | -ENOMEM */
KW_MUST_CHECK int kw_explain(const struct kw_snapshot *snapshot, const char *account, int64_t now_ms,
    const json_t *question, struct kw_json_out *out, char *why, size_t why_cap);

#endif
