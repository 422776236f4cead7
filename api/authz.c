#include "api/authz.h"

#include "api/grantindex.h"

#define NONE KW_POLICY_NO_STATEMENT

/* What the policies say, before grants are asked. */
struct findings {
    const struct kw_authz_question *question;
    bool is_root, has_session_policy;
    struct kw_policy_outcome key; /* of the key policy */
    uint32_t key_allows;          /* by any name */
    uint32_t identity_index, identity_allows;
    uint32_t session_allows;
    bool identity_ok, session_ok; /* they allow it, or need not */
};

static struct kw_policy_outcome evaluate(
    const struct kw_policy *policy, const struct kw_authz_question *question)
{
    struct kw_policy_outcome outcome = {.denies = NONE, .allows = {NONE, NONE, NONE, NONE}};

    static_assert(KW_MATCH_NUM == 4, "as many as are set above");
    if (policy != NULL)
        kw_policy_evaluate(policy, question->request, &outcome);
    return outcome;
}

static uint32_t first_allow(const struct kw_policy_outcome *outcome)
{
    uint32_t first = NONE;

    for (unsigned i = 0; i < KW_MATCH_NUM; i++)
        first = KW_MIN(first, outcome->allows[i]);
    return first;
}

static bool is_foreign(const struct kw_authz_question *question)
{
    return question->key_policy != NULL &&
           !kw_bytes_equal(question->request->caller->account, question->request->resource_account);
}

/* ---- verdicts ---- */

static bool deny(struct kw_authz_verdict *verdict, enum kw_authz_policy policy)
{
    verdict->reason = KW_AUTHZ_EXPLICIT_DENY;
    verdict->policy = policy;
    return true;
}

static void allow(struct kw_authz_verdict *verdict, enum kw_authz_reason reason, enum kw_authz_policy policy)
{
    verdict->allowed = true;
    verdict->reason = reason;
    verdict->policy = policy;
}

static void refuse(struct kw_authz_verdict *verdict, enum kw_authz_policy policy)
{
    verdict->reason = KW_AUTHZ_NOT_ALLOWED;
    verdict->policy = policy;
}

/* The caller's own policies say whether: allowed, or refused by the one that should have. */
static void settle_by_identity(const struct findings *findings, struct kw_authz_verdict *verdict)
{
    if (!findings->identity_ok) {
        refuse(verdict, KW_AUTHZ_IDENTITY_POLICY);
        return;
    }
    if (!findings->session_ok) {
        refuse(verdict, KW_AUTHZ_SESSION_POLICY);
        return;
    }
    allow(verdict, findings->is_root ? KW_AUTHZ_BY_ROOT : KW_AUTHZ_BY_IDENTITY_POLICY,
        KW_AUTHZ_IDENTITY_POLICY);
    if (!findings->is_root) {
        verdict->identity_index = findings->identity_index;
        verdict->identity_statement = findings->identity_allows;
    }
    verdict->session_statement = findings->session_allows;
}

/* ---- rule 1, and what the other rules need ---- */

/* Each policy is evaluated once. Returns whether one denies. */
static bool look_at_policies(struct findings *findings, struct kw_authz_verdict *verdict)
{
    const struct kw_authz_question *question = findings->question;
    struct kw_policy_outcome session = evaluate(question->session, question);

    findings->key = evaluate(question->key_policy, question);
    findings->key_allows = first_allow(&findings->key);
    findings->session_allows = first_allow(&session);
    findings->identity_allows = NONE;
    for (uint32_t i = 0; i < question->num_identity; i++) {
        struct kw_policy_outcome outcome = evaluate(question->identity[i], question);

        if (outcome.denies != NONE && verdict->identity_statement == NONE) {
            verdict->identity_index = i;
            verdict->identity_statement = outcome.denies;
        }
        if (first_allow(&outcome) != NONE && findings->identity_allows == NONE) {
            findings->identity_index = i;
            findings->identity_allows = first_allow(&outcome);
        }
    }
    findings->identity_ok = findings->is_root || findings->identity_allows != NONE;
    findings->session_ok = question->session == NULL || findings->session_allows != NONE;
    if (findings->key.denies != NONE)
        verdict->key_statement = findings->key.denies;
    if (session.denies != NONE)
        verdict->session_statement = session.denies;
    return verdict->key_statement != NONE        ? deny(verdict, KW_AUTHZ_KEY_POLICY)
           : verdict->identity_statement != NONE ? deny(verdict, KW_AUTHZ_IDENTITY_POLICY)
           : verdict->session_statement != NONE  ? deny(verdict, KW_AUTHZ_SESSION_POLICY)
                                                 : false;
}

