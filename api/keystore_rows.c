#include "api/keystore_rows.h"

#include "api/keystore.h"
#include "api/keystore_place.h"
#include "api/keystore_sql.h"

#include <stdlib.h>

static const char *const statements[KW_ROWS_STMT_NUM] = {
    [KW_ROWS_BEGIN] = "BEGIN IMMEDIATE",
    [KW_ROWS_COMMIT] = "COMMIT",
    [KW_ROWS_ROLLBACK] = "ROLLBACK",
    [KW_ROWS_PUT] = "INSERT OR REPLACE INTO records (kind, name, sealed) VALUES (?1, ?2, ?3)",
    [KW_ROWS_REMOVE] = "DELETE FROM records WHERE kind = ?1 AND name = ?2",
    [KW_ROWS_GET] = "SELECT sealed FROM records WHERE kind = ?1 AND name = ?2",
    [KW_ROWS_INSERT_SECRET] = "INSERT INTO secrets (name, sealed) VALUES (?1, ?2)",
    [KW_ROWS_SELECT_SECRET] = "SELECT sealed FROM secrets WHERE name = ?1",
};

int kw_rows_init(struct kw_rows *ret, sqlite3 *db, struct kw_sealer *sealer)
{
    ret->db = db;
    ret->sealer = sealer;
    for (size_t i = 0; i < KW_ROWS_STMT_NUM; i++) {
        int r = kw_sql_result(
            sqlite3_prepare_v3(db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &ret->stmt[i], NULL));
        if (r != 0) {
            kw_rows_done(ret);
            return r;
        }
    }
    return 0;
}

void kw_rows_done(struct kw_rows *rows)
{
    for (size_t i = 0; i < KW_ROWS_STMT_NUM; i++) {
        sqlite3_finalize(rows->stmt[i]);
        rows->stmt[i] = NULL;
    }
}

int kw_rows_begin(struct kw_rows *rows)
{
    return kw_sql_run(rows->stmt[KW_ROWS_BEGIN]);
}

int kw_rows_commit(struct kw_rows *rows)
{
    return kw_sql_run(rows->stmt[KW_ROWS_COMMIT]);
}

void kw_rows_rollback(struct kw_rows *rows)
{
    /* Some errors make SQLite roll back by itself. A rollback that fails leaves the transaction open; the
     * next begin then fails and comes here again. */
    if (!sqlite3_get_autocommit(rows->db) && kw_sql_run(rows->stmt[KW_ROWS_ROLLBACK]) != 0)
        return;
}

/* ---- records ---- */

static void free_bytes(uint8_t **bytes)
{
    free(*bytes);
}

int kw_rows_put(struct kw_rows *rows, enum kw_record_kind kind, struct kw_bytes name, struct kw_bytes plain)
{
    sqlite3_stmt *stmt = rows->stmt[KW_ROWS_PUT];
    struct kw_seal_place place = kw_seal_place_record(kind, name);

    kw_assert(plain.len <= KW_RECORD_MAX);
    /* What is sealed is no secret: plain memory will do. */
    KW_CLEANUP(free_bytes) uint8_t *bytes = malloc(KW_SEAL_OVERHEAD + plain.len);
    KW_REQUIRE(bytes != NULL, -ENOMEM);
    struct kw_buf sealed = KW_BUF(bytes, KW_SEAL_OVERHEAD + plain.len);
    KW_TRY(kw_seal(rows->sealer, &place, plain, &sealed));

    kw_sql_bind_int(stmt, 1, kind);
    kw_sql_bind_blob(stmt, 2, name);
    kw_sql_bind_blob(stmt, 3, kw_buf_bytes(&sealed));
    return kw_sql_run(stmt);
}

int kw_rows_remove(struct kw_rows *rows, enum kw_record_kind kind, struct kw_bytes name)
{
    sqlite3_stmt *stmt = rows->stmt[KW_ROWS_REMOVE];

    kw_sql_bind_int(stmt, 1, kind);
    kw_sql_bind_blob(stmt, 2, name);
    return kw_sql_run(stmt);
}

