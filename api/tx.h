/* tx - one durable change of the keystore, as code that runs on the keystore's thread.
 *
 * A change looks at the newest picture, decides, and writes whole entities; several changes share one commit.
 * It refuses (returns a positive number, which its submitter gets) before it writes anything. What it is
 * given as arg is its submitter's and nobody else touches it meanwhile.
 */
#ifndef KW_API_TX_H
#define KW_API_TX_H

#include "api/savedpool.h"
#include "api/snapshot.h"

struct kw_rows;

struct kw_tx {
    struct kw_rows *rows;         /* borrowed */
    struct kw_snapshot *snapshot; /* the picture as it is with this change so far; look-ups are fine */
    bool written;
    int failure; /* why the keystore failed: 0, KW_STORE_FAILED or <0 */
};

/* Returns: 0 | >0 refused, nothing written | <0 forwarded from below: nothing of this commit takes effect */
typedef int kw_tx_fn(struct kw_tx *tx, void *arg);

/* Each writes an entity made from `like` (borrowed) in place of one of the same name, or takes one out with
 * what belongs to it (a key: its aliases and grants; a principal: its access keys). An access key is invalid,
 * too, if whose it is is not there.
 * Returns: 0 | KW_ENTITY_INVALID (nothing written) | <0, to be forwarded */
KW_MUST_CHECK int kw_tx_put_key(struct kw_tx *tx, const struct kw_kms_key *like);
KW_MUST_CHECK int kw_tx_put_alias(struct kw_tx *tx, const struct kw_alias *like);
KW_MUST_CHECK int kw_tx_put_grant(struct kw_tx *tx, const struct kw_grant *like);
KW_MUST_CHECK int kw_tx_put_principal(struct kw_tx *tx, const struct kw_principal *like);
KW_MUST_CHECK int kw_tx_put_access_key(struct kw_tx *tx, const struct kw_access_key *like);
KW_MUST_CHECK int kw_tx_put_custom_store(struct kw_tx *tx, const struct kw_custom_store *like);
KW_MUST_CHECK int kw_tx_remove_key(struct kw_tx *tx, const struct kw_kms_key *key);
KW_MUST_CHECK int kw_tx_remove_alias(struct kw_tx *tx, const struct kw_alias *alias);
KW_MUST_CHECK int kw_tx_remove_grant(struct kw_tx *tx, const struct kw_grant *grant);
KW_MUST_CHECK int kw_tx_remove_principal(struct kw_tx *tx, const struct kw_principal *principal);
KW_MUST_CHECK int kw_tx_remove_access_key(struct kw_tx *tx, const struct kw_access_key *key);
KW_MUST_CHECK int kw_tx_remove_custom_store(struct kw_tx *tx, const struct kw_custom_store *store);
/* Writes what a key was last used for (it is no entity; the cell of the key has it already). */
KW_MUST_CHECK int kw_tx_save_lastuse(struct kw_tx *tx, const struct kw_kms_key *key);
/* The same of when an access key was last used. */
KW_MUST_CHECK int kw_tx_save_access_use(struct kw_tx *tx, const struct kw_access_key *key);

/* What the keystore knows of a file with saved pairs (it is no part of the picture). get: 0 | KW_TX_NONE |
 * <0, to be forwarded. put writes it in place of one of the same name; remove does nothing if there is none:
 * 0 | <0, to be forwarded */
enum { KW_TX_NONE = 1 };
KW_MUST_CHECK int kw_tx_get_saved_pool(
    struct kw_tx *tx, struct kw_saved_name name, struct kw_saved_pool *ret);
KW_MUST_CHECK int kw_tx_put_saved_pool(struct kw_tx *tx, const struct kw_saved_pool *saved);
KW_MUST_CHECK int kw_tx_remove_saved_pool(struct kw_tx *tx, struct kw_saved_name name);

#endif
