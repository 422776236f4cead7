#include "api/keystore_v1.h"

#include "api/keystore.h"
#include "api/keystore_place.h"
#include "api/keystore_rows.h"
#include "api/keystore_sql.h"
#include "api/keystore_v2.h"

#include <stdlib.h>

/* What is read here may have been edited by anyone who could write the file: nothing is believed before it
 * has been measured or, for secrets and what they are bound to, authenticated. */

#define BACKING_KEY_LEN 32

static int prepare(struct kw_rows *rows, const char *sql, sqlite3_stmt **ret)
{
    return kw_sql_result(sqlite3_prepare_v2(rows->db, sql, -1, ret, NULL));
}

/* An entity that cannot be made from a row is damage, unless memory ran out. */
static int made(int r)
{
    return r == KW_ENTITY_INVALID ? KW_STORE_CORRUPT : r;
}

/* A column's text, which SQLite ends with a NUL; NULL if there is another in it. */
static const char *column_text(sqlite3_stmt *stmt, int at)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);

    return text != NULL && strlen(text) == (size_t)sqlite3_column_bytes(stmt, at) ? text : NULL;
}

/* One record: its name and its bytes, which are wiped when it has been written. */
struct draft {
    uint8_t name_bytes[KW_SEAL_IDENTITY_MAX];
    struct kw_buf name;
    struct kw_sbuf plain;
};

static void draft_init(struct draft *draft)
{
    draft->name = KW_BUF(draft->name_bytes, sizeof(draft->name_bytes));
    draft->plain = KW_SBUF_INIT(KW_RECORD_MAX);
}

static int draft_write(struct draft *draft, struct kw_rows *rows, enum kw_record_kind kind)
{
    int r = -ENOMEM;

    kw_assert(kw_buf_ok(&draft->name));
    if (kw_sbuf_ok(&draft->plain))
        r = kw_rows_put(rows, kind, kw_buf_bytes(&draft->name), kw_sbuf_bytes(&draft->plain));
    kw_sbuf_done(&draft->plain);
    return r;
}

/* ---- keys ---- */

static bool place_backing(struct kw_row_place *ret, const struct kw_kms_key *key,
    const uint8_t material_id[KW_MATERIAL_ID_LEN], uint32_t ordinal)
{
    struct kw_buf identity = kw_row_place_begin(ret, "backing_keys", "backing key");

    kw_seal_put_field(&identity, KW_BYTES(key->id, sizeof(key->id)));
    kw_seal_put_field(&identity, kw_bytes_str(key->account));
    kw_seal_put_field(&identity, kw_bytes_str(key->region));
    kw_seal_put_field(&identity, KW_BYTES(material_id, KW_MATERIAL_ID_LEN));
    kw_buf_put_be32(&identity, ordinal);
    return kw_row_place_end(ret, &identity);
}

static int read_material(struct kw_rows *rows, struct kw_bytes sealed, const struct kw_seal_place *place,
    struct kw_generation *generation)
{
    uint8_t secret[BACKING_KEY_LEN];
    KW_ERASE_GUARD(secret);
    struct kw_buf plain = KW_BUF(secret, sizeof(secret));
    struct kw_material *material = NULL;

    int r = kw_unseal(rows->sealer, place, sealed, &plain);
    KW_TRY(r);
    KW_REQUIRE(r == 0 && plain.len == sizeof(secret), KW_STORE_CORRUPT);
    r = kw_material_new(&material, generation->id, kw_buf_bytes(&plain), KW_BYTES(NULL, 0));
    KW_TRY(r);
    kw_assert(r == 0);
    generation->material = material;
    return 0;
}

/* The current row of backing keys: material_id, sealed, created_ms, ordinal. */
static int read_generation(struct kw_rows *rows, sqlite3_stmt *stmt, const struct kw_kms_key *key,
    uint32_t ordinal, struct kw_generation *generation)
{
    struct kw_row_place place;
    struct kw_bytes material_id = kw_sql_column(stmt, 0);

    KW_REQUIRE(material_id.len == KW_MATERIAL_ID_LEN, KW_STORE_CORRUPT);
    memcpy(generation->id, material_id.ptr, KW_MATERIAL_ID_LEN);
    generation->created_ms = sqlite3_column_int64(stmt, 2);
    if (ordinal > 0) {
        generation->rotated_ms = generation->created_ms;
        generation->rotation = KW_ROTATION_ON_DEMAND;
    }
    KW_REQUIRE(sqlite3_column_int64(stmt, 3) == ordinal, KW_STORE_CORRUPT);
    KW_REQUIRE(place_backing(&place, key, generation->id, ordinal), KW_STORE_CORRUPT);
    return read_material(rows, kw_sql_column(stmt, 1), &place.place, generation);
}

