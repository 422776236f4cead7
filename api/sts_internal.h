/* sts_internal - what the files of the Security Token Service share: sts.c has the protocol and
 * GetCallerIdentity, sts_session.c the actions that begin sessions, sts_authz.c who may.
 */
#ifndef KW_API_STS_INTERNAL_H
#define KW_API_STS_INTERNAL_H

#include "api/form.h"
#include "api/sts.h"

/* ---- answers ---- */

/* <NAME>text</NAME> on a line of its own. */
void kw_sts_put_element(struct kw_sbuf *out, const char *indent, const char *name, struct kw_bytes text);
/* What an answer of call->sts_action begins and ends with. */
void kw_sts_begin_answer(struct kw_call *call);
void kw_sts_end_answer(struct kw_call *call);

/* ---- actions ---- */

int kw_sts_assume_role(struct kw_call *call, const struct kw_form *form);
int kw_sts_get_session_token(struct kw_call *call, const struct kw_form *form);

/* ---- who may ---- */

/* What AssumeRole asks for. Texts are borrowed. */
struct kw_sts_assume {
    struct kw_bytes role_arn, session_name;
    struct kw_bytes external_id;     /* ptr NULL: none, as below */
    struct kw_bytes source_identity; /* as the session will have it */
    bool sets_source_identity;       /* it was asked for, which takes a permission of its own */
};

/* kw_sts_authorize() - may the caller assume the role? NULL: there is no such role, which is answered alike.
 * Returns: KW_CALL_DONE | KW_CALL_REFUSED */
KW_MUST_CHECK int kw_sts_authorize(
    struct kw_call *call, const struct kw_principal *role, const struct kw_sts_assume *assume);

#endif
