/* policydoc - policies as documents: the grammar of each kind, the default one of keys, and the form in which
 * key policies are kept and shown. What they decide is not decided here (policy.h). Pure.
 */
#ifndef KW_API_POLICYDOC_H
#define KW_API_POLICYDOC_H

#include "api/json.h"
#include "api/policy.h"
#include "pool/sbuf.h"

#define KW_POLICYDOC_MAX (32u * 1024u) /* bytes of a key policy as it is sent, a quota of KMS */
/* What printing may make of it: a member of six bytes gets at most eleven blanks and a line end, a control
 * character of two becomes six. */
#define KW_POLICYDOC_PRINTED_MAX (4u * KW_POLICYDOC_MAX)

/* kw_policydoc_parse() - reads a policy of at most as many bytes as its kind may have (a key's: as printed),
 * and checks its characters and its grammar.
 * In:      partition, of the principals that it may name; NULL: any
 * Out:     ret, owned by the caller; why, a sentence for KW_POLICY_MALFORMED, or empty: AWS says nothing of
 *          what is no JSON
 * Returns: 0 | KW_POLICY_MALFORMED | -ENOMEM */
KW_MUST_CHECK int kw_policydoc_parse(enum kw_policy_kind kind, struct kw_bytes text, const char *partition,
    json_t **ret, char *why, size_t why_cap);
enum { KW_POLICYDOC_TOO_LONG = 2 }; /* LimitExceededException; beside KW_POLICY_MALFORMED */

/* kw_policydoc_normalise() - checks a key policy as it was sent and re-prints it as AWS shows it: two blanks
 * a level, " : " between, its members in the order in which they came. Out:     appends to ret; why as above
 * Returns: 0 | KW_POLICY_MALFORMED | KW_POLICYDOC_TOO_LONG | -ENOMEM */
KW_MUST_CHECK int kw_policydoc_normalise(
    struct kw_bytes text, const char *partition, struct kw_sbuf *ret, char *why, size_t why_cap);
/* The policy that a key without one has: appended, in the same form. */
void kw_policydoc_default(const char *account, const char *partition, struct kw_sbuf *ret);

#endif