/* All backing keys of a key; there must be as many as were counted. */
static int read_generations(
    struct kw_rows *rows, sqlite3_stmt *stmt, const struct kw_kms_key *key, struct kw_generation *generations)
{
    KW_SQL_RESET sqlite3_stmt *used = stmt;
    bool row;

    kw_sql_bind_blob(used, 1, KW_BYTES(key->id, sizeof(key->id)));
    for (uint32_t i = 0; i < key->num_generations; i++) {
        int r = kw_sql_step(used, &row);
        if (r == 0)
            r = row ? read_generation(rows, used, key, i, &generations[i]) : KW_STORE_CORRUPT;
        if (r != 0)
            return r;
    }
    return 0;
}

static int write_key(struct kw_rows *rows, const struct kw_kms_key *like)
{
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    struct draft draft;
    int r = made(kw_kms_key_new(&key, like));

    if (r != 0)
        return r;
    draft_init(&draft);
    kw_record_key_name(key, &draft.name);
    kw_record_key_encode(key, &draft.plain);
    return draft_write(&draft, rows, KW_RECORD_KEY);
}

static int convert_generations(struct kw_rows *rows, sqlite3_stmt *stmt, struct kw_kms_key *like)
{
    struct kw_generation *generations = calloc(like->num_generations, sizeof(*generations));

    KW_REQUIRE(generations != NULL, -ENOMEM);
    int r = read_generations(rows, stmt, like, generations);
    if (r == 0) {
        like->generations = generations;
        r = write_key(rows, like);
    }
    for (uint32_t i = 0; i < like->num_generations; i++)
        kw_material_unref(generations[i].material);
    free(generations);
    return r;
}

/* The current row of keys: id, account, region, description, state, created_ms, number of backing keys. */
static int convert_key(struct kw_rows *rows, sqlite3_stmt *stmt, sqlite3_stmt *backing_stmt)
{
    struct kw_bytes id = kw_sql_column(stmt, 0);
    int64_t num_backing = sqlite3_column_int64(stmt, 6);
    struct kw_kms_key like = {
        .account = column_text(stmt, 1),
        .region = column_text(stmt, 2),
        .spec = KW_KEY_SYMMETRIC_DEFAULT,
        .usage = KW_USAGE_ENCRYPT_DECRYPT,
        .origin = KW_ORIGIN_AWS_KMS,
        .created_ms = sqlite3_column_int64(stmt, 5),
        .description = column_text(stmt, 3),
    };

    KW_REQUIRE(id.len == KW_KMS_KEY_ID_LEN, KW_STORE_CORRUPT);
    memcpy(like.id, id.ptr, sizeof(like.id));
    KW_REQUIRE(like.account != NULL && like.region != NULL && like.description != NULL, KW_STORE_CORRUPT);
    KW_REQUIRE(num_backing > 0 && num_backing <= KW_GENERATIONS_MAX, KW_STORE_CORRUPT);
    KW_REQUIRE(kw_key_state_parse(kw_sql_column(stmt, 4), &like.state) == 0, KW_STORE_CORRUPT);
    /* All that version 1 ever made; others would need what its rows do not say (when to be deleted). */
    KW_REQUIRE(like.state == KW_KEY_ENABLED || like.state == KW_KEY_DISABLED, KW_STORE_CORRUPT);
    like.num_generations = (uint32_t)num_backing;
    like.current = like.num_generations - 1;
    return convert_generations(rows, backing_stmt, &like);
}

static int convert_keys(struct kw_rows *rows)
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
        r = convert_key(rows, stmt, backing_stmt);
    return r;
}

/* ---- aliases ---- */

/* The current row of aliases: account, region, name, key_id, created_ms, updated_ms, and whether the key is
 * one of that account and region. */
