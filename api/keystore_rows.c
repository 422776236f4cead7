#include "api/keystore_rows.h"

#include "api/keystore.h"
#include "api/keystore_place.h"
#include "api/keystore_sql.h"

static const char *const statements[KW_ROWS_STMT_NUM] = {
    [KW_ROWS_BEGIN] = "BEGIN IMMEDIATE",
    [KW_ROWS_COMMIT] = "COMMIT",
    [KW_ROWS_ROLLBACK] = "ROLLBACK",
    [KW_ROWS_INSERT_KEY] = "INSERT INTO keys (id, account, region, description, state, created_ms)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [KW_ROWS_INSERT_BACKING] = "INSERT INTO backing_keys (key_id, ordinal, material_id, sealed, created_ms)"
                               " VALUES (?1, ?2, ?3, ?4, ?5)",
    [KW_ROWS_SET_STATE] = "UPDATE keys SET state = ?2 WHERE id = ?1",
    [KW_ROWS_INSERT_ALIAS] = "INSERT INTO aliases (account, region, name, key_id, created_ms, updated_ms)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [KW_ROWS_DELETE_ALIAS] = "DELETE FROM aliases WHERE account = ?1 AND region = ?2 AND name = ?3",
    [KW_ROWS_COUNT_ALIASES] = "SELECT count(*) FROM aliases WHERE key_id = ?1",
    [KW_ROWS_INSERT_PRINCIPAL] = "INSERT INTO principals (access_key_id, account, user_name, principal_id, "
                                 "administrator, enabled, sealed)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
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

static int insert_backing(struct kw_rows *rows, const struct kw_kms_key *key, uint32_t ordinal)
{
    const struct kw_backing_key *backing = &key->backing[ordinal];
    sqlite3_stmt *stmt = rows->stmt[KW_ROWS_INSERT_BACKING];
    struct kw_place place;
    uint8_t sealed_bytes[KW_SEAL_OVERHEAD + KW_BACKING_KEY_LEN];
    struct kw_buf sealed = KW_BUF(sealed_bytes, sizeof(sealed_bytes));

    kw_assert(kw_place_backing(&place, key->id, kw_bytes_str(key->account), kw_bytes_str(key->region),
        backing->material_id, ordinal));
    KW_TRY(kw_seal(rows->sealer, &place.place, KW_BYTES(backing->key, sizeof(backing->key)), &sealed));

    kw_sql_bind_blob(stmt, 1, KW_BYTES(key->id, sizeof(key->id)));
    kw_sql_bind_int(stmt, 2, ordinal);
    kw_sql_bind_blob(stmt, 3, KW_BYTES(backing->material_id, sizeof(backing->material_id)));
    kw_sql_bind_blob(stmt, 4, kw_buf_bytes(&sealed));
    kw_sql_bind_int(stmt, 5, backing->created_ms);
    return kw_sql_run(stmt);
}

int kw_rows_insert_key(struct kw_rows *rows, const struct kw_kms_key *key)
{
    sqlite3_stmt *stmt = rows->stmt[KW_ROWS_INSERT_KEY];

    kw_sql_bind_blob(stmt, 1, KW_BYTES(key->id, sizeof(key->id)));
    kw_sql_bind_text(stmt, 2, kw_bytes_str(key->account));
    kw_sql_bind_text(stmt, 3, kw_bytes_str(key->region));
    kw_sql_bind_text(stmt, 4, kw_bytes_str(key->description));
    kw_sql_bind_text(stmt, 5, kw_bytes_str(kw_key_state_name(key->state)));
    kw_sql_bind_int(stmt, 6, key->created_ms);
    int r = kw_sql_run(stmt);
    for (uint32_t i = 0; r == 0 && i < key->num_backing; i++)
        r = insert_backing(rows, key, i);
    return r;
}

int kw_rows_set_state(struct kw_rows *rows, const uint8_t id[KW_KMS_KEY_ID_LEN], enum kw_key_state state)
{
    sqlite3_stmt *stmt = rows->stmt[KW_ROWS_SET_STATE];

    kw_sql_bind_blob(stmt, 1, KW_BYTES(id, KW_KMS_KEY_ID_LEN));
    kw_sql_bind_text(stmt, 2, kw_bytes_str(kw_key_state_name(state)));
    return kw_sql_run(stmt);
}

int kw_rows_insert_alias(struct kw_rows *rows, const struct kw_alias *alias)
{
    sqlite3_stmt *stmt = rows->stmt[KW_ROWS_INSERT_ALIAS];

    kw_sql_bind_text(stmt, 1, kw_bytes_str(alias->account));
    kw_sql_bind_text(stmt, 2, kw_bytes_str(alias->region));
    kw_sql_bind_text(stmt, 3, kw_bytes_str(alias->name));
    kw_sql_bind_blob(stmt, 4, KW_BYTES(alias->key_id, sizeof(alias->key_id)));
    kw_sql_bind_int(stmt, 5, alias->created_ms);
    kw_sql_bind_int(stmt, 6, alias->updated_ms);
    return kw_sql_run(stmt);
}

int kw_rows_delete_alias(struct kw_rows *rows, const struct kw_alias *alias)
{
    sqlite3_stmt *stmt = rows->stmt[KW_ROWS_DELETE_ALIAS];

    kw_sql_bind_text(stmt, 1, kw_bytes_str(alias->account));
    kw_sql_bind_text(stmt, 2, kw_bytes_str(alias->region));
    kw_sql_bind_text(stmt, 3, kw_bytes_str(alias->name));
    return kw_sql_run(stmt);
}

int kw_rows_count_aliases(struct kw_rows *rows, const uint8_t key_id[KW_KMS_KEY_ID_LEN], int64_t *ret)
{
    KW_SQL_RESET sqlite3_stmt *stmt = rows->stmt[KW_ROWS_COUNT_ALIASES];
    bool row;

    kw_sql_bind_blob(stmt, 1, KW_BYTES(key_id, KW_KMS_KEY_ID_LEN));
    int r = kw_sql_step(stmt, &row);
    if (r == 0)
        *ret = sqlite3_column_int64(stmt, 0);
    return r;
}

int kw_rows_insert_principal(struct kw_rows *rows, const struct kw_principal *principal)
{
    sqlite3_stmt *stmt = rows->stmt[KW_ROWS_INSERT_PRINCIPAL];
    struct kw_principal_fields fields = kw_principal_fields_of(principal);
    struct kw_place place;
    uint8_t sealed_bytes[KW_SEAL_OVERHEAD + sizeof(principal->secret_access_key)];
    struct kw_buf sealed = KW_BUF(sealed_bytes, sizeof(sealed_bytes));

    kw_assert(kw_place_principal(&place, &fields));
    KW_TRY(kw_seal(rows->sealer, &place.place, fields.secret_access_key, &sealed));

    kw_sql_bind_text(stmt, 1, fields.access_key_id);
    kw_sql_bind_text(stmt, 2, fields.account);
    kw_sql_bind_text(stmt, 3, fields.user_name);
    kw_sql_bind_text(stmt, 4, fields.principal_id);
    kw_sql_bind_int(stmt, 5, fields.administrator);
    kw_sql_bind_int(stmt, 6, fields.enabled);
    kw_sql_bind_blob(stmt, 7, kw_buf_bytes(&sealed));
    return kw_sql_run(stmt);
}

int kw_rows_insert_secret(struct kw_rows *rows, struct kw_bytes name, const uint8_t secret[32])
{
    sqlite3_stmt *stmt = rows->stmt[KW_ROWS_INSERT_SECRET];
    struct kw_place place;
    uint8_t sealed_bytes[KW_SEAL_OVERHEAD + 32];
    struct kw_buf sealed = KW_BUF(sealed_bytes, sizeof(sealed_bytes));

    kw_assert(kw_place_secret(&place, name));
    KW_TRY(kw_seal(rows->sealer, &place.place, KW_BYTES(secret, 32), &sealed));
    kw_sql_bind_text(stmt, 1, name);
    kw_sql_bind_blob(stmt, 2, kw_buf_bytes(&sealed));
    return kw_sql_run(stmt);
}

int kw_rows_select_secret(struct kw_rows *rows, struct kw_bytes name, uint8_t ret[32])
{
    KW_SQL_RESET sqlite3_stmt *stmt = rows->stmt[KW_ROWS_SELECT_SECRET];
    struct kw_place place;
    struct kw_buf plain = KW_BUF(ret, 32);
    bool row;

    kw_sql_bind_text(stmt, 1, name);
    int r = kw_sql_step(stmt, &row);
    if (r != 0)
        return r;
    KW_REQUIRE(row, KW_STORE_NOT_FOUND);

    kw_assert(kw_place_secret(&place, name));
    r = kw_unseal(rows->sealer, &place.place, kw_sql_column(stmt, 0), &plain);
    KW_TRY(r);
    return r == 0 && plain.len == 32 ? 0 : KW_STORE_CORRUPT;
}

#define CHECK_VALUE KW_LIT("keywell keystore check value")

int kw_rows_insert_check(struct kw_rows *rows)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    struct kw_place place;
    uint8_t sealed_bytes[KW_SEAL_OVERHEAD + 64];
    struct kw_buf sealed = KW_BUF(sealed_bytes, sizeof(sealed_bytes));
    bool row;

    int r = kw_sql_result(
        sqlite3_prepare_v2(rows->db, "INSERT INTO meta (name, value) VALUES ('check', ?1)", -1, &stmt, NULL));
    if (r != 0)
        return r;
    kw_assert(kw_place_check(&place));
    KW_TRY(kw_seal(rows->sealer, &place.place, CHECK_VALUE, &sealed));
    kw_sql_bind_blob(stmt, 1, kw_buf_bytes(&sealed));
    return kw_sql_step(stmt, &row);
}

int kw_rows_verify_check(struct kw_rows *rows)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    struct kw_place place;
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

    kw_assert(kw_place_check(&place));
    r = kw_unseal(rows->sealer, &place.place, kw_sql_column(stmt, 0), &plain);
    KW_TRY(r);
    return r == 0 && kw_bytes_equal(kw_buf_bytes(&plain), CHECK_VALUE) ? 0 : KW_STORE_WRONG_ROOT;
}
