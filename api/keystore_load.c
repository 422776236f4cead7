#include "api/keystore.h"
#include "api/keystore_place.h"
#include "api/keystore_rows.h"
#include "api/keystore_sql.h"
#include "pool/secmem.h"

/* What is read here may have been edited by anyone who can write the file: nothing is believed before it has
 * been measured or, for secrets and what they are bound to, authenticated. */

#define BACKING_KEYS_MAX 65536 /* of one key; AWS allows rotation every 90 days */

static int prepare(struct kw_rows *rows, const char *sql, sqlite3_stmt **ret)
{
    return kw_sql_result(sqlite3_prepare_v2(rows->db, sql, -1, ret, NULL));
}

/* A member that cannot be made from a row is damage, unless memory ran out. */
static int member_result(int r)
{
    return r == KW_ENTITY_INVALID ? KW_STORE_CORRUPT : r;
}

/* The current row of backing keys, into secret memory. Columns: material_id, sealed, created_ms, ordinal. */
static int read_backing(struct kw_rows *rows, sqlite3_stmt *stmt, const struct kw_kms_key_fields *fields,
    uint32_t ordinal, struct kw_backing_key *ret)
{
    struct kw_place place;
    struct kw_bytes material_id = kw_sql_column(stmt, 0);
    struct kw_buf plain = KW_BUF(ret->key, sizeof(ret->key));

    KW_REQUIRE(material_id.len == KW_MATERIAL_ID_LEN, KW_STORE_CORRUPT);
    memcpy(ret->material_id, material_id.ptr, KW_MATERIAL_ID_LEN);
    ret->created_ms = sqlite3_column_int64(stmt, 2);
    KW_REQUIRE(sqlite3_column_int64(stmt, 3) == ordinal, KW_STORE_CORRUPT);
    KW_REQUIRE(
        kw_place_backing(&place, fields->id, fields->account, fields->region, ret->material_id, ordinal),
        KW_STORE_CORRUPT);

    int r = kw_unseal(rows->sealer, &place.place, kw_sql_column(stmt, 1), &plain);
    KW_TRY(r);
    return r == 0 && plain.len == sizeof(ret->key) ? 0 : KW_STORE_CORRUPT;
}

/* All backing keys of a key; there must be as many as were counted. */
static int read_backings(struct kw_rows *rows, sqlite3_stmt *stmt, const struct kw_kms_key_fields *fields,
    struct kw_backing_key *ret)
{
    KW_SQL_RESET sqlite3_stmt *used = stmt;
    bool row;
    int r;

    kw_sql_bind_blob(used, 1, KW_BYTES(fields->id, KW_KMS_KEY_ID_LEN));
    for (uint32_t i = 0; i < fields->num_backing; i++) {
        r = kw_sql_step(used, &row);
        if (r == 0)
            r = row ? read_backing(rows, used, fields, i, &ret[i]) : KW_STORE_CORRUPT;
        if (r != 0)
            return r;
    }
    return 0;
}

/* The current row of keys: id, account, region, description, state, created_ms, number of backing keys. */
static int load_key(
    struct kw_rows *rows, sqlite3_stmt *stmt, sqlite3_stmt *backing_stmt, struct kw_draft *draft)
{
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    KW_SECMEM struct kw_backing_key *backing = NULL;
    struct kw_bytes id = kw_sql_column(stmt, 0);
    struct kw_kms_key_fields fields = {
        .id = id.ptr,
        .account = kw_sql_column(stmt, 1),
        .region = kw_sql_column(stmt, 2),
        .description = kw_sql_column(stmt, 3),
        .created_ms = sqlite3_column_int64(stmt, 5),
    };
    int64_t num_backing = sqlite3_column_int64(stmt, 6);

    KW_REQUIRE(id.len == KW_KMS_KEY_ID_LEN, KW_STORE_CORRUPT);
    KW_REQUIRE(num_backing > 0 && num_backing <= BACKING_KEYS_MAX, KW_STORE_CORRUPT);
    KW_REQUIRE(kw_key_state_parse(kw_sql_column(stmt, 4), &fields.state) == 0, KW_STORE_CORRUPT);

    backing = kw_secmem_alloc((size_t)num_backing * sizeof(*backing));
    KW_REQUIRE(backing != NULL, -ENOMEM);
    fields.backing = backing;
    fields.num_backing = (uint32_t)num_backing;
    int r = read_backings(rows, backing_stmt, &fields, backing);
    if (r == 0)
        r = member_result(kw_kms_key_new(&key, &fields));
    return r == 0 ? kw_draft_put_key(draft, &key) : r;
}

