/* What the statements of a policy say about a request. */
#include "api/policy_internal.h"

#define BIT(match) (1u << (match))

static struct kw_policy_eval begin(struct kw_policy_request *request, bool lenient)
{
    return (struct kw_policy_eval){
        .request = request,
        .lenient = lenient,
        .steps = KW_POLICY_STEPS_MAX,
        .self = kw_policy_after_partition(request->caller->arn),
        .role = kw_policy_after_partition(request->caller->role_arn),
        .resource = kw_policy_arn_cut(request->resource),
    };
}

/* ---- principals ---- */

static unsigned names_account(const struct kw_caller *caller, struct kw_bytes account)
{
    if (account.len == 0 || !kw_bytes_equal(account, caller->account))
        return 0;
    return BIT(KW_MATCH_ACCOUNT) | (caller->kind == KW_CALLER_ROOT ? BIT(KW_MATCH_SELF) : 0);
}

static unsigned names(const struct kw_policy_eval *eval, const struct kw_policy_principal *principal)
{
    const struct kw_caller *caller = eval->request->caller;

    switch (principal->kind) {
    case KW_NAMES_ANYONE:
        return BIT(KW_MATCH_ANYONE);
    case KW_NAMES_OWNER:
        return names_account(caller, eval->request->resource_account);
    case KW_NAMES_ACCOUNT:
        return names_account(caller, principal->text);
    case KW_NAMES_ARN:
        if (kw_bytes_equal(principal->text, eval->self))
            return BIT(KW_MATCH_SELF);
        if (caller->kind == KW_CALLER_SESSION && kw_bytes_equal(principal->text, eval->role))
            return BIT(KW_MATCH_ROLE);
        break;
    }
    return 0;
}

/* Does a statement with NotPrincipal leave the caller out of its Deny? By its account alone nobody but the
 * root user is left out. */
static bool is_spared(const struct kw_policy_eval *eval, unsigned listed)
{
    unsigned self = BIT(KW_MATCH_SELF);

    if (eval->request->caller->kind == KW_CALLER_SESSION)
        self |= BIT(KW_MATCH_ROLE);
    return (listed & BIT(KW_MATCH_ANYONE)) != 0 ||
           ((listed & BIT(KW_MATCH_ACCOUNT)) != 0 && (listed & self) != 0);
}

/* By which names a statement is about the caller: bits of enum kw_policy_match. */
static unsigned is_about(const struct kw_policy_eval *eval, const struct kw_policy_statement *statement)
{
    unsigned listed = 0;

    if (!statement->has_principals)
        return BIT(KW_MATCH_SELF);
    for (uint32_t i = 0; i < statement->num_principals; i++)
        listed |= names(eval, &statement->principals[i]);
    if (!statement->not_principals)
        return listed;
    if (statement->allows)
        return listed == 0 ? BIT(KW_MATCH_ANYONE) : 0;
    return is_spared(eval, listed) ? 0 : BIT(KW_MATCH_SELF);
}

/* ---- actions, resources, conditions ---- */

static enum kw_policy_truth covers_action(
    struct kw_policy_eval *eval, const struct kw_policy_statement *statement)
{
    enum kw_policy_truth any = KW_POLICY_FALSE;

    if (!statement->has_actions)
        return KW_POLICY_FALSE;
    for (uint32_t i = 0; i < statement->num_actions && any != KW_POLICY_TRUE; i++) {
        enum kw_policy_truth one = kw_policy_match(eval, &statement->actions[i], eval->request->action, true);

        any = KW_MAX(any, one);
    }
    return statement->not_actions ? kw_policy_not(any) : any;
}

/* A resource that is not known yet is "" to those who are lenient. */
static enum kw_policy_truth match_resource(struct kw_policy_eval *eval, const struct kw_policy_arn *arn)
{
    if (arn->num_parts > 0 && eval->lenient && eval->request->resource.len == 0)
        return KW_POLICY_OPEN;
    return kw_policy_match_arn(eval, arn, &eval->resource);
}

static enum kw_policy_truth covers_resource(
    struct kw_policy_eval *eval, const struct kw_policy_statement *statement)
{
    enum kw_policy_truth any = KW_POLICY_FALSE;

    if (!statement->has_resources)
        return KW_POLICY_FALSE;
    for (uint32_t i = 0; i < statement->num_resources && any != KW_POLICY_TRUE; i++) {
        enum kw_policy_truth one = match_resource(eval, &statement->resources[i]);

        any = KW_MAX(any, one);
    }
    return statement->not_resources ? kw_policy_not(any) : any;
}

static bool applies(struct kw_policy_eval *eval, const struct kw_policy_statement *statement)
{
    enum kw_policy_truth needed = statement->allows != eval->lenient ? KW_POLICY_TRUE : KW_POLICY_OPEN;

    if (covers_action(eval, statement) < needed || covers_resource(eval, statement) < needed)
        return false;
    for (uint32_t i = 0; i < statement->num_tests; i++) {
        if (kw_policy_test(eval, &statement->tests[i], statement->allows) < needed)
            return false;
    }
    return true;
}

/* ---- the whole policy ---- */

/* Is there anything that the statement could still say? */
static bool is_news(
    const struct kw_policy_outcome *outcome, const struct kw_policy_statement *statement, unsigned about)
{
    if (!statement->allows)
        return about != 0 && outcome->denies == KW_POLICY_NO_STATEMENT;
    for (unsigned i = 0; i < KW_MATCH_NUM; i++) {
        if ((about & BIT(i)) != 0 && outcome->allows[i] == KW_POLICY_NO_STATEMENT)
            return true;
    }
    return false;
}

static void note(struct kw_policy_outcome *outcome, uint32_t index, bool allows, unsigned about)
{
    if (!allows)
        outcome->denies = index;
    for (unsigned i = 0; allows && i < KW_MATCH_NUM; i++) {
        if ((about & BIT(i)) != 0 && outcome->allows[i] == KW_POLICY_NO_STATEMENT)
            outcome->allows[i] = index;
    }
}

static void evaluate(
    const struct kw_policy *policy, struct kw_policy_eval *eval, struct kw_policy_outcome *ret)
{
    memset(ret, 0xff, sizeof(*ret));
    static_assert(KW_POLICY_NO_STATEMENT == 0xffffffff, "all bytes of it are the same");
    for (uint32_t i = 0; i < policy->num_statements; i++) {
        const struct kw_policy_statement *statement = &policy->statements[i];
        unsigned about = is_about(eval, statement);

        if (is_news(ret, statement, about) && applies(eval, statement))
            note(ret, i, statement->allows, about);
    }
}

void kw_policy_evaluate(
    const struct kw_policy *policy, struct kw_policy_request *request, struct kw_policy_outcome *ret)
{
    struct kw_policy_eval eval = begin(request, false);

    evaluate(policy, &eval, ret);
}

bool kw_policy_locks_out(const struct kw_policy *policy, struct kw_policy_request *request)
{
    struct kw_policy_eval eval = begin(request, true);
    struct kw_policy_outcome outcome;

    evaluate(policy, &eval, &outcome);
    if (outcome.denies != KW_POLICY_NO_STATEMENT)
        return true;
    for (unsigned i = 0; i < KW_MATCH_NUM; i++) {
        if (outcome.allows[i] != KW_POLICY_NO_STATEMENT)
            return false;
    }
    return true;
}
