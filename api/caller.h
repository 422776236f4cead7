/* caller - who makes a call, as policies and grants see it.
 *
 * Texts are borrowed. ARNs are of the partition of the region that the call is made in.
 */
#ifndef KW_API_CALLER_H
#define KW_API_CALLER_H

#include "pool/bytes.h"

enum kw_caller_kind {
    KW_CALLER_ROOT,    /* the account itself, by its root user's credentials */
    KW_CALLER_USER,    /* an IAM user, by access key or by a session of its own (GetSessionToken) */
    KW_CALLER_SESSION, /* a session of a role (AssumeRole) */
};

struct kw_caller {
    enum kw_caller_kind kind;
    struct kw_bytes account;  /* 12 digits */
    struct kw_bytes arn;      /* iam ...:root, iam ...:user/PATH/NAME, sts ...:assumed-role/ROLE/SESSION */
    struct kw_bytes role_arn; /* of a session: iam ...:role/PATH/NAME; else empty */
    struct kw_bytes root_arn; /* iam ...:root of its account */
};

#endif
