#include "api/keystore_v2.h"

#include "api/keystore.h"
#include "api/keystore_place.h"
#include "api/keystore_rows.h"
#include "api/keystore_sql.h"
#include "api/tlv.h"

#include <stdio.h>

/* What is read here may have been edited by anyone who could write the file: nothing is believed before it
 * has been authenticated. */

#define VERSION 1

enum {
    FIELD_ACCESS_KEY_ID = 1,
    FIELD_SECRET = 2,
    FIELD_ACCOUNT = 3,
    FIELD_USER_NAME = 4,
    FIELD_ID = 5,
    FIELD_ADMINISTRATOR = 6,
    FIELD_ENABLED = 7,
};

/* An entity that cannot be made from a record is damage, unless memory ran out. */
static int made(int r)
{
    return r == KW_ENTITY_INVALID ? KW_STORE_CORRUPT : r;
}

/* ---- writing ---- */

static int put(
    struct kw_rows *rows, enum kw_record_kind kind, const struct kw_buf *name, struct kw_sbuf *plain)
{
    kw_assert(kw_buf_ok(name));
    KW_REQUIRE(kw_sbuf_ok(plain), -ENOMEM);
    return kw_rows_put(rows, kind, kw_buf_bytes(name), kw_sbuf_bytes(plain));
}

static int write_user(struct kw_rows *rows, const struct kw_principal *like)
{
    KW_PRINCIPAL struct kw_principal *user = NULL;
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    uint8_t bytes[KW_SEAL_IDENTITY_MAX];
    struct kw_buf name = KW_BUF(bytes, sizeof(bytes));
    int r = made(kw_principal_new(&user, like));

    if (r != 0)
        return r;
    kw_record_principal_name(user, &name);
    kw_record_principal_encode(user, &plain);
    return put(rows, KW_RECORD_PRINCIPAL, &name, &plain);
}

/* When it was made was not written down. */
static int convert_user(struct kw_rows *rows, const struct kw_v2_credentials *credentials)
{
    KW_POLICY struct kw_policy *policy = NULL;
    struct kw_named_policy named = {.name = KW_ADMINISTRATOR_POLICY_NAME};
    struct kw_principal like = {.kind = KW_PRINCIPAL_USER,
        .account = credentials->account,
        .name = credentials->user_name,
        .enabled = true};
    char why[128];

    memcpy(like.id, credentials->principal_id, sizeof(like.id));
    if (credentials->administrator) {
        int r = kw_policy_new(
            &policy, KW_POLICY_IDENTITY, KW_LIT(KW_ADMINISTRATOR_POLICY), NULL, why, sizeof(why));
        KW_TRY(r);
        kw_assert(r == 0);
        named.policy = policy;
        like.policies = &named;
        like.num_policies = 1;
    }
    return write_user(rows, &like);
}

static int write_access_key(struct kw_rows *rows, const struct kw_access_key *like)
{
    KW_ACCESS_KEY struct kw_access_key *key = NULL;
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(KW_RECORD_MAX);
    uint8_t bytes[KW_SEAL_IDENTITY_MAX];
    struct kw_buf name = KW_BUF(bytes, sizeof(bytes));
    int r = made(kw_access_key_new(&key, like));

    if (r != 0)
        return r;
    kw_record_access_key_name(key, &name);
    kw_record_access_key_encode(key, &plain);
    return put(rows, KW_RECORD_ACCESS_KEY, &name, &plain);
}

static int convert_access_key(struct kw_rows *rows, const struct kw_v2_credentials *credentials)
{
    struct kw_access_key like = {.kind = KW_PRINCIPAL_USER, .enabled = credentials->enabled};
    KW_ERASE_GUARD(like);

    memcpy(like.id, credentials->access_key_id, sizeof(like.id));
    memcpy(like.secret, credentials->secret_access_key, sizeof(like.secret));
    memcpy(like.account, credentials->account, sizeof(like.account));
    memcpy(like.name, credentials->user_name, sizeof(like.name));
    return write_access_key(rows, &like);
}

static_assert(sizeof(((struct kw_v2_credentials *)0)->secret_access_key) ==
                      sizeof(((struct kw_access_key *)0)->secret) &&
                  sizeof(((struct kw_v2_credentials *)0)->user_name) == KW_PRINCIPAL_NAME_MAX + 1,
    "what was long enough then is now");

