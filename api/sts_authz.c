#include "api/sts_internal.h"

#include "api/authz.h"
#include "api/callvalues.h"

#include <stdio.h>

/* The request as policies see it. */
struct decision {
    struct kw_policy_request request;
    struct kw_call *call;
    const struct kw_principal *role; /* that it would assume */
    const struct kw_policy *identity[KW_PRINCIPAL_POLICIES_MAX];
};

static bool value_at(struct kw_policy_request *request, enum kw_condkey key, struct kw_bytes name,
    size_t index, struct kw_bytes *ret)
{
    const struct decision *decision = request->arg;

    if (key == KW_CK_AWS_RESOURCE_TAG)
        return kw_callvalues_tag(decision->role->tags, decision->role->num_tags, name, index, ret);
    return kw_callvalues_at(request, decision->call, key, name, index, ret);
}

static void put_assume(struct kw_bytes *value, const struct kw_sts_assume *assume)
{
    value[KW_CK_STS_ROLE_SESSION_NAME] = assume->session_name;
    value[KW_CK_STS_EXTERNAL_ID] = assume->external_id;
    if (assume->sets_source_identity)
        value[KW_CK_STS_SOURCE_IDENTITY] = assume->source_identity;
}

static void init(struct decision *decision, struct kw_call *call, const struct kw_principal *role,
    const struct kw_sts_assume *assume)
{
    memset(decision, 0, sizeof(*decision));
    decision->call = call;
    decision->role = role;
    decision->request.caller = &call->identity.caller;
    decision->request.resource = assume->role_arn;
    decision->request.resource_account = kw_bytes_str(role->account);
    decision->request.value_at = value_at;
    decision->request.arg = decision;
    kw_callvalues_put(&decision->request, call);
    put_assume(decision->request.value, assume);
    for (uint32_t i = 0; i < call->principal->num_policies; i++)
        decision->identity[i] = call->principal->policies[i].policy;
}

/* A role's trust policy is to its sessions what a key's policy is to the key, and its account may be
 * another's in either case. */
static bool allows(struct decision *decision, const struct kw_principal *role, struct kw_bytes action)
{
    struct kw_authz_question question = {.request = &decision->request,
        .key_policy = role->trust,
        .across = true,
        .num_identity = decision->call->principal->num_policies,
        .identity = decision->identity,
        .session = decision->call->identity.session_policy};
    struct kw_authz_verdict verdict;

    decision->request.action = action;
    kw_authz_decide(&question, &verdict);
    return verdict.allowed;
}

static int refuse(struct kw_call *call, const char *action, struct kw_bytes role_arn)
{
    char prefix[KW_PRINCIPAL_ARN_MAX + 128];

    snprintf(prefix, sizeof(prefix),
        "User: %s is not authorized to perform: %s on resource: ", call->identity.arn, action);
    return kw_call_refuse_quoting(call, KW_ERROR_ACCESS_DENIED, prefix, role_arn, "");
}

int kw_sts_authorize(
    struct kw_call *call, const struct kw_principal *role, const struct kw_sts_assume *assume)
{
    struct decision decision;

    call->principal = kw_identity_principal(&call->identity, call->snapshot);
    if (role == NULL || !role->enabled || call->principal == NULL)
        return refuse(call, "sts:AssumeRole", assume->role_arn);
    init(&decision, call, role, assume);
    if (!allows(&decision, role, KW_LIT("sts:AssumeRole")))
        return refuse(call, "sts:AssumeRole", assume->role_arn);
    if (assume->sets_source_identity && !allows(&decision, role, KW_LIT("sts:SetSourceIdentity")))
        return refuse(call, "sts:SetSourceIdentity", assume->role_arn);
    return KW_CALL_DONE;
}
