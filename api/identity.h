/* identity - who signed a call: copied from the keystore, since the snapshot that it was in may be gone when
 * the call ends. Policies are not copied: each decision looks at those of the newest picture.
 */
#ifndef KW_API_IDENTITY_H
#define KW_API_IDENTITY_H

#include "api/caller.h"
#include "api/principal.h"
#include "api/snapshot.h"

struct kw_identity {
    struct kw_caller caller; /* slices of the texts below; of an unauthenticated call all zero */
    char access_key_id[KW_ACCESS_KEY_ID_MAX + 1];
    char account[KW_ACCOUNT_LEN + 1];
    enum kw_principal_kind kind;                    /* of the principal whose policies count */
    char principal_name[KW_PRINCIPAL_NAME_MAX + 1]; /* its name: the user's or the role's */
    char session_name[65];                          /* of a role's session, else empty */
    /* aws:userid: AIDA...; AROA...:SESSION; of a root the account */
    char user_id[32 + 1 + 64 + 1];
    /* In the partition of the call's region: */
    char arn[KW_PRINCIPAL_ARN_MAX];
    char role_arn[KW_PRINCIPAL_ARN_MAX]; /* of a session of a role, else empty */
    char root_arn[64];
    bool temporary; /* signed with temporary credentials */
    int64_t issued_ms;
    char source_identity[65];
    const struct kw_policy *session_policy; /* NULL: none; owned */
};

/* Fills in caller from the other fields. */
void kw_identity_settle(struct kw_identity *identity);
/* Drops the session policy. A zeroed one is fine. */
void kw_identity_done(struct kw_identity *identity);
/* The principal whose policies count, as the picture has it; NULL: it is gone, was made anew, or is disabled.
 */
const struct kw_principal *kw_identity_principal(
    const struct kw_identity *identity, const struct kw_snapshot *snapshot);

#endif