int kw_v2_write(struct kw_rows *rows, const struct kw_v2_credentials *credentials)
{
    int r = convert_user(rows, credentials);

    return r != 0 ? r : convert_access_key(rows, credentials);
}

/* ---- reading ---- */

static void need_text(struct kw_tlv *in, uint8_t tag, char *out, size_t cap)
{
    const char *text = kw_tlv_need_text(in, tag);

    in->bad |= text == NULL || strlen(text) >= cap;
    if (!in->bad)
        memcpy(out, text, strlen(text) + 1);
}

static int decode(struct kw_bytes plain, struct kw_v2_credentials *ret)
{
    KW_REQUIRE(plain.len > 0 && plain.ptr[0] == VERSION, KW_STORE_CORRUPT);
    struct kw_tlv in = KW_TLV(KW_BYTES(plain.ptr + 1, plain.len - 1));

    need_text(&in, FIELD_ACCESS_KEY_ID, ret->access_key_id, sizeof(ret->access_key_id));
    need_text(&in, FIELD_SECRET, ret->secret_access_key, sizeof(ret->secret_access_key));
    need_text(&in, FIELD_ACCOUNT, ret->account, sizeof(ret->account));
    need_text(&in, FIELD_USER_NAME, ret->user_name, sizeof(ret->user_name));
    need_text(&in, FIELD_ID, ret->principal_id, sizeof(ret->principal_id));
    ret->administrator = kw_tlv_take_flag(&in, FIELD_ADMINISTRATOR);
    ret->enabled = kw_tlv_take_flag(&in, FIELD_ENABLED);
    return kw_tlv_done(&in) ? 0 : KW_STORE_CORRUPT;
}

#define PLAIN_MAX 1024u /* the longest such record has some four hundred bytes */

/* The current row: name, sealed. */
static int read_row(struct kw_rows *rows, sqlite3_stmt *stmt, struct kw_v2_credentials *ret)
{
    uint8_t bytes[PLAIN_MAX], name_bytes[KW_SEAL_IDENTITY_MAX];
    KW_ERASE_GUARD(bytes);
    struct kw_buf plain = KW_BUF(bytes, sizeof(bytes)), own = KW_BUF(name_bytes, sizeof(name_bytes));
    struct kw_bytes name = kw_sql_column(stmt, 0);

    KW_REQUIRE(name.len <= KW_SEAL_IDENTITY_MAX, KW_STORE_CORRUPT);
    struct kw_seal_place place = kw_seal_place_record(KW_RECORD_CREDENTIALS, name);
    int r = kw_unseal(rows->sealer, &place, kw_sql_column(stmt, 1), &plain);
    KW_TRY(r);
    KW_REQUIRE(r == 0 && decode(kw_buf_bytes(&plain), ret) == 0, KW_STORE_CORRUPT);
    kw_seal_put_field(&own, kw_bytes_str(ret->access_key_id));
    return kw_bytes_equal(kw_buf_bytes(&own), name) ? 0 : KW_STORE_CORRUPT;
}

static int convert_row(struct kw_rows *rows, sqlite3_stmt *stmt, bool administrators)
{
    struct kw_v2_credentials credentials = {.enabled = false};
    KW_ERASE_GUARD(credentials);
    int r = read_row(rows, stmt, &credentials);

    if (r != 0 || credentials.administrator != administrators)
        return r;
    return kw_v2_write(rows, &credentials);
}

static int convert_rows(struct kw_rows *rows, bool administrators)
{
    KW_SQL_STMT sqlite3_stmt *stmt = NULL;
    bool row;

    int r = kw_sql_result(
        sqlite3_prepare_v2(rows->db, "SELECT name, sealed FROM records WHERE kind = 4", -1, &stmt, NULL));
    while (r == 0 && (r = kw_sql_step(stmt, &row)) == 0 && row)
        r = convert_row(rows, stmt, administrators);
    return r;
}

int kw_v2_convert(sqlite3 *db, struct kw_sealer *sealer)
{
    KW_CLEANUP(kw_rows_done) struct kw_rows rows = {0};
    int r = kw_rows_init(&rows, db, sealer);

    /* Those who are none come last, so that a user of whom both was said is none. */
    if (r == 0)
        r = convert_rows(&rows, true);
    if (r == 0)
        r = convert_rows(&rows, false);
    return r;
}
