/* draft - the next snapshot while it is being made, from the current one or from nothing.
 *
 * Copies the current picture's arrays of pointers and shares the members: a group of changes costs one copy
 * of 8 bytes a member and one count up, later down, each. That is milliseconds at 100,000 keys and happens
 * once per group on the keystore's thread; sharing parts of the arrays as well comes with grants, which can
 * be far more.
 *
 * A draft made from nothing is for loading: members are appended as they come, sorted once when the picture
 * is taken, and not looked up before. One owner, one thread.
 */
#ifndef KW_API_DRAFT_H
#define KW_API_DRAFT_H

#include "api/entity.h"

struct kw_draft {
    struct kw_snapshot *snapshot; /* look-ups are fine between changes, unless loading */
    size_t keys_cap, aliases_cap, principals_cap;
    bool loading;
};

/* current NULL: from nothing. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_draft_init(struct kw_draft *ret, const struct kw_snapshot *current);
/* Drops what was not taken. A zeroed draft is fine. */
void kw_draft_done(struct kw_draft *draft);
/* The finished picture, one version on; it is the caller's. */
struct kw_snapshot *kw_draft_take(struct kw_draft *draft);

/* Each puts a member in, in place of one of the same name. On 0 the reference moves to the draft and *member
 * is NULL; else the caller keeps it. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_draft_put_key(struct kw_draft *draft, struct kw_kms_key **key);
KW_MUST_CHECK int kw_draft_put_alias(struct kw_draft *draft, struct kw_alias **alias);
KW_MUST_CHECK int kw_draft_put_principal(struct kw_draft *draft, struct kw_principal **principal);
/* Takes an alias out; it must be there (asserted). */
void kw_draft_remove_alias(
    struct kw_draft *draft, struct kw_bytes account, struct kw_bytes region, struct kw_bytes name);

#define KW_DRAFT KW_CLEANUP(kw_draft_done)

#endif
