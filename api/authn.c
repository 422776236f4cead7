#include "api/authn.h"

#include "api/region.h"
#include "api/sts.h"

#include <stdio.h>

static int refuse_unsigned(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_MISSING_TOKEN, "Missing Authentication Token");
}

static int refuse_unknown(struct kw_call *call)
{
    return kw_call_refuse(
        call, KW_ERROR_UNRECOGNIZED_CLIENT, "The security token included in the request is invalid.");
}

static int refuse_scope(struct kw_call *call, const char *why)
{
    return kw_call_refuse(call, KW_ERROR_INVALID_SIGNATURE, "%s", why);
}

static void copy_identity(
    struct kw_identity *identity, const struct kw_principal *principal, const char *region)
{
    snprintf(identity->access_key_id, sizeof(identity->access_key_id), "%s", principal->access_key_id);
    snprintf(identity->account, sizeof(identity->account), "%s", principal->account);
    snprintf(identity->user_name, sizeof(identity->user_name), "%s", principal->user_name);
    snprintf(identity->principal_id, sizeof(identity->principal_id), "%s", principal->principal_id);
    snprintf(identity->arn, sizeof(identity->arn), "arn:%s:iam::%s:user/%s", kw_region_partition(region),
        principal->account, principal->user_name);
    identity->administrator = principal->administrator;
}

/* What the signature must be scoped to. */
static int check_scope(struct kw_call *call, const struct kw_sigv4_claim *claim, const char *regions)
{
    if (!kw_bytes_equal(claim->service, call->is_sts ? KW_LIT("sts") : KW_LIT("kms")))
        return refuse_scope(call, call->is_sts ? "Credential should be scoped to correct service: 'sts'. "
                                               : "Credential should be scoped to correct service: 'kms'. ");
    if (call->is_sts ? kw_sts_region_valid(claim->region)
                     : kw_region_valid(claim->region) && kw_region_in(claim->region, regions))
        return KW_CALL_DONE;
    return refuse_scope(call, "Credential should be scoped to a valid region. ");
}

static int refuse_signature(struct kw_call *call, int result, const char *why)
{
    switch (result) {
    case KW_SIGV4_MISMATCH:
        return kw_call_refuse(call, KW_ERROR_INVALID_SIGNATURE,
            "The request signature we calculated does not match the signature you provided. Check your AWS "
            "Secret Access "
            "Key and signing method. Consult the service documentation for details.");
    case KW_SIGV4_EXPIRED:
    case KW_SIGV4_EARLY:
        return kw_call_refuse(call, KW_ERROR_INVALID_SIGNATURE, "%s", why);
    default:
        return kw_call_internal(call);
    }
}

int kw_authenticate(struct kw_call *call, struct kw_sigv4_engine *engine, const char *regions, int64_t now_ms)
{
    const struct kw_exchange *exchange = call->exchange;
    const struct kw_principal *principal;
    struct kw_sigv4_claim claim;
    char why[512] = "";
    int r = kw_sigv4_parse(&exchange->request, &claim, why, sizeof(why));

    if (r == KW_SIGV4_MISSING)
        return refuse_unsigned(call);
    if (r != 0)
        return kw_call_refuse(call, KW_ERROR_INCOMPLETE_SIGNATURE, "%s", why);
    principal = kw_snapshot_principal(call->snapshot, claim.access_key_id);
    r = kw_sigv4_verify(engine, &exchange->request, exchange->body, &claim,
        principal != NULL ? kw_bytes_str(principal->secret_access_key)
                          : KW_LIT("0000000000000000000000000000000000000000"),
        now_ms, why, sizeof(why));
    if (principal == NULL || !principal->enabled)
        return refuse_unknown(call);
    /* There are no temporary credentials yet, so a session token belongs to none. */
    if (claim.session_token.len > 0)
        return refuse_unknown(call);
    if (check_scope(call, &claim, regions) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    if (r != 0)
        return refuse_signature(call, r, why);
    if (kw_bytes_equal(claim.region, KW_LIT("aws-global")))
        claim.region = KW_LIT("us-east-1");                   /* where AWS does what has no region */
    memcpy(call->region, claim.region.ptr, claim.region.len); /* shorter than the field, which is zeroed */
    copy_identity(&call->identity, principal, call->region);
    return KW_CALL_DONE;
}
