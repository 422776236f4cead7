/* principalname - how people name a principal: by its ARN, or NAME, user/NAME, role/NAME, root within an
 * account. Pure parsing of outside text.
 */
#ifndef KW_API_PRINCIPALNAME_H
#define KW_API_PRINCIPALNAME_H

#include "api/principal.h"

struct kw_principal_name {
    enum kw_principal_kind kind;
    char account[KW_ACCOUNT_LEN + 1];
    char name[KW_PRINCIPAL_NAME_MAX + 1]; /* of a root: "root" */
    /* of the ARN of a session of a role (assumed-role/ROLE/SESSION): SESSION; else empty */
    char session[65];
};

enum { KW_PRINCIPAL_NAME_INVALID = 1 };

/* kw_principal_name_parse() - account: where a name without one is looked for, 12 digits. The path in an ARN
 * is not looked at: names are unique without it.
 * Returns: 0 | KW_PRINCIPAL_NAME_INVALID */
KW_MUST_CHECK int kw_principal_name_parse(
    struct kw_bytes text, const char *account, struct kw_principal_name *ret);

/* 12 digits. */
KW_MUST_CHECK bool kw_account_valid(struct kw_bytes account);

#endif
