/* iamname - how AWS names who acts: ARNs of IAM and STS, account ids and service principals.
 *
 * Pure parsing of outside text. Whether such a principal exists is another question.
 */
#ifndef KW_API_IAMNAME_H
#define KW_API_IAMNAME_H

#include "pool/bytes.h"

enum kw_iamname_kind {
    KW_IAMNAME_ACCOUNT,        /* 111122223333 */
    KW_IAMNAME_ROOT,           /* arn:aws:iam::111122223333:root */
    KW_IAMNAME_USER,           /* arn:aws:iam::111122223333:user/PATH/NAME */
    KW_IAMNAME_ROLE,           /* arn:aws:iam::111122223333:role/PATH/NAME */
    KW_IAMNAME_ASSUMED_ROLE,   /* arn:aws:sts::111122223333:assumed-role/ROLE/SESSION */
    KW_IAMNAME_FEDERATED_USER, /* arn:aws:sts::111122223333:federated-user/NAME */
    KW_IAMNAME_SAML_PROVIDER,  /* arn:aws:iam::111122223333:saml-provider/NAME */
    KW_IAMNAME_OIDC_PROVIDER,  /* arn:aws:iam::111122223333:oidc-provider/HOST/PATH */
    KW_IAMNAME_SERVICE,        /* NAME.amazonaws.com */
};

struct kw_iamname {
    enum kw_iamname_kind kind;
    struct kw_bytes partition; /* ARNs only */
    struct kw_bytes account;   /* all but services; 12 digits */
    struct kw_bytes name;      /* what follows the first '/' of an ARN; a service's whole name */
};

enum { KW_IAMNAME_INVALID = 1 };

/* Wild cards are no part of names: '*' and '?' are refused anywhere.
 * Returns: 0 | KW_IAMNAME_INVALID (in no known form) */
KW_MUST_CHECK int kw_iamname_parse(struct kw_bytes text, struct kw_iamname *ret);
/* Does it name someone who can sign requests of that partition: an account, its root, a user, a role, a
 * session? Account ids belong to every partition. */
KW_MUST_CHECK bool kw_iamname_is_actor(const struct kw_iamname *name, struct kw_bytes partition);
/* Is text the name of someone who can be given a grant, or retire it: of an actor, or of a service? */
KW_MUST_CHECK bool kw_iamname_can_hold_grant(struct kw_bytes text, struct kw_bytes partition);

#endif
