/* policy - a policy ready to decide: compiled once, when it is written or loaded, and never changed.
 *
 * One allocation with one reference; any thread may hold and drop references and evaluate. Evaluation is
 * pure: no allocation, no lock, no clock; its time is bounded by the length of policy and request.
 *
 * Source: IAM user guide, "IAM JSON policy elements reference" and "Policy evaluation logic"; KMS developer
 * guide, "Key policies in AWS KMS".
 */
#ifndef KW_API_POLICY_H
#define KW_API_POLICY_H

#include "api/caller.h"
#include "api/condkey.h"

enum kw_policy_kind {
    KW_POLICY_KEY,      /* of a KMS key: has principals */
    KW_POLICY_IDENTITY, /* of a user or role: has none */
    KW_POLICY_SESSION,  /* given when a session began: as IDENTITY */
    KW_POLICY_TRUST,    /* of a role: who may assume it; has principals and no resource */
};

enum { KW_POLICY_MALFORMED = 1 }; /* why says why, or is empty */

#define KW_POLICY_IDENTITY_MAX 10240u /* bytes of one identity policy; a session's: 2048 (AWS's quotas) */
#define KW_POLICY_SESSION_MAX  2048u

struct kw_policy;

/* kw_policy_new() - reads, checks (policydoc's grammar) and compiles a policy.
 * In:      partition, of the principals that it may name ("aws"): checked where kind has principals. NULL:
 * any Out:     ret, with one reference; why, a sentence for KW_POLICY_MALFORMED Returns: 0 |
 * KW_POLICY_MALFORMED | -ENOMEM */
KW_MUST_CHECK int kw_policy_new(struct kw_policy **ret, enum kw_policy_kind kind, struct kw_bytes text,
    const char *partition, char *why, size_t why_cap);
const struct kw_policy *kw_policy_ref(const struct kw_policy *policy);
void kw_policy_unref(const struct kw_policy *policy);
/* The text that it was made from, NUL-terminated behind its length; as long as the policy. */
struct kw_bytes kw_policy_text(const struct kw_policy *policy);
uint32_t kw_policy_num_statements(const struct kw_policy *policy);
/* Its Sid, or empty. */
struct kw_bytes kw_policy_sid(const struct kw_policy *policy, uint32_t statement);
/* The policy of a key that has none of its own: its account's root may do everything (policydoc_default).
 * Lives as long as the process. */
const struct kw_policy *kw_policy_default(void);

static inline void kw_policy_unrefp(struct kw_policy **policy)
{
    kw_policy_unref(*policy);
}
#define KW_POLICY KW_CLEANUP(kw_policy_unrefp)

/* ---- what is asked ---- */

/* All that a decision depends on besides policies and grants. */
struct kw_policy_request {
    const struct kw_caller *caller;
    struct kw_bytes action;           /* "kms:Encrypt" */
    struct kw_bytes resource;         /* an ARN, or "*" */
    struct kw_bytes resource_account; /* that owns the resource: 12 digits */
    /* Keys that are ONE; ptr NULL: the request has none. */
    struct kw_bytes value[KW_CK_NUM];
    /* Keys that are ASKED or NAMED: the value of that index (from 0), or false: there are no more. `name` is
     * compared as the key's kind has it (names of encryption contexts and tags: without case). ret may point
     * into `scratch`, until the next call. NULL: there are none. */
    bool (*value_at)(struct kw_policy_request *request, enum kw_condkey key, struct kw_bytes name,
        size_t index, struct kw_bytes *ret);
    void *arg;
    char scratch[64];
    /* What value_at looked at before it had its answer: it adds to this, so that its work counts as steps. */
    size_t looked;
};

/* By which name of the caller a statement of a resource's policy is about it. */
enum kw_policy_match {
    KW_MATCH_ANYONE,  /* "*" */
    KW_MATCH_ACCOUNT, /* its account, or the account's root */
    KW_MATCH_ROLE,    /* a session: its role */
    KW_MATCH_SELF, /* its own ARN (for the root user: as KW_MATCH_ACCOUNT, too); identity policies: always */
    KW_MATCH_NUM,
};
#define KW_POLICY_NO_STATEMENT UINT32_MAX

/* The first statement that denies, and the first that allows by each match; or KW_POLICY_NO_STATEMENT.
 * A statement that names the caller in several ways counts for each of them. */
struct kw_policy_outcome {
    uint32_t denies;
    uint32_t allows[KW_MATCH_NUM];
};

/* kw_policy_evaluate() - what every statement of a policy says about a request. Rules that matter:
 *  - actions without case, resources with, both with * and ? ('?' is one character of UTF-8); an ARN is
 *    matched part by part, and one with fewer than six parts stands for all that begin so;
 *  - variables (${...}) only under Version 2012-10-17; their values are no patterns; one without a value, or
 *    with several, matches nothing;
 *  - a key of conditions that is not known never holds in a statement that allows, and is one that the
 *    request does not have in one that denies;
 *  - where a key has several values and the operator has no ForAllValues or ForAnyValue, all must hold for a
 *    statement to allow, and any for it to deny;
 *  - a number, date, address or boolean, of policy or request, that is none makes its comparison undecided,
 *    negated or not: undecided is less than true to a statement that allows, and more than false to one that
 *    denies (a comparison with another value may still decide: true OR undecided is true);
 *  - NotPrincipal denies unless the caller's account and, of a user, itself, of a session, it or its role are
 *    all listed; it allows (as KW_MATCH_ANYONE) if none of them is.
 * Time: at most 4 million steps, a step being a byte compared with a pattern that has wildcards, a value
 * looked at, or what value_at passed over to find one; matching takes at most the product of the lengths of
 * pattern and text. What would take more is undecided. The request is not const since its value_at may use
 * its scratch. */
void kw_policy_evaluate(
    const struct kw_policy *policy, struct kw_policy_request *request, struct kw_policy_outcome *ret);

/* kw_policy_locks_out() - would a key's policy keep the caller from calling PutKeyPolicy again?
 * The same evaluation with everything that is undecided in the caller's favour; undecided are, too,
 * conditions on keys that a request may have and this one does not name, and resources if resource is empty
 * (a key that is not made yet): so only a policy that locks out in every case does. A statement that allows
 * the caller's account lets the caller, as AWS has it, whatever its identity policies say. In:      request,
 * its action kms:PutKeyPolicy, with the values that the next call will have as well */
KW_MUST_CHECK bool kw_policy_locks_out(const struct kw_policy *policy, struct kw_policy_request *request);

#endif
