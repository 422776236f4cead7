#include "api/sts_internal.h"

#include "api/authz.h"
#include "api/sigv4.h"

#include <inttypes.h>
#include <stdio.h>

/* The request as policies see it. */
struct decision {
    struct kw_policy_request request;
    struct kw_call *call;
    const struct kw_principal *principal; /* the caller's, for its policies and tags */
    const struct kw_principal *role;      /* that it would assume */
    const struct kw_policy *identity[KW_PRINCIPAL_POLICIES_MAX];
};

static struct kw_bytes print_number(struct kw_policy_request *request, int64_t value)
{
    int len = snprintf(request->scratch, sizeof(request->scratch), "%" PRId64, value);

    return KW_BYTES(request->scratch, (size_t)len);
}

/* YYYY-MM-DDTHH:MM:SSZ */
static struct kw_bytes print_date(struct kw_policy_request *request, int64_t ms)
{
    char stamp[KW_SIGV4_STAMP_LEN + 1];
    int len;

    kw_sigv4_stamp_format(ms, stamp); /* YYYYMMDDTHHMMSSZ */
    len = snprintf(request->scratch, sizeof(request->scratch), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", stamp,
        stamp + 4, stamp + 6, stamp + 9, stamp + 11, stamp + 13);
    return KW_BYTES(request->scratch, (size_t)len);
}

static bool find_tag(
    const struct kw_principal *principal, struct kw_bytes name, size_t index, struct kw_bytes *ret)
{
    for (uint32_t i = 0; index == 0 && i < principal->num_tags; i++) {
        if (kw_bytes_equal_nocase(name, kw_bytes_str(principal->tags[i].key))) {
            *ret = kw_bytes_str(principal->tags[i].value);
            return true;
        }
    }
    return false;
}

static bool value_at(struct kw_policy_request *request, enum kw_condkey key, struct kw_bytes name,
    size_t index, struct kw_bytes *ret)
{
    const struct decision *decision = request->arg;
    const struct kw_identity *identity = &decision->call->identity;

    if (key == KW_CK_AWS_PRINCIPAL_TAG)
        return find_tag(decision->principal, name, index, ret);
    if (key == KW_CK_AWS_RESOURCE_TAG)
        return find_tag(decision->role, name, index, ret);
    if (index > 0)
        return false;
    if (key == KW_CK_AWS_CURRENT_TIME)
        *ret = print_date(request, kw_call_clock_ms(decision->call));
    else if (key == KW_CK_AWS_EPOCH_TIME)
        *ret = print_number(request, kw_call_clock_ms(decision->call) / 1000);
    else if (key == KW_CK_AWS_TOKEN_ISSUE_TIME && identity->temporary)
        *ret = print_date(request, identity->issued_ms);
    else
        return false;
    return true;
}

static void put_caller(struct kw_bytes *value, const struct kw_identity *identity)
{
    bool is_session = identity->kind == KW_PRINCIPAL_ROLE;

    value[KW_CK_AWS_PRINCIPAL_ACCOUNT] = identity->caller.account;
    value[KW_CK_AWS_PRINCIPAL_ARN] = is_session ? identity->caller.role_arn : identity->caller.arn;
    value[KW_CK_AWS_PRINCIPAL_IS_SERVICE] = KW_LIT("false");
    value[KW_CK_AWS_VIA_SERVICE] = KW_LIT("false");
    value[KW_CK_AWS_PRINCIPAL_TYPE] = is_session ? KW_LIT("AssumedRole") : KW_LIT("User");
    value[KW_CK_AWS_USERID] = kw_bytes_str(identity->user_id);
    if (identity->kind == KW_PRINCIPAL_USER)
        value[KW_CK_AWS_USERNAME] = kw_bytes_str(identity->principal_name);
    if (identity->temporary)
        value[KW_CK_AWS_MFA_PRESENT] = KW_LIT("false");
}

static void put_request(
    struct kw_bytes *value, const struct kw_call *call, const struct kw_sts_assume *assume)
{
    const struct kw_http_request *request = &call->exchange->request;
    struct kw_bytes agent = kw_http_header(request, "user-agent");

    value[KW_CK_AWS_REQUESTED_REGION] = kw_bytes_str(call->region);
    value[KW_CK_AWS_SECURE_TRANSPORT] = call->exchange->transport != NULL ? KW_LIT("true") : KW_LIT("false");
    value[KW_CK_AWS_SOURCE_IP] = kw_bytes_str(call->exchange->peer);
    if (agent.len > 0)
        value[KW_CK_AWS_USER_AGENT] = agent;
    value[KW_CK_STS_ROLE_SESSION_NAME] = assume->session_name;
    value[KW_CK_STS_EXTERNAL_ID] = assume->external_id;
    if (assume->sets_source_identity)
        value[KW_CK_STS_SOURCE_IDENTITY] = assume->source_identity;
    if (call->identity.source_identity[0] != '\0')
        value[KW_CK_AWS_SOURCE_IDENTITY] = kw_bytes_str(call->identity.source_identity);
}

static void init(struct decision *decision, struct kw_call *call, const struct kw_principal *role,
    const struct kw_sts_assume *assume)
{
    memset(decision, 0, sizeof(*decision));
    decision->call = call;
    decision->principal = call->principal;
    decision->role = role;
    decision->request.caller = &call->identity.caller;
    decision->request.resource = assume->role_arn;
    decision->request.resource_account = kw_bytes_str(role->account);
    decision->request.value_at = value_at;
    decision->request.arg = decision;
    put_caller(decision->request.value, &call->identity);
    put_request(decision->request.value, call, assume);
    decision->request.value[KW_CK_AWS_RESOURCE_ACCOUNT] = decision->request.resource_account;
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
        .num_identity = decision->principal->num_policies,
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
