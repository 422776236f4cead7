#include "api/keystore.h"
#include "api/keystore_place.h"
#include "api/keystore_rows.h"
#include "api/keystore_sql.h"
#include "api/savedpool.h"

/* What is read here may have been edited by anyone who can write the file: nothing is believed before it has
 * been authenticated. What is authentic may still be old (a row that was put back) or stand alone (one whose
 * key was deleted). */

/* How a kind of record becomes part of a picture: name is that of the row. */
typedef int load_fn(struct kw_snapshot *snapshot, struct kw_bytes name, struct kw_bytes plain);

/* An entity that cannot be read from a record is damage, unless memory ran out. */
static int decoded(int r)
{
    return r == KW_RECORD_BAD ? KW_STORE_CORRUPT : r;
}

struct name {
    uint8_t bytes[KW_SEAL_IDENTITY_MAX];
};

#define NAME(name) KW_BUF((name)->bytes, sizeof((name)->bytes))

static bool is_named(const struct kw_buf *own, struct kw_bytes name)
{
    return kw_buf_ok(own) && kw_bytes_equal(kw_buf_bytes(own), name);
}

static int load_key(struct kw_snapshot *snapshot, struct kw_bytes name, struct kw_bytes plain)
{
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    struct name room;
    struct kw_buf own = NAME(&room);
    int r = decoded(kw_record_key_decode(plain, &key));

    if (r != 0)
        return r;
    kw_record_key_name(key, &own);
    KW_REQUIRE(is_named(&own, name), KW_STORE_CORRUPT);
    /* Blobs name a key by its id alone: no two accounts have the same one in a region. */
    KW_REQUIRE(kw_snapshot_key_by_id(snapshot, kw_bytes_str(key->region), key->id) == NULL, KW_STORE_CORRUPT);
    return kw_snapshot_put_key(snapshot, key);
}

static bool has_key(const struct kw_snapshot *snapshot, const char *account, const char *region,
    const uint8_t id[KW_KMS_KEY_ID_LEN])
{
    return kw_snapshot_key(snapshot, kw_bytes_str(account), kw_bytes_str(region), id) != NULL;
}

static int load_alias(struct kw_snapshot *snapshot, struct kw_bytes name, struct kw_bytes plain)
{
    KW_ALIAS struct kw_alias *alias = NULL;
    struct name room;
    struct kw_buf own = NAME(&room);
    int r = decoded(kw_record_alias_decode(plain, &alias));

    if (r != 0)
        return r;
    kw_record_alias_name(alias, &own);
    KW_REQUIRE(is_named(&own, name), KW_STORE_CORRUPT);
    KW_REQUIRE(has_key(snapshot, alias->account, alias->region, alias->key_id), KW_STORE_CORRUPT);
    return kw_snapshot_put_alias(snapshot, alias);
}

static int load_grant(struct kw_snapshot *snapshot, struct kw_bytes name, struct kw_bytes plain)
{
    KW_GRANT struct kw_grant *grant = NULL;
    struct name room;
    struct kw_buf own = NAME(&room);
    int r = decoded(kw_record_grant_decode(plain, &grant));

    if (r != 0)
        return r;
    kw_record_grant_name(grant, &own);
    KW_REQUIRE(is_named(&own, name), KW_STORE_CORRUPT);
    KW_REQUIRE(has_key(snapshot, grant->account, grant->region, grant->key_id), KW_STORE_CORRUPT);
    return kw_snapshot_put_grant(snapshot, grant);
}

static int load_principal(struct kw_snapshot *snapshot, struct kw_bytes name, struct kw_bytes plain)
{
    KW_PRINCIPAL struct kw_principal *principal = NULL;
    struct name room;
    struct kw_buf own = NAME(&room);
    int r = decoded(kw_record_principal_decode(plain, &principal));

    if (r != 0)
        return r;
    kw_record_principal_name(principal, &own);
    KW_REQUIRE(is_named(&own, name), KW_STORE_CORRUPT);
    return kw_snapshot_put_principal(snapshot, principal);
}

static const struct kw_principal *owner_of(
    const struct kw_snapshot *snapshot, const struct kw_access_key *key)
{
    return kw_snapshot_principal(snapshot, kw_bytes_str(key->account), key->kind, kw_bytes_str(key->name));
}

static int load_access_key(struct kw_snapshot *snapshot, struct kw_bytes name, struct kw_bytes plain)
{
    KW_ACCESS_KEY struct kw_access_key *key = NULL;
    struct name room;
    struct kw_buf own = NAME(&room);
    int r = decoded(kw_record_access_key_decode(plain, &key));

    if (r != 0)
        return r;
    kw_record_access_key_name(key, &own);
    KW_REQUIRE(is_named(&own, name) && owner_of(snapshot, key) != NULL, KW_STORE_CORRUPT);
    return kw_snapshot_put_access_key(snapshot, key);
}

static int load_custom_store(struct kw_snapshot *snapshot, struct kw_bytes name, struct kw_bytes plain)
{
    KW_CUSTOM_STORE struct kw_custom_store *store = NULL;
    struct name room;
    struct kw_buf own = NAME(&room);
    int r = decoded(kw_record_custom_store_decode(plain, &store));

    if (r != 0)
        return r;
    kw_record_custom_store_name(store, &own);
    KW_REQUIRE(is_named(&own, name), KW_STORE_CORRUPT);
    return kw_snapshot_put_custom_store(snapshot, store);
}