static int convert_alias(struct kw_rows *rows, sqlite3_stmt *stmt)
{
    KW_ALIAS struct kw_alias *alias = NULL;
    struct kw_bytes key_id = kw_sql_column(stmt, 3);
    struct draft draft;
    struct kw_alias like = {
        .account = column_text(stmt, 0),
        .region = column_text(stmt, 1),
        .name = column_text(stmt, 2),
        .created_ms = sqlite3_column_int64(stmt, 4),
        .updated_ms = sqlite3_column_int64(stmt, 5),
    };

    KW_REQUIRE(key_id.len == KW_KMS_KEY_ID_LEN && sqlite3_column_int64(stmt, 6) == 1, KW_STORE_CORRUPT);
    memcpy(like.key_id, key_id.ptr, sizeof(like.key_id));
    int r = made(kw_alias_new(&alias, &like));
    if (r != 0)
        return r;
    draft_init(&draft);
    kw_record_alias_name(alias, &draft.name);
    kw_record_alias_encode(alias, &draft.plain);
    return draft_write(&draft, rows, KW_RECORD_ALIAS);
}

static int convert_aliases(struct kw_rows *rows)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    bool row;

    int r = prepare(rows,
        "SELECT account, region, name, key_id, created_ms, updated_ms,"
        " (SELECT count(*) FROM keys WHERE id = a.key_id AND account = a.account AND region = a.region)"
        " FROM aliases a",
        &stmt);
    while (r == 0 && (r = kw_sql_step(stmt, &row)) == 0 && row)
        r = convert_alias(rows, stmt);
    return r;
}

/* ---- principals ---- */

/* Binds all fields but the secret. */
static bool place_principal(struct kw_row_place *ret, const struct kw_v2_credentials *principal)
{
    struct kw_buf identity = kw_row_place_begin(ret, "principals", "secret access key");

    kw_seal_put_field(&identity, kw_bytes_str(principal->access_key_id));
    kw_seal_put_field(&identity, kw_bytes_str(principal->account));
    kw_seal_put_field(&identity, kw_bytes_str(principal->user_name));
    kw_seal_put_field(&identity, kw_bytes_str(principal->principal_id));
    kw_buf_put_u8(&identity, principal->administrator);
    kw_buf_put_u8(&identity, principal->enabled);
    return kw_row_place_end(ret, &identity);
}

static bool copy_text(char *out, size_t cap, const char *text)
{
    KW_REQUIRE(text != NULL && strlen(text) < cap, false);
    memcpy(out, text, strlen(text) + 1);
    return true;
}

/* The current row of principals: access_key_id, account, user_name, principal_id, administrator, enabled,
 * sealed. */
static int convert_principal(struct kw_rows *rows, sqlite3_stmt *stmt)
{
    struct kw_v2_credentials like = {.enabled = false};
    KW_ERASE_GUARD(like);
    struct kw_row_place place;
    struct kw_buf plain = KW_BUF(like.secret_access_key, sizeof(like.secret_access_key) - 1);

    KW_REQUIRE(copy_text(like.access_key_id, sizeof(like.access_key_id), column_text(stmt, 0)) &&
                   copy_text(like.account, sizeof(like.account), column_text(stmt, 1)) &&
                   copy_text(like.user_name, sizeof(like.user_name), column_text(stmt, 2)) &&
                   copy_text(like.principal_id, sizeof(like.principal_id), column_text(stmt, 3)),
        KW_STORE_CORRUPT);
    like.administrator = sqlite3_column_int64(stmt, 4) != 0;
    like.enabled = sqlite3_column_int64(stmt, 5) != 0;
    KW_REQUIRE(place_principal(&place, &like), KW_STORE_CORRUPT);
    int r = kw_unseal(rows->sealer, &place.place, kw_sql_column(stmt, 6), &plain);
    KW_TRY(r);
    return r == 0 ? kw_v2_write(rows, &like) : KW_STORE_CORRUPT;
}

static int convert_principals(struct kw_rows *rows)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    bool row;

    int r = prepare(rows,
        "SELECT access_key_id, account, user_name, principal_id, administrator, enabled, sealed"
        " FROM principals ORDER BY administrator DESC", /* as kw_v2_write() wants it */
        &stmt);
    while (r == 0 && (r = kw_sql_step(stmt, &row)) == 0 && row)
        r = convert_principal(rows, stmt);
    return r;
}

int kw_v1_convert(sqlite3 *db, struct kw_sealer *sealer)
{
    KW_CLEANUP(kw_rows_done) struct kw_rows rows = {0};
    int r = kw_rows_init(&rows, db, sealer);

    if (r == 0)
        r = convert_keys(&rows);
    if (r == 0)
        r = convert_aliases(&rows);
    if (r == 0)
        r = convert_principals(&rows);
    return r;
}
