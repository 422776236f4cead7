/* keystore_rows - the rows of the SQLite keystore: sealed records, sealed secrets and the check value.
 *
 * All is sealed before it is bound and opened straight into secret memory, so neither SQLite's page cache nor
 * its files ever hold more of it than names. A seal is bound to the kind and the name of its record: a row
 * edited, moved or renamed behind our back no longer opens. One owner thread.
 */
#ifndef KW_API_KEYSTORE_ROWS_H
#define KW_API_KEYSTORE_ROWS_H

#include "api/keystore_seal.h"
#include "api/record.h"
#include "api/snapshot.h"

#include <sqlite3.h>

enum {
    KW_ROWS_NONE = 1, /* there is no such row */
};

enum kw_rows_stmt {
    KW_ROWS_BEGIN,
    KW_ROWS_COMMIT,
    KW_ROWS_ROLLBACK,
    KW_ROWS_PUT,
    KW_ROWS_REMOVE,
    KW_ROWS_GET,
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

/* Seals plain (secret, at most KW_RECORD_MAX bytes) and writes it in place of a record of that kind and name
 * (at most KW_SEAL_IDENTITY_MAX bytes, asserted). */
KW_MUST_CHECK int kw_rows_put(
    struct kw_rows *rows, enum kw_record_kind kind, struct kw_bytes name, struct kw_bytes plain);
/* Nothing happens if there is none. */
KW_MUST_CHECK int kw_rows_remove(struct kw_rows *rows, enum kw_record_kind kind, struct kw_bytes name);

/* Opens the record of that kind and name and appends what it says (secret) to ret, which has room for it.
 * Returns also: KW_ROWS_NONE | KW_STORE_CORRUPT (too long for ret, too) */
KW_MUST_CHECK int kw_rows_get(
    struct kw_rows *rows, enum kw_record_kind kind, struct kw_bytes name, struct kw_buf *ret);

KW_MUST_CHECK int kw_rows_insert_secret(struct kw_rows *rows, struct kw_bytes name, const uint8_t secret[32]);
/* Returns also: KW_ROWS_NONE | KW_STORE_CORRUPT */
KW_MUST_CHECK int kw_rows_select_secret(struct kw_rows *rows, struct kw_bytes name, uint8_t ret[32]);

/* The check value, by which a store knows its root key. Neither needs the statements. */
KW_MUST_CHECK int kw_rows_insert_check(struct kw_rows *rows);
/* Returns also: KW_STORE_WRONG_ROOT | KW_STORE_CORRUPT (there is none) */
KW_MUST_CHECK int kw_rows_verify_check(struct kw_rows *rows);

/* Reads all records into an empty picture that is not published. Returns also: KW_STORE_CORRUPT */
KW_MUST_CHECK int kw_rows_load(struct kw_rows *rows, struct kw_snapshot *snapshot);

#endif
