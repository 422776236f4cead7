#include "api/keystore_sql.h"

#include "api/keystore.h"

int kw_sql_result(int code)
{
    switch (code & 0xff) { /* the primary code; the rest is detail */
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return KW_STORE_CORRUPT;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    default:
        return KW_STORE_FAILED;
    }
}

int kw_sql_exec(sqlite3 *db, const char *sql)
{
    return kw_sql_result(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int kw_sql_step(sqlite3_stmt *stmt, bool *ret_row)
{
    int code = sqlite3_step(stmt);

    *ret_row = code == SQLITE_ROW;
    return kw_sql_result(code);
}

/* Prepares a statement that is used once and takes its first row. */
static int first_row(sqlite3 *db, const char *sql, sqlite3_stmt **ret, bool *ret_row)
{
    int r = kw_sql_result(sqlite3_prepare_v2(db, sql, -1, ret, NULL));
    return r != 0 ? r : kw_sql_step(*ret, ret_row);
}

int kw_sql_int(sqlite3 *db, const char *sql, int64_t *ret)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    bool row;
    int r = first_row(db, sql, &stmt, &row);

    if (r != 0)
        return r;
    KW_REQUIRE(row, KW_STORE_CORRUPT);
    *ret = sqlite3_column_int64(stmt, 0);
    return 0;
}

int kw_sql_is(sqlite3 *db, const char *sql, const char *text, bool *ret)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    bool row;
    int r = first_row(db, sql, &stmt, &row);

    if (r != 0)
        return r;
    *ret = row && kw_bytes_equal(kw_sql_column(stmt, 0), kw_bytes_str(text));
    return 0;
}

void kw_sql_bind_blob(sqlite3_stmt *stmt, int at, struct kw_bytes value)
{
    kw_assert(sqlite3_bind_blob64(stmt, at, value.len > 0 ? (const void *)value.ptr : "", value.len,
                  SQLITE_STATIC) == SQLITE_OK);
}

void kw_sql_bind_text(sqlite3_stmt *stmt, int at, struct kw_bytes value)
{
    kw_assert(sqlite3_bind_text64(stmt, at, value.len > 0 ? (const char *)value.ptr : "", value.len,
                  SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
}

void kw_sql_bind_int(sqlite3_stmt *stmt, int at, int64_t value)
{
    kw_assert(sqlite3_bind_int64(stmt, at, value) == SQLITE_OK);
}

int kw_sql_run(sqlite3_stmt *stmt)
{
    KW_SQL_RESET sqlite3_stmt *used = stmt;
    bool row;
    int r = kw_sql_step(used, &row);

    kw_assert(!row);
    return r;
}

struct kw_bytes kw_sql_column(sqlite3_stmt *stmt, int at)
{
    /* The pointer first: asking for it may convert the value, and the length is that of the converted one. */
    const void *ptr = sqlite3_column_blob(stmt, at);
    return KW_BYTES(ptr, ptr != NULL ? (size_t)sqlite3_column_bytes(stmt, at) : 0);
}
