/* keystore_change - judges one change against the picture so far and carries it out on rows and picture.
 *
 * The picture is the truth that a change is judged by, since the keystore has one owner; the constraints of
 * the tables stand behind it.
 */
#ifndef KW_API_KEYSTORE_CHANGE_H
#define KW_API_KEYSTORE_CHANGE_H

#include "api/keystore.h"
#include "api/keystore_rows.h"

/* kw_change_apply() - inside a transaction. Out: *ret_result is 0, a condition of enum KW_STORE_ or -EINVAL
 * (a text that does not fit); *ret_written, whether rows changed. Returns: 0 | KW_STORE_FAILED | <0 (the
 * transaction and the draft are to be dropped) */
KW_MUST_CHECK int kw_change_apply(struct kw_rows *rows, struct kw_draft *draft,
    const struct kw_change *change, int *ret_result, bool *ret_written);

#endif
