#include "api/identity.h"

void kw_identity_settle(struct kw_identity *identity)
{
    static const enum kw_caller_kind kinds[KW_PRINCIPAL_KIND_NUM] = {
        [KW_PRINCIPAL_ROOT] = KW_CALLER_ROOT,
        [KW_PRINCIPAL_USER] = KW_CALLER_USER,
        [KW_PRINCIPAL_ROLE] = KW_CALLER_SESSION,
    };

    kw_assert((unsigned)identity->kind < KW_PRINCIPAL_KIND_NUM);
    identity->caller = (struct kw_caller){
        .kind = kinds[identity->kind],
        .account = kw_bytes_str(identity->account),
        .arn = kw_bytes_str(identity->arn),
        .role_arn = kw_bytes_str(identity->role_arn),
        .root_arn = kw_bytes_str(identity->root_arn),
    };
}

void kw_identity_done(struct kw_identity *identity)
{
    kw_policy_unref(identity->session_policy);
    identity->session_policy = NULL;
}

/* aws:userid begins with the id of the principal, and with a session's colon ends it. */
static bool has_id(const struct kw_identity *identity, const struct kw_principal *principal)
{
    size_t len = strlen(principal->id);

    return strncmp(identity->user_id, principal->id, len) == 0 &&
           (identity->user_id[len] == '\0' || identity->user_id[len] == ':');
}

const struct kw_principal *kw_identity_principal(
    const struct kw_identity *identity, const struct kw_snapshot *snapshot)
{
    const struct kw_principal *principal = kw_snapshot_principal(
        snapshot, kw_bytes_str(identity->account), identity->kind, kw_bytes_str(identity->principal_name));

    return principal != NULL && principal->enabled && has_id(identity, principal) ? principal : NULL;
}
