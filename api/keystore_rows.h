/* keystore_rows - the rows of the SQLite keystore: writing members of a snapshot, reading all of them back.
 *
 * Secrets are sealed before they are bound and opened straight into secret memory, so neither SQLite's page
 * cache nor its files ever hold one. What a seal is bound to (its identity) is every field of the row that
 * says whose the secret is and what it may do: a row edited behind our back no longer opens. One owner
 * thread.
 */
#ifndef KW_API_KEYSTORE_ROWS_H
#define KW_API_KEYSTORE_ROWS_H

#include "api/draft.h"
#include "api/keystore_seal.h"

#include <sqlite3.h>

enum kw_rows_stmt {
    KW_ROWS_BEGIN,
    KW_ROWS_COMMIT,
    KW_ROWS_ROLLBACK,
    KW_ROWS_INSERT_KEY,
    KW_ROWS_INSERT_BACKING,
    KW_ROWS_SET_STATE,
    KW_ROWS_INSERT_ALIAS,
    KW_ROWS_DELETE_ALIAS,
    KW_ROWS_COUNT_ALIASES,
    KW_ROWS_INSERT_PRINCIPAL,
    KW_ROWS_INSERT_SECRET,
    KW_ROWS_SELECT_SECRET,
    KW_ROWS_STMT_NUM,
};

struct kw_rows {
    sqlite3 *db;              /* borrowed */
    struct kw_sealer *sealer; /* borrowed */
    sqlite3_stmt *stmt[KW_ROWS_STMT_NUM];
};

/* Prepares the statements. A zeroed one may be passed to kw_rows_done(). Results of all below, unless they
 * say more: 0 | KW_STORE_FAILED | <0 */
KW_MUST_CHECK int kw_rows_init(struct kw_rows *ret, sqlite3 *db, struct kw_sealer *sealer);
void kw_rows_done(struct kw_rows *rows);

KW_MUST_CHECK int kw_rows_begin(struct kw_rows *rows);
KW_MUST_CHECK int kw_rows_commit(struct kw_rows *rows);
/* Undoes an open transaction; nothing if there is none. */
void kw_rows_rollback(struct kw_rows *rows);

KW_MUST_CHECK int kw_rows_insert_key(struct kw_rows *rows, const struct kw_kms_key *key);
KW_MUST_CHECK int kw_rows_set_state(
    struct kw_rows *rows, const uint8_t id[KW_KMS_KEY_ID_LEN], enum kw_key_state state);
KW_MUST_CHECK int kw_rows_insert_alias(struct kw_rows *rows, const struct kw_alias *alias);
KW_MUST_CHECK int kw_rows_delete_alias(struct kw_rows *rows, const struct kw_alias *alias);
KW_MUST_CHECK int kw_rows_count_aliases(
    struct kw_rows *rows, const uint8_t key_id[KW_KMS_KEY_ID_LEN], int64_t *ret);
KW_MUST_CHECK int kw_rows_insert_principal(struct kw_rows *rows, const struct kw_principal *principal);
KW_MUST_CHECK int kw_rows_insert_secret(struct kw_rows *rows, struct kw_bytes name, const uint8_t secret[32]);
/* Returns also: KW_STORE_NOT_FOUND | KW_STORE_CORRUPT */
KW_MUST_CHECK int kw_rows_select_secret(struct kw_rows *rows, struct kw_bytes name, uint8_t ret[32]);

/* The check value, by which a store knows its root key. */
KW_MUST_CHECK int kw_rows_insert_check(struct kw_rows *rows);
/* Returns also: KW_STORE_WRONG_ROOT | KW_STORE_CORRUPT (there is none) */
KW_MUST_CHECK int kw_rows_verify_check(struct kw_rows *rows);

/* Reads everything into a draft made from nothing. Returns also: KW_STORE_CORRUPT */
KW_MUST_CHECK int kw_rows_load(struct kw_rows *rows, struct kw_draft *draft);

#endif
