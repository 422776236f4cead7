/* keystore_sql - the few calls of SQLite that the keystore makes, with keywell's results and byte slices.
 *
 * Every value reaches SQL by binding. One owner thread.
 */
#ifndef KW_API_KEYSTORE_SQL_H
#define KW_API_KEYSTORE_SQL_H

#include "pool/bytes.h"

#include <sqlite3.h>

/* SQLite's result as ours. Returns: 0 (OK, ROW, DONE) | KW_STORE_CORRUPT | KW_STORE_FAILED | -ENOMEM | -EBUSY
 */
KW_MUST_CHECK int kw_sql_result(int code);
/* Runs statements without parameters. Returns: as kw_sql_result() */
KW_MUST_CHECK int kw_sql_exec(sqlite3 *db, const char *sql);
/* The first column of the first row (of a pragma, a count). Returns: as kw_sql_result() | KW_STORE_CORRUPT
 * (no row) */
KW_MUST_CHECK int kw_sql_int(sqlite3 *db, const char *sql, int64_t *ret);
/* True if the first column of the first row is this text. Returns: as kw_sql_result() */
KW_MUST_CHECK int kw_sql_is(sqlite3 *db, const char *sql, const char *text, bool *ret);

/* Parameters, counted from 1. What is bound is borrowed until the statement has run. The statements are ours,
 * so that a refused number is a defect (asserted). */
void kw_sql_bind_blob(sqlite3_stmt *stmt, int at, struct kw_bytes value);
void kw_sql_bind_text(sqlite3_stmt *stmt, int at, struct kw_bytes value);
void kw_sql_bind_int(sqlite3_stmt *stmt, int at, int64_t value);
/* Runs a statement that gives no rows, and makes it ready for the next time. Returns: as kw_sql_result() */
KW_MUST_CHECK int kw_sql_run(sqlite3_stmt *stmt);
/* The next row. *ret_row false: no more. Returns: as kw_sql_result() */
KW_MUST_CHECK int kw_sql_step(sqlite3_stmt *stmt, bool *ret_row);
/* Columns of the current row, from 0; slices are valid until the next step or reset. */
struct kw_bytes kw_sql_column(sqlite3_stmt *stmt, int at);

/* Makes a kept statement ready for the next time, whatever happened: KW_SQL_RESET sqlite3_stmt *stmt = ...;
 */
static inline void kw_sql_resetp(sqlite3_stmt **stmt)
{
    if (*stmt != NULL) {
        sqlite3_reset(*stmt);
        sqlite3_clear_bindings(*stmt);
    }
}
#define KW_SQL_RESET KW_CLEANUP(kw_sql_resetp)

static inline void kw_sql_finalizep(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}
/* For a statement that is used once. */
#define KW_SQL_STMT KW_CLEANUP(kw_sql_finalizep)

#endif