int kw_rows_get(struct kw_rows *rows, enum kw_record_kind kind, struct kw_bytes name, struct kw_buf *ret)
{
    KW_SQL_RESET sqlite3_stmt *stmt = rows->stmt[KW_ROWS_GET];
    struct kw_seal_place place = kw_seal_place_record(kind, name);
    bool row;

    kw_sql_bind_int(stmt, 1, kind);
    kw_sql_bind_blob(stmt, 2, name);
    int r = kw_sql_step(stmt, &row);
    if (r != 0)
        return r;
    KW_REQUIRE(row, KW_ROWS_NONE);
    r = kw_unseal(rows->sealer, &place, kw_sql_column(stmt, 0), ret);
    KW_TRY(r);
    return r == 0 ? 0 : KW_STORE_CORRUPT;
}

/* ---- secrets ---- */

int kw_rows_insert_secret(struct kw_rows *rows, struct kw_bytes name, const uint8_t secret[32])
{
    sqlite3_stmt *stmt = rows->stmt[KW_ROWS_INSERT_SECRET];
    struct kw_row_place place;
    uint8_t sealed_bytes[KW_SEAL_OVERHEAD + 32];
    struct kw_buf sealed = KW_BUF(sealed_bytes, sizeof(sealed_bytes));

    kw_assert(kw_row_place_secret(&place, name));
    KW_TRY(kw_seal(rows->sealer, &place.place, KW_BYTES(secret, 32), &sealed));
    kw_sql_bind_text(stmt, 1, name);
    kw_sql_bind_blob(stmt, 2, kw_buf_bytes(&sealed));
    return kw_sql_run(stmt);
}

int kw_rows_select_secret(struct kw_rows *rows, struct kw_bytes name, uint8_t ret[32])
{
    KW_SQL_RESET sqlite3_stmt *stmt = rows->stmt[KW_ROWS_SELECT_SECRET];
    struct kw_row_place place;
    struct kw_buf plain = KW_BUF(ret, 32);
    bool row;

    kw_sql_bind_text(stmt, 1, name);
    int r = kw_sql_step(stmt, &row);
    if (r != 0)
        return r;
    KW_REQUIRE(row, KW_ROWS_NONE);

    kw_assert(kw_row_place_secret(&place, name));
    r = kw_unseal(rows->sealer, &place.place, kw_sql_column(stmt, 0), &plain);
    KW_TRY(r);
    return r == 0 && plain.len == 32 ? 0 : KW_STORE_CORRUPT;
}

#define CHECK_VALUE KW_LIT("keywell keystore check value")

int kw_rows_insert_check(struct kw_rows *rows)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    struct kw_row_place place;
    uint8_t sealed_bytes[KW_SEAL_OVERHEAD + 64];
    struct kw_buf sealed = KW_BUF(sealed_bytes, sizeof(sealed_bytes));
    bool row;

    int r = kw_sql_result(
        sqlite3_prepare_v2(rows->db, "INSERT INTO meta (name, value) VALUES ('check', ?1)", -1, &stmt, NULL));
    if (r != 0)
        return r;
    kw_assert(kw_row_place_check(&place));
    KW_TRY(kw_seal(rows->sealer, &place.place, CHECK_VALUE, &sealed));
    kw_sql_bind_blob(stmt, 1, kw_buf_bytes(&sealed));
    return kw_sql_step(stmt, &row);
}

int kw_rows_verify_check(struct kw_rows *rows)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    struct kw_row_place place;
    uint8_t plain_bytes[64];
    struct kw_buf plain = KW_BUF(plain_bytes, sizeof(plain_bytes));
    bool row = false;

    int r = kw_sql_result(
        sqlite3_prepare_v2(rows->db, "SELECT value FROM meta WHERE name = 'check'", -1, &stmt, NULL));
    if (r == 0)
        r = kw_sql_step(stmt, &row);
    if (r != 0)
        return r;
    KW_REQUIRE(row, KW_STORE_CORRUPT);

    kw_assert(kw_row_place_check(&place));
    r = kw_unseal(rows->sealer, &place.place, kw_sql_column(stmt, 0), &plain);
    KW_TRY(r);
    return r == 0 && kw_bytes_equal(kw_buf_bytes(&plain), CHECK_VALUE) ? 0 : KW_STORE_WRONG_ROOT;
}
