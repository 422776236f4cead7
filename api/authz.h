/* authz - may this caller do this? The decision over all policies and grants, in AWS's order. Pure.
 *
 * 1. An explicit Deny in any policy that applies: denied.
 * 2. Caller and key of one account. Allowed if
 *    a. the key policy allows the caller's own ARN, or "*"; or its role, unless a session policy does not
 *       allow it;
 *    b. the key policy allows the account, and an identity policy of the caller allows it (the root user
 *       needs none), and so does the session policy if there is one;
 *    c. a grant allows it (to a role: unless a session policy does not allow it).
 * 3. Key of another account, for operations that work across accounts. Allowed if
 *    a. the key policy allows any name of the caller (its account too), and an identity policy of the caller
 *       allows it (the root user needs none), and so does the session policy if there is one; or
 *    b. a grant allows it, as in 2c.
 * 4. No key (ListKeys, CreateKey, aliases): identity policies alone, with the session policy.
 *
 * Source: IAM user guide, "Policy evaluation logic"; KMS developer guide, "Troubleshooting key access",
 * "Allowing users in other accounts to use a KMS key", "Grants in AWS KMS".
 */
#ifndef KW_API_AUTHZ_H
#define KW_API_AUTHZ_H

#include "api/policy.h"
#include "pool/sbuf.h"

struct kw_grant;

struct kw_authz_question {
    struct kw_policy_request *request;
    const struct kw_policy *key_policy; /* of the resource, its owner is request->resource_account; NULL: the
                                           resource has none (rule 4) */
    bool across;                        /* the operation works on keys of other accounts */
    size_t num_identity;
    const struct kw_policy *const *identity; /* of the caller, or of a session's role */
    const struct kw_policy *session;         /* NULL: none */
    /* Asked last, if nothing else allows: a grant of the key that lets the caller do it. NULL: no grant can.
     */
    const struct kw_grant *(*find_grant)(void *arg, bool *ret_to_role);
    void *find_grant_arg;
};

enum kw_authz_policy { KW_AUTHZ_KEY_POLICY, KW_AUTHZ_IDENTITY_POLICY, KW_AUTHZ_SESSION_POLICY };

enum kw_authz_reason {
    KW_AUTHZ_BY_KEY_POLICY,      /* 2a */
    KW_AUTHZ_BY_IDENTITY_POLICY, /* 2b, 3a, 4 */
    KW_AUTHZ_BY_ROOT,            /* 2b, 3a, 4 of a root user */
    KW_AUTHZ_BY_GRANT,           /* 2c, 3b */
    KW_AUTHZ_EXPLICIT_DENY,      /* in `policy` */
    KW_AUTHZ_NOT_ALLOWED,        /* `policy` is the one that would have had to allow it */
    KW_AUTHZ_OTHER_ACCOUNT,      /* the key's account does not share it: whether it exists is not said */
};

struct kw_authz_verdict {
    bool allowed;
    enum kw_authz_reason reason;
    enum kw_authz_policy policy;
    /* What decided: a statement of the key policy, of an identity policy (with its index), of the session
     * policy; KW_POLICY_NO_STATEMENT where none did. Of 2b and 3a both are set. */
    uint32_t key_statement, identity_index, identity_statement, session_statement;
    const struct kw_grant *grant; /* that allowed; borrowed from find_grant */
};

void kw_authz_decide(const struct kw_authz_question *question, struct kw_authz_verdict *ret);

/* The message of AccessDeniedException in AWS's words; appends to ret. A resource that is empty is not named.
 */
void kw_authz_refusal(
    const struct kw_authz_question *question, const struct kw_authz_verdict *verdict, struct kw_sbuf *ret);

#endif