static int load_keys(struct kw_rows *rows, struct kw_draft *draft)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    KW_SQL_STMT sqlite3_stmt *backing_stmt = NULL;
    bool row;

    int r = prepare(rows,
        "SELECT id, account, region, description, state, created_ms,"
        " (SELECT count(*) FROM backing_keys WHERE key_id = keys.id) FROM keys ORDER BY id",
        &stmt);
    if (r == 0)
        r = prepare(rows,
            "SELECT material_id, sealed, created_ms, ordinal FROM backing_keys WHERE key_id = ?1"
            " ORDER BY ordinal",
            &backing_stmt);
    while (r == 0 && (r = kw_sql_step(stmt, &row)) == 0 && row)
        r = load_key(rows, stmt, backing_stmt, draft);
    return r;
}

/* The current row of aliases: account, region, name, key_id, created_ms, updated_ms, and whether the key is
 * one of that account and region. */
static int load_alias(sqlite3_stmt *stmt, struct kw_draft *draft)
{
    KW_ALIAS struct kw_alias *alias = NULL;
    struct kw_bytes key_id = kw_sql_column(stmt, 3);

    KW_REQUIRE(key_id.len == KW_KMS_KEY_ID_LEN && sqlite3_column_int64(stmt, 6) == 1, KW_STORE_CORRUPT);
    int r = member_result(kw_alias_new(&alias, kw_sql_column(stmt, 0), kw_sql_column(stmt, 1),
        kw_sql_column(stmt, 2), key_id.ptr, sqlite3_column_int64(stmt, 4), sqlite3_column_int64(stmt, 5)));
    return r == 0 ? kw_draft_put_alias(draft, &alias) : r;
}

static int load_aliases(struct kw_rows *rows, struct kw_draft *draft)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    bool row;

    int r = prepare(rows,
        "SELECT account, region, name, key_id, created_ms, updated_ms,"
        " (SELECT count(*) FROM keys WHERE id = a.key_id AND account = a.account AND region = a.region)"
        " FROM aliases a ORDER BY account, region, name",
        &stmt);
    while (r == 0 && (r = kw_sql_step(stmt, &row)) == 0 && row)
        r = load_alias(stmt, draft);
    return r;
}

/* The current row of principals: access_key_id, account, user_name, principal_id, administrator, enabled,
 * sealed. */
static int load_principal(struct kw_rows *rows, sqlite3_stmt *stmt, struct kw_draft *draft)
{
    KW_PRINCIPAL struct kw_principal *principal = NULL;
    struct kw_place place;
    struct kw_principal_fields fields = {
        .access_key_id = kw_sql_column(stmt, 0),
        .account = kw_sql_column(stmt, 1),
        .user_name = kw_sql_column(stmt, 2),
        .principal_id = kw_sql_column(stmt, 3),
        .administrator = sqlite3_column_int64(stmt, 4) != 0,
        .enabled = sqlite3_column_int64(stmt, 5) != 0,
    };
    uint8_t secret[sizeof(principal->secret_access_key)];
    KW_ERASE_GUARD(secret);
    struct kw_buf plain = KW_BUF(secret, sizeof(secret));

    KW_REQUIRE(kw_place_principal(&place, &fields), KW_STORE_CORRUPT);
    int r = kw_unseal(rows->sealer, &place.place, kw_sql_column(stmt, 6), &plain);
    KW_TRY(r);
    KW_REQUIRE(r == 0, KW_STORE_CORRUPT);
    fields.secret_access_key = kw_buf_bytes(&plain);
    r = member_result(kw_principal_new(&principal, &fields));
    return r == 0 ? kw_draft_put_principal(draft, &principal) : r;
}

static int load_principals(struct kw_rows *rows, struct kw_draft *draft)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    bool row;

    int r = prepare(rows,
        "SELECT access_key_id, account, user_name, principal_id, administrator, enabled, sealed"
        " FROM principals ORDER BY access_key_id",
        &stmt);
    while (r == 0 && (r = kw_sql_step(stmt, &row)) == 0 && row)
        r = load_principal(rows, stmt, draft);
    return r;
}

int kw_rows_load(struct kw_rows *rows, struct kw_draft *draft)
{
    int r = load_keys(rows, draft);

    if (r == 0)
        r = load_aliases(rows, draft);
    if (r == 0)
        r = load_principals(rows, draft);
    return r;
}
