/* policydoc - key policies as documents: their grammar, the default one, and the form in which they are kept
 * and shown. What they decide is not decided here. Pure.
 */
#ifndef KW_API_POLICYDOC_H
#define KW_API_POLICYDOC_H

#include "pool/sbuf.h"

#define KW_POLICYDOC_MAX (32u * 1024u) /* bytes, a quota of KMS */
/* What printing may make of it: a member of six bytes gets at most eleven blanks and a line end, a control
 * character of two becomes six. */
#define KW_POLICYDOC_PRINTED_MAX (4u * KW_POLICYDOC_MAX)

enum {
    KW_POLICYDOC_MALFORMED = 1, /* MalformedPolicyDocumentException; ret_why says why, or is empty */
    KW_POLICYDOC_LOCKOUT = 2,   /* it would not let its author change it again */
    KW_POLICYDOC_TOO_LONG = 3,  /* LimitExceededException */
};

/* Who puts a policy. */
struct kw_policydoc_author {
    const char *arn;     /* of the caller */
    const char *account; /* of the caller and the key */
    const char *partition;
    bool bypass; /* BypassPolicyLockoutSafetyCheck */
};

/* kw_policydoc_normalise() - checks a policy and re-prints it as AWS shows it: two blanks a level, " : "
 * between, its members in the order in which they came.
 * Out: appends to ret; ret_why, a sentence for KW_POLICYDOC_MALFORMED.
 * Returns: 0 | KW_POLICYDOC_* | -ENOMEM */
KW_MUST_CHECK int kw_policydoc_normalise(struct kw_bytes text, const struct kw_policydoc_author *author,
    struct kw_sbuf *ret, char *ret_why, size_t why_cap);
/* The policy that a key without one has: appended, in the same form. */
void kw_policydoc_default(const char *account, const char *partition, struct kw_sbuf *ret);

#endif