/* ---- grants ---- */

/* A grant to the account is for those to whom the account gives what it got: the root user, and whom an
 * identity policy allows it. One to a role is limited by a session's policy; one to the session, or to a
 * user, by nothing. Returns whether there is a grant; the verdict is settled then. */
static bool settle_by_grant(const struct findings *findings, struct kw_authz_verdict *verdict)
{
    const struct kw_authz_question *question = findings->question;
    bool to_role = false;
    const struct kw_grant *grant =
        question->find_grant != NULL ? question->find_grant(question->find_grant_arg, &to_role) : NULL;
    enum kw_policy_match match;

    if (grant == NULL)
        return false;
    match = kw_grant_match(grant->grantee, question->request->caller);
    to_role = to_role || match == KW_MATCH_ROLE;
    if (match == KW_MATCH_ACCOUNT) {
        settle_by_identity(findings, verdict);
        if (!verdict->allowed)
            return true;
    } else if (to_role && !findings->session_ok) {
        refuse(verdict, KW_AUTHZ_SESSION_POLICY);
        return true;
    }
    if (to_role)
        verdict->session_statement = findings->session_allows;
    allow(verdict, KW_AUTHZ_BY_GRANT, KW_AUTHZ_KEY_POLICY);
    verdict->grant = grant;
    return true;
}

/* ---- rules 2 and 3 ---- */

/* 2a. Of the root user all statements for the account are about itself: those are 2b's. One for everyone is
 * about the session itself, and no session policy limits it. */
static bool allows_directly(const struct findings *findings, struct kw_authz_verdict *verdict)
{
    const uint32_t *allows = findings->key.allows;
    uint32_t direct = KW_MIN(allows[KW_MATCH_SELF], allows[KW_MATCH_ANYONE]);

    if (findings->is_root && allows[KW_MATCH_ACCOUNT] != NONE)
        return false;
    if (direct != NONE) {
        verdict->key_statement = direct;
    } else if (allows[KW_MATCH_ROLE] != NONE && findings->session_ok) {
        verdict->key_statement = allows[KW_MATCH_ROLE];
        verdict->session_statement = findings->session_allows;
    } else {
        return false;
    }
    allow(verdict, KW_AUTHZ_BY_KEY_POLICY, KW_AUTHZ_KEY_POLICY);
    return true;
}

/* Who should have allowed what nothing did. */
static void refuse_own(const struct findings *findings, struct kw_authz_verdict *verdict)
{
    const uint32_t *allows = findings->key.allows;

    if (allows[KW_MATCH_ROLE] != NONE)
        refuse(verdict, KW_AUTHZ_SESSION_POLICY);
    else if (allows[KW_MATCH_ACCOUNT] == NONE)
        refuse(verdict, KW_AUTHZ_KEY_POLICY);
    else
        refuse(verdict, findings->identity_ok ? KW_AUTHZ_SESSION_POLICY : KW_AUTHZ_IDENTITY_POLICY);
}

static void decide_own(const struct findings *findings, struct kw_authz_verdict *verdict)
{
    if (allows_directly(findings, verdict))
        return;
    if (findings->key.allows[KW_MATCH_ACCOUNT] != NONE && findings->identity_ok && findings->session_ok) {
        settle_by_identity(findings, verdict);
        verdict->key_statement = findings->key.allows[KW_MATCH_ACCOUNT];
        return;
    }
    if (!settle_by_grant(findings, verdict))
        refuse_own(findings, verdict);
}

