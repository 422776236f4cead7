/* keystore_v1_rig - a keystore of schema version 1, as the keywell of that time left it. */
#ifndef KW_TESTS_SUPPORT_KEYSTORE_V1_RIG_H
#define KW_TESTS_SUPPORT_KEYSTORE_V1_RIG_H

#include "tests/support/keystore_rig.h"

#define V1_TABLES                                                                                            \
    "PRAGMA application_id = 1801811820; PRAGMA user_version = 1; PRAGMA foreign_keys = ON;"                 \
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"                  \
    "CREATE TABLE keys (id BLOB PRIMARY KEY CHECK (length(id) = 16), account TEXT NOT NULL, region TEXT "    \
    "NOT NULL, description TEXT NOT NULL, state TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT, "        \
    "WITHOUT ROWID;"                                                                                         \
    "CREATE TABLE backing_keys (key_id BLOB NOT NULL REFERENCES keys (id), ordinal INTEGER NOT NULL,"        \
    "  material_id BLOB NOT NULL CHECK (length(material_id) = 32), sealed BLOB NOT NULL,"                    \
    "  created_ms INTEGER NOT NULL, PRIMARY KEY (key_id, ordinal)) STRICT, WITHOUT ROWID;"                   \
    "CREATE TABLE aliases (account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,"                 \
    "  key_id BLOB NOT NULL REFERENCES keys (id), created_ms INTEGER NOT NULL, updated_ms INTEGER NOT "      \
    "NULL, PRIMARY KEY (account, region, name)) STRICT, WITHOUT ROWID;"                                      \
    "CREATE INDEX aliases_key_id ON aliases (key_id);"                                                       \
    "CREATE TABLE principals (access_key_id TEXT PRIMARY KEY, account TEXT NOT NULL, user_name TEXT NOT "    \
    "NULL, principal_id TEXT NOT NULL, administrator INTEGER NOT NULL, enabled INTEGER NOT NULL,"            \
    "  sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;"                                                         \
    "CREATE TABLE secrets (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;"

struct v1 {
    sqlite3 *db;
    struct kw_sealer *sealer;
};

static inline void v1_exec(struct v1 *v1, const char *sql)
{
    char *message = NULL;
    int code = sqlite3_exec(v1->db, sql, NULL, NULL, &message);
    ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, message);
}

/* Runs an INSERT whose last parameter is the plaintext sealed at the place; the others are bound as they are
 * listed: blobs by length, texts with length -1, numbers with length -2. */
struct v1_value {
    const void *data;
    int len;
    int64_t number;
};

static inline void v1_insert(struct v1 *v1, const char *sql, const struct v1_value *values, int num,
    const struct kw_seal_place *place, struct kw_bytes plain)
{
    uint8_t bytes[256];
    struct kw_buf sealed = KW_BUF(bytes, sizeof(bytes));
    sqlite3_stmt *stmt = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(v1->db, sql, -1, &stmt, NULL), SQLITE_OK);
    for (int i = 0; i < num; i++) {
        if (values[i].len == -2)
            sqlite3_bind_int64(stmt, i + 1, values[i].number);
        else if (values[i].len == -1)
            sqlite3_bind_text(stmt, i + 1, values[i].data, -1, SQLITE_STATIC);
        else
            sqlite3_bind_blob(stmt, i + 1, values[i].data, values[i].len, SQLITE_STATIC);
    }
    if (place != NULL) {
        ck_assert_int_eq(kw_seal(v1->sealer, place, plain, &sealed), 0);
        sqlite3_bind_blob(stmt, num + 1, sealed.ptr, (int)sealed.len, SQLITE_STATIC);
    }
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
}

#define V1_TEXT(text) ((struct v1_value){.data = (text), .len = -1})
#define V1_NUMBER(n)  ((struct v1_value){.len = -2, .number = (n)})
#define V1_BLOB(p, n) ((struct v1_value){.data = (p), .len = (n)})
#define V1_FIELD_MAX  1024

static inline void v1_secret(struct v1 *v1, const char *table, const char *purpose, const char *name,
    const char *sql, struct kw_bytes plain)
{
    uint8_t room[V1_FIELD_MAX];
    struct kw_buf identity = KW_BUF(room, sizeof(room));
    kw_seal_put_field(&identity, kw_bytes_str(name));
    const struct kw_seal_place place = {table, kw_buf_bytes(&identity), purpose};
    const struct v1_value value = V1_TEXT(name);
    v1_insert(v1, sql, &value, 1, &place, plain);
}

/* One generation of a key; its id and secret are those of entities.h for number + ordinal. */
static inline void v1_backing(struct v1 *v1, uint32_t number, uint32_t ordinal)
{
    uint8_t id[KW_KMS_KEY_ID_LEN], material_id[KW_MATERIAL_ID_LEN], secret[32], room[V1_FIELD_MAX];
    struct kw_buf identity = KW_BUF(room, sizeof(room));
    id_of(number, id);
    memset(material_id, (int)(number + ordinal), sizeof(material_id));
    secret_of(number + ordinal, secret);
    kw_seal_put_field(&identity, KW_BYTES(id, sizeof(id)));
    kw_seal_put_field(&identity, ACCOUNT);
    kw_seal_put_field(&identity, REGION);
    kw_seal_put_field(&identity, KW_BYTES(material_id, sizeof(material_id)));
    kw_buf_put_be32(&identity, ordinal);
    const struct kw_seal_place place = {"backing_keys", kw_buf_bytes(&identity), "backing key"};
    const struct v1_value values[] = {V1_BLOB(id, sizeof(id)), V1_NUMBER(ordinal),
        V1_BLOB(material_id, sizeof(material_id)), V1_NUMBER(1000 + number + ordinal)};
    v1_insert(v1,
        "INSERT INTO backing_keys (key_id, ordinal, material_id, created_ms, sealed) VALUES (?, ?, ?, ?, ?)",
        values, 4, &place, KW_BYTES(secret, sizeof(secret)));
}

static inline void v1_key(struct v1 *v1, uint32_t number, const char *state, uint32_t num_backing)
{
    uint8_t id[KW_KMS_KEY_ID_LEN];
    id_of(number, id);
    const struct v1_value values[] = {V1_BLOB(id, sizeof(id)), V1_TEXT(ACCOUNT_TEXT), V1_TEXT(REGION_TEXT),
        V1_TEXT("for tests \xe2\x82\xac"), V1_TEXT(state), V1_NUMBER(5000 + number)};
    v1_insert(v1, "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)", values, 6, NULL, KW_BYTES(NULL, 0));
    for (uint32_t i = 0; i < num_backing; i++)
        v1_backing(v1, number, i);
}

static inline void v1_alias(struct v1 *v1, const char *name, uint32_t number)
{
    uint8_t id[KW_KMS_KEY_ID_LEN];
    id_of(number, id);
    const struct v1_value values[] = {V1_TEXT(ACCOUNT_TEXT), V1_TEXT(REGION_TEXT), V1_TEXT(name),
        V1_BLOB(id, sizeof(id)), V1_NUMBER(7000), V1_NUMBER(7001)};
    v1_insert(v1, "INSERT INTO aliases VALUES (?, ?, ?, ?, ?, ?)", values, 6, NULL, KW_BYTES(NULL, 0));
}

static inline void v1_principal(
    struct v1 *v1, const char *access_key_id, const char *user_name, bool administrator)
{
    uint8_t room[V1_FIELD_MAX];
    struct kw_buf identity = KW_BUF(room, sizeof(room));
    const char *texts[] = {access_key_id, ACCOUNT_TEXT, user_name, "AIDAEXAMPLE"};
    for (int i = 0; i < 4; i++)
        kw_seal_put_field(&identity, kw_bytes_str(texts[i]));
    kw_buf_put_u8(&identity, administrator);
    kw_buf_put_u8(&identity, 1);
    const struct kw_seal_place place = {"principals", kw_buf_bytes(&identity), "secret access key"};
    const struct v1_value values[] = {V1_TEXT(texts[0]), V1_TEXT(texts[1]), V1_TEXT(texts[2]),
        V1_TEXT(texts[3]), V1_NUMBER(administrator), V1_NUMBER(1)};
    v1_insert(v1,
        "INSERT INTO principals (access_key_id, account, user_name, principal_id, administrator, enabled,"
        " sealed) VALUES (?, ?, ?, ?, ?, ?, ?)",
        values, 6, &place, KW_LIT(SECRET));
}

/* An empty one, with its check value and one secret, "audit", of 32 times 's'. */
static inline void v1_begin(struct v1 *v1, const char *name)
{
    unlink(name);
    ck_assert_int_eq(sqlite3_open(name, &v1->db), SQLITE_OK);
    ck_assert_int_eq(chmod(name, 0600), 0);
    ck_assert_int_eq(kw_sealer_new(&v1->sealer, root_key), 0);
    v1_exec(v1, "PRAGMA journal_mode = WAL");
    v1_exec(v1, "BEGIN");
    v1_exec(v1, V1_TABLES);
    v1_secret(v1, "meta", "check value", "check", "INSERT INTO meta VALUES (?, ?)",
        KW_LIT("keywell keystore check value"));
    v1_secret(v1, "secrets", "secret", "audit", "INSERT INTO secrets VALUES (?, ?)",
        KW_LIT("ssssssssssssssssssssssssssssssss"));
}

static inline void v1_end(struct v1 *v1)
{
    v1_exec(v1, "COMMIT");
    ck_assert_int_eq(sqlite3_close(v1->db), SQLITE_OK);
    kw_sealer_free(v1->sealer);
}

#endif