/* One field of a name; empty if there is none. */
static struct kw_bytes next_field(struct kw_bytes *name)
{
    struct kw_bytes field = {0};
    uint32_t len = 0;

    if (name->len < 4)
        return field;
    for (int i = 0; i < 4; i++)
        len = len << 8 | name->ptr[i];
    if (len <= name->len - 4)
        field = KW_BYTES(name->ptr + 4, len);
    *name = KW_BYTES(name->ptr + 4 + field.len, name->len - 4 - field.len);
    return field;
}

static int load_lastuse(struct kw_snapshot *snapshot, struct kw_bytes name, struct kw_bytes plain)
{
    struct kw_lastuse_entry entry;
    struct kw_bytes account = next_field(&name), region = next_field(&name), id = next_field(&name);
    int r = decoded(kw_record_lastuse_decode(plain, &entry));

    if (r != 0)
        return r;
    KW_REQUIRE(id.len == KW_KMS_KEY_ID_LEN && name.len == 0, KW_STORE_CORRUPT);
    const struct kw_kms_key *key = kw_snapshot_key(snapshot, account, region, id.ptr);
    if (key == NULL)
        return 0; /* the key was deleted while its last use was on the way: it means nothing any more */
    (void)kw_lastuse_note(key->lastuse, &entry); /* nobody else has the key yet, so that it is taken */
    (void)kw_lastuse_take_dirty(key->lastuse);   /* it is saved already */
    return 0;
}

static int load_access_use(struct kw_snapshot *snapshot, struct kw_bytes name, struct kw_bytes plain)
{
    struct kw_access_use_entry entry;
    struct kw_bytes id = next_field(&name);
    int r = decoded(kw_record_access_use_decode(plain, &entry));

    if (r != 0)
        return r;
    KW_REQUIRE(id.len > 0 && name.len == 0, KW_STORE_CORRUPT);
    const struct kw_access_key *key = kw_snapshot_access_key(snapshot, id);
    if (key == NULL)
        return 0; /* the access key was deleted while its last use was on the way */
    (void)kw_access_use_note(key->use, entry.at_ms, kw_bytes_str(entry.service), kw_bytes_str(entry.region));
    (void)kw_access_use_take_dirty(key->use); /* it is saved already */
    return 0;
}

/* It is no part of the picture (savedpool.h): only judged. */
static int load_saved_pool(struct kw_snapshot *snapshot, struct kw_bytes name, struct kw_bytes plain)
{
    struct kw_saved_pool saved = {.pairs = 0};
    KW_ERASE_GUARD(saved);
    struct kw_saved_name saved_name;

    (void)snapshot;
    KW_REQUIRE(kw_saved_name_find(name, &saved_name) == 0, KW_STORE_CORRUPT);
    return decoded(kw_saved_record_decode(plain, saved_name, &saved));
}

static load_fn *const load_fns[KW_RECORD_KIND_NUM] = {
    [KW_RECORD_KEY] = load_key,
    [KW_RECORD_ALIAS] = load_alias,
    [KW_RECORD_GRANT] = load_grant,
    [KW_RECORD_PRINCIPAL] = load_principal,
    [KW_RECORD_LASTUSE] = load_lastuse,
    [KW_RECORD_CUSTOM_STORE] = load_custom_store,
    [KW_RECORD_ACCESS_KEY] = load_access_key,
    [KW_RECORD_ACCESS_USE] = load_access_use,
    [KW_RECORD_SAVED_POOL] = load_saved_pool,
};

/* The current row of records: kind, name, sealed. plain is room that is used again. */
static int load_record(
    struct kw_rows *rows, sqlite3_stmt *stmt, struct kw_snapshot *snapshot, struct kw_sbuf *plain)
{
    int64_t kind = sqlite3_column_int64(stmt, 0);
    struct kw_bytes name = kw_sql_column(stmt, 1), sealed = kw_sql_column(stmt, 2);

    KW_REQUIRE(kind > 0 && kind < KW_RECORD_KIND_NUM && load_fns[kind] != NULL, KW_STORE_CORRUPT);
    KW_REQUIRE(name.len <= KW_SEAL_IDENTITY_MAX, KW_STORE_CORRUPT);
    KW_REQUIRE(
        sealed.len > KW_SEAL_OVERHEAD && sealed.len <= KW_SEAL_OVERHEAD + KW_RECORD_MAX, KW_STORE_CORRUPT);
    struct kw_seal_place place = kw_seal_place_record((enum kw_record_kind)kind, name);

    kw_sbuf_reset(plain, 64 * 1024);
    KW_TRY(kw_sbuf_reserve(plain, sealed.len - KW_SEAL_OVERHEAD));
    struct kw_buf opened = KW_BUF(plain->ptr, plain->cap);
    int r = kw_unseal(rows->sealer, &place, sealed, &opened);
    KW_TRY(r);
    KW_REQUIRE(r == 0, KW_STORE_CORRUPT);
    plain->len = opened.len; /* so that it is wiped */
    return load_fns[kind](snapshot, name, kw_buf_bytes(&opened));
}

int kw_rows_load(struct kw_rows *rows, struct kw_snapshot *snapshot)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    bool row;

    /* In the order of kinds, keys come before what belongs to them. */
    int r = kw_sql_result(sqlite3_prepare_v2(
        rows->db, "SELECT kind, name, sealed FROM records ORDER BY kind, name", -1, &stmt, NULL));
    while (r == 0 && (r = kw_sql_step(stmt, &row)) == 0 && row)
        r = load_record(rows, stmt, snapshot, &plain);
    return r;
}