static void decide_foreign(const struct findings *findings, struct kw_authz_verdict *verdict)
{
    bool shared = findings->key_allows != NONE;

    if (!findings->question->across) {
        verdict->reason = KW_AUTHZ_OTHER_ACCOUNT;
        return;
    }
    if (shared && findings->identity_ok && findings->session_ok) {
        settle_by_identity(findings, verdict);
        verdict->key_statement = findings->key_allows;
        return;
    }
    if (settle_by_grant(findings, verdict))
        return;
    if (shared)
        settle_by_identity(findings, verdict);
    else
        verdict->reason = KW_AUTHZ_OTHER_ACCOUNT;
}

void kw_authz_decide(const struct kw_authz_question *question, struct kw_authz_verdict *ret)
{
    struct findings findings = {
        .question = question, .is_root = question->request->caller->kind == KW_CALLER_ROOT};

    *ret = (struct kw_authz_verdict){
        .key_statement = NONE, .identity_statement = NONE, .session_statement = NONE};
    if (look_at_policies(&findings, ret))
        return;
    if (question->key_policy == NULL)
        settle_by_identity(&findings, ret);
    else if (is_foreign(question))
        decide_foreign(&findings, ret);
    else
        decide_own(&findings, ret);
}

/* ---- refusals ---- */

/* Does the owner of another account's key let the caller know that it exists? Not if its policy denies, and
 * not by what the caller's own policies deny. */
static bool is_shown(const struct kw_authz_question *question, const struct kw_authz_verdict *verdict)
{
    struct kw_policy_outcome key;
    bool to_role;

    if (verdict->reason == KW_AUTHZ_OTHER_ACCOUNT)
        return false;
    if (!is_foreign(question) || verdict->reason != KW_AUTHZ_EXPLICIT_DENY)
        return true;
    key = evaluate(question->key_policy, question);
    if (key.denies != NONE || !question->across)
        return false;
    return first_allow(&key) != NONE ||
           (question->find_grant != NULL && question->find_grant(question->find_grant_arg, &to_role) != NULL);
}

static void put_not_allowed(struct kw_sbuf *ret, enum kw_authz_policy policy, struct kw_bytes action)
{
    static const char *const names[] = {
        [KW_AUTHZ_KEY_POLICY] = "resource-based",
        [KW_AUTHZ_IDENTITY_POLICY] = "identity-based",
        [KW_AUTHZ_SESSION_POLICY] = "session",
    };

    kw_sbuf_put_str(ret, " because no ");
    kw_sbuf_put_str(ret, names[policy]);
    kw_sbuf_put_str(ret, " policy allows the ");
    kw_sbuf_put_bytes(ret, action);
    kw_sbuf_put_str(ret, " action");
}

static void put_denied(struct kw_sbuf *ret, enum kw_authz_policy policy)
{
    static const char *const names[] = {
        [KW_AUTHZ_KEY_POLICY] = "a resource-based",
        [KW_AUTHZ_IDENTITY_POLICY] = "an identity-based",
        [KW_AUTHZ_SESSION_POLICY] = "a session",
    };

    kw_sbuf_put_str(ret, " with an explicit deny in ");
    kw_sbuf_put_str(ret, names[policy]);
    kw_sbuf_put_str(ret, " policy");
}

void kw_authz_refusal(
    const struct kw_authz_question *question, const struct kw_authz_verdict *verdict, struct kw_sbuf *ret)
{
    const struct kw_policy_request *request = question->request;

    kw_assert(!verdict->allowed);
    kw_sbuf_put_str(ret, "User: ");
    kw_sbuf_put_bytes(ret, request->caller->arn);
    kw_sbuf_put_str(ret, " is not authorized to perform: ");
    kw_sbuf_put_bytes(ret, request->action);
    if (!is_shown(question, verdict)) {
        kw_sbuf_put_str(ret,
            " on this resource because the resource does not exist in this Region, no "
            "resource-based policies allow access, or a resource-based policy explicitly denies "
            "access");
        return;
    }
    if (request->resource.len > 0) {
        kw_sbuf_put_str(ret, " on resource: ");
        kw_sbuf_put_bytes(ret, request->resource);
    }
    if (verdict->reason == KW_AUTHZ_EXPLICIT_DENY)
        put_denied(ret, verdict->policy);
    else
        put_not_allowed(ret, verdict->policy, request->action);
}
