#include "api/tx.h"

#include "api/keystore.h"
#include "api/keystore_rows.h"
#include "api/record.h"

/* What failed below is remembered for the keystore, whose conditions are positive; whoever wrote the change
 * forwards a negative number. */
static int forward(struct kw_tx *tx, int r)
{
    if (r == 0)
        return 0;
    tx->failure = r;
    return r < 0 ? r : -EIO;
}

struct name {
    uint8_t bytes[KW_SEAL_IDENTITY_MAX];
    struct kw_buf buf;
};

static struct kw_buf *name_init(struct name *name)
{
    name->buf = KW_BUF(name->bytes, sizeof(name->bytes));
    return &name->buf;
}

static int put_record(struct kw_tx *tx, enum kw_record_kind kind, struct name *name, struct kw_sbuf *plain)
{
    kw_assert(kw_buf_ok(&name->buf));
    tx->written = true;
    if (!kw_sbuf_ok(plain))
        return forward(tx, -ENOMEM);
    return forward(tx, kw_rows_put(tx->rows, kind, kw_buf_bytes(&name->buf), kw_sbuf_bytes(plain)));
}

static int remove_record(struct kw_tx *tx, enum kw_record_kind kind, struct name *name)
{
    kw_assert(kw_buf_ok(&name->buf));
    tx->written = true;
    return forward(tx, kw_rows_remove(tx->rows, kind, kw_buf_bytes(&name->buf)));
}

/* KW_ENTITY_INVALID is told to whoever wrote the change; all else ends the commit. */
#define MAKE(tx, r)                                                                                          \
    do {                                                                                                     \
        int made_ = (r);                                                                                     \
        if (made_ == KW_ENTITY_INVALID)                                                                      \
            return made_;                                                                                    \
        if (made_ != 0)                                                                                      \
            return forward(tx, made_);                                                                       \
    } while (0)

int kw_tx_put_key(struct kw_tx *tx, const struct kw_kms_key *like)
{
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    struct name name;

    MAKE(tx, kw_kms_key_new(&key, like));
    kw_record_key_name(key, name_init(&name));
    kw_record_key_encode(key, &plain);
    KW_TRY(put_record(tx, KW_RECORD_KEY, &name, &plain));
    return forward(tx, kw_snapshot_put_key(tx->snapshot, key));
}

int kw_tx_put_alias(struct kw_tx *tx, const struct kw_alias *like)
{
    KW_ALIAS struct kw_alias *alias = NULL;
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    struct name name;

    MAKE(tx, kw_alias_new(&alias, like));
    kw_record_alias_name(alias, name_init(&name));
    kw_record_alias_encode(alias, &plain);
    KW_TRY(put_record(tx, KW_RECORD_ALIAS, &name, &plain));
    return forward(tx, kw_snapshot_put_alias(tx->snapshot, alias));
}

int kw_tx_put_grant(struct kw_tx *tx, const struct kw_grant *like)
{
    KW_GRANT struct kw_grant *grant = NULL;
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    struct name name;

    MAKE(tx, kw_grant_new(&grant, like));
    kw_record_grant_name(grant, name_init(&name));
    kw_record_grant_encode(grant, &plain);
    KW_TRY(put_record(tx, KW_RECORD_GRANT, &name, &plain));
    return forward(tx, kw_snapshot_put_grant(tx->snapshot, grant));
}

int kw_tx_put_principal(struct kw_tx *tx, const struct kw_principal *like)
{
    KW_PRINCIPAL struct kw_principal *principal = NULL;
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    struct name name;

    MAKE(tx, kw_principal_new(&principal, like));
    kw_record_principal_name(principal, name_init(&name));
    kw_record_principal_encode(principal, &plain);
    KW_TRY(put_record(tx, KW_RECORD_PRINCIPAL, &name, &plain));
    return forward(tx, kw_snapshot_put_principal(tx->snapshot, principal));
}

int kw_tx_put_access_key(struct kw_tx *tx, const struct kw_access_key *like)
{
    KW_ACCESS_KEY struct kw_access_key *key = NULL;
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    struct name name;

    MAKE(tx, kw_access_key_new(&key, like));
    KW_REQUIRE(kw_snapshot_principal(
                   tx->snapshot, kw_bytes_str(key->account), key->kind, kw_bytes_str(key->name)) != NULL,
        KW_ENTITY_INVALID);
    kw_record_access_key_name(key, name_init(&name));
    kw_record_access_key_encode(key, &plain);
    KW_TRY(put_record(tx, KW_RECORD_ACCESS_KEY, &name, &plain));
    return forward(tx, kw_snapshot_put_access_key(tx->snapshot, key));
}

int kw_tx_put_custom_store(struct kw_tx *tx, const struct kw_custom_store *like)
{
    KW_CUSTOM_STORE struct kw_custom_store *store = NULL;
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    struct name name;

    MAKE(tx, kw_custom_store_new(&store, like));
    kw_record_custom_store_name(store, name_init(&name));
    kw_record_custom_store_encode(store, &plain);
    KW_TRY(put_record(tx, KW_RECORD_CUSTOM_STORE, &name, &plain));
    return forward(tx, kw_snapshot_put_custom_store(tx->snapshot, store));
}

