#include "api/keystore_schema.h"

#include "api/keystore_sql.h"
#include "api/keystore_v1.h"
#include "api/keystore_v2.h"

#include <stdio.h>

#define APPLICATION_ID 0x6b65776c /* "kewl" */

/* What takes a store from one version to the next: statements, then a conversion of what is in the tables,
 * then statements again. */
struct migration {
    const char *before;                                    /* NULL: nothing */
    int (*convert)(sqlite3 *db, struct kw_sealer *sealer); /* NULL: nothing to convert */
    const char *after;                                     /* NULL: nothing */
};

static const char tables_1[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE keys (id BLOB PRIMARY KEY CHECK (length(id) = 16), account TEXT NOT NULL, region TEXT NOT "
    "NULL,"
    "  description TEXT NOT NULL, state TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE backing_keys (key_id BLOB NOT NULL REFERENCES keys (id), ordinal INTEGER NOT NULL,"
    "  material_id BLOB NOT NULL CHECK (length(material_id) = 32), sealed BLOB NOT NULL,"
    "  created_ms INTEGER NOT NULL, PRIMARY KEY (key_id, ordinal)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE aliases (account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,"
    "  key_id BLOB NOT NULL REFERENCES keys (id), created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"
    "  PRIMARY KEY (account, region, name)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX aliases_key_id ON aliases (key_id);"

    "CREATE TABLE principals (access_key_id TEXT PRIMARY KEY, account TEXT NOT NULL, user_name TEXT NOT NULL,"
    "  principal_id TEXT NOT NULL, administrator INTEGER NOT NULL, enabled INTEGER NOT NULL,"
    "  sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE secrets (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;";

/* Migration i takes a store from user_version i to i + 1. A released one is never edited: what changes is
 * appended. */
static const struct migration migrations[] = {
    {.before = tables_1},
    {.before = "CREATE TABLE records (kind INTEGER NOT NULL, name BLOB NOT NULL, sealed BLOB NOT NULL,"
               "  PRIMARY KEY (kind, name)) STRICT, WITHOUT ROWID;",
        .convert = kw_v1_convert,
        .after = "DROP TABLE aliases; DROP TABLE backing_keys; DROP TABLE keys; DROP TABLE principals;"},
    {.convert = kw_v2_convert, .after = "DELETE FROM records WHERE kind = 4;"},
    /* Nothing to change: from version 4 on there may be records of kind 10 (saved pools). An older keywell is
     * to refuse such a store for its version, not to take it for damaged. */
    {.before = NULL},
};

#define SCHEMA_VERSION ((int64_t)KW_ARRAY_LEN(migrations))

static int set_pragma(sqlite3 *db, const char *name, int64_t value)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "PRAGMA %s = %lld", name, (long long)value);
    return kw_sql_exec(db, sql);
}

static int migrate_once(sqlite3 *db, struct kw_sealer *sealer, const struct migration *migration)
{
    int r = migration->before != NULL ? kw_sql_exec(db, migration->before) : 0;

    if (r == 0 && migration->convert != NULL)
        r = migration->convert(db, sealer);
    if (r == 0 && migration->after != NULL)
        r = kw_sql_exec(db, migration->after);
    return r;
}

static int migrate(sqlite3 *db, struct kw_sealer *sealer, int64_t version)
{
    for (int64_t i = version; i < SCHEMA_VERSION; i++) {
        int r = migrate_once(db, sealer, &migrations[i]);
        if (r != 0)
            return r;
    }
    return set_pragma(db, "user_version", SCHEMA_VERSION);
}

int kw_schema_create(sqlite3 *db, struct kw_sealer *sealer)
{
    int r = set_pragma(db, "application_id", APPLICATION_ID);
    return r != 0 ? r : migrate(db, sealer, 0);
}

static int judge_header(sqlite3 *db, const char *path, int64_t *ret_version, char *why, size_t why_cap)
{
    int64_t application_id, version;
    int r = kw_sql_int(db, "PRAGMA application_id", &application_id);

    if (r == 0)
        r = kw_sql_int(db, "PRAGMA user_version", &version);
    if (r != 0) {
        snprintf(why, why_cap, "%s cannot be read as a keystore: %s", path, sqlite3_errmsg(db));
        return r;
    }
    if (application_id != APPLICATION_ID || version < 1) {
        snprintf(why, why_cap, "%s is not a keywell keystore", path);
        return KW_STORE_CORRUPT;
    }
    if (version > SCHEMA_VERSION) {
        snprintf(why, why_cap, "%s was made by a newer keywell (its schema is %lld, this one knows %lld)",
            path, (long long)version, (long long)SCHEMA_VERSION);
        return KW_STORE_VERSION;
    }
    *ret_version = version;
    return 0;
}

static int check_pages(sqlite3 *db, const char *path, char *why, size_t why_cap)
{
    bool sound = false;
    int r = kw_sql_is(db, "PRAGMA quick_check(1)", "ok", &sound);

    if (r == 0 && sound)
        return 0;
    snprintf(why, why_cap, "%s is damaged: restore it from a backup", path);
    return r != 0 ? r : KW_STORE_CORRUPT;
}

int kw_schema_check(sqlite3 *db, const char *path, int64_t *ret_version, char *why, size_t why_cap)
{
    int64_t version;
    int r = judge_header(db, path, &version, why, why_cap);

    if (r == 0)
        r = check_pages(db, path, why, why_cap);
    if (r == 0)
        *ret_version = version;
    return r;
}

int kw_schema_upgrade(
    sqlite3 *db, struct kw_sealer *sealer, int64_t version, const char *path, char *why, size_t why_cap)
{
    if (version == SCHEMA_VERSION)
        return 0;
    int r = kw_sql_exec(db, "BEGIN IMMEDIATE");
    if (r == 0)
        r = migrate(db, sealer, version);
    if (r == 0)
        r = kw_sql_exec(db, "COMMIT");
    if (r != 0) {
        if (r == KW_STORE_CORRUPT)
            snprintf(why, why_cap, "%s is damaged: restore it from a backup", path);
        else
            snprintf(why, why_cap, "%s could not be brought up to date: %s", path, sqlite3_errmsg(db));
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return r;
}