int kw_tx_remove_alias(struct kw_tx *tx, const struct kw_alias *alias)
{
    struct name name;

    kw_record_alias_name(alias, name_init(&name));
    KW_TRY(remove_record(tx, KW_RECORD_ALIAS, &name));
    return forward(tx, kw_snapshot_remove_alias(tx->snapshot, alias));
}

int kw_tx_remove_grant(struct kw_tx *tx, const struct kw_grant *grant)
{
    struct name name;

    kw_record_grant_name(grant, name_init(&name));
    KW_TRY(remove_record(tx, KW_RECORD_GRANT, &name));
    return forward(tx, kw_snapshot_remove_grant(tx->snapshot, grant));
}

int kw_tx_remove_custom_store(struct kw_tx *tx, const struct kw_custom_store *store)
{
    struct name name;

    kw_record_custom_store_name(store, name_init(&name));
    KW_TRY(remove_record(tx, KW_RECORD_CUSTOM_STORE, &name));
    return forward(tx, kw_snapshot_remove_custom_store(tx->snapshot, store));
}

/* The first entry of a map that begins with a place, or NULL. */
static const void *first_of(const struct kw_map *map, const struct kw_place *place)
{
    return kw_snapshot_count(map, place) > 0 ? kw_map_at(map, kw_map_rank(map, place)) : NULL;
}

int kw_tx_remove_access_key(struct kw_tx *tx, const struct kw_access_key *key)
{
    struct name name;

    kw_record_access_key_name(key, name_init(&name));
    KW_TRY(remove_record(tx, KW_RECORD_ACCESS_USE, &name));
    KW_TRY(remove_record(tx, KW_RECORD_ACCESS_KEY, &name));
    return forward(tx, kw_snapshot_remove_access_key(tx->snapshot, key));
}

int kw_tx_remove_principal(struct kw_tx *tx, const struct kw_principal *principal)
{
    struct kw_place place = kw_place_principal(principal);
    const struct kw_access_key *key;
    struct name name;

    while ((key = first_of(&tx->snapshot->principal_keys, &place)) != NULL)
        KW_TRY(kw_tx_remove_access_key(tx, key));
    kw_record_principal_name(principal, name_init(&name));
    KW_TRY(remove_record(tx, KW_RECORD_PRINCIPAL, &name));
    return forward(tx, kw_snapshot_remove_principal(tx->snapshot, principal));
}

int kw_tx_remove_key(struct kw_tx *tx, const struct kw_kms_key *key)
{
    struct kw_place place = kw_place_key(key);
    const struct kw_alias *alias;
    const struct kw_grant *grant;
    struct name name;

    while ((alias = first_of(&tx->snapshot->key_aliases, &place)) != NULL)
        KW_TRY(kw_tx_remove_alias(tx, alias));
    while ((grant = first_of(&tx->snapshot->grants, &place)) != NULL)
        KW_TRY(kw_tx_remove_grant(tx, grant));
    kw_record_key_name(key, name_init(&name));
    KW_TRY(remove_record(tx, KW_RECORD_LASTUSE, &name));
    KW_TRY(remove_record(tx, KW_RECORD_KEY, &name));
    return forward(tx, kw_snapshot_remove_key(tx->snapshot, key));
}

int kw_tx_save_lastuse(struct kw_tx *tx, const struct kw_kms_key *key)
{
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    struct kw_lastuse_entry entry;
    struct name name;

    kw_lastuse_read(key->lastuse, &entry);
    kw_record_key_name(key, name_init(&name));
    kw_record_lastuse_encode(&entry, &plain);
    return put_record(tx, KW_RECORD_LASTUSE, &name, &plain);
}

int kw_tx_save_access_use(struct kw_tx *tx, const struct kw_access_key *key)
{
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    struct kw_access_use_entry entry;
    struct name name;

    kw_access_use_read(key->use, &entry);
    kw_record_access_key_name(key, name_init(&name));
    kw_record_access_use_encode(&entry, &plain);
    return put_record(tx, KW_RECORD_ACCESS_USE, &name, &plain);
}

/* ---- saved pools ---- */

#define SAVED_POOL_MAX 256u

int kw_tx_get_saved_pool(struct kw_tx *tx, struct kw_saved_name name, struct kw_saved_pool *ret)
{
    struct name record;
    uint8_t bytes[SAVED_POOL_MAX];
    KW_ERASE_GUARD(bytes);
    struct kw_buf plain = KW_BUF(bytes, sizeof(bytes));

    kw_saved_record_name(name, name_init(&record));
    int r = kw_rows_get(tx->rows, KW_RECORD_SAVED_POOL, kw_buf_bytes(&record.buf), &plain);
    if (r == KW_ROWS_NONE)
        return KW_TX_NONE;
    if (r == 0 && kw_saved_record_decode(kw_buf_bytes(&plain), name, ret) != 0)
        r = KW_STORE_CORRUPT;
    return forward(tx, r);
}

int kw_tx_put_saved_pool(struct kw_tx *tx, const struct kw_saved_pool *saved)
{
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(SAVED_POOL_MAX);
    struct name record;

    kw_saved_record_name(saved->name, name_init(&record));
    kw_saved_record_encode(saved, &plain);
    return put_record(tx, KW_RECORD_SAVED_POOL, &record, &plain);
}

int kw_tx_remove_saved_pool(struct kw_tx *tx, struct kw_saved_name name)
{
    struct name record;

    kw_saved_record_name(name, name_init(&record));
    return remove_record(tx, KW_RECORD_SAVED_POOL, &record);
}
